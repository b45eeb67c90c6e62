import JSON
import Ledger
import Numbers
import Venue
import Venues

/// One way in which a venue's endpoints misbehave on purpose, so that a client's handling of it can be
/// tested.
struct Fault: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
        /// The answer comes late.
        case latency
        /// The venue answers with an HTTP status of an unwell server, in its own form.
        case status
        /// The venue refuses by one of its own codes.
        case error
        /// An HTTP 200 with nothing in it.
        case empty
        /// A gateway in front of the venue answers with a page.
        case html
        /// The connection ends without an answer; a stream's, which `path` names, in place of a push.
        case drop
        /// The answer is of an earlier state.
        case stale
        /// The venue says that the caller is over its limit, although it is not.
        case rateLimit = "rate_limit"
        /// The answer breaks off in the middle and the connection ends.
        case partial
        /// The answer is worked out at once and comes after that of the next request.
        case reordered
        /// The answer is of another account.
        case wrongAccount = "wrong_account"
        /// A stream that pushes nothing more, though its connection stands.
        case silence
        /// A stream's push that comes twice.
        case duplicate
        /// A stream's push that does not come.
        case gap

        /// Whether it strikes what streams push, and no requests.
        var isOfStreams: Bool { [.silence, .duplicate, .gap].contains(self) }
    }

    let venue: VenueName
    let kind: Kind
    /// How often it strikes, from 0 to 1.
    let probability: ExactDecimal
    /// Requests with keys of this account only; nil for all requests.
    let account: String?
    /// Paths that begin so only; nil for all.
    let path: String?
    /// Real milliseconds: how late, or how long at most for `reordered`.
    let delay: Int64
    /// The HTTP status of `status`, `html` and `error`; nil for the usual one.
    let status: Int?
    /// The venue's own code of `error`.
    let code: Int?
    /// The message of `error`; nil for one of ours.
    let message: String?
    /// The seconds that `rate_limit` tells the caller to wait.
    let retryAfter: Int64
    /// How many milliseconds of ledger time `stale` lies back; nil for the state when the fault was set.
    let age: Int64?
    /// The account that `wrong_account` answers with; nil for the next one of the venue.
    let other: String?
    /// The bytes of its body that `partial` sends; nil for half of them.
    let bytes: Int?
    /// How many times it strikes at most; nil for ever.
    let times: Int?
    /// Where its chances begin: the same seed and requests give the same strikes.
    let seed: UInt64
    /// The ledger times between which it strikes, `until` excluded.
    let from: LedgerTime?
    let until: LedgerTime?

    /// What each kind takes beside the fields that all take.
    private static let common = [
        "venue", "kind", "probability", "account", "path", "times", "seed", "from", "until",
    ]
    private static let particular: [Kind: [String]] = [
        .latency: ["delay_ms"], .status: ["status"], .html: ["status"],
        .error: ["code", "message", "status"], .stale: ["age_ms"], .rateLimit: ["retry_after_s"],
        .partial: ["bytes"], .reordered: ["delay_ms"], .wrongAccount: ["as"],
    ]

    /// Reads a fault strictly; the refusal names the field at fault. Scenario files have their numbers as
    /// texts.
    init(decoding value: JSONValue, numbersAreTexts: Bool = false) throws(Refusal) {
        let reader = try FaultReader(value, numbersAreTexts: numbersAreTexts)
        let fields = reader.fields
        let venue = VenueName(rawValue: try fields.text("venue"))
        guard Venues.names.contains(venue) else { throw fields.wrong("venue", "one of \(Venues.listed)") }
        let kind = try fields.choice("kind", Kind.self)
        try fields.allow(Self.common + (Self.particular[kind] ?? []))
        self.venue = venue
        self.kind = kind
        probability = try reader.probability("probability")
        account = try reader.text("account")
        path = try reader.text("path")
        delay = try reader.integer("delay_ms", in: 0...600_000) ?? 1000
        status = try reader.integer("status", in: (kind == .error ? 200 : 400)...599).map { Int($0) }
        code = try reader.integer("code", in: -1_000_000...1_000_000, orText: true).map { Int($0) }
        if kind == .error { _ = try fields.required("code") }
        message = try reader.text("message")
        retryAfter = try reader.integer("retry_after_s", in: 0...86_400) ?? 1
        age = try reader.integer("age_ms", in: 0...3_153_600_000_000)
        other = try reader.text("as")
        bytes = try reader.integer("bytes", in: 0...(1 << 20)).map { Int($0) }
        times = try reader.integer("times", in: 1...1_000_000_000).map { Int($0) }
        seed = UInt64(try reader.integer("seed", in: 0...Int64.max) ?? 1)
        from = try reader.time("from")
        until = try reader.time("until")
        if let from, let until, until <= from { throw fields.wrong("until", "after from") }
    }

    /// Writes the fault as it can be read again, with what was left out filled in.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("venue")
        writer.string(venue.rawValue)
        writer.key("kind")
        writer.string(kind.rawValue)
        writer.key("probability")
        writer.quoted(probability)
        for (key, text) in [
            ("account", account), ("path", path), ("as", other), ("message", message),
        ] {
            guard let text else { continue }
            writer.key(key)
            writer.string(text)
        }
        var numbers: [(String, Int64?)] = [("times", times.map { Int64($0) }), ("seed", Int64(seed))]
        switch kind {
        case .latency, .reordered: numbers.append(("delay_ms", delay))
        case .status: numbers.append(("status", Int64(status ?? 503)))
        case .html: numbers.append(("status", Int64(status ?? 502)))
        case .error:
            numbers += [("code", code.map { Int64($0) }), ("status", status.map { Int64($0) })]
        case .stale: numbers.append(("age_ms", age))
        case .rateLimit: numbers.append(("retry_after_s", retryAfter))
        case .partial: numbers.append(("bytes", bytes.map { Int64($0) }))
        case .drop, .empty, .wrongAccount, .silence, .duplicate, .gap: break
        }
        numbers += [("from", from?.milliseconds), ("until", until?.milliseconds)]
        for (key, number) in numbers {
            guard let number else { continue }
            writer.key(key)
            writer.integer(number)
        }
        writer.endObject()
    }
}

/// Reads the fields of a fault.
private struct FaultReader {
    let fields: FieldReader
    private let numbersAreTexts: Bool

    /// Scenario files may have a field with nothing in it.
    init(_ value: JSONValue, numbersAreTexts: Bool) throws(Refusal) {
        let names = value.object?.keys ?? []
        fields = try FieldReader(value, subject: "fault", nullable: numbersAreTexts ? names : [])
        self.numbersAreTexts = numbersAreTexts
    }

    func text(_ field: String) throws(Refusal) -> String? {
        guard let text = try fields.optionalText(field) else { return nil }
        guard (1...256).contains(text.utf8.count) else {
            throw fields.wrong(field, "a text of 1 to 256 characters")
        }
        return text
    }

    /// A whole number; with `orText`, as a text too, as a venue's code may be one.
    func integer(
        _ field: String, in range: ClosedRange<Int64>, orText: Bool = false
    ) throws(Refusal) -> Int64? {
        guard let value = fields.value(field) else { return nil }
        // 1.0 is as whole as 1.
        guard let text = numbersAreTexts ? value.text : value.numberText ?? (orText ? value.text : nil),
            let number = (try? ExactDecimal(text)).flatMap({ Int64($0.description) }), range.contains(number)
        else {
            throw fields.wrong(field, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func probability(_ field: String) throws(Refusal) -> ExactDecimal {
        guard let value = fields.value(field) else { return .one }
        let text = value.numberText ?? value.text ?? ""
        if let number = try? ExactDecimal(share: text), !number.isNegative, number <= .one { return number }
        // A chance is no amount: one of more than 18 places is as good as its first 18.
        if value.numberText != nil, let chance = Double(text), (0...1).contains(chance),
            let number = try? ExactDecimal(units: Int128(chance * 1e18))
        {
            return number
        }
        throw fields.wrong(field, "a decimal from 0 to 1, or a percentage")
    }

    func time(_ field: String) throws(Refusal) -> LedgerTime? {
        guard let value = fields.value(field) else { return nil }
        // 1.0 is as whole as 1.
        let whole = value.numberText.flatMap { try? ExactDecimal($0) }.flatMap { Int64($0.description) }
        let time = whole.map { LedgerTime(milliseconds: $0) } ?? value.text.flatMap(parseTime)
        guard let time, time.milliseconds.magnitude <= 253_402_300_799_999 else {
            throw fields.wrong(field, "an ISO 8601 time or milliseconds since 1970")
        }
        return time
    }
}
