import JSON
import Ledger
import Venue

/// A key to issue, as the operator API and scenario files write it.
public struct KeyRequest: Sendable {
    /// The key to hand out; nil for one that looks like the venue's own.
    public let apiKey: String?
    /// Its secret; nil for a random one.
    public let secret: String?
    /// Its passphrase, where the venue has one; nil for a random one.
    public let passphrase: String?
    /// What it may do.
    public let permissions: Set<APIKey.Permission>
    /// Where it may be used from; empty for anywhere.
    public let addresses: [AddressRange]

    /// Whether it is made once for a ledger: not where it was made before, though it may have been revoked.
    public let isOnce: Bool

    /// Reads a key request strictly; the refusal names the field at fault and never holds a value of it.
    public init(decoding value: JSONValue) throws(Refusal) {
        self = try Self.form.read(value, subject: "key")
    }

    /// A request with these parts.
    public init(
        apiKey: String?, secret: String?, passphrase: String?, permissions: Set<APIKey.Permission>,
        addresses: [AddressRange], isOnce: Bool = false
    ) {
        self.apiKey = apiKey
        self.secret = secret
        self.passphrase = passphrase
        self.permissions = permissions
        self.addresses = addresses
        self.isOnce = isOnce
    }

    /// The request as JSON.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        for (key, value) in [("api_key", apiKey), ("secret", secret), ("passphrase", passphrase)] {
            guard let value else { continue }
            writer.key(key)
            writer.string(value)
        }
        writer.key("permissions")
        writer.beginArray()
        for permission in APIKey.Permission.allCases where permissions.contains(permission) {
            writer.string(permission.rawValue)
        }
        writer.endArray()
        writer.key("ip_allowlist")
        writer.beginArray()
        for address in addresses { writer.string(address.text) }
        writer.endArray()
        if isOnce {
            writer.key("once")
            writer.bool(true)
        }
        writer.endObject()
        return writer.bytes
    }
}

// What a key takes. The readers, their refusals, the OpenAPI document and the page docs/operator-api.md are
// made of this table.
extension KeyRequest {
    static let form: Form<KeyRequest> = Form(
        "A key to issue.", rules: [.on("once", needs: ["api_key", "secret"])],
        apiKey.nullable, secret.nullable, passphrase.nullable, permissions.nullable, addresses.nullable,
        Field.flag(
            "once",
            "Makes the key once for a ledger: not where it was made this way before, or revoked. Needs "
                + "`api_key` and `secret`.")
    ) { apiKey, secret, passphrase, permissions, addresses, isOnce in
        KeyRequest(
            apiKey: apiKey, secret: secret, passphrase: passphrase,
            permissions: Set(permissions ?? [.read]), addresses: addresses ?? [], isOnce: isOnce)
    }

    /// Keys of a scenario are made once without saying so.
    static let scenarioForm: Form<KeyRequest> = Form(
        "A key of a scenario.",
        apiKey, secret, passphrase.nullable, permissions.nullable, addresses.nullable
    ) { apiKey, secret, passphrase, permissions, addresses in
        KeyRequest(
            apiKey: apiKey, secret: secret, passphrase: passphrase,
            permissions: Set(permissions ?? [.read]), addresses: addresses ?? [], isOnce: true)
    }

    private static let apiKey = ascii(
        "api_key", longest: 128, "A key of your own choosing; one like the venue's own if left out.")
    // A secret may be the text of a public key, which has blanks and lines.
    private static let secret = ascii(
        "secret", longest: 8192, lines: true,
        "Its secret, or where the venue takes it the PEM text of an Ed25519 or RSA public key; random if "
            + "left out.")
    private static let passphrase = ascii(
        "passphrase", longest: 128, "Its passphrase, where the venue has one; a random one if left out.")

    private static let permissions = Field<[APIKey.Permission]>.list(
        "permissions", of: .choice(APIKey.Permission.allCases.map(\.rawValue)), 0...1000,
        expected: "some of " + APIKey.Permission.allCases.map(\.rawValue).joined(separator: ", "),
        "What it may do; `read` if left out."
    ) { $0.text.flatMap { APIKey.Permission(rawValue: $0) } }

    private static let addresses = Field<[AddressRange]>.list(
        "ip_allowlist", of: .address, 0...1000,
        expected: "a list of addresses or networks such as 10.0.0.0/8",
        "Where it may be used from; anywhere if left out or empty."
    ) { $0.text.flatMap { AddressRange($0) } }

    private static func ascii(
        _ name: String, longest: Int, lines: Bool = false, _ words: String
    ) -> Field<String> {
        Field(name, .ascii(longest, lines: lines), words) { reader, name throws(Refusal) in
            let text = try reader.text(name)
            let isVisible = text.utf8.allSatisfy { byte in
                (0x21...0x7e).contains(byte) || (lines && [0x20, 0x0a, 0x0d].contains(byte))
            }
            if isVisible, (1...longest).contains(text.utf8.count) { return text }
            throw reader.wrong(name, "a text of 1 to \(longest) visible ASCII characters")
        }
    }
}
