import Ledger

/// A 64-bit hash for finding damage; no protection against somebody who wants to forge.
///
/// Words of eight bytes, little-endian: `hash = (hash ^ word) × 0x9E3779B97F4A7C15`, then `hash ^= hash >>
/// 32`. Each step is a bijection, so a change within one word is always found. Texts and bytes are preceded
/// by their length (all ones for an absent one) and their last word is filled up with zeros.
struct ChecksumHash {
    private(set) var value: UInt64 = 0

    @inline(__always)
    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 32
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        add(UInt64(bytes.count))
        var place = 0
        while place + 8 <= bytes.count {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
            place += 8
        }
        if place < bytes.count {
            var word: UInt64 = 0
            var shift: UInt64 = 0
            for byte in bytes[place...] {
                word |= UInt64(byte) << shift
                shift += 8
            }
            add(word)
        }
    }

    mutating func add(_ bytes: [UInt8]?) {
        guard let bytes else { return add(UInt64.max) }
        bytes.withUnsafeBytes { add($0) }
    }

    mutating func add(_ text: String?) {
        guard var text else { return add(UInt64.max) }
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }
}

extension EventRecord {
    /// The checksum of this event and all before it; `previous` is that of the event before, 0 for the first.
    public func checksum(after previous: UInt64) -> UInt64 {
        var hash = ChecksumHash()
        hash.add(previous)
        hash.add(UInt64(bitPattern: sequence))
        hash.add(UInt64(bitPattern: at.milliseconds))
        hash.add(account)
        hash.add(counterparty)
        hash.add(type)
        hash.add(commandID)
        hash.add(commandDigest)
        hash.add(body)
        return hash.value
    }
}

extension AccountSnapshotRecord {
    /// The checksum of the snapshot.
    var checksum: UInt64 {
        var hash = ChecksumHash()
        hash.add(UInt64(bitPattern: ordinal))
        hash.add(UInt64(bitPattern: sequence))
        hash.add(body)
        return hash.value
    }
}
