import JSON
import Ledger
import Numbers
import Venue

/// Conditional ("algo") orders: placed, canceled and looked up. Binance USDⓈ-M Futures API documentation,
/// New Algo Order.
extension BinanceVenue {
    /// The answer to a signed request about conditional orders.
    func algoAnswer(
        _ route: Route, _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        switch (route.endpoint, route.method) {
        case (.algoOrder, "POST"): return try await placeAlgo(parameters, snapshot, access)
        case (.algoOrder, "DELETE"): return try await cancelAlgo(parameters, snapshot, access)
        case (.algoOpenOrders, _):
            let symbol = try OrderReading(parameters, snapshot, self).symbol()
            _ = try await trade(.cancelAllConditionals(instrument: symbol.name), snapshot, access)
            return Self.allCancelled
        case (.algoOrder, _):
            let isNamed = try algoName(parameters)
            let algo = try await access.answer(fromHistoryOf: snapshot.account.id) { history in
                let found = try algos(snapshot, history).last { isNamed($0) }
                if found == nil { try history.require(.conditionals) }
                return found
            }
            guard let algo else { throw BinanceError.orderNotFound }
            var writer = JSONWriter(reserving: 768)
            writer.algo(algo, rules(at: snapshot.at), .query)
            return writer.bytes
        default: return try await listAlgos(route.endpoint, parameters, snapshot, access)
        }
    }

    private func placeAlgo(
        _ parameters: Parameters, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let order = try AlgoReading(OrderReading(parameters, snapshot, self)).instruction()
        let events = try await trade(.placeConditional(order), snapshot, access)
        for event in events {
            guard case .conditionalPlaced(let order) = event.body,
                let algo = AlgoOrder(order, of: snapshot.account.id, sequence: event.sequence)
            else { continue }
            var writer = JSONWriter(reserving: 640)
            writer.algo(algo, rules(at: snapshot.at), .placed)
            return writer.bytes
        }
        throw BinanceError.internalError
    }

    private func cancelAlgo(
        _ parameters: Parameters, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let isNamed = try algoName(parameters)
        let account = snapshot.account
        let waiting = account.conditionals.compactMap { AlgoOrder($0, of: account.id) }
        guard let algo = waiting.last(where: isNamed) else { throw BinanceError.unknownOrder }
        _ = try await trade(.cancelConditional(.sequence(algo.sequence)), snapshot, access)
        return JSONWriter.object(reserving: 128) { writer in
            writer.member("algoId", algo.id)
            writer.member("clientAlgoId", algo.clientID)
            // A text here, as the venue has it.
            writer.member("code", literal: "200")
            writer.member("msg", literal: "success")
        }
    }

    // MARK: - Looking up

    /// Whether a conditional order is the one that is named: by `algoId`, else by `clientAlgoId`.
    private func algoName(_ parameters: Parameters) throws(BinanceError) -> (AlgoOrder) -> Bool {
        if let id = try parameters.number("algoId") { return { $0.id == id } }
        guard let text = parameters["clientAlgoId"], !text.isEmpty else {
            throw .unnamed("algoId", "clientAlgoId")
        }
        return { $0.clientID.isExactly(text) }
    }

    /// Every conditional order that is kept, in the order of placing.
    private func algos(
        _ snapshot: AccountSnapshot, _ history: TradingHistory
    ) throws -> [AlgoOrder] {
        let account = snapshot.account
        let ended = try history.conditionals.compactMap { record in
            try AlgoOrder(record, of: account.id, order: placed(by: record, account, history))
        }
        return
            (ended.filter { Retention.keepsConditional($0, at: snapshot.at) }
            + waiting(snapshot, history))
            .sorted { $0.sequence < $1.sequence }
    }

    /// Every conditional order that waits.
    private func waiting(_ snapshot: AccountSnapshot, _ history: TradingHistory) -> [AlgoOrder] {
        // What was read later may have ended what waited in the snapshot.
        let ended = Set(history.conditionals.map(\.order.sequence))
        return snapshot.account.conditionals.filter { !ended.contains($0.sequence) }
            .compactMap { AlgoOrder($0, of: snapshot.account.id) }
    }

    /// The order that a conditional one has placed; nil where there is none.
    private func placed(
        by record: ConditionalRecord, _ account: Account, _ history: TradingHistory
    ) throws(HistoryForgotten) -> OrderRecord? {
        guard case .triggered(_, _, let sequence?) = record.ending else { return nil }
        let open = history.account ?? account
        if let order = open.orders.first(where: { $0.sequence == sequence }) { return OrderRecord(order) }
        return try history.ended(placedBy: sequence)
    }

    /// `openAlgoOrders`: those that wait; `allAlgoOrders`: all of a symbol.
    private func listAlgos(
        _ endpoint: Endpoint, _ parameters: Parameters, _ snapshot: AccountSnapshot,
        _ access: any VenueAccess
    ) async throws -> [UInt8] {
        let isHistory = endpoint == .allAlgoOrders
        let reading = OrderReading(parameters, snapshot, self)
        let symbol = isHistory || parameters["symbol"] != nil ? try reading.symbol().name : nil
        let isNamed = parameters["algoId"] == nil ? nil : try algoName(parameters)
        let isWindow = isHistory && isNamed == nil
        let page = try Page(parameters, window: isWindow ? .week(before: snapshot.at) : .unlimited)
        let found = try await access.answer(fromHistoryOf: snapshot.account.id) { history in
            let all = isHistory ? try algos(snapshot, history) : waiting(snapshot, history)
            let found = all.filter { algo in
                (symbol ?? algo.instrument.name) == algo.instrument.name
                    && isNamed?(algo) ?? true && page.admits(algo.placedAt, id: algo.id)
            }
            if isHistory { try page.require(.conditionals, of: history, rows: found.map(\.sequence)) }
            return found
        }
        var writer = JSONWriter(reserving: 768 * min(found.count, page.limit))
        writer.array(of: isHistory ? page.cut(found) : found[...]) { algo, writer in
            writer.algo(algo, rules(at: snapshot.at), .query)
        }
        return writer.bytes
    }
}
