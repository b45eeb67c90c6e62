import JSON
import Journal
import Ledger

/// What a check of a whole journal has found.
public struct VerificationReport: Sendable, Equatable {
    /// Events that were replayed.
    public var events: Int64 = 0
    public var accounts = 0
    /// Account snapshots that were compared with the replayed accounts.
    public var snapshots = 0
    /// One sentence for everything that is not as it should be; empty for a sound journal. At most 100.
    public var problems: [String] = []

    /// Whether nothing is wrong.
    public var isSound: Bool { problems.isEmpty }

    mutating func note(_ problem: String) {
        if problems.count < 100, !problems.contains(problem) { problems.append(problem) }
    }
}

/// Checks a journal: its structure, the chain of checksums, that every event fits, and that the snapshots are
/// what replaying gives. Changes nothing.
public func verifyJournal(
    _ store: any JournalStore, on queues: WorkQueues = .threads
) async throws(JournalError) -> VerificationReport {
    let work = BlockingWork("verification", on: queues)
    var check = JournalCheck(
        snapshots: try await work.run { () throws(JournalError) in try storedSnapshots(store) })
    for problem in try await work.run({ () throws(JournalError) in try store.structuralProblems() }) {
        check.report.note(problem)
    }
    var sequence: Int64 = 0
    while true {
        let from = sequence
        do throws(JournalError) {
            let records = try await work.run { () throws(JournalError) in
                try store.events(after: from, limit: Replay.lot)
            }
            guard let last = records.last else { break }
            for record in records { check.take(record) }
            sequence = last.sequence
        } catch {
            guard error.kind == .damaged else { throw error }
            check.stop(at: error)
            break
        }
    }
    check.finish()
    return check.report
}

/// The snapshots of a store, or why they cannot be read.
private func storedSnapshots(_ store: any JournalStore) throws(JournalError) -> StoredSnapshots {
    var stored = StoredSnapshots()
    stored.state = try store.value(.snapshotState)
    do throws(JournalError) {
        var ordinal: Int64 = 0
        while true {
            let lot = try store.snapshots(from: ordinal, limit: Replay.lot)
            guard let last = lot.last else { break }
            stored.accounts += lot
            ordinal = last.ordinal + 1
        }
    } catch {
        guard error.kind == .damaged else { throw error }
        stored.problem = error.message
    }
    return stored
}

private struct StoredSnapshots: Sendable {
    var state: [UInt8]?
    var accounts: [AccountSnapshotRecord] = []
    var problem: String?
}

/// Replays event by event and compares on the way.
private struct JournalCheck {
    var report = VerificationReport()
    private var ledger = LedgerState()
    private var tip = JournalTip()
    private var isReplaying = true
    private var ordinals: [ExactText: Int64] = [:]
    private var venues: Set<VenueName> = []
    /// Snapshots that are still to be met, by the event they stand after.
    private var snapshots: [Int64: [AccountSnapshotRecord]]
    private let state: [UInt8]?
    private let statePlace: Int64?
    /// A snapshot that the record of them tells of and that is not there; nil too where all were thrown away.
    private let missingSnapshot: Int64?

    init(snapshots stored: StoredSnapshots) {
        snapshots = Dictionary(grouping: stored.accounts, by: \.sequence)
        state = stored.state
        let decoded = stored.state.flatMap { SnapshotState(decoding: $0) }
        statePlace = decoded?.sequence
        let there = Set(stored.accounts.map(\.ordinal))
        missingSnapshot =
            there.isEmpty || stored.problem != nil
            ? nil : (0..<Int64(decoded?.accountCount ?? 0)).first { !there.contains($0) }
        if let problem = stored.problem { report.note(problem) }
        if let missingSnapshot {
            report.note("The row \(missingSnapshot) of the table account_snapshots is gone.")
        }
        if stored.state != nil && statePlace == nil { report.note("The record of the snapshots is damaged.") }
    }

    mutating func take(_ record: EventRecord) {
        report.events += 1
        tip = JournalTip(sequence: record.sequence, checksum: record.checksum)
        if isReplaying { replay(record) }
    }

    /// Events cannot be read any further.
    mutating func stop(at error: JournalError) {
        report.note(error.message)
        report.note("Events after \(tip.sequence) were not replayed.")
        isReplaying = false
    }

    private mutating func replay(_ record: EventRecord) {
        do {
            let event = try Replay.event(of: record, instruments: ledger.instrumentTable)
            try ledger.apply(event)
            if case .accountOpened = event.body, let id = event.account {
                ordinals[ExactText(id)] = Int64(ordinals.count)
            }
            if let venue = event.body.market { venues.insert(venue) }
            compare(event, checksum: record.checksum)
        } catch {
            report.note("\(error)")
            // What follows rests on this event, so nothing after it can be replayed.
            isReplaying = false
            report.note("Events after \(record.sequence) were not replayed.")
        }
    }

    private mutating func compare(_ event: Event, checksum: UInt64) {
        for snapshot in snapshots.removeValue(forKey: event.sequence) ?? [] {
            report.snapshots += 1
            let account = [event.account, event.counterparty].compactMap { $0 }
                .first { ordinals[ExactText($0)] == snapshot.ordinal }
                .flatMap { ledger.account($0) }
            var body: [UInt8] = []
            account?.append(to: &body)
            if body != snapshot.body {
                report.note(
                    "The snapshot \(snapshot.ordinal) of event \(snapshot.sequence) is not what "
                        + "replaying gives."
                )
            }
        }
        if event.sequence == statePlace {
            let replayed = SnapshotState(
                sequence: event.sequence, checksum: checksum, accountCount: ordinals.count,
                prices: venues.map { ($0, ledger.prices(of: $0)) })
            if replayed.encoded() != state {
                report.note(
                    "The prices or the number of accounts of the snapshots are not what replaying gives.")
            }
        }
    }

    mutating func finish() {
        report.accounts = ledger.accountCount
        if !isReplaying { return }
        for sequence in snapshots.keys.sorted() {
            report.note("There are snapshots of an event \(sequence), which the journal does not have.")
        }
        if let statePlace, statePlace > tip.sequence {
            report.note("The snapshots stand for event \(statePlace); the journal ends at \(tip.sequence).")
        }
    }
}
