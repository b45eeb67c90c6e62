import JSON
import Ledger
import Server

/// A call of the operator API as a tool that a model can use.
struct OperatorTool: Sendable {
    /// An argument, with its JSON Schema.
    struct Argument: Sendable {
        let name: String
        let schema: JSONValue
        let isRequired: Bool

        /// An argument of a plain type: `string`, `integer`, `boolean`, `object`.
        init(_ name: String, _ type: String, _ about: String, isRequired: Bool = false) {
            self.name = name
            schema = .members([("type", .string(type)), ("description", .string(about))])
            self.isRequired = isRequired
        }

        /// A field of a command.
        init(_ field: FieldDescription) {
            name = field.name
            schema = FieldSchemas.schema(of: field, alone: true)
            isRequired = field.isRequired
        }

        /// A list.
        init(_ name: String, listOf items: String, _ about: String, isRequired: Bool = false) {
            self.name = name
            schema = .members([
                ("type", .string("array")), ("items", .members([("type", .string(items))])),
                ("description", .string(about)),
            ])
            self.isRequired = isRequired
        }
    }

    /// The request that a use of the tool comes to.
    struct Request {
        let method: String
        let path: String
        var body: JSONValue?
    }

    let name: String
    let about: String
    let arguments: [Argument]
    /// Whether it leaves the ledger as it is.
    let isReadOnly: Bool
    let call: @Sendable (ToolArguments) throws(ProgramError) -> Request

    init(
        _ name: String, _ about: String, _ arguments: [Argument], isReadOnly: Bool = false,
        call: @escaping @Sendable (ToolArguments) throws(ProgramError) -> Request
    ) {
        self.name = name
        self.about = about
        self.arguments = arguments
        self.isReadOnly = isReadOnly
        self.call = call
    }

    /// The tool as `tools/list` has it.
    var description: JSONValue {
        let required = arguments.filter(\.isRequired).map { JSONValue.string($0.name) }
        return .members([
            ("name", .string(name)), ("description", .string(about)),
            (
                "inputSchema",
                .members([
                    ("type", .string("object")),
                    ("properties", .members(arguments.map { ($0.name, $0.schema) })),
                    ("required", .array(required)), ("additionalProperties", .bool(false)),
                ])
            ),
            (
                "annotations",
                .members([("readOnlyHint", .bool(isReadOnly)), ("openWorldHint", .bool(false))])
            ),
        ])
    }

    /// That there is no tool of this name, and which may have been meant.
    static func unknown(_ name: String) -> String {
        "There is no tool \(name.prefix(64)).\(NearestName.question(name, among: all.map(\.name)))"
    }
}

/// What a tool was called with, checked against what it takes.
struct ToolArguments: Sendable {
    private let object: JSONObject

    init(_ value: JSONValue, of tool: OperatorTool) throws(ProgramError) {
        guard let object = value.object else {
            throw ProgramError(.badData, "The arguments of \(tool.name) must be an object.")
        }
        let names = tool.arguments.map(\.name)
        for key in object.keys where !names.contains(key) {
            throw ProgramError(
                .badData,
                "\(tool.name) has no argument \(key.prefix(64)).\(NearestName.question(key, among: names))")
        }
        for argument in tool.arguments where argument.isRequired && object[argument.name] == nil {
            throw ProgramError(.badData, "\(tool.name): the argument \(argument.name) is missing.")
        }
        self.object = object
    }

    /// An argument; nil where it is absent or null.
    subscript(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    /// The path of the account that is named, and what follows it.
    func account(_ rest: String = "") throws(ProgramError) -> String {
        guard let account = self["account"]?.text, !account.isEmpty else {
            throw ProgramError(.badData, "account must be the name of an account.")
        }
        return "/admin/v1/accounts/\(OperatorConnection.pathPart(account))\(rest)"
    }

    /// A text, as a part of a path.
    func part(_ name: String) throws(ProgramError) -> String {
        guard let text = self[name]?.text, !text.isEmpty else {
            throw ProgramError(.badData, "\(name) must be a text.")
        }
        return OperatorConnection.pathPart(text)
    }

    /// These arguments as the query of a path, those that are there.
    func query(_ names: [String]) -> String {
        let items = names.compactMap { name -> String? in
            guard let value = self[name] else { return nil }
            return "\(name)=\(OperatorConnection.pathPart(value.text ?? value.description))"
        }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }

    /// All arguments but these as a body.
    func body(
        without left: [String] = ["account"], adding: [(key: String, value: JSONValue)] = []
    ) -> JSONValue {
        .members(adding + object.members.filter { !left.contains($0.key) && !$0.value.isNull })
    }
}
