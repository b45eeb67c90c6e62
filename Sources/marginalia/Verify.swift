import ArgumentParser
import JSON
import Server

/// `marginalia verify --store URL`: checks a journal.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replays a store's journal and checks it against its checksums and snapshots.",
        discussion: "Example: marginalia verify --store sqlite:marginalia-data/ledger.db")

    @Option(help: ArgumentHelp("The store; a server may have it open.", valueName: "url"))
    var store: String

    @Flag(help: "Writes JSON for programs.")
    var json = false

    func run() async throws {
        let address = try StoreAddress(store)
        let found = try await StoreVerification(checking: address)
        if json {
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("sound")
            writer.bool(found.problems.isEmpty)
            writer.key("events")
            writer.integer(found.events)
            writer.key("accounts")
            writer.integer(Int64(found.accounts))
            writer.key("snapshots")
            writer.integer(Int64(found.snapshots))
            writer.key("problems")
            writer.beginArray()
            for problem in found.problems { writer.string(problem) }
            writer.endArray()
            writer.endObject()
            print(writer.text)
        } else {
            for problem in found.problems { print(problem) }
            print("\(found.events) events, \(found.accounts) accounts, \(found.snapshots) snapshots checked")
        }
        if let first = found.problems.first {
            throw ProgramError(
                .badData,
                "The journal \(store) is damaged (\(found.problems.count) findings, the first: \(first)) "
                    + "Restore it from a backup.")
        }
    }
}
