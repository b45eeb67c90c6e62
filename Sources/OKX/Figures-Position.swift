import Ledger
import Numbers
import Venue

/// What a position comes to at the market, which margins, profits and risk units are made of. Amounts are
/// signed like the position.
enum PositionFigure: String, OKXFigure {
    case loan, notional, notionalUsd, upl, delta, imr, mmr, liquidationFee, liqPx
    // What is given.
    case pos, ctVal, cost, margin, entryMargin, liab, ownLever, defaultLever, markPx, index, heldIndex
    case maintenanceRate, takerRate, ticks, tickSz
}

/// What decides which words and formulas hold of a position.
struct PositionMode {
    /// A contract, or a spot pair on margin with whether its margin is in the base currency.
    enum Kind {
        case linear
        case inverse
        case pair(inBase: Bool)
    }

    let account: AccountMode
    let kind: Kind
    let isLong: Bool
    let isCross: Bool
    /// The currency of its margin and profit.
    let settle: String
    /// Whether what a pair has is shown without the margin, as in some of the venue's answers.
    var isMarginApart = false

    var isInverse: Bool { if case .inverse = kind { true } else { false } }
    var isPair: Bool { if case .pair = kind { true } else { false } }
    /// What margins are a share of: the value in the position's own currency in futures mode, where the
    /// currency is a pool, and of a pair; in USD elsewhere.
    var basis: PositionFigure { account == .futures || isPair ? .notional : .notionalUsd }
}

/// A position at the market.
final class PositionValuation: FigureTable<PositionFigure> {
    unowned let account: AccountFigures
    let position: Position
    /// Nil of an instrument that the rulebook does not know.
    let rules: InstrumentRules?
    /// Where its own currency stands in the rulebook's assets.
    let settle: Int
    /// The price in the place of a mark that nobody has given; nil where one was.
    private(set) var standIn: StandInMark?
    /// Whether its leverage was set, or told by an answer.
    var isLeverageSet = false
    /// The price that the ledger's cost of an inverse contract stands for; nil where none does.
    private(set) var bookedPrice: ExactDecimal?
    private let kind: PositionMode.Kind
    /// Whether the account's collateral backs it.
    let isCross: Bool

    override func value(of figure: PositionFigure) throws -> ExactFraction {
        switch kind {
        case .linear, .inverse: try contractValue(of: figure)
        case .pair(let inBase): try value(of: figure, inBase: inBase)
        }
    }

    private func contractValue(of figure: PositionFigure) throws -> ExactFraction {
        switch figure {
        case .notional where mode.isInverse: try self[.pos] * self[.ctVal] / mark()
        case .notional: try self[.pos] * self[.ctVal] * mark()
        case .notionalUsd where mode.isInverse: try self[.pos] * self[.ctVal]
        case .notionalUsd: try self[.notional] * self[.index]
        case .upl where mode.isInverse: try self[.cost] * self[.ctVal] - self[.notional]
        case .upl: try self[.notional] - self[.cost] * self[.ctVal]
        case .delta where mode.isInverse: try self[.notional]
        case .delta: try self[.pos] * self[.ctVal]
        case .imr: try self[mode.basis].magnitude / lever()
        case .mmr: try self[mode.basis].magnitude * self[.maintenanceRate]
        case .liquidationFee: try self[mode.basis].magnitude * self[.takerRate]
        case .liqPx:
            try PrintForm.significant(16).of(
                price(
                    whereProfitWith: exactMargin(), isShareOfSize: self[.maintenanceRate] + self[.takerRate],
                    movedBy: PrintForm.plain.of(self[.ticks] * self[.tickSz])))
        default: throw gap(figure)
        }
    }

    /// A position of a spot pair has one asset of the pair and owes the other; the margin of an isolated one
    /// is part of what it has. All is in the currency of the margin.
    private func value(of figure: PositionFigure, inBase: Bool) throws -> ExactFraction {
        switch figure {
        case .loan: try worth(.liab, isBase: !mode.isLong, inBase)
        case .upl where mode.isMarginApart: try worth(.pos, isBase: mode.isLong, inBase) - self[.loan]
        case .upl: try worth(.pos, isBase: mode.isLong, inBase) - self[.loan] - self[.margin]
        case .notional where mode.isLong: try worth(.pos, isBase: true, inBase) - self[.margin]
        case .notional: try -self[.loan]
        case .notionalUsd where mode.isLong: try self[.pos] * self[.heldIndex]
        case .notionalUsd: try -(self[.pos] * self[.heldIndex])
        case .delta: ExactFraction(position.quantity)
        case .imr: try self[.notional].magnitude / lever()
        case .mmr: try self[.loan] * self[.maintenanceRate]
        case .liquidationFee: try self[.loan] * (.one + self[.maintenanceRate]) * self[.takerRate]
        case .liqPx: try PrintForm.significant(16).of(loanPrice(inBase: inBase))
        default: throw gap(figure)
        }
    }

    override func isThere(_ figure: PositionFigure) -> Bool {
        switch figure {
        case .loan: mode.isPair
        case .liqPx: !mode.isCross
        default: true
        }
    }

    /// The mark price, given or what takes its place.
    func mark() throws -> ExactFraction { try standIn.map { try $0[.markPx] } ?? self[.markPx] }

    /// The margin of an isolated position with all its digits.
    func exactMargin() throws -> ExactFraction { try self[isGiven(.entryMargin) ? .entryMargin : .margin] }

    /// The leverage in force.
    func lever() throws -> ExactFraction { try self[isLeverageSet ? .ownLever : .defaultLever] }

    /// An amount of one asset of a pair, in the pair's base or quote.
    private func worth(_ amount: PositionFigure, isBase: Bool, _ inBase: Bool) throws -> ExactFraction {
        if isBase == inBase { return try self[amount] }
        return isBase ? try self[amount] * mark() : try self[amount] / mark()
    }

    /// Prices from 10¹⁵ on are none: an inverse short whose margin is its value at entry cannot be
    /// liquidated, and all that the denominator then holds is the rounding of the booked cost. A choice.
    private static let priceLimit = ExactFraction(ExactDecimal(1_000_000_000_000_000))

    /// The mark at which `amount` with the position's profit is such a share of its size, moved toward the
    /// position's own side: up for a long one. None where no price above 0 and below the limit does it.
    ///
    /// x = (cost − amount) ÷ (size − share) for a linear contract, (size + share) ÷ (amount + cost) for an
    /// inverse one; size and cost are signed.
    func price(
        whereProfitWith amount: ExactFraction, isShareOfSize share: ExactFraction,
        movedBy shift: ExactFraction = .zero
    ) throws -> ExactFraction {
        let (size, cost) = try (self[.pos] * self[.ctVal], self[.cost] * self[.ctVal])
        let required = try size.magnitude * share
        let price =
            try mode.isInverse
            ? (size + required).ratio(to: amount + cost) : (cost - amount).ratio(to: size - required)
        guard price.isPositive, price < Self.priceLimit else { throw FigureGap.nothing }
        let moved = try size.isNegative ? price - shift : price + shift
        guard moved.isPositive else { throw FigureGap.nothing }
        return moved
    }

    /// Where what a pair's position has is just what it must not fall below. A margin that is apart is more
    /// of what it has, or less of what it owes where it is in that.
    private func loanPrice(inBase: Bool) throws -> ExactFraction {
        var due = try self[.liab] * (.one + self[.maintenanceRate]) * (.one + self[.takerRate])
        var held = try self[.pos]
        if inBase != mode.isLong {
            try due -= self[.margin]
        } else if mode.isMarginApart {
            try held += self[.margin]
        }
        guard held.isPositive, due.isPositive else { throw FigureGap.nothing }
        let price = try mode.isLong ? due.ratio(to: held) : held.ratio(to: due)
        guard price < Self.priceLimit else { throw FigureGap.nothing }
        return price
    }

    // MARK: - As an object

    override var name: String { position.title }
    override var path: String {
        "positions.\(position.instrument.name).\(position.side.rawValue).\(position.marginMode.rawValue)."
    }

    override func name(of figure: PositionFigure, in words: String, of asker: FigureObject) -> String {
        if asker === self { return words }
        return "\(figure == .liab ? "liability" : words) of \(name)"
    }

    override func name(of input: PositionFigure, _ words: String) -> String {
        switch input {
        case .index: account.indexWords(mode.settle)
        case .markPx: "markPx (\(account.markWords(position.instrument.name)))"
        case .maintenanceRate where !mode.isPair:
            "maintenance rate (\(tier.map { "tier \($0.number), in which all of pos stands" } ?? "no tiers"))"
        default: words
        }
    }

    /// A position without any number yet.
    init(
        _ position: Position, _ rules: InstrumentRules?, settle: Int, _ mode: PositionMode,
        in account: AccountFigures
    ) {
        self.position = position
        self.rules = rules
        self.settle = settle
        self.account = account
        kind = mode.kind
        isCross = mode.isCross
        super.init(account.book, mode, Self.layout)
    }

    /// None of it is a body of its own.
    private static let layout = FigureLayout<PositionFigure>(
        PositionMode(account: .multi, kind: .linear, isLong: true, isCross: false, settle: ""))
}

// MARK: - Of the ledger

extension PositionValuation {
    /// A position at the market.
    convenience init(_ position: Position, in account: AccountFigures) throws {
        let table = account.rules
        let terms = position.instrument
        guard let place = table.instrumentPlace(terms.name) else {
            throw FigureError.priceMissing(terms.name)
        }
        let rules = table.instruments[place]
        let kind: PositionMode.Kind =
            position.margin.map { .pair(inBase: $0.asset == terms.base) }
            ?? (terms.payoff == .inverse ? .inverse : .linear)
        let settle = table.links[place].settle(of: position)
        self.init(
            position, rules, settle: settle,
            PositionMode(
                account: account.mode, kind: kind, isLong: position.isLong,
                isCross: position.marginMode == .cross, settle: table.assets[settle].name), in: account)
        let own = account.account.leverageSet(
            of: terms, side: position.side, marginMode: position.marginMode)
        let leverage = own ?? table.defaultLeverage(of: terms)
        isLeverageSet = own != nil
        give(isLeverageSet ? .ownLever : .defaultLever, leverage)
        give(.maintenanceRate, tier?.maintenanceRate ?? .zero)
        give(.takerRate, rules.takerRate)
        if let liability = position.liability {
            give(.pos, position.amount(of: position.heldAsset))
            give(.liab, liability.amount)
            give(.heldIndex, try account.market.requiredIndex(position.heldAsset))
        } else {
            give(.pos, position.quantity)
            give(.ctVal, terms.contractValue)
            bookedPrice = try position.bookedPrice
            give(.cost, try position.cost(bookedAt: bookedPrice))
            if let margin = try position.entryMargin(costing: self[.cost], leverage: leverage) {
                give(.entryMargin, margin)
            }
        }
        give(.margin, position.isolatedWallet)
        if !mode.isCross {
            give(.ticks, table.margin.isolatedLiquidationTicks)
            give(.tickSz, rules.tick)
        }
        if let mark = account.market.prices.mark(terms.name) {
            give(.markPx, mark)
        } else {
            standIn = try account.standIn(for: terms)
        }
    }

    /// The same position of the ledger at another mark than the market's.
    convenience init(_ other: PositionValuation, at mark: ExactDecimal) throws {
        self.init(other.position, other.rules, settle: other.settle, other.mode, in: other.account)
        isLeverageSet = other.isLeverageSet
        for figure in layout.cases where other.isGiven(figure) { give(figure, try other[figure]) }
        give(.markPx, mark)
    }

    /// Another mark than the market's.
    func move(to mark: ExactDecimal) {
        standIn = nil
        give(.markPx, mark)
    }

    /// The tier that the whole position stands in, or all that it owes; nil without tiers.
    var tier: PositionTier? {
        if let liability = position.liability {
            return rules?.loans?.tier(of: liability, in: position.instrument)
        }
        return rules?.tier(of: position.quantity.magnitude)
    }
}

extension Position {
    /// What tells it apart from the account's other positions.
    var title: String { "\(instrument.name) \(side.rawValue) \(marginMode.rawValue)" }
}

// MARK: - What is said about them

extension PositionFigure {
    func facts(in mode: PositionMode) -> FigureFacts? {
        switch mode.kind {
        case .linear, .inverse: contractFacts(in: mode) ?? input
        case .pair(let inBase): pairFacts(in: mode, inBase) ?? input
        }
    }

    private func contractFacts(in mode: PositionMode) -> FigureFacts? {
        let settle = mode.settle
        let basis = mode.basis.rawValue
        let margins = mode.account == .futures ? Source.futures : Source.recorded
        let unit = mode.account == .futures ? settle : "USD"
        return switch self {
        case .notional:
            .beside(
                mode.isInverse ? "pos × ctVal ÷ markPx" : "pos × ctVal × markPx", settle, signed: true,
                from: Source.positions)
        case .notionalUsd:
            .beside(
                mode.isInverse
                    ? "pos × ctVal, which is in USD" : "notional × index price of \(settle)", "USD",
                signed: true, from: Source.positions)
        case .upl:
            .beside(
                mode.isInverse ? "cost × ctVal − notional" : "notional − cost × ctVal", settle, signed: true,
                from: Source.positions)
        case .delta:
            .beside(
                mode.isInverse ? "notional" : "pos × ctVal", FigureFacts.coin, signed: true,
                from: Source.portfolio)
        case .imr: .beside("|\(basis)| ÷ lever", unit, from: margins)
        case .mmr: .beside("|\(basis)| × maintenance rate of the whole position's tier", unit, from: margins)
        case .liquidationFee: .beside("|\(basis)| × taker rate", unit, from: margins)
        case .liqPx:
            .beside(
                (mode.isInverse
                    ? "(pos × ctVal + |pos × ctVal| × rates) ÷ (margin + cost × ctVal)"
                    : "(cost × ctVal − margin) ÷ (pos × ctVal − |pos × ctVal| × rates)")
                    + ", where margin + upl is maintenance margin + liquidation fee, "
                    + "\(mode.isLong ? "+" : "−") ticks × tickSz; \"\" where no mark does it", "price",
                .significant(16), from: Source.recordedPositions)
        default: nil
        }
    }

    private func pairFacts(in mode: PositionMode, _ inBase: Bool) -> FigureFacts? {
        let settle = mode.settle
        func worth(_ name: String, isBase: Bool) -> String {
            isBase == inBase ? name : "\(name) \(isBase ? "×" : "÷") markPx"
        }
        let owed = worth("liab", isBase: !mode.isLong)
        let due = "liab × (1 + maintenance rate) × (1 + taker rate)"
        return switch self {
        case .loan: .beside("\(owed), in \(settle)", settle, from: Source.recordedPositions)
        case .upl:
            .beside(
                "\(worth("pos", isBase: mode.isLong)) − \(owed) − margin", settle, signed: true,
                from: Source.recordedPositions)
        case .notional:
            .beside(
                mode.isLong ? "pos − margin in \(settle)" : "−loan", settle, signed: true,
                from: Source.futures)
        case .notionalUsd:
            .beside(
                "\(mode.isLong ? "" : "−")pos × its index price", "USD", signed: true,
                from: Source.recordedPositions)
        case .delta: .beside("coins held or owed", FigureFacts.coin, signed: true, from: Source.futures)
        case .imr: .beside("|notional| ÷ lever", settle, .plain, .choice, from: Source.futures)
        case .mmr:
            .beside(
                "loan × maintenance rate of the tier that the liability stands in", settle,
                from: Source.recordedPositions)
        case .liquidationFee:
            .beside("loan × (1 + maintenance rate) × taker rate", settle, from: Source.recordedPositions)
        case .liqPx:
            .beside(
                mode.isLong ? "\(due) ÷ pos" : "pos ÷ (\(due))", "price", .significant(16),
                from: Source.recordedPositions)
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .pos: .input("pos", "contracts", .ledger)
        case .ctVal: .input("ctVal", FigureFacts.coin, .rule)
        case .cost: .input("cost", FigureFacts.coin, .ledger)
        case .margin: .input("margin", FigureFacts.coin, .ledger)
        case .entryMargin: .input("margin, value at entry ÷ lever", FigureFacts.coin, .ledger)
        case .liab: .input("liab", FigureFacts.coin, .ledger)
        case .ownLever: .input("lever (as set)", "ratio", .setting)
        case .defaultLever: .input("lever (until one is set)", "ratio", .rule)
        case .markPx: .input("markPx", "price", .price)
        case .index: .input("index price", "USD", .price)
        case .heldIndex: .input("index price of what it has", "USD", .price)
        case .maintenanceRate: .input("maintenance rate", "ratio", .rule)
        case .takerRate: .input("taker rate", "ratio", .rule)
        case .ticks: .input("ticks", "ticks", .rule)
        case .tickSz: .input("tickSz", "price", .rule)
        default: nil
        }
    }
}

// MARK: - Marks that nobody has given

/// What takes the place of a mark price.
enum MarkFigure: String, OKXFigure {
    case markPx, base, quote

    func facts(in mode: Instrument) -> FigureFacts? {
        switch self {
        case .markPx:
            .beside(
                "index price of \(mode.base) ÷ index price of \(mode.quote), while no mark is given", "price",
                .halfUp(8), .choice, from: Source.ours)
        case .base: .input("base", "USD", .price)
        case .quote: .input("quote", "USD", .price)
        }
    }
}

/// The mark price of an instrument of which none was given.
final class StandInMark: FigureTable<MarkFigure> {
    unowned let account: AccountFigures

    override func value(of figure: MarkFigure) throws -> ExactFraction {
        switch figure {
        case .markPx: try PrintForm.halfUp(8).of(self[.base] / self[.quote])
        case .base, .quote: throw gap(figure)
        }
    }

    override var path: String { "marks.\(mode.name)." }

    override func name(of input: MarkFigure, _ words: String) -> String {
        account.indexWords(input == .base ? mode.base : mode.quote, as: words)
    }

    /// Throws where an index price is missing too.
    init(_ instrument: Instrument, in account: AccountFigures) throws {
        self.account = account
        super.init(account.book, instrument, FigureLayout(instrument))
        guard let base = account.market.index(instrument.base),
            let quote = account.market.index(instrument.quote)
        else { throw FigureError.priceMissing(instrument.name) }
        give(.base, base)
        give(.quote, quote)
    }
}
