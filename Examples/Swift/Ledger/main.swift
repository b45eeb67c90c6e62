import JSON
import Ledger
import Numbers

/// A made-up venue with one contract, which agrees to everything: the least that a ledger needs to be told.
struct TinyVenue: VenueJudge {
    let name = VenueName(rawValue: "tiny")
    let conventions = Conventions()
    let defaultSettings = Settings()

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? {
        guard name == "BTC-PERP" else { return nil }
        return Instrument(
            venue: self.name, name: name, kind: .perpetual, base: "BTC", quote: "USD", settle: "USD")
    }
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { name == "USD" }
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue { value }
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    {
        ExactDecimal(10)
    }
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { false }
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: [:])
    }
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {}
}

let venue = TinyVenue()
let now = LedgerTime(milliseconds: 1_780_272_000_000)
var ledger = LedgerState()
let commands = """
    {"type":"open_account","account":"desk","venue":"tiny"}
    {"type":"deposit","account":"desk","asset":"USD","amount":"1000"}
    {"type":"fill","account":"desk","instrument":"BTC-PERP","side":"buy","quantity":"0.03","price":"60000.1","fee":"0.9"}
    {"type":"fill","account":"desk","instrument":"BTC-PERP","side":"sell","quantity":"0.01","price":"60300.2","fee":"0.3"}
    """
for line in commands.split(separator: "\n") {
    let command = try Command(decoding: JSONValue(parsing: String(line)))
    let events = try ledger.accept(command, judges: [venue.name: venue], now: now)
    for event in events { print("event", event.sequence) }
}
if let account = ledger.account("desk") {
    print("cash", account.cash("USD"))
    for position in account.positions {
        print(position.instrument.name, position.quantity, "at", position.cost)
    }
}
