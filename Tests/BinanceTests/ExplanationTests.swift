import Binance
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

/// Every served figure has an explanation, and the explanation leads to the very digits that are served.
@Suite("Explanations")
struct ExplanationTests {
    /// Every figure of an object with its path, in the body's order; names of rows are none.
    private func served(_ object: JSONValue, under prefix: String = "") -> [(path: String, value: String)] {
        let names: Set<String> = ["asset", "symbol", "positionSide", "marginAsset"]
        return (object.object?.members ?? []).flatMap { member -> [(path: String, value: String)] in
            if names.contains(member.key) { return [] }
            let path = prefix + member.key
            let value = member.value
            if let text = value.text ?? value.numberText ?? value.boolean?.description {
                return [(path, text)]
            }
            return (value.elements ?? []).flatMap { row in
                served(row, under: "\(path).\(row["asset"]?.text ?? Self.name(of: row)).")
            }
        }
    }

    private static func name(of row: JSONValue) -> String {
        "\(row["symbol"]?.text ?? "").\(row["positionSide"]?.text ?? "")"
    }

    private func explanations(_ world: BinanceWorld) throws -> [Explanation] {
        try world.model.explain(try #require(world.snapshot(of: "desk")), through: world)
    }

    private func health(_ world: BinanceWorld) throws -> MarginHealth? {
        try world.model.health(of: try #require(world.snapshot(of: "desk")))
    }

    /// What must hold of any account: completeness, order, inputs that are explained, the same definition.
    private func check(_ world: BinanceWorld, _ comment: Comment) async throws {
        let explanations = try explanations(world)
        let byPath = Dictionary(grouping: explanations, by: \.path)
        for (path, entries) in byPath { #expect(entries.count == 1, "\(path), \(comment)") }
        let served = served(try world.body())
        let paths = Set(served.map(\.path))
        #expect(explanations.map(\.path).filter(paths.contains) == served.map(\.path), comment)
        for (path, value) in served { #expect(byPath[path]?.first?.value == value, "\(path), \(comment)") }
        for row in try await world.signed("GET", "/fapi/v3/positionRisk").json.elements ?? [] {
            for field in ["entryPrice", "breakEvenPrice", "liquidationPrice"] {
                let path = "positionRisk.\(Self.name(of: row)).\(field)"
                #expect(byPath[path]?.first?.value == row[field]?.text, "\(path), \(comment)")
            }
        }
        for explanation in explanations {
            #expect(!explanation.formula.isEmpty && !explanation.source.isEmpty, comment)
            for input in explanation.inputs {
                #expect((input.origin == .figure) == (input.path != nil), comment)
                guard let path = input.path else { continue }
                #expect(byPath[path]?.first?.value == input.value, "\(explanation.path), \(path), \(comment)")
            }
            if explanation.field == "marginAvailable" {
                #expect(explanation.inputs.map(\.value) == [explanation.value], comment)
            }
        }
    }

    @Test("generated accounts of both asset modes and both position modes", arguments: 1...60)
    func everyServedFigure(seed: Int) async throws {
        try await check(try GeneratedAccount(seed: UInt64(seed)).world, "seed \(seed)")
    }

    @Test("wallets that the venue has exchanged: what was exchanged is one of their flows")
    func exchangedWallets() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                deposit("BTC", "1"), deposit("ETH", "5.5"),
                desk("withdraw", #""asset":"USDT","amount":"7000.25","force":true"#), desk("auto_exchange"),
            ])
        try await check(world, "exchanged")
        let explanations = try world.model.explain(
            try #require(world.snapshot(of: "desk")), through: world)
        let wallet = try #require(explanations.first { $0.path == "assets.USDT.crossWalletBalance" })
        #expect(wallet.value == "0.00000000")
        #expect(
            wallet.inputs.contains {
                $0.name == "auto-exchanges received less given" && $0.value == "7000.25"
            })
    }

    @Test("nothing held, trades with fees and funding, withdrawals, raised values, a setting")
    func settingsAndRaisedValues() async throws {
        for isMulti in [false, true] {
            let world = try binanceWorld(settings: #"{"multi_assets":\#(isMulti)}"#)
            try await check(world, "empty, multi-assets \(isMulti)")
            try world.apply(
                deposit("USDT", "50000"), deposit("USDC", "9000"),
                desk("withdraw", #""asset":"USDT","amount":"700","fee":"1.5""#),
                desk(
                    "fill",
                    #""instrument":"BTCUSDT","side":"buy","quantity":"2","price":"60000","fee":"48""#),
                desk(
                    "fill",
                    #""instrument":"BTCUSDT","side":"sell","quantity":"0.5","price":"60500.1","fee":"12.1""#),
                desk("funding", #""instrument":"BTCUSDT","rate":"0.0001""#),
                order("stop", "BTCUSDT", "sell", "1", "70000", #","reduce_only":true"#),
                order("bid", "BTCUSDT", "buy", "0.1", "59000.5"), order("ask", "XRPUSDT", "sell", "9", "2.1"),
                importPosition("ETHUSDC", "-3", "3001.5"),
                desk("set_leverage", #""instrument":"BTCUSDT","leverage":"30""#),
                marks(#""BTCUSDT":"60123.456789""#, index: #""USDT":"0.9998""#))
            try await check(world, "trades, multi-assets \(isMulti)")
            try world.apply(desk("withdraw", #""asset":"USDC","amount":"9100","force":true"#))
            try await check(world, "debt, multi-assets \(isMulti)")
            let wallet = try #require(explanations(world).first { $0.path == "totalWalletBalance" })
            // What is owed converts at the ask rate, which no recording shows.
            #expect(wallet.inputs.map(\.value).contains("-100.00000000") == isMulti)
            #expect(wallet.status == (isMulti ? .choice : .exact))
            try world.apply(
                desk("raise", #""flag":"notionalCoef","value":"1.5""#),
                desk("raise", #""flag":"marginAvailable","asset":"USDC","value":false"#))
            try await check(world, "raised, multi-assets \(isMulti)")
            let overridden = try explanations(world).filter {
                $0.inputs.contains { $0.origin == .overridden }
            }
            let positions = ["positions.BTCUSDT.BOTH", "positions.ETHUSDC.BOTH", "positions.XRPUSDT.BOTH"]
            #expect(
                overridden.map(\.path) == (isMulti ? ["assets.USDC.marginAvailable"] : [])
                    + positions.map { "\($0).maintMargin" })
        }
    }

    @Test("C: inputs, formula's ends and status of a cross and an isolated position")
    func goldenInputs() throws {
        let explanations = try explanations(binanceWorld(commands: vectorC))
        func explanation(_ path: String) throws -> Explanation {
            try #require(explanations.first { $0.path == path })
        }
        func inputs(_ path: String) throws -> [String] { try explanation(path).inputs.map(\.value) }
        // positionAmt, the mark that was given, cost.
        #expect(
            try inputs("positions.BTCUSDT.BOTH.unrealizedProfit") == ["0.500", "61234.5678", "30000"])
        #expect(try inputs("positions.BTCUSDT.BOTH.maintMargin") == ["30617.28390000", "0.004", "0"])
        #expect(try inputs("positions.BTCUSDT.BOTH.bidNotional") == ["0.1", "60500"])
        #expect(try inputs("assets.USDT.unrealizedProfit") == ["617.28390000", "-100.00000000"])
        #expect(try explanation("assets.USDT.unrealizedProfit").status == .choice)
        #expect(try inputs("assets.USDT.crossUnPnl") == ["617.28390000"])
        #expect(
            try inputs("assets.USDT.unflooredAvailable") == [
                "9400.00000000", "617.28390000", "1833.36419500", "0",
            ])
        #expect(try explanation("assets.USDT.availableBalance").status == .exact)
        #expect(try inputs("totalMaintMargin") == ["146.86913560"])
        // Wallet 9400 without the symbol's own profit; isolated positions do not count.
        #expect(try explanation("positionRisk.BTCUSDT.BOTH.crossBalance").value == "9400")
        #expect(
            try inputs("positionRisk.ETHUSDT.BOTH.liquidationPrice")
                == ["-2.000", "600.00000000", "-6000", "3050", "0.004", "0"])
        #expect(try explanation("positionRisk.ETHUSDT.BOTH.liquidationPrice").status == .exact)
        #expect(try explanation("positionRisk.BTCUSDT.BOTH.breakEvenPrice").status == .exact)
    }

    @Test("A: rates and their inputs in multi-assets mode, as the asset index tells them")
    func multiAssetsInputs() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(#""WLDUSDT":"2.3468325""#, index: #""USDT":"0.999880785""#),
                deposit("USDT", "72.72317863"), importPosition("WLDUSDT", "-849", "2.36"),
            ])
        let explanations = try explanations(world)
        func inputs(_ path: String) throws -> [String] {
            try #require(explanations.first { $0.path == path }).inputs.map(\.value)
        }
        #expect(try inputs("totalMaintMargin") == ["11.95476475", "0.99998077"])
        #expect(try inputs("totalUnrealizedProfit") == ["11.17920750", "0.99978079"])
        #expect(try inputs("assetIndex.USDTUSD.askRate") == ["0.999880785", "0.0001"])
        for row in try await world.request("GET", "/fapi/v1/assetIndex").json.elements ?? [] {
            for field in ["bidRate", "askRate"] {
                let path = "assetIndex.\(try row.string("symbol")).\(field)"
                guard let found = explanations.first(where: { $0.path == path }) else { continue }
                #expect(try ExactDecimal(found.value) == ExactDecimal(row.string(field)), "\(path)")
            }
        }
    }

    @Test("a rule that changes is seen by the answer and its explanation alike")
    func changedRule() async throws {
        let rulebook = #"""
            {"venue":"binance","effective":"2026-01-01T00:00:00Z","amends":true,"read_on":"2026-01-01",
             "source":"made up","instruments":{"BTCUSDT":{"brackets":[["9000000","50","0.07"]]}}}
            """#
        let world = try binanceWorld(rulebooks: [rulebook], commands: vectorC)
        // 30617.2839 × 0.07, beside 24.4 of ETHUSDT.
        let margin = try #require(
            explanations(world).first { $0.path == "positions.BTCUSDT.BOTH.maintMargin" })
        #expect(margin.value == "2143.20987300")
        #expect(margin.inputs.map(\.value) == ["30617.28390000", "0.07", "0"])
        expect(try world.body(), [("totalMaintMargin", "2167.60987300")])
        try await check(world, "changed rule")
    }

    @Test("health by hand: the pool nearest to liquidation, or the one pool in USD")
    func healthOfPools() throws {
        let world = try binanceWorld(commands: vectorC)
        // 9400 + 617.2839 against 30617.2839 × 0.004; the isolated position is not part of it.
        #expect(
            try health(world)
                == MarginHealth(
                    equity: decimal("10017.2839"), maintenance: decimal("122.4691356"), unit: "USDT"))
        // 90 − 3 × 1 against 3 × 3000 × 0.004 = 36 is nearer; with 33 it is at its end.
        try world.apply(
            deposit("USDC", "90"), marks(#""ETHUSDC":"3000""#), importPosition("ETHUSDC", "-3", "2999"))
        let usdc = try #require(try health(world))
        #expect(usdc == MarginHealth(equity: try decimal("87"), maintenance: try decimal("36"), unit: "USDC"))
        try world.apply(desk("withdraw", #""asset":"USDC","amount":"51","force":true"#))
        #expect(try health(world)?.isLiquidated == true)
        #expect(try health(binanceWorld(commands: [deposit("USDT", "5")])) == nil)
        let isolated = try binanceWorld(commands: [
            deposit("USDT", "700"),
            importPosition("ETHUSDT", "1", "3000", #","margin_mode":"isolated","isolated_wallet":"600""#),
        ])
        #expect(try health(isolated) == nil)
    }

    @Test("health in multi-assets mode: A's margin balance and maintenance margin in USD")
    func healthInUSD() throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(#""WLDUSDT":"2.3468325""#, index: #""USDT":"0.999880785","USDC":"1""#),
                deposit("USDT", "72.72317863"), deposit("USDC", "27.13879243"),
            ])
        #expect(try health(world) == nil)
        try world.apply(importPosition("WLDUSDT", "-849", "2.36"))
        #expect(
            try health(world)
                == MarginHealth(
                    equity: decimal("111.02007243"), maintenance: decimal("11.95453485"), unit: "USD"))
    }

    @Test("beyond a cross position's liquidation price health ends, before it it does not")
    func liquidationPriceIsWhereHealthEnds() throws {
        for (quantity, worse) in [("0.5", "-0.0001"), ("-0.5", "0.0001")] {
            let world = try binanceWorld(commands: [
                deposit("USDT", "10000"), marks(#""BTCUSDT":"60000""#),
                importPosition("BTCUSDT", quantity, "60000"),
            ])
            let price = try #require(
                explanations(world).first { $0.path == "positionRisk.BTCUSDT.BOTH.liquidationPrice" })
            let step = try decimal(worse)
            for (change, isLiquidated) in [(step, true), (-step, false)] {
                try world.apply(marks(#""BTCUSDT":"\#(try decimal(price.value) + change)""#))
                #expect(try health(world)?.isLiquidated == isLiquidated, "\(quantity), \(change)")
            }
        }
    }
}
