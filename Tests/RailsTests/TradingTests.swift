import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// The documents' world: 10000 USD, leverage 5, the later rules with 0.02 and 0.05 %.
private func tradingWorld(_ commands: String...) async throws -> RailsWorld {
    let world = try railsWorld(
        .live, enforcesRateLimits: false,
        commands: [
            desk("deposit", #""asset":"USD","amount":"10000""#),
            desk("configure", #""settings":{"leverage":"5"}"#), mark("BTC-USD", "60000"),
            mark("ETH-USD", "2510"),
        ])
    world.addKey(
        account: "desk", apiKey: "desk-key", secret: "desk-secret", permissions: [.read, .trade])
    for command in commands { try world.apply(command) }
    return world
}

private func quote(_ market: String, _ bid: String, _ ask: String) -> String {
    #"{"type":"quotes","venue":"rails","quotes":{"\#(market)":{"bid":"\#(bid)","ask":"\#(ask)"}}}"#
}

extension TestWorld where Model == RailsVenue {
    fileprivate func orderSocket(_ query: String = "market=ALL") async throws -> TestStream<RailsVenue> {
        try #require(
            stream(
                "/api/v1/ws?\(query)",
                headers: ["Sec-WebSocket-Protocol": "authorization#\(try await token())"]))
    }
}

extension TestStream where Model == RailsVenue {
    fileprivate mutating func ask(_ message: String, _ content: String) async throws -> [JSONValue] {
        await sendAndFinish(#"{"message":"\#(message)","content":\#(content)}"#)
        return try takeJSON()
    }

    fileprivate mutating func told() throws -> [JSONValue] {
        hear()
        return try takeJSON()
    }
}

/// What frames are, in short: type, status, and members of the order.
private func short(_ frames: [JSONValue], _ names: String = "orderStatus") -> [String] {
    frames.map { frame in
        let data = frame["data"]
        let members = names.split(separator: " ").map { data?["order"]?[String($0)]?.text ?? "" }
        return ([frame["resultType"]?.text ?? "", data?["statusCode"]?.description ?? ""] + members)
            .joined(separator: " ")
    }
}

private func members(_ value: JSONValue?, _ names: String) -> [String] {
    names.split(separator: " ").map { value?[String($0)]?.text ?? "absent" }
}

private let request = "0d5e6b1c-6a34-4b89-9d34-6d7a0e6f2b11"

@Suite("Orders on the socket of version 2, by the documents' vectors")
struct TradingTests {
    /// R8, R9, R10: bought and partly sold at the market, with fees, balances and the row of the fill.
    @Test func marketOrders() async throws {
        let world = try await tradingWorld(quote("BTC-USD", "60005", "60006"))
        var socket = try await world.orderSocket("market=BTC-USD&subscriptions=orders,trades")
        let frames = try await socket.ask(
            "createOrder",
            #"{"clientRequestId":"\#(request)","quantity":"0.5","orderType":"buy","tradeType":"market","leverage":"5","maxSlippage":"0.02"}"#
        )
        #expect(
            short(frames)
                == [
                    "createOrder 202 pending", "createOrder 200 active", "orderFilled 200 filled",
                    "completedOrdersDelta ",
                ].map { $0 == "completedOrdersDelta " ? "completedOrdersDelta  " : $0 })
        #expect(
            frames[0]["data"]?.object?.keys.map { $0 } == [
                "statusCode", "body", "order", "clientRequestId", "apiQuotaUsed",
            ])
        #expect(frames[0]["market"] == nil, "the socket is of one market")
        #expect(
            frames[0]["data"]?["order"]?.object?.keys.map { $0 } == [
                "userId", "orderId", "market", "orderType", "tradeType", "orderStatus", "price", "quantity",
                "filledQuantity", "leverage", "updatedAt", "createdAt", "reduceOnly", "postOnly",
            ])
        #expect(
            members(frames[2]["data"]?["order"], "quantity filledQuantity avgFillPrice") == [
                "0", "0.5", "60006",
            ])
        #expect(
            members(
                frames[3]["data"]?.elements?.first, "executionType fillType price quantity fees tradeType")
                == ["taker", "complete", "60006", "0.5", "15.0015", "market"])
        #expect(try world.balances()["totalBalance"]?.text == "9984.9985")
        try world.apply(mark("BTC-USD", "60020"))
        #expect(try world.balances()["availableBalance"]?.text == "3989.9985")
        try world.apply(quote("BTC-USD", "60100", "60101"))
        _ = try await socket.ask(
            "createOrder", #"{"quantity":"0.2","orderType":"sell","tradeType":"market"}"#)
        #expect(try world.balances()["totalBalance"]?.text == "9997.7885")
        let rows = try await world.read("/api/v1/completed-orders").json["completedOrders"]?.elements
        #expect(rows?.map { $0["fees"]?.text } == ["6.01", "15.0015"])
        #expect(rows?.last?["orderId"] == frames[0]["data"]?["order"]?["orderId"])
        // R10: an hour's funding of what is left.
        try world.apply(
            mark("BTC-USD", "60100"), desk("funding", #""instrument":"BTC-USD","rate":"0.0001""#))
        #expect(try world.balances()["totalBalance"]?.text == "9995.9855")
    }

    /// R11, R13: rests, is filled in part, is cancelled; an hour long it can be looked up.
    /// Who is told that his key is no more is told nothing else.
    @Test func revokedKey() async throws {
        let world = try await tradingWorld()
        var socket = try await world.orderSocket()
        world.revokeKey("desk-key")
        try world.apply(RailsTests.order("mine", "ETH-USD", "buy", "1", "2500.5"))
        #expect(short(try socket.told(), "") == ["error 401"])
        try world.apply(desk("cancel_order", #""order_id":"mine""#))
        #expect(try socket.told().isEmpty)
    }

    /// A frame whose figures nobody can work out, here an average price beyond every number, keeps no other
    /// of what happened at once from being told.
    @Test func frameWithoutFigures() async throws {
        let world = try await tradingWorld()
        var socket = try await world.orderSocket("market=ALL&subscriptions=orders,trades")
        let price = "170141183460469231731.687303715884105727"
        try world.apply(
            desk(
                "place_order",
                #""order_id":"dear","instrument":"ETH-USD","side":"buy","quantity":"0.000000000000000002","#
                    + #""price":"\#(price)","force":true"#),
            desk(
                "fill",
                #""instrument":"ETH-USD","side":"buy","quantity":"0.000000000000000001","#
                    + #""price":"\#(price)","order_id":"dear""#),
            RailsTests.order("mine", "ETH-USD", "buy", "1", "2500.5"))
        socket.hearTogether()
        #expect(
            short(try socket.takeJSON()) == [
                "createOrder 202 pending", "createOrder 200 active", "completedOrdersDelta  ",
                "createOrder 202 pending", "createOrder 200 active",
            ])
    }

    /// A channel that a request names twice is listened to once.
    @Test func repeatedChannel() async throws {
        let world = try await tradingWorld()
        var socket = try await world.orderSocket()
        let answer = try await socket.ask("subscribe", #"{"subscriptions":["trades","trades"]}"#)
        let active = answer.first?["data"]?["activeSubscriptions"]?.elements?.map { $0.text }
        #expect(active == ["orders", "trades"])
    }

    @Test func restingOrder() async throws {
        let world = try await tradingWorld()
        var socket = try await world.orderSocket()
        let placed = try await socket.ask(
            "createOrder",
            #"{"clientRequestId":"\#(request)","market":"ETH-USD","price":"2500.5","quantity":"1","orderType":"buy","tradeType":"limit"}"#
        )
        #expect(short(placed) == ["createOrder 202 pending", "createOrder 200 active"])
        #expect(placed[0]["market"]?.text == "ETH-USD", "the socket is of all markets")
        try world.apply(
            #"{"type":"quotes","venue":"rails","quotes":{"ETH-USD":{"last":"2500.5","quantity":"0.4"}}}"#)
        #expect(
            short(try socket.told(), "orderStatus quantity filledQuantity") == [
                "orderPartiallyFilled 200 active 0.6 0.4"
            ])
        let fills = try await world.read("/api/v1/completed-orders").json["completedOrders"]?.elements
        #expect(members(fills?.first, "fees executionType fillType") == ["0.20004", "maker", "partial"])
        let open = try await world.read(
            "/api/v1/open-order?market=ETH-USD&client-request-id=\(request)"
        ).json["openOrder"]
        #expect(
            members(open, "quantity filledQuantity avgFillPrice orderStatus") == [
                "0.6", "0.4", "2500.5", "active",
            ])
        let id = try #require(open?["orderId"]?.text)
        #expect(id.utf8.count == 26)
        let cancelled = try await socket.ask(
            "cancelOrder", #"{"market":"ETH-USD","orderId":"\#(id)","cancelBy":"orderId"}"#)
        #expect(short(cancelled) == ["cancelOrder 202 cancelling", "cancelOrder 200 cancelled"])
        #expect(try await world.read("/api/v1/open-order?market=ETH-USD&order-id=\(id)").status == 404)
        let target = "/api/v1/order?market=ETH-USD&order-id=\(id)"
        let ended = try await world.read(target).json
        #expect(
            members(ended["order"], "quantity filledQuantity orderStatus") == ["0.6", "0.4", "cancelled"])
        #expect(ended["avgFillPrice"]?.text == "2500.5")
        world.setLedgerTime(world.ledgerTime().milliseconds + 3_600_001)
        #expect(try await world.read(target).status == 404)
        let again = try await socket.ask("cancelOrder", #"{"market":"ETH-USD","orderId":"\#(id)"}"#)
        #expect(short(again) == ["error 404 "])
    }

    /// R12: accepted, then rejected. R14: a change makes another order. R15: all cancelled over REST.
    @Test func postOnlyModifiedAndAll() async throws {
        let world = try await tradingWorld(quote("ETH-USD", "2509.9", "2510"))
        var socket = try await world.orderSocket("market=ETH-USD")
        let rejected = try await socket.ask(
            "createOrder",
            #"{"price":"2510","quantity":"1","orderType":"buy","tradeType":"limit","postOnly":true}"#)
        #expect(
            short(rejected) == [
                "createOrder 202 pending", "createOrder 200 active", "rejectOrder 400 active",
            ])
        #expect(
            rejected[2]["data"]?["body"]?.text
                == "Post-only order rejected as it would have matched immediately")
        #expect(rejected[2]["data"]?["order"]?["filledQuantity"] == nil)
        #expect(world.account("desk")?.orders.isEmpty == true)

        let limit = #"{"price":"2500.5","quantity":"0.6","orderType":"buy","tradeType":"limit"}"#
        let placed = try await socket.ask("createOrder", limit)
        let id = try #require(placed[0]["data"]?["order"]?["orderId"]?.text)
        let modified = try await socket.ask("modifyOrder", #"{"orderId":"\#(id)","price":"2499"}"#)
        #expect(
            short(modified, "orderStatus price") == [
                "modifyOrder 202 modifying 2500.5", "modifyOrder 200 modified 2500.5",
                "modifyOrder 200 pending 2499", "createOrder 200 active 2499",
            ])
        let ids = modified.map { $0["data"]?["order"]?["orderId"]?.text }
        #expect(ids[0] == id && ids[1] == id && ids[2] != id && ids[2] == ids[3])
        let rows = try await world.read("/api/v1/open-orders").json["openOrders"]?.elements
        #expect(rows?.map { $0["orderId"]?.text } == [ids[3]])

        _ = try await socket.ask("createOrder", limit)
        let headers = ["Authorization": "Bearer \(try await world.token())"]
        var other = try await world.orderSocket("market=ALL")
        let all = await world.request(
            "DELETE", "/api/v1/orders?market=all&clientRequestId=u", headers: headers)
        #expect(all.text == #"{"message":"Cancelling 2 orders for market all without any errors"}"#)
        // Every socket of the account tells them by the id of the request and their number.
        for told in [try socket.told(), try other.told()] {
            #expect(short(told).filter { $0 == "cancelOrder 200 cancelled" }.count == 2)
            #expect(
                told.map { $0["data"]?["clientRequestId"]?.text } == ["u#0", "u#0", "u#1", "u#1"])
        }
        // Without one each has its own.
        _ = try await socket.ask(
            "createOrder",
            #"{"clientRequestId":"\#(request)","price":"2500.5","quantity":"0.6","orderType":"buy","tradeType":"limit"}"#
        )
        _ = await world.request("DELETE", "/api/v1/orders?market=all", headers: headers)
        #expect(try socket.told().last?["data"]?["clientRequestId"]?.text == request)
        let none = await world.request("DELETE", "/api/v1/orders?market=ETH-USD", headers: headers)
        #expect(none.text == #"{"message":"Cancelling 0 orders for market ETH-USD without any errors"}"#)
        for target in ["/api/v1/orders", "/api/v1/orders?market=NO-USD"] {
            #expect(await world.request("DELETE", target, headers: headers).status == 400)
        }
    }

    /// R16: the leverage. R18: the margin of an isolated position, as the whole.
    @Test func leverageAndMargin() async throws {
        let world = try await tradingWorld(
            quote("BTC-USD", "59999", "60000"),
            desk("set_margin_mode", #""instrument":"BTC-USD","margin_mode":"isolated""#))
        var socket = try await world.orderSocket("market=ALL&subscriptions=orders")
        #expect(
            short(try await socket.ask("updateLeverage", #"{"leverage":"3"}"#)) == [
                "updateLeverage 202 ", "updateLeverage 200 ",
            ])
        #expect(short(try await socket.ask("updateLeverage", #"{"leverage":"7"}"#)) == ["error 400 "])
        _ = try await socket.ask(
            "createOrder",
            #"{"market":"BTC-USD","quantity":"0.1","orderType":"buy","tradeType":"market"}"#)
        #expect(world.account("desk")?.positions.first?.isolatedWallet.description == "2000")
        let margin = try await socket.ask("updateMargin", #"{"market":"BTC-USD","margin":"3000"}"#)
        #expect(short(margin) == ["updateMargin 202 ", "updateMargin 200 "])
        #expect(world.account("desk")?.positions.first?.isolatedWallet.description == "3000")
        let missing = try await socket.ask("updateMargin", #"{"market":"ETH-USD","margin":"3000"}"#)
        #expect(short(missing) == ["error 400 "])
    }

    /// The refusals; none of them changes anything.
    @Test(arguments: [
        ("createOrder", #"{}"#, "error 400 invalid market"),
        ("createOrder", #"{"market":"NO-USD"}"#, "error 400 invalid market"),
        ("createOrder", #"{"market":"BTC-USD"}"#, "error 400 invalid orderType"),
        ("createOrder", #"{"market":"BTC-USD","orderType":"buy"}"#, "error 400 invalid tradeType"),
        ("createOrder", order("limit", #""quantity":"1""#), "error 400 invalid price"),
        ("createOrder", order("limit", #""quantity":"1","price":"-1""#), "error 400 invalid price"),
        ("createOrder", order("limit", #""quantity":"0","price":"60000""#), "error 400 invalid quantity"),
        (
            "createOrder", order("limit", #""quantity":"0.000000001","price":"60000""#),
            "error 400 invalid quantity"
        ),
        (
            "createOrder", order("limit", #""quantity":"0.00001","price":"60000""#),
            "error 400 order value below minimum"
        ),
        (
            "createOrder", order("market", #""quantity":"1","leverage":"2""#),
            "error 400 leverage does not match"
        ),
        (
            "createOrder", order("market", #""quantity":"1","maxSlippage":"2""#),
            "error 400 invalid maxSlippage"
        ),
        (
            "createOrder", order("market", #""quantity":"1","clientRequestId":"7""#),
            "error 400 invalid clientRequestId"
        ),
        ("createOrder", order("market", #""quantity":"9""#), "rejectOrder 400 insufficient margin"),
        (
            "createOrder", order("market", #""quantity":"1","reduceOnly":true"#),
            "rejectOrder 400 reduce-only order would not reduce a position"
        ),
        ("cancelOrder", #"{"orderId":"01J"}"#, "error 404 order not found"),
        ("cancelOrder", #"{}"#, "error 400 invalid orderId"),
        ("modifyOrder", #"{"orderId":"01J","price":"1"}"#, "error 404 order not found"),
        ("dance", #"{}"#, "error 400 unknown message"),
    ])
    func refused(_ message: String, _ content: String, _ expected: String) async throws {
        let world = try await tradingWorld(quote("BTC-USD", "60005", "60006"))
        var socket = try await world.orderSocket()
        let before = world.lastSequence
        let frames = try await socket.ask(message, content)
        #expect(
            frames.map {
                [$0["resultType"]?.text, $0["data"]?["statusCode"]?.description, $0["data"]?["body"]?.text]
                    .compactMap { $0 }.joined(separator: " ")
            } == [expected])
        #expect(world.lastSequence == before)
    }

    private static func order(_ type: String, _ more: String) -> String {
        #"{"market":"BTC-USD","orderType":"buy","tradeType":"\#(type)",\#(more)}"#
    }

    @Test("Channels are chosen anew; without orders the answer itself tells what became of a request")
    func channels() async throws {
        let world = try await tradingWorld(quote("BTC-USD", "60005", "60006"))
        var socket = try await world.orderSocket("market=BTC-USD&subscriptions=trades")
        let off = try await socket.ask("unsubscribe", #"{"subscriptions":["trades"]}"#)
        #expect(off.first?["data"]?["activeSubscriptions"]?.elements == [])
        let buy = #"{"quantity":"0.1","orderType":"buy","tradeType":"market"}"#
        #expect(
            short(try await socket.ask("createOrder", buy)) == [
                "createOrder 202 pending", "createOrder 200 active", "orderFilled 200 filled",
            ])
        let on = try await socket.ask(
            "subscribe", #"{"clientRequestId":"\#(request)","subscriptions":["orders","trades"]}"#)
        #expect(on.first?["resultType"]?.text == "subscribed")
        #expect(short(try await socket.ask("createOrder", buy)).count == 4)
        #expect(try await socket.ask("subscribe", #"{"subscriptions":["all"]}"#).count == 1)
    }

    @Test("A key that may only read places nothing, and cancels nothing over REST")
    func readOnly() async throws {
        let world = try await tradingWorld(quote("BTC-USD", "60005", "60006"))
        world.addKey(account: "desk", apiKey: "desk-key", secret: "desk-secret")
        var socket = try await world.orderSocket("market=BTC-USD")
        let frames = try await socket.ask(
            "createOrder", #"{"quantity":"0.1","orderType":"buy","tradeType":"market"}"#)
        #expect(short(frames) == ["error 403 "])
        let headers = ["Authorization": "Bearer \(try await world.token())"]
        #expect(await world.request("DELETE", "/api/v1/orders?market=all", headers: headers).status == 403)
    }
}
