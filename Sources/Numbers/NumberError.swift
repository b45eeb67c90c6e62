/// Why a number could not be read or computed; who sees one has no figure at all, never a wrong one.
public enum NumberError: Error, Equatable, Sendable, CaseIterable {
    /// The text is not a plain decimal number.
    case malformed
    /// The text has a digit other than zero after the eighteenth decimal place.
    case tooPrecise
    /// The result lies outside ±170141183460469231731.687303715884105727.
    case overflow
    /// The divisor is zero, or a ratio has a denominator that is not above zero.
    case divisionByZero
}

extension NumberError: CustomStringConvertible {
    /// A sentence for a person, without a full stop.
    public var description: String {
        switch self {
        case .malformed: "the text is not a plain decimal number"
        case .tooPrecise: "the number has more than 18 decimal places"
        case .overflow: "the number is too large to be held exactly"
        case .divisionByZero: "the divisor is zero"
        }
    }
}
