import JSON
import Venue

/// The key of an account's user data stream: sixty-four letters and digits, always the same for an account
/// and a store, alive for an hour after it was asked for or extended, and no longer than the API key that did
/// so is in force. Binance USDⓈ-M Futures API documentation, User Data Streams.
extension BinanceVenue {
    /// How long a listen key lives, in milliseconds.
    private static let listenKeyLife: Int64 = 60 * 60_000

    private func listenKey(of account: String, through access: any VenueAccess) -> String {
        Alphanumeric.stable(64, of: "binance listenKey \(account)", key: access.tokenSecret)
    }

    private static func mark(_ listenKey: String) -> String { "listenKey \(listenKey)" }

    /// The account of a listen key that is alive, and the real time of its end; nil for one that is dead or
    /// was never given out.
    func life(
        ofListenKey listenKey: String, through access: any VenueAccess
    ) -> (account: String, end: Int64)? {
        let mark = Self.mark(listenKey)
        guard let end = access.limiter.mark(mark), end > access.realTime(),
            let owner = access.limiter.owner(ofMark: mark), let key = access.key(owner)
        else { return nil }
        return (key.account, end)
    }

    /// POST and `userDataStream.start` begin or extend a listen key's hour.
    func startListenKey(of key: APIKey, through access: any VenueAccess) -> [UInt8] {
        let listenKey = listenKey(of: key.account, through: access)
        access.limiter.setMark(
            Self.mark(listenKey), to: access.realTime() + Self.listenKeyLife, owner: key.apiKey)
        var writer = JSONWriter(reserving: 96)
        writer.beginObject()
        writer.member("listenKey", listenKey)
        writer.endObject()
        return writer.bytes
    }

    /// PUT and `userDataStream.ping` extend the hour of a listen key that is alive.
    func extendListenKey(of key: APIKey, through access: any VenueAccess) throws(BinanceError) -> [UInt8] {
        guard life(ofListenKey: listenKey(of: key.account, through: access), through: access) != nil else {
            throw .listenKeyUnknown
        }
        return startListenKey(of: key, through: access)
    }

    /// DELETE and `userDataStream.stop` end a listen key.
    func stopListenKey(of key: APIKey, through access: any VenueAccess) -> [UInt8] {
        access.limiter.setMark(Self.mark(listenKey(of: key.account, through: access)), to: nil)
        return Array("{}".utf8)
    }
}
