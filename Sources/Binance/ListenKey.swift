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
        if access.limiter.mark(mark) == nil { inherit(listenKey, through: access) }
        guard let end = access.limiter.mark(mark), end > access.realTime(),
            let owner = access.limiter.owner(ofMark: mark), let key = access.key(owner)
        else { return nil }
        return (key.account, end)
    }

    /// Takes a listen key to be alive that may have been given out before the server began, or before its
    /// ledger was replaced. It knows nothing of those, but they are the same; so a client that comes back
    /// with one hears on, for an hour from the first that is asked for.
    private func inherit(_ listenKey: String, through access: any VenueAccess) {
        let now = access.realTime()
        let memory = "listenKeys of before"
        if access.limiter.mark(memory) == nil {
            access.limiter.setMark(memory, to: now + Self.listenKeyLife)
        }
        guard let end = access.limiter.mark(memory), end > now, listenKey.utf8.count == 64,
            let key = access.keys().first(where: {
                self.listenKey(of: $0.account, through: access).isExactly(listenKey)
            })
        else { return }
        access.limiter.setMark(Self.mark(listenKey), to: end, owner: key.apiKey)
    }

    /// POST and `userDataStream.start` begin or extend a listen key's hour.
    func startListenKey(of key: APIKey, through access: any VenueAccess) -> [UInt8] {
        let listenKey = listenKey(of: key.account, through: access)
        access.limiter.setMark(
            Self.mark(listenKey), to: access.realTime() + Self.listenKeyLife, owner: key.apiKey)
        return JSONWriter.object(reserving: 96) { writer in
            writer.member("listenKey", listenKey)
        }
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
        // It is known to be dead: what is not known may have been given out before the server began.
        access.limiter.setMark(Self.mark(listenKey(of: key.account, through: access)), to: 0)
        return Array("{}".utf8)
    }
}
