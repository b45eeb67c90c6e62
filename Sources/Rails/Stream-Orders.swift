import JSON
import Ledger
import Numbers
import Venue

/// The socket of version 2: orders placed, changed and canceled, and channels that tell of them. Rails API
/// documentation, the orders channel; where it is opened, and every frame that is not printed there, are
/// choices.
struct OrderSocket: VenueStream {
    /// What can be listened to.
    enum Channel: String, CaseIterable {
        case orders
        case trades
        case publicTrades
        case publicOrderBook

        /// Whether it tells what everybody may know.
        var isPublic: Bool { self == .publicTrades || self == .publicOrderBook }
    }

    private let venue: RailsVenue
    private let access: any VenueAccess
    private let address: String
    private let token: String
    /// One of the streams that the account may have open.
    private let place: RateLimiter.Place
    /// The key that the token is of.
    private let key: APIKey
    private let account: String
    /// The market that it is for; nil for all.
    private let market: String?
    private let connectionID: String
    private var channels: [Channel]
    /// Follows the account, from when its events are heard.
    private var follower: Account?
    /// Follows the markets, from when they are listened to.
    private var marketFeeds: MarketFeeds<Instrument>

    init(
        venue: RailsVenue, access: any VenueAccess, address: String, token: String, key: APIKey,
        place: RateLimiter.Place, market: String?, channels: [Channel]
    ) {
        self.venue = venue
        self.access = access
        self.address = address
        self.token = token
        self.key = key
        account = key.account
        self.place = place
        self.market = market
        self.channels = channels
        marketFeeds = MarketFeeds(access)
        let digest = stableDigest(of: "rails connection \(account) \(access.realTime())")
        connectionID = String(decoding: Base64.url.encode(Array(digest.prefix(11))), as: UTF8.self) + "="
    }

    private var isPrivate: Bool { channels.contains { !$0.isPublic } }
    private var isPublic: Bool { channels.contains { $0.isPublic } }

    var interest: StreamInterest {
        StreamInterest(accounts: isPrivate ? [account] : [], prices: isPublic)
    }

    mutating func interestTaken(at now: Int64, into output: inout StreamOutput) {
        // Who is followed already is not begun anew: what is on its way would be lost.
        follower = isPrivate ? follower ?? access.snapshot(of: account)?.account : nil
        if !isPublic { marketFeeds.removeAll { _ in true } }
        if isPublic, marketFeeds.isEmpty {
            for instrument in markets { marketFeeds.add(instrument, at: now) }
            tellMarkets(at: now, into: &output)
        }
    }

    var deadline: Int64? { marketFeeds.deadline }

    mutating func timePassed(at now: Int64, into output: inout StreamOutput) {
        tellMarkets(at: now, into: &output)
    }

    /// The markets that it is for.
    private var markets: [Instrument] {
        venue.rules(at: access.ledgerTime()).listed.filter { market ?? $0.name == $0.name }
    }

    func close(for reason: StreamCloseReason) -> StreamClose { .rails(reason) }

    // MARK: - Requests

    mutating func received(_ message: StreamMessage, at now: Int64, into output: inout StreamOutput) {
        guard let question = StreamQuestion(message) else {
            return output.send(frame("error", 400, "invalid request", nil).finished())
        }
        do throws(RailsError) {
            try handle(question, now, into: &output)
        } catch {
            output.send(refusal(error, question, isOfOrder: false))
        }
    }

    private mutating func handle(
        _ question: StreamQuestion, _ now: Int64, into output: inout StreamOutput
    ) throws(RailsError) {
        switch question.message {
        case "ping": output.send(#"{"resultType":"pong"}"#)
        case "subscribe", "unsubscribe": try choose(question, into: &output)
        case "emitPublicOrderBook", "emitPublicCompletedOrders": try show(question, into: &output)
        case "createOrder", "modifyOrder", "cancelOrder", "createTriggerOrder", "cancelTriggerOrder":
            let reading = try admitted(question, now)
            try work(instruction(question, reading), reading.snapshot, question, into: &output)
        case "updateLeverage", "updateMargin": try change(question, admitted(question, now), into: &output)
        default: throw .badRequest("unknown message")
        }
    }

    /// What a request about an order asks the exchange for.
    private func instruction(
        _ question: StreamQuestion, _ reading: OrderReading
    ) throws(RailsError) -> TradeInstruction {
        switch question.message {
        case "createOrder": return .place(try reading.order())
        case "createTriggerOrder": return .placeConditional(try reading.trigger())
        case "cancelTriggerOrder": return .cancelConditional(.id(try reading.namedTrigger().id))
        case "cancelOrder":
            let order = try reading.named()
            let isNamed = question.contentOrEmpty["cancelBy"]?.text == "clientRequestId"
            venue.cancellations.note(isNamed ? nil : question.requestID, of: order.id, in: account)
            return .cancel(.id(order.id), instrument: nil)
        default:
            let order = try reading.named()
            let change = try reading.change(of: order)
            var terms = order.terms
            if let id = try reading.requestID() { terms?.clientID = id }
            return .amend(
                .id(order.id), instrument: nil, quantity: change.quantity, price: change.price, terms: terms)
        }
    }

    /// What is asked for an account, of a token that may trade, within the allowance of a minute.
    private func admitted(_ question: StreamQuestion, _ now: Int64) throws(RailsError) -> OrderReading {
        let (snapshot, key) = try venue.accountAndKey(of: token, from: address, access)
        guard key.permissions.contains(.trade) else { throw .forbidden }
        let limit = venue.rules(at: snapshot.at).orders.perMinute
        let verdict = access.limiter.use("rails orders \(account)", limit: limit, window: 60_000, now: now)
        guard verdict.isAllowed else { throw .tooManyRequests }
        return OrderReading(question.contentOrEmpty, snapshot, venue, market: market)
    }

    private mutating func choose(
        _ question: StreamQuestion, into output: inout StreamOutput
    ) throws(RailsError) {
        guard let elements = question.contentOrEmpty["subscriptions"]?.elements else {
            throw .badRequest("invalid subscriptions")
        }
        var wanted: [Channel] = []
        for element in elements {
            guard let channel = element.text.flatMap(Channel.init(rawValue:)) else {
                throw .badRequest("invalid subscriptions")
            }
            wanted.append(channel)
        }
        let subscribes = question.message == "subscribe"
        channels.removeAll { wanted.contains($0) }
        if subscribes { for channel in wanted where !channels.contains(channel) { channels.append(channel) } }
        let answer = JSONWriter.object(reserving: 192) { writer in
            writer.member("resultType", subscribes ? "subscribed" : "unsubscribed")
            writer.beginObject("data")
            writer.array("activeSubscriptions", of: channels) { $1.string($0.rawValue) }
            if let id = question.requestID { writer.member("clientRequestId", id) }
            writer.array("requestedSubscriptions", of: wanted) { $1.string($0.rawValue) }
            writer.endObject()
        }
        output.send(answer)
    }

    /// How a market stands: its book, or its latest trades.
    private func show(_ question: StreamQuestion, into output: inout StreamOutput) throws(RailsError) {
        let named = question.contentOrEmpty["market"]?.text
        guard let name = market ?? named, named == nil || named == name,
            let instrument = venue.rules(at: access.ledgerTime()).terms(of: name)
        else { throw .badRequest("invalid market") }
        let teller = MarketTeller(venue, access, .channels)
        let isBook = question.message == "emitPublicOrderBook"
        output.send(after: { [access] in
            guard (try? await access.marketHistory()) != nil else {
                return [refusal(.tooManyRequests, question, isOfOrder: false)]
            }
            return [
                isBook
                    ? teller.book(of: instrument, requestID: question.requestID)
                    : teller.trades(of: instrument, requestID: question.requestID)
            ]
        })
    }

    // MARK: - Work

    /// Has the exchange carry an instruction out. Where orders are listened to, what it came to is told as
    /// events are; else it is the answer.
    private func work(
        _ instruction: TradeInstruction, _ snapshot: AccountSnapshot, _ question: StreamQuestion,
        into output: inout StreamOutput
    ) {
        let isHeard = channels.contains(.orders)
        output.send(after: { [self] in
            do throws(Refusal) {
                let events = try await access.trade(instruction, for: account)
                if isHeard { return [] }
                var account = snapshot.account
                return (try? frames(of: events, &account, [.orders])) ?? []
            } catch {
                if case .place(let order) = instruction,
                    let frame = rejection(of: order, RailsError(error), snapshot, question)
                {
                    return [frame]
                }
                return [refusal(RailsError(error), question, isOfOrder: true)]
            }
        })
    }

    /// The frame of an order that is refused before the engine has it, with the row of what was asked for;
    /// nil where that is not what was wrong.
    private func rejection(
        of wanted: OrderInstruction, _ error: RailsError, _ snapshot: AccountSnapshot,
        _ question: StreamQuestion
    ) -> [UInt8]? {
        guard error.status == 400,
            let instrument = venue.rules(at: snapshot.at).terms(of: wanted.instrument)
        else { return nil }
        let id = wanted.terms.clientID ?? "\(connectionID) \(snapshot.account.lastSequence)"
        var order = OpenOrder(
            id: id, instrument: instrument, side: wanted.side, quantity: wanted.quantity,
            price: wanted.price ?? .zero, reduceOnly: wanted.reduceOnly, positionSide: .net,
            marginMode: wanted.marginMode ?? .cross, placedAt: snapshot.at)
        order.terms = wanted.terms
        var frame = frame("rejectOrder", error.status, error.message, instrument.name)
        do {
            try venue.write(
                order, "pending", at: snapshot.at, of: snapshot.account, venue.rules(at: snapshot.at),
                .rejection, to: &frame.writer)
        } catch {
            return nil
        }
        return frame.finished(question.requestID)
    }

    /// The account's leverage, or a market's in the live profile; an isolated position's margin, as the whole
    /// that it is to be.
    private func change(
        _ question: StreamQuestion, _ reading: OrderReading, into output: inout StreamOutput
    ) throws(RailsError) {
        let (content, snapshot) = (question.contentOrEmpty, reading.snapshot)
        let command: Command.Content
        let texts: (begun: String, done: String)
        if question.message == "updateLeverage" {
            let leverage = try reading.number("leverage", step: .one)
            guard leverage <= venue.rules(at: snapshot.at).maximumLeverage else {
                throw .badRequest("invalid leverage")
            }
            command =
                venue.profile == .live && (market ?? content["market"]?.text) != nil
                ? .setLeverage(
                    instrument: try reading.instrument().name, leverage: leverage, side: nil, marginMode: nil)
                : .configure(Settings([("leverage", .string(leverage.description))]))
            texts = ("leverage update in progress, pending approval", "leverage updated successfully")
        } else {
            let name = try reading.instrument().name
            guard
                let position = snapshot.account.position(name, side: .net, marginMode: .isolated),
                let change = try? reading.number(
                    "margin", step: venue.rules(at: snapshot.at).orders.priceStep)
                    - position.isolatedWallet
            else { throw .badRequest("no isolated position") }
            command = .adjustIsolatedMargin(instrument: name, amount: change, side: nil)
            texts = ("margin update in progress, pending approval", "margin updated successfully")
        }
        output.send(after: { [self] in
            do throws(Refusal) {
                try await access.submit(Command(account: account, content: command))
                return [
                    frame(question.message, 202, texts.begun, content["market"]?.text)
                        .finished(question.requestID),
                    frame(question.message, 200, texts.done, content["market"]?.text)
                        .finished(question.requestID),
                ]
            } catch {
                return [refusal(RailsError(error), question, isOfOrder: false)]
            }
        })
    }

    // MARK: - What is told

    mutating func ledgerChanged(_ notice: StreamNotice, at now: Int64, into output: inout StreamOutput) {
        if var account = follower, isAdmitted(into: &output) {
            do {
                for frame in try frames(of: notice.events, &account, channels) { output.send(frame) }
                follower = account
            } catch {
                // What does not fit is of a damaged ledger; it begins again from what is.
                follower = access.snapshot(of: self.account)?.account
            }
        }
        if notice.pricesChanged { tellMarkets(at: now, into: &output) }
    }

    /// Whether the client may still be told of the account. Who may not is told so, and then nothing else.
    private mutating func isAdmitted(into output: inout StreamOutput) -> Bool {
        if let current = access.key(key.apiKey), current.isSame(as: key), current.admits(address),
            current.permissions.contains(.read)
        {
            return true
        }
        let error = RailsError.unauthorized
        output.send(frame("error", error.status, error.message, nil).finished())
        channels.removeAll { !$0.isPublic }
        follower = nil
        return false
    }

    private mutating func tellMarkets(at now: Int64, into output: inout StreamOutput) {
        let teller = MarketTeller(venue, access, .channels)
        let frames = marketFeeds.news(at: now) { [channels] feed in
            teller.news(
                &feed, trades: channels.contains(.publicTrades), book: channels.contains(.publicOrderBook))
        }
        for frame in frames { output.send(frame) }
    }

    /// The frames of an account's next events, on some channels. One that cannot be worked out keeps none of
    /// the others back; throws where an event does not fit.
    private func frames(
        of events: [Event], _ account: inout Account, _ channels: [Channel]
    ) throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        for event in events where event.sequence > account.lastSequence && event.account != nil {
            let before = account
            try account.apply(event)
            guard let news = try OrderNews(event, before: before, after: account),
                market ?? news.instrument.name == news.instrument.name
            else { continue }
            let tellsOrders = channels.contains(.orders)
            switch news.subject {
            case .order(let record):
                let order = before.order(.id(record.order.id)) ?? record.order
                if tellsOrders { frames += (try? orderFrames(event, order, record, in: account)) ?? [] }
                if channels.contains(.trades), let fill = news.fill {
                    frames.append(tradeFrame(fill, event, order, in: account))
                }
            case .waiting(let order):
                if tellsOrders { frames += triggerFrames(event, order, in: account) }
            case .ended(let record):
                if tellsOrders { frames += triggerFrames(event, record.order, in: account) }
            }
        }
        return frames
    }

    /// What the channel `orders` tells of an event of an order, which was as `order` before it.
    private func orderFrames(
        _ event: Event, _ order: OpenOrder, _ record: OrderRecord, in account: Account
    ) throws -> [[UInt8]] {
        let rules = venue.rules(at: event.at)
        let changed = record.order
        func row(
            _ kind: String, _ status: Int, _ text: String, _ order: OpenOrder, _ state: String,
            requestID: String? = nil, form: OrderRowForm = .acknowledgement
        ) throws -> [UInt8] {
            var frame = frame(kind, status, text, order.instrument.name)
            try venue.write(order, state, at: event.at, of: account, rules, form, to: &frame.writer)
            return frame.finished(requestID)
        }
        let id = changed.requestID(of: account.id)
        switch event.body {
        case .orderPlaced:
            return [
                try row(
                    "createOrder", 202, "order created, pending acceptance", changed, "pending", requestID: id
                ),
                try row("createOrder", 200, "order accepted", changed, "active", requestID: id),
            ]
        case .orderAmended:
            return [
                try row("modifyOrder", 202, "modifying order", order, "modifying", requestID: id),
                try row("modifyOrder", 200, "original order modified", order, "modified", requestID: id),
                try row(
                    "modifyOrder", 200, "new order created, pending acceptance", changed, "pending",
                    requestID: id),
                try row("createOrder", 200, "order accepted", changed, "active", requestID: id),
            ]
        case .orderCancelled:
            let id = venue.cancellations.name(of: order.id, in: account.id) ?? id
            return [
                try row("cancelOrder", 202, "cancelling order", order, "cancelling", requestID: id),
                try row("cancelOrder", 200, "order cancelled", order, "cancelled", requestID: id),
            ]
        case .orderEnded(_, .postOnly):
            return [
                try row(
                    "rejectOrder", 400, "Post-only order rejected as it would have matched immediately",
                    order, "active", requestID: id, form: .rejection)
            ]
        case .orderEnded: return [try row("cancelOrder", 200, "order cancelled", order, "cancelled")]
        case .filled:
            let isWhole = record.ending != nil
            return [
                try row(
                    isWhole ? "orderFilled" : "orderPartiallyFilled", 200,
                    isWhole ? "order filled" : "order partially filled", changed,
                    isWhole ? "filled" : "active", form: .fill)
            ]
        default: return []
        }
    }

    private func tradeFrame(
        _ fill: Fill, _ event: Event, _ order: OpenOrder, in account: Account
    ) -> [UInt8] {
        JSONWriter.object(reserving: 512) { writer in
            writer.member("resultType", literal: "completedOrdersDelta")
            writer.beginArray("data")
            venue.writeDelta(fill, event, order, of: account, venue.rules(at: event.at), to: &writer)
            writer.endArray()
        }
    }

    /// What the channel `orders` tells of a trigger order, as it was before an event or as it was placed.
    private func triggerFrames(
        _ event: Event, _ order: ConditionalOrder, in account: Account
    ) -> [[UInt8]] {
        func row(_ kind: String, _ status: Int, _ text: String, _ state: String) -> [UInt8] {
            var frame = frame(kind, status, text, order.instrument.name)
            venue.write(order, state, at: event.at, of: account, isNamed: true, to: &frame.writer)
            return frame.finished(order.requestID(of: account.id))
        }
        switch event.body {
        case .conditionalPlaced:
            return [
                row("createTriggerOrder", 202, "trigger order created, pending acceptance", "pending"),
                row("createTriggerOrder", 200, "trigger order accepted", "active"),
            ]
        case .conditionalTriggered:
            return [row("triggerOrder", 200, "trigger order triggered", "triggered")]
        case .conditionalEnded(_, let end) where end.reason == .refused:
            let error = RailsError(Refusal(end.refusal ?? .notAllowed, "the order was refused"))
            return [row("rejectTriggerOrder", error.status, error.message, "rejected")]
        case .conditionalEnded(_, let end):
            let cancelled = row("cancelTriggerOrder", 200, "trigger order cancelled", "cancelled")
            // What its owner did not ask for is not acknowledged.
            if end.reason != .cancelled { return [cancelled] }
            return [row("cancelTriggerOrder", 202, "cancelling trigger order", "cancelling"), cancelled]
        default: return []
        }
    }

    // MARK: - Frames

    private func frame(_ kind: String, _ status: Int, _ text: String, _ name: String?) -> SocketFrame {
        SocketFrame(kind, status, text, market: market == nil ? name : nil, connectionID: connectionID)
    }

    private func refusal(_ error: RailsError, _ question: StreamQuestion, isOfOrder: Bool) -> [UInt8] {
        let places = question.message == "createOrder" || question.message == "createTriggerOrder"
        let rejects = isOfOrder && places && error.status == 400
        return frame(rejects ? "rejectOrder" : "error", error.status, error.message, nil)
            .finished(question.requestID)
    }
}

/// A frame: `{"resultType":…,"market":…,"data":{"statusCode":…,"body":…,…},"connectionId":…}`; the caller
/// writes the order.
struct SocketFrame {
    var writer = JSONWriter(reserving: 512)
    private let connectionID: String
    /// Whether it takes a request on, which counts.
    private let usesQuota: Bool

    init(_ kind: String, _ status: Int, _ text: String, market: String?, connectionID: String) {
        self.connectionID = connectionID
        usesQuota = status == 202
        writer.beginObject()
        writer.member("resultType", kind)
        if let market { writer.member("market", market) }
        writer.beginObject("data")
        writer.member("statusCode", Int64(status))
        writer.member("body", text)
    }

    consuming func finished(_ requestID: String? = nil) -> [UInt8] {
        if let requestID { writer.member("clientRequestId", requestID) }
        if usesQuota { writer.member("apiQuotaUsed", 1) }
        writer.endObject()
        writer.member("connectionId", connectionID)
        writer.endObject()
        return writer.bytes
    }
}
