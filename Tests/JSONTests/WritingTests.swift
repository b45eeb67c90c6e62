import JSON
import Numbers
import Testing

@Suite("Writing JSON")
struct WritingTests {
    @Test func aWholeDocument() throws {
        var writer = JSONWriter(reserving: 64)
        let price = try ExactDecimal("59000.1")
        let dynamicKey = "a\"b"
        writer.beginObject()
        writer.key("price")
        writer.quoted(price)
        writer.key("padded")
        writer.quoted(price, minimumPlaces: 4)
        writer.key("plain")
        writer.number(-price)
        writer.key(dynamicKey)
        writer.beginArray()
        writer.integer(.min)
        writer.integer(0)
        writer.integer(.max)
        writer.quoted(Int64(1_727_650_000_000))
        writer.bool(true)
        writer.bool(false)
        writer.null()
        writer.beginArray()
        writer.endArray()
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.key("text")
        writer.string("é\n")
        writer.key("side")
        writer.literal("buy")
        writer.key("raw")
        writer.raw("[1]".utf8)
        writer.key("value")
        writer.value(.object(JSONObject([("z", .number("1.0")), ("a", .null)])))
        writer.endObject()
        let expected =
            #"{"price":"59000.1","padded":"59000.1000","plain":-59000.1,"a\"b":"#
            + #"[-9223372036854775808,0,9223372036854775807,"1727650000000",true,false,null,[],{}],"#
            + #""text":"é\n","side":"buy","raw":[1],"value":{"z":1.0,"a":null}}"#
        #expect(writer.text == expected)
        #expect(try JSONValue(parsing: writer.bytes).description == expected)
        writer.removeAll()
        writer.beginArray()
        writer.endArray()
        #expect(writer.text == "[]")
    }

    @Test func members() throws {
        var writer = JSONWriter()
        let price = try ExactDecimal("59000.1")
        writer.beginObject()
        writer.member("text", "é\n")
        writer.member("side", literal: "buy")
        writer.member("count", 3)
        writer.member("open", false)
        writer.member("price", quoted: price)
        writer.member("padded", quoted: price, minimumPlaces: 4)
        writer.member("at", quoted: Int64(17))
        writer.member("plain", number: -price)
        writer.member("raw", raw: "[1]".utf8)
        writer.member("value", JSONValue.null)
        writer.beginArray("rows")
        writer.endArray()
        writer.beginObject("more")
        writer.endObject()
        writer.endObject()
        #expect(
            writer.text
                == #"{"text":"é\n","side":"buy","count":3,"open":false,"price":"59000.1","#
                + #""padded":"59000.1000","at":"17","plain":-59000.1,"raw":[1],"value":null,"rows":[],"more":{}}"#
        )
    }

    /// A long key takes another way than a short one; both must look the same.
    @Test func keysOfEveryLength() throws {
        var writer = JSONWriter()
        writer.beginObject()
        for _ in 0..<2 {
            writer.key("k")
            writer.null()
            writer.key("123456789012345678901234567890123456789012345678901234567890")
            writer.null()
            writer.key("1234567890123456789012345678901234567890123456789012345678901")
            writer.null()
        }
        writer.endObject()
        let digits = String(repeating: "1234567890", count: 6)
        let half = "\"k\":null,\"\(digits)\":null,\"\(digits)1\":null"
        #expect(writer.text == "{\(half),\(half)}")
    }

    /// Every character below U+0080 in strings of several lengths, written and read back.
    @Test func escapes() throws {
        let named: [UInt8: String] = [
            0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: "\\\"", 0x5C: "\\\\",
            0x00: "\\u0000", 0x0B: "\\u000b", 0x0F: "\\u000f", 0x10: "\\u0010", 0x1F: "\\u001f",
        ]
        for code in UInt8(0)..<0x80 {
            let character = String(Unicode.Scalar(code))
            for padding in [0, 3, 61, 62, 63, 200] {
                let filler = String(repeating: "é", count: padding / 2) + (padding % 2 == 1 ? "x" : "")
                let written = JSONValue.string(filler + character + filler).description
                if let escape = named[code] {
                    #expect(written == "\"" + filler + escape + filler + "\"")
                } else if code >= 0x20 {
                    #expect(written == "\"" + filler + character + filler + "\"")
                }
                #expect(try JSONValue(parsing: written) == .string(filler + character + filler))
            }
        }
    }

    @Test func canonicalFormDoesNotDependOnOrder() throws {
        let first = try JSONValue(
            parsing: #"{ "b" : [ {"y":1,"x":2} ], "aa":"\u0041", "a":null, "é":1, "Z":1.0 }"#)
        let second = try JSONValue(parsing: #"{"\u00e9":1,"a":null,"Z":1.0,"aa":"A","b":[{"x":2,"y":1}]}"#)
        #expect(first != second)
        #expect(first.canonicalBytes() == second.canonicalBytes())
        let expected = #"{"Z":1.0,"a":null,"aa":"A","b":[{"x":2,"y":1}],"é":1}"#
        #expect(String(decoding: first.canonicalBytes(), as: UTF8.self) == expected)
        // The order is by bytes, where U+FFFF comes before U+10000, and not by UTF-16.
        let wide = try JSONValue(parsing: "{\"\u{10000}\":1,\"\u{FFFF}\":2,\"\":3}")
        let ordered = "{\"\":3,\"\u{FFFF}\":2,\"\u{10000}\":1}"
        #expect(String(decoding: wide.canonicalBytes(), as: UTF8.self) == ordered)
    }
}

/// A small generator whose whole state is its seed (SplitMix64), so that a failure can be run again.
private struct SeededGenerator: RandomNumberGenerator {
    private var numbers: SplitMix64

    init(state: UInt64) { numbers = SplitMix64(seed: state) }

    mutating func next() -> UInt64 { numbers.next() }

    mutating func text() -> String {
        let alphabet: [Character] = ["a", "b", "\"", "\\", "\n", "\u{1}", "é", "€", "😀", " ", "/", "0"]
        return String(
            (0..<Int.random(in: 0...20, using: &self)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &self)]
            })
    }

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2, 3: return .string(text())
        case 4: return .number(["0", "-0", "1.50", "1e9", "-12.5E-3"][Int.random(in: 0..<5, using: &self)])
        case 5: return .array((0..<Int.random(in: 0...4, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            var members: [(key: String, value: JSONValue)] = []
            for index in 0..<Int.random(in: 0...20, using: &self) {
                members.append(("\(text())\(index)", value(depth: depth - 1)))
            }
            return .object(JSONObject(members))
        }
    }
}

@Suite("Round trips of random values")
struct RoundTripTests {
    @Test func readingUndoesWriting() throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(state: seed)
        for _ in 0..<400 {
            let value = generator.value(depth: 3)
            let text = value.description
            let read = try JSONValue(parsing: text)
            #expect(read == value)
            #expect(read.description == text)
            let canonical = try JSONValue(parsing: value.canonicalBytes())
            #expect(canonical.canonicalBytes() == value.canonicalBytes())
            #expect(canonical.description.utf8.elementsEqual(value.canonicalBytes()))
        }
    }

    /// Whatever one wrong byte does to a text, the reader ends with a value or an error, and never elsewhere.
    @Test func damagedTextNeverTraps() throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(state: seed)
        for _ in 0..<4000 {
            var bytes = Array(generator.value(depth: 2).description.utf8)
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            default: bytes.removeSubrange(index...)
            }
            if let value = try? JSONValue(parsing: bytes) {
                #expect(try JSONValue(parsing: value.description) == value)
            }
        }
    }
}
