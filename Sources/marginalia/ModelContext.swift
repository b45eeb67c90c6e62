import ArgumentParser
import Foundation
import JSON
import Server
import Venues

/// `marginalia mcp`: the operator API's main calls as tools of the Model Context Protocol.
struct ModelContext: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Serves the operator API's main calls as MCP tools, over standard input and output.",
        discussion: """
            Example: marginalia mcp --url http://127.0.0.1:8080 --token TOKEN
            An assistant starts it by itself; in its configuration, for a ledger of its own in memory:
            {"mcpServers": {"marginalia": {"command": "marginalia", "args": ["mcp", "--store", "memory:"]}}}
            """)

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.use { connection in
            let server = ModelContextServer(connection: connection)
            for await line in Self.lines() {
                if let answer = await server.answer(line), !Terminal.send(answer) { break }
            }
        }
    }

    /// The lines of standard input, read on a thread of their own: reading blocks.
    private static func lines() -> AsyncStream<String> {
        AsyncStream { continuation in
            Thread.detachNewThread {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
            }
        }
    }
}

/// Answers the messages of one client, one after the other (JSON-RPC 2.0).
struct ModelContextServer: Sendable {
    let connection: OperatorConnection

    /// The revisions that are spoken whose clients shake hands, the newest first.
    static let revisions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]
    /// Those whose requests each say by themselves what they are of.
    static let sessionless = ["2026-07-28"]

    /// What a model is told before it calls anything.
    private static let instructions = """
        Marginalia keeps margin accounts of trading venues (\(Venues.listed)) and works their figures out \
        exactly. Build a state with apply_commands (open_account, then deposit, \
        import_position or fill, and prices), read it with read_statement, and ask explain_figures why a \
        figure is what it is. Amounts are decimals written as texts, never numbers.
        """

    /// The answer to a line, which may hold several messages; nil where none asks for one.
    func answer(_ line: String) async -> JSONValue? {
        guard !line.allSatisfy(\.isWhitespace) else { return nil }
        guard let message = try? JSONValue(parsing: line) else {
            return Self.failure(.null, -32700, "This is no JSON.")
        }
        guard let batch = message.elements else { return await answer(to: message) }
        guard !batch.isEmpty else { return Self.failure(.null, -32600, "An empty list asks for nothing.") }
        var answers: [JSONValue] = []
        for one in batch {
            if let answer = await answer(to: one) { answers.append(answer) }
        }
        return answers.isEmpty ? nil : .array(answers)
    }

    private func answer(to message: JSONValue) async -> JSONValue? {
        let id = message["id"]
        guard message["jsonrpc"]?.text == "2.0", id.map(Self.isID) ?? true else {
            return Self.failure(
                .null, -32600, "A message has \"jsonrpc\":\"2.0\" and a text or number as id.")
        }
        guard let method = message["method"]?.text else {
            // An answer to a question of ours; none was asked.
            let isAnswer = message["result"] != nil || message["error"] != nil
            return isAnswer ? nil : Self.failure(id ?? .null, -32600, "A request has a method.")
        }
        // What has no id is a notification: nobody waits for an answer.
        guard let id else { return nil }
        let parameters = message["params"] ?? .members([])
        let meta = parameters["_meta"]
        if method != "initialize", let revision = meta?[Self.meta("protocolVersion")] {
            guard let asked = revision.text, meta?[Self.meta("clientCapabilities")]?.object != nil else {
                return Self.failure(
                    id, -32602, "A request has its revision and the client's capabilities in _meta.")
            }
            guard Self.sessionless.contains(asked) else {
                let known = JSONValue.array(Self.sessionless.map { .string($0) })
                return Self.failure(
                    id, -32022, "This revision is not spoken here.",
                    .members([("supported", known), ("requested", .string(asked))]))
            }
            return await sessionless(method, id, parameters)
        }
        switch method {
        case "initialize": return Self.success(id, Self.greeting(parameters))
        case "ping": return Self.success(id, .members([]))
        case "tools/list": return Self.success(id, .members(Self.tools))
        case "tools/call": return await call(id, parameters)
        default: return Self.failure(id, -32601, "There is no method \(method.prefix(64)).")
        }
    }

    /// The answer to a request that belongs to no session: it says who answers, and how long it holds.
    private func sessionless(_ method: String, _ id: JSONValue, _ parameters: JSONValue) async -> JSONValue {
        // The tools are the program's own: the same for everybody, as long as it runs.
        let lasting: [(key: String, value: JSONValue)] = [
            ("ttlMs", .number("3600000")), ("cacheScope", .string("public")),
        ]
        let result: [(key: String, value: JSONValue)]
        switch method {
        case "server/discover":
            let known = JSONValue.array(Self.sessionless.map { .string($0) })
            result = [("supportedVersions", known)] + Self.abilities + lasting
        case "tools/list": result = Self.tools + lasting
        case "tools/call":
            let answer = await call(id, parameters)
            guard let called = answer["result"]?.object?.members else { return answer }
            result = called
        default: return Self.failure(id, -32601, "There is no method \(method.prefix(64)).")
        }
        let meta = JSONValue.members([(Self.meta("serverInfo"), Self.name)])
        return Self.success(id, .members([("resultType", .string("complete"))] + result + [("_meta", meta)]))
    }

    /// What the protocol itself says beside a message.
    private static func meta(_ name: String) -> String { "io.modelcontextprotocol/\(name)" }

    private static var tools: [(key: String, value: JSONValue)] {
        [("tools", .array(OperatorTool.all.map(\.description)))]
    }

    private static let name = JSONValue.members([
        ("name", .string("marginalia")), ("version", .string(Marginalia.configuration.version)),
    ])

    private static let abilities: [(key: String, value: JSONValue)] = [
        ("capabilities", .members([("tools", .members([]))])), ("instructions", .string(instructions)),
    ]

    private static func isID(_ id: JSONValue) -> Bool { id.text != nil || id.numberText != nil }

    /// The client's revision where it is spoken here, else the newest; the client then decides.
    private static func greeting(_ parameters: JSONValue) -> JSONValue {
        let asked = parameters["protocolVersion"]?.text ?? ""
        let revision = JSONValue.string(revisions.contains(asked) ? asked : revisions[0])
        return .members([("protocolVersion", revision), ("serverInfo", name)] + abilities)
    }

    /// Carries a tool out. What the operator API refuses is the tool's result, for the model to mend.
    private func call(_ id: JSONValue, _ parameters: JSONValue) async -> JSONValue {
        let name = parameters["name"]?.text ?? ""
        guard let tool = OperatorTool.all.first(where: { $0.name == name }) else {
            return Self.failure(id, -32602, OperatorTool.unknown(name))
        }
        let text: String
        let isError: Bool
        do throws(ProgramError) {
            let call = try tool.call(ToolArguments(parameters["arguments"] ?? .members([]), of: tool))
            let answer = try await connection.send(
                call.method, call.path, body: call.body.map { Array($0.description.utf8) })
            let rows = answer.body["results"]?.elements ?? []
            let isRefused = rows.contains { $0["status"]?.text == "rejected" }
            isError = isRefused || !(200..<300).contains(answer.status)
            text = answer.bytes.isEmpty ? "done" : String(decoding: answer.bytes, as: UTF8.self)
        } catch {
            (text, isError) = (error.message, true)
        }
        let content = JSONValue.members([("type", .string("text")), ("text", .string(text))])
        return Self.success(id, .members([("content", .array([content])), ("isError", .bool(isError))]))
    }

    private static func success(_ id: JSONValue, _ result: JSONValue) -> JSONValue {
        .members([("jsonrpc", .string("2.0")), ("id", id), ("result", result)])
    }

    private static func failure(
        _ id: JSONValue, _ code: Int, _ message: String, _ data: JSONValue? = nil
    ) -> JSONValue {
        var error: [(key: String, value: JSONValue)] = [
            ("code", .integer(code)), ("message", .string(message)),
        ]
        if let data { error.append(("data", data)) }
        return .members([("jsonrpc", .string("2.0")), ("id", id), ("error", .members(error))])
    }
}
