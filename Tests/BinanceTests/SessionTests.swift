import Binance
import JSON
import Testing
import Venue
import VenueTestSupport

/// The public half of the Ed25519 key of the vectors.
private let publicKey = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
/// The clock of the vectors.
private let vectorTime: Int64 = 1_591_702_613_943
private let logonSignature =
    "1yzD78KHCtjfHBjJOY+AExLx2mUpAtLNCbFAfqblFkalKoNMJ/ym02+5GvqTwxFfsQGrlBwszujEEtpR5PgzAw=="

extension TestStream where Model == BinanceVenue {
    /// The answer to one call.
    fileprivate mutating func ask(_ request: String) throws -> JSONValue {
        send(request)
        let answers = try takeJSON()
        #expect(answers.count == 1)
        return try #require(answers.first)
    }

    /// The answer to a call of the desk with further parameters, signed now.
    fileprivate mutating func call(
        _ method: String, _ parameters: [(String, String)] = [], in world: BinanceWorld
    ) throws -> JSONValue {
        let all = (parameters + [("apiKey", #""\#(deskKey)""#), ("timestamp", "\(world.realTime())")])
            .sorted { $0.0 < $1.0 }
        let payload = all.map { "\($0.0)=\($0.1.replacing("\"", with: ""))" }.joined(separator: "&")
        let members = (all + [("signature", #""\#(signature(payload))""#)]).map { #""\#($0.0)":\#($0.1)"# }
        return try ask(#"{"id":7,"method":"\#(method)","params":{\#(members.joined(separator: ","))}}"#)
    }
}

/// A call of `v2/account.status` with these parameters.
private func statusCall(_ parameters: String) -> String {
    #"{"id":1,"method":"v2/account.status","params":{\#(parameters)}}"#
}

@Suite("WebSocket API: calls, signatures, sessions, limits")
struct SessionTests {
    private func session(_ world: BinanceWorld, _ query: String = "") throws -> BinanceStream {
        try #require(world.stream("/ws-fapi/v1\(query)"))
    }

    // MARK: - Signatures

    @Test(
        "every WebSocket vector",
        arguments: [
            (
                #""timestamp":1591702613943"#,
                "aced653d01fcf6d6a99bae2604b8b9d2a402a58311498da0d08011b014be2d9b", true
            ),
            (
                #""timestamp":"1591702613943""#,
                "aced653d01fcf6d6a99bae2604b8b9d2a402a58311498da0d08011b014be2d9b", true
            ),
            (
                #""timestamp":1591702613943,"recvWindow":5000"#,
                "78a5b43f315f270e01df40ecf566e3f7c84597fc2de1b1230a403fbcf79f16da", true
            ),
            // The official client sends a window as a text; and any order of members is the same.
            (
                #""recvWindow":"5000","timestamp":1591702613943"#,
                "78a5b43f315f270e01df40ecf566e3f7c84597fc2de1b1230a403fbcf79f16da", true
            ),
            (
                #""timestamp":1591702613943,"recvWindow":5000"#,
                "aced653d01fcf6d6a99bae2604b8b9d2a402a58311498da0d08011b014be2d9b", false
            ),
            (
                #""timestamp":1591702613943"#,
                "ACED653D01FCF6D6A99BAE2604B8B9D2A402A58311498DA0D08011B014BE2D9B", true
            ),
        ])
    func vectors(_ parameters: String, _ signature: String, _ isValid: Bool) throws {
        let world = try binanceWorld(time: vectorTime)
        var session = try session(world)
        let answer = try session.ask(
            #"{"id":"v","method":"v2/account.status","params":{"apiKey":"\#(deskKey)",\#(parameters),"#
                + #""signature":"\#(signature)"}}"#)
        #expect(answer["status"]?.integer == (isValid ? 200 : 400))
        if !isValid { #expect(answer["error"]?["code"]?.integer == -1022) }
    }

    @Test("the vector of session.logon, and what the session then is")
    func logon() throws {
        let world = try binanceWorld(time: vectorTime)
        world.addKey(account: "desk", apiKey: deskKey, secret: publicKey)
        var session = try session(world, "?returnRateLimits=false")
        world.setRealTime(vectorTime + 100)
        func status(_ method: String, _ parameters: String = "") throws -> String {
            session.send(#"{"id":"s","method":"\#(method)"\#(parameters)}"#)
            return session.takeTexts().joined()
        }
        let out =
            #"{"id":"s","status":200,"result":{"apiKey":null,"authorizedSince":null,"#
            + #""connectedSince":1591702613943,"returnRateLimits":false,"serverTime":1591702614043}}"#
        let on = out.replacing(
            #""apiKey":null,"authorizedSince":null"#,
            with: #""apiKey":"\#(deskKey)","authorizedSince":1591702614043"#)
        let logon =
            #","params":{"apiKey":"\#(deskKey)","timestamp":1591702613943,"signature":"\#(logonSignature)"}"#
        #expect(try status("session.status") == out)
        #expect(try status("session.logon", logon) == on)
        #expect(try status("session.status") == on)
        // Key and signature may now be left out, the timestamp not.
        let account = try session.ask(
            #"{"id":1,"method":"v2/account.status","params":{"timestamp":1591702614043}}"#)
        #expect(account["result"]?["totalWalletBalance"]?.text == "0.00000000")
        #expect(account["rateLimits"] == nil)
        let untimed = try session.ask(#"{"id":1,"method":"v2/account.status"}"#)
        #expect(untimed["error"]?["code"]?.integer == -1102)
        #expect(try session.ask(#"{"id":1,"method":"userDataStream.start"}"#)["result"]?["listenKey"] != nil)
        #expect(try status("session.logout") == out)
        let after = try session.ask(
            #"{"id":1,"method":"v2/account.status","params":{"timestamp":1591702614043}}"#)
        #expect(after["error"]?["msg"]?.text?.contains("'apiKey'") == true)
    }

    @Test("session.logon refuses keys that are no Ed25519 keys, and wrong signatures")
    func logonRefusals() throws {
        let world = try binanceWorld()
        var session = try session(world)
        #expect(try session.call("session.logon", in: world)["error"]?["code"]?.integer == -4056)
        world.addKey(account: "desk", apiKey: deskKey, secret: publicKey)
        #expect(try session.call("session.logon", in: world)["error"]?["code"]?.integer == -1022)
        #expect(try session.ask(#"{"id":1,"method":"session.logon"}"#)["error"]?["code"]?.integer == -1102)
    }

    @Test("a key that is revoked ends the session with the next request")
    func revoked() throws {
        let world = try binanceWorld(time: vectorTime)
        world.addKey(account: "desk", apiKey: deskKey, secret: publicKey)
        var session = try session(world)
        _ = try session.ask(
            #"{"id":1,"method":"session.logon","params":{"apiKey":"\#(deskKey)","timestamp":1591702613943,"#
                + #""signature":"\#(logonSignature)"}}"#)
        world.revokeKey(deskKey)
        let call = #"{"id":9,"method":"v2/account.balance","params":{"timestamp":1591702613943}}"#
        session.send(call)
        #expect(
            session.takeTexts() == [
                #"{"id":null,"status":401,"error":{"code":-2015,"#
                    + #""msg":"Invalid API-key, IP, or permissions for action."}}"#
            ])
        #expect(try session.ask(call)["error"]?["code"]?.integer == -1102)
        #expect(session.close == nil)
    }

    @Test("a switch may be signed as JSON or as Python prints it", arguments: ["false", "False"])
    func signedSwitch(_ printed: String) throws {
        let world = try binanceWorld()
        var session = try session(world)
        let now = world.realTime()
        let payload = "apiKey=\(deskKey)&returnRateLimits=\(printed)&timestamp=\(now)"
        let answer = try session.ask(
            #"{"id":1,"method":"v2/account.status","params":{"apiKey":"\#(deskKey)","timestamp":\#(now),"#
                + #""returnRateLimits":false,"signature":"\#(signature(payload))"}}"#)
        #expect(answer["status"]?.integer == 200)
        #expect(answer["rateLimits"] == nil)
    }

    // MARK: - Answers

    @Test(
        "the answers are the bytes of REST",
        arguments: [
            ("v2/account.status", "/fapi/v3/account"), ("account.status", "/fapi/v2/account"),
            ("v2/account.balance", "/fapi/v3/balance"), ("account.balance", "/fapi/v2/balance"),
            ("v2/account.position", "/fapi/v3/positionRisk"),
            ("account.position", "/fapi/v2/positionRisk"), ("v1/account.status", "/fapi/v2/account"),
        ])
    func sameBytes(_ method: String, _ path: String) async throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "1000"), importPosition("BTCUSDT", "0.5", "60000"),
        ])
        var session = try session(world)
        let served = await world.signed("GET", path)
        _ = try session.call(method, in: world)
        let all = [("apiKey", deskKey), ("timestamp", "\(world.realTime())")]
        let payload = all.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
        session.send(
            #"{"id":"x","method":"\#(method)","params":{"apiKey":"\#(deskKey)","#
                + #""timestamp":\#(world.realTime()),"signature":"\#(signature(payload))"}}"#)
        // Handshake, REST and both calls, five each.
        #expect(
            session.takeTexts() == [
                #"{"id":"x","status":200,"result":\#(served.text),"rateLimits":["#
                    + #"{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","#
                    + #""intervalNum":1,"limit":2400,"count":20}]}"#
            ])
    }

    @Test("a symbol narrows positions, and an unknown one is refused")
    func symbol() throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "1000"), importPosition("BTCUSDT", "0.5", "60000"),
            importPosition("ETHUSDT", "1", "3000"),
        ])
        var session = try session(world)
        let narrowed = try session.call("v2/account.position", [("symbol", #""ETHUSDT""#)], in: world)
        #expect(narrowed["result"]?.elements?.map { $0["symbol"]?.text } == ["ETHUSDT"])
        let unknown = try session.call("v2/account.position", [("symbol", #""NOPE""#)], in: world)
        #expect(unknown["error"]?["code"]?.integer == -1121)
        let price = try session.ask(#"{"id":1,"method":"ticker.price","params":{"symbol":"BTCUSDT"}}"#)
        #expect(price["result"]?["symbol"]?.text == "BTCUSDT")
    }

    @Test(
        "the id comes back as it was sent",
        arguments: [#""605a6d20-6588""#, "0", "-3", "1702561978458", "null", #""""#])
    func ids(_ id: String) throws {
        let world = try binanceWorld()
        var session = try session(world)
        session.send(#"{"id":\#(id),"method":"time","params":{"returnRateLimits":false}}"#)
        #expect(
            session.takeTexts() == [#"{"id":\#(id),"status":200,"result":{"serverTime":1780272000000}}"#])
    }

    @Test("limits are hidden and shown by connection and by request")
    func limits() throws {
        let world = try binanceWorld()
        var hidden = try session(world, "?returnRateLimits=false")
        hidden.send(#"{"id":1,"method":"ping"}"#)
        hidden.send(#"{"id":1,"method":"ping","params":{"returnRateLimits":true}}"#)
        let shown =
            #"{"id":1,"status":200,"result":{},"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","#
            + #""interval":"MINUTE","intervalNum":1,"limit":2400,"count":7}]}"#
        #expect(hidden.takeTexts() == [#"{"id":1,"status":200,"result":{}}"#, shown])
    }

    @Test("one budget for REST and both WebSockets, the handshake weighing 5")
    func budget() async throws {
        let world = try binanceWorld()
        var session = try session(world)
        for _ in 0..<478 { _ = await world.signed("GET", "/fapi/v3/account") }
        let last = try session.call("v2/account.status", in: world)
        #expect(last["rateLimits"]?.elements?.first?["count"]?.integer == 2400)
        let over = try session.call("v2/account.status", in: world)
        #expect(over["status"]?.integer == 429)
        #expect(over["error"]?["code"]?.integer == -1003)
        guard case .refused(let response) = world.handshake("/ws-fapi/v1") else {
            Issue.record("the handshake is not refused")
            return
        }
        #expect(response.status == 429)
        #expect(response.headers.contains { $0.name == "Retry-After" })
        for _ in 0..<10 { _ = try session.call("v2/account.status", in: world) }
        #expect(try session.call("v2/account.status", in: world)["status"]?.integer == 418)
        world.setRealTime(world.realTime() + 200_000)
        #expect(try session.call("v2/account.status", in: world)["status"]?.integer == 200)
    }

    // MARK: - Refusals

    @Test(
        "what is wrong is told with the codes of REST",
        arguments: [
            ("{", 400, -1013), ("[1]", 400, -1013), (#"{"id":1}"#, 400, -1102),
            (#"{"id":1,"method":""}"#, 400, -1102), (#"{"id":1.5,"method":"ping"}"#, 400, -1130),
            (#"{"id":[],"method":"ping"}"#, 400, -1130), (#"{"id":1,"method":"order.test"}"#, 400, -1020),
            (#"{"id":1,"method":"ping","params":[]}"#, 400, -1130),
            (#"{"id":1,"method":"ping","params":{"a":{}}}"#, 400, -1130),
            (#"{"id":1,"method":"v2/account.status"}"#, 400, -1102),
            (#"{"id":1,"method":"v2/account.status","params":{"apiKey":"x"}}"#, 401, -2014),
            (#"{"id":1,"method":"userDataStream.start","params":{}}"#, 400, -1102),
            (#"{"id":1,"method":"userDataStream.start","params":{"apiKey":"unknown-key"}}"#, 401, -2015),
            (
                statusCall(#""apiKey":"unknown-key","timestamp":1,"signature":"00""#),
                401, -2015
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":1.5,"signature":"00""#),
                400, -1102
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":null,"signature":"00""#),
                400, -1102
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":1"#), 400, -1102
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":1,"signature":"00""#),
                400, -1021
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":9999999999999,"signature":"00""#),
                400, -1021
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":1780272000000,"signature":"00""#),
                400, -1022
            ),
            (
                statusCall(#""apiKey":"KEY","timestamp":1,"recvWindow":60001,"signature":"00""#),
                400, -1131
            ),
        ])
    func refusals(_ request: String, _ status: Int64, _ code: Int64) throws {
        let world = try binanceWorld()
        var session = try session(world)
        let answer = try session.ask(request.replacing("KEY", with: deskKey))
        #expect(answer["status"]?.integer == status)
        #expect(answer["error"]?["code"]?.integer == code)
        #expect(answer["error"]?["msg"]?.text?.isEmpty == false)
        #expect(answer["result"] == nil)
        #expect(answer["rateLimits"] != nil)
        #expect(session.close == nil)
    }

    @Test("a figure that cannot be worked out is an internal error, as with REST")
    func figureFault() throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "1"), importPosition("BTCUSDT", "10000000", "60000"),
            marks(#""BTCUSDT":"99999999999999""#),
        ])
        var session = try session(world)
        let answer = try session.call("v2/account.status", in: world)
        #expect(answer["status"]?.integer == 500)
        #expect(answer["error"]?["code"]?.integer == -1000)
    }

    // MARK: - Listen keys

    @Test("a listen key begins, lives on and ends, shared with REST")
    func listenKeys() async throws {
        let world = try binanceWorld()
        var session = try session(world)
        func ask(_ action: String) throws -> JSONValue {
            try session.ask(
                #"{"id":1,"method":"userDataStream.\#(action)","params":{"apiKey":"\#(deskKey)"}}"#)
        }
        #expect(try ask("ping")["error"]?["code"]?.integer == -1125)
        let key = try #require(try ask("start")["result"]?["listenKey"]?.text)
        #expect(key.utf8.count == 64)
        #expect(try ask("ping")["result"]?["listenKey"]?.text == key)
        #expect(await world.listenKeyCall("PUT").status == 200)
        var stream = try #require(world.stream("/ws/\(key)"))
        #expect(try ask("stop")["result"] == .object(JSONObject()))
        stream.wait(1000)
        #expect(try stream.takeJSON().first?["e"]?.text == "listenKeyExpired")
        #expect(await world.listenKeyCall("PUT").status == 400)
    }
}
