import JSON
import Journal
import Venue

/// Keys in a file of JSON that says nothing without its passphrase.
public struct SealedStore: Sendable {
    /// The credentials by the names of their entries.
    public var entries: [ExactText: Credentials]

    private static let format = "marginalia-sealed-1"

    /// An empty store.
    public init() { entries = [:] }

    /// Opens the store in a file; nil where there is no file.
    ///
    /// Throws `notPermitted` for a wrong passphrase, a file that was changed, and one that others can read.
    public static func open(
        _ path: String, passphrase: String
    ) throws(ConfigurationError) -> SealedStore? {
        guard let bytes = try Secrets.read(path) else { return nil }
        do {
            return try SealedStore(opening: bytes, passphrase: passphrase)
        } catch {
            throw ConfigurationError(error.kind, "the sealed store \(path) \(error.message)")
        }
    }

    /// Writes the store to a file, sealed anew with a fresh salt.
    public func save(to path: String, passphrase: String) throws(ConfigurationError) {
        let bytes = try sealed(passphrase: passphrase)
        do throws(SecretFile.Failure) { try SecretFile.write(bytes, to: path) } catch {
            throw ConfigurationError(error)
        }
    }

    // MARK: - Sealing

    /// The store as a file's content.
    func sealed(passphrase: String) throws(ConfigurationError) -> [UInt8] {
        guard let seal = PassphraseSeal(Self.format, passphrase: Array(passphrase.utf8)),
            let box = seal.seal(Array(content.description.utf8))
        else { throw ConfigurationError("the store cannot be sealed") }
        let file = JSONValue.object(JSONObject(seal.members + [("box", .string(hexText(box)))]))
        return Array(file.description.utf8) + [UInt8(ascii: "\n")]
    }

    /// Reads a file's content.
    init(opening bytes: [UInt8], passphrase: String) throws(ConfigurationError) {
        guard let value = try? JSONValue(parsing: bytes),
            let seal = PassphraseSeal(Self.format, describedBy: value, passphrase: Array(passphrase.utf8)),
            let box = value["box"]?.text.flatMap({ hexBytes($0) })
        else {
            throw ConfigurationError("is none, or was made by another version of marginalia")
        }
        guard let content = seal.open(box) else {
            throw ConfigurationError(
                .notPermitted, "does not open: the passphrase is wrong, or the file was changed")
        }
        self.init()
        guard let object = (try? JSONValue(parsing: content))?.object else {
            throw ConfigurationError("holds no keys; make it anew")
        }
        for (name, entry) in object.members { entries[ExactText(name)] = try Credentials(entry) }
    }

    private var content: JSONValue {
        let members = entries.sorted { $0.key.text < $1.key.text }.map { name, entry in
            var fields: [(key: String, value: JSONValue)] = [
                ("api_key", .string(entry.apiKey)), ("secret", .string(entry.secret)),
            ]
            if let passphrase = entry.passphrase { fields.append(("passphrase", .string(passphrase))) }
            return (key: name.text, value: JSONValue.members(fields))
        }
        return .members(members)
    }
}
