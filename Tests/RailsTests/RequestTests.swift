import JSON
import Testing
import Venue
import VenueTestSupport

@testable import Rails

@Suite("Requests")
struct RequestTests {
    private static let credentials = Credentials(apiKey: "desk-key", secret: "desk-secret", passphrase: nil)

    private func call(_ name: String) throws -> VenueCall {
        try #require(RailsVenue.calls.first { $0.name == name })
    }

    private func venue() throws -> RailsVenue { try RailsVenue(addedRulebooks: [], profile: .documented) }

    @Test func requestsAsDocumented() throws {
        func request(_ name: String) throws -> OutgoingRequest {
            try venue().request(
                for: call(name), credentials: Self.credentials, token: "a.b.c", at: 1_780_272_000_000)
        }
        let token = try request("token")
        #expect(token.method == "POST" && token.target == "/api/v1/token" && token.body.isEmpty)
        #expect(token.headers.map(\.name) == ["X-Api-Key", "X-Api-Secret"])
        #expect(token.headers.map(\.value) == ["desk-key", "desk-secret"])
        let balances = try request("balances")
        #expect(balances.method == "GET" && balances.target == "/api/v1/balances" && balances.body.isEmpty)
        #expect(balances.headers.map(\.value) == ["Bearer a.b.c"])
        #expect(try request("market-data").headers.isEmpty)
    }

    /// Three hosts.
    @Test func hosts() throws {
        #expect(try RailsVenue.baseURL(of: call("token")) == "https://api-auth.trade.rails.xyz")
        #expect(try RailsVenue.baseURL(of: call("balances")) == "https://user-account.trade.rails.xyz")
        #expect(try RailsVenue.baseURL(of: call("open-orders")) == RailsVenue.defaultBaseURL)
        #expect(try RailsVenue.baseURL(of: call("market-data")) == "https://market-data.trade.rails.xyz")
    }

    @Test(arguments: WireProfile.allCases)
    func ourOwnVenueAnswersEveryCall(profile: WireProfile) async throws {
        let world = try railsWorld(profile, commands: [desk("deposit", #""asset":"USD","amount":"10""#)])
        #expect(
            RailsVenue.calls.map(\.name) == [
                "token", "balances", "positions", "open-orders", "market-data", "completed-orders",
                "fundings",
            ])
        var token: String?
        for call in RailsVenue.calls {
            let request = try world.model.request(
                for: call, credentials: Self.credentials, token: token, at: world.realTime())
            let answer = await world.answer(to: request)
            #expect(answer.status == 200, "\(call.name)")
            #expect(world.model.verdict(on: answer, to: call) == .success, "\(call.name)")
            if call.purpose != .token { continue }
            let made = try #require(world.model.token(in: answer))
            #expect(made.expires == world.realTime() + 1_800_000)
            token = made.text
        }
    }

    @Test func refusalsOfOurOwnVenue() async throws {
        let world = try railsWorld()
        func verdict(
            _ name: String, secret: String = "desk-secret", token: String
        ) async throws
            -> AnswerVerdict
        {
            let call = try call(name)
            let request = try world.model.request(
                for: call, credentials: Credentials(apiKey: "desk-key", secret: secret, passphrase: nil),
                token: token, at: world.realTime())
            return world.model.verdict(on: await world.answer(to: request), to: call)
        }
        let token = try await world.token()
        #expect(try await verdict("balances", token: token) == .success)
        world.setRealTime(world.realTime() + 1_800_000)
        #expect(try await verdict("balances", token: token) == .tokenExpired)
        #expect(try await kind(verdict("token", secret: "wrong", token: token)) == "refused authentication")
        for _ in 1...19 { _ = try await verdict("token", token: token) }
        #expect(try await verdict("token", token: token) == .rateLimited(retryAfter: nil))
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

    /// By the venue's documents.
    @Test(arguments: [
        (200, "balances", "{}", "success"), (200, "market-data", "[]", "success"),
        (200, "balances", "<html>", "refused unreadable"), (401, "balances", "", "token expired"),
        (401, "token", "", "refused authentication"), (401, "market-data", "", "refused authentication"),
        (403, "balances", "", "refused permission"), (429, "token", "", "rate limited 3000"),
        (404, "positions", "", "refused refused"), (400, "balances", "", "refused refused"),
        (500, "balances", "", "temporary unavailable"), (504, "token", "<html>", "temporary unavailable"),
        (301, "balances", "", "refused configuration"),
    ])
    func statuses(status: Int, name: String, body: String, expected: String) throws {
        // A gateway may repeat a header in its message.
        let text = body.isEmpty ? #"{"message":"bad header Bearer S3CRET"}"# : body
        let answer = IncomingAnswer(status: status, body: Array(text.utf8), takenAt: 0) {
            $0 == "retry-after" ? "3" : nil
        }
        let verdict = try venue().verdict(on: answer, to: call(name))
        #expect(kind(verdict) == expected)
        #expect(!"\(verdict)".contains("S3CRET"))
    }

    @Test func tokens() throws {
        let venue = try venue()
        func token(_ body: String) -> (text: String, expires: Int64)? {
            venue.token(in: IncomingAnswer(status: 200, body: Array(body.utf8), takenAt: 5000))
        }
        #expect(token(#"{"access_token":"t","expires_in":60}"#)?.expires == 65_000)
        #expect(token(#"{"access_token":"t","expires_in":"60"}"#)?.expires == 65_000)
        #expect(token(#"{"access_token":"t"}"#)?.expires == 1_805_000)
        #expect(token(#"{"access_token":"t","expires_in":9223372036854775807}"#)?.text == "t")
        for body in ["", "{}", #"{"access_token":""}"#, #"{"access_token":5}"#] {
            #expect(token(body) == nil)
        }
        #expect(venue.venueTime(in: IncomingAnswer(status: 200, body: [], takenAt: 0)) == nil)
        #expect(venue.permissions(in: []) == nil)
    }

    @Test func faultsOfTheDesk() throws {
        let venue = try venue()
        func error(
            _ name: String, key: String = "key", secret: String = "hidden", token: String? = nil
        ) throws -> ReadingError {
            try #require(throws: ReadingError.self) {
                _ = try venue.request(
                    for: VenueCall(name, .account),
                    credentials: Credentials(apiKey: key, secret: secret, passphrase: nil), token: token,
                    at: 0)
            }
        }
        for error in [
            try error("balance"), try error("balances"), try error("balances", token: "hidden\r\nX: 1"),
            try error("token", key: ""), try error("token", secret: "hidden\n"),
            try error("token", key: "ké"),
        ] {
            #expect(error.kind == .configuration)
            #expect(!error.description.contains("hidden"))
        }
    }
}
