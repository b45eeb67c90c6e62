import JSON
import Ledger
import Venue

/// Refusals of orders. Codes, messages and statuses: Crypto.com Exchange API documentation, Response and
/// Reason Codes; what it leaves open is listed in `docs/venues/crypto-com.md`.
extension VenueError {
    /// No position to close.
    static let noPosition = VenueError(code: 201, message: "NO_POSITION", status: 500)
    /// A client's id that an open order of the account has.
    static let duplicateClientID = VenueError(code: 204, message: "DUPLICATE_CLORDID", status: 400)
    /// A future that has expired.
    static let instrumentExpired = VenueError(code: 206, message: "INSTRUMENT_EXPIRED", status: 500)
    /// No price is known for the instrument.
    static let noMarkPrice = VenueError(code: 207, message: "NO_MARK_PRICE", status: 400)
    /// No such instrument.
    static let invalidInstrument = VenueError(code: 209, message: "INVALID_INSTRUMENT", status: 400)
    /// Amending or cancelling an order that is not open.
    static let invalidOrderID = VenueError(code: 212, message: "INVALID_ORDERID", status: 500)
    /// No decimal, not above zero, or no whole number of lots; the text is as recorded.
    static let invalidQuantity = VenueError(code: 213, message: "Invalid quantity format", status: 400)
    static let invalidOrderType = VenueError(code: 218, message: "INVALID_ORDTYPE", status: 400)
    static let invalidExecution = VenueError(code: 219, message: "INVALID_EXECINST", status: 500)
    static let invalidSide = VenueError(code: 220, message: "INVALID_SIDE", status: 400)
    static let invalidTimeInForce = VenueError(code: 221, message: "INVALID_TIF", status: 400)
    static let invalidReferencePrice = VenueError(code: 229, message: "INVALID_REF_PRICE", status: 400)
    static let invalidReferencePriceType = VenueError(
        code: 230, message: "INVALID_REF_PRICE_TYPE", status: 400)
    /// In place of what is missing: the account has less than its initial margin before the order.
    static let marginCall = VenueError(code: 301, message: "ACCOUNT_IS_IN_MARGIN_CALL", status: 500)
    /// The same, where it is to be liquidated.
    static let inLiquidation = VenueError(code: 311, message: "POSITION_IS_IN_LIQUIDATION", status: 500)
    /// More than the account has free.
    static let insufficientBalance = VenueError(
        code: 306, message: "INSUFFICIENT_AVAILABLE_BALANCE", status: 500)
    /// Missing, no decimal, not above zero, or off the tick.
    static let invalidPrice = VenueError(code: 308, message: "INVALID_PRICE", status: 400)
    static let exceedsOrderSize = VenueError(code: 314, message: "EXCEEDS_MAX_ORDER_SIZE", status: 400)
    static let farAwayPrice = VenueError(code: 315, message: "FAR_AWAY_LIMIT_PRICE", status: 400)
    static let tooManyOrders = VenueError(code: 318, message: "EXCEEDS_MAX_ALLOWED_ORDERS", status: 400)
    /// Beyond the position limit.
    static let exceedsPositionSize = VenueError(
        code: 319, message: "EXCEEDS_MAX_POSITION_SIZE", status: 400)
    static let belowOrderSize = VenueError(code: 415, message: "BELOW_MIN_ORDER_SIZE", status: 500)
    /// Spot on margin, which the account has no access to.
    static let marginNotEnabled = VenueError(code: 416, message: "MARGIN_TRADING_NOT_ENABLED", status: 400)
    /// No isolated position of this id.
    static let unknownIsolation = VenueError(
        code: 613, message: "INVALID_ISOLATION_ID", status: 500)
    /// A second isolated position of an instrument, instead of adding to the first by its id.
    static let duplicateIsolation = VenueError(
        code: 617, message: "DUPLICATED_INSTRUMENT_ORDER_FOR_ISOLATED_MARGIN", status: 500)
    static let reduceOnlyRejected = VenueError(code: 1110, message: "REDUCE_ONLY_REJECTED", status: 400)
    /// Not found, where one order is asked for.
    static let notFound = VenueError(code: 40401, message: "NOT_FOUND", status: 200)
    static let fillOrKill = VenueError(code: 43003, message: "FILL_OR_KILL", status: 500)
    static let immediateOrCancel = VenueError(code: 43004, message: "IMMEDIATE_OR_CANCEL", status: 500)
    static let postOnlyRejected = VenueError(code: 43005, message: "POST_ONLY_REJ", status: 500)
    static let selfTrade = VenueError(code: 43012, message: "SELF_TRADE_PREVENTION", status: 200)
    /// Contingencies on the list of plain orders.
    static let disabled = VenueError(code: 140001, message: "API_DISABLED", status: 400)

    /// Nobody knows whether it was carried out.
    static let timedOut = VenueError(code: 40801, message: "REQUEST_TIMEOUT", status: 408)

    /// Codes of refusals that come after the order was given an id.
    private static let namesOrders: Set<Int> = [
        301, 306, 311, 314, 315, 318, 319, 415, 1110, 43003, 43004, 43005, 43012,
    ]

    /// Whether the refused order has an id all the same.
    var namesOrder: Bool { Self.namesOrders.contains(code) }

    /// What the exchange's refusal is in the venue's words.
    init(_ refusal: Refusal) {
        switch refusal.code {
        case .insufficientBalance: self = .insufficientBalance
        case .nothingToReduce: self = .reduceOnlyRejected
        case .unfillable: self = .fillOrKill
        case .wouldTake: self = .postOnlyRejected
        case .orderExists: self = .duplicateClientID
        case .unknownOrder: self = .invalidOrderID
        case .noPosition: self = .noPosition
        case .priceMissing: self = .noMarkPrice
        case .tooMany: self = .tooManyOrders
        case .invalidAmount: self = .invalidQuantity
        case .overflow: self = .exceedsOrderSize
        case .unknownInstrument: self = .invalidInstrument
        case .notAllowed where refusal.field == "reduce_only": self = .reduceOnlyRejected
        case .notAllowed where refusal.field == "quantity": self = .exceedsPositionSize
        case .timedOut: self = .timedOut
        case .notAllowed, .invalidField: self = .invalidArgument
        default: self = .internal
        }
    }
}

/// What an order is called in answers.
struct OrderNames: Equatable {
    let clientID: String
    let orderID: String

    init(clientID: String, orderID: String) {
        self.clientID = clientID
        self.orderID = orderID
    }

    init(_ order: OpenOrder, of account: String) {
        clientID = order.clientID(of: account)
        orderID = order.venueID(of: account)
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("client_oid", clientID)
        writer.member("order_id", orderID)
        writer.endObject()
    }
}
