import JSON
import Ledger
import Numbers
import Venue

/// Market data: candles, book, trades, tickers, funding. Binance USDⓈ-M Futures API documentation, Market
/// Data.
extension PublicRequest {
    /// The answer to an open request about the market, of which all is known.
    func answer(_ endpoint: Endpoint) async throws -> [UInt8] {
        try parameters.checkCharacters()
        switch endpoint {
        case .klines, .continuousKlines, .markPriceKlines, .indexPriceKlines:
            return try await klines(endpoint)
        case .premiumIndexKlines: return try await premiumKlines()
        case .openInterestHistory: return try openInterests()
        case .trades, .historicalTrades, .aggregateTrades: return try await trades(endpoint)
        case .fundingRate: return try await fundingRates()
        default: return try presentAnswer(endpoint)
        }
    }

    /// The same of what the market is now, which needs nothing of the journal.
    func presentAnswer(_ endpoint: Endpoint) throws -> [UInt8] {
        try parameters.checkCharacters()
        if endpoint == .depth { return try depth() }
        if endpoint == .openInterest { _ = try parameters.symbol(rules) }
        var writer = JSONWriter(reserving: 1024)
        if endpoint == .fundingInfo {
            writer.array(of: rules.symbolsByName) { symbol, writer in writer.fundingInfo(symbol) }
            return writer.bytes
        }
        // An object for the symbol asked for, an array of all of them where none was.
        if let symbol = try parameters.chosenSymbol(rules) {
            try write(endpoint, of: symbol, to: &writer)
        } else {
            try writer.array(of: rules.symbolsByName) { symbol, writer in
                try write(endpoint, of: symbol, to: &writer)
            }
        }
        return writer.bytes
    }

    private func write(
        _ endpoint: Endpoint, of entry: SymbolRules, to writer: inout JSONWriter
    ) throws {
        let symbol = market(of: entry)
        switch endpoint {
        case .dayTicker: try writer.dayTicker(symbol)
        case .bookTicker: writer.bookTicker(symbol)
        case .premiumIndex: try writer.premiumIndex(symbol, rules)
        case .openInterest: writer.openInterest(symbol)
        case .tickerPrice1, .tickerPrice2: try writer.priceTicker(symbol)
        default: throw BinanceError.internalError
        }
    }

    // MARK: - Candles

    private func klines(_ endpoint: Endpoint) async throws -> [UInt8] {
        let isOfPair = endpoint == .continuousKlines || endpoint == .indexPriceKlines
        guard let symbol = rules.symbol(try parameters.required(isOfPair ? "pair" : "symbol")) else {
            throw isOfPair ? BinanceError.invalidPair : BinanceError.invalidSymbol
        }
        if endpoint == .continuousKlines, try parameters.required("contractType") != "PERPETUAL" {
            throw BinanceError.invalidContractType
        }
        let wish = try KlineWish(self, symbol)
        let candles =
            switch endpoint {
            case .markPriceKlines: try await wish.marks()
            case .indexPriceKlines: try await wish.indexes()
            default: try await wish.candles(.last(symbol.name))
            }
        var writer = JSONWriter(reserving: 160 * candles.count + 2)
        let isTraded = endpoint == .klines || endpoint == .continuousKlines
        writer.array(of: candles) { candle, writer in
            writer.kline(candle, wish.interval, symbol, isTraded: isTraded)
        }
        return writer.bytes
    }

    /// `premiumIndexKlines`: (mark − index) ÷ index at the beginning, the highest, the lowest and the end of
    /// both, where the venue takes what orders of a certain size would meet: an estimate.
    private func premiumKlines() async throws -> [UInt8] {
        let wish = try KlineWish(self, parameters.symbol(rules))
        let marks = try await wish.marks()
        let indexes = try await wish.indexes()
        var writer = JSONWriter(reserving: 160 * marks.count + 2)
        writer.beginArray()
        for (mark, index) in zip(marks, indexes) where mark.opened == index.opened {
            let pairs = [
                (mark.open, index.open), (mark.high, index.high), (mark.low, index.low),
                (mark.close, index.close),
            ]
            var premiums: [ExactDecimal] = []
            for (mark, index) in pairs {
                premiums.append(
                    try (mark - index).over(index, places: BinanceFigures.places, rounding: .halfUp))
            }
            let (high, low) = (premiums.max() ?? .zero, premiums.min() ?? .zero)
            writer.premiumKline(mark, [premiums[0], high, low, premiums[3]], wish.interval)
        }
        writer.endArray()
        return writer.bytes
    }

    private static let statisticPeriods = ["5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"]

    /// `openInterestHist`: nobody's positions are the market's, so that each period has 0 (a choice).
    private func openInterests() throws -> [UInt8] {
        let symbol = try parameters.symbol(rules)
        let name = try parameters.required("period")
        guard Self.statisticPeriods.contains(name), let period = KlineInterval.byName[name] else {
            throw BinanceError.invalidData("period")
        }
        let page = try MarketPage(parameters, usual: 30, most: 500)
        var time = period.opening(of: min(page.end ?? .max, access.ledgerTime().milliseconds))
        var times: [Int64] = []
        while times.count < page.limit, time >= max(page.start ?? 0, symbol.onboarded) {
            times.append(time)
            time = period.opening(of: time - 1)
        }
        var writer = JSONWriter(reserving: 128 * times.count + 2)
        writer.array(of: times.reversed()) { time, writer in
            writer.beginObject()
            writer.member("symbol", symbol.name)
            for key: StaticString in [
                "sumOpenInterest", "sumOpenInterestValue", "CMCCirculatingSupply",
            ] {
                writer.member(key, literal: "0.00000000")
            }
            writer.member("timestamp", time)
            writer.endObject()
        }
        return writer.bytes
    }

    // MARK: - Book and trades

    /// The limits that a depth may have.
    private static let depthLimits: [Int64] = [5, 10, 20, 50, 100, 500, 1000]

    private func depth() throws -> [UInt8] {
        let symbol = market(of: try parameters.symbol(rules))
        if let text = parameters["limit"] {
            guard let limit = Int64(digits: text) else { throw BinanceError.invalidData("limit") }
            guard Self.depthLimits.contains(limit) else { throw BinanceError.invalidDepth(limit) }
        }
        return JSONWriter.object(reserving: 256) { writer in
            writer.member("lastUpdateId", symbol.sequence)
            writer.member("E", symbol.now.milliseconds)
            writer.member("T", symbol.now.milliseconds)
            writer.levels("bids", symbol.levels.of(.buy), symbol.rules)
            writer.levels("asks", symbol.levels.of(.sell), symbol.rules)
        }
    }

    private func trades(_ endpoint: Endpoint) async throws -> [UInt8] {
        let symbol = try parameters.symbol(rules)
        let isHistorical = endpoint == .historicalTrades
        let page = try MarketPage(
            parameters, usual: isHistorical ? 100 : 500, most: isHistorical ? 500 : 1000)
        var query = TradeQuery(symbol.name, limit: page.limit)
        if endpoint != .trades { query.fromID = try parameters.number("fromId") }
        if endpoint == .aggregateTrades {
            query.from = page.start
            query.to = page.end
            if let start = page.start, let end = page.end, end - start > 3_600_000 {
                throw BinanceError.spanTooLong
            }
        }
        query.keepsOldest = query.fromID != nil || query.from != nil
        let trades = try await access.trades(query)
        var writer = JSONWriter(reserving: 160 * trades.count + 2)
        writer.array(of: trades) { trade, writer in
            if endpoint == .aggregateTrades {
                writer.aggregateTrade(trade, symbol)
            } else {
                writer.publicTrade(trade, symbol)
            }
        }
        return writer.bytes
    }

    // MARK: - Funding

    private func fundingRates() async throws -> [UInt8] {
        let symbols = try parameters.symbols(rules)
        let page = try MarketPage(parameters, usual: 100, most: 1000)
        var rows: [(symbol: SymbolRules, funding: Funding)] = []
        for symbol in symbols {
            let fundings = try await access.fundings(
                of: symbol.instrument, every: SymbolRules.fundingHours, usual: rules.account.fundingRate,
                from: page.start, to: page.end, limit: page.limit, keepsOldest: page.start != nil,
                beginning: LedgerTime(milliseconds: symbol.onboarded), market)
            rows += fundings.map { (symbol, $0) }
        }
        rows.sort { ($0.funding.at, $0.symbol.name) < ($1.funding.at, $1.symbol.name) }
        let cut = page.start != nil ? rows.prefix(page.limit) : rows.suffix(page.limit)
        var writer = JSONWriter(reserving: 160 * cut.count + 2)
        writer.array(of: cut) { row, writer in
            writer.beginObject()
            writer.member("symbol", row.symbol.name)
            writer.member("fundingTime", row.funding.at.milliseconds)
            writer.amount("fundingRate", row.funding.rate)
            writer.amount("markPrice", row.funding.mark.cut(places: BinanceFigures.places))
            writer.member("rateType", literal: "Regular")
            writer.endObject()
        }
        return writer.bytes
    }
}

/// Candles of a symbol as they are asked for: `interval` and a page of them.
private struct KlineWish {
    let interval: CandleInterval
    private let page: MarketPage
    private let symbol: SymbolRules
    private let request: PublicRequest

    init(_ request: PublicRequest, _ symbol: SymbolRules) throws(BinanceError) {
        let parameters = request.parameters
        guard let interval = KlineInterval.byName[try parameters.required("interval")] else {
            throw .invalidInterval
        }
        self.interval = interval
        page = try MarketPage(parameters, usual: 500, most: 1500)
        self.symbol = symbol
        self.request = request
    }

    func marks() async throws -> [Candle] { try await candles(.mark(symbol.name)) }

    func indexes() async throws -> [Candle] {
        let (base, quote) = (symbol.instrument.base, symbol.instrument.quote)
        return try await candles(
            .index(base: base, quote: quote), flat: request.market.index(of: base, in: quote))
    }

    func candles(_ subject: MarketSubject) async throws -> [Candle] {
        try await candles(subject, flat: request.market.mark(symbol.instrument))
    }

    private func candles(_ subject: MarketSubject, flat: ExactDecimal?) async throws -> [Candle] {
        try await request.access.candles(
            CandleQuery(
                subject, interval, from: page.start, to: page.end, limit: page.limit,
                keepsOldest: page.start != nil),
            beginning: LedgerTime(milliseconds: symbol.onboarded), flat: flat)
    }
}

/// Which part of a list of the market is wanted: `startTime`, `endTime`, `limit`.
struct MarketPage {
    let start: Int64?
    let end: Int64?
    let limit: Int

    /// Throws −1130 for what is no number and for a limit that is 0 or too high, −1023 for an end before the
    /// start.
    init(_ parameters: Parameters, usual: Int64, most: Int64) throws(BinanceError) {
        start = try parameters.number("startTime")
        end = try parameters.number("endTime")
        let limit = try parameters.number("limit") ?? usual
        guard (1...most).contains(limit) else { throw .invalidData("limit") }
        self.limit = Int(limit)
        if let start, let end, start > end { throw .startAfterEnd }
    }
}

extension JSONWriter {
    /// A row of `trades`.
    fileprivate mutating func publicTrade(_ trade: MarketTrade, _ symbol: SymbolRules) {
        beginObject()
        member("id", trade.id)
        price("price", trade.price, symbol)
        quantity("qty", trade.quantity, symbol)
        value("quoteQty", trade.turnover?.quote ?? .zero, symbol)
        member("time", trade.at.milliseconds)
        member("isBuyerMaker", trade.takerSide == .sell)
        member("isRPITrade", false)
        endObject()
    }

    /// A row of `aggTrades`: each trade is one of its own.
    fileprivate mutating func aggregateTrade(_ trade: MarketTrade, _ symbol: SymbolRules) {
        beginObject()
        member("a", trade.id)
        price("p", trade.price, symbol)
        quantity("q", trade.quantity, symbol)
        quantity("nq", trade.quantity, symbol)
        member("f", trade.id)
        member("l", trade.id)
        member("T", trade.at.milliseconds)
        member("m", trade.takerSide == .sell)
        endObject()
    }

    /// `ticker/price`.
    mutating func priceTicker(_ symbol: SymbolMarket) throws {
        beginObject()
        member("symbol", symbol.name)
        price("price", try symbol.last(), symbol.rules)
        member("time", symbol.now.milliseconds)
        endObject()
    }

    /// `ticker/bookTicker`.
    fileprivate mutating func bookTicker(_ symbol: SymbolMarket) {
        // A book without levels is told in zeros.
        let touch = symbol.touch
        let sizes = symbol.sizes
        beginObject()
        member("symbol", symbol.name)
        price("bidPrice", touch?.bid ?? .zero, symbol.rules)
        quantity("bidQty", sizes?.bid ?? .zero, symbol.rules)
        price("askPrice", touch?.ask ?? .zero, symbol.rules)
        quantity("askQty", sizes?.ask ?? .zero, symbol.rules)
        member("time", symbol.now.milliseconds)
        member("lastUpdateId", symbol.sequence)
        endObject()
    }

    /// `ticker/24hr`.
    fileprivate mutating func dayTicker(_ symbol: SymbolMarket) throws {
        let day = try DayTicker(symbol)
        beginObject()
        member("symbol", symbol.name)
        price("priceChange", day.change, symbol.rules)
        member("priceChangePercent", quoted: day.changePercent, minimumPlaces: 3)
        price("weightedAvgPrice", day.average, symbol.rules)
        price("lastPrice", day.candle.close, symbol.rules)
        quantity("lastQty", day.lastTrade?.quantity ?? .zero, symbol.rules)
        price("openPrice", day.candle.open, symbol.rules)
        price("highPrice", day.candle.high, symbol.rules)
        price("lowPrice", day.candle.low, symbol.rules)
        quantity("volume", day.candle.traded.quantity, symbol.rules)
        value("quoteVolume", day.candle.traded.quote, symbol.rules)
        member("openTime", day.candle.opened)
        member("closeTime", symbol.now.milliseconds)
        member("firstId", day.firstID)
        member("lastId", day.lastID)
        member("count", day.candle.trades)
        endObject()
    }

    /// One symbol of `premiumIndex`. The index price is index(base) ÷ index(quote).
    fileprivate mutating func premiumIndex(_ symbol: SymbolMarket, _ rules: RuleTable) throws {
        let mark = try symbol.market.requiredMark(symbol.terms)
        let index = try symbol.index()
        beginObject()
        member("symbol", symbol.name)
        amount("markPrice", mark.cut(places: BinanceFigures.places))
        amount("indexPrice", index)
        amount("estimatedSettlePrice", index)
        amount("lastFundingRate", symbol.fundingRate(rules))
        amount("interestRate", rules.account.fundingRate)
        member("nextFundingTime", symbol.nextFunding)
        member("time", symbol.now.milliseconds)
        endObject()
    }

    /// One symbol of `fundingInfo`: the bounds are the venue's for BTCUSDT, a choice for the others.
    fileprivate mutating func fundingInfo(_ symbol: SymbolRules) {
        beginObject()
        member("symbol", symbol.name)
        member("adjustedFundingRateCap", literal: "0.02000000")
        member("adjustedFundingRateFloor", literal: "-0.02000000")
        member("fundingIntervalHours", SymbolRules.fundingHours)
        member("disclaimer", false)
        member("updateTime", symbol.onboarded)
        endObject()
    }

    /// `openInterest`: nobody's positions are the market's.
    fileprivate mutating func openInterest(_ symbol: SymbolMarket) {
        beginObject()
        member("symbol", symbol.name)
        quantity("openInterest", .zero, symbol.rules)
        member("time", symbol.now.milliseconds)
        endObject()
    }
}

/// What a day's ticker tells.
struct DayTicker {
    let candle: Candle
    let lastTrade: MarketTrade?
    /// Ids of the day's first and last trade; -1 where there was none. The first is of those still kept.
    let firstID: Int64
    let lastID: Int64
    let change: ExactDecimal
    /// To three places, half up.
    let changePercent: ExactDecimal
    /// By what was traded; the last price where nothing was.
    let average: ExactDecimal

    init(_ symbol: SymbolMarket) throws {
        let candle = try symbol.requiredDay()
        self.candle = candle
        let trades = symbol.access.market.latestTrades(of: symbol.name).trades
        let start = LedgerTime(milliseconds: candle.opened)
        lastTrade = trades.last
        firstID = trades.first { $0.at >= start }?.id ?? -1
        lastID = trades.last.flatMap { $0.at >= start ? $0.id : nil } ?? -1
        change = try candle.close - candle.open
        changePercent =
            candle.open.isZero
            ? .zero
            : try change.times(ExactDecimal(100), rounding: .halfEven)
                .over(candle.open, places: 3, rounding: .halfUp)
        let quantity = candle.traded.quantity
        average =
            quantity.isPositive
            ? try candle.traded.quote.over(
                quantity, places: max(2, symbol.rules.pricePrecision), rounding: .halfUp)
            : candle.close
    }
}
