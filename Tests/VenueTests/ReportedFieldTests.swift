import JSON
import Numbers
import Testing
import Venue

@Suite struct ReportedFieldTests {
    @Test("a field is absent, empty, null, a number as text or JSON number, held or not, or something else")
    func states() throws {
        let body = RecordedBody(
            call: "balance",
            bytes: Array(
                #"""
                {"empty":"","nothing":null,"zero":"0","padded":"0.00000000","number":1.50,"small":"2.8E-4",
                 "large":1e3,"deep":"0.0000000000000000001","vast":"1e40","word":"off","flag":true,"rows":[
                 {"eq":"-0.5"}]}
                """#.utf8), takenAt: 0)
        let answer = try ReportedObject(parsing: body)
        #expect(answer["gone"] == .absent)
        #expect(answer["empty"] == .empty)
        #expect(answer["nothing"] == .null)
        #expect(answer["zero"] == .number(.zero, text: "0"))
        #expect(answer["padded"] == .number(.zero, text: "0.00000000"))
        #expect(answer["number"] == .number(try ExactDecimal("1.5"), text: "1.50"))
        #expect(answer["small"] == .number(try ExactDecimal("0.00028"), text: "2.8E-4"))
        #expect(answer["large"] == .number(ExactDecimal(1000), text: "1e3"))
        #expect(answer["deep"] == .outOfRange(text: "0.0000000000000000001"))
        #expect(answer["deep"].truncatedNumber == .zero)
        #expect(answer["vast"] == .outOfRange(text: "1e40"))
        #expect(answer["vast"].truncatedNumber == nil)
        #expect(answer["word"] == .other(text: "off"))
        #expect(answer["flag"] == .other(text: "true"))
        #expect(answer.rows("rows").first?.path(of: "eq") == "rows[0].eq")
        #expect(answer.leaves.count == 12)
        #expect(answer.leaves.last?.path == "rows[0].eq")
        #expect(answer.leaves.last?.value.text == "-0.5")
    }

    @Test(
        "texts that are numbers, and their values",
        arguments: [
            ("-0", "0"), ("007", "7"), ("-12.50", "-12.5"), ("5.1e-09", "0.0000000051"), ("1.2E+3", "1200"),
            ("120e-1", "12"), ("0e99999", "0"), ("-3E0", "-3"), ("100", "100"), ("0.10", "0.1"),
        ])
    func numbers(text: String, value: String) throws {
        #expect(ReportedValue(.string(text)) == .number(try ExactDecimal(value), text: text))
    }

    @Test(
        "texts that are none",
        arguments: [" 1", "1.", ".5", "+1", "1e", "1e+", "0x1", "--1", "1 ", "Infinity", "e5", "1.2.3"])
    func words(text: String) { #expect(ReportedValue(.string(text)) == .other(text: text)) }

    @Test("a number that is too small for 18 places, or too large, is kept as it stood")
    func unheld() {
        for text in ["1e-19", "1e-99999", "1e99999", "-1e-19", "123456789012345678901234567890"] {
            #expect(ReportedValue(.number(text)) == .outOfRange(text: text))
        }
    }

    @Test("in an answer a field reads as it does in a value, whatever its length and escapes")
    func inPlace() throws {
        let texts =
            [
                "", "0", "-0", "007", "1.50", ".5", "5.", "+1", "1e3", "2.8E-4", "1e-19", "1e40", "off",
                "null",
                "0.000000000000000000", "0.0000000000000000000", "0.0000000000000000001",
                "170141183460469231731.687303715884105727", "170141183460469231731.687303715884105728",
                "-170141183460469231731.687303715884105728", "99999999999999999999.9", "\"quoted\"", "é\n1",
            ] + (1...45).map { String(repeating: "7", count: $0) }
            + (1...25).map { "1." + String(repeating: "0", count: $0) }
        for text in texts {
            let value = JSONValue.string(text)
            let expected = ReportedValue(value)
            #expect(ReportedValue(try JSONText(parsing: value.description)) == expected, "\(text)")
            // The same with its first character as an escape.
            guard let first = text.unicodeScalars.first?.value else { continue }
            let digits = String(first, radix: 16)
            let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            let rest = JSONValue.string(String(text.unicodeScalars.dropFirst())).description.dropFirst()
            #expect(ReportedValue(try JSONText(parsing: "\"\(escape)\(rest)")) == expected, "\(text)")
        }
    }

    @Test("of two figures of one name the later one stands in the place of the first")
    func repeatedFigures() {
        func figure(_ name: CommonFigure, _ text: String) -> ReportedFigure {
            ReportedFigure(name, field: text, .other(text: text), unit: "USD")
        }
        let once = StatementFigures([figure(.equity, "a"), figure(.wallet, "b")])
        #expect(once.all.map(\.field) == ["a", "b"])
        var twice = StatementFigures([figure(.equity, "a"), figure(.wallet, "b"), figure(.equity, "c")])
        #expect(twice.all.map(\.field) == ["c", "b"])
        twice.set(figure(.wallet, "d"))
        twice.set(figure(.debt, "e"))
        #expect(twice.all.map(\.field) == ["c", "d", "e"])
        #expect(twice[.debt]?.field == "e" && twice[.index] == nil)
    }

    @Test("an answer that is no JSON")
    func unreadable() {
        #expect(throws: ReadingError.self) {
            try ReportedObject(
                parsing: RecordedBody(call: "balance", bytes: Array("<html>".utf8), takenAt: 0))
        }
    }

    @Test("fields that are new, lost or of another type, each once")
    func drift() throws {
        let shape = FieldShape.object(
            .list("code msg", .text) + [
                KnownField(
                    "data", .array(.object(.list("eq ccy", .text) + .list("twap", .text, isAlways: false)))),
                KnownField("markets", .map(.value([.text, .null])), isAlways: false),
            ])
        let same = try JSONText(parsing: #"{"code":"0","msg":"","data":[{"eq":"1","ccy":"BTC"}]}"#)
        #expect(shape.drift(in: same, call: "balance").isEmpty)
        let other = try JSONText(
            parsing: #"""
                {"code":0,"data":[{"eq":"1","ccy":"BTC","extra":5},{"ccy":"ETH","extra":6}],
                 "markets":{"BTC-USD":"1","ETH-USD":2,"X":null}}
                """#)
        #expect(
            shape.drift(in: other, call: "balance") == [
                FieldDrift(.retyped, path: "balance code", example: "0"),
                FieldDrift(.new, path: "balance data[].extra", example: "5"),
                FieldDrift(.lost, path: "balance data[].eq", example: ""),
                FieldDrift(.retyped, path: "balance markets.*", example: "2"),
                FieldDrift(.lost, path: "balance msg", example: ""),
            ])
        #expect(
            shape.drift(in: try JSONText(parsing: "[]"), call: "balance") == [
                FieldDrift(.retyped, path: "balance", example: "[]")
            ])
    }

    @Test("of answers to one call the last counts; one that is no JSON is drift where its call is known")
    func answers() throws {
        func answer(_ call: String, _ text: String) -> ReportedAnswer {
            ReportedAnswer(RecordedBody(call: call, bytes: Array(text.utf8), takenAt: 0))
        }
        let answers = [
            answer("balance", #"{"eq":"1"}"#), answer("balance", #"{"eq":2}"#), answer("orders", "<html>"),
            answer("config", "<html>"), answer("prices", #"{"px":"5"}"#), answer("time", "{}"),
        ]
        #expect(try answers.own("balance")["eq"].text == "2")
        #expect(try answers.own("balance").path(of: "eq") == "eq")
        #expect(answers.other("prices")?.path(of: "px") == "prices px")
        #expect(answers.other("orders") == nil && answers.other("gone") == nil)
        #expect(throws: ReadingError(.unreadable, "There is no answer to gone.")) { try answers.own("gone") }
        #expect(
            throws: ReadingError(
                .unreadable,
                "The answer to orders is no JSON: line 1, column 1: a value cannot start with '<'.")
        ) { try answers.own("orders") }
        let known = [
            "balance": FieldShape.object(.list("eq", .text)), "orders": .anything, "prices": .object([]),
        ]
        #expect(
            answers.drift { call, _ in known[call] } == [
                FieldDrift(.retyped, path: "balance eq", example: "2"),
                FieldDrift(.retyped, path: "orders", example: "no JSON"),
                FieldDrift(.new, path: "prices px", example: "5"),
            ])
    }

    /// Rows of two numbers, one of which may be missing, with a list and a map of rows in them.
    private static let rowShape = FieldShape.object([
        KnownField(
            "data",
            .array(
                .object(
                    .list("first second", .text)
                        + [
                            KnownField("third", .text, isAlways: false),
                            KnownField("tags", .array(.value(.text)), isAlways: false),
                            KnownField("legs", .array(.object(.list("size", .text))), isAlways: false),
                            KnownField("markets", .map(.object(.list("size", .text))), isAlways: false),
                            KnownField("whatever", .anything, isAlways: false),
                        ])))
    ])

    private func drift(_ rows: String) throws -> [FieldDrift] {
        Self.rowShape.drift(in: try JSONText(parsing: "{\"data\":\(rows)}"), call: "rows")
    }

    @Test("fields in any order, and names spelt with escapes, are known")
    func driftOrder() throws {
        #expect(
            try drift(
                #"""
                [{"first":"1","second":"2","third":"3"},{"third":"3","second":"2","first":"1"},
                 {"second":"2","first":"1"},{"f\u0069rst":"1","\u0073econd":"2","legs":[],"markets":{}},
                 {"whatever":[{"first":1}],"tags":["a"],"first":"","second":"2","legs":[{"size":"1"}]}]
                """#
            ).isEmpty)
        // A name is known by all of its bytes.
        #expect(
            try drift(#"[{"first":"1","second":"2","thirc":"3","firs":1,"firstt":2,"":null,"First":{}}]"#)
                == [
                    FieldDrift(.new, path: "rows data[].thirc", example: "3"),
                    FieldDrift(.new, path: "rows data[].firs", example: "1"),
                    FieldDrift(.new, path: "rows data[].firstt", example: "2"),
                    FieldDrift(.new, path: "rows data[].", example: "null"),
                    FieldDrift(.new, path: "rows data[].First", example: "{}"),
                ])
    }

    @Test("a field that is lost in some rows only is told once, in the place of the first of them")
    func driftLost() throws {
        let whole = #"{"first":"1","second":"2"}"#
        #expect(
            try drift("[\(whole),{\"second\":\"2\",\"third\":3},\(whole),{\"first\":\"1\"},{}]") == [
                FieldDrift(.retyped, path: "rows data[].third", example: "3"),
                FieldDrift(.lost, path: "rows data[].first", example: ""),
                FieldDrift(.lost, path: "rows data[].second", example: ""),
            ])
        // null and "" are there.
        #expect(
            try drift(#"[{"first":null,"second":""}]"#) == [
                FieldDrift(.retyped, path: "rows data[].first", example: "null")
            ])
        #expect(try drift("[]").isEmpty)
        #expect(try drift("null") == [FieldDrift(.retyped, path: "rows data", example: "null")])
    }

    @Test("values of another type within lists, lists of lists and maps, with the first of them as example")
    func driftNested() throws {
        #expect(
            try drift(
                #"""
                [{"first":"1","second":["2"],"tags":["a",1,2,["b"]],"legs":[{"size":"1"},{"size":2},[],"x"],
                  "markets":{"BTC":{"size":"1"},"ETH":{"size":true,"extra":{"a":[1]}},"X":5,"Y":{}}},
                 {"first":"1","second":{"a":1},"legs":{"size":"1"},"markets":[]}, "row", [{"first":1}]]
                """#) == [
                    FieldDrift(.retyped, path: "rows data[].second", example: #"["2"]"#),
                    FieldDrift(.retyped, path: "rows data[].tags[]", example: "1"),
                    FieldDrift(.retyped, path: "rows data[].legs[].size", example: "2"),
                    FieldDrift(.retyped, path: "rows data[].legs[]", example: "[]"),
                    FieldDrift(.retyped, path: "rows data[].markets.*.size", example: "true"),
                    FieldDrift(.new, path: "rows data[].markets.*.extra", example: #"{"a":[1]}"#),
                    FieldDrift(.retyped, path: "rows data[].markets.*", example: "5"),
                    FieldDrift(.lost, path: "rows data[].markets.*.size", example: ""),
                    FieldDrift(.retyped, path: "rows data[].legs", example: #"{"size":"1"}"#),
                    FieldDrift(.retyped, path: "rows data[].markets", example: "[]"),
                    FieldDrift(.retyped, path: "rows data[]", example: "row"),
                ])
        let long = String(repeating: "é", count: 100)
        #expect(
            try drift("[{\"first\":\"1\",\"second\":\"2\",\"new\":\"\(long)\"}]").first?.example
                == String(repeating: "é", count: 80))
    }

    @Test("a shape of many fields knows each of them, and no other")
    func driftOfManyFields() throws {
        let names = (0..<300).map { "field\($0)" }
        let shape = FieldShape.object(.list(names.joined(separator: " "), .text))
        let members = names.map { "\"\($0)\":\"1\"" }
        for text in [members, members.reversed(), members.shuffled()] {
            let value = try JSONText(parsing: "{" + text.joined(separator: ",") + "}")
            #expect(shape.drift(in: value, call: "many").isEmpty)
        }
        for place in [0, 150, 299] {
            var some = members
            some[place] = "\"fieldX\":1"
            #expect(
                shape.drift(in: try JSONText(parsing: "{" + some.joined(separator: ",") + "}"), call: "many")
                    == [
                        FieldDrift(.new, path: "many fieldX", example: "1"),
                        FieldDrift(.lost, path: "many field\(place)", example: ""),
                    ])
        }
        #expect(
            shape.drift(in: try JSONText(parsing: "{}"), call: "many")
                == names.map { FieldDrift(.lost, path: "many \($0)", example: "") })
    }
}

@Suite struct AuditVerdictTests {
    private func check(
        _ reported: String, _ inputs: [String], _ precision: FigurePrecision, units: Int = 1
    ) -> FigureCheck {
        FigureCheck(
            field: "sum", reported: ReportedValue(.string(reported)), formula: "a + b",
            inputs: inputs.enumerated().map { AuditInput("in[\($0)]", ReportedValue(.string($1))) },
            source: "the test", precision: precision, allowedUnits: units)
    }

    @Test(
        "verdicts on a sum of two figures with eight places",
        arguments: [
            ("3.00000000", AuditFinding.Verdict.matches, 0), ("3.00000001", .rounding, 1),
            ("3.00000002", .contradicts, 2), ("2.99999999", .rounding, 1),
            ("2.5", .contradicts, 50_000_000),
        ])
    func places(reported: String, verdict: AuditFinding.Verdict, units: Int) throws {
        let finding = try #require(
            check(reported, ["1.00000000", "2"], .places(8)).finding { try $0.sum() })
        #expect(finding.verdict == verdict)
        #expect(finding.unitsInLastPlace == units)
        #expect(finding.expected == "3")
        #expect(finding.inputs.map(\.value) == ["1.00000000", "2"])
    }

    @Test(
        "units are counted as far as every reader of JSON holds them",
        arguments: [
            ("90071995.74740992", 9_007_199_254_740_992), ("90071995.74740993", nil),
            ("100000000000", nil),
        ])
    func manyUnits(reported: String, units: Int?) throws {
        let finding = try #require(
            check(reported, ["1.20000000", "2"], .places(8)).finding { try $0.sum() })
        #expect(finding.verdict == .contradicts && finding.residual?.isZero == false)
        #expect(finding.unitsInLastPlace == units)
    }

    @Test("binary arithmetic: what a blurred input comes to is allowed for, more is not")
    func binary() throws {
        // The documentation's sample: B + Uc − inUse in doubles.
        let sample = check("4834.3170936228935", ["4850.435693622894", "-16.1186"], .binary, units: 2)
        #expect(try #require(sample.finding { try $0.sum() }).verdict == .rounding)
        // A tenth is no rounding, however short the figure is printed.
        let off = check("100.6", ["50.25", "50.25"], .binary, units: 2)
        #expect(try #require(off.finding { try $0.sum() }).verdict == .contradicts)
        // A difference of great numbers keeps their errorBound.
        let cancelled = check(
            "0.0000152587890625", ["100000000000.00001", "-100000000000"], .binary, units: 2)
        #expect(try #require(cancelled.finding { try $0.sum() }).verdict == .rounding)
    }

    @Test("hidden parts lie on their side")
    func hidden() throws {
        let fees = FigureCheck.Difference.hidden("Fees of open orders.", above: .zero)
        #expect(
            try #require(check("2", ["1", "2"], .places(8)).finding(fees) { try $0.sum() }).verdict == .hidden
        )
        #expect(
            try #require(check("4", ["1", "2"], .places(8)).finding(fees) { try $0.sum() }).verdict
                == .contradicts)
    }

    @Test("missing inputs, missing results and figures that are not shown")
    func notDerivable() throws {
        let missing = try #require(check("2", ["1", ""], .places(8)).finding { try $0.sum() })
        #expect(missing.verdict == .notDerivable)
        #expect(missing.remark == "in[1] is \"\".")
        #expect(missing.expected.isEmpty && missing.residual == nil && missing.unitsInLastPlace == nil)
        #expect(
            try #require(check("2", ["1"], .places(8)).finding { _ in nil }).verdict == .notDerivable)
        #expect(check("", ["1"], .places(8)).finding { try $0.sum() } == nil)
        let vast = "170141183460469231731"
        #expect(
            try #require(check("2", [vast, vast], .places(8)).finding { try $0.sum() }).verdict
                == .notDerivable)
    }

    @Test("a figure with more than 18 places is cut, and the remark says so")
    func cut() throws {
        let finding = try #require(
            check("0.00123", ["0.0000000012345678901234567", "0.001229998765432109"], .binary).finding {
                try $0.sum()
            })
        #expect(finding.verdict == .rounding || finding.verdict == .matches)
        #expect(finding.remark.contains("in[0] has more than 18 places"))
    }
}

@Suite struct AnswerReadingTests {
    @Test(
        "what a status alone means",
        arguments: [
            (200, "unreadable"), (302, "configuration"), (400, "refused"), (401, "authentication"),
            (403, "permission"), (404, "refused"), (408, "unavailable"), (418, "limit"), (429, "limit"),
            (500, "unavailable"), (503, "unavailable"),
        ])
    func statuses(status: Int, expected: String) {
        let answer = IncomingAnswer(
            status: status, body: [], takenAt: 0, header: { $0 == "retry-after" ? "7" : nil })
        switch answer.verdictByStatus {
        case .rateLimited(let wait):
            #expect(expected == "limit")
            #expect(wait == 7000)
        case .temporary(let error), .refused(let error): #expect(error.kind.rawValue == expected)
        default: Issue.record("status \(status)")
        }
    }
}
