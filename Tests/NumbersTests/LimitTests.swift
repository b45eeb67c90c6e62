import Numbers
import Testing

@Suite("Limits")
struct LimitTests {
    let greatest = ExactDecimal.greatest

    /// One unit, 10⁻¹⁸.
    private func unit() throws -> ExactDecimal { try ExactDecimal(units: 1) }

    @Test func theRangeIsSymmetric() throws {
        #expect(throws: NumberError.overflow) { try ExactDecimal(units: .min) }
        #expect((-greatest).units == -Int128.max)
        #expect((-(-greatest)) == greatest)
        #expect((-greatest).magnitude == greatest)
        #expect(greatest.description == "170141183460469231731.687303715884105727")
        #expect(try ExactDecimal(units: -Int128.max) == -greatest)
        // The sum whose units would be Int128.min, which an unguarded addition holds.
        #expect(throws: NumberError.overflow) { try -greatest - unit() }
        #expect(throws: NumberError.overflow) { try -greatest + -unit() }
        #expect(throws: NumberError.overflow) { try greatest + unit() }
        #expect(try greatest - unit() + unit() == greatest)
    }

    @Test func integersAlwaysFit() throws {
        #expect(ExactDecimal(.max).description == "9223372036854775807")
        #expect(ExactDecimal(.min).description == "-9223372036854775808")
        #expect(ExactDecimal(0) == .zero && ExactDecimal(1) == .one && ExactDecimal.places == 18)
    }

    @Test func anOverflowLeavesTheLeftSideAsItWas() throws {
        var total = greatest
        #expect(throws: NumberError.overflow) { try total += .one }
        #expect(total == greatest)
        total = -greatest
        #expect(throws: NumberError.overflow) { try total -= .one }
        #expect(total == -greatest)
    }

    @Test func roundingMayLeaveTheRange() throws {
        #expect(throws: NumberError.overflow) { try greatest.rounded(places: 0, rounding: .ceiling) }
        #expect(try greatest.rounded(places: 0, rounding: .floor).description == "170141183460469231731")
        #expect(throws: NumberError.overflow) { try (-greatest).rounded(places: 0, rounding: .halfUp) }
        #expect(try (-greatest).rounded(places: 0, rounding: .ceiling) == (-greatest).cut(places: 0))
        #expect(try greatest.times(.one, rounding: .awayFromZero) == greatest)
        #expect(try greatest.over(.one, rounding: .awayFromZero) == greatest)
        #expect(try greatest.times(greatest, over: greatest, rounding: .awayFromZero) == greatest)
    }

    @Test func placesAreHeldWithinTheirRange() throws {
        let number = try ExactDecimal("1234.567890123456789012")
        #expect(try number.rounded(places: -3, rounding: .ceiling) == ExactDecimal(1235))
        #expect(try number.rounded(places: .min, rounding: .floor) == ExactDecimal(1234))
        #expect(try number.rounded(places: 40, rounding: .floor) == number)
        #expect(number.cut(places: .max) == number && number.cut(places: .min) == ExactDecimal(1234))
        #expect(try number.over(ExactDecimal(3), places: -1, rounding: .floor) == ExactDecimal(411))
        #expect(try number.over(ExactDecimal(1), places: 99, rounding: .floor) == number)
        #expect(try number.times(.one, places: .min, rounding: .floor) == ExactDecimal(1234))
        #expect(number.text(minimumPlaces: .min) == "1234.567890123456789012")
        #expect(number.text(minimumPlaces: .max).utf8.count == "1234.".utf8.count + 36)
        #expect(number.text(minimumPlaces: 20) == "1234.56789012345678901200")
    }

    @Test func divisionByZeroIsThrown() throws {
        #expect(throws: NumberError.divisionByZero) { try greatest.over(.zero, rounding: .floor) }
        #expect(throws: NumberError.divisionByZero) {
            try ExactDecimal.zero.over(.zero, places: 2, rounding: .floor)
        }
        #expect(throws: NumberError.divisionByZero) {
            try greatest.times(greatest, over: .zero, rounding: .floor)
        }
    }

    @Test func productsAreComparedWithoutRounding() throws {
        // 1/3 and its first eighteen digits differ only beyond what a product could hold.
        let digits = try ExactDecimal("0.333333333333333333")
        let two = ExactDecimal(2), three = ExactDecimal(3), six = ExactDecimal(6)
        #expect(ExactDecimal.compareProducts(.one, .one, digits, three) == .greater)
        #expect(ExactDecimal.compareProducts(-.one, .one, -digits, three) == .less)
        #expect(ExactDecimal.compareProducts(two, three, .one, six) == .equal)
        #expect(ExactDecimal.compareProducts(greatest, greatest, greatest, -greatest) == .greater)
        #expect(ExactDecimal.compareProducts(-greatest, greatest, greatest, .zero) == .less)
        #expect(ExactDecimal.compareProducts(.zero, greatest, -.one, .zero) == .equal)
    }

    @Test func aSumOfProductsOverflowsOnlyPast256Bits() throws {
        var sum = ProductSum()
        try sum.add(greatest, times: greatest)
        #expect(throws: NumberError.overflow) { try sum.rounded(places: 18, rounding: .floor) }
        try sum.add(greatest, times: -greatest)
        try sum.add(.one)
        #expect(try sum.rounded(places: 18, rounding: .floor) == .one)
        // Each product is just below 2²⁵⁴: a third one no longer fits beside two.
        for sign in [greatest, -greatest] {
            var full = ProductSum()
            try full.add(sign, times: greatest)
            try full.add(sign, times: greatest)
            #expect(throws: NumberError.overflow) { try full.add(sign, times: greatest) }
            try full.add(-sign, times: greatest)
            try full.add(-sign, times: greatest)
            #expect(try full.rounded(places: 18, rounding: .awayFromZero) == .zero)
        }
    }

    @Test func signsAndOrder() throws {
        let half = try ExactDecimal("-0.5")
        #expect(half.isNegative && !half.isPositive && !half.isZero && half.signum == -1)
        #expect(ExactDecimal.zero.isZero && ExactDecimal.zero.signum == 0 && ExactDecimal.one.signum == 1)
        #expect(try ExactDecimal("-0.000") == .zero && ExactDecimal("-0").description == "0")
        #expect(half < .zero && ExactDecimal.zero < .one && half.magnitude.description == "0.5")
        #expect([ExactDecimal.one, half, .zero].sorted() == [half, .zero, .one])
        #expect(try [ExactDecimal]().sum() == .zero)
        #expect(throws: NumberError.overflow) { try [greatest, .one, -.one].sum() }
    }

    @Test func everyErrorHasASentence() {
        #expect(Set(NumberError.allCases.map(\.description)).count == 4)
        #expect(NumberError.divisionByZero.description == "the divisor is zero")
    }
}
