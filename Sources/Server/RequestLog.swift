import JSON
import Ledger
import Synchronization
import Venue

/// The latest requests of venues' clients, so that a test can ask what its bot called and what was refused.
///
/// Nothing of a request's query, headers or body is kept: they hold keys and signatures.
final class RequestLog: Sendable {
    /// One request and what became of it.
    struct Entry: Sendable {
        /// Counts on from 1 and over clearings.
        let id: Int64
        /// The computer's clock, in milliseconds.
        let time: Int64
        let venue: VenueName
        let method: String
        let path: String
        /// The account whose key it carries; nil without a known key.
        let account: String?
        let status: Int
        let refusal: VenueRefusal?
    }

    /// How many are kept.
    static let limit = 10_000
    /// How many unserved paths are told apart.
    private static let toldLimit = 1_000

    private struct State {
        /// A ring: the next goes to the place of the oldest once it is full.
        var ring: [Entry] = []
        var next = 0
        var last: Int64 = 0
        var told: Set<ExactText> = []
    }

    private let state = Mutex(State())

    /// Keeps a request; whether it is the first to a path that is not served.
    func note(
        at time: Int64, venue: VenueName, method: String, path: String, account: String?, status: Int,
        refusal: VenueRefusal?
    ) -> Bool {
        state.withLock { state in
            state.last += 1
            let entry = Entry(
                id: state.last, time: time, venue: venue, method: method, path: path, account: account,
                status: status, refusal: refusal)
            if state.ring.count < Self.limit {
                state.ring.append(entry)
            } else {
                state.ring[state.next] = entry
                state.next = (state.next + 1) % Self.limit
            }
            guard refusal?.isOfUnservedPath == true, state.told.count < Self.toldLimit else { return false }
            return state.told.insert(ExactText("\(method) \(path)")).inserted
        }
    }

    /// Requests after one, in their order, no more than so many; and the id of the last of all.
    func entries(after id: Int64, limit: Int) -> (entries: [Entry], last: Int64) {
        state.withLock { state in
            let count = state.ring.count
            let first = Int(clamping: max(0, id - (state.last - Int64(count))))
            let places = (min(first, count)..<count).prefix(limit)
            return (places.map { state.ring[(state.next + $0) % count] }, state.last)
        }
    }

    /// Forgets all requests; ids go on.
    func clear() {
        state.withLock { state in
            state.ring = []
            state.next = 0
        }
    }
}
