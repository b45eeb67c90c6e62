import Numbers
import Testing

/// A small generator whose whole state is its seed (SplitMix64), so that a failure can be run again.
typealias SeededGenerator = SplitMix64

extension SplitMix64 {
    /// A number of a random size, mostly with few decimals.
    mutating func number() throws -> ExactDecimal {
        let bits = Int.random(in: 0...126, using: &self)
        let raw = UInt128(next()) << 64 | UInt128(next())
        let magnitude = Int128(truncatingIfNeeded: raw >> UInt128(128 - bits))
        let sign: Int128 = Bool.random(using: &self) ? 1 : -1
        return try ExactDecimal(units: bits == 0 ? 0 : sign * magnitude)
            .cut(places: Bool.random(using: &self) ? 18 : Int.random(in: 0...18, using: &self))
    }
}

@Suite("Properties over random numbers")
struct PropertyTests {
    static let rounds = 4000

    /// Runs a body on many random states; a failure names the seed.
    private func forAll(_ body: (inout SeededGenerator) throws -> Void) throws {
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<Self.rounds { try body(&generator) }
    }

    @Test func parsingUndoesPrinting() throws {
        try forAll { generator in
            let number = try generator.number()
            let places = Int.random(in: -2...30, using: &generator)
            #expect(try ExactDecimal(number.description) == number)
            #expect(try ExactDecimal(number.text(minimumPlaces: places)) == number)
            #expect(number.cut(places: number.fractionDigits) == number)
        }
    }

    @Test func subtractionUndoesAddition() throws {
        try forAll { generator in
            let first = try generator.number(), second = try generator.number()
            guard let sum = try? first + second else { return }
            #expect(try sum - second == first)
            #expect(try sum - first == second)
            #expect(try second + first == sum)
            var total = first
            try total += second
            #expect(total == sum)
            try total -= second
            #expect(total == first)
            #expect(try [first, second, -first].sum() == second)
        }
    }

    @Test func orderOfFactorsDoesNotMatter() throws {
        try forAll { generator in
            let first = try generator.number(), second = try generator.number()
            let places = Int.random(in: 0...18, using: &generator)
            for rounding in Rounding.allCases {
                let one = outcome { () throws(NumberError) in
                    try first.times(second, places: places, rounding: rounding)
                }
                let other = outcome { () throws(NumberError) in
                    try second.times(first, places: places, rounding: rounding)
                }
                #expect(one == other)
            }
        }
    }

    @Test func directionsStandAsTheirNamesSay() throws {
        try forAll { generator in
            let first = try generator.number(), second = try generator.number()
            let places = Int.random(in: 0...18, using: &generator)
            guard !second.isZero,
                let low = try? first.over(second, places: places, rounding: .floor),
                let high = try? first.over(second, places: places, rounding: .ceiling),
                let near = try? first.over(second, places: places, rounding: .towardZero),
                let far = try? first.over(second, places: places, rounding: .awayFromZero),
                let half = try? first.over(second, places: places, rounding: .halfUp),
                let even = try? first.over(second, places: places, rounding: .halfEven)
            else { return }
            let step = places.lastStep
            #expect(high.units - low.units == 0 || high.units - low.units == step)
            #expect(near.magnitude <= far.magnitude)
            #expect([low, high].contains(half) && [low, high].contains(even))
            #expect(Set([near, far]) == Set([low, high]))
            // low × divisor ≤ dividend ≤ high × divisor on exact products, turned for a negative divisor.
            let below = ExactDecimal.compareProducts(low, second, first, .one)
            let above = ExactDecimal.compareProducts(high, second, first, .one)
            #expect(second.isPositive ? below != .greater : below != .less)
            #expect(second.isPositive ? above != .less : above != .greater)
        }
    }

    @Test func comparisonOfProductsAgreesWithSubtraction() throws {
        try forAll { generator in
            let numbers = try (0..<4).map { _ in try generator.number() }
            let result = ExactDecimal.compareProducts(numbers[0], numbers[1], numbers[2], numbers[3])
            let turned = ExactDecimal.compareProducts(numbers[2], numbers[3], numbers[0], numbers[1])
            #expect(turned.rawValue == -result.rawValue)
            #expect(ExactDecimal.compareProducts(numbers[0], numbers[1], numbers[1], numbers[0]) == .equal)
            var difference = ProductSum()
            try difference.add(numbers[0], times: numbers[1])
            try difference.add(-numbers[2], times: numbers[3])
            guard let rounded = try? difference.rounded(places: 18, rounding: .awayFromZero) else { return }
            #expect(rounded.signum == result.rawValue)
        }
    }

    @Test func sumOfProductsIsExact() throws {
        try forAll { generator in
            // Products of whole numbers with 18-decimal ones need no rounding, so both ways must agree.
            var sum = ProductSum()
            var total = ExactDecimal.zero
            for _ in 0..<10 {
                let whole = ExactDecimal(Int.random(in: -1000...1000, using: &generator))
                let fine = try generator.number().over(ExactDecimal(1_000_000_000), rounding: .towardZero)
                try sum.add(whole, times: fine)
                total = try total + whole.times(fine, rounding: .towardZero)
            }
            #expect(try sum.rounded(places: 18, rounding: .awayFromZero) == total)
            #expect(try sum.rounded(places: 18, rounding: .towardZero) == total)
        }
    }
}

extension Int {
    /// The units of one step in the last of so many decimals.
    fileprivate var lastStep: Int128 {
        (self..<18).reduce(Int128(1)) { step, _ in step * 10 }
    }
}
