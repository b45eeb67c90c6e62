import JSON
import Ledger
import Numbers
import Venue

// What the ledger asks before it accepts a command.

extension OKXVenue {
    public var conventions: Conventions { Conventions(keepsInterestApart: true) }

    public var accountSettings: [SettingField] {
        [
            .choice(
                "mode", AccountMode.allCases.map(\.rawValue), initial: AccountMode.multi.rawValue,
                "The account mode: `multi` (multi-currency margin), `spot`, `futures` (single-currency "
                    + "margin) or "
                    + "`portfolio`."),
            .flag(
                "hedge",
                "Position mode: `true` keeps a long and a short of one contract apart (`position_side`)."),
            .flag(
                "auto_borrow",
                "In multi-currency and portfolio mode, what the cash does not cover is borrowed."),
            .flag("spot_borrow", "In spot mode, `borrow` is allowed."),
            SettingField(
                "collateral_off", .labels, initial: .array([]),
                "Currencies that do not count as collateral, in multi-currency mode."
            ) { value throws(Refusal) in try collateralSetting(value) },
            .fees,
        ]
    }

    /// A list of currencies, each once, in the order given.
    private func collateralSetting(_ value: JSONValue) throws(Refusal) -> JSONValue {
        let field = "settings.collateral_off"
        guard let elements = value.elements else {
            throw Refusal(.invalidField, "collateral_off must be a list of currencies.", field: field)
        }
        var kept: [JSONValue] = []
        for element in elements {
            guard let asset = element.text else {
                throw Refusal(.invalidField, "collateral_off must be a list of currencies.", field: field)
            }
            guard timeline.versions.contains(where: { $0.rules.assetPlace(asset) != nil }) else {
                throw Refusal(
                    .invalidField, "collateral_off names an unknown currency: \(asset).", field: field)
            }
            if !kept.contains(element) { kept.append(element) }
        }
        return .array(kept)
    }

    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        rules(at: time).defaultLeverage(of: instrument)
    }

    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }

    /// Isolated in every mode but spot mode, in the currency that the position has: the base of a long one,
    /// the quote of a short one. Cross in futures mode, in either, the quote unless another is wanted; in the
    /// modes with shared collateral a cross trade of a pair is an exchange, and a negative balance the loan.
    public func marginAsset(
        of pair: Instrument, isLong: Bool, marginMode: MarginMode, wanted: String?, in account: Account,
        at time: LedgerTime
    ) throws(Refusal) -> String? {
        let isTraded =
            account.mode == .futures || account.mode.hasDerivatives && marginMode == .isolated
        guard isTraded, rules(at: time).instrument(pair.name)?.loans != nil else {
            if wanted == nil { return nil }
            throw Refusal(
                .notAllowed, "\(pair.name) is not traded on \(marginMode.rawValue) margin in this account.",
                field: "margin_asset")
        }
        let held = isLong ? pair.base : pair.quote
        let allowed = marginMode == .isolated ? [held] : [pair.quote, pair.base]
        if let wanted, !allowed.contains(wanted) {
            throw Refusal(
                .invalidField, "margin_asset must be \(allowed.joined(separator: " or ")) here.",
                field: "margin_asset")
        }
        return wanted ?? allowed[0]
    }

    /// Tick and lot of the instrument and the account's fee rates; what cannot be done at once is accepted
    /// and ended (`docs/venues/okx.md`).
    public func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms? {
        let rules = rules(at: time)
        guard let entry = rules.instrument(instrument.name) else { return nil }
        var terms = TradingTerms(
            tick: entry.tick, makerRate: rules.feeRate(.maker, of: entry, in: account),
            takerRate: rules.feeRate(.taker, of: entry, in: account), refusesAtOnce: false)
        terms.lot = entry.lot
        return terms
    }

    /// The fee of a trade, positive when paid: of contracts value × rate in the settlement currency; of a
    /// pair what is received × rate, in the currency that is received.
    public func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, side: Side, in instrument: Instrument,
        rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        if !instrument.kind.isDerivative, side == .buy {
            return (try quantity.times(rate, rounding: .halfEven), instrument.base)
        }
        let cost =
            instrument.payoff == .inverse
            ? try quantity.over(price, rounding: .halfEven) : try quantity.times(price, rounding: .halfEven)
        let value = try cost.times(instrument.contractValue, rounding: .halfEven)
        let asset = instrument.kind.isDerivative ? instrument.settle : instrument.quote
        return (try value.times(rate, rounding: .halfEven), asset)
    }

    public func isHedged(_ account: Account) -> Bool { account.isHedged }

    func market(_ prices: VenuePrices, _ rules: RuleTable) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: rules.reference)
    }

    public func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        let judge = Judge(venue: self, rules: rules(at: time), before: before, after: after, prices: prices)
        switch event {
        case .configured: try judge.configured()
        case .withdrawn(let asset, let amount, let fee):
            if !forced { try judge.spent(asset, amount, fee: fee) }
        case .transferred(_, let asset, let amount): if !forced { try judge.spent(asset, amount, fee: .zero) }
        case .orderPlaced(let order): try judge.placed(order, forced: forced)
        case .orderAmended(let amendment):
            if let order = after.order(.id(amendment.orderID)) { try judge.placed(order, forced: forced) }
        case .filled(let fill):
            if fill.marginAsset != nil { break }
            try judge.traded(fill.instrument, fill.positionSide, fill.marginMode)
        case .positionImported(let imported):
            if imported.margin != nil { break }
            try judge.traded(
                imported.position.instrument, imported.position.side, imported.position.marginMode)
        case .leverageSet(let setting): try judge.leverageSet(setting)
        case .isolatedMarginAdjusted(_, let amount):
            if !forced { try judge.isolatedMarginAdjusted(event, amount) }
        case .borrowed: try judge.borrowed()
        case .interestAccrued: try judge.interestAccrued()
        case .reserved(_, _, let purpose): try judge.reserved(purpose)
        case .credited(_, _, let purpose): try judge.credited(purpose)
        case .settled: throw Refusal(.notAllowed, "OKX settles no sessions.")
        case .autoExchanged: throw Refusal(.notAllowed, "OKX's own exchanges are not kept.")
        case .overridden(let flag, let asset, let value):
            try OverridableField.check(flag, asset: asset, value: value)
        case .instrumentDefined, .accountOpened, .deposited, .orderCancelled, .orderEnded, .orderRefused,
            .funded,
            .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded, .timerSet,
            .released, .repaid, .marginInterestAccrued, .priced, .quoted, .fundingFixed:
            break
        }
    }
}

extension RuleTable {
    /// The account's own rate where it has one, else the rulebook's.
    func feeRate(
        _ liquidity: Liquidity, of instrument: InstrumentRules, in account: Account
    ) -> ExactDecimal {
        account.feeRate(FeeSetting.Market(of: instrument.terms), liquidity)
            ?? margin.tradeFee(liquidity, of: instrument.type)
    }
}

/// The venue's verdicts on one event.
private struct Judge {
    let venue: OKXVenue
    let rules: RuleTable
    let before: Account
    let after: Account
    let prices: VenuePrices

    func figures(of account: Account) throws(Refusal) -> AccountFigures {
        try worked { try AccountFigures(of: account, market: venue.market(prices, rules), rules: rules) }
    }

    /// Account and position mode change only without positions and orders, as at the venue.
    func configured() throws(Refusal) {
        let modeChanges = before.mode != after.mode
        guard modeChanges || before.isHedged != after.isHedged else { return }
        let field = modeChanges ? "settings.mode" : "settings.hedge"
        guard before.positions.isEmpty, !before.hasOrders else {
            throw Refusal(
                .notAllowed,
                "The mode cannot change with open positions or orders, conditional ones too; close and "
                    + "cancel them first.",
                field: field)
        }
        guard !modeChanges || before.holdings.allSatisfy({ $0.borrowed.isZero }) else {
            throw Refusal(.notAllowed, "The mode cannot change with loans; repay them first.", field: field)
        }
        guard after.mode != .futures || before.holdings.allSatisfy({ $0.interest.isZero }) else {
            throw Refusal(.notAllowed, "Futures mode cannot begin with unpaid interest.", field: field)
        }
    }

    /// A withdrawal or transfer must fit into the withdrawable amount, its fee included: availBal, and in the
    /// modes that share collateral at most what the account's availEq is worth.
    func spent(_ asset: String, _ amount: ExactDecimal, fee: ExactDecimal) throws(Refusal) {
        let figures = try figures(of: before)
        guard let place = rules.assetPlace(asset), let row = figures.row(place) else {
            throw missing(ExactFraction(amount), asset)
        }
        do {
            let shortfall = try ExactFraction(amount + fee) - row.withdrawable()
            if shortfall.isPositive { throw missing(shortfall, asset) }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.overflow, "A figure of the account does not fit: \(error).", field: "amount")
        }
    }

    private func missing(_ amount: ExactFraction, _ unit: String, field: String = "amount") -> Refusal {
        // Rounded up: with as much more, the command would be accepted.
        let text = (try? amount.rounded(places: 18, rounding: .ceiling))?.description ?? amount.description
        return Refusal(
            .insufficientBalance, "The available balance is too small: \(text) \(unit) is missing.",
            field: field)
    }

    /// Contracts need a mode that has them; hedge mode needs sides; spot has neither sides nor isolated
    /// margin.
    func traded(_ instrument: Instrument, _ side: PositionSide, _ marginMode: MarginMode) throws(Refusal) {
        guard instrument.kind.isDerivative else {
            guard side == .net else {
                throw Refusal(.notAllowed, "A spot pair has no position side.", field: "position_side")
            }
            guard marginMode == .cross else {
                throw Refusal(.notAllowed, "A spot pair cannot be isolated.", field: "margin_mode")
            }
            return
        }
        guard after.mode.hasDerivatives else {
            throw Refusal(.notAllowed, "Spot mode has no contracts.", field: "instrument")
        }
        guard after.isHedged == (side != .net) else {
            let reason =
                after.isHedged
                ? "Hedge mode needs position_side long or short." : "position_side is for hedge mode only."
            throw Refusal(.notAllowed, reason, field: "position_side")
        }
    }

    func placed(_ order: OpenOrder, forced: Bool) throws(Refusal) {
        if !order.isOnMargin { try traded(order.instrument, order.positionSide, order.marginMode) }
        if forced || !addsExposure(order) { return }
        if order.isOnMargin, let position = opposite(to: order) {
            return try repays(order, position)
        }
        let figures = try figures(of: after)
        let paid =
            after.marginAsset(of: order) ?? order.settlementAsset
            ?? (order.side == .buy ? order.instrument.quote : order.instrument.base)
        guard let place = rules.assetPlace(paid), let row = figures.row(place) else {
            throw missing(.zero, paid)
        }
        let isCrossMargin = order.settlementAsset != nil && order.marginMode == .cross
        try worked("quantity") {
            func require(_ free: ExactFraction, _ unit: String) throws {
                if free.isNegative { throw missing(-free, unit, field: "quantity") }
            }
            switch figures.mode {
            case .spot: try require(row.freeBalance(), paid)
            case .futures: try require(isCrossMargin ? row.freeEquity() : row.freeBalance(), paid)
            case .multi, .portfolio:
                if !isCrossMargin, !after.autoBorrows { try require(row.freeBalance(), paid) }
                try require(figures[.availEq], "USD")
            }
        }
    }

    /// Runs `body`; a figure that does not fit, or a price that is missing, refuses the command.
    private func worked<Result>(
        _ field: String? = nil, _ body: () throws -> Result
    ) throws(Refusal) -> Result {
        do {
            return try body()
        } catch let refusal as Refusal {
            throw refusal
        } catch let error as FigureError {
            if case .priceMissing(let name) = error {
                throw Refusal(.priceMissing, "A price or rule is missing for \(name).")
            }
            throw Refusal(.overflow, "\(error)")
        } catch {
            throw Refusal(.overflow, "A figure of the account does not fit: \(error).", field: field)
        }
    }

    /// Whether an order can make the account's risk larger: every exchange of a pair, and orders that do more
    /// than reduce what is held.
    private func addsExposure(_ order: OpenOrder) -> Bool {
        if order.settlementAsset == nil { return true }
        if order.reduceOnly || order.closesHedgeLeg { return false }
        guard let position = opposite(to: order) else { return true }
        return order.remaining > position.quantity.magnitude
    }

    /// The position that an order would reduce.
    private func opposite(to order: OpenOrder) -> Position? {
        let position = before.position(
            order.instrument.name, side: order.positionSide, marginMode: order.marginMode)
        return position?.isLong == (order.side == .sell) ? position : nil
    }

    /// A larger order on margin than the position: it repays all that is owed, and its rest is an exchange.
    /// It sells no more than the position has; what it pays beyond that must be free.
    private func repays(_ order: OpenOrder, _ position: Position) throws(Refusal) {
        guard order.side == .buy else {
            throw Refusal(
                .noPosition, "The margin position in \(order.instrument.name) has less than what is sold.",
                field: "quantity")
        }
        let quote = order.instrument.quote
        do {
            let cost = ExactFraction(try order.remaining.times(order.price, rounding: .ceiling))
            let lacking = try cost - ExactFraction(position.amount(of: position.heldAsset))
            guard lacking.isPositive else { return }
            let figures = try figures(of: before)
            let row = rules.assetPlace(quote).flatMap { figures.row($0) }
            let free = try row?[.availBal] ?? .zero
            if lacking > free { throw missing(try lacking - free, quote, field: "quantity") }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.overflow, "A figure of the order does not fit: \(error).", field: "quantity")
        }
    }

    func leverageSet(_ setting: LeverageSetting) throws(Refusal) {
        guard let instrument = rules.instrument(setting.instrument),
            instrument.type != .spot || instrument.loans != nil
        else {
            throw Refusal(
                .notAllowed, "Leverage is set for contracts and for pairs that are traded on margin.",
                field: "instrument")
        }
        guard after.mode.hasDerivatives else {
            throw Refusal(.notAllowed, "Spot mode has no contracts.", field: "instrument")
        }
        guard setting.leverage >= .one else {
            throw Refusal(.notAllowed, "Leverage must be at least 1.", field: "leverage")
        }
        if let side = setting.side, (after.isHedged && instrument.type != .spot) == (side == .net) {
            throw Refusal(
                .notAllowed, "position_side does not fit the position mode.", field: "position_side")
        }
        var most = instrument.maximumLeverage ?? .one
        for position in before.positions where position.instrument.name == setting.instrument {
            let tier =
                position.liability.flatMap { instrument.loans?.tier(of: $0, in: position.instrument) }
                ?? instrument.tier(of: position.quantity.magnitude)
            if let tier { most = min(most, tier.maximumLeverage) }
        }
        guard setting.leverage <= most else {
            throw Refusal(
                .notAllowed, "Leverage of \(setting.instrument) can be at most \(most) with this position.",
                field: "leverage")
        }
    }

    /// Margin put into an isolated position must be free; margin taken out must leave the margin at entry.
    func isolatedMarginAdjusted(_ event: EventBody, _ amount: ExactDecimal) throws(Refusal) {
        guard case .isolatedMarginAdjusted(let key, _) = event,
            let position = after.position(key.instrument.name, side: key.side, marginMode: key.marginMode)
        else { return }
        let currency = position.settlementAsset
        let figures = try figures(of: amount.isPositive ? before : after)
        guard let place = rules.assetPlace(currency) else { return }
        do {
            if amount.isPositive {
                let free = try figures.row(place).map { try $0[.availBal] } ?? .zero
                let put = ExactFraction(amount)
                if put > free { throw missing(try put - free, currency) }
                return
            }
            let valuation = figures.positions.first { $0.position.title == position.title }
            guard let valuation else { return }
            let equity = try valuation[.margin] + valuation[.upl]
            let needed = try valuation[.notional].magnitude / valuation.lever()
            if equity < needed { throw missing(try needed - equity, currency) }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.overflow, "A figure of the position does not fit: \(error).", field: "amount")
        }
    }

    func borrowed() throws(Refusal) {
        guard after.mode == .spot else {
            throw Refusal(
                .notAllowed, "Loans are taken in spot mode only; elsewhere a negative balance is the loan.")
        }
        guard after.spotBorrows else {
            throw Refusal(.notAllowed, "Borrowing is off; set spot_borrow first.")
        }
    }

    func interestAccrued() throws(Refusal) {
        guard after.mode.lends else {
            throw Refusal(.notAllowed, "Futures mode lends nothing, so no interest accrues.")
        }
    }

    func reserved(_ purpose: String) throws(Refusal) {
        guard ReservePurpose(rawValue: purpose) != nil else {
            let names = ReservePurpose.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.invalidField, "purpose must be one of \(names).", field: "purpose")
        }
    }

    func credited(_ purpose: String) throws(Refusal) {
        guard purpose == "reward" else {
            throw Refusal(.invalidField, "OKX credits only the purpose reward.", field: "purpose")
        }
    }
}
