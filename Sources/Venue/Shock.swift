import Ledger
import Numbers

/// A sudden change of prices, to see what it would do; nothing of it is stored.
public struct Shock: Sendable, Equatable {
    /// An asset (its index and the marks of every instrument on it) or one instrument (its mark alone).
    public let target: String
    /// A ratio: −0.10 is ten per cent down. Above −1.
    public let change: ExactDecimal

    public init(target: String, change: ExactDecimal) {
        self.target = target
        self.change = change
    }

    /// The market after the shock, for the instruments and assets that are asked about.
    ///
    /// A price is multiplied by 1 + change, to 18 places, half even. Prices that nobody gave are shocked from
    /// the rulebook's reference. Throws where a shocked price does not fit.
    public func applied(
        to market: Market, instruments: [Instrument], at time: LedgerTime
    ) throws(NumberError) -> VenuePrices {
        let factor = try ExactDecimal.one + change
        var marks: [PriceTick.Quote] = []
        for instrument in instruments {
            guard let mark = market.mark(instrument) else { continue }
            let isHit = instrument.name == target || instrument.base == target
            // A mark that was derived from indexes is pinned, so that shocking an index moves it just once.
            let price = isHit ? try mark.times(factor, rounding: .halfEven) : mark
            marks.append(PriceTick.Quote(name: instrument.name, price: price))
        }
        var index: [PriceTick.Quote] = []
        if let price = market.index(target) {
            index.append(PriceTick.Quote(name: target, price: try price.times(factor, rounding: .halfEven)))
        }
        var prices = market.prices
        prices.apply(PriceTick(venue: VenueName(rawValue: ""), marks: marks, index: index), at: time)
        return prices
    }
}

extension AccountSnapshot {
    /// The account under shocks, one after the other.
    public func shocked(by shocks: [Shock], judge: any VenueJudge) throws(NumberError) -> AccountSnapshot {
        var instruments: [Instrument] = []
        for instrument in account.positions.map(\.instrument) + account.orders.map(\.instrument)
        where !instruments.contains(where: { $0.name == instrument.name }) {
            instruments.append(instrument)
        }
        var prices = prices
        for shock in shocks {
            prices = try shock.applied(to: judge.market(prices, at: at), instruments: instruments, at: at)
        }
        return AccountSnapshot(account: account, prices: prices, at: at)
    }
}
