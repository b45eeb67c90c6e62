import JSON
import Ledger
import Numbers

/// Reads a rulebook's fields and names the field at fault, with its whole path, when one is missing or wrong.
public struct RulebookReader: Sendable {
    public let value: JSONValue
    /// Where this value stands in the file, such as `assets.BTC`; empty for the whole file.
    public let path: String

    public init(_ value: JSONValue, path: String = "") {
        self.value = value
        self.path = path
    }

    /// The path of a member.
    public func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Whether a member is there and not null.
    public func has(_ key: String) -> Bool {
        guard let member = value[key] else { return false }
        return member != .null
    }

    /// A member that must be there.
    public func member(_ key: String) throws(RulebookError) -> RulebookReader {
        guard let member = value[key] else {
            throw RulebookError(field: path(of: key), message: "is missing")
        }
        return RulebookReader(member, path: path(of: key))
    }

    /// The members of an object, in their order.
    public func members() throws(RulebookError) -> [(key: String, reader: RulebookReader)] {
        guard let object = value.object else { throw RulebookError(field: path, message: "is no object") }
        // Names are told apart by their bytes where they are looked up, and by their looks further in.
        guard Set(object.keys).count == object.keys.count else {
            throw RulebookError(field: path, message: "has two names that only their bytes tell apart")
        }
        return object.members.map { ($0.key, RulebookReader($0.value, path: path(of: $0.key))) }
    }

    /// The elements of an array.
    public func elements() throws(RulebookError) -> [RulebookReader] {
        guard let elements = value.elements else { throw RulebookError(field: path, message: "is no array") }
        return elements.enumerated().map { RulebookReader($0.element, path: "\(path)[\($0.offset)]") }
    }

    /// This value as a text.
    public func text() throws(RulebookError) -> String {
        guard let text = value.text else { throw RulebookError(field: path, message: "is no text") }
        return text
    }

    /// A text member.
    public func text(_ key: String) throws(RulebookError) -> String { try member(key).text() }

    /// This value as a decimal, written as a text.
    public func decimal() throws(RulebookError) -> ExactDecimal {
        let text = try text()
        do { return try ExactDecimal(text) } catch {
            throw RulebookError(field: path, message: "is no decimal: \(text)")
        }
    }

    /// A decimal member, written as a text.
    public func decimal(_ key: String) throws(RulebookError) -> ExactDecimal { try member(key).decimal() }

    /// A decimal member; nil where it is absent or null.
    public func optionalDecimal(_ key: String) throws(RulebookError) -> ExactDecimal? {
        has(key) ? try decimal(key) : nil
    }

    /// A decimal member above zero.
    public func positive(_ key: String) throws(RulebookError) -> ExactDecimal {
        try checked(key, "is not above zero") { $0.isPositive }
    }

    /// A decimal member of zero or more.
    public func nonNegative(_ key: String) throws(RulebookError) -> ExactDecimal {
        try checked(key, "is below zero") { !$0.isNegative }
    }

    /// A decimal member from 0 to 1.
    public func rate(_ key: String) throws(RulebookError) -> ExactDecimal {
        try checked(key, "is not within 0 and 1") { !$0.isNegative && $0 <= .one }
    }

    /// A decimal member that is a whole number of at least 1.
    public func wholeLeverage(_ key: String) throws(RulebookError) -> ExactDecimal {
        try checked(key, "is no whole number of at least 1") { $0 >= .one && $0.fractionDigits == 0 }
    }

    /// A decimal member that something holds for.
    public func checked(
        _ key: String, _ otherwise: String, _ holds: (ExactDecimal) -> Bool
    ) throws(RulebookError) -> ExactDecimal {
        let number = try decimal(key)
        guard holds(number) else { throw RulebookError(field: path(of: key), message: otherwise) }
        return number
    }

    /// A whole number member above zero; sums of so many stay far from every limit.
    public func count(_ key: String) throws(RulebookError) -> Int {
        let number = try integer(key)
        guard (1...1_000_000_000).contains(number) else {
            throw RulebookError(field: path(of: key), message: "is not within 1 and 1000000000")
        }
        return number
    }

    /// A member that is a moment.
    public func time(_ key: String) throws(RulebookError) -> LedgerTime {
        let text = try text(key)
        guard let time = LedgerTime(iso8601: text) else {
            throw RulebookError(field: path(of: key), message: "is no ISO 8601 time: \(text)")
        }
        return time
    }

    /// The elements of an array of texts.
    public func texts() throws(RulebookError) -> [String] {
        var texts: [String] = []
        for element in try elements() { texts.append(try element.text()) }
        return texts
    }

    /// What the members of an object make, each of its name and its value, in their order.
    public func rows<Row>(
        _ key: String, _ make: (String, RulebookReader) throws(RulebookError) -> Row
    ) throws(RulebookError) -> [Row] {
        var rows: [Row] = []
        for (name, reader) in try member(key).members() { rows.append(try make(name, reader)) }
        return rows
    }

    /// A whole number member.
    public func integer(_ key: String) throws(RulebookError) -> Int {
        let member = try member(key)
        guard let number = member.value.integer else {
            throw RulebookError(field: member.path, message: "is no whole number")
        }
        return Int(number)
    }

    /// A switch member; `fallback` where it is absent.
    public func flag(_ key: String, fallback: Bool) throws(RulebookError) -> Bool {
        guard has(key) else { return fallback }
        let member = try member(key)
        guard let flag = member.value.boolean else {
            throw RulebookError(field: member.path, message: "is neither true nor false")
        }
        return flag
    }
}

/// Shares of what is traded that are the fees of a trade.
public struct FeeRates: Sendable {
    public let maker: ExactDecimal
    public let taker: ExactDecimal

    /// The members `maker` and `taker`.
    public init(reading reader: RulebookReader) throws(RulebookError) {
        maker = try reader.decimal("maker")
        taker = try reader.decimal("taker")
    }
}
