import JSON
import Ledger
import Venue
import Venues

/// JSON Schemas of what is described in one place: commands, settings, and what else the operator API takes.
public enum FieldSchemas {
    /// Where the schemas of commands are found in the OpenAPI document.
    private static let place = "#/components/schemas/"
    private static let decimal = "^-?[0-9]{1,20}([.][0-9]{1,18})?$"

    /// The schemas of every command, by their names in the OpenAPI document, with `Command`, which is any
    /// of them, those of each venue's settings, and those of what else is sent.
    public static func components(settings: [(venue: VenueName, fields: [SettingField])]) -> JSONValue {
        let commands = CommandForm.all.map { form in (name(of: form), schema(of: form.description)) }
        let any = JSONValue.members([
            ("description", .string("One command; amounts are texts.")),
            ("oneOf", .array(commands.map { reference($0.0) })),
        ])
        let venues = settings.map { venue, fields in
            let words = "Settings of accounts at \(venue)."
            let description = ObjectDescription(words: words, fields: fields.map(\.field), rules: [])
            return (settingsName(of: venue), schema(of: description))
        }
        let requests = requests.map { ($0.name, oneOf($0.descriptions)) }
        return .members([("Command", any)] + commands + venues + requests)
    }

    /// What the calls of the operator API take besides commands, by the names in the OpenAPI document.
    public static let requests: [(name: String, descriptions: [ObjectDescription])] = [
        ("ClockRequest", OperatorAPI.clockForm.descriptions),
        ("Fault", Fault.form.descriptions),
        ("KeyRequest", [KeyRequest.form.description]),
        ("NudgeRequest", [NudgeRequest.form.description]),
        ("OrderScript", [OrderScript.form.description]),
        ("StressRequest", [OperatorAPI.stressForm.description]),
    ]

    /// The fields of what a call takes, each once, whichever of its forms it is of.
    public static func fields(of request: String) -> [FieldDescription] {
        let forms = requests.first { $0.name == request }?.descriptions ?? []
        var fields: [FieldDescription] = []
        for field in forms.flatMap(\.fields) where !fields.contains(where: { $0.name == field.name }) {
            let same = forms.compactMap { form in form.fields.first { $0.name == field.name } }
            let words = same.flatMap { field -> [String] in
                if case .choice(let words) = field.kind { words } else { [] }
            }
            fields.append(
                FieldDescription(
                    field.name, words.isEmpty ? field.kind : .choice(words),
                    isRequired: same.count == forms.count && field.isRequired, field.words))
        }
        return fields
    }

    /// The schema of one field, with what it means; `alone` where it stands in no document of schemas.
    public static func schema(of field: FieldDescription, alone: Bool = false) -> JSONValue {
        let kind = schema(of: field.kind, alone: alone)
        var members =
            field.takesNull
            ? [("anyOf", .array([kind, .members([("type", .string("null"))])]))] : kind.object?.members ?? []
        if let fallback = field.fallback { members.append(("default", fallback)) }
        return .members(members + [("description", .string(field.words))])
    }

    private static func oneOf(_ descriptions: [ObjectDescription], alone: Bool = false) -> JSONValue {
        let schemas = descriptions.map { schema(of: $0, alone: alone) }
        return schemas.count == 1 ? schemas[0] : .members([("oneOf", .array(schemas))])
    }

    private static func schema(of object: ObjectDescription, alone: Bool = false) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [("type", .string("object"))]
        if !object.words.isEmpty { members.append(("description", .string(object.words))) }
        let properties = object.fields.map { ($0.name, schema(of: $0, alone: alone)) }
        members.append(("properties", .members(properties)))
        let required = object.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        members.append(("additionalProperties", .bool(false)))
        // Two rules may be of one keyword.
        let rules = object.rules.map(schema(of:))
        if Set(rules.map(\.key)).count == rules.count { return .members(members + rules) }
        return .members(members + [("allOf", .array(rules.map { .members([$0]) }))])
    }

    private static func schema(of rule: FieldRule) -> (key: String, value: JSONValue) {
        func required(_ names: [String]) -> (key: String, value: JSONValue) {
            ("required", .array(names.map { .string($0) }))
        }
        func alternatives(_ names: [String]) -> JSONValue { .array(names.map { .members([required([$0])]) }) }
        return switch rule {
        case .one(let names): ("oneOf", alternatives(names))
        case .some(let first, let second): ("anyOf", alternatives([first, second]))
        case .on(let flag, let names):
            (
                "anyOf",
                .array([
                    .members([constant(flag, .bool(false))]),
                    .members([
                        required([flag] + names),
                        (
                            "properties",
                            .members(
                                [(flag, .members([("const", .bool(true))]))]
                                    + names.map { ($0, .members([("type", .string("string"))])) })
                        ),
                    ]),
                ])
            )
        case .with(let first, let second):
            ("dependentRequired", .members([(first, .array([.string(second)]))]))
        }
    }

    private static func constant(_ name: String, _ value: JSONValue) -> (key: String, value: JSONValue) {
        ("properties", .members([(name, .members([("const", value)]))]))
    }

    private static func schema(of kind: FieldKind, alone: Bool) -> JSONValue {
        func type(_ name: String, _ rest: [(key: String, value: JSONValue)] = []) -> JSONValue {
            .members([("type", .string(name))] + rest)
        }
        func number(_ range: ClosedRange<Int64>) -> JSONValue {
            type(
                "integer",
                [
                    ("minimum", .number("\(range.lowerBound)")), ("maximum", .number("\(range.upperBound)")),
                ])
        }
        func text(_ pattern: String, longest: Int? = nil) -> JSONValue {
            var rest: [(key: String, value: JSONValue)] = [("pattern", .string(pattern))]
            if let longest { rest += [("minLength", .number("1")), ("maxLength", .number("\(longest)"))] }
            return type("string", rest)
        }
        return switch kind {
        case .label: type("string", [("minLength", .number("1")), ("maxLength", .number("64"))])
        case .account: text("^[A-Za-z0-9._-]+$", longest: 64)
        // Of what has bytes to spare for every character.
        case .text(let longest): text("^[ -~]*$", longest: longest / 4)
        case .path: text("^/[!-~]*$", longest: 64)
        case .ascii(let longest, let lines): text("^[\(lines ? "\\r\\n -~" : "!-~")]{1,\(longest)}$")
        case .decimal: alone ? text(decimal) : reference("Decimal")
        case .positive: text("^(0[.][0-9]{0,17}[1-9]|[1-9][0-9]{0,9}([.][0-9]{1,18})?)$")
        case .share: text("^-?[0-9]{1,20}([.][0-9]{1,16})?%?$")
        case .portion:
            text(
                "^(0[.][0-9]{0,15}[1-9]%?|[1-9]([.][0-9]{1,16})?|[1-9][0-9]{0,2}([.][0-9]{1,16})?%)$")
        case .chance:
            anyOf([
                type("number", [("minimum", .number("0")), ("maximum", .number("1"))]),
                text("^(0([.][0-9]{1,18})?|1([.]0{1,18})?|[1-9][0-9]?%|100%)$"),
            ])
        case .whole(let range): number(range)
        case .code(let range): anyOf([number(range), text("^-?[1-9][0-9]{0,5}$")])
        case .flag: type("boolean")
        case .choice(let words) where words.count == 1: .members([("const", .string(words[0]))])
        case .choice(let words): type("string", [("enum", .array(words.map { .string($0) }))])
        case .venue: type("string", [("enum", .array(Venues.names.map { .string($0.rawValue) }))])
        case .hours(let range): anyOf([number(range), text("^[1-9][0-9]{0,2}[hd]$")])
        case .span: text("^([1-9][0-9]{0,2}(ms|s|m|h)|[1-9][0-9]?d)$")
        case .time: anyOf([type("string", [("format", .string("date-time"))]), number(LedgerTime.range)])
        case .address: alone ? type("string") : reference("Address")
        case .labels: type("array", [("items", schema(of: .label, alone: alone))])
        case .list(let kind, let count):
            type(
                "array",
                [
                    ("items", schema(of: kind, alone: alone)), ("minItems", .number("\(count.lowerBound)")),
                    ("maxItems", .number("\(count.upperBound)")),
                ])
        case .table(let kind):
            type(
                "object",
                [
                    ("propertyNames", schema(of: .label, alone: alone)),
                    ("additionalProperties", schema(of: kind, alone: alone)),
                ])
        case .record(let fields):
            schema(of: ObjectDescription(words: "", fields: fields, rules: []), alone: alone)
        case .oneOf(let descriptions): oneOf(descriptions, alone: alone)
        case .object: type("object")
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
