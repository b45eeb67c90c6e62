import JSON
import Ledger
import Numbers
import Venue

/// OKX: its account API of version 5, spoken as a server, over accounts of the ledger.
public struct OKXVenue: RulebookVenue, VenueServer {
    public static let name = VenueName(rawValue: "okx")

    public static var title: String { "OKX" }

    public static var hasPassphrases: Bool { true }

    public static var pathPrefixes: [String] { ["/api/v5/"] }

    public static var accountRequests: [String] { ["GET /api/v5/account/balance[?ccy=]"] }

    public static var accountParameters: [(name: String, words: String)] {
        [("ccy", "currencies, separated by commas")]
    }

    public static var streamPrefixes: [String] { ["/ws/v5"] }

    public let profile: WireProfile
    public var timeline: RulebookTimeline<RuleTable>
    let layouts = BalanceLayouts.answered

    public static let builtInRulebooks = [
        PackageResources.okx_2024_01_01_json, PackageResources.okx_2024_07_18_json,
        PackageResources.okx_2025_07_16_json,
    ]

    public init(timeline: RulebookTimeline<RuleTable>, profile: WireProfile) {
        self.timeline = timeline
        self.profile = profile
    }

    /// The figures that a new order must not bring below zero.
    public static let acceptanceFigures = ["availEq", "availBal"]

    /// The order's `ordId`.
    public func shownID(of order: OpenOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// The conditional order's `algoId`.
    public func shownID(of order: ConditionalOrder, in account: String) -> String {
        OrderID.text(order.sequence)
    }

    /// An account's figures at the time of its snapshot.
    ///
    /// For a balance alone, currencies that are held and nothing else share a table; orders that are alike do
    /// unless they are listed.
    func figures(
        of snapshot: AccountSnapshot, _ rules: RuleTable, isBalance: Bool = false, listsOrders: Bool = false
    ) throws -> AccountFigures {
        try FigureError.turning {
            try AccountFigures(
                of: snapshot.account, market: market(snapshot.prices, rules), rules: rules,
                isBalance: isBalance, listsOrders: listsOrders)
        }
    }

    /// The body of `GET /api/v5/account/balance`.
    ///
    /// Throws `StatementError` for a `ccy` that the venue refuses, `FigureError` where a figure cannot be
    /// worked out.
    public func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let filter = try CurrencyFilter(query["ccy"], rules: rules)
        let figures = try figures(of: snapshot, rules, isBalance: true)
        return try FigureError.turning {
            try BalanceWriter(account: snapshot.account, at: snapshot.at, figures: figures)
                .body(filter: filter, layouts: layouts)
        }
    }

    /// A key of the venue's shape: a UUID, 32 capital hexadecimal digits, and a passphrase.
    public func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(
            apiKey: uuidText(randomBytes(16)), secret: hexText(randomBytes(16), uppercase: true),
            passphrase: hexText(randomBytes(12)))
    }
}

/// The currencies that a `ccy` parameter names; all of them where it is absent or empty.
struct CurrencyFilter: Sendable {
    /// The most codes that one request may name.
    static let longest = 20

    /// Places in the rulebook's assets; nil for all.
    let places: [Int]?

    /// At most 20 codes in capitals, separated by commas.
    ///
    /// Throws `StatementError` for a longer list or an unknown code.
    init(_ text: String?, rules: RuleTable, limit: Int = Self.longest) throws(StatementError) {
        guard let text, !text.isEmpty else {
            places = nil
            return
        }
        let codes = text.split(separator: ",", omittingEmptySubsequences: false)
        guard codes.count <= limit else {
            throw StatementError(field: "ccy", message: "Parameter ccy count exceeds the limit \(limit)")
        }
        var places: [Int] = []
        for code in codes {
            guard let place = rules.assetPlace(String(code)) else {
                throw StatementError(field: "ccy", message: "Parameter ccy error")
            }
            if !places.contains(place) { places.append(place) }
        }
        self.places = places
    }

    /// Whether a currency is asked for.
    func admits(_ place: Int) -> Bool { places?.contains(place) ?? true }
}
