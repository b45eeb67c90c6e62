import Numbers

/// What the ledger must know of an instrument to keep its positions: the terms of its contract.
///
/// Terms come from the rulebook in force when the instrument is first used, and enter the journal as an
/// event of their own, so that replaying needs no rulebook. Instances are shared by every position, order
/// and event of the instrument.
public final class Instrument: Sendable {
    /// What is traded.
    public enum Kind: String, Sendable, CaseIterable {
        /// Two assets change hands.
        case spot
        /// A perpetual contract.
        case perpetual
        /// A contract with an expiry.
        case future

        /// Whether a fill opens a position, rather than exchanging two assets.
        public var isDerivative: Bool { self != .spot }
    }

    /// How a contract's value follows its price.
    public enum Payoff: String, Sendable, CaseIterable {
        /// Valued in the quote asset: profit = (exit − entry) × quantity × contract value.
        case linear
        /// Valued in the base asset: profit = (1/entry − 1/exit) × quantity × contract value.
        case inverse
    }

    /// The venue whose name this is.
    public let venue: VenueName
    /// The venue's own name, such as `BTC-USDT-SWAP`.
    public let name: String
    public let kind: Kind
    /// The asset bought and sold, or the one the contract follows.
    public let base: String
    /// The asset that prices are quoted in.
    public let quote: String
    /// The asset that profit, funding and fees of a contract are paid in; the quote asset of a spot pair.
    public let settle: String
    public let payoff: Payoff
    /// Base asset (linear) or quote asset (inverse) per unit of quantity; 1 where quantity is in coin.
    public let contractValue: ExactDecimal
    /// The sequence of the event that brought these terms into the journal; 0 before there is one.
    public let definition: Int64

    public init(
        venue: VenueName, name: String, kind: Kind, base: String, quote: String, settle: String,
        payoff: Payoff = .linear, contractValue: ExactDecimal = .one, definition: Int64 = 0
    ) {
        self.venue = venue
        self.name = name
        self.kind = kind
        self.base = base
        self.quote = quote
        self.settle = settle
        self.payoff = payoff
        self.contractValue = contractValue
        self.definition = definition
    }

    /// This contract, but with its profit, funding and fees in another asset.
    public func settled(in asset: String) -> Instrument {
        if asset == settle { return self }
        return Instrument(
            venue: venue, name: name, kind: kind, base: base, quote: quote, settle: asset, payoff: payoff,
            contractValue: contractValue, definition: definition)
    }

    /// The same terms, as brought into the journal by the event with this sequence.
    func defined(by sequence: Int64) -> Instrument {
        Instrument(
            venue: venue, name: name, kind: kind, base: base, quote: quote, settle: settle, payoff: payoff,
            contractValue: contractValue, definition: sequence)
    }

    /// Whether both describe the same contract in every term.
    public func hasSameTerms(as other: Instrument) -> Bool {
        self === other
            || (venue == other.venue && name == other.name && kind == other.kind && base == other.base
                && quote == other.quote && settle == other.settle && payoff == other.payoff
                && contractValue == other.contractValue)
    }
}
