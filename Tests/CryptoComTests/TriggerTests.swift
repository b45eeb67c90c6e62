import CryptoCom
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

private func members(_ value: JSONValue?, _ names: String) -> [String] {
    names.split(separator: " ").map { name in
        let member = value?[String(name)]
        return member?.text ?? member?.description ?? "absent"
    }
}

@Suite("Conditional orders, by the venue's documents")
struct TriggerTests {
    /// A long position of 0.03 BTC at 51400, with the mark there.
    private func longWorld() async throws -> World {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#),
                quote("BTCUSD-PERP", "51399.9", "51400"),
            ])
        _ = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.0300","client_oid":"in""#, instrument: "BTCUSD-PERP")
        return world
    }

    private func stop(_ type: String, _ side: String, _ reference: String, _ more: String = "") -> String {
        #"{"instrument_name":"BTCUSD-PERP","side":"\#(side)","type":"\#(type)","quantity":"0.0300","#
            + #""ref_price":"\#(reference)"\#(more)}"#
    }

    /// P11: the mark touches the trigger, an order at the market follows, and the row names it.
    @Test func stopLoss() async throws {
        let world = try await longWorld()
        let placed = try await world.ask(
            "advanced/create-order", stop("STOP_LOSS", "SELL", "51000.0", #","client_oid":"stop""#))
        let id = try #require(placed["result"]?["order_id"]?.text)
        #expect(placed["result"]?["client_oid"]?.text == "stop")
        #expect(try await world.ask("get-open-orders")["result"]?["data"]?.elements?.isEmpty == true)
        let open = try await world.ask("advanced/get-open-orders")["result"]?["data"]?.elements?.first
        #expect(
            members(open, "order_id order_type status ref_price ref_price_type exchange_order_id") == [
                id, "STOP_LOSS", "ACTIVE", "51000", "MARK_PRICE", "absent",
            ])
        try world.apply(
            #"{"type":"quotes","venue":"crypto-com","quotes":{"BTCUSD-PERP":{"bid":"50999.9","ask":"51000"}}}"#,
            prices(marks: #"{"BTCUSD-PERP":"51000"}"#))
        #expect(world.account("desk")?.positions.isEmpty == true)
        let detail = try await world.ask("advanced/get-order-detail", #"{"order_id":"\#(id)"}"#)["result"]
        #expect(members(detail, "status cumulative_quantity avg_price") == ["FILLED", "0.03", "51000.0"])
        let exchangeID = try #require(detail?["exchange_order_id"]?.text)
        let order = try await world.ask("get-order-detail", #"{"order_id":"\#(exchangeID)"}"#)["result"]
        #expect(members(order, "order_type status client_oid") == ["MARKET", "FILLED", "stop"])
        let history = try await world.ask("advanced/get-order-history", #"{"limit":"10"}"#)
        #expect(history["result"]?["data"]?.elements?.map { $0["order_id"]?.text } == [id])
    }

    @Test("A take profit at a limit rests once it has fired; CCXT's way of sending it does the same")
    func takeProfitLimit() async throws {
        let world = try await longWorld()
        let placed = try await world.ask(
            "create-order",
            stop("TAKE_PROFIT_LIMIT", "SELL", "52000", #","price":"52100","client_oid":"profit""#))
        let id = try #require(placed["result"]?["order_id"]?.text)
        let detail = try await world.ask("get-order-detail", #"{"order_id":"\#(id)"}"#)["result"]
        #expect(members(detail, "status limit_price order_type") == ["ACTIVE", "52100", "TAKE_PROFIT_LIMIT"])
        let amended = try await world.ask(
            "advanced/amend-order",
            #"{"order_id":"\#(id)","new_quantity":"0.0200","new_price":"52200","new_ref_price":"52050"}"#)
        #expect(amended["code"]?.integer == 0)
        try world.apply(
            quote("BTCUSD-PERP", "52049.9", "52050"), prices(marks: #"{"BTCUSD-PERP":"52050"}"#))
        let order = world.account("desk")?.orders.first
        #expect(order?.price.description == "52200" && order?.quantity.description == "0.02")
        let gone = try await world.ask("cancel-order", #"{"client_oid":"profit"}"#)
        #expect(gone["message"]?.text == "NO_ERROR")
        let ended = try await world.ask("advanced/get-order-detail", #"{"order_id":"\#(id)"}"#)["result"]
        #expect(members(ended, "status") == ["CANCELED"])
    }

    @Test("Cancelled by id, by list and all at once")
    func cancelled() async throws {
        let world = try await longWorld()
        var ids: [String] = []
        for reference in ["51000", "50900", "50800", "50700"] {
            let placed = try await world.ask(
                "advanced/create-order", stop("STOP_LOSS", "SELL", reference), id: reference)
            ids.append(try #require(placed["result"]?["order_id"]?.text))
        }
        #expect(try await world.ask("cancel-order", #"{"order_id":"\#(ids[0])"}"#)["code"]?.integer == 0)
        #expect(
            try await world.ask("advanced/cancel-order", #"{"order_id":"\#(ids[1])"}"#)["code"]?.integer == 0)
        let again = try await world.ask("advanced/cancel-order", #"{"order_id":"\#(ids[1])"}"#)
        #expect(again["code"]?.integer == 212)
        #expect(try await world.ask("cancel-all-orders", #"{"type":"LIMIT"}"#)["code"]?.integer == 0)
        #expect(world.account("desk")?.conditionals.count == 2)
        #expect(
            try await world.ask("advanced/cancel-all-orders", #"{"type":"TRIGGER"}"#)["code"]?.integer == 0)
        #expect(world.account("desk")?.conditionals.isEmpty == true)
        let detail = try await world.ask("advanced/get-order-detail", #"{"order_id":"\#(ids[3])"}"#)["result"]
        #expect(members(detail, "status") == ["CANCELED"])
    }

    @Test("What is attached to an order waits for it, and ends with it where it is cancelled")
    func attachedToOrder() async throws {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#),
                quote("BTCUSD-PERP", "51399.9", "51400"),
            ])
        func entry() async throws -> String {
            let params =
                #"{"instrument_name":"BTCUSD-PERP","side":"BUY","type":"LIMIT","price":"51000","quantity":"0.03"}"#
            let placed = try await world.ask("create-order", params)
            return try #require(placed["result"]?["order_id"]?.text, "\(placed)")
        }
        func attach(_ type: String, _ reference: String, to id: String) async throws -> String {
            let more = #","attach_order_id":"\#(id)","exec_inst":["REDUCE_ONLY"],"client_oid":"\#(type)""#
            let placed = try await world.ask(
                "advanced/create-order", self.stop(type, "SELL", reference, more))
            return try #require(placed["result"]?["order_id"]?.text, "\(placed)")
        }
        func status(_ id: String) async throws -> [String] {
            let detail = try await world.ask("advanced/get-order-detail", #"{"order_id":"\#(id)"}"#)["result"]
            return members(detail, "status contingency_type attach_order_id")
        }
        let first = try await entry()
        let lost = try await attach("STOP_LOSS", "50500", to: first)
        #expect(try await status(lost) == ["ACTIVE", "DERIV_ATTACH", first])
        #expect(try await world.ask("cancel-order", #"{"order_id":"\#(first)"}"#)["code"]?.integer == 0)
        #expect(try await status(lost) == ["CANCELED", "DERIV_ATTACH", first])

        let second = try await entry()
        let stop = try await attach("STOP_LOSS", "50500", to: second)
        let profit = try await attach("TAKE_PROFIT", "51200", to: second)
        // The profit's level lies below the mark already: it waits for the order all the same.
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"51300"}"#))
        #expect(try await status(profit).first == "ACTIVE")
        try world.apply(
            quote("BTCUSD-PERP", "50999.9", "51000"), prices(marks: #"{"BTCUSD-PERP":"51000"}"#))
        #expect(world.account("desk")?.positions.count == 1)
        try world.apply(
            quote("BTCUSD-PERP", "51249.9", "51250"), prices(marks: #"{"BTCUSD-PERP":"51250"}"#))
        #expect(world.account("desk")?.positions.isEmpty == true)
        // Each of them stands by itself.
        #expect(try await status(profit) == ["FILLED", "DERIV_ATTACH", second])
        #expect(try await status(stop) == ["ACTIVE", "DERIV_ATTACH", second])
        let unknown = try await world.ask(
            "advanced/create-order", self.stop("STOP_LOSS", "SELL", "50500", #","attach_order_id":"5""#))
        #expect(unknown["code"]?.integer == 212)
    }

    @Test("What is attached to a position may only reduce it, and ends with it")
    func attachedToPosition() async throws {
        let world = try await longWorld()
        func attach(_ isolation: String, _ more: String, side: String = "SELL") async throws -> JSONValue {
            try await world.ask(
                "advanced/create-order",
                stop(
                    "STOP_LOSS", side, side == "SELL" ? "51000" : "52000",
                    #","attach_isolation_id":"\#(isolation)""# + more))
        }
        let reduces = #","exec_inst":["REDUCE_ONLY"]"#
        #expect(try await attach("0", "")["code"]?.integer == 219)
        #expect(try await attach("7", reduces)["code"]?.integer == 201)
        #expect(try await attach("0", reduces, side: "BUY")["code"]?.integer == 201)
        let id = try #require(try await attach("0", reduces)["result"]?["order_id"]?.text)
        _ = try await world.ask(
            "close-position", #"{"instrument_name":"BTCUSD-PERP","type":"MARKET"}"#)
        #expect(world.account("desk")?.conditionals.isEmpty == true)
        let detail = try await world.ask("advanced/get-order-detail", #"{"order_id":"\#(id)"}"#)["result"]
        #expect(
            members(detail, "status contingency_type attach_isolation_id") == [
                "CANCELED", "DERIV_ATTACH", "0",
            ])
    }

    /// Each on the wrong side of the mark, or not well formed; nothing waits afterwards.
    @Test(arguments: [
        ("STOP_LOSS", "SELL", #""51500""#, 229), ("STOP_LOSS", "BUY", #""51000""#, 229),
        ("TAKE_PROFIT", "SELL", #""51000""#, 229), ("TAKE_PROFIT", "BUY", #""51500""#, 229),
        ("STOP_LOSS", "SELL", #""0""#, 229), ("STOP_LOSS", "SELL", "51000", 229),
        ("STOP_LOSS", "SELL", #""51000.05""#, 229), ("STOP_LIMIT", "SELL", #""51000""#, 308),
        ("STOP_LOSS", "SELL", #""51000","ref_price_type":"NO""#, 230), ("LIMIT", "SELL", #""51000""#, 218),
    ])
    func refused(_ type: String, _ side: String, _ reference: String, _ code: Int) async throws {
        let world = try await longWorld()
        let params =
            #"{"instrument_name":"BTCUSD-PERP","side":"\#(side)","type":"\#(type)","quantity":"0.01","#
            + #""ref_price":\#(reference)}"#
        #expect(try await world.ask("advanced/create-order", params)["code"]?.integer == Int64(code))
        #expect(world.account("desk")?.conditionals.isEmpty == true)
    }
}

@Suite("The channel of conditional orders")
struct TriggerStreamTests {
    @Test(
        "Placed, amended, fired and cancelled: a row each, on the channel as it was asked for",
        arguments: ["user.advance.order", "user.advanced.order", "user.advance_order"])
    func told(_ channel: String) async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#)])
        var stream = try world.authenticatedStream()
        stream.send(subscription(channel))
        #expect(
            stream.takeTexts().last?.contains(#""channel":"\#(channel)","data":[]"#) == true)
        let stop =
            #"{"instrument_name":"BTCUSD-PERP","side":"BUY","type":"STOP_LOSS","quantity":"0.0300","#
            + #""ref_price":"51500.0","client_oid":"one"}"#
        _ = try await world.ask("advanced/create-order", stop)
        _ = try await world.ask(
            "advanced/amend-order",
            #"{"client_oid":"one","new_quantity":"0.0200","new_price":"0","new_ref_price":"51600.0"}"#)
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"51600"}"#))
        _ = try await world.ask(
            "advanced/create-order", stop.replacing("51500.0", with: "51700.0").replacing("one", with: "two"))
        _ = try await world.ask("advanced/cancel-order", #"{"client_oid":"two"}"#)
        stream.hearTogether()
        let frames = try stream.takeJSON()
        let rows = frames.compactMap { $0["result"]?["data"]?.elements?.first }
        #expect(
            rows.map { members($0, "client_oid status quantity ref_price cumulative_quantity") } == [
                ["one", "ACTIVE", "0.03", "51500", "0"], ["one", "ACTIVE", "0.02", "51600", "0"],
                ["one", "FILLED", "0.02", "51600", "0.02"], ["two", "ACTIVE", "0.03", "51700", "0"],
                ["two", "CANCELED", "0.03", "51700", "0"],
            ])
        #expect(frames.allSatisfy { $0["result"]?["subscription"]?.text == channel })
    }

    @Test("What changes conditional orders is served on the socket too, by keys that may trade")
    func onTheSocket() async throws {
        let world = try orderWorld(
            .live, [deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#)])
        var stream = try world.authenticatedStream()
        func ask(_ method: String, _ params: String) async throws -> JSONValue {
            await stream.sendAndFinish(
                #"{"id":7,"method":"private/advanced/\#(method)","params":\#(params),"nonce":1}"#)
            return try #require(try stream.takeJSON().last)
        }
        let placed = try await ask(
            "create-order",
            #"{"instrument_name":"BTCUSD-PERP","side":"BUY","type":"STOP_LOSS","quantity":"0.03","#
                + #""ref_price":"51500.0","client_oid":"one"}"#)
        #expect(placed["code"]?.integer == 0 && placed["result"]?["client_oid"]?.text == "one", "\(placed)")
        #expect(world.account("desk")?.conditionals.count == 1)
        #expect(try await ask("cancel-order", #"{"client_oid":"one"}"#)["code"]?.integer == 0)
        #expect(world.account("desk")?.conditionals.isEmpty == true)
        #expect(
            try await ask("get-open-orders", "{}")["result"]?["data"]?.elements?.isEmpty == true)
        let detail = try await ask("get-order-detail", #"{"client_oid":"one"}"#)["result"]
        #expect(members(detail, "client_oid status") == ["one", "CANCELED"])
        let history = try await ask("get-order-history", #"{"limit":"5"}"#)["result"]?["data"]
        #expect(history?.elements?.map { $0["client_oid"]?.text } == ["one"])
    }
}
