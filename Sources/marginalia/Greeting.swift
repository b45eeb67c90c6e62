import Foundation
import Server

/// What `serve` tells whoever started it: where the page and the token are, and what to try.
struct Greeting {
    /// The lines, for standard error.
    let lines: [String]

    /// For a server that is ready; the keys are those of the demonstration, where it is loaded.
    init(
        _ ready: ServerReady,
        demonstrationKeys: [(account: String, venue: String, key: KeyRequest)] = []
    ) {
        let rows = [
            ("page", ["\(ready.url)/"]),
            ("token", [ready.tokenFile.map { "in the file \($0)" } ?? "as it was given"]),
            ("try", Self.settings(ready) + Self.commands(isDemonstration: !demonstrationKeys.isEmpty)),
            ("keys", Self.keys(demonstrationKeys)),
        ]
        lines =
            [""]
            + rows.flatMap { label, lines in
                lines.enumerated().map { place, line in
                    let shown = place == 0 ? label : ""
                    return "  " + shown + String(repeating: " ", count: 8 - shown.count) + line
                }
            } + [""]
    }

    /// What the commands need to know of a server that is not where they look first.
    private static func settings(_ ready: ServerReady) -> [String] {
        var settings: [String] = []
        if ready.url != Connection.usualURL { settings.append("MARGINALIA_URL=\(ready.url)") }
        if let file = ready.tokenFile, file != "\(Connection.usualFolder)/admin-token" {
            settings.append("MARGINALIA_ADMIN_TOKEN=$(cat '\(file.replacing("'", with: "'\\''"))')")
        }
        return settings.isEmpty ? [] : ["export " + settings.joined(separator: " ")]
    }

    /// Two commands, by the name that the program was started by.
    private static func commands(isDemonstration: Bool) -> [String] {
        let typed = CommandLine.arguments.first ?? ""
        let program = typed.contains("/") ? typed : "marginalia"
        return ["accounts list", isDemonstration ? "explain demo-okx totalEq" : "rules list"]
            .map { "\(program) \($0)" }
    }

    /// The keys of each venue's main account; the others are in the demonstration's file.
    private static func keys(_ keys: [(account: String, venue: String, key: KeyRequest)]) -> [String] {
        keys.filter { $0.account == "demo-\($0.venue)" }.map { entry in
            [entry.venue, entry.key.apiKey, entry.key.secret, entry.key.passphrase].compactMap { $0 }
                .joined(separator: "  ")
        }
    }
}
