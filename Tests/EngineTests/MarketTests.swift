import Engine
import JSON
import Journal
import Ledger
import Testing
import Venue
import VenueTestSupport

@Suite("The market after a restart")
struct MarketTests {
    @Test("is read from the journal once somebody asks, and goes on with what comes")
    func restart() async throws {
        let folder = try TemporaryFolder()
        let first = try await engine(try openJournal(folder.location))
        func give(_ price: String, to engine: LedgerEngine) async throws {
            try await engine.submit(
                try Command(
                    decoding: try JSONValue(
                        parsing: #"{"type":"quotes","venue":"testing","quotes":{"BTC-PERP":"#
                            + #"{"last":"\#(price)","quantity":"1"}}}"#)))
        }
        for price in 1...1_200 { try await give("\(price)", to: first) }
        await first.stop()

        let second = try await engine(try openJournal(folder.location))
        let access = second.access(for: TestVenue.name)
        #expect(!access.market.isRead && access.market.durable == 1_200)
        try await give("5000", to: second)
        #expect(access.market.sequence == 0 && access.market.durable == 1_201)
        let known = try await access.marketHistory().sequence
        #expect(known == 1_201)
        #expect(access.market.isRead)
        try await give("6000", to: second)
        #expect(access.market.sequence == 1_202)
        #expect(
            try await access.marketEvents(after: 1_199, limit: 10).map(\.sequence) == [1_200, 1_201, 1_202])
        #expect(try await access.marketEvents(after: 1_202, limit: 10).isEmpty)
        await second.stop()
    }
}
