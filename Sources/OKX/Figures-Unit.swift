import Ledger
import Numbers
import Venue

/// The figures of a risk unit of portfolio margin: the subset of risk terms whose formulas are known. All
/// are estimates. Options are not kept here, so that MR2, MR3 and MR5 are 0; MR9 is 0.
enum UnitFigure: String, OKXFigure {
    case delta, gross, netDelta, MR1, MR4, MR6, MR7, mmr, imr
    // What is given.
    case index, spotShock, basisRate, extremeMove, extremeShare, minimumRate, initialFactor
}

/// Derivatives of one underlying in portfolio mode.
final class RiskUnitFigures: FigureTable<UnitFigure> {
    unowned let account: AccountFigures
    /// The underlying's place in the rulebook's assets.
    let underlying: Int
    /// Its cross contracts, with where the instrument of each stands in the rulebook.
    private(set) var positions: [PositionValuation] = []
    /// The underlying's own row; nil where the account has none.
    var row: CurrencyFigures?
    /// The cap that the user sets on spot in use, whether there is a coin or not.
    var spotCap: ExactDecimal?

    override func value(of figure: UnitFigure) throws -> ExactFraction {
        switch figure {
        case .delta: try positions.sum(.delta)
        case .gross: try gross()
        case .netDelta: try (self[.delta] + (row.map { try $0[.spotInUseAmt] } ?? .zero)) * self[.index]
        case .MR1: try self[.netDelta].magnitude * self[.spotShock]
        case .MR4: try self[.gross] * self[.basisRate]
        case .MR6: try self[.netDelta].magnitude * self[.extremeMove] * self[.extremeShare]
        case .MR7: try minimumCharge()
        case .mmr: try max(max(self[.MR1], self[.MR6]) + self[.MR4], self[.MR7])
        case .imr: try self[.mmr] * self[.initialFactor]
        default: throw gap(figure)
        }
    }

    /// The sides of one instrument are netted, instruments are not.
    private func gross() throws -> ExactFraction {
        var notionals: [(instrument: String, usd: ExactFraction)] = []
        for position in positions {
            let instrument = position.position.instrument.name
            if let place = notionals.firstIndex(where: { $0.instrument == instrument }) {
                try notionals[place].usd += position[.notionalUsd]
            } else {
                notionals.append((instrument, try position[.notionalUsd]))
            }
        }
        return try notionals.map(\.usd.magnitude).sum()
    }

    /// Each tier's part of the raw charge × the tier's multiplier; the last multiplier holds beyond.
    private func minimumCharge() throws -> ExactFraction {
        try account.rules.portfolio.minimumChargeTiers.charge(on: self[.gross] * self[.minimumRate])
    }

    func add(_ position: PositionValuation) { positions.append(position) }

    // MARK: - As an object

    private var asset: String { account.rules.assets[underlying].name }
    override var name: String { asset }
    override var path: String { "riskUnits.\(asset)." }

    override func name(of figure: UnitFigure, in words: String, of asker: FigureObject) -> String {
        asker is AccountFigures ? "\(words) of \(asset)" : words
    }

    override func name(of input: UnitFigure, _ words: String) -> String {
        input == .index ? account.indexWords(asset) : words
    }

    override func inputs(besidesThoseOf figure: UnitFigure) -> [Explanation.Input] {
        guard figure == .MR7 else { return [] }
        let tiers = account.rules.portfolio.minimumChargeTiers.map { tier in
            tier.upTo.map { "× \(tier.multiplier) up to \($0)" } ?? "× \(tier.multiplier) beyond"
        }
        return [Explanation.Input("tiers", tiers.joined(separator: ", "), .rule)]
    }

    /// A unit without positions yet.
    init(_ underlying: Int, index: ExactDecimal, in account: AccountFigures) {
        self.underlying = underlying
        self.account = account
        super.init(account.book, (), Self.layout)
        let rules = account.rules.portfolio
        let asset = asset
        give(.index, index)
        give(.spotShock, rules.spotShock[asset])
        give(.basisRate, rules.basis[asset])
        give(.extremeMove, rules.extremeMove[asset])
        give(.extremeShare, rules.extremeShare)
        give(.minimumRate, rules.minimumCharge[asset])
        give(.initialFactor, rules.initialFactor)
    }

    /// None of it is a body of its own.
    private static let layout = FigureLayout<UnitFigure>(())
}

extension UnitFigure {
    func facts(in mode: Void) -> FigureFacts? {
        func estimate(_ formula: String, _ unit: String = "USD", signed: Bool = false) -> FigureFacts {
            .beside(formula, unit, signed: signed, .plain, .estimate, from: Source.portfolio)
        }
        return switch self {
        case .delta: estimate("Σ delta of the underlying's cross derivatives", FigureFacts.coin, signed: true)
        case .gross:
            estimate(
                "Σ |notionalUsd| of the underlying's cross derivatives, at mark; the sides of one instrument "
                    + "are netted first, instruments are not")
        case .netDelta: estimate("(delta + spotInUseAmt) × index price", signed: true)
        case .MR1: estimate("|netDelta| × widest spot shock")
        case .MR4: estimate("gross × basis rate")
        case .MR6: estimate("|netDelta| × extreme move × share of it that counts")
        case .MR7: estimate("gross × minimum charge rate, each tier's part × the tier's multiplier")
        case .mmr: estimate("max(max(MR1, MR6) + MR4, MR7); MR2, MR3 and MR5 belong to options, MR9 is 0")
        case .imr: estimate("mmr × imr factor")
        case .index: .input("index price", "USD", .price)
        case .spotShock: .input("spot shock", "ratio", .rule)
        case .basisRate: .input("basis rate", "ratio", .rule)
        case .extremeMove: .input("extreme move", "ratio", .rule)
        case .extremeShare: .input("share", "ratio", .rule)
        case .minimumRate: .input("minimum charge rate", "ratio", .rule)
        case .initialFactor: .input("imr factor", "ratio", .rule)
        }
    }
}

extension [PortfolioRules.ChargeTier] {
    /// Each tier's part of a raw charge × the tier's multiplier; the last multiplier holds beyond.
    func charge(on raw: ExactFraction) throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        var below = ExactFraction.zero
        for tier in self {
            guard let end = tier.upTo.map({ ExactFraction($0) }), raw > end else {
                return try sum + (raw - below).times(tier.multiplier)
            }
            try sum += (end - below).times(tier.multiplier)
            below = end
        }
        return try sum + (raw - below).times(last?.multiplier ?? .one)
    }
}

extension Array {
    /// Σ of one figure over objects.
    func sum<Figure: FigureKey>(
        _ figure: Figure, where isCounted: (Element) -> Bool = { _ in true }
    ) throws -> ExactFraction where Element: FigureTable<Figure>, Figure.Number == ExactFraction {
        var sum = ExactFraction.zero
        for table in self where isCounted(table) { try sum += table[figure] }
        return sum
    }

    /// Σ of its magnitude.
    func magnitudes<Figure: FigureKey>(
        _ figure: Figure, where isCounted: (Element) -> Bool = { _ in true }
    ) throws -> ExactFraction where Element: FigureTable<Figure>, Figure.Number == ExactFraction {
        var sum = ExactFraction.zero
        for table in self where isCounted(table) { try sum += table[figure].magnitude }
        return sum
    }
}
