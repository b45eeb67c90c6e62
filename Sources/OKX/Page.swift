import JSON
import Ledger
import Venue

// What the query of a request for a list says.

extension [QueryItem] {
    /// A parameter that must be there. Throws 50014.
    func required(_ name: String) throws(OKXError) -> String {
        guard let text = given(name) else { throw .parameterMissing(name) }
        return text
    }

    /// One of some words; nil where none was sent. Throws 51000 for another.
    func word(_ name: String, of words: [String]) throws(OKXError) -> String? {
        guard let text = given(name) else { return nil }
        guard words.contains(text) else { throw .parameterWrong(name) }
        return text
    }

    /// The kinds of orders that `ordType` names; nil where it names none. Throws 51000 for an unknown one.
    func orderTypes(_ known: Set<String>) throws(OKXError) -> [String]? {
        let types = given("ordType")?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard known.isSuperset(of: types ?? []) else { throw .parameterWrong("ordType") }
        return types
    }

    /// Texts with commas between them; nil where none was sent. Throws 50025 for more than `limit`.
    func list(_ name: String, limit: Int) throws(OKXError) -> [String]? {
        guard let text = given(name) else { return nil }
        let list = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard list.count <= limit else { throw .listTooLong(name, limit: limit) }
        return list
    }

    /// A text of digits; nil where none was sent. Throws 51000 for another.
    func digits(_ name: String) throws(OKXError) -> String? {
        guard let text = given(name) else { return nil }
        guard text.isDigits else { throw .parameterWrong(name) }
        return text
    }

    /// A whole number; nil where none was sent. Throws 51000 for another.
    func number(
        _ name: String, within range: ClosedRange<Int64> = 0...Int64.max
    ) throws(OKXError) -> Int64? {
        guard let text = given(name) else { return nil }
        guard let number = Int64(digits: text), range.contains(number) else { throw .parameterWrong(name) }
        return number
    }

    /// The instrument that `instId` names. Throws 50014 where it is missing, 51001 for one that there is not.
    func instrument(_ rules: RuleTable) throws(OKXError) -> InstrumentRules {
        guard let instrument = rules.instrument(try required("instId")) else { throw .instrumentUnknown }
        return instrument
    }
}

/// Which instruments a list is wanted of.
struct InstrumentFilter {
    private let type: String?
    private let name: String?
    private let family: String?
    private let rules: RuleTable

    init(_ query: [QueryItem], _ rules: RuleTable) throws(OKXError) {
        type = query.given("instType")
        if let type, !["MARGIN", "OPTION", "ANY"].contains(type) { _ = try OKXVenue.instrumentType(type) }
        name = query.given("instId")
        family = query.given("instFamily") ?? query.given("uly")
        self.rules = rules
    }

    func admits(_ instrument: Instrument, isOnMargin: Bool) -> Bool {
        if let name, !name.isExactly(instrument.name) { return false }
        if let family, !family.isExactly("\(instrument.base)-\(instrument.quote)") { return false }
        guard let type, type != "ANY" else { return true }
        return rules.typeName(of: instrument, isOnMargin: isOnMargin) == type
    }
}

/// Which part of a list is wanted, the newest first: `after` an id and `before` one, both exclusive; `begin`
/// and `end` times; at most 100.
struct Page {
    private let limit: Int
    private let after: Int64?
    private let before: Int64?
    private let begin: Int64?
    private let end: Int64?

    /// Ids are counted from a base, 0 for what are times.
    init(_ query: [QueryItem], ids base: Int64) throws(OKXError) {
        func number(_ name: String, _ base: Int64 = 0) throws(OKXError) -> Int64? {
            guard let text = query[name], !text.isEmpty else { return nil }
            guard let number = Int64(text), number >= 0 else { throw .parameterWrong(name) }
            return number - base
        }
        after = try number("after", base)
        before = try number("before", base)
        begin = try number("begin")
        end = try number("end")
        let limit = try number("limit") ?? 100
        guard limit > 0 else { throw .parameterWrong("limit") }
        self.limit = Int(min(limit, 100))
    }

    func admits(id: Int64) -> Bool { (after.map { id < $0 } ?? true) && (before.map { id > $0 } ?? true) }

    func admits(_ time: LedgerTime) -> Bool {
        (begin ?? .min) <= time.milliseconds && time.milliseconds <= (end ?? .max)
    }

    /// Where `after` and `before` are times.
    func admits(paging time: LedgerTime) -> Bool { admits(id: time.milliseconds) }

    /// How far it goes back at most.
    func oldest(from time: Int64) -> LedgerTime { LedgerTime(milliseconds: max(time, begin ?? time)) }

    /// The id below which no row can be on it, with rows of these ids, the newest first; nil for none.
    func lowest(of ids: [Int64]) -> Int64? {
        let last = ids.count < limit ? nil : ids[limit - 1]
        return [before, last].compactMap { $0 }.max()
    }

    func cut<Element>(_ rows: [Element]) -> ArraySlice<Element> { rows.prefix(limit) }
}
