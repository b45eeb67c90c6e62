import Binance
import JSON
import Testing
import Venue
import VenueTestSupport

@Suite("Refusals: every row of the error table that applies")
struct RefusalTests {
    private let time: Int64 = 1_780_272_000_000

    /// A request to the account endpoint with these parameters, signed, and this key.
    private func ask(
        _ world: BinanceWorld, _ parameters: String, key: String? = deskKey, path: String = "/fapi/v3/account"
    ) async -> VenueResponse {
        await world.request(
            "GET", "\(path)?\(parameters)&signature=\(signature(parameters))",
            headers: key.map { ["X-MBX-APIKEY": $0] } ?? [:])
    }

    @Test(
        "no key, an empty one, a malformed one, before anything else",
        arguments: [nil, "", "short", "not a key!"])
    func malformedKey(_ key: String?) async throws {
        let world = try binanceWorld()
        let response = await world.request(
            "GET", "/fapi/v3/account", headers: key.map { ["X-MBX-APIKEY": $0] } ?? [:])
        #expect(response.status == 401)
        #expect(response.text == #"{"code":-2014,"msg":"API-key format invalid."}"#)
        #expect(response.contentType == "application/json")
    }

    @Test("unknown and revoked keys, foreign addresses, missing permissions")
    func unauthorised() async throws {
        let world = try binanceWorld()
        let address = "185.93.111.189"
        let expected =
            #"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request "#
            + #"ip: 185.93.111.189"}"#
        #expect(expected.utf8.count == 97, "as long as the recorded body")
        let unknown = String(repeating: "x", count: 64)
        world.addKey(
            account: "desk", apiKey: "bound-key", secret: deskSecret, addresses: ["10.0.0.0/8", "::1"])
        world.addKey(account: "desk", apiKey: "reading-key", secret: deskSecret)
        world.addKey(account: "desk", apiKey: "trading-key", secret: deskSecret, permissions: [.trade])
        for (key, method, path) in [
            (unknown, "GET", "/fapi/v3/account"), ("bound-key", "GET", "/fapi/v3/account"),
            ("trading-key", "GET", "/fapi/v3/account"), ("reading-key", "POST", "/fapi/v1/multiAssetsMargin"),
        ] {
            let response = await world.signed(
                method, path, "multiAssetsMargin=true", apiKey: key, from: address)
            #expect(response.status == 401, "\(key)")
            #expect(response.text == expected, "\(key)")
        }
        #expect(
            await world.signed("GET", "/fapi/v3/account", apiKey: "bound-key", from: "10.1.2.3").status == 200
        )
        world.revokeKey(deskKey)
        #expect(await world.signed("GET", "/fapi/v3/account").status == 401)
    }

    @Test(
        "timestamp missing, empty, not of digits, too long",
        arguments: [
            "recvWindow=5000", "timestamp=", "timestamp=abc", "timestamp=-1",
            "timestamp=99999999999999999999",
        ])
    func timestamp(_ parameters: String) async throws {
        let response = await ask(try binanceWorld(), parameters)
        #expect(response.status == 400)
        #expect(
            response.text
                == #"{"code":-1102,"msg":"Mandatory parameter 'timestamp' was not sent, was "#
                + #"empty/null, or malformed."}"#
        )
    }

    @Test("parameters sent as JSON are none")
    func jsonBody() async throws {
        let world = try binanceWorld()
        let response = await world.request(
            "POST", "/fapi/v1/multiAssetsMargin", headers: ["X-MBX-APIKEY": deskKey],
            body: #"{"timestamp":1780272000000,"multiAssetsMargin":"true"}"#)
        #expect(response.status == 400)
        #expect(response.text.contains("'timestamp' was not sent"))
    }

    @Test("signature missing or empty", arguments: ["", "&signature="])
    func missingSignature(_ end: String) async throws {
        let world = try binanceWorld()
        let response = await world.request(
            "GET", "/fapi/v3/account?timestamp=\(time)\(end)", headers: ["X-MBX-APIKEY": deskKey])
        #expect(response.status == 400)
        #expect(response.text.contains("-1102"))
        #expect(response.text.contains("'signature'"))
    }

    @Test(
        "the time window: both edges",
        arguments: [
            (0, "", 200), (999, "", 200), (1000, "", 400), (-5000, "", 200), (-5001, "", 400),
            (-5001, "recvWindow=60000&", 200), (-60000, "recvWindow=60000&", 200),
            (-60001, "recvWindow=60000&", 400), (-1, "recvWindow=0&", 400),
        ])
    func window(_ shift: Int64, _ receiveWindow: String, _ status: Int) async throws {
        let response = await ask(try binanceWorld(), "\(receiveWindow)timestamp=\(time + shift)")
        #expect(response.status == status)
        if status == 200 { return }
        let early =
            #"{"code":-1021,"msg":"Timestamp for this request was 1000ms ahead of the server's time."}"#
        let late = #"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#
        #expect(late.utf8.count == 79, "as long as the recorded body")
        #expect(response.text == (shift > 0 ? early : late))
    }

    @Test(
        "odd receive windows and repeated parameters",
        arguments: [
            ("recvWindow=60001", -1131), ("recvWindow=99999999999999999999", -1131), ("recvWindow=", -1105),
            ("recvWindow=5s", -1100), ("recvWindow=1&recvWindow=1", -1101), ("symbol=BTC%20USDT", -1100),
        ])
    func parameters(_ parameters: String, _ code: Int) async throws {
        let response = await ask(try binanceWorld(), "\(parameters)&timestamp=\(time)")
        #expect(response.status == 400)
        #expect(try response.json["code"]?.integer == Int64(code))
    }

    @Test("unknown parameters are tolerated")
    func unknownParameter() async throws {
        #expect(await ask(try binanceWorld(), "useV2=true&timestamp=\(time)").status == 200)
    }

    @Test("a wrong signature")
    func wrongSignature() async throws {
        let world = try binanceWorld()
        let response = await world.signed("GET", "/fapi/v3/account", secret: "another")
        #expect(response.status == 400)
        #expect(response.text == #"{"code":-1022,"msg":"Signature for this request is not valid."}"#)
    }

    @Test("the order of checks: key format, mandatory, characters, key, time, signature")
    func order() async throws {
        let world = try binanceWorld()
        func code(_ target: String, key: String) async throws -> Int64? {
            try await world.request("GET", target, headers: ["X-MBX-APIKEY": key]).json["code"]?.integer
        }
        let unknown = String(repeating: "y", count: 64)
        let path = "/fapi/v3/account"
        #expect(try await code("\(path)?recvWindow=x", key: "bad") == -2014)
        #expect(try await code("\(path)?recvWindow=x", key: unknown) == -1102)
        #expect(try await code("\(path)?recvWindow=x&timestamp=1", key: unknown) == -1102)
        #expect(try await code("\(path)?recvWindow=x&timestamp=1&signature=0", key: unknown) == -1100)
        #expect(try await code("\(path)?timestamp=1&signature=0", key: unknown) == -2015)
        #expect(try await code("\(path)?timestamp=1&signature=0", key: deskKey) == -1021)
        #expect(try await code("\(path)?timestamp=\(time)&signature=0", key: deskKey) == -1022)
    }

    @Test("paths and methods that are not served")
    func paths() async throws {
        let world = try binanceWorld()
        let unknown = await world.request("GET", "/fapi/v1/x?a=b")
        #expect(unknown.status == 404)
        #expect(unknown.text == #"{"code":-5000,"msg":"Path /fapi/v1/x, Method GET is invalid"}"#)
        #expect(await world.request("DELETE", "/fapi/v3/account").status == 404)
        let retired = await world.request("GET", "/fapi/v1/positionRisk")
        #expect(retired.status == 200)
        #expect(
            retired.text
                == #"{"code":-5000,"msg":"GET /fapi/v1/positionRisk is retired, please use GET "#
                + #"/fapi/v2/positionRisk"}"#
        )
    }

    @Test("an unknown symbol, wherever one is taken")
    func symbol() async throws {
        let world = try binanceWorld()
        for path in [
            "/fapi/v3/positionRisk", "/fapi/v2/positionRisk", "/fapi/v1/symbolConfig",
            "/fapi/v1/leverageBracket", "/fapi/v1/openOrders",
        ] {
            let response = await world.signed("GET", path, "symbol=NOPEUSDT")
            #expect(response.status == 400)
            #expect(response.text == #"{"code":-1121,"msg":"Invalid symbol."}"#)
        }
        for path in ["/fapi/v1/premiumIndex", "/fapi/v1/assetIndex", "/fapi/v1/ticker/price"] {
            #expect(await world.request("GET", "\(path)?symbol=NOPEUSDT").text.contains("-1121"))
        }
    }

    @Test("a key whose account is not there")
    func inactive() async throws {
        let world = try binanceWorld()
        world.addKey(account: "nobody", apiKey: "orphan-key", secret: deskSecret)
        let response = await world.signed("GET", "/fapi/v3/account", apiKey: "orphan-key")
        #expect(response.status == 400)
        #expect(try response.json["code"]?.integer == -4109)
    }
}

@Suite("Request weight per address")
struct WeightTests {
    @Test("every answer tells the weight that is used")
    func header() async throws {
        let world = try binanceWorld()
        func used(_ response: VenueResponse) -> [String] {
            response.headers.filter { $0.name == "X-MBX-USED-WEIGHT-1M" }.map(\.value)
        }
        #expect(used(await world.request("GET", "/fapi/v1/ping")) == ["1"])
        #expect(used(await world.signed("GET", "/fapi/v3/account")) == ["6"])
        #expect(used(await world.signed("GET", "/fapi/v1/multiAssetsMargin")) == ["36"])
        #expect(used(await world.request("GET", "/fapi/v3/account")) == ["41"], "on a 401 too")
        #expect(used(await world.request("GET", "/fapi/v1/x")) == ["41"])
        #expect(used(await world.request("GET", "/fapi/v1/premiumIndex")) == ["51"])
        #expect(used(await world.request("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT")) == ["52"])
        #expect(used(await world.request("GET", "/fapi/v1/ping", from: "10.0.0.1")) == ["1"])
        #expect(used(await world.request("GET", "/api/v3/ping")) == ["1"], "spot has its own limit")
        let wallet = await world.signed("GET", "/sapi/v1/capital/config/getall")
        #expect(wallet.headers.contains { $0.name == "X-SAPI-USED-IP-WEIGHT-1M" && $0.value == "10" })
        world.setRealTime(world.realTime() + 60_000)
        #expect(used(await world.request("GET", "/fapi/v1/ping")) == ["1"], "a new minute")
    }

    @Test("over the limit: 429, and going on a ban that grows")
    func ban() async throws {
        let world = try binanceWorld()
        let address = "1.2.3.4"
        func account() async -> VenueResponse {
            await world.signed("GET", "/fapi/v3/account", from: address)
        }
        for _ in 0..<480 { #expect(await account().status == 200) }
        world.setRealTime(world.realTime() + 10_500)
        let refused = await account()
        #expect(refused.status == 429)
        #expect(
            refused.text
                == #"{"code":-1003,"msg":"Too many requests; current limit of IP(1.2.3.4) is 2400 "#
                + #"requests per minute. "#
                + #"Please use the websocket for live updates to avoid polling the API."}"#)
        #expect(refused.headers.contains { $0.name == "Retry-After" && $0.value == "50" })
        var last = refused
        for _ in 0..<20 where last.status == 429 { last = await account() }
        #expect(last.status == 418)
        let end = world.realTime() + 120_000
        #expect(
            last.text
                == #"{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until \#(end). "#
                + #"Please use the websocket for live updates to avoid bans."}"#)
        #expect(last.headers.contains { $0.name == "Retry-After" && $0.value == "120" })
        world.setRealTime(end - 1)
        #expect(
            await world.request("GET", "/fapi/v1/ping", from: address).status == 418, "all of it is banned")
        #expect(await world.request("GET", "/fapi/v1/ping").status == 200, "others are not")
        world.setRealTime(end)
        #expect(await world.request("GET", "/fapi/v1/ping", from: address).status == 200)
        for _ in 0..<520 { last = await account() }
        #expect(last.status == 418)
        #expect(last.headers.contains { $0.name == "Retry-After" && $0.value == "240" }, "twice as long")
    }

    @Test("limits can be off")
    func off() async throws {
        let world = try binanceWorld(enforcesRateLimits: false)
        for _ in 0..<100 { #expect(await world.signed("GET", "/fapi/v1/multiAssetsMargin").status == 200) }
    }
}
