import JSON
import Ledger
import Venue

/// What is asked of an account, and what it is answered from.
struct AccountRequest {
    let venue: CryptoComVenue
    let method: Method
    let id: RequestIdentifier
    private(set) var params: JSONValue
    private(set) var snapshot: AccountSnapshot
    let access: any VenueAccess

    init(
        _ method: Method, id: RequestIdentifier, _ params: JSONValue?, of snapshot: AccountSnapshot,
        _ venue: CryptoComVenue, _ access: any VenueAccess
    ) {
        self.venue = venue
        self.method = method
        self.id = id
        self.params = params ?? .object(JSONObject())
        self.snapshot = snapshot
        self.access = access
    }

    /// One of several that it holds, asked of the account as it stands by now.
    func element(_ params: JSONValue) throws(VenueError) -> AccountRequest {
        guard let current = access.snapshot(of: account.id) else { throw .accountDoesNotExist }
        var element = self
        element.params = params
        element.snapshot = current
        return element
    }

    var account: Account { snapshot.account }
    /// Those in force at the snapshot.
    var rules: CryptoComRules { venue.rules(at: snapshot.at) }
    var reading: OrderReading { OrderReading(params, snapshot, venue) }
    var form: OrderForm { venue.form(snapshot) }

    func text(_ key: String) throws(VenueError) -> String? { try Optional(params).text(key) }

    func integer(_ key: String) throws(VenueError) -> Int64? { try Optional(params).integer(key) }

    /// Whether an instrument is the one that is asked for, or any is. Throws for one that the rulebook does
    /// not know.
    func isWanted() throws(VenueError) -> (Instrument) -> Bool {
        guard let name = try text("instrument_name") else { return { _ in true } }
        guard rules.instrument(name) != nil else { throw .invalidArgument }
        return { $0.name.isExactly(name) }
    }
}

/// What everybody may ask, and what it is answered from.
struct PublicRequest {
    let venue: CryptoComVenue
    let query: [QueryItem]
    let access: any VenueAccess
    /// The ledger's time.
    let now: LedgerTime
    let rules: CryptoComRules
    let market: ValuationPrices

    init(_ query: [QueryItem], _ venue: CryptoComVenue, _ access: any VenueAccess) {
        self.venue = venue
        self.query = query
        self.access = access
        (now, rules, market) = venue.present(through: access)
    }

    func market(of rule: InstrumentRule) -> InstrumentMarket<InstrumentRule> {
        InstrumentMarket(rule, market, access)
    }
}

extension JSONValue? {
    /// A text argument; nil where it is absent or null. A value of another type is refused.
    func text(_ key: String) throws(VenueError) -> String? {
        guard let value = self?[key], !value.isNull else { return nil }
        guard let text = value.text else { throw .invalidRequest }
        return text
    }

    /// A number argument; nil where it is absent or null. A string is refused, as the venue does it.
    func integer(_ key: String) throws(VenueError) -> Int64? {
        guard let value = self?[key], !value.isNull else { return nil }
        guard let number = value.integer else { throw .invalidRequest }
        return number
    }
}
