import JSON
import Ledger
import Venue

/// User data and market streams: which paths are streams, and what a connection to one does. Binance USDⓈ-M
/// Futures API documentation, User Data Streams and Websocket Market Streams.
extension BinanceVenue {
    /// The market streams' host and the WebSocket API; the routed paths carry their category.
    public static let streamPrefixes = ["/ws", "/stream", "/private/", "/public/", "/market/", "/ws-fapi/"]

    /// Opens a stream or a session of the WebSocket API.
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? {
        if request.path == "/ws-fapi/v1" { return openSession(to: request, through: access) }
        guard let place = StreamPlace(request) else { return nil }
        return .accepted(StreamOpening(UserStream(place, venue: self, access: access)))
    }
}

/// What the address of a stream says.
struct StreamPlace: Sendable {
    /// Whether messages come with the stream's name around them.
    let isCombined: Bool
    /// Whether listen keys are streams here: not in the categories of market data.
    let servesListenKeys: Bool
    /// The streams that the address names.
    let streams: [String]
    /// The events wanted; nil for all.
    let events: Set<ExactText>?

    /// Nil where the path is no stream: `/ws`, `/ws/<streams>` and `/stream`, alone or below a category.
    init?(_ request: VenueRequest) {
        var path = request.path
        var category: String?
        for name in ["/private", "/public", "/market"] where path.hasPrefix(name + "/") {
            category = name
            path = path.dropFirst(name.count)
        }
        var streams: [String] = []
        let query = request.queryItems
        switch path {
        case "/ws", "/ws/": isCombined = false
        case "/stream", "/stream/":
            isCombined = true
            streams += Self.names(query["streams"])
        default:
            guard path.hasPrefix("/ws/") else { return nil }
            isCombined = false
            streams += Self.names(String(path.dropFirst("/ws/".count)))
        }
        for item in query where item.name == "listenKey" { streams += Self.names(item.value) }
        servesListenKeys = category == nil || category == "/private"
        self.streams = streams
        let events = Self.names(query["events"])
        self.events = events.isEmpty ? nil : Set(events.map { ExactText($0) })
    }

    private static func names(_ text: String?) -> [String] {
        (text ?? "").split(separator: "/").map(String.init)
    }
}

extension StreamClose {
    /// How Binance closes a connection for a reason of the server's. A pong that does not come is recorded
    /// as 1008; the other codes are those of RFC 6455.
    static func binance(_ reason: StreamCloseReason) -> StreamClose {
        switch reason {
        case .slowReader: StreamClose(code: 1008, reason: "Client is too slow")
        case .messageTooBig: StreamClose(code: 1009, reason: "Message is too big")
        case .protocolError: StreamClose(code: 1002, reason: "Invalid frame")
        case .unresponsive: StreamClose(code: 1008, reason: "Pong timeout")
        case .shutdown: StreamClose(code: 1001, reason: "Server is going down")
        }
    }

    /// A connection is valid for a day.
    static let dayOver = StreamClose(code: 1001, reason: "Connection is only valid for 24 hours")
    static let binaryMessage = StreamClose(code: 1003, reason: "Only text frames are accepted")
    static let tooManyMessages = StreamClose(code: 1008, reason: "Too many requests")
    /// What has happened cannot be told, because a price is missing or a figure does not fit.
    static let figureFault = StreamClose(code: 1011, reason: "A figure cannot be worked out")
}

/// How long a connection is valid, in milliseconds.
let streamDay: Int64 = 86_400_000

/// One connection to user data streams and those of market data.
///
/// A name that is neither a listen key alive nor looks like market data is acknowledged and stays silent, as
/// any unknown stream does at the venue.
struct UserStream: VenueStream {
    /// Messages of a client per second; more end the connection.
    private static let messagesPerSecond = 10
    /// The most streams that a connection can have.
    private static let streamLimit = 1024
    /// The most bytes that their names can have together. A choice.
    private static let nameLimit = 128 << 10
    /// How often it is looked whether a listen key has been extended or ended: nobody tells a stream of it.
    private static let lookInterval: Int64 = 1000

    private let venue: BinanceVenue
    private let access: any VenueAccess
    private let servesListenKeys: Bool
    private let events: Set<ExactText>?
    private var isCombined: Bool
    /// What the connection has subscribed to, in order.
    private var streams = StreamNames()
    /// The listen keys among them that are alive.
    private var feeds: [AccountFeed] = []
    private var market: MarketFeeds<MarketStreamName>
    private var interestInForce = StreamInterest()
    private var end: Int64?
    private var nextLook: Int64 = 0
    private var second: (start: Int64, messages: Int) = (0, 0)

    init(_ place: StreamPlace, venue: BinanceVenue, access: any VenueAccess) {
        self.venue = venue
        self.access = access
        isCombined = place.isCombined
        servesListenKeys = place.servesListenKeys
        events = place.events
        market = MarketFeeds(access)
        streams.add(place.streams.prefix(Self.streamLimit))
    }

    // MARK: - What it wants

    var interest: StreamInterest {
        StreamInterest(
            accounts: Set(feeds.map(\.accountID)),
            prices: !market.isEmpty
                || wants(UserEvent.marginCallName) && feeds.contains(where: \.hasPositions))
    }

    var deadline: Int64? {
        [end, feeds.isEmpty ? nil : nextLook, market.deadline].compactMap { $0 }.min()
    }

    private func wants(_ event: String) -> Bool { events?.contains(ExactText(event)) ?? true }

    // MARK: - What happens

    mutating func opened(at now: Int64, into output: inout StreamOutput) {
        end = now + streamDay
        for stream in streams.all { listen(to: stream, now) }
        if interest == interestInForce { tellMarket(at: now, into: &output) }
    }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard case .text(let text) = message else {
            output.close = .binaryMessage
            return
        }
        // A clock that was set back begins a new second too.
        if now - second.start >= 1000 || now < second.start { second = (now, 0) }
        second.messages += 1
        if access.limiter.isEnforced && second.messages > Self.messagesPerSecond {
            output.close = .tooManyMessages
            return
        }
        do {
            output.send(try answer(to: StreamRequest(text), now).bytes)
        } catch {
            output.send(error.message)
        }
        if market.isFresh, interest == interestInForce { tellMarket(at: now, into: &output) }
    }

    private mutating func tellMarket(at now: Int64, into output: inout StreamOutput) {
        if market.isEmpty { return }
        let moment = MarketMoment(venue, access, at: now)
        let isCombined = isCombined
        let messages = market.news(at: now) { feed in
            moment.news(&feed).map { $0.wrapped(asOf: feed.subscription.name, isCombined: isCombined) }
        }
        for message in messages { output.send(message) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        begin()
        tellMarginCalls(at: access.ledgerTime(), into: &output)
        tellMarket(at: now, into: &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        look(now, into: &output)
        begin()
        for event in notice.events {
            do {
                try tell(event, into: &output)
            } catch {
                output.close = .figureFault
                return
            }
        }
        if notice.pricesChanged {
            tellMarginCalls(at: access.ledgerTime(), into: &output)
            tellMarket(at: now, into: &output)
        }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        if let end, now >= end {
            output.close = .dayOver
            return
        }
        if !feeds.isEmpty, now >= nextLook { look(now, into: &output) }
        if let due = market.deadline, now >= due { tellMarket(at: now, into: &output) }
    }

    func close(for reason: StreamCloseReason) -> StreamClose { .binance(reason) }

    // MARK: - Listen keys

    /// Follows a stream if it is one of market data, or a listen key that is alive.
    private mutating func listen(to name: String, _ now: Int64) {
        if let stream = MarketStreamName(name, venue.rules(at: access.ledgerTime())) {
            if stream.kind != .silent { market.add(stream, at: now) }
            return
        }
        guard servesListenKeys, !MarketStreamName.isLike(name),
            !feeds.contains(where: { $0.listenKey.isExactly(name) }),
            let life = venue.life(ofListenKey: name, through: access)
        else { return }
        if feeds.isEmpty { nextLook = now + Self.lookInterval }
        feeds.append(AccountFeed(listenKey: name, accountID: life.account))
    }

    /// Ends what has no listen key any more, and says so.
    private mutating func look(_ now: Int64, into output: inout StreamOutput) {
        nextLook = now + Self.lookInterval
        for feed in feeds where venue.life(ofListenKey: feed.listenKey, through: access) == nil {
            send(.listenKeyExpired(listenKey: feed.listenKey, at: now), of: feed.listenKey, into: &output)
            forget([feed.listenKey])
        }
    }

    private mutating func forget(_ names: [String]) {
        let names = Set(names.map { ExactText($0) })
        streams.remove(names)
        feeds.removeAll { names.contains(ExactText($0.listenKey)) }
        market.removeAll { names.contains(ExactText($0.name)) }
    }

    // MARK: - Telling

    /// Takes over the accounts that are new; from here on their events are told.
    private mutating func begin() {
        for place in feeds.indices where feeds[place].account == nil {
            guard let snapshot = access.snapshot(of: feeds[place].accountID) else { continue }
            feeds[place].account = snapshot.account
            // Whoever is below the margin already has been told so before.
            let calls = try? venue.figures(of: snapshot).marginCalls(at: snapshot.at)
            feeds[place].called = Set((calls ?? []).map(\.unit))
        }
    }

    private mutating func tell(_ event: Event, into output: inout StreamOutput) throws {
        for place in feeds.indices
        where feeds[place].accountID == event.account || feeds[place].accountID == event.counterparty {
            guard let before = feeds[place].account, event.sequence > before.lastSequence else { continue }
            var after = before
            try after.apply(event)
            feeds[place].account = after
            let told = try venue.userEvents(
                of: event, before: before, after: after, prices: access.prices())
            for event in told { send(event, of: feeds[place].listenKey, into: &output) }
            tellMarginCalls(of: place, at: event.at, into: &output)
        }
    }

    private mutating func tellMarginCalls(at time: LedgerTime, into output: inout StreamOutput) {
        for place in feeds.indices { tellMarginCalls(of: place, at: time, into: &output) }
    }

    /// Tells of every unit that was above its margin when it was last looked and is not any more. Where a
    /// price is missing nothing is known, and nothing told.
    private mutating func tellMarginCalls(
        of place: Int, at time: LedgerTime, into output: inout StreamOutput
    ) {
        guard wants(UserEvent.marginCallName), let account = feeds[place].account else { return }
        if account.positions.isEmpty {
            feeds[place].called = []
            return
        }
        let figures = try? venue.figures(of: account, prices: access.prices(), at: time)
        guard let calls = try? figures?.marginCalls(at: time) else { return }
        for (unit, call) in calls where !feeds[place].called.contains(unit) {
            send(.marginCall(call), of: feeds[place].listenKey, into: &output)
        }
        feeds[place].called = Set(calls.map(\.unit))
    }

    private func send(_ event: UserEvent, of listenKey: String, into output: inout StreamOutput) {
        if case .listenKeyExpired = event {} else if !wants(event.name) { return }
        // Its figures were worked out before.
        guard let message = try? event.message() else { return }
        output.send(message.wrapped(asOf: listenKey, isCombined: isCombined))
    }

    // MARK: - Requests

    /// Refuses names of market data that are no stream here: a choice, the venue acknowledges them and is
    /// silent for ever.
    private func requireKnown(_ names: [String]) throws(StreamRequestError) {
        let rules = venue.rules(at: access.ledgerTime())
        for name in names where MarketStreamName.isLike(name) && MarketStreamName(name, rules) == nil {
            throw .unknownStream(name)
        }
    }

    private mutating func answer(
        to request: StreamRequest, _ now: Int64
    ) throws(StreamRequestError) -> StreamReply {
        switch request.method {
        case .subscribe:
            let wanted = try request.streams()
            let size = wanted.reduce(streams.size) { $0 + $1.utf8.count }
            if streams.all.count + wanted.count > Self.streamLimit || size > Self.nameLimit {
                throw .tooManyParameters
            }
            try requireKnown(wanted)
            for stream in streams.add(wanted) { listen(to: stream, now) }
            return request.reply(.null)
        case .unsubscribe:
            forget(try request.streams())
            return request.reply(.null)
        case .listSubscriptions:
            if !request.parameters.isEmpty { throw .tooManyParameters }
            return request.reply(.array(streams.all.map { .string($0) }))
        case .setProperty:
            isCombined = try request.combined()
            return request.reply(.null)
        case .getProperty:
            try request.requireCombined(count: 1)
            return request.reply(.bool(isCombined))
        }
    }
}

/// What a connection has subscribed to: each name once, in order.
private struct StreamNames: Sendable {
    private(set) var all: [String] = []
    /// Their bytes.
    private(set) var size = 0
    private var known: Set<ExactText> = []

    /// Adds names; gives those that are new.
    @discardableResult
    mutating func add(_ names: some Sequence<String>) -> [String] {
        let new = names.filter { known.insert(ExactText($0)).inserted }
        all += new
        size += new.reduce(0) { $0 + $1.utf8.count }
        return new
    }

    mutating func remove(_ names: Set<ExactText>) {
        known.subtract(names)
        all.removeAll { names.contains(ExactText($0)) }
        size = all.reduce(0) { $0 + $1.utf8.count }
    }
}

/// A listen key that a connection follows, and its account as far as it has been told.
private struct AccountFeed: Sendable {
    let listenKey: String
    let accountID: String
    /// Nil until the interest in it is in force.
    var account: Account?
    /// What has a margin call now.
    var called: Set<MarginUnit> = []

    init(listenKey: String, accountID: String) {
        self.listenKey = listenKey
        self.accountID = accountID
    }

    var hasPositions: Bool { account.map { !$0.positions.isEmpty } ?? false }
}
