import Exchange
import JSON
import Journal
import Ledger

/// Commands of one caller, on their way.
final class PendingBatch {
    let submissions: [Submission]
    let isAtomic: Bool
    /// The first command that has not been looked at.
    var next = 0
    /// How many of its commands are in the group that is being collected.
    var share = 0
    var results: [CommandResult] = []
    /// The command that made an all-or-none batch fail.
    var refusal: (index: Int, Refusal)?
    private var continuation: CheckedContinuation<SubmissionOutcome, Never>?

    init(
        _ submissions: [Submission], isAtomic: Bool,
        continuation: CheckedContinuation<SubmissionOutcome, Never>
    ) {
        self.submissions = submissions
        self.isAtomic = isAtomic
        self.continuation = continuation
        results.reserveCapacity(submissions.count)
    }

    var isFinished: Bool { next >= submissions.count }

    /// Answers the caller.
    func answer() {
        if let refusal {
            resume(.refused(index: refusal.index, refusal.1))
        } else {
            resume(.results(results))
        }
    }

    /// Answers the caller that nothing from a command on was done; what came before is durable.
    func refuse(from index: Int, _ refusal: Refusal) {
        if isAtomic { return resume(.refused(index: 0, refusal)) }
        let rest = submissions[index...].map { CommandResult(id: $0.id, status: .rejected(refusal)) }
        resume(.results(results.prefix(index) + rest))
    }

    private func resume(_ outcome: SubmissionOutcome) {
        continuation?.resume(returning: outcome)
        continuation = nil
    }
}

/// An event that is not in the store yet, with the id of the command that it completes.
struct PendingEvent: Sendable {
    let event: Event
    let commandID: String?
    let commandDigest: [UInt8]?

    /// The event as the journal keeps it.
    var record: EventRecord {
        var body: [UInt8] = []
        body.reserveCapacity(320)
        event.appendBody(to: &body)
        return EventRecord(
            sequence: event.sequence, at: event.at, account: event.account, counterparty: event.counterparty,
            type: event.typeName, commandID: commandID, commandDigest: commandDigest, body: body)
    }
}

/// Commands that share one transaction.
struct CommandGroup {
    /// Batches that have commands in this group, each with the first of them, and whether its last is among
    /// them.
    var parts: [(batch: PendingBatch, from: Int, isLast: Bool)] = []
    var events: [PendingEvent] = []
    /// Accounts that the group changes, in the order in which it first does.
    var touchedAccounts: [String] = []
    private var touched: Set<ExactText> = []
    var touchedVenues: Set<VenueName> = []
    var definesInstruments = false
    /// The time of its latest event.
    var latest = LedgerTime(milliseconds: .min)
    /// How many commands of each outcome it holds.
    var applied = 0
    var duplicates = 0
    var rejected = 0

    var isEmpty: Bool { parts.isEmpty }

    mutating func add(_ outcome: Exchange.Outcome, commandID: String?, digest: [UInt8]?) {
        for (place, event) in outcome.events.enumerated() {
            let isOwn = place == outcome.own
            events.append(
                PendingEvent(
                    event: event, commandID: isOwn ? commandID : nil, commandDigest: isOwn ? digest : nil))
            note(event)
        }
    }

    /// Notes what an event changes.
    mutating func note(_ event: Event) {
        latest = max(latest, event.at)
        if let account = event.account { touch(account) }
        if let counterparty = event.counterparty { touch(counterparty) }
        if let venue = event.body.market { touchedVenues.insert(venue) }
        if case .instrumentDefined = event.body { definesInstruments = true }
    }

    private mutating func touch(_ account: String) {
        if touched.insert(ExactText(account)).inserted { touchedAccounts.append(account) }
    }

    /// What the group has changed, out of a ledger that has taken it over and nothing after it.
    func change(in ledger: LedgerState) -> LedgerChange {
        LedgerChange(
            accounts: touchedAccounts.compactMap { ledger.account($0) },
            prices: touchedVenues.map { ($0, ledger.prices(of: $0)) },
            instruments: definesInstruments ? ledger.instrumentTable : nil, sequence: ledger.lastSequence)
    }
}
