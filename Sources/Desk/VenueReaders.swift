import Ledger
import Venue
import Venues

/// The venues as a desk reads them.
public enum VenueReaders {
    /// The reader of a venue, by its built-in rules.
    ///
    /// Throws for a venue that there is not.
    public static func reader(
        of name: VenueName, profile: WireProfile = .documented
    ) throws(ConfigurationError) -> any VenueReader {
        guard let venue = Venues.venue(name) else {
            throw ConfigurationError(
                .usage, [], "There is no venue \"\(name)\" that can be read; known are \(Venues.listed)")
        }
        do {
            return try venue.init(addedRulebooks: [], profile: profile)
        } catch {
            throw ConfigurationError([], "The built-in rules of \(name) cannot be read: \(error)")
        }
    }
}
