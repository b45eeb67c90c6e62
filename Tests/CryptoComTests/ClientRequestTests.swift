import JSON
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Requests of a client")
struct ClientRequestTests {
    private static let credentials = Credentials(apiKey: "token", secret: "secretKey", passphrase: nil)
    private static let balance = CryptoComVenue.calls[0]

    private func venue() throws -> CryptoComVenue {
        try CryptoComVenue(addedRulebooks: [], profile: .documented)
    }

    /// By the venue's documents.
    @Test(
        "A published vector, as a whole request",
        arguments: [
            (
                "private/user-balance", Int64(11),
                "c1a4f2cc3e9148d10859e5813ac8bd3d010ef67d80fcaf9e4de9a9777e03c6f5"
            ),
            (
                "private/get-subaccount-balances", 1,
                "adb004cc511b12bb603576007898606cbd3b5a970732a36f97b39553d189a53a"
            ),
        ])
    func vector(_ method: String, _ id: Int64, _ signature: String) {
        let request = Signing.request(method, id: id, Self.credentials, nonce: 1_611_022_832_613)
        #expect(request.method == "POST")
        #expect(request.target == "/exchange/v1/\(method)")
        #expect(request.headers.map(\.name) == ["Content-Type"])
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == #"{"id":\#(id),"method":"\#(method)","params":{},"api_key":"token","#
                + #""sig":"\#(signature)","nonce":1611022832613}"#)
    }

    @Test("Our own venue accepts every call", arguments: [WireProfile.documented, .live])
    func accepted(_ profile: WireProfile) async throws {
        let world = try makeWorld(profile, enforcesRateLimits: true, [deposit("USD", "10")])
        #expect(
            CryptoComVenue.calls.map(\.name) == [
                "user-balance", "subaccount-balances", "positions", "open-orders", "accounts",
            ])
        for call in CryptoComVenue.calls {
            let request = try world.model.request(
                for: call, credentials: Self.credentials, token: nil, at: world.realTime())
            let answer = await world.answer(to: request)
            #expect(answer.status == 200, "\(call.name)")
            #expect(world.model.verdict(on: answer, to: call) == .success, "\(call.name)")
        }
    }

    @Test("Our own venue's refusals are understood")
    func refusals() async throws {
        let world = try makeWorld(enforcesRateLimits: true)
        func verdict(_ secret: String, at time: Int64) async throws -> AnswerVerdict {
            let request = try world.model.request(
                for: Self.balance, credentials: Credentials(apiKey: "token", secret: secret, passphrase: nil),
                token: nil, at: time)
            return world.model.verdict(on: await world.answer(to: request), to: Self.balance)
        }
        let now = world.realTime()
        #expect(try await verdict("secretKey", at: now + 60_001) == .wrongTime)
        #expect(try await kind(verdict("another", at: now)) == "refused authentication")
        #expect(try await verdict("secretKey", at: now) == .success)
        #expect(try await verdict("secretKey", at: now) == .rateLimited(retryAfter: nil))
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

    /// Every row of the table, and the others met.
    @Test(
        "A code",
        arguments: [
            (0, "success"), (40001, "refused refused"), (40002, "refused refused"),
            (40003, "refused refused"), (40004, "refused refused"), (40005, "refused refused"),
            (40006, "temporary unavailable"), (40101, "refused authentication"), (40102, "wrong time"),
            (40103, "refused permission"), (40104, "refused permission"), (40107, "refused refused"),
            (40401, "refused refused"), (40801, "temporary unavailable"), (42901, "rate limited 2000"),
            (43012, "refused refused"), (50001, "temporary unavailable"), (202, "refused permission"),
            (401, "refused permission"), (406, "refused permission"), (407, "refused permission"),
            (408, "refused permission"), (409, "refused permission"), (410, "refused permission"),
            (411, "refused permission"), (412, "refused permission"), (604, "temporary unavailable"),
            (605, "temporary unavailable"), (613, "refused refused"), (140001, "refused permission"),
            (9_010_001, "temporary unavailable"), (10001, "temporary unavailable"),
            (10002, "refused authentication"), (10003, "refused permission"), (10004, "refused refused"),
            (10005, "refused permission"), (10006, "rate limited 2000"), (10007, "wrong time"),
        ])
    func code(_ code: Int, _ expected: String) throws {
        // Numbers live, strings in the newer documents.
        for text in ["\(code)", "\"\(code)\""] {
            let body = #"{"id":1,"method":"private/user-balance","code":\#(text),"message":"S3CRET"}"#
            let answer = IncomingAnswer(status: code == 0 ? 200 : 400, body: Array(body.utf8), takenAt: 0) {
                $0 == "retry-after" ? "2" : nil
            }
            let verdict = try venue().verdict(on: answer, to: Self.balance)
            #expect(kind(verdict) == expected)
            if code == 40101 {
                #expect(
                    try kind(venue().verdict(on: answer, to: CryptoComVenue.calls[1])) == "refused withheld"
                )
            }
            if case .refused(let error) = verdict {
                #expect(error.code == "\(code)")
                #expect(error.description.hasSuffix(".") && !error.description.contains("S3CRET"))
            }
        }
    }

    @Test(
        "An answer about sub-accounts without a list is none, so that it is not taken for one of none",
        arguments: [
            (#"{"code":0,"result":{"data":[]}}"#, "success"), (#"{"code":0}"#, "refused unreadable"),
            (#"{"code":0,"result":{}}"#, "refused unreadable"),
            (#"{"code":0,"result":{"data":null}}"#, "refused unreadable"),
            (#"{"code":"0","result":{"data":{}}}"#, "refused unreadable"),
        ])
    func subaccountsWithoutAList(_ body: String, _ expected: String) throws {
        let answer = IncomingAnswer(status: 200, body: Array(body.utf8), takenAt: 0)
        let call = try #require(CryptoComVenue.calls.first { $0.role == .subaccounts })
        #expect(call.name == "subaccount-balances")
        #expect(try kind(venue().verdict(on: answer, to: call)) == expected)
    }

    @Test(
        "An answer without a code",
        arguments: [
            (401, "<html>", "refused authentication"), (403, "", "refused permission"),
            (429, "{}", "rate limited "), (408, "", "temporary unavailable"),
            (503, "<html>", "temporary unavailable"), (200, "", "refused unreadable"),
            (200, "[]", "refused unreadable"), (302, "", "refused configuration"),
            (404, "<html>", "refused refused"),
            (
                401, #"{"code":40101,"message":"Authentication failure"}"#,
                "refused authentication"
            ),
        ])
    func status(_ status: Int, _ body: String, _ expected: String) throws {
        let answer = IncomingAnswer(status: status, body: Array(body.utf8), takenAt: 0)
        #expect(try kind(venue().verdict(on: answer, to: Self.balance)) == expected)
    }

    @Test("The Date header of any answer is the venue's clock")
    func clock() throws {
        let venue = try venue()
        func time(_ text: String?) -> Int64? {
            venue.venueTime(in: IncomingAnswer(status: 400, body: [], takenAt: 0) { _ in text })
        }
        #expect(time("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777_000)
        #expect(time(nil) == nil)
    }

    @Test("What cannot be asked is a fault of the desk's own, without its secret")
    func faults() throws {
        let venue = try venue()
        func error(_ name: String, _ key: String, _ secret: String, _ time: Int64) throws -> ReadingError {
            try #require(throws: ReadingError.self) {
                _ = try venue.request(
                    for: VenueCall(name, .account),
                    credentials: Credentials(apiKey: key, secret: secret, passphrase: nil), token: nil,
                    at: time)
            }
        }
        for error in [
            try error("balance", "key", "hidden", 0), try error("positions", "", "hidden", 0),
            try error("positions", "key", "", 0), try error("positions", "key", "hidden", -1),
        ] {
            #expect(error.kind == .configuration)
            #expect(!error.description.contains("hidden"))
        }
        #expect(venue.permissions(in: []) == nil)
    }
}
