import JSON
import Ledger
import Numbers
import Testing

/// What a position keeps of its own life: profits realised and fees paid since it was opened.
@Suite("The life of a position")
struct PositionLifeTests {
    private func life(_ commands: String...) throws -> (realised: String, fees: String)? {
        let bench = try Bench(TestVenue(), commands)
        #expect(Bench.bytes(of: try replay(bench.events)) == bench.bytes)
        return try bench.account().positions.first.map { ($0.realised.description, $0.fees.description) }
    }

    @Test("fees in the settlement asset are its own, of what turns it around the share")
    func fees() throws {
        let open = "fill instrument=BTC-PERP side=buy quantity=2 price=100 fee=0.5"
        var found = try #require(try life(open))
        #expect(found == ("0", "0.5"))
        found = try #require(
            try life(
                open, "fill instrument=BTC-PERP side=sell quantity=1 price=110 fee=0.25",
                "fill instrument=BTC-PERP side=sell quantity=0.5 price=110 fee=9 fee_asset=BTC"))
        #expect(found == ("15", "0.75"))
        found = try #require(
            try life(open, "fill instrument=BTC-PERP side=sell quantity=8 price=110 fee=0.4"))
        #expect(found == ("0", "0.3"))
        #expect(try life(open, "fill instrument=BTC-PERP side=sell quantity=2 price=110 fee=1") == nil)
    }

    @Test("an imported position brings its life without cash, and one of an old journal has none")
    func imported() throws {
        let command = "import_position instrument=BTC-PERP quantity=2 entry_price=100"
        #expect(try #require(try life("\(command) realised=-7.5 fees=1.25")) == ("-7.5", "1.25"))
        let bench = try Bench(TestVenue(), ["\(command) realised=-7.5 fees=1.25"])
        #expect(try bench.account().holdings.allSatisfy { $0.cash.isZero })
        #expect(try #require(try life(command)) == ("0", "0"))
        var body: [UInt8] = []
        try #require(try Bench(TestVenue(), [command]).events.last).appendBody(to: &body)
        let text = String(decoding: body, as: UTF8.self)
        #expect(!text.contains("realised") && !text.contains("fees"), "written as ever")
    }
}
