import JSON
import Journal
import Ledger
import Synchronization
import Venue

/// The API keys in force, ready to check signatures with.
final class KeyRing: Sendable {
    private struct State {
        var keys: [VenueName: [ExactText: APIKey]] = [:]
        /// Keys of an account, in the order of their making.
        var names: [ExactText: [ExactText]] = [:]
        var isInDoubt = false

        mutating func insert(_ key: APIKey, at venue: VenueName) {
            let name = ExactText(key.apiKey)
            keys[venue, default: [:]][name] = key
            names[ExactText(key.account), default: []].append(name)
        }
    }

    private let state = Mutex(State())

    /// Whether a write of keys has failed, so that the store may hold others.
    var isInDoubt: Bool { state.withLock { $0.isInDoubt } }

    func doubt() { state.withLock { $0.isInDoubt = true } }

    /// Takes over the keys that the store has.
    func replace(with records: [KeyRecord]) {
        var state = State()
        for record in records { state.insert(APIKey(record), at: record.venue) }
        self.state.withLock { $0 = state }
    }

    func key(_ apiKey: String, of venue: VenueName) -> APIKey? {
        state.withLock { $0.keys[venue]?[ExactText(apiKey)] }
    }

    func keys(of venue: VenueName) -> [APIKey] { state.withLock { Array(($0.keys[venue] ?? [:]).values) } }

    func keys(of account: String, at venue: VenueName) -> [APIKey] {
        state.withLock { state in
            (state.names[ExactText(account)] ?? []).compactMap { state.keys[venue]?[$0] }
        }
    }

    func insert(_ key: APIKey, at venue: VenueName) {
        state.withLock { $0.insert(key, at: venue) }
    }

    func remove(_ apiKey: String, at venue: VenueName) {
        state.withLock { state in
            guard let key = state.keys[venue]?.removeValue(forKey: ExactText(apiKey)) else { return }
            state.names[ExactText(key.account)]?.removeAll { $0 == ExactText(apiKey) }
        }
    }
}
