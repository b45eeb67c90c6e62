import Journal

/// Where calls that block run, and work that takes long. The program takes threads of its own; a simulation
/// gives a schedule, so that every order of things can be tried and repeated.
public struct WorkQueues: Sendable {
    /// Takes a piece of work to be done later, on a thread that may block.
    public typealias Queue = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

    let make: @Sendable (_ label: String, _ isConcurrent: Bool) -> Queue

    /// `make` gives a queue for a label; one that is not concurrent does one piece of work after the other,
    /// in their order.
    public init(_ make: @escaping @Sendable (_ label: String, _ isConcurrent: Bool) -> Queue) {
        self.make = make
    }

    /// Threads of the process's own: one where order matters, and for slow work fewer than there are
    /// processors, which stand behind all else.
    public static let threads = WorkQueues { _, isConcurrent in
        let threads = WorkThreads(count: isConcurrent ? WorkThreads.slowCount : 1, isSlow: isConcurrent)
        return { work in threads.add(work) }
    }
}

/// Threads for calls that block, so that those of Swift's tasks never do.
struct BlockingWork: Sendable {
    private let queue: WorkQueues.Queue

    /// Calls run one after the other, in their order.
    init(_ label: String, on queues: WorkQueues) { queue = queues.make(label, false) }

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(JournalError) -> Value
    ) async throws(JournalError) -> Value {
        let result: Result<Value, JournalError> = await withCheckedContinuation { continuation in
            queue {
                do throws(JournalError) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

/// Runs an actor on a queue of its own, so that nothing it does keeps Swift's tasks waiting.
final class LedgerThread: SerialExecutor {
    private let queue: WorkQueues.Queue

    init(_ queue: @escaping WorkQueues.Queue) { self.queue = queue }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
