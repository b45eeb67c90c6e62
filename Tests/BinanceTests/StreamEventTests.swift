import Binance
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

/// What a connected desk is told of some commands, after others were applied.
private func told(
    settings: String = "{}", after setting: [String], _ commands: String...
) async throws -> [String] {
    let world = try binanceWorld(settings: settings, commands: setting)
    var stream = try await world.userStream()
    for command in commands { try world.apply(command) }
    stream.hear()
    return stream.takeTexts()
}

/// An ACCOUNT_UPDATE of the standing clock.
private func update(
    _ reason: String, _ balances: String, _ positions: String = "", _ more: String = ""
) -> String {
    #"{"e":"ACCOUNT_UPDATE","E":1780272000000,"T":1780272000000,"a":{"m":"\#(reason)","B":[\#(balances)],"#
        + #""P":[\#(positions)]\#(more)}}"#
}

private func balance(_ asset: String, _ wallet: String, _ cross: String, _ change: String) -> String {
    #"{"a":"\#(asset)","wb":"\#(wallet)","cw":"\#(cross)","bc":"\#(change)"}"#
}

private func fill(
    _ symbol: String, _ side: String, _ quantity: String, _ price: String, _ more: String = ""
) -> String {
    desk(
        "fill",
        #""instrument":"\#(symbol)","side":"\#(side)","quantity":"\#(quantity)","price":"\#(price)"\#(more)"#)
}

private let goldenMarks = marks(#""BTCUSDT":"61234.5678","ETHUSDT":"3050""#)
private let isolated = #","margin_mode":"isolated""#

@Suite("User data streams: what is told of every event of the ledger")
struct StreamEventTests {
    @Test("money in and out")
    func money() async throws {
        let frames = try await told(
            after: [],
            deposit("USDT", "100.5"), desk("withdraw", #""asset":"USDT","amount":"30","fee":"1""#),
            deposit("BNB", "2"))
        #expect(
            frames == [
                update("DEPOSIT", balance("USDT", "100.50000000", "100.50000000", "100.50000000")),
                update("WITHDRAW", balance("USDT", "69.50000000", "69.50000000", "-31.00000000")),
                update("DEPOSIT", balance("BNB", "2.00000000", "2.00000000", "2.00000000")),
            ])
    }

    @Test("trades of a cross position: opened, reduced, turned around, closed")
    func crossTrades() async throws {
        let frames = try await told(
            after: [deposit("USDT", "10000"), goldenMarks],
            fill("BTCUSDT", "buy", "0.5", "60000", #","fee":"12""#),
            fill("BTCUSDT", "sell", "0.2", "61000", #","fee":"0.01","fee_asset":"BNB""#),
            fill("BTCUSDT", "sell", "0.4", "61000"), fill("BTCUSDT", "buy", "0.1", "61500"))
        func position(_ rest: String) -> String {
            #"{"s":"BTCUSDT",\#(rest),"mt":"cross","iw":"0","ps":"BOTH","ma":"USDT"}"#
        }
        #expect(
            frames == [
                update(
                    "ORDER", balance("USDT", "9988.00000000", "9988.00000000", "0"),
                    position(
                        #""pa":"0.500","ep":"60000","bep":"60024","cr":"0","up":"617.28390000""#
                    )),
                update(
                    "ORDER",
                    balance("USDT", "10188.00000000", "10188.00000000", "0") + ","
                        + balance("BNB", "-0.01000000", "-0.01000000", "0"),
                    position(
                        #""pa":"0.300","ep":"60000","bep":"59373.33333333","#
                            + #""cr":"200.00000000","up":"370.37034000""#
                    )),
                update(
                    "ORDER", balance("USDT", "10488.00000000", "10488.00000000", "0"),
                    position(
                        #""pa":"-0.100","ep":"61000","bep":"61000","cr":"500.00000000","up":"-23.45678000""#
                    )),
                update(
                    "ORDER", balance("USDT", "10438.00000000", "10438.00000000", "0"),
                    position(
                        #""pa":"0.000","ep":"0.0","bep":"0.0","cr":"450.00000000","up":"0.00000000""#
                    )),
            ])
    }

    @Test("an isolated position: opened, margin added, funding, liquidated")
    func isolatedPosition() async throws {
        let frames = try await told(
            after: [
                deposit("USDT", "10000"), goldenMarks,
                desk("set_leverage", #""instrument":"ETHUSDT","leverage":"10""#),
            ],
            fill("ETHUSDT", "sell", "2", "3000", isolated),
            desk("adjust_isolated_margin", #""instrument":"ETHUSDT","amount":"50.25""#),
            desk("funding", #""instrument":"ETHUSDT","amount":"-1.5""#),
            fill("ETHUSDT", "buy", "2", "3100", isolated + #","liquidation":true,"fee":"2""#))
        func position(_ wallet: String) -> String {
            #"{"s":"ETHUSDT","pa":"-2.000","ep":"3000","bep":"3000","cr":"0","up":"-100.00000000","#
                + #""mt":"isolated","iw":"\#(wallet)","ps":"BOTH","ma":"USDT"}"#
        }
        #expect(
            frames == [
                update(
                    "ORDER", balance("USDT", "10000.00000000", "9400.00000000", "0"),
                    position("600.00000000")),
                update(
                    "MARGIN_TRANSFER", balance("USDT", "10000.00000000", "9349.75000000", "0"),
                    position("650.25000000")),
                update(
                    "FUNDING_FEE", balance("USDT", "9998.50000000", "9349.75000000", "-1.50000000"),
                    position("648.75000000"), #","S":"ETHUSDT""#),
                update(
                    "INSURANCE_CLEAR", balance("USDT", "9796.50000000", "9796.50000000", "0"),
                    #"{"s":"ETHUSDT","pa":"0.000","ep":"0.0","bep":"0.0","cr":"-200.00000000","#
                        + #""up":"0.00000000","mt":"isolated","iw":"0","ps":"BOTH","ma":"USDT"}"#),
            ])
    }

    @Test("funding of a cross position tells of the balance only")
    func crossFunding() async throws {
        let frames = try await told(
            after: [deposit("USDT", "10000"), importPosition("BTCUSDT", "0.5", "60000"), goldenMarks],
            desk("funding", #""instrument":"BTCUSDT","rate":"0.0001""#))
        #expect(
            frames == [
                update(
                    "FUNDING_FEE", balance("USDT", "9996.93827161", "9996.93827161", "-3.06172839"), "",
                    #","S":"BTCUSDT""#)
            ])
    }

    @Test("an order of the operator: placed, filled as maker, cancelled; a price tells nothing")
    func orders() async throws {
        let frames = try await told(
            after: [deposit("USDT", "10000"), goldenMarks],
            order("o1", "BTCUSDT", "buy", "0.1", "60000"), goldenMarks,
            fill("BTCUSDT", "buy", "0.04", "60000", #","order_id":"o1","fee":"0.5""#),
            desk("cancel_order", #""order_id":"o1""#))
        let told = try frames.map { try JSONValue(parsing: $0) }
        #expect(
            told.map { "\($0["e"]?.text ?? "") \($0["o"]?["x"]?.text ?? "")" } == [
                "ORDER_TRADE_UPDATE NEW", "TRADE_LITE ", "ACCOUNT_UPDATE ", "ORDER_TRADE_UPDATE TRADE",
                "ORDER_TRADE_UPDATE CANCELED",
            ])
        let id = try #require(told[0]["o"]?["i"]?.integer)
        let trade = try #require(told[3]["o"]?["t"]?.integer)
        #expect(
            frames[3]
                == #"{"e":"ORDER_TRADE_UPDATE","T":1780272000000,"E":1780272000000,"o":{"s":"BTCUSDT","c":"o1","#
                + #""S":"BUY","o":"LIMIT","f":"GTC","q":"0.1","p":"60000","ap":"60000.00000","sp":"0","#
                + #""x":"TRADE","X":"PARTIALLY_FILLED","i":\#(id),"l":"0.04","z":"0.04","L":"60000","#
                + #""n":"0.50000000","N":"USDT","T":1780272000000,"t":\#(trade),"b":"3600","a":"0","m":true,"#
                + #""R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0","pP":false,"#
                + #""si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#)
        #expect(
            frames[1]
                == #"{"e":"TRADE_LITE","E":1780272000000,"T":1780272000000,"s":"BTCUSDT","q":"0.1","p":"60000","#
                + #""m":true,"c":"o1","S":"BUY","L":"60000","l":"0.04","t":\#(trade),"i":\#(id)}"#)
    }

    @Test(
        "an order of a client's: taker fills and the rest's end follow its placing, a refusal tells nothing")
    func clientOrders() async throws {
        let quote =
            #"{"type":"quotes","venue":"binance","quotes":{"BTCUSDT":{"bid":"61234","ask":"61234.5","ask_size":"0.1"}}}"#
        let world = try binanceWorld(commands: [deposit("USDT", "10000"), goldenMarks, quote])
        var stream = try await world.userStream()
        let market = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.3"
        _ = await world.signed("POST", "/fapi/v1/order", market)
        try world.apply(quote)
        _ = await world.signed("POST", "/fapi/v1/order", market + "0")
        _ = await world.signed(
            "POST", "/fapi/v1/order",
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.1&price=61234.5")
        stream.hear()
        let orders = stream.takeTexts().compactMap { try? JSONValue(parsing: $0)["o"] }
        #expect(
            orders.map { order in
                ["x", "X", "z", "er", "p", "o"].map { order[$0]?.text ?? "" }.joined(separator: " ")
            } == [
                "NEW NEW 0 0 0 MARKET", "TRADE PARTIALLY_FILLED 0.1 0 0 MARKET",
                "EXPIRED EXPIRED 0.1 9 0 MARKET", "NEW NEW 0 0 0 MARKET",
                "TRADE PARTIALLY_FILLED 0.1 0 0 MARKET", "EXPIRED EXPIRED 0.1 9 0 MARKET",
            ])
    }

    @Test("hedge mode: a change of one side brings BOTH and the isolated other side, funding neither")
    func hedge() async throws {
        let short = #","position_side":"short""#
        let frames = try await told(
            settings: #"{"hedge":true}"#,
            after: [deposit("USDT", "10000"), goldenMarks],
            fill("ETHUSDT", "buy", "1", "3000", isolated + #","position_side":"long""#),
            fill("ETHUSDT", "sell", "1", "3000", isolated + short),
            desk("funding", #""instrument":"ETHUSDT","amount":"1","position_side":"short""#),
            fill("BTCUSDT", "buy", "0.1", "60000", #","position_side":"long""#),
            fill("BTCUSDT", "sell", "0.1", "60000", short))
        let rows = try frames.map { frame in
            try #require(try JSONValue(parsing: frame)["a"]?["P"]?.elements).map { row in
                "\(row["s"]?.text ?? "") \(row["ps"]?.text ?? "") \(row["pa"]?.text ?? "")"
            }
        }
        #expect(
            rows == [
                ["ETHUSDT BOTH 0.000", "ETHUSDT LONG 1.000"],
                ["ETHUSDT BOTH 0.000", "ETHUSDT LONG 1.000", "ETHUSDT SHORT -1.000"],
                ["ETHUSDT SHORT -1.000"],
                ["BTCUSDT BOTH 0.000", "BTCUSDT LONG 0.100"],
                ["BTCUSDT BOTH 0.000", "BTCUSDT SHORT -0.100"],
            ])
    }

    @Test("hedge mode: what a side realised counts from its opening")
    func hedgeRealised() async throws {
        let long = #","position_side":"long""#
        let frames = try await told(
            settings: #"{"hedge":true}"#, after: [deposit("USDT", "10000"), goldenMarks],
            fill("BTCUSDT", "buy", "0.2", "60000", long), fill("BTCUSDT", "sell", "0.1", "61000", long),
            fill("BTCUSDT", "sell", "0.1", "62000", long))
        let realised = try frames.map { frame in
            try JSONValue(parsing: frame)["a"]?["P"]?.elements?.map { $0["cr"]?.text }
        }
        #expect(realised == [["0", "0"], ["0", "100.00000000"], ["0", "300.00000000"]])
    }

    @Test("settings: leverage and asset mode when they change, position mode never")
    func settings() async throws {
        func config(_ content: String) -> String {
            #"{"e":"ACCOUNT_CONFIG_UPDATE","E":1780272000000,"T":1780272000000,\#(content)}"#
        }
        let leverage = desk("set_leverage", #""instrument":"BTCUSDT","leverage":"25""#)
        let frames = try await told(
            after: [deposit("USDT", "10")],
            leverage, leverage, desk("configure", #""settings":{"multi_assets":true}"#),
            desk("configure", #""settings":{"hedge":true}"#),
            desk("configure", #""settings":{"multi_assets":false}"#))
        #expect(
            frames == [
                config(#""ac":{"s":"BTCUSDT","l":25}"#), config(#""ai":{"j":true}"#),
                config(#""ai":{"j":false}"#),
            ])
    }

    @Test("an imported position is an adjustment, its leverage a change of settings before it")
    func imported() async throws {
        let frames = try await told(
            after: [deposit("USDT", "1000"), goldenMarks],
            importPosition(
                "ETHUSDT", "1", "3000", #","margin_mode":"isolated","isolated_wallet":"400","leverage":"8""#))
        #expect(
            frames == [
                #"{"e":"ACCOUNT_CONFIG_UPDATE","E":1780272000000,"T":1780272000000,"#
                    + #""ac":{"s":"ETHUSDT","l":8}}"#,
                update(
                    "ADJUSTMENT", balance("USDT", "1000.00000000", "600.00000000", "0"),
                    #"{"s":"ETHUSDT","pa":"1.000","ep":"3000","bep":"3000","cr":"0","up":"50.00000000","#
                        + #""mt":"isolated","iw":"400.00000000","ps":"BOTH","ma":"USDT"}"#),
            ])
    }

    @Test("event time and transaction time are the ledger's")
    func times() async throws {
        let world = try binanceWorld()
        var stream = try await world.userStream()
        try world.apply(
            desk("deposit", #""asset":"USDT","amount":"1","at":"2026-07-01T00:00:00.123Z""#)
        )
        stream.hear()
        let frame = try #require(try stream.takeJSON().first)
        #expect(frame["E"]?.integer == 1_782_864_000_123)
        #expect(frame["T"]?.integer == 1_782_864_000_123)
    }

    // MARK: - Margin calls

    @Test("a margin call of cross positions, once for each time that maintenance reaches the margin")
    func marginCall() async throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "1000"), marks(#""BTCUSDT":"60000""#), fill("BTCUSDT", "buy", "1", "60000"),
        ])
        var stream = try await world.userStream()
        func mark(_ price: String) throws -> [String] {
            try world.apply(marks(#""BTCUSDT":"\#(price)""#))
            stream.hear()
            return stream.takeTexts()
        }
        let call =
            #"{"e":"MARGIN_CALL","E":1780272000000,"cw":"1000.00000000","p":[{"s":"BTCUSDT","ps":"BOTH","#
            + #""pa":"1.000","mt":"CROSSED","iw":"0","mp":"59236.00000000","up":"-764.00000000","#
            + #""mm":"236.94400000"}]}"#
        #expect(try mark("59300") == [])
        #expect(try mark("59236") == [call])
        #expect(try mark("59200") == [])
        #expect(try mark("59300") == [])
        #expect(try mark("59236") == [call])
        // The account changes: money in lifts the call, money out brings it back.
        try world.apply(deposit("USDT", "1"))
        stream.hear()
        #expect(stream.takeTexts().count == 1)
        try world.apply(desk("withdraw", #""asset":"USDT","amount":"1","force":true"#))
        stream.hear()
        let frames = stream.takeTexts()
        #expect(frames.count == 2 && frames.last == call)
    }

    @Test("a margin call of isolated positions, without the cross wallet, and of multi-assets mode in USD")
    func marginCallsOfModes() async throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "10000"), goldenMarks,
            desk("set_leverage", #""instrument":"ETHUSDT","leverage":"10""#),
            fill("ETHUSDT", "sell", "2", "3000", isolated),
        ])
        var stream = try await world.userStream()
        try world.apply(marks(#""ETHUSDT":"3289""#))
        stream.hear()
        #expect(
            stream.takeTexts() == [
                #"{"e":"MARGIN_CALL","E":1780272000000,"p":[{"s":"ETHUSDT","ps":"BOTH","pa":"-2.000","#
                    + #""mt":"ISOLATED","iw":"600.00000000","mp":"3289.00000000","up":"-578.00000000","#
                    + #""mm":"26.31200000"}]}"#
            ])
        let multi = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                deposit("BTC", "0.1"), marks(#""BTCUSDT":"60000""#, index: #""BTC":"60000","USDT":"1""#),
                fill("BTCUSDT", "buy", "1", "60000"),
            ])
        var other = try await multi.userStream()
        try multi.apply(marks(#""BTCUSDT":"54000""#))
        other.hear()
        let calls = try other.takeJSON()
        #expect(calls.count == 1)
        #expect(try calls.first?["cw"]?.text == multi.body().string("totalCrossWalletBalance"))
        #expect(calls.first?["p"]?.elements?.count == 1)
    }

    @Test("who connects below the margin hears of it when it happens again; who did not ask hears nothing")
    func marginCallBaseline() async throws {
        let world = try binanceWorld(commands: [
            deposit("USDT", "1000"), fill("BTCUSDT", "buy", "1", "60000"), marks(#""BTCUSDT":"59000""#),
        ])
        var stream = try await world.userStream()
        var deaf = try await world.userStream { "/private/ws?listenKey=\($0)&events=ACCOUNT_UPDATE" }
        for price in ["58900", "60000", "58900"] {
            try world.apply(marks(#""BTCUSDT":"\#(price)""#))
            stream.hear()
            deaf.hear()
        }
        #expect(stream.takeTexts().count == 1)
        #expect(deaf.takeTexts() == [])
        #expect(!deaf.stream.interest.prices && stream.stream.interest.prices)
    }

    @Test("events that the account already holds are skipped")
    func skipped() async throws {
        let world = try binanceWorld()
        let before = world.lastSequence
        try world.apply(deposit("USDT", "5"))
        var stream = try await world.userStream().stream
        var output = StreamOutput()
        let notice = StreamNotice(events: world.events(after: before))
        stream.ledgerChanged(notice, at: world.realTime(), into: &output)
        #expect(output.messages.isEmpty && output.close == nil)
    }

    // MARK: - The same figures as REST

    @Test("what is pushed is what REST serves at the same place of the journal", arguments: 1...40)
    func sameAsREST(_ seed: Int) async throws {
        var random = SeededNumbers(seed: UInt64(seed))
        let isHedged = seed % 2 == 0
        let isMulti = seed % 3 == 0
        let world = try binanceWorld(
            settings: #"{"multi_assets":\#(isMulti),"hedge":\#(isHedged)}"#, enforcesRateLimits: false)
        var stream = try await world.userStream()
        var wallets: [String: String] = [:]
        var amounts: [String: String] = [:]
        for step in 0..<25 {
            let command = try randomCommand(isHedged: isHedged, isMulti: isMulti, &random)
            _ = try world.refusal(of: command)
            stream.hear()
            let label: Comment = "seed \(seed), step \(step): \(command)"
            let account = try world.body()
            let risks = try await world.signed("GET", "/fapi/v2/positionRisk").json
            for frame in try stream.takeJSON() {
                for row in frame["a"]?["B"]?.elements ?? [] {
                    let asset = try account.asset(row.string("a"))
                    #expect(row["wb"] == asset["walletBalance"], label)
                    #expect(row["cw"] == asset["crossWalletBalance"], label)
                    wallets[try row.string("a")] = try row.string("wb")
                }
                for row in frame["a"]?["P"]?.elements ?? [] where row["ps"]?.text != "BOTH" || !isHedged {
                    let risk = try risks.position(row.string("s"), side: row.string("ps"))
                    let pairs = [
                        ("pa", "positionAmt"), ("ep", "entryPrice"), ("bep", "breakEvenPrice"),
                        ("up", "unRealizedProfit"), ("iw", "isolatedWallet"),
                    ]
                    for (pushed, served) in pairs { #expect(row[pushed] == risk[served], label) }
                    amounts[try row.string("s") + row.string("ps")] = try row.string("pa")
                }
            }
            // Nothing was left out: the wallets and amounts heard of are those that there are.
            for row in risks.elements ?? [] {
                let heard = try amounts[row.string("symbol") + row.string("positionSide")] ?? "0"
                #expect(try decimal(row.string("positionAmt")) == decimal(heard), label)
            }
            for row in account["assets"]?.elements ?? [] {
                let heard = try wallets[row.string("asset")] ?? "0.00000000"
                #expect(row["walletBalance"]?.text == heard, label)
            }
        }
    }

    private func randomCommand(
        isHedged: Bool, isMulti: Bool, _ random: inout SeededNumbers
    ) throws -> String {
        let symbol = ["BTCUSDT", "ETHUSDT", "ETHUSDC"].randomElement(using: &random) ?? "BTCUSDT"
        let price = symbol == "BTCUSDT" ? 60000 : 3000
        let amount = try random.decimal(upTo: 5_000_000, places: 4).description
        let side = Bool.random(using: &random) ? "buy" : "sell"
        let leg = isHedged ? #","position_side":"\#(Bool.random(using: &random) ? "long" : "short")""# : ""
        let mode = !isMulti && symbol == "ETHUSDT" ? isolated : ""
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return deposit(["USDT", "USDC", "BNB"].randomElement(using: &random) ?? "USDT", amount)
        case 1: return desk("withdraw", #""asset":"USDT","amount":"\#(amount)","force":true"#)
        case 2:
            return desk("funding", #""instrument":"\#(symbol)","rate":"0.00012345"\#(leg)"#)
        case 3: return desk("adjust_isolated_margin", #""instrument":"ETHUSDT","amount":"12.5"\#(leg)"#)
        case 4:
            return marks(
                #""\#(symbol)":"\#(try ExactDecimal(price) + random.decimal(upTo: 9999, places: 2))""#)
        default:
            let size = try random.decimal(upTo: 3000, places: 3)
            let paid = try ExactDecimal(price) + random.decimal(upTo: 99_999, places: 3)
            return fill(symbol, side, size.description, paid.description, mode + leg + #","fee":"0.1234""#)
        }
    }
}
