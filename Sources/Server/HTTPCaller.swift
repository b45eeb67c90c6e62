import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix

/// Makes single HTTP calls, for the command line's talk with a server.
struct HTTPCaller: Sendable {
    private let host: String
    private let port: Int

    /// The largest answer that is read.
    private static let answerLimit = 512 << 20

    /// A server's URL, such as `http://127.0.0.1:8080`.
    init(url: String) throws(ProgramError) {
        let parts = URLComponents(string: url)
        if parts?.scheme == "https" {
            throw ProgramError(
                .usage, "The command line speaks plain http only: give the server's own address in --url.")
        }
        guard let parts, parts.scheme == "http", let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/"
        else {
            throw ProgramError(.usage, "The URL \"\(url)\" cannot be used: give one such as http://127.0.0.1:8080.")
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? 80
    }

    /// Makes a call and gives the status and the body.
    func call(
        _ method: String, _ path: String, token: String, body: [UInt8]?
    ) async throws(ProgramError) -> (status: Int, body: [UInt8]) {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                            wrappingChannelSynchronously: channel)
                    }
                }
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(contentsOf: Self.parts(
                    method, path, host: host, token: token, body: body))
                return try await Self.read(inbound)
            }
        } catch let error as ProgramError {
            throw error
        } catch {
            throw ProgramError(
                .unavailable, "No server answers at http://\(host):\(port): start one with marginalia serve, or give --url.")
        }
    }

    private static func parts(
        _ method: String, _ path: String, host: String, token: String, body: [UInt8]?
    ) -> [HTTPClientRequestPart] {
        var headers = NIOHTTP1.HTTPHeaders([
            ("Host", host), ("Authorization", "Bearer \(token)"), ("Connection", "close"),
            ("Accept", "application/json"),
        ])
        if let body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: .init(rawValue: method), uri: path, headers: headers)
        var parts = [HTTPClientRequestPart.head(head)]
        if let body { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        return parts + [.end(nil)]
    }

    private static func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>
    ) async throws -> (status: Int, body: [UInt8]) {
        var status = 0
        var bytes: [UInt8] = []
        for try await part in inbound {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(let buffer):
                bytes.append(contentsOf: buffer.readableBytesView)
                guard bytes.count <= answerLimit else {
                    throw ProgramError(.unavailable, "The server's answer is longer than 512 MB: ask for less.")
                }
            case .end: return (status, bytes)
            }
        }
        throw ProgramError(.unavailable, "The server closed the connection before it had answered: try again.")
    }
}
