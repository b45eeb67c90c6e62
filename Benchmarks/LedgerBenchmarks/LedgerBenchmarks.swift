import Benchmark
import JSON
import Ledger
import Numbers

/// Fills over 1,000 accounts with ten positions each, in turns that open, add, reduce and flip.
private struct FillLoad {
    let judges: Judges
    let commands: [Command]
    let lines: [[UInt8]]
    var state = LedgerState()
    var events: [Event] = []

    init(accounts: Int = 1_000, fills: Int = 100_000) throws {
        let venue = BenchmarkVenue(instrumentCount: 10)
        judges = [venue.name: venue]
        let now = LedgerTime(milliseconds: 1_780_272_000_000)
        for number in 0..<accounts {
            for text in [
                #"{"type":"open_account","account":"desk-\#(number)","venue":"benchmark"}"#,
                #"{"type":"deposit","account":"desk-\#(number)","asset":"USDT","amount":"100000"}"#,
            ] {
                _ = try state.accept(try Command(decoding: JSONValue(parsing: text)), judges: judges, now: now)
            }
        }
        var commands: [Command] = []
        var lines: [[UInt8]] = []
        for number in 0..<fills {
            let side = (number / accounts) % 3 == 2 ? "sell" : "buy"
            let quantity = "\(1 + number % 7).\(number % 10)"
            let text =
                #"{"type":"fill","account":"desk-\#(number % accounts)","#
                + #""instrument":"COIN\#(number / 7 % 10)-USDT-SWAP","side":"\#(side)","#
                + #""quantity":"\#(quantity)","price":"59\#(number % 1000).5","fee":"0.\#(number % 97)"}"#
            lines.append(Array(text.utf8))
            commands.append(try Command(decoding: JSONValue(parsing: text)))
        }
        self.commands = commands
        self.lines = lines
        var accepting = state
        for command in commands { events += try accepting.accept(command, judges: judges, now: now) }
    }
}

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput, .peakMemoryResident], maxDuration: .seconds(5),
        maxIterations: 20)

    Benchmark("Apply 100,000 fills in memory") { benchmark in
        let load = try FillLoad()
        var state = load.state
        benchmark.startMeasurement()
        for event in load.events { try state.apply(event) }
        benchmark.stopMeasurement()
        blackHole(state)
    }

    Benchmark("Accept 100,000 fill commands in memory") { benchmark in
        let load = try FillLoad()
        var state = load.state
        let now = LedgerTime(milliseconds: 1_780_272_000_000)
        benchmark.startMeasurement()
        for command in load.commands { blackHole(try state.accept(command, judges: load.judges, now: now)) }
        benchmark.stopMeasurement()
    }

    Benchmark("Decode 100,000 fill commands from NDJSON") { benchmark in
        let load = try FillLoad()
        benchmark.startMeasurement()
        for line in load.lines { blackHole(try Command(decoding: JSONValue(parsing: line))) }
        benchmark.stopMeasurement()
    }

    Benchmark("Encode 100,000 fill events") { benchmark in
        let load = try FillLoad()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 * 1024)
        benchmark.startMeasurement()
        for event in load.events {
            bytes.removeAll(keepingCapacity: true)
            event.appendBody(to: &bytes)
        }
        benchmark.stopMeasurement()
        blackHole(bytes)
    }

    Benchmark("Look at 100,000 quotes over 1,000 resting orders an instrument") { benchmark in
        let load = try QuoteLoad()
        var state = load.state
        benchmark.startMeasurement()
        for quote in load.quotes {
            blackHole(try load.exchange.accept(quote, in: &state, judges: load.judges, now: load.now))
        }
        benchmark.stopMeasurement()
    }
}
