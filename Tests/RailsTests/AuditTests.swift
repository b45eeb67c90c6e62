import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

@Suite("Audit")
struct AuditTests {
    private func findings(
        _ bodies: [RecordedBody], by venue: RailsVenue? = nil
    ) throws -> [String: AuditFinding] {
        let venue = try venue ?? reader()
        let statement = try #require(try venue.statements(from: bodies, account: "main").first)
        let found = venue.audit(statement, rulesAt: LedgerTime(milliseconds: 1_780_272_000_000))
        return Dictionary(found.map { ($0.field, $0) }) { first, _ in
            Issue.record("\(first.field) twice")
            return first
        }
    }

    private typealias Expected = [(field: String, verdict: AuditFinding.Verdict, residual: String?)]

    private func expect(_ found: [String: AuditFinding], _ expected: Expected) {
        for (field, verdict, residual) in expected {
            #expect(found[field]?.verdict == verdict, "\(field)")
            if let residual { #expect(found[field]?.residual?.description == residual, "\(field)") }
        }
    }

    /// Row by row.
    @Test func givenSample() throws {
        let found = try findings([recorded("balances", Samples.balances)])
        expect(
            found,
            [
                ("totalBalance", .rounding, "-0.00000001"), ("availableBalance", .matches, "0"),
                ("fees", .contradicts, "-36.21987001"), ("pnl", .contradicts, "-406.23976"),
                ("funding", .contradicts, "114.56199468"), ("volume", .contradicts, "-36219.87001"),
                ("margin", .contradicts, "6697111.8257421110023337"),
                ("maintenanceMargin", .contradicts, "460697.91761654"), ("leverage", .notDerivable, nil),
                ("marketBalancesMap.BTC-USD.pnl", .matches, "0"),
                ("marketBalancesMap.ETH-USD.pnl", .matches, "0"),
                ("marketBalancesMap.BTC-USD.funding", .matches, "0"),
                ("marketBalancesMap.ETH-USD.funding", .matches, "0"),
                ("marketBalancesMap.BTC-USD.margin", .contradicts, nil),
                ("marketBalancesMap.ETH-USD.margin", .contradicts, nil),
                ("marketBalancesMap.BTC-USD.maintenanceMargin", .contradicts, nil),
                ("marketBalancesMap.ETH-USD.maintenanceMargin", .contradicts, nil),
                ("marketBalancesMap.BTC-USD.liquidationPrice", .notDerivable, nil),
                ("marketBalancesMap.ETH-USD.liquidationPrice", .notDerivable, nil),
                ("marketBalancesMap.BTC-USD.openBuy", .notDerivable, nil),
            ])
        #expect(
            found["margin"]?.remark == "It is 1000.0000000001213844 from the sum of the markets' margins.")
        for market in ["BTC-USD", "ETH-USD"] {
            let remark = found["marketBalancesMap.\(market).maintenanceMargin"]?.remark
            #expect(remark == "It is position + orders that add to it + 0.1 % of all orders.")
        }
        #expect(found["availableBalance"]?.inputs.map(\.value) == ["99996952.15429778", "475598.23267999"])
        #expect(found["totalBalance"]?.unitsInLastPlace == 1)
        #expect(found.values.filter { $0.verdict == .hidden }.isEmpty)
    }

    /// Worked out by hand in `laterRules` of the figures' tests.
    @Test func laterRules() async throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("deposit", #""asset":"USD","amount":"10000""#),
                desk("configure", #""settings":{"leverage":"2"}"#),
                desk("set_leverage", #""instrument":"ETH-USD","leverage":"5""#),
                fill("BTC-USD", "buy", "0.1", "60000", fee: "6"),
                fill("ETH-USD", "sell", "2", "3000", fee: "6"),
                order("b1", "BTC-USD", "buy", "0.01", "59000"), mark("BTC-USD", "61000"),
                mark("ETH-USD", "3050"),
            ])
        // The body itself shows that it is of the later form, whatever the reader speaks.
        let found = try findings(try await world.recorded(deskKey))
        let place = "balances"
        expect(
            found,
            [
                ("\(place).totalBalance", .matches, "0"), ("\(place).margin", .matches, "0"),
                ("\(place).maintenanceMargin", .matches, "0"),
                ("\(place).availableBalance", .hidden, "-295"),
                ("\(place).marketBalancesMap.ETH-USD.margin", .matches, "0"),
                ("\(place).marketBalancesMap.ETH-USD.maintenanceMargin", .matches, "0"),
                ("\(place).marketBalancesMap.ETH-USD.liquidationPrice", .matches, "0"),
                ("\(place).marketBalancesMap.BTC-USD.openBuy", .matches, "0"),
                ("positions positions[0].unrealizedPnl", .matches, "0"),
            ])
        #expect(found["\(place).marketBalancesMap.ETH-USD.margin"]?.inputs.last?.value == "5")
    }

    @Test func oddities() throws {
        let body = Samples.balances
            .replacing(#""positionPnl": "406.2397599999995""#, with: #""positionPnl": null"#)
            .replacing(#""leverage": "1""#, with: #""leverage": "0""#)
            .replacing(#""withdraw": "879.12""#, with: #""withdraw": "all of it""#)
        let found = try findings([recorded("balances", body)])
        expect(
            found,
            [
                ("pnl", .notDerivable, nil), ("margin", .notDerivable, nil),
                ("totalBalance", .notDerivable, nil),
                ("marketBalancesMap.ETH-USD.pnl", .notDerivable, nil),
            ])
        #expect(found["totalBalance"]?.remark == "withdraw is all of it.")
        let other = Statement(
            venue: RailsVenue.name, account: "x", mode: "", takenAt: 0,
            bodies: [recorded("balances", "<html>")])
        #expect(try reader().audit(other, rulesAt: LedgerTime(milliseconds: 0)).isEmpty)
    }

    /// Prices move between two answers; that is no contradiction.
    @Test func moments() async throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"10000""#), fill("BTC-USD", "buy", "0.1", "60000"),
        ])
        var bodies = try await world.recorded(deskKey)
        try world.apply(mark("BTC-USD", "61000"))
        let prices = try #require(try await world.recorded(deskKey).first { $0.call == "market-data" })
        bodies[3] = prices
        let field = "positions positions[0].unrealizedPnl"
        #expect(try findings(bodies)[field]?.verdict == .contradicts)
        bodies[3] = RecordedBody(call: prices.call, bytes: prices.bytes, takenAt: prices.takenAt + 50)
        #expect(try findings(bodies)[field]?.verdict == .notDerivable)
    }

    /// More orders than a page holds can only add.
    @Test func fullPage() async throws {
        let world = try railsWorld(commands: [desk("deposit", #""asset":"USD","amount":"1000000""#)])
        for number in 1...101 { try world.apply(order("o\(number)", "BTC-USD", "buy", "0.01", "50000")) }
        let found = try findings(try await world.recorded(deskKey))
        #expect(found["marketBalancesMap.BTC-USD.openBuy"]?.verdict == .hidden)
        #expect(found["marketBalancesMap.BTC-USD.openBuy"]?.residual?.description == "500")
        #expect(found["marketBalancesMap.BTC-USD.openSell"]?.verdict == .matches)
    }

    @Test(arguments: 1...120)
    func ownBodies(seed: Int) async throws {
        for profile in WireProfile.allCases {
            let world = try madeWorld(seed: seed, profile)
            let all = try await world.recorded(deskKey)
            // Nothing but the positions tells that one is isolated.
            let isCross = world.account("desk")?.positions.allSatisfy { $0.marginMode == .cross } == true
            let parts = [[all[0], all[1]]] + (isCross ? [[all[0]], [all[0], all[2]]] : [])
            for bodies in [all] + parts {
                let found = try findings(bodies, by: world.model)
                for finding in found.values {
                    #expect(
                        finding.verdict != .contradicts,
                        "\(finding.field) \(finding.reported) ≠ \(finding.expected), seed \(seed), \(profile)"
                    )
                }
                if bodies.count < all.count { continue }
                // With every answer, nothing but the setting and what orders hold back is left open.
                for finding in found.values where finding.verdict == .notDerivable {
                    // Made-up fees are of no rate.
                    let isFee = finding.field.hasPrefix("completed-orders ")
                    #expect(
                        isFee || finding.field.hasSuffix("leverage"), "\(finding), seed \(seed), \(profile)")
                }
                for finding in found.values where finding.verdict == .hidden {
                    #expect(finding.field == "balances.availableBalance", "\(finding), seed \(seed)")
                }
            }
        }
    }
}
