import JSON
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("Figures: what recordings and documents state")
struct FigureTests {
    @Test(
        "maintenance margin is cut to 8 places, never rounded",
        arguments: [
            ("1992.46079250", "0.006", "0", "11.95476475"), ("49.72023376", "0.01", "0", "0.49720233"),
            ("7.02746920", "0.015", "0", "0.10541203"), ("-1992.46079250", "0.006", "0", "11.95476475"),
            ("30617.2839", "0.004", "0", "122.4691356"), ("600000", "0.005", "50", "2950"),
        ])
    func maintenance(_ notional: String, _ rate: String, _ cum: String, _ expected: String) throws {
        let row = PositionRow([
            .notional: try decimal(notional), .maintenanceRate: try decimal(rate),
            .cumulative: try decimal(cum),
        ])
        #expect(try row[.maintMargin] == decimal(expected))
    }

    @Test(
        "initial margin is |notional| × (1 ÷ leverage rounded up), cut until 2025, half up since",
        arguments: [
            ("49.72023376", "20", "2.48601168", "2.48601169"),
            ("-1992.46079250", "20", "99.62303962", "99.62303963"),
            ("12.31427700", "20", "0.61571385", "0.61571385"),
            // Recorded in May 2025, then in 2026.
            ("-2653.68672", "3", "884.56225769", "884.56225769"),
            ("3.47697", "3", "1.15899002", "1.15899002"),
            ("124.99870498", "10", "12.49987049", "12.49987050"),
            ("24.92026492", "20", "1.24601324", "1.24601325"),
            ("100", "7", "14.285715", "14.285715"), ("1000", "75", "13.33334", "13.33334"),
        ])
    func initialMargin(_ notional: String, _ leverage: String, _ cut: String, _ halfUp: String) throws {
        for (form, expected) in [(PrintForm.cut(8), cut), (.halfUp(8), halfUp)] {
            let row = PositionRow(
                [.notional: try decimal(notional), .leverage: try decimal(leverage)], form)
            #expect(try row[.positionInitialMargin] == decimal(expected))
        }
    }

    @Test(
        "the profit of an averaged entry counts eight places of it",
        arguments: [
            ("-103176", "0.02572", "0.0255636616153", "-16.13053584"),
            ("0.9", "3.8633", "3.813369748279", "0.04493723"), ("0", "3.8633", "0", "0"),
        ])
    func averagedProfit(_ quantity: String, _ mark: String, _ entry: String, _ expected: String) throws {
        let quantity = try decimal(quantity)
        let row = PositionRow([
            .positionAmt: quantity, .markPrice: try decimal(mark),
            .cost: try quantity.times(decimal(entry), rounding: .halfEven),
        ])
        #expect(try row[.unrealizedProfit] == decimal(expected))
    }

    @Test(
        "entry prices have 13 places less the digits before their point",
        arguments: [
            ("-2637.5563508201928", "-103176", "0.0255636616153"),
            ("3.4320327734511", "0.9", "3.813369748279"),
            ("100000", "3", "33333.33333333"), ("10", "3", "3.333333333333"),
            ("370000", "3", "123333.3333333"),
            ("0.00084", "3", "0.00028"), ("2", "3", "0.6666666666666"),
        ])
    func entryPrice(_ cost: String, _ quantity: String, _ expected: String) throws {
        let row = PositionRow([.cost: try decimal(cost), .positionAmt: try decimal(quantity)])
        #expect(try row[.entryPrice] == decimal(expected))
    }

    @Test("notional and unrealized profit are cut toward zero")
    func towardZero() throws {
        let row = PositionRow([
            .positionAmt: try decimal("0.001"), .markPrice: try decimal("21123.05052574"),
            .cost: try decimal("22.1852"),
        ])
        #expect(try row[.notional] == decimal("21.12305052"))
        #expect(
            try row[.unrealizedProfit] == decimal("-1.06214947"),
            "-1.06214947426 goes toward zero, not down")
    }

    @Test(
        "position and orders need the larger of both ways",
        arguments: [
            ("10000", "1900", "2200", "2", "5950"), ("-10000", "1900", "2200", "2", "6100"),
            ("0", "100", "40", "10", "10"), ("100", "0", "250", "1", "150"),
        ])
    func requirement(
        _ notional: String, _ buys: String, _ sells: String, _ leverage: String, _ expected: String
    ) throws {
        let row = PositionRow(
            [
                .notional: try decimal(notional), .bidNotional: try decimal(buys),
                .askNotional: try decimal(sells), .leverage: try decimal(leverage),
            ], .cut(8))
        #expect(try row[.initialMargin] == decimal(expected))
    }

    @Test(
        "index rates as the asset index page shows them",
        arguments: [("0.1", "1.73661633", "2.12253107"), ("0.05", "1.83309501", "2.02605238")])
    func rates(_ buffer: String, _ bid: String, _ ask: String) throws {
        let buffer = try decimal(buffer)
        let row = AssetRow([.index: try decimal("1.92957370"), .bidBuffer: buffer, .askBuffer: buffer])
        #expect(try row[.bidRate] == decimal(bid))
        #expect(try row[.askRate] == decimal(ask))
    }

    @Test(
        "break-even prices: recorded after a maker's fee (November 2023) and after partial closes (May 2025)",
        arguments: [
            ("0.003", "37140", "0.022284", "0", "37147.428"),
            ("-103176", "0.0255636616153", "0", "-314.6692987503648", "0.0225138312405"),
            ("0.9", "3.813369748279", "0", "112.6020727139211", "-121.3000443783"),
            ("-2", "3000", "1.2", "0", "2999.4"), ("1", "100", "0.5", "-2", "102.5"),
        ])
    func breakEven(
        _ quantity: String, _ entry: String, _ fees: String, _ realised: String, _ expected: String
    ) throws {
        let quantity = try decimal(quantity)
        let row = PositionRow([
            .cost: try quantity.times(decimal(entry), rounding: .halfEven), .commission: try decimal(fees),
            .realizedProfit: try decimal(realised), .positionAmt: quantity,
        ])
        #expect(try row[.breakEvenPrice] == decimal(expected))
    }

    @Test("brackets as served on 24 October 2024 and from 19 August 2025 on")
    func brackets() async throws {
        let cumulative2024 = [
            "0", "50", "950", "11450", "131450", "481450", "2981450", "14481450", "26481450", "41481450",
            "121481450", "421481450",
        ]
        let ethereum = [
            "0", "50", "950", "11450", "131450", "381450", "2006450", "9506450", "17506450", "27506450",
            "80506450", "280506450",
        ]
        let world = try binanceWorld(time: 1_735_689_600_000)
        func table(_ symbol: String) async throws -> [JSONValue] {
            let response = await world.signed("GET", "/fapi/v1/leverageBracket", "symbol=\(symbol)")
            return try #require(response.json.elements?.first?["brackets"]?.elements)
        }
        #expect(try await table("BTCUSDT").map { $0["cum"]?.numberText } == cumulative2024)
        #expect(try await table("ETHUSDT").map { $0["cum"]?.numberText } == ethereum)
        world.setLedgerTime(1_755_561_600_000)
        let later = try await table("BTCUSDT").prefix(4)
        #expect(later.map { $0["cum"]?.numberText } == ["0", "300", "1500", "12000"])
        #expect(later.map { $0["notionalCap"]?.numberText } == ["300000", "800000", "3000000", "12000000"])
        #expect(later.map { $0["initialLeverage"]?.numberText } == ["150", "100", "75", "50"])
        #expect(try await table("ETHUSDT").map { $0["cum"]?.numberText } == ethereum)
    }
}

@Suite("Golden vectors")
struct GoldenTests {
    @Test("A: a recorded multi-assets account, to the last digit")
    func recordedAccount() throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#, time: 1_735_689_600_000,
            commands: [
                marks(#""WLDUSDT":"2.3468325""#, index: #""USDT":"0.999880785","USDC":"1""#),
                deposit("USDT", "72.72317863"), deposit("USDC", "27.13879243"),
                importPosition("WLDUSDT", "-849", "2.36"),
            ])
        let body = try world.body()
        expect(
            try body.asset("USDT"),
            [
                ("walletBalance", "72.72317863"), ("unrealizedProfit", "11.17920750"),
                ("marginBalance", "83.90238613"), ("maintMargin", "11.95476475"),
                ("initialMargin", "99.62303962"), ("positionInitialMargin", "99.62303962"),
                ("openOrderInitialMargin", "0.00000000"), ("crossWalletBalance", "72.72317863"),
                ("crossUnPnl", "11.17920750"), ("availableBalance", "11.39916777"),
                ("maxWithdrawAmount", "11.39916777"),
            ])
        expect(
            body,
            [
                ("totalInitialMargin", "99.62112386"), ("totalMaintMargin", "11.95453485"),
                ("totalWalletBalance", "99.84331553"), ("totalUnrealizedProfit", "11.17675690"),
                ("totalMarginBalance", "111.02007243"), ("availableBalance", "11.39894857"),
                ("maxWithdrawAmount", "11.39894857"),
            ])
        expect(
            try body.position("WLDUSDT"), [("positionAmt", "-849"), ("notional", "-1992.46079250")])
    }

    @Test("B: the FAQ's multi-assets example")
    func frequentlyAsked() throws {
        let rulebook = #"""
            {"venue":"binance","effective":"2026-01-01T00:00:00Z","amends":true,"read_on":"2026-01-01",
             "source":"the FAQ's example","assets":{
              "USDT":{"bid_buffer":"0.01","ask_buffer":"0.005"},"USDC":{"bid_buffer":"0","ask_buffer":"0"}},
             "instruments":{"BTCUSDT":{"brackets":[["1000000","100","0.008"]]},
              "ETHUSDC":{"settle":"USDC","brackets":[["1000000","50","0.01"]]}}}
            """#
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#, rulebooks: [rulebook],
            commands: [
                marks(#""BTCUSDT":"20000","ETHUSDC":"600""#, index: #""USDT":"0.99","USDC":"1""#),
                deposit("USDT", "200"), deposit("USDC", "220"),
            ])
        let empty = try world.body()
        expect(empty, [("totalMarginBalance", "416.02000000"), ("availableBalance", "416.02000000")])
        #expect(try empty.asset("USDT").string("availableBalance").hasPrefix("418.13"))
        expect(try empty.asset("USDC"), [("availableBalance", "416.02000000")])
        try world.apply(
            importPosition("BTCUSDT", "0.5", "20000", #","leverage":"100""#),
            importPosition("ETHUSDC", "20", "600", #","leverage":"50""#))
        let held = try world.body()
        expect(held, [("availableBalance", "76.52500000"), ("totalMaintMargin", "199.59600000")])
        #expect(try held.asset("USDT").string("availableBalance").hasPrefix("76.91"))
    }

    @Test("C: cross and isolated positions with orders in single-asset mode")
    func computedAccount() async throws {
        let world = try binanceWorld(commands: vectorC)
        let body = try world.body()
        let asset: [(String, String)] = [
            ("crossWalletBalance", "9400.00000000"), ("crossUnPnl", "617.28390000"),
            ("unrealizedProfit", "517.28390000"), ("marginBalance", "10517.28390000"),
            ("maintMargin", "146.86913560"), ("positionInitialMargin", "2140.86419500"),
            ("initialMargin", "2443.36419500"), ("availableBalance", "8183.91970500"),
            ("maxWithdrawAmount", "8183.91970500"), ("walletBalance", "10000.00000000"),
        ]
        expect(try body.asset("USDT"), asset)
        expect(
            body,
            [
                ("totalMarginBalance", "10517.28390000"), ("totalInitialMargin", "2443.36419500"),
                ("totalOpenOrderInitialMargin", "302.50000000"), ("availableBalance", "8183.91970500"),
            ])
        expect(
            try body.position("BTCUSDT"),
            [
                ("positionAmt", "0.500"), ("notional", "30617.28390000"),
                ("unrealizedProfit", "617.28390000"), ("initialMargin", "1833.36419500"),
                ("maintMargin", "122.46913560"), ("isolatedMargin", "0"), ("isolatedWallet", "0"),
            ])
        expect(
            try body.position("ETHUSDT"),
            [
                ("positionAmt", "-2.000"), ("notional", "-6100.00000000"),
                ("unrealizedProfit", "-100.00000000"), ("initialMargin", "610.00000000"),
                ("maintMargin", "24.40000000"), ("isolatedMargin", "500.00000000"),
                ("isolatedWallet", "600.00000000"),
            ])
        let risk = try await world.signed("GET", "/fapi/v3/positionRisk").json
        expect(
            try risk.position("BTCUSDT"),
            [
                ("liquidationPrice", "41365.46184738"), ("openOrderInitialMargin", "302.50000000"),
                ("positionInitialMargin", "1530.86419500"), ("entryPrice", "60000"),
                ("markPrice", "61234.56780000"),
            ])
        expect(try risk.position("ETHUSDT"), [("liquidationPrice", "3286.85258964")])
    }
}

/// Golden vector C: a cross and an isolated position, and orders.
let vectorC = [
    marks(#""BTCUSDT":"61234.5678","ETHUSDT":"3050""#), deposit("USDT", "10000"),
    importPosition("BTCUSDT", "0.5", "60000", #","leverage":"20""#),
    importPosition(
        "ETHUSDT", "-2", "3000", #","margin_mode":"isolated","isolated_wallet":"600","leverage":"10""#),
    order("buy", "BTCUSDT", "buy", "0.1", "60500"), order("sell", "BTCUSDT", "sell", "0.7", "62000"),
]
