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

    private static let head: [AccountMember] = [
        .riskExposure, .available, .marginBalance, .initialMargin, .haircut, .positionMargin,
        .maintenanceMargin, .positionCost, .cashBalance, .collateralValue, .unrealised, .instrumentName,
        .sessionRealised,
    ]

    private static let tail: [AccountMember] = [
        .effectiveLeverage, .positionLimit, .usedLimit, .borrowed, .isLiquidating, .hasRisk, .isTerminatable,
    ]

    private static let row: [RowMember] = [
        .quantity, .reserved, .collateralAmount, .haircut, .isCollateral, .marketValue, .maximumWithdrawal,
        .instrumentName, .hourlyInterestRate,
    ]

    /// One account object; that of a sub-account begins with its id.
    func write(namingAccount: Bool, to writer: inout JSONWriter) throws(NumberError) {
        let totals = try totals()
        writer.beginObject()
        if namingAccount {
            writer.key("account")
            writer.string(account.id)
        }
        totals.write(Self.head, as: .live, to: &writer)
        try writer.rows("position_balances", figures.rows, Self.row, as: .live)
        writer.emptyArray("credit_limits")
        writer.key("total_isolated_cash_balance")
        writer.quoted(try isolatedCash())
        writer.key("isolated_positions")
        writer.beginArray()
        for position in figures.isolated { try write(position, to: &writer) }
        writer.endArray()
        totals.write(Self.tail, as: .live, to: &writer)
        writer.endObject()
    }

    func totals() throws(NumberError) -> ShownTotals {
        let used = try Figures.usedPositionLimit(
            positionSize: figures.positionSize, orderExposure: figures.orderExposure,
            spotExposure: figures.spotExposure)
        var collateral = ExactDecimal.zero
        var places = 0
        for row in figures.rows {
            let shown = try Figures.shownAmount(row.collateralAmount)
            try collateral += shown
            places = max(places, shown.fractionDigits)
        }
        var totals = try ShownTotals(
            of: figures, exposure: used, collateralValue: collateral,
            effectiveLeverage: Figures.effectiveLeverage(
                size: used, marginBalance: figures.marginBalance, places: 6, rounding: .halfUp),
            positionLimit: positionLimit())
        totals.collateralPlaces = places
        totals.hasRisk = hasRisk
        totals.isTerminatable = isTerminatable
        return totals
    }

    private func positionLimit() throws(NumberError) -> ExactFraction {
        if account.raised("position_limit") != nil { return ExactFraction(account.positionLimit) }
        return try Figures.livePositionLimit(
            maximumLeverage: account.maximumLeverage, marginBalance: figures.marginBalance)
    }

    /// Whether a position is open, as recorded in November 2023, unless raised.
    private var hasRisk: Bool { account.raised("has_risk")?.boolean ?? !account.positions.isEmpty }

    /// The cash of all isolated positions, cut once it is added up.
    func isolatedCash() throws(NumberError) -> ExactDecimal {
        Figures.shownAmount(try figures.isolated.map(\.cash).sum())
    }

    /// Whether the account could be closed: no open order, no position, nothing held that is no collateral.
    private var isTerminatable: Bool {
        account.raised("terminatable")?.boolean
            ?? (account.orders.isEmpty && account.positions.isEmpty
                && figures.rows.allSatisfy(\.isCollateral))
    }

    // MARK: - Isolated positions

    private func write(_ isolated: IsolatedFigures, to writer: inout JSONWriter) throws(NumberError) {
        let totals = try totals(of: isolated)
        writer.beginObject()
        writer.isolation(isolated, of: account.id)
        totals.write(Self.head, as: .live, to: &writer)
        try writer.rows("position_balances", [RowFigures(cashOf: isolated)], Self.row, as: .live)
        writer.emptyArray("credit_limits")
        totals.write(Self.tail, as: .live, to: &writer)
        writer.endObject()
    }

    func totals(of isolated: IsolatedFigures) throws(NumberError) -> ShownTotals {
        var totals = try ShownTotals(
            of: isolated,
            effectiveLeverage: Figures.effectiveLeverage(
                size: isolated.notional, marginBalance: isolated.marginBalance, places: 6, rounding: .halfUp))
        totals.hasRisk = hasRisk
        return totals
    }
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

    /// A UUID for the order that closes a position, from the digest of what asks for it.
    static func uuid(closing name: String) -> String { uuid(account: "close/\(name)") }

    /// The digits of an isolated position, from the digest of its account and instrument.
    static func isolation(account: String, instrument: String) -> String {
        digits("isolation/\(account)/\(instrument)", below: 100_000_000)
    }

    /// The digits of an open order, from the digest of its account and its own id.
    static func order(account: String, order: String) -> String {
        digits("order/\(account)/\(order)", below: 1_000_000_000_000_000_000)
    }

    /// The digits of a list of orders, from the digest of what asks for it.
    static func list(_ name: String) -> String { digits("list/\(name)", below: 1_000_000_000_000_000_000) }

    private static func digits(_ name: String, below limit: UInt64) -> String {
        var number: UInt64 = 0
        for byte in SHA256.hash(data: Array(name.utf8)).prefix(8) { number = number << 8 | UInt64(byte) }
        return String(number % limit)
    }
}
