import Crypto

/// Makes and checks HMAC-SHA256 signatures with one secret, keyed once: half the cost of keying per request.
public struct RequestSigner: Sendable {
    private let keyed: HMAC<SHA256>

    public init(secret: String) { keyed = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.utf8))) }

    public init(secret: [UInt8]) { keyed = HMAC<SHA256>(key: SymmetricKey(data: secret)) }

    /// The 32 bytes of HMAC-SHA256 over the parts, glued together.
    public func sign(_ parts: [UInt8]...) -> [UInt8] {
        var state = keyed
        for part in parts { state.update(data: part) }
        return state.finalize().withUnsafeBytes { Array($0) }
    }
}

/// Whether two byte strings are equal, in a time that does not tell where they differ.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for place in left.indices { difference |= left[place] ^ right[place] }
    return difference == 0
}

/// A passphrase as it may be stored: salted and hashed.
public struct PassphraseHash: Sendable, Equatable {
    public let salt: [UInt8]
    public let digest: [UInt8]

    public init(salt: [UInt8], digest: [UInt8]) {
        self.salt = salt
        self.digest = digest
    }

    public init(passphrase: String, salt: [UInt8]) {
        self.init(salt: salt, digest: Self.hash(passphrase, salt))
    }

    /// Whether this is the passphrase.
    public func matches(_ passphrase: String) -> Bool {
        constantTimeEqual(Self.hash(passphrase, salt), digest)
    }

    private static func hash(_ passphrase: String, _ salt: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: salt)
        var passphrase = passphrase
        passphrase.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return hash.finalize().withUnsafeBytes { Array($0) }
    }
}

/// Bytes as hexadecimal text.
public func hexText(_ bytes: some Sequence<UInt8>, uppercase: Bool = false) -> String {
    let digits = Array(uppercase ? "0123456789ABCDEF".utf8 : "0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that hexadecimal text spells, in either case; nil if it spells none.
public func hexBytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
        guard let high = hexValue(digits[place]), let low = hexValue(digits[place + 1]) else { return nil }
        bytes.append(high << 4 | low)
    }
    return bytes
}
