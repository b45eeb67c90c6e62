import JSON
import Numbers

/// How the fields of an object are written: made once for a mode from what is said about its figures.
public final class FigureLayout<Figure: FigureKey>: Sendable {
    /// Every figure, by its place.
    public let cases: [Figure]
    /// How each is printed.
    @usableFromInline let forms: [PrintForm]
    /// The fields in their order, with their keys as JSON.
    @usableFromInline let fields: [(figure: Figure, key: JSONKey, isNumber: Bool)]

    /// The layout of a mode.
    public init(_ mode: Figure.Mode) {
        cases = Array(Figure.allCases)
        let facts = cases.map { $0.facts(in: mode) }
        forms = facts.map { $0?.form ?? .plain }
        fields = zip(cases, facts).compactMap { figure, facts in
            facts?.isAlwaysThere.map { _ in (figure, JSONKey(figure.rawValue), facts?.isShown == true) }
        }
    }

    /// Writes every field that an object has as a member of the object that is open: figures as decimals in
    /// quotes, as each is printed; `other` writes the value of a field that is no number.
    @inlinable
    public func write(
        _ table: FigureTable<Figure>, to writer: inout JSONWriter,
        other: (Figure, inout JSONWriter) throws -> Void = { _, _ in }
    ) throws {
        for (figure, key, isNumber) in fields where table.isThere(figure) {
            writer.key(key)
            if isNumber { writer.quoted(try table.decimal(figure)) } else { try other(figure, &writer) }
        }
    }
}

extension FigureKey {
    /// The fields of the object as the venue is known to send them: decimals as texts, and whatever `shapes`
    /// says of fields that are no numbers (a text unless it says something).
    public static func knownFields(in mode: Mode, _ shapes: [Self: FieldShape] = [:]) -> [KnownField] {
        allCases.compactMap { figure in
            figure.facts(in: mode)?.isAlwaysThere.map { isAlwaysThere in
                KnownField(figure.rawValue, shapes[figure] ?? .value(.text), isAlways: isAlwaysThere)
            }
        }
    }
}

extension ReportedObject {
    /// The fields of an object that have a name at every venue, in their order. What counts coins is in
    /// `coin`.
    public func commonFigures<Figure: FigureKey>(
        of figures: Figure.Type, in mode: Figure.Mode, coin: String = ""
    ) -> [ReportedFigure] {
        Figure.allCases.compactMap { figure in
            guard let facts = figure.facts(in: mode), facts.isShown, let common = facts.common else {
                return nil
            }
            return self.figure(
                common, figure.rawValue, unit: facts.unit == FigureFacts.coin ? coin : facts.unit)
        }
    }
}

extension FigureFacts {
    /// The unit of what counts whatever coin the object is of.
    public static var coin: String { "coin" }
}
