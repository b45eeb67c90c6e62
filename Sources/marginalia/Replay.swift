import ArgumentParser
import Desk
import Foundation
import JSON
import Journal
import Ledger
import Logging
import Server
import Venue

/// `marginalia replay`: serves recorded accounts as their venues did.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves a recorded account as a venue, or writes it as a scenario file.",
        discussion: """
            Example: marginalia replay treasury --at 2026-11-20T12:00:00Z --listen 127.0.0.1:8080
            The account gets a made-up name and key; what the recording did not tell and had to be assumed \
            is listed on standard error.
            """)

    @Argument(help: "The recorded account.")
    var account: String

    @OptionGroup var recordings: RecordingSource
    @OptionGroup var rulebook: RulebookSource

    @Option(help: ArgumentHelp("The moment; the last recording if left out.", valueName: "time"))
    var at: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("The name that the account gets.", valueName: "name"))
    var name = "replay"

    @Option(help: ArgumentHelp("Writes the scenario to a file and ends.", valueName: "file"))
    var scenario: String?

    @Option(
        help: ArgumentHelp("The address to serve at; port 0 picks a free one.", valueName: "host:port"))
    var listen = "127.0.0.1:8080"

    func validate() throws {
        guard name.isPlainName else {
            throw ValidationError(
                "--as takes 1 to 64 letters, digits, dots, dashes and underscores, not \(name)")
        }
    }

    func run() async throws {
        let replay = try await recordings.use(.readOnly) { store in try scenario(of: store) }
        for account in replay.accounts {
            for assumption in account.assumptions { Terminal.tell("\(account.account): \(assumption)") }
        }
        let content = "\(replay.content)\n"
        if let scenario {
            try await check(replay, Scenario(file: scenario, content: Array(content.utf8)))
            guard FileManager.default.createFile(atPath: scenario, contents: Data(content.utf8)) else {
                throw ProgramError(
                    .unavailable, "The file \(scenario) cannot be written: check the folder of --scenario.")
            }
            for account in replay.accounts { print(Self.introduction(of: account)) }
            return
        }
        try await serve(replay, Scenario(file: "replay.json", content: Array(content.utf8)))
    }

    private func scenario(of store: RecordingStore) throws -> ReplayScenario {
        let recording = try RecordingSource.last(
            of: account, upTo: try Measures.time("--at", at), in: store)
        let reader = try rulebook.readers().reader(of: recording.venue, profile: recordings.wireProfile)
        let named = try recording.statements(by: reader).enumerated().map { place, statement in
            (name: place == 0 ? name : "\(name)-\(place)", statement: statement, reader: reader)
        }
        return try ReplayScenario(named)
    }

    /// Applies it to a ledger in memory: what is written can be served.
    private func check(_ replay: ReplayScenario, _ scenario: Scenario) async throws {
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
        var profiles: [VenueName: WireProfile] = [:]
        for account in replay.accounts { profiles[account.venue] = recordings.wireProfile }
        let ledger = try await OperatorConnection(
            store: .memory, rulebooks: try rulebook.files(), profiles: profiles,
            logger: Logger(label: "marginalia"))
        do { _ = try await scenario.apply(through: ledger) } catch {
            await ledger.close()
            throw error
        }
        await ledger.close()
    }

    private func serve(_ replay: ReplayScenario, _ scenario: Scenario) async throws {
        guard let address = ListenAddress(listen) else {
            throw ValidationError("--listen takes HOST:PORT, such as 127.0.0.1:8080, not \(listen)")
        }
        var options = ServeOptions()
        options.listen = address
        options.store = .memory
        options.rulebooks = rulebook.names
        for account in replay.accounts { options.profiles[account.venue] = recordings.wireProfile }
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
        var logger = Logger(label: "marginalia")
        logger.logLevel = .warning
        let server = MarginaliaServer(options: options, scenarios: [scenario], logger: logger)
        try await server.run { ready in
            for account in replay.accounts { Terminal.tell(Self.introduction(of: account)) }
            printNow("marginalia is ready at \(ready.url)")
        }
    }

    private static func introduction(of account: ReplayScenario.Account) -> String {
        let passphrase = account.credentials.passphrase.map { ", passphrase \($0)" } ?? ""
        return "\(account.account) at \(account.venue): key \(account.credentials.apiKey), "
            + "secret \(account.credentials.secret)\(passphrase)"
    }
}
