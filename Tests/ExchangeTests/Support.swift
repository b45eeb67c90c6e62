import Exchange
import JSON
import Ledger
import Numbers
import Testing

/// A venue made for these tests: one contract, one pair, fees that can be told apart, and one rule: an order
/// that would leave less than nothing is refused.
struct TestVenue: VenueJudge {
    static let place = VenueName(rawValue: "test")

    var name = TestVenue.place
    var conventions = Conventions()
    var refusesAtOnce = false
    var defaultSettings: Settings { Settings([("hedge", .bool(false))]) }

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        switch name {
        case "BTC-USD":
            Instrument(venue: self.name, name: name, kind: .spot, base: "BTC", quote: "USD", settle: "USD")
        case "BTC-PERP":
            Instrument(
                venue: self.name, name: name, kind: .perpetual, base: "BTC", quote: "USD", settle: "USD")
        default: nil
        }
    }

    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" || name == "BTC" }
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue { value }
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    { ExactDecimal(10) }
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { account.settings.flag("hedge") }
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: ["USD": .one])
    }

    func tradingTerms(of instrument: Instrument, in account: Account, at time: LedgerTime) -> TradingTerms? {
        TradingTerms(
            tick: decimal("0.5"), makerRate: decimal("0.0002"), takerRate: decimal("0.0005"),
            refusesAtOnce: refusesAtOnce)
    }

    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        guard case .orderPlaced(let order) = event, !forced else { return }
        let cost = (try? order.quantity.times(order.price, rounding: .ceiling)) ?? .zero
        if cost > after.cash("USD") {
            throw Refusal(.insufficientBalance, "Not enough money.", field: "quantity")
        }
    }
}

func decimal(_ text: String) -> ExactDecimal {
    guard let number = try? ExactDecimal(text) else { preconditionFailure("\(text) is no decimal") }
    return number
}

/// A ledger with an exchange before it, and account `a` with 1,000,000 USD.
struct Floor {
    var ledger = LedgerState()
    var exchange: Exchange
    var venue = TestVenue()
    var now = LedgerTime(milliseconds: 1_000)
    /// All that happened, in order.
    var events: [Event] = []

    init(_ execution: Exchange.Execution = .touch, refusesAtOnce: Bool = false) throws {
        exchange = Exchange(execution: execution)
        venue.refusesAtOnce = refusesAtOnce
        try open("a")
    }

    mutating func open(_ account: String) throws {
        try apply(#"{"type":"open_account","account":"\#(account)","venue":"test"}"#)
        try apply(#"{"type":"deposit","account":"\#(account)","asset":"USD","amount":"1000000"}"#)
    }

    @discardableResult
    mutating func apply(_ command: String) throws -> [Event] {
        try accept(Command(decoding: try JSONValue(parsing: command)))
    }

    @discardableResult
    mutating func accept(_ command: Command) throws -> [Event] {
        let outcome = try exchange.accept(
            command, in: &ledger, judges: [venue.name: venue], now: now)
        events += outcome.events
        return outcome.events
    }

    @discardableResult
    mutating func trade(_ instruction: TradeInstruction, _ account: String = "a") throws -> [Event] {
        try accept(Command(account: account, content: .trade(instruction)))
    }

    /// Places an order written as `buy 2 @ 100 gtc`; without a price it is a market order. Further words:
    /// `post`, `reduce`, `until=TIME`, `id=NAME`.
    @discardableResult
    mutating func place(_ words: String, _ account: String = "a") throws -> [Event] {
        try trade(.place(Self.instruction(words)), account)
    }

    static func instruction(_ text: String) -> OrderInstruction {
        let words = text.split(separator: " ").map(String.init)
        let at = words.firstIndex(of: "@")
        var terms = OrderTerms(kind: at == nil ? .market : .limit)
        for word in words {
            if let kind = OrderTerms.TimeInForce(rawValue: word) { terms.timeInForce = kind }
            if word == "post" { terms.postOnly = true }
            if word.hasPrefix("id=") { terms.clientID = String(word.dropFirst(3)) }
            if word.hasPrefix("until=") {
                terms.timeInForce = .goodTillDate
                terms.expiresAt = LedgerTime(milliseconds: Int64(word.dropFirst(6)) ?? 0)
            }
        }
        var instruction = OrderInstruction(
            instrument: words.contains("spot") ? "BTC-USD" : "BTC-PERP",
            side: words[0] == "buy" ? .buy : .sell, quantity: decimal(words[1]),
            price: at.map { decimal(words[$0 + 1]) }, terms: terms)
        instruction.reduceOnly = words.contains("reduce")
        return instruction
    }

    mutating func mark(_ price: String) throws -> [Event] {
        try apply(#"{"type":"prices","venue":"test","marks":{"BTC-PERP":"\#(price)"}}"#)
    }

    mutating func quote(_ members: String) throws -> [Event] {
        try apply(#"{"type":"quotes","venue":"test","quotes":{"BTC-PERP":{\#(members)}}}"#)
    }

    /// Has time pass up to now.
    mutating func pass() throws -> [Event] { try accept(Command(account: nil, content: .passing)) }

    var account: Account {
        ledger.account("a")
            ?? Account(
                id: "", venue: venue.name, parent: nil, conventions: Conventions(), settings: Settings(),
                openedAt: now)
    }

    var position: ExactDecimal {
        account.position("BTC-PERP", side: .net, marginMode: .cross)?.quantity ?? .zero
    }
}

/// What events say of orders, one line each: `placed 2 @ 100`, `fill 1 @ 99 taker fee 0.0495`, `ended …`.
func story(_ events: [Event]) -> [String] {
    events.compactMap { event in
        switch event.body {
        case .orderPlaced(let order): "placed \(order.side) \(order.quantity) @ \(order.price)"
        case .orderAmended(let change): "amended to \(change.quantity) @ \(change.price)"
        case .orderCancelled: "cancelled"
        case .orderEnded(_, let end): "ended \(end.rawValue)"
        case .filled(let fill):
            "fill \(fill.side) \(fill.quantity) @ \(fill.price) \(fill.liquidity?.rawValue ?? "?") "
                + "fee \(fill.fee) \(fill.feeAsset)"
        case .conditionalPlaced: "conditional placed"
        case .conditionalTrailed(_, _, let extreme): "trailed to \(extreme)"
        case .conditionalTriggered(_, let leg, let price): "triggered \(leg) at \(price)"
        case .conditionalEnded(_, let end):
            (["conditional ended", end.reason.rawValue] + [end.refusal?.rawValue].compactMap { $0 })
                .joined(separator: " ")
        case .timerSet(let timer): timer.at == nil ? "timer" : "timer set"
        default: nil
        }
    }
}

/// Expects that events read from their bytes make the same ledger, and that the account's record keeps it.
func expectKept(_ floor: Floor) throws {
    var replayed = LedgerState()
    for event in floor.events {
        var body: [UInt8] = []
        event.appendBody(to: &body)
        let read = try Event(
            sequence: event.sequence, at: event.at, account: event.account, typeName: event.typeName,
            body: try JSONValue(parsing: body), instruments: replayed.instrumentTable)
        #expect(read == event)
        try replayed.apply(read)
    }
    #expect(replayed.account("a") == floor.account)
    #expect(replayed.nextDue == floor.ledger.nextDue)
    var bytes: [UInt8] = []
    floor.account.append(to: &bytes)
    let kept = try Account(
        decoding: try JSONValue(parsing: bytes), instruments: floor.ledger.instrumentTable)
    #expect(kept == floor.account)
}
