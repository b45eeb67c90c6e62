/// Reads spans of time as people write them: `500ms`, `10s`, `5m`, `8h`, `2d`.
public enum TimeSpan {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The milliseconds of a text such as `10s`; nil for any other text, for zero and for more than a year.
    public static func milliseconds(of text: String) -> Int64? {
        for unit in units where text.hasSuffix(unit.name) {
            let digits = text.dropLast(unit.name.count)
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int64(digits)
            else { continue }
            let (span, overflows) = count.multipliedReportingOverflow(by: unit.milliseconds)
            return !overflows && (1...31_536_000_000).contains(span) ? span : nil
        }
        return nil
    }
}
