import JSON
import Ledger
import Venue

/// The tables of the documentation that are made of the descriptions of fields.
enum FieldTables {
    /// Every command: what it does, and its fields besides those that all have.
    static var commands: String {
        CommandForm.all.map { form in
            let common = ["type", "account", "id", "at"]
            let fields = form.fields.filter { !common.contains($0.name) }
            let title = "### \(form.type)\(form.isOfMarket ? ", of a market" : "")"
            let rules = form.rules.map { " \(words(of: $0))" }.joined()
            let head = ["", form.words + rules, "", "| field | holds | |", "| --- | --- | --- |"]
            return ([title] + (fields.isEmpty ? Array(head.prefix(2)) : head + fields.map(row))).lines
        }.joined(separator: "\n\n")
    }

    /// The settings of each venue's accounts.
    static func settings(_ models: [any VenueServer]) -> String {
        var rows = ["| venue | setting | default | means |", "| --- | --- | --- | --- |"]
        for model in models {
            for (place, setting) in model.accountSettings.enumerated() {
                let venue = place == 0 ? "`\(model.name)`" : ""
                let initial = setting.initial.map { "`\(word($0.description))`" } ?? setting.otherwise
                rows.append(
                    "| \(venue) | `\(setting.field.name)` | \(initial) | \(setting.field.words) |")
            }
        }
        return rows.lines
    }

    private static func row(_ field: FieldDescription) -> String {
        "| `\(field.name)`\(field.isRequired ? "" : "?") | \(words(of: field.kind)) | \(field.words) |"
    }

    /// A word without the quotes of JSON; what is written with quotes in commands keeps them.
    private static func word(_ text: String) -> String {
        let inside = text.dropFirst().dropLast()
        return inside.contains { !$0.isLetter } ? text : text.hasPrefix("\"") ? String(inside) : text
    }

    private static func words(of rule: FieldRule) -> String {
        switch rule {
        case .either(let first, let second): "Either `\(first)` or `\(second)` is given."
        case .some(let first, let second): "`\(first)`, `\(second)` or both are given."
        case .with(let first, let second): "`\(first)` goes with `\(second)` only."
        }
    }

    private static func words(of kind: FieldKind) -> String {
        switch kind {
        case .label: "name"
        case .decimal: "decimal"
        case .share: "share, such as `\"0.0001\"` or `\"0.01%\"`"
        case .flag: "`true` or `false`"
        case .choice(let names): names.map { "`\($0)`" }.joined(separator: " or ")
        case .venue: "venue"
        case .hours(let range): "\(range.lowerBound) to \(range.upperBound), or a text such as `\"8h\"`"
        case .time: "time"
        case .labels: "list of names"
        case .table(of: .record(let fields)):
            "object of " + fields.map { "`\($0.name)`" }.joined(separator: ", ")
        case .table(of: .decimal): "object of decimals"
        case .table, .record, .settings: "object"
        case .scalar: "text, number, `true`, `false` or `null`"
        }
    }
}

extension [String] {
    fileprivate var lines: String { joined(separator: "\n") }
}
