import Engine
import Foundation
import JSON
import Journal
import Testing
import Venue

@testable import Server

/// A client that sends bytes over a socket as they are.
private final class RawClient: Sendable {
    private let socket: Int32

    init(_ url: String) throws {
        let port = try #require(UInt16(url.split(separator: ":").last ?? ""))
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Beside the other tests, on a machine that is busy, an answer may take long.
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    deinit { close(socket) }

    func send(_ bytes: [UInt8]) throws {
        let count = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        try #require(count == bytes.count)
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Reads until the bytes satisfy the caller or the server ends; off the tasks' threads.
    private func read(until isEnough: @Sendable @escaping ([UInt8]) -> Bool) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [socket] in
                var bytes: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 65_536)
                while !isEnough(bytes) {
                    let count = recv(socket, &chunk, chunk.count, 0)
                    if count <= 0 { break }
                    bytes += chunk[..<count]
                }
                continuation.resume(returning: bytes)
            }
        }
    }

    /// One HTTP answer's head and whatever came with it.
    func head() async -> String {
        String(
            decoding: await read { String(decoding: $0, as: UTF8.self).contains("\r\n\r\n") }, as: UTF8.self)
    }

    /// Everything until the server ends the connection.
    func rest() async -> [UInt8] { await read { _ in false } }

    /// Frames up to one of a text.
    func frames(until text: String) async throws -> [ServerFrame] {
        var bytes = await read { bytes in
            var copy = bytes
            return (try? ServerFrame.all(in: &copy))?.last?.text == text
        }
        return try ServerFrame.all(in: &bytes)
    }
}

@Suite("Streams of a server")
struct StreamServerTests {
    private static func handshake(
        _ path: String, method: String = "GET", version: String = "1.1", leaving: String = "",
        adding: String = ""
    ) -> String {
        let lines = [
            "Host: x", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        ].filter { leaving.isEmpty || !$0.hasPrefix(leaving) }
        return "\(method) \(path) HTTP/\(version)\r\n" + lines.map { $0 + "\r\n" }.joined() + adding + "\r\n"
    }

    /// Runs a server whose only venue is the echo while the body runs.
    private static func run(_ body: @Sendable @escaping (String) async throws -> Void) async throws {
        var options = ServeOptions()
        options.listen = ListenAddress(host: "127.0.0.1", port: 0)
        let engine = try await LedgerEngine.open(store: openJournal("memory:"), venues: [EchoVenue()])
        let (urls, ready) = AsyncStream.makeStream(of: String.self)
        let server = MarginaliaServer(options: options, logger: quietLogger)
        let running = Task {
            defer { ready.finish() }
            try await server.listen(
                engine: engine, faults: FaultBook(), token: AdminToken(TestServer.token)
            ) { ready.yield($0.url) }
        }
        var iterator = urls.makeAsyncIterator()
        let url = try #require(await iterator.next())
        let result = await Task { try await body(url) }.result
        running.cancel()
        _ = await running.result
        await engine.stop()
        try result.get()
    }

    @Test("What a client sends while its work is under way is heard after it, the close frame too")
    func work() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            try client.send(Self.handshake("/echo/stream/plain"))
            _ = await client.head()
            var bytes: [UInt8] = []
            for text in ["work a", "b", "work c", "d"] { bytes += clientFrame(0x1, Array(text.utf8)) }
            try client.send(bytes + clientFrame(0x8, [3, 232]))
            var rest = await client.rest()
            let frames = try ServerFrame.all(in: &rest)
            let texts = frames.map(\.text).filter { $0 != "opened" }
            #expect(texts.prefix(4) == ["done a", "b", "done c", "d"])
            #expect(frames.last?.opcode == 8)
        }
    }

    @Test("A handshake is accepted with RFC 6455's own example, and messages go both ways")
    func echo() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            try client.send(Self.handshake("/echo/stream/plain?key=1"))
            let head = await client.head()
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(head.lowercased().contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"))
            #expect(!head.lowercased().contains("content-length"))
            try client.send(clientFrame(0x1, Array("hello".utf8)))
            #expect(try await client.frames(until: "hello").last?.text == "hello")
            try client.send(clientFrame(0x8, [3, 232]))
            #expect(await client.rest() == [0x88, 2, 3, 232])
        }
    }

    @Test("Frames may follow the handshake at once, and it may follow other requests at once")
    func pipelined() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            let before = "GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/b HTTP/1.1\r\nHost: x\r\n\r\n"
            try client.send(
                Array((before + Self.handshake("/echo/stream/plain")).utf8)
                    + clientFrame(0x1, Array("early".utf8)) + clientFrame(0x8, [3, 232]))
            let all = String(decoding: await client.rest(), as: UTF8.self)
            let places = ["GET /echo/a", "GET /echo/b", "HTTP/1.1 101", "opened", "early"].map {
                all.range(of: $0)?.lowerBound
            }
            #expect(!places.contains(nil), "\(all)")
            #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        }
    }

    @Test("A connection that has carried requests can become a stream")
    func reused() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            for _ in 0..<3 {
                try client.send("GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(await client.head().hasPrefix("HTTP/1.1 200"))
            }
            try client.send(Self.handshake("/echo/stream/plain"))
            #expect(await client.head().hasPrefix("HTTP/1.1 101"))
        }
    }

    @Test("Handshakes that are wrong, refused, or none")
    func handshakes() async throws {
        try await Self.run { url in
            let path = "/echo/stream/plain"
            let table: [(request: String, status: Int, has: String)] = [
                (Self.handshake("/echo/stream/refused"), 429, "retry-after: 7"),
                (Self.handshake("/echo/stream/none"), 200, "GET /echo/stream/none"),
                (Self.handshake("/nowhere"), 404, "not_found"),
                (Self.handshake(path, leaving: "Sec-WebSocket-Key"), 400, "bad_handshake"),
                (Self.handshake(path, leaving: "Sec-WebSocket-Version"), 400, "bad_handshake"),
                (
                    Self.handshake(path, adding: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400,
                    "bad_handshake"
                ),
                (
                    Self.handshake(path, leaving: "Sec-WebSocket-Key", adding: "Sec-WebSocket-Key: YQ==\r\n"),
                    400, "bad_handshake"
                ),
                (
                    Self.handshake(
                        path, leaving: "Sec-WebSocket-Version", adding: "Sec-WebSocket-Version: 8\r\n"), 426,
                    "sec-websocket-version: 13"
                ),
                (Self.handshake(path, adding: "Content-Length: 3\r\n") + "abc", 400, "no body"),
                (Self.handshake(path, method: "POST"), 200, "POST /echo/stream/plain"),
                (Self.handshake(path, version: "1.0"), 200, "GET /echo/stream/plain"),
                (Self.handshake(path, leaving: "Connection"), 200, "GET /echo/stream/plain"),
                (
                    Self.handshake(path, leaving: "Upgrade", adding: "Upgrade: h2c\r\n"), 200,
                    "GET /echo/stream/plain"
                ),
            ]
            for (request, status, text) in table {
                let client = try RawClient(url)
                try client.send(request)
                let answer = await client.head()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(request)\(answer)")
                #expect(answer.lowercased().contains(text.lowercased()), "\(answer)")
            }
        }
    }

    @Test("The subprotocol that the venue chooses is named")
    func subprotocol() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            try client.send(
                Self.handshake("/echo/stream/protocol", adding: "Sec-WebSocket-Protocol: one\r\n"))
            #expect(await client.head().lowercased().contains("\r\nsec-websocket-protocol: one\r\n"))
        }
    }

    @Test("What becomes durable is pushed, and metrics count it")
    func pushed() async throws {
        try await Self.run { url in
            let client = try RawClient(url)
            try client.send(Self.handshake("/streams"))
            _ = await client.head()
            let caller = try HTTPCaller(url: url)
            let admin = [
                ("Authorization", "Bearer \(TestServer.token)"), ("Content-Type", "application/json"),
            ]
            let opening = #"[{"type":"open_account","account":"a","venue":"echo"}]"#
            _ = try await caller.send(
                "POST", "/admin/v1/commands", headers: admin, body: Array(opening.utf8))
            try client.send(clientFrame(0x1, Array("follow a".utf8)))
            #expect(try await client.frames(until: "taken a false").last != nil)
            let deposit = #"[{"type":"deposit","account":"a","asset":"USD","amount":"5"}]"#
            _ = try await caller.send(
                "POST", "/admin/v1/commands", headers: admin, body: Array(deposit.utf8))
            #expect(try await client.frames(until: "event 2").last != nil)
            let answer = try await caller.send("GET", "/metrics", headers: [], body: nil)
            let metrics = String(decoding: answer.body, as: UTF8.self)
            for line in [
                "connections{venue=\"echo\"} 1", "connections_total{venue=\"echo\"} 1",
                "messages_received_total{venue=\"echo\"} 1", "messages_sent_total{venue=\"echo\"} 3",
                "slow_readers_total{venue=\"echo\"} 0",
            ] {
                #expect(metrics.contains("marginalia_stream_\(line)"), "\(line)")
            }
        }
    }
}
