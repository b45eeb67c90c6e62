import JSON
import Ledger
import Numbers
import Testing
import Venue

@testable import Desk

/// What rules say, and that each change is told once.
struct AlertTests {
    private func rule(_ limit: AlertRule.Limit, account: String? = nil) -> AlertRule {
        AlertRule(name: "low", account: account, measure: .figure(.available), limit: limit)
    }

    private func portfolio(_ available: String, drift: [FieldDrift] = []) -> Portfolio {
        Sample.portfolio([
            Sample.statement("a", figures: Sample.figures((.available, available, "USD")), drift: drift)
        ])
    }

    @Test func aChangeIsToldOnce() throws {
        let rules = [rule(.below(try ExactDecimal("10")))]
        var memory = AlertMemory()
        func changes(_ available: String) -> [AlertEvent.Change] {
            let portfolio = portfolio(available)
            return memory.changes(to: portfolio.readings(of: rules), in: portfolio).map(\.change)
        }
        #expect(changes("11") == [])
        #expect(changes("9.99") == [.raised])
        #expect(changes("9") == [])
        #expect(changes("10") == [.cleared])
        #expect(changes("10") == [])
    }

    @Test func whatIsNotKnownChangesNothing() throws {
        let rules = [rule(.below(try ExactDecimal("10")), account: "a")]
        var memory = AlertMemory()
        let low = portfolio("9")
        #expect(memory.changes(to: low.readings(of: rules), in: low).count == 1)
        let unknown = portfolio("none")
        #expect(unknown.readings(of: rules).map(\.state) == [.unknown])
        #expect(memory.changes(to: unknown.readings(of: rules), in: unknown).isEmpty)
        let gone = Sample.portfolio([], failed: [Sample.failure("a", .unavailable)])
        #expect(gone.readings(of: rules).map(\.state) == [.unknown])
        #expect(memory.changes(to: gone.readings(of: rules), in: gone).isEmpty)
        #expect(memory.changes(to: low.readings(of: rules), in: low).isEmpty)
    }

    @Test func ofAnAccountThatWasNotReadNothingIsKnown() throws {
        let portfolio = Sample.portfolio([Sample.statement("b")], failed: [Sample.failure("a", .unavailable)])
        let rules = [
            rule(.below(.one), account: "a"),
            AlertRule(name: "old", measure: .age, limit: .above(.one)),
            AlertRule(name: "drift", measure: .drift),
        ]
        let readings = portfolio.readings(of: rules).filter { $0.account == "a" }
        #expect(readings.map(\.rule.name) == [rules[0].name, "old"])
        #expect(readings.allSatisfy { $0.state == .unknown })
        #expect(readings.first?.sentence.hasSuffix("is not known: the account was not read.") == true)
        #expect(portfolio.readings(of: [rule(.below(.one), account: "b")]).map(\.account) == ["b"])
    }

    @Test func aRuleForAllLeavesOutAccountsWithoutTheFigure() throws {
        let portfolio = Sample.portfolio([Sample.statement("a")])
        #expect(portfolio.readings(of: [rule(.below(.one))]).isEmpty)
        #expect(portfolio.readings(of: [rule(.below(.one), account: "a")]).map(\.state) == [.unknown])
    }

    /// An account whose assets are margined apart, with what each needs and is worth.
    private func apart(_ rows: [(asset: String, maintenance: String, equity: String)]) -> Portfolio {
        var figures = StatementFigures()
        for figure in [CommonFigure.maintenanceMargin, .available] {
            figures.set(ReportedFigure(figure, field: "f", .empty, unit: "USD", isPartial: true))
        }
        return Sample.portfolio([
            Sample.statement(
                "a", figures: figures,
                assets: rows.map { row in
                    AssetStatement(
                        asset: row.asset,
                        figures: Sample.figures(
                            (.maintenanceMargin, row.maintenance, row.asset), (.equity, row.equity, row.asset)
                        ))
                })
        ])
    }

    @Test(arguments: [
        ([("USDT", "10", "100"), ("USDC", "60", "80"), ("BTC", "0", "2")], "0.75"),
        ([("USDT", "0", "100"), ("BTC", "0", "-1")], "0"),
        ([("USDT", "10", "100"), ("BTC", "1", "-1")], "without bound"),
    ])
    func whereAssetsAreMarginedApartTheWorstCounts(
        _ rows: [(String, String, String)], _ share: String
    ) throws {
        let rule = AlertRule(
            name: "share", measure: .maintenanceShare, limit: .above(try ExactDecimal("0.5")))
        let reading = try #require(apart(rows).readings(of: [rule]).first)
        #expect(reading.value == share)
        #expect(reading.state == (share == "0" ? .clear : .raised))
    }

    @Test func anAssetOfUnknownMarginIsNotTakenForSafe() throws {
        let rule = AlertRule(
            name: "share", measure: .maintenanceShare, limit: .above(try ExactDecimal("0.5")))
        let reading = try #require(
            apart([("USDT", "1", "100"), ("BTC", "none", "1")]).readings(of: [rule]).first)
        #expect(reading.state == .unknown)
        #expect(reading.sentence.contains("that of BTC is not known"))
        // A rule for all accounts leaves out those that have no such figure as a whole.
        #expect(apart([("USDT", "1", "100")]).readings(of: [self.rule(.below(.one))]).isEmpty)
        let named = apart([("USDT", "1", "100")]).readings(of: [self.rule(.below(.one), account: "a")])
        #expect(named.map(\.state) == [.unknown])
    }

    @Test func subAccountsBelongToTheirAccount() throws {
        let low = Sample.figures((.available, "1", "USD"))
        let portfolio = Sample.portfolio([
            Sample.statement("a", figures: low), Sample.statement("a/sub", figures: low),
            Sample.statement("ab", figures: low),
        ])
        let readings = portfolio.readings(of: [rule(.below(try ExactDecimal("2")), account: "a")])
        #expect(readings.map(\.account) == ["a", "a/sub"])
    }

    @Test(arguments: [
        ("100", "25", "0.25"), ("3", "1", "0.333333"), ("0", "1", "without bound"),
        ("-5", "1", "without bound"),
        ("0", "0", "0"),
    ])
    func theMaintenanceShareIsMaintenanceOverEquity(_ equity: String, _ maintenance: String, _ share: String)
    {
        let portfolio = Sample.portfolio([
            Sample.statement(
                "a",
                figures: Sample.figures((.equity, equity, "USD"), (.maintenanceMargin, maintenance, "USD")))
        ])
        let rule = AlertRule(name: "share", measure: .maintenanceShare, limit: .above(.one))
        #expect(portfolio.readings(of: [rule]).map(\.value) == [share])
    }

    @Test func differentUnitsAreNotDivided() {
        let portfolio = Sample.portfolio([
            Sample.statement(
                "a", figures: Sample.figures((.equity, "9", "USDT"), (.maintenanceMargin, "3", "USD")))
        ])
        let rule = AlertRule(name: "share", measure: .maintenanceShare, limit: .above(.one))
        #expect(portfolio.readings(of: [rule]).map(\.state) == [.unknown])
    }

    @Test func aDriftIsToldOnceAndAgainWhenItComesBack() {
        let rules = [AlertRule(name: "drift", measure: .drift)]
        let drift = FieldDrift(.new, path: "balance data[].x", example: "1")
        var memory = AlertMemory()
        func told(_ drifts: [FieldDrift]) -> Int {
            let portfolio = portfolio("1", drift: drifts)
            return memory.changes(to: portfolio.readings(of: rules), in: portfolio).count
        }
        #expect(told([drift]) == 1)
        #expect(told([drift]) == 0)
        #expect(told([]) == 0)
        #expect(told([drift]) == 1)
    }

    @Test func driftsThatLookAlikeAreTwo() {
        let rules = [AlertRule(name: "drift", measure: .drift)]
        let drifts = ["caf\u{e9}", "cafe\u{301}"].map {
            FieldDrift(.new, path: "balance data[].\($0)", example: "1")
        }
        var memory = AlertMemory()
        let portfolio = portfolio("1", drift: drifts)
        #expect(memory.changes(to: portfolio.readings(of: rules), in: portfolio).count == 2)
        #expect(AlertMemory(memory.text) == memory)
    }

    @Test func anAccountThatIsNotReadIsToldAndSoIsItsReturn() {
        let rules = [AlertRule(name: "gone", measure: .notRead)]
        var memory = AlertMemory()
        let gone = Sample.portfolio([], failed: [Sample.failure("a", .unavailable)])
        let back = portfolio("1")
        #expect(memory.changes(to: gone.readings(of: rules), in: gone).map(\.change) == [.raised])
        #expect(memory.changes(to: gone.readings(of: rules), in: gone).isEmpty)
        #expect(memory.changes(to: back.readings(of: rules), in: back).map(\.change) == [.cleared])
    }

    @Test func memorySurvivesAndAnUntoldChangeComesAgain() throws {
        let rules = [rule(.below(try ExactDecimal("10")))]
        let low = portfolio("9")
        var memory = AlertMemory()
        let events = memory.changes(to: low.readings(of: rules), in: low)
        var kept = try #require(AlertMemory(memory.text))
        #expect(kept == memory)
        #expect(kept.changes(to: low.readings(of: rules), in: low).isEmpty)
        for event in events { kept.undo(event) }
        #expect(kept.changes(to: low.readings(of: rules), in: low).count == 1)
        #expect(AlertMemory("{}") == nil)
        #expect(AlertMemory("nonsense") == nil)
    }

    /// HMAC-SHA256 of "1700000000000." and the body with the key "made-up", by OpenSSL.
    @Test func aWebhookIsSigned() {
        let headers = Notifier.signature(
            of: Array(#"{"event":"raised"}"#.utf8), secret: "made-up", at: 1_700_000_000_000, delivery: "d")
        #expect(
            headers.first { $0.name == "X-Marginalia-Signature" }?.value
                == "sha256=9927708314d759483d90f00bcf6adf82bbd90d63aadd7876422933a5eae4a549")
        let unsigned = Notifier.signature(of: [], secret: "", at: 0, delivery: "d")
        #expect(!unsigned.contains { $0.name == "X-Marginalia-Signature" })
    }
}
