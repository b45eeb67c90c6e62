import JSON
import Ledger
import Numbers
import Venue

/// One object of an account, whichever it is.
///
/// Figures go on with each other's unrounded values, which are explained beside the printed ones: their paths
/// begin with `unrounded.`.
class CryptoComTable<Figure: FigureKey>: FigureTable<Figure> where Figure.Number == ExactFraction {
    override func path(of figure: Figure, isPrinted: Bool) -> String {
        let whole = path + figure.rawValue
        return isPrinted || facts(of: figure)?.isRounded != true ? whole : "unrounded." + whole
    }

    override func name(of figure: Figure, isOwn: Bool) -> String {
        isOwn || name.isEmpty ? figure.rawValue : "\(figure.rawValue) of \(name)"
    }

    /// Whether a switch is on.
    final func isOn(_ figure: Figure) throws -> Bool { try !self[figure].isZero }

    /// Fills the slot of a switch.
    final func give(_ figure: Figure, _ isOn: Bool) { give(figure, isOn ? ExactDecimal.one : .zero) }

    /// Puts what the operator has set for a field of the account, or of an asset, in its place.
    final func takeOverride(of figure: Figure, in account: Account, asset: String? = nil) throws {
        guard let set = account.overridden(figure.rawValue, asset: asset) else { return }
        let number =
            try set.boolean.map { $0 ? ExactDecimal.one : .zero } ?? set.text.map { try ExactDecimal($0) }
        setOverride(figure, to: number, isRounded: true)
    }
}

extension FigureFacts {
    /// Whether digits of it are lost where it is printed.
    var isRounded: Bool { isShown && !form.words.isEmpty }
}

/// Where formulas are stated.
enum Source {
    static let document =
        "private/user-balance, https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html"
        + "#private-user-balance"
    static let positions =
        "private/get-positions, https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html"
        + "#private-get-positions"
    static let risk =
        "public/get-risk-parameters, https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html"
        + "#public-get-risk-parameters"
    static let recordings = "recordings of the venue, 2023 to 2026"
    static let isolated = "the documented sample of an isolated position"
    static let ours = "not published; docs/venues/crypto-com.md"
}

extension FigureFacts {
    /// An amount: the digits after the eighth are dropped. Of real answers the eighth itself may be off by
    /// one: the venue works in binary floating point.
    static func amount(
        _ formula: String, _ unit: String = CryptoComRules.usd, signed isSigned: Bool = false,
        certainty: Explanation.Status = .exact, from source: String = Source.document,
        common: CommonFigure? = nil, isAlwaysThere: Bool = true
    ) -> FigureFacts {
        .shown(
            formula, unit, signed: isSigned, .cut(8), evidence: .unit(8), certainty, from: source,
            common: common, isAlwaysThere: isAlwaysThere)
    }

    /// A requirement: rounded up at the eighth digit, which of real answers may be off by one.
    static func requirement(
        _ formula: String, _ certainty: Explanation.Status = .exact, from source: String = Source.document,
        common: CommonFigure? = nil, isAlwaysThere: Bool = true
    ) -> FigureFacts {
        .shown(
            formula, CryptoComRules.usd, .up(8), evidence: .unit(8), certainty, from: source, common: common,
            isAlwaysThere: isAlwaysThere)
    }

    /// A switch.
    static func flag(
        _ formula: String, _ certainty: Explanation.Status = .exact, from source: String = Source.document,
        isAlwaysThere: Bool = true
    ) -> FigureFacts {
        .shown(formula, "none", .flag, certainty, from: source, isAlwaysThere: isAlwaysThere)
    }
}

/// The words in which a form of the account object names a figure of a price.
enum PriceOrigin {
    /// USD, which is worth 1.
    case dollar
    case given(LedgerTime)
    case reference

    /// Where an asset's price comes from; what it is: ``ValuationPrices``.
    init(of asset: String, _ market: ValuationPrices) {
        self =
            asset == CryptoComRules.usd
            ? .dollar : market.prices.index[asset].map { .given($0.at) } ?? .reference
    }

    /// The input that it is of figures in USD.
    var facts: FigureFacts {
        if case .dollar = self {
            return .input("index price of USD, 1 by definition", CryptoComRules.usd, .rule)
        }
        return .input("index price", CryptoComRules.usd, .price)
    }

    /// What the input is called.
    func name(of asset: String) -> String {
        switch self {
        case .dollar: "index price of USD, 1 by definition"
        case .given(let time): "index price of \(asset), given at \(time.iso8601)"
        case .reference: "index price of \(asset), the rulebook's reference"
        }
    }
}

/// The sum of one figure over objects.
extension Sequence {
    func sum<Figure: FigureKey>(_ figure: Figure) throws -> ExactFraction
    where Element: FigureTable<Figure>, Figure.Number == ExactFraction {
        var sum = ExactFraction.zero
        for table in self { try sum += table[figure] }
        return sum
    }

    /// The sum of one figure's sizes.
    func sumOfSizes<Figure: FigureKey>(_ figure: Figure) throws -> ExactFraction
    where Element: FigureTable<Figure>, Figure.Number == ExactFraction {
        var sum = ExactFraction.zero
        for table in self { try sum += table[figure].magnitude }
        return sum
    }
}
