import JSON
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Neighbours")
struct NeighbourTests {
    private func tradingWorld() throws -> World {
        try makeWorld(
            .documented,
            [
                deposit("USD", "100000"),
                prices(
                    marks: #"{"BTCUSD-PERP":"61000","ETHUSD-PERP":"2400"}"#,
                    index: #"{"BTC":"60990","ETH":"2401"}"#),
                fill("BTCUSD-PERP", "buy", "0.5", "60000"),
                fill("ETHUSD-PERP", "sell", "2", "2500", more: #","margin_mode":"isolated""#),
                order("mine", "BTCUSD-PERP", "sell", "0.2", "65000"),
                order("close", "BTCUSD-PERP", "sell", "0.5", "70000", more: #","reduce_only":true"#),
                fill("BTCUSD-PERP", "sell", "0.03", "65000", more: #","order_id":"mine","fee":"0.2""#),
                fill("BTCUSD-PERP", "sell", "0.02", "65010", more: #","order_id":"mine","fee":"0.05""#),
            ])
    }

    private func list(_ response: VenueResponse) throws -> [JSONValue] {
        #expect(response.status == 200)
        return try #require(try response.json["result"]?["data"]?.elements)
    }

    @Test("get-positions: cost since the last settlement and since opening, isolated ones named")
    func positions() async throws {
        let world = try tradingWorld()
        try world.apply(#"{"type":"settle","account":"desk"}"#, prices(marks: #"{"BTCUSD-PERP":"61500"}"#))
        let rows = try list(await world.call("private/get-positions"))
        #expect(rows.count == 2)
        let cross = rows[0]
        #expect(cross["instrument_name"]?.text == "BTCUSD-PERP")
        #expect(cross["type"]?.text == "PERPETUAL_SWAP")
        #expect(cross["quantity"]?.text == "0.45")
        #expect(cross["cost"]?.text == "27450")  // 0.45 × 61000
        #expect(cross["open_pos_cost"]?.text == "27000")  // 0.45 × 60000
        #expect(cross["open_position_pnl"]?.text == "675")  // 0.45 × 1500
        #expect(cross["session_pnl"]?.text == "225")  // 0.45 × 500
        #expect(cross["update_timestamp_ms"]?.integer == 1_780_272_000_000)
        #expect(cross["isolation_id"] == nil)
        let isolated = rows[1]
        #expect(isolated["quantity"]?.text == "-2")
        #expect(isolated["open_position_pnl"]?.text == "200")
        #expect(isolated["isolation_type"]?.text == "ISOLATED_MARGIN")
        // The account's identifier has the form of a UUID and is the same everywhere.
        let identifier = try #require(cross["account_id"]?.text)
        #expect(identifier.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(isolated["account_id"]?.text == identifier)
    }

    @Test("get-positions of one instrument; an unknown one and a wrong type are refused")
    func positionFilter() async throws {
        let world = try tradingWorld()
        let method = "private/get-positions"
        let some = await world.call(
            method, params: #"{"instrument_name":"ETHUSD-PERP"}"#, flattened: "instrument_nameETHUSD-PERP")
        #expect(try list(some).compactMap { $0["instrument_name"]?.text } == ["ETHUSD-PERP"])
        let unknown = await world.call(
            method, params: #"{"instrument_name":"XUSD-PERP"}"#, flattened: "instrument_nameXUSD-PERP")
        #expect(unknown.status == 400)
        #expect(unknown.text.contains("40004"))
        let wrong = await world.call(method, params: #"{"instrument_name":7}"#, flattened: "instrument_name7")
        #expect(wrong.text.contains("40003"))
    }

    @Test("get-open-orders: what is left, what was filled, reduce-only")
    func openOrders() async throws {
        let rows = try list(await tradingWorld().call("private/get-open-orders"))
        #expect(rows.compactMap { $0["client_oid"]?.text } == ["close", "mine"])
        let order = rows[1]
        #expect(order["side"]?.text == "SELL")
        #expect(order["quantity"]?.text == "0.2")
        #expect(order["limit_price"]?.text == "65000")
        #expect(order["order_value"]?.text == "13000")
        #expect(order["cumulative_quantity"]?.text == "0.05")
        // 0.03 × 65000 + 0.02 × 65010.
        #expect(order["cumulative_value"]?.text == "3250.20")
        #expect(order["avg_price"]?.text == "65004.0")
        #expect(order["cumulative_fee"]?.text == "0.25")
        #expect(order["exec_inst"]?.elements == [])
        #expect(order["order_date"]?.text == "2026-06-01")
        #expect(order["fee_instrument_name"]?.text == "USD")
        #expect(rows[0]["exec_inst"]?.elements == [.string("REDUCE_ONLY")])
        #expect(rows[0]["avg_price"]?.text == "0")
        #expect(rows[0]["cumulative_fee"]?.text == "0")
        #expect(order["order_id"]?.text != rows[0]["order_id"]?.text)
    }

    @Test("get-accounts: the main account with a page of its sub-accounts")
    func accounts() async throws {
        let world = try makeWorld()
        for place in 1...3 {
            try world.apply(
                #"{"type":"open_account","account":"child-\#(place)","venue":"crypto-com","parent":"desk"}"#)
        }
        let all = try await world.call("private/get-accounts").json["result"]
        let main = try #require(all?["master_account"])
        #expect(main["uuid"]?.text == main["master_account_uuid"]?.text)
        #expect(main["hierarchy"]?.text == "MASTER")
        #expect(all?["this_account"]?.object?.keys == ["uuid", "hierarchy"])
        #expect(all?["this_account"]?["uuid"]?.text == main["uuid"]?.text)
        let children = try #require(all?["sub_account_list"]?.elements)
        #expect(children.compactMap { $0["label"]?.text } == ["child-1", "child-2", "child-3"])
        #expect(children.allSatisfy { $0["master_account_uuid"]?.text == main["uuid"]?.text })
        #expect(children.allSatisfy { $0["hierarchy"]?.text == "SUB_ACCOUNT" })
        #expect(Set(children.compactMap { $0["uuid"]?.text }).count == 3)
        let page = try await world.call(
            "private/get-accounts", params: #"{"page_size":2,"page":1}"#, flattened: "page1page_size2"
        ).json["result"]
        #expect(page?["sub_account_list"]?.elements?.compactMap { $0["label"]?.text } == ["child-3"])
        let wrong = await world.call(
            "private/get-accounts", params: #"{"page_size":"2"}"#, flattened: "page_size2")
        #expect(wrong.text.contains("40003"))
        let zero = await world.call(
            "private/get-accounts", params: #"{"page_size":0}"#, flattened: "page_size0")
        #expect(zero.text.contains("40004"))
    }

    @Test("get-subaccount-balances needs the main account's key")
    func subaccountBalances() async throws {
        let world = try makeWorld()
        try world.apply(
            #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
            deposit("USD", "5", account: "child"))
        let rows = try list(await world.call("private/get-subaccount-balances"))
        #expect(rows.compactMap { $0["account"]?.text } == ["child"])
        #expect(rows.first?["total_cash_balance"]?.text == "5.00000000")
        world.addKey(account: "child", apiKey: "token", secret: "secretKey")
        #expect(try list(await world.call("private/get-subaccount-balances")).isEmpty)
    }

    @Test("get-currency-networks lists the tokens of the rulebook")
    func currencyNetworks() async throws {
        let response = await (try makeWorld()).call("private/get-currency-networks")
        let map = try #require(try response.json["result"]?["currency_map"])
        #expect(map["USD"] == nil)
        let bitcoin = try #require(map["BTC"])
        #expect(bitcoin["full_name"]?.text == "Bitcoin")
        let network = try #require(bitcoin["network_list"]?.elements?.first)
        #expect(network["network_id"]?.text == bitcoin["default_network"]?.text)
        #expect(network["withdraw_enabled"]?.boolean == true)
        #expect(network["withdrawal_fee"]?.text == "0.00050000")
    }

    @Test("get-instruments lists the pairs and contracts that clients trade")
    func instruments() async throws {
        let world = try makeWorld()
        let rows = try list(await world.request("GET", "/exchange/v1/public/get-instruments"))
        func row(_ name: String) throws -> JSONValue {
            try #require(rows.first { $0["symbol"]?.text == name }, "\(name)")
        }
        for name in ["CRO_USD", "BTC_USD", "BTC_USDT"] {
            #expect(try row(name)["inst_type"]?.text == "CCY_PAIR")
        }
        for coin in ["BTC", "ETH", "SOL", "XRP", "DOGE", "CRO"] {
            let contract = try row("\(coin)USD-PERP")
            #expect(contract["inst_type"]?.text == "PERPETUAL_SWAP")
            #expect(contract["base_ccy"]?.text == coin)
            #expect(contract["expiry_timestamp_ms"]?.integer == 0)
        }
        let future = try row("BTCUSD-261225")
        #expect(future["inst_type"]?.text == "FUTURE")
        #expect(future["expiry_timestamp_ms"]?.integer == 1_798_185_600_000)
        #expect(future["display_name"]?.text == "BTCUSD Futures 20261225")
        #expect(future["tradable"]?.boolean == true)
        world.setLedgerTime(1_798_185_600_000)
        let later = try list(await world.request("GET", "/exchange/v1/public/get-instruments"))
        #expect(later.first { $0["symbol"]?.text == "BTCUSD-261225" }?["tradable"]?.boolean == false)
        #expect(try row("BTCUSD-PERP")["max_leverage"]?.text == "50")
        #expect(try row("BTC_USD")["price_tick_size"]?.text == "0.01")
        #expect(try row("BTC_USD")["quote_decimals"]?.integer == 2)
    }

    @Test("get-risk-parameters prints the published defaults and rows")
    func riskParameters() async throws {
        let response = await (try makeWorld()).request("GET", "/exchange/v1/public/get-risk-parameters")
        let result = try #require(try response.json["result"])
        let defaults = [
            "default_max_product_leverage_for_spot": "1.0", "default_max_product_leverage_for_perps": "20.0",
            "default_max_product_leverage_for_futures": "20.0", "default_umr_multiplier_for_spot": "1.0",
            "default_umr_multiplier_for_perps": "1.0", "default_umr_multiplier_for_futures": "2.0",
            "default_long_pos_limit_perps": "-1.0", "default_short_pos_limit_futures": "-1.0",
            "default_unit_margin_rate": "0.05", "default_collateral_cap": "0.0",
        ]
        for (name, value) in defaults { #expect(result[name]?.text == value, "\(name)") }
        #expect(result["update_timestamp_ms"]?.integer != nil)
        let rows = try #require(result["base_currency_config"]?.elements)
        let bitcoin = try #require(rows.first { $0["instrument_name"]?.text == "BTC" })
        let expected = [
            "collateral_cap_notional": "25000000", "minimum_haircut": "0.0625",
            "max_product_leverage_for_spot": "16", "max_product_leverage_for_perps": "50",
            "unit_margin_rate": "0.005", "max_short_sell_limit": "200",
        ]
        for (name, value) in expected { #expect(bitcoin[name]?.text == value, "\(name)") }
    }

    @Test("get-tickers: given marks, else the index ratio; a tick around them where nothing is quoted")
    func tickers() async throws {
        let world = try makeWorld(
            .documented,
            [prices(marks: #"{"BTCUSD-PERP":"61000.5"}"#, index: #"{"BTC":"60990","USDT":"0.999"}"#)])
        let path = "/exchange/v1/public/get-tickers"
        let one = try list(await world.request("GET", "\(path)?instrument_name=BTCUSD-PERP"))
        #expect(one.count == 1)
        #expect(one[0]["a"]?.text == "61000.5")
        #expect(one[0]["b"]?.text == "61000.5")
        #expect(one[0]["k"]?.text == "61000.6")
        #expect(one[0]["c"]?.text == "0")
        #expect(one[0]["t"]?.integer == 1_780_272_000_000)
        let pair = try list(await world.request("GET", "\(path)?instrument_name=BTC_USDT"))
        #expect(pair.first?["a"]?.text == "61051.05105105")
        #expect(try list(await world.request("GET", path)).count > 50)
        let unknown = await world.request("GET", "\(path)?instrument_name=NOPE")
        #expect(
            unknown.text
                == #"{"id":-1,"method":"public/get-tickers","code":40004,"message":"MISSING_OR_INVALID_ARGUMENT"}"#
        )
    }

    @Test(
        "get-valuations: the latest mark or index price, and before it that of every full minute",
        arguments: [
            ("instrument_name=BTCUSD-PERP&valuation_type=mark_price", "61000.5"),
            ("instrument_name=BTCUSD-INDEX&valuation_type=index_price", "60990"),
            ("instrument_name=USDUSD-INDEX&valuation_type=index_price", "1"),
        ])
    func valuations(_ query: String, _ price: String) async throws {
        let world = try makeWorld(
            .documented, [prices(marks: #"{"BTCUSD-PERP":"61000.5"}"#, index: #"{"BTC":"60990"}"#)])
        let rows = try list(await world.request("GET", "/exchange/v1/public/get-valuations?\(query)"))
        #expect(rows.compactMap { $0["v"]?.text } == Array(repeating: price, count: 25))
        #expect(rows[1]["t"]?.integer == 1_780_271_940_000)
    }

    @Test(
        "get-valuations refuses what it does not have",
        arguments: [
            "", "instrument_name=BTCUSD-PERP", "instrument_name=BTC_USD&valuation_type=funding_hist",
            "instrument_name=NOPEUSD-INDEX&valuation_type=index_price",
        ])
    func badValuations(_ query: String) async throws {
        let response = await (try makeWorld()).request("GET", "/exchange/v1/public/get-valuations?\(query)")
        #expect(response.status == 400)
        #expect(response.text.contains("40004"))
    }
}
