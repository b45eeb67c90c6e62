import JSON
import Ledger
import Numbers
import Venue

/// Rails' rules as one rulebook version has them: one object, so that taking the rules of a time costs one
/// reference.
public final class RuleTable: VenueRules {
    /// The maintenance rate of each profile: that of Get Account Balances, and the later pages'.
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
    public init(reading rulebook: FieldReader) throws(Refusal) {
        let margin = try rulebook.record("margin")
        let rates = try margin.record("maintenance_rate")
        var maintenanceRate: [WireProfile: ExactDecimal] = [:]
        for profile in WireProfile.allCases {
            // At 1 or more a long position would have no price at which equity meets maintenance.
            maintenanceRate[profile] = try rates.rateBelowOne(profile.rawValue)
        }
        self.maintenanceRate = maintenanceRate
        defaultLeverage = try margin.wholeLeverage("default_leverage")
        maximumLeverage = try margin.wholeLeverage("maximum_leverage")
        guard defaultLeverage <= maximumLeverage else {
            throw margin.wrong("default_leverage", "at most maximum_leverage")
        }
        highestFeeRate = try margin.optionalDecimal("highest_fee_rate") ?? .one
        let wire = try rulebook.record("wire")
        isLiveBodyWrapped = try wire.flag("live_wrapped", fallback: true)
        unknownMarket = try wire.choice("unknown_market", UnknownMarket.self)
        limits = try Limits(reading: rulebook.record("limits"))
        var fees: [WireProfile: FeeRates] = [:]
        if let rates = try rulebook.optional("fees", rulebook.record) {
            for profile in WireProfile.allCases {
                fees[profile] = try FeeRates(reading: rates.record(profile.rawValue))
            }
        }
        self.fees = fees
        orders = try OrderRules(reading: rulebook.recordOrEmpty("orders"))
        funding = try FundingRules(reading: rulebook.recordOrEmpty("funding"))
        var reference: [String: ExactDecimal] = [:]
        assets = try rulebook.rows("assets") { name, entry throws(Refusal) in
            reference[name] = try entry.positive("reference_index")
            return name
        }
        let assets = assets
        listed = try rulebook.rows("instruments") { name, entry throws(Refusal) in
            let base = try entry.text("base")
            reference[base] = try entry.positive("reference_index")
            return Instrument(
                venue: RailsVenue.name, name: name,
                kind: try entry.choice("kind", among: [.perpetual, .future]),
                base: base, quote: try entry.text("quote"), settle: try entry.word("settle", among: assets))
        }
        self.reference = reference
    }

    /// Whether money can be held in an asset: USD alone.
    public func knowsAsset(_ name: String) -> Bool { assets.containsExactly(name) }
}

/// What the venue answers to `?market=` with a market that it does not have; the documents do not say.
enum UnknownMarket: String, CaseIterable, Sendable {
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

    init(reading reader: FieldReader) throws(Refusal) {
        let smallest = (try? ExactDecimal("0.00000001")) ?? .one
        minimumValue = try reader.optional("minimum_value", reader.positive) ?? .one
        priceStep = try reader.optional("price_step", reader.positive) ?? smallest
        quantityStep = try reader.optional("quantity_step", reader.positive) ?? smallest
        perMinute = try reader.optional("per_minute", reader.positiveCount) ?? 250
    }
}

/// What an hour is funded at; what a rulebook leaves out is what `docs/venues/rails.md` says.
struct FundingRules: Sendable {
    /// Added to the average premium; also the rate where nothing else is known.
    let interest: ExactDecimal
    /// The highest rate either way.
    let bound: ExactDecimal

    init(reading reader: FieldReader) throws(Refusal) {
        let interest = (try? ExactDecimal("0.0000125")) ?? .zero
        let bound = (try? ExactDecimal("0.0004")) ?? .zero
        self.interest = try reader.optionalDecimal("interest") ?? interest
        self.bound = try reader.optional("bound", reader.nonNegative) ?? bound
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

    init(reading reader: FieldReader) throws(Refusal) {
        tokenCallsPerMinute = try reader.positiveCount("token_calls_per_minute")
        accountCallsPerSecond = try reader.positiveCount("account_calls_per_second")
        tokenSeconds = Int64(try reader.positiveCount("token_seconds"))
        connectionsPerMinute = try reader.positiveCount("connections_per_minute")
        openConnections = try reader.positiveCount("open_connections")
    }
}
