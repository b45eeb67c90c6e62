import ArgumentParser
import Desk
import Foundation
import JSON
import Server
import Venue

/// `marginalia desk …`: the desk's own keys in a sealed store.
struct DeskKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "desk",
        abstract: "Keeps the desk's keys in a sealed store.",
        discussion: """
            Example: marginalia desk seal keys.sealed okx-main --from okx.json
            The passphrase comes from MARGINALIA_DESK_PASSPHRASE or is asked for.
            """,
        subcommands: [Seal.self, List.self, Remove.self])

    /// A store's file and its passphrase.
    struct Store: ParsableArguments {
        @Argument(help: "The store's file.")
        var store: String

        @Flag(help: "Writes JSON for programs.")
        var json = false

        func passphrase() throws -> String {
            guard let text = DeskSource.passphrase(of: store, ProcessInfo.processInfo.environment) else {
                throw ProgramError(
                    .notPermitted,
                    "The sealed store \(store) needs a passphrase: set \(Secrets.passphraseVariable).")
            }
            return text
        }

        /// Opens the store, changes it, and writes it back.
        func change(_ body: (inout SealedStore) throws -> Void, mayBeNew: Bool) throws {
            let passphrase = try passphrase()
            do {
                guard
                    var content = try SealedStore.open(store, passphrase: passphrase)
                        ?? (mayBeNew ? SealedStore() : nil)
                else { throw missing }
                try confirm(passphrase)
                try body(&content)
                try content.save(to: store, passphrase: passphrase)
            } catch let error as ConfigurationError {
                throw ProgramError(error)
            }
        }

        /// Asks again for a passphrase that was typed for a new store: one that nobody meant opens nothing.
        private func confirm(_ passphrase: String) throws {
            let isGiven = ProcessInfo.processInfo.environment[Secrets.passphraseVariable]?.isEmpty == false
            guard !isGiven, !FileManager.default.fileExists(atPath: store) else { return }
            guard Terminal.ask("Once more, for the new store") == passphrase else {
                throw ProgramError(.usage, "The two passphrases differ: nothing was written; try again.")
            }
        }

        var missing: ProgramError {
            ProgramError(
                .badConfiguration,
                "The sealed store \(store) does not exist: make it with marginalia desk seal.")
        }
    }

    /// `desk seal`.
    struct Seal: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a key into a store, which is made if there is none.",
            discussion: """
                Example: marginalia desk seal keys.sealed okx-main --from okx.json
                Without --from, key, secret and passphrase are asked for, unseen; - reads standard input.
                """)

        @OptionGroup var store: Store

        @Argument(help: "What the entry is called.")
        var entry: String

        @Option(
            help: ArgumentHelp(
                "A JSON or YAML file with api_key, secret and passphrase; delete it afterwards.",
                valueName: "file"))
        var from: String?

        func validate() throws {
            if entry.isEmpty { throw ValidationError("The entry needs a name") }
        }

        func run() throws {
            let credentials = try self.credentials()
            try store.change({ $0.entries[ExactText(entry)] = credentials }, mayBeNew: true)
            print(store.json ? "{\"sealed\":true}" : "sealed")
        }

        private func credentials() throws -> Credentials {
            guard let from else { return try typed() }
            let content =
                from == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: from)
            guard let content, let text = String(validating: content, as: UTF8.self) else {
                throw ProgramError(.badConfiguration, "The file \(from) cannot be read: check its name.")
            }
            let value = try? SourceDocument(
                file: from, content: Array(text.utf8), numbers: .asText, failure: .badConfiguration
            ).value
            guard let value else {
                throw ProgramError(.badConfiguration, "The file \(from) is neither JSON nor YAML.")
            }
            do { return try Credentials(value) } catch {
                throw ProgramError(.badConfiguration, "The file \(from): \(error).")
            }
        }

        private func typed() throws -> Credentials {
            guard let key = Terminal.ask("API key"), let secret = Terminal.ask("Secret") else {
                throw ProgramError(
                    .badConfiguration, "A key needs api_key and secret: type them, or give --from FILE.")
            }
            return Credentials(
                apiKey: key, secret: secret, passphrase: Terminal.ask("Passphrase of the key, if any"))
        }
    }

    /// `desk list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists a store's entries, without secrets.",
            discussion: "Example: marginalia desk list keys.sealed")

        @OptionGroup var store: Store

        func run() throws {
            do {
                guard let content = try SealedStore.open(store.store, passphrase: try store.passphrase())
                else { throw store.missing }
                let names = content.entries.keys.map(\.text).sorted()
                if store.json {
                    print(JSONValue.array(names.map { .string($0) }))
                } else {
                    for name in names { print(name) }
                }
            } catch let error as ConfigurationError {
                throw ProgramError(error)
            }
        }
    }

    /// `desk remove`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a key from a store.",
            discussion: "Example: marginalia desk remove keys.sealed okx-main")

        @OptionGroup var store: Store

        @Argument(help: "The entry.")
        var entry: String

        func run() throws {
            try store.change(
                { content in
                    guard content.entries.removeValue(forKey: ExactText(entry)) != nil else {
                        throw ProgramError(.usage, "The sealed store \(store.store) has no entry \(entry).")
                    }
                }, mayBeNew: false)
            print(store.json ? "{\"removed\":true}" : "removed")
        }
    }
}
