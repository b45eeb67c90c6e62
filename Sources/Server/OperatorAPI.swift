import Engine
import HTTPTypes
import HummingbirdCore
import JSON
import Ledger
import Logging
import Venue

/// The operator API (`/admin/v1/…`), health, metrics, the API's description and the web page.
struct OperatorAPI: Sendable {
    /// The most bytes of a body.
    static let bodyLimit = 64 << 20
    /// The most bytes of a body that is no batch of commands.
    static let smallBodyLimit = 64 << 10

    let engine: LedgerEngine
    let token: AdminToken
    let meter: RequestMeter
    /// What the streams count; nil where nobody listens.
    let streams: StreamHub?
    let page: WebPage
    let logger: Logger
    let startedAt: Int64
    /// How the venues' endpoints misbehave on purpose.
    let faults: FaultBook
    /// Who tells readers of the operator stream of margin calls.
    let margins: MarginWatch
    /// States of the ledger to come back to.
    let checkpoints: CheckpointShelf
    /// What venues' clients called.
    let requestLog: RequestLog

    /// A request that has found its resource.
    struct Call: Sendable {
        let request: Request
        /// The path's variable parts, decoded: the account, then the key.
        let names: [String]
        let query: [QueryItem]

        /// The account that the path names.
        var account: String { names.first ?? "" }

        /// Refuses parameters that the resource does not have, and any that is given twice.
        func allow(_ parameters: [String]) throws(Problem) {
            var seen: Set<ExactText> = []
            for item in query {
                guard parameters.containsExactly(item.name) else {
                    let known = parameters.isEmpty ? "none" : parameters.joined(separator: ", ")
                    throw Problem(
                        400, "unknown_parameter",
                        "There is no parameter \(item.name.prefix(64)) here; this call takes \(known)."
                            + NearestName.question(item.name, among: parameters),
                        field: String(item.name.prefix(64)))
                }
                guard seen.insert(ExactText(item.name)).inserted else {
                    throw Problem.parameter(item.name, "is given twice")
                }
            }
        }

        /// A time parameter; nil where it is not given.
        func time(_ name: String) throws(Problem) -> LedgerTime? {
            guard let text = query[name] else { return nil }
            guard let time = parseTime(text), time.milliseconds.magnitude <= 253_402_300_799_999,
                Int64(text).map({ $0 >= 0 }) ?? true
            else {
                throw .parameter(name, "must be an ISO 8601 time or milliseconds since 1970")
            }
            return time
        }

        /// A whole number parameter.
        func integer(_ name: String, in range: ClosedRange<Int64>, fallback: Int64) throws(Problem) -> Int64 {
            guard let text = query[name] else { return fallback }
            guard let number = Int64(text), range.contains(number), !text.hasPrefix("+") else {
                throw .parameter(
                    name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }

        /// A switch parameter.
        func flag(_ name: String) throws(Problem) -> Bool {
            switch query[name] {
            case nil, "false": return false
            case "true": return true
            default: throw .parameter(name, "must be true or false")
            }
        }
    }

    private typealias Action = @Sendable (OperatorAPI, Call) async throws -> Reply

    private struct Resource {
        let pathClass: PathClass
        let isPublic: Bool
        let methods: [(method: String, action: Action)]

        init(_ pathClass: PathClass, isPublic: Bool = false, _ methods: [(method: String, action: Action)]) {
            self.pathClass = pathClass
            self.isPublic = isPublic
            self.methods = methods
        }
    }

    /// Answers a request. Throws only where the connection fails.
    func answer(_ request: Request, target: String) async throws -> (Reply, PathClass) {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        let isAdmin = path == "/admin" || path.hasPrefix("/admin/")
        if isAdmin, !isAuthorized(request) { return (Problem.unauthorized.reply, .unknown) }
        var names: [String] = []
        guard let resource = Self.resource(path, names: &names) else {
            let problem = Problem(
                404, "not_found", "There is nothing at this path; /openapi.json lists what there is.")
            return (problem.reply, .unknown)
        }
        let method = request.method == .head ? "GET" : request.method.rawValue
        guard let action = resource.methods.first(where: { $0.method == method })?.action else {
            var allowed = resource.methods.map(\.method)
            if allowed.contains("GET") { allowed.append("HEAD") }
            let problem = Problem(
                405, "method_not_allowed", "This path takes \(allowed.joined(separator: ", ")) only.",
                headers: [("Allow", allowed.joined(separator: ", "))])
            return (problem.reply, resource.pathClass)
        }
        let query = target.utf8.firstIndex(of: UInt8(ascii: "?")).map {
            target[target.utf8.index(after: $0)...]
        }
        let call = Call(request: request, names: names, query: QueryItem.parse(query ?? ""))
        do {
            return (try await action(self, call), resource.pathClass)
        } catch let problem as Problem {
            return (problem.reply, resource.pathClass)
        } catch let refusal as Refusal {
            return (Problem(refusal).reply, resource.pathClass)
        } catch let error as BodyError {
            throw error.cause
        } catch {
            logger.error(
                "an operator call failed", metadata: ["path": "\(path.prefix(200))", "error": "\(error)"])
            let problem = Problem(500, "internal", "The call failed inside the server; its log says more.")
            return (problem.reply, resource.pathClass)
        }
    }

    private func isAuthorized(_ request: Request) -> Bool {
        guard let header = request.headers[.authorization] else { return false }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return token.matches(parts[1])
    }

    // MARK: - Routes

    private static func resource(_ path: Substring, names: inout [String]) -> Resource? {
        switch path {
        case "/": return Resource(.page, isPublic: true, [("GET", { try $0.pageReply($1) })])
        case "/healthz": return Resource(.health, isPublic: true, [("GET", { try $0.health($1) })])
        case "/readyz": return Resource(.health, isPublic: true, [("GET", { try $0.readiness($1) })])
        case "/metrics": return Resource(.metrics, isPublic: true, [("GET", { try $0.metrics($1) })])
        case "/openapi.json": return Resource(.page, isPublic: true, [("GET", { try $0.description($1) })])
        case "/admin/v1/commands": return Resource(.commands, [("POST", { try await $0.commands($1) })])
        case "/admin/v1/accounts": return Resource(.accounts, [("GET", { try await $0.accounts($1) })])
        case "/admin/v1/clock":
            return Resource(.clock, [("GET", { try $0.clock($1) }), ("PUT", { try await $0.moveClock($1) })])
        case "/admin/v1/stream": return Resource(.events, [("GET", { try await $0.stream($1) })])
        case "/admin/v1/faults":
            return Resource(
                .faults,
                [
                    ("GET", { try $0.listFaults($1) }), ("PUT", { try await $0.setFaults($1) }),
                    ("DELETE", { try $0.clearFaults($1) }),
                ])
        case "/admin/v1/order-scripts":
            return Resource(
                .faults,
                [
                    ("GET", { try $0.listOrderScripts($1) }), ("PUT", { try await $0.setOrderScripts($1) }),
                    ("DELETE", { try $0.clearOrderScripts($1) }),
                ])
        case "/admin/v1/rulebooks": return Resource(.rulebooks, [("GET", { try $0.rulebooks($1) })])
        case "/admin/v1/requests":
            return Resource(
                .requests,
                [("GET", { try $0.requests($1) }), ("DELETE", { try $0.clearRequests($1) })])
        case "/admin/v1/reset": return Resource(.checkpoints, [("POST", { try await $0.reset($1) })])
        default: break
        }
        return checkpointResource(path, names: &names) ?? accountResource(path, names: &names)
    }

    private static func checkpointResource(_ path: Substring, names: inout [String]) -> Resource? {
        let prefix = "/admin/v1/checkpoints"
        guard path.hasPrefix(prefix) else { return nil }
        let parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            .map { decoded($0) }
        switch (parts.count, parts.last) {
        case (1, ""):
            return Resource(
                .checkpoints,
                [("GET", { try $0.listCheckpoints($1) }), ("DELETE", { try $0.deleteCheckpoints($1) })])
        case (2, _) where !parts[1].isEmpty:
            names = [parts[1]]
            return Resource(
                .checkpoints,
                [
                    ("GET", { try $0.listCheckpoints($1) }), ("PUT", { try await $0.keepCheckpoint($1) }),
                    ("DELETE", { try $0.deleteCheckpoints($1) }),
                ])
        case (3, "restore") where !parts[1].isEmpty:
            names = [parts[1]]
            return Resource(.checkpoints, [("POST", { try await $0.restoreCheckpoint($1) })])
        default: return nil
        }
    }

    private static func accountResource(_ path: Substring, names: inout [String]) -> Resource? {
        let prefix = "/admin/v1/accounts/"
        guard path.hasPrefix(prefix) else { return nil }
        let parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            .map { decoded($0) }
        guard let account = parts.first, !account.isEmpty else { return nil }
        names = [account]
        switch (parts.count, parts.count > 1 ? parts[1] : "") {
        case (1, _): return Resource(.accounts, [("GET", { try await $0.account($1) })])
        case (2, "statement"): return Resource(.statement, [("GET", { try await $0.statement($1) })])
        case (2, "explain"): return Resource(.explain, [("GET", { try await $0.explain($1) })])
        case (2, "stress"): return Resource(.stress, [("POST", { try await $0.stress($1) })])
        case (2, "nudge"): return Resource(.stress, [("POST", { try await $0.nudge($1) })])
        case (2, "orders"): return Resource(.accounts, [("GET", { try await $0.orders($1) })])
        case (2, "trades"): return Resource(.accounts, [("GET", { try await $0.trades($1) })])
        case (2, "events"): return Resource(.events, [("GET", { try await $0.events($1) })])
        case (2, "keys"):
            return Resource(.keys, [("GET", { try $0.keys($1) }), ("POST", { try await $0.issueKey($1) })])
        case (3, "keys") where !parts[2].isEmpty:
            names.append(parts[2])
            return Resource(.keys, [("DELETE", { try await $0.revokeKey($1) })])
        default: return nil
        }
    }

    /// A part of a path with its percent signs resolved; a `+` stays one.
    private static func decoded(_ part: Substring) -> String {
        guard part.utf8.contains(UInt8(ascii: "%")) else { return String(part) }
        let kept = part.split(separator: "+", omittingEmptySubsequences: false).joined(separator: "%2B")
        return QueryItem.parse("x=" + kept.split(separator: "&").joined(separator: "%26"))["x"] ?? ""
    }

    // MARK: - Bodies

    /// A connection that failed while a body was being read.
    struct BodyError: Error {
        let cause: any Error
    }

    /// The body as bytes. Throws 413 where it is too long, before it is read whole.
    func body(_ call: Call, limit: Int) async throws -> [UInt8] {
        let bytes: [UInt8]?
        do { bytes = try await BodyReader.read(call.request, limit: limit) } catch {
            throw BodyError(cause: error)
        }
        guard let bytes else { throw Problem.tooLarge(limit) }
        return bytes
    }

    /// The media type of the body, in lower case and without its parameters.
    func mediaType(_ call: Call) -> String {
        let header = call.request.headers[.contentType] ?? ""
        return header.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    }

    /// A small JSON body.
    func jsonBody(_ call: Call) async throws -> JSONValue {
        guard mediaType(call) == "application/json" else {
            throw Problem(
                415, "unsupported_media_type",
                "The body must be JSON: send the header Content-Type: application/json.")
        }
        let bytes = try await body(call, limit: Self.smallBodyLimit)
        do { return try JSONValue(parsing: bytes) } catch { throw Problem.malformedJSON(error) }
    }

    /// Refuses what a body says to a call that takes nothing; none at all and an empty object say nothing.
    func requireNoFields(_ call: Call) async throws {
        let bytes = try await body(call, limit: Self.smallBodyLimit)
        if bytes.isEmpty { return }
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw Problem.malformedJSON(error) }
        guard let object = value.object else {
            throw Problem(400, "invalid_body", "This call takes no body.")
        }
        guard let field = object.keys.first else { return }
        throw Problem(
            400, "unknown_field", "This call takes no fields, and so no \(field.prefix(64)).",
            field: String(field.prefix(64)))
    }

    /// The account that the path names, as last made durable.
    func existing(_ call: Call) throws(Problem) -> Account {
        guard let account = engine.account(call.account) else { throw noAccount(call.account) }
        return account
    }

    /// Does work that takes long in its turn, where it keeps nobody else waiting.
    func slowly<Value: Sendable>(_ work: @Sendable () async throws -> Value) async throws -> Value {
        try await engine.turn(of: "operator").run(work)
    }

    /// That there is no account of this name, and which one may have been meant, of those that were opened
    /// first.
    func noAccount(_ id: String) -> Problem {
        let known = engine.accountIDs.prefix(1_000)
        let way = known.isEmpty ? "; none is open yet: send open_account, or apply a scenario" : ""
        return Problem(
            404, "unknown_account",
            "There is no account \(id.prefix(64))\(way).\(NearestName.question(id, among: known))",
            field: "account")
    }
}
