import Journal

/// Where in the journal each command id may have been used, in 8 bytes an id: a table of hashes with open
/// addressing. An entry is a hint; the event itself tells.
struct CommandIndex {
    /// A power of two of slots, 0 where empty; at most three quarters are taken.
    private var slots: [UInt64]
    private(set) var count = 0

    init(_ entries: [CommandIndexEntry] = []) {
        var size = 1024
        while size * 3 / 4 < entries.count { size *= 2 }
        slots = [UInt64](repeating: 0, count: size)
        for entry in entries { place(entry.packed) }
        count = entries.count
    }

    mutating func insert(_ entry: CommandIndexEntry) {
        if (count + 1) * 4 > slots.count * 3 {
            let old = slots
            slots = [UInt64](repeating: 0, count: old.count * 2)
            for packed in old where packed != 0 { place(packed) }
        }
        place(entry.packed)
        count += 1
    }

    /// The sequences of the events that may carry this id.
    func candidates(for commandID: String) -> [Int64] {
        let fingerprint = CommandIndexEntry.fingerprint(of: commandID)
        var found: [Int64] = []
        var slot = start(of: fingerprint)
        while slots[slot] != 0 {
            let entry = CommandIndexEntry(packed: slots[slot])
            if entry.fingerprint == fingerprint { found.append(entry.sequence) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return found
    }

    private mutating func place(_ packed: UInt64) {
        var slot = start(of: CommandIndexEntry(packed: packed).fingerprint)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = packed
    }

    /// Where the search for a fingerprint begins. The fingerprint is spread over tables larger than itself.
    private func start(of fingerprint: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(fingerprint) &* 0x9E37_79B9_7F4A_7C15) >> 24) & (slots.count - 1)
    }
}
