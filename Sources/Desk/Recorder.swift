import Journal
import Ledger
import Venue

extension Recording {
    /// What was read of an account, as it is recorded: every answer, byte for byte. Nil where no answer was.
    public init?(_ read: AccountRead) {
        guard let statement = read.statements.first, let last = read.bodies.map(\.takenAt).max() else {
            return nil
        }
        self.init(
            venue: statement.venue, account: statement.configuredAccount,
            takenAt: LedgerTime(milliseconds: last),
            answers: read.bodies.map { body in
                Answer(
                    call: body.call, takenAt: LedgerTime(milliseconds: body.takenAt), body: body.bytes)
            })
    }

    /// The answers as they came.
    public var bodies: [RecordedBody] {
        answers.map {
            RecordedBody(call: $0.call, bytes: $0.body, takenAt: $0.takenAt.milliseconds)
        }
    }

    /// The account and its sub-accounts, read again from the recorded answers.
    ///
    /// Throws where the answers are none of the venue, or the venue is none that can be read.
    public func statements(profile: WireProfile = .documented) throws -> [Statement] {
        try statements(by: ReaderSource.builtIn.reader(of: venue, profile: profile))
    }

    /// The account and its sub-accounts, read again by a reader of the venue.
    ///
    /// Throws where the answers are none of the venue.
    public func statements(by reader: any VenueClient) throws(ReadingError) -> [Statement] {
        try reader.statements(from: bodies, account: account)
    }
}

/// Records portfolios as they are read.
public struct Recorder: Sendable {
    private let store: RecordingStore

    /// A recorder into a store.
    public init(_ store: RecordingStore) { self.store = store }

    /// Records every account of a portfolio that was read, and gives the recordings with their sequences.
    /// They are durable when this returns.
    public func record(_ portfolio: Portfolio) throws(JournalError) -> [Recording] {
        let recordings = portfolio.accounts.compactMap { Recording($0) }
        let sequences = try store.append(recordings)
        return zip(recordings, sequences).map { recording, sequence in
            var recording = recording
            recording.sequence = sequence
            return recording
        }
    }
}
