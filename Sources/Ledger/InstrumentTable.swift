/// Every instrument that the journal has ever used, with the terms of each time.
///
/// Terms hardly ever change; when they do, positions and orders keep the terms that they were opened under.
public struct InstrumentTable: Sendable {
    private struct Key: Hashable, Sendable {
        let venue: VenueName
        let name: String
    }

    /// Per name, in the order of definition.
    private var definitions: [Key: [Instrument]] = [:]

    public init() {}

    /// Takes over an instrument's terms from its definition on.
    public mutating func define(_ instrument: Instrument) {
        definitions[Key(venue: instrument.venue, name: instrument.name), default: []].append(instrument)
    }

    /// The terms in force now; nil for an instrument never used.
    public func latest(_ venue: VenueName, _ name: String) -> Instrument? {
        definitions[Key(venue: venue, name: name)]?.last
    }

    /// The terms in force at a place of the journal.
    public func instrument(_ venue: VenueName, _ name: String, at sequence: Int64) -> Instrument? {
        definitions[Key(venue: venue, name: name)]?.last { $0.definition <= sequence }
    }

    /// Every definition of a venue, in the order of the journal.
    public func instruments(of venue: VenueName) -> [Instrument] {
        definitions.values.joined().filter { $0.venue == venue }.sorted { $0.definition < $1.definition }
    }

    /// Every definition, in the order of the journal.
    public var all: [Instrument] { definitions.values.joined().sorted { $0.definition < $1.definition } }

    /// Forgets definitions made after a place of the journal.
    mutating func rollBack(to sequence: Int64) {
        for (key, list) in definitions where list.last.map({ $0.definition > sequence }) ?? false {
            let kept = list.filter { $0.definition <= sequence }
            definitions[key] = kept.isEmpty ? nil : kept
        }
    }
}
