import Engine
import Journal
import Ledger
import Logging
import Venue

/// Opens the engine on a store, and says in one sentence why it cannot be opened.
enum EngineOpening {
    /// The engine for these options. Where nobody said what the ledger's clock shall be, a scenario's time
    /// makes it stand. A ledger that has a clock of its own keeps it, and the log says so.
    static func open(
        _ options: ServeOptions, scenarios: [Scenario], venues: [any VenueServer], logger: Logger
    ) async throws(ProgramError) -> LedgerEngine {
        var time = options.ledgerTime
        if time == nil, !options.isLedgerTimeGiven { time = scenarios.compactMap(\.ledgerTime).max() }
        let wanted = time.map(ClockSetting.standing) ?? .system
        let report: @Sendable (String) -> Void = { logger.warning("\($0)") }
        var opening = JournalOptions()
        opening.acceptsShorterLedger = options.acceptsShorterLedger
        opening.report = report
        var working = EngineOptions()
        working.execution = options.execution
        working.report = report
        working.sealPassphrase = try options.sealKeys?.passphrase()
        let engine: LedgerEngine
        do throws(JournalError) {
            let store = try openJournal(options.store.location, options: opening)
            engine = try await LedgerEngine.open(
                store: store, venues: venues, clock: LedgerClock(wanted),
                isClockGiven: options.isLedgerTimeGiven || time != nil,
                enforcesRateLimits: options.enforcesRateLimits, options: working)
        } catch {
            throw ProgramError(error)
        }
        if options.isLedgerTimeGiven, engine.clock.setting != wanted {
            logger.notice(
                "the ledger keeps the clock that it has; --ledger-time is for a new one and is left out",
                metadata: ["clock": "\(engine.clock.setting.text)", "ledger-time": "\(wanted.text)"])
        }
        return engine
    }
}

extension ClockSetting {
    /// As `--ledger-time` spells it.
    fileprivate var text: String {
        switch self {
        case .system: "system"
        case .standing(let time): time.iso8601
        }
    }
}

extension ProgramError {
    /// A journal's trouble as an end of the program.
    public init(_ error: JournalError) {
        let status: ExitStatus =
            switch error.kind {
            case .badLocation: .usage
            case .damaged: .badData
            case .sealed: .notPermitted
            default: .unavailable
            }
        self.init(status, error.message)
    }
}

extension StoreAddress {
    /// The store as the journal names it.
    var location: String {
        switch self {
        case .memory: "memory:"
        case .sqlite(let path): "sqlite:\(path)"
        }
    }
}
