import JSON
import Ledger
import Numbers
import Venue
import Venues

/// One way in which a venue's endpoints misbehave on purpose, so that a client's handling of it can be
/// tested.
struct Fault: Sendable, Equatable {
    /// What happens.
    enum Effect: Sendable, Equatable {
        /// The answer comes so many real milliseconds late.
        case latency(Int64)
        /// The venue answers with an HTTP status of an unwell server, in its own form.
        case status(Int)
        /// The venue refuses by one of its own codes; nil for a message of ours and the usual status.
        case error(code: Int, message: String?, status: Int?)
        /// An HTTP 200 with nothing in it.
        case empty
        /// A gateway in front of the venue answers with a page.
        case html(status: Int)
        /// The connection ends without an answer; a stream's, which `path` names, in place of a push.
        case drop
        /// The answer is of so many milliseconds of ledger time ago; nil for when the fault was set.
        case stale(age: Int64?)
        /// The venue says that the caller is over its limit, although it is not, and how long to wait.
        case rateLimit(retryAfter: Int64)
        /// The answer breaks off after so many bytes and the connection ends; nil for half of them.
        case partial(bytes: Int?)
        /// The answer is worked out at once and comes after that of the next request, or so late at most.
        case reordered(Int64)
        /// The answer is of another account; nil for the next one of the venue.
        case wrongAccount(other: String?)
        /// A stream that pushes nothing more, though its connection stands.
        case silence
        /// A stream's push that comes twice.
        case duplicate
        /// A stream's push that does not come.
        case gap

        /// Whether it strikes what streams push, and no requests.
        var isOfStreams: Bool { [.silence, .duplicate, .gap].contains(self) }
    }

    /// What is struck, and how often.
    struct Aim: Sendable, Equatable {
        let venue: VenueName
        /// How often it strikes, from 0 to 1.
        let probability: ExactDecimal
        /// Where its chances begin: the same seed and requests give the same strikes.
        let seed: UInt64
        /// How many times it strikes at most; nil for ever.
        let times: Int?
        /// Requests with keys of this account only; nil for all requests.
        let account: String?
        /// Paths that begin so only; nil for all.
        let path: String?
        /// The ledger times between which it strikes, `until` excluded.
        let from: LedgerTime?
        let until: LedgerTime?
    }

    let aim: Aim
    let effect: Effect
    /// As it was given, with what was left out filled in.
    private(set) var source = JSONValue.null

    /// Reads a fault strictly; the refusal names the field at fault.
    init(decoding value: JSONValue) throws(Refusal) {
        try self.init(reading: FieldReader(value, subject: "fault"))
    }

    /// Reads a fault of a scenario file, which has its numbers as texts and may have fields with nothing in
    /// them.
    init(inScenario reader: FieldReader) throws(Refusal) {
        let numbers = Set(Self.form.descriptions.flatMap(\.fields).filter(\.kind.isOfNumbers).map(\.name))
        try self.init(
            reading: reader.rewritten { name, value in
                guard numbers.contains(name), let text = value.text,
                    let number = try? JSONValue(parsing: text), number.numberText != nil
                else { return value.isNull ? nil : value }
                return number
            })
    }

    private init(reading reader: FieldReader) throws(Refusal) {
        self = try Self.form.read(reader)
        source = Self.form.filled(reader.value)
    }

    private init(_ aim: Aim, _ effect: Effect) {
        self.aim = aim
        self.effect = effect
    }

    /// Whether both do the same.
    static func == (one: Fault, other: Fault) -> Bool { one.aim == other.aim && one.effect == other.effect }
}

extension FieldKind {
    /// Whether a field may hold a number.
    fileprivate var isOfNumbers: Bool {
        switch self {
        case .whole, .code, .time: true
        default: false
        }
    }
}

// What every fault takes. The reader, its refusals, the OpenAPI document and the page docs/faults.md are made
// of this table.
extension Fault {
    private static let aimed: Form<Aim> = Form(
        "",
        Field<VenueName>.served("Whose endpoints."),
        Field.chance("probability", "How often it strikes: a text or a number, also as a percentage.")
            .defaulting(to: .one, told: .string("1")),
        Field.whole(
            "seed", 0...Int64.max,
            "Where its chances begin: the same seed and the same requests give the same strikes."
        ).defaulting(to: 1),
        Field.whole("times", 1...1_000_000_000, "How often it strikes at most; no end if left out.").optional,
        Field.account("account", "Only requests with keys (or tokens) of this account.").optional,
        Field("path", .path, "Only paths that begin so.") { reader, name throws(Refusal) in
            let path = try reader.text(name)
            if path.hasPrefix("/"), path.utf8.count <= 256 { return path }
            throw reader.wrong(name, "the beginning of a path, such as /api/v5")
        }.optional,
        Field.time("from", "The ledger time from which it strikes.").optional,
        Field.time("until", "The ledger time at which it ends, later than `from`.").optional
    ) { venue, probability, seed, times, account, path, from, until throws(Refusal) in
        if let from, let until, until <= from {
            throw Refusal(.invalidField, "fault: until must be after from.", field: "until")
        }
        return Aim(
            venue: venue, probability: probability, seed: UInt64(seed), times: times.map { Int($0) },
            account: account, path: path, from: from, until: until)
    }

    /// Every kind of fault.
    static let form: FormChoice<Fault> = FormChoice(by: "kind", "What happens.", requests + streams)

    /// What every fault takes.
    static var common: [FieldDescription] { aimed.description.fields }

    private static let requests: [FormChoice<Fault>.Case] = [
        .init(
            "latency", "The answer comes late.", of: aimed,
            Field.whole("delay_ms", 0...600_000, "How late.").defaulting(to: 1000)
        ) { Fault($0, .latency($1)) },
        .init(
            "status", "An HTTP status of 400 to 599, in the venue's own error form.", of: aimed,
            Field.whole("status", 400...599, "The status.").defaulting(to: 503)
        ) { Fault($0, .status(Int($1))) },
        .init(
            "error", "The venue's own form with a code of its own, such as `-1021`, `\"50011\"` or 40102.",
            of: aimed,
            Field("code", .code(-1_000_000...1_000_000), "The venue's own code.") {
                reader, name throws(Refusal) in
                try reader.whole(name, in: -1_000_000...1_000_000, orText: true)
            },
            Field.text("message", longest: 256, "Its message; `An error on purpose.` if left out.").optional,
            Field.whole("status", 200...599, "The HTTP status; the venue's own for its codes if left out.")
                .optional
        ) { Fault($0, .error(code: Int($1), message: $2, status: $3.map { Int($0) })) },
        .init("empty", "HTTP 200 and nothing in it.", of: aimed) { Fault($0, .empty) },
        .init(
            "html", "The page of a gateway that does not reach the venue.", of: aimed,
            Field.whole("status", 400...599, "Its status.").defaulting(to: 502)
        ) { Fault($0, .html(status: Int($1))) },
        .init(
            "drop",
            "The connection ends without an answer; with the `path` of a stream, in place of a push.",
            of: aimed
        ) { Fault($0, .drop) },
        .init(
            "stale", "The answer of an earlier state.", of: aimed,
            Field.whole(
                "age_ms", 0...3_153_600_000_000,
                "How far back on the ledger's clock; the moment when the fault was set if left out."
            ).optional
        ) { Fault($0, .stale(age: $1)) },
        .init(
            "rate_limit", "The venue's refusal of too many requests.", of: aimed,
            Field.whole("retry_after_s", 0...86_400, "The seconds to wait, told where the venue tells them.")
                .defaulting(to: 1)
        ) { Fault($0, .rateLimit(retryAfter: $1)) },
        .init(
            "partial", "The head tells the full length, the body breaks off, the connection ends.", of: aimed,
            Field.whole("bytes", 0...(1 << 20), "How much of the body comes; half if left out.").optional
        ) { Fault($0, .partial(bytes: $1.map { Int($0) })) },
        .init(
            "reordered",
            "The answer is worked out at once and held until a later one of its account and path is given.",
            of: aimed, Field.whole("delay_ms", 0...600_000, "How long at most.").defaulting(to: 1000)
        ) { Fault($0, .reordered($1)) },
        .init(
            "wrong_account", "A sound answer about another account.", of: aimed,
            Field.account("as", "Which; the venue's next account if left out.").optional
        ) { Fault($0, .wrongAccount(other: $1)) },
    ]

    private static let streams: [FormChoice<Fault>.Case] = [
        .init(
            "silence",
            "A stream that pushes nothing more until faults are ended, though it answers pings and requests.",
            of: aimed
        ) { Fault($0, .silence) },
        .init("duplicate", "A stream's push comes twice.", of: aimed) { Fault($0, .duplicate) },
        .init("gap", "A stream's push does not come.", of: aimed) { Fault($0, .gap) },
    ]
}

extension Field<VenueName> {
    /// The venue of a call of the operator API.
    static func served(_ words: String) -> Field {
        Field("venue", .venue, words) { reader, name throws(Refusal) in
            VenueName(rawValue: try reader.word(name, among: Venues.names.map(\.rawValue)))
        }
    }
}
