import Ledger
import Numbers
import Venue

/// Which part of a list is wanted: `startTime`, `endTime`, a first id, `limit`, `page`.
struct Page {
    /// What times a list is of.
    enum Window {
        case unlimited
        /// The last seven days, where no times are named.
        case lastWeek(before: LedgerTime)
        /// Seven days at most: those from a beginning, up to an end, or the last ones.
        case week(before: LedgerTime)
    }

    private static let week: Int64 = 7 * 86_400_000

    let limit: Int
    private let start: Int64?
    private let end: Int64?
    private let firstID: Int64?
    private let number: Int?
    /// Whether the beginning is the client's own.
    private let isFromStart: Bool
    /// Nothing before it is told any more.
    private let oldest: Int64

    /// `usual` rows where no `limit` is named, `most` whatever is. An id that is named opens every window;
    /// what was before `oldest` is in none.
    init(
        _ parameters: Parameters, idName: String? = nil, usual: Int64 = 500, most: Int64 = 1000,
        window: Window = .unlimited, since oldest: LedgerTime? = nil
    ) throws(BinanceError) {
        var start = try parameters.number("startTime")
        var end = try parameters.number("endTime")
        isFromStart = start != nil
        firstID = try idName.flatMap { name throws(BinanceError) in try parameters.number(name) }
        if firstID != nil, idName == "fromId", start != nil || end != nil { throw .combinationInvalid }
        if let start, let end, start > end { throw .startAfterEnd }
        switch window {
        case .lastWeek(let now) where start == nil && end == nil:
            start = now.milliseconds - Self.week
        case .week(let now) where firstID == nil:
            if let start, let end, end - start > Self.week { throw .intervalTooLong }
            // No time lies beyond the greatest, so a beginning near it has all that follows.
            if let start { end = end ?? (start > .max - Self.week ? .max : start + Self.week) }
            start = start ?? (end ?? now.milliseconds) - Self.week
        default: break
        }
        self.oldest = oldest?.milliseconds ?? .min
        self.start = start
        self.end = end
        self.number = try parameters["page"].map { text throws(BinanceError) -> Int in
            guard let number = Int(text), (1...1_000_000).contains(number) else { throw .invalidData("page") }
            return number
        }
        let wanted = try parameters.number("limit") ?? usual
        guard wanted > 0 else { throw .invalidData("limit") }
        limit = Int(min(wanted, most))
    }

    /// The rows on it, of those of a history that it admits, in the order of their sequences. Throws where
    /// the history may lack some: a page that goes forward from a beginning needs all since that, the last
    /// rows as many as it has place for.
    func rows<Row>(
        _ admitted: [Row], of lists: TradingHistory.List..., in history: TradingHistory,
        _ sequence: (Row) -> Int64
    ) throws(HistoryForgotten) -> ArraySlice<Row> {
        let isFromBehind = !isFromStart && firstID == nil && number == nil
        let first =
            isFromBehind && admitted.count >= limit ? sequence(admitted[admitted.count - limit]) : nil
        for list in lists {
            try history.require(list, since: start.map { LedgerTime(milliseconds: $0) }, from: first)
        }
        return cut(admitted)
    }

    func admits(_ time: LedgerTime, id: Int64) -> Bool {
        max(oldest, start ?? .min) <= time.milliseconds && time.milliseconds <= (end ?? .max)
            && (firstID ?? .min) <= id
    }

    /// The page that is named; else the first ones where a beginning is, and the last ones where none is.
    private func cut<Element>(_ rows: [Element]) -> ArraySlice<Element> {
        if let number { return rows.dropFirst((number - 1) * limit).prefix(limit) }
        return isFromStart || firstID != nil ? rows.prefix(limit) : rows.suffix(limit)
    }
}

/// How long the venue tells what has been. Binance USDⓈ-M Futures API documentation, Query Order, All Orders,
/// Account Trade List, Get Income History, Get Position Margin Change History.
enum Retention {
    private static let day: Int64 = 86_400_000
    /// Three months, which the venue does not count in days: a choice.
    private static let months: Int64 = 90
    /// Since then trades are told of three months, before of six.
    private static let shorterTrades = LedgerTime(milliseconds: 1_787_702_400_000)

    /// The beginning of income and amendments.
    static func records(at now: LedgerTime) -> LedgerTime { days(months, before: now) }

    /// The beginning of trades.
    static func trades(at now: LedgerTime) -> LedgerTime {
        days(now >= shorterTrades ? months : 2 * months, before: now)
    }

    /// The beginning of changes of isolated margin.
    static func marginChanges(at now: LedgerTime) -> LedgerTime { days(30, before: now) }

    /// Whether an order is still told: for three days after it was placed if it ended unfilled, else for 90.
    static func keeps(_ record: OrderRecord, at now: LedgerTime) throws(NumberError) -> Bool {
        if record.ending == nil { return true }
        let isFilled = try !record.order.filled.isZero
        return record.order.placedAt >= days(isFilled ? 90 : 3, before: now)
    }

    /// The same of a conditional order.
    static func keepsConditional(_ algo: AlgoOrder, at now: LedgerTime) -> Bool {
        switch algo.status {
        case .waiting, .triggering, .triggered: true
        case .cancelled, .expired, .rejected: algo.placedAt >= days(3, before: now)
        case .finished: algo.placedAt >= days(90, before: now)
        }
    }

    private static func days(_ count: Int64, before now: LedgerTime) -> LedgerTime {
        LedgerTime(milliseconds: now.milliseconds - count * day)
    }
}
