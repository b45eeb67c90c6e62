import Foundation
import Venue

/// The time of day and waiting; set by hand in tests.
public struct Clock: Sendable {
    /// Milliseconds since the epoch.
    public let now: @Sendable () -> Int64
    private let sleep: @Sendable (_ milliseconds: Int64) async throws -> Void

    public init(
        now: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (_ milliseconds: Int64) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// This machine's clock.
    public static let real = Clock(
        now: {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        },
        sleep: { try await Task.sleep(for: .milliseconds($0)) })

    /// Waits; not at all for a span that is not above zero. Throws where the work was called off.
    func pause(_ milliseconds: Int64) async throws(ReadingError) {
        guard milliseconds > 0 else { return }
        do {
            try await sleep(milliseconds)
        } catch {
            throw ReadingError(.unavailable, "The reading was called off; start it again.")
        }
    }
}
