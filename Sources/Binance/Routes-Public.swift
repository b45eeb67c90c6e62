import JSON
import Ledger
import Numbers
import Venue

/// What everybody may read: times, symbols, indexes and prices.
extension PublicRequest {
    func publicAnswer(_ endpoint: Endpoint, apiKey: String? = nil) throws -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        switch endpoint {
        case .ping, .spotPing: writer.object { _ in }
        case .time, .spotTime: writer.object { $0.member("serverTime", access.realTime()) }
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
        case .assetIndex: try writeAssetIndex(&writer)
        default: return try presentAnswer(endpoint)
        }
        return writer.bytes
    }

    /// `GET /fapi/v1/assetIndex`: the rates of multi-assets mode, of margin assets.
    private func writeAssetIndex(_ writer: inout JSONWriter) throws {
        try parameters.checkCharacters()
        let assets = rules.assets.filter(\.isMarginAvailable)
        if let name = parameters["symbol"] {
            guard let asset = assets.first(where: { ($0.name + "USD").isExactly(name) }) else {
                throw BinanceError.invalidSymbol
            }
            try writer.assetIndex(asset, market, at: now)
            return
        }
        try writer.array(of: assets) { asset, writer in try writer.assetIndex(asset, market, at: now) }
    }
}
