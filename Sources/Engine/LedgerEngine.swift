import Exchange
import Journal
import Ledger
import Venue

/// How the engine works; the defaults suit a server.
public struct EngineOptions: Sendable {
    /// Events after which snapshots are written and indexes brought up.
    public var upkeepInterval = 50_000
    /// The most commands of one list that share one transaction, unless the list is all-or-none; of all lists
    /// it takes twice as many.
    public var groupLimit = 2_000
    /// How much slow work may be under way or wait.
    public var slowWork = SlowWork.Limits()
    /// Where calls of the store run.
    public var queues = WorkQueues.threads
    /// When orders of venues' clients are filled.
    public var execution = Exchange.Execution.touch
    /// Told in a sentence what was found to be damaged and is made again.
    public var report: @Sendable (String) -> Void = { _ in }
    /// What the secrets in the store are sealed with; nil where they are not.
    public var sealPassphrase: [UInt8]?

    /// Options that suit a server.
    public init() {}
}

/// The running ledger: one writer, any number of readers, and everything in the journal.
///
/// Reads answer from what was last made durable and never wait for a disk write.
public final class LedgerEngine: Sendable {
    /// The clock that dates commands and figures.
    public let clock: LedgerClock
    /// The venues that it keeps accounts of, by their names.
    public let venues: [VenueName: any VenueServer]
    /// Shared counters for the venues' rate limits.
    public let limiter: RateLimiter
    /// Tells of every durable change.
    public let feed = LedgerFeed()

    let store: any JournalStore
    let published: PublishedLedger
    let keyRing: KeyRing
    /// Seals the secrets of new keys; nil where the store is not sealed.
    let keySeal: KeySeal?
    /// One call after the other, for all that writes.
    let writing: BlockingWork
    /// For reads that go to the store, and all else that takes long.
    let slow: SlowWork
    /// Past states of accounts, to go on from.
    let milestones = Milestones()
    let tradingHistories = TradingHistories()
    let markets: MarketHistories
    let writer: LedgerWriter
    let upkeep: Upkeep
    let keeper: StatisticsKeeper
    let options: EngineOptions
    /// How the clock of a new ledger goes.
    let firstClock: ClockSetting
    private let tokenSecrets: [VenueName: [UInt8]]

    /// Replays the journal and starts. Throws `JournalError` where the store cannot be read or does not make
    /// sense.
    ///
    /// `clock` is for a ledger that begins; one that has a clock of its own puts it to where that stands.
    public static func open(
        store: any JournalStore, venues: [any VenueServer], clock: LedgerClock = .system,
        isClockGiven: Bool = true, enforcesRateLimits: Bool = true, options: EngineOptions = EngineOptions()
    ) async throws(JournalError) -> LedgerEngine {
        let writing = BlockingWork("writing", on: options.queues)
        let firstClock = clock.setting
        let (ledger, snapshotSequence, replayed) = try await Replay.load(
            store, by: writing, report: options.report)
        let start = try await writing.run { [ledger] () throws(JournalError) in
            try wind(clock, isGiven: isClockGiven, ledger: ledger, in: store)
            return try StoredStart(store, passphrase: options.sealPassphrase, report: options.report)
        }
        let keeper = StatisticsKeeper()
        keeper.update {
            $0.snapshotSequence = snapshotSequence
            $0.indexedSequence = start.indexedSequence
            $0.replayedEvents = replayed
        }
        let engine = LedgerEngine(
            store: store, venues: venues, clock: clock, limiter: RateLimiter(isEnforced: enforcesRateLimits),
            ledger: ledger, start: start, writing: writing, keeper: keeper, options: options,
            firstClock: firstClock, snapshotSequence: snapshotSequence)
        // Long overdue upkeep, as after snapshots or indexes were thrown away, begins at once.
        engine.upkeep.consider(ledger.lastSequence)
        // What fell due while nobody ran the ledger happens now, at the time of now.
        await engine.writer.passTime()
        return engine
    }

    private init(
        store: any JournalStore, venues: [any VenueServer], clock: LedgerClock, limiter: RateLimiter,
        ledger: LedgerState, start: StoredStart, writing: BlockingWork,
        keeper: StatisticsKeeper, options: EngineOptions, firstClock: ClockSetting, snapshotSequence: Int64
    ) {
        self.store = store
        self.options = options
        self.firstClock = firstClock
        self.clock = clock
        self.limiter = limiter
        self.keeper = keeper
        self.writing = writing
        slow = SlowWork(limits: options.slowWork, on: options.queues)
        var models: [VenueName: any VenueServer] = [:]
        var judges: Judges = [:]
        var secrets: [VenueName: [UInt8]] = [:]
        let signer = RequestSigner(secret: start.secret)
        for model in venues {
            models[model.name] = model
            judges[model.name] = model
            secrets[model.name] = signer.sign(Array(model.name.rawValue.utf8))
        }
        self.venues = models
        tokenSecrets = secrets
        keyRing = KeyRing()
        keySeal = start.seal
        keyRing.replace(with: start.keys)
        let published = PublishedLedger(ledger, venues: venues.map { $0.name })
        markets = MarketHistories(of: venues, end: ledger.lastSequence)
        self.published = published
        let upkeep = Upkeep(
            store: store, writing: writing, slow: slow, published: published, statistics: keeper,
            interval: options.upkeepInterval, snapshotSequence: snapshotSequence,
            indexedSequence: start.indexedSequence)
        self.upkeep = upkeep
        writer = LedgerWriter(
            store: store, writing: writing, published: published, markets: markets, feed: feed,
            ledger: ledger,
            commandIndex: CommandIndex(start.entries), judges: judges,
            exchange: Exchange(execution: options.execution), clock: clock, statistics: keeper,
            groupLimit: max(1, options.groupLimit), queue: options.queues.make("ledger", false)
        ) { upkeep.consider($0) }
    }

    // MARK: - Commands

    /// Applies commands in their order; returns once what they came to is durable. With `atomic`, all of them
    /// or none.
    public func submit(_ submissions: [Submission], atomic: Bool = false) async -> SubmissionOutcome {
        await writer.submit(submissions, isAtomic: atomic)
    }

    /// Applies one command; returns the sequence of its event once it is durable.
    @discardableResult
    public func submit(_ command: Command) async throws(Refusal) -> Int64 {
        try await result(of: command).sequence
    }

    /// Applies an instruction of a venue's client; returns what it came to once that is durable.
    func trade(_ command: Command) async throws(Refusal) -> [Event] { try await result(of: command).events }

    /// Applies instructions of a venue's client, each by itself and in their order, and read when its turn
    /// comes.
    func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>] {
        let submissions = readings.map { Submission(account: account, reading: $0) }
        guard case .results(let results) = await submit(submissions) else {
            return readings.map { _ in .failure(.storeUnavailable) }
        }
        return results.map { result in
            switch result.status {
            case .applied, .duplicate: .success(result.events)
            case .rejected(let refusal): .failure(refusal)
            }
        }
    }

    private func result(of command: Command) async throws(Refusal) -> (sequence: Int64, events: [Event]) {
        guard case .results(let results) = await submit([Submission(command)]), let result = results.first
        else {
            throw .storeUnavailable
        }
        switch result.status {
        case .applied(let sequence), .duplicate(let sequence): return (sequence, result.events)
        case .rejected(let refusal): throw refusal
        }
    }

    // MARK: - What is

    /// An account as last made durable; nil if there is none.
    public func account(_ id: String) -> Account? { published.account(id) }

    /// Every account's id, in the order of opening.
    public var accountIDs: [String] { published.accountIDs }

    /// The sub-accounts of an account, in the order of opening.
    public func subaccounts(of id: String) -> [String] { published.subaccounts(of: id) }

    /// A venue's latest prices.
    public func prices(of venue: VenueName) -> VenuePrices { published.prices(of: venue) }

    /// What a venue's model may reach, as things are now.
    public func access(for venue: VenueName) -> any VenueAccess {
        LiveAccess(venue: venue, engine: self, tokenSecret: tokenSecrets[venue] ?? [])
    }

    /// A turn for work that takes long: within it, nobody else is kept waiting. Throws `busy` where too much
    /// waits already.
    public func turn(of sender: String) throws(Refusal) -> Turn { try slow.turn(of: sender) }

    /// A turn for the server's own work, which is never refused.
    public func ownTurn(of sender: String) -> Turn { slow.ownTurn(of: sender) }

    /// Figures for metrics and readiness.
    public var statistics: EngineStatistics {
        var statistics = keeper.current
        statistics.sequence = published.sequence
        statistics.accounts = published.accountCount
        statistics.slowWork = slow.count
        statistics.refusedSlowWork = slow.refused
        return statistics
    }

    /// Whether the last group of commands could be written.
    public var isWritable: Bool { keeper.current.isWritable }

    /// Takes no more commands, answers those under way, writes a snapshot and closes the store.
    public func stop() async {
        await writer.drain()
        await slow.close()
        // Without its snapshot the next start takes longer, and is right all the same.
        try? await upkeep.finish()
        try? await writing.run { [store] () throws(JournalError) in try store.close() }
    }
}

/// What the engine reads from the store at its start, beside the ledger.
struct StoredStart: Sendable {
    let entries: [CommandIndexEntry]
    /// With their secrets opened.
    let keys: [KeyRecord]
    /// What the venues' tokens are signed with.
    let secret: [UInt8]
    let seal: KeySeal?
    let indexedSequence: Int64

    init(
        _ store: any JournalStore, passphrase: [UInt8]?, report: @Sendable (String) -> Void
    ) throws(JournalError) {
        entries = try store.commandEntries()
        let seal = try KeySeal.open(store, passphrase: passphrase, report: report)
        var keys = try store.keys()
        if let seal { for place in keys.indices { keys[place] = try seal.opened(keys[place]) } }
        self.keys = keys
        self.seal = seal
        secret = try Self.tokenSecret(of: store, seal)
        indexedSequence = try store.indexedSequence()
    }

    private static func tokenSecret(
        of store: any JournalStore, _ seal: KeySeal?
    ) throws(JournalError) -> [UInt8] {
        if var secret = try store.value(.tokenSecret) {
            if let seal { secret = try seal.opened(secret, .tokenSecret) }
            if secret.count >= 32 { return secret }
        }
        let secret = randomBytes(32)
        try store.set(try seal?.sealed(secret, .tokenSecret) ?? secret, for: .tokenSecret)
        return secret
    }
}

/// Bytes that nobody can guess.
func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
