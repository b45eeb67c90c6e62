import Foundation
import Numbers
import Testing

/// Reads the rows of a table; lines that start with '#' are comments.
func table(_ name: String) throws -> [[String]] {
    let address = try #require(
        Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Tables"))
    let text = try String(contentsOf: address, encoding: .utf8)
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
        line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
}

/// What a computation came to, as the tables write it: the plain form or the name of the error.
func outcome(_ compute: () throws(NumberError) -> ExactDecimal) -> String {
    do {
        return try compute().description
    } catch {
        switch error {
        case .malformed: return "malformed"
        case .tooPrecise: return "tooPrecise"
        case .overflow: return "overflow"
        case .divisionByZero: return "divisionByZero"
        }
    }
}

/// The expected results by direction; "=" stands for the one before.
private func expectations(_ columns: some Sequence<String>) -> [String] {
    columns.reduce(into: []) { results, column in
        results.append(column == "=" ? results.last ?? "" : column)
    }
}

/// Compares the results in all directions with the last six columns of a row.
private func check(
    _ row: [String], _ compute: (Rounding) throws(NumberError) -> ExactDecimal
) {
    let expected = expectations(row.suffix(6))
    for (rounding, wanted) in zip(Rounding.allCases, expected) {
        let got = outcome { () throws(NumberError) in try compute(rounding) }
        #expect(got == wanted, "\(row.dropLast(6)) \(rounding)")
    }
}

@Suite("Tables computed with unlimited integers")
struct TableTests {
    @Test func parsing() throws {
        let rows = try table("parse")
        #expect(rows.count > 500)
        for row in rows {
            let bytes = Array(row[0].utf8)
            var units = ""
            let fromBytes = outcome { () throws(NumberError) in
                let number = try ExactDecimal(parsing: bytes)
                units = String(number.units)
                return number
            }
            #expect((units.isEmpty ? fromBytes : units) == row[1], "'\(row[0])'")
            #expect(outcome { () throws(NumberError) in try ExactDecimal(row[0]) } == fromBytes)
            #expect(outcome { () throws(NumberError) in try ExactDecimal(row[0][...]) } == fromBytes)
            let scattered = bytes.lazy.map { $0 }
            #expect(outcome { () throws(NumberError) in try ExactDecimal(parsing: scattered) } == fromBytes)
            let fromRaw = outcome { () throws(NumberError) in
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
                defer { copy.deallocate() }
                copy.copyBytes(from: bytes)
                return try ExactDecimal(parsing: UnsafeRawBufferPointer(copy))
            }
            #expect(fromRaw == fromBytes)
        }
    }

    @Test func printing() throws {
        let rows = try table("print")
        #expect(rows.count > 400)
        for row in rows {
            let number = try ExactDecimal(units: try #require(Int128(row[0])))
            let places = try #require(Int(row[1]))
            #expect(number.text(minimumPlaces: places) == row[2])
            var bytes = Array("x".utf8)
            number.append(to: &bytes, minimumPlaces: places)
            #expect(bytes == Array("x\(row[2])".utf8))
            let plain = number.description
            let point = plain.firstIndex(of: ".")
            #expect(number.fractionDigits == point.map { plain[$0...].count - 1 } ?? 0)
        }
    }

    @Test func addition() throws {
        for row in try table("add") {
            let first = try ExactDecimal(row[0]), second = try ExactDecimal(row[1])
            #expect(outcome { () throws(NumberError) in try first + second } == row[2])
            #expect(outcome { () throws(NumberError) in try first - second } == row[3])
        }
    }

    @Test func multiplication() throws {
        for row in try table("multiply") {
            let first = try ExactDecimal(row[0]), second = try ExactDecimal(row[1])
            let places = try #require(Int(row[2]))
            check(row) { rounding throws(NumberError) in
                try first.times(second, places: places, rounding: rounding)
            }
            check(row) { rounding throws(NumberError) in
                var sum = ProductSum()
                try sum.add(first, times: second)
                return try sum.rounded(places: places, rounding: rounding)
            }
            guard places == 18 else { continue }
            check(row) { rounding throws(NumberError) in try first.times(second, rounding: rounding) }
        }
    }

    @Test func division() throws {
        for row in try table("divide") {
            let first = try ExactDecimal(row[0]), second = try ExactDecimal(row[1])
            let places = try #require(Int(row[2]))
            check(row) { rounding throws(NumberError) in
                try first.over(second, places: places, rounding: rounding)
            }
            check(row) { rounding throws(NumberError) in
                try first.times(.one, over: second, places: places, rounding: rounding)
            }
            guard places == 18 else { continue }
            check(row) { rounding throws(NumberError) in try first.over(second, rounding: rounding) }
        }
    }

    @Test func multiplicationWithDivision() throws {
        for row in try table("multiply-divide") {
            let first = try ExactDecimal(row[0]), second = try ExactDecimal(row[1])
            let divisor = try ExactDecimal(row[2])
            let places = try #require(Int(row[3]))
            check(row) { rounding throws(NumberError) in
                try first.times(second, over: divisor, places: places, rounding: rounding)
            }
        }
    }

    @Test func rounding() throws {
        for row in try table("round") {
            let number = try ExactDecimal(row[0])
            let places = try #require(Int(row[1]))
            check(row) { rounding throws(NumberError) in
                try number.rounded(places: places, rounding: rounding)
            }
            #expect(number.cut(places: places).description == row[2])
        }
    }
}
