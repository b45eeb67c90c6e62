import Ledger
import Venue

/// Where the desk takes its venues' readers from: the built-in rules, or rules that the operator has added.
public struct ReaderSource: Sendable {
    private let readers: [WireProfile: [any VenueReader]]

    /// Readers of every wire profile, made beforehand; a venue that is not among them has its built-in rules.
    public init(_ readers: [WireProfile: [any VenueReader]]) { self.readers = readers }

    /// Every venue by its built-in rules.
    public static let builtIn = ReaderSource([:])

    /// The reader of a venue.
    ///
    /// Throws for a venue that there is not.
    public func reader(
        of venue: VenueName, profile: WireProfile = .documented
    ) throws(ConfigurationError) -> any VenueReader {
        if let known = readers[profile]?.first(where: { $0.name == venue }) { return known }
        return try VenueReaders.reader(of: venue, profile: profile)
    }
}
