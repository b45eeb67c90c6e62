import JSON
import Ledger
import Numbers
import Venue

/// The figures of a row of `position_balances`, then what they rest on.
enum RowFigure: String, FigureKey {
    case instrument = "instrument_name"
    case quantity
    case reservedQuantity = "reserved_qty"
    case withdrawable = "max_withdrawal_balance"
    case held, locked
    case marketValue = "market_value"
    case cashValue = "cash_value"
    case isCollateral = "collateral_eligible"
    case countedValue = "counted_value"
    case haircutAmount = "haircut_amount"
    case collateralAmount = "collateral_amount"
    case haircut
    case interestRate = "hourly_interest_rate"
    // What is given.
    case cash, reserved, price, isListed, cap, minimumHaircut, haircutGrowth, debtRate
    // What an answer may hide.
    case unseenLock, unseenFunds
}

/// What decides which words hold of a row.
struct RowMode {
    let profile: WireProfile
    /// Whether it counts as collateral.
    var isCollateral = true
    /// Whether the rulebook has a haircut for it, and one that grows with size.
    var hasHaircut = true
    var haircutGrows = false
    /// Whether collateral of it counts up to a cap only.
    var hasCap = false
    /// Whether `reserved_qty` shows what open buy orders lock.
    var showsLocked = false
    var price = PriceOrigin.reference
    /// Whether it is a debt, or more than its cap: nothing recorded is.
    var isUncommon = false

    var isLive: Bool { profile == .live }

    /// Whether a row's value leaves out all that is not free, and not only what buy orders lock: of
    /// collateral in the live form, as recorded in November 2023, while a token that is none was recorded
    /// with its whole value.
    var leavesOutReserved: Bool { isLive && isCollateral }
}

/// What an account has of an asset.
final class RowFigures: CryptoComTable<RowFigure> {
    let asset: String
    /// Open spot orders that are paid with the asset, and those that offer it.
    private let buys: [OrderFigures]
    private let sells: [OrderFigures]
    /// Whether it is owed.
    let isDebt: Bool
    /// Whether orders, or something else that the value leaves out, hold a part of it.
    private let isHeld: Bool
    /// Whether it is an answer's, and one that tells of open orders.
    private let isReported: Bool
    private let knowsOrders: Bool
    /// Whether an answer shows that what counts of it is owed.
    private let isOwed: Bool

    override func value(of figure: RowFigure) throws -> ExactFraction {
        switch figure {
        case .quantity: try self[.cash]
        case .reservedQuantity: try taken() + (mode.showsLocked ? lockedByOrders() : .zero)
        case .withdrawable: try max(.zero, self[.cash] - taken() - lockedByOrders())
        case .held: try (mode.leavesOutReserved ? taken() : .zero) + lockedByOrders()
        case .locked where !knowsOrders: try self[.unseenLock]
        case .locked: try buys.map { try $0[.remaining] * $0[.limitPrice] }.sum()
        case .marketValue: try free() * self[.price]
        case .cashValue: try self[.cash] * self[.price]
        case .isCollateral: try self[.isListed]
        case .countedValue: try counted(self[.marketValue], isCollateral: isOn(.isCollateral))
        case .haircutAmount: try max(.zero, self[.countedValue]) * self[.haircut]
        case .collateralAmount: try self[.countedValue] - max(.zero, self[.countedValue]) * self[.haircut]
        case .haircut where mode.isCollateral && mode.hasHaircut: try haircutRate(of: free())
        case .haircut: try .zero * self[.isCollateral]
        case .interestRate: try isDebt ? self[.debtRate] : .zero
        case .reserved where isReported && knowsOrders: try self[.unseenFunds]
        case .reserved where isReported: throw FigureGap.missing("There is no answer to open-orders.")
        case .price where isReported: throw FigureGap.missing("No answer holds the price.")
        case .instrument, .cash, .reserved, .price, .isListed, .cap, .minimumHaircut, .haircutGrowth,
            .debtRate, .unseenLock, .unseenFunds:
            throw gap(figure)
        }
    }

    /// What cannot be touched: in use elsewhere, and what open sell orders offer.
    private func taken() throws -> ExactFraction { try self[.reserved] + sells.sum(.remaining) }

    private func lockedByOrders() throws -> ExactFraction {
        try buys.isEmpty && knowsOrders ? .zero : self[.locked]
    }

    /// What the value is of.
    private func free() throws -> ExactFraction { try isHeld ? self[.cash] - self[.held] : self[.cash] }

    /// The documents' "Positive cash balance on eligible collateral tokens + Negative balance on all tokens".
    private func counted(_ value: ExactFraction, isCollateral: Bool) throws -> ExactFraction {
        if !mode.hasCap { return isCollateral || value.isNegative ? value : .zero }
        let cap = try self[.cap]
        return value.isNegative ? value : isCollateral ? min(cap, value) : .zero
    }

    private func haircutRate(of quantity: ExactFraction) throws -> ExactFraction {
        let least = try self[.minimumHaircut]
        let growth = try mode.haircutGrows ? self[.haircutGrowth] : .zero
        return isOwed ? .zero : try Figures.haircutRate(of: quantity, least: least, growth: growth)
    }

    override func facts(of figure: RowFigure) -> FigureFacts? {
        guard figure == .countedValue || figure == .collateralAmount else { return figure.facts(in: mode) }
        var mode = mode
        mode.isUncommon = isUncommon
        return figure.facts(in: mode)
    }

    private var isUncommon: Bool {
        guard !isReported, let value = try? self[.marketValue], let counted = try? self[.countedValue]
        else {
            return false
        }
        return value.isNegative || mode.isCollateral && counted < value
    }

    // MARK: - As an object

    override var path: String { "position_balances.\(asset)." }
    override var name: String { asset }

    override func name(of figure: RowFigure, isOwn: Bool) -> String {
        super.name(of: figure, isOwn: isOwn && figure != .isCollateral)
    }

    override func name(of input: RowFigure, _ words: String) -> String {
        input == .price ? mode.price.name(of: asset) : words
    }

    // MARK: - Of the ledger

    /// An asset without any amount yet.
    init(
        _ asset: String, _ mode: RowMode, _ tied: TiedUp?, isDebt: Bool, isHeld: Bool,
        isReported: Bool = false, knowsOrders: Bool = true, isOwed: Bool = false, in account: AccountFigures
    ) {
        self.asset = asset
        buys = tied?.buys ?? []
        sells = tied?.sells ?? []
        self.isDebt = isDebt
        self.isHeld = isHeld
        self.isReported = isReported
        self.knowsOrders = knowsOrders
        self.isOwed = isOwed
        super.init(account.book, mode, AccountForm.ofAccount(account.profile).row)
    }

    /// What an account has of an asset. Throws `FigureError.priceMissing` for a price that nobody has given.
    convenience init(
        _ asset: String, cash: ExactDecimal, reserved: ExactDecimal, _ tied: TiedUp?,
        of account: Account, _ market: ValuationPrices, _ rules: CryptoComRules, in figures: AccountFigures
    ) throws {
        let rule = rules.asset(asset)
        let isListed = rule?.isCollateral ?? false
        var mode = RowMode(profile: figures.profile)
        mode.isCollateral =
            account.overridden(RowFigure.isCollateral.rawValue, asset: asset)?.boolean ?? isListed
        mode.hasHaircut = rule != nil
        mode.haircutGrows = rule?.haircutRatePerUnit != nil
        mode.hasCap = rule?.collateralCap != nil
        mode.showsLocked = mode.isLive && rule?.showsLockedAsReserved ?? true
        mode.price = PriceOrigin(of: asset, market)
        let isTaken = !reserved.isZero || tied?.sells.isEmpty == false
        self.init(
            asset, mode, tied, isDebt: cash.isNegative,
            isHeld: tied?.buys.isEmpty == false || mode.leavesOutReserved && isTaken, in: figures)
        give(.cash, cash)
        give(.reserved, reserved)
        give(.price, try market.price(of: asset, rule))
        give(.isListed, isListed)
        if let rule {
            if let cap = rule.collateralCap { give(.cap, cap) }
            give(.minimumHaircut, rule.minimumHaircut)
            if let growth = rule.haircutRatePerUnit { give(.haircutGrowth, growth) }
        }
        give(.debtRate, rule?.hourlyInterestRate ?? .zero)
        if account.overridden.isEmpty { return }
        for figure in [RowFigure.isCollateral, .haircut, .interestRate] {
            try takeOverride(of: figure, in: account, asset: asset)
        }
    }
}

extension RowFigure {
    static let choices = Source.ours

    func facts(in mode: RowMode) -> FigureFacts? {
        funds(in: mode) ?? value(in: mode) ?? collateral(in: mode) ?? input(in: mode)
    }

    private static let usd = CryptoComRules.usd

    private func funds(in mode: RowMode) -> FigureFacts? {
        switch self {
        case .instrument: .other("the asset", from: Source.document)
        case .quantity:
            .shown(
                "what the account's events have come to", FigureFacts.coin, signed: true,
                from: Source.document,
                common: .equity)
        case .reservedQuantity:
            .shown(
                "funds reserved + open quantity of spot sell orders"
                    + (mode.showsLocked ? " + what open buy orders lock" : ""), FigureFacts.coin,
                .up(ExactDecimal.places), evidence: .exact,
                from: mode.isLive ? Source.recordings : Source.document,
                isAlwaysThere: false)
        case .withdrawable:
            .amount(
                "quantity − funds reserved − open quantity of spot sell orders − locked by open buy orders, "
                    + "at least 0", FigureFacts.coin, from: Source.recordings, common: .withdrawable)
        case .held:
            .beside(
                mode.leavesOutReserved
                    ? "funds reserved + open quantity of spot sell orders + locked by open buy orders"
                    : "locked by open buy orders", FigureFacts.coin, from: Source.recordings)
        case .locked:
            .beside(
                "Σ open quantity × limit price of spot buy orders", FigureFacts.coin, from: Source.recordings)
        default: nil
        }
    }

    private func value(in mode: RowMode) -> FigureFacts? {
        switch self {
        case .marketValue:
            .amount(
                "(quantity − what open orders hold) × index price", signed: true, from: Source.recordings,
                common: .equityUSD)
        case .cashValue:
            .beside("quantity × index price", Self.usd, signed: true, from: Source.document)
        case .interestRate where mode.isLive:
            .shown(
                "the rulebook's rate for a debt, else 0", "ratio", .plain, .choice, from: Source.ours,
                isAlwaysThere: false)
        default: nil
        }
    }

    private func collateral(in mode: RowMode) -> FigureFacts? {
        let certainty: Explanation.Status = mode.isUncommon ? .choice : .exact
        return switch self {
        case .isCollateral: .flag("whether the rulebook lists it as collateral", from: Source.risk)
        case .countedValue:
            .beside(
                "market_value up to the cap where it is collateral, else 0; a debt in full", Self.usd,
                signed: true, .plain, certainty, from: Source.document)
        case .haircutAmount:
            .beside("counted_value × haircut; 0 for a debt", Self.usd, from: Source.document)
        case .collateralAmount:
            .amount(
                "counted_value × (1 − haircut); a debt in full", signed: true, certainty: certainty,
                common: .collateral)
        case .haircut where !mode.isCollateral || !mode.hasHaircut:
            .shown("0 for what is no collateral", "ratio", from: Source.risk)
        case .haircut where mode.haircutGrows:
            .shown(
                "the larger of minimum_haircut and rate per unit × quantity, at most 1; 0 for a debt",
                "ratio",
                .plain, .choice, from: Source.risk)
        case .haircut: .shown("minimum_haircut; 0 for a debt", "ratio", from: Source.risk)
        default: nil
        }
    }

    private func input(in mode: RowMode) -> FigureFacts? {
        switch self {
        case .cash: .input("quantity", FigureFacts.coin, .ledger)
        case .reserved: .input("funds reserved", FigureFacts.coin, .ledger)
        case .price: mode.price.facts
        case .isListed: .input("is collateral", "none", .rule, .flag)
        case .cap: .input("collateral_cap_notional", Self.usd, .rule)
        case .minimumHaircut: .input("minimum_haircut", "ratio", .rule)
        case .haircutGrowth: .input("haircut rate per unit", "ratio", .rule)
        case .debtRate: .input("hourly interest rate", "ratio", .rule)
        case .unseenLock: .input("held by open buy orders that are not shown", FigureFacts.coin, .ledger)
        case .unseenFunds: .input("funds in use elsewhere", FigureFacts.coin, .ledger)
        default: nil
        }
    }
}
