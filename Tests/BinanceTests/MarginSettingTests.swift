import Binance
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@Suite("Margin type and isolated margin by the venue's own calls")
struct MarginSettingTests {
    private static let fees = #""settings":{"fees":{"derivative":{"maker":"0.0002","taker":"0.0004"}}}"#

    private static func bnb(_ quote: String) -> String {
        #"{"type":"quotes","venue":"binance","quotes":{"BNBUSDT":{\#(quote)}}}"#
    }

    /// R3, as recorded: the fee of what is opened leaves the isolated wallet, that of what is closed not.
    @Test func recordedFlip() async throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "10"), desk("configure", Self.fees), marks(#""BNBUSDT":"403.99""#),
            Self.bnb(#""bid":"403.980","ask":"403.990","last":"403.99""#),
        ])
        var stream = try await world.userStream()
        for (path, value) in [("marginType", "marginType=ISOLATED"), ("leverage", "leverage=2")] {
            _ = await world.signed("POST", "/fapi/v1/\(path)", "symbol=BNBUSDT&\(value)")
        }
        let order = "symbol=BNBUSDT&positionSide=BOTH&"
        _ = await world.signed("POST", "/fapi/v1/order", order + "side=BUY&type=MARKET&quantity=0.04")
        let body = try world.body()
        #expect(body["totalWalletBalance"]?.text == "9.99353616")
        #expect(body["totalCrossWalletBalance"]?.text == "1.92020000")
        #expect(try body.position("BNBUSDT")["isolatedWallet"]?.text == "8.07333616")
        let sale = order + "side=SELL&type=LIMIT&timeInForce=GTX&quantity=0.08&price=404"
        #expect(try await world.signed("POST", "/fapi/v1/order", sale).json["status"]?.text == "NEW")
        try world.apply(Self.bnb(#""last":"404.01""#))
        let after = try world.body()
        #expect(after["totalWalletBalance"]?.text == "9.98747216")
        #expect(after["totalCrossWalletBalance"]?.text == "1.91070416")
        #expect(try after.position("BNBUSDT")["isolatedWallet"]?.text == "8.07676800")
        stream.hear()
        let told = try stream.takeJSON()
        #expect(told[0]["a"]?["m"]?.text == "MARGIN_TYPE_CHANGE")
        #expect(
            members(try #require(told[0]["a"]?["P"]?.elements?.first), "s pa mt iw") == [
                "BNBUSDT", "0.00", "isolated", "0",
            ])
        #expect(told[1]["e"]?.text == "ACCOUNT_CONFIG_UPDATE" && told[1]["ac"]?["l"]?.integer == 2)
    }

    @Test("an account that was opened before keeps paying fees out of its cash")
    func oldAccounts() throws {
        let old = try JSONValue(
            parsing: #"{"sequence":1,"at":1780272000000,"account":"desk","type":"account_opened","#
                + #""data":{"venue":"binance","conventions":{"booked_places":8,"fee_places":8,"#
                + #""amount_places":8,"imported_wallet_comes_from_cash":true,"keeps_interest_apart":false},"#
                + #""settings":{}}}"#)
        #expect(old["data"]?["conventions"]?["opening_fees_come_from_wallet"] == nil)
        #expect(!Conventions(bookedPlaces: 8).openingFeesComeFromWallet)
        #expect(
            try BinanceVenue(addedRulebooks: [], profile: .documented).conventions.openingFeesComeFromWallet)
    }

    @Test func marginType() async throws {
        let world = try tradingWorld()
        func set(_ type: String) async throws -> JSONValue {
            try await world.order("POST", "marginType=\(type)", path: "/fapi/v1/marginType")
        }
        #expect(try await set("ISOLATED").description == #"{"code":200,"msg":"success"}"#)
        let config = try await world.order("GET", "", path: "/fapi/v1/symbolConfig")
        #expect(config.elements?.first?["marginType"]?.text == "ISOLATED")
        #expect(try await set("ISOLATED")["code"]?.integer == -4046)
        #expect(try await set("BOTH")["code"]?.integer == -1130)
        #expect(try await set("")["code"]?.integer == -1102)
        let multi = await world.signed("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true")
        #expect(try multi.json["code"]?.integer == -4167)
        let resting = try await world.order(
            "POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.05&price=59000")
        #expect(try await set("CROSSED")["code"]?.integer == -4047)
        _ = try await world.order("DELETE", "orderId=\(try #require(resting["orderId"]?.integer))")
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.05")
        #expect(try await set("CROSSED")["code"]?.integer == -4048)
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.05")
        _ = try await world.order(
            "POST", "algoType=CONDITIONAL&side=BUY&type=STOP_MARKET&quantity=0.05&triggerPrice=61000",
            path: "/fapi/v1/algoOrder")
        #expect(try await set("CROSSED")["code"]?.integer == -4047)
        #expect(throws: Refusal.self) {
            try world.apply(desk("set_margin_mode", #""instrument":"BTCUSDT","margin_mode":"cross""#))
        }
        _ = try await world.order("DELETE", "", path: "/fapi/v1/algoOpenOrders")
        #expect(try await set("CROSSED")["code"]?.integer == 200)
        _ = try await world.order(
            "POST", "algoType=CONDITIONAL&side=BUY&type=STOP_MARKET&quantity=0.05&triggerPrice=61000",
            path: "/fapi/v1/algoOrder")
        let waiting = await world.signed("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true")
        #expect(try waiting.json["code"]?.integer == -4170)
        for setting in ["multi_assets", "credits_mode"] {
            #expect(throws: Refusal.self) {
                try world.apply(desk("configure", #""settings":{"\#(setting)":true}"#))
            }
        }
        _ = try await world.order("DELETE", "", path: "/fapi/v1/algoOpenOrders")
        _ = await world.signed("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true")
        #expect(try await set("ISOLATED")["code"]?.integer == -4168)
    }

    @Test func positionMargin() async throws {
        let world = try tradingWorld()
        func change(_ parameters: String) async throws -> JSONValue {
            try await world.order("POST", parameters, path: "/fapi/v1/positionMargin")
        }
        #expect(try await change("amount=100&type=1")["code"]?.integer == -4054)
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.05")
        #expect(try await change("amount=100&type=1")["code"]?.integer == -4049)
        _ = try await world.order("POST", "side=SELL&type=MARKET&quantity=0.05")
        _ = try await world.order("POST", "marginType=ISOLATED", path: "/fapi/v1/marginType")
        _ = try await world.order("POST", "side=BUY&type=MARKET&quantity=0.05")
        let wallet = try #require(world.account("desk")?.positions.first?.isolatedWallet)
        #expect(
            try await change("amount=100.5&type=1").description
                == #"{"code":200,"msg":"Successfully modify position margin.","amount":100.5,"type":1}"#)
        #expect(try await change("amount=50&type=2")["code"]?.integer == 200)
        #expect(world.account("desk")?.positions.first?.isolatedWallet == (try wallet + decimal("50.5")))
        for (wrong, code) in [
            ("amount=0&type=1", -4055), ("amount=-1&type=1", -4055), ("amount=1&type=3", -1130),
            ("type=1", -1102), ("amount=1", -1102), ("amount=1&type=1&positionSide=LONG", -4061),
            ("amount=100000&type=1", -4050), ("amount=1000&type=2", -4051),
            ("amount=0.000000001&type=1", -1111),
        ] {
            #expect(try await change(wrong)["code"]?.integer == Int64(code), "\(wrong)")
        }
        let history = try await world.order("GET", "", path: "/fapi/v1/positionMargin/history")
        #expect(
            history.elements?.map(\.description) == [
                #"{"symbol":"BTCUSDT","type":1,"deltaType":"USER_ADJUST","amount":"100.5","asset":"USDT","#
                    + #""time":1780272000000,"positionSide":"BOTH"}"#,
                #"{"symbol":"BTCUSDT","type":2,"deltaType":"USER_ADJUST","amount":"50","asset":"USDT","#
                    + #""time":1780272000000,"positionSide":"BOTH"}"#,
            ])
        let added = try await world.order("GET", "type=2", path: "/fapi/v1/positionMargin/history")
        #expect(added.elements?.count == 1)
    }
}
