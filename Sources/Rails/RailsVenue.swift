import Crypto
import JSON
import Ledger
import Numbers
import Venue

/// Rails: an account in USD with perpetual markets, read through the User Account API.
///
/// `documented` follows the given balances page: maintenance 3 % of positions at cost, plain unwrapped body.
/// `live` follows the later pages: 10 % of positions at the index price, signed positions, a body within
/// `balances`.
public struct RailsVenue: VenueServer {
    /// `rails`.
    public static let name = VenueName(rawValue: "rails")
    /// `Rails`.
    public static var title: String { "Rails" }

    /// A token, and the balances for it.
    public static var accountRequests: [String] { ["POST /api/v1/token", "GET /api/v1/balances[?market=]"] }

    /// The balances may be narrowed to one market.
    public static var accountParameters: [(name: String, words: String)] { [("market", "one market")] }

    /// Every path of the venue begins so.
    public static let pathPrefixes = ["/api/v1/"]

    /// The wire form, and with it the generation of rules.
    public let profile: WireProfile
    private(set) var timeline: RulebookTimeline<RailsRules>
    let cancellations = CancellationNames()

    /// Reads the built-in rulebook and those added.
    public init(addedRulebooks: [JSONValue], profile: WireProfile) throws {
        self.profile = profile
        timeline = try RulebookTimeline(
            venue: Self.name, builtIn: [PackageResources.rails_2024_01_01_json], added: addedRulebooks)
    }

    /// Every rulebook version, in the order of their effective times.
    public var rulebookVersions: [RulebookHeader] { timeline.versions.map(\.header) }

    /// The venue with other values in the rules in force at a time.
    public func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self {
        var changed = self
        changed.timeline = try timeline.amended(by: amendment, at: time)
        return changed
    }

    /// The rules in force at a time.
    func rules(at time: LedgerTime) -> RuleTable { timeline.rules(at: time).table }

    /// What of the account a new order must leave: no less than nothing.
    public static let acceptanceFigures = ["availableBalance"]

    /// `orderId`.
    public func shownID(of order: OpenOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// `triggerOrderId`.
    public func shownID(of order: ConditionalOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// Every instrument of the rules in force at a time.
    public func listedInstruments(at time: LedgerTime) -> [Instrument] {
        rules(at: time).instruments
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
            apiKey: uuidText(randomBytes(16)),
            secret: String(decoding: Base64.url.encode(randomBytes(32)), as: UTF8.self), passphrase: nil)
    }
}

/// Sixteen bytes or more as the text of a random-looking (version 4) UUID; further bytes are not used.
func uuidText(_ bytes: some Sequence<UInt8>) -> String {
    var digits = Array(hexText(bytes.prefix(16)))
    guard digits.count == 32 else { return String(digits) }
    digits[12] = "4"
    // The variant's two upper bits are 10, so the digit is one of 8, 9, a, b.
    digits[16] = Array("89ab")[(digits[16].hexDigitValue ?? 0) & 3]
    var text = ""
    for (place, digit) in digits.enumerated() {
        if [8, 12, 16, 20].contains(place) { text.append("-") }
        text.append(digit)
    }
    return text
}

/// The uuid that stands for an account in tokens: made from the SHA-256 of its id, so always the same.
func accountUUID(_ account: String) -> String {
    uuidText(SHA256.hash(data: Array("rails account \(account)".utf8)))
}
