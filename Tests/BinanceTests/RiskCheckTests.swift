import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("What the ledger may not do at Binance")
struct RiskCheckTests {
    private func world(_ settings: String = "{}", _ commands: String...) throws -> BinanceWorld {
        try binanceWorld(
            settings: settings,
            commands: [marks(#""BTCUSDT":"60000","ETHUSDT":"3000""#), deposit("USDT", "1000")] + commands)
    }

    @Test("withdrawals and their fee stop at maxWithdrawAmount, unless forced")
    func withdrawals() throws {
        let world = try world("{}", importPosition("BTCUSDT", "0.1", "60000", #","leverage":"20""#))
        // 1000 − 300 of initial margin.
        expect(try world.body(), [("maxWithdrawAmount", "700.00000000")])
        let refusal = try #require(
            try world.refusal(of: desk("withdraw", #""asset":"USDT","amount":"699.5","fee":"0.50000001""#)))
        #expect(refusal.code == .insufficientBalance)
        #expect(refusal.field == "amount")
        #expect(refusal.message.contains("0.00000001 is missing"))
        #expect(
            try world.refusal(of: desk("withdraw", #""asset":"USDT","amount":"699.5","fee":"0.5""#)) == nil)
        #expect(try world.refusal(of: desk("withdraw", #""asset":"BTC","amount":"1""#)) != nil)
        #expect(
            try world.refusal(of: desk("withdraw", #""asset":"USDT","amount":"50","force":true"#)) == nil)
        let tooFine = try #require(try world.refusal(of: deposit("USDT", "0.000000001")))
        #expect(tooFine.code == .invalidAmount)
    }

    @Test("orders need margin, and the refusal says how much is missing")
    func orders() throws {
        let world = try world()
        let refusal = try #require(
            try world.refusal(of: order("big", "BTCUSDT", "buy", "0.4", "60000")))
        #expect(refusal.code == .insufficientBalance)
        #expect(refusal.message == "Margin is insufficient. 200 USDT is missing.")
        #expect(world.account("desk")?.orders.isEmpty == true)
        #expect(try world.refusal(of: order("ok", "BTCUSDT", "buy", "0.3333", "60000")) == nil)
        #expect(try world.refusal(of: order("more", "ETHUSDT", "sell", "0.1", "3000")) != nil)
        #expect(
            try world.refusal(of: order("other", "BTCUSDT", "sell", "0.3", "60000")) == nil,
            "the other side of the book adds nothing")
        #expect(
            try world.refusal(of: order("forced", "BTCUSDT", "buy", "1", "60000", #","force":true"#)) == nil)
    }

    @Test("a position with a loss may be reduced, not added to")
    func reducing() throws {
        let world = try world("{}", importPosition("BTCUSDT", "0.5", "62000"))
        #expect(try world.figures()[.availableBalance].isZero)
        #expect(try world.refusal(of: order("add", "BTCUSDT", "buy", "0.001", "60000")) != nil)
        #expect(try world.refusal(of: order("less", "BTCUSDT", "sell", "0.5", "60000")) == nil)
    }

    @Test("multi-assets mode: orders are backed by the whole pool")
    func pool() throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [marks(#""BTCUSDT":"60000""#, index: #""BTC":"60000""#), deposit("BTC", "0.1")])
        // 0.1 BTC × 57000 = 5700 USD of equity; 1 BTC of orders at 20x needs 3000 USDT × 1.0001.
        #expect(try world.refusal(of: order("one", "BTCUSDT", "buy", "1", "60000")) == nil)
        let refusal = try #require(try world.refusal(of: order("two", "BTCUSDT", "buy", "1", "60000")))
        #expect(refusal.message == "Margin is insufficient. 300.6 USD is missing.")
    }

    @Test("a symbol's position and orders stay below what its leverage allows")
    func maximumPosition() throws {
        let world = try binanceWorld(commands: [
            marks(#""WLDUSDT":"1""#), deposit("USDT", "1000000"),
            desk("set_leverage", #""instrument":"WLDUSDT","leverage":"75""#),
        ])
        let refusal = try #require(try world.refusal(of: order("big", "WLDUSDT", "buy", "5001", "1")))
        #expect(refusal.code == .notAllowed)
        #expect(refusal.message.hasPrefix("Exceeded the maximum allowable position at current leverage."))
        #expect(try world.refusal(of: order("fits", "WLDUSDT", "buy", "5000", "1")) == nil)
    }

    @Test("one margin type per symbol, none but cross in multi-assets mode")
    func marginTypes() throws {
        let isolated = #","margin_mode":"isolated""#
        let world = try world("{}", importPosition("BTCUSDT", "0.01", "60000", isolated))
        #expect(
            try world.refusal(of: order("x", "BTCUSDT", "buy", "0.001", "60000", #","margin_mode":"cross""#))?
                .message == "Margin type cannot be changed if there exists position.")
        try world.apply(order("same", "BTCUSDT", "buy", "0.001", "60000"))
        #expect(world.account("desk")?.orders.first?.marginMode == .isolated, "the symbol's own by default")
        try world.apply(order("eth", "ETHUSDT", "buy", "0.01", "3000"))
        #expect(
            try world.refusal(of: importPosition("ETHUSDT", "0.01", "3000", isolated))?.message
                == "Margin type cannot be changed if there exists open orders.")
        let multi = try binanceWorld(settings: #"{"multi_assets":true}"#)
        #expect(
            try multi.refusal(of: importPosition("BTCUSDT", "0.01", "60000", isolated))?.message
                == "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")
    }

    @Test("isolated margin comes from what is available, and not below the initial margin")
    func isolatedMargin() throws {
        let world = try world(
            "{}",
            importPosition("BTCUSDT", "0.1", "60000", #","margin_mode":"isolated","isolated_wallet":"400""#))
        func adjust(_ amount: String) throws -> Refusal? {
            try world.refusal(
                of: desk("adjust_isolated_margin", #""instrument":"BTCUSDT","amount":"\#(amount)""#))
        }
        #expect(try adjust("600.1")?.message == "Cross balance insufficient. 0.1 USDT is missing.")
        #expect(try adjust("-100.5")?.message == "Isolated balance insufficient. 0.5 USDT is missing.")
        #expect(try adjust("-100") == nil)
        #expect(try adjust("700") == nil)
        expect(
            try world.body().asset("USDT"),
            [("walletBalance", "1000.00000000"), ("crossWalletBalance", "0.00000000")])
    }

    @Test(
        "modes cannot be switched as at the venue",
        arguments: [
            (#"{"hedge":true}"#, "Position side cannot be changed if there exists position."),
            (#"{"hedge":"yes"}"#, "hedge must be true or false."),
            (
                #"{"leverage":"5"}"#,
                "Accounts at binance have no setting leverage; they have multi_assets, hedge, credits_mode, "
                    + "fee_burn, fees."
            ),
        ])
    func modes(_ settings: String, _ message: String) throws {
        let world = try world("{}", importPosition("BTCUSDT", "0.01", "60000"))
        let refusal = try #require(try world.refusal(of: desk("configure", #""settings":\#(settings)"#)))
        #expect(refusal.message == message)
        #expect(try world.refusal(of: desk("configure", #""settings":{"multi_assets":true}"#)) == nil)
    }

    @Test("position sides belong to hedge mode")
    func positionSides() throws {
        let long = #","position_side":"long""#
        #expect(
            try world().refusal(of: importPosition("BTCUSDT", "0.01", "60000", long))?.field
                == "position_side")
        let hedged = try world(#"{"hedge":true}"#)
        #expect(try hedged.refusal(of: importPosition("BTCUSDT", "0.01", "60000")) != nil)
        #expect(try hedged.refusal(of: importPosition("BTCUSDT", "0.01", "60000", long)) == nil)
    }

    @Test(
        "leverages outside the brackets",
        arguments: [("126.5", "WLDUSDT"), ("76", "WLDUSDT"), ("151", "BTCUSDT")])
    func leverages(_ leverage: String, _ symbol: String) throws {
        let refusal = try #require(
            try world().refusal(
                of: desk("set_leverage", #""instrument":"\#(symbol)","leverage":"\#(leverage)""#)))
        #expect(refusal.message == "Leverage \(leverage) is not valid")
        #expect(refusal.field == "leverage")
    }

    @Test(
        "what Binance futures do not have",
        arguments: [
            ("borrow", #""asset":"USDT","amount":"1""#),
            ("accrue_interest", #""asset":"USDT","amount":"1""#),
            ("reserve", #""asset":"USDT","amount":"1","purpose":"strategy""#),
            ("credit", #""asset":"USDT","amount":"1","purpose":"promo""#), ("settle", ""),
        ])
    func absent(_ type: String, _ members: String) throws {
        #expect(try world().refusal(of: desk(type, members))?.code == .notAllowed)
    }

    @Test(
        "raised fields are the venue's own, with their types",
        arguments: [
            (#""flag":"colRes","value":"1""#, "flag"), (#""flag":"feeTier","value":"3""#, "value"),
            (#""flag":"feeTier","value":10"#, "value"), (#""flag":"canTrade","value":1"#, "value"),
            (#""flag":"notionalCoef","value":"0""#, "value"),
            (#""flag":"marginAvailable","value":true"#, "asset"),
            (#""flag":"canTrade","asset":"USDT","value":true"#, "asset"),
        ])
    func overridden(_ members: String, _ field: String) throws {
        #expect(try world().refusal(of: desk("raise", members))?.field == field)
    }

    @Test("an account that may not trade or withdraw")
    func permissions() throws {
        let world = try world(
            "{}", desk("raise", #""flag":"canTrade","value":false"#),
            desk("raise", #""flag":"canWithdraw","value":false"#))
        #expect(try world.refusal(of: order("x", "BTCUSDT", "buy", "0.001", "60000"))?.code == .notAllowed)
        #expect(try world.refusal(of: desk("withdraw", #""asset":"USDT","amount":"1""#))?.code == .notAllowed)
    }

    @Test("realized profit, fees and funding are booked in eight places, cut")
    func booking() throws {
        let world = try world()
        try world.apply(
            desk(
                "fill",
                #""instrument":"ETHUSDT","side":"buy","quantity":"0.333","price":"3000.123456789","#
                    + #""fee":"0.123456789""#
            ),
            desk("funding", #""instrument":"ETHUSDT","rate":"0.000123456""#),
            desk(
                "fill",
                #""instrument":"ETHUSDT","side":"sell","quantity":"0.111","price":"3010.987654321""#))
        // 1000 − 0.12345678 − 999 × 0.000123456 + 0.111 × (3010.987654321 − 3000.123456789).
        #expect(world.account("desk")?.cash("USDT") == (try decimal("1000.95913660")))
        #expect(try world.account("desk")?.imbalances().isEmpty == true)
    }
}
