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
