import JSON
import Venue

/// The key of an account's user data stream: sixty-four letters and digits, always the same for an account
/// and a store, alive for an hour after it was asked for or extended. Sheet, section 8.
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
            let account = access.limiter.owner(ofMark: mark)
        else { return nil }
        return (account, end)
    }

    /// POST and `userDataStream.start` begin or extend a listen key's hour.
    func startListenKey(of account: String, through access: any VenueAccess) -> [UInt8] {
        let listenKey = listenKey(of: account, through: access)
        access.limiter.setMark(
            Self.mark(listenKey), to: access.realTime() + Self.listenKeyLife, owner: account)
        var writer = JSONWriter(reserving: 96)
        writer.beginObject()
        writer.text("listenKey", listenKey)
        writer.endObject()
        return writer.bytes
    }

    /// PUT and `userDataStream.ping` extend the hour of a listen key that is alive.
    func extendListenKey(
        of account: String, through access: any VenueAccess
    ) throws(BinanceError) -> [UInt8] {
        guard life(ofListenKey: listenKey(of: account, through: access), through: access) != nil else {
            throw .listenKeyUnknown
        }
        return startListenKey(of: account, through: access)
    }

    /// DELETE and `userDataStream.stop` end a listen key.
    func stopListenKey(of account: String, through access: any VenueAccess) -> [UInt8] {
        access.limiter.setMark(Self.mark(listenKey(of: account, through: access)), to: nil)
        return Array("{}".utf8)
    }
}
