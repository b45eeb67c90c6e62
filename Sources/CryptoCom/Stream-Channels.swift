import JSON
import Ledger
import Numbers
import Venue

/// The channels of an account.
enum UserChannel: String {
    case balance = "user.balance"
    case accountRisk = "user.account_risk"
    case positionBalance = "user.position_balance"
    case positions = "user.positions"
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
        let namesAccount = channel == .accountRisk || (channel == .balance && isPush && profile == .live)
        var frame = ChannelFrame(
            id: id, subscription: channel.rawValue, channel: channel.rawValue,
            accountID: namesAccount ? StableIdentifier.uuid(account: account.id) : nil,
            reserving: ReplyWriter.capacity(rows: account.holdings.count))
        do {
            switch channel {
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

extension JSONWriter {
    /// The members that say which isolated position it is.
    fileprivate mutating func isolation(_ isolated: IsolatedFigures, of account: String) {
        key("isolation_id")
        string(StableIdentifier.isolation(account: account, instrument: isolated.position.instrument.name))
        key("leverage")
        quoted(isolated.leverage)
        key("isolation_type")
        literal("ISOLATED_MARGIN")
    }
}

extension DocumentedForm {
    /// The account object of `user.account_risk`: that of `private/user-balance` with other names, and with
    /// the positions.
    func writeAccountRisk(to writer: inout JSONWriter, positions: PositionsWriter) throws {
        writer.beginObject()
        try writeTotals(to: &writer)
        writer.key("balances")
        writeRows(to: &writer)
        try positions(nil, &writer)
        writer.key("isolated_positions")
        writer.beginArray()
        for isolated in figures.isolated {
            writer.beginObject()
            writer.isolation(isolated, of: account.id)
            try writeTotals(of: isolated, to: &writer)
            writer.key("balances")
            writer.beginArray()
            write(RowFigures(cashOf: isolated), namesReserved: true, to: &writer)
            writer.endArray()
            try positions(isolated, &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private func writeTotals(of isolated: IsolatedFigures, to writer: inout JSONWriter) throws(NumberError) {
        let totals = try LiveForm(account, figures).totals(of: isolated)
        writer.key("total_available_balance")
        writer.padded(totals.available)
        writer.key("total_margin_balance")
        writer.padded(totals.marginBalance)
        writer.key("total_initial_margin")
        writer.padded(totals.initialMargin)
        writer.key("total_position_im")
        writer.padded(totals.positionMargin)
        writer.key("total_haircut")
        writer.padded(totals.haircut)
        writer.key("total_maintenance_margin")
        writer.padded(totals.maintenanceMargin)
        writer.key("total_position_cost")
        writer.padded(totals.positionCost)
        writer.key("total_cash_balance")
        writer.padded(totals.cashBalance)
        writer.key("total_collateral_value")
        writer.padded(totals.collateralValue)
        writer.key("total_session_unrealized_pnl")
        writer.padded(totals.unrealised)
        writer.key("instrument_name")
        writer.literal("USD")
        writer.key("total_session_realized_pnl")
        writer.padded(totals.sessionRealised)
        writer.key("is_liquidating")
        writer.bool(totals.isLiquidating)
        writer.key("total_effective_leverage")
        writer.padded(
            try Figures.effectiveLeverage(
                size: isolated.notional, marginBalance: isolated.marginBalance, places: 8,
                rounding: .towardZero))
        writer.key("position_limit")
        writer.padded(totals.positionLimit)
        writer.key("used_position_limit")
        writer.padded(totals.exposure)
    }
}

extension LiveForm {
    /// The account object of a push. It is recorded in another order than over REST, without `terminatable`,
    /// and with every figure stripped; the figures are those of REST.
    func writePush(
        rows: StaticString, to writer: inout JSONWriter, positions: PositionsWriter
    ) throws {
        let totals = try totals()
        writer.beginObject()
        writePushTotals(totals, to: &writer)
        writer.key(rows)
        writer.beginArray()
        for row in figures.rows { writePush(row, to: &writer) }
        writer.endArray()
        try positions(nil, &writer)
        writer.key("credit_limits")
        writer.beginArray()
        writer.endArray()
        writer.key("isolated_positions")
        writer.beginArray()
        for isolated in figures.isolated {
            try writePush(isolated, rows: rows, to: &writer, positions: positions)
        }
        writer.endArray()
        writer.key("total_collateral_value")
        writer.stripped(totals.collateralValue)
        writer.key("total_isolated_cash_balance")
        writer.stripped(try isolatedCash())
        writer.endObject()
    }

    private func writePush(
        _ isolated: IsolatedFigures, rows: StaticString, to writer: inout JSONWriter,
        positions: PositionsWriter
    ) throws {
        let totals = try totals(of: isolated)
        writer.beginObject()
        writer.isolation(isolated, of: account.id)
        writePushTotals(totals, to: &writer)
        writer.key(rows)
        writer.beginArray()
        writePush(RowFigures(cashOf: isolated), to: &writer)
        writer.endArray()
        try positions(isolated, &writer)
        writer.key("credit_limits")
        writer.beginArray()
        writer.endArray()
        writer.key("total_collateral_value")
        writer.stripped(totals.collateralValue)
        writer.endObject()
    }

    private func writePushTotals(_ totals: Totals, to writer: inout JSONWriter) {
        writer.key("instrument_name")
        writer.literal("USD")
        writer.key("total_available_balance")
        writer.stripped(totals.available)
        writer.key("total_cash_balance")
        writer.stripped(totals.cashBalance)
        writer.key("total_initial_margin")
        writer.stripped(totals.initialMargin)
        writer.key("total_position_im")
        writer.stripped(totals.positionMargin)
        writer.key("total_haircut")
        writer.stripped(totals.haircut)
        writer.key("has_risk")
        writer.bool(hasRisk)
        writer.key("total_maintenance_margin")
        writer.stripped(totals.maintenanceMargin)
        writer.key("total_position_cost")
        writer.stripped(totals.positionCost)
        writer.key("total_session_unrealized_pnl")
        writer.stripped(totals.unrealised)
        writer.key("total_margin_balance")
        writer.stripped(totals.marginBalance)
        writer.key("total_session_realized_pnl")
        writer.stripped(totals.sessionRealised)
        writer.key("total_effective_leverage")
        writer.stripped(totals.effectiveLeverage)
        writer.key("position_limit")
        writer.stripped(totals.positionLimit)
        writer.key("used_position_limit")
        writer.stripped(totals.exposure)
        writer.key("is_liquidating")
        writer.bool(totals.isLiquidating)
        writer.key("total_borrow")
        writer.stripped(totals.borrowed)
        writer.key("total_risk_exposure")
        writer.stripped(totals.exposure)
    }

    private func writePush(_ row: RowFigures, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("instrument_name")
        writer.string(row.asset)
        writer.key("quantity")
        writer.stripped(row.quantity)
        writer.key("reserved_qty")
        writer.stripped(row.reserved)
        writer.key("market_value")
        writer.stripped(Figures.shownAmount(row.marketValue))
        writer.key("collateral_eligible")
        writer.bool(row.isCollateral)
        writer.key("collateral_amount")
        writer.stripped(Figures.shownAmount(row.collateralAmount))
        writer.key("haircut")
        writer.stripped(row.haircutRate)
        writer.key("max_withdrawal_balance")
        writer.stripped(Figures.shownAmount(row.maximumWithdrawal))
        writer.key("hourly_interest_rate")
        writer.stripped(row.hourlyInterestRate)
        writer.endObject()
    }
}
