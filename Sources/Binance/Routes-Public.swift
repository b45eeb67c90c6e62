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
            writer.integer("serverTime", access.realTime())
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
        case .premiumIndex:
            try each(parameters, rules, &writer) { writer, symbol in
                try writer.premiumIndex(symbol, market: market, rules: rules, at: time)
            }
        case .tickerPrice1, .tickerPrice2:
            try each(parameters, rules, &writer) { writer, symbol in
                writer.beginObject()
                writer.text("symbol", symbol.name)
                writer.key("price")
                writer.quoted(
                    try market.requiredMark(symbol.instrument).cut(places: BinanceFigures.places),
                    minimumPlaces: symbol.pricePrecision)
                writer.integer("time", time.milliseconds)
                writer.endObject()
            }
        default: throw BinanceError.internalError
        }
        return writer.bytes
    }

    /// An object for the symbol asked for, an array of all of them where none was.
    private func each(
        _ parameters: Parameters, _ rules: RuleTable, _ writer: inout JSONWriter,
        _ write: (inout JSONWriter, SymbolRules) throws -> Void
    ) throws {
        try parameters.checkCharacters()
        if let symbols = try chosen(parameters, rules) {
            for symbol in symbols { try write(&writer, symbol) }
            return
        }
        writer.beginArray()
        for symbol in rules.symbolsByName { try write(&writer, symbol) }
        writer.endArray()
    }

    /// `GET /fapi/v1/assetIndex`: the rates of multi-assets mode, of margin assets.
    private func writeAssetIndex(
        _ writer: inout JSONWriter, _ parameters: Parameters, _ market: Market, _ rules: RuleTable,
        _ time: LedgerTime
    ) throws {
        try parameters.checkCharacters()
        let assets = rules.assets.filter(\.isMarginAvailable)
        if let name = parameters["symbol"] {
            guard let asset = assets.first(where: { ($0.name + "USD").isExactly(name) }) else {
                throw BinanceError.invalidSymbol
            }
            try writer.assetIndex(asset, index: market.requiredIndex(asset.name), at: time)
            return
        }
        writer.beginArray()
        for asset in assets {
            try writer.assetIndex(asset, index: market.requiredIndex(asset.name), at: time)
        }
        writer.endArray()
    }
}
