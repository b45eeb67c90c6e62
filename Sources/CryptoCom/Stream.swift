import JSON
import Ledger
import Venue

extension CryptoComVenue {
    /// The user's socket and the market's.
    public static var streamPrefixes: [String] { ["/exchange/v1/user", "/exchange/v1/market"] }

    /// Both sockets are open to everybody; a user says who he is on the socket (`public/auth`).
    public func openStream(to request: VenueRequest, through access: any VenueAccess) -> StreamAnswer? {
        // The heartbeats are pings enough.
        switch request.path {
        case "/exchange/v1/user":
            .accepted(
                StreamOpening(
                    UserStream(venue: self, access: access, address: request.remoteAddress),
                    pingInterval: nil))
        case "/exchange/v1/market":
            .accepted(StreamOpening(MarketStream(venue: self, access: access), pingInterval: nil))
        default: nil
        }
    }
}

/// `/exchange/v1/user`: authentication once, private methods as over REST, and the account's channels.
struct UserStream: VenueStream {
    /// Frames that a client may send per second.
    static let framesPerSecond: Int64 = 150
    /// Milliseconds between the pushes that come without a change.
    static let pushInterval: Int64 = 2_000

    /// A channel that the client listens to.
    private struct Subscription {
        let channel: UserChannel
        /// Requests that the first snapshot is still owed to.
        var owed: [RequestIdentifier]
        /// The account's last event that was pushed.
        var sequence: Int64 = 0
        /// The positions that were told last, on the channel of positions.
        var positions: [Position] = []
    }

    let venue: CryptoComVenue
    let access: any VenueAccess
    private let address: String
    private var connection: SocketState
    /// The key that the client has proved to have.
    private var key: APIKey?
    private var subscriptions: [Subscription] = []
    private var nextPush: Int64?
    /// Follows what becomes of orders, while somebody listens to that.
    private var follower: OrderFollower?
    /// What is canceled when the connection is over, and of which account: that stands, should the key be
    /// revoked meanwhile.
    private(set) var disconnection: (scope: DisconnectScope, account: String)?
    /// What was placed on the connection.
    let placed = PlacedOrders()
    /// The interest that is known to be in force.
    private var interestInForce = StreamInterest()

    init(venue: CryptoComVenue, access: any VenueAccess, address: String) {
        self.venue = venue
        self.access = access
        self.address = address
        connection = SocketState(framesPerSecond: Self.framesPerSecond, limiter: access.limiter)
    }

    var interest: StreamInterest {
        guard let key, !subscriptions.isEmpty else { return StreamInterest() }
        return StreamInterest(accounts: [key.account])
    }

    var deadline: Int64? { [connection.deadline, nextPush].compactMap { $0 }.min() }

    mutating func opened(at now: Int64, into output: inout StreamOutput) { connection.opened(at: now) }

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard let request = connection.request(in: message, at: now, into: &output) else { return }
        do throws(VenueError) {
            switch request.method {
            case "public/auth":
                try authenticate(request, at: now)
                output.send(request.acknowledgement)
            case "subscribe": try subscribe(request)
            case "unsubscribe":
                try unsubscribe(request)
                output.send(request.acknowledgement)
            case "private/set-cancel-on-disconnect", "private/get-cancel-on-disconnect":
                output.send(try disconnectAnswer(request))
            default: try answer(request, into: &output)
            }
        } catch {
            output.send(error.body(id: request.id, method: request.method))
        }
        if interest == interestInForce { sendOwed(at: now, into: &output) }
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        interestInForce = interest
        sendOwed(at: now, into: &output)
    }

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        guard let last = notice.events.last?.sequence, isAdmitted(into: &output) else { return }
        tellOrders(notice.events, into: &output)
        // An event that a snapshot or a push already held is not told of again.
        push(into: &output) { $0.sequence < last }
    }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        connection.timePassed(at: now, into: &output)
        guard output.close == nil, let due = nextPush, now >= due else { return }
        nextPush = max(due, now - Self.pushInterval) + Self.pushInterval
        if isAdmitted(into: &output) { push(into: &output) { _ in true } }
    }

    func close(for reason: StreamCloseReason) -> StreamClose { SocketState.close(for: reason) }

    // MARK: - Who it is

    /// Checks as a REST request is checked. Once authenticated, a connection keeps its key: the same again is
    /// answered again, another is refused.
    private mutating func authenticate(_ request: StreamRequest, at now: Int64) throws(VenueError) {
        try CryptoComVenue.checkParams(in: request.body)
        let named = request.body["api_key"]?.text.flatMap { access.key($0) }
        let admitted = try CryptoComVenue.admitted(named, from: address)
        _ = try CryptoComVenue.signedCall(request.body, request.id, request.method, by: admitted, now: now)
        guard access.snapshot(of: admitted.account) != nil else { throw .accountDoesNotExist }
        if let key, !key.isSame(as: admitted) { throw .invalidRequest }
        key = admitted
    }

    /// The account of the key that the client has proved to have, as it stands. The key is looked up each
    /// time, as over REST: it may have been revoked or bound to other addresses since.
    private func account(for method: Method? = nil) throws(VenueError) -> AccountSnapshot {
        guard let key else { throw .unauthorized }
        let current = try CryptoComVenue.admitted(access.key(key.apiKey), for: method, from: address)
        guard current.isSame(as: key) else { throw .unauthorized }
        guard let snapshot = access.snapshot(of: key.account) else { throw .accountDoesNotExist }
        return snapshot
    }

    // MARK: - Requests

    /// What REST answers to the same method, where it applies to sockets.
    private func answer(_ request: StreamRequest, into output: inout StreamOutput) throws(VenueError) {
        guard let method = Method.byName[request.method], method.appliesToSocket else {
            throw .methodNotFound
        }
        try CryptoComVenue.checkParams(in: request.body)
        let snapshot = try account(for: method)
        if method.isAboutOrders {
            output.send(after: orderWork(method, request, snapshot.account.id))
        } else {
            let asked = AccountRequest(method, id: request.id, request.params, of: snapshot, venue, access)
            output.send(try asked.answer())
        }
    }

    /// Sets what is canceled when the connection is over, where a scope is given, and tells it.
    private mutating func disconnectAnswer(_ request: StreamRequest) throws(VenueError) -> [UInt8] {
        try CryptoComVenue.checkParams(in: request.body)
        let isSetting = request.method == "private/set-cancel-on-disconnect"
        let snapshot = try account(for: isSetting ? .cancelAllOrders : nil)
        if isSetting {
            guard let text = try request.params.text("scope"), let scope = DisconnectScope(rawValue: text)
            else { throw .invalidArgument }
            disconnection = (scope, snapshot.account.id)
        }
        var reply = ReplyWriter(id: request.id, method: request.method)
        reply.writer.beginObject()
        reply.writer.member("scope", disconnection?.scope.rawValue ?? "NONE")
        reply.writer.endObject()
        return reply.finished()
    }

    /// All the channels of a request, or none of them.
    private mutating func subscribe(_ request: StreamRequest) throws(VenueError) {
        _ = try account()
        let channels = try channels(of: request)
        let new = channels.count { channel in !subscriptions.contains { $0.channel == channel } }
        guard subscriptions.count + new <= MarketStream.maximumSubscriptions else {
            throw .tooManySubscriptions
        }
        for channel in channels {
            if let place = subscriptions.firstIndex(where: { $0.channel == channel }) {
                subscriptions[place].owed.append(request.id)
            } else {
                subscriptions.append(Subscription(channel: channel, owed: [request.id]))
            }
        }
    }

    private mutating func unsubscribe(_ request: StreamRequest) throws(VenueError) {
        _ = try account()
        let channels = try channels(of: request)
        subscriptions.removeAll { channels.contains($0.channel) }
        if subscriptions.isEmpty { nextPush = nil }
        if !subscriptions.contains(where: { $0.channel.tellsEvents }) { follower = nil }
    }

    private func channels(of request: StreamRequest) throws(VenueError) -> [UserChannel] {
        try request.channels().map { name throws(VenueError) in
            guard let channel = UserChannel(name) else { throw .invalidChannel(request.params ?? .null) }
            return channel
        }
    }

    // MARK: - Pushes

    /// Sends the first snapshots that are owed, each with the id of its request.
    private mutating func sendOwed(at now: Int64, into output: inout StreamOutput) {
        for place in subscriptions.indices {
            let owed = subscriptions[place].owed
            subscriptions[place].owed = []
            for id in owed { send(place, id: id, isPush: false, into: &output) }
        }
        if !subscriptions.isEmpty, nextPush == nil { nextPush = now + Self.pushInterval }
    }

    /// Whether the client may still be told: his key is looked at for every push.
    private mutating func isAdmitted(into output: inout StreamOutput) -> Bool {
        do throws(VenueError) {
            _ = try account()
            return true
        } catch {
            // The key is no more, or no longer for this client: he is told once, and nothing else.
            output.send(error.body(id: .omitted, method: "subscribe"))
            (key, subscriptions, nextPush, follower) = (nil, [], nil, nil)
            return false
        }
    }

    /// Tells what has become of orders, each with its trade behind it.
    private mutating func tellOrders(_ events: [Event], into output: inout StreamOutput) {
        guard var follower, let key, let snapshot = access.snapshot(of: key.account) else { return }
        guard let pushes = try? follower.pushes(of: events) else {
            // What does not fit is of a damaged ledger; the follower begins again from what is.
            self.follower = OrderFollower(snapshot.account)
            return
        }
        self.follower = follower
        for push in pushes {
            for subscription in subscriptions where subscription.channel.tellsEvents {
                // A frame that cannot be worked out keeps none of the others back.
                if let frame = try? venue.frame(subscription.channel, push, of: snapshot) {
                    output.send(frame)
                }
            }
        }
    }

    private mutating func push(
        into output: inout StreamOutput, where isDue: (Subscription) -> Bool
    ) {
        for place in subscriptions.indices
        where subscriptions[place].owed.isEmpty && !subscriptions[place].channel.tellsEvents {
            if isDue(subscriptions[place]) { send(place, id: .omitted, isPush: true, into: &output) }
        }
    }

    private mutating func send(
        _ place: Int, id: RequestIdentifier, isPush: Bool, into output: inout StreamOutput
    ) {
        do throws(VenueError) {
            let snapshot = try account()
            subscriptions[place].sequence = snapshot.account.lastSequence
            if subscriptions[place].channel.tellsEvents {
                // Events that it holds already are told to nobody who listens only now.
                if follower == nil { follower = OrderFollower(snapshot.account) }
                return output.send(
                    try venue.firstFrame(subscriptions[place].channel, id: id, of: snapshot))
            }
            let told = subscriptions[place].positions
            output.send(
                try venue.frame(
                    subscriptions[place].channel, id: id, isPush: isPush, of: snapshot, told: told))
            subscriptions[place].positions = snapshot.account.positions
        } catch {
            output.send(error.body(id: id, method: "subscribe"))
        }
    }
}
