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

    public init(reading rulebook: RulebookReader) throws(RulebookError) {
        margin = try MarginRules(reading: rulebook.member("margin"))
        portfolio = try PortfolioRules(reading: rulebook.member("portfolio"))
        assets = try rulebook.rows("assets", AssetRules.init)
        let curves = try PositionTier.curves(in: rulebook.member("position_tiers"))
        instruments = try InstrumentRules.all(
            in: rulebook.member("instruments"), curves: curves, margin: margin,
            quotas: Dictionary(assets.map { ($0.name, $0.borrowQuota) }, uniquingKeysWith: { $1 }))
        assetPlaces = NameTable(assets.map(\.name))
        instrumentPlaces = NameTable(instruments.map(\.terms.name))
        reference = Dictionary(assets.map { ($0.name, $0.referenceIndex) }, uniquingKeysWith: { $1 })
        var links: [InstrumentLink] = []
        for entry in instruments {
            guard let base = assetPlaces.place(of: entry.terms.base),
                let quote = assetPlaces.place(of: entry.terms.quote)
            else {
                throw RulebookError(
                    field: "instruments.\(entry.terms.name)",
                    message: "needs an asset that is missing from assets")
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

    fileprivate init(name: String, reading entry: RulebookReader) throws(RulebookError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard !name.isEmpty, isPlain else {
            throw RulebookError(
                field: entry.path, message: "is no currency code of capital letters and digits")
        }
        self.name = name
        quotedName = Array("\"\(name)\"".utf8)
        referenceIndex = try entry.positive("reference_index")
        discount = try DiscountTable(reading: entry)
        interestFreeQuota = try entry.optionalDecimal("interest_free_quota") ?? .zero
        borrowRate = try entry.optionalDecimal("borrow_rate")
        borrowQuota = try entry.optionalDecimal("borrow_quota") ?? .zero
        supportsAutoLend = try entry.flag("auto_lend", fallback: false)
        chains = entry.has("chains") ? try entry.member("chains").texts() : []
    }
}

/// What share of a currency's equity counts as margin, by marginal tiers.
struct DiscountTable: Sendable {
    /// What tier limits are counted in: coins since mid-2024, USD before.
    enum Unit: String, Sendable {
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

    fileprivate init(reading entry: RulebookReader) throws(RulebookError) {
        let unitText = entry.has("discount_unit") ? try entry.text("discount_unit") : Unit.coin.rawValue
        guard let unit = Unit(rawValue: unitText) else {
            throw RulebookError(field: entry.path(of: "discount_unit"), message: "is neither coin nor USD")
        }
        let list = try entry.member("discount_tiers")
        var tiers: [Tier] = []
        for row in try list.elements() {
            let cells = try row.elements()
            guard cells.count == 2 else {
                throw RulebookError(field: row.path, message: "is not [limit, rate]")
            }
            let isOpen = try cells[0].text().isEmpty
            let tier = Tier(upTo: isOpen ? nil : try cells[0].decimal(), rate: try cells[1].decimal())
            guard !tier.rate.isNegative, tier.rate <= .one else {
                throw RulebookError(field: cells[1].path, message: "is not within 0 and 1")
            }
            let last = tiers.last?.upTo ?? .zero
            guard tiers.isEmpty || tiers.last?.upTo != nil, tier.upTo.map({ $0 > last }) ?? true else {
                throw RulebookError(field: row.path, message: "does not follow the tier before it")
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

    fileprivate init(reading reader: RulebookReader) throws(RulebookError) {
        defaultLeverage = try reader.positive("default_leverage")
        orderFeeRate = try reader.decimal("order_fee_rate")
        let taker = try reader.member("taker_rate")
        swapTakerRate = try taker.decimal("SWAP")
        futuresTakerRate = try taker.decimal("FUTURES")
        spotFees = try Self.fees("spot", in: reader, .zero)
        contractFees = try Self.fees("derivative", in: reader, swapTakerRate)
        priceLimit = try reader.optionalDecimal("price_limit") ?? .one
        let borrow = try reader.member("borrow")
        borrowLeverage = try borrow.positive("leverage")
        borrowMaintenanceRate = try borrow.decimal("mmr")
        borrowLiquidationFee = try borrow.decimal("liquidation_fee")
        portfolioBorrowInitialRate = try borrow.decimal("portfolio_imr")
        portfolioBorrowMaintenanceRate = try borrow.decimal("portfolio_mmr")
        warningRatio = try reader.optionalDecimal("liquidation_warning") ?? ExactDecimal(3)
        pairs = reader.has("margin_trading") ? try PairRules(reading: reader.member("margin_trading")) : nil
        isolatedLiquidationTicks =
            reader.has("liquidation_price")
            ? try reader.member("liquidation_price").decimal("isolated_ticks") : .one
        var wideners: [String: [String]] = [:]
        if reader.has("interest_free_quota_of") {
            for (asset, list) in try reader.member("interest_free_quota_of").members() {
                wideners[asset] = try list.texts()
            }
        }
        quotaWideners = wideners
    }

    /// The rate of a trade.
    func tradeFee(_ liquidity: Liquidity, of type: InstrumentType) -> ExactDecimal {
        let fees = type == .spot ? spotFees : contractFees
        return liquidity == .maker ? fees.maker : fees.taker
    }

    /// Rates of a market; a rulebook that has none charges the one given.
    private static func fees(
        _ market: String, in reader: RulebookReader, _ fallback: ExactDecimal
    ) throws(RulebookError) -> (maker: ExactDecimal, taker: ExactDecimal) {
        guard reader.has("trade_fee") else { return (fallback, fallback) }
        let rates = try reader.member("trade_fee").member(market)
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

    fileprivate init(reading reader: RulebookReader) throws(RulebookError) {
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

        fileprivate init(reading reader: RulebookReader) throws(RulebookError) {
            var rates: [String: ExactDecimal] = [:]
            for (name, rate) in try reader.members() where name != "default" {
                rates[name] = try rate.decimal()
            }
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

    fileprivate init(reading reader: RulebookReader) throws(RulebookError) {
        minimumEquity = try reader.decimal("minimum_equity")
        initialFactor = try reader.decimal("imr_factor")
        spotShock = try RateTable(reading: reader.member("mr1"))
        basis = try RateTable(reading: reader.member("mr4"))
        extremeMove = try RateTable(reading: reader.member("mr6"))
        extremeShare = try reader.decimal("mr6_share")
        minimumCharge = try RateTable(reading: reader.member("mr7"))
        var tiers: [ChargeTier] = []
        for row in try reader.member("mr7_tiers").elements() {
            let cells = try row.elements()
            guard cells.count == 2 else {
                throw RulebookError(field: row.path, message: "is not [limit, factor]")
            }
            let isOpen = try cells[0].text().isEmpty
            tiers.append(
                ChargeTier(upTo: isOpen ? nil : try cells[0].decimal(), multiplier: try cells[1].decimal()))
        }
        minimumChargeTiers = tiers
    }
}
