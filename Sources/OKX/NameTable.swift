import JSON

/// Finds where a name stands in a list: a hash table for the short names of currencies and instruments,
/// several times quicker than a dictionary of strings, because every figure begins with such a look-up.
struct NameTable: Sendable {
    private struct Slot: Sendable {
        var key: UInt128
        var place: Int
    }

    /// A power of two, at least twice the names.
    private var slots: [Slot]
    private let mask: Int
    /// Names that do not fit into 16 bytes.
    private var longNames: [ExactText: Int] = [:]

    init(_ names: [String]) {
        var size = 16
        while size < 2 * names.count { size *= 2 }
        slots = Array(repeating: Slot(key: 0, place: -1), count: size)
        mask = size - 1
        for (place, name) in names.enumerated() {
            guard let key = Self.key(name) else {
                longNames[ExactText(name)] = place
                continue
            }
            var index = home(key)
            while slots[index].place >= 0, slots[index].key != key { index = (index + 1) & mask }
            slots[index] = Slot(key: key, place: place)
        }
    }

    /// The place of a name; nil if it is not in the list.
    func place(of name: String) -> Int? {
        guard let key = Self.key(name) else { return longNames[ExactText(name)] }
        var index = home(key)
        while true {
            let slot = slots[index]
            if slot.place < 0 { return nil }
            if slot.key == key { return slot.place }
            index = (index + 1) & mask
        }
    }

    private func home(_ key: UInt128) -> Int {
        let folded = UInt64(truncatingIfNeeded: key) ^ (UInt64(truncatingIfNeeded: key >> 64) &* 0x9E37_79B9)
        return Int(truncatingIfNeeded: (folded &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
    }

    /// The bytes of a name as one number; nil if there are more than 16.
    private static func key(_ name: String) -> UInt128? {
        var name = name
        return name.withUTF8 { bytes in
            guard bytes.count <= 16 else { return nil }
            var key: UInt128 = 0
            withUnsafeMutableBytes(of: &key) { $0.copyMemory(from: UnsafeRawBufferPointer(bytes)) }
            return key
        }
    }
}
