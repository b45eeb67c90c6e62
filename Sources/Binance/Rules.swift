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
    public init(reading rulebook: RulebookReader) throws(RulebookError) {
        let assets = try rulebook.rows("assets", AssetRules.init)
        let names = Set(assets.map(\.name))
        let symbols = try rulebook.rows("instruments") { name, entry throws(RulebookError) in
            try SymbolRules(name: name, assets: names, reading: entry)
        }
        account = try AccountRules(reading: rulebook.member("account"))
        limits = try WeightLimits(reading: rulebook.member("limits"))
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

    init(name: String, reading entry: RulebookReader) throws(RulebookError) {
        self.name = name
        isCredit = try entry.flag("credits_mode", fallback: false)
        fullName = entry.has("name") ? try entry.text("name") : name
        referenceIndex = try entry.positive("reference_index")
        isMarginAvailable = try entry.flag("margin_available", fallback: true)
        isListedInSingleAssetMode = try entry.flag("single_asset_row", fallback: false)
        bidBuffer = try Self.buffer("bid_buffer", in: entry)
        askBuffer = try Self.buffer("ask_buffer", in: entry)
        autoExchangeBidBuffer = try Self.buffer("auto_exchange_bid_buffer", in: entry)
        autoExchangeAskBuffer = try Self.buffer("auto_exchange_ask_buffer", in: entry)
        autoExchangeThreshold = try Self.threshold("auto_exchange_threshold", in: entry)
        vipAutoExchangeThreshold = try Self.threshold("auto_exchange_threshold_vip", in: entry)
    }

    private static func threshold(
        _ key: String, in entry: RulebookReader
    ) throws(RulebookError) -> ExactDecimal? {
        guard let threshold = try entry.optionalDecimal(key) else { return nil }
        guard threshold.isNegative else {
            throw RulebookError(field: entry.path(of: key), message: "is not below zero")
        }
        return threshold
    }

    private static func buffer(_ key: String, in entry: RulebookReader) throws(RulebookError) -> ExactDecimal
    {
        let buffer = try entry.optionalDecimal(key) ?? .zero
        guard !buffer.isNegative, buffer < .one else {
            throw RulebookError(field: entry.path(of: key), message: "is not from 0 to below 1")
        }
        return buffer
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

    init(name: String, assets: Set<String>, reading entry: RulebookReader) throws(RulebookError) {
        guard try entry.text("kind") == Instrument.Kind.perpetual.rawValue else {
            throw RulebookError(field: entry.path(of: "kind"), message: "is not perpetual")
        }
        for key in ["base", "quote", "settle"] {
            guard assets.contains(try entry.text(key)) else {
                throw RulebookError(field: entry.path(of: key), message: "is no asset of this rulebook")
            }
        }
        self.name = name
        instrument = Instrument(
            venue: BinanceVenue.name, name: name, kind: .perpetual, base: try entry.text("base"),
            quote: try entry.text("quote"), settle: try entry.text("settle"))
        pricePrecision = try Self.precision("price_precision", in: entry)
        quantityPrecision = try Self.precision("quantity_precision", in: entry)
        let tick = try Self.number("tick_size", in: entry)
        tickSize = tick
        priceTick = try entry.decimal("tick_size")
        limits = try Limits(tick: tick, reading: entry)
        stepSize = try Self.number("step_size", in: entry)
        minimumNotional = try Self.number("minimum_notional", in: entry)
        onboarded = Int64(try entry.integer("onboarded"))
        liquidationFee = try Self.number("liquidation_fee", in: entry)
        marketTakeBound = try Self.number("market_take_bound", in: entry)
        subtypes = try entry.member("subtypes").texts()
        brackets = try Bracket.table(entry.member("brackets"))
    }

    private static func precision(_ key: String, in entry: RulebookReader) throws(RulebookError) -> Int {
        let precision = try entry.integer(key)
        guard (0...18).contains(precision) else {
            throw RulebookError(field: entry.path(of: key), message: "is not within 0 and 18")
        }
        return precision
    }

    /// A number that is only shown, as the file spells it.
    private static func number(_ key: String, in entry: RulebookReader) throws(RulebookError) -> String {
        _ = try entry.decimal(key)
        return try entry.text(key)
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

    /// Reads `[cap, leverage, rate]` rows. `cum` follows from them: cum of the bracket before + floor × (rate
    /// − rate before). Binance USDⓈ-M Futures API documentation, Notional and Leverage Brackets.
    static func table(_ reader: RulebookReader) throws(RulebookError) -> [Bracket] {
        var table: [Bracket] = []
        for row in try reader.elements() {
            let cells = try row.elements()
            guard cells.count == 3 else {
                throw RulebookError(field: row.path, message: "has not three cells: cap, leverage, rate")
            }
            let cap = try cells[0].decimal()
            let leverage = try cells[1].decimal()
            let rate = try cells[2].decimal()
            let last = table.last
            guard cap > last?.notionalCap ?? .zero, leverage >= .one, rate.isPositive, rate < .one,
                rate >= last?.maintenanceRate ?? .zero, leverage <= last?.initialLeverage ?? leverage
            else {
                throw RulebookError(
                    field: row.path, message: "caps and rates must rise, leverages fall, rates stay below 1")
            }
            table.append(
                Bracket(
                    number: table.count + 1, initialLeverage: leverage,
                    notionalFloor: last?.notionalCap ?? .zero,
                    notionalCap: cap, maintenanceRate: rate,
                    cumulative: try cumulative(after: last, rate, row)))
        }
        guard !table.isEmpty else { throw RulebookError(field: reader.path, message: "has no bracket") }
        return table
    }

    private static func cumulative(
        after last: Bracket?, _ rate: ExactDecimal, _ row: RulebookReader
    ) throws(RulebookError) -> ExactDecimal {
        guard let last else { return .zero }
        do {
            let step = try last.notionalCap.times(rate - last.maintenanceRate, rounding: .halfEven)
            return try last.cumulative + step
        } catch {
            throw RulebookError(field: row.path, message: "is too large")
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

    init(reading reader: RulebookReader) throws(RulebookError) {
        defaultLeverage = try reader.wholeLeverage("default_leverage")
        makerFee = try reader.decimal("maker_fee")
        takerFee = try reader.decimal("taker_fee")
        retailFee = try reader.optionalDecimal("retail_fee") ?? makerFee
        feeBurnDiscount = try reader.optionalDecimal("fee_burn_discount") ?? .zero
        initialMarginRounding = try Self.rounding("initial_margin_rounding", in: reader)
        fundingRate = try reader.decimal("funding_rate")
        autoExchangeLoanToValue = try reader.optionalDecimal("auto_exchange_loan_to_value")
    }

    private static func rounding(
        _ key: String, in reader: RulebookReader
    ) throws(RulebookError) -> Rounding {
        switch reader.has(key) ? try reader.text(key) : "cut" {
        case "cut": return .towardZero
        case "half_up": return .halfUp
        default: throw RulebookError(field: reader.path(of: key), message: "is neither cut nor half_up")
        }
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

    init(reading reader: RulebookReader) throws(RulebookError) {
        futures = try reader.count("weight_per_minute")
        spot = try reader.count("spot_weight_per_minute")
        wallet = try reader.count("wallet_weight_per_minute")
        ordersPerMinute = try reader.count("orders_per_minute")
        ordersPerTenSeconds = try reader.count("orders_per_10_seconds")
    }
}
