import JSON
import Ledger
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Orders and trades that the latest history does not keep any more are told out of a longer one.
@Suite("OKX orders of long ago")
struct OldOrderTests {
    @Test("an old order is found by its ids, and an old page has its rows")
    func oldOrders() async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"futures"}"#)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"1000000""#))
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"USDT":"1","BTC":"60000"}"#)
        world.addKey(
            account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase",
            permissions: [.read, .trade])
        var ids: [String] = []
        for number in 0..<1_200 {
            var order = OrderInstruction(
                instrument: "BTC-USDT-SWAP", side: number % 2 == 0 ? .buy : .sell,
                quantity: try decimal("1"), price: nil,
                terms: OrderTerms(clientID: "c\(number)", kind: .market))
            order.marginMode = .cross
            let events = try await world.trade(.place(order), for: "desk")
            ids.append(OrderID.text(try #require(events.first).sequence))
        }
        let latest = try #require(try await world.tradingHistory(of: "desk"))
        #expect(latest.ended.count < 1_200)
        let swap = "instId=BTC-USDT-SWAP"
        for query in ["ordId=\(ids[3])", "clOrdId=c3"] {
            let found = try await world.data("GET", "/api/v5/trade/order?\(swap)&\(query)")
            #expect(found.map { $0.text("ordId") } == [ids[3]])
        }
        let page = try await world.data(
            "GET", "/api/v5/trade/orders-history?instType=SWAP&after=\(ids[50])&limit=10")
        #expect(page.map { $0.text("ordId") } == Array(ids[40..<50].reversed()))
        let fills = try await world.data("GET", "/api/v5/trade/fills?ordId=\(ids[7])")
        #expect(fills.map { $0.text("clOrdId") } == ["c7"])
        let unknown = try await world.signed(
            "GET", "/api/v5/trade/order?\(swap)&clOrdId=never"
        ).json
        expect(unknown, ["code": "51603"])
    }
}
