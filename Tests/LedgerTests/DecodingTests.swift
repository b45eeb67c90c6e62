import JSON
import Ledger
import Numbers
import Testing

@Suite("Reading commands strictly")
struct DecodingTests {
    private func refusal(_ text: String) throws -> Refusal? {
        let value = try JSONValue(parsing: json(of: text))
        do {
            _ = try Command(decoding: value)
            return nil
        } catch {
            return error
        }
    }

    static let long64 = String(repeating: "x", count: 64)
    static let long65 = String(repeating: "x", count: 65)

    @Test(arguments: [
        ("deposit asset=USD", Refusal.Code.missingField, "amount"),
        ("deposit amount=1", .missingField, "asset"),
        ("deposit asset=USD amount=1 amonut=2", .unknownField, "amonut"),
        ("deposit asset=USD amount=1 force=true", .unknownField, "force"),
        (#"{"type":"deposit","account":"a","asset":"USD","amount":5}"#, .invalidAmount, "amount"),
        (#"{"type":"deposit","account":"a","asset":"USD","amount":null}"#, .invalidAmount, "amount"),
        (#"{"type":"deposit","account":"a","asset":5,"amount":"5"}"#, .invalidField, "asset"),
        (#"{"type":"deposit","account":null,"asset":"USD","amount":"5"}"#, .invalidField, "account"),
        (#"{"type":"deposit","asset":"USD","amount":"5"}"#, .missingField, "account"),
        (#"{"asset":"USD","amount":"5"}"#, .missingField, "type"),
        (#"{"type":7}"#, .invalidField, "type"),
        ("print_money asset=USD amount=1", .unknownCommand, "type"),
        ("deposit asset=USD amount=abc", .invalidAmount, "amount"),
        ("deposit asset=USD amount=1e3", .invalidAmount, "amount"),
        ("deposit asset=USD amount=+1", .invalidAmount, "amount"),
        ("deposit asset=USD amount=.5", .invalidAmount, "amount"),
        ("deposit asset=USD amount=", .invalidAmount, "amount"),
        ("deposit asset=USD amount=NaN", .invalidAmount, "amount"),
        ("deposit asset=USD amount=0.0000000000000000001", .invalidAmount, "amount"),
        ("deposit asset=USD amount=170141183460469231732", .invalidAmount, "amount"),
        ("withdraw asset=USD amount=1 force=yes", .invalidField, "force"),
        ("place_order order_id= instrument=BTC-PERP side=buy quantity=1 price=1", .invalidField, "order_id"),
        ("place_order order_id=o instrument=BTC-PERP side=Buy quantity=1 price=1", .invalidField, "side"),
        ("place_order order_id=o instrument=BTC-PERP side=long quantity=1 price=1", .invalidField, "side"),
        (
            "place_order order_id=o instrument=BTC-PERP side=buy quantity=1 price=1 position_side=net",
            .invalidField, "position_side"
        ),
        (
            "place_order order_id=o instrument=BTC-PERP side=buy quantity=1 price=1 margin_mode=crossed",
            .invalidField, "margin_mode"
        ),
        (
            "place_order order_id=o instrument=BTC-PERP side=buy quantity=1 price=1 reduce_only=null",
            .invalidField, "reduce_only"
        ),
        ("fill instrument=BTC-PERP side=buy price=1", .missingField, "quantity"),
        ("fill instrument=BTC-PERP quantity=1 price=1", .missingField, "side"),
        ("fill instrument=BTC-PERP side=buy quantity=1 price=1 fee=x", .invalidAmount, "fee"),
        ("funding instrument=BTC-PERP", .missingField, "rate"),
        ("funding instrument=BTC-PERP rate=1 amount=1", .invalidField, "amount"),
        ("raise flag=twap", .missingField, "value"),
        ("raise value=1", .missingField, "flag"),
        ("configure", .missingField, "settings"),
        ("configure settings=[]", .invalidField, "settings"),
        ("prices venue=test account=a marks={}", .unknownField, "account"),
        ("prices venue=test", .missingField, "marks"),
        ("prices marks={}", .missingField, "venue"),
        ("prices venue=test marks=[]", .invalidField, "marks"),
        (#"prices venue=test marks={"BTC-PERP":60000}"#, .invalidAmount, "marks.BTC-PERP"),
        (#"prices venue=test index={"BTC":"1,000"}"#, .invalidAmount, "index.BTC"),
        (#"prices venue=test index={"":"1"}"#, .invalidField, "index"),
        ("settle instrument=null", .invalidField, "instrument"),
        ("deposit asset=USD amount=1 id=", .invalidField, "id"),
        ("deposit asset=USD amount=1 id=\(long65)", .invalidField, "id"),
        ("deposit asset=USD amount=1 id=null", .invalidField, "id"),
        ("open_account account=\(long65) venue=test", .invalidField, "account"),
        ("open_account venue=test parent=\(long65)", .invalidField, "parent"),
        ("open_account venue=\(long65)", .invalidField, "venue"),
        ("deposit asset=\(long65) amount=1", .invalidField, "asset"),
        ("cancel_order order_id=\(long65)", .invalidField, "order_id"),
        ("fill instrument=\(long65) side=buy quantity=1 price=1", .invalidField, "instrument"),
        ("fill order_id=\(long65) instrument=I side=buy quantity=1 price=1", .invalidField, "order_id"),
        ("fill fee_asset=\(long65) instrument=I side=buy quantity=1 price=1", .invalidField, "fee_asset"),
        ("transfer to=\(long65) asset=USD amount=1", .invalidField, "to"),
        ("reserve asset=USD amount=1 purpose=\(long65)", .invalidField, "purpose"),
        ("raise flag=\(long65) value=1", .invalidField, "flag"),
        (#"cancel_order order_id=a\u0000b"#, .invalidField, "order_id"),
        (#"cancel_order order_id=a\nb"#, .invalidField, "order_id"),
        (#"cancel_order order_id=a\u007fb"#, .invalidField, "order_id"),
        (#"cancel_order order_id=a\u202eb"#, .invalidField, "order_id"),
        ("deposit asset=USD amount=1 at=1.5", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=253402300800000", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=-9223372036854775808", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=99999999999999999999", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=2026-02-29T00:00:00Z", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=9999-12-31T23:59:59-01:00", .invalidField, "at"),
        ("deposit asset=USD amount=1 at=null", .invalidField, "at"),
    ])
    func refused(_ text: String, _ code: Refusal.Code, _ field: String) throws {
        let refusal = try #require(try refusal(text), "it was read")
        #expect(refusal.code == code)
        #expect(refusal.field == field)
        #expect(refusal.message.utf8.count < 300)
    }

    @Test(arguments: ["[]", "5", "\"deposit\"", "null"])
    func notAnObject(_ text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(throws: Refusal(.invalidField, "A command must be an object.")) {
            try Command(decoding: value)
        }
    }

    @Test func aLongUnknownFieldIsNamedInPart() throws {
        let name = String(repeating: "n", count: 10_000)
        let refusal = try refusal("deposit asset=USD amount=1 \(name)=1")
        #expect(refusal?.code == .unknownField)
        #expect(refusal?.field == String(repeating: "n", count: 64))
        #expect((refusal?.message.utf8.count ?? .max) < 300)
    }

    @Test(
        arguments: [
            ("at=1780272000000", 1_780_272_000_000), ("at=0", 0), ("at=-1", -1),
            ("at=2026-06-01T00:00:00Z", 1_780_272_000_000),
            ("at=2026-06-01T02:00:00.250+02:00", 1_780_272_000_250),
            ("at=253402300799999", 253_402_300_799_999),
        ] as [(String, Int64)])
    func times(_ field: String, _ milliseconds: Int64) throws {
        let command = try Command(
            decoding: JSONValue(parsing: json(of: "deposit asset=USD amount=1 \(field)")))
        #expect(command.at?.milliseconds == milliseconds)
    }

    @Test func everyFieldIsRead() throws {
        func read(_ text: String) throws -> Command {
            try Command(decoding: JSONValue(parsing: json(of: text)))
        }
        func number(_ text: String) throws -> ExactDecimal { try ExactDecimal(text) }

        #expect(
            try read("withdraw asset=USD amount=1.5 fee=0.1 force=true id=\(Self.long64)")
                == Command(
                    id: Self.long64, account: "a",
                    content: .withdraw(asset: "USD", amount: number("1.5"), fee: number("0.1"), force: true)))
        var order = OrderRequest(
            orderID: "o", instrument: "I", side: .sell, quantity: try number("2"), price: try number("3"))
        order.reduceOnly = true
        order.positionSide = .short
        order.marginMode = .isolated
        #expect(
            try read(
                "place_order order_id=o instrument=I side=sell quantity=2 price=3 reduce_only=true "
                    + "position_side=short margin_mode=isolated")
                == Command(account: "a", content: .placeOrder(order)))
        var fill = FillRequest(instrument: "I", side: .buy, quantity: try number("2"), price: try number("3"))
        fill.fee = try number("-0.5")
        fill.feeAsset = "F"
        fill.orderID = "o"
        fill.positionSide = .long
        fill.marginMode = .cross
        fill.liquidation = true
        #expect(
            try read(
                "fill instrument=I side=buy quantity=2 price=3 fee=-0.5 fee_asset=F order_id=o "
                    + "position_side=long "
                    + "margin_mode=cross liquidation=true") == Command(account: "a", content: .fill(fill)))
        var imported = ImportRequest(instrument: "I", quantity: try number("-2"), entryPrice: try number("3"))
        imported.isolatedWallet = try number("7")
        imported.leverage = try number("9")
        imported.marginMode = .isolated
        imported.positionSide = .short
        #expect(
            try read(
                "import_position instrument=I quantity=-2 entry_price=3 isolated_wallet=7 leverage=9 "
                    + "margin_mode=isolated position_side=short")
                == Command(account: "a", content: .importPosition(imported)))
        #expect(
            try read("funding instrument=I rate=-0.01 position_side=long")
                == Command(
                    account: "a",
                    content: .funding(
                        FundingRequest(instrument: "I", measure: .rate(number("-0.01")), positionSide: .long))
                ))
        #expect(
            try read(#"prices venue=v marks={"I":"1"} index={"A":"2","B":"3"}"#)
                == Command(
                    account: nil,
                    content: .prices(
                        venue: "v", marks: [.init(name: "I", price: number("1"))],
                        index: [.init(name: "A", price: number("2")), .init(name: "B", price: number("3"))])))
        #expect(
            try read("raise flag=f asset=A value=null")
                == Command(account: "a", content: .raise(flag: "f", asset: "A", value: .null)))
    }

    @Test func namesMayHaveSixtyFourCharactersOfAnyScript() throws {
        let name = String(repeating: "é", count: 64)
        #expect(try refusal("cancel_order order_id=\(name)") == nil)
        #expect(try refusal("cancel_order order_id=\(name)é")?.field == "order_id")
    }

    @Test func everyTypeIsNamed() {
        #expect(
            CommandForm.types == [
                "accrue_interest", "adjust_isolated_margin", "auto_exchange", "borrow", "cancel_order",
                "configure", "credit", "deposit", "fill", "funding", "import_position", "open_account",
                "place_order", "prices", "quotes", "raise", "release", "repay", "reserve", "set_leverage",
                "set_margin_mode", "settle", "transfer", "withdraw",
            ])
    }

    /// What a program could pass without reading it from JSON is bounded as well.
    @Test func namesOfProgramsAreBoundedToo() throws {
        var bench = try Bench()
        let before = bench.bytes
        let contents: [(Command.Content, String)] = [
            (.raise(flag: Self.long65, asset: nil, value: .bool(true)), "flag"),
            (.raise(flag: "twap", asset: nil, value: .string(Self.long65)), "value"),
            (.raise(flag: "twap", asset: nil, value: .number("1" + Self.long65)), "value"),
            (.reserve(asset: "USD", amount: .one, purpose: Self.long65), "purpose"),
            (.credit(asset: "USD", amount: .one, purpose: ""), "purpose"),
            (
                .placeOrder(
                    OrderRequest(
                        orderID: Self.long65, instrument: "BTC-PERP", side: .buy, quantity: .one, price: .one)
                ),
                "order_id"
            ),
        ]
        for (content, field) in contents {
            #expect {
                try bench.accept(Command(account: "a", content: content))
            } throws: { error in
                (error as? Refusal)?.code == .invalidField && (error as? Refusal)?.field == field
            }
        }
        #expect(bench.bytes == before)
    }
}
