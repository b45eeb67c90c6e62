import ArgumentParser
import Ledger
import Server

/// Which command a command line names, looked up before it is read: a name that is none is told as such, and
/// with the one that was meant.
enum CommandNames {
    /// Refuses a word that stands where a command's name must.
    static func check(_ arguments: [String]) throws(ProgramError) {
        let (path, below, rest) = walk(arguments)
        guard let word = rest.first, !word.hasPrefix("-"), !below.isEmpty, word != "help" else { return }
        throw ProgramError(
            .usage,
            "There is no command \(path.joined(separator: " ")) \(word.prefix(64))."
                + NearestName.question(word, among: below.map { $0._commandName })
                + " See \(path.joined(separator: " ")) --help.")
    }

    /// A message of the command line's reader without the option that it guesses, where that is not near what
    /// was written: it guesses one whatever was written.
    static func withoutFarGuess(_ message: String) -> String {
        let parts = message.split(separator: "'", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "Unknown option ", parts[2] == ". Did you mean ",
            NearestName.of(String(parts[1]), among: [String(parts[3])]) == nil
        else { return message }
        return "Unknown option '\(parts[1])'"
    }

    /// The program's name and those of the command and its subcommand, as far as they are there.
    static func path(_ arguments: [String]) -> [String] { walk(arguments).path }

    private static func walk(
        _ arguments: [String]
    ) -> (path: [String], below: [any ParsableCommand.Type], rest: ArraySlice<String>) {
        var path = ["marginalia"]
        var below = Marginalia.configuration.subcommands
        var rest = arguments[...]
        while let word = rest.first, let command = below.first(where: { $0._commandName == word }) {
            path.append(word)
            below = command.configuration.subcommands
            rest = rest.dropFirst()
        }
        return (path, below, rest)
    }
}
