import Binance
import Testing
import Venue
import VenueTestSupport

/// The RSA-1024 key of the vectors (e = 65537, p and q given there), as the PEM text of its public half.
let rsaPublicKey = """
    -----BEGIN PUBLIC KEY-----
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDuBgfNbjkQjd5yxQQ0FrUUwqE
    JlcnxQWUuWBePGO9TcLKNS1nZZQ0IZDBpaYQH4Q60Y6nr6ywp7Uoq8pm+UWGLFuV
    kJnqQE85u4HyEJsIkI785WfbfL2kTIMX80jaw7OPQpz06+qy77tgl9zXjoLtD0Kk
    smis4vLmWqDfeeH1EwIDAQAB
    -----END PUBLIC KEY-----
    """

@Suite("Signatures: every vector")
struct SigningTests {
    private static let time: Int64 = 1_591_702_613_943

    private func status(
        query: String, body: String = "", method: String = "GET", path: String = "/fapi/v3/account",
        secret: String = deskSecret, header: String = "X-MBX-APIKEY"
    ) async throws -> (status: Int, text: String) {
        let world = try binanceWorld(time: Self.time)
        world.addKey(account: "desk", apiKey: deskKey, secret: secret, permissions: [.read, .trade])
        let response = await world.request(
            method, "\(path)?\(query)", headers: [header: deskKey], body: body)
        return (response.status, response.text)
    }

    @Test(
        "HMAC over the query as it arrived",
        arguments: [
            ("timestamp=1591702613943", "84901bbeed96ffa9adf9995c40fcadcb0a9ddad37c2605ce82491f2c771077a6"),
            (
                "recvWindow=5000&timestamp=1591702613943",
                "5581570ecf76b9b74c6f1a66ef6520c2959a75c32641affb2634d655d6e64db8"
            ),
            (
                "timestamp=1591702613943&recvWindow=5000",
                "b944ea46b707ca97ae6956c3e381b0ceaf517dac418a6d64af1fb3b0e878d11d"
            ),
            (
                "timestamp=1591702613943&recvWindow=10000",
                "0a15d71daf56477bca84d0abb0f2bfcf325b276cd9094e1a45bd0b9c9d3c20a1"
            ),
            (
                "symbol=BTCUSDT&timestamp=1591702613943",
                "8a22fe81851a943577a5d6f4d13c65d01d57c4f4a15ee583d231daf989254967"
            ),
        ])
    func query(_ payload: String, _ signature: String) async throws {
        let lower = try await status(query: "\(payload)&signature=\(signature)")
        #expect(lower.status == 200)
        let upper = try await status(
            query: "\(payload)&signature=\(signature.uppercased())", header: "x-mbx-apikey")
        #expect(upper.status == 200)
        let other = try await status(query: "\(payload)&recvWindow2=1&signature=\(signature)")
        #expect(other.text.contains("-1022"))
    }

    @Test("non-ASCII symbols are signed as sent, percent-encoded")
    func encodedSymbol() async throws {
        let payload = "symbol=%E6%B5%8B%E8%AF%95USDT&timestamp=1591702613943"
        let asSent = "a87744354d2bab5378b7334b2e95919512f7fd61e3153283d724aad1ab700f3f"
        let decoded = "a2f8f515d6cd7361faa4154cddff7685580a473ee7a78195418ae4937fd1357e"
        let path = "/fapi/v3/positionRisk"
        // The signature holds, so the request gets as far as the symbol, which there is not.
        #expect(try await status(query: "\(payload)&signature=\(asSent)", path: path).text.contains("-1121"))
        #expect(try await status(query: "\(payload)&signature=\(decoded)", path: path).text.contains("-1022"))
    }

    @Test("query and body are glued together with nothing between")
    func mixed() async throws {
        let query = "multiAssetsMargin=true"
        let body = "timestamp=1591702613943&recvWindow=5000"
        let signature = "b644fdb469e4e3d9933230741ca08c093f8cde959f89dc74237a8cbe48e0b284"
        let path = "/fapi/v1/multiAssetsMargin"
        let inBody = try await status(
            query: query, body: "\(body)&signature=\(signature)", method: "POST", path: path)
        #expect(inBody.text == #"{"code":200,"msg":"success"}"#)
        let inQuery = try await status(
            query: "\(query)&signature=\(signature)", body: body, method: "POST", path: path)
        #expect(inQuery.text == #"{"code":200,"msg":"success"}"#)
        let together = "d5f5152c29c10721b34eac582790085973c8a5fb9de8fe97ff0189aa2d092790"
        let allInQuery = try await status(
            query: "\(query)&\(body)&signature=\(together)", method: "POST", path: path)
        #expect(allInQuery.text == #"{"code":200,"msg":"success"}"#)
    }

    @Test("the document's own examples, which are orders")
    func documentExamples() {
        let single =
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
            + "&timestamp=1591702613943"
        #expect(
            signature(single) == "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9")
        let mixed =
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&"
            + "recvWindow=5000&timestamp="
        #expect(
            signature(mixed + " 1591702613943")
                == "f9d0ae5e813ef6ccf15c2b5a434047a0181cb5a342b903b367ca6d27a66e36f2")
        #expect(
            signature(mixed + "1591702613943")
                == "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4")
    }

    @Test(
        "Ed25519 public keys, raw and as PEM",
        arguments: [
            "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                + "-----END PUBLIC KEY-----\n",
        ])
    func ed25519(_ secret: String) async throws {
        let payload = "recvWindow=5000&timestamp=1591702613943"
        let signature =
            "YiFsjbqOf%2Fw96yXX8%2FnB%2FruxOifpy02SRBtHdQBVDyBOrLmBvOi"
            + "%2BN3Xu1WR9FrjbYe9z8H253jkMV4usHjr4BQ%3D%3D"
        #expect(try await status(query: "\(payload)&signature=\(signature)", secret: secret).status == 200)
        let lowerEscapes = signature.replacing("%2F", with: "%2f").replacing("%3D", with: "%3d")
        #expect(
            try await status(query: "\(payload)&signature=\(lowerEscapes)", secret: secret).status == 200)
        // Base64 is case-sensitive.
        let wrongCase = signature.replacing("YiFs", with: "yiFs")
        #expect(
            try await status(query: "\(payload)&signature=\(wrongCase)", secret: secret).text
                .contains("-1022"))
        // The public key is no shared secret.
        let hmac = try await status(
            query: "\(payload)&signature=\(BinanceTests.signature(payload, secret: secret))", secret: secret)
        #expect(hmac.text.contains("-1022"))
    }

    @Test("RSA with PKCS #1 v1.5 and SHA-256")
    func rsa() async throws {
        let payload = "recvWindow=5000&timestamp=1591702613943"
        let signature =
            "K4JLE0Seg5gAx3LXhx8YaCDD%2FYI7N%2BrjIu1uhcSWCPcL1vtdYOcl6P9tj2pVh3USLz24nLxAV9MJi57vsTNuNfmjvX3L"
            + "dMGeHE05Uz4oB06HAeajrEnp12zZHHDef9G1twLlkrpRY4kMYwO2nguNWW2FexUZpaOxwq7fXl1R5mA%3D"
        #expect(
            try await status(query: "\(payload)&signature=\(signature)", secret: rsaPublicKey).status == 200)
        #expect(
            try await status(
                query: "timestamp=1591702613943&signature=\(signature)", secret: rsaPublicKey
            ).text.contains("-1022"))
    }

    /// The last digit of a padded text has bits that belong to no byte: they are zero, so that a signature
    /// has one text.
    @Test(
        "a base64 signature has one text",
        arguments: [
            (
                "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                "YiFsjbqOf%2Fw96yXX8%2FnB%2FruxOifpy02SRBtHdQBVDyBOrLmBvOi"
                    + "%2BN3Xu1WR9FrjbYe9z8H253jkMV4usHjr4BQ%3D%3D", "BQ", "RSTUVWXYZabcdef"
            ),
            (
                rsaPublicKey,
                "K4JLE0Seg5gAx3LXhx8YaCDD%2FYI7N%2BrjIu1uhcSWCPcL1vtdYOcl6P9tj2pVh3USLz24nLxAV9MJi57vsTNuNfmjvX3L"
                    + "dMGeHE05Uz4oB06HAeajrEnp12zZHHDef9G1twLlkrpRY4kMYwO2nguNWW2FexUZpaOxwq7fXl1R5mA%3D",
                "mA",
                "BCD"
            ),
        ])
    func oneText(_ secret: String, _ signature: String, _ ending: String, _ others: String) async throws {
        let payload = "recvWindow=5000&timestamp=1591702613943"
        #expect(try await status(query: "\(payload)&signature=\(signature)", secret: secret).status == 200)
        for other in others {
            let text = signature.replacing(ending + "%3D", with: "\(ending.dropLast())\(other)%3D")
            #expect(text != signature)
            #expect(
                try await status(query: "\(payload)&signature=\(text)", secret: secret).text
                    .contains("-1022"))
        }
        for text in ["\(signature)%3D", "\(signature)%3D%3D%3D%3D", signature + "AAAA", signature + "%0A"] {
            #expect(
                try await status(query: "\(payload)&signature=\(text)", secret: secret).text
                    .contains("-1022"))
        }
    }

    @Test("a PEM text that holds no key fits no signature")
    func brokenKey() async throws {
        let payload = "timestamp=1591702613943"
        for secret in [
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "-----BEGIN", "ed25519:AAAA",
        ] {
            let answer = try await status(
                query: "\(payload)&signature=\(signature(payload, secret: secret))", secret: secret)
            #expect(answer.status == 400)
            #expect(answer.text.contains("-1022"))
        }
    }

    @Test("the signature is the last parameter")
    func last() async throws {
        let payload = "timestamp=1591702613943"
        let answer = try await status(
            query: "signature=\(signature(payload))&\(payload)")
        #expect(answer.status == 400)
        #expect(answer.text == #"{"code":-1022,"msg":"Signature for this request is not valid."}"#)
    }

    @Test("new keys look like the venue's")
    func credentials() throws {
        let venue = try BinanceVenue(addedRulebooks: [], profile: .documented)
        var next: UInt8 = 0
        let made = venue.makeCredentials { count in
            (0..<count).map { _ in
                next &+= 37
                return next
            }
        }
        for text in [made.apiKey, made.secret] {
            #expect(text.utf8.count == 64)
            #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        }
        #expect(made.apiKey != made.secret)
        #expect(made.passphrase == nil)
    }
}
