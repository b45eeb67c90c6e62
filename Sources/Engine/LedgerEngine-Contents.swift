import Journal
import Ledger
import Venue

/// The whole state of a ledger at one moment, to come back to: events, keys and clock.
public struct LedgerCheckpoint: Sendable {
    let contents: StoreContents
    /// The last event that it has.
    public let sequence: Int64
    /// How many accounts it has.
    public let accounts: Int
    /// What the ledger's clock showed.
    public let now: LedgerTime
    /// How many bytes it takes.
    public var size: Int { contents.size }
}

extension LedgerEngine {
    /// The ledger as it is now, with all that was acknowledged. Throws where the store cannot be copied.
    public func checkpoint() async throws(Refusal) -> LedgerCheckpoint {
        do throws(JournalError) {
            // One after the other with the groups of events: between two of them, all fits together.
            return try await writing.run { [store, published, clock] () throws(JournalError) in
                // The clock may have gone on with events, which is noted with its next move only.
                if !clock.isSystem { try store.set(clock.setting.stored, for: .clock) }
                return LedgerCheckpoint(
                    contents: try store.contents(), sequence: published.sequence,
                    accounts: published.accountCount, now: clock.now())
            }
        } catch {
            throw .storeUnavailable
        }
    }

    /// Brings back a ledger as it was, keys and clock too. Commands that came before are in the ledger that
    /// goes; connections that follow accounts end. Throws where the store cannot be written; nothing has
    /// changed then.
    public func restore(_ checkpoint: LedgerCheckpoint) async throws(Refusal) {
        try await replaceLedger(with: checkpoint.contents)
    }

    /// Has a ledger without accounts, events and keys, whose clock is where that of a new one begins.
    public func reset() async throws(Refusal) { try await replaceLedger(with: nil) }

    private func replaceLedger(with contents: StoreContents?) async throws(Refusal) {
        do throws(JournalError) {
            try await upkeep.pausing { () throws(JournalError) in
                try await writer.replace { [self] () throws(JournalError) in
                    try await writing.run { [store, published] () throws(JournalError) in
                        published.beginReplacement()
                        do throws(JournalError) { try store.replaceContents(with: contents) } catch {
                            published.cancelReplacement()
                            throw error
                        }
                    }
                    return try await readAgain()
                }
                return (statistics.snapshotSequence, statistics.indexedSequence)
            }
        } catch {
            options.report("the ledger could not be replaced: \(error.message)")
            throw .storeUnavailable
        }
    }

    /// Takes over what is in the store now, as at a start.
    private func readAgain() async throws(JournalError) -> (ledger: LedgerState, commands: CommandIndex) {
        let (ledger, snapshotSequence, replayed) = try await Replay.load(
            store, by: writing, report: options.report)
        let start = try await writing.run { [self] () throws(JournalError) in
            clock.restart(firstClock)
            try Self.wind(clock, isGiven: false, ledger: ledger, in: store)
            return try StoredStart(store, passphrase: options.sealPassphrase, report: options.report)
        }
        // What is read of the old ledger from here on is kept by neither.
        milestones.forget(for: published.nextGeneration)
        tradingHistories.forget(for: published.nextGeneration)
        published.replace(with: ledger, venues: venues.values.map(\.name))
        keyRing.replace(with: start.keys)
        markets.forget(end: ledger.lastSequence)
        limiter.forget()
        keeper.update {
            $0.snapshotSequence = snapshotSequence
            $0.indexedSequence = start.indexedSequence
            $0.replayedEvents = replayed
        }
        feed.publishReplacement()
        return (ledger, CommandIndex(start.entries))
    }
}
