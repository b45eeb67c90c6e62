import Numbers

// How a reported figure is held against its definition: the same rules at every venue.

/// How finely a venue prints its figures, and with it what a difference in their last digits means.
public enum FigurePrecision: Sendable {
    /// Decimals of so many places: the inputs are as exact as they are printed.
    case places(Int)
    /// Binary floating point of 53 bits, printed with 15 to 17 digits. Every input may be off by a unit of
    /// its sixteenth digit, and what that does to the figure is allowed for.
    case binary

    /// What one unit of a figure's last printed digit is worth.
    public func unit(of figure: ExactDecimal) -> ExactDecimal {
        switch self {
        case .places(let places): Self.powerOfTen(places: places)
        case .binary:
            // The sixteenth digit; never finer than 16 places, which is as fine as our own server prints. So
            // fine is "0" too: nothing is lost in it.
            Self.powerOfTen(places: figure.isZero ? 16 : min(16, 15 - Self.exponent(of: figure)))
        }
    }

    /// 10 to the minus `places`, held within what a decimal can be.
    private static func powerOfTen(places: Int) -> ExactDecimal {
        var units: Int128 = 1
        for _ in 0..<max(0, min(36, ExactDecimal.places - places)) { units *= 10 }
        return (try? ExactDecimal(units: units)) ?? .zero
    }

    /// The power of ten of the first digit that is not 0: 2 for 409, −3 for 0.0051.
    private static func exponent(of figure: ExactDecimal) -> Int {
        var rest = figure.magnitude.units
        var exponent = -ExactDecimal.places
        while rest >= 10 {
            rest /= 10
            exponent += 1
        }
        return exponent
    }
}

/// One input of a figure: where it stands and what stood there.
public struct AuditInput: Sendable {
    /// Its path in the answer, or the rule that it is.
    public let name: String
    public let value: ReportedValue
    /// Whether it is exact, and not only as far as its venue's precision goes.
    let isRule: Bool

    /// An input that the answer reports under this name.
    public init(_ name: String, _ value: ReportedValue) {
        self.name = name
        self.value = value
        isRule = false
    }

    /// A rule of the rulebook, or a constant: exact.
    public init(rule name: String, _ value: ExactDecimal) {
        self.name = name
        self.value = .number(value, text: value.description)
        isRule = true
    }
}

extension ReportedObject {
    /// A field as an input.
    public func input(_ field: String) -> AuditInput { AuditInput(path(of: field), self[field]) }
}

/// A reported figure with what is known of it: from here the verdict follows.
public struct FigureCheck: Sendable {
    /// What it means where the reported figure differs by more than rounding.
    public enum Difference: Sendable {
        /// Nothing that the venue might hide enters here.
        case contradicts
        /// A part that is not shown. `above` and `below` say how far on either side of the expected figure it
        /// can leave the reported one: nil for any distance, 0 for not on that side. Beyond that the figure
        /// contradicts.
        case hidden(String, above: ExactDecimal? = nil, below: ExactDecimal? = nil)
        /// The formula is an estimate of ours or of the documentation; nothing follows.
        case estimate(String)
    }

    /// The venue's own field, as a path into the answer.
    public let field: String
    /// The value that the answer reports.
    public let reported: ReportedValue
    /// The formula in the venue's own words.
    public let formula: String
    /// What it is worked out from, in the order in which the definition takes it.
    public let inputs: [AuditInput]
    /// The document that the formula comes from.
    public let source: String
    /// How finely the venue prints it.
    public let precision: FigurePrecision
    /// How many units of the last printed digit two ways to the same figure may differ by.
    public let allowedUnits: Int

    public init(
        field: String, reported: ReportedValue, formula: String, inputs: [AuditInput], source: String,
        precision: FigurePrecision, allowedUnits: Int = 1
    ) {
        self.field = field
        self.reported = reported
        self.formula = formula
        self.inputs = inputs
        self.source = source
        self.precision = precision
        self.allowedUnits = allowedUnits
    }

    /// Holds the figure against what the definition makes of the inputs' numbers, given in their order.
    ///
    /// Nil where the venue shows no figure, so that there is nothing to hold. An input that is not a number
    /// makes it not derivable, and so does a definition that throws.
    public func finding(
        _ difference: Difference = .contradicts, remark: String = "",
        by definition: ([ExactDecimal]) throws -> ExactDecimal?
    ) -> AuditFinding? {
        guard let figure = reported.truncatedNumber else { return nil }
        var numbers: [ExactDecimal] = []
        var missing: [String] = []
        for input in inputs {
            if let number = input.value.truncatedNumber {
                numbers.append(number)
            } else {
                missing.append("\(input.name) is \(input.value.shown)")
            }
        }
        guard missing.isEmpty else {
            return notDerivable(missing.joined(separator: ", ") + ".")
        }
        let expected: ExactDecimal
        let tolerance: ExactDecimal
        do {
            guard let result = try definition(numbers) else {
                return notDerivable("The formula has no result here: its denominator is 0.")
            }
            expected = result
            tolerance = try self.tolerance(for: figure, expected: expected, numbers, definition)
        } catch {
            return notDerivable("It cannot be worked out: \(error).")
        }
        guard let residual = try? figure - expected else {
            return notDerivable("The difference does not fit.")
        }
        let (verdict, words) = verdict(residual, expected, tolerance: tolerance, difference)
        let all = [remark, words, cutRemark].filter { !$0.isEmpty }.joined(separator: " ")
        return made(
            verdict, expected: expected.description, residual: residual,
            units: verdict == .matches ? 0 : Self.count(residual, precision.unit(of: figure)), remark: all)
    }

    /// Says that nothing follows, and why; nil where the venue shows no figure.
    public func notDerivable(_ remark: String) -> AuditFinding? {
        reported.truncatedNumber == nil ? nil : made(.notDerivable, remark: remark)
    }

    // MARK: - Parts

    private static let binaryRounding =
        "Last digits differ: the venue computes in binary floating point, and inputs are printed rounded."

    private func verdict(
        _ residual: ExactDecimal, _ expected: ExactDecimal, tolerance: ExactDecimal, _ difference: Difference
    ) -> (AuditFinding.Verdict, String) {
        if residual.isZero { return (.matches, "") }
        if residual.magnitude <= tolerance {
            guard case .binary = precision else { return (.rounding, "") }
            if isPrinted(expected) { return (.matches, "") }
            return (.rounding, Self.binaryRounding)
        }
        switch difference {
        case .contradicts: return (.contradicts, "")
        case .hidden(let words, let above, let below):
            guard let limit = residual.isNegative ? below : above else { return (.hidden, words) }
            return residual.magnitude <= limit ? (.hidden, words) : (.contradicts, "")
        case .estimate(let words): return (.notDerivable, words)
        }
    }

    /// Whether a value with further digits would be printed as the figure is.
    private func isPrinted(_ expected: ExactDecimal) -> Bool {
        guard case .number(let figure, _) = reported else { return false }
        return (try? expected.rounded(places: figure.fractionDigits, rounding: .halfUp)) == figure
    }

    /// Units of the figure's own last digit, and what a unit in the last digit of each input comes to.
    private func tolerance(
        for figure: ExactDecimal, expected: ExactDecimal, _ numbers: [ExactDecimal],
        _ definition: ([ExactDecimal]) throws -> ExactDecimal?
    ) throws -> ExactDecimal {
        let own = try precision.unit(of: figure).times(ExactDecimal(allowedUnits), rounding: .ceiling)
        var sum = own
        for place in numbers.indices {
            let step = try errorBound(of: inputs[place], numbers[place])
            if step.isZero { continue }
            var moved = numbers
            moved[place] = try numbers[place] + (numbers[place].isNegative ? -step : step)
            if let result = try definition(moved) { sum = try sum + (result - expected).magnitude }
        }
        return sum
    }

    /// How far the true value of an input may be from the number that stands for it.
    private func errorBound(of input: AuditInput, _ number: ExactDecimal) throws(NumberError) -> ExactDecimal
    {
        var errorBound = ExactDecimal.zero
        if case .binary = precision, !input.isRule {
            // What is printed "0" is 0, or was rounded to it at the last place.
            errorBound =
                number.isZero
                ? try precision.unit(of: number).over(ExactDecimal(2), rounding: .ceiling)
                : try precision.unit(of: number).times(ExactDecimal(allowedUnits), rounding: .ceiling)
        }
        if case .outOfRange = input.value { errorBound = max(errorBound, try ExactDecimal(units: 1)) }
        return errorBound
    }

    private var cutRemark: String {
        let all = [(field, reported)] + inputs.map { ($0.name, $0.value) }
        return Self.remark(ofCut: all.filter { if case .outOfRange = $0.1 { true } else { false } }.map(\.0))
    }

    static func remark(ofCut names: [String]) -> String {
        names.isEmpty
            ? "" : "\(names.joined(separator: ", ")) has more than 18 places and was cut to them here."
    }

    private func made(
        _ verdict: AuditFinding.Verdict, expected: String = "", residual: ExactDecimal? = nil,
        units: Int? = nil, remark: String
    ) -> AuditFinding {
        AuditFinding(
            field: field, verdict: verdict, reported: reported.text, expected: expected, residual: residual,
            unitsInLastPlace: units, formula: formula, inputs: inputs.map { ($0.name, $0.value.shown) },
            source: source, remark: remark)
    }

    /// How many units of the last digit a difference comes to, the last one begun counted whole; nil beyond
    /// 2^53, up to which every reader of JSON holds whole numbers.
    static func count(_ residual: ExactDecimal, _ unit: ExactDecimal) -> Int? {
        let units = residual.magnitude.units
        let step = max(1, unit.units)
        let count = units / step + (units % step == 0 ? 0 : 1)
        return count <= 1 << 53 ? Int(count) : nil
    }
}
