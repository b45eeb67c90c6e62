import Engine
import Journal
import Ledger
import Logging
import Venue

/// Opens the engine on a store, and says in one sentence why it cannot be opened.
enum EngineOpening {
    /// The engine for these options. Where nobody said what the ledger's clock shall be, a scenario's time
    /// makes it stand.
    static func open(
        _ options: ServeOptions, scenarios: [Scenario], venues: [any VenueModel], logger: Logger
    ) async throws(ProgramError) -> LedgerEngine {
        var time = options.ledgerTime
        if time == nil, !options.isLedgerTimeGiven { time = scenarios.compactMap(\.ledgerTime).max() }
        let report: @Sendable (String) -> Void = { logger.warning("\($0)") }
        var opening = JournalOptions()
        opening.acceptsShorterLedger = options.acceptsShorterLedger
        opening.report = report
        var working = EngineOptions()
        working.execution = options.execution
        working.report = report
        working.sealPassphrase = try options.sealKeys?.passphrase()
        do throws(JournalError) {
            let store = try openJournal(options.store.location, options: opening)
            return try await LedgerEngine.open(
                store: store, venues: venues, clock: time.map(LedgerClock.standing(at:)) ?? .system,
                enforcesRateLimits: options.enforcesRateLimits, options: working)
        } catch {
            throw ProgramError(error)
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
