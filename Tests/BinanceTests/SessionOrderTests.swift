import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

extension TestStream where Model == BinanceVenue {
    /// The answer to a call about orders of the desk, signed now.
    fileprivate mutating func call(
        _ method: String, _ parameters: [(String, String)], in world: BinanceWorld
    ) async throws -> JSONValue {
        let all = (parameters + [("apiKey", #""\#(deskKey)""#), ("timestamp", "\(world.realTime())")])
            .sorted { $0.0 < $1.0 }
        let payload = all.map { "\($0.0)=\($0.1.replacing("\"", with: ""))" }.joined(separator: "&")
        let members = (all + [("signature", #""\#(signature(payload))""#)]).map { #""\#($0.0)":\#($0.1)"# }
        await sendAndFinish(#"{"id":7,"method":"\#(method)","params":{\#(members.joined(separator: ","))}}"#)
        return try #require(try takeJSON().last)
    }
}

private let symbol = ("symbol", #""BTCUSDT""#)

@Suite("WebSocket API: orders, as by REST")
struct SessionOrderTests {
    @Test("placed, looked up, amended and cancelled; numbers may be numbers")
    func orderCycle() async throws {
        let world = try tradingWorld()
        var session = try #require(world.stream("/ws-fapi/v1"))
        let placed = try await session.call(
            "order.place",
            [
                symbol, ("side", #""BUY""#), ("type", #""LIMIT""#), ("timeInForce", #""GTC""#),
                ("quantity", "0.05"), ("price", "59000"), ("reduceOnly", "false"),
            ], in: world)
        #expect(placed["status"]?.integer == 200 && placed["id"]?.integer == 7)
        #expect(
            placed["rateLimits"]?.description
                == #"[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300,"count":1},"#
                + #"{"rateLimitType":"ORDERS","interval":"MINUTE","intervalNum":1,"limit":1200,"count":1},"#
                + #"{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400,"count":5}]"#
        )
        let order = try #require(placed["result"])
        let id = ("orderId", try #require(order["orderId"]?.integer).description)
        let rest = try await world.order("GET", "orderId=\(id.1)")
        let found = try await session.call("order.status", [symbol, id], in: world)
        #expect(found["result"] == rest)
        let amended = try await session.call(
            "order.modify", [symbol, id, ("side", #""BUY""#), ("quantity", #""0.04""#), ("price", "59100")],
            in: world)
        #expect(
            members(try #require(amended["result"]), "status origQty price") == ["NEW", "0.040", "59100.00"])
        let cancelled = try await session.call("order.cancel", [symbol, id], in: world)
        #expect(cancelled["result"]?["status"]?.text == "CANCELED")
        let again = try await session.call("order.cancel", [symbol, id], in: world)
        #expect(again["status"]?.integer == 400 && again["error"]?["code"]?.integer == -2011)
        #expect(again["rateLimits"]?.elements?.count == 1)
    }

    @Test func conditionalOrders() async throws {
        let world = try tradingWorld()
        var session = try #require(world.stream("/ws-fapi/v1?returnRateLimits=false"))
        let placed = try await session.call(
            "algoOrder.place",
            [
                symbol, ("algoType", #""CONDITIONAL""#), ("side", #""BUY""#), ("type", #""STOP_MARKET""#),
                ("quantity", "0.05"), ("triggerPrice", "61000"),
            ], in: world)
        #expect(placed["result"]?["algoStatus"]?.text == "NEW" && placed["rateLimits"] == nil)
        let id = ("algoId", try #require(placed["result"]?["algoId"]?.integer).description)
        let cancelled = try await session.call("algoOrder.cancel", [id], in: world)
        #expect(cancelled["result"]?["code"]?.text == "200")
    }

    @Test("a key that may only read, a wrong signature and a parameter that is wrong change nothing")
    func refused() async throws {
        let world = try tradingWorld()
        var session = try #require(world.stream("/ws-fapi/v1"))
        let before = world.lastSequence
        let order = [symbol, ("side", #""BUY""#), ("type", #""MARKET""#), ("quantity", "0.05")]
        let wrong = try await session.call("order.place", order + [("price", "1")], in: world)
        #expect(wrong["error"]?["code"]?.integer == -1106)
        await session.sendAndFinish(
            #"{"id":1,"method":"order.place","params":{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","#
                + #""quantity":1,"apiKey":"\#(deskKey)","timestamp":\#(world.realTime()),"signature":"00"}}"#)
        #expect(try session.takeJSON().first?["error"]?["code"]?.integer == -1022)
        world.addKey(account: "desk", apiKey: deskKey, secret: deskSecret, permissions: [.read])
        #expect(try await session.call("order.place", order, in: world)["error"]?["code"]?.integer == -2015)
        let missing = try await session.call("order.status", [symbol, ("orderId", "5")], in: world)
        #expect(missing["error"]?["code"]?.integer == -2013)
        #expect(world.lastSequence == before)
    }
}
