import ArgumentParser
import Desk
import Foundation
import JSON
import Server
import Synchronization
import Venue

/// Where the desk's commands find their configuration and secrets.
struct DeskSource: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The desk's configuration, YAML or JSON; else MARGINALIA_DESK_CONFIG. (default: desk.yaml)",
            valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Only this account of the configuration; repeatable.", valueName: "name"))
    var account: [String] = []

    /// The configuration, with the accounts that were asked for.
    func configuration() throws -> DeskConfiguration {
        let environment = ProcessInfo.processInfo.environment
        let given = config ?? environment["MARGINALIA_DESK_CONFIG"]
        let file = given ?? "desk.yaml"
        guard given != nil || FileManager.default.fileExists(atPath: file) else {
            throw ProgramError(
                .badConfiguration,
                "There is no desk.yaml here, which names the accounts to read: write one as "
                    + "docs/desk.md shows, or "
                    + "name it with --config.")
        }
        let document = try SourceDocument(file: file, numbers: .asText, failure: .badConfiguration)
        let folder = file.lastIndex(of: "/").map { String(file[...$0].dropLast()) } ?? ""
        do throws(ConfigurationError) {
            return try DeskConfiguration(document.value, folder: folder).only(account)
        } catch {
            guard error.kind == .unusable else { throw ProgramError(error) }
            throw document.error(
                SourceDocument.path(error.field), error.message, status: .badConfiguration)
        }
    }

    /// Where secrets are looked for. A sealed store's passphrase is asked for once.
    static func secrets() -> Secrets {
        let environment = ProcessInfo.processInfo.environment
        let known = Mutex<[ExactText: String]>([:])
        return Secrets(
            environment: environment,
            document: { file, content in
                try SourceDocument(file: file, content: content, numbers: .asText, failure: .badConfiguration)
                    .value
            },
            passphrase: { store in
                known.withLock { known in
                    let place = ExactText(store)
                    if known[place] == nil { known[place] = passphrase(of: store, environment) }
                    return known[place]
                }
            })
    }

    /// The passphrase of a sealed store, from the environment or a person.
    static func passphrase(of store: String, _ environment: [String: String]) -> String? {
        if let given = environment[Secrets.passphraseVariable], !given.isEmpty { return given }
        return Terminal.ask("Passphrase of \(store)")
    }

    /// Runs something with a desk whose keys were found, and with what finds and carries more.
    func use<Result: Sendable>(
        _ configuration: DeskConfiguration, by readers: ReaderSource = .builtIn,
        _ body: (Desk, Secrets, Transport) async throws -> Result
    ) async throws -> Result {
        do {
            let secrets = Self.secrets()
            let keys = try secrets.credentials(of: configuration.accounts)
            return try await Transport.overHTTP { transport in
                let desk = try Desk(
                    configuration, credentials: keys, readers: readers, transport: transport)
                return try await body(desk, secrets, transport)
            }
        } catch let error as ConfigurationError {
            throw ProgramError(error)
        }
    }

    /// Reads all accounts once, with a line about how far it is for whoever watches.
    func read(
        _ configuration: DeskConfiguration, by readers: ReaderSource = .builtIn
    ) async throws -> Portfolio {
        try await use(configuration, by: readers) { desk, _, _ in
            let portfolio = await desk.read { done, all in
                Terminal.showProgress("reading accounts: \(done) of \(all)")
            }
            Terminal.showProgress("")
            return portfolio
        }
    }
}

extension ProgramError {
    /// A fault of the desk's configuration or secrets.
    init(_ error: ConfigurationError) {
        let status: ExitStatus =
            switch error.kind {
            case .unusable: .badConfiguration
            case .notPermitted: .notPermitted
            case .usage: .usage
            }
        self.init(status, "\(error).")
    }
}

/// The exit codes of the desk's commands, beside those of sysexits(3).
enum DeskExit {
    /// Something that was looked for was found: a contradiction, or an alert.
    static let found = ExitCode(1)
    /// Something was read, and something could not be.
    static let partial = ExitCode(2)

    /// Ends the command where something could not be read; what could was shown before.
    static func check(_ portfolio: Portfolio) throws {
        switch portfolio.outcome {
        case .whole: return
        case .partial:
            for failure in portfolio.failures { Terminal.tell(failure.sentence) }
            throw partial
        case .nothing(let kind):
            let status: ExitStatus =
                switch kind {
                case .authentication, .permission, .withheld: .notPermitted
                case .configuration: .badConfiguration
                case .rateLimited, .unavailable, .unreadable, .refused: .unavailable
                }
            for failure in portfolio.failures.dropFirst() { Terminal.tell(failure.sentence) }
            throw ProgramError(status, portfolio.failures.first?.sentence ?? "No account could be read.")
        }
    }
}
