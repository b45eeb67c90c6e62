import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

private func quoted(_ members: String, _ market: String = "BTC-USD") -> String {
    #"{"type":"quotes","venue":"rails","quotes":{"\#(market)":{\#(members)}}}"#
}

private func marketWorld(_ commands: String...) throws -> RailsWorld {
    let world = try railsWorld(
        .live, enforcesRateLimits: false,
        commands: [
            desk("deposit", #""asset":"USD","amount":"10000""#),
            desk("configure", #""settings":{"leverage":"5"}"#), mark("BTC-USD", "60000"),
        ])
    world.addKey(
        account: "desk", apiKey: "desk-key", secret: "desk-secret", permissions: [.read, .trade])
    for command in commands { try world.apply(command) }
    return world
}

extension TestWorld where Model == RailsVenue {
    fileprivate func socket(_ query: String) async throws -> TestStream<RailsVenue> {
        try #require(
            stream(
                "/api/v1/ws?\(query)",
                headers: ["Sec-WebSocket-Protocol": "authorization#\(try await token())"]))
    }

    /// The rows of `market-data` of BTC, by their type.
    fileprivate func marketData() async throws -> [String: String] {
        let answer = await request("GET", "/api/v1/market-data?markets=BTC-USD")
        let rows = try #require(try answer.json.elements)
        return Dictionary(
            uniqueKeysWithValues: rows.map { ($0["type"]?.text ?? "", $0["value"]?.text ?? "") })
    }
}

@Suite("Market data, by the venue's documents")
struct MarketTests {
    @Test func restRows() async throws {
        let world = try marketWorld(quoted(#""bid":"59990","ask":"60010","last":"60000","quantity":"0.2""#))
        let rows = try await world.marketData()
        #expect(rows["INDEX"] == "60000" && rows["BID"] == "59990" && rows["ASK"] == "60010")
        #expect(rows["24H_VOLUME"] == "12000" && rows["24H_COUNT"] == "1")
        #expect(rows["FUNDING"] == "0.00125" && rows["NEXT_FUNDING"] == "0.00125")
        #expect(rows["OPEN_INTEREST"] == "0")
        try world.apply(#"{"type":"funding","venue":"rails","instrument":"BTC-USD","rate":"0.0001"}"#)
        #expect(try await world.marketData()["FUNDING"] == "0.01")
        let all = await world.request("GET", "/api/v1/market-data")
        let types = try all.json.elements?.prefix(5).map { $0["type"]?.text }
        #expect(types == Array(repeating: "INDEX", count: 5), "index prices come first")
    }

    /// R6 and R7: the premium of the moment, and the bound.
    @Test(arguments: [
        ("60100", "60110", "60120", "0.017888935108153"), ("60100", "60170", "60180", "0.04"),
        ("60100", "60000", "60010", "-0.04"), ("60100", "60090", "60095", "-0.007069467554076"),
    ])
    func nextFunding(_ index: String, _ bid: String, _ ask: String, _ expected: String) async throws {
        let world = try marketWorld(
            mark("BTC-USD", index), quoted(#""bid":"\#(bid)","ask":"\#(ask)""#))
        let next = try await world.marketData()["NEXT_FUNDING"]
        #expect(next?.hasPrefix(expected) == true, "\(next ?? "none")")
    }

    @Test func publicTradesAndBook() async throws {
        let world = try marketWorld(
            quoted(#""bid":"59990","bid_size":"3.1","ask":"60010","last":"59990","quantity":"0.5""#))
        var socket = try await world.socket("market=BTC-USD&subscriptions=publicTrades,publicOrderBook")
        #expect(socket.takeTexts().isEmpty, "how things stand is told on request")
        try world.apply(
            quoted(#""bid":"59995","bid_size":"2","ask":"60010","last":"60010","quantity":"0.2""#))
        socket.hear()
        let match = OrderIdentifier.match(account: "market BTC-USD", sequence: world.lastSequence)
        let now = world.ledgerTime().milliseconds
        #expect(
            socket.takeTexts() == [
                #"{"resultType":"publicCompletedOrdersDelta","market":"BTC-USD","data":{"orders":["#
                    + #"{"executionType":"taker","matchId":"\#(match)","orderType":"buy","price":"60010","#
                    + #""quantity":"0.2","updatedAt":\#(now)}],"statusCode":200}}"#,
                #"{"resultType":"publicOrderBookDelta","market":"BTC-USD","data":{"orders":["#
                    + #"{"orderType":"buy","price":"59990","quantity":"0"},"#
                    + #"{"orderType":"buy","price":"59995","quantity":"2"}],"statusCode":200,"ts":\#(now)}}"#,
            ])
        await socket.sendAndFinish(
            #"{"message":"emitPublicOrderBook","content":{"clientRequestId":"one","market":"BTC-USD"}}"#)
        #expect(
            socket.takeTexts() == [
                #"{"resultType":"publicOrderBook","market":"BTC-USD","data":{"orders":["#
                    + #"{"orderType":"buy","price":"59995","quantity":"2"},"#
                    + #"{"orderType":"sell","price":"60010","quantity":"1000000"}],"statusCode":200,"#
                    + #""ts":\#(now),"clientRequestId":"one"}}"#
            ])
        await socket.sendAndFinish(#"{"message":"emitPublicCompletedOrders","content":{}}"#)
        let trades = try socket.takeJSON().first?["data"]?["orders"]?.elements
        #expect(trades?.map { $0["price"]?.text } == ["60010", "59990"], "the newest first")
        await socket.sendAndFinish(#"{"message":"emitPublicOrderBook","content":{"market":"ETH-USD"}}"#)
        #expect(try socket.takeJSON().first?["data"]?["body"]?.text == "invalid market")
    }

    @Test("Public channels are subscribed to and left, and say nothing of other markets")
    func subscribed() async throws {
        let world = try marketWorld()
        var socket = try await world.socket("market=BTC-USD&subscriptions=orders")
        await socket.sendAndFinish(#"{"message":"subscribe","content":{"subscriptions":["publicTrades"]}}"#)
        let active = try socket.takeJSON().first?["data"]?["activeSubscriptions"]?.elements?.map(\.text)
        #expect(active == ["orders", "publicTrades"])
        try world.apply(
            quoted(#""last":"3000","quantity":"1""#, "ETH-USD"), quoted(#""last":"60001","quantity":"1""#))
        socket.hear()
        #expect(try socket.takeJSON().map { $0["market"]?.text } == ["BTC-USD"])
        await socket.sendAndFinish(#"{"message":"unsubscribe","content":{"subscriptions":["publicTrades"]}}"#)
        _ = socket.takeTexts()
        try world.apply(quoted(#""last":"60002","quantity":"1""#))
        socket.hear()
        #expect(socket.takeTexts().isEmpty)
        await socket.sendAndFinish(
            #"{"message":"createOrder","content":{"quantity":"0.01","orderType":"buy","tradeType":"market"}}"#
        )
        #expect(try socket.takeJSON().count == 3, "orders are still told")
    }

    @Test func publicStreamOfTheFirstVersion() async throws {
        let world = try marketWorld(
            quoted(#""bid":"59990","ask":"60010","ask_size":"4","last":"60010","quantity":"0.5""#))
        var socket = try #require(world.stream("/api/v1/order-stream?market=BTC-USD"))
        await socket.finishWork()
        let first = socket.takeTexts()
        #expect(
            first.first
                == #"{"resultType":"orderBook","data":{"statusCode":200,"orders":["#
                + #"{"orderType":"buy","price":"59990","quantity":"1000000"},"#
                + #"{"orderType":"sell","price":"60010","quantity":"4"}]}}"#)
        #expect(first.last?.hasPrefix(#"{"resultType":"completedOrders","data":{"statusCode":200,"#) == true)
        try world.apply(quoted(#""bid":"59990","ask":"60010","ask_size":"3","last":"60010","quantity":"1""#))
        socket.hear()
        #expect(
            try socket.takeJSON().map { $0["resultType"]?.text } == [
                "completedOrdersDelta", "orderBookDelta",
            ])
        for target in ["/api/v1/order-stream", "/api/v1/order-stream?market=NO-USD"] {
            guard case .refused(let refused) = world.handshake(target) else {
                Issue.record("\(target)")
                continue
            }
            #expect(refused.status == 400)
        }
    }

    /// As after a start: what changed after the first frames is told, though the past was not read when the
    /// stream was opened.
    @Test func marketThatIsReadLater() async throws {
        let world = try marketWorld(quoted(#""bid":"59990","ask":"60010""#))
        world.market.forget()
        var stream = try #require(world.stream("/api/v1/order-stream?market=BTC-USD"))
        world.market.noteRead()
        await stream.finishWork()
        stream.wait(1000)
        #expect(
            try stream.takeJSON().map { $0["resultType"]?.text } == ["orderBook", "completedOrders"])
        try world.apply(quoted(#""bid":"59980","ask":"60010""#))
        stream.hear()
        #expect(try stream.takeJSON().map { $0["resultType"]?.text } == ["orderBookDelta"])
    }
}

@Suite("Trigger orders, which are a choice")
struct TriggerTests {
    private func stop(_ more: String) -> String {
        #"{"message":"createTriggerOrder","content":{"market":"BTC-USD","orderType":"sell","#
            + #""triggerType":"stopLoss","triggerPrice":"59000"\#(more)}}"#
    }

    private func longWorld() async throws -> RailsWorld {
        let world = try marketWorld(quoted(#""bid":"59999","ask":"60000""#))
        var socket = try await world.socket("market=BTC-USD")
        await socket.sendAndFinish(
            #"{"message":"createOrder","content":{"quantity":"0.1","orderType":"buy","tradeType":"market"}}"#)
        return world
    }

    private func short(_ frames: [JSONValue]) -> [String] {
        frames.map { frame in
            let data = frame["data"]
            return [
                frame["resultType"]?.text, data?["statusCode"]?.description,
                data?["order"]?["orderStatus"]?.text,
            ]
            .compactMap { $0 }.joined(separator: " ")
        }
    }

    @Test("A stop of the whole position fires at the index, and its fill says so")
    func stopLoss() async throws {
        let world = try await longWorld()
        var socket = try await world.socket("market=ALL&subscriptions=orders,trades")
        await socket.sendAndFinish(stop(""))
        let placed = try socket.takeJSON()
        #expect(
            short(placed) == ["createTriggerOrder 202 pending", "createTriggerOrder 200 active"])
        #expect(
            placed[0]["data"]?["order"]?.object?.keys.map { $0 } == [
                "userId", "triggerOrderId", "market", "orderType", "tradeType", "triggerType", "triggerPrice",
                "quantity", "orderStatus", "createdAt", "updatedAt", "reduceOnly",
            ])
        let rows = try await world.read("/api/v1/trigger-orders?market=BTC-USD").json["triggerOrders"]
        #expect(
            rows?.elements?.map { $0["triggerOrderId"] } == [placed[0]["data"]?["order"]?["triggerOrderId"]])
        let created = world.ledgerTime().milliseconds
        try world.apply(quoted(#""bid":"58990","ask":"58991""#), mark("BTC-USD", "59000"))
        socket.hear()
        let frames = try socket.takeJSON()
        #expect(
            short(frames) == [
                "triggerOrder 200 triggered", "createOrder 202 pending", "createOrder 200 active",
                "orderFilled 200 filled", "completedOrdersDelta",
            ])
        let delta = frames.last?["data"]?.elements?.first
        #expect(delta?["triggerType"]?.text == "stopLoss" && delta?["triggerPrice"]?.text == "59000")
        #expect(delta?["triggerCreatedAt"]?.integer == created && delta?["price"]?.text == "59000")
        #expect(world.account("desk")?.positions.isEmpty == true)
        let fills = try await world.read("/api/v1/completed-orders").json["completedOrders"]?.elements
        #expect(fills?.map { $0["triggerType"]?.text } == ["stopLoss", "none"])
    }

    @Test func cancelledAndRefused() async throws {
        let world = try await longWorld()
        var socket = try await world.socket("market=BTC-USD")
        await socket.sendAndFinish(stop(#","quantity":"0.1""#))
        let id = try socket.takeJSON().first?["data"]?["order"]?["triggerOrderId"]?.text ?? ""
        let cancel = #"{"message":"cancelTriggerOrder","content":{"triggerOrderId":"\#(id)"}}"#
        await socket.sendAndFinish(cancel)
        #expect(
            short(try socket.takeJSON()) == [
                "cancelTriggerOrder 202 cancelling", "cancelTriggerOrder 200 cancelled",
            ])
        await socket.sendAndFinish(cancel)
        #expect(short(try socket.takeJSON()) == ["error 404"])
        // What closes the whole position ends with it; the other one finds nothing to reduce when it fires.
        await socket.sendAndFinish(stop(""))
        await socket.sendAndFinish(stop(#","quantity":"0.1""#))
        _ = socket.takeTexts()
        try world.apply(fill("BTC-USD", "sell", "0.1", "60000"))
        socket.hear()
        #expect(short(try socket.takeJSON()).last == "cancelTriggerOrder 200 cancelled")
        try world.apply(mark("BTC-USD", "58000"))
        socket.hear()
        #expect(short(try socket.takeJSON()) == ["rejectTriggerOrder 400 rejected"])
    }

    @Test("A market whose trigger order waits keeps the margin mode that it was meant for")
    func marginMode() async throws {
        let world = try await longWorld()
        var socket = try await world.socket("market=BTC-USD")
        await socket.sendAndFinish(stop(#","quantity":"0.1""#))
        try world.apply(fill("BTC-USD", "sell", "0.1", "60000"))
        #expect(world.account("desk")?.conditionals.count == 1)
        func set() async throws -> String {
            await world.request(
                "POST", "/api/v1/update-margin-mode",
                headers: ["Authorization": "Bearer \(try await world.token())"],
                body: #"{"market":"BTC-USD","marginMode":"I"}"#
            ).text
        }
        #expect(
            try await set() == #"{"message":"cannot change margin mode with open positions or orders"}"#)
        try world.apply(mark("BTC-USD", "58000"))
        #expect(world.account("desk")?.conditionals.isEmpty == true)
        #expect(try await set() == #"{"message":"margin mode updated successfully"}"#)
    }

    @Test(arguments: [
        (#","triggerPrice":"61000""#, "invalid triggerPrice"),
        (#","triggerPrice":"0""#, "invalid triggerPrice"),
        (#","triggerType":"trailing""#, "invalid triggerType"), (#","quantity":"0""#, "invalid quantity"),
        (#","quantity":"0.00001""#, "order value below minimum"),
        (#","reduceOnly":false"#, "invalid quantity"), (#","market":"NO-USD""#, "invalid market"),
    ])
    func refused(_ change: String, _ text: String) async throws {
        let world = try await longWorld()
        var socket = try await world.socket("market=ALL")
        let before = world.lastSequence
        // The last of two members of a name is taken nowhere: what is changed stands alone.
        let name = change.dropFirst(2).prefix { $0 != "\"" }
        let usual = [
            "market": #""BTC-USD""#, "orderType": #""sell""#, "triggerType": #""stopLoss""#,
            "triggerPrice": #""59000""#,
        ].filter { $0.key != name }.map { #""\#($0.key)":\#($0.value)"# }.sorted().joined(separator: ",")
        await socket.sendAndFinish(#"{"message":"createTriggerOrder","content":{\#(usual)\#(change)}}"#)
        #expect(try socket.takeJSON().first?["data"]?["body"]?.text == text)
        #expect(world.lastSequence == before)
    }
}
