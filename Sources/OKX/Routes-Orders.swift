import JSON
import Ledger
import Numbers
import Venue

/// What a client asks for orders, by REST or on a socket.
enum OrderOperation: Sendable {
    case place
    case amend
    case cancel

    /// The most that one request may hold, and the code of the refusal of more.
    var batchRefusal: OKXError {
        switch self {
        case .place: .batchTooLarge("51111", 20)
        case .amend: .batchTooLarge("51501", 20)
        case .cancel: .batchTooLarge("51406", 20)
        }
    }
}

extension OKXVenue {
    /// The body of the answer to a request that changes orders.
    func orderChange(
        _ endpoint: Endpoint, _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let started = access.realTime()
        switch endpoint {
        case .order, .batchOrders:
            let acks = try await perform(.place, items(body, endpoint), snapshot, through: access)
            return Self.orderReply(.place, acks, started, access.realTime())
        case .amendOrder, .amendBatchOrders:
            let acks = try await perform(.amend, items(body, endpoint), snapshot, through: access)
            return Self.orderReply(.amend, acks, started, access.realTime())
        case .cancelOrder, .cancelBatchOrders:
            let acks = try await perform(.cancel, items(body, endpoint), snapshot, through: access)
            return Self.orderReply(.cancel, acks, started, access.realTime())
        case .closePosition: return try await closePosition(body, snapshot, through: access)
        case .cancelAllAfter: return try await cancelAllAfter(body, snapshot, through: access)
        default: return try await algoChange(endpoint, body, snapshot, through: access)
        }
    }

    /// The orders of a request: an array for the batch paths, an object for the others.
    private func items(_ body: JSONValue, _ endpoint: Endpoint) throws(OKXError) -> [JSONValue] {
        switch endpoint {
        case .batchOrders, .amendBatchOrders, .cancelBatchOrders:
            guard let items = body.elements, !items.isEmpty, items.allSatisfy({ $0.object != nil }) else {
                throw .bodyMalformed
            }
            return items
        default:
            guard body.object != nil else { throw .bodyMalformed }
            return [body]
        }
    }

    /// Carries out up to twenty orders, each by itself and in their order.
    func perform(
        _ operation: OrderOperation, _ items: [JSONValue], _ snapshot: AccountSnapshot,
        through access: any VenueAccess
    ) async throws -> [OrderAck] {
        if items.count > 20 { throw operation.batchRefusal }
        let batch = OrderBatch(operation, items, snapshot, self)
        batch.take(await access.trade(batch.readings, for: snapshot.account.id))
        // `cxlOnFail`: what could not be amended is canceled.
        for order in batch.unamended {
            _ = try? await access.trade(.cancel(.id(order.id), instrument: nil), for: snapshot.account.id)
        }
        return batch.acks
    }

    // MARK: - Closing

    /// `trade/close-position`: a market order for the whole of a position.
    private func closePosition(
        _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let members = OrderMembers(value: body)
        let account = snapshot.account
        let name = try members.required("instId")
        guard let mode = MarginMode(rawValue: try members.required("mgnMode")) else {
            throw OKXError.parameterWrong("mgnMode")
        }
        let rules = rules(at: snapshot.at)
        guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
        if let expiry = instrument.expiry, expiry <= snapshot.at { throw OKXError.contractExpired }
        let reading = OrderReading(body, snapshot, self)
        let side = try reading.positionSide(of: instrument) ?? .net
        guard let position = account.position(name, side: side, marginMode: mode) else {
            throw OKXError.positionMissing
        }
        if let margin = position.margin, mode == .cross {
            guard try members.required("ccy") == margin.asset else { throw OKXError.positionMissing }
        }
        let closing = account.orders.filter { $0.onlyReduces && $0.position == position.key }
        if !closing.isEmpty {
            guard try members.flag("autoCxl") else { throw OKXError.closingOrders }
            for order in closing {
                _ = try await access.trade(.cancel(.id(order.id), instrument: nil), for: account.id)
            }
        }
        var terms = OrderTerms(clientID: try members.label("clOrdId"), kind: .market)
        terms.marginAsset = position.margin?.asset
        if let tag = try members.label("tag", longest: 16) { terms.words["tag"] = .string(tag) }
        var order = OrderInstruction(
            instrument: name, side: position.isLong ? .sell : .buy,
            quantity: try closingSize(of: position, instrument, account, rules), price: nil, terms: terms)
        order.reduceOnly = position.margin == nil && !account.isHedged
        order.positionSide = side == .net ? nil : side
        order.marginMode = mode
        do throws(Refusal) {
            _ = try await access.trade(.place(order), for: account.id)
        } catch {
            throw OKXError(order: error, mode: account.mode, currency: position.settlementAsset)
        }
        return JSONWriter.rowReply { writer in
            writer.member("clOrdId", terms.clientID ?? "")
            writer.member("instId", name)
            writer.member("posSide", side.rawValue)
            writer.member("tag", members["tag"] ?? "")
        }
    }

    /// What closes a position: all of it. Of a pair that is owed on margin so much more as the fee takes of
    /// what is bought, in whole lots.
    private func closingSize(
        of position: Position, _ instrument: InstrumentRules, _ account: Account, _ rules: RuleTable
    ) throws -> ExactDecimal {
        let size = position.quantity.magnitude
        guard position.margin != nil, !position.isLong else { return size }
        let rate = rules.feeRate(.taker, of: instrument, in: account)
        return try size.over(ExactDecimal.one - rate, rounding: .ceiling)
            .rounded(toMultipleOf: instrument.lot, .ceiling)
    }

    /// `trade/cancel-all-after`: a dead man's switch of 10 to 120 seconds; 0 turns it off.
    private func cancelAllAfter(
        _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let members = OrderMembers(value: body)
        guard let seconds = Int64(try members.required("timeOut")),
            seconds == 0 || (10...120).contains(seconds)
        else { throw OKXError.parameterWrong("timeOut") }
        let now = access.ledgerTime()
        let due = seconds == 0 ? nil : LedgerTime(milliseconds: now.milliseconds + seconds * 1000)
        let timer = CancelTimer(instrument: nil, at: due)
        _ = try await access.trade(.setTimer(timer), for: snapshot.account.id)
        return JSONWriter.rowReply { writer in
            writer.member("tag", members["tag"] ?? "")
            writer.member("triggerTime", due.map { String($0.milliseconds) } ?? "0")
            writer.member("ts", now)
        }
    }

    // MARK: - Answers

    /// `{"code":…,"data":[…],"inTime":…,"msg":…,"outTime":…}`: 0 where all were done, 1 where none, 2 where
    /// some.
    static func orderReply(
        _ operation: OrderOperation, _ acks: [OrderAck], _ started: Int64, _ ended: Int64
    ) -> [UInt8] {
        let outcome = BatchOutcome(acks.count, failed: acks.count { $0.error != nil })
        var writer = JSONWriter(reserving: 128 + 192 * acks.count)
        writer.beginObject()
        writer.member("code", literal: outcome.code)
        writer.array("data", of: acks) { ack, writer in writer.ack(ack, operation) }
        writer.member("inTime", "\(started)000")
        writer.member("msg", literal: outcome.message)
        writer.member("outTime", "\(ended)000")
        writer.endObject()
        return writer.bytes
    }
}

/// What became of a request for several orders, each by itself.
struct BatchOutcome {
    let code: StaticString
    let message: StaticString

    /// 0 where all were done, 1 where none, 2 where some.
    init(_ count: Int, failed: Int) {
        if failed == 0 {
            (code, message) = ("0", "")
        } else if failed == count {
            (code, message) = ("1", "All operations failed")
        } else {
            (code, message) = ("2", "Bulk operation partially succeeded.")
        }
    }
}

/// Ids of orders as the venue's look: nineteen digits that grow.
enum OrderID {
    static let base: Int64 = 3_000_000_000_000_000_000

    /// Where an order stands in the order of ids: by its sequence, one of the operator before all of those.
    static func place(of order: OpenOrder, _ account: String) -> Int64 {
        order.sequence > 0 ? order.sequence : (Int64(StableID.order(account, order)) ?? 0) - base
    }

    /// The id of an order or conditional order that the event with this sequence placed.
    static func text(_ sequence: Int64) -> String { String(base + sequence) }

    /// The sequence that an id stands for; nil for another text.
    static func sequence(_ text: String) -> Int64? {
        guard let number = Int64(text), number > base, number < base + 1_000_000_000_000_000 else {
            return nil
        }
        return number - base
    }
}

extension OrderReference {
    /// The order that `ordId` means, or else `clOrdId`; nil for an id that no order has. Throws where neither
    /// is given.
    init?(_ members: OrderMembers, _ account: Account) throws(OKXError) {
        if let text = members["ordId"] {
            if let sequence = OrderID.sequence(text) {
                self = .sequence(sequence)
            } else if let order = account.orders.first(where: { StableID.order(account.id, $0) == text }) {
                self = .id(order.id)
            } else {
                return nil
            }
        } else if let text = members["clOrdId"] {
            self = .client(text)
        } else {
            throw .itemMissing("ordId")
        }
    }
}

extension OpenOrder {
    /// `ordId`.
    func venueID(of account: String) -> String {
        sequence > 0 ? OrderID.text(sequence) : StableID.order(account, self)
    }

    /// `clOrdId`: the client's own; of the operator's orders their name.
    var shownClientID: String { terms == nil ? id : terms?.clientID ?? "" }
}

extension TradeRecord {
    /// `ordId`: of its order; a fill that the operator told of no order has one of its own place, because
    /// at the venue no fill is without an order, and clients stop at an empty id.
    func orderID(of account: String) -> String { order?.venueID(of: account) ?? OrderID.text(sequence) }
}

extension JSONWriter {
    /// One acknowledgement, its members in their order by REST.
    mutating func ack(_ ack: OrderAck, _ operation: OrderOperation) {
        beginObject()
        member("clOrdId", ack.clientID)
        member("ordId", ack.id)
        if operation == .amend { member("reqId", ack.requestID ?? "") }
        member("sCode", ack.error?.code ?? "0")
        if let error = ack.error {
            member("sMsg", error.message)
        } else {
            member("sMsg", literal: operation == .place ? "Order placed" : "")
        }
        if operation != .cancel { member("subCode", ack.error?.subCode ?? "") }
        if operation == .place { member("tag", ack.tag) }
        member("ts", ack.time)
        endObject()
    }
}
