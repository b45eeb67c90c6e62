import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// The taker fee that an open order of contracts holds beside its margin.
@Suite("OKX fees of open orders")
struct OrderFeeTests {
    /// BTC at 50000, leverage 10, and a place_order of one contract.
    private func ready(
        _ settings: String, _ deposits: (asset: String, amount: String)...
    ) throws -> TestWorld<OKXVenue> {
        let world = try world()
        try world.open("desk", settings)
        try world.prices(
            marks: #"{"BTC-USD-SWAP":"50000","BTC-USDT-SWAP":"50000"}"#,
            index: #"{"BTC":"50000","USDT":"1"}"#)
        for deposit in deposits {
            try world.run(
                "desk", ("deposit", #""asset":"\#(deposit.asset)","amount":"\#(deposit.amount)""#))
        }
        for name in ["BTC-USD-SWAP", "BTC-USDT-SWAP"] {
            for mode in ["cross", "isolated"] {
                try world.run(
                    "desk",
                    ("set_leverage", #""instrument":"\#(name)","leverage":"10","margin_mode":"\#(mode)""#))
            }
        }
        return world
    }

    private func place(_ world: TestWorld<OKXVenue>, _ members: String) throws {
        try world.run("desk", ("place_order", #""order_id":"one","side":"buy","price":"50000",\#(members)"#))
    }

    @Test("the recorded order: margin is in ordFrozen, margin and fee are in frozenBal")
    func recorded() throws {
        let world = try ready(#"{"mode":"futures"}"#, ("BTC", "0.0121475"))
        // As many contracts as the recorded margin of 0.0017447828014949 BTC takes at this price.
        try place(
            world, #""instrument":"BTC-USD-SWAP","margin_mode":"isolated","quantity":"8.7239140074745""#)
        expect(
            try world.balance("desk").detail("BTC"),
            [
                "ordFrozen": "0.0017447828014949", "frozenBal": "0.0017535067155024",
                "availEq": "0.0103939932844976", "eq": "0.0121475",
            ])
        #expect(try world.explanations("desk").contains { $0.path == "orders.one.fee" })
    }

    @Test("nothing is held of what only reduces, and the account's own rate decides")
    func rates() throws {
        let order = #""instrument":"BTC-USDT-SWAP","quantity":"10""#
        for (settings, members, frozen, used) in [
            (#"{"mode":"futures"}"#, "", "500", "502.5"),
            (#"{"mode":"futures"}"#, #","reduce_only":true"#, "0", "0"),
            (
                #"{"mode":"futures","fees":{"derivative":{"maker":"0","taker":"0.001"}}}"#, "", "500", "505"
            ),
            (#"{"mode":"multi"}"#, #","margin_mode":"isolated""#, "500", "502.5"),
            (#"{"mode":"multi"}"#, "", "0", "0"),
        ] {
            let world = try ready(settings, ("USDT", "10000"))
            try place(world, order + members)
            let row = try world.balance("desk").detail("USDT")
            #expect(row?.text("ordFrozen") == frozen, "\(settings) \(members)")
            #expect(row?.text("frozenBal") == used, "\(settings) \(members)")
        }
    }

    @Test("with shared collateral the fee leaves what orders may use")
    func sharedCollateral() throws {
        for mode in ["multi", "portfolio"] {
            let world = try ready(#"{"mode":"\#(mode)"}"#, ("USDT", "10000"))
            let before = try world.balance("desk").number("adjEq")
            try place(world, #""instrument":"BTC-USDT-SWAP","quantity":"10""#)
            let balance = try world.balance("desk")
            #expect(try before - balance.number("adjEq") == decimal("2.5"), "\(mode)")
            expect(balance, ["ordFroz": "500"])
        }
    }

    @Test("an order of the largest size is accepted, one lot more is not")
    func largestSize() async throws {
        for mode in ["futures", "multi"] {
            let world = try ready(#"{"mode":"\#(mode)"}"#, ("USDT", "10000"))
            world.addKey(
                account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase",
                permissions: [.read, .trade])
            let size = try #require(
                try await world.data("GET", "/api/v5/account/max-size?instId=BTC-USDT-SWAP&tdMode=cross")
                    .first?.text("maxBuy"))
            // 10000 ÷ (500 × (1 ÷ 10 + 0.0005)), in lots of 0.01.
            #expect(size == "199")
            for (more, code) in [("0.01", "51008"), ("0", "0")] {
                let asked = try ExactDecimal(size) + ExactDecimal(more)
                let body =
                    #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","px":"50000","#
                    + #""sz":"\#(asked)"}"#
                let answer = try await world.signed("POST", "/api/v5/trade/order", body: body).json
                #expect(answer["data"]?.elements?.first?.text("sCode") == code, "\(mode) \(asked)")
            }
        }
    }
}
