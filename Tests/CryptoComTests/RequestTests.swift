import JSON
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Requests")
struct RequestTests {
    private let path = "/exchange/v1/private/user-balance"
    private let method = "private/user-balance"

    @Test("A signed request gets the statement with its own id")
    func signedRequest() async throws {
        let world = try makeWorld(.documented, [deposit("USD", "10")])
        let response = await world.call(method, id: "11")
        #expect(response.status == 200)
        #expect(response.contentType == "application/json")
        #expect(response.text == (try world.statement("desk", query: [QueryItem(name: "id", value: "11")])))
    }

    @Test(
        "The id is echoed as a number, exactly",
        arguments: [
            ("11", "11"), ("0", "0"), ("\"1611022832613\"", "1611022832613"),
            ("9223372036854775807", "9223372036854775807"), ("9007199254740993", "9007199254740993"),
        ])
    func echoedID(_ sent: String, _ echoed: String) async throws {
        let world = try makeWorld()
        let response = await world.call(method, id: sent)
        #expect(response.status == 200)
        #expect(response.text.hasPrefix(#"{"id":\#(echoed),"method":"private/user-balance","code":0,"#))
    }

    @Test("id left out: the reply carries -1; params left out or null; nonce as a string")
    func leniency() async throws {
        let world = try makeWorld()
        let now = world.realTime()
        let sig = signature("private/user-balancetoken\(now)")
        for params in ["", #""params":null,"#, #""params":{},"#] {
            let body =
                #"{"method":"private/user-balance",\#(params)"api_key":"token","sig":"\#(sig)","nonce":\#(now)}"#
            let response = await world.request("POST", path, body: body)
            #expect(response.status == 200, "\(params)")
            #expect(response.text.hasPrefix(#"{"id":-1,"#))
        }
        #expect(await world.call(method, params: nil, nonce: "\"\(now)\"").status == 200)
        // Params are part of the signature, and unknown ones are ignored.
        let response = await world.call(method, params: #"{"b":1,"a":["x",null]}"#, flattened: "axnullb1")
        #expect(response.status == 200)
    }

    struct Refused: Sendable {
        let name: String
        let verb: String
        let target: String
        let body: String
        let status: Int
        let reply: String
    }

    /// Every row that a request can bring about.
    static let refused: [Refused] = [
        Refused(
            name: "malformed JSON", verb: "POST", target: "/exchange/v1/private/user-balance", body: "{",
            status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40001,"message":"BAD_REQUEST"}"#),
        Refused(
            name: "no object", verb: "POST", target: "/exchange/v1/private/user-balance", body: "[]",
            status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40001,"message":"BAD_REQUEST"}"#),
        Refused(
            name: "id that is no number", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":"abc","method":"private/user-balance"}"#, status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40001,"message":"BAD_REQUEST"}"#),
        Refused(
            name: "id with a fraction", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1.5,"method":"private/user-balance"}"#, status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40001,"message":"BAD_REQUEST"}"#),
        Refused(
            name: "id beyond 63 bits", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":9223372036854775808,"method":"private/user-balance"}"#, status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40001,"message":"BAD_REQUEST"}"#),
        Refused(
            name: "unknown method", verb: "POST", target: "/exchange/v1/private/withdraw",
            body: #"{"id":7,"method":"private/withdraw"}"#, status: 400,
            reply: #"{"id":7,"method":"private/withdraw","code":40002,"message":"METHOD_NOT_FOUND"}"#),
        Refused(
            name: "unknown path", verb: "GET", target: "/exchange/v1/public/\"odd\"", body: "", status: 400,
            reply: #"{"id":-1,"method":"public/\"odd\"","code":40002,"message":"METHOD_NOT_FOUND"}"#),
        Refused(
            name: "trailing slash", verb: "POST", target: "/exchange/v1/private/user-balance/", body: "{}",
            status: 400,
            reply: #"{"id":-1,"method":"private/user-balance/","code":40002,"message":"METHOD_NOT_FOUND"}"#),
        Refused(
            name: "GET on a private method", verb: "GET", target: "/exchange/v1/private/user-balance",
            body: "",
            status: 400,
            reply: #"{"id":-1,"method":"private/user-balance","code":40003,"message":"INVALID_REQUEST"}"#),
        Refused(
            name: "another method in the body", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/get-positions"}"#, status: 400,
            reply: #"{"id":1,"method":"private/user-balance","code":40003,"message":"INVALID_REQUEST"}"#),
        Refused(
            name: "params that are no object", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","params":[]}"#, status: 400,
            reply: #"{"id":1,"method":"private/user-balance","code":40003,"message":"INVALID_REQUEST"}"#),
        Refused(
            name: "no method in the body", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1}"#, status: 400,
            reply:
                #"{"id":1,"method":"private/user-balance","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}"#
        ),
        Refused(
            name: "no api_key", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","nonce":1780272000000,"sig":"00"}"#, status: 401,
            reply: #"{"id":1,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#),
        Refused(
            name: "unknown api_key", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","api_key":"x","nonce":1780272000000,"sig":"00"}"#,
            status: 401,
            reply: #"{"id":1,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#),
        Refused(
            name: "no nonce", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","api_key":"token","sig":"00"}"#, status: 400,
            reply:
                #"{"id":1,"method":"private/user-balance","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}"#
        ),
        Refused(
            name: "nonce with a fraction", verb: "POST", target: "/exchange/v1/private/user-balance",
            body:
                #"{"id":1,"method":"private/user-balance","api_key":"token","nonce":1780272000000.5,"sig":"00"}"#,
            status: 401,
            reply: #"{"id":1,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#),
        Refused(
            name: "no sig", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","api_key":"token","nonce":1780272000000}"#,
            status: 401,
            reply: #"{"id":1,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#),
        Refused(
            name: "wrong sig", verb: "POST", target: "/exchange/v1/private/user-balance",
            body:
                #"{"id":1,"method":"private/user-balance","api_key":"token","nonce":1780272000000,"sig":"00"}"#,
            status: 401,
            reply: #"{"id":1,"method":"private/user-balance","code":40101,"message":"UNAUTHORIZED"}"#),
        Refused(
            name: "the sample's nonce of 1", verb: "POST", target: "/exchange/v1/private/user-balance",
            body: #"{"id":1,"method":"private/user-balance","api_key":"token","nonce":1,"sig":"00"}"#,
            status: 400,
            reply: #"{"id":1,"method":"private/user-balance","code":40102,"message":"INVALID_NONCE"}"#),
        Refused(
            name: "POST on a public method", verb: "POST", target: "/exchange/v1/public/get-instruments",
            body: "{}",
            status: 400,
            reply: #"{"id":-1,"method":"public/get-instruments","code":50001,"message":"ERR_INTERNAL"}"#),
        Refused(
            name: "DELETE on a public method", verb: "DELETE", target: "/exchange/v1/public/get-instruments",
            body: "", status: 400,
            reply: #"{"id":-1,"method":"public/get-instruments","code":40003,"message":"INVALID_REQUEST"}"#),
    ]

    @Test("A refused request", arguments: refused)
    func refusal(_ row: Refused) async throws {
        let world = try makeWorld()
        let before = world.account("desk")
        let response = await world.request(row.verb, row.target, body: row.body)
        #expect(response.status == row.status, "\(row.name)")
        #expect(response.text == row.reply, "\(row.name)")
        #expect(world.account("desk") == before)
    }

    @Test("A nonce may be 60 s off, either side, and not a millisecond more", arguments: [-1, 1])
    func nonceWindow(_ direction: Int64) async throws {
        let world = try makeWorld()
        let now = world.realTime()
        #expect(await world.call(method, nonce: String(now + direction * 60_000)).status == 200)
        let late = await world.call(method, nonce: String(now + direction * 60_001))
        #expect(late.status == 400)
        #expect(late.text.contains("40102"))
    }

    @Test("A key bound to addresses, one that may not read, a revoked one, one whose account is gone")
    func keys() async throws {
        let world = try makeWorld()
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey", addresses: ["10.0.0.0/8", "::1"])
        #expect(await world.call(method, from: "10.1.2.3").status == 200)
        let outside = await world.call(method, from: "11.1.2.3")
        #expect(outside.status == 401)
        #expect(
            outside.text == #"{"id":11,"method":"private/user-balance","code":40103,"message":"IP_ILLEGAL"}"#)
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey", permissions: [.trade])
        #expect(await world.call(method).text.contains("40101"))
        world.addKey(account: "nobody", apiKey: "token", secret: "secretKey")
        let gone = await world.call(method)
        #expect(gone.status == 400)
        #expect(gone.text.contains(#""code":401,"message":"ACCOUNT_DOES_NOT_EXIST""#))
        world.revokeKey("token")
        #expect(await world.call(method).text.contains("40101"))
    }

    @Test("Of two faults the earlier check answers: body, rate, key, address, nonce, signature")
    func precedence() async throws {
        let world = try makeWorld()
        let stale = #""nonce":1,"sig":"00""#
        func code(_ body: String, from address: String = "127.0.0.1") async throws -> String? {
            try await world.request("POST", path, body: body, from: address).json["code"]?.numberText
        }
        let head = #"{"id":1,"method":"private/user-balance","#
        #expect(try await code(#"{"id":1,"method":"x","api_key":"x",\#(stale)}"#) == "40003")
        #expect(try await code(head + #""api_key":"x",\#(stale)}"#) == "40101")
        world.addKey(account: "desk", apiKey: "bound", secret: "s", addresses: ["10.0.0.1"])
        #expect(try await code(head + #""api_key":"bound",\#(stale)}"#) == "40103")
        #expect(try await code(head + #""api_key":"token",\#(stale)}"#) == "40102")
    }

    @Test("Private methods: 3 per 100 ms, per method and key")
    func privateLimit() async throws {
        let world = try makeWorld(enforcesRateLimits: true)
        for _ in 1...3 { #expect(await world.call(method).status == 200) }
        let refused = await world.call(method, id: "12")
        #expect(refused.status == 429)
        #expect(
            refused.text
                == #"{"id":12,"method":"private/user-balance","code":42901,"message":"TOO_MANY_REQUESTS"}"#)
        #expect(await world.call("private/get-positions").status == 200)
        world.setRealTime(world.realTime() + 99)
        #expect(await world.call(method).status == 429)
        world.setRealTime(world.realTime() + 1)
        #expect(await world.call(method).status == 200)
    }

    @Test("Made-up keys are limited together, by their sender's address")
    func unknownKeysAreLimited() async throws {
        let world = try makeWorld(enforcesRateLimits: true)
        func status(_ key: Int, from address: String) async -> Int {
            await world.request(
                "POST", path, body: #"{"id":1,"method":"private/user-balance","api_key":"k\#(key)"}"#,
                from: address
            ).status
        }
        for key in 1...3 { #expect(await status(key, from: "1.2.3.4") == 401) }
        #expect(await status(4, from: "1.2.3.4") == 429)
        #expect(await status(5, from: "1.2.3.5") == 401)
        #expect(await world.call(method, from: "1.2.3.4").status == 200)
    }

    @Test("Public methods: 100 per second, per method and address")
    func publicLimit() async throws {
        let world = try makeWorld(enforcesRateLimits: true)
        func status(_ name: String, from address: String) async -> Int {
            await world.request("GET", "/exchange/v1/public/\(name)", from: address).status
        }
        for _ in 1...100 { #expect(await status("get-risk-parameters", from: "1.2.3.4") == 200) }
        #expect(await status("get-risk-parameters", from: "1.2.3.4") == 429)
        #expect(await status("get-risk-parameters", from: "1.2.3.5") == 200)
        #expect(await status("get-tickers", from: "1.2.3.4") == 200)
        world.setRealTime(world.realTime() + 1000)
        #expect(await status("get-risk-parameters", from: "1.2.3.4") == 200)
    }

    @Test("A figure that does not fit answers the risk engine's own error")
    func overflow() async throws {
        let world = try makeWorld(
            .documented, [deposit("BTC", "100000000000000000000"), prices(index: #"{"BTC":"90000000"}"#)])
        let response = await world.call(method)
        #expect(response.status == 500)
        #expect(
            response.text
                == #"{"id":11,"method":"private/user-balance","code":605,"message":"INVALID_MARGIN_CALC"}"#)
    }

    @Test("Keys made here look like the venue's, and two are never the same")
    func credentials() throws {
        let venue = try CryptoComVenue(addedRulebooks: [], profile: .documented)
        var generator = SystemRandomNumberGenerator()
        let made = (0..<2).map { _ in
            venue.makeCredentials { count in
                (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            }
        }
        for credentials in made {
            #expect(credentials.apiKey.utf8.count == 22)
            #expect(credentials.apiKey.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
            #expect(credentials.secret.hasPrefix("cxakp_"))
            #expect(credentials.secret.utf8.count == 28)
            #expect(credentials.passphrase == nil)
        }
        #expect(made[0].apiKey != made[1].apiKey)
        #expect(made[0].secret != made[1].secret)
    }
}
