import Engine
import Foundation
import JSON
import Ledger
import Logging
import Testing
import Venue

@testable import Server

/// A whole server of this process, on a free port of the loopback address, with a ledger in memory.
struct TestServer: Sendable {
    static let token = "operator-token-of-the-tests"

    let url: String
    let caller: HTTPCaller

    /// Runs a server while the body runs.
    static func run<Result: Sendable>(
        _ change: (inout ServeOptions) -> Void = { _ in },
        _ body: @Sendable @escaping (TestServer) async throws -> Result
    ) async throws -> Result {
        var options = ServeOptions()
        options.listen = ListenAddress(host: "127.0.0.1", port: 0)
        options.store = .memory
        options.adminToken = token
        options.enforcesRateLimits = false
        change(&options)
        let (urls, ready) = AsyncStream.makeStream(of: String.self)
        let server = MarginaliaServer(options: options, logger: quietLogger)
        let running = Task {
            defer { ready.finish() }
            try await server.run { ready.yield($0.url) }
        }
        defer { running.cancel() }
        var iterator = urls.makeAsyncIterator()
        guard let url = await iterator.next() else {
            try await running.value
            throw ProgramError(.internalFault, "The server ended before it was ready.")
        }
        let result: Result
        do {
            result = try await body(TestServer(url: url, caller: try HTTPCaller(url: url)))
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        _ = await running.result
        return result
    }

    /// An operator call with a JSON body.
    func call(
        _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json"
    ) async throws
        -> TestAnswer
    {
        var headers = [("Authorization", "Bearer \(Self.token)")]
        if body != nil { headers.append(("Content-Type", type)) }
        return TestAnswer(
            try await caller.send(method, path, headers: headers, body: body.map { Array($0.utf8) }))
    }

    /// Any request.
    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> TestAnswer {
        TestAnswer(try await caller.send(method, path, headers: headers, body: body))
    }

    /// Opens an account with money in it.
    func openDesk() async throws {
        let answer = try await call(
            "POST", "/admin/v1/commands?atomic=true",
            """
            [{"type":"open_account","account":"desk","venue":"okx"},
             {"type":"deposit","account":"desk","asset":"USDT","amount":"1000"},
             {"type":"prices","venue":"okx","index":{"USDT":"1"}}]
            """)
        try #require(answer.status == 200, "\(answer.text)")
    }

    /// The ledger's whole state, byte for byte: every account, and how many events there are.
    func state() async throws -> String {
        var state = ""
        let list = try await call("GET", "/admin/v1/accounts")
        for account in list.json["accounts"]?.elements ?? [] {
            state += try await call("GET", "/admin/v1/accounts/\(account["account"]?.text ?? "")").text + "\n"
        }
        let metrics = try await send("GET", "/metrics").text
        state += metrics.split(separator: "\n").filter { $0.hasPrefix("marginalia_sequence ") }.joined()
        return state
    }
}

/// An answer, with what tests look at.
struct TestAnswer {
    let answer: HTTPCaller.Answer

    init(_ answer: HTTPCaller.Answer) { self.answer = answer }

    var status: Int { answer.status }
    var text: String { String(decoding: answer.body, as: UTF8.self) }
    var json: JSONValue { (try? JSONValue(parsing: answer.body)) ?? .null }
    var code: String? { json["code"]?.text }

    func header(_ name: String) -> String? { answer.header(name) }
}

/// A logger that writes nothing.
var quietLogger: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }

/// A folder of its own, deleted afterwards.
func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/marginalia-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// Writes a file and gives its path.
@discardableResult
func write(_ text: String, to path: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
}

/// The error that a body ends with.
func programError(_ body: () async throws -> Void) async -> ProgramError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ProgramError ?? ProgramError(.internalFault, "another error: \(error)")
    }
}

/// An engine in memory with every venue.
func memoryEngine() async throws -> LedgerEngine {
    var options = ServeOptions()
    options.store = .memory
    return try await EngineOpening.open(
        options, scenarios: [], venues: VenueRegistry.servers(), logger: Logger(label: "test"))
}
