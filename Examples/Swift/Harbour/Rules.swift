import Ledger
import Numbers
import Venue

/// What a rulebook file of Harbour says.
struct HarbourRules: RulebookRules {
    let contracts: [Instrument]
    /// What a position must be backed by, as a share of its value.
    let maintenanceRate: ExactDecimal

    init(reading rulebook: RulebookReader) throws(RulebookError) {
        maintenanceRate = try rulebook.decimal("maintenance_rate")
        var contracts: [Instrument] = []
        for entry in try rulebook.member("contracts").elements() {
            let coin = try entry.text()
            contracts.append(
                Instrument(
                    venue: HarbourVenue.name, name: "\(coin)-PERP", kind: .perpetual, base: coin,
                    quote: "USD", settle: "USD"))
        }
        self.contracts = contracts
    }
}
