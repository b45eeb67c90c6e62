import ArgumentParser
import Foundation
import Server
import Venues

/// The program's entry: runs a command, and turns whatever stops it into one sentence and an exit status.
@main
struct Program {
    static func main() async {
        // A reader that goes away (`| head`) must not kill the program without a word.
        signal(SIGPIPE, SIG_IGN)
        do {
            try CommandNames.check(Array(CommandLine.arguments.dropFirst()))
            var command = try Marginalia.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try finishOutput()
        } catch let error as ProgramError {
            end(error)
        } catch let found as ExitCode {
            // The command has said what there is to say.
            exit(found.rawValue)
        } catch {
            end(parsing: error)
        }
    }

    /// Writes what is left of standard output. A reader that has gone away wanted no more; a full disk is an
    /// error.
    private static func finishOutput() throws(ProgramError) {
        guard fflush(nil) != 0, errno != EPIPE else { return }
        throw ProgramError(
            .unavailable, "Standard output cannot be written: \(String(cString: strerror(errno))).")
    }

    private static func end(_ error: ProgramError) -> Never {
        Terminal.tell(error.message)
        exit(error.status.rawValue)
    }

    /// Ends after an error of the command line's reader; asking for help is none.
    private static func end(parsing error: any Error) -> Never {
        let code = Marginalia.exitCode(for: error)
        if code == .success {
            printLines(Marginalia.fullMessage(for: error))
            exit(ExitStatus.done.rawValue)
        }
        if code == .validationFailure {
            var message = CommandNames.withoutFarGuess(Marginalia.message(for: error))
            if message.hasSuffix(".") { message.removeLast() }
            let named = CommandNames.path(Array(CommandLine.arguments.dropFirst())).joined(separator: " ")
            let link = message.hasSuffix("?") ? " See" : ": see"
            end(ProgramError(.usage, "\(message)\(link) \(named) --help."))
        }
        end(ProgramError(.internalFault, "The program failed: \(error)."))
    }
}

/// The program and its subcommands.
struct Marginalia: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "marginalia",
        abstract: "A margin venue you can run: exchange accounts, exact to the last digit.",
        discussion: """
            Example: marginalia serve --demo
            Then open http://127.0.0.1:8080/ or point a client of one of its venues there: \(Venues.listed).
            """,
        version: "0.1.0",
        subcommands: [
            Serve.self, Keys.self, Accounts.self, Explain.self, Stress.self, Rules.self, Apply.self,
            Verify.self, Backup.self, Copy.self, PortfolioCommand.self, Audit.self, Watch.self, Record.self,
            History.self,
            Replay.self, Rehost.self, DeskKeys.self, ModelContext.self, Health.self,
        ])
}
