import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite struct RiskCheckTests {
    private func ready(_ settings: String = "{}") throws -> TestWorld<OKXVenue> {
        let world = try world()
        try world.open("desk", settings)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","ETH":"3000","USDT":"1"}"#)
        return world
    }

    @Test func defaultSettings() throws {
        let settings = try OKXVenue(addedRulebooks: [], profile: .documented).defaultSettings
        #expect(
            settings.values.map(\.name) == ["mode", "hedge", "auto_borrow", "spot_borrow", "collateral_off"])
        #expect(settings.text("mode") == "multi")
    }

    @Test(arguments: [
        (#""mode":"margin""#, "invalid_field"), (#""mode":3"#, "invalid_field"),
        (#""hedge":"yes""#, "invalid_field"),
        (#""auto_borrow":1"#, "invalid_field"), (#""spot_borrow":null"#, "invalid_field"),
        (#""collateral_off":"BTC""#, "invalid_field"), (#""collateral_off":["NOPE"]"#, "invalid_field"),
        (#""leverage":"3""#, "unknown_field"),
    ])
    func badSettings(members: String, code: String) throws {
        let refused = try refusal(try ready(), "configure", "\"settings\":{\(members)}")
        #expect(refused?.code.rawValue == code)
    }

    @Test func modesChangeOnlyWhenFlat() throws {
        let world = try ready()
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"10000""#))
        for mode in AccountMode.allCases {
            #expect(try refusal(world, "configure", #""settings":{"mode":"\#(mode.rawValue)"}"#) == nil)
        }
        try world.run(
            "desk", ("configure", #""settings":{"mode":"multi"}"#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#))
        #expect(try refusal(world, "configure", #""settings":{"mode":"futures"}"#)?.code == .notAllowed)
        #expect(try refusal(world, "configure", #""settings":{"hedge":true}"#)?.code == .notAllowed)
        #expect(try refusal(world, "configure", #""settings":{"auto_borrow":true}"#) == nil)
    }

    @Test func withdrawalsAreLimited() throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("reserve", #""asset":"USDT","amount":"100","purpose":"fixed""#))
        let fee = try refusal(world, "withdraw", #""asset":"USDT","amount":"900","fee":"0.5""#)
        #expect(fee?.code == .insufficientBalance)
        #expect(fee?.message.contains("0.5 USDT is missing") == true)
        #expect(try refusal(world, "withdraw", #""asset":"USDT","amount":"900""#) == nil)
        #expect(try refusal(world, "withdraw", #""asset":"USDT","amount":"1""#)?.code == .insufficientBalance)
        #expect(try refusal(world, "withdraw", #""asset":"ETH","amount":"1""#)?.code == .insufficientBalance)
        #expect(try refusal(world, "withdraw", #""asset":"USDT","amount":"50","force":true"#) == nil)
    }

    /// In multi-currency mode margin in use binds every currency: availEq ÷ index.
    @Test func withdrawalsLeaveTheMargin() throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"200","price":"60000""#))
        // adjEq 58800, imr 120000 ÷ 3 = 40000: 18800 are available, worth 0.3133… BTC.
        expect(try world.balance("desk"), ["availEq": "18800"])
        #expect(
            try refusal(world, "withdraw", #""asset":"BTC","amount":"0.32""#)?.code == .insufficientBalance)
        #expect(try refusal(world, "withdraw", #""asset":"BTC","amount":"0.31""#) == nil)
    }

    @Test func ordersNeedMargin() throws {
        let world = try ready()
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"10015""#))
        func order(_ id: String, _ quantity: String, _ rest: String = "") -> String {
            #""order_id":"\#(id)","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"\#(quantity)""#
                + #","price":"60000"\#(rest)"#
        }
        // 51 contracts of 0.01 BTC at 3x need 10200, and the taker's fee of 15.3.
        let refused = try refusal(world, "place_order", order("1", "51"))
        #expect(refused?.code == .insufficientBalance)
        #expect(refused?.message.contains("200.3 USD is missing") == true)
        #expect(try refusal(world, "place_order", order("1", "50")) == nil)
        #expect(try refusal(world, "place_order", order("2", "1")) != nil)
        #expect(try refusal(world, "place_order", order("2", "1", #","force":true"#)) == nil)
        #expect(try refusal(world, "place_order", order("3", "1", #","reduce_only":true"#)) == nil)
        expect(try world.balance("desk"), ["ordFroz": "10200", "availEq": "-200.3"])
    }

    @Test func reducingOrdersAreWelcome() throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"100""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"60000""#))
        func sell(_ id: String, _ quantity: String) -> String {
            #""order_id":"\#(id)","instrument":"BTC-USDT-SWAP","side":"sell","quantity":"\#(quantity)""#
                + #","price":"60000""#
        }
        #expect(try refusal(world, "place_order", sell("1", "100")) == nil)
        #expect(try refusal(world, "place_order", sell("2", "100.01"))?.code == .insufficientBalance)
    }

    @Test func spotOrdersNeedTheCurrency() throws {
        let buy = #""order_id":"1","instrument":"ETH-USDT","side":"buy","quantity":"1","price":"3000""#
        for (settings, isAccepted) in [
            (#"{"mode":"spot"}"#, false), (#"{"mode":"futures"}"#, false), ("{}", false),
            (#"{"auto_borrow":true}"#, true),
        ] {
            let world = try ready(settings)
            try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
            #expect((try refusal(world, "place_order", buy) == nil) == isAccepted, "\(settings)")
            try world.run("desk", ("deposit", #""asset":"USDT","amount":"3000""#))
            if !isAccepted { #expect(try refusal(world, "place_order", buy) == nil, "\(settings)") }
        }
    }

    @Test func spotModeHasNoContracts() throws {
        let world = try ready(#"{"mode":"spot"}"#)
        let fill = #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#
        #expect(try refusal(world, "fill", fill)?.code == .notAllowed)
        #expect(try refusal(world, "place_order", fill + #","order_id":"1""#)?.code == .notAllowed)
        #expect(
            try refusal(
                world, "import_position", #""instrument":"BTC-USDT-SWAP","quantity":"1","entry_price":"1""#)?
                .code == .notAllowed)
        #expect(
            try refusal(world, "set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"2""#)?.code
                == .notAllowed)
    }

    @Test func hedgeModeNeedsSides() throws {
        let fill = #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#
        #expect(try refusal(try ready(), "fill", fill + #","position_side":"long""#) != nil)
        let hedged = try ready(#"{"hedge":true}"#)
        #expect(try refusal(hedged, "fill", fill) != nil)
        #expect(try refusal(hedged, "fill", fill + #","position_side":"long""#) == nil)
        // Not a pair that is traded on margin.
        let spot =
            #""instrument":"ETH-USD","side":"buy","quantity":"1","price":"3000","margin_mode":"isolated""#
        #expect(try refusal(hedged, "fill", spot)?.code == .notAllowed)
    }

    @Test func leverageIsLimited() throws {
        let world = try ready()
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"100000000""#))
        func lever(_ text: String) -> String { #""instrument":"BTC-USDT-SWAP","leverage":"\#(text)""# }
        #expect(try refusal(world, "set_leverage", lever("100")) == nil)
        #expect(try refusal(world, "set_leverage", lever("100.01"))?.code == .notAllowed)
        #expect(try refusal(world, "set_leverage", lever("0.5")) != nil)
        #expect(try refusal(world, "set_leverage", #""instrument":"BTC-USD","leverage":"2""#) != nil)
        // A position in the second tier allows 66.66.
        try world.run(
            "desk", ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1001","price":"60000""#))
        #expect(try refusal(world, "set_leverage", lever("66.67"))?.code == .notAllowed)
        #expect(try refusal(world, "set_leverage", lever("66.66")) == nil)
    }

    @Test func isolatedMarginIsLimited() throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"300""#),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#
                    + #","margin_mode":"isolated""#
            ))
        func adjust(_ amount: String) -> String { #""instrument":"BTC-USDT-SWAP","amount":"\#(amount)""# }
        #expect(try refusal(world, "adjust_isolated_margin", adjust("100.01"))?.code == .insufficientBalance)
        #expect(try refusal(world, "adjust_isolated_margin", adjust("100")) == nil)
        #expect(try refusal(world, "adjust_isolated_margin", adjust("-100.01"))?.code == .insufficientBalance)
        #expect(try refusal(world, "adjust_isolated_margin", adjust("-100")) == nil)
    }

    @Test func loansAreForSpotMode() throws {
        let loan = #""asset":"USDT","amount":"10""#
        for mode in ["multi", "futures", "portfolio"] {
            #expect(try refusal(try ready(#"{"mode":"\#(mode)"}"#), "borrow", loan)?.code == .notAllowed)
        }
        #expect(try refusal(try ready(#"{"mode":"spot"}"#), "borrow", loan)?.code == .notAllowed)
        let world = try ready(#"{"mode":"spot","spot_borrow":true}"#)
        #expect(try refusal(world, "borrow", loan) == nil)
        #expect(try refusal(world, "configure", #""settings":{"mode":"multi"}"#)?.code == .notAllowed)
        #expect(try refusal(try ready(#"{"mode":"futures"}"#), "accrue_interest", loan)?.code == .notAllowed)
        #expect(try refusal(try ready(), "accrue_interest", loan) == nil)
    }

    @Test(arguments: [
        ("reserve", #""asset":"USDT","amount":"1","purpose":"reserved""#),
        ("credit", #""asset":"USDT","amount":"1","purpose":"promo""#),
        ("settle", #""instrument":"BTC-USDT-SWAP""#),
        ("raise", #""flag":"is_liquidating","value":true"#), ("raise", #""flag":"details","value":"1""#),
        ("raise", #""flag":"ccy","asset":"USDT","value":"BTC""#), ("raise", #""flag":"twap","value":"1""#),
        ("raise", #""flag":"twap","asset":"USDT","value":"6""#),
        ("raise", #""flag":"twap","asset":"USDT","value":1"#),
        ("raise", #""flag":"colRes","asset":"USDT","value":"3""#),
        ("raise", #""flag":"collateralRestrict","asset":"USDT","value":"true""#),
        ("raise", #""flag":"autoLendStatus","asset":"USDT","value":"on""#),
        ("raise", #""flag":"maxLoan","asset":"USDT","value":"1e5""#),
        ("raise", #""flag":"deltaNeutralStatus","value":"3""#),
        ("raise", #""flag":"twap","asset":"NOPE","value":"1""#),
    ])
    func refusedForms(type: String, members: String) throws {
        let world = try ready()
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"10""#))
        #expect(try refusal(world, type, members) != nil)
    }

    @Test func rulebookKnowsTheLargeCoins() throws {
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        let time = LedgerTime(milliseconds: 1_780_272_000_000)
        let coins = [
            "BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "BNB", "LTC", "LINK", "AVAX", "DOT", "TRX", "BCH",
            "UNI", "ETC",
            "FIL", "ATOM", "APT", "ARB", "OP", "NEAR", "SUI", "PEPE", "SHIB",
        ]
        for coin in coins {
            #expect(venue.knowsAsset(coin, at: time))
            let swap = try #require(venue.instrument("\(coin)-USDT-SWAP", at: time))
            #expect(swap.kind == .perpetual && swap.settle == "USDT" && swap.payoff == .linear)
            #expect(venue.instrument("\(coin)-USDT", at: time)?.kind == .spot)
        }
        let inverse = try #require(venue.instrument("BTC-USD-261225", at: time))
        #expect(inverse.kind == .future && inverse.payoff == .inverse && inverse.settle == "BTC")
        #expect(venue.instrument("BTC-USDC-SWAP", at: time)?.settle == "USDC")
        for asset in ["USDT", "USDC", "OKB", "BETH", "CRO"] { #expect(venue.knowsAsset(asset, at: time)) }
        #expect(!venue.knowsAsset("btc", at: time) && venue.instrument("BTCUSDT", at: time) == nil)
        #expect(venue.rulebookVersions.map(\.effectiveText).count == 3)
    }

    @Test(arguments: [
        (#"{"margin":null}"#, "margin"),
        (#"{"assets":{"BTC":{"discount_tiers":[["1","2"]]}}}"#, "assets.BTC"),
        (#"{"assets":{"BTC":{"discount_tiers":[["2","1"],["1","0.5"]]}}}"#, "assets.BTC"),
        (#"{"assets":{"bad-name":{"reference_index":"1"}}}"#, "assets.bad-name"),
        (
            #"{"instruments":{"BTC-NOPE":{"type":"SPOT","tick":"1","lot":"1","min":"1","lever":""}}}"#,
            "BTC-NOPE"
        ),
        (#"{"instruments":{"BTC-USDT-SWAP":{"tiers":"none"}}}"#, "instruments.BTC-USDT-SWAP.tiers"),
    ])
    func brokenRulebooks(members: String, field: String) throws {
        let head =
            #"{"venue":"okx","effective":"2027-01-01","read_on":"2026-09-25","source":"a test""#
            + #","amends":true,"#
        let document = try JSONValue(parsing: head + members.dropFirst())
        #expect {
            _ = try OKXVenue(addedRulebooks: [document], profile: .documented)
        } throws: { error in
            (error as? RulebookError)?.field.contains(field) ?? false
        }
    }
}
