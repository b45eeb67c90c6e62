import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// What real bodies say that the documents do not.
@Suite("Recorded")
struct RecordedTests {
    private static let day: Int64 = 1_700_184_695_140

    /// The account of the recording, put together from its parts.
    private func recordedWorld() throws -> World {
        let world = World(
            try CryptoComVenue(addedRulebooks: [], profile: .live), enforcesRateLimits: false, time: Self.day)
        try world.apply(
            #"{"type":"open_account","account":"desk","venue":"crypto-com","settings":{"max_leverage":"100"}}"#,
            prices(
                marks: #"{"LTCUSD-PERP":"71.09"}"#,
                index: #"{"BTC":"36329.16","USDT":"1.00008","CRO":"0.09666","LTC":"71.085"}"#),
            deposit("BTC", "0.0003999"), deposit("USDT", "94.3411639875"), deposit("CRO", "0.99625"),
            deposit("LTC", "0.07109989"), deposit("USD", "29.01316839415396"),
            position("LTCUSD-PERP", "4.7", "71.44"),
            order("1", "BTC_USDT", "buy", "0.00055", "20000"))
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey")
        return world
    }

    /// The venue works in binary floating point: two requirements are a unit of the last place above ours.
    @Test("A cross position with money held by an order: every figure of the recording")
    func everyFigure() throws {
        let given = try JSONValue(parsing: Recorded.crossPosition)["result"]?["data"]?.elements?.first
        let made = try recordedWorld().balance()
        let differing = ["total_position_im": "16.70615", "total_initial_margin": "22.55184226"]
        for (name, value) in given?.object?.members ?? [] where name != "position_balances" {
            if name == "margin_score" { continue }
            if let ours = differing[name] {
                #expect(made[name]?.text == ours, "\(name)")
            } else {
                #expect(made[name] == value, "\(name)")
            }
        }
        for row in given?["position_balances"]?.elements ?? [] {
            let name = try #require(row["instrument_name"]?.text)
            #expect(try made.row(name) == row, "\(name)")
        }
    }

    @Test("The recording contradicts nothing, and its fee reserve is found")
    func audited() throws {
        let bodies = [recorded("user-balance", Recorded.crossPosition, at: Self.day)]
        let venue = try CryptoComVenue(addedRulebooks: [], profile: .live)
        let statement = try #require(try venue.statements(from: bodies, account: "main").first)
        #expect(statement.drift.isEmpty)
        let time = LedgerTime(milliseconds: Self.day)
        let findings = venue.audit(statement, rulesAt: time)
        #expect(findings.allSatisfy { ![.contradicts, .hidden].contains($0.verdict) }, "\(findings)")
        func finding(_ field: String) throws -> AuditFinding {
            try #require(findings.first { $0.field.hasSuffix(field) })
        }
        for field in [
            "total_margin_balance", "total_cash_balance", "used_position_limit", "total_available_balance",
        ] {
            #expect(try finding(field).verdict == .rounding, "\(field)")
            #expect(try #require(try finding(field).unitsInLastPlace) <= 2, "\(field)")
        }
        // The haircuts of that day are in the rulebook of that day.
        #expect(try finding("position_balances[0].haircut").verdict == .matches)
        #expect(try finding("position_balances[1].haircut").verdict == .matches)
        let later = venue.audit(statement, rulesAt: LedgerTime(milliseconds: 1_780_272_000_000))
        #expect(later.allSatisfy { $0.verdict != .contradicts })
    }

    @Test("Another taker fee is found in what is kept back; more than any is a contradiction")
    func takerFees() throws {
        let venue = try CryptoComVenue(addedRulebooks: [], profile: .live)
        func finding(_ margin: String) throws -> AuditFinding {
            let text = Recorded.crossPosition.replacing(
                #""total_margin_balance": "128.61024714""#, with: #""total_margin_balance": "\#(margin)""#)
            let statement = try #require(
                try venue.statements(from: [recorded("user-balance", text)], account: "main").first)
            let findings = venue.audit(statement, rulesAt: LedgerTime(milliseconds: Self.day))
            return try #require(findings.first { $0.field.hasSuffix("[0].total_margin_balance") })
        }
        // 0.5 % + 0.04 % of 334.123 is 1.8042642.
        let found = try finding("128.59019975")
        #expect(found.verdict == .matches)
        #expect(found.inputs.contains { $0.name.contains("implies") && $0.value == "0.0004" })
        #expect(try finding("128.6001").verdict == .hidden)
        // No reserve at all, and more than 0.6 %.
        #expect(try finding("130.39446395").verdict == .contradicts)
        #expect(try finding("128.2").verdict == .contradicts)
    }

    @Test("What it is worth, and the prices that it tells")
    func read() throws {
        let bodies = [
            recorded("user-balance", Recorded.crossPosition), recorded("positions", Recorded.longPosition),
        ]
        let statement = try #require(try reader().statements(from: bodies, account: "main").first)
        #expect(statement.drift.isEmpty)
        #expect(try statement.figures.number(.equity) == ExactDecimal("141.39534396"))
        #expect(try statement.figures.number(.equityUSD) == ExactDecimal("141.39534396"))
        let tether = statement.assets[1].figures
        let price = try #require(tether.number(.index))
        #expect(try price.rounded(places: 5, rounding: .halfUp) == ExactDecimal("1.00008"))
        #expect(tether[.index]?.isDerived == true)
        let worth = try #require(tether.number(.equityUSD))
        #expect(try worth.rounded(places: 5, rounding: .halfUp) == ExactDecimal("94.34871"))
        let position = try #require(statement.positions.first).figures
        #expect(try position.number(.markPrice) == ExactDecimal("70.34"))
        let entry = try #require(position.number(.entryPrice))
        let cost = try entry.times(ExactDecimal("4.7"), places: 8, rounding: .towardZero)
        #expect(try cost == ExactDecimal("310.16670833"))
    }

    @Test("Put into a ledger, the recording answers the same: nothing is counted twice")
    func rehosted() throws {
        let position =
            #"{"result":{"data":[{"account_id":"a","quantity":"4.7","cost":"335.768","open_pos_cost":"335.768","#
            + #""open_position_pnl":"-1.645","session_pnl":"-1.645","update_timestamp_ms":1,"#
            + #""instrument_name":"LTCUSD-PERP","type":"PERPETUAL_SWAP"}]}}"#
        let bodies = [
            recorded("user-balance", Recorded.crossPosition, at: Self.day),
            recorded("positions", position, at: Self.day),
        ]
        let venue = try CryptoComVenue(addedRulebooks: [], profile: .live)
        let statement = try #require(try venue.statements(from: bodies, account: "main").first)
        let world = World(venue, enforcesRateLimits: false, time: Self.day)
        for command in venue.rehosted(statement, as: "desk").commands { try world.apply(command) }
        let given = try JSONValue(parsing: Recorded.crossPosition)["result"]?["data"]?.elements?.first
        let made = try world.balance()
        for (name, value) in given?.object?.members ?? []
        where !["position_balances", "margin_score", "total_position_im", "total_initial_margin"]
            .contains(name)
        {
            #expect(made[name] == value, "\(name)")
        }
        for row in given?["position_balances"]?.elements ?? [] {
            #expect(try made.row(try #require(row["instrument_name"]?.text)) == row)
        }
    }

    @Test("A made-up body's totals are not those of its rows")
    func madeUp() throws {
        let statement = try #require(
            try reader().statements(
                from: [recorded("user-balance", Recorded.madeUpBody)], account: "main"
            ).first)
        let findings = try reader().audit(statement, rulesAt: LedgerTime(milliseconds: 1_780_272_000_000))
        #expect(
            findings.filter { $0.verdict == .contradicts }.map { $0.field.split(separator: ".").last } == [
                "total_margin_balance", "total_cash_balance", "total_haircut", "total_collateral_value",
                "used_position_limit",
            ])
    }

    // MARK: - The rules on made accounts

    @Test("Liquidation begins at 57888, not at 57575.75: fees of closing are kept back")
    func liquidation() throws {
        func world(_ profile: WireProfile, _ mark: String) throws -> World {
            try makeWorld(
                profile,
                [
                    deposit("USD", "1500"), prices(marks: #"{"BTCUSD-PERP":"\#(mark)"}"#),
                    position("BTCUSD-PERP", "0.5", "60000"),
                ])
        }
        for (mark, isLiquidating) in [("57888.01", false), ("57888", true)] {
            #expect(try world(.live, mark).balance()["is_liquidating"]?.boolean == isLiquidating)
        }
        // The documented sample has no reserve.
        for (mark, isLiquidating) in [("57575.76", false), ("57575.75", true)] {
            #expect(try world(.documented, mark).balance()["is_liquidating"]?.boolean == isLiquidating)
        }
        #expect(try world(.live, "60000").balance()["total_margin_balance"]?.text == "1339.8")
        #expect(try world(.live, "60000").balance()["has_risk"]?.boolean == true)
    }

    @Test("The account's own taker fee counts; a rate that is none is refused")
    func fees() async throws {
        let world = try makeWorld(
            .live, settings: #"{"fees":{"derivative":{"maker":"-0.00010","taker":"0.0010"}}}"#,
            [
                deposit("USD", "1500"), prices(marks: #"{"BTCUSD-PERP":"60000"}"#),
                position("BTCUSD-PERP", "0.5", "60000"), order("1", "BTCUSD-PERP", "buy", "0.001", "50000"),
            ])
        #expect(try world.balance()["total_margin_balance"]?.text == "1320")
        let row = try await world.call("private/get-open-orders").json["result"]?["data"]?.elements?.first
        #expect(row?["maker_fee_rate"]?.text == "-0.0001" && row?["taker_fee_rate"]?.text == "0.001")
        for wrong in [
            #"{"fees":5}"#, #"{"fees":{"margin":{}}}"#, #"{"fees":{"spot":{"taker":"-0.1"}}}"#,
            #"{"fees":{"spot":{"taker":0.1}}}"#, #"{"fees":{"spot":{"other":"0.1"}}}"#,
            #"{"fees":{"spot":{"maker":"1"}}}"#,
        ] {
            let refusal = try #require(throws: Refusal.self) {
                try world.apply(#"{"type":"configure","account":"desk","settings":\#(wrong)}"#)
            }
            #expect(refusal.field?.hasPrefix("settings.fees") == true, "\(wrong)")
        }
    }

    @Test("What orders hold: reserved_qty shows it, and value, collateral and limit are of the rest")
    func held() throws {
        let world = try makeWorld(
            .live,
            [
                prices(index: #"{"BTC":"60000","USDT":"1"}"#), deposit("BTC", "1"), deposit("USDT", "1000"),
                order("1", "BTC_USDT", "buy", "0.01", "40000"),
                order("2", "BTC_USD", "sell", "0.25", "70000"),
                #"{"type":"reserve","account":"desk","asset":"USDT","amount":"100","purpose":"reserved"}"#,
            ])
        let object = try world.balance()
        let tether = try object.row("USDT")
        #expect(tether["reserved_qty"]?.text == "500")
        #expect(tether["market_value"]?.text == "500")
        #expect(tether["collateral_amount"]?.text == "490")
        #expect(tether["max_withdrawal_balance"]?.text == "500")
        let bitcoin = try object.row("BTC")
        #expect(bitcoin["reserved_qty"]?.text == "0.25")
        #expect(bitcoin["market_value"]?.text == "45000")
        #expect(object["total_cash_balance"]?.text == "61000")
        #expect(object["total_margin_balance"]?.text == "45500")
        // 45000 + 500 and the sell order's 15000.
        #expect(object["used_position_limit"]?.text == "60500")
        #expect(throws: Refusal.self) {
            try world.apply(
                #"{"type":"reserve","account":"desk","asset":"USDT","amount":"1000","purpose":"reserved"}"#)
        }
    }

    @Test("An isolated position's debt is borrowed; isolated cash is added up before it is cut")
    func isolatedDebt() throws {
        func isolated(_ instrument: String, _ wallet: String) -> String {
            position(
                instrument, "1", "100", more: #","margin_mode":"isolated","isolated_wallet":"\#(wallet)""#)
        }
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "10"), prices(marks: #"{"SOLUSD-PERP":"100","LTCUSD-PERP":"100"}"#),
                isolated("SOLUSD-PERP", "20.000000006"), isolated("LTCUSD-PERP", "20.000000006"),
            ])
        #expect(try world.balance()["total_isolated_cash_balance"]?.text == "40.00000001")
        try world.apply(
            #"{"type":"funding","account":"desk","instrument":"SOLUSD-PERP","amount":"-25.000000006"}"#)
        let object = try world.balance()
        #expect(object["total_borrow"]?.text == "5")
        #expect(object["isolated_positions"]?.elements?.map { $0["total_borrow"]?.text } == ["5", "0"])
    }

    /// 10⁻¹⁸ of a coin at a price of 18 places has a value of 36 places: a requirement is rounded up once.
    @Test("Dust is rounded once")
    func dust() throws {
        let world = try makeWorld(
            .live,
            [
                deposit("CRO", "0.2"), deposit("BTC", "0.000000000000000001"),
                deposit("ETH", "0.000000000000000001"),
                prices(
                    index: #"{"CRO":"0.1","BTC":"0.000000000000000001","ETH":"0.000000000000000001"}"#),
            ])
        let object = try world.balance()
        // 0.01 and 1.6 × 10⁻³⁷: rounded up at 8 places, above 0.01.
        #expect(object["total_haircut"]?.text == "0.01000001")
        #expect(object["total_margin_balance"]?.text == "0.02")
        #expect(object["total_available_balance"]?.text == "0.01")
    }

    @Test("Fee credits pay before cash, and are told")
    func feeCredits() async throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "1000"), prices(marks: #"{"BTCUSD-PERP":"51278.5"}"#),
                #"{"type":"credit","account":"desk","asset":"USD","amount":"0.5","purpose":"fees"}"#,
            ])
        let rows = try await world.call("private/get-fee-credit-balances").json["result"]?["fee_credits"]
        // The last minute of 2027.
        #expect(rows?.elements?.first?["expiry_date"]?.integer == 1_830_297_540_000)
        #expect(rows?.elements?.first?["available_balance"]?.text == "0.50000000")
        let events = try world.apply(
            fill("BTCUSD-PERP", "buy", "0.05", "51278.5", more: #","fee":"1.02557""#))
        #expect(world.account("desk")?.cash("USD").description == "999.47443")
        guard case .filled(let trade) = try #require(events.last).body else { return }
        #expect(trade.fee.description == "0.52557" && trade.feeCredit.description == "0.5")
        let after = try await world.call("private/get-fee-credit-balances").json["result"]?["fee_credits"]
        #expect(after?.elements?.isEmpty == true)
        #expect(throws: Refusal.self) {
            try world.apply(
                #"{"type":"credit","account":"desk","asset":"USD","amount":"1","purpose":"promo"}"#)
        }
    }

    @Test("Instruments have a product type; LTC's perpetual has 20x")
    func instruments() async throws {
        let rows = try await (try makeWorld()).request("GET", "/exchange/v1/public/get-instruments").json[
            "result"]?["data"]?.elements
        #expect(rows?.allSatisfy { $0["product_type"]?.text == "DIGITAL_CURRENCIES" } == true)
        let future = rows?.first { $0["symbol"]?.text == "LTCUSD-PERP" }
        #expect(future?["max_leverage"]?.text == "20")
    }
}
