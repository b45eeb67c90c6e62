import Ledger
import Venue
import Venues

/// The venues as a desk reads them: by their built-in rules, or by rules that the operator has added.
public struct ReaderSource: Sendable {
    private let readers: [WireProfile: [any VenueClient]]

    /// Readers of every wire profile, made beforehand; a venue that is not among them has its built-in rules.
    public init(_ readers: [WireProfile: [any VenueClient]]) { self.readers = readers }

    /// Every venue by its built-in rules.
    public static let builtIn = ReaderSource([:])

    /// The reader of a venue.
    ///
    /// Throws for a venue that there is not.
    public func reader(
        of name: VenueName, profile: WireProfile = .documented
    ) throws(ConfigurationError) -> any VenueClient {
        if let known = readers[profile]?.first(where: { $0.name == name }) { return known }
        guard let venue = Venues.client(name) else {
            throw ConfigurationError(
                .usage, "There is no venue \"\(name)\" that can be read; known are \(Venues.listed)")
        }
        do {
            return try venue.init(addedRulebooks: [], profile: profile)
        } catch {
            throw ConfigurationError("The built-in rules of \(name) cannot be read: \(error)")
        }
    }
}
