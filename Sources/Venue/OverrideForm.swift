import JSON
import Ledger
import Numbers

/// What the value of a field that is set by hand must look like.
public enum OverrideForm: Sendable, Equatable {
    /// true or false.
    case flag
    /// A whole number of at least so much, and at most so much where there is a limit.
    case wholeNumber(from: Int64, to: Int64? = nil)
    /// A decimal, written as a text.
    case decimal
    /// A decimal or, for none, an empty text.
    case decimalOrEmpty
    /// A decimal of zero or more, or above zero, and at most so much where there is a limit.
    case amount(isPositive: Bool = false, to: ExactDecimal? = nil)
    /// One of these texts.
    case oneOf([String])
    /// Milliseconds since the epoch, written as a text.
    case time

    /// Whether a value looks like that.
    public func admits(_ value: JSONValue) -> Bool {
        switch self {
        case .flag: value.boolean != nil
        case .wholeNumber(let least, let most):
            value.integer.map { $0 >= least && $0 <= most ?? .max } ?? false
        case .decimal: Self.decimal(value) != nil
        case .decimalOrEmpty: value.text?.isEmpty == true || Self.decimal(value) != nil
        case .amount(let isPositive, let most):
            Self.decimal(value).map {
                (isPositive ? $0.isPositive : !$0.isNegative) && $0 <= most ?? $0
            } ?? false
        case .oneOf(let texts): value.text.map(texts.contains) ?? false
        case .time: value.text.flatMap { Int64($0) } != nil
        }
    }

    private static func decimal(_ value: JSONValue) -> ExactDecimal? {
        value.text.flatMap { try? ExactDecimal($0) }
    }

    /// What it must be, in words.
    private var words: String {
        switch self {
        case .flag: "true or false"
        case .wholeNumber(let least, nil): "a whole number of at least \(least)"
        case .wholeNumber(let least, let most?): "a whole number from \(least) to \(most)"
        case .decimal: "a decimal, written as a text"
        case .decimalOrEmpty: "a decimal as text, or an empty text"
        case .amount(let isPositive, let most):
            "a decimal \(isPositive ? "above zero" : "of zero or more"), written as a text"
                + (most.map { ", at most \($0)" } ?? "")
        case .oneOf(let texts): "one of the texts " + texts.map { "\"\($0)\"" }.joined(separator: ", ")
        case .time: "milliseconds since the epoch, as text"
        }
    }

    /// Refuses a value that does not look like the field's; nil takes the override away and is never refused.
    public func check(_ value: JSONValue?, of flag: String) throws(Refusal) {
        guard let value, !admits(value) else { return }
        throw Refusal(.invalidField, "\(flag) must be \(words).", field: "value")
    }
}

/// The fields of a venue's answers that can be set by hand (`raise`), by the venue's own names: the venue
/// decides them by means that the ledger does not have.
public protocol OverridableFields: RawRepresentable<String>, CaseIterable {
    /// Whether it is of one asset rather than of the account.
    var isOfAsset: Bool { get }

    /// What its value must look like.
    var form: OverrideForm { get }
}

extension OverridableFields {
    /// Refuses a field that the venue does not have, an asset where none belongs, a missing one where one
    /// does, and a value of another form. A nil value takes the override away.
    public static func check(
        _ flag: String, asset: String?, value: JSONValue?, at venue: String
    ) throws(Refusal) {
        guard let field = Self(rawValue: flag) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(
                .invalidField, "\(flag) cannot be raised at \(venue); \(names) can.", field: "flag")
        }
        guard field.isOfAsset == (asset != nil) else {
            throw field.isOfAsset
                ? Refusal(.missingField, "\(flag) is a field of an asset; name the asset.", field: "asset")
                : Refusal(
                    .invalidField, "\(flag) is a field of the account, not of an asset.", field: "asset")
        }
        try field.form.check(value, of: flag)
    }
}
