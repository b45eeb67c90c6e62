import Testing
import Venue

@testable import OKX

@Suite struct SigningTests {
    static let secret = "22582BD0CFF14C41EDBF1AB98506286D"

    @Test(arguments: [
        ("GET", "/api/v5/account/balance", "", "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="),
        ("GET", "/api/v5/account/balance?ccy=BTC", "", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
        ("GET", "/api/v5/account/balance?ccy=BTC,ETH", "", "oah2EOT2Fnz1bjkgiAnuKl+zFQzDG3/nqPUqyYzArrE="),
        ("GET", "/api/v5/account/balance?ccy=BTC%2CETH", "", "X/i/q53ENYaVFJP/x3gMqfyuIw8hS3HPa3eFxfQQFaY="),
        ("GET", "/api/v5/account/config", "", "Kr/8IrbDYujS4cg2KkmB+tO2HMUXxyayG6ZwNb4H/yA="),
        (
            "POST", "/api/v5/account/set-account-level", #"{"acctLv":"1"}"#,
            "4Ijv8CXCvy9W5psCKoY07AVEze0934QESHBO7bK+c+o="
        ),
    ])
    func requests(method: String, target: String, body: String, expected: String) {
        let sign = Signing.signature(
            timestamp: "2020-12-08T09:08:57.715Z", method: method, target: target, body: Array(body.utf8),
            signer: RequestSigner(secret: Self.secret))
        #expect(String(decoding: sign, as: UTF8.self) == expected)
    }

    @Test(arguments: [
        ("1704876947", "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="),
        ("1538054050", "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M="),
    ])
    func socketLogin(timestamp: String, expected: String) {
        let sign = Signing.signature(
            timestamp: timestamp, method: "GET", target: "/users/self/verify", body: [],
            signer: RequestSigner(secret: Self.secret))
        #expect(String(decoding: sign, as: UTF8.self) == expected)
    }

    /// The vectors of RFC 4648.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64(text: String, expected: String) {
        #expect(String(decoding: Base64.padded.encode(Array(text.utf8)), as: UTF8.self) == expected)
    }

    @Test(arguments: [
        ("2020-12-08T09:08:57.715Z", 1_607_418_537_715), ("1970-01-01T00:00:00.000Z", 0),
    ])
    func timestamps(text: String, moment: Int64) { #expect(Signing.moment(of: text) == moment) }

    @Test(arguments: [
        "", "1597026383085", "2020-12-08T09:08:57Z", "2020-12-08 09:08:57.715Z", "2020-12-08T09:08:57.715+",
        "2020-13-08T09:08:57.715Z", "2020-12-08T09:08:57,715Z", "2020-12-08T09:08:57.71Z ",
    ])
    func malformedTimestamps(text: String) { #expect(Signing.moment(of: text) == nil) }

    @Test func credentialsLookLikeTheVenues() throws {
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        let made = venue.makeCredentials { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) } }
        #expect(made.apiKey.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(made.secret.count == 32 && made.secret == made.secret.uppercased())
        #expect(made.passphrase?.isEmpty == false)
    }
}
