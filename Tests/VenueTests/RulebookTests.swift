import JSON
import Ledger
import Numbers
import Testing
import Venue

/// The least that rules can be: one rate, and one that may be left out.
private struct SmallRules: RulebookRules {
    let rate: ExactDecimal
    let other: ExactDecimal?
    let coins: [String]

    init(reading rulebook: FieldReader) throws(Refusal) {
        let rates = try rulebook.record("rates")
        rate = try rates.decimal("rate")
        other = try rates.optionalDecimal("other")
        var coins: [String] = []
        for coin in try rulebook.objects("coins", 0...9) { coins.append(try coin.text("name")) }
        self.coins = coins
    }
}

@Suite("Rulebooks")
struct RulebookTests {
    private typealias Timeline = RulebookTimeline<SmallRules>
    private static let venue = VenueName(rawValue: "small")

    private static func book(
        _ effective: String, _ rest: String = #""rates":{"rate":"1"},"coins":[]"#, venue: String = "small"
    ) -> String {
        #"{"venue":"\#(venue)","effective":"\#(effective)","read_on":"2026-01-01","source":"s",\#(rest)}"#
    }

    private func timeline(_ builtIn: [String], _ added: [String] = []) throws -> Timeline {
        try Timeline(
            venue: Self.venue, builtIn: builtIn.map { Array($0.utf8) },
            added: try added.map { try JSONValue(parsing: $0) })
    }

    private func time(_ text: String) throws -> LedgerTime { try #require(LedgerTime(iso8601: text)) }

    @Test("A version holds from its moment on; the first holds before itself as well")
    func versions() throws {
        let timeline = try timeline(
            [
                Self.book("2026-03-01T00:00:00Z", #""rates":{"rate":"3"},"coins":[]"#),
                Self.book("2026-01-01T00:00:00Z"),
            ],
            [Self.book("2026-02-01T00:00:00+01:00", #""rates":{"rate":"2"},"coins":[]"#)])
        #expect(timeline.versions.map(\.rules.rate) == [ExactDecimal(1), ExactDecimal(2), ExactDecimal(3)])
        let expected: [(String, Int)] = [
            ("2020-01-01", 1), ("2026-01-31T22:59:59.999Z", 1), ("2026-01-31T23:00:00Z", 2),
            ("2026-02-28T23:59:59Z", 2), ("2026-03-01", 3), ("2030-01-01", 3),
        ]
        for (moment, rate) in expected {
            #expect(try timeline.rules(at: time(moment)).rate == ExactDecimal(rate), "\(moment)")
        }
        #expect(
            try timeline.version(at: time("2026-02-10")).header.effectiveText == "2026-02-01T00:00:00+01:00")
    }

    @Test("A later rulebook of the same moment replaces, one that amends is laid over")
    func replacingAndAmending() throws {
        let base = Self.book(
            "2026-01-01T00:00:00Z", #""rates":{"rate":"1","other":"9"},"coins":[{"name":"A"}]"#)
        let replaced = try timeline(
            [base], [Self.book("2026-01-01T00:00:00Z", #""rates":{"rate":"5"},"coins":[]"#)])
        #expect(replaced.versions.map(\.rules.rate) == [ExactDecimal(5)])
        #expect(replaced.versions[0].rules.other == nil)

        let amended = try timeline(
            [base],
            [
                Self.book("2026-02-01T00:00:00Z", #""amends":true,"rates":{"rate":"2"}"#),
                Self.book(
                    "2026-03-01T00:00:00Z", #""amends":true,"rates":{"other":null},"coins":[{"name":"B"}]"#),
            ])
        #expect(amended.versions.map(\.rules.rate) == [ExactDecimal(1), ExactDecimal(2), ExactDecimal(2)])
        #expect(amended.versions.map(\.rules.other) == [ExactDecimal(9), ExactDecimal(9), nil])
        #expect(amended.versions.map(\.rules.coins) == [["A"], ["A"], ["B"]])
    }

    @Test(
        "A rulebook that cannot be read names the field at fault",
        arguments: [
            ([], [], "rulebook"),
            (["{"], [], "rulebook"),
            ([book("soon")], [], "effective"),
            ([book("2026-01-01T00:00:00Z", venue: "other")], [], "venue"),
            ([], [book("2026-01-01T00:00:00Z", #""amends":true"#)], "amends"),
            ([book("2026-05-01T00:00:00Z")], [book("2026-01-01T00:00:00Z", #""amends":true"#)], "amends"),
            ([book("2026-01-01T00:00:00Z", #""coins":[]"#)], [], "rates"),
            ([book("2026-01-01T00:00:00Z", #""rates":{"rate":1},"coins":[]"#)], [], "rates.rate"),
            ([book("2026-01-01T00:00:00Z", #""rates":{"rate":"1,5"},"coins":[]"#)], [], "rates.rate"),
            (
                [book("2026-01-01T00:00:00Z", #""rates":{"rate":"1","other":true},"coins":[]"#)], [],
                "rates.other"
            ),
            ([book("2026-01-01T00:00:00Z", #""rates":{"rate":"1"},"coins":{}"#)], [], "coins"),
            (
                [book("2026-01-01T00:00:00Z", #""rates":{"rate":"1"},"coins":[{"name":"A"},{}]"#)], [],
                "coins[1].name"
            ),
            ([#"{"venue":"small","effective":"2026-01-01","read_on":"2026-01-01"}"#], [], "source"),
        ] as [([String], [String], String)])
    func broken(_ builtIn: [String], _ added: [String], _ field: String) {
        let error = #expect(throws: RulebookError.self) { try timeline(builtIn, added) }
        #expect(error?.field == field)
    }

    @Test("What is wrong with a field is told with its path and what it must be")
    func reader() throws {
        let reader = try FieldReader(
            JSONValue(parsing: #"{"a":{"n":5,"t":"5","on":true,"rows":[["1","2"],["3"]],"r":"1.5"}}"#),
            subject: "")
        let record = try reader.record("a")
        #expect(try record.positiveCount("n") == 5)
        #expect(try record.flag("on") && record.flag("absent", fallback: true))
        #expect(try record.optional("absent", record.rate) == nil)
        #expect(try reader.recordOrEmpty("absent").names.isEmpty)
        let faults: [(String, String, () throws -> Void)] = [
            ("a.t", "t must be a whole number from 1 to 1000000000.", { _ = try record.positiveCount("t") }),
            ("a.n", "n must be true or false.", { _ = try record.flag("n") }),
            ("a.r", "r must be from 0 to 1.", { _ = try record.rate("r") }),
            ("a.x", "x is missing.", { _ = try record.positive("x") }),
            ("a.on", "must be an object.", { _ = try record.record("on") }),
            (
                "a.rows[1]", "rows[1] must be a list of cap, rate.",
                { _ = try record.rows("rows", of: ["cap", "rate"]) }
            ),
            ("a.rows[0]", "rows[0] must be a text.", { _ = try record.texts("rows") }),
            (
                "a.n", "n is unknown here; known are t, on, rows, r.",
                { try record.allow(["t", "on", "rows", "r"]) }
            ),
        ]
        for (field, message, fault) in faults {
            let error = #expect(throws: Refusal.self) { try fault() }
            #expect(error?.field == field)
            #expect(error?.message == message)
        }
    }

    @Test("Names that only their bytes tell apart are refused wherever they stand")
    func lookalikes() {
        let rest = #""rates":{"rate":"1","\u00e9":"1","e\u0301":"1"},"coins":[]"#
        let error = #expect(throws: RulebookError.self) {
            try timeline([Self.book("2026-01-01T00:00:00Z", rest)])
        }
        #expect(error?.field == "rates")
    }
}
