import ArgumentParser
import Desk
import Foundation
import JSON
import Journal
import Ledger
import Server
import Venue

/// Where recordings lie.
struct RecordingSource: ParsableArguments {
    @Option(
        name: .customLong("recordings"),
        help: ArgumentHelp("Where the recordings lie.", valueName: "url"))
    var location = RecordingSource.usualLocation

    @Option(
        help: ArgumentHelp(
            "The wire profile that the venue spoke, documented or live. (default: documented)",
            valueName: "name"))
    var profile: String?

    @Flag(help: "Goes on with what is there, once, where recordings are gone that were durable.")
    var acceptFewerRecordings = false

    static let usualLocation = "sqlite:marginalia-data/recordings.db"

    func validate() throws {
        if let profile, WireProfile(rawValue: profile) == nil {
            throw ValidationError("--profile takes documented or live, not \(profile)")
        }
    }

    var wireProfile: WireProfile { profile.flatMap(WireProfile.init(rawValue:)) ?? .documented }

    /// Opens the recordings, runs, and closes them again.
    func use<Result>(
        _ access: JournalAccess, checking: Bool = false, _ body: (RecordingStore) async throws -> Result
    ) async throws -> Result {
        do {
            let store = try RecordingStore(
                location, access: access, acceptsFewer: checking || acceptFewerRecordings)
            let result = try await body(store)
            try store.close()
            return result
        } catch let error as JournalError {
            guard access == .readOnly, location.hasPrefix("sqlite:"),
                !FileManager.default.fileExists(atPath: String(location.dropFirst("sqlite:".count)))
            else { throw ProgramError(error) }
            throw ProgramError(
                .unavailable,
                "There are no recordings at \(location) yet: make some with marginalia record, or name "
                    + "others with "
                    + "--recordings.")
        }
    }

    /// The last recording of an account, or the last one up to a time.
    ///
    /// Throws where there is none.
    static func last(
        of account: String, upTo time: LedgerTime?, in store: RecordingStore
    ) throws -> Recording {
        guard let recording = try store.recording(of: account, asOf: time ?? endOfTime) else {
            throw try unknown(account, in: store)
        }
        return recording
    }

    /// Later than every recording.
    static let endOfTime = LedgerTime(milliseconds: 253_402_300_799_999)

    /// Says that an account was never recorded, and which were.
    static func unknown(_ account: String, in store: RecordingStore) throws -> ProgramError {
        let accounts = try store.accounts()
        if let known = accounts.first(where: { $0.account.isExactly(account) }) {
            return ProgramError(
                .badData,
                "There is no recording of \(account) of that time: there are those from "
                    + "\(known.first.iso8601) to \(known.last.iso8601).")
        }
        let known = accounts.map(\.account).joined(separator: ", ")
        let there = known.isEmpty ? "the store is empty" : "there are \(known)"
        return ProgramError(
            .badData,
            "There is no recording of \(account): \(there)."
        )
    }
}

/// `marginalia record`: keeps what the venues answer.
struct Record: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads accounts at their venues and keeps every answer byte for byte.",
        discussion: """
            Example: marginalia record --config desk.yaml --every 5m
            What is recorded is never changed; marginalia history shows it, marginalia replay serves it.
            Exit status: 0 all was recorded, 2 some of it, 69 nothing.
            """)

    @OptionGroup var source: DeskSource
    @OptionGroup var recordings: RecordingSource

    @Option(
        help: ArgumentHelp(
            "Records again after so long, such as 5m or 1h, until stopped; a number alone has seconds.",
            valueName: "span"))
    var every: String?

    @Option(help: ArgumentHelp("With --every: ends after so many readings.", valueName: "number"))
    var times: Int?

    @Flag(help: "Writes a line of JSON for every recording.")
    var json = false

    func validate() throws {
        _ = try pause
        if let times, times < 1 || every == nil {
            throw ValidationError("--times takes a number of readings, and needs --every")
        }
    }

    func run() async throws {
        let configuration = try source.configuration()
        let pause = try pause
        try await recordings.use(.readWrite) { store in
            let recorder = Recorder(store)
            try await source.use(configuration) { desk, _, _ in
                var left = every == nil ? 1 : times ?? .max
                while true {
                    let portfolio = await desk.read()
                    for recording in try recorder.record(portfolio) { show(recording) }
                    left -= 1
                    if left == 0 { return try DeskExit.check(portfolio) }
                    for failure in portfolio.failures { Terminal.tell(failure.sentence) }
                    try await Task.sleep(for: .milliseconds(pause))
                }
            }
        }
    }

    private var pause: Int64 {
        get throws {
            try every.map { try Measures.milliseconds($0, option: "--every", atLeast: 1000, most: "52w") }
                ?? 1000
        }
    }

    private func show(_ recording: Recording) {
        if json {
            let members: [(key: String, value: JSONValue)] = [
                ("sequence", .integer(recording.sequence)), ("account", .string(recording.account)),
                ("venue", .string(recording.venue.rawValue)),
                ("taken_at", .integer(recording.takenAt.milliseconds)),
                ("calls", .array(recording.answers.map { .string($0.call) })),
            ]
            print(JSONValue.members(members))
        } else {
            let calls = recording.answers.map(\.call).joined(separator: ", ")
            print(
                "\(recording.takenAt.iso8601) \(recording.account) at \(recording.venue): \(calls) "
                    + "(recording \(recording.sequence))")
        }
        fflush(nil)
    }
}

/// `marginalia history`: what was recorded.
struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what was recorded of an account: figures over time, one moment, or what changed.",
        discussion: """
            Example: marginalia history treasury --changes
            Without an account it lists what there is; --check proves that nothing was altered.
            """)

    @Argument(help: "The account; a list of all if left out.")
    var account: String?

    @OptionGroup var recordings: RecordingSource

    @Option(help: ArgumentHelp("The last recording up to this time, as a book.", valueName: "time"))
    var asOf: String?

    @Option(help: ArgumentHelp("From this time on.", valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Up to this time.", valueName: "time"))
    var to: String?

    @Option(help: ArgumentHelp("A common figure to show, such as equity; repeatable.", valueName: "name"))
    var figure: [String] = []

    @Flag(help: "Shows what changed from one recording to the next, times left out.")
    var changes = false

    @Flag(help: "Checks every recording against its checksum.")
    var check = false

    @Flag(help: "Writes JSON for programs.")
    var json = false

    /// The most recordings that are shown at once.
    private static let limit = 10_000

    func validate() throws {
        if asOf != nil, changes || from != nil || to != nil || !figure.isEmpty {
            throw ValidationError("Give either --as-of or --changes, --figure, --from and --to")
        }
        if account == nil, asOf != nil || changes || from != nil || to != nil || !figure.isEmpty {
            throw ValidationError(
                "Name the account that --as-of, --changes, --figure, --from or --to is about")
        }
        if let from = try Measures.time("--from", from), let to = try Measures.time("--to", to), to < from {
            throw ValidationError("--to is a time before that of --from")
        }
        for name in figure where CommonFigure(rawValue: name) == nil {
            let known = CommonFigure.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("There is no common figure \(name); there are \(known)")
        }
    }

    func run() async throws {
        try await recordings.use(.readOnly, checking: check) { store in
            if check { return try checked(store) }
            guard let account else { return try list(store) }
            if let time = try Measures.time("--as-of", asOf) {
                return try show(account, asOf: time, store)
            }
            let from = try Measures.time("--from", from) ?? LedgerTime(milliseconds: 0)
            let to = try Measures.time("--to", to) ?? RecordingSource.endOfTime
            let found = try store.recordings(of: account, from: from, to: to, limit: Self.limit)
            if found.isEmpty { throw try RecordingSource.unknown(account, in: store) }
            let history = RecordedHistory(found, profile: recordings.wireProfile)
            if json { return print(history.json) }
            if changes { return marginalia.show([history.changeTable]) }
            let chosen = figure.compactMap { CommonFigure(rawValue: $0) }
            let usual: [CommonFigure] = [
                .equity, .available, .initialMargin, .maintenanceMargin, .marginRatio, .unrealizedProfit,
            ]
            marginalia.show([history.table(of: chosen.isEmpty ? usual : chosen)])
        }
    }

    private func checked(_ store: RecordingStore) throws {
        let problems = try store.problems()
        if json {
            print(
                JSONValue.object(
                    JSONObject([
                        ("sound", .bool(problems.isEmpty)),
                        ("problems", .array(problems.map { .string($0) })),
                    ])))
        } else {
            for problem in problems { print(problem) }
        }
        if let first = problems.first {
            throw ProgramError(
                .badData, "The recordings are damaged: \(first) Restore them from a backup.")
        }
        if !json { print("The recordings are as they were written.") }
    }

    private func list(_ store: RecordingStore) throws {
        let accounts = try store.accounts()
        if json {
            let rows = accounts.map { row in
                JSONValue.object(
                    JSONObject([
                        ("account", .string(row.account)), ("venue", .string(row.venue.rawValue)),
                        ("recordings", .integer(row.count)),
                        ("first", .integer(row.first.milliseconds)),
                        ("last", .integer(row.last.milliseconds)),
                    ]))
            }
            return print(JSONValue.array(rows))
        }
        printTable(
            ["ACCOUNT", "VENUE", "RECORDINGS", "FIRST", "LAST"],
            accounts.map {
                [$0.account, $0.venue.rawValue, String($0.count), $0.first.iso8601, $0.last.iso8601]
            })
    }

    private func show(_ account: String, asOf time: LedgerTime, _ store: RecordingStore) throws {
        let recording = try RecordingSource.last(of: account, upTo: time, in: store)
        let portfolio = Portfolio(
            [
                .read(
                    AccountRead(
                        statements: try recording.statements(profile: recordings.wireProfile),
                        bodies: recording.bodies))
            ], takenAt: recording.takenAt.milliseconds)
        let totals = PortfolioTotals(of: portfolio, in: "USD")
        if json {
            print(portfolio.json(totals: totals))
        } else {
            marginalia.show(portfolio.tables(totals: totals))
        }
    }
}
