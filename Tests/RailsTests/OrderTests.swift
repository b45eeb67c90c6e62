import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// Rows of orders, fills and fundings as published, and margin modes.
@Suite("Orders")
struct OrderTests {
    private static let money = desk("deposit", #""asset":"USD","amount":"1000000""#)

    private func post(
        _ world: RailsWorld, _ body: String, key: (String, String) = ("desk-key", "desk-secret")
    ) async throws -> VenueResponse {
        await world.request(
            "POST", "/api/v1/update-margin-mode",
            headers: ["Authorization": "Bearer \(try await world.token(key.0, key.1))"], body: body)
    }

    // MARK: - Open orders

    /// `quantity` is what is left.
    @Test func row() async throws {
        let world = try railsWorld(commands: [
            Self.money, order("o1", "ETH-USD", "buy", "1", "2500.5"),
            desk(
                "fill",
                #""instrument":"ETH-USD","side":"buy","quantity":"0.4","price":"2500.5","fee":"0.20004","#
                    + #""order_id":"o1""#),
        ])
        let id = OrderIdentifier.order(
            account: "desk", order: "o1", placedAt: try #require(world.account("desk")).orders[0].placedAt)
        let row =
            #"{"market":"ETH-USD","orderId":"\#(id)","orderType":"buy","tradeType":"limit","#
            + #""price":"2500.5","quantity":"0.6","filledQuantity":"0.4","leverage":"1","#
            + #""createdAt":1780272000000,"updatedAt":1780272000000,"orderStatus":"active","#
            + #""clientRequestId":"o1","postOnly":false,"avgFillPrice":"2500.5"}"#
        #expect(try await world.read("/api/v1/open-orders").text == #"{"openOrders":[\#(row)]}"#)
        #expect(try await world.read("/api/v1/open-orders/o1").text == row)
        for query in ["order-id=\(id)", "client-request-id=o1"] {
            let answer = try await world.read("/api/v1/open-order?market=ETH-USD&\(query)")
            #expect(answer.text == #"{"openOrder":\#(row)}"#)
        }
        let eth = try world.balances().market("ETH-USD")
        #expect(eth["openBuyQty"]?.text == "0.6")
        #expect(eth["openBuy"]?.text == "1500.3")
    }

    @Test(arguments: [
        ("open-order", 400), ("open-order?market=ETH-USD", 400), ("open-order?order-id=o1", 400),
        ("open-order?market=ETH-USD&order-id=o1", 404),
        ("open-order?market=BTC-USD&client-request-id=o1", 404),
        ("open-order?market=LUNA-USD&client-request-id=o1", 400), ("open-orders/none", 404),
        ("open-orders?start=none", 400), ("open-orders?market=LUNA-USD", 400),
        ("completed-orders?start=none", 400), ("completed-orders?startDate=today", 400),
        ("fundings?market=LUNA-USD", 400),
    ])
    func refusals(target: String, status: Int) async throws {
        let world = try railsWorld(commands: [Self.money, order("o1", "ETH-USD", "buy", "1", "2500.5")])
        let answer = try await world.read("/api/v1/\(target)")
        #expect(answer.status == status, "\(answer.text)")
        #expect(try answer.json["message"]?.text?.isEmpty == false)
    }

    @Test func pages() async throws {
        let world = try railsWorld(commands: [Self.money])
        #expect(try await world.read("/api/v1/open-orders").text == #"{"openOrders":[]}"#)
        try world.apply(order("e1", "ETH-USD", "sell", "1", "3500", #""reduce_only":true"#))
        for number in 1...101 { try world.apply(order("o\(number)", "BTC-USD", "buy", "0.01", "50000")) }
        func names(_ page: JSONValue) -> [String?] {
            page["openOrders"]?.elements?.map { $0["clientRequestId"]?.text } ?? []
        }
        let first = try await world.read("/api/v1/open-orders").json
        #expect(names(first) == (2...101).reversed().map { "o\($0)" })
        let last = try #require(first["last"]?.text)
        #expect(last.hasPrefix("BTC-USD#"))
        let start = last.replacing("#", with: "%23")
        let second = try await world.read("/api/v1/open-orders?start=\(start)").json
        #expect(names(second) == ["o1", "e1"])
        #expect(second["last"] == nil)
        #expect(second["openOrders"]?.elements?.last?["reduceOnly"]?.boolean == true)
        let one = try await world.read("/api/v1/open-orders?market=ETH-USD").json
        #expect(names(one) == ["e1"])
    }

    // MARK: - Fills and fundings

    @Test func fills() async throws {
        let world = try railsWorld(commands: [
            Self.money, order("o1", "BTC-USD", "buy", "0.5", "60000"),
            desk(
                "fill",
                #""instrument":"BTC-USD","side":"buy","quantity":"0.2","price":"60000","fee":"6","#
                    + #""order_id":"o1""#),
            desk(
                "fill",
                #""instrument":"BTC-USD","side":"buy","quantity":"0.3","price":"60000","fee":"9","#
                    + #""order_id":"o1""#),
            fill("BTC-USD", "sell", "0.1", "61000", fee: "3.05"),
        ])
        let body = try await world.read("/api/v1/completed-orders").json
        let rows = try #require(body["completedOrders"]?.elements)
        #expect(rows.map { $0["quantity"]?.text } == ["0.1", "0.3", "0.2"])
        #expect(rows.map { $0["fillType"]?.text } == ["complete", "complete", "partial"])
        #expect(rows.map { $0["executionType"]?.text } == ["taker", "maker", "maker"])
        #expect(rows.map { $0["tradeType"]?.text } == ["market", "limit", "limit"])
        #expect(rows.map { $0["fees"]?.text } == ["3.05", "9", "6"])
        #expect(rows[1]["orderId"] == rows[2]["orderId"] && rows[0]["orderId"] != rows[1]["orderId"])
        #expect(Set(rows.compactMap { $0["matchId"]?.text }).count == 3)
        #expect(body["last"] == nil)
        let early = try await world.read("/api/v1/completed-orders?endDate=1").json
        #expect(early["completedOrders"]?.elements?.isEmpty == true)
        let since = try await world.read("/api/v1/completed-orders?startDate=1780272000000").json
        #expect(since["completedOrders"]?.elements?.count == 3)
    }

    @Test func pagesOfFills() async throws {
        let world = try railsWorld(commands: [Self.money])
        for number in 1...230 { try world.apply(fill("BTC-USD", "buy", "0.001", "\(50000 + number)")) }
        var prices: [String] = []
        var start = ""
        for _ in 1...4 {
            let page = try await world.read("/api/v1/completed-orders\(start)").json
            prices += page["completedOrders"]?.elements?.compactMap { $0["price"]?.text } ?? []
            guard let last = page["last"]?.text else { break }
            start = "?start=" + last.replacing("#", with: "%23").replacing("@", with: "%40")
        }
        #expect(prices == (1...230).reversed().map { "\(50000 + $0)" })
    }

    @Test func fundings() async throws {
        let world = try railsWorld(commands: [
            Self.money, fill("ETH-USD", "sell", "1", "3800"), mark("ETH-USD", "3799.73421126312"),
            desk("funding", #""instrument":"ETH-USD","rate":"-0.0004""#),
            desk("funding", #""instrument":"ETH-USD","amount":"3.79973421126312""#),
        ])
        let rows = try #require(
            try await world.read("/api/v1/fundings?market=ETH-USD").json["fundings"]?.elements)
        #expect(
            rows.map(\.description) == [
                #"{"dataType":"FUNDING","market":"ETH-USD","value":"3.79973421","rate":"0.1","#
                    + #""indexPrice":"3799.73421126312","positionSize":"-1","txCreated":1780272000000}"#,
                #"{"dataType":"FUNDING","market":"ETH-USD","value":"-1.51989368","rate":"-0.04","#
                    + #""indexPrice":"3799.73421126312","positionSize":"-1","txCreated":1780272000000}"#,
            ])
        let others = try await world.read("/api/v1/fundings?market=BTC-USD").json
        #expect(others["fundings"]?.elements?.isEmpty == true)
    }

    // MARK: - Margin modes

    @Test func marginMode() async throws {
        let world = try railsWorld(.live, commands: [Self.money])
        world.addKey(
            account: "desk", apiKey: "trader", secret: "trader-secret", permissions: [.read, .trade])
        let trader = ("trader", "trader-secret")
        let isolated = #"{"market":"BTC-USD","marginMode":"I"}"#
        #expect(try await post(world, isolated).status == 403)
        for body in [
            "", "[]", #"{"market":"LUNA-USD","marginMode":"I"}"#, #"{"market":"BTC-USD"}"#,
            #"{"market":"BTC-USD","marginMode":"isolated"}"#,
        ] {
            #expect(try await post(world, body, key: trader).status == 400)
        }
        let answer = try await post(world, isolated, key: trader)
        #expect(answer.text == #"{"message":"margin mode updated successfully"}"#)
        try world.apply(
            desk("set_leverage", #""instrument":"BTC-USD","leverage":"3""#),
            fill("BTC-USD", "buy", "0.1", "60000"))
        let refusal = try await post(world, #"{"market":"BTC-USD","marginMode":"C"}"#, key: trader)
        #expect(refusal.status == 400)
        #expect(
            refusal.text == #"{"message":"cannot change margin mode with open positions or orders"}"#)
        #expect(
            try world.refusal(
                of: desk(
                    "fill",
                    #""instrument":"BTC-USD","side":"buy","quantity":"1","price":"1","margin_mode":"cross""#)
            )?.code == .notAllowed)
    }

    /// 0.1 BTC at 60000 with leverage 3 holds 2000; with 3000 at 59000, equity 2900 against 590.
    @Test func isolatedPosition() async throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("deposit", #""asset":"USD","amount":"10000""#),
                desk("set_margin_mode", #""instrument":"BTC-USD","margin_mode":"isolated""#),
                desk("set_leverage", #""instrument":"BTC-USD","leverage":"3""#),
                fill("BTC-USD", "buy", "0.1", "60000"),
            ])
        #expect(try world.balances().market("BTC-USD")["margin"]?.text == "2000")
        try world.apply(
            desk("adjust_isolated_margin", #""instrument":"BTC-USD","amount":"1000""#),
            mark("BTC-USD", "59000"))
        let body = try world.balances()
        let row = try body.market("BTC-USD")
        #expect(row["margin"]?.text == "3000")
        #expect(row["maintenanceMargin"]?.text == "590")
        // (6000 − 3000) ÷ (0.1 − 0.01).
        #expect(row["liquidationPrice"]?.text == "33333.333333333333333333")
        #expect(body["totalBalance"]?.text == "10000")
        #expect(body["maintenanceMargin"]?.text == "0")
        #expect(body["margin"]?.text == "3000")
        #expect(body["availableBalance"]?.text == "7000")
        let position = try #require(
            try await world.read("/api/v1/positions").json["positions"]?.elements?.first)
        #expect(position["marginMode"]?.text == "I")
        #expect(position["margin"]?.text == "3000")
        let health = try world.model.health(of: try #require(world.snapshot(of: "desk")))
        #expect(
            health
                == MarginHealth(equity: ExactDecimal(2900), maintenance: ExactDecimal(590), unit: "USD"))
    }

    // MARK: - The published bodies

    private func statement(_ bodies: RecordedBody...) throws -> Statement {
        try #require(try reader().statements(from: bodies, account: "main").first)
    }

    private func findings(_ statement: Statement) throws -> [String: AuditFinding] {
        let found = try reader().audit(statement, rulesAt: LedgerTime(milliseconds: 1_780_272_000_000))
        return Dictionary(found.map { ($0.field, $0) }) { first, _ in first }
    }

    @Test func publishedOrders() throws {
        let statement = try statement(
            recorded("balances", Samples.balancesWithOrders), recorded("open-orders", Samples.openOrders))
        #expect(statement.drift.isEmpty)
        let found = try findings(statement)
        for field in [
            "BTC-USD.openBuy", "BTC-USD.openBuyQty", "BTC-USD.openSell", "ETH-USD.openSell",
            "ETH-USD.openSellQty", "ETH-USD.openBuyQty", "BTC-USD.margin", "ETH-USD.margin",
            "BTC-USD.maintenanceMargin",
        ] {
            #expect(found["marketBalancesMap.\(field)"]?.verdict == .matches, "\(field)")
        }
        #expect(found["marketBalancesMap.BTC-USD.openBuyQty"]?.expected == "0.5")
        #expect(found["marketBalancesMap.ETH-USD.openSellQty"]?.expected == "1")
        #expect(found["margin"]?.verdict == .matches)
        #expect(!found.values.contains { $0.verdict == .contradicts })
    }

    /// An order row of the oldest form, without its average price; what is not known is drift.
    @Test func orderDrift() throws {
        func drift(_ old: String, _ new: String) throws -> [FieldDrift] {
            try statement(
                recorded("balances", Samples.balancesWithOrders),
                recorded("open-orders", Samples.openOrders.replacing(old, with: new))
            ).drift
        }
        #expect(try drift(#","avgFillPrice":"65000""#, "").isEmpty)
        #expect(try drift(#""postOnly":false"#, #""postOnly":false,"reduceOnly":false"#).isEmpty)
        #expect(try drift(#""quantity":"0.5""#, #""quantity":0.5"#).map(\.kind) == [.retyped])
        #expect(try drift(#""orderStatus":"active","#, "").map(\.kind) == [.lost])
        #expect(try drift(#""postOnly":false"#, #""postOnly":false,"hidden":true"#).map(\.kind) == [.new])
    }

    @Test(arguments: ["filledAt", "txCreated"])
    func publishedFills(time: String) throws {
        let statement = try statement(
            recorded("balances", Samples.balancesWithOrders),
            recorded("completed-orders", Samples.fills(time: time)),
            recorded("fundings", Samples.fundings))
        #expect(statement.drift.isEmpty)
        let found = try findings(statement)
        for place in 0...2 {
            let fee = found["completed-orders completedOrders[\(place)].fees"]
            #expect(fee?.verdict == .matches)
            #expect(fee?.inputs.last?.value == "0.001")
        }
        let printed = found["completed-orders completedOrders[3].fees"]
        #expect(printed?.verdict == .notDerivable)
        #expect(printed?.expected == "9.4988256")
        #expect(found["fundings fundings[0].value"]?.verdict == .matches)
        let wrong = try findings(
            self.statement(
                recorded("balances", Samples.balancesWithOrders),
                recorded("fundings", Samples.fundings.replacing("-1.51989368", with: "1.51989368"))))
        #expect(wrong["fundings fundings[0].value"]?.verdict == .contradicts)
    }
}
