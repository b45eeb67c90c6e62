import JSON
import Testing

/// What a text looks like where a terminal may read it.
struct VisibleTextTests {
    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("é 漢 ≤ ⚠ ☃ \u{1F600}", "é 漢 ≤ ⚠ ☃ \u{1F600}"),
        ("cafe\u{301}", "cafe\u{301}"), ("a\nb\u{1b}[2J", "a\\u000ab\\u001b[2J"), ("\r\n", "\\u000d\\u000a"),
        ("\t\u{7}\u{7f}", "\\u0009\\u0007\\u007f"), ("\u{85}\u{9b}", "\\u0085\\u009b"),
        ("\u{202e}\u{2066}\u{200e}\u{61c}", "\\u202e\\u2066\\u200e\\u061c"),
        ("\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}", "\\u200b\\u200d\\u2060\\ufeff\\u00ad"),
        ("\u{2028}\u{2029}", "\\u2028\\u2029"), ("\u{3164}\u{fe0f}", "\\u3164\\ufe0f"),
        ("\u{e0041}", "\\udb40\\udc41"),
    ])
    func whatIsObeyedOrHiddenIsShown(_ text: String, _ shown: String) {
        #expect(Array(text.visible.unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test func everyControlCharacterIsShown() {
        for value in Array(0...0x1f) + Array(0x7f...0x9f) {
            let shown = String(UnicodeScalar(UInt8(value))).visible
            #expect(shown.hasPrefix("\\u00") && shown.utf8.count == 6)
        }
    }

    @Test func itIsTheSameJSON() throws {
        let text = "\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}\\\"\n é"
        let value = JSONValue.object(JSONObject([(text, .array([.string(text), .number("1.0")]))]))
        let shown = value.description.visible
        #expect(shown.unicodeScalars.allSatisfy { $0.isASCII || $0 == "é" })
        #expect(try JSONValue(parsing: shown) == value)
    }
}
