import ArgumentParser
import Desk
import Foundation
import Journal
import Ledger
import Server
import Venue

/// `marginalia audit`: whether the figures that a venue reports follow from each other by its own formulas.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Works out every reported figure that follows from others, and says where they differ.",
        discussion: """
            Example: marginalia audit --config desk.yaml --json
            Example: marginalia audit --recorded treasury --at 2026-11-20T12:00:00Z
            Example: marginalia audit --file balance.json --venue okx --call balance
            Example: marginalia audit --rulebook my-okx.json
            Without --recorded and --file the accounts of the configuration are read; with --recorded, what \
            marginalia record has kept of an account is; with --file, answers that were kept by other means.
            Exit status: 0 no contradiction, 1 a reported figure contradicts the others, 2 something could \
            not be read.
            """)

    @OptionGroup var source: DeskSource
    @OptionGroup var recordings: RecordingSource
    @OptionGroup var rulebook: RulebookSource

    @Option(
        help: ArgumentHelp(
            "An account as it was recorded: the last recording, or that of --at.", valueName: "name"))
    var recorded: String?

    @Option(help: ArgumentHelp("With --recorded: the last recording up to this time.", valueName: "time"))
    var at: String?

    @Option(
        help: ArgumentHelp(
            "An answer that was kept, or - for standard input; repeatable with --call.", valueName: "file"))
    var file: [String] = []

    @Option(help: ArgumentHelp("The venue of the answers in --file.", valueName: "name"))
    var venue: String?

    @Option(
        help: ArgumentHelp(
            "What each answer in --file is to, in their order. (default: the venue's first account call)",
            valueName: "name"))
    var call: [String] = []

    @Option(
        help: ArgumentHelp(
            "The rules of a time, ISO 8601 or milliseconds. (default: when the answers came in)",
            valueName: "time"))
    var rulesAt: String?

    @Flag(help: "Shows findings that match digit for digit too.")
    var all = false

    @Flag(help: "Writes JSON for programs, every finding with its formula and inputs.")
    var json = false

    func validate() throws {
        if file.isEmpty, venue != nil || !call.isEmpty {
            throw ValidationError("--venue and --call belong to --file")
        }
        if file.isEmpty, recorded == nil, recordings.profile != nil {
            throw ValidationError("--profile belongs to --file or --recorded")
        }
        if recorded == nil,
            at != nil || recordings.acceptFewerRecordings
                || recordings.location != RecordingSource.usualLocation
        {
            throw ValidationError("--at, --recordings and --accept-fewer-recordings belong to --recorded")
        }
        _ = try Measures.time("--at", at)
        if !file.isEmpty, venue == nil { throw ValidationError("--file needs --venue") }
        let isOfDesk = source.config != nil || !source.account.isEmpty
        if [!file.isEmpty, recorded != nil, isOfDesk].count(where: { $0 }) > 1 {
            throw ValidationError("Give one of --file, --recorded, and --config with --account")
        }
        if call.count != file.count, !(call.isEmpty && file.count == 1) {
            throw ValidationError("Give every --file its --call")
        }
        if let rulesAt, parseTime(rulesAt) == nil {
            throw ValidationError("--rules-at takes an ISO 8601 time or milliseconds, not \(rulesAt)")
        }
    }

    func run() async throws {
        let time = rulesAt.flatMap(parseTime)
        let readers = try rulebook.readers()
        if let recorded {
            let recording = try await recordings.use(.readOnly) { store in
                try RecordingSource.last(of: recorded, upTo: try Measures.time("--at", at), in: store)
            }
            let reader = try reader(of: recording.venue, readers)
            return try audit(recording.bodies, of: recording.account, reader, rulesAt: time)
        }
        guard let venue else {
            let configuration = try source.configuration()
            let portfolio = try await source.read(configuration, by: readers)
            try show(
                try AuditReport(of: portfolio, by: readers, rulesAt: time, configuration: configuration),
                portfolio)
            return
        }
        let reader = try reader(of: VenueName(rawValue: venue), readers)
        try audit(try bodies(reader), of: "file", reader, rulesAt: time)
    }

    /// Audits answers that were kept.
    private func audit(
        _ bodies: [RecordedBody], of account: String, _ reader: any VenueClient, rulesAt time: LedgerTime?
    ) throws {
        let statements: [Statement]
        do throws(ReadingError) {
            statements = try reader.statements(from: bodies, account: account)
        } catch {
            throw ProgramError(.badData, "The answers cannot be audited: \(error.description)")
        }
        try show(AuditReport(statements, by: reader, rulesAt: time), nil)
    }

    private func reader(
        of venue: VenueName, _ readers: ReaderSource
    ) throws(ProgramError) -> any VenueClient {
        do throws(ConfigurationError) {
            return try readers.reader(of: venue, profile: recordings.wireProfile)
        } catch {
            throw ProgramError(error)
        }
    }

    /// The answers in the files, as if they had come in just now, one after the other: nothing says that
    /// they are of one moment.
    private func bodies(_ reader: any VenueClient) throws -> [RecordedBody] {
        let calls = type(of: reader).calls
        let now = Clock.real.now()
        let first = calls.first { $0.purpose == .account }?.name ?? ""
        return try file.enumerated().map { place, file in
            let name = call.isEmpty ? first : call[place]
            guard calls.contains(where: { $0.name == name }) else {
                let known = calls.map(\.name).joined(separator: ", ")
                throw ProgramError(
                    .usage, "There is no call \"\(name)\" at \(venue ?? ""): known are \(known).")
            }
            let content =
                file == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
            guard let content else {
                throw ProgramError(.badData, "The file \(file) cannot be read: check its name.")
            }
            return RecordedBody(call: name, bytes: Array(content), takenAt: now + Int64(place))
        }
    }

    private func show(_ report: AuditReport, _ portfolio: Portfolio?) throws {
        if json {
            print(report.json(of: portfolio))
        } else {
            marginalia.show(report.tables(showingAll: all))
        }
        if report.hasContradiction { throw DeskExit.found }
        if let portfolio { try DeskExit.check(portfolio) }
    }
}
