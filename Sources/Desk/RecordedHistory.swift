import JSON
import Journal
import Ledger
import Numbers
import Venue

/// What a store of recordings tells about one account over time.
public struct RecordedHistory: Sendable {
    /// One recording, read again.
    public struct Entry: Sendable {
        public let recording: Recording
        /// The account and its sub-accounts; empty where the answers cannot be read any more.
        public let statements: [Statement]
        /// What has changed since the recording before; all fields count as new in the first.
        public let changes: [FieldChange]
    }

    /// In the order of their times.
    public let entries: [Entry]

    /// The recordings in the order of their times.
    public init(_ recordings: [Recording], profile: WireProfile = .documented) {
        var previous: Recording?
        entries = recordings.map { recording in
            let changes = previous.map { FieldChange.between($0, recording).withoutTimes } ?? []
            previous = recording
            return Entry(
                recording: recording, statements: (try? recording.statements(profile: profile)) ?? [],
                changes: changes)
        }
    }

    /// A table of the account's own figures, a line a recording and account.
    public func table(of figures: [CommonFigure]) -> TextTable {
        TextTable(
            title: "Figures", header: ["TIME", "ACCOUNT"] + figures.map { $0.rawValue.uppercased() },
            rows: entries.flatMap { entry in
                entry.statements.map { statement in
                    [entry.recording.takenAt.iso8601, statement.account]
                        + figures.map { statement.figures[$0]?.value.shown ?? "-" }
                }
            })
    }

    /// A table of what has changed, a line a field.
    public var changeTable: TextTable {
        TextTable(
            title: "Changes", header: ["TIME", "CALL", "FIELD", "BEFORE", "AFTER"],
            rows: entries.flatMap { entry in
                entry.changes.map { change in
                    [
                        entry.recording.takenAt.iso8601, change.call, change.path, change.before.shown,
                        change.after.shown,
                    ]
                }
            })
    }

    /// The history for programs: every recording with its common figures and changes.
    public var json: JSONValue {
        .array(
            entries.map { entry in
                .members([
                    ("sequence", .integer(entry.recording.sequence)),
                    ("taken_at", .integer(entry.recording.takenAt.milliseconds)),
                    ("venue", .string(entry.recording.venue.rawValue)),
                    ("account", .string(entry.recording.account)),
                    (
                        "statements",
                        .array(
                            entry.statements.map {
                                .members([("account", .string($0.account)), ("figures", $0.figures.json)])
                            })
                    ),
                    ("changes", .array(entry.changes.map(\.json))),
                ])
            })
    }
}

extension FieldChange {
    /// The change: where, and what stood there before and after.
    var json: JSONValue {
        .members([
            ("call", .string(call)), ("field", .string(path)), ("before", .string(before.shown)),
            ("after", .string(after.shown)),
        ])
    }
}
