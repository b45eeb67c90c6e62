import Ledger
import Numbers
import Venue

/// OKX's instrument types, spelled as its API spells them.
enum InstrumentType: String, Sendable, CaseIterable {
    case spot = "SPOT"
    case swap = "SWAP"
    case futures = "FUTURES"

    fileprivate var kind: Instrument.Kind {
        switch self {
        case .spot: .spot
        case .swap: .perpetual
        case .futures: .future
        }
    }
}

extension Instrument {
    /// The underlying, such as `BTC-USD`.
    var family: String { "\(base)-\(quote)" }
}

/// Rules of one instrument; an object, as the currencies' are.
final class InstrumentRules: Sendable {
    let terms: Instrument
    let type: InstrumentType
    /// Smallest price step.
    let tick: ExactDecimal
    /// Smallest quantity step, in contracts or coin.
    let lot: ExactDecimal
    /// Smallest order.
    let minimum: ExactDecimal
    /// The highest leverage; nil for a pair that is not traded on margin.
    let maximumLeverage: ExactDecimal?
    /// By rising size; empty for spot.
    let tiers: [PositionTier]
    /// When a dated future ends.
    let expiry: LedgerTime?
    /// Fee of a liquidation: as a share of a contract's notional; of a spot pair on margin as a share of what
    /// is owed with its maintenance margin.
    let takerRate: ExactDecimal
    /// Tiers of what a position of a spot pair on margin owes; nil for contracts, and for pairs that are not
    /// traded on margin.
    let loans: LoanTiers?

    /// The underlying, such as `BTC-USD`: what risk units, families and index prices are named by.
    var family: String { terms.family }

    /// The largest orders. The venue changes its own often and clients only want them there, so these are a
    /// choice: the sizes of its large markets, in contracts or, of spot, in coin and USD.
    var largestOrder: (limit: Int64, market: Int64, limitUSD: Int64, marketUSD: Int64) {
        type == .spot
            ? (9_999_999_999, 1_000_000, 20_000_000, 1_000_000)
            : (100_000_000, 1_000_000, 20_000_000, 20_000_000)
    }

    /// The highest price of a buy order and the lowest of a sell order: the mark with the rulebook's share of
    /// it added or taken off, cut to the tick toward the mark. Nil without a mark.
    func priceLimits(
        _ market: ValuationPrices, _ rules: RuleTable
    ) -> (buy: ExactDecimal, sell: ExactDecimal)? {
        guard let mark = market.mark(terms),
            let band = try? mark.times(rules.margin.priceLimit, rounding: .halfEven),
            let buy = try? (mark + band).rounded(toMultipleOf: tick, .floor),
            let sell = try? (mark - band).rounded(toMultipleOf: tick, .ceiling)
        else { return nil }
        return (buy, max(sell, tick))
    }

    /// The tier that a position of so many contracts stands in; the last one for larger positions.
    func tier(of contracts: ExactDecimal) -> PositionTier? {
        for tier in tiers where contracts <= tier.maximum { return tier }
        return tiers.last
    }

    init(
        name: String, reading entry: FieldReader, curves: [String: PositionTier.Curve],
        margin: MarginRules, quotas: [String: ExactDecimal]
    ) throws(Refusal) {
        let type = try entry.choice("type", InstrumentType.self)
        let parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == (type == .spot ? 2 : 3), parts.allSatisfy({ !$0.isEmpty }) else {
            throw entry.refusal(
                .invalidField, "\(name) is no instrument name such as BTC-USDT-SWAP.", field: "type")
        }
        let payoff = entry.has("payoff") ? try entry.choice("payoff", Instrument.Payoff.self) : .linear
        self.type = type
        terms = Instrument(
            venue: OKXVenue.name, name: name, kind: type.kind, base: parts[0], quote: parts[1],
            settle: payoff == .inverse ? parts[0] : parts[1], payoff: payoff,
            contractValue: type == .spot && !entry.has("value") ? .one : try entry.positive("value"))
        tick = try entry.positive("tick")
        lot = try entry.positive("lot")
        minimum = try entry.positive("min")
        let lever = try entry.text("lever")
        maximumLeverage = lever.isEmpty ? nil : try entry.decimal("lever")
        takerRate =
            switch type {
            case .spot: margin.borrowLiquidationFee
            case .swap: margin.swapTakerRate
            case .futures: margin.futuresTakerRate
            }
        if type == .spot, maximumLeverage != nil, let pairs = margin.pairs {
            loans = try LoanTiers(
                pairs, curves, base: quotas[parts[0]] ?? .zero, quote: quotas[parts[1]] ?? .zero,
                reading: entry)
        } else {
            loans = nil
        }
        expiry = type == .futures ? try entry.time("expiry") : nil
        tiers = try Self.tiers(in: entry, curves: curves, isSpot: type == .spot)
    }

    private static func tiers(
        in entry: FieldReader, curves: [String: PositionTier.Curve], isSpot: Bool
    ) throws(Refusal) -> [PositionTier] {
        if isSpot { return [] }
        let name = try entry.text("tiers")
        guard let curve = curves[name] else {
            throw entry.wrong("tiers", "a name of position_tiers")
        }
        let unit = try entry.positive("tier_unit")
        let lot = try entry.positive("lot")
        do throws(NumberError) { return try curve.tiers(unit: unit, lot: lot) } catch {
            throw entry.wrong("tier_unit", "smaller: \(error)")
        }
    }
}

/// Tiers of what a margin position owes, in the base and in the quote currency.
struct LoanTiers: Sendable {
    let base: [PositionTier]
    let quote: [PositionTier]

    /// Nil where one of the currencies is not lent.
    fileprivate init?(
        _ pairs: PairRules, _ curves: [String: PositionTier.Curve], base: ExactDecimal, quote: ExactDecimal,
        reading entry: FieldReader
    ) throws(Refusal) {
        guard base.isPositive, quote.isPositive else { return nil }
        guard let curve = curves[pairs.tiers] else {
            throw Refusal(
                .invalidField, "tiers must be a name of position_tiers.",
                field: "margin.margin_trading.tiers")
        }
        do {
            let lot = try ExactDecimal(units: 1)
            self.base = try curve.tiers(
                unit: base.times(pairs.baseQuotas, rounding: .halfEven), lot: lot)
            self.quote = try curve.tiers(
                unit: quote.times(pairs.quoteQuotas, rounding: .halfEven), lot: lot)
        } catch {
            throw entry.refusal(.invalidField, "loan tiers do not fit: \(error).", field: "type")
        }
    }

    /// The tier that a position with such a liability stands in.
    func tier(of liability: Liability, in pair: Instrument) -> PositionTier? {
        let tiers = liability.asset == pair.base ? base : quote
        return tiers.first { liability.amount <= $0.maximum } ?? tiers.last
    }
}

/// One row of an instrument's position tiers: the whole position has the rates of the tier that it stands in.
struct PositionTier: Sendable, Equatable {
    let number: Int
    /// Smallest and largest position, in contracts.
    let minimum: ExactDecimal
    let maximum: ExactDecimal
    /// Maintenance and initial margin per notional.
    let maintenanceRate: ExactDecimal
    let initialRate: ExactDecimal

    /// The highest leverage of the tier: 1 ÷ initial rate, cut to 2 places (OKX API documentation, Get
    /// position tiers).
    var maximumLeverage: ExactDecimal {
        (try? ExactDecimal.one.over(initialRate, places: 2, rounding: .towardZero)) ?? .one
    }

    /// Tiers in multiples of an instrument's own unit: listed ones first, then equal steps.
    struct Curve: Sendable {
        fileprivate struct Row: Sendable {
            let size: ExactDecimal
            let maintenanceRate: ExactDecimal
            let initialRate: ExactDecimal
        }

        fileprivate let rows: [Row]

        /// The tiers of an instrument whose unit is so many contracts; each begins one lot after the one
        /// before.
        func tiers(unit: ExactDecimal, lot: ExactDecimal) throws(NumberError) -> [PositionTier] {
            var tiers: [PositionTier] = []
            for row in rows {
                let minimum =
                    try tiers.last.map { (last) throws(NumberError) in try last.maximum + lot } ?? .zero
                tiers.append(
                    PositionTier(
                        number: tiers.count + 1, minimum: minimum,
                        maximum: try row.size.times(unit, rounding: .halfEven),
                        maintenanceRate: row.maintenanceRate, initialRate: row.initialRate))
            }
            return tiers
        }
    }

    static func curves(in rulebook: FieldReader) throws(Refusal) -> [String: Curve] {
        var curves: [String: Curve] = [:]
        for (name, entry) in try rulebook.table("position_tiers") {
            curves[name] = try curve(reading: entry)
        }
        return curves
    }

    private static func curve(reading entry: FieldReader) throws(Refusal) -> Curve {
        var rows: [Curve.Row] = []
        for row in try entry.rows("tiers", of: ["size", "mmr", "imr"]) {
            rows.append(try Curve.Row(reading: row))
        }
        if entry.has("then"), var row = rows.last {
            let then = try entry.record("then")
            let count = try then.whole("count", in: 0...1000)
            let step = try Curve.Row(reading: then)
            do {
                for _ in 0..<count {
                    row = Curve.Row(
                        size: try row.size + step.size,
                        maintenanceRate: try row.maintenanceRate + step.maintenanceRate,
                        initialRate: try row.initialRate + step.initialRate)
                    rows.append(row)
                }
            } catch {
                throw then.wrong("count", "smaller: \(error)")
            }
        }
        guard let first = rows.first, first.size.isPositive, rows.allSatisfy({ $0.initialRate.isPositive }),
            zip(rows, rows.dropFirst()).allSatisfy({ $0.size < $1.size })
        else { throw entry.wrong("tiers", "of rising size") }
        return Curve(rows: rows)
    }
}

extension PositionTier.Curve.Row {
    fileprivate init(reading row: FieldReader) throws(Refusal) {
        self.init(
            size: try row.decimal("size"), maintenanceRate: try row.decimal("mmr"),
            initialRate: try row.decimal("imr"))
    }
}
