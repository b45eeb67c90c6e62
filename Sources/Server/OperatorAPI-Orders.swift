import Engine
import JSON
import Ledger
import Venue

extension OperatorAPI {
    private static let states = ["open", "filled", "cancelled", "ended", "refused"]

    /// The account's orders, open and ended, in the order of their ending and then of their placing; `state`
    /// for those of one state; the latest 500 of them.
    func orders(_ call: Call) async throws -> Reply {
        try call.allow(["state", "as_of"])
        let state = call.query["state"]
        if let state, !Self.states.contains(state) {
            throw Problem.parameter("state", "must be one of \(Self.states.joined(separator: ", "))")
        }
        let time = try call.time("as_of")
        let account = try await self.account(call, asOf: time)
        let open = account.orders.map { OrderRecord($0) }
        let rows = try await engine.access(for: account.venue).answer(fromHistoryOf: account.id) { history in
            let ended = history.ended.filter { record in time.map { record.updatedAt <= $0 } ?? true }
            let rows = (ended + open).filter { state == nil || $0.stateName == state }
            if rows.count < TradingHistory.limit { try history.require(.orders) }
            return rows
        }
        return Self.list("orders", rows) { $0.write(to: &$1) }
    }

    /// The account's trades, the latest 500, the latest last.
    func trades(_ call: Call) async throws -> Reply {
        try call.allow(["as_of"])
        let time = try call.time("as_of")
        let account = try await self.account(call, asOf: time)
        let rows = try await engine.access(for: account.venue).answer(fromHistoryOf: account.id) { history in
            let rows = history.trades.filter { trade in time.map { trade.at <= $0 } ?? true }
            if rows.count < TradingHistory.limit { try history.require(.trades) }
            return rows
        }
        return Self.list("trades", rows) { $0.write(to: &$1) }
    }

    private static func list<Row>(
        _ name: String, _ rows: [Row], _ write: (Row, inout JSONWriter) -> Void
    ) -> Reply {
        .json { writer in
            writer.beginObject()
            writer.key(name)
            writer.array(of: rows.suffix(TradingHistory.limit)) { row, writer in write(row, &writer) }
            writer.endObject()
        }
    }
}

extension OrderRecord {
    /// `state`, as it is written.
    fileprivate var stateName: String {
        switch ending {
        case nil: "open"
        case .filled: "filled"
        case .cancelled: "cancelled"
        case .ended: "ended"
        case .refused: "refused"
        }
    }
}
