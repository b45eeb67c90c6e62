import JSON
import Ledger
import Venue

/// One connection to OKX's WebSocket: login, subscriptions, and what they push.
///
/// OKX API documentation, WebSocket: Connect, Login, Subscribe.
struct OKXStream: VenueStream {
    /// Limits of streams. The venue publishes all but the last two, which are a choice.
    enum Limit {
        /// Connections that one address may open in a second.
        static let connections = 3
        /// Requests of one connection in an hour.
        static let requests = 480
        /// Connections of one account that may have subscribed to one channel.
        static let connectionsOfChannel = 30
        /// Subscriptions of one key.
        static let subscriptionsOfKey = 100
        /// Channels of one connection, and of one address.
        static let channelsOfConnection = 1000
        static let channelsOfAddress = 10_000
    }

    /// Real milliseconds.
    enum Interval {
        /// Without a message in either direction the connection ends.
        static let silence: Int64 = 30_000
        /// Events of so long make one push.
        static let events: Int64 = 50
        static let prices: Int64 = 100
        /// A key that was revoked is noticed after so long at the latest.
        static let keyCheck: Int64 = 1000
    }

    /// Who has logged in.
    struct Session: Sendable {
        let key: APIKey
        /// `uid` of the account.
        let user: String
    }

    let venue: OKXVenue
    let access: any VenueAccess
    let address: StreamAddress
    let client: String
    /// `connId`: eight hexadecimal digits.
    let connection: String
    private(set) var session: Session?
    private(set) var subscriptions: [Subscription] = []
    private var market: MarketFeeds<MarketSubscription>
    /// What counts this connection against its account's limit per channel.
    private var channelPlaces: [Channel: RateLimiter.Place] = [:]
    /// Kept, because the server asks for it after every event.
    private(set) var interest = StreamInterest()
    private var interestInForce = StreamInterest()
    /// The account as of the last push of `account` and `positions`.
    private var pushed: Account?
    /// The account as told by `balance_and_position`, event by event.
    private(set) var told: Account?
    private var lastActivity: Int64
    /// The requests of the present hour.
    private var hour: (start: Int64, requests: Int)
    /// When events that were heard are to be pushed.
    private var nextPush: Int64?
    private var nextKeyCheck: Int64?

    init(
        _ venue: OKXVenue, through access: any VenueAccess, at address: StreamAddress, client: String,
        connection: String
    ) {
        self.venue = venue
        self.access = access
        self.address = address
        self.client = client
        self.connection = connection
        market = MarketFeeds(access)
        lastActivity = access.realTime()
        hour = (lastActivity, 0)
    }

    /// What its subscriptions make it follow.
    private var wanted: StreamInterest {
        let followsAccount = subscriptions.contains { $0.channel.isOfAccount }
        return StreamInterest(
            accounts: followsAccount ? Set([session?.key.account].compactMap { $0 }) : [],
            prices: !market.isEmpty || subscriptions.contains { $0.channel.followsPrices })
    }

    var deadline: Int64? {
        var next = lastActivity + Interval.silence
        if let nextPush { next = min(next, nextPush) }
        if let nextKeyCheck { next = min(next, nextKeyCheck) }
        if let due = market.deadline { next = min(next, due) }
        for place in subscriptions.indices {
            if let regular = subscriptions[place].nextRegular { next = min(next, regular) }
        }
        return next
    }

    func close(for reason: StreamCloseReason) -> StreamClose {
        switch reason {
        case .slowReader: .bufferFull
        case .messageTooBig: .messageTooBig
        case .unresponsive: .abnormal
        case .protocolError: StreamClose(code: 1002)
        case .shutdown: StreamClose(code: 1001, reason: "The service is going down. Please reconnect.")
        }
    }

    func notice(before reason: StreamCloseReason) -> [UInt8]? {
        switch reason {
        case .shutdown: serviceUpgrade()
        case .slowReader, .messageTooBig, .unresponsive, .protocolError: nil
        }
    }

    mutating func opened(at now: Int64, into output: inout StreamOutput) { lastActivity = now }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        lastActivity = now
        guard keyStands(at: now, &output) else { return }
        guard case .text(let text) = message else {
            output.close = .requestInvalid
            return
        }
        if text.elementsEqual("ping".utf8) {
            output.send("pong")
            return
        }
        let value = try? JSONValue(parsing: text)
        if let request = TradingRequest(reading: value) { return trade(request, at: now, &output) }
        do throws(StreamError) {
            let request = try StreamRequest(reading: value, of: text)
            try count(at: now)
            switch request.operation {
            case .login: try logIn(request, at: now, &output)
            case .subscribe: subscribe(request, text, at: now, &output)
            case .unsubscribe: unsubscribe(request, text, &output)
            }
        } catch {
            refuse(error, &output)
        }
        interest = wanted
        if output.close == nil, interest == interestInForce { pushFirst(at: now, &output) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        guard output.close == nil else { return }
        pushFirst(at: now, &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        guard keyStands(at: now, &output) else { return }
        for event in notice.events {
            let isNews = pushed.map { event.sequence > $0.lastSequence } ?? warns
            if isNews { nextPush = nextPush ?? now + Interval.events }
            tell(event, at: now, &output)
        }
        if notice.pricesChanged, address == .publicData || warns {
            nextPush = nextPush ?? now + Interval.prices
        }
        if notice.pricesChanged { pushMarket(at: now, &output) }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        guard keyStands(at: now, &output) else { return }
        if let due = nextPush, due <= now {
            nextPush = nil
            pushChanges(at: now, &output)
        }
        for place in subscriptions.indices {
            guard let due = subscriptions[place].nextRegular, due <= now else { continue }
            pushRegular(place, at: now, &output)
        }
        if let due = market.deadline, due <= now { pushMarket(at: now, &output) }
        if now - lastActivity >= Interval.silence { output.close = .silent }
    }
}

// MARK: - Opening and login

extension OKXVenue {
    /// The three sockets; a client beyond three connections a second is refused as any other request is, and
    /// so is one that names none of them.
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? {
        let last = request.path.dropFirst("/ws/v5/".count)
        guard let address = StreamAddress(rawValue: String(last)) else {
            return .refused(OKXError.pathUnknown.response(profile))
        }
        let verdict = access.limiter.use(
            "stream \(request.remoteAddress)", limit: OKXStream.Limit.connections, window: 1000,
            now: access.realTime())
        guard verdict.isAllowed else { return .refused(OKXError.tooManyRequests.response(profile)) }
        let stream = OKXStream(
            self, through: access, at: address, client: request.remoteAddress,
            connection: String(UInt32.random(in: 0x1000_0000...UInt32.max), radix: 16))
        // The venue sends no ping frames of its own.
        return .accepted(StreamOpening(stream, messageLimit: StreamRequest.longest, pingInterval: nil))
    }
}

extension OKXStream {
    /// Counted here and not among the callers: who opens connections makes no counter that outlives them.
    private mutating func count(at now: Int64) throws(StreamError) {
        if now - hour.start >= 3_600_000 || now < hour.start { hour = (now, 0) }
        guard !access.limiter.isEnforced || hour.requests < Limit.requests else { throw .tooFrequent }
        hour.requests += 1
    }

    private mutating func logIn(
        _ request: StreamRequest, at now: Int64, _ output: inout StreamOutput
    ) throws(StreamError) {
        guard address != .publicData else { throw .operationUnsupported }
        guard session == nil, request.arguments.count == 1 else { throw .loginRepeated }
        do throws(StreamError) {
            let key = try authenticated(StreamLogin(reading: request.arguments[0]), at: now)
            session = Session(key: key, user: StableID.user(key.account))
            nextKeyCheck = now + Interval.keyCheck
            send(loginAcknowledged(), at: now, &output)
        } catch {
            var error = error
            error.close = .loginFailed
            throw error
        }
    }

    /// The key of a login. Checks are in the order of a request's.
    private func authenticated(_ login: StreamLogin, at now: Int64) throws(StreamError) -> APIKey {
        guard let key = access.key(login.apiKey) else {
            // A recording has 60005 for every key that is none.
            let isKnownShape = OKXVenue.isUUID(login.apiKey) && venue.profile == .documented
            throw isKnownShape ? .keyUnknown : .keyInvalid
        }
        guard let moment = login.moment else { throw .timestampInvalid }
        guard abs(now - moment) <= Signing.window else { throw .timestampExpired }
        guard let hash = key.passphrase, hash.matches(login.passphrase) else { throw .passphraseWrong }
        let expected = Signing.signature(
            timestamp: login.timestamp, method: "GET", target: "/users/self/verify", body: [],
            signer: key.signer)
        guard constantTimeEqual(Array(login.sign.utf8), expected) else { throw .signInvalid }
        guard key.admits(client), key.permissions.contains(.read) else { throw .loginFailed }
        return key
    }

    /// Ends the connection if its key has been revoked or changed.
    private mutating func keyStands(at now: Int64, _ output: inout StreamOutput) -> Bool {
        guard let session else { return true }
        nextKeyCheck = now + Interval.keyCheck
        if let key = access.key(session.key.apiKey), key.isUnchanged(from: session.key) { return true }
        output.close = .keyChanged
        return false
    }

    private func refuse(_ error: StreamError, _ output: inout StreamOutput) {
        output.send(refused(error))
        if let close = error.close { output.close = close }
    }

    /// Sends and notes that something was sent.
    private mutating func send(_ message: [UInt8], at now: Int64, _ output: inout StreamOutput) {
        lastActivity = now
        output.send(message)
    }
}

extension APIKey {
    fileprivate func isUnchanged(from other: APIKey) -> Bool {
        self === other
            || isSame(as: other) && passphrase == other.passphrase
                && permissions == other.permissions && addresses == other.addresses
    }
}

// MARK: - Subscriptions

extension OKXStream {
    private mutating func subscribe(
        _ request: StreamRequest, _ text: [UInt8], at now: Int64, _ output: inout StreamOutput
    ) {
        for argument in request.arguments {
            do throws(StreamError) {
                if let wanted = try marketSubscription(argument) {
                    try subscribe(wanted, request, at: now, &output)
                } else {
                    try subscribe(subscription(argument, text), request, &output)
                }
            } catch {
                refuse(error.with(request.id), &output)
                if error.quotesRequest { return }
            }
            if output.close != nil { return }
        }
    }

    /// A subscription to market data; nil where it is to something else.
    private func marketSubscription(_ value: JSONValue) throws(StreamError) -> MarketSubscription? {
        try MarketSubscription(reading: value, at: address, venue.rules(at: access.ledgerTime()))
    }

    private mutating func subscribe(
        _ wanted: MarketSubscription, _ request: StreamRequest, at now: Int64, _ output: inout StreamOutput
    ) throws(StreamError) {
        var subscription = wanted
        if let same = market.feeds.first(where: { $0.subscription.isSame(as: wanted) }) {
            subscription.places = same.subscription.places
        } else if let close = takePlaces(&subscription.places) {
            output.close = close
            return
        }
        output.send(acknowledged(request, subscription.argument))
        market.removeAll { $0.isSame(as: wanted) }
        market.add(subscription, at: now)
    }

    private mutating func pushMarket(at now: Int64, _ output: inout StreamOutput) {
        if market.isEmpty { return }
        let moment = MarketMoment(venue, access, at: now)
        for message in market.news(at: now, moment.news) { send(message, at: now, &output) }
    }

    private func subscription(_ value: JSONValue, _ text: [UInt8]) throws(StreamError) -> Subscription {
        let rules = venue.rules(at: access.ledgerTime())
        let subscription = try Subscription(
            reading: value, at: address, rules, request: text, user: session?.user)
        guard !subscription.channel.isOfAccount || session != nil else { throw .loginNeeded }
        return subscription
    }

    private mutating func subscribe(
        _ wanted: Subscription, _ request: StreamRequest, _ output: inout StreamOutput
    ) throws(StreamError) {
        var subscription = wanted
        if let place = subscriptions.firstIndex(where: { $0.isSame(as: wanted) }) {
            subscription.places = subscriptions.remove(at: place).places
        } else if let close = takePlaces(&subscription.places) {
            output.close = close
            return
        }
        output.send(acknowledged(request, subscription.argument))
        guard let session, subscription.channel.isOfAccount else {
            subscriptions.append(subscription)
            return
        }
        let channel = subscription.channel
        let limit = Limit.connectionsOfChannel
        let held =
            channelPlaces[channel]
            ?? access.limiter.takePlace("stream \(channel.rawValue) \(session.key.account)", limit: limit)
        guard let held else {
            output.send(connectionCount(channel, limit, isRefused: true))
            return
        }
        channelPlaces[channel] = held
        subscriptions.append(subscription)
        output.send(connectionCount(channel, held.count, isRefused: false))
    }

    /// Counts a subscription against the limits that end the connection; the end where one is reached.
    private func takePlaces(_ places: inout [RateLimiter.Place]) -> StreamClose? {
        if let session {
            let place = access.limiter.takePlace(
                "stream key \(session.key.apiKey)", limit: Limit.subscriptionsOfKey)
            guard let place else { return .tooManyOfKey }
            places.append(place)
        }
        let count = subscriptions.count + market.feeds.count
        if access.limiter.isEnforced, count >= Limit.channelsOfConnection {
            return .tooManyOfConnection
        }
        let place = access.limiter.takePlace("stream channels \(client)", limit: Limit.channelsOfAddress)
        guard let place else { return .tooManyChannels }
        places.append(place)
        return nil
    }

    /// What is not subscribed to is acknowledged all the same.
    private mutating func unsubscribe(
        _ request: StreamRequest, _ text: [UInt8], _ output: inout StreamOutput
    ) {
        for argument in request.arguments {
            do throws(StreamError) {
                if let unwanted = try marketSubscription(argument) {
                    market.removeAll { $0.isSame(as: unwanted) }
                    output.send(acknowledged(request, unwanted.argument))
                    continue
                }
                let subscription = try subscription(argument, text)
                subscriptions.removeAll { $0.isSame(as: subscription) }
                output.send(acknowledged(request, subscription.argument))
            } catch {
                refuse(error.with(request.id), &output)
                if error.quotesRequest { break }
            }
        }
        let left = Set(subscriptions.map(\.channel))
        for channel in channelPlaces.keys where !left.contains(channel) { channelPlaces[channel] = nil }
        // What is no longer followed would be out of date when it is wanted again.
        if left.isDisjoint(with: Channel.toldByEvents) { told = nil }
        if !left.contains(.account) && !left.contains(.positions) { pushed = nil }
    }
}

// MARK: - Pushes

extension OKXStream {
    private func snapshot() -> AccountSnapshot? { session.flatMap { access.snapshot(of: $0.key.account) } }

    /// Pushes what new subscriptions begin with.
    private mutating func pushFirst(at now: Int64, _ output: inout StreamOutput) {
        for place in subscriptions.indices where subscriptions[place].isFresh {
            subscriptions[place].isFresh = false
            do {
                guard let message = try regularPush(place) else { continue }
                send(message, at: now, &output)
            } catch {
                refuse(.subscriptionFailed, &output)
            }
            subscriptions[place].nextRegular = subscriptions[place].interval.map { now + $0 }
        }
        if market.isFresh { pushMarket(at: now, &output) }
    }

    /// A figure that cannot be worked out now is not pushed; it is tried again at the next time.
    private mutating func pushRegular(_ place: Int, at now: Int64, _ output: inout StreamOutput) {
        subscriptions[place].nextRegular = subscriptions[place].interval.map { now + $0 }
        guard let message = try? regularPush(place) else { return }
        send(message, at: now, &output)
    }

    /// What a subscription pushes without an event.
    private mutating func regularPush(_ place: Int) throws -> [UInt8]? {
        let subscription = subscriptions[place]
        guard subscription.channel.isOfAccount else {
            return try publicPush(place, isDue: subscription.channel != .instruments)
        }
        guard let snapshot = snapshot() else { return nil }
        switch subscription.channel {
        case .liquidationWarning: return try warningPush(place, snapshot)
        case .balanceAndPosition:
            let account = told ?? snapshot.account
            told = account
            return try balancesAndPositionsPush(subscription, account)
        case .orders, .fills, .ordersAlgo, .algoAdvance:
            let account = told ?? snapshot.account
            told = account
            return subscription.channel == .algoAdvance ? try waitingAlgos(subscription, account) : nil
        case .positions:
            if pushed == nil { pushed = snapshot.account }
            return try positionsPush(subscription, snapshot, changes: nil)
        default:
            if pushed == nil { pushed = snapshot.account }
            return try accountPush(subscription, snapshot, changes: nil)
        }
    }

    /// How a public channel stands, if that is news or due.
    private mutating func publicPush(_ place: Int, isDue: Bool) throws -> [UInt8]? {
        let subscription = subscriptions[place]
        var told = subscription.told
        let message = try told.state(isDue: isDue) { isTimeless in
            let time = isTimeless ? LedgerTime(milliseconds: 0) : access.ledgerTime()
            return try push(subscription) { try writePublic(subscription, at: time, to: &$0) }
        }
        subscriptions[place].told = told
        return message
    }

    /// Pushes what has happened since the last push.
    private mutating func pushChanges(at now: Int64, _ output: inout StreamOutput) {
        if address == .publicData {
            for place in subscriptions.indices where subscriptions[place].channel.followsPrices {
                guard let message = try? publicPush(place, isDue: false) else { continue }
                subscriptions[place].nextRegular = subscriptions[place].interval.map { now + $0 }
                send(message, at: now, &output)
            }
            return
        }
        guard let snapshot = snapshot() else { return }
        for place in subscriptions.indices where subscriptions[place].channel == .liquidationWarning {
            // What cannot be worked out now is looked at again with the next change.
            guard let message = try? warningPush(place, snapshot) else { continue }
            send(message, at: now, &output)
        }
        guard let before = pushed else { return }
        let changes = AccountChanges(from: before, to: snapshot.account)
        do {
            let messages = try subscriptions.compactMap { subscription in
                switch subscription.channel {
                case .account: try accountPush(subscription, snapshot, changes: changes)
                case .positions: try positionsPush(subscription, snapshot, changes: changes)
                default: nil
                }
            }
            pushed = snapshot.account
            for message in messages { send(message, at: now, &output) }
        } catch {
            // What cannot be worked out now is part of the next update.
        }
    }

    /// Whether a change may bring a position near its liquidation that is to be warned of.
    private var warns: Bool { subscriptions.contains { $0.channel == .liquidationWarning } }

    /// The positions that have come near their liquidation since the last warning of them; nil where there is
    /// none.
    private mutating func warningPush(_ place: Int, _ snapshot: AccountSnapshot) throws -> [UInt8]? {
        let subscription = subscriptions[place]
        guard case .positions(let filter) = subscription.filter else { return nil }
        let near = try venue.nearLiquidation(snapshot, filter)
        subscriptions[place].warned = near
        let fresh = near.subtracting(subscription.warned)
        if fresh.isEmpty { return nil }
        return try push(subscription) { writer in
            try venue.writeWarnings(of: snapshot, filter, to: &writer) { fresh.contains($0) }
        }
    }

    /// Tells one event to the channels that hear of each: orders, fills, then `balance_and_position`.
    private mutating func tell(_ event: Event, at now: Int64, _ output: inout StreamOutput) {
        guard let last = told?.lastSequence, event.sequence > last else { return }
        let hearsBalances = subscriptions.contains { $0.channel == .balanceAndPosition }
        // Changed in place where nothing is compared with the whole account of before.
        let before = hearsBalances ? told : nil
        let order = OrderNews.Earlier(event, told)
        do {
            try told?.apply(event)
        } catch {
            // Cannot be after what is durable; should it be, the ledger's own state is the truth.
            told = snapshot()?.account
            return
        }
        for message in (try? orderPushes(event, order)) ?? [] { send(message, at: now, &output) }
        guard let before, let after = told, let change = BalanceChange(event, from: before, to: after)
        else { return }
        for subscription in subscriptions where subscription.channel == .balanceAndPosition {
            if let message = try? balancesAndPositionsPush(subscription, after, change) {
                send(message, at: now, &output)
            }
        }
    }
}
