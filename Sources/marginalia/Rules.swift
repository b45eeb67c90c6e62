import ArgumentParser
import JSON
import Server

/// `marginalia rules …`: the rulebook versions, and what a change of rules does to an account.
struct Rules: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the rulebook versions, and what a change of rules does to an account.",
        discussion: "Example: marginalia rules diff desk --to 2026-12-01T00:00:00Z --token TOKEN",
        subcommands: [List.self, Diff.self])

    /// `rules list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists every rulebook version with its source.",
            discussion: "Example: marginalia rules list --token TOKEN")

        @OptionGroup var connection: Connection

        func run() async throws {
            let answer = try await connection.use { try await $0.call("GET", "/admin/v1/rulebooks").body }
            if connection.json {
                print(answer)
                return
            }
            let rows = (answer["rulebooks"]?.elements ?? []).map { version in
                ["venue", "effective", "in_force", "read_on", "source"].map { version.shown($0) }
            }
            printTable(["VENUE", "EFFECTIVE", "IN FORCE", "READ ON", "SOURCE"], rows)
        }
    }

    /// `rules diff`.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the figures of an account that differ between the rules of two times.",
            discussion: """
                Example: marginalia rules diff desk --to 2026-12-01T00:00:00Z --token TOKEN
                Account and prices are those of now; a coming version is loaded by serve --rulebook FILE.
                """)

        @Argument(help: "The account.")
        var account: String

        @Option(help: ArgumentHelp("The rules of this time. (default: those in force)", valueName: "time"))
        var from: String?

        @Option(help: ArgumentHelp("Against the rules of this time.", valueName: "time"))
        var to: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let path = "/admin/v1/accounts/\(OperatorConnection.pathPart(account))/statement"
            let (old, new) = (try Self.query("--from", from), try Self.query("--to", to))
            let (before, after) = try await connection.use { connection in
                let before = try await connection.call("GET", path + old).body
                return (before, try await connection.call("GET", path + new).body)
            }
            let changes = Self.changes(from: before, to: after)
            if connection.json {
                print(
                    JSONValue.array(
                        changes.map { change in
                            .object(
                                JSONObject([
                                    ("path", .string(change.path)), ("from", change.before ?? .null),
                                    ("to", change.after ?? .null),
                                ]))
                        }))
                return
            }
            if changes.isEmpty {
                print("no figure differs")
                return
            }
            printTable(
                ["FIGURE", "FROM", "TO"],
                changes.map { [$0.path, $0.before?.shown ?? "-", $0.after?.shown ?? "-"] })
        }

        private static func query(_ option: String, _ time: String?) throws -> String {
            try Measures.time(option, time).map { "?rules_at=\($0)" } ?? ""
        }

        /// Fields that tell the time of an answer, not a figure.
        private static let times = ["uTime", "ts"]

        /// The scalars that differ, in the order of the first body and then of the second.
        private static func changes(
            from before: JSONValue, to after: JSONValue
        ) -> [(path: String, before: JSONValue?, after: JSONValue?)] {
            let old = leaves(of: before)
            let new = leaves(of: after)
            let oldValues = Dictionary(old) { first, _ in first }
            let newValues = Dictionary(new) { first, _ in first }
            var seen: Set<String> = []
            return (old + new).compactMap { path, _ in
                guard seen.insert(path).inserted, oldValues[path] != newValues[path] else { return nil }
                return (path, oldValues[path], newValues[path])
            }
        }

        private static func leaves(of value: JSONValue, path: String = "") -> [(String, JSONValue)] {
            switch value {
            case .object(let object):
                return object.members.filter { !times.contains($0.key) }.flatMap { key, member in
                    leaves(of: member, path: path.isEmpty ? key : "\(path).\(key)")
                }
            case .array(let elements):
                return elements.enumerated().flatMap { place, element in
                    leaves(of: element, path: "\(path).\(name(of: element) ?? String(place))")
                }
            default: return [(path, value)]
            }
        }

        /// What a row is called by: its coin, asset, symbol or instrument.
        private static func name(of row: JSONValue) -> String? {
            ["ccy", "asset", "symbol", "instrument_name"].lazy.compactMap { row[$0]?.text }.first
        }
    }
}
