/// Reads spans of time as people write them: `500ms`, `10s`, `8h`, `1h30m`, `2d`.
public enum TimeSpan {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
    ]

    /// The milliseconds of a text such as `10s`; nil for any other text, for zero and for more than a year.
    public static func milliseconds(of text: String) -> Int64? {
        var whole: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { !("0"..."9").contains($0) }
            guard let count = Int64(digits), let size = units.first(where: { $0.name == unit })?.milliseconds
            else { return nil }
            let (part, isTooLong) = count.multipliedReportingOverflow(by: size)
            guard !isTooLong, part <= 31_536_000_000 - whole else { return nil }
            whole += part
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return whole > 0 ? whole : nil
    }
}
