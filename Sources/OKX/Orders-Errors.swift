import Ledger
import Numbers

// Refusals of orders: OKX API documentation, Error Code, Trade. Inside an answer they stand with the order
// that they are of; texts end as recorded, some in a blank.

extension OKXError {
    private static func item(_ code: String, _ message: String) -> OKXError {
        OKXError(code, 200, message, shape: .business)
    }

    static func itemMissing(_ name: String) -> OKXError {
        item("50014", "Parameter \(name) can not be empty")
    }

    static func itemWrong(_ name: String) -> OKXError { item("51000", "Parameter \(name) error") }

    static let positionSideWrong = item("51000", "Parameter posSide error ")
    static let itemInstrumentUnknown = item(
        "51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
    static let contractExpired = item("51027", "Contract expired.")
    static let itemModeUnsupported = item(
        "51010", "You can't complete this request under your current account mode. ")
    static let isolatedEnded = item(
        "50072",
        "Isolated margin mode is no longer supported in multi-currency margin mode and portfolio margin mode."
    )
    static let preventionWithFillOrKill = item(
        "54036", "You can't place an FOK order with cancel_both as the self-trade prevention mode.")
    static let sizeOffLot = item("51121", "Order quantity must be a multiple of the lot size.")
    static let sizeTooSmall = item("51020", "Your order should meet or exceed the minimum order amount.")
    static let marketSizeTooLarge = item(
        "51202", "Market order amount exceeds the maximum amount.")

    static func sizeTooLarge(_ most: ExactDecimal) -> OKXError {
        item(
            "51101",
            "Order failed, the sz of the current order can't be more than \(most) (contracts).")
    }

    static func priceBeyondLimit(_ most: ExactDecimal, _ least: ExactDecimal) -> OKXError {
        item(
            "51006",
            "Order price is not within the price limit (max buy price: \(most), min sell price: \(least) )")
    }

    /// Of the exchange of a pair's currencies. The words are those that CCXT's table has.
    static func exchangeBeyondLimit(_ side: Side, _ limit: ExactDecimal) -> OKXError {
        let end = side == .buy ? ("51137", "max buy") : ("51138", "min sell")
        return item(
            end.0, "Your opening price has triggered the limit price, and the \(end.1) price is \(limit)")
    }

    static let nothingToReduce = item(
        "51169",
        "Order failed because you don't have any positions in this direction for this contract to reduce or "
            + "close.")
    static let reducesSameSide = item(
        "51170",
        "Failed to place order. A reduce-only order can't be the same trading direction as your existing "
            + "positions.")
    static let reducesSpot = item(
        "51139", "Reduce-only feature is unavailable for the spot transactions by spot mode.")
    static let closesTooMuch = item("51112", "Close order size exceeds available size for this position.")

    /// `family` where all contracts of one share a limit.
    static func tierExceeded(
        _ order: OrderInstruction, family: String?, _ mode: MarginMode, most: ExactDecimal,
        leverage: ExactDecimal, held: ExactDecimal, waiting: ExactDecimal
    ) -> OKXError {
        let name = order.instrument
        let isNet = order.positionSide == nil
        let way = order.side == .buy ? "buy" : "sell"
        let directions = mode == .cross ? "in the long and short directions" : "in the same direction"
        let (kind, size, position, orders): (String, String, String, String)
        if let family {
            (kind, size) = (
                "cross buy/sell mode of \(name) and instFamily \(family)", "current \(way) order size"
            )
            (position, orders) = ("current instId position quantity", "current instId pending \(way) orders")
        } else if isNet {
            (kind, size) = ("buy/sell mode of \(name)", "current \(way) order size")
            (position, orders) = ("position quantity", "pending \(way) orders")
        } else {
            (kind, size) = ("\(mode.rawValue) long/short mode of \(name)", "current order size")
            (position, orders) = ("position quantity \(directions)", "pending orders \(directions)")
        }
        let others = family == nil ? "" : ", and other contracts of the same instFamily"
        let sum = family == nil ? "\(position), and \(orders)" : "\(position), \(orders)\(others)"
        let tail = family == nil ? "" : ", other contracts of the same instFamily: 0 contracts"
        return item(
            "51004",
            "Order failed. For \(kind), the sum of \(size), \(sum) can’t be more than \(most)(contracts) "
                + "which is the maximum position amount under current leverage. Please lower the leverage or "
                + "use a new sub-account to place the order again (current leverage: \(leverage)×, \(size): "
                + "\(order.quantity) contracts, \(position): \(held) contracts, \(orders): \(waiting) "
                + "contracts\(tail)).")
    }

    static func tooManyOrders(_ most: Int) -> OKXError {
        item("51174", "Order failed, number of pending orders for the account exceed the limit of \(most).")
    }

    static let clientIDTaken = item("51016", "Client order ID already exists.")
    static let algoClientIDTaken = item("51065", "Algo client order ID already exists.")
    static let closingAlgoExists = item(
        "51088", "You can only place 1 TP/SL order to close an entire position")
    static let activationTooLow = item(
        "51258",
        "Trailing stop order placement failed. The trigger price of a sell order must be higher than the "
            + "last transaction price.")
    static let activationTooHigh = item(
        "51259",
        "Trailing stop order placement failed. The trigger price of a buy order must be lower than the last "
            + "transaction price.")

    static func attachedIDTaken(_ id: String) -> OKXError {
        item("51068", "\(id) already exists within algoClOrdId and attachAlgoClOrdId.")
    }

    static let cancelUnknown = item(
        "51400", "Order cancellation failed as the order has been filled, canceled or does not exist.")
    static let amendUnknown = item("51503", "Your order has already been filled or canceled.")
    static let amendWouldTake = item(
        "51511", "Operation failed as the order price doesn't meet the requirement for Post Only.")
    static let amendNothing = item("51500", "You must enter a price, quantity, or TP/SL")
    static let amendRepeated = item("51512", "Unable to amend the same order twice in one batch.")
    static let orderUnknown = OKXError("51603", 200, "Order does not exist", shape: .business)
    static let positionMissing = OKXError("51023", 200, "Position doesn't exist.", shape: .business)
    static let closingOrders = OKXError(
        "51115", 429, "Cancel all pending close-orders before liquidation.", shape: .business)
    static let fateUnknown = item(
        "50004",
        "API endpoint request timeout (does not mean that the request was successful or failed, please check "
            + "the request result).")
    static let noPriceYet = item("50001", "Service temporarily unavailable. Please try again later")

    static func batchTooLarge(_ code: String, _ limit: Int) -> OKXError {
        OKXError(code, 400, "Maximum {\(limit)} orders can be placed in bulk.", shape: .business)
    }

    /// What the exchange's refusal of an order is at the venue.
    init(order refusal: Refusal, mode: AccountMode, currency: String) {
        switch refusal.code {
        case .orderExists: self = .clientIDTaken
        case .insufficientBalance: self = .insufficient(mode, currency)
        case .nothingToReduce: self = .nothingToReduce
        case .noPosition: self = .closesTooMuch
        case .invalidAmount: self = .sizeTooSmall
        case .tooMany: self = .tooManyOrders(4000)
        case .unknownInstrument: self = .itemInstrumentUnknown
        case .unknownOrder: self = .cancelUnknown
        case .priceMissing: self = .noPriceYet
        case .wouldTake, .unfillable: self = .systemError
        case .timedOut: self = .fateUnknown
        default: self = .systemError
        }
    }

    private static func insufficient(_ mode: AccountMode, _ currency: String) -> OKXError {
        switch mode {
        case .spot: item("51008", "Order failed. Insufficient \(currency) balance in account")
        case .futures: item("51008", "Order failed. Insufficient \(currency) margin in account ")
        case .multi, .portfolio:
            item(
                "51008",
                "Order failed. Your available \(currency) balance is insufficient, and your available margin "
                    + "(in USD) is too low for borrowing. ")
        }
    }

    /// `subCode`, where one is recorded.
    var subCode: String {
        guard code == "51008" else { return "" }
        if message.contains("too low for borrowing") { return "1000" }
        return message.contains("margin in account") ? "1001" : "10000"
    }
}
