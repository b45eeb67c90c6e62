import JSON
import Ledger
import Numbers
import Venue

/// Binance's rules as one rulebook has them: margin assets with their buffers, symbols with their brackets.
/// One object, because rules are asked for on every request.
public final class RuleTable: VenueRules {
    /// In the order of the file, which is the order of rows.
    let assets: [AssetRules]
    /// In the order of the file.
    let symbols: [SymbolRules]
    /// In the order of their names, which is the order of position rows.
    let symbolsByName: [SymbolRules]
    let account: AccountRules
    let limits: WeightLimits
    /// USD prices used until prices are given.
    public let reference: [String: ExactDecimal]
    /// What contracts are settled in in credits mode; nil where the rulebook has no such asset.
    let creditAsset: String?
    private let assetPlaces: [ExactText: Int]
    private let symbolPlaces: [ExactText: Int]

    /// Reads a whole rulebook.
    public init(reading rulebook: FieldReader) throws(Refusal) {
        let assets = try rulebook.rows("assets", AssetRules.init)
        let names = assets.map(\.name)
        let symbols = try rulebook.rows("instruments") { name, entry throws(Refusal) in
            try SymbolRules(name: name, assets: names, reading: entry)
        }
        account = try AccountRules(reading: rulebook.record("account"))
        limits = try WeightLimits(reading: rulebook.record("limits"))
        self.assets = assets
        self.symbols = symbols
        creditAsset = assets.first(where: \.isCredit)?.name
        symbolsByName = symbols.sorted { $0.name < $1.name }
        reference = Dictionary(assets.map { ($0.name, $0.referenceIndex) }) { first, _ in first }
        assetPlaces = ExactText.places(of: assets.map(\.name))
        symbolPlaces = ExactText.places(of: symbols.map(\.name))
    }

    /// An asset's rules; nil if it is unknown.
    func asset(_ name: String) -> AssetRules? { assetPlaces[ExactText(name)].map { assets[$0] } }

    /// Where an asset stands among the rows; nil if it is unknown.
    func place(ofAsset name: String) -> Int? { assetPlaces[ExactText(name)] }

    /// A symbol's rules; nil if it is unknown.
    func symbol(_ name: String) -> SymbolRules? { symbolPlaces[ExactText(name)].map { symbols[$0] } }

    /// The contracts of all symbols.
    public var listed: [Instrument] { symbols.map(\.instrument) }

    /// A symbol's contract.
    public func terms(of name: String) -> Instrument? { symbol(name)?.instrument }

    /// Whether it is a margin asset.
    public func knowsAsset(_ name: String) -> Bool { asset(name) != nil }
}

/// What holds for an asset in multi-assets mode, and what it is called.
struct AssetRules: Sendable {
    let name: String
    /// Whether it is there in credits mode alone, where contracts are settled in it.
    let isCredit: Bool
    /// The long name, such as `Bitcoin`.
    let fullName: String
    /// Round USD price, used until one is given.
    let referenceIndex: ExactDecimal
    /// Whether it counts as margin in multi-assets mode.
    let isMarginAvailable: Bool
    /// Whether single-asset mode lists it even when nothing of it is held.
    let isListedInSingleAssetMode: Bool
    /// Ratios taken off (bid) and put on (ask) the index when it is converted to USD.
    let bidBuffer: ExactDecimal
    let askBuffer: ExactDecimal
    /// The same for auto-exchange.
    let autoExchangeBidBuffer: ExactDecimal
    let autoExchangeAskBuffer: ExactDecimal
    /// The wallet balance below which other assets are exchanged into it; negative, nil where there is none.
    let autoExchangeThreshold: ExactDecimal?
    /// The same for users above VIP 1; nil where it is the same.
    let vipAutoExchangeThreshold: ExactDecimal?

    init(name: String, reading entry: FieldReader) throws(Refusal) {
        self.name = name
        isCredit = try entry.flag("credits_mode", fallback: false)
        fullName = try entry.optionalText("name") ?? name
        referenceIndex = try entry.positive("reference_index")
        isMarginAvailable = try entry.flag("margin_available", fallback: true)
        isListedInSingleAssetMode = try entry.flag("single_asset_row", fallback: false)
        func buffer(_ field: String) throws(Refusal) -> ExactDecimal {
            try entry.optional(field, entry.rateBelowOne) ?? .zero
        }
        bidBuffer = try buffer("bid_buffer")
        askBuffer = try buffer("ask_buffer")
        autoExchangeBidBuffer = try buffer("auto_exchange_bid_buffer")
        autoExchangeAskBuffer = try buffer("auto_exchange_ask_buffer")
        func negative(_ field: String) throws(Refusal) -> ExactDecimal {
            try entry.decimal(field, "below zero") { $0.isNegative }
        }
        autoExchangeThreshold = try entry.optional("auto_exchange_threshold", negative)
        vipAutoExchangeThreshold = try entry.optional("auto_exchange_threshold_vip", negative)
    }
}

/// One symbol: its contract, its precisions and filters, and its brackets.
final class SymbolRules: Sendable {
    let name: String
    let instrument: Instrument
    let pricePrecision: Int
    let quantityPrecision: Int
    let tickSize: String
    let priceTick: ExactDecimal
    let stepSize: String
    let minimumNotional: String
    /// Milliseconds since the epoch.
    let onboarded: Int64
    let liquidationFee: String
    let marketTakeBound: String
    let limits: Limits
    let subtypes: [String]
    /// By rising notional; never empty.
    let brackets: [Bracket]

    init(name: String, assets: [String], reading entry: FieldReader) throws(Refusal) {
        self.name = name
        instrument = Instrument(
            venue: BinanceVenue.name, name: name, kind: try entry.choice("kind", among: [.perpetual]),
            base: try entry.word("base", among: assets), quote: try entry.word("quote", among: assets),
            settle: try entry.word("settle", among: assets))
        pricePrecision = Int(try entry.whole("price_precision", in: 0...18))
        quantityPrecision = Int(try entry.whole("quantity_precision", in: 0...18))
        tickSize = try entry.decimalText("tick_size")
        priceTick = try entry.decimal("tick_size")
        limits = try Limits(tick: tickSize, reading: entry)
        stepSize = try entry.decimalText("step_size")
        minimumNotional = try entry.decimalText("minimum_notional")
        onboarded = try entry.integer("onboarded")
        liquidationFee = try entry.decimalText("liquidation_fee")
        marketTakeBound = try entry.decimalText("market_take_bound")
        subtypes = try entry.texts("subtypes")
        brackets = try Bracket.table(of: entry)
    }
}

/// One notional bracket of a symbol.
struct Bracket: Sendable, Equatable {
    /// Counted from 1.
    let number: Int
    /// The highest leverage that a notional in this bracket allows.
    let initialLeverage: ExactDecimal
    /// In the quote asset; the bracket holds for floor < notional ≤ cap.
    let notionalFloor: ExactDecimal
    let notionalCap: ExactDecimal
    /// Maintenance margin ÷ notional.
    let maintenanceRate: ExactDecimal
    /// What is taken off notional × rate, so that the requirement has no step.
    let cumulative: ExactDecimal

    /// Reads the rows of `brackets`. `cum` follows from them: cum of the bracket before + floor × (rate
    /// − rate before). Binance USDⓈ-M Futures API documentation, Notional and Leverage Brackets.
    static func table(of entry: FieldReader) throws(Refusal) -> [Bracket] {
        var table: [Bracket] = []
        for row in try entry.rows("brackets", of: ["cap", "leverage", "rate"]) {
            let cap = try row.decimal("cap")
            let leverage = try row.decimal("leverage")
            let rate = try row.decimal("rate")
            let last = table.last
            guard cap > last?.notionalCap ?? .zero, leverage >= .one, rate.isPositive, rate < .one,
                rate >= last?.maintenanceRate ?? .zero, leverage <= last?.initialLeverage ?? leverage
            else {
                throw row.refusal(
                    .invalidField, "caps and rates must rise, leverages fall, rates stay below 1.",
                    field: "cap")
            }
            table.append(
                Bracket(
                    number: table.count + 1, initialLeverage: leverage,
                    notionalFloor: last?.notionalCap ?? .zero,
                    notionalCap: cap, maintenanceRate: rate,
                    cumulative: try cumulative(after: last, rate, row)))
        }
        guard !table.isEmpty else { throw entry.wrong("brackets", "a list of at least one") }
        return table
    }

    private static func cumulative(
        after last: Bracket?, _ rate: ExactDecimal, _ row: FieldReader
    ) throws(Refusal) -> ExactDecimal {
        guard let last else { return .zero }
        do {
            let step = try last.notionalCap.times(rate - last.maintenanceRate, rounding: .halfEven)
            return try last.cumulative + step
        } catch {
            throw row.wrong("cap", "smaller")
        }
    }
}

/// What holds for every account.
struct AccountRules: Sendable {
    /// Of a symbol where none was set.
    let defaultLeverage: ExactDecimal
    let makerFee: ExactDecimal
    let takerFee: ExactDecimal
    /// Of orders that only meet those of the venue's own pages, as `commissionRate` tells it.
    let retailFee: ExactDecimal
    /// What fees that are paid in BNB are lower by, as a fraction.
    let feeBurnDiscount: ExactDecimal
    /// How the product of notional and initial margin rate is brought to 8 places.
    let initialMarginRounding: Rounding
    /// The same as a form.
    var marginForm: PrintForm { initialMarginRounding == .halfUp ? .halfUp(8) : .cut(8) }
    /// Shown as the last funding rate; funding itself is a command.
    let fundingRate: ExactDecimal
    /// What is owed ÷ what is owned from which on assets are exchanged where there is no position and no
    /// order; nil for never.
    let autoExchangeLoanToValue: ExactDecimal?

    init(reading reader: FieldReader) throws(Refusal) {
        defaultLeverage = try reader.wholeLeverage("default_leverage")
        makerFee = try reader.decimal("maker_fee")
        takerFee = try reader.decimal("taker_fee")
        retailFee = try reader.optionalDecimal("retail_fee") ?? makerFee
        feeBurnDiscount = try reader.optionalDecimal("fee_burn_discount") ?? .zero
        let rounding = try reader.optional("initial_margin_rounding") { field throws(Refusal) in
            try reader.word(field, among: ["cut", "half_up"])
        }
        initialMarginRounding = rounding == "half_up" ? .halfUp : .towardZero
        fundingRate = try reader.decimal("funding_rate")
        autoExchangeLoanToValue = try reader.optionalDecimal("auto_exchange_loan_to_value")
    }
}

/// Request weight per minute and address.
struct WeightLimits: Sendable {
    let futures: Int
    let spot: Int
    let wallet: Int
    /// Orders per account; only told in exchangeInfo.
    let ordersPerMinute: Int
    let ordersPerTenSeconds: Int

    init(reading reader: FieldReader) throws(Refusal) {
        futures = try reader.positiveCount("weight_per_minute")
        spot = try reader.positiveCount("spot_weight_per_minute")
        wallet = try reader.positiveCount("wallet_weight_per_minute")
        ordersPerMinute = try reader.positiveCount("orders_per_minute")
        ordersPerTenSeconds = try reader.positiveCount("orders_per_10_seconds")
    }
}
