/// Values that stores of earlier versions hold.
enum StoredHashes {
    /// The checksum of the sample deposit with sequence 1 to account "a".
    static let depositChecksum: UInt64 = 0x4B1356DD69C60CBD
    /// The fingerprint of the command id "four".
    static let fourFingerprint: UInt32 = 0x28A6C6F
}
