import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// Everything that the venue answers to the desk's key, as a desk would have recorded it.
func recordedBodies(_ world: BinanceWorld) async throws -> [RecordedBody] {
    try await world.recorded(Credentials(apiKey: deskKey, secret: deskSecret, passphrase: nil))
}

/// One answer as it stands in a test.
func recordedBody(_ call: String, _ text: String) -> RecordedBody {
    RecordedBody(call: call, bytes: Array(text.utf8), takenAt: 1_780_272_000_000)
}

@Suite("Responses")
struct ResponseTests {
    private func statement(_ bodies: [RecordedBody]) throws -> Statement {
        let venue = try BinanceVenue(addedRulebooks: [], profile: .documented)
        let statements = try venue.statements(from: bodies, account: "desk")
        #expect(statements.count == 1)
        return try #require(statements.first)
    }

    @Test("multi-assets mode: totals in USD, one pool in every row, prices and positions from their answers")
    func multiAssets() async throws {
        let world = try binanceWorld(
            settings: #"{"multi_assets":true}"#,
            commands: [
                marks(#""BTCUSDT":"60000""#, index: #""USDT":"1.0002","BTC":"59990""#),
                deposit("USDT", "1000"), deposit("BTC", "0.5"), importPosition("BTCUSDT", "-0.1", "61000"),
            ])
        let statement = try statement(try await recordedBodies(world))
        #expect(statement.venue == BinanceVenue.name && statement.account == "desk")
        #expect(statement.mode == "multi-assets")
        #expect(statement.takenAt == world.realTime() && statement.venueTime == nil)
        #expect(statement.bodies.map(\.call) == ["account", "positions", "config", "balance", "prices"])
        #expect(statement.identifier == world.model.accountAlias("desk"))
        #expect(statement.drift.isEmpty, "\(statement.drift)")
        #expect(statement.figures[.equity]?.field == "totalMarginBalance")
        #expect(statement.figures[.equity]?.unit == "USD")
        // The total leaves out what is no margin asset, and counts the rest at rates with a buffer.
        #expect(statement.figures[.equity]?.isPartial == true && statement.figures[.equityUSD] == nil)
        #expect(statement.figures[.maintenanceMargin]?.isPartial == false)
        let usdt = try #require(statement.assets.first { $0.asset == "USDT" })
        #expect(usdt.figures[.available]?.isShared == true)
        #expect(usdt.figures[.wallet]?.isShared == false)
        #expect(usdt.figures[.wallet]?.value == .number(ExactDecimal(1000), text: "1000.00000000"))
        #expect(usdt.figures[.index]?.value.text == "1.00020000")
        #expect(usdt.figures[.index]?.field.hasPrefix("prices [") == true)
        let position = try #require(statement.positions.first)
        #expect(statement.positions.count == 1)
        #expect(position.instrument == "BTCUSDT" && position.side == .net && position.marginMode == .cross)
        #expect(position.figures[.quantity]?.value.text == "-0.100")
        #expect(position.figures[.quantity]?.unit == "BTC")
        #expect(position.figures[.notional]?.unit == "USDT")
        #expect(position.figures[.entryPrice]?.field == "positions [0].entryPrice")
        #expect(position.figures[.markPrice]?.value.number == ExactDecimal(60000))
    }

    @Test("single-asset mode: totals in USDT, each row its own")
    func singleAsset() async throws {
        let world = try binanceWorld(
            settings: #"{"hedge":true}"#,
            commands: [
                marks(#""ETHUSDT":"3000""#), deposit("USDT", "1000"), deposit("BTC", "1"),
                importPosition(
                    "ETHUSDT", "-1", "3100",
                    #","margin_mode":"isolated","isolated_wallet":"310","position_side":"short""#),
            ])
        let statement = try statement(try await recordedBodies(world))
        #expect(statement.mode == "single-asset")
        #expect(statement.figures[.wallet]?.unit == "USDT")
        #expect(statement.figures[.equityUSD] == nil)
        #expect(statement.assets.allSatisfy { $0.figures[.available]?.isShared == false })
        #expect(statement.positions.first?.side == .short)
        #expect(statement.positions.first?.marginMode == .isolated)
        #expect(statement.positions.first?.figures[.wallet]?.value.number == ExactDecimal(310))
    }

    @Test("the account alone is enough; what is absent, empty, null, zero or odd stays so")
    func states() throws {
        let body = recordedBody(
            "account",
            #"""
            {"totalInitialMargin":null,"totalMaintMargin":"","totalWalletBalance":12.50,
            "totalUnrealizedProfit":"0.00000000","totalMarginBalance":"1e-30","availableBalance":"2.8E-4",
            "assets":[{"asset":"USDT","walletBalance":"1","marginAvailable":false}],"positions":[]}
            """#)
        let statement = try statement([body])
        let figures = statement.figures
        #expect(statement.mode == "multi-assets")
        #expect(figures[.initialMargin]?.value == .null)
        #expect(figures[.maintenanceMargin]?.value == .empty)
        #expect(figures[.wallet]?.value == .number(try ExactDecimal("12.5"), text: "12.50"))
        #expect(figures[.unrealizedProfit]?.value == .number(.zero, text: "0.00000000"))
        #expect(figures[.equity]?.value == .outOfRange(text: "1e-30"))
        #expect(figures[.available]?.value.number == (try ExactDecimal("0.00028")))
        #expect(figures[.withdrawable]?.value == .absent)
        let drift = Set(statement.drift)
        #expect(drift.contains(FieldDrift(.retyped, path: "account totalWalletBalance", example: "12.50")))
        #expect(drift.contains(FieldDrift(.retyped, path: "account totalInitialMargin", example: "null")))
        #expect(drift.contains(FieldDrift(.lost, path: "account assets[].updateTime", example: "")))
        #expect(drift.contains(FieldDrift(.lost, path: "account maxWithdrawAmount", example: "")))
    }

    @Test(
        "what is no account of the venue throws",
        arguments: ["", "<html>", "[]", #"{"code":-2015,"msg":"Invalid API-key"}"#, "null"])
    func unreadable(_ text: String) throws {
        #expect(throws: ReadingError.self) { try statement([recordedBody("account", text)]) }
        #expect(throws: ReadingError.self) { try statement([recordedBody("positions", "[]")]) }
    }

    @Test("a new field is drift and nothing else")
    func newField() async throws {
        let world = try binanceWorld(commands: [deposit("USDT", "1")])
        let bodies = try await recordedBodies(world)
        let text = String(decoding: bodies[0].bytes, as: UTF8.self)
        let changed = text.replacing(#""assets":[{"#, with: #""assets":[{"bonus":"5","#)
        let other = try statement([recordedBody("account", changed)] + bodies.dropFirst())
        #expect(other.drift == [FieldDrift(.new, path: "account assets[].bonus", example: "5")])
        #expect(other.figures == (try statement(bodies)).figures)
    }

    @Test("encoding and reading lose nothing", arguments: 1...60)
    func roundTrip(_ seed: Int) async throws {
        let account = try GeneratedAccount(seed: UInt64(seed))
        let statement = try statement(try await recordedBodies(account.world))
        #expect(statement.drift.isEmpty, "seed \(seed): \(statement.drift)")
        var all: [String: String] = [:]
        for body in statement.bodies {
            let value = try JSONValue(parsing: body.bytes)
            let expected = leaves(of: value)
            let read = try ReportedObject(parsing: body).leaves
            #expect(read.count == expected.count, "seed \(seed)")
            for (path, value) in read {
                let text = value.text
                #expect([text, "\"\(text)\""].contains(expected[path]), "seed \(seed), \(path)")
            }
            let prefix = body.call == "account" ? "" : body.call + " "
            for (path, text) in expected { all[prefix + path] = text }
        }
        let figures =
            statement.figures.all + statement.assets.flatMap(\.figures.all)
            + statement.positions.flatMap(\.figures.all)
        for figure in figures {
            let text = figure.value.text
            #expect([text, "\"\(text)\""].contains(all[figure.field]), "seed \(seed), \(figure.field)")
        }
        #expect(statement.assets.count == (try account.world.figures()).assets.count)
        #expect(statement.positions.count == (try account.world.figures()).positions.count)
    }

    @Test("nothing odd in an answer stops reading, auditing or rehosting", arguments: 0..<300)
    func damage(_ seed: Int) async throws {
        let world = try GeneratedAccount(seed: UInt64(seed % 5 + 1)).world
        var bodies = try await recordedBodies(world)
        let place = seed % bodies.count
        let value = try JSONValue(parsing: bodies[place].bytes).damaged(at: seed / 2, by: seed)
        bodies[place] = recordedBody(bodies[place].call, value.description)
        let statement = try statement(bodies)
        _ = world.model.audit(statement, rulesAt: world.ledgerTime())
        _ = world.model.rehosted(statement, as: "copy")
    }
}
