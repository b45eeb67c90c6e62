import JSON
import Ledger
import Numbers
import Synchronization
import Venue

/// What a stream tells of one event: orders as they are after it, and trades.
enum OrderPush {
    case order(OrderRecord)
    case trade(TradeRecord)
    case trigger(TriggerRecord)

    var instrument: Instrument {
        switch self {
        case .order(let record): record.order.instrument
        case .trade(let trade): trade.fill.instrument
        case .trigger(let record): record.order.instrument
        }
    }
}

/// Follows an account's events and says what is told of its orders: one push a match, each with its trade
/// behind it. What an event leaves for the very next one to tell, such as an order that is placed and filled
/// at once, is not told by itself (`docs/venues/crypto-com.md`).
struct OrderFollower {
    /// The account as of the last event that was heard.
    private var account: Account

    init(_ account: Account) { self.account = account }

    /// What is told of an account's next events. Throws where they do not fit.
    mutating func pushes(of events: [Event]) throws -> [OrderPush] {
        var pushes: [OrderPush] = []
        var trades: [OrderPush] = []
        for (place, event) in events.enumerated() where event.sequence > account.lastSequence {
            let before = account
            try account.apply(event)
            let next = events[(place + 1)...]
            let news = try OrderNews(event, before: before, after: account)
            switch news?.subject {
            case .waiting(let order): pushes.append(.trigger(TriggerRecord(order)))
            case .ended(let record):
                pushes.append(
                    .trigger(
                        TriggerRecord(
                            record.order, record.ending, at: record.endedAt,
                            placed: try Self.order(placedBy: record, in: next))))
            case .order, nil: break
            }
            if case .filled(let fill) = event.body {
                trades.append(
                    .trade(
                        TradeRecord(
                            sequence: event.sequence, at: event.at, fill: fill,
                            order: fill.orderID.flatMap { before.order(.id($0)) },
                            realised: try account.realised(of: fill.instrument.name)
                                - before.realised(of: fill.instrument.name))))
            }
            if let following = next.first, event.isSuperseded(by: following) { continue }
            if case .order(let record)? = news?.subject { pushes.append(.order(record)) }
            pushes += trades
            trades = []
        }
        return pushes + trades
    }

    /// The order that a conditional one has placed, with what became of it at once; nil where it placed none.
    private static func order(
        placedBy record: ConditionalRecord, in next: ArraySlice<Event>
    ) throws -> OrderRecord? {
        let placing = next.firstIndex { event in
            guard case .orderPlaced(let order) = event.body else { return false }
            return order.terms?.conditional == record.order.id
        }
        guard let placing else { return nil }
        var placed = try OrderRecord(placedBy: [next[placing]])
        // Others may have fired at the same price: their orders are not this one's.
        for event in next[(placing + 1)...] { try placed?.take(event) }
        return placed
    }
}

extension Event {
    /// Whether the next event of the account says of the same order what this one would: a placing by
    /// whatever becomes of it at once, an amendment and a fill by the fill or the end that comes with it.
    fileprivate func isSuperseded(by next: Event) -> Bool {
        guard next.sequence == sequence + 1, let id = body.orderID, next.body.orderID == id else {
            return false
        }
        switch (body, next.body) {
        case (.orderPlaced, .filled), (.orderPlaced, .orderEnded), (.orderAmended, .filled),
            (.filled, .orderEnded):
            return true
        default: return false
        }
    }
}

extension CryptoComVenue {
    /// The first frame of a channel of orders or trades: the open orders in the documented form, nothing in
    /// the recorded one.
    func firstFrame(
        _ channel: UserChannel, id: RequestIdentifier, of snapshot: AccountSnapshot
    ) throws(VenueError) -> [UInt8] {
        var frame = ChannelFrame(id: id, subscription: channel.name, channel: channel.name)
        if profile == .documented, channel.kind == .orders {
            let form = form(snapshot)
            for order in snapshot.account.orders.reversed() where channel.isOf(order.instrument) {
                try VenueError.turning { try form.writePush(OrderRecord(order), to: &frame.writer) }
            }
        }
        if profile == .documented, channel.kind.isOfTriggers {
            let form = form(snapshot)
            for order in snapshot.account.conditionals.reversed() {
                try VenueError.turning { try form.write(TriggerRecord(order), to: &frame.writer) }
            }
        }
        return frame.finished()
    }

    /// One push on a channel; nil where it is none of the channel's.
    func frame(
        _ channel: UserChannel, _ push: OrderPush, of snapshot: AccountSnapshot
    ) throws(VenueError) -> [UInt8]? {
        guard channel.isOf(push.instrument) else { return nil }
        let form = form(snapshot)
        var frame = ChannelFrame(
            id: .omitted, subscription: channel.name, channel: channel.kind.rawValue,
            instrument: push.instrument.name, namesInstrumentLast: true)
        let isTold = try VenueError.turning {
            switch (channel.kind, push) {
            case (.orders, .order(let record)): try form.writePush(record, to: &frame.writer)
            case (let kind, .trigger(let record)) where kind.isOfTriggers:
                try form.write(record, to: &frame.writer)
            case (.trades, .trade(let trade)): form.write(trade, isPush: true, to: &frame.writer)
            default: return false
            }
            return true
        }
        return isTold ? frame.finished() : nil
    }
}

extension AccountRequest {
    fileprivate func orderVerdict() async -> Result<[UInt8], VenueError> {
        do throws(VenueError) {
            return .success(try await orderAnswer())
        } catch {
            return .failure(error)
        }
    }
}

/// What is canceled when a connection is over (Crypto.com Exchange API documentation,
/// private/set-cancel-on-disconnect).
enum DisconnectScope: String {
    /// What was placed on the connection.
    case connection = "CONNECTION"
    /// Everything of the account.
    case account = "ACCOUNT"
}

/// The orders that were placed on one connection, for as long as it stands.
final class PlacedOrders: Sendable {
    /// Those of the request that is being answered.
    @TaskLocal static var current: PlacedOrders?

    private let ids = Mutex<[String]>([])

    /// The orders, in the order of placing.
    var all: [String] { ids.withLock { $0 } }

    func note(_ id: String) { ids.withLock { $0.append(id) } }

    /// Forgets those that are not open any more, where they have become many.
    func forgetEnded(of account: Account) {
        ids.withLock { ids in
            guard ids.count > 100 + 2 * account.orders.count else { return }
            let open = Set(account.orders.map { ExactText($0.id) })
            ids.removeAll { !open.contains(ExactText($0)) }
        }
    }
}

extension UserStream {
    /// The answer to a private method about orders, worked out while the connection waits.
    func orderWork(
        _ method: Method, _ request: StreamRequest, _ account: String
    ) -> StreamOutput.Work {
        { [venue, access, placed] in
            do throws(VenueError) {
                guard let snapshot = access.snapshot(of: account) else { throw .accountDoesNotExist }
                placed.forgetEnded(of: snapshot.account)
                let asked = AccountRequest(
                    method, id: request.id, request.params, of: snapshot, venue, access)
                let answer = await PlacedOrders.$current.withValue(placed) { () async in
                    await asked.orderVerdict()
                }
                return [try answer.get()]
            } catch {
                return [error.body(id: request.id, method: request.method)]
            }
        }
    }

    /// Cancels what the connection's scope names; nil where nothing is to be canceled.
    var farewell: (@Sendable () async -> Void)? {
        guard let (scope, account) = disconnection else { return nil }
        return { [access, placed] in
            switch scope {
            case .account: _ = try? await access.trade(.cancelAll(instrument: nil), for: account)
            case .connection:
                for id in placed.all {
                    _ = try? await access.trade(.cancel(.id(id), instrument: nil), for: account)
                }
            }
        }
    }
}
