import Exchange
import JSON
import Ledger
import Numbers

/// Quotes of ten instruments in turns, with 1,000 orders of each resting on both sides, none of which they reach.
struct QuoteLoad {
    let exchange = Exchange()
    let judges: Judges
    let now = LedgerTime(milliseconds: 1_780_272_000_000)
    let quotes: [Command]
    let state: LedgerState

    init(instruments: Int = 10, orders: Int = 1_000, accounts: Int = 100, quotes count: Int = 100_000) throws {
        let venue = BenchmarkVenue(instrumentCount: instruments)
        let judges: Judges = [venue.name: venue]
        var ledger = LedgerState()
        let (exchange, now) = (exchange, now)
        func accept(_ command: Command) throws {
            _ = try exchange.accept(command, in: &ledger, judges: judges, now: now)
        }
        func quote(_ number: Int) -> Command {
            let step = number / instruments % 100
            var quote = Quote(instrument: "COIN\(number % instruments)-USDT-SWAP")
            quote.bid = ExactDecimal(60_000 + step)
            quote.ask = ExactDecimal(60_001 + step)
            quote.last = ExactDecimal(60_000 + step)
            return Command(account: nil, content: .quotes(venue: venue.name.rawValue, quotes: [quote]))
        }
        for number in 0..<accounts {
            let text = #"{"type":"open_account","account":"desk-\#(number)","venue":"benchmark"}"#
            try accept(try Command(decoding: JSONValue(parsing: text)))
        }
        for number in 0..<instruments { try accept(quote(number)) }
        for number in 0..<(instruments * orders) {
            let depth = ExactDecimal(1_000 + number / instruments)
            let isBuy = number / instruments % 2 == 0
            let order = OrderInstruction(
                instrument: "COIN\(number % instruments)-USDT-SWAP", side: isBuy ? .buy : .sell, quantity: .one,
                price: isBuy ? try ExactDecimal(60_000) - depth : try ExactDecimal(60_000) + depth,
                terms: OrderTerms())
            try accept(Command(account: "desk-\(number % accounts)", content: .trade(.place(order))))
        }
        state = ledger
        quotes = (0..<count).map(quote)
        self.judges = judges
    }
}
