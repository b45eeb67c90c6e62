import CryptoCom
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

/// An account as the documents' vectors have it: their balances, and 0.46 % as taker of pairs.
func orderWorld(
    _ profile: WireProfile = .live, spot: String = "0.0046", _ commands: [String] = []
) throws -> World {
    let fees =
        #"{"spot":{"maker":"\#(spot)","taker":"\#(spot)"},"derivative":{"maker":"0.00025","taker":"0.0004"}}"#
    let world = try makeWorld(
        profile, settings: #"{"fees":\#(fees)}"#,
        [
            prices(
                marks: #"{"BTCUSD-PERP":"51278"}"#,
                index: #"{"CRO":"0.05467","BTC":"51270","USDT":"1","XRP":"0.62"}"#)
        ] + commands)
    world.addKey(account: "desk", apiKey: "token", secret: "secretKey", permissions: [.read, .trade])
    return world
}

func quote(_ instrument: String, _ bid: String, _ ask: String, _ more: String = "") -> String {
    #"{"type":"quotes","venue":"crypto-com","quotes":"#
        + #"{"\#(instrument)":{"bid":"\#(bid)","ask":"\#(ask)"\#(more)}}}"#
}

extension JSONValue {
    /// Params as the signature has them, put together apart from the code under test.
    var signedText: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array(let elements): elements.map(\.signedText).joined()
        case .object(let object):
            object.members.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
                .map { $0.key + $0.value.signedText }.joined()
        }
    }
}

extension TestWorld where Model == CryptoComVenue {
    /// Calls a private method with params written as JSON.
    func ask(_ method: String, _ params: String = "{}", id: String = "11") async throws -> JSONValue {
        let flattened = try JSONValue(parsing: params).signedText
        return try await call("private/" + method, id: id, params: params, flattened: flattened).json
    }

    /// An order of `CRO_USD`, placed; `more` is what it has besides.
    func trade(_ side: String, _ more: String, instrument: String = "CRO_USD") async throws -> JSONValue {
        try await ask("create-order", #"{"instrument_name":"\#(instrument)","side":"\#(side)",\#(more)}"#)
    }

    /// The row of an order that an answer names.
    func row(_ answer: JSONValue) async throws -> JSONValue {
        let id = try #require(answer["result"]?["order_id"]?.text)
        return try #require(try await ask("get-order-detail", #"{"order_id":"\#(id)"}"#)["result"])
    }

    func cash(_ asset: String) throws -> String? { account("desk")?.cash(asset).description }

    /// The newest trade.
    func lastTrade() async throws -> JSONValue {
        try #require(try await ask("get-trades")["result"]?["data"]?.elements?.first)
    }
}

private func members(_ value: JSONValue, _ names: String) -> [String] {
    names.split(separator: " ").map { name in
        let member = value[String(name)]
        return member?.text ?? member?.description ?? "absent"
    }
}

private let figures =
    "status quantity order_value cumulative_quantity cumulative_value avg_price cumulative_fee"

@Suite("Orders, by the documents' vectors")
struct OrderTests {
    /// A1, A2: a market buy by notional ends with money left; a market sell.
    @Test func byNotional() async throws {
        let world = try orderWorld(
            .live,
            [deposit("USD", "18.02103432"), deposit("CRO", "30"), quote("CRO_USD", "0.05474", "0.05475")])
        let bought = try await world.trade(
            "BUY", #""type":"MARKET","notional":"1.00000","fee_instrument_name":"USD""#)
        #expect(bought["result"]?.object?.keys.map { $0 } == ["client_oid", "order_id"])
        #expect(bought["result"]?["client_oid"]?.text == "11", "the request's id where none was sent")
        #expect(bought["result"]?["order_id"]?.text?.count == 19)
        let row = try await world.row(bought)
        #expect(
            members(row, figures) == ["CANCELED", "17", "1.00000", "18", "0.98550", "0.05475", "0.0828"])
        #expect(row["exec_inst"]?.elements == [.string("NOTIONAL_ORDER")])
        #expect(row["limit_price"] == nil && row["ref_price_type"]?.text == "NULL_VAL")
        #expect(
            members(
                try await world.lastTrade(), "fees fee_instrument_name traded_price taker_side match_count")
                == ["-0.0045333", "USD", "0.05475", "TAKER", "1"])
        #expect(try world.cash("USD") == "17.03100102")
        #expect(try world.cash("CRO") == "48")
        #expect(try world.balance()["total_margin_balance"]?.text == "19.65516102")

        let sold = try await world.row(try await world.trade("SELL", #""type":"MARKET","quantity":"28""#))
        #expect(
            members(sold, figures) == [
                "FILLED", "28", "1.45628", "28", "1.53272", "0.05474", "0.007050512",
            ])
        #expect(try world.cash("USD") == "18.556670508")
        #expect(try world.cash("CRO") == "20")
    }

    /// B1, B2: fees taken from the quote of a buy and of a sell.
    @Test func quoteFees() async throws {
        let world = try orderWorld(
            .live,
            [deposit("USD", "18.881582496"), deposit("CRO", "12"), quote("CRO_USD", "0.05489", "0.05490")])
        let bought = try await world.row(
            try await world.trade(
                "BUY", #""type":"MARKET","quantity":"18","fee_instrument_name":"USD""#))
        #expect(members(bought, "status cumulative_value") == ["FILLED", "0.9882"])
        #expect(members(try await world.lastTrade(), "fees traded_price") == ["-0.00454572", "0.05490"])
        #expect(try world.cash("USD") == "17.888836776")
        let sold = try await world.row(try await world.trade("SELL", #""type":"MARKET","quantity":"28""#))
        #expect(
            members(sold, "order_value cumulative_value cumulative_fee") == [
                "1.46020", "1.53692", "0.007069832",
            ])
        #expect(try world.cash("USD") == "19.418686944")
        #expect(try world.cash("CRO") == "2")
    }

    /// C1: more is bought than the quantity that is shown. D: the fee of a buy is taken from what is bought.
    @Test func shownQuantity() async throws {
        let world = try orderWorld(
            .live, spot: "0.005",
            [
                deposit("USD", "6.972743472"), deposit("CRO", "30.28083772"),
                quote("CRO_USD", "0.06084", "0.06085"),
            ])
        let bought = try await world.row(
            try await world.trade(
                "BUY", #""type":"MARKET","notional":"1.39455","fee_instrument_name":"USD""#))
        #expect(
            members(bought, figures) == ["CANCELED", "21", "1.39455", "22", "1.33870", "0.06085", "0.110"])
        #expect(members(try await world.lastTrade(), "fees") == ["-0.0066935"])
        #expect(try world.cash("USD") == "5.627349972")
        #expect(try world.cash("CRO") == "52.28083772")

        try world.apply(quote("CRO_USD", "0.06092", "0.06093"))
        let more = try await world.row(try await world.trade("BUY", #""type":"MARKET","notional":"1.21840""#))
        #expect(
            members(more, figures) == ["CANCELED", "19", "1.21840", "19", "1.15767", "0.06093", "0.095"])
        #expect(more["fee_instrument_name"]?.text == "CRO")
        #expect(members(try await world.lastTrade(), "fees fee_instrument_name") == ["-0.095", "CRO"])
        #expect(try world.cash("CRO") == "71.18583772")
    }

    /// E: amended under the same id, cancelled by the client's new one.
    @Test func amendedAndCancelled() async throws {
        let world = try orderWorld(.live, [deposit("USD", "10"), quote("CRO_USD", "0.05474", "0.05475")])
        let placed = try await world.trade(
            "BUY", #""type":"LIMIT","price":"0.03710","quantity":"27","client_oid":"mine""#)
        let open = try await world.row(placed)
        #expect(
            members(open, "status limit_price order_value client_oid") == [
                "ACTIVE", "0.03710", "1.0017", "mine",
            ])
        let id = try #require(placed["result"]?["order_id"]?.text)
        let amended = try await world.ask(
            "amend-order", #"{"order_id":"\#(id)","new_price":"0.03810","new_quantity":"28"}"#, id: "12")
        #expect(members(try #require(amended["result"]), "client_oid order_id") == ["12", id])
        let changed = try await world.row(amended)
        #expect(members(changed, "quantity limit_price order_value") == ["28", "0.03810", "1.0668"])
        #expect(changed["create_time"] == open["create_time"])
        #expect(
            try await world.ask("amend-order", #"{"order_id":"\#(id)","new_price":"0.03810"}"#)["code"]?
                .integer == 40004)
        #expect(
            try await world.ask(
                "amend-order", #"{"orig_client_oid":"12","new_price":"0.05","new_quantity":"1000"}"#)["code"]?
                .integer == 306)
        let cancelled = try await world.ask("cancel-order", #"{"client_oid":"12"}"#)
        #expect(cancelled.object?.keys.map { $0 } == ["id", "method", "code", "message", "result"])
        #expect(cancelled["message"]?.text == "NO_ERROR")
        #expect(
            members(try await world.row(cancelled), "status maker_fee_rate ref_price_type") == [
                "CANCELED", "0", "NULL_VAL",
            ])
        for method in ["cancel-order", "amend-order"] {
            let again = try await world.ask(
                method, #"{"order_id":"\#(id)","new_price":"0.04","new_quantity":"28"}"#)
            #expect(again["code"]?.integer == 212)
        }
        let listed = try await world.ask("get-order-history")
        #expect(listed["result"]?["data"]?.elements?.map { $0["status"]?.text } == ["CANCELED"])
    }

    /// F: 2023, a pair in USDT at 0.075 %; two of it, as one is below today's minimum.
    /// G: a perpetual, filled better than its limit.
    @Test func otherInstruments() async throws {
        let world = try orderWorld(
            .live, spot: "0.00075",
            [
                deposit("USDT", "10"), deposit("USD", "10000"), quote("XRP_USDT", "0.61876", "0.61877"),
                quote("BTCUSD-PERP", "51278.4", "51278.5"),
            ])
        let pair = try await world.row(
            try await world.trade("BUY", #""type":"MARKET","quantity":"2""#, instrument: "XRP_USDT"))
        #expect(members(pair, "order_value cumulative_fee") == ["1.2994", "0.00150"])
        let perpetual = try await world.row(
            try await world.trade(
                "BUY", #""type":"LIMIT","price":"51283","quantity":"0.0500""#, instrument: "BTCUSD-PERP"))
        #expect(
            members(perpetual, figures) == [
                "FILLED", "0.0500", "2564.15", "0.05", "2563.925", "51278.5", "1.0255700",
            ])
        #expect(perpetual["fee_instrument_name"]?.text == "USD")
    }

    /// I, J, K, L, N: refused with and without an id; what is refused with one can be looked up.
    @Test func refusals() async throws {
        let world = try orderWorld(.live, [deposit("USD", "1.5"), quote("CRO_USD", "0.05474", "0.05475")])
        let short = try await world.trade("BUY", #""type":"LIMIT","price":"0.05000","quantity":"1000""#)
        #expect(short.object?.keys.map { $0 } == ["id", "method", "code", "message", "result"])
        #expect(members(short, "code message") == ["306", "INSUFFICIENT_AVAILABLE_BALANCE"])
        #expect(members(try await world.row(short), "status reason") == ["REJECTED", "306"])
        #expect(world.account("desk")?.orders.isEmpty == true)

        let before = world.lastSequence
        for (more, code) in [
            (#""type":"LIMIT","price":"0.037105","quantity":"28""#, 308),
            (#""type":"LIMIT","price":"0.05","quantity":"0.5""#, 213),
        ] {
            let refused = try await world.trade("BUY", more)
            #expect(refused["code"]?.integer == Int64(code) && refused["result"] == nil)
        }
        #expect(world.lastSequence == before)
        for (more, code) in [
            (#""type":"LIMIT","price":"0.01000","quantity":"100","time_in_force":"FILL_OR_KILL""#, 43003),
            (
                #""type":"LIMIT","price":"0.04000","quantity":"25","time_in_force":"IMMEDIATE_OR_CANCEL""#,
                43004
            ),
            (#""type":"LIMIT","price":"0.05475","quantity":"20","exec_inst":["POST_ONLY"]"#, 43005),
            (#""type":"MARKET","quantity":"20","exec_inst":["POST_ONLY"]"#, 43005),
        ] {
            let refused = try await world.trade("BUY", more)
            #expect(refused["code"]?.integer == Int64(code))
            #expect(
                members(try await world.row(refused), "status reason") == ["REJECTED", "\(code)"], "\(more)")
        }
        let list = try await world.ask(
            "create-order-list",
            #"{"contingency_type":"LIST","order_list":["#
                + #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05100","quantity":"20"},"#
                + #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05000","quantity":"20"}]}"#
        )
        let rows = try #require(list["result"]?.elements)
        #expect(list["code"]?.integer == 0)
        #expect(rows[0].object?.keys.map { $0 } == ["code", "index", "client_oid", "order_id"])
        #expect(rows[1].object?.keys.map { $0 } == ["code", "index", "client_oid", "message", "order_id"])
        #expect(members(rows[1], "code index client_oid") == ["306", "1", "11_1"])
        #expect(world.account("desk")?.orders.count == 1)
        let gone = try await world.ask(
            "cancel-order-list",
            #"{"order_list":[{"client_oid":"11_0"},{"order_id":"1","instrument_name":"CRO_USD"}]}"#)
        #expect(gone["result"]?.elements?.map { $0["code"]?.integer } == [0, 212])
    }

    @Test("In margin call and in liquidation nothing is opened, and what reduces is taken")
    func shortOfMargin() async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "3000"), quote("BTCUSD-PERP", "51269.9", "51270")])
        let perpetual = "BTCUSD-PERP"
        let opened = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.5000""#, instrument: perpetual)
        #expect(opened["code"]?.integer == 0)
        for (fraction, code) in [("0.75", "301"), ("0.4", "311")] {
            // Between the two margins, and below both.
            let balance = try world.balance()
            let cash = try ExactDecimal(balance["total_margin_balance"]?.text ?? "")
            let initial = try ExactDecimal(balance["total_initial_margin"]?.text ?? "")
            let left = try initial.times(ExactDecimal(fraction), rounding: .halfEven)
            try world.apply(
                #"{"type":"withdraw","account":"desk","asset":"USD","amount":"\#(try cash - left)","force":true}"#
            )
            let refused = try await world.trade(
                "BUY", #""type":"MARKET","quantity":"0.0100""#, instrument: perpetual)
            #expect(members(refused, "code") == [code])
            #expect(members(try await world.row(refused), "status reason") == ["REJECTED", code])
            let reduced = try await world.trade(
                "SELL", #""type":"MARKET","quantity":"0.0100","exec_inst":["REDUCE_ONLY"]"#,
                instrument: perpetual)
            #expect(reduced["code"]?.integer == 0)
            try world.apply(
                #"{"type":"deposit","account":"desk","asset":"USD","amount":"\#(try cash - left)"}"#)
        }
    }

    @Test("Two hundred orders of an instrument may be open")
    func openOrders() async throws {
        let world = try orderWorld(.live, [deposit("USD", "10000")])
        let order = #""type":"LIMIT","price":"0.05400","quantity":"20""#
        for number in 0..<200 {
            // Fifteen calls in a tenth of a second are the limit.
            world.setRealTime(world.realTime() + 10)
            let placed = try await world.trade("BUY", order + #","client_oid":"\#(number)""#)
            #expect(placed["code"]?.integer == 0)
        }
        let further = try await world.trade("BUY", order + #","client_oid":"further""#)
        #expect(further["code"]?.integer == 318)
    }

    /// Every refusal that has no id, none of which changes anything.
    @Test(arguments: [
        (#""type":"LIMIT","price":"0.05""#, 40004), (#""type":"MARKET""#, 40004),
        (#""quantity":"20""#, 40004), (#""type":"STOP","quantity":"20""#, 218),
        (#""type":"LIMIT","quantity":"20""#, 308),
        (#""type":"LIMIT","quantity":"20","price":0.05"#, 308),
        (#""type":"LIMIT","quantity":20,"price":"0.05""#, 213),
        (#""type":"LIMIT","quantity":"-20","price":"0.05""#, 213),
        (#""type":"LIMIT","quantity":"0","price":"0.05""#, 213),
        (#""type":"LIMIT","quantity":"x","price":"0.05""#, 213),
        (#""type":"LIMIT","quantity":"20","price":"-0.05""#, 308),
        (#""type":"LIMIT","quantity":"20","price":"0.05","time_in_force":"NOW""#, 221),
        (#""type":"LIMIT","quantity":"20","price":"0.05","exec_inst":["NOW"]"#, 219),
        (#""type":"LIMIT","quantity":"20","price":"0.05","exec_inst":["POST_ONLY","SMART_POST_ONLY"]"#, 219),
        (#""type":"LIMIT","quantity":"20","price":"0.05","exec_inst":"POST_ONLY""#, 219),
        (#""type":"LIMIT","quantity":"20","price":"0.05","spot_margin":"MARGIN""#, 416),
        (
            #""type":"LIMIT","quantity":"20","price":"0.05","client_oid":"1234567890123456789012345678901234567""#,
            40004
        ),
        (#""type":"LIMIT","quantity":"20","price":"0.05","client_oid":"taken""#, 204),
        (#""type":"LIMIT","quantity":"20","price":"0.05","client_oid":7"#, 40003),
        (#""type":"LIMIT","quantity":"20","price":"0.05","fee_instrument_name":"NONE""#, 40004),
        (#""type":"LIMIT","notional":"20","price":"0.05""#, 40004),
        (#""type":"MARKET","notional":"0""#, 213),
    ])
    func refused(_ more: String, _ code: Int) async throws {
        let world = try orderWorld(
            .live,
            [deposit("USD", "100"), quote("CRO_USD", "0.05474", "0.05475")])
        _ = try await world.trade(
            "BUY", #""type":"LIMIT","price":"0.05000","quantity":"20","client_oid":"taken""#)
        let before = world.lastSequence
        let answer = try await world.trade("BUY", more)
        #expect(answer["code"]?.integer == Int64(code))
        #expect(world.lastSequence == before)
        for (side, instrument, code) in [("HOLD", "CRO_USD", 220), ("BUY", "NO_USD", 209)] {
            let answer = try await world.trade(
                side, #""type":"MARKET","quantity":"20""#, instrument: instrument)
            #expect(answer["code"]?.integer == Int64(code))
        }
    }

    /// Refusals with an id: sizes and bands. What is too small may still reduce a position.
    @Test(arguments: [
        ("BUY", #""type":"LIMIT","quantity":"10","price":"0.05""#, 415),
        ("BUY", #""type":"MARKET","notional":"0.5""#, 415),
        ("BUY", #""type":"LIMIT","quantity":"30000000","price":"0.05""#, 314),
        ("BUY", #""type":"LIMIT","quantity":"100","price":"0.05741""#, 315),
        ("BUY", #""type":"LIMIT","quantity":"100","price":"0.02733""#, 315),
        ("SELL", #""type":"LIMIT","quantity":"100","price":"0.05193""#, 315),
        ("SELL", #""type":"LIMIT","quantity":"100","price":"0.08201""#, 315),
        ("SELL", #""type":"LIMIT","quantity":"100","price":"0.06000""#, 306),
        ("BUY", #""type":"LIMIT","quantity":"100","price":"0.05000","exec_inst":["REDUCE_ONLY"]"#, 1110),
    ])
    func refusedWithNames(_ side: String, _ more: String, _ code: Int) async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "1000"), quote("CRO_USD", "0.05474", "0.05475")])
        let answer = try await world.trade(side, more)
        #expect(answer["code"]?.integer == Int64(code))
        #expect(members(try await world.row(answer), "status reason") == ["REJECTED", "\(code)"])
        #expect(world.account("desk")?.orders.isEmpty == true)
    }

    /// P1 to P6: a perpetual's hourly sessions, closed by close-position; M: amended after its fill.
    @Test func perpetual() async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "10000"), quote("BTCUSD-PERP", "51278.5", "51278.6")])
        let bought = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.0500""#, instrument: "BTCUSD-PERP")
        let row = try await world.row(bought)
        #expect(
            members(row, figures) == [
                "FILLED", "0.0500", "2692.125", "0.05", "2563.930", "51278.6", "1.0255720",
            ])
        #expect(try world.cash("USD") == "9998.974428")
        let late = try await world.ask(
            "amend-order",
            #"{"order_id":"\#(bought["result"]?["order_id"]?.text ?? "")","new_price":"51000","new_quantity":"1"}"#
        )
        #expect(late["code"]?.integer == 212)
        try world.apply(
            prices(marks: #"{"BTCUSD-PERP":"51400"}"#), #"{"type":"settle","account":"desk"}"#,
            #"{"type":"funding","account":"desk","instrument":"BTCUSD-PERP","rate":"0.0000125"}"#)
        #expect(try world.cash("USD") == "10005.012303")
        try world.apply(quote("BTCUSD-PERP", "51350", "51350.1"))
        _ = try await world.trade(
            "SELL", #""type":"MARKET","quantity":"0.0200""#, instrument: "BTCUSD-PERP")
        #expect(try world.cash("USD") == "10003.601503")
        try world.apply(quote("BTCUSD-PERP", "51390", "51390.1"))
        let closed = try await world.ask(
            "close-position", #"{"instrument_name":"BTCUSD-PERP","type":"MARKET"}"#)
        #expect(closed["result"]?["client_oid"]?.text?.count == 36)
        #expect(
            members(try await world.row(closed), "status side cumulative_value") == [
                "FILLED", "SELL", "1541.7",
            ])
        #expect(try world.cash("USD") == "10002.684823")
        #expect(world.account("desk")?.positions.isEmpty == true)
        let none = try await world.ask(
            "close-position", #"{"instrument_name":"BTCUSD-PERP","type":"MARKET"}"#)
        #expect(none["code"]?.integer == 201)

        let journal = try #require(
            try await world.ask("get-transactions")["result"]?["data"]?.elements)
        #expect(
            journal.map { $0["journal_type"]?.text } == [
                "TRADING", "TRADING", "FUNDING", "TRADING", "ONCHAIN_DEPOSIT",
            ])
        #expect(
            members(journal[3], "transaction_qty transaction_cost realized_pnl") == [
                "0.05", "2563.93", "-1.025572",
            ])
        #expect(
            members(journal[2], "transaction_cost transaction_qty trade_match_id") == ["-0.032125", "0", "0"])
    }

    /// P7: filled in part as maker. H: its journal. P10: nothing to reduce. P12: fee credits.
    @Test func makersReducingAndCredits() async throws {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "100000"), prices(marks: #"{"BTCUSD-PERP":"51010"}"#),
                quote("BTCUSD-PERP", "51009.9", "51010"),
            ])
        let placed = try await world.trade(
            "BUY", #""type":"LIMIT","price":"51000.0","quantity":"0.1000","client_oid":"rest""#,
            instrument: "BTCUSD-PERP")
        try world.apply(
            #"{"type":"quotes","venue":"crypto-com","quotes":{"BTCUSD-PERP":{"last":"51000","quantity":"0.04"}}}"#
        )
        #expect(
            members(try await world.row(placed), "status order_value cumulative_quantity cumulative_fee") == [
                "ACTIVE", "5100", "0.04", "0.51000",
            ])
        #expect(
            members(try await world.lastTrade(), "taker_side match_index fees") == ["MAKER", "0", "-0.51"])
        let wrong = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.01","exec_inst":["REDUCE_ONLY"]"#,
            instrument: "BTCUSD-PERP")
        #expect(wrong["code"]?.integer == 1110)
        _ = try await world.ask("cancel-all-orders", #"{"instrument_name":"BTCUSD-PERP"}"#)
        #expect(world.account("desk")?.orders.isEmpty == true)

        try world.apply(
            #"{"type":"credit","account":"desk","asset":"USD","amount":"0.5","purpose":"fees"}"#,
            quote("BTCUSD-PERP", "51278.4", "51278.5"))
        _ = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.0500""#, instrument: "BTCUSD-PERP")
        #expect(members(try await world.lastTrade(), "fees fee_credits") == ["-0.52557", "-0.5"])
    }

    @Test("Open orders, newest first, of all or of one instrument; all of them cancelled")
    func lists() async throws {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "100000"), quote("CRO_USD", "0.05474", "0.05475"),
                quote("BTCUSD-PERP", "51278.4", "51278.5"),
            ])
        _ = try await world.trade("BUY", #""type":"LIMIT","price":"0.05","quantity":"20","client_oid":"a""#)
        _ = try await world.trade(
            "BUY", #""type":"LIMIT","price":"51000","quantity":"0.1","client_oid":"b""#,
            instrument: "BTCUSD-PERP")
        func open(_ params: String) async throws -> [String?] {
            try await world.ask("get-open-orders", params)["result"]?["data"]?.elements?.map {
                $0["client_oid"]?.text
            } ?? []
        }
        #expect(try await open("{}") == ["b", "a"])
        #expect(try await open(#"{"instrument_name":"CRO_USD"}"#) == ["a"])
        let none = try await world.ask("get-order-detail", #"{"client_oid":"c"}"#)
        #expect(none["code"]?.integer == 40401)
        let all = try await world.ask("cancel-all-orders", "{}")
        #expect(all.object?.keys.map { $0 } == ["id", "method", "code"])
        #expect(try await open("{}").isEmpty)
        #expect(try await world.ask("cancel-all-orders", "{}")["code"]?.integer == 0)
        let page = try await world.ask("get-order-history", #"{"limit":1,"instrument_name":"CRO_USD"}"#)
        #expect(page["result"]?["data"]?.elements?.map { $0["client_oid"]?.text } == ["a"])
        let text = try await world.ask("get-order-history", #"{"limit":"1"}"#)
        #expect(text["code"]?.integer == 40003)
        let past = try await world.ask("get-order-history", #"{"start_time":1,"end_time":1000}"#)
        #expect(past["result"]?["data"]?.elements == [])
    }

    @Test("Rates, leverage and settings")
    func settings() async throws {
        let world = try orderWorld(.live, [deposit("USD", "1000")])
        let rates = try #require(try await world.ask("get-fee-rate")["result"])
        #expect(
            members(rates, "effective_spot_taker_rate_bps effective_deriv_maker_rate_bps") == ["46", "2.5"])
        let rate = try await world.ask("get-instrument-fee-rate", #"{"instrument_name":"BTCUSD-PERP"}"#)
        #expect(members(try #require(rate["result"]), "effective_taker_rate_bps") == ["4"])
        let accounts = try await world.ask("get-accounts")
        let id = try #require(accounts["result"]?["this_account"]?["uuid"]?.text)
        let done = try await world.ask("change-account-leverage", #"{"account_id":"\#(id)","leverage":10}"#)
        #expect(done.object?.keys.map { $0 } == ["id", "method", "code"])
        #expect(world.account("desk")?.settings.text("max_leverage") == "10")
        for params in [#"{"account_id":"\#(id)","leverage":101}"#, #"{"leverage":5}"#] {
            #expect(try await world.ask("change-account-leverage", params)["code"]?.integer == 40004)
        }
        _ = try await world.ask(
            "change-account-settings", #"{"stp_scope":"S","stp_inst":"M","stp_id":"100","leverage":"20"}"#)
        #expect(
            try await world.ask("get-account-settings")["result"]?.description
                == #"[{"leverage":"20","stp_id":"100","stp_scope":"S","stp_inst":"M"}]"#)
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey", permissions: [.read])
        let readOnly = try await world.trade("BUY", #""type":"MARKET","quantity":"20""#)
        #expect(readOnly["code"]?.integer == 40101)
        #expect(try await world.ask("get-fee-rate")["code"]?.integer == 0)
    }

    /// P8: an isolated position of its own leverage, its margin moved in and out.
    @Test func isolated() async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "1000"), quote("BTCUSD-PERP", "54809.9", "54810")])
        let more = #""type":"MARKET","quantity":"0.0002","exec_inst":["ISOLATED_MARGIN"],"leverage":"10""#
        let first = try await world.trade("BUY", more, instrument: "BTCUSD-PERP")
        let row = try await world.row(first)
        let isolation = try #require(row["isolation_id"]?.text)
        #expect(members(row, "status cumulative_value") == ["FILLED", "10.962"])
        #expect(world.account("desk")?.positions.first?.isolatedWallet == (try ExactDecimal("1.0962")))
        #expect(
            try await world.trade("BUY", more, instrument: "BTCUSD-PERP")["code"]?.integer == 617)
        func transfer(_ direction: String, _ amount: String, _ id: String) async throws -> Int64? {
            try await world.ask(
                "create-isolated-margin-transfer",
                #"{"isolation_id":"\#(id)","direction":"\#(direction)","amount":"\#(amount)"}"#)["code"]?
                .integer
        }
        #expect(try await transfer("CREDIT", "1", isolation) == 0)
        #expect(try await transfer("OUT", "5000", isolation) == 306)
        #expect(try await transfer("IN", "1", "7") == 613)
        #expect(try await transfer("UP", "1", isolation) == 40004)
        let closed = try await world.ask(
            "close-position",
            #"{"instrument_name":"BTCUSD-PERP","type":"MARKET","isolation_id":"\#(isolation)"}"#)
        #expect(closed["code"]?.integer == 0)
        #expect(world.account("desk")?.positions.isEmpty == true)
    }
}
