import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// The public socket: prices and instruments as REST has them.
@Suite struct StreamPublicTests {
    private func connected() throws -> (world: TestWorld<OKXVenue>, stream: TestStream<OKXVenue>) {
        let world = try streamWorld()
        return (world, try world.connected("public"))
    }

    @Test(
        arguments: [
            (
                #""channel":"mark-price","instId":"BTC-USDT-SWAP""#,
                "public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP", 10_000
            ),
            (
                #""channel":"index-tickers","instId":"BTC-USDT""#, "market/index-tickers?instId=BTC-USDT",
                60_000
            ),
            (#""channel":"tickers","instId":"BTC-USDT""#, "market/ticker?instId=BTC-USDT", nil),
            (
                #""channel":"instruments","instType":"SWAP""#, "public/instruments?instType=SWAP", nil
            ),
            (#""channel":"instruments","instType":"OPTION""#, "public/instruments?instType=OPTION", nil),
        ] as [(String, String, Int64?)])
    func pushesAreThoseOfREST(members: String, target: String, interval: Int64?) async throws {
        var (world, stream) = try connected()
        let pushes = try stream.subscribe("{\(members)}")
        #expect(pushes.count == 1)
        let push = try #require(pushes.first)
        #expect(push.object?.keys == ["arg", "data"])
        #expect(push["arg"]?.description == "{\(members)}")
        let served = try await world.publicData("/api/v5/" + target)
        #expect(push["data"]?.description == JSONValue.array(served).description)
        for _ in 0..<3 {
            stream.wait(20_000)
            stream.send("ping")
        }
        let regular = try stream.takeTexts().filter { $0 != "pong" }.map { try JSONValue(parsing: $0) }
        #expect(regular.count == interval.map { Int(60_000 / $0) } ?? 0)
    }

    /// What has changed is pushed within a tenth of a second, and nothing else.
    @Test func changedPrices() throws {
        var (world, stream) = try connected()
        for members in [
            #""channel":"mark-price","instId":"BTC-USDT-SWAP""#, #""channel":"tickers","instId":"BTC-USDT""#,
            #""channel":"index-tickers","instId":"ETH-USD""#,
        ] { #expect(try stream.subscribe("{\(members)}").count == 1) }
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60001"}"#)
        #expect(try stream.pushes(after: 99).isEmpty)
        let marks = try stream.pushes(after: 1)
        #expect(marks.count == 1)
        expect(marks.first?.first, ["markPx": "60001", "instId": "BTC-USDT-SWAP", "instType": "SWAP"])
        try world.prices(index: #"{"ETH":"3001","BTC":"60500"}"#)
        try world.prices(index: #"{"ETH":"3002"}"#)
        let others = try stream.pushes(after: 100)
        #expect(others.count == 2)
        #expect(others.map { $0.first?.text("last") } == ["60500", nil])
        #expect(others.map { $0.first?.text("idxPx") } == [nil, "3002"])
        try world.prices(index: #"{"SOL":"1"}"#)
        #expect(try stream.pushes(after: 100).isEmpty)
    }

    /// A future that has expired leaves the list.
    @Test func changedInstruments() throws {
        var (world, stream) = try connected()
        let before = try stream.subscribe(#"{"channel":"instruments","instType":"FUTURES"}"#)
        world.setLedgerTime(1_798_185_600_000)
        var pushes: [JSONValue] = []
        for _ in 0..<3 {
            stream.wait(20_000)
            stream.send("ping")
            pushes += try stream.takeTexts().filter { $0 != "pong" }.map { try JSONValue(parsing: $0) }
        }
        #expect(pushes.count == 1)
        let count = try #require(before.first?["data"]?.elements?.count)
        #expect(pushes.first?["data"]?.elements?.count ?? count < count)
    }

    @Test(arguments: [
        #"{"channel":"books","instId":"NOPE-USDT"}"#, #"{"channel":"books"}"#,
        #"{"channel":"candle1m","instId":"BTC-USDT"}"#, #"{"channel":"funding-rate","instId":"BTC-USDT"}"#,
        #"{"channel":"books-l2-tbt","instId":"BTC-USDT"}"#, #"{"channel":"account"}"#,
        #"{"channel":"tickers"}"#,
        #"{"channel":"tickers","instId":"NOPE-USDT"}"#, #"{"channel":"index-tickers","instId":"BTC"}"#,
        #"{"channel":"instruments","instType":"NOPE"}"#, #"{"channel":"instruments"}"#,
    ])
    func unknownChannels(argument: String) throws {
        var (_, stream) = try connected()
        stream.send(#"{"op":"subscribe","args":[\#(argument)]}"#)
        expect(try stream.takeJSON().first, ["event": "error", "code": "60018"])
    }

    @Test(arguments: [
        (#"{"channel":"candle7m","instId":"BTC-USDT"}"#, "60018"), (#"{"channel":"account"}"#, "64002"),
        (#"{"channel":"index-candle1m","instId":"BTC"}"#, "60018"),
        (#"{"channel":"books","instId":"BTC-USDT"}"#, "64002"),
        (#"{"channel":"tickers","instId":"BTC-USDT"}"#, "64002"),
    ])
    func business(argument: String, code: String) throws {
        let world = try streamWorld()
        var stream = try world.connected("business")
        stream.send(#"{"op":"subscribe","args":[\#(argument)]}"#)
        expect(try stream.takeJSON().first, ["event": "error", "code": code])
    }

    @Test func unsubscribing() throws {
        var (world, stream) = try connected()
        _ = try stream.subscribe(#"{"channel":"mark-price","instId":"BTC-USDT-SWAP"}"#)
        stream.send(#"{"op":"unsubscribe","args":[{"instId":"BTC-USDT-SWAP","channel":"mark-price"}]}"#)
        expect(try stream.takeJSON().first, ["event": "unsubscribe"])
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60001"}"#)
        #expect(try stream.pushes(after: 100).isEmpty)
    }

    /// One connection's channels end at a limit of ours.
    @Test func channelsPerConnection() throws {
        var (world, stream) = try connected()
        let assets = world.model.rules(at: world.ledgerTime()).assets.map(\.name)
        var pairs: [String] = []
        for base in assets { for quote in assets { pairs.append("\(base)-\(quote)") } }
        for pair in pairs.prefix(1000) {
            _ = try stream.subscribe(#"{"channel":"index-tickers","instId":"\#(pair)"}"#)
            if stream.close != nil { break }
            world.setRealTime(world.realTime() + 7500)
        }
        #expect(pairs.count > 1000 && stream.close == nil)
        stream.send(#"{"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#)
        #expect(stream.close?.code == 4009)
    }
}
