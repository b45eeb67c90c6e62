import JSON
import Venue

/// JSON Web Tokens signed with HMAC-SHA256 (RFC 7519, `HS256`), and no other kind.
enum JSONWebToken {
    private static let header = Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)

    /// The signed token of a payload.
    static func encode(payload: [UInt8], signer: RequestSigner) -> String {
        var text = Base64.url.encode(header)
        text.append(UInt8(ascii: "."))
        text += Base64.url.encode(payload)
        let signature = signer.sign(text)
        text.append(UInt8(ascii: "."))
        text += Base64.url.encode(signature)
        return String(decoding: text, as: UTF8.self)
    }

    /// The payload of a token that was signed with this secret; nil for everything else. Its claims are not
    /// looked at, the expiry neither.
    static func payload(of token: some StringProtocol, signer: RequestSigner) -> JSONValue? {
        let text = Array(token.utf8)
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64.url.decode(parts[0]),
            let signature = Base64.url.decode(parts[2])
        else { return nil }
        let signed = Array(text[..<(parts[1].endIndex)])
        // The signature is checked before anything is read, in a time that does not tell where it differs.
        guard constantTimeEqual(signer.sign(signed), signature),
            let fields = try? JSONValue(parsing: header), fields["alg"]?.text == "HS256",
            let payload = Base64.url.decode(parts[1])
        else { return nil }
        return try? JSONValue(parsing: payload)
    }
}

/// The access tokens that the token endpoint hands out.
///
/// Beside the claims that Rails' own carry, `key` names the API key that the token was made with, and `kid`
/// is a fingerprint of that key and its secret, so that a token dies with its key, also when a key of the
/// same name is made again.
struct AccessToken {
    private let secret: [UInt8]
    private let signer: RequestSigner

    /// `secret`: the store's own; see `VenueAccess.tokenSecret`.
    init(secret: [UInt8]) {
        self.secret = secret
        signer = RequestSigner(secret: secret)
    }

    /// A token for a key, good for so many seconds from now (milliseconds of the real clock).
    func issue(for key: APIKey, now: Int64, lifetime: Int64) -> String {
        let issued = now / 1000
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        writer.member("accountType", literal: "retail")
        writer.member("iss", literal: "rails.marginalia")
        writer.member("sub", accountUUID(key.account))
        writer.beginArray("aud")
        writer.literal("rails-app.marginalia")
        writer.endArray()
        writer.member("exp", issued + lifetime)
        writer.member("iat", issued)
        writer.member("key", key.apiKey)
        writer.member("kid", fingerprint(of: key))
        writer.endObject()
        return JSONWebToken.encode(payload: writer.bytes, signer: signer)
    }

    /// The key that a token speaks for; nil if the token is not ours, has expired, or its key is no more.
    func key(of token: some StringProtocol, through access: any VenueAccess) -> APIKey? {
        guard let payload = JSONWebToken.payload(of: token, signer: signer),
            let expiry = payload["exp"]?.integer, access.realTime() / 1000 < expiry,
            let name = payload["key"]?.text, let key = access.key(name), let given = payload["kid"]?.text,
            constantTimeEqual(Array(given.utf8), Array(fingerprint(of: key).utf8))
        else { return nil }
        return key
    }

    /// Half of HMAC-SHA256, keyed with the store's secret, over the key, its account and its secret.
    private func fingerprint(of key: APIKey) -> String {
        let parts = [key.apiKey, key.account, key.secret].joined(separator: "\u{0}")
        return hexText(signer.sign(Array("key fingerprint\u{0}\(parts)".utf8)).prefix(16))
    }
}
