import JSON
import Testing
import Venue
import VenueTestSupport

@testable import Rails

extension TestWorld where Model == RailsVenue {
    /// The User Account stream, opened with a fresh token.
    func accountStream(from address: String = "127.0.0.1") async throws -> TestStream<RailsVenue> {
        try #require(
            stream(
                "/api/v1/ws", headers: ["Sec-WebSocket-Protocol": "authorization#\(try await token())"],
                from: address))
    }

    /// What a refused handshake answers: status and body.
    func refusedHandshake(_ headers: [String: String], from address: String = "127.0.0.1") -> String? {
        guard case .refused(let response) = handshake("/api/v1/ws", headers: headers, from: address) else {
            return nil
        }
        return "\(response.status) \(response.text)"
    }
}

@Suite("User Account stream")
struct StreamTests {
    private static let commands = [
        desk("deposit", #""asset":"USD","amount":"5000""#),
        fill("BTC-USD", "buy", "0.01", "60000", fee: "0.6"),
        fill("ETH-USD", "sell", "0.1", "3000", fee: "0.3"), mark("BTC-USD", "61000"),
        order("o1", "SOL-USD", "buy", "1", "150"),
    ]

    @Test(
        "The frames of the documents: the object is that of REST, unwrapped in both profiles",
        arguments: [WireProfile.documented, .live])
    func balances(_ profile: WireProfile) async throws {
        let world = try railsWorld(profile, commands: Self.commands)
        var stream = try await world.accountStream()
        for (content, query) in [
            (#","content":{"market":"ETH-USD"}"#, "?market=ETH-USD"), (#","content":{}"#, ""), ("", ""),
            (#","content":{"market":""}"#, ""), (#","content":null"#, ""),
            (#","content":{"market":null}"#, ""),
        ] {
            stream.send(#"{"message":"balances"\#(content)}"#)
            let body = try await world.read("/api/v1/balances\(query)").text
            let object = profile == .live ? String(body.dropFirst(#"{"balances":"#.count).dropLast()) : body
            #expect(object.hasPrefix(#"{"totalBalance":"#))
            #expect(
                stream.takeTexts() == [
                    #"{"resultType":"balances","data":{"statusCode":200,"balances":\#(object)}}"#
                ])
        }
    }

    @Test func ping() async throws {
        var stream = try await railsWorld().accountStream()
        stream.send(#"{"message":"ping"}"#)
        #expect(stream.takeTexts() == [#"{"resultType":"ping","data":{"statusCode":200}}"#])
    }

    @Test(
        "A refused message tells its status and leaves the stream open",
        arguments: [
            ("{", "error", 400, "Bad Request"), ("[]", "error", 400, "Bad Request"),
            ("{}", "error", 400, "Bad Request"), (#"{"message":1}"#, "error", 400, "Bad Request"),
            (#"{"message":"orders"}"#, "orders", 404, "Not Found"),
            (
                #"{"message":"balances","content":{"market":"X-USD"}}"#, "balances", 400,
                "Unknown market: X-USD"
            ),
            (
                #"{"message":"balances","content":{"market":1}}"#, "balances", 400, "market must be a text"
            ),
            (#"{"message":"balances","content":[]}"#, "balances", 400, "content must be an object"),
        ])
    func refused(_ message: String, _ type: String, _ status: Int, _ text: String) async throws {
        var stream = try await railsWorld().accountStream()
        stream.send(message)
        stream.send(bytes: Array(message.utf8))
        let reply = #"{"resultType":"\#(type)","data":{"statusCode":\#(status),"message":"\#(text)"}}"#
        #expect(stream.takeTexts() == [reply, reply])
        #expect(stream.close == nil)
    }

    @Test("A token that expires or whose key is revoked answers 401; a bound one 403")
    func tokenOnTheWay() async throws {
        func reply(_ status: Int, _ text: String) -> [String] {
            [#"{"resultType":"balances","data":{"statusCode":\#(status),"message":"\#(text)"}}"#]
        }
        let question = #"{"message":"balances","content":{}}"#
        let late = try railsWorld()
        var stream = try await late.accountStream()
        late.setRealTime(late.realTime() + 1_800_000)
        stream.send(question)
        #expect(stream.takeTexts() == reply(401, "Unauthorized"))
        let revoked = try railsWorld()
        stream = try await revoked.accountStream()
        revoked.revokeKey("desk-key")
        stream.send(question)
        #expect(stream.takeTexts() == reply(401, "Unauthorized"))
        let bound = try railsWorld()
        stream = try await bound.accountStream()
        bound.addKey(
            account: "desk", apiKey: "desk-key", secret: "desk-secret", addresses: ["10.0.0.0/8"])
        stream.send(question)
        #expect(stream.takeTexts() == reply(403, "Forbidden"))
    }

    @Test("The shared limit of the User Account API counts messages too")
    func sharedLimit() async throws {
        let world = try railsWorld()
        var stream = try await world.accountStream()
        for _ in 1...2000 { stream.send(#"{"message":"ping"}"#) }
        #expect(!stream.takeTexts().contains { $0.contains("429") })
        stream.send(#"{"message":"ping"}"#)
        #expect(
            stream.takeTexts()
                == [#"{"resultType":"ping","data":{"statusCode":429,"message":"Too Many Requests"}}"#])
    }

    // MARK: - The handshake

    @Test("The subprotocol that carries the token is the one that is answered")
    func subprotocol() async throws {
        let world = try railsWorld()
        let token = try await world.token()
        for offered in [
            "authorization#\(token)", "json, authorization#\(token)", " authorization#\(token) ,x",
        ] {
            let stream = try #require(
                world.stream("/api/v1/ws", headers: ["Sec-WebSocket-Protocol": offered]))
            #expect(stream.opening.subprotocol == "authorization#\(token)")
        }
        #expect(world.handshake("/api/v1/wsx") == nil)
        #expect(world.handshake("/api/v1/balances") == nil)
    }

    @Test("Without a good token the handshake fails")
    func refusedHandshakes() async throws {
        let world = try railsWorld()
        let token = try await world.token()
        for offered in ["", "json", "authorization", "authorization#", "authorization#x.y.z", token] {
            #expect(
                world.refusedHandshake(["Sec-WebSocket-Protocol": offered])
                    == #"401 {"message":"Unauthorized"}"#)
        }
        #expect(
            world.refusedHandshake(["Authorization": "Bearer \(token)"])
                == #"401 {"message":"Unauthorized"}"#)
        let headers = ["Sec-WebSocket-Protocol": "authorization#\(token)"]
        world.addKey(
            account: "desk", apiKey: "desk-key", secret: "desk-secret", addresses: ["10.0.0.0/8"])
        #expect(world.refusedHandshake(headers) == #"403 {"message":"Forbidden"}"#)
        #expect(world.refusedHandshake(headers, from: "10.1.1.1") == nil)
        world.addKey(account: "desk", apiKey: "desk-key", secret: "desk-secret", permissions: [.trade])
        #expect(world.refusedHandshake(headers) == #"403 {"message":"Forbidden"}"#)
    }

    @Test("Five streams of an account at a time; one that ends makes room")
    func openStreams() async throws {
        let world = try railsWorld()
        let headers = ["Sec-WebSocket-Protocol": "authorization#\(try await world.token())"]
        var streams = (1...5).compactMap { _ in world.stream("/api/v1/ws", headers: headers) }
        #expect(streams.count == 5)
        #expect(world.refusedHandshake(headers) == #"403 {"message":"Forbidden"}"#)
        streams.removeLast()
        #expect(world.refusedHandshake(headers) == nil)
        // Another account has places of its own.
        try world.apply(#"{"type":"open_account","account":"other","venue":"rails"}"#)
        world.addKey(account: "other", apiKey: "other-key", secret: "other-secret")
        streams += (1...1).compactMap { _ in world.stream("/api/v1/ws", headers: headers) }
        #expect(streams.count == 5)
        let other = try await world.token("other-key", "other-secret")
        #expect(world.refusedHandshake(["Sec-WebSocket-Protocol": "authorization#\(other)"]) == nil)
        #expect(streams.count == 5)
    }

    @Test("Twenty new streams of an account a minute")
    func newStreams() async throws {
        let world = try railsWorld()
        let headers = ["Sec-WebSocket-Protocol": "authorization#\(try await world.token())"]
        for _ in 1...20 { #expect(world.refusedHandshake(headers) == nil) }
        #expect(world.refusedHandshake(headers) == #"429 {"message":"Too Many Requests"}"#)
        world.setRealTime(world.realTime() + 60_000)
        #expect(world.refusedHandshake(headers) == nil)
        let open = try railsWorld(enforcesRateLimits: false)
        let token = ["Sec-WebSocket-Protocol": "authorization#\(try await open.token())"]
        let streams = (1...30).compactMap { _ in open.stream("/api/v1/ws", headers: token) }
        #expect(streams.count == 30)
    }

    @Test func quiet() async throws {
        let world = try railsWorld()
        var stream = try await world.accountStream()
        #expect(stream.stream.interest == StreamInterest() && stream.stream.deadline == nil)
        try world.apply(desk("deposit", #""asset":"USD","amount":"1""#))
        stream.hear()
        stream.wait(60_000)
        #expect(stream.takeTexts() == [])
        let codes = StreamCloseReason.allCases.map { stream.stream.close(for: $0).code }
        #expect(codes == [1008, 1009, 1002, 1001, 1001])
    }
}
