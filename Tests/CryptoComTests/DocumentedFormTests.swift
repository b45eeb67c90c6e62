import JSON
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// The given documents: order of keys, types and print form, byte for byte; figures worked out
/// apart from the code.
@Suite("Documented form")
struct DocumentedFormTests {
    /// The holdings of the user-balance sample at nearby prices, with one position and one order.
    private func sampleWorld() throws -> World {
        try makeWorld(
            .documented, settings: "{}",
            [
                deposit("CRO", "24422.72427884"), deposit("USD", "3113.50747209"),
                deposit("USDT", "0.19411607"),
                deposit("DAI", "0.19387960"),
                prices(
                    marks: #"{"BTCUSD-PERP":"28900"}"#,
                    index: #"{"CRO":"0.19556","USDT":"0.99886","DAI":"1","BTC":"28900"}"#),
                position("BTCUSD-PERP", "0.5", "29000"), order("1", "BTCUSD-PERP", "buy", "0.25", "28000"),
            ])
    }

    @Test("user-balance in the sample's order and form")
    func userBalance() throws {
        let expected =
            #"{"id":-1,"method":"private/user-balance","code":0,"result":{"data":[{"#
            + #""total_available_balance":"5018.25146895","total_margin_balance":"7839.80932683","#
            + #""total_initial_margin":"2821.55785789","total_position_im":"433.50000000","#
            + #""total_haircut":"2388.05785789","total_maintenance_margin":"1410.77892895","#
            + #""total_position_cost":"14500.00000000","total_cash_balance":"7890.00320643","#
            + #""total_collateral_value":"5501.75146895","total_session_unrealized_pnl":"-50.00000000","#
            + #""instrument_name":"USD","total_session_realized_pnl":"0.00000000","is_liquidating":false,"#
            + #""total_effective_leverage":"1.84315707","position_limit":"3000000.00000000","#
            + #""used_position_limit":"21675.00000000","position_balances":["#
            + #"{"instrument_name":"CRO","quantity":"24422.72427884","market_value":"4776.10795996","#
            + #""collateral_eligible":"true","haircut":"0.5","collateral_amount":"2388.05397998","#
            + #""max_withdrawal_balance":"24422.72427884","reserved_qty":"0.00000000"},"#
            + #"{"instrument_name":"USD","quantity":"3113.50747209","market_value":"3113.50747209","#
            + #""collateral_eligible":"true","haircut":"0","collateral_amount":"3113.50747209","#
            + #""max_withdrawal_balance":"3113.50747209","reserved_qty":"0.00000000"},"#
            + #"{"instrument_name":"USDT","quantity":"0.19411607","market_value":"0.19389477","#
            + #""collateral_eligible":"true","haircut":"0.02","collateral_amount":"0.19001688","#
            + #""max_withdrawal_balance":"0.19411607","reserved_qty":"0.00000000"},"#
            + #"{"instrument_name":"DAI","quantity":"0.19387960","market_value":"0.19387960","#
            + #""collateral_eligible":"false","haircut":"0","collateral_amount":"0.00000000","#
            + #""max_withdrawal_balance":"0.19387960","reserved_qty":"0.00000000"}]}]}}"#
        #expect(try sampleWorld().statement("desk") == expected)
    }

    /// The keys of the given user-balance sample, in its order.
    @Test("The keys are those of the sample")
    func sampleKeys() throws {
        let object = try sampleWorld().balance()
        #expect(
            object.object?.keys == [
                "total_available_balance", "total_margin_balance", "total_initial_margin",
                "total_position_im",
                "total_haircut", "total_maintenance_margin", "total_position_cost", "total_cash_balance",
                "total_collateral_value", "total_session_unrealized_pnl", "instrument_name",
                "total_session_realized_pnl", "is_liquidating", "total_effective_leverage", "position_limit",
                "used_position_limit", "position_balances",
            ])
        #expect(
            try object.row("CRO").object?.keys == [
                "instrument_name", "quantity", "market_value", "collateral_eligible", "haircut",
                "collateral_amount", "max_withdrawal_balance", "reserved_qty",
            ])
    }

    /// Relations that agree on the samples, over our own answer.
    @Test("Relations of the samples hold")
    func relations() throws {
        let object = try sampleWorld().balance()
        func figure(_ name: String) throws -> ExactDecimal {
            try ExactDecimal(try #require(object[name]?.text))
        }
        func sum(_ name: String) throws -> ExactDecimal {
            var total = ExactDecimal.zero
            for row in object["position_balances"]?.elements ?? [] {
                try total += ExactDecimal(try #require(row[name]?.text))
            }
            return total
        }
        #expect(try figure("total_initial_margin") == figure("total_position_im") + figure("total_haircut"))
        let half = try figure("total_initial_margin").over(ExactDecimal(2), places: 8, rounding: .ceiling)
        #expect(try figure("total_maintenance_margin") == half)
        // Shown figures are cut one by one, so sums over rows differ by less than a unit of the
        // last digit a row.
        let rows = try ExactDecimal("0.00000004")
        #expect(try (figure("total_cash_balance") - sum("market_value")).magnitude < rows)
        #expect(try (figure("total_collateral_value") - sum("collateral_amount")).magnitude < rows)
        let difference = try figure("total_margin_balance") - figure("total_initial_margin")
        #expect(try (figure("total_available_balance") - difference).magnitude < rows)
    }

    @Test("get-subaccount-balances in the sample's order and form")
    func subaccounts() throws {
        let world = try makeWorld()
        let names = [
            "a0d206a1-6b06-47c5-9cd3-8bc6ef0915c5", "49786818-6ead-40c4-a008-ea6b0fa5cf96",
            "507d3f7d-37c3-4a09-9076-b83c2fcbb638",
        ]
        for name in names {
            try world.apply(
                #"{"type":"open_account","account":"\#(name)","venue":"crypto-com","parent":"desk"}"#)
        }
        try world.apply(prices(index: #"{"BTC":"21918.55"}"#))
        for (name, dollars) in [(names[1], "1"), (names[2], "100")] {
            try world.apply(
                deposit("BTC", "1", account: name), deposit("USD", dollars, account: name),
                // The sample's totals hold with a weight of 0.95 for BTC.
                #"{"type":"raise","account":"\#(name)","flag":"haircut","asset":"BTC","value":"0.05"}"#)
        }
        func object(
            _ name: String, _ available: String, _ margin: String, _ cash: String, _ dollars: String
        ) -> String {
            #"{"account":"\#(name)","instrument_name":"USD","total_available_balance":"\#(available)","#
                + #""total_margin_balance":"\#(margin)","total_initial_margin":"1095.92750000","#
                + #""total_maintenance_margin":"547.96375000","total_position_cost":"0.00000000","#
                + #""total_cash_balance":"\#(cash)","total_collateral_value":"\#(available)","#
                + #""total_session_unrealized_pnl":"0.00000000","total_session_realized_pnl":"0.00000000","#
                + #""total_effective_leverage":"0.00000000","position_limit":"3000000.00000000","#
                + #""used_position_limit":"0.00000000","is_liquidating":false,"position_balances":["#
                + #"{"instrument_name":"BTC","quantity":"1.00000000","market_value":"21918.55000000","#
                + #""collateral_eligible":"true","haircut":"0.05000000","collateral_amount":"20822.62250000","#
                + #""max_withdrawal_balance":"1.00000000"},{"instrument_name":"USD","quantity":"\#(dollars)","#
                + #""market_value":"\#(dollars)","collateral_eligible":"true","haircut":"0.00000000","#
                + #""collateral_amount":"\#(dollars)","max_withdrawal_balance":"\#(dollars)"}]}"#
        }
        // The first object is the sample's own, without its blanks.
        let empty =
            #"{"account":"a0d206a1-6b06-47c5-9cd3-8bc6ef0915c5","instrument_name":"USD","#
            + #""total_available_balance":"0.00000000","total_margin_balance":"0.00000000","#
            + #""total_initial_margin":"0.00000000","total_maintenance_margin":"0.00000000","#
            + #""total_position_cost":"0.00000000","total_cash_balance":"0.00000000","#
            + #""total_collateral_value":"0.00000000","total_session_unrealized_pnl":"0.00000000","#
            + #""total_session_realized_pnl":"0.00000000","total_effective_leverage":"0.00000000","#
            + #""position_limit":"3000000.00000000","used_position_limit":"0.00000000","is_liquidating":false,"#
            + #""position_balances":[]}"#
        let expected =
            #"{"id":1,"method":"private/get-subaccount-balances","code":0,"result":{"data":["#
            + [
                empty, object(names[1], "20823.62250000", "21919.55000000", "21919.55000000", "1.00000000"),
                object(names[2], "20922.62250000", "22018.55000000", "22018.55000000", "100.00000000"),
            ].joined(separator: ",") + "]}}"
        let query = [
            QueryItem(name: "method", value: "private/get-subaccount-balances"),
            QueryItem(name: "id", value: "1"),
        ]
        #expect(try world.statement("desk", query: query) == expected)
        // An account without sub-accounts lists none.
        #expect(try world.statement(names[0], query: query).hasSuffix(#""result":{"data":[]}}"#))
    }

    @Test("Quantities print as held, with at least 8 places")
    func quantities() throws {
        let world = try makeWorld(.documented, [deposit("BTC", "0.123456789012"), deposit("USD", "5")])
        let row = try world.balance().row("BTC")
        #expect(row["quantity"]?.text == "0.123456789012")
        #expect(row["max_withdrawal_balance"]?.text == "0.12345678")
        #expect(try world.balance().row("USD")["quantity"]?.text == "5.00000000")
    }

    @Test("An account that never held anything answers one object of zeros")
    func neverFunded() throws {
        let object = try makeWorld().balance()
        #expect(object["total_cash_balance"]?.text == "0.00000000")
        #expect(object["total_haircut"]?.text == "0.00000000")
        #expect(object["position_balances"]?.elements == [])
    }

    @Test(
        "A statement's query is refused as the venue would",
        arguments: [("method", "private/create-order", "method"), ("id", "abc", "id"), ("id", "-1", "id")])
    func badQuery(_ name: String, _ value: String, _ field: String) throws {
        let world = try makeWorld()
        let error = #expect(throws: StatementError.self) {
            try world.statement("desk", query: [QueryItem(name: name, value: value)])
        }
        #expect(error?.field == field)
    }
}
