import Journal
import Ledger
import Synchronization

/// A real store whose appends can be made to fail or to wait.
final class FaultyStore: JournalStore {
    enum Fault: Sendable {
        /// Nothing is written, and the failure is told.
        case failsBefore
        /// All is written, and a failure is told nevertheless.
        case failsAfter
    }

    private struct State {
        var fault: Fault?
        var failsReads = false
        var isHeld = false
        var isHeldAfter = false
        var lacks: MetaKey?
        var appends = 0
    }

    private let store: any JournalStore
    private let state = Mutex(State())

    init(_ store: any JournalStore) { self.store = store }

    /// What the next appends suffer, until it is set to nil.
    func set(_ fault: Fault?) { state.withLock { $0.fault = fault } }
    func setFailsReads(_ fails: Bool) { state.withLock { $0.failsReads = fails } }
    /// Has something small be missing until it is set, as in a store that was made before there was such a
    /// thing.
    func setLacks(_ key: MetaKey) { state.withLock { $0.lacks = key } }
    /// Has appends wait, or go on.
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }
    /// Has appends wait, or go on, once all is written.
    func holdAfter(_ isHeld: Bool) { state.withLock { $0.isHeldAfter = isHeld } }
    /// Appends begun so far.
    var appends: Int { state.withLock { $0.appends } }

    func append(_ events: [EventRecord]) throws(JournalError) {
        let fault = state.withLock { state in
            state.appends += 1
            return state.fault
        }
        while state.withLock({ $0.isHeld }) { pause() }
        if fault != .failsBefore { try store.append(events) }
        while state.withLock({ $0.isHeldAfter }) { pause() }
        if fault != nil { throw JournalError(.unavailable, "the disk is on fire") }
    }

    private func checkReads() throws(JournalError) {
        if state.withLock({ $0.failsReads }) { throw JournalError(.unavailable, "the disk is gone") }
    }

    var location: String { store.location }
    func tip() throws(JournalError) -> JournalTip { try store.tip() }

    func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try checkReads()
        return try store.events(after: sequence, limit: limit)
    }

    func events(at sequences: [Int64]) throws(JournalError) -> [EventRecord] {
        try checkReads()
        return try store.events(at: sequences)
    }

    func events(of account: String, after: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try checkReads()
        return try store.events(of: account, after: after, limit: limit)
    }

    func prices(
        of venue: VenueName, at times: [LedgerTime], upTo sequence: Int64
    ) throws(JournalError) -> [VenuePrices] {
        try checkReads()
        return try store.prices(of: venue, at: times, upTo: sequence)
    }

    func commandEntries() throws(JournalError) -> [CommandIndexEntry] { try store.commandEntries() }
    func updateIndexes(limit: Int) throws(JournalError) -> Bool { try store.updateIndexes(limit: limit) }
    func indexedSequence() throws(JournalError) -> Int64 { try store.indexedSequence() }
    func structuralProblems() throws(JournalError) -> [String] { try store.structuralProblems() }

    func writeSnapshots(_ accounts: [AccountSnapshotRecord], state: [UInt8]?) throws(JournalError) {
        try store.writeSnapshots(accounts, state: state)
    }

    func snapshots(from ordinal: Int64, limit: Int) throws(JournalError) -> [AccountSnapshotRecord] {
        try store.snapshots(from: ordinal, limit: limit)
    }

    var needsUpkeep: Bool { store.needsUpkeep }

    func replaceKeys(
        _ keys: [KeyRecord], setting values: [MetaKey: [UInt8]?]
    ) throws(JournalError) { try store.replaceKeys(keys, setting: values) }

    func discardSnapshots() throws(JournalError) { try store.discardSnapshots() }
    func keys() throws(JournalError) -> [KeyRecord] { try store.keys() }
    func add(_ key: KeyRecord) throws(JournalError) {
        _ = try changingKeys { () throws(JournalError) in try store.add(key) }
    }

    func removeKey(_ apiKey: String, venue: VenueName) throws(JournalError) -> Bool {
        try changingKeys { () throws(JournalError) in try store.removeKey(apiKey, venue: venue) }
    }

    private func changingKeys<Value>(_ change: () throws(JournalError) -> Value) throws(JournalError) -> Value
    {
        let fault = state.withLock { $0.fault }
        if fault == .failsBefore { throw JournalError(.unavailable, "the disk is on fire") }
        let value = try change()
        if fault != nil { throw JournalError(.unavailable, "the disk is on fire") }
        return value
    }

    func value(_ key: MetaKey) throws(JournalError) -> [UInt8]? {
        state.withLock { $0.lacks == key } ? nil : try store.value(key)
    }

    func set(_ value: [UInt8], for key: MetaKey) throws(JournalError) {
        if state.withLock({ $0.fault != nil }) { throw JournalError(.unavailable, "the disk is on fire") }
        try store.set(value, for: key)
        state.withLock { if $0.lacks == key { $0.lacks = nil } }
    }

    func close() throws(JournalError) { try store.close() }
}
