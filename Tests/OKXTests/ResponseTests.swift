import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// Everything that the venue answers to a key of the account `desk`, as a desk would have recorded it.
func recordedBodies(_ world: TestWorld<OKXVenue>) async throws -> [RecordedBody] {
    world.addKey(
        account: "desk", apiKey: "reader", secret: "reader-secret", passphrase: "reader-phrase")
    return try await world.recorded(
        Credentials(apiKey: "reader", secret: "reader-secret", passphrase: "reader-phrase"))
}

/// One answer as it stands in a test.
func recordedBody(_ call: String, _ text: String) -> RecordedBody {
    RecordedBody(call: call, bytes: Array(text.utf8), takenAt: 1_780_272_000_000)
}

@Suite("Responses")
struct ResponseTests {
    private func statement(_ bodies: [RecordedBody]) throws -> Statement {
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        let statements = try venue.statements(from: bodies, account: "desk")
        #expect(statements.count == 1)
        return try #require(statements.first)
    }

    @Test("multi-currency mode: the account in USD, each currency in its own unit")
    func multi() async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"multi"}"#)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"59990","USDT":"1.0002"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("deposit", #""asset":"BTC","amount":"0.5""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"10","price":"61000""#))
        let statement = try statement(try await recordedBodies(world))
        #expect(statement.venue == OKXVenue.name && statement.mode == "multi")
        #expect(statement.takenAt == world.realTime() && statement.venueTime == world.realTime())
        #expect(statement.bodies.map(\.call) == ["balance", "positions", "config", "open-orders"])
        #expect(statement.drift.isEmpty, "\(statement.drift)")
        #expect(statement.figures[.equity]?.field == "data[0].totalEq")
        #expect(statement.figures[.available]?.unit == "USD")
        #expect(statement.figures[.marginRatio]?.unit == "ratio")
        let btc = try #require(statement.assets.first { $0.asset == "BTC" })
        #expect(btc.figures[.wallet]?.value == .number(try ExactDecimal("0.5"), text: "0.5"))
        #expect(btc.figures[.initialMargin]?.value == .empty)
        #expect(btc.figures[.debt]?.value == .number(.zero, text: "0"))
        #expect(btc.figures[.collateral]?.unit == "USD")
        #expect(btc.figures[.available]?.field.hasSuffix(".availEq") == true)
        let position = try #require(statement.positions.first)
        #expect(position.instrument == "BTC-USDT-SWAP" && position.marginMode == .cross)
        #expect(position.figures[.quantity]?.value.text == "-10")
        #expect(position.figures[.quantity]?.unit == "contracts")
        #expect(position.figures[.unrealizedProfit]?.unit == "USDT")
        #expect(position.figures[.initialMargin]?.isShared == false)
        #expect(position.figures[.entryPrice]?.field == "positions data[0].avgPx")
    }

    @Test(
        "the mode is the configuration's, or the one whose fields are filled", arguments: AccountMode.allCases
    )
    func modes(_ mode: AccountMode) async throws {
        let world = try PropertyTests.generate(3, mode: mode)
        let bodies = try await recordedBodies(world)
        let whole = try statement(bodies)
        #expect(whole.mode == mode.rawValue)
        let alone = try statement(bodies.filter { $0.call == "balance" })
        #expect(alone.mode == mode.rawValue)
        #expect(alone.positions.isEmpty)
        let available = whole.assets.first?.figures[.available]?.field ?? ""
        #expect(available.hasSuffix(mode == .spot ? ".availBal" : ".availEq"))
        for position in whole.positions where mode == .portfolio && position.marginMode == .cross {
            #expect(position.figures[.initialMargin]?.isShared == true)
            #expect(position.figures[.initialMargin]?.unit == "USD")
        }
        let unknown = recordedBody("config", #"{"code":"0","data":[{"acctLv":"9"}],"msg":""}"#)
        #expect(try statement([bodies[0], unknown]).mode == "acctLv 9")
    }

    @Test("what is absent, empty, null, zero or odd stays so, and is drift where it is none of the venue's")
    func states() throws {
        let body = recordedBody(
            "balance",
            #"""
            {"code":"0","data":[{"totalEq":12.50,"adjEq":"","availEq":null,"imr":"0","mmr":"5.1e-09",
            "mgnRatio":"1e40","uTime":"1705474164160","details":[{"ccy":"BTC","eq":"0.1",
            "collateralEnabled":"true","coinUsdPrice":"60000"}],"bonus":"1"}],"msg":""}
            """#)
        let statement = try statement([body])
        let figures = statement.figures
        #expect(statement.venueTime == 1_705_474_164_160)
        #expect(figures[.equity]?.value == .number(try ExactDecimal("12.5"), text: "12.50"))
        #expect(figures[.collateral]?.value == .empty)
        #expect(figures[.available]?.value == .null)
        #expect(figures[.initialMargin]?.value == .number(.zero, text: "0"))
        #expect(figures[.maintenanceMargin]?.value.number == (try ExactDecimal("0.0000000051")))
        #expect(figures[.marginRatio]?.value == .outOfRange(text: "1e40"))
        #expect(figures[.unrealizedProfit]?.value == .absent)
        #expect(statement.assets.first?.figures[.index]?.value.number == ExactDecimal(60000))
        let drift = Set(statement.drift)
        #expect(drift.contains(FieldDrift(.retyped, path: "balance data[].totalEq", example: "12.50")))
        #expect(drift.contains(FieldDrift(.new, path: "balance data[].bonus", example: "1")))
        #expect(drift.contains(FieldDrift(.lost, path: "balance data[].details[].cashBal", example: "")))
        #expect(
            drift.contains(
                FieldDrift(.retyped, path: "balance data[].details[].collateralEnabled", example: "true")))
    }

    @Test(
        "what is no balance of the venue throws",
        arguments: [
            "", "<html>", "[]", #"{"code":"50113","msg":"Invalid Sign"}"#, #"{"code":"0","data":[]}"#,
            #"{"code":"0","data":["x"]}"#,
        ])
    func unreadable(_ text: String) throws {
        #expect(throws: ReadingError.self) { try statement([recordedBody("balance", text)]) }
        #expect(throws: ReadingError.self) { try statement([recordedBody("config", "{}")]) }
    }

    @Test("encoding and reading lose nothing", arguments: 1...25)
    func roundTrip(_ seed: UInt64) async throws {
        for mode in AccountMode.allCases {
            let world = try PropertyTests.generate(seed, mode: mode)
            let statement = try statement(try await recordedBodies(world))
            #expect(statement.drift.isEmpty, "seed \(seed) \(mode): \(statement.drift)")
            var all: [String: String] = [:]
            for body in statement.bodies {
                let expected = leaves(of: try JSONValue(parsing: body.bytes))
                let read = try ReportedObject(parsing: body).leaves
                #expect(read.count == expected.count, "seed \(seed) \(mode)")
                for (path, value) in read {
                    let text = value.text
                    #expect([text, "\"\(text)\""].contains(expected[path]), "seed \(seed) \(mode) \(path)")
                }
                let prefix = body.call == "balance" ? "" : body.call + " "
                for (path, text) in expected { all[prefix + path] = text }
            }
            let figures =
                statement.figures.all + statement.assets.flatMap(\.figures.all)
                + statement.positions.flatMap(\.figures.all)
            for figure in figures {
                #expect(all[figure.field] == "\"\(figure.value.text)\"", "seed \(seed) \(figure.field)")
            }
        }
    }

    @Test("nothing odd in an answer stops reading, auditing or rehosting", arguments: 0..<400)
    func damage(_ seed: Int) async throws {
        let mode = AccountMode.allCases[seed % 4]
        let world = try PropertyTests.generate(UInt64(seed % 3 + 1), mode: mode)
        var bodies = try await recordedBodies(world)
        let place = seed / 4 % bodies.count
        let value = try JSONValue(parsing: bodies[place].bytes).damaged(at: seed / 2 + 1, by: seed)
        bodies[place] = recordedBody(bodies[place].call, value.description)
        guard let statement = try? statement(bodies) else {
            #expect(place == 0)
            return
        }
        _ = world.model.audit(statement, rulesAt: world.ledgerTime())
        _ = world.model.rehosted(statement, as: "copy")
    }

    @Test("In futures mode the currencies are pools of their own, and the account's figures not the whole")
    func pools() async throws {
        for mode in AccountMode.allCases {
            let world = try world()
            try world.open("desk", #"{"mode":"\#(mode.rawValue)"}"#)
            try world.prices(index: #"{"USDT":"1"}"#)
            try world.run("desk", ("deposit", #""asset":"USDT","amount":"100""#))
            let bodies = try await recordedBodies(world)
            let statement = try #require(
                try world.model.statements(from: bodies, account: "desk").first)
            let partial = statement.figures.all.filter(\.isPartial).map(\.figure)
            #expect(
                partial
                    == (mode == .futures
                        ? [.available, .initialMargin, .maintenanceMargin, .unrealizedProfit] : []))
            #expect(statement.identifier?.isEmpty == false)
        }
    }
}
