import GRDB
import Synchronization

/// All that a store held at one moment, kept in memory: events, keys, indexes and small things.
public final class StoreContents: Sendable {
    let copy: DatabaseQueue
    /// How many bytes it takes.
    public let size: Int

    init(of database: any DatabaseReader) throws {
        copy = try DatabaseQueue()
        try database.backup(to: copy)
        size = try database.read { db in
            try SQLiteLayout.number("PRAGMA page_count", in: db)
                * SQLiteLayout.number("PRAGMA page_size", in: db)
        }
    }
}

extension SQLiteJournal {
    public func contents() throws(JournalError) -> StoreContents {
        try translating("copy the store") { try StoreContents(of: database) }
    }

    public func replaceContents(with contents: StoreContents?) throws(JournalError) {
        // A kill on the way must not leave a store that is shorter than what is noted beside it.
        try tipFile?.restart(from: StoreEnd())
        defer { areIndexesDamaged.withLock { $0 = false } }
        let end = try translating("write the store") {
            // Where this fails, the store is as it was.
            let failure = Result {
                if let contents {
                    try contents.copy.backup(to: database)
                } else {
                    try database.write { try Self.empty($0) }
                }
            }
            let end = try database.read { try Self.readEnd($0) }
            return (end, failure)
        }
        try tipFile?.restart(from: end.0)
        try translating("write the store") { try end.1.get() }
    }

    /// Throws all away but what the venues' tokens are signed with and how secrets are sealed.
    private static func empty(_ db: Database) throws {
        try withoutTraces(db) {
            try discardDerived(in: db)
            try db.execute(sql: "DELETE FROM events")
            try db.execute(sql: "DELETE FROM api_keys")
            try db.execute(
                sql: "DELETE FROM meta WHERE key NOT IN (?, ?, ?)",
                arguments: [
                    MetaKey.tokenSecret.rawValue, MetaKey.keySeal.rawValue, MetaKey.revision.rawValue,
                ])
        }
        _ = try countChange(in: db)
    }
}
