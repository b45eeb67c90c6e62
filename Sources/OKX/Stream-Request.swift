import JSON
import Numbers
import Venue

/// What a client asks over a stream: `{"id"?:…,"op":…,"args":[…]}`.
struct StreamRequest: Sendable {
    enum Operation: String, Sendable {
        case login
        case subscribe
        case unsubscribe
    }

    /// The most bytes that one request may have (OKX API documentation, WebSocket, Subscribe: 64 KB of
    /// arguments).
    static let longest = 64 << 10

    /// The client's own name for it, handed back.
    let id: String?
    let operation: Operation
    let arguments: [JSONValue]

    /// Throws 60012 for what is no such object, 60019 for an unknown operation, 60033 for a bad id, 60013 for
    /// no argument. `value` is what the text says; nil where it is no JSON.
    init(reading value: JSONValue?, of text: [UInt8]) throws(StreamError) {
        guard let object = value?.object, let name = object["op"]?.text else { throw .requestInvalid(text) }
        let id = object["id"]
        if let id { guard let given = id.text, Self.isID(given) else { throw .parameterWrong("id") } }
        self.id = id?.text
        guard let operation = Operation(rawValue: name) else {
            throw .operationUnknown(name).with(id?.text)
        }
        guard object.keys.allSatisfy(["id", "op", "args"].contains),
            let arguments = object["args"]?.elements
        else {
            throw .requestInvalid(text).with(id?.text)
        }
        guard !arguments.isEmpty else { throw .argumentsInvalid.with(id?.text) }
        self.operation = operation
        self.arguments = arguments
    }

    /// 1 to 32 letters and digits.
    private static func isID(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.isAlphanumeric()
    }
}

/// The argument of a login.
struct StreamLogin: Sendable {
    let apiKey: String
    let passphrase: String
    /// As it was written: what is signed.
    let timestamp: String
    let sign: String

    /// The timestamp in milliseconds; nil where it is no number of seconds since the epoch.
    var moment: Int64? {
        guard let seconds = try? ExactDecimal(timestamp), !seconds.isNegative,
            let cut = try? seconds.times(ExactDecimal(1000), places: 0, rounding: .towardZero)
        else { return nil }
        return Int64(cut.description)
    }

    /// Throws 60027 for a missing or empty member, 60033 for one that is no text.
    init(reading value: JSONValue) throws(StreamError) {
        guard value.object != nil else { throw .argumentsInvalid }
        apiKey = try Self.text("apiKey", in: value)
        passphrase = try Self.text("passphrase", in: value)
        // CCXT sends a text, python-okx a number.
        if let number = value["timestamp"]?.numberText {
            timestamp = number
        } else {
            timestamp = try Self.text("timestamp", in: value)
        }
        sign = try Self.text("sign", in: value)
    }

    private static func text(_ name: String, in value: JSONValue) throws(StreamError) -> String {
        guard let member = value[name], !member.isNull else { throw .parameterMissing(name) }
        guard let text = member.text else { throw .parameterWrong(name) }
        guard !text.isEmpty else { throw .parameterMissing(name) }
        return text
    }
}
