import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Audit")
struct AuditTests {
    private static let time = LedgerTime(milliseconds: 1_780_272_000_000)

    /// Findings of one account by the end of their field: `total_haircut`, `position_balances[0].haircut`.
    private func findings(
        _ bodies: [RecordedBody], of account: String = "main"
    ) throws -> [String: AuditFinding] {
        let statement = try #require(
            try reader().statements(from: bodies, account: "main").first { $0.account == account })
        let found = try reader().audit(statement, rulesAt: Self.time)
        return Dictionary(found.map { (Self.name($0.field), $0) }) { first, _ in
            Issue.record("\(first.field) twice")
            return first
        }
    }

    private static func name(_ field: String) -> String {
        guard let end = field.firstRange(of: "].") else { return field }
        return String(field[end.upperBound...])
    }

    private typealias Expected = [(field: String, verdict: AuditFinding.Verdict, residual: String?)]

    private func expect(
        _ found: [String: AuditFinding], _ expected: Expected, location: SourceLocation = #_sourceLocation
    ) {
        for (field, verdict, residual) in expected {
            #expect(found[field]?.verdict == verdict, "\(field)", sourceLocation: location)
            if let residual {
                #expect(found[field]?.residual?.description == residual, "\(field)", sourceLocation: location)
            }
        }
    }

    /// The table of the first sample row by row.
    @Test("The given page contradicts itself where it is known to, and nowhere else")
    func givenSample() throws {
        let found = try findings([recorded("user-balance", Samples.userBalance)])
        expect(
            found,
            [
                ("total_initial_margin", .matches, "0"), ("total_maintenance_margin", .matches, "0"),
                ("total_cash_balance", .matches, "0"), ("total_collateral_value", .matches, "0"),
                ("total_margin_balance", .contradicts, "-238.62121278"),
                ("total_available_balance", .rounding, "0.00000002"),
                ("total_effective_leverage", .matches, "0"), ("total_haircut", .contradicts, "-0.0038579"),
                ("total_position_im", .notDerivable, nil), ("used_position_limit", .notDerivable, nil),
                ("position_limit", .notDerivable, nil), ("total_position_cost", .notDerivable, nil),
                ("total_session_unrealized_pnl", .notDerivable, nil), ("is_liquidating", .matches, nil),
                ("position_balances[0].collateral_amount", .contradicts, nil),
                ("position_balances[1].collateral_amount", .matches, "0"),
                ("position_balances[2].collateral_amount", .contradicts, nil),
                ("position_balances[3].collateral_amount", .contradicts, nil),
                ("position_balances[3].haircut", .contradicts, "0.975"),
                ("position_balances[0].market_value", .notDerivable, nil),
                ("position_balances[1].market_value", .matches, "0"),
                ("position_balances[0].max_withdrawal_balance", .matches, "0"),
            ])
        #expect(found.values.filter { $0.verdict == .contradicts }.count == 6)
        #expect(found["total_margin_balance"]?.remark.contains("before October 2023") == true)
        let available = try #require(found["total_available_balance"])
        #expect(available.unitsInLastPlace == 2)
        #expect(available.expected == "4721.0589858")
        #expect(available.formula == "total_margin_balance − total_initial_margin, not floored")
        #expect(
            available.inputs.map(\.name) == [
                "result.data[0].total_margin_balance", "result.data[0].total_initial_margin",
            ])
        #expect(available.inputs.map(\.value) == ["7595.42571782", "2874.36673202"])
        #expect(available.source.contains("exchange-docs.crypto.com"))
    }

    /// The second sample's table.
    @Test(
        "The given page of sub-accounts",
        arguments: [
            ("49786818-6ead-40c4-a008-ea6b0fa5cf96", "-1095.9275", "-1095.2775"),
            ("507d3f7d-37c3-4a09-9076-b83c2fcbb638", "-1095.9275", "-1094.3775"),
        ])
    func givenSubaccounts(_ account: String, _ margin: String, _ collateral: String) throws {
        let found = try findings(
            [
                recorded("user-balance", Samples.userBalance),
                recorded("subaccount-balances", Samples.subaccountBalances),
            ], of: "main/" + account)
        expect(
            found,
            [
                ("total_available_balance", .matches, "0"), ("total_cash_balance", .matches, "0"),
                ("total_maintenance_margin", .matches, "0"), ("used_position_limit", .matches, "0"),
                ("total_effective_leverage", .matches, "0"),
                ("total_margin_balance", .contradicts, margin),
                ("total_collateral_value", .contradicts, collateral),
                ("total_initial_margin", .contradicts, nil),
                ("position_balances[0].collateral_amount", .contradicts, "12054.6525"),
                // No reason for the zero is shown, and this form has no field for reserved funds.
                ("position_balances[1].max_withdrawal_balance", .hidden, nil),
            ])
        #expect(found["position_balances[0].collateral_amount"]?.remark.contains("as if") == true)
        #expect(found["total_haircut"] == nil)
        let empty = try findings(
            [
                recorded("user-balance", Samples.userBalance),
                recorded("subaccount-balances", Samples.subaccountBalances),
            ], of: "main/a0d206a1-6b06-47c5-9cd3-8bc6ef0915c5")
        #expect(empty.values.allSatisfy { [.matches, .notDerivable].contains($0.verdict) })
    }

    /// Binary arithmetic leaves last digits, and no formula fails.
    @Test(
        "The recordings pass",
        arguments: [
            (Samples.recordingA, ["total_available_balance", "total_haircut", "used_position_limit"]),
            (
                Samples.recordingB,
                ["total_margin_balance", "total_cash_balance", "used_position_limit", "position_limit"]
            ),
        ])
    func recordings(_ body: String, _ rounded: [String]) throws {
        let found = try findings([recorded("user-balance", body)])
        #expect(
            Set(found.values.filter { $0.verdict == .rounding }.map { Self.name($0.field) }) == Set(rounded))
        #expect(found.values.filter { [.contradicts, .hidden].contains($0.verdict) }.isEmpty)
        for field in [
            "total_initial_margin", "total_maintenance_margin", "total_collateral_value",
            "total_risk_exposure", "total_effective_leverage", "total_borrow", "is_liquidating",
        ] {
            #expect(found[field]?.verdict == .matches, "\(field)")
        }
        #expect(found["position_limit"]?.inputs.first?.value == "20")
    }

    /// The published sample of an isolated position, whose printed margin balance is that
    /// of another account.
    @Test("The isolated sample", arguments: ["7595.42571782", "8.96326705", "8.90107225"])
    func isolatedSample(_ margin: String) throws {
        let world = try makeWorld(
            .live, settings: #"{"fees":{"derivative":{"taker":"0.0004"}}}"#,
            [
                deposit("USD", "100"), prices(marks: #"{"CROUSD-PERP":"0.10962"}"#),
                position(
                    "CROUSD-PERP", "-100", "0.10959",
                    more: #","margin_mode":"isolated","isolated_wallet":"8.9632670590686","leverage":"10""#),
            ])
        let body = try world.statement("desk")
            .replacing(#""total_margin_balance":"8.90107225""#, with: #""total_margin_balance":"\#(margin)""#)
            // As it is printed: the sum of doubles, rounded up.
            .replacing(#""total_initial_margin":"1.0962""#, with: #""total_initial_margin":"1.09620001""#)
        let found = try findings([recorded("user-balance", body)])
        let isWrong = margin != "8.90107225"
        func verdict(_ field: String) -> AuditFinding.Verdict? {
            found["isolated_positions[0].\(field)"]?.verdict
        }
        for field in ["total_margin_balance", "total_available_balance", "position_limit"] {
            #expect(
                verdict(field)
                    == (isWrong ? .contradicts : field == "total_margin_balance" ? .matches : .rounding),
                "\(field)")
        }
        #expect(verdict("total_effective_leverage") == (isWrong ? .contradicts : .matches))
        #expect(verdict("total_initial_margin") == .rounding)
        #expect(verdict("total_maintenance_margin") == .matches)
        #expect(verdict("total_cash_balance") == .matches)
        #expect(verdict("total_collateral_value") == .matches)
    }

    @Test("What is not shown is hidden on its side only")
    func hiddenParts() throws {
        func verdict(_ field: String, _ old: String, _ new: String) throws -> AuditFinding.Verdict? {
            let body = Samples.recordingA.replacing(old, with: new)
            #expect(body != Samples.recordingA)
            return try findings([recorded("user-balance", body)])[field]?.verdict
        }
        // Positions and orders can only add to what is used of the limit.
        let used = #""used_position_limit": "1.64010001""#
        #expect(try verdict("used_position_limit", used, #""used_position_limit": "50""#) == .hidden)
        #expect(try verdict("used_position_limit", used, #""used_position_limit": "1""#) == .contradicts)
        // Without a position there is nothing to keep fees back for.
        let margin = #""total_margin_balance": "19.82186564""#
        for other in ["19.815", "19.8219"] {
            let text = #""total_margin_balance": "\#(other)""#
            #expect(try verdict("total_margin_balance", margin, text) == .contradicts)
        }
        // A liquidation outlasts its cause; one that is due and not begun is wrong.
        let calm = #""is_liquidating": false"#
        #expect(try verdict("is_liquidating", calm, #""is_liquidating": true"#) == .hidden)
        #expect(
            try verdict("is_liquidating", margin, #""total_margin_balance": "0.1""#) == .contradicts)
        let free = #""max_withdrawal_balance": "30""#
        #expect(
            try verdict(
                "position_balances[0].max_withdrawal_balance", free, #""max_withdrawal_balance": "29""#)
                == .hidden)
        #expect(
            try verdict(
                "position_balances[0].max_withdrawal_balance", free, #""max_withdrawal_balance": "31""#)
                == .contradicts)
    }

    @Test("Odd fields are not derivable, never a crash")
    func oddities() throws {
        let body = Samples.recordingA
            .replacing(#""collateral_eligible": true"#, with: #""collateral_eligible": "maybe""#)
            .replacing(#""haircut": "0.5""#, with: #""haircut": null"#)
            .replacing(
                #""total_initial_margin": "0.82005001""#,
                with: #""total_initial_margin": "170141183460469231731""#
            )
            .replacing(#""total_borrow": "0""#, with: #""total_borrow": [1]"#)
        let found = try findings([recorded("user-balance", body)])
        for field in ["total_margin_balance", "total_haircut"] {
            #expect(found[field]?.verdict == .notDerivable, "\(field)")
        }
        #expect(found["position_balances[0].collateral_amount"]?.verdict == .notDerivable)
        #expect(found["total_initial_margin"]?.verdict == .contradicts)
        #expect(found["total_borrow"] == nil)
        let other = Statement(
            venue: CryptoComVenue.name, account: "x", mode: "", takenAt: 0,
            bodies: [recorded("user-balance", "<html>")])
        #expect(try reader().audit(other, rulesAt: Self.time).isEmpty)
    }

    @Test("Answers of different moments are no contradiction")
    func moments() async throws {
        let world = try makeWorld(
            .live,
            [
                deposit("USD", "100000"), prices(marks: #"{"BTCUSD-PERP":"61000"}"#),
                position("BTCUSD-PERP", "1", "60000"),
            ])
        var bodies = try await world.recorded(deskKey)
        try world.apply(prices(marks: #"{"BTCUSD-PERP":"61010"}"#))
        let later = try await world.recorded(deskKey)
        let place = try #require(bodies.firstIndex { $0.call == "positions" })
        bodies[place] = later[place]
        #expect(try findings(bodies)["total_session_unrealized_pnl"]?.verdict == .contradicts)
        bodies[place] = RecordedBody(call: "positions", bytes: later[place].bytes, takenAt: 1_780_272_000_100)
        let found = try findings(bodies)
        #expect(found["total_session_unrealized_pnl"]?.verdict == .notDerivable)
        #expect(found["total_position_cost"]?.verdict == .matches)
    }

    @Test("Our own bodies never contradict", arguments: [WireProfile.documented, .live])
    func ownBodies(_ profile: WireProfile) async throws {
        var generator = SeededGenerator()
        var verdicts: [AuditFinding.Verdict: Int] = [:]
        for round in 0..<150 {
            let (prices, others) = PropertyTests.commands(&generator)
            let world = try makeWorld(profile, [prices] + others)
            if round % 3 == 0 {
                try world.apply(
                    #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
                    deposit("BTC", generator.decimal(1...5), account: "child"),
                    deposit("USD", generator.decimal(1...5), account: "child"))
            }
            let all = try await world.recorded(deskKey)
            // Without what may be missing, too.
            let some = all.filter { $0.call == "user-balance" || Bool.random(using: &generator) }
            for bodies in [all, some] {
                for statement in try world.model.statements(from: bodies, account: "main") {
                    for finding in world.model.audit(statement, rulesAt: world.ledgerTime()) {
                        verdicts[finding.verdict, default: 0] += 1
                        #expect(
                            finding.verdict != .contradicts,
                            "\(finding.field) \(finding.reported) ≠ \(finding.expected), seed \(generator.seed)"
                        )
                    }
                }
            }
            // With every answer, nothing but realised profit, prices and settings is left open; leverage may
            // be anything where the margin balance is next to nothing.
            let statement = try world.model.statements(from: all, account: "main")[0]
            for finding in world.model.audit(statement, rulesAt: world.ledgerTime())
            where finding.verdict == .notDerivable {
                let name = String(finding.field.split(separator: ".").last ?? "")
                #expect(
                    [
                        "total_session_realized_pnl", "market_value", "position_limit", "total_position_im",
                        "used_position_limit", "total_cash_balance", "total_haircut", "haircut",
                        "total_effective_leverage",
                    ]
                    .contains(name), "\(finding.field): \(finding.remark), seed \(generator.seed)")
            }
        }
        // The audit says something: by far most figures follow from others.
        let (matches, rest) = (verdicts[.matches] ?? 0, verdicts[.notDerivable] ?? 0)
        #expect(matches > rest)
    }
}
