import Dispatch
import Journal

/// Threads for calls that block, so that those of Swift's tasks never do.
struct BlockingWork: Sendable {
    private let queue: DispatchQueue

    /// With `concurrent` off, calls run one after the other in their order.
    init(_ label: String, concurrent: Bool) {
        queue = DispatchQueue(label: "marginalia.\(label)", attributes: concurrent ? .concurrent : [])
    }

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(JournalError) -> Value
    ) async throws(JournalError) -> Value {
        let result: Result<Value, JournalError> = await withCheckedContinuation { continuation in
            queue.async {
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
