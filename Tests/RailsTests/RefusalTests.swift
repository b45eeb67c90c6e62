import JSON
import Ledger
import Rails
import Testing
import Venue
import VenueTestSupport

/// Every row of the error table and the limits that applies.
@Suite("Refusals")
struct RefusalTests {
    private static let accountPaths = ["/api/v1/balances", "/api/v1/positions", "/api/v1/open-orders"]

    @Test(arguments: accountPaths)
    func withoutToken(path: String) async throws {
        let world = try railsWorld()
        let token = try await world.token()
        let headers: [[String: String]] = [
            [:], ["Authorization": ""], ["Authorization": "Bearer "], ["Authorization": "Bearer nonsense"],
            ["Authorization": "Basic \(token)"], ["Authorization": token],
            ["Authorization": "Bearer \(token)x"],
            ["Authorization": "Bearer \(token.dropLast(2))"], ["Authorization": "Bearer a.b.c"],
            ["Authorization": "Bearer ."],
        ]
        for given in headers {
            let response = await world.request("GET", path, headers: given)
            #expect(response.status == 401)
            #expect(response.text == #"{"message":"Unauthorized"}"#)
            #expect(response.contentType == "application/json")
        }
        #expect(await world.request("GET", path, headers: ["authorization": "bearer \(token)"]).status == 200)
    }

    @Test(arguments: accountPaths)
    func withoutReadPermission(path: String) async throws {
        let world = try railsWorld()
        world.addKey(account: "desk", apiKey: "trader", secret: "trader-secret", permissions: [.trade])
        let response = await world.read(path, token: try await world.token("trader", "trader-secret"))
        #expect(response.status == 403)
        #expect(response.text == #"{"message":"Forbidden"}"#)
    }

    @Test func otherAddress() async throws {
        let world = try railsWorld()
        world.addKey(account: "desk", apiKey: "bound", secret: "s", addresses: ["127.0.0.0/8"])
        let token = try await world.token("bound", "s")
        #expect(await world.read("/api/v1/balances", token: token, from: "127.0.0.9").status == 200)
        let read = await world.read("/api/v1/balances", token: token, from: "10.0.0.1")
        #expect(read.status == 403)
        let asked = await world.request(
            "POST", "/api/v1/token", headers: ["X-Api-Key": "bound", "X-Api-Secret": "s"], from: "10.0.0.1")
        #expect(asked.status == 403)
        #expect(asked.text == #"{"message":"Forbidden"}"#)
    }

    @Test(arguments: [
        ("GET", "/api/v1/nothing"), ("GET", "/api/v1/"), ("GET", "/api/v1/token"),
        ("POST", "/api/v1/balances"),
        ("DELETE", "/api/v1/positions"), ("GET", "/api/v1/balances/"), ("GET", "/api/v1/withdrawals"),
    ])
    func unknownRoute(method: String, path: String) async throws {
        let world = try railsWorld()
        let headers = ["Authorization": "Bearer \(try await world.token())"]
        let response = await world.request(method, path, headers: headers)
        #expect(response.status == 404)
        #expect(response.text == #"{"message":"Not Found"}"#)
    }

    @Test(arguments: ["LUNA-USD", "btc-usd", "BTC-USDT", "%22"])
    func unknownMarket(name: String) async throws {
        let world = try railsWorld()
        for path in Self.accountPaths {
            let response = try await world.read("\(path)?market=\(name)")
            #expect(response.status == 400)
            let message = try #require(response.json["message"]?.text)
            #expect(message == "Unknown market: \(name == "%22" ? "\"" : name)")
        }
        #expect(throws: StatementError.self) {
            try world.statement("desk", query: [QueryItem(name: "market", value: name)])
        }
    }

    /// The documents do not say what an unknown market gets, so the rulebook can change it.
    @Test func unknownMarketAsEmptyMap() throws {
        let change = try JSONValue(
            parsing:
                #"{"venue":"rails","effective":"2025-01-01T00:00:00Z","read_on":"2025-01-01","source":"own","#
                + #""amends":true,"wire":{"unknown_market":"empty"}}"#)
        let world = RailsWorld(try RailsVenue(addedRulebooks: [change], profile: .documented))
        try world.apply(#"{"type":"open_account","account":"desk","venue":"rails"}"#)
        let body = try world.balances([QueryItem(name: "market", value: "LUNA-USD")])
        #expect(body["marketBalancesMap"] == .object(JSONObject([])))
    }

    /// 20 calls a minute per API key; the window begins with the first call.
    @Test func tokenLimit() async throws {
        let world = try railsWorld()
        world.addKey(account: "desk", apiKey: "other", secret: "other-secret")
        for _ in 0..<19 { _ = try await world.token() }
        let headers = ["X-Api-Key": "desk-key", "X-Api-Secret": "wrong"]
        #expect(await world.request("POST", "/api/v1/token", headers: headers).status == 401)
        let good = ["X-Api-Key": "desk-key", "X-Api-Secret": "desk-secret"]
        let refused = await world.request("POST", "/api/v1/token", headers: good)
        #expect(refused.status == 429)
        #expect(refused.text == #"{"message":"Too Many Requests"}"#)
        _ = try await world.token("other", "other-secret")
        world.setRealTime(world.realTime() + 60_000)
        _ = try await world.token()
    }

    /// 2000 calls a second, shared by all users.
    @Test func accountLimit() async throws {
        let world = try railsWorld()
        world.addKey(account: "desk", apiKey: "other", secret: "other-secret")
        let first = try await world.token()
        let second = try await world.token("other", "other-secret")
        for _ in 0..<2000 { #expect(await world.read("/api/v1/balances", token: first).status == 200) }
        #expect(await world.read("/api/v1/positions", token: second).status == 429)
        world.setRealTime(world.realTime() + 1000)
        #expect(await world.read("/api/v1/positions", token: second).status == 200)
    }

    @Test func limitsCanBeOff() async throws {
        let world = try railsWorld(enforcesRateLimits: false)
        for _ in 0..<30 { _ = try await world.token() }
    }

    /// A figure that cannot be held is an error of the venue's form, never a wrong number.
    @Test func overflow() async throws {
        let world = try railsWorld(commands: [
            fill("BTC-USD", "buy", "100000000000", "1000000000"),
            fill("ETH-USD", "buy", "100000000000", "1000000000"),
        ])
        let response = try await world.read("/api/v1/balances")
        #expect(response.status == 500)
        #expect(response.text == #"{"message":"Internal Server Error"}"#)
        #expect(throws: FigureError.self) { try world.statement("desk") }
    }
}
