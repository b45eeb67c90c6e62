import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// The symbols that generated accounts use, with a mark.
private let symbols = [
    ("BTCUSDT", 60000), ("ETHUSDT", 3000), ("SOLUSDT", 150), ("XRPUSDT", 2), ("BTCUSDC", 60000),
    ("ETHUSDC", 3000),
]

/// An account with random money, positions and orders; the seed is in every message.
struct GeneratedAccount {
    let world: BinanceWorld
    let isMulti: Bool
    let isHedged: Bool

    init(seed: UInt64) throws {
        var random = SeededNumbers(seed: seed)
        isMulti = seed % 3 == 0
        isHedged = seed % 2 == 0
        world = try binanceWorld(settings: #"{"multi_assets":\#(isMulti),"hedge":\#(isHedged)}"#)
        for asset in ["USDT", "USDC", "BTC", "BNB"] where Bool.random(using: &random) || asset == "USDT" {
            let limit = asset == "BTC" || asset == "BNB" ? 300_000_000 : 10_000_000_000_000
            try world.apply(deposit(asset, try random.decimal(upTo: limit, places: 8).description))
        }
        for (symbol, price) in symbols where Int.random(in: 0..<3, using: &random) > 0 {
            let spread = try random.decimal(upTo: price * 100_000, places: 6)
            let mark = try ExactDecimal(price) + spread
            try world.apply(marks(#""\#(symbol)":"\#(mark)""#))
            try addPositions(symbol, price, &random)
            try addOrders(symbol, mark, &random)
        }
    }

    private func addPositions(_ symbol: String, _ price: Int, _ random: inout SeededNumbers) throws {
        let mode = !isMulti && Bool.random(using: &random) ? #","margin_mode":"isolated""# : ""
        let leverage = [1, 5, 20, 50].randomElement(using: &random) ?? 20
        for side in isHedged ? ["long", "short"] : ["net"] where Bool.random(using: &random) {
            let size = try random.decimal(upTo: 30_000_000 / price, places: 3)
            let isShort = side == "short" || (side == "net" && Bool.random(using: &random))
            let entry = try ExactDecimal(price) + random.decimal(upTo: price * 100_000, places: 6)
            let position = side == "net" ? "" : #","position_side":"\#(side)""#
            try world.apply(
                importPosition(
                    symbol, (isShort ? -size : size).description, entry.description,
                    mode + position + #","leverage":"\#(leverage)""#))
        }
    }

    private func addOrders(_ symbol: String, _ mark: ExactDecimal, _ random: inout SeededNumbers) throws {
        for number in 0..<Int.random(in: 0...3, using: &random) {
            let side = Bool.random(using: &random) ? "buy" : "sell"
            let position =
                isHedged ? #","position_side":"\#(Bool.random(using: &random) ? "long" : "short")""# : ""
            let size = try random.decimal(upTo: 1000, places: 3)
            try world.apply(
                order(
                    "\(symbol)-\(number)", symbol, side, size.description, mark.description,
                    position + #","force":true"#))
        }
    }
}

extension ExactDecimal {
    /// Whether two figures differ by at most so many units of 10⁻⁸.
    fileprivate func isWithin(_ units: Int, of other: ExactDecimal) throws -> Bool {
        try (self - other).magnitude
            <= ExactDecimal(units).over(ExactDecimal(100_000_000), rounding: .halfEven)
    }
}

@Suite("Relations that hold for every account")
struct PropertyTests {
    @Test("sums, signs and bounds of rows and totals", arguments: 1...120)
    func relations(_ seed: Int) throws {
        let account = try GeneratedAccount(seed: UInt64(seed))
        let figures = try account.world.figures()
        for row in figures.assets {
            let label: Comment = "seed \(seed), \(row.asset)"
            func own(_ figure: PositionFigure) throws -> ExactDecimal {
                try figures.positions.filter { $0.mode.marginAsset == row.asset }.sum(figure)
            }
            #expect(try row[.marginBalance] == row[.walletBalance] + row[.unrealizedProfit], label)
            #expect(
                try row[.initialMargin] == row[.positionInitialMargin] + row[.openOrderInitialMargin], label)
            #expect(try row[.walletBalance] >= row[.crossWalletBalance], label)
            #expect(try !row[.availableBalance].isNegative && !row[.maxWithdrawAmount].isNegative, label)
            #expect(try row[.maxWithdrawAmount] <= row[.availableBalance], label)
            #expect(try !row[.maintMargin].isNegative, label)
            #expect(try own(.unrealizedProfit) == row[.unrealizedProfit], label)
            #expect(try own(.maintMargin) == row[.maintMargin], label)
            #expect(try own(.initialMargin) == row[.initialMargin], label)
        }
        for row in figures.positions {
            let (quantity, notional) = try (row[.positionAmt], row[.notional])
            #expect(try !row[.openOrderInitialMargin].isNegative, "seed \(seed), \(row.symbol)")
            #expect(quantity.signum == notional.signum || notional.isZero, "seed \(seed)")
            #expect(try row[.isolatedMargin].isZero || row.mode.marginMode == .isolated, "seed \(seed)")
        }
        let available = try figures[.availableBalance]
        if figures.mode.isMultiAssets {
            let free = try figures[.totalMarginBalance] - figures[.totalInitialMargin]
            #expect(available == max(.zero, free), "seed \(seed)")
            #expect(try figures[.maxWithdrawAmount] <= available, "seed \(seed)")
        } else {
            let usdt = try #require(figures.asset("USDT"))
            #expect(try figures[.totalMarginBalance] == usdt[.marginBalance], "seed \(seed)")
            #expect(try available == usdt[.availableBalance], "seed \(seed)")
        }
        #expect(try account.world.account("desk")?.imbalances().isEmpty == true, "seed \(seed)")
    }

    @Test("at the liquidation price, what backs a position meets its maintenance margin", arguments: 1...120)
    func liquidation(_ seed: Int) async throws {
        let account = try GeneratedAccount(seed: UInt64(seed))
        // In multi-assets mode the price is worked out at the ask rate alone, a choice of ours.
        if account.isMulti { return }
        let world = account.world
        let before = try world.figures()
        let risk = try await world.signed("GET", "/fapi/v3/positionRisk").json
        for row in before.positions where row.mode.isOpen {
            let price = try decimal(
                try risk.position(row.symbol, side: row.sideName).string("liquidationPrice"))
            if price.isZero { continue }
            let original = try row[.markPrice]
            try world.apply(marks(#""\#(row.symbol)":"\#(price)""#))
            let after = try world.figures()
            let moved = try #require(
                after.positions.first { $0.symbol == row.symbol && $0.side == row.side })
            let asset = try #require(after.asset(row.mode.marginAsset))
            let isCross = row.mode.marginMode == .cross
            let equity = try isCross ? asset[.crossMarginBalance] : moved[.isolatedMargin]
            let maintenance = try isCross ? asset[.crossMaintMargin] : moved[.maintMargin]
            // One unit of the price's last digit, times the size, and one of each figure.
            let whole = try row[.positionAmt].magnitude.rounded(places: 0, rounding: .ceiling)
            #expect(
                try equity.isWithin(2 * (Int(whole.description) ?? 0) + 16, of: maintenance),
                "seed \(seed), \(row.name) at \(price): \(equity) and \(maintenance)")
            try world.apply(marks(#""\#(row.symbol)":"\#(original)""#))
        }
    }

    @Test("multi-assets mode: solved in USD over all others, divided by the margin asset's ask rate")
    func multiAssetsLiquidation() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(#""BTCUSDT":"60000","ETHUSDC":"3000""#, index: #""USDT":"1","USDC":"1""#),
                deposit("USDT", "1000"), deposit("USDC", "2000"), importPosition("BTCUSDT", "0.5", "61000"),
                importPosition("ETHUSDC", "-1", "3100"),
            ])
        let risk = try await world.signed("GET", "/fapi/v3/positionRisk").json
        // USD: 1000 × 0.9999 + 2100 × 0.9999 − maintenance of ETHUSDC 12 × 1.0001 = 3087.6888; ÷ 1.0001 =
        // 3087.38006199… (3087.38006199 − 30500) ÷ (0.5 × 0.004 − 0.5)
        expect(try risk.position("BTCUSDT"), [("liquidationPrice", "55045.42156226")])
        // USD: (1000 − 500) × 0.9999 + 2000 × 0.9999 − maintenance of BTCUSDT 120 × 1.0001 = 2379.738; ÷
        // 1.0001 (2379.50004999… + 3100) ÷ (0.004 + 1)
        expect(try risk.position("ETHUSDC"), [("liquidationPrice", "5457.66937250")])
    }

    @Test("a long that needs no margin back has no liquidation price, and brackets change on the way")
    func noLiquidation() async throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000","ETHUSDT":"3000""#), deposit("USDT", "100000"),
            importPosition("BTCUSDT", "1", "60000"),
        ])
        expect(
            try await world.signed("GET", "/fapi/v3/positionRisk").json.position("BTCUSDT"),
            [("liquidationPrice", "0")])
        try world.apply(importPosition("ETHUSDT", "-10", "3000"))
        let risk = try await world.signed("GET", "/fapi/v3/positionRisk").json
        // At the answer the notional is beyond 50000, in the second bracket: cum 50, rate 0.005.
        expect(try risk.position("ETHUSDT"), [("liquidationPrice", "12916.41791044")])
    }
}
