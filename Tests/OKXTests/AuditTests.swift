import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite("Audit")
struct AuditTests {
    private func audit(
        _ account: String, mode: String, at time: String = "2026-06-01"
    ) throws -> [AuditFinding] {
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        let bodies = [
            recordedBody("balance", #"{"code":"0","data":[\#(account)],"msg":""}"#),
            recordedBody("config", #"{"code":"0","data":[{"acctLv":"\#(mode)"}],"msg":""}"#),
        ]
        let statement = try #require(try venue.statements(from: bodies, account: "desk").first)
        let moment = try #require(LedgerTime(iso8601: "\(time)T00:00:00Z"))
        return venue.audit(statement, rulesAt: moment)
    }

    private func finding(_ field: String, _ findings: [AuditFinding]) throws -> AuditFinding {
        try #require(findings.first { $0.field == "data[0].\(field)" }, "\(field)")
    }

    private func verdicts(
        _ fields: [String], _ findings: [AuditFinding], _ allowed: Set<AuditFinding.Verdict>,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for field in fields {
            let found = try finding(field, findings)
            #expect(allowed.contains(found.verdict), "\(found)", sourceLocation: sourceLocation)
        }
    }

    /// The documentation's REST sample.
    private let sample = """
        {"adjEq":"55415.624719833286","availEq":"55415.624719833286","borrowFroz":"0","delta":"0",\
        "deltaLever":"0","deltaNeutralStatus":"0","details":[{"autoLendStatus":"off","autoLendMtAmt":"0",\
        "availBal":"4834.317093622894","availEq":"4834.3170936228935","borrowFroz":"0",\
        "cashBal":"4850.435693622894","ccy":"USDT","crossLiab":"0","colRes":"0","collateralEnabled":false,\
        "collateralRestrict":false,"colBorrAutoConversion":"0","disEq":"4991.542013297616",\
        "eq":"4992.890093622894","eqUsd":"4991.542013297616","smtSyncEq":"0","spotCopyTradingEq":"0",\
        "fixedBal":"0","frozenBal":"158.573","frpType":"0","imr":"","interest":"0","isoEq":"0",\
        "isoLiab":"0","isoUpl":"0","liab":"0","maxLoan":"0","mgnRatio":"","mmr":"","notionalLever":"",\
        "ordFrozen":"0","rewardBal":"0","spotInUseAmt":"","clSpotInUseAmt":"","maxSpotInUse":"",\
        "spotIsoBal":"0","stgyEq":"150","twap":"0","uTime":"1705449605015","upl":"-7.545600000000006",\
        "uplLiab":"0","spotBal":"","openAvgPx":"","accAvgPx":"","spotUpl":"","spotUplRatio":"",\
        "totalPnl":"","totalPnlRatio":""}],"imr":"0","isoEq":"0","mgnRatio":"","mmr":"0","notionalUsd":"0",\
        "notionalUsdForBorrow":"0","notionalUsdForFutures":"0","notionalUsdForOption":"0",\
        "notionalUsdForSwap":"0","ordFroz":"","totalEq":"55837.43556134779","uTime":"1705474164160",\
        "upl":"0"}
        """

    @Test("V1, the documentation's sample: exact within the currency, one of several shown")
    func documentedSample() throws {
        let findings = try audit(sample, mode: "3")
        let wrong = findings.filter { $0.verdict == .contradicts }.map(\.field)
        #expect(wrong == ["data[0].ordFroz"])
        // What it is worth and what backs it are both of more currencies than the one that is shown.
        try verdicts(["totalEq", "upl", "adjEq"], findings, [.hidden])
        // One of them alone tells nothing of the kind.
        let other = sample.replacing(
            "\"adjEq\":\"55415.624719833286\"", with: "\"adjEq\":\"4991.542013297616\"")
        try verdicts(["totalEq", "upl"], try audit(other, mode: "3"), [.contradicts])
        try verdicts(
            ["details[0].eq", "details[0].availEq", "details[0].availBal"], findings, [.matches, .rounding])
        try verdicts(
            ["availEq", "notionalUsd", "mmr", "details[0].liab", "details[0].crossLiab"], findings,
            [.matches])
        let frozen = try finding("details[0].frozenBal", findings)
        #expect(frozen.verdict == .hidden)
        #expect(frozen.residual == (try ExactDecimal("8.573")))
        let profit = try finding("upl", findings)
        #expect(profit.expected.hasPrefix("-7.54356"))
    }

    @Test("V2, the documentation's WebSocket sample, with the price that it names")
    func socketSample() throws {
        let findings = try audit(
            """
            {"details":[{"ccy":"USDT","cashBal":"4750.426970691436","upl":"-7.475800000000003","isoUpl":"0",\
            "isoEq":"0","stgyEq":"150","interest":"0","eq":"4892.951170691435","eqUsd":"4889.379316336831",\
            "coinUsdPrice":"0.99927","frozenBal":"158.57998","availEq":"4734.371190691435",\
            "availBal":"4734.371190691436"}]}
            """, mode: "3")
        try verdicts(
            ["details[0].eq", "details[0].eqUsd", "details[0].availEq", "details[0].availBal"], findings,
            [.matches, .rounding])
    }

    @Test("V3, a recording in futures mode with isolated positions alone")
    func futuresRecording() throws {
        let findings = try audit(
            """
            {"adjEq":"","availEq":"","borrowFroz":"","imr":"","isoEq":"5.4682385526666675","mgnRatio":"",\
            "mmr":"","notionalUsd":"","ordFroz":"","totalEq":"99.88870288820581","upl":"","details":[\
            {"ccy":"USDT","cashBal":"94.42612990333333","isoEq":"5.468566666666667",\
            "isoUpl":"-0.0273000000000002","upl":"-0.0273000000000002","eq":"99.89469657000001",\
            "frozenBal":"5.468566666666667","availEq":"94.42612990333333","availBal":"94.42612990333333",\
            "eqUsd":"99.88870288820581","stgyEq":"0","ordFrozen":"0","fixedBal":"0","smtSyncEq":"0",\
            "spotCopyTradingEq":"0","spotIsoBal":"0","imr":"0","mmr":"0","mgnRatio":"","notionalLever":"0",\
            "disEq":"5.4682385526666675","liab":"","crossLiab":"","interest":""}]}
            """, mode: "2")
        #expect(findings.filter { $0.verdict == .contradicts }.isEmpty, "\(findings)")
        try verdicts(
            ["totalEq", "isoEq", "details[0].eq", "details[0].availEq", "details[0].availBal"], findings,
            [.matches, .rounding])
        try verdicts(["details[0].frozenBal", "totalEq"], findings, [.matches])
    }

    @Test("V4, a recording in multi-currency mode: all six figures of the account")
    func multiRecording() throws {
        let findings = try audit(
            """
            {"adjEq":"100942.13298468884","availEq":"98461.99074635761","borrowFroz":"409.3702076072169",\
            "imr":"2480.1422383312265","mmr":"52.196024182958055","mgnRatio":"1814.5924297007082",\
            "notionalUsd":"4634.0971302081125","notionalUsdForBorrow":"2046.8510380360844",\
            "notionalUsdForFutures":"101.11322817202809","notionalUsdForSwap":"2486.1328640000006",\
            "notionalUsdForOption":"0","ordFroz":"1208.3566666666668","details":[]}
            """, mode: "3")
        try verdicts(
            ["notionalUsd", "borrowFroz", "availEq", "mgnRatio"], findings, [.matches, .rounding])
        // The positions themselves are not in the recording: their margin is what is left.
        let margin = try finding("imr", findings)
        #expect(margin.verdict == .hidden)
        #expect(margin.residual.map { $0.description.hasPrefix("862.4153640573") } == true)
        let maintenance = try finding("mmr", findings)
        #expect(maintenance.verdict == .hidden)
        // Swaps at 0.4 %, the future at 1.3 %.
        #expect(maintenance.residual.map { $0.description.hasPrefix("11.2590034222363") } == true)
    }

    @Test("V5, a recorded discount by marginal tiers in USD, by the rules of its time")
    func discountRecording() throws {
        let account = """
            {"details":[{"ccy":"BETH","eq":"1000","isoEq":"0","eqUsd":"3183550.6280862205",\
            "disEq":"2141775.3140431102"}]}
            """
        let findings = try audit(account, mode: "4", at: "2024-03-15")
        try verdicts(["details[0].disEq"], findings, [.matches, .rounding])
        // Later tiers give another figure, and the venue's may have been others: nothing follows.
        let later = try finding("details[0].disEq", audit(account, mode: "4", at: "2024-08-01"))
        #expect(later.verdict == .notDerivable && later.residual?.isZero == false)
    }

    @Test("V6, the position builder's sample in portfolio mode: a negative ratio, and MR8")
    func portfolioSample() throws {
        let findings = try audit(
            """
            {"adjEq":"-78553.21888979999","mmr":"2946.5480841048","imr":"9643.45070718144",\
            "mgnRatio":"-25.95365779811705","borrowFroz":"7855.32188898","ordFroz":"0",\
            "notionalUsdForBorrow":"78553.2188898","notionalUsdForSwap":"1000","details":[]}
            """, mode: "4")
        try verdicts(["mgnRatio", "borrowFroz"], findings, [.matches, .rounding])
        let margin = try finding("imr", findings)
        #expect(margin.verdict == .hidden)
        #expect(margin.residual == (try ExactDecimal("1788.12881820144")))
        #expect(try finding("mmr", findings).residual == (try ExactDecimal("1375.4837063088")))
    }

    @Test(
        "a ratio at other fee rates leaves the fees over; one above equity by maintenance margin cannot be",
        arguments: [
            ("1850.5", "100942.13298468884", AuditFinding.Verdict.hidden),
            ("1950.5", "100942.13298468884", .contradicts), ("-1850.5", "-100942.13298468884", .hidden),
            ("-1950.5", "-100942.13298468884", .contradicts),
        ])
    func otherFees(_ ratio: String, _ equity: String, _ verdict: AuditFinding.Verdict) throws {
        let findings = try audit(
            """
            {"adjEq":"\(equity)","mmr":"52.196024182958055","mgnRatio":"\(ratio)",\
            "notionalUsdForBorrow":"2046.8510380360844","notionalUsdForFutures":"101.11322817202809",\
            "notionalUsdForSwap":"2486.1328640000006","details":[]}
            """, mode: "3")
        #expect(try finding("mgnRatio", findings).verdict == verdict)
    }

    @Test(
        "one changed digit is found",
        arguments: [
            ("\"availEq\":\"55415.624719833286\"", "\"availEq\":\"55415.624719843286\""),
            ("\"availEq\":\"4834.3170936228935\"", "\"availEq\":\"4834.3170936238935\""),
            ("\"availBal\":\"4834.317093622894\"", "\"availBal\":\"4834.317093632894\""),
            ("\"notionalUsd\":\"0\"", "\"notionalUsd\":\"0.000001\""),
            ("\"liab\":\"0\"", "\"liab\":\"0.01\""),
            ("\"imr\":\"0\",\"isoEq\"", "\"imr\":\"1\",\"isoEq\""),
        ])
    func changedDigit(_ digits: String, _ others: String) throws {
        let before = Set(try audit(sample, mode: "3").filter { $0.verdict == .contradicts }.map(\.field))
        let changed = sample.replacing(digits, with: others)
        #expect(changed != sample)
        let after = Set(try audit(changed, mode: "3").filter { $0.verdict == .contradicts }.map(\.field))
        #expect(after.count > before.count, "\(others)")
    }

    @Test("a recorded account of dust: its total has no row")
    func dust() throws {
        let findings = try audit(#"{"totalEq":"0.00000000638","details":[]}"#, mode: "1")
        #expect(try finding("totalEq", findings).verdict == .hidden)
        let more = try audit(#"{"totalEq":"0.02","details":[]}"#, mode: "1")
        #expect(try finding("totalEq", more).verdict == .contradicts)
    }

    @Test("spot trades: the ratios follow from the profits")
    func spotCost() throws {
        let row = """
            {"details":[{"ccy":"ETH","cashBal":"2","eq":"2","eqUsd":"9000","spotBal":"2",\
            "openAvgPx":"3500","accAvgPx":"3250","spotUpl":"2000","spotUplRatio":"0.2857142857142857",\
            "totalPnl":"2500","totalPnlRatio":"0.3846153846153846"}]}
            """
        let findings = try audit(row, mode: "1")
        try verdicts(
            ["spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio"].map { "details[0].\($0)" }, findings,
            [.matches, .rounding])
        let wrong = try audit(row.replacing("\"2500\"", with: "\"2600\""), mode: "1")
        #expect(try finding("details[0].totalPnl", wrong).verdict == .contradicts)
        #expect(try finding("details[0].totalPnlRatio", wrong).verdict == .contradicts)
    }

    @Test("our own server's answers never contradict themselves", arguments: 1...40)
    func ownAnswers(_ seed: UInt64) async throws {
        for mode in AccountMode.allCases {
            let world = try PropertyTests.generate(seed, mode: mode)
            let bodies = try await recordedBodies(world)
            let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
            let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
            let wrong = findings.filter { $0.verdict == .contradicts }
            #expect(wrong.isEmpty, "seed \(seed) \(mode): \(wrong)")
            let exact = findings.filter { $0.verdict == .matches || $0.verdict == .rounding }
            #expect(exact.count * 10 >= findings.count * 8, "seed \(seed) \(mode): \(exact.count)")
            let unknown = findings.filter { $0.verdict == .notDerivable && !$0.expected.isEmpty }
            let fields = Set(unknown.map { $0.field.split(separator: ".").last ?? "" })
            #expect(fields.isEmpty, "seed \(seed) \(mode): \(unknown)")
        }
    }

    @Test("what open orders hold, from the orders themselves; what is missing is named")
    func openOrders() async throws {
        for (mode, froz, usdt, btc) in [
            // 10 × 0.01 × 57500 ÷ 5 of the swap; 0.1 × 60000 and 0.2 of the spot pair; 2 × 0.01 × 61000 ÷ 4.
            ("multi", "1149.77", "6305", "0.2"), ("futures", "", "7455", "0.2"),
        ] {
            let world = try world()
            try world.open("desk", #"{"mode":"\#(mode)"}"#)
            try world.prices(
                marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","USDT":"0.9998"}"#)
            try world.run(
                "desk", ("deposit", #""asset":"USDT","amount":"50000""#),
                ("deposit", #""asset":"BTC","amount":"1""#),
                (
                    "set_leverage",
                    #""instrument":"BTC-USDT-SWAP","leverage":"5","margin_mode":"cross""#
                ),
                (
                    "set_leverage",
                    #""instrument":"BTC-USDT-SWAP","leverage":"4","margin_mode":"isolated""#
                ),
                (
                    "place_order",
                    #""order_id":"a","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"57500""#
                ),
                (
                    "place_order",
                    #""order_id":"b","instrument":"BTC-USDT","side":"buy","quantity":"0.1","price":"60000""#
                ),
                (
                    "place_order",
                    #""order_id":"c","instrument":"BTC-USDT","side":"sell","quantity":"0.2","price":"65000""#
                ),
                (
                    "place_order",
                    #""order_id":"d","instrument":"BTC-USDT-SWAP","side":"sell","quantity":"2","price":"61000","margin_mode":"isolated""#
                ))
            let bodies = try await recordedBodies(world)
            func findings(_ bodies: [RecordedBody]) throws -> [AuditFinding] {
                let statement = try #require(
                    try world.model.statements(from: bodies, account: "desk").first)
                return world.model.audit(statement, rulesAt: world.ledgerTime())
            }
            let whole = try findings(bodies)
            func holds(_ field: String, _ value: String) throws {
                let found = try #require(whole.first { $0.field == field }, "\(mode) \(field)")
                #expect(found.verdict == .matches, "\(found)")
                #expect(try ExactDecimal(found.expected) == ExactDecimal(value), "\(mode) \(field)")
            }
            if !froz.isEmpty { try holds("data[0].ordFroz", froz) }
            let rows = try #require(
                try JSONValue(parsing: bodies[0].bytes)["data"]?.elements?.first?["details"]?.elements)
            for (place, row) in rows.enumerated() {
                try holds("data[0].details[\(place)].ordFrozen", row["ccy"]?.text == "BTC" ? btc : usdt)
            }
            let without = try findings(bodies.filter { $0.call != "open-orders" })
            for field in ["ordFrozen"] + (froz.isEmpty ? [] : ["ordFroz"]) {
                let found = without.filter { $0.field.hasSuffix(field) }
                #expect(!found.isEmpty && found.allSatisfy { $0.verdict == .notDerivable })
                #expect(found.allSatisfy { $0.remark == "open-orders was not answered." })
            }
            let text = try #require(bodies.first { $0.call == "open-orders" }).bytes
            let bent = String(decoding: text, as: UTF8.self).replacing(#""lever":"4""#, with: #""lever":"""#)
            let unknown = try findings(
                bodies.filter { $0.call != "open-orders" } + [recordedBody("open-orders", bent)])
            let named = try #require(
                unknown.first { $0.field.hasSuffix("ordFrozen") && $0.verdict == .notDerivable })
            #expect(named.remark.contains("lever is \"\""), "\(named.remark)")
        }
    }

    @Test("loans, reserves, restricted currencies and collateral that is off contradict nothing")
    func specialStates() async throws {
        let spot = try world()
        try spot.open("desk", #"{"mode":"spot","spot_borrow":true}"#)
        let multi = try world()
        try multi.open("desk", #"{"mode":"multi","auto_borrow":true,"collateral_off":["ETH"]}"#)
        for world in [spot, multi] {
            try world.prices(index: #"{"BTC":"61234.5","USDT":"0.9998","ETH":"3000"}"#)
            try world.run(
                "desk", ("deposit", #""asset":"USDT","amount":"10000.123""#),
                ("deposit", #""asset":"BTC","amount":"2""#), ("deposit", #""asset":"ETH","amount":"3""#),
                ("fill", #""instrument":"ETH-USDT","side":"buy","quantity":"1.5","price":"3000""#),
                ("reserve", #""asset":"USDT","amount":"100","purpose":"strategy""#),
                ("reserve", #""asset":"USDT","amount":"20","purpose":"fixed""#),
                ("accrue_interest", #""asset":"USDT","amount":"0.25""#))
        }
        try spot.run("desk", ("borrow", #""asset":"USDT","amount":"500""#))
        try multi.run(
            "desk", ("withdraw", #""asset":"USDT","amount":"20000.5","force":true"#),
            ("raise", #""flag":"colRes","asset":"BTC","value":"2""#))
        for world in [spot, multi] {
            let bodies = try await recordedBodies(world)
            let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
            let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
            let wrong = findings.filter { $0.verdict == .contradicts || $0.verdict == .notDerivable }
                .filter { !$0.field.hasSuffix("eqUsd") }
            #expect(wrong.isEmpty, "\(wrong)")
        }
    }
}
