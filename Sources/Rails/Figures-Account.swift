import JSON
import Ledger
import Numbers
import Venue

/// One market of an account, as `marketBalancesMap` has it. All money in USD, quantities in coin.
public struct RailsMarketBalance: Sendable, Equatable {
    /// The market's name, such as `BTC-USD`.
    public let market: String
    /// Notional at cost; a magnitude in the documented profile, signed in the live one.
    public let position: ExactDecimal
    /// Size in coin; signed like `position`.
    public let positionQuantity: ExactDecimal
    /// The index price at which equity meets maintenance; 0 when there is none.
    public let liquidationPrice: ExactDecimal
    /// Notional of open buy orders.
    public let openBuy: ExactDecimal
    /// Open quantity of buy orders (`openBuyQty`).
    public let openBuyQuantity: ExactDecimal
    /// Notional of open sell orders.
    public let openSell: ExactDecimal
    /// Open quantity of sell orders (`openSellQty`).
    public let openSellQuantity: ExactDecimal
    /// Realised profit before fees, cut to 8 places.
    public let pnl: ExactDecimal
    /// The same, unrounded.
    public let positionPnl: ExactDecimal
    /// Funding received less paid, unrounded; also printed as `positionFunding`.
    public let funding: ExactDecimal
    /// Traded notional.
    public let volume: ExactDecimal
    /// Trading fees paid, liquidation fees among them; cut to 8 places.
    public let fees: ExactDecimal
    /// Fees of liquidating fills alone.
    public let liquidationFees: ExactDecimal
    /// Positions and orders ÷ leverage (live: positions alone, at the index price).
    public let margin: ExactDecimal
    /// Share of the position that equity must cover.
    public let maintenanceMargin: ExactDecimal
}

/// Every figure of an account: the balances endpoint's fields, and what judging and positions need besides.
public struct RailsBalances: Sendable, Equatable {
    /// Money without unrealised profit, cut to 8 places.
    public let totalBalance: ExactDecimal
    /// What is left beside margin, not floored; 8 places.
    public let availableBalance: ExactDecimal
    /// All that came in.
    public let deposit: ExactDecimal
    /// All that went out, without fees.
    public let withdraw: ExactDecimal
    /// Fees of withdrawals.
    public let withdrawFees: ExactDecimal
    /// Trading fees paid, cut to 8 places.
    public let fees: ExactDecimal
    /// Realised profit before fees, cut to 8 places.
    public let pnl: ExactDecimal
    /// Funding received less paid, cut to 8 places.
    public let funding: ExactDecimal
    /// Traded notional.
    public let volume: ExactDecimal
    /// Positions and orders ÷ leverage (live: the markets' position margins).
    public let margin: ExactDecimal
    /// Share of all positions that equity must cover, cut to 8 places.
    public let maintenanceMargin: ExactDecimal
    /// The account's leverage setting.
    public let leverage: ExactDecimal
    /// Promotional credit; outside every total.
    public let promoCredit: ExactDecimal
    /// In the order of their first appearance in the account.
    public let markets: [RailsMarketBalance]
    /// Total and unrealised profit, unrounded; not returned by the API.
    public let equity: ExactFraction
    /// What new orders may still take, not floored; not returned by the API.
    public let freeForOrders: ExactFraction
    /// Order margin of orders that add exposure; not returned by the API.
    public let openOrderMargin: ExactFraction
    /// What can be withdrawn, fee included, not floored; not returned by the API.
    public let withdrawable: ExactDecimal

    /// Works all of it out. Throws `FigureError` where a price is missing or a figure does not fit.
    init(
        of account: Account, market: Market, rules: RuleTable, profile: WireProfile
    ) throws(FigureError) {
        do {
            let totals = try AccountTotals(of: account, market: market, rules: rules, profile: profile)
            try self.init(totals, account: account)
        } catch let error as FigureError {
            throw error
        } catch let error as NumberError {
            throw .number(error)
        } catch {
            throw .number(.overflow)
        }
    }

    private init(_ totals: AccountTotals, account: Account) throws {
        leverage = totals.leverage
        deposit = totals.deposit
        withdraw = totals.withdraw
        withdrawFees = totals.withdrawFees
        fees = RailsFigures.printedMoney(totals.fees)
        pnl = RailsFigures.printedMoney(totals.realised)
        funding = RailsFigures.printedMoney(totals.funding)
        volume = totals.volume
        totalBalance = RailsFigures.totalBalance(unroundedTotal: totals.unroundedTotal)
        equity = try RailsFigures.equity(
            money: totals.unroundedTotal,
            unrealisedPnl: try totals.crossUnrealised + totals.isolatedUnrealised)
        margin = try account.raisedAmount("margin") ?? RailsFigures.printedMargin(totals.margin())
        maintenanceMargin =
            try account.raisedAmount("maintenanceMargin")
            ?? RailsFigures.printedMoney(totals.maintenanceMargin())
        promoCredit = account.raisedAmount("promoCredit") ?? totals.promoCredit
        openOrderMargin = totals.openOrderMargin
        if totals.profile == .documented {
            availableBalance = try RailsFigures.availableBalance(
                totalBalance: totalBalance, maintenanceMargin: maintenanceMargin,
                isolatedMargin: totals.isolatedMargin)
            freeForOrders = try RailsFigures.freeForOrders(
                availableBalance: availableBalance, openOrderMargin: openOrderMargin)
            withdrawable = try freeForOrders.rounded(places: ExactDecimal.places, rounding: .floor)
        } else {
            freeForOrders = try RailsFigures.unroundedAvailable(
                equity: try totals.crossEquity(), positionMargin: totals.positionMargin,
                openOrderMargin: openOrderMargin)
            availableBalance = try RailsFigures.printedMoney(freeForOrders)
            withdrawable = try RailsFigures.withdrawable(
                money: try totals.crossMoney(), unrealisedLosses: totals.unrealisedLosses,
                entryMargin: totals.entryMargin, openOrderMargin: openOrderMargin)
        }
        markets = try totals.rows.map { try totals.balance(of: $0) }
    }
}

/// What one market contributes, before anything is cut or printed.
struct MarketRow {
    let activity: InstrumentActivity
    let position: Position?
    let leverage: ExactDecimal
    let size: ExactFraction
    let unrealised: ExactFraction
    let openBuy: ExactFraction
    let openBuyQuantity: ExactDecimal
    let openSell: ExactFraction
    let openSellQuantity: ExactDecimal
    let openingOrders: ExactFraction

    var quantity: ExactDecimal { position?.quantity ?? .zero }
    var cost: ExactDecimal { position?.cost ?? .zero }
    /// Whether its position has a pool of its own.
    var isIsolated: Bool { position?.marginMode == .isolated }
    /// What an isolated position holds; zero of a cross one.
    var isolatedMargin: ExactDecimal { position?.isolatedWallet ?? .zero }
    /// Its size where it is margined by the cross pool.
    var crossSize: ExactFraction { isIsolated ? .zero : size }

    init(
        _ activity: InstrumentActivity, account: Account, leverage: ExactDecimal, market: Market,
        profile: WireProfile
    ) throws {
        self.activity = activity
        self.leverage = leverage
        let position = account.positions.first { $0.instrument.name == activity.instrument }
        self.position = position
        if let position {
            let price = try market.requiredMark(position.instrument)
            let value = try RailsFigures.positionValue(quantity: position.quantity, indexPrice: price)
            size = RailsFigures.positionSize(value: value, cost: position.cost, profile: profile)
            unrealised = try RailsFigures.unrealised(value: value, cost: position.cost)
        } else {
            size = .zero
            unrealised = .zero
        }
        guard account.orders.contains(where: { $0.instrument.name == activity.instrument }) else {
            openBuy = .zero
            openBuyQuantity = .zero
            openSell = .zero
            openSellQuantity = .zero
            openingOrders = .zero
            return
        }
        let orders = account.orders.filter { $0.instrument.name == activity.instrument }
        openBuy = try RailsFigures.openNotional(orders, side: .buy)
        openBuyQuantity = try RailsFigures.openQuantity(orders, side: .buy)
        openSell = try RailsFigures.openNotional(orders, side: .sell)
        openSellQuantity = try RailsFigures.openQuantity(orders, side: .sell)
        openingOrders = try RailsFigures.openingOrders(orders, quantity: position?.quantity ?? .zero)
    }
}

/// The account's sums over its markets and money flows, unrounded.
struct AccountTotals {
    let profile: WireProfile
    let rate: ExactDecimal
    let leverage: ExactDecimal
    private(set) var rows: [MarketRow] = []
    let deposit: ExactDecimal
    let withdraw: ExactDecimal
    let withdrawFees: ExactDecimal
    let promoCredit: ExactDecimal
    private(set) var realised = ExactDecimal.zero
    private(set) var funding = ExactDecimal.zero
    private(set) var fees = ExactDecimal.zero
    private(set) var volume = ExactDecimal.zero
    /// Of the cross pool.
    private(set) var size = ExactFraction.zero
    private(set) var orders = ExactFraction.zero
    private(set) var crossUnrealised = ExactFraction.zero
    private(set) var isolatedUnrealised = ExactFraction.zero
    /// Of the cross pool.
    private(set) var unrealisedLosses = ExactFraction.zero
    /// What isolated positions hold.
    private(set) var isolatedMargin = ExactDecimal.zero
    private(set) var positionMargin = ExactFraction.zero
    private(set) var entryMargin = ExactFraction.zero
    private(set) var openOrderMargin = ExactFraction.zero
    private(set) var unroundedTotal = ExactDecimal.zero

    init(of account: Account, market: Market, rules: RuleTable, profile: WireProfile) throws {
        self.profile = profile
        rate = rules.maintenanceRate[profile] ?? .zero
        leverage = account.railsLeverage ?? rules.defaultLeverage
        let holding = account.holding(RailsVenue.money)
        let flows = holding?.flows ?? Flows()
        deposit = try RailsFigures.deposit(deposited: flows.deposited, transferred: flows.transferred)
        withdraw = try RailsFigures.withdraw(withdrawn: flows.withdrawn, transferred: flows.transferred)
        withdrawFees = flows.withdrawalFees
        promoCredit = holding?.credited(for: RailsVenue.promo) ?? .zero
        for activity in account.activity { try add(activity, account, market) }
        // A market with nothing but an open order has no activity yet and comes after those that have.
        for order in account.orders
        where !rows.contains(where: { $0.activity.instrument == order.instrument.name }) {
            try add(InstrumentActivity(instrument: order.instrument.name), account, market)
        }
        positionMargin = try RailsFigures.totalMargin(rows.map { ($0.crossSize, $0.leverage) })
        entryMargin = try RailsFigures.totalMargin(
            rows.filter { !$0.isIsolated }.map { (ExactFraction($0.cost.magnitude), $0.leverage) })
        openOrderMargin = try RailsFigures.totalMargin(rows.map { ($0.openingOrders, $0.leverage) })
        unroundedTotal = try RailsFigures.unroundedTotal(
            deposit: deposit, withdraw: withdraw, withdrawFees: withdrawFees, fees: fees,
            positionPnl: realised,
            funding: funding)
    }

    private mutating func add(_ activity: InstrumentActivity, _ account: Account, _ market: Market) throws {
        // The given text knows one leverage for the account; the later one has leverages of markets, too.
        let mode = account.railsMarginMode(of: activity.instrument)
        let own =
            profile == .live ? account.leverage(activity.instrument, side: .net, marginMode: mode) : nil
        let row = try MarketRow(
            activity, account: account, leverage: own ?? leverage, market: market, profile: profile)
        realised = try realised + activity.realised
        funding = try funding + activity.funding
        fees = try fees + activity.fees
        volume = try volume + activity.volume
        try size += row.crossSize
        try orders += row.openBuy + row.openSell
        if row.isIsolated {
            try isolatedMargin += row.isolatedMargin
            try isolatedUnrealised += row.unrealised
        } else {
            try crossUnrealised += row.unrealised
            if row.unrealised.isNegative { try unrealisedLosses += row.unrealised }
        }
        rows.append(row)
    }

    // MARK: - The cross pool

    /// Its money.
    func crossMoney() throws(NumberError) -> ExactDecimal {
        try RailsFigures.crossMoney(unroundedTotal: unroundedTotal, isolatedMargin: isolatedMargin)
    }

    /// Its money and the profit of its positions.
    func crossEquity() throws(NumberError) -> ExactFraction {
        try RailsFigures.equity(money: try crossMoney(), unrealisedPnl: crossUnrealised)
    }

    /// What it must maintain.
    func maintenanceMargin() throws(NumberError) -> ExactFraction {
        try RailsFigures.maintenanceMargin(positionSize: size, rate: rate)
    }

    /// The account's `margin`, what isolated positions hold in it: by the given formula over all markets; by
    /// the later rules the sum of the markets'.
    func margin() throws(NumberError) -> ExactFraction {
        switch profile {
        case .documented:
            try RailsFigures.margin(
                positions: size, orders: orders, leverage: leverage, isolatedMargin: isolatedMargin)
        case .live: try positionMargin + ExactFraction(isolatedMargin)
        }
    }

    // MARK: - Markets

    /// A market's `margin`: of an isolated position what it holds.
    func margin(of row: MarketRow) throws(NumberError) -> ExactFraction {
        try RailsFigures.margin(
            positions: row.crossSize, orders: profile == .documented ? row.openBuy + row.openSell : .zero,
            leverage: row.leverage, isolatedMargin: row.isolatedMargin)
    }

    /// A market's `maintenanceMargin`.
    func maintenanceMargin(of row: MarketRow) throws(NumberError) -> ExactFraction {
        try RailsFigures.maintenanceMargin(positionSize: row.size, rate: rate)
    }

    /// A market's printed figures.
    func balance(of row: MarketRow) throws -> RailsMarketBalance {
        RailsMarketBalance(
            market: row.activity.instrument,
            position: RailsFigures.shown(row.cost, profile: profile),
            positionQuantity: RailsFigures.shown(row.quantity, profile: profile),
            liquidationPrice: try liquidationPrice(of: row),
            openBuy: try RailsFigures.printedValue(row.openBuy), openBuyQuantity: row.openBuyQuantity,
            openSell: try RailsFigures.printedValue(row.openSell), openSellQuantity: row.openSellQuantity,
            pnl: RailsFigures.printedMoney(row.activity.realised), positionPnl: row.activity.realised,
            funding: row.activity.funding, volume: row.activity.volume,
            fees: RailsFigures.printedMoney(row.activity.fees), liquidationFees: row.activity.liquidationFees,
            margin: try RailsFigures.printedMargin(margin(of: row)),
            maintenanceMargin: try RailsFigures.printedMargin(maintenanceMargin(of: row)))
    }

    private func liquidationPrice(of row: MarketRow) throws -> ExactDecimal {
        try RailsFigures.liquidationPrice(
            quantity: row.quantity, cost: row.cost, otherEquity: try otherEquity(of: row),
            otherMaintenance: try otherMaintenance(of: row), movingRate: movingRate)
    }

    /// The equity of a market's pool without the market's own unrealised profit.
    func otherEquity(of row: MarketRow) throws(NumberError) -> ExactFraction {
        if row.isIsolated { return ExactFraction(row.isolatedMargin) }
        return try RailsFigures.equity(
            money: try crossMoney(), unrealisedPnl: try crossUnrealised - row.unrealised)
    }

    /// The maintenance of a market's pool that stands still when the market's price moves, unrounded.
    func otherMaintenance(of row: MarketRow) throws(NumberError) -> ExactFraction {
        let pool = row.isIsolated ? row.size : size
        let standing = profile == .documented ? pool : try pool - row.size
        return try RailsFigures.maintenanceMargin(positionSize: standing, rate: rate)
    }

    /// The rate of the maintenance that follows a market's price: none at cost.
    var movingRate: ExactDecimal { profile == .documented ? .zero : rate }
}

extension Account {
    /// The account's leverage setting; nil where it was never stored.
    var railsLeverage: ExactDecimal? {
        guard let text = settings.text("leverage") else { return nil }
        return try? ExactDecimal(text)
    }

    /// The margin mode of a market: that of its position, else of its open orders, else the one set for it,
    /// else cross.
    func railsMarginMode(of market: String) -> MarginMode {
        positions.first { $0.instrument.name == market }?.marginMode
            ?? orders.first { $0.instrument.name == market }?.marginMode
            ?? settings.marginMode(of: market) ?? .cross
    }

    /// The amount raised for a field of the account; nil if none is.
    func raisedAmount(_ flag: String) -> ExactDecimal? {
        guard let text = raised(flag)?.text else { return nil }
        return try? ExactDecimal(text)
    }
}
