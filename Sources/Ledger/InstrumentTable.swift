import JSON

/// Every instrument that the journal has ever used, with the terms of each time.
///
/// Terms hardly ever change; when they do, positions and orders keep the terms that they were opened under.
public struct InstrumentTable: Sendable {
    private struct Key: Hashable, Sendable {
        let venue: VenueName
        let name: ExactText
    }

    private var definitions: [Int64: Instrument] = [:]
    private var latest: [Key: Instrument] = [:]

    public init() {}

    /// Takes over an instrument's terms, whose `definition` is the sequence of the event that brings them.
    public mutating func define(_ instrument: Instrument) {
        definitions[instrument.definition] = instrument
        let key = Key(venue: instrument.venue, name: ExactText(instrument.name))
        if let known = latest[key], known.definition > instrument.definition { return }
        latest[key] = instrument
    }

    /// The terms in force now; nil for an instrument never used.
    public func latest(_ venue: VenueName, _ name: String) -> Instrument? {
        latest[Key(venue: venue, name: ExactText(name))]
    }

    /// The definition that has these very terms, the latest where it does; nil where none has.
    ///
    /// Accounts of one venue may trade an instrument under different terms side by side.
    public func definition(of terms: Instrument) -> Instrument? {
        guard let latest = latest(terms.venue, terms.name) else { return nil }
        if latest.hasSameTerms(as: terms) { return latest }
        return definitions.values.filter { $0.hasSameTerms(as: terms) }
            .max { $0.definition < $1.definition }
    }

    /// The terms that the event with this sequence defined; nil if it defined none.
    public func instrument(definition: Int64) -> Instrument? { definitions[definition] }

    /// Every definition of a venue, in the order of the journal.
    public func instruments(of venue: VenueName) -> [Instrument] { all.filter { $0.venue == venue } }

    /// Every definition, in the order of the journal.
    public var all: [Instrument] { definitions.values.sorted { $0.definition < $1.definition } }

    /// Forgets definitions made after a place of the journal.
    mutating func rollBack(to sequence: Int64) {
        let kept = all.filter { $0.definition <= sequence }
        guard kept.count < definitions.count else { return }
        definitions = [:]
        latest = [:]
        for instrument in kept { define(instrument) }
    }
}
