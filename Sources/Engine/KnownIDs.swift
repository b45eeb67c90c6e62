import JSON
import Journal
import Ledger

/// Which ids of some commands have been used before, as the store tells.
struct KnownIDs {
    /// An earlier use of an id: the event that carries it, and the digest of its command.
    typealias Use = (sequence: Int64, digest: [UInt8]?)

    private var found: [ExactText: Use] = [:]
    private var failure: JournalError?
    private let index: CommandIndex

    init(candidates: [Int64], in store: any JournalStore, index: CommandIndex) {
        self.index = index
        if candidates.isEmpty { return }
        do throws(JournalError) {
            var missing = Set(candidates)
            for event in try store.events(at: candidates) {
                missing.remove(event.sequence)
                guard let id = event.commandID else { continue }
                found[ExactText(id)] = (event.sequence, event.commandDigest)
            }
            // Each of them was written once: an id whose event is gone is not unused.
            if let sequence = missing.min() {
                throw JournalError(
                    .damaged,
                    "Event \(sequence) is missing in the table events; restore the store from a backup.")
            }
        } catch {
            failure = error
        }
    }

    /// The earlier use of an id, among those not durable yet too; nil if there is none.
    func use(
        of id: String, pending: [ExactText: Use]
    ) throws(Refusal) -> Use? {
        let text = ExactText(id)
        if let use = pending[text] ?? found[text] { return use }
        // Whether an id was used cannot be told without the store, where the index has it.
        if let failure, !index.candidates(for: id).isEmpty { throw .unreadable(failure) }
        return nil
    }
}
