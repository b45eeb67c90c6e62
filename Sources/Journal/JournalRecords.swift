import Ledger

/// An event as the journal keeps it.
public struct EventRecord: Sendable, Equatable {
    /// Its place; the first is 1, and there are no gaps.
    public var sequence: Int64
    public var at: LedgerTime
    /// The account it changes; nil for prices and instrument terms.
    public var account: String?
    /// The other account it changes: the receiver of a transfer.
    public var counterparty: String?
    /// What kind of event it is, such as `filled`.
    public var type: String
    /// The idempotency key of the command it came from, on the command's last event only.
    public var commandID: String?
    /// A digest of that command's content.
    public var commandDigest: [UInt8]?
    /// The body: one JSON object, as bytes of UTF-8.
    public var body: [UInt8]
    /// The checksum of this event and all before it; the store works it out when the event is appended.
    public var checksum: UInt64 = 0

    public init(
        sequence: Int64, at time: LedgerTime, account: String?, counterparty: String?, type: String,
        commandID: String? = nil, commandDigest: [UInt8]? = nil, body: [UInt8]
    ) {
        self.sequence = sequence
        self.at = time
        self.account = account
        self.counterparty = counterparty
        self.type = type
        self.commandID = commandID
        self.commandDigest = commandDigest
        self.body = body
    }
}

/// The end of a journal.
public struct JournalTip: Sendable, Equatable {
    /// The sequence of the last event; 0 before the first.
    public var sequence: Int64
    /// The checksum of the last event; 0 before the first.
    public var checksum: UInt64

    public init(sequence: Int64 = 0, checksum: UInt64 = 0) {
        self.sequence = sequence
        self.checksum = checksum
    }
}

/// An account as it was after one of its events: saves replaying the events before.
public struct AccountSnapshotRecord: Sendable, Equatable {
    /// The account's place in the order of opening; the first is 0.
    public var ordinal: Int64
    /// The sequence of the last event it includes.
    public var sequence: Int64
    /// The account as one JSON object.
    public var body: [UInt8]

    public init(ordinal: Int64, sequence: Int64, body: [UInt8]) {
        self.ordinal = ordinal
        self.sequence = sequence
        self.body = body
    }
}

/// An API key as the store keeps it.
public struct KeyRecord: Sendable, Equatable {
    public var venue: VenueName
    public var apiKey: String
    /// Readable or sealed, as signatures cannot be checked with a digest of it.
    public var secret: String
    /// Salt and digest of the passphrase; empty where the key has none.
    public var passphraseSalt: [UInt8]
    public var passphraseDigest: [UInt8]
    public var permissions: [String]
    public var addresses: [String]
    public var account: String
    public var createdAt: LedgerTime

    public init(
        venue: VenueName, apiKey: String, secret: String, passphraseSalt: [UInt8], passphraseDigest: [UInt8],
        permissions: [String], addresses: [String], account: String, createdAt: LedgerTime
    ) {
        self.venue = venue
        self.apiKey = apiKey
        self.secret = secret
        self.passphraseSalt = passphraseSalt
        self.passphraseDigest = passphraseDigest
        self.permissions = permissions
        self.addresses = addresses
        self.account = account
        self.createdAt = createdAt
    }
}

/// Something small that the store keeps under a name.
public struct MetaKey: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// What the venues' own tokens are signed with.
    public static let tokenSecret = MetaKey(rawValue: "token_secret")
    /// What seals the secrets, where they are sealed.
    public static let keySeal = MetaKey(rawValue: "key_seal")
    /// Written to find out whether the store takes writes.
    public static let writeProbe = MetaKey(rawValue: "write_probe")
    /// Every instrument's terms, for reading account snapshots.
    public static let snapshotInstruments = MetaKey(rawValue: "snapshot_instruments")
    /// The place that the account snapshots stand for, with the prices of that place.
    public static let snapshotState = MetaKey(rawValue: "snapshot_state")
}
