import Numbers

/// The figures of one object of a venue's answer, each a case: the fields in the order in which they are
/// written, then what they rest on.
///
/// ```swift
/// enum RowFigure: String, FigureKey {
///     case equity
///     case cash
///
///     func facts(in mode: WireProfile) -> FigureFacts? {
///         switch self {
///         case .equity: .shown("cash + profit", "USD", .cut(8), from: "Account page")
///         case .cash: .input("cash", "USD", .ledger)
///         }
///     }
/// }
/// ```
///
/// Its definition stands in the ``FigureTable`` of the object.
public protocol FigureKey: RawRepresentable<String>, Hashable, CaseIterable, Sendable {
    /// What decides which figures there are and which words hold, such as a profile.
    associatedtype Mode
    /// What figures are worked out in.
    associatedtype Number: FigureNumber = ExactFraction

    /// What is said about it; nil in a mode that does not have it.
    func facts(in mode: Mode) -> FigureFacts?
    /// Where choices of ours are written down.
    static var choices: String { get }
}

extension FigureKey {
    /// Its place among all cases. The cases of an enumeration without values are numbered in their order,
    /// which `FigureFaults` proves of each; a single case takes no room.
    @inlinable public var index: Int {
        MemoryLayout<Self>.size == 0 ? 0 : Int(unsafeBitCast(self, to: UInt8.self))
    }
}

/// A number that figures are worked out in: exact, whichever it is.
public protocol FigureNumber: Sendable, CustomStringConvertible {
    /// A decimal as such a number.
    init(decimal: ExactDecimal)
    /// The number nearest to a fraction.
    init(nearest fraction: ExactFraction) throws(NumberError)
    /// The number as a fraction, exactly.
    var exact: ExactFraction { get }
    /// Whether it holds a reference.
    var isLong: Bool { get }
    /// The number rounded to so many places, as the caller names it; throws where it does not fit.
    func rounded(places: Int, rounding: Rounding) throws(NumberError) -> ExactDecimal
}

extension ExactFraction: FigureNumber {
    /// The decimal as a fraction.
    @inlinable public init(decimal: ExactDecimal) { self.init(decimal) }
    /// The fraction itself.
    @inlinable public init(nearest fraction: ExactFraction) { self = fraction }
    /// The fraction itself.
    @inlinable public var exact: ExactFraction { self }
}

extension ExactDecimal: FigureNumber {
    /// The decimal itself.
    public init(decimal: ExactDecimal) { self = decimal }
    /// Half even at the eighteenth place.
    public init(nearest fraction: ExactFraction) throws(NumberError) {
        self = try fraction.rounded(places: Self.places, rounding: .halfEven)
    }

    /// The decimal as a fraction.
    public var exact: ExactFraction { ExactFraction(self) }
    /// No decimal does.
    @inlinable public var isLong: Bool { false }
}

/// Why a figure cannot be worked out from what there is.
public enum FigureGap: Error, Equatable {
    /// A figure whose definition asks for the figure itself: a mistake in a definition.
    case readsItself(String)
    /// An input that nobody gave: of a ledger's figures a mistake, of a venue's answer one that no answer
    /// ever tells.
    case notGiven(String)
    /// An input that an answer tells, but not this one; a sentence.
    case missing(String)
    /// There is no such number: a ratio to nothing, a price that no market reaches.
    case nothing
}
