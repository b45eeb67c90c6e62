import JSON
import Ledger
import Numbers
import Venue

/// Rails' rules as one rulebook version has them.
///
/// The tables live in one shared object, so that taking the rules of a time costs one reference.
public struct RailsRules: RulebookRules {
    let table: RuleTable

    /// Reads the rules of a whole rulebook.
    public init(reading rulebook: RulebookReader) throws(RulebookError) {
        table = try RuleTable(reading: rulebook)
    }
}

/// Every table of a rulebook version.
final class RuleTable: Sendable {
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
    let fees: [WireProfile: FeeRule]
    let orders: OrderRules
    let funding: FundingRules
    let limits: Limits
    /// The names of the assets that money is held in; Rails has USD alone.
    let assets: [String]
    /// In the order of the file.
    let instruments: [Instrument]
    /// USD prices of assets and of the markets' coins, used until prices are given.
    let reference: [String: ExactDecimal]

    init(reading rulebook: RulebookReader) throws(RulebookError) {
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
        defaultLeverage = try Self.leverage("default_leverage", in: margin)
        maximumLeverage = try Self.leverage("maximum_leverage", in: margin)
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
        var fees: [WireProfile: FeeRule] = [:]
        if rulebook.has("fees") {
            let rates = try rulebook.member("fees")
            for profile in WireProfile.allCases {
                fees[profile] = try FeeRule(reading: try rates.member(profile.rawValue))
            }
        }
        self.fees = fees
        orders = try OrderRules(reading: rulebook.has("orders") ? try rulebook.member("orders") : nil)
        funding = try FundingRules(reading: rulebook.has("funding") ? try rulebook.member("funding") : nil)
        var reference: [String: ExactDecimal] = [:]
        assets = try Self.assets(in: rulebook.member("assets"), &reference)
        instruments = try Self.instruments(in: rulebook.member("instruments"), assets: assets, &reference)
        self.reference = reference
    }

    /// The terms of a market; nil if it is unknown. There are few, so looking at each is quickest.
    func instrument(_ name: String) -> Instrument? { instruments.first { $0.name.isExactly(name) } }

    private static func leverage(
        _ key: String, in reader: RulebookReader
    ) throws(RulebookError) -> ExactDecimal {
        let leverage = try reader.decimal(key)
        guard leverage >= .one, leverage.fractionDigits == 0 else {
            throw RulebookError(field: reader.path(of: key), message: "is no whole number of at least 1")
        }
        return leverage
    }

    private static func price(_ entry: RulebookReader) throws(RulebookError) -> ExactDecimal {
        let price = try entry.decimal("reference_index")
        guard price.isPositive else {
            throw RulebookError(field: entry.path(of: "reference_index"), message: "is not above zero")
        }
        return price
    }

    private static func assets(
        in reader: RulebookReader, _ reference: inout [String: ExactDecimal]
    ) throws(RulebookError) -> [String] {
        var names: [String] = []
        for (name, entry) in try reader.members() {
            reference[name] = try price(entry)
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
            reference[base] = try price(entry)
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

/// Shares of a fill's value that are its fee.
struct FeeRule: Sendable {
    let maker: ExactDecimal
    let taker: ExactDecimal

    init(reading reader: RulebookReader) throws(RulebookError) {
        maker = try reader.decimal("maker")
        taker = try reader.decimal("taker")
    }
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
            let number = try reader.decimal(key)
            guard number.isPositive else {
                throw RulebookError(field: reader.path(of: key), message: "is not above zero")
            }
            return number
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
        tokenCallsPerMinute = try Self.positive("token_calls_per_minute", in: reader)
        accountCallsPerSecond = try Self.positive("account_calls_per_second", in: reader)
        tokenSeconds = Int64(try Self.positive("token_seconds", in: reader))
        connectionsPerMinute = try Self.positive("connections_per_minute", in: reader)
        openConnections = try Self.positive("open_connections", in: reader)
    }

    private static func positive(_ key: String, in reader: RulebookReader) throws(RulebookError) -> Int {
        let number = try reader.integer(key)
        // The upper bound keeps sums of times far from overflow.
        guard (1...1_000_000_000).contains(number) else {
            throw RulebookError(field: reader.path(of: key), message: "is not within 1 and 1000000000")
        }
        return number
    }
}
