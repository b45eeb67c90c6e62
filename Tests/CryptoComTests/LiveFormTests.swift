import JSON
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// The recordings. The venue computes in binary floating point and we exactly: where the last
/// digit of a recording differs from ours, the test says so.
@Suite("Live form")
struct LiveFormTests {
    @Test("Golden payload A: six figures are one unit of the last digit below the recording")
    func goldenA() throws {
        let world = try makeWorld(
            .live,
            [deposit("CRO", "30"), deposit("USD", "18.18176564"), prices(index: #"{"CRO":"0.05467"}"#)])
        // The recording has haircut and initial margin 0.82005001, maintenance margin 0.41002501 and exposure
        // 1.64010001: 30 × 0.05467 is 1.6401000000000001 in binary floating point, and requirements round up.
        let expected =
            #"{"id":-1,"method":"private/user-balance","code":0,"result":{"data":[{"#
            + #""total_risk_exposure":"1.6401","total_available_balance":"19.00181564","#
            + #""total_margin_balance":"19.82186564","total_initial_margin":"0.82005","#
            + #""total_haircut":"0.82005000","total_position_im":"0","total_maintenance_margin":"0.410025","#
            + #""total_position_cost":"0","total_cash_balance":"19.82186564","#
            + #""total_collateral_value":"19.00181564","total_session_unrealized_pnl":"0","#
            + #""instrument_name":"USD","total_session_realized_pnl":"0","position_balances":["#
            + #"{"quantity":"30","reserved_qty":"0","collateral_amount":"0.82005","haircut":"0.5","#
            + #""collateral_eligible":true,"market_value":"1.6401","max_withdrawal_balance":"30","#
            + #""instrument_name":"CRO","hourly_interest_rate":"0"},"#
            + #"{"quantity":"18.18176564","reserved_qty":"0","collateral_amount":"18.18176564","haircut":"0","#
            + #""collateral_eligible":true,"market_value":"18.18176564","max_withdrawal_balance":"18.18176564","#
            + #""instrument_name":"USD","hourly_interest_rate":"0"}],"credit_limits":[],"#
            + #""total_isolated_cash_balance":"0","isolated_positions":[],"#
            + #""total_effective_leverage":"0.082742","position_limit":"396.4373128","#
            + #""used_position_limit":"1.6401","total_borrow":"0","is_liquidating":false,"has_risk":false,"#
            + #""terminatable":true}]}}"#
        #expect(try world.statement("desk") == expected)
    }

    /// The recording's value, and ours where it differs.
    @Test("Golden payload B: values and amounts end in 9 where the recording has 8 …9")
    func goldenB() throws {
        let world = try makeWorld(
            .live,
            [deposit("CRO", "199"), deposit("USD", "9.677146618"), prices(index: #"{"CRO":"0.04874"}"#)])
        let object = try world.balance()
        let figures: [(String, recorded: String, ours: String)] = [
            ("total_collateral_value", "14.52677660", "14.52677661"),
            ("total_margin_balance", "19.37640661", "19.37640661"),
            ("total_haircut", "4.84963000", "4.84963000"), ("total_initial_margin", "4.84963", "4.84963"),
            ("total_maintenance_margin", "2.424815", "2.424815"),
            ("total_available_balance", "14.52677661", "14.52677661"),
            ("total_risk_exposure", "9.69926", "9.69926"), ("used_position_limit", "9.69926", "9.69926"),
            ("position_limit", "387.52813236", "387.52813236"),
            ("total_effective_leverage", "0.500571", "0.500571"),
        ]
        for (name, _, ours) in figures { #expect(object[name]?.text == ours, "\(name)") }
        let token = try object.row("CRO")
        #expect(token["market_value"]?.text == "9.69926")  // recorded: 9.69925999
        #expect(token["collateral_amount"]?.text == "4.84963")  // recorded: 4.84962999
        let dollars = try object.row("USD")
        #expect(dollars["market_value"]?.text == "9.67714661")
        #expect(dollars["max_withdrawal_balance"]?.text == "9.67714661")
        #expect(dollars["quantity"]?.text == "9.677146618")
    }

    @Test("The collateral value keeps the places of the longest row")
    func collateralPlaces() throws {
        let world = try makeWorld(
            .live, [deposit("CRO", "20"), deposit("USD", "18.5566705"), prices(index: #"{"CRO":"0.05467"}"#)])
        #expect(try world.balance()["total_collateral_value"]?.text == "19.1033705")
        try world.apply(deposit("USD", "0.0000295"))
        #expect(try world.balance()["total_collateral_value"]?.text == "19.1034")
    }

    @Test("Dust stays listed with nothing to show; an ineligible token counts in cash only")
    func dustAndIneligible() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("CRO", "0.00000000445"), deposit("DAI", "100"),
                prices(index: #"{"CRO":"0.05","DAI":"1"}"#),
            ])
        let object = try world.balance()
        let dust = try object.row("CRO")
        #expect(dust["quantity"]?.text == "0.00000000445")
        #expect(dust["market_value"]?.text == "0")
        #expect(dust["max_withdrawal_balance"]?.text == "0")
        let token = try object.row("DAI")
        #expect(token["collateral_eligible"]?.boolean == false)
        #expect(token["haircut"]?.text == "0")
        #expect(token["collateral_amount"]?.text == "0")
        #expect(token["market_value"]?.text == "100")
        #expect(object["total_cash_balance"]?.text == "100")
        #expect(object["total_margin_balance"]?.text == "0")
        #expect(object["terminatable"]?.boolean == false)
    }

    /// 3.0709 locked of 9.677146618, and 520 of 1009.798 offered.
    @Test("Open spot orders lock, reserve and shrink what the captures show")
    func spotOrders() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "9.677146618"), deposit("DAI", "1009.798"),
                order("1", "CRO_USD", "buy", "67", "0.045834328358208955"),
                order("2", "DAI_USD", "sell", "520", "1.5"),
            ])
        let object = try world.balance()
        let dollars = try object.row("USD")
        #expect(dollars["quantity"]?.text == "9.677146618")
        #expect(dollars["reserved_qty"]?.text == "0")
        #expect(dollars["market_value"]?.text == "6.60624661")
        #expect(dollars["collateral_amount"]?.text == "6.60624661")
        #expect(dollars["max_withdrawal_balance"]?.text == "6.60624661")
        let offered = try object.row("DAI")
        #expect(offered["reserved_qty"]?.text == "520")
        #expect(offered["max_withdrawal_balance"]?.text == "489.798")
        #expect(offered["market_value"]?.text == "1009.798")
        #expect(object["total_cash_balance"]?.text == "1019.47514661")
        #expect(object["total_margin_balance"]?.text == "6.60624661")
        #expect(object["terminatable"]?.boolean == false)
    }

    /// The isolated sample of the newer document, which rounds one figure up as a double:
    /// 1.09620001. Its account pays 0.04 % as a taker, so that 0.54 % is kept back.
    @Test("The isolated sample")
    func isolatedSample() throws {
        let world = try makeWorld(
            .live, settings: #"{"fees":{"derivative":{"taker":"0.0004"}}}"#,
            [
                deposit("USD", "100"), prices(marks: #"{"CROUSD-PERP":"0.10962"}"#),
                position(
                    "CROUSD-PERP", "-100", "0.10959",
                    more: #","margin_mode":"isolated","isolated_wallet":"8.9632670590686","leverage":"10""#),
            ])
        let account = try world.balance()
        #expect(account["total_isolated_cash_balance"]?.text == "8.96326705")
        #expect(account["total_cash_balance"]?.text == "100")
        #expect(account["total_session_unrealized_pnl"]?.text == "0")
        #expect(account["used_position_limit"]?.text == "0")
        let object = try #require(account["isolated_positions"]?.elements?.first)
        let expected: [(String, String)] = [
            ("leverage", "10"), ("isolation_type", "ISOLATED_MARGIN"),
            ("total_available_balance", "7.80487225"),
            ("total_margin_balance", "8.90107225"), ("total_initial_margin", "1.0962"),
            ("total_position_im", "0.5481"), ("total_haircut", "0"), ("total_maintenance_margin", "0.27405"),
            ("total_position_cost", "10.959"), ("total_cash_balance", "8.96326705"),
            ("total_collateral_value", "8.96326705"), ("total_session_unrealized_pnl", "-0.003"),
            ("total_effective_leverage", "1.231537"), ("position_limit", "89.01072259"),
            ("used_position_limit", "10.962"), ("instrument_name", "USD"),
        ]
        for (name, value) in expected { #expect(object[name]?.text == value, "\(name)") }
        #expect(object["is_liquidating"]?.boolean == false)
        let row = try object.row("USD")
        #expect(row["quantity"]?.text == "8.9632670590686")
        #expect(row["market_value"]?.text == "8.96326705")
        #expect(row["max_withdrawal_balance"]?.text == "7.80487225")
        #expect(object["isolated_positions"] == nil)
        #expect(object["isolation_id"]?.text?.allSatisfy(\.isNumber) == true)
    }

    @Test("A debt is borrowed, bears the rate raised for it and counts in full")
    func debt() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("BTC", "1"), prices(index: #"{"BTC":"50000"}"#),
                fill("CRO_USD", "buy", "1000", "0.1"),
                prices(index: #"{"CRO":"0.1"}"#),
                #"{"type":"raise","account":"desk","flag":"hourly_interest_rate","asset":"USD","value":"0.00001"}"#,
            ])
        let object = try world.balance()
        #expect(object["total_borrow"]?.text == "100")
        let row = try object.row("USD")
        #expect(row["quantity"]?.text == "-100")
        #expect(row["collateral_amount"]?.text == "-100")
        #expect(row["haircut"]?.text == "0")
        #expect(row["max_withdrawal_balance"]?.text == "0")
        #expect(row["hourly_interest_rate"]?.text == "0.00001")
        // 50000 + 100 − 100; haircut 0.0625 × 50000 + 0.5 × 100.
        #expect(object["total_margin_balance"]?.text == "50000")
        #expect(object["total_haircut"]?.text == "3175.00000000")
        #expect(object["total_available_balance"]?.text == "46825")
    }

    @Test("A sub-account's object is the live one with its id in front; no data where that was asked for")
    func subaccountAndEmptyData() async throws {
        let world = try makeWorld(.live)
        try world.apply(
            #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk","settings":{"empty_data":true}}"#
        )
        let query = [QueryItem(name: "method", value: "private/get-subaccount-balances")]
        let body = try JSONValue(parsing: try world.statement("desk", query: query))
        let keys = body["result"]?["data"]?.elements?.first?.object?.keys
        #expect(keys?.prefix(3) == ["account", "total_risk_exposure", "total_available_balance"])
        #expect(body["result"]?["data"]?.elements?.first?["position_limit"]?.text == "0")
        #expect(try world.statement("child").hasSuffix(#""result":{"data":[]}}"#))
        try world.apply(deposit("USD", "1", account: "child"))
        #expect(try world.balance(of: "child")["total_cash_balance"]?.text == "1")
    }
}
