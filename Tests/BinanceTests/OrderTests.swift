import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@Suite("Orders, by the documents' vectors")
struct OrderTests {
    /// V2, V3, V4: rests, amended, filled in part as maker, cancelled.
    @Test func restingOrder() async throws {
        let world = try tradingWorld()
        let placed = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.050&price=59000")
        #expect(
            placed.object?.keys.map { $0 } == [
                "orderId", "symbol", "status", "clientOrderId", "price", "avgPrice", "origQty", "executedQty",
                "cumQty", "cumQuote", "timeInForce", "type", "reduceOnly", "closePosition", "side",
                "positionSide", "stopPrice", "workingType", "priceProtect", "origType", "priceMatch",
                "selfTradePreventionMode", "goodTillDate", "updateTime",
            ])
        #expect(
            members(placed, "status price avgPrice origQty executedQty cumQuote timeInForce stopPrice") == [
                "NEW", "59000.00", "0.00", "0.050", "0.000", "0.00000", "GTC", "0.00",
            ])
        #expect(placed["clientOrderId"]?.text?.count == 22)
        #expect(try world.figure("totalOpenOrderInitialMargin") == "147.50000000")
        let id = try #require(placed["orderId"]?.integer)

        let amended = try await world.order("PUT", "orderId=\(id)&side=BUY&quantity=0.040&price=59100")
        #expect(members(amended, "status price origQty") == ["NEW", "59100.00", "0.040"])
        #expect(try world.figure("totalOpenOrderInitialMargin") == "118.20000000")
        let same = try await world.order("PUT", "orderId=\(id)&side=BUY&quantity=0.040&price=59100")
        #expect(same["code"]?.integer == -5027)

        try world.apply(
            #"{"type":"quotes","venue":"binance","quotes":{"BTCUSDT":{"last":"59100","quantity":"0.015"}}}"#)
        let part = try await world.order("GET", "orderId=\(id)")
        #expect(
            members(part, "status executedQty avgPrice cumQuote") == [
                "PARTIALLY_FILLED", "0.015", "59100.00000", "886.50000",
            ])
        #expect(try world.figure("totalWalletBalance") == "9999.82270000")
        let cancelled = try await world.order("DELETE", "orderId=\(id)")
        #expect(members(cancelled, "status executedQty") == ["CANCELED", "0.015"])
        #expect(try world.figure("totalOpenOrderInitialMargin") == "0.00000000")
        #expect(try await world.order("DELETE", "orderId=\(id)")["code"]?.integer == -2011)
        #expect(members(try await world.order("GET", "orderId=\(id)"), "status") == ["CANCELED"])
        #expect(
            try await world.order("GET", "orderId=\(id)", path: "/fapi/v1/openOrder")["code"]?.integer
                == -2013)

        let trades = try await world.order("GET", "orderId=\(id)", path: "/fapi/v1/userTrades")
        #expect(
            members(
                try #require(trades.elements?.first),
                "side price qty quoteQty commission realizedPnl maker baseQty pair")
                == [
                    "BUY", "59100.00", "0.015", "886.50000", "0.17730000", "0", "true", "0", "BTCUSDT",
                ])
    }

    @Test("amendments that are refused leave the order as it is")
    func refusedAmendments() async throws {
        let world = try tradingWorld()
        let placed = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.050&price=59000")
        let id = try #require(placed["orderId"]?.integer)
        for (change, code) in [
            ("side=BUY&quantity=0.001&price=49999.9", -5029), ("side=SELL&quantity=0.05&price=59100", -1117),
            ("side=BUY&quantity=0.05&price=59100&reduceOnly=true", -5047),
            ("side=BUY&quantity=0.05&price=63000.1", -4016), ("side=BUY&quantity=0.05", -1102),
            ("side=BUY&price=59100", -1102),
        ] {
            let answer = try await world.order("PUT", "orderId=\(id)&" + change)
            #expect(answer["code"]?.integer == Int64(code), "\(change)")
        }
        #expect(
            try await world.order("PUT", "orderId=5&side=BUY&quantity=0.05&price=59100")["code"]?.integer
                == -2013)
        #expect(
            members(try await world.order("GET", "orderId=\(id)"), "price origQty") == ["59000.00", "0.050"])
    }

    /// V5: more than held is cut at acceptance; nothing to reduce is refused. V7: a flip.
    @Test func reducingAndFlipping() async throws {
        let world = try tradingWorld(bitcoinQuote("59999.90", "60000.00"))
        let bought = try await world.order(
            "POST", "side=BUY&type=MARKET&quantity=0.025&newOrderRespType=RESULT")
        #expect(
            members(bought, "status price avgPrice executedQty cumQuote") == [
                "FILLED", "0.00", "60000.00000", "0.025", "1500.00000",
            ])
        try world.apply(bitcoinQuote("59500.00", "59500.10"))
        let reduced = try await world.order(
            "POST", "side=SELL&type=MARKET&quantity=0.030&reduceOnly=TRUE&newOrderRespType=RESULT")
        #expect(members(reduced, "status origQty executedQty") == ["FILLED", "0.025", "0.025"])
        let again = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.030&reduceOnly=true")
        #expect(
            again
                == .members([("code", .number("-2022")), ("msg", .string("ReduceOnly Order is rejected."))]))
        // 10000 − 0.75 (0.025 × 60000 × 0.0005) − 12.5 − 0.74375.
        #expect(try world.figure("totalWalletBalance") == "9986.00625000")
        let trades = try await world.order("GET", "", path: "/fapi/v1/userTrades")
        #expect(
            trades.elements?.map { $0["realizedPnl"]?.text } == ["0", "-12.50000000"])

        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.010")
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.030")
        #expect(world.account("desk")?.positions.first?.quantity == (try decimal("-0.02")))
    }

    /// V6: what is not offered at once ends.
    @Test func immediateOrCancel() async throws {
        let world = try tradingWorld(bitcoinQuote("60009.80", "60009.90", #","ask_size":"0.200""#))
        let answer = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.300&price=60010.0&newOrderRespType=RESULT"
        )
        #expect(
            members(answer, "status executedQty cumQuote avgPrice") == [
                "EXPIRED", "0.200", "12001.98000", "60009.90000",
            ])
        #expect(try world.figure("totalWalletBalance") == "9993.99901000")
    }

    /// V10, V13, V14, V17 and the table of refusals; nothing is changed by any.
    @Test(arguments: [
        ("side=BUY&type=MARKET&quantity=4", -2019),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05", -1102),
        ("side=BUY&type=LIMIT&quantity=0.05&price=59000", -1102), ("type=MARKET&quantity=1", -1102),
        ("side=HOLD&type=MARKET&quantity=1", -1117), ("side=BUY&type=NOPE&quantity=1", -1116),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05&price=60000.15", -4014),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05&price=60000.155", -1111),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.0005&price=60000", -1111),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0&price=60000", -4003),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=-1&price=60000", -4003),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0", -4001),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05&price=63000.1", -4016),
        ("side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.05&price=56999.9", -4024),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=49999.9", -4164),
        ("side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=49999.9&reduceOnly=true", -2022),
        ("side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.05&price=60000.10", -5022),
        ("side=BUY&type=LIMIT&timeInForce=NOW&quantity=0.05&price=60000", -1115),
        ("side=BUY&type=LIMIT&timeInForce=GTD&quantity=0.05&price=60000&goodTillDate=1", -5040),
        ("side=BUY&type=MARKET&quantity=1&timeInForce=GTC", -1106),
        ("side=BUY&type=MARKET&quantity=1&price=60000", -1106),
        ("side=SELL&type=STOP_MARKET&quantity=1&stopPrice=59000", -4120),
        ("side=BUY&type=MARKET&quantity=1&positionSide=LONG", -4061),
        ("side=BUY&type=MARKET&quantity=1&positionSide=UP", -4060),
        ("side=BUY&type=MARKET&quantity=1&newClientOrderId=%C3%A9", -4015),
        ("side=BUY&type=MARKET&quantity=1&newClientOrderId=1234567890123456789012345678901234567", -4015),
        ("side=BUY&type=MARKET&quantity=1&selfTradePreventionMode=NOPE", -5039),
    ])
    func refused(_ parameters: String, _ code: Int) async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        let before = world.lastSequence
        #expect(try await world.order("POST", parameters)["code"]?.integer == Int64(code))
        #expect(world.lastSequence == before)
        let test = try await world.order("POST", parameters, path: "/fapi/v1/order/test")
        #expect(test["code"] != nil || [-2019, -2022, -5022].contains(code))
    }

    /// V13: the sizes and prices of BTCUSDT's filters since September 2026, which `exchangeInfo` tells.
    @Test func filters() async throws {
        let world = try binanceWorld(
            time: 1_790_000_000_000, commands: [deposit("USDT", "10000"), marks(#""BTCUSDT":"60000""#)])
        let limit = "side=BUY&type=LIMIT&timeInForce=GTC&"
        for (order, code) in [
            (limit + "quantity=1000.001&price=60000", -4005),
            ("side=BUY&type=MARKET&quantity=120.001", -4005),
            (limit + "quantity=1&price=556.7", -4013), (limit + "quantity=1&price=4529764.1", -4002),
            (limit + "quantity=120.001&price=60000", -2019),
        ] {
            #expect(try await world.order("POST", order)["code"]?.integer == Int64(code), "\(order)")
        }
        let info = try await world.request("GET", "/fapi/v1/exchangeInfo").json
        let bitcoin = try #require(info["symbols"]?.elements?.first { $0["symbol"]?.text == "BTCUSDT" })
        let filters = try #require(bitcoin["filters"]?.elements)
        #expect(members(filters[0], "minPrice maxPrice tickSize") == ["556.80", "4529764", "0.10"])
        #expect(members(filters[1], "maxQty") + members(filters[2], "maxQty") == ["1000", "120"])
    }

    /// V15: a client's id is unique among open orders only. V16: a batch goes on behind a refusal.
    @Test func idsAndBatches() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        let resting = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=59000&newClientOrderId=mine"
        let first = try await world.order("POST", resting)
        #expect(try await world.order("POST", resting)["code"]?.integer == -4116)
        _ = try await world.order("DELETE", "origClientOrderId=mine")
        let second = try await world.order("POST", resting)
        #expect(second["orderId"] != first["orderId"] && second["clientOrderId"]?.text == "mine")
        #expect(try await world.order("GET", "origClientOrderId=mine")["orderId"] == second["orderId"])

        let orders =
            #"[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"59000"},"#
            + #"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTX","quantity":0.01,"price":"60000.1"}]"#
        let escaped = orders.utf8.map { "%" + String($0, radix: 16, uppercase: true) }.joined()
        let batch = try await world.signed("POST", "/fapi/v1/batchOrders", "batchOrders=" + escaped).json
        #expect(
            batch.elements?.map { $0["status"]?.text ?? "\($0["code"]?.integer ?? 0)" } == ["NEW", "-5022"])
        let all = try await world.order("DELETE", "", path: "/fapi/v1/allOpenOrders")
        #expect(all["code"]?.integer == 200 && world.account("desk")?.orders.isEmpty == true)
        let listed = try await world.order("GET", "limit=2", path: "/fapi/v1/allOrders")
        #expect(listed.elements?.map { $0["status"]?.text } == ["CANCELED", "CANCELED"])
        #expect(
            listed.elements?.map { members($0, "pair cumBase") } == [["BTCUSDT", "0"], ["BTCUSDT", "0"]])
    }

    @Test("lists are of seven days: the last ones, those from a beginning on, or those up to an end")
    func windows() async throws {
        let world = try tradingWorld()
        let day: Int64 = 86_400_000
        let begin: Int64 = 1_780_272_000_000
        for number in 0..<3 {
            world.setLedgerTime(begin + Int64(number) * 5 * day)
            _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.01")
        }
        func count(_ path: String, _ parameters: String = "") async throws -> Int64 {
            let answer = try await world.order("GET", parameters, path: "/fapi/v1/" + path)
            return answer["code"]?.integer ?? Int64(answer.elements?.count ?? -1)
        }
        for path in ["allOrders", "userTrades"] {
            #expect(try await count(path) == 2)
            #expect(try await count(path, "startTime=\(begin)") == 2)
            #expect(try await count(path, "endTime=\(begin + 6 * day)") == 2)
            #expect(try await count(path, "startTime=\(begin)&endTime=\(begin + 7 * day)") == 2)
            #expect(try await count(path, "startTime=\(begin)&endTime=\(begin + 7 * day + 1)") == -4165)
            #expect(try await count(path, "startTime=\(begin + 1)&endTime=\(begin)") == -1023)
        }
        #expect(try await count("allOrders", "orderId=1") == 3)
        #expect(try await count("userTrades", "fromId=1") == 3)
        #expect(try await count("userTrades", "fromId=1&startTime=\(begin)") == -1128)
        let rows = try await world.order("GET", "startTime=\(begin)", path: "/fapi/v1/allOrders")
        let first = try #require(rows.elements?.first?["orderId"]?.integer)
        #expect(try await count("userTrades", "orderId=\(first)") == 1)
        // Fees of the last seven days; from a beginning on all of them.
        #expect(try await count("income") == 2)
        #expect(try await count("income", "incomeType=COMMISSION&startTime=\(begin)") == 3)
    }

    @Test("a market order does not take a price further from the mark than a limit may be")
    func counterparty() async throws {
        let world = try tradingWorld(bitcoinQuote("56999.90", "63000.10"))
        for side in ["BUY", "SELL"] {
            let answer = try await world.order("POST", "side=\(side)&type=MARKET&quantity=0.01")
            #expect(answer["code"]?.integer == -4131)
        }
        #expect(world.account("desk")?.positions.isEmpty == true)
        try world.apply(bitcoinQuote("57000.00", "63000.00"))
        for side in ["BUY", "SELL"] {
            let answer = try await world.order("POST", "side=\(side)&type=MARKET&quantity=0.01")
            #expect(answer["code"] == nil)
        }
    }

    @Test("an amendment is answered with the pair and its own number, and told with that")
    func amendmentNumber() async throws {
        let world = try tradingWorld()
        let placed = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.050&price=59000")
        let id = try #require(placed["orderId"]?.integer)
        var stream = try await world.userStream()
        let numbered = try await world.order(
            "PUT", "orderId=\(id)&side=BUY&quantity=0.040&price=59100&modifyId=7")
        #expect(
            numbered.object?.keys.prefix(4).map { $0 } == ["orderId", "symbol", "pair", "status"])
        #expect(members(numbered, "pair modifyId cumQty") == ["BTCUSDT", "7", "0.000"])
        let plain = try await world.order("PUT", "orderId=\(id)&side=BUY&quantity=0.030&price=59100")
        #expect(members(plain, "pair modifyId") == ["BTCUSDT", "absent"])
        // Once amended it trades with the account's own orders.
        #expect(members(placed, "selfTradePreventionMode") == ["EXPIRE_MAKER"])
        #expect(members(numbered, "selfTradePreventionMode") == ["NONE"])
        #expect(members(plain, "selfTradePreventionMode") == ["NONE"])
        #expect(world.account("desk")?.orders.first?.terms?.selfTradePrevention == nil)
        stream.hear()
        let told = try stream.takeJSON().compactMap { $0["o"] }
        #expect(told.map { members($0, "x M") } == [["AMENDMENT", "7"], ["AMENDMENT", "absent"]])
        let wrong = try await world.order(
            "PUT", "orderId=\(id)&side=BUY&quantity=0.020&price=59100&modifyId=one")
        #expect(wrong["code"]?.integer == -1130)
        let same = try await world.order(
            "PUT", "orderId=\(id)&side=BUY&quantity=0.030&price=59100&modifyId=8")
        #expect(same["code"]?.integer == -5027)
    }

    /// V11: both legs of hedge mode; closing more than is held is refused.
    @Test func hedgeMode() async throws {
        let world = try binanceWorld(
            settings: #"{"hedge":true}"#,
            commands: [
                deposit("USDT", "10000"), marks(#""BTCUSDT":"60000""#, index: #""USDT":"1""#),
                bitcoinQuote("60000.00", "60000.10"),
            ])
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.020&positionSide=SHORT")
        #expect(try world.figure("totalWalletBalance") == "9999.40000000")
        let closing = "side=BUY&type=MARKET&positionSide=SHORT&newOrderRespType=RESULT&quantity="
        #expect(try await world.order("POST", closing + "0.030")["code"]?.integer == -2022)
        #expect(members(try await world.order("POST", closing + "0.020"), "status") == ["FILLED"])
        #expect(try await world.order("POST", "side=BUY&type=MARKET&quantity=1")["code"]?.integer == -4061)
        #expect(
            try await world.order(
                "POST", "side=BUY&type=MARKET&quantity=1&positionSide=LONG&reduceOnly=true")[
                    "code"]?.integer == -1106)
    }

    @Test("fees of the account's own in place of the rulebook's")
    func fees() async throws {
        let fees = #"{"fees":{"derivative":{"maker":"-0.0001","taker":"0.001"}}}"#
        let world = try tradingWorld(
            desk("configure", #""settings":\#(fees)"#), bitcoinQuote("60000.00", "60000.10"))
        let rates = try await world.order("GET", "", path: "/fapi/v1/commissionRate")
        #expect(members(rates, "makerCommissionRate takerCommissionRate") == ["-0.0001", "0.001"])
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.010")
        #expect(try world.figure("totalWalletBalance") == "9999.40000000")
        for wrong in [
            #"{"fees":5}"#, #"{"fees":{"spots":{}}}"#, #"{"fees":{"spot":{"maker":0.1}}}"#,
            #"{"fees":{"spot":{"taker":"1"}}}"#, #"{"fees":{"spot":{"other":"0"}}}"#,
        ] {
            #expect(throws: Refusal.self) { try world.apply(desk("configure", #""settings":\#(wrong)"#)) }
        }
    }

    @Test("a key that may only read places nothing")
    func readOnly() async throws {
        let world = try tradingWorld()
        world.addKey(account: "desk", apiKey: deskKey, secret: deskSecret, permissions: [.read])
        let answer = try await world.order("POST", "side=BUY&type=MARKET&quantity=1")
        #expect(answer["code"]?.integer == -2015 && world.account("desk")?.positions.isEmpty == true)
    }
}
