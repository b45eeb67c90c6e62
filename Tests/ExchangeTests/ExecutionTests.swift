import Exchange
import Ledger
import Numbers
import Testing

/// What becomes of one order: the market it meets, the order, and what happens.
struct ExecutionCase: Sendable, CustomTestStringConvertible {
    let market: String
    let order: String
    let expected: [String]
    var refusesAtOnce = false

    init(_ market: String, _ order: String, _ expected: String..., refusesAtOnce: Bool = false) {
        self.market = market
        self.order = order
        self.expected = expected
        self.refusesAtOnce = refusesAtOnce
    }

    var testDescription: String { "\(order) at \(market)" }
}

private let quoted = #""bid":"99.5","ask":"100.5","bid_size":"3","ask_size":"2","last":"100""#

@Suite("What an order comes to when it is placed")
struct ExecutionTests {
    @Test(arguments: [
        // Without a quote the bid is the mark cut to the tick and the ask one tick above, of any size.
        ExecutionCase(
            "100.3", "buy 2", "placed buy 2 @ 100.5", "fill buy 2 @ 100.5 taker fee 0.1005 USD"),
        ExecutionCase("100.3", "sell 2", "placed sell 2 @ 100", "fill sell 2 @ 100 taker fee 0.1 USD"),
        ExecutionCase("100.3", "buy 2 @ 100", "placed buy 2 @ 100"),
        // A limit order that crosses fills at the touch, not at its limit.
        ExecutionCase(
            "100.3", "buy 2 @ 105", "placed buy 2 @ 105", "fill buy 2 @ 100.5 taker fee 0.1005 USD"),
        ExecutionCase(
            "100.3", "sell 2 @ 90", "placed sell 2 @ 90", "fill sell 2 @ 100 taker fee 0.1 USD"),
        // What stands at the touch limits a fill; the rest rests or ends.
        ExecutionCase(
            quoted, "buy 5 @ 101", "placed buy 5 @ 101", "fill buy 2 @ 100.5 taker fee 0.1005 USD"),
        ExecutionCase(
            quoted, "buy 5", "placed buy 5 @ 100.5", "fill buy 2 @ 100.5 taker fee 0.1005 USD",
            "ended market_rest"),
        ExecutionCase(
            quoted, "sell 5 @ 99 ioc", "placed sell 5 @ 99", "fill sell 3 @ 99.5 taker fee 0.14925 USD",
            "ended immediate_rest"),
        ExecutionCase(quoted, "buy 1 @ 100 ioc", "placed buy 1 @ 100", "ended immediate_rest"),
        ExecutionCase(
            quoted, "buy 2 @ 101 fok", "placed buy 2 @ 101", "fill buy 2 @ 100.5 taker fee 0.1005 USD"),
        ExecutionCase(quoted, "buy 3 @ 101 fok", "placed buy 3 @ 101", "ended unfillable"),
        ExecutionCase(quoted, "buy 3 @ 101 fok", "refused unfillable", refusesAtOnce: true),
        ExecutionCase(quoted, "buy 1 @ 100 post", "placed buy 1 @ 100"),
        ExecutionCase(quoted, "buy 1 @ 100.5 post", "placed buy 1 @ 100.5", "ended post_only"),
        ExecutionCase(quoted, "sell 1 @ 99.5 post", "refused would_take", refusesAtOnce: true),
        // Nothing to reduce, and more than the account can pay for.
        ExecutionCase(quoted, "sell 1 @ 99 reduce", "refused nothing_to_reduce"),
        ExecutionCase(quoted, "buy 1 reduce", "refused nothing_to_reduce"),
        ExecutionCase(quoted, "buy 20000 @ 100", "refused insufficient_balance"),
    ])
    func placed(_ test: ExecutionCase) throws {
        var floor = try Floor(refusesAtOnce: test.refusesAtOnce)
        _ = try test.market.contains("bid") ? floor.quote(test.market) : floor.mark(test.market)
        let before = floor.account
        do {
            #expect(try story(floor.place(test.order)) == test.expected)
        } catch let refusal as Refusal {
            #expect(["refused \(refusal.code.rawValue)"] == test.expected, "\(refusal)")
            #expect(floor.account == before)
        }
        // Only what rests is left.
        #expect(
            floor.account.orders.count == (test.expected.contains { $0.hasPrefix("ended") } ? 0 : nil)
                ?? floor.account.orders.count)
    }

    @Test("without any price a market order is refused")
    func unpriced() throws {
        var floor = try Floor()
        let error = #expect(throws: Refusal.self) { try floor.place("buy 1") }
        #expect(error?.code == .priceMissing)
    }

    @Test("the newest event of an instrument makes the touch")
    func newest() throws {
        var floor = try Floor()
        _ = try floor.quote(quoted)
        _ = try floor.mark("200")
        #expect(try story(floor.place("buy 1")).last == "fill buy 1 @ 200.5 taker fee 0.10025 USD")
        _ = try floor.quote(#""last":"150""#)
        #expect(try story(floor.place("sell 1")).last == "fill sell 1 @ 150 taker fee 0.075 USD")
    }

    @Test("a reduce-only order is cut to the position; a resting one ends before the order that takes it")
    func reduceOnly() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 2")
        #expect(try story(floor.place("sell 5 @ 110 reduce")) == ["placed sell 2 @ 110"])
        #expect(
            try story(floor.place("sell 5 reduce")) == [
                "ended reduce_only", "placed sell 2 @ 100", "fill sell 2 @ 100 taker fee 0.1 USD",
            ])
        #expect(floor.position.isZero)
        #expect(floor.account.orders.isEmpty)
        // A resting order takes it away, or turns it around; orders that still reduce stand.
        try floor.place("buy 2")
        try floor.place("sell 2 @ 110 reduce")
        try floor.place("sell 3 @ 105")
        #expect(
            try story(floor.mark("105")) == [
                "ended reduce_only", "fill sell 3 @ 105 maker fee 0.063 USD",
            ])
        try floor.place("buy 0.5 @ 90 reduce")
        try floor.place("buy 0.4 @ 95")
        #expect(try story(floor.mark("95")) == ["fill buy 0.4 @ 95 maker fee 0.0076 USD"])
        #expect(floor.account.orders.count == 1)
    }

    @Test("a client's own id is unique among open orders only")
    func clientIDs() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 1 @ 90 id=mine")
        let error = #expect(throws: Refusal.self) { try floor.place("buy 1 @ 91 id=mine") }
        #expect(error?.code == .orderExists)
        try floor.trade(.cancel(.client("mine"), instrument: nil))
        #expect(try story(floor.place("buy 1 @ 91 id=mine")) == ["placed buy 1 @ 91"])
    }

    @Test("executed by hand, orders wait for the operator's fills")
    func manual() throws {
        var floor = try Floor(.manual)
        _ = try floor.mark("100")
        let placed = try floor.place("buy 2 @ 105")
        #expect(story(placed) == ["placed buy 2 @ 105"])
        #expect(try story(floor.mark("50")).isEmpty)
        let id = try #require(floor.account.orders.first?.id)
        try floor.apply(
            #"{"type":"fill","account":"a","instrument":"BTC-PERP","side":"buy","quantity":"2","price":"104","#
                + #""order_id":"\#(id)"}"#)
        #expect(floor.position == decimal("2"))
    }
}

@Suite("What new prices make of resting orders")
struct RestingTests {
    @Test("a resting order fills as maker at its own price when the market comes to it")
    func touched() throws {
        for (execution, price, fills) in [
            (Exchange.Execution.touch, "90.5", false), (.touch, "90", true), (.touch, "80", true),
            (.through, "90", false), (.through, "89.5", true), (.manual, "80", false),
        ] {
            var floor = try Floor(execution)
            _ = try floor.mark("100")
            try floor.place("buy 2 @ 90")
            let happened = try story(floor.mark(price))
            #expect(
                happened == (fills ? ["fill buy 2 @ 90 maker fee 0.036 USD"] : []), "\(execution) \(price)")
        }
    }

    @Test("what was traded limits a fill; several orders go by the order of placing")
    func partly() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("sell 3 @ 110")
        try floor.place("sell 1 @ 109")
        #expect(
            try story(floor.quote(#""last":"110","quantity":"2""#)) == [
                "fill sell 2 @ 110 maker fee 0.044 USD", "fill sell 1 @ 109 maker fee 0.0218 USD",
            ])
        #expect(floor.account.orders.map(\.remaining) == [decimal("1")])
        #expect(floor.account.orders.first?.fills?.value == decimal("220"))
    }

    @Test("the command is answered with its own sequence, and what it caused follows it")
    func ownEvent() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 1 @ 90")
        let command = Command(
            account: nil,
            content: .prices(
                venue: "test", marks: [PriceTick.Quote(name: "BTC-PERP", price: decimal("80"))], index: []))
        let outcome = try floor.exchange.accept(
            command, in: &floor.ledger, judges: [floor.venue.name: floor.venue], now: floor.now)
        #expect(outcome.own == 0 && outcome.events.map(\.typeName) == ["priced", "filled"])
    }

    @Test("a good-till-date order ends when prices come after its time")
    func expiry() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 1 @ 90 until=5000")
        floor.now = LedgerTime(milliseconds: 4_999)
        #expect(try story(floor.mark("95")).isEmpty)
        floor.now = LedgerTime(milliseconds: 5_000)
        #expect(try story(floor.mark("80")) == ["ended good_till_date"])
        #expect(floor.position.isZero)
    }

    @Test("an index moves a pair without a mark of its own")
    func pairs() throws {
        var floor = try Floor()
        try floor.apply(#"{"type":"prices","venue":"test","index":{"BTC":"100"}}"#)
        try floor.place("buy 1 @ 90 spot")
        #expect(
            try story(floor.apply(#"{"type":"prices","venue":"test","index":{"BTC":"89"}}"#)) == [
                "fill buy 1 @ 90 maker fee 0.018 USD"
            ])
    }

    @Test("orders that the operator placed are never filled")
    func operators() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.apply(
            #"{"type":"place_order","account":"a","order_id":"o","instrument":"BTC-PERP","side":"buy","#
                + #""quantity":"1","price":"90"}"#)
        #expect(try story(floor.mark("80")).isEmpty)
        #expect(try story(floor.trade(.cancel(.id("o"), instrument: nil))) == ["cancelled"])
    }
}

@Suite("Amending and cancelling")
struct AmendTests {
    @Test func amended() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 3 @ 90 id=mine")
        let mine = OrderReference.client("mine")
        #expect(
            try story(floor.trade(.amend(mine, instrument: nil, quantity: decimal("2"), price: nil))) == [
                "amended to 2 @ 90"
            ])
        let same = #expect(throws: Refusal.self) {
            try floor.trade(.amend(mine, instrument: nil, quantity: decimal("2"), price: decimal("90")))
        }
        #expect(same?.code == .unchanged)
        // A price that crosses fills at the touch.
        #expect(
            try story(floor.trade(.amend(mine, instrument: nil, quantity: nil, price: decimal("101")))) == [
                "amended to 2 @ 101", "fill buy 2 @ 100.5 taker fee 0.1005 USD",
            ])
        #expect(floor.account.orders.isEmpty && floor.position == decimal("2"))
    }

    @Test("what only reduces grows no further than the position, as it is placed no larger")
    func reducing() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 5 @ 101")
        try floor.place("sell 2 @ 110 reduce id=mine")
        let mine = OrderReference.client("mine")
        #expect(
            try story(floor.trade(.amend(mine, instrument: nil, quantity: decimal("9"), price: nil))) == [
                "amended to 5 @ 110"
            ])
        let same = #expect(throws: Refusal.self) {
            try floor.trade(.amend(mine, instrument: nil, quantity: decimal("9"), price: nil))
        }
        #expect(same?.code == .unchanged)
        _ = try floor.quote(#""last":"110","quantity":"2""#)
        #expect(
            try story(
                floor.trade(.amend(mine, instrument: nil, quantity: decimal("9"), price: decimal("111"))))
                == ["amended to 5 @ 111"], "what is filled of it counts")
        #expect(floor.position == decimal("3"))
    }

    @Test("a size that is filled already ends the order")
    func filledAlready() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("sell 3 @ 110 id=mine")
        _ = try floor.quote(#""last":"110","quantity":"2""#)
        #expect(
            try story(
                floor.trade(.amend(.client("mine"), instrument: nil, quantity: decimal("2"), price: nil)))
                == ["ended amended"])
    }

    @Test("cancelled means no later fill; all of an instrument or all there are")
    func cancelled() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.apply(#"{"type":"prices","venue":"test","index":{"BTC":"100"}}"#)
        try floor.place("buy 1 @ 90")
        try floor.place("buy 1 @ 91 spot")
        #expect(try story(floor.trade(.cancelAll(instrument: "BTC-PERP"))) == ["cancelled"])
        #expect(try story(floor.mark("80")).isEmpty)
        #expect(try story(floor.trade(.cancelAll(instrument: nil))) == ["cancelled"])
        #expect(try floor.trade(.cancelAll(instrument: nil)).isEmpty)
        let error = #expect(throws: Refusal.self) {
            try floor.trade(.cancel(.client("mine"), instrument: nil))
        }
        #expect(error?.code == .unknownOrder)
    }
}
