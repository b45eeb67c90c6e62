import Ledger
import Venue

extension RailsVenue {
    /// None yet.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] { [] }
}
