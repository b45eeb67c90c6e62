import JSON
import Ledger
import Numbers

/// A venue made for these tests: two assets, one contract of each kind, and the simplest of judgements.
struct TestVenue: VenueJudge {
    static let place = VenueName(rawValue: "test")

    var name = TestVenue.place
    var conventions = Conventions()
    /// From this time on a lot is 0.02 BTC rather than 0.01; nil for never.
    var lotsChangeAt: Int64?

    var defaultSettings: Settings { Settings([("hedge", .bool(false)), ("tier", .string("basic"))]) }

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        switch name {
        case "BTC-USD":
            return Instrument(
                venue: self.name, name: name, kind: .spot, base: "BTC", quote: "USD", settle: "USD")
        case "BTC-PERP":
            return Instrument(
                venue: self.name, name: name, kind: .perpetual, base: "BTC", quote: "USD", settle: "USD")
        case "BTC-LOT":
            let changed = lotsChangeAt.map { time.milliseconds >= $0 } ?? false
            guard let size = try? ExactDecimal(changed ? "0.02" : "0.01") else { return nil }
            return Instrument(
                venue: self.name, name: name, kind: .future, base: "BTC", quote: "USD", settle: "USD",
                contractValue: size)
        case "BTC-COIN":
            return Instrument(
                venue: self.name, name: name, kind: .perpetual, base: "BTC", quote: "USD", settle: "BTC",
                payoff: .inverse, contractValue: ExactDecimal(100))
        default: return nil
        }
    }

    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" || name == "BTC" }

    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        switch (name, value) {
        case ("hedge", .bool), ("tier", .string): return value
        case ("hedge", _), ("tier", _): throw Refusal(.invalidField, "Wrong type.", field: "settings.\(name)")
        default: throw Refusal(.unknownField, "No such setting.", field: "settings.\(name)")
        }
    }

    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    {
        ExactDecimal(10)
    }

    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }

    func isHedged(_ account: Account) -> Bool { account.settings.flag("hedge") }

    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: ["USD": .one])
    }

    /// Half of every positive balance goes for one unit of each that is negative, at whatever rates.
    func autoExchanges(
        of account: Account, afterLiquidation: Bool, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> [AutoExchange] {
        func part(_ asset: String, _ amount: ExactDecimal) -> AutoExchange.Part {
            AutoExchange.Part(asset: asset, amount: amount, rate: ExactDecimal(7))
        }
        let reason: AutoExchange.Reason = afterLiquidation ? .liquidation : .threshold
        var sold: [AutoExchange.Part] = []
        for holding in account.holdings where holding.cash.isPositive {
            guard let half = try? holding.cash.over(ExactDecimal(2), rounding: .ceiling) else { continue }
            sold.append(part(holding.asset, half))
        }
        return account.holdings.filter(\.cash.isNegative).prefix(1).map { holding in
            AutoExchange(reason: reason, bought: part(holding.asset, .one), sold: sold)
        }
    }

    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        switch event {
        case .withdrawn(let asset, _, _), .transferred(_, let asset, _):
            if !forced && after.cash(asset).isNegative {
                throw Refusal(.insufficientBalance, "Not enough \(asset).", field: "amount")
            }
        case .orderPlaced where !forced && !after.cash("USD").isPositive:
            throw Refusal(.insufficientBalance, "No money.", field: "quantity")
        case .configured where !before.positions.isEmpty:
            throw Refusal(.notAllowed, "Positions are open.", field: "settings")
        case .funded(_, let amount, _) where amount < ExactDecimal(-1_000_000):
            throw Refusal(.notAllowed, "More than this venue would ever charge.", field: "rate")
        default: break
        }
    }
}

/// A ledger with the test venue and the events that made it.
struct Bench {
    var state = LedgerState()
    var events: [Event] = []
    var venue: TestVenue
    var now = LedgerTime(milliseconds: 1000)

    /// With account `a` open, and whatever these commands do.
    init(_ venue: TestVenue = TestVenue(), _ commands: [String] = []) throws {
        self.venue = venue
        try apply("open_account venue=test")
        for command in commands { try apply(command) }
    }

    @discardableResult
    mutating func apply(_ command: String) throws -> [Event] {
        try accept(try Command(decoding: try JSONValue(parsing: json(of: command))))
    }

    @discardableResult
    mutating func accept(_ command: Command) throws(Refusal) -> [Event] {
        let made = try state.accept(command, judges: [venue.name: venue], now: now)
        events += made
        return made
    }

    /// Why a command is refused; nil if it was accepted.
    mutating func refusal(of command: String) throws -> Refusal? {
        do {
            try apply(command)
            return nil
        } catch let refusal as Refusal {
            return refusal
        }
    }

    /// Everything that can be seen of a ledger, as bytes.
    static func bytes(of state: LedgerState) -> [UInt8] {
        var bytes = Array("sequence \(state.lastSequence)\n".utf8)
        for id in state.accountIDs {
            state.account(id)?.append(to: &bytes)
            bytes += Array(" children \(state.subaccounts(of: id))\n".utf8)
        }
        let prices = state.prices(of: TestVenue.place)
        for (name, point)
            in (prices.marks.map { ("mark \($0)", $1) } + prices.index.map { ("index \($0)", $1) })
            .sorted(by: { $0.0 < $1.0 })
        {
            bytes += Array("\(name) \(point.price) at \(point.at)\n".utf8)
        }
        bytes += Array("prices of \(prices.updatedAt?.description ?? "never")\n".utf8)
        for instrument in state.instruments(of: TestVenue.place) {
            bytes += Array(
                "\(instrument.definition) \(instrument.name) \(instrument.contractValue)\n".utf8)
        }
        return bytes
    }

    var bytes: [UInt8] { Self.bytes(of: state) }

    func account(_ id: String = "a") throws -> Account {
        guard let account = state.account(id) else { throw Refusal(.unknownAccount, "No account \(id).") }
        return account
    }
}

/// A command in full: `deposit asset=USD amount=5` is one of account `a`. true, false, null and texts that
/// begin with a bracket or a brace stay as they are, and so do numbers for `at`.
func json(of command: String) -> String {
    if command.hasPrefix("{") { return command }
    var words = command.split(separator: " ").map(String.init)
    var members = [#""type":"\#(words.removeFirst())""#]
    let isMarket = members[0].contains("prices")
    if !isMarket && !words.contains(where: { $0.hasPrefix("account=") }) { members.append(#""account":"a""#) }
    for word in words {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        let value = parts.count > 1 ? parts[1] : ""
        let isPlain =
            ["true", "false", "null"].contains(value) || value.hasPrefix("{") || value.hasPrefix("[")
            || (parts[0] == "at" && !value.contains("T"))
        members.append(isPlain ? "\"\(parts[0])\":\(value)" : "\"\(parts[0])\":\"\(value)\"")
    }
    return "{\(members.joined(separator: ","))}"
}

/// Every figure of an account that is not zero, one per line and sorted: what a table's row expects.
func figures(_ account: Account) -> String {
    var lines: [String] = []
    func add(_ name: String, _ number: ExactDecimal) {
        if !number.isZero { lines.append("\(name) \(number)") }
    }
    for holding in account.holdings {
        let asset = holding.asset
        add("\(asset).cash", holding.cash)
        add("\(asset).borrowed", holding.borrowed)
        add("\(asset).interest", holding.interest)
        for earmark in holding.reserved { add("\(asset).reserved.\(earmark.purpose)", earmark.amount) }
        for earmark in holding.credits { add("\(asset).credit.\(earmark.purpose)", earmark.amount) }
        if let cost = holding.spotCost {
            add("\(asset).spot.quantity", cost.quantity)
            add("\(asset).spot.bought", cost.boughtValue)
            add("\(asset).spot.sold", cost.soldValue)
            add("\(asset).spot.open", cost.openCost)
        }
        let flows = holding.flows
        for (name, amount) in [
            ("deposited", flows.deposited), ("withdrawn", flows.withdrawn),
            ("withdrawalFees", flows.withdrawalFees),
            ("transferred", flows.transferred), ("exchanged", flows.exchanged), ("realised", flows.realised),
            ("tradingFees", flows.tradingFees), ("funding", flows.funding), ("loans", flows.borrowed),
            ("interestPaid", flows.interestPaid), ("imported", flows.imported),
        ] {
            add("\(asset)+\(name)", amount)
        }
    }
    for position in account.positions {
        let name = "\(position.instrument.name)/\(position.side.rawValue)/\(position.marginMode.rawValue)"
        add("\(name).quantity", position.quantity)
        add("\(name).cost", position.cost)
        if position.openingCost != position.cost { add("\(name).openingCost", position.openingCost) }
        add("\(name).wallet", position.isolatedWallet)
        add("\(name).realised", position.realised)
        add("\(name).funding", position.funding)
    }
    for order in account.orders {
        let name = "order.\(order.id)"
        lines.append(
            "\(name) \(order.side.rawValue) \(order.remaining) of \(order.quantity) at \(order.price)")
    }
    for row in account.activity {
        add("\(row.instrument)#realised", row.realised)
        add("\(row.instrument)#session", row.sessionRealised)
        add("\(row.instrument)#funding", row.funding)
        add("\(row.instrument)#volume", row.volume)
        add("\(row.instrument)#fees", row.fees)
        add("\(row.instrument)#liquidationFees", row.liquidationFees)
    }
    for setting in account.leverages {
        let scope = [setting.side?.rawValue, setting.marginMode?.rawValue].compactMap { $0 }.joined(
            separator: "/")
        lines.append("leverage.\(setting.instrument)[\(scope)] \(setting.leverage)")
    }
    for flag in account.overridden { lines.append("raised.\(flag.flag)[\(flag.asset ?? "")] \(flag.value)") }
    return lines.sorted().joined(separator: "\n")
}

/// The lines of a table's row in the order of `figures`.
func sorted(_ expected: String) -> String {
    expected.split(separator: "\n").map(String.init).sorted().joined(separator: "\n")
}

/// A small generator whose whole state is its seed (SplitMix64), so that a failure can be run again.
typealias SeededGenerator = SplitMix64

extension SplitMix64 {
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}
