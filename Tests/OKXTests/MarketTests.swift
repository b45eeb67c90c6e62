import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// 2026-06-01T00:00:00Z.
private let june: Int64 = 1_780_272_000_000

extension TestWorld where Model == OKXVenue {
    fileprivate func quote(_ members: String, at time: Int64) throws {
        setLedgerTime(time)
        try apply(#"{"type":"quotes","venue":"okx","quotes":{"BTC-USDT-SWAP":{\#(members)}}}"#)
    }
}

/// A world in which BTC-USDT-SWAP was quoted and traded in two minutes.
private func tradedWorld() throws -> TestWorld<OKXVenue> {
    let world = try world()
    try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60010","USDT":"1"}"#)
    try world.quote(
        #""bid":"60009.9","ask":"60010","bid_size":"2","ask_size":"7","last":"60010","quantity":"25""#,
        at: june + 60_000)
    try world.quote(#""bid":"59999.9","ask":"60000","last":"59999.9","quantity":"10""#, at: june + 90_000)
    world.setLedgerTime(june + 120_000)
    return world
}

@Suite("Market data over REST")
struct MarketTests {
    @Test("candles: nine columns, newest first; six of marks and indexes")
    func candles() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/api/v5/market/candles?instId=BTC-USDT-SWAP&limit=2").text
                == #"{"code":"0","msg":"","data":["#
                + #"["1780272120000","59999.9","59999.9","59999.9","59999.9","0","0","0","0"],"#
                + #"["1780272060000","60010","60010","59999.9","59999.9","35","0.35","21002.49","1"]]}"#)
        for (path, name) in [("mark-price", "BTC-USDT-SWAP"), ("index", "BTC-USDT")] {
            let rows = try await world.publicData("/api/v5/market/\(path)-candles?instId=\(name)&bar=1H")
            #expect(rows.count == 100)
            #expect(rows.first?.elements?.count == 6)
            #expect(rows.first?.elements?.last?.text == "0")
            #expect(rows.last?.elements?.last?.text == "1")
        }
    }

    @Test("after, before and limit say which candles; days begin in Hong Kong unless utc is said")
    func windows() async throws {
        let world = try tradedWorld()
        func openings(_ query: String) async throws -> [Int64] {
            try await world.publicData("/api/v5/market/candles?instId=BTC-USDT-SWAP&\(query)")
                .compactMap { $0.elements?.first?.text.flatMap { Int64($0) } }
        }
        #expect(try await openings("").count == 100)
        #expect(try await openings("after=\(june + 60_000)&limit=2") == [june, june - 60_000])
        #expect(try await openings("before=\(june)") == [june + 120_000, june + 60_000])
        #expect(try await openings("before=\(june)&after=\(june + 120_000)") == [june + 60_000])
        #expect(try await openings("bar=1D&limit=1") == [june - 8 * 3_600_000])
        #expect(try await openings("bar=1Dutc&limit=1") == [june])
        #expect(try await openings("bar=1Mutc&limit=2") == [june, june - 31 * 86_400_000])
        #expect(try await openings("after=1") == [])
    }

    @Test(
        "refusals",
        arguments: [
            ("market/candles", "50014"), ("market/candles?instId=NOPE", "51001"),
            ("market/candles?instId=BTC-USDT&bar=7m", "51000"),
            ("market/candles?instId=BTC-USDT&limit=301", "51000"),
            ("market/candles?instId=BTC-USDT&after=x", "51000"),
            ("market/index-candles?instId=BTC", "51001"),
            ("market/mark-price-candles?instId=BTC-USDT-SWAP&limit=101", "51000"),
            ("market/books?instId=BTC-USDT&sz=401", "51000"), ("market/trades?instId=NOPE", "51001"),
            ("public/funding-rate?instId=BTC-USDT", "51000"), ("public/price-limit", "50014"),
            ("public/mark-price?instId=NOPE", "51001"),
        ])
    func refusals(_ path: String, _ code: String) async throws {
        let answer = await (try tradedWorld()).request("GET", "/api/v5/" + path)
        #expect(try answer.json["code"]?.text == code, "\(answer.text)")
    }

    @Test("book and trades")
    func book() async throws {
        let world = try tradedWorld()
        #expect(
            await world.request("GET", "/api/v5/market/books?instId=BTC-USDT-SWAP&sz=5").text
                == #"{"code":"0","msg":"","data":[{"asks":[["60000","1000000","0","1"]],"#
                + #""bids":[["59999.9","1000000","0","1"]],"ts":"1780272120000","seqId":3}]}"#)
        #expect(
            await world.request("GET", "/api/v5/market/trades?instId=BTC-USDT-SWAP&limit=1").text
                == #"{"code":"0","msg":"","data":[{"instId":"BTC-USDT-SWAP","px":"59999.9","side":"sell","#
                + #""source":"0","sz":"10","tradeId":"3","ts":"1780272090000"}]}"#)
        let page = "/api/v5/market/history-trades?instId=BTC-USDT-SWAP"
        #expect(try await world.publicData("\(page)&after=3").map { $0.text("tradeId") } == ["2"])
        #expect(
            try await world.publicData("\(page)&type=2&before=\(june + 60_000)").map { $0.text("tradeId") }
                == ["3"])
    }

    @Test("tickers of a day, mark prices by name alone, limits of prices")
    func tickers() async throws {
        let world = try tradedWorld()
        expect(
            try await world.publicData("/api/v5/market/ticker?instId=BTC-USDT-SWAP").first,
            [
                "last": "59999.9", "lastSz": "10", "askPx": "60000", "askSz": "1000000", "bidPx": "59999.9",
                "open24h": "60000", "high24h": "60010", "low24h": "59999.9", "volCcy24h": "0.35",
                "vol24h": "35", "sodUtc0": "60000", "sodUtc8": "60000",
            ])
        expect(
            try await world.publicData("/api/v5/market/index-tickers?instId=BTC-USDT").first,
            ["idxPx": "60010", "open24h": "60010", "sodUtc8": "60010"])
        expect(
            try await world.publicData("/api/v5/public/mark-price?instId=BTC-USDT-SWAP").first,
            ["markPx": "60000"])
        expect(
            try await world.publicData("/api/v5/public/price-limit?instId=BTC-USDT-SWAP").first,
            ["buyLmt": "63000", "sellLmt": "57000"])
        expect(
            try await world.publicData("/api/v5/public/open-interest?instType=SWAP&instId=BTC-USDT-SWAP")
                .first, ["oi": "0"])
    }

    @Test("funding")
    func funding() async throws {
        let world = try tradedWorld()
        expect(
            try await world.publicData("/api/v5/public/funding-rate?instId=BTC-USDT-SWAP").first,
            ["fundingRate": "0.0001", "fundingTime": "\(june + 8 * 3_600_000)", "settState": "settled"])
        #expect(try await world.publicData("/api/v5/public/funding-rate?instId=ANY").count > 20)
        let rows = try await world.publicData(
            "/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP&limit=2")
        #expect(rows.map { $0.text("fundingTime") } == ["\(june)", "\(june - 8 * 3_600_000)"])
    }
}

@Suite("Channels of market data")
struct MarketChannelTests {
    private func subscribed(
        _ world: TestWorld<OKXVenue>, _ argument: String, at address: String = "public"
    ) throws -> TestStream<OKXVenue> {
        var stream = try #require(world.stream("/ws/v5/" + address))
        stream.send(#"{"op":"subscribe","args":[{\#(argument)}]}"#)
        return stream
    }

    @Test("the book: a snapshot, then what has changed, each going on from the one before")
    func books() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, #""channel":"books","instId":"BTC-USDT-SWAP""#)
        let first = try stream.takeJSON()
        #expect(first.first?.text("event") == "subscribe")
        #expect(first.last?.text("action") == "snapshot")
        #expect(first.last?["data"]?.elements?.first?["prevSeqId"]?.integer == -1)
        try world.quote(#""bid":"59999.9","ask":"60001","bid_size":"3""#, at: june + 120_000)
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"#
                    + #""asks":[["60000","0","0","0"],["60001","1000000","0","1"]],"#
                    + #""bids":[["59999.9","3","0","1"]],"ts":"1780272120000","checksum":0,"#
                    + #""seqId":4,"prevSeqId":3}]}"#
            ])
        for _ in 0..<3 {
            stream.wait(20_000)
            stream.send("ping")
        }
        let idle = try stream.takeTexts().filter { $0 != "pong" }.map { try JSONValue(parsing: $0) }
        #expect(idle.count == 1)
        #expect(idle.first?["data"]?.elements?.first?["seqId"]?.integer == 4)
        #expect(idle.first?["data"]?.elements?.first?["prevSeqId"]?.integer == 4)
    }

    @Test(
        "every other channel says how things stand, and then what changes",
        arguments: ["books5", "bbo-tbt", "price-limit", "candle1m", "mark-price-candle1H"])
    func state(_ name: String) throws {
        let world = try tradedWorld()
        let argument = #""channel":"\#(name)","instId":"BTC-USDT-SWAP""#
        var stream = try subscribed(
            world, argument, at: name.contains("candle") ? "business" : "public")
        let first = try stream.takeJSON()
        #expect(first.map { $0.text("event") } == ["subscribe", nil])
        #expect(first.last?["arg"]?.description == "{\(argument)}")
        try world.prices(marks: #"{"BTC-USDT-SWAP":"61000"}"#)
        stream.hear()
        #expect(try stream.takeJSON().count == 1)
    }

    @Test("trades come one a push, and only those after the subscription")
    func trades() throws {
        let world = try tradedWorld()
        var stream = try subscribed(world, #""channel":"trades","instId":"BTC-USDT-SWAP""#)
        #expect(try stream.takeJSON().count == 1)
        try world.quote(#""last":"60001","quantity":"1""#, at: june + 120_000)
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"count":"1","#
                    + #""instId":"BTC-USDT-SWAP","px":"60001","seqId":4,"side":"buy","source":"0","sz":"1","#
                    + #""tradeId":"4","ts":"1780272120000"}]}"#
            ])
    }

    @Test("after a start, what is traded while all that was before is read is told once it is")
    func tradesWhileReading() throws {
        let world = try tradedWorld()
        world.market.forget()
        world.market.noteDurable(world.lastSequence)
        var stream = try subscribed(world, #""channel":"trades","instId":"BTC-USDT-SWAP""#)
        let later = world.lastSequence
        try world.quote(#""last":"60001","quantity":"1""#, at: june + 120_000)
        world.market.forget()
        for event in world.events(after: 0) { world.market.take(event) }
        stream.wait(1_000)
        #expect(try stream.takeJSON().count == 1)
        world.market.noteRead()
        stream.wait(1_000)
        let told = try stream.takeJSON().compactMap { $0["data"]?.elements?.first?.text("tradeId") }
        #expect(told == ["\(later + 1)"])
    }

    @Test("a candle is confirmed once the ledger's clock has passed its end; unsubscribing ends it")
    func candles() throws {
        let world = try tradedWorld()
        let argument = #""channel":"candle1m","instId":"BTC-USDT-SWAP""#
        var stream = try subscribed(world, argument, at: "business")
        _ = stream.takeTexts()
        world.setLedgerTime(june + 181_000)
        stream.wait(1_000)
        let rows = try stream.takeJSON().compactMap { $0["data"]?.elements?.first?.elements }
        #expect(rows.map { $0.first?.text } == ["\(june + 120_000)", "\(june + 180_000)"])
        #expect(rows.map { $0.last?.text } == ["1", "0"])
        stream.send(#"{"op":"unsubscribe","args":[{\#(argument)}]}"#)
        _ = stream.takeTexts()
        world.setLedgerTime(june + 241_000)
        stream.wait(2_000)
        #expect(stream.takeTexts() == [])
    }

    @Test("a path without the socket's name is refused as the venue's own")
    func bareAddress() throws {
        for path in ["/ws/v5", "/ws/v5/", "/ws/v5/nothing"] {
            guard case .refused(let answer) = try tradedWorld().handshake(path) else {
                Issue.record("\(path) was taken for a stream")
                continue
            }
            #expect(answer.status == 404)
        }
    }
}
