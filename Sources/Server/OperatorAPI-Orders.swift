import Engine
import JSON
import Ledger
import Venue

extension OperatorAPI {
    private static let states = ["open", "filled", "cancelled", "ended", "refused"]

    /// The account's orders, open and ended, in the order of their ending and then of their placing; `state`
    /// for those of one state. The latest 500 that ended are kept.
    func orders(_ call: Call) async throws -> Reply {
        try call.allow(["state", "as_of"])
        let state = call.query["state"]
        if let state, !Self.states.contains(state) {
            throw Problem.parameter("state", "must be one of \(Self.states.joined(separator: ", "))")
        }
        let time = try call.time("as_of")
        let account = try await self.account(call, asOf: time)
        let history = try await history(of: account)
        let ended = history.ended.filter { record in time.map { record.updatedAt <= $0 } ?? true }
        let open = account.orders.map { OrderRecord($0) }
        return Self.list("orders", (ended + open).filter { state == nil || $0.stateName == state }) {
            $0.write(to: &$1)
        }
    }

    /// The account's trades, the latest 500, the latest last.
    func trades(_ call: Call) async throws -> Reply {
        try call.allow(["as_of"])
        let time = try call.time("as_of")
        let account = try await self.account(call, asOf: time)
        let trades = try await history(of: account).trades
        return Self.list("trades", trades.filter { trade in time.map { trade.at <= $0 } ?? true }) {
            $0.write(to: &$1)
        }
    }

    private func history(of account: Account) async throws(Refusal) -> TradingHistory {
        try await engine.access(for: account.venue).tradingHistory(of: account.id)
            ?? TradingHistory(of: account.id)
    }

    private static func list<Row>(
        _ name: String, _ rows: [Row], _ write: (Row, inout JSONWriter) -> Void
    ) -> Reply {
        .json { writer in
            writer.beginObject()
            writer.key(name)
            writer.beginArray()
            for row in rows.suffix(TradingHistory.limit) { write(row, &writer) }
            writer.endArray()
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
