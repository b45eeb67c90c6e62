import JSON
import Numbers

/// How a figure's decimal is written.
public enum FigureStyle: Sendable, Equatable {
    /// In quotes, without zeros at its end.
    case decimal
    /// In quotes, with at least so many places.
    case padded(Int)
    /// The same, but for a zero, which is "0".
    case bare(Int)
    /// In quotes, without zeros at its end, but for a zero, which is "0.0".
    case zeroPointZero
    /// In quotes, with at least as many places as the object says.
    case ofObject
    /// A JSON number.
    case number
    /// true, or false for 0.
    case flag
    /// The same in quotes.
    case quotedFlag

    /// Writes a decimal; `places` are those that the object says.
    @inlinable
    func write(_ number: ExactDecimal, places: @autoclosure () -> Int, to writer: inout JSONWriter) {
        switch self {
        case .decimal: writer.quoted(number)
        case .padded(let places): writer.quoted(number, minimumPlaces: places)
        case .bare(let places): writer.quoted(number, minimumPlaces: number.isZero ? 0 : places)
        case .zeroPointZero: writer.quoted(number, minimumPlaces: number.isZero ? 1 : 0)
        case .ofObject: writer.quoted(number, minimumPlaces: places())
        case .number: writer.number(number)
        case .flag: writer.bool(!number.isZero)
        case .quotedFlag: writer.literal(number.isZero ? "false" : "true")
        }
    }

    /// What stands there, without the quotes.
    func text(of number: ExactDecimal, places: @autoclosure () -> Int) -> String {
        var writer = JSONWriter(reserving: 48)
        write(number, places: places(), to: &writer)
        return writer.text.first == "\"" ? String(writer.text.dropFirst().dropLast()) : writer.text
    }

    /// The JSON type of what is written.
    var types: JSONTypes {
        switch self {
        case .decimal, .padded, .bare, .zeroPointZero, .ofObject, .quotedFlag: .text
        case .number: .number
        case .flag: .boolean
        }
    }
}
