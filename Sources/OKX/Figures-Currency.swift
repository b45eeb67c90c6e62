import JSON
import Ledger
import Numbers
import Venue

/// The figures of one currency: the fields of its row in ASCII order, then what they rest on.
enum CurrencyFigure: String, OKXFigure {
    case accAvgPx, autoLendAmt, autoLendMtAmt, autoLendStatus, autoStakingStatus, availBal, availEq
    case borrowFroz, cashBal, ccy, clSpotInUseAmt, coinUsdPrice, colBorrAutoConversion, colRes
    case collateralEnabled, collateralRestrict, crossLiab, disEq, eq, eqUsd, fixedBal, frozenBal, frpType
    case imr, interest, isoEq, isoLiab, isoUpl, liab, maxLoan, maxSpotInUse, mgnRatio, mmr, notionalLever
    case openAvgPx, ordFrozen, rewardBal, smtSyncEq, spotBal, spotCopyTradingEq, spotInUseAmt, spotIsoBal
    case spotUpl, spotUplRatio, stgyEq, totalPnl, totalPnlRatio, twap, uTime, upl, uplLiab
    // Not in the row.
    case crossUpl, inUse, spotOrders, isolatedOrders, crossOrders, orderFees, liquidationFees
    case positionNotional, potentialBorrowing, potentialBorrowingUsd
    // What is given.
    case index, principal, reserves, quota, borrowLeverage, borrowingRate
    case traded, purchases, sales, openCost, spotCap
}

/// What decides which words hold of a currency.
struct CurrencyMode {
    let account: AccountMode
    /// Whether anything can be borrowed against it: in spot mode only where that may borrow.
    var borrows = true
}

/// A currency of an account.
final class CurrencyFigures: FigureTable<CurrencyFigure> {
    unowned let account: AccountFigures
    /// Where the currency stands in the rulebook's assets.
    var place: Int
    private let asset: String
    /// Nil where the rulebook does not know the currency.
    var rules: AssetRules?
    /// Where the currency stands in the account's holdings; nil where only positions or orders are in it.
    let holding: Int?
    var updatedAt: LedgerTime
    /// Whether it has nothing but cash, positions and orders: no reserve, credit, spot cost, interest or
    /// loan.
    var isPlain = true
    /// Whether its positive equity counts as margin.
    var isCollateral = true
    /// Whether its collateral is restricted: `colRes` is set by hand to 2.
    var isRestricted = false
    /// Cross positions whose margin and profit are in it.
    var cross: [PositionValuation] = []
    /// Isolated positions whose margin and profit are in it.
    var isolated: [PositionValuation] = []
    /// Isolated positions of spot pairs that owe it.
    var owing: [PositionValuation] = []
    /// Exchanges that would pay it.
    var spotOrders: [OrderFigures] = []
    /// Orders of contracts that settle in it, and of pairs on margin whose margin is in it.
    var marginOrders: [OrderFigures] = []
    /// Portfolio mode: the derivatives of it; nil where there are none.
    var unit: RiskUnitFigures?
    /// A cap that is set on its spot in use.
    private(set) var spotCap: ExactDecimal?
    private var isTraded = false
    private let isPool: Bool
    private let isSpot: Bool

    override func value(of figure: CurrencyFigure) throws -> ExactFraction {
        switch figure {
        case .eq where isPool: try self[.cashBal] + self[.crossUpl] + self[.isoEq] + self[.stgyEq]
        case .eq where isSpot: try self[.cashBal] + self[.stgyEq] - self[.interest] - self[.principal]
        case .eq: try self[.cashBal] + self[.crossUpl] + self[.isoEq] + self[.stgyEq] - self[.interest]
        case .eqUsd: try self[.eq] * self[.index]
        case .coinUsdPrice: try self[.index]
        case .crossUpl: try cross.sum(.upl)
        case .isoUpl: try isolated.sum(.upl)
        case .upl: try self[.crossUpl] + self[.isoUpl]
        case .isoEq: try isolated.sum(.margin) + self[.isoUpl]
        case .disEq where !mode.borrows: try self[.eqUsd]
        case .disEq: try discountedEquity()

        case .ordFrozen where isPool: try self[.spotOrders] + self[.isolatedOrders] + self[.crossOrders]
        case .ordFrozen where isSpot: try self[.spotOrders]
        case .ordFrozen: try self[.spotOrders] + self[.isolatedOrders]
        case .spotOrders: try spotOrders.sum(.frozen)
        case .isolatedOrders: try marginOrders.sum(.margin) { !$0.mode.isCross }
        case .crossOrders: try marginOrders.sum(.margin, where: \.mode.isCross)
        // Where the margin of an order is held, so is its fee.
        case .orderFees: try marginOrders.sum(.fee) { !$0.mode.isPair && $0.mode.isPooled }
        case .inUse where isPool: try self[.imr] + self[.ordFrozen] + self[.orderFees] + self[.reserves]
        case .inUse where isSpot: try self[.ordFrozen] + self[.reserves]
        case .inUse: try self[.ordFrozen] + self[.orderFees] + self[.reserves]
        case .frozenBal where isSpot: try self[.inUse] + self[.stgyEq]
        case .frozenBal: try self[.inUse] + self[.isoEq] + self[.stgyEq]
        case .availEq: try max(.zero, freeEquity())
        case .availBal: try max(.zero, freeBalance())

        default: isPool ? try poolValue(of: figure) : try lentValue(of: figure)
        }
    }

    /// Futures mode: each currency is a pool of its own.
    private func poolValue(of figure: CurrencyFigure) throws -> ExactFraction {
        switch figure {
        case .imr: try cross.sum(.imr)
        case .mmr: try cross.sum(.mmr)
        case .liquidationFees: try cross.sum(.liquidationFee)
        case .positionNotional: try cross.magnitudes(.notional)
        case .notionalLever: try leverage(of: self[.positionNotional], on: self[.cashBal] + self[.crossUpl])
        case .mgnRatio: try backing().ratio(to: self[.mmr] + self[.liquidationFees])
        // Nothing is lent.
        case .crossLiab, .isoLiab, .liab, .uplLiab, .potentialBorrowing: .zero
        default: try spotValue(of: figure)
        }
    }

    /// There is none on what is not above 0; a choice.
    private func leverage(of notional: ExactFraction, on backing: ExactFraction) throws -> ExactFraction {
        notional.isZero ? .zero : try notional.ratio(to: max(.zero, backing))
    }

    /// The other modes: debts, and what may be borrowed.
    private func lentValue(of figure: CurrencyFigure) throws -> ExactFraction {
        switch figure {
        case .crossLiab where isSpot: try max(max(.zero, -self[.eq]), self[.principal] + self[.interest])
        case .crossLiab: try max(.zero, -self[.eq])
        case .isoLiab: try owing.sum(.liab)
        case .liab where isSpot: try self[.crossLiab]
        case .liab: try self[.crossLiab] + self[.isoLiab]
        case .uplLiab: try lossLiability()
        case .potentialBorrowing where isSpot:
            try max(self[.crossLiab], self[.inUse] + self[.interest] - self[.cashBal])
        case .potentialBorrowing:
            try max(self[.crossLiab], self[.inUse] + self[.interest] - self[.cashBal] - self[.crossUpl])
        case .potentialBorrowingUsd: try self[.potentialBorrowing] * self[.index]
        case .borrowFroz where mode.account == .portfolio:
            try self[.potentialBorrowingUsd] * self[.borrowingRate]
        case .borrowFroz: try self[.potentialBorrowingUsd] / self[.borrowLeverage]
        case .maxLoan: try maximumLoan()
        case .maxSpotInUse: try max(.zero, min(self[.cashBal], -(unit.map { try $0[.delta] } ?? .zero)))
        case .spotInUseAmt where spotCap != nil: try min(self[.maxSpotInUse], self[.spotCap])
        case .spotInUseAmt: try self[.maxSpotInUse]
        default: try spotValue(of: figure)
        }
    }

    /// Cost and profit of spot trades, in USD.
    private func spotValue(of figure: CurrencyFigure) throws -> ExactFraction {
        switch figure {
        case .spotBal: try self[.traded]
        case .openAvgPx: try self[.openCost].ratio(to: self[.spotBal])
        case .accAvgPx: try (self[.purchases] - self[.sales]).ratio(to: self[.spotBal])
        case .spotUpl: try self[.spotBal] * self[.index] - self[.openCost]
        case .spotUplRatio: try self[.spotUpl].ratio(to: self[.openCost])
        case .totalPnl: try self[.spotBal] * self[.index] - self[.purchases] + self[.sales]
        case .totalPnlRatio: try self[.totalPnl].ratio(to: self[.purchases] - self[.sales])
        default: throw gap(figure)
        }
    }

    override func isThere(_ figure: CurrencyFigure) -> Bool {
        switch figure {
        case _ where figure.isOfTrades: isTraded
        // Known without looking at the orders of a currency that has no positions.
        case .mgnRatio: !cross.isEmpty
        default: true
        }
    }

    // MARK: - What is free

    /// `availEq` before it is floored at 0.
    func freeEquity() throws -> ExactFraction {
        try isSpot
            ? self[.cashBal] - self[.inUse] : self[.cashBal] + self[.crossUpl] - self[.inUse]
    }

    /// `availBal` before it is floored at 0: floating profit cannot be spent, floating loss is held back.
    func freeBalance() throws -> ExactFraction {
        try isSpot
            ? self[.cashBal] - self[.inUse]
            : self[.cashBal] - (self[.inUse] - min(.zero, self[.crossUpl]))
    }

    /// What can be withdrawn, fee included: availBal; in the modes that share collateral at most the
    /// account's availEq ÷ index. A choice.
    func withdrawable() throws -> ExactFraction {
        let free = try self[.availBal]
        guard mode.account.sharesCollateral else { return free }
        return try min(free, max(.zero, account[.availEq]) / self[.index])
    }

    /// Futures mode: what backs the currency's cross positions. Signed.
    func backing() throws -> ExactFraction {
        try self[.cashBal] + self[.crossUpl] - self[.spotOrders] - self[.isolatedOrders] - self[.orderFees]
    }

    // MARK: - What it counts, owes and may borrow

    /// Equity without isolated margin, each tier's part × the tier's rate. A negative equity takes no
    /// discount; collateral that is off counts 0 if positive.
    private func discountedEquity() throws -> ExactFraction {
        let base = try isSpot ? self[.eq] : self[.eq] - self[.isoEq]
        let index = try self[.index]
        guard base.isPositive else { return try base * index }
        guard isCollateral else { return .zero }
        guard let discount = rules?.discount else {
            throw FigureGap.missing("The rulebook does not know the currency.")
        }
        return switch discount.unit {
        case .coin: try discount.discounted(base) * index
        case .usd: try discount.discounted(base * index)
        }
    }

    /// What of the liability unrealized loss causes. A choice: the documents infer it.
    private func lossLiability() throws -> ExactFraction {
        let own =
            try isSpot
            ? self[.cashBal] - self[.interest] - self[.principal] : self[.cashBal] - self[.interest]
        let total = try max(.zero, -self[.eq])
        return total.isZero ? .zero : try max(.zero, total - max(.zero, -own))
    }

    /// An estimate: the venue's formula is not published.
    private func maximumLoan() throws -> ExactFraction {
        let power = try max(.zero, account[.availEq]) * self[.borrowLeverage]
        let index = try self[.index]
        let surplus = try max(.zero, self[.quota] - self[.liab])
        if surplus.isZero || power.isZero { return .zero }
        // Most often the quota decides, and then no division is needed.
        return try surplus * index <= power ? surplus : power / index
    }

    /// Whether a figure is not 0.
    func has(_ figure: CurrencyFigure) throws -> Bool {
        try unnoted { try !self[figure].isZero }
    }

    // MARK: - As an object

    override var name: String { asset }
    override var path: String { "details.\(asset)." }

    override func path(of figure: CurrencyFigure, isPrinted: Bool) -> String {
        account.path(path + figure.rawValue, isField: figure.isField, showing: number(figure))
    }

    override func name(of figure: CurrencyFigure, in words: String, of asker: FigureObject) -> String {
        // Among the account's inputs there is one of each currency.
        guard asker is AccountFigures else { return words }
        return figure == .index
            ? account.indexWords(name, as: "index price of \(name)") : "\(words) of \(name)"
    }

    override func name(of input: CurrencyFigure, _ words: String) -> String {
        input == .index ? account.indexWords(name) : words
    }

    override func facts(of figure: CurrencyFigure) -> FigureFacts? {
        let facts = figure.facts(in: mode)
        if account.isReported { return facts }
        return switch figure {
        case .disEq where mode.borrows:
            facts?.trusted(
                as: (try? self[.eq] - self[.isoEq])?.isPositive == true && isCollateral ? .exact : .choice)
        case .notionalLever: facts?.trusted(as: (try? ifThere(figure)) == nil ? .choice : .exact)
        default: facts
        }
    }

    override func inputs(besidesThoseOf figure: CurrencyFigure) -> [Explanation.Input] {
        switch figure {
        case .cashBal: moves
        case .stgyEq, .fixedBal, .smtSyncEq, .spotCopyTradingEq, .spotIsoBal:
            [Explanation.Input("reserved", number(figure), .ledger)]
        case .rewardBal: [Explanation.Input("credited", number(figure), .ledger)]
        case .interest: [Explanation.Input("accrued interest", number(figure), .ledger)]
        case .inUse: reserved
        case .disEq: discount
        case .uTime: [Explanation.Input("last change", updatedAt.iso8601, .ledger)]
        case .autoLendStatus:
            [Explanation.Input("auto_lend", rules?.supportsAutoLend == true ? "true" : "false", .rule)]
        case .collateralEnabled:
            [
                Explanation.Input("mode", mode.account.rawValue, .setting),
                Explanation.Input("named in collateral_off", isCollateral ? "false" : "true", .setting),
            ]
        case .collateralRestrict: [Explanation.Input("colRes", overridden(.colRes) ?? "0", .overridden)]
        default: []
        }
    }

    private func number(_ figure: CurrencyFigure) -> String { (try? self[figure].description) ?? "" }

    /// A value that was set by hand.
    func overridden(_ field: CurrencyFigure) -> String? {
        account.account.overridden(field.rawValue, asset: name)?.text
    }

    /// All that ever moved the currency, signed as it moved free cash.
    private var moves: [Explanation.Input] {
        guard let holding = holding.map({ account.account.holdings[$0] }) else { return [] }
        let flows = holding.flows
        var moves: [(name: String, amount: ExactDecimal)] = [
            ("deposits", flows.deposited), ("withdrawals", -flows.withdrawn),
            ("withdrawal fees", -flows.withdrawalFees), ("transfers", flows.transferred),
            ("spot trades", flows.exchanged), ("realized profit", flows.realised),
            ("trading fees", -flows.tradingFees), ("funding", flows.funding), ("loans", flows.borrowed),
            ("interest paid", -flows.interestPaid), ("imported isolated margin", flows.imported),
            ("funds of strategies", -holding.reserved(.strategy)),
        ]
        for position in account.account.positions {
            let name = position.margin == nil ? "isolated margin of" : "what is with margin position"
            moves.append(("\(name) \(position.title)", -position.amount(of: holding.asset)))
        }
        return moves.filter { !$0.amount.isZero }.map { Explanation.Input($0.name, $0.amount, .ledger) }
    }

    /// Funds that stay in cash and are in use.
    private var reserved: [Explanation.Input] {
        (holding.map { account.account.holdings[$0] }?.reserved ?? []).filter {
            $0.purpose != ReservePurpose.strategy.rawValue
        }.map { Explanation.Input("reserved for \($0.purpose)", $0.amount, .ledger) }
    }

    private var discount: [Explanation.Input] {
        let switched = Explanation.Input("collateralEnabled", isCollateral ? "true" : "false", .setting)
        let tiers = rules.map { rules in
            Explanation.Input("discount tiers in \(rules.discount.unit.rawValue)", rules.discount.text, .rule)
        }
        let table = mode.borrows ? tiers : Explanation.Input("spot_borrow", "false", .setting)
        return (mode.account == .multi ? [switched] : []) + [table].compactMap { $0 }
    }

    /// A currency without any amount yet.
    init(
        _ place: Int, _ asset: String, _ rules: AssetRules?, holding: Int?, updatedAt: LedgerTime,
        in account: AccountFigures, as mode: AccountMode? = nil, _ book: FigureBook? = nil
    ) {
        self.place = place
        self.asset = asset
        self.rules = rules
        self.holding = holding
        self.updatedAt = updatedAt
        self.account = account
        let mode = mode ?? account.mode
        isPool = mode == .futures
        isSpot = mode == .spot
        super.init(
            book ?? account.book, CurrencyMode(account: mode, borrows: account.borrows), Self.layout)
    }

    private static let layout = FigureLayout<CurrencyFigure>(CurrencyMode(account: .multi))
}

// MARK: - Of the ledger

extension CurrencyFigures {
    /// Amounts of the ledger, and the rules of the currency. Fields of the holding are taken one by one: a
    /// copy of all of it would count references for each table in it.
    func take(index: ExactDecimal, from holdings: [Holding]) throws {
        give(.index, index)
        if let holding {
            give(.cashBal, holdings[holding].cash)
            give(.principal, holdings[holding].borrowed)
            give(.interest, mode.account == .futures ? .zero : holdings[holding].interest)
            isPlain = holdings.isPlain(at: holding)
        } else {
            give(.cashBal, .zero as ExactDecimal)
            give(.principal, .zero as ExactDecimal)
            give(.interest, .zero as ExactDecimal)
        }
        giveRates()
        giveQuota()
        if isPlain {
            give(.reserves, .zero as ExactDecimal)
            give(.stgyEq, .zero as ExactDecimal)
        } else {
            try takeRare()
        }
    }

    /// What borrowing comes to in the modes that lend.
    func giveRates() {
        if isPool { return }
        let margin = account.rules.margin
        give(.borrowLeverage, margin.borrowLeverage)
        if mode.account == .portfolio { give(.borrowingRate, margin.portfolioBorrowInitialRate) }
    }

    /// How much of it may be borrowed.
    func giveQuota() {
        if !isPool { give(.quota, rules?.borrowQuota ?? .zero) }
    }

    /// Earmarks, credits, spot cost: what most currencies have none of.
    func takeRare() throws {
        let holding = holding.map { account.account.holdings[$0] }
        for purpose in ReservePurpose.allCases { give(purpose.field, holding?.reserved(purpose) ?? .zero) }
        give(.rewardBal, holding?.credited(for: "reward") ?? .zero)
        var reserves = ExactDecimal.zero
        for earmark in holding?.reserved ?? [] where earmark.purpose != ReservePurpose.strategy.rawValue {
            try reserves += earmark.amount
        }
        give(.reserves, reserves)
        guard let cost = holding?.spotCost else { return }
        isTraded = true
        give(.traded, cost.quantity)
        give(.purchases, cost.boughtValue)
        give(.sales, cost.soldValue)
        give(.openCost, cost.openCost)
    }

    /// A cap on the spot in use, where there are derivatives of the currency.
    func cap(at most: ExactDecimal?) {
        spotCap = most
        if let most { give(.spotCap, most) }
    }
}

extension DiscountTable {
    /// Σ over tiers of (part of the amount inside the tier) × rate, in the table's unit; marginal.
    func discounted(_ amount: ExactFraction) throws(NumberError) -> ExactFraction {
        var sum = ExactFraction.zero
        var below = ExactFraction.zero
        for tier in tiers {
            guard let end = tier.upTo.map({ ExactFraction($0) }), end < amount else {
                return try sum + (amount - below).times(tier.rate)
            }
            try sum += (end - below).times(tier.rate)
            below = end
        }
        return try sum + (amount - below).times(minimumRate)
    }

    /// The tiers in words.
    var text: String {
        let listed = tiers.map { tier in
            tier.upTo.map { "\(tier.rate) up to \($0)" } ?? "\(tier.rate) for the rest"
        }
        let hasEnd = tiers.last?.upTo != nil || tiers.isEmpty
        return (listed + (hasEnd ? ["\(minimumRate) beyond"] : [])).joined(separator: ", ")
    }
}

extension ExactFraction {
    /// A quotient that is only shown. There is none of nothing, and none that leaves the range of numbers:
    /// next to nothing in a denominator does not take the whole answer away.
    func ratio(to denominator: ExactFraction) throws -> ExactFraction {
        guard !denominator.isZero, let ratio = try? over(denominator) else { throw FigureGap.nothing }
        return ratio
    }
}

extension [Holding] {
    /// Whether one of them has no reserve, credit, spot cost, interest or loan. Its fields are taken one by
    /// one.
    func isPlain(at place: Int) -> Bool {
        self[place].reserved.isEmpty && self[place].credits.isEmpty && self[place].spotCost == nil
            && self[place].borrowed.isZero && self[place].interest.isZero
    }
}

extension Holding {
    /// The amount reserved for one of OKX's purposes.
    func reserved(_ purpose: ReservePurpose) -> ExactDecimal { reserved(for: purpose.rawValue) }
}
