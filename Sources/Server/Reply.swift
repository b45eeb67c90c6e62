import HummingbirdCore
import JSON
import Ledger

/// An answer of the operator API and the pages beside it, ready to be sent.
struct Reply: Sendable {
    var status = 200
    var contentType = "application/json"
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Writes the body as it comes about, where there is no end to wait for; `body` is then of no account.
    var stream: (@Sendable (inout any ResponseBodyWriter) async throws -> Void)?
    /// Whether the connection is given up after it, because the rest of the request will not be read.
    var closesConnection = false

    /// A JSON answer.
    static func json(status: Int = 200, _ write: (inout JSONWriter) -> Void) -> Reply {
        var writer = JSONWriter(reserving: 512)
        write(&writer)
        return Reply(status: status, body: writer.bytes)
    }

    /// An answer without a body.
    static let noContent = Reply(status: 204, contentType: "")
}

/// A problem document (RFC 9457): what the operator API answers where it cannot do what was asked.
struct Problem: Error, Sendable {
    let status: Int
    /// Stable and made for programs.
    let code: String
    /// One sentence for a person; never a secret.
    let detail: String
    /// The field or parameter at fault.
    var field: String?
    /// The place of the command at fault in what was sent, counted from 0.
    var index: Int?
    /// The most that would be taken.
    var limit: Int?
    /// The place of a mistake in a JSON text.
    var place: (line: Int, column: Int)?
    var headers: [(name: String, value: String)] = []
    var closesConnection = false

    init(
        _ status: Int, _ code: String, _ detail: String, field: String? = nil, index: Int? = nil,
        headers: [(name: String, value: String)] = [], closesConnection: Bool = false
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.index = index
        self.headers = headers
        self.closesConnection = closesConnection
    }

    /// A refusal of the ledger as a problem. What the request names and is not there is 404, what the state
    /// does not allow 409, and what is wrong in itself 400.
    init(_ refusal: Refusal, status: Int? = nil, index: Int? = nil) {
        let chosen: Int =
            switch refusal.code {
            case .unknownAccount: 404
            case .missingField, .unknownField, .invalidField, .invalidAmount, .unknownCommand: 400
            default: 409
            }
        let isForNow = refusal.code == .storeUnavailable || refusal.code == .busy
        self.init(
            isForNow ? 503 : status ?? chosen, refusal.code.rawValue, refusal.message,
            field: refusal.field, index: index,
            headers: refusal.code == .busy ? [("Retry-After", "1")] : [])
    }

    static func malformedJSON(_ error: JSONError, line: Int? = nil) -> Problem {
        let line = line ?? error.line
        var problem = Problem(
            400, "malformed_json",
            "The body is no JSON: line \(line), column \(error.column): \(error.reason).")
        problem.place = (line, error.column)
        return problem
    }

    static let unauthorized = Problem(
        401, "unauthorized", "The operator API needs the header Authorization: Bearer and the admin token.",
        headers: [("WWW-Authenticate", "Bearer realm=\"marginalia\"")])

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(
            413, "body_too_large", "The body is longer than \(limit) bytes; send less at a time.",
            closesConnection: true)
    }

    static func parameter(_ name: String, _ rule: String) -> Problem {
        Problem(400, "invalid_parameter", "The parameter \(name) \(rule).", field: name)
    }

    /// The document as an answer.
    var reply: Reply {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.member("type", "urn:marginalia:problem:\(code)")
        writer.member("title", Self.title(of: status))
        writer.member("status", Int64(status))
        writer.member("detail", detail)
        writer.member("code", code)
        if let field {
            writer.member("field", field)
        }
        if let index {
            writer.member("index", Int64(index))
            writer.key("error")
            Self.writeError(code: code, message: detail, field: field, to: &writer)
        }
        if let limit {
            writer.member("limit", Int64(limit))
        }
        if let place {
            writer.member("line", Int64(place.line))
            writer.member("column", Int64(place.column))
        }
        writer.endObject()
        return Reply(
            status: status, contentType: "application/problem+json", headers: headers, body: writer.bytes,
            closesConnection: closesConnection)
    }

    /// Writes the `error` of a refused command.
    static func writeError(code: String, message: String, field: String?, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("code", code)
        writer.member("message", message)
        if let field {
            writer.member("field", field)
        }
        writer.endObject()
    }

    static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Internal Server Error"
        }
    }
}
