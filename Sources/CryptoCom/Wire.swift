import JSON
import Ledger
import Numbers
import Venue

/// Writes a reply: `{"id":…,"method":…,"code":0,"result":…}`; the caller writes the result.
struct ReplyWriter {
    var writer: JSONWriter

    /// Room for an account object with so many rows, so that the bytes grow in place.
    static func capacity(rows: Int) -> Int { 1024 + 320 * rows }

    init(id: RequestIdentifier, method: String, reserving capacity: Int = 2048) {
        writer = JSONWriter(reserving: capacity)
        writer.beginObject()
        writer.key("id")
        id.write(to: &writer)
        writer.key("method")
        writer.string(method)
        writer.key("code")
        writer.integer(0)
        writer.key("result")
    }

    consuming func finished() -> [UInt8] {
        writer.endObject()
        return writer.bytes
    }
}

extension CryptoComVenue {
    /// An account's figures at the time of its snapshot. Throws `FigureError` where one cannot be worked out.
    func figures(of snapshot: AccountSnapshot) throws -> AccountFigures {
        let rules = rules(at: snapshot.at)
        do {
            return try AccountFigures(
                of: snapshot.account, market: Market(prices: snapshot.prices, reference: rules.reference),
                rules: rules)
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    /// The result of `private/user-balance`.
    func writeUserBalance(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws {
        let account = snapshot.account
        let figures = try figures(of: snapshot)
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        let answersNothing =
            profile == .live && account.holdings.isEmpty && account.positions.isEmpty
            && account.settings.flag("empty_data")
        if !answersNothing {
            switch profile {
            case .documented: try DocumentedForm(account, figures).writeUserBalance(to: &writer)
            case .live: try LiveForm(account, figures).write(namingAccount: false, to: &writer)
            }
        }
        writer.endArray()
        writer.endObject()
    }

    /// The result of `private/get-subaccount-balances` for a main account: its sub-accounts in the order of
    /// opening.
    func writeSubaccountBalances(
        of account: String, _ access: any VenueAccess, to writer: inout JSONWriter
    ) throws {
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for name in access.subaccounts(of: account) {
            guard let snapshot = access.snapshot(of: name) else { continue }
            let figures = try figures(of: snapshot)
            switch profile {
            case .documented: try DocumentedForm(snapshot.account, figures).writeSubaccount(to: &writer)
            case .live: try LiveForm(snapshot.account, figures).write(namingAccount: true, to: &writer)
            }
        }
        writer.endArray()
        writer.endObject()
    }
}

/// The form of the given documents: at least 8 decimals everywhere, `"true"` and `"false"` as strings, the
/// documents' fields in the documents' order.
struct DocumentedForm {
    let account: Account
    let figures: AccountFigures

    init(_ account: Account, _ figures: AccountFigures) {
        self.account = account
        self.figures = figures
    }

    /// One account object of `private/user-balance`.
    func writeUserBalance(to writer: inout JSONWriter) throws(NumberError) {
        writer.beginObject()
        try writeTotals(to: &writer)
        writer.key("position_balances")
        writeRows(to: &writer)
        writer.endObject()
    }

    /// What stands before the rows of `private/user-balance`.
    func writeTotals(to writer: inout JSONWriter) throws(NumberError) {
        writeBalances(to: &writer)
        writer.key("total_initial_margin")
        writer.padded(try Figures.shownRequirement(figures.initialMargin))
        writer.key("total_position_im")
        writer.padded(try Figures.shownRequirement(figures.positionMargin))
        writer.key("total_haircut")
        writer.padded(try Figures.shownRequirement(figures.haircut))
        try writeMaintenanceAndCash(to: &writer)
        writer.key("instrument_name")
        writer.literal("USD")
        writer.key("total_session_realized_pnl")
        writer.padded(Figures.shownAmount(figures.sessionRealised))
        writer.key("is_liquidating")
        writer.bool(figures.isLiquidating)
        try writeLimits(to: &writer)
    }

    /// The rows of `private/user-balance`.
    func writeRows(to writer: inout JSONWriter) {
        writer.beginArray()
        for row in figures.rows { write(row, namesReserved: true, to: &writer) }
        writer.endArray()
    }

    /// One account object of `private/get-subaccount-balances`.
    func writeSubaccount(to writer: inout JSONWriter) throws(NumberError) {
        writer.beginObject()
        writer.key("account")
        writer.string(account.id)
        writer.key("instrument_name")
        writer.literal("USD")
        writeBalances(to: &writer)
        writer.key("total_initial_margin")
        writer.padded(try Figures.shownRequirement(figures.initialMargin))
        try writeMaintenanceAndCash(to: &writer)
        writer.key("total_session_realized_pnl")
        writer.padded(Figures.shownAmount(figures.sessionRealised))
        try writeLimits(to: &writer)
        writer.key("is_liquidating")
        writer.bool(figures.isLiquidating)
        writer.key("position_balances")
        writer.beginArray()
        for row in figures.rows { write(row, namesReserved: false, to: &writer) }
        writer.endArray()
        writer.endObject()
    }

    private func writeBalances(to writer: inout JSONWriter) {
        writer.key("total_available_balance")
        writer.padded(Figures.shownAmount(figures.available))
        writer.key("total_margin_balance")
        writer.padded(Figures.shownAmount(figures.marginBalance))
    }

    private func writeMaintenanceAndCash(to writer: inout JSONWriter) throws(NumberError) {
        writer.key("total_maintenance_margin")
        writer.padded(try Figures.shownRequirement(figures.maintenanceMargin))
        writer.key("total_position_cost")
        writer.padded(Figures.shownAmount(figures.positionCost))
        writer.key("total_cash_balance")
        writer.padded(Figures.shownAmount(figures.cashBalance))
        writer.key("total_collateral_value")
        writer.padded(Figures.shownAmount(figures.collateralValue))
        writer.key("total_session_unrealized_pnl")
        writer.padded(Figures.shownAmount(figures.unrealised))
    }

    private func writeLimits(to writer: inout JSONWriter) throws(NumberError) {
        writer.key("total_effective_leverage")
        writer.padded(
            try Figures.effectiveLeverage(
                size: figures.positionSize, marginBalance: figures.marginBalance, places: 8,
                rounding: .towardZero))
        writer.key("position_limit")
        writer.padded(Figures.shownAmount(account.positionLimit))
        writer.key("used_position_limit")
        writer.padded(
            try Figures.shownRequirement(
                try Figures.usedPositionLimit(
                    positionSize: figures.positionSize, orderExposure: figures.orderExposure,
                    spotExposure: .zero)))
    }

    /// Quantities stand as held; the haircut rate is plain in the one document and padded in the other.
    func write(_ row: RowFigures, namesReserved: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("instrument_name")
        writer.string(row.asset)
        writer.key("quantity")
        writer.padded(row.quantity)
        writer.key("market_value")
        writer.padded(Figures.shownAmount(row.marketValue))
        writer.key("collateral_eligible")
        writer.literal(row.isCollateral ? "true" : "false")
        writer.key("haircut")
        writer.quoted(row.haircutRate, minimumPlaces: namesReserved ? 0 : 8)
        writer.key("collateral_amount")
        writer.padded(Figures.shownAmount(row.collateralAmount))
        writer.key("max_withdrawal_balance")
        writer.padded(Figures.shownAmount(row.maximumWithdrawal))
        if namesReserved {
            writer.key("reserved_qty")
            writer.padded(row.reserved)
        }
        writer.endObject()
    }
}

extension JSONWriter {
    /// A decimal as a string of at least 8 decimals.
    mutating func padded(_ number: ExactDecimal) { quoted(number, minimumPlaces: 8) }
}
