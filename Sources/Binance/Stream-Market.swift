import JSON
import Ledger
import Numbers
import Venue

/// A stream of market data, by its name. Binance USDⓈ-M Futures API documentation, Websocket Market Streams.
struct MarketStreamName: Sendable {
    enum Kind: Sendable, Equatable {
        case aggregateTrade
        case trade
        case markPrice
        case kline(String)
        case continuousKline(String)
        case miniTicker
        case ticker
        case bookTicker
        /// The whole top of the book.
        case partialDepth
        /// What has changed in it.
        case depth
        /// Nothing of it happens here yet, so that nothing is ever told.
        case silent
    }

    let name: String
    let kind: Kind
    /// Nil for all symbols.
    let symbol: SymbolRules?
    /// Whether all symbols come in one message.
    let isArray: Bool
    /// Real milliseconds between messages that come without a change; nil for none.
    var pace: Int64?

    /// Whether a name can only be one of market data, so that it is refused where it is none.
    static func isLike(_ name: String) -> Bool { name.hasPrefix("!") || name.contains("@") }

    /// Nil for a name that is no such stream. Symbols are in lower case, as the venue has them.
    init?(_ name: String, _ rules: RuleTable) {
        self.name = name
        if name.hasPrefix("!") {
            symbol = nil
            isArray = name.contains("@arr")
            switch name {
            case "!markPrice@arr": (kind, pace) = (.markPrice, 3000)
            case "!markPrice@arr@1s": (kind, pace) = (.markPrice, 1000)
            case "!miniTicker@arr": kind = .miniTicker
            case "!ticker@arr": kind = .ticker
            case "!bookTicker": kind = .bookTicker
            case "!forceOrder@arr", "!contractInfo", "!assetIndex@arr": kind = .silent
            default: return nil
            }
            return
        }
        let parts = name.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2 else { return nil }
        var symbolName = parts[0]
        isArray = false
        let speed = parts.count == 3 ? parts[2] : nil
        guard parts.count <= 3 else { return nil }
        switch (parts[1], speed) {
        case ("aggTrade", nil): kind = .aggregateTrade
        case ("trade", nil): kind = .trade
        case ("markPrice", nil): (kind, pace) = (.markPrice, 3000)
        case ("markPrice", "1s"): (kind, pace) = (.markPrice, 1000)
        case ("miniTicker", nil): kind = .miniTicker
        case ("ticker", nil): kind = .ticker
        case ("bookTicker", nil): kind = .bookTicker
        case ("forceOrder", nil): kind = .silent
        case ("depth", nil), ("depth", "100ms"), ("depth", "250ms"), ("depth", "500ms"): kind = .depth
        case ("depth5", _), ("depth10", _), ("depth20", _):
            guard speed == nil || ["100ms", "250ms", "500ms"].contains(speed) else { return nil }
            kind = .partialDepth
        case (let text, nil):
            if let interval = Self.interval(text, after: "kline_") {
                kind = .kline(interval)
            } else if let interval = Self.interval(text, after: "continuousKline_"),
                symbolName.hasSuffix("_perpetual")
            {
                symbolName = String(symbolName.dropLast("_perpetual".count))
                kind = .continuousKline(interval)
            } else {
                return nil
            }
        default: return nil
        }
        guard let symbol = rules.symbols.first(where: { $0.name.lowercased().isExactly(symbolName) }) else {
            return nil
        }
        self.symbol = symbol
    }

    private static func interval(_ text: String, after prefix: String) -> String? {
        guard text.hasPrefix(prefix) else { return nil }
        let name = String(text.dropFirst(prefix.count))
        return KlineInterval.byName[name] == nil ? nil : name
    }
}

/// How a market stands at one moment, for those who have subscribed to it.
struct MarketMoment {
    private let access: any VenueAccess
    /// The real time.
    private let now: Int64
    private let rules: RuleTable
    private let market: ValuationPrices

    init(_ venue: BinanceVenue, _ access: any VenueAccess, at now: Int64) {
        self.access = access
        self.now = now
        (_, rules, market) = venue.present(through: access)
    }

    /// What a stream tells: what has changed, and how things stand where that is due.
    func news(_ feed: inout MarketFeeds<MarketStreamName>.Feed) -> [[UInt8]] {
        let stream = feed.subscription
        let isDue = stream.pace != nil && now >= feed.due
        if let pace = stream.pace, isDue { feed.due = now + pace }
        let symbols = stream.symbol.map { [$0] } ?? rules.symbolsByName
        let messages = symbols.flatMap { symbol in
            // What has no price yet is not told of.
            (try? news(stream.kind, SymbolMarket(symbol, market, access), &feed.told, isDue: isDue)) ?? []
        }
        return stream.isArray && !messages.isEmpty ? [Self.array(messages)] : messages
    }

    private static func array(_ messages: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter(reserving: messages.reduce(2) { $0 + $1.count + 1 })
        writer.array(of: messages) { message, writer in writer.raw(message) }
        return writer.bytes
    }

    private func news(
        _ kind: MarketStreamName.Kind, _ symbol: SymbolMarket, _ told: inout MarketTold, isDue: Bool
    ) throws -> [[UInt8]] {
        switch kind {
        case .silent: return []
        case .aggregateTrade, .trade:
            return told.trades(of: symbol.name, access).map { trade in
                JSONWriter.object(reserving: 240) {
                    $0.tradeUpdate(trade, symbol.rules, isAggregate: kind == .aggregateTrade)
                }
            }
        case .kline(let name): return try candles(symbol, name, &told, isContinuous: false)
        case .continuousKline(let name): return try candles(symbol, name, &told, isContinuous: true)
        case .depth:
            // The first message has the whole book, which makes it as good as a snapshot; each further one
            // what has changed, and goes on from the one before.
            _ = try symbol.requiredTouch()
            guard let news = told.book(of: symbol) else { return [] }
            return [
                JSONWriter.object(reserving: 320) {
                    $0.depthUpdate(
                        symbol, news.changes, first: news.previous.map { $0 + 1 } ?? news.sequence,
                        last: news.sequence, previous: news.previous ?? news.sequence - 1,
                        symbol.now.milliseconds)
                }
            ]
        case .partialDepth, .bookTicker, .markPrice, .ticker, .miniTicker:
            let message = try told.state(of: symbol.name, isDue: isDue) { isTimeless in
                try JSONWriter.object(reserving: 320) { writer in
                    try writer.state(of: kind, symbol, rules, isTimeless ? 0 : symbol.now.milliseconds)
                }
            }
            return message.map { [$0] } ?? []
        }
    }

    private func candles(
        _ symbol: SymbolMarket, _ name: String, _ told: inout MarketTold, isContinuous: Bool
    ) throws -> [[UInt8]] {
        guard let interval = KlineInterval.byName[name] else { return [] }
        func message(_ candle: Candle, _ time: Int64) -> [UInt8] {
            JSONWriter.object(reserving: 320) {
                $0.klineUpdate(candle, interval, name, symbol, time, isContinuous)
            }
        }
        let news = try told.candles(
            .last(symbol.name), interval, flat: symbol.market.mark(symbol.terms), access
        ) { message($0, 0) }
        return news.map { message($0.candle, symbol.now.milliseconds) }
    }
}

extension JSONWriter {
    private mutating func times(_ name: StaticString, _ time: Int64) {
        member("e", literal: name)
        member("E", time)
    }

    /// How things stand with a symbol.
    fileprivate mutating func state(
        of kind: MarketStreamName.Kind, _ symbol: SymbolMarket, _ rules: RuleTable, _ time: Int64
    ) throws {
        switch kind {
        case .bookTicker: try bookTickerUpdate(symbol, time)
        case .markPrice: try markPriceUpdate(symbol, rules, time)
        case .partialDepth:
            _ = try symbol.requiredTouch()
            depthUpdate(
                symbol, symbol.levels, first: symbol.sequence, last: symbol.sequence,
                previous: symbol.sequence - 1, time)
        default: try dayUpdate(symbol, time, isShort: kind == .miniTicker)
        }
    }

    fileprivate mutating func tradeUpdate(_ trade: MarketTrade, _ symbol: SymbolRules, isAggregate: Bool) {
        let time = trade.at.milliseconds
        if isAggregate {
            times("aggTrade", time)
            member("a", trade.id)
            member("s", symbol.name)
            price("p", trade.price, symbol)
            quantity("q", trade.quantity, symbol)
            quantity("nq", trade.quantity, symbol)
            member("f", trade.id)
            member("l", trade.id)
            member("T", time)
        } else {
            times("trade", time)
            member("T", time)
            member("s", symbol.name)
            member("t", trade.id)
            price("p", trade.price, symbol)
            quantity("q", trade.quantity, symbol)
            member("X", literal: "MARKET")
        }
        member("m", trade.takerSide == .sell)
        member("st", 1)
    }

    fileprivate mutating func bookTickerUpdate(_ symbol: SymbolMarket, _ time: Int64) throws {
        let touch = try symbol.requiredTouch()
        member("e", literal: "bookTicker")
        member("u", symbol.sequence)
        member("s", symbol.name)
        member("ps", symbol.name)
        price("b", touch.bid, symbol.rules)
        quantity("B", touch.bidSize ?? symbol.rules.anySize, symbol.rules)
        price("a", touch.ask, symbol.rules)
        quantity("A", touch.askSize ?? symbol.rules.anySize, symbol.rules)
        member("T", time)
        member("E", time)
        member("st", 1)
    }

    fileprivate mutating func depthUpdate(
        _ symbol: SymbolMarket, _ levels: [BookLevel], first: Int64, last: Int64, previous: Int64,
        _ time: Int64
    ) {
        times("depthUpdate", time)
        member("T", time)
        member("s", symbol.name)
        member("ps", symbol.name)
        member("U", first)
        member("u", last)
        member("pu", previous)
        self.levels("b", levels.of(.buy), symbol.rules)
        self.levels("a", levels.of(.sell), symbol.rules)
        member("st", 1)
    }

    fileprivate mutating func markPriceUpdate(
        _ symbol: SymbolMarket, _ rules: RuleTable, _ time: Int64
    ) throws {
        let mark = try symbol.market.requiredMark(symbol.terms).cut(places: BinanceFigures.places)
        let index = try symbol.index()
        times("markPriceUpdate", time)
        member("s", symbol.name)
        amount("p", mark)
        amount("ap", mark)
        amount("P", index)
        amount("i", index)
        amount("r", symbol.fundingRate(rules))
        member("T", symbol.nextFunding)
        member("st", 1)
    }

    fileprivate mutating func klineUpdate(
        _ candle: Candle, _ interval: CandleInterval, _ name: String, _ symbol: SymbolMarket,
        _ time: Int64, _ isContinuous: Bool
    ) {
        let rules = symbol.rules
        if isContinuous {
            times("continuous_kline", time)
            member("ps", rules.name)
            member("ct", literal: "PERPETUAL")
        } else {
            times("kline", time)
            member("s", rules.name)
        }
        beginObject("k")
        member("t", candle.opened)
        member("T", interval.end(of: candle.opened) - 1)
        if !isContinuous { member("s", rules.name) }
        member("i", name)
        member("f", -1)
        member("L", -1)
        price("o", candle.open, rules)
        price("c", candle.close, rules)
        price("h", candle.high, rules)
        price("l", candle.low, rules)
        quantity("v", candle.traded.quantity, rules)
        member("n", candle.trades)
        member("x", interval.end(of: candle.opened) <= symbol.now.milliseconds)
        value("q", candle.traded.quote, rules)
        quantity("V", candle.bought.quantity, rules)
        value("Q", candle.bought.quote, rules)
        member("B", literal: "0")
        endObject()
        member("st", 1)
    }

    /// `24hrTicker`, or the short one of it.
    fileprivate mutating func dayUpdate(_ symbol: SymbolMarket, _ time: Int64, isShort: Bool) throws {
        let day = try DayTicker(symbol)
        let rules = symbol.rules
        times(isShort ? "24hrMiniTicker" : "24hrTicker", time)
        member("s", rules.name)
        if isShort {
            price("c", day.candle.close, rules)
        } else {
            member("ps", rules.name)
            price("p", day.change, rules)
            member("P", quoted: day.changePercent, minimumPlaces: 3)
            price("w", day.average, rules)
            price("c", day.candle.close, rules)
            quantity("Q", day.lastTrade?.quantity ?? .zero, rules)
        }
        price("o", day.candle.open, rules)
        price("h", day.candle.high, rules)
        price("l", day.candle.low, rules)
        quantity("v", day.candle.traded.quantity, rules)
        value("q", day.candle.traded.quote, rules)
        if !isShort {
            member("O", time == 0 ? 0 : day.candle.opened)
            member("C", time)
            member("F", day.firstID)
            member("L", day.lastID)
            member("n", day.candle.trades)
        }
        member("st", 1)
    }
}
