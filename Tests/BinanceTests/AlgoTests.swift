import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

extension TestWorld where Model == BinanceVenue {
    /// A call about conditional orders of BTCUSDT.
    fileprivate func algo(
        _ method: String, _ parameters: String, path: String = "/fapi/v1/algoOrder"
    ) async throws -> JSONValue {
        try await order(method, (method == "POST" ? "algoType=CONDITIONAL&" : "") + parameters, path: path)
    }

    /// A world that has bought 0.025 at 60000.
    fileprivate static func long() async throws -> BinanceWorld {
        let world = try tradingWorld(bitcoinQuote("59999.90", "60000.00"))
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.025")
        return world
    }
}

extension TestStream where Model == BinanceVenue {
    /// What happened since the last time: the names of the events and what became of what.
    fileprivate mutating func heard() throws -> [String] {
        hear()
        return try takeJSON().map { event in
            let name = event["e"]?.text ?? ""
            let state = event["o"]?["x"]?.text ?? event["o"]?["X"]?.text ?? ""
            return state.isEmpty ? name : "\(name) \(state)"
        }
    }
}

private let stop = "side=SELL&type=STOP_MARKET&quantity=0.025&triggerPrice=58500&reduceOnly=true"

@Suite("Conditional orders, by the venue's documents")
struct AlgoTests {
    /// V8: a stop takes no margin, fires at its level and closes the position.
    @Test func stopLoss() async throws {
        let world = try await BinanceWorld.long()
        var stream = try await world.userStream()
        let available = try world.figure("availableBalance")
        let placed = try await world.algo("POST", stop + "&clientAlgoId=mine&newOrderRespType=RESULT")
        #expect(
            placed.object?.keys.map { $0 } == [
                "algoId", "clientAlgoId", "algoType", "orderType", "symbol", "side", "positionSide",
                "timeInForce", "quantity", "algoStatus", "triggerPrice", "price", "icebergQuantity",
                "selfTradePreventionMode", "workingType", "priceMatch", "closePosition", "priceProtect",
                "reduceOnly", "activatePrice", "callbackRate", "createTime", "updateTime", "triggerTime",
                "goodTillDate",
            ])
        #expect(
            members(placed, "clientAlgoId orderType quantity algoStatus triggerPrice price reduceOnly") == [
                "mine", "STOP_MARKET", "0.025", "NEW", "58500.00", "0.00", "true",
            ])
        let id = try #require(placed["algoId"]?.integer)
        #expect(try world.figure("availableBalance") == available)
        #expect(try await world.order("GET", "", path: "/fapi/v1/openOrders").elements?.isEmpty == true)
        #expect(try stream.heard() == ["ALGO_UPDATE NEW"])

        try world.apply(bitcoinQuote("58500.10", "58500.20", #","last":"58500.10""#))
        #expect(try stream.heard().isEmpty)
        try world.apply(bitcoinQuote("58498.70", "58498.80", #","last":"58499.90""#))
        stream.hear()
        let events = try stream.takeJSON()
        #expect(
            events.map { "\($0["e"]?.text ?? "") \($0["o"]?["X"]?.text ?? "")" } == [
                "ALGO_UPDATE TRIGGERING", "ORDER_TRADE_UPDATE NEW", "ALGO_UPDATE TRIGGERED", "TRADE_LITE ",
                "ACCOUNT_UPDATE ", "ORDER_TRADE_UPDATE FILLED", "ALGO_UPDATE FINISHED",
            ])
        let child = try #require(events[1]["o"]?["i"]?.integer)
        #expect(
            members(try #require(events[5]["o"]), "c n rp ap") == [
                "mine", "0.73123375", "-37.53250000", "58498.70000",
            ])
        // 10000 − 0.75 − 37.5325 − 0.73123375.
        #expect(try world.figure("totalWalletBalance") == "9960.98626625")
        #expect(
            events[6].description
                == #"{"e":"ALGO_UPDATE","T":1780272000000,"E":1780272000000,"o":{"caid":"mine","aid":\#(id),"#
                + #""at":"CONDITIONAL","o":"STOP_MARKET","s":"BTCUSDT","S":"SELL","ps":"BOTH","f":"GTC","#
                + #""q":"0.025","X":"FINISHED","ai":"\#(child)","ap":"58498.70000","aq":"0.025","#
                + #""act":"MARKET","tp":"58500","p":"0","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","#
                + #""pm":"NONE","cp":false,"pP":false,"R":true,"tt":1780272000000,"gtd":0}}"#)

        let found = try await world.algo("GET", "clientAlgoId=mine")
        #expect(
            members(found, "algoStatus actualOrderId actualPrice actualQty actualType triggerTime") == [
                "FINISHED", "\(child)", "58498.70000", "0.025", "MARKET", "1780272000000",
            ])
        #expect(
            members(try await world.order("GET", "orderId=\(child)"), "status type clientOrderId") == [
                "FILLED", "MARKET", "mine",
            ])
    }

    /// One that was cancelled stays readable; ids are unique among those that wait.
    @Test func cancelling() async throws {
        let world = try await BinanceWorld.long()
        var stream = try await world.userStream()
        let first = try await world.algo("POST", stop + "&clientAlgoId=mine")
        let id = try #require(first["algoId"]?.integer)
        #expect(try await world.algo("POST", stop + "&clientAlgoId=mine")["code"]?.integer == -4116)
        let second = try await world.algo("POST", stop)
        #expect(second["clientAlgoId"]?.text?.count == 22)
        let open = try await world.algo("GET", "", path: "/fapi/v1/openAlgoOrders")
        #expect(open.elements?.compactMap { $0["algoId"]?.integer } == [id, id + 1])
        let answer = try await world.algo("DELETE", "algoId=\(id)")
        #expect(
            answer.description == #"{"algoId":\#(id),"clientAlgoId":"mine","code":"200","msg":"success"}"#)
        #expect(try await world.algo("DELETE", "algoId=\(id)")["code"]?.integer == -2011)
        #expect(
            members(try await world.algo("GET", "algoId=\(id)"), "algoStatus actualOrderId") == [
                "CANCELED", "",
            ])
        #expect(try await world.algo("GET", "algoId=5")["code"]?.integer == -2013)
        #expect(try await world.algo("GET", "")["code"]?.integer == -1102)
        #expect(try await world.algo("DELETE", "clientAlgoId=none")["code"]?.integer == -2011)
        let all = try await world.algo("DELETE", "", path: "/fapi/v1/algoOpenOrders")
        #expect(all["code"]?.integer == 200 && world.account("desk")?.conditionals.isEmpty == true)
        let listed = try await world.algo("GET", "limit=1", path: "/fapi/v1/allAlgoOrders")
        #expect(listed.elements?.compactMap { $0["algoId"]?.integer } == [id + 1])
        #expect(
            try stream.heard() == [
                "ALGO_UPDATE NEW", "ALGO_UPDATE NEW", "ALGO_UPDATE CANCELED", "ALGO_UPDATE CANCELED",
            ])
    }

    /// A limit order of a stop rests: the conditional order is TRIGGERED, and FINISHED with it.
    @Test func stopLimit() async throws {
        let world = try await BinanceWorld.long()
        var stream = try await world.userStream()
        let placed = try await world.algo(
            "POST", "side=SELL&type=STOP&quantity=0.025&triggerPrice=59000&price=59100&reduceOnly=true")
        let id = try #require(placed["algoId"]?.integer)
        try world.apply(bitcoinQuote("58990.00", "58990.10"), marks(#""BTCUSDT":"58990""#))
        #expect(
            try stream.heard() == [
                "ALGO_UPDATE NEW", "ALGO_UPDATE TRIGGERING", "ORDER_TRADE_UPDATE NEW",
                "ALGO_UPDATE TRIGGERED",
            ])
        let found = try await world.algo("GET", "algoId=\(id)")
        #expect(members(found, "algoStatus actualType actualQty") == ["TRIGGERED", "LIMIT", "0.000"])
        let child = try #require(found["actualOrderId"]?.text)
        _ = try await world.order("DELETE", "orderId=\(child)")
        #expect(try stream.heard() == ["ORDER_TRADE_UPDATE CANCELED", "ALGO_UPDATE FINISHED"])
        #expect(members(try await world.algo("GET", "algoId=\(id)"), "algoStatus") == ["FINISHED"])
    }

    @Test func trailingStop() async throws {
        let world = try tradingWorld()
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.010")
        var stream = try await world.userStream()
        let placed = try await world.algo(
            "POST",
            "side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=1&activatePrice=61000"
                + "&reduceOnly=true")
        #expect(members(placed, "activatePrice callbackRate triggerPrice") == ["61000.00", "1", "0.00"])
        for mark in ["60900", "61500", "62000"] { try world.apply(marks(#""BTCUSDT":"\#(mark)""#)) }
        stream.hear()
        let told = try stream.takeJSON().compactMap { $0["o"] }
        #expect(told.map { members($0, "X ia") } == [["NEW", "false"], ["NEW", "true"]])
        try world.apply(marks(#""BTCUSDT":"61380.1""#))
        #expect(world.account("desk")?.positions.count == 1)
        // 62000 less one per cent.
        try world.apply(marks(#""BTCUSDT":"61380""#))
        #expect(world.account("desk")?.positions.isEmpty == true)
    }

    @Test("a position is closed, whatever its size has become; a second order of the kind is refused")
    func closePosition() async throws {
        let world = try await BinanceWorld.long()
        let closing = "side=SELL&type=STOP_MARKET&closePosition=true&triggerPrice="
        let placed = try await world.algo("POST", closing + "58500")
        #expect(
            members(placed, "quantity closePosition reduceOnly") == ["0.000", "true", "false"])
        #expect(try await world.algo("POST", closing + "58000")["code"]?.integer == -4130)
        let profit = "side=SELL&type=TAKE_PROFIT_MARKET&closePosition=true&triggerPrice=63000"
        #expect(try await world.algo("POST", profit)["algoStatus"]?.text == "NEW")
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.010")
        // What waits beside it ends with the position.
        var stream = try await world.userStream()
        try world.apply(bitcoinQuote("58400.00", "58400.10"), marks(#""BTCUSDT":"58400""#))
        #expect(world.account("desk")?.positions.isEmpty == true)
        #expect(try stream.heard().last == "ALGO_UPDATE EXPIRED")
        #expect(world.account("desk")?.conditionals.isEmpty == true)
    }

    @Test("a position that an order closes takes what closes it along, and what stands while it is there")
    func endsWithPosition() async throws {
        let world = try await BinanceWorld.long()
        var ids: [Int64] = []
        for parameters in [
            "side=SELL&type=STOP_MARKET&closePosition=true&triggerPrice=58000",
            "side=SELL&type=STOP_MARKET&quantity=0.01&reduceOnly=true&triggerPrice=58000&timeInForce=GTE_GTC",
            "side=SELL&type=STOP_MARKET&quantity=0.01&reduceOnly=true&triggerPrice=58000",
            "side=BUY&type=STOP_MARKET&closePosition=true&triggerPrice=66000",
        ] {
            ids.append(try #require(try await world.algo("POST", parameters)["algoId"]?.integer))
        }
        func states() async throws -> [String] {
            var states: [String] = []
            for id in ids { states += members(try await world.algo("GET", "algoId=\(id)"), "algoStatus") }
            return states
        }
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.010")
        #expect(try await states() == ["NEW", "NEW", "NEW", "NEW"])
        var stream = try await world.userStream()
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.020")
        #expect(try await states() == ["EXPIRED", "EXPIRED", "NEW", "NEW"])
        #expect(
            try stream.heard() == [
                "ORDER_TRADE_UPDATE NEW", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE TRADE",
                "ALGO_UPDATE EXPIRED", "ALGO_UPDATE EXPIRED",
            ])
        // What the operator tells closes it as well.
        try world.apply(
            #"{"type":"fill","account":"desk","instrument":"BTCUSDT","side":"buy","quantity":"0.005","price":"60000"}"#
        )
        #expect(try await states() == ["EXPIRED", "EXPIRED", "NEW", "EXPIRED"])
    }

    @Test("all conditional orders of a symbol, by pages, of seven days at most")
    func pages() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        var ids: [Int64] = []
        for _ in 0..<5 { ids.append(try #require(try await world.algo("POST", stop)["algoId"]?.integer)) }
        func listed(_ parameters: String) async throws -> [Int64]? {
            try await world.algo("GET", parameters, path: "/fapi/v1/allAlgoOrders").elements?
                .compactMap { $0["algoId"]?.integer }
        }
        #expect(try await listed("page=1&limit=2") == Array(ids[0..<2]))
        #expect(try await listed("page=3&limit=2") == [ids[4]])
        #expect(try await listed("page=4&limit=2") == [])
        let wrong = try await world.algo("GET", "page=0", path: "/fapi/v1/allAlgoOrders")
        #expect(wrong["code"]?.integer == -1130)
        world.setLedgerTime(1_780_272_000_000 + 7 * 86_400_000 + 1)
        #expect(try await listed("") == [])
        #expect(try await listed("startTime=1780272000000") == ids)
        #expect(try await listed("algoId=\(ids[1])") == [ids[1]])
    }

    @Test("a protected order waits while last price and mark are too far apart")
    func priceProtect() async throws {
        let world = try tradingWorld(bitcoinQuote("59999.90", "60000.00", #","last":"60000""#))
        _ = try await world.algo(
            "POST", "side=SELL&type=STOP_MARKET&quantity=0.025&triggerPrice=58500&priceProtect=TRUE")
        try world.apply(marks(#""BTCUSDT":"61500""#), bitcoinQuote("57999.90", "58000", #","last":"58000""#))
        #expect(world.account("desk")?.conditionals.count == 1)
        try world.apply(bitcoinQuote("58449.90", "58450", #","last":"58450""#))
        #expect(world.account("desk")?.conditionals.isEmpty == true)
        #expect(world.account("desk")?.positions.count == 1)
    }

    @Test("the mark alone is watched where that is asked for; without margin the order is refused then")
    func workingType() async throws {
        let world = try tradingWorld()
        let placed = try await world.algo(
            "POST", "side=BUY&type=STOP_MARKET&quantity=10&triggerPrice=61000&workingType=MARK_PRICE")
        #expect(members(placed, "algoStatus workingType") == ["NEW", "MARK_PRICE"])
        try world.apply(bitcoinQuote("61000", "61000.10", #","last":"61000""#))
        #expect(world.account("desk")?.conditionals.count == 1)
        try world.apply(marks(#""BTCUSDT":"61000""#))
        let id = try #require(placed["algoId"]?.integer)
        #expect(members(try await world.algo("GET", "algoId=\(id)"), "algoStatus") == ["REJECTED"])
    }

    /// Refused, and nothing changed.
    @Test(arguments: [
        ("side=SELL&type=LIMIT&quantity=0.01&triggerPrice=59000", -1116),
        ("side=SELL&type=STOP_MARKET&quantity=0.01", -1102),
        ("side=SELL&type=STOP_MARKET&triggerPrice=59000", -1102),
        ("type=STOP_MARKET&quantity=0.01&triggerPrice=59000", -1102),
        ("side=HOLD&type=STOP_MARKET&quantity=0.01&triggerPrice=59000", -1117),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=60500", -2021),
        ("side=BUY&type=STOP_MARKET&quantity=0.01&triggerPrice=59000", -2021),
        ("side=BUY&type=TAKE_PROFIT_MARKET&quantity=0.01&triggerPrice=60500", -2021),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&price=59000", -1106),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&priceMatch=QUEUE", -5038),
        ("side=SELL&type=STOP&quantity=0.01&triggerPrice=59000", -1102),
        ("side=SELL&type=STOP&quantity=0.01&triggerPrice=59000&price=56049.9", -4184),
        ("side=BUY&type=STOP&quantity=0.01&triggerPrice=61000&price=64050.1", -4183),
        ("side=SELL&type=STOP_MARKET&closePosition=true&quantity=1&triggerPrice=59000", -4137),
        ("side=SELL&type=STOP&closePosition=true&triggerPrice=59000&price=59000", -4136),
        ("side=SELL&type=STOP_MARKET&closePosition=true&reduceOnly=true&triggerPrice=59000", -1106),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000.05", -4014),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000.155", -1111),
        ("side=SELL&type=STOP_MARKET&quantity=0&triggerPrice=59000", -4003),
        ("side=SELL&type=STOP_MARKET&quantity=0.0005&triggerPrice=59000", -1111),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&workingType=INDEX", -4031),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&timeInForce=NOW", -1115),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&priceProtect=yes", -1130),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&positionSide=LONG", -4061),
        ("side=SELL&type=STOP_MARKET&quantity=0.01&triggerPrice=59000&clientAlgoId=%C3%A9", -4015),
        ("side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01", -1102),
        ("side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=0.05", -1130),
        ("side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=20.1", -1130),
        ("side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=1&triggerPrice=59000", -2021),
        ("side=SELL&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=1&activatePrice=59000", -2021),
        ("side=BUY&type=TRAILING_STOP_MARKET&quantity=0.01&callbackRate=1&activatePrice=61000", -2021),
    ])
    func refused(_ parameters: String, _ code: Int) async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        let before = world.lastSequence
        #expect(try await world.algo("POST", parameters)["code"]?.integer == Int64(code))
        #expect(try await world.algo("DELETE", parameters)["code"]?.integer != nil)
        #expect(world.lastSequence == before)
    }

    @Test("the kind of conditional order must be named, and there is one alone")
    func algoType() async throws {
        let world = try tradingWorld()
        #expect(try await world.order("POST", stop, path: "/fapi/v1/algoOrder")["code"]?.integer == -1102)
        let other = try await world.order("POST", "algoType=VP&" + stop, path: "/fapi/v1/algoOrder")
        #expect(other["code"]?.integer == -1130)
    }

    @Test("two hundred conditional orders wait, not one more")
    func manyOrders() async throws {
        let world = try tradingWorld()
        for _ in 0..<200 { #expect(try await world.algo("POST", stop)["algoId"] != nil) }
        #expect(try await world.algo("POST", stop)["code"]?.integer == -4045)
    }

    @Test("a limit that the market's best price names")
    func priceMatch() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        let limit = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01"
        let queued = try await world.order("POST", limit + "&priceMatch=QUEUE")
        #expect(members(queued, "status price priceMatch") == ["NEW", "60000.00", "QUEUE"])
        let taken = try await world.order("POST", limit + "&priceMatch=OPPONENT&newOrderRespType=RESULT")
        #expect(members(taken, "status price") == ["FILLED", "60000.10"])
        for (wrong, code) in [("OPPONENT_5", -5041), ("_", -5037), ("BEST", -5037), ("QUEUE&price=1", -1106)]
        {
            #expect(
                try await world.order("POST", limit + "&priceMatch=" + wrong)["code"]?.integer == Int64(code))
        }
    }
}
