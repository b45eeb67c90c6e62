import Foundation
import JSON
import Ledger
import Testing
import Venue

@testable import Server

/// What is told of fields is what they are read by. `MARGINALIA_WRITE_FIELD_TABLES=1` writes it anew.
@Suite("The description of fields")
struct DescriptionTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let isWriting = ProcessInfo.processInfo.environment["MARGINALIA_WRITE_FIELD_TABLES"] == "1"

    @Test("The OpenAPI document has the schema of all that is sent")
    func document() throws {
        let file = Self.root.appending(path: "Sources/Server/Resources/openapi.json")
        var stored = try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
        let settings = try VenueRegistry.servers().map { (venue: $0.name, fields: $0.accountSettings) }
        for (name, schema) in FieldSchemas.components(settings: settings).object?.members ?? [] {
            if Self.isWriting { stored.set(["components", "schemas", name], schema) }
            #expect(stored["components"]?["schemas"]?[name] == schema, "\(name)")
        }
        if Self.isWriting { try Data((stored.indented() + "\n").utf8).write(to: file) }
    }

    @Test("The pages have the tables")
    func pages() throws {
        try check("docs/commands.md", "commands", FieldTables.commands)
        try check("docs/faults.md", "faults", FieldTables.faults)
        try check("docs/faults.md", "fields of all faults", FieldTables.faultFields)
        try check("docs/operator-api.md", "bodies", FieldTables.requests)
        try check("docs/order-scripts.md", "steps", FieldTables.steps)
        try check("docs/scenarios.md", "scenario", FieldTables.scenario)
        try check("docs/settings.md", "settings", FieldTables.settings(try VenueRegistry.servers()))
    }

    /// Compares what stands between two marks of a page, or writes it.
    private func check(_ page: String, _ name: String, _ table: String) throws {
        let file = Self.root.appending(path: page)
        let text = try String(contentsOf: file, encoding: .utf8)
        let begin = "<!-- \(name): made of the descriptions in the sources -->\n"
        let parts = text.components(separatedBy: begin)
        let end = "\n<!-- end of \(name) -->"
        let after = try #require(parts.last?.range(of: end), "\(page) has no marks of \(name)")
        let stored = try #require(parts.count == 2 ? parts.last?[..<after.lowerBound] : nil)
        if Self.isWriting {
            let rest = try #require(parts.last?[after.lowerBound...])
            try Data("\(parts[0])\(begin)\(table)\(rest)".utf8).write(to: file)
        } else {
            #expect(stored == table, "\(page): write it anew with MARGINALIA_WRITE_FIELD_TABLES=1")
        }
    }
}

extension JSONValue {
    /// Puts a value where a path of keys leads to.
    fileprivate mutating func set(_ path: [String], _ value: JSONValue) {
        guard let key = path.first else {
            self = value
            return
        }
        var object = object ?? JSONObject()
        var member = object[key] ?? .null
        member.set(Array(path.dropFirst()), value)
        if let place = object.members.firstIndex(where: { $0.key == key }) {
            object.members[place].value = member
        } else {
            object.members.append((key, member))
        }
        self = .object(object)
    }

    /// The text with a line a member and a blank a level.
    fileprivate func indented(_ level: Int = 0) -> String {
        let blanks = String(repeating: " ", count: level)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            let lines = elements.map { "\(blanks) \($0.indented(level + 1))" }
            return "[\n\(lines.joined(separator: ",\n"))\n\(blanks)]"
        case .object(let object) where !object.members.isEmpty:
            let lines = object.members.map { key, value in
                "\(blanks) \(JSONValue.string(key)): \(value.indented(level + 1))"
            }
            return "{\n\(lines.joined(separator: ",\n"))\n\(blanks)}"
        default: return description
        }
    }
}
