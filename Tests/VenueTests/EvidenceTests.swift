import Numbers
import Testing
import Venue

/// What printed digits leave open.
@Suite("Evidence")
struct EvidenceTests {
    @Test(arguments: [
        (Evidence.cut(2), "1.23", "1.23", "1.24"), (.cut(2), "-1.23", "-1.24", "-1.23"),
        (.cut(2), "0", "-0.01", "0.01"), (.up(2), "1.23", "1.22", "1.23"),
        (.half(2), "1.23", "1.225", "1.235"),
        (.unit(2), "1.23", "1.22", "1.24"), (.exact, "1.23", "1.23", "1.23"),
        (.binary, "409.5", "409.49999999999980", "409.5000000000002"),
    ])
    func range(evidence: Evidence, printed: String, low: String, high: String) throws {
        let range = try evidence.range(of: ExactDecimal(printed))
        #expect(range.low == ExactFraction(try ExactDecimal(low)))
        #expect(range.high == ExactFraction(try ExactDecimal(high)))
    }

    @Test func openEndsDoNotMeet() throws {
        let cut = try Evidence.cut(2).range(of: ExactDecimal("1.23"))
        #expect(!cut.overlaps(FigureRange(ExactFraction(try ExactDecimal("1.24")))))
        #expect(cut.overlaps(FigureRange(ExactFraction(try ExactDecimal("1.23")))))
        #expect(cut.overlaps(FigureRange(ExactFraction(try ExactDecimal("1.2399999")))))
    }
}
