import JSON
import Testing

@Suite("Arrays read some elements at a time")
struct ArrayReaderTests {
    /// What a reader makes of a text, in portions of so many elements and bytes.
    private func read(
        _ text: String, longest: Int = 1_000, elements: Int = 3, bytes: Int = 40
    ) -> Result<[JSONValue], JSONArrayReader.Failure> {
        var reader = JSONArrayReader(longestElement: longest)
        var values: [JSONValue] = []
        let content = Array(text.utf8)
        let failure = content.withUnsafeBufferPointer { buffer -> JSONArrayReader.Failure? in
            do throws(JSONArrayReader.Failure) {
                while !reader.isAtEnd {
                    try reader.read(buffer, elements: elements, bytes: bytes) { values.append($0) }
                }
                return nil
            } catch {
                return error
            }
        }
        return failure.map { .failure($0) } ?? .success(values)
    }

    @Test(
        "The elements are those of the whole array, whatever the portions",
        arguments: [
            "[]", " [ ] ", "[1]", "[1,2,3,4,5,6,7]", #"[{"a":1},{"a":2},{"b":{"a":[1,2]}},null,true,"x\ny"]"#,
            "[[],[[]],{}, \"é\" , \"\\u00e9\" ]\n",
            "[" + Array(repeating: #"{"k":"v"}"#, count: 50).joined(separator: " , ") + "]",
        ])
    func whole(text: String) throws {
        let wanted = try #require(try JSONValue(parsing: text).elements)
        for (elements, bytes) in [(1, 1), (2, 7), (3, 40), (1_000, 1_000_000)] {
            #expect(read(text, elements: elements, bytes: bytes) == .success(wanted))
        }
    }

    @Test(
        "A mistake has the place and the reason that it has in the whole text",
        arguments: [
            "", "[", "[1", "[1,", "[1,]", "[,]", "[1 2]", "[1}", "[1]]", "[] x", "[1,\n{\"a\":1,\"a\":2}]",
            "[tru]",
            "[\"a]", "[\"\u{1}\"]", "[{\"a\"}]", "[1,2,3,4,5,6,7,8,9,\n01]",
            "[1]" + String(repeating: " ", count: 3_000) + "x",
        ])
    func mistakes(text: String) {
        let wanted = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        guard let wanted else { return }
        for (elements, bytes) in [(1, 1), (2, 7), (1_000, 1_000_000)] {
            #expect(read(text, elements: elements, bytes: bytes) == .failure(.malformed(wanted)))
        }
    }

    @Test("Another value than an array", arguments: ["{}", " 1", "\"[\"", "null"])
    func noArray(text: String) { #expect(read(text) == .failure(.noArray)) }

    @Test("An element may have so many bytes and no more")
    func longest() {
        let fits = "[1,\"" + String(repeating: "x", count: 98) + "\",2]"
        #expect((try? read(fits, longest: 100).get())?.count == 3)
        for long in [
            "[1,\"" + String(repeating: "x", count: 99) + "\",2]",
            "[1," + String(repeating: "[", count: 60) + String(repeating: "1", count: 1_000),
            "[1,\"" + String(repeating: "x", count: 5_000),
            "[1," + String(repeating: " ", count: 5_000) + "2]",
        ] {
            #expect(read(long, longest: 100) == .failure(.tooLong(offset: 3)))
        }
    }

    @Test("Nesting is counted from the array on")
    func depth() {
        let deep = "[" + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "]"
        #expect((try? read(deep).get())?.count == 1)
        #expect((try? JSONValue(parsing: deep)) != nil)
        let deeper = "[\(deep)]"
        #expect((try? read(deeper).get()) == nil)
        #expect((try? JSONValue(parsing: deeper)) == nil)
    }
}

@Suite("Texts by their bytes")
struct ExactTextTests {
    static let pairs: [(String, String)] = [
        ("caf\u{e9}", "cafe\u{301}"), ("K", "\u{212a}"), (";", "\u{37e}"), ("`", "\u{1fef}"),
        ("\u{1e0b}\u{323}", "\u{1e0d}\u{307}"), ("\u{c5}", "\u{212b}"), ("\u{ac00}", "\u{1100}\u{1161}"),
    ]

    @Test("Texts that look alike are two, in a dictionary and a set too", arguments: pairs)
    func lookalikes(one: String, other: String) {
        #expect(one == other, "Swift takes them for one")
        #expect(ExactText(one) != ExactText(other))
        #expect(!one.isExactly(other))
        #expect(one.isExactly(String(decoding: Array(one.utf8), as: UTF8.self)))
        let places: [ExactText: Int] = [ExactText(one): 1, ExactText(other): 2]
        #expect(places[ExactText(one)] == 1)
        #expect(places[ExactText(other)] == 2)
        #expect(Set([one, other].map { ExactText($0) }).count == 2)
        #expect(![one].containsExactly(other))
        #expect([one].containsExactly(one))
        #expect(Optional(one).isExactly(one))
        #expect(!Optional(one).isExactly(nil))
        #expect(Optional<String>.none.isExactly(nil))
    }
}
