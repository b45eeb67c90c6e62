import Ledger
import Numbers
import Venue

/// The figures of an isolated position's margin account: an account object of its own, in
/// `isolated_positions`, then what they rest on.
enum IsolatedFigure: String, FigureKey {
    case isolation = "isolation_id"
    case leverage
    case isolationType = "isolation_type"
    case notional
    case riskExposure = "total_risk_exposure"
    case usedLimit = "used_position_limit"
    case positionCost = "total_position_cost"
    case sessionUnrealized = "total_session_unrealized_pnl"
    case positionMargin = "total_position_im"
    case initialMargin = "total_initial_margin"
    case maintenanceMargin = "total_maintenance_margin"
    case feeReserve = "fee_reserve"
    case marginBalance = "total_margin_balance"
    case available = "total_available_balance"
    case cashBalance = "total_cash_balance"
    case collateralValue = "total_collateral_value"
    case effectiveLeverage = "total_effective_leverage"
    case positionLimit = "position_limit"
    case isLiquidating = "is_liquidating"
    case haircut = "total_haircut"
    case sessionRealized = "total_session_realized_pnl"
    case borrowed = "total_borrow"
    case isTerminatable = "terminatable"
    case hasRisk = "has_risk"
    case unit = "instrument_name"
    case rows = "position_balances"
    case balances, positions
    case creditLimits = "credit_limits"
    // What is given.
    case quantity, cost, wallet, productLeverage, marginRate, maintenanceShare, ownLeverage, accountLeverage
    case reserveRate, liquidationFee, takerFee
}

/// What decides which words hold of a margin account.
struct IsolatedMode {
    let profile: WireProfile
    var reserve = FeeReserveRule()
}

/// Which rates the fees of closing positions are kept back by.
struct FeeReserveRule {
    /// Whether a liquidation fee and the account's taker fee are, as recorded in November 2023.
    var isRecorded = false
    /// Whether the account has a taker fee of its own.
    var hasOwnFee = false
}

/// An isolated position with the figures of its own margin account, all in USD.
final class IsolatedFigures: CryptoComTable<IsolatedFigure> {
    let row: IsolatedRowFigures
    private let instrument: String
    /// Nil where an answer does not tell the position.
    private let mark: MarkFigures?
    private let leverageRule: IsolatedLeverage
    /// Whether its own cash is below zero.
    let isInDebt: Bool
    /// The margin account as an answer has it.
    private(set) var answer: ReportedObject?

    override func value(of figure: IsolatedFigure) throws -> ExactFraction {
        switch figure {
        case .leverage:
            try leverageRule.value(
                own: self[.ownLeverage], account: self[.accountLeverage], product: self[.productLeverage])
        case .notional: try (self[.quantity] * markPrice()).magnitude
        case .usedLimit: try self[.notional]
        case .riskExposure: try same(as: .usedLimit)
        case .positionCost: try self[.cost].magnitude
        case .sessionUnrealized: try self[.quantity] * markPrice() - self[.cost]
        case .positionMargin:
            try Figures.positionMargin(
                of: self[.notional], quantity: self[.quantity].magnitude, leverage: self[.productLeverage],
                rate: self[.marginRate])
        case .initialMargin: try max(self[.positionMargin], self[.notional] / self[.leverage])
        case .maintenanceMargin: try self[.positionMargin] * self[.maintenanceShare]
        case .feeReserve where mode.reserve.isRecorded:
            try self[.notional] * (self[.liquidationFee] + self[.takerFee])
        case .feeReserve: try self[.notional] * self[.reserveRate]
        case .marginBalance: try self[.wallet] + self[.sessionUnrealized] - self[.feeReserve]
        case .available: try self[.marginBalance] - self[.initialMargin]
        case .cashBalance, .collateralValue: try self[.wallet]
        case .effectiveLeverage: try Figures.leverage(of: self[.notional], by: self[.marginBalance])
        case .positionLimit: try max(.zero, self[.leverage] * self[.marginBalance])
        case .isLiquidating: try self[.marginBalance] < self[.maintenanceMargin] ? .one : .zero
        case .haircut, .sessionRealized, .isTerminatable: .zero
        case .borrowed: try max(.zero, -self[.wallet])
        case .hasRisk: .one
        case .isolation, .isolationType, .unit, .rows, .balances, .positions, .creditLimits, .quantity, .cost,
            .wallet, .productLeverage, .marginRate, .maintenanceShare, .ownLeverage, .accountLeverage,
            .reserveRate, .liquidationFee, .takerFee:
            throw gap(figure)
        }
    }

    private func markPrice() throws -> ExactFraction {
        guard let mark else { throw FigureGap.missing(AccountFigures.noPositions) }
        return try mark[.price]
    }

    override var path: String { "isolated_positions.\(name)." }
    override var name: String { instrument }
    override func name(of figure: IsolatedFigure, isOwn: Bool) -> String { figure.rawValue }

    /// A margin account without any amount yet.
    init(
        _ instrument: String, _ mark: MarkFigures?, _ leverage: IsolatedLeverage, _ mode: IsolatedMode,
        isInDebt: Bool, answer: ReportedObject? = nil, in book: FigureBook
    ) {
        self.instrument = instrument
        self.mark = mark
        leverageRule = leverage
        self.isInDebt = isInDebt
        self.answer = answer
        row = IsolatedRowFigures(in: book)
        super.init(book, mode, AccountForm.ofAccount(mode.profile).isolated)
        row.account = self
    }

    /// An isolated position of the ledger.
    convenience init(
        _ position: Position, _ mark: MarkFigures, _ leverage: IsolatedLeverage, of account: Account,
        _ rules: CryptoComRules, _ profile: WireProfile
    ) throws {
        let mode = IsolatedMode(profile: profile, reserve: FeeReserveRule(account, rules, profile))
        self.init(
            position.instrument.name, mark, leverage, mode, isInDebt: position.isolatedWallet.isNegative,
            in: mark.book)
        row.give(.wallet, position.isolatedWallet)
        give(.quantity, position.quantity)
        give(.cost, position.cost)
        give(.wallet, position.isolatedWallet)
        give(.productLeverage, rules.maximumLeverage(of: position.instrument))
        give(.marginRate, try rules.marginRatePerUnit(of: position.instrument))
        give(.maintenanceShare, rules.maintenanceShare)
        if let own = leverage.own { give(.ownLeverage, own) }
        give(.accountLeverage, leverage.account)
        give(.reserveRate, rules.isolatedFeeReserveRate)
        give(.liquidationFee, rules.liquidationFeeRate ?? .zero)
        give(.takerFee, account.takerFee(of: .derivative, rules))
        try takeOverride(of: .hasRisk, in: account)
    }
}

extension FeeReserveRule {
    init(_ account: Account, _ rules: CryptoComRules, _ profile: WireProfile) {
        isRecorded = profile == .live && rules.liquidationFeeRate != nil
        hasOwnFee = account.feeRate(.derivative, .taker) != nil
    }
}

/// Where the leverage of an isolated position comes from: set for the instrument, else the lower of the
/// account's and the product's maximum, at least 1.
struct IsolatedLeverage {
    static let words =
        "as set for the instrument, else the lower of max_leverage and the product's maximum, at least 1"

    let own: ExactDecimal?
    let account: ExactDecimal
    /// Whether the rulebook knows the instrument.
    let isListed: Bool

    /// Of an answer, which tells the leverage itself.
    static let told = IsolatedLeverage(own: nil, account: .one, isListed: false)

    private init(own: ExactDecimal?, account: ExactDecimal, isListed: Bool) {
        self.own = own
        self.account = account
        self.isListed = isListed
    }

    init(of instrument: String, in account: Account, _ rules: CryptoComRules) {
        own = account.leverage(instrument, side: .net, marginMode: .isolated)
        self.account = account.maximumLeverage
        isListed = rules.instrument(instrument) != nil
    }

    /// The leverage by one of the three that is asked for.
    func value(
        own: @autoclosure () throws -> ExactFraction, account: @autoclosure () throws -> ExactFraction,
        product: @autoclosure () throws -> ExactFraction
    ) rethrows -> ExactFraction {
        if self.own != nil { return try own() }
        return isListed ? max(.one, min(try account(), try product())) : try account()
    }
}

extension IsolatedFigure {
    static let choices = Source.ours

    func facts(in mode: IsolatedMode) -> FigureFacts? {
        size ?? margins ?? balances(in: mode) ?? constant ?? input(in: mode)
    }

    private static let usd = CryptoComRules.usd

    // One published sample is all there is: a choice in every field.

    private static func amount(
        _ formula: String, signed isSigned: Bool = false, common: CommonFigure? = nil
    ) -> FigureFacts {
        .amount(formula, signed: isSigned, certainty: .choice, from: Source.isolated, common: common)
    }

    private static func requirement(_ formula: String, common: CommonFigure? = nil) -> FigureFacts {
        .requirement(formula, .choice, from: Source.isolated, common: common)
    }

    private static func flag(_ formula: String) -> FigureFacts {
        .flag(formula, .choice, from: Source.isolated)
    }

    private var size: FigureFacts? {
        switch self {
        case .leverage:
            .shown(IsolatedLeverage.words, "ratio", .plain, .choice, from: Source.isolated, common: .leverage)
        case .notional: .beside("|quantity × mark price|", Self.usd, from: Source.isolated)
        case .riskExposure, .usedLimit: Self.requirement("|quantity| × mark price")
        case .positionCost: Self.amount("|cost since the last settlement|")
        case .sessionUnrealized:
            Self.amount(
                "quantity × mark price − cost since the last settlement", signed: true,
                common: .unrealizedProfit)
        default: nil
        }
    }

    private var margins: FigureFacts? {
        switch self {
        case .positionMargin:
            Self.requirement(
                "notional × min(1, max(1 ÷ product leverage, unit margin rate × multiplier × |quantity|))")
        case .initialMargin:
            Self.requirement("max(total_position_im, notional ÷ leverage)", common: .initialMargin)
        case .maintenanceMargin:
            Self.requirement("total_position_im × maintenance share", common: .maintenanceMargin)
        default: nil
        }
    }

    private func balances(in mode: IsolatedMode) -> FigureFacts? {
        switch self {
        case .feeReserve: mode.reserve.facts
        case .marginBalance:
            Self.amount(
                "isolated wallet + session unrealized profit − fee reserve", signed: true,
                common: .marginBalance)
        case .available:
            Self.amount(
                "total_margin_balance − total_initial_margin, not floored", signed: true, common: .available)
        case .cashBalance: Self.amount("the position's own cash", signed: true, common: .wallet)
        case .collateralValue: Self.amount("the position's own cash", signed: true)
        case .effectiveLeverage:
            .shown(
                "notional ÷ total_margin_balance, 0 where that is not above 0", "ratio",
                mode.profile == .live ? .halfUp(6) : .cut(8), evidence: .unit(mode.profile == .live ? 6 : 8),
                .choice, from: Source.isolated)
        case .positionLimit: Self.amount("leverage × total_margin_balance, at least 0")
        case .isLiquidating:
            Self.flag("total_margin_balance < total_maintenance_margin, both unrounded")
        case .borrowed:
            Self.amount("what its own cash is below 0, as a positive amount", common: .debt)
        default: nil
        }
    }

    private var constant: FigureFacts? {
        switch self {
        case .haircut:
            .shown(
                "0: its cash is USD, which has no haircut", Self.usd, .plain, .choice, from: Source.isolated)
        case .sessionRealized:
            .shown(
                "0: its profit goes to the account's cash", Self.usd, .plain, .choice, from: Source.isolated)
        case .isTerminatable: Self.flag("false: an open position cannot be ended so")
        case .hasRisk: Self.flag("true: a position is open")
        case .isolation:
            .other("digits that are always the same for an isolated position", .choice, from: Source.ours)
        case .isolationType: .other("`ISOLATED_MARGIN`", from: Source.isolated)
        case .unit: .other("`USD`", from: Source.isolated)
        case .rows: .other("the one row of its own cash", from: Source.isolated)
        case .balances: .other("the same on the socket", from: Source.isolated, isAlwaysThere: false)
        case .positions: .other("the position, on the socket", from: Source.isolated, isAlwaysThere: false)
        case .creditLimits: .other("empty", from: Source.recordings, isAlwaysThere: false)
        default: nil
        }
    }

    private func input(in mode: IsolatedMode) -> FigureFacts? {
        switch self {
        case .quantity: .input("quantity", FigureFacts.coin, .ledger)
        case .cost: .input("cost", Self.usd, .ledger)
        case .wallet: .input("isolated wallet", Self.usd, .ledger)
        case .productLeverage: .input("maximum product leverage", "ratio", .rule)
        case .marginRate: .input("unit_margin_rate × multiplier", "ratio", .rule)
        case .maintenanceShare: .input("maintenance share", "ratio", .rule)
        case .ownLeverage: .input("leverage set", "ratio", .setting)
        case .accountLeverage: .input("max_leverage", "ratio", .setting)
        case .reserveRate: .input("fee reserve rate", "ratio", .rule)
        case .liquidationFee: .input("liquidation fee rate", "ratio", .rule)
        case .takerFee:
            .input("taker fee rate of the account", "ratio", mode.reserve.hasOwnFee ? .setting : .rule)
        default: nil
        }
    }
}

extension FeeReserveRule {
    /// What is kept back for the fees of closing the positions of a pool.
    var facts: FigureFacts {
        .beside(
            isRecorded
                ? "Σ |notional| × (liquidation fee rate + taker fee rate)"
                : "Σ |notional| × fee reserve rate",
            CryptoComRules.usd, .plain, isRecorded ? .exact : .choice,
            from: isRecorded ? Source.recordings : Source.isolated)
    }
}

extension Figures {
    /// A size over the balance that carries it; 0 where there is none.
    static func leverage(
        of size: ExactFraction, by balance: ExactFraction
    ) throws(NumberError) -> ExactFraction {
        balance.isPositive ? try size / balance : .zero
    }
}

/// The one row of an isolated position: its own cash.
enum IsolatedRowFigure: String, FigureKey {
    case instrument = "instrument_name"
    case quantity
    case reservedQuantity = "reserved_qty"
    case marketValue = "market_value"
    case collateralAmount = "collateral_amount"
    case haircut
    case isCollateral = "collateral_eligible"
    case interestRate = "hourly_interest_rate"
    case withdrawable = "max_withdrawal_balance"
    // What is given.
    case wallet

    static let choices = Source.ours

    func facts(in mode: Void) -> FigureFacts? {
        let usd = CryptoComRules.usd
        return switch self {
        case .instrument: .other("`USD`", from: Source.isolated)
        case .quantity:
            .shown("the position's own cash", usd, signed: true, .plain, .choice, from: Source.isolated)
        case .reservedQuantity:
            .shown("0: nothing of it can be reserved", usd, .plain, .choice, from: Source.isolated)
        case .marketValue: .amount("quantity, at 1", signed: true, certainty: .choice, from: Source.isolated)
        case .collateralAmount:
            .amount("quantity, without a haircut", signed: true, certainty: .choice, from: Source.isolated)
        case .haircut: .shown("0 for USD", "ratio", .plain, .choice, from: Source.isolated)
        case .isCollateral: .flag("true for USD", .choice, from: Source.isolated)
        case .interestRate: .shown("0: no debt", "ratio", .plain, .choice, from: Source.isolated)
        case .withdrawable:
            .amount("min(cash, available balance), at least 0", certainty: .choice, from: Source.isolated)
        case .wallet: .input("isolated wallet", usd, .ledger)
        }
    }
}

/// The row of an isolated position's margin account.
final class IsolatedRowFigures: CryptoComTable<IsolatedRowFigure> {
    unowned var account: IsolatedFigures!

    override func value(of figure: IsolatedRowFigure) throws -> ExactFraction {
        switch figure {
        case .quantity, .marketValue, .collateralAmount: try self[.wallet]
        case .reservedQuantity, .haircut, .interestRate: .zero
        case .isCollateral: .one
        case .withdrawable: try max(.zero, min(self[.wallet], account[.available]))
        case .instrument, .wallet: throw gap(figure)
        }
    }

    override var path: String { "\(account.path)position_balances.\(CryptoComRules.usd)." }
    override var name: String { CryptoComRules.usd }

    init(in book: FigureBook) { super.init(book, (), AccountForm.ofAccount(.live).isolatedRow) }
}
