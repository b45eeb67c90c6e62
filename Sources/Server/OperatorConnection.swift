import Engine
import Foundation
import HTTPTypes
import HummingbirdCore
import JSON
import Ledger
import Logging
import NIOCore
import Venue

/// The operator API as the command line calls it: of a running server, or of a store that no server has open.
public struct OperatorConnection: Sendable {
    private enum Target: Sendable {
        case server(HTTPCaller, token: String)
        case store(OperatorAPI)
    }

    private let target: Target

    /// Refuses a URL that cannot be a server's.
    public static func check(url: String) throws(ProgramError) { _ = try HTTPCaller(url: url) }

    /// The API of a running server.
    public init(url: String, token: String) throws(ProgramError) {
        target = .server(try HTTPCaller(url: url), token: token)
    }

    /// The API on a store, by the built-in rules and those added; fails where a server has the store open.
    public init(
        store: StoreAddress, rulebooks: [RulebookFile] = [], profiles: [VenueName: WireProfile] = [:],
        sealKeys: PassphraseSource? = nil, logger: Logger
    ) async throws(ProgramError) {
        var options = ServeOptions()
        options.store = store
        options.sealKeys = sealKeys
        if case .sqlite(let path) = store, !FileManager.default.fileExists(atPath: path) {
            throw ProgramError(.unavailable, "There is no store \(path): check the path.")
        }
        let engine = try await EngineOpening.open(
            options, scenarios: [],
            venues: VenueRegistry.servers(rulebooks: rulebooks, profiles: profiles), logger: logger)
        let token = AdminToken("offline")
        target = .store(
            OperatorAPI(
                engine: engine, token: token, meter: RequestMeter(), streams: nil,
                page: WebPage(venues: [], isDemonstration: false, enforcesRateLimits: true), logger: logger,
                startedAt: realMilliseconds(), faults: FaultBook(), margins: MarginWatch(engine: engine),
                checkpoints: CheckpointShelf(isAllowed: store == .memory), requestLog: RequestLog()))
    }

    /// Closes a store that was opened; a server stays as it is.
    public func close() async {
        if case .store(let api) = target { await api.engine.stop() }
    }

    /// What an answer was.
    public struct Answer: Sendable {
        /// The HTTP status of the answer.
        public let status: Int
        /// The body; null where there is none.
        public let body: JSONValue
        /// The body as it came.
        public let bytes: [UInt8]

        /// Whether what was asked for was done.
        public var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// Makes a call and gives its answer, whatever its status.
    public func send(
        _ method: String, _ path: String, body: [UInt8]? = nil
    ) async throws(ProgramError)
        -> Answer
    {
        let status: Int
        let bytes: [UInt8]
        switch target {
        case .server(let caller, let token):
            let answer = try await caller.call(method, path, token: token, body: body)
            (status, bytes) = (answer.status, answer.body)
        case .store(let api):
            (status, bytes) = try await Self.local(api, method, path, body: body)
        }
        let value: JSONValue
        do {
            value = bytes.isEmpty ? .null : try JSONValue(parsing: bytes)
        } catch {
            throw ProgramError(.unavailable, "What answers there is no marginalia server: check --url.")
        }
        return Answer(status: status, body: value, bytes: bytes)
    }

    /// What a venue of a store that was opened answers to a request of its client.
    public func answer(
        to request: OutgoingRequest, at venue: VenueName
    ) async throws(ProgramError) -> IncomingAnswer {
        guard case .store(let api) = target, let server = api.engine.venues[venue] else {
            throw ProgramError(.internalFault, "No store of ours has the venue \(venue).")
        }
        let response = await server.respond(
            to: VenueRequest(
                method: request.method, target: request.target, body: request.body,
                remoteAddress: "127.0.0.1"
            ) { request.headers.first(named: $0) },
            through: api.engine.access(for: venue))
        return IncomingAnswer(
            status: response.status, body: response.body, takenAt: realMilliseconds()
        ) { response.headers.first(named: $0) }
    }

    /// Makes a call that must succeed.
    public func call(
        _ method: String, _ path: String, body: [UInt8]? = nil
    ) async throws(ProgramError)
        -> Answer
    {
        let answer = try await send(method, path, body: body)
        if answer.isSuccess { return answer }
        throw Self.error(of: answer)
    }

    /// A refusal of the API as an error of the program.
    public static func error(of answer: Answer) -> ProgramError {
        let detail = answer.body["detail"]?.text ?? "The server answered with status \(answer.status)."
        switch answer.status {
        case 401:
            return ProgramError(
                .notPermitted,
                "The server refused the admin token: give it with --token or MARGINALIA_ADMIN_TOKEN."
            )
        case 500...: return ProgramError(.unavailable, detail)
        default: return ProgramError(.badData, detail)
        }
    }

    private static func local(
        _ api: OperatorAPI, _ method: String, _ path: String, body: [UInt8]?
    ) async throws(ProgramError) -> (Int, [UInt8]) {
        guard let method = HTTPRequest.Method(method) else {
            throw ProgramError(.internalFault, "There is no method \(method).")
        }
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.authorization] = "Bearer offline"
        if let body {
            head.headerFields[.contentType] = "application/json"
            head.headerFields[.contentLength] = String(body.count)
        }
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
        do {
            let (reply, _) = try await api.answer(request, target: path)
            return (reply.status, reply.body)
        } catch {
            throw ProgramError(.internalFault, "The call failed: \(error).")
        }
    }

    /// An account's name as a part of a path.
    public static func pathPart(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2d, 0x2e, 0x5f, 0x7e].contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}

// MARK: - Scenarios

extension Scenario {
    /// What applying a scenario came to.
    public struct Outcome: Sendable {
        /// Commands that were new.
        public let applied: Int
        /// Commands that had been applied before, and accounts that were there.
        public let known: Int
        /// What the scenario says, the ledger has otherwise, and stays as it is: a sentence each.
        public let left: [String]
    }

    /// Applies the scenario through the operator API: all of its commands, or none where one is refused.
    public func apply(through connection: OperatorConnection) async throws(ProgramError) -> Outcome {
        let planned: [Step]
        var left: [String] = []
        do {
            planned = try await plan(
                existing: { id in
                    let path = "/admin/v1/accounts/\(OperatorConnection.pathPart(id))"
                    let answer = try await connection.send("GET", path)
                    if answer.status == 404 { return nil }
                    guard answer.status == 200, let venue = answer.body["venue"]?.text else {
                        throw OperatorConnection.error(of: answer)
                    }
                    return AccountIdentity(
                        venue: venue, parent: answer.body["parent"]?.text,
                        settings: answer.body["settings"]?.object ?? JSONObject())
                }, leave: { left.append($0) })
        } catch let error as ProgramError {
            throw error
        } catch {
            throw ProgramError(.internalFault, "The scenario cannot be applied: \(error).")
        }
        if let note = try await moveClock(connection) { left.append(note) }
        let commands = JSONValue.array(planned.map(\.command))
        let answer = try await connection.send(
            "POST", "/admin/v1/commands?atomic=true", body: Array(commands.description.utf8))
        if let index = answer.body["index"]?.integer, planned.indices.contains(Int(index)) {
            let refusal = Refusal(
                .init(rawValue: answer.body["code"]?.text ?? ""), answer.body["detail"]?.text ?? "is refused",
                field: answer.body["field"]?.text)
            throw error(refusal, at: planned[Int(index)])
        }
        guard answer.status == 200 else { throw OperatorConnection.error(of: answer) }
        let results = answer.body["results"]?.elements ?? []
        let applied = results.count { $0["status"]?.text == "applied" }
        left += try await issueKeys(connection)
        try await setFaults(connection)
        return Outcome(
            applied: applied, known: openings.count + steps.count - applied, left: left)
    }

    /// Moves the clock to the scenario's time, where that is still to come; else what becomes of that time.
    private func moveClock(_ connection: OperatorConnection) async throws(ProgramError) -> String? {
        guard let ledgerTime else { return nil }
        let clock = try await connection.call("GET", "/admin/v1/clock").body
        let isSystem = clock["mode"]?.text != "standing"
        let now = LedgerTime(milliseconds: clock["now"]?.integer ?? 0)
        if isSystem || now >= ledgerTime { return note(clock: now, isSystem: isSystem) }
        _ = try await connection.call(
            "PUT", "/admin/v1/clock", body: Array("{\"now\":\(ledgerTime.milliseconds)}".utf8))
        return nil
    }

    private func setFaults(_ connection: OperatorConnection) async throws(ProgramError) {
        if faults.isEmpty { return }
        var writer = JSONWriter(reserving: 1024)
        writer.array(of: faults) { fault, writer in writer.value(fault.source) }
        let answer = try await connection.send("PUT", "/admin/v1/faults", body: writer.bytes)
        if answer.status == 200 { return }
        if answer.status == 401 || answer.status >= 500 { throw OperatorConnection.error(of: answer) }
        let place = answer.body["index"]?.integer.map { [PathStep.index(Int($0))] } ?? []
        throw document.error([.key("faults")] + place, answer.body["detail"]?.text ?? "a fault is refused")
    }

    /// Makes the keys that were never made; what becomes of the others, where they are not as the scenario
    /// says.
    private func issueKeys(_ connection: OperatorConnection) async throws(ProgramError) -> [String] {
        var left: [String] = []
        for opening in openings {
            for (request, path) in opening.keys {
                let answer = try await connection.send(
                    "POST", "/admin/v1/accounts/\(OperatorConnection.pathPart(opening.account))/keys",
                    body: request.encoded())
                if answer.status == 201 { continue }
                if let earlier = answer.body["earlier"]?.text.flatMap({ EarlierKey(rawValue: $0) }) {
                    if let note = note(earlier, at: path) { left.append(note) }
                    continue
                }
                if answer.status == 401 || answer.status >= 500 { throw OperatorConnection.error(of: answer) }
                let field = answer.body["field"]?.text.map { [PathStep.key($0)] } ?? []
                throw document.error(path + field, answer.body["detail"]?.text ?? "the key is refused")
            }
        }
        return left
    }
}
