import ArgumentParser
import Desk
import JSON
import Ledger
import Logging
import Server
import Venue

/// Real accounts, read at their venues and put into a ledger in memory, so that whatever works on a ledger
/// works on them.
struct ReadBook {
    /// The desk's configuration file.
    let configuration: String
    /// Rules of the operator's own.
    let rulebook: RulebookSource

    /// Reads, builds the ledger, runs with it and with what it calls an account of the desk, and forgets it.
    func use<Result>(
        _ body: (OperatorConnection, _ name: (String) -> String) async throws -> Result
    ) async throws -> Result {
        let source = try DeskSource.parse(["--config", configuration])
        let rulebooks = try rulebook.files()
        let readers = try RulebookSource.readers(by: rulebooks)
        let desk = try source.configuration()
        let profiles = try Self.profiles(of: desk)
        let read = try await source.read(desk, by: readers)
        if read.accounts.isEmpty { try DeskExit.check(read) }
        for failure in read.failures { Terminal.tell(failure.sentence) }
        var names: [String] = []
        for statement in read.statements { names.append(Self.accountName(statement.account, beside: names)) }
        let named = try zip(names, read.statements).map { name, statement in
            (
                name: name, statement: statement,
                reader: try readers.reader(of: statement.venue, profile: desk.profile(of: statement))
            )
        }
        let replay = try ReplayScenario(named)
        for account in replay.accounts {
            for assumption in account.assumptions { Terminal.tell("\(account.account): \(assumption)") }
        }
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
        let ledger = try await OperatorConnection(
            store: .memory, rulebooks: rulebooks, profiles: profiles,
            logger: Logger(label: "marginalia"))
        do {
            let scenario = try Scenario(file: "book.json", content: Array("\(replay.content)".utf8))
            _ = try await scenario.apply(through: ledger)
            let result = try await body(ledger) { account in
                zip(names, read.statements).first { $1.account.isExactly(account) }?.0 ?? account
            }
            await ledger.close()
            return result
        } catch {
            await ledger.close()
            throw error
        }
    }

    /// The form that each venue speaks in the ledger: that of its accounts.
    private static func profiles(of desk: DeskConfiguration) throws -> [VenueName: WireProfile] {
        var profiles: [VenueName: WireProfile] = [:]
        for account in desk.accounts {
            if let other = profiles[account.venue], other != account.profile {
                throw ProgramError(
                    .badConfiguration,
                    "The accounts of \(account.venue) have different profiles, and a ledger has one for each "
                        + "venue: give --book a configuration for the documented ones and one for the live.")
            }
            profiles[account.venue] = account.profile
        }
        return profiles
    }

    /// A sub-account's name has a stroke in it, and names of the desk may have other signs that the ledger's
    /// do not have; those that are one without them get a number.
    private static func accountName(_ name: String, beside others: [String]) -> String {
        let text = name.map { $0.asciiValue?.isOfPlainName == true ? $0 : "." }
        var named = String(text.prefix(64))
        var number = 2
        while others.contains(named) {
            named = "\(String(text.prefix(56)))-\(number)"
            number += 1
        }
        return named
    }
}
