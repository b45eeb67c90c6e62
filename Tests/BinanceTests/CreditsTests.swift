import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// EU accounts: everything is settled in credits, and every margin asset backs it.
@Suite("Credits mode")
struct CreditsTests {
    private func world(
        _ commands: String..., settings: String = #"{"credits_mode":true}"#
    ) throws -> BinanceWorld {
        try binanceWorld(
            settings: settings,
            commands: [marks(#""BTCUSDT":"60000","ETHUSDC":"3000""#, index: #""USDC":"1","BTC":"60000""#)]
                + commands)
    }

    private func fill(
        _ symbol: String, _ side: String, _ quantity: String, _ price: String, _ fee: String
    ) -> String {
        desk(
            "fill",
            #""instrument":"\#(symbol)","side":"\#(side)","quantity":"\#(quantity)","#
                + #""price":"\#(price)","fee":"\#(fee)""#
        )
    }

    @Test("profits, fees and margins of every contract are in credits, whatever it is quoted in")
    func settlement() async throws {
        let world = try world(
            deposit("USDC", "1000"), deposit("BTC", "0.01"), fill("BTCUSDT", "buy", "0.02", "59000", "0.5"),
            fill("BTCUSDT", "sell", "0.01", "61000", "0.25"), fill("ETHUSDC", "sell", "0.1", "3000", "0"))
        let body = try world.body()
        expect(
            try body.asset("BNFCR"),
            [
                ("walletBalance", "19.25000000"), ("unrealizedProfit", "10.00000000"),
                ("initialMargin", "45.00000000"), ("marginBalance", "29.25000000"),
            ])
        expect(try body.asset("USDT"), [("walletBalance", "0.00000000"), ("initialMargin", "0.00000000")])
        // 1000 × 0.9999 + 0.01 × 57000 + 19.25
        expect(
            body,
            [
                ("totalWalletBalance", "1589.15000000"), ("totalInitialMargin", "45.00000000"),
                ("totalMarginBalance", "1599.15000000"), ("availableBalance", "1554.15000000"),
            ])
        #expect(body["assets"]?.elements?.first?["asset"]?.text == "BNFCR")
        for path in ["/fapi/v3/positionRisk", "/fapi/v2/positionRisk", "/fapi/v2/account"] {
            let response = await world.signed("GET", path)
            #expect(response.status == 200, "\(path)")
        }
        let risk = await world.signed("GET", "/fapi/v3/positionRisk")
        for row in try #require(risk.json.elements) { #expect(row["marginAsset"]?.text == "BNFCR") }
        // (600 + 0.5 + 0.25 − 20) ÷ 0.01, of an entry at 59000
        expect(
            try risk.json.position("BTCUSDT"), [("entryPrice", "59000"), ("breakEvenPrice", "57075")])
        let config = await world.signed("GET", "/fapi/v1/accountConfig")
        #expect(try config.json["multiAssetsMargin"]?.boolean == true)
    }

    @Test("exchangeInfo shows credits to a key in credits mode alone")
    func exchangeInfo() async throws {
        func marginAssets(_ world: BinanceWorld, headers: [String: String]) async throws -> Set<String> {
            let response = await world.request("GET", "/fapi/v1/exchangeInfo", headers: headers)
            return Set(
                try #require(response.json["symbols"]?.elements).compactMap { $0["marginAsset"]?.text })
        }
        let credits = try world()
        #expect(try await marginAssets(credits, headers: ["X-MBX-APIKEY": deskKey]) == ["BNFCR"])
        #expect(try await marginAssets(credits, headers: [:]) == ["USDT", "USDC"])
        let usual = try world(settings: #"{"multi_assets":true}"#)
        #expect(try await marginAssets(usual, headers: ["X-MBX-APIKEY": deskKey]) == ["USDT", "USDC"])
        #expect(try usual.body()["assets"]?.elements?.contains { $0["asset"]?.text == "BNFCR" } == false)
    }

    @Test("accounts with and without credits trade a symbol side by side")
    func sideBySide() throws {
        let world = try world()
        try world.apply(#"{"type":"open_account","account":"other","venue":"binance"}"#)
        for account in ["desk", "other", "desk", "other"] {
            try world.apply(
                #"{"type":"fill","account":"\#(account)","instrument":"BTCUSDT","side":"buy","#
                    + #""quantity":"0.1","price":"60000","fee":"1"}"#)
        }
        #expect(world.account("desk")?.cash("BNFCR") == (try decimal("-2")))
        #expect(world.account("desk")?.cash("USDT") == .zero)
        #expect(world.account("other")?.cash("USDT") == (try decimal("-2")))
    }

    @Test("credits mode is cross and multi-assets, and stays while there are positions")
    func changes() async throws {
        let world = try world(deposit("USDC", "1000"))
        let isolated = try world.refusal(
            of: importPosition("BTCUSDT", "0.01", "60000", #","margin_mode":"isolated""#))
        #expect(isolated?.message.hasPrefix("Unable to adjust to isolated-margin mode") == true)
        let left = await world.signed("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=false")
        #expect(try left.status == 400 && left.json["code"]?.integer == -1130)
        try world.apply(importPosition("BTCUSDT", "0.01", "60000"))
        let refusal = try world.refusal(of: desk("configure", #""settings":{"credits_mode":false}"#))
        #expect(refusal?.field == "settings.credits_mode")
        try world.apply(fill("BTCUSDT", "sell", "0.01", "60000", "0"))
        #expect(try world.refusal(of: desk("configure", #""settings":{"credits_mode":false}"#)) == nil)
        #expect(try world.body()["assets"]?.elements?.contains { $0["asset"]?.text == "BNFCR" } == false)
    }

    @Test("the audit agrees, and a copy answers the same")
    func readers() async throws {
        let world = try world(
            deposit("USDC", "1000"), deposit("BTC", "0.01"),
            desk("set_leverage", #""instrument":"BTCUSDT","leverage":"3""#),
            fill("BTCUSDT", "buy", "0.007", "59000.1", "0.5"),
            fill("BTCUSDT", "buy", "0.006", "58000.7", "0.5"),
            order("o", "ETHUSDC", "buy", "0.1", "2900"))
        let bodies = try await recordedBodies(world)
        for only in [bodies, bodies.filter { $0.call == "account" }] {
            let statement = try #require(try world.model.statements(from: only, account: "desk").first)
            #expect(statement.mode == "multi-assets" && statement.drift.isEmpty)
            let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
            #expect(!findings.contains { $0.verdict == .contradicts }, "\(findings)")
        }
        let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
        let copy = BinanceWorld(
            try BinanceVenue(addedRulebooks: [], profile: .documented), time: world.realTime())
        for command in world.model.rehosted(statement, as: "copy").commands { try copy.apply(command) }
        let one = leaves(of: try world.body())
        let other = leaves(of: try JSONValue(parsing: copy.statement("copy")))
        for (path, value) in one where !path.hasSuffix("updateTime") {
            #expect(other[path] == value, "\(path)")
        }
    }
}
