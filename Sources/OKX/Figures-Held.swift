import Ledger
import Numbers
import Venue

// Most currencies of an account are held and nothing else. A balance is made without a table for each of
// them: one takes them in turn.

/// A currency that is held and nothing else: cash that is not below 0, and no position, order, reserve,
/// credit, spot cost, interest or loan.
struct HeldCurrency {
    /// Where the currency stands in the rulebook's assets.
    let place: Int
    /// Where it stands in the account's holdings.
    let holding: Int
    /// USD per unit.
    let index: ExactDecimal
    var isCollateral = true
    var eqUsd = ExactFraction.zero
    var disEq = ExactFraction.zero
}

/// A currency's place in a balance.
enum BalanceRow {
    case table(CurrencyFigures)
    /// By its place among those that are held and nothing else.
    case held(Int)
}

extension AccountFigures {
    /// Works out what the account adds up of the currencies that are held and nothing else.
    func workOutHeld() throws {
        if held.isEmpty { return }
        let table = CurrencyFigures(held: self)
        for place in held.indices {
            table.take(held[place])
            held[place].eqUsd = try table[.eqUsd]
            if mode != .futures { held[place].disEq = try table[.disEq] }
        }
        heldTable = table
    }

    /// The one table, with the amounts of such a currency.
    func table(ofHeld place: Int) -> CurrencyFigures? {
        guard let table = heldTable else { return nil }
        table.take(held[place])
        table.give(.eqUsd, held[place].eqUsd)
        table.give(.disEq, held[place].disEq)
        return table
    }

    /// Σ of one figure over the currencies of which it is not 0.
    func sum(_ figure: CurrencyFigure) throws -> ExactFraction {
        var sum = try rows.sumOfSome(figure)
        if figure == .disEq { for currency in held { try sum += currency.disEq } }
        return sum
    }

    /// Σ of one figure in USD: × index price of each currency.
    func inUsd(_ figure: CurrencyFigure) throws -> ExactFraction {
        var sum = try rows.products(figure)
        if figure == .eq { for currency in held { try sum += currency.eqUsd } }
        return sum
    }

    /// The rows of a balance: those that are not empty and that the filter admits. What orders alone hold of
    /// a currency makes a row too: the account's figures are sums over rows.
    func balanceRows(_ filter: CurrencyFilter) throws -> [BalanceRow] {
        try balanceRows(held: { filter.admits($0.place) && !account.holdings[$0.holding].cash.isZero }) {
            try filter.admits($0.place)
                && !($0[.cashBal].isZero && $0[.eq].isZero && $0[.frozenBal].isZero)
        }
    }

    /// The rows that are to be shown, by falling eqUsd, equal ones by first appearance.
    @inline(__always)
    func balanceRows(
        held isHeldShown: (HeldCurrency) -> Bool = { _ in false },
        where isShown: (CurrencyFigures) throws -> Bool
    ) throws -> [BalanceRow] {
        var order: [(eqUsd: ExactFraction, holding: Int, row: BalanceRow)] = []
        order.reserveCapacity(rows.count + held.count)
        // Accounts hold few currencies, and mostly in the same order: an insertion sort beats the general
        // one.
        func insert(_ eqUsd: ExactFraction, _ holding: Int, _ row: BalanceRow) {
            var target = order.count
            while target > 0,
                order[target - 1].eqUsd < eqUsd
                    || order[target - 1].eqUsd == eqUsd && order[target - 1].holding > holding
            { target -= 1 }
            order.insert((eqUsd, holding, row), at: target)
        }
        for place in held.indices where isHeldShown(held[place]) {
            insert(held[place].eqUsd, held[place].holding, .held(place))
        }
        for row in rows where try isShown(row) { insert(try row[.eqUsd], row.holding ?? .max, .table(row)) }
        return order.map(\.row)
    }
}

extension CurrencyFigures {
    /// The table that takes an account's currencies that are held and nothing else in turn.
    convenience init(held account: AccountFigures) {
        self.init(
            -1, "", nil, holding: nil, updatedAt: LedgerTime(milliseconds: 0), in: account, FigureBook())
        giveRates()
        for figure in CurrencyFigure.allCases where figure.isOfUse { give(figure, .zero as ExactDecimal) }
        for figure in [CurrencyFigure.principal, .interest, .reserves, .stgyEq] {
            give(figure, .zero as ExactDecimal)
        }
    }

    /// Takes the amounts and rules of such a currency.
    func take(_ currency: HeldCurrency) {
        book.forget()
        place = currency.place
        rules = account.rules.assets[currency.place]
        isCollateral = currency.isCollateral
        updatedAt = account.account.holdings[currency.holding].updatedAt
        give(.index, currency.index)
        give(.cashBal, account.account.holdings[currency.holding].cash)
        giveQuota()
    }
}
