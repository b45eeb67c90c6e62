import JSON
import Ledger
import Numbers
import Venue

/// The figures of an account: the eleven above its rows, in their order, then what orders are judged by.
///
/// In single-asset mode each is the USDT row's. In multi-assets mode, in USD, Σ over the margin assets' rows
/// of the same figure: requirements at the ask rate, balances and profits at the bid rate, or at the ask rate
/// where they are negative; each addend cut to 8 places.
enum AccountFigure: String, FigureKey {
    typealias Number = ExactDecimal

    case totalInitialMargin, totalMaintMargin, totalWalletBalance, totalUnrealizedProfit, totalMarginBalance
    case totalPositionInitialMargin, totalOpenOrderInitialMargin, totalCrossWalletBalance, totalCrossUnPnl
    case availableBalance, maxWithdrawAmount
    // What orders are judged by.
    case unflooredAvailable
}

/// What decides which words hold of an account.
struct AccountMode {
    var isMultiAssets: Bool
    /// Whether there is a row of USDT.
    var hasUSDT = true
    /// Totals in which something is owed.
    var owing: Set<AccountFigure> = []
    /// Whether less than nothing is free.
    var isShort = false
}

/// An account of Binance: its own figures, the rows of its assets in the rulebook's order, and those of its
/// positions by symbol, then `BOTH`, `LONG`, `SHORT`.
final class AccountFigures: FigureTable<AccountFigure> {
    private(set) var assets: [AssetRow] = []
    private(set) var positions: [PositionRow] = []
    /// Rows of the position risk, where an answer has them beside the account's own.
    private(set) var risks: [PositionRow] = []
    /// Rows that count as margin and have anything in them.
    private(set) var margin: [AssetRow] = []
    /// Whether the figures are a venue's.
    var isReported = false
    private var usdt: AssetRow?

    override func value(of figure: AccountFigure) throws -> ExactDecimal {
        switch figure {
        case _ where !mode.isMultiAssets: try usdt?[figure.ofAsset] ?? .zero
        case .totalInitialMargin, .totalMaintMargin, .totalPositionInitialMargin,
            .totalOpenOrderInitialMargin:
            try requirements(figure.ofAsset)
        case .totalWalletBalance, .totalUnrealizedProfit, .totalMarginBalance, .totalCrossWalletBalance,
            .totalCrossUnPnl:
            try values(figure.ofAsset)
        case .availableBalance: try max(.zero, unfloored())
        case .maxWithdrawAmount:
            try max(
                .zero,
                min(self[.totalCrossWalletBalance] - self[.totalMaintMargin], self[.availableBalance]))
        case .unflooredAvailable: try unfloored()
        }
    }

    private func unfloored() throws -> ExactDecimal {
        try self[.totalMarginBalance] - self[.totalInitialMargin]
    }

    private func requirements(_ field: AssetFigure) throws -> ExactDecimal {
        var sum = ExactDecimal.zero
        for row in margin {
            let amount = try row[field]
            if !amount.isZero { try sum += row.requirement(amount) }
        }
        return sum
    }

    private func values(_ field: AssetFigure) throws -> ExactDecimal {
        var sum = ExactDecimal.zero
        for row in margin {
            let amount = try row[field]
            if !amount.isZero { try sum += row.value(amount) }
        }
        return sum
    }

    /// What backs a symbol's cross positions beside themselves, in the asset of their margin: wallet + profit
    /// − maintenance of all others. In multi-assets mode it is worked out in USD over all margin assets and
    /// divided by the asset's ask rate.
    func backing(of symbol: String, in marginAsset: String) throws -> ExactFraction {
        guard let asset = asset(marginAsset) else {
            if isReported { throw FigureGap.missing("\(marginAsset) is not among the account's assets.") }
            return .zero
        }
        let own = positions.filter { $0.symbol == symbol && $0.mode.marginMode == .cross && $0.mode.isOpen }
        let profit = try own.sum(.unrealizedProfit)
        guard asset.mode.isPooled else {
            let others = asset.cross.filter { $0.symbol != symbol }
            return ExactFraction(
                try asset[.crossWalletBalance] + asset[.crossUnPnl] - profit - others.sum(.maintMargin))
        }
        let maintenance = try own.sum(.maintMargin)
        var balance = ExactDecimal.zero
        for row in margin {
            let (bid, ask) = try (row[.bidRate], row[.askRate])
            let equity = try row[.marginBalance] - (row === asset ? profit : .zero)
            let required = try row[.maintMargin] - (row === asset ? maintenance : .zero)
            try balance += equity.times(equity.isNegative ? ask : bid, places: 8, rounding: .towardZero)
            try balance -= required.times(ask, places: 8, rounding: .towardZero)
        }
        // Nothing backs a position in an asset that is worth nothing.
        let ask = try asset[.askRate]
        return ask.isZero ? .zero : try ExactFraction(balance).over(ask)
    }

    /// The cross positions that share a liquidation price with a row: both sides of a hedge.
    func legs(of row: PositionRow) -> [PositionRow] {
        (row.isOfRisk ? risks : positions).filter {
            $0.symbol == row.symbol && $0.mode.marginMode == .cross && $0.mode.isOpen
        }
    }

    /// The row of an asset; nil if it is not listed.
    func asset(_ name: String) -> AssetRow? { assets.first { $0.asset == name } }

    /// A figure of an asset; nil if it is not listed.
    ///
    /// Rows do not hold their account: whoever asks one of them for what is the account's keeps that alive.
    func figure(_ figure: AssetFigure, of name: String) throws -> ExactDecimal? { try asset(name)?[figure] }

    /// What new orders can use of what backs an asset, before it is floored at 0, and in which unit.
    func free(for asset: AssetRow) throws -> (amount: ExactDecimal, unit: String) {
        asset.mode.isPooled
            ? (try self[.unflooredAvailable], "USD") : (try asset[.unflooredAvailable], asset.asset)
    }

    /// Takes the rows, each of which is whole.
    func take(_ assets: [AssetRow], _ positions: [PositionRow], risks: [PositionRow] = []) {
        self.assets = assets
        self.positions = positions
        self.risks = risks
        margin = assets.filter { $0.mode.isPooled && !$0.isEmpty }
        usdt = assets.first { $0.asset == "USDT" }
        mode.hasUSDT = usdt != nil
        for row in positions + risks { row.account = self }
    }
}

extension AccountFigure {
    static let choices = Source.ours

    /// The figure of the rows that it is made of.
    var ofAsset: AssetFigure {
        switch self {
        case .totalInitialMargin: .initialMargin
        case .totalMaintMargin: .maintMargin
        case .totalWalletBalance: .walletBalance
        case .totalUnrealizedProfit: .unrealizedProfit
        case .totalMarginBalance: .marginBalance
        case .totalPositionInitialMargin: .positionInitialMargin
        case .totalOpenOrderInitialMargin: .openOrderInitialMargin
        case .totalCrossWalletBalance: .crossWalletBalance
        case .totalCrossUnPnl: .crossUnPnl
        case .availableBalance: .availableBalance
        case .maxWithdrawAmount: .maxWithdrawAmount
        case .unflooredAvailable: .unflooredAvailable
        }
    }

    func facts(in mode: AccountMode) -> FigureFacts? {
        guard mode.isMultiAssets || self == .unflooredAvailable else {
            return .total(
                mode.hasUSDT ? "\(ofAsset) of USDT, the only asset counted" : "0: nothing of USDT is held",
                unit: "USDT", signed: isOfValues, leeway: 0, common: common)
        }
        return switch self {
        case .totalInitialMargin, .totalMaintMargin, .totalPositionInitialMargin,
            .totalOpenOrderInitialMargin:
            .total(
                "Σ \(ofAsset) × askRate over the margin assets, in USD", signed: false,
                rounding: "each addend cut to 8 places", common: common)
        case .totalWalletBalance, .totalUnrealizedProfit, .totalMarginBalance, .totalCrossWalletBalance,
            .totalCrossUnPnl:
            .total(
                "Σ \(ofAsset) × bidRate over the margin assets, × askRate where it is negative, in USD",
                rounding: "each addend cut to 8 places", status: mode.owing.contains(self) ? .choice : .exact,
                common: common)
        case .availableBalance:
            .total(
                "max(0, totalMarginBalance − totalInitialMargin), in USD", signed: false,
                status: mode.isShort ? .choice : .exact, common: common)
        case .maxWithdrawAmount:
            .total(
                "max(0, min(totalCrossWalletBalance − totalMaintMargin, availableBalance)), in USD",
                signed: false, status: .choice, from: Source.ours, common: common)
        case .unflooredAvailable:
            .judged("what is free, not floored at 0", "USD", .stored(8), from: Source.multiAssets)
        }
    }

    /// Whether balances or profits are added up, which may be below zero.
    var isOfValues: Bool {
        switch self {
        case .totalWalletBalance, .totalUnrealizedProfit, .totalMarginBalance, .totalCrossWalletBalance,
            .totalCrossUnPnl:
            true
        default: false
        }
    }

    private var common: CommonFigure? {
        switch self {
        case .totalMarginBalance: .equity
        case .totalWalletBalance: .wallet
        case .availableBalance: .available
        case .totalInitialMargin: .initialMargin
        case .totalMaintMargin: .maintenanceMargin
        case .totalUnrealizedProfit: .unrealizedProfit
        case .maxWithdrawAmount: .withdrawable
        default: nil
        }
    }
}

extension FigureFacts {
    /// A figure above the rows: an amount of 8 places.
    fileprivate static func total(
        _ formula: String, unit: String = "USD", signed isSigned: Bool = true, leeway: Int = 1,
        rounding: String? = nil, status: Explanation.Status = .exact, from source: String? = nil,
        common: CommonFigure?
    ) -> FigureFacts {
        FigureFacts(
            .shown(isAlwaysThere: true), formula, unit, signed: isSigned, form: .stored(8), leeway: leeway,
            style: .padded(8), rounding: rounding, status: status,
            from: source ?? (unit == "USD" ? Source.multiAssets : Source.given), common: common)
    }
}

// MARK: - Of the ledger

extension AccountFigures {
    /// The figures of an account of the ledger; each is worked out when it is asked for.
    ///
    /// Throws where a symbol or the price of a listed asset is not known.
    convenience init(of account: Account, _ market: ValuationPrices, _ rules: RuleTable) throws(FigureError) {
        self.init(AccountMode(isMultiAssets: account.isMultiAssets))
        let ledger = LedgerAccount(account)
        let rows = try PositionRowInputs.all(of: account, rules).map {
            PositionRow($0, of: ledger, market, rules, in: book)
        }
        var holdings = [Int?](repeating: nil, count: rules.assets.count)
        for (index, holding) in account.holdings.enumerated() {
            // An asset that the rulebook in force does not know has no row.
            if let place = rules.place(ofAsset: holding.asset) { holdings[place] = index }
        }
        let places = rows.map { rules.place(ofAsset: $0.mode.marginAsset) }
        var assets: [AssetRow] = []
        assets.reserveCapacity(rules.assets.count)
        for (place, asset) in rules.assets.enumerated() {
            let isMargin = account.marginAvailable(asset)
            let holding = holdings[place].map { account.holdings[$0] }
            let own = places.contains(place) ? zip(rows, places).filter { $1 == place }.map(\.0) : []
            let isListed = mode.isMultiAssets ? isMargin : asset.isListedInSingleAssetMode
            guard isListed || !own.isEmpty || holding?.cash.isZero == false else { continue }
            let row = AssetRowMode(
                isMultiAssets: mode.isMultiAssets, isMargin: isMargin,
                isMarginSet: account.marginAvailableSetting(of: asset.name) != nil)
            assets.append(AssetRow(asset, row, holding, own, market, in: self))
        }
        take(assets, rows)
    }

    /// An account without any amount or row yet.
    convenience init(_ mode: AccountMode) { self.init(FigureBook(), mode, Layouts.account) }
}

extension Account {
    /// Whether an asset counts as margin: as it was set, else as the rulebook says.
    func marginAvailable(_ rules: AssetRules) -> Bool {
        if rules.isCredit, !isInCreditsMode { return false }
        return marginAvailableSetting(of: rules.name) ?? rules.isMarginAvailable
    }

    /// What was set by hand for an asset; nil if nothing was.
    func marginAvailableSetting(of asset: String) -> Bool? {
        overridden.isEmpty
            ? nil : overridden(OverridableField.marginAvailable.rawValue, asset: asset)?.boolean
    }

    /// Whether contracts are settled in credits and all margin assets back them (EU accounts).
    var isInCreditsMode: Bool { settings.flag(Setting.creditsMode) }

    /// Whether fees are paid in BNB as far as there is any: as was raised, else as was set, else no.
    var burnsFees: Bool { overriddenFlag(.feeBurn, fallback: settings.flag(Setting.feeBurn)) }

    /// Whether all margin assets are one pool: the setting, and always in credits mode.
    var isMultiAssets: Bool { settings.flag(Setting.multiAssets) || isInCreditsMode }
}

/// The settings that an account has.
enum Setting {
    static let multiAssets = "multi_assets"
    static let hedge = "hedge"
    static let creditsMode = "credits_mode"
    static let feeBurn = "fee_burn"
}
