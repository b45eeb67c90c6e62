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

    private static let fields = ["api_key", "secret", "passphrase", "permissions", "ip_allowlist"]

    /// Reads a key request strictly; the refusal names the field at fault and never holds a value of it. Keys
    /// of a scenario are made once without saying so.
    public init(decoding value: JSONValue, inScenario: Bool = false) throws(Refusal) {
        let reader = try FieldReader(value, subject: "key", nullable: Self.fields)
        try reader.allow(Self.fields + (inScenario ? [] : ["once"]))
        apiKey = try Self.text(reader, "api_key", longest: 128)
        secret = try Self.text(reader, "secret", longest: 8192)
        passphrase = try Self.text(reader, "passphrase", longest: 128)
        var permissions: Set<APIKey.Permission> = []
        for text in try Self.texts(reader, "permissions") ?? [APIKey.Permission.read.rawValue] {
            guard let permission = APIKey.Permission(rawValue: text) else {
                let known = APIKey.Permission.allCases.map(\.rawValue).joined(separator: ", ")
                throw reader.wrong("permissions", "some of \(known)")
            }
            permissions.insert(permission)
        }
        self.permissions = permissions
        var addresses: [AddressRange] = []
        for text in try Self.texts(reader, "ip_allowlist") ?? [] {
            guard let range = AddressRange(text) else {
                throw reader.wrong("ip_allowlist", "a list of addresses or networks such as 10.0.0.0/8")
            }
            addresses.append(range)
        }
        self.addresses = addresses
        isOnce = inScenario ? true : try reader.flag("once")
        for (field, value) in [("api_key", apiKey), ("secret", secret)] where isOnce && value == nil {
            throw Refusal(
                .missingField, "key: \(field) is missing; what is made once is the same every time.",
                field: field)
        }
    }

    /// A request with these parts.
    public init(
        apiKey: String?, secret: String?, passphrase: String?, permissions: Set<APIKey.Permission>,
        addresses: [AddressRange]
    ) {
        self.apiKey = apiKey
        self.secret = secret
        self.passphrase = passphrase
        self.permissions = permissions
        self.addresses = addresses
        isOnce = false
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

    private static func text(
        _ reader: FieldReader, _ field: String, longest: Int
    ) throws(Refusal) -> String? {
        guard let text = try reader.optionalText(field) else { return nil }
        guard (1...longest).contains(text.utf8.count),
            text.utf8.allSatisfy({ byte in
                // A secret may be the text of a public key, which has blanks and lines.
                (0x21...0x7e).contains(byte) || (field == "secret" && [0x20, 0x0a, 0x0d].contains(byte))
            })
        else { throw reader.wrong(field, "a text of 1 to \(longest) visible ASCII characters") }
        return text
    }

    private static func texts(_ reader: FieldReader, _ field: String) throws(Refusal) -> [String]? {
        guard reader.has(field) else { return nil }
        let elements = try reader.elements(field)
        let texts = elements.compactMap(\.text)
        guard texts.count == elements.count, texts.count <= 1000 else {
            throw reader.wrong(field, "a list of texts")
        }
        return texts
    }
}
