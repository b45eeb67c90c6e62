import Journal
import Ledger
import JSON
import Venue

/// An event as the journal keeps it.
public struct StoredEvent: Sendable, Equatable {
    /// Its place in the journal, counted from 1.
    public let sequence: Int64
    /// The ledger time at which it happened.
    public let at: LedgerTime
    /// The account that it is about; nil for a venue's market.
    public let account: String?
    /// The receiver of a transfer.
    public let counterparty: String?
    /// What kind of event it is, such as `filled`.
    public let type: String
    /// The id of the command that it completed.
    public let commandID: String?
    /// The body, one JSON object, as stored.
    public let body: [UInt8]

    init(_ record: EventRecord) {
        sequence = record.sequence
        at = record.at
        account = record.account
        counterparty = record.counterparty
        type = record.type
        commandID = record.commandID
        body = record.body
    }
}

/// An account in short.
public struct AccountSummary: Sendable, Equatable {
    /// The account's name.
    public let id: String
    /// The venue where it was opened.
    public let venue: VenueName
    /// The account whose sub-account it is; nil for one of its own.
    public let parent: String?
    /// The ledger time at which it was opened.
    public let openedAt: LedgerTime
    /// The ledger time of its last event.
    public var updatedAt: LedgerTime
    /// How many events have changed it; the first is 1.
    public var version: Int64
    /// The sequence of its last event.
    public var lastSequence: Int64

    init(_ account: Account) {
        id = account.id
        venue = account.venue
        parent = account.parent
        openedAt = account.openedAt
        updatedAt = account.updatedAt
        version = account.version
        lastSequence = account.lastSequence
    }
}

/// All of this goes to the store and takes long, so that it runs in turns for slow work: in that of the
/// caller, or else in one that it asks for itself. Throws `busy` where too much waits already.
extension LedgerEngine {
    /// Events of an account after a sequence, in order, no more than `limit`; those of a transfer to it too.
    public func events(
        of account: String, after sequence: Int64, limit: Int
    ) async throws(Refusal) -> [StoredEvent] {
        let records = try await read { journal throws(JournalError) in
            try journal.events(of: account, after: sequence, limit: max(0, limit))
        }
        return records.map { StoredEvent($0) }
    }

    /// Events of all accounts and of the market after a sequence, in order, no more than `limit`.
    public func events(after sequence: Int64, limit: Int) async throws(Refusal) -> [Event] {
        try await read { journal throws(JournalError) in
            var events: [Event] = []
            for record in try journal.events(after: sequence, limit: max(0, limit)) {
                events.append(try journal.event(of: record))
            }
            return events
        }
    }

    /// An account as it was after all events up to and at a time; nil if it was not open yet.
    public func account(_ id: String, asOf time: LedgerTime) async throws(Refusal) -> Account? {
        try await accounts(id, asOf: [time], in: journal).first ?? nil
    }

    /// Every account in short, in the order of opening: as it is, or as it was after all events up to and at
    /// a time, without those that were not open yet.
    public func summaries(asOf time: LedgerTime? = nil) async throws(Refusal) -> [AccountSummary] {
        var (found, sequence) = presentSummaries(openedBy: time)
        guard let time else { return found }
        // What has changed since is taken back, from the journal's end until each account's last event before
        // the time is found: one way through the journal for all of them.
        var changed: [ExactText: Int] = [:]
        for (place, account) in found.enumerated() where account.updatedAt > time {
            changed[ExactText(account.id)] = place
        }
        while !changed.isEmpty, sequence > 0 {
            let (after, limit) = (max(0, sequence - Self.lot), min(sequence, Self.lot))
            let records = try await read { journal throws(JournalError) in
                try journal.events(after: after, limit: Int(limit))
            }
            for record in records.reversed() {
                for id in [record.account, record.counterparty] {
                    guard let id = id.map({ ExactText($0) }), let place = changed[id] else { continue }
                    if record.at > time {
                        found[place].version -= 1
                    } else {
                        found[place].updatedAt = record.at
                        found[place].lastSequence = record.sequence
                        changed[id] = nil
                    }
                }
            }
            sequence = after
            try await SlowWork.giveWay()
        }
        return found
    }

    private func presentSummaries(openedBy time: LedgerTime?) -> ([AccountSummary], sequence: Int64) {
        let cut = published.cut()
        var found: [AccountSummary] = []
        found.reserveCapacity(cut.order.count)
        for id in cut.order {
            guard let account = cut.accounts[ExactText(id)]?.account else { continue }
            if let time, account.openedAt > time { continue }
            found.append(AccountSummary(account))
        }
        return (found, cut.sequence)
    }

    /// What an account of a venue has traded, up to what was last made durable; nil if there is no such
    /// account. `isDeep` goes further back than the latest of each list.
    func tradingHistory(
        of id: String, at venue: VenueName, isDeep: Bool = false
    ) async throws(Refusal) -> TradingHistory? {
        guard let account = published.account(id), account.venue == venue else { return nil }
        let known = tradingHistories.known(of: id, isDeep: isDeep)
        if known.lastSequence >= account.lastSequence { return known }
        let journal = journal
        return try await turn(of: "\(venue)/\(id)").run { () async throws(Refusal) in
            var history = known
            while try Self.readable({ () throws(JournalError) in
                try TradingHistories.readLot(into: &history, of: id, in: journal)
            }) {
                try await SlowWork.giveWay()
            }
            tradingHistories.keep(history, of: id, isDeep: isDeep, in: journal.generation)
            return history
        }
    }

    /// A venue's prices as they were after all events up to and at a time.
    public func prices(of venue: VenueName, asOf time: LedgerTime) async throws(Refusal) -> VenuePrices {
        try await prices(of: venue, asOf: time, in: journal)
    }

    func prices(
        of venue: VenueName, asOf time: LedgerTime, in journal: JournalView
    ) async throws(Refusal) -> VenuePrices {
        try await read(in: journal) { journal throws(JournalError) in
            try journal.prices(of: venue, at: [time]).first ?? VenuePrices()
        }
    }

    /// What a venue's model may reach, as things were at a time. Accounts are read from the journal when they
    /// are first asked for, and waited for then, so that this is for use in a turn; those named here, and
    /// their sub-accounts, are read at once.
    public func access(
        for venue: VenueName, asOf time: LedgerTime, accounts: [String] = []
    ) async throws(Refusal) -> any VenueAccess {
        let journal = journal
        let prices = try await prices(of: venue, asOf: time, in: journal)
        let access = PastAccess(venue: venue, time: time, prices: prices, journal: journal, engine: self)
        for id in accounts.flatMap({ [$0] + published.subaccounts(of: $0) })
        where published.account(id)?.venue == venue {
            access.know(id, try await self.accounts(id, asOf: [time], in: journal).first ?? nil)
        }
        return access
    }

    /// An account with its venue's prices as they were at each of some times, in the order of the times; nil
    /// for a time before it was opened, and for one that the venue does not have.
    func snapshots(
        of id: String, at venue: VenueName, asOf times: [LedgerTime], in journal: JournalView
    ) async throws(Refusal) -> [AccountSnapshot?] {
        guard published.account(id)?.venue == venue else { return times.map { _ in nil } }
        let ascending = Set(times).sorted()
        let accounts = try await accounts(id, asOf: ascending, in: journal)
        var snapshots: [LedgerTime: AccountSnapshot] = [:]
        for start in stride(from: 0, to: ascending.count, by: Self.pricesAtATime) {
            let some = Array(ascending[start..<min(start + Self.pricesAtATime, ascending.count)])
            let prices = try await read(in: journal) { journal throws(JournalError) in
                try journal.prices(of: venue, at: some)
            }
            for (place, (time, prices)) in zip(some, prices).enumerated() {
                snapshots[time] = accounts[start + place].map {
                    AccountSnapshot(account: $0, prices: prices, at: time)
                }
            }
            try await SlowWork.giveWay()
        }
        return times.map { snapshots[$0] }
    }

    // MARK: - In slices

    /// How many events are read in one slice.
    static let lot: Int64 = 1_000
    /// At how many times prices are looked up in one slice.
    private static let pricesAtATime = 8

    /// An account as it was at each of some times, which ascend.
    func accounts(
        _ id: String, asOf times: [LedgerTime], in journal: JournalView
    ) async throws(Refusal) -> [Account?] {
        guard published.account(id) != nil else { return times.map { _ in nil } }
        let beginning = past(of: id, at: times, in: journal)
        return try await turn(of: Self.ownSender).run { () async throws(Refusal) in
            var past = beginning
            while try Self.readable({ () throws(JournalError) in try past.readLot() }) {
                try await SlowWork.giveWay()
            }
            return past.found
        }
    }

    func past(of id: String, at times: [LedgerTime], in journal: JournalView) -> AccountPast {
        AccountPast(
            of: id, at: times, present: published.account(id), journal: journal, milestones: milestones)
    }

    /// Who asks where the caller has no turn.
    private static let ownSender = "ledger"

    /// Reads the journal, as far as it is published now or at a place from before.
    func read<Value: Sendable>(
        in journal: JournalView? = nil, _ work: @Sendable (JournalView) throws(JournalError) -> Value
    ) async throws(Refusal) -> Value {
        // A read may have found an index that is to be made again.
        defer { if store.needsUpkeep { upkeep.consider(published.sequence) } }
        return try await turn(of: Self.ownSender).run { () async throws(Refusal) in
            let journal = journal ?? self.journal
            return try Self.readable { () throws(JournalError) in try work(journal) }
        }
    }

    private static func readable<Value>(_ work: () throws(JournalError) -> Value) throws(Refusal) -> Value {
        do throws(JournalError) { return try work() } catch { throw .unreadable(error) }
    }
}

/// Folds an account's own events, lot by lot, in a ledger of its own.
struct AccountPast {
    /// The account as it was at each of the times that have been passed; all of them in the end.
    private(set) var found: [Account?] = []

    private let id: String
    private let times: [LedgerTime]
    /// The account at the end of the journal's view; nil where it has changed since.
    private let present: Account?
    private let journal: JournalView
    private let milestones: Milestones
    private var ledger = LedgerState()

    /// The times ascend; `present` is the account as it became after the view was taken, or still is.
    init(
        of id: String, at times: [LedgerTime], present: Account?, journal: JournalView,
        milestones: Milestones
    ) {
        self.id = id
        self.times = times
        self.present = present.flatMap { $0.lastSequence <= journal.sequence ? $0 : nil }
        self.journal = journal
        self.milestones = milestones
        let known = times.first.flatMap { milestones.latest(of: id, notAfter: $0, upTo: journal.sequence) }
        if let known { ledger.restore(known) }
    }

    /// Reads one lot of events; whether there is more to read.
    mutating func readLot() throws(JournalError) -> Bool {
        // At and after its last event the account is what it is now.
        if let present, let time = nextTime, present.updatedAt <= time {
            for _ in found.count..<times.count { found.append(present) }
        }
        guard nextTime != nil else { return false }
        let records = try journal.events(
            of: id, after: ledger.account(id)?.lastSequence ?? 0, limit: Int(LedgerEngine.lot))
        for record in records {
            // An account's events never go back in time.
            while let time = nextTime, time < record.at { found.append(ledger.account(id)) }
            if nextTime == nil { return false }
            try take(record)
        }
        guard records.count == LedgerEngine.lot else {
            while nextTime != nil { found.append(ledger.account(id)) }
            return false
        }
        if let account = ledger.account(id) { milestones.keep(account, of: journal.generation) }
        return true
    }

    private var nextTime: LedgerTime? { found.count < times.count ? times[found.count] : nil }

    private mutating func take(_ record: EventRecord) throws(JournalError) {
        let event = try journal.event(of: record)
        do throws(Refusal) {
            // The other side of a transfer is not of interest, but the ledger wants it there.
            if let other = record.account == id ? record.counterparty : record.account,
                ledger.account(other) == nil, let own = ledger.account(id)
            {
                ledger.restore(
                    Account(
                        id: other, venue: own.venue, parent: nil, conventions: own.conventions,
                        settings: Settings(), openedAt: event.at))
            }
            try ledger.apply(event)
        } catch {
            throw Replay.misfit(record, error)
        }
    }
}
