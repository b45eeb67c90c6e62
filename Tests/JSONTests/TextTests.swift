import JSON
import Testing

/// Values read where they stand: the same as those that are taken out of the text.
@Suite("Reading JSON in place")
struct TextTests {
    /// Holds a value in its text against the value itself, member by member.
    private func compare(_ text: JSONText, _ value: JSONValue) {
        #expect(text.value == value)
        #expect(text.text == value.text && text.numberText == value.numberText)
        #expect(text.boolean == value.boolean && text.integer == value.integer && text.isNull == value.isNull)
        #expect(text.elements?.count == value.elements?.count)
        for (one, other) in zip(text.elements ?? [], value.elements ?? []) { compare(one, other) }
        #expect(text.members?.count == value.object?.members.count)
        guard let members = text.members, let object = value.object else { return }
        for (one, other) in zip(members.all, object.members) {
            #expect(Array(one.key.utf8) == Array(other.key.utf8))
            compare(one.value, other.value)
            #expect(text[other.key]?.value == other.value && members[other.key]?.value == other.value)
        }
        #expect(text["absent"] == nil && members["absent"] == nil)
    }

    @Test(arguments: ReadingTests.valid)
    func validText(_ row: (text: String, compact: String)) throws {
        compare(try JSONText(parsing: row.text), try JSONValue(parsing: row.text))
        compare(try JSONText(parsing: Array(row.compact.utf8)), try JSONValue(parsing: row.text))
    }

    @Test(arguments: ReadingTests.invalid)
    func invalidText(_ row: (text: String, offset: Int, reason: String)) {
        #expect {
            try JSONText(parsing: row.text)
        } throws: { error in
            (error as? JSONError)?.reason == row.reason && (error as? JSONError)?.offset == row.offset
        }
    }

    @Test("every type, with texts of every length before and after each special character")
    func lengths() throws {
        compare(
            try JSONText(
                parsing: #"{"t":"x","n":-12,"d":1.0,"b":[true,false],"z":null,"o":{"k":{}},"l":[]}"#),
            try JSONValue(
                parsing: #"{"t":"x","n":-12,"d":1.0,"b":[true,false],"z":null,"o":{"k":{}},"l":[]}"#))
        for special in ["", #"\""#, #"\\"#, #"\n"#, #"\u0041"#, "é", "€", "😀", "\u{7F}", #"\ud83d\ude00"#] {
            for before in 0..<18 {
                for after in [0, 1, 7, 8, 9] {
                    let content =
                        String(repeating: "a", count: before) + special + String(repeating: "b", count: after)
                    let text = "{\"\(content)\":[\"\(content)\",1]}"
                    compare(try JSONText(parsing: text), try JSONValue(parsing: text))
                    #expect(try JSONText(parsing: text).members?.all.first?.value.kind == .array)
                }
            }
        }
        #expect(JSONText.emptyObject.value == .object(JSONObject()))
    }

    @Test("bytes below a blank are refused wherever they stand among eight")
    func controlCharacters() {
        for place in 0..<20 {
            for byte in [0x00, 0x01, 0x0A, 0x1F] as [UInt8] {
                var bytes = Array("\"\(String(repeating: "~", count: 20))\"".utf8)
                bytes[1 + place] = byte
                #expect {
                    try JSONText(parsing: bytes)
                } throws: { error in
                    (error as? JSONError)?.offset == 1 + place
                        && (error as? JSONError)?.reason == "a control character in a string must be escaped"
                }
            }
        }
    }

    @Test("members are known by their names, by every byte and whatever their length")
    func names() throws {
        var known: [String] = ["", "é", "a\"b"]
        for length in 1...40 { known += ["a", "b"].map { String(repeating: "k", count: length) + $0 } }
        let names = JSONNames(known)
        let others = known.map { $0 + "x" } + ["e\u{301}", "kx", "A"]
        let all = known + others
        let object = JSONObject(all.map { ($0, .null) })
        let members = try #require(try JSONText(parsing: JSONValue.object(object).description).members)
        var found: [Int?] = []
        members.forEach(named: names) { name, kind, place in
            #expect(
                kind == .null
                    && Array(members.key(at: place).utf8) == Array(all[found.count].utf8))
            found.append(name)
        }
        #expect(found == known.indices.map { $0 } + others.map { _ in nil })
        members.forEach(named: JSONNames([])) { name, _, _ in #expect(name == nil) }
    }
}
