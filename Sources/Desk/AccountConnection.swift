import Venue

/// One account's way to its venue: signs, keeps the venue's time and its token, waits where the venue says
/// so, and tries again where that helps.
///
/// It outlives one reading, so that a desk that watches does not ask for a token every time.
public actor AccountConnection {
    let entry: AccountEntry
    let reader: any VenueClient
    private let credentials: Credentials
    private let transport: Transport
    private let rateLimiter: RequestRateLimiter
    private let retryPolicy: RetryPolicy
    private let clock: Clock
    /// The venue's clock less this machine's, in milliseconds.
    private var clockDifference: Int64 = 0
    private var token: (text: String, expires: Int64)?
    /// The venue's own identifier of the account that earlier answers were about.
    var knownIdentifier: String?

    /// A token that ends sooner than this, in milliseconds, is not used any more.
    private static let tokenReserve: Int64 = 60_000
    /// The pause, in milliseconds, where a venue is over its limit and does not say for how long.
    private static let limitPause: Int64 = 2000

    init(
        entry: AccountEntry, reader: any VenueClient, credentials: Credentials, transport: Transport,
        rateLimiter: RequestRateLimiter, retryPolicy: RetryPolicy, clock: Clock
    ) {
        self.entry = entry
        self.reader = reader
        self.credentials = credentials
        self.transport = transport
        self.rateLimiter = rateLimiter
        self.retryPolicy = retryPolicy
        self.clock = clock
    }

    /// The answer to a call, as soon as there is one that is a success.
    ///
    /// Throws what the venue's refusal means, or `unavailable` when the retry policy or the time before
    /// `deadline` (real time in milliseconds) is at its end.
    func answer(to call: VenueCall, before deadline: Int64) async throws(ReadingError) -> RecordedBody {
        let answer = try await successful(call, before: deadline)
        return RecordedBody(call: call.name, bytes: answer.body, takenAt: answer.takenAt)
    }

    // MARK: - Trying

    /// What may be mended once in one call: a second time it would not help.
    private struct Mended {
        var time = false
        var token = false
    }

    private func successful(
        _ call: VenueCall, before deadline: Int64
    ) async throws(ReadingError) -> IncomingAnswer {
        var mended = Mended()
        var failed = 0
        while true {
            let problem: ReadingError
            var pause: Int64?
            let token = call.purpose == .account ? try await currentToken(before: deadline) : nil
            do throws(ReadingError) {
                let answer = try await sent(call, token: token, before: deadline)
                switch reader.verdict(on: answer, to: call) {
                case .success: return answer
                case .wrongTime:
                    try await mendTime(&mended, after: answer, before: deadline)
                    continue
                case .tokenExpired:
                    try mendToken(&mended)
                    continue
                case .rateLimited(let retryAfter):
                    problem = ReadingError(.rateLimited, "The venue is over its limit; ask less often.")
                    pause = retryAfter ?? max(Self.limitPause, nextPause(after: failed + 1))
                    await rateLimiter.hold(caller(of: call), pace: pace, until: clock.now() + (pause ?? 0))
                case .temporary(let error): problem = error
                case .refused(let error): throw error
                }
            } catch {
                guard error.kind == .unavailable, error.isWorthAnotherTry else { throw error }
                problem = error
            }
            failed += 1
            let wait = pause ?? nextPause(after: failed)
            guard failed < retryPolicy.attempts, clock.now() + wait < deadline else {
                throw problem.after(failed, wait: pause)
            }
            try await clock.pause(wait)
        }
    }

    private func nextPause(after failed: Int) -> Int64 {
        retryPolicy.pause(afterFailed: failed, chance: Int.random(in: 0...1023))
    }

    private func sent(
        _ call: VenueCall, token: String?, before deadline: Int64
    ) async throws(ReadingError) -> IncomingAnswer {
        try await rateLimiter.admit(caller(of: call), weight: call.weight, pace: pace, before: deadline)
        let now = clock.now()
        guard now < deadline else { throw ReadingError.outOfTime }
        var request = try reader.request(
            for: call, credentials: credentials, token: token, at: now + clockDifference)
        if entry.isDemoTrading, let header = type(of: reader).demoTradingHeader {
            request.headers.append(header)
        }
        let answer = try await transport.send(request, base(of: call), min(retryPolicy.call, deadline - now))
        if let header = pace.usedHeader, let used = answer.header(header).flatMap({ Int($0) }) {
            await rateLimiter.learn(caller(of: call), pace: pace, used: used)
        }
        return answer
    }

    private var pace: RequestPace { type(of: reader).pace }

    private func base(of call: VenueCall) -> String {
        entry.baseURL ?? type(of: reader).baseURL(of: call)
    }

    /// Whom the venue counts a call by.
    private func caller(of call: VenueCall) -> String {
        switch pace.caller {
        case .address: base(of: call)
        case .key: "\(base(of: call)) \(credentials.apiKey)"
        }
    }

    // MARK: - Time and token

    private func mendTime(
        _ mended: inout Mended, after refusal: IncomingAnswer, before deadline: Int64
    ) async throws(ReadingError) {
        guard !mended.time else { throw .wrongClock }
        mended.time = true
        guard let call = type(of: reader).calls.first(where: { $0.purpose == .time }) else {
            // A venue without a call for its time may say it in every answer.
            guard let time = reader.venueTime(in: refusal) else { throw .wrongClock }
            clockDifference = time - refusal.takenAt
            return
        }
        let asked = clock.now()
        let answer = try await sent(call, token: nil, before: deadline)
        guard let time = reader.venueTime(in: answer) else { throw .wrongClock }
        // The venue looked at its clock somewhere between question and answer: the middle is least wrong.
        clockDifference = time - (asked + (answer.takenAt - asked) / 2)
    }

    private func mendToken(_ mended: inout Mended) throws(ReadingError) {
        guard !mended.token else {
            throw ReadingError(
                .authentication,
                "The venue refuses a token that it has just given; check what the key may do.")
        }
        mended.token = true
        token = nil
    }

    /// A token that will last for a call; nil at venues without tokens.
    private func currentToken(before deadline: Int64) async throws(ReadingError) -> String? {
        guard let call = type(of: reader).calls.first(where: { $0.purpose == .token }) else { return nil }
        if let token, token.expires - Self.tokenReserve > clock.now() { return token.text }
        let answer = try await successful(call, before: deadline)
        guard let new = reader.token(in: answer) else {
            throw ReadingError(.unreadable, "The venue's answer holds no token; check base_url.")
        }
        token = new
        return new.text
    }
}

extension ReadingError {
    static let outOfTime = ReadingError(
        .unavailable, "The time for reading all accounts is at its end; give timeouts.whole more.")

    static let wrongClock = ReadingError(
        .refused, "The venue finds the request's time wrong; set this machine's clock, by NTP for instance.")

    /// Whether nothing came back, so that the same may be sent again.
    var isWorthAnotherTry: Bool { self != .outOfTime }

    /// The same after so many failed attempts, with what the venue said about waiting.
    fileprivate func after(_ failed: Int, wait: Int64?) -> ReadingError {
        var text = description
        if let wait { text += " The next try is of use in \((wait + 999) / 1000) s." }
        if failed > 1 { text += " It was tried \(failed) times." }
        return ReadingError(kind, text, code: code)
    }
}
