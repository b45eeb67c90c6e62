import Ledger
import Numbers
import Venue

extension AccountFigures {
    /// The part of a currency's liability that bears no interest, in the currency: what unrealized losses
    /// have made of it, at most the interest-free quota: the currency's own + the positive cross equity of
    /// the currencies that widen it (`docs/venues/okx.md`).
    func interestFreeLiability(of asset: AssetRules, _ rules: RuleTable) throws -> ExactFraction {
        var free = ExactFraction(asset.interestFreeQuota)
        for name in rules.margin.quotaWideners[asset.name] ?? [] {
            guard let place = rules.assetPlace(name), let other = row(place) else { continue }
            try free += max(.zero, other[.eq] - other[.isoEq])
        }
        let place = rules.assetPlace(asset.name)
        return try min(free, place.flatMap { row($0) }.map { try $0[.uplLiab] } ?? .zero)
    }
}

extension OKXVenue {
    /// Interest of one hour per unit owed: daily rate ÷ 24, cut to 16 places (OKX API documentation, Get
    /// interest accrued data; recorded).
    static func hourlyRate(daily: ExactDecimal) throws(NumberError) -> ExactDecimal {
        try daily.over(ExactDecimal(24), places: 16, rounding: .towardZero)
    }

    /// Interest that the venue charges for one full hour: liability × daily rate ÷ 24, rounded up at 16
    /// places; the amount for an `accrue_interest` command (`docs/venues/okx.md`).
    public static func hourlyInterest(
        liability: ExactFraction, dailyRate: ExactDecimal
    ) throws(NumberError) -> ExactDecimal {
        try liability.times(dailyRate).over(ExactDecimal(24)).rounded(places: 16, rounding: .ceiling)
    }

    /// Interest of what a margin position owes: of each hour, that with all interest before × daily rate ÷
    /// 24, rounded up at 16 places.
    public func marginInterest(
        on position: Position, hours: Int, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal {
        guard let liability = position.liability else {
            throw Refusal(.notAllowed, "A contract owes nothing.", field: "instrument")
        }
        guard let daily = rules(at: time).asset(liability.asset)?.borrowRate else {
            throw Refusal(
                .notAllowed, "\(liability.asset) has no rate of interest in the rulebook.", field: "asset")
        }
        do {
            var owed = liability.amount
            for _ in 0..<hours {
                let interest = try Self.hourlyInterest(liability: ExactFraction(owed), dailyRate: daily)
                owed = try owed + interest
            }
            return try owed - liability.amount
        } catch {
            throw Refusal(.overflow, "The interest of the position does not fit: \(error).")
        }
    }

    /// The interest of so many full hours, in the currency: of each hour, the liability without its
    /// interest-free part × daily rate ÷ 24, rounded up at 16 places. What an hour adds is owed in the next;
    /// prices stand still, and positions with them.
    public func interest(
        on asset: String, of account: Account, hours: Int, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal {
        guard account.mode.lends else {
            throw Refusal(.notAllowed, "Futures mode lends nothing, so no interest accrues.")
        }
        let rules = rules(at: time)
        guard let place = rules.assetPlace(asset), let daily = rules.assets[place].borrowRate else {
            throw Refusal(
                .notAllowed, "\(asset) is not lent: it has no rate of interest in the rulebook.",
                field: "asset")
        }
        do {
            var charged = account
            var total = ExactDecimal.zero
            for _ in 0..<hours {
                let figures = try figures(
                    of: AccountSnapshot(account: charged, prices: prices, at: time), rules)
                let liability = try figures.row(place).map { try $0[.crossLiab] } ?? .zero
                let bearing = try liability - figures.interestFreeLiability(of: rules.assets[place], rules)
                let interest = try Self.hourlyInterest(
                    liability: max(.zero, bearing), dailyRate: daily)
                if interest.isZero { break }
                try total += interest
                try charged.apply(
                    Event(
                        sequence: charged.lastSequence + 1, at: time, account: account.id,
                        body: .interestAccrued(asset: asset, amount: interest)))
            }
            return total
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.overflow, "The interest of account \(account.id) cannot be worked out: \(error).")
        }
    }
}
