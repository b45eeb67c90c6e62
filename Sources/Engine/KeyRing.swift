import JSON
import Ledger
import Synchronization
import Venue

/// The API keys in force, ready to check signatures with.
final class KeyRing: Sendable {
    private struct State {
        var keys: [VenueName: [ExactText: APIKey]] = [:]
        /// Keys of an account, in the order of their making.
        var names: [ExactText: [ExactText]] = [:]
    }

    private let state = Mutex(State())

    func key(_ apiKey: String, of venue: VenueName) -> APIKey? {
        state.withLock { $0.keys[venue]?[ExactText(apiKey)] }
    }

    func keys(of account: String, at venue: VenueName) -> [APIKey] {
        state.withLock { state in
            (state.names[ExactText(account)] ?? []).compactMap { state.keys[venue]?[$0] }
        }
    }

    func insert(_ key: APIKey, at venue: VenueName) {
        state.withLock { state in
            let name = ExactText(key.apiKey)
            state.keys[venue, default: [:]][name] = key
            state.names[ExactText(key.account), default: []].append(name)
        }
    }

    func remove(_ apiKey: String, at venue: VenueName) {
        state.withLock { state in
            guard let key = state.keys[venue]?.removeValue(forKey: ExactText(apiKey)) else { return }
            state.names[ExactText(key.account)]?.removeAll { $0 == ExactText(apiKey) }
        }
    }
}
