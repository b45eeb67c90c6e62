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
        guard let owner = self.account(account), let model = venues[owner.venue] else {
            throw Refusal(.unknownAccount, "There is no account \(account); open it first.", field: "account")
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
        try await add(key, at: owner.venue, passphrase: credentials.passphrase)
        return credentials
    }

    /// Adds a key, in one go with looking for one of the same name: writes follow one after the other.
    private func add(_ key: APIKey, at venue: VenueName, passphrase: String?) async throws(Refusal) {
        var record = KeyRecord(key, venue: venue, createdAt: clock.now())
        do throws(JournalError) {
            if let keySeal { record = try keySeal.sealed(record) }
            let stored = record
            let earlier = try await writing.run { [store, keyRing] () throws(JournalError) -> APIKey? in
                if let earlier = keyRing.key(key.apiKey, of: venue) { return earlier }
                try store.add(stored)
                keyRing.insert(key, at: venue)
                return nil
            }
            guard let earlier, !earlier.hasSameContent(as: key, passphrase: passphrase) else { return }
        } catch {
            throw .unreadable(error)
        }
        throw Refusal(
            .keyExists,
            "The API key exists already, for another account or with other content; revoke it first.",
            field: "api_key")
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
        do throws(JournalError) {
            return try await writing.run { [store, keyRing] () throws(JournalError) in
                guard keyRing.key(apiKey, of: venue)?.account == account else { return false }
                _ = try store.removeKey(apiKey, venue: venue)
                keyRing.remove(apiKey, at: venue)
                return true
            }
        } catch {
            throw .unreadable(error)
        }
    }
}

extension APIKey {
    /// A key as the store keeps it.
    init(_ record: KeyRecord) {
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
        return account == other.account && secret == other.secret && permissions == other.permissions
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
