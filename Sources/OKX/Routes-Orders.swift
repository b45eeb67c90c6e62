import JSON
import Ledger
import Numbers
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

    // MARK: - Placing, amending, canceling

    /// Carries out up to twenty orders, each by itself and in their order.
    func perform(
        _ operation: OrderOperation, _ items: [JSONValue], _ snapshot: AccountSnapshot,
        through access: any VenueAccess
    ) async throws -> [OrderAck] {
        if items.count > 20 { throw operation.batchRefusal }
        var amended: Set<String> = []
        if operation == .cancel || items.count == 1 {
            return await perform(operation, items, snapshot, &amended, through: access)
        }
        // Each finds what those before it have left of positions, tiers and ids.
        var acks: [OrderAck] = []
        for item in items {
            let current = access.snapshot(of: snapshot.account.id) ?? snapshot
            acks += await perform(operation, [item], current, &amended, through: access)
        }
        return acks
    }

    /// Carries out orders that find the account as one snapshot has it. `amended` holds those that the
    /// request has amended.
    private func perform(
        _ operation: OrderOperation, _ items: [JSONValue], _ snapshot: AccountSnapshot,
        _ amended: inout Set<String>, through access: any VenueAccess
    ) async -> [OrderAck] {
        var acks: [OrderAck] = []
        var instructions: [TradeInstruction] = []
        var places: [Int] = []
        var ending: [OpenOrder?] = []
        for item in items {
            let members = OrderMembers(value: item)
            var ack = OrderAck(time: snapshot.at)
            ack.clientID = members["clOrdId"] ?? ""
            ack.tag = operation == .place ? members["tag"] ?? "" : ""
            ack.requestID = members["reqId"]
            ending.append(nil)
            do throws(OKXError) {
                let instruction: TradeInstruction
                switch operation {
                case .place:
                    instruction = .place(try OrderReading(item, snapshot, self).instruction())
                case .amend:
                    let order = try open(members, snapshot, else: .amendUnknown)
                    if !amended.insert(order.id).inserted { throw .amendRepeated }
                    ack.take(order, snapshot.account)
                    if try members.flag("cxlOnFail") { ending[ending.count - 1] = order }
                    instruction = try amendment(of: order, item, snapshot)
                case .cancel:
                    let order = try open(members, snapshot, else: .cancelUnknown)
                    ack.take(order, snapshot.account)
                    instruction = .cancel(.id(order.id), instrument: order.instrument.name)
                }
                places.append(acks.count)
                instructions.append(instruction)
            } catch {
                ack.error = error
                // What an order is not known by is not handed back as its id.
                if operation != .place { ack.id = members["ordId"] ?? "" }
            }
            acks.append(ack)
        }
        let results = await access.trade(instructions, for: snapshot.account.id)
        for (place, (instruction, result)) in zip(places, zip(instructions, results)) {
            acks[place].take(result, of: instruction, snapshot)
        }
        // `cxlOnFail`: what could not be amended is canceled.
        for (order, ack) in zip(ending, acks) where ack.error != nil {
            guard let order else { continue }
            _ = try? await access.trade(.cancel(.id(order.id), instrument: nil), for: snapshot.account.id)
        }
        return acks
    }

    /// The open order that is named: by `ordId`, else by `clOrdId`.
    private func open(
        _ members: OrderMembers, _ snapshot: AccountSnapshot, else unknown: OKXError
    ) throws(OKXError) -> OpenOrder {
        let instrument = try members.required("instId")
        let account = snapshot.account
        guard let reference = try OrderReference(members, account),
            let order = account.order(reference, of: instrument)
        else { throw unknown }
        return order
    }

    private func amendment(
        of order: OpenOrder, _ item: JSONValue, _ snapshot: AccountSnapshot
    ) throws(OKXError) -> TradeInstruction {
        let reading = OrderReading(item, snapshot, self)
        let size = try reading.members.number("newSz")
        var price = try reading.members.number("newPx")
        let attached = try AlgoReading(reading).amendedAttachments(of: order, at: price ?? order.price)
        guard size != nil || price != nil || attached != nil else { throw .amendNothing }
        let instrument = try reading.instrument()
        if let size { try reading.check(size, instrument, isMarket: false, named: "newSz") }
        if let given = price {
            price = try reading.checked(
                given, order.side, instrument, isExchange: order.settlementAsset == nil, named: "newPx")
        }
        if let size { try reading.checkGrowth(of: order, to: size, at: price ?? order.price, instrument) }
        return .amend(
            .id(order.id), instrument: instrument.terms.name, quantity: size, price: price,
            terms: try amendedTerms(of: order, attached, by: reading.members))
    }

    /// The terms of an order that name the request which amends it, with what is attached to it now; nil
    /// where they stay.
    private func amendedTerms(
        of order: OpenOrder, _ attached: [ConditionalInstruction]?, by members: OrderMembers
    ) throws(OKXError) -> OrderTerms? {
        let name = try members.label("reqId")
        guard var terms = order.terms else { return nil }
        terms.words["reqId"] = name.map { .string($0) }
        if let attached { terms.attached = attached }
        return terms == order.terms ? nil : terms
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

extension OrderAck {
    /// Takes over the ids of an order that stands.
    mutating func take(_ order: OpenOrder, _ account: Account) {
        id = order.venueID(of: account.id)
        clientID = order.shownClientID
    }

    /// Takes over what the exchange made of it.
    mutating func take(
        _ result: Result<[Event], Refusal>, of instruction: TradeInstruction, _ snapshot: AccountSnapshot
    ) {
        switch result {
        case .success(let events):
            for event in events {
                guard case .orderPlaced = event.body else { continue }
                id = OrderID.text(event.sequence)
            }
            time = events.last?.at ?? time
        case .failure(let refusal):
            if case .amend = instruction {
                // What changes nothing is as good as done.
                if refusal.code == .unchanged { return }
                switch refusal.code {
                case .unknownOrder: error = .amendUnknown
                case .wouldTake: error = .amendWouldTake
                default: break
                }
            }
            var currency = ""
            if case .place(let order) = instruction {
                let parts = order.instrument.split(separator: "-").map(String.init)
                let isSpot = parts.count == 2
                currency = isSpot && order.side == .sell ? parts[0] : parts.count > 1 ? parts[1] : ""
                if parts.count > 2, parts[1] == "USD" { currency = parts[0] }
                if let asset = order.terms.marginAsset { currency = asset }
            }
            error =
                error ?? OKXError(order: refusal, mode: snapshot.account.mode, currency: currency)
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
