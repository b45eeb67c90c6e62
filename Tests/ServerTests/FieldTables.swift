import JSON
import Ledger
import Venue

@testable import Server

/// The tables of the documentation that are made of the descriptions of fields.
enum FieldTables {
    /// Every command: what it does, and its fields besides those that all have.
    static var commands: String {
        CommandForm.all.map { form in
            let common = ["type", "account", "id", "at"]
            let fields = form.fields.filter { !common.contains($0.name) }
            let title = "### \(form.type)\(form.isOfMarket ? ", of a market" : "")"
            return table(title, form.description, fields)
        }.joined(separator: "\n\n")
    }

    /// What the calls of the operator API take that have no page of their own.
    static var requests: String {
        ["KeyRequest", "ClockRequest", "NudgeRequest", "StressRequest"].map { name in
            let call = [
                "KeyRequest": "`POST …/keys`", "ClockRequest": "`PUT /admin/v1/clock`",
                "NudgeRequest": "`POST …/nudge`", "StressRequest": "`POST …/stress`",
            ]
            let forms = FieldSchemas.requests.first { $0.name == name }?.descriptions ?? []
            return forms.map { table("**\(call[name] ?? name)**", $0, $0.fields) }.joined(separator: "\n\n")
        }.joined(separator: "\n\n") + "\n"
            + OperatorAPI.shockForm.description.fields.map { row($0, at: "shocks[].") }.lines
    }

    /// What a scenario file has.
    static var scenario: String {
        let parts = [
            ("", Scenario.form.description), ("accounts[].", Scenario.accountForm.description),
            ("accounts[].keys[].", KeyRequest.scenarioForm.description),
        ]
        let rows = parts.flatMap { place, form in form.fields.map { row($0, at: place) } }
        return (["| field | holds | |", "| --- | --- | --- |"] + rows).lines
    }

    /// The kinds of faults.
    static var faults: String {
        variants("kind", "what the client sees", Fault.form.words, besides: Fault.common.map(\.name))
    }

    /// What all faults take.
    static var faultFields: String {
        (["| field | holds | |", "| --- | --- | --- |"] + Fault.common.map { row($0) }).lines
    }

    /// The steps of an order script.
    static var steps: String { variants("do", "what happens", OrderScript.Step.form.words) }

    /// A row for each form that a word names.
    private static func variants(
        _ key: String, _ title: String, _ forms: [(word: String, description: ObjectDescription)],
        besides common: [String] = []
    ) -> String {
        let rows = forms.map { word, form in
            let own = form.fields.filter { $0.name != key && !common.contains($0.name) }
            let fields = own.map { field in
                "`\(field.name)`\(field.isRequired ? "" : "?") (\(words(of: field.kind))): \(told(field))"
            }
            let cell = fields.isEmpty ? "" : " \(fields.joined(separator: " "))"
            return "| `\(word)` | \(form.words) |\(cell) |"
        }
        return (["| `\(key)` | \(title) | with |", "| --- | --- | --- |"] + rows).lines
    }

    private static func table(
        _ title: String, _ object: ObjectDescription, _ fields: [FieldDescription]
    ) -> String {
        let words = ([object.words] + object.rules.map(words(of:))).joined(separator: " ")
        let head = fields.isEmpty ? [] : ["", "| field | holds | |", "| --- | --- | --- |"]
        return ([title, "", words] + head + fields.map { row($0) }).lines
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

    private static func row(_ field: FieldDescription, at place: String = "") -> String {
        "| `\(place)\(field.name)`\(field.isRequired ? "" : "?") | \(words(of: field.kind)) | \(told(field)) |"
    }

    /// What a field is, and what holds where it is left out.
    private static func told(_ field: FieldDescription) -> String {
        guard let fallback = field.fallback, fallback != .bool(false) else { return field.words }
        return "\(field.words) Default: `\(fallback.text ?? fallback.description)`."
    }

    /// A word without the quotes of JSON; what is written with quotes in commands keeps them.
    private static func word(_ text: String) -> String {
        let inside = text.dropFirst().dropLast()
        return inside.contains { !$0.isLetter } ? text : text.hasPrefix("\"") ? String(inside) : text
    }

    private static func words(of rule: FieldRule) -> String {
        switch rule {
        case .one(let names):
            names.count == 2
                ? "Either `\(names[0])` or `\(names[1])` is given."
                : "One of \(names.map { "`\($0)`" }.joined(separator: ", ")) is given."
        case .some(let first, let second): "`\(first)`, `\(second)` or both are given."
        case .with(let first, let second): "`\(first)` goes with `\(second)` only."
        case .on(let flag, let names):
            "`\(flag)` needs " + names.map { "`\($0)`" }.joined(separator: " and ") + "."
        }
    }

    private static func words(of kind: FieldKind) -> String {
        switch kind {
        case .label: "name"
        case .account: "account"
        case .text, .ascii: "text"
        case .path: "beginning of a path"
        case .decimal: "decimal"
        case .positive: "decimal above zero"
        case .chance: "0 to 1, such as `\"0.2\"` or `\"20%\"`"
        case .whole(let range) where range.upperBound == .max: "whole number"
        case .whole(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .code: "whole number, or a text of one"
        case .span: "span of time, such as `\"8h\"`, `\"1h30m\"` or `\"500ms\"`"
        case .address: "address or network"
        case .list(.oneOf, _): "list of objects"
        case .list(let kind, _): "list of \(words(of: kind))"
        case .oneOf, .object: "object"
        case .portion: "share, such as `\"0.99\"` or `\"99%\"`"
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
