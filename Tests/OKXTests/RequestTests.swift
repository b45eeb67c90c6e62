import JSON
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite("Requests")
struct RequestTests {
    private static let credentials = Credentials(
        apiKey: "37c541a1-0000-0000-0000-000000000000", secret: "22582BD0CFF14C41EDBF1AB98506286D",
        passphrase: "phrase")
    private static let balance = OKXVenue.calls[1]

    private func venue() throws -> OKXVenue { try OKXVenue(addedRulebooks: [], profile: .documented) }

    private func deskWorld(enforcesRateLimits: Bool = true) throws -> TestWorld<OKXVenue> {
        let world = try world(enforcesRateLimits: enforcesRateLimits)
        try world.open("desk")
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"10""#))
        let held = Self.credentials
        world.addKey(
            account: "desk", apiKey: held.apiKey, secret: held.secret, passphrase: held.passphrase,
            permissions: [.read, .withdraw])
        return world
    }

    /// By the venue's documents.
    @Test(
        "A computed vector, as a whole request",
        arguments: [
            ("balance", "/api/v5/account/balance", "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="),
            ("config", "/api/v5/account/config", "Kr/8IrbDYujS4cg2KkmB+tO2HMUXxyayG6ZwNb4H/yA="),
        ])
    func vector(_ name: String, _ target: String, _ signature: String) throws {
        let call = try #require(OKXVenue.calls.first { $0.name == name })
        // 2020-12-08T09:08:57.715Z
        let request = try venue().request(
            for: call, credentials: Self.credentials, token: nil, at: 1_607_418_537_715)
        #expect(request.method == "GET" && request.target == target && request.body.isEmpty)
        #expect(
            request.headers.map(\.name) == [
                "OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE",
            ])
        #expect(
            request.headers.map(\.value) == [
                Self.credentials.apiKey, signature, "2020-12-08T09:08:57.715Z", "phrase",
            ])
    }

    @Test("Our own venue accepts every call, and says its time and what the key may do")
    func accepted() async throws {
        let world = try deskWorld()
        #expect(OKXVenue.calls.map(\.name) == ["time", "balance", "positions", "config", "open-orders"])
        var bodies: [RecordedBody] = []
        for call in OKXVenue.calls {
            let request = try world.model.request(
                for: call, credentials: Self.credentials, token: nil, at: world.realTime())
            #expect((call.purpose == .time) == request.headers.isEmpty)
            let answer = await world.answer(to: request)
            #expect(answer.status == 200, "\(call.name)")
            #expect(world.model.verdict(on: answer, to: call) == .success, "\(call.name)")
            #expect(
                world.model.venueTime(in: answer) == (call.purpose == .time ? world.realTime() : nil),
                "\(call.name)")
            bodies.append(RecordedBody(call: call.name, bytes: answer.body, takenAt: answer.takenAt))
        }
        #expect(world.model.permissions(in: bodies) == [.read, .withdraw])
        #expect(world.model.permissions(in: []) == nil)
        #expect(OKXVenue.calls.filter { $0.role == .permissions }.map(\.name) == ["config"])
    }

    @Test(
        "What a key may do is known only where every word of it is",
        arguments: [
            (#""read_only""#, "read"), (#""read_only,trade""#, "read trade"), (#""withdraw""#, "withdraw"),
            (#""""#, "unknown"), (#""read_only,""#, "unknown"), (#""read_only,loan""#, "unknown"),
            ("null", "unknown"), ("1", "unknown"),
        ])
    func permissionWords(_ words: String, _ expected: String) throws {
        let body = recordedBody("config", #"{"code":"0","data":[{"perm":\#(words)}]}"#)
        let known = try world().model.permissions(in: [body])?.map(\.rawValue).sorted()
        #expect(known?.joined(separator: " ") ?? "unknown" == expected)
        #expect(OKXVenue.demoTradingHeader?.name == "x-simulated-trading")
        #expect(OKXVenue.demoTradingHeader?.value == "1")
    }

    @Test("Our own venue's refusals are understood")
    func refusals() async throws {
        let world = try deskWorld()
        func verdict(_ change: (Credentials) -> Credentials, at time: Int64) async throws -> String {
            let request = try world.model.request(
                for: Self.balance, credentials: change(Self.credentials), token: nil, at: time)
            return kind(world.model.verdict(on: await world.answer(to: request), to: Self.balance))
        }
        let now = world.realTime()
        #expect(try await verdict({ $0 }, at: now + 30_001) == "wrong time")
        #expect(
            try await verdict(
                { Credentials(apiKey: $0.apiKey, secret: "another", passphrase: "phrase") }, at: now)
                == "refused authentication")
        #expect(
            try await verdict(
                { Credentials(apiKey: $0.apiKey, secret: $0.secret, passphrase: "no") }, at: now)
                == "refused authentication")
        for _ in 0..<10 { #expect(try await verdict({ $0 }, at: now) == "success") }
        #expect(try await verdict({ $0 }, at: now) == "rate limited ")
    }

    private func kind(_ verdict: AnswerVerdict) -> String {
        switch verdict {
        case .success: "success"
        case .wrongTime: "wrong time"
        case .tokenExpired: "token expired"
        case .rateLimited(let wait): "rate limited \(wait.map { "\($0)" } ?? "")"
        case .temporary(let error): "temporary \(error.kind.rawValue)"
        case .refused(let error): "refused \(error.kind.rawValue)"
        }
    }

    /// Every row of the table.
    @Test(
        "A code",
        arguments: [
            ("0", "success"), ("50103", "refused authentication"), ("50106", "refused authentication"),
            ("50107", "refused authentication"), ("50104", "refused authentication"),
            ("50111", "refused authentication"), ("50119", "refused authentication"),
            ("50101", "refused authentication"), ("50112", "refused refused"), ("50102", "wrong time"),
            ("50105", "refused authentication"), ("50113", "refused authentication"),
            ("50110", "refused permission"), ("50035", "refused permission"),
            ("50114", "refused authentication"), ("50120", "refused permission"),
            ("50030", "refused permission"), ("50100", "refused permission"), ("50115", "refused refused"),
            ("50011", "rate limited 2000"), ("50013", "temporary unavailable"),
            ("50061", "rate limited 2000"), ("50014", "refused refused"), ("50025", "refused refused"),
            ("51000", "refused refused"), ("50000", "refused refused"), ("50002", "refused refused"),
            ("50006", "refused refused"), ("50001", "temporary unavailable"),
            ("50026", "temporary unavailable"), ("50004", "temporary unavailable"),
            ("50005", "refused refused"), ("50038", "refused configuration"),
            ("50053", "refused configuration"), ("99999", "refused refused"),
        ])
    func code(_ code: String, _ expected: String) throws {
        for body in [
            #"{"msg":"S3CRET","code":"\#(code)"}"#, #"{"code":\#(code),"data":[],"msg":"S3CRET"}"#,
        ] {
            for status in [200, 400, 401, 429, 503] {
                let answer = IncomingAnswer(status: status, body: Array(body.utf8), takenAt: 0) {
                    $0 == "retry-after" ? "2" : nil
                }
                let verdict = try venue().verdict(on: answer, to: Self.balance)
                #expect(kind(verdict) == expected)
                if case .refused(let error) = verdict {
                    #expect(error.code == code)
                    #expect(error.description.hasSuffix(".") && !error.description.contains("S3CRET"))
                }
            }
        }
    }

    @Test(
        "An answer without a code",
        arguments: [
            (401, "<html>", "refused authentication"), (403, "", "refused permission"),
            (429, "{}", "rate limited "), (503, "<html>", "temporary unavailable"),
            (200, "", "refused unreadable"), (200, "[]", "refused unreadable"),
            (302, "", "refused configuration"), (404, "<html>", "refused refused"),
        ])
    func status(_ status: Int, _ body: String, _ expected: String) throws {
        let answer = IncomingAnswer(status: status, body: Array(body.utf8), takenAt: 0)
        #expect(try kind(venue().verdict(on: answer, to: Self.balance)) == expected)
    }

    @Test("What cannot be asked is a fault of the desk's own, without its secret")
    func faults() throws {
        let venue = try venue()
        func error(_ name: String, _ held: Credentials, _ time: Int64) throws -> ReadingError {
            try #require(throws: ReadingError.self) {
                _ = try venue.request(for: VenueCall(name, .account), credentials: held, token: nil, at: time)
            }
        }
        for error in [
            try error("user-balance", Self.credentials, 0),
            try error("balance", Credentials(apiKey: "", secret: "hidden", passphrase: "p"), 0),
            try error("balance", Credentials(apiKey: "k", secret: "", passphrase: "p"), 0),
            try error("balance", Credentials(apiKey: "k", secret: "hidden", passphrase: nil), 0),
            try error("balance", Credentials(apiKey: "k\r\nX: 1", secret: "hidden", passphrase: "p"), 0),
            try error("balance", Self.credentials, -1), try error("balance", Self.credentials, .max),
        ] {
            #expect(error.kind == .configuration)
            #expect(!error.description.contains("hidden") && !error.description.contains("22582"))
        }
        let open = try venue.request(
            for: OKXVenue.calls[0], credentials: Credentials(apiKey: "", secret: "", passphrase: nil),
            token: nil, at: 0)
        #expect(open.target == "/api/v5/public/time")
    }
}
