import JSON
import Ledger
import Numbers
import Venue

extension Account {
    /// The setting `max_leverage`, a ratio; judged to be a decimal above 0 when it was set.
    var maximumLeverage: ExactDecimal { decimal(setting: "max_leverage") ?? AccountDefaults.maximumLeverage }

    /// The setting `position_limit` in USD, or what was raised in its place.
    var positionLimit: ExactDecimal {
        overridden("position_limit")?.text.flatMap { try? ExactDecimal($0) } ?? decimal(
            setting: "position_limit")
            ?? AccountDefaults.positionLimit
    }

    /// The taker fee rate of the account: its setting `fees`, else the rulebook's.
    func takerFee(of market: FeeSetting.Market, _ rules: CryptoComRules) -> ExactDecimal {
        feeRate(market, .taker) ?? rules.fees(of: market).taker
    }

    /// The maker fee rate of the account: its setting `fees`, else the rulebook's.
    func makerFee(of market: FeeSetting.Market, _ rules: CryptoComRules) -> ExactDecimal {
        feeRate(market, .maker) ?? rules.fees(of: market).maker
    }

    private func decimal(setting: String) -> ExactDecimal? {
        settings.text(setting).flatMap { try? ExactDecimal($0) }
    }
}

/// What an account's settings are until they are set (`docs/settings.md`).
enum AccountDefaults {
    static let maximumLeverage = ExactDecimal(20)
    static let positionLimit = ExactDecimal(3_000_000)
}

/// What funds can be reserved or credited for.
enum Purpose {
    static let reserved = "reserved"
}
