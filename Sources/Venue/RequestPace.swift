/// How many requests a venue takes from one caller: so much weight in any window of so many milliseconds.
public struct RequestPace: Sendable, Equatable {
    /// Whom the venue counts by.
    public enum Caller: Sendable {
        /// The address that requests come from, whatever their key.
        case address
        /// The key, or the account that it belongs to.
        case key
    }

    /// Whom the venue counts by.
    public let caller: Caller
    /// The weight that fits into one window.
    public let weight: Int
    /// The length of the window.
    public let milliseconds: Int64
    /// The header, in lower case, in which the venue says what it has counted so far; nil where there is
    /// none.
    public let usedHeader: String?

    public init(by caller: Caller, weight: Int, milliseconds: Int64, usedHeader: String? = nil) {
        self.caller = caller
        self.weight = weight
        self.milliseconds = milliseconds
        self.usedHeader = usedHeader
    }
}

extension VenueClient {
    /// Two requests a second of every key: slow enough for any venue.
    public static var pace: RequestPace { RequestPace(by: .key, weight: 2, milliseconds: 1000) }
}
