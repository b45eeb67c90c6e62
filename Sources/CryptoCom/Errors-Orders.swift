import JSON
import Ledger
import Venue

/// Refusals of orders. Codes, messages and statuses: Crypto.com Exchange API documentation, Response and
/// Reason Codes; what it leaves open is listed in `docs/venues/crypto-com.md`.
extension VenueError {
    /// No position to close.
    static let noPosition = VenueError(201, "NO_POSITION", status: 500)
    /// A client's id that an open order of the account has.
    static let duplicateClientID = VenueError(204, "DUPLICATE_CLORDID")
    /// A future that has expired.
    static let instrumentExpired = VenueError(206, "INSTRUMENT_EXPIRED", status: 500)
    /// No price is known for the instrument.
    static let noMarkPrice = VenueError(207, "NO_MARK_PRICE")
    /// No such instrument.
    static let invalidInstrument = VenueError(209, "INVALID_INSTRUMENT")
    /// Amending or canceling an order that is not open.
    static let invalidOrderID = VenueError(212, "INVALID_ORDERID", status: 500)
    /// No decimal, not above zero, or no whole number of lots; the text is as recorded.
    static let invalidQuantity = VenueError(213, "Invalid quantity format")
    static let invalidOrderType = VenueError(218, "INVALID_ORDTYPE")
    static let invalidExecution = VenueError(219, "INVALID_EXECINST", status: 500)
    static let invalidSide = VenueError(220, "INVALID_SIDE")
    static let invalidTimeInForce = VenueError(221, "INVALID_TIF")
    static let invalidReferencePrice = VenueError(229, "INVALID_REF_PRICE")
    static let invalidReferencePriceType = VenueError(230, "INVALID_REF_PRICE_TYPE")
    /// In place of what is missing: the account has less than its initial margin before the order.
    static let marginCall = VenueError(301, "ACCOUNT_IS_IN_MARGIN_CALL", status: 500)
    /// The same, where it is to be liquidated.
    static let inLiquidation = VenueError(311, "POSITION_IS_IN_LIQUIDATION", status: 500)
    /// More than the account has free.
    static let insufficientBalance = VenueError(306, "INSUFFICIENT_AVAILABLE_BALANCE", status: 500)
    /// Missing, no decimal, not above zero, or off the tick.
    static let invalidPrice = VenueError(308, "INVALID_PRICE")
    static let exceedsOrderSize = VenueError(314, "EXCEEDS_MAX_ORDER_SIZE")
    static let farAwayPrice = VenueError(315, "FAR_AWAY_LIMIT_PRICE")
    static let tooManyOrders = VenueError(318, "EXCEEDS_MAX_ALLOWED_ORDERS")
    /// Beyond the position limit.
    static let exceedsPositionSize = VenueError(319, "EXCEEDS_MAX_POSITION_SIZE")
    static let belowOrderSize = VenueError(415, "BELOW_MIN_ORDER_SIZE", status: 500)
    /// Spot on margin, which the account has no access to.
    static let marginNotEnabled = VenueError(416, "MARGIN_TRADING_NOT_ENABLED")
    /// No isolated position of this id.
    static let unknownIsolation = VenueError(613, "INVALID_ISOLATION_ID", status: 500)
    /// A second isolated position of an instrument, instead of adding to the first by its id.
    static let duplicateIsolation = VenueError(
        617, "DUPLICATED_INSTRUMENT_ORDER_FOR_ISOLATED_MARGIN", status: 500)
    static let reduceOnlyRejected = VenueError(1110, "REDUCE_ONLY_REJECTED")
    /// Not found, where one order is asked for.
    static let notFound = VenueError(40401, "NOT_FOUND", status: 200)
    static let fillOrKill = VenueError(43003, "FILL_OR_KILL", status: 500)
    static let immediateOrCancel = VenueError(43004, "IMMEDIATE_OR_CANCEL", status: 500)
    static let postOnlyRejected = VenueError(43005, "POST_ONLY_REJ", status: 500)
    static let selfTrade = VenueError(43012, "SELF_TRADE_PREVENTION", status: 200)
    /// Contingencies on the list of plain orders.
    static let disabled = VenueError(140001, "API_DISABLED")

    /// Nobody knows whether it was carried out.
    static let timedOut = VenueError(40801, "REQUEST_TIMEOUT", status: 408)

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
