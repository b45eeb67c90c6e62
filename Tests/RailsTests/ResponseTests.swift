import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

let deskKey = Credentials(apiKey: "desk-key", secret: "desk-secret", passphrase: nil)

func recorded(_ call: String, _ text: String, at time: Int64 = 1_780_272_000_000) -> RecordedBody {
    RecordedBody(call: call, bytes: Array(text.utf8), takenAt: time)
}

/// A venue that reads; whichever form it serves is of no matter.
func reader() throws -> RailsVenue {
    try RailsVenue(addedRulebooks: [], profile: .documented)
}

@Suite("Responses")
struct ResponseTests {
    private func statement(_ bodies: RecordedBody...) throws -> Statement {
        try #require(try reader().statements(from: bodies, account: "main").first)
    }

    @Test func givenSample() throws {
        let statement = try statement(recorded("balances", Samples.balances))
        #expect(statement.drift.isEmpty)
        let expected: [(CommonFigure, String, String)] = [
            (.wallet, "totalBalance", "99996952.15429778"),
            (.available, "availableBalance", "99521353.92161779"),
            (.initialMargin, "margin", "7261788.9945241110003337"),
            (.maintenanceMargin, "maintenanceMargin", "475598.23267999"), (.leverage, "leverage", "1"),
        ]
        for (name, field, text) in expected {
            let figure = try #require(statement.figures[name])
            #expect(figure.field == field)
            #expect(figure.value == .number(try ExactDecimal(text), text: text))
        }
        // Rails returns no equity, and these positions' profit is in no answer: nothing is made up for it.
        #expect(statement.figures[.equity]?.value == .absent)
        #expect(statement.figures[.equity]?.lack.contains("BTC-USD") == true)
        #expect(statement.positions.map(\.instrument) == ["BTC-USD", "ETH-USD"])
        let bitcoin = statement.positions[0].figures
        #expect(bitcoin[.quantity]?.value.text == "7")
        #expect(bitcoin[.quantity]?.unit == "BTC")
        #expect(bitcoin[.notional]?.field == "marketBalancesMap.BTC-USD.position")
        #expect(bitcoin[.liquidationPrice]?.value.text == "126380.268279734335477455")
        // 467782.520726 ÷ 7.
        #expect(bitcoin[.entryPrice]?.value.text == "66826.074389428571428571")
        #expect(bitcoin[.entryPrice]?.isDerived == true)
        #expect(statement.positions[0].side == .net)
    }

    /// The older form: wrapped, without `promoCredit`.
    @Test func wrapped() throws {
        let old = Samples.balances.replacing(#"  "promoCredit": "0","#, with: "")
        let statement = try statement(recorded("balances", #"{"balances":\#(old)}"#))
        #expect(statement.drift.isEmpty)
        #expect(statement.figures[.wallet]?.field == "balances.totalBalance")
        #expect(
            statement.positions[1].figures[.quantity]?.field
                == "balances.marketBalancesMap.ETH-USD.positionQuantity")
    }

    @Test func oddities() throws {
        let body = Samples.balances
            .replacing(#""leverage": "1""#, with: #""leverage": 1, "marginUsed": "5""#)
            .replacing(#""openSell": "0","#, with: "")
            .replacing(#""margin": "762320.7471059860003337""#, with: #""margin": "7.0000000000000000001""#)
        let statement = try statement(recorded("balances", body), recorded("positions", "<html>"))
        #expect(
            Set(statement.drift) == [
                FieldDrift(.retyped, path: "balances leverage", example: "1"),
                FieldDrift(.new, path: "balances marginUsed", example: "5"),
                FieldDrift(.lost, path: "balances marketBalancesMap.*.openSell", example: ""),
                FieldDrift(.retyped, path: "positions", example: "no JSON"),
            ])
        #expect(statement.figures.number(.leverage) == .one)
        #expect(
            statement.positions[1].figures[.initialMargin]?.value
                == .outOfRange(text: "7.0000000000000000001"))
    }

    @Test(arguments: ["", "[]", "{}", #"{"message":"Unauthorized"}"#, #"{"balances":{}}"#, "<html>"])
    func unreadable(body: String) throws {
        let error = try #require(throws: ReadingError.self) { try statement(recorded("balances", body)) }
        #expect(error.kind == .unreadable)
        #expect(throws: ReadingError.self) { try statement(recorded("positions", Samples.balances)) }
    }

    /// What the given form prints without a sign has its side from the positions.
    @Test func sides() async throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100000""#), fill("ETH-USD", "sell", "4", "3000"),
            mark("ETH-USD", "2950.5"), order("o", "BTC-USD", "buy", "1", "50000"),
        ])
        let statements = try world.model.statements(
            from: try await world.recorded(deskKey), account: "main")
        let position = try #require(statements.first?.positions.first)
        #expect(statements[0].positions.count == 1)
        #expect(position.side == .short)
        #expect(position.figures[.quantity]?.value.text == "4")
        #expect(position.figures[.unrealizedProfit]?.value.text == "198")
        #expect(position.figures[.markPrice]?.value.text == "2950.5")
        #expect(position.figures[.markPrice]?.field == "market-data [1].value")
        #expect(position.figures[.entryPrice]?.value.text == "3000")
        #expect(statements[0].figures[.equity]?.value.text == "100198")
        #expect(statements[0].pools.isEmpty)
        // Without the prices, the mark follows from value and profit: (−12000 + 198) ÷ −4.
        let unpriced = try world.model.statements(
            from: try await world.recorded(deskKey).filter { $0.call != "market-data" }, account: "main")
        #expect(unpriced[0].positions[0].figures[.markPrice]?.value.text == "2950.5")
        #expect(unpriced[0].positions[0].figures[.markPrice]?.isDerived == true)
    }

    /// An isolated position is worth something and is a pool of its own.
    @Test(arguments: WireProfile.allCases)
    func pools(profile: WireProfile) async throws {
        let world = try railsWorld(
            profile,
            commands: [
                desk("deposit", #""asset":"USD","amount":"10000""#),
                desk("set_margin_mode", #""instrument":"BTC-USD","margin_mode":"isolated""#),
                desk("configure", #""settings":{"leverage":"3"}"#), fill("BTC-USD", "buy", "0.1", "60000"),
                fill("ETH-USD", "sell", "1", "3000"), mark("BTC-USD", "59000"), mark("ETH-USD", "3100"),
            ])
        let statement = try #require(
            try world.model.statements(from: try await world.recorded(deskKey), account: "main").first)
        #expect(statement.figures.number(.equity) == ExactDecimal(9800))
        #expect(statement.positions.map(\.marginMode) == [.isolated, .cross])
        #expect(statement.pools.map(\.name) == ["cross", "BTC-USD"])
        #expect(statement.pools.map(\.equity.value.text) == ["7900", "1900"])
        let maintenance = profile == .live ? ["310", "590"] : ["90", "180"]
        #expect(statement.pools.map(\.maintenance.value.text) == maintenance)
    }

    /// Nothing odd in an answer stops reading, auditing or rehosting.
    @Test(arguments: 0..<300)
    func damage(place: Int) async throws {
        let world = try madeWorld(seed: place % 6 + 1, place % 2 == 0 ? .live : .documented)
        var bodies = try await world.recorded(deskKey)
        let call = place % bodies.count
        let value = try JSONValue(parsing: bodies[call].bytes).damaged(at: place / 2, by: place)
        bodies[call] = recorded(bodies[call].call, value.description)
        // Only what is no balance at all cannot be read.
        guard let statements = try? world.model.statements(from: bodies, account: "main") else {
            #expect(call == 0)
            return
        }
        _ = world.model.audit(statements[0], rulesAt: world.ledgerTime())
        for command in world.model.rehosted(statements[0], as: "copy").commands {
            _ = try Command(decoding: try JSONValue(parsing: command))
        }
    }

    @Test(arguments: 1...60)
    func losesNothing(seed: Int) async throws {
        for profile in WireProfile.allCases {
            let world = try madeWorld(seed: seed, profile)
            let bodies = try await world.recorded(deskKey)
            #expect(
                bodies.map(\.call) == [
                    "balances", "positions", "open-orders", "market-data", "completed-orders", "fundings",
                ])
            let statements = try world.model.statements(from: bodies, account: "main")
            let comment = Comment(rawValue: "seed \(seed), \(profile)")
            #expect(statements.count == 1, comment)
            let statement = statements[0]
            #expect(statement.bodies == bodies && statement.drift.isEmpty, comment)
            #expect(statement.positions.count == world.account("desk")?.positions.count, comment)
            for (path, value) in try ReportedObject(parsing: bodies[0]).leaves {
                #expect(value.number == (try ExactDecimal(value.text)), "\(path), seed \(seed)")
            }
            let found = try bodies.flatMap { body in
                try ReportedObject(parsing: body, name: body.call == "balances" ? "" : body.call).leaves
            }
            for figure in ([statement.figures] + statement.positions.map(\.figures)).flatMap(\.all)
            where !figure.isDerived {
                #expect(found.first { $0.path == figure.field }?.value == figure.value, comment)
            }
        }
    }
}
