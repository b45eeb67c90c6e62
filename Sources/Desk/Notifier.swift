import Foundation
import JSON
import Venue

/// Tells events to commands, webhooks and chats.
public struct Notifier: Sendable {
    /// A target with its secret at hand.
    private struct Ready: Sendable {
        let target: NoticeTarget
        let secret: String
    }

    private let targets: [Ready]
    private let transport: Transport
    private let retryPolicy: RetryPolicy
    private let clock: Clock

    /// Finds the targets' secrets. Throws where one is missing.
    public init(
        _ plan: WatchPlan, secrets: Secrets, transport: Transport, retryPolicy: RetryPolicy,
        clock: Clock = .real
    ) throws(ConfigurationError) {
        var ready: [Ready] = []
        for target in plan.notices {
            do throws(ConfigurationError) {
                ready.append(Ready(target: target, secret: try target.secret.map(secrets.text) ?? ""))
            } catch {
                throw ConfigurationError(
                    error.kind, "The secret of \(target.name) cannot be had: \(error.message)")
            }
        }
        targets = ready
        self.transport = transport
        self.retryPolicy = retryPolicy
        self.clock = clock
    }

    /// Tells an event to every target, and gives a sentence for each that could not be told.
    public func tell(_ event: AlertEvent) async -> [String] {
        var problems: [String] = []
        for ready in targets {
            do throws(ReadingError) {
                switch ready.target {
                case .command(let command): try await run(command, event)
                case .webhook(let url, _): try await post(event, to: url, secret: ready.secret)
                case .telegram(let base, _, let chat):
                    try await send(event, base: base, token: ready.secret, chat: chat)
                }
            } catch {
                problems.append(
                    "The alert \(event.reading.rule.name) was not told to \(ready.target.name): "
                        + error.description)
            }
        }
        return problems
    }

    // MARK: - Webhooks

    /// The headers that let a webhook's receiver know who sent a body: HMAC-SHA256, in hexadecimal, over the
    /// moment, a full stop and the body. The delivery stays the same when it is sent again.
    static func signature(
        of body: [UInt8], secret: String, at moment: Int64, delivery: String
    ) -> [(name: String, value: String)] {
        var headers = [
            (name: "Content-Type", value: "application/json"),
            (name: "X-Marginalia-Delivery", value: delivery),
            (name: "X-Marginalia-Timestamp", value: String(moment)),
        ]
        if !secret.isEmpty {
            let digest = RequestSigner(secret: secret).sign(Array("\(moment).".utf8), body)
            headers.append((name: "X-Marginalia-Signature", value: "sha256=" + hexText(digest)))
        }
        return headers
    }

    private func post(_ event: AlertEvent, to url: String, secret: String) async throws(ReadingError) {
        let body = Array(event.json.description.utf8)
        let delivery = UUID().uuidString
        try await insistently { () throws(ReadingError) in
            let headers = Self.signature(of: body, secret: secret, at: clock.now(), delivery: delivery)
            return try await transport.send(
                OutgoingRequest(method: "POST", target: "", headers: headers, body: body), url,
                retryPolicy.call)
        }
    }

    private func send(
        _ event: AlertEvent, base: String, token: String, chat: String
    ) async throws(ReadingError) {
        let mark = event.change == .raised ? "⚠" : "✓"
        let body = JSONValue.members([
            ("chat_id", .string(chat)), ("text", .string("\(mark) \(event.sentence)")),
        ])
        // The token is part of the path, so no address is named in what goes wrong.
        let request = OutgoingRequest(
            method: "POST", target: "/bot\(token)/sendMessage",
            headers: [("Content-Type", "application/json")], body: Array(body.description.utf8))
        try await insistently { () throws(ReadingError) in
            try await transport.send(request, base, retryPolicy.call)
        }
    }

    /// Sends until the answer is a success; again where the receiver is away, unwell or over its limit.
    private func insistently(
        _ attempt: () async throws(ReadingError) -> IncomingAnswer
    ) async throws(ReadingError) {
        var failed = 0
        while true {
            let problem: ReadingError
            var asked: Int64 = 0
            do throws(ReadingError) {
                let answer = try await attempt()
                if (200...299).contains(answer.status) { return }
                let isPassing = answer.status == 429 || answer.status == 408 || answer.status >= 500
                problem = ReadingError(
                    isPassing ? .unavailable : .refused,
                    "It answers HTTP \(answer.status); check the address and the secret.")
                asked = answer.retryAfter ?? 0
            } catch {
                problem = error
            }
            failed += 1
            guard problem.kind == .unavailable, failed < retryPolicy.attempts,
                asked <= retryPolicy.longestPause
            else { throw problem }
            try await clock.pause(
                max(asked, retryPolicy.pause(afterFailed: failed, chance: Int.random(in: 0...1023))))
        }
    }

    // MARK: - Commands

    /// The longest that a command may run, in milliseconds.
    private static let commandLimit: Int64 = 30_000

    private func run(_ command: AlertCommand, _ event: AlertEvent) async throws(ReadingError) {
        // What a command prints of it may end at a terminal.
        let status = await CommandRun(command: command, input: event.json.description.visible).end(
            within: Self.commandLimit)
        switch status {
        case .ended(0): return
        case .ended(let status):
            throw ReadingError(.refused, "It ended with status \(status).")
        case .notStarted:
            throw ReadingError(.configuration, "It cannot be started; check its path and mode.")
        case .tooLong:
            throw ReadingError(.unavailable, "It did not end within \(Self.commandLimit / 1000) s.")
        }
    }
}
