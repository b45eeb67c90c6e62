import Exchange
import Ledger
import Numbers
import Testing

private func leg(
    _ name: String, _ price: String, rises: Bool? = nil, source: TriggerSource = .last, limit: String? = nil
) -> ConditionalLeg {
    ConditionalLeg(
        name, Trigger(source, at: decimal(price), rises: rises), price: limit.map(decimal))
}

private func wanted(
    _ side: Side, _ quantity: String?, _ legs: [ConditionalLeg], reduceOnly: Bool = false
) -> ConditionalInstruction {
    var order = ConditionalInstruction(
        instrument: "BTC-PERP", side: side, quantity: quantity.map(decimal), legs: legs, clientID: "mine")
    order.reduceOnly = reduceOnly
    return order
}

@Suite("Conditional orders")
struct ConditionalTests {
    @Test("a stop waits without margin, and its market order comes with the price that fires it")
    func stop() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 2")
        #expect(
            try story(floor.trade(.placeConditional(wanted(.sell, "2", [leg("sl", "95")])))) == [
                "conditional placed"
            ])
        #expect(try story(floor.mark("95.5")).isEmpty)
        #expect(
            try story(floor.mark("95")) == [
                "triggered sl at 95", "placed sell 2 @ 95", "fill sell 2 @ 95 taker fee 0.095 USD",
            ])
        #expect(floor.position.isZero && floor.account.conditionals.isEmpty)
    }

    @Test("of two legs the first that fires ends both; a leg with a limit places a limit order")
    func either() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 2")
        let legs = [leg("tp", "110", limit: "112"), leg("sl", "95")]
        try floor.trade(.placeConditional(wanted(.sell, "2", legs, reduceOnly: true)))
        #expect(try story(floor.mark("110")) == ["triggered tp at 110", "placed sell 2 @ 112"])
        #expect(try story(floor.mark("90")).isEmpty)
        #expect(floor.account.orders.count == 1)
    }

    @Test("without a quantity the whole position is closed; without a position it is refused and ends")
    func closing() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 3")
        try floor.trade(.placeConditional(wanted(.sell, nil, [leg("sl", "95")])))
        #expect(try story(floor.mark("94")).last == "fill sell 3 @ 94 taker fee 0.141 USD")
        try floor.trade(.placeConditional(wanted(.sell, nil, [leg("sl", "90")])))
        #expect(try story(floor.mark("80")) == ["conditional ended refused nothing_to_reduce"])
    }

    @Test("what would close a position ends with it, whoever closed it; what opens another one stays")
    func endsWithPosition() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        func wait(_ side: Side, _ quantity: String?, ends: Bool = false) throws {
            var order = wanted(side, quantity, [leg("sl", side == .sell ? "50" : "150")])
            order.clientID = nil
            order.endsWithPosition = ends
            try floor.trade(.placeConditional(order))
        }
        try floor.place("buy 3")
        try wait(.sell, nil)
        try wait(.sell, "1", ends: true)
        try wait(.sell, "1")
        try wait(.buy, nil)
        #expect(try story(floor.place("sell 2")).count == 2)
        let events = try floor.place("sell 2")
        #expect(
            story(events) == [
                "placed sell 2 @ 100", "fill sell 2 @ 100 taker fee 0.1 USD",
                "conditional ended position_closed", "conditional ended position_closed",
            ])
        #expect(events.last?.cause == events[1].sequence)
        // The other side's is of the short that there is now.
        #expect(floor.account.conditionals.map(\.terms.side) == [.sell, .buy])
        let told = try floor.apply(
            #"{"type":"fill","account":"a","instrument":"BTC-PERP","side":"buy","quantity":"1","price":"100"}"#
        )
        #expect(story(told).last == "conditional ended position_closed")
        #expect(floor.account.conditionals.count == 1)
        // A resting order closes too, and in the same turn nothing of it fires any more.
        try floor.place("buy 1")
        try wait(.sell, nil)
        try floor.place("sell 1 @ 120")
        #expect(
            try story(floor.mark("120")) == [
                "fill sell 1 @ 120 maker fee 0.024 USD", "conditional ended position_closed",
            ])
        try expectKept(floor)
    }

    @Test(
        "what is attached to an open order fires once that is filled as a whole, and ends with it otherwise")
    func attachedToOpen() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        func attach(_ id: String) throws {
            try floor.place("buy 2 @ 90 id=\(id)")
            var order = wanted(.sell, "2", [leg("tp", "95", rises: true)])
            order.clientID = id
            order.order = floor.account.orders.last?.id
            try floor.trade(.placeConditional(order))
        }
        try attach("a")
        let events = try floor.trade(.cancel(.client("a"), instrument: nil))
        #expect(story(events) == ["cancelled", "conditional ended contingency"])
        try attach("b")
        #expect(try story(floor.mark("99")).isEmpty)
        #expect(try story(floor.mark("90")) == ["fill buy 2 @ 90 maker fee 0.036 USD"])
        #expect(try story(floor.mark("95")).first == "triggered tp at 95")
        try attach("c")
        try floor.trade(.setTimer(CancelTimer(instrument: nil, at: LedgerTime(milliseconds: 9_000))))
        floor.now = LedgerTime(milliseconds: 9_000)
        #expect(try story(floor.pass()) == ["ended timer", "timer", "conditional ended contingency"])
        try expectKept(floor)
    }

    @Test("mark, last and index are different prices")
    func sources() throws {
        var floor = try Floor()
        try floor.apply(#"{"type":"prices","venue":"test","marks":{"BTC-PERP":"100"},"index":{"BTC":"100"}}"#)
        try floor.trade(.placeConditional(wanted(.buy, "1", [leg("up", "105", source: .mark)])))
        #expect(try story(floor.quote(#""last":"106""#)).isEmpty)
        #expect(try story(floor.mark("105")).first == "triggered up at 105")
        try floor.trade(.placeConditional(wanted(.buy, "1", [leg("up", "120", source: .index)])))
        #expect(try story(floor.mark("130")).isEmpty)
        #expect(
            try story(floor.apply(#"{"type":"prices","venue":"test","index":{"BTC":"120"}}"#)).first
                == "triggered up at 120")
    }

    @Test("a trailing stop follows the best price since it was active, and survives a replay")
    func trailing() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        let trail = Trigger(
            .last, trailing: Trigger.Trail(ratio: decimal("0.1")), from: decimal("105"), rises: false)
        let order = wanted(.sell, "1", [ConditionalLeg("trail", trail, price: nil)])
        try floor.trade(.placeConditional(order))
        #expect(try story(floor.mark("90")).isEmpty)
        #expect(try story(floor.mark("105")) == ["trailed to 105"])
        #expect(try story(floor.mark("110")) == ["trailed to 110"])
        #expect(try story(floor.mark("100")).isEmpty)
        var replayed = LedgerState()
        for event in floor.events { try replayed.apply(event) }
        #expect(replayed.account("a") == floor.account)
        #expect(try story(floor.mark("99")).first == "triggered trail at 99")
    }

    @Test("a protected trigger waits while last price and mark are too far apart")
    func protected() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        var protected = leg("sl", "95", rises: false)
        protected.trigger.protection = decimal("0.05")
        try floor.trade(.placeConditional(wanted(.sell, "1", [protected])))
        #expect(try story(floor.quote(#""last":"94.9""#)).isEmpty)
        #expect(try story(floor.quote(#""last":"95""#)).first == "triggered sl at 95")
    }

    @Test("amended and cancelled; an id of the client's is unique while it waits")
    func changed() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.trade(.placeConditional(wanted(.sell, "1", [leg("sl", "95")])))
        let twice = #expect(throws: Refusal.self) {
            try floor.trade(.placeConditional(wanted(.sell, "1", [leg("sl", "95")])))
        }
        #expect(twice?.code == .orderExists)
        let mine = ConditionalReference.client("mine")
        try floor.trade(.amendConditional(mine, quantity: nil, legs: [leg("sl", "90")]))
        #expect(try story(floor.mark("92")).isEmpty)
        #expect(try story(floor.trade(.cancelConditional(mine))) == ["conditional ended cancelled"])
        #expect(try story(floor.mark("80")).isEmpty)
        let gone = #expect(throws: Refusal.self) { try floor.trade(.cancelConditional(mine)) }
        #expect(gone?.code == .unknownOrder)
    }

    @Test("what is attached to an order is placed once the order is filled as a whole")
    func attached() throws {
        var floor = try Floor()
        _ = try floor.quote(#""bid":"99.5","ask":"100.5","ask_size":"1","last":"100""#)
        var order = OrderInstruction(
            instrument: "BTC-PERP", side: .buy, quantity: decimal("2"), price: decimal("101"),
            terms: OrderTerms())
        order.terms.attached = [wanted(.sell, "2", [leg("sl", "95", rises: false)], reduceOnly: true)]
        #expect(try story(floor.trade(.place(order))).count == 2)
        #expect(floor.account.conditionals.isEmpty)
        #expect(
            try story(floor.mark("100")) == ["fill buy 1 @ 101 maker fee 0.0202 USD", "conditional placed"])
        #expect(try story(floor.mark("94")).first == "triggered sl at 94")
    }

    @Test("account records and events keep all of it")
    func kept() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        var order = wanted(.sell, "2", [leg("tp", "110", limit: "111"), leg("sl", "95", source: .mark)])
        order.expiresAt = LedgerTime(milliseconds: 90_000)
        order.legs[0].trigger.protection = decimal("0.05")
        order.terms.clientID = "child"
        order.terms.attached = [wanted(.buy, nil, [leg("sl", "95", rises: true)])]
        try floor.trade(.placeConditional(order))
        try floor.trade(.setTimer(CancelTimer(instrument: nil, at: LedgerTime(milliseconds: 80_000))))
        try expectKept(floor)
    }
}

@Suite("What falls due")
struct DueTests {
    @Test("orders, conditional orders and timers end with the passing of time alone")
    func passing() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.place("buy 1 @ 90 until=5000")
        try floor.place("buy 1 @ 91")
        var order = wanted(.sell, "1", [leg("sl", "50")])
        order.expiresAt = LedgerTime(milliseconds: 6_000)
        try floor.trade(.placeConditional(order))
        try floor.trade(.setTimer(CancelTimer(instrument: nil, at: LedgerTime(milliseconds: 7_000))))
        #expect(floor.ledger.nextDue == LedgerTime(milliseconds: 5_000))
        floor.now = LedgerTime(milliseconds: 4_999)
        #expect(try story(floor.pass()).isEmpty)
        floor.now = LedgerTime(milliseconds: 6_500)
        #expect(try story(floor.pass()) == ["ended good_till_date", "conditional ended expired"])
        floor.now = LedgerTime(milliseconds: 7_000)
        #expect(try story(floor.pass()) == ["ended timer", "timer"])
        #expect(floor.account.orders.isEmpty && floor.ledger.nextDue == nil)
        #expect(floor.ledger.watched(of: floor.venue.name).accounts.isEmpty == true)
    }

    @Test("a timer of one instrument leaves the others, and one that is put off does not fire")
    func timers() throws {
        var floor = try Floor()
        _ = try floor.mark("100")
        try floor.apply(#"{"type":"prices","venue":"test","index":{"BTC":"100"}}"#)
        try floor.place("buy 1 @ 90")
        try floor.place("buy 1 @ 91 spot")
        try floor.trade(.setTimer(CancelTimer(instrument: "BTC-PERP", at: LedgerTime(milliseconds: 5_000))))
        try floor.trade(.setTimer(CancelTimer(instrument: "BTC-PERP", at: LedgerTime(milliseconds: 9_000))))
        floor.now = LedgerTime(milliseconds: 6_000)
        #expect(try floor.pass().isEmpty)
        floor.now = LedgerTime(milliseconds: 9_000)
        #expect(try story(floor.pass()) == ["ended timer", "timer"])
        #expect(floor.account.orders.count == 1)
        try floor.trade(.setTimer(CancelTimer(instrument: nil, at: LedgerTime(milliseconds: 9_500))))
        try floor.trade(.setTimer(CancelTimer(instrument: nil, at: nil)))
        #expect(floor.ledger.nextDue == nil)
    }
}

@Suite("Sizes and own orders")
struct MeetingTests {
    @Test("what an account has taken of a quote is not there for its next order, until the next quote")
    func usedUp() throws {
        var floor = try Floor()
        let quote = #""bid":"99.5","ask":"100.5","bid_size":"3","ask_size":"2","last":"100""#
        _ = try floor.quote(quote)
        #expect(try story(floor.place("buy 1 @ 101")).count == 2)
        #expect(
            try story(floor.place("buy 3 @ 101 ioc")) == [
                "placed buy 3 @ 101", "fill buy 1 @ 100.5 taker fee 0.05025 USD", "ended immediate_rest",
            ])
        #expect(try story(floor.place("buy 1 @ 101 ioc")) == ["placed buy 1 @ 101", "ended immediate_rest"])
        // The other side, and other accounts, have theirs.
        #expect(try story(floor.place("sell 1")).count == 2)
        try floor.open("b")
        #expect(try story(floor.place("buy 2", "b")).last == "fill buy 2 @ 100.5 taker fee 0.1005 USD")
        _ = try floor.quote(quote)
        #expect(try story(floor.place("buy 2")).last == "fill buy 2 @ 100.5 taker fee 0.1005 USD")
        try expectKept(floor)
    }

    @Test(
        "orders of one account that would meet before the market",
        arguments: [
            (SelfTradePrevention.maker, ["ended self_trade", "placed buy 2 @ 100.5"], 1),
            (.taker, ["placed buy 2 @ 100.5", "ended self_trade"], 1),
            (.both, ["ended self_trade", "placed buy 2 @ 100.5", "ended self_trade"], 0),
            (nil, ["placed buy 2 @ 100.5"], 2),
        ])
    func selfTrade(_ mode: SelfTradePrevention?, _ expected: [String], _ left: Int) throws {
        var floor = try Floor()
        _ = try floor.quote(#""bid":"99","ask":"101","last":"100""#)
        try floor.place("sell 1 @ 100")
        var order = OrderInstruction(
            instrument: "BTC-PERP", side: .buy, quantity: decimal("2"), price: decimal("100.5"),
            terms: OrderTerms())
        order.terms.selfTradePrevention = mode
        #expect(try story(floor.trade(.place(order))) == expected)
        #expect(floor.account.orders.count == left)
    }

    @Test("where the market is better than one's own order, the market is met")
    func marketFirst() throws {
        var floor = try Floor()
        _ = try floor.quote(#""bid":"99","ask":"101","last":"100""#)
        try floor.place("sell 1 @ 101.5")
        var order = OrderInstruction(
            instrument: "BTC-PERP", side: .buy, quantity: decimal("2"), price: decimal("102"),
            terms: OrderTerms())
        order.terms.selfTradePrevention = .both
        #expect(try story(floor.trade(.place(order))).last == "fill buy 2 @ 101 taker fee 0.101 USD")
        #expect(floor.account.orders.count == 1)
    }
}
