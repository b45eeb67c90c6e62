import JSON
import Ledger
import Venue

/// Which of the venue's sockets a client has opened: the last part of its path.
enum StreamAddress: String, Sendable {
    case publicData = "public"
    case privateData = "private"
    /// Candles and all trades; conditional orders at the venue.
    case business
}

/// What can be subscribed to.
enum Channel: String, Sendable, CaseIterable {
    case account
    case orders
    case fills
    case ordersAlgo = "orders-algo"
    case algoAdvance = "algo-advance"
    case balanceAndPosition = "balance_and_position"
    case liquidationWarning = "liquidation-warning"
    case positions
    case indexTickers = "index-tickers"
    case instruments
    case markPrice = "mark-price"
    case tickers

    /// Those that tell each event by itself.
    static let toldByEvents: Set<Channel> = [.balanceAndPosition, .orders, .fills, .ordersAlgo, .algoAdvance]

    /// Whether it is of an account, and needs a login.
    var isOfAccount: Bool { address != .publicData }

    var address: StreamAddress {
        switch self {
        case .ordersAlgo, .algoAdvance: .business
        case .account, .orders, .fills, .balanceAndPosition, .liquidationWarning, .positions: .privateData
        case .indexTickers, .instruments, .markPrice, .tickers: .publicData
        }
    }

    /// Whether prices decide what it pushes.
    var followsPrices: Bool {
        switch self {
        case .indexTickers, .liquidationWarning, .markPrice, .tickers: true
        case .account, .balanceAndPosition, .instruments, .positions, .orders, .fills, .ordersAlgo,
            .algoAdvance:
            false
        }
    }

    /// The members that its argument may have, beside the channel's name.
    fileprivate var parameters: [String] {
        switch self {
        case .account: ["ccy", "extraParams"]
        case .balanceAndPosition: []
        case .orders, .ordersAlgo, .algoAdvance: ["instType", "instFamily", "instId"]
        case .fills: ["instId"]
        case .liquidationWarning: ["instType", "instFamily", "instId"]
        case .positions: ["instType", "instFamily", "instId", "extraParams"]
        case .instruments: ["instType"]
        case .indexTickers, .markPrice, .tickers: ["instId"]
        }
    }

    /// Milliseconds between pushes without an event; nil for none. Instruments are looked at so often and
    /// pushed if they have changed.
    fileprivate var interval: Int64? {
        switch self {
        case .account, .positions: 5000
        case .markPrice: 10_000
        case .indexTickers, .instruments: 60_000
        case .balanceAndPosition, .liquidationWarning, .tickers, .orders, .fills, .ordersAlgo, .algoAdvance:
            nil
        }
    }
}

/// One thing that a client has subscribed to.
struct Subscription: Sendable {
    let channel: Channel
    /// The argument as acknowledged: as it was sent, without `extraParams`.
    let argument: JSONObject
    /// `arg` of its pushes: the argument with the user's id behind the channel.
    let pushedArgument: [UInt8]
    /// What tells it from others: `extraParams` and the order of the members do not count.
    let identity: [UInt8]
    /// Milliseconds between pushes without an event; nil for none.
    let interval: Int64?
    let filter: Filter
    /// Whether the first push is still to come.
    var isFresh = true
    /// When the next push without an event is due.
    var nextRegular: Int64?
    /// What was pushed last, of public channels.
    var told = MarketTold()
    /// Ids of positions that a warning was pushed for and that are still near their liquidation.
    var warned: Set<String> = []
    /// What it counts against the venue's limits.
    var places: [RateLimiter.Place] = []

    /// Which part of the channel is wanted.
    enum Filter: Sendable {
        case everything
        /// One currency, by its name.
        case currency(String)
        case positions(PositionFilter)
        /// Of orders: a type, a family, an instrument; nil for all.
        case orders(type: String?, family: String?, name: String?)
        /// Public instruments of a type; nil for a type that nothing here has.
        case type(InstrumentType?)
        case instrument(String)
        case index(base: String, quote: String)
    }

    /// Throws 60018 for a channel or parameter that this socket does not have, 60012 for members that no
    /// channel has, quoting the request.
    init(
        reading value: JSONValue, at address: StreamAddress, _ rules: RuleTable, request: [UInt8],
        user: String?
    ) throws(StreamError) {
        // A member that is null is as good as absent: some clients send all that they know.
        guard let object = value.object else { throw .requestInvalid(request) }
        let given = JSONObject(object.members.filter { !$0.value.isNull })
        guard let name = given["channel"]?.text else { throw .requestInvalid(request) }
        guard let channel = Channel(rawValue: name) else { throw .channelUnknown(given) }
        guard channel.address == address else {
            throw address == .business ? .notForBusiness : .channelUnknown(given)
        }
        guard given.members.allSatisfy({ $0.key == "channel" || channel.parameters.contains($0.key) }) else {
            throw .requestInvalid(request)
        }
        self.channel = channel
        argument = JSONObject(given.members.filter { $0.key != "extraParams" })
        guard argument.members.allSatisfy({ $0.value.text != nil }) else { throw .requestInvalid(request) }
        guard let filter = try? Filter(channel, argument, rules) else { throw .channelUnknown(argument) }
        self.filter = filter
        pushedArgument = Self.pushed(argument, of: channel, user: user)
        identity = JSONValue.object(argument).canonicalBytes()
        interval = try Self.interval(of: channel, given["extraParams"], request: request)
    }

    private static func pushed(_ argument: JSONObject, of channel: Channel, user: String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("channel", channel.rawValue)
        if let user { writer.member("uid", user) }
        for member in argument.members where member.key != "channel" {
            writer.key(member.key)
            writer.value(member.value)
        }
        writer.endObject()
        return writer.bytes
    }

    /// Whether both are of the same data.
    func isSame(as other: Subscription) -> Bool { identity == other.identity }

    /// `extraParams` is JSON within a text: `{"updateInterval":"0"}`, which stops regular pushes; positions
    /// also take 2000, 3000 and 4000 milliseconds. Other numbers leave the venue's own interval.
    private static func interval(
        of channel: Channel, _ extra: JSONValue?, request: [UInt8]
    ) throws(StreamError) -> Int64? {
        guard let extra else { return channel.interval }
        guard let text = extra.text, let object = try? JSONValue(parsing: text), object.object != nil else {
            throw .requestInvalid(request)
        }
        guard let wanted = object["updateInterval"]?.text ?? object["updateInterval"]?.numberText else {
            return channel.interval
        }
        if wanted == "0" { return nil }
        let isOffered = channel == .positions && ["2000", "3000", "4000"].contains(wanted)
        return isOffered ? Int64(wanted) : channel.interval
    }
}

extension Subscription.Filter {
    /// Throws where a parameter is missing or names nothing.
    fileprivate init(_ channel: Channel, _ argument: JSONObject, _ rules: RuleTable) throws(OKXError) {
        let name = argument["instId"]?.text ?? ""
        switch channel {
        case .balanceAndPosition: self = .everything
        case .account:
            guard let currency = argument["ccy"]?.text, !currency.isEmpty else {
                self = .everything
                return
            }
            guard rules.assetPlace(currency) != nil else { throw .parameterWrong("ccy") }
            self = .currency(currency)
        case .orders, .ordersAlgo, .algoAdvance, .fills:
            self = try Self.orders(channel, argument, rules)
        case .liquidationWarning, .positions:
            self = .positions(try PositionFilter(subscription: argument, rules))
        case .instruments:
            guard let text = argument["instType"]?.text, !text.isEmpty else {
                throw .parameterMissing("instType")
            }
            if ["OPTION", "MARGIN"].contains(text) {
                self = .type(nil)
            } else {
                self = .type(try OKXVenue.instrumentType(text))
            }
        case .markPrice, .tickers:
            guard rules.instrument(name) != nil else { throw .instrumentUnknown }
            self = .instrument(name)
        case .indexTickers:
            let pair = try OKXVenue.indexPair(name, rules)
            self = .index(base: pair.base, quote: pair.quote)
        }
    }

    private static func orders(
        _ channel: Channel, _ argument: JSONObject, _ rules: RuleTable
    ) throws(OKXError) -> Self {
        func given(_ name: String) -> String? { argument[name]?.text.flatMap { $0.isEmpty ? nil : $0 } }
        let name = given("instId")
        if let name, rules.instrument(name) == nil { throw .instrumentUnknown }
        if channel == .fills { return .orders(type: nil, family: nil, name: name) }
        guard let type = given("instType") else { throw .parameterMissing("instType") }
        if !["ANY", "MARGIN", "OPTION", "EVENTS"].contains(type) { _ = try OKXVenue.instrumentType(type) }
        let family = given("instFamily")
        if let family, !rules.instruments.contains(where: { $0.family.isExactly(family) }) {
            throw .parameterWrong("instFamily")
        }
        return .orders(type: type == "ANY" ? nil : type, family: family, name: name)
    }

    /// Whether orders of an instrument, of this `instType`, are wanted.
    func admits(_ instrument: Instrument, _ typeName: String, _ rules: RuleTable) -> Bool {
        guard case .orders(let type, let family, let name) = self,
            let entry = rules.instrument(instrument.name)
        else { return false }
        return (type ?? typeName) == typeName && (family ?? entry.family).isExactly(entry.family)
            && (name ?? instrument.name).isExactly(instrument.name)
    }
}
