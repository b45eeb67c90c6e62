import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

typealias Stream = TestStream<CryptoComVenue>

extension TestWorld where Model == CryptoComVenue {
    /// The user's socket, freshly opened.
    func userStream(from address: String = "127.0.0.1") throws -> Stream {
        try #require(stream("/exchange/v1/user", from: address))
    }

    /// The user's socket after a successful authentication.
    func authenticatedStream(from address: String = "127.0.0.1") throws -> Stream {
        var stream = try userStream(from: address)
        stream.send(authentication())
        try #require(stream.takeTexts() == [#"{"id":11,"method":"public/auth","code":0}"#])
        return stream
    }

    /// The frame of `public/auth`, signed by the test itself. `id` and `nonce` are JSON texts.
    func authentication(
        id: String = "11", apiKey: String = "token", secret: String = "secretKey", nonce: String? = nil,
        more: String = "", flattened: String = ""
    ) -> String {
        let nonce = nonce ?? String(realTime())
        func digits(_ text: String) -> String { text.filter { $0 != "\"" } }
        let sig = signature(
            "public/auth\(digits(id))\(apiKey)\(flattened)\(digits(nonce))", secret: secret)
        return
            #"{"id":\#(id),"method":"public/auth","api_key":"\#(apiKey)","sig":"\#(sig)",\#(more)"nonce":\#(nonce)}"#
    }
}

func subscription(_ channels: String..., id: String? = "1", method: String = "subscribe") -> String {
    let names = channels.map { "\"\($0)\"" }.joined(separator: ",")
    return
        #"{\#(id.map { #""id":\#($0),"# } ?? "")"method":"\#(method)","params":{"channels":[\#(names)]},"nonce":1}"#
}

@Suite("User socket")
struct UserStreamTests {
    // MARK: - Authentication

    /// The vector of `public/auth`.
    @Test func publishedSignature() throws {
        let world = World(
            try CryptoComVenue(addedRulebooks: [], profile: .documented), time: 1_589_594_102_779)
        try world.apply(#"{"type":"open_account","account":"desk","venue":"crypto-com"}"#)
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey")
        var stream = try world.userStream()
        stream.send(
            #"{"id":11,"method":"public/auth","api_key":"token","#
                + #""sig":"9dcebf6eeec155f829227ee447dee73120e0aead42fab74d38ed5d8271793dc8","nonce":1589594102779}"#
        )
        #expect(stream.takeTexts() == [#"{"id":11,"method":"public/auth","code":0}"#])
    }

    @Test(
        "Ids and nonces are numbers or their digits; the reply's id is a number",
        arguments: [
            ("11", nil, "", "", "11"), ("\"1780272000000\"", "\"1780272000000\"", "", "", "1780272000000"),
            ("9223372036854775807", nil, "", "", "9223372036854775807"),
            ("7", nil, #""params":{},"#, "", "7"), ("7", nil, #""params":{"b":1,"a":"x"},"#, "axb1", "7"),
        ] as [(String, String?, String, String, String)])
    func authenticated(
        _ id: String, _ nonce: String?, _ more: String, _ flattened: String, _ echo: String
    )
        throws
    {
        let world = try makeWorld()
        var stream = try world.userStream()
        stream.send(world.authentication(id: id, nonce: nonce, more: more, flattened: flattened))
        #expect(stream.takeTexts() == [#"{"id":\#(echo),"method":"public/auth","code":0}"#])
    }

    @Test func authenticationWithoutAnID() throws {
        let world = try makeWorld()
        var stream = try world.userStream()
        let sig = signature("public/authtoken\(world.realTime())")
        stream.send(
            #"{"method":"public/auth","api_key":"token","sig":"\#(sig)","nonce":\#(world.realTime())}"#)
        #expect(stream.takeTexts() == [#"{"id":-1,"method":"public/auth","code":0}"#])
    }

    struct RefusedAuthentication: Sendable {
        let name: String
        let frame: @Sendable (World) -> String
        let code: Int
        let message: String
    }

    static let refusedAuthentications = [
        RefusedAuthentication(
            name: "wrong secret", frame: { $0.authentication(secret: "other") }, code: 40101,
            message: "UNAUTHORIZED"),
        RefusedAuthentication(
            name: "unknown key", frame: { $0.authentication(apiKey: "nobody") }, code: 40101,
            message: "UNAUTHORIZED"),
        RefusedAuthentication(
            name: "no key", frame: { _ in #"{"id":11,"method":"public/auth","nonce":1780272000000}"# },
            code: 40101, message: "UNAUTHORIZED"),
        RefusedAuthentication(
            name: "a key that may not read", frame: { $0.authentication(apiKey: "trader") }, code: 40101,
            message: "UNAUTHORIZED"),
        RefusedAuthentication(
            name: "a key bound to another address", frame: { $0.authentication(apiKey: "bound") },
            code: 40103, message: "IP_ILLEGAL"),
        RefusedAuthentication(
            name: "a late nonce", frame: { $0.authentication(nonce: "1780271939999") }, code: 40102,
            message: "INVALID_NONCE"),
        RefusedAuthentication(
            name: "a nonce with a fraction", frame: { $0.authentication(nonce: "1780272000000.5") },
            code: 40101, message: "UNAUTHORIZED"),
        RefusedAuthentication(
            name: "no nonce",
            frame: { _ in #"{"id":11,"method":"public/auth","api_key":"token","sig":"00"}"# },
            code: 40004, message: "MISSING_OR_INVALID_ARGUMENT"),
        RefusedAuthentication(
            name: "a key whose account is gone", frame: { $0.authentication(apiKey: "orphan") }, code: 401,
            message: "ACCOUNT_DOES_NOT_EXIST"),
        RefusedAuthentication(
            name: "params that are no object",
            frame: { $0.authentication(more: #""params":[],"#) }, code: 40003, message: "INVALID_REQUEST"),
    ]

    @Test("A refused authentication changes nothing and may be repeated", arguments: refusedAuthentications)
    func refusedAuthentication(_ row: RefusedAuthentication) throws {
        let world = try makeWorld()
        world.addKey(account: "desk", apiKey: "trader", secret: "secretKey", permissions: [.trade])
        world.addKey(account: "desk", apiKey: "bound", secret: "secretKey", addresses: ["10.0.0.0/8"])
        world.addKey(account: "nobody", apiKey: "orphan", secret: "secretKey")
        var stream = try world.userStream()
        stream.send(row.frame(world))
        #expect(
            stream.takeTexts()
                == [#"{"id":11,"method":"public/auth","code":\#(row.code),"message":"\#(row.message)"}"#],
            "\(row.name)")
        stream.send(subscription("user.balance"))
        #expect(
            stream.takeTexts() == [#"{"id":1,"method":"subscribe","code":40101,"message":"UNAUTHORIZED"}"#])
        stream.send(world.authentication())
        #expect(stream.takeTexts() == [#"{"id":11,"method":"public/auth","code":0}"#])
    }

    @Test func authenticatedTwice() throws {
        let world = try makeWorld()
        try world.apply(#"{"type":"open_account","account":"other","venue":"crypto-com"}"#)
        world.addKey(account: "other", apiKey: "second", secret: "secretKey")
        var stream = try world.authenticatedStream()
        stream.send(world.authentication(id: "12"))
        stream.send(world.authentication(id: "13", apiKey: "second"))
        #expect(
            stream.takeTexts() == [
                #"{"id":12,"method":"public/auth","code":0}"#,
                #"{"id":13,"method":"public/auth","code":40003,"message":"INVALID_REQUEST"}"#,
            ])
    }

    // MARK: - Requests and replies

    @Test(
        "Methods that apply to the socket answer the bytes of REST",
        arguments: [WireProfile.documented, .live])
    func sameBytesAsREST(_ profile: WireProfile) async throws {
        let world = try makeWorld(
            profile,
            [
                deposit("USD", "1000"), deposit("CRO", "30"), fill("BTCUSD-PERP", "buy", "0.01", "59000"),
                prices(marks: #"{"BTCUSD-PERP":"60000"}"#, index: #"{"CRO":"0.05467"}"#),
                order("a", "BTCUSD-PERP", "buy", "0.001", "50000"),
                #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
            ])
        var stream = try world.authenticatedStream()
        for method in [Method.userBalance, .positions, .openOrders] {
            stream.send(
                #"{"id":"9007199254740993","method":"\#(method.rawValue)","params":{},"nonce":1}"#)
            let rest = await world.call(method.rawValue, id: "9007199254740993")
            #expect(rest.status == 200)
            #expect(stream.takeTexts() == [rest.text], "\(method)")
        }
        // Without id, params and nonce; and narrowed by params.
        stream.send(#"{"method":"private/user-balance"}"#)
        #expect(stream.takeTexts() == [try world.statement("desk")])
        stream.send(
            #"{"id":3,"method":"private/get-positions","params":{"instrument_name":"ETHUSD-PERP"}}"#)
        #expect(
            stream.takeTexts() == [
                #"{"id":3,"method":"private/get-positions","code":0,"result":{"data":[]}}"#
            ])
    }

    struct Refused: Sendable {
        let name: String
        let frame: String
        let reply: String
    }

    /// A method that the vendor's page gives to REST alone: under "Applies To" it has no WebSocket.
    private static func restAlone(_ method: String) -> Refused {
        Refused(
            name: "\(method), which REST alone has", frame: #"{"id":5,"method":"\#(method)","params":{}}"#,
            reply: #"{"id":5,"method":"\#(method)","code":40002,"message":"METHOD_NOT_FOUND"}"#)
    }

    /// By the venue's documents.
    static let refused = [
        Refused(
            name: "no JSON", frame: "{",
            reply: #"{"id":-1,"method":"ERROR","code":40001,"message":"BAD_REQUEST","original":"{"}"#),
        Refused(
            name: "no object", frame: #"["a"]"#,
            reply: #"{"id":-1,"method":"ERROR","code":40001,"message":"BAD_REQUEST","original":"[\"a\"]"}"#),
        Refused(
            name: "an id that is no number", frame: #"{"id":"x","method":"subscribe"}"#,
            reply: #"{"id":-1,"method":"ERROR","code":40001,"message":"BAD_REQUEST","#
                + #""original":"{\"id\":\"x\",\"method\":\"subscribe\"}"}"#),
        Refused(
            name: "no method", frame: #"{"id":5}"#,
            reply: #"{"id":5,"method":"ERROR","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT","#
                + #""original":"{\"id\":5}"}"#),
        Refused(
            name: "neither id nor method", frame: "{}",
            reply: #"{"id":-1,"method":"ERROR","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT","#
                + #""original":"{}"}"#),
        Refused(
            name: "an unknown method", frame: #"{"id":5,"method":"private/withdraw","params":{}}"#,
            reply: #"{"id":5,"method":"private/withdraw","code":40002,"message":"METHOD_NOT_FOUND"}"#),
        Refused(
            name: "a public method", frame: #"{"id":5,"method":"public/get-instruments","params":{}}"#,
            reply: #"{"id":5,"method":"public/get-instruments","code":40002,"message":"METHOD_NOT_FOUND"}"#),
        restAlone("private/get-subaccount-balances"), restAlone("private/user-balance-history"),
        restAlone("private/get-accounts"), restAlone("private/get-currency-networks"),
        Refused(
            name: "params of another type", frame: #"{"id":5,"method":"private/user-balance","params":[]}"#,
            reply: #"{"id":5,"method":"private/user-balance","code":40003,"message":"INVALID_REQUEST"}"#),
        Refused(
            name: "an argument out of range",
            frame: #"{"id":5,"method":"private/get-positions","params":{"instrument_name":"X"}}"#,
            reply: #"{"id":5,"method":"private/get-positions","code":40004,"#
                + #""message":"MISSING_OR_INVALID_ARGUMENT"}"#),
        Refused(
            name: "an unknown channel",
            frame: #"{"id":0,"method":"subscribe","params":{"channels":["trade.BTCUSD-PERP"]}}"#,
            reply: #"{"id":0,"method":"subscribe","code":10004,"#
                + #""message":"invalid channel {\"channels\":[\"trade.BTCUSD-PERP\"]}"}"#),
        Refused(
            name: "one unknown channel among others",
            frame: #"{"method":"subscribe","params":{"channels":["user.balance","user.moon"]}}"#,
            reply: #"{"id":-1,"method":"subscribe","code":10004,"#
                + #""message":"invalid channel {\"channels\":[\"user.balance\",\"user.moon\"]}"}"#),
        Refused(
            name: "no channels", frame: #"{"id":5,"method":"subscribe","params":{"channels":[]}}"#,
            reply: #"{"id":5,"method":"subscribe","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}"#),
        Refused(
            name: "no params", frame: #"{"id":5,"method":"subscribe"}"#,
            reply: #"{"id":5,"method":"subscribe","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}"#),
        Refused(
            name: "a channel that is no text",
            frame: #"{"id":5,"method":"subscribe","params":{"channels":[1]}}"#,
            reply: #"{"id":5,"method":"subscribe","code":40003,"message":"INVALID_REQUEST"}"#),
        Refused(
            name: "unsubscribing from an unknown channel",
            frame: #"{"id":5,"method":"unsubscribe","params":{"channels":["user.moon"]}}"#,
            reply: #"{"id":5,"method":"unsubscribe","code":10004,"#
                + #""message":"invalid channel {\"channels\":[\"user.moon\"]}"}"#),
    ]

    @Test("A refused frame", arguments: refused)
    func refusal(_ row: Refused) throws {
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        stream.send(row.frame)
        #expect(stream.takeTexts() == [row.reply], "\(row.name)")
        #expect(stream.stream.interest == StreamInterest())
        #expect(stream.close == nil)
        stream.send(#"{"method":"private/user-balance"}"#)
        #expect(stream.takeTexts() == [try world.statement("desk")])
    }

    @Test("Before authentication", arguments: ["private/user-balance", "subscribe", "unsubscribe"])
    func notAuthenticated(_ method: String) throws {
        var stream = try makeWorld().userStream()
        stream.send(#"{"id":5,"method":"\#(method)","params":{"channels":["user.balance"]}}"#)
        #expect(
            stream.takeTexts() == [#"{"id":5,"method":"\#(method)","code":40101,"message":"UNAUTHORIZED"}"#])
    }

    @Test("Binary messages are read as text")
    func binary() throws {
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        stream.send(bytes: Array(#"{"method":"private/user-balance"}"#.utf8))
        stream.send(bytes: [0xFF])
        let texts = stream.takeTexts()
        #expect(texts.first == (try world.statement("desk")))
        #expect(texts.last?.hasPrefix(#"{"id":-1,"method":"ERROR","code":40001"#) == true)
    }

    @Test("A price that is missing and a figure that does not fit are refused, not guessed")
    func figuresRefused() throws {
        let world = try makeWorld(
            .documented, [deposit("USD", "1"), deposit("CRO", "100000000000000000")])
        try world.apply(prices(index: #"{"CRO":"100000000000000000"}"#))
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance"))
        #expect(
            stream.takeTexts()
                == [#"{"id":1,"method":"subscribe","code":605,"message":"INVALID_MARGIN_CALC"}"#])
        try world.apply(prices(index: #"{"CRO":"0.1"}"#))
        stream.wait(2_000)
        #expect(try stream.takeJSON().map { $0["code"]?.integer } == [0])
    }

    // MARK: - The key

    @Test("A key that is revoked, made again, or bound to other addresses on the way")
    func keyOnTheWay() throws {
        let changes: [(World) -> Void] = [
            { $0.revokeKey("token") },
            { $0.addKey(account: "desk", apiKey: "token", secret: "another") },
            { $0.addKey(account: "desk", apiKey: "token", secret: "secretKey", permissions: [.trade]) },
        ]
        for change in changes {
            let world = try makeWorld()
            var stream = try world.authenticatedStream()
            stream.send(subscription("user.balance"))
            _ = stream.takeTexts()
            change(world)
            stream.send(#"{"id":5,"method":"private/user-balance","params":{}}"#)
            #expect(
                stream.takeTexts()
                    == [#"{"id":5,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#])
            try world.apply(deposit("USD", "1"))
            stream.hear()
            #expect(
                stream.takeTexts()
                    == [#"{"id":-1,"method":"subscribe","code":40101,"message":"UNAUTHORIZED"}"#])
            // Told once, and nothing more.
            try world.apply(deposit("USD", "1"))
            stream.hear()
            stream.wait(10_000)
            #expect(stream.takeTexts() == [])
        }
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey", addresses: ["10.0.0.0/8"])
        stream.send(#"{"id":5,"method":"private/user-balance","params":{}}"#)
        #expect(
            stream.takeTexts()
                == [#"{"id":5,"method":"private/user-balance","code":40103,"message":"IP_ILLEGAL"}"#])
    }

    // MARK: - Heartbeat, limits, ends

    @Test("A heartbeat every 30 s that has 5 s to be answered, however much more the answer says")
    func heartbeat() throws {
        let world = try makeWorld()
        var stream = try world.userStream()
        let start = world.realTime()
        let answers: [(Int64) -> String] = [
            { #"{"id":\#($0),"method":"public/respond-heartbeat"}"# },
            { #"{"id":"\#($0)","method":"public/respond-heartbeat"}"# },
            { #"{"id":\#($0),"method":"public/respond-heartbeat","code":0,"nonce":1}"# },
        ]
        for round in 1...9 {
            stream.wait(start + Int64(round) * 30_000 - 1 - world.realTime())
            #expect(stream.takeTexts() == [])
            stream.wait(1)
            let id = start + Int64(round) * 30_000
            #expect(stream.takeTexts() == [#"{"id":\#(id),"method":"public/heartbeat","code":0}"#])
            stream.wait(4_999)
            stream.send(answers[round % 3](id))
            #expect(stream.takeTexts() == [])
        }
        #expect(stream.close == nil)
    }

    @Test("No answer, or an answer to something else, ends the connection", arguments: [nil, "1", "null"])
    func heartbeatUnanswered(_ id: String?) throws {
        var stream = try makeWorld().userStream()
        stream.wait(30_000)
        _ = stream.takeTexts()
        if let id { stream.send(#"{"id":\#(id),"method":"public/respond-heartbeat"}"#) }
        stream.wait(4_999)
        #expect(stream.close == nil)
        stream.wait(1)
        #expect(stream.close?.code == 1000)
    }

    @Test("150 frames a calendar second; the second of the connection is pro-rated")
    func limit() throws {
        let world = try makeWorld(enforcesRateLimits: true)
        world.setRealTime(1_780_272_000_400)
        var stream = try world.authenticatedStream()
        let call = #"{"id":5,"method":"private/user-balance","params":{}}"#
        let refusal = #"{"id":5,"method":"private/user-balance","code":42901,"message":"TOO_MANY_REQUESTS"}"#
        // 150 × 0.6 = 90, one of which was the authentication.
        for _ in 1...89 { stream.send(call) }
        #expect(!stream.takeTexts().contains(refusal))
        stream.send(call)
        stream.send("{")
        #expect(
            stream.takeTexts() == [
                refusal,
                #"{"id":-1,"method":"ERROR","code":42901,"message":"TOO_MANY_REQUESTS","original":"{"}"#,
            ])
        world.setRealTime(1_780_272_001_000)
        for _ in 1...150 { stream.send(call) }
        #expect(!stream.takeTexts().contains(refusal))
        world.setRealTime(1_780_272_001_999)
        stream.send(call)
        #expect(stream.takeTexts() == [refusal])
        #expect(stream.close == nil)
    }

    @Test func noLimitWhereNoneIsEnforced() throws {
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        for _ in 1...200 { stream.send(#"{"id":5,"method":"private/x"}"#) }
        #expect(!stream.takeTexts().contains { $0.contains("42901") })
    }

    @Test func closeCodes() throws {
        let stream = try makeWorld().userStream().stream
        let codes = StreamCloseReason.allCases.map { stream.close(for: $0).code }
        #expect(codes == [1008, 1009, 1002, 1000, 1013])
        for reason in StreamCloseReason.allCases {
            #expect(stream.close(for: reason).reason.utf8.count <= 123)
        }
    }

    @Test("Only the two paths are streams")
    func paths() throws {
        let world = try makeWorld()
        #expect(world.stream("/exchange/v1/user?x=1") != nil)
        #expect(world.stream("/exchange/v1/market") != nil)
        for path in ["/exchange/v1/users", "/exchange/v1/user/", "/exchange/v1/private/user-balance"] {
            #expect(world.handshake(path) == nil)
        }
    }
}
