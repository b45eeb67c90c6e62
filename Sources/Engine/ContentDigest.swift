import JSON

/// A 128-bit hash of a JSON value that does not depend on the order of members: it tells a repeated command
/// from another one under the same id. No protection against somebody who looks for two contents with one
/// hash. Stored with the command's event, so it must never change.
///
/// Two lanes of 64 bits take in words: `lane = (lane ^ word) × factor`, `lane ^= lane >> 29`. A value is its
/// kind and then: a text or number its length and its bytes, eight to a little-endian word and the last one
/// filled up with zeros; an array its length and its elements; an object the number of its members and the
/// sum of their lanes, each of them a hash of its own, stirred once more.
struct ContentDigest {
    private var first: UInt64 = 0x243F_6A88_85A3_08D3
    private var second: UInt64 = 0x1319_8A2E_0370_7344

    /// The digest of an object without one of its members, or of any other value.
    static func bytes(of value: JSONValue, without key: String) -> [UInt8] {
        var digest = ContentDigest()
        if case .object(let object) = value {
            digest.add(object, without: key)
        } else {
            digest.add(value)
        }
        return digest.bytes
    }

    private var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for lane in [Self.stirred(first), Self.stirred(second)] {
            withUnsafeBytes(of: lane.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    @inline(__always)
    private mutating func add(_ word: UInt64) {
        first = (first ^ word) &* 0x9E37_79B9_7F4A_7C15
        first ^= first >> 29
        second = (second ^ word) &* 0xC2B2_AE3D_27D4_EB4F
        second ^= second >> 29
    }

    private mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            add(UInt64(bytes.count))
            let raw = UnsafeRawBufferPointer(bytes)
            var place = 0
            while place + 8 <= raw.count {
                add(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
                place += 8
            }
            if place == raw.count { return }
            var word: UInt64 = 0
            var shift: UInt64 = 0
            while place < raw.count {
                word |= UInt64(raw[place]) << shift
                shift += 8
                place += 1
            }
            add(word)
        }
    }

    private mutating func add(_ value: JSONValue) {
        switch value {
        case .null: add(UInt64(0))
        case .bool(let flag): add(flag ? UInt64(2) : UInt64(1))
        case .number(let text):
            add(UInt64(3))
            add(text)
        case .string(let text):
            add(UInt64(4))
            add(text)
        case .array(let elements):
            add(UInt64(5))
            add(UInt64(elements.count))
            for element in elements { add(element) }
        case .object(let object): add(object, without: nil)
        }
    }

    private mutating func add(_ object: JSONObject, without left: String?) {
        var count: UInt64 = 0
        var (firstSum, secondSum) = (UInt64(0), UInt64(0))
        for (key, value) in object.members where key != left {
            var member = ContentDigest()
            member.add(key)
            member.add(value)
            count += 1
            firstSum &+= Self.stirred(member.first)
            secondSum &+= Self.stirred(member.second)
        }
        add(UInt64(6))
        add(count)
        add(firstSum)
        add(secondSum)
    }

    /// Every bit of a lane in every bit of the result.
    private static func stirred(_ lane: UInt64) -> UInt64 {
        var lane = (lane ^ lane >> 33) &* 0xFF51_AFD7_ED55_8CCD
        lane = (lane ^ lane >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return lane ^ lane >> 33
    }
}
