import Engine
import Synchronization

/// Checkpoints of the ledger under their names, in memory: they are gone when the server stops.
final class CheckpointShelf: Sendable {
    /// The most checkpoints, and the most bytes of all of them.
    static let limit = 64
    static let sizeLimit = 512 << 20

    private let checkpoints = Mutex<[String: LedgerCheckpoint]>([:])

    /// Whether the ledger may be emptied and put back: only where nobody keeps what matters.
    let isAllowed: Bool

    init(isAllowed: Bool) { self.isAllowed = isAllowed }

    /// Keeps a checkpoint, in place of one of that name; whether there was none. Throws where it does not
    /// fit.
    func keep(_ checkpoint: LedgerCheckpoint, as name: String) throws(Problem) -> Bool {
        try checkpoints.withLock { kept throws(Problem) in
            let others = kept.filter { $0.key != name }
            guard others.count < Self.limit else {
                throw Problem(
                    409, "too_many_checkpoints", "There are \(Self.limit) checkpoints already: delete some.")
            }
            guard others.values.reduce(checkpoint.size, { $0 + $1.size }) <= Self.sizeLimit else {
                throw Problem(
                    409, "checkpoints_too_large",
                    "Checkpoints take \(Self.sizeLimit >> 20) MiB at most: delete some.")
            }
            return kept.updateValue(checkpoint, forKey: name) == nil
        }
    }

    /// The checkpoint of a name.
    func checkpoint(_ name: String) throws(Problem) -> LedgerCheckpoint {
        guard let found = checkpoints.withLock({ $0[name] }) else { throw Self.none(name) }
        return found
    }

    /// All of them by name.
    var all: [(name: String, checkpoint: LedgerCheckpoint)] {
        checkpoints.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// Lets go of one.
    func remove(_ name: String) throws(Problem) {
        guard checkpoints.withLock({ $0.removeValue(forKey: name) }) != nil else { throw Self.none(name) }
    }

    /// Lets go of all.
    func removeAll() { checkpoints.withLock { $0 = [:] } }

    private static func none(_ name: String) -> Problem {
        Problem(404, "unknown_checkpoint", "There is no checkpoint \(name.prefix(64)).", field: "name")
    }
}
