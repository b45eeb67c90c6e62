import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Market socket")
struct MarketStreamTests {
    private func makeStream(_ commands: [String] = [], limited: Bool = false) throws -> (World, Stream) {
        let world = try makeWorld(.documented, enforcesRateLimits: limited, commands)
        return (world, try #require(world.stream("/exchange/v1/market")))
    }

    @Test("Frames as documented and recorded: the first with the request's id, the others with -1")
    func frames() throws {
        var (world, stream) = try makeStream([
            prices(marks: #"{"BTCUSD-PERP":"86176.3"}"#, index: #"{"BTC":"86178.17"}"#)
        ])
        let time = world.realTime()
        stream.send(subscription("ticker.BTCUSD-PERP", "mark.BTCUSD-PERP", "index.BTCUSD-INDEX", id: "\"4\""))
        func frame(_ id: Int, _ name: String, _ channel: String, _ data: String) -> String {
            let instrument = name.dropFirst(channel.count + 1)
            return
                #"{"id":\#(id),"method":"subscribe","code":0,"result":{"instrument_name":"\#(instrument)","#
                + #""subscription":"\#(name)","channel":"\#(channel)","data":[{\#(data)}]}}"#
        }
        #expect(
            stream.takeTexts() == [
                frame(
                    4, "ticker.BTCUSD-PERP", "ticker",
                    #""h":"86176.3","l":"86176.3","a":"86176.3","c":"0","b":"86176.3","bs":"1000000","#
                        + #""k":"86176.4","ks":"1000000","#
                        + #""i":"BTCUSD-PERP","v":"0","vv":"0","oi":"0","t":\#(time)"#),
                frame(4, "mark.BTCUSD-PERP", "mark", #""v":"86176.3","t":\#(time)"#),
                frame(4, "index.BTCUSD-INDEX", "index", #""v":"86178.17","t":\#(time)"#),
            ])
        world.setLedgerTime(time + 5)
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"86177"}"#))
        stream.hear()
        #expect(
            try stream.takeJSON().map { $0["result"]?["subscription"]?.text } == [
                "ticker.BTCUSD-PERP", "mark.BTCUSD-PERP",
            ])
        try world.apply(prices(index: #"{"BTC":"86179"}"#))
        stream.hear()
        #expect(
            stream.takeTexts() == [frame(-1, "index.BTCUSD-INDEX", "index", #""v":"86179","t":\#(time + 5)"#)]
        )
        // The same price again is no news, nor is what happens to accounts.
        try world.apply(prices(index: #"{"BTC":"86179"}"#), deposit("USD", "1"))
        stream.hear()
        #expect(stream.takeTexts() == [])
    }

    @Test("A channel that one request names twice is answered once")
    func namedTwice() throws {
        var (_, stream) = try makeStream([prices(marks: #"{"BTCUSD-PERP":"86176.3"}"#)])
        stream.send(subscription("mark.BTCUSD-PERP", "mark.BTCUSD-PERP"))
        #expect(stream.takeTexts().count == 1)
    }

    @Test("A pushed price is the one that REST tells")
    func sameAsREST() async throws {
        var (world, stream) = try makeStream([prices(marks: #"{"ETHUSD-PERP":"3010.55"}"#)])
        stream.send(
            subscription("ticker.ETHUSD-PERP", "mark.ETHUSD-PERP", "index.SOLUSD-INDEX", "ticker.BTC_USD"))
        let frames = try stream.takeJSON().map { try #require($0["result"]?["data"]?.elements?.first) }
        let ticker = try await world.request(
            "GET", "/exchange/v1/public/get-tickers?instrument_name=ETHUSD-PERP"
        ).json
        let row = try #require(ticker["result"]?["data"]?.elements?.first)
        for (key, value) in try #require(row.object).members { #expect(frames[0][key] == value, "\(key)") }
        for (place, query) in [
            (1, "instrument_name=ETHUSD-PERP&valuation_type=mark_price"),
            (2, "instrument_name=SOLUSD-INDEX&valuation_type=index_price"),
        ] {
            let reply = try await world.request("GET", "/exchange/v1/public/get-valuations?\(query)").json
            #expect(reply["result"]?["data"]?.elements?.first == frames[place])
        }
    }

    /// As recorded from the venue: one answer per channel, which names it.
    @Test(
        "A refused channel",
        arguments: [
            ("ticker.NOPEUSD-PERP", "Unknown symbol"), ("index.NOPEUSD-INDEX", "Unknown symbol"),
            ("index.BTCUSD-PERP", "Unsupported instrument"), ("mark.BTCUSD-INDEX", "Unsupported instrument"),
            ("nope.BTCUSD-PERP", "Unrecognized channel"), ("book.BTCUSD-PERP.20", "Invalid depth"),
            ("book.BTCUSD-PERP", "Invalid depth"), ("trade.NOPEUSD-PERP", "Unknown symbol"),
            ("candlestick.7m.BTCUSD-PERP", "Unsupported depth/interval combination"),
            ("funding.BTC_USD", "Unsupported instrument"),
            ("user.balance", "Unrecognized channel"), ("ticker", "Unrecognized channel"),
        ])
    func refused(_ name: String, _ message: String) throws {
        var (_, stream) = try makeStream()
        stream.send(subscription("mark.BTCUSD-PERP", name, id: "11"))
        let texts = stream.takeTexts()
        #expect(texts.count == 2)
        #expect(
            texts.first
                == #"{"id":11,"method":"subscribe","code":40003,"channel":"\#(name)","message":"\#(message)"}"#
        )
        #expect(texts.last?.contains("mark.BTCUSD-PERP") == true)
    }

    @Test("The same channel twice is one stream; unsubscribing works for what never was, too")
    func subscriptions() throws {
        var (world, stream) = try makeStream()
        stream.send(subscription("mark.BTCUSD-PERP", id: "1"))
        stream.send(subscription("mark.BTCUSD-PERP", id: "2"))
        #expect(try stream.takeJSON().map { $0["id"]?.integer } == [1, 2])
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"1"}"#))
        stream.hear()
        #expect(stream.takeTexts().count == 1)
        stream.send(subscription("mark.BTCUSD-PERP", "mark.ETHUSD-PERP", id: "22", method: "unsubscribe"))
        #expect(stream.takeTexts() == [#"{"id":22,"method":"unsubscribe","code":0}"#])
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"2"}"#))
        stream.hear()
        #expect(stream.takeTexts() == [])
        #expect(stream.stream.interest == StreamInterest())
    }

    @Test("Nothing private here, and the same heartbeat, limits and bad frames as on the user's socket")
    func likeTheOther() throws {
        var (world, stream) = try makeStream(limited: true)
        stream.send(world.authentication(id: "1"))
        stream.send("{")
        #expect(
            stream.takeTexts() == [
                #"{"id":1,"method":"public/auth","code":40002,"message":"METHOD_NOT_FOUND"}"#,
                #"{"id":-1,"method":"ERROR","code":40001,"message":"BAD_REQUEST","original":"{"}"#,
            ])
        for _ in 1...98 { stream.send(#"{"id":1,"method":"x"}"#) }
        #expect(!stream.takeTexts().contains { $0.contains("42901") })
        stream.send(#"{"id":1,"method":"x"}"#)
        #expect(stream.takeTexts() == [#"{"id":1,"method":"x","code":42901,"message":"TOO_MANY_REQUESTS"}"#])
        stream.wait(34_999)
        #expect(try stream.takeJSON().map { $0["method"]?.text } == ["public/heartbeat"])
        #expect(stream.close == nil)
        stream.wait(1)
        #expect(stream.close?.code == 1000)
    }
}
