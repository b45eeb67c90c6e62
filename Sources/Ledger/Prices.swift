import Numbers

/// The market of one venue as last told to the ledger: mark prices of instruments, USD prices of assets.
public struct VenuePrices: Sendable, Equatable {
    /// Mark price per instrument, in its quote asset.
    public private(set) var marks: [String: PricePoint] = [:]
    /// Index price per asset, in USD.
    public private(set) var index: [String: PricePoint] = [:]
    /// What was quoted of an instrument since its last mark price.
    public private(set) var quotes: [String: Quote] = [:]
    /// When any of them last changed.
    public private(set) var updatedAt: LedgerTime?

    public init() {}

    /// An instrument's mark price; nil if none was ever given.
    public func mark(_ instrument: String) -> ExactDecimal? { marks[instrument]?.price }

    /// An asset's price in USD; nil if none was ever given.
    public func index(_ asset: String) -> ExactDecimal? { index[asset]?.price }

    /// Takes over a tick.
    public mutating func apply(_ tick: PriceTick, at time: LedgerTime) {
        for quote in tick.marks {
            marks[quote.name] = PricePoint(price: quote.price, at: time)
            // The newest event of an instrument makes its touch.
            if !quotes.isEmpty { quotes[quote.name] = nil }
        }
        for quote in tick.index { index[quote.name] = PricePoint(price: quote.price, at: time) }
        updatedAt = time
    }

    /// Takes over quotes, which the event with this sequence brings.
    public mutating func apply(_ tick: QuoteTick, at time: LedgerTime, sequence: Int64) {
        for var quote in tick.quotes {
            quote.sequence = sequence
            quotes[quote.instrument] = quote
        }
        updatedAt = time
    }
}

/// What is bid and asked for an instrument, and what was last traded.
public struct Quote: Sendable, Equatable {
    public let instrument: String
    /// Best prices; nil where the last one makes them.
    public var bid: ExactDecimal?
    public var ask: ExactDecimal?
    /// What stands there, in the venue's unit; nil for any size.
    public var bidSize: ExactDecimal?
    public var askSize: ExactDecimal?
    /// The last traded price; nil where nobody said.
    public var last: ExactDecimal?
    /// What was traded at it, in the venue's unit; nil for any size.
    public var quantity: ExactDecimal?

    /// The sequence of the event that brought it; 0 before there is one.
    public internal(set) var sequence: Int64 = 0

    /// A quote with nothing in it yet.
    public init(instrument: String) { self.instrument = instrument }
}

/// New quotes of one venue.
public struct QuoteTick: Sendable, Equatable {
    public let venue: VenueName
    public let quotes: [Quote]

    /// Quotes of some instruments.
    public init(venue: VenueName, quotes: [Quote]) {
        self.venue = venue
        self.quotes = quotes
    }
}

/// A price and when it was given.
public struct PricePoint: Sendable, Equatable {
    public let price: ExactDecimal
    public let at: LedgerTime

    public init(price: ExactDecimal, at time: LedgerTime) {
        self.price = price
        self.at = time
    }
}

/// New prices of one venue.
public struct PriceTick: Sendable, Equatable {
    /// A name and its price.
    public struct Quote: Sendable, Equatable {
        public let name: String
        public let price: ExactDecimal

        public init(name: String, price: ExactDecimal) {
            self.name = name
            self.price = price
        }
    }

    /// The venue whose market it is.
    public let venue: VenueName
    /// New mark prices of instruments, in their quote assets.
    public let marks: [Quote]
    /// New prices of assets, in USD.
    public let index: [Quote]

    public init(venue: VenueName, marks: [Quote], index: [Quote]) {
        self.venue = venue
        self.marks = marks
        self.index = index
    }
}
