import JSON
import Testing

/// The key that a text has twice in one object, with the place of the second; nil for a text that is read.
private func duplicate(_ text: String) -> (reason: String, offset: Int)? {
    do throws(JSONError) {
        _ = try JSONValue(parsing: text)
        return nil
    } catch {
        return (error.reason, error.offset)
    }
}

/// Random numbers that come again for the same seed.
private struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

@Suite("A key that occurs twice in an object")
struct DuplicateKeyTests {
    /// A row of so many fields whose names are long and differ in their last byte only, or in length.
    private static func row(_ count: Int, value: String = "1") -> [String] {
        (0..<count).map { place in
            let last = Character(Unicode.Scalar(UInt8(ascii: "A") + UInt8(place % 26)))
            return "\"\(String(repeating: "k", count: 20 + place / 26))\(last)\":\(value)"
        }
    }

    private static func object(_ members: [String]) -> String { "{" + members.joined(separator: ",") + "}" }

    @Test("two spellings of one key are one key, wherever the escape stands", arguments: [2, 20])
    func escapes(others: Int) {
        let filling = Self.row(others)
        for (first, second) in [
            ("abc", #"\u0061bc"#), (#"\u0061bc"#, "abc"), (#"ab\u0063"#, #"\u0061bc"#), ("/", #"\/"#),
            (#"\ud83d\ude00"#, "😀"), ("é", #"\u00e9"#), (#"\n"#, #"\u000A"#), (#"\u0061bc"#, #"\u0061bc"#),
        ] {
            let text = Self.object(["\"\(first)\":1"] + filling + ["\"\(second)\":2"])
            #expect(duplicate(text)?.reason.hasSuffix("occurs twice") == true, "\(first) \(second)")
            #expect(duplicate(text)?.offset == text.utf8.count - "\"\(second)\":2}".utf8.count)
        }
        for (first, second) in [
            ("abc", #"\u0061bd"#), ("é", #"e\u0301"#), (#"\u0000"#, ""), ("a", #"\u0061b"#),
        ] {
            #expect(duplicate(Self.object(["\"\(first)\":1"] + filling + ["\"\(second)\":2"])) == nil)
        }
    }

    @Test("keys that differ in the last byte only are different", arguments: [2, 15, 16, 17, 26, 60])
    func lastByte(count: Int) throws {
        let members = Self.row(count)
        #expect(try JSONValue(parsing: Self.object(members)).object?.members.count == count)
        for repeated in members {
            #expect(duplicate(Self.object(members + [repeated])) != nil)
        }
    }

    @Test("among rows of the same keys, the odd one is found", arguments: [3, 15, 16, 40])
    func rows(count: Int) {
        let same = Self.row(count)
        for place in 0..<count {
            for repeated in [0, count / 2, count - 1] where repeated != place {
                // The same keys up to here, then one of them again, in the place of another or on top.
                var replaced = same
                replaced[place] = same[repeated]
                let good = Self.object(same)
                for odd in [replaced, same + [same[place]], [same[place]] + same] {
                    #expect(duplicate("[\(good),\(good),\(Self.object(odd)),\(good)]") != nil)
                    #expect(duplicate("{\"a\":\(good),\"b\":\(Self.object(odd))}") != nil)
                }
            }
        }
    }

    @Test("rows with fewer, more or other keys, or the same in another order, have none twice")
    func differentRows() throws {
        let same = Self.row(40)
        let rows = [
            same, Array(same.dropFirst()), Array(same.dropLast()), same + ["\"more\":1"], same.reversed(),
            ["\"more\":1"] + same, [], same, Self.row(3), same.shuffled(),
            ["\"deep\":[\(Self.object(same))]"],
        ]
        let text = "[" + rows.map(Self.object).joined(separator: ",") + "]"
        let value = try JSONValue(parsing: text)
        #expect(value.description == text)
        #expect(value.elements?.map { $0.object?.members.count } == rows.map(\.count))
    }

    @Test("a key within a value does not count for the object around it")
    func nesting() {
        #expect(duplicate(#"{"a":{"b":1,"c":[{"a":1,"b":2}]},"b":[{"a":1},{"a":2}],"c":3}"#) == nil)
        #expect(duplicate(#"{"a":{"b":1},"b":{"a":{"b":2}},"a":3}"#)?.offset == 31)
        #expect(duplicate(#"[{"a":[{"x":1}],"b":1},{"a":[{"x":1}],"b":1,"a":2}]"#)?.offset == 44)
        var text = #"{"k":1,"k":2}"#
        for _ in 0..<62 { text = "{\"k\":1,\"v\":\(text)}" }
        #expect(duplicate(text)?.reason == #"the key "k" occurs twice"#)
        #expect(duplicate(text)?.offset == 62 * 11 + 7)
    }

    @Test("an object of many keys is read in a time that grows with their number only")
    func manyKeys() throws {
        let members = (0..<100_000).map { "\"\($0)\":0" }
        #expect(try JSONValue(parsing: Self.object(members)).object?.members.count == 100_000)
        #expect(duplicate(Self.object(members + ["\"77777\":0"]))?.reason == #"the key "77777" occurs twice"#)
    }

    @Test("random trees: refused where, and only where, an object has a key twice")
    func trees() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var chance = Chance(state: seed)
        for _ in 0..<1000 {
            var hasDuplicate = false
            let text = Self.tree(depth: 0, hasDuplicate: &hasDuplicate, &chance)
            let found = duplicate(text)
            #expect((found != nil) == hasDuplicate, "seed \(seed): \(text)")
            if let found { #expect(found.reason.hasSuffix("occurs twice"), "seed \(seed): \(text)") }
        }
    }

    /// A tree whose objects mostly repeat the keys of one row, some of them spelt with an escape.
    private static func tree(depth: Int, hasDuplicate: inout Bool, _ chance: inout Chance) -> String {
        switch depth == 3 ? 0 : Int.random(in: 0...3, using: &chance) {
        case 0: return ["null", "\"x\"", "-1.5e3", "{}", "[]"].randomElement(using: &chance) ?? ""
        case 1:
            let count = Int.random(in: 0...4, using: &chance)
            return "["
                + (0..<count).map { _ in tree(depth: depth + 1, hasDuplicate: &hasDuplicate, &chance) }
                .joined(separator: ",") + "]"
        default:
            var keys = Array(
                ["a", "b", "key", "kez", "long key one", "long key two", "é"].prefix(
                    Int.random(in: 1...7, using: &chance)))
            if Bool.random(using: &chance) { keys += (0..<14).map { "more\($0)" } }
            if Int.random(in: 0...9, using: &chance) == 0 {
                keys.insert(
                    keys.randomElement(using: &chance) ?? "",
                    at: Int.random(in: 0...keys.count, using: &chance))
                hasDuplicate = true
            }
            let members = keys.map { key in
                let spelt =
                    Int.random(in: 0...7, using: &chance) == 0 && key.hasPrefix("k")
                    ? "\\u006b" + key.dropFirst() : key
                return "\"\(spelt)\":\(tree(depth: depth + 1, hasDuplicate: &hasDuplicate, &chance))"
            }
            return object(members)
        }
    }
}
