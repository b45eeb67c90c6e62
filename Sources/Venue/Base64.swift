/// Bytes as text (RFC 4648).
package enum Base64: Sendable {
    /// Section 4: with `+` and `/`, filled up with `=`.
    case padded
    /// Section 5: with `-` and `_`, and not filled up (RFC 7515, section 2).
    case url

    /// The text of some bytes.
    package func encode(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet: StaticString =
            self == .padded
            ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let held = min(3, bytes.count - start)
            var group = 0
            for place in 0..<3 { group = group << 8 | (place < held ? Int(bytes[start + place]) : 0) }
            for place in 0...held { text.append(alphabet.utf8Start[group >> (18 - 6 * place) & 63]) }
            if self == .padded { for _ in held..<3 { text.append(UInt8(ascii: "=")) } }
        }
        return text
    }

    /// The bytes of a text; nil for a foreign character, a length that none has, or left-over bits that are
    /// not zero, so that every byte string has exactly one text.
    package func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var text = Array(text)
        if self == .padded {
            guard text.count % 4 == 0 else { return nil }
            for _ in 0..<2 where text.last == UInt8(ascii: "=") { text.removeLast() }
        }
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var held: UInt32 = 0
        var heldBits = 0
        for character in text {
            guard let value = value(of: character) else { return nil }
            held = held << 6 | UInt32(value)
            heldBits += 6
            if heldBits >= 8 {
                heldBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(heldBits)))
            }
            held &= (1 << UInt32(heldBits)) - 1
        }
        return held == 0 ? bytes : nil
    }

    private func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case (self == .padded ? UInt8(ascii: "+") : UInt8(ascii: "-")): 62
        case (self == .padded ? UInt8(ascii: "/") : UInt8(ascii: "_")): 63
        default: nil
        }
    }
}
