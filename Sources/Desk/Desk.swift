import JSON
import Ledger
import Venue

/// Real accounts of several venues, read together.
public struct Desk: Sendable {
    private let connections: [AccountConnection]
    private let configuration: DeskConfiguration
    private let clock: Clock

    /// A desk with the keys of its accounts by name.
    ///
    /// Throws where an account's key or venue is missing.
    public init(
        _ configuration: DeskConfiguration, credentials: [ExactText: Credentials],
        readers: ReaderSource = .builtIn, transport: Transport, clock: Clock = .real
    ) throws(ConfigurationError) {
        let rateLimiter = RequestRateLimiter(clock: clock)
        var connections: [AccountConnection] = []
        for entry in configuration.accounts {
            guard let key = credentials[ExactText(entry.name)] else {
                throw ConfigurationError("The account \(entry.name) has no key")
            }
            connections.append(
                AccountConnection(
                    entry: entry, reader: try readers.reader(of: entry.venue, profile: entry.profile),
                    credentials: key, transport: transport, rateLimiter: rateLimiter,
                    retryPolicy: configuration.retryPolicy,
                    clock: clock))
        }
        self.connections = connections
        self.configuration = configuration
        self.clock = clock
    }

    /// How far a reading is: so many of so many accounts.
    public typealias Progress = @Sendable (_ done: Int, _ of: Int) -> Void

    /// Reads all accounts, a few at a time, and never fails: what could not be read stands beside what could.
    public func read(progress: Progress = { _, _ in }) async -> Portfolio {
        let deadline = clock.now() + configuration.retryPolicy.whole
        var readings: [AccountReading?] = Array(repeating: nil, count: connections.count)
        await withTaskGroup(of: (Int, AccountReading).self) { group in
            var next = 0
            var done = 0
            func start() {
                guard next < connections.count else { return }
                let place = next
                next += 1
                group.addTask { (place, await connections[place].read(before: deadline)) }
            }
            progress(0, connections.count)
            for _ in 0..<configuration.concurrency { start() }
            for await (place, reading) in group {
                readings[place] = reading
                done += 1
                progress(done, connections.count)
                start()
            }
        }
        return Portfolio(
            readings.compactMap { $0 }, givenPrices: configuration.prices, takenAt: clock.now())
    }
}
