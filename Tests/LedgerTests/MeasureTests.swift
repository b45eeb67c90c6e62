@testable import Ledger
import Numbers
import Testing

@Suite("Shares and spans of time, as people write them")
struct MeasureTests {
    @Test(arguments: [
        ("0.10", "0.1"), ("10%", "0.1"), ("-10%", "-0.1"), ("0.01%", "0.0001"), ("100%", "1"), ("0%", "0"),
        ("250%", "2.5"), ("0.0000000000000001%", "0.000000000000000001"),
    ])
    func shares(_ text: String, _ value: String) throws {
        #expect(try ExactDecimal(share: text) == ExactDecimal(value))
    }

    @Test(arguments: [
        "", "%", "10 %", "%10", "10%%", "ten%", "1e1%", "0.00000000000000001%", "170141183460469231732%",
    ])
    func noShares(_ text: String) {
        #expect(throws: NumberError.self) { try ExactDecimal(share: text) }
    }

    @Test(
        "Of a number the first eighteen places after the point count, whatever its exponent",
        arguments: [
            ("0", "0"), ("-0", "0"), ("0.0", "0"), ("0e999999999999999999999", "0"), ("1", "1"), ("1.0", "1"),
            ("0.25", "0.25"), ("-0.25", "-0.25"), ("2.5e-1", "0.25"), ("25E-2", "0.25"), ("0.0025e2", "0.25"),
            ("1e3", "1000"), ("1e-18", "0.000000000000000001"), ("1e-19", "0"),
            ("1e-99999999999999999999", "0"),
            ("0.1234567890123456789", "0.123456789012345678"),
            ("0.9999999999999999999", "0.999999999999999999"), ("12.5e0", "12.5"), ("120e-1", "12"),
        ])
    func cut(_ text: String, _ value: String) throws {
        #expect(try ExactDecimal(cutting: text) == ExactDecimal(value))
    }

    @Test("What does not fit is no number", arguments: ["1e400", "1e21", "1e99999999999999999999"])
    func uncut(_ text: String) { #expect(ExactDecimal(cutting: text) == nil) }

    @Test(
        arguments: [
            ("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("8h", 28_800_000), ("1h30m", 5_400_000),
            ("2d", 172_800_000), ("1w", 604_800_000), ("365d", 31_536_000_000),
        ] as [(String, Int64)])
    func spans(_ text: String, _ milliseconds: Int64) {
        #expect(TimeSpan.milliseconds(of: text) == milliseconds)
    }

    @Test(arguments: [
        "", "8", "h", "8 h", "-8h", "8.5h", "8H", "0s", "366d", "99999999999999999999h", "8h30", "8x",
    ])
    func noSpans(_ text: String) {
        #expect(TimeSpan.milliseconds(of: text) == nil)
    }
}
