import JSON
import Numbers

/// A fact of the ledger: what an accepted command came to, with everything that replaying it needs.
public struct Event: Sendable, Equatable {
    /// Its place in the journal; the first is 1.
    public var sequence: Int64
    /// When it happened on the ledger's clock.
    public var at: LedgerTime
    /// The account it changes; nil for prices and instrument terms.
    public var account: String?
    /// The sequence of the event that it follows from: the order that was filled at once, the price that a
    /// trigger had waited for. Nil where a command asked for it or time brought it, and in events of before
    /// it was kept.
    public var cause: Int64?
    public var body: EventBody

    public init(
        sequence: Int64, at time: LedgerTime, account: String?, cause: Int64? = nil, body: EventBody
    ) {
        self.sequence = sequence
        self.at = time
        self.account = account
        self.cause = cause
        self.body = body
    }
}

/// What happened. Amounts that the ledger had to work out (funding by rate, say) are worked out already.
public indirect enum EventBody: Sendable, Equatable {
    case instrumentDefined(InstrumentDefinition)
    case accountOpened(AccountOpening)
    /// All settings of the account after the change.
    case configured(Settings)
    case deposited(asset: String, amount: ExactDecimal)
    case withdrawn(asset: String, amount: ExactDecimal, fee: ExactDecimal)
    case transferred(to: String, asset: String, amount: ExactDecimal)
    case orderPlaced(OpenOrder)
    case orderAmended(OrderAmendment)
    case orderCancelled(orderID: String)
    /// Ended by the exchange.
    case orderEnded(orderID: String, OrderEnd)
    /// An order that the venue refused and gave an id all the same, with the code that it refused it by. It
    /// changes nothing of the account.
    case orderRefused(OpenOrder, code: Int64)
    case filled(Fill)
    case conditionalPlaced(ConditionalOrder)
    case conditionalAmended(ConditionalAmendment)
    /// The best price that a trailing order follows.
    case conditionalTrailed(id: String, leg: String, extreme: ExactDecimal)
    /// A leg of it fired at a price; the order that it places comes next.
    case conditionalTriggered(id: String, leg: String, price: ExactDecimal)
    case conditionalEnded(id: String, ConditionalEnd)
    case timerSet(CancelTimer)
    case positionImported(ImportedPosition)
    case leverageSet(LeverageSetting)
    case isolatedMarginAdjusted(position: PositionKey, amount: ExactDecimal)
    /// Funding of one position, in its settlement asset; positive when received.
    case funded(position: PositionKey, amount: ExactDecimal, terms: FundingTerms?)
    case borrowed(asset: String, amount: ExactDecimal)
    case repaid(asset: String, amount: ExactDecimal)
    case interestAccrued(asset: String, amount: ExactDecimal)
    /// Interest of a margin position, in the asset that it owes.
    case marginInterestAccrued(position: PositionKey, amount: ExactDecimal)
    case reserved(asset: String, amount: ExactDecimal, purpose: String)
    case released(asset: String, amount: ExactDecimal, purpose: String)
    case credited(asset: String, amount: ExactDecimal, purpose: String)
    /// A session settlement of one instrument, or of all (nil): the positions open then, each with its mark.
    case settled(instrument: String?, [Settlement])
    /// Assets that the venue has exchanged by itself.
    case autoExchanged(AutoExchange)
    case priced(PriceTick)
    case quoted(QuoteTick)
    /// The rate at which all who hold a contract are funded; their fundings follow.
    case fundingFixed(FundingTick)
    /// `value` nil lifts the flag.
    case overridden(flag: String, asset: String?, value: JSONValue?)
}

extension EventBody {
    /// The venue whose market it is of, where it is about prices, quotes or a rate and no account.
    public var market: VenueName? {
        switch self {
        case .priced(let tick): tick.venue
        case .quoted(let tick): tick.venue
        case .fundingFixed(let tick): tick.venue
        default: nil
        }
    }

    /// The order that it is of, by the ledger's id; nil for none, and for an order that was refused.
    public var orderID: String? {
        switch self {
        case .orderPlaced(let order): order.id
        case .orderAmended(let amendment): amendment.orderID
        case .orderCancelled(let id), .orderEnded(let id, _): id
        case .filled(let fill): fill.orderID
        default: nil
        }
    }

    /// The conditional order that it is of, by the ledger's id; nil for none, and for the event that placed
    /// one: its id is its place in the journal, which the body does not know.
    public var conditionalID: String? {
        switch self {
        case .conditionalAmended(let amendment): amendment.id
        case .conditionalTrailed(let id, _, _), .conditionalTriggered(let id, _, _),
            .conditionalEnded(let id, _):
            id
        default: nil
        }
    }
}

/// The terms under which an instrument is used from here on.
public struct InstrumentDefinition: Sendable, Equatable {
    public let instrument: Instrument

    public init(_ instrument: Instrument) { self.instrument = instrument }

    public static func == (left: InstrumentDefinition, right: InstrumentDefinition) -> Bool {
        left.instrument.hasSameTerms(as: right.instrument)
    }
}

/// How an account begins.
public struct AccountOpening: Sendable, Equatable {
    public let venue: VenueName
    public let parent: String?
    public let conventions: Conventions
    public let settings: Settings

    public init(venue: VenueName, parent: String?, conventions: Conventions, settings: Settings) {
        self.venue = venue
        self.parent = parent
        self.conventions = conventions
        self.settings = settings
    }
}

/// A trade of the account.
public struct Fill: Sendable {
    public let instrument: Instrument
    public let side: Side
    /// In the venue's unit; positive.
    public let quantity: ExactDecimal
    /// In the quote asset; positive.
    public let price: ExactDecimal
    /// In `feeAsset`; positive when paid, negative for a rebate.
    public let fee: ExactDecimal
    public let feeAsset: String
    /// The open order that it fills, wholly or in part.
    public let orderID: String?
    public let positionSide: PositionSide
    public let marginMode: MarginMode
    /// The leverage in force, which decides how much margin an isolated position takes.
    public let leverage: ExactDecimal
    /// Whether the venue forced it.
    public let liquidation: Bool
    /// USD per unit of the quote asset when it happened, for spot cost; nil where nobody had given it.
    public let quoteIndex: ExactDecimal?
    /// Whether its order had rested; nil where nobody said.
    public var liquidity: Liquidity?
    /// The sequence of the quote whose size it took; nil where none limited it.
    public var quote: Int64?
    /// The asset of the margin, where a spot pair is traded on margin; nil for an exchange and for contracts.
    public let marginAsset: String?
    /// What fee credits paid of the fee, in its asset: `fee` is what was left to pay. Not negative.
    public let feeCredit: ExactDecimal
    /// The order that it was of; nil without one, and in events of before it was kept.
    public let order: FilledOrder?

    public init(
        instrument: Instrument, side: Side, quantity: ExactDecimal, price: ExactDecimal,
        fee: ExactDecimal = .zero, feeAsset: String, orderID: String? = nil,
        positionSide: PositionSide = .net,
        marginMode: MarginMode = .cross, leverage: ExactDecimal = .one, liquidation: Bool = false,
        quoteIndex: ExactDecimal? = nil, feeCredit: ExactDecimal = .zero, order: FilledOrder? = nil,
        marginAsset: String? = nil
    ) {
        self.instrument = instrument
        self.side = side
        self.quantity = quantity
        self.price = price
        self.fee = fee
        self.feeAsset = feeAsset
        self.orderID = orderID
        self.positionSide = positionSide
        self.marginMode = marginMode
        self.leverage = leverage
        self.liquidation = liquidation
        self.quoteIndex = quoteIndex
        self.marginAsset = marginAsset
        self.feeCredit = feeCredit
        self.order = order
    }

    /// The position that it opens, changes or closes; meaningless for spot.
    public var position: PositionKey {
        PositionKey(instrument: instrument, side: positionSide, marginMode: marginMode)
    }
}

extension Fill: Equatable {
    public static func == (left: Fill, right: Fill) -> Bool {
        left.position == right.position && left.side == right.side && left.quantity == right.quantity
            && left.price == right.price && left.fee == right.fee && left.feeAsset == right.feeAsset
            && left.orderID == right.orderID && left.leverage == right.leverage
            && left.liquidation == right.liquidation && left.quoteIndex == right.quoteIndex
            && left.liquidity == right.liquidity && left.quote == right.quote
            && left.marginAsset == right.marginAsset
            && left.feeCredit == right.feeCredit && left.order == right.order
    }
}

/// Which position of an account is meant.
public struct PositionKey: Sendable, Equatable {
    public let instrument: Instrument
    public let side: PositionSide
    public let marginMode: MarginMode

    public init(instrument: Instrument, side: PositionSide, marginMode: MarginMode) {
        self.instrument = instrument
        self.side = side
        self.marginMode = marginMode
    }

    public static func == (left: PositionKey, right: PositionKey) -> Bool {
        left.instrument.hasSameTerms(as: right.instrument) && left.side == right.side
            && left.marginMode == right.marginMode
    }
}

/// What a margin position of a spot pair comes with.
public struct ImportedMargin: Sendable, Equatable {
    /// The asset of its margin and profit.
    public let asset: String
    /// What it owes, in the quote asset if it is long, in the base asset if it is short; above zero.
    public let liability: ExactDecimal

    public init(asset: String, liability: ExactDecimal) {
        self.asset = asset
        self.liability = liability
    }
}

/// What a funding was worked out from, as far as it is known.
public struct FundingTerms: Sendable, Equatable {
    /// The size of the position then, in the venue's unit; negative when short.
    public let quantity: ExactDecimal
    /// The mark price then; nil where nobody had given one.
    public let mark: ExactDecimal?
    /// The rate, as a fraction of the notional; nil where the amount was given.
    public let rate: ExactDecimal?

    public init(quantity: ExactDecimal, mark: ExactDecimal?, rate: ExactDecimal?) {
        self.quantity = quantity
        self.mark = mark
        self.rate = rate
    }
}

/// A rate at which a venue funds a contract.
public struct FundingTick: Sendable, Equatable {
    public let venue: VenueName
    /// The contract's name.
    public let instrument: String
    /// The mark price then.
    public let mark: ExactDecimal
    /// A fraction of the notional; positive where longs pay.
    public let rate: ExactDecimal

    /// The rate of a contract at its mark.
    public init(venue: VenueName, instrument: String, mark: ExactDecimal, rate: ExactDecimal) {
        self.venue = venue
        self.instrument = instrument
        self.mark = mark
        self.rate = rate
    }
}

/// The open order that a fill was of.
public struct FilledOrder: Sendable, Equatable {
    /// When it was placed.
    public let placedAt: LedgerTime
    /// Whether nothing of it was left.
    public let isComplete: Bool

    public init(placedAt: LedgerTime, isComplete: Bool) {
        self.placedAt = placedAt
        self.isComplete = isComplete
    }
}

/// A position put into the account with no cash effect.
public struct ImportedPosition: Sendable, Equatable {
    public let position: PositionKey
    /// In the venue's unit; negative when short.
    public let quantity: ExactDecimal
    /// In the quote asset.
    public let entryPrice: ExactDecimal
    /// In the settlement asset.
    public let isolatedWallet: ExactDecimal
    /// Set for the instrument together with the position; nil leaves it as it is.
    public let leverage: ExactDecimal?
    /// Profit that it had realized before fees, in the settlement asset; negative for a loss. No cash comes
    /// with it.
    public let realised: ExactDecimal
    /// What its fills had cost, in the settlement asset; positive when paid. No cash goes with it.
    public let fees: ExactDecimal
    /// How a spot pair is traded on margin; nil for a contract. `quantity` is then what the position has, its
    /// margin included: base asset (long), or quote asset as a negative number (short).
    public let margin: ImportedMargin?

    public init(
        position: PositionKey, quantity: ExactDecimal, entryPrice: ExactDecimal,
        isolatedWallet: ExactDecimal = .zero, leverage: ExactDecimal? = nil,
        realised: ExactDecimal = .zero, fees: ExactDecimal = .zero, margin: ImportedMargin? = nil
    ) {
        self.margin = margin
        self.position = position
        self.quantity = quantity
        self.entryPrice = entryPrice
        self.isolatedWallet = isolatedWallet
        self.leverage = leverage
        self.realised = realised
        self.fees = fees
    }
}

/// A position's session settlement: its unrealized profit at the mark went into cash.
public struct Settlement: Sendable, Equatable {
    public let position: PositionKey
    public let mark: ExactDecimal

    public init(position: PositionKey, mark: ExactDecimal) {
        self.position = position
        self.mark = mark
    }
}

/// The venue has exchanged assets of an account into one of which it had less than nothing.
public struct AutoExchange: Sendable, Equatable {
    /// What made it due.
    public enum Reason: String, Sendable, CaseIterable {
        /// The wallet fell below the asset's threshold.
        case threshold
        /// Without positions and orders, what is owed came too near to what is owned.
        case loanToValue = "loan_to_value"
        /// A liquidation left a shortfall.
        case liquidation
    }

    /// An amount of one asset that was exchanged, and its price.
    public struct Part: Sendable, Equatable {
        public let asset: String
        /// In the asset; above zero.
        public let amount: ExactDecimal
        /// USD per unit at which it was exchanged.
        public let rate: ExactDecimal

        public init(asset: String, amount: ExactDecimal, rate: ExactDecimal) {
            self.asset = asset
            self.amount = amount
            self.rate = rate
        }
    }

    /// Why it was due.
    public let reason: Reason
    /// What the account received.
    public let bought: Part
    /// What it gave for it, each asset once.
    public let sold: [Part]

    public init(reason: Reason, bought: Part, sold: [Part]) {
        self.reason = reason
        self.bought = bought
        self.sold = sold
    }
}
