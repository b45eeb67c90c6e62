import JSON
import Ledger
import Numbers
import Venue

// What the ledger asks before it accepts a command.

extension CryptoComVenue {
    /// Everything is booked as exactly as 18 places hold; interest is taken from cash at once.
    public var conventions: Conventions { Conventions() }

    /// Fee credits (since 2026-04-29) are used up before cash.
    public var paysFeesWithCredits: Bool { true }

    /// Leverage and limit, what the live venue answers of an empty account, self-trade prevention, fees.
    public var accountSettings: [SettingField] {
        [
            .positive("max_leverage", initial: AccountDefaults.maximumLeverage, "The account's leverage."),
            .positive(
                "position_limit", initial: AccountDefaults.positionLimit,
                "The account's limit of positions in USD, as its statement shows it."),
            .flag(
                "empty_data", "An account that never held anything answers `[]`, in the `live` profile."),
        ] + SelfTradeSetting.all.map(Self.selfTradeSetting) + [.fees]
    }

    /// Self-trade prevention by the venue's own values.
    private static func selfTradeSetting(_ name: String) -> SettingField {
        SettingField(name, .label, otherwise: "none", "Self-trade prevention, kept and shown.") {
            value throws(Refusal) in
            guard let text = value.text, SelfTradeSetting.accepts(name, text) else {
                throw SettingField.wrong(name, "one of the venue's own values, as a text")
            }
            return value
        }
    }

    /// The leverage where none was set: the lower of the account's and the product's maximum. It decides the
    /// margin of isolated positions only.
    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        Figures.isolatedLeverage(
            maximumLeverage: account.maximumLeverage,
            productLeverage: rules(at: time).maximumLeverage(of: instrument))
    }

    /// Cross, as everything was before isolated positions came in 2026.
    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }

    /// The instrument's tick and lot and the account's fee rates. What cannot be filled at once as it must be
    /// is accepted and ended, so that it has an id (`docs/venues/crypto-com.md`).
    public func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms? {
        let rules = rules(at: time)
        guard let rule = rules.instrument(instrument.name) else { return nil }
        let market = FeeSetting.Market(of: instrument)
        var terms = TradingTerms(
            tick: rule.priceTick, makerRate: account.makerFee(of: market, rules),
            takerRate: account.takerFee(of: market, rules), refusesAtOnce: false)
        terms.lot = rule.quantityTick
        return terms
    }

    /// The fee of a trade, value × rate, half even at 18 places; positive when paid.
    ///
    /// A spot buy pays it out of what is bought, unless the order asks for another asset; all others pay it
    /// in the quote (`docs/venues/crypto-com.md`). Fees in a token of neither are not served.
    public func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, for order: OpenOrder, rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        if !order.instrument.kind.isDerivative, order.feeAsset == order.instrument.base {
            return (try quantity.times(rate, rounding: .halfEven), order.instrument.base)
        }
        return try fee(of: quantity, at: price, side: order.side, in: order.instrument, rate: rate)
    }

    /// What the venue refuses: see the section "Refused commands" of `docs/venues/crypto-com.md`.
    public func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        let rules = rules(at: time)
        let judge = Judge(
            rules: rules, market: ValuationPrices(prices: prices, reference: rules.reference),
            profile: profile,
            before: before, after: after)
        switch event {
        case .withdrawn(let asset, let amount, let fee):
            if !forced { try judge.spent(asset, amount, fee: fee) }
        case .transferred(_, let asset, let amount):
            if !forced { try judge.spent(asset, amount, fee: .zero) }
        case .orderPlaced(let order): try judge.placed(order, forced: forced)
        case .orderAmended(let amendment):
            if let order = after.order(.id(amendment.orderID)) { try judge.placed(order, forced: forced) }
        case .filled(let fill): try judge.checkForm(fill.instrument, fill.positionSide, fill.marginMode)
        case .positionImported(let imported):
            let key = imported.position
            try judge.checkForm(key.instrument, key.side, key.marginMode)
            if let leverage = imported.leverage { try judge.checkLeverage(leverage, of: key.instrument) }
        case .leverageSet(let setting): try judge.leverageSet(setting)
        case .isolatedMarginAdjusted(let key, let amount): try judge.isolatedMarginAdjusted(key, amount)
        case .reserved(let asset, _, let purpose): try judge.reserved(asset, purpose)
        case .borrowed, .repaid:
            throw Refusal(.notAllowed, "Crypto.com has no explicit loans; a negative balance is the loan.")
        case .autoExchanged:
            throw Refusal(.notAllowed, "Crypto.com exchanges nothing by itself; a negative balance stays.")
        case .credited(let asset, _, let purpose):
            guard asset == CryptoComRules.usd, purpose == Earmark.fees else {
                throw Refusal(
                    .notAllowed,
                    "Crypto.com credits USD for fees only and has no promotional funds; use purpose fees.",
                    field: "purpose")
            }
        case .overridden(let flag, let asset, let value):
            try OverridableField.check(flag, asset: asset, value: value, at: "Crypto.com")
        case .instrumentDefined, .accountOpened, .configured, .deposited, .orderCancelled, .orderEnded,
            .orderRefused,
            .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded, .timerSet,
            .funded, .interestAccrued, .marginInterestAccrued, .released, .settled, .priced, .quoted,
            .fundingFixed:
            break
        }
    }
}

/// The venue's verdicts on one event.
private struct Judge {
    let rules: CryptoComRules
    let market: ValuationPrices
    let profile: WireProfile
    let before: Account
    let after: Account

    private func figures(of account: Account) throws(Refusal) -> AccountFigures {
        try Refusal.turning {
            let figures = try AccountFigures(of: account, market: market, rules: rules, profile: profile)
            try figures.workOutMargins()
            return figures
        }
    }

    private func free(_ asset: String) throws(Refusal) -> ExactFraction {
        let figures = try figures(of: before)
        return try Refusal.turning { try figures.rows.first { $0.asset == asset }?[.withdrawable] ?? .zero }
    }

    /// A withdrawal or transfer must fit, its fee included, into the row's `max_withdrawal_balance`, and must
    /// not make the available balance negative.
    func spent(_ asset: String, _ amount: ExactDecimal, fee: ExactDecimal) throws(Refusal) {
        let free = try free(asset)
        let shortage = try lacking(amount, fee, free)
        if shortage.isPositive { throw .missing(shortage, asset, field: "amount") }
        let figures = try figures(of: after)
        let remaining = try Refusal.turning { try figures[.available] }
        if remaining.isNegative { throw .missing(-remaining, CryptoComRules.usd, field: "amount") }
    }

    private func lacking(
        _ amount: ExactDecimal, _ fee: ExactDecimal, _ free: ExactFraction
    ) throws(Refusal) -> ExactFraction {
        try Refusal.turning { try ExactFraction(amount + fee) - free }
    }

    /// One position per instrument; spot has neither sides nor isolated margin.
    func checkForm(_ instrument: Instrument, _ side: PositionSide, _ marginMode: MarginMode) throws(Refusal) {
        guard side == .net else {
            throw Refusal(
                .notAllowed, "Crypto.com keeps one position per instrument, without a side.",
                field: "position_side")
        }
        guard instrument.kind.isDerivative || marginMode == .cross else {
            throw Refusal(.notAllowed, "A spot pair cannot be isolated.", field: "margin_mode")
        }
    }

    func placed(_ order: OpenOrder, forced: Bool) throws(Refusal) {
        try checkForm(order.instrument, order.positionSide, order.marginMode)
        if order.reduceOnly {
            guard order.instrument.kind.isDerivative else {
                throw Refusal(.notAllowed, "A spot order cannot be reduce-only.", field: "reduce_only")
            }
            return
        }
        if forced { return }
        if order.instrument.kind == .spot, order.side == .sell { try checkOffered(order) }
        // What a client buys on the spot is paid with what the account has, not with what it could owe.
        if order.instrument.kind == .spot, order.side == .buy, order.terms != nil { try checkPaid(order) }
        let (held, with) = (try figures(of: before), try figures(of: after))
        let (available, exposure) = try Refusal.turning {
            try order.instrument.kind == .spot || with[.orderExposure] > held[.orderExposure]
                ? (with[.available], with[.exposure]) : (.zero, .zero)
        }
        if available.isNegative { throw .missing(-available, CryptoComRules.usd, field: "quantity") }
        guard exposure > ExactFraction(after.positionLimit) else { return }
        let excess = try Refusal.turning {
            try (exposure - ExactFraction(after.positionLimit))
                .rounded(places: ExactDecimal.places, rounding: .ceiling)
        }
        throw Refusal(
            .notAllowed,
            "The position limit of \(after.positionLimit) USD would be exceeded by \(excess).",
            field: "quantity")
    }

    /// A spot sell offers what is held: short selling on margin is not modeled.
    private func checkOffered(_ order: OpenOrder) throws(Refusal) {
        let base = order.instrument.base
        let free = try free(base)
        let shortage = try lacking(order.remaining, .zero, free)
        if shortage.isPositive { throw .missing(shortage, base, field: "quantity") }
    }

    private func checkPaid(_ order: OpenOrder) throws(Refusal) {
        let quote = order.instrument.quote
        let free = try free(quote)
        let value = try Refusal.turning { try order.remaining.times(order.price, rounding: .ceiling) }
        let shortage = try lacking(value, .zero, free)
        if shortage.isPositive { throw .missing(shortage, quote, field: "quantity") }
    }

    func checkLeverage(_ leverage: ExactDecimal, of instrument: Instrument) throws(Refusal) {
        let most = rules.maximumLeverage(of: instrument)
        guard leverage <= most else {
            throw Refusal(
                .notAllowed, "Leverage of \(instrument.name) can be at most \(most).", field: "leverage")
        }
    }

    func leverageSet(_ setting: LeverageSetting) throws(Refusal) {
        if let side = setting.side, side != .net {
            throw Refusal(
                .notAllowed, "Crypto.com keeps one position per instrument, without a side.",
                field: "position_side")
        }
        guard let rule = rules.instrument(setting.instrument) else { return }
        try checkLeverage(setting.leverage, of: rule.terms)
        // A higher requirement on an isolated position must be covered by its own balance.
        let figures = try figures(of: after)
        guard let isolated = figures.isolated.first(where: { $0.name == setting.instrument }) else { return }
        let available = try Refusal.turning { try isolated[.available] }
        guard available.isNegative, setting.leverage < currentLeverage(of: rule.terms) else { return }
        throw .missing(-available, CryptoComRules.usd, field: "leverage")
    }

    private func currentLeverage(of instrument: Instrument) -> ExactDecimal {
        before.leverage(instrument.name, side: .net, marginMode: .isolated)
            ?? Figures.isolatedLeverage(
                maximumLeverage: before.maximumLeverage,
                productLeverage: rules.maximumLeverage(of: instrument))
    }

    /// Margin put in must be free; margin taken out must be withdrawable from the position.
    func isolatedMarginAdjusted(_ key: PositionKey, _ amount: ExactDecimal) throws(Refusal) {
        if amount.isPositive {
            try spent(key.instrument.settle, amount, fee: .zero)
            return
        }
        let figures = try figures(of: before)
        let free = try Refusal.turning {
            try figures.positions.first { $0.position.key == key }?.isolated?.row[.withdrawable] ?? .zero
        }
        let shortage = try lacking(-amount, .zero, free)
        if shortage.isPositive { throw .missing(shortage, key.instrument.settle, field: "amount") }
    }

    func reserved(_ asset: String, _ purpose: String) throws(Refusal) {
        guard purpose == Purpose.reserved else {
            throw Refusal(.invalidField, "purpose must be reserved.", field: "purpose")
        }
        let shortage = try lacking(
            after.holding(asset)?.reserved(for: purpose) ?? .zero, .zero,
            ExactFraction(after.cash(asset)))
        if shortage.isPositive { throw .missing(shortage, asset, field: "amount") }
    }
}
