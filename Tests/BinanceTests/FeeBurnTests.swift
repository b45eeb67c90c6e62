import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// Fees paid in BNB (Binance USDⓈ-M Futures API documentation, Toggle BNB Burn On Futures Trade).
@Suite("Fees in BNB")
struct FeeBurnTests {
    private static let path = "/fapi/v1/feeBurn"
    private static let on = desk("configure", #""settings":{"fee_burn":true}"#)
    private static let buy = "side=BUY&type=MARKET&quantity=0.010&newOrderRespType=RESULT"

    private func world(bnb: String?, _ commands: String...) throws -> BinanceWorld {
        let world = try tradingWorld(marks("", index: #""BNB":"600""#), bitcoinQuote("59999.90", "60000.00"))
        if let bnb { try world.apply(deposit("BNB", bnb)) }
        for command in commands { try world.apply(command) }
        return world
    }

    private func trade(_ world: BinanceWorld) async throws -> JSONValue {
        _ = try await world.order("POST", Self.buy)
        let trades = try await world.order("GET", "", path: "/fapi/v1/userTrades")
        return try #require(trades.elements?.last)
    }

    @Test("a tenth less, in BNB at its index; the margin asset stays as it is")
    func vector() async throws {
        let world = try world(bnb: "0.00045", Self.on)
        #expect(members(try await trade(world), "commission commissionAsset") == ["0.00045000", "BNB"])
        let desk = try #require(world.account("desk"))
        #expect(desk.holding("USDT")?.cash == (try decimal("10000")))
        #expect(desk.holding("BNB")?.cash.isZero == true)
        #expect(desk.positions.first?.fees.isZero == true)
        let income = try await world.order("GET", "incomeType=COMMISSION", path: "/fapi/v1/income")
        #expect(members(income.elements?.last ?? .null, "asset income") == ["BNB", "-0.00045000"])
    }

    @Test(
        "in the margin asset where BNB is short, the setting off, or the fee a rebate",
        arguments: [
            ("0.00044999", on, "0.30000000"), (nil, on, "0.30000000"),
            ("1", desk("configure", #""settings":{"fee_burn":false}"#), "0.30000000"),
            ("1", desk("raise", #""flag":"feeBurn","value":false"#), "0.30000000"),
        ])
    func withoutBNB(bnb: String?, setting: String, commission: String) async throws {
        let world = try world(bnb: bnb, setting)
        #expect(members(try await trade(world), "commission commissionAsset") == [commission, "USDT"])
        #expect(world.account("desk")?.holding("BNB")?.cash == (try bnb.map(decimal)))
    }

    @Test("a rebate is paid in the margin asset")
    func rebate() async throws {
        let rate = #""settings":{"fee_burn":true,"fees":{"derivative":{"taker":"0","maker":"-0.0001"}}}"#
        let world = try world(bnb: "1", desk("configure", rate))
        _ = try await world.order("POST", "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=59000")
        try world.apply(bitcoinQuote("58000.00", "58000.10"))
        let trades = try await world.order("GET", "", path: "/fapi/v1/userTrades")
        #expect(
            members(trades.elements?.last ?? .null, "commission commissionAsset") == ["-0.05900000", "USDT"])
    }

    @Test("the client's own switch is the setting")
    func toggle() async throws {
        let world = try world(bnb: nil)
        func shown() async throws -> [Bool?] {
            [
                try await world.signed("GET", Self.path, "").json["feeBurn"]?.boolean,
                try await world.signed("GET", "/fapi/v2/account", "").json["feeBurn"]?.boolean,
                world.account("desk")?.settings.flag("fee_burn"),
            ]
        }
        #expect(try await shown() == [false, false, false])
        for (value, wanted) in [("true", true), ("true", true), ("false", false)] {
            let answer = try await world.signed("POST", Self.path, "feeBurn=\(value)").json
            #expect(answer.description == #"{"code":200,"msg":"success"}"#)
            #expect(try await shown() == [wanted, wanted, wanted])
        }
        for (wrong, code) in [("", -1102), ("feeBurn=", -1102), ("feeBurn=yes", -1130)] {
            let answer = try await world.signed("POST", Self.path, wrong).json
            #expect(answer["code"]?.integer == Int64(code), "\(wrong): \(answer)")
        }
        #expect(try await shown() == [false, false, false])
    }
}
