import JSON
import Ledger
import Numbers
import Venue

/// The rules of one rulebook version: what the venue publishes in `public/get-risk-parameters` and
/// `public/get-instruments`, and the few rates that it only explains.
///
/// A class, as are its rows: figures pass them along for every request, and references cost nothing to pass.
public final class CryptoComRules: VenueRules {
    /// In the rulebook's order.
    let assets: [AssetRule]
    /// In the rulebook's order.
    let instruments: [InstrumentRule]
    let defaults: RiskDefaults
    /// Share of an isolated position's notional that is kept back for fees in the documented form (Crypto.com
    /// Exchange API documentation, private/user-balance, the sample).
    let isolatedFeeReserveRate: ExactDecimal
    /// The fee of a liquidation, which with the account's taker fee is kept back of every position in the
    /// live form; nil for rules of before that was known, by which only isolated positions keep a reserve.
    let liquidationFeeRate: ExactDecimal?
    /// Maintenance margin per initial margin (one half in every recording).
    let maintenanceShare: ExactDecimal
    let spotFees: FeeRates
    let derivativeFees: FeeRates
    let orders: OrderRules
    /// USD prices that hold until prices are given; USD itself is 1.
    public let reference: [String: ExactDecimal]

    private let assetPlaces: [ExactText: Int]
    private let instrumentPlaces: [ExactText: Int]

    /// The asset whose index is 1 by definition, and in which totals and contracts are counted.
    static let usd = "USD"

    /// Reads a whole rulebook.
    public init(reading rulebook: FieldReader) throws(Refusal) {
        defaults = try RiskDefaults(reading: rulebook.record("risk_defaults"))
        isolatedFeeReserveRate = try rulebook.rate("isolated_fee_reserve_rate")
        liquidationFeeRate = try rulebook.optional("liquidation_fee_rate", rulebook.rate)
        maintenanceShare = try rulebook.rate("maintenance_share")
        let fees = try rulebook.record("fees")
        spotFees = try FeeRates(reading: fees.record("spot"))
        derivativeFees = try FeeRates(reading: fees.record("derivative"))
        orders = try OrderRules(reading: rulebook.recordOrEmpty("orders"))

        assets = try rulebook.rows("assets", AssetRule.init)
        assetPlaces = ExactText.places(of: assets.map(\.name))
        guard let usd = assetPlaces[ExactText(Self.usd)], assets[usd].referenceIndex == .one else {
            throw rulebook.wrong("assets.USD", "there, with index 1")
        }
        reference = Dictionary(assets.map { ($0.name, $0.referenceIndex) }) { first, _ in first }

        let names = assets.map(\.name)
        instruments = try rulebook.rows("instruments") { name, reader throws(Refusal) in
            try InstrumentRule(name: name, assets: names, reading: reader)
        }
        instrumentPlaces = ExactText.places(of: instruments.map(\.terms.name))
    }

    /// An asset's rules; nil if the rulebook does not know it.
    func asset(_ name: String) -> AssetRule? { assetPlaces[ExactText(name)].map { assets[$0] } }

    /// An instrument's rules; nil if the rulebook does not know it.
    func instrument(_ name: String) -> InstrumentRule? {
        instrumentPlaces[ExactText(name)].map { instruments[$0] }
    }

    /// The terms of all instruments.
    public var listed: [Instrument] { instruments.map(\.terms) }

    /// An instrument's terms.
    public func terms(of name: String) -> Instrument? { instrument(name)?.terms }

    /// Whether an asset is listed.
    public func knowsAsset(_ name: String) -> Bool { asset(name) != nil }

    /// The rulebook's fee rates of a kind of instrument.
    func fees(of market: FeeSetting.Market) -> FeeRates {
        switch market {
        case .spot: spotFees
        case .derivative: derivativeFees
        }
    }

    /// The least and the most USD that an order of an underlying may be worth.
    func notionalLimits(of asset: String) -> (least: ExactDecimal, most: ExactDecimal) {
        let rule = self.asset(asset)
        return (
            rule?.minimumOrderNotional ?? orders.minimumNotional,
            rule?.maximumOrderNotional ?? orders.maximumNotional
        )
    }

    /// The highest leverage that the venue gives on an instrument.
    func maximumLeverage(of instrument: Instrument) -> ExactDecimal {
        let asset = asset(instrument.base)
        return switch instrument.kind {
        case .spot: asset?.spotLeverage ?? defaults.spotLeverage
        case .perpetual: asset?.perpetualLeverage ?? defaults.perpetualLeverage
        case .future: asset?.futureLeverage ?? defaults.futureLeverage
        }
    }

    /// The margin rate that is added per unit of an instrument: unit margin rate × the kind's multiplier.
    func marginRatePerUnit(of instrument: Instrument) throws(NumberError) -> ExactDecimal {
        let rate = asset(instrument.base)?.unitMarginRate ?? defaults.unitMarginRate
        let multiplier =
            switch instrument.kind {
            case .spot: defaults.spotMultiplier
            case .perpetual: defaults.perpetualMultiplier
            case .future: defaults.futureMultiplier
            }
        return multiplier == .one ? rate : try rate.times(multiplier, rounding: .ceiling)
    }
}

/// What an asset that a rulebook says nothing more about gets (`default_…` of `public/get-risk-parameters`).
struct RiskDefaults: Sendable {
    let spotLeverage: ExactDecimal
    let perpetualLeverage: ExactDecimal
    let futureLeverage: ExactDecimal
    let unitMarginRate: ExactDecimal
    let spotMultiplier: ExactDecimal
    let perpetualMultiplier: ExactDecimal
    let futureMultiplier: ExactDecimal
    /// Every default by the venue's name, as the rulebook spells it, for `public/get-risk-parameters`.
    let printed: [(name: String, value: String)]

    init(reading reader: FieldReader) throws(Refusal) {
        spotLeverage = try reader.leverage("default_max_product_leverage_for_spot")
        perpetualLeverage = try reader.leverage("default_max_product_leverage_for_perps")
        futureLeverage = try reader.leverage("default_max_product_leverage_for_futures")
        unitMarginRate = try reader.rate("default_unit_margin_rate")
        spotMultiplier = try reader.nonNegative("default_umr_multiplier_for_spot")
        perpetualMultiplier = try reader.nonNegative("default_umr_multiplier_for_perps")
        futureMultiplier = try reader.nonNegative("default_umr_multiplier_for_futures")
        var printed: [(name: String, value: String)] = []
        for name in reader.names { printed.append((name, try reader.decimalText(name))) }
        self.printed = printed
    }
}

/// One asset: what it counts as collateral, and what its contracts take.
final class AssetRule: Sendable {
    let name: String
    let fullName: String
    /// The network it is moved on; nil where it is no token.
    let network: NetworkRule?
    let referenceIndex: ExactDecimal
    /// Whether it counts as collateral: where the rulebook has both a haircut and a cap, or says so.
    let isCollateral: Bool
    /// Rate from 0 to 1; zero where it is no collateral.
    let minimumHaircut: ExactDecimal
    /// Growth of the haircut rate per unit held; nil for none: a choice.
    let haircutRatePerUnit: ExactDecimal?
    /// USD value beyond which more of it adds nothing to margin; nil for no cap.
    let collateralCap: ExactDecimal?
    let unitMarginRate: ExactDecimal?
    let spotLeverage: ExactDecimal?
    let perpetualLeverage: ExactDecimal?
    let futureLeverage: ExactDecimal?
    let hourlyInterestRate: ExactDecimal
    /// Whether `reserved_qty` of the live form shows what open buy orders lock of it: recorded of USDT in
    /// 2023, while USD was recorded with 0 from 2024 to 2026.
    let showsLockedAsReserved: Bool
    /// The least and the most USD that an order may be worth; nil where the general limits hold.
    let minimumOrderNotional: ExactDecimal?
    let maximumOrderNotional: ExactDecimal?
    /// The fields of its row in `public/get-risk-parameters`, as the rulebook spells them.
    let printed: [(name: String, value: String)]

    /// The venue's fields, in the order of its answer.
    private static let printedFields = [
        "collateral_cap_notional", "minimum_haircut", "max_product_leverage_for_spot",
        "max_product_leverage_for_perps", "max_product_leverage_for_futures", "unit_margin_rate",
        "max_short_sell_limit", "daily_notional_limit", "order_limit", "max_order_notional_usd",
        "min_order_notional_usd", "long_pos_limit_perps", "short_pos_limit_perps", "long_pos_limit_futures",
        "short_pos_limit_futures",
    ]

    init(name: String, reading reader: FieldReader) throws(Refusal) {
        self.name = name
        fullName = try reader.text("full_name")
        network = reader.has("network") ? try NetworkRule(reading: reader) : nil
        referenceIndex = try reader.positive("reference_index")
        collateralCap = try reader.optional("collateral_cap_notional", reader.nonNegative)
        let isListed = reader.has("minimum_haircut") && collateralCap != nil
        isCollateral = try reader.flag("is_collateral", fallback: isListed)
        minimumHaircut =
            isCollateral && reader.has("minimum_haircut") ? try reader.rate("minimum_haircut") : .zero
        haircutRatePerUnit = try reader.optional("haircut_rate_per_unit", reader.rate)
        unitMarginRate = try reader.optional("unit_margin_rate", reader.rate)
        spotLeverage = try reader.optional("max_product_leverage_for_spot", reader.leverage)
        perpetualLeverage = try reader.optional("max_product_leverage_for_perps", reader.leverage)
        futureLeverage = try reader.optional("max_product_leverage_for_futures", reader.leverage)
        hourlyInterestRate = try reader.optional("hourly_interest_rate", reader.rate) ?? .zero
        showsLockedAsReserved = try reader.flag("locked_is_reserved", fallback: true)
        minimumOrderNotional = try reader.optional("min_order_notional_usd", reader.nonNegative)
        maximumOrderNotional = try reader.optional("max_order_notional_usd", reader.nonNegative)
        var printed: [(name: String, value: String)] = []
        for field in Self.printedFields where reader.has(field) {
            printed.append((field, try reader.decimalText(field)))
        }
        self.printed = printed
    }
}

/// How a token is withdrawn, for `private/get-currency-networks`.
struct NetworkRule: Sendable {
    let identifier: String
    let withdrawalFee: ExactDecimal
    let minimumWithdrawal: ExactDecimal

    init(reading asset: FieldReader) throws(Refusal) {
        identifier = try asset.text("network")
        withdrawalFee = try asset.nonNegative("withdrawal_fee")
        minimumWithdrawal = try asset.nonNegative("min_withdrawal_amount")
    }
}

/// What orders are measured by (`docs/venues/crypto-com.md`).
struct OrderRules: Sendable {
    /// Value in USD, where an asset has no limits of its own.
    let minimumNotional: ExactDecimal
    let maximumNotional: ExactDecimal
    /// How far through the mark a limit may go, and how far a market order may.
    let band: ExactDecimal
    /// How far from the mark an order may rest.
    let restingBand: ExactDecimal
    /// Open orders of an account, and of a pair.
    let openOrders: Int
    let openOrdersOfPair: Int

    /// Rules as a rulebook has them; the usual ones where it leaves any out.
    init(reading reader: FieldReader) throws(Refusal) {
        func decimal(_ field: String, _ usual: ExactDecimal) throws(Refusal) -> ExactDecimal {
            try reader.optional(field, reader.nonNegative) ?? usual
        }
        let hundred = ExactDecimal(100)
        minimumNotional = try decimal("min_order_notional_usd", .one)
        maximumNotional = try decimal("max_order_notional_usd", ExactDecimal(1_000_000))
        let five = (try? ExactDecimal(5).over(hundred, rounding: .halfEven)) ?? .zero
        let fifty = (try? ExactDecimal(50).over(hundred, rounding: .halfEven)) ?? .zero
        band = try decimal("price_band", five)
        restingBand = try decimal("resting_price_band", fifty)
        openOrders = try reader.optional("max_open_orders", reader.positiveCount) ?? 1000
        openOrdersOfPair = try reader.optional("max_open_orders_per_pair", reader.positiveCount) ?? 200
    }
}

/// One instrument: its contract terms and how it is listed.
final class InstrumentRule: Sendable {
    let terms: Instrument
    let priceTick: ExactDecimal
    let quantityTick: ExactDecimal
    /// When a future expires; nil for the others.
    let expiry: LedgerTime?

    init(name: String, assets: [String], reading reader: FieldReader) throws(Refusal) {
        let kind = try reader.choice("kind", Instrument.Kind.self)
        // Contracts settle in USD.
        let quote = try reader.word("quote", among: kind == .spot ? assets : [CryptoComRules.usd])
        terms = Instrument(
            venue: CryptoComVenue.name, name: name, kind: kind, base: try reader.word("base", among: assets),
            quote: quote, settle: quote)
        priceTick = try reader.positive("price_tick_size")
        quantityTick = try reader.positive("qty_tick_size")
        expiry = kind == .future ? try reader.time("expiry") : nil
    }
}

extension FieldReader {
    /// A leverage of at least 1.
    fileprivate func leverage(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "at least 1") { $0 >= .one }
    }
}
