import JSON
import Journal
import Ledger
import Venue

extension Refusal.Code {
    /// An API key that exists already, for another account or with other content.
    public static let keyExists = Refusal.Code(rawValue: "key_exists")
}

extension LedgerEngine {
    /// Makes a key for an account, or takes the operator's own. Handing in a key again with the same content
    /// and account changes nothing; a name that another account or other content has is refused.
    public func issueKey(
        account: String, permissions: Set<APIKey.Permission>, addresses: [AddressRange] = [],
        apiKey: String? = nil,
        secret: String? = nil, passphrase: String? = nil
    ) async throws(Refusal) -> Credentials {
        let (credentials, earlier) = try await issue(
            account: account, permissions: permissions, addresses: addresses, apiKey: apiKey, secret: secret,
            passphrase: passphrase, isOnce: false)
        guard earlier == nil || earlier == .same else { throw .keyExists }
        return credentials
    }

    /// Makes a key of this name unless it was ever made this way before, or revoked. A name that was never
    /// made this way for this account, and that another account or other content has, is refused.
    public func issueKeyOnce(
        account: String, permissions: Set<APIKey.Permission>, addresses: [AddressRange] = [], apiKey: String,
        secret: String, passphrase: String? = nil
    ) async throws(Refusal) -> KeyOutcome {
        let (credentials, earlier) = try await issue(
            account: account, permissions: permissions, addresses: addresses, apiKey: apiKey, secret: secret,
            passphrase: passphrase, isOnce: true)
        return earlier.map { .earlier($0) } ?? .made(credentials)
    }

    /// Whether a key of this name was ever made once for an account, or the account's own was revoked.
    public func wasKeyMade(
        _ apiKey: String, at venue: VenueName, for account: String
    ) async throws(Refusal) -> Bool {
        try await read { journal throws(JournalError) in
            try journal.store.value(.keyMade(apiKey, venue: venue)) == Array(account.utf8)
        }
    }

    private func issue(
        account: String, permissions: Set<APIKey.Permission>, addresses: [AddressRange], apiKey: String?,
        secret: String?, passphrase: String?, isOnce: Bool
    ) async throws(Refusal) -> (credentials: Credentials, earlier: EarlierKey?) {
        guard let owner = self.account(account), let model = venues[owner.venue] else {
            throw Refusal.unknown(account: account)
        }
        let made = model.makeCredentials(randomBytes: randomBytes)
        if passphrase != nil && made.passphrase == nil {
            throw Refusal(.invalidField, "Keys of \(owner.venue) have no passphrase.", field: "passphrase")
        }
        let credentials = Credentials(
            apiKey: apiKey ?? made.apiKey, secret: secret ?? made.secret,
            passphrase: passphrase ?? made.passphrase)
        try Self.check(credentials.apiKey, field: "api_key", limit: 128)
        try Self.check(credentials.secret, field: "secret", limit: 8_192, isText: true)
        if let passphrase = credentials.passphrase {
            try Self.check(passphrase, field: "passphrase", limit: 128)
        }
        let hash = credentials.passphrase.map { PassphraseHash(passphrase: $0, salt: randomBytes(16)) }
        let key = APIKey(
            apiKey: credentials.apiKey, secret: credentials.secret, passphrase: hash,
            permissions: permissions,
            addresses: addresses, account: account)
        let earlier = try await add(
            key, at: owner.venue, passphrase: credentials.passphrase, isOnce: isOnce)
        return (credentials, earlier)
    }

    /// Adds a key, in one go with looking for one of the same name: writes follow one after the other.
    private func add(
        _ key: APIKey, at venue: VenueName, passphrase: String?, isOnce: Bool
    ) async throws(Refusal) -> EarlierKey? {
        let record = try sealed(KeyRecord(key, venue: venue, createdAt: clock.now()))
        let made = MetaKey.keyMade(key.apiKey, venue: venue)
        let outcome: Result<EarlierKey?, Refusal> = try await change { store, ring throws(JournalError) in
            let owner = isOnce ? try store.value(made) : nil
            if let earlier = ring.key(key.apiKey, of: venue) {
                if earlier.hasSameContent(as: key, passphrase: passphrase) {
                    // The program may have ended between the key and its mark.
                    if isOnce, owner == nil { try store.set(Array(key.account.utf8), for: made) }
                    return .success(.same)
                }
                let wasMade = owner.map { $0 == Array(key.account.utf8) } ?? !isOnce
                return wasMade ? .success(.other) : .failure(.keyExists)
            }
            if owner != nil { return .success(.revoked) }
            try store.add(record)
            ring.insert(key, at: venue)
            if isOnce { try store.set(Array(key.account.utf8), for: made) }
            return .success(nil)
        }
        return try outcome.get()
    }

    /// A key as the store keeps it.
    private func sealed(_ record: KeyRecord) throws(Refusal) -> KeyRecord {
        guard let keySeal else { return record }
        do throws(JournalError) { return try keySeal.sealed(record) } catch { throw .unreadable(error) }
    }

    /// Changes keys: one change after the other, each in the store and then in the ring.
    private func change<Value: Sendable>(
        _ change: @escaping @Sendable (any JournalStore, KeyRing) throws(JournalError) -> Value
    ) async throws(Refusal) -> Value {
        do throws(JournalError) {
            return try await writing.run { [store, keyRing, keySeal] () throws(JournalError) in
                if keyRing.isInDoubt {
                    // What was told as failed may have been done. Another write settles whether it was, and
                    // the ring must not promise what the store does not hold.
                    try store.set([], for: .writeProbe)
                    var keys = try store.keys()
                    if let keySeal {
                        for place in keys.indices { keys[place] = try keySeal.opened(keys[place]) }
                    }
                    keyRing.replace(with: keys)
                }
                do throws(JournalError) { return try change(store, keyRing) } catch {
                    keyRing.doubt()
                    throw error
                }
            }
        } catch {
            throw .unreadable(error)
        }
    }

    private static func check(
        _ text: String, field: String, limit: Int, isText: Bool = false
    ) throws(Refusal) {
        // A secret may be the text of a public key, which has blanks and lines.
        let isPlain = text.utf8.allSatisfy { byte in
            (0x21...0x7e).contains(byte) || (isText && (byte == 0x20 || byte == 0x0a || byte == 0x0d))
        }
        guard isPlain, (1...limit).contains(text.utf8.count) else {
            throw Refusal(
                .invalidField, "\(field) must be 1 to \(limit) visible ASCII characters.", field: field)
        }
    }

    /// The keys of an account, in the order of their making.
    public func keys(of account: String) -> [APIKey] {
        guard let owner = self.account(account) else { return [] }
        return keyRing.keys(of: account, at: owner.venue)
    }

    /// Takes a key out of force; whether the account had it.
    public func revokeKey(_ apiKey: String, of account: String) async throws(Refusal) -> Bool {
        guard let owner = self.account(account) else { return false }
        let venue = owner.venue
        return try await change { store, ring throws(JournalError) in
            guard let key = ring.key(apiKey, of: venue), key.account.isExactly(account) else { return false }
            // First of all, so that a key that is gone is never made again unasked.
            let made = MetaKey.keyMade(apiKey, venue: venue)
            if try store.value(made) == nil { try store.set(Array(account.utf8), for: made) }
            _ = try store.removeKey(apiKey, venue: venue)
            ring.remove(apiKey, at: venue)
            return true
        }
    }
}

/// What making a key once came to.
public enum KeyOutcome: Sendable {
    /// It is made now.
    case made(Credentials)
    /// It was made before, and nothing has changed.
    case earlier(EarlierKey)
}

/// What a ledger has instead of a key that is made once.
public enum EarlierKey: String, Sendable {
    /// The very key.
    case same
    /// Nothing: it was made before, and revoked.
    case revoked
    /// A key of this name with other content, or of another account.
    case other
}

extension Refusal {
    fileprivate static let keyExists = Refusal(
        .keyExists,
        "The API key exists already, for another account or with other content; revoke it first.",
        field: "api_key")
}

extension APIKey {
    /// A key as the store keeps it.
    convenience init(_ record: KeyRecord) {
        let hash = PassphraseHash(salt: record.passphraseSalt, digest: record.passphraseDigest)
        self.init(
            apiKey: record.apiKey, secret: record.secret,
            passphrase: record.passphraseDigest.isEmpty ? nil : hash,
            permissions: Set(record.permissions.compactMap { Permission(rawValue: $0) }),
            addresses: record.addresses.compactMap { AddressRange($0) }, account: record.account)
    }

    func hasSameContent(as other: APIKey, passphrase: String?) -> Bool {
        let samePassphrase =
            if let own = self.passphrase, let passphrase {
                own.matches(passphrase)
            } else {
                self.passphrase == nil && passphrase == nil
            }
        return account.isExactly(other.account) && secret.isExactly(other.secret)
            && permissions == other.permissions
            && addresses == other.addresses && samePassphrase
    }
}

extension KeyRecord {
    init(_ key: APIKey, venue: VenueName, createdAt time: LedgerTime) {
        self.init(
            venue: venue, apiKey: key.apiKey, secret: key.secret, passphraseSalt: key.passphrase?.salt ?? [],
            passphraseDigest: key.passphrase?.digest ?? [],
            permissions: key.permissions.map(\.rawValue).sorted(),
            addresses: key.addresses.map(\.text), account: key.account, createdAt: time)
    }
}
