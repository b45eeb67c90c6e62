import JSON
import Testing

/// The refusal of a text, or nil when it is read.
private func refusal(_ bytes: some Collection<UInt8>, maximumDepth: Int = 64) -> JSONError? {
    do throws(JSONError) {
        _ = try JSONValue(parsing: bytes, maximumDepth: maximumDepth)
        return nil
    } catch {
        return error
    }
}

@Suite("Reading JSON")
struct ReadingTests {
    /// Texts that RFC 8259 allows, with what stays of them without blanks and needless escapes.
    static let valid: [(text: String, compact: String)] = [
        ("null", "null"), ("true", "true"), (" false\n", "false"), ("\t[ ]\r\n", "[]"), ("{ }", "{}"),
        ("0", "0"), ("-0", "-0"), ("10", "10"), ("1.50", "1.50"), ("-1.0e+05", "-1.0e+05"),
        ("1E400", "1E400"), ("0.1e-9", "0.1e-9"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ("\"\"", "\"\""), ("\"a b\"", "\"a b\""), (#""\u0041""#, "\"A\""), (#""\/""#, "\"/\""),
        (#""\"\\\b\f\n\r\t""#, #""\"\\\b\f\n\r\t""#), (#""\u0000\u001F""#, #""\u0000\u001f""#),
        (#""\u00e9\u20AC""#, "\"é€\""), (#""\uD83D\uDE00""#, "\"😀\""), (#""\uDBFF\uDFFF""#, "\"\u{10FFFF}\""),
        (
            "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"",
            "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\""
        ),
        ("\"e\u{301}\"", "\"e\u{301}\""), ("[1,[2,{\"a\":[]}],3]", "[1,[2,{\"a\":[]}],3]"),
        ("{\"b\":1, \"a\" : {\"\":null} }", "{\"b\":1,\"a\":{\"\":null}}"),
        // One key in two Unicode forms is two keys.
        ("{\"\u{E9}\":1,\"e\u{301}\":2}", "{\"\u{E9}\":1,\"e\u{301}\":2}"),
        ("{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"),
    ]

    @Test(arguments: valid)
    func validText(_ row: (text: String, compact: String)) throws {
        let value = try JSONValue(parsing: row.text)
        #expect(value.description.utf8.elementsEqual(row.compact.utf8))
        #expect(try JSONValue(parsing: row.compact) == value)
        #expect(try JSONValue(parsing: row.text.utf8.lazy.map { $0 }) == value)
    }

    /// Texts that are refused, with the place and the reason.
    static let invalid: [(text: String, offset: Int, reason: String)] = [
        ("", 0, "a value is missing at the end"), ("  ", 2, "a value is missing at the end"),
        ("[", 1, "a value is missing at the end"), ("{\"a\":", 5, "a value is missing at the end"),
        ("1 2", 2, "something follows the value"), ("{}}", 2, "something follows the value"),
        ("nul", 0, "only the words true, false and null may stand without quotes"),
        ("[tru]", 1, "only the words true, false and null may stand without quotes"),
        ("fals3", 0, "only the words true, false and null may stand without quotes"),
        ("truex", 4, "something follows the value"), ("NaN", 0, "a value cannot start with 'N'"),
        ("'a'", 0, "a value cannot start with '''"), ("+1", 0, "a value cannot start with '+'"),
        (".5", 0, "a value cannot start with '.'"), ("\u{1}", 0, "a value cannot start with byte 1"),
        ("\u{FEFF}1", 0, "a value cannot start with byte 239"),
        ("/* */1", 0, "a value cannot start with '/'"),
        ("01", 0, "a number cannot have a leading zero"), ("-01", 0, "a number cannot have a leading zero"),
        ("-", 1, "a digit is missing after the '-'"), ("-a", 1, "a digit is missing after the '-'"),
        ("1.", 2, "a digit is missing after the '.'"), ("1.e5", 2, "a digit is missing after the '.'"),
        ("1e", 2, "a digit is missing in the exponent"), ("1e+", 3, "a digit is missing in the exponent"),
        ("0x1", 1, "something follows the value"), ("1_0", 1, "something follows the value"),
        ("[1,]", 3, "a value cannot start with ']'"), ("[,1]", 1, "a value cannot start with ','"),
        ("[1 2]", 3, "a ',' or ']' is missing after the element"),
        ("[1", 2, "a ',' or ']' is missing after the element"),
        ("[1}", 2, "a ',' or ']' is missing after the element"),
        ("{\"a\":1,}", 7, "a key in quotes is missing"), ("{a:1}", 1, "a key in quotes is missing"),
        ("{", 1, "a key in quotes is missing"), ("{1:2}", 1, "a key in quotes is missing"),
        ("{\"a\" 1}", 5, "a ':' is missing after the key"), ("{\"a\"", 4, "a ':' is missing after the key"),
        ("{\"a\":1 \"b\":2}", 7, "a ',' or '}' is missing after the member"),
        ("{\"a\":1]", 6, "a ',' or '}' is missing after the member"),
        ("\"", 0, "the string has no closing quote"), ("[\"abc]", 1, "the string has no closing quote"),
        ("\"a\\\"", 0, "the string has no closing quote"), ("\"a\\", 2, "the escape is unknown"),
        ("\"\n\"", 1, "a control character in a string must be escaped"),
        ("\"\\n\t\"", 3, "a control character in a string must be escaped"),
        ("\"\u{0}\"", 1, "a control character in a string must be escaped"),
        (#""\x""#, 1, "the escape is unknown"), (#""\U0041""#, 1, "the escape is unknown"),
        (#""\u12""#, 1, "the escape needs four hexadecimal digits"),
        (#""\u12g4""#, 1, "the escape needs four hexadecimal digits"),
        (#""\u"#, 1, "the escape needs four hexadecimal digits"),
        (#""\uD800""#, 1, "the escape is one half of a surrogate pair"),
        (#""\uDC00""#, 1, "the escape is one half of a surrogate pair"),
        (#""\uD800\n""#, 1, "the escape is one half of a surrogate pair"),
        (#""\uD800\u0041""#, 1, "the escape is one half of a surrogate pair"),
        (#""\uD800\uD800""#, 1, "the escape is one half of a surrogate pair"),
        (#""\uD83D\u12""#, 7, "the escape needs four hexadecimal digits"),
        ("{\"a\":1,\"b\":2,\"a\":3}", 13, "the key \"a\" occurs twice"),
        ("[{\"a\":1,\"\\u0061\":2}]", 8, "the key \"a\" occurs twice"),
        ("{\"\":1,\"\":2}", 6, "the key \"\" occurs twice"),
    ]

    @Test(arguments: invalid)
    func invalidText(_ row: (text: String, offset: Int, reason: String)) {
        let error = refusal(row.text.utf8)
        #expect(error?.reason == row.reason)
        #expect(error?.offset == row.offset)
    }

    /// Byte sequences that are not UTF-8: stray, overlong, surrogates, too large, cut short.
    static let notUTF8: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
        [0xE2, 0x82], [0xE2, 0x82, 0x20], [0xE2, 0x20, 0xAC],
        [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x20], [0xFE], [0xFF],
    ]

    @Test(arguments: notUTF8)
    func bytesThatAreNotUTF8(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(refusal([quote] + bytes + [quote])?.reason == "the bytes are not UTF-8")
        #expect(refusal([quote] + bytes)?.reason == "the bytes are not UTF-8")
        // After an escape the string is read another way.
        #expect(refusal(Array("\"\\n".utf8) + bytes + [quote])?.offset == 3)
        #expect(refusal(Array("{\"".utf8) + bytes + Array("\":1}".utf8))?.reason == "the bytes are not UTF-8")
    }

    @Test func errorsNameLineAndColumn() {
        let error = refusal("{\n  \"é€😀\": 1,\n  \"name\": \"é\" x\n}".utf8)
        #expect(
            error
                == JSONError(
                    offset: 35, line: 3, column: 15, reason: "a ',' or '}' is missing after the member"))
        #expect(error?.description == "line 3, column 15: a ',' or '}' is missing after the member")
        #expect(refusal("".utf8)?.description == "line 1, column 1: a value is missing at the end")
    }

    @Test func nestingIsLimited() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(refusal(nested(64)) == nil)
        #expect(refusal(nested(65))?.reason == "the nesting is deeper than 64")
        #expect(refusal(nested(65))?.offset == 64)
        #expect(refusal(nested(100_000), maximumDepth: 3)?.offset == 3)
        #expect(refusal(nested(3), maximumDepth: 3) == nil)
        #expect(refusal("{\"a\":{\"a\":1}}".utf8, maximumDepth: 1)?.offset == 5)
        #expect(refusal("1".utf8, maximumDepth: 0) == nil)
        #expect(refusal("[]".utf8, maximumDepth: 0)?.reason == "the nesting is deeper than 0")
        #expect(refusal("[[],[],[[]]]".utf8, maximumDepth: 3) == nil)
    }

    @Test func duplicateKeysAreFoundInLargeObjects() throws {
        for count in [15, 16, 17, 18, 500] {
            let members = (0..<count).map { "\"key \($0)\":\($0)" }
            let text = "{" + members.joined(separator: ",") + "}"
            #expect(try JSONValue(parsing: text).object?.members.count == count)
            for repeated in [0, count / 2, count - 1] {
                let error = refusal(Array(text.utf8.dropLast()) + Array(",\"key \(repeated)\":0}".utf8))
                #expect(error?.reason == "the key \"key \(repeated)\" occurs twice")
                #expect(error?.offset == text.utf8.count)
            }
        }
    }

    @Test func aLineIsReadInPlace() throws {
        let lines = Array("{\"a\":1}\n[true]\n".utf8)
        let (first, second) = try lines.withUnsafeBytes { buffer in
            (
                try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: buffer[0..<7])),
                try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: buffer[8..<14]))
            )
        }
        #expect(first["a"] == .number("1") && second == .array([.bool(true)]))
        #expect(try JSONValue(parsing: lines[8...]) == second)
        #expect(refusal(lines)?.line == 2)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(throws: JSONError.self) { try JSONValue(parsing: nothing) }
    }

    @Test func access() throws {
        let value = try JSONValue(
            parsing: #"{"t":"x","n":-12,"d":1.0,"b":true,"z":null,"l":[1],"o":{"k":"v"}}"#)
        #expect(value["t"]?.text == "x" && value["n"]?.text == nil && value["n"]?.numberText == "-12")
        #expect(value["n"]?.integer == -12 && value["d"]?.integer == nil && value["t"]?.integer == nil)
        #expect(value["b"]?.boolean == true && value["z"]?.boolean == nil)
        #expect(value["z"]?.isNull == true && value["absent"] == nil)
        #expect(value["l"]?.elements == [.number("1")] && value["o"]?["k"] == .string("v"))
        #expect(value["o"]?.object?.keys == ["k"] && value["t"]?["k"] == nil && value["t"]?.elements == nil)
        #expect(value.object?.keys == ["t", "n", "d", "b", "z", "l", "o"])
        #expect(try JSONValue(parsing: "9223372036854775808").integer == nil)
        #expect(try JSONValue(parsing: "-9223372036854775808").integer == .min)
    }

    @Test func equalityIsByBytesAndOrder() throws {
        #expect(try JSONValue(parsing: "1") != JSONValue(parsing: "1.0"))
        #expect(try JSONValue(parsing: "1") != JSONValue(parsing: "\"1\""))
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(JSONObject([("\u{E9}", .null)])["e\u{301}"] == nil)
        #expect(try JSONValue(parsing: "{\"a\":1,\"b\":2}") != JSONValue(parsing: "{\"b\":2,\"a\":1}"))
        #expect(try JSONValue(parsing: "{ \"a\" : [ null ] }") == JSONValue(parsing: "{\"\\u0061\":[null]}"))
        #expect(JSONValue.null != .bool(false))
    }
}
