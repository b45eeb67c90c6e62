import Binance
import CryptoCom
import Ledger
import OKX
import Rails
import Venue

/// The venues that there are, for the server that speaks as them and the desk that reads them. A fifth one is
/// one more line here.
public enum Venues {
    /// The venues in the order in which they are listed everywhere.
    public static let all: [any Venue.Type] = [
        CryptoComVenue.self, RailsVenue.self, BinanceVenue.self, OKXVenue.self,
    ]

    /// The venues that a server can speak as.
    public static let servers: [any VenueServer.Type] = all.compactMap { $0 as? any VenueServer.Type }

    /// The venues at which accounts can be read.
    public static let clients: [any VenueClient.Type] = all.compactMap { $0 as? any VenueClient.Type }

    /// The venues' names, in the same order as `all`.
    public static let names: [VenueName] = all.map { $0.name }

    /// The names as a sentence lists them.
    public static let listed: String = names.map(\.rawValue).joined(separator: ", ")

    /// The venue of a name; nil where there is none.
    public static func venue(_ name: VenueName) -> (any Venue.Type)? { all.first { $0.name == name } }

    /// The venue of a name, to be it; nil where no server can be.
    public static func server(_ name: VenueName) -> (any VenueServer.Type)? {
        servers.first { $0.name == name }
    }

    /// The venue of a name, to read it; nil where it cannot be read.
    public static func client(_ name: VenueName) -> (any VenueClient.Type)? {
        clients.first { $0.name == name }
    }

    /// The names, as people write them, of those venues of which something holds.
    public static func titles(where holds: (any Venue.Type) -> Bool = { _ in true }) -> String {
        all.filter(holds).map { $0.title }.joined(separator: ", ")
    }
}
