import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("User channels")
struct ChannelTests {
    private static let channels = [
        "user.balance", "user.account_risk", "user.position_balance", "user.positions",
    ]

    // MARK: - When

    @Test("A snapshot with the request's id, then a push on every change and every two seconds")
    func cadence() throws {
        let world = try makeWorld(.documented, [deposit("USD", "10")])
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance", id: "7"))
        let first = try #require(stream.takeTexts().first)
        #expect(
            first.hasPrefix(
                #"{"id":7,"method":"subscribe","code":0,"result":{"subscription":"user.balance","#))
        try world.apply(deposit("USD", "5"))
        stream.hear()
        let push = try #require(stream.takeJSON().first)
        #expect(push["id"]?.integer == -1)
        #expect(try object(in: push).row("USD")["quantity"]?.text == "15.00000000")
        // The cadence is that of the first snapshot, whatever came between.
        stream.wait(1_999)
        #expect(stream.takeTexts() == [])
        stream.wait(1)
        #expect(stream.takeTexts().count == 1)
        stream.wait(20_000)
        #expect(stream.takeTexts().count == 10)
    }

    @Test("Prices show at the next beat; a beat without a change pushes the same")
    func prices() throws {
        let world = try makeWorld(
            .documented, [deposit("CRO", "30"), CryptoComTests.prices(index: #"{"CRO":"0.05"}"#)])
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance"))
        _ = stream.takeTexts()
        try world.apply(CryptoComTests.prices(index: #"{"CRO":"0.06"}"#))
        stream.hear()
        #expect(stream.takeTexts() == [])
        stream.wait(4_000)
        let pushes = stream.takeTexts()
        #expect(pushes.count == 2 && pushes.first == pushes.last)
        #expect(pushes.first?.contains(#""total_cash_balance":"1.80000000""#) == true)
    }

    @Test("A connection has so many channels and no more, whatever instruments they name")
    func tooManyChannels() throws {
        let world = try makeWorld(enforcesRateLimits: false)
        var stream = try world.authenticatedStream()
        for lot in 0..<5 {
            let names = (0..<100).map { "\"user.order.\(lot)-\($0)\"" }.joined(separator: ",")
            stream.send(#"{"id":1,"method":"subscribe","params":{"channels":[\#(names)]}}"#)
        }
        let answers = try stream.takeJSON()
        #expect(answers.count == 401)
        #expect(answers.last?["code"]?.integer == 40107)
        stream.send(subscription("user.order.0-0", id: "2", method: "unsubscribe"))
        stream.send(subscription("user.order.0-1", "user.balance", id: "3"))
        #expect(try stream.takeJSON().map { $0["code"]?.integer } == [0, 0, 0])
    }

    @Test("Several channels at once, one more later, the same one again, and none in the end")
    func subscriptions() throws {
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.positions", "user.balance", "user.positions", id: "3"))
        func sent(_ stream: inout Stream) throws -> [String] {
            try stream.takeJSON().map { frame in
                let id = try #require(frame["id"]?.integer)
                return "\(id) \(frame["result"]?["channel"]?.text ?? frame["method"]?.text ?? "")"
            }
        }
        #expect(try sent(&stream) == ["3 user.positions", "3 user.balance"])
        stream.send(subscription("user.account_risk", id: "4"))
        #expect(try sent(&stream) == ["4 user.account_risk"])
        stream.send(subscription("user.balance", id: "5"))
        #expect(try sent(&stream) == ["5 user.balance"])
        try world.apply(deposit("USD", "1"))
        stream.hear()
        #expect(try sent(&stream) == ["-1 user.positions", "-1 user.balance", "-1 user.account_risk"])
        stream.send(subscription("user.balance", "user.position_balance", id: "6", method: "unsubscribe"))
        #expect(stream.takeTexts() == [#"{"id":6,"method":"unsubscribe","code":0}"#])
        stream.wait(2_000)
        #expect(try sent(&stream) == ["-1 user.positions", "-1 user.account_risk"])
        stream.send(subscription("user.positions", "user.account_risk", id: nil, method: "unsubscribe"))
        #expect(stream.takeTexts() == [#"{"id":-1,"method":"unsubscribe","code":0}"#])
        #expect(stream.stream.interest == StreamInterest())
        try world.apply(deposit("USD", "1"))
        stream.hear()
        stream.wait(6_000)
        #expect(stream.takeTexts() == [])
        stream.send(subscription("user.balance", id: "8"))
        #expect(try sent(&stream) == ["8 user.balance"])
    }

    @Test("An event that a snapshot already holds is not pushed again, on each channel for itself")
    func alreadyHeld() throws {
        let world = try makeWorld()
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance"))
        try world.apply(deposit("USD", "1"))
        // The second channel's snapshot holds the deposit, the first channel's does not.
        stream.send(subscription("user.positions"))
        _ = stream.takeTexts()
        stream.hear()
        #expect(try stream.takeJSON().map { $0["result"]?["channel"]?.text } == ["user.balance"])
    }

    @Test("Transfers concern both accounts; what happens to others concerns nobody")
    func families() throws {
        let world = try makeWorld(
            .documented,
            [
                #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
                #"{"type":"open_account","account":"stranger","venue":"crypto-com"}"#, deposit("USD", "10"),
            ])
        world.addKey(account: "child", apiKey: "child", secret: "secretKey")
        var parent = try world.authenticatedStream()
        var child = try world.userStream()
        child.send(world.authentication(apiKey: "child"))
        parent.send(subscription("user.balance"))
        child.send(subscription("user.balance"))
        _ = (parent.takeTexts(), child.takeTexts())
        try world.apply(
            #"{"type":"transfer","account":"desk","to":"child","asset":"USD","amount":"4"}"#)
        parent.hear()
        child.hear()
        #expect(try object(in: parent.takeJSON()[0]).row("USD")["quantity"]?.text == "6.00000000")
        #expect(try object(in: child.takeJSON()[0]).row("USD")["quantity"]?.text == "4.00000000")
        try world.apply(deposit("USD", "1", account: "stranger"))
        parent.hear()
        child.hear()
        #expect(parent.takeTexts() == [] && child.takeTexts() == [])
    }

    // MARK: - What

    private func object(in frame: JSONValue) throws -> JSONValue {
        try #require(frame["result"]?["data"]?.elements?.first)
    }

    @Test("Documented: user.balance is the object of user-balance, byte for byte")
    func documentedBalance() throws {
        let world = try makeWorld(.documented, Self.busy)
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance", id: nil))
        let rest = try world.statement("desk")
        let start = #"{"id":-1,"method":"private/user-balance","code":0,"result":{"#
        #expect(rest.hasPrefix(start))
        let data = rest.dropFirst(start.count)
        #expect(
            stream.takeTexts() == [
                #"{"id":-1,"method":"subscribe","code":0,"result":{"subscription":"user.balance","#
                    + #""channel":"user.balance",\#(data)"#
            ])
    }

    /// A recorded push of August 2026 (199 CRO at 0.04874), digit for digit: pushes are worked out
    /// in decimals by the venue too.
    @Test func recordedLivePush() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "9.677146618"), deposit("CRO", "198"),
                CryptoComTests.prices(index: #"{"CRO":"0.04874"}"#),
            ])
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.balance"))
        #expect(try stream.takeJSON()[0]["result"]?["account_id"] == nil)
        try world.apply(deposit("CRO", "1"))
        stream.hear()
        let account = StableIdentifier.uuid(account: "desk")
        let expected =
            #"{"id":-1,"method":"subscribe","code":0,"result":{"account_id":"\#(account)","#
            + #""subscription":"user.balance","channel":"user.balance","data":[{"instrument_name":"USD","#
            + #""total_available_balance":"14.52677661","total_cash_balance":"19.37640661","#
            + #""total_initial_margin":"4.84963","total_position_im":"0","total_haircut":"4.84963","#
            + #""has_risk":false,"total_maintenance_margin":"2.424815","total_position_cost":"0","#
            + #""total_session_unrealized_pnl":"0","total_margin_balance":"19.37640661","#
            + #""total_session_realized_pnl":"0","total_effective_leverage":"0.500571","#
            + #""position_limit":"387.52813236","used_position_limit":"9.69926","is_liquidating":false,"#
            + #""total_borrow":"0","total_risk_exposure":"9.69926","position_balances":["#
            + #"{"instrument_name":"USD","quantity":"9.677146618","reserved_qty":"0","#
            + #""market_value":"9.67714661","collateral_eligible":true,"collateral_amount":"9.67714661","#
            + #""haircut":"0","max_withdrawal_balance":"9.67714661","hourly_interest_rate":"0"},"#
            + #"{"instrument_name":"CRO","quantity":"199","reserved_qty":"0","market_value":"9.69926","#
            + #""collateral_eligible":true,"collateral_amount":"4.84963","haircut":"0.5","#
            + #""max_withdrawal_balance":"199","hourly_interest_rate":"0"}],"credit_limits":[],"#
            + #""isolated_positions":[],"total_collateral_value":"14.52677661","#
            + #""total_isolated_cash_balance":"0"}]}}"#
        #expect(stream.takeTexts() == [expected])
    }

    /// Cross and isolated positions, orders, a debt, something reserved.
    private static let busy = [
        deposit("USD", "5000"), deposit("CRO", "1000"), deposit("USDT", "250.5"),
        CryptoComTests.prices(
            marks: #"{"BTCUSD-PERP":"60123.4","ETHUSD-PERP":"3010.5"}"#,
            index: #"{"CRO":"0.05467","USDT":"0.9997"}"#),
        fill("BTCUSD-PERP", "buy", "0.01", "59000"),
        fill("ETHUSD-PERP", "sell", "0.2", "3000", more: #","margin_mode":"isolated""#),
        order("a", "BTCUSD-PERP", "buy", "0.001", "50000"), order("b", "CRO_USD", "sell", "100", "0.06"),
        #"{"type":"reserve","account":"desk","asset":"USDT","amount":"5","purpose":"reserved"}"#,
    ]

    @Test(
        "Every figure pushed is the one that REST serves at the same sequence",
        arguments: [WireProfile.documented, .live])
    func sameFiguresAsREST(_ profile: WireProfile) async throws {
        let world = try makeWorld(profile, Self.busy)
        var stream = try world.authenticatedStream()
        stream.send(
            subscription("user.balance", "user.account_risk", "user.position_balance", "user.positions"))
        _ = stream.takeTexts()
        try world.apply(deposit("USD", "0.5"))
        stream.hear()
        let frames = try stream.takeJSON()
        #expect(frames.map { $0["result"]?["channel"]?.text } == Self.channels)
        let served = try world.balance()
        let positions = try await world.call("private/get-positions").json
        let rows = try #require(positions["result"]?["data"]?.elements)
        #expect(rows.count == 2)

        let balance = try object(in: frames[0])
        let risk = try object(in: frames[1])
        #expect(frames[1]["result"]?["account_id"] == rows[0]["account_id"])
        // `terminatable` is not pushed in the live form.
        let figures = try #require(served.object).members.filter { $0.key != "terminatable" }
        for (key, value) in figures where !["position_balances", "isolated_positions"].contains(key) {
            #expect(try same(balance[key], value), "\(key)")
            #expect(try same(risk[key], value), "\(key)")
        }
        let names = ["USD", "CRO", "USDT"]
        for name in names {
            let row = try served.row(name)
            let listed = try #require(
                risk["balances"]?.elements?.first { $0["instrument_name"]?.text == name })
            for (key, value) in try #require(row.object).members {
                #expect(try same(balance.row(name)[key], value), "\(name) \(key)")
                #expect(try same(listed[key], value), "\(name) \(key)")
            }
        }
        let pushed = try #require(frames[3]["result"]?["data"]?.elements)
        let slim = try object(in: frames[2])
        for lists in [pushed, risk["positions"]?.elements ?? [], slim["positions"]?.elements ?? []] {
            #expect(lists.count == rows.count)
            for (one, row) in zip(lists, rows) {
                for (key, value) in try #require(row.object).members { #expect(one[key] == value, "\(key)") }
            }
        }
        #expect(slim["positions"]?.elements == rows)
        #expect(slim["balances"]?.elements?.map { $0["instrument_name"]?.text } == names)
        #expect(
            slim["balances"]?.elements?.map { $0["quantity"] }
                == (try names.map { try served.row($0)["quantity"] }))
    }

    /// Equal figures: the same number, boolean or text; REST pads two of the live ones.
    private func same(_ one: JSONValue?, _ other: JSONValue) throws -> Bool {
        guard let one, let text = one.text, let figure = try? ExactDecimal(text) else { return one == other }
        return figure == (try ExactDecimal(try #require(other.text)))
    }

    @Test("The documented forms of positions, digit for digit")
    func positions() throws {
        let world = try makeWorld(.documented, Self.busy)
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.positions", "user.position_balance"))
        let now = world.realTime()
        let account = StableIdentifier.uuid(account: "desk")
        let isolation = StableIdentifier.isolation(account: "desk", instrument: "ETHUSD-PERP")
        // Long 0.01 BTC: value 601.234, cost 590, 50x, half of it for maintenance. Short 0.2 ETH: value
        // 602.1, cost 600, isolated at the account's 20x; balance 30 − 2.1 − 0.54 % of 602.1.
        let bitcoin =
            #"{"account_id":"\#(account)","quantity":"0.01","session_unrealized_pnl":"11.234","cost":"590","#
            + #""open_position_pnl":"11.234","open_pos_cost":"590","session_pnl":"11.234","#
            + #""pos_initial_margin":"12.02468","pos_maintenance_margin":"6.01234","market_value":"601.234","#
            + #""mark_price":"60123.4","target_leverage":"50","update_timestamp_ms":\#(now),"#
            + #""instrument_name":"BTCUSD-PERP","type":"PERPETUAL_SWAP"}"#
        let texts = stream.takeTexts()
        #expect(texts.count == 2)
        #expect(
            texts.first?.hasPrefix(
                #"{"id":1,"method":"subscribe","code":0,"result":{"subscription":"user.positions","#
                    + #""channel":"user.positions","data":[\#(bitcoin),{"account_id":"#) == true)
        let ether = try #require(try JSONValue(parsing: texts[0])["result"]?["data"]?.elements?.last)
        #expect(ether["quantity"]?.text == "-0.2")
        #expect(ether["market_value"]?.text == "-602.1")
        #expect(ether["isolation_id"]?.text == isolation)
        #expect(ether["leverage"]?.text == "20")
        #expect(ether["isolated_margin_balance"]?.text == "24.64866")
        #expect(
            texts.last?.contains(
                #""isolated_positions":[{"isolation_id":"\#(isolation)","leverage":"20","#
                    + #""isolation_type":"ISOLATED_MARGIN","balances":[{"instrument_name":"USD","#
                    + #""quantity":"30.00000000","update_timestamp_ms":\#(now)}],"positions":["#) == true)
    }

    @Test("The account objects of account_risk", arguments: [WireProfile.documented, .live])
    func accountRisk(_ profile: WireProfile) throws {
        let world = try makeWorld(profile, Self.busy)
        var stream = try world.authenticatedStream()
        stream.send(subscription("user.account_risk"))
        let risk = try object(in: stream.takeJSON()[0])
        let isolated = try #require(risk["isolated_positions"]?.elements?.first)
        for object in [risk, isolated] {
            #expect(object["position_balances"] == nil)
            #expect(object["total_available_balance"]?.text != nil)
            #expect(object["balances"]?.elements?.isEmpty == false)
        }
        #expect(risk["positions"]?.elements?.count == 2)
        #expect(isolated["positions"]?.elements?.count == 1)
        #expect(isolated["isolated_positions"] == nil)
        // 30 − 2.1 − 3.25134 (live 3.215214, 0.534 %), of which 602.1 ÷ 20 is needed.
        let digits = profile == .documented ? ["24.64866000", "30.10500000"] : ["24.684786", "30.105"]
        #expect(isolated["total_margin_balance"]?.text == digits[0])
        #expect(isolated["total_initial_margin"]?.text == digits[1])
    }
}
