import JSON
import Ledger
import Numbers
import Venue

/// One asset row of an account.
public struct BinanceAssetRow: Sendable {
    /// The asset's name; every amount of the row is in it, with 8 places.
    public let asset: String
    /// Free cash and isolated wallets; signed.
    public let walletBalance: ExactDecimal
    /// Unrealized profit of all positions in the asset; signed.
    public let unrealizedProfit: ExactDecimal
    /// walletBalance + unrealizedProfit; signed.
    public let marginBalance: ExactDecimal
    /// Maintenance margin of all positions in the asset; not negative.
    public let maintMargin: ExactDecimal
    /// positionInitialMargin + openOrderInitialMargin; not negative.
    public let initialMargin: ExactDecimal
    /// Initial margin of positions at the mark price; not negative.
    public let positionInitialMargin: ExactDecimal
    /// Initial margin that open orders add; not negative.
    public let openOrderInitialMargin: ExactDecimal
    /// The wallet without isolated positions' wallets; signed.
    public let crossWalletBalance: ExactDecimal
    /// Unrealized profit of cross positions; signed.
    public let crossUnPnl: ExactDecimal
    /// What new positions can use; not negative. One pool for all rows in multi-assets mode.
    public internal(set) var availableBalance: ExactDecimal
    /// What can be taken out; not negative.
    public internal(set) var maxWithdrawAmount: ExactDecimal
    /// Whether it counts as margin in multi-assets mode.
    public let marginAvailable: Bool
    /// Milliseconds; 0 where it never changed.
    public let updateTime: Int64
    /// What is free before it is floored at 0, in the asset's own pool.
    let unflooredAvailable: ExactDecimal
    /// Maintenance margin of cross positions alone.
    let crossMaintMargin: ExactDecimal

    init(_ sums: AssetSums, rules: AssetRules, marginAvailable: Bool) throws(NumberError) {
        asset = rules.name
        self.marginAvailable = marginAvailable
        updateTime = sums.updateTime
        crossWalletBalance = sums.cash
        walletBalance = try BinanceFigures.walletBalance(
            crossWalletBalance: sums.cash, isolatedWallets: sums.isolatedWallets)
        unrealizedProfit = sums.unrealizedProfit
        crossUnPnl = sums.crossUnPnl
        marginBalance = try BinanceFigures.marginBalance(
            walletBalance: walletBalance, unrealizedProfit: unrealizedProfit)
        maintMargin = sums.maintMargin
        crossMaintMargin = sums.crossMaintMargin
        positionInitialMargin = sums.positionInitialMargin
        openOrderInitialMargin = sums.openOrderInitialMargin
        initialMargin = try BinanceFigures.initialMargin(
            positionInitialMargin: positionInitialMargin, openOrderInitialMargin: openOrderInitialMargin)
        unflooredAvailable = try BinanceFigures.unflooredAvailable(
            crossWalletBalance: crossWalletBalance, crossUnPnl: crossUnPnl,
            crossInitialMargin: sums.crossInitialMargin, isolatedOpenOrderMargin: sums.isolatedOpenOrderMargin
        )
        availableBalance = BinanceFigures.availableBalance(unfloored: unflooredAvailable)
        maxWithdrawAmount = try BinanceFigures.maxWithdrawAmount(
            crossWalletBalance: crossWalletBalance, isolatedOpenOrderMargin: sums.isolatedOpenOrderMargin,
            crossMaintMargin: sums.crossMaintMargin, unflooredAvailable: unflooredAvailable)
    }
}

/// The eleven figures above the rows; of USDT in single-asset mode, of all margin assets in USD in
/// multi-assets mode.
///
/// In multi-assets mode each is Σ over the margin assets' rows of the same figure: requirements at the ask
/// rate, balances and profits at the bid rate, at the ask rate where negative; each addend cut to 8 places.
/// Sheet 4.3 and 4.6.
public struct BinanceTotals: Sendable {
    /// `totalInitialMargin`: what positions and open orders need to be opened; not negative.
    public internal(set) var initialMargin = ExactDecimal.zero
    /// `totalMaintMargin`; not negative.
    public internal(set) var maintMargin = ExactDecimal.zero
    /// `totalWalletBalance`: signed.
    public internal(set) var walletBalance = ExactDecimal.zero
    /// `totalUnrealizedProfit`: signed.
    public internal(set) var unrealizedProfit = ExactDecimal.zero
    /// `totalMarginBalance`, the account's equity: signed. Each row's marginBalance is converted as one.
    public internal(set) var marginBalance = ExactDecimal.zero
    /// `totalPositionInitialMargin`; not negative.
    public internal(set) var positionInitialMargin = ExactDecimal.zero
    /// `totalOpenOrderInitialMargin`; not negative.
    public internal(set) var openOrderInitialMargin = ExactDecimal.zero
    /// `totalCrossWalletBalance`: signed.
    public internal(set) var crossWalletBalance = ExactDecimal.zero
    /// `totalCrossUnPnl`: signed.
    public internal(set) var crossUnPnl = ExactDecimal.zero
    /// `availableBalance`: max(0, marginBalance − initialMargin) in multi-assets mode.
    /// `BinanceFigures.availableBalance`.
    public internal(set) var availableBalance = ExactDecimal.zero
    /// `maxWithdrawAmount`: max(0, min(crossWalletBalance − maintMargin, availableBalance)) in multi-assets
    /// mode. `BinanceFigures.maxWithdrawAmount`; a choice.
    public internal(set) var maxWithdrawAmount = ExactDecimal.zero
    /// What is free before it is floored at 0.
    var unflooredAvailable = ExactDecimal.zero

    init() {}

    /// Single-asset mode: each total is the USDT row's field ("only for USDT asset"). Sheet 4.3. Exact.
    init(of row: BinanceAssetRow) {
        initialMargin = row.initialMargin
        maintMargin = row.maintMargin
        walletBalance = row.walletBalance
        unrealizedProfit = row.unrealizedProfit
        marginBalance = row.marginBalance
        positionInitialMargin = row.positionInitialMargin
        openOrderInitialMargin = row.openOrderInitialMargin
        crossWalletBalance = row.crossWalletBalance
        crossUnPnl = row.crossUnPnl
        availableBalance = row.availableBalance
        maxWithdrawAmount = row.maxWithdrawAmount
        unflooredAvailable = row.unflooredAvailable
    }

    /// Multi-assets mode: adds one margin asset's row, each figure converted and cut by itself. Sheet 4.6,
    /// `decisions.md` Binance 1.
    mutating func add(_ row: BinanceAssetRow, _ rates: AssetRates) throws(NumberError) {
        if row.hasNothing { return }
        try initialMargin += rates.requirement(row.initialMargin)
        try maintMargin += rates.requirement(row.maintMargin)
        try positionInitialMargin += rates.requirement(row.positionInitialMargin)
        try openOrderInitialMargin += rates.requirement(row.openOrderInitialMargin)
        try walletBalance += rates.value(row.walletBalance)
        try unrealizedProfit += rates.value(row.unrealizedProfit)
        try marginBalance += rates.value(row.marginBalance)
        try crossWalletBalance += rates.value(row.crossWalletBalance)
        try crossUnPnl += rates.value(row.crossUnPnl)
    }

    /// Multi-assets mode, when every row is in: what is free in USD.
    mutating func finish() throws(NumberError) {
        unflooredAvailable = try BinanceFigures.unflooredAvailable(
            totalMarginBalance: marginBalance, totalInitialMargin: initialMargin)
        availableBalance = BinanceFigures.availableBalance(unfloored: unflooredAvailable)
        maxWithdrawAmount = try BinanceFigures.maxWithdrawAmount(
            totalCrossWalletBalance: crossWalletBalance, totalMaintMargin: maintMargin,
            availableBalance: availableBalance)
    }
}

/// What an asset converts at in multi-assets mode.
struct AssetRates: Sendable {
    let bid: ExactDecimal
    let ask: ExactDecimal

    init(bid: ExactDecimal, ask: ExactDecimal) {
        self.bid = bid
        self.ask = ask
    }

    init(_ rules: AssetRules, index: ExactDecimal) throws(NumberError) {
        bid = try BinanceFigures.bidRate(index: index, bidBuffer: rules.bidBuffer)
        ask = try BinanceFigures.askRate(index: index, askBuffer: rules.askBuffer)
    }

    /// `autoExchangeBidRate` and `autoExchangeAskRate`: what the venue's own exchanges are made at.
    init(autoExchanging rules: AssetRules, index: ExactDecimal) throws(NumberError) {
        bid = try BinanceFigures.bidRate(index: index, bidBuffer: rules.autoExchangeBidBuffer)
        ask = try BinanceFigures.askRate(index: index, askBuffer: rules.autoExchangeAskBuffer)
    }

    func value(_ amount: ExactDecimal) throws(NumberError) -> ExactDecimal {
        amount.isZero ? .zero : try BinanceFigures.usdValue(of: amount, bidRate: bid, askRate: ask)
    }

    func requirement(_ margin: ExactDecimal) throws(NumberError) -> ExactDecimal {
        margin.isZero ? .zero : try BinanceFigures.usdRequirement(of: margin, askRate: ask)
    }
}

/// What the position rows of one asset come to.
struct AssetSums {
    var cash = ExactDecimal.zero
    var isolatedWallets = ExactDecimal.zero
    var unrealizedProfit = ExactDecimal.zero
    var crossUnPnl = ExactDecimal.zero
    var maintMargin = ExactDecimal.zero
    var crossMaintMargin = ExactDecimal.zero
    var positionInitialMargin = ExactDecimal.zero
    var openOrderInitialMargin = ExactDecimal.zero
    /// Of cross positions and their orders.
    var crossInitialMargin = ExactDecimal.zero
    var isolatedOpenOrderMargin = ExactDecimal.zero
    var updateTime: Int64 = 0
    /// Whether there is a position or an open order in it.
    var hasRows = false

    mutating func add(_ row: BinancePositionRow) throws(NumberError) {
        hasRows = true
        try unrealizedProfit += row.unrealizedProfit
        try maintMargin += row.maintMargin
        try positionInitialMargin += row.positionInitialMargin
        try openOrderInitialMargin += row.openOrderInitialMargin
        updateTime = max(updateTime, row.updateTime)
        switch row.marginMode {
        case .cross:
            try crossUnPnl += row.unrealizedProfit
            try crossMaintMargin += row.maintMargin
            try crossInitialMargin += row.initialMargin
        case .isolated:
            try isolatedWallets += row.isolatedWallet
            try isolatedOpenOrderMargin += row.openOrderInitialMargin
        }
    }
}

/// Every figure of an account: totals, asset rows in the rulebook's order, position rows by symbol and side.
public struct BinanceAccountFigures: Sendable {
    /// Whether the account is in multi-assets mode (the setting `multi_assets`); the totals are in USD then.
    public let isMultiAssets: Bool
    /// The figures above the rows.
    public let totals: BinanceTotals
    /// The rows of `assets`, in the rulebook's order.
    public let assets: [BinanceAssetRow]
    /// The rows of `positions`, by symbol, then `BOTH`, `LONG`, `SHORT`.
    public let positions: [BinancePositionRow]
    /// Rates of each asset row; empty in single-asset mode.
    let rates: [AssetRates]

    init(of account: Account, market: ValuationPrices, rules: RuleTable) throws(FigureError) {
        do {
            self = try Self.made(of: account, market: market, rules: rules)
        } catch let error as FigureError {
            throw error
        } catch let error as NumberError {
            throw .number(error)
        } catch {
            throw .number(.overflow)
        }
    }

    private init(
        isMultiAssets: Bool, totals: BinanceTotals, assets: [BinanceAssetRow],
        positions: [BinancePositionRow],
        rates: [AssetRates]
    ) {
        self.isMultiAssets = isMultiAssets
        self.totals = totals
        self.assets = assets
        self.positions = positions
        self.rates = rates
    }

    private static func made(
        of account: Account, market: ValuationPrices, rules: RuleTable
    ) throws -> BinanceAccountFigures {
        let positions = try rows(of: account, market: market, rules: rules)
        let sums = try sums(of: account, positions, rules)
        let isMultiAssets = account.isMultiAssets
        var assets: [BinanceAssetRow] = []
        var listed: [AssetRules] = []
        for (place, asset) in rules.assets.enumerated() {
            let isMargin = account.marginAvailable(asset)
            let isHeld = sums[place].hasRows || !sums[place].cash.isZero
            guard isHeld || (isMultiAssets ? isMargin : asset.isListedInSingleAssetMode) else { continue }
            assets.append(try BinanceAssetRow(sums[place], rules: asset, marginAvailable: isMargin))
            listed.append(asset)
        }
        guard isMultiAssets else {
            // Without a USDT row nothing of it is held, and every total is zero.
            let usdt = assets.first { $0.asset == "USDT" }
            return BinanceAccountFigures(
                isMultiAssets: false, totals: usdt.map { BinanceTotals(of: $0) } ?? BinanceTotals(),
                assets: assets, positions: positions, rates: [])
        }
        var totals = BinanceTotals()
        var rates: [AssetRates] = []
        for (row, asset) in zip(assets, listed) {
            let rate = try AssetRates(asset, index: market.requiredIndex(asset.name))
            rates.append(rate)
            if row.marginAvailable { try totals.add(row, rate) }
        }
        try totals.finish()
        for place in assets.indices where assets[place].marginAvailable {
            try assets[place].share(totals.availableBalance, askRate: rates[place].ask)
        }
        return BinanceAccountFigures(
            isMultiAssets: true, totals: totals, assets: assets, positions: positions, rates: rates)
    }

    private static func rows(
        of account: Account, market: ValuationPrices, rules: RuleTable
    ) throws -> [BinancePositionRow] {
        if account.positions.isEmpty && account.orders.isEmpty { return [] }
        return try PositionRowInputs.inputs(of: account, rules: rules).map { row in
            try BinancePositionRow(
                row, account: account, mark: market.requiredMark(row.rules.instrument), rules: rules)
        }
    }

    /// Sums per asset, in the rulebook's order. An asset that the rulebook in force does not know has no row.
    private static func sums(
        of account: Account, _ positions: [BinancePositionRow], _ rules: RuleTable
    ) throws -> [AssetSums] {
        var sums = [AssetSums](repeating: AssetSums(), count: rules.assets.count)
        for holding in account.holdings {
            guard let place = rules.place(ofAsset: holding.asset) else { continue }
            sums[place].cash = holding.cash
            sums[place].updateTime = holding.updatedAt.milliseconds
        }
        for row in positions {
            guard let place = rules.place(ofAsset: row.marginAsset) else { continue }
            try sums[place].add(row)
        }
        return sums
    }

    /// The row of an asset; nil if it is not listed.
    public func asset(_ name: String) -> BinanceAssetRow? { assets.first { $0.asset == name } }
}

extension BinanceAssetRow {
    /// Whether every convertible figure is zero.
    fileprivate var hasNothing: Bool {
        walletBalance.isZero && unrealizedProfit.isZero && initialMargin.isZero && maintMargin.isZero
            && crossWalletBalance.isZero && crossUnPnl.isZero
    }

    /// Takes over the account's pool, as multi-assets mode shows it in every margin asset's row.
    fileprivate mutating func share(_ available: ExactDecimal, askRate: ExactDecimal) throws(NumberError) {
        availableBalance = try BinanceFigures.availableBalance(accountAvailable: available, askRate: askRate)
        maxWithdrawAmount = BinanceFigures.maxWithdrawAmount(
            walletBalance: walletBalance, availableBalance: availableBalance)
    }
}

extension Account {
    /// Whether an asset counts as margin: as raised, else as the rulebook says.
    func marginAvailable(_ rules: AssetRules) -> Bool {
        if rules.isCredit, !isInCreditsMode { return false }
        return raised("marginAvailable", asset: rules.name)?.boolean ?? rules.isMarginAvailable
    }

    /// Whether contracts are settled in credits and all margin assets back them (EU accounts).
    var isInCreditsMode: Bool { settings.flag(Setting.creditsMode) }

    /// Whether all margin assets are one pool: the setting, and always in credits mode.
    var isMultiAssets: Bool { settings.flag(Setting.multiAssets) || isInCreditsMode }
}

/// The settings that an account has.
enum Setting {
    static let multiAssets = "multi_assets"
    static let hedge = "hedge"
    static let creditsMode = "credits_mode"
    /// In the contract's order.
    static let all = [multiAssets, hedge, creditsMode]
}
