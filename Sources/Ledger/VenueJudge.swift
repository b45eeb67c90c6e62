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

    /// Whether the rulebook in force knows an asset.
    func knowsAsset(_ name: String, at time: LedgerTime) -> Bool

    /// Whether an instrument has a margin mode of its own, which `set_margin_mode` changes.
    var hasMarginModesOfInstruments: Bool { get }

    /// Whether credits of the purpose `fees` pay the fees of fills before cash does.
    var paysFeesWithCredits: Bool { get }

    /// The settings of a new account, in the contract's order.
    var defaultSettings: Settings { get }

    /// The value to store for one setting.
    ///
    /// Throws: `unknownField` for a name that the venue does not have, `invalidField` for a value of the
    /// wrong type or outside its set.
    func setting(_ name: String, _ value: JSONValue) throws(Refusal) -> JSONValue

    /// The leverage of an instrument where the account has set none; a ratio of at least 1.
    func defaultLeverage(of instrument: Instrument, in account: Account, at time: LedgerTime) -> ExactDecimal

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

    /// The prices to value with: those given, and behind them the reference prices of the rulebook in force.
    func market(_ prices: VenuePrices, at time: LedgerTime) -> Market

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
    /// No: each order names its own.
    public var hasMarginModesOfInstruments: Bool { false }

    /// No: the venue has no such credits.
    public var paysFeesWithCredits: Bool { false }

    /// None by the hour.
    public func interest(
        on asset: String, of account: Account, hours: Int, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> ExactDecimal {
        throw Refusal(
            .notAllowed, "\(name.rawValue) charges no interest by the hour: give amount.", field: "hours")
    }

    /// Never.
    public func autoExchanges(
        of account: Account, afterLiquidation: Bool, prices: VenuePrices, at time: LedgerTime
    ) throws(Refusal) -> [AutoExchange] {
        throw Refusal(.notAllowed, "\(name.rawValue) exchanges nothing by itself.")
    }
}
