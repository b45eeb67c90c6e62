import JSON
import Ledger
import Numbers
import Venue

/// What one position comes to at the market, in its settlement currency and in USD.
struct PositionMeasure: Sendable {
    let mark: ExactDecimal
    /// Signed like the quantity.
    let notional: ExactFraction
    let notionalUSD: ExactFraction
    let unrealised: ExactFraction
    /// Cost × contract value: the notional at entry, signed.
    let costValue: ExactFraction
    /// Signed size in the underlying: quantity × contract value (linear), the same ÷ mark (inverse).
    let delta: ExactFraction
    /// Of the tier that the whole position stands in; zero without tiers.
    let maintenanceRate: ExactDecimal
    /// What a margin position owes, in its settlement currency; nil for a contract. `notional` is then what
    /// was traded, `notionalUSD` what the position has, `costValue` what it owes, signed like the position.
    let loan: ExactFraction?

    init(
        of position: Position, instrument place: Int, settlementIndex: ExactDecimal,
        _ market: ValuationPrices,
        _ rules: RuleTable, _ override: MarkOverride? = nil
    ) throws {
        let terms = position.instrument
        if let override, override.instrument.hasSameTerms(as: terms) {
            mark = override.price
        } else {
            mark = try market.requiredMark(terms)
        }
        if let margin = position.margin, let liability = position.liability {
            let inBase = margin.asset == terms.base
            let price = mark
            func worth(_ amount: ExactDecimal, of asset: String) throws(NumberError) -> ExactFraction {
                try Figures.amount(
                    ExactFraction(amount), isBase: asset == terms.base, inBase: inBase, price: price)
            }
            let heldAmount = position.amount(of: position.heldAsset)
            let held = try worth(heldAmount, of: position.heldAsset)
            let owed = try worth(liability.amount, of: liability.asset)
            let wallet = ExactFraction(position.isolatedWallet)
            // Base coins traded: a short one owes them, a long one has them beside its margin.
            let coins = position.isLong ? try held - wallet : owed
            notional = position.isLong ? coins : -coins
            let usd = try ExactFraction(heldAmount).times(market.requiredIndex(position.heldAsset))
            notionalUSD = position.isLong ? usd : -usd
            costValue = position.isLong ? owed : -owed
            unrealised = try Figures.marginUnrealised(held: held, owed: owed, margin: wallet)
            delta = ExactFraction(position.quantity)
            maintenanceRate =
                rules.instruments[place].loans?.tier(of: liability, in: terms)?.maintenanceRate ?? .zero
            loan = owed
            return
        }
        loan = nil
        let isInverse = terms.payoff == .inverse
        let size = try Figures.size(contracts: position.quantity, value: terms.contractValue)
        notional = try Figures.notional(size: size, isInverse: isInverse, price: mark)
        notionalUSD = try Figures.notionalUSD(
            size: size, notional: notional, isInverse: isInverse, settlementIndex: settlementIndex)
        costValue = try Figures.costValue(position.cost, contractValue: terms.contractValue)
        unrealised = try Figures.unrealised(notional: notional, costValue: costValue, isInverse: isInverse)
        delta = isInverse ? notional : size
        maintenanceRate =
            rules.tier(instrument: place, contracts: position.quantity.magnitude)?.maintenanceRate ?? .zero
    }
}

extension PositionMeasure {
    /// What must be maintained of it, in its settlement currency.
    func maintenance() throws(NumberError) -> ExactFraction {
        if let loan { return try Figures.borrowMaintenance(loan, rate: maintenanceRate) }
        return try Figures.maintenanceMargin(notional: notional, rate: maintenanceRate)
    }

    /// The fee of liquidating it, in its settlement currency.
    func liquidationFee(rate: ExactDecimal) throws(NumberError) -> ExactFraction {
        if let loan {
            return try Figures.borrowLiquidationFee(loan, maintenanceRate: maintenanceRate, feeRate: rate)
        }
        return try Figures.liquidationFee(notional: notional, rate: rate)
    }

    /// `uplRatio`.
    func unrealisedRatio(of position: Position, leverage: ExactDecimal) throws(NumberError) -> ExactFraction?
    {
        guard loan != nil else {
            return try Figures.unrealisedRatio(
                unrealised: unrealised, costValue: costValue, leverage: leverage)
        }
        let margin =
            position.marginMode == .isolated
            ? ExactFraction(position.isolatedWallet)
            : try Figures.initialMargin(notional: notional, leverage: leverage)
        return try Figures.marginUnrealisedRatio(unrealised: unrealised, margin: margin)
    }
}

extension RuleTable {
    /// The tier that so many contracts of an instrument stand in.
    func tier(instrument place: Int, contracts: ExactDecimal) -> PositionTier? {
        instruments[place].tier(of: contracts)
    }

    /// The leverage of an instrument until one is set: the rulebook's, at most the instrument's own highest.
    func defaultLeverage(of instrument: Instrument) -> ExactDecimal {
        guard let most = self.instrument(instrument.name)?.maximumLeverage else {
            return instrument.kind.isDerivative ? margin.defaultLeverage : .one
        }
        return min(most, margin.defaultLeverage)
    }
}

extension Account {
    /// The leverage in force for a position, an order or a side of an instrument.
    func leverageInForce(
        of instrument: Instrument, side: PositionSide, marginMode: MarginMode, _ rules: RuleTable
    ) -> ExactDecimal {
        if !leverages.isEmpty, let set = leverage(instrument.name, side: side, marginMode: marginMode) {
            return set
        }
        return rules.defaultLeverage(of: instrument)
    }

    func leverageInForce(of position: Position, _ rules: RuleTable) -> ExactDecimal {
        leverageInForce(of: position.instrument, side: position.side, marginMode: position.marginMode, rules)
    }

    /// A raised field as a decimal; nil where none is raised or it is "".
    func raisedDecimal(_ flag: String, asset: String?) -> ExactDecimal? {
        guard !raised.isEmpty, let text = raised(flag, asset: asset)?.text else { return nil }
        return try? ExactDecimal(text)
    }
}

/// What funds can be reserved for, as `reserve` commands spell it.
enum ReservePurpose: String, Sendable, CaseIterable {
    /// Bots: out of cash, `stgyEq`.
    case strategy
    /// `fixedBal`.
    case fixed
    /// `smtSyncEq`.
    case smartSync = "smart_sync"
    /// `spotCopyTradingEq`.
    case copyTrading = "copy_trading"
    /// `spotIsoBal`.
    case copyTradingIsolated = "copy_trading_isolated"
}
