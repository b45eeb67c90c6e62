import JSON
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// The margin model (`docs/venues/crypto-com.md`), worked out by hand beside each case.
@Suite("Figures")
struct FigureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let commands: [String]
        let expected: [String: String]
        var testDescription: String { name }
    }

    private static let marks = prices(
        marks: #"{"BTCUSD-PERP":"60000","BTCUSD-261225":"62000","ETHUSD-PERP":"2500"}"#,
        index: #"{"BTC":"60000","ETH":"2500","CRO":"0.1","USDT":"1"}"#)

    static let cases: [Case] = [
        Case(
            name: "a long position: rate 1 ÷ 50, size in the limit and the leverage",
            commands: [deposit("USD", "10000"), marks, fill("BTCUSD-PERP", "buy", "0.5", "59000")],
            expected: [
                "total_position_cost": "29500.00000000", "total_session_unrealized_pnl": "500.00000000",
                "total_margin_balance": "10500.00000000", "total_position_im": "600.00000000",
                "total_initial_margin": "600.00000000", "total_maintenance_margin": "300.00000000",
                "total_available_balance": "9900.00000000", "total_cash_balance": "10000.00000000",
                "total_collateral_value": "10000.00000000", "used_position_limit": "30000.00000000",
                "total_effective_leverage": "2.85714285", "total_session_realized_pnl": "0.00000000",
            ]),
        Case(
            name: "a large position: 0.005 × 10 BTC = 5 % is more than 1 ÷ 50",
            commands: [deposit("USD", "100000"), marks, position("BTCUSD-PERP", "-10", "60000")],
            expected: [
                "total_position_im": "30000.00000000", "total_maintenance_margin": "15000.00000000",
                "used_position_limit": "600000.00000000", "total_position_cost": "600000.00000000",
            ]),
        Case(
            name: "orders both ways: the worse side counts, not the sum",
            commands: [
                deposit("USD", "100000"), marks, position("BTCUSD-PERP", "1", "60000"),
                order("1", "BTCUSD-PERP", "buy", "0.5", "50000"),
                order("2", "BTCUSD-PERP", "sell", "2", "70000"),
            ],
            // max(|1 + 0.5|, |1 − 2|) × 60000 ÷ 50
            expected: ["total_position_im": "1800.00000000", "used_position_limit": "90000.00000000"]),
        Case(
            name: "an order beyond the position counts the part that turns it around",
            commands: [
                deposit("USD", "100000"), marks, position("BTCUSD-PERP", "1", "60000"),
                order("1", "BTCUSD-PERP", "sell", "3", "70000"),
            ],
            expected: ["total_position_im": "2400.00000000", "used_position_limit": "120000.00000000"]),
        Case(
            name: "reduce-only orders count nowhere",
            commands: [
                deposit("USD", "100000"), marks, position("BTCUSD-PERP", "1", "60000"),
                order("1", "BTCUSD-PERP", "sell", "3", "70000", more: #","reduce_only":true"#),
            ],
            expected: ["total_position_im": "1200.00000000", "used_position_limit": "60000.00000000"]),
        Case(
            name: "perpetual and future of one underlying are netted, at the stricter rate",
            commands: [
                deposit("USD", "100000"), marks, position("BTCUSD-PERP", "3", "60000"),
                position("BTCUSD-261225", "-1", "62000"),
            ],
            // Net value 180000 − 62000; rate max(1 ÷ 50, 0.005 × 2 × |3 − 1|) = 2 %; sizes are not netted.
            expected: ["total_position_im": "2360.00000000", "used_position_limit": "242000.00000000"]),
        Case(
            name: "underlyings are not netted with each other",
            commands: [
                deposit("USD", "100000"), marks, position("BTCUSD-PERP", "1", "60000"),
                position("ETHUSD-PERP", "-10", "2500"),
            ],
            expected: ["total_position_im": "1700.00000000", "used_position_limit": "85000.00000000"]),
        Case(
            name: "profit is realised into cash, and the session keeps count of it until it is settled",
            commands: [
                deposit("USD", "10000"), marks,
                fill("BTCUSD-PERP", "buy", "1", "59000", more: #","fee":"10""#),
                fill("BTCUSD-PERP", "sell", "0.5", "61000"),
            ],
            expected: [
                "total_cash_balance": "10990.00000000", "total_session_realized_pnl": "1000.00000000",
                "total_session_unrealized_pnl": "500.00000000", "total_position_cost": "29500.00000000",
                "total_margin_balance": "11490.00000000",
            ]),
        Case(
            name: "settling moves unrealized profit to cash and starts the session again",
            commands: [
                deposit("USD", "10000"), marks, fill("BTCUSD-PERP", "buy", "1", "59000"),
                fill("BTCUSD-PERP", "sell", "0.5", "61000"), #"{"type":"settle","account":"desk"}"#,
            ],
            expected: [
                "total_cash_balance": "11500.00000000", "total_session_realized_pnl": "0.00000000",
                "total_session_unrealized_pnl": "0.00000000", "total_position_cost": "30000.00000000",
            ]),
        Case(
            name: "haircuts stand in the initial margin, not in the margin balance",
            commands: [deposit("BTC", "1"), deposit("CRO", "10000"), deposit("USDT", "1000"), marks],
            // 0.0625 × 60000 + 0.5 × 1000 + 0.02 × 1000
            expected: [
                "total_margin_balance": "62000.00000000", "total_haircut": "4270.00000000",
                "total_initial_margin": "4270.00000000", "total_maintenance_margin": "2135.00000000",
                "total_available_balance": "57730.00000000", "total_collateral_value": "57730.00000000",
                "total_position_im": "0.00000000", "total_effective_leverage": "0.00000000",
                "used_position_limit": "0.00000000",
            ]),
        Case(
            name: "the cap limits margin, haircut and collateral, not cash",
            commands: [deposit("CRO", "20000000"), marks],
            // 2000000 USD of CRO, of which 1100000 count
            expected: [
                "total_margin_balance": "1100000.00000000", "total_haircut": "550000.00000000",
                "total_collateral_value": "550000.00000000", "total_cash_balance": "2000000.00000000",
            ]),
        Case(
            name: "a debt has no haircut and counts in full, in an ineligible token too",
            commands: [
                deposit("USD", "1000"), prices(index: #"{"DAI":"2"}"#), fill("DAI_USD", "sell", "100", "2"),
            ],
            expected: [
                "total_margin_balance": "1000.00000000", "total_haircut": "0.00000000",
                "total_cash_balance": "1000.00000000", "total_collateral_value": "1000.00000000",
            ]),
        Case(
            name: "a buy order locks its quote, also where none is held; cash stays",
            commands: [
                deposit("BTC", "1"), marks, order("1", "ETH_USD", "buy", "4", "2500"),
            ],
            expected: [
                "total_margin_balance": "50000.00000000", "total_cash_balance": "60000.00000000",
                "total_collateral_value": "46250.00000000", "used_position_limit": "0.00000000",
            ]),
        Case(
            name: "a sell order adds exposure and locks no margin",
            commands: [deposit("BTC", "1"), marks, order("1", "BTC_USD", "sell", "0.4", "90000")],
            expected: ["total_margin_balance": "60000.00000000", "used_position_limit": "24000.00000000"]),
        Case(
            name: "an isolated position leaves the account's totals; its open order is held back",
            commands: [
                deposit("USD", "10000"), marks,
                #"{"type":"set_leverage","account":"desk","instrument":"ETHUSD-PERP","leverage":"5"}"#,
                fill("ETHUSD-PERP", "buy", "4", "2500", more: #","margin_mode":"isolated""#),
                order("1", "ETHUSD-PERP", "buy", "2", "2400", more: #","margin_mode":"isolated""#),
            ],
            // Wallet 4 × 2500 ÷ 5; order 2 × 2500 ÷ 5.
            expected: [
                "total_cash_balance": "8000.00000000", "total_margin_balance": "8000.00000000",
                "total_position_im": "1000.00000000", "used_position_limit": "5000.00000000",
                "total_position_cost": "0.00000000", "total_session_unrealized_pnl": "0.00000000",
            ]),
        Case(
            name: "thirds of two isolated orders are added up before they are rounded: 100 ÷ 3 + 50 ÷ 3",
            commands: [
                deposit("USD", "1000"), marks, prices(marks: #"{"XRPUSD-PERP":"1"}"#),
                #"{"type":"set_leverage","account":"desk","instrument":"ETHUSD-PERP","leverage":"3"}"#,
                #"{"type":"set_leverage","account":"desk","instrument":"XRPUSD-PERP","leverage":"3"}"#,
                order("1", "ETHUSD-PERP", "buy", "0.04", "2500", more: #","margin_mode":"isolated""#),
                order("2", "XRPUSD-PERP", "buy", "50", "1", more: #","margin_mode":"isolated""#),
            ],
            expected: [
                "total_position_im": "50.00000000", "total_initial_margin": "50.00000000",
                "total_maintenance_margin": "25.00000000", "total_available_balance": "950.00000000",
            ]),
        Case(
            name: "a negative margin balance is liquidating and has no leverage",
            commands: [deposit("USD", "100"), marks, position("BTCUSD-PERP", "1", "61000")],
            expected: [
                "total_margin_balance": "-900.00000000", "total_available_balance": "-2100.00000000",
                "total_effective_leverage": "0.00000000",
            ]),
    ]

    @Test("Totals of an account", arguments: cases)
    func totals(_ row: Case) throws {
        let object = try makeWorld(.documented, row.commands).balance()
        for (name, value) in row.expected { #expect(object[name]?.text == value, "\(name)") }
    }

    @Test("An account is under liquidation below its maintenance margin, or when it is raised")
    func liquidation() throws {
        let world = try makeWorld(
            .documented,
            [
                deposit("USD", "1600"), prices(marks: #"{"BTCUSD-PERP":"60000"}"#),
                position("BTCUSD-PERP", "1", "61000"),
            ])
        // Margin balance 600 = maintenance margin 600.
        #expect(try world.balance()["is_liquidating"]?.boolean == false)
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"59999.99"}"#))
        #expect(try world.balance()["is_liquidating"]?.boolean == true)
        try world.apply(#"{"type":"raise","account":"desk","flag":"is_liquidating","value":false}"#)
        #expect(try world.balance()["is_liquidating"]?.boolean == false)
        try world.apply(#"{"type":"raise","account":"desk","flag":"is_liquidating","value":null}"#)
        #expect(try world.balance()["is_liquidating"]?.boolean == true)
    }

    @Test("Raised eligibility, haircut and limit are worked with, and lifted again")
    func raisedRows() throws {
        let world = try makeWorld(.documented, [deposit("DAI", "100"), prices(index: #"{"DAI":"1"}"#)])
        try world.apply(
            #"{"type":"raise","account":"desk","flag":"collateral_eligible","asset":"DAI","value":true}"#,
            #"{"type":"raise","account":"desk","flag":"haircut","asset":"DAI","value":"0.25"}"#,
            #"{"type":"raise","account":"desk","flag":"position_limit","value":"5"}"#)
        let object = try world.balance()
        #expect(object["total_margin_balance"]?.text == "100.00000000")
        #expect(object["total_haircut"]?.text == "25.00000000")
        #expect(object["position_limit"]?.text == "5.00000000")
        #expect(try object.row("DAI")["haircut"]?.text == "0.25")
        #expect(try object.row("DAI")["collateral_eligible"]?.text == "true")
        try world.apply(
            #"{"type":"raise","account":"desk","flag":"collateral_eligible","asset":"DAI","value":null}"#)
        #expect(try world.balance()["total_margin_balance"]?.text == "0.00000000")
    }

    @Test("USD is worth 1, whatever index is given for it; reserved funds are shown and cannot leave")
    func dollarAndReserved() throws {
        let world = try makeWorld(
            .documented,
            [
                deposit("USD", "100"), prices(index: #"{"USD":"1.5"}"#),
                #"{"type":"reserve","account":"desk","asset":"USD","amount":"30","purpose":"reserved"}"#,
            ])
        let row = try world.balance().row("USD")
        #expect(row["market_value"]?.text == "100.00000000")
        #expect(row["reserved_qty"]?.text == "30.00000000")
        #expect(row["max_withdrawal_balance"]?.text == "70.00000000")
    }

    /// Haircut growth is off in the built-in rules; a rulebook may switch it on from a day on.
    @Test("Rules have dates, and a rulebook may add what is not there")
    func datedRules() throws {
        let amendment = try JSONValue(
            parsing: #"{"venue":"crypto-com","effective":"2026-07-01T00:00:00Z","read_on":"2026-07-01","#
                + #""source":"a test","amends":true,"assets":{"BTC":{"minimum_haircut":"0.1","#
                + #""haircut_rate_per_unit":"0.02"}}}"#)
        let world = World(try CryptoComVenue(addedRulebooks: [amendment], profile: .documented))
        try world.apply(
            #"{"type":"open_account","account":"desk","venue":"crypto-com"}"#, deposit("BTC", "10"),
            prices(index: #"{"BTC":"1000"}"#))
        #expect(try world.balance()["total_haircut"]?.text == "625.00000000")
        world.setLedgerTime(1_782_864_000_000)
        #expect(try world.balance()["total_haircut"]?.text == "2000.00000000")
        #expect(
            world.model.rulebookVersions.map(\.effectiveText) == [
                "2023-10-31T00:00:00Z", "2026-01-08T00:00:00Z", "2026-07-01T00:00:00Z",
            ])
    }

    @Test(
        "A rulebook that cannot be is refused with the field at fault",
        arguments: [
            (#""assets":{"BTC":{"minimum_haircut":"1.5"}}"#, "assets.BTC.minimum_haircut"),
            (#""assets":{"BTC":{"reference_index":"0"}}"#, "assets.BTC.reference_index"),
            (#""assets":{"USD":{"reference_index":"1.01"}}"#, "assets.USD"),
            (#""instruments":{"BTC_USD":{"quote":"XYZ"}}"#, "instruments.BTC_USD.quote"),
            (#""instruments":{"BTCUSD-PERP":{"quote":"USDT"}}"#, "instruments.BTCUSD-PERP.quote"),
            (#""instruments":{"BTCUSD-PERP":{"kind":"swap"}}"#, "instruments.BTCUSD-PERP.kind"),
            (#""instruments":{"BTCUSD-261225":{"expiry":"soon"}}"#, "instruments.BTCUSD-261225.expiry"),
            (#""maintenance_share":"-1""#, "maintenance_share"),
        ])
    func badRulebook(_ change: String, _ field: String) throws {
        let document = try JSONValue(
            parsing: #"{"venue":"crypto-com","effective":"2026-07-01T00:00:00Z","read_on":"2026-07-01","#
                + #""source":"a test","amends":true,\#(change)}"#)
        let error = #expect(throws: RulebookError.self) {
            try CryptoComVenue(addedRulebooks: [document], profile: .documented)
        }
        #expect(error?.field == field)
    }
}
