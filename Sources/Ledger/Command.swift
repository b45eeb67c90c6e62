import JSON
import Numbers

/// What somebody asks of the ledger (`docs/commands.md`).
public struct Command: Sendable, Equatable {
    /// The idempotency key, 1 to 64 characters; one space for the whole ledger.
    public var id: String?
    /// The ledger time it should happen at; nil for now.
    public var at: LedgerTime?
    /// The account it is about; nil for what is about a venue's market.
    public var account: String?
    public var content: Content

    public init(id: String? = nil, at time: LedgerTime? = nil, account: String?, content: Content) {
        self.id = id
        self.at = time
        self.account = account
        self.content = content
    }

    /// What is asked. Names are the venue's own and not looked up yet; amounts are decimals, not checked yet.
    public indirect enum Content: Sendable, Equatable {
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
        /// Funding of everybody who holds a contract, at a rate.
        case fundingOfMarket(venue: String, instrument: String, rate: ExactDecimal)
        case borrow(asset: String, amount: ExactDecimal)
        case repay(asset: String, amount: ExactDecimal)
        case accrueInterest(asset: String, amount: ExactDecimal)
        /// Interest by the venue's own rate, of so many full hours from now on.
        case accrueHourlyInterest(asset: String, hours: Int64)
        /// The same of a margin position's liability.
        case accrueMarginInterest(MarginInterestRequest)
        case reserve(asset: String, amount: ExactDecimal, purpose: String)
        case release(asset: String, amount: ExactDecimal, purpose: String)
        case credit(asset: String, amount: ExactDecimal, purpose: String)
        case settle(instrument: String?)
        /// What the venue exchanges by itself, where it is due; `afterLiquidation` says that a liquidation
        /// has just left a shortfall.
        case autoExchange(afterLiquidation: Bool)
        case prices(venue: String, marks: [PriceTick.Quote], index: [PriceTick.Quote])
        /// What is bid and asked, and last traded.
        case quotes(venue: String, quotes: [Quote])
        case raise(flag: String, asset: String?, value: JSONValue)
        /// What a client of the venue asks of the exchange; never read from an operator's list.
        case trade(TradeInstruction)
        /// Time has passed: what has fallen due happens. The engine's own; never read from a list.
        case passing
    }
}

/// An order to place.
public struct OrderRequest: Sendable, Equatable {
    /// The order's id, one of the account's own.
    public var orderID: String
    /// The venue's own name of what is traded.
    public var instrument: String
    public var side: Side
    /// In the venue's unit; above zero.
    public var quantity: ExactDecimal
    /// The limit, in the quote asset; above zero.
    public var price: ExactDecimal
    /// Whether it may only make a position smaller; it reserves no margin then.
    public var reduceOnly = false
    /// The leg that is meant, in hedge mode.
    public var positionSide: PositionSide?
    /// The margin mode; nil for the instrument's own.
    public var marginMode: MarginMode?
    /// Whether the venue is not asked.
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
    /// The venue's own name of what was traded.
    public var instrument: String
    public var side: Side
    /// In the venue's unit; above zero.
    public var quantity: ExactDecimal
    /// In the quote asset; above zero.
    public var price: ExactDecimal
    /// In `feeAsset`; positive when paid, negative for a rebate, nil for none.
    public var fee: ExactDecimal?
    /// The asset of the fee; nil for the venue's own.
    public var feeAsset: String?
    /// The order that it fills, in part or whole; nil for a trade without one.
    public var orderID: String?
    /// The leg that is meant, in hedge mode.
    public var positionSide: PositionSide?
    /// The margin mode; nil for the instrument's own.
    public var marginMode: MarginMode?
    /// Whether the venue closed the position by force.
    public var liquidation = false
    /// Whether its order had rested; a fill of an order is the maker's unless it says otherwise.
    public var liquidity: Liquidity?
    /// The asset of the margin, of a spot pair that is traded on margin.
    public var marginAsset: String?

    public init(instrument: String, side: Side, quantity: ExactDecimal, price: ExactDecimal) {
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.price = price
    }
}

/// Interest to book on a margin position.
public struct MarginInterestRequest: Sendable, Equatable {
    /// How much: as it is, or what the venue charges for so many full hours.
    public enum Measure: Sendable, Equatable {
        case amount(ExactDecimal)
        case hours(Int64)
    }

    /// The asset that the position owes.
    public var asset: String
    /// The spot pair, as the venue names it.
    public var instrument: String
    /// The margin mode; nil for the one that the account has a position of.
    public var marginMode: MarginMode?
    /// How much interest, in the asset that is owed.
    public var measure: Measure

    public init(asset: String, instrument: String, marginMode: MarginMode?, measure: Measure) {
        self.asset = asset
        self.instrument = instrument
        self.marginMode = marginMode
        self.measure = measure
    }
}

/// A position to put there.
public struct ImportRequest: Sendable, Equatable {
    /// The venue's own name of what is held.
    public var instrument: String
    /// In the venue's unit; negative when short, in hedge mode too.
    public var quantity: ExactDecimal
    /// The average price of the entry, in the quote asset; above zero.
    public var entryPrice: ExactDecimal
    /// The leg that is meant, in hedge mode.
    public var positionSide: PositionSide?
    /// The margin mode; nil for the instrument's own.
    public var marginMode: MarginMode?
    /// What an isolated position holds, in the settlement asset; nil for what its leverage makes of it.
    public var isolatedWallet: ExactDecimal?
    /// Notional ÷ initial margin; nil leaves the leverage as it is.
    public var leverage: ExactDecimal?
    /// What the position had realized before fees, in the settlement asset; no cash comes with it.
    public var realised: ExactDecimal?
    /// What its fills had cost, in the settlement asset; positive when paid. No cash goes with it.
    public var fees: ExactDecimal?
    /// The asset of the margin, and what is owed (positive), of a spot pair on margin.
    public var marginAsset: String?
    public var liability: ExactDecimal?

    public init(instrument: String, quantity: ExactDecimal, entryPrice: ExactDecimal) {
        self.instrument = instrument
        self.quantity = quantity
        self.entryPrice = entryPrice
    }
}

/// Funding to book: a rate at the mark, or an amount received.
public struct FundingRequest: Sendable, Equatable {
    /// A rate (payment = −signed notional at the mark × rate), or an amount (positive when received).
    public enum Measure: Sendable, Equatable {
        case rate(ExactDecimal)
        case amount(ExactDecimal)
    }

    /// The contract, as the venue names it.
    public var instrument: String
    /// How much funding: by rate, or as an amount of the settlement asset.
    public var measure: Measure
    /// The leg that is meant; nil for every open position of the instrument.
    public var positionSide: PositionSide?

    public init(instrument: String, measure: Measure, positionSide: PositionSide? = nil) {
        self.instrument = instrument
        self.measure = measure
        self.positionSide = positionSide
    }
}
