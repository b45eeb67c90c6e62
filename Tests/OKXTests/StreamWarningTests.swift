import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// What `liquidation-warning` pushes: positions that come near their liquidation, once each time.
@Suite struct StreamWarningTests {
    private let channel = #"{"channel":"liquidation-warning","instType":"ANY"}"#

    private func mark(_ price: String, _ world: TestWorld<OKXVenue>) throws {
        try world.prices(marks: #"{"BTC-USDT-SWAP":"\#(price)"}"#)
    }

    @Test func isolatedPosition() throws {
        let world = try streamWorld(#"{"mode":"futures"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"20""#),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000","#
                    + #""margin_mode":"isolated""#
            ))
        var (stream, pushes) = try world.subscribed(channel)
        #expect(pushes.isEmpty)
        // 300 against 27: far. (300 − 220) ÷ (0.0045 × 5780) = 3.0757…: still.
        try mark("57800", world)
        #expect(try stream.pushes(after: 100).isEmpty)
        try mark("57780", world)
        let push = try #require(try stream.pushes(after: 100).first)
        #expect(
            push["arg"]?.description
                == #"{"channel":"liquidation-warning","uid":"\#(StableID.user("desk"))","instType":"ANY"}"#)
        #expect(push["eventType"] == nil)
        let row = try #require(push.first)
        expect(
            row,
            [
                "ccy": "USDT", "instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
                "lever": "20", "markPx": "57780", "mgnMode": "isolated", "mgnRatio": "2.9998846198223145",
                "pos": "10", "posCcy": "", "posSide": "net",
            ])
        #expect(
            row.object?.keys == [
                "cTime", "ccy", "instFamily", "instId", "instType", "lever", "markPx", "mgnMode", "mgnRatio",
                "pTime", "pos", "posCcy", "posId", "posSide", "uTime",
            ])
        // Told once; again after it has been safe.
        try mark("57700", world)
        #expect(try stream.pushes(after: 100).isEmpty)
        try mark("59000", world)
        #expect(try stream.pushes(after: 100).isEmpty)
        try mark("57000", world)
        #expect(try stream.pushes(after: 100).count == 1)
        // A new subscription is told at once.
        #expect(try world.subscribed(channel).pushes.count == 1)
        #expect(
            try world.subscribed(#"{"channel":"liquidation-warning","instType":"FUTURES"}"#).pushes.isEmpty)
    }

    @Test func crossPositionsOfAPool() throws {
        let world = try streamWorld(#"{"mode":"futures"}"#)
        try world.prices(marks: #"{"ETH-USDT-SWAP":"3000","BTC-USDT-SWAP":"60000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000""#),
            ("fill", #""instrument":"ETH-USDT-SWAP","side":"sell","quantity":"1","price":"3000""#))
        var (stream, pushes) = try world.subscribed(channel)
        #expect(pushes.isEmpty)
        try world.run("desk", ("withdraw", #""asset":"USDT","amount":"920","force":true"#))
        let push = try #require(try stream.pushes(after: 50).first)
        #expect(
            push["data"]?.elements?.compactMap { $0.text("instId") } == ["BTC-USDT-SWAP", "ETH-USDT-SWAP"])
    }

    @Test func refusedSubscriptions() throws {
        let world = try streamWorld()
        for argument in [
            #"{"channel":"liquidation-warning"}"#, #"{"channel":"liquidation-warning","instType":"SPOT"}"#,
        ] {
            var stream = try world.loggedIn()
            stream.send(#"{"op":"subscribe","args":[\#(argument)]}"#)
            #expect(try stream.takeJSON().first?["event"]?.text == "error")
        }
    }
}
