import JSON
import Ledger
import Venue
import Venues

/// JSON Schemas of what is described in one place: commands and settings.
public enum FieldSchemas {
    /// Where the schemas of commands are found in the OpenAPI document.
    private static let place = "#/components/schemas/"
    private static let decimal = "^-?[0-9]{1,20}([.][0-9]{1,18})?$"

    /// The schemas of every command, by their names in the OpenAPI document, with `Command`, which is any
    /// of them, and those of each venue's settings.
    public static func components(settings: [(venue: VenueName, fields: [SettingField])]) -> JSONValue {
        let commands = CommandForm.all.map { form in (name(of: form), schema(of: form)) }
        let any = JSONValue.members([
            ("description", .string("One command; amounts are texts.")),
            ("oneOf", .array(commands.map { reference($0.0) })),
        ])
        let venues = settings.map { venue, fields in
            (
                settingsName(of: venue),
                object("Settings of accounts at \(venue).", fields.map(\.field), rules: [])
            )
        }
        return .members([("Command", any)] + commands + venues)
    }

    /// The schema of a command, such as a tool's input is described by.
    public static func schema(of form: CommandForm) -> JSONValue {
        object(form.words, form.fields, rules: form.rules)
    }

    /// The schema of one field, with what it means; `alone` where it stands in no document of schemas.
    public static func schema(of field: FieldDescription, alone: Bool = false) -> JSONValue {
        let kind = schema(of: field.kind, alone: alone)
        return .members((kind.object?.members ?? []) + [("description", .string(field.words))])
    }

    private static func object(
        _ words: String, _ fields: [FieldDescription], rules: [FieldRule]
    ) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [("type", .string("object"))]
        if !words.isEmpty { members.append(("description", .string(words))) }
        members.append(("properties", .members(fields.map { ($0.name, schema(of: $0)) })))
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        members.append(("additionalProperties", .bool(false)))
        return .members(members + rules.map(schema(of:)))
    }

    private static func schema(of rule: FieldRule) -> (key: String, value: JSONValue) {
        func alternatives(_ first: String, _ second: String) -> JSONValue {
            .array([first, second].map { .members([("required", .array([.string($0)]))]) })
        }
        return switch rule {
        case .either(let first, let second): ("oneOf", alternatives(first, second))
        case .some(let first, let second): ("anyOf", alternatives(first, second))
        case .with(let first, let second):
            ("dependentRequired", .members([(first, .array([.string(second)]))]))
        }
    }

    private static func schema(of kind: FieldKind, alone: Bool) -> JSONValue {
        func type(_ name: String, _ rest: [(key: String, value: JSONValue)] = []) -> JSONValue {
            .members([("type", .string(name))] + rest)
        }
        return switch kind {
        case .label: type("string", [("minLength", .number("1")), ("maxLength", .number("64"))])
        case .decimal: alone ? type("string", [("pattern", .string(decimal))]) : reference("Decimal")
        case .share: type("string", [("pattern", .string("^-?[0-9]{1,20}([.][0-9]{1,16})?%?$"))])
        case .flag: type("boolean", [("default", .bool(false))])
        case .choice(let words) where words.count == 1: .members([("const", .string(words[0]))])
        case .choice(let words): type("string", [("enum", .array(words.map { .string($0) }))])
        case .venue: type("string", [("enum", .array(Venues.names.map { .string($0.rawValue) }))])
        case .hours(let range):
            anyOf([
                type(
                    "integer",
                    [
                        ("minimum", .number("\(range.lowerBound)")),
                        ("maximum", .number("\(range.upperBound)")),
                    ]),
                type("string", [("pattern", .string("^[1-9][0-9]{0,2}[hd]$"))]),
            ])
        case .time: anyOf([type("string", [("format", .string("date-time"))]), type("integer")])
        case .labels: type("array", [("items", schema(of: .label, alone: alone))])
        case .table(let kind): type("object", [("additionalProperties", schema(of: kind, alone: alone))])
        case .record(let fields): object("", fields, rules: [])
        case .settings: anyOf(Venues.names.map { reference(settingsName(of: $0)) })
        case .scalar:
            .members([
                ("type", .array(["string", "number", "boolean", "null"].map { .string($0) }))
            ])
        }
    }

    private static func anyOf(_ schemas: [JSONValue]) -> JSONValue { .members([("anyOf", .array(schemas))]) }

    private static func reference(_ name: String) -> JSONValue {
        .members([("$ref", .string(place + name))])
    }

    /// The schema's name of a command: `open_account` is `OpenAccount`.
    private static func name(of form: CommandForm) -> String {
        capitalised(form.type, at: "_") + (form.type == "funding" && form.isOfMarket ? "OfMarket" : "")
    }

    private static func settingsName(of venue: VenueName) -> String {
        capitalised(venue.rawValue, at: "-") + "Settings"
    }

    private static func capitalised(_ text: String, at separator: Character) -> String {
        text.split(separator: separator).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
