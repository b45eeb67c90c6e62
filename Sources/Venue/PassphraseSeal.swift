import Crypto
import CryptoExtras
import JSON

/// Seals secrets under a passphrase: AES-256-GCM under a key that scrypt derives.
///
/// What derives the key stands readably beside the sealed boxes, is sealed with each of them as associated
/// data, and so cannot be changed unnoticed.
public struct PassphraseSeal: Sendable {
    /// scrypt's cost: 2^15 rounds of 8 blocks take 32 MB and a tenth of a second.
    private static let rounds = 1 << 15
    private static let blockSize = 8
    private static let parallelism = 1
    private static let memory = 64 << 20

    /// What the sealed boxes belong to, with the version of their form.
    private let format: String
    private let rounds: Int
    private let salt: [UInt8]
    private let key: SymmetricKey

    /// A new seal with a fresh salt; nil where the machine cannot derive a key.
    public init?(_ format: String, passphrase: [UInt8]) {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        self.init(format, rounds: Self.rounds, salt: salt, passphrase: passphrase)
    }

    /// The seal whose `members` stand in an object; nil for another format, and for a cost that would take
    /// this machine's memory. Whether the passphrase is right shows when a box is opened.
    public init?(_ format: String, describedBy value: JSONValue, passphrase: [UInt8]) {
        guard value["format"]?.text == format, let rounds = value["rounds"]?.integer,
            (1 << 10...1 << 15).contains(rounds), rounds.nonzeroBitCount == 1,
            let salt = value["salt"]?.text.flatMap({ hexBytes($0) }), salt.count == 16
        else { return nil }
        self.init(format, rounds: Int(rounds), salt: salt, passphrase: passphrase)
    }

    private init?(_ format: String, rounds: Int, salt: [UInt8], passphrase: [UInt8]) {
        let key = try? KDF.Scrypt.deriveKey(
            from: passphrase, salt: salt, outputByteCount: 32, rounds: rounds, blockSize: Self.blockSize,
            parallelism: Self.parallelism, maxMemory: Self.memory)
        guard let key else { return nil }
        self.format = format
        self.rounds = rounds
        self.salt = salt
        self.key = key
    }

    /// What describes the seal, to be kept readably.
    public var members: [(key: String, value: JSONValue)] {
        [
            ("format", .string(format)), ("rounds", .integer(Int64(rounds))),
            ("salt", .string(hexText(salt))),
        ]
    }

    /// Seals content so that it opens with this context only; nil where that fails.
    public func seal(_ content: [UInt8], context: String = "") -> [UInt8]? {
        let box = try? AES.GCM.seal(content, using: key, authenticating: associated(context))
        return box?.combined.map { [UInt8]($0) }
    }

    /// What is in a box; nil where the passphrase or the context is another one, or the box was changed.
    public func open(_ box: [UInt8], context: String = "") -> [UInt8]? {
        guard let sealed = try? AES.GCM.SealedBox(combined: box),
            let content = try? AES.GCM.open(sealed, using: key, authenticating: associated(context))
        else { return nil }
        return [UInt8](content)
    }

    private func associated(_ context: String) -> [UInt8] {
        Array("\(format) \(rounds) \(hexText(salt))\(context)".utf8)
    }
}
