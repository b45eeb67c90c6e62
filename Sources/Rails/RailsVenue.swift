import JSON
import Ledger
import Numbers
import Venue

/// Rails: an account in USD with perpetual markets, read through the User Account API.
///
/// `documented` follows the page Get Account Balances: maintenance 3 % of positions at cost, plain unwrapped
/// body.
/// `live` follows the later pages: 10 % of positions at the index price, signed positions, a body within
/// `balances`.
public struct RailsVenue: RulebookVenue, VenueServer {
    /// The venue's name in commands and files: `rails`.
    public static let name = VenueName(rawValue: "rails")
    /// The venue's name for people.
    public static var title: String { "Rails" }

    /// A token, and the balances for it.
    public static var accountRequests: [String] { ["POST /api/v1/token", "GET /api/v1/balances[?market=]"] }

    /// The balances may be narrowed to one market.
    public static var accountParameters: [(name: String, words: String)] { [("market", "one market")] }

    /// Every path of the venue begins so.
    public static let pathPrefixes = ["/api/v1/"]

    /// The wire form, and with it the generation of rules.
    public let profile: WireProfile
    /// Every version of the rules.
    public var timeline: RulebookTimeline<RuleTable>
    let cancellations = CancellationNames()

    /// One, of January 2024.
    public static let builtInRulebooks = [PackageResources.rails_2024_01_01_json]

    /// The venue with these rules.
    public init(timeline: RulebookTimeline<RuleTable>, profile: WireProfile) {
        self.timeline = timeline
        self.profile = profile
    }

    /// The figures that a new order must not bring below zero.
    public static let acceptanceFigures = ["availableBalance"]

    /// The order's `orderId`.
    public func shownID(of order: OpenOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// The trigger order's `triggerOrderId`.
    public func shownID(of order: ConditionalOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// The figures of an account in this profile.
    func figures(of snapshot: AccountSnapshot) -> AccountFigures {
        AccountFigures(
            of: snapshot.account, market: market(snapshot.prices, at: snapshot.at),
            rules: rules(at: snapshot.at), profile: profile)
    }

    /// Why every figure of the balances body is what it is, in the body's order.
    ///
    /// Paths are those of the unwrapped body, such as `marketBalancesMap.BTC-USD.pnl`. After the totals, and
    /// after each market, come the figures that they are worked out from and that the body does not show,
    /// such as `equity` and `marketBalancesMap.BTC-USD.unrealizedPnl`. Throws `FigureError` where a figure
    /// cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        try explanations(of: figures(of: snapshot))
    }

    private func explanations(of figures: AccountFigures) throws(FigureError) -> [Explanation] {
        try FigureError.turning {
            try figures.explanations() + figures.markets.flatMap { try $0.explanations() }
        }
    }

    /// The balances body, byte for byte; `query` may narrow its map by `market`.
    public func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter: MarketFilter
        do {
            filter = try MarketFilter(query, rules: rules)
        } catch {
            throw StatementError(field: "market", message: error.message)
        }
        return try balancesBody(of: figures(of: snapshot), filter: filter, rules: rules)
    }

    /// A UUID as the key and 32 random bytes as the secret; what Rails' own look like is not published.
    public func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(
            apiKey: uuidText(randomBytes(16), isRandom: true),
            secret: String(decoding: Base64.url.encode(randomBytes(32)), as: UTF8.self), passphrase: nil)
    }
}

/// The uuid that stands for an account in tokens: made from the SHA-256 of its id, so always the same.
func accountUUID(_ account: String) -> String {
    uuidText(stableDigest(of: "rails account \(account)"), isRandom: true)
}
