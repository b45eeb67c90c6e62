import JSON
import Numbers

/// What the ledger must ask a venue before it accepts a command: the ledger records facts, the venue judges.
///
/// Judging is pure: the same state, prices and time give the same verdict. Every call names the ledger time,
/// so that the rules of that day are used.
public protocol VenueJudge: Sendable {
    /// The venue's name in commands.
    var name: VenueName { get }

    /// How the venue books what happens.
    var conventions: Conventions { get }

    /// The contract terms of an instrument in the rulebook in force; nil if the rulebook does not know it.
    func instrument(_ name: String, at time: LedgerTime) -> Instrument?

    /// The contract terms of an instrument for one account, where they depend on it; nil if there is none.
    func instrument(_ name: String, in account: Account, at time: LedgerTime) -> Instrument?

    /// The instruments of the rulebook in force, for messages about one that it does not know.
    func instrumentNames(at time: LedgerTime) -> [String]

    /// Whether the rulebook in force knows an asset.
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool

    /// Whether an instrument has a margin mode of its own, which `set_margin_mode` changes.
    var hasMarginModesOfInstruments: Bool { get }

    /// Whether credits of the purpose `fees` pay the fees of fills before cash does.
    var paysFeesWithCredits: Bool { get }

    /// The settings of a new account, in the order in which the venue's page lists them.
    var defaultSettings: Settings { get }

    /// The value to store for one setting.
    ///
    /// Throws: `unknownField` for a name that the venue does not have, `invalidField` for a value of the
    /// wrong type or outside its set.
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue

    /// The leverage of an instrument where the account has set none; a ratio of at least 1.
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal

    /// The leverage that the account has set for a position; nil where it has set none.
    func leverage(of position: PositionKey, in account: Account) -> ExactDecimal?

    /// The asset of the margin of a position of a spot pair in an account; nil where the pair is not traded
    /// on margin there, so that a fill exchanges the two assets. `wanted` is the one that a command names.
    ///
    /// Throws where the pair is, but not with the asset that is wanted.
    func marginAsset(
        of pair: Instrument, isLong: Bool, marginMode: MarginMode, wanted: String?, in account: Account,
        at time: LedgerTime
    ) throws(Refusal) -> String?

    /// Interest of a margin position for so many full hours, in the asset that it owes.
    ///
    /// Throws `notAllowed` where the venue charges none by the hour.
    func marginInterest(
        on position: Position, hours: Int, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal

    /// The margin mode of an order, fill or import that names none.
    func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode

    /// Whether the account keeps long and short legs apart (hedge mode).
    func isHedged(_ account: Account) -> Bool

    /// The interest that the venue charges on an asset for so many full hours, in the asset, with the prices
    /// standing still; zero where nothing is owed that bears interest.
    ///
    /// Throws `notAllowed` where the venue charges none by the hour.
    func interest(
        on asset: String, of account: Account, hours: Int, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal

    /// What the venue exchanges by itself in an account, in the order in which it does; none where nothing is
    /// due. `afterLiquidation` says that a liquidation has just left a shortfall.
    ///
    /// Throws `notAllowed` where the venue never does, or not in the account's mode.
    func autoExchanges(
        of account: Account, afterLiquidation: Bool, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> [AutoExchange]

    /// How the venue trades an instrument for an account; nil where the exchange trades none of it.
    func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms?

    /// The fee of a trade: how much, positive when paid, and of which asset.
    func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, side: Side, in instrument: Instrument,
        rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String)

    /// The fee of a trade of an order: how much, positive when paid, and of which asset.
    func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, for order: OpenOrder, rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String)

    /// What an account pays a fee with: the fee as it was worked out, or so much of another asset.
    func payment(
        of fee: (amount: ExactDecimal, asset: String), by account: Account, prices: VenuePrices,
        at time: LedgerTime
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String)

    /// The id by which the venue's clients know an order of an account.
    func shownID(of order: OpenOrder, in account: String) -> String

    /// The prices to value with: those given, and behind them the reference prices of the rulebook in force.
    func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices

    /// The venue's own verdict on an event that the ledger finds sound.
    ///
    /// `before` and `after` are the account without and with the event. `forced` skips checks of sufficiency
    /// (`force` of a command), never those of form. Fills are never refused for lack of margin.
    func judge(
        _ event: EventBody, before: Account, after: Account, prices: VenuePrices, at time: LedgerTime,
        forced: Bool
    ) throws(Refusal)
}

extension VenueJudge {
    /// The conventions of most venues.
    public var conventions: Conventions { Conventions() }

    /// 1: a position is backed by its whole value.
    public func defaultLeverage(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> ExactDecimal {
        .one
    }

    /// Cross: everything in the account backs the position.
    public func defaultMarginMode(of instrument: Instrument, in account: Account) -> MarginMode { .cross }

    /// False: buying closes a short position before it opens a long one.
    public func isHedged(_ account: Account) -> Bool { false }

    /// The prices that were given, and no reference prices.
    public func market(_ prices: VenuePrices, at time: LedgerTime) -> ValuationPrices {
        ValuationPrices(prices: prices, reference: [:])
    }

    /// Nil: the exchange trades no instrument of the venue.
    public func tradingTerms(
        of instrument: Instrument, in account: Account, at time: LedgerTime
    ) -> TradingTerms? { nil }

    /// Traded value × rate, to 18 places: of a contract in its settlement asset, of a pair in its quote
    /// asset.
    public func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, side: Side, in instrument: Instrument,
        rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        let value = try Position.cost(of: quantity, at: price, in: instrument)
            .times(instrument.contractValue, rounding: .halfEven)
        let asset = instrument.kind.isDerivative ? instrument.settle : instrument.quote
        return (try value.times(rate, rounding: .halfEven), asset)
    }

    /// The fee of any trade of the order's side.
    public func fee(
        of quantity: ExactDecimal, at price: ExactDecimal, for order: OpenOrder, rate: ExactDecimal
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        try fee(of: quantity, at: price, side: order.side, in: order.instrument, rate: rate)
    }

    /// The fee as it was worked out, in the same asset.
    public func payment(
        of fee: (amount: ExactDecimal, asset: String), by account: Account, prices: VenuePrices,
        at time: LedgerTime
    ) throws(NumberError) -> (amount: ExactDecimal, asset: String) {
        fee
    }

    /// The ledger's own id of the order.
    public func shownID(of order: OpenOrder, in account: String) -> String { order.id }

    /// No names: a message about an unknown instrument suggests none.
    public func instrumentNames(at time: LedgerTime) -> [String] { [] }

    /// The instrument's terms, which are the same for every account.
    public func instrument(_ name: String, in account: Account, at time: LedgerTime) -> Instrument? {
        instrument(name, at: time)
    }

    /// The leverage of the most particular setting that fits; nil where none was set.
    public func leverage(of position: PositionKey, in account: Account) -> ExactDecimal? {
        account.leverage(position.instrument.name, side: position.side, marginMode: position.marginMode)
    }

    /// False: each order names its own margin mode.
    public var hasMarginModesOfInstruments: Bool { false }

    /// False: the venue has no such credits.
    public var paysFeesWithCredits: Bool { false }

    /// Throws `notAllowed`: the venue charges no interest by the hour.
    public func interest(
        on asset: String, of account: Account, hours: Int, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal {
        throw Refusal(
            .notAllowed, "\(name.rawValue) charges no interest by the hour: give amount.", field: "hours")
    }

    /// Nil: no spot pair is traded on margin.
    public func marginAsset(
        of pair: Instrument, isLong: Bool, marginMode: MarginMode, wanted: String?, in account: Account,
        at time: LedgerTime
    ) throws(Refusal) -> String? { nil }

    /// Throws `notAllowed`: the venue has no margin positions.
    public func marginInterest(
        on position: Position, hours: Int, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal {
        throw Refusal(.notAllowed, "\(name.rawValue) has no margin positions.", field: "instrument")
    }

    /// Throws `notAllowed`: the venue exchanges nothing by itself.
    public func autoExchanges(
        of account: Account, afterLiquidation: Bool, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> [AutoExchange] {
        throw Refusal(.notAllowed, "\(name.rawValue) exchanges nothing by itself.")
    }
}
