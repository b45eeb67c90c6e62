import JSON
import Ledger
import Numbers
import Venue

/// Lists of orders that hang together: one cancels the other (OCO), one triggers the other (OTO), one
/// triggers two of which one cancels the other (OTOCO). Crypto.com Exchange API documentation,
/// private/advanced; what it leaves open is listed in `docs/venues/crypto-com.md`.
extension AccountRequest {
    /// Places a list; its `list_id`.
    func placeLinked() async throws(VenueError) -> String {
        let list = LinkedList(
            id: StableIdentifier.list("\(account.id)/\(account.version)/\(id.fallbackClientID)"),
            method: method)
        let orders = try orderList()
        guard orders.count == (method == .createOTOCO ? 3 : 2) else { throw .invalidArgument }
        let fallbackIDs = orders.indices.map { "\(id.fallbackClientID)_\($0)" }
        // An OCO may name its orders in any order, the others begin with the one that comes first.
        let first = method == .createOCO ? orders.firstIndex(where: { Self.triggerType($0) == nil }) : 0
        guard let first else { throw .invalidArgument }
        var primary = try OrderReading(orders[first], snapshot, venue).order(fallbackID: fallbackIDs[first])
        if method == .createOCO, primary.instruction.price == nil { throw .invalidArgument }
        let entry = method == .createOCO ? nil : primary.instruction.price
        var legs: [ConditionalInstruction] = []
        for place in orders.indices where place != first {
            guard let type = Self.triggerType(orders[place]) else { throw .invalidArgument }
            if method == .createOCO, (orders[place]["ref_price_type"]?.text ?? "MARK_PRICE") != "MARK_PRICE" {
                throw .invalidReferencePriceType
            }
            var leg = try OrderReading(orders[place], snapshot, venue)
                .trigger(type, fallbackID: fallbackIDs[place], entry: entry)
            guard leg.instrument == primary.instruction.instrument else { throw .invalidArgument }
            leg.terms.list = list.id
            list.mark(&leg.words, leg: place + 1)
            list.mark(&leg.terms.words, leg: place + 1)
            legs.append(leg)
        }
        let takesProfit = legs.map { TriggerType(rawValue: $0.words.text("type") ?? "")?.takesProfit }
        if method == .createOTOCO, Set(takesProfit).count != 2 { throw .invalidArgument }
        list.mark(&primary.instruction.terms.words, leg: first + 1)
        if method == .createOCO {
            if let rejection = primary.rejection { throw rejection }
            primary.instruction.terms.list = list.id
            try await trade(.placeBeside(primary.instruction, legs))
        } else {
            primary.instruction.terms.attached = legs
            _ = try await place(primary)
        }
        return list.id
    }

    private static func triggerType(_ params: JSONValue) -> TriggerType? {
        params["type"]?.text.flatMap(TriggerType.init(rawValue:))
    }

    /// Cancels what is open of a list.
    func cancelLinked() async throws(VenueError) {
        let id = try required("list_id")
        func isMeant(_ words: Settings?) -> Bool {
            guard let words, words.text(OrderWord.list).isExactly(id) else { return false }
            return (words.text(OrderWord.contingency) == "OCO") == (method == .cancelOCO)
        }
        let orders = account.orders.filter { isMeant($0.terms?.words) }
        let conditionals = account.conditionals.filter { isMeant($0.terms.words) }
        if orders.isEmpty, conditionals.isEmpty { throw .invalidOrderID }
        for order in orders { try await trade(.cancel(.id(order.id), instrument: nil)) }
        for order in conditionals { try await trade(.cancelConditional(.id(order.id))) }
    }

    /// `private/advanced/get-order-list-detail`: every order of the lists that `list_id_list` names, open or
    /// ended; those that wait for the first one to be filled are not there yet.
    func writeLists(_ history: TradingHistory, to writer: inout JSONWriter) throws {
        guard let elements = params["list_id_list"]?.elements, (1...100).contains(elements.count) else {
            throw VenueError.invalidArgument
        }
        let ids = Set(elements.compactMap { $0.text ?? $0.numberText })
        let form = form
        func isMeant(_ words: Settings?) -> Bool { words?.text(OrderWord.list).map(ids.contains) ?? false }
        let records = (account.orders.map { OrderRecord($0) } + history.ended.reversed())
            .filter { isMeant($0.order.terms?.words) }
        let triggers =
            account.conditionals.filter { isMeant($0.terms.words) }.map { TriggerRecord($0) }
            + (try history.conditionals.reversed().filter { isMeant($0.order.terms.words) }
                .map { try TriggerRecord($0, account, history) })
        // Nothing says how many orders a list had, or when they ended.
        for list in [TradingHistory.List.orders, .conditionals] { try history.require(list) }
        writer.beginObject()
        writer.beginArray("data")
        // What a trigger has placed is told by the trigger's row.
        for record in records where record.order.terms?.conditional == nil {
            try form.write(record, to: &writer)
        }
        for trigger in triggers { try form.write(trigger, to: &writer) }
        writer.endArray()
        writer.endObject()
    }
}

/// A list that is being placed.
private struct LinkedList {
    let id: String
    let method: Method

    private var type: String {
        switch method {
        case .createOCO: "OCO"
        case .createOTO: "OTO"
        default: "OTOCO"
        }
    }

    /// Notes the list among what rows repeat.
    func mark(_ words: inout Settings, leg: Int) {
        words[OrderWord.list] = .string(id)
        words[OrderWord.contingency] = .string(type)
        words[OrderWord.leg] = .string(String(leg))
    }
}

extension TriggerType {
    fileprivate var takesProfit: Bool { self == .takeProfit || self == .takeProfitLimit }
}
