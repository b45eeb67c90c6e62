import Ledger
import Venue

extension CryptoComVenue {
    /// No commands yet.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        RehostedAccount(commands: [], assumptions: [])
    }
}
