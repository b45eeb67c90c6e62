import Venue

/// Where formulas are stated.
enum Source {
    static let given = "OKX Get balance, https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance"
    static let recorded = given + "; met digit by digit on recorded answers"
    static let positions = "OKX API documentation, Get positions"
    static let recordedPositions = positions + "; met digit by digit on recorded answers"
    static let discount = "OKX API documentation, Get discount rate and interest-free quota"
    static let futures = "OKX help, futures mode"
    static let multi = "OKX help, multi-currency margin mode"
    static let portfolio = "OKX help, portfolio margin mode: risk unit merge and its parameters"
    static let spotMode = "OKX help, borrowing in spot mode"
    static let spotCost = "OKX help, https://www.okx.com/help/i-introduction-of-spot"
    static let collateralLimit =
        "OKX help, https://www.okx.com/help/"
        + "introduction-to-the-platforms-collateralized-borrowing-limit-mechanism"
    static let ours = "not published; docs/venues/okx.md"
}

/// The figures of an object of OKX. The venue computes in binary numbers and prints up to 17 digits; here
/// they are printed with 16 places.
protocol OKXFigure: FigureKey {
    /// What most of them count.
    static var unit: String { get }
    /// Where most of them are stated.
    static var source: String { get }
}

extension OKXFigure {
    static var unit: String { FigureFacts.coin }
    static var source: String { Source.positions }
    static var choices: String { Source.ours }

    /// A field of the answer. A choice is stated nowhere but here.
    func field(
        _ formula: String, note: String = "", unit: String = Self.unit, signed: Bool = false,
        evidence: Evidence = .binary, _ certainty: Explanation.Status = .exact, from source: String? = nil,
        common: CommonFigure? = nil, clauses: [FigureClause] = [], isNoneAtZero: Bool = false,
        isAlwaysThere: Bool = true
    ) -> FigureFacts {
        .shown(
            formula, note: note, unit, signed: signed, .halfUp(16), evidence: evidence, certainty,
            from: source ?? Self.source(of: certainty), common: common, clauses: clauses,
            isNoneAtZero: isNoneAtZero, isAlwaysThere: isAlwaysThere)
    }

    /// What fields rest on and the answer does not show.
    func hidden(
        _ formula: String, unit: String = Self.unit, signed: Bool = false,
        _ certainty: Explanation.Status = .exact, from source: String? = nil
    ) -> FigureFacts {
        .beside(
            formula, unit, signed: signed, .plain, evidence: .binary, certainty,
            from: source ?? Self.source(of: certainty))
    }

    /// A field that is no number and of which nothing is published.
    func chosen(_ words: String, isAlwaysThere: Bool = false) -> FigureFacts {
        .other(words, .choice, from: Source.ours, isAlwaysThere: isAlwaysThere)
    }

    private static func source(of certainty: Explanation.Status) -> String {
        certainty == .choice ? Source.ours : source
    }
}
