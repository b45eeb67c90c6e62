import Crypto
import Foundation
import HTTPTypes

/// What a request says about becoming a WebSocket (RFC 6455, section 4.2.1).
enum StreamHandshake {
    /// It asks for no WebSocket.
    case none
    /// It asks for one, but not as a client must.
    case wrong(Problem)
    /// It may have one; `answer` holds the headers that accept it.
    case sound(answer: HTTPFields)

    private static let version = "13"

    init(_ request: HTTPRequest) {
        let fields = request.headerFields
        guard request.method == .get, Self.names("websocket", in: fields[.upgrade]),
            Self.names("upgrade", in: fields[.connection])
        else {
            self = .none
            return
        }
        if let problem = Self.problem(of: fields) {
            self = .wrong(problem)
        } else {
            let key = fields[.secWebSocketKey] ?? ""
            self = .sound(answer: [
                .upgrade: "websocket", .connection: "Upgrade", .secWebSocketAccept: Self.accept(key),
            ])
        }
    }

    private static func problem(of fields: HTTPFields) -> Problem? {
        if fields[.transferEncoding] != nil || (fields[.contentLength] ?? "0") != "0" {
            return wrong("A request for a WebSocket has no body.")
        }
        guard let asked = fields[.secWebSocketVersion] else {
            return wrong("The header Sec-WebSocket-Version is missing; it must be \(version).")
        }
        guard asked == version else {
            return Problem(
                426, "upgrade_required", "The header Sec-WebSocket-Version must be \(version).",
                headers: [("Sec-WebSocket-Version", version), ("Upgrade", "websocket")])
        }
        let keys = fields[values: .secWebSocketKey]
        guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
            return wrong("The header Sec-WebSocket-Key must be given once: 16 bytes in base 64.")
        }
        return nil
    }

    private static func wrong(_ detail: String) -> Problem { Problem(400, "bad_handshake", detail) }

    /// Whether a list such as `keep-alive, Upgrade` names something, in any case.
    private static func names(_ name: String, in list: String?) -> Bool {
        list?.split(separator: ",").contains {
            $0.trimmingCharacters(in: .whitespaces).lowercased() == name
        } ?? false
    }

    /// What proves to the client that its key was understood.
    static func accept(_ key: String) -> String {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        return Data(digest).base64EncodedString()
    }
}
