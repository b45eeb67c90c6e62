import JSON
import Ledger
import Numbers

/// A sudden change, to see what it would do to an account; nothing of it is stored.
public enum Shock: Sendable, Equatable {
    /// A change of price: of an asset (its index and the marks of every instrument on it) or of one
    /// instrument (its mark alone). The change is a ratio above −1; −0.10 is ten percent down.
    case price(target: String, change: ExactDecimal)
    /// One funding payment of an instrument at a rate: −(signed notional at mark) × rate.
    case funding(instrument: String, rate: ExactDecimal)
    /// Other values in the rules in force: haircuts, tiers, brackets, as a rulebook file spells them.
    case rules(amendment: JSONValue)

    /// The venue and the account as they would be after the shock.
    ///
    /// Throws `Refusal` where the ledger would not take the funding, `RulebookError` where the amendment
    /// cannot be read, `NumberError` where a price does not fit.
    public func applied(
        to snapshot: AccountSnapshot, at model: any VenueServer
    ) throws -> (model: any VenueServer, snapshot: AccountSnapshot) {
        switch self {
        case .price(let target, let change):
            let prices = try snapshot.prices(judge: model, moving: target, by: change)
            return (model, AccountSnapshot(account: snapshot.account, prices: prices, at: snapshot.at))
        case .funding(let instrument, let rate):
            return (model, try snapshot.funded(instrument, rate: rate, judge: model))
        case .rules(let amendment):
            return (try model.amended(by: amendment, at: snapshot.at), snapshot)
        }
    }
}

extension AccountSnapshot {
    /// The instruments of the account's positions and orders, each once.
    private var instruments: [Instrument] {
        var found: [Instrument] = []
        for instrument in account.positions.map(\.instrument) + account.orders.map(\.instrument)
        where !found.contains(where: { $0.name == instrument.name }) {
            found.append(instrument)
        }
        return found
    }

    /// The market after a change of price, for the instruments of the account.
    ///
    /// A price is multiplied by 1 + change, to 18 places, half even. Prices that nobody gave are moved from
    /// the rulebook's reference.
    fileprivate func prices(
        judge: any VenueJudge, moving target: String, by change: ExactDecimal
    ) throws(NumberError) -> VenuePrices {
        let market = judge.market(prices, at: at)
        let factor = try ExactDecimal.one + change
        var marks: [PriceTick.Quote] = []
        for instrument in instruments {
            guard let mark = market.mark(instrument) else { continue }
            let isHit = instrument.name.isExactly(target) || instrument.base.isExactly(target)
            // A mark that was derived from indexes is pinned, so that moving an index moves it just once.
            let price = isHit ? try mark.times(factor, rounding: .halfEven) : mark
            marks.append(PriceTick.Quote(name: instrument.name, price: price))
        }
        var index: [PriceTick.Quote] = []
        if let price = market.index(target) {
            index.append(PriceTick.Quote(name: target, price: try price.times(factor, rounding: .halfEven)))
        }
        var moved = prices
        moved.apply(PriceTick(venue: judge.name, marks: marks, index: index), at: at)
        return moved
    }

    /// The account after one funding payment, booked by the ledger as a command would be.
    fileprivate func funded(
        _ instrument: String, rate: ExactDecimal, judge: any VenueJudge
    ) throws(Refusal) -> AccountSnapshot {
        var ledger = LedgerState()
        ledger.restore(account)
        ledger.restore(prices: prices, of: account.venue)
        ledger.restore(lastSequence: account.lastSequence)
        let request = FundingRequest(instrument: instrument, measure: .rate(rate))
        let command = Command(account: account.id, content: .funding(request))
        _ = try ledger.accept(command, judges: [judge.name: judge], now: at)
        return AccountSnapshot(account: ledger.account(account.id) ?? account, prices: prices, at: at)
    }
}
