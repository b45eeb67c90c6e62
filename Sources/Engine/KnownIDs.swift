import Journal
import Ledger

/// Which ids of some commands have been used before, as the store tells.
struct KnownIDs {
    private var found: [String: (sequence: Int64, digest: [UInt8]?)] = [:]
    private var failure: JournalError?
    private let index: CommandIndex

    init(candidates: [Int64], in store: any JournalStore, index: CommandIndex) {
        self.index = index
        if candidates.isEmpty { return }
        do throws(JournalError) {
            for event in try store.events(at: candidates) {
                guard let id = event.commandID else { continue }
                found[id] = (event.sequence, event.commandDigest)
            }
        } catch {
            failure = error
        }
    }

    /// The earlier use of an id, among those not durable yet too; nil if there is none.
    func use(
        of id: String, pending: [String: (sequence: Int64, digest: [UInt8]?)]
    ) throws(Refusal) -> (sequence: Int64, digest: [UInt8]?)? {
        if let use = pending[id] ?? found[id] { return use }
        // Whether an id was used cannot be told without the store, where the index has it.
        if let failure, !index.candidates(for: id).isEmpty { throw .unreadable(failure) }
        return nil
    }
}
