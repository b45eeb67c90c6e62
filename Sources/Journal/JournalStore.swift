import Ledger

/// An append-only store of events, with what belongs to them: API keys, and indexes and snapshots that can
/// all be thrown away and rebuilt.
///
/// Calls block until they are done; whoever must not block hands them to a thread of its own. One caller at a
/// time appends and maintains; any number read meanwhile, and reads never wait for a write (but in memory,
/// where writes take no time).
public protocol JournalStore: Sendable {
    /// Where it is, for messages.
    var location: String { get }

    // MARK: Events

    /// The end of the journal as it is in the store.
    func tip() throws(JournalError) -> JournalTip

    /// Appends events in one transaction: all of them or none. They are durable when this returns.
    ///
    /// Their sequences must follow the tip without a gap. Checksums are worked out here.
    func append(_ events: [EventRecord]) throws(JournalError)

    /// Events after a sequence, in order, no more than `limit`. As with every read of events, each is
    /// compared with its checksum; throws `damaged` for one that is not as it was written, or is gone.
    func events(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord]

    /// The events with these sequences, as far as there are any, in no particular order.
    func events(at sequences: [Int64]) throws(JournalError) -> [EventRecord]

    /// Events of an account, those among them that come from another account too, after a sequence and in
    /// order.
    func events(of account: String, after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord]

    /// Events that are prices, quotes or fundings, after a sequence, in order, no more than `limit`.
    func marketEvents(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord]

    /// A venue's prices as they were after all events up to and at each of some times, which ascend, of the
    /// events up to a sequence.
    func prices(
        of venue: VenueName, at times: [LedgerTime], upTo sequence: Int64
    ) throws(JournalError) -> [VenuePrices]

    /// An entry for every command id ever used.
    func commandEntries() throws(JournalError) -> [CommandIndexEntry]

    // MARK: Upkeep

    /// Brings the indexes up by no more than `limit` events; whether they lag still. Reads are right either
    /// way, and quicker with less lag.
    func updateIndexes(limit: Int) throws(JournalError) -> Bool

    /// How far the indexes go.
    func indexedSequence() throws(JournalError) -> Int64

    /// Whether the indexes turned out to be damaged, so that reads do without them until they are brought up
    /// again from the beginning.
    var needsUpkeep: Bool { get }

    /// What is wrong with the store's own structure; empty where nothing is.
    func structuralProblems() throws(JournalError) -> [String]

    // MARK: Snapshots

    /// Writes account snapshots, in place of those with the same ordinal; with `state`, the record that makes
    /// them count, in the same transaction.
    func writeSnapshots(_ accounts: [AccountSnapshotRecord], state: [UInt8]?) throws(JournalError)

    /// Account snapshots from an ordinal on, in order. Throws `damaged` for one that is not as it was
    /// written.
    func snapshots(from ordinal: Int64, limit: Int) throws(JournalError) -> [AccountSnapshotRecord]

    /// Throws all snapshots away.
    func discardSnapshots() throws(JournalError)

    // MARK: Keys and small things

    /// Every API key that is in force. Throws `damaged` where one is not as it was written, or is gone.
    func keys() throws(JournalError) -> [KeyRecord]

    /// Adds a key. The venue has none of that name yet.
    func add(_ key: KeyRecord) throws(JournalError)

    /// Takes a key away; whether there was one.
    func removeKey(_ apiKey: String, venue: VenueName) throws(JournalError) -> Bool

    /// Puts keys in place of all there are, and keeps or drops small things, in one transaction that leaves
    /// no trace of what was there before.
    func replaceKeys(_ keys: [KeyRecord], setting values: [MetaKey: [UInt8]?]) throws(JournalError)

    /// What is kept under a name; nil if nothing is. Throws `damaged` for what is not as it was written and
    /// cannot be made again.
    func value(_ key: MetaKey) throws(JournalError) -> [UInt8]?

    /// Keeps something under a name.
    func set(_ value: [UInt8], for key: MetaKey) throws(JournalError)

    /// Copies all that is durable now into a new file of one's own, for its owner only; it is on disk when
    /// this returns.
    func copy(to path: String) throws(JournalError)

    /// All that is in it now.
    func contents() throws(JournalError) -> StoreContents

    /// Puts other contents in place of all that is in it; nil for those of a new ledger, with the same seal
    /// and the same secret for tokens. It is durable when this returns; where it throws, nothing has changed.
    func replaceContents(with contents: StoreContents?) throws(JournalError)

    /// Lets go of the store; it answers nothing afterwards.
    func close() throws(JournalError)
}

extension JournalStore {
    /// Found by looking at every event; a store that can tell them apart does so.
    public func marketEvents(after sequence: Int64, limit: Int) throws(JournalError) -> [EventRecord] {
        var found: [EventRecord] = []
        var place = sequence
        while found.count < limit {
            let events = try events(after: place, limit: 1_000)
            guard let last = events.last else { break }
            found += events.filter { ["priced", "quoted", "funded", "funding_fixed"].contains($0.type) }
            place = last.sequence
        }
        return Array(found.prefix(limit))
    }

    /// Indexes that cannot be damaged.
    public var needsUpkeep: Bool { false }

    /// A store that is in no file.
    public func copy(to path: String) throws(JournalError) {
        throw JournalError(.badLocation, "\(location) cannot be copied into a file.")
    }

    /// A venue's prices as they were after all events up to and at a time.
    public func prices(of venue: VenueName, at time: LedgerTime) throws(JournalError) -> VenuePrices {
        try prices(of: venue, at: [time], upTo: .max).first ?? VenuePrices()
    }

    /// A store that cannot be copied.
    public func contents() throws(JournalError) -> StoreContents {
        throw JournalError(.badLocation, "\(location) cannot be copied.")
    }

    /// A store that cannot be copied.
    public func replaceContents(with contents: StoreContents?) throws(JournalError) {
        throw JournalError(.badLocation, "\(location) takes no other contents.")
    }
}

/// What a store is opened for.
public enum JournalAccess: Sendable {
    /// By the one process that may write.
    case readWrite
    /// For looking only, also while another process writes.
    case readOnly
}

/// How a store is opened.
public struct JournalOptions: Sendable {
    /// Whether a ledger is taken that has become shorter than it is known to have been.
    public var acceptsShorterLedger = false
    /// Told in a sentence what was found to be damaged and is made again.
    public var report: @Sendable (String) -> Void = { _ in }

    public init() {}
}

/// Opens the store that a location names: `sqlite:PATH` or `memory:`.
///
/// Throws `damaged` where the ledger is shorter than the file beside the store or the store itself tells.
public func openJournal(
    _ location: String, access: JournalAccess = .readWrite, options: JournalOptions = JournalOptions()
) throws(JournalError) -> any JournalStore {
    if location == "memory:" { return try SQLiteJournal.inMemory(options: options) }
    if location.hasPrefix("sqlite:") {
        let path = String(location.dropFirst("sqlite:".count))
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw JournalError(.badLocation, "sqlite: needs a path, as in sqlite:marginalia-data/ledger.db.")
        }
        return try SQLiteJournal.open(path: path, access: access, options: options)
    }
    // A location may hold a password, so only its scheme is repeated.
    let scheme = location.split(separator: ":").first.map(String.init) ?? ""
    throw JournalError(
        .badLocation,
        "Cannot open a store of kind \"\(scheme.prefix(20))\"; give sqlite:PATH or memory: instead.")
}
