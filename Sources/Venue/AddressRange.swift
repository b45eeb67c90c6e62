/// An IPv4 or IPv6 address, or a network of them (CIDR), that a key is bound to.
public struct AddressRange: Sendable, Equatable {
    private let bytes: [UInt8]
    private let prefixLength: Int
    /// The address or network as it was written.
    public let text: String

    /// Nil where the text is neither an address nor a network. A network of IPv4 addresses written as IPv6
    /// (`::ffff:10.0.0.0/104`) is that IPv4 network.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let written = Self.writtenBytes(parts[0]) else { return nil }
        var prefixLength = written.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]),
                length <= prefixLength
            else { return nil }
            prefixLength = length
        }
        if Self.isMapped(written), prefixLength >= 96 {
            bytes = Array(written[12...])
            self.prefixLength = prefixLength - 96
        } else {
            bytes = written
            self.prefixLength = prefixLength
        }
        self.text = text
    }

    /// Whether an address is in it. An IPv4 address written as IPv6 (`::ffff:1.2.3.4`) counts as IPv4.
    public func contains(_ address: String) -> Bool {
        guard let other = Self.addressBytes(address[...]), other.count == bytes.count else { return false }
        for bit in 0..<prefixLength {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            if bytes[bit / 8] & mask != other[bit / 8] & mask { return false }
        }
        return true
    }

    /// An address's bytes: 4 of IPv4, however it is written, else 16.
    private static func addressBytes(_ text: Substring) -> [UInt8]? {
        guard let bytes = writtenBytes(text) else { return nil }
        return isMapped(bytes) ? Array(bytes[12...]) : bytes
    }

    private static func writtenBytes(_ text: Substring) -> [UInt8]? {
        text.contains(":") ? ipv6Bytes(text) : ipv4Bytes(text)
    }

    /// Whether 16 bytes are an IPv4 address written as IPv6.
    private static func isMapped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    }

    private static func ipv4Bytes(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        // A leading zero is refused: some programs read it as octal.
        let bytes = parts.compactMap { part in
            part.utf8.allSatisfy { (0x30...0x39).contains($0) } && (part == "0" || part.first != "0")
                ? UInt8(part) : nil
        }
        return parts.count == 4 && bytes.count == 4 ? bytes : nil
    }

    private static func ipv6Bytes(_ text: Substring) -> [UInt8]? {
        let halves = text.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        let isWhole = halves.count == 1
        guard let head = groups(halves[0], mayEndInIPv4: isWhole) else { return nil }
        if isWhole { return head.count == 16 ? head : nil }
        guard let tail = groups(halves[1], mayEndInIPv4: true), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// The bytes of colon-separated groups; the last group of an address may be an IPv4 address.
    private static func groups(_ text: Substring, mayEndInIPv4: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() {
            if mayEndInIPv4, place == parts.count - 1, part.contains(".") {
                guard let address = ipv4Bytes(part) else { return nil }
                bytes += address
            } else {
                // UInt16 alone would take a sign as well.
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ hexValue($0) != nil }),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return bytes
    }
}
