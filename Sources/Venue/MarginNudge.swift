import Ledger
import Numbers

/// The mark price at which an account's maintenance share has a value: how near to liquidation it is, as the
/// ratio of what must be maintained to what backs it (`MarginHealth`); 1 where most venues liquidate.
public struct MarginNudge: Sendable {
    /// The mark price, in the instrument's quote asset.
    public let mark: ExactDecimal
    /// The account's margin at that mark.
    public let health: MarginHealth

    /// The most that the mark is moved, up or down.
    private static let factor: Int128 = 1_000

    /// The mark of an instrument next to the one that is where the share comes to at least `share`, or, of an
    /// account that is beyond it, is still at least that. Everything but this mark stands still; marks are
    /// looked at in steps of the tenth digit of the one that is.
    ///
    /// Nil where no mark up to a thousand times higher, or lower, brings the account there. Throws
    /// `FigureError` where the account's margin cannot be worked out as it is.
    public init?(
        of instrument: Instrument, to share: ExactDecimal, in snapshot: AccountSnapshot,
        at model: any VenueServer
    ) throws {
        guard let start = model.market(snapshot.prices, at: snapshot.at).mark(instrument) else {
            throw FigureError.priceMissing(instrument.name)
        }
        guard start.units <= Int128.max / (4 * Self.factor) else { throw NumberError.overflow }
        let line = MarkLine(start: start, instrument: instrument, snapshot: snapshot, model: model)
        // What cannot be worked out here is told; far from here, it only ends the search.
        let isBeyond = try line.health(0).map { try Self.hasReached($0, share) } ?? false
        func isThere(at place: Int128) -> Bool {
            guard let health = try? line.health(place) else { return false }
            return (try? Self.hasReached(health, share)) ?? false
        }
        var distance: Int128 = 1
        var found: Int128?
        while found == nil {
            let places = [-distance, distance].filter(line.contains)
            if places.isEmpty { return nil }
            found = places.first { isThere(at: $0) != isBeyond }
            if found == nil { distance *= 2 }
        }
        guard var other = found else { return nil }
        var same = other / 2
        while abs(other - same) > 1 {
            let middle = (other + same) / 2
            if isThere(at: middle) == isBeyond { same = middle } else { other = middle }
        }
        let place = isBeyond ? same : other
        guard let health = try line.health(place) else { return nil }
        self.health = health
        mark = try line.mark(place)
    }

    private static func hasReached(
        _ health: MarginHealth, _ share: ExactDecimal
    ) throws(NumberError) -> Bool {
        guard health.equity.isPositive else { return true }
        return try health.maintenance >= health.equity.times(share, rounding: .ceiling)
    }

    /// An account under every mark of one instrument.
    private struct MarkLine {
        let start: ExactDecimal
        let step: Int128
        let instrument: Instrument
        let snapshot: AccountSnapshot
        let model: any VenueServer

        init(
            start: ExactDecimal, instrument: Instrument, snapshot: AccountSnapshot, model: any VenueServer
        ) {
            self.start = start
            self.instrument = instrument
            self.snapshot = snapshot
            self.model = model
            var step: Int128 = 1
            while start.units / step >= 10_000_000_000 { step *= 10 }
            self.step = step
        }

        func contains(_ place: Int128) -> Bool {
            let units = start.units + place * step
            return units >= max(step, start.units / factor) && units <= start.units * factor
        }

        func mark(_ place: Int128) throws(NumberError) -> ExactDecimal {
            // The one that is stays as it is; all others are whole steps.
            if place == 0 { return start }
            return try ExactDecimal(units: (start.units / step + place) * step)
        }

        func health(_ place: Int128) throws -> MarginHealth? {
            let quote = PriceTick.Quote(name: instrument.name, price: try mark(place))
            var prices = snapshot.prices
            prices.apply(PriceTick(venue: model.name, marks: [quote], index: []), at: snapshot.at)
            return try model.health(
                of: AccountSnapshot(account: snapshot.account, prices: prices, at: snapshot.at))
        }
    }
}
