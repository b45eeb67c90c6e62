import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix

/// Makes single HTTP calls, for the command line's talk with a server.
struct HTTPCaller: Sendable {
    private let host: String
    private let port: Int
    /// How long a call may take, from its connection to the last byte of its answer.
    private let limit: Duration

    /// The largest answer that is read.
    private static let answerLimit = 512 << 20

    /// A server's URL, such as `http://127.0.0.1:8080`.
    init(url: String, within limit: Duration = .seconds(300)) throws(ProgramError) {
        self.limit = limit
        let parts = URLComponents(string: url)
        if parts?.scheme == "https" {
            throw ProgramError(
                .usage, "The command line speaks plain http only: give the server's own address in --url.")
        }
        guard let parts, parts.scheme == "http", let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/"
        else {
            throw ProgramError(
                .usage, "The URL \"\(url)\" cannot be used: give one such as http://127.0.0.1:8080.")
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? 80
    }

    /// What came back.
    struct Answer: Sendable {
        var status = 0
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        /// A header by its lower-case name.
        func header(_ name: String) -> String? { headers.first(named: name) }
    }

    /// Calls the operator API.
    func call(
        _ method: String, _ path: String, token: String, body: [UInt8]?
    ) async throws(ProgramError) -> Answer {
        var headers = [("Authorization", "Bearer \(token)"), ("Accept", "application/json")]
        if body != nil { headers.append(("Content-Type", "application/json")) }
        return try await send(method, path, headers: headers, body: body)
    }

    /// Sends a request and reads the answer, on a connection of its own; all of it within the limit, however
    /// slowly the other side sends.
    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws(ProgramError) -> Answer {
        let outcome = await withTaskGroup(of: Result<Answer, ProgramError>.self) { group in
            group.addTask {
                do throws(ProgramError) {
                    return .success(try await self.exchange(method, path, headers: headers, body: body))
                } catch { return .failure(error) }
            }
            group.addTask {
                try? await Task.sleep(for: self.limit)
                return .failure(self.tooLate)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(Self.closed)
        }
        return try outcome.get()
    }

    private var tooLate: ProgramError {
        ProgramError(
            .unavailable,
            "http://\(host):\(port) has not sent its whole answer within \(limit.components.seconds) s: ask "
                + "for less, or see what is wrong with the server.")
    }

    private func exchange(
        _ method: String, _ path: String, headers: [(String, String)], body: [UInt8]?
    ) async throws(ProgramError) -> Answer {
        let channel = try await connected()
        let parts = parts(method, path, headers: headers, body: body)
        do {
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(contentsOf: parts)
                return try await Self.read(inbound)
            }
        } catch let error as ProgramError {
            throw error
        } catch {
            throw Self.closed
        }
    }

    private typealias CallChannel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connected() async throws(ProgramError) -> CallChannel {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try CallChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw ProgramError(
                .unavailable,
                "No server answers at http://\(host):\(port): start one with marginalia serve, or give --url "
                    + "or MARGINALIA_URL.")
        }
    }

    private static let closed = ProgramError(
        .unavailable, "The server closed the connection before it had answered: try again.")

    private func parts(
        _ method: String, _ path: String, headers: [(String, String)], body: [UInt8]?
    ) -> [HTTPClientRequestPart] {
        var fields = NIOHTTP1.HTTPHeaders([("Host", host), ("Connection", "close")] + headers)
        if let body, fields["Content-Length"].isEmpty, fields["Transfer-Encoding"].isEmpty {
            fields.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: .init(rawValue: method), uri: path, headers: fields)
        var parts = [HTTPClientRequestPart.head(head)]
        if let body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        return parts + [.end(nil)]
    }

    private static func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>
    ) async throws -> Answer {
        var answer = Answer()
        do {
            for try await part in inbound {
                switch part {
                case .head(let head):
                    answer.status = Int(head.status.code)
                    answer.headers = head.headers.map { ($0.name, $0.value) }
                case .body(let buffer):
                    answer.body.append(contentsOf: buffer.readableBytesView)
                    guard answer.body.count <= answerLimit else {
                        throw ProgramError(
                            .unavailable, "The server's answer is longer than 512 MB: ask for less.")
                    }
                case .end: return answer
                }
            }
        } catch is IOError {
            // Told below: the connection ended, in one way or another.
        } catch HTTPParserError.invalidEOFState {
            // The same.
        } catch is HTTPParserError where answer.status == 0 {
            throw ProgramError(.unavailable, "What answers there is no marginalia server: check --url.")
        }
        if answer.status == 0 { throw closed }
        let expected = answer.header("content-length").map { " of \($0)" } ?? ""
        throw ProgramError(
            .unavailable,
            "The server broke off its answer after \(answer.body.count)\(expected) bytes: try again.")
    }
}

extension [(name: String, value: String)] {
    /// The first value of a header, by its name in lower case; nil where there is none.
    func first(named name: String) -> String? { first { $0.name.lowercased() == name }?.value }
}
