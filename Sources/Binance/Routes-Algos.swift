import JSON
import Ledger
import Numbers
import Venue

/// Conditional ("algo") orders: placed, canceled and looked up. Binance USDⓈ-M Futures API documentation,
/// New Algo Order.
extension AccountRequest {
    /// The answer to a signed request about conditional orders.
    func algoAnswer(_ route: Route) async throws -> [UInt8] {
        switch (route.endpoint, route.method) {
        case (.algoOrder, "POST"): return try await placeAlgo()
        case (.algoOrder, "DELETE"): return try await cancelAlgo()
        case (.algoOpenOrders, _):
            try await trade(.cancelAllConditionals(instrument: symbol().name))
            return Self.allCancelled
        case (.algoOrder, _):
            let isNamed = try algoName()
            let algo = try await access.answer(fromHistoryOf: account.id) { history in
                let found = try algos(history).last { isNamed($0) }
                if found == nil { try history.require(.conditionals) }
                return found
            }
            guard let algo else { throw BinanceError.orderNotFound }
            return algoBody(algo, .query)
        default: return try await listAlgos(route.endpoint)
        }
    }

    private func algoBody(_ algo: AlgoOrder, _ form: JSONWriter.AlgoForm) -> [UInt8] {
        var writer = JSONWriter(reserving: 768)
        writer.algo(algo, rules, form)
        return writer.bytes
    }

    private func placeAlgo() async throws -> [UInt8] {
        let order = try AlgoReading(reading).instruction()
        for event in try await trade(.placeConditional(order)) {
            guard case .conditionalPlaced(let order) = event.body,
                let algo = AlgoOrder(order, of: account.id, sequence: event.sequence)
            else { continue }
            return algoBody(algo, .placed)
        }
        throw BinanceError.internalError
    }

    private func cancelAlgo() async throws -> [UInt8] {
        let isNamed = try algoName()
        let waiting = account.conditionals.compactMap { AlgoOrder($0, of: account.id) }
        guard let algo = waiting.last(where: isNamed) else { throw BinanceError.unknownOrder }
        try await trade(.cancelConditional(.sequence(algo.sequence)))
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
    private func algoName() throws(BinanceError) -> (AlgoOrder) -> Bool {
        if let id = try parameters.number("algoId") { return { $0.id == id } }
        guard let text = parameters.given("clientAlgoId") else { throw .unnamed("algoId", "clientAlgoId") }
        return { $0.clientID.isExactly(text) }
    }

    /// Every conditional order that is kept, in the order of placing.
    private func algos(_ history: TradingHistory) throws -> [AlgoOrder] {
        let ended = try history.conditionals.compactMap { record in
            try AlgoOrder(record, of: account.id, order: placed(by: record, history))
        }
        return (ended.filter { Retention.keepsConditional($0, at: snapshot.at) } + waiting(history))
            .sorted { $0.sequence < $1.sequence }
    }

    /// Every conditional order that waits.
    private func waiting(_ history: TradingHistory) -> [AlgoOrder] {
        // What was read later may have ended what waited in the snapshot.
        let ended = Set(history.conditionals.map(\.order.sequence))
        return account.conditionals.filter { !ended.contains($0.sequence) }
            .compactMap { AlgoOrder($0, of: account.id) }
    }

    /// The order that a conditional one has placed; nil where there is none.
    private func placed(
        by record: ConditionalRecord, _ history: TradingHistory
    ) throws(HistoryForgotten) -> OrderRecord? {
        guard case .triggered(_, _, let sequence?) = record.ending else { return nil }
        let open = history.account ?? account
        if let order = open.orders.first(where: { $0.sequence == sequence }) { return OrderRecord(order) }
        return try history.ended(placedBy: sequence)
    }

    /// `openAlgoOrders`: those that wait; `allAlgoOrders`: all of a symbol.
    private func listAlgos(_ endpoint: Endpoint) async throws -> [UInt8] {
        let isHistory = endpoint == .allAlgoOrders
        let symbol = try isHistory ? symbol().name : chosenSymbol()
        let isNamed = parameters["algoId"] == nil ? nil : try algoName()
        let isWindow = isHistory && isNamed == nil
        let page = try Page(parameters, window: isWindow ? .week(before: snapshot.at) : .unlimited)
        let rows = try await access.answer(fromHistoryOf: account.id) { history in
            let all = isHistory ? try algos(history) : waiting(history)
            let found = all.filter { algo in
                (symbol ?? algo.instrument.name) == algo.instrument.name
                    && isNamed?(algo) ?? true && page.admits(algo.placedAt, id: algo.id)
            }
            return isHistory ? try page.rows(found, of: .conditionals, in: history, \.sequence) : found[...]
        }
        let rules = rules
        var writer = JSONWriter(reserving: 768 * rows.count)
        writer.array(of: rows) { algo, writer in writer.algo(algo, rules, .query) }
        return writer.bytes
    }
}
