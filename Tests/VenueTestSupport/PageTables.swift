import Foundation

/// The tables of fields that a page of `docs/venues` has otherwise than the sources say, by their names; with
/// `MARGINALIA_WRITE_FIELD_TABLES` in the environment they are written there instead.
///
/// Throws `PageTableMissing` where the page has no marks of a table.
public func differingTables(_ tables: [String: String], on page: String) throws -> [String] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let file = folder.appending(path: "../../docs/venues/\(page)").standardizedFileURL
    var text = try String(contentsOf: file, encoding: .utf8)
    var differing: [String] = []
    for (name, table) in tables {
        guard let begin = text.range(of: "<!-- fields of \(name) -->\n"),
            let end = text.range(of: "<!-- end of fields -->", range: begin.upperBound..<text.endIndex)
        else { throw PageTableMissing(page: page, name: name) }
        let range = begin.upperBound..<end.lowerBound
        if text[range] != table { differing.append(name) }
        text.replaceSubrange(range, with: table)
    }
    let writes = ProcessInfo.processInfo.environment["MARGINALIA_WRITE_FIELD_TABLES"] != nil
    guard writes else { return differing }
    try text.write(to: file, atomically: true, encoding: .utf8)
    return []
}

/// A page has no marks for a table of fields.
public struct PageTableMissing: Error {
    let page: String
    let name: String
}
