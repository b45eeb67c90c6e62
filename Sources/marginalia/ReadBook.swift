import ArgumentParser
import Desk
import JSON
import Logging
import Server
import Venue

/// Real accounts, read at their venues and put into a ledger in memory, so that whatever works on a ledger
/// works on them.
struct ReadBook {
    /// The desk's configuration file.
    let configuration: String

    /// Reads, builds the ledger, runs, and forgets it.
    func use<Result>(_ body: (OperatorConnection) async throws -> Result) async throws -> Result {
        let source = try DeskSource.parse(["--config", configuration])
        let read = try await source.read(try source.configuration())
        if read.accounts.isEmpty { try DeskExit.check(read) }
        for failure in read.failures { Terminal.tell(failure.sentence) }
        let named = read.statements.map { statement in
            (name: Self.accountName(statement.account), statement: statement)
        }
        let replay = try ReplayScenario(named)
        for account in replay.accounts {
            for assumption in account.assumptions { Terminal.tell("\(account.account): \(assumption)") }
        }
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
        let ledger = try await OperatorConnection(store: .memory, logger: Logger(label: "marginalia"))
        do {
            let scenario = try Scenario(file: "book.json", content: Array("\(replay.content)".utf8))
            _ = try await scenario.apply(through: ledger)
            let result = try await body(ledger)
            await ledger.close()
            return result
        } catch {
            await ledger.close()
            throw error
        }
    }

    /// A sub-account's name has a stroke in it, which the ledger's names do not have.
    private static func accountName(_ name: String) -> String {
        String(
            name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "." }.prefix(
                64))
    }
}
