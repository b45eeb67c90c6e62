import GRDB
import Ledger
import Numbers

/// Prices by time.
extension SQLiteJournal {
    /// A row of the index of prices.
    struct PriceRow {
        let venue: String
        let kind: String
        let name: String
        let at: Int64
        let sequence: Int64
        let price: String
        /// The sequence of the row before it of the same name; 0 for the first.
        let previous: Int64

        static let mark = "mark"
        static let index = "index"

        /// The row that ends those of a name.
        func end(after sequence: Int64) -> PriceRow {
            PriceRow(
                venue: venue, kind: kind, name: name, at: noMore, sequence: 0, price: "", previous: sequence)
        }

        var checksum: UInt64 {
            var hash = ChecksumHash()
            hash.add(venue)
            hash.add(kind)
            hash.add(name)
            hash.add(UInt64(bitPattern: at))
            hash.add(UInt64(bitPattern: sequence))
            hash.add(price)
            hash.add(UInt64(bitPattern: previous))
            return hash.value
        }

        var damage: IndexDamage {
            IndexDamage(table: "price_history", row: "\(venue) \(kind) \(name) \(at) \(sequence)")
        }
    }

    // MARK: - Writing

    static func indexPrices(
        _ ticks: [(sequence: Int64, at: LedgerTime, tick: PriceTick)],
        counting names: inout [VenueName: Int], in db: Database
    ) throws {
        let insertion = """
            INSERT OR REPLACE INTO price_history
                (venue, kind, name, at, sequence, price, previous, checksum)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        /// The last row of each name; names are told apart by their bytes.
        var last: [[UInt8]: PriceRow] = [:]
        for (sequence, time, tick) in ticks {
            for (kind, quotes) in [(PriceRow.mark, tick.marks), (PriceRow.index, tick.index)] {
                for quote in quotes {
                    let key = Array("\(tick.venue.rawValue)\u{0}\(kind)\u{0}\(quote.name)".utf8)
                    // A name that a tick gives twice keeps its last price, as it does in the ledger.
                    let earlier = last[key]?.sequence == sequence ? last[key]?.previous : last[key]?.sequence
                    let previous =
                        try earlier ?? lastIndexed(of: tick.venue.rawValue, kind, quote.name, in: db)
                    if previous == 0, last[key] == nil { names[tick.venue, default: 0] += 1 }
                    let row = PriceRow(
                        venue: tick.venue.rawValue, kind: kind, name: quote.name, at: time.milliseconds,
                        sequence: sequence, price: quote.price.description,
                        previous: previous)
                    try RawStatement(insertion, in: db).insert(row)
                    last[key] = row
                }
            }
        }
        for row in last.values { try RawStatement(insertion, in: db).insert(row.end(after: row.sequence)) }
    }

    private static func lastIndexed(
        of venue: String, _ kind: String, _ name: String, in db: Database
    ) throws -> Int64 {
        let statement = try RawStatement(
            """
            SELECT previous FROM price_history WHERE venue = ? AND kind = ? AND name = ? AND at = ?
            """, in: db)
        defer { statement.reset() }
        for (place, text) in [venue, kind, name].enumerated() { statement.bind(text, at: Int32(place + 1)) }
        statement.bind(noMore, at: 4)
        return try statement.step() ? statement.number(0) : 0
    }

    // MARK: - Reading

    public func prices(
        of venue: VenueName, at times: [LedgerTime], upTo sequence: Int64
    ) throws(JournalError) -> [VenuePrices] {
        try readingIndexed { db, indexed in
            var lot = IndexLot(takesEntries: false)
            try Self.goThrough(after: indexed, through: sequence, in: db) { try lot.take($0) }
            let rest = lot.ticks.filter { $0.tick.venue == venue }
            var prices = VenuePrices()
            var applied = 0
            return try times.map { time in
                // Prices never go back in time, so what is not indexed yet is later than all that is.
                if applied == 0, indexed > 0 {
                    prices = try Self.indexedPrices(of: venue, at: time, upTo: sequence, in: db)
                }
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
        of venue: VenueName, at time: LedgerTime, upTo sequence: Int64, in db: Database
    ) throws -> VenuePrices {
        var prices = VenuePrices()
        for row in try lastPrices(of: venue, at: time, upTo: sequence, in: db).sorted(by: { $0.at < $1.at }) {
            guard let price = try? ExactDecimal(row.price) else { throw row.damage }
            let quote = PriceTick.Quote(name: row.name, price: price)
            let isMark = row.kind == PriceRow.mark
            prices.apply(
                PriceTick(venue: venue, marks: isMark ? [quote] : [], index: isMark ? [] : [quote]),
                at: LedgerTime(milliseconds: row.at))
        }
        return prices
    }

    /// The last indexed price of every name, found by leaping from name to name.
    private static func lastPrices(
        of venue: VenueName, at time: LedgerTime, upTo sequence: Int64, in db: Database
    ) throws -> [PriceRow] {
        let columns = "SELECT venue, kind, name, at, sequence, price, previous, checksum FROM price_history"
        let place = min(time.milliseconds, noMore - 1)
        var found: [PriceRow] = []
        var (kind, name, names) = ("", "", 0)
        while true {
            let leap = try RawStatement(
                """
                SELECT kind, name FROM price_history WHERE venue = ? AND (kind, name) > (?, ?)
                ORDER BY kind, name LIMIT 1
                """, in: db)
            for (place, text) in [venue.rawValue, kind, name].enumerated() {
                leap.bind(text, at: Int32(place + 1))
            }
            defer { leap.reset() }
            guard try leap.step() else {
                if names == (try indexMark(db).names[venue] ?? 0) { return found }
                throw IndexDamage(table: "price_history", row: "\(venue)")
            }
            names += 1
            (kind, name) = (leap.text(0) ?? "", leap.text(1) ?? "")
            func row(_ condition: String, _ at: Int64, _ sequence: Int64) throws -> PriceRow? {
                let statement = try RawStatement(
                    "\(columns) WHERE venue = ? AND kind = ? AND name = ? AND \(condition) LIMIT 1",
                    in: db)
                defer { statement.reset() }
                for (place, text) in [venue.rawValue, kind, name].enumerated() {
                    statement.bind(text, at: Int32(place + 1))
                }
                statement.bind(at, at: 4)
                statement.bind(sequence, at: 5)
                return try statement.step() ? statement.priceRow() : nil
            }
            // Prices never go back in time, so that the rows are in the order of the journal too.
            let last = try row("at <= ? AND sequence <= ? ORDER BY at DESC, sequence DESC", place, sequence)
            let next = try row(
                "(at, sequence) > (?, ?) ORDER BY at, sequence", last?.at ?? .min, last?.sequence ?? 0)
            guard let next, next.previous == last?.sequence ?? 0 else {
                throw IndexDamage(table: "price_history", row: "\(venue) \(kind) \(name)")
            }
            if let last { found.append(last) }
        }
    }
}

extension RawStatement {
    /// The row as one of the index of prices, compared with its checksum.
    func priceRow() throws -> SQLiteJournal.PriceRow {
        let row = SQLiteJournal.PriceRow(
            venue: text(0) ?? "", kind: text(1) ?? "", name: text(2) ?? "", at: number(3),
            sequence: number(4), price: text(5) ?? "", previous: number(6))
        guard row.checksum == UInt64(bitPattern: number(7)) else { throw row.damage }
        return row
    }

    fileprivate func insert(_ row: SQLiteJournal.PriceRow) throws {
        bind(row.venue, at: 1)
        bind(row.kind, at: 2)
        bind(row.name, at: 3)
        bind(row.at, at: 4)
        bind(row.sequence, at: 5)
        bind(row.price, at: 6)
        bind(row.previous, at: 7)
        bind(Int64(bitPattern: row.checksum), at: 8)
        _ = try step()
        reset()
    }
}
