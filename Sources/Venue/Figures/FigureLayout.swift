import JSON
import Numbers

/// How the fields of an object are written: made once for a mode from what is said about its figures.
public final class FigureLayout<Figure: FigureKey>: Sendable {
    /// Every figure, by its place.
    public let cases: [Figure]
    /// How each is printed.
    @usableFromInline let forms: [PrintForm]
    /// The fields in their order.
    @usableFromInline let fields: [FigureField<Figure>]
    /// What they are called, by their places.
    let names: [String]

    /// The layout of a mode: of the fields that its facts name, or of those of another answer.
    ///
    /// `keys` are those that the other answer has a name of its own for, `styles` what it writes otherwise,
    /// `seldom` what not each of its bodies has.
    public init(
        _ mode: Figure.Mode, _ figures: [Figure]? = nil, keys: [Figure: String] = [:],
        styles: [Figure: FigureStyle] = [:], seldom: Set<Figure> = []
    ) {
        cases = Array(Figure.allCases)
        let facts = cases.map { $0.facts(in: mode) }
        forms = facts.map { $0?.form ?? .plain }
        let shown = (figures ?? cases).filter { figure in
            facts[figure.index].map { figures != nil || $0.isAlwaysThere != nil } == true
        }
        let names = shown.map { keys[$0] ?? $0.rawValue }
        fields = zip(shown, names).compactMap { figure, name in
            guard let facts = facts[figure.index] else { return nil }
            let isOther = if case .other = facts.place { true } else { false }
            return FigureField(
                figure: figure, key: JSONKey(name), style: isOther ? nil : styles[figure] ?? facts.style,
                isAlways: facts.isAlwaysThere != false && !seldom.contains(figure))
        }
        self.names = names
    }

    /// Writes every field that an object has as a member of the object that is open: figures as decimals in
    /// quotes, as each is printed; `other` writes the value of a field that is no number.
    @inlinable
    public func write(
        _ table: FigureTable<Figure>, to writer: inout JSONWriter,
        other: (Figure, inout JSONWriter) throws -> Void = { _, _ in }
    ) throws {
        for field in fields where table.isThere(field.figure) {
            writer.key(field.key)
            guard let style = field.style else {
                try other(field.figure, &writer)
                continue
            }
            style.write(
                try table.decimal(field.figure), places: table.minimumPlaces(of: field.figure), to: &writer)
        }
    }

    /// What stands in a field, without the quotes; nil for what is no number here.
    public func text(of figure: Figure, in table: FigureTable<Figure>) throws -> String? {
        guard let style = fields.first(where: { $0.figure == figure })?.style else { return nil }
        return style.text(of: try table.decimal(figure), places: table.minimumPlaces(of: figure))
    }

    /// The figures in the order of the fields.
    public var figures: [Figure] { fields.map(\.figure) }

    /// Writes every field in its order; `""` where the object has no such figure.
    @inlinable
    public func writeAll(
        _ table: FigureTable<Figure>, to writer: inout JSONWriter,
        other: (Figure, inout JSONWriter) throws -> Void
    ) throws {
        for field in fields {
            writer.key(field.key)
            if field.style == nil {
                try other(field.figure, &writer)
            } else if let number = try table.ifThere(field.figure) {
                writer.quoted(try forms[field.figure.index].print(number))
            } else {
                writer.literal("")
            }
        }
    }

    /// The figures that are numbers, with their names here.
    public var numbers: [(figure: Figure, name: String)] {
        zip(fields, names).compactMap { field, name in field.style == nil ? nil : (field.figure, name) }
    }

    /// Works out all that is written, so that what cannot be is known before.
    public func workOut(_ table: FigureTable<Figure>) throws {
        for field in fields where field.style != nil && table.isThere(field.figure) {
            _ = try table.decimal(field.figure)
        }
    }

    /// The fields as the venue is known to send them, each of the type that it is written in; `shapes` says
    /// what fields that are no numbers are, a text unless it says something.
    public func knownFields(_ shapes: [Figure: FieldShape] = [:]) -> [KnownField] {
        zip(fields, names).map { field, name in
            KnownField(
                name, shapes[field.figure] ?? .value(field.style?.types ?? .text),
                isAlways: field.isAlways)
        }
    }
}

/// A figure as a field of an answer. It holds no reference, so that writing counts none.
@usableFromInline
struct FigureField<Figure: FigureKey>: Sendable {
    @usableFromInline let figure: Figure
    @usableFromInline let key: JSONKey
    /// How it is written; nil for what is no number.
    @usableFromInline let style: FigureStyle?
    let isAlways: Bool
}

extension FigureKey {
    /// The fields of the object as the venue is known to send them: decimals as texts, and whatever `shapes`
    /// says of fields that are no numbers (a text unless it says something).
    public static func knownFields(in mode: Mode, _ shapes: [Self: FieldShape] = [:]) -> [KnownField] {
        FigureLayout<Self>(mode).knownFields(shapes)
    }
}

extension ReportedObject {
    /// The fields of an object that have a name at every venue, in the order of an answer that has them.
    /// `unit` says what stands for a unit of its figures' facts.
    public func commonFigures<Figure: FigureKey>(
        of layout: FigureLayout<Figure>, in mode: Figure.Mode, unit: (String) -> String
    ) -> [ReportedFigure] {
        layout.numbers.compactMap { figure, name in
            guard let facts = figure.facts(in: mode), let common = facts.common else { return nil }
            return self.figure(common, name, unit: unit(facts.unit))
        }
    }

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
