import JSON
import Ledger
import Testing

/// What a command is said to take is what it takes: every form is read by its own description.
@Suite("The forms of commands")
struct CommandFormTests {
    /// A value that a field takes, and one that it does not.
    private static func values(_ kind: FieldKind) -> (good: JSONValue, bad: JSONValue) {
        switch kind {
        case .label, .account, .venue, .text, .path, .ascii, .address, .code:
            (.string("name"), .number("5"))
        case .whole, .chance: (.number("1"), .bool(true))
        case .span: (.string("8h"), .number("8"))
        case .decimal, .positive: (.string("1.5"), .number("1.5"))
        case .share, .portion: (.string("0.01%"), .string("0.01 %"))
        case .flag: (.bool(true), .string("true"))
        case .choice(let words): (.string(words[0]), .string("no such word"))
        case .hours(let range): (.number("\(range.lowerBound)"), .string("8 hours"))
        case .time: (.string("2026-01-01T00:00:00Z"), .string("yesterday"))
        case .labels, .list: (.array([]), .string("name"))
        case .table(let kind): (.members([("name", values(kind).good)]), .array([]))
        case .record(let fields): (.members(fields.map { ($0.name, values($0.kind).good) }), .array([]))
        case .settings, .oneOf, .object: (.members([]), .array([]))
        case .scalar: (.null, .null)
        }
    }

    /// The command with every field that is needed: those that must be there, and one of each pair.
    private static func smallest(_ form: CommandForm) -> [(key: String, value: JSONValue)] {
        var names = form.fields.filter(\.isRequired).map(\.name)
        for case .one(let alternatives) in form.description.rules { names += alternatives.prefix(1) }
        for case .some(let first, _) in form.description.rules { names.append(first) }
        return form.fields.filter { names.contains($0.name) }.map { ($0.name, values($0.kind).good) }
    }

    private static func refusal(_ members: [(key: String, value: JSONValue)]) -> Refusal? {
        do {
            _ = try Command(decoding: .members(members))
            return nil
        } catch {
            return error
        }
    }

    @Test("is read with the fields that it needs, and not without one of them", arguments: CommandForm.all)
    func required(_ form: CommandForm) {
        let whole = Self.smallest(form)
        #expect(Self.refusal(whole) == nil)
        // Without a venue, funding of a market is funding of no account.
        for field in form.fields where field.isRequired && !(form.type == "funding" && field.name == "venue")
        {
            let refusal = Self.refusal(whole.filter { $0.key != field.name })
            #expect(refusal?.code == .missingField && refusal?.field == field.name, "\(field.name)")
        }
        for rule in form.description.rules {
            guard case .one(let names) = rule, case (let first, let second) = (names[0], names[1]),
                let other = form.fields.first(where: { $0.name == second })
            else { continue }
            let both = whole + [(second, Self.values(other.kind).good)]
            #expect(Self.refusal(both)?.code == .invalidField && Self.refusal(both)?.field == second)
            #expect(Self.refusal(both.filter { $0.key != first }) == nil)
        }
    }

    @Test(
        "takes every field that it is said to have, of the kind that it is said to be",
        arguments: CommandForm.all)
    func kinds(_ form: CommandForm) {
        let whole = Self.smallest(form)
        for field in form.fields {
            let (good, bad) = Self.values(field.kind)
            var rest = whole.filter { $0.key != field.name }
            for rule in form.description.rules {
                switch rule {
                case .one(let names) where names.contains(field.name):
                    rest = rest.filter { !names.contains($0.key) }
                case .with(let first, let second) where first == field.name:
                    rest.append((second, .string("name")))
                default: break
                }
            }
            #expect(Self.refusal(rest + [(field.name, good)]) == nil, "\(field.name)")
            guard good != bad else { continue }
            #expect(Self.refusal(rest + [(field.name, bad)])?.field == field.name, "\(field.name)")
        }
    }

    @Test("names the field that was meant", arguments: CommandForm.all)
    func nearest(_ form: CommandForm) throws {
        let whole = Self.smallest(form)
        for field in form.fields where field.name.count >= 4 {
            let typo = String(field.name.dropLast(2)) + String(field.name.suffix(2).reversed())
            guard !form.fields.contains(where: { $0.name == typo }) else { continue }
            let refusal = Self.refusal(whole + [(typo, .null)])
            #expect(refusal?.code == .unknownField && refusal?.field == typo)
            #expect(refusal?.message.hasSuffix("(Did you mean \(field.name)?)") == true, "\(typo)")
        }
    }

    @Test("hours may be written as a span of time")
    func hours() throws {
        func read(_ hours: JSONValue) throws -> Command {
            try Command(
                decoding: .members([
                    ("type", .string("accrue_interest")), ("account", .string("a")),
                    ("asset", .string("USDT")), ("hours", hours),
                ]))
        }
        #expect(try read(.string("8h")) == read(.number("8")))
        #expect(try read(.string("2d")) == read(.number("48")))
        #expect(try read(.string("120m")) == read(.number("2")))
        for text in ["90m", "8", "", "h", "-8h", "8.5h", "99999999999d", "400d"] {
            #expect(throws: Refusal.self, "\(text)") { try read(.string(text)) }
        }
    }
}
