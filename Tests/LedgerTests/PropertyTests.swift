import JSON
import Ledger
import Numbers
import Testing

/// Makes a ledger from a journal, with every event going through its written form.
func replay(_ events: [Event]) throws -> LedgerState {
    var state = LedgerState()
    for event in events {
        var body: [UInt8] = []
        event.appendBody(to: &body)
        let read = try Event(
            sequence: event.sequence, at: event.at, account: event.account, typeName: event.typeName,
            body: try JSONValue(parsing: body), instruments: state.instrumentTable)
        #expect(read == event)
        var again: [UInt8] = []
        read.appendBody(to: &again)
        #expect(again == body)
        try state.apply(read)
    }
    return state
}

/// Writes random commands: most are sound, some are refused.
struct CommandMaker {
    var generator: SeededGenerator
    var time: Int64 = 1000
    var orders = 0
    let accounts: [String]
    let hedged: Bool

    /// So many units of 10⁻ᵖ.
    mutating func amount(upTo limit: Int, places: Int) throws -> ExactDecimal {
        let units = Int.random(in: 1...limit, using: &generator)
        return try ExactDecimal(units).over(
            ExactDecimal(units: Int128(1_000_000_000_000_000_000) * Self.powers[places]),
            rounding: .towardZero)
    }

    static let powers: [Int128] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

    mutating func price() throws -> ExactDecimal { try amount(upTo: 9_999_999, places: 2) }
    mutating func quantity() throws -> ExactDecimal { try amount(upTo: 50_000, places: 3) }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    mutating func side() -> PositionSide? {
        if chance(5) { return generator.pick([nil, .long, .short]) }
        return hedged ? generator.pick([.long, .short]) : nil
    }

    mutating func next() throws -> Command {
        time += Int64.random(in: 0...50, using: &generator)
        let account = generator.pick(accounts)
        var command = Command(
            at: LedgerTime(milliseconds: chance(3) ? time - 500 : time), account: account,
            content: .settle(instrument: nil))
        let asset = chance(3) ? "DOGE" : generator.pick(["USD", "BTC"])
        let instrument = chance(3) ? "NOPE" : generator.pick(["BTC-PERP", "BTC-LOT", "BTC-COIN", "BTC-USD"])
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<10: command.content = .deposit(asset: asset, amount: try quantity())
        case 10..<15:
            command.content = .withdraw(
                asset: asset, amount: try quantity(), fee: try amount(upTo: 9, places: 2), force: chance(50))
        case 15..<21:
            command.content = .transfer(
                to: generator.pick(accounts), asset: asset, amount: try quantity(), force: chance(50))
        case 21..<27: command.content = .placeOrder(try order(instrument))
        case 27..<30:
            command.content = .cancelOrder(orderID: "o\(Int.random(in: 0...(orders + 1), using: &generator))")
        case 30..<62: command.content = .fill(try fill(instrument))
        case 62..<66:
            var imported = ImportRequest(
                instrument: instrument, quantity: chance(50) ? try quantity() : -(try quantity()),
                entryPrice: try price())
            imported.positionSide = side()
            imported.marginMode = generator.pick([nil, .cross, .isolated])
            if imported.marginMode == .isolated, chance(50) { imported.isolatedWallet = try quantity() }
            if chance(30) { imported.leverage = ExactDecimal(Int.random(in: 1...50, using: &generator)) }
            command.content = .importPosition(imported)
        case 66..<69:
            command.content = .setLeverage(
                instrument: instrument, leverage: ExactDecimal(Int.random(in: 0...50, using: &generator)),
                side: chance(50) ? nil : side(), marginMode: generator.pick([nil, .cross, .isolated]))
        case 69..<72:
            let amount = try quantity()
            command.content = .adjustIsolatedMargin(
                instrument: instrument, amount: chance(50) ? amount : -amount, side: side())
        case 72..<76:
            let rate = try amount(upTo: 2000, places: 6), amount = try quantity()
            command.content = .funding(
                FundingRequest(
                    instrument: instrument,
                    measure: chance(70) ? .rate(chance(50) ? rate : -rate) : .amount(-amount),
                    positionSide: chance(50) ? nil : side()))
        case 76..<79: command.content = .borrow(asset: asset, amount: try quantity())
        case 79..<82: command.content = .repay(asset: asset, amount: try quantity())
        case 82: command.content = .accrueInterest(asset: asset, amount: try quantity())
        case 83: command.content = .autoExchange(afterLiquidation: chance(50))
        case 84..<88:
            command.content = .reserve(
                asset: asset, amount: try quantity(), purpose: generator.pick(["strategy", "fixed"]))
        case 88..<91:
            command.content = .release(
                asset: asset, amount: try quantity(), purpose: generator.pick(["strategy", "fixed"]))
        case 91..<92: command.content = .credit(asset: asset, amount: try quantity(), purpose: "promo")
        case 92..<94: command.content = .settle(instrument: chance(50) ? nil : instrument)
        case 94..<98:
            command.account = nil
            command.content = .prices(
                venue: "test", marks: [PriceTick.Quote(name: instrument, price: try price())],
                index: [PriceTick.Quote(name: asset, price: try price())])
        case 98:
            command.content = .configure(Settings([("tier", .string(generator.pick(["basic", "gold"])))]))
        default:
            command.content = .raise(
                flag: "twap", asset: chance(50) ? nil : asset, value: chance(50) ? .null : .string("2"))
        }
        return command
    }

    private mutating func order(_ instrument: String) throws -> OrderRequest {
        orders += 1
        var order = OrderRequest(
            orderID: "o\(orders)", instrument: instrument, side: generator.pick([.buy, .sell]),
            quantity: try quantity(), price: try price())
        order.reduceOnly = chance(10)
        order.positionSide = instrument == "BTC-USD" ? nil : side()
        order.marginMode = generator.pick([nil, .cross, .isolated])
        order.force = chance(80)
        return order
    }

    private mutating func fill(_ instrument: String) throws -> FillRequest {
        var fill = FillRequest(
            instrument: instrument, side: generator.pick([.buy, .sell]), quantity: try quantity(),
            price: try price())
        fill.positionSide = instrument == "BTC-USD" ? nil : side()
        fill.marginMode = generator.pick([nil, .cross, .isolated])
        if chance(60) {
            let fee = try amount(upTo: 9999, places: 6)
            fill.fee = chance(80) ? fee : -fee
        }
        if chance(10) { fill.feeAsset = "BTC" }
        if chance(15) { fill.orderID = "o\(Int.random(in: 0...(orders + 1), using: &generator))" }
        fill.liquidation = chance(5)
        return fill
    }
}

@Suite("Properties over random sequences of commands")
struct PropertyTests {
    static let venues = [
        TestVenue(), TestVenue(conventions: Conventions(bookedPlaces: 8, feePlaces: 8, amountPlaces: 8)),
        TestVenue(
            conventions: Conventions(importedWalletComesFromCash: true, keepsInterestApart: true),
            lotsChangeAt: 6000),
    ]

    private static func seeded() -> SeededGenerator {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        return SeededGenerator(seed: seed)
    }

    /// A family of three and a stranger.
    private func world(_ venue: TestVenue, hedged: Bool) throws -> Bench {
        var bench = try Bench(venue)
        for id in ["b", "c"] { try bench.apply("open_account account=\(id) venue=test parent=a") }
        try bench.apply("open_account account=d venue=test")
        if hedged {
            for id in ["a", "b", "c", "d"] {
                try bench.apply(#"configure account=\#(id) settings={"hedge":true}"#)
            }
        }
        return bench
    }

    @Test(arguments: 0..<3, [false, true])
    func anySequence(_ venue: Int, _ hedged: Bool) throws {
        var bench = try world(Self.venues[venue], hedged: hedged)
        var maker = CommandMaker(generator: Self.seeded(), accounts: ["a", "b", "c", "d"], hedged: hedged)
        var accepted = 0
        var refused = 0
        var before = bench.bytes
        for _ in 0..<1000 {
            let command = try maker.next()
            do {
                try bench.accept(command)
                accepted += 1
                before = bench.bytes
            } catch {
                refused += 1
                try #require(bench.bytes == before, "refused, yet changed: \(command)")
            }
        }
        #expect(accepted > 200 && refused > 50)
        for id in bench.state.accountIDs {
            let account = try bench.account(id)
            #expect(try account.imbalances().isEmpty)
            #expect(account.positions.allSatisfy { !$0.quantity.isZero && !$0.cost.isZero })
            #expect(account.orders.allSatisfy { $0.remaining.isPositive && $0.remaining <= $0.quantity })
            for holding in account.holdings {
                #expect(!holding.borrowed.isNegative && !holding.interest.isNegative)
                #expect((holding.reserved + holding.credits).allSatisfy { $0.amount.isPositive })
            }
        }
        try checkTransfersConserve(bench.state)
        try checkRecords(bench.state)
        let replayed = try replay(bench.events)
        #expect(Bench.bytes(of: replayed) == bench.bytes)
        for id in bench.state.accountIDs { #expect(replayed.account(id) == bench.state.account(id)) }
    }

    private func checkTransfersConserve(_ state: LedgerState) throws {
        for asset in ["USD", "BTC"] {
            let moved = state.accountIDs.map { state.account($0)?.holding(asset)?.flows.transferred ?? .zero }
            #expect(try moved.sum() == .zero)
        }
    }

    /// An account's record reads as the same account, and is written as the same bytes again.
    private func checkRecords(_ state: LedgerState) throws {
        for id in state.accountIDs {
            let account = try #require(state.account(id))
            var bytes: [UInt8] = []
            account.append(to: &bytes)
            let read = try Account(decoding: JSONValue(parsing: bytes), instruments: state.instrumentTable)
            #expect(read == account)
            var again: [UInt8] = []
            read.append(to: &again)
            #expect(again == bytes)
        }
    }

    /// What a contract earned is what its fills exchanged: realised + remaining cost = Σ signed fills,
    /// exactly.
    @Test func costIsNeitherCreatedNorLost() throws {
        var generator = Self.seeded()
        for _ in 0..<60 {
            var bench = try Bench()
            var spent = ExactDecimal.zero
            for _ in 0..<40 {
                let buys = Bool.random(using: &generator)
                let quantity = try ExactDecimal(Int.random(in: 1...9999, using: &generator)).over(
                    ExactDecimal(1000), rounding: .towardZero)
                let price = try ExactDecimal(Int.random(in: 1...99_999_999, using: &generator)).over(
                    ExactDecimal(100), rounding: .towardZero)
                let value = try quantity.times(price, rounding: .towardZero)
                spent = try buys ? spent + value : spent - value
                let side = buys ? "buy" : "sell"
                try bench.apply("fill instrument=BTC-PERP side=\(side) quantity=\(quantity) price=\(price)")
            }
            let account = try bench.account()
            let remaining = account.position("BTC-PERP", side: .net, marginMode: .cross)?.cost ?? .zero
            let realised = account.activity("BTC-PERP")?.realised ?? .zero
            #expect(try remaining - realised == spent)
            #expect(account.cash("USD") == realised)
        }
    }

    /// Two fills of one price are as good as one of both quantities.
    @Test func splittingAFillChangesNothing() throws {
        var generator = Self.seeded()
        for instrument in ["BTC-PERP", "BTC-USD"] {
            for _ in 0..<100 {
                let quantity = Int.random(in: 2...9999, using: &generator)
                let first = Int.random(in: 1..<quantity, using: &generator)
                let price = Int.random(in: 1...99_999, using: &generator)
                let before = ["fill instrument=\(instrument) side=buy quantity=3 price=7.01"]
                func fill(_ size: Int) -> String {
                    "fill instrument=\(instrument) side=buy quantity=\(size) price=\(price).13"
                }
                let whole = try Bench(TestVenue(), before + [fill(quantity)])
                let parts = try Bench(TestVenue(), before + [fill(first), fill(quantity - first)])
                #expect(figures(try whole.account()) == figures(try parts.account()))
            }
        }
    }

    /// Closing in parts: each part's cost is rounded, yet all of them come to the profit of closing at once.
    @Test(arguments: ["BTC-PERP", "BTC-COIN"])
    func closingInPartsComesToTheSame(_ instrument: String) throws {
        var generator = Self.seeded()
        for _ in 0..<100 {
            let opening = [
                "fill instrument=\(instrument) side=buy quantity=17 price=1.25",
                "fill instrument=\(instrument) side=buy quantity=14 price=3.125",
            ]
            var sizes: [Int] = []
            var rest = 31
            while rest > 0 {
                let size = Int.random(in: 1...rest, using: &generator)
                sizes.append(size)
                rest -= size
            }
            // The exit is worth a whole number of units; only the shares of the cost, n ÷ 31 of it, round.
            func close(_ size: Int) -> String {
                "fill instrument=\(instrument) side=sell quantity=\(size) price=6.25"
            }
            let once = try Bench(TestVenue(), opening + [close(31)])
            let parts = try Bench(TestVenue(), opening + sizes.map { close($0) })
            #expect(figures(try once.account()) == figures(try parts.account()))
            #expect(try parts.account().positions.isEmpty)
        }
    }

    /// Accounts that are not of one family do not see each other: their commands may be mixed in any way.
    @Test func independentAccountsDoNotDependOnTheOrder() throws {
        var generator = Self.seeded()
        for round in 0..<10 {
            let hedged = round.isMultiple(of: 2)
            var lists: [[Command]] = []
            for id in ["x", "y"] {
                var maker = CommandMaker(
                    generator: SeededGenerator(seed: generator.next()), accounts: [id], hedged: hedged)
                lists.append(try (0..<150).map { _ in try maker.next() }.filter { $0.account != nil })
            }
            func run(_ commands: [Command]) throws -> Bench {
                var bench = try Bench(Self.venues[round % 2])
                for id in ["x", "y"] {
                    try bench.apply(#"open_account account=\#(id) venue=test settings={"hedge":\#(hedged)}"#)
                }
                let marks = #"{"BTC-PERP":"60000","BTC-LOT":"60001","BTC-COIN":"59999"}"#
                try bench.apply("prices venue=test marks=\(marks)")
                for command in commands {
                    do { try bench.accept(command) } catch { continue }
                }
                return bench
            }
            var mixed: [Command] = []
            var left = lists
            while left.contains(where: { !$0.isEmpty }) {
                let place = Int.random(in: 0...1, using: &generator)
                if !left[place].isEmpty { mixed.append(left[place].removeFirst()) }
            }
            let inTurn = try run(lists[0] + lists[1])
            let inMixture = try run(mixed)
            for id in ["x", "y"] {
                #expect(figures(try inTurn.account(id)) == figures(try inMixture.account(id)))
                #expect(try inTurn.account(id).version == inMixture.account(id).version)
                #expect(try inTurn.account(id).updatedAt == inMixture.account(id).updatedAt)
            }
        }
    }
}
