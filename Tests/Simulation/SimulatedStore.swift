import Journal
import Ledger
import Numbers

/// What is on a disk: it stays when a process ends.
final class Disk: @unchecked Sendable {
    fileprivate(set) var events: [EventRecord] = []
    fileprivate var snapshots: [Int64: AccountSnapshotRecord] = [:]
    fileprivate var values: [MetaKey: [UInt8]] = [:]
    fileprivate(set) var keys: [KeyRecord] = []
    fileprivate var indexed: Int64 = 0
    /// Told of all events that have become durable.
    var appended: ([EventRecord]) -> Void = { _ in }
}

/// A store in memory that one process has open: what a transaction writes is on the disk when the call
/// returns, unless the script says otherwise. It fails at chosen calls, before or after the writing; and it
/// can be cut off in the middle of everything, as a kill cuts a process off.
final class SimulatedStore: JournalStore, @unchecked Sendable {
    /// What becomes of a call.
    enum Fault { case none, before, after }

    let disk: Disk
    private var chance: Chance
    /// One call in so many fails; 0 for none.
    var writeFaults = 0
    var readFaults = 0
    private(set) var faults = 0
    /// Whether some write was done and told as failed: its command may be there although it was refused.
    private(set) var hasLied = false
    private var isCutOff = false
    /// Whether the write that is under way when the process is killed comes through.
    private var lastWriteComesThrough = false

    init(_ disk: Disk, seed: UInt64) {
        self.disk = disk
        chance = Chance(seed: seed)
    }

    /// The process is killed: nothing it does from now on reaches the disk, but for one write, perhaps.
    func cutOff() {
        isCutOff = true
        lastWriteComesThrough = chance.once(in: 2)
    }

    private func write(_ change: () throws(JournalError) -> Void) throws(JournalError) {
        if isCutOff {
            if lastWriteComesThrough { try change() }
            lastWriteComesThrough = false
            throw JournalError(.unavailable, "the process is no more")
        }
        if writeFaults == 0 || !chance.once(in: writeFaults) { return try change() }
        faults += 1
        if chance.once(in: 2) {
            hasLied = true
            try change()
        }
        throw JournalError(.unavailable, "the disk is full")
    }

    private func checkReads() throws(JournalError) {
        if isCutOff { throw JournalError(.unavailable, "the process is no more") }
        if readFaults == 0 || !chance.once(in: readFaults) { return }
        faults += 1
        throw JournalError(.unavailable, "the disk gives nothing back")
    }

    // MARK: - Events

    var location: String { "a simulation" }

    func tip() throws(JournalError) -> JournalTip {
        try checkReads()
        return JournalTip(sequence: Int64(disk.events.count), checksum: disk.events.last?.checksum ?? 0)
    }

    func append(_ events: [EventRecord]) throws(JournalError) {
        try write { () throws(JournalError) in
            guard events.first?.sequence == Int64(disk.events.count + 1) else {
                throw JournalError(.unavailable, "these events do not follow the last one")
            }
            var checksum = disk.events.last?.checksum ?? 0
            for event in events {
                checksum = event.checksum(after: checksum)
                disk.events.append(event)
                disk.events[disk.events.count - 1].checksum = checksum
            }
            disk.appended(Array(disk.events.suffix(events.count)))
        }
    }

    func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try checkReads()
        return Array(disk.events.dropFirst(Int(sequence)).prefix(limit))
    }

    func events(at sequences: [Int64]) throws(JournalError) -> [EventRecord] {
        try checkReads()
        return sequences.filter { disk.events.indices.contains(Int($0) - 1) }.map { disk.events[Int($0) - 1] }
    }

    func events(of account: String, after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        try checkReads()
        let rest = disk.events.dropFirst(Int(sequence))
        return Array(rest.filter { $0.account == account || $0.counterparty == account }.prefix(limit))
    }

    func prices(
        of venue: VenueName, at times: [LedgerTime], upTo sequence: Int64
    ) throws(JournalError) -> [VenuePrices] {
        try checkReads()
        return times.map { _ in VenuePrices() }
    }

    func commandEntries() throws(JournalError) -> [CommandIndexEntry] {
        try checkReads()
        return disk.events.compactMap { event in
            event.commandID.map { CommandIndexEntry(commandID: $0, sequence: event.sequence) }
        }
    }

    // MARK: - Upkeep

    func updateIndexes(limit: Int) throws(JournalError) -> Bool {
        try write { () throws(JournalError) in
            disk.indexed = min(Int64(disk.events.count), disk.indexed + Int64(limit))
        }
        return disk.indexed < disk.events.count
    }

    func indexedSequence() throws(JournalError) -> Int64 {
        try checkReads()
        return disk.indexed
    }

    func structuralProblems() throws(JournalError) -> [String] { [] }

    func writeSnapshots(_ accounts: [AccountSnapshotRecord], state: [UInt8]?) throws(JournalError) {
        try write { () throws(JournalError) in
            for account in accounts { disk.snapshots[account.ordinal] = account }
            if let state { disk.values[.snapshotState] = state }
        }
    }

    func snapshots(from ordinal: Int64, limit: Int) throws(JournalError) -> [AccountSnapshotRecord] {
        try checkReads()
        return Array(
            disk.snapshots.values.filter { $0.ordinal >= ordinal }.sorted { $0.ordinal < $1.ordinal }
                .prefix(limit))
    }

    func discardSnapshots() throws(JournalError) {
        try write { () throws(JournalError) in
            disk.snapshots = [:]
            disk.values[.snapshotState] = nil
        }
    }

    // MARK: - Keys and small things

    func keys() throws(JournalError) -> [KeyRecord] {
        try checkReads()
        return disk.keys
    }

    func add(_ key: KeyRecord) throws(JournalError) {
        try write { () throws(JournalError) in
            guard !disk.keys.contains(where: { $0.venue == key.venue && $0.apiKey == key.apiKey }) else {
                throw JournalError(.unavailable, "there is such a key")
            }
            disk.keys.append(key)
        }
    }

    func removeKey(_ apiKey: String, venue: VenueName) throws(JournalError) -> Bool {
        let isThere = disk.keys.contains { $0.venue == venue && $0.apiKey == apiKey }
        try write { () throws(JournalError) in
            disk.keys.removeAll { $0.venue == venue && $0.apiKey == apiKey }
        }
        return isThere
    }

    func replaceKeys(
        _ keys: [KeyRecord], setting values: [MetaKey: [UInt8]?]
    ) throws(JournalError) {
        try write { () throws(JournalError) in
            disk.keys = keys
            for (key, value) in values { disk.values[key] = value }
        }
    }

    func value(_ key: MetaKey) throws(JournalError) -> [UInt8]? {
        try checkReads()
        return disk.values[key]
    }

    func set(_ value: [UInt8], for key: MetaKey) throws(JournalError) {
        try write { () throws(JournalError) in disk.values[key] = value }
    }

    func close() throws(JournalError) {}
}
