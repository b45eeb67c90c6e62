import Binance
import CryptoCom
import Ledger
import OKX
import Rails
import Venue

/// The venues that a desk can read.
public enum VenueReaders {
    private static let types: [(name: VenueName, model: any VenueModel.Type)] = [
        (CryptoComVenue.name, CryptoComVenue.self),
        (RailsVenue.name, RailsVenue.self),
        (BinanceVenue.name, BinanceVenue.self),
        (OKXVenue.name, OKXVenue.self),
    ]

    /// The venues' names, in the order of the contract.
    public static var names: [VenueName] { types.map(\.name) }

    /// The reader of a venue, by its built-in rules.
    ///
    /// Throws for a venue that there is not.
    public static func reader(
        of venue: VenueName, profile: WireProfile = .documented
    ) throws(ConfigurationError) -> any VenueReader {
        guard let type = types.first(where: { $0.name == venue })?.model as? any VenueReader.Type
        else {
            let known = names.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(
                .usage, [], "There is no venue \"\(venue)\" that can be read; known are \(known)")
        }
        do {
            return try type.init(addedRulebooks: [], profile: profile)
        } catch {
            throw ConfigurationError([], "The built-in rules of \(venue) cannot be read: \(error)")
        }
    }
}
