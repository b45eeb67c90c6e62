import Ledger
import Numbers
import Venue

// Open orders, from the answer to `open-orders`: another moment than the balance's.

extension AccountAudit {
    static let unpublishedOrders =
        "The venue's formula is not published in full, and the two answers came at different moments."
}

extension AccountFigures {
    /// The open orders of the answers, or why they are not all known.
    func take(ordersOf answers: ReportedAccount) {
        do {
            orders = try OrderFigures.all(in: answers, of: self)
        } catch FigureGap.missing(let reason) {
            lackOfOrders = reason
            for row in rows { row.lack(.spotOrders, because: reason) }
        } catch {
            lackOfOrders = "The orders do not fit."
        }
        for order in orders {
            let row = rows.first { $0.name == order.mode.currency }
            if order.mode.isExchange {
                row?.spotOrders.append(order)
            } else {
                row?.marginOrders.append(order)
            }
        }
        // Fees are held beside what orders hold; what is not told of them is left over.
        for row in rows where (try? row[.orderFees]) == nil {
            row.recover(.orderFees, .zero, as: "fees of open orders, not shown")
        }
    }
}

extension OrderFigures {
    fileprivate static func all(
        in answers: ReportedAccount, of account: AccountFigures
    ) throws -> [OrderFigures] {
        guard let rows = answers.orders else { throw FigureGap.missing("open-orders was not answered.") }
        if rows.count >= ReportedAccount.orderLimit {
            throw FigureGap.missing(
                "open-orders has no room for more than the first hundred: others may be missing.")
        }
        return try rows.map { row in
            let type = row["instType"].text
            guard let instrument = account.rules.instrument(row["instId"].text),
                instrument.type.rawValue == type
            else {
                let name = [type, row["instId"].text].joined(separator: " ")
                throw FigureGap.missing("The rulebook does not know \(name), of which there is an order.")
            }
            return OrderFigures(row, instrument, answers, in: account)
        }
    }

    /// An order as its row has it.
    private convenience init(
        _ row: ReportedObject, _ instrument: InstrumentRules, _ answers: ReportedAccount,
        in account: AccountFigures
    ) {
        let moment = answers.moment(of: .openOrders)
        let terms = instrument.terms
        let isContract = terms.kind.isDerivative
        let isBuy = row["side"].text == "buy"
        let isClosing = row.positionSide == (isBuy ? .short : .long)
        let marginMode = MarginMode(rawValue: row["tdMode"].text) ?? .cross
        let currency = isContract ? terms.settle : isBuy ? terms.quote : terms.base
        self.init(
            row["ordId"].text, currency: account.rules.assetPlace(currency) ?? -1,
            OrderMode(
                kind: isContract ? terms.payoff == .inverse ? .inverse : .linear : .exchange,
                currency: currency, isBuy: isBuy, isCross: marginMode == .cross,
                isFree: isClosing || row["reduceOnly"].text == "true",
                isPooled: marginMode == .isolated || account.mode == .futures), in: account)
        infer(.sz, as: "sz − accFillSz", from: ["sz", "accFillSz"].map(row.path(of:)), at: moment) {
            try row.implied("sz") - row.implied("accFillSz")
        }
        report(.px, row, at: moment, asInput: true, evidence: .binary)
        recover(.ctVal, terms.contractValue, as: "contract value of \(terms.name)")
        recover(.orderFeeRate, account.rules.margin.orderFeeRate, as: "fee rate of orders")
        recover(
            .takerRate, account.rules.feeRate(.taker, of: instrument, in: account.account), as: "taker rate")
        isLeverageSet = true
        report(.ownLever, row, PositionRowFigure.lever.rawValue, at: moment, asInput: true)
        infer(.index, as: "USD price of \(currency)", at: answers.moment(of: .balance)) {
            guard let detail = answers.detail(currency) else {
                throw FigureGap.missing("USD price of \(currency) is absent.")
            }
            return try Inference.price(of: detail).number
        }
    }
}
