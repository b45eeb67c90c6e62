import ArgumentParser
import Engine
import JSON
import Journal
import Server

/// `marginalia copy --store URL --to URL`: one store's ledger into another store.
struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies a store into a new one, also beside a running server, and checks the copy.",
        discussion: """
            Example: marginalia copy --store sqlite:marginalia-data/ledger.db --to sqlite:trial/ledger.db
            The copy has every event, key and price that was durable when the command began, and a server \
            can be started on it at once; secrets that are sealed stay so. The admin token is not copied.
            Exit status: 0 done, 64 something is there already, 65 the store is damaged, 69 there is no \
            store or the copy cannot be written.
            """)

    @Option(help: ArgumentHelp("The store; a server may have it open.", valueName: "url"))
    var store: String

    @Option(help: ArgumentHelp("The new store, where nothing is yet.", valueName: "url"))
    var to: String

    @Flag(help: "Writes JSON for programs.")
    var json = false

    func run() async throws {
        guard case .sqlite(let path) = try StoreAddress(to) else {
            throw ProgramError(.usage, "A ledger in memory ends with its program: give --to sqlite:PATH.")
        }
        let made = try await StoreBackup(of: StoreAddress(store), to: path)
        if json {
            print(
                JSONValue.members([
                    ("to", .string(to)), ("events", .integer(made.check.events)),
                    ("accounts", .integer(made.check.accounts)), ("sequence", .integer(made.tip.sequence)),
                ]))
        } else {
            print("\(made.check.events) events, \(made.check.accounts) accounts copied to \(to) and checked")
        }
    }
}
