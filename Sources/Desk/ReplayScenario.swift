import JSON
import Ledger
import Venue

/// A scenario that puts recorded accounts into a ledger, so that a server answers as their venue did.
///
/// Nothing of the original account's identity is in it: accounts and keys have made-up names.
public struct ReplayScenario: Sendable {
    /// An account of the scenario with the key that speaks for it.
    public struct Account: Sendable {
        /// The name that it gets.
        public let account: String
        /// The venue that it was recorded at.
        public let venue: VenueName
        /// The made-up key that speaks for it.
        public let credentials: Credentials
        /// What the answers did not tell and had to be assumed.
        public let assumptions: [String]
    }

    /// In the order in which they were given.
    public let accounts: [Account]
    /// The scenario as a file has it.
    public let content: JSONValue

    /// A scenario of statements, each under a name of its own and by a reader of its venue, in the profile
    /// that the venue spoke; at the time of the last one.
    ///
    /// Throws where what a reader makes of a statement is no command.
    public init(
        _ statements: [(name: String, statement: Statement, reader: any VenueClient)]
    ) throws(JSONError) {
        var accounts: [Account] = []
        var openings: [JSONValue] = []
        var commands: [JSONValue] = []
        for (name, statement, reader) in statements {
            let rehosted = reader.rehosted(statement, as: name)
            let credentials = Self.credentials(of: name, at: type(of: reader))
            for text in rehosted.commands {
                let command = try JSONValue(parsing: text)
                if command["type"]?.text == "open_account" {
                    openings.append(Self.opening(command, credentials))
                } else {
                    commands.append(command)
                }
            }
            accounts.append(
                Account(
                    account: name, venue: statement.venue, credentials: credentials,
                    assumptions: rehosted.assumptions))
        }
        let time = statements.map(\.statement.takenAt).max() ?? 0
        self.accounts = accounts
        content = .members([
            ("name", .string("replay")),
            ("ledger_time", .string(LedgerTime(milliseconds: time).iso8601)),
            ("accounts", .array(openings)), ("commands", .array(commands)),
        ])
    }

    /// A key that anybody can see is none of a real account.
    private static func credentials(of name: String, at venue: any Venue.Type) -> Credentials {
        Credentials(
            apiKey: "replay-\(name)-key", secret: "replay-\(name)-secret",
            passphrase: venue.hasPassphrases ? "replay-\(name)-passphrase" : nil)
    }

    private static func opening(_ command: JSONValue, _ credentials: Credentials) -> JSONValue {
        var key: [(key: String, value: JSONValue)] = [
            ("api_key", .string(credentials.apiKey)), ("secret", .string(credentials.secret)),
        ]
        if let passphrase = credentials.passphrase { key.append(("passphrase", .string(passphrase))) }
        let members = (command.object?.members ?? []).filter { $0.key != "type" }
        return .members(members + [("keys", .array([.members(key)]))])
    }
}
