import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

/// Vectors of orders that the other suites do not play, and the rest of the table of refusals.
@Suite("More orders, by the documents' vectors")
struct OrderVectorTests {
    /// V1 and V4 at the quotes of one level: bought at two prices, then a resting order filled in part.
    @Test("a purchase in two, an order that is filled in part: wallet, margins and what is available")
    func chain() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.004")
        #expect(try world.figure("totalWalletBalance") == "9999.87999980")
        try world.apply(bitcoinQuote("60000.10", "60000.20"))
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.006")
        #expect(try world.figure("totalWalletBalance") == "9999.69999920")
        try world.apply(marks(#""BTCUSDT":"60001.23456789""#))
        expect(
            world,
            [
                "totalUnrealizedProfit": "0.01074567", "totalPositionInitialMargin": "30.00061728",
                "totalMaintMargin": "2.40004938", "availableBalance": "9969.71012759",
            ])
        let placed = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.050&price=59000")
        expect(
            world,
            ["totalOpenOrderInitialMargin": "147.50000000", "availableBalance": "9822.21012759"])
        let id = try #require(placed["orderId"]?.integer)
        _ = try await world.order("PUT", "orderId=\(id)&side=BUY&quantity=0.040&price=59100")
        expect(
            world,
            ["totalOpenOrderInitialMargin": "118.20000000", "availableBalance": "9851.51012759"])
        try world.apply(
            #"{"type":"quotes","venue":"binance","quotes":{"BTCUSDT":{"last":"59100","quantity":"0.015"}}}"#)
        expect(
            world,
            ["totalWalletBalance": "9999.52269920", "totalOpenOrderInitialMargin": "73.87500000"])
        _ = try await world.order("DELETE", "orderId=\(id)")
        // A mark of 59099.9 would have filled what rested.
        try world.apply(marks(#""BTCUSDT":"59099.9""#))
        expect(
            world,
            [
                "totalUnrealizedProfit": "-9.00410000", "totalPositionInitialMargin": "73.87487500",
                "availableBalance": "9916.64372420",
            ])
        // V9: funding.
        try world.apply(marks(#""BTCUSDT":"59250.12345678""#))
        try world.apply(desk("funding", #""instrument":"BTCUSDT","rate":"0.0001""#))
        expect(world, ["totalWalletBalance": "9999.37457390"])
        let income = try await world.order("GET", "incomeType=FUNDING_FEE", path: "/fapi/v1/income")
        #expect(income.elements?.first?["income"]?.text == "-0.14812530")
    }

    /// V14: not offered as a whole.
    @Test func fillOrKill() async throws {
        let world = try tradingWorld(bitcoinQuote("59999.90", "60000.00", #","ask_size":"0.400""#))
        let answer = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=FOK&quantity=1.000&price=60000")
        #expect(answer["code"]?.integer == -5021)
        #expect(world.account("desk")?.orders.isEmpty == true)
        expect(world, ["totalWalletBalance": "10000.00000000"])
    }

    /// R1, R2: recorded in 2022, with the fees of that time: bought, and a resting reduction displaced.
    @Test func recordedPurchase() async throws {
        let world = try binanceWorld(commands: [
            desk("configure", #""settings":{"fees":{"derivative":{"maker":"0.0002","taker":"0.0004"}}}"#),
            deposit("USDT", "1000"), marks(#""BNBUSDT":"381.5""#, index: #""USDT":"1""#),
        ])
        func bnb(_ method: String, _ parameters: String) async throws -> JSONValue {
            try await world.signed(method, "/fapi/v1/order", "symbol=BNBUSDT&" + parameters).json
        }
        func quote(_ bid: String, _ ask: String) throws {
            try world.apply(
                #"{"type":"quotes","venue":"binance","quotes":{"BNBUSDT":{"bid":"\#(bid)","ask":"\#(ask)"}}}"#
            )
        }
        try quote("381.51", "381.52")
        _ = try await bnb("POST", "side=BUY&type=MARKET&quantity=0.02")
        // 10 of the recording, 990 more here: its leverage is not told.
        expect(world, ["totalWalletBalance": "999.99694784"])
        _ = try await bnb("POST", "side=BUY&type=MARKET&quantity=1.55")
        expect(world, ["totalWalletBalance": "999.76040544"])
        let resting = try await bnb(
            "POST", "side=SELL&type=LIMIT&timeInForce=GTC&quantity=1.57&price=390&reduceOnly=true")
        try quote("382.40", "382.41")
        let sold = try await bnb(
            "POST", "side=SELL&type=MARKET&quantity=1.57&reduceOnly=true&newOrderRespType=RESULT")
        #expect(sold["status"]?.text == "FILLED")
        expect(world, ["totalWalletBalance": "1000.90185824"])
        let id = try #require(resting["orderId"]?.integer)
        #expect(try await bnb("GET", "orderId=\(id)")["status"]?.text == "EXPIRED")
    }

    @Test("an account that is to be liquidated may reduce, and opens nothing")
    func liquidation() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=3.000")
        try world.apply(marks(#""BTCUSDT":"56800""#), bitcoinQuote("56800.00", "56800.10"))
        #expect(
            try await world.order("POST", "side=BUY&type=MARKET&quantity=0.010")
                == .members([
                    ("code", .number("-2023")), ("msg", .string("User in liquidation mode now.")),
                ]))
        let reduced = try await world.order("POST", "side=SELL&type=MARKET&quantity=1&reduceOnly=true")
        #expect(reduced["code"] == nil)
        // One that is only short of money is told so.
        let short = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        #expect(try await short.order("POST", "side=BUY&type=MARKET&quantity=4")["code"]?.integer == -2019)
    }

    @Test("a reduction that leaves an open order to turn the position needs that order's margin")
    func reductionAgainstOpenOrder() async throws {
        let world = try tradingWorld(bitcoinQuote("60000.00", "60000.10"))
        // 9 of 10 thousand are margin: at 20x 3 BTC; what turns it needs as much again.
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=3.000")
        let turning = try await world.order(
            "POST", "side=SELL&type=LIMIT&timeInForce=GTC&quantity=6.000&price=61000")
        #expect(turning["code"] == nil)
        let before = world.lastSequence
        let refused = try await world.order("POST", "side=SELL&type=MARKET&quantity=3&reduceOnly=true")
        #expect(refused["code"]?.integer == -4118)
        #expect(world.lastSequence == before)
        let id = try #require(turning["orderId"]?.integer)
        _ = try await world.order("DELETE", "orderId=\(id)")
        let reduced = try await world.order("POST", "side=SELL&type=MARKET&quantity=3&reduceOnly=true")
        #expect(reduced["code"] == nil)
    }

    @Test("quantities off the step, below the smallest one")
    func steps() async throws {
        let rulebook =
            #"{"venue":"binance","effective":"2026-05-01T00:00:00Z","amends":true,"read_on":"2026-05-01","#
            + #""source":"test","instruments":{"BTCUSDT":{"step_size":"0.005"}}}"#
        let world = try binanceWorld(
            rulebooks: [rulebook], commands: [deposit("USDT", "10000"), marks(#""BTCUSDT":"60000""#)])
        for (quantity, code) in [("0.003", -4004), ("0.007", -4023), ("0.0051", -1111)] {
            let answer = try await world.order(
                "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=\(quantity)&price=60000")
            #expect(answer["code"]?.integer == Int64(code), "\(quantity)")
        }
    }

    @Test("two hundred orders may be open")
    func openOrders() async throws {
        let world = try tradingWorld()
        try world.apply(deposit("USDT", "1000000"))
        let order = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=59000"
        for _ in 0..<200 { #expect(try await world.order("POST", order)["code"] == nil) }
        #expect(try await world.order("POST", order)["code"]?.integer == -2025)
    }

    private func expect(_ world: BinanceWorld, _ figures: KeyValuePairs<String, String>) {
        for (name, value) in figures { #expect((try? world.figure(name)) == value, "\(name)") }
    }
}
