import Ledger
import Synchronization
import Venue

/// The API keys in force, ready to check signatures with.
final class KeyRing: Sendable {
    private struct State {
        var keys: [VenueName: [String: APIKey]] = [:]
        /// Keys of an account, in the order of their making.
        var names: [String: [String]] = [:]
    }

    private let state = Mutex(State())

    func key(_ apiKey: String, of venue: VenueName) -> APIKey? { state.withLock { $0.keys[venue]?[apiKey] } }

    func keys(of account: String, at venue: VenueName) -> [APIKey] {
        state.withLock { state in
            (state.names[account] ?? []).compactMap { state.keys[venue]?[$0] }
        }
    }

    func insert(_ key: APIKey, at venue: VenueName) {
        state.withLock { state in
            state.keys[venue, default: [:]][key.apiKey] = key
            state.names[key.account, default: []].append(key.apiKey)
        }
    }

    func remove(_ apiKey: String, at venue: VenueName) {
        state.withLock { state in
            guard let key = state.keys[venue]?.removeValue(forKey: apiKey) else { return }
            state.names[key.account]?.removeAll { $0 == apiKey }
        }
    }
}
