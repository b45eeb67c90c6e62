import JSON
import Ledger
import Numbers
import Venue

/// The figures of an account: the fields of the balances body in their order, then what they rest on.
enum AccountFigure: String, FigureKey {
    case totalBalance, availableBalance, deposit, withdraw, withdrawFees, fees, pnl, funding, volume, margin
    case maintenanceMargin, leverage, promoCredit, marketBalancesMap
    // Not in the body.
    case unroundedTotal, equity, crossEquity, positionMargin, openOrderMargin
    // What orders and withdrawals are judged by.
    case freeForOrders, withdrawable
    // What is given.
    case deposits, withdrawals, withdrawalFees, transfers, promotionalCredit, ownLeverage, defaultLeverage
    case maintenanceRate, movingRate
}

/// An account of Rails: its own figures, and those of its markets, which are only held by it.
final class AccountFigures: FigureTable<AccountFigure> {
    /// In the order of their first appearance in the account.
    private(set) var markets: [MarketFigures] = []
    /// Markets that are margined together.
    private(set) var cross: [MarketFigures] = []
    /// Markets whose position has a pool of its own.
    private(set) var isolated: [MarketFigures] = []
    /// Markets with a position.
    private(set) var open: [MarketFigures] = []
    /// Whether a leverage was set for the account.
    var hasOwnLeverage = false

    /// Takes the account's markets, each of which is whole.
    func take(_ markets: [MarketFigures]) {
        self.markets = markets
        cross = markets.filter(\.isCross)
        isolated = markets.filter { !$0.isCross }
        open = markets.filter(\.isOpen)
    }

    override func value(of figure: AccountFigure) throws -> ExactFraction {
        switch figure {
        case .totalBalance: try self[.unroundedTotal]
        case .availableBalance where isDocumented:
            try printed(.totalBalance) - printed(.maintenanceMargin)
                - PrintForm.cut(8).of(isolated.sum(.isolatedMargin))
        case .availableBalance: try self[.crossEquity] - self[.positionMargin] - self[.openOrderMargin]
        case .deposit: try self[.deposits] + max(.zero, self[.transfers])
        case .withdraw: try self[.withdrawals] + max(.zero, -self[.transfers])
        case .withdrawFees: try self[.withdrawalFees]
        case .fees: try markets.sum(.feesPaid)
        case .pnl: try markets.sum(.positionPnl)
        case .funding: try markets.sum(.funding)
        case .volume: try markets.sum(.volume)
        case .margin where isDocumented:
            try (cross.sum(.position) + markets.sum(.openBuy) + markets.sum(.openSell)) / self[.leverage]
                + isolated.sum(.isolatedMargin)
        case .margin: try markets.sum(.margin)
        case .maintenanceMargin: try cross.sum(size) * self[.maintenanceRate]
        case .leverage: try self[hasOwnLeverage ? .ownLeverage : .defaultLeverage]
        case .promoCredit: try self[.promotionalCredit]

        case .unroundedTotal:
            try self[.deposit] - self[.withdraw] - self[.withdrawFees] - self[.fees] + self[.pnl]
                + self[.funding]
        case .equity: try self[.unroundedTotal] + open.sum(.unrealizedPnl)
        case .crossEquity: try crossMoney() + open.filter(\.isCross).sum(.unrealizedPnl)
        case .positionMargin: try cross.sum(.margin)
        case .openOrderMargin: try markets.sum(.openOrderMargin)

        case .freeForOrders where isDocumented: try self[.availableBalance] - self[.openOrderMargin]
        case .freeForOrders: try self[.availableBalance]
        case .withdrawable where isDocumented: try self[.freeForOrders]
        case .withdrawable:
            try crossMoney() + open.filter(\.isCross).sum(.unrealizedLoss) - cross.sum(.entryMargin)
                - self[.openOrderMargin]

        case .deposits, .withdrawals, .withdrawalFees, .transfers, .promotionalCredit, .ownLeverage,
            .defaultLeverage, .maintenanceRate, .movingRate, .marketBalancesMap:
            throw gap(figure)
        }
    }

    override func isThere(_ figure: AccountFigure) -> Bool {
        figure != .crossEquity || !isDocumented || markets.contains { $0.holdsIsolatedMargin }
    }

    var isDocumented: Bool { mode == .documented }
    /// What margins are shares of.
    var size: MarketFigure { isDocumented ? .position : .positionSize }

    /// The money of the cross pool. Rails, help on margin: an isolated position is outside of it.
    func crossMoney() throws -> ExactFraction {
        try self[.unroundedTotal] - isolated.sum(.isolatedMargin)
    }
}

extension AccountFigure {
    static let choices = Source.ours

    func facts(in profile: WireProfile) -> FigureFacts? {
        money(in: profile) ?? margins(in: profile) ?? basis(in: profile) ?? judged(in: profile) ?? input
    }

    private static let usd = RailsVenue.money

    private func money(in profile: WireProfile) -> FigureFacts? {
        let isDocumented = profile == .documented
        return switch self {
        case .totalBalance:
            .shown(
                "unroundedTotal: deposit − withdraw − withdrawFees − fees + Σ positionPnl + Σ funding, of "
                    + "unrounded parts", Self.usd, signed: true, .cut(8), from: Source.sample, common: .wallet
            )
        case .availableBalance where isDocumented:
            .shown(
                "totalBalance − maintenanceMargin, both as printed", note: "not floored", Self.usd,
                signed: true,
                from: Source.sample, common: .available,
                clauses: [.isolated(" − what isolated positions hold", "isolated margin cut to 8 places")])
        case .availableBalance:
            .shown(
                "equity of the cross pool − position margin − order margin", note: "not floored", Self.usd,
                signed: true, .cut(8), evidence: .unit(8), from: Source.balancePage, common: .available,
                clauses: [FigureClause(AccountFigure.openOrderMargin, .choice, topic: "which orders count")])
        case .deposit:
            .shown(
                "deposits + what transfers brought beyond what they took", Self.usd, from: Source.given,
                clauses: [.transfers])
        case .withdraw:
            .shown(
                "withdrawals without their fees + what transfers took beyond what they brought", Self.usd,
                from: Source.given, clauses: [.transfers])
        case .withdrawFees: .shown("Σ fees of withdrawals", Self.usd, from: Source.given)
        case .fees:
            .shown("Σ fees of fills over all markets", Self.usd, signed: true, .cut(8), from: Source.sample)
        case .pnl: .shown("Σ positionPnl", Self.usd, signed: true, .cut(8), from: Source.sample)
        case .funding: .shown("Σ funding", Self.usd, signed: true, .cut(8), from: Source.sample)
        case .volume: .shown("Σ volume", Self.usd, from: Source.sample)
        default: nil
        }
    }

    private func margins(in profile: WireProfile) -> FigureFacts? {
        let isDocumented = profile == .documented
        return switch self {
        case .margin where isDocumented:
            .shown(
                "(total positions + total orders) ÷ leverage", Self.usd, .cut(18), evidence: .unit(18),
                from: Source.given, common: .initialMargin,
                clauses: [.isolated(" + what isolated positions hold")])
        case .margin:
            .shown(
                "Σ margin of the markets", Self.usd, .cut(18), evidence: .unit(18), from: Source.metricsPage,
                common: .initialMargin)
        case .maintenanceMargin:
            .shown(
                isDocumented
                    ? "total positions × maintenance rate" : "Σ index price × |quantity| × maintenance rate",
                Self.usd, .cut(8), evidence: .unit(8), from: isDocumented ? Source.given : Source.metricsPage,
                common: .maintenanceMargin)
        case .leverage: .shown("the account's setting", "ratio", from: Source.given, common: .leverage)
        case .promoCredit:
            .shown(
                "promotional credit, outside every total", Self.usd, .plain, .choice, from: Source.ours,
                isAlwaysThere: false)
        case .marketBalancesMap:
            .other(
                "markets in the order of their first trade or import, those with nothing but an open order "
                    + "after them", .choice, from: Source.ours)
        default: nil
        }
    }

    /// What the fields rest on and the body does not show.
    private func basis(in profile: WireProfile) -> FigureFacts? {
        let isDocumented = profile == .documented
        return switch self {
        case .unroundedTotal:
            .beside(
                "deposit − withdraw − withdrawFees − fees + Σ positionPnl + Σ funding", Self.usd,
                signed: true,
                from: Source.sample)
        case .equity:
            .beside(
                "unroundedTotal + Σ unrealizedPnl of the open positions", Self.usd, signed: true,
                from: Source.balancePage)
        case .crossEquity:
            .beside(
                "unroundedTotal − what isolated positions hold + Σ unrealizedPnl of the cross positions",
                Self.usd,
                signed: true, from: Source.balancePage)
        case .positionMargin where !isDocumented:
            .beside("Σ positionSize ÷ leverage of the cross positions", Self.usd, from: Source.metricsPage)
        case .openOrderMargin where !isDocumented:
            .beside(
                "Σ openingOrders ÷ leverage of the markets", Self.usd, .plain, .choice, from: Source.riskPage)
        default: nil
        }
    }

    private func judged(in profile: WireProfile) -> FigureFacts? {
        let isDocumented = profile == .documented
        return switch self {
        case .openOrderMargin:
            .judged(
                "Σ openingOrders ÷ leverage of the markets", Self.usd, .plain, .choice, from: Source.riskPage)
        case .freeForOrders:
            .judged("availableBalance − openOrderMargin", Self.usd, .plain, .choice, from: Source.ours)
        case .withdrawable where isDocumented:
            .judged("what is free for orders", Self.usd, .cut(18), .choice, from: Source.ours)
        case .withdrawable:
            .judged(
                "money of the cross pool + losses of its positions − entry margin − order margin", Self.usd,
                .cut(8), from: Source.balancePage)
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .deposits: .input("deposits", Self.usd, .ledger)
        case .withdrawals: .input("withdrawals", Self.usd, .ledger)
        case .withdrawalFees: .input("fees of withdrawals", Self.usd, .ledger)
        case .transfers: .input("transfers received less sent", Self.usd, .ledger)
        case .promotionalCredit: .input("promotional credit", Self.usd, .ledger)
        case .ownLeverage: .input("leverage", "ratio", .setting)
        case .defaultLeverage: .input("default leverage", "ratio", .rule)
        case .maintenanceRate: .input("maintenance rate", "ratio", .rule)
        case .movingRate: .input("moving rate", "ratio", .rule)
        default: nil
        }
    }
}

/// Where formulas are stated.
enum Source {
    static let given = "Rails API documentation, Get Account Balances"
    static let sample = given + ", the sample"
    static let balancePage = "Rails API documentation, Account Balance"
    static let metricsPage = "Rails API documentation, Position Metrics"
    static let positionsPage = "Rails API documentation, Get Account Positions"
    static let riskPage = "Rails API documentation, Risk Management; inferred"
    static let fillsPage = "Rails API documentation, Get Completed Orders, the samples"
    static let fundingsPage = "Rails API documentation, Get Fundings, the sample"
    static let ours = "not published; docs/venues/rails.md"
}

extension FigureClause {
    /// Where isolated positions stand is a choice: no page shows one.
    static func isolated(_ words: String, _ rounding: String = "") -> FigureClause {
        FigureClause(
            MarketFigure.isolatedMargin, adds: words, .choice, rounding: rounding, topic: "isolated")
    }

    /// That transfers count, and by their balance, is ours.
    static let transfers = FigureClause(AccountFigure.transfers, .choice, topic: "transfers")
}

extension [MarketFigures] {
    /// Σ of one figure over markets.
    func sum(_ figure: MarketFigure) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for market in self { try sum += market[figure] }
        return sum
    }
}

// MARK: - Of the ledger

extension AccountFigures {
    /// The figures of an account of the ledger; each is worked out when it is asked for.
    convenience init(of account: Account, market: ValuationPrices, rules: RuleTable, profile: WireProfile) {
        self.init(profile, rules)
        let holding = account.holding(RailsVenue.money)
        let flows = holding?.flows ?? Flows()
        give(.deposits, flows.deposited)
        give(.withdrawals, flows.withdrawn)
        give(.withdrawalFees, flows.withdrawalFees)
        give(.transfers, flows.transferred)
        give(.promotionalCredit, holding?.credited(for: RailsVenue.promo) ?? .zero)
        if let leverage = account.railsLeverage { setLeverage(leverage) }
        for field in OverridableField.allCases {
            guard let figure = AccountFigure(rawValue: field.rawValue) else { continue }
            setOverride(figure, to: account.overriddenAmount(field.rawValue))
        }
        var activities = account.activity
        // A market with nothing but an open order has no activity yet and comes after those that have.
        for order in account.orders
        where !activities.contains(where: { $0.instrument == order.instrument.name }) {
            activities.append(InstrumentActivity(instrument: order.instrument.name))
        }
        take(activities.map { MarketFigures($0, of: account, market, in: self) })
    }

    /// An account without any amount or market yet.
    convenience init(_ profile: WireProfile, _ rules: RuleTable) {
        self.init(FigureBook(), profile, Layouts.account[profile])
        give(.defaultLeverage, rules.defaultLeverage)
        let rate = rules.maintenanceRate[profile] ?? .zero
        give(.maintenanceRate, rate)
        // Maintenance at cost follows no price.
        give(.movingRate, profile == .documented ? .zero : rate)
    }

    /// Takes a leverage that was set for the account.
    func setLeverage(_ leverage: ExactDecimal) {
        hasOwnLeverage = true
        give(.ownLeverage, leverage)
    }
}

/// How the objects are written, in each profile.
enum Layouts {
    static let account = ByProfile { FigureLayout<AccountFigure>($0) }
    static let market = ByProfile { FigureLayout<MarketFigure>(MarketMode(profile: $0)) }
    static let position = ByProfile { FigureLayout<PositionFigure>($0) }
    static let order = FigureLayout<OrderFigure>(())
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
    func overriddenAmount(_ flag: String) -> ExactDecimal? {
        guard let text = overridden(flag)?.text else { return nil }
        return try? ExactDecimal(text)
    }
}
