import JSON
import Ledger
import Venue

/// What somebody asks the reasons of: an order, or a conditional one with the order that it has placed.
struct OrderSubject {
    let record: OrderRecord?
    let conditional: ConditionalOrder?
    /// When the last of it happened; nil while it goes on.
    let end: LedgerTime?

    /// By the ledger's id, the client's or the venue's, in this order; open ones before ended ones. Nil where
    /// the account has none of it.
    init?(
        _ id: String, of account: Account, _ history: TradingHistory, _ model: any VenueServer
    ) throws(HistoryForgotten) {
        let records = account.orders.map { OrderRecord($0) } + history.ended.reversed()
        let ended = history.conditionals.reversed()
        let conditionals = account.conditionals + ended.map(\.order)
        let found =
            records.first { $0.order.id.isExactly(id) }
            ?? records.first { $0.order.terms?.clientID.isExactly(id) == true }
            ?? records.first { model.shownID(of: $0.order, in: account.id).isExactly(id) }
        if let found {
            let conditionalID = found.order.terms?.conditional
            conditional = conditionalID.flatMap { id in conditionals.first { $0.id.isExactly(id) } }
            record = found
            if conditionalID != nil, conditional == nil { try history.require(.conditionals) }
        } else {
            let named =
                conditionals.first { $0.id.isExactly(id) }
                ?? conditionals.first { $0.terms.clientID.isExactly(id) }
                ?? conditionals.first { model.shownID(of: $0, in: account.id).isExactly(id) }
            guard let named else {
                for list in [TradingHistory.List.orders, .conditionals] { try history.require(list) }
                return nil
            }
            conditional = named
            record = records.first { $0.order.terms?.conditional.isExactly(named.id) == true }
            if record == nil { try history.require(.orders, from: named.sequence) }
        }
        if let record {
            end = record.ending == nil ? nil : record.updatedAt
        } else {
            let id = conditional?.id
            end = ended.first { $0.order.id.isExactly(id ?? "") }?.endedAt
        }
    }

    /// The place of the journal behind which its life begins.
    var start: Int64 { max(0, (conditional?.sequence ?? record?.order.sequence ?? 0) - 1) }

    /// Whether an event is of its life.
    func isOf(_ event: Event) -> Bool {
        if let id = event.body.orderID { return record?.order.id.isExactly(id) == true }
        if let order = record?.order, order.sequence == event.sequence { return true }
        guard let conditional else { return false }
        return event.body.conditionalID.isExactly(conditional.id) || event.sequence == conditional.sequence
    }
}

extension EventBody {
    /// Whether an order came to be by it, or was refused.
    var takesOrder: Bool {
        switch self {
        case .orderPlaced, .orderRefused: true
        default: false
        }
    }

    /// Whether the passing of time alone brought it.
    var isOfTime: Bool {
        switch self {
        case .orderEnded(_, .goodTillDate), .orderEnded(_, .timer): return true
        case .conditionalEnded(_, let end): return end.reason == .expired
        default: return false
        }
    }

    /// The instruments that it is about, with an account as it was before it.
    func instruments(in account: Account?) -> [Instrument] {
        switch self {
        case .orderPlaced(let order), .orderRefused(let order, _): return [order.instrument]
        case .filled(let fill): return [fill.instrument]
        case .conditionalPlaced(let order): return [order.instrument]
        case .positionImported(let imported): return [imported.position.instrument]
        case .isolatedMarginAdjusted(let position, _), .funded(let position, _, _),
            .marginInterestAccrued(let position, _):
            return [position.instrument]
        case .settled(_, let settlements): return settlements.map(\.position.instrument)
        case .priced, .quoted, .fundingFixed: return account?.tradedInstruments ?? []
        default:
            if let id = orderID { return (account?.order(.id(id))?.instrument).map { [$0] } ?? [] }
            if let id = conditionalID {
                return (account?.conditional(.id(id))?.instrument).map { [$0] } ?? []
            }
            return []
        }
    }
}

extension Account {
    /// The instruments of its positions and orders, each once.
    fileprivate var tradedInstruments: [Instrument] {
        var found: [Instrument] = []
        let all = positions.map(\.instrument) + orders.map(\.instrument) + conditionals.map(\.instrument)
        for instrument in all where !found.contains(where: { $0.name == instrument.name }) {
            found.append(instrument)
        }
        return found
    }
}
