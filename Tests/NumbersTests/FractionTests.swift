import Numbers
import Testing

@Suite("Fractions")
struct FractionTests {
    /// Chains of operations, computed with Python's fractions: value and one rounding of each step.
    @Test func chains() throws {
        let rows = try table("fraction")
        #expect(rows.count > 400)
        for row in rows {
            var value = try ExactFraction(row[0])
            var refused = false
            for step in row[1].split(separator: " ") {
                let parts = step.split(separator: "~")
                do {
                    value = try self.step(parts[0], value, parts[1])
                    #expect(value.description == parts[2], "\(row[0]) \(row[1])")
                } catch {
                    refused = true
                    #expect("\(error)" == "\(NumberError.overflow)" && parts[2] == "overflow", "\(row[1])")
                }
            }
            if refused { continue }
            let places = try #require(Int(row[2]))
            for (rounding, wanted) in zip(Rounding.allCases, row[3].split(separator: " ")) {
                #expect(try value.rounded(places: places, rounding: rounding).description == wanted)
            }
        }
    }

    private func step(
        _ operation: Substring, _ value: ExactFraction, _ operand: Substring
    ) throws -> ExactFraction {
        switch operation {
        case "+": try value + ExactFraction(operand)
        case "-": try value - ExactFraction(operand)
        case "*": try value.times(ExactDecimal(operand))
        case "/": try value.over(ExactDecimal(operand))
        default: try value.over(ExactFraction(operand))
        }
    }

    private func forAll(_ body: (inout SeededGenerator) throws -> Void) throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 { try body(&generator) }
    }

    /// A sum of quotients, whose denominators soon leave a machine word.
    private func some(_ generator: inout SeededGenerator) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let divisor = try generator.number().magnitude + .one
            guard let part = try? ExactFraction(generator.number()).over(divisor),
                let next = try? sum + part
            else { continue }
            sum = next
        }
        return sum
    }

    /// Sums do not depend on their order, differences undo them, quotients undo products.
    @Test func laws() throws {
        try forAll { generator in
            let first = try some(&generator), second = try some(&generator)
            let factor = try generator.number()
            guard let sum = try? first + second, let product = try? sum.times(factor) else { return }
            #expect(try second + first == sum)
            #expect(try sum - second == first)
            #expect(try -(-first - second) == sum)
            if !factor.isZero { #expect(try product.over(factor) == sum) }
            if !sum.isZero, let ratio = try? first.over(sum), let rest = try? second.over(sum) {
                #expect(try ratio + rest == .one)
            }
            #expect(try (first < second) == (second - first).isPositive)
            #expect((first == second) == (first.description == second.description))
        }
    }

    /// The text is the number, and the roundings are its neighbours.
    @Test func textAndRoundings() throws {
        try forAll { generator in
            let number = try some(&generator)
            #expect(try ExactFraction(number.description) == number)
            #expect(try ExactFraction(number.description).description == number.description)
            let places = Int.random(in: 0...18, using: &generator)
            let below = try number.rounded(places: places, rounding: .floor)
            let above = try number.rounded(places: places, rounding: .ceiling)
            #expect(ExactFraction(below) <= number && number <= ExactFraction(above))
            let gap = try (above - below).units
            #expect(gap == 0 || gap == Int128(10).power(18 - places))
            let nearest = try ExactFraction(number.rounded(places: places, rounding: .halfUp))
            let low = try (number - ExactFraction(below)).magnitude
            let high = try (ExactFraction(above) - number).magnitude
            #expect(try (nearest - number).magnitude == min(low, high))
        }
    }

    /// A decimal is what it was, however it is reached.
    @Test func decimals() throws {
        try forAll { generator in
            let number = try generator.number()
            #expect(ExactFraction(number).decimal == number)
            #expect(ExactFraction(number).description == number.description)
            #expect(try ExactFraction(number.description).decimal == number)
        }
        #expect(try ExactFraction("1").over(ExactDecimal("8")).decimal?.description == "0.125")
        #expect(try ExactFraction("1").over(ExactDecimal("3")).decimal == nil)
    }

    @Test func limits() throws {
        let greatest = ExactFraction(.greatest)
        #expect(throws: NumberError.overflow) { try greatest + .one }
        #expect(throws: NumberError.overflow) { try greatest.times(ExactDecimal("1.1")) }
        #expect(throws: NumberError.overflow) { try greatest.over(ExactDecimal("0.7")) }
        #expect(throws: NumberError.divisionByZero) { try greatest.over(.zero as ExactDecimal) }
        #expect(throws: NumberError.divisionByZero) { try ExactFraction("1/0") }
        for text in ["", "-", "1.", ".5", "1/", "/3", "1.5/2", "+1", " 1", "1e5", "--1", "1/-2"] {
            #expect(throws: NumberError.malformed, "\(text)") { try ExactFraction(text) }
        }
        // A tie that only the exact fraction tells from its neighbours.
        let third = try ExactFraction("1/3"), tie = try ExactDecimal("0.00000000000000005")
        let parts = try [third, third, third].map { try $0.times(tie) }.sum()
        #expect(try parts.rounded(places: 16, rounding: .halfUp).description == "0.0000000000000001")
        #expect(try ExactFraction("2/4").description == "0.5")
        #expect(try ExactFraction("-20/6").description == "-10/3")
        #expect(
            try ExactFraction("0.00000000000000000000000001").description == "0.00000000000000000000000001")
    }
}

extension Int128 {
    fileprivate func power(_ exponent: Int) -> Int128 {
        (0..<exponent).reduce(1) { power, _ in power * self }
    }
}
