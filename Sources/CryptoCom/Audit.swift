import Ledger
import Venue

extension CryptoComVenue {
    /// None yet.
    public func audit(_ statement: Statement, rulesAt time: LedgerTime) -> [AuditFinding] { [] }
}
