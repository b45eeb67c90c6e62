import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite struct RefusalTests {
    static let balance = "/api/v5/account/balance"

    private func ready(
        profile: WireProfile = .documented, limits: Bool = false,
        permissions: Set<APIKey.Permission> = [.read],
        addresses: [String] = []
    ) throws -> TestWorld<OKXVenue> {
        let world = try world(profile: profile, enforcesRateLimits: limits)
        try world.open("desk")
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase", permissions: permissions,
            addresses: addresses)
        return world
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let headers: [String: String]
        let code: String
        let documented: String
        let live: String
        var testDescription: String { code }
    }

    /// Headers that a good request has, changed; "" leaves one out. Each row has everything before it in
    /// order, so that the order of checks is tested too.
    static let rows = [
        Row(
            headers: [
                "ok-access-key": "", "ok-access-sign": "", "ok-access-timestamp": "",
                "ok-access-passphrase": "",
            ],
            code: "50103", documented: #"Request header "OK-ACCESS-KEY" cannot be empty."#,
            live: #"Request header "OK-ACCESS-KEY" cannot be empty."#),
        Row(
            headers: ["ok-access-sign": "", "ok-access-passphrase": ""], code: "50106",
            documented: #"Request header "OK-ACCESS-SIGN" cannot be empty."#,
            live: #"Request header "OK-ACCESS-SIGN" cannot be empty."#),
        Row(
            headers: ["ok-access-timestamp": "", "ok-access-passphrase": ""], code: "50107",
            documented: #"Request header "OK-ACCESS-TIMESTAMP" cannot be empty."#,
            live: #"Request header "OK-ACCESS-TIMESTAMP" cannot be empty."#),
        Row(
            headers: ["ok-access-passphrase": "", "ok-access-key": "nobody"], code: "50104",
            documented: #"Request header "OK-ACCESS-PASSPHRASE" cannot be empty."#,
            live: #"Request header "OK-ACCESS-PASSPHRASE" cannot be empty."#),
        Row(
            headers: ["ok-access-key": "nobody", "ok-access-timestamp": "yesterday"], code: "50111",
            documented: "Invalid OK-ACCESS-KEY.", live: "Invalid OK-ACCESS-KEY"),
        Row(
            headers: [
                "ok-access-key": "37c541a1-0000-4000-8000-10fe7a038418", "x-simulated-trading": "7",
            ], code: "50119", documented: "API key doesn't exist", live: "API key doesn't exist"),
        Row(
            headers: ["x-simulated-trading": "2", "ok-access-timestamp": "yesterday"], code: "50101",
            documented: "APIKey does not match current environment.",
            live: "APIKey does not match current environment."),
        Row(
            headers: ["ok-access-timestamp": "1780272000000", "ok-access-passphrase": "wrong"], code: "50112",
            documented: "Invalid OK-ACCESS-TIMESTAMP.", live: "Invalid OK-ACCESS-TIMESTAMP."),
        Row(
            headers: ["ok-access-timestamp": "2026-05-31T23:59:29.999Z", "ok-access-passphrase": "wrong"],
            code: "50102", documented: "Timestamp request expired.", live: "Timestamp request expired"),
        Row(
            headers: ["ok-access-timestamp": "2026-06-01T00:00:30.001Z"], code: "50102",
            documented: "Timestamp request expired.", live: "Timestamp request expired"),
        Row(
            headers: ["ok-access-passphrase": "wrong", "ok-access-sign": "wrong"], code: "50105",
            documented: #"Request header "OK-ACCESS-PASSPHRASE" incorrect."#,
            live: "Request header OK-ACCESS-PASSPHRASE incorrect."),
        Row(
            headers: ["ok-access-sign": "wrong"], code: "50113", documented: "Invalid signature.",
            live: "Invalid Sign"),
    ]

    @Test(arguments: rows)
    func gateway(_ row: Row) async throws {
        for (profile, message) in [(WireProfile.documented, row.documented), (.live, row.live)] {
            // No address is bound and no permission given: those checks come later.
            let world = try ready(profile: profile, permissions: [], addresses: ["10.0.0.1"])
            let response = await world.signed("GET", Self.balance, headers: row.headers)
            #expect(response.status == 401)
            #expect(
                response.text
                    == #"{"msg":"\#(message.replacing("\"", with: "\\\""))","code":"\#(row.code)"}"#)
        }
    }

    @Test func addressAndPermission() async throws {
        let bound = try ready(permissions: [], addresses: ["10.0.0.1"])
        let foreign = await bound.signed("GET", Self.balance)
        #expect(foreign.status == 401)
        #expect(
            foreign.text
                == #"{"msg":"Your IP 127.0.0.1 is not included in your API key's IP whitelist.","#
                + #""code":"50110"}"#
        )
        let forbidden = await bound.signed("GET", Self.balance, from: "10.0.0.1")
        #expect(forbidden.status == 200)
        #expect(
            forbidden.text
                == #"{"msg":"This API key doesn't have permission to use this function","code":"50120"}"#)
        let reader = try ready()
        let change = await reader.signed(
            "POST", "/api/v5/account/set-position-mode", body: #"{"posMode":"net_mode"}"#)
        #expect(try change.json["code"]?.text == "50120")
    }

    @Test(arguments: ["2026-05-31T23:59:30.000Z", "2026-06-01T00:00:30.000Z"])
    func windowIncludesItsEnds(timestamp: String) async throws {
        let response = await (try ready()).signed(
            "GET", Self.balance, headers: ["ok-access-timestamp": timestamp])
        #expect(response.status == 200)
    }

    @Test(arguments: ["0", "1"])
    func demoHeaderIsWelcome(value: String) async throws {
        let response = await (try ready()).signed(
            "GET", Self.balance, headers: ["x-simulated-trading": value])
        #expect(try response.json["code"]?.text == "0")
    }

    @Test func revokedKey() async throws {
        let world = try ready()
        world.revokeKey("key")
        #expect(await world.signed("GET", Self.balance).status == 401)
    }

    /// The signature is over the bytes as sent: both spellings of a list are good, a changed one is not.
    @Test func signatureCoversTheTarget() async throws {
        let world = try ready()
        for query in ["?ccy=BTC,ETH", "?ccy=BTC%2CETH", "?ccy="] {
            #expect(await world.signed("GET", Self.balance + query).status == 200)
        }
        let timestamp = LedgerTime(milliseconds: world.realTime()).iso8601
        let sign = Signing.signature(
            timestamp: timestamp, method: "GET", target: Self.balance + "?ccy=BTC,ETH", body: [],
            signer: RequestSigner(secret: "secret"))
        let response = await world.signed(
            "GET", Self.balance + "?ccy=BTC%2CETH",
            headers: [
                "ok-access-timestamp": timestamp, "ok-access-sign": String(decoding: sign, as: UTF8.self),
            ])
        #expect(try response.json["code"]?.text == "50113")
    }

    @Test func methodAndPath() async throws {
        let world = try ready()
        let post = await world.signed("POST", Self.balance, body: "{}")
        #expect(post.status == 405 && post.text == #"{"msg":"Invalid request method.","code":"50115"}"#)
        let unknown = await world.signed("GET", "/api/v5/account/nothing")
        #expect(unknown.status == 404 && unknown.text == #"{"msg":"Not Found","code":"404"}"#)
    }

    @Test func parameters() async throws {
        let world = try ready()
        let codes = (0..<21).map { _ in "BTC" }.joined(separator: ",")
        let long = await world.signed("GET", Self.balance + "?ccy=" + codes)
        #expect(long.status == 200)
        #expect(
            long.text == #"{"code":"50025","data":[],"msg":"Parameter ccy count exceeds the limit 20"}"#)
        for code in ["NOPE", "btc", "BTC,", " BTC"] {
            let query = code.replacing(" ", with: "%20")
            let unknown = await world.signed("GET", Self.balance + "?ccy=" + query)
            #expect(unknown.status == 400)
            #expect(unknown.text == #"{"code":"51000","data":[],"msg":"Parameter ccy error"}"#)
        }
        let ignored = await world.signed("GET", Self.balance + "?colour=red")
        #expect(ignored.status == 200)
        let missing = await world.request("GET", "/api/v5/public/instruments")
        #expect(missing.status == 400)
        #expect(missing.text == #"{"code":"50014","data":[],"msg":"Parameter instType can not be empty."}"#)
        let wrong = await world.request("GET", "/api/v5/public/instruments?instType=SWAP&instFamily=NO-PE")
        #expect(wrong.text == #"{"code":"51000","data":[],"msg":"Parameter instFamily error"}"#)
    }

    @Test func bodies() async throws {
        let world = try ready(permissions: [.trade])
        let path = "/api/v5/account/set-position-mode"
        for (body, type, code) in [
            ("", "application/json", "50000"), ("{", "application/json", "50002"),
            ("[]", "application/json", "50002"),
            ("{}", "text/plain", "50006"), ("{}", "application/json", "50014"),
            (#"{"posMode":"sideways"}"#, "application/json; charset=utf-8", "51000"),
        ] {
            let response = await world.signed("POST", path, body: body, headers: ["content-type": type])
            #expect(response.status == 400)
            #expect(try response.json["code"]?.text == code)
            #expect(try response.json["data"]?.elements?.isEmpty == true)
        }
    }

    @Test func limitsAreOfUserAndPath() async throws {
        let world = try ready(limits: true)
        try world.open("other")
        world.addKey(account: "other", apiKey: "other", secret: "secret", passphrase: "phrase")
        world.addKey(account: "desk", apiKey: "second", secret: "secret", passphrase: "phrase")
        for _ in 0..<10 { #expect(await world.signed("GET", Self.balance).status == 200) }
        let refused = await world.signed("GET", Self.balance)
        #expect(refused.status == 429 && refused.text == #"{"msg":"Too Many Requests","code":"50011"}"#)
        // The same user by another key is refused too; another user and another path are not.
        #expect(await world.signed("GET", Self.balance, key: "second").status == 429)
        #expect(await world.signed("GET", Self.balance, key: "other").status == 200)
        #expect(await world.signed("GET", "/api/v5/account/config").status == 200)
        world.setRealTime(world.realTime() + 2000)
        #expect(await world.signed("GET", Self.balance).status == 200)
    }

    @Test func publicLimitsAreOfAddress() async throws {
        let world = try ready(limits: true)
        for _ in 0..<10 { #expect(await world.request("GET", "/api/v5/public/time").status == 200) }
        #expect(await world.request("GET", "/api/v5/public/time").status == 429)
        #expect(await world.request("GET", "/api/v5/public/time", from: "10.0.0.9").status == 200)
        for type in ["SPOT", "SWAP"] {
            for _ in 0..<20 {
                #expect(
                    await world.request("GET", "/api/v5/public/instruments?instType=\(type)").status == 200)
            }
            #expect(await world.request("GET", "/api/v5/public/instruments?instType=\(type)").status == 429)
        }
    }
}
