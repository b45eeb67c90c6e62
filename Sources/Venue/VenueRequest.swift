import JSON

/// A request as it arrived: nothing decoded, so that signatures can be checked over the very bytes.
public struct VenueRequest: Sendable {
    /// `GET`, `POST` … in upper case.
    public let method: String
    /// Path and query as received, such as `/api/v5/account/balance?ccy=BTC%2CETH`.
    public let target: String
    /// The part of `target` before the first `?`.
    public let path: Substring
    /// The part of `target` after the first `?`; empty if there is none.
    public let query: Substring
    public let body: [UInt8]
    /// The client's address, without the port.
    public let remoteAddress: String

    private let headerValue: @Sendable (String) -> String?

    /// `header` looks a header up by its lower-case name.
    public init(
        method: String, target: String, body: [UInt8], remoteAddress: String,
        header: @escaping @Sendable (String) -> String?
    ) {
        self.method = method
        self.target = target
        self.body = body
        self.remoteAddress = remoteAddress
        self.headerValue = header
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = target[..<mark]
            query = target[target.utf8.index(after: mark)...]
        } else {
            path = target[...]
            query = ""
        }
    }

    /// A header's value; `name` in lower case. Nil if it was not sent.
    public func header(_ name: String) -> String? { headerValue(name) }

    /// The query's parameters in their order, percent-decoded.
    public var queryItems: [QueryItem] { QueryItem.parse(query) }
}

/// An answer, ready to be sent.
public struct VenueResponse: Sendable {
    public var status: Int
    /// Beyond Content-Type and Content-Length, which the server writes.
    public var headers: [(name: String, value: String)]
    public var contentType: String
    public var body: [UInt8]
    /// What the body refuses, and why; nil where it refuses nothing.
    public var refusal: VenueRefusal?

    public init(
        status: Int = 200, headers: [(name: String, value: String)] = [],
        contentType: String = "application/json", body: [UInt8], refusal: VenueRefusal? = nil
    ) {
        self.status = status
        self.headers = headers
        self.contentType = contentType
        self.body = body
        self.refusal = refusal
    }
}

/// A venue's refusal of a request, as its client is told: it stands in the journal of requests.
public struct VenueRefusal: Sendable, Equatable {
    /// The venue's own code.
    public let code: String
    public let message: String
    /// Whether the venue serves nothing at this method and path.
    public let isOfUnservedPath: Bool

    public init(code: String, message: String, isOfUnservedPath: Bool = false) {
        self.code = code
        self.message = message
        self.isOfUnservedPath = isOfUnservedPath
    }
}

/// One parameter of a query or form body.
public struct QueryItem: Sendable, Equatable {
    public let name: String
    /// Decoded; empty where the parameter had no `=`.
    public let value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The parameters of a query string or form body, in their order; `%xx` and `+` decoded. Sequences that
    /// decode to no valid UTF-8 are repaired with U+FFFD, which no name or value of ours contains.
    public static func parse(_ text: Substring) -> [QueryItem] {
        if text.isEmpty { return [] }
        return text.utf8.split(separator: UInt8(ascii: "&")).map { part in
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let value = equals.map { decode(part[part.index(after: $0)...]) } ?? ""
            return QueryItem(name: decode(part[..<(equals ?? part.endIndex)]), value: value)
        }
    }

    private static func decode(_ part: Substring.UTF8View) -> String {
        guard part.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(Substring(part))
        }
        var bytes: [UInt8] = []
        var rest = part[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(hexValue),
                let low = rest.dropFirst().first.flatMap(hexValue)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [QueryItem] {
    /// The first value of a parameter; nil if it was not sent.
    public subscript(name: String) -> String? { first { $0.name.isExactly(name) }?.value }

    /// The same; nil where it is empty, too.
    public func given(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// The value of a hexadecimal digit, in either case; nil for another byte.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
