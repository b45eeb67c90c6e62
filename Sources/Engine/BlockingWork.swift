import Dispatch
import Journal

/// Where calls that block run. The program takes dispatch queues; a simulation gives a schedule of its own,
/// so that every order of things can be tried and repeated.
public struct WorkQueues: Sendable {
    /// Takes a piece of work to be done later, on a thread that may block.
    public typealias Queue = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

    let make: @Sendable (_ label: String, _ isConcurrent: Bool) -> Queue

    /// `make` gives a queue for a label; one that is not concurrent does one piece of work after the other,
    /// in their order.
    public init(_ make: @escaping @Sendable (_ label: String, _ isConcurrent: Bool) -> Queue) {
        self.make = make
    }

    /// Dispatch queues, on threads of their own.
    public static let dispatch = WorkQueues { label, isConcurrent in
        let queue = DispatchQueue(label: "marginalia.\(label)", attributes: isConcurrent ? .concurrent : [])
        return { work in queue.async(execute: work) }
    }
}

/// Threads for calls that block, so that those of Swift's tasks never do.
struct BlockingWork: Sendable {
    private let queue: WorkQueues.Queue

    /// With `concurrent` off, calls run one after the other in their order.
    init(_ label: String, concurrent: Bool, on queues: WorkQueues = .dispatch) {
        queue = queues.make(label, concurrent)
    }

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
