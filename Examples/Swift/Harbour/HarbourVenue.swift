import JSON
import Ledger
import Numbers
import Venue

/// A made-up venue with perpetual contracts in USD.
struct HarbourVenue: RulebookVenue {
    static let name = VenueName(rawValue: "harbour")
    static let title = "Harbour"
    static let builtInRulebooks = [PackageResources.harbour_2026_01_01_json]

    var timeline: RulebookTimeline<HarbourRules>
    let profile: WireProfile

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
