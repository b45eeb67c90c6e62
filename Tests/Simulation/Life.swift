import Engine
import JSON
import Journal
import Ledger
import Numbers
import Venue
import VenueTestSupport

/// One process with the store open: an engine, and everybody who talks to it at once.
final class Life: @unchecked Sendable {
    let world: World
    let store: SimulatedStore
    private var engine: LedgerEngine?
    private let clock: LedgerClock
    private(set) var isKilled = false
    /// Whether all that was begun is done.
    private(set) var isOver = false
    private var clients = 0
    /// Told of all events, as a stream is.
    private let listener = Listener()

    init(world: World, store: SimulatedStore) {
        self.world = world
        self.store = store
        clock = .standing(at: World.noon)
    }

    // MARK: - From start to end

    func start() {
        Task {
            guard let engine = await open() else {
                isOver = true
                return
            }
            meet(engine)
            let clients = Clients(life: self, engine: engine)
            await clients.run()
            await engine.stop()
            isOver = true
        }
    }

    func kill() {
        isKilled = true
        store.cutOff()
        // Its memory goes too: what is left ends as soon as it can.
        let engine = engine
        Task { await engine?.stop() }
    }

    private func open() async -> LedgerEngine? {
        var options = EngineOptions()
        options.upkeepInterval = 5 + world.chance.below(200)
        options.groupLimit = 1 + world.chance.below(40)
        options.queues = Scheduler.shared.queues
        do {
            let engine = try await LedgerEngine.open(
                store: store, venues: [TestVenue()], clock: clock, enforcesRateLimits: false, options: options
            )
            self.engine = engine
            return engine
        } catch {
            if store.faults == 0 && !isKilled { world.find("the store does not open: \(error.message)") }
            return nil
        }
    }

    /// What a start must show: everything that anybody was ever told of.
    private func meet(_ engine: LedgerEngine) {
        if isKilled { return }
        listener.sequence = engine.statistics.sequence
        listener.world = world
        engine.feed.follow(listener, FeedInterest(everything: true))
        compareAll(engine)
    }

    private func compareAll(_ engine: LedgerEngine) {
        let sequence = engine.statistics.sequence
        if sequence != world.truth.last { world.find("it starts at \(sequence), not \(world.truth.last)") }
        if sequence < world.seen { world.find("it starts at \(sequence); \(world.seen) had been read") }
        for (id, sequence) in world.acknowledged where world.truth.sequences[id] != sequence {
            world.find("\(id) was acknowledged as \(sequence) and is lost")
        }
        if engine.clock.now() < world.now { world.find("the clock is back at \(engine.clock.now())") }
        if Set(engine.accountIDs) != Set(world.truth.accounts.keys) { world.find("other accounts") }
        for account in engine.accountIDs { compare(engine.account(account), named: account) }
        for (key, isThere) in world.keys {
            guard let isThere else { continue }
            let has = engine.keys(of: String(key.dropFirst("key-of-".count))).contains { $0.apiKey == key }
            if has != isThere { world.find("the key \(key) is \(has ? "back" : "lost")") }
        }
    }

    /// Compares an account with what its events come to.
    func compare(_ account: Account?, named name: String) {
        guard let account, let balance = world.truth.balance(of: name, after: account.lastSequence) else {
            return world.find("there is no account \(name)")
        }
        if !account.matches(balance) {
            world.find(
                "\(name) has \(account.cash("USD")) USD and \(account.cash("BTC")) BTC after"
                    + " \(account.lastSequence); it must have \(balance)")
        }
    }

    // MARK: - Looking at what is there

    /// Verifies the journal, opens it and compares everything, by way of the snapshots and without them.
    func check() {
        Task {
            do {
                let report = try await verifyJournal(store, on: Scheduler.shared.queues)
                for problem in report.problems { world.find("verify: \(problem)") }
                world.figures.verifications += 1
                for withoutSnapshots in [false, true] {
                    if withoutSnapshots { try store.discardSnapshots() }
                    guard let engine = await open() else { break }
                    compareAll(engine)
                    await resend(to: engine)
                    await engine.stop()
                }
            } catch {
                world.find("the store does not open: \(error)")
            }
            isOver = true
        }
    }

    /// Everything that was acknowledged is a duplicate of itself.
    private func resend(to engine: LedgerEngine) async {
        let ids = world.acknowledged.keys.sorted()
        guard let list = try? ids.map({ try submission($0) }), !ids.isEmpty else { return }
        guard case .results(let results) = await engine.submit(list) else {
            return world.find("a list was refused")
        }
        for (id, result) in zip(ids, results) {
            if case .duplicate(let sequence) = result.status, sequence == world.acknowledged[id] { continue }
            world.find("\(id) was acknowledged as \(world.acknowledged[id] ?? 0); now it is \(result.status)")
        }
    }

    func submission(_ id: String) throws -> Submission {
        let text = world.truth.deeds[id]?.text(id: id) ?? "{}"
        return Submission(decoding: try JSONValue(parsing: text))
    }

    /// Moves the ledger's clock; what is acknowledged must never be gone again.
    func moveClock(by milliseconds: Int64) async {
        guard let engine, let time = try? await engine.moveClock(.by(milliseconds)), !isKilled else { return }
        world.now = max(world.now, time)
    }
}

/// Follows everything: no event is missing, told twice, or told before it is durable.
private final class Listener: LedgerListener, @unchecked Sendable {
    var sequence: Int64 = 0
    weak var world: World?

    func ledgerChanged(_ change: FeedChange) {
        guard let world else { return }
        for event in change.events {
            if event.sequence != sequence + 1 {
                world.find("event \(event.sequence) was told after \(sequence)")
            }
            sequence = event.sequence
        }
        if sequence > world.truth.last { world.find("event \(sequence) was told before it was durable") }
        if change.sequence != sequence { world.find("told up to \(sequence) of \(change.sequence)") }
    }
}
