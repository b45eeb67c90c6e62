import Exchange
import JSON
import Journal
import Ledger
import Venue

/// The one place where the ledger changes.
///
/// Commands are applied to a working copy as they come and collected into a group; while one group is being
/// written, the next one grows. A group is published and answered only once it is durable. When a group
/// cannot be written, it and the one after it are undone and refused.
///
/// It has a thread of its own: applying a group takes time, and looking up ids goes to the store.
///
/// Callers take turns: a list that is not all-or-none gets at most half of a full group and then waits behind
/// the others, so that a command that comes while a long list is under way goes with the group that is being
/// collected.
actor LedgerWriter {
    private let thread: LedgerThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private let store: any JournalStore
    private let writing: BlockingWork
    private let published: PublishedLedger
    private let markets: MarketHistories
    private let feed: LedgerFeed
    private let judges: Judges
    private let exchange: Exchange
    private let clock: LedgerClock
    private let statistics: StatisticsKeeper
    /// A group takes no more commands of one batch than this, and of all no more than twice as many, unless
    /// one all-or-none batch alone has more.
    private let groupLimit: Int

    private var ledger: LedgerState
    private var commandIndex: CommandIndex
    /// Command ids that are not durable yet.
    private var pendingIDs: [ExactText: KnownIDs.Use] = [:]
    private var waiting: [PendingBatch] = []
    /// The time of the latest event that is not durable yet.
    private var latest = LedgerTime(milliseconds: .min)
    private var prepared = CommandGroup()
    private var inFlight: CommandGroup?
    /// Whether a group is being written or the ledger is being brought in line with the store.
    private var isBusy = false
    private var needsRecovery = false
    private var isStopping = false
    private var isProbing = false
    private var drained: [CheckedContinuation<Void, Never>] = []
    /// Others that shall be the ledger, after all commands that came before them.
    private var replacements: [Replacement] = []
    /// When the writer wakes up by itself because something falls due then.
    private var alarm: (at: LedgerTime, task: Task<Void, Never>)?
    /// Called after every durable group.
    private let afterGroup: @Sendable (Int64) -> Void

    init(
        store: any JournalStore, writing: BlockingWork, published: PublishedLedger, markets: MarketHistories,
        feed: LedgerFeed, ledger: LedgerState, commandIndex: CommandIndex, judges: Judges, exchange: Exchange,
        clock: LedgerClock, statistics: StatisticsKeeper, groupLimit: Int,
        queue: @escaping WorkQueues.Queue, afterGroup: @escaping @Sendable (Int64) -> Void
    ) {
        thread = LedgerThread(queue)
        self.store = store
        self.writing = writing
        self.published = published
        self.markets = markets
        self.feed = feed
        self.ledger = ledger
        self.commandIndex = commandIndex
        self.judges = judges
        self.exchange = exchange
        self.clock = clock
        self.statistics = statistics
        self.groupLimit = groupLimit
        self.afterGroup = afterGroup
    }

    /// Applies commands in order; returns once what they came to is durable.
    func submit(_ submissions: [Submission], isAtomic: Bool) async -> SubmissionOutcome {
        if submissions.isEmpty { return .results([]) }
        statistics.update { $0.waitingCommands += submissions.count }
        defer { statistics.update { $0.waitingCommands -= submissions.count } }
        return await withCheckedContinuation { continuation in
            let batch = PendingBatch(submissions, isAtomic: isAtomic, continuation: continuation)
            if isStopping {
                batch.refuse(from: 0, .stopping)
            } else {
                waiting.append(batch)
                advance()
            }
        }
    }

    /// Takes no more commands; returns once all that came before are answered.
    func drain() async {
        isStopping = true
        alarm?.task.cancel()
        if isIdle { return }
        await withCheckedContinuation { drained.append($0) }
    }

    // MARK: - What falls due

    /// Has happen what has fallen due by now; returns once that is durable.
    func passTime() async {
        if let due = ledger.nextDue, due <= now {
            _ = await submit([Submission(Command(account: nil, content: .passing))], isAtomic: false)
        }
        setAlarm()
    }

    /// Wakes the writer up when the next thing falls due. Whoever moves a clock that stands looks himself.
    private func setAlarm() {
        let due = clock.isSystem && !isStopping ? ledger.nextDue : nil
        if alarm?.at == due { return }
        alarm?.task.cancel()
        alarm = nil
        guard let due else { return }
        // What is overdue already, and could not happen, is tried again once a second.
        let rest = due.milliseconds - now.milliseconds
        let wait = rest > 0 ? rest : 1000
        let task = Task { [weak self] in
            guard (try? await Task.sleep(for: .milliseconds(wait))) != nil else { return }
            await self?.wakeUp()
        }
        alarm = (due, task)
    }

    private func wakeUp() async {
        alarm = nil
        await passTime()
    }

    // MARK: - The one after the other

    private var isIdle: Bool { !isBusy && waiting.isEmpty && prepared.isEmpty && replacements.isEmpty }

    private func advance() {
        if !needsRecovery { applyWaiting() }
        if !isBusy {
            if needsRecovery && !(waiting.isEmpty && replacements.isEmpty) {
                isBusy = true
                Task { await recover() }
            } else if !prepared.isEmpty {
                write()
                // The next group grows while this one is on its way to the disk.
                applyWaiting()
            } else if let replacement = replacements.first {
                isBusy = true
                Task { await carryOut(replacement) }
            }
        }
        if isStopping && isIdle {
            for continuation in drained { continuation.resume() }
            drained = []
        }
    }

    private func write() {
        let group = prepared
        prepared = CommandGroup()
        for part in group.parts { part.batch.share = 0 }
        if group.events.isEmpty {
            // Nothing to make durable, and all that its answers rest on is durable already.
            finish(group)
            return advance()
        }
        isBusy = true
        inFlight = group
        let change = group.change(in: ledger)
        let (events, reached) = (group.events, group.latest)
        Task {
            let start = ContinuousClock.now
            do throws(JournalError) {
                try await writing.run { [store, published, markets, feed, clock] () throws(JournalError) in
                    try store.append(events.map { $0.record })
                    clock.reach(reached)
                    published.publish(change)
                    markets.take(events.lazy.map(\.event))
                    feed.publish(events.lazy.map(\.event), sequence: change.sequence)
                }
                written(group: events.count, in: start.duration(to: .now))
            } catch {
                failed()
            }
        }
    }

    private func written(group size: Int, in duration: Duration) {
        isBusy = false
        if let group = inFlight {
            inFlight = nil
            for event in group.events {
                guard let id = event.commandID else { continue }
                pendingIDs[ExactText(id)] = nil
                commandIndex.insert(CommandIndexEntry(commandID: id, sequence: event.event.sequence))
            }
            finish(group)
        }
        let parts = duration.components
        statistics.update {
            $0.isWritable = true
            $0.appendedEvents += Int64(size)
            $0.groupSizes.add(Int64(size))
            $0.commitMicroseconds.add(parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000)
        }
        afterGroup(published.sequence)
        setAlarm()
        advance()
    }

    /// Answers the callers whose last command is in the group.
    private func finish(_ group: CommandGroup) {
        statistics.update {
            $0.appliedCommands += Int64(group.applied)
            $0.duplicateCommands += Int64(group.duplicates)
            $0.rejectedCommands += Int64(group.rejected)
        }
        for part in group.parts where part.isLast { part.batch.answer() }
    }

    // MARK: - Applying

    private func applyWaiting() {
        // What comes after the ledger was replaced is for the new one.
        if !replacements.isEmpty { return }
        var taken = 0
        /// Batches whose share of this group is used up, and those that go on behind all others.
        var held: [PendingBatch] = []
        var continued: [PendingBatch] = []
        while taken < waiting.count, room > 0 {
            let batch = waiting[taken]
            taken += 1
            let from = batch.next
            let end = batch.isAtomic ? batch.submissions.count : from + min(room, groupLimit - batch.share)
            if end <= from {
                held.append(batch)
                continue
            }
            let known = knownIDs(batch.submissions[from..<min(end, batch.submissions.count)])
            if batch.isAtomic {
                applyAtomically(batch, known: known)
            } else {
                apply(batch, upTo: min(end, batch.submissions.count), known: known)
            }
            batch.share += batch.next - from
            prepared.parts.append((batch, from, batch.isFinished))
            if !batch.isFinished { continued.append(batch) }
        }
        if taken > 0 { waiting = held + waiting[taken...] + continued }
    }

    private var room: Int { 2 * groupLimit - prepared.applied - prepared.duplicates - prepared.rejected }

    private func apply(_ batch: PendingBatch, upTo end: Int, known: KnownIDs) {
        while batch.next < end {
            let submission = batch.submissions[batch.next]
            batch.results.append(apply(submission, known: known, into: &prepared))
            batch.next += 1
        }
    }

    private func applyAtomically(_ batch: PendingBatch, known: KnownIDs) {
        var part = CommandGroup()
        let latestBefore = latest
        let undo = Undo(before: batch.submissions, in: ledger)
        for (index, submission) in batch.submissions.enumerated() {
            let result = apply(submission, known: known, into: &part)
            if case .rejected(let refusal) = result.status {
                batch.refusal = (index, refusal)
                break
            }
            batch.results.append(result)
        }
        batch.next = batch.submissions.count
        if batch.refusal == nil {
            prepared.take(part)
        } else {
            for event in part.events { if let id = event.commandID { pendingIDs[ExactText(id)] = nil } }
            latest = latestBefore
            undo.undo(in: &ledger)
            prepared.rejected += batch.submissions.count
        }
    }

    private func apply(
        _ submission: Submission, known: KnownIDs, into group: inout CommandGroup
    ) -> CommandResult {
        var events: [Event] = []
        let status = status(of: submission, known: known, into: &group, &events)
        return CommandResult(id: submission.id, status: status, events: events)
    }

    private func status(
        of submission: Submission, known: KnownIDs, into group: inout CommandGroup,
        _ tradeEvents: inout [Event]
    ) -> CommandResult.Status {
        do throws(Refusal) {
            let command = try submission.command(in: ledger, at: now)
            if let id = submission.id, let earlier = try known.use(of: id, pending: pendingIDs) {
                guard earlier.digest == submission.digest else { throw .reused(id: id) }
                group.duplicates += 1
                return .duplicate(sequence: earlier.sequence)
            }
            let outcome = try exchange.accept(command, in: &ledger, judges: judges, now: now)
            let own = outcome.events.indices.contains(outcome.own) ? outcome.events[outcome.own] : nil
            let sequence = own?.sequence ?? ledger.lastSequence
            for event in outcome.events { latest = max(latest, event.at) }
            if let id = submission.id { pendingIDs[ExactText(id)] = (sequence, submission.digest) }
            group.add(outcome, commandID: submission.id, digest: submission.digest)
            group.applied += 1
            // Only a venue's client is told at once what its order came to.
            if case .trade = command.content { tradeEvents = outcome.events }
            return .applied(sequence: sequence)
        } catch {
            group.rejected += 1
            return .rejected(error)
        }
    }

    /// What the clock will show once all that came before is durable: one that stands goes with the events.
    private var now: LedgerTime { clock.isSystem ? clock.now() : max(clock.now(), latest) }

    /// Looks up in the store, at once, all ids of some commands that may have been used before.
    private func knownIDs(_ submissions: ArraySlice<Submission>) -> KnownIDs {
        var candidates: [Int64] = []
        for submission in submissions {
            guard let id = submission.id else { continue }
            candidates += commandIndex.candidates(for: id)
        }
        return KnownIDs(candidates: candidates, in: store, index: commandIndex)
    }

    // MARK: - When a group cannot be written

    private func failed() {
        statistics.update {
            $0.failedGroups += 1
            $0.isWritable = false
        }
        undoUnwritten()
        needsRecovery = true
        Task { await recover() }
        probe()
    }

    /// Tries a small write every second until one succeeds, so that readiness comes back without a command:
    /// one may never come to a server that says it is not ready.
    private func probe() {
        if isProbing { return }
        isProbing = true
        Task { [weak self, writing, store, statistics] in
            while await self?.isStopping == false, !statistics.current.isWritable {
                try? await Task.sleep(for: .seconds(1))
                let isWritten = try? await writing.run { () throws(JournalError) in
                    try store.set([], for: .writeProbe)
                    return true
                }
                if isWritten == true { statistics.update { $0.isWritable = true } }
            }
            await self?.endProbing()
        }
    }

    private func endProbing() { isProbing = false }

    /// Takes back all that is not durable, and refuses it.
    private func undoUnwritten() {
        let groups = [inFlight, prepared].compactMap { $0 }
        inFlight = nil
        prepared = CommandGroup()
        latest = LedgerTime(milliseconds: .min)
        var ids: Set<ExactText> = []
        var venues: Set<VenueName> = []
        for group in groups {
            ids.formUnion(group.touchedAccounts.lazy.map { ExactText($0) })
            venues.formUnion(group.touchedVenues)
        }
        for id in ids.lazy.map(\.text) {
            if let account = published.account(id) {
                ledger.restore(account)
            } else {
                ledger.remove(account: id)
            }
        }
        for venue in venues { ledger.restore(prices: published.prices(of: venue), of: venue) }
        ledger.rollBack(to: published.sequence)
        pendingIDs = [:]
        for (batch, from, _) in groups.flatMap(\.parts) {
            // A batch in several parts is answered by its first one; the others find it answered.
            waiting.removeAll { $0 === batch }
            batch.next = batch.submissions.count
            batch.refuse(from: from, .storeUnavailable)
        }
    }

    /// Finds out what the store holds after a failed write: a commit may have come through although it was
    /// reported as failed. What it holds beyond the ledger is taken over.
    private func recover() async {
        do throws(JournalError) {
            let after = published.sequence
            let records = try await writing.run { [store] () throws(JournalError) in
                try store.events(after: after, limit: .max)
            }
            try takeOver(records)
            needsRecovery = false
        } catch {
            for batch in waiting { batch.refuse(from: batch.next, .storeUnavailable) }
            waiting = []
            for replacement in replacements { replacement.continuation.resume(returning: .failure(error)) }
            replacements = []
        }
        isBusy = false
        advance()
    }

    private func takeOver(_ records: [EventRecord]) throws(JournalError) {
        if records.isEmpty { return }
        var group = CommandGroup()
        var events: [Event] = []
        for record in records {
            let event = try Replay.event(of: record, instruments: ledger.instrumentTable)
            do throws(Refusal) {
                try ledger.apply(event)
            } catch {
                throw Replay.misfit(record, error)
            }
            group.note(event)
            events.append(event)
            if let id = record.commandID {
                commandIndex.insert(CommandIndexEntry(commandID: id, sequence: record.sequence))
            }
        }
        let change = group.change(in: ledger)
        clock.reach(group.latest)
        published.publish(change)
        markets.take(events)
        feed.publish(events, sequence: change.sequence)
    }

    // MARK: - Another ledger

    private struct Replacement {
        let work: @Sendable () async throws(JournalError) -> (ledger: LedgerState, commands: CommandIndex)
        let continuation: CheckedContinuation<Result<Void, JournalError>, Never>
    }

    /// Has another ledger in place of the one that is, once all commands that came before are durable; those
    /// that come after are for the new one. `work` puts it there in the store, and for all who read.
    func replace(
        by work:
            @escaping @Sendable () async throws(JournalError) -> (
                ledger: LedgerState, commands: CommandIndex
            )
    ) async throws(JournalError) {
        if isStopping { throw JournalError(.unavailable, "The server is stopping.") }
        let outcome = await withCheckedContinuation { continuation in
            replacements.append(Replacement(work: work, continuation: continuation))
            advance()
        }
        try outcome.get()
    }

    private func carryOut(_ replacement: Replacement) async {
        do throws(JournalError) {
            (ledger, commandIndex) = try await replacement.work()
            pendingIDs = [:]
            latest = LedgerTime(milliseconds: .min)
            replacement.continuation.resume(returning: .success(()))
        } catch {
            replacement.continuation.resume(returning: .failure(error))
        }
        // Until here it kept commands back: they are for the ledger that is there now.
        replacements.removeFirst()
        isBusy = false
        setAlarm()
        advance()
    }
}
