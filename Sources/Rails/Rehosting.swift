import Ledger
import Venue

extension RailsVenue {
    /// No commands yet.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        RehostedAccount(commands: [], assumptions: [])
    }
}
