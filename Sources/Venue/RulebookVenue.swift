import JSON
import Ledger
import Numbers

/// A venue's rules that say what it lists.
public protocol VenueRules: RulebookRules {
    /// The instruments, with their terms.
    var listed: [Instrument] { get }

    /// The terms of an instrument; nil if it is unknown.
    func terms(of name: String) -> Instrument?

    /// Whether an asset is known.
    func knowsAsset(_ name: String) -> Bool

    /// USD prices that hold until prices are given.
    var reference: [String: ExactDecimal] { get }
}

extension VenueRules {
    /// One of those listed.
    public func terms(of name: String) -> Instrument? { listed.first { $0.name.isExactly(name) } }

    /// No reference prices.
    public var reference: [String: ExactDecimal] { [:] }
}

/// A venue whose rules are rulebook files, and which therefore has nothing more to say about them.
public protocol RulebookVenue: Venue {
    /// What one of its rulebooks says.
    associatedtype Rules: VenueRules

    /// The rulebook files that come with it.
    static var builtInRulebooks: [[UInt8]] { get }

    /// Every version of its rules.
    var timeline: RulebookTimeline<Rules> { get set }

    /// The venue with these rules.
    init(timeline: RulebookTimeline<Rules>, profile: WireProfile)
}

extension RulebookVenue {
    /// Built from the built-in rulebooks and those added. Throws `RulebookError` for one that cannot be read.
    public init(addedRulebooks: [JSONValue], profile: WireProfile) throws {
        self.init(
            timeline: try RulebookTimeline(
                venue: Self.name, builtIn: Self.builtInRulebooks, added: addedRulebooks),
            profile: profile)
    }

    /// Every rulebook version, in the order of their effective times.
    public var rulebookVersions: [RulebookHeader] { timeline.versions.map(\.header) }

    /// The venue with other values in the rules in force at a time.
    public func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self {
        var changed = self
        changed.timeline = try timeline.amended(by: amendment, at: time)
        return changed
    }

    /// The rules in force at a time.
    @inlinable
    public func rules(at time: LedgerTime) -> Rules { timeline.rules(at: time) }

    /// The instruments of the rules in force at a time.
    public func listedInstruments(at time: LedgerTime) -> [Instrument] { rules(at: time).listed }

    /// One of them; nil if they do not know it.
    @inlinable
    public func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        rules(at: time).terms(of: name)
    }

    /// Whether the rules in force at a time know an asset.
    public func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { rules(at: time).knowsAsset(name) }

    /// Prices as given, and behind them the reference prices of the rules in force.
    @inlinable
    public func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: rules(at: time).reference)
    }

    /// What everybody's figures are worked out of now: the ledger's time, the rules in force then, and the
    /// prices with the reference prices of those rules behind them.
    public func present(
        through access: any VenueAccess
    ) -> (time: LedgerTime, rules: Rules, market: ValuationPrices) {
        let time = access.ledgerTime()
        let rules = rules(at: time)
        return (time, rules, ValuationPrices(prices: access.prices(), reference: rules.reference))
    }
}
