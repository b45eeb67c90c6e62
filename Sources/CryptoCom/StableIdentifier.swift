import Crypto
import Venue

/// Identifiers that look like the venue's own and are always the same for the same account.
enum StableIdentifier {
    /// A UUID of an account, from the digest of its id.
    static func uuid(account: String) -> String {
        let digits = Array(hexText(SHA256.hash(data: Array("account/\(account)".utf8)).prefix(16)).utf8)
        var text: [UInt8] = []
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A UUID for the order that closes a position, from the digest of what asks for it.
    static func uuid(closing name: String) -> String { uuid(account: "close/\(name)") }

    /// The digits of an isolated position, from the digest of its account and instrument.
    static func isolation(account: String, instrument: String) -> String {
        digits("isolation/\(account)/\(instrument)", below: 100_000_000)
    }

    /// The digits of an open order, from the digest of its account and its own id.
    static func order(account: String, order: String) -> String {
        digits("order/\(account)/\(order)", below: 1_000_000_000_000_000_000)
    }

    /// The digits of a list of orders, from the digest of what asks for it.
    static func list(_ name: String) -> String { digits("list/\(name)", below: 1_000_000_000_000_000_000) }

    private static func digits(_ name: String, below limit: UInt64) -> String {
        var number: UInt64 = 0
        for byte in SHA256.hash(data: Array(name.utf8)).prefix(8) { number = number << 8 | UInt64(byte) }
        return String(number % limit)
    }
}
