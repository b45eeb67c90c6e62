import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@Suite("Batches, timers, limits and lists of what has become")
struct RecordTests {
    /// What came in and went out: transfers, a closing trade with its fee, funding.
    @Test func income() async throws {
        let world = try tradingWorld(bitcoinQuote("59999.90", "60000.00"))
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.025")
        try world.apply(
            bitcoinQuote("59500.00", "59500.10"),
            desk("funding", #""instrument":"BTCUSDT","rate":"0.0001""#))
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.025")
        let all = try await world.signed("GET", "/fapi/v1/income").json
        #expect(
            try #require(all.elements).map {
                members($0, "incomeType income asset symbol").joined(separator: " ")
            }
                == [
                    "TRANSFER 10000.00000000 USDT ", "COMMISSION -0.75000000 USDT BTCUSDT",
                    "FUNDING_FEE -0.15000000 USDT BTCUSDT", "REALIZED_PNL -12.50000000 USDT BTCUSDT",
                    "COMMISSION -0.74375000 USDT BTCUSDT",
                ])
        let trade = try #require(all.elements?.last)
        #expect(
            trade.object?.keys.map { $0 } == [
                "symbol", "incomeType", "income", "asset", "info", "time", "tranId", "tradeId",
            ])
        let trades = try await world.order("GET", "", path: "/fapi/v1/userTrades")
        #expect(trade["tradeId"]?.text == trades.elements?.last?["id"]?.description)
        let fees = try await world.order("GET", "incomeType=COMMISSION&limit=1", path: "/fapi/v1/income")
        #expect(fees.elements?.count == 1 && fees.elements?.first?["income"]?.text == "-0.74375000")
        let second = try await world.signed("GET", "/fapi/v1/income", "page=2&limit=3").json
        #expect(second.elements?.compactMap { $0["incomeType"]?.text } == ["REALIZED_PNL", "COMMISSION"])
        let late = try await world.signed("GET", "/fapi/v1/income", "startTime=1780272000001").json
        #expect(late.elements?.isEmpty == true)
        let wrong = try await world.signed("GET", "/fapi/v1/income", "incomeType=LUCK").json
        #expect(wrong["code"]?.integer == -1130)
    }

    @Test func amendments() async throws {
        let world = try tradingWorld()
        let orders = ["59000", "58000"].map {
            #"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"\#($0)"}"#
        }
        func batch(_ method: String, _ list: [String]) async throws -> JSONValue {
            let text = "[" + list.joined(separator: ",") + "]"
            let escaped = text.utf8.map { "%" + String($0, radix: 16, uppercase: true) }.joined()
            return try await world.signed(method, "/fapi/v1/batchOrders", "batchOrders=" + escaped).json
        }
        let placed = try await batch("POST", orders)
        let id = try #require(placed.elements?.first?["orderId"]?.integer)
        let changes = ["0.02", "0.03"].map {
            #"{"symbol":"BTCUSDT","side":"BUY","orderId":\#(id),"quantity":"\#($0)","price":"59100"}"#
        }
        let amended = try await batch("PUT", changes + [changes[1]])
        #expect(
            amended.elements?.map { $0["origQty"]?.text ?? $0["code"]?.description ?? "" } == [
                "0.020", "0.030", "-5027",
            ])
        let listed = try await world.order("GET", "orderId=\(id)", path: "/fapi/v1/orderAmendment")
        #expect(listed.elements?.compactMap { $0["amendment"]?["count"]?.integer } == [2, 1])
        #expect(
            listed.elements?.last?["amendment"]?.description
                == #"{"price":{"before":"59000","after":"59100"},"origQty":{"before":"0.01","after":"0.02"},"#
                + #""count":1}"#)
        #expect(
            try await world.order("GET", "", path: "/fapi/v1/orderAmendment")["code"]?.integer == -1102)
    }

    @Test("the dead man's switch cancels a symbol's orders, and none that is conditional")
    func countdown() async throws {
        let world = try tradingWorld()
        let resting = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05&price=59000")
        _ = try await world.order(
            "POST", "algoType=CONDITIONAL&side=BUY&type=STOP_MARKET&quantity=0.05&triggerPrice=61000",
            path: "/fapi/v1/algoOrder")
        let path = "/fapi/v1/countdownCancelAll"
        #expect(
            try await world.order("POST", "countdownTime=100000", path: path).description
                == #"{"symbol":"BTCUSDT","countdownTime":"100000"}"#)
        #expect(try await world.order("POST", "countdownTime=0", path: path)["countdownTime"]?.text == "0")
        #expect(world.account("desk")?.timers.isEmpty == true)
        _ = try await world.order("POST", "countdownTime=100000", path: path)
        #expect(try await world.order("POST", "", path: path)["code"]?.integer == -1102)
        #expect(try await world.order("POST", "countdownTime=-1", path: path)["code"]?.integer == -1130)
        world.setLedgerTime(1_780_272_100_000)
        try world.apply(marks(#""BTCUSDT":"60000""#))
        let id = try #require(resting["orderId"]?.integer)
        #expect(members(try await world.order("GET", "orderId=\(id)"), "status") == ["CANCELED"])
        #expect(world.account("desk")?.conditionals.count == 1)
    }

    @Test func forcedOrders() async throws {
        let world = try tradingWorld(
            importPosition("BTCUSDT", "0.1", "60000"),
            desk(
                "fill",
                #""instrument":"BTCUSDT","side":"sell","quantity":"0.1","price":"55000.5","fee":"2","#
                    + #""liquidation":true"#))
        let forced = try await world.signed("GET", "/fapi/v1/forceOrders").json
        #expect(
            members(
                try #require(forced.elements?.first),
                "status price avgPrice origQty cumQuote timeInForce side")
                == ["FILLED", "55000.50", "55000.50000", "0.100", "5500.05000", "IOC", "SELL"])
        let deleveraged = try await world.signed("GET", "/fapi/v1/forceOrders", "autoCloseType=ADL").json
        #expect(deleveraged.elements?.isEmpty == true)
        let rows = try await world.signed("GET", "/fapi/v1/income").json.elements
        #expect(rows?.compactMap { $0["incomeType"]?.text }.contains("INSURANCE_CLEAR") == true)
    }

    @Test("orders are counted by account, told in headers, and limited in ten seconds and in a minute")
    func orderLimits() async throws {
        let world = try tradingWorld()
        let limits = try await world.signed("GET", "/fapi/v1/rateLimit/order").json
        #expect(
            limits.description
                == #"[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300},"#
                + #"{"rateLimitType":"ORDERS","interval":"MINUTE","intervalNum":1,"limit":1200}]"#)
        func count(_ response: VenueResponse) -> [String] {
            response.headers.filter { $0.name.hasPrefix("X-MBX-ORDER-COUNT") }.map {
                "\($0.name) \($0.value)"
            }
        }
        let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=58000"
        let first = await world.signed("POST", "/fapi/v1/order", order)
        #expect(count(first) == ["X-MBX-ORDER-COUNT-10S 1", "X-MBX-ORDER-COUNT-1M 1"])
        let batch = await world.signed("POST", "/fapi/v1/batchOrders", "batchOrders=%5B%5D")
        #expect(count(batch) == ["X-MBX-ORDER-COUNT-10S 6", "X-MBX-ORDER-COUNT-1M 2"])
        #expect(count(await world.signed("DELETE", "/fapi/v1/allOpenOrders", "symbol=BTCUSDT")).isEmpty)
        for _ in 0..<58 { _ = await world.signed("POST", "/fapi/v1/batchOrders", "batchOrders=%5B%5D") }
        for _ in 0..<4 { _ = await world.signed("POST", "/fapi/v1/order", order + "&newClientOrderId=same") }
        let refused = await world.signed("POST", "/fapi/v1/order", order)
        #expect(refused.status == 429)
        #expect(
            try refused.json["msg"]?.text
                == "Too many new orders; current limit is 300 orders per 10 SECOND.")
        #expect(try refused.json["code"]?.integer == -1015)
        world.setRealTime(world.realTime() + 10_000)
        #expect(await world.signed("POST", "/fapi/v1/order", order).status == 200)
    }
}
