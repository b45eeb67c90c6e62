import Foundation
import JSON
import Ledger
import Testing
import Venue

@testable import Desk

/// Where keys are found, and where they are not taken from.
final class SecretTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func file(_ text: String, mode: Int = 0o600) throws -> String {
        let path = "\(folder)/\(UUID().uuidString).json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func secrets(_ environment: [String: String] = [:], passphrase: String? = nil) -> Secrets {
        Secrets(
            environment: environment, document: { _, content in try JSONValue(parsing: content) },
            passphrase: { _ in passphrase })
    }

    private func entry(_ source: SecretSource, name: String = "main") -> AccountEntry {
        AccountEntry(name: name, venue: VenueName(rawValue: "okx"), credentials: source)
    }

    @Test func fromTheEnvironment() throws {
        let found = try secrets(["A_API_KEY": "k", "A_SECRET": "made-up"])
            .credentials(of: [entry(.environment("A"))])
        #expect(found["main"]?.apiKey == "k")
        #expect(found["main"]?.passphrase == nil)
        #expect(throws: ConfigurationError.self) {
            try secrets(["A_API_KEY": "k"]).credentials(of: [entry(.environment("A"))])
        }
    }

    @Test func accountsAndEntriesThatLookAlikeAreTwo() throws {
        let names = ["caf\u{e9}", "cafe\u{301}"]
        var store = SealedStore()
        for (number, name) in names.enumerated() {
            store.entries[ExactText(name)] = Credentials(
                apiKey: "k\(number)", secret: "made-up", passphrase: nil)
        }
        let path = "\(folder)/alike.json"
        try store.save(to: path, passphrase: "p")
        let found = try secrets(passphrase: "p").credentials(
            of: names.map { entry(.sealed(store: path, entry: $0), name: $0) })
        #expect(names.map { found[ExactText($0)]?.apiKey } == ["k0", "k1"])
        // Keys that look alike are two as well.
        let environment = [
            "A_API_KEY": names[0], "A_SECRET": "made-up", "B_API_KEY": names[1], "B_SECRET": "made-up",
        ]
        #expect(
            try secrets(environment).credentials(
                of: [entry(.environment("A"), name: "a"), entry(.environment("B"), name: "b")]
            ).count == 2)
    }

    @Test func fromAFileOfItsOwnerOnly() throws {
        let text = #"{"api_key":"k","secret":"made-up","passphrase":"p"}"#
        let found = try secrets().credentials(of: [entry(.file(try file(text)))])
        #expect(found["main"]?.passphrase == "p")
        for mode in [0o640, 0o604, 0o620, 0o660, 0o644, 0o601] {
            do {
                _ = try secrets().credentials(of: [entry(.file(try file(text, mode: mode)))])
                Issue.record("mode \(String(mode, radix: 8)) was taken")
            } catch let error as ConfigurationError {
                #expect(error.kind == .notPermitted)
                #expect(error.message.contains("chmod 600"))
            }
        }
    }

    @Test(arguments: [
        #"{"api_key":"k"}"#, #"{"api_key":"k","secret":""}"#,
        #"{"api_key":"k","made-up-secret":"x","secret":"s"}"#,
        #""made-up-secret""#, "made-up-secret", "",
    ])
    func aBadFileIsRefusedWithoutRepeatingIt(_ text: String) throws {
        do {
            _ = try secrets().credentials(of: [entry(.file(try file(text)))])
            Issue.record("\(text) was taken")
        } catch let error as ConfigurationError {
            #expect(!error.description.contains("made-up-secret"))
            #expect(error.description.contains("main at okx"))
        }
    }

    @Test func theSameKeyTwiceWouldCountTwice() throws {
        let environment = ["A_API_KEY": "k", "A_SECRET": "s", "B_API_KEY": "k", "B_SECRET": "s"]
        #expect(throws: ConfigurationError.self) {
            try secrets(environment).credentials(of: [
                entry(.environment("A"), name: "a"), entry(.environment("B"), name: "b"),
            ])
        }
    }

    @Test func aSealedStoreOpensWithItsPassphraseOnly() throws {
        let path = "\(folder)/keys"
        var store = SealedStore()
        store.entries["okx"] = Credentials(
            apiKey: "k", secret: "made-up-secret", passphrase: "made-up-phrase")
        try store.save(to: path, passphrase: "open sesame")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("made-up"))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        let source = SecretSource.sealed(store: path, entry: "okx")
        let found = try secrets(passphrase: "open sesame").credentials(of: [entry(source)])
        #expect(found["main"]?.secret == "made-up-secret")
        #expect(found["main"]?.passphrase == "made-up-phrase")
        for wrong in ["open sesam", "", nil] {
            do throws(ConfigurationError) {
                _ = try secrets(passphrase: wrong).credentials(of: [entry(source)])
                Issue.record("it opened")
            } catch {
                #expect(error.kind == .notPermitted)
            }
        }
    }

    @Test func everyChangeOfASealedStoreIsNoticed() throws {
        var store = SealedStore()
        store.entries["okx"] = Credentials(apiKey: "k", secret: "s", passphrase: nil)
        let sealed = try store.sealed(passphrase: "p")
        #expect(try SealedStore(opening: sealed, passphrase: "p").entries["okx"]?.apiKey == "k")
        var refused = 0
        // Every seventh byte is enough to meet the format, the cost, the salt and the box.
        for place in stride(from: 0, to: sealed.count - 1, by: 7) {
            var changed = sealed
            changed[place] ^= 1
            if (try? SealedStore(opening: changed, passphrase: "p")) == nil { refused += 1 }
        }
        #expect(refused == (sealed.count - 1 + 6) / 7)
    }
}
