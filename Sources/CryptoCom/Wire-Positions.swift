import JSON
import Ledger
import Numbers
import Venue

/// One open position as `private/get-positions` and the position channels show it, in USD.
struct PositionForm {
    private let position: Position
    private let account: String
    private let mark: ExactDecimal
    /// Signed notional at the mark.
    private let value: ExactFraction

    /// Throws `FigureError` where there is no mark price, `NumberError` where a figure does not fit.
    init(_ position: Position, of account: String, _ market: ValuationPrices) throws {
        self.position = position
        self.account = account
        mark = try market.requiredMark(position.instrument)
        value = try Figures.positionValue(quantity: position.quantity, mark: mark)
    }

    /// A row of `private/get-positions`.
    func write(to writer: inout JSONWriter) throws { try write(risk: nil, to: &writer) }

    /// A row of `user.positions`: that of `private/get-positions` with the risk figures between.
    ///
    /// Margins are those of the position alone, as if nothing netted it. The leverage is the one set for an
    /// isolated position and the product's highest for the others. Choices.
    func writeWithRisk(
        _ figures: AccountFigures, _ rules: CryptoComRules, to writer: inout JSONWriter
    ) throws {
        let leverage =
            position.marginMode == .isolated
            ? figures.isolatedLeverage(of: position.instrument.name)
            : rules.maximumLeverage(of: position.instrument)
        let alone = try IsolatedFigures(
            of: position, leverage: leverage, mark: mark,
            feeReserveRate: try figures.feeReserveRate(of: position.marginMode), rules)
        try write(risk: alone, to: &writer)
    }

    private func write(risk: IsolatedFigures?, to writer: inout JSONWriter) throws {
        let unrealised = try Figures.shownAmount(Figures.unrealised(value: value, cost: position.cost))
        writer.beginObject()
        writer.key("account_id")
        writer.string(StableIdentifier.uuid(account: account))
        writer.key("quantity")
        writer.quoted(position.quantity)
        if risk != nil {
            writer.key("session_unrealized_pnl")
            writer.quoted(unrealised)
        }
        writer.key("cost")
        writer.quoted(Figures.shownAmount(position.cost))
        writer.key("open_position_pnl")
        writer.quoted(
            try Figures.shownAmount(Figures.unrealised(value: value, cost: position.openingCost)))
        writer.key("open_pos_cost")
        writer.quoted(Figures.shownAmount(position.openingCost))
        writer.key("session_pnl")
        writer.quoted(unrealised)
        if let risk { try writeMargins(risk, to: &writer) }
        writer.key("update_timestamp_ms")
        writer.integer(position.updatedAt.milliseconds)
        writer.key("instrument_name")
        writer.string(position.instrument.name)
        writer.key("type")
        writer.string(position.instrument.kind.listedName)
        if position.marginMode == .isolated { try writeIsolation(risk, to: &writer) }
        writer.endObject()
    }

    private func writeMargins(_ risk: IsolatedFigures, to writer: inout JSONWriter) throws(NumberError) {
        writer.key("pos_initial_margin")
        writer.quoted(try Figures.shownRequirement(risk.positionMargin))
        writer.key("pos_maintenance_margin")
        writer.quoted(try Figures.shownRequirement(risk.maintenanceMargin))
        writer.key("market_value")
        writer.quoted(try Figures.shownAmount(value))
        writer.key("mark_price")
        writer.quoted(mark)
        writer.key("target_leverage")
        writer.quoted(risk.leverage)
    }

    private func writeIsolation(
        _ risk: IsolatedFigures?, to writer: inout JSONWriter
    ) throws(NumberError) {
        writer.key("isolation_id")
        writer.string(StableIdentifier.isolation(account: account, instrument: position.instrument.name))
        if let risk {
            writer.key("leverage")
            writer.quoted(risk.leverage)
        }
        writer.key("isolation_type")
        writer.literal("ISOLATED_MARGIN")
        if let risk {
            writer.key("isolated_margin_balance")
            writer.quoted(try Figures.shownAmount(risk.marginBalance))
        }
    }
}
