import Foundation
import JSON
import Yams

/// One step from the top of a file to a value in it.
public enum PathStep: Sendable, Equatable {
    case key(String)
    case index(Int)

    /// Whether both lead to the same value: keys are compared by their bytes.
    public static func == (first: PathStep, second: PathStep) -> Bool {
        switch (first, second) {
        case (.key(let one), .key(let other)): one.isExactly(other)
        case (.index(let one), .index(let other)): one == other
        default: false
        }
    }
}

/// A YAML or JSON file as a tree of values, which can still say on which line each of them stands.
public struct SourceDocument: Sendable {
    /// What becomes of numbers that stand without quotes in YAML.
    public enum Numbers: Sendable {
        /// They are text, exactly as written: nothing of an amount is lost. Times and counts stay numbers.
        case asText
        /// They are JSON numbers.
        case kept
    }

    /// The lines of a YAML file's values, in the shape of the file.
    fileprivate struct Marks: Sendable {
        var line: Int
        var members: [ExactText: Marks] = [:]
        var elements: [Marks] = []
    }

    private enum Places: Sendable {
        case yaml(Marks)
        case json([UInt8])
    }

    /// The file's name, for messages.
    public let file: String
    /// The document as a JSON value, whether it was written as YAML or JSON.
    public let value: JSONValue
    private let places: Places

    /// The largest file that is read.
    static let largestFile = 256 << 20

    /// Reads a file, as JSON where its name ends in `.json`, else as YAML.
    public init(file: String, numbers: Numbers, failure: ExitStatus) throws(ProgramError) {
        let bytes: [UInt8]
        do {
            bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            let reason =
                FileManager.default.fileExists(atPath: file)
                ? "cannot be read: check its permissions, and that it is a file"
                : "does not exist: check its name"
            throw ProgramError(failure, "The file \(file) \(reason).")
        }
        guard bytes.count <= Self.largestFile else {
            throw ProgramError(failure, "The file \(file) is larger than 256 MB: split it.")
        }
        try self.init(file: file, content: bytes, numbers: numbers, failure: failure)
    }

    /// Reads a file's content; `file` decides the format by its extension.
    public init(file: String, content: [UInt8], numbers: Numbers, failure: ExitStatus) throws(ProgramError) {
        self.file = file
        // Some editors mark a text as UTF-8 at its beginning.
        let content = content.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(content.dropFirst(3)) : content
        if file.lowercased().hasSuffix(".json") {
            do {
                value = try JSONValue(parsing: content)
            } catch {
                throw ProgramError(
                    failure, "\(file), line \(error.line), column \(error.column): \(error.reason).")
            }
            places = .json(content)
            return
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw ProgramError(failure, "\(file), line 1: the file is not UTF-8 text; save it as UTF-8.")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ProgramError(failure, Self.message(of: error, file: file))
        }
        guard let root else {
            value = .null
            places = .json([])
            return
        }
        var budget = 5_000_000
        do {
            let (value, marks) = try Self.convert(root, key: nil, numbers: numbers, depth: 0, budget: &budget)
            self.value = value
            places = .yaml(marks)
        } catch {
            throw ProgramError(failure, "\(file), line \(error.line): \(error.message).")
        }
    }

    /// The line of a value, counted from 1; that of what encloses it where it does not exist.
    public func line(of path: [PathStep]) -> Int {
        switch places {
        case .json(let bytes):
            return JSONPlace.line(of: path[...], in: bytes)
        case .yaml(let root):
            var marks = root
            for step in path {
                let next: Marks? =
                    switch step {
                    case .key(let key): marks.members[ExactText(key)]
                    case .index(let index):
                        marks.elements.indices.contains(index) ? marks.elements[index] : nil
                    }
                guard let next else { break }
                marks = next
            }
            return marks.line
        }
    }

    /// An error about a value: the file, the line, the field and what is wrong with it.
    public func error(_ path: [PathStep], _ message: String, status: ExitStatus = .badData) -> ProgramError {
        let field = Self.text(of: path)
        let message = message.hasSuffix(".") ? String(message.dropLast()) : message
        return ProgramError(
            status, "\(file), line \(line(of: path))\(field.isEmpty ? "" : ", \(field)"): \(message).")
    }

    /// The path that people write so.
    public static func path(_ text: String) -> [PathStep] {
        text.split(separator: ".").flatMap { part -> [PathStep] in
            let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
            let places = pieces.dropFirst().compactMap { Int($0.dropLast()) }
            return [.key(String(pieces[0]))] + places.map { .index($0) }
        }
    }

    /// A path as people write it, such as `commands[3].amount`.
    static func text(of path: [PathStep]) -> String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}

// MARK: - YAML

extension SourceDocument {
    private struct ConversionError: Error {
        let line: Int
        let message: String
    }

    /// Keys whose plain numbers are times or counts, and stay numbers.
    private static let numberKeys: Set<String> = ["at", "ledger_time", "hours"]

    private static func convert(
        _ node: Node, key: String?, numbers: Numbers, depth: Int, budget: inout Int
    ) throws(ConversionError) -> (JSONValue, Marks) {
        budget -= 1
        var marks = Marks(line: node.mark?.line ?? 1)
        guard budget > 0, depth <= 64 else {
            throw ConversionError(line: marks.line, message: "the file nests too deep or repeats too much")
        }
        switch node {
        case .scalar(let scalar):
            return (convert(scalar, key: key, numbers: numbers), marks)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence {
                let (value, mark) = try convert(
                    element, key: key, numbers: numbers, depth: depth + 1, budget: &budget)
                elements.append(value)
                marks.elements.append(mark)
            }
            return (.array(elements), marks)
        case .mapping(let mapping):
            var members: [(key: String, value: JSONValue)] = []
            for (name, value) in mapping {
                let line = name.mark?.line
                guard let name = name.scalar?.string else {
                    throw ConversionError(line: marks.line, message: "a key must be plain text")
                }
                var (value, mark) = try convert(
                    value, key: name, numbers: numbers, depth: depth + 1, budget: &budget)
                // A list or mapping begins on the line of its key, and not with its first element.
                if let line { mark.line = line }
                members.append((name, value))
                marks.members[ExactText(name)] = mark
            }
            return (.members(members), marks)
        case .alias:
            throw ConversionError(line: marks.line, message: "an alias names no anchor")
        }
    }

    private static func convert(_ scalar: Node.Scalar, key: String?, numbers: Numbers) -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        let isNumber = (try? JSONValue(parsing: text))?.numberText != nil
        let keeps = numbers == .kept || (key.map(numberKeys.contains) ?? false)
        return isNumber && keeps ? .number(text) : .string(text)
    }

    private static func message(of error: any Error, file: String) -> String {
        guard let error = error as? YamlError else { return "\(file), line 1: the file is no YAML." }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "\(file), line \(mark.line), column \(mark.column): the file is no YAML: \(problem)."
        case .duplicatedKeysInMapping(let duplicates, let context):
            return "\(file), line \(context.mark.line), \(duplicates.first ?? ""): the key occurs twice."
        case .reader(let problem, _, _, _):
            return "\(file), line 1: the file is no YAML: \(problem)."
        default:
            return "\(file), line 1: the file is no YAML."
        }
    }
}

// MARK: - JSON

/// Finds the line of a value in a JSON text that is known to be sound.
private struct JSONPlace {
    private let bytes: [UInt8]
    private var position = 0

    /// The line of the value that a path leads to, or of the last one on the way that exists.
    static func line(of path: ArraySlice<PathStep>, in bytes: [UInt8]) -> Int {
        var place = JSONPlace(bytes: bytes)
        place.skipBlanks()
        place.enter(path)
        return 1 + bytes.prefix(place.position).count { $0 == UInt8(ascii: "\n") }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var byte: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func skipBlanks() {
        while position < bytes.count, byte <= 0x20 { position += 1 }
    }

    /// Moves to the value that the path leads to from the value here.
    private mutating func enter(_ path: ArraySlice<PathStep>) {
        guard let step = path.first else { return }
        let start = position
        let isObject = byte == UInt8(ascii: "{")
        guard isObject || byte == UInt8(ascii: "[") else { return }
        position += 1
        var index = 0
        while true {
            skipBlanks()
            if position >= bytes.count || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { break }
            var found = step == .index(index)
            if isObject {
                let keyStart = position
                skipValue()
                let key = (try? JSONValue(parsing: bytes[keyStart..<position]))?.text
                found = key.map { step == .key($0) } ?? false
                skipBlanks()
                position += 1
                skipBlanks()
            }
            if found {
                enter(path.dropFirst())
                return
            }
            skipValue()
            skipBlanks()
            if byte == UInt8(ascii: ",") { position += 1 }
            index += 1
        }
        position = start
    }

    /// Moves behind the value here.
    private mutating func skipValue() {
        var depth = 0
        repeat {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""): skipString()
            default: break
            }
            position += 1
            if depth == 0, !isInsideScalar { return }
        } while position < bytes.count
    }

    /// Whether the byte here goes on with a number or a word.
    private var isInsideScalar: Bool {
        guard position > 0, position < bytes.count else { return false }
        let before = bytes[position - 1]
        if before == UInt8(ascii: "\"") || before == UInt8(ascii: "}") || before == UInt8(ascii: "]") {
            return false
        }
        return byte > 0x20 && ![UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(byte)
    }

    /// Moves to the closing quote of the string here.
    private mutating func skipString() {
        position += 1
        while position < bytes.count, byte != UInt8(ascii: "\"") {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
    }
}
