import Crypto
import JSON
import Ledger
import Numbers
import Venue

/// Binance USDⓈ-M Futures: account V3 in single-asset and multi-assets mode, and the paths around it.
///
/// Both profiles speak the same form: Account Information V3 and the recordings differ in slips only.
public struct BinanceVenue: RulebookVenue, VenueServer {
    /// The venue's name in commands and files: `binance`.
    public static let name = VenueName(rawValue: "binance")
    /// The venue's name for people.
    public static var title: String { "Binance USDⓈ-M Futures" }
    /// The request of Account Information V3.
    public static var accountRequests: [String] { ["GET /fapi/v3/account"] }
    /// What the paths of the futures, the wallet and the spot API begin with, and those of the venue's other
    /// products: they are refused in the venue's own form, but for what clients of the futures ask of them.
    public static let pathPrefixes = [
        "/fapi/", "/futures/data/", "/sapi/", "/api/v3/", "/dapi/", "/eapi/", "/papi/",
    ]

    /// The wire form, which makes no difference here: both profiles speak the same.
    public let profile: WireProfile
    /// Every version of the rules.
    public var timeline: RulebookTimeline<RuleTable>

    /// The rulebooks of October 2024 and of what has changed since.
    public static let builtInRulebooks = [
        PackageResources.binance_2024_10_24_json, PackageResources.binance_2025_08_19_json,
        PackageResources.binance_2026_01_01_json, PackageResources.binance_2026_09_15_json,
    ]

    /// The venue with these rules.
    public init(timeline: RulebookTimeline<RuleTable>, profile: WireProfile) {
        self.timeline = timeline
        self.profile = profile
    }

    /// The figures that a new order must not bring below zero.
    public static let acceptanceFigures = ["availableBalance"]

    /// The order's `orderId`.
    public func shownID(of order: OpenOrder, in account: String) -> String {
        String(order.venueID(of: account))
    }

    /// The conditional order's `algoId`.
    public func shownID(of order: ConditionalOrder, in account: String) -> String {
        AlgoOrder(order, of: account).map { String($0.id) } ?? order.id
    }

    /// The figures of an account: totals, asset rows, position rows. Throws `FigureError` where one cannot be
    /// worked out.
    func figures(of snapshot: AccountSnapshot) throws(FigureError) -> AccountFigures {
        try figures(of: snapshot.account, prices: snapshot.prices, at: snapshot.at)
    }

    func figures(
        of account: Account, prices: VenuePrices, at time: LedgerTime
    ) throws(FigureError) -> AccountFigures {
        let rules = rules(at: time)
        return try AccountFigures(
            of: account, ValuationPrices(prices: prices, reference: rules.reference), rules)
    }

    /// The body of `GET /fapi/v3/account`; the endpoint has no parameters of its own, so `query` is not
    /// looked at.
    public func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        let figures = try figures(of: snapshot)
        return try FigureError.turning { try Wire.account(figures) }
    }

    /// Sixty-four letters and digits each, as the venue's own keys.
    public func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(
            apiKey: Alphanumeric.text(64, from: randomBytes(64)),
            secret: Alphanumeric.text(64, from: randomBytes(64)), passphrase: nil)
    }
}

/// Texts of letters and digits that look like the venue's own.
enum Alphanumeric {
    private static let characters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    /// One character per byte; `count` of them, or as many as there are bytes.
    static func text(_ count: Int, from bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes.prefix(count).map { characters[Int($0) % characters.count] }, as: UTF8.self)
    }

    /// A text of at most 64 characters that is always the same for some words, and tells nothing about them.
    static func stable(_ count: Int, of words: String, key: [UInt8] = []) -> String {
        let seed = SHA512.hash(data: key + Array(words.utf8))
        return text(count, from: Array(seed))
    }
}
