import JSON
import Testing
import Venue

@testable import CryptoCom

@Suite("Signatures")
struct SigningTests {
    struct Vector: Sendable {
        let method: String
        let id: String
        let params: String?
        let nonce: String
        let message: String
        let signature: String
    }

    /// A vector with api_key `token`, secret `secretKey`.
    static let vectors: [Vector] = [
        Vector(
            method: "private/user-balance", id: "11", params: "{}", nonce: "1611022832613",
            message: "private/user-balance11token1611022832613",
            signature: "c1a4f2cc3e9148d10859e5813ac8bd3d010ef67d80fcaf9e4de9a9777e03c6f5"),
        Vector(
            method: "private/get-subaccount-balances", id: "1", params: "{}", nonce: "1611022832613",
            message: "private/get-subaccount-balances1token1611022832613",
            signature: "adb004cc511b12bb603576007898606cbd3b5a970732a36f97b39553d189a53a"),
        Vector(
            method: "public/auth", id: "11", params: nil, nonce: "1589594102779",
            message: "public/auth11token1589594102779",
            signature: "9dcebf6eeec155f829227ee447dee73120e0aead42fab74d38ed5d8271793dc8"),
        Vector(
            method: "private/get-order-detail", id: "11", params: #"{"order_id":"53287421324"}"#,
            nonce: "1587846358253",
            message: "private/get-order-detail11tokenorder_id532874213241587846358253",
            signature: "02ef0a52c9428e5d3dcc5dd24d534ca39ef73f35acd3f6945f139a2364ef67a9"),
        Vector(
            method: "private/user-balance-history", id: "11",
            params: #"{"timeframe":"H1","end_time":1629478800000000000,"limit":10}"#, nonce: "1611022832613",
            message: "private/user-balance-history11tokenend_time1629478800000000000limit10timeframeH1"
                + "1611022832613",
            signature: "88bb54b452b562b385061011f980363a6872bb3f918fbaaf02fc35cbb9640b15"),
        Vector(
            method: "private/create-order-list", id: "14",
            params: #"{"contingency_type":"LIST","order_list":[{"instrument_name":"ONE_USDT","side":"BUY","#
                + #""type":"LIMIT","price":"0.24","quantity":"1.0"},{"instrument_name":"ONE_USDT","side":"BUY","#
                + #""type":"STOP_LIMIT","price":"0.27","quantity":"1.0","trigger_price":"0.26"}]}"#,
            nonce: "1611022832613",
            message: "private/create-order-list14tokencontingency_typeLISTorder_listinstrument_nameONE_USDT"
                + "price0.24quantity1.0sideBUYtypeLIMITinstrument_nameONE_USDTprice0.27quantity1.0sideBUY"
                + "trigger_price0.26typeSTOP_LIMIT1611022832613",
            signature: "24305c0d7b0181d180488225f16c748806a09b49cbaff42b3bf3a9ad16b72da9"),
        Vector(
            method: "private/x", id: "1", params: #"{"b":null,"a":true,"c":{"z":"1","y":["2",3]}}"#,
            nonce: "1611022832613", message: "private/x1tokenatruebnullcy23z11611022832613",
            signature: "7341af27e586a561b04a186dd1f5bfdaa94e6f6658ffd539105b4ee212676da2"),
    ]

    private func call(_ vector: Vector) throws -> PrivateCall {
        let id = try #require(RequestIdentifier(digits: vector.id))
        return PrivateCall(
            id: id, method: vector.method, params: try vector.params.map { try JSONValue(parsing: $0) },
            apiKey: "token", signature: vector.signature, nonceText: vector.nonce,
            nonce: try #require(Int64(vector.nonce)))
    }

    @Test("A published vector's text and signature", arguments: vectors)
    func vector(_ vector: Vector) throws {
        let call = try call(vector)
        let message = Signing.message(
            method: call.method, id: call.id.text, apiKey: "token", params: call.params, nonce: call.nonceText
        )
        #expect(String(decoding: message, as: UTF8.self) == vector.message)
        #expect(hexText(RequestSigner(secret: "secretKey").sign(message)) == vector.signature)
    }

    @Test("A signature holds in both cases of its digits and in no other form", arguments: vectors)
    func verification(_ vector: Vector) throws {
        let call = try call(vector)
        let signer = RequestSigner(secret: "secretKey")
        #expect(Signing.verifies(vector.signature, call, signer: signer))
        #expect(Signing.verifies(vector.signature.uppercased(), call, signer: signer))
        #expect(!Signing.verifies(vector.signature, call, signer: RequestSigner(secret: "secretkey")))
        #expect(!Signing.verifies(String(vector.signature.dropLast(2)), call, signer: signer))
        #expect(!Signing.verifies("", call, signer: signer))
        #expect(!Signing.verifies(String(repeating: "é", count: 64), call, signer: signer))
    }

    @Test(
        "Flattened params",
        arguments: [
            (#"{"outer":{"b":"2","a":"1"}}"#, "outera1b2"),
            (#"{"items":[{"b":"2"},{"a":"1"}]}"#, "itemsb2a1"),
            (#"{"key":null}"#, "keynull"),
            (#"{}"#, ""),
            (#"{"d":1.50,"c":false}"#, "cfalsed1.50"),
            (#"{"a":[[1,[2]],{"c":{"d":{"e":"deep"}}}]}"#, "a12cdedeep"),
        ])
    func flattening(_ params: String, _ expected: String) throws {
        let text = Signing.message(
            method: "", id: "", apiKey: "", params: try JSONValue(parsing: params), nonce: "")
        #expect(text == Array(expected.utf8))
    }

    @Test("A number may be signed as it was sent or in its plain form")
    func plainNumbers() throws {
        let id = try #require(RequestIdentifier(digits: "1"))
        for signed in ["private/x1tokena1.501", "private/x1tokena1.51"] {
            let call = PrivateCall(
                id: id, method: "private/x", params: try JSONValue(parsing: #"{"a":1.50}"#), apiKey: "token",
                signature: "", nonceText: "1", nonce: 1)
            #expect(Signing.verifies(signature(signed), call, signer: RequestSigner(secret: "secretKey")))
        }
    }
}
