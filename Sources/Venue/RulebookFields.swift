import JSON
import Ledger
import Numbers

/// What rulebooks say in their fields.
extension FieldReader {
    /// A decimal that something holds for; `expected` follows "must be".
    public func decimal(
        _ field: String, _ expected: String, _ holds: (ExactDecimal) -> Bool
    ) throws(Refusal) -> ExactDecimal {
        let number = try decimal(field)
        guard holds(number) else { throw wrong(field, expected) }
        return number
    }

    /// A decimal above zero.
    public func positive(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "above zero") { $0.isPositive }
    }

    /// A decimal of zero or more.
    public func nonNegative(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "zero or more") { !$0.isNegative }
    }

    /// A decimal from 0 to 1.
    public func rate(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "from 0 to 1") { !$0.isNegative && $0 <= .one }
    }

    /// A decimal from 0 to below 1.
    public func rateBelowOne(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "from 0 to below 1") { !$0.isNegative && $0 < .one }
    }

    /// A decimal that is a whole number of at least 1.
    public func wholeLeverage(_ field: String) throws(Refusal) -> ExactDecimal {
        try decimal(field, "a whole number of at least 1") { $0 >= .one && $0.fractionDigits == 0 }
    }

    /// A decimal that is only shown, as the file spells it.
    public func decimalText(_ field: String) throws(Refusal) -> String {
        _ = try decimal(field)
        return try text(field)
    }

    /// A whole number above zero; sums of so many stay far from every limit.
    public func positiveCount(_ field: String) throws(Refusal) -> Int {
        Int(try whole(field, in: 1...1_000_000_000))
    }

    /// The fields of an object; none where it is absent.
    public func recordOrEmpty(_ field: String) throws(Refusal) -> FieldReader {
        has(field) ? try record(field) : try FieldReader(.members([]), subject: subject)
    }

    /// What the objects of an object make, each of its name and its fields, in their order.
    public func rows<Row>(
        _ field: String, _ make: (String, FieldReader) throws(Refusal) -> Row
    ) throws(Refusal) -> [Row] {
        var rows: [Row] = []
        for (name, reader) in try table(field) { rows.append(try make(name, reader)) }
        return rows
    }
}

/// Fee ÷ traded notional of a maker and of a taker; negative for a rebate.
public struct FeeRates: Sendable {
    public let maker: ExactDecimal
    public let taker: ExactDecimal

    /// The fields `maker` and `taker`.
    public init(reading reader: FieldReader) throws(Refusal) {
        maker = try reader.decimal("maker")
        taker = try reader.decimal("taker")
    }
}
