import JSON
import Ledger
import Numbers
import Venue

/// Writes a reply: `{"id":…,"method":…,"code":0,"result":…}`; the caller writes the result.
struct ReplyWriter {
    var writer: JSONWriter

    /// Room for an account object with so many rows, so that the bytes grow in place.
    static func capacity(rows: Int) -> Int { 1024 + 320 * rows }

    init(id: RequestIdentifier, method: String, reserving capacity: Int = 2048) {
        writer = JSONWriter(reserving: capacity)
        writer.beginAnswer(id: id, method: method)
        writer.key("result")
    }

    consuming func finished() -> [UInt8] {
        writer.endObject()
        return writer.bytes
    }
}

extension CryptoComVenue {
    /// An account's figures at the time of its snapshot. Throws `FigureError` where a price is missing.
    func figures(of snapshot: AccountSnapshot) throws(FigureError) -> AccountFigures {
        let rules = rules(at: snapshot.at)
        return try FigureError.turning {
            try AccountFigures(
                of: snapshot.account,
                market: ValuationPrices(prices: snapshot.prices, reference: rules.reference),
                rules: rules, profile: profile)
        }
    }

    /// Whether the body of an account has no account object.
    func answersNothing(of account: Account) -> Bool {
        profile == .live && account.holdings.isEmpty && account.positions.isEmpty
            && account.settings.flag("empty_data")
    }

    /// The result of `private/user-balance`.
    func writeUserBalance(of snapshot: AccountSnapshot, to writer: inout JSONWriter) throws(FigureError) {
        let figures = try figures(of: snapshot)
        try FigureError.turning {
            writer.beginObject()
            writer.beginArray("data")
            if !answersNothing(of: snapshot.account) {
                try figures.write(.ofAccount(profile), of: snapshot.account.id, to: &writer)
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// The result of `private/get-subaccount-balances` for a main account: its sub-accounts in the order of
    /// opening.
    func writeSubaccountBalances(
        of account: String, _ access: any VenueAccess, to writer: inout JSONWriter
    ) throws(FigureError) {
        writer.beginObject()
        writer.beginArray("data")
        for name in access.subaccounts(of: account) {
            guard let snapshot = access.snapshot(of: name) else { continue }
            let figures = try figures(of: snapshot)
            try FigureError.turning { try figures.write(.ofSubaccount(profile), of: name, to: &writer) }
        }
        writer.endArray()
        writer.endObject()
    }
}

extension JSONWriter {
    /// What every answer begins with, over REST and on a socket; code 0 is success.
    mutating func beginAnswer(id: RequestIdentifier, method: String, code: Int = 0) {
        beginObject()
        member("id", id.number)
        member("method", method)
        member("code", Int64(code))
    }
}
