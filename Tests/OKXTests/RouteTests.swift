import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite struct RouteTests {
    private func ready(_ settings: String = "{}") throws -> TestWorld<OKXVenue> {
        let world = try world()
        try world.open("desk", settings)
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase",
            permissions: [.read, .trade])
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","ETH":"3000","USDT":"1"}"#)
        return world
    }

    @Test func balanceIsTheStatement() async throws {
        let world = try ready()
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"5""#))
        let response = await world.signed("GET", "/api/v5/account/balance?ccy=USDT%2CBTC")
        #expect(response.status == 200 && response.contentType == "application/json")
        #expect(
            try response.text == world.statement("desk", query: [QueryItem(name: "ccy", value: "USDT,BTC")]))
    }

    @Test func configuration() async throws {
        let world = try ready(#"{"mode":"futures","hedge":true,"auto_borrow":true}"#)
        let config = try #require(try await world.data("GET", "/api/v5/account/config").first)
        expect(
            config,
            [
                "acctLv": "2", "posMode": "long_short_mode", "perm": "read_only,trade", "type": "0", "ip": "",
                "label": "",
            ])
        #expect(config["autoLoan"]?.boolean == true && config["enableSpotBorrow"]?.boolean == false)
        #expect(config.text("uid") == config.text("mainUid"))
        #expect(config.text("uid")?.count == 18)
    }

    @Test func subaccounts() async throws {
        let world = try ready()
        try world.apply(#"{"type":"open_account","account":"child","venue":"okx","parent":"desk"}"#)
        try world.run("child", ("deposit", #""asset":"BTC","amount":"1""#))
        let path = "/api/v5/account/subaccount/balances"
        let response = await world.signed("GET", path + "?subAcct=child")
        #expect(try response.text == world.statement("child"))
        for (query, code) in [("", "50014"), ("?subAcct=nobody", "51000"), ("?subAcct=desk", "51000")] {
            let refused = await world.signed("GET", path + query)
            #expect(refused.status == 400)
            #expect(try refused.json["code"]?.text == code)
        }
        world.addKey(account: "child", apiKey: "childkey", secret: "secret", passphrase: "phrase")
        let child = await world.signed("GET", path + "?subAcct=child", key: "childkey")
        #expect(try child.json["code"]?.text == "50030")
        let config = await world.signed("GET", "/api/v5/account/config", key: "childkey")
        let object = try #require(try config.json["data"]?.elements?.first)
        expect(object, ["type": "1", "mainUid": StableID.user("desk"), "uid": StableID.user("child")])
    }

    @Test func positions() async throws {
        let world = try ready(#"{"mode":"futures","hedge":true}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"10""#),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"59000""#
                    + #","position_side":"long""#
            ),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"20","price":"61000""#
                    + #","position_side":"short","margin_mode":"isolated""#
            ))
        let rows = try await world.data("GET", "/api/v5/account/positions")
        #expect(rows.count == 2)
        expect(
            rows.first,
            [
                "instId": "BTC-USDT-SWAP", "instType": "SWAP", "posSide": "long", "pos": "10",
                "avgPx": "59000",
                "markPx": "60000", "upl": "100", "uplRatio": "0.1694915254237288", "lever": "10",
                "imr": "600",
                "mmr": "24", "margin": "", "mgnMode": "cross", "notionalUsd": "6000", "ccy": "USDT",
                "idxPx": "60000",
                "last": "60000", "usdPx": "1",
            ])
        expect(
            rows.last,
            [
                "posSide": "short", "pos": "20", "avgPx": "61000", "upl": "200", "imr": "", "margin": "1220",
                "mmr": "48", "mgnMode": "isolated",
                // (1220 + 200) ÷ (48 + 6)
                "mgnRatio": "26.2962962962962963",
            ])
        let id = try #require(rows.last?.text("posId"))
        #expect(try await world.data("GET", "/api/v5/account/positions?posId=\(id)").count == 1)
        #expect(try await world.data("GET", "/api/v5/account/positions?instType=FUTURES").isEmpty)
        #expect(try await world.data("GET", "/api/v5/account/positions?instType=OPTION").isEmpty)
        #expect(try await world.data("GET", "/api/v5/account/positions?instId=ETH-USDT-SWAP").isEmpty)
        let many = (0..<11).map { "X\($0)" }.joined(separator: ",")
        let refused = await world.signed("GET", "/api/v5/account/positions?instId=" + many)
        #expect(try refused.json["code"]?.text == "50025")
        let wrong = await world.signed("GET", "/api/v5/account/positions?instType=NOPE")
        #expect(try wrong.json["code"]?.text == "51000")
    }

    @Test func positionRisk() async throws {
        let world = try ready()
        try world.prices(marks: #"{"ETH-USD-SWAP":"3000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"ETH","amount":"2""#),
            ("fill", #""instrument":"ETH-USD-SWAP","side":"sell","quantity":"30","price":"3000""#))
        let risk = try #require(try await world.data("GET", "/api/v5/account/account-position-risk").first)
        expect(risk, ["adjEq": "5880", "ts": "1780272000000"])
        expect(risk["balData"]?.elements?.first, ["ccy": "ETH", "eq": "2", "disEq": "5880"])
        expect(
            risk["posData"]?.elements?.first,
            [
                "instId": "ETH-USD-SWAP", "pos": "-30", "notionalUsd": "300", "notionalCcy": "0.1",
                "posSide": "net",
            ])
    }

    @Test func ordersPending() async throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            (
                "place_order",
                #""order_id":"a1","instrument":"ETH-USDT","side":"buy","quantity":"2","price":"2500""#
            ),
            (
                "place_order",
                #""order_id":"b2","instrument":"BTC-USDT-SWAP","side":"sell","quantity":"2","price":"61000""#
            ),
            (
                "fill",
                #""instrument":"ETH-USDT","side":"buy","quantity":"0.25","price":"2500","order_id":"a1","fee":"1""#
            ),
            (
                "fill",
                #""instrument":"ETH-USDT","side":"buy","quantity":"0.5","price":"2499","order_id":"a1","fee":"2""#
            )
        )
        let orders = try await world.data("GET", "/api/v5/trade/orders-pending")
        #expect(orders.map { $0.text("clOrdId") } == ["b2", "a1"])
        expect(
            orders.last,
            [
                "instType": "SPOT", "side": "buy", "px": "2500", "sz": "2", "accFillSz": "0.75",
                // (0.25 × 2500 + 0.5 × 2499) ÷ 0.75.
                "avgPx": "2499.333333333333333", "fee": "-3", "feeCcy": "USDT", "state": "partially_filled",
            ])
        expect(
            orders.first,
            [
                "instType": "SWAP", "posSide": "net", "lever": "3", "state": "live", "avgPx": "", "fee": "0",
                "feeCcy": "USDT",
            ])
        #expect(try await world.data("GET", "/api/v5/trade/orders-pending?instType=SPOT").count == 1)
        for order in orders { #expect(order.object?.keys.map { $0 } == Self.orderMembers) }
    }

    /// The documented members of an order, as the venue's answers have them.
    private static let orderMembers = """
        accFillSz algoClOrdId algoId attachAlgoClOrdId attachAlgoOrds avgPx cTime cancelSource \
        cancelSourceReason category ccy clOrdId fee feeCcy fillPx fillSz fillTime instId instType isTpLimit \
        lever linkedAlgoOrd ordId ordType pnl posSide px pxType pxUsd pxVol quickMgnType rebate rebateCcy \
        reduceOnly side slOrdPx slTriggerPx slTriggerPxType source state stpId stpMode sz tag tdMode tgtCcy \
        tpOrdPx tpTriggerPx tpTriggerPxType tradeId tradeQuoteCcy uTime
        """.split(separator: " ").map(String.init)

    @Test func largestOrders() async throws {
        let world = try ready()
        for type in ["SPOT", "SWAP", "FUTURES"] {
            for instrument in try await world.publicData("/api/v5/public/instruments?instType=\(type)") {
                for member in instrument.object?.members ?? []
                where member.key.hasPrefix("max") && member.key != "maxPxLmtPct" {
                    #expect(Int64(member.value.text ?? "").map { $0 > 0 } == true, "\(type) \(member.key)")
                }
            }
        }
    }

    /// Over a debt of 500 USDT at 0.00043728 a day: what an hour adds is owed in
    /// the next.
    @Test(arguments: [
        ("1", "0.00911"), ("2", "0.0182201659842"), ("3", "0.0273304979556243"),
    ])
    func interestByTheHour(hours: String, interest: String) async throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"100""#),
            ("withdraw", #""asset":"USDT","amount":"600","force":true"#),
            ("accrue_interest", #""asset":"USDT","hours":"# + hours))
        #expect(try world.balance("desk").detail("USDT")?.text("interest") == interest)
    }

    /// What unrealized losses owe is free of interest up to the quota, 20000 USDT.
    @Test func theInterestFreeQuota() async throws {
        let world = try ready()
        try world.prices(marks: #"{"BTC-USDT-SWAP":"50000"}"#, index: #"{"BTC":"50000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"5""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"55000""#))
        let hour = #""asset":"USDT","hours":1"#
        #expect(try refusal(world, "accrue_interest", hour)?.code == .invalidField)
        try world.prices(marks: #"{"BTC-USDT-SWAP":"30000"}"#, index: #"{"BTC":"50000","USDT":"1"}"#)
        // 25000 owed, 20000 of it free: 5000 × 0.00043728 ÷ 24.
        try world.run("desk", ("accrue_interest", hour))
        #expect(try world.balance("desk").detail("USDT")?.text("interest") == "0.0911")
    }

    @Test(arguments: [
        (#""asset":"USDT""#, Refusal.Code.missingField), (#""asset":"USDT","hours":0"#, .invalidField),
        (#""asset":"USDT","hours":745"#, .invalidField), (#""asset":"USDT","hours":"1""#, .invalidField),
        (#""asset":"USDT","hours":1,"amount":"1""#, .invalidField),
        (#""asset":"NONE","hours":1"#, .unknownAsset),
    ])
    func interestThatCannotBe(fields: String, code: Refusal.Code) throws {
        #expect(try refusal(try ready(), "accrue_interest", fields)?.code == code)
    }

    @Test func interestAndLimits() async throws {
        let world = try ready()
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"100""#),
            ("deposit", #""asset":"USDC","amount":"40""#),
            ("withdraw", #""asset":"USDT","amount":"600","force":true"#),
            ("accrue_interest", #""asset":"USDT","amount":"1""#))
        let limits = try #require(
            try await world.data("GET", "/api/v5/account/interest-limits?ccy=USDT,BTC").first)
        expect(limits, ["debt": "501", "interest": "1", "nextInterestTime": "1780275600000"])
        let records = try #require(limits["records"]?.elements)
        #expect(records.map { $0.text("ccy") } == ["BTC", "USDT"])
        expect(
            records.last,
            [
                "rate": "0.00043728", "loanQuota": "500000", "usedLmt": "501", "surplusLmt": "499499",
                "interest": "1",
                "interestFreeLiab": "0", "potentialBorrowingAmt": "501",
            ])
        let rates = try await world.data("GET", "/api/v5/account/interest-rate?ccy=USDT")
        expect(rates.first, ["ccy": "USDT", "interestRate": "0.00001822"])
        let most = try await world.data("GET", "/api/v5/account/max-withdrawal?ccy=USDC,USDT")
        #expect(most.map { $0.text("maxWd") } == ["0", "40"])
    }

    @Test func settingsAreChanged() async throws {
        let world = try ready()
        let path = "/api/v5/account/"
        expect(
            try await world.data("POST", path + "set-position-mode", body: #"{"posMode":"long_short_mode"}"#)
                .first,
            ["posMode": "long_short_mode"])
        #expect(world.account("desk")?.isHedged == true)
        expect(
            try await world.data("POST", path + "set-account-level", body: #"{"acctLv":"2"}"#).first,
            ["acctLv": "2"])
        #expect(world.account("desk")?.mode == .futures)
        let poor = await world.signed("POST", path + "set-account-level", body: #"{"acctLv":"4"}"#)
        #expect(try poor.json["code"]?.text == "51070")
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"10000""#))
        _ = try await world.data("POST", path + "set-account-level", body: #"{"acctLv":"4"}"#)
        #expect(world.account("desk")?.mode == .portfolio)
        let lever = #"{"instId":"BTC-USDT-SWAP","lever":"5","mgnMode":"isolated","posSide":"long"}"#
        expect(
            try await world.data("POST", path + "set-leverage", body: lever).first,
            ["lever": "5", "mgnMode": "isolated", "posSide": "long", "instId": "BTC-USDT-SWAP"])
        let info = try await world.data("GET", path + "leverage-info?instId=BTC-USDT-SWAP&mgnMode=isolated")
        #expect(info.map { $0.text("lever") } == ["5", "3"])
        let high = await world.signed(
            "POST", path + "set-leverage",
            body: #"{"instId":"BTC-USDT-SWAP","lever":"101","mgnMode":"cross"}"#)
        #expect(try high.json["code"]?.text == "59102")
        let unknown = await world.signed(
            "POST", path + "set-leverage", body: #"{"instId":"NOPE-SWAP","lever":"1","mgnMode":"cross"}"#)
        #expect(try unknown.json["code"]?.text == "51001")
        try world.run(
            "desk",
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"1","price":"60000""#
                    + #","position_side":"long""#
            ))
        let held = await world.signed("POST", path + "set-position-mode", body: #"{"posMode":"net_mode"}"#)
        #expect(try held.json["code"]?.text == "59000")
        _ = try await world.data("POST", path + "set-auto-loan", body: #"{"autoLoan":true}"#)
        #expect(world.account("desk")?.autoBorrows == true)
    }

    @Test func publicTime() async throws {
        let world = try ready()
        let response = await world.request("GET", "/api/v5/public/time")
        #expect(response.text == #"{"code":"0","msg":"","data":[{"ts":"1780272000000"}]}"#)
    }

    @Test func instruments() async throws {
        let world = try ready()
        let spot = try await world.publicData("/api/v5/public/instruments?instType=SPOT")
        #expect(spot.count > 30)
        expect(
            spot.first { $0.text("instId") == "BTC-USDT" },
            [
                "instType": "SPOT", "baseCcy": "BTC", "quoteCcy": "USDT", "state": "live", "ctVal": "",
                "settleCcy": "",
            ])
        let swaps = try await world.publicData("/api/v5/public/instruments?instType=SWAP&uly=BTC-USDT")
        #expect(swaps.count == 1)
        expect(
            swaps.first,
            [
                "instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC",
                "ctType": "linear",
                "settleCcy": "USDT", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "lever": "100",
                "uly": "BTC-USDT", "instFamily": "BTC-USDT", "baseCcy": "", "expTime": "",
            ])
        let dated = try await world.publicData(
            "/api/v5/public/instruments?instType=FUTURES&instId=BTC-USD-261225")
        expect(
            dated.first,
            ["ctType": "inverse", "ctValCcy": "USD", "settleCcy": "BTC", "expTime": "1798185600000"])
        #expect(try await world.publicData("/api/v5/public/instruments?instType=OPTION&uly=BTC-USD").isEmpty)
        // An expired future is no longer listed.
        world.setLedgerTime(1_798_185_600_000)
        let later = await world.request(
            "GET", "/api/v5/public/instruments?instType=FUTURES&instId=BTC-USD-261225")
        #expect(try later.json["code"]?.text == "51001")
    }

    @Test func tables() async throws {
        let world = try ready()
        let discount = try await world.publicData("/api/v5/public/discount-rate-interest-free-quota?ccy=BTC")
        expect(discount.first, ["ccy": "BTC", "amt": "1", "minDiscountRate": "0", "colRes": "0"])
        let tiers = try #require(discount.first?["details"]?.elements)
        expect(
            tiers.first,
            [
                "tier": "1", "minAmt": "0", "maxAmt": "20", "discountRate": "0.98", "disCcyEq": "19.6",
                "liqPenaltyRate": "0.02",
            ])
        expect(tiers[1], ["minAmt": "20", "maxAmt": "25", "discountRate": "0.9775", "disCcyEq": "24.4875"])
        let position = try await world.publicData(
            "/api/v5/public/position-tiers?instType=SWAP&tdMode=cross&instFamily=BTC-USDT")
        #expect(position.count == 51)
        expect(
            position.first, ["tier": "1", "maxSz": "1000", "mmr": "0.004", "imr": "0.01", "maxLever": "100"])
        let quotas = try await world.publicData("/api/v5/public/interest-rate-loan-quota")
        let basic = quotas.first?["basic"]?.elements ?? []
        expect(basic.first { $0.text("ccy") == "USDT" }, ["rate": "0.00043728", "quota": "500000"])
        expect(basic.first { $0.text("ccy") == "BTC" }, ["rate": "0.0000276", "quota": "10"])
    }

    @Test func prices() async throws {
        let world = try ready()
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60123.4"}"#, index: #"{"BTC":"60100","USDT":"0.5"}"#)
        let mark = try await world.publicData("/api/v5/public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP")
        expect(mark.first, ["markPx": "60123.4", "instType": "SWAP"])
        let ticker = try await world.publicData("/api/v5/market/ticker?instId=BTC-USDT")
        expect(
            ticker.first,
            [
                "last": "120200", "bidPx": "120200", "askPx": "120200.1", "bidSz": "1000000", "lastSz": "0",
                "vol24h": "0",
            ])
        #expect(try await world.publicData("/api/v5/market/tickers?instType=SWAP").count > 25)
        let index = try await world.publicData("/api/v5/market/index-tickers?instId=BTC-USDT")
        expect(index.first, ["idxPx": "120200", "instId": "BTC-USDT"])
        #expect(try await world.publicData("/api/v5/market/index-tickers?quoteCcy=USD").count > 30)
    }

    @Test func funding() async throws {
        let world = try ready()
        #expect(try await world.data("GET", "/api/v5/asset/balances").isEmpty)
        let rows = try await world.data("GET", "/api/v5/asset/currencies?ccy=USDT")
        #expect(rows.map { $0.text("chain") } == ["USDT-TRC20", "USDT-ERC20"])
        #expect(rows.first?["canDep"]?.boolean == true)
    }
}
