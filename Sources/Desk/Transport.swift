import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Venue

/// Carries requests to venues and answers back, whatever they mean.
public struct Transport: Sendable {
    /// Sends a request to a base URL and gives the answer, read whole, within so many milliseconds: those of
    /// connecting, of the head and of every byte of the body together.
    ///
    /// Throws `unavailable` where none comes, or not all of one.
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

    /// Runs something over HTTP connections, which are closed after it. Redirects are not followed: a signed
    /// request goes to the address that was configured, and nowhere else.
    public static func overHTTP<Result: Sendable>(
        clock: Clock = .real, _ body: (Transport) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: Exchange.connectLimit),
            decompression: .disabled)
        // A refused connection is an answer to the desk: it decides itself whether to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let transport = Transport { (request, base, within) async throws(ReadingError) in
            try await Exchange(request, at: base, within: within).run(client, clock)
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
}

/// One request and its answer, as far as that has come.
private final class Exchange: Sendable {
    static let connectLimit = TimeAmount.seconds(5)
    /// The largest answer that is read.
    private static let answerLimit = 64 << 20

    /// How much of the answer is here.
    private struct Progress {
        var hasHead = false
        var bytes = 0
        /// What the head says; nil where it says nothing.
        var expected: Int?

        /// Such as `12 of 4096 bytes`.
        var text: String { expected.map { "\(bytes) of \($0) bytes" } ?? "\(bytes) bytes" }
    }

    private let request: OutgoingRequest
    private let base: String
    private let within: Int64
    private let progress = Mutex(Progress())

    init(_ request: OutgoingRequest, at base: String, within: Int64) {
        self.request = request
        self.base = base
        self.within = within
    }

    /// The library's own deadline ends with the answer's head, so that this one is a task beside the reading.
    func run(_ client: HTTPClient, _ clock: Clock) async throws(ReadingError) -> IncomingAnswer {
        let outcome = await withTaskGroup(of: Result<IncomingAnswer, ReadingError>.self) { group in
            group.addTask { await self.answer(client, clock) }
            group.addTask {
                let isOver = (try? await Task.sleep(for: .milliseconds(self.within))) != nil
                return .failure(isOver ? self.tooLate : Self.calledOff)
            }
            defer { group.cancelAll() }
            return await group.next()
        }
        return try (outcome ?? .failure(Self.calledOff)).get()
    }

    private func answer(_ client: HTTPClient, _ clock: Clock) async -> Result<IncomingAnswer, ReadingError> {
        var outgoing = HTTPClientRequest(url: base + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        outgoing.headers.replaceOrAdd(name: "User-Agent", value: "marginalia")
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        do {
            let answer = try await client.execute(outgoing, deadline: .distantFuture)
            let headers = answer.headers
            progress.withLock {
                $0.hasHead = true
                $0.expected = headers.first(name: "content-length").flatMap { Int($0) }
            }
            var body: [UInt8] = []
            for try await part in answer.body {
                guard body.count + part.readableBytes <= Self.answerLimit else {
                    return .failure(
                        ReadingError(.unreadable, "\(base) answers more than 64 MB; check base_url."))
                }
                body += part.readableBytesView
                progress.withLock { [count = body.count] in $0.bytes = count }
            }
            return .success(
                IncomingAnswer(status: Int(answer.status.code), body: body, takenAt: clock.now()) {
                    headers[$0].first
                })
        } catch {
            return .failure(failure(error))
        }
    }

    // MARK: - What went wrong, in our own words: a library's could repeat headers or the query

    private static let calledOff = ReadingError(
        .unavailable, "The reading was called off; start it again.")

    private var tooLate: ReadingError {
        let progress = progress.withLock { $0 }
        let what =
            progress.hasHead
            ? "\(base) does not send its whole answer within \(within) ms, but \(progress.text)"
            : "\(base) does not answer within \(within) ms"
        return ReadingError(.unavailable, "\(what); try again, or give timeouts.call more.")
    }

    private func failure(_ error: any Error) -> ReadingError {
        if error is CancellationError { return Self.calledOff }
        let progress = progress.withLock { $0 }
        if progress.hasHead {
            return ReadingError(
                .unavailable, "\(base) broke off its answer after \(progress.text); try again.")
        }
        if let error = error as? HTTPClientError {
            switch error {
            case .invalidURL, .emptyHost, .emptyScheme:
                return ReadingError(.configuration, "\(base) is no address; mend base_url.")
            case .connectTimeout:
                return ReadingError(
                    .unavailable,
                    "\(base) takes no connection within \(Self.connectLimit.nanoseconds / 1_000_000_000) s; "
                        + "check the network, and base_url in the configuration.")
            case .tlsHandshakeTimeout: return noTLS
            case .remoteConnectionClosed: return closed
            default: break
            }
        }
        if let error = error as? NIOConnectionError {
            // Where no address was tried, none was found for the name.
            guard let first = error.connectionErrors.first?.error else {
                return ReadingError(
                    .unavailable,
                    "The host of \(base) is not found; check base_url, and this machine's name service.")
            }
            return connecting(first)
        }
        return connecting(error)
    }

    private func connecting(_ error: any Error) -> ReadingError {
        switch error {
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return ReadingError(
                .unavailable, "\(base) refuses connections: nothing listens there; check base_url.")
        case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode): return closed
        case HTTPParserError.invalidEOFState: return closed
        case is HTTPParserError:
            return ReadingError(
                .unavailable, "\(base) answers with something that is no HTTP; check base_url.")
        // The library of these is not one that the desk names, so that its name stands here as a text.
        case _ where String(reflecting: type(of: error)).hasPrefix("NIOSSL."): return noTLS
        default:
            return ReadingError(
                .unavailable,
                "\(base) cannot be reached; check the network, and base_url in the configuration.")
        }
    }

    private var closed: ReadingError {
        ReadingError(.unavailable, "\(base) closed the connection before it answered; try again.")
    }

    private var noTLS: ReadingError {
        ReadingError(
            .unavailable,
            "\(base) cannot be talked to over TLS: its certificate is not trusted, or it speaks something "
                + "else; check base_url, and this machine's certificates and clock.")
    }
}
