import JSON
import Ledger
import Numbers
import Venue

/// A venue of two assets, one contract and one rule: no withdrawal beyond the cash.
struct TestVenue: VenueModel {
    static let name = VenueName(rawValue: "testing")
    static let pathPrefixes = ["/testing/"]

    init() {}
    init(addedRulebooks: [JSONValue], profile: WireProfile) throws {}

    var conventions: Conventions { Conventions(amountPlaces: 8) }
    var profile: WireProfile { .documented }
    var rulebookVersions: [RulebookHeader] { [] }
    var defaultSettings: Settings { Settings([("hedge", .bool(false))]) }

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
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

    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" || name == "BTC" }

    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        guard name == "hedge" else { throw Refusal(.unknownField, "no such setting", field: name) }
        return value
    }

    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    {
        .one
    }

    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { account.settings.flag("hedge") }

    func market(_ prices: VenuePrices, at time: LedgerTime) -> Market {
        Market(prices: prices, reference: ["USD": .one])
    }

    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        guard !forced, case .withdrawn(let asset, _, _) = event, after.cash(asset).isNegative else { return }
        throw Refusal(.insufficientBalance, "not enough \(asset)", field: "amount")
    }

    func statement(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        Array("\(snapshot.account.cash("USD")) at \(snapshot.at)".utf8)
    }

    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self { self }

    func explain(_ snapshot: AccountSnapshot, through access: any VenueAccess) throws -> [Explanation] { [] }

    func health(of snapshot: AccountSnapshot) throws -> MarginHealth? { nil }

    func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        VenueResponse(body: [])
    }

    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(
            apiKey: hexText(randomBytes(8)), secret: hexText(randomBytes(16)),
            passphrase: hexText(randomBytes(4)))
    }
}
