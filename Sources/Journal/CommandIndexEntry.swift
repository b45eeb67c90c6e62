/// Where in the journal a command id may have been used: 28 bits of the id's hash and 36 bits of the
/// sequence, so that ten million ids take 80 MB of memory and of file.
///
/// Two ids may have the same hash, so an entry is a hint: the event itself tells which id it has.
public struct CommandIndexEntry: Sendable, Hashable {
    /// Hash and sequence, as stores keep them.
    public let packed: UInt64

    /// Enough for 20 TB of journal.
    static let sequenceBits: UInt64 = 36

    /// An entry as a store has kept it.
    public init(packed: UInt64) { self.packed = packed }

    /// The entry of a command's id, whose first event has this sequence.
    public init(commandID: String, sequence: Int64) {
        packed =
            UInt64(Self.fingerprint(of: commandID)) << Self.sequenceBits
            | (UInt64(bitPattern: sequence) & (1 << Self.sequenceBits - 1))
    }

    /// The sequence of the event that may carry the id.
    public var sequence: Int64 { Int64(packed & (1 << Self.sequenceBits - 1)) }

    /// 28 bits of the id's hash.
    public var fingerprint: UInt32 { UInt32(truncatingIfNeeded: packed >> Self.sequenceBits) }

    /// 28 bits of the hash of an id. Stored, so it must never change.
    public static func fingerprint(of commandID: String) -> UInt32 {
        var hash = ChecksumHash()
        hash.add(commandID)
        return UInt32(truncatingIfNeeded: hash.value >> 36)
    }
}
