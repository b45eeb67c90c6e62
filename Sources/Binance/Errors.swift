import JSON
import Ledger
import Numbers
import Venue

/// A refusal in Binance's form: `{"code":-1121,"msg":"Invalid symbol."}` with its HTTP status. Binance USDⓈ-M
/// Futures API documentation, Error Code.
struct BinanceError: Error, Equatable {
    let status: Int
    let code: Int
    let message: String
    /// Seconds to wait, of the limits' refusals.
    var retryAfter: Int64?

    init(_ code: Int, status: Int = 400, _ message: String, retryAfter: Int64? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// The answer: code and message.
    var response: VenueResponse {
        var writer = JSONWriter(reserving: 160)
        writer.beginObject()
        writer.member("code", Int64(code))
        writer.member("msg", message)
        writer.endObject()
        return VenueResponse(
            status: status, headers: retryAfter.map { [("Retry-After", String($0))] } ?? [],
            body: writer.bytes,
            refusal: VenueRefusal(
                code: "\(code)", message: message, isOfUnservedPath: status == 404 && code == -5000))
    }

    // MARK: - Reaching an endpoint

    /// The form of the test host; production answers a web page.
    static func unknownPath(_ path: Substring, method: String) -> BinanceError {
        BinanceError(-5000, status: 404, "Path \(path), Method \(method) is invalid")
    }

    /// An endpoint of version 1 that has ended: HTTP 200 all the same.
    static func retired(_ path: Substring, successor: String) -> BinanceError {
        BinanceError(-5000, status: 200, "GET \(path) is retired, please use GET \(successor)")
    }

    static func tooManyRequests(_ address: String, limit: Int, retryAfter: Int64) -> BinanceError {
        BinanceError(
            -1003, status: 429,
            "Too many requests; current limit of IP(\(address)) is \(limit) requests per minute. "
                + "Please use the websocket for live updates to avoid polling the API.",
            retryAfter: retryAfter)
    }

    static func banned(_ address: String, until moment: Int64, retryAfter: Int64) -> BinanceError {
        BinanceError(
            -1003, status: 418,
            "Way too many requests; IP(\(address)) banned until \(moment). "
                + "Please use the websocket for live updates to avoid bans.",
            retryAfter: retryAfter)
    }

    // MARK: - Keys, time, signature

    static let malformedKey = BinanceError(-2014, status: 401, "API-key format invalid.")

    static func unauthorised(from address: String) -> BinanceError {
        BinanceError(
            -2015, status: 401, "Invalid API-key, IP, or permissions for action, request ip: \(address)")
    }

    /// As the WebSocket API words it, without the address.
    static let unauthorisedSession = BinanceError(
        -2015, status: 401, "Invalid API-key, IP, or permissions for action.")
    /// Session log-on is for Ed25519 keys only.
    static let invalidKeyType = BinanceError(-4056, "Invalid api key type.")
    static let tooOld = BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
    static let tooEarly = BinanceError(
        -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    static let wrongSignature = BinanceError(-1022, "Signature for this request is not valid.")

    // MARK: - Parameters

    static func missing(_ name: String) -> BinanceError {
        BinanceError(-1102, "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
    }

    static func illegalCharacters(_ name: String, legalRange: String) -> BinanceError {
        BinanceError(
            -1100, "Illegal characters found in parameter '\(name)'; legal range is '\(legalRange)'.")
    }

    static func empty(_ name: String) -> BinanceError {
        BinanceError(-1105, "Parameter '\(name)' was empty.")
    }

    static func invalidData(_ name: String) -> BinanceError {
        BinanceError(-1130, "Data sent for parameter '\(name)' is not valid.")
    }

    static let tooManyParameters = BinanceError(-1101, "Too many parameters sent for this endpoint.")
    static let duplicate = BinanceError(-1101, "Duplicate values for a parameter detected.")
    static let receiveWindowTooLarge = BinanceError(-1131, "'recvWindow' must be less than 60000.")
    /// A text that is no request. A choice: nothing says which code it has.
    static let invalidMessage = BinanceError(-1013, "INVALID_MESSAGE.")
    /// A method of the WebSocket API that there is not. A choice.
    static let unsupportedOperation = BinanceError(-1020, "This operation is not supported.")
    static let startAfterEnd = BinanceError(-1023, "Start time is greater than end time.")
    static let invalidInterval = BinanceError(-1120, "Invalid interval.")
    static let spanTooLong = BinanceError(-1127, "More than 1 hours between startTime and endTime.")
    static let invalidContractType = BinanceError(-4104, "Invalid contract type")
    static let invalidPair = BinanceError(-4144, "Invalid pair")

    static func invalidDepth(_ limit: Int64) -> BinanceError {
        BinanceError(-4021, "\(limit) is not valid depth limit")
    }

    static let invalidSymbol = BinanceError(-1121, "Invalid symbol.")
    static let listenKeyUnknown = BinanceError(
        -1125, "This listenKey does not exist. Please use POST /fapi/v1/listenKey to recreate listenKey")

    // MARK: - Orders

    static func superfluous(_ name: String) -> BinanceError {
        BinanceError(-1106, "Parameter '\(name)' sent when not required.")
    }

    static let tooPrecise = BinanceError(-1111, "Precision is over the maximum defined for this asset.")
    static let invalidTimeInForce = BinanceError(-1115, "Invalid timeInForce.")
    static let invalidOrderType = BinanceError(-1116, "Invalid orderType.")
    static let invalidSide = BinanceError(-1117, "Invalid side.")
    static let invalidResponseType = BinanceError(-1136, "Invalid newOrderRespType.")
    static let counterpartyTooFar = BinanceError(
        -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
    /// A list over more than the seven days that it may be of at once.
    static let intervalTooLong = BinanceError(-4165, "Maximum time interval is 7 days.")
    static let combinationInvalid = BinanceError(-1128, "Combination of optional parameters invalid.")
    static let unknownOrder = BinanceError(-2011, "Unknown order sent.")
    static let orderNotFound = BinanceError(-2013, "Order does not exist.")
    static let marginInsufficient = BinanceError(-2019, "Margin is insufficient.")
    static let nothingToReduce = BinanceError(-2022, "ReduceOnly Order is rejected.")
    /// In place of the margin that is missing, where the account is to be liquidated.
    static let inLiquidation = BinanceError(-2023, "User in liquidation mode now.")
    static let tooManyOrders = BinanceError(-2025, "Reach max open order limit.")
    static let priceNotPositive = BinanceError(-4001, "Price less than 0.")
    static let priceTooHigh = BinanceError(-4002, "Price greater than max price.")
    static let quantityNotPositive = BinanceError(-4003, "Quantity less than or equal to zero.")
    static let quantityTooSmall = BinanceError(-4004, "Quantity less than min quantity.")
    static let quantityTooLarge = BinanceError(-4005, "Quantity greater than max quantity.")
    static let priceTooLow = BinanceError(-4013, "Price less than min price.")
    static let priceOffTick = BinanceError(-4014, "Price not increased by tick size.")
    static let clientOrderIDInvalid = BinanceError(-4015, "Client order id is not valid.")
    static let clientOrderIDTooLong = BinanceError(
        -4015, "Client order id length should not be more than 36 chars")
    static let quantityOffStep = BinanceError(-4023, "Qty not increased by step size.")
    static let invalidPositionSide = BinanceError(-4060, "Invalid position side.")
    static let positionSideMismatch = BinanceError(
        -4061, "Order's position side does not match user's setting.")
    static let tooManyCancels = BinanceError(-4032, "Exceed maximum cancel order size.")
    static let tooManyBatchOrders = BinanceError(-4082, "Invalid number of batch place orders.")
    static let clientOrderIDDuplicate = BinanceError(-4116, "ClientOrderId is duplicated.")
    static let conditionalType = BinanceError(
        -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
    static let invalidGoodTillDate = BinanceError(
        -5040,
        "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
            + "253402300799000 (UTC 9999-12-31 23:59:59)")
    static let invalidPriceMatch = BinanceError(-5037, "Invalid price match")
    static let priceMatchOfMarket = BinanceError(
        -5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT")
    static let invalidSelfTradePrevention = BinanceError(-5039, "Invalid self trade prevention mode")
    static let noDepth = BinanceError(-5041, "No depth matches this BBO order")
    static let unfillable = BinanceError(
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. The order will "
            + "not be recorded in the order history")
    static let wouldTake = BinanceError(
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. The order "
            + "will not be recorded in the order history")
    static let tooManyAmendments = BinanceError(-5026, "Exceed maximum modify order limit.")
    static let notReduceOnly = BinanceError(-5047, "The original order is not a reduce-only order")

    static func amendedNotionalTooSmall(_ minimum: String) -> BinanceError {
        BinanceError(-5029, "Order's notional must be no smaller than \(minimum)")
    }

    static let amendmentUnchanged = BinanceError(-5027, "No need to modify the order.")

    // MARK: - Conditional orders

    static let triggerNotPositive = BinanceError(-4006, "Stop price less than zero.")
    static let triggerTooHigh = BinanceError(-4007, "Stop price greater than max price.")
    static let wouldTrigger = BinanceError(-2021, "Order would immediately trigger.")
    static let invalidWorkingType = BinanceError(-4031, "Invalid parameter working type")
    static let tooManyConditionals = BinanceError(-4045, "Reach max stop order limit.")
    static let closingOrderExists = BinanceError(
        -4130, "An open stop or take profit order with GTE and closePosition in the direction is existing.")
    static let quantityOfClosing = BinanceError(-4137, "Quantity must be zero with closePosition equals true")
    /// The refusal of a price, where that is a trigger's.
    var ofTrigger: BinanceError {
        switch code {
        case Self.priceNotPositive.code: .triggerNotPositive
        case Self.priceTooHigh.code: .triggerTooHigh
        default: self
        }
    }

    /// Neither of the two ids was sent.
    static func unnamed(_ first: String, _ second: String) -> BinanceError {
        BinanceError(-1102, "Param '\(first)' or '\(second)' must be sent, but both were empty/null!")
    }

    /// A type that cannot close a position whatever its size.
    static func neverCloses(_ type: AlgoType) -> BinanceError {
        BinanceError(-4136, "Target strategy invalid for orderType '\(type.rawValue)',closePosition 'true'")
    }

    static func aboveStop(_ limit: ExactDecimal) -> BinanceError {
        BinanceError(-4183, "Limit price can't be higher than \(limit).")
    }

    static func belowStop(_ limit: ExactDecimal) -> BinanceError {
        BinanceError(-4184, "Limit price can't be lower than \(limit).")
    }

    static func priceAbove(_ limit: ExactDecimal) -> BinanceError {
        BinanceError(-4016, "Limit price can't be higher than \(limit).")
    }

    static func priceBelow(_ limit: ExactDecimal) -> BinanceError {
        BinanceError(-4024, "Limit price can't be lower than \(limit).")
    }

    static func notionalTooSmall(_ minimum: String) -> BinanceError {
        BinanceError(
            -4164, "Order's notional must be no smaller than \(minimum) (unless you choose reduce only)."
        )
    }

    /// Why the exchange or the account's margin refuses an order, in the venue's words.
    static func refusedOrder(_ refusal: Refusal) -> BinanceError {
        switch refusal.code {
        case .nothingToReduce, .noPosition: .nothingToReduce
        case .orderExists: .clientOrderIDDuplicate
        case .unknownOrder: .unknownOrder
        case .wouldTake: .wouldTake
        case .unfillable: .unfillable
        case .unchanged: .amendmentUnchanged
        case .tooMany: .tooManyOrders
        case .timedOut: .fateUnknown
        case .notAllowed where refusal.message.hasPrefix(aboveMaximumPosition.message): .aboveMaximumPosition
        case .insufficientBalance where refusal.message.hasPrefix(reductionWithoutMargin.message):
            .reductionWithoutMargin
        default: .refused(refusal)
        }
    }

    static func tooManyNewOrders(limit: Int, _ window: String, retryAfter: Int64) -> BinanceError {
        BinanceError(
            -1015, status: 429, "Too many new orders; current limit is \(limit) orders per \(window).",
            retryAfter: retryAfter)
    }

    // MARK: - Accounts

    static let inactive = BinanceError(-4109, "This account is inactive. Please activate it before trading.")
    static let internalError = BinanceError(
        -1000, status: 500, "An unknown error occured while processing the request.")

    static let fateUnknown = BinanceError(
        -1007, status: 408,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.")

    static let overloaded = BinanceError(
        -1008, status: 503, "Server is currently overloaded with other requests. Please try again.")

    static func unavailable(status: Int) -> BinanceError {
        BinanceError(
            -1001, status: status, "Internal error; unable to process your request. Please try again.")
    }

    /// Whatever went wrong, as the venue tells it.
    static func of(_ error: any Error) -> BinanceError {
        switch error {
        case let error as BinanceError: error
        case let refusal as Refusal: .refused(refusal)
        // A figure that cannot be worked out, for want of a price or because it does not fit.
        default: .internalError
        }
    }

    /// A command that the ledger refused, where no code of the venue says it better.
    static func refused(_ refusal: Refusal) -> BinanceError {
        switch refusal.code {
        case .insufficientBalance: .marginInsufficient
        case .unknownInstrument: .invalidSymbol
        case .unknownAccount: .inactive
        case .storeUnavailable:
            .unavailable(status: 503)
        case .busy: .overloaded
        default: BinanceError(-1130, refusal.message)
        }
    }
}

/// Why a change is refused: both the REST calls and the commands say it.
extension BinanceError {
    /// As the ledger's refusal.
    func refusal(_ kind: Refusal.Code, field: String, detail: String = "") -> Refusal {
        Refusal(kind, detail.isEmpty ? message : "\(message) \(detail)", field: field)
    }

    static func invalidLeverage(_ leverage: String) -> BinanceError {
        BinanceError(-4028, "Leverage \(leverage) is not valid")
    }

    static let aboveMaximumPosition = BinanceError(
        -2027, "Exceeded the maximum allowable position at current leverage.")
    static let reductionWithoutMargin = BinanceError(
        -4118, "ReduceOnly Order Failed. Please check your existing position and open orders")
    static let isolatedLeverageReduced = BinanceError(
        -4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.")
    static let leverageTooLow = BinanceError(
        -2028, "Leverage is smaller than permitted: insufficient margin balance.")
    static let balanceInsufficient = BinanceError(-2018, "Balance is insufficient.")
    static let sameMarginType = BinanceError(-4046, "No need to change margin type.")
    static let marginTypeOrders = BinanceError(
        -4047, "Margin type cannot be changed if there exists open orders.")
    static let marginTypePosition = BinanceError(
        -4048, "Margin type cannot be changed if there exists position.")
    static let marginOfCrossPosition = BinanceError(-4049, "Add margin only support for isolated position.")
    static let marginWithoutPosition = BinanceError(-4054, "Cannot add position margin: position is 0.")
    static let marginNotPositive = BinanceError(-4055, "Amount must be positive.")
    static let crossBalanceInsufficient = BinanceError(-4050, "Cross balance insufficient.")
    static let isolatedBalanceInsufficient = BinanceError(-4051, "Isolated balance insufficient.")
    static let samePositionMode = BinanceError(-4059, "No need to change position side.")
    static let positionModeOrders = BinanceError(
        -4067, "Position side cannot be changed if there exists open orders.")
    static let positionModePosition = BinanceError(
        -4068, "Position side cannot be changed if there exists position.")
    static let multiAssetsIsolated = BinanceError(
        -4167,
        "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode.")
    static let isolatedInMultiAssets = BinanceError(
        -4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")
    static let multiAssetsMargin = BinanceError(
        -4169, "Unable to adjust Multi-Assets Mode with insufficient margin balance in USDⓈ-M Futures.")
    static let multiAssetsOrders = BinanceError(
        -4170, "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures.")
    static let sameAssetMode = BinanceError(
        -4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.")
    static let multiAssetsNegativeWallet = BinanceError(
        -4172,
        "Unable to adjust Multi-Assets Mode with a negative wallet balance of margin available asset in "
            + "USDⓈ-M Futures account.")
}
