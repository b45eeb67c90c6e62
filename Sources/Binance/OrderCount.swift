import JSON
import Venue

/// How many orders a call is counted as, in each of the venue's two windows. Binance USDⓈ-M Futures API
/// documentation, General Info, Limits.
struct OrderWeight: Sendable {
    let inTenSeconds: Int
    let inMinute: Int

    static let single = OrderWeight(inTenSeconds: 1, inMinute: 1)
    static let batch = OrderWeight(inTenSeconds: 5, inMinute: 1)
}

/// The orders of one account within ten seconds and within a minute.
struct OrderCount: Sendable {
    private struct Window: Sendable {
        let name: String
        /// As `rateLimits` has it.
        let interval: StaticString
        let number: Int64
        let length: Int64
        let limit: Int
        /// As the refusal words it.
        let words: String
    }

    private let account: String
    private let windows: [Window]
    /// What is used of each.
    private(set) var used: [Int] = [0, 0]

    init(of account: String, limits: WeightLimits) {
        self.account = account
        windows = [
            Window(
                name: "10S", interval: "SECOND", number: 10, length: 10_000,
                limit: limits.ordersPerTenSeconds, words: "10 SECOND"),
            Window(
                name: "1M", interval: "MINUTE", number: 1, length: 60_000,
                limit: limits.ordersPerMinute, words: "1 MINUTE"),
        ]
    }

    /// Uses what a call weighs; the refusal where that is too much. A call counts whether or not its order is
    /// taken: a choice.
    mutating func count(_ weight: OrderWeight, through access: any VenueAccess) -> BinanceError? {
        var refusal: BinanceError?
        let now = access.realTime()
        for (place, window) in windows.enumerated() {
            let verdict = access.limiter.use(
                "orders \(window.name) \(account)",
                weight: place == 0 ? weight.inTenSeconds : weight.inMinute,
                limit: window.limit, window: window.length, now: now)
            used[place] = verdict.used
            if !verdict.isAllowed, refusal == nil {
                refusal = .tooManyNewOrders(
                    limit: window.limit, window.words, retryAfter: max(1, (verdict.remaining + 999) / 1000))
            }
        }
        return refusal
    }

    /// `X-MBX-ORDER-COUNT-10S` and `-1M`.
    var headers: [(name: String, value: String)] {
        zip(windows, used).map { ("X-MBX-ORDER-COUNT-\($0.name)", String($1)) }
    }

    /// As `rateLimits` lists them, with what is used of each or without.
    func list(withCounts: Bool) -> [UInt8] {
        var writer = JSONWriter(reserving: 192)
        writer.beginArray()
        for (window, used) in zip(windows, used) {
            writer.beginObject()
            writer.member("rateLimitType", literal: "ORDERS")
            writer.member("interval", literal: window.interval)
            writer.member("intervalNum", window.number)
            writer.member("limit", Int64(window.limit))
            if withCounts { writer.member("count", Int64(used)) }
            writer.endObject()
        }
        writer.endArray()
        return writer.bytes
    }
}
