import Synchronization

/// How many of something fell below each bound.
public struct Distribution: Sendable, Equatable {
    /// Upper bounds, rising; what is beyond the last is counted in `count` alone.
    public let bounds: [Int64]
    /// How many were at or below each bound and above the one before.
    public private(set) var counts: [Int64]
    public private(set) var count: Int64 = 0
    public private(set) var sum: Int64 = 0
    public private(set) var greatest: Int64 = 0

    init(bounds: [Int64]) {
        self.bounds = bounds
        counts = [Int64](repeating: 0, count: bounds.count)
    }

    mutating func add(_ value: Int64) {
        count += 1
        sum &+= value
        greatest = max(greatest, value)
        if let place = bounds.firstIndex(where: { value <= $0 }) { counts[place] += 1 }
    }
}

/// What the engine has done since it was opened, for metrics and readiness.
public struct EngineStatistics: Sendable, Equatable {
    /// The sequence of the last durable event: how many events there are.
    public var sequence: Int64 = 0
    /// How many accounts there are.
    public var accounts = 0
    /// Events appended since the start.
    public var appendedEvents: Int64 = 0
    /// Commands that were applied since the start.
    public var appliedCommands: Int64 = 0
    /// Commands since the start whose id had been used for the same before; nothing was done.
    public var duplicateCommands: Int64 = 0
    /// Commands that were refused since the start.
    public var rejectedCommands: Int64 = 0
    /// Commands that wait for their turn or for the disk.
    public var waitingCommands = 0
    /// Slow reads that are under way or wait for their turn.
    public var slowWork = 0
    /// Slow reads that were refused because as many waited as may.
    public var refusedSlowWork: Int64 = 0
    /// Whether the last group could be written. While it is not, a small write is
    /// tried every second, and turns it true again when it succeeds.
    public var isWritable = true
    /// Groups that could not be written.
    public var failedGroups: Int64 = 0
    /// How many events each group of commands had that shared a transaction.
    public var groupSizes = Distribution(bounds: [1, 10, 100, 1_000, 10_000])
    /// How long each transaction took to become durable, in microseconds.
    public var commitMicroseconds = Distribution(
        bounds: [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000])
    /// The place that the last complete snapshot stands for.
    public var snapshotSequence: Int64 = 0
    /// Snapshots that were written since the start.
    public var snapshots: Int64 = 0
    /// How far the store's indexes go.
    public var indexedSequence: Int64 = 0
    /// Events replayed when the engine was opened.
    public var replayedEvents: Int64 = 0
}

/// The statistics as all parts of the engine keep them.
final class StatisticsKeeper: Sendable {
    private let statistics = Mutex(EngineStatistics())

    func update(_ change: (inout EngineStatistics) -> Void) { statistics.withLock { change(&$0) } }

    var current: EngineStatistics { statistics.withLock { $0 } }
}
