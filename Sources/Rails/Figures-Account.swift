import JSON
import Ledger
import Numbers
import Venue

/// One market of an account, as `marketBalancesMap` has it. All money in USD, quantities in coin.
public struct RailsMarketBalance: Sendable, Equatable {
    public let market: String
    public let position: ExactDecimal
    public let positionQuantity: ExactDecimal
    public let liquidationPrice: ExactDecimal
    public let openBuy: ExactDecimal
    public let openBuyQuantity: ExactDecimal
    public let openSell: ExactDecimal
    public let openSellQuantity: ExactDecimal
    public let pnl: ExactDecimal
    public let positionPnl: ExactDecimal
    /// Also printed as `positionFunding`.
    public let funding: ExactDecimal
    public let volume: ExactDecimal
    public let fees: ExactDecimal
    public let liquidationFees: ExactDecimal
    public let margin: ExactDecimal
    public let maintenanceMargin: ExactDecimal
}

/// Every figure of an account: the balances endpoint's fields, and what judging and positions need besides.
public struct RailsBalances: Sendable, Equatable {
    public let totalBalance: ExactDecimal
    public let availableBalance: ExactDecimal
    public let deposit: ExactDecimal
    public let withdraw: ExactDecimal
    public let withdrawFees: ExactDecimal
    public let fees: ExactDecimal
    public let pnl: ExactDecimal
    public let funding: ExactDecimal
    public let volume: ExactDecimal
    public let margin: ExactDecimal
    public let maintenanceMargin: ExactDecimal
    public let leverage: ExactDecimal
    public let promoCredit: ExactDecimal
    /// In the order of their first appearance in the account.
    public let markets: [RailsMarketBalance]
    /// Total and unrealised profit, unrounded; not returned by the API.
    public let equity: ExactDecimal
    /// What new orders may still take, not floored; not returned by the API.
    public let freeForOrders: ExactDecimal
    /// Order margin of orders that add exposure; not returned by the API.
    public let openOrderMargin: ExactDecimal
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
        let isDocumented = totals.profile == .documented
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
            unroundedTotal: totals.unroundedTotal, unrealisedPnl: totals.unrealised)
        margin = try account.raisedAmount("margin") ?? totals.margin()
        maintenanceMargin =
            try account.raisedAmount("maintenanceMargin")
            ?? RailsFigures.accountMaintenanceMargin(totalPositionSize: totals.size, rate: totals.rate)
        promoCredit = account.raisedAmount("promoCredit") ?? totals.promoCredit
        openOrderMargin = totals.openOrderMargin
        if isDocumented {
            availableBalance = try RailsFigures.availableBalance(
                totalBalance: totalBalance, maintenanceMargin: maintenanceMargin)
            freeForOrders = try RailsFigures.freeForOrders(
                availableBalance: availableBalance, openOrderMargin: openOrderMargin)
            withdrawable = freeForOrders
        } else {
            freeForOrders = try RailsFigures.unroundedAvailable(
                equity: equity, positionMargin: totals.positionMargin, openOrderMargin: openOrderMargin)
            availableBalance = freeForOrders.cut(places: RailsFigures.moneyPlaces)
            withdrawable = try RailsFigures.withdrawable(
                unroundedTotal: totals.unroundedTotal, unrealisedLosses: totals.unrealisedLosses,
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
    let size: ExactDecimal
    let unrealised: ExactDecimal
    let openBuy: ExactDecimal
    let openBuyQuantity: ExactDecimal
    let openSell: ExactDecimal
    let openSellQuantity: ExactDecimal
    let openingOrders: ExactDecimal

    var quantity: ExactDecimal { position?.quantity ?? .zero }
    var cost: ExactDecimal { position?.cost ?? .zero }

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
            size = try RailsFigures.positionSize(
                quantity: position.quantity, cost: position.cost, indexPrice: price, profile: profile)
            unrealised = try position.unrealised(at: price, rounding: .halfEven)
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
    private(set) var size = ExactDecimal.zero
    private(set) var orders = ExactDecimal.zero
    private(set) var unrealised = ExactDecimal.zero
    private(set) var unrealisedLosses = ExactDecimal.zero
    private(set) var positionMargin = ExactDecimal.zero
    private(set) var entryMargin = ExactDecimal.zero
    private(set) var openOrderMargin = ExactDecimal.zero
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
        for order in account.orders where !rows.contains(where: { $0.activity.instrument == order.instrument.name }) {
            try add(InstrumentActivity(instrument: order.instrument.name), account, market)
        }
        unroundedTotal = try RailsFigures.unroundedTotal(
            deposit: deposit, withdraw: withdraw, withdrawFees: withdrawFees, fees: fees, positionPnl: realised,
            funding: funding)
    }

    private mutating func add(_ activity: InstrumentActivity, _ account: Account, _ market: Market) throws {
        // The given text knows one leverage for the account; the later one has leverages of markets, too.
        let own = profile == .live ? account.leverage(activity.instrument, side: .net, marginMode: .cross) : nil
        let row = try MarketRow(
            activity, account: account, leverage: own ?? leverage, market: market, profile: profile)
        realised = try realised + activity.realised
        funding = try funding + activity.funding
        fees = try fees + activity.fees
        volume = try volume + activity.volume
        size = try size + row.size
        orders = try orders + row.openBuy + row.openSell
        unrealised = try unrealised + row.unrealised
        if row.unrealised.isNegative { unrealisedLosses = try unrealisedLosses + row.unrealised }
        positionMargin = try positionMargin
            + RailsFigures.margin(positions: row.size, orders: .zero, leverage: row.leverage)
        entryMargin = try entryMargin
            + RailsFigures.margin(positions: row.cost.magnitude, orders: .zero, leverage: row.leverage)
        openOrderMargin = try openOrderMargin
            + RailsFigures.openOrderMargin(openingOrders: row.openingOrders, leverage: row.leverage)
        rows.append(row)
    }

    /// The account's `margin`: by the given formula over all markets; by the later rules the sum of the markets'.
    func margin() throws -> ExactDecimal {
        switch profile {
        case .documented: try RailsFigures.margin(positions: size, orders: orders, leverage: leverage)
        case .live: positionMargin
        }
    }

    /// A market's printed figures.
    func balance(of row: MarketRow) throws -> RailsMarketBalance {
        let rowOrders = profile == .documented ? try row.openBuy + row.openSell : .zero
        return RailsMarketBalance(
            market: row.activity.instrument,
            position: RailsFigures.shown(row.cost, profile: profile),
            positionQuantity: RailsFigures.shown(row.quantity, profile: profile),
            liquidationPrice: try liquidationPrice(of: row),
            openBuy: row.openBuy, openBuyQuantity: row.openBuyQuantity,
            openSell: row.openSell, openSellQuantity: row.openSellQuantity,
            pnl: RailsFigures.printedMoney(row.activity.realised), positionPnl: row.activity.realised,
            funding: row.activity.funding, volume: row.activity.volume,
            fees: RailsFigures.printedMoney(row.activity.fees), liquidationFees: row.activity.liquidationFees,
            margin: try RailsFigures.margin(positions: row.size, orders: rowOrders, leverage: row.leverage),
            maintenanceMargin: try RailsFigures.maintenanceMargin(positionSize: row.size, rate: rate))
    }

    private func liquidationPrice(of row: MarketRow) throws -> ExactDecimal {
        let standingSize = profile == .documented ? size : try size - row.size
        return try RailsFigures.liquidationPrice(
            quantity: row.quantity, cost: row.cost,
            otherEquity: try unroundedTotal + unrealised - row.unrealised,
            otherMaintenance: try RailsFigures.maintenanceMargin(positionSize: standingSize, rate: rate),
            movingRate: profile == .documented ? .zero : rate)
    }
}

extension Account {
    /// The account's leverage setting; nil where it was never stored.
    var railsLeverage: ExactDecimal? {
        guard let text = settings.text("leverage") else { return nil }
        return try? ExactDecimal(text)
    }

    /// The amount raised for a field of the account; nil if none is.
    func raisedAmount(_ flag: String) -> ExactDecimal? {
        guard let text = raised(flag)?.text else { return nil }
        return try? ExactDecimal(text)
    }
}
