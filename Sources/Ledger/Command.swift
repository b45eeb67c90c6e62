import JSON
import Numbers

/// What somebody asks of the ledger (contract, section 3).
public struct Command: Sendable, Equatable {
    /// The idempotency key, 1 to 64 characters; one space for the whole ledger.
    public var id: String?
    /// The ledger time it should happen at; nil for now.
    public var at: LedgerTime?
    /// The account it is about; nil for `prices`.
    public var account: String?
    public var content: Content

    public init(id: String? = nil, at time: LedgerTime? = nil, account: String?, content: Content) {
        self.id = id
        self.at = time
        self.account = account
        self.content = content
    }

    /// What is asked. Names are the venue's own and not looked up yet; amounts are decimals, not checked yet.
    public enum Content: Sendable, Equatable {
        case openAccount(venue: String, parent: String?, settings: Settings)
        case configure(Settings)
        case deposit(asset: String, amount: ExactDecimal)
        case withdraw(asset: String, amount: ExactDecimal, fee: ExactDecimal, force: Bool)
        case transfer(to: String, asset: String, amount: ExactDecimal, force: Bool)
        case placeOrder(OrderRequest)
        case cancelOrder(orderID: String)
        case fill(FillRequest)
        case importPosition(ImportRequest)
        case setLeverage(
            instrument: String, leverage: ExactDecimal, side: PositionSide?, marginMode: MarginMode?)
        case setMarginMode(instrument: String, marginMode: MarginMode)
        case adjustIsolatedMargin(instrument: String, amount: ExactDecimal, side: PositionSide?)
        case funding(FundingRequest)
        case borrow(asset: String, amount: ExactDecimal)
        case repay(asset: String, amount: ExactDecimal)
        case accrueInterest(asset: String, amount: ExactDecimal)
        /// Interest by the venue's own rate, of so many full hours from now on.
        case accrueHourlyInterest(asset: String, hours: Int64)
        case reserve(asset: String, amount: ExactDecimal, purpose: String)
        case release(asset: String, amount: ExactDecimal, purpose: String)
        case credit(asset: String, amount: ExactDecimal, purpose: String)
        case settle(instrument: String?)
        /// What the venue exchanges by itself, where it is due; `afterLiquidation` says that a liquidation
        /// has just left a shortfall.
        case autoExchange(afterLiquidation: Bool)
        case prices(venue: String, marks: [PriceTick.Quote], index: [PriceTick.Quote])
        case raise(flag: String, asset: String?, value: JSONValue)
    }
}

/// An order to place.
public struct OrderRequest: Sendable, Equatable {
    public var orderID: String
    public var instrument: String
    public var side: Side
    public var quantity: ExactDecimal
    public var price: ExactDecimal
    public var reduceOnly = false
    public var positionSide: PositionSide?
    public var marginMode: MarginMode?
    public var force = false

    public init(orderID: String, instrument: String, side: Side, quantity: ExactDecimal, price: ExactDecimal)
    {
        self.orderID = orderID
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.price = price
    }
}

/// A trade to book.
public struct FillRequest: Sendable, Equatable {
    public var instrument: String
    public var side: Side
    public var quantity: ExactDecimal
    public var price: ExactDecimal
    public var fee: ExactDecimal?
    public var feeAsset: String?
    public var orderID: String?
    public var positionSide: PositionSide?
    public var marginMode: MarginMode?
    public var liquidation = false

    public init(instrument: String, side: Side, quantity: ExactDecimal, price: ExactDecimal) {
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.price = price
    }
}

/// A position to put there.
public struct ImportRequest: Sendable, Equatable {
    public var instrument: String
    public var quantity: ExactDecimal
    public var entryPrice: ExactDecimal
    public var positionSide: PositionSide?
    public var marginMode: MarginMode?
    public var isolatedWallet: ExactDecimal?
    public var leverage: ExactDecimal?

    public init(instrument: String, quantity: ExactDecimal, entryPrice: ExactDecimal) {
        self.instrument = instrument
        self.quantity = quantity
        self.entryPrice = entryPrice
    }
}

/// Funding to book: a rate at the mark, or an amount received.
public struct FundingRequest: Sendable, Equatable {
    /// How much: by rate (payment = −notional × rate), or as it is (positive when received).
    public enum Measure: Sendable, Equatable {
        case rate(ExactDecimal)
        case amount(ExactDecimal)
    }

    /// The contract.
    public var instrument: String
    /// How much.
    public var measure: Measure
    /// The leg that is meant; nil for every open position of the instrument.
    public var positionSide: PositionSide?

    public init(instrument: String, measure: Measure, positionSide: PositionSide? = nil) {
        self.instrument = instrument
        self.measure = measure
        self.positionSide = positionSide
    }
}
