import Crypto

extension StringProtocol {
    /// Whether all of it are digits of ASCII; true of an empty text.
    public var isDigits: Bool { utf8.allSatisfy { (0x30...0x39).contains($0) } }

    /// Whether it can stand in a header, and hides no other header in it.
    public var isHeaderText: Bool { !isEmpty && utf8.allSatisfy { (0x21...0x7E).contains($0) } }

    /// Whether all of it are letters and digits of ASCII, or one of some other characters.
    public func isAlphanumeric(or others: StaticString = "") -> Bool {
        utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: others.withUTF8Buffer { $0.contains(byte) }
            }
        }
    }
}

extension Int64 {
    /// The number that a text of digits alone spells; nil for another text, and for a number beyond 64 bits.
    public init?(digits text: some StringProtocol) {
        guard text.isDigits, let number = Int64(text) else { return nil }
        self = number
    }
}

/// The SHA-256 of a text. Ids that look like a venue's own are made of it, so that they are always the same
/// for the same thing, and tell nothing about it.
public func stableDigest(of text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

/// The first eight bytes of the SHA-256 of a text as a number.
public func stableNumber(of text: String) -> UInt64 {
    stableDigest(of: text).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}

/// Sixteen bytes as the text of a UUID; a random one says that it is (version 4).
public func uuidText(_ bytes: some Sequence<UInt8>, isRandom: Bool = false) -> String {
    var bytes = Array(bytes.prefix(16))
    if isRandom, bytes.count == 16 {
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
    }
    var text = ""
    for (place, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(place) { text += "-" }
        text += hexText([byte])
    }
    return text
}
