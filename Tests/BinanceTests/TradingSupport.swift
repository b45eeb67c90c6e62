import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

/// A world as the documents' vectors have it: 10000 USDT, BTCUSDT at 20x, the mark at 60000.
func tradingWorld(_ commands: String...) throws -> BinanceWorld {
    let world = try binanceWorld(commands: [
        deposit("USDT", "10000"), marks(#""BTCUSDT":"60000""#, index: #""USDT":"1","BTC":"60000""#),
    ])
    for command in commands { try world.apply(command) }
    return world
}

func bitcoinQuote(_ bid: String, _ ask: String, _ more: String = "") -> String {
    #"{"type":"quotes","venue":"binance","quotes":{"BTCUSDT":{"bid":"\#(bid)","ask":"\#(ask)"\#(more)}}}"#
}

extension TestWorld where Model == BinanceVenue {
    /// A call about orders of BTCUSDT.
    func order(
        _ method: String, _ parameters: String, path: String = "/fapi/v1/order"
    ) async throws -> JSONValue {
        try await signed(method, path, "symbol=BTCUSDT&" + parameters).json
    }

    /// A figure of the account endpoint.
    func figure(_ name: String) throws -> String? {
        try JSONValue(parsing: statement("desk"))[name]?.text
    }
}

func members(_ value: JSONValue, _ names: String) -> [String] {
    names.split(separator: " ").map { name in
        let member = value[String(name)]
        return member?.text ?? member?.description ?? "absent"
    }
}
