import JSON
import Ledger
import Numbers
import Rails
import Testing
import Venue
import VenueTestSupport

@Suite("Bodies")
struct BodyTests {
    private static let accountKeys = [
        "totalBalance", "availableBalance", "deposit", "withdraw", "withdrawFees", "fees", "pnl", "funding",
        "volume",
        "margin", "maintenanceMargin", "leverage", "promoCredit", "marketBalancesMap",
    ]
    private static let marketKeys = [
        "position", "positionQuantity", "liquidationPrice", "openBuy", "openBuyQty", "openSell",
        "openSellQty", "pnl",
        "positionPnl", "funding", "positionFunding", "volume", "fees", "liquidationFees", "margin",
        "maintenanceMargin",
    ]

    @Test func emptyAccount() throws {
        let zeros =
            #"{"totalBalance":"0","availableBalance":"0","deposit":"0","withdraw":"0","#
            + #""withdrawFees":"0","fees":"0","#
            + #""pnl":"0","funding":"0","volume":"0","margin":"0","maintenanceMargin":"0","leverage":"1","#
            + #""promoCredit":"0","marketBalancesMap":{}}"#
        #expect(try railsWorld().statement("desk") == zeros)
        #expect(try railsWorld(.live).statement("desk") == #"{"balances":\#(zeros)}"#)
    }

    /// The body whole, worked out by hand from the given formulas.
    @Test func wholeBody() async throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100000""#),
            desk("withdraw", #""asset":"USD","amount":"879.12","fee":"8.88""#),
            desk("configure", #""settings":{"leverage":"2"}"#),
            fill("BTC-USD", "buy", "0.5", "60000", fee: "30.123456789"),
            fill("BTC-USD", "sell", "0.2", "61000.5", fee: "12.2001"),
            fill("ETH-USD", "sell", "3", "3000", fee: "9"),
            desk("funding", #""instrument":"BTC-USD","amount":"-1.234567890123""#),
            order("b1", "BTC-USD", "buy", "0.1", "58000"),
            order("e1", "ETH-USD", "buy", "1", "2900"),
            order("x1", "XRP-USD", "sell", "100", "2.5"),
            mark("BTC-USD", "62000"), mark("ETH-USD", "3100"),
        ])
        // Fees are cut per fill: 30.12345678 + 12.2001 + 9 = 51.32355678. PnL 0.2 × 1000.5 = 200.1.
        // Total 100000 − 879.12 − 8.88 − 51.32355678 + 200.1 − 1.234567890123 = 99259.541875329877.
        // Sizes 18000 + 9000 = 27000; maintenance 810; orders 5800 + 2900 + 250 = 8950.
        // Liquidation: BTC unrealized 18600 − 18000 = 600, ETH −9300 + 9000 = −300; all maintenance at cost.
        // BTC (18000 + 810 − (99259.541875329877 − 300)) ÷ 0.3 is below zero: none.
        // ETH (−9000 + 810 − (99259.541875329877 + 600)) ÷ −3 = 36016.513958443292333….
        let expected =
            #"{"totalBalance":"99259.54187532","availableBalance":"98449.54187532","deposit":"100000","#
            + #""withdraw":"879.12","withdrawFees":"8.88","fees":"51.32355678","pnl":"200.1","#
            + #""funding":"-1.23456789","#
            + #""volume":"51200.1","margin":"17975","maintenanceMargin":"810","leverage":"2","#
            + #""promoCredit":"0","#
            + #""marketBalancesMap":{"BTC-USD":{"position":"18000","positionQuantity":"0.3","#
            + #""liquidationPrice":"0","#
            + #""openBuy":"5800","openBuyQty":"0.1","openSell":"0","openSellQty":"0","pnl":"200.1","#
            + #""positionPnl":"200.1","funding":"-1.234567890123","positionFunding":"-1.234567890123","#
            + #""volume":"42200.1","fees":"42.32355678","liquidationFees":"0","margin":"11900","#
            + #""maintenanceMargin":"540"},"ETH-USD":{"position":"9000","positionQuantity":"3","#
            + #""liquidationPrice":"36016.513958443292333333","openBuy":"2900","openBuyQty":"1","#
            + #""openSell":"0","#
            + #""openSellQty":"0","pnl":"0","positionPnl":"0","funding":"0","positionFunding":"0","#
            + #""volume":"9000","#
            + #""fees":"9","liquidationFees":"0","margin":"5950","maintenanceMargin":"270"},"#
            + #""XRP-USD":{"position":"0","positionQuantity":"0","liquidationPrice":"0","openBuy":"0","#
            + #""openBuyQty":"0","#
            + #""openSell":"250","openSellQty":"100","pnl":"0","positionPnl":"0","funding":"0","#
            + #""positionFunding":"0","#
            + #""volume":"0","fees":"0","liquidationFees":"0","margin":"125","maintenanceMargin":"0"}}}"#
        #expect(try world.statement("desk") == expected)
        #expect(try await world.read("/api/v1/balances").text == expected)
        #expect(try await world.read("/api/v1/balances?market=").text == expected)
    }

    @Test(arguments: WireProfile.allCases)
    func keysAndTypes(profile: WireProfile) throws {
        let world = try railsWorld(
            profile,
            commands: [
                desk("deposit", #""asset":"USD","amount":"1000""#),
                fill("BTC-USD", "buy", "0.001", "60000", fee: "0.06"),
            ])
        let body = try JSONValue(parsing: world.statement("desk"))
        #expect(body.object?.keys == (profile == .live ? ["balances"] : Self.accountKeys))
        let account = try world.balances()
        #expect(account.object?.keys == Self.accountKeys)
        let row = try account.market("BTC-USD")
        #expect(row.object?.keys == Self.marketKeys)
        for member in (account.object?.members ?? []) + (row.object?.members ?? [])
        where member.key != "marketBalancesMap" {
            #expect(member.value.text != nil, "\(member.key) is no text")
        }
    }

    @Test func wrapperIsASwitch() throws {
        let change = try JSONValue(
            parsing:
                #"{"venue":"rails","effective":"2025-01-01T00:00:00Z","read_on":"2025-01-01","source":"own","#
                + #""amends":true,"wire":{"live_wrapped":false}}"#)
        let world = RailsWorld(try RailsVenue(addedRulebooks: [change], profile: .live))
        try world.apply(#"{"type":"open_account","account":"desk","venue":"rails"}"#)
        #expect(try world.statement("desk").hasPrefix(#"{"totalBalance""#))
    }

    /// `market` narrows the map; the account's figures stay account-wide.
    @Test(arguments: WireProfile.allCases)
    func filter(profile: WireProfile) async throws {
        let world = try railsWorld(
            profile,
            commands: [
                desk("deposit", #""asset":"USD","amount":"100000""#),
                fill("ETH-USD", "buy", "1", "3000", fee: "1"),
                fill("BTC-USD", "sell", "0.1", "60000", fee: "2"),
            ])
        let all = try world.balances()
        #expect(all["marketBalancesMap"]?.object?.keys == ["ETH-USD", "BTC-USD"])
        let one = try world.balances([QueryItem(name: "market", value: "BTC-USD")])
        #expect(one["marketBalancesMap"]?.object?.keys == ["BTC-USD"])
        #expect(try one.market("BTC-USD") == (try all.market("BTC-USD")))
        for key in Self.accountKeys.dropLast() { #expect(one[key] == all[key]) }
        let never = try world.balances([QueryItem(name: "market", value: "DOGE-USD")])
        #expect(never["marketBalancesMap"]?.object?.keys == [])
        let positions = try await world.read("/api/v1/positions?market=ETH-USD").json
        #expect(positions["positions"]?.elements?.map { $0["market"]?.text } == ["ETH-USD"])
    }

    @Test func positions() async throws {
        let commands = [
            desk("deposit", #""asset":"USD","amount":"100000""#), fill("ETH-USD", "sell", "4", "3000"),
            fill("ETH-USD", "buy", "1", "2900"), fill("BTC-USD", "buy", "0.1", "60000"),
            desk("funding", #""instrument":"ETH-USD","amount":"1.5""#), mark("ETH-USD", "2950.5"),
            mark("BTC-USD", "59000"),
        ]
        // ETH: short 3 at 3000, worth 9000 at cost, realised 100, unrealized 3 × 49.5 = 148.5.
        // Total 100101.5; maintenance (9000 + 6000) × 3 % = 450; BTC stands at −100.
        // ETH's price (−9000 + 450 − 100001.5) ÷ −3 = 36183.8333….
        let body = try await railsWorld(commands: commands).read("/api/v1/positions").text
        #expect(
            body
                == #"{"positions":[{"market":"ETH-USD","value":"9000","quantity":"3","funding":"1.5","#
                + #""realizedPnl":"100","unrealizedPnl":"148.5","#
                + #""liquidationPrice":"36183.833333333333333333","#
                + #""type":"SHORT"},{"market":"BTC-USD","value":"6000","quantity":"0.1","funding":"0","#
                + #""realizedPnl":"0","unrealizedPnl":"-100","liquidationPrice":"0","type":"LONG"}]}"#)
        let live = try await railsWorld(.live, commands: commands).read("/api/v1/positions?market=ETH-USD")
            .json
        let row = try #require(live["positions"]?.elements?.first)
        #expect(row["value"]?.text == "-9000")
        #expect(row["quantity"]?.text == "-3")
        #expect(row["type"]?.text == "SHORT")
    }

    @Test func markets() async throws {
        let response = await (try railsWorld()).request("GET", "/api/v1/markets")
        #expect(response.status == 200)
        let names = try response.json["markets"]?.elements?.compactMap { $0["market"]?.text }
        #expect(names == ["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "DOGE-USD"])
    }

    /// Index prices, those given and those of the rulebook, open to everybody.
    @Test func marketData() async throws {
        let world = try railsWorld(commands: [mark("BTC-USD", "61234.5")])
        let two = await world.request("GET", "/api/v1/market-data?markets=ETH-USD,BTC-USD")
        #expect(
            two.text.hasPrefix(
                #"[{"market":"ETH-USD","type":"INDEX","index":"RAILS","value":"3000","#
                    + #""updatedAt":1704067200000},{"market":"BTC-USD","type":"INDEX","index":"RAILS","#
                    + #""value":"61234.5","updatedAt":1780272000000},"#))
        let all = await world.request("GET", "/api/v1/market-data")
        #expect(try all.json.elements?.filter { $0["type"]?.text == "INDEX" }.count == 5)
        let unknown = await world.request("GET", "/api/v1/market-data?markets=BTC-USD,LUNA-USD")
        #expect(unknown.status == 400)
        #expect(unknown.text == #"{"message":"Unknown market: LUNA-USD"}"#)
    }
}
