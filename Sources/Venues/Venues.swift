import Binance
import CryptoCom
import Ledger
import OKX
import Rails
import Venue

/// The venues that there are, for the server that speaks as them and the desk that reads them. A fifth one is
/// one more line here.
public enum Venues {
    /// The venues in the order of the contract.
    public static let all: [any VenueReader.Type] = [
        CryptoComVenue.self, RailsVenue.self, BinanceVenue.self, OKXVenue.self,
    ]

    /// The venues' names, in the order of the contract.
    public static let names: [VenueName] = all.map { $0.name }

    /// The names as a sentence lists them.
    public static let listed: String = names.map(\.rawValue).joined(separator: ", ")

    /// The venue of a name; nil where there is none.
    public static func venue(_ name: VenueName) -> (any VenueReader.Type)? {
        all.first { $0.name == name }
    }
}
