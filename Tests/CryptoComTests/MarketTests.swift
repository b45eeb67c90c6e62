import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// 2026-06-01T00:00:00Z.
private let june: Int64 = 1_780_272_000_000

private func quotes(_ members: String) -> String {
    #"{"type":"quotes","venue":"crypto-com","quotes":{"BTCUSD-PERP":{\#(members)}}}"#
}

/// The rows of an answer.
private func list(_ answer: VenueResponse) throws -> [JSONValue] {
    try #require(try answer.json["result"]?["data"]?.elements)
}

/// A world in which BTCUSD-PERP was quoted and traded in two minutes.
private func tradedWorld(_ profile: WireProfile = .documented) throws -> World {
    let world = try makeWorld(profile, [prices(marks: #"{"BTCUSD-PERP":"60000"}"#)])
    world.setLedgerTime(june + 60_000)
    try world.apply(
        quotes(#""bid":"60009.9","ask":"60010","bid_size":"2","last":"60010","quantity":"0.25""#))
    world.setLedgerTime(june + 90_000)
    try world.apply(quotes(#""bid":"59999.9","ask":"60000","last":"59999.9","quantity":"0.1""#))
    world.setLedgerTime(june + 120_000)
    return world
}

@Suite("Market data over REST")
struct MarketTests {
    private func answer(_ path: String, _ profile: WireProfile = .documented) async throws -> VenueResponse {
        await (try tradedWorld(profile)).request("GET", "/exchange/v1/public/" + path)
    }

    @Test("candles ascend, without gaps, the open one last")
    func candles() async throws {
        #expect(
            try await answer("get-candlestick?instrument_name=BTCUSD-PERP&count=2").text
                == #"{"id":-1,"method":"public/get-candlestick","code":0,"result":{"interval":"1m","data":["#
                + #"{"o":"60010","h":"60010","l":"59999.9","c":"59999.9","v":"0.35","t":1780272060000},"#
                + #"{"o":"59999.9","h":"59999.9","l":"59999.9","c":"59999.9","v":"0","t":1780272120000}],"#
                + #""instrument_name":"BTCUSD-PERP"}}"#)
        func openings(_ query: String) async throws -> [Int64?] {
            try list(await answer("get-candlestick?instrument_name=BTCUSD-PERP&" + query)).map {
                $0["t"]?.integer
            }
        }
        #expect(try await openings("").count == 25)
        #expect(
            try await openings("start_ts=\(june)&end_ts=\(june + 60_000)") == [june, june + 60_000])
        #expect(try await openings("start_ts=\(june)&count=1") == [june])
        #expect(try await openings("end_ts=\(june)&count=1") == [june])
        #expect(try await openings("timeframe=D1&count=2") == [june - 86_400_000, june])
        #expect(try await openings("timeframe=1M&count=1&end_ts=\(june)000000") == [june])
    }

    @Test("book and trades")
    func book() async throws {
        #expect(
            try await answer("get-book?instrument_name=BTCUSD-PERP&depth=10").text
                == #"{"id":-1,"method":"public/get-book","code":0,"result":{"depth":10,"data":[{"#
                + #""bids":[["59999.9","1000000","1"]],"asks":[["60000","1000000","1"]],"t":1780272090000}],"#
                + #""instrument_name":"BTCUSD-PERP"}}"#)
        for (profile, side) in [(WireProfile.documented, "SELL"), (.live, "sell")] {
            #expect(
                try await answer("get-trades?instrument_name=BTCUSD-PERP&count=1", profile).text.contains(
                    #""data":[{"d":"4","t":1780272090000,"tn":1780272090000000000,"q":"0.1","#
                        + #""p":"59999.9","s":"\#(side)","i":"BTCUSD-PERP","m":"4"}]"#))
        }
        #expect(
            try list(await answer("get-trades?instrument_name=BTCUSD-PERP&end_ts=\(june + 60_000)")).map {
                $0["d"]?.text
            } == ["3"])
    }

    @Test("funding: every full hour")
    func funding() async throws {
        let rows = try list(
            await answer("get-valuations?instrument_name=BTCUSD-PERP&valuation_type=funding_hist&count=2"))
        #expect(rows.map { $0["t"]?.integer } == [june, june - 3_600_000])
        #expect(rows.first?["v"]?.text == "0.0000125")
        let estimate = try list(
            await answer(
                "get-valuations?instrument_name=BTCUSD-PERP&valuation_type=estimated_funding_rate&count=1"))
        #expect(estimate.count == 1)
    }

    @Test(
        "refusals",
        arguments: [
            ("get-candlestick", "Missing instrument_name param"),
            ("get-candlestick?instrument_name=NOPE", "Invalid instrument_name"),
            ("get-candlestick?instrument_name=BTC_USD&timeframe=7m", "Invalid timeframe"),
            ("get-candlestick?instrument_name=BTC_USD&count=0", "Invalid count"),
            ("get-book?instrument_name=BTC_USD&depth=0", "Invalid depth"),
            ("get-book?instrument_name=BTC_USD&depth=200", "Invalid depth"),
            ("get-trades?instrument_name=BTC_USD&count=151", "Invalid count"),
        ])
    func refusals(_ path: String, _ message: String) async throws {
        let refused = try await answer(path)
        #expect(refused.status == 400)
        #expect(refused.text.contains(#""code":40004,"message":"\#(message)""#))
    }
}

@Suite("Channels of market data")
struct MarketChannelTests {
    private func subscribed(_ world: World, _ name: String, _ more: String = "") throws -> Stream {
        var stream = try #require(world.stream("/exchange/v1/market"))
        stream.send(#"{"id":7,"method":"subscribe","params":{"channels":["\#(name)"]\#(more)}}"#)
        return stream
    }

    @Test("the book: acknowledged, a snapshot, and what has changed since")
    func book() throws {
        let world = try tradedWorld()
        var stream = try subscribed(
            world, "book.BTCUSD-PERP.10", #","book_subscription_type":"SNAPSHOT_AND_UPDATE""#)
        #expect(
            stream.takeTexts() == [
                #"{"id":7,"method":"subscribe","code":0,"channel":"book.BTCUSD-PERP.10"}"#,
                #"{"id":-1,"method":"subscribe","code":0,"result":{"channel":"book","#
                    + #""subscription":"book.BTCUSD-PERP.10","instrument_name":"BTCUSD-PERP","depth":10,"#
                    + #""data":[{"bids":[["59999.9","1000000","1"]],"asks":[["60000","1000000","1"]],"#
                    + #""t":1780272120000,"tt":1780272120000,"u":4,"cs":0}]}}"#,
            ])
        try world.apply(quotes(#""bid":"59999.9","ask":"60001","bid_size":"3""#))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"id":-1,"method":"subscribe","code":0,"result":{"channel":"book.update","#
                    + #""subscription":"book.BTCUSD-PERP.10","instrument_name":"BTCUSD-PERP","depth":10,"#
                    + #""data":[{"update":{"bids":[["59999.9","3","1"]],"#
                    + #""asks":[["60000","0","0"],["60001","1000000","1"]]},"#
                    + #""t":1780272120000,"tt":1780272120000,"u":5,"pu":4,"cs":0}]}}"#
            ])
        stream.wait(5_500)
        let idle = try stream.takeJSON()
        #expect(idle.count == 1)
        let row = idle.first?["result"]?["data"]?.elements?.first
        #expect(row?["u"]?.integer == 5)
        #expect(row?["pu"]?.integer == 5)
    }

    @Test("trades and candles: the latest with the request's id, then each by itself")
    func tradesAndCandles() throws {
        let world = try tradedWorld()
        var trades = try subscribed(world, "trade.BTCUSD-PERP")
        var candles = try subscribed(world, "candlestick.1m.BTCUSD-PERP")
        let first = try trades.takeJSON()
        #expect(first.map { $0["id"]?.integer } == [7])
        #expect(first.first?["result"]?["data"]?.elements?.map { $0["d"]?.text } == ["4", "3"])
        let history = try candles.takeJSON()
        #expect(history.first?["result"]?["data"]?.elements?.count == 300)
        #expect(history.first?["result"]?["interval"]?.text == "1m")
        try world.apply(quotes(#""last":"60001","quantity":"1""#))
        trades.hear()
        candles.hear()
        #expect(
            trades.takeTexts() == [
                #"{"id":-1,"method":"subscribe","code":0,"result":{"instrument_name":"BTCUSD-PERP","#
                    + #""subscription":"trade.BTCUSD-PERP","channel":"trade","data":[{"d":"5","#
                    + #""t":1780272120000,"q":"1","p":"60001","s":"BUY","i":"BTCUSD-PERP","m":"5"}]}}"#
            ])
        let rows = try candles.takeJSON().compactMap { $0["result"]?["data"]?.elements?.first }
        #expect(rows.map { $0["c"]?.text } == ["60001"])
        world.setLedgerTime(june + 181_000)
        candles.wait(1_000)
        #expect(
            try candles.takeJSON().compactMap { $0["result"]?["data"]?.elements?.first?["t"]?.integer }
                == [june + 180_000])
    }

    @Test(
        "a book that is not offered is refused",
        arguments: [
            (#","book_subscription_type":"NOPE""#, "Invalid book_subscription_type"),
            (
                #","book_subscription_type":"SNAPSHOT_AND_UPDATE","book_update_frequency":100"#,
                "Unsupported depth/interval combination"
            ),
        ])
    func refusedBook(_ more: String, _ message: String) throws {
        var stream = try subscribed(try tradedWorld(), "book.BTCUSD-PERP.10", more)
        #expect(
            stream.takeTexts() == [
                #"{"id":7,"method":"subscribe","code":40003,"channel":"book.BTCUSD-PERP.10","#
                    + #""message":"\#(message)"}"#
            ])
    }

    @Test("funding and settlement", arguments: ["funding", "estimatedfunding", "settlement"])
    func funding(_ word: String) throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, word + ".BTCUSD-PERP")
        let value = word == "settlement" ? "60000" : "0.0000125"
        let frames = try stream.takeJSON()
        #expect(frames.map { $0["id"]?.integer } == [7])
        #expect(frames.first?["result"]?["data"]?.elements?.first?["v"]?.text == value)
        stream.wait(5_000)
        #expect(stream.takeTexts() == [])
    }
}
