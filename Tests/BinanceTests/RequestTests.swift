import JSON
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("Requests")
struct RequestTests {
    private static let credentials = Credentials(apiKey: deskKey, secret: deskSecret, passphrase: nil)
    private static let account = BinanceVenue.calls[1]
    /// The PKCS #8 form of an Ed25519 seed (RFC 8032, test 1).
    private static let ed25519Key = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----
        """

    private func venue() throws -> BinanceVenue { try BinanceVenue(addedRulebooks: [], profile: .documented) }

    /// By the venue's documents.
    @Test("A computed vector, as a whole request")
    func vector() throws {
        let request = try venue().request(
            for: Self.account, credentials: Self.credentials, token: nil, at: 1_591_702_613_943)
        #expect(request.method == "GET" && request.body.isEmpty)
        #expect(
            request.target == "/fapi/v3/account?recvWindow=5000&timestamp=1591702613943&signature="
                + "5581570ecf76b9b74c6f1a66ef6520c2959a75c32641affb2634d655d6e64db8")
        #expect(request.headers.map(\.name) == ["X-MBX-APIKEY"])
        #expect(request.headers.map(\.value) == [deskKey])
    }

    /// The private half of the vectors' RSA-1024 key, in PKCS #8 form.
    private static let rsaKey = """
        -----BEGIN PRIVATE KEY-----
        MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMO4GB81uORCN3nL
        FBDQWtRTCoQmVyfFBZS5YF48Y71Nwso1LWdllDQhkMGlphAfhDrRjqevrLCntSir
        ymb5RYYsW5WQmepATzm7gfIQmwiQjvzlZ9t8vaRMgxfzSNrDs49CnPTr6rLvu2CX
        3NeOgu0PQqSyaKzi8uZaoN954fUTAgMBAAECgYAEMiUqPh+ZnSXNUaI7fgwEc0dN
        b/j8XEfzWUoMmyTUQR+E8EDp746O041j6WY3AEX4cNerFqQQIXhLx+sN7Bgmb5FP
        OSUbLTy7ifPajkd7sE1u95A5kMDKvJkKjTCO5KNy/axR/amMq8lojg0Ye/Omhs6G
        BLprRh56DjFfImUgmQJBAMc1Rpw1rAjgBvZBFmDINL5rndhTAAWfs2nE7VKiUg87
        sidNJWl2eERMvtKVbF4l5/QyfC45xyDm61GQD8zzkhUCQQD7hC7NtCxMOPENJ0Gy
        u1QiGsIsBYdKOqPscLOazMhCWDoxHq0TZFEFEC/O0UBcnW8RCFrxEBqumJy2csdW
        JzyHAkB0jfZfZYPfuXw5TwHR5LH/jCXRsVZ88+DcjM0yoSiUIyBsoFW4bAmYJLMt
        sSGzwEgD+BnyTfn1hUa/9SNZjlW1AkEA9F3XA3D8YQop2be8cyTid0g8Q30TlyEm
        RwCw38P7Bcqmrza4vdCHjz3M1UolGFa1pHzTrscQxXXtPK6D0cbJXQJAFP5zOPJU
        RLag1BANmC9sQfAHdb/wytaMlBJ50/Cjvba9Vd2fOD1yN9pdGSFN3Xmq1T8xLWh/
        5jT5LUfIKxTmHQ==
        -----END PRIVATE KEY-----
        """

    @Test(
        "The vectors of the other kinds of keys, on the wire",
        arguments: [
            (
                ed25519Key,
                "YiFsjbqOf%2Fw96yXX8%2FnB%2FruxOifpy02SRBtHdQBVDyBOrLmBvOi%2BN3Xu1WR9FrjbYe9z8H253jkMV4usHjr4"
                    + "BQ%3D%3D"
            ),
            (
                rsaKey,
                "K4JLE0Seg5gAx3LXhx8YaCDD%2FYI7N%2BrjIu1uhcSWCPcL1vtdYOcl6P9tj2pVh3USLz24nLxAV9MJi57vsTNuNfmj"
                    + "vX3LdMGeHE05Uz4oB06HAeajrEnp12zZHHDef9G1twLlkrpRY4kMYwO2nguNWW2FexUZpaOxwq7fXl1R5mA%3D"
            ),
        ])
    func privateKeys(_ secret: String, _ signature: String) throws {
        let held = Credentials(apiKey: deskKey, secret: secret, passphrase: nil)
        let request = try venue().request(
            for: Self.account, credentials: held, token: nil, at: 1_591_702_613_943)
        #expect(
            request.target
                == "/fapi/v3/account?recvWindow=5000&timestamp=1591702613943&signature=\(signature)")
    }

    @Test("Our own venue accepts every call, whatever kind of key")
    func accepted() async throws {
        let world = try binanceWorld(commands: [deposit("USDT", "100")])
        let edName = String(repeating: "e", count: 64)
        let rsaName = String(repeating: "r", count: 64)
        // The public half of RFC 8032's first test.
        world.addKey(
            account: "desk", apiKey: edName, secret: "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        world.addKey(account: "desk", apiKey: rsaName, secret: rsaPublicKey)
        #expect(
            BinanceVenue.calls.map(\.name) == ["time", "account", "positions", "config", "balance", "prices"])
        #expect(BinanceVenue.calls.map(\.weight) == [1, 5, 5, 5, 5, 10])
        for held in [
            Self.credentials, Credentials(apiKey: edName, secret: Self.ed25519Key, passphrase: nil),
            Credentials(apiKey: rsaName, secret: Self.rsaKey, passphrase: nil),
        ] {
            for call in BinanceVenue.calls {
                let request = try world.model.request(
                    for: call, credentials: held, token: nil, at: world.realTime())
                let answer = await world.answer(to: request)
                #expect(answer.status == 200, "\(call.name)")
                #expect(world.model.verdict(on: answer, to: call) == .success, "\(call.name)")
                #expect(
                    world.model.venueTime(in: answer) == (call.purpose == .time ? world.realTime() : nil))
                #expect(answer.header("x-mbx-used-weight-1m") != nil, "\(call.name)")
            }
        }
    }

    @Test("What the account itself may do bounds what the key may")
    func permissions() async throws {
        let world = try binanceWorld()
        func permissions() async throws -> Set<APIKey.Permission>? {
            let body = await world.signed("GET", "/fapi/v1/accountConfig").body
            return world.model.permissions(in: [RecordedBody(call: "config", bytes: body, takenAt: 0)])
        }
        #expect(try await permissions() == nil)
        try world.apply(desk("raise", #""flag":"canTrade","value":false"#))
        #expect(try await permissions() == nil)
        try world.apply(desk("raise", #""flag":"canWithdraw","value":false"#))
        #expect(try await permissions() == [.read])
        #expect(world.model.permissions(in: []) == nil)
    }

    @Test("Our own venue's refusals are understood")
    func refusals() async throws {
        let world = try binanceWorld()
        func verdict(_ secret: String, key: String = deskKey, at time: Int64) async throws -> AnswerVerdict {
            let request = try world.model.request(
                for: Self.account, credentials: Credentials(apiKey: key, secret: secret, passphrase: nil),
                token: nil, at: time)
            return world.model.verdict(on: await world.answer(to: request), to: Self.account)
        }
        let now = world.realTime()
        #expect(try await verdict(deskSecret, at: now - 5001) == .wrongTime)
        #expect(try await verdict(deskSecret, at: now + 1000) == .wrongTime)
        #expect(try await kind(verdict("another", at: now)) == "refused authentication")
        #expect(try await kind(verdict(deskSecret, key: "short", at: now)) == "refused authentication")
        let unknown = String(repeating: "x", count: 64)
        #expect(try await kind(verdict(deskSecret, key: unknown, at: now)) == "refused authentication")
        #expect(try await verdict(deskSecret, at: now) == .success)
        while try await verdict(deskSecret, at: now) == .success {}
        guard case .rateLimited(let wait?) = try await verdict(deskSecret, at: now) else {
            Issue.record("no limit")
            return
        }
        #expect(wait > 0 && wait <= 60_000)
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

    /// Every code of the table that a reading call can meet, and the others as they are.
    @Test("A code")
    func codes() throws {
        var expected: [Int: String] = [-1021: "wrong time", -5028: "wrong time"]
        for code in [-1003, -1015] { expected[code] = "rate limited 2000" }
        for code in [-1000, -1001, -1006, -1007, -1008] { expected[code] = "temporary unavailable" }
        for code in [-1022, -2014, -2015, -4056, -4057, -1099] { expected[code] = "refused authentication" }
        for code in [-1002, -1011, -2017, -4109] { expected[code] = "refused permission" }
        for code in [
            -1004, -1005, -1010, -1013, -1014, -1016, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105,
            -1106, -1108, -1109, -1110, -1121, -1122, -1125, -1126, -1128, -1130, -1131, -2018, -2019, -2023,
            -2027, -2028, -4028, -4046, -4047, -4048, -4050, -4051, -4059, -4060, -4061, -4067, -4068, -4167,
            -4168, -4169, -4170, -4171, -4172, -5000,
        ] { expected[code] = "refused refused" }
        for (code, words) in expected {
            for status in [200, 400, 401, 429, 418, 503] {
                let body = #"{"code":\#(code),"msg":"S3CRET"}"#
                let answer = IncomingAnswer(status: status, body: Array(body.utf8), takenAt: 0) {
                    $0 == "retry-after" ? "2" : nil
                }
                let verdict = try venue().verdict(on: answer, to: Self.account)
                #expect(kind(verdict) == words, "\(code)")
                if case .refused(let error) = verdict {
                    #expect(error.code == "\(code)")
                    #expect(error.description.hasSuffix(".") && !error.description.contains("S3CRET"))
                }
            }
        }
    }

    @Test("A ban names its end; success has no code, or a positive one")
    func bans() throws {
        let venue = try venue()
        func verdict(_ body: String, status: Int = 418) -> AnswerVerdict {
            venue.verdict(
                on: IncomingAnswer(status: status, body: Array(body.utf8), takenAt: 1_746_327_139_762),
                to: Self.account)
        }
        let ban =
            #"{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until 1746327239762. Please"}"#
        #expect(verdict(ban) == .rateLimited(retryAfter: 100_000))
        #expect(verdict(#"{"code":-1003,"msg":"until then"}"#) == .rateLimited(retryAfter: nil))
        #expect(verdict("{}", status: 200) == .success)
        #expect(verdict("[]", status: 200) == .success)
        #expect(verdict(#"{"code":200,"msg":"success"}"#, status: 200) == .success)
        #expect(kind(verdict("<html>", status: 404)) == "refused refused")
        #expect(kind(verdict("<html>", status: 403)) == "refused permission")
        #expect(kind(verdict("", status: 200)) == "refused unreadable")
        #expect(kind(verdict("{}", status: 503)) == "temporary unavailable")
    }

    @Test("What cannot be asked is a fault of the desk's own, without its secret")
    func faults() throws {
        let venue = try venue()
        func error(_ name: String, _ key: String, _ secret: String, _ time: Int64 = 0) throws -> ReadingError
        {
            try #require(throws: ReadingError.self) {
                _ = try venue.request(
                    for: VenueCall(name, .account),
                    credentials: Credentials(apiKey: key, secret: secret, passphrase: nil), token: nil,
                    at: time)
            }
        }
        let broken = "-----BEGIN PRIVATE KEY-----\nhidden\n-----END PRIVATE KEY-----"
        for error in [
            try error("orders", "key", "hidden"), try error("account", "", "hidden"),
            try error("account", "key", ""), try error("account", "k\r\nX: 1", "hidden"),
            try error("account", "key", "hidden", -1), try error("account", "key", broken),
            try error("account", "key", "-----BEGIN PUBLIC KEY-----\nhidden"),
        ] {
            #expect(error.kind == .configuration)
            #expect(!error.description.contains("hidden"))
        }
    }
}
