import JSON
import Ledger
import Numbers
import Venue

// Position rows of the ledger's accounts.

extension OpenOrder {
    /// Reduce-only orders, and those that close a side of hedge mode, take none: a choice.
    var takesMargin: Bool { !onlyReduces }
}

/// An account of the ledger, shared by its rows.
final class LedgerAccount: Sendable {
    let account: Account

    init(_ account: Account) { self.account = account }
}

/// What belongs into one position row.
struct PositionRowInputs {
    let rules: SymbolRules
    let side: PositionSide
    let marginMode: MarginMode
    /// Where the position stands among the account's; nil where there is none.
    var position: Int?
    var hasOrders = false
    var hasFreeOrders = false

    init(_ rules: SymbolRules, _ side: PositionSide, _ marginMode: MarginMode) {
        self.rules = rules
        self.side = side
        self.marginMode = marginMode
    }

    /// One for each symbol, side and margin mode that has a position or an open order; by symbol, then
    /// `LONG`, `SHORT`.
    ///
    /// Throws `FigureError.priceMissing` for a symbol that the rulebook in force does not know any more.
    static func all(of account: Account, _ rules: RuleTable) throws(FigureError) -> [PositionRowInputs] {
        if account.positions.isEmpty && account.orders.isEmpty { return [] }
        var all: [PositionRowInputs] = []
        all.reserveCapacity(account.positions.count + account.orders.count)
        func place(
            _ instrument: Instrument, _ side: PositionSide, _ marginMode: MarginMode
        ) throws(FigureError) -> Int {
            if let found = all.firstIndex(where: {
                $0.side == side && $0.marginMode == marginMode && $0.rules.name == instrument.name
            }) {
                return found
            }
            guard let symbol = rules.symbol(instrument.name) else {
                throw FigureError.priceMissing(instrument.name)
            }
            all.append(PositionRowInputs(symbol, side, marginMode))
            return all.count - 1
        }
        for (index, position) in account.positions.enumerated() {
            all[try place(position.instrument, position.side, position.marginMode)].position = index
        }
        for order in account.orders {
            let row = try place(order.instrument, order.positionSide, order.marginMode)
            if order.takesMargin { all[row].hasOrders = true } else { all[row].hasFreeOrders = true }
        }
        all.sort { $0.precedes($1) }
        return all
    }

    private func precedes(_ other: PositionRowInputs) -> Bool {
        if rules.name != other.rules.name { return rules.name < other.rules.name }
        if side != other.side { return side == .long }
        return marginMode == .cross && other.marginMode == .isolated
    }
}

extension PositionRow {
    /// A row of an account of the ledger.
    convenience init(
        _ inputs: PositionRowInputs, of ledger: LedgerAccount, _ market: ValuationPrices, _ table: RuleTable,
        in book: FigureBook
    ) {
        let account = ledger.account
        let rules = inputs.rules
        let position = inputs.position.map { account.positions[$0] }
        let own = account.leverage(setFor: rules.name)
        let given = market.prices.marks[rules.name]
        let instrument = rules.instrument
        let mode = PositionMode(
            marginMode: inputs.marginMode, isOpen: position != nil,
            marginForm: table.account.marginForm,
            indexes: given == nil ? (instrument.base, instrument.quote) : nil, hasOwnLeverage: own != nil,
            hasOrders: inputs.hasOrders, hasFreeOrders: inputs.hasFreeOrders,
            isCoefficientSet: account.notionalCoefficient != .one,
            marginAsset: account.marginAsset(of: rules, table))
        self.init(rules.name, inputs.side, rules, mode, in: book)
        self.ledger = ledger
        give(.quantity, position?.quantity ?? .zero)
        give(.cost, position?.cost ?? .zero)
        give(.commission, position?.fees ?? .zero)
        give(.realizedProfit, position?.realised ?? .zero)
        give(.wallet, position?.isolatedWallet ?? .zero)
        give(.leverage, own ?? rules.defaultLeverage(table))
        // A closed position is gone from the account, but when it last changed is still known.
        let lastChange = position?.updatedAt ?? account.activity(rules.name)?.updatedAt
        give(.lastChange, ExactDecimal(Int(lastChange?.milliseconds ?? 0)))
        if let given {
            pricedAt = given.at
            give(.givenPrice, given.price)
        } else {
            let prices = market.prices.index
            indexedAt = (prices[instrument.base]?.at, prices[instrument.quote]?.at)
            if let base = market.index(instrument.base) { give(.baseIndex, base) }
            if let quote = market.index(instrument.quote) { give(.quoteIndex, quote) }
        }
    }

    /// A row with some numbers, for what others would come to.
    convenience init(_ numbers: [PositionFigure: ExactDecimal], _ marginForm: PrintForm = .halfUp(8)) {
        self.init("", .net, nil, PositionMode(marginForm: marginForm), in: FigureBook())
        for (figure, number) in numbers { give(figure, number) }
    }
}
