import JSON
import Ledger
import Numbers
import Venue

/// What Binance allows and how it books: the ledger's questions.
extension BinanceVenue {
    /// Everything is booked in 8 places, cut; an isolated position's wallet stays part of the wallet balance.
    public var conventions: Conventions {
        Conventions(
            bookedPlaces: 8, feePlaces: 8, amountPlaces: 8, importedWalletComesFromCash: true,
            openingFeesComeFromWallet: true)
    }

    /// In credits mode every contract is settled in credits, whatever it is quoted in.
    public func instrument(_ name: String, in account: Account, at time: LedgerTime) -> Instrument? {
        let rules = rules(at: time)
        guard let symbol = rules.symbol(name) else { return nil }
        return symbol.instrument.settled(in: account.marginAsset(of: symbol, rules))
    }

    /// Switches, but for `fees`, which are rates.
    public var accountSettings: [SettingField] {
        [
            .flag(
                Setting.multiAssets,
                "Every collateral asset backs every position; `false` is single-asset mode."),
            .flag(Setting.hedge, "Hedge mode: `position_side` is `long` or `short`."),
            .flag(
                Setting.creditsMode,
                "Contracts are settled in credits, [`BNFCR`](venues/binance.md#credits-mode)."),
            .flag(Setting.feeBurn, "Fees are paid in BNB, a tenth less, where the account has enough of it."),
            .fees,
        ]
    }

    /// The leverage of a symbol where none was set: 20, or what the symbol allows if that is less.
    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        let rules = rules(at: time)
        return rules.symbol(instrument.name)?.defaultLeverage(rules) ?? rules.account.defaultLeverage
    }

    /// The leverage of a symbol, that of the last command about it: there is one per symbol.
    public func leverage(of position: PositionKey, in account: Account) -> ExactDecimal? {
        account.leverage(setFor: position.instrument.name)
    }

    /// Each symbol has one, which `set_margin_mode` changes.
    public var hasMarginModesOfInstruments: Bool { true }

    /// A symbol has one margin type: that of its position or orders; where there are none the one that was
    /// set, cross unless it was.
    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode {
        account.marginMode(ofSymbol: instrument.name) ?? .cross
    }

    /// The symbol's steps and the account's fee rates; a post-only order that would fill at once and a
    /// fill-or-kill order that cannot are refused and never were (`docs/venues/binance.md`).
    public func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms? {
        let rules = rules(at: time)
        guard let symbol = rules.symbol(instrument.name) else { return nil }
        var terms = TradingTerms(
            tick: symbol.priceTick, makerRate: feeRate(.maker, of: instrument, in: account, rules),
            takerRate: feeRate(.taker, of: instrument, in: account, rules), refusesAtOnce: true)
        terms.refusesAmendments = false
        if let step = try? ExactDecimal(symbol.stepSize) { terms.lot = step }
        return terms
    }

    /// The account's own rate where it has one, else the rulebook's.
    func feeRate(
        _ liquidity: Liquidity, of instrument: Instrument, in account: Account, _ rules: RuleTable
    ) -> ExactDecimal {
        account.feeRate(FeeSetting.Market(of: instrument), liquidity)
            ?? (liquidity == .maker ? rules.account.makerFee : rules.account.takerFee)
    }

    /// What a fee is paid with: BNB at its index, less the discount, cut to 8 places, where the account burns
    /// fees and has enough of it; else the fee itself. Credits pay theirs themselves: a choice.
    public func payment(
        of fee: (amount: ExactDecimal, asset: String), by account: Account, prices: VenuePrices,
        at time: LedgerTime
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        let burnt = "BNB"
        let discount = rules(at: time).account.feeBurnDiscount
        guard fee.amount.isPositive, fee.asset != burnt, account.burnsFees, !account.isInCreditsMode,
            let cash = account.holding(burnt)?.cash, cash.isPositive,
            let price = market(prices, at: time).index(of: burnt, in: fee.asset), price.isPositive
        else { return fee }
        let amount = try fee.amount.times(.one - discount, rounding: .halfEven)
            .over(price, places: BinanceFigures.places, rounding: .towardZero)
        return amount.isPositive && amount <= cash ? (amount, burnt) : fee
    }

    /// Whether the account is in hedge mode.
    public func isHedged(_ account: Account) -> Bool { account.settings.flag(Setting.hedge) }

    /// Refuses what Binance does not have, and what the account has not the margin for.
    public func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        let market = Valuation(venue: self, prices: prices, time: time)
        switch event {
        case .filled(let fill): try requireMarginMode(fill.position, in: before)
        case .orderPlaced(let order):
            try requireAllowed("canTrade", in: before)
            let key = PositionKey(
                instrument: order.instrument, side: order.positionSide, marginMode: order.marginMode)
            try requireMarginMode(key, in: before)
            if forced || order.closesHedgeLeg { return }
            if order.reduceOnly { return try judgeReduction(order, before, after, market) }
            try judgeOrder(order, before, after, market)
        case .orderAmended(let amendment):
            guard !forced, let order = after.order(.id(amendment.orderID)), !order.reduceOnly,
                !order.closesHedgeLeg
            else { return }
            try judgeOrder(order, before, after, market)
        case .positionImported(let imported):
            try requireMarginMode(imported.position, in: before)
            if let leverage = imported.leverage {
                try requireLeverage(leverage, of: imported.position.instrument.name, at: time)
            }
        case .withdrawn(let asset, let amount, let fee):
            try requireAllowed("canWithdraw", in: before)
            if forced { return }
            try requireWithdrawable(amount, fee: fee, asset, before, market)
        case .transferred(_, let asset, let amount):
            if forced { return }
            try requireWithdrawable(amount, fee: .zero, asset, before, market)
        case .configured(let settings): try judgeSettings(settings, before, market)
        case .leverageSet(let setting): try judge(setting, before, market)
        case .isolatedMarginAdjusted(let key, let amount): try judgeMargin(key, amount, after, market)
        case .overridden(let flag, let asset, let value):
            try OverridableField.check(flag, asset: asset, value: value, at: "Binance")
        case .borrowed, .repaid, .interestAccrued, .marginInterestAccrued:
            throw Refusal(
                .notAllowed, "Binance futures lend nothing explicitly, so there are no loans and interest.")
        case .reserved, .released, .credited:
            throw Refusal(
                .notAllowed, "Binance's account has no field for funds of this purpose.", field: "purpose")
        case .settled: throw Refusal(.notAllowed, "Binance's perpetuals have no session settlement.")
        // An exchange is worked out by the venue itself (`autoExchanges`).
        case .deposited, .orderCancelled, .orderEnded, .orderRefused, .funded, .autoExchanged, .accountOpened,
            .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded, .timerSet,
            .instrumentDefined, .priced, .quoted, .fundingFixed:
            break
        }
    }

    // MARK: - Margin type

    private func requireMarginMode(_ key: PositionKey, in account: Account) throws(Refusal) {
        if key.marginMode == .isolated, account.isMultiAssets {
            throw BinanceError.isolatedInMultiAssets.refusal(.notAllowed, field: "margin_mode")
        }
        let name = key.instrument.name
        if account.positions.contains(where: { $0.instrument.name == name && $0.marginMode != key.marginMode }
        ) {
            throw BinanceError.marginTypePosition.refusal(.notAllowed, field: "margin_mode")
        }
        if account.orders.contains(where: { $0.instrument.name == name && $0.marginMode != key.marginMode }) {
            throw BinanceError.marginTypeOrders.refusal(.notAllowed, field: "margin_mode")
        }
    }

    private func requireAllowed(_ flag: String, in account: Account) throws(Refusal) {
        if account.overridden(flag)?.boolean == false {
            throw Refusal(.notAllowed, "\(flag) is false for account \(account.id).")
        }
    }

    // MARK: - Sufficiency

    private func judgeOrder(
        _ order: OpenOrder, _ before: Account, _ after: Account, _ market: Valuation
    ) throws(Refusal) {
        let asset = order.instrument.settle
        let old = try market.figures(before)
        let new = try market.figures(after)
        guard let row = new.asset(asset) else { return }
        let isMore = try Refusal.turning {
            try row[.openOrderInitialMargin] > old.figure(.openOrderInitialMargin, of: asset) ?? .zero
        }
        guard isMore else { return }
        let free = try Refusal.turning { try new.free(for: row) }
        if free.amount.isNegative {
            throw BinanceError.marginInsufficient.refusal(
                .insufficientBalance, field: "quantity", detail: "\(-free.amount) \(free.unit) is missing.")
        }
        let placed = new.positions.first {
            $0.symbol == order.instrument.name && $0.side == order.positionSide
                && $0.mode.marginMode == order.marginMode
        }
        guard let placed else { return }
        let (exposure, limit, leverage) = try Refusal.turning {
            try (placed[.largestExposure], placed[.maxNotional], placed[.leverage])
        }
        if exposure > limit {
            throw BinanceError.aboveMaximumPosition.refusal(
                .notAllowed, field: "quantity", detail: "At \(leverage)x it is \(limit).")
        }
    }

    /// A reduce-only order leaves other open orders of its side to open what it closes: that must be paid
    /// for, as if it were any order.
    private func judgeReduction(
        _ order: OpenOrder, _ before: Account, _ after: Account, _ market: Valuation
    ) throws(Refusal) {
        let opens = before.orders.contains { other in
            other.instrument.name == order.instrument.name && other.side == order.side
                && other.positionSide == order.positionSide && !other.onlyReduces
        }
        guard opens, let place = after.orders.firstIndex(where: { $0.id == order.id }) else { return }
        var counted = after
        counted.orders[place] = OpenOrder(
            id: order.id, instrument: order.instrument, side: order.side, quantity: order.remaining,
            price: order.price, reduceOnly: false, positionSide: order.positionSide,
            marginMode: order.marginMode, placedAt: order.placedAt)
        let (old, new) = (try market.figures(before), try market.figures(counted))
        let asset = order.instrument.settle
        let isShort = try Refusal.turning {
            guard let row = new.asset(asset) else { return false }
            return try row[.openOrderInitialMargin] > old.figure(.openOrderInitialMargin, of: asset) ?? .zero
                && new.free(for: row).amount.isNegative
        }
        if isShort {
            throw BinanceError.reductionWithoutMargin.refusal(.insufficientBalance, field: "quantity")
        }
    }

    private func requireWithdrawable(
        _ amount: ExactDecimal, fee: ExactDecimal, _ asset: String, _ account: Account, _ market: Valuation
    ) throws(Refusal) {
        let figures = try market.figures(account)
        let limit = try Refusal.turning { try figures.figure(.maxWithdrawAmount, of: asset) ?? .zero }
        let taken = try Refusal.turning { try amount + fee }
        guard taken > limit else { return }
        let missing = try Refusal.turning { try taken - limit }
        throw BinanceError.balanceInsufficient.refusal(
            .insufficientBalance, field: "amount",
            detail: "Only \(limit) \(asset) can be taken out, fees included; \(missing) is missing.")
    }

    private func judgeMargin(
        _ key: PositionKey, _ amount: ExactDecimal, _ after: Account, _ market: Valuation
    ) throws(Refusal) {
        let figures = try market.figures(after)
        if amount.isPositive {
            guard let row = figures.asset(key.instrument.settle) else { return }
            let free = try Refusal.turning { try row[.unflooredAvailable] }
            guard free.isNegative else { return }
            throw BinanceError.crossBalanceInsufficient.refusal(
                .insufficientBalance, field: "amount", detail: "\(-free) \(row.asset) is missing.")
        }
        // What may be taken out is not documented: the margin must go on covering the initial margin.
        let row = figures.positions.first {
            $0.symbol == key.instrument.name && $0.side == key.side && $0.mode.marginMode == .isolated
        }
        guard let row else { return }
        let missing = try Refusal.turning { try row[.positionInitialMargin] - row[.isolatedMargin] }
        guard missing.isPositive else { return }
        throw BinanceError.isolatedBalanceInsufficient.refusal(
            .insufficientBalance, field: "amount", detail: "\(missing) \(row.mode.marginAsset) is missing.")
    }

    // MARK: - Modes

    private func judgeSettings(
        _ settings: Settings, _ before: Account, _ market: Valuation
    ) throws(Refusal) {
        if settings.flag(Setting.hedge) != before.settings.flag(Setting.hedge),
            let problem = positionModeProblem(before)
        {
            throw problem.refusal(.notAllowed, field: "settings.\(Setting.hedge)")
        }
        var after = before
        after.settings = settings
        let changesCredits = after.isInCreditsMode != before.isInCreditsMode
        if changesCredits, before.hasOrders || !before.positions.isEmpty {
            throw Refusal(
                .notAllowed,
                "Credits mode cannot be changed while there are positions or open orders: they would be "
                    + "settled in another asset.",
                field: "settings.\(Setting.creditsMode)")
        }
        try judgeMarginTypes(settings, before)
        guard after.isMultiAssets != before.isMultiAssets else { return }
        if let problem = try assetModeProblem(after, before, market) {
            let setting = changesCredits ? Setting.creditsMode : Setting.multiAssets
            throw problem.refusal(.notAllowed, field: "settings.\(setting)")
        }
    }

    private func judgeMarginTypes(_ settings: Settings, _ before: Account) throws(Refusal) {
        for name in settings.instrumentsWithMarginModes {
            guard let mode = settings.marginMode(of: name), mode != before.settings.marginMode(of: name),
                let problem = marginTypeProblem(mode, of: name, before)
            else { continue }
            throw problem.refusal(.notAllowed, field: "margin_mode")
        }
    }

    /// Why a symbol cannot be given a margin type now; nil if it can. Conditional orders that wait count as
    /// orders: they would be placed under the type that they were meant for.
    func marginTypeProblem(_ mode: MarginMode, of symbol: String, _ account: Account) -> BinanceError? {
        if mode == .isolated, account.isMultiAssets { return .isolatedInMultiAssets }
        let hasOrders =
            account.orders.contains { $0.instrument.name == symbol }
            || account.conditionals.contains { $0.instrument.name == symbol }
        if hasOrders { return .marginTypeOrders }
        return account.positions.contains { $0.instrument.name == symbol } ? .marginTypePosition : nil
    }

    /// Why the position mode cannot be switched now; nil if it can. Conditional orders that wait count as
    /// orders: they are of a side, or of none.
    func positionModeProblem(_ account: Account) -> BinanceError? {
        if account.hasOrders { return .positionModeOrders }
        return account.positions.isEmpty ? nil : .positionModePosition
    }

    /// Why an account cannot go over to the asset mode of `switched` now; nil if it can. The order of these
    /// checks is a choice; conditional orders that wait count as orders, as where the position mode changes.
    func assetModeProblem(
        _ switched: Account, _ account: Account, _ market: Valuation
    ) throws(Refusal) -> BinanceError? {
        if switched.isMultiAssets {
            let isIsolated =
                account.positions.contains { $0.marginMode == .isolated }
                || account.orders.contains { $0.marginMode == .isolated }
                || account.settings.instrumentsWithMarginModes.contains {
                    account.settings.marginMode(of: $0) == .isolated
                }
            if isIsolated { return .multiAssetsIsolated }
        }
        if account.hasOrders { return .multiAssetsOrders }
        if account.holdings.contains(where: { $0.cash.isNegative }) { return .multiAssetsNegativeWallet }
        let figures = try market.figures(switched)
        let isShort = try Refusal.turning {
            try switched.isMultiAssets
                ? figures[.unflooredAvailable].isNegative
                : figures.assets.contains { try $0[.unflooredAvailable].isNegative }
        }
        return isShort ? .multiAssetsMargin : nil
    }

    // MARK: - Leverage

    private func requireLeverage(
        _ leverage: ExactDecimal, of symbol: String, at time: LedgerTime
    ) throws(Refusal) {
        if let problem = leverageProblem(leverage, of: symbol, at: time) {
            throw problem.refusal(.notAllowed, field: "leverage")
        }
    }

    private func leverageProblem(
        _ leverage: ExactDecimal, of symbol: String, at time: LedgerTime
    ) -> BinanceError? {
        let maximum = rules(at: time).symbol(symbol)?.maximumLeverage ?? .one
        guard leverage >= .one, leverage <= maximum, leverage.fractionDigits == 0 else {
            return .invalidLeverage(leverage.description)
        }
        return nil
    }

    private func judge(
        _ setting: LeverageSetting, _ before: Account, _ market: Valuation
    ) throws(Refusal) {
        if let problem = try leverageProblem(setting.leverage, of: setting.instrument, before, market) {
            let isMargin = problem == .leverageTooLow
            throw problem.refusal(isMargin ? .insufficientBalance : .notAllowed, field: "leverage")
        }
    }

    /// Whether a leverage is lower than that of an isolated position: clients may not set it, the operator
    /// may.
    func lowersIsolated(
        _ leverage: ExactDecimal, of symbol: String, _ account: Account, at time: LedgerTime
    ) -> Bool {
        account.positions.contains { position in
            guard position.instrument.name == symbol, position.marginMode == .isolated else { return false }
            return leverage
                < account.leverage(setFor: symbol)
                ?? defaultLeverage(
                    of: position.instrument, in: account, at: time)
        }
    }

    /// Why a symbol's leverage cannot be set; nil if it can. A leverage must be allowed for the position and
    /// orders that there are, and a lower one must not need more margin than is free.
    func leverageProblem(
        _ leverage: ExactDecimal, of symbol: String, _ account: Account, _ market: Valuation
    ) throws(Refusal) -> BinanceError? {
        if let problem = leverageProblem(leverage, of: symbol, at: market.time) { return problem }
        let isUsed =
            account.positions.contains { $0.instrument.name == symbol }
            || account.orders.contains { $0.instrument.name == symbol }
        guard isUsed else { return nil }
        var changed = account
        changed.leverages.removeAll { $0.instrument == symbol }
        changed.leverages.append(
            LeverageSetting(instrument: symbol, side: nil, marginMode: nil, leverage: leverage))
        let old = try market.figures(account)
        let new = try market.figures(changed)
        for row in new.positions where row.symbol == symbol {
            // The leverage that the row has now is the one to be set.
            let isAbove = try Refusal.turning { try row[.largestExposure] > row[.maxNotional] }
            if isAbove { return .aboveMaximumPosition }
        }
        guard let asset = new.positions.first(where: { $0.symbol == symbol })?.mode.marginAsset,
            let before = old.asset(asset), let after = new.asset(asset)
        else { return nil }
        return try Refusal.turning {
            let isMore = try after[.initialMargin] > before[.initialMargin]
            return try isMore && new.free(for: after).amount.isNegative ? .leverageTooLow : nil
        }
    }
}

/// The market that a command is judged in.
struct Valuation {
    let venue: BinanceVenue
    let prices: VenuePrices
    let time: LedgerTime

    func figures(_ account: Account) throws(Refusal) -> AccountFigures {
        try Refusal.turning { try venue.figures(of: account, prices: prices, at: time) }
    }
}

extension Account {
    /// The margin type that a symbol's position or orders have, else the one that was set; nil for neither.
    func marginMode(ofSymbol name: String) -> MarginMode? {
        positions.first { $0.instrument.name == name }?.marginMode
            ?? orders.first { $0.instrument.name == name }?.marginMode
            ?? settings.marginMode(of: name)
    }
}
