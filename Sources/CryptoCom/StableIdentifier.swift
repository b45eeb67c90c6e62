import Venue

/// Identifiers that look like the venue's own and are always the same for the same account.
enum StableIdentifier {
    /// The UUID of an account: its id where that is one, as the venue's are, else one from the digest of it.
    static func uuid(account: String) -> String {
        isUUID(account) ? account : uuidText(stableDigest(of: "account/\(account)"))
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12]
            && parts.joined().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
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
        String(stableNumber(of: name) % limit)
    }
}
