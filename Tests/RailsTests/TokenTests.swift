import JSON
import Testing
import Venue
import VenueTestSupport

@testable import Rails

@Suite("Tokens")
struct TokenTests {
    /// A vector worked out here.
    @Test func localVector() throws {
        let payload =
            #"{"accountType":"retail","iss":"rails.example","sub":"00000000-0000-4000-8000-000000000001","#
            + #""aud":["rails-app.example"],"exp":1710882170,"iat":1710880370}"#
        let expected =
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhY2NvdW50VHlwZSI6InJldGFpbCIsImlzcyI6InJhaWxzLm"
            + "V4YW1wbGUiLCJzd"
            + "WIiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJhdWQiOlsicmFpbHMtYXBwLmV4YW"
            + "1wbGUiXSwiZXhwIj"
            + "oxNzEwODgyMTcwLCJpYXQiOjE3MTA4ODAzNzB9.u4GgA7ipiO30knDMtjVP2p8Brq3NjUBvqqS08hoo0PY"
        let signer = RequestSigner(secret: "local-test-secret")
        #expect(JSONWebToken.encode(payload: Array(payload.utf8), signer: signer) == expected)
        #expect(JSONWebToken.payload(of: expected, signer: signer) == (try JSONValue(parsing: payload)))
        #expect(JSONWebToken.payload(of: expected, signer: RequestSigner(secret: "another")) == nil)
    }

    /// RFC 4648, section 10, without padding; and the two characters that differ from plain base64.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("??>~", "Pz8-fg"), ("???", "Pz8_"),
    ])
    func base64(plain: String, encoded: String) {
        #expect(Base64.url.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(Base64.url.decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg==", "Zh", "Z", "Zm9+", "Zm9/", "Zm 9", "Zm9vY"])
    func notBase64(text: String) {
        #expect(Base64.url.decode(Array(text.utf8)) == nil)
    }

    /// Well signed, but not as an HS256 token may be.
    @Test(arguments: [
        #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"HS512","typ":"JWT"}"#, #"{"typ":"JWT"}"#, "no JSON",
    ])
    func otherAlgorithms(header: String) {
        let signer = RequestSigner(secret: "secret")
        let start =
            Base64.url.encode(Array(header.utf8)) + [UInt8(ascii: ".")] + Base64.url.encode(Array("{}".utf8))
        let signature = Base64.url.encode(signer.sign(start))
        let token = String(decoding: start + [UInt8(ascii: ".")] + signature, as: UTF8.self)
        #expect(JSONWebToken.payload(of: token, signer: signer) == nil)
    }

    @Test func answerAndClaims() async throws {
        let world = try railsWorld()
        let response = await world.request(
            "POST", "/api/v1/token", headers: ["X-Api-Key": "desk-key", "X-Api-Secret": "desk-secret"])
        #expect(response.status == 200)
        #expect(response.contentType == "application/json")
        let body = try response.json
        #expect(body.object?.keys == ["access_token", "token_type", "expires_in"])
        #expect(body["token_type"]?.text == "Bearer")
        #expect(body["expires_in"]?.numberText == "1800")
        let token = try #require(body["access_token"]?.text)
        let payload = try #require(
            JSONWebToken.payload(of: token, signer: RequestSigner(secret: world.tokenSecret)))
        let issued = try #require(payload["iat"]?.integer)
        #expect(issued == world.realTime() / 1000)
        #expect(payload["exp"]?.integer == issued + 1800)
        #expect(payload["accountType"]?.text == "retail")
        let subject = try #require(payload["sub"]?.text)
        #expect(subject.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(subject == accountUUID("desk"))
        #expect(!token.contains("desk-secret") && !payload.description.contains("desk-secret"))
    }

    @Test(arguments: [
        [:], ["X-Api-Key": "desk-key"], ["X-Api-Secret": "desk-secret"],
        ["X-Api-Key": "desk-key", "X-Api-Secret": "wrong"],
        ["X-Api-Key": "nobody", "X-Api-Secret": "desk-secret"],
        ["X-Api-Key": "desk-key", "X-Api-Secret": ""],
    ])
    func wrongCredentials(headers: [String: String]) async throws {
        let response = await (try railsWorld()).request("POST", "/api/v1/token", headers: headers)
        #expect(response.status == 401)
        #expect(response.text == #"{"message":"Unauthorized"}"#)
    }

    @Test func livesHalfAnHour() async throws {
        let world = try railsWorld()
        let token = try await world.token()
        let start = world.realTime()
        world.setRealTime(start + 1_799_999)
        #expect(await world.read("/api/v1/balances", token: token).status == 200)
        world.setRealTime(start + 1_800_000)
        let late = await world.read("/api/v1/balances", token: token)
        #expect(late.status == 401)
        #expect(late.text == #"{"message":"Unauthorized"}"#)
    }

    /// Tokens follow the real clock, not the ledger's.
    @Test func ledgerTimeDoesNotAge() async throws {
        let world = try railsWorld()
        let token = try await world.token()
        world.setLedgerTime(world.realTime() + 86_400_000)
        #expect(await world.read("/api/v1/balances", token: token).status == 200)
    }

    @Test func diesWithItsKey() async throws {
        let world = try railsWorld()
        world.addKey(account: "desk", apiKey: "second", secret: "second-secret")
        let first = try await world.token()
        let second = try await world.token("second", "second-secret")
        world.revokeKey("desk-key")
        #expect(await world.read("/api/v1/balances", token: first).status == 401)
        #expect(await world.read("/api/v1/balances", token: second).status == 200)
        // A key of the same name with another secret does not bring it back to life.
        world.addKey(account: "desk", apiKey: "desk-key", secret: "another-secret")
        #expect(await world.read("/api/v1/balances", token: first).status == 401)
    }

    @Test func severalTokensAtOnce() async throws {
        let world = try railsWorld()
        let first = try await world.token()
        world.setRealTime(world.realTime() + 5000)
        let second = try await world.token()
        #expect(first != second)
        #expect(await world.read("/api/v1/balances", token: first).status == 200)
        #expect(await world.read("/api/v1/balances", token: second).status == 200)
    }

    @Test func credentialsLookAlike() throws {
        let venue = try RailsVenue(addedRulebooks: [], profile: .documented)
        let made = venue.makeCredentials { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) } }
        #expect(made.apiKey.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(Base64.url.decode(Array(made.secret.utf8))?.count == 32)
        #expect(made.passphrase == nil)
    }
}
