import Binance
import JSON
import Testing
import Venue
import VenueTestSupport

@Suite("The account body: keys, order, types, rows")
struct BodyTests {
    private static let totals = [
        "totalInitialMargin", "totalMaintMargin", "totalWalletBalance", "totalUnrealizedProfit",
        "totalMarginBalance", "totalPositionInitialMargin", "totalOpenOrderInitialMargin",
        "totalCrossWalletBalance", "totalCrossUnPnl", "availableBalance", "maxWithdrawAmount", "assets",
        "positions",
    ]
    private static let asset = [
        "asset", "walletBalance", "unrealizedProfit", "marginBalance", "maintMargin", "initialMargin",
        "positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl",
        "availableBalance", "maxWithdrawAmount",
    ]
    private static let position = [
        "symbol", "positionSide", "positionAmt", "unrealizedProfit", "isolatedMargin", "notional",
        "isolatedWallet", "initialMargin", "maintMargin", "updateTime",
    ]

    @Test("an account that never held anything")
    func empty() throws {
        let row =
            #""walletBalance":"0.00000000","unrealizedProfit":"0.00000000","marginBalance":"0.00000000","#
            + #""maintMargin":"0.00000000","initialMargin":"0.00000000","#
            + #""positionInitialMargin":"0.00000000","#
            + #""openOrderInitialMargin":"0.00000000","crossWalletBalance":"0.00000000","#
            + #""crossUnPnl":"0.00000000","#
            + #""availableBalance":"0.00000000","maxWithdrawAmount":"0.00000000","updateTime":0}"#
        let totals = Self.totals.dropLast(2).map { #""\#($0)":"0.00000000""# }.joined(separator: ",")
        let assets = ["USDT", "USDC", "BTC"].map { #"{"asset":"\#($0)","# + row }.joined(separator: ",")
        #expect(
            try binanceWorld().statement("desk") == "{\(totals),\"assets\":[\(assets)],\"positions\":[]}")
    }

    @Test("single-asset mode: key order, no marginAvailable, update times")
    func single() throws {
        let body = try binanceWorld(commands: vectorC).body()
        #expect(body.object?.keys == Self.totals)
        #expect(body["assets"]?.elements?.map { $0["asset"]?.text } == ["USDT", "USDC", "BTC"])
        #expect(try body.asset("USDT").object?.keys == Self.asset + ["updateTime"])
        #expect(try body.asset("USDT")["updateTime"]?.integer == 1_780_272_000_000)
        #expect(try body.asset("USDC")["updateTime"]?.integer == 0)
        let rows = try #require(body["positions"]?.elements)
        #expect(rows.map { $0["symbol"]?.text } == ["BTCUSDT", "ETHUSDT"])
        for row in rows {
            #expect(row.object?.keys == Self.position)
            #expect(row["updateTime"]?.integer == 1_780_272_000_000)
        }
    }

    @Test("single-asset mode: totals are of USDT alone, assets with money are listed")
    func totalsOfUSDT() throws {
        let world = try binanceWorld(commands: [
            deposit("USDC", "103.12345678"), deposit("USDT", "23.72469206"), deposit("BNB", "1.5"),
        ])
        let body = try world.body()
        expect(
            body, [("totalWalletBalance", "23.72469206"), ("availableBalance", "23.72469206")])
        #expect(body["assets"]?.elements?.map { $0["asset"]?.text } == ["USDT", "USDC", "BTC", "BNB"])
        expect(
            try body.asset("USDC"),
            [("availableBalance", "103.12345678"), ("maxWithdrawAmount", "103.12345678")])
    }

    @Test("multi-assets mode: every margin asset, each with the whole account's availability")
    func multi() throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [deposit("USDT", "23.72469206"), deposit("USDC", "103.12345678"), deposit("WLD", "7")])
        let body = try world.body()
        let rows = try #require(body["assets"]?.elements)
        #expect(rows.count == 19, "eighteen margin assets and WLD, which is none")
        for row in rows { #expect(row.object?.keys == Self.asset + ["marginAvailable", "updateTime"]) }
        // 23.72469206 × 0.9999 and 103.12345678 × 0.9999, each cut.
        expect(
            body, [("totalWalletBalance", "126.83546402"), ("availableBalance", "126.83546402")])
        for name in ["USDT", "USDC"] {
            expect(try body.asset(name), [("availableBalance", "126.82278174")])
            #expect(try body.asset(name)["marginAvailable"]?.boolean == true)
        }
        expect(try body.asset("USDT"), [("maxWithdrawAmount", "23.72469206")])
        expect(
            try body.asset("ETH"), [("walletBalance", "0.00000000"), ("maxWithdrawAmount", "0.00000000")])
        #expect(try body.asset("WLD")["marginAvailable"]?.boolean == false)
        expect(try body.asset("WLD"), [("availableBalance", "7.00000000")])
    }

    @Test("multi-assets mode: a debt converts at the ask rate")
    func debt() throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks("", index: #""USDC":"1","BTC":"60000""#), deposit("BTC", "1"), deposit("USDC", "100"),
                desk("withdraw", #""asset":"USDC","amount":"1100","force":true"#),
            ])
        // 1 BTC × 60000 × 0.95 − 1000 USDC × 1.0001.
        let body = try world.body()
        expect(body, [("totalWalletBalance", "55999.90000000"), ("totalMarginBalance", "55999.90000000")])
        expect(
            try body.asset("USDC"),
            [("walletBalance", "-1000.00000000"), ("maxWithdrawAmount", "0.00000000")])
        expect(try body.asset("BTC"), [("maxWithdrawAmount", "0.88888730")])
    }

    @Test("hedge mode: LONG and SHORT rows, the side with an order too")
    func hedge() throws {
        let world = try binanceWorld(
            settings: #"{"hedge":true}"#,
            commands: [
                marks(#""BTCUSDT":"60000","ETHUSDT":"3000""#), deposit("USDT", "10000"),
                importPosition("BTCUSDT", "0.2", "59000", #","position_side":"long""#),
                importPosition("ETHUSDT", "-1", "3100", #","position_side":"short""#),
                order("short", "BTCUSDT", "sell", "0.1", "61000", #","position_side":"short""#),
                order("close", "ETHUSDT", "buy", "1", "2900", #","position_side":"short""#),
            ])
        let body = try world.body()
        let rows = try #require(body["positions"]?.elements)
        #expect(
            rows.map { "\($0["symbol"]?.text ?? "") \($0["positionSide"]?.text ?? "")" }
                == ["BTCUSDT LONG", "BTCUSDT SHORT", "ETHUSDT SHORT"])
        expect(try body.position("BTCUSDT", side: "LONG"), [("initialMargin", "600.00000000")])
        expect(
            try body.position("BTCUSDT", side: "SHORT"),
            [("positionAmt", "0.000"), ("initialMargin", "305.00000000"), ("notional", "0")])
        // An empty side has the symbol's last change, here that of the other side.
        #expect(try body.position("BTCUSDT", side: "SHORT")["updateTime"]?.integer == 1_780_272_000_000)
        // A closing order takes no margin.
        expect(
            try body.position("ETHUSDT", side: "SHORT"),
            [
                ("positionAmt", "-1.000"), ("initialMargin", "150.00000000"),
                ("unrealizedProfit", "100.00000000"),
            ])
    }

    @Test("both spellings of zero, and more digits than the precision")
    func zeros() throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000""#), deposit("USDT", "100"),
            order("far", "BTCUSDT", "buy", "0.0001234", "60000"),
        ])
        let row = try world.body().position("BTCUSDT")
        #expect(row["updateTime"]?.integer == 0, "an order alone changes no position")
        expect(
            row,
            [
                ("positionAmt", "0.000"), ("unrealizedProfit", "0.00000000"), ("isolatedMargin", "0"),
                ("notional", "0"), ("isolatedWallet", "0"), ("initialMargin", "0.37020000"),
                ("maintMargin", "0"),
            ])
        try world.apply(importPosition("DOGEUSDT", "12.5", "0.1"))
        #expect(try world.body().position("DOGEUSDT")["positionAmt"]?.text == "12.5")
    }

    @Test("reduce-only orders take no margin; the lower side of the book none either")
    func orders() throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000""#), deposit("USDT", "10000"),
            importPosition("BTCUSDT", "0.5", "60000"),
            order("reduce", "BTCUSDT", "sell", "2", "60000", #","reduce_only":true"#),
            order("take", "BTCUSDT", "sell", "0.5", "62000"),
        ])
        expect(try world.body(), [("totalOpenOrderInitialMargin", "0.00000000")])
    }

    @Test("what is raised is shown")
    func overridden() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                deposit("ETH", "1"), desk("raise", #""flag":"marginAvailable","asset":"ETH","value":false"#),
                desk("raise", #""flag":"feeTier","value":3"#),
                desk("raise", #""flag":"canTrade","value":false"#),
                desk("raise", #""flag":"notionalCoef","value":"1.5""#),
            ])
        #expect(try world.body().asset("ETH")["marginAvailable"]?.boolean == false)
        expect(try world.body(), [("totalWalletBalance", "0.00000000")])
        let account = try await world.signed("GET", "/fapi/v2/account").json
        #expect(account["feeTier"]?.integer == 3)
        #expect(account["canTrade"]?.boolean == false)
        let table = try await world.signed("GET", "/fapi/v1/leverageBracket", "symbol=ETHUSDT").json.elements?
            .first
        #expect(table?["notionalCoef"]?.numberText == "1.5")
        #expect(table?["brackets"]?.elements?[1]["notionalFloor"]?.numberText == "75000")
        #expect(table?["brackets"]?.elements?[1]["cum"]?.numberText == "75")
        try world.apply(desk("raise", #""flag":"feeTier","value":null"#))
        #expect(try await world.signed("GET", "/fapi/v2/account").json["feeTier"]?.integer == 0)
    }
}
