import JSON
import Ledger
import Venue

/// What is asked of an account, and what it is answered from.
struct AccountRequest {
    let venue: OKXVenue
    let query: [QueryItem]
    /// Null of a GET.
    let body: JSONValue
    let snapshot: AccountSnapshot
    /// Those in force at the snapshot.
    let rules: RuleTable
    let access: any VenueAccess

    init(
        _ query: [QueryItem] = [], body: JSONValue = .null, of snapshot: AccountSnapshot, _ venue: OKXVenue,
        _ access: any VenueAccess
    ) {
        self.venue = venue
        self.query = query
        self.body = body
        self.snapshot = snapshot
        rules = venue.rules(at: snapshot.at)
        self.access = access
    }

    var account: Account { snapshot.account }

    func figures() throws -> AccountFigures { try venue.figures(of: snapshot, rules) }
}

/// What everybody may ask, and what it is answered from.
struct PublicRequest {
    let venue: OKXVenue
    let query: [QueryItem]
    let access: any VenueAccess
    /// The ledger's time.
    let now: LedgerTime
    let rules: RuleTable
    let market: ValuationPrices

    init(_ query: [QueryItem], _ venue: OKXVenue, _ access: any VenueAccess) {
        self.venue = venue
        self.query = query
        self.access = access
        (now, rules, market) = venue.present(through: access)
    }

    /// The market of an instrument.
    func market(of entry: InstrumentRules) -> InstrumentMarket<InstrumentRules> {
        InstrumentMarket(entry, market, access)
    }
}
