import Testing
import Venue

@Suite("Queries and targets")
struct QueryTests {
    struct Row: Sendable {
        let query: String
        let items: [(String, String)]
    }

    static let rows: [Row] = [
        Row(query: "", items: []),
        Row(query: "a=1", items: [("a", "1")]),
        Row(query: "a=1&b=2&a=3", items: [("a", "1"), ("b", "2"), ("a", "3")]),
        Row(query: "a", items: [("a", "")]),
        Row(query: "a=", items: [("a", "")]),
        Row(query: "=1", items: [("", "1")]),
        Row(query: "a=b=c", items: [("a", "b=c")]),
        Row(query: "&&a=1&&", items: [("a", "1")]),
        Row(query: "ccy=BTC%2CETH", items: [("ccy", "BTC,ETH")]),
        Row(query: "a%26b=c%3Dd", items: [("a&b", "c=d")]),
        Row(query: "a=x+y%2Bz", items: [("a", "x y+z")]),
        Row(query: "a=%e2%82%AC", items: [("a", "€")]),
        Row(query: "a=100%&b=%4&c=%zz", items: [("a", "100%"), ("b", "%4"), ("c", "%zz")]),
        Row(query: "a=%ff", items: [("a", "\u{FFFD}")]),
    ]

    @Test("A query's parameters in their order, decoded", arguments: rows)
    func parsing(_ row: Row) {
        let items = QueryItem.parse(row.query[...])
        #expect(items == row.items.map { QueryItem(name: $0.0, value: $0.1) }, "\(row.query)")
    }

    @Test("The first of two parameters of one name is found; an absent one is nil")
    func lookup() {
        let items = QueryItem.parse("a=1&a=2&b=")
        #expect(items["a"] == "1")
        #expect(items["b"] == "")
        #expect(items["c"] == nil)
    }

    @Test("What is percent-encoded comes back as it was")
    func encodedRoundTrip() {
        var generator = SeededGenerator()
        func text() -> String {
            var text = ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                let value = UInt32.random(in: 0...0x2FFF, using: &generator)
                if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
            }
            return text
        }
        func encoded(_ text: String) -> String {
            text.utf8.map { byte in
                let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                return isLetter ? String(Unicode.Scalar(byte)) : "%" + hexText([byte])
            }.joined()
        }
        for _ in 0..<300 {
            let items = (0..<Int.random(in: 1...5, using: &generator)).map { place in
                QueryItem(name: "\(place)\(text())", value: text())
            }
            let query = items.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&")
            #expect(QueryItem.parse(query[...]) == items, "seed \(generator.seed)")
        }
    }

    @Test(
        "A target's path and query, split at the first question mark",
        arguments: [
            ("/a", "/a", ""), ("/a?b=1", "/a", "b=1"), ("/a?", "/a", ""), ("/a?b=?&c=%3F", "/a", "b=?&c=%3F"),
        ])
    func target(_ target: String, _ path: String, _ query: String) {
        let request = VenueRequest(
            method: "GET", target: target, body: [], remoteAddress: "::1", header: { _ in nil })
        #expect(request.path == path)
        #expect(request.query == query)
    }
}

@Suite("Addresses")
struct AddressRangeTests {
    @Test(
        "A range and addresses within and without",
        arguments: [
            (
                "10.1.2.3", ["10.1.2.3", "::ffff:10.1.2.3", "::FFFF:0a01:0203"],
                ["10.1.2.4", "::a01:203", "x", ""]
            ),
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "9.255.255.255", "::a00:0"]),
            ("192.168.4.0/22", ["192.168.4.0", "192.168.7.255"], ["192.168.3.255", "192.168.8.0"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1"]),
            ("1.2.3.4/32", ["1.2.3.4"], ["1.2.3.5"]),
            ("::1", ["::1", "0:0:0:0:0:0:0:1", "0000::0001"], ["::2", "127.0.0.1"]),
            (
                "2001:db8::/32", ["2001:db8::", "2001:DB8:ffff::1", "2001:db8:1:2:3:4:5:6"],
                ["2001:db9::", "2001::db8"]
            ),
            ("2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]),
            ("::/0", ["::", "fe80::1"], ["1.2.3.4"]),
            ("::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.1.1.1"], ["11.0.0.0"]),
            ("64:ff9b::1.2.3.4", ["64:ff9b::102:304"], ["1.2.3.4"]),
        ] as [(String, [String], [String])])
    func membership(_ text: String, _ within: [String], _ without: [String]) throws {
        let range = try #require(AddressRange(text))
        #expect(range.text == text)
        for address in within { #expect(range.contains(address), "\(address) in \(text)") }
        for address in without { #expect(!range.contains(address), "\(address) not in \(text)") }
    }

    @Test(
        "What is neither an address nor a network",
        arguments: [
            "", "/", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-1", "1.2.3.+1", "01.2.3.4", "1.2.3.4/33",
            "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/", "1.2.3.4/8/8", "1..3.4", " 1.2.3.4", ":", ":::",
            "1::2::3",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::g", "::+1", "::-0", "::1/129", "1.2.3.4::1",
            "1:2:3:4:5:6:7::8:9", "::1.2.3", "fe80::1%eth0",
        ])
    func refused(_ text: String) { #expect(AddressRange(text) == nil) }

    @Test("A network holds exactly the addresses that share its prefix")
    func prefixes() throws {
        var generator = SeededGenerator()
        func address(_ value: UInt32) -> String {
            [24, 16, 8, 0].map { String(value >> UInt32($0) & 255) }.joined(separator: ".")
        }
        for _ in 0..<500 {
            let base = UInt32.random(in: .min ... .max, using: &generator)
            let length = Int.random(in: 0...32, using: &generator)
            let range = try #require(AddressRange("\(address(base))/\(length)"))
            // Close neighbours, so that both answers are common.
            let other = base ^ (1 << UInt32.random(in: 0...31, using: &generator))
            let isWithin = length == 0 || base >> UInt32(32 - length) == other >> UInt32(32 - length)
            #expect(range.contains(address(other)) == isWithin, "seed \(generator.seed)")
        }
    }
}
