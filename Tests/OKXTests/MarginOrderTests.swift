import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Orders of spot pairs on margin: what they open, what they hold, and how they are told.
@Suite("OKX orders of pairs on margin")
struct MarginOrderTests {
    /// Futures mode, 1 BTC and 10000 USDT, leverage 5, 59990 bid and 60000 asked.
    private func ready(_ mode: String = "futures") throws -> TestWorld<OKXVenue> {
        let world = try world()
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase",
            permissions: [.read, .trade])
        try world.open("desk", #"{"mode":"\#(mode)"}"#)
        try world.prices(marks: #"{"BTC-USDT":"60000"}"#, index: #"{"BTC":"60000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"10000""#))
        if mode != "spot" {
            try world.run("desk", ("set_leverage", #""instrument":"BTC-USDT","leverage":"5""#))
        }
        try quote(world, #""bid":"59990","ask":"60000","last":"60000""#)
        return world
    }

    private func quote(_ world: TestWorld<OKXVenue>, _ members: String) throws {
        try world.apply(#"{"type":"quotes","venue":"okx","quotes":{"BTC-USDT":{\#(members)}}}"#)
    }

    /// The first item of the answer to an order.
    private func post(
        _ world: TestWorld<OKXVenue>, _ members: String, _ path: String = "order"
    ) async throws -> JSONValue {
        let body = #"{"instId":"BTC-USDT",\#(members)}"#
        let json = try await world.signed("POST", "/api/v5/trade/\(path)", body: body).json
        return try #require(json["data"]?.elements?.first, "\(json)")
    }

    private func order(_ world: TestWorld<OKXVenue>, _ item: JSONValue) async throws -> JSONValue {
        let id = try #require(item.text("ordId"))
        return try #require(
            try await world.data("GET", "/api/v5/trade/order?instId=BTC-USDT&ordId=\(id)").first, "\(item)")
    }

    private func position(_ world: TestWorld<OKXVenue>) async throws -> JSONValue? {
        try await world.data("GET", "/api/v5/account/positions?instType=MARGIN").first
    }

    /// Figures come out of what their explanations list, and nothing is created or lost.
    private func isSound(_ world: TestWorld<OKXVenue>, _ comment: Comment = "") throws {
        #expect(try !world.explanations("desk").isEmpty, comment)
        let account = try #require(world.account("desk"))
        #expect(try account.imbalances().isEmpty, comment)
    }

    @Test("a market buy is sized in the quote currency, takes its margin in coins and is repaid by its close")
    func isolatedLong() async throws {
        let world = try ready()
        let bought = try await post(
            world, #""tdMode":"isolated","side":"buy","ordType":"market","sz":"6000","clOrdId":"m1""#)
        expect(bought, ["sCode": "0"])
        // 6000 ÷ 60000 = 0.1 BTC; the fee of 0.1 % comes out of what the position takes.
        expect(
            try await order(world, bought),
            [
                "instType": "MARGIN", "tdMode": "isolated", "ccy": "BTC", "lever": "5", "sz": "6000",
                "accFillSz": "0.1", "avgPx": "60000", "state": "filled", "fee": "-0.0001", "feeCcy": "BTC",
                "posSide": "net", "reduceOnly": "false",
            ])
        let held = try #require(try await position(world))
        expect(
            held,
            ["pos": "0.1199", "posCcy": "BTC", "margin": "0.02", "liab": "-6000", "liabCcy": "USDT"])
        #expect(held.text("tradeId")?.isEmpty == false)
        let detail = try world.balance("desk").detail("BTC")
        expect(detail, ["cashBal": "0.98", "ordFrozen": "0"])
        let fill = try #require(
            try await world.data("GET", "/api/v5/trade/fills?instType=MARGIN").first)
        expect(fill, ["instType": "MARGIN", "fillSz": "0.1", "tradeId": held.text("tradeId") ?? "?"])
        #expect(try await world.data("GET", "/api/v5/trade/fills?instType=SPOT").isEmpty)
        try isSound(world)

        let closed = try await post(world, #""mgnMode":"isolated""#, "close-position")
        expect(closed, ["instId": "BTC-USDT", "posSide": "net"])
        #expect(try await position(world) == nil)
        // 0.1199 × 59990 × 0.999 − 6000 goes to free cash.
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "11185.608199"])
        expect(try world.balance("desk").detail("BTC"), ["cashBal": "0.98"])
        try isSound(world)
    }

    @Test("a resting order holds what it would trade ÷ leverage, in the currency of its margin")
    func resting() async throws {
        let world = try ready()
        for (members, currency, frozen) in [
            (#""tdMode":"cross","ccy":"USDT","side":"buy","px":"59000","sz":"0.1""#, "USDT", "1180"),
            (#""tdMode":"cross","ccy":"BTC","side":"buy","px":"59000","sz":"0.1""#, "BTC", "0.02"),
            (#""tdMode":"isolated","side":"buy","px":"59000","sz":"0.1""#, "BTC", "0.02"),
            (#""tdMode":"isolated","side":"sell","px":"61000","sz":"0.1""#, "USDT", "1220"),
        ] {
            let item = try await post(world, members + #","ordType":"limit""#)
            expect(item, ["sCode": "0"])
            let row = try #require(
                try await world.data("GET", "/api/v5/trade/orders-pending?instType=MARGIN").first)
            expect(row, ["ccy": currency, "instType": "MARGIN", "state": "live", "lever": "5"])
            let balance = try world.balance("desk")
            expect(balance.detail(currency), ["ordFrozen": frozen])
            let other = currency == "BTC" ? "USDT" : "BTC"
            expect(balance.detail(other), ["ordFrozen": "0"])
            try isSound(world, "\(members)")
            let id = try #require(item.text("ordId"))
            expect(try await post(world, #""ordId":"\#(id)""#, "cancel-order"), ["sCode": "0"])
        }
    }

    @Test(
        "a resting sale opens a short, reduce-only buys cannot make it larger, and closing pays its fee too")
    func crossShort() async throws {
        let world = try ready()
        let sold = try await post(
            world, #""tdMode":"cross","ccy":"USDT","side":"sell","ordType":"limit","px":"60500","sz":"0.2""#)
        try quote(world, #""last":"60500""#)
        expect(
            try await order(world, sold),
            ["state": "filled", "feeCcy": "USDT", "fee": "-9.68", "tdMode": "cross", "ccy": "USDT"])
        expect(
            try await position(world),
            ["pos": "12090.32", "posCcy": "USDT", "liab": "-0.2", "liabCcy": "BTC", "ccy": "USDT"])
        try isSound(world)
        let reducing =
            #""tdMode":"cross","ccy":"USDT","ordType":"limit","px":"60000","reduceOnly":true"#
        for (members, code) in [
            (#","side":"buy","sz":"0.3""#, "51112"), (#","side":"sell","sz":"0.1""#, "51170"),
            (#","side":"buy","sz":"0.05""#, "0"),
        ] {
            expect(try await post(world, reducing + members), ["sCode": code])
        }
        expect(try world.balance("desk").detail("USDT"), ["ordFrozen": "0"])
        expect(
            try await post(world, #""mgnMode":"cross","ccy":"USDT","autoCxl":true"#, "close-position"),
            ["instId": "BTC-USDT"])
        #expect(try await position(world) == nil)
        #expect(try await world.data("GET", "/api/v5/trade/orders-pending").isEmpty)
        try isSound(world)
    }

    @Test(
        "an isolated order whose position has closed holds what the position it will open has",
        arguments: [
            ("buy", #""sz":"6000""#, "sell", "61000", "BTC", "USDT", "1220"),
            ("sell", #""sz":"0.1""#, "buy", "59000", "USDT", "BTC", "0.02"),
        ])
    func left(
        first: String, size: String, other: String, price: String, before: String, after: String,
        frozen: String
    ) async throws {
        let world = try ready()
        let isolated = #""tdMode":"isolated","#
        func resting() async throws -> JSONValue {
            try #require(try await world.data("GET", "/api/v5/trade/orders-pending?instType=MARGIN").first)
        }
        expect(
            try await post(world, isolated + #""side":"\#(first)","ordType":"market",\#(size)"#),
            ["sCode": "0"])
        let order = isolated + #""side":"\#(other)","ordType":"limit","px":"\#(price)","sz":"0.1""#
        expect(try await post(world, order), ["sCode": "0"])
        expect(try await resting(), ["ccy": before])
        expect(try await post(world, #""mgnMode":"isolated""#, "close-position"), ["instId": "BTC-USDT"])
        expect(try await resting(), ["ccy": after])
        let balance = try world.balance("desk")
        expect(balance.detail(after), ["ordFrozen": frozen])
        expect(balance.detail(before), ["ordFrozen": "0"])
        try isSound(world)
        try quote(world, #""last":"\#(price)""#)
        expect(try await position(world), ["ccy": after, "posCcy": after, "margin": frozen])
        try isSound(world)
    }

    @Test("bills of isolated pairs show the position's margin in its asset, base or quote")
    func bills() async throws {
        for (members, asset) in [
            (#""side":"buy","sz":"6000""#, "BTC"), (#""side":"sell","sz":"0.1""#, "USDT"),
        ] {
            let world = try ready()
            expect(
                try await post(world, #""tdMode":"isolated","ordType":"market",\#(members)"#), ["sCode": "0"])
            let margin = try #require(try await position(world)?.text("margin"))
            let bills = try await world.data("GET", "/api/v5/account/bills?type=2")
            #expect(bills.map { $0.text("ccy") } == [asset])
            expect(bills.first, ["posBal": margin, "posBalChg": margin, "mgnMode": "isolated"])
            expect(try await post(world, #""mgnMode":"isolated""#, "close-position"), ["instId": "BTC-USDT"])
            let closed = try await world.data("GET", "/api/v5/account/bills?type=2&ccy=\(asset)")
            expect(closed.first, ["posBal": "0", "posBalChg": "-\(margin)"])
        }
    }

    @Test("an order beyond the position repays it and exchanges the rest with what is free")
    func beyond() async throws {
        let world = try ready()
        expect(
            try await post(
                world, #""tdMode":"isolated","side":"sell","ordType":"market","sz":"0.1""#), ["sCode": "0"])
        // 0.4 BTC cost 24000 USDT: 7198 of the position, and more than the 8801 that are free.
        let beyond = #""tdMode":"isolated","side":"buy","ordType":"limit","px":"60000","sz":"#
        expect(try await post(world, beyond + #""0.4""#), ["sCode": "51008", "subCode": "1001"])
        expect(try await post(world, beyond + #""0.2""#), ["sCode": "0"])
        #expect(try await position(world) == nil)
        try isSound(world)
    }

    @Test(
        "what the venue refuses",
        arguments: [
            ("futures", #""tdMode":"cross","side":"buy""#, "50014", "Parameter ccy can not be empty"),
            ("futures", #""tdMode":"cross","ccy":"ETH","side":"buy""#, "51000", "Parameter ccy error"),
            ("spot", #""tdMode":"cross","ccy":"USDT","side":"buy""#, "51010", nil),
            ("spot", #""tdMode":"isolated","side":"buy""#, "51010", nil),
            ("multi", #""tdMode":"isolated","side":"buy""#, "50072", nil),
            ("portfolio", #""tdMode":"isolated","side":"buy""#, "50072", nil),
            ("futures", #""tdMode":"isolated","side":"buy","px":"64000""#, "51006", nil),
            ("futures", #""tdMode":"isolated","side":"buy","sz":"9""#, "51008", "BTC margin in account "),
            ("futures", #""tdMode":"cross","ccy":"USDT","side":"sell","reduceOnly":true"#, "51169", nil),
        ])
    func refused(mode: String, members: String, code: String, message: String?) async throws {
        let world = try ready(mode)
        let before = world.account("desk")
        var all = members + #","ordType":"limit""#
        if !members.contains("px") { all += #","px":"60000""# }
        if !members.contains("sz") { all += #","sz":"0.01""# }
        let item = try await post(world, all)
        expect(item, ["sCode": code])
        if let message { #expect(item.text("sMsg")?.hasSuffix(message) == true, "\(item)") }
        #expect(world.account("desk") == before)
    }

    @Test("what can be bought and sold on margin")
    func sizes() async throws {
        let world = try ready()
        func first(_ target: String) async throws -> JSONValue? {
            try await world.data("GET", "/api/v5/account/\(target)").first
        }
        // 1 BTC and 10000 USDT at leverage 5: 5 BTC, and 50000 ÷ 60000 in whole lots.
        expect(
            try await first("max-size?instId=BTC-USDT&tdMode=isolated"),
            ["maxBuy": "5", "maxSell": "0.83333333", "ccy": ""])
        expect(
            try await first("max-size?instId=BTC-USDT&tdMode=cross&ccy=USDT"),
            ["maxBuy": "0.83333333", "maxSell": "0.83333333", "ccy": "USDT"])
        expect(
            try await first("max-avail-size?instId=BTC-USDT&tdMode=isolated"),
            ["availBuy": "1", "availSell": "10000"])
        expect(
            try await first("max-size?instId=BTC-USDT&tdMode=cash"),
            ["maxBuy": "0.16666666", "maxSell": "1"])
        let refused = try await world.signed(
            "GET", "/api/v5/account/max-size?instId=BTC-USDT&tdMode=cross"
        ).json
        expect(refused, ["code": "50014"])
        for price in ["abc", "0", "-1", "1e5"] {
            let target = "/api/v5/account/max-size?instId=BTC-USDT&tdMode=cash&px=\(price)"
            expect(
                try await world.signed("GET", target).json,
                ["code": "51000", "msg": "Parameter px error"])
        }
        expect(
            try await first("max-size?instId=BTC-USDT&tdMode=cash&px="),
            ["maxBuy": "0.16666666", "maxSell": "1"])
    }

    @Test("a conditional order on margin trades there when it fires")
    func conditional() async throws {
        let world = try ready()
        expect(
            try await post(world, #""tdMode":"isolated","side":"buy","ordType":"market","sz":"6000""#),
            ["sCode": "0"])
        let stop =
            #""tdMode":"isolated","side":"sell","ordType":"conditional","sz":"0.1","slTriggerPx":"59000","#
            + #""slOrdPx":"-1","reduceOnly":true"#
        expect(try await post(world, stop, "order-algo"), ["sCode": "0"])
        let waiting = try #require(
            try await world.data(
                "GET", "/api/v5/trade/orders-algo-pending?ordType=conditional&instType=MARGIN"
            ).first)
        expect(waiting, ["instType": "MARGIN", "tdMode": "isolated", "ccy": "BTC", "lever": "5"])
        try quote(world, #""bid":"58990","ask":"59000","last":"58995""#)
        expect(try await position(world), ["pos": "0.0199", "liab": "-106.899"])
        try isSound(world)
    }

    @Test("public and checked price limits are the same, cut to the tick towards the mark")
    func priceLimits() async throws {
        let world = try ready()
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60001.3"}"#)
        let limits = try #require(
            try await world.publicData("/api/v5/public/price-limit?instId=BTC-USDT-SWAP").first)
        expect(limits, ["buyLmt": "63001.3", "sellLmt": "57001.3"])
        for (side, price, code) in [
            ("buy", "63001.3", "0"), ("buy", "63001.4", "51006"), ("sell", "57001.3", "0"),
            ("sell", "57001.2", "51006"),
        ] {
            let body =
                #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"\#(side)","ordType":"limit","#
                + #""px":"\#(price)","sz":"0.01"}"#
            let json = try await world.signed("POST", "/api/v5/trade/order", body: body).json
            expect(json["data"]?.elements?.first, ["sCode": code])
        }
    }
}
