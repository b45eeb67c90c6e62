import JSON
import Ledger

/// Where a rulebook version comes from and from when on it holds.
public struct RulebookHeader: Sendable, Equatable {
    public let venue: VenueName
    /// From when on it is in force, until the next version is.
    public let effective: LedgerTime
    /// The effective time as the file spells it (ISO 8601).
    public let effectiveText: String
    /// Where the rules were read.
    public let source: String
    /// The day they were read, as `YYYY-MM-DD`.
    public let readOn: String

    public init(
        venue: VenueName, effective: LedgerTime, effectiveText: String, source: String, readOn: String
    ) {
        self.venue = venue
        self.effective = effective
        self.effectiveText = effectiveText
        self.source = source
        self.readOn = readOn
    }
}

/// What is wrong with a rulebook: which field, and why.
public struct RulebookError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path of the field, such as `assets.BTC.haircut`.
    public let field: String
    public let message: String

    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }

    /// What is wrong with a field that was read.
    init(_ refusal: Refusal) {
        self.init(
            field: refusal.field ?? "rulebook",
            message: refusal.message.hasSuffix(".") ? String(refusal.message.dropLast()) : refusal.message)
    }

    public var description: String { "\(field): \(message)" }
}

/// A venue's rules as one rulebook file has them.
public protocol RulebookRules: Sendable {
    /// Reads the rules of a whole rulebook (`assets`, `instruments` and the venue's own parts).
    init(reading rulebook: FieldReader) throws(Refusal)
}

/// A rulebook version: where it comes from, and its rules.
public struct RulebookVersion<Rules: RulebookRules>: Sendable {
    public let header: RulebookHeader
    public let rules: Rules
}

/// All versions of a venue's rules; a figure uses the one in force at its time.
public struct RulebookTimeline<Rules: RulebookRules>: Sendable {
    /// In the order of their effective times; never empty.
    public private(set) var versions: [RulebookVersion<Rules>]
    /// The whole file of each version, in the same order.
    private var documents: [JSONValue]

    /// `builtIn` and then `added` rulebooks; a later one with the same effective time replaces an earlier
    /// one. A rulebook with `"amends": true` is laid over the version that is in force when it begins.
    public init(venue: VenueName, builtIn: [[UInt8]], added: [JSONValue]) throws(RulebookError) {
        var documents: [(header: RulebookHeader, document: JSONValue)] = []
        var parsed: [JSONValue] = []
        for bytes in builtIn {
            do {
                parsed.append(try JSONValue(parsing: bytes))
            } catch {
                throw RulebookError(field: "rulebook", message: "is no JSON: \(error)")
            }
        }
        var given: [(header: RulebookHeader, place: Int, document: JSONValue)] = []
        for document in parsed + added {
            let header = try Self.read(document, RulebookHeader.init)
            guard header.venue == venue else {
                throw RulebookError(field: "venue", message: "is \(header.venue), expected \(venue)")
            }
            given.append((header, given.count, document))
        }
        // In the order of their times: what was added lies under the built-in amendments that come later.
        given.sort { ($0.header.effective, $0.place) < ($1.header.effective, $1.place) }
        for (header, _, document) in given {
            var whole = document
            if document["amends"]?.boolean == true {
                guard let base = documents.last else {
                    throw RulebookError(field: "amends", message: "there is no earlier version to amend")
                }
                whole = base.document.overlaid(with: document)
            }
            documents.removeAll { $0.header.effective == header.effective }
            documents.append((header, whole))
        }
        guard !documents.isEmpty else { throw RulebookError(field: "rulebook", message: "there is none") }
        var versions: [RulebookVersion<Rules>] = []
        for entry in documents {
            let rules = try Self.read(entry.document, Rules.init)
            versions.append(RulebookVersion(header: entry.header, rules: rules))
        }
        self.versions = versions
        self.documents = documents.map(\.document)
    }

    private static func read<Content>(
        _ document: JSONValue, _ make: (FieldReader) throws(Refusal) -> Content
    ) throws(RulebookError) -> Content {
        do throws(Refusal) {
            return try make(FieldReader(try document.withoutNulls(at: ""), subject: ""))
        } catch {
            throw RulebookError(error)
        }
    }

    /// The version in force at a time; before the first version begins, the first.
    public func version(at time: LedgerTime) -> RulebookVersion<Rules> { versions[place(at: time)] }

    private func place(at time: LedgerTime) -> Int {
        versions.lastIndex { $0.header.effective <= time } ?? 0
    }

    /// The timeline with other values in the version in force at a time, to see what a change would do.
    ///
    /// `amendment` has the members to change, as a rulebook file spells them. Throws where it names one that
    /// the rules in force do not have, or where what comes of it cannot be read.
    public func amended(by amendment: JSONValue, at time: LedgerTime) throws(RulebookError) -> Self {
        let place = place(at: time)
        if let stranger = documents[place].path(missingFor: amendment) {
            throw RulebookError(field: stranger, message: "is not in the rules in force")
        }
        var changed = self
        changed.documents[place] = documents[place].overlaid(with: amendment)
        changed.versions[place] = RulebookVersion(
            header: versions[place].header,
            rules: try Self.read(changed.documents[place], Rules.init))
        return changed
    }

    /// The rules in force at a time.
    @inlinable
    public func rules(at time: LedgerTime) -> Rules {
        // Nearly every figure is of now, when the last version holds.
        if let last = versions.last, last.header.effective <= time { return last.rules }
        return version(at: time).rules
    }
}

extension RulebookHeader {
    init(reading rulebook: FieldReader) throws(Refusal) {
        self.init(
            venue: VenueName(rawValue: try rulebook.text("venue")), effective: try rulebook.time("effective"),
            effectiveText: try rulebook.text("effective"), source: try rulebook.text("source"),
            readOn: try rulebook.text("read_on"))
    }
}

extension JSONValue {
    /// This value without the members that are null: by one, an amendment takes away what a rulebook says.
    fileprivate func withoutNulls(at path: String) throws(Refusal) -> JSONValue {
        guard let object else { return self }
        // Names are told apart by their bytes where they are looked up, and by their looks further in.
        guard Set(object.keys).count == object.keys.count else {
            throw Refusal(
                .invalidField, "has two names that only their bytes tell apart", field: path)
        }
        var kept: [(key: String, value: JSONValue)] = []
        for (key, value) in object.members where !value.isNull {
            kept.append((key, try value.withoutNulls(at: path.isEmpty ? key : "\(path).\(key)")))
        }
        return .members(kept)
    }

    /// The path of the first member of `other` that this value does not have; nil if it has all of them.
    fileprivate func path(missingFor other: JSONValue) -> String? {
        guard case .object(let changes) = other, let own = object else { return nil }
        for (key, value) in changes.members {
            guard let member = own[key] else { return key }
            if let inner = member.path(missingFor: value) { return "\(key).\(inner)" }
        }
        return nil
    }

    /// This value with another laid over it: objects member by member, everything else replaced.
    func overlaid(with other: JSONValue) -> JSONValue {
        guard case .object(var object) = self, case .object(let changes) = other else { return other }
        for (key, value) in changes.members {
            if let place = object.members.firstIndex(where: { $0.key == key }) {
                object.members[place].value = object.members[place].value.overlaid(with: value)
            } else {
                object.members.append((key, value))
            }
        }
        return .object(object)
    }
}
