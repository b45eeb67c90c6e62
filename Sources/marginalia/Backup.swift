import ArgumentParser
import Engine
import JSON
import Journal
import Server

/// `marginalia backup --store URL --to PATH`: a checked copy of a store.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies a store into one file, also beside a running server, and checks the copy.",
        discussion: """
            Example: marginalia backup --store sqlite:marginalia-data/ledger.db --to ledger-2026-11-20.db
            The copy has all that was durable when the command began, and mode 0600. It is checked as by \
            marginalia verify before it gets its name. To restore it, put it in the store's place.
            Exit status: 0 done, 64 something is at that path, 65 the store is damaged, 69 there is no store \
            or the copy cannot be written.
            """)

    @Option(help: ArgumentHelp("The store; a server may have it open.", valueName: "url"))
    var store: String

    @Option(help: ArgumentHelp("The copy, where nothing is yet.", valueName: "path"))
    var to: String

    @Flag(help: "Writes JSON for programs.")
    var json = false

    func run() async throws {
        let made = try await StoreBackup(of: StoreAddress(store), to: to)
        if json {
            print(
                JSONValue.members([
                    ("to", .string(to)), ("bytes", .integer(made.bytes)),
                    ("events", .integer(made.check.events)),
                    ("accounts", .integer(Int64(made.check.accounts))),
                    ("snapshots", .integer(Int64(made.check.snapshots))),
                    ("sequence", .integer(made.tip.sequence)),
                    ("checksum", .string(String(made.tip.checksum))),
                ]))
        } else {
            print(
                "\(made.check.events) events, \(made.check.accounts) accounts copied to \(to) and checked "
                    + "(\(made.bytes) bytes)")
        }
    }
}
