import Testing
import Venue

@Suite("Signatures and digests")
struct SignatureTests {
    /// RFC 4231, test cases 1 and 2.
    @Test(
        "HMAC-SHA256 vectors, whole and in parts",
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
        ])
    func hmac(_ secret: [UInt8], _ message: String, _ expected: String) {
        let signer = RequestSigner(secret: secret)
        let bytes = Array(message.utf8)
        #expect(hexText(signer.sign(bytes)) == expected)
        #expect(hexText(signer.sign(Array(bytes[..<3]), [], Array(bytes[3...]))) == expected)
    }

    @Test("Hexadecimal text and back")
    func hexadecimal() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(hexBytes(hexText(bytes)) == bytes)
        #expect(hexBytes(hexText(bytes, uppercase: true)) == bytes)
        #expect(hexText([0x0f, 0xa0], uppercase: true) == "0FA0")
        #expect(hexBytes("") == [])
        for text in ["0", "0g", "+1", " 1", "é1"] { #expect(hexBytes(text) == nil, "\(text)") }
    }

    @Test("Equality in constant time is equality")
    func equality() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
    }

    @Test("A passphrase is found again by its salted digest alone")
    func passphrases() {
        let hash = PassphraseHash(passphrase: "open sesame", salt: [1, 2, 3])
        #expect(hash.matches("open sesame"))
        #expect(!hash.matches("open sesame "))
        #expect(hash != PassphraseHash(passphrase: "open sesame", salt: [1, 2, 4]))
        #expect(PassphraseHash(salt: hash.salt, digest: hash.digest).matches("open sesame"))
    }
}
