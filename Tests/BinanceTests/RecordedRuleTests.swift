import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// Rules that recordings settle, where the server applies them.
@Suite("Rules of recordings")
struct RecordedRuleTests {
    private let people = [
        marks(#""WLDUSDT":"0.02572""#), deposit("USDT", "7600"),
        desk("set_leverage", #""instrument":"WLDUSDT","leverage":"3""#),
        importPosition("WLDUSDT", "-103176", "0.0255636616153", #","realised":"-314.6692987503648""#),
    ]

    @Test("a recorded row of May 2025, figure by figure, and as the stream and the v2 answers have it")
    func averagedShort() async throws {
        let world = try binanceWorld(time: 1_747_845_145_000, commands: people)
        let row = try await world.signed("GET", "/fapi/v3/positionRisk").json.position("WLDUSDT")
        expect(
            row,
            [
                ("entryPrice", "0.0255636616153"), ("breakEvenPrice", "0.0225138312405"),
                ("unRealizedProfit", "-16.13053584"), ("notional", "-2653.68672000"),
                ("initialMargin", "884.56225769"), ("positionInitialMargin", "884.56225769"),
            ])
        expect(
            try world.body(),
            [
                ("totalInitialMargin", "884.56225769"), ("totalUnrealizedProfit", "-16.13053584"),
                ("totalMarginBalance", "7583.86946416"),
            ])
        for path in ["/fapi/v2/positionRisk", "/fapi/v2/account"] {
            let answer = try await world.signed("GET", path).json
            expect(
                try answer.position("WLDUSDT"),
                [("entryPrice", "0.0255636616153"), ("breakEvenPrice", "0.0225138312405")])
        }
    }

    @Test("the product of an initial margin is cut until 2025 and half up from 2026 on; maintenance is cut")
    func datedRounding() throws {
        for (time, margin) in [(Int64(1_767_225_599_999), "12.49987049"), (1_767_225_600_000, "12.49987050")]
        {
            let world = try binanceWorld(
                time: time,
                commands: [
                    marks(#""WLDUSDT":"124.99870498""#), deposit("USDT", "500"),
                    importPosition("WLDUSDT", "1", "120", #","leverage":"10""#),
                ])
            expect(try world.body().position("WLDUSDT"), [("initialMargin", margin)])
            expect(try world.body().position("WLDUSDT"), [("maintMargin", "0.74999222")])
        }
    }

    @Test("commissions and realized profits of a position's life make its break-even price")
    func breakEven() async throws {
        func trade(_ side: String, _ quantity: String, _ price: String, _ more: String) -> String {
            desk(
                "fill",
                #""instrument":"BTCUSDT","side":"\#(side)","quantity":"\#(quantity)","#
                    + #""price":"\#(price)"\#(more)"#
            )
        }
        let world = try binanceWorld(commands: [deposit("USDT", "10000")])
        func breakEven() async throws -> String {
            let risk = await world.signed("GET", "/fapi/v3/positionRisk")
            return try risk.json.position("BTCUSDT").string("breakEvenPrice")
        }
        try world.apply(trade("buy", "0.2", "60000", #","fee":"4""#))
        #expect(try await breakEven() == "60020")
        try world.apply(trade("buy", "0.2", "61000", #","fee":"4""#))
        #expect(try await breakEven() == "60520")
        // A commission in another asset is not among them.
        try world.apply(trade("sell", "0.1", "62500", #","fee":"0.01","fee_asset":"BNB""#))
        // (18150 + 8 − 200) ÷ 0.3
        #expect(try await breakEven() == "59860")
        // What turns the position around brings the new one its share of the fee alone.
        try world.apply(trade("sell", "0.4", "60000", #","fee":"8""#))
        #expect(try await breakEven() == "59980")
    }

    @Test("the leverage of a symbol is one, whatever a command names")
    func oneLeverage() async throws {
        let isolated = #""instrument":"BTCUSDT","leverage":"5","margin_mode":"isolated""#
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000""#), deposit("USDT", "1000"), desk("set_leverage", isolated),
            desk("fill", #""instrument":"BTCUSDT","side":"buy","quantity":"0.01","price":"60000""#),
        ])
        expect(try world.body().position("BTCUSDT"), [("initialMargin", "120.00000000")])
        let config = await world.signed("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT")
        #expect(try config.json.elements?.first?["leverage"]?.numberText == "5")

        let hedged = try binanceWorld(
            settings: #"{"hedge":true}"#,
            commands: [
                marks(#""BTCUSDT":"60000""#), deposit("USDT", "10000"),
                importPosition("BTCUSDT", "0.01", "60000", #","position_side":"long","leverage":"5""#),
                importPosition("BTCUSDT", "-0.02", "60000", #","position_side":"short""#),
            ])
        expect(try hedged.body().position("BTCUSDT", side: "LONG"), [("initialMargin", "120.00000000")])
        expect(try hedged.body().position("BTCUSDT", side: "SHORT"), [("initialMargin", "240.00000000")])
        let sided = #""instrument":"BTCUSDT","leverage":"10","position_side":"short""#
        try hedged.apply(desk("set_leverage", sided))
        expect(try hedged.body().position("BTCUSDT", side: "LONG"), [("initialMargin", "60.00000000")])
    }

    @Test("an isolated position is funded by the symbol's leverage, whatever the command that set it named")
    func isolatedFunding() throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000""#), deposit("USDT", "1000"),
            desk("set_leverage", #""instrument":"BTCUSDT","leverage":"5","margin_mode":"cross""#),
            desk(
                "fill",
                #""instrument":"BTCUSDT","side":"buy","quantity":"0.01","price":"60000","#
                    + #""margin_mode":"isolated""#
            ),
        ])
        expect(try world.body().position("BTCUSDT"), [("isolatedWallet", "120.00000000")])
    }

    @Test("a margin asset that is worth nothing shows nothing available, and the rest stands")
    func worthlessAsset() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(
                    #""BTCUSDT":"60000","BTCUSDC":"60000""#,
                    index: #""USDT":"1","USDC":"0.000000001","LDUSDT":"0.000000000000000001""#),
                deposit("USDT", "10000"), deposit("LDUSDT", "5"), deposit("USDC", "3"),
                importPosition("BTCUSDT", "0.1", "60000"), importPosition("BTCUSDC", "0.1", "60000"),
            ])
        let body = try world.body()
        for asset in ["LDUSDT", "USDC"] {
            expect(
                try body.asset(asset),
                [("availableBalance", "0.00000000"), ("maxWithdrawAmount", "0.00000000")])
        }
        expect(body, [("totalWalletBalance", "9999.00000000"), ("availableBalance", "9698.97000000")])
        for path in [
            "/fapi/v3/positionRisk", "/fapi/v2/account", "/fapi/v2/positionRisk", "/fapi/v3/balance",
        ] {
            #expect(await world.signed("GET", path).status == 200, "\(path)")
        }
        let snapshot = try #require(world.snapshot(of: "desk"))
        #expect(!(try world.model.explain(snapshot, through: world)).isEmpty)
        try world.apply(desk("withdraw", #""asset":"USDC","amount":"900","force":true"#))
        let due = try world.refusal(of: desk("auto_exchange", #""liquidation":true"#))
        #expect(due?.code == .notAllowed)
    }
}
