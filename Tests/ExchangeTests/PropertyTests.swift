import Exchange
import JSON
import Ledger
import Numbers
import Testing

/// A small generator whose whole state is its seed (SplitMix64), so that a failure can be run again.
typealias SeededGenerator = SplitMix64

@Suite("What holds for every sequence of orders and prices")
struct PropertyTests {
    /// Plays random orders and prices; returns what happened.
    private func play(seed: UInt64, steps: Int) throws -> Floor {
        var random = SeededGenerator(seed: seed)
        func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &random)]
        }
        var floor = try Floor(pick([.touch, .through]), refusesAtOnce: Bool.random(using: &random))
        try floor.open("b")
        _ = try floor.mark("100")
        for step in 0..<steps {
            floor.now = LedgerTime(milliseconds: floor.now.milliseconds + 10)
            let price = Int.random(in: 180...220, using: &random)
            let half = price % 2 == 0 ? "\(price / 2)" : "\(price / 2).5"
            let account = pick(["a", "b"])
            do {
                switch Int.random(in: 0..<10, using: &random) {
                case 0...4:
                    let words = [
                        pick(["buy", "sell"]), "\(Int.random(in: 1...5, using: &random))",
                        pick(["", "@ \(half)", "@ \(half)", "@ \(half)"]),
                        pick(["gtc", "gtc", "ioc", "fok", "until=\(floor.now.milliseconds + 200)"]),
                        pick(["", "", "post"]), pick(["", "", "reduce"]), "id=\(step)",
                    ]
                    try floor.place(words.joined(separator: " "), account)
                case 5: _ = try floor.mark(half)
                case 6:
                    let size = Int.random(in: 1...4, using: &random)
                    _ = try floor.quote(
                        #""bid":"\#(half)","ask":"\#(price / 2 + 1)","ask_size":"\#(size)","bid_size":"\#(size)""#
                    )
                case 7: _ = try floor.quote(#""last":"\#(half)","quantity":"1""#)
                case 8:
                    guard let order = floor.ledger.account(account)?.orders.randomElement(using: &random)
                    else { continue }
                    try floor.trade(.cancel(.id(order.id), instrument: nil), account)
                default:
                    guard let order = floor.ledger.account(account)?.orders.randomElement(using: &random)
                    else { continue }
                    try floor.trade(
                        .amend(
                            .id(order.id), instrument: nil,
                            quantity: decimal("\(Int.random(in: 1...6, using: &random))"),
                            price: decimal(half)),
                        account)
                }
            } catch is Refusal {
                // Random orders may be refused; that nothing changes then is tested elsewhere.
            }
        }
        return floor
    }

    @Test(
        "no fill beyond a limit, never more than asked, nothing after the end, every unit somewhere",
        arguments: 1...40)
    func invariants(_ seed: Int) throws {
        let floor = try play(seed: UInt64(seed), steps: 400)
        var open: [String: (order: OpenOrder, filled: ExactDecimal)] = [:]
        var positions: [String: ExactDecimal] = [:]
        var met: Set<String> = []
        for event in floor.events {
            guard let account = event.account else { continue }
            switch event.body {
            case .orderPlaced(let order): open["\(account) \(order.id)"] = (order, .zero)
            case .orderAmended(let change):
                met.insert("amended")
                let key = "\(account) \(change.orderID)"
                var entry = try #require(open[key], "seed \(seed)")
                var order = OpenOrder(
                    id: entry.order.id, instrument: entry.order.instrument, side: entry.order.side,
                    quantity: change.quantity, price: change.price, reduceOnly: entry.order.reduceOnly,
                    positionSide: .net, marginMode: .cross, placedAt: entry.order.placedAt)
                order.terms = entry.order.terms
                entry.order = order
                open[key] = entry
            case .orderCancelled(let id), .orderEnded(let id, _):
                met.insert(event.typeName)
                #expect(open.removeValue(forKey: "\(account) \(id)") != nil, "seed \(seed)")
            case .filled(let fill):
                let key = "\(account) \(try #require(fill.orderID))"
                met.insert(fill.liquidity?.rawValue ?? "")
                // A fill of an order that has ended would find none.
                var entry = try #require(open[key], "seed \(seed)")
                if entry.order.reduceOnly { met.insert("reduced") }
                if entry.order.terms?.kind == .limit {
                    let isWithin =
                        fill.side == .buy ? fill.price <= entry.order.price : fill.price >= entry.order.price
                    #expect(isWithin, "seed \(seed): \(fill.price) beyond \(entry.order.price)")
                }
                if entry.order.terms?.postOnly == true { #expect(fill.liquidity == .maker, "seed \(seed)") }
                entry.filled = try entry.filled + fill.quantity
                #expect(entry.filled <= entry.order.quantity, "seed \(seed)")
                let held = positions[account] ?? .zero
                let after = try held + (fill.side == .buy ? fill.quantity : -fill.quantity)
                if entry.order.reduceOnly {
                    #expect(
                        after.magnitude < held.magnitude
                            && (after.isZero || after.isPositive == held.isPositive),
                        "seed \(seed): reduce-only took \(held) to \(after)")
                }
                positions[account] = after
                open[key] = entry.filled == entry.order.quantity ? nil : entry
            default: break
            }
        }
        // What is said of them holds of something.
        #expect(
            met == ["amended", "maker", "taker", "reduced", "order_cancelled", "order_ended"], "seed \(seed)")
        for id in ["a", "b"] {
            let account = try #require(floor.ledger.account(id))
            #expect(try account.imbalances().isEmpty)
            #expect(
                account.position("BTC-PERP", side: .net, marginMode: .cross)?.quantity ?? .zero
                    == positions[id] ?? .zero)
            #expect(
                Set(account.orders.map { "\(id) \($0.id)" }) == Set(open.keys.filter { $0.hasPrefix(id) }))
        }
    }

    @Test("the same input gives the same events, and replaying them from their bytes the same ledger")
    func deterministic() throws {
        let floor = try play(seed: 7, steps: 600)
        #expect(floor.events == (try play(seed: 7, steps: 600)).events)
        var replayed = LedgerState()
        var history = TradingHistory(of: "a")
        for event in floor.events {
            var body: [UInt8] = []
            event.appendBody(to: &body)
            let read = try Event(
                sequence: event.sequence, at: event.at, account: event.account, typeName: event.typeName,
                body: try JSONValue(parsing: body), instruments: replayed.instrumentTable)
            try replayed.apply(read)
            if event.account == "a" { try history.take(read) }
        }
        for id in ["a", "b"] {
            let account = try #require(floor.ledger.account(id))
            #expect(replayed.account(id) == account)
            var bytes: [UInt8] = []
            account.append(to: &bytes)
            let kept = try Account(
                decoding: try JSONValue(parsing: bytes), instruments: floor.ledger.instrumentTable)
            #expect(kept == account)
        }
        #expect(history.account == floor.account)
        let fills = floor.events.filter { $0.account == "a" && $0.typeName == "filled" }
        #expect(history.trades.map(\.sequence) == fills.map(\.sequence).suffix(history.trades.count))
        let realised = try history.trades.reduce(ExactDecimal.zero) { try $0 + $1.realised }
        #expect(realised == floor.account.activity("BTC-PERP")?.realised)
        #expect(history.ended.allSatisfy { $0.ending != nil })
    }
}
