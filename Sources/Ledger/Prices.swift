import Numbers

/// The market of one venue as last told to the ledger: mark prices of instruments, USD prices of assets.
public struct VenuePrices: Sendable, Equatable {
    /// Mark price per instrument, in its quote asset.
    public private(set) var marks: [String: PricePoint] = [:]
    /// Index price per asset, in USD.
    public private(set) var index: [String: PricePoint] = [:]
    /// When any of them last changed.
    public private(set) var updatedAt: LedgerTime?

    public init() {}

    /// An instrument's mark price; nil if none was ever given.
    public func mark(_ instrument: String) -> ExactDecimal? { marks[instrument]?.price }

    /// An asset's price in USD; nil if none was ever given.
    public func index(_ asset: String) -> ExactDecimal? { index[asset]?.price }

    /// Takes over a tick.
    public mutating func apply(_ tick: PriceTick, at time: LedgerTime) {
        for quote in tick.marks { marks[quote.name] = PricePoint(price: quote.price, at: time) }
        for quote in tick.index { index[quote.name] = PricePoint(price: quote.price, at: time) }
        updatedAt = time
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
