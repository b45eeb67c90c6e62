import JSON
import Ledger
import Synchronization

/// Work that takes long, such as reading an account's past or going through every account: on threads of its
/// own, in turns, and never more than so much at a time.
///
/// A piece of work asks for a turn and runs within it. It goes on in slices: between two of them it lets
/// others on (`giveWay`), and whoever has waited longest comes first, sender by sender, so that neither a
/// short read nor another sender waits for all of a long one.
public final class SlowWork: Sendable {
    /// How much may be under way or wait.
    public struct Limits: Sendable {
        /// How much of it all senders together may have under way or waiting.
        public var all = 64
        /// How much of it one sender may have under way or waiting.
        public var ofOneSender = 32

        /// Limits that suit a server.
        public init() {}
    }

    private struct State {
        var waiting: [ExactText: Line<(job: UnownedJob, turn: Turn)>] = [:]
        /// Senders with waiting slices, in the order of their turns.
        var order = Line<ExactText>()
        var admitted: [ExactText: Int] = [:]
        var count = 0
        var refused: Int64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limits: Limits
    private let queue: WorkQueues.Queue

    init(limits: Limits, on queues: WorkQueues) {
        self.limits = limits
        queue = queues.make("slow work", true)
    }

    /// Work under way and waiting.
    var count: Int { state.withLock { $0.count } }

    /// Work that was refused because too much waited.
    var refused: Int64 { state.withLock { $0.refused } }

    /// A turn for one piece of work. Throws `busy` where as much waits as may.
    func turn(of sender: String) throws(Refusal) -> Turn {
        if let current = Turn.current, current.work === self { return current }
        let sender = ExactText(sender)
        let refusal = state.withLock { state -> Refusal? in
            if state.isClosed { return .stopping }
            let own = state.admitted[sender, default: 0]
            guard state.count < limits.all, own < limits.ofOneSender else {
                state.refused += 1
                return .busy
            }
            state.admitted[sender] = own + 1
            state.count += 1
            return nil
        }
        if let refusal { throw refusal }
        return Turn(sender, of: self, isCounted: true)
    }

    /// A turn for work of the server's own, of which there is only so much: it waits like all else, and is
    /// never refused.
    func ownTurn(of sender: String) -> Turn { Turn(ExactText(sender), of: self, isCounted: false) }

    fileprivate func leave(_ sender: ExactText) {
        state.withLock { state in
            state.count -= 1
            let own = state.admitted[sender, default: 1] - 1
            state.admitted[sender] = own == 0 ? nil : own
        }
    }

    fileprivate func add(_ job: UnownedJob, of turn: Turn) {
        state.withLock { state in
            if state.waiting[turn.sender] == nil { state.order.append(turn.sender) }
            state.waiting[turn.sender, default: Line()].append((job, turn))
        }
        queue { self.runNext() }
    }

    /// Runs the next slice: the first of the sender whose turn it is.
    private func runNext() {
        let next = state.withLock { state -> (job: UnownedJob, turn: Turn)? in
            guard let sender = state.order.popFirst(), let next = state.waiting[sender]?.popFirst() else {
                return nil
            }
            if state.waiting[sender]?.isEmpty == false {
                state.order.append(sender)
            } else {
                state.waiting[sender] = nil
            }
            return next
        }
        if let next { next.job.runSynchronously(on: next.turn.asUnownedTaskExecutor()) }
    }

    /// Takes no more work, and returns when all that was under way has ended at its next slice.
    func close() async {
        state.withLock { $0.isClosed = true }
        while count > 0 { try? await Task.sleep(for: .milliseconds(2)) }
    }

    /// Lets others on between two slices of slow work. Throws where nobody waits for the result any more.
    public static func giveWay() async throws(Refusal) {
        await Task.yield()
        if Task.isCancelled || Caller.current?.isGone == true { throw .abandoned }
        if Turn.current?.work.state.withLock({ $0.isClosed }) == true { throw .stopping }
    }
}

/// One piece of slow work that may run: all that `run` runs does so on the threads for slow work.
public final class Turn: TaskExecutor {
    @TaskLocal fileprivate static var current: Turn?

    fileprivate let sender: ExactText
    fileprivate let work: SlowWork
    private let isCounted: Bool

    fileprivate init(_ sender: ExactText, of work: SlowWork, isCounted: Bool) {
        self.sender = sender
        self.work = work
        self.isCounted = isCounted
    }

    deinit { if isCounted { work.leave(sender) } }

    /// Takes the next slice of the work into the line of its sender.
    public func enqueue(_ job: consuming ExecutorJob) { work.add(UnownedJob(job), of: self) }

    /// Runs slow work. Within it, further turns are this one.
    public func run<Value: Sendable, Failure: Error>(
        _ body: @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await Self.$current.withValue(self) {
            await withTaskExecutorPreference(self) {
                do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
            }
        }
        return try result.get()
    }
}

/// Who waits for what is being done.
///
/// A class, as what is kept task-local here must be: Swift 6.3.1 with optimization loses the type of a
/// closure kept so, and the program ends with a bad pointer.
public final class Caller: Sendable {
    /// The one who waits, where that can be told.
    @TaskLocal public static var current: Caller?

    private let hasGone: Atomic<Bool>

    /// A caller who waits, or has gone already.
    public init(hasGone: Bool = false) { self.hasGone = Atomic(hasGone) }

    /// Whether nobody waits any more; asked between two slices of slow work.
    public var isGone: Bool { hasGone.load(ordering: .relaxed) }

    /// Nobody waits from now on.
    public func leave() { hasGone.store(true, ordering: .relaxed) }
}

extension Refusal {
    /// Too much slow work waits already.
    static let busy = Refusal(
        .busy, "As many slow reads are under way and waiting as may be; try again in a second.")

    /// Nobody waits for the answer any more.
    static let abandoned = Refusal(.busy, "The caller has closed its side before the answer was ready.")
}
