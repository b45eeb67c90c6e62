import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Venue

/// Carries requests to venues and answers back, whatever they mean.
public struct Transport: Sendable {
    /// Sends a request to a base URL and gives the answer, read whole, within so many milliseconds.
    ///
    /// Throws `unavailable` where none comes.
    public let send:
        @Sendable (_ request: OutgoingRequest, _ base: String, _ within: Int64) async throws(ReadingError)
            -> IncomingAnswer

    public init(
        send:
            @escaping @Sendable (
                _ request: OutgoingRequest, _ base: String, _ within: Int64
            ) async throws(ReadingError) -> IncomingAnswer
    ) {
        self.send = send
    }

    /// The largest answer that is read.
    private static let answerLimit = 64 << 20

    /// Runs something over HTTP connections, which are closed after it. Redirects are not followed: a signed
    /// request goes to the address that was configured, and nowhere else.
    public static func overHTTP<Result: Sendable>(
        clock: Clock = .real, _ body: (Transport) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)),
            decompression: .disabled)
        // A refused connection is an answer to the desk: it decides itself whether to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let transport = Transport { (request, base, within) async throws(ReadingError) in
            try await exchange(request, at: base, within: within, client, clock)
        }
        do {
            let result = try await body(transport)
            try await client.shutdown()
            return result
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    private static func exchange(
        _ request: OutgoingRequest, at base: String, within: Int64, _ client: HTTPClient, _ clock: Clock
    ) async throws(ReadingError) -> IncomingAnswer {
        var outgoing = HTTPClientRequest(url: base + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        outgoing.headers.replaceOrAdd(name: "User-Agent", value: "marginalia")
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        do {
            let answer = try await client.execute(outgoing, deadline: .now() + .milliseconds(within))
            let body = try await answer.body.collect(upTo: answerLimit)
            let headers = answer.headers
            return IncomingAnswer(
                status: Int(answer.status.code), body: Array(body.readableBytesView), takenAt: clock.now()
            ) { headers[$0].first }
        } catch {
            throw failure(error, base: base, within: within)
        }
    }

    /// What went wrong, in our own words: a library's could repeat headers or the query.
    private static func failure(_ error: any Error, base: String, within: Int64) -> ReadingError {
        if error is CancellationError {
            return ReadingError(.unavailable, "The reading was called off; start it again.")
        }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout, .getConnectionFromPoolTimeout,
                .writeTimeout, .tlsHandshakeTimeout:
                return ReadingError(
                    .unavailable,
                    "\(base) does not answer within \(within) ms; try again, or give timeouts.call more.")
            case .invalidURL, .emptyHost, .emptyScheme:
                return ReadingError(.configuration, "\(base) is no address; mend base_url.")
            case .remoteConnectionClosed:
                return ReadingError(
                    .unavailable, "\(base) closed the connection before it answered; try again.")
            default: break
            }
        }
        if error is NIOTooManyBytesError {
            return ReadingError(.unreadable, "\(base) answers more than 64 MB; check base_url.")
        }
        return ReadingError(
            .unavailable, "\(base) cannot be reached; check the network, and base_url in the configuration.")
    }
}
