import Journal
import Ledger

extension LedgerEngine {
    /// Moves the ledger's clock, or has it go another way; it is durable when this returns. Gives what it
    /// shows then. Throws where the move is not allowed or the store cannot be written; nothing has changed
    /// then.
    @discardableResult
    public func moveClock(_ move: ClockMove) async throws(Refusal) -> LedgerTime {
        let outcome: Result<LedgerTime, Refusal>
        do throws(JournalError) {
            // One after the other with the groups of events, which move the clock too.
            outcome = try await writing.run { [store, clock] () throws(JournalError) in
                let setting: ClockSetting
                do throws(Refusal) { setting = try clock.setting(after: move) } catch {
                    return .failure(error)
                }
                try store.set(setting.stored, for: .clock)
                clock.put(setting)
                return .success(clock.now())
            }
        } catch {
            throw .storeUnavailable
        }
        let shown = try outcome.get()
        // What falls due on the way happens before anybody is told that the clock has moved.
        await writer.passTime()
        return shown
    }

    /// Puts the clock to where the ledger's own stands; keeps what is asked for where the ledger has none.
    ///
    /// `isGiven` tells whether somebody asked for the clock to go the way it does. A ledger has a clock of
    /// its own from its first event on, or as soon as its clock stands. One that was written before clocks
    /// were kept has none: it takes the first that somebody asks for.
    static func wind(
        _ clock: LedgerClock, isGiven: Bool, ledger: LedgerState, in store: any JournalStore
    ) throws(JournalError) {
        let stored = try store.value(.clock).map { ClockSetting(stored: $0) }
        if stored == .some(.none) {
            throw JournalError(
                .damaged, "The store's record of the ledger's clock is damaged; restore a backup.")
        }
        let isNew = ledger.lastSequence == 0
        switch stored ?? nil {
        case .standing(let time)?: clock.put(.standing(time))
        case .system? where !isNew: clock.put(.system)
        case .system?, nil:
            if isNew || isGiven { try store.set(clock.setting.stored, for: .clock) }
        }
        if let latest = ledger.latestTime { clock.reach(latest) }
    }
}
