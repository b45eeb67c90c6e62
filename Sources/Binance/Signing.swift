import Crypto
import CryptoExtras
import JSON
import Venue

/// How Binance requests are signed: over the query as it arrived, followed by the body, without the
/// signature, which must be the last parameter. Binance USDⓈ-M Futures API documentation, General Info,
/// SIGNED Endpoint Security.
enum Signing {
    /// The bytes that are signed and the signature as sent; nil where there is no signature or it is not
    /// last.
    ///
    /// A signature in the query goes before one in the body.
    static func payload(query: Substring, body: [UInt8]) -> (payload: [UInt8], signature: String)? {
        let query = Array(query.utf8)
        if let place = signaturePlace(in: query) {
            return (query[..<place.end] + body, decoded(query[place.value...]))
        }
        if let place = signaturePlace(in: body) {
            return (query + body[..<place.end], decoded(body[place.value...]))
        }
        return nil
    }

    /// Where the signed part ends and where the signature begins, if it is the last parameter.
    private static func signaturePlace(in text: [UInt8]) -> (end: Int, value: Int)? {
        let separator = text.lastIndex(of: UInt8(ascii: "&"))
        let start = separator.map { $0 + 1 } ?? 0
        let name = Array("signature=".utf8)
        guard text[start...].starts(with: name) else { return nil }
        return (separator ?? 0, start + name.count)
    }

    private static func decoded(_ value: ArraySlice<UInt8>) -> String {
        let text = String(decoding: value, as: UTF8.self)
        return QueryItem.parse("s=\(text)"[...])["s"] ?? ""
    }

    /// Whether a signature belongs to a payload and a key: HMAC-SHA256 in hexadecimal of either case, Ed25519
    /// or RSA (PKCS #1 v1.5, SHA-256) in base64.
    static func isValid(_ signature: String, of payload: [UInt8], key: APIKey) -> Bool {
        switch VerificationKey(secret: key.secret) {
        case .shared:
            guard let bytes = hexBytes(signature) else { return false }
            return constantTimeEqual(bytes, key.signer.sign(payload))
        case .ed25519(let publicKey):
            guard let bytes = Base64.padded.decode(signature.utf8),
                let verifier = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
            else { return false }
            return verifier.isValidSignature(bytes, for: payload)
        case .rsa(let publicKey):
            guard let bytes = Base64.padded.decode(signature.utf8),
                let verifier = try? _RSA.Signing.PublicKey(unsafeDERRepresentation: publicKey)
            else { return false }
            return verifier.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: bytes), for: payload, padding: .insecurePKCS1v1_5
            )
        case .unreadable: return false
        }
    }
}

/// What a key's secret is: a shared secret, or the client's public key.
enum VerificationKey: Equatable {
    case shared
    /// 32 bytes.
    case ed25519([UInt8])
    /// The DER of a SubjectPublicKeyInfo.
    case rsa([UInt8])
    /// A PEM text or an `ed25519:` text that holds no such key.
    case unreadable

    /// Before the base64 text of the 32 bytes of an Ed25519 public key.
    private static let rawPrefix = "ed25519:"
    private static let pemPrefix = "-----BEGIN PUBLIC KEY-----"
    private static let pemSuffix = "-----END PUBLIC KEY-----"
    /// The SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410).
    private static let ed25519Header: [UInt8] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    init(secret: String) {
        if secret.hasPrefix(Self.rawPrefix) {
            let bytes = Base64.padded.decode(secret.utf8.dropFirst(Self.rawPrefix.utf8.count))
            self = bytes?.count == 32 ? .ed25519(bytes ?? []) : .unreadable
            return
        }
        guard secret.hasPrefix("-----BEGIN") else {
            self = .shared
            return
        }
        let blanks: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        var inner = Array(secret.utf8)
        while let last = inner.last, blanks.contains(last) { inner.removeLast() }
        guard inner.starts(with: Self.pemPrefix.utf8),
            inner.reversed().starts(with: Self.pemSuffix.utf8.reversed())
        else {
            self = .unreadable
            return
        }
        inner = inner.dropFirst(Self.pemPrefix.utf8.count).dropLast(Self.pemSuffix.utf8.count)
            .filter { !blanks.contains($0) }
        guard let der = Base64.padded.decode(inner) else {
            self = .unreadable
            return
        }
        if der.count == 44, der.starts(with: Self.ed25519Header) {
            self = .ed25519(Array(der[12...]))
        } else {
            self = .rsa(der)
        }
    }
}
