import ArgumentParser
import Desk
import Server
import Venue
import Venues

/// Rules of the operator's own, as `serve` takes them.
struct RulebookSource: ParsableArguments {
    @Option(
        name: .customLong("rulebook"),
        help: ArgumentHelp("Adds or replaces a rulebook version; repeatable.", valueName: "file"))
    var names: [String] = []

    /// The files, read; what is wrong in one is told with its line and field.
    func files() throws -> [RulebookFile] { try names.map { try RulebookFile(file: $0) } }

    /// The venues' readers by the built-in rules and these.
    func readers() throws -> ReaderSource { try Self.readers(by: files()) }

    /// The venues' readers by the built-in rules and those of files that were read.
    static func readers(by files: [RulebookFile]) throws -> ReaderSource {
        if files.isEmpty { return .builtIn }
        var readers: [WireProfile: [any VenueClient]] = [:]
        for profile in WireProfile.allCases {
            let profiles = Dictionary(uniqueKeysWithValues: Venues.names.map { ($0, profile) })
            readers[profile] = try VenueRegistry.clients(rulebooks: files, profiles: profiles)
        }
        return ReaderSource(readers)
    }
}
