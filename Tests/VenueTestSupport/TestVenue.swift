import JSON
import Ledger
import Numbers
import Venue

/// A venue of two assets, one contract and one rule: no withdrawal beyond the cash.
public struct TestVenue: VenueServer {
    public static let name = VenueName(rawValue: "testing")
    public static let pathPrefixes = ["/testing/"]

    public init() {}
    public init(addedRulebooks: [JSONValue], profile: WireProfile) throws {}

    public var conventions: Conventions { Conventions(amountPlaces: 8) }
    public var profile: WireProfile { .documented }
    public var rulebookVersions: [RulebookHeader] { [] }
    public var defaultSettings: Settings { Settings([("hedge", .bool(false))]) }

    public func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        switch name {
        case "BTC-PERP":
            Instrument(
                venue: Self.name, name: name, kind: .perpetual, base: "BTC", quote: "USD", settle: "USD")
        case "BTC-USD":
            Instrument(
                venue: Self.name, name: name, kind: .spot, base: "BTC", quote: "USD", settle: "USD")
        default: nil
        }
    }

    public func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" || name == "BTC" }

    public func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        guard name == "hedge" else { throw Refusal(.unknownField, "no such setting", field: name) }
        return value
    }

    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        .one
    }

    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    public func isHedged(_ account: Account) -> Bool { account.settings.flag("hedge") }

    public func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: ["USD": .one])
    }

    public func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        guard !forced, case .withdrawn(let asset, _, _) = event, after.cash(asset).isNegative else { return }
        throw Refusal(.insufficientBalance, "not enough \(asset)", field: "amount")
    }

    public func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        Array("\(snapshot.account.cash("USD")) at \(snapshot.at)".utf8)
    }

    public func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self { self }

    public func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation]
    { [] }

    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? { nil }

    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        VenueResponse(body: [])
    }

    public func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(
            apiKey: hexText(randomBytes(8)), secret: hexText(randomBytes(16)),
            passphrase: hexText(randomBytes(4)))
    }
}
