import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

@Suite("Rehosting")
struct RehostingTests {
    /// Applies the commands to a fresh world and gives its body.
    private func rehosted(
        _ bodies: [RecordedBody], time: Int64 = 1_780_272_000_000
    ) throws -> (body: JSONValue, account: RehostedAccount) {
        let venue = try BinanceVenue(addedRulebooks: [], profile: .documented)
        let statement = try #require(try venue.statements(from: bodies, account: "desk").first)
        let result = venue.rehosted(statement, as: "copy")
        let world = BinanceWorld(venue, time: time)
        for command in result.commands { try world.apply(command) }
        return (try JSONValue(parsing: world.statement("copy")), result)
    }

    /// Fields that differ, times aside.
    private func differences(_ first: JSONValue, _ second: JSONValue) -> [String] {
        let one = leaves(of: first)
        let other = leaves(of: second)
        return Set(one.keys).union(other.keys).filter { path in
            !path.hasSuffix("updateTime") && one[path] != other[path]
        }.sorted()
    }

    @Test("a generated account, moved into a fresh ledger, answers the same", arguments: 1...120)
    func sameBody(_ seed: Int) async throws {
        let account = try GeneratedAccount(seed: UInt64(seed))
        let bodies = try await recordedBodies(account.world)
        let (body, result) = try rehosted(bodies)
        let differences = differences(try account.world.body(), body)
        #expect(differences.isEmpty, "seed \(seed): \(differences)\n\(result.commands)")
        #expect(result.commands.first?.contains("open_account") == true)
        #expect(!result.assumptions.isEmpty)
    }

    @Test("from the account alone: what is missing is said")
    func accountAlone() async throws {
        let world = try binanceWorld(commands: [
            marks(#""BTCUSDT":"61234.5678""#), deposit("USDT", "10000"),
            importPosition("BTCUSDT", "0.5", "60000", #","leverage":"20""#),
            order("b", "BTCUSDT", "buy", "0.1", "60500"),
        ])
        let bodies = try await recordedBodies(world).filter { $0.call == "account" }
        let (body, result) = try rehosted(bodies)
        #expect(result.assumptions.contains { $0.contains("do not name the asset mode") })
        #expect(result.assumptions.contains { $0.contains("Open orders are not in the answers") })
        #expect(result.assumptions.contains { $0.contains("the leverage of BTCUSDT") })
        // The mark is implied by the notional, the entry price by the profit.
        let position = try body.position("BTCUSDT")
        expect(position, [("notional", "30617.28390000"), ("unrealizedProfit", "617.28390000")])
    }

    @Test("what the rulebook does not know is left out, and said")
    func unknownNames() throws {
        let body = recordedBody(
            "account",
            """
            {"assets":[{"asset":"WOOF","walletBalance":"5"},{"asset":"USDT","walletBalance":"-12.5"}],\
            "positions":[{"symbol":"WOOFUSDT","positionSide":"BOTH","positionAmt":"3","notional":"1"}]}
            """)
        let (other, result) = try rehosted([body])
        #expect(result.assumptions.contains { $0.contains("does not know WOOF;") })
        #expect(result.assumptions.contains { $0.contains("does not know WOOFUSDT") })
        #expect(try other.asset("USDT").string("walletBalance") == "-12.50000000")
    }

    @Test("an answer that cannot be read gives no commands")
    func unreadable() throws {
        let venue = try BinanceVenue(addedRulebooks: [], profile: .documented)
        let statement = Statement(
            venue: BinanceVenue.name, account: "desk", mode: "", takenAt: 0, bodies: [])
        #expect(venue.rehosted(statement, as: "copy").commands.isEmpty)
        #expect(venue.audit(statement, rulesAt: LedgerTime(milliseconds: 0)).isEmpty)
    }
}
