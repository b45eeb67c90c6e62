import Binance
import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@Suite("The paths around the account")
struct NeighbourTests {
    private func hedged() throws -> BinanceWorld {
        try binanceWorld(
            settings: #"{"hedge":true}"#,
            commands: [
                marks(#""BTCUSDT":"60000""#), deposit("USDT", "10000"),
                importPosition("BTCUSDT", "0.5", "58000", #","position_side":"long","leverage":"10""#),
            ])
    }

    @Test("version 2 of the account: settings first, every symbol, marginAvailable in both modes")
    func account2() async throws {
        let world = try binanceWorld(commands: vectorC)
        let account = try await world.signed("GET", "/fapi/v2/account").json
        let keys = try #require(account.object?.keys)
        #expect(
            keys.prefix(9) == [
                "feeTier", "feeBurn", "canTrade", "canDeposit", "canWithdraw", "updateTime",
                "multiAssetsMargin",
                "tradeGroupId", "totalInitialMargin",
            ])
        expect(account, [("totalMarginBalance", "10517.28390000")])
        #expect(try account.asset("USDT")["marginAvailable"]?.boolean == true)
        let rows = try #require(account["positions"]?.elements)
        #expect(rows.count == 16)
        #expect(
            try account.position("BTCUSDT").object?.keys == [
                "symbol", "initialMargin", "maintMargin", "unrealizedProfit", "positionInitialMargin",
                "openOrderInitialMargin", "leverage", "isolated", "entryPrice", "breakEvenPrice",
                "maxNotional",
                "positionSide", "positionAmt", "notional", "isolatedWallet", "updateTime", "bidNotional",
                "askNotional",
            ])
        expect(
            try account.position("BTCUSDT"),
            [
                ("leverage", "20"), ("entryPrice", "60000"), ("breakEvenPrice", "60000"),
                ("maxNotional", "100000000"),
            ])
        #expect(try account.position("ETHUSDT")["isolated"]?.boolean == true)
        expect(
            try account.position("XRPUSDT"),
            [
                ("entryPrice", "0.0"), ("breakEvenPrice", "0.0"), ("positionAmt", "0.0"), ("notional", "0"),
                ("leverage", "20"), ("unrealizedProfit", "0.00000000"),
            ])
        let sides = try await hedged().signed("GET", "/fapi/v2/account").json
        #expect(sides["positions"]?.elements?.count == 32)
    }

    @Test("balances of both versions")
    func balance() async throws {
        let world = try binanceWorld(commands: vectorC)
        for path in ["/fapi/v2/balance", "/fapi/v3/balance"] {
            let row = try #require(try await world.signed("GET", path).json.elements?.first)
            #expect(
                row.object?.keys == [
                    "accountAlias", "asset", "balance", "crossWalletBalance", "crossUnPnl",
                    "availableBalance",
                    "maxWithdrawAmount", "marginAvailable", "updateTime",
                ])
            expect(
                row,
                [
                    ("asset", "USDT"), ("balance", "10000.00000000"), ("crossWalletBalance", "9400.00000000"),
                    ("availableBalance", "8183.91970500"),
                ])
        }
    }

    @Test("position risk: version 3 shows what is used, version 2 every symbol")
    func positionRisk() async throws {
        let world = try hedged()
        let used = try await world.signed("GET", "/fapi/v3/positionRisk").json
        #expect(used.elements?.count == 1)
        let row = try used.position("BTCUSDT", side: "LONG")
        #expect(
            row.object?.keys == [
                "symbol", "positionSide", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice",
                "unRealizedProfit", "liquidationPrice", "isolatedMargin", "notional", "marginAsset",
                "isolatedWallet", "initialMargin", "maintMargin", "positionInitialMargin",
                "openOrderInitialMargin", "adl", "bidNotional", "askNotional", "updateTime",
            ])
        // (10000 − 29000) ÷ (0.5 × 0.004 − 0.5)
        expect(
            row,
            [("liquidationPrice", "38152.61044176"), ("marginAsset", "USDT"), ("notional", "30000.00000000")])
        let all = try await world.signed("GET", "/fapi/v2/positionRisk").json
        #expect(all.elements?.count == 32)
        expect(
            try all.position("BTCUSDT", side: "LONG"),
            [
                ("leverage", "10"), ("marginType", "cross"), ("isolatedMargin", "0.00000000"),
                ("isAutoAddMargin", "false"), ("maxNotionalValue", "230000000"),
                ("liquidationPrice", "38152.61044176"),
            ])
        expect(
            try all.position("BTCUSDT", side: "SHORT"), [("positionAmt", "0.000"), ("liquidationPrice", "0")])
        let one = try await world.signed("GET", "/fapi/v2/positionRisk", "symbol=ETHUSDC").json
        #expect(one.elements?.map { $0["symbol"]?.text } == ["ETHUSDC", "ETHUSDC"])
    }

    @Test("modes and configuration")
    func configuration() async throws {
        let world = try hedged()
        #expect(
            await world.signed("GET", "/fapi/v1/multiAssetsMargin").text == #"{"multiAssetsMargin":false}"#)
        #expect(await world.signed("GET", "/fapi/v1/positionSide/dual").text == #"{"dualSidePosition":true}"#)
        #expect(
            await world.signed("GET", "/fapi/v1/accountConfig").text
                == #"{"feeTier":0,"canTrade":true,"canDeposit":true,"canWithdraw":true,"#
                + #""dualSidePosition":true,"#
                + #""updateTime":0,"multiAssetsMargin":false,"tradeGroupId":-1}"#)
        #expect(
            await world.signed("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT").text
                == #"[{"symbol":"BTCUSDT","marginType":"CROSSED","isAutoAddMargin":false,"leverage":10,"#
                + #""maxNotionalValue":"230000000"}]"#)
    }

    @Test("modes are switched, and refused as the venue refuses them")
    func switching() async throws {
        let world = try binanceWorld(commands: [deposit("USDT", "1000"), marks(#""BTCUSDT":"60000""#)])
        func post(_ path: String, _ parameters: String) async throws -> Int64? {
            try await world.signed("POST", path, parameters).json["code"]?.integer
        }
        let assets = "/fapi/v1/multiAssetsMargin"
        let sides = "/fapi/v1/positionSide/dual"
        #expect(try await post(assets, "multiAssetsMargin=true") == 200)
        #expect(try await post(assets, "multiAssetsMargin=true") == -4171)
        #expect(try await post(sides, "dualSidePosition=true") == 200)
        #expect(try await post(sides, "dualSidePosition=true") == -4059)
        #expect(try await post(sides, "dualSidePosition=perhaps") == -1130)
        #expect(try await post(sides, "dual=true") == -1102)
        #expect(try await post(sides, "dualSidePosition=false") == 200)
        try world.apply(order("open", "BTCUSDT", "buy", "0.001", "60000"))
        #expect(try await post(sides, "dualSidePosition=true") == -4067)
        #expect(try await post(assets, "multiAssetsMargin=false") == -4170)
        try world.apply(
            desk("cancel_order", #""order_id":"open""#), importPosition("BTCUSDT", "0.01", "60000"))
        #expect(try await post(sides, "dualSidePosition=true") == -4068)
        #expect(try await post(assets, "multiAssetsMargin=false") == 200, "a cross position stays")
        try world.apply(importPosition("ETHUSDT", "1", "3000", #","margin_mode":"isolated""#))
        #expect(try await post(assets, "multiAssetsMargin=true") == -4167)
        #expect(world.account("desk")?.settings.flag("multi_assets") == false)
    }

    @Test("a negative wallet and missing margin keep the asset mode")
    func switchingBack() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#, commands: [deposit("BTC", "1"), deposit("USDT", "1")])
        try world.apply(desk("withdraw", #""asset":"USDT","amount":"2","force":true"#))
        let path = "/fapi/v1/multiAssetsMargin"
        #expect(
            try await world.signed("POST", path, "multiAssetsMargin=false").json["code"]?.integer == -4172)
        try world.apply(deposit("USDT", "2"), importPosition("BTCUSDT", "1", "60000"))
        #expect(
            try await world.signed("POST", path, "multiAssetsMargin=false").json["code"]?.integer == -4169)
    }

    @Test("leverage: set, above what is allowed, above what the position allows")
    func leverage() async throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"60000""#), deposit("USDT", "100000"),
            importPosition("BTCUSDT", "20", "60000", #","leverage":"20""#),
        ])
        let path = "/fapi/v1/leverage"
        #expect(
            await world.signed("POST", path, "symbol=ETHUSDT&leverage=21").text
                == #"{"leverage":21,"maxNotionalValue":"50000000","symbol":"ETHUSDT"}"#)
        #expect(world.account("desk")?.leverages.count == 2)
        for (parameters, code) in [
            ("symbol=BTCUSDT&leverage=151", -4028), ("symbol=BTCUSDT&leverage=0", -4028),
            ("symbol=BTCUSDT&leverage=2.5", -4028), ("symbol=BTCUSDT&leverage=100", -2027),
            ("symbol=BTCUSDT&leverage=5", -2028), ("symbol=NOPE&leverage=5", -1121), ("leverage=5", -1102),
            ("symbol=BTCUSDT", -1102),
        ] {
            let answer = try await world.signed("POST", path, parameters).json
            #expect(answer["code"]?.integer == Int64(code), "\(parameters)")
        }
    }

    @Test("times, ping and what constructors of clients call")
    func times() async throws {
        let world = try binanceWorld()
        for path in ["/fapi/v1/ping", "/api/v3/ping"] {
            #expect(await world.request("GET", path).text == "{}")
        }
        for path in ["/fapi/v1/time", "/api/v3/time"] {
            #expect(await world.request("GET", path).text == #"{"serverTime":1780272000000}"#)
        }
        #expect(await world.request("GET", "/sapi/v1/margin/allPairs").text == "[]")
        #expect(await world.request("GET", "/sapi/v1/margin/isolated/allPairs").text == "[]")
        let coins = try await world.signed("GET", "/sapi/v1/capital/config/getall").json
        #expect(coins.elements?.contains { $0["coin"]?.text == "WLD" } == true)
        for path in ["/api/v3/exchangeInfo", "/dapi/v1/exchangeInfo"] {
            #expect(try await world.request("GET", path).json["symbols"]?.elements?.isEmpty == true)
        }
    }

    @Test(
        "the venue's other products are refused in its own form",
        arguments: [
            "/futures/data/basis", "/dapi/v1/account", "/eapi/v1/exchangeInfo", "/papi/v1/balance",
        ])
    func otherProducts(_ path: String) async throws {
        let answer = try await binanceWorld().request("GET", path)
        #expect(answer.status == 404)
        #expect(answer.text == #"{"code":-5000,"msg":"Path \#(path), Method GET is invalid"}"#)
    }

    @Test("exchangeInfo: assets with thresholds, symbols with what clients read")
    func exchangeInfo() async throws {
        let info = try await binanceWorld().request("GET", "/fapi/v1/exchangeInfo").json
        let assets = try #require(info["assets"]?.elements)
        #expect(assets.first { $0["asset"]?.text == "BTC" }?["autoAssetExchange"]?.text == "-0.1")
        // Strict clients want a text where margin is available, which is everywhere here.
        #expect(assets.allSatisfy { $0["autoAssetExchange"]?.text != nil })
        let symbols = try #require(info["symbols"]?.elements)
        for coin in ["BTC", "ETH", "SOL", "XRP", "DOGE"] {
            for quote in ["USDT", "USDC"] {
                #expect(symbols.contains { $0["symbol"]?.text == coin + quote }, "\(coin)\(quote)")
            }
        }
        let bitcoin = try #require(symbols.first)
        expect(
            bitcoin,
            [
                ("contractType", "PERPETUAL"), ("status", "TRADING"), ("baseAsset", "BTC"),
                ("quoteAsset", "USDT"), ("marginAsset", "USDT"),
            ])
        let filters = try #require(bitcoin["filters"]?.elements)
        #expect(filters.first { $0["filterType"]?.text == "PRICE_FILTER" }?["tickSize"]?.text == "0.10")
        #expect(filters.first { $0["filterType"]?.text == "LOT_SIZE" }?["stepSize"]?.text == "0.001")
        #expect(filters.first { $0["filterType"]?.text == "MIN_NOTIONAL" }?["notional"]?.text == "50")
        #expect(info["rateLimits"]?.elements?.compactMap { $0["limit"]?.integer } == [2400, 1200, 300])
    }

    @Test("prices: index of assets, premium index and last price of symbols")
    func prices() async throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"61234.5678""#, index: #""ADA":"1.92957370","BTC":"61200","USDT":"1""#)
        ])
        #expect(
            await world.request("GET", "/fapi/v1/assetIndex?symbol=ADAUSD").text
                == #"{"symbol":"ADAUSD","time":1780272000000,"index":"1.92957370","bidBuffer":"0.10000000","#
                + #""askBuffer":"0.10000000","bidRate":"1.73661633","askRate":"2.12253107","#
                + #""autoExchangeBidBuffer":"0.05000000","autoExchangeAskBuffer":"0.05000000","#
                + #""autoExchangeBidRate":"1.83309501","autoExchangeAskRate":"2.02605238"}"#)
        #expect(try await world.request("GET", "/fapi/v1/assetIndex").json.elements?.count == 19)
        let premium = try await world.request("GET", "/fapi/v1/premiumIndex?symbol=BTCUSDT").json
        expect(premium, [("markPrice", "61234.56780000"), ("indexPrice", "61200.00000000")])
        #expect(premium["nextFundingTime"]?.integer == 1_780_300_800_000)
        #expect(try await world.request("GET", "/fapi/v1/premiumIndex").json.elements?.count == 16)
        expect(
            try await world.request("GET", "/fapi/v1/ticker/price?symbol=BTCUSDT").json,
            [("symbol", "BTCUSDT"), ("price", "61234.5678")])
    }

    @Test("open orders")
    func openOrders() async throws {
        let world = try binanceWorld(commands: vectorC)
        try world.apply(
            desk(
                "fill",
                #""instrument":"BTCUSDT","side":"buy","quantity":"0.03","price":"60500","order_id":"buy""#),
            desk(
                "fill",
                #""instrument":"BTCUSDT","side":"buy","quantity":"0.01","price":"60400.1","order_id":"buy""#))
        let rows = try #require(try await world.signed("GET", "/fapi/v1/openOrders").json.elements)
        #expect(rows.map { $0["clientOrderId"]?.text } == ["buy", "sell"])
        expect(
            rows[0],
            [
                ("status", "PARTIALLY_FILLED"), ("executedQty", "0.040"), ("origQty", "0.100"),
                ("side", "BUY"),
                // 0.03 × 60500 + 0.01 × 60400.1 = 2419.001.
                ("cumQuote", "2419.00100"), ("avgPrice", "60475.02500"),
            ])
        expect(
            rows[1], [("status", "NEW"), ("price", "62000.00"), ("positionSide", "BOTH"), ("type", "LIMIT")])
        expect(rows[1], [("cumQuote", "0.00000"), ("avgPrice", "0.00000")])
        #expect(rows[0]["orderId"]?.integer != rows[1]["orderId"]?.integer)
        let none = try await world.signed("GET", "/fapi/v1/openOrders", "symbol=ETHUSDT").json
        #expect(none.elements?.isEmpty == true)
    }

    @Test("the listen key: stable, extended for an hour, gone when deleted")
    func listenKey() async throws {
        let world = try binanceWorld()
        func ask(_ method: String, key: String = deskKey) async -> VenueResponse {
            await world.request(method, "/fapi/v1/listenKey", headers: ["X-MBX-APIKEY": key])
        }
        #expect(try await ask("PUT").json["code"]?.integer == -1125)
        let made = try #require(try await ask("POST").json["listenKey"]?.text)
        #expect(made.utf8.count == 64)
        #expect(made.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        world.setRealTime(world.realTime() + 59 * 60_000)
        #expect(try await ask("PUT").json["listenKey"]?.text == made)
        world.setRealTime(world.realTime() + 59 * 60_000)
        #expect(try await ask("POST").json["listenKey"]?.text == made)
        #expect(await ask("DELETE").text == "{}")
        #expect(try await ask("PUT").json["code"]?.integer == -1125)
        _ = await ask("POST")
        world.setRealTime(world.realTime() + 60 * 60_000)
        #expect(try await ask("PUT").json["code"]?.integer == -1125, "an hour is over")
        #expect(await ask("POST", key: "").status == 401)
    }
}
