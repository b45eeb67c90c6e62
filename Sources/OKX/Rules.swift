import Ledger
import Numbers
import Venue

/// OKX's rules as one rulebook version has them: one object, so that taking the rules of a time costs one
/// reference.
public final class RuleTable: VenueRules {
    /// In the order of the file.
    let assets: [AssetRules]
    /// In the order of the file.
    let instruments: [InstrumentRules]
    /// USD prices used until prices are given.
    public let reference: [String: ExactDecimal]
    let margin: MarginRules
    let portfolio: PortfolioRules
    /// Where each instrument's currencies stand in `assets`.
    let links: [InstrumentLink]
    private let assetPlaces: NameTable
    private let instrumentPlaces: NameTable

    public init(reading rulebook: FieldReader) throws(Refusal) {
        margin = try MarginRules(reading: rulebook.record("margin"))
        portfolio = try PortfolioRules(reading: rulebook.record("portfolio"))
        assets = try rulebook.rows("assets", AssetRules.init)
        let curves = try PositionTier.curves(in: rulebook)
        let margin = margin
        let quotas = Dictionary(assets.map { ($0.name, $0.borrowQuota) }, uniquingKeysWith: { $1 })
        instruments = try rulebook.rows("instruments") { name, entry throws(Refusal) in
            try InstrumentRules(name: name, reading: entry, curves: curves, margin: margin, quotas: quotas)
        }
        assetPlaces = NameTable(assets.map(\.name))
        instrumentPlaces = NameTable(instruments.map(\.terms.name))
        reference = Dictionary(assets.map { ($0.name, $0.referenceIndex) }, uniquingKeysWith: { $1 })
        var links: [InstrumentLink] = []
        for entry in instruments {
            guard let base = assetPlaces.place(of: entry.terms.base),
                let quote = assetPlaces.place(of: entry.terms.quote)
            else {
                throw rulebook.refusal(
                    .invalidField, "an asset of it is missing from assets.",
                    field: "instruments.\(entry.terms.name)")
            }
            links.append(
                InstrumentLink(
                    base: base, quote: quote, settle: entry.terms.payoff == .inverse ? base : quote))
        }
        self.links = links
    }

    /// Where an asset stands in `assets`; nil if it is unknown.
    func assetPlace(_ name: String) -> Int? { assetPlaces.place(of: name) }

    /// The rules of an asset; nil if it is unknown.
    func asset(_ name: String) -> AssetRules? { assetPlace(name).map { assets[$0] } }

    /// Where an instrument stands in `instruments`; nil if it is unknown.
    func instrumentPlace(_ name: String) -> Int? { instrumentPlaces.place(of: name) }

    /// The rules of an instrument; nil if it is unknown.
    func instrument(_ name: String) -> InstrumentRules? { instrumentPlace(name).map { instruments[$0] } }

    public var listed: [Instrument] { instruments.map(\.terms) }

    public func terms(of name: String) -> Instrument? { instrument(name)?.terms }

    public func knowsAsset(_ name: String) -> Bool { assetPlace(name) != nil }
}

/// Where the currencies of an instrument stand among the rulebook's assets.
struct InstrumentLink: Sendable {
    let base: Int
    let quote: Int
    let settle: Int

    /// Where the currency stands that a position's margin and profit are in.
    func settle(of position: Position) -> Int {
        guard let margin = position.margin else { return settle }
        return margin.asset == position.instrument.base ? base : quote
    }
}

/// Rules of one currency. An object, so that handing it on costs one reference and not one for each table.
final class AssetRules: Sendable {
    let name: String
    /// USD per unit, used until an index price is given.
    let referenceIndex: ExactDecimal
    let discount: DiscountTable
    /// Liability out of unrealized loss that bears no interest, in the currency; zero if none.
    let interestFreeQuota: ExactDecimal
    /// Interest per day; nil where the currency cannot be borrowed.
    let borrowRate: ExactDecimal?
    /// The most that one account may borrow, in the currency; zero where it cannot be borrowed.
    let borrowQuota: ExactDecimal
    let supportsAutoLend: Bool
    /// Networks of deposits and withdrawals.
    let chains: [String]
    /// `"ccy":"BTC"` and so on, ready to be copied.
    let quotedName: [UInt8]

    fileprivate init(name: String, reading entry: FieldReader) throws(Refusal) {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard !name.isEmpty, isPlain else {
            throw entry.refusal(
                .invalidField, "\(name) is no currency code of capital letters and digits.",
                field: "reference_index")
        }
        self.name = name
        quotedName = Array("\"\(name)\"".utf8)
        referenceIndex = try entry.positive("reference_index")
        discount = try DiscountTable(reading: entry)
        interestFreeQuota = try entry.optionalDecimal("interest_free_quota") ?? .zero
        borrowRate = try entry.optionalDecimal("borrow_rate")
        borrowQuota = try entry.optionalDecimal("borrow_quota") ?? .zero
        supportsAutoLend = try entry.flag("auto_lend", fallback: false)
        chains = try entry.optional("chains", entry.texts) ?? []
    }
}

/// What share of a currency's equity counts as margin, by marginal tiers.
struct DiscountTable: Sendable {
    /// What tier limits are counted in: coins since mid-2024, USD before.
    enum Unit: String, CaseIterable, Sendable {
        case coin
        case usd = "USD"
    }

    struct Tier: Sendable {
        /// The equity at which the tier ends; nil for the last one without an end.
        let upTo: ExactDecimal?
        let rate: ExactDecimal
    }

    let unit: Unit
    let tiers: [Tier]
    /// The rate beyond the last tier.
    let minimumRate: ExactDecimal

    init(unit: Unit, tiers: [Tier], minimumRate: ExactDecimal = .zero) {
        self.unit = unit
        self.tiers = tiers
        self.minimumRate = minimumRate
    }

    fileprivate init(reading entry: FieldReader) throws(Refusal) {
        let unit = entry.has("discount_unit") ? try entry.choice("discount_unit", Unit.self) : .coin
        var tiers: [Tier] = []
        for row in try entry.rows("discount_tiers", of: ["limit", "rate"]) {
            let tier = Tier(upTo: try row.endOfTier(), rate: try row.rate("rate"))
            let last = tiers.last?.upTo ?? .zero
            guard tiers.isEmpty || tiers.last?.upTo != nil, tier.upTo.map({ $0 > last }) ?? true else {
                throw row.wrong("limit", "above that of the tier before it")
            }
            tiers.append(tier)
        }
        self.init(
            unit: unit, tiers: tiers,
            minimumRate: try entry.optionalDecimal("min_discount_rate") ?? .zero)
    }
}

/// Rules that all currencies and instruments share.
struct MarginRules: Sendable {
    /// The leverage of an instrument until one is set.
    let defaultLeverage: ExactDecimal
    /// Estimated fee of an open contract order, as a share of its notional at the limit price.
    let orderFeeRate: ExactDecimal
    /// Fee of a liquidation, as a share of notional.
    let swapTakerRate: ExactDecimal
    let futuresTakerRate: ExactDecimal
    /// Rates of trades, of a pair and of a contract, for an account without rates of its own.
    private let spotFees: (maker: ExactDecimal, taker: ExactDecimal)
    private let contractFees: (maker: ExactDecimal, taker: ExactDecimal)
    /// How far from the mark a contract's limit price may lie on the side that costs, as a share of it.
    let priceLimit: ExactDecimal
    /// Borrowed USD per USD of initial margin.
    let borrowLeverage: ExactDecimal
    /// Maintenance margin per borrowed USD.
    let borrowMaintenanceRate: ExactDecimal
    /// Liquidation fee per borrowed USD, charged on 1 + maintenance rate.
    let borrowLiquidationFee: ExactDecimal
    /// Initial and maintenance margin per borrowed USD in portfolio mode (MR8).
    let portfolioBorrowInitialRate: ExactDecimal
    let portfolioBorrowMaintenanceRate: ExactDecimal
    /// The margin ratio at which the venue begins to warn of a liquidation.
    let warningRatio: ExactDecimal
    /// How spot pairs are traded on margin; nil where the rulebook says nothing of it.
    let pairs: PairRules?
    /// By how many ticks an isolated position's `liqPx` lies beside the solution of its margin equation.
    let isolatedLiquidationTicks: ExactDecimal
    /// Currencies whose positive cross equity widens another currency's interest-free quota.
    let quotaWideners: [String: [String]]

    fileprivate init(reading reader: FieldReader) throws(Refusal) {
        defaultLeverage = try reader.positive("default_leverage")
        orderFeeRate = try reader.decimal("order_fee_rate")
        let taker = try reader.record("taker_rate")
        swapTakerRate = try taker.decimal("SWAP")
        futuresTakerRate = try taker.decimal("FUTURES")
        spotFees = try Self.fees("spot", in: reader, .zero)
        contractFees = try Self.fees("derivative", in: reader, swapTakerRate)
        priceLimit = try reader.optionalDecimal("price_limit") ?? .one
        let borrow = try reader.record("borrow")
        borrowLeverage = try borrow.positive("leverage")
        borrowMaintenanceRate = try borrow.decimal("mmr")
        borrowLiquidationFee = try borrow.decimal("liquidation_fee")
        portfolioBorrowInitialRate = try borrow.decimal("portfolio_imr")
        portfolioBorrowMaintenanceRate = try borrow.decimal("portfolio_mmr")
        warningRatio = try reader.optionalDecimal("liquidation_warning") ?? ExactDecimal(3)
        pairs = reader.has("margin_trading") ? try PairRules(reading: reader.record("margin_trading")) : nil
        isolatedLiquidationTicks =
            try reader.recordOrEmpty("liquidation_price").optionalDecimal("isolated_ticks") ?? .one
        let wideners = try reader.recordOrEmpty("interest_free_quota_of")
        var quotaWideners: [String: [String]] = [:]
        for asset in wideners.names { quotaWideners[asset] = try wideners.texts(asset) }
        self.quotaWideners = quotaWideners
    }

    /// The rate of a trade.
    func tradeFee(_ liquidity: Liquidity, of type: InstrumentType) -> ExactDecimal {
        let fees = type == .spot ? spotFees : contractFees
        return liquidity == .maker ? fees.maker : fees.taker
    }

    /// Rates of a market; a rulebook that has none charges the one given.
    private static func fees(
        _ market: String, in reader: FieldReader, _ fallback: ExactDecimal
    ) throws(Refusal) -> (maker: ExactDecimal, taker: ExactDecimal) {
        guard reader.has("trade_fee") else { return (fallback, fallback) }
        let rates = try reader.record("trade_fee").record(market)
        return (try rates.decimal("maker"), try rates.decimal("taker"))
    }
}

/// How spot pairs are traded on margin: tiers of what a position owes, in multiples of the currency's quota
/// for loans.
struct PairRules: Sendable {
    /// The name of the tiers in `position_tiers`.
    let tiers: String
    /// Quotas in the unit of the tiers, of a loan in the base and in the quote currency.
    let baseQuotas: ExactDecimal
    let quoteQuotas: ExactDecimal

    fileprivate init(reading reader: FieldReader) throws(Refusal) {
        tiers = try reader.text("tiers")
        baseQuotas = try reader.decimal("base_quotas")
        quoteQuotas = try reader.decimal("quote_quotas")
    }
}

/// Parameters of portfolio margin: the subset of risk terms that is worked out (`docs/venues/okx.md`).
struct PortfolioRules: Sendable {
    /// A rate per underlying, with one for all that are not listed.
    struct RateTable: Sendable {
        let rates: [String: ExactDecimal]
        let fallback: ExactDecimal

        fileprivate init(reading reader: FieldReader) throws(Refusal) {
            var rates: [String: ExactDecimal] = [:]
            for name in reader.names where name != "default" { rates[name] = try reader.decimal(name) }
            self.rates = rates
            fallback = try reader.decimal("default")
        }

        subscript(underlying: String) -> ExactDecimal { rates[underlying] ?? fallback }
    }

    /// A step of MR7: up to so much raw charge counts so many times.
    struct ChargeTier: Sendable {
        let upTo: ExactDecimal?
        let multiplier: ExactDecimal
    }

    /// USD of equity needed to enter the mode.
    let minimumEquity: ExactDecimal
    /// Initial margin per maintenance margin of derivatives.
    let initialFactor: ExactDecimal
    let spotShock: RateTable
    let basis: RateTable
    let extremeMove: RateTable
    /// How much of the extreme loss counts.
    let extremeShare: ExactDecimal
    let minimumCharge: RateTable
    let minimumChargeTiers: [ChargeTier]

    fileprivate init(reading reader: FieldReader) throws(Refusal) {
        minimumEquity = try reader.decimal("minimum_equity")
        initialFactor = try reader.decimal("imr_factor")
        spotShock = try RateTable(reading: reader.record("mr1"))
        basis = try RateTable(reading: reader.record("mr4"))
        extremeMove = try RateTable(reading: reader.record("mr6"))
        extremeShare = try reader.decimal("mr6_share")
        minimumCharge = try RateTable(reading: reader.record("mr7"))
        var tiers: [ChargeTier] = []
        for row in try reader.rows("mr7_tiers", of: ["limit", "factor"]) {
            tiers.append(ChargeTier(upTo: try row.endOfTier(), multiplier: try row.decimal("factor")))
        }
        minimumChargeTiers = tiers
    }
}

extension FieldReader {
    /// Where a tier ends; nil where it has no end, for which a rulebook has an empty text.
    fileprivate func endOfTier() throws(Refusal) -> ExactDecimal? {
        try text("limit").isEmpty ? nil : try decimal("limit")
    }
}
