/// What a SQLite file says it is, in its header.
struct StoreMarks {
    /// Whose it is.
    let application: Int
    /// The layout of its tables.
    let version: Int

    init(application: Int, version: Int) {
        self.application = application
        self.version = version
    }

    /// Reads the header itself, where SQLite cannot look without changing the file; nil for a file of another
    /// kind.
    init?(headerOf path: String) {
        guard let header = firstBytes(100, of: path), header.count == 100,
            header.starts(with: Array("SQLite format 3\u{0}".utf8))
        else { return nil }
        func number(_ place: Int) -> Int {
            Int(Int32(truncatingIfNeeded: header[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }))
        }
        self.init(application: number(68), version: number(60))
    }
}

/// A rollback journal beside a SQLite file that was not played back: what a process leaves that is killed
/// while it writes without a write-ahead log, as in the first milliseconds of a new store.
struct HotJournal {
    /// How many pages the file had before; nil where the journal does not tell.
    let pagesBefore: Int?

    /// Nil where there is none.
    init?(beside path: String) {
        guard let header = firstBytes(20, of: path + "-journal"), let first = header.first, first != 0 else {
            return nil
        }
        let magic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
        let isWhole = header.count == 20 && header.starts(with: magic)
        pagesBefore = isWhole ? header[16..<20].reduce(0) { $0 << 8 | Int($1) } : nil
    }
}
