import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

@Suite("Risk checks")
struct RiskCheckTests {
    private static let money = desk("deposit", #""asset":"USD","amount":"1000""#)

    @Test func rulebook() throws {
        let world = try railsWorld()
        let time = world.ledgerTime()
        for coin in ["BTC", "ETH", "SOL", "XRP", "DOGE"] {
            let instrument = try #require(world.model.instrument("\(coin)-USD", at: time))
            #expect(instrument.kind == .perpetual && instrument.settle == "USD" && instrument.base == coin)
            #expect(world.model.market(VenuePrices(), at: time).mark(instrument) != nil)
        }
        #expect(world.model.instrument("BTC-USDT", at: time) == nil)
        #expect(world.model.knowsAsset("USD", at: time))
        #expect(!world.model.knowsAsset("BTC", at: time) && !world.model.knowsAsset("USDT", at: time))
        #expect(world.model.market(VenuePrices(), at: time).index("USD") == .one)
        #expect(world.model.conventions.feePlaces == 8 && world.model.conventions.bookedPlaces == 18)
        #expect(world.model.rulebookVersions.map(\.effectiveText) == ["2024-01-01T00:00:00Z"])
    }

    @Test(arguments: [
        (#"{"margin":{"maximum_leverage":"1.5"}}"#, "margin.maximum_leverage"),
        (#"{"margin":{"maintenance_rate":{"live":"1"}}}"#, "margin.maintenance_rate.live"),
        (#"{"wire":{"unknown_market":"shrug"}}"#, "wire.unknown_market"),
        (#"{"instruments":{"BTC-USD":{"settle":"EUR"}}}"#, "instruments.BTC-USD.settle"),
        (#"{"instruments":{"BTC-USD":{"reference_index":"0"}}}"#, "instruments.BTC-USD.reference_index"),
        (#"{"limits":{"token_seconds":0}}"#, "limits.token_seconds"),
    ])
    func brokenRulebook(change: String, field: String) throws {
        let head =
            #"{"venue":"rails","effective":"2025-01-01T00:00:00Z","read_on":"2025-01-01","#
            + #""source":"own","amends":true,"#
        let document = try JSONValue(parsing: head + change.dropFirst())
        #expect {
            _ = try RailsVenue(addedRulebooks: [document], profile: .documented)
        } throws: {
            ($0 as? RulebookError)?.field == field
        }
    }

    /// A later version holds from its time on and leaves earlier figures as they were.
    @Test func datedRules() throws {
        let change = try JSONValue(
            parsing:
                #"{"venue":"rails","effective":"2026-06-02T00:00:00Z","read_on":"2026-06-01","source":"own","#
                + #""amends":true,"margin":{"maintenance_rate":{"documented":"0.05"}}}"#)
        let world = RailsWorld(try RailsVenue(addedRulebooks: [change], profile: .documented))
        try world.apply(
            #"{"type":"open_account","account":"desk","venue":"rails"}"#, Self.money,
            fill("ETH-USD", "buy", "0.1", "3000"))
        #expect(try world.balances()["maintenanceMargin"]?.text == "9")
        world.setLedgerTime(world.ledgerTime().milliseconds + 86_400_000)
        #expect(try world.balances()["maintenanceMargin"]?.text == "15")
    }

    @Test func settings() throws {
        let world = try railsWorld()
        for good in ["1", "2", "3", "4", "5", "2.0"] {
            #expect(try world.refusal(of: desk("configure", #""settings":{"leverage":"\#(good)"}"#)) == nil)
        }
        #expect(try world.balances()["leverage"]?.text == "2")
        for bad in [#""0""#, #""6""#, #""2.5""#, #""-1""#, #""x""#, "3", "true", "null"] {
            let refusal = try world.refusal(of: desk("configure", #""settings":{"leverage":\#(bad)}"#))
            #expect(refusal?.code == .invalidField, "\(bad)")
            #expect(refusal?.field == "settings.leverage")
        }
        #expect(
            try world.refusal(of: desk("configure", #""settings":{"hedge":true}"#))?.code == .unknownField)
        #expect(try world.balances()["leverage"]?.text == "2")
    }

    @Test(arguments: [
        (desk("deposit", #""asset":"BTC","amount":"1""#), "unknown_asset"),
        (desk("deposit", #""asset":"USDT","amount":"1""#), "unknown_asset"),
        (fill("BTC-USDT", "buy", "1", "60000"), "unknown_instrument"),
        (desk("borrow", #""asset":"USD","amount":"1""#), "not_allowed"),
        (desk("accrue_interest", #""asset":"USD","amount":"1""#), "not_allowed"),
        (desk("reserve", #""asset":"USD","amount":"1","purpose":"strategy""#), "not_allowed"),
        (desk("credit", #""asset":"USD","amount":"1","purpose":"reward""#), "invalid_field"),
        (desk("settle"), "not_allowed"),
        (
            desk(
                "import_position",
                #""instrument":"BTC-USD","quantity":"1","entry_price":"1","leverage":"2""#),
            "not_allowed"
        ),
        (order("o", "BTC-USD", "buy", "0.001", "1", #""position_side":"long""#), "invalid_field"),
        (desk("set_leverage", #""instrument":"BTC-USD","leverage":"6""#), "not_allowed"),
        (desk("set_leverage", #""instrument":"BTC-USD","leverage":"2""#), "not_allowed"),
        (desk("raise", #""flag":"colRes","value":"1""#), "invalid_field"),
        (desk("raise", #""flag":"margin","asset":"USD","value":"1""#), "invalid_field"),
        (desk("raise", #""flag":"margin","value":1"#), "invalid_field"),
        (desk("raise", #""flag":"margin","value":"much""#), "invalid_field"),
    ])
    func refused(command: String, code: String) throws {
        let world = try railsWorld(commands: [Self.money])
        let before = try world.statement("desk")
        let refusal = try #require(try world.refusal(of: command))
        #expect(refusal.code.rawValue == code)
        #expect(refusal.message.hasSuffix(".") || refusal.message.hasSuffix(" (Did you mean BTC-USD?)"))
        #expect(try world.statement("desk") == before)
    }

    @Test func raisedFieldsShowUntilLifted() throws {
        let world = try railsWorld(commands: [
            Self.money, desk("raise", #""flag":"promoCredit","value":"12.5""#),
        ])
        #expect(try world.balances()["promoCredit"]?.text == "12.5")
        try world.apply(desk("raise", #""flag":"promoCredit","value":null"#))
        #expect(try world.balances()["promoCredit"]?.text == "0")
    }

    // MARK: - Sufficiency

    /// Documented: what can be taken out is availableBalance, the fee included.
    @Test func withdrawals() throws {
        let world = try railsWorld(commands: [Self.money, fill("BTC-USD", "buy", "0.01", "60000")])
        #expect(try world.balances()["availableBalance"]?.text == "982")
        let refusal = try #require(
            try world.refusal(of: desk("withdraw", #""asset":"USD","amount":"981","fee":"1.5""#)))
        #expect(refusal.code == .insufficientBalance)
        #expect(refusal.message.contains("982") && refusal.message.contains("0.5 is missing"))
        #expect(try world.refusal(of: desk("withdraw", #""asset":"USD","amount":"981","fee":"1""#)) == nil)
        #expect(try world.balances()["availableBalance"]?.text == "0")
        let forced = desk("withdraw", #""asset":"USD","amount":"5","force":true"#)
        #expect(try world.refusal(of: forced) == nil)
        #expect(try world.balances()["availableBalance"]?.text == "-5")
    }

    @Test func transfers() throws {
        let world = try railsWorld(commands: [
            #"{"type":"open_account","account":"sub","venue":"rails","parent":"desk"}"#, Self.money,
        ])
        let much = desk("transfer", #""to":"sub","asset":"USD","amount":"1000.01""#)
        #expect(try world.refusal(of: much)?.code == .insufficientBalance)
        #expect(try world.refusal(of: desk("transfer", #""to":"sub","asset":"USD","amount":"1000""#)) == nil)
    }

    @Test(arguments: WireProfile.allCases)
    func orders(profile: WireProfile) throws {
        let world = try railsWorld(profile, commands: [Self.money])
        let refusal = try #require(try world.refusal(of: order("o1", "BTC-USD", "buy", "0.02", "60000")))
        #expect(refusal.code == .insufficientBalance)
        #expect(refusal.message.contains("200 USD is missing"))
        #expect(try world.refusal(of: order("o1", "BTC-USD", "buy", "0.01", "60000")) == nil)
        // The first order holds 600 of the 1000, so a second one of 600 does not fit, one of 400 does.
        #expect(
            try world.refusal(of: order("o2", "BTC-USD", "sell", "0.01", "60000"))?.code
                == .insufficientBalance)
        #expect(try world.refusal(of: order("o2", "ETH-USD", "buy", "0.1", "4000")) == nil)
        #expect(try world.refusal(of: order("o3", "SOL-USD", "buy", "1", "1", #""force":true"#)) == nil)
        let reducing = order("o4", "SOL-USD", "sell", "100", "150", #""reduce_only":true"#)
        #expect(try world.refusal(of: reducing) == nil)
        try world.apply(desk("cancel_order", #""order_id":"o1""#))
        #expect(try world.refusal(of: order("o5", "BTC-USD", "buy", "0.009", "60000")) == nil)
    }

    /// An order against the position is exempt up to its size, oldest first.
    @Test func closingOrdersAreExempt() throws {
        let world = try railsWorld(commands: [Self.money, fill("ETH-USD", "buy", "10", "3000")])
        #expect(try world.figures()[.freeForOrders] == ExactFraction("100"))
        #expect(try world.refusal(of: order("o1", "ETH-USD", "sell", "8", "3000")) == nil)
        #expect(try world.refusal(of: order("o2", "ETH-USD", "sell", "2", "3000")) == nil)
        #expect(try world.figures()[.openOrderMargin] == .zero)
        #expect(
            try world.refusal(of: order("o3", "ETH-USD", "sell", "1", "3000"))?.code == .insufficientBalance)
    }

    @Test func leverageNeedsMargin() throws {
        let world = try railsWorld(
            .live,
            commands: [
                Self.money, desk("configure", #""settings":{"leverage":"5"}"#),
                fill("BTC-USD", "buy", "0.05", "60000"),
            ])
        let lower = desk("configure", #""settings":{"leverage":"2"}"#)
        #expect(try world.refusal(of: lower)?.code == .insufficientBalance)
        #expect(try world.refusal(of: desk("configure", #""settings":{"leverage":"3"}"#)) == nil)
        let market = desk("set_leverage", #""instrument":"BTC-USD","leverage":"1""#)
        #expect(try world.refusal(of: market)?.code == .insufficientBalance)
        let six = try world.refusal(of: desk("set_leverage", #""instrument":"BTC-USD","leverage":"6""#))
        #expect(six?.code == .notAllowed)
        #expect(try world.refusal(of: desk("set_leverage", #""instrument":"BTC-USD","leverage":"4""#)) == nil)
        #expect(try world.balances().market("BTC-USD")["margin"]?.text == "750")
    }

    /// Fills are never refused for lack of margin.
    @Test(arguments: WireProfile.allCases)
    func fillsAreFacts(profile: WireProfile) throws {
        let world = try railsWorld(profile)
        #expect(try world.refusal(of: fill("BTC-USD", "buy", "100", "60000", fee: "6000")) == nil)
    }
}
