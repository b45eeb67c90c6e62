import Ledger
import Venue

/// Ids that look like the venue's, derived from our own, so that they never change.
enum StableID {
    /// A number of so many digits (at most 18), the first of which is not 0.
    static func digits(_ count: Int, of text: String) -> String {
        var limit: UInt64 = 1
        for _ in 1..<max(2, min(count, 18)) { limit *= 10 }
        return String(limit + stableNumber(of: text) % (9 * limit))
    }

    /// An account's user id.
    static func user(_ account: String) -> String { digits(18, of: "okx user \(account)") }

    /// A position's id: the same when it turns over and when it is opened anew, as the venue keeps it for
    /// thirty days after a close (OKX API documentation, Positions channel).
    static func position(_ account: String, _ position: Position) -> String {
        digits(
            18,
            of: "okx position \(account) \(position.instrument.name) \(position.side) \(position.marginMode)")
    }

    /// An order's id.
    static func order(_ account: String, _ order: OpenOrder) -> String {
        digits(18, of: "okx order \(account) \(order.id) \(order.placedAt)")
    }
}
