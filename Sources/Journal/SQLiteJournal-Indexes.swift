import GRDB
import JSON
import Ledger
import Numbers

/// What is found by account, command id or time. All of it comes from the events and can be rebuilt from
/// them: emptying the three tables and the mark in `meta` has the next updates do so.
extension SQLiteJournal {
    private static let indexedKey = MetaKey(rawValue: "indexed_sequence")

    public func indexedSequence() throws(JournalError) -> Int64 {
        try reading { try Self.indexedSequence($0) }
    }

    /// How far the indexes go; 0 where the mark is missing, as they are then emptied before they are built
    /// again.
    static func indexedSequence(_ db: Database) throws -> Int64 {
        let text = try String.fetchOne(
            db, sql: "SELECT CAST(value AS TEXT) FROM meta WHERE key = ?", arguments: [indexedKey.rawValue])
        return text.flatMap { Int64($0) } ?? 0
    }

    public func updateIndexes(limit: Int) throws(JournalError) -> Bool {
        try translating("write the store") {
            try database.write { db in
                let from = try Self.indexedSequence(db)
                let end = try Self.readTip(db).sequence
                let through = min(end, from + Int64(max(1, limit)))
                if through <= from { return false }
                if from == 0 {
                    try db.execute(
                        sql:
                            """
                            DELETE FROM account_events;
                            DELETE FROM command_entries;
                            DELETE FROM price_history;
                            """
                    )
                }
                // Sorted, so that every page of the index is touched once a lot and not once an event.
                try db.execute(
                    sql: """
                        INSERT INTO account_events (account, sequence)
                        SELECT account, sequence FROM events
                            WHERE sequence > ?1 AND sequence <= ?2 AND account IS NOT NULL
                        UNION ALL
                        SELECT counterparty, sequence FROM events
                            WHERE sequence > ?1 AND sequence <= ?2 AND counterparty IS NOT NULL
                        ORDER BY 1, 2
                        """, arguments: [from, through])
                try Self.indexCommands(after: from, through: through, in: db)
                try Self.indexPrices(after: from, through: through, in: db)
                try Self.set(Array(String(through).utf8), for: Self.indexedKey, in: db)
                return through < end
            }
        }
    }

    // MARK: - Command ids

    static func entries(after from: Int64, through: Int64, in db: Database) throws -> [CommandIndexEntry] {
        let statement = try RawStatement(
            """
            SELECT command_id, sequence FROM events
            WHERE sequence > ? AND sequence <= ? AND command_id IS NOT NULL ORDER BY sequence
            """, in: db)
        statement.bind(from, at: 1)
        statement.bind(through, at: 2)
        var entries: [CommandIndexEntry] = []
        while try statement.step() {
            if let id = statement.text(0) {
                entries.append(CommandIndexEntry(commandID: id, sequence: statement.number(1)))
            }
        }
        statement.reset()
        return entries
    }

    private static func indexCommands(after from: Int64, through: Int64, in db: Database) throws {
        let entries = try entries(after: from, through: through, in: db)
        if entries.isEmpty { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 8)
        for entry in entries {
            withUnsafeBytes(of: entry.packed.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let statement = try RawStatement(
            "INSERT INTO command_entries (through, entries) VALUES (?, ?)", in: db)
        statement.bind(through, at: 1)
        statement.bind(blob: bytes, at: 2)
        _ = try statement.step()
        statement.reset()
    }

    public func commandEntries() throws(JournalError) -> [CommandIndexEntry] {
        try reading { db in
            let indexed = try Self.indexedSequence(db)
            let stored = indexed == 0 ? [] : try Self.storedEntries(db)
            return try stored + Self.entries(after: indexed, through: .max, in: db)
        }
    }

    static func storedEntries(_ db: Database) throws -> [CommandIndexEntry] {
        var entries: [CommandIndexEntry] = []
        let statement = try RawStatement("SELECT entries FROM command_entries ORDER BY through", in: db)
        while try statement.step() {
            let bytes = statement.bytes(0) ?? []
            entries.reserveCapacity(entries.count + bytes.count / 8)
            bytes.withUnsafeBytes { bytes in
                for place in stride(from: 0, to: bytes.count - 7, by: 8) {
                    let packed = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    entries.append(CommandIndexEntry(packed: UInt64(littleEndian: packed)))
                }
            }
        }
        statement.reset()
        return entries
    }

    // MARK: - Prices

    /// One price that was given.
    private struct GivenPrice {
        let kind: String
        let quote: PriceTick.Quote
        let at: LedgerTime
    }

    static let mark = "mark"
    static let index = "index"

    /// The price events among some of the journal's events up to a time, with what they say.
    static func ticks(
        after from: Int64, through: Int64, until time: Int64 = .max, in db: Database
    ) throws -> [(sequence: Int64, at: LedgerTime, tick: PriceTick)] {
        let statement = try RawStatement(
            """
            SELECT sequence, at, body FROM events
            WHERE sequence > ? AND sequence <= ? AND type = 'priced' AND at <= ? ORDER BY sequence
            """, in: db)
        statement.bind(from, at: 1)
        statement.bind(through, at: 2)
        statement.bind(time, at: 3)
        var found: [(Int64, LedgerTime, PriceTick)] = []
        while try statement.step() {
            let sequence = statement.number(0)
            let time = LedgerTime(milliseconds: statement.number(1))
            // A body that cannot be read is for the check of the journal to report; no price comes from it.
            guard let body = try? JSONValue(parsing: statement.bytes(2) ?? []),
                let event = try? Event(
                    sequence: sequence, at: time, account: nil, typeName: "priced", body: body,
                    instruments: InstrumentTable()),
                case .priced(let tick) = event.body
            else { continue }
            found.append((sequence, time, tick))
        }
        statement.reset()
        return found
    }

    private static func indexPrices(after from: Int64, through: Int64, in db: Database) throws {
        let statement = try RawStatement(
            "INSERT INTO price_history (venue, kind, name, at, sequence, price) VALUES (?, ?, ?, ?, ?, ?)",
            in: db)
        for (sequence, time, tick) in try ticks(after: from, through: through, in: db) {
            for (kind, quotes) in [(mark, tick.marks), (index, tick.index)] {
                for quote in quotes {
                    statement.bind(tick.venue.rawValue, at: 1)
                    statement.bind(kind, at: 2)
                    statement.bind(quote.name, at: 3)
                    statement.bind(time.milliseconds, at: 4)
                    statement.bind(sequence, at: 5)
                    statement.bind(quote.price.description, at: 6)
                    _ = try statement.step()
                    statement.reset()
                }
            }
        }
    }

    public func prices(of venue: VenueName, at time: LedgerTime) throws(JournalError) -> VenuePrices {
        try prices(of: venue, at: [time]).first ?? VenuePrices()
    }

    public func prices(of venue: VenueName, at times: [LedgerTime]) throws(JournalError) -> [VenuePrices] {
        try reading { db in
            let rest = try Self.ticks(
                after: Self.indexedSequence(db), through: .max,
                until: times.last?.milliseconds ?? .min, in: db
            )
            .filter { $0.tick.venue == venue }
            var prices = VenuePrices()
            var applied = 0
            return try times.map { time in
                // Prices never go back in time, so what is not indexed yet is later than all that is.
                if applied == 0 { prices = try Self.indexedPrices(of: venue, at: time, in: db) }
                while applied < rest.count, rest[applied].at <= time {
                    prices.apply(rest[applied].tick, at: rest[applied].at)
                    applied += 1
                }
                return prices
            }
        }
    }

    /// The indexed prices as they were at a time.
    private static func indexedPrices(
        of venue: VenueName, at time: LedgerTime, in db: Database
    ) throws -> VenuePrices {
        var prices = VenuePrices()
        for price in try lastPrices(of: venue, at: time, in: db).sorted(by: { $0.at < $1.at }) {
            let isMark = price.kind == mark
            prices.apply(
                PriceTick(
                    venue: venue, marks: isMark ? [price.quote] : [], index: isMark ? [] : [price.quote]),
                at: price.at)
        }
        return prices
    }

    /// The last indexed price of every name, found by leaping from name to name.
    private static func lastPrices(
        of venue: VenueName, at time: LedgerTime, in db: Database
    ) throws -> [GivenPrice] {
        var found: [GivenPrice] = []
        var (kind, name) = ("", "")
        while let next = try Row.fetchOne(
            db,
            sql: """
                SELECT kind, name FROM price_history WHERE venue = ? AND (kind, name) > (?, ?)
                ORDER BY kind, name LIMIT 1
                """, arguments: [venue.rawValue, kind, name])
        {
            (kind, name) = (next[0], next[1])
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT price, at FROM price_history WHERE venue = ? AND kind = ? AND name = ? AND at <= ?
                    ORDER BY at DESC, sequence DESC LIMIT 1
                    """, arguments: [venue.rawValue, kind, name, time.milliseconds])
            guard let row else { continue }
            let price = try ExactDecimal(row[0] as String)
            found.append(
                GivenPrice(
                    kind: kind, quote: PriceTick.Quote(name: name, price: price),
                    at: LedgerTime(milliseconds: row[1])))
        }
        return found
    }
}
