/// Which of the two neighboring figures stands for a value between them; named at every call that may round.
@frozen
public enum Rounding: Sendable, Hashable, CaseIterable {
    /// The neighbor nearer to zero: digits are cut off.
    case towardZero
    /// The neighbor farther from zero.
    case awayFromZero
    /// The lower neighbor, toward minus infinity.
    case floor
    /// The upper neighbor, toward plus infinity.
    case ceiling
    /// The nearest neighbor; a tie goes away from zero.
    case halfUp
    /// The nearest neighbor; a tie goes to the even last digit.
    case halfEven

    /// Whether a magnitude that was cut must grow by one in its last digit.
    @inlinable
    func grows(_ rest: Rest, isNegative: Bool, isOdd: Bool) -> Bool {
        if rest == .none { return false }
        switch self {
        case .towardZero: return false
        case .awayFromZero: return true
        case .floor: return isNegative
        case .ceiling: return !isNegative
        case .halfUp: return rest != .belowHalf
        case .halfEven: return rest == .aboveHalf || (rest == .half && isOdd)
        }
    }
}

/// What a division left over, seen against its divisor: all that a rounding has to know.
@frozen
@usableFromInline
enum Rest: Sendable {
    case none, belowHalf, half, aboveHalf

    /// The class of a remainder below `divisor`.
    @inlinable
    init(_ remainder: UInt128, of divisor: UInt128) {
        if remainder == 0 {
            self = .none
            return
        }
        // The remainder is below the divisor, so the difference cannot wrap; doubling the remainder could.
        let complement = divisor &- remainder
        self = remainder < complement ? .belowHalf : (remainder == complement ? .half : .aboveHalf)
    }

    /// The class of a remainder below `divisor`.
    @inlinable
    init(_ remainder: UInt64, of divisor: UInt64) {
        if remainder == 0 {
            self = .none
            return
        }
        // As above: the remainder is below the divisor.
        let complement = divisor &- remainder
        self = remainder < complement ? .belowHalf : (remainder == complement ? .half : .aboveHalf)
    }

    /// The class of this rest when a finer division left `finer` below the last digit of its remainder.
    @inlinable
    func refined(by finer: Rest) -> Rest {
        if finer == .none { return self }
        switch self {
        case .none: return .belowHalf
        case .half: return .aboveHalf
        case .belowHalf, .aboveHalf: return self
        }
    }
}
