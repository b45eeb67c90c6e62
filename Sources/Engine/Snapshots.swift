import JSON
import Journal
import Ledger
import Synchronization

/// Reads the snapshots of a store.
enum SnapshotReader {
    /// The ledger as the snapshots have it; nil where there are none that can be used, and the journal must
    /// be replayed from its beginning.
    ///
    /// `newestAccount` is the last event that any of the accounts includes: it may lie beyond the place that
    /// the snapshots stand for, where the last writing of them was cut off.
    ///
    /// Snapshots that are there and cannot be used are reported.
    static func restore(
        from store: any JournalStore, tip: JournalTip, by work: BlockingWork,
        report: @Sendable (String) -> Void
    ) async throws(JournalError) -> (ledger: LedgerState, newestAccount: Int64)? {
        let (stateBytes, instrumentBytes) = try await work.run { () throws(JournalError) in
            (try store.value(.snapshotState), try store.value(.snapshotInstruments))
        }
        // A store without snapshots; one whose record of them is damaged has said so itself.
        guard let stateBytes, let instrumentBytes else { return nil }
        guard let state = SnapshotState(decoding: stateBytes),
            let instruments = SnapshotInstruments.decode(instrumentBytes)
        else {
            report("the account snapshots are of another form; the whole journal is replayed")
            return nil
        }
        let place = try await work.run { () throws(JournalError) in try store.events(at: [state.sequence]) }
        guard place.first?.checksum ?? 0 == state.checksum else {
            report("the account snapshots are of another ledger; the whole journal is replayed")
            return nil
        }
        var ledger = LedgerState()
        for instrument in instruments.all { ledger.restore(instrument: instrument) }
        var newest: Int64 = 0
        var ordinal: Int64 = 0
        do throws(JournalError) {
            while true {
                let from = ordinal
                let records = try await work.run { () throws(JournalError) in
                    try store.snapshots(from: from, limit: Replay.lot)
                }
                if records.isEmpty { break }
                let accounts = try await Replay.inHalves(records) { part throws(JournalError) in
                    try decode(part, instruments: instruments)
                }
                for (record, account) in zip(records, accounts) {
                    guard record.ordinal == ordinal, account.lastSequence == record.sequence else {
                        throw JournalError(.damaged, "The account snapshot \(ordinal) is missing.")
                    }
                    ledger.restore(account)
                    newest = max(newest, record.sequence)
                    ordinal += 1
                }
            }
        } catch {
            guard error.kind == .damaged else { throw error }
            // A damaged snapshot is as good as none; the journal has everything.
            report("\(error.message) The whole journal is replayed instead.")
            return nil
        }
        guard ordinal >= state.accountCount, newest <= tip.sequence else {
            report("account snapshots are missing; the whole journal is replayed")
            return nil
        }
        for (venue, prices) in state.prices { ledger.restore(prices: prices, of: venue) }
        ledger.restore(lastSequence: state.sequence)
        return (ledger, newest)
    }

    private static func decode(
        _ records: ArraySlice<AccountSnapshotRecord>, instruments: InstrumentTable
    ) throws(JournalError) -> [Account] {
        var accounts: [Account] = []
        accounts.reserveCapacity(records.count)
        for record in records {
            guard let value = try? JSONValue(parsing: record.body),
                let account = try? Account(decoding: value, instruments: instruments)
            else { throw JournalError(.damaged, "The account snapshot \(record.ordinal) is damaged.") }
            accounts.append(account)
        }
        return accounts
    }
}

/// Writes snapshots and brings the store's indexes up, beside the writer and in small pieces, so that no
/// command waits for long.
final class Upkeep: Sendable {
    private struct State {
        var isRunning = false
        /// Where the last upkeep was; at the start, what it had done before.
        var sequence: Int64
        /// What the snapshots stand for.
        var snapshot: Int64
    }

    private let store: any JournalStore
    private let writing: BlockingWork
    private let slow: SlowWork
    private let published: PublishedLedger
    private let statistics: StatisticsKeeper
    private let interval: Int64
    private let state: Mutex<State>

    init(
        store: any JournalStore, writing: BlockingWork, slow: SlowWork, published: PublishedLedger,
        statistics: StatisticsKeeper,
        interval: Int, snapshotSequence: Int64, indexedSequence: Int64
    ) {
        self.store = store
        self.writing = writing
        self.slow = slow
        self.published = published
        self.statistics = statistics
        self.interval = Int64(interval)
        state = Mutex(State(sequence: min(snapshotSequence, indexedSequence), snapshot: snapshotSequence))
    }

    /// Called when the journal has grown, or its indexes turned out to be damaged; starts upkeep where it is
    /// due and none is running.
    func consider(_ sequence: Int64) {
        let isUrgent = store.needsUpkeep
        let isDue = state.withLock { state in
            if state.isRunning || (!isUrgent && sequence - state.sequence < interval) { return false }
            state.isRunning = true
            state.sequence = sequence
            return true
        }
        guard isDue else { return }
        Task {
            // What goes wrong here costs time at the next start and nothing else; the next round tries again.
            try? await run()
            state.withLock { $0.isRunning = false }
        }
    }

    /// Waits for upkeep under way, then does all of it once more.
    func finish() async throws(JournalError) {
        await begin()
        defer { state.withLock { $0.isRunning = false } }
        try await run(isLast: true)
    }

    /// Does work while no upkeep is under way; it tells how far snapshots and indexes go afterwards.
    func pausing(
        for work: () async throws(JournalError) -> (snapshot: Int64, indexed: Int64)
    ) async throws(JournalError) {
        await begin()
        defer { state.withLock { $0.isRunning = false } }
        let reached = try await work()
        state.withLock { state in
            state.sequence = min(reached.snapshot, reached.indexed)
            state.snapshot = reached.snapshot
        }
    }

    /// Waits until no upkeep is under way, and keeps others from beginning one.
    private func begin() async {
        while !state.withLock({ state in
            if state.isRunning { return false }
            state.isRunning = true
            return true
        }) {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    private func run(isLast: Bool = false) async throws(JournalError) {
        // Encoding all accounts takes long.
        try await slow.ownTurn(of: "upkeep").run { () async throws(JournalError) in
            try await keepUp(isLast: isLast)
        }
    }

    private func keepUp(isLast: Bool) async throws(JournalError) {
        while try await writing.run({ [store] () throws(JournalError) in
            try store.updateIndexes(limit: 20_000)
        }) {}
        let indexed = try await writing.run { [store] () throws(JournalError) in try store.indexedSequence() }
        statistics.update { $0.indexedSequence = indexed }
        try await writeSnapshots(isLast: isLast)
    }

    private func writeSnapshots(isLast: Bool) async throws(JournalError) {
        let since = state.withLock { $0.snapshot }
        let cut = published.cut()
        // With many accounts, most of which change between two snapshots, writing them would cost more than
        // the events themselves; and replaying two events an account costs no more than reading the account.
        let due = isLast ? 1 : max(interval, 2 * Int64(cut.order.count))
        if cut.sequence - since < due { return }
        // Terms first: accounts that are further on than the last complete snapshot may use them already.
        let instruments = SnapshotInstruments.encoded(cut.instruments)
        try await writing.run { [store] () throws(JournalError) in
            try store.set(instruments, for: .snapshotInstruments)
        }
        var lot: [(ordinal: Int64, account: PublishedAccount)] = []
        for (ordinal, id) in cut.order.enumerated() {
            guard let entry = cut.accounts[ExactText(id)], entry.account.lastSequence > since else {
                continue
            }
            lot.append((Int64(ordinal), entry))
            if lot.count == 2_000 {
                try await write(lot, state: nil)
                lot = []
            }
        }
        let place = try await writing.run { [store] () throws(JournalError) in
            try store.events(at: [cut.sequence])
        }
        let snapshot = SnapshotState(
            sequence: cut.sequence, checksum: place.first?.checksum ?? 0, accountCount: cut.order.count,
            prices: cut.prices.map { ($0.key, $0.value) })
        try await write(lot, state: snapshot.encoded())
        state.withLock { $0.snapshot = cut.sequence }
        statistics.update {
            $0.snapshots += 1
            $0.snapshotSequence = cut.sequence
        }
    }

    private func write(
        _ lot: [(ordinal: Int64, account: PublishedAccount)], state: [UInt8]?
    ) async throws(JournalError) {
        let records = lot.map { entry in
            var body: [UInt8] = []
            entry.account.account.append(to: &body)
            return AccountSnapshotRecord(
                ordinal: entry.ordinal, sequence: entry.account.account.lastSequence, body: body)
        }
        try await writing.run { [store] () throws(JournalError) in
            try store.writeSnapshots(records, state: state)
        }
    }
}
