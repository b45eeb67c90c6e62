import JSON
import Ledger

/// What an all-or-none batch is about to change, as it was before.
struct Undo {
    private var accounts: [(id: String, before: Account?)] = []
    private var prices: [(VenueName, VenuePrices)] = []
    private let sequence: Int64

    init(before submissions: [Submission], in ledger: LedgerState) {
        sequence = ledger.lastSequence
        var ids: Set<ExactText> = []
        var venues: Set<VenueName> = []
        for submission in submissions {
            guard case .command(.success(let command)) = submission.content else { continue }
            if let account = command.account { ids.insert(ExactText(account)) }
            switch command.content {
            case .transfer(let to, _, _, _): ids.insert(ExactText(to))
            case .prices(let venue, _, _), .quotes(let venue, _):
                venues.insert(VenueName(rawValue: venue))
                // Prices make the orders fill that rest at their venue.
                let watched = ledger.watched(of: VenueName(rawValue: venue))
                ids.formUnion(watched.accounts.map { ExactText($0) })
            case .fundingOfMarket(let venue, let instrument, _):
                let holders = ledger.holders(of: instrument, at: VenueName(rawValue: venue))
                ids.formUnion(holders.map { ExactText($0) })
            default: break
            }
        }
        accounts = ids.map { ($0.text, ledger.account($0.text)) }
        prices = venues.map { ($0, ledger.prices(of: $0)) }
    }

    /// Puts the ledger back to where it was.
    func undo(in ledger: inout LedgerState) {
        for (id, before) in accounts {
            if let before { ledger.restore(before) } else { ledger.remove(account: id) }
        }
        for (venue, before) in prices where ledger.prices(of: venue) != before {
            ledger.restore(prices: before, of: venue)
        }
        ledger.rollBack(to: sequence)
    }
}

extension CommandGroup {
    /// Takes over the events of another group that came right after this one's.
    mutating func take(_ other: CommandGroup) {
        for event in other.events {
            events.append(event)
            note(event.event)
        }
        applied += other.applied
        duplicates += other.duplicates
        rejected += other.rejected
    }
}
