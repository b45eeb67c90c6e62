import Ledger
import Numbers
import Venue

/// The account object's own figures, then what they rest on. Totals are those of the cross margin pool.
enum AccountFigure: String, FigureKey {
    case account
    case available = "total_available_balance"
    case marginBalance = "total_margin_balance"
    case feeReserve = "fee_reserve"
    case cashBalance = "total_cash_balance"
    case initialMargin = "total_initial_margin"
    case positionMargin = "total_position_im"
    case haircut = "total_haircut"
    case maintenanceMargin = "total_maintenance_margin"
    case positionCost = "total_position_cost"
    case sessionUnrealized = "total_session_unrealized_pnl"
    case sessionRealized = "total_session_realized_pnl"
    case borrowed = "total_borrow"
    case isolatedCash = "total_isolated_cash_balance"
    case collateralValue = "total_collateral_value"
    case usedLimit = "used_position_limit"
    case riskExposure = "total_risk_exposure"
    case effectiveLeverage = "total_effective_leverage"
    case positionLimit = "position_limit"
    case isLiquidating = "is_liquidating"
    case hasRisk = "has_risk"
    case isTerminatable = "terminatable"
    case unit = "instrument_name"
    case rows = "position_balances"
    case balances, positions
    case creditLimits = "credit_limits"
    case isolatedPositions = "isolated_positions"
    // What orders are judged by.
    case orderExposure, exposure
    // What is given.
    case maintenanceShare, reserveRate, liquidationFee, takerFee, accountLeverage, limitSetting, openOrders
    case openPositions
    // What answers imply where they do not tell.
    case positionSize, unseenPositions
}

/// What decides which words hold of an account.
struct AccountMode {
    let profile: WireProfile
    var reserve = FeeReserveRule()
    /// Whether there is a margin balance to divide by: that leverage is 0 where there is none is ours.
    var hasBalance = true
    /// Whether it has an open position: nothing recorded tells whether it could be closed then.
    var hasPosition = false

    var isLive: Bool { profile == .live }
}

/// An account: its own figures, and the objects that they are made of, which are only held by it.
final class AccountFigures: CryptoComTable<AccountFigure> {
    let profile: WireProfile
    /// What it has, by asset.
    private(set) var rows: [RowFigures] = []
    /// Its isolated positions, each with a margin account of its own.
    private(set) var isolated: [IsolatedFigures] = []
    /// Its positions in the order of opening, and those that are margined together.
    private(set) var positions: [PositionFigures] = []
    private(set) var cross: [PositionFigures] = []
    /// Open orders that may add exposure.
    private(set) var orders: [OrderFigures] = []
    /// Underlyings with a cross position or order, and isolated instruments.
    private(set) var underlyings: [ExposureFigures] = []
    private(set) var isolatedInstruments: [ExposureFigures] = []
    private(set) var marks: [MarkFigures] = []
    private var activities: [ActivityFigures] = []
    /// What answers do not tell, a sentence each; of an account of the ledger nothing.
    var lacks = AccountLacks()
    /// Whether it is an answer's.
    private(set) var isReported = false

    override func value(of figure: AccountFigure) throws -> ExactFraction {
        switch figure {
        case .available: try self[.marginBalance] - self[.initialMargin]
        case .marginBalance: try rows.sum(.countedValue) + self[.sessionUnrealized] - self[.feeReserve]
        case .feeReserve where mode.reserve.isRecorded:
            try notional() * (self[.liquidationFee] + self[.takerFee])
        case .feeReserve: try notional() * self[.reserveRate]
        case .cashBalance: try rows.sum(.cashValue)
        case .initialMargin: try self[.positionMargin] + self[.haircut]
        case .positionMargin: try exposures().sum(.margin) + isolatedOrders.sum(.margin)
        case .haircut: try rows.sum(.haircutAmount)
        case .maintenanceMargin: try self[.initialMargin] * self[.maintenanceShare]
        case .positionCost: try crossPositions().sumOfSizes(.sessionCost)
        case .sessionUnrealized: try crossPositions().sum(.unrealized)
        case .sessionRealized: try tradedInstruments().sum(.sessionProfit)
        case .borrowed:
            try -(rows.filter(\.isDebt).sum(.cashValue) + isolated.filter(\.isInDebt).sum(.wallet))
        case .isolatedCash: try isolated.sum(.wallet)
        case .collateralValue where mode.isLive: try rows.map { try $0.printed(.collateralAmount) }.sum()
        case .collateralValue: try rows.sum(.collateralAmount)
        case .usedLimit where mode.isLive: try contractExposure() + spotHoldings.sumOfSizes(.marketValue)
        case .usedLimit: try contractExposure()
        case .riskExposure: try same(as: .usedLimit)
        case .effectiveLeverage where mode.isLive:
            try Figures.leverage(of: self[.usedLimit], by: self[.marginBalance])
        case .effectiveLeverage:
            try Figures.leverage(of: notional(), by: self[.marginBalance])
        case .positionLimit where mode.isLive: try max(.zero, self[.accountLeverage] * self[.marginBalance])
        case .positionLimit: try self[.limitSetting]
        case .isLiquidating: try self[.marginBalance] < self[.maintenanceMargin] ? .one : .zero
        case .hasRisk: try self[.openPositions].isZero ? .zero : .one
        case .isTerminatable: try couldBeClosed() ? .one : .zero

        case .orderExposure: try orderExposure()
        case .exposure: try contractExposure()

        case .positionSize where lacks.positions == nil: try cross.sumOfSizes(.notional)
        case .positionSize where mode.isLive: try self[.unseenPositions]
        case .positionSize: throw FigureGap.missing(Self.noPositions)
        case .account, .unit, .rows, .balances, .positions, .creditLimits, .isolatedPositions,
            .maintenanceShare, .reserveRate, .liquidationFee, .takerFee, .accountLeverage, .limitSetting,
            .openOrders, .openPositions, .unseenPositions:
            throw gap(figure)
        }
    }

    /// What positions and orders use of the position limit.
    private func contractExposure() throws -> ExactFraction {
        try notional() + orderExposure()
    }

    /// Σ |quantity| × mark of cross positions.
    func notional() throws -> ExactFraction {
        try isReported ? self[.positionSize] : cross.sumOfSizes(.notional)
    }

    /// What open orders add to it.
    private func orderExposure() throws -> ExactFraction {
        if isReported, isKnown(.orderExposure) { return try self[.orderExposure] }
        return try underlyings.filter(\.hasOrders).sum(.orderExposure)
            + isolatedOrders.sum(.orderExposure) + orders.filter(\.isSpotSale).sum(.value)
    }

    private func crossPositions() throws -> [PositionFigures] {
        if let lack = lacks.positions { throw FigureGap.missing(lack) }
        return cross
    }

    private func exposures() throws -> [ExposureFigures] {
        if let lack = lacks.exposures { throw FigureGap.missing(lack) }
        return underlyings
    }

    private func tradedInstruments() throws -> [ActivityFigures] {
        if let lack = lacks.activities { throw FigureGap.missing(lack) }
        return activities
    }

    /// Isolated instruments with an open order.
    var isolatedOrders: [ExposureFigures] { isolatedInstruments.filter(\.hasOrders) }

    /// Eligible holdings other than USD.
    private var spotHoldings: [RowFigures] {
        rows.filter { $0.mode.isCollateral && $0.asset != CryptoComRules.usd }
    }

    /// No open order, no position, nothing held that is no collateral.
    private func couldBeClosed() throws -> Bool {
        let open = try self[.openOrders] + self[.openPositions]
        var isBare = open.isZero
        for row in rows { isBare = try row.isOn(.isCollateral) && isBare }
        return isBare
    }

    /// Over REST the sum of rows has the decimals of the longest row amount where it is not 0.
    override func minimumPlaces(of figure: AccountFigure) -> Int {
        guard let sum = try? decimal(figure), !sum.isZero else { return 0 }
        return rows.compactMap { try? $0.decimal(.collateralAmount).fractionDigits }.max() ?? 0
    }

    override func facts(of figure: AccountFigure) -> FigureFacts? {
        var mode = mode
        if figure == .effectiveLeverage {
            mode.hasBalance = (try? self[.marginBalance].isPositive) ?? true
        }
        return figure.facts(in: mode)
    }

    // MARK: - Of the ledger

    /// The figures of an account of the ledger; each is worked out when it is asked for.
    ///
    /// Throws `FigureError.priceMissing` for a price that nobody has given.
    convenience init(
        of account: Account, market: ValuationPrices, rules: CryptoComRules, profile: WireProfile
    ) throws {
        var mode = AccountMode(profile: profile)
        mode.reserve = FeeReserveRule(account, rules, profile)
        mode.hasPosition = !account.positions.isEmpty
        self.init(mode)
        give(account, rules)
        for position in account.positions { try include(position, account, market, rules) }
        for order in account.orders where !order.reduceOnly { try include(order, account, market, rules) }
        try includeHoldings(of: account, market, rules)
        activities = account.activity.map { ActivityFigures($0, in: book) }
        if account.overridden.isEmpty { return }
        for figure in [AccountFigure.isLiquidating, .hasRisk, .isTerminatable, .positionLimit] {
            try takeOverride(of: figure, in: account)
        }
    }

    /// An account without any amount yet.
    init(_ mode: AccountMode, isReported: Bool = false) {
        profile = mode.profile
        self.isReported = isReported
        super.init(FigureBook(), mode, AccountForm.ofAccount(mode.profile).account)
    }

    /// Works out what commands are judged by, so that a figure that does not fit refuses them.
    func workOutMargins() throws {
        for row in rows { _ = try (row[.collateralAmount], row[.withdrawable]) }
        for position in isolated { _ = try position[.available] }
        _ = try (self[.available], self[.maintenanceMargin], self[.orderExposure], self[.cashBalance])
    }

    private func give(_ account: Account, _ rules: CryptoComRules) {
        give(.maintenanceShare, rules.maintenanceShare)
        give(.reserveRate, ExactDecimal.zero)
        give(.liquidationFee, rules.liquidationFeeRate ?? .zero)
        give(.takerFee, account.takerFee(of: .derivative, rules))
        give(.accountLeverage, account.maximumLeverage)
        give(.limitSetting, account.positionLimit)
        give(.openOrders, ExactDecimal(account.orders.count))
        give(.openPositions, ExactDecimal(account.positions.count))
    }

    private func mark(of instrument: Instrument, _ market: ValuationPrices) throws -> MarkFigures {
        if let known = marks.first(where: { $0.instrument.name == instrument.name }) { return known }
        return try MarkFigures(instrument, market, in: book)
    }

    private func include(
        _ position: Position, _ account: Account, _ market: ValuationPrices, _ rules: CryptoComRules
    ) throws {
        let mark = try mark(of: position.instrument, market)
        guard position.marginMode == .isolated else {
            try add(PositionFigures(position, mark), .underlying, nil, rules)
            return
        }
        let leverage = IsolatedLeverage(of: position.instrument.name, in: account, rules)
        let own = try IsolatedFigures(position, mark, leverage, of: account, rules, profile)
        isolated.append(own)
        try add(PositionFigures(position, mark, isolated: own), .isolated, leverage, rules)
    }

    private func include(
        _ order: OpenOrder, _ account: Account, _ market: ValuationPrices, _ rules: CryptoComRules
    ) throws {
        guard order.instrument.kind.isDerivative else {
            orders.append(try OrderFigures(order, nil, market, in: book))
            return
        }
        let isIsolated = order.marginMode == .isolated
        let figures = try OrderFigures(order, try mark(of: order.instrument, market), market, in: book)
        let leverage =
            isIsolated ? IsolatedLeverage(of: order.instrument.name, in: account, rules) : nil
        try add(figures, of: order.instrument, isIsolated ? .isolated : .underlying, leverage, rules)
    }

    // MARK: - Collecting

    /// Adds a position to what it is margined with.
    func add(
        _ position: PositionFigures, _ group: ExposureGroup, _ leverage: IsolatedLeverage?,
        _ rules: CryptoComRules
    ) throws(NumberError) {
        positions.append(position)
        if group == .underlying { cross.append(position) }
        take(position.mark)
        try exposure(of: position.position.instrument, group, leverage, rules).add(position, rules)
    }

    /// Adds an order of a contract to what it is margined with.
    func add(
        _ order: OrderFigures, of instrument: Instrument, _ group: ExposureGroup,
        _ leverage: IsolatedLeverage?, _ rules: CryptoComRules
    ) throws(NumberError) {
        orders.append(order)
        if let mark = order.mark { take(mark) }
        try exposure(of: instrument, group, leverage, rules).add(order, of: instrument, rules)
    }

    /// Adds a spot order, a row, or the margin account of an isolated position.
    func add(_ order: OrderFigures) { orders.append(order) }
    func add(_ row: RowFigures) { rows.append(row) }
    func add(_ account: IsolatedFigures) { isolated.append(account) }

    private func take(_ mark: MarkFigures) {
        if !marks.contains(where: { $0 === mark }) { marks.append(mark) }
    }

    /// What an instrument's positions and orders are margined in.
    private func exposure(
        of instrument: Instrument, _ group: ExposureGroup, _ leverage: IsolatedLeverage?,
        _ rules: CryptoComRules
    ) throws(NumberError) -> ExposureFigures {
        let isIsolated = group == .isolated
        let title = isIsolated ? instrument.name : instrument.base
        let known = (isIsolated ? isolatedInstruments : underlyings).first { $0.title == title }
        if let known { return known }
        let made = try ExposureFigures(group, instrument, leverage, rules, in: book)
        if isIsolated { isolatedInstruments.append(made) } else { underlyings.append(made) }
        return made
    }

    /// Rows of what is held, then of what is only tied up by orders; none of what is at exactly zero.
    private func includeHoldings(
        of account: Account, _ market: ValuationPrices, _ rules: CryptoComRules
    ) throws {
        let tied = TiedUp.of(orders)
        func include(_ asset: String, cash: ExactDecimal, reserved: ExactDecimal, _ tied: TiedUp?) throws {
            if cash.isZero && reserved.isZero && tied == nil { return }
            rows.append(
                try RowFigures(
                    asset, cash: cash, reserved: reserved, tied, of: account, market, rules, in: self))
        }
        rows.reserveCapacity(account.holdings.count)
        // By place, as a holding is large and only three of its fields are read.
        for place in account.holdings.indices {
            let asset = account.holdings[place].asset
            try include(
                asset, cash: account.holdings[place].cash,
                reserved: account.holdings[place].reserved.isEmpty
                    ? .zero : account.holdings[place].reserved(for: Purpose.reserved),
                tied.isEmpty ? nil : tied.first { $0.asset == asset })
        }
        for tied in tied where account.holding(tied.asset) == nil {
            try include(tied.asset, cash: .zero, reserved: .zero, tied)
        }
    }
}

/// Why an answer does not tell of a part of an account; a sentence each.
struct AccountLacks {
    /// Of its cross positions.
    var positions: String?
    /// Of what positions and orders are margined together.
    var exposures: String?
    /// Of what instruments have brought.
    var activities: String?
}

/// The open spot orders that tie up an asset.
struct TiedUp {
    let asset: String
    /// Those that are paid with it.
    private(set) var buys: [OrderFigures] = []
    /// Those that offer it.
    private(set) var sells: [OrderFigures] = []

    /// By asset, in the order in which orders name them.
    static func of(_ orders: [OrderFigures]) -> [TiedUp] {
        var found: [TiedUp] = []
        for order in orders {
            guard let asset = order.tiedAsset else { continue }
            let place = found.firstIndex { $0.asset == asset } ?? found.count
            if place == found.count { found.append(TiedUp(asset: asset)) }
            switch order.side {
            case .buy: found[place].buys.append(order)
            case .sell: found[place].sells.append(order)
            }
        }
        return found
    }
}

extension AccountFigure {
    static let choices = Source.ours

    func facts(in mode: AccountMode) -> FigureFacts? {
        balances(in: mode) ?? margins ?? sums ?? limits(in: mode) ?? switches(in: mode) ?? other(in: mode)
            ?? judged ?? input(in: mode)
    }

    private static let usd = CryptoComRules.usd

    private func balances(in mode: AccountMode) -> FigureFacts? {
        switch self {
        case .available:
            .amount(
                "total_margin_balance − total_initial_margin, not floored", signed: true, common: .available)
        case .marginBalance:
            .amount(
                "eligible holdings at market value + all negative balances + session unrealized profit − fee "
                    + "reserve", signed: true, common: .marginBalance)
        case .feeReserve: mode.reserve.facts
        case .cashBalance:
            .amount("Σ quantity × price over all rows, before order locks", signed: true, common: .wallet)
        case .collateralValue where mode.isLive:
            .shown(
                "Σ collateral_amount of the rows, as printed", Self.usd, signed: true, .stored(8),
                evidence: .unit(8),
                from: Source.recordings, common: .collateral)
        case .collateralValue:
            .amount("Σ collateral_amount of the rows, unrounded", signed: true, common: .collateral)
        default: nil
        }
    }

    private var margins: FigureFacts? {
        switch self {
        case .initialMargin: .requirement("total_position_im + total_haircut", common: .initialMargin)
        case .positionMargin:
            .requirement(
                "Σ position_im of the underlyings and of isolated orders that are open", .choice,
                from: Source.risk)
        case .haircut: .requirement("Σ haircut amounts")
        case .maintenanceMargin:
            .requirement("total_initial_margin × maintenance share", common: .maintenanceMargin)
        default: nil
        }
    }

    private var sums: FigureFacts? {
        switch self {
        case .positionCost: .amount("Σ |cost since the last settlement|", certainty: .choice)
        case .sessionUnrealized:
            .amount(
                "Σ quantity × mark − cost since the last settlement", signed: true, common: .unrealizedProfit)
        case .sessionRealized: .amount("Σ realized profit since the last settlement", signed: true)
        default: nil
        }
    }

    private func limits(in mode: AccountMode) -> FigureFacts? {
        let used =
            "Σ |quantity| × mark + order exposure"
            + (mode.isLive ? " + market value of eligible holdings other than USD" : "")
        let certainty: Explanation.Status = mode.hasBalance ? .exact : .choice
        return switch self {
        case .usedLimit: .requirement(used, .choice)
        case .riskExposure where mode.isLive:
            .requirement("as used_position_limit: " + used, .choice, from: Source.recordings)
        case .effectiveLeverage where mode.isLive:
            .shown(
                "used_position_limit ÷ total_margin_balance", "ratio", .halfUp(6), evidence: .unit(6),
                certainty,
                from: Source.recordings, common: .leverage)
        case .effectiveLeverage:
            .shown(
                "Σ |quantity| × mark ÷ total_margin_balance", "ratio", .cut(8), evidence: .unit(8), certainty,
                from: Source.document, common: .leverage)
        case .positionLimit where mode.isLive:
            .amount("max_leverage × total_margin_balance, at least 0", from: Source.recordings)
        case .positionLimit: .amount("the account's setting")
        default: nil
        }
    }

    private func switches(in mode: AccountMode) -> FigureFacts? {
        switch self {
        case .isLiquidating: .flag("total_margin_balance < total_maintenance_margin, both unrounded")
        case .hasRisk where mode.isLive: .flag("whether a position is open", from: Source.recordings)
        case .isTerminatable where mode.isLive:
            .flag(
                "no open order, no position, nothing held that is no collateral",
                mode.hasPosition ? .choice : .exact, from: Source.recordings)
        default: nil
        }
    }

    /// What the documented form does not have, and what is no number.
    private func other(in mode: AccountMode) -> FigureFacts? {
        switch self {
        case .borrowed where mode.isLive:
            .amount("Σ debts, as a positive amount", certainty: .choice, from: Source.ours, common: .debt)
        case .isolatedCash where mode.isLive:
            .amount("Σ total_cash_balance of the isolated positions", signed: true, from: Source.isolated)
        case .account: .other("the sub-account's own id", from: Source.document, isAlwaysThere: false)
        case .unit: .other("`USD`", from: Source.document)
        case .rows: .other("what is held, by asset", from: Source.document)
        case .balances: .other("the same on the socket", from: Source.document, isAlwaysThere: false)
        case .positions: .other("open positions, on the socket", from: Source.document, isAlwaysThere: false)
        case .creditLimits where mode.isLive: .other("empty", from: Source.recordings)
        case .isolatedPositions:
            .other(
                "a margin account for each isolated position"
                    + (mode.isLive ? "" : ", on the socket"), from: Source.isolated,
                isAlwaysThere: mode.isLive)
        default: nil
        }
    }

    private var judged: FigureFacts? {
        switch self {
        case .orderExposure:
            .judged(
                "Σ order_exposure + Σ value of spot sell orders", Self.usd, .plain, .choice, from: Source.ours
            )
        case .exposure:
            .judged("Σ |quantity| × mark + order exposure", Self.usd, .plain, .choice, from: Source.ours)
        default: nil
        }
    }

    private func input(in mode: AccountMode) -> FigureFacts? {
        switch self {
        case .maintenanceShare: .input("maintenance share", "ratio", .rule)
        case .reserveRate: .input("fee reserve rate", "ratio", .rule)
        case .liquidationFee: .input("liquidation fee rate", "ratio", .rule)
        case .takerFee:
            .input("taker fee rate of the account", "ratio", mode.reserve.hasOwnFee ? .setting : .rule)
        case .accountLeverage: .input("max_leverage", "ratio", .setting)
        case .limitSetting: .input("position_limit", Self.usd, .setting)
        case .positionSize: .input("Σ |notional|", Self.usd, .ledger)
        case .unseenPositions: .input("positions that are not shown", Self.usd, .ledger)
        case .openOrders: .input("open orders", "none", .ledger)
        case .openPositions: .input("open positions", "none", .ledger)
        default: nil
        }
    }
}

extension ValuationPrices {
    /// An asset's USD price; USD itself is 1 by definition. Throws `FigureError.priceMissing` where none is
    /// known.
    func price(of asset: String, _ rule: AssetRule? = nil) throws(FigureError) -> ExactDecimal {
        if asset == CryptoComRules.usd { return .one }
        if let given = prices.index(asset) { return given }
        if let rule { return rule.referenceIndex }
        return try requiredIndex(asset)
    }
}
