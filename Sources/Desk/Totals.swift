import JSON
import Ledger
import Numbers
import Venue

/// One figure over all accounts of a portfolio.
public struct BookTotal: Sendable, Equatable {
    /// What one account gave to it.
    public struct Part: Sendable, Equatable {
        /// Its name in the portfolio.
        public let account: String
        /// Where the account is.
        public let venue: VenueName
        /// In the total's asset, to 18 places.
        public let value: ExactDecimal
    }

    /// An account without which the total stands.
    public struct Gap: Sendable, Equatable {
        /// Its name in the portfolio.
        public let account: String
        /// Where the account is.
        public let venue: VenueName
        /// Why it is not in the total.
        public let reason: String
    }

    /// The figure that is summed.
    public let figure: CommonFigure
    /// The sum of the parts, in the totals' asset; nil where no account has a part.
    public let value: ExactDecimal?
    /// What was added up.
    public let parts: [Part]
    /// Accounts that are not in it, and why; the total is of the others alone.
    public let gaps: [Gap]

    /// Whether every account is in it.
    public var isWhole: Bool { gaps.isEmpty && value != nil }
}

/// All totals of a portfolio in one asset.
public struct PortfolioTotals: Sendable {
    /// `USD`, or another asset.
    public let asset: String
    /// The totals, one of each figure.
    public let totals: [BookTotal]
    /// The prices that went into them, in the order of their use.
    public let prices: [UsedPrice]
    /// Accounts that are in the portfolio twice, and in the totals once.
    public let repeated: [RepeatedAccount]
    /// Accounts that show the same as another one; both are in the totals.
    public let alike: [AlikeAccounts]

    /// The figures that mean the same money at every venue, so that a sum of them is one.
    public static let summed: [CommonFigure] = [
        .equity, .wallet, .unrealizedProfit, .available, .initialMargin, .maintenanceMargin, .debt,
    ]

    /// Sums the accounts' own figures, each turned into USD and, where another asset is asked for, divided by
    /// its price, half even to 18 places at every step. An account whose figure is missing or has no price
    /// stands in `gaps`, never as zero; figures that several rows share are not summed. Where an
    /// account's figure does not cover all of it, because its assets are margined apart or it leaves out
    /// isolated positions, the assets' are summed. Accounts that were not read stand in `gaps` too,
    /// and main accounts whose sub-accounts were not; an account that two keys read is counted once, where it
    /// was read first.
    public init(of portfolio: Portfolio, in asset: String = "USD") {
        self.asset = asset
        var finder = PriceFinder(portfolio)
        let unitPrice = finder.price(of: asset, for: nil)
        let repeated = portfolio.repeated
        self.repeated = repeated
        alike = portfolio.alike
        let counted = Self.counted(of: portfolio, repeated)
        let unread =
            portfolio.unread.map { ($0, "it was not read") }
            + portfolio.failures.filter { $0.role == .subaccounts }.map {
                ($0, "its sub-accounts were not read")
            }
        totals = Self.summed.map { figure in
            var parts: [BookTotal.Part] = []
            var gaps: [BookTotal.Gap] = []
            for statement in counted {
                do throws(Reason) {
                    let usd = try Self.usd(figure, of: statement, &finder)
                    guard let unitPrice else { throw Reason("nobody reported a price of \(asset)") }
                    guard let value = try? usd.over(unitPrice, rounding: .halfEven) else {
                        throw Reason("it does not fit 38 digits")
                    }
                    parts.append(
                        BookTotal.Part(account: statement.account, venue: statement.venue, value: value))
                } catch {
                    gaps.append(
                        BookTotal.Gap(
                            account: statement.account, venue: statement.venue, reason: error.text))
                }
            }
            for (failure, reason) in unread {
                gaps.append(
                    BookTotal.Gap(account: failure.account, venue: failure.venue, reason: reason))
            }
            let sum = parts.isEmpty ? nil : try? parts.map(\.value).sum()
            return BookTotal(figure: figure, value: sum, parts: parts, gaps: gaps)
        }
        prices = finder.used
    }

    /// The accounts that are not repeated, each once: an answer may list one sub-account twice.
    private static func counted(of portfolio: Portfolio, _ repeated: [RepeatedAccount]) -> [Statement] {
        var known: Set<ExactText> = []
        return portfolio.statements.filter { statement in
            let others = repeated.filter { $0.account.isExactly(statement.account) }
            let isFirst = known.insert(ExactText(statement.account)).inserted
            return others.isEmpty || isFirst && others.allSatisfy { $0.sameAs.isExactly(statement.account) }
        }
    }

    /// The account that is counted in a statement's stead; nil where it is counted itself.
    func sameAs(_ statement: Statement) -> String? {
        repeated.first { $0.account.isExactly(statement.account) }?.sameAs
    }

    /// Why an account is not in a total.
    private struct Reason: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// A figure of an account in USD.
    private static func usd(
        _ figure: CommonFigure, of statement: Statement, _ finder: inout PriceFinder
    ) throws(Reason) -> ExactDecimal {
        if let partial = statement.figures[figure], partial.isPartial {
            guard partial.lack.isEmpty else { throw Reason(partial.lack) }
            return try sumOfAssets(figure, of: statement, &finder)
        }
        if figure == .equity {
            // The venue's own word for the worth in USD goes before ours.
            if let worth = statement.figures[.equityUSD], worth.unit == "USD",
                let usd = worth.value.truncatedNumber
            {
                return usd
            }
        }
        guard let reported = statement.figures[figure] else {
            return try sumOfAssets(figure, of: statement, &finder)
        }
        return try usd(reported, of: statement, &finder)
    }

    private static func usd(
        _ reported: ReportedFigure, of statement: Statement, _ finder: inout PriceFinder
    ) throws(Reason) -> ExactDecimal {
        guard !reported.isShared else { throw Reason("\(reported.field) is shared by several rows") }
        guard let number = reported.value.truncatedNumber else {
            throw Reason(
                reported.lack.isEmpty ? "\(reported.field) is \(reported.value.state)" : reported.lack)
        }
        return try usd(number, reported.unit, reported.field, of: statement, &finder)
    }

    private static func usd(
        _ number: ExactDecimal, _ unit: String, _ field: String, of statement: Statement,
        _ finder: inout PriceFinder
    ) throws(Reason) -> ExactDecimal {
        if number.isZero { return .zero }
        guard let price = finder.price(of: unit, for: statement) else {
            throw Reason("no price of \(unit) is known; set one under prices")
        }
        guard let usd = try? number.times(price, rounding: .halfEven) else {
            throw Reason("\(field) in USD does not fit 38 digits")
        }
        return usd
    }

    /// A figure that the account as a whole has only in its assets' rows.
    private static func sumOfAssets(
        _ figure: CommonFigure, of statement: Statement, _ finder: inout PriceFinder
    ) throws(Reason) -> ExactDecimal {
        let (assets, doubtful) = statement.distinctAssets
        if let asset = doubtful.first { throw Reason("two rows of \(asset) say different things") }
        let rows = assets.map { ($0.asset, $0.figures[figure]) }
        if rows.isEmpty, statement.holdsNothing { return .zero }
        guard statement.lackOfAssets.isEmpty else { throw Reason(statement.lackOfAssets) }
        guard rows.contains(where: { $0.1 != nil }) else { throw Reason("the venue does not report it") }
        var total = ExactDecimal.zero
        for (asset, row) in rows {
            guard let row else { throw Reason("the venue does not report that of \(asset)") }
            let usd = try usd(row, of: statement, &finder)
            guard let sum = try? total + usd else { throw Reason("it does not fit 38 digits") }
            total = sum
        }
        return total
    }
}

extension Statement {
    /// Whether it lists neither an asset nor a position and is worth nothing: then it has nothing of
    /// anything.
    fileprivate var holdsNothing: Bool {
        assets.isEmpty && positions.isEmpty && figures[.equity]?.value.truncatedNumber?.isZero == true
    }
}

extension ReportedValue {
    /// Which of the states it is in: `absent`, `empty`, `null`, `number`, `unheld` or `other`.
    public var state: String {
        switch self {
        case .absent: "absent"
        case .empty: "empty"
        case .null: "null"
        case .number: "number"
        case .outOfRange: "unheld"
        case .other: "other"
        }
    }

    /// What stood there; nil where it was absent or null.
    public var text: String? {
        switch self {
        case .absent, .null: nil
        case .empty: ""
        case .number(_, let text), .outOfRange(let text), .other(let text): text
        }
    }
}
