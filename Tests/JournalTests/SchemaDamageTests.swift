import Foundation
import Testing

@testable import Journal

/// Names of tables in the file, of which SQLite does not care whether a letter is large or small.
@Suite struct SchemaDamageTests {
    @Test(arguments: ["opened_as", "events", "api_keys", "meta"])
    func aNameWithOneOtherBitIsFound(table: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("ledger.db")
        let journal = try SQLiteJournal.open(path: path, access: .readWrite)
        try journal.append([deposit(1, "a")])
        try journal.close()
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        // A line of the schema: its kind, its name, its table's name and the statement, one after the other.
        let line = Data("table\(table)\(table)".utf8)
        let start = try #require(sound.range(of: line)).lowerBound + 5
        for place in start..<(start + 2 * table.utf8.count) {
            for bit in 0..<8 {
                var damaged = sound
                damaged[place] ^= 1 << UInt8(bit)
                try damaged.write(to: URL(fileURLWithPath: path))
                #expect(isFound(path), "bit \(bit) of byte \(place - start) of \(table)\(table)")
            }
        }
    }

    /// Whether the store is refused, or looking it over finds something.
    private func isFound(_ path: String) -> Bool {
        guard let journal = try? openJournal("sqlite:" + path, access: .readOnly) else { return true }
        defer { try? journal.close() }
        return (try? journal.structuralProblems()) != []
    }
}
