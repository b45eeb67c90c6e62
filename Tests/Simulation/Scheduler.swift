// How Swift runs tasks can be replaced, though not by a stable interface yet: these two are what 6.3 has.
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency
import Engine
import Numbers

/// Random choices that a seed repeats: SplitMix64.
typealias Chance = SplitMix64

extension SplitMix64 {
    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    /// True once in so many times.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }
}

/// Runs every task and every call of the store on one thread, one step at a time, in an order that a seed
/// decides; waiting takes no time. So whatever order of things the engine's tasks and threads could come to,
/// some seed has it, and has it again.
final class Scheduler: TaskExecutor, SchedulingExecutor, @unchecked Sendable {
    static let shared = Scheduler()

    private enum Step {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
        /// The next piece of work of a queue that does one after the other.
        case head(SerialQueue)
    }

    private final class SerialQueue: @unchecked Sendable {
        var waiting: [@Sendable () -> Void] = []
    }

    private var ready: [Step] = []
    private var sleeping: [(until: Int64, job: UnownedJob)] = []
    private var chance = Chance(seed: 0)
    /// How many steps there have been.
    private(set) var steps = 0
    /// Milliseconds of a time that passes only where nothing else happens, or by chance.
    private(set) var time: Int64 = 0
    /// Tells one order of steps from another: the same seed gives the same.
    private(set) var digest: UInt64 = 0

    func seed(_ seed: UInt64) {
        chance = Chance(seed: seed)
        digest = seed
    }

    // MARK: - What comes in

    func enqueue(_ job: consuming ExecutorJob) { ready.append(.job(UnownedJob(job))) }

    func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
        // A little has passed since the wait was begun, and not the same every time: rounded up.
        let milliseconds = Int64((delay as? Duration ?? .zero) / .milliseconds(1)) + 1
        let unit: Int64 = milliseconds < 100 ? 5 : 200
        sleeping.append((time + (milliseconds + unit - 1) / unit * unit, UnownedJob(job)))
    }

    /// Queues for the engine's calls of its store.
    var queues: WorkQueues {
        WorkQueues { [unowned self] _, isConcurrent in
            if isConcurrent { return { work in self.ready.append(.work(work)) } }
            let queue = SerialQueue()
            return { work in
                queue.waiting.append(work)
                if queue.waiting.count == 1 { self.ready.append(.head(queue)) }
            }
        }
    }

    // MARK: - What goes on

    /// One step; false where there is nothing left to do.
    func step() -> Bool {
        if ready.isEmpty || (!sleeping.isEmpty && chance.once(in: 200)) {
            guard let next = sleeping.indices.min(by: { sleeping[$0].until < sleeping[$1].until }) else {
                return false
            }
            let sleeper = sleeping.remove(at: next)
            time = max(time, sleeper.until)
            ready.append(.job(sleeper.job))
        }
        steps += 1
        let place = chance.below(ready.count)
        digest = (digest ^ UInt64(place) ^ UInt64(ready.count) << 20) &* 0x9E37_79B9_7F4A_7C15
        ready.swapAt(place, ready.count - 1)
        switch ready.removeLast() {
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        case .work(let work): work()
        case .head(let queue):
            queue.waiting[0]()
            queue.waiting.removeFirst()
            if !queue.waiting.isEmpty { ready.append(.head(queue)) }
        }
        return true
    }

    /// Goes on until nothing is left to do, or `isEnough` says so; false where steps ran out first.
    func run(atMost limit: Int = .max, until isEnough: () -> Bool = { false }) -> Bool {
        var left = limit
        while !isEnough() {
            if left == 0 { return false }
            if !step() { return true }
            left -= 1
        }
        return true
    }
}

/// Has all tasks of the program run by the scheduler.
struct SimulatedExecutors: ExecutorFactory {
    static var mainExecutor: any MainExecutor { PlatformExecutorFactory.mainExecutor }
    static var defaultExecutor: any TaskExecutor { Scheduler.shared }

    static func install() { _createExecutors(factory: Self.self) }
}
