import Foundation
import Synchronization

/// Standard error. What cannot be written there, to a full disk or to a pipe that nobody reads any more, is
/// lost, and the program goes on.
public enum StandardError {
    /// Writes a text at once.
    public static func write(_ text: String) { write(Array(text.utf8)) }

    /// Waits until the log's lines so far are written, for a second at most.
    public static func finishLog() { LogOutput.shared.finish() }

    static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Log lines on their way to standard error.
///
/// They are written on a thread of their own: where that is a pipe that nobody empties, the thread waits and
/// not the server. Beyond a limit lines are dropped, and the next one that is written says how many.
final class LogOutput: Sendable {
    static let shared = LogOutput()

    /// The most bytes that wait.
    private static let limit = 1 << 20

    private struct State {
        var waiting = 0
        var lost = 0
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "log")

    private init() {
        // The last lines are those that somebody looks for.
        atexit { LogOutput.shared.finish() }
    }

    /// Takes a line.
    func write(_ line: [UInt8]) {
        let isTaken = state.withLock { state in
            guard state.waiting + line.count <= Self.limit else {
                state.lost += 1
                return false
            }
            state.waiting += line.count
            return true
        }
        guard isTaken else { return }
        queue.async {
            StandardError.write(line)
            self.state.withLock { $0.waiting -= line.count }
        }
    }

    /// How many lines were dropped since this was last asked.
    func takeLost() -> Int {
        state.withLock { state in
            defer { state.lost = 0 }
            return state.lost
        }
    }

    /// Waits until all lines are written, for a second at most.
    func finish() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + 1)
    }
}
