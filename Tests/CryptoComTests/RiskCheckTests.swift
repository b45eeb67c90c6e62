import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Risk checks")
struct RiskCheckTests {
    struct Verdict: Sendable, CustomTestStringConvertible {
        let name: String
        let command: String
        let code: String
        var field: String?
        /// A part of the message, such as the amount that is missing.
        var says = ""
        var testDescription: String { name }
    }

    /// 2000 USD, 100 DAI of which 40 are reserved, 1 BTC long and 1 ETH long in isolation.
    private static let scene = [
        deposit("USD", "2000"), deposit("DAI", "100"),
        prices(marks: #"{"BTCUSD-PERP":"60000","ETHUSD-PERP":"2500"}"#, index: #"{"DAI":"1","BTC":"60000"}"#),
        position("BTCUSD-PERP", "1", "60000"),
        position(
            "ETHUSD-PERP", "1", "2500",
            more: #","margin_mode":"isolated","isolated_wallet":"400","leverage":"10""#),
        #"{"type":"reserve","account":"desk","asset":"DAI","amount":"40","purpose":"reserved"}"#,
    ]

    /// Margin balance 2000, position margin 1200: 800 available.
    static let refused: [Verdict] = [
        Verdict(
            name: "a withdrawal beyond the row", command: withdrawal("DAI", "60", fee: "0.5"),
            code: "insufficient_balance", field: "amount", says: "0.5 DAI"),
        Verdict(
            name: "a withdrawal of what is not held", command: withdrawal("BTC", "1"),
            code: "insufficient_balance", field: "amount", says: "1 BTC"),
        Verdict(
            name: "a withdrawal that margin needs", command: withdrawal("USD", "900.25"),
            code: "insufficient_balance", field: "amount", says: "100.25 USD"),
        Verdict(
            name: "an order beyond the available balance",
            command: order("1", "BTCUSD-PERP", "buy", "1", "60000"),
            code: "insufficient_balance", field: "quantity", says: "400 USD"),
        Verdict(
            name: "a spot purchase beyond the available balance",
            command: order("1", "CRO_USD", "buy", "10000", "0.1"), code: "insufficient_balance",
            field: "quantity",
            says: "200 USD"),
        Verdict(
            name: "a spot sale of more than is free", command: order("1", "DAI_USD", "sell", "61", "1"),
            code: "insufficient_balance", field: "quantity", says: "1 DAI"),
        Verdict(
            name: "an isolated spot order",
            command: order("1", "CRO_USD", "buy", "1", "0.1", more: #","margin_mode":"isolated""#),
            code: "not_allowed", field: "margin_mode"),
        Verdict(
            name: "a reduce-only spot order",
            command: order("1", "CRO_USD", "buy", "1", "0.1", more: #","reduce_only":true"#),
            code: "not_allowed",
            field: "reduce_only"),
        Verdict(
            name: "an isolated spot fill",
            command: fill("CRO_USD", "buy", "1", "0.1", more: #","margin_mode":"isolated""#),
            code: "not_allowed",
            field: "margin_mode"),
        Verdict(
            name: "a position side",
            command: fill("BTCUSD-PERP", "buy", "1", "1", more: #","position_side":"long""#),
            code: "invalid_field", field: "position_side"),
        Verdict(
            name: "leverage beyond the product",
            command:
                #"{"type":"set_leverage","account":"desk","instrument":"BTCUSD-PERP","leverage":"50.1"}"#,
            code: "not_allowed", field: "leverage", says: "50"),
        Verdict(
            name: "leverage that the isolated position cannot bear",
            command: #"{"type":"set_leverage","account":"desk","instrument":"ETHUSD-PERP","leverage":"5"}"#,
            code: "insufficient_balance", field: "leverage", says: "113.5 USD"),
        Verdict(
            name: "imported leverage beyond the product",
            command: position("CROUSD-PERP", "1", "1", more: #","leverage":"21""#), code: "not_allowed",
            field: "leverage"),
        Verdict(
            name: "more isolated margin than is free",
            command:
                #"{"type":"adjust_isolated_margin","account":"desk","instrument":"ETHUSD-PERP","amount":"801"}"#,
            code: "insufficient_balance", field: "amount", says: "1 USD"),
        // Isolated: 400 − 13.5 fee reserve − 250 initial margin = 136.5.
        Verdict(
            name: "taking out isolated margin that is needed",
            command:
                #"{"type":"adjust_isolated_margin","account":"desk","instrument":"ETHUSD-PERP","amount":"-137"}"#,
            code: "insufficient_balance", field: "amount", says: "0.5 USD"),
        Verdict(
            name: "a loan", command: #"{"type":"borrow","account":"desk","asset":"USD","amount":"1"}"#,
            code: "not_allowed"),
        Verdict(
            name: "promotional funds",
            command: #"{"type":"credit","account":"desk","asset":"USD","amount":"1","purpose":"promo"}"#,
            code: "not_allowed", field: "purpose"),
        Verdict(
            name: "another purpose",
            command: #"{"type":"reserve","account":"desk","asset":"USD","amount":"1","purpose":"strategy"}"#,
            code: "invalid_field", field: "purpose"),
        Verdict(
            name: "reserving more than is held",
            command: #"{"type":"reserve","account":"desk","asset":"DAI","amount":"61","purpose":"reserved"}"#,
            code: "insufficient_balance", field: "amount", says: "1 DAI"),
        Verdict(
            name: "a field that the venue does not have",
            command: #"{"type":"raise","account":"desk","flag":"colRes","value":true}"#,
            code: "invalid_field",
            field: "flag"),
        Verdict(
            name: "a row's field without an asset",
            command: #"{"type":"raise","account":"desk","flag":"haircut","value":"0.1"}"#,
            code: "missing_field",
            field: "asset"),
        Verdict(
            name: "an account's field with an asset",
            command: #"{"type":"raise","account":"desk","flag":"has_risk","asset":"USD","value":true}"#,
            code: "invalid_field", field: "asset"),
        Verdict(
            name: "a switch that is a text",
            command: #"{"type":"raise","account":"desk","flag":"is_liquidating","value":"true"}"#,
            code: "invalid_field", field: "value"),
        Verdict(
            name: "a rate above 1",
            command: #"{"type":"raise","account":"desk","flag":"haircut","asset":"BTC","value":"1.01"}"#,
            code: "invalid_field", field: "value"),
        Verdict(
            name: "a setting that is no decimal",
            command: #"{"type":"configure","account":"desk","settings":{"max_leverage":20}}"#,
            code: "invalid_field",
            field: "settings.max_leverage"),
        Verdict(
            name: "a setting of zero",
            command: #"{"type":"configure","account":"desk","settings":{"position_limit":"0"}}"#,
            code: "invalid_field", field: "settings.position_limit"),
        Verdict(
            name: "a switch that is a number",
            command: #"{"type":"configure","account":"desk","settings":{"empty_data":1}}"#,
            code: "invalid_field",
            field: "settings.empty_data"),
        Verdict(
            name: "a setting of another venue",
            command: #"{"type":"configure","account":"desk","settings":{"hedge":true}}"#,
            code: "unknown_field",
            field: "settings.hedge"),
        Verdict(
            name: "an unknown asset", command: deposit("NOPE", "1"), code: "unknown_asset", field: "asset"),
        Verdict(
            name: "an unknown instrument", command: fill("NOPEUSD-PERP", "buy", "1", "1"),
            code: "unknown_instrument", field: "instrument"),
    ]

    private static func withdrawal(_ asset: String, _ amount: String, fee: String = "0") -> String {
        #"{"type":"withdraw","account":"desk","asset":"\#(asset)","amount":"\#(amount)","fee":"\#(fee)"}"#
    }

    @Test("A refused command changes nothing", arguments: refused)
    func refusal(_ row: Verdict) throws {
        let world = try makeWorld(.documented, Self.scene)
        let before = world.account("desk")
        let refusal = #expect(throws: Refusal.self) { try world.apply(row.command) }
        #expect(refusal?.code.rawValue == row.code)
        #expect(refusal?.field == row.field)
        #expect(refusal?.message.contains(row.says) == true, "\(refusal?.message ?? "")")
        #expect(world.account("desk") == before)
    }

    @Test(
        "What just fits is accepted",
        arguments: [
            withdrawal("DAI", "59.5", fee: "0.5"), withdrawal("USD", "800"),
            order("1", "BTCUSD-PERP", "buy", "0.666", "60000"),
            order("1", "BTCUSD-PERP", "sell", "2", "60000"),
            order("1", "CRO_USD", "buy", "8000", "0.1"), order("1", "DAI_USD", "sell", "60", "1"),
            #"{"type":"adjust_isolated_margin","account":"desk","instrument":"ETHUSD-PERP","amount":"800"}"#,
            #"{"type":"adjust_isolated_margin","account":"desk","instrument":"ETHUSD-PERP","amount":"-136.5"}"#,
            #"{"type":"set_leverage","account":"desk","instrument":"BTCUSD-PERP","leverage":"50"}"#,
            #"{"type":"accrue_interest","account":"desk","asset":"USD","amount":"1"}"#,
            #"{"type":"release","account":"desk","asset":"DAI","amount":"40","purpose":"reserved"}"#,
            #"{"type":"configure","account":"desk","settings":{"max_leverage":"10","empty_data":true}}"#,
            fill("BTCUSD-PERP", "buy", "100", "60000"),
            order("1", "BTCUSD-PERP", "buy", "5", "60000", more: #","force":true"#),
            #"{"type":"withdraw","account":"desk","asset":"USD","amount":"2000","force":true}"#,
        ])
    func accepted(_ command: String) throws {
        let world = try makeWorld(.documented, Self.scene)
        #expect(try !world.apply(command).isEmpty)
    }

    @Test("An order beyond the position limit is refused, one that closes is not")
    func positionLimit() throws {
        let world = try makeWorld(
            .documented, settings: #"{"position_limit":"100000"}"#,
            [
                deposit("USD", "50000"), prices(marks: #"{"BTCUSD-PERP":"60000"}"#),
                fill("BTCUSD-PERP", "buy", "2", "60000"),
            ])
        let refusal = #expect(throws: Refusal.self) {
            try world.apply(order("1", "BTCUSD-PERP", "buy", "0.1", "60000"))
        }
        #expect(refusal?.code == .notAllowed)
        #expect(refusal?.message.contains("26000") == true)
        try world.apply(order("2", "BTCUSD-PERP", "sell", "2", "60000"))
        #expect(try world.balance()["used_position_limit"]?.text == "120000.00000000")
    }

    @Test("A transfer is judged like a withdrawal, and stays in the family")
    func transfer() throws {
        let world = try makeWorld(.documented, Self.scene)
        try world.apply(#"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#)
        func transfer(_ amount: String) -> String {
            #"{"type":"transfer","account":"desk","to":"child","asset":"USD","amount":"\#(amount)"}"#
        }
        let refusal = #expect(throws: Refusal.self) { try world.apply(transfer("801")) }
        #expect(refusal?.code == .insufficientBalance)
        try world.apply(transfer("800"))
        #expect(try world.balance(of: "child")["total_cash_balance"]?.text == "800.00000000")
        #expect(try world.balance()["total_available_balance"]?.text == "0.00000000")
    }

    @Test("Default leverage is the lower of account and product")
    func defaultLeverage() throws {
        let world = try makeWorld(
            .documented, settings: #"{"max_leverage":"30"}"#,
            [
                deposit("USD", "100000"), prices(marks: #"{"BTCUSD-PERP":"60000","CROUSD-PERP":"0.1"}"#),
                fill("BTCUSD-PERP", "buy", "1", "60000", more: #","margin_mode":"isolated""#),
                fill("CROUSD-PERP", "buy", "1000", "0.1", more: #","margin_mode":"isolated""#),
            ])
        let wallets = world.account("desk")?.positions.map(\.isolatedWallet.description)
        #expect(wallets == ["2000", "5"])
    }
}
