import Engine
import JSON
import Ledger
import Venue
import Venues

/// The venues, built from the built-in rulebooks and those of an operator.
public enum VenueRegistry {
    /// The venues as a server is them.
    ///
    /// Throws `badData`, with the file, line and field at fault, for a rulebook that cannot be used.
    public static func servers(
        rulebooks: [RulebookFile] = [], profiles: [VenueName: WireProfile] = [:]
    ) throws(ProgramError) -> [any VenueServer] {
        try venues(rulebooks: rulebooks, profiles: profiles).compactMap { $0 as? any VenueServer }
    }

    /// The venues as a desk reads them. Throws as `servers` does.
    public static func clients(
        rulebooks: [RulebookFile] = [], profiles: [VenueName: WireProfile] = [:]
    ) throws(ProgramError) -> [any VenueClient] {
        try venues(rulebooks: rulebooks, profiles: profiles).compactMap { $0 as? any VenueClient }
    }

    private static func venues(
        rulebooks: [RulebookFile], profiles: [VenueName: WireProfile]
    ) throws(ProgramError) -> [any Venue] {
        var models: [any Venue] = []
        for type in Venues.all {
            let name = type.name
            let added = rulebooks.filter { $0.venue == name }
            do {
                models.append(
                    try type.init(
                        addedRulebooks: added.map(\.content), profile: profiles[name] ?? .documented))
            } catch let error as RulebookError {
                throw RulebookFile.culprit(of: error, among: added, building: type)
            } catch {
                throw ProgramError(.badData, "The rulebooks of \(name) cannot be used: \(error).")
            }
        }
        return models
    }
}

extension LedgerEngine {
    /// The names of its venues, those of `Venues` first and in its order.
    var venueNames: [VenueName] {
        Venues.names.filter { venues[$0] != nil }
            + venues.keys.filter { !Venues.names.contains($0) }.sorted { $0.rawValue < $1.rawValue }
    }
}

/// A rulebook file that the operator added.
public struct RulebookFile: Sendable {
    /// The venue that it is for.
    public let venue: VenueName
    let document: SourceDocument

    var content: JSONValue { document.value }

    /// Reads a rulebook, YAML or JSON by its extension, and checks what every rulebook has.
    public init(file: String) throws(ProgramError) {
        document = try SourceDocument(file: file, numbers: .kept, failure: .badData)
        guard document.value.object != nil else { throw document.error([], "a rulebook must be a mapping") }
        guard let venue = document.value["venue"]?.text else {
            throw document.error([.key("venue")], "must name the rulebook's venue")
        }
        guard Venues.names.contains(VenueName(rawValue: venue)) else {
            throw document.error(
                [.key("venue")], "there is no venue \"\(venue)\"; known are \(Venues.listed)")
        }
        self.venue = VenueName(rawValue: venue)
    }

    /// Says which of several files a rulebook error is about: the first whose addition brings the error up.
    static func culprit(
        of error: RulebookError, among files: [RulebookFile], building type: any Venue.Type
    ) -> ProgramError {
        for count in files.indices {
            do {
                _ = try type.init(addedRulebooks: files[...count].map(\.content), profile: .documented)
            } catch let error as RulebookError {
                return files[count].document.error(SourceDocument.path(error.field), error.message)
            } catch {
                return ProgramError(.badData, "\(files[count].document.file), line 1: \(error).")
            }
        }
        return ProgramError(.internalFault, "A built-in rulebook cannot be read: \(error).")
    }
}
