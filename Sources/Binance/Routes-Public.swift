import JSON
import Ledger
import Numbers
import Venue

/// What everybody may read: times, symbols, indexes and prices.
extension BinanceVenue {
    func publicAnswer(
        _ endpoint: Endpoint, _ parameters: Parameters, _ access: any VenueAccess, apiKey: String? = nil
    ) throws -> [UInt8] {
        let time = access.ledgerTime()
        let rules = rules(at: time)
        let market = market(access.prices(), at: time)
        var writer = JSONWriter(reserving: 1024)
        switch endpoint {
        case .ping, .spotPing:
            writer.beginObject()
            writer.endObject()
        case .time, .spotTime:
            writer.beginObject()
            writer.member("serverTime", access.realTime())
            writer.endObject()
        case .exchangeInfo:
            let account = apiKey.flatMap { access.key($0) }
                .flatMap { access.snapshot(of: $0.account)?.account }
            writer.exchangeInfo(rules, for: account, serverTime: access.realTime())
        case .spotExchangeInfo:
            writer.emptyExchangeInfo(weightLimit: rules.limits.spot, serverTime: access.realTime())
        case .coinExchangeInfo:
            writer.emptyExchangeInfo(weightLimit: rules.limits.futures, serverTime: access.realTime())
        case .marginPairs, .isolatedMarginPairs:
            // There is no margin trading here, so there are no pairs of it.
            writer.beginArray()
            writer.endArray()
        case .assetIndex: try writeAssetIndex(&writer, parameters, market, rules, time)
        default: return try marketNow(endpoint, parameters, access)
        }
        return writer.bytes
    }

    /// `GET /fapi/v1/assetIndex`: the rates of multi-assets mode, of margin assets.
    private func writeAssetIndex(
        _ writer: inout JSONWriter, _ parameters: Parameters, _ market: ValuationPrices, _ rules: RuleTable,
        _ time: LedgerTime
    ) throws {
        try parameters.checkCharacters()
        let assets = rules.assets.filter(\.isMarginAvailable)
        if let name = parameters["symbol"] {
            guard let asset = assets.first(where: { ($0.name + "USD").isExactly(name) }) else {
                throw BinanceError.invalidSymbol
            }
            try writer.assetIndex(asset, market, at: time)
            return
        }
        try writer.array(of: assets) { asset, writer in try writer.assetIndex(asset, market, at: time) }
    }
}
