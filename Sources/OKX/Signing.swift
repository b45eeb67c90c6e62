import Crypto
import Ledger
import Numbers
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
        return base64Text(signer.sign(text))
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

/// Ids that look like the venue's, derived from our own, so that they never change.
enum StableID {
    /// A number of so many digits (at most 18), the first of which is not 0.
    static func digits(_ count: Int, of text: String) -> String {
        var number: UInt64 = 0
        for byte in SHA256.hash(data: Array(text.utf8)).prefix(8) { number = number << 8 | UInt64(byte) }
        var limit: UInt64 = 1
        for _ in 1..<max(2, min(count, 18)) { limit *= 10 }
        return String(limit + number % (9 * limit))
    }

    /// An account's user id.
    static func user(_ account: String) -> String { digits(18, of: "okx user \(account)") }

    /// A position's id.
    static func position(_ account: String, _ position: Position) -> String {
        digits(
            18,
            of: "okx position \(account) \(position.instrument.name) \(position.side) \(position.marginMode)"
                + " \(position.openedAt)")
    }

    /// An order's id.
    static func order(_ account: String, _ order: OpenOrder) -> String {
        digits(18, of: "okx order \(account) \(order.id) \(order.placedAt)")
    }
}
