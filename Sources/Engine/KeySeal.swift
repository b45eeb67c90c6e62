import JSON
import Journal
import Ledger
import Venue

/// The seal over a store's secrets: what signatures are checked with, and what the venues' tokens are signed
/// with. Names, permissions and accounts of keys stay readable.
struct KeySeal: Sendable {
    private static let format = "marginalia-sealed-keys-1"
    private static let check = "check"

    private let seal: PassphraseSeal

    // MARK: - Opening a store

    /// The seal of a store; nil for one that is not sealed. With a passphrase, a store that is not sealed yet
    /// is.
    static func open(
        _ store: any JournalStore, passphrase: [UInt8]?, report: @Sendable (String) -> Void
    ) throws(JournalError) -> KeySeal? {
        if let description = try store.value(.keySeal) {
            guard let passphrase else {
                throw JournalError(
                    .sealed,
                    "The API secrets in \(store.location) are sealed: give --seal-keys with what they were "
                        + "sealed with.")
            }
            return try KeySeal(describedBy: description, passphrase: passphrase, of: store)
        }
        guard let passphrase else { return nil }
        let seal = try KeySeal(passphrase: passphrase, of: store)
        let count = try seal.put(on: store)
        report("the secrets of \(count) API keys in \(store.location) are sealed from now on")
        return seal
    }

    /// Takes the seal off a store; how many keys it held.
    static func remove(
        from store: any JournalStore, passphrase: [UInt8]
    ) throws(JournalError) -> Int {
        var keys: [KeyRecord] = []
        guard let description = try store.value(.keySeal) else { return try store.keys().count }
        let seal = try KeySeal(describedBy: description, passphrase: passphrase, of: store)
        for key in try store.keys() { keys.append(try seal.opened(key)) }
        let token = try store.value(.tokenSecret)
        var values: [MetaKey: [UInt8]?] = [.keySeal: nil]
        if let token { values[.tokenSecret] = try seal.opened(token, .tokenSecret) }
        try store.replaceKeys(keys, setting: values)
        return keys.count
    }

    private func put(on store: any JournalStore) throws(JournalError) -> Int {
        var keys: [KeyRecord] = []
        for key in try store.keys() { keys.append(try sealed(key)) }
        let box = try sealed(Array(Self.check.utf8), " \(Self.check)")
        let description = JSONValue.members(seal.members + [(Self.check, .string(hexText(box)))])
        var values: [MetaKey: [UInt8]?] = [.keySeal: Array(description.description.utf8)]
        if let token = try store.value(.tokenSecret) {
            values[.tokenSecret] = try sealed(token, .tokenSecret)
        }
        try store.replaceKeys(keys, setting: values)
        return keys.count
    }

    private init(passphrase: [UInt8], of store: any JournalStore) throws(JournalError) {
        guard let seal = PassphraseSeal(Self.format, passphrase: passphrase) else {
            throw JournalError(.unavailable, "The API secrets in \(store.location) cannot be sealed.")
        }
        self.seal = seal
    }

    private init(
        describedBy description: [UInt8], passphrase: [UInt8], of store: any JournalStore
    ) throws(JournalError) {
        guard let value = try? JSONValue(parsing: description),
            let seal = PassphraseSeal(Self.format, describedBy: value, passphrase: passphrase),
            let box = value[Self.check]?.text.flatMap({ hexBytes($0) })
        else {
            throw JournalError(
                .damaged, "The seal of \(store.location) cannot be read; restore the store from a backup.")
        }
        guard seal.open(box, context: " \(Self.check)") != nil else {
            throw JournalError(
                .sealed,
                "The API secrets in \(store.location) do not open: what --seal-keys names is not what they "
                    + "were sealed with.")
        }
        self.seal = seal
    }

    // MARK: - Secrets

    func sealed(_ key: KeyRecord) throws(JournalError) -> KeyRecord {
        var key = key
        key.secret = hexText(try sealed(Array(key.secret.utf8), Self.context(of: key)))
        return key
    }

    func opened(_ key: KeyRecord) throws(JournalError) -> KeyRecord {
        guard let box = hexBytes(key.secret), let secret = seal.open(box, context: Self.context(of: key))
        else {
            throw JournalError(
                .damaged, "The secret of the API key \(key.apiKey) at \(key.venue) does not open.")
        }
        var key = key
        key.secret = String(decoding: secret, as: UTF8.self)
        return key
    }

    func sealed(_ value: [UInt8], _ name: MetaKey) throws(JournalError) -> [UInt8] {
        try sealed(value, " \(name.rawValue)")
    }

    func opened(_ value: [UInt8], _ name: MetaKey) throws(JournalError) -> [UInt8] {
        guard let found = seal.open(value, context: " \(name.rawValue)") else {
            throw JournalError(.damaged, "The row \(name.rawValue) of the table meta does not open.")
        }
        return found
    }

    private func sealed(_ content: [UInt8], _ context: String) throws(JournalError) -> [UInt8] {
        guard let box = seal.seal(content, context: context) else {
            throw JournalError(.unavailable, "A secret cannot be sealed.")
        }
        return box
    }

    /// A secret opens in its own row only.
    private static func context(of key: KeyRecord) -> String { " \(key.venue.rawValue) \(key.apiKey)" }
}

/// Seals the secrets of a store that nobody has open, or takes the seal off; how many keys there are.
public func setSeal(
    _ isSealed: Bool, on store: any JournalStore, passphrase: [UInt8]
) throws(JournalError) -> Int {
    if !isSealed { return try KeySeal.remove(from: store, passphrase: passphrase) }
    _ = try KeySeal.open(store, passphrase: passphrase) { _ in }
    return try store.keys().count
}
