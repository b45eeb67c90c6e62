import Crypto
import CryptoExtras
import Foundation
import JSON
import Venue

/// Keys in a file that says nothing without its passphrase: AES-256-GCM under a key that scrypt derives.
///
/// The file is JSON: what derives the key stands readably, is sealed with the content as its associated data,
/// and so cannot be changed unnoticed.
public struct SealedStore: Sendable {
    /// Entries by name.
    public var entries: [String: Credentials]

    /// scrypt's cost: 2^15 rounds of 8 blocks take 32 MB and a tenth of a second.
    private static let rounds = 1 << 15
    private static let blockSize = 8
    private static let parallelism = 1
    private static let memory = 64 << 20

    /// An empty store.
    public init() { entries = [:] }

    /// Opens the store in a file; nil where there is no file.
    ///
    /// Throws `notPermitted` for a wrong passphrase, a file that was changed, and one that others can read.
    public static func open(
        _ path: String, passphrase: String
    ) throws(ConfigurationError) -> SealedStore? {
        guard let bytes = try SecretFile.read(path) else { return nil }
        do {
            return try SealedStore(opening: bytes, passphrase: passphrase)
        } catch {
            throw ConfigurationError(error.kind, [], "the sealed store \(path) \(error.message)")
        }
    }

    /// Writes the store to a file, sealed anew with a fresh salt.
    public func save(to path: String, passphrase: String) throws(ConfigurationError) {
        try SecretFile.write(try sealed(passphrase: passphrase), to: path)
    }

    // MARK: - Sealing

    /// The store as a file's content.
    func sealed(passphrase: String) throws(ConfigurationError) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let header = Header(rounds: Self.rounds, salt: salt)
        do {
            let key = try header.key(passphrase)
            let box = try AES.GCM.seal(
                Array(content.description.utf8), using: key, authenticating: header.text)
            guard let combined = box.combined else {
                throw ConfigurationError([], "the store cannot be sealed")
            }
            let file = JSONValue.object(
                JSONObject(header.members + [("box", .string(hexText(combined)))]))
            return Array(file.description.utf8) + [UInt8(ascii: "\n")]
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError([], "the store cannot be sealed")
        }
    }

    /// Reads a file's content.
    init(opening bytes: [UInt8], passphrase: String) throws(ConfigurationError) {
        guard let value = try? JSONValue(parsing: bytes), let header = Header(value),
            let box = value["box"]?.text.flatMap({ hexBytes($0) })
        else {
            throw ConfigurationError([], "is none, or was made by another version of marginalia")
        }
        guard let key = try? header.key(passphrase),
            let sealedBox = try? AES.GCM.SealedBox(combined: box),
            let content = try? AES.GCM.open(sealedBox, using: key, authenticating: header.text)
        else {
            throw ConfigurationError(
                .notPermitted, [], "does not open: the passphrase is wrong, or the file was changed")
        }
        self.init()
        guard let object = (try? JSONValue(parsing: content))?.object else {
            throw ConfigurationError([], "holds no keys; make it anew")
        }
        for (name, entry) in object.members { entries[name] = try Credentials(entry) }
    }

    private var content: JSONValue {
        let members = entries.sorted { $0.key < $1.key }.map { name, entry in
            var fields: [(key: String, value: JSONValue)] = [
                ("api_key", .string(entry.apiKey)), ("secret", .string(entry.secret)),
            ]
            if let passphrase = entry.passphrase { fields.append(("passphrase", .string(passphrase))) }
            return (key: name, value: JSONValue.members(fields))
        }
        return .members(members)
    }

    /// What stands readably at the top of the file.
    private struct Header {
        static let format = "marginalia-sealed-1"

        let rounds: Int
        let salt: [UInt8]

        init(rounds: Int, salt: [UInt8]) {
            self.rounds = rounds
            self.salt = salt
        }

        /// Nil for another format, and for a cost that would take this machine's memory.
        init?(_ value: JSONValue) {
            guard value["format"]?.text == Self.format, let rounds = value["rounds"]?.integer,
                (1 << 10...1 << 15).contains(rounds), rounds.nonzeroBitCount == 1,
                let salt = value["salt"]?.text.flatMap({ hexBytes($0) }), salt.count == 16
            else { return nil }
            self.init(rounds: Int(rounds), salt: salt)
        }

        var members: [(key: String, value: JSONValue)] {
            [
                ("format", .string(Self.format)), ("rounds", .integer(rounds)),
                ("salt", .string(hexText(salt))),
            ]
        }

        /// What the content is sealed together with.
        var text: [UInt8] { Array("\(Self.format) \(rounds) \(hexText(salt))".utf8) }

        func key(_ passphrase: String) throws -> SymmetricKey {
            try KDF.Scrypt.deriveKey(
                from: Array(passphrase.utf8), salt: salt, outputByteCount: 32, rounds: rounds,
                blockSize: SealedStore.blockSize, parallelism: SealedStore.parallelism,
                maxMemory: SealedStore.memory)
        }
    }
}
