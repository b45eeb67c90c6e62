import Ledger
import Numbers
import Venue

/// What one auto-exchange moves.
struct BinanceAutoExchange: Sendable, Equatable {
    /// What the wallet that owes receives, in its asset.
    let bought: ExactDecimal
    /// What each other wallet gives, in its asset; in the order of the wallets.
    let sold: [ExactDecimal]
}

extension BinanceFigures {
    /// One auto-exchange: the wallets give, each the same part of what it holds, what the deficit costs.
    ///
    /// Cost in USD = deficit × `autoExchangeAskRate`; worth of a wallet = balance × `autoExchangeBidRate`.
    /// Where the wallets are worth as much, the deficit is bought whole and a wallet gives balance × cost ÷
    /// Σ worth, rounded up to 8 places, so that nothing is given away; else all is given, and Σ worth ÷ ask
    /// rate bought, cut to 8 places. Balances are not negative, the deficit is above zero. That the whole
    /// deficit is filled up, out of each asset in proportion, is the venue's page on multi-assets mode; the
    /// roundings are a choice.
    static func autoExchange(
        deficit: ExactDecimal, askRate: ExactDecimal,
        wallets: [(balance: ExactDecimal, bidRate: ExactDecimal)]
    ) throws(NumberError) -> BinanceAutoExchange {
        let cost = try ExactFraction(deficit).times(askRate)
        var worth = ExactFraction.zero
        if askRate.isZero { return BinanceAutoExchange(bought: .zero, sold: wallets.map { _ in .zero }) }
        for wallet in wallets { try worth += ExactFraction(wallet.balance).times(wallet.bidRate) }
        guard worth > cost else {
            let bought = try worth.over(askRate).rounded(places: places, rounding: .towardZero)
            return BinanceAutoExchange(bought: bought, sold: wallets.map(\.balance))
        }
        var sold: [ExactDecimal] = []
        for wallet in wallets {
            let part = try cost.times(wallet.balance).over(worth)
            sold.append(min(wallet.balance, try part.rounded(places: places, rounding: .ceiling)))
        }
        return BinanceAutoExchange(bought: deficit, sold: sold)
    }

    /// Whether what is owed has come too near to what is owned: loan ÷ value ≥ limit, both in USD and not
    /// negative. Nothing owed never is. The limit is the venue's page on multi-assets mode.
    static func isLoanToValueReached(
        loan: ExactDecimal, value: ExactDecimal, limit: ExactDecimal
    ) -> Bool {
        loan.isPositive && ExactDecimal.compareProducts(loan, .one, limit, value) != .less
    }
}

extension BinanceVenue {
    /// What is exchanged by itself, multi-assets mode alone: into every margin asset whose wallet is below
    /// its threshold; into every negative one where there is no position and no order and the loan to value
    /// has reached its limit, or after a liquidation. By the rulebook's order of assets; what one exchange
    /// took is gone for the next.
    ///
    /// Loan and value are Σ of negative and of other wallets in USD, as the account's totals convert them.
    public func autoExchanges(
        of account: Account, afterLiquidation: Bool, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> [AutoExchange] {
        guard account.isMultiAssets else {
            throw Refusal(
                .notAllowed,
                "Auto-exchange belongs to multi-assets mode, which account \(account.id) is not in.")
        }
        let rules = rules(at: time)
        do {
            var pool = try ExchangePool(
                of: account, market: market(prices, at: time), rules: rules,
                afterLiquidation: afterLiquidation)
            return try pool.exchanges()
        } catch let error as FigureError {
            throw Refusal(error)
        } catch {
            throw Refusal(.overflow, "An exchange in account \(account.id) does not fit.")
        }
    }
}

/// The wallets of an account's margin assets, on their way through its exchanges.
private struct ExchangePool {
    private struct Wallet {
        let rules: AssetRules
        /// What the venue's own exchanges are made at.
        let bid: ExactDecimal
        let ask: ExactDecimal
        var balance: ExactDecimal
        /// Why others are exchanged into it; nil where it is not due.
        var reason: AutoExchange.Reason?
    }

    private var wallets: [Wallet] = []

    init(of account: Account, market: ValuationPrices, rules: RuleTable, afterLiquidation: Bool) throws {
        var loan = ExactDecimal.zero
        var value = ExactDecimal.zero
        for asset in rules.assets where account.marginAvailable(asset) {
            let balance = account.cash(asset.name)
            if balance.isZero { continue }
            let row = AssetRow(asset, market)
            let usd = try row.value(balance)
            if usd.isNegative { try loan -= usd } else { try value += usd }
            wallets.append(
                Wallet(
                    rules: asset, bid: try row[.autoExchangeBidRate], ask: try row[.autoExchangeAskRate],
                    balance: balance, reason: nil))
        }
        let isBare = account.positions.isEmpty && account.orders.isEmpty
        let isReached = rules.account.autoExchangeLoanToValue.map {
            BinanceFigures.isLoanToValueReached(loan: loan, value: value, limit: $0)
        }
        for place in wallets.indices where wallets[place].balance.isNegative {
            if let threshold = account.autoExchangeThreshold(wallets[place].rules),
                wallets[place].balance < threshold
            {
                wallets[place].reason = .threshold
            } else if isBare, isReached == true {
                wallets[place].reason = .loanToValue
            } else if afterLiquidation {
                wallets[place].reason = .liquidation
            }
        }
    }

    /// Every exchange that is due and has something to give.
    mutating func exchanges() throws(NumberError) -> [AutoExchange] {
        var exchanges: [AutoExchange] = []
        for place in wallets.indices {
            guard let reason = wallets[place].reason else { continue }
            if let exchange = try fill(place, for: reason) { exchanges.append(exchange) }
        }
        return exchanges
    }

    private mutating func fill(
        _ place: Int, for reason: AutoExchange.Reason
    ) throws(NumberError) -> AutoExchange? {
        let givers = wallets.indices.filter { wallets[$0].balance.isPositive }
        let moved = try BinanceFigures.autoExchange(
            deficit: -wallets[place].balance, askRate: wallets[place].ask,
            wallets: givers.map { (wallets[$0].balance, wallets[$0].bid) })
        guard moved.bought.isPositive else { return nil }
        var sold: [AutoExchange.Part] = []
        for (giver, amount) in zip(givers, moved.sold) where amount.isPositive {
            try wallets[giver].balance -= amount
            sold.append(
                AutoExchange.Part(
                    asset: wallets[giver].rules.name, amount: amount, rate: wallets[giver].bid))
        }
        try wallets[place].balance += moved.bought
        return AutoExchange(
            reason: reason,
            bought: AutoExchange.Part(
                asset: wallets[place].rules.name, amount: moved.bought, rate: wallets[place].ask),
            sold: sold)
    }
}

extension Account {
    /// The threshold that holds for the account: that of its fee tier, which is 0 unless raised.
    fileprivate func autoExchangeThreshold(_ rules: AssetRules) -> ExactDecimal? {
        let isAboveVIP1 = overriddenInteger(.feeTier, fallback: 0) > 1
        return (isAboveVIP1 ? rules.vipAutoExchangeThreshold : nil) ?? rules.autoExchangeThreshold
    }
}
