import JSON
import Ledger
import Numbers
import Venue

/// A made-up venue with perpetual contracts in USD.
struct HarbourVenue: Venue {
    static let name = VenueName(rawValue: "harbour")
    static let title = "Harbour"

    let profile: WireProfile
    private(set) var timeline: RulebookTimeline<HarbourRules>

    init(addedRulebooks: [JSONValue], profile: WireProfile) throws {
        self.profile = profile
        timeline = try RulebookTimeline(
            venue: Self.name, builtIn: [PackageResources.harbour_2026_01_01_json], added: addedRulebooks)
    }

    var rulebookVersions: [RulebookHeader] { timeline.versions.map(\.header) }

    func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self {
        var changed = self
        changed.timeline = try timeline.amended(by: amendment, at: time)
        return changed
    }

    func rules(at time: LedgerTime) -> HarbourRules { timeline.rules(at: time) }

    func listedInstruments(at time: LedgerTime) -> [Instrument] { rules(at: time).contracts }

    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" }

    var defaultSettings: Settings { Settings() }

    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue {
        throw Refusal(.unknownField, "Harbour has no settings.", field: "settings.\(name)")
    }

    func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        Credentials(apiKey: hexText(randomBytes(8)), secret: hexText(randomBytes(32)), passphrase: nil)
    }

    /// A withdrawal leaves what positions need; of everything else that a ledger can keep, Harbour has fills.
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {
        switch event {
        case .accountOpened, .deposited, .filled: return
        case .withdrawn:
            if forced { return }
            let snapshot = AccountSnapshot(account: after, prices: prices, at: time)
            guard let free = try? HarbourFigures(of: snapshot, at: self)[.free], !free.isNegative else {
                throw Refusal(.insufficientBalance, "Positions need what would be left.", field: "amount")
            }
        default: throw Refusal(.notAllowed, "Harbour does not have this.")
        }
    }
}
