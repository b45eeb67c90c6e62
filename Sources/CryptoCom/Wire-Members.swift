import JSON
import Ledger
import Numbers

// What an account object and its rows have. Every form has the same members, each in an order of its own.

/// How amounts are printed.
enum WireForm {
    /// As the given documents do: at least 8 decimals, switches of rows as strings.
    case documented
    /// As recorded over REST: stripped, but for the haircut and the sum of the rows' collateral.
    case live
    /// As recorded on a socket: stripped.
    case push

    /// `livePlaces`: the least decimals over REST of what is not zero.
    fileprivate func minimumPlaces(of amount: ExactDecimal, livePlaces: Int) -> Int {
        switch self {
        case .documented: 8
        case .live: amount.isZero ? 0 : livePlaces
        case .push: 0
        }
    }
}

/// A member of an account object besides its rows.
enum AccountMember {
    case riskExposure
    case available
    case marginBalance
    case initialMargin
    case haircut
    case positionMargin
    case maintenanceMargin
    case positionCost
    case cashBalance
    case collateralValue
    case unrealised
    case instrumentName
    case sessionRealised
    case effectiveLeverage
    case positionLimit
    case usedLimit
    case borrowed
    case isLiquidating
    case hasRisk
    case isTerminatable
}

/// Everything that an account object shows besides its rows, of the cross pool or of an isolated position;
/// amounts are in USD, rounded as shown.
struct ShownTotals {
    var exposure: ExactDecimal
    var available: ExactDecimal
    var marginBalance: ExactDecimal
    var initialMargin: ExactDecimal
    var haircut: ExactDecimal
    var positionMargin: ExactDecimal
    var maintenanceMargin: ExactDecimal
    var positionCost: ExactDecimal
    var cashBalance: ExactDecimal
    var collateralValue: ExactDecimal
    /// Decimals of the longest row amount: the sum of rows keeps them over REST.
    var collateralPlaces = 0
    var unrealised: ExactDecimal
    var sessionRealised: ExactDecimal
    var effectiveLeverage: ExactDecimal
    var positionLimit: ExactDecimal
    var borrowed = ExactDecimal.zero
    var isLiquidating: Bool
    var hasRisk = false
    var isTerminatable = false

    /// Writes members in this order.
    func write(_ members: [AccountMember], as form: WireForm, to writer: inout JSONWriter) {
        for member in members { write(member, as: form, to: &writer) }
    }

    private func write(_ member: AccountMember, as form: WireForm, to writer: inout JSONWriter) {
        func amount(_ key: StaticString, _ amount: ExactDecimal, livePlaces: Int = 0) {
            writer.key(key)
            writer.quoted(amount, minimumPlaces: form.minimumPlaces(of: amount, livePlaces: livePlaces))
        }
        func flag(_ key: StaticString, _ value: Bool) {
            writer.key(key)
            writer.bool(value)
        }
        switch member {
        case .riskExposure: amount("total_risk_exposure", exposure)
        case .available: amount("total_available_balance", available)
        case .marginBalance: amount("total_margin_balance", marginBalance)
        case .initialMargin: amount("total_initial_margin", initialMargin)
        case .haircut: amount("total_haircut", haircut, livePlaces: 8)
        case .positionMargin: amount("total_position_im", positionMargin)
        case .maintenanceMargin: amount("total_maintenance_margin", maintenanceMargin)
        case .positionCost: amount("total_position_cost", positionCost)
        case .cashBalance: amount("total_cash_balance", cashBalance)
        case .collateralValue:
            amount("total_collateral_value", collateralValue, livePlaces: collateralPlaces)
        case .unrealised: amount("total_session_unrealized_pnl", unrealised)
        case .instrumentName:
            writer.key("instrument_name")
            writer.literal("USD")
        case .sessionRealised: amount("total_session_realized_pnl", sessionRealised)
        case .effectiveLeverage: amount("total_effective_leverage", effectiveLeverage)
        case .positionLimit: amount("position_limit", positionLimit)
        case .usedLimit: amount("used_position_limit", exposure)
        case .borrowed: amount("total_borrow", borrowed)
        case .isLiquidating: flag("is_liquidating", isLiquidating)
        case .hasRisk: flag("has_risk", hasRisk)
        case .isTerminatable: flag("terminatable", isTerminatable)
        }
    }
}

extension ShownTotals {
    /// Those of the cross pool. `exposure` and `positionLimit` are rounded here; what the forms work out
    /// differently is given.
    init(
        of figures: AccountFigures, exposure: ExactFraction, collateralValue: ExactDecimal,
        effectiveLeverage: ExactDecimal, positionLimit: ExactFraction
    ) throws(NumberError) {
        self.init(
            exposure: try Figures.shownRequirement(exposure),
            available: try Figures.shownAmount(figures.available),
            marginBalance: try Figures.shownAmount(figures.marginBalance),
            initialMargin: try Figures.shownRequirement(figures.initialMargin),
            haircut: try Figures.shownRequirement(figures.haircut),
            positionMargin: try Figures.shownRequirement(figures.positionMargin),
            maintenanceMargin: try Figures.shownRequirement(figures.maintenanceMargin),
            positionCost: Figures.shownAmount(figures.positionCost),
            cashBalance: try Figures.shownAmount(figures.cashBalance), collateralValue: collateralValue,
            unrealised: try Figures.shownAmount(figures.unrealised),
            sessionRealised: Figures.shownAmount(figures.sessionRealised),
            effectiveLeverage: effectiveLeverage, positionLimit: try Figures.shownAmount(positionLimit),
            borrowed: try Figures.shownAmount(figures.borrowed), isLiquidating: figures.isLiquidating)
    }

    /// Those of an isolated position, whose rounding of the leverage is the form's own.
    init(of isolated: IsolatedFigures, effectiveLeverage: ExactDecimal) throws(NumberError) {
        let cash = Figures.shownAmount(isolated.cash)
        self.init(
            exposure: try Figures.shownRequirement(isolated.notional),
            available: try Figures.shownAmount(isolated.available),
            marginBalance: try Figures.shownAmount(isolated.marginBalance),
            initialMargin: try Figures.shownRequirement(isolated.initialMargin), haircut: .zero,
            positionMargin: try Figures.shownRequirement(isolated.positionMargin),
            maintenanceMargin: try Figures.shownRequirement(isolated.maintenanceMargin),
            positionCost: Figures.shownAmount(isolated.position.cost.magnitude), cashBalance: cash,
            collateralValue: cash, collateralPlaces: cash.fractionDigits,
            unrealised: try Figures.shownAmount(isolated.unrealised), sessionRealised: .zero,
            effectiveLeverage: effectiveLeverage,
            positionLimit: try Figures.shownAmount(
                Figures.livePositionLimit(
                    maximumLeverage: isolated.leverage, marginBalance: isolated.marginBalance)),
            borrowed: Figures.shownAmount(isolated.borrowed), isLiquidating: isolated.isLiquidating)
    }
}

/// A member of a row.
enum RowMember {
    case instrumentName
    case quantity
    case reserved
    case marketValue
    case isCollateral
    case haircut
    /// The same, never padded.
    case plainHaircut
    case collateralAmount
    case maximumWithdrawal
    case hourlyInterestRate
}

extension RowFigures {
    /// Writes a row's members in this order. Quantities stand as held.
    fileprivate func write(
        _ members: [RowMember], as form: WireForm, to writer: inout JSONWriter
    ) throws(NumberError) {
        writer.beginObject()
        for member in members { try write(member, as: form, to: &writer) }
        writer.endObject()
    }

    private func write(
        _ member: RowMember, as form: WireForm, to writer: inout JSONWriter
    ) throws(NumberError) {
        func amount(_ key: StaticString, _ amount: ExactDecimal) {
            writer.key(key)
            writer.quoted(amount, minimumPlaces: form.minimumPlaces(of: amount, livePlaces: 0))
        }
        switch member {
        case .instrumentName:
            writer.key("instrument_name")
            writer.string(asset)
        case .quantity: amount("quantity", quantity)
        case .reserved: amount("reserved_qty", reserved)
        case .marketValue: amount("market_value", try Figures.shownAmount(marketValue))
        case .isCollateral:
            writer.key("collateral_eligible")
            switch form {
            case .documented: writer.literal(isCollateral ? "true" : "false")
            case .live, .push: writer.bool(isCollateral)
            }
        case .haircut: amount("haircut", haircutRate)
        case .plainHaircut:
            writer.key("haircut")
            writer.quoted(haircutRate)
        case .collateralAmount: amount("collateral_amount", try Figures.shownAmount(collateralAmount))
        case .maximumWithdrawal: amount("max_withdrawal_balance", try Figures.shownAmount(maximumWithdrawal))
        case .hourlyInterestRate: amount("hourly_interest_rate", hourlyInterestRate)
        }
    }
}

extension JSONWriter {
    /// A member with rows, whose members are in this order.
    mutating func rows(
        _ key: StaticString, _ rows: [RowFigures], _ members: [RowMember], as form: WireForm
    ) throws(NumberError) {
        self.key(key)
        beginArray()
        for row in rows { try row.write(members, as: form, to: &self) }
        endArray()
    }

    /// The members that say which isolated position it is.
    mutating func isolation(_ isolated: IsolatedFigures, of account: String) {
        key("isolation_id")
        string(StableIdentifier.isolation(account: account, instrument: isolated.position.instrument.name))
        key("leverage")
        quoted(isolated.leverage)
        key("isolation_type")
        literal("ISOLATED_MARGIN")
    }

    /// A member with an empty array.
    mutating func emptyArray(_ key: StaticString) {
        self.key(key)
        beginArray()
        endArray()
    }
}
