import Ledger
import Numbers
import Testing

@Suite("Terms of instruments")
struct DefinitionTests {
    @Test func definedOnceHoweverOftenUsed() throws {
        var bench = try Bench(TestVenue(), ["open_account account=b venue=test"])
        try bench.apply("fill instrument=BTC-PERP side=buy quantity=1 price=10")
        try bench.apply("fill account=b instrument=BTC-PERP side=sell quantity=1 price=10")
        try bench.apply("set_leverage instrument=BTC-PERP leverage=3")
        try bench.apply("place_order order_id=o instrument=BTC-LOT side=buy quantity=1 price=10 force=true")
        let types = bench.events.map(\.typeName)
        #expect(types.filter { $0 == "instrument_defined" }.count == 2)
        #expect(bench.state.instruments(of: TestVenue.place).map(\.name) == ["BTC-PERP", "BTC-LOT"])
        #expect(bench.state.instruments(of: TestVenue.place).map(\.definition) == [3, 7])
    }

    @Test func aRefusedCommandDefinesNothing() throws {
        var bench = try Bench()
        #expect(
            try bench.refusal(of: "place_order order_id=o instrument=BTC-PERP side=buy quantity=1 price=1")
                != nil)
        #expect(bench.state.instruments(of: TestVenue.place).isEmpty)
        #expect(bench.state.lastSequence == 1)
    }

    /// A lot grows from 0.01 to 0.02 BTC at 5000: what is open stays as it was opened.
    @Test func changedTermsAreDefinedAnewAndOpenPositionsKeepTheirs() throws {
        var bench = try Bench(
            TestVenue(lotsChangeAt: 5000),
            [
                "open_account account=b venue=test", "fill instrument=BTC-LOT side=buy quantity=10 price=100",
                "place_order order_id=o instrument=BTC-LOT side=sell quantity=4 price=110 force=true",
            ])
        #expect(bench.state.instruments(of: TestVenue.place).map(\.definition) == [3])
        let events = try bench.apply(
            "fill account=b instrument=BTC-LOT side=buy quantity=10 price=100 at=5000")
        #expect(events.map(\.typeName) == ["instrument_defined", "filled"])
        let sizes = bench.state.instruments(of: TestVenue.place).map(\.contractValue.description)
        #expect(sizes == ["0.01", "0.02"])

        // Closing at 110: 4 × (110 − 100) × 0.01 under the old terms, × 0.02 under the new ones.
        try bench.apply("fill order_id=o instrument=BTC-LOT side=sell quantity=4 price=110 at=6000")
        try bench.apply("fill account=b instrument=BTC-LOT side=sell quantity=4 price=110 at=6000")
        #expect(try bench.account("a").cash("USD") == ExactDecimal("0.4"))
        #expect(try bench.account("b").cash("USD") == ExactDecimal("0.8"))
        // Added to under the old terms, funded under them too: −(8 × 0.01 × 100) × 0.1.
        try bench.apply("fill instrument=BTC-LOT side=buy quantity=2 price=120 at=6000")
        try bench.apply(#"prices venue=test marks={"BTC-LOT":"100"} at=6000"#)
        try bench.apply("funding instrument=BTC-LOT rate=0.1 at=6000")
        let position = try #require(
            try bench.account().position("BTC-LOT", side: .net, marginMode: .cross))
        #expect(position.instrument.contractValue == (try ExactDecimal("0.01")))
        #expect(position.quantity == ExactDecimal(8))
        #expect(position.cost == ExactDecimal(840))
        #expect(position.funding == (try ExactDecimal("-0.8")))
        // Once it is closed, the next one opens under the terms in force.
        try bench.apply("fill instrument=BTC-LOT side=sell quantity=8 price=120 at=6000")
        try bench.apply("fill instrument=BTC-LOT side=buy quantity=1 price=120 at=6000")
        #expect(try bench.account().positions.map(\.instrument.contractValue.description) == ["0.02"])
        #expect(try replayed(bench.events) == bench.bytes)
    }

    @Test func rollingBackForgetsWhatAFailedGroupDefined() throws {
        var bench = try Bench(
            TestVenue(lotsChangeAt: 5000), ["fill instrument=BTC-LOT side=buy quantity=1 price=10"])
        let before = bench.bytes
        let account = try bench.account()
        let prices = bench.state.prices(of: TestVenue.place)
        let sequence = bench.state.lastSequence

        try bench.apply("open_account account=b venue=test parent=a")
        try bench.apply("fill instrument=BTC-LOT side=sell quantity=3 price=10 at=5000")
        try bench.apply("fill account=b instrument=BTC-LOT side=sell quantity=3 price=10 at=5000")
        try bench.apply("fill instrument=BTC-PERP side=buy quantity=1 price=10 at=5000")
        try bench.apply(#"prices venue=test index={"BTC":"4"} at=5000"#)
        bench.state.restore(account)
        bench.state.remove(account: "b")
        bench.state.restore(prices: prices, of: TestVenue.place)
        bench.state.rollBack(to: sequence)
        #expect(bench.bytes == before)
        #expect(bench.state.accountCount == 1)
        #expect(bench.state.account("b") == nil)
        #expect(bench.state.subaccounts(of: "a").isEmpty)
        #expect(bench.state.instrumentTable.latest(TestVenue.place, "BTC-PERP") == nil)
        let size = bench.state.instrumentTable.latest(TestVenue.place, "BTC-LOT")?.contractValue
        #expect(size == (try ExactDecimal("0.01")))

        // And it goes on from there.
        let events = try bench.apply("fill instrument=BTC-PERP side=buy quantity=1 price=10 at=5000")
        #expect(events.map(\.sequence) == [sequence + 1, sequence + 2])
        try bench.apply("open_account account=b venue=test")
        #expect(bench.state.accountIDs == ["a", "b"])
    }

    @Test func removingAnUnknownAccountDoesNothing() throws {
        var bench = try Bench()
        let before = bench.bytes
        bench.state.remove(account: "nobody")
        #expect(bench.bytes == before)
    }
}

/// The ledger that a journal makes, as bytes, when every event goes through its written form.
func replayed(_ events: [Event]) throws -> [UInt8] {
    Bench.bytes(of: try replay(events))
}
