import JSON
import Ledger
import Numbers
import Venue

/// A channel of an account.
struct UserChannel: Equatable {
    /// What is told on it.
    enum Kind: String {
        case balance = "user.balance"
        case accountRisk = "user.account_risk"
        case positionBalance = "user.position_balance"
        case positions = "user.positions"
        case orders = "user.order"
        case trades = "user.trade"
        // The venue spells the channel of conditional orders in three ways; who asks for one is told on it.
        case advanceOrder = "user.advance.order"
        case advancedOrder = "user.advanced.order"
        case advanceOrderPage = "user.advance_order"

        /// Whether it is of conditional orders.
        var isOfTriggers: Bool {
            switch self {
            case .advanceOrder, .advancedOrder, .advanceOrderPage: true
            default: false
            }
        }
    }

    let kind: Kind
    /// The instrument that orders or trades are told of; nil for all.
    let instrument: String?

    /// Nil for a name that no channel has.
    init?(_ name: String) {
        if let kind = Kind(rawValue: name) {
            (self.kind, instrument) = (kind, nil)
            return
        }
        for kind in [Kind.orders, .trades] {
            let prefix = kind.rawValue + "."
            guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else { continue }
            (self.kind, instrument) = (kind, String(name.dropFirst(prefix.count)))
            return
        }
        return nil
    }

    var name: String { kind.rawValue + (instrument.map { "." + $0 } ?? "") }

    /// Whether it tells what happens, rather than how the account stands.
    var tellsEvents: Bool { kind == .orders || kind == .trades || kind.isOfTriggers }

    func isOf(_ other: Instrument) -> Bool { instrument.map(other.name.isExactly) ?? true }
}

extension CryptoComVenue {
    /// A frame of a channel: the account's figures as REST would tell them of the same snapshot. Of the
    /// positions that were told before, those that are closed now are told once more on their channel.
    ///
    /// In the live form the first frame of `user.balance` names no account and every later one does, as
    /// recorded; `user.account_risk` always names it.
    func frame(
        _ channel: UserChannel, id: RequestIdentifier, isPush: Bool, of snapshot: AccountSnapshot,
        told: [Position] = []
    ) throws(VenueError) -> [UInt8] {
        let account = snapshot.account
        let namesAccount =
            channel.kind == .accountRisk || (channel.kind == .balance && isPush && profile == .live)
        var frame = ChannelFrame(
            id: id, subscription: channel.name, channel: channel.name,
            accountID: namesAccount ? StableIdentifier.uuid(account: account.id) : nil,
            reserving: ReplyWriter.capacity(rows: account.holdings.count))
        try VenueError.turning {
            switch channel.kind {
            case .orders, .trades, .advanceOrder, .advancedOrder, .advanceOrderPage: break
            case .balance:
                try figures(of: snapshot).write(
                    .ofBalanceChannel(profile), of: account.id, to: &frame.writer)
            case .accountRisk: try writeAccountRisk(of: snapshot, to: &frame.writer)
            case .positionBalance: try writePositionBalance(of: snapshot, to: &frame.writer)
            case .positions:
                for position in try figures(of: snapshot).positions {
                    try writeWithRisk(position, of: snapshot, to: &frame.writer)
                }
                let open = account.positions.map(\.key)
                for position in told where !open.contains(position.key) {
                    try writeClosed(position, of: snapshot, to: &frame.writer)
                }
            }
        }
        return frame.finished()
    }

    /// The account object with `balances` in place of `position_balances`, and the positions.
    private func writeAccountRisk(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let figures = try figures(of: snapshot)
        try figures.write(.ofRiskChannel(profile), of: snapshot.account.id, to: &writer) { isolated, writer in
            for position in figures.positions where isolated == nil || position.isolated === isolated {
                try writeWithRisk(position, of: snapshot, to: &writer)
            }
        }
    }

    private func writeWithRisk(
        _ position: PositionFigures, of snapshot: AccountSnapshot, to writer: inout JSONWriter
    ) throws {
        try position.take(rules(at: snapshot.at))
        try position.write(Layouts.positionRisk, of: snapshot.account.id, to: &writer)
    }

    /// A position that is no more: nothing is left of it.
    private func writeClosed(
        _ position: Position, of snapshot: AccountSnapshot, to writer: inout JSONWriter
    ) throws {
        let nothing = Position(
            instrument: position.instrument, side: position.side, marginMode: position.marginMode,
            quantity: .zero, cost: .zero, openedAt: snapshot.account.updatedAt)
        let mark = try MarkFigures(
            position.instrument, market(snapshot.prices, at: snapshot.at), in: FigureBook())
        try writeWithRisk(PositionFigures(nothing, mark), of: snapshot, to: &writer)
    }

    /// Quantities and positions, without the account's figures.
    private func writePositionBalance(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let account = snapshot.account
        let figures = try figures(of: snapshot)
        writer.beginObject()
        writer.key("balances")
        try writer.array { writer in
            for row in figures.rows {
                let changed = account.holding(row.asset)?.updatedAt ?? account.updatedAt
                writeQuantity(try row.decimal(.quantity), of: row.asset, changed, to: &writer)
            }
        }
        writer.key("positions")
        try writer.array { writer in
            for position in figures.positions {
                try position.write(Layouts.position, of: account.id, to: &writer)
            }
        }
        writer.key("isolated_positions")
        try writer.array { writer in
            for position in figures.positions {
                guard let isolated = position.isolated else { continue }
                try write(position, isolated, of: account.id, to: &writer)
            }
        }
        writer.endObject()
    }

    private func write(
        _ position: PositionFigures, _ isolated: IsolatedFigures, of account: String,
        to writer: inout JSONWriter
    ) throws {
        writer.beginObject()
        try Layouts.isolation.write(isolated, to: &writer) { field, writer in
            isolated.writeIsolation(field, of: account, to: &writer)
        }
        writer.key("balances")
        try writer.array { writer in
            writeQuantity(
                try isolated.row.decimal(.quantity), of: CryptoComRules.usd, position.position.updatedAt,
                to: &writer)
        }
        writer.key("positions")
        try writer.array { try position.write(Layouts.position, of: account, to: &$0) }
        writer.endObject()
    }

    /// A quantity as the profile's balance rows print it.
    private func writeQuantity(
        _ quantity: ExactDecimal, of asset: String, _ changed: LedgerTime, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("instrument_name", asset)
        writer.member("quantity", quoted: quantity, minimumPlaces: profile == .documented ? 8 : 0)
        writer.member("update_timestamp_ms", changed.milliseconds)
        writer.endObject()
    }
}
