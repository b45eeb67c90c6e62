import Ledger
import Numbers
import Venue

/// What figures need of an open order.
enum OrderFigure: String, FigureKey {
    case value
    // What is given.
    case remaining, limitPrice, indexPrice
}

/// An open order that may add exposure.
final class OrderFigures: CryptoComTable<OrderFigure> {
    let side: Side
    private let id: String
    /// The contract's mark; nil of a spot order.
    let mark: MarkFigures?
    /// The row that tells the price of what it sells, in an answer.
    unowned var pricedBy: RowFigures?
    /// The pair of a spot order.
    private let base: String
    private let quote: String

    /// Whether it sells on the spot, which adds exposure.
    var isSpotSale: Bool { mark == nil && side == .sell }

    /// What a spot order ties up: the asset that it is paid with, or the one that it offers.
    var tiedAsset: String? { mark != nil ? nil : side == .buy ? quote : base }

    override func value(of figure: OrderFigure) throws -> ExactFraction {
        switch figure {
        case .value: try self[.remaining] * (mark.map { try $0[.price] } ?? self[.indexPrice])
        case .indexPrice: if let pricedBy { try pricedBy[.price] } else { throw gap(figure) }
        case .remaining, .limitPrice: throw gap(figure)
        }
    }

    /// What is bought on the spot adds nothing and has no value here.
    override func isThere(_ figure: OrderFigure) -> Bool {
        figure != .value || mark != nil || isSpotSale
    }

    override var path: String { "orders.\(id)." }
    override var name: String { mark == nil ? "order \(id)" : "\(side.rawValue) order \(id)" }

    override func name(of figure: OrderFigure, isOwn: Bool) -> String {
        "\(figure.rawValue) of \(side.rawValue) order \(id)"
    }

    override func name(of input: OrderFigure, _ words: String) -> String {
        input == .indexPrice ? mode.price.name(of: base) : words
    }

    /// An open order of a contract, or of a spot pair where there is no mark.
    init(_ order: OpenOrder, _ mark: MarkFigures?, _ price: PriceOrigin, in book: FigureBook) {
        id = order.id
        side = order.side
        base = order.instrument.base
        quote = order.instrument.quote
        self.mark = mark
        super.init(book, OrderMode(isContract: mark != nil, price: price), Layouts.order)
        give(.remaining, order.remaining)
        give(.limitPrice, order.price)
    }

    /// An order of the ledger. Throws `FigureError.priceMissing` for a price that nobody has given.
    convenience init(
        _ order: OpenOrder, _ mark: MarkFigures?, _ market: ValuationPrices, in book: FigureBook
    ) throws {
        let base = order.instrument.base
        self.init(order, mark, mark == nil ? PriceOrigin(of: base, market) : .reference, in: book)
        if isSpotSale { give(.indexPrice, try market.price(of: base)) }
    }
}

/// What decides which words hold of an order.
struct OrderMode {
    var isContract = true
    var price = PriceOrigin.reference
}

extension OrderFigure {
    static let choices = Source.ours

    func facts(in mode: OrderMode) -> FigureFacts? {
        switch self {
        case .value:
            .beside(
                "open quantity × \(mode.isContract ? "mark" : "index") price", CryptoComRules.usd, .plain,
                .choice, from: Source.ours)
        case .remaining: .input("open quantity", FigureFacts.coin, .ledger)
        case .limitPrice: .input("limit price", FigureFacts.coin, .ledger)
        case .indexPrice: mode.price.facts
        }
    }
}

/// The price that contracts are worth.
enum MarkFigure: String, FigureKey {
    case price = "mark price"
    // What is given.
    case given, base, quote
}

/// An instrument's mark.
final class MarkFigures: CryptoComTable<MarkFigure> {
    let instrument: Instrument
    private let givenAt: LedgerTime?

    override func value(of figure: MarkFigure) throws -> ExactFraction {
        switch figure {
        case .price where mode.isGiven: try self[.given]
        case .price: try PrintForm.halfUp(8).of(self[.base] / self[.quote])
        case .given, .base, .quote: throw gap(figure)
        }
    }

    override var name: String { instrument.name }

    override func path(of figure: MarkFigure, isPrinted: Bool) -> String { "mark_price.\(instrument.name)" }

    override func name(of input: MarkFigure, _ words: String) -> String {
        switch input {
        case .given: "price given at \(givenAt?.iso8601 ?? "")"
        case .base: "index of \(instrument.base)"
        case .quote: "index of \(instrument.quote)"
        case .price: words
        }
    }

    init(_ instrument: Instrument, givenAt: LedgerTime?, in book: FigureBook, isGiven: Bool) {
        self.instrument = instrument
        self.givenAt = givenAt
        super.init(
            book, MarkMode(isGiven: isGiven, base: instrument.base, quote: instrument.quote), Layouts.mark)
    }

    /// As prices of the ledger have it. Throws `FigureError.priceMissing` where they do not.
    convenience init(
        _ instrument: Instrument, _ market: ValuationPrices, in book: FigureBook
    )
        throws(FigureError)
    {
        let given = market.prices.marks[instrument.name]
        self.init(instrument, givenAt: given?.at, in: book, isGiven: given != nil)
        if let given {
            give(.given, given.price)
        } else {
            // That it can be worked out is known by now.
            _ = try market.requiredMark(instrument)
            give(.base, try market.requiredIndex(instrument.base))
            give(.quote, try market.requiredIndex(instrument.quote))
        }
    }
}

/// What decides which words hold of a mark.
struct MarkMode {
    /// Whether it was given, rather than made of two index prices.
    var isGiven = true
    var base = "the coin"
    var quote = "USD"
}

extension MarkFigure {
    static let choices = Source.ours

    func facts(in mode: MarkMode) -> FigureFacts? {
        let usd = CryptoComRules.usd
        return switch self {
        case .price where mode.isGiven: .beside("the mark price last given", usd, from: Source.document)
        case .price:
            .beside(
                "index of \(mode.base) ÷ index of \(mode.quote)", usd, .halfUp(8), .choice, from: Source.ours)
        case .given: .input("price", usd, .price)
        case .base: .input("index of the coin", usd, .price)
        case .quote: .input("index of USD", usd, .price)
        }
    }
}

/// What an instrument has brought.
enum ActivityFigure: String, FigureKey {
    case sessionProfit

    static let choices = Source.ours

    func facts(in mode: Void) -> FigureFacts? {
        .input("session realized profit", CryptoComRules.usd, .ledger)
    }
}

/// An instrument that was traded.
final class ActivityFigures: CryptoComTable<ActivityFigure> {
    private let instrument: String

    override var name: String { instrument }

    init(_ activity: InstrumentActivity, in book: FigureBook) {
        instrument = activity.instrument
        super.init(book, (), Layouts.activity)
        give(.sessionProfit, activity.sessionRealised)
    }
}
