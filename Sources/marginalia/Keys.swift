import ArgumentParser
import JSON
import Server
import Venue
import Venues

/// `marginalia keys …`: the keys that clients sign with.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Issues, lists and revokes the API keys of an account.",
        discussion: "Example: marginalia keys issue desk --permission read --token TOKEN",
        subcommands: [Issue.self, List.self, Revoke.self, Seal.self, Unseal.self])

    /// `keys issue`.
    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issues a key and shows its secret, once.",
            discussion:
                "Example: marginalia keys issue desk --permission read --permission trade --token TOKEN")

        @Argument(help: "The account that the key speaks for.")
        var account: String

        @Option(help: ArgumentHelp("read, trade or withdraw; repeatable. (default: read)", valueName: "name"))
        var permission: [String] = []

        @Option(
            help: ArgumentHelp("An address or network that may use it; repeatable.", valueName: "address"))
        var ip: [String] = []

        @Option(help: ArgumentHelp("A key of your own choosing.", valueName: "key"))
        var apiKey: String?

        @Option(help: ArgumentHelp("Its secret.", valueName: "text"))
        var secret: String?

        @Option(
            help: ArgumentHelp(
                "Its passphrase, at \(Venues.titles { $0.hasPassphrases }).", valueName: "text"))
        var passphrase: String?

        @OptionGroup var connection: Connection

        func run() async throws {
            let request = try self.request()
            let answer = try await connection.use { connection in
                try await connection.call(
                    "POST", "/admin/v1/accounts/\(OperatorConnection.pathPart(account))/keys",
                    body: request.encoded())
            }
            if connection.json {
                print(answer.body)
                return
            }
            print("api_key:    \(answer.body.shown("api_key"))")
            print("secret:     \(answer.body.shown("secret"))")
            let passphrase = answer.body.shown("passphrase")
            if !passphrase.isEmpty { print("passphrase: \(passphrase)") }
        }

        private func request() throws -> KeyRequest {
            var permissions: Set<APIKey.Permission> = []
            for name in permission.isEmpty ? ["read"] : permission {
                guard let found = APIKey.Permission(rawValue: name) else {
                    throw ProgramError(
                        .usage, "There is no permission \"\(name)\": give read, trade or withdraw.")
                }
                permissions.insert(found)
            }
            var addresses: [AddressRange] = []
            for text in ip {
                guard let range = AddressRange(text) else {
                    throw ProgramError(
                        .usage,
                        "\"\(text)\" is no address: give one such as 10.1.2.3 or 10.0.0.0/8 with --ip.")
                }
                addresses.append(range)
            }
            return KeyRequest(
                apiKey: apiKey, secret: secret, passphrase: passphrase, permissions: permissions,
                addresses: addresses)
        }
    }

    /// `keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists an account's keys, without their secrets.",
            discussion: "Example: marginalia keys list desk --json --token TOKEN")

        @Argument(help: "The account.")
        var account: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let answer = try await connection.use { connection in
                try await connection.call(
                    "GET", "/admin/v1/accounts/\(OperatorConnection.pathPart(account))/keys")
            }
            if connection.json {
                print(answer.body)
                return
            }
            let rows = (answer.body["keys"]?.elements ?? []).map { key in
                [
                    key.shown("api_key"),
                    (key["permissions"]?.elements ?? []).map(\.shown).joined(separator: ","),
                    (key["ip_allowlist"]?.elements ?? []).map(\.shown).joined(separator: ","),
                ]
            }
            printTable(["API KEY", "PERMISSIONS", "ADDRESSES"], rows)
        }
    }

    /// `keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes a key: from then on the venue does not know it.",
            discussion: "Example: marginalia keys revoke desk demo-okx-key --token TOKEN")

        @Argument(help: "The account.")
        var account: String

        @Argument(help: "The key.")
        var apiKey: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let path =
                "/admin/v1/accounts/\(OperatorConnection.pathPart(account))/keys/"
                + OperatorConnection.pathPart(apiKey)
            _ = try await connection.use { try await $0.call("DELETE", path) }
            print(connection.json ? "{\"revoked\":true}" : "revoked")
        }
    }
}
