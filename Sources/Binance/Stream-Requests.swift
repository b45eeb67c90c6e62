import JSON

/// A request on a stream's connection: `{"method":"SUBSCRIBE","params":["…"],"id":1}`.
struct StreamRequest {
    enum Method: String, CaseIterable {
        case subscribe = "SUBSCRIBE"
        case unsubscribe = "UNSUBSCRIBE"
        case listSubscriptions = "LIST_SUBSCRIPTIONS"
        case setProperty = "SET_PROPERTY"
        case getProperty = "GET_PROPERTY"
    }

    let method: Method
    let parameters: [JSONValue]
    private let id: JSONValue

    init(_ text: [UInt8]) throws(StreamRequestError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            throw .notJSON(line: error.line, column: error.column)
        }
        guard let object = value.object else { throw .notJSON(line: 1, column: 1) }
        guard let given = object["method"] else { throw .missingMethod(end: TextPlace(endOf: text)) }
        guard let name = given.text, let method = Method(rawValue: name) else {
            throw .unknownMethod(given, end: TextPlace(in: text, after: given))
        }
        guard let id = object["id"], Self.isID(id) else { throw .invalidID }
        self.method = method
        self.id = id
        switch object["params"] {
        case nil, .null?: parameters = []
        case .array(let elements)?: parameters = elements
        default: throw .parametersNoArray
        }
    }

    /// The documents want an unsigned integer; the official client sends texts.
    private static func isID(_ value: JSONValue) -> Bool {
        if value.text != nil { return true }
        return value.numberText.map { UInt64($0) != nil } ?? false
    }

    /// The streams that are named.
    func streams() throws(StreamRequestError) -> [String] {
        if parameters.isEmpty { throw .parametersNoArray }
        var streams: [String] = []
        for parameter in parameters {
            guard let stream = parameter.text else { throw .parametersNoArray }
            streams.append(stream)
        }
        return streams
    }

    /// Checks that the one property there is, `combined`, is named.
    func requireCombined(count: Int) throws(StreamRequestError) {
        guard let name = parameters.first?.text else { throw .propertyNoText }
        if name != "combined" { throw .unknownProperty }
        if parameters.count > count { throw .tooManyParameters }
    }

    /// The value that `combined` is set to.
    func combined() throws(StreamRequestError) -> Bool {
        try requireCombined(count: 2)
        guard parameters.count == 2, let value = parameters[1].boolean else { throw .valueNoBoolean }
        return value
    }

    func reply(_ result: JSONValue) -> StreamReply { StreamReply(result: result, id: id) }
}

/// `{"result":null,"id":1}`.
struct StreamReply {
    let result: JSONValue
    let id: JSONValue

    var bytes: [UInt8] {
        Array(JSONValue.members([("result", result), ("id", id)]).description.utf8)
    }
}

/// Where something ends in a text, as the venue's parser counts.
struct TextPlace: Equatable {
    private(set) var line = 1
    private(set) var column = 0

    /// The last character.
    init(endOf text: [UInt8]) { advance(over: text[...]) }

    /// No value is looked for that is longer: it would be compared at every byte of the text.
    private static let longestSought = 64

    /// The last character of a value, where it first stands in a text that was written plainly; of the text
    /// where the value is long.
    init(in text: [UInt8], after value: JSONValue) {
        let wanted = Array(value.description.utf8)
        guard wanted.count <= Self.longestSought else {
            advance(over: text[...])
            return
        }
        let starts = text.indices.dropLast(max(0, wanted.count - 1))
        let start = starts.first { text[$0...].starts(with: wanted) }
        advance(over: start.map { text[..<($0 + wanted.count)] } ?? text[...])
    }

    private mutating func advance(over text: ArraySlice<UInt8>) {
        for byte in text {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 0
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
    }
}

/// Why a request on a stream's connection is refused: `{"code":2,"msg":"Invalid request: …"}`, in the words
/// of the page on live subscribing. Nothing changes, and the connection stays open.
enum StreamRequestError: Error, Equatable {
    case unknownProperty
    case valueNoBoolean
    case propertyNoText
    case invalidID
    case unknownMethod(JSONValue, end: TextPlace)
    case tooManyParameters
    case missingMethod(end: TextPlace)
    /// A choice: the page has no words for it.
    case parametersNoArray
    /// A choice.
    case unknownStream(String)
    case notJSON(line: Int, column: Int)

    var message: String {
        let (code, text) = parts
        return #"{"code":\#(code),"msg":\#(JSONValue.string(text))}"#
    }

    private var parts: (code: Int, text: String) {
        switch self {
        case .unknownProperty: (0, "Unknown property")
        case .valueNoBoolean: (1, "Invalid value type: expected Boolean")
        case .propertyNoText: (2, "Invalid request: property name must be a string")
        case .invalidID: (2, "Invalid request: request ID must be an unsigned integer")
        case .unknownMethod(let name, let end):
            (
                2,
                "Invalid request: unknown variant `\(name.text ?? name.description)`, expected one of "
                    + StreamRequest.Method.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
                    + " at line \(end.line) column \(end.column)"
            )
        case .tooManyParameters: (2, "Invalid request: too many parameters")
        case .missingMethod(let end):
            (2, "Invalid request: missing field `method` at line \(end.line) column \(end.column)")
        case .parametersNoArray: (2, "Invalid request: params must be an array of strings")
        case .unknownStream(let name): (2, "Invalid request: unknown stream `\(name)`")
        case .notJSON(let line, let column):
            (3, "Invalid JSON: expected value at line \(line) column \(column)")
        }
    }
}
