import Foundation
import OKX
import Venue

/// Reads one OKX balance over and over: `ReadingBenchmark BODY`, then a number of times on each line of standard
/// input; answers each line with the nanoseconds that they took and the currencies that were read.
@main
struct ReadingBenchmark {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            throw Misuse(description: "usage: ReadingBenchmark BODY")
        }
        let content = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
        let body = RecordedBody(call: "balance", bytes: Array(content), takenAt: 1_780_272_000_000)
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        while let line = readLine() {
            guard let times = Int(line) else { throw Misuse(description: "not a number: \(line)") }
            var currencies = 0
            let clock = ContinuousClock()
            let began = clock.now
            for _ in 0..<times {
                for statement in try venue.statements(from: [body], account: "benchmark") {
                    currencies += statement.assets.count
                }
            }
            let (seconds, attoseconds) = (clock.now - began).components
            print(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, currencies)
            fflush(nil)
        }
    }

    /// What was wrong with how it was started.
    private struct Misuse: Error, CustomStringConvertible {
        let description: String
    }
}
