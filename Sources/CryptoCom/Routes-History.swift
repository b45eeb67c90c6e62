import JSON
import Ledger
import Venue

/// Which points of the past `private/user-balance-history` is asked for.
///
/// Crypto.com Exchange API documentation, private/user-balance-history: `timeframe` H1 or D1, `end_time` in
/// milliseconds or nanoseconds, exclusive, `limit` of at most 120 hours or 30 days. That points lie on full
/// hours and days in UTC, and that as many as possible are given where `limit` is left out, are choices.
struct BalanceHistoryQuery {
    /// From one point to the next, in milliseconds.
    let interval: Int64
    /// The most points.
    let limit: Int64
    /// Points lie before this millisecond; nil for the ledger's time.
    let end: Int64?

    /// Throws for arguments of the wrong type or outside their ranges.
    init(_ params: JSONValue?) throws(VenueError) {
        let most: Int64
        switch try params.text("timeframe") ?? "D1" {
        case "D1": (interval, most) = (86_400_000, 30)
        case "H1": (interval, most) = (3_600_000, 120)
        default: throw .invalidArgument
        }
        limit = try params.integer("limit") ?? most
        guard (1...most).contains(limit) else { throw .invalidArgument }
        guard let given = try params.integer("end_time") else {
            end = nil
            return
        }
        guard given > 0 else { throw .invalidDate }
        // Milliseconds have at most 14 digits until the year 5138, nanoseconds 19. A part of a millisecond
        // counts as a whole one, as points before it lie at its beginning.
        end =
            given < 100_000_000_000_000
            ? given : given / 1_000_000 + (given % 1_000_000 == 0 ? 0 : 1)
    }

    /// The times of the points, oldest first: none before the account was opened, none that is not yet.
    func times(since opening: LedgerTime, now: LedgerTime) -> [LedgerTime] {
        let last = min((end ?? now.milliseconds) - 1, now.milliseconds)
        // Rounded down before 1970 too, where remainders are negative.
        let newest = last - ((last % interval) + interval) % interval
        return (0..<limit).reversed().map { LedgerTime(milliseconds: newest - $0 * interval) }
            .filter { $0 >= opening }
    }
}

extension AccountRequest {
    /// An answer that reads the past or goes through many accounts.
    func slowAnswer() async throws(VenueError) -> [UInt8] {
        do {
            return try await access.slowly(for: account.id) {
                try answer(history: method == .userBalanceHistory ? await history() : [])
            }
        } catch let error as VenueError {
            throw error
        } catch {
            // Too much that takes long waits already.
            throw .tooManyRequests
        }
    }

    /// The account at every point that a balance history is asked for, oldest first.
    private func history() async throws(VenueError) -> [AccountSnapshot] {
        let times = try BalanceHistoryQuery(params).times(since: account.openedAt, now: snapshot.at)
        do {
            return try await access.snapshots(of: account.id, asOf: times).compactMap { $0 }
        } catch {
            throw .internal
        }
    }
}

extension CryptoComVenue {
    /// One point per snapshot, in their order: `t` its time in milliseconds, `c` its `total_cash_balance`
    /// with the prices and rules of that time, cut at the eighth place, without trailing zeros.
    func writeBalanceHistory(_ history: [AccountSnapshot], to writer: inout JSONWriter) throws {
        writer.beginObject()
        writer.member("instrument_name", literal: "USD")
        try writer.array("data", of: history) { snapshot, writer in
            writer.beginObject()
            writer.member("t", snapshot.at.milliseconds)
            writer.member("c", quoted: try figures(of: snapshot).decimal(.cashBalance))
            writer.endObject()
        }
        writer.endObject()
    }
}
