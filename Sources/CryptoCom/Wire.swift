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
        writer.beginAnswer(id: id, method: method)
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
                of: snapshot.account,
                market: ValuationPrices(prices: snapshot.prices, reference: rules.reference),
                rules: rules, profile: profile)
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

    /// What stands before the rows of `private/user-balance`.
    static let totals: [AccountMember] = [
        .available, .marginBalance, .initialMargin, .positionMargin, .haircut, .maintenanceMargin,
        .positionCost, .cashBalance, .collateralValue, .unrealised, .instrumentName, .sessionRealised,
        .isLiquidating, .effectiveLeverage, .positionLimit, .usedLimit,
    ]

    /// A row of `private/user-balance`. The rate of the haircut is plain in the one document and padded in
    /// the other.
    static let row: [RowMember] = [
        .instrumentName, .quantity, .marketValue, .isCollateral, .plainHaircut, .collateralAmount,
        .maximumWithdrawal, .reserved,
    ]

    private static let subaccountTotals: [AccountMember] = [
        .instrumentName, .available, .marginBalance, .initialMargin, .maintenanceMargin, .positionCost,
        .cashBalance, .collateralValue, .unrealised, .sessionRealised, .effectiveLeverage, .positionLimit,
        .usedLimit, .isLiquidating,
    ]

    private static let subaccountRow: [RowMember] = [
        .instrumentName, .quantity, .marketValue, .isCollateral, .haircut, .collateralAmount,
        .maximumWithdrawal,
    ]

    /// One account object of `private/user-balance`.
    func writeUserBalance(to writer: inout JSONWriter) throws(NumberError) {
        writer.beginObject()
        try totals().write(Self.totals, as: .documented, to: &writer)
        try writer.rows("position_balances", figures.rows, Self.row, as: .documented)
        writer.endObject()
    }

    /// One account object of `private/get-subaccount-balances`.
    func writeSubaccount(to writer: inout JSONWriter) throws(NumberError) {
        writer.beginObject()
        writer.key("account")
        writer.string(account.id)
        try totals().write(Self.subaccountTotals, as: .documented, to: &writer)
        try writer.rows("position_balances", figures.rows, Self.subaccountRow, as: .documented)
        writer.endObject()
    }

    /// What the documents' account object shows.
    func totals() throws(NumberError) -> ShownTotals {
        try ShownTotals(
            of: figures,
            exposure: Figures.usedPositionLimit(
                positionSize: figures.positionSize, orderExposure: figures.orderExposure,
                spotExposure: .zero),
            collateralValue: try Figures.shownAmount(figures.collateralValue),
            effectiveLeverage: Figures.effectiveLeverage(
                size: figures.positionSize, marginBalance: figures.marginBalance, places: 8,
                rounding: .towardZero),
            positionLimit: ExactFraction(account.positionLimit))
    }

    /// The same of an isolated position.
    func totals(of isolated: IsolatedFigures) throws(NumberError) -> ShownTotals {
        try ShownTotals(
            of: isolated,
            effectiveLeverage: Figures.effectiveLeverage(
                size: isolated.notional, marginBalance: isolated.marginBalance, places: 8,
                rounding: .towardZero))
    }
}

extension JSONWriter {
    /// What every answer begins with, over REST and on a socket; code 0 is success.
    mutating func beginAnswer(id: RequestIdentifier, method: String, code: Int = 0) {
        beginObject()
        key("id")
        integer(id.number)
        key("method")
        string(method)
        key("code")
        integer(Int64(code))
    }
}
