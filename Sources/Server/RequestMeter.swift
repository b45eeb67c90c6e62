import Synchronization

/// What kind of path a request was for: few, so that the metrics stay few whatever clients ask for.
enum PathClass: UInt8, Sendable, CaseIterable {
    /// One of the venues' account endpoints.
    case account
    /// Anything else of a venue.
    case other
    /// A handshake for a WebSocket.
    case stream
    case commands
    case accounts
    case statement
    case explain
    case stress
    case events
    case keys
    case clock
    case rulebooks
    case faults
    case requests
    case checkpoints
    case health
    case metrics
    case page
    case unknown

    /// The class of a venue's path.
    init(venuePath path: Substring) {
        switch path {
        case "/exchange/v1/private/user-balance", "/exchange/v1/private/get-subaccount-balances",
            "/api/v1/balances", "/fapi/v3/account", "/api/v5/account/balance":
            self = .account
        default: self = .other
        }
    }
}

/// Counts requests and how long they took.
final class RequestMeter: Sendable {
    /// The upper ends of the latency classes, in nanoseconds, and as Prometheus writes them in seconds.
    static let bounds: [(nanoseconds: Int64, text: String)] = [
        (100_000, "0.0001"), (250_000, "0.00025"), (500_000, "0.0005"), (1_000_000, "0.001"),
        (2_500_000, "0.0025"), (5_000_000, "0.005"), (10_000_000, "0.01"), (25_000_000, "0.025"),
        (50_000_000, "0.05"), (100_000_000, "0.1"), (250_000_000, "0.25"), (500_000_000, "0.5"),
        (1_000_000_000, "1"), (5_000_000_000, "5"),
    ]

    /// The area of what belongs to no venue; venues have their places in `Venues.names`.
    static let operatorArea = 255

    /// What is counted apart.
    struct Key: Hashable {
        let area: UInt8
        let pathClass: PathClass
        let status: UInt16
    }

    /// How long the requests of an area took.
    struct Latency {
        var buckets = [Int](repeating: 0, count: RequestMeter.bounds.count)
        var count = 0
        var nanoseconds: Int64 = 0

        /// Adds a request; `bucket` is nil where it took longer than the last class.
        mutating func add(_ took: Int64, in bucket: Int?) {
            if let bucket { buckets[bucket] += 1 }
            count += 1
            nanoseconds += took
        }
    }

    /// Everything counted so far.
    struct Totals {
        var requests: [Key: Int] = [:]
        var latencies: [UInt8: Latency] = [:]
        var rateLimitRefusals: [UInt8: Int] = [:]
    }

    private let totals = Mutex(Totals())

    /// Counts an answer.
    func count(area: Int, pathClass: PathClass, status: Int, took duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        let area = UInt8(clamping: area)
        let bucket = Self.bounds.firstIndex { nanoseconds <= $0.nanoseconds }
        totals.withLock { totals in
            totals.requests[
                Key(area: area, pathClass: pathClass, status: UInt16(clamping: status)), default: 0] += 1
            totals.latencies[area, default: Latency()].add(nanoseconds, in: bucket)
            if area != UInt8(clamping: Self.operatorArea), status == 429 || status == 418 {
                totals.rateLimitRefusals[area, default: 0] += 1
            }
        }
    }

    /// Everything counted so far.
    func read() -> Totals { totals.withLock { $0 } }
}
