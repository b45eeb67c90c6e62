import Numbers

extension ExactDecimal {
    /// Reads a share as people write it: a decimal such as `-0.10`, or a percentage such as `-10%`, which
    /// is the same.
    ///
    /// Throws `tooPrecise` for a percentage whose share has more than 18 fraction digits.
    public init(share text: String) throws(NumberError) {
        guard text.utf8.last == UInt8(ascii: "%") else {
            self = try ExactDecimal(text)
            return
        }
        let (units, rest) = try ExactDecimal(text.dropLast()).units.quotientAndRemainder(dividingBy: 100)
        guard rest == 0 else { throw .tooPrecise }
        self = try ExactDecimal(units: units)
    }
}

extension ExactDecimal {
    /// A JSON number, its exponent resolved and its digits cut behind the eighteenth after the point; nil
    /// where it does not fit.
    init?(cutting number: String) {
        let parts = number.split(maxSplits: 1, whereSeparator: { $0 == "e" || $0 == "E" })
        let isNegative = number.hasPrefix("-")
        let sides = (parts.first ?? "").drop { $0 == "-" }.split(separator: ".", maxSplits: 1)
        // Of an exponent beyond this nothing is left, or nothing fits.
        let exponent = parts.count < 2 ? 0 : Int(parts[1]) ?? (parts[1].hasPrefix("-") ? -100 : 100)
        let digits = sides.joined().drop { $0 == "0" }
        let leading = sides.joined().count - digits.count
        let point = (sides.first?.count ?? 0) - leading + min(max(exponent, -100), 100)
        if digits.isEmpty {
            self = .zero
            return
        }
        let whole = point > 0 ? digits.prefix(point) : ""
        let zeros = String(repeating: "0", count: max(0, point > 0 ? point - digits.count : -point))
        let text =
            point > 0
            ? "\(whole)\(zeros).\(digits.dropFirst(point).prefix(18))0"
            : "0.\((zeros + digits).prefix(18))"
        guard let value = try? ExactDecimal((isNegative ? "-" : "") + text) else { return nil }
        self = value
    }
}
