import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// A world with 10000 USDT in futures mode, and a connection that has logged in.
private func trader(
    _ channels: String..., path: String = "private"
) throws -> (world: TestWorld<OKXVenue>, stream: TestStream<OKXVenue>) {
    let world = try world()
    try world.open("desk", #"{"mode":"futures"}"#)
    try world.run("desk", ("deposit", #""asset":"USDT","amount":"10000""#))
    try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"USDT":"1.00037","BTC":"60000"}"#)
    world.addKey(
        account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase", permissions: [.read, .trade])
    var stream = try #require(world.stream("/ws/v5/\(path)"))
    stream.logIn(world)
    for channel in channels { stream.send(#"{"op":"subscribe","args":[\#(channel)]}"#) }
    _ = stream.takeTexts()
    return (world, stream)
}

extension TestStream where Model == OKXVenue {
    fileprivate mutating func logIn(_ world: TestWorld<OKXVenue>) {
        let timestamp = String(world.realTime() / 1000)
        let sign = Signing.signature(
            timestamp: timestamp, method: "GET", target: "/users/self/verify", body: [],
            signer: RequestSigner(secret: "secret"))
        send(
            #"{"op":"login","args":[{"apiKey":"key","passphrase":"phrase","timestamp":"\#(timestamp)","#
                + #""sign":"\#(String(decoding: sign, as: UTF8.self))"}]}"#)
    }

    /// What is pushed of orders: state, filled, and what was filled just now.
    fileprivate mutating func told() throws -> [[String]] {
        try takeJSON().compactMap { message in
            guard let data = message["data"]?.elements?.first, let channel = message["arg"]?["channel"]?.text
            else { return nil }
            switch channel {
            case "orders":
                return ["state", "accFillSz", "fillSz", "cancelSource"].map { data[$0]?.text ?? "?" }
            default: return [channel]
            }
        }
    }
}

private let orders = #"{"channel":"orders","instType":"SWAP"}"#

@Suite("OKX orders on sockets")
struct StreamOrderTests {
    /// V13: placed by a socket, acknowledged and pushed.
    @Test func placed() async throws {
        var (world, stream) = try trader(orders)
        let code = try await world.publicData("/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP")
            .first?["instIdCode"]?.integer
        let argument =
            #"{"instIdCode":\#(code ?? 0),"tdMode":"cross","side":"buy","ordType":"limit","sz":"0.1","px":"59000"}"#
        await stream.sendAndFinish(#"{"id":"1512","op":"order","args":[\#(argument)]}"#)
        let messages = try stream.takeJSON()
        let ack = try #require(messages.last)
        #expect(
            ack.object?.keys.map { $0 } == ["id", "op", "code", "msg", "data", "inTime", "outTime"])
        expect(ack, ["id": "1512", "op": "order", "code": "0", "msg": ""])
        let item = try #require(ack["data"]?.elements?.first)
        #expect(
            item.object?.keys.map { $0 } == ["tag", "ts", "ordId", "clOrdId", "sCode", "sMsg", "subCode"])
        expect(item, ["sCode": "0", "sMsg": "Order successfully placed."])
        stream.hear()
        let push = try #require((messages.dropLast() + stream.takeJSON()).first)
        expect(push["arg"], ["channel": "orders", "instType": "SWAP"])
        let data = try #require(push["data"]?.elements?.first)
        // 0.1 × 0.01 × 59000 × 1.00037.
        expect(
            data,
            [
                "state": "live", "avgPx": "0", "fillSz": "0", "fillPx": "", "tradeId": "",
                "notionalUsd": "59.02183", "ccy": "USDT", "ordId": item.text("ordId") ?? "",
            ])
        #expect(data.object?.keys.first == "instType" && data.object?.keys.last == "attachAlgoOrds")
        await stream.sendAndFinish(
            #"{"id":"2","op":"order","args":[{"tdMode":"cross","side":"buy","ordType":"limit","sz":"1","px":"1"}]}"#
        )
        let refused = try #require(try stream.takeJSON().last)
        expect(refused, ["code": "1"])
        expect(
            refused["data"]?.elements?.first,
            ["sCode": "50014", "sMsg": "Parameter instIdCode can not be empty", "ordId": ""])
    }

    /// To no more than what is filled of it ends an order, and shows as that: nothing is left to fill.
    @Test(arguments: [("6", "partially_filled", "6"), ("4", "filled", "4"), ("3", "filled", "4")])
    func amended(to size: String, state: String, shown: String) async throws {
        var (world, stream) = try trader(orders)
        let wanted =
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","sz":"10","px":"59000"}"#
        let placed = try await world.signed("POST", "/api/v5/trade/order", body: wanted).json
        let id = placed["data"]?.elements?.first?.text("ordId") ?? ""
        try world.apply(
            #"{"type":"quotes","venue":"okx","quotes":{"BTC-USDT-SWAP":{"last":"59000","quantity":"4"}}}"#)
        let change = #"{"instId":"BTC-USDT-SWAP","ordId":"\#(id)","newSz":"\#(size)"}"#
        _ = await world.signed("POST", "/api/v5/trade/amend-order", body: change)
        stream.hear()
        let told = try #require(try stream.takeJSON().last?["data"]?.elements?.first)
        let order = try #require(
            try await world.data("GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP&ordId=\(id)").first)
        for row in [told, order] { expect(row, ["state": state, "sz": shown, "accFillSz": "4"]) }
        expect(told, ["amendResult": "0", "amendSource": "1", "reqId": "", "fillSz": "0", "tradeId": ""])
    }

    @Test("what is told of an order as it goes, and in which order")
    func transitions() async throws {
        var (world, stream) = try trader(
            orders, #"{"channel":"fills"}"#, #"{"channel":"balance_and_position"}"#)
        func post(_ path: String, _ body: String) async throws -> String {
            let json = try await world.signed("POST", "/api/v5/trade/\(path)", body: body).json
            return json["data"]?.elements?.first?.text("ordId") ?? ""
        }
        let wanted =
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","sz":"10","px":"59000"}"#
        let id = try await post("order", wanted)
        stream.hear()
        #expect(try stream.told() == [["live", "0", "0", ""]])
        try world.apply(
            #"{"type":"quotes","venue":"okx","quotes":{"BTC-USDT-SWAP":{"last":"59000","quantity":"4"}}}"#)
        stream.hear()
        #expect(
            try stream.told() == [
                ["partially_filled", "4", "4", ""], ["fills"], ["balance_and_position"],
            ])
        _ = try await post("cancel-order", #"{"instId":"BTC-USDT-SWAP","ordId":"\#(id)"}"#)
        stream.hear()
        #expect(try stream.told() == [["canceled", "4", "0", "1"]])
    }

    @Test("conditional orders on the business socket")
    func algos() async throws {
        var (world, stream) = try trader(#"{"channel":"orders-algo","instType":"SWAP"}"#, path: "business")
        let body =
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"trigger","sz":"1","#
            + #""triggerPx":"61000","orderPx":"-1"}"#
        _ = await world.signed("POST", "/api/v5/trade/order-algo", body: body)
        stream.hear()
        let live = try #require(try stream.takeJSON().first?["data"]?.elements?.first)
        expect(live, ["state": "live", "triggerPx": "61000", "ordPx": "-1", "actualPx": "0"])
        expect(live, ["failCode": "", "notionalUsd": "600.222", "amendResult": "", "reqId": ""])
        let amendment =
            #"{"instId":"BTC-USDT-SWAP","algoId":"\#(live.text("algoId") ?? "")","newSz":"2"}"#
        _ = await world.signed("POST", "/api/v5/trade/amend-algos", body: amendment)
        stream.hear()
        let amended = try #require(try stream.takeJSON().first?["data"]?.elements?.first)
        expect(amended, ["state": "live", "sz": "2", "notionalUsd": "1200.444", "amendResult": "0"])
        try world.prices(marks: #"{"BTC-USDT-SWAP":"61000"}"#)
        stream.hear()
        let fired = try #require(try stream.takeJSON().first?["data"]?.elements?.first)
        expect(fired, ["state": "effective", "actualPx": "61000"])
        let child = try #require(fired["ordIdList"]?.elements?.first?.text)
        let order = try await world.data("GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP&ordId=\(child)")
        expect(order.first, ["source": "6", "state": "filled", "algoId": live.text("algoId") ?? ""])
    }

    @Test("operations that are refused as a whole")
    func refused() async throws {
        var (world, stream) = try trader()
        for (frame, code) in [
            (#"{"id":"1","op":"order","args":[]}"#, "60013"), (#"{"id":"1","op":"order"}"#, "60013"),
            (#"{"id":"1","op":"order","args":[{},{}]}"#, "60013"),
            (#"{"id":"!","op":"order","args":[{}]}"#, "60033"),
            (#"{"id":"1","op":"mass-cancel","args":[{}]}"#, "60019"),
        ] {
            stream.send(frame)
            let answer = try #require(try stream.takeJSON().first)
            expect(answer, ["code": code, "op": frame.contains("mass") ? "mass-cancel" : "order"])
        }
        var stranger = try #require(world.stream("/ws/v5/private"))
        stranger.send(#"{"id":"1","op":"order","args":[{}]}"#)
        expect(try stranger.takeJSON().first, ["event": "error", "code": "60011"])
        world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
        var reader = try #require(world.stream("/ws/v5/private"))
        reader.logIn(world)
        _ = reader.takeTexts()
        reader.send(#"{"id":"1","op":"order","args":[{}]}"#)
        expect(try reader.takeJSON().first, ["code": "50120", "op": "order"])
    }
}
