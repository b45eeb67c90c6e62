import JSON
import Ledger
import Numbers
import Venue

/// The account's fields that can be set by hand: those whose real rule the documents do not tell.
enum OverridableField: String, OverridableFields {
    case margin
    case maintenanceMargin
    case promoCredit

    var isOfAsset: Bool { false }
    var form: OverrideForm { .decimal }
}

/// What Rails allows and how it books: the ledger's questions.
extension RailsVenue {
    /// The asset that all money is in.
    static let money = "USD"
    /// The purpose of credit that `promoCredit` shows.
    static let promo = "promo"

    /// The fee of each fill is cut to 8 places; profit and funding stay raw. Both are choices. What an
    /// isolated position holds was money of the account before: a choice.
    public var conventions: Conventions {
        Conventions(bookedPlaces: 18, feePlaces: 8, importedWalletComesFromCash: true)
    }

    /// A whole leverage from 1 to the allowed maximum, in its plain form, and the rates of fees.
    public var accountSettings: [SettingField] {
        [
            SettingField(
                "leverage", .decimal, initial: .string(latestRules.defaultLeverage.description),
                "The account's leverage, a whole number as a text."
            ) { value throws(Refusal) in
                guard let text = value.text, let leverage = try? ExactDecimal(text),
                    isAllowed(leverage, latestRules)
                else {
                    throw SettingField.wrong(
                        "leverage", "a text with a whole number from 1 to \(latestRules.maximumLeverage)")
                }
                return .string(leverage.description)
            },
            .fees,
        ]
    }

    /// The account's own leverage.
    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        account.railsLeverage ?? rules(at: time).defaultLeverage
    }

    /// The rulebook's steps and the account's fee rates. A post-only order that would fill at once is taken
    /// and then rejected (`docs/venues/rails.md`).
    public func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms? {
        let rules = rules(at: time)
        guard rules.terms(of: instrument.name) != nil else { return nil }
        let fees = rules.fees[profile]
        var terms = TradingTerms(
            tick: rules.orders.priceStep,
            makerRate: account.feeRate(.derivative, .maker) ?? fees?.maker ?? .zero,
            takerRate: account.feeRate(.derivative, .taker) ?? fees?.taker ?? .zero, refusesAtOnce: false)
        terms.lot = rules.orders.quantityStep
        return terms
    }

    /// Each market has a margin mode of its own.
    public var hasMarginModesOfInstruments: Bool { true }

    /// The market's: that of its position or orders, else the one that was set, else cross.
    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode {
        account.railsMarginMode(of: instrument.name)
    }

    /// Refuses what Rails does not have, and what the account has not the margin for.
    public func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        switch event {
        case .filled(let fill): try requireOneMode(fill.instrument.name, fill.marginMode, before)
        case .withdrawn(_, let amount, let fee):
            if forced { return }
            let taken = try Refusal.turning { try amount + fee }
            try requireWithdrawable(taken, from: try figures(before, prices, time))
        case .transferred(_, _, let amount):
            if forced { return }
            try requireWithdrawable(amount, from: try figures(before, prices, time))
        case .orderPlaced(let order):
            try requireOneMode(order.instrument.name, order.marginMode, before)
            if forced || order.reduceOnly { return }
            try judgeOrder(try figures(before, prices, time), try figures(after, prices, time))
        case .orderAmended(let amendment):
            if forced || after.order(.id(amendment.orderID))?.reduceOnly == true { return }
            try judgeOrder(try figures(before, prices, time), try figures(after, prices, time))
        case .configured:
            try judgeLeverage(try figures(before, prices, time), try figures(after, prices, time))
        case .leverageSet(let setting):
            try judge(setting, at: time)
            try judgeLeverage(try figures(before, prices, time), try figures(after, prices, time))
        case .positionImported(let imported):
            try requireOneMode(
                imported.position.instrument.name, imported.position.marginMode, before)
            if let leverage = imported.leverage { try judge(imported, leverage: leverage, before, at: time) }
        case .credited(_, _, let purpose): try judgeCredit(purpose)
        case .overridden(let flag, let asset, let value):
            try OverridableField.check(flag, asset: asset, value: value, at: "Rails")
        case .borrowed, .repaid, .interestAccrued, .marginInterestAccrued:
            throw Refusal(.notAllowed, "Rails lends nothing, so there are no loans and no interest.")
        case .reserved, .released:
            throw Refusal(.notAllowed, "Rails has no field for funds in use elsewhere.", field: "purpose")
        case .isolatedMarginAdjusted(let key, let amount):
            try judgeMargin(key, amount, try figures(before, prices, time), try figures(after, prices, time))
        case .settled: throw Refusal(.notAllowed, "Rails has no session settlement.")
        case .autoExchanged: throw Refusal(.notAllowed, "Rails has one asset and exchanges none.")
        case .deposited, .orderCancelled, .orderEnded, .orderRefused, .funded, .accountOpened,
            .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded, .timerSet,
            .instrumentDefined, .priced, .quoted, .fundingFixed:
            break
        }
    }

    // MARK: - Sufficiency

    private func requireWithdrawable(_ taken: ExactDecimal, from figures: AccountFigures) throws(Refusal) {
        let limit = try Refusal.turning { max(.zero, try figures.decimal(.withdrawable)) }
        if taken <= limit { return }
        throw Refusal(
            .insufficientBalance,
            "Only \(limit) \(Self.money) can be taken out, fees included; "
                + "\(missing(taken, limit)) is missing.",
            field: "amount")
    }

    /// An order that adds exposure must leave what is free for orders at zero or above.
    private func judgeOrder(_ before: AccountFigures, _ after: AccountFigures) throws(Refusal) {
        let free = try Refusal.turning {
            try after[.openOrderMargin] > before[.openOrderMargin] ? after[.freeForOrders] : .zero
        }
        guard free.isNegative else { return }
        throw Refusal(
            .insufficientBalance,
            "The order needs more margin than is available; \(shortfall(free)) \(Self.money) is missing.",
            field: "quantity")
    }

    /// How far an amount lies below zero.
    private func shortfall(_ amount: ExactFraction) -> String {
        let missing = amount.magnitude
        let shown = try? missing.rounded(places: ExactDecimal.places, rounding: .ceiling)
        return shown?.description ?? missing.description
    }

    /// A lower leverage must not ask for more margin than there is.
    private func judgeLeverage(_ before: AccountFigures, _ after: AccountFigures) throws(Refusal) {
        let (free, was) = try Refusal.turning { (try after[.freeForOrders], try before[.freeForOrders]) }
        guard free < was, free.isNegative else { return }
        throw Refusal(
            .insufficientBalance,
            "This leverage needs more margin than there is; \(shortfall(free)) \(Self.money) is missing.",
            field: "leverage")
    }

    // MARK: - Form

    /// A market has one position, cross or isolated, and its orders are of its kind.
    private func requireOneMode(
        _ market: String, _ marginMode: MarginMode, _ account: Account
    ) throws(Refusal) {
        let isOpen =
            account.positions.contains { $0.instrument.name == market }
            || account.orders.contains { $0.instrument.name == market }
        guard isOpen, account.railsMarginMode(of: market) != marginMode else { return }
        throw Refusal(
            .notAllowed,
            "\(market) is \(account.railsMarginMode(of: market).rawValue) while it has a position or an open "
                + "order.", field: "margin_mode")
    }

    /// Margin put into an isolated position must be free; what is left of one taken out must cover what the
    /// leverage asks for, losses taken off.
    private func judgeMargin(
        _ key: PositionKey, _ amount: ExactDecimal, _ before: AccountFigures, _ after: AccountFigures
    ) throws(Refusal) {
        if amount.isPositive {
            try requireWithdrawable(amount, from: before)
            return
        }
        guard let market = after.markets.first(where: { $0.market == key.instrument.name }) else { return }
        let spare = try Refusal.turning { try market[.spareMargin] }
        guard spare.isNegative else { return }
        throw Refusal(
            .insufficientBalance,
            "The position needs what it holds; \(shortfall(spare)) \(Self.money) would be missing.",
            field: "amount")
    }

    private func isAllowed(_ leverage: ExactDecimal, _ rules: RuleTable) -> Bool {
        leverage >= .one && leverage <= rules.maximumLeverage && leverage.fractionDigits == 0
    }

    private func judge(_ setting: LeverageSetting, at time: LedgerTime) throws(Refusal) {
        if let side = setting.side, side != .net {
            throw Refusal(
                .invalidField, "position_side goes with hedge mode, which Rails does not have.",
                field: "position_side")
        }
        try requireAllowed(setting.leverage, at: time)
        guard profile == .live else {
            throw Refusal(
                .notAllowed,
                "Leverage belongs to the whole account in the documented profile; use configure.",
                field: "instrument")
        }
    }

    private func requireAllowed(_ leverage: ExactDecimal, at time: LedgerTime) throws(Refusal) {
        let rules = rules(at: time)
        if isAllowed(leverage, rules) { return }
        throw Refusal(
            .notAllowed, "leverage must be a whole number from 1 to \(rules.maximumLeverage).",
            field: "leverage")
    }

    /// An imported position may name a leverage only where markets have leverages, or the account's own.
    private func judge(
        _ imported: ImportedPosition, leverage: ExactDecimal, _ account: Account, at time: LedgerTime
    ) throws(Refusal) {
        try requireAllowed(leverage, at: time)
        let own = defaultLeverage(of: imported.position.instrument, in: account, at: time)
        guard profile == .live || leverage == own else {
            throw Refusal(
                .notAllowed,
                "The account's leverage is \(own); in the documented profile no market has its own.",
                field: "leverage")
        }
    }

    private func judgeCredit(_ purpose: String) throws(Refusal) {
        if purpose == Self.promo { return }
        throw Refusal(
            .invalidField, "Rails shows credit in promoCredit only; purpose must be promo.", field: "purpose")
    }

    // MARK: - Helpers

    /// `setting` is asked without a time, so the latest version's limits hold for it.
    private var latestRules: RuleTable {
        (timeline.versions.last ?? timeline.versions[0]).rules
    }

    /// The figures of an account, all of which can be worked out.
    private func figures(
        _ account: Account, _ prices: VenuePrices, _ time: LedgerTime
    ) throws(Refusal) -> AccountFigures {
        let figures = figures(of: AccountSnapshot(account: account, prices: prices, at: time))
        try Refusal.turning {
            try figures.workOutAll()
            for market in figures.markets { try market.workOutAll() }
        }
        return figures
    }

    /// How much is missing; the difference of two balances of one account always fits, its text is never
    /// empty.
    private func missing(_ needed: ExactDecimal, _ present: ExactDecimal) -> String {
        (try? needed - present)?.description ?? "more"
    }
}

extension RailsVenue {
    /// Liquidation is decided by equity and maintenance margin, both unrounded and in USD: of the cross pool
    /// where it has a position, and of each isolated position. The one nearest to liquidation is given; nil
    /// without a position. A `maintenanceMargin` that was raised counts in place of the cross pool's.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        try health(of: figures(of: snapshot))
    }

    /// The same of each isolated position, in the order of the markets.
    public func isolatedHealth(of snapshot: AccountSnapshot) throws -> [IsolatedHealth] {
        let figures = figures(of: snapshot)
        return try FigureError.turning {
            try figures.isolated.filter(\.isOpen).map {
                IsolatedHealth(instrument: $0.market, side: .net, health: try Self.health(of: $0))
            }
        }
    }

    private static func health(of market: MarketFigures) throws -> MarginHealth {
        try health(market[.isolatedEquity], market[.maintenanceMargin])
    }

    private static func health(
        _ equity: ExactFraction, _ maintenance: ExactFraction
    ) throws(NumberError) -> MarginHealth {
        try MarginHealth(
            equity: equity, maintenance: maintenance, places: ExactDecimal.places, unit: money)
    }

    private func health(of figures: AccountFigures) throws(FigureError) -> MarginHealth? {
        let all = try FigureError.turning {
            var pools = try figures.isolated.map(Self.health)
            if figures.open.contains(where: \.isCross) {
                pools.insert(try Self.health(figures[.crossEquity], figures[.maintenanceMargin]), at: 0)
            }
            return pools
        }
        return all.min { first, second in
            if first.isLiquidated != second.isLiquidated { return first.isLiquidated }
            return ExactDecimal.compareProducts(
                first.equity, second.maintenance, second.equity, first.maintenance) == .less
        }
    }
}
