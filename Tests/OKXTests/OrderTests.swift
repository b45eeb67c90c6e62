import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// A world as the documents' vectors have it: 10000 USDT, futures mode, leverage 10, the mark at 60000.
private func tradingWorld(
    _ settings: String = #"{"mode":"futures"}"#, mark: String = "60000"
) throws -> TestWorld<OKXVenue> {
    let world = try world()
    try world.open("desk", settings)
    try world.run("desk", ("deposit", #""asset":"USDT","amount":"10000""#))
    if !settings.contains("spot") {
        try world.run(
            "desk", ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"10","margin_mode":"cross""#))
    }
    try world.prices(
        marks: #"{"BTC-USDT-SWAP":"\#(mark)"}"#, index: #"{"USDT":"1","BTC":"\#(mark)"}"#)
    world.addKey(
        account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase", permissions: [.read, .trade])
    return world
}

extension TestWorld where Model == OKXVenue {
    fileprivate func quote(_ members: String, _ name: String = "BTC-USDT-SWAP") throws {
        try apply(#"{"type":"quotes","venue":"okx","quotes":{"\#(name)":{\#(members)}}}"#)
    }

    /// Posts to `trade/…`; the first item of the answer.
    @discardableResult
    fileprivate func trade(_ path: String, _ body: String) async throws -> JSONValue {
        let json = try await signed("POST", "/api/v5/trade/\(path)", body: body).json
        return try #require(json["data"]?.elements?.first, "\(json)")
    }

    /// Places an order of BTC-USDT-SWAP on cross margin: its id, or the code of its refusal.
    @discardableResult
    fileprivate func place(_ members: String) async throws -> String {
        let item = try await trade(
            "order", #"{"instId":"BTC-USDT-SWAP","tdMode":"cross",\#(members)}"#)
        let code = item.text("sCode") ?? ""
        return code == "0" ? item.text("ordId") ?? "" : code
    }

    fileprivate func order(_ id: String, _ name: String = "BTC-USDT-SWAP") async throws -> JSONValue {
        try #require(try await data("GET", "/api/v5/trade/order?instId=\(name)&ordId=\(id)").first)
    }
}

@Suite("OKX orders, by the documents' vectors")
struct OrderTests {
    @Test(
        "an order whose attached stops cannot be read is refused",
        arguments: [
            #""x""#, "1", "{}", "true", "[1]", "[null]", #"[{"slTriggerPx":"50000","slOrdPx":"-1"},"x"]"#,
        ])
    func unreadableStops(stops: String) async throws {
        let world = try tradingWorld()
        let order = #""side":"buy","ordType":"limit","sz":"1","px":"59000","attachAlgoOrds":"#
        #expect(try await world.place(order + stops) == "51000")
        #expect(world.account("desk")?.orders.isEmpty == true)
        for none in ["null", #""""#, "[]"] {
            #expect(try await world.place(order + none).count > 5, "\(none)")
        }
    }

    /// S1 to S3: bought, reduced as maker, and funding.
    private func scenario() async throws -> TestWorld<OKXVenue> {
        let world = try tradingWorld()
        try world.quote(#""bid":"59999.9","ask":"60001","last":"60000""#)
        let item = try await world.trade(
            "batch-orders",
            #"[{"instId":"BTC-USDT-SWAP","side":"buy","ordType":"market","sz":"30","tdMode":"cross","clOrdId":"s1"}]"#
        )
        expect(item, ["clOrdId": "s1", "sCode": "0", "sMsg": "Order placed", "tag": "", "subCode": ""])
        let bought = try await world.order(try #require(item.text("ordId")))
        expect(
            bought,
            [
                "state": "filled", "accFillSz": "30", "avgPx": "60001", "fee": "-9.00015", "pnl": "0",
                "px": "", "ordType": "market", "feeCcy": "USDT", "fillPx": "60001", "fillSz": "30",
                "posSide": "net", "tdMode": "cross", "instType": "SWAP", "cancelSource": "",
            ])
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#)
        let position = try #require(try await world.data("GET", "/api/v5/account/positions").first)
        expect(
            position,
            [
                "pos": "30", "avgPx": "60001", "imr": "1800", "upl": "-0.3",
                "uplRatio": "-0.0001666638889352", "bePx": "60061.0310155077538769",
            ])
        expect(
            try world.balance("desk").detail("USDT"),
            [
                "cashBal": "9990.99985", "eq": "9990.69985", "frozenBal": "1800", "availEq": "8190.69985",
                "mgnRatio": "123.3419734567901235",
            ])

        // S2: reduce-only orders reserve nothing, and fill as maker at their own price.
        let reducing = try await world.place(
            #""side":"sell","ordType":"post_only","sz":"10","px":"60100","reduceOnly":true"#)
        expect(try world.balance("desk").detail("USDT"), ["ordFrozen": "0"])
        try world.quote(#""last":"60100""#)
        let reduced = try await world.order(reducing)
        expect(reduced, ["state": "filled", "pnl": "9.9", "fee": "-1.202"])
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "9999.69785"])
        let fill = try #require(
            try await world.data("GET", "/api/v5/trade/fills?ordId=\(reducing)").first)
        expect(fill, ["fillPnl": "9.9", "fee": "-1.202", "execType": "M", "side": "sell", "fillSz": "10"])

        // S3: funding.
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60050"}"#)
        try world.run("desk", ("funding", #""instrument":"BTC-USDT-SWAP","rate":"0.0001""#))
        let funded = try #require(try await world.data("GET", "/api/v5/account/bills?type=8").first)
        expect(
            funded,
            [
                "subType": "173", "pnl": "-1.201", "balChg": "-1.2010000000000000", "px": "60050", "sz": "20",
                "mgnMode": "cross", "tradeId": "0",
            ])

        return world
    }

    /// S1 to S5: then turned around by one order, and an order that rests.
    @Test func turnedAround() async throws {
        let world = try await scenario()
        try world.quote(#""bid":"59900","ask":"59900.1","last":"59900""#)
        let flip = try await world.place(#""side":"sell","ordType":"market","sz":"50""#)
        expect(try await world.order(flip), ["pnl": "-20.2", "fee": "-14.975", "avgPx": "59900"])
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "9963.32185"])
        try world.prices(marks: #"{"BTC-USDT-SWAP":"59900"}"#)
        let closed = try #require(try await world.data("GET", "/api/v5/account/positions-history").first)
        expect(
            closed,
            [
                "direction": "long", "closeTotalPos": "30", "openAvgPx": "60001", "type": "2",
                "openMaxPos": "30", "lever": "10.0",
            ])

        // S5: a limit order that rests.
        let resting = try await world.place(#""side":"sell","ordType":"limit","sz":"10","px":"61000""#)
        expect(
            try world.balance("desk").detail("USDT"),
            ["imr": "1797", "ordFrozen": "610", "frozenBal": "2410.05", "availEq": "7553.27185"])
        expect(
            try await world.data("GET", "/api/v5/trade/orders-pending").first,
            ["state": "live", "px": "61000", "avgPx": "", "fillSz": "0", "stpMode": "cancel_maker"])
        let cancelled = try await world.trade(
            "cancel-order", #"{"instId":"BTC-USDT-SWAP","ordId":"\#(resting)"}"#)
        #expect(cancelled.object?.keys.map { $0 } == ["clOrdId", "ordId", "sCode", "sMsg", "ts"])
        expect(
            try await world.order(resting),
            [
                "state": "canceled", "cancelSource": "1", "cancelSourceReason": "Order was canceled by you",
                "feeCcy": "USDT",
            ])
        expect(
            try world.balance("desk").detail("USDT"), ["frozenBal": "1797", "availEq": "8166.32185"])
    }

    /// S6, S7: what cannot rest or be filled is accepted and ends.
    @Test("a position keeps its id when it turns over, and when it is opened anew")
    func positionID() async throws {
        let world = try tradingWorld()
        try world.quote(#""bid":"60000","ask":"60001""#)
        var ids: Set<String> = []
        for (minute, order) in [
            #""side":"buy","sz":"10""#, #""side":"sell","sz":"30""#, #""side":"buy","sz":"20""#,
            #""side":"buy","sz":"5""#,
        ].enumerated() {
            world.setLedgerTime(1_780_272_000_000 + Int64(minute) * 60_000)
            try await world.place(order + #","ordType":"market""#)
            let rows = try await world.data("GET", "/api/v5/account/positions")
            #expect(rows.map { $0.text("pos") } == [["10"], ["-20"], [], ["5"]][minute])
            ids.formUnion(rows.compactMap { $0.text("posId") })
        }
        #expect(ids.count == 1)
        let closed = try await world.data("GET", "/api/v5/account/positions-history")
        #expect(closed.count == 2 && Set(closed.map { $0.text("posId") }) == [ids.first])
    }

    @Test func immediateEnds() async throws {
        let world = try tradingWorld()
        try world.quote(#""bid":"59930","ask":"59940","ask_size":"15","last":"59940""#)
        let part = try await world.place(#""side":"buy","ordType":"ioc","sz":"40","px":"59950""#)
        expect(
            try await world.order(part),
            [
                "state": "canceled", "cancelSource": "14", "accFillSz": "15", "avgPx": "59940", "sz": "40",
                "fee": "-4.4955",
            ])
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "9995.5045"])
        let posted = try await world.place(#""side":"sell","ordType":"post_only","sz":"5","px":"59930""#)
        expect(try await world.order(posted), ["state": "canceled", "cancelSource": "31", "accFillSz": "0"])
        let whole = try await world.place(#""side":"sell","ordType":"fok","sz":"5","px":"59990""#)
        expect(try await world.order(whole), ["state": "canceled", "cancelSource": "13"])
        let history = try await world.data("GET", "/api/v5/trade/orders-history?instType=SWAP")
        #expect(history.compactMap { $0.text("ordId") } == [whole, posted, part])
        // Cancelled without a fill is kept for two hours.
        world.setLedgerTime(1_780_272_000_000 + 7_200_001)
        let later = try await world.data("GET", "/api/v5/trade/orders-history?instType=SWAP")
        #expect(later.compactMap { $0.text("ordId") } == [part])
    }

    /// S8: a stop loss that closes.
    @Test func stopLoss() async throws {
        let world = try tradingWorld(mark: "59940")
        try world.quote(#""bid":"59930","ask":"59940","last":"59940""#)
        try await world.place(#""side":"buy","ordType":"market","sz":"15""#)
        let placed = try await world.trade(
            "order-algo",
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"sell","ordType":"conditional","sz":"15","#
                + #""slTriggerPx":"59000","slOrdPx":"-1","reduceOnly":true,"algoClOrdId":"stop1"}"#)
        #expect(
            placed.object?.keys.map { $0 } == ["algoClOrdId", "algoId", "clOrdId", "sCode", "sMsg", "tag"])
        expect(placed, ["algoClOrdId": "stop1", "sCode": "0"])
        let id = try #require(placed.text("algoId"))
        let pending = try await world.data("GET", "/api/v5/trade/orders-algo-pending?ordType=conditional")
        expect(
            pending.first,
            [
                "algoId": id, "state": "live", "slTriggerPx": "59000", "slOrdPx": "-1", "last": "59940",
                "slTriggerPxType": "last", "failCode": "0", "actualSz": "0", "reduceOnly": "true",
            ])
        try world.quote(#""bid":"58990","ask":"58995.1","last":"58995""#)
        let fired = try #require(
            try await world.data("GET", "/api/v5/trade/order-algo?algoId=\(id)").first)
        expect(fired, ["state": "effective", "actualSide": "sl"])
        let child = try #require(fired["ordIdList"]?.elements?.first?.text)
        expect(
            try await world.order(child),
            [
                "source": "7", "algoId": id, "algoClOrdId": "stop1", "pnl": "-142.5", "fee": "-4.42425",
                "state": "filled", "avgPx": "58990",
            ])
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "9848.58025"])
        #expect(try await world.data("GET", "/api/v5/account/positions").isEmpty)
        let kept = try await world.data(
            "GET", "/api/v5/trade/orders-algo-history?ordType=conditional&state=effective")
        #expect(kept.first?.text("algoId") == id)
    }

    /// S9: amended to a smaller size, then to what is filled.
    @Test func amended() async throws {
        let world = try tradingWorld()
        let id = try await world.place(#""side":"buy","ordType":"limit","sz":"10","px":"59000""#)
        try world.quote(#""last":"59000","quantity":"4""#)
        expect(try await world.order(id), ["fee": "-0.472", "state": "partially_filled", "accFillSz": "4"])
        let ack = try await world.trade(
            "amend-order", #"{"instId":"BTC-USDT-SWAP","ordId":"\#(id)","newSz":"6","reqId":"r1"}"#)
        #expect(
            ack.object?.keys.map { $0 } == ["clOrdId", "ordId", "reqId", "sCode", "sMsg", "subCode", "ts"])
        expect(ack, ["reqId": "r1", "sCode": "0", "sMsg": ""])
        expect(try await world.order(id), ["sz": "6", "state": "partially_filled"])
        try await world.trade("amend-order", #"{"instId":"BTC-USDT-SWAP","ordId":"\#(id)","newSz":"4"}"#)
        expect(try await world.order(id), ["state": "filled", "accFillSz": "4", "cancelSource": ""])
    }

    /// S10: of a batch some are done.
    @Test func batch() async throws {
        let world = try tradingWorld()
        let good =
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"limit","sz":"1","px":"59000"}"#
        let bad = good.replacing(#""sz":"1""#, with: #""sz":"0.005""#)
        let json = try await world.signed(
            "POST", "/api/v5/trade/batch-orders", body: "[\(good),\(bad)]"
        ).json
        #expect(
            json.object?.keys.map { $0 } == ["code", "data", "inTime", "msg", "outTime"])
        expect(json, ["code": "2", "msg": "Bulk operation partially succeeded."])
        let items = try #require(json["data"]?.elements)
        expect(items[0], ["sCode": "0"])
        expect(items[1], ["sCode": "51121", "ordId": ""])
        let many = Array(repeating: good, count: 21).joined(separator: ",")
        let refused = await world.signed("POST", "/api/v5/trade/batch-orders", body: "[\(many)]")
        #expect(refused.status == 400)
        expect(try refused.json, ["code": "51111"])
    }

    @Test("a later amendment of a batch finds what an earlier one did")
    func amendedTogether() async throws {
        let world = try tradingWorld()
        try await world.place(#""side":"buy","ordType":"market","sz":"10""#)
        let closing = #""side":"sell","ordType":"limit","sz":"3","px":"61000","reduceOnly":true"#
        let ids = [try await world.place(closing), try await world.place(closing)]
        func amendments(_ ids: [String]) -> String {
            let items = ids.map { #"{"instId":"BTC-USDT-SWAP","ordId":"\#($0)","newSz":"6"}"# }
            return "[\(items.joined(separator: ","))]"
        }
        let batch = try await world.signed(
            "POST", "/api/v5/trade/amend-batch-orders", body: amendments(ids + ids)
        ).json
        #expect(
            batch["data"]?.elements?.map { $0.text("sCode") } == ["0", "51112", "51512", "51512"],
            "together they would close 12 of 10; none is amended twice")
        expect(try await world.order(ids[1]), ["sz": "3"])
    }

    @Test("conditional orders are amended and cancelled by the instrument that they are of")
    func algosOfAnInstrument() async throws {
        let world = try tradingWorld()
        let stop =
            #"{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"sell","ordType":"conditional","sz":"1","#
            + #""slTriggerPx":"59000","slOrdPx":"-1"}"#
        let id = try #require(try await world.trade("order-algo", stop).text("algoId"))
        for (name, amended, cancelled) in [
            (#""instId":"ETH-USDT-SWAP","#, "51503", "51400"), ("", "50014", "50014"),
            (#""instId":"BTC-USDT-SWAP","#, "0", "0"),
        ] {
            let named = #"\#(name)"algoId":"\#(id)""#
            let amendment = try await world.trade("amend-algos", #"{\#(named),"newSlTriggerPx":"58000"}"#)
            expect(amendment, ["sCode": amended])
            expect(try await world.trade("cancel-algos", "[{\(named)}]"), ["sCode": cancelled])
        }
        #expect(world.account("desk")?.conditionals.isEmpty == true)
    }

    /// V1, S11: a spot purchase for an amount of the quote currency; the fee is out of what is received.
    @Test func spotForQuote() async throws {
        let world = try tradingWorld(#"{"mode":"spot"}"#, mark: "51858")
        try world.quote(#""bid":"51857.9","ask":"51858","last":"51858""#, "BTC-USDT")
        let item = try await world.trade(
            "order",
            #"{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"market","sz":"100","tgtCcy":"quote_ccy"}"#
        )
        let id = try #require(item.text("ordId"), "\(item)")
        expect(
            try await world.order(id, "BTC-USDT"),
            [
                "accFillSz": "0.00192834", "avgPx": "51858", "fee": "-0.00000192834", "feeCcy": "BTC",
                "sz": "100", "tgtCcy": "quote_ccy", "state": "filled", "tdMode": "cash", "instType": "SPOT",
                "rebateCcy": "USDT", "pnl": "0", "posSide": "net", "tradeQuoteCcy": "USDT", "lever": "",
            ])
        let balance = try world.balance("desk")
        expect(balance.detail("BTC"), ["cashBal": "0.00192641166"])
        expect(balance.detail("USDT"), ["cashBal": "9900.00014428"])
        let fill = try #require(try await world.data("GET", "/api/v5/trade/fills?instType=SPOT").first)
        expect(fill, ["feeRate": "-0.001", "execType": "T", "fillPnl": "0", "feeCcy": "BTC", "subType": "1"])
        #expect(
            fill.object?.keys.map { $0 } == [
                "side", "fillSz", "fillPx", "fillPxVol", "fillFwdPx", "fee", "fillPnl", "ordId", "feeRate",
                "instType", "fillPxUsd", "instId", "clOrdId", "posSide", "billId", "subType", "fillMarkVol",
                "tag", "fillTime", "execType", "fillIdxPx", "tradeId", "fillMarkPx", "feeCcy", "ts",
                "tradeQuoteCcy",
            ])
        #expect(try await world.data("GET", "/api/v5/account/bills?type=2").count == 2)
    }

    /// V2: a spot sale as maker.
    @Test func spotSale() async throws {
        let world = try tradingWorld(#"{"mode":"spot"}"#, mark: "31527")
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        let item = try await world.trade(
            "order",
            #"{"instId":"BTC-USDT","tdMode":"cash","side":"sell","ordType":"limit","sz":"0.001","px":"31527.1"}"#
        )
        let id = try #require(item.text("ordId"), "\(item)")
        try world.quote(#""last":"31527.1""#, "BTC-USDT")
        expect(
            try await world.order(id, "BTC-USDT"),
            ["fee": "-0.02522168", "feeCcy": "USDT", "rebateCcy": "BTC", "state": "filled"])
    }

    /// V7: isolated takes margin and fee out of cash.
    @Test func isolated() async throws {
        let world = try tradingWorld()
        try world.run(
            "desk",
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"20","margin_mode":"isolated""#))
        try world.quote(#""bid":"59999.9","ask":"60000","last":"60000""#)
        let item = try await world.trade(
            "order",
            #"{"instId":"BTC-USDT-SWAP","tdMode":"isolated","side":"buy","ordType":"market","sz":"10"}"#)
        expect(item, ["sCode": "0"])
        expect(try world.balance("desk").detail("USDT"), ["cashBal": "9697"])
        let position = try #require(try await world.data("GET", "/api/v5/account/positions").first)
        expect(position, ["margin": "300", "mgnMode": "isolated"])
        let bill = try #require(try await world.data("GET", "/api/v5/account/bills?type=2").first)
        expect(bill, ["balChg": "-303.0000000000000000", "posBalChg": "300", "posBal": "300", "fee": "-3"])
        let answer = try await world.data(
            "POST", "/api/v5/account/position/margin-balance",
            body: #"{"instId":"BTC-USDT-SWAP","posSide":"net","type":"add","amt":"10"}"#)
        expect(answer.first, ["amt": "10", "ccy": "USDT", "type": "add", "leverage": "20"])
        let closed = try await world.data(
            "POST", "/api/v5/trade/close-position",
            body: #"{"instId":"BTC-USDT-SWAP","mgnMode":"isolated"}"#)
        expect(closed.first, ["instId": "BTC-USDT-SWAP", "posSide": "net"])
        #expect(try await world.data("GET", "/api/v5/account/positions").isEmpty)
    }

    /// S12: an inverse contract.
    @Test func inverse() async throws {
        let world = try tradingWorld(mark: "50000")
        try world.run("desk", ("deposit", #""asset":"BTC","amount":"1""#))
        try world.prices(marks: #"{"BTC-USD-SWAP":"50000"}"#)
        try world.quote(#""bid":"49999.9","ask":"50000","last":"50000""#, "BTC-USD-SWAP")
        let order = #""instId":"BTC-USD-SWAP","tdMode":"cross","ordType":"market","sz":"50""#
        let opened = try await world.trade("order", #"{\#(order),"side":"buy"}"#)
        expect(
            try await world.order(opened.text("ordId") ?? "", "BTC-USD-SWAP"),
            ["fee": "-0.00005", "feeCcy": "BTC"])
        try world.quote(#""bid":"52000","ask":"52000.1","last":"52000""#, "BTC-USD-SWAP")
        let closed = try await world.trade("order", #"{\#(order),"side":"sell"}"#)
        expect(
            try await world.order(closed.text("ordId") ?? "", "BTC-USD-SWAP"),
            ["pnl": "0.0038461538461538", "fee": "-0.0000480769230769"])
    }

    /// The cost of an inverse contract is booked with 18 places; its figures are those of the price it was
    /// filled at, worked out by hand as fractions.
    @Test func inverseFigures() async throws {
        let world = try tradingWorld(mark: "58000")
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("set_leverage", #""instrument":"BTC-USD-SWAP","leverage":"3","margin_mode":"isolated""#),
            (
                "fill",
                #""instrument":"BTC-USD-SWAP","side":"sell","quantity":"1","price":"58834.6","#
                    + #""margin_mode":"isolated""#
            ))
        try world.prices(marks: #"{"BTC-USD-SWAP":"58000"}"#)
        let position = try #require(
            try await world.data("GET", "/api/v5/account/positions?instId=BTC-USD-SWAP").first)
        // 100 ÷ 58000 − 100 ÷ 58834.6; times 3 ÷ (100 ÷ 58834.6); 58834.6 × (1 − 0.0005).
        expect(
            position,
            [
                "avgPx": "58834.6", "upl": "0.0000244578108331", "uplRatio": "0.0431689655172414",
                "bePx": "58805.1827",
                // Both with a margin of 100 ÷ 58834.6 ÷ 3: 58834.6 × (1 − 0.0045) × 1.5 − 0.1, and with the
                // profit ÷ (100 ÷ 58000 × 0.0045).
                "liqPx": "87854.66645", "mgnRatio": "76.1756341160297336",
            ])
        // Margin that was put in is no share of what it was opened at.
        try world.run(
            "desk", ("adjust_isolated_margin", #""instrument":"BTC-USD-SWAP","amount":"0.0001""#))
        let more = try #require(
            try await world.data("GET", "/api/v5/account/positions?instId=BTC-USD-SWAP").first)
        expect(more, ["margin": "0.0006665600400671"])
        try world.run(
            "desk",
            (
                "fill",
                #""instrument":"BTC-USD-SWAP","side":"buy","quantity":"1","price":"58000","#
                    + #""margin_mode":"isolated""#
            ))
        expect(
            try await world.data("GET", "/api/v5/account/positions-history").first,
            ["openAvgPx": "58834.6"])
    }

    /// S14, S15: ids.
    @Test func ids() async throws {
        let world = try tradingWorld()
        let unknown = try await world.signed(
            "GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP&clOrdId=never"
        ).json
        expect(unknown, ["code": "51603", "msg": "Order does not exist"])
        let members = #""side":"buy","ordType":"limit","sz":"1","px":"59000","clOrdId":"mine""#
        let first = try await world.place(members)
        #expect(first.utf8.count == 19)
        #expect(try await world.place(members) == "51016")
        try await world.trade("cancel-order", #"{"instId":"BTC-USDT-SWAP","clOrdId":"mine"}"#)
        let again = try await world.signed(
            "POST", "/api/v5/trade/cancel-order", body: #"{"instId":"BTC-USDT-SWAP","ordId":"\#(first)"}"#
        ).json
        expect(again, ["code": "1", "msg": "All operations failed"])
        expect(again["data"]?.elements?.first, ["sCode": "51400"])
        let second = try await world.place(members)
        #expect(second != first)
        let found = try await world.data("GET", "/api/v5/trade/order?instId=BTC-USDT-SWAP&clOrdId=mine")
        #expect(found.first?.text("ordId") == second)
    }

    /// S16: the dead man's switch.
    @Test func deadMansSwitch() async throws {
        let world = try tradingWorld()
        let id = try await world.place(#""side":"buy","ordType":"limit","sz":"1","px":"59000""#)
        let armed = try await world.data(
            "POST", "/api/v5/trade/cancel-all-after", body: #"{"timeOut":10}"#)
        expect(armed.first, ["triggerTime": "1780272010000", "ts": "1780272000000"])
        world.setLedgerTime(1_780_272_010_000)
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#)
        expect(try await world.order(id), ["state": "canceled", "cancelSource": "20"])
        let off = try await world.data(
            "POST", "/api/v5/trade/cancel-all-after", body: #"{"timeOut":"0"}"#)
        expect(off.first, ["triggerTime": "0"])
    }
}

@Suite("OKX orders that are refused")
struct OrderRefusalTests {
    /// Rows of the error table: what is asked for, in which account, and the code.
    @Test(
        arguments: [
            (#""ordType":"limit","sz":"1","px":"59000""#, "50014", "Parameter side can not be empty"),
            (#""side":"up","ordType":"limit","sz":"1","px":"59000""#, "51000", "Parameter side error"),
            (#""side":"buy","ordType":"twap","sz":"1","px":"59000""#, "51000", "Parameter ordType error"),
            (#""side":"buy","ordType":"limit","sz":"1""#, "50014", "Parameter px can not be empty"),
            (#""side":"buy","ordType":"limit","sz":"x","px":"59000""#, "51000", "Parameter sz error"),
            (#""side":"buy","ordType":"limit","sz":"-1","px":"59000""#, "51000", "Parameter sz error"),
            (#""side":"buy","ordType":"limit","sz":"0","px":"59000""#, "51000", "Parameter sz error"),
            (#""side":"buy","ordType":"limit","sz":"1.005","px":"59000""#, "51121", nil),
            (#""side":"buy","ordType":"limit","sz":"99999999999","px":"59000""#, "51101", nil),
            (#""side":"buy","ordType":"market","sz":"9999999""#, "51101", nil),
            (#""side":"buy","ordType":"limit","sz":"1","px":"59000.05""#, "51000", "Parameter px error"),
            (#""side":"buy","ordType":"limit","sz":"1","px":"70000""#, "51006", nil),
            (#""side":"sell","ordType":"limit","sz":"1","px":"50000""#, "51006", nil),
            (
                #""side":"buy","ordType":"limit","sz":"1","px":"59000","posSide":"long""#, "51000",
                "Parameter posSide error "
            ),
            (
                #""side":"buy","ordType":"limit","sz":"1","px":"59000","clOrdId":"a-b""#, "51000",
                "Parameter clOrdId error"
            ),
            (#""side":"buy","ordType":"fok","sz":"1","px":"59000","stpMode":"cancel_both""#, "54036", nil),
            (#""side":"sell","ordType":"limit","sz":"1","px":"61000","reduceOnly":"true""#, "51169", nil),
            (
                #""side":"buy","ordType":"limit","sz":"9000","px":"59000""#, "51008",
                "Order failed. Insufficient USDT margin in account "
            ),
        ] as [(String, String, String?)])
    func refused(_ members: String, _ code: String, _ message: String?) async throws {
        let world = try tradingWorld()
        let before = world.account("desk")
        let item = try await world.trade(
            "order", #"{"instId":"BTC-USDT-SWAP","tdMode":"cross",\#(members)}"#)
        expect(item, ["sCode": code, "ordId": ""])
        if let message { expect(item, ["sMsg": message]) }
        #expect(world.account("desk") == before)
    }

    @Test(arguments: [
        (#"{"mode":"spot"}"#, "BTC-USDT-SWAP", "cross", "51010"),
        (#"{"mode":"multi"}"#, "BTC-USDT", "cash", "51000"),
        (#"{"mode":"multi"}"#, "BTC-USDT-SWAP", "isolated", "50072"),
        (#"{"mode":"futures"}"#, "BTC-USDT-SWAP", "cash", "51000"),
        (#"{"mode":"futures"}"#, "NO-SUCH", "cross", "51001"),
        (#"{"mode":"futures","hedge":true}"#, "BTC-USDT-SWAP", "cross", "51000"),
    ])
    func modes(_ settings: String, _ name: String, _ mode: String, _ code: String) async throws {
        let world = try tradingWorld(settings)
        let item = try await world.trade(
            "order",
            #"{"instId":"\#(name)","tdMode":"\#(mode)","side":"buy","ordType":"limit","sz":"1","px":"59000"}"#
        )
        expect(item, ["sCode": code])
    }

    @Test("hedge mode closes no more than is held; reduce-only finds the other side")
    func closing() async throws {
        let hedged = try tradingWorld(#"{"mode":"futures","hedge":true}"#)
        let closing = #""side":"sell","ordType":"market","sz":"2","posSide":"long""#
        #expect(try await hedged.place(closing) == "51169")
        _ = try await hedged.place(#""side":"buy","ordType":"market","sz":"1","posSide":"long""#)
        #expect(try await hedged.place(closing) == "51112")
        let net = try tradingWorld()
        _ = try await net.place(#""side":"buy","ordType":"market","sz":"1""#)
        #expect(
            try await net.place(#""side":"buy","ordType":"market","sz":"1","reduceOnly":true"#) == "51170")
    }

    @Test("a key without the right to trade, a body that is no JSON, an order that is unknown")
    func envelopes() async throws {
        let world = try tradingWorld()
        world.addKey(account: "desk", apiKey: "read", secret: "secret", passphrase: "phrase")
        let forbidden = await world.signed("POST", "/api/v5/trade/order", body: "{}", key: "read")
        expect(try forbidden.json, ["code": "50120"])
        let malformed = await world.signed("POST", "/api/v5/trade/order", body: "{")
        #expect(malformed.status == 400)
        expect(try malformed.json, ["code": "50002"])
        let unknown = try await world.trade(
            "amend-order", #"{"instId":"BTC-USDT-SWAP","ordId":"1","newSz":"2"}"#)
        expect(unknown, ["sCode": "51503"])
        let algo = try await world.trade("cancel-algos", #"[{"instId":"BTC-USDT-SWAP","algoId":"1"}]"#)
        expect(algo, ["sCode": "51400"])
        let none = await world.signed(
            "POST", "/api/v5/trade/close-position", body: #"{"instId":"BTC-USDT-SWAP","mgnMode":"cross"}"#)
        expect(try none.json, ["code": "51023"])
    }
}
