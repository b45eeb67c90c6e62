import JSON
import Ledger
import Numbers
import Testing

/// A command that is refused, after the commands before it.
struct Refused: CustomTestStringConvertible, Sendable {
    var conventions = Conventions()
    var before: [String] = []
    let command: String
    let code: Refusal.Code
    let field: String?

    init(
        _ command: String, _ code: Refusal.Code, _ field: String?, after before: [String] = [],
        conventions: Conventions = Conventions()
    ) {
        self.command = command
        self.code = code
        self.field = field
        self.before = before
        self.conventions = conventions
    }

    var testDescription: String { "\(code.rawValue): \(command.prefix(100))" }
}

@Suite("Refusals: code, field, and a ledger left byte for byte as it was")
struct RefusalTests {
    static let hedge = #"configure settings={"hedge":true}"#
    static let long = "fill instrument=BTC-PERP side=buy quantity=2 price=100"
    static let child = "open_account account=b venue=test parent=a"
    static let order = "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=2 price=90 force=true"

    private func check(_ row: Refused) throws {
        var bench = try Bench(TestVenue(conventions: row.conventions), row.before)
        let before = bench.bytes
        let state = bench.state
        let refusal = try #require(try bench.refusal(of: row.command), "it was accepted")
        #expect(refusal.code == row.code)
        #expect(refusal.field == row.field)
        #expect(!refusal.message.isEmpty && refusal.message.utf8.count < 500)
        #expect(bench.bytes == before)
        for id in state.accountIDs { #expect(bench.state.account(id) == state.account(id)) }
        #expect(bench.state.prices(of: TestVenue.place) == state.prices(of: TestVenue.place))
    }

    @Test(arguments: [
        Refused("open_account account=a venue=test", .accountExists, "account"),
        Refused("open_account account=x venue=nowhere", .unknownVenue, "venue"),
        Refused("open_account account=x/y venue=test", .invalidField, "account"),
        Refused("open_account account=é venue=test", .invalidField, "account"),
        Refused("open_account account=x venue=test parent=nobody", .unknownAccount, "parent"),
        Refused("open_account account=x venue=test parent=x", .unknownAccount, "parent"),
        Refused("open_account account=x venue=test parent=b", .notFamily, "parent", after: [child]),
        Refused("open_account account=x venue=test parent=a at=999", .timeBackwards, "at"),
        Refused(
            #"open_account account=x venue=test "#
                + #"settings={"colour":"red"}"#, .unknownField, "settings.colour"),
        Refused(#"open_account account=x venue=test settings={"hedge":1}"#, .invalidField, "settings.hedge"),
        Refused(#"configure settings={"hedge":true,"tier":5}"#, .invalidField, "settings.tier"),
        Refused(#"configure settings={"hedge":true}"#, .notAllowed, "settings", after: [long]),
        Refused(#"configure account=nobody settings={}"#, .unknownAccount, "account"),
    ])
    func accounts(_ row: Refused) throws {
        try check(row)
    }

    @Test(arguments: [
        Refused("deposit asset=DOGE amount=1", .unknownAsset, "asset"),
        Refused("deposit account=nobody asset=USD amount=1", .unknownAccount, "account"),
        Refused("deposit asset=USD amount=0", .invalidAmount, "amount"),
        Refused("deposit asset=USD amount=-1", .invalidAmount, "amount"),
        Refused(
            "deposit asset=USD amount=0.000000001", .invalidAmount, "amount",
            conventions: Conventions(amountPlaces: 8)),
        Refused("deposit asset=USD amount=1 at=999", .timeBackwards, "at"),
        Refused("deposit asset=USD amount=1 at=1999", .timeBackwards, "at", after: ["settle at=2000"]),
        Refused(
            "deposit asset=USD amount=170141183460469231731", .overflow, nil,
            after: ["deposit asset=USD amount=1"]),
        Refused("withdraw asset=USD amount=1", .insufficientBalance, "amount"),
        Refused("withdraw asset=USD amount=0 force=true", .invalidAmount, "amount"),
        Refused("withdraw asset=USD amount=1 fee=-1 force=true", .invalidAmount, "fee"),
        Refused(
            "withdraw asset=USD amount=1 fee=0.001 force=true", .invalidAmount, "fee",
            conventions: Conventions(amountPlaces: 2)),
        Refused("withdraw asset=DOGE amount=1 force=true", .unknownAsset, "asset"),
        Refused("transfer to=nobody asset=USD amount=1", .unknownAccount, "to"),
        Refused("transfer to=a asset=USD amount=1", .notFamily, "to"),
        Refused(
            "transfer to=x asset=USD amount=1", .notFamily, "to", after: ["open_account account=x venue=test"]
        ),
        Refused("transfer to=b asset=USD amount=1", .insufficientBalance, "amount", after: [child]),
        Refused("transfer to=b asset=USD amount=-1 force=true", .invalidAmount, "amount", after: [child]),
        Refused(
            "transfer to=b asset=USD amount=1 force=true at=1500", .timeBackwards, "at",
            after: [child, "settle account=b at=2000"]),
        Refused(
            "transfer to=b asset=USD amount=170141183460469231731 force=true", .overflow, nil,
            after: [child, "deposit account=b asset=USD amount=1"]),
        Refused("borrow asset=USD amount=-2", .invalidAmount, "amount"),
        Refused("repay asset=USD amount=2", .insufficientBalance, "amount"),
        Refused(
            "repay asset=USD amount=2.000000000000000001", .insufficientBalance, "amount",
            after: ["borrow asset=USD amount=1.5", "accrue_interest asset=USD amount=0.5"],
            conventions: Conventions(keepsInterestApart: true)),
        Refused("accrue_interest asset=USD amount=0", .invalidAmount, "amount"),
        Refused("reserve asset=USD amount=0 purpose=fixed", .invalidAmount, "amount"),
        Refused(
            "release asset=USD amount=2 purpose=fixed", .insufficientBalance, "amount",
            after: [
                "reserve asset=USD amount=1 purpose=fixed", "reserve asset=USD amount=9 purpose=strategy",
            ]),
        Refused("release asset=BTC amount=2 purpose=fixed", .insufficientBalance, "amount"),
        Refused("credit asset=DOGE amount=2 purpose=promo", .unknownAsset, "asset"),
        Refused("credit asset=USD amount=-2 purpose=promo", .invalidAmount, "amount"),
        Refused("raise flag=twap asset=DOGE value=1", .unknownAsset, "asset"),
        Refused("raise flag=twap value=[1]", .invalidField, "value"),
        Refused("raise flag=twap value={}", .invalidField, "value"),
    ])
    func money(_ row: Refused) throws {
        try check(row)
    }

    @Test(arguments: [
        Refused(
            "place_order order_id=o1 instrument=BTC-PERP side=buy quantity=1 price=1", .insufficientBalance,
            "quantity"),
        Refused(order, .orderExists, "order_id", after: [order]),
        Refused(
            "place_order order_id=o2 instrument=NOPE side=buy quantity=1 price=1", .unknownInstrument,
            "instrument"),
        Refused(
            "place_order order_id=o2 instrument=BTC-PERP side=buy quantity=0 price=1", .invalidAmount,
            "quantity"),
        Refused(
            "place_order order_id=o2 instrument=BTC-PERP side=buy quantity=1 price=-1", .invalidAmount,
            "price"),
        Refused(
            "place_order order_id=o2 instrument=BTC-PERP side=buy quantity=1 price=1 position_side=long",
            .invalidField, "position_side"),
        Refused(
            "place_order order_id=o2 instrument=BTC-PERP side=buy quantity=1 price=1", .missingField,
            "position_side", after: [hedge]),
        // 10¹² × 10¹² has 25 digits; a notional that no figure could show.
        Refused(
            "place_order order_id=o2 instrument=BTC-PERP side=buy quantity=1000000000000 price=1000000000000 "
                + "force=true", .overflow, nil),
        Refused("cancel_order order_id=o2", .unknownOrder, "order_id", after: [order]),
    ])
    func orders(_ row: Refused) throws {
        try check(row)
    }

    @Test(arguments: [
        Refused("fill instrument=NOPE side=buy quantity=1 price=1", .unknownInstrument, "instrument"),
        Refused("fill instrument=BTC-PERP side=buy quantity=0 price=1", .invalidAmount, "quantity"),
        Refused("fill instrument=BTC-PERP side=buy quantity=1 price=0", .invalidAmount, "price"),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=1 price=1 "
                + "fee_asset=DOGE", .unknownAsset, "fee_asset"),
        Refused(
            "fill order_id=o9 instrument=BTC-PERP side=buy quantity=1 price=1", .unknownOrder, "order_id"),
        Refused(
            "fill order_id=o1 instrument=BTC-LOT side=buy quantity=1 price=1", .invalidField, "order_id",
            after: [order]),
        Refused(
            "fill order_id=o1 instrument=BTC-PERP side=sell quantity=1 price=1", .invalidField, "order_id",
            after: [order]),
        Refused(
            "fill order_id=o1 instrument=BTC-PERP side=buy quantity=1 price=1 margin_mode=isolated",
            .invalidField,
            "order_id", after: [order]),
        Refused(
            "fill order_id=o1 instrument=BTC-PERP side=buy quantity=2.1 price=1", .invalidAmount, "quantity",
            after: [order]),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=1 price=1 position_side=short", .invalidField,
            "position_side"),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=1 price=1", .missingField, "position_side",
            after: [hedge]),
        Refused(
            "fill instrument=BTC-PERP side=sell quantity=1 price=1 position_side=long", .noPosition,
            "quantity",
            after: [hedge]),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=1.5 price=1 position_side=short", .noPosition,
            "quantity",
            after: [hedge, "fill instrument=BTC-PERP side=sell quantity=1 price=1 position_side=short"]),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=10000000000 price=100000000000", .overflow, nil),
        Refused(
            "fill instrument=BTC-PERP side=buy quantity=10000000000 price=10000000000", .overflow, nil,
            after: ["fill instrument=BTC-PERP side=buy quantity=10000000000 price=10000000000"]),
        // 0.000000000000000001 ÷ 60000 is nothing to 18 places: it would have no entry price.
        Refused(
            "fill instrument=BTC-COIN side=buy quantity=0.000000000000000001 price=60000", .invalidAmount,
            "quantity"),
        Refused(
            "fill instrument=BTC-COIN side=sell quantity=0.999999999999999999 price=60000", .overflow, nil,
            after: ["fill instrument=BTC-COIN side=buy quantity=1 price=60000"]),
        Refused(
            "import_position instrument=BTC-USD quantity=1 entry_price=1", .invalidField, "instrument"),
        Refused("import_position instrument=BTC-PERP quantity=0 entry_price=1", .invalidAmount, "quantity"),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=0", .invalidAmount, "entry_price"),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=1 leverage=0.5", .invalidAmount,
            "leverage"),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=1 isolated_wallet=5", .invalidField,
            "isolated_wallet"),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=1 margin_mode=isolated "
                + "isolated_wallet=-5", .invalidAmount, "isolated_wallet"),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=1", .notAllowed, "instrument",
            after: [long]),
        Refused(
            "import_position instrument=BTC-PERP quantity=1 entry_price=1 position_side=short", .invalidField,
            "position_side", after: [hedge]),
        Refused(
            "import_position instrument=BTC-LOT quantity=100000000000 entry_price=100000000000", .overflow,
            nil),
    ])
    func trades(_ row: Refused) throws {
        try check(row)
    }

    @Test(arguments: [
        Refused("set_leverage instrument=NOPE leverage=5", .unknownInstrument, "instrument"),
        Refused("set_leverage instrument=BTC-USD leverage=5", .invalidField, "instrument"),
        Refused("set_leverage instrument=BTC-PERP leverage=0.99", .invalidAmount, "leverage"),
        Refused(
            "adjust_isolated_margin instrument=BTC-PERP amount=1", .noPosition, "instrument", after: [long]),
        Refused("adjust_isolated_margin instrument=BTC-PERP amount=0", .invalidAmount, "amount"),
        Refused(
            "adjust_isolated_margin instrument=BTC-PERP amount=0.000000001", .invalidAmount, "amount",
            after: [long + " margin_mode=isolated"], conventions: Conventions(bookedPlaces: 8)),
        Refused(
            "adjust_isolated_margin instrument=BTC-PERP amount=-20.1", .insufficientBalance, "amount",
            after: [long + " margin_mode=isolated"]),
        Refused("funding instrument=BTC-PERP amount=1", .noPosition, "instrument"),
        Refused(
            "funding instrument=BTC-PERP amount=1 position_side=long", .noPosition, "instrument",
            after: [long]),
        Refused(
            "funding instrument=BTC-PERP amount=1", .invalidField, "position_side",
            after: [long, long + " margin_mode=isolated"]),
        Refused("funding instrument=BTC-PERP rate=0.1", .priceMissing, "instrument", after: [long]),
        // The first leg's payment is fine, the second one is not: neither is booked.
        Refused(
            "funding instrument=BTC-PERP rate=-1", .notAllowed, "rate",
            after: [
                hedge, #"prices venue=test marks={"BTC-PERP":"10"}"#,
                "import_position instrument=BTC-PERP quantity=1 entry_price=10 position_side=long",
                "import_position instrument=BTC-PERP quantity=-1000000 entry_price=10 position_side=short",
            ]),
        Refused("settle instrument=BTC-USD", .invalidField, "instrument"),
        Refused("settle", .priceMissing, "instrument", after: [long]),
        Refused(#"prices venue=nowhere marks={}"#, .unknownVenue, "venue"),
        Refused(#"prices venue=test marks={"BTC-PERP":"1","NOPE":"1"}"#, .unknownInstrument, "marks.NOPE"),
        Refused(#"prices venue=test marks={"BTC-PERP":"0"}"#, .invalidAmount, "marks.BTC-PERP"),
        Refused(#"prices venue=test index={"BTC":"5","DOGE":"5"}"#, .unknownAsset, "index.DOGE"),
        Refused(#"prices venue=test index={"BTC":"-5"}"#, .invalidAmount, "index.BTC"),
        Refused(
            #"prices venue=test index={"BTC":"5"} at=1999"#, .timeBackwards, "at",
            after: [#"prices venue=test index={"BTC":"4"} at=2000"#]),
    ])
    func marginFundingPrices(_ row: Refused) throws {
        try check(row)
    }

    @Test func aCommandWithoutAccountIsRefused() throws {
        var bench = try Bench()
        let before = bench.bytes
        #expect(throws: Refusal(.missingField, "account is missing.", field: "account")) {
            try bench.accept(Command(account: nil, content: .deposit(asset: "USD", amount: .one)))
        }
        #expect(bench.bytes == before)
    }

    @Test func aVenueWithoutRulesIsRefused() throws {
        let bench = try Bench()
        var state = bench.state
        let command = Command(account: "a", content: .deposit(asset: "USD", amount: .one))
        #expect(throws: Refusal(.unknownVenue, "No rules are loaded for test.", field: "account")) {
            try state.accept(command, judges: [:], now: bench.now)
        }
        #expect(Bench.bytes(of: state) == bench.bytes)
    }

    @Test func ordersHaveALimit() throws {
        var bench = try Bench()
        for number in 1...10_000 {
            var order = OrderRequest(
                orderID: "o\(number)", instrument: "BTC-PERP", side: .buy, quantity: .one, price: .one)
            order.force = true
            try bench.accept(Command(account: "a", content: .placeOrder(order)))
        }
        let refusal = try bench.refusal(of: Self.order.replacing("o1 ", with: "more "))
        #expect(refusal?.code == .tooMany)
    }
}

extension String {
    fileprivate func replacing(_ part: String, with other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return replacingCharacters(in: range, with: other)
    }

    private func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
