import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

/// 2026-06-01T00:00:00Z.
private let june: Int64 = 1_780_272_000_000

private func quotes(_ quotes: String) -> String {
    #"{"type":"quotes","venue":"binance","quotes":{\#(quotes)}}"#
}

/// A world in which BTCUSDT was quoted and traded in three minutes.
private func tradedWorld() throws -> BinanceWorld {
    let world = try binanceWorld(commands: [marks(#""BTCUSDT":"60000""#, index: #""BTC":"60010""#)])
    world.setLedgerTime(june + 60_000)
    try world.apply(
        quotes(
            #""BTCUSDT":{"bid":"60009.9","ask":"60010","bid_size":"2","ask_size":"0.5","last":"60010","quantity":"0.25"}"#
        ))
    world.setLedgerTime(june + 90_000)
    try world.apply(
        quotes(
            #""BTCUSDT":{"bid":"59999.9","ask":"60000","bid_size":"1","last":"59999.9","quantity":"0.1"}"#))
    world.setLedgerTime(june + 120_000)
    return world
}

@Suite("Market data over REST")
struct MarketTests {
    @Test("candles: twelve columns, the last one still forming")
    func klines() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=\(june)").text
                == #"[[1780272000000,"60000.00","60000.00","60000.00","60000.00","0.000",1780272059999,"#
                + #""0.00000",0,"0.000","0.00000","0"],"#
                + #"[1780272060000,"60010.00","60010.00","59999.90","59999.90","0.350",1780272119999,"#
                + #""21002.49000",2,"0.250","15002.50000","0"],"#
                + #"[1780272120000,"59999.90","59999.90","59999.90","59999.90","0.000",1780272179999,"#
                + #""0.00000",0,"0.000","0.00000","0"]]"#)
        let marks = try await world.request(
            "GET", "/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1h&limit=1"
        ).json
        #expect(marks[0]?[1]?.text == "60000.00000000")
        let index = try await world.request(
            "GET", "/fapi/v1/indexPriceKlines?pair=BTCUSDT&interval=1d&limit=2"
        ).json
        #expect(index.elements?.map { $0[4]?.text } == ["60010.00000000", "60010.00000000"])
        let continuous = try await world.request(
            "GET", "/fapi/v1/continuousKlines?pair=BTCUSDT&contractType=PERPETUAL&interval=1M&limit=1"
        ).json
        #expect(continuous[0]?[0]?.integer == june)
    }

    @Test("startTime, endTime and limit say which candles, and none begins before the symbol's listing")
    func klinesWindow() async throws {
        let world = try tradedWorld()
        func openings(_ query: String) async throws -> [Int64] {
            let rows = try await world.request("GET", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&" + query)
                .json
            return rows.elements?.compactMap { $0[0]?.integer } ?? []
        }
        #expect(try await openings("").count == 500)
        #expect(try await openings("limit=2") == [june + 60_000, june + 120_000])
        #expect(
            try await openings("startTime=\(june - 90_000)&limit=2") == [june - 60_000, june])
        #expect(try await openings("endTime=\(june)&limit=2") == [june - 60_000, june])
        #expect(try await openings("startTime=\(june)&endTime=\(june + 60_000)") == [june, june + 60_000])
        #expect(try await openings("startTime=\(june + 120_001)") == [])
        #expect(try await openings("startTime=0&limit=1") == [1_567_900_800_000])
    }

    @Test(
        "refusals",
        arguments: [
            ("klines?interval=1m", -1102), ("klines?symbol=NOPE&interval=1m", -1121),
            ("klines?symbol=BTCUSDT", -1102), ("klines?symbol=BTCUSDT&interval=1s", -1120),
            ("klines?symbol=BTCUSDT&interval=1m&limit=1501", -1130),
            ("klines?symbol=BTCUSDT&interval=1m&limit=0", -1130),
            ("klines?symbol=BTCUSDT&interval=1m&startTime=x", -1130),
            ("klines?symbol=BTCUSDT&interval=1m&startTime=2&endTime=1", -1023),
            ("continuousKlines?pair=BTCUSDT&interval=1m", -1102),
            ("continuousKlines?pair=BTCUSDT&interval=1m&contractType=NEXT", -4104),
            ("depth?symbol=BTCUSDT&limit=3", -4021), ("depth", -1102), ("trades?symbol=NOPE", -1121),
            ("aggTrades?symbol=BTCUSDT&limit=1001", -1130),
            ("aggTrades?symbol=BTCUSDT&startTime=0&endTime=3600001", -1127), ("openInterest", -1102),
        ])
    func refusals(_ path: String, _ code: Int64) async throws {
        let world = try tradedWorld()
        let answer = await world.request("GET", "/fapi/v1/" + path)
        #expect(answer.status == 400)
        #expect(try answer.json["code"]?.integer == code)
    }

    @Test("the book has one level a side: what was quoted, or a tick around the mark")
    func depth() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/fapi/v1/depth?symbol=BTCUSDT&limit=5").text
                == #"{"lastUpdateId":4,"E":1780272120000,"T":1780272120000,"#
                + #""bids":[["59999.90","1.000"]],"asks":[["60000.00","1000000.000"]]}"#)
        try world.apply(marks(#""BTCUSDT":"61000.07""#))
        #expect(
            await world.request("GET", "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT").text
                == #"{"symbol":"BTCUSDT","bidPrice":"61000.00","bidQty":"1000000.000","#
                + #""askPrice":"61000.10","askQty":"1000000.000","time":1780272120000,"lastUpdateId":5}"#)
        #expect(try await world.request("GET", "/fapi/v1/ticker/bookTicker").json.elements?.count == 16)
    }

    @Test("trades are quotes with a traded quantity")
    func trades() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/fapi/v1/trades?symbol=BTCUSDT").text
                == #"[{"id":3,"price":"60010.00","qty":"0.250","quoteQty":"15002.50000","#
                + #""time":1780272060000,"isBuyerMaker":false,"isRPITrade":false},"#
                + #"{"id":4,"price":"59999.90","qty":"0.100","quoteQty":"5999.99000","#
                + #""time":1780272090000,"isBuyerMaker":true,"isRPITrade":false}]"#)
        #expect(
            await world.request("GET", "/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=4").text
                == #"[{"a":4,"p":"59999.90","q":"0.100","nq":"0.100","f":4,"l":4,"T":1780272090000,"m":true}]"#
        )
        let later = "/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=\(june + 90_001)"
        #expect(await world.request("GET", later).text == "[]")
    }

    @Test("the day's ticker")
    func dayTicker() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/fapi/v1/ticker/24hr?symbol=BTCUSDT").text
                == #"{"symbol":"BTCUSDT","priceChange":"-0.10","priceChangePercent":"0.000","#
                + #""weightedAvgPrice":"60007.11","lastPrice":"59999.90","lastQty":"0.100","#
                + #""openPrice":"60000.00","highPrice":"60010.00","lowPrice":"59999.90","volume":"0.350","#
                + #""quoteVolume":"21002.49000","openTime":1780185720000,"closeTime":1780272120000,"#
                + #""firstId":3,"lastId":4,"count":2}"#)
        #expect(try await world.request("GET", "/fapi/v1/ticker/24hr").json.elements?.count == 16)
    }

    @Test("funding: the usual rate at every eighth hour, another one from when the ledger is told of it")
    func funding() async throws {
        let world = try tradedWorld()
        try world.apply(
            importPosition("BTCUSDT", "1", "60000"),
            desk("funding", #""instrument":"BTCUSDT","rate":"-0.0002""#))
        world.setLedgerTime(june + 9 * 3_600_000)
        #expect(
            await world.request("GET", "/fapi/v1/fundingRate?symbol=BTCUSDT&limit=2").text
                == #"[{"symbol":"BTCUSDT","fundingTime":1780272000000,"fundingRate":"0.00010000","#
                + #""markPrice":"60000.00000000","rateType":"Regular"},"#
                + #"{"symbol":"BTCUSDT","fundingTime":1780300800000,"fundingRate":"-0.00020000","#
                + #""markPrice":"60000.00000000","rateType":"Regular"}]"#)
        let premium = try await world.request("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT").json
        #expect(premium["lastFundingRate"]?.text == "-0.00020000")
        #expect(premium["nextFundingTime"]?.integer == june + 16 * 3_600_000)
    }
}

@Suite("Streams of market data")
struct MarketStreamTests {
    private func subscribed(_ world: BinanceWorld, _ names: String...) throws -> TestStream<BinanceVenue> {
        var stream = try #require(world.stream("/market/ws"))
        let list = names.map { "\"\($0)\"" }.joined(separator: ",")
        stream.send(#"{"method":"SUBSCRIBE","params":[\#(list)],"id":1}"#)
        return stream
    }

    @Test(
        "every stream says how things stand, and then what changes",
        arguments: [
            ("btcusdt@bookTicker", "bookTicker"), ("btcusdt@markPrice", "markPriceUpdate"),
            ("btcusdt@markPrice@1s", "markPriceUpdate"), ("btcusdt@ticker", "24hrTicker"),
            ("btcusdt@miniTicker", "24hrMiniTicker"), ("btcusdt@depth5", "depthUpdate"),
            ("btcusdt@depth20@100ms", "depthUpdate"), ("btcusdt@depth@100ms", "depthUpdate"),
            ("btcusdt@kline_1m", "kline"), ("btcusdt_perpetual@continuousKline_1h", "continuous_kline"),
        ])
    func everyStream(_ name: String, _ event: String) throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, name)
        let first = try stream.takeJSON()
        #expect(first.first?["result"]?.isNull == true)
        #expect(first.count == 2)
        #expect(first.last?["e"]?.text == event)
        try world.apply(marks(#""BTCUSDT":"61000""#))
        stream.hear()
        #expect(try stream.takeJSON().map { $0["e"]?.text } == [event])
        // The same price again changes nothing.
        try world.apply(marks(#""BTCUSDT":"61000""#))
        stream.hear()
        let again = try stream.takeJSON()
        #expect(again.count == (name.contains("bookTicker") || name.contains("depth5") ? 1 : again.count))
        #expect(stream.close == nil)
    }

    @Test("trades come one a message, and only those after the subscription")
    func trades() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, "btcusdt@aggTrade", "btcusdt@trade")
        #expect(stream.takeTexts() == [#"{"result":null,"id":1}"#])
        try world.apply(quotes(#""BTCUSDT":{"last":"60001","quantity":"1"}"#))
        try world.apply(quotes(#""BTCUSDT":{"last":"60002"}"#))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"e":"aggTrade","E":1780272120000,"a":5,"s":"BTCUSDT","p":"60001.00","q":"1.000","#
                    + #""nq":"1.000","f":5,"l":5,"T":1780272120000,"m":false,"st":1}"#,
                #"{"e":"trade","E":1780272120000,"T":1780272120000,"s":"BTCUSDT","t":5,"p":"60001.00","#
                    + #""q":"1.000","X":"MARKET","m":false,"st":1}"#,
            ])
    }

    @Test("changes of the book go on from one another")
    func depth() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, "btcusdt@depth")
        let first = try stream.takeJSON()[1]
        #expect(first["u"]?.integer == 4)
        #expect(first["b"]?[0]?[0]?.text == "59999.90")
        try world.apply(
            quotes(#""BTCUSDT":{"bid":"59999.9","ask":"60001","bid_size":"3","last":"60000"}"#))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"e":"depthUpdate","E":1780272120000,"T":1780272120000,"s":"BTCUSDT","ps":"BTCUSDT","#
                    + #""U":5,"u":5,"pu":4,"b":[["59999.90","3.000"]],"#
                    + #""a":[["60000.00","0.000"],["60001.00","1000000.000"]],"st":1}"#
            ])
    }

    @Test("a candle is closed once the ledger's clock has passed its end")
    func klines() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, "btcusdt@kline_1m")
        _ = stream.takeTexts()
        world.setLedgerTime(june + 241_000)
        stream.wait(1_000)
        let candles = try stream.takeJSON().compactMap { $0["k"] }
        #expect(candles.map { $0["t"]?.integer } == [june + 120_000, june + 180_000, june + 240_000])
        #expect(candles.map { $0["x"]?.boolean } == [true, true, false])
        stream.wait(5_000)
        #expect(stream.takeTexts() == [])
    }

    @Test("mark prices come at their own pace, all symbols in one message")
    func pace() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, "!markPrice@arr@1s", "!bookTicker")
        let first = try stream.takeJSON()
        #expect(first[1].elements?.count == 16)
        #expect(first.count == 2 + 16)
        stream.wait(3_000)
        #expect(try stream.takeJSON().map { $0.elements?.count } == [16, 16, 16])
    }

    @Test("a combined connection names the stream; what is no stream is refused, and nothing is followed")
    func names() throws {
        let world = try tradedWorld()
        var combined = try #require(world.stream("/stream?streams=btcusdt@bookTicker/ethusdt@depth5"))
        #expect(
            try combined.takeJSON().map { $0["stream"]?.text } == ["btcusdt@bookTicker", "ethusdt@depth5"])
        for name in ["btcusdt@nothing", "nope@depth", "BTCUSDT@depth", "btcusdt@kline_1s", "!nothing@arr"] {
            var stream = try subscribed(world, "btcusdt@ticker", name)
            #expect(
                stream.takeTexts() == [#"{"code":2,"msg":"Invalid request: unknown stream `\#(name)`"}"#])
            stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":2}"#)
            #expect(stream.takeTexts() == [#"{"result":[],"id":2}"#])
        }
        var silent = try subscribed(world, "!forceOrder@arr", "btcusdt@forceOrder")
        silent.wait(5_000)
        #expect(silent.takeTexts() == [#"{"result":null,"id":1}"#])
        silent.send(#"{"method":"UNSUBSCRIBE","params":["btcusdt@forceOrder"],"id":3}"#)
        #expect(silent.takeTexts() == [#"{"result":null,"id":3}"#])
    }
}

extension JSONValue {
    /// An element of an array.
    fileprivate subscript(place: Int) -> JSONValue? {
        guard let elements, elements.indices.contains(place) else { return nil }
        return elements[place]
    }
}
