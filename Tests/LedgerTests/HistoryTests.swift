import JSON
import Numbers
import Testing

@testable import Ledger

/// What a history keeps, and when an answer needs a longer one.
@Suite("Trading histories")
struct HistoryTests {
    private static let start: Int64 = 1_780_272_000_000

    /// A history of market orders that were filled, one a second; the sequence of order n is 2 n + 2, of its
    /// trade 2 n + 3.
    private func history(orders: Int, isDeep: Bool = false) throws -> TradingHistory {
        let swap = Instrument(
            venue: VenueName(rawValue: "test"), name: "A-USD", kind: .perpetual, base: "A", quote: "USD",
            settle: "USD")
        var history = TradingHistory(of: "desk", isDeep: isDeep)
        func take(_ sequence: Int64, _ second: Int, _ body: EventBody) throws {
            let time = LedgerTime(milliseconds: Self.start + Int64(second) * 1000)
            try history.take(Event(sequence: sequence, at: time, account: "desk", body: body))
        }
        try take(
            1, 0,
            .accountOpened(
                AccountOpening(
                    venue: VenueName(rawValue: "test"), parent: nil, conventions: Conventions(),
                    settings: Settings())))
        for number in 0..<orders {
            let time = LedgerTime(milliseconds: Self.start + Int64(number) * 1000)
            var order = OpenOrder(
                id: "o\(number)", instrument: swap, side: number % 2 == 0 ? .buy : .sell, quantity: .one,
                price: .one, reduceOnly: false, positionSide: .net, marginMode: .cross, placedAt: time)
            order.terms = OrderTerms(kind: .market)
            try take(Int64(2 * number + 2), number, .orderPlaced(order))
            let fill = Fill(
                instrument: swap, side: order.side, quantity: .one, price: .one, fee: .zero, feeAsset: "USD",
                orderID: order.id, positionSide: .net, marginMode: .cross, leverage: .one)
            try take(Int64(2 * number + 3), number, .filled(fill))
        }
        return history
    }

    @Test("the latest of each list are kept, a deep history keeps them all")
    func kept() throws {
        let latest = try history(orders: 1_001)
        let deep = try history(orders: 1_001, isDeep: true)
        #expect(deep.ended.count == 1_001 && deep.trades.count == 1_001)
        #expect(latest.ended.count == TradingHistory.limit && latest.trades.count == TradingHistory.limit)
        #expect(latest.ended == Array(deep.ended.suffix(TradingHistory.limit)))
        #expect(latest.trades == Array(deep.trades.suffix(TradingHistory.limit)))
    }

    @Test("an answer needs a longer history exactly where rows that are gone may be on it")
    func required() throws {
        let latest = try history(orders: 1_001)
        func needs(
            _ history: TradingHistory, _ list: TradingHistory.List, since second: Int? = nil,
            from sequence: Int64? = nil
        ) -> Bool {
            let time = second.map { LedgerTime(milliseconds: Self.start + Int64($0) * 1000) }
            do {
                try history.require(list, since: time, from: sequence)
                return false
            } catch { return true }
        }
        // The last that is gone is order 500: of second 500, placed by event 1002, filled by event 1003.
        for list in [TradingHistory.List.orders, .trades] {
            #expect(needs(latest, list))
            #expect(needs(latest, list, since: 500) && !needs(latest, list, since: 501))
            #expect(!needs(latest, list, since: 0, from: 1_004) && !needs(latest, list, since: 501, from: 0))
        }
        #expect(needs(latest, .orders, from: 1_002) && !needs(latest, .orders, from: 1_003))
        #expect(needs(latest, .trades, from: 1_003) && !needs(latest, .trades, from: 1_004))
        #expect(!needs(latest, .conditionals), "nothing of these is gone")
        #expect(!needs(try history(orders: 1_000), .orders), "nothing is gone yet")
        #expect(!needs(try history(orders: 1_001, isDeep: true), .orders))
        #expect(throws: HistoryForgotten.self) { try latest.ended(placedBy: 1_002) }
        #expect(try latest.ended(placedBy: 1_004)?.order.id == "o501")
        #expect(try latest.ended(placedBy: 1_005) == nil)
    }
}
