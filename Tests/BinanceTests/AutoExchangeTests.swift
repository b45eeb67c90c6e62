import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("What the venue exchanges by itself in multi-assets mode")
struct AutoExchangeTests {
    private func world(
        _ settings: String = #"{"multi_assets":true}"#, _ commands: String...
    ) throws -> BinanceWorld {
        try binanceWorld(
            settings: settings,
            commands: [
                marks(
                    #""BTCUSDT":"60000""#,
                    index: #""BTC":"60000","ETH":"3000","USDT":"1","USDC":"1""#)
            ] + commands)
    }

    private func take(_ asset: String, _ amount: String) -> String {
        desk("withdraw", #""asset":"\#(asset)","amount":"\#(amount)","force":true"#)
    }

    private func wallets(_ world: BinanceWorld) throws -> [String: String] {
        var found: [String: String] = [:]
        for row in try #require(try world.body()["assets"]?.elements) {
            let balance = try row.string("walletBalance")
            if balance != "0.00000000" { found[try row.string("asset")] = balance }
        }
        #expect(try #require(world.account("desk")).imbalances().isEmpty)
        return found
    }

    /// The exchanges that the last command came to.
    private func exchanges(_ world: BinanceWorld, after sequence: Int64) -> [AutoExchange] {
        world.events(after: sequence).compactMap {
            if case .autoExchanged(let exchange) = $0.body { exchange } else { nil }
        }
    }

    @Test("The page's example: 5,000 USDC at 97.5 % take BTC worth 5,128.20")
    func publishedExample() throws {
        let moved = try BinanceFigures.autoExchange(
            deficit: decimal("5000"), askRate: .one, wallets: [(decimal("10000"), decimal("0.975"))])
        #expect(moved.bought == ExactDecimal(5000))
        #expect(moved.sold == [try decimal("5128.20512821")])
    }

    @Test("A wallet below its threshold is filled up to nothing, at the rates of assetIndex")
    func threshold() async throws {
        let world = try world(#"{"multi_assets":true}"#, deposit("BTC", "1"), take("USDC", "5000"))
        let refusal = try #require(try world.refusal(of: desk("auto_exchange")))
        #expect(refusal.code == .notAllowed, "at the threshold it is not below it")
        try world.apply(take("USDC", "0.00000001"))
        let before = world.lastSequence
        try world.apply(desk("auto_exchange"))
        // 5000.00000001 × 1.0001 = 5000.500000010001 USD, ÷ 58500 and rounded up.
        #expect(try wallets(world) == ["BTC": "0.91452136"])
        let made = try #require(exchanges(world, after: before).first)
        #expect(made.reason == .threshold)
        #expect(
            made.bought
                == AutoExchange.Part(
                    asset: "USDC", amount: try decimal("5000.00000001"), rate: try decimal("1.0001")))
        #expect(
            made.sold == [
                AutoExchange.Part(asset: "BTC", amount: try decimal("0.08547864"), rate: ExactDecimal(58500))
            ])
        let index = try JSONValue(
            parsing: await world.request("GET", "/fapi/v1/assetIndex?symbol=BTCUSD").body)
        #expect(index["autoExchangeBidRate"]?.text == "58500.00000000")
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed)
    }

    @Test("Several assets give in proportion to what they are worth")
    func proportion() throws {
        let world = try world(
            #"{"multi_assets":true}"#, deposit("BTC", "0.5"), deposit("ETH", "10"), take("USDT", "6000"),
            desk("auto_exchange"))
        // Each 29,250 USD: 6000.6 ÷ 58500 of either.
        #expect(try wallets(world) == ["BTC": "0.44871282", "ETH": "8.97425641"])
    }

    @Test("What is not worth as much is given whole, and the rest stays owed")
    func shortfall() throws {
        let world = try world(
            #"{"multi_assets":true}"#, deposit("BTC", "0.01"), take("USDT", "6000"), desk("auto_exchange"))
        // 585 USD ÷ 1.0001, cut.
        #expect(try wallets(world) == ["USDT": "-5415.05849416"])
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed, "nothing is left to give")
    }

    @Test("Two debts one after the other, in the rulebook's order")
    func twoDebts() throws {
        let world = try world(
            #"{"multi_assets":true}"#, deposit("ETH", "3"), take("USDC", "6000"), take("USDT", "6000"))
        let before = world.lastSequence
        try world.apply(desk("auto_exchange"))
        // 3 × 2925 = 8775 USD: 6000.6 for USDT take 2.05148718 ETH; 0.94851282 are left for USDC.
        let made = exchanges(world, after: before)
        #expect(made.map(\.bought.asset) == ["USDT", "USDC"])
        #expect(
            made.map { $0.sold.map(\.amount) } == [[try decimal("2.05148718")], [try decimal("0.94851282")]])
        // 0.94851282 × 2925 = 2774.3999985 USD, ÷ 1.0001 and cut.
        #expect(try wallets(world) == ["USDC": "-3225.87741376"])
    }

    @Test("Users above VIP 1 have a threshold of their own")
    func feeTier() throws {
        let world = try world(#"{"multi_assets":true}"#, deposit("BTC", "1"), take("USDT", "10000"))
        try world.apply(desk("raise", #""flag":"feeTier","value":2"#))
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed)
        try world.apply(take("USDT", "0.01"), desk("auto_exchange"))
        #expect(try wallets(world).keys.sorted() == ["BTC"])
        try world.apply(desk("raise", #""flag":"feeTier","value":1"#), take("USDT", "5001"))
        #expect(try world.refusal(of: desk("auto_exchange")) == nil)
    }

    @Test("Without positions and orders the loan to value counts")
    func loanToValue() throws {
        // 994 × 1.0001 ÷ (1000 × 0.9999) is 0.9942, and of 995 it is 0.9952.
        let world = try world(#"{"multi_assets":true}"#, deposit("USDC", "1000"), take("USDT", "994"))
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed)
        try world.apply(
            take("USDT", "1"), order("a", "BTCUSDT", "buy", "0.001", "50000", #","force":true"#))
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed, "there is an order")
        try world.apply(desk("cancel_order", #""order_id":"a""#))
        let before = world.lastSequence
        try world.apply(desk("auto_exchange"))
        #expect(exchanges(world, after: before).map(\.reason) == [.loanToValue])
        // 995 × 1.0001 ÷ 0.9999, rounded up, of 1000.
        #expect(try wallets(world) == ["USDC": "4.80098009"])
    }

    @Test(
        "The limit of the loan to value itself reaches it",
        arguments: [
            ("995", "1000", true), ("994.99999999", "1000", false), ("0", "0", false), ("1", "0", true),
        ])
    func limit(_ loan: String, _ value: String, _ isReached: Bool) throws {
        #expect(
            BinanceFigures.isLoanToValueReached(
                loan: try decimal(loan), value: try decimal(value), limit: try decimal("0.995")) == isReached)
    }

    @Test("After a liquidation every negative wallet is filled up, whatever the thresholds")
    func liquidation() throws {
        let world = try world(
            #"{"multi_assets":true}"#, deposit("BTC", "1"), importPosition("BTCUSDT", "0.1", "60000"),
            take("USDT", "100"))
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed)
        let before = world.lastSequence
        try world.apply(desk("auto_exchange", #""liquidation":true"#))
        #expect(exchanges(world, after: before).map(\.reason) == [.liquidation])
        #expect(try wallets(world) == ["BTC": "0.99829042"])
    }

    @Test("Assets that are no margin neither give nor receive")
    func noMargin() throws {
        let world = try world(#"{"multi_assets":true}"#, deposit("BTC", "1"), take("USDT", "6000"))
        try world.apply(desk("raise", #""flag":"marginAvailable","asset":"BTC","value":false"#))
        #expect(try world.refusal(of: desk("auto_exchange"))?.code == .notAllowed)
    }

    @Test("Single-asset mode has no auto-exchange")
    func singleAsset() throws {
        let world = try world("{}", deposit("BTC", "1"), take("USDT", "6000"))
        let refusal = try #require(try world.refusal(of: desk("auto_exchange")))
        #expect(refusal.code == .notAllowed)
        #expect(refusal.message.contains("multi-assets mode"))
    }

    @Test("A user data stream tells of it as AUTO_EXCHANGE, without positions")
    func pushed() async throws {
        let world = try world(
            #"{"multi_assets":true}"#, deposit("BTC", "0.5"), deposit("ETH", "10"), take("USDT", "6000"),
            importPosition("BTCUSDT", "0.01", "60000"))
        var stream = try await world.userStream()
        try world.apply(desk("auto_exchange"))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"e":"ACCOUNT_UPDATE","E":1780272000000,"T":1780272000000,"a":{"m":"AUTO_EXCHANGE","B":["#
                    + #"{"a":"USDT","wb":"0.00000000","cw":"0.00000000","bc":"6000.00000000"},"#
                    + #"{"a":"BTC","wb":"0.44871282","cw":"0.44871282","bc":"-0.05128718"},"#
                    + #"{"a":"ETH","wb":"8.97425641","cw":"8.97425641","bc":"-1.02574359"}],"P":[]}}"#
            ])
    }

    @Test("Generated wallets: a debt is filled or all is given, and nothing is given away")
    func generated() throws {
        for seed in UInt64(1)...300 {
            var random = SeededNumbers(seed: seed)
            let deficit = try random.decimal(upTo: 1_000_000_000_000, places: 8) + decimal("0.00000001")
            let ask = try random.decimal(upTo: 100_000_000_000, places: 8) + decimal("0.00000001")
            var wallets: [(balance: ExactDecimal, bidRate: ExactDecimal)] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                wallets.append(
                    (
                        try random.decimal(upTo: 10_000_000_000, places: 8),
                        try random.decimal(upTo: 10_000_000_000_000, places: 8)
                    ))
            }
            let moved = try BinanceFigures.autoExchange(deficit: deficit, askRate: ask, wallets: wallets)
            var given = ExactFraction.zero
            var allIsGiven = true
            for (wallet, sold) in zip(wallets, moved.sold) {
                #expect(!sold.isNegative && sold <= wallet.balance, "seed \(seed)")
                try given += ExactFraction(sold).times(wallet.bidRate)
                allIsGiven = allIsGiven && sold == wallet.balance
            }
            #expect(moved.sold.count == wallets.count, "seed \(seed)")
            #expect(moved.bought == deficit || (moved.bought <= deficit && allIsGiven), "seed \(seed)")
            let paid = try ExactFraction(moved.bought).times(ask)
            #expect(given >= paid, "seed \(seed)")
        }
    }
}
