import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

extension TestStream where Model == CryptoComVenue {
    /// Calls a private method on the socket; what was told before the answer, and the answer.
    fileprivate mutating func ask(
        _ method: String, _ params: String, id: Int = 21
    ) async throws -> (told: [JSONValue], answer: JSONValue) {
        await sendAndFinish(#"{"id":\#(id),"method":"private/\#(method)","params":\#(params),"nonce":1}"#)
        let messages = try takeJSON()
        return (Array(messages.dropLast()), try #require(messages.last))
    }
}

private func row(_ frame: JSONValue, _ names: String) -> [String] {
    let row = frame["result"]?["data"]?.elements?.first
    return names.split(separator: " ").map { row?[String($0)]?.text ?? "absent" }
}

private func channels(_ frames: [JSONValue]) -> [String?] {
    frames.map { $0["result"]?["channel"]?.text }
}

@Suite("Orders on the user socket")
struct OrderStreamTests {
    private func tradingStream(_ profile: WireProfile = .live) throws -> (World, Stream) {
        let world = try orderWorld(
            profile,
            [deposit("USD", "100"), deposit("CRO", "100"), quote("CRO_USD", "0.05474", "0.05475")])
        return (world, try world.authenticatedStream())
    }

    /// A2 as it was recorded: one push with the final state, its trade, and only then the answer.
    @Test func oneMatchOnePush() async throws {
        var (world, stream) = try tradingStream()
        stream.send(subscription("user.order.CRO_USD", "user.trade"))
        #expect(
            stream.takeTexts() == [
                #"{"id":1,"method":"subscribe","code":0,"result":{"subscription":"user.order.CRO_USD","#
                    + #""channel":"user.order.CRO_USD","data":[]}}"#,
                #"{"id":1,"method":"subscribe","code":0,"result":{"subscription":"user.trade","#
                    + #""channel":"user.trade","data":[]}}"#,
            ])
        let (told, answer) = try await stream.ask(
            "create-order", #"{"instrument_name":"CRO_USD","side":"SELL","type":"MARKET","quantity":"28"}"#)
        #expect(channels(told) == ["user.order", "user.trade"])
        #expect(
            told[0]["result"]?.object?.keys.map { $0 } == [
                "subscription", "channel", "instrument_name", "data",
            ])
        #expect(
            told[0]["result"]?["data"]?.elements?.first?.object?.keys.map { $0 } == [
                "account_id", "client_oid", "instrument_name", "fee_instrument_name", "order_type",
                "time_in_force", "side", "exec_inst", "quantity", "ref_price", "order_value",
                "maker_fee_rate", "taker_fee_rate", "create_time", "create_time_ns", "order_date", "order_id",
                "avg_price", "cumulative_quantity", "cumulative_value", "cumulative_fee", "status",
                "update_user_id", "update_time", "transaction_time_ns",
            ])
        #expect(
            row(told[0], "status order_value cumulative_value cumulative_fee") == [
                "FILLED", "1.45628", "1.53272", "0.007050512",
            ])
        #expect(row(told[1], "fees traded_price taker_side") == ["-0.007050512", "0.05474", "TAKER"])
        #expect(answer["id"]?.integer == 21 && answer["code"]?.integer == 0)
        #expect(answer["result"]?["order_id"]?.text == row(told[0], "order_id").first)
        _ = world
    }

    @Test("A resting order is told when it rests, is amended, filled and cancelled; refusals too")
    func life() async throws {
        var (world, stream) = try tradingStream()
        stream.send(subscription("user.order"))
        _ = stream.takeTexts()
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100","#
        let (placed, answer) = try await stream.ask("create-order", limit + #""client_oid":"mine"}"#)
        #expect(placed.map { row($0, "status limit_price client_oid") } == [["ACTIVE", "0.05", "mine"]])
        let id = try #require(answer["result"]?["order_id"]?.text)
        let (amended, _) = try await stream.ask(
            "amend-order", #"{"order_id":"\#(id)","new_price":"0.051","new_quantity":"100"}"#, id: 22)
        #expect(amended.map { row($0, "status limit_price client_oid") } == [["ACTIVE", "0.051", "22"]])
        try world.apply(
            #"{"type":"quotes","venue":"crypto-com","quotes":{"CRO_USD":{"last":"0.051","quantity":"40"}}}"#)
        stream.hear()
        #expect(
            try stream.takeJSON().map { row($0, "status cumulative_quantity") } == [["ACTIVE", "40"]])
        let (cancelled, gone) = try await stream.ask("cancel-order", #"{"client_oid":"22"}"#)
        #expect(cancelled.map { row($0, "status cumulative_quantity") } == [["CANCELED", "40"]])
        #expect(gone["message"]?.text == "NO_ERROR")
        let (refused, refusal) = try await stream.ask(
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"9000"}"#)
        #expect(refused.map { row($0, "status") } == [["REJECTED"]])
        #expect(refusal["code"]?.integer == 306 && refusal["result"]?["order_id"] != nil)
    }

    @Test("An order of an instrument is told on its channel and on the general one, of another on none")
    func instruments() async throws {
        var (world, stream) = try tradingStream(.documented)
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100"}"#
        _ = try await stream.ask("create-order", limit)
        stream.send(subscription("user.order", "user.order.CRO_USD", "user.order.BTC_USD"))
        let first = try stream.takeJSON()
        #expect(
            first.map { $0["result"]?["data"]?.elements?.count } == [1, 1, 0], "the open orders at first")
        let (told, _) = try await stream.ask("cancel-all-orders", "{}")
        #expect(
            told.map { $0["result"]?["subscription"]?.text } == ["user.order", "user.order.CRO_USD"])
        #expect(channels(told) == ["user.order", "user.order"])
        _ = world
    }

    @Test("A batch on the socket: cancels first, each by itself; REST does not have it")
    func batch() async throws {
        var (world, stream) = try tradingStream()
        let (_, first) = try await stream.ask(
            "create-order",
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100"}"#)
        let id = try #require(first["result"]?["order_id"]?.text)
        let (_, answer) = try await stream.ask(
            "batch-order-request",
            #"{"instrument_name":"CRO_USD","cancels":[{"order_id":"\#(id)"},{"order_id":"7"}],"#
                + #""creates":[{"side":"SELL","type":"LIMIT","price":"0.06","quantity":"50"},"#
                + #"{"side":"SELL","type":"LIMIT","price":"0.06","quantity":"0.5"}]}"#, id: 30)
        let result = try #require(answer["result"])
        #expect(result.object?.keys.map { $0 } == ["cancels", "creates"])
        #expect(result["cancels"]?.elements?.map { $0["code"]?.integer } == [0, 212])
        #expect(result["creates"]?.elements?.map { $0["code"]?.integer } == [0, 213])
        #expect(world.account("desk")?.orders.map { $0.terms?.clientID } == ["30_0"])
        #expect(try await world.ask("batch-order-request")["code"]?.integer == 40002)
    }

    @Test("When the connection ends, what was placed on it is cancelled if it asked for that")
    func disconnection() async throws {
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100"}"#
        for (scope, left) in [(nil, 2), ("CONNECTION", 1), ("ACCOUNT", 0)] as [(String?, Int)] {
            var (world, stream) = try tradingStream()
            var other = try world.authenticatedStream()
            let none = try await stream.ask("get-cancel-on-disconnect", "{}").answer
            #expect(none["result"]?["scope"]?.text == "NONE")
            if let scope {
                let answer = try await stream.ask("set-cancel-on-disconnect", #"{"scope":"\#(scope)"}"#)
                    .answer
                #expect(answer["result"]?["scope"]?.text == scope)
            }
            _ = try await stream.ask("create-order", limit, id: 31)
            _ = try await other.ask("create-order", limit, id: 32)
            await stream.end()
            await other.end()
            #expect(world.account("desk")?.orders.count == left)
        }
        var (_, stream) = try tradingStream()
        let wrong = try await stream.ask("set-cancel-on-disconnect", #"{"scope":"ALL"}"#).answer
        #expect(wrong["code"]?.integer == 40004)
    }

    @Test("What is cancelled when a connection ends is cancelled too where its key is no more by then")
    func disconnectionWithoutKey() async throws {
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100"}"#
        for scope in ["CONNECTION", "ACCOUNT"] {
            var (world, stream) = try tradingStream()
            stream.send(subscription("user.order"))
            _ = try await stream.ask("set-cancel-on-disconnect", #"{"scope":"\#(scope)"}"#)
            _ = try await stream.ask("create-order", limit)
            world.revokeKey("token")
            try world.apply(deposit("USD", "1"))
            stream.hear()
            #expect(try stream.takeJSON().last?["code"]?.integer == 40101, "told that the key is no more")
            await stream.end()
            #expect(world.account("desk")?.orders.isEmpty == true)
        }
    }

    @Test("Of the orders that were placed on a connection, those that have ended do not pile up")
    func ordersThatEnded() async throws {
        var (world, stream) = try tradingStream()
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.05","quantity":"100"}"#
        _ = try await stream.ask("set-cancel-on-disconnect", #"{"scope":"CONNECTION"}"#)
        for _ in 0..<150 {
            _ = try await stream.ask("create-order", limit)
            _ = try await stream.ask("cancel-all-orders", "{}")
        }
        _ = try await stream.ask("create-order", limit)
        let placed = try #require(stream.stream as? UserStream).placed
        #expect(placed.all.count <= 102)
        await stream.end()
        #expect(world.account("desk")?.orders.isEmpty == true)
    }

    @Test("A frame whose figures cannot be worked out keeps no other of what happened at once back")
    func frameWithoutFigures() async throws {
        var (world, stream) = try tradingStream()
        stream.send(subscription("user.order"))
        _ = stream.takeTexts()
        let price = "170141183460469231731.687303715884105727"
        func order(_ id: String, _ quantity: String, _ price: String) -> String {
            #"{"type":"place_order","account":"desk","order_id":"\#(id)","instrument":"CRO_USD","side":"buy","#
                + #""quantity":"\#(quantity)","price":"\#(price)","force":true}"#
        }
        try world.apply(
            order("dear", "0.000000000000000002", price),
            #"{"type":"fill","account":"desk","instrument":"CRO_USD","side":"buy","order_id":"dear","#
                + #""quantity":"0.000000000000000001","price":"\#(price)"}"#,
            order("mine", "2", "0.05"))
        stream.hearTogether()
        #expect(try stream.takeJSON().map { row($0, "quantity") } == [["2"]])
    }

    @Test("A socket whose key may only read places nothing; one without a key neither")
    func rights() async throws {
        let world = try makeWorld(.live, [deposit("USD", "100")])
        var stream = try world.authenticatedStream()
        let limit =
            #"{"instrument_name":"CRO_USD","side":"BUY","type":"LIMIT","price":"0.09","quantity":"20"}"#
        #expect(try await stream.ask("create-order", limit).answer["code"]?.integer == 40101)
        var stranger = try world.userStream()
        #expect(try await stranger.ask("create-order", limit).answer["code"]?.integer == 40101)
        #expect(world.account("desk")?.orders.isEmpty == true)
    }
}
