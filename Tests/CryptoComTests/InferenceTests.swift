import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// What answers imply and no definition says: which number stands in for the one that is not shown.
@Suite("Inferences")
struct InferenceTests {
    private struct Case: CustomTestStringConvertible {
        let testDescription: String
        var profile = WireProfile.live
        /// Of BTC at 60000, marked 61000; none for an empty text.
        var quantity = "0.5"
        var orders: [String] = []
        var calls = ["user-balance"]
        /// What is put into the balance.
        var changes: [(field: String, value: String)] = []
        /// The end of the field, and of an input's name; empty for no input.
        let field: String
        var input = ""
        var value: String?
        let verdict: AuditFinding.Verdict
    }

    private static let all = ["user-balance", "positions", "open-orders"]

    private static let cases = [
        // The mark is (cost + session_pnl) ÷ quantity.
        Case(
            testDescription: "mark", calls: all, field: "].total_position_im",
            input: "(positions result.data[0].cost + session_pnl) ÷ quantity", value: "61000",
            verdict: .matches),
        Case(
            testDescription: "mark, without what is ordered", calls: ["user-balance", "positions"],
            field: "].total_position_im", verdict: .notDerivable),
        // A row's price is what it is worth over what its value is of.
        Case(
            testDescription: "price", calls: all, field: "].total_cash_balance",
            input: "price that result.data[0].position_balances[1].market_value implies", value: "0.1",
            verdict: .matches),
        Case(
            testDescription: "price of what an order offers",
            orders: [order("s", "CRO_USD", "sell", "40", "0.2")],
            calls: all, changes: [("used_position_limit", "30599.5")], field: "].used_position_limit",
            input: "price that result.data[0].position_balances[1].market_value implies", value: "0.1",
            verdict: .notDerivable),
        // The whole number that the limit is nearest to being a multiple by.
        Case(
            testDescription: "leverage", field: "].position_limit", input: "maximum leverage that it implies",
            value: "50", verdict: .matches),
        Case(
            testDescription: "another leverage", changes: [("position_limit", "100000")],
            field: "].position_limit", input: "maximum leverage that it implies", value: "1",
            verdict: .notDerivable),
        // Longs are worth cost and profit where the limit says that there is nothing else.
        Case(
            testDescription: "longs", field: "].used_position_limit",
            input: "total_position_cost + total_session_unrealized_pnl", value: "30500", verdict: .matches),
        Case(
            testDescription: "no position", quantity: "", field: "].used_position_limit",
            input: "no position: total_position_cost is 0", value: "0", verdict: .matches),
        Case(
            testDescription: "a short", quantity: "-0.5", field: "].total_margin_balance",
            input: "used_position_limit − market_value of holdings", value: "30500", verdict: .matches),
        Case(
            testDescription: "a short, by its positions", quantity: "-0.5", calls: all,
            field: "].used_position_limit", input: "÷ quantity", value: "61000", verdict: .matches),
        Case(
            testDescription: "a short in the documented form", profile: .documented, quantity: "-0.5",
            field: "].used_position_limit", input: "total_position_cost + total_session_unrealized_pnl",
            value: "29500", verdict: .notDerivable),
        // Fee reserves: the rulebook's rate, another one that the balance implies, none that is known.
        Case(
            testDescription: "usual fee", field: "].total_margin_balance", input: "taker fee rate",
            verdict: .matches),
        Case(
            testDescription: "another fee", changes: [("total_margin_balance", "100438.35")],
            field: "].total_margin_balance", input: "taker fee rate that it implies", verdict: .matches),
        Case(
            testDescription: "no fee", changes: [("total_margin_balance", "100433.12345678")],
            field: "].total_margin_balance", input: "taker fee rate", verdict: .hidden),
        Case(
            testDescription: "a reserve in the documented form", profile: .documented,
            changes: [("total_margin_balance", "100500")], field: "].total_margin_balance",
            input: "fee reserve", verdict: .hidden),
        Case(
            testDescription: "less than any reserve in the documented form", profile: .documented,
            changes: [("total_margin_balance", "100000")], field: "].total_margin_balance",
            input: "fee reserve", verdict: .contradicts),
        // A liquidation may outlast its cause, and never comes late.
        Case(
            testDescription: "liquidation", changes: [("is_liquidating", "true")], field: "].is_liquidating",
            verdict: .hidden),
        Case(
            testDescription: "no liquidation", changes: [("total_margin_balance", "1")],
            field: "].is_liquidating", verdict: .contradicts),
    ]

    @Test("stand in for what is not shown", arguments: cases)
    private func stand(_ given: Case) async throws {
        let positions = given.quantity.isEmpty ? [] : [position("BTCUSD-PERP", given.quantity, "60000")]
        let world = try makeWorld(
            given.profile, settings: #"{"max_leverage":"50"}"#,
            [
                deposit("USD", "100000"), deposit("CRO", "1000"),
                prices(marks: #"{"BTCUSD-PERP":"61000"}"#, index: #"{"CRO":"0.1"}"#),
            ] + positions + given.orders)
        let bodies = try await world.recorded(deskKey).filter { given.calls.contains($0.call) }.map { body in
            body.call == "user-balance" ? try changed(body, given.changes) : body
        }
        let statement = try #require(try world.model.statements(from: bodies, account: "main").first)
        let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
        let finding = try #require(findings.first { $0.field.hasSuffix(given.field) })
        #expect(finding.verdict == given.verdict, "\(finding)")
        guard !given.input.isEmpty else { return }
        let input = try #require(
            finding.inputs.first { $0.name.hasSuffix(given.input) }, "\(finding.inputs.map(\.name))")
        if let value = given.value { #expect(input.value == value) }
    }

    /// The balance with other texts in some of the account's own fields.
    private func changed(
        _ body: RecordedBody, _ changes: [(field: String, value: String)]
    ) throws -> RecordedBody {
        var text = String(decoding: body.bytes, as: UTF8.self)
        for (field, value) in changes {
            let key = "\"\(field)\":"
            let start = try #require(text.firstRange(of: key)).upperBound
            let end = try #require(text[start...].firstIndex { $0 == "," || $0 == "}" })
            text.replaceSubrange(start..<end, with: text[start] == "\"" ? "\"\(value)\"" : value)
        }
        return RecordedBody(call: body.call, bytes: Array(text.utf8), takenAt: body.takenAt)
    }

    @Test("A quotient is as wide as what its digits leave open")
    func quotients() throws {
        var found: [(ExactFraction, FigureRange, String)] = []
        Inference.quotient(of: .one, within: 2, over: ExactDecimal(-4), as: "a") {
            found.append(($0, $1, $2))
        }
        #expect(found.count == 1)
        #expect(try found[0].0 == ExactFraction(ExactDecimal("-0.25")))
        #expect(try found[0].1.low == ExactFraction(ExactDecimal("-0.250000005")))
        #expect(try found[0].1.high == ExactFraction(ExactDecimal("-0.249999995")))
        Inference.quotient(of: .one, within: 2, over: .zero, as: "b") { found.append(($0, $1, $2)) }
        #expect(found.count == 1)
    }
}
