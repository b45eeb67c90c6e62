import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Handshake, login, requests and ends of a connection.
@Suite struct StreamTests {
    // MARK: - Handshake

    @Test func sockets() throws {
        let world = try streamWorld()
        #expect(OKXVenue.streamPrefixes == ["/ws/v5"])
        for path in ["public", "private", "business"] {
            guard case .accepted(let opening) = world.handshake("/ws/v5/\(path)") else {
                Issue.record("\(path) is refused")
                continue
            }
            #expect(opening.messageLimit == 65536 && opening.pingInterval == nil)
        }
        world.setRealTime(StreamDemo.moment + 1000)
        #expect(world.stream("/ws/v5/private?brokerId=9999") != nil)
        world.setRealTime(StreamDemo.moment + 2000)
        for path in ["/ws/v5", "/ws/v5/", "/ws/v5/nothing"] {
            guard case .refused(let response) = world.handshake(path) else {
                Issue.record("\(path) is not refused")
                continue
            }
            #expect(response.status == 404)
        }
    }

    /// Operations on orders have answers of their own form, by which clients know what they answer.
    @Test(arguments: ["order", "batch-orders", "cancel-order", "amend-order", "mass-cancel"])
    func refusedTradingOperation(operation: String) throws {
        let world = try streamWorld()
        let request = #"{"id":"7","op":"\#(operation)","args":[{"instIdCode":10001}]}"#
        var stream = try world.loggedIn()
        stream.send(request)
        let moment = StreamDemo.moment
        // The demonstration's key may not trade.
        let refusal =
            operation == "mass-cancel"
            ? #""code":"60019","msg":"Invalid op: mass-cancel""#
            : #""code":"50120","msg":"This API key doesn't have permission to use this function""#
        #expect(
            stream.takeTexts() == [
                #"{"id":"7","op":"\#(operation)",\#(refusal),"data":[],"#
                    + #""inTime":"\#(moment)000","outTime":"\#(moment)000"}"#
            ])
        var stranger = try world.connected()
        stranger.send(request)
        expect(try stranger.takeJSON().first, ["event": "error", "code": "60011", "id": "7"])
    }

    /// Some clients send every member that an argument can have.
    @Test func nullIsAbsent() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(#"{"op":"subscribe","args":[{"channel":"account","ccy":null,"instId":null}]}"#)
        let answers = try stream.takeJSON()
        #expect(answers.first?["event"]?.text == "subscribe")
        #expect(answers.first?["arg"] == .members([("channel", .string("account"))]))
    }

    /// Three connections a second from one address.
    @Test func connectionsPerSecond() throws {
        let world = try streamWorld()
        for _ in 0..<3 { #expect(world.stream("/ws/v5/public") != nil) }
        guard case .refused(let response) = world.handshake("/ws/v5/public") else {
            Issue.record("a fourth connection is accepted")
            return
        }
        #expect(response.status == 429)
        #expect(response.text == #"{"msg":"Too Many Requests","code":"50011"}"#)
        #expect(world.stream("/ws/v5/public", from: "10.0.0.1") != nil)
        world.setRealTime(StreamDemo.moment + 1000)
        #expect(world.stream("/ws/v5/public") != nil)
    }

    // MARK: - Login

    /// CCXT sends the timestamp as a text, python-okx as a number; the documentation's own example divides
    /// milliseconds.
    @Test(arguments: [#""1704876947""#, "1704876947"])
    func login(timestamp: String) throws {
        let world = try streamWorld()
        var stream = try world.connected()
        stream.send(OKXTests.login(timestamp: timestamp))
        let connection = try connection(of: stream)
        #expect(
            stream.takeTexts() == [
                #"{"event":"login","code":"0","msg":"","connId":"\#(connection)"}"#
            ])
        #expect(stream.close == nil)
    }

    private func connection(of stream: TestStream<OKXVenue>) throws -> String {
        let connection = try #require(stream.stream as? OKXStream).connection
        #expect(connection.utf8.count == 8 && hexBytes(connection) != nil)
        return connection
    }

    @Test func fractionalSeconds() throws {
        let world = try streamWorld()
        world.setRealTime(StreamDemo.moment + 123)
        var stream = try world.connected()
        let sign = Signing.signature(
            timestamp: "1704876947.123", method: "GET", target: "/users/self/verify", body: [],
            signer: RequestSigner(secret: StreamDemo.secret))
        stream.send(
            OKXTests.login(timestamp: #""1704876947.123""#, sign: String(decoding: sign, as: UTF8.self)))
        #expect(try stream.takeJSON().first?["event"]?.text == "login")
    }

    @Test(arguments: [
        (OKXTests.login(timestamp: #""soon""#), "60004", "Invalid timestamp"),
        (OKXTests.login(timestamp: #""-1""#), "60004", "Invalid timestamp"),
        (OKXTests.login(key: "none"), "60005", "Invalid apiKey"),
        (OKXTests.login(timestamp: #""1704876978""#), "60006", "Timestamp request expired"),
        (OKXTests.login(timestamp: #""1704876916""#), "60006", "Timestamp request expired"),
        (OKXTests.login(sign: "AAAA"), "60007", "Invalid sign"),
        (OKXTests.login(passphrase: "another"), "60024", "Wrong passphrase"),
        (
            OKXTests.login(key: "00000000-0000-4000-8000-000000000002"), "60032", "API key doesn't exist."
        ),
        (OKXTests.login(key: ""), "60027", "Parameter apiKey can not be empty."),
        (OKXTests.login(timestamp: #""""#), "60027", "Parameter timestamp can not be empty."),
        (OKXTests.login(timestamp: "null"), "60027", "Parameter timestamp can not be empty."),
        (#"{"op":"login","args":[{}]}"#, "60027", "Parameter apiKey can not be empty."),
        (OKXTests.login(timestamp: "true"), "60033", "Parameter timestamp error."),
        (#"{"op":"login","args":["key"]}"#, "60013", "Invalid args"),
    ])
    func failedLogin(request: String, code: String, message: String) throws {
        let world = try streamWorld()
        var stream = try world.connected()
        stream.send(request)
        let answers = try stream.takeJSON()
        #expect(answers.count == 1)
        expect(answers.first, ["event": "error", "code": code, "msg": message])
        #expect(answers.first?.object?.keys == ["event", "code", "msg", "connId"])
        #expect(stream.close == StreamClose(code: 4001, reason: "Login Failed"))
    }

    /// Thirty seconds either side are good.
    @Test(arguments: [-30_000, 30_000] as [Int64])
    func window(offset: Int64) throws {
        let world = try streamWorld()
        world.setRealTime(StreamDemo.moment + offset)
        var stream = try world.connected()
        stream.send(OKXTests.login())
        #expect(try stream.takeJSON().first?["event"]?.text == "login")
    }

    /// A recording has 60005 for an unknown key.
    @Test func recordedTextOfAnUnknownKey() throws {
        let world = try streamWorld(profile: .live)
        var stream = try world.connected()
        stream.send(OKXTests.login(key: "00000000-0000-4000-8000-000000000002"))
        expect(try stream.takeJSON().first, ["code": "60005", "msg": "Invalid apiKey"])
    }

    @Test func addressAndPermission() throws {
        let world = try streamWorld()
        world.addStreamKey(addresses: ["10.0.0.0/8"])
        var stream = try world.connected()
        stream.send(OKXTests.login())
        expect(try stream.takeJSON().first, ["code": "60009", "msg": "Login failed."])
        var bound = try world.connected(from: "10.1.2.3")
        bound.send(OKXTests.login())
        #expect(try bound.takeJSON().first?["event"]?.text == "login")
        world.addStreamKey(permissions: [.trade])
        var other = try world.connected(from: "10.1.2.3")
        other.send(OKXTests.login())
        expect(try other.takeJSON().first, ["code": "60009"])
    }

    @Test func repeatedLogin() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(world.login())
        expect(
            try stream.takeJSON().first,
            ["code": "60031", "msg": "The WebSocket endpoint does not allow multiple or repeated logins."])
        #expect(stream.close == nil)
        var public_ = try world.connected("public")
        public_.send(world.login())
        expect(try public_.takeJSON().first, ["code": "60028"])
        _ = try world.loggedIn("business", from: "10.0.0.1")
    }

    // MARK: - Requests

    @Test(arguments: [
        (
            #"{"op": "subscribe", "argss":[{ "channel" : "account", "ccy" : "BTC"}]}"#, "60012",
            #"Invalid request: {"op": "subscribe", "argss":[{ "channel" : "account", "ccy" : "BTC"}]}"#
        ),
        ("hello", "60012", "Invalid request: hello"), ("[]", "60012", "Invalid request: []"),
        (#"{"args":[]}"#, "60012", #"Invalid request: {"args":[]}"#),
        (
            #"{"op":"subscribe","args":[{"channel":"account","colour":"red"}]}"#, "60012",
            #"Invalid request: {"op":"subscribe","args":[{"channel":"account","colour":"red"}]}"#
        ),
        (
            #"{"op":"subscribe","args":["account"]}"#, "60012",
            #"Invalid request: {"op":"subscribe","args":["account"]}"#
        ),
        (
            #"{"op":"subscribe","args":[{"channel":"account","extraParams":{"updateInterval":"0"}}]}"#,
            "60012",
            #"Invalid request: {"op":"subscribe","args":[{"channel":"account","extraParams":"#
                + #"{"updateInterval":"0"}}]}"#
        ),
        (#"{"op":"subscribe","args":[]}"#, "60013", "Invalid args"),
        (
            #"{"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}"#, "60018",
            "Wrong URL or channel:tickers,instId:BTC-USDT doesn't exist. Please use the correct URL, channel "
                + "and parameters referring to API document."
        ),
        (
            #"{"op":"subscribe","args":[{"channel":"account","ccy":"NOPE"}]}"#, "60018",
            "Wrong URL or channel:account,ccy:NOPE doesn't exist. Please use the correct URL, channel and "
                + "parameters referring to API document."
        ),
        (#"{"op":"nothing","args":[{}]}"#, "60019", "Invalid op: nothing"),
        (
            #"{"op":"login","args":[{"passphrase":"made-up-phrase"}],"extra":1}"#, "60012",
            "Invalid request"
        ),
    ])
    func refusedRequest(request: String, code: String, message: String) throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(request)
        let answers = try stream.takeJSON()
        #expect(answers.count == 1)
        expect(answers.first, ["event": "error", "code": code, "msg": message])
        #expect(stream.close == nil)
    }

    /// Positions need a type that can have positions; names must be known.
    @Test(arguments: [
        #"{"channel":"positions"}"#, #"{"channel":"positions","instType":"SPOT"}"#,
        #"{"channel":"positions","instType":"NOPE"}"#,
        #"{"channel":"positions","instType":"ANY","instId":"NOPE-SWAP"}"#,
        #"{"channel":"positions","instType":"SWAP","instFamily":"NOPE-USD"}"#,
        #"{"channel":"orders"}"#, #"{"channel":"orders","instType":"NOPE"}"#,
        #"{"channel":"orders-algo","instType":"ANY"}"#,
    ])
    func wrongParameters(argument: String) throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(#"{"id":"7","op":"subscribe","args":[\#(argument)]}"#)
        expect(try stream.takeJSON().first, ["id": "7", "code": "60018"])
    }

    /// Recordings say "Illegal request".
    @Test func recordedTextOfARefusal() throws {
        let world = try streamWorld(profile: .live)
        var stream = try world.connected()
        stream.send("x")
        expect(try stream.takeJSON().first, ["code": "60012", "msg": "Illegal request: x"])
    }

    @Test func loginIsNeeded() throws {
        let world = try streamWorld()
        var stream = try world.connected()
        for operation in ["subscribe", "unsubscribe"] {
            stream.send(#"{"op":"\#(operation)","args":[{"channel":"account"}]}"#)
            expect(try stream.takeJSON().first, ["event": "error", "code": "60011", "msg": "Please log in"])
        }
        #expect(stream.close == nil)
    }

    @Test(arguments: [("a1B2", true), (String(repeating: "9", count: 32), true)])
    func goodID(id: String, isGood: Bool) throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(#"{"id":"\#(id)","op":"subscribe","args":[{"channel":"account","ccy":"BTC"}]}"#)
        let connection = try connection(of: stream)
        let texts = stream.takeTexts()
        #expect(
            texts.first
                == #"{"id":"\#(id)","event":"subscribe","arg":{"channel":"account","ccy":"BTC"},"#
                + #""connId":"\#(connection)"}"#)
        #expect(
            texts.dropFirst().first
                == #"{"event":"channel-conn-count","channel":"account","connCount":"1","#
                + #""connId":"\#(connection)"}"#)
        #expect(texts.count == 3)
    }

    @Test(arguments: [#""""#, #""a b""#, #""\#(String(repeating: "9", count: 33))""#, "1512", #""é""#])
    func badID(id: String) throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(#"{"id":\#(id),"op":"subscribe","args":[{"channel":"account"}]}"#)
        let answer = try stream.takeJSON()
        expect(answer.first, ["code": "60033", "msg": "Parameter id error."])
        #expect(answer.count == 1 && answer.first?["id"] == nil)
    }

    /// `extraParams` is not acknowledged, as in the documentation's sample.
    @Test func acknowledgement() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(
            #"{"op":"subscribe","args":[{"channel":"account","#
                + #""extraParams":"\n {\n \"updateInterval\": \"0\"\n }\n"}]}"#)
        let answers = try stream.takeJSON()
        #expect(answers.first?["arg"]?.description == #"{"channel":"account"}"#)
        stream.send(#"{"id":"1","op":"unsubscribe","args":[{"channel":"account"}]}"#)
        let connection = try connection(of: stream)
        #expect(
            stream.takeTexts() == [
                #"{"id":"1","event":"unsubscribe","arg":{"channel":"account"},"connId":"\#(connection)"}"#
            ])
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"5""#))
        #expect(try stream.pushes().isEmpty)
    }

    /// Each argument is answered for itself.
    @Test func severalArguments() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(
            #"{"id":"1","op":"subscribe","args":[{"channel":"account"},{"channel":"nothing"},"#
                + #"{"channel":"positions","instType":"ANY"},{"channel":"positions","instType":"SWAP"}]}"#)
        let events = try stream.takeJSON().compactMap { $0["event"]?.text }
        #expect(
            events == [
                "subscribe", "channel-conn-count", "error", "subscribe", "channel-conn-count", "subscribe",
                "channel-conn-count",
            ])
    }

    // MARK: - Limits

    /// Thirty connections per channel and account; the next is acknowledged and then refused.
    @Test func connectionsPerChannel() throws {
        let world = try streamWorld()
        var streams: [TestStream<OKXVenue>] = []
        for number in 1...30 {
            var stream = try world.loggedIn(from: "10.0.0.\(number)")
            stream.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
            let count = try stream.takeJSON().first { $0["event"]?.text == "channel-conn-count" }
            #expect(count?["connCount"]?.text == "\(number)")
            streams.append(stream)
        }
        var late = try world.loggedIn(from: "10.0.1.1")
        late.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
        let answers = try late.takeJSON()
        #expect(answers.compactMap { $0["event"]?.text } == ["subscribe", "channel-conn-count-error"])
        expect(answers.last, ["channel": "account", "connCount": "30"])
        #expect(answers.last?.object?.keys == ["event", "channel", "connCount", "connId"])
        // Another channel is counted apart.
        late.send(#"{"op":"subscribe","args":[{"channel":"balance_and_position"}]}"#)
        expect(try late.takeJSON().dropFirst().first, ["event": "channel-conn-count", "connCount": "1"])
        // A connection that is gone, and one that has unsubscribed, make room.
        streams.removeLast()
        late.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
        expect(try late.takeJSON().dropFirst().first, ["event": "channel-conn-count", "connCount": "30"])
        streams[0].send(#"{"op":"unsubscribe","args":[{"channel":"account"}]}"#)
        var next = try world.loggedIn(from: "10.0.1.2")
        next.send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
        expect(try next.takeJSON().dropFirst().first, ["event": "channel-conn-count", "connCount": "30"])
    }

    /// Several arguments of one channel on one connection count once.
    @Test func oneConnectionCountsOnce() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        stream.send(
            #"{"op":"subscribe","args":[{"channel":"account"},{"channel":"account","ccy":"BTC"}]}"#)
        let counts = try stream.takeJSON().compactMap { $0["connCount"]?.text }
        #expect(counts == ["1", "1"])
    }

    @Test func requestsPerHour() throws {
        let world = try streamWorld()
        var stream = try world.loggedIn()
        let request = #"{"op":"unsubscribe","args":[{"channel":"account"}]}"#
        for _ in 2...480 { stream.send(request) }
        #expect(try stream.takeJSON().allSatisfy { $0["event"]?.text == "unsubscribe" })
        stream.send(request)
        expect(
            try stream.takeJSON().first,
            ["event": "error", "code": "60014", "msg": "Requests too frequent"])
        stream.send("ping")
        #expect(stream.takeTexts() == ["pong"])
        world.setRealTime(StreamDemo.moment + 3_600_000)
        stream.send(request)
        expect(try stream.takeJSON().first, ["event": "unsubscribe"])
    }

    /// A hundred subscriptions per key, over all of its connections.
    @Test func subscriptionsPerKey() throws {
        let world = try streamWorld()
        let names = world.model.rules(at: world.ledgerTime()).instruments
            .filter { $0.type != .spot }.map(\.terms.name).prefix(25)
        var streams: [TestStream<OKXVenue>] = []
        for number in 0..<4 {
            var stream = try world.loggedIn(from: "10.0.0.\(number)")
            for name in names {
                _ = try stream.subscribe(#"{"channel":"positions","instType":"ANY","instId":"\#(name)"}"#)
            }
            #expect(stream.close == nil)
            streams.append(stream)
        }
        streams[3].send(#"{"op":"subscribe","args":[{"channel":"account"}]}"#)
        #expect(streams[3].takeTexts().isEmpty)
        #expect(
            streams[3].close
                == StreamClose(code: 4003, reason: "APIKey subscription amount exceeds the limit 100"))
    }

    @Test func closeCodes() throws {
        let world = try streamWorld()
        let stream = try world.connected().stream
        let codes = StreamCloseReason.allCases.map { stream.close(for: $0).code }
        #expect(codes == [4005, 1009, 1002, 4006, 1001])
        #expect(
            StreamCloseReason.allCases.allSatisfy { stream.close(for: $0).reason.utf8.count <= 123 })
        var binary = try world.connected()
        binary.send(bytes: [1, 2])
        #expect(binary.close == StreamClose(code: 4002, reason: "Invalid Request"))
    }

    /// 64008. The words and the order of keys are those of the venue's page on notices.
    @Test(arguments: ["public", "private", "business"])
    func noticeBeforeTheEndOfTheService(_ path: String) throws {
        let world = try streamWorld()
        let stream = try world.connected(path).stream
        let notice = try JSONValue(parsing: try #require(stream.notice(before: .shutdown)))
        #expect(notice.object?.members.map(\.key) == ["event", "code", "msg", "connId"])
        #expect(notice["event"]?.text == "notice")
        #expect(notice["code"]?.text == "64008")
        #expect(
            notice["msg"]?.text
                == "The connection will soon be closed for a service upgrade. Please reconnect.")
        #expect(notice["connId"]?.text?.utf8.count == 8)
        for reason in StreamCloseReason.allCases where reason != .shutdown {
            #expect(stream.notice(before: reason) == nil)
        }
    }

    // MARK: - Silence and revoked keys

    @Test func pingAndSilence() throws {
        let world = try streamWorld()
        var stream = try world.connected()
        stream.wait(29_999)
        stream.send("ping")
        #expect(stream.takeTexts() == ["pong"])
        stream.wait(29_999)
        #expect(stream.close == nil)
        stream.wait(1)
        #expect(stream.close == StreamClose(code: 4004, reason: "No data received in 30s"))
    }

    /// Regular pushes are data; without them a subscriber must ping.
    @Test(arguments: [("", true), (#","extraParams":"{\"updateInterval\":\"0\"}""#, false)])
    func silenceOfSubscribers(extra: String, lives: Bool) throws {
        let world = try streamWorld()
        var (stream, _) = try world.subscribed(#"{"channel":"account"\#(extra)}"#)
        stream.wait(30_000)
        #expect((stream.close == nil) == lives)
    }

    @Test func revokedKey() throws {
        let world = try streamWorld()
        var (stream, _) = try world.subscribed(#"{"channel":"account"}"#)
        world.revokeKey(StreamDemo.key)
        stream.wait(1000)
        #expect(
            stream.close
                == StreamClose(code: 4007, reason: "API key has been updated or deleted. Please reconnect."))
        #expect(stream.takeTexts().isEmpty)
    }

    /// Nothing is told to a key that is no longer the same, not even what happened before it was noticed.
    @Test func changedKey() throws {
        let world = try streamWorld()
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        world.addStreamKey(permissions: [.read, .trade])
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"5""#))
        stream.hear()
        #expect(stream.takeTexts().isEmpty)
        #expect(stream.close?.code == 4007)
    }
}
