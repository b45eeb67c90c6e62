import JSON
import Numbers

/// One account at one venue: a fold over its own events, and nothing else.
///
/// No price, rule or clock is in it, so an account is the same however often its events are replayed.
public struct Account: Sendable, Equatable {
    /// 1 to 64 of `A-Za-z0-9._-`.
    public let id: String
    /// Where it is kept.
    public let venue: VenueName
    /// The main account, where this is a sub-account.
    public let parent: String?
    /// What its venue books, and how, since it was opened.
    public let conventions: Conventions
    /// The ledger time of its first event.
    public let openedAt: LedgerTime
    /// What its venue lets it choose, such as the asset mode.
    public var settings: Settings
    /// In the order in which the assets first appeared.
    public var holdings: [Holding] = []
    /// In the order of opening; a closed position is gone, and one that was turned around keeps its place.
    public var positions: [Position] = []
    /// In the order of placing.
    public var orders: [OpenOrder] = []
    /// Conditional orders that wait, in the order of placing.
    public internal(set) var conditionals: [ConditionalOrder] = []
    /// Times at which orders are canceled; one an instrument, and one for all.
    public internal(set) var timers: [CancelTimer] = []
    /// What it has taken of quotes; one a side of an instrument.
    public internal(set) var taken: [TakenSize] = []
    /// Lifetime totals per instrument, in the order of first use.
    public var activity: [InstrumentActivity] = []
    /// Leverages that were set.
    public var leverages: [LeverageSetting] = []
    /// Fields that the operator has set by hand.
    public var overridden: [OverriddenField] = []
    /// How many events have changed it; the first is 1.
    public var version: Int64 = 0
    /// The journal's sequence of its last event.
    public var lastSequence: Int64 = 0
    /// The time of its last event: the latest of its own and of the transfers to it. Prices are no events of
    /// it.
    public var updatedAt: LedgerTime

    /// Whether it has an order: an open one, or a conditional one that waits.
    public var hasOrders: Bool { !orders.isEmpty || !conditionals.isEmpty }

    /// An account without anything yet.
    public init(
        id: String, venue: VenueName, parent: String?, conventions: Conventions, settings: Settings,
        openedAt: LedgerTime
    ) {
        self.id = id
        self.venue = venue
        self.parent = parent
        self.conventions = conventions
        self.settings = settings
        self.openedAt = openedAt
        self.updatedAt = openedAt
    }

    /// What it has of an asset; nil if it never had any.
    public func holding(_ asset: String) -> Holding? {
        holdings.first { $0.asset == asset }
    }

    /// A conditional order that waits and is meant; of equals the one placed last.
    public func conditional(_ reference: ConditionalReference) -> ConditionalOrder? {
        conditionals.last { order in
            switch reference {
            case .id(let id): order.id.isExactly(id)
            case .client(let id): order.terms.clientID?.isExactly(id) == true
            case .sequence(let sequence): order.sequence == sequence
            }
        }
    }

    /// What orders of a side have taken of a quote; zero where nothing.
    public func taken(
        _ instrument: String, _ side: Side, _ liquidity: Liquidity, of quote: Int64
    ) -> ExactDecimal {
        taken.first {
            $0.instrument == instrument && $0.side == side && $0.liquidity == liquidity && $0.quote == quote
        }?.quantity ?? .zero
    }

    /// An open order that is meant, of an instrument where one is named; of equals the one placed last.
    public func order(_ reference: OrderReference, of instrument: String? = nil) -> OpenOrder? {
        orders.last { order in
            guard instrument == nil || order.instrument.name == instrument else { return false }
            switch reference {
            case .id(let id): return order.id.isExactly(id)
            case .client(let id): return (order.terms?.clientID ?? order.id).isExactly(id)
            case .sequence(let sequence): return order.sequence == sequence && sequence != 0
            }
        }
    }

    /// Its free cash in an asset; zero if it never had any. Negative where the venue lends.
    public func cash(_ asset: String) -> ExactDecimal {
        holding(asset)?.cash ?? .zero
    }

    /// The open position of an instrument, side and margin mode.
    public func position(_ instrument: String, side: PositionSide, marginMode: MarginMode) -> Position? {
        positions.first { $0.instrument.name == instrument && $0.side == side && $0.marginMode == marginMode }
    }

    /// The lifetime totals of an instrument; nil if it was never used.
    public func activity(_ instrument: String) -> InstrumentActivity? {
        activity.first { $0.instrument == instrument }
    }

    /// The leverage set for an instrument: the most particular setting that fits, of equals the one made
    /// last; nil if none was made.
    public func leverage(_ instrument: String, side: PositionSide, marginMode: MarginMode) -> ExactDecimal? {
        var found: LeverageSetting?
        for setting in leverages
        where setting.instrument == instrument && (setting.side ?? side) == side
            && (setting.marginMode ?? marginMode) == marginMode
        {
            if let found, found.particularity > setting.particularity { continue }
            found = setting
        }
        return found?.leverage
    }

    /// The value raised for a field, of the account (`asset` nil) or of one of its assets; nil if none is.
    public func overridden(_ flag: String, asset: String? = nil) -> JSONValue? {
        if overridden.isEmpty { return nil }
        return overridden.first { $0.flag == flag && $0.asset == asset }?.value
    }
}

/// How a venue books what happens; fixed when the account is opened, so that replaying needs no rulebook.
public struct Conventions: Sendable, Equatable {
    /// Places to which realized profit, funding and isolated margin are cut toward zero; at 18, all that is
    /// kept, they are rounded half even.
    public let bookedPlaces: Int
    /// Places to which each fill's fee is cut toward zero.
    public let feePlaces: Int
    /// The most fraction digits that a deposit, withdrawal or transfer may have.
    public let amountPlaces: Int
    /// Whether an imported position's isolated wallet comes out of cash, rather than on top of it.
    public let importedWalletComesFromCash: Bool
    /// Whether accrued interest is kept apart until it is repaid, rather than taken from cash at once.
    public let keepsInterestApart: Bool
    /// Whether the fee of what a trade opens of an isolated position comes out of that position's wallet,
    /// rather than out of cash.
    public let openingFeesComeFromWallet: Bool

    /// Conventions of a venue; those of most where nothing else is said.
    public init(
        bookedPlaces: Int = 18, feePlaces: Int = 18, amountPlaces: Int = 18,
        importedWalletComesFromCash: Bool = false, keepsInterestApart: Bool = false,
        openingFeesComeFromWallet: Bool = false
    ) {
        self.openingFeesComeFromWallet = openingFeesComeFromWallet
        self.bookedPlaces = bookedPlaces
        self.feePlaces = feePlaces
        self.amountPlaces = amountPlaces
        self.importedWalletComesFromCash = importedWalletComesFromCash
        self.keepsInterestApart = keepsInterestApart
    }
}

/// An account's settings by name, in the order in which they were set first.
public struct Settings: Sendable, Equatable {
    /// Every setting.
    public private(set) var values: [(name: String, value: JSONValue)]

    /// Settings in this order; none of one name may stand twice.
    public init(_ values: [(name: String, value: JSONValue)] = []) { self.values = values }

    /// A setting's value; nil where it is absent. One that is set to nil is taken away.
    public subscript(name: String) -> JSONValue? {
        get { values.first { $0.name == name }?.value }
        set {
            let place = values.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): values[place].value = value
            case (let place?, nil): values.remove(at: place)
            case (nil, let value?): values.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// The setting that holds the margin modes of instruments; only `set_margin_mode` changes it.
    static let marginModes = "margin_modes"

    /// The instruments that a margin mode was set for.
    public var instrumentsWithMarginModes: [String] {
        self[Self.marginModes]?.object?.members.map(\.key) ?? []
    }

    /// The margin mode that was set for an instrument; nil where none was.
    public func marginMode(of instrument: String) -> MarginMode? {
        self[Self.marginModes]?[instrument]?.text.flatMap(MarginMode.init(rawValue:))
    }

    /// A switch's value; false where it is absent.
    public func flag(_ name: String) -> Bool { self[name]?.boolean ?? false }

    /// A text's value; nil where it is absent or no text.
    public func text(_ name: String) -> String? { self[name]?.text }

    /// Whether both have the same settings, set in the same order.
    public static func == (left: Settings, right: Settings) -> Bool {
        left.values.count == right.values.count
            && zip(left.values, right.values).allSatisfy { $0.name == $1.name && $0.value == $1.value }
    }
}

/// Lifetime totals of one instrument in one account, in its settlement asset unless said otherwise.
public struct InstrumentActivity: Sendable, Equatable {
    /// The venue's own name of what was traded.
    public let instrument: String
    /// Realized profit before fees; negative for a loss.
    public var realised: ExactDecimal = .zero
    /// Realized profit before fees since the last session settlement; negative for a loss.
    public var sessionRealised: ExactDecimal = .zero
    /// Funding received less funding paid; negative where more was paid.
    public var funding: ExactDecimal = .zero
    /// Traded notional in the quote asset (USD for inverse contracts).
    public var volume: ExactDecimal = .zero
    /// Fees paid, liquidation fees among them, positive when paid; added up in whatever asset each was paid.
    public var fees: ExactDecimal = .zero
    /// The fees of liquidating fills alone.
    public var liquidationFees: ExactDecimal = .zero
    /// When a trade, funding, import or settlement of it last changed anything.
    public var updatedAt: LedgerTime

    /// An instrument in which nothing has happened yet.
    public init(instrument: String, updatedAt: LedgerTime = LedgerTime(milliseconds: 0)) {
        self.instrument = instrument
        self.updatedAt = updatedAt
    }
}

/// A leverage that was set for an instrument, for all of its positions or for one side or margin mode.
public struct LeverageSetting: Sendable, Equatable {
    /// The venue's own name of what it is for.
    public let instrument: String
    /// The side that it is for; nil for both.
    public let side: PositionSide?
    /// The margin mode that it is for; nil for both.
    public let marginMode: MarginMode?
    /// Notional ÷ initial margin; above zero.
    public var leverage: ExactDecimal

    /// The leverage of an instrument; nil for a side or margin mode means both.
    public init(instrument: String, side: PositionSide?, marginMode: MarginMode?, leverage: ExactDecimal) {
        self.instrument = instrument
        self.side = side
        self.marginMode = marginMode
        self.leverage = leverage
    }

    var particularity: Int { (side == nil ? 0 : 1) + (marginMode == nil ? 0 : 1) }
}

/// A field that the venue decides by means the ledger does not have, set by hand (`raise`).
public struct OverriddenField: Sendable, Equatable {
    /// The venue's own field name.
    public let flag: String
    /// The asset, where the field is one of an asset.
    public let asset: String?
    public var value: JSONValue

    public init(flag: String, asset: String?, value: JSONValue) {
        self.flag = flag
        self.asset = asset
        self.value = value
    }
}
