import Ledger
import Numbers
import Venue

// What is kept back for the fees of closing positions: which rate, of what.

/// The rates that a fee reserve may follow from.
struct ReserveShare {
    /// Nil where the rate is one fixed one.
    let liquidationFee: ExactDecimal?
    /// The taker fee rate, or the fixed rate.
    let rate: ExactDecimal
    /// How far an account's own taker fee rate can move the reserve, per notional.
    let most: ExactDecimal

    /// No taker fee is above a tenth of a per cent, and none is kept back below nothing.
    private static let highestFee = (try? ExactDecimal("0.001")) ?? .zero

    init(liquidationFee: ExactDecimal, takerFee: ExactDecimal) {
        self.liquidationFee = liquidationFee
        rate = takerFee
        most = Self.highestFee
    }

    init(fixed rate: ExactDecimal) {
        liquidationFee = nil
        self.rate = rate
        most = rate
    }
}

extension AccountAudit {
    /// The rates by which positions of a margin mode keep a reserve in the reported form; nil where no rule
    /// is known.
    func reserveShare(of mode: MarginMode) -> ReserveShare? {
        guard reported.isLive, let fee = rules.liquidationFeeRate else { return nil }
        return ReserveShare(liquidationFee: fee, takerFee: rules.derivativeFees.taker)
    }

    /// The rates as inputs: with the rulebook's taker fee where the reserve follows from it, else with the
    /// one that the reported balance implies where that is a whole number of hundredths of a basis point.
    ///
    /// `before` is the balance without a reserve.
    func reserveRate(
        _ share: ReserveShare, in account: ReportedObject, before: ExactFraction, notional: AuditInput
    ) -> [AuditInput] {
        guard let liquidationFee = share.liquidationFee else {
            return [AuditInput(rule: "fee reserve rate", share.rate)]
        }
        let fee = AuditInput(rule: "liquidation fee rate", liquidationFee)
        let usual = AuditInput(rule: "taker fee rate", share.rate)
        guard let size = notional.value.cutNumber, size.isPositive,
            let balance = account["total_margin_balance"].cutNumber,
            let reserve = try? before - ExactFraction(balance),
            let exact = try? reserve.over(size) - ExactFraction(liquidationFee),
            let implied = try? exact.rounded(places: 6, rounding: .halfUp), implied != share.rate,
            !implied.isNegative, implied <= share.most,
            // Every input may be off by a unit of the eighth place.
            let gap = try? (exact - ExactFraction(implied)).magnitude.times(size),
            let blur = try? Self.lastPlace.times(ExactDecimal(4 + reported.rows.count), rounding: .ceiling),
            gap <= ExactFraction(blur)
        else { return [fee, usual] }
        // Of dust every rate would do; the rulebook's goes first.
        if let byRule = try? Self.reserve(
            of: ExactFraction(size), [ExactFraction(liquidationFee), ExactFraction(share.rate)]),
            let gap = try? (reserve - byRule).magnitude, gap <= ExactFraction(blur)
        {
            return [fee, usual]
        }
        return [fee, AuditInput(rule: "taker fee rate that it implies", implied)]
    }

    /// The reserve of a notional by one rate, or by a liquidation fee and a taker fee.
    static func reserve(
        of notional: ExactFraction, _ rates: ArraySlice<ExactFraction>
    ) throws -> ExactFraction {
        let decimals = rates.compactMap(\.decimal)
        guard decimals.count == rates.count, let first = decimals.first else { throw NumberError.malformed }
        let rate =
            decimals.count > 1
            ? try Figures.feeReserveRate(liquidationFee: first, takerFee: decimals[1]) : first
        return try Figures.feeReserve(notional: notional, rate: rate)
    }

    private static func reserve(
        of notional: ExactFraction, _ rates: [ExactFraction]
    ) throws -> ExactFraction { try reserve(of: notional, rates[...]) }

    // MARK: - What cross positions are worth

    /// How much is known of what positions are worth.
    enum NotionalCertainty {
        /// It follows from the answer's own figures.
        case own
        /// It is that or less.
        case atMost
        /// It follows from another answer.
        case ofAnotherAnswer
    }

    /// What the cross positions are worth at mark, in the live form: their cost and profit where the used
    /// limit is that and holdings; else by `positions` where that was answered; else at most what the used
    /// limit has beside holdings.
    var crossNotional: (input: AuditInput, certainty: NotionalCertainty)? {
        guard let rest = restOfUsedLimit else { return nil }
        if isLongOnly { return (longSize, .own) }
        if let exposure {
            let input = AuditInput(
                derived: "Σ |cost + session_pnl|", exposure.positionSize, blur: blur(exposure.units))
            if case .contradicts = acrossAnswers { return (input, .own) }
            return (input, .ofAnotherAnswer)
        }
        guard let cost = reported.account["total_position_cost"].cutNumber else { return nil }
        if cost.isZero { return (AuditInput(rule: "no position: total_position_cost is 0", .zero), .own) }
        let input = AuditInput(
            derived: "used_position_limit − market_value of holdings", rest,
            blur: blur(1 + reported.rows.count))
        return (input, .atMost)
    }

    /// What the used limit has beside eligible holdings; nil outside the live form, or where it cannot be
    /// read.
    private var restOfUsedLimit: ExactDecimal? {
        guard reported.isLive, let used = reported.account["used_position_limit"].cutNumber else {
            return nil
        }
        let values = reported.rows.filter { $0.isCollateral == true && $0.name != CryptoComRules.usd }
            .map { $0["market_value"].cutNumber?.magnitude }
        guard !values.contains(nil), let sum = try? values.compactMap({ $0 }).sum() else { return nil }
        return try? max(.zero, used - sum)
    }

    /// The cost of positions and their profit: what they are worth where all of them are long.
    var longSize: AuditInput {
        let fields = ["total_position_cost", "total_session_unrealized_pnl"]
        let parts = fields.compactMap { reported.account[$0].cutNumber }
        guard parts.count == 2, let sum = try? parts.sum() else {
            return AuditInput("total_position_cost + total_session_unrealized_pnl", .absent)
        }
        return AuditInput(
            derived: "total_position_cost + total_session_unrealized_pnl", sum.magnitude, blur: blur(2))
    }

    /// Whether the used limit says that all positions are long and nothing is ordered: that it is holdings,
    /// cost and profit.
    var isLongOnly: Bool {
        guard let rest = restOfUsedLimit, rest.isPositive, let size = longSize.value.cutNumber,
            let gap = try? (rest - size).magnitude
        else { return false }
        return gap <= blur(3 + reported.rows.count)
    }

    /// So many units of the eighth place.
    func blur(_ units: Int) -> ExactDecimal {
        (try? Self.lastPlace.times(ExactDecimal(units), rounding: .ceiling)) ?? .zero
    }
}
