import JSON
import Numbers
import Venue

/// How requests are signed: HMAC-SHA256 over method + id + api_key + flattened params + nonce, in
/// hexadecimal.
///
/// Crypto.com Exchange API documentation, Digital Signature. The server builds the text again from the JSON
/// it received.
enum Signing {
    /// The text that is signed.
    static func message(
        method: String, id: String, apiKey: String, params: JSONValue?, nonce: String,
        plainNumbers: Bool = false
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(160)
        text += method.utf8
        text += id.utf8
        text += apiKey.utf8
        if case .object(let object)? = params { append(object, to: &text, plainNumbers) }
        text += nonce.utf8
        return text
    }

    /// Params as one text: an object's keys ascending, each followed by its value; an array's elements one
    /// after the other; null, true and false as those words; strings and numbers as they stand.
    private static func append(_ object: JSONObject, to text: inout [UInt8], _ plainNumbers: Bool) {
        let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for member in members {
            text += member.key.utf8
            append(member.value, to: &text, plainNumbers)
        }
    }

    private static func append(_ value: JSONValue, to text: inout [UInt8], _ plainNumbers: Bool) {
        switch value {
        case .null: text += "null".utf8
        case .bool(let flag): text += flag ? "true".utf8 : "false".utf8
        case .number(let number):
            // A client that signs its own number, and not the text it sent, drops trailing zeros and
            // exponents.
            if plainNumbers, let plain = try? ExactDecimal(number) {
                plain.append(to: &text)
            } else {
                text += number.utf8
            }
        case .string(let string): text += string.utf8
        case .array(let elements): for element in elements { append(element, to: &text, plainNumbers) }
        case .object(let object): append(object, to: &text, plainNumbers)
        }
    }

    /// Whether a signature is the key's, in either case of its digits.
    static func verifies(_ signature: String, _ call: PrivateCall, signer: RequestSigner) -> Bool {
        guard let given = hexBytes(signature), given.count == 32 else { return false }
        func matches(plainNumbers: Bool) -> Bool {
            let text = message(
                method: call.method, id: call.id.text, apiKey: call.apiKey, params: call.params,
                nonce: call.nonceText,
                plainNumbers: plainNumbers)
            return constantTimeEqual(signer.sign(text), given)
        }
        if matches(plainNumbers: false) { return true }
        guard let object = call.params?.object, !object.members.isEmpty else { return false }
        return matches(plainNumbers: true)
    }
}
