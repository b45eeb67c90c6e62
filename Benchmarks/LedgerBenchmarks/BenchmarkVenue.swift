import JSON
import Ledger
import Numbers

/// A venue that agrees to everything, so that the ledger alone is measured.
struct BenchmarkVenue: VenueJudge {
    let name = VenueName(rawValue: "benchmark")
    let conventions = Conventions()
    let defaultSettings = Settings()
    let instruments: [String: Instrument]

    init(instrumentCount: Int) {
        var instruments: [String: Instrument] = [:]
        for number in 0..<instrumentCount {
            let name = "COIN\(number)-USDT-SWAP"
            instruments[name] = Instrument(
                venue: VenueName(rawValue: "benchmark"), name: name, kind: .perpetual, base: "COIN\(number)",
                quote: "USDT", settle: "USDT")
        }
        self.instruments = instruments
    }

    func instrument(_ name: String, at time: LedgerTime) -> Instrument? { instruments[name] }
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool { true }
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue { value }
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal
    { .one }
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }
    func isHedged(_ account: Account) -> Bool { false }
    func tradingTerms(of instrument: Instrument, in account: Account, at time: LedgerTime) -> TradingTerms? {
        TradingTerms(tick: .one, makerRate: .zero, takerRate: .zero, refusesAtOnce: false)
    }
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: [:])
    }
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal) {}
}
