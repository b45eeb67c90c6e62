import ArgumentParser
import Foundation
import JSON
import Logging
import Server

/// Where a command finds the ledger: a running server, or a store that no server has open.
struct Connection: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A running server; else MARGINALIA_URL. (default: http://127.0.0.1:8080)", valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "The server's admin token; else MARGINALIA_ADMIN_TOKEN, else marginalia-data/admin-token.",
            valueName: "token"))
    var token: String?

    @Option(help: ArgumentHelp("A store that no server has open, instead of a server.", valueName: "url"))
    var store: String?

    @OptionGroup var seal: SealOption

    @Flag(help: "Writes JSON for programs.")
    var json = false

    /// Where a server is that was told nothing else.
    static let usualURL = "http://127.0.0.1:8080"
    /// Where a server keeps its token that was told nothing else.
    static let usualFolder = "marginalia-data"

    /// The server's address: given, of the environment, or the usual one.
    static func address(_ given: String?) throws(ProgramError) -> String {
        if let given { return given }
        guard let named = ProcessInfo.processInfo.environment["MARGINALIA_URL"], !named.isEmpty else {
            return usualURL
        }
        do { try OperatorConnection.check(url: named) } catch {
            throw ProgramError(.badConfiguration, "MARGINALIA_URL: \(error.message)")
        }
        return named
    }

    func validate() throws {
        if store != nil, url != nil || token != nil {
            throw ValidationError("Give either --store or --url and --token")
        }
    }

    /// Connects, runs, and closes again.
    func use<Result>(_ body: (OperatorConnection) async throws -> Result) async throws -> Result {
        let connection = try await open()
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    private func open() async throws -> OperatorConnection {
        if let store {
            LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
            return try await OperatorConnection(
                store: StoreAddress(store), sealKeys: seal.source(), logger: Logger(label: "marginalia"))
        }
        let named = ProcessInfo.processInfo.environment["MARGINALIA_ADMIN_TOKEN"]
        let given = token ?? (named?.isEmpty == false ? named : nil)
        let kept = try given ?? AdminToken.kept(folder: Self.usualFolder)
        guard let kept else {
            throw ProgramError(
                .notPermitted,
                "An admin token is needed: give --token or set MARGINALIA_ADMIN_TOKEN; marginalia serve says "
                    + "where its own is.")
        }
        return try OperatorConnection(url: Self.address(url), token: kept)
    }
}

/// What the API secrets of a store are sealed with.
struct SealOption: ParsableArguments {
    @Option(
        name: .customLong("seal-keys"),
        help: ArgumentHelp(
            "What a store's API secrets are sealed with: file:PATH or env:NAME.", valueName: "source"))
    var text: String?

    /// Where the passphrase is; nil where none was named, here or in the environment.
    func source() throws -> PassphraseSource? {
        let given = text ?? ProcessInfo.processInfo.environment["MARGINALIA_SEAL_KEYS"]
        guard let given, !given.isEmpty else { return nil }
        guard let source = PassphraseSource(given) else {
            // What was given may be the passphrase itself.
            throw ProgramError(.usage, "--seal-keys must be file:PATH or env:NAME.")
        }
        return source
    }
}

/// Writes columns of text under each other.
func printTable(_ header: [String], _ rows: [[String]]) {
    let all = ([header] + rows).map { $0.map(\.visible) }
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    for row in all {
        var line = ""
        for (column, cell) in row.enumerated() {
            line += cell
            if column < row.count - 1 {
                line += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
        }
        print(line)
    }
}

extension JSONValue {
    /// A scalar as people read it; a composite as JSON.
    var shown: String {
        switch self {
        case .string(let text), .number(let text): text
        case .null: ""
        default: description
        }
    }

    /// A member as people read it; empty where it is absent.
    func shown(_ key: String) -> String { self[key]?.shown ?? "" }
}
