import Foundation
import GRDB
import GRDBSQLite

/// Bytes as SQLite keeps them in a BLOB; GRDB itself knows only Foundation's Data.
struct DataBytes: DatabaseValueConvertible {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> DataBytes? {
        switch value.storage {
        case .blob(let data): DataBytes([UInt8](data))
        case .string(let text): DataBytes(Array(text.utf8))
        case .null, .int64, .double: nil
        }
    }
}

/// Binding and reading columns without a copy of ours in between: events are many.
///
/// The statement is one that GRDB has prepared and keeps; only its stepping is done here.
struct RawStatement {
    let handle: OpaquePointer
    private let database: Database

    /// Tells SQLite to copy what is bound at once.
    private static var copied: sqlite3_destructor_type {
        unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)
    }

    init(_ sql: String, in database: Database) throws {
        self.database = database
        handle = try database.cachedStatement(sql: sql).sqliteStatement
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    func bind(_ number: Int64, at place: Int32) { sqlite3_bind_int64(handle, place, number) }

    func bind(_ text: String?, at place: Int32) {
        guard var text else {
            sqlite3_bind_null(handle, place)
            return
        }
        text.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(handle, place, $0.baseAddress ?? Self.nothing, Int32($0.count), Self.copied)
            }
        }
    }

    func bind(blob bytes: [UInt8]?, at place: Int32) {
        guard let bytes else {
            sqlite3_bind_null(handle, place)
            return
        }
        bytes.withUnsafeBytes {
            _ = sqlite3_bind_blob(handle, place, $0.baseAddress, Int32($0.count), Self.copied)
        }
    }

    /// Binds bytes that stay where they are until the step after next.
    func bind(standing text: UnsafeRawBufferPointer, at place: Int32) {
        let start = text.baseAddress?.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(handle, place, start ?? Self.nothing, Int32(text.count), nil)
    }

    /// An address for an empty text, as a missing address would mean NULL.
    private static var nothing: UnsafePointer<CChar> {
        UnsafePointer<CChar>(OpaquePointer(sqlite3_libversion()))
    }

    /// Whether there is a row.
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        let message = database.lastErrorMessage
        sqlite3_reset(handle)
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }

    func reset() { sqlite3_reset(handle) }

    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func text(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Whether a column holds exactly this text.
    func holds(_ text: [UInt8], at column: Int32) -> Bool {
        guard let start = sqlite3_column_text(handle, column),
            Int(sqlite3_column_bytes(handle, column)) == text.count
        else { return false }
        return UnsafeBufferPointer(start: start, count: text.count).elementsEqual(text)
    }

    /// Takes a column into a hash as `ChecksumHash` takes a text or bytes.
    func addText(_ column: Int32, to hash: inout ChecksumHash) {
        guard let start = sqlite3_column_text(handle, column) else { return hash.add(UInt64.max) }
        hash.add(
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func addBytes(_ column: Int32, to hash: inout ChecksumHash) {
        if isNull(column) { return hash.add(UInt64.max) }
        let start = sqlite3_column_blob(handle, column)
        hash.add(
            UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func bytes(_ column: Int32) -> [UInt8]? {
        if isNull(column) { return nil }
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
