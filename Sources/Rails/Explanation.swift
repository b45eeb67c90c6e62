import Ledger
import Numbers
import Venue

extension RailsVenue {
    /// Why every figure of the balances body is what it is, in the body's order.
    ///
    /// Paths are those of the unwrapped body, such as `marketBalancesMap.BTC-USD.pnl`. After the totals, and
    /// after each market, come the figures that they are worked out from and that the body does not show,
    /// such as `equity` and `marketBalancesMap.BTC-USD.unrealizedPnl`. Throws `FigureError` where a figure
    /// cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        do {
            var explainer = BalanceExplainer(
                account: snapshot.account, market: market(snapshot.prices, at: snapshot.at),
                rules: rules(at: snapshot.at), totals: try totals(of: snapshot),
                balances: try balances(of: snapshot))
            try explainer.explainTotals()
            try explainer.explainMarkets()
            return explainer.explanations
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    /// Liquidation is decided by equity and maintenance margin, both unrounded and in USD: of the cross pool
    /// where it has a position, and of each isolated position. The one nearest to liquidation is given; nil
    /// without a position. A `maintenanceMargin` that was raised counts in place of the cross pool's.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        do {
            let totals = try totals(of: snapshot)
            var pools: [(equity: ExactFraction, maintenance: ExactFraction)] = []
            if totals.rows.contains(where: { $0.position != nil && !$0.isIsolated }) {
                let raised = snapshot.account.raisedAmount("maintenanceMargin").map { ExactFraction($0) }
                pools.append((try totals.crossEquity(), try raised ?? totals.maintenanceMargin()))
            }
            for row in totals.rows where row.isIsolated {
                pools.append(
                    (
                        try RailsFigures.equity(money: row.isolatedMargin, unrealisedPnl: row.unrealised),
                        try totals.maintenanceMargin(of: row)
                    ))
            }
            let all = try pools.map {
                try MarginHealth(
                    equity: $0.equity, maintenance: $0.maintenance, places: ExactDecimal.places,
                    unit: Self.money)
            }
            return all.min { first, second in
                if first.isLiquidated != second.isLiquidated { return first.isLiquidated }
                return ExactDecimal.compareProducts(
                    first.equity, second.maintenance, second.equity, first.maintenance) == .less
            }
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    private func totals(of snapshot: AccountSnapshot) throws -> AccountTotals {
        try AccountTotals(
            of: snapshot.account, market: market(snapshot.prices, at: snapshot.at),
            rules: rules(at: snapshot.at), profile: profile)
    }
}

/// Puts words to the figures that `RailsBalances` and `AccountTotals` have worked out; works out none itself.
struct BalanceExplainer {
    let account: Account
    let market: Market
    let rules: RuleTable
    let totals: AccountTotals
    let balances: RailsBalances
    private(set) var explanations: [Explanation] = []
    /// What the paths of the group that is being explained begin with.
    var prefix = ""

    init(
        account: Account, market: Market, rules: RuleTable, totals: AccountTotals, balances: RailsBalances
    ) {
        self.account = account
        self.market = market
        self.rules = rules
        self.totals = totals
        self.balances = balances
    }

    /// Where formulas are stated.
    enum Source {
        static let given = "Rails API documentation, Get Account Balances"
        static let sample = given + ", the sample"
        static let balancePage = "Rails API documentation, Account Balance"
        static let metricsPage = "Rails API documentation, Position Metrics"
        static let riskPage = "Rails API documentation, Risk Management; inferred"
        static let fillsPage = "Rails API documentation, Get Completed Orders, the samples"
        static let fundingsPage = "Rails API documentation, Get Fundings, the sample"
        static let ours = "not published; docs/venues/rails.md"
    }

    static let cutToMoney = "cut to \(RailsFigures.moneyPlaces) places"
    static let cutToAll = "cut to 18 places"

    var isDocumented: Bool { totals.profile == .documented }

    mutating func add(
        _ field: String, _ value: some CustomStringConvertible, _ formula: String,
        _ inputs: [Explanation.Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.given
    ) {
        explanations.append(
            Explanation(
                path: prefix + field, field: field, value: value.description, formula: formula,
                inputs: inputs, rounding: rounding, status: status, source: source))
    }

    /// A figure of the account as an input, with all its digits: as a fraction where no decimal is exact.
    func total(_ field: String, _ value: some CustomStringConvertible) -> Explanation.Input {
        Explanation.Input(field, value.description, .figure, path: field)
    }

    /// A figure of a market as an input.
    func figure(
        _ field: String, _ value: some CustomStringConvertible, of market: String
    ) -> Explanation.Input {
        Explanation.Input(
            "\(field) of \(market)", value.description, .figure,
            path: "marketBalancesMap.\(market).\(field)")
    }

    /// The size of a market's position that margins are shares of, by the name it is explained under.
    func size(of row: MarketRow) -> Explanation.Input {
        figure(isDocumented ? "position" : "positionSize", row.size, of: row.activity.instrument)
    }

    /// The sizes of the positions that the cross pool margins.
    func crossSizes() -> [Explanation.Input] {
        totals.rows.filter { !$0.isIsolated }.map { size(of: $0) }
    }

    /// What isolated positions hold, as inputs; none where there are none.
    func isolatedMargins() -> [Explanation.Input] {
        totals.rows.filter(\.isIsolated).map { isolatedMargin(of: $0) }
    }

    func isolatedMargin(of row: MarketRow) -> Explanation.Input {
        Explanation.Input(
            "isolated margin of \(row.activity.instrument)", row.isolatedMargin, .ledger)
    }

    var maintenanceRate: Explanation.Input {
        Explanation.Input("maintenance rate", totals.rate, .rule)
    }

    /// The notional of the open orders of each market, with all its digits.
    private func orders(_ field: String, _ value: (MarketRow) -> ExactFraction) -> [Explanation.Input] {
        totals.rows.map { figure(field, value($0), of: $0.activity.instrument) }
    }

    /// One input for each market.
    func markets(_ field: String, _ value: (RailsMarketBalance) -> ExactDecimal) -> [Explanation.Input] {
        balances.markets.map { figure(field, value($0), of: $0.market) }
    }

    /// Explains a figure that was set by hand; false where it was not.
    private mutating func addRaised(_ field: String, _ value: ExactDecimal) -> Bool {
        guard let raised = account.raisedAmount(field) else { return false }
        add(
            field, value, "as raised by hand", [Explanation.Input("raised \(field)", raised, .raised)],
            status: .choice, source: Source.ours)
        return true
    }

    // MARK: - Totals

    /// The account's fields in the body's order, then what they rest on.
    mutating func explainTotals() throws {
        add(
            "totalBalance", balances.totalBalance,
            "unroundedTotal: "
                + "deposit − withdraw − withdrawFees − fees + Σ positionPnl + Σ funding, of unrounded parts",
            [total("unroundedTotal", totals.unroundedTotal)], rounding: Self.cutToMoney,
            source: Source.sample)
        try explainAvailable()
        explainFlows()
        add(
            "fees", balances.fees, "Σ fees of fills over all markets", totals.rows.map(ledgerFees),
            rounding: Self.cutToMoney, source: Source.sample)
        add(
            "pnl", balances.pnl, "Σ positionPnl", markets("positionPnl", \.positionPnl),
            rounding: Self.cutToMoney, source: Source.sample)
        add(
            "funding", balances.funding, "Σ funding", markets("funding", \.funding),
            rounding: Self.cutToMoney, source: Source.sample)
        add("volume", balances.volume, "Σ volume", markets("volume", \.volume), source: Source.sample)
        explainMargins()
        add(
            "leverage", balances.leverage, "the account's setting",
            [
                account.railsLeverage.map { Explanation.Input("leverage", $0, .setting) }
                    ?? Explanation.Input("default leverage", rules.defaultLeverage, .rule)
            ])
        if !addRaised("promoCredit", balances.promoCredit) {
            add(
                "promoCredit", balances.promoCredit, "promotional credit, outside every total",
                [Explanation.Input("promotional credit", totals.promoCredit, .ledger)], status: .choice,
                source: Source.ours)
        }
        try explainBasis()
    }

    private mutating func explainAvailable() throws {
        if isDocumented {
            add(
                "availableBalance", balances.availableBalance,
                "totalBalance − maintenanceMargin, both as printed"
                    + (totals.isolatedMargin.isZero ? "" : " − what isolated positions hold")
                    + "; not floored",
                [
                    total("totalBalance", balances.totalBalance),
                    total("maintenanceMargin", balances.maintenanceMargin),
                ] + isolatedMargins(),
                rounding: totals.isolatedMargin.isZero ? "" : "isolated margin cut to 8 places",
                status: totals.isolatedMargin.isZero ? .exact : .choice, source: Source.sample)
        } else {
            add(
                "availableBalance", balances.availableBalance,
                "equity of the cross pool − position margin − order margin; not floored",
                [
                    total("crossEquity", try totals.crossEquity()),
                    total("positionMargin", totals.positionMargin),
                    total("openOrderMargin", totals.openOrderMargin),
                ], rounding: Self.cutToMoney, status: account.orders.isEmpty ? .exact : .choice,
                source: Source.balancePage)
        }
    }

    private mutating func explainFlows() {
        let flows = account.holding(RailsVenue.money)?.flows ?? Flows()
        let transferred = Explanation.Input(
            "transfers received less sent", flows.transferred, .ledger)
        // That transfers count, and by their balance, is ours; without any, nothing is.
        let status: Explanation.Status = flows.transferred.isZero ? .exact : .choice
        add(
            "deposit", balances.deposit, "deposits + what transfers brought beyond what they took",
            [Explanation.Input("deposits", flows.deposited, .ledger), transferred], status: status)
        add(
            "withdraw", balances.withdraw,
            "withdrawals without their fees + what transfers took beyond what they brought",
            [Explanation.Input("withdrawals", flows.withdrawn, .ledger), transferred], status: status)
        add(
            "withdrawFees", balances.withdrawFees, "Σ fees of withdrawals",
            [Explanation.Input("fees of withdrawals", flows.withdrawalFees, .ledger)])
    }

    private mutating func explainMargins() {
        if !addRaised("margin", balances.margin) {
            if isDocumented {
                add(
                    "margin", balances.margin,
                    "(total positions + total orders) ÷ leverage"
                        + (totals.isolatedMargin.isZero ? "" : " + what isolated positions hold"),
                    crossSizes() + orders("openBuy", \.openBuy) + orders("openSell", \.openSell)
                        + [total("leverage", balances.leverage)] + isolatedMargins(),
                    rounding: Self.cutToAll, status: totals.isolatedMargin.isZero ? .exact : .choice)
            } else {
                add(
                    "margin", balances.margin, "Σ margin of the markets",
                    [total("positionMargin", totals.positionMargin)] + isolatedMargins(),
                    rounding: Self.cutToAll,
                    source: Source.metricsPage)
            }
        }
        if !addRaised("maintenanceMargin", balances.maintenanceMargin) {
            add(
                "maintenanceMargin", balances.maintenanceMargin,
                isDocumented
                    ? "total positions × maintenance rate" : "Σ index price × |quantity| × maintenance rate",
                crossSizes() + [maintenanceRate], rounding: Self.cutToMoney,
                source: isDocumented ? Source.given : Source.metricsPage)
        }
    }

    /// What the totals rest on and the body does not show.
    private mutating func explainBasis() throws {
        add(
            "unroundedTotal", totals.unroundedTotal,
            "deposit − withdraw − withdrawFees − fees + Σ positionPnl + Σ funding",
            [
                total("deposit", balances.deposit), total("withdraw", balances.withdraw),
                total("withdrawFees", balances.withdrawFees),
            ] + totals.rows.map(ledgerFees) + markets("positionPnl", \.positionPnl)
                + markets("funding", \.funding), source: Source.sample)
        add(
            "equity", balances.equity, "unroundedTotal + Σ unrealizedPnl of the open positions",
            [total("unroundedTotal", totals.unroundedTotal)]
                + totals.rows.filter { $0.position != nil }.map(unrealised), source: Source.balancePage)
        if !totals.isolatedMargin.isZero || !isDocumented {
            add(
                "crossEquity", try totals.crossEquity(),
                "unroundedTotal − what isolated positions hold + Σ unrealizedPnl of the cross positions",
                [total("unroundedTotal", totals.unroundedTotal)] + isolatedMargins()
                    + totals.rows.filter { $0.position != nil && !$0.isIsolated }.map(unrealised),
                source: Source.balancePage)
        }
        if isDocumented { return }
        add(
            "positionMargin", totals.positionMargin, "Σ positionSize ÷ leverage of the cross positions",
            totals.rows.filter { !$0.isIsolated }.flatMap { [size(of: $0), leverage(of: $0)] },
            source: Source.metricsPage)
        add(
            "openOrderMargin", totals.openOrderMargin, "Σ openingOrders ÷ leverage of the markets",
            totals.rows.flatMap {
                [figure("openingOrders", $0.openingOrders, of: $0.activity.instrument), leverage(of: $0)]
            },
            status: .choice, source: Source.riskPage)
    }

    func unrealised(of row: MarketRow) -> Explanation.Input {
        figure("unrealizedPnl", row.unrealised, of: row.activity.instrument)
    }

    private func ledgerFees(of row: MarketRow) -> Explanation.Input {
        Explanation.Input("fees of \(row.activity.instrument)", row.activity.fees, .ledger)
    }
}
