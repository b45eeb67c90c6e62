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

@Suite("Reading")
struct ReadingTests {
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
        // Rails returns no equity: nothing is made up for it.
        #expect(statement.figures[.equity] == nil)
        #expect(statement.positions.map(\.instrument) == ["BTC-USD", "ETH-USD"])
        let bitcoin = statement.positions[0].figures
        #expect(bitcoin[.quantity]?.value.text == "7")
        #expect(bitcoin[.quantity]?.unit == "BTC")
        #expect(bitcoin[.notional]?.field == "marketBalancesMap.BTC-USD.position")
        #expect(bitcoin[.liquidationPrice]?.value.text == "126380.268279734335477455")
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
            statement.positions[1].figures[.initialMargin]?.value == .unheld(text: "7.0000000000000000001"))
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
        #expect(position.figures[.unrealisedProfit]?.value.text == "198")
        #expect(position.figures[.markPrice]?.value.text == "2950.5")
        #expect(position.figures[.markPrice]?.field == "market-data [1].value")
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
            #expect(bodies.map(\.call) == ["balances", "positions", "open-orders", "market-data"])
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
            for figure in ([statement.figures] + statement.positions.map(\.figures)).flatMap(\.all) {
                #expect(found.first { $0.path == figure.field }?.value == figure.value, comment)
            }
        }
    }
}
