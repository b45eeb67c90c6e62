import Ledger
import Venue

/// What accounts' margins have been found to be, for readers that each go through it at their own pace.
///
/// An account stands in it once, at the place of its last transition: a reader that comes late is told how
/// things are and not how they came about, and costs nothing but its place.
struct MarginLog {
    /// How far a reader has come.
    struct Place {
        fileprivate var version = 0
        /// Where it joined: of what was before, only the calls that stand are news.
        fileprivate let joined: Int
    }

    private var latest: [String: (version: Int, transition: MarginTransition)] = [:]
    /// Every transition's version and account, in order. Those that a later one has overtaken are passed
    /// over.
    private var order: [(version: Int, account: String)] = []
    private var version = 0

    /// Where a new reader begins.
    var beginning: Place { Place(joined: version) }

    /// Forgets what was found; versions go on.
    mutating func clear() {
        latest = [:]
        order = []
    }

    /// Notes what an account's margin is now; whether it is in another state than before.
    mutating func note(_ transition: MarginTransition) -> Bool {
        let account = transition.account
        let before = latest[account]
        if before?.transition.isCalled ?? false == transition.isCalled {
            if let before { latest[account] = (before.version, transition) }
            return false
        }
        version += 1
        latest[account] = (version, transition)
        order.append((version, account))
        if order.count > 2 * latest.count + 1_024 {
            order.removeAll { latest[$0.account]?.version != $0.version }
        }
        return true
    }

    /// The next transitions after a place, looking at no more than so many; the place moves on. Empty where
    /// there are none.
    func next(after place: inout Place, limit: Int) -> [MarginTransition] {
        var found: [MarginTransition] = []
        var index = firstIndex(after: place.version)
        while index < order.count, found.count < limit {
            let (version, account) = order[index]
            index += 1
            place.version = version
            guard let entry = latest[account], entry.version == version else { continue }
            if version > place.joined || entry.transition.isCalled { found.append(entry.transition) }
        }
        return found
    }

    private func firstIndex(after version: Int) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if order[middle].version <= version { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
