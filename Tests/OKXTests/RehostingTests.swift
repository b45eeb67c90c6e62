import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite("Rehosting")
struct RehostingTests {
    private func rehosted(
        _ bodies: [RecordedBody]
    ) throws -> (body: JSONValue, account: RehostedAccount) {
        let world = try world()
        let statement = try #require(try world.model.statements(from: bodies, account: "desk").first)
        let result = world.model.rehosted(statement, as: "copy")
        for command in result.commands { try world.apply(command) }
        return (try JSONValue(parsing: world.statement("copy")), result)
    }

    /// Fields that differ by more than the last printed digit, times aside.
    private func differences(_ first: JSONValue, _ second: JSONValue) throws -> [String] {
        let one = leaves(of: first)
        let other = leaves(of: second)
        return Set(one.keys).union(other.keys).filter { path in
            if path.hasSuffix("uTime") || one[path] == other[path] { return false }
            guard let left = Self.number(one[path]), let right = Self.number(other[path]),
                let difference = try? (left - right).magnitude,
                let unit = try? FigurePrecision.binary.unit(of: left)
                    .times(ExactDecimal(4), rounding: .ceiling)
            else { return true }
            // A hidden seventeenth place of a profit in coin is a twelfth one in USD.
            let isInUSD = !path.contains("details") || path.hasSuffix("Usd")
            let coinBlur = isInUSD ? FigurePrecision.places(11).unit(of: left) : .zero
            return difference > max(unit, coinBlur)
        }.sorted().map { "\($0): \(one[$0] ?? "-") \(other[$0] ?? "-")" }
    }

    private static func number(_ text: String?) -> ExactDecimal? {
        ReportedValue(.string(text?.filter { $0 != "\"" } ?? "")).number
    }

    @Test("a generated account, moved into a fresh ledger, answers the same", arguments: 1...20)
    func sameBody(_ seed: UInt64) async throws {
        for mode in AccountMode.allCases {
            let world = try PropertyTests.generate(seed, mode: mode)
            let (body, result) = try rehosted(try await recordedBodies(world))
            let original = try JSONValue(parsing: world.statement("desk"))
            let differences = try differences(original, body)
            #expect(differences.isEmpty, "seed \(seed) \(mode): \(differences)\n\(result.commands)")
            #expect(result.commands.first?.contains("open_account") == true)
        }
    }

    @Test("debts, reserves, trial funds, states and spot costs come along")
    func specialFunds() async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot","spot_borrow":true}"#)
        try world.prices(index: #"{"BTC":"60000","USDT":"1","ETH":"3000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            ("fill", #""instrument":"ETH-USDT","side":"buy","quantity":"1.5","price":"3000""#),
            ("borrow", #""asset":"USDT","amount":"500""#),
            ("accrue_interest", #""asset":"USDT","amount":"0.25""#),
            ("reserve", #""asset":"USDT","amount":"100","purpose":"strategy""#),
            ("reserve", #""asset":"USDT","amount":"20","purpose":"fixed""#),
            ("credit", #""asset":"USDT","amount":"7","purpose":"reward""#),
            ("raise", #""flag":"colRes","asset":"ETH","value":"1""#),
            ("raise", #""flag":"autoLendStatus","asset":"ETH","value":"active""#))
        let (body, result) = try rehosted(try await recordedBodies(world))
        let original = try JSONValue(parsing: world.statement("desk"))
        let differences = try differences(original, body)
        #expect(differences.isEmpty, "\(differences)")
        #expect(result.assumptions.contains { $0.contains("spot trades") })
        #expect(result.assumptions.contains { $0.contains("States") })
    }

    @Test(
        "a loan comes along, however little of it is left",
        arguments: [
            // What was withdrawn, of 100 USDT and 500 borrowed, and the interest on it.
            ("0", "0.25"), ("590", "0.25"), ("599.9", "3"), ("600", "3"), ("600", "0"), ("718.5", "2.636154"),
        ])
    func loans(_ withdrawn: String, _ interest: String) async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot","spot_borrow":true}"#)
        try world.prices(index: #"{"BTC":"60000","USDT":"1.0002"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"100""#), ("borrow", #""asset":"USDT","amount":"500""#))
        if withdrawn != "0" {
            try world.run(
                "desk", ("withdraw", #""asset":"USDT","amount":"\#(withdrawn)","force":true"#))
        }
        if interest != "0" {
            try world.run("desk", ("accrue_interest", #""asset":"USDT","amount":"\#(interest)""#))
        }
        let (body, _) = try rehosted(try await recordedBodies(world))
        let original = try JSONValue(parsing: world.statement("desk"))
        let differences = try differences(original, body)
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test("collateral that is switched off, a negative balance and a restricted currency")
    func multiCurrency() async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"multi","auto_borrow":true,"collateral_off":["ETH"]}"#)
        try world.prices(index: #"{"BTC":"60000","USDT":"0.9998","ETH":"3000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"2""#), ("deposit", #""asset":"ETH","amount":"3""#),
            ("withdraw", #""asset":"USDT","amount":"5000.5","force":true"#),
            ("accrue_interest", #""asset":"USDT","amount":"0.125""#),
            ("raise", #""flag":"colRes","asset":"BTC","value":"2""#))
        let (body, _) = try rehosted(try await recordedBodies(world))
        let original = try JSONValue(parsing: world.statement("desk"))
        let differences = try differences(original, body)
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test("an order in a currency of which nothing is there leaves its price to the rulebook, and says so")
    func pricesOfOrders() async throws {
        let world = try world()
        try world.open("desk")
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","USDT":"1.0021"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            (
                "place_order",
                #""order_id":"one","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"5","price":"59000""#
            ))
        let (_, result) = try rehosted(try await recordedBodies(world))
        #expect(result.assumptions.contains("No answer tells the USD price of USDT; the rulebook's is used."))
    }

    @Test("the documentation's sample: what the rulebook knows comes along, what is missing is said")
    func documentedSample() throws {
        let balance = recordedBody(
            "balance",
            """
            {"code":"0","data":[{"availEq":"1","ordFroz":"5","details":[{"ccy":"USDT",\
            "cashBal":"4850.435693622894","eq":"5000.435693622894","eqUsd":"4999.085575985616",\
            "stgyEq":"150"},\
            {"ccy":"WOOF","cashBal":"1","eq":"1","eqUsd":"1"}]}],"msg":""}
            """)
        let (body, result) = try rehosted([balance])
        let row = try #require(body["data"]?.elements?.first?.detail("USDT"))
        expect(row, ["eq": "5000.435693622894", "stgyEq": "150", "cashBal": "4850.435693622894"])
        #expect(result.assumptions.contains { $0.contains("does not know WOOF") })
        #expect(result.assumptions.contains { $0.contains("do not name the account mode") })
        #expect(result.assumptions.contains { $0.contains("Open orders are not in the answers") })
        #expect(result.commands.contains { $0.contains(#""index":{"USDT":"0.99973"}"#) })
    }
}
