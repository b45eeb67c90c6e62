import Binance
import JSON
import Testing
import Venue
import VenueTestSupport

typealias BinanceStream = TestStream<BinanceVenue>

extension TestWorld where Model == BinanceVenue {
    /// Asks for, extends or ends the desk's listen key.
    func listenKeyCall(_ method: String) async -> VenueResponse {
        await request(method, "/fapi/v1/listenKey", headers: ["X-MBX-APIKEY": deskKey])
    }

    /// A listen key of the desk that is alive.
    func listenKey() async throws -> String {
        try #require(try await listenKeyCall("POST").json["listenKey"]?.text)
    }

    /// A connection to the desk's user data stream.
    func userStream(_ target: (String) -> String = { "/ws/\($0)" }) async throws -> BinanceStream {
        try #require(stream(target(try await listenKey())))
    }
}

private let depositFrame =
    #"{"e":"ACCOUNT_UPDATE","E":1780272000000,"T":1780272000000,"a":{"m":"DEPOSIT","B":[{"a":"USDT","#
    + #""wb":"5.00000000","cw":"5.00000000","bc":"5.00000000"}],"P":[]}}"#

@Suite("User data streams: addresses, subscriptions, listen keys")
struct StreamTests {
    @Test(
        "every form of address",
        arguments: [
            ("/ws/KEY", false), ("/private/ws/KEY", false), ("/private/ws?listenKey=KEY", false),
            ("/private/ws?listenKey=KEY&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE", false),
            ("/stream?streams=KEY", true), ("/private/stream?streams=KEY", true),
            ("/private/stream?listenKey=KEY", true), ("/stream?streams=btcusdt@forceOrder/KEY", true),
            ("/ws?listenKey=KEY", false),
        ])
    func addresses(_ form: String, _ isCombined: Bool) async throws {
        let world = try binanceWorld()
        let key = try await world.listenKey()
        var stream = try #require(world.stream(form.replacing("KEY", with: key)))
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        let expected = isCombined ? #"{"stream":"\#(key)","data":\#(depositFrame)}"# : depositFrame
        #expect(stream.takeTexts() == [expected])
        #expect(stream.opening.pingInterval == 180_000)
        #expect(stream.opening.pongLimit == 600_000)
    }

    @Test(
        "SUBSCRIBE of a listen key",
        arguments: [("/ws", false), ("/stream", true), ("/private/stream", true)])
    func subscribe(_ path: String, _ isCombined: Bool) async throws {
        let world = try binanceWorld()
        let key = try await world.listenKey()
        var stream = try #require(world.stream(path))
        try world.apply(deposit("USDC", "1"))
        stream.hear()
        #expect(stream.takeTexts() == [])
        stream.send(#"{"method":"SUBSCRIBE","params":["\#(key)"],"id":1}"#)
        #expect(stream.takeTexts() == [#"{"result":null,"id":1}"#])
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        let expected = isCombined ? #"{"stream":"\#(key)","data":\#(depositFrame)}"# : depositFrame
        #expect(stream.takeTexts() == [expected])
        stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":"c0ffee"}"#)
        #expect(stream.takeTexts() == [#"{"result":["\#(key)"],"id":"c0ffee"}"#])
        stream.send(#"{"method":"UNSUBSCRIBE","params":["\#(key)"],"id":312}"#)
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        #expect(stream.takeTexts() == [#"{"result":null,"id":312}"#])
        #expect(stream.close == nil)
    }

    @Test("no stream: paths that are none; listen keys are none among market data")
    func others() async throws {
        let world = try binanceWorld()
        for path in ["/wsx", "/ws-fapi/v2", "/streams", "/private/other", "/fapi/v3/account"] {
            #expect(world.handshake(path) == nil, "\(path)")
        }
        let key = try await world.listenKey()
        for path in ["/public/stream?streams=\(key)", "/market/ws/\(key)"] {
            var stream = try #require(world.stream(path))
            try world.apply(deposit("USDT", "5"))
            stream.hear()
            stream.send(#"{"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":1}"#)
            #expect(stream.takeTexts().first == #"{"result":null,"id":1}"#)
        }
    }

    @Test("a listen key that is dead or unknown is acknowledged and stays silent")
    func deadKey() async throws {
        let world = try binanceWorld()
        let key = try await world.listenKey()
        _ = await world.listenKeyCall("DELETE")
        for name in [key, String(repeating: "a", count: 64)] {
            var stream = try #require(world.stream("/ws"))
            stream.send(#"{"method":"SUBSCRIBE","params":["\#(name)"],"id":1}"#)
            try world.apply(deposit("USDT", "5"))
            stream.hear()
            stream.wait(120_000)
            #expect(stream.takeTexts() == [#"{"result":null,"id":1}"#])
            #expect(stream.close == nil)
        }
    }

    @Test("events that were not asked for are not sent")
    func filter() async throws {
        let world = try binanceWorld()
        var stream = try await world.userStream {
            "/private/ws?listenKey=\($0)&events=ACCOUNT_CONFIG_UPDATE"
        }
        try world.apply(
            deposit("USDT", "5"), desk("set_leverage", #""instrument":"BTCUSDT","leverage":"25""#))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"e":"ACCOUNT_CONFIG_UPDATE","E":1780272000000,"T":1780272000000,"#
                    + #""ac":{"s":"BTCUSDT","l":25}}"#
            ])
    }

    // MARK: - Life of a listen key

    @Test("a listen key that nobody extends expires after an hour, an extended one does not")
    func expiry() async throws {
        let world = try binanceWorld()
        let start = world.realTime()
        let key = try await world.listenKey()
        var stream = try #require(world.stream("/ws/\(key)"))
        stream.wait(59 * 60_000)
        #expect(await world.listenKeyCall("PUT").status == 200)
        stream.wait(59 * 60_000)
        #expect(stream.takeTexts() == [])
        stream.wait(60_000)
        let end = start + 119 * 60_000
        #expect(stream.takeTexts() == [#"{"e":"listenKeyExpired","E":\#(end),"listenKey":"\#(key)"}"#])
        #expect(await world.listenKeyCall("PUT").text.contains("-1125"))
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        #expect(stream.takeTexts() == [])
        // The connection stays; a new life of the key counts once it is subscribed to again.
        #expect(try await world.listenKey() == key)
        stream.send(#"{"method":"SUBSCRIBE","params":["\#(key)"],"id":2}"#)
        try world.apply(deposit("USDC", "1"))
        stream.hear()
        #expect(stream.takeTexts().count == 2)
    }

    @Test("a listen key that is ended stops the stream before the next event, and within a second")
    func deletion() async throws {
        let world = try binanceWorld()
        let key = try await world.listenKey()
        var silent = try #require(world.stream("/stream?streams=\(key)"))
        var busy = try #require(world.stream("/ws/\(key)"))
        #expect(await world.listenKeyCall("DELETE").text == "{}")
        try world.apply(deposit("USDT", "5"))
        busy.hear()
        let now = world.realTime()
        #expect(busy.takeTexts() == [#"{"e":"listenKeyExpired","E":\#(now),"listenKey":"\#(key)"}"#])
        silent.wait(1000)
        let expired = #"{"e":"listenKeyExpired","E":\#(now + 1000),"listenKey":"\#(key)"}"#
        #expect(silent.takeTexts() == [#"{"stream":"\#(key)","data":\#(expired)}"#])
    }

    @Test("a listen key ends with the API key that asked for it")
    func revokedKey() async throws {
        let world = try binanceWorld()
        var stream = try await world.userStream()
        world.revokeKey(deskKey)
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        #expect(try stream.takeJSON().map { $0["e"]?.text } == ["listenKeyExpired"])
    }

    @Test("a connection ends after a day")
    func day() async throws {
        let world = try binanceWorld()
        var idle = try #require(world.stream("/ws"))
        idle.wait(86_400_000 - 1)
        #expect(idle.close == nil)
        idle.wait(1)
        #expect(idle.close?.code == 1001)
        var session = try #require(world.stream("/ws-fapi/v1"))
        session.wait(86_400_000)
        #expect(session.close?.code == 1001)
    }

    // MARK: - Requests

    @Test(
        "requests that are wrong, in the words of the documents",
        arguments: [
            ("{", #"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 2"}"#),
            ("[]", #"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}"#),
            (
                #"{"params":[],"id":1}"#,
                #"{"code":2,"msg":"Invalid request: missing field `method` at line 1 column 20"}"#
            ),
            (
                #"{"method":"SUBSCRIB","id":1}"#,
                #"{"code":2,"msg":"Invalid request: unknown variant `SUBSCRIB`, expected one of "#
                    + "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` "
                    + #"at line 1 column 20"}"#
            ),
            (
                #"{"method":"SUBSCRIBE","params":["a"]}"#,
                #"{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}"#
            ),
            (
                #"{"method":"SUBSCRIBE","params":["a"],"id":-1}"#,
                #"{"code":2,"msg":"Invalid request: request ID must be an unsigned integer"}"#
            ),
            (
                #"{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}"#,
                #"{"code":2,"msg":"Invalid request: too many parameters"}"#
            ),
            (
                #"{"method":"SUBSCRIBE","params":"a","id":1}"#,
                #"{"code":2,"msg":"Invalid request: params must be an array of strings"}"#
            ),
            (
                #"{"method":"SUBSCRIBE","params":[1],"id":1}"#,
                #"{"code":2,"msg":"Invalid request: params must be an array of strings"}"#
            ),
            (
                #"{"method":"GET_PROPERTY","params":["speed"],"id":1}"#,
                #"{"code":0,"msg":"Unknown property"}"#
            ),
            (
                #"{"method":"GET_PROPERTY","params":[7],"id":1}"#,
                #"{"code":2,"msg":"Invalid request: property name must be a string"}"#
            ),
            (
                #"{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}"#,
                #"{"code":1,"msg":"Invalid value type: expected Boolean"}"#
            ),
        ])
    func wrongRequests(_ request: String, _ answer: String) throws {
        var stream = try #require(try binanceWorld().stream("/ws"))
        stream.send(request)
        #expect(stream.takeTexts() == [answer])
        stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#)
        #expect(stream.takeTexts() == [#"{"result":[],"id":1}"#])
        #expect(stream.close == nil)
    }

    @Test("the combined form can be switched")
    func properties() async throws {
        let world = try binanceWorld()
        let key = try await world.listenKey()
        var stream = try #require(world.stream("/ws/\(key)"))
        stream.send(#"{"method":"GET_PROPERTY","params":["combined"],"id":2}"#)
        stream.send(#"{"method":"SET_PROPERTY","params":["combined",true],"id":5}"#)
        #expect(stream.takeTexts() == [#"{"result":false,"id":2}"#, #"{"result":null,"id":5}"#])
        try world.apply(deposit("USDT", "5"))
        stream.hear()
        #expect(stream.takeTexts() == [#"{"stream":"\#(key)","data":\#(depositFrame)}"#])
    }

    @Test("ten messages a second, then the end; binary messages end it at once")
    func tooMany() throws {
        let world = try binanceWorld()
        var stream = try #require(world.stream("/ws"))
        for _ in 0..<10 { stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#) }
        stream.wait(1000)
        for _ in 0..<10 { stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#) }
        #expect(stream.close == nil)
        stream.send(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#)
        #expect(stream.close?.code == 1008)
        var free = try #require(try binanceWorld(enforcesRateLimits: false).stream("/ws"))
        for _ in 0..<50 { free.send(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#) }
        #expect(free.close == nil)
        free.send(bytes: [1])
        #expect(free.close?.code == 1003)
    }

    @Test("two accounts on one connection, each told of its own")
    func twoAccounts() async throws {
        let world = try binanceWorld(commands: [
            #"{"type":"open_account","account":"child","venue":"binance","parent":"desk"}"#,
            deposit("USDT", "100"),
        ])
        world.addKey(account: "child", apiKey: "childchildchild", secret: "s")
        let other = try await world.request(
            "POST", "/fapi/v1/listenKey", headers: ["X-MBX-APIKEY": "childchildchild"]
        ).json.string("listenKey")
        let own = try await world.listenKey()
        var stream = try #require(world.stream("/stream?streams=\(own)/\(other)"))
        try world.apply(desk("transfer", #""to":"child","asset":"USDT","amount":"40.5""#))
        stream.hear()
        let frames = try stream.takeJSON()
        #expect(frames.map { $0["stream"]?.text } == [own, other])
        let rows = try frames.map { try #require($0["data"]?["a"]?["B"]?.elements?.first) }
        expect(rows[0], [("wb", "59.50000000"), ("bc", "-40.50000000")])
        expect(rows[1], [("wb", "40.50000000"), ("bc", "40.50000000")])
        #expect(frames.allSatisfy { $0["data"]?["a"]?["m"]?.text == "ASSET_TRANSFER" })
    }

    @Test("how the server's reasons end a connection")
    func closing() throws {
        let world = try binanceWorld()
        for path in ["/ws", "/ws-fapi/v1"] {
            let stream = try #require(world.stream(path)).stream
            let codes = StreamCloseReason.allCases.map { stream.close(for: $0).code }
            #expect(codes == [1008, 1009, 1002, 1008, 1001])
            #expect(stream.close(for: .unresponsive).reason == "Pong timeout")
        }
    }
}
