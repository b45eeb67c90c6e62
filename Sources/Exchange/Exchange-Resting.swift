import Ledger
import Numbers

/// What new prices make of orders that rest.
extension Exchange {
    /// A resting order, and where it is.
    private struct Resting {
        let account: String
        let orderID: String
        let sequence: Int64
    }

    /// Ends what has expired and fills what the market has come to, of one venue and the instruments that new
    /// prices concern, in the order in which the orders were placed or expired.
    func rest(
        at venue: VenueName, _ names: Names, _ judge: any VenueJudge, _ time: LedgerTime,
        in ledger: inout LedgerState
    ) -> [Event] {
        if execution == .manual { return [] }
        var expired: [Resting] = []
        var watched: [Resting] = []
        for id in ledger.tradingAccounts(of: venue) {
            guard let account = ledger.account(id) else { continue }
            for order in account.orders {
                // Prices of an earlier time touch no later order.
                guard let terms = order.terms, order.placedAt <= time else { continue }
                let resting = Resting(account: id, orderID: order.id, sequence: order.sequence)
                if let end = terms.expiresAt, end <= time {
                    expired.append(resting)
                } else if names.concern(order.instrument) {
                    watched.append(resting)
                }
            }
        }
        var events: [Event] = []
        for resting in expired.sorted(by: { $0.sequence < $1.sequence }) {
            events += end(resting, .goodTillDate, judge, time, in: &ledger)
        }
        for resting in watched.sorted(by: { $0.sequence < $1.sequence }) {
            events += fill(resting, judge, time, in: &ledger)
        }
        return events
    }

    private func draft(
        _ resting: Resting, _ judge: any VenueJudge, _ time: LedgerTime, in ledger: LedgerState
    ) -> Draft? {
        let command = Command(account: resting.account, content: .trade(.cancelAll(instrument: nil)))
        return try? ledger.draft(of: command, judges: [judge.name: judge], now: time)
    }

    private func end(
        _ resting: Resting, _ reason: OrderEnd, _ judge: any VenueJudge, _ time: LedgerTime,
        in ledger: inout LedgerState
    ) -> [Event] {
        guard let draft = draft(resting, judge, time, in: ledger) else { return [] }
        let body = EventBody.orderEnded(orderID: resting.orderID, reason)
        return (try? ledger.settle([body], draft: draft, forced: true)) ?? []
    }

    private func fill(
        _ resting: Resting, _ judge: any VenueJudge, _ time: LedgerTime, in ledger: inout LedgerState
    ) -> [Event] {
        guard let draft = draft(resting, judge, time, in: ledger),
            let order = draft.account.order(.id(resting.orderID)),
            let terms = judge.tradingTerms(of: order.instrument, in: draft.account, at: time),
            let touch = touch(of: order.instrument, draft, terms),
            touch.reaches(order.side, limit: order.price, execution)
        else { return [] }
        var quantity = min(order.remaining, touch.traded ?? order.remaining)
        if order.onlyReduces {
            guard let held = Self.reducible(order.position, by: order.side, draft.account) else {
                return end(resting, .reduceOnly, judge, time, in: &ledger)
            }
            quantity = min(quantity, held)
        }
        // A resting order fills at its own price, whatever the market has come to.
        if let fill = try? fill(order, quantity, at: order.price, .maker, terms, draft),
            let bodies = try? trade(fill, of: order, draft),
            let events = try? ledger.settle(bodies, draft: draft, forced: true)
        {
            return events
        }
        return end(resting, .unbookable, judge, time, in: &ledger)
    }
}
