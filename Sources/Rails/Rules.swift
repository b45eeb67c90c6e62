import JSON
import Ledger
import Numbers
import Venue

/// Rails' rules as one rulebook version has them: one object, so that taking the rules of a time costs one
/// reference.
public final class RuleTable: VenueRules {
    /// The maintenance rate of each profile: the given text's, and the later pages'.
    let maintenanceRate: [WireProfile: ExactDecimal]
    let defaultLeverage: ExactDecimal
    let maximumLeverage: ExactDecimal
    /// The highest share of a fill's value that is charged as its fee: that of a liquidation.
    let highestFeeRate: ExactDecimal
    /// Whether the `live` body stands within `{"balances":{…}}`.
    let isLiveBodyWrapped: Bool
    let unknownMarket: UnknownMarket
    /// The rates of fills in each profile.
    let fees: [WireProfile: FeeRates]
    let orders: OrderRules
    let funding: FundingRules
    let limits: Limits
    /// The names of the assets that money is held in; Rails has USD alone.
    let assets: [String]
    /// In the order of the file.
    public let listed: [Instrument]
    /// USD prices of assets and of the markets' coins, used until prices are given.
    public let reference: [String: ExactDecimal]

    /// Reads a whole rulebook.
    public init(reading rulebook: RulebookReader) throws(RulebookError) {
        let margin = try rulebook.member("margin")
        let rates = try margin.member("maintenance_rate")
        var maintenanceRate: [WireProfile: ExactDecimal] = [:]
        for profile in WireProfile.allCases {
            let rate = try rates.decimal(profile.rawValue)
            // At 1 or more a long position would have no price at which equity meets maintenance.
            guard !rate.isNegative, rate < .one else {
                throw RulebookError(
                    field: rates.path(of: profile.rawValue), message: "is not from 0 to below 1")
            }
            maintenanceRate[profile] = rate
        }
        self.maintenanceRate = maintenanceRate
        defaultLeverage = try margin.wholeLeverage("default_leverage")
        maximumLeverage = try margin.wholeLeverage("maximum_leverage")
        guard defaultLeverage <= maximumLeverage else {
            throw RulebookError(field: margin.path(of: "default_leverage"), message: "is above the maximum")
        }
        highestFeeRate = try margin.optionalDecimal("highest_fee_rate") ?? .one
        let wire = try rulebook.member("wire")
        isLiveBodyWrapped = try wire.flag("live_wrapped", fallback: true)
        let unknown = try wire.text("unknown_market")
        guard let unknownMarket = UnknownMarket(rawValue: unknown) else {
            throw RulebookError(
                field: wire.path(of: "unknown_market"), message: "is neither refuse nor empty")
        }
        self.unknownMarket = unknownMarket
        limits = try Limits(reading: rulebook.member("limits"))
        var fees: [WireProfile: FeeRates] = [:]
        if rulebook.has("fees") {
            let rates = try rulebook.member("fees")
            for profile in WireProfile.allCases {
                fees[profile] = try FeeRates(reading: try rates.member(profile.rawValue))
            }
        }
        self.fees = fees
        orders = try OrderRules(reading: rulebook.has("orders") ? try rulebook.member("orders") : nil)
        funding = try FundingRules(reading: rulebook.has("funding") ? try rulebook.member("funding") : nil)
        var reference: [String: ExactDecimal] = [:]
        assets = try Self.assets(in: rulebook.member("assets"), &reference)
        listed = try Self.instruments(in: rulebook.member("instruments"), assets: assets, &reference)
        self.reference = reference
    }

    /// Whether money can be held in an asset: USD alone.
    public func knowsAsset(_ name: String) -> Bool { assets.containsExactly(name) }

    private static func assets(
        in reader: RulebookReader, _ reference: inout [String: ExactDecimal]
    ) throws(RulebookError) -> [String] {
        var names: [String] = []
        for (name, entry) in try reader.members() {
            reference[name] = try entry.positive("reference_index")
            names.append(name)
        }
        return names
    }

    private static func instruments(
        in reader: RulebookReader, assets: [String], _ reference: inout [String: ExactDecimal]
    ) throws(RulebookError) -> [Instrument] {
        var instruments: [Instrument] = []
        for (name, entry) in try reader.members() {
            guard let kind = Instrument.Kind(rawValue: try entry.text("kind")), kind.isDerivative else {
                throw RulebookError(field: entry.path(of: "kind"), message: "is neither perpetual nor future")
            }
            let settle = try entry.text("settle")
            guard assets.contains(settle) else {
                throw RulebookError(field: entry.path(of: "settle"), message: "is no asset of this rulebook")
            }
            let base = try entry.text("base")
            reference[base] = try entry.positive("reference_index")
            instruments.append(
                Instrument(
                    venue: RailsVenue.name, name: name, kind: kind, base: base,
                    quote: try entry.text("quote"),
                    settle: settle))
        }
        return instruments
    }
}

/// What the venue answers to `?market=` with a market that it does not have; the documents do not say.
enum UnknownMarket: String, Sendable {
    /// 400 with a message that names it.
    case refuse
    /// 200 with an empty map.
    case empty
}

/// What orders are measured by; what a rulebook leaves out is what `docs/venues/rails.md` says.
struct OrderRules: Sendable {
    /// In USD.
    let minimumValue: ExactDecimal
    let priceStep: ExactDecimal
    let quantityStep: ExactDecimal
    /// Orders, changes and cancellations of an account.
    let perMinute: Int

    init(reading reader: RulebookReader?) throws(RulebookError) {
        func positive(_ key: String, _ usual: ExactDecimal) throws(RulebookError) -> ExactDecimal {
            guard let reader, reader.has(key) else { return usual }
            return try reader.positive(key)
        }
        let smallest = (try? ExactDecimal("0.00000001")) ?? .one
        minimumValue = try positive("minimum_value", .one)
        priceStep = try positive("price_step", smallest)
        quantityStep = try positive("quantity_step", smallest)
        guard let reader, reader.has("per_minute") else {
            perMinute = 250
            return
        }
        perMinute = Int(clamping: try reader.integer("per_minute"))
    }
}

/// What an hour is funded at; what a rulebook leaves out is what `docs/venues/rails.md` says.
struct FundingRules: Sendable {
    /// Added to the average premium; also the rate where nothing else is known.
    let interest: ExactDecimal
    /// The highest rate either way.
    let bound: ExactDecimal

    init(reading reader: RulebookReader?) throws(RulebookError) {
        let interest = (try? ExactDecimal("0.0000125")) ?? .zero
        let bound = (try? ExactDecimal("0.0004")) ?? .zero
        self.interest = try reader?.optionalDecimal("interest") ?? interest
        self.bound = try reader?.optionalDecimal("bound") ?? bound
        guard !self.bound.isNegative else {
            throw RulebookError(field: reader?.path(of: "bound") ?? "bound", message: "is below zero")
        }
    }

    /// The rate of a premium alone: (max(0, bid − index) − max(0, index − ask)) ÷ index + interest, bounded;
    /// half even at 18 places.
    func rate(bid: ExactDecimal, ask: ExactDecimal, index: ExactDecimal) throws(NumberError) -> ExactDecimal {
        let premium = try max(.zero, bid - index) - max(.zero, index - ask)
        let rate = try premium.over(index, rounding: .halfEven) + interest
        return max(-bound, min(bound, rate))
    }
}

/// How often calls may be made, and how long a token lives.
struct Limits: Sendable {
    /// Calls of the token endpoint per API key.
    let tokenCallsPerMinute: Int
    /// Calls of the User Account API, shared by all users.
    let accountCallsPerSecond: Int
    let tokenSeconds: Int64
    /// New streams per account.
    let connectionsPerMinute: Int
    /// Streams of an account that are open at a time.
    let openConnections: Int

    init(reading reader: RulebookReader) throws(RulebookError) {
        tokenCallsPerMinute = try reader.count("token_calls_per_minute")
        accountCallsPerSecond = try reader.count("account_calls_per_second")
        tokenSeconds = Int64(try reader.count("token_seconds"))
        connectionsPerMinute = try reader.count("connections_per_minute")
        openConnections = try reader.count("open_connections")
    }
}
