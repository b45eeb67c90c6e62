import ArgumentParser
import JSON
import Server

/// `marginalia accounts …`: the ledger's own state.
struct Accounts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the accounts of a ledger.",
        discussion: "Example: marginalia accounts show desk --token TOKEN",
        subcommands: [List.self, Show.self])

    /// `accounts list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists every account in short.",
            discussion: "Example: marginalia accounts list --token TOKEN")

        @Option(
            help: ArgumentHelp(
                "The state at a past time, ISO 8601 or milliseconds since 1970.", valueName: "time"))
        var asOf: String?

        @OptionGroup var connection: Connection

        func run() async throws {
            let path = try "/admin/v1/accounts" + Accounts.query(asOf)
            let answer = try await connection.use { try await $0.call("GET", path) }
            if connection.json {
                print(answer.body)
                return
            }
            let rows = (answer.body["accounts"]?.elements ?? []).map { account in
                ["account", "venue", "parent", "version", "last_sequence"].map { account.shown($0) }
            }
            printTable(["ACCOUNT", "VENUE", "PARENT", "EVENTS", "LAST SEQUENCE"], rows)
        }
    }

    /// `accounts show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one account: holdings, positions and orders.",
            discussion: "Example: marginalia accounts show desk --as-of 2026-01-31T12:00:00Z --token TOKEN")

        @Argument(help: "The account.")
        var account: String

        @Option(
            help: ArgumentHelp(
                "The state at a past time, ISO 8601 or milliseconds since 1970.", valueName: "time"))
        var asOf: String?

        @OptionGroup var connection: Connection

        func run() async throws {
            let path = try "/admin/v1/accounts/\(OperatorConnection.pathPart(account))" + Accounts.query(asOf)
            let answer = try await connection.use { try await $0.call("GET", path) }
            if connection.json {
                print(answer.body)
                return
            }
            show(answer.body)
        }

        /// One cell; the ledger leaves out what is as usual.
        private static func cell(_ row: JSONValue, _ column: String) -> String {
            let usual = ["position_side": "net", "margin_mode": "cross"]
            return row[column]?.shown ?? usual[column] ?? ""
        }

        private func show(_ account: JSONValue) {
            print("\(account.shown("account")) at \(account.shown("venue"))")
            let parent = account.shown("parent")
            if !parent.isEmpty { print("sub-account of \(parent)") }
            print("settings: \(account.shown("settings"))")
            let parts = [
                ("holdings", ["asset", "cash"]),
                ("positions", ["instrument", "position_side", "margin_mode", "quantity", "cost"]),
                ("orders", ["order_id", "instrument", "side", "remaining", "price"]),
            ]
            for (part, columns) in parts {
                let rows = (account[part]?.elements ?? []).map { row in columns.map { Self.cell(row, $0) } }
                if rows.isEmpty { continue }
                print("")
                printTable(columns.map { $0.uppercased().replacing("_", with: " ") }, rows)
            }
        }
    }

    fileprivate static func query(_ asOf: String?) throws -> String {
        try Measures.time("--as-of", asOf).map { "?as_of=\($0)" } ?? ""
    }
}
