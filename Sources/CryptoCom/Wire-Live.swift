import Crypto
import JSON
import Ledger
import Numbers
import Venue

/// The form recorded from the venue in 2026: trailing zeros stripped, booleans, newer fields, another order.
///
/// The venue computes these figures in binary floating point; ours stay exact, so the last digit may differ.
struct LiveForm {
    let account: Account
    let figures: AccountFigures

    init(_ account: Account, _ figures: AccountFigures) {
        self.account = account
        self.figures = figures
    }

    /// Everything that an account object has, cross pool or isolated position, as shown.
    struct Totals {
        var exposure: ExactDecimal
        var available: ExactDecimal
        var marginBalance: ExactDecimal
        var initialMargin: ExactDecimal
        var haircut: ExactDecimal
        var positionMargin: ExactDecimal
        var maintenanceMargin: ExactDecimal
        var positionCost: ExactDecimal
        var cashBalance: ExactDecimal
        var collateralValue: ExactDecimal
        /// Decimals of the longest row amount: the sum of rows keeps them.
        var collateralPlaces: Int
        var unrealised: ExactDecimal
        var sessionRealised: ExactDecimal
        var effectiveLeverage: ExactDecimal
        var positionLimit: ExactDecimal
        var borrowed: ExactDecimal
        var isLiquidating: Bool
    }

    /// One account object; that of a sub-account begins with its id.
    func write(namingAccount: Bool, to writer: inout JSONWriter) throws(NumberError) {
        let totals = try totals()
        writer.beginObject()
        if namingAccount {
            writer.key("account")
            writer.string(account.id)
        }
        write(totals, to: &writer)
        writer.key("position_balances")
        writer.beginArray()
        for row in figures.rows { write(row, to: &writer) }
        writer.endArray()
        writer.key("credit_limits")
        writer.beginArray()
        writer.endArray()
        writer.key("total_isolated_cash_balance")
        writer.stripped(try isolatedCash())
        writer.key("isolated_positions")
        writer.beginArray()
        for position in figures.isolated { try write(position, to: &writer) }
        writer.endArray()
        writeEnd(of: totals, isIsolated: false, to: &writer)
        writer.endObject()
    }

    func totals() throws(NumberError) -> Totals {
        let used = try Figures.usedPositionLimit(
            positionSize: figures.positionSize, orderExposure: figures.orderExposure,
            spotExposure: figures.spotExposure)
        var collateral = ExactDecimal.zero
        var places = 0
        for row in figures.rows {
            let shown = Figures.shownAmount(row.collateralAmount)
            try collateral += shown
            places = max(places, shown.fractionDigits)
        }
        return Totals(
            exposure: try Figures.shownRequirement(used), available: Figures.shownAmount(figures.available),
            marginBalance: Figures.shownAmount(figures.marginBalance),
            initialMargin: try Figures.shownRequirement(figures.initialMargin),
            haircut: try Figures.shownRequirement(figures.haircut),
            positionMargin: try Figures.shownRequirement(figures.positionMargin),
            maintenanceMargin: try Figures.shownRequirement(figures.maintenanceMargin),
            positionCost: Figures.shownAmount(figures.positionCost),
            cashBalance: Figures.shownAmount(figures.cashBalance), collateralValue: collateral,
            collateralPlaces: places, unrealised: Figures.shownAmount(figures.unrealised),
            sessionRealised: Figures.shownAmount(figures.sessionRealised),
            effectiveLeverage: try Figures.effectiveLeverage(
                size: used, marginBalance: figures.marginBalance, places: 6, rounding: .halfUp),
            positionLimit: Figures.shownAmount(try positionLimit()),
            borrowed: Figures.shownAmount(figures.borrowed), isLiquidating: figures.isLiquidating)
    }

    private func positionLimit() throws(NumberError) -> ExactDecimal {
        if account.raised("position_limit") != nil { return account.positionLimit }
        return try Figures.livePositionLimit(
            maximumLeverage: account.maximumLeverage, marginBalance: figures.marginBalance)
    }

    /// The totals up to the rows.
    private func write(_ totals: Totals, to writer: inout JSONWriter) {
        writer.key("total_risk_exposure")
        writer.stripped(totals.exposure)
        writer.key("total_available_balance")
        writer.stripped(totals.available)
        writer.key("total_margin_balance")
        writer.stripped(totals.marginBalance)
        writer.key("total_initial_margin")
        writer.stripped(totals.initialMargin)
        writer.key("total_haircut")
        writer.quoted(totals.haircut, minimumPlaces: totals.haircut.isZero ? 0 : 8)
        writer.key("total_position_im")
        writer.stripped(totals.positionMargin)
        writer.key("total_maintenance_margin")
        writer.stripped(totals.maintenanceMargin)
        writer.key("total_position_cost")
        writer.stripped(totals.positionCost)
        writer.key("total_cash_balance")
        writer.stripped(totals.cashBalance)
        writer.key("total_collateral_value")
        writer.quoted(
            totals.collateralValue, minimumPlaces: totals.collateralValue.isZero ? 0 : totals.collateralPlaces
        )
        writer.key("total_session_unrealized_pnl")
        writer.stripped(totals.unrealised)
        writer.key("instrument_name")
        writer.literal("USD")
        writer.key("total_session_realized_pnl")
        writer.stripped(totals.sessionRealised)
    }

    /// What follows the rows. An isolated position's flags are the position's own.
    private func writeEnd(of totals: Totals, isIsolated: Bool, to writer: inout JSONWriter) {
        writer.key("total_effective_leverage")
        writer.stripped(totals.effectiveLeverage)
        writer.key("position_limit")
        writer.stripped(totals.positionLimit)
        writer.key("used_position_limit")
        writer.stripped(totals.exposure)
        writer.key("total_borrow")
        writer.stripped(totals.borrowed)
        writer.key("is_liquidating")
        writer.bool(totals.isLiquidating)
        writer.key("has_risk")
        writer.bool(hasRisk)
        writer.key("terminatable")
        writer.bool(isIsolated ? false : isTerminatable)
    }

    /// False unless raised.
    var hasRisk: Bool { account.raised("has_risk")?.boolean ?? false }

    /// The cash of all isolated positions, as shown.
    func isolatedCash() throws(NumberError) -> ExactDecimal {
        Figures.shownAmount(try figures.isolated.map { Figures.shownAmount($0.cash) }.sum())
    }

    /// Whether the account could be closed: no open order, no position, nothing held that is no collateral.
    private var isTerminatable: Bool {
        account.raised("terminatable")?.boolean
            ?? (account.orders.isEmpty && account.positions.isEmpty
                && figures.rows.allSatisfy(\.isCollateral))
    }

    private func write(_ row: RowFigures, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("quantity")
        writer.stripped(row.quantity)
        writer.key("reserved_qty")
        writer.stripped(row.reserved)
        writer.key("collateral_amount")
        writer.stripped(Figures.shownAmount(row.collateralAmount))
        writer.key("haircut")
        writer.stripped(row.haircutRate)
        writer.key("collateral_eligible")
        writer.bool(row.isCollateral)
        writer.key("market_value")
        writer.stripped(Figures.shownAmount(row.marketValue))
        writer.key("max_withdrawal_balance")
        writer.stripped(Figures.shownAmount(row.maximumWithdrawal))
        writer.key("instrument_name")
        writer.string(row.asset)
        writer.key("hourly_interest_rate")
        writer.stripped(row.hourlyInterestRate)
        writer.endObject()
    }

    // MARK: - Isolated positions

    private func write(_ isolated: IsolatedFigures, to writer: inout JSONWriter) throws(NumberError) {
        let totals = try totals(of: isolated)
        writer.beginObject()
        writer.key("isolation_id")
        writer.string(
            StableIdentifier.isolation(account: account.id, instrument: isolated.position.instrument.name))
        writer.key("leverage")
        writer.stripped(isolated.leverage)
        writer.key("isolation_type")
        writer.literal("ISOLATED_MARGIN")
        write(totals, to: &writer)
        writer.key("position_balances")
        writer.beginArray()
        write(RowFigures(cashOf: isolated), to: &writer)
        writer.endArray()
        writer.key("credit_limits")
        writer.beginArray()
        writer.endArray()
        writeEnd(of: totals, isIsolated: true, to: &writer)
        writer.endObject()
    }

    func totals(of isolated: IsolatedFigures) throws(NumberError) -> Totals {
        let cash = Figures.shownAmount(isolated.cash)
        return Totals(
            exposure: try Figures.shownRequirement(isolated.notional),
            available: Figures.shownAmount(isolated.available),
            marginBalance: Figures.shownAmount(isolated.marginBalance),
            initialMargin: try Figures.shownRequirement(isolated.initialMargin), haircut: .zero,
            positionMargin: try Figures.shownRequirement(isolated.positionMargin),
            maintenanceMargin: try Figures.shownRequirement(isolated.maintenanceMargin),
            positionCost: Figures.shownAmount(isolated.position.cost.magnitude), cashBalance: cash,
            collateralValue: cash, collateralPlaces: cash.fractionDigits,
            unrealised: Figures.shownAmount(isolated.unrealised), sessionRealised: .zero,
            effectiveLeverage: try Figures.effectiveLeverage(
                size: isolated.notional, marginBalance: isolated.marginBalance, places: 6, rounding: .halfUp),
            positionLimit: Figures.shownAmount(
                try Figures.livePositionLimit(
                    maximumLeverage: isolated.leverage, marginBalance: isolated.marginBalance)),
            borrowed: .zero,
            isLiquidating: Figures.isLiquidating(
                marginBalance: isolated.marginBalance, maintenanceMargin: isolated.maintenanceMargin))
    }
}

extension JSONWriter {
    /// A decimal as a string without trailing zeros.
    mutating func stripped(_ number: ExactDecimal) { quoted(number) }
}

/// Identifiers that look like the venue's own and are always the same for the same account.
enum StableIdentifier {
    /// A UUID of an account, from the digest of its id.
    static func uuid(account: String) -> String {
        let digits = Array(hexText(SHA256.hash(data: Array("account/\(account)".utf8)).prefix(16)).utf8)
        var text: [UInt8] = []
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The digits of an isolated position, from the digest of its account and instrument.
    static func isolation(account: String, instrument: String) -> String {
        digits("isolation/\(account)/\(instrument)", below: 100_000_000)
    }

    /// The digits of an open order, from the digest of its account and its own id.
    static func order(account: String, order: String) -> String {
        digits("order/\(account)/\(order)", below: 1_000_000_000_000_000_000)
    }

    private static func digits(_ name: String, below limit: UInt64) -> String {
        var number: UInt64 = 0
        for byte in SHA256.hash(data: Array(name.utf8)).prefix(8) { number = number << 8 | UInt64(byte) }
        return String(number % limit)
    }
}
