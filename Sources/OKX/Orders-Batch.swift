import JSON
import Ledger
import Numbers
import Synchronization
import Venue

/// What becomes of one order of a request, as its answer tells it.
struct OrderAck: Sendable {
    var id = ""
    var clientID = ""
    var tag = ""
    var requestID: String?
    /// Nil where it was taken.
    var error: OKXError?
    var time: LedgerTime
}

extension OrderAck {
    /// Takes over the ids of an order that stands.
    fileprivate mutating func take(_ order: OpenOrder, _ account: Account) {
        id = order.venueID(of: account.id)
        clientID = order.shownClientID
    }
}

/// The orders of one request: each is read when its turn comes, of the account as those before it have left
/// it, and acknowledged by itself.
final class OrderBatch: Sendable {
    private struct Item {
        let value: JSONValue
        var ack: OrderAck
        var instruction: TradeInstruction?
        /// What an amendment is of that cancels its order where it fails (`cxlOnFail`).
        var endsOnFailure: OpenOrder?
    }

    private struct State {
        var items: [Item]
        /// Orders that the request has amended: none is twice.
        var amended: Set<String> = []
    }

    private let operation: OrderOperation
    private let venue: OKXVenue
    private let mode: AccountMode
    private let state: Mutex<State>

    init(
        _ operation: OrderOperation, _ items: [JSONValue], _ snapshot: AccountSnapshot, _ venue: OKXVenue
    ) {
        self.operation = operation
        self.venue = venue
        mode = snapshot.account.mode
        let read = items.map { value in
            let members = OrderMembers(value: value)
            var ack = OrderAck(time: snapshot.at)
            ack.clientID = members["clOrdId"] ?? ""
            ack.tag = operation == .place ? members["tag"] ?? "" : ""
            ack.requestID = members["reqId"]
            return Item(value: value, ack: ack)
        }
        state = Mutex(State(items: read))
    }

    /// What is told of each order.
    var acks: [OrderAck] { state.withLock { $0.items.map(\.ack) } }

    /// Orders that are to end because they could not be amended.
    var unamended: [OpenOrder] {
        state.withLock { $0.items.compactMap { $0.ack.error == nil ? nil : $0.endsOnFailure } }
    }

    // MARK: - Reading

    /// What each order asks for.
    var readings: [TradeReading] { acks.indices.map(reading) }

    private func reading(_ place: Int) -> TradeReading {
        { (snapshot: AccountSnapshot) throws(Refusal) -> TradeInstruction in try self.read(place, snapshot) }
    }

    private func read(_ place: Int, _ snapshot: AccountSnapshot) throws(Refusal) -> TradeInstruction {
        try state.withLock { state throws(Refusal) in
            do throws(OKXError) {
                let instruction = try instruction(&state.items[place], snapshot, &state.amended)
                state.items[place].instruction = instruction
                return instruction
            } catch {
                state.items[place].ack.error = error
                // What an order is not known by is not handed back as its id.
                if operation != .place {
                    state.items[place].ack.id = OrderMembers(value: state.items[place].value)["ordId"] ?? ""
                }
                throw Refusal(.notAllowed, "The venue refuses it: \(error.code).")
            }
        }
    }

    private func instruction(
        _ item: inout Item, _ snapshot: AccountSnapshot, _ amended: inout Set<String>
    ) throws(OKXError) -> TradeInstruction {
        let reading = OrderReading(item.value, snapshot, venue)
        switch operation {
        case .place: return .place(try reading.instruction())
        case .amend:
            let order = try reading.open(else: .amendUnknown)
            if !amended.insert(order.id).inserted { throw .amendRepeated }
            item.ack.take(order, snapshot.account)
            if try reading.members.flag("cxlOnFail") { item.endsOnFailure = order }
            return try reading.amendment(of: order)
        case .cancel:
            let order = try reading.open(else: .cancelUnknown)
            item.ack.take(order, snapshot.account)
            return .cancel(.id(order.id), instrument: order.instrument.name)
        }
    }

    // MARK: - What became of them

    /// Takes over what the exchange made of each.
    func take(_ results: [Result<[Event], Refusal>]) {
        state.withLock { state in
            for (place, result) in zip(state.items.indices, results) {
                if state.items[place].ack.error == nil { take(result, &state.items[place]) }
            }
        }
    }

    private func take(_ result: Result<[Event], Refusal>, _ item: inout Item) {
        switch result {
        case .success(let events):
            for event in events {
                guard case .orderPlaced = event.body else { continue }
                item.ack.id = OrderID.text(event.sequence)
            }
            item.ack.time = events.last?.at ?? item.ack.time
        case .failure(let refusal): item.ack.error = error(of: refusal, item.instruction)
        }
    }

    /// The venue's refusal; nil for what changes nothing, which is as good as done.
    private func error(of refusal: Refusal, _ instruction: TradeInstruction?) -> OKXError? {
        if operation == .amend {
            switch refusal.code {
            case .unchanged: return nil
            case .unknownOrder: return .amendUnknown
            case .wouldTake: return .amendWouldTake
            default: break
            }
        }
        return OKXError(order: refusal, mode: mode, currency: instruction.map(currency) ?? "")
    }

    /// The currency that an order lacks where it is refused for a lack of money.
    private func currency(_ instruction: TradeInstruction) -> String {
        guard case .place(let order) = instruction else { return "" }
        if let asset = order.terms.marginAsset { return asset }
        let parts = order.instrument.split(separator: "-").map(String.init)
        guard parts.count > 1 else { return "" }
        let isPaidInBase = parts.count == 2 ? order.side == .sell : parts[1] == "USD"
        return parts[isPaidInBase ? 0 : 1]
    }
}

extension OrderReading {
    /// The open order that is named: by `ordId`, else by `clOrdId`.
    fileprivate func open(else unknown: OKXError) throws(OKXError) -> OpenOrder {
        let instrument = try members.required("instId")
        let account = snapshot.account
        guard let reference = try OrderReference(members, account),
            let order = account.order(reference, of: instrument)
        else { throw unknown }
        return order
    }

    /// What an amendment makes of an order. Throws the venue's refusal.
    fileprivate func amendment(of order: OpenOrder) throws(OKXError) -> TradeInstruction {
        let size = try members.number("newSz")
        var price = try members.number("newPx")
        let attached = try AlgoReading(self).amendedAttachments(of: order, at: price ?? order.price)
        guard size != nil || price != nil || attached != nil else { throw .amendNothing }
        let instrument = try instrument()
        if let size { try check(size, instrument, isMarket: false, named: "newSz") }
        if let given = price {
            price = try checked(
                given, order.side, instrument, isExchange: order.settlementAsset == nil, named: "newPx")
        }
        if let size { try checkGrowth(of: order, to: size, at: price ?? order.price, instrument) }
        return .amend(
            .id(order.id), instrument: instrument.terms.name, quantity: size, price: price,
            terms: try amendedTerms(of: order, attached))
    }

    /// The terms of an order that name the request which amends it, with what is attached to it now; nil
    /// where they stay.
    private func amendedTerms(
        of order: OpenOrder, _ attached: [ConditionalInstruction]?
    ) throws(OKXError) -> OrderTerms? {
        let name = try members.label("reqId")
        guard var terms = order.terms else { return nil }
        terms.words["reqId"] = name.map { .string($0) }
        if let attached { terms.attached = attached }
        return terms == order.terms ? nil : terms
    }
}
