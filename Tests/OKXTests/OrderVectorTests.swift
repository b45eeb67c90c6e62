import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Vectors of orders that the other suites do not play, the price limit of exchanges, and what an
/// order would change.
@Suite("More OKX orders, by the documents' vectors")
struct OrderVectorTests {
    private func ready(
        _ settings: String, marks: String = "{}", index: String = #"{"USDT":"1"}"#,
        _ deposits: (asset: String, amount: String)...
    ) throws -> TestWorld<OKXVenue> {
        let world = try world()
        try world.open("desk", settings)
        try world.prices(marks: marks, index: index)
        for deposit in deposits {
            try world.run(
                "desk", ("deposit", #""asset":"\#(deposit.asset)","amount":"\#(deposit.amount)""#))
        }
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase",
            permissions: [.read, .trade])
        return world
    }

    private func quote(_ world: TestWorld<OKXVenue>, _ name: String, _ members: String) throws {
        try world.apply(#"{"type":"quotes","venue":"okx","quotes":{"\#(name)":{\#(members)}}}"#)
    }

    private func post(
        _ world: TestWorld<OKXVenue>, _ members: String, _ path: String = "order"
    ) async throws -> JSONValue {
        let json = try await world.signed("POST", "/api/v5/trade/\(path)", body: "{\(members)}").json
        return json["data"]?.elements?.first ?? json
    }

    private func placed(_ world: TestWorld<OKXVenue>, _ members: String) async throws -> JSONValue {
        let item = try await post(world, members)
        let name = try #require(members.split(separator: "\"").dropFirst(2).first)
        let id = try #require(item.text("ordId"), "\(item)")
        return try #require(
            try await world.data("GET", "/api/v5/trade/order?instId=\(name)&ordId=\(id)").first, "\(item)")
    }

    /// V2b, V3: recorded fees of exchanges, all digits kept.
    @Test(arguments: [
        ("BTC-USDT", "sell", "0.00001", "48174.5", true, "-0.000385396"),
        ("TRX-USDT", "sell", "30009.966", "0.06236", false, "-1.87142147976"),
        ("TRX-USDT", "buy", "30000", "0.06236", true, "-24"),
    ])
    func exchangeFees(
        _ name: String, _ side: String, _ size: String, _ price: String, _ rests: Bool, _ fee: String
    ) async throws {
        let base = String(name.prefix(3))
        let world = try ready(
            #"{"mode":"spot"}"#, index: #"{"USDT":"1","\#(base)":"\#(price)"}"#, ("USDT", "10000"),
            (base, "40000"))
        let away = side == "sell" ? ("0.00001", price) : (price, "90000")
        if !rests { try quote(world, name, #""bid":"\#(price)","ask":"90000","last":"\#(price)""#) }
        if rests { try quote(world, name, #""bid":"\#(away.0)","ask":"90000","last":"\#(away.1)""#) }
        let limit = #""instId":"\#(name)","tdMode":"cash","side":"\#(side)","ordType":"limit","#
        let order = try await placed(world, limit + #""sz":"\#(size)","px":"\#(price)""#)
        if rests { try quote(world, name, #""last":"\#(price)""#) }
        let id = try #require(order.text("ordId"))
        expect(
            try await world.data("GET", "/api/v5/trade/order?instId=\(name)&ordId=\(id)").first,
            ["state": "filled", "fee": fee])
    }

    /// V5, V6: fees of contracts, at the account's own rate.
    @Test(arguments: [
        ("1", "29333.3", "0.0005", "-0.1466665"), ("0.03", "103698.9", "0.0007", "-0.021776769"),
    ])
    func contractFees(_ size: String, _ price: String, _ rate: String, _ fee: String) async throws {
        let world = try ready(
            #"{"mode":"futures","fees":{"derivative":{"maker":"0","taker":"\#(rate)"}}}"#,
            marks: #"{"BTC-USDT-SWAP":"\#(price)"}"#, index: #"{"USDT":"1","BTC":"\#(price)"}"#,
            ("USDT", "10000"))
        try quote(world, "BTC-USDT-SWAP", #""bid":"1","ask":"\#(price)","last":"\#(price)""#)
        expect(
            try await placed(
                world,
                #""instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"market","sz":"\#(size)""#),
            ["state": "filled", "fee": fee, "feeCcy": "USDT"])
    }

    /// V8: opening an isolated position takes margin and fee out of cash.
    @Test func isolatedOpening() async throws {
        let world = try ready(
            #"{"mode":"futures"}"#, marks: #"{"SOL-USDT-SWAP":"150"}"#, index: #"{"USDT":"1","SOL":"150"}"#,
            ("USDT", "10000"))
        try world.run(
            "desk",
            ("set_leverage", #""instrument":"SOL-USDT-SWAP","leverage":"8","margin_mode":"isolated""#))
        // 36.94342 × 150 of the recording's notional is 5541.513: 36.94 at 150.0141…; here at one price.
        try quote(world, "SOL-USDT-SWAP", #""bid":"1","ask":"150","last":"150""#)
        _ = try await placed(
            world,
            #""instId":"SOL-USDT-SWAP","tdMode":"isolated","side":"buy","ordType":"market","sz":"36.94""#)
        let bill = try #require(try await world.data("GET", "/api/v5/account/bills?type=2").first)
        // 5541 ÷ 8 and 0.05 % of it.
        expect(
            bill, ["posBalChg": "692.625", "fee": "-2.7705", "balChg": "-695.3955000000000000"])
    }

    @Test("the exchange of a pair's currencies has a price limit with codes of its own")
    func exchangeLimits() async throws {
        let world = try ready(
            #"{"mode":"spot"}"#, index: #"{"USDT":"1","BTC":"60000"}"#, ("USDT", "100000"), ("BTC", "1"))
        let order = #""instId":"BTC-USDT","tdMode":"cash","ordType":"limit","sz":"0.01","#
        for (side, price, code, end) in [
            ("buy", "63000.1", "51137", "max buy price is 63000"),
            ("sell", "56999.9", "51138", "min sell price is 57000"),
        ] {
            let item = try await post(world, order + #""side":"\#(side)","px":"\#(price)""#)
            expect(
                item,
                [
                    "sCode": code,
                    "sMsg": "Your opening price has triggered the limit price, and the \(end)",
                ])
            let moved = try await placed(
                world, order + #""side":"\#(side)","px":"\#(price)","pxAmendType":"1""#)
            expect(moved, ["px": side == "buy" ? "63000" : "57000"])
        }
    }

    @Test("a stop cannot be amended to where the price has passed it")
    func amendedStops() async throws {
        let world = try ready(
            #"{"mode":"futures"}"#, marks: #"{"BTC-USDT-SWAP":"60000"}"#, ("USDT", "10000"))
        let placed = try await post(
            world,
            #""instId":"BTC-USDT-SWAP","tdMode":"cross","side":"sell","ordType":"conditional","sz":"1","#
                + #""slTriggerPx":"59000","slOrdPx":"-1""#, "order-algo")
        let id = try #require(placed.text("algoId"), "\(placed)")
        let named = #""instId":"BTC-USDT-SWAP","algoId":"\#(id)","#
        expect(
            try await post(world, named + #""newSlTriggerPx":"60000.1""#, "amend-algos"), ["sCode": "51280"])
        expect(
            try await post(world, named + #""newSlTriggerPx":"59500""#, "amend-algos"), ["sCode": "0"])
    }

    @Test("what an order would change: margin and fee while it rests, and nothing is placed")
    func precheck() async throws {
        let world = try ready(
            #"{"mode":"multi"}"#, marks: #"{"BTC-USDT-SWAP":"60000"}"#,
            index: #"{"USDT":"1","BTC":"60000"}"#, ("USDT", "10000"))
        try world.run(
            "desk",
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"10","margin_mode":"cross""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"60000""#))
        let before = world.account("desk")
        let order =
            #""instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","px":"60000","sz":"10""#
        let answer = try await post(world, order, "order-precheck")
        expect(
            answer,
            [
                "adjEq": "10000", "adjEqChg": "-3", "imr": "6000", "imrChg": "600", "mmr": "240",
                "mmrChg": "0", "availBal": "10000", "availBalChg": "0", "liab": "0", "liabChg": "0",
                "liabChgCcy": "", "posBal": "", "type": "",
            ])
        #expect(answer.text("liqPx")?.isEmpty == false)
        #expect(
            answer.object?.keys.map { $0 } == [
                "adjEq", "adjEqChg", "availBal", "availBalChg", "imr", "imrChg", "liab", "liabChg",
                "liabChgCcy", "liqPx", "liqPxDiff", "liqPxDiffRatio", "mgnRatio", "mgnRatioChg", "mmr",
                "mmrChg", "posBal", "posBalChg", "type",
            ])
        #expect(world.account("desk") == before)
        expect(
            try await post(world, order.replacing("60000", with: "70000"), "order-precheck"),
            ["code": "51006"])
        let futures = try ready(#"{"mode":"futures"}"#, marks: #"{"BTC-USDT-SWAP":"60000"}"#)
        expect(try await post(futures, order, "order-precheck"), ["code": "51010"])
    }

    @Test("mass-cancel is for market makers of options")
    func massCancel() async throws {
        for (mode, members, code) in [
            ("multi", #""instType":"OPTION","instFamily":"BTC-USD""#, "51010"),
            ("portfolio", #""instType":"OPTION","instFamily":"BTC-USD""#, "50030"),
            ("portfolio", #""instType":"SWAP","instFamily":"BTC-USD""#, "51000"),
            ("portfolio", #""instType":"OPTION""#, "50014"),
        ] {
            let world = try ready(#"{"mode":"\#(mode)"}"#)
            expect(try await post(world, members, "mass-cancel"), ["code": code])
        }
    }
}
