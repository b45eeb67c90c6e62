import Ledger
import Numbers
import Venue

/// What a rulebook file of Harbour says.
struct HarbourRules: VenueRules {
    let listed: [Instrument]
    /// What a position must be backed by, as a share of its value.
    let maintenanceRate: ExactDecimal

    init(reading rulebook: FieldReader) throws(Refusal) {
        maintenanceRate = try rulebook.rate("maintenance_rate")
        listed = try rulebook.texts("contracts").map { coin in
            Instrument(
                venue: HarbourVenue.name, name: "\(coin)-PERP", kind: .perpetual, base: coin, quote: "USD",
                settle: "USD")
        }
    }

    func knowsAsset(_ name: String) -> Bool { name == "USD" }
}
