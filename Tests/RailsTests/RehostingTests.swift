import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

@Suite("Rehosting")
struct RehostingTests {
    /// A fresh ledger with the account, and what was assumed.
    private func rehosted(
        _ bodies: [RecordedBody], _ profile: WireProfile = .documented
    ) throws -> (world: RailsWorld, result: RehostedAccount) {
        let venue = try RailsVenue(addedRulebooks: [], profile: profile)
        let statement = try #require(try venue.statements(from: bodies, account: "main").first)
        let result = venue.rehosted(statement, as: "desk")
        let world = RailsWorld(venue)
        for command in result.commands {
            do { try world.apply(command) } catch { Issue.record("\(command): \(error)") }
        }
        world.addKey(account: "desk", apiKey: "desk-key", secret: "desk-secret")
        return (world, result)
    }

    /// Fields that differ between two lots of answers, times aside.
    private func differences(_ first: [RecordedBody], _ second: [RecordedBody]) throws -> [String] {
        func leaves(_ bodies: [RecordedBody]) throws -> [String: String] {
            var found: [String: String] = [:]
            // Fills and fundings of the past are made up.
            for body in bodies where !["completed-orders", "fundings"].contains(body.call) {
                for (path, value) in try ReportedObject(parsing: body, name: body.call).leaves {
                    found[path] = value.shown
                }
            }
            return found.filter { !$0.key.hasSuffix("createdAt") && !$0.key.hasSuffix("updatedAt") }
        }
        let (one, other) = (try leaves(first), try leaves(second))
        return Set(one.keys).union(other.keys).filter { one[$0] != other[$0] }
            .map { "\($0): \(one[$0] ?? "absent"), then \(other[$0] ?? "absent")" }.sorted()
    }

    @Test("A generated account, moved into a fresh ledger, answers the same", arguments: 1...150)
    func sameAnswers(seed: Int) async throws {
        for profile in WireProfile.allCases {
            let bodies = try await madeWorld(seed: seed, profile).recorded(deskKey)
            let (world, result) = try rehosted(bodies, profile)
            let again = try await world.recorded(deskKey)
            // What isolated positions have earned is counted before they were opened.
            let hasIsolated = result.commands.contains { $0.contains("import_position") }
            let differences = try differences(bodies, again).filter { difference in
                // The prices of markets that the account has nothing of are not its own.
                !difference.hasPrefix("market-data ")
                    && !(hasIsolated
                        && ["realizedPnl:", "olume:"].contains { difference.contains($0) })
            }
            #expect(differences.isEmpty, "seed \(seed), \(profile): \(differences)\n\(result)")
            #expect(result.commands.first?.contains("open_account") == true)
            #expect(
                !result.assumptions.contains {
                    !hasIsolated && $0.contains("volume") || $0.contains("raised")
                })
        }
    }

    @Test("Liquidation fees, credit, losses within a position and costs that no price gives")
    func partsOfAPosition() async throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100000""#),
            desk("credit", #""asset":"USD","amount":"25.5","purpose":"promo""#),
            fill("ETH-USD", "buy", "2", "3000", fee: "6"),
            desk(
                "fill",
                #""instrument":"ETH-USD","side":"sell","quantity":"1","price":"500","fee":"1.25","#
                    + #""liquidation":true"#),
            fill("ETH-USD", "buy", "2", "3000.5", fee: "6"),
            desk("funding", #""instrument":"ETH-USD","amount":"-3.25""#),
            fill("BTC-USD", "sell", "0.7", "60000"), fill("BTC-USD", "sell", "0.1", "61000"),
            fill("BTC-USD", "buy", "0.1", "20000"),
            order("a", "BTC-USD", "buy", "0.2", "50000"),
            order("b", "BTC-USD", "buy", "0.1", "55000", #""reduce_only":true"#),
            mark("BTC-USD", "59000"), mark("ETH-USD", "2990.5"),
        ])
        let bodies = try await world.recorded(deskKey)
        let (copy, _) = try rehosted(bodies)
        #expect(try differences(bodies, try await copy.recorded(deskKey)).isEmpty)
    }

    /// The sale of one coin at an odd price closes a half and opens another, both rounded by themselves: what
    /// was traded is odd in the eighteenth place, and what was earned is not.
    @Test("A volume that is odd in the last place is kept, with fees and with a position after it")
    func oddVolume() async throws {
        let odd = "100.000000000000000001"
        for rest in [[], [fill("BTC-USD", "buy", "0.3", "101.7")]] {
            let world = try railsWorld(
                commands: [
                    desk("deposit", #""asset":"USD","amount":"1000""#),
                    fill("BTC-USD", "buy", "0.5", "100", fee: "0.25"), fill("BTC-USD", "sell", "1", odd),
                    fill("BTC-USD", "buy", "0.5", "90"), mark("BTC-USD", "100"),
                ] + rest)
            let bodies = try await world.recorded(deskKey)
            #expect(bodies.contains { String(decoding: $0.bytes, as: UTF8.self).contains("000001") })
            let (copy, result) = try rehosted(bodies)
            #expect(try differences(bodies, try await copy.recorded(deskKey)).isEmpty)
            #expect(!result.assumptions.contains { $0.contains("volume") })
        }
    }

    @Test("Leverages of markets by the later rules, and margins raised by hand")
    func leverages() async throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("deposit", #""asset":"USD","amount":"10000""#),
                desk("configure", #""settings":{"leverage":"2"}"#),
                desk("set_leverage", #""instrument":"ETH-USD","leverage":"5""#),
                fill("BTC-USD", "buy", "0.1", "60000", fee: "6"), fill("ETH-USD", "sell", "2", "3000"),
                fill("SOL-USD", "sell", "7", "150.3"), order("b1", "BTC-USD", "buy", "0.01", "59000"),
                mark("BTC-USD", "61000"), mark("ETH-USD", "3050.1"), mark("SOL-USD", "149.9"),
            ])
        for raised in [false, true] {
            if raised { try world.apply(desk("raise", #""flag":"margin","value":"777.5""#)) }
            let bodies = try await world.recorded(deskKey)
            let (copy, result) = try rehosted(bodies, .live)
            #expect(try copy.statement("desk") == world.statement("desk"))
            #expect(result.assumptions.contains { $0.contains("leverage of ETH-USD") })
            #expect(result.assumptions.contains { $0.contains("raised by hand") } == raised)
        }
    }

    @Test("The given page alone: sides, margins and totals that contradict their rows are said")
    func givenSample() throws {
        let bodies = [recorded("balances", Samples.balances)]
        let (world, result) = try rehosted(bodies)
        let body = try world.balances()
        let given = try JSONValue(parsing: Samples.balances)
        for field in ["deposit", "withdraw", "withdrawFees", "leverage", "promoCredit", "margin"] {
            #expect(body[field] == given[field], "\(field)")
        }
        #expect(body["maintenanceMargin"] == given["maintenanceMargin"])
        for market in ["BTC-USD", "ETH-USD"] {
            for field in [
                "position", "positionQuantity", "openBuy", "openBuyQty", "openSell", "openSellQty", "pnl",
                "positionPnl", "funding", "positionFunding", "volume", "fees", "liquidationFees",
            ] {
                #expect(
                    try body.market(market)[field] == given.market(market)[field], "\(market) \(field)")
            }
        }
        for part in [
            "the side of BTC-USD", "the index price of BTC-USD", "account's fees", "account's pnl",
            "account's funding", "account's volume", "account's margin", "account's maintenanceMargin",
            "Open orders that no answer lists",
        ] {
            #expect(result.assumptions.contains { $0.contains(part) }, "\(part)")
        }
    }

    @Test("What the rulebook does not know and what is no amount is left out, and said")
    func oddities() throws {
        let body = """
            {"totalBalance":"5","deposit":"word","leverage":"2.5","marketBalancesMap":{\
            "WOOF-USD":{"position":"5","positionQuantity":"1"},\
            "BTC-USD":{"position":"x","positionQuantity":"1","volume":"3"}}}
            """
        let (world, result) = try rehosted([recorded("balances", body)])
        #expect(world.account("desk")?.positions.isEmpty == true)
        for part in [
            "does not know WOOF-USD", "are no amounts", "none that can be set", "BTC-USD is no number",
        ] {
            #expect(result.assumptions.contains { $0.contains(part) }, "\(part): \(result.assumptions)")
        }
    }

    @Test("An answer that cannot be read gives no commands")
    func unreadable() throws {
        let statement = Statement(
            venue: RailsVenue.name, account: "main", mode: "", takenAt: 0, bodies: [])
        #expect(try reader().rehosted(statement, as: "desk").commands.isEmpty)
    }

    @Test("Lots cost exactly what they are to cost", arguments: 1...200)
    func lots(seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let quantity = try ExactDecimal(
            numbers.decimal(upTo: 9_000_000, places: Int.random(in: 0...6, using: &numbers)))
        let cost = try ExactDecimal(numbers.decimal(upTo: 9_000_000_000_000_000, places: 12))
        for isSplit in [false, true] {
            let lots = Lot.lots(quantity: quantity, cost: cost, isSplit: isSplit)
            #expect(try lots.map(\.quantity).sum() == quantity, "seed \(seed)")
            #expect(try lots.map { try $0.quantity.times($0.price, rounding: .halfEven) }.sum() == cost)
            #expect(!isSplit || lots.count == 2)
        }
    }
}
