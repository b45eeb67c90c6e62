import JSON
import Ledger
import Numbers
import Venue

/// Crypto.com Exchange: its REST API of version 1, spoken as a server, over accounts of the ledger.
public struct CryptoComVenue: RulebookVenue, VenueServer {
    /// The venue's name in commands and files: `crypto-com`.
    public static let name = VenueName(rawValue: "crypto-com")

    /// The venue's name for people.
    public static var title: String { "Crypto.com Exchange" }

    /// The account's own balance, and those of its sub-accounts.
    public static var accountRequests: [String] {
        Method.accountBodies.map { "POST /exchange/v1/\($0.rawValue)" }
    }

    /// Clients are given the address with the version in it.
    public static var clientAddress: String { "Base URL of the REST API: ORIGIN/exchange/v1" }

    /// Which of the two bodies, and the id that it echoes.
    public static var accountParameters: [(name: String, words: String)] {
        [("method", Method.accountBodies.map(\.rawValue).joined(separator: " or "))]
    }

    /// A method is this and its name, such as `private/user-balance`.
    public static var pathPrefixes: [String] { ["/exchange/v1/"] }

    /// The wire form in use.
    public let profile: WireProfile
    /// Every version of the rules.
    public var timeline: RulebookTimeline<CryptoComRules>

    /// The rulebooks of October 2023 and of January 2026.
    public static let builtInRulebooks = [
        PackageResources.crypto_com_2023_10_31_json, PackageResources.crypto_com_2026_01_08_json,
    ]

    /// The venue with these rules.
    public init(timeline: RulebookTimeline<CryptoComRules>, profile: WireProfile) {
        self.timeline = timeline
        self.profile = profile
    }

    /// The figures that a new order must not bring below zero.
    public static let acceptanceFigures = ["total_available_balance"]

    /// The order's `order_id`.
    public func shownID(of order: OpenOrder, in account: String) -> String {
        order.venueID(of: account)
    }

    /// `order_id` of a conditional order.
    public func shownID(of order: ConditionalOrder, in account: String) -> String {
        order.venueID
    }

    /// The body of `private/user-balance`, or with `method=private/get-subaccount-balances` that of the
    /// other.
    ///
    /// `id` in the query is echoed as a request's id would be; without it the reply carries -1. Throws
    /// `StatementError` for another method or an id that is no number, `FigureError` where a figure cannot be
    /// worked out.
    public func accountBody(
        of snapshot: AccountSnapshot, query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        let method = query["method"] ?? Method.userBalance.rawValue
        var identifier = RequestIdentifier.omitted
        if let text = query["id"] {
            guard let given = RequestIdentifier(digits: text) else {
                throw StatementError(
                    field: "id", message: "id must be a whole number from 0 to 9223372036854775807.")
            }
            identifier = given
        }
        var reply = ReplyWriter(
            id: identifier, method: method,
            reserving: ReplyWriter.capacity(rows: snapshot.account.holdings.count))
        switch Method(rawValue: method) {
        case .userBalance: try writeUserBalance(of: snapshot, to: &reply.writer)
        case .subaccountBalances:
            try writeSubaccountBalances(of: snapshot.account.id, access, to: &reply.writer)
        default:
            throw StatementError(
                field: "method",
                message:
                    "method must be \(Method.accountBodies.map(\.rawValue).joined(separator: " or ")).")
        }
        return reply.finished()
    }

    /// A key of the venue's shape: 22 letters and digits, and a secret that begins with `cxakp_`.
    public func makeCredentials(randomBytes: (Int) -> [UInt8]) -> Credentials {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        func text(_ length: Int) -> String {
            let bytes = randomBytes(2 * length)
            // Two bytes a letter: 65536 is so far above 62 that no letter is favored by more than 0.1 %.
            let letters = stride(from: 0, to: bytes.count - 1, by: 2).map { place in
                alphabet[(Int(bytes[place]) << 8 | Int(bytes[place + 1])) % alphabet.count]
            }
            return String(decoding: letters, as: UTF8.self)
        }
        return Credentials(apiKey: text(22), secret: "cxakp_" + text(22), passphrase: nil)
    }
}
