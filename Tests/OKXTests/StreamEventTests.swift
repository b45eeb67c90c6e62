import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// `balance_and_position`: what happened, event by event.
@Suite struct StreamEventTests {
    private func ready() throws -> TestWorld<OKXVenue> {
        let world = try streamWorld()
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            ("deposit", #""asset":"BTC","amount":"1""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000""#),
            (
                "fill",
                #""instrument":"ETH-USDT-SWAP","side":"buy","quantity":"10","price":"3000","#
                    + #""margin_mode":"isolated""#
            ))
        return world
    }

    @Test func snapshot() throws {
        let world = try ready()
        try world.run("desk", ("withdraw", #""asset":"BTC","amount":"1""#))
        let (_, pushes) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        #expect(pushes.count == 1)
        let push = try #require(pushes.first)
        #expect(push.object?.keys == ["arg", "data"])
        #expect(
            push["arg"]?.description
                == #"{"channel":"balance_and_position","uid":"\#(StableID.user("desk"))"}"#)
        let data = try #require(push.first)
        #expect(data.object?.keys == ["pTime", "eventType", "balData", "posData", "trades"])
        expect(data, ["eventType": "snapshot", "pTime": "1780272000000"])
        // Money only: a currency without cash is left out.
        #expect(data["balData"]?.elements?.map { $0.text("ccy") } == ["USDT"])
        let position = try #require(data["posData"]?.elements?.first)
        #expect(
            position.object?.keys == [
                "posId", "tradeId", "instId", "instType", "mgnMode", "posSide", "pos", "ccy", "posCcy",
                "avgPx", "nonSettleAvgPx", "settledPnl", "uTime",
            ])
        expect(
            position,
            [
                "instId": "BTC-USDT-SWAP", "instType": "SWAP", "mgnMode": "cross", "posSide": "net",
                "pos": "10", "ccy": "USDT", "avgPx": "60000", "tradeId": "6", "uTime": "1780272000000",
            ])
        #expect(data["posData"]?.elements?.count == 2)
        #expect(data["trades"]?.elements?.isEmpty == true)
    }

    /// Every event of the ledger by the venue's word for it, with the currencies and positions it changed.
    @Test(
        arguments: [
            ("deposit", #""asset":"ETH","amount":"2""#, "transferred", ["ETH"], []),
            ("withdraw", #""asset":"USDT","amount":"2""#, "transferred", ["USDT"], []),
            ("transfer", #""asset":"USDT","amount":"2","to":"child""#, "transferred", ["USDT"], []),
            ("reserve", #""asset":"USDT","amount":"2","purpose":"strategy""#, "transferred", ["USDT"], []),
            ("reserve", #""asset":"USDT","amount":"2","purpose":"fixed""#, nil, [], []),
            ("credit", #""asset":"USDT","amount":"2","purpose":"reward""#, nil, [], []),
            (
                "fill", #""instrument":"BTC-USDT","side":"buy","quantity":"0.01","price":"60000""#, "filled",
                ["USDT", "BTC"], []
            ),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000","fee":"0.3""#,
                "filled", ["USDT"], ["BTC-USDT-SWAP"]
            ),
            // Nothing is paid to open a position without a fee: only posData.
            (
                "fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#,
                "filled",
                [], ["BTC-USDT-SWAP"]
            ),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"4","price":"59000","liquidation":true"#,
                "liquidation", ["USDT"], ["BTC-USDT-SWAP"]
            ),
            (
                "funding", #""instrument":"BTC-USDT-SWAP","amount":"-1""#, "funding_fee", ["USDT"],
                ["BTC-USDT-SWAP"]
            ),
            (
                "adjust_isolated_margin", #""instrument":"ETH-USDT-SWAP","amount":"5""#, "adjust_margin",
                ["USDT"], ["ETH-USDT-SWAP"]
            ),
            (
                "set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"7""#, "set_leverage", [],
                ["BTC-USDT-SWAP"]
            ),
            ("set_leverage", #""instrument":"SOL-USDT-SWAP","leverage":"7""#, nil, [], []),
            (
                "import_position", #""instrument":"SOL-USDT-SWAP","quantity":"1","entry_price":"100""#,
                "transferred", [], ["SOL-USDT-SWAP"]
            ),
            ("raise", #""flag":"twap","asset":"USDT","value":"2""#, nil, [], []),
            ("configure", #""settings":{"auto_borrow":true}"#, nil, [], []),
            (
                "place_order",
                #""order_id":"a","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"59000""#,
                nil,
                [], []
            ),
        ] as [(String, String, String?, [String], [String])])
    func events(type: String, members: String, eventType: String?, cash: [String], positions: [String]) throws
    {
        let world = try ready()
        try world.apply(#"{"type":"open_account","account":"child","venue":"okx","parent":"desk"}"#)
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        try world.run("desk", (type, members))
        stream.hear()
        let pushes = try stream.takeJSON()
        #expect(pushes.count == (eventType == nil ? 0 : 1))
        let data = pushes.first?.first
        #expect(data?.text("eventType") == eventType)
        #expect(data?["balData"]?.elements?.compactMap { $0.text("ccy") } ?? [] == cash)
        #expect(data?["posData"]?.elements?.compactMap { $0.text("instId") } ?? [] == positions)
        for row in data?["balData"]?.elements ?? [] {
            #expect(
                row.text("cashBal") == world.account("desk")?.cash(row.text("ccy") ?? "").description)
        }
    }

    /// Spot mode: borrowing moves cash; a repayment of interest alone is the venue's deduction.
    @Test func loans() throws {
        let world = try streamWorld(#"{"mode":"spot","spot_borrow":true}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"100""#))
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        var types: [String] = []
        for (type, amount) in [("borrow", "50"), ("accrue_interest", "2"), ("repay", "2"), ("repay", "50")] {
            try world.run("desk", (type, #""asset":"USDT","amount":"\#(amount)""#))
            stream.hear()
            types += try stream.takeJSON().compactMap { $0.first?.text("eventType") }
        }
        #expect(types == ["transferred", "interest_deduction", "transferred"])
    }

    /// A trade has an id, and its position the same one.
    @Test func trades() throws {
        let world = try ready()
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        try world.run(
            "desk", ("fill", #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"10","price":"61000""#))
        stream.hear()
        let data = try #require(try stream.takeJSON().first?.first)
        let trade = "\(world.lastSequence)"
        #expect(
            data["trades"]?.description == #"[{"instId":"BTC-USDT-SWAP","tradeId":"\#(trade)"}]"#)
        // Closed: once more with `pos` 0.
        expect(data["posData"]?.elements?.first, ["pos": "0", "avgPx": "", "tradeId": trade])
        expect(data["balData"]?.elements?.first, ["ccy": "USDT"])
    }

    /// Events are told one by one as they were, though more has happened since.
    @Test func everyEventAsItWas() throws {
        let world = try ready()
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        let before = try #require(world.account("desk")).cash("USDT")
        for _ in 0..<3 { try world.run("desk", ("deposit", #""asset":"USDT","amount":"1""#)) }
        stream.hear()
        let cash = try stream.takeJSON().map { try $0.first?["balData"]?.elements?.first?.number("cashBal") }
        #expect(cash == [try before + decimal("1"), try before + decimal("2"), try before + decimal("3")])
    }

    /// Money that a family member sends.
    @Test func receivedTransfer() throws {
        let world = try ready()
        try world.apply(#"{"type":"open_account","account":"child","venue":"okx","parent":"desk"}"#)
        try world.run("child", ("deposit", #""asset":"ETH","amount":"5""#))
        var (stream, _) = try world.subscribed(#"{"channel":"balance_and_position"}"#)
        try world.run("child", ("transfer", #""asset":"ETH","amount":"2","to":"desk""#))
        stream.hear()
        let data = try #require(try stream.takeJSON().first?.first)
        expect(data, ["eventType": "transferred"])
        expect(data["balData"]?.elements?.first, ["ccy": "ETH", "cashBal": "2"])
    }

    /// What the snapshot already holds is not told again.
    @Test func noEventTwice() throws {
        let world = try ready()
        var stream = try world.loggedIn()
        try world.run("desk", ("deposit", #""asset":"ETH","amount":"5""#))
        let pushes = try stream.subscribe(#"{"channel":"balance_and_position"}"#)
        #expect(pushes.first?.first?["balData"]?.elements?.last?.text("cashBal") == "5")
        stream.hear()
        #expect(stream.takeTexts().isEmpty)
    }
}
