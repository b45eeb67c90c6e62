import JSON
import Journal
import Ledger
import Venue

/// Finds the secrets that a configuration points at: in the environment, in files of mode 0600, in sealed
/// stores.
public struct Secrets: Sendable {
    private let environment: [String: String]
    /// Reads a text of YAML or JSON, by its file's name; what it throws must not repeat the text.
    private let document: @Sendable (_ file: String, _ content: [UInt8]) throws -> JSONValue
    /// The passphrase of a sealed store; nil where there is nobody to ask.
    private let passphrase: @Sendable (_ store: String) -> String?

    /// A finder that looks in this environment, reads files with `document` and asks `passphrase` for those
    /// of sealed stores.
    public init(
        environment: [String: String],
        document: @escaping @Sendable (_ file: String, _ content: [UInt8]) throws -> JSONValue,
        passphrase: @escaping @Sendable (_ store: String) -> String?
    ) {
        self.environment = environment
        self.document = document
        self.passphrase = passphrase
    }

    /// The keys of accounts, by the accounts' names. A store that several point at is opened once.
    ///
    /// Throws where one is missing, lies open to others, or is the key of two accounts, whose money would
    /// count twice.
    public func credentials(of entries: [AccountEntry]) throws(ConfigurationError) -> [ExactText: Credentials]
    {
        var found: [ExactText: Credentials] = [:]
        var stores: [ExactText: SealedStore] = [:]
        for entry in entries {
            do throws(ConfigurationError) {
                found[ExactText(entry.name)] = try credentials(at: entry.credentials, stores: &stores)
            } catch {
                throw ConfigurationError(
                    error.kind,
                    "The key of account \(entry.name) at \(entry.venue) cannot be had: \(error.message)")
            }
        }
        for (place, entry) in entries.enumerated() {
            for other in entries[..<place]
            where other.venue == entry.venue && other.baseURL == entry.baseURL
                && (found[ExactText(other.name)]?.apiKey).isExactly(found[ExactText(entry.name)]?.apiKey)
            {
                throw ConfigurationError(
                    "The accounts \(other.name) and \(entry.name) have the same key, so that their money "
                        + "would count twice: leave one of them out")
            }
        }
        return found
    }

    /// A single secret, such as that of a webhook: the variable's value, the file's text, or the `secret` of
    /// a store's entry.
    public func text(at source: SecretSource) throws(ConfigurationError) -> String {
        switch source {
        case .environment(let name): return try variable(name)
        case .file(let path):
            guard let bytes = try Self.read(path) else {
                throw ConfigurationError("the file \(path) does not exist")
            }
            let text = String(decoding: bytes, as: UTF8.self)
                .split(omittingEmptySubsequences: true, whereSeparator: \.isNewline).first
            guard let text else { throw ConfigurationError("the file \(path) is empty") }
            return String(text)
        case .sealed:
            var stores: [ExactText: SealedStore] = [:]
            return try credentials(at: source, stores: &stores).secret
        }
    }

    // MARK: - One key

    private func credentials(
        at source: SecretSource, stores: inout [ExactText: SealedStore]
    ) throws(ConfigurationError) -> Credentials {
        switch source {
        case .environment(let name):
            return Credentials(
                apiKey: try variable(name + "_API_KEY"), secret: try variable(name + "_SECRET"),
                passphrase: environment[name + "_PASSPHRASE"].flatMap { $0.isEmpty ? nil : $0 })
        case .file(let path):
            guard let bytes = try Self.read(path) else {
                throw ConfigurationError("the file \(path) does not exist")
            }
            guard let value = try? document(path, bytes) else {
                throw ConfigurationError("the file \(path) is neither YAML nor JSON")
            }
            do throws(ConfigurationError) {
                return try Credentials(value)
            } catch {
                throw ConfigurationError("the file \(path): \(error)")
            }
        case .sealed(let path, let entry):
            let path = ExactText(path)
            if stores[path] == nil { stores[path] = try opened(path.text) }
            guard let credentials = stores[path]?.entries[ExactText(entry)] else {
                throw ConfigurationError(
                    "the sealed store \(path) has no entry \(entry): add it with marginalia desk seal")
            }
            return credentials
        }
    }

    private func opened(_ path: String) throws(ConfigurationError) -> SealedStore {
        guard let passphrase = passphrase(path) else {
            throw ConfigurationError(
                .notPermitted,
                "the sealed store \(path) needs its passphrase: set \(Self.passphraseVariable)")
        }
        guard let store = try SealedStore.open(path, passphrase: passphrase) else {
            throw ConfigurationError(
                "the sealed store \(path) does not exist: make it with marginalia desk seal")
        }
        return store
    }

    /// The environment variable that holds the passphrase of sealed stores.
    public static let passphraseVariable = "MARGINALIA_DESK_PASSPHRASE"

    /// The content of a file that only its owner may read; nil where there is none.
    static func read(_ path: String) throws(ConfigurationError) -> [UInt8]? {
        do throws(SecretFile.Failure) { return try SecretFile.read(path) } catch {
            throw ConfigurationError(error)
        }
    }

    private func variable(_ name: String) throws(ConfigurationError) -> String {
        guard let value = environment[name], !value.isEmpty else {
            throw ConfigurationError("the environment variable \(name) is not set")
        }
        return value
    }
}

extension Credentials {
    /// Reads `api_key`, `secret` and, where there is one, `passphrase`. Throws without repeating a value.
    public init(_ value: JSONValue) throws(ConfigurationError) {
        let known = ["api_key", "secret", "passphrase"]
        // A message about an unknown key would name it, and it could be a secret that lost its own.
        guard let object = value.object, object.keys.allSatisfy(known.contains) else {
            throw ConfigurationError("must be a mapping with api_key, secret and, if any, passphrase")
        }
        do throws(Refusal) {
            let fields = try FieldReader(ofFile: value)
            self.init(
                apiKey: try fields.filledText("api_key"), secret: try fields.filledText("secret"),
                passphrase: try fields.optional("passphrase", fields.filledText))
        } catch {
            throw ConfigurationError(error)
        }
    }
}

extension ConfigurationError {
    init(_ failure: SecretFile.Failure) {
        self.init(failure.isNotPermitted ? .notPermitted : .unusable, failure.message)
    }
}
