import JSON
import Ledger
import Numbers
import Venue

/// The figures of the account, in USD: its fields in ASCII order, then what they rest on.
enum AccountFigure: String, OKXFigure {
    case adjEq, availEq, borrowFroz, delta, deltaLever, deltaNeutralStatus, details, imr, isoEq, mgnRatio, mmr
    case notionalUsd, notionalUsdForBorrow, notionalUsdForFutures, notionalUsdForOption, notionalUsdForSwap
    case ordFroz, totalEq, uTime, upl
    // Not in the answer.
    case discountedEquity, restrictedEquity, orderFees, positionImr, positionMmr, positionLiquidationFees
    case liquidationFees
    // What is given.
    case borrowMmr, borrowFee, optionNotional
}

/// An account's figures: its own, those of its currencies, and what they are made of. All are worked out
/// when they are asked for.
final class AccountFigures: FigureTable<AccountFigure> {
    let account: Account
    let market: ValuationPrices
    let rules: RuleTable
    /// Whether anything can be borrowed against the account's assets.
    let borrows: Bool
    /// In the order of first appearance; more than are shown.
    var rows: [CurrencyFigures] = []
    var positions: [PositionValuation] = []
    var orders: [OrderFigures] = []
    /// Portfolio mode only.
    private(set) var units: [RiskUnitFigures] = []
    /// Currencies that are held and nothing else, where not each has a table.
    var held: [HeldCurrency] = []
    /// The table that takes them in turn.
    var heldTable: CurrencyFigures?
    /// Marks that take the place of those that nobody has given.
    private(set) var marks: [StandInMark] = []
    /// Whether it is of a venue's answers, and not of a ledger.
    var isReported = false
    /// Why answers do not tell all of its orders; nil where they do.
    var lackOfOrders: String?
    /// What an answer shows, by path, while it is explained.
    var served: [String: String] = [:]

    override func value(of figure: AccountFigure) throws -> ExactFraction {
        switch figure {
        // A venue's answer names no index prices, but what each currency is worth.
        case .totalEq where isReported: try rows.sumOfSome(.eqUsd)
        case .totalEq: try inUsd(.eq)
        case .isoEq: try inUsd(.isoEq)
        case .upl: try inUsd(.crossUpl)
        case .adjEq: try self[.discountedEquity] - self[.orderFees]
        case .discountedEquity: try sum(.disEq)
        case .restrictedEquity: try rows.filter(isRestricted).sumOfSome(.disEq)
        case .orderFees: try orders.sum(.feeUsd) { !$0.mode.isPair }

        case .notionalUsdForSwap: try positions.magnitudes(.notionalUsd) { $0.rules?.type == .swap }
        case .notionalUsdForFutures: try positions.magnitudes(.notionalUsd) { $0.rules?.type == .futures }
        case .notionalUsdForBorrow: try sum(.potentialBorrowingUsd)
        case .notionalUsd where isSpot: try self[.notionalUsdForBorrow] + self[.optionNotional]
        case .notionalUsd:
            try self[.notionalUsdForBorrow] + self[.notionalUsdForSwap] + self[.notionalUsdForFutures]
                + self[.optionNotional]

        case .borrowFroz: try sum(.borrowFroz)
        case .ordFroz: try knownOrders().sum(.margin) { !$0.mode.isExchange && $0.mode.isCross }
        case .positionImr where mode == .portfolio: try units.sum(.imr)
        case .positionImr: try positions.sum(.imr, where: \.isCross)
        case .positionMmr where mode == .portfolio: try units.sum(.mmr)
        case .positionMmr: try positions.sum(.mmr, where: \.isCross)
        case .positionLiquidationFees where mode == .portfolio: .zero
        case .positionLiquidationFees: try positions.sum(.liquidationFee, where: \.isCross)

        case .imr where isSpot: try self[.borrowFroz]
        case .imr: try self[.positionImr] + self[.ordFroz] + self[.borrowFroz]
        case .mmr where isSpot: try self[.notionalUsdForBorrow] * self[.borrowMmr]
        case .mmr: try self[.positionMmr] + self[.notionalUsdForBorrow] * self[.borrowMmr]
        case .liquidationFees where isSpot:
            try self[.notionalUsdForBorrow] * (.one + self[.borrowMmr]) * self[.borrowFee]
        case .liquidationFees:
            try self[.positionLiquidationFees]
                + self[.notionalUsdForBorrow] * (.one + self[.borrowMmr]) * self[.borrowFee]
        case .availEq where hasRestricted: try self[.adjEq] - self[.imr] - self[.restrictedEquity]
        case .availEq: try self[.adjEq] - self[.imr]
        case .mgnRatio: try self[.adjEq].ratio(to: self[.mmr] + self[.liquidationFees])

        default: throw gap(figure)
        }
    }

    override func isThere(_ figure: AccountFigure) -> Bool { figure != .delta && figure != .deltaLever }

    private var isSpot: Bool { mode == .spot }

    private func knownOrders() throws -> [OrderFigures] {
        if let lackOfOrders { throw FigureGap.missing(lackOfOrders) }
        return orders
    }

    private var hasRestricted: Bool { rows.contains(where: \.isRestricted) }

    private func isRestricted(_ row: CurrencyFigures) throws -> Bool {
        try row.isRestricted && row.unnoted { try row[.disEq].isPositive }
    }

    /// The figures of a currency; nil where the account has nothing in it.
    func row(_ place: Int) -> CurrencyFigures? { rows.first { $0.place == place } }

    /// Portfolio margin's unit of an underlying; nil where it has no derivatives.
    func unit(_ underlying: Int) -> RiskUnitFigures? { units.first { $0.underlying == underlying } }

    // MARK: - As an object

    override func path(of figure: AccountFigure, isPrinted: Bool) -> String {
        path(figure.rawValue, isField: figure.isField, showing: (try? self[figure].description) ?? "")
    }

    /// Where a figure is explained with all its digits: its field where that shows them.
    func path(_ path: String, isField: Bool, showing text: String) -> String {
        !isField || served[path] == text && !isOverridden(path) ? path : path + Self.workedOut
    }

    static let workedOut = ".workedOut"

    /// Whether a value that was set by hand is shown.
    func isOverridden(_ path: String) -> Bool {
        account.overridden.contains { flag in
            flag.asset.map { "details.\($0).\(flag.flag)" } ?? flag.flag == path
        }
    }

    override func name(of figure: AccountFigure, in words: String, of asker: FigureObject) -> String {
        figure == .availEq && asker is CurrencyFigures ? "account's availEq" : words
    }

    override func facts(of figure: AccountFigure) -> FigureFacts? {
        // Recordings fill what futures mode is said not to have.
        let facts = figure.facts(in: isReported && mode == .futures ? .multi : mode)
        return switch figure {
        // What is a choice, the loss of open orders, is what a difference of reported figures is put down to.
        case .adjEq where isReported: facts?.trusted(as: .exact)
        case .availEq where !isReported && hasRestricted: facts?.trusted(as: .choice)
        default: facts
        }
    }

    /// An account without any amount yet.
    init(
        _ account: Account, _ mode: AccountMode, borrows: Bool, _ market: ValuationPrices, _ rules: RuleTable
    ) {
        self.account = account
        self.market = market
        self.rules = rules
        self.borrows = borrows
        super.init(FigureBook(), mode, Self.layout)
        give(
            .borrowMmr,
            mode == .portfolio
                ? rules.margin.portfolioBorrowMaintenanceRate : rules.margin.borrowMaintenanceRate)
        give(.borrowFee, rules.margin.borrowLiquidationFee)
        give(.optionNotional, .zero as ExactDecimal)
    }

    private static let layout = FigureLayout<AccountFigure>(.multi)
}

// MARK: - Of the ledger

extension AccountFigures {
    /// Throws `FigureError.priceMissing` for a price or rule that nobody has given; figures throw
    /// `NumberError` where one does not fit.
    ///
    /// Where only what is shown of a balance counts, currencies that are held and nothing else share a table;
    /// where orders are not listed, those that are alike do.
    convenience init(
        of account: Account, market: ValuationPrices, rules: RuleTable, isBalance: Bool = false,
        listsOrders: Bool = false
    ) throws {
        let mode = account.mode
        self.init(account, mode, borrows: account.borrowsAgainst(in: mode), market, rules)
        try collect(isBalance: isBalance && account.overridden.isEmpty, listsOrders: listsOrders)
    }

    private func collect(isBalance: Bool, listsOrders: Bool) throws {
        rows.reserveCapacity(account.holdings.count + 4)
        if isBalance { held.reserveCapacity(account.holdings.count) }
        for place in account.holdings.indices { try add(holding: place, isBalance: isBalance) }
        for position in account.positions { try add(PositionValuation(position, in: self)) }
        if listsOrders {
            for order in account.orders { try add(OrderFigures(order, in: self), placedAt: order.placedAt) }
        } else {
            for orders in try [AlikeOrders](account.orders) {
                try add(OrderFigures(orders, in: self), placedAt: orders.first.placedAt)
            }
        }
        for off in account.collateralOff(in: mode) {
            guard let asset = off.text.flatMap(rules.assetPlace) else { continue }
            row(asset)?.isCollateral = false
            if let place = held.firstIndex(where: { $0.place == asset }) { held[place].isCollateral = false }
        }
        if !account.overridden.isEmpty {
            for row in rows where row.overridden(.colRes) == "2" { row.isRestricted = true }
        }
        for unit in units {
            unit.row = try row(unit.underlying) ?? unshared(unit.underlying)
            unit.row?.unit = unit
            unit.spotCap = account.overriddenDecimal(
                "clSpotInUseAmt", asset: rules.assets[unit.underlying].name)
            unit.row?.cap(at: unit.spotCap)
        }
        try workOutHeld()
    }

    private func add(holding number: Int, isBalance: Bool) throws {
        let holdings = account.holdings
        guard let place = rules.assetPlace(holdings[number].asset) else {
            throw FigureError.priceMissing(holdings[number].asset)
        }
        let index = try market.requiredIndex(holdings[number].asset)
        if isBalance, !holdings[number].cash.isNegative, holdings.isPlain(at: number) {
            held.append(HeldCurrency(place: place, holding: number, index: index))
            return
        }
        let row = CurrencyFigures(
            place, holdings[number].asset, rules.assets[place], holding: number,
            updatedAt: holdings[number].updatedAt, in: self)
        try row.take(index: index, from: holdings)
        rows.append(row)
    }

    /// A table of its own for a currency that turns out to be more than held.
    private func unshared(_ asset: Int) throws -> CurrencyFigures? {
        guard let place = held.firstIndex(where: { $0.place == asset }) else { return nil }
        try add(holding: held.remove(at: place).holding, isBalance: false)
        return rows.last
    }

    /// The row of a currency, which is made if there is none.
    private func row(_ asset: Int, at time: LedgerTime) throws -> CurrencyFigures {
        if let row = try row(asset) ?? unshared(asset) { return row }
        let entry = rules.assets[asset]
        let row = CurrencyFigures(asset, entry.name, entry, holding: nil, updatedAt: time, in: self)
        try row.take(index: market.requiredIndex(entry.name), from: account.holdings)
        rows.append(row)
        return row
    }

    private func add(_ valuation: PositionValuation) throws {
        let position = valuation.position
        positions.append(valuation)
        let row = try row(valuation.settle, at: position.updatedAt)
        if row.updatedAt < position.updatedAt { row.updatedAt = position.updatedAt }
        valuation.give(.index, try row[.index])
        guard valuation.mode.isCross else {
            row.isolated.append(valuation)
            if let liability = position.liability, let owed = rules.assetPlace(liability.asset) {
                let owing = try self.row(owed, at: position.updatedAt)
                owing.owing.append(valuation)
                owing.isPlain = false
                try owing.takeRare()
            }
            return
        }
        row.cross.append(valuation)
        if mode == .portfolio, let instrument = rules.instrumentPlace(position.instrument.name) {
            try unit(of: rules.links[instrument].base).add(valuation)
        }
    }

    /// The risk unit of an underlying, which is made if there is none.
    private func unit(of underlying: Int) throws -> RiskUnitFigures {
        if let unit = unit(underlying) { return unit }
        let index = try market.requiredIndex(rules.assets[underlying].name)
        let unit = RiskUnitFigures(underlying, index: index, in: self)
        units.append(unit)
        return unit
    }

    private func add(_ order: OrderFigures, placedAt time: LedgerTime) throws {
        orders.append(order)
        let row = try row(order.currency, at: time)
        order.give(.index, try row[.index])
        if order.mode.isExchange { row.spotOrders.append(order) } else { row.marginOrders.append(order) }
    }

    /// What takes the place of a mark that nobody has given; one for each instrument.
    func standIn(for instrument: Instrument) throws -> StandInMark {
        if let mark = marks.first(where: { $0.mode.hasSameTerms(as: instrument) }) { return mark }
        let mark = try StandInMark(instrument, in: self)
        marks.append(mark)
        return mark
    }

    /// Works with another mark of an instrument than the market's: for liquidation prices.
    func move(_ instrument: Instrument, to mark: ExactDecimal) {
        for position in positions where position.position.instrument.hasSameTerms(as: instrument) {
            position.move(to: mark)
        }
        book.forget()
    }

    /// What an index price is called, and where it comes from.
    func indexWords(_ asset: String, as words: String = "index price") -> String {
        let origin = market.prices.index[asset].map { "given at \($0.at.iso8601)" } ?? "the rulebook's"
        return "\(words) (\(origin))"
    }

    /// Where a mark price comes from.
    func markWords(_ instrument: String) -> String {
        "given at \(market.prices.marks[instrument]?.at.iso8601 ?? "")"
    }
}

extension [CurrencyFigures] {
    /// Σ of one figure over the currencies of which it is not 0.
    func sumOfSome(_ figure: CurrencyFigure) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for row in self where try row.has(figure) { try sum += row[figure] }
        return sum
    }

    /// Σ of one figure in USD: × index price of each currency.
    func products(_ figure: CurrencyFigure) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for row in self where try row.has(figure) { try sum += row[figure] * row[.index] }
        return sum
    }
}

// MARK: - What is said about them

extension AccountFigure {
    static let unit = "USD"
    static let source = Source.recorded

    /// The fields of the account object, in their order.
    static let fields = allCases.filter(\.isField)

    /// Whether it is a field of the account object.
    var isField: Bool { index <= AccountFigure.upl.index }

    /// The modes in which it has a value; "" stands in the others.
    ///
    /// The table of applicable fields of Get balance, but `details` is there in all four modes, as a later
    /// version has it. The delta fields stand in its prose only, without a limit.
    var modes: ModeSet {
        switch self {
        case .isoEq: [.futures, .multi, .portfolio]
        case .adjEq, .ordFroz, .imr, .mmr, .borrowFroz, .mgnRatio, .notionalUsd, .notionalUsdForOption,
            .notionalUsdForBorrow:
            [.spot, .multi, .portfolio]
        case .availEq, .notionalUsdForSwap, .notionalUsdForFutures, .upl: [.multi, .portfolio]
        default: .all
        }
    }

    func facts(in mode: AccountMode) -> FigureFacts? {
        let facts =
            equity ?? state ?? input ?? (mode == .futures ? nil : notional(in: mode) ?? margin(in: mode))
        return facts.map { $0.isShown && !modes.contains(ModeSet(mode)) ? $0.besideTheAnswer : $0 }
    }

    private var equity: FigureFacts? {
        switch self {
        case .totalEq: field("Σ eq × index price, undiscounted", signed: true, common: .equity)
        case .isoEq: field("Σ isoEq × index price", signed: true)
        default: nil
        }
    }

    private func notional(in mode: AccountMode) -> FigureFacts? {
        func positions(_ type: InstrumentType) -> FigureFacts {
            field(
                "Σ |notionalUsd| of \(type.rawValue) positions, isolated ones too; long and short not netted",
                .choice, from: Source.given, isAlwaysThere: false)
        }
        return switch self {
        case .upl:
            field("Σ cross upl × index price", signed: true, from: Source.given, common: .unrealizedProfit)
        case .adjEq:
            field(
                "Σ disEq − estimated order fees; a choice: the loss of open orders is taken as 0",
                signed: true, .choice, from: Source.multi, common: .collateral)
        case .discountedEquity: hidden("Σ disEq", signed: true, from: Source.discount)
        case .restrictedEquity:
            hidden(
                "Σ disEq of currencies whose colRes is raised to 2, where it is above 0", .choice,
                from: Source.collateralLimit)
        case .orderFees: hidden("Σ estimated fee of open orders, in USD", .choice)
        case .notionalUsdForSwap: positions(.swap)
        case .notionalUsdForFutures: positions(.futures)
        case .notionalUsdForBorrow: field("Σ potential borrowing in USD", .choice, isAlwaysThere: false)
        case .notionalUsdForOption: chosen("0 unless raised: options are not kept here")
        case .notionalUsd:
            field(
                "notionalUsdForBorrow\(mode == .spot ? "" : " + notionalUsdForSwap + notionalUsdForFutures")"
                    + "; no options are kept here", common: .notional)
        default: nil
        }
    }

    private func margin(in mode: AccountMode) -> FigureFacts? {
        let isSpot = mode == .spot
        let isUnits = mode == .portfolio
        let certainty: Explanation.Status = isUnits ? .estimate : .exact
        let source = isUnits ? Source.portfolio : Source.recorded
        return switch self {
        case .borrowFroz: field("Σ borrowFroz")
        case .ordFroz: field("Σ margin of cross orders that add exposure, at their limit prices", .choice)
        case .positionImr:
            hidden("Σ imr of \(isUnits ? "risk units" : "cross positions")", certainty, from: source)
        case .positionMmr:
            hidden("Σ mmr of \(isUnits ? "risk units" : "cross positions")", certainty, from: source)
        case .positionLiquidationFees:
            hidden(
                isUnits
                    ? "0: portfolio mode has fees of borrowing only" : "Σ liquidation fee of cross positions")
        case .imr:
            field(
                "\(isSpot ? "" : "imr of cross positions + ordFroz + ")borrowFroz", certainty, from: source,
                common: .initialMargin)
        case .mmr:
            field(
                "\(isSpot ? "" : "mmr of cross positions + ")notionalUsdForBorrow × mmr of borrowing",
                certainty, from: source, common: .maintenanceMargin)
        case .liquidationFees:
            hidden(
                "\(isSpot ? "" : "fees of positions + ")notionalUsdForBorrow × (1 + mmr of borrowing) × "
                    + "its fee rate", from: source)
        case .availEq:
            field(
                "adjEq − imr", note: "not floored", signed: true, certainty, from: source, common: .available,
                clauses: [
                    FigureClause(
                        AccountFigure.restrictedEquity, adds: " − disEq of currencies with colRes 2", .choice,
                        topic: "currencies with colRes 2")
                ])
        case .mgnRatio:
            field(
                "adjEq ÷ (mmr + liquidation fees); \"\" where that is 0. The documentation's prose leaves "
                    + "the fees out, recordings have them", unit: "ratio", signed: true, certainty,
                from: source,
                common: .marginRatio)
        default: nil
        }
    }

    /// What is no number, and what does not exist here.
    private var state: FigureFacts? {
        switch self {
        case .uTime: .other("the ledger's time of the answer", from: Source.given)
        case .delta, .deltaLever, .deltaNeutralStatus:
            chosen("\"\" unless raised: the delta-neutral strategy is not kept here")
        case .details: .other("the currencies' rows, by falling eqUsd", from: Source.given)
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .borrowMmr: .input("borrowing mmr", "ratio", .rule)
        case .borrowFee: .input("borrowing liquidation fee", "ratio", .rule)
        case .optionNotional: .input("notional of options, which are not kept here", "USD", .ledger)
        default: nil
        }
    }
}
