import Ledger
import Venue

/// What is asked of an account, and what it is answered from.
struct AccountRequest {
    let venue: RailsVenue
    let query: [QueryItem]
    let snapshot: AccountSnapshot
    /// Those in force now.
    let rules: RuleTable
    let access: any VenueAccess

    var account: Account { snapshot.account }

    var figures: AccountFigures { venue.figures(of: snapshot) }

    func marketFilter() throws(RailsError) -> MarketFilter { try MarketFilter(query, rules: rules) }
}
