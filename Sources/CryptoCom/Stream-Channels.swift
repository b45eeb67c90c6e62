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
        // The vendor spells the channel of conditional orders in three ways; who asks for one is told on it.
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
    /// A frame of a channel: the account's figures as REST would tell them of the same snapshot.
    ///
    /// In the live form the first frame of `user.balance` names no account and every later one does, as
    /// recorded; `user.account_risk` always names it.
    func frame(
        _ channel: UserChannel, id: RequestIdentifier, isPush: Bool, of snapshot: AccountSnapshot
    ) throws(VenueError) -> [UInt8] {
        let account = snapshot.account
        let namesAccount =
            channel.kind == .accountRisk || (channel.kind == .balance && isPush && profile == .live)
        var frame = ChannelFrame(
            id: id, subscription: channel.name, channel: channel.name,
            accountID: namesAccount ? StableIdentifier.uuid(account: account.id) : nil,
            reserving: ReplyWriter.capacity(rows: account.holdings.count))
        do {
            switch channel.kind {
            case .orders, .trades, .advanceOrder, .advancedOrder, .advanceOrderPage: break
            case .balance: try writeBalance(of: snapshot, to: &frame.writer)
            case .accountRisk: try writeAccountRisk(of: snapshot, to: &frame.writer)
            case .positionBalance: try writePositionBalance(of: snapshot, to: &frame.writer)
            case .positions:
                try writePositions(
                    account.positions, of: snapshot, try figures(of: snapshot), to: &frame.writer)
            }
        } catch {
            throw VenueError(figureError: error)
        }
        return frame.finished()
    }

    private func writeBalance(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let figures = try figures(of: snapshot)
        switch profile {
        case .documented: try DocumentedForm(snapshot.account, figures).writeUserBalance(to: &writer)
        case .live:
            try LiveForm(snapshot.account, figures).writePush(rows: "position_balances", to: &writer) {
                _, _ in
            }
        }
    }

    /// The account object with `balances` in place of `position_balances`, and the positions.
    private func writeAccountRisk(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let figures = try figures(of: snapshot)
        func positions(of isolated: IsolatedFigures?, to writer: inout JSONWriter) throws {
            writer.key("positions")
            writer.beginArray()
            try writePositions(
                isolated.map { [$0.position] } ?? snapshot.account.positions, of: snapshot, figures,
                to: &writer)
            writer.endArray()
        }
        switch profile {
        case .documented:
            try DocumentedForm(snapshot.account, figures).writeAccountRisk(to: &writer, positions: positions)
        case .live:
            try LiveForm(snapshot.account, figures)
                .writePush(rows: "balances", to: &writer, positions: positions)
        }
    }

    private func writePositions(
        _ positions: [Position], of snapshot: AccountSnapshot, _ figures: AccountFigures,
        to writer: inout JSONWriter
    ) throws {
        let market = market(snapshot.prices, at: snapshot.at)
        let rules = rules(at: snapshot.at)
        for position in positions {
            try PositionForm(position, of: snapshot.account.id, market)
                .writeWithRisk(figures, rules, to: &writer)
        }
    }

    /// Quantities and positions, without the account's figures.
    private func writePositionBalance(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let account = snapshot.account
        let figures = try figures(of: snapshot)
        let market = market(snapshot.prices, at: snapshot.at)
        writer.beginObject()
        writer.key("balances")
        writer.beginArray()
        for row in figures.rows {
            let changed = account.holding(row.asset)?.updatedAt ?? account.updatedAt
            writeQuantity(row.quantity, of: row.asset, changed, to: &writer)
        }
        writer.endArray()
        writer.key("positions")
        writer.beginArray()
        for position in account.positions {
            try PositionForm(position, of: account.id, market).write(to: &writer)
        }
        writer.endArray()
        writer.key("isolated_positions")
        writer.beginArray()
        for isolated in figures.isolated {
            let position = isolated.position
            writer.beginObject()
            writer.isolation(isolated, of: account.id)
            writer.key("balances")
            writer.beginArray()
            writeQuantity(isolated.cash, of: CryptoComRules.usd, position.updatedAt, to: &writer)
            writer.endArray()
            writer.key("positions")
            writer.beginArray()
            try PositionForm(position, of: account.id, market).write(to: &writer)
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    /// A quantity as the profile's balance rows print it.
    private func writeQuantity(
        _ quantity: ExactDecimal, of asset: String, _ changed: LedgerTime, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("instrument_name")
        writer.string(asset)
        writer.key("quantity")
        writer.quoted(quantity, minimumPlaces: profile == .documented ? 8 : 0)
        writer.key("update_timestamp_ms")
        writer.integer(changed.milliseconds)
        writer.endObject()
    }
}

/// Writes the positions of an account, or of one of its isolated positions: a member `positions`, or nothing.
typealias PositionsWriter = (IsolatedFigures?, inout JSONWriter) throws -> Void

extension DocumentedForm {
    /// The account object of `user.account_risk`: that of `private/user-balance` with other names, and with
    /// the positions.
    func writeAccountRisk(to writer: inout JSONWriter, positions: PositionsWriter) throws {
        writer.beginObject()
        try totals().write(Self.totals, as: .documented, to: &writer)
        try writer.rows("balances", figures.rows, Self.row, as: .documented)
        try positions(nil, &writer)
        writer.key("isolated_positions")
        writer.beginArray()
        for isolated in figures.isolated {
            writer.beginObject()
            writer.isolation(isolated, of: account.id)
            try totals(of: isolated).write(Self.totals, as: .documented, to: &writer)
            try writer.rows("balances", [RowFigures(cashOf: isolated)], Self.row, as: .documented)
            try positions(isolated, &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

extension LiveForm {
    private static let pushHead: [AccountMember] = [
        .instrumentName, .available, .cashBalance, .initialMargin, .positionMargin, .haircut, .hasRisk,
        .maintenanceMargin, .positionCost, .unrealised, .marginBalance, .sessionRealised, .effectiveLeverage,
        .positionLimit, .usedLimit, .isLiquidating, .borrowed, .riskExposure,
    ]

    private static let pushRow: [RowMember] = [
        .instrumentName, .quantity, .reserved, .marketValue, .isCollateral, .collateralAmount, .haircut,
        .maximumWithdrawal, .hourlyInterestRate,
    ]

    /// The account object of a push. It is recorded in another order than over REST, without `terminatable`,
    /// and with every figure stripped; the figures are those of REST.
    func writePush(
        rows: StaticString, to writer: inout JSONWriter, positions: PositionsWriter
    ) throws {
        let totals = try totals()
        writer.beginObject()
        totals.write(Self.pushHead, as: .push, to: &writer)
        try writer.rows(rows, figures.rows, Self.pushRow, as: .push)
        try positions(nil, &writer)
        writer.emptyArray("credit_limits")
        writer.key("isolated_positions")
        writer.beginArray()
        for isolated in figures.isolated {
            try writePush(isolated, rows: rows, to: &writer, positions: positions)
        }
        writer.endArray()
        totals.write([.collateralValue], as: .push, to: &writer)
        writer.key("total_isolated_cash_balance")
        writer.quoted(try isolatedCash())
        writer.endObject()
    }

    private func writePush(
        _ isolated: IsolatedFigures, rows: StaticString, to writer: inout JSONWriter,
        positions: PositionsWriter
    ) throws {
        let totals = try totals(of: isolated)
        writer.beginObject()
        writer.isolation(isolated, of: account.id)
        totals.write(Self.pushHead, as: .push, to: &writer)
        try writer.rows(rows, [RowFigures(cashOf: isolated)], Self.pushRow, as: .push)
        try positions(isolated, &writer)
        writer.emptyArray("credit_limits")
        totals.write([.collateralValue], as: .push, to: &writer)
        writer.endObject()
    }
}
