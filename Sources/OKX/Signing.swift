import Ledger
import Venue

/// How OKX requests are signed: base64(HMAC-SHA256(secret, timestamp + METHOD + request target + body)), the
/// secret taken as its text (OKX API documentation, REST Authentication).
enum Signing {
    /// How far a timestamp may be from the server's clock, in milliseconds.
    static let window: Int64 = 30_000

    /// The signature as its header has it. A WebSocket login signs `GET` and `/users/self/verify`.
    static func signature(
        timestamp: String, method: String, target: String, body: [UInt8], signer: RequestSigner
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(timestamp.utf8.count + method.utf8.count + target.utf8.count + body.count)
        text.append(contentsOf: timestamp.utf8)
        text.append(contentsOf: method.utf8)
        text.append(contentsOf: target.utf8)
        text.append(contentsOf: body)
        return Base64.padded.encode(signer.sign(text))
    }

    /// The moment of a timestamp header: ISO 8601 in UTC with milliseconds, `2020-12-08T09:08:57.715Z`, and
    /// no other form. Nil for another text.
    static func moment(of timestamp: String) -> Int64? {
        let bytes = timestamp.utf8
        guard bytes.count == 24, bytes.last == UInt8(ascii: "Z") else { return nil }
        guard bytes.dropFirst(10).first == UInt8(ascii: "T"), bytes.dropFirst(19).first == UInt8(ascii: ".")
        else {
            return nil
        }
        return LedgerTime(iso8601: timestamp)?.milliseconds
    }
}
