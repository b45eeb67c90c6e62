import Dispatch
import Glibc
import Synchronization

/// Threads for work that blocks or takes long.
///
/// They are the process's own. Dispatch's concurrent queues share the threads of Swift's tasks, of which
/// there are no more than processors: as many blocking calls as that, and nothing else is answered.
final class WorkThreads: Sendable {
    /// How much of the processor slow work gets beside all else: a weight of about a tenth (`nice`).
    private static let slowness: Int32 = 10

    /// What the threads share; they end when nobody else holds the queue.
    private final class Bench: Sendable {
        private struct State {
            var work = Line<@Sendable () -> Void>()
            var isClosed = false
        }

        private let state = Mutex(State())
        private let arrivals = DispatchSemaphore(value: 0)

        func add(_ work: @escaping @Sendable () -> Void) {
            state.withLock { $0.work.append(work) }
            arrivals.signal()
        }

        func close(threads: Int) {
            state.withLock { $0.isClosed = true }
            for _ in 0..<threads { arrivals.signal() }
        }

        /// Works until the bench is closed and empty.
        func work() {
            while true {
                arrivals.wait()
                let (next, isOver) = state.withLock { ($0.work.popFirst(), $0.isClosed) }
                if let next { next() } else if isOver { return }
            }
        }
    }

    /// What a thread begins with.
    private final class Start {
        let bench: Bench
        let isSlow: Bool

        init(_ bench: Bench, isSlow: Bool) {
            self.bench = bench
            self.isSlow = isSlow
        }

        func run() {
            // On Linux a thread has a nice value of its own, and 0 names the one that asks.
            if isSlow { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, WorkThreads.slowness) }
            bench.work()
        }
    }

    private let bench = Bench()
    private let count: Int

    /// So many threads; slow ones stand behind the others where processors are short.
    init(count: Int, isSlow: Bool) {
        self.count = count
        for _ in 0..<count {
            let start = Unmanaged.passRetained(Start(bench, isSlow: isSlow))
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { start in
                    if let start { Unmanaged<Start>.fromOpaque(start).takeRetainedValue().run() }
                    return nil
                }, start.toOpaque())
            if code == 0 {
                pthread_detach(thread)
            } else {
                // The system has no thread left: dispatch makes one when it can.
                start.release()
                DispatchQueue(label: "marginalia.work").async { [bench] in bench.work() }
            }
        }
    }

    deinit { bench.close(threads: count) }

    func add(_ work: @escaping @Sendable () -> Void) { bench.add(work) }

    /// How many threads work at slow things: fewer than there are processors, so that one is always free, and
    /// no more than leave a connection of the store for others.
    static var slowCount: Int { max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1, 3)) }
}

/// A waiting line: first come, first served, at a cost that does not grow with its length.
struct Line<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let first = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: head <= 1_024)
            head = 0
        } else if head > 1_024 && head > elements.count / 2 {
            elements.removeFirst(head)
            head = 0
        }
        return first
    }
}
