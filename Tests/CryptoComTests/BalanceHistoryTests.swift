import JSON
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

@Suite("Balance history")
struct BalanceHistoryTests {
    /// 2026-06-01T00:00:00Z
    static let start: Int64 = 1_780_272_000_000
    static let minute: Int64 = 60_000
    static let hour: Int64 = 3_600_000
    static let day: Int64 = 86_400_000

    /// Opened at 01:30 of the first day; it is 00:10 of the third.
    private func storyWorld(_ profile: WireProfile = .documented) throws -> World {
        let world = World(try CryptoComVenue(addedRulebooks: [], profile: profile), enforcesRateLimits: false)
        world.addKey(account: "desk", apiKey: "token", secret: "secretKey")
        world.setLedgerTime(Self.start + 90 * Self.minute)
        try world.apply(
            #"{"type":"open_account","account":"desk","venue":"crypto-com"}"#, deposit("USD", "1000"),
            deposit("BTC", "0.5"), prices(index: #"{"BTC":"60000"}"#))
        world.setLedgerTime(Self.start + 3 * Self.hour)
        try world.apply(#"{"type":"withdraw","account":"desk","asset":"USD","amount":"100"}"#)
        world.setLedgerTime(Self.start + 3 * Self.hour + 1)
        try world.apply(prices(index: #"{"BTC":"62000"}"#))
        world.setLedgerTime(Self.start + 25 * Self.hour)
        try world.apply(deposit("USD", "0.5"))
        world.setLedgerTime(Self.start + 2 * Self.day + 10 * Self.minute)
        return world
    }

    /// Arguments as JSON, with what they add to the signature.
    struct Arguments: Sendable {
        var end: String?
        var limit: String?
        var timeframe: String?

        var fields: [(key: String, value: String)] {
            [("end_time", end), ("limit", limit), ("timeframe", timeframe)]
                .compactMap { key, value in value.map { (key, $0) } }
        }
        var params: String { "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}" }
        var flattened: String {
            fields.map { $0.key + $0.value.filter { $0 != "\"" } }.joined()
        }
    }

    private func call(_ world: World, _ arguments: Arguments) async -> VenueResponse {
        await world.call(
            "private/user-balance-history", params: arguments.params, flattened: arguments.flattened)
    }

    private func points(_ world: World, _ arguments: Arguments) async throws -> [JSONValue] {
        let response = await call(world, arguments)
        #expect(response.status == 200)
        let result = try #require(try response.json["result"])
        #expect(result["instrument_name"]?.text == "USD")
        return try #require(result["data"]?.elements)
    }

    @Test("The whole body, in both forms: daily points, oldest first", arguments: WireProfile.allCases)
    func body(_ profile: WireProfile) async throws {
        let response = await call(try storyWorld(profile), Arguments())
        #expect(
            response.text
                == #"{"id":11,"method":"private/user-balance-history","code":0,"result":{"instrument_name":"USD","data":[{"t":1780358400000,"c":"31900"},{"t":1780444800000,"c":"31900.5"}]}}"#
        )
    }

    @Test(
        "Points lie on hours and days before end_time, from the account's opening on",
        arguments: [
            // Hours from the start: the withdrawal at 3 counts at 3, the price just after it at 4.
            (Arguments(end: "1780290000000", timeframe: #""H1""#), [2, 3, 4], ["31000", "30900", "31900"]),
            // end_time is exclusive.
            (Arguments(end: "1780286400000", timeframe: #""H1""#), [2, 3], ["31000", "30900"]),
            (Arguments(end: "1780286400001", timeframe: #""H1""#), [2, 3, 4], ["31000", "30900", "31900"]),
            // The same in nanoseconds.
            (Arguments(end: "1780286400000000000", timeframe: #""H1""#), [2, 3], ["31000", "30900"]),
            (
                Arguments(end: "1780286400000000001", timeframe: #""H1""#), [2, 3, 4],
                ["31000", "30900", "31900"]
            ),
            // The newest ones where there are more.
            (Arguments(end: "1780286400000", limit: "1", timeframe: #""H1""#), [3], ["30900"]),
            (Arguments(limit: "2", timeframe: #""H1""#), [47, 48], ["31900.5", "31900.5"]),
            (Arguments(limit: "1", timeframe: #""D1""#), [48], ["31900.5"]),
            (Arguments(end: "1780444800000", timeframe: #""D1""#), [24], ["31900"]),
            // Nothing before the opening, nothing after the ledger's time.
            (Arguments(end: "1780358400000"), [], []),
            (Arguments(end: "1780279200000", timeframe: #""H1""#), [], []),
            (Arguments(end: "1"), [], []),
            (Arguments(end: "1890000000000", limit: "1", timeframe: #""H1""#), [48], ["31900.5"]),
            (Arguments(end: "9223372036854775807", limit: "1"), [48], ["31900.5"]),
        ])
    func pointsInRange(_ arguments: Arguments, _ hours: [Int64], _ amounts: [String]) async throws {
        let points = try await points(try storyWorld(), arguments)
        #expect(points.compactMap { $0["t"]?.integer } == hours.map { Self.start + $0 * Self.hour })
        #expect(points.compactMap { $0["c"]?.text } == amounts)
    }

    @Test("Without end_time the ledger's time is the end, itself exclusive")
    func endsNow() async throws {
        let world = try storyWorld()
        let midnight = Self.start + 3 * Self.day
        world.setLedgerTime(midnight)
        let before = try await points(world, Arguments(limit: "1"))
        #expect(before.compactMap { $0["t"]?.integer } == [midnight - Self.day])
        let asked = try await points(world, Arguments(end: "\(midnight + 1)", limit: "1"))
        #expect(asked.compactMap { $0["t"]?.integer } == [midnight])
        // The newest point is what user-balance showed at that time.
        #expect(asked.first?["c"]?.text == "31900.5")
        #expect(try world.balance()["total_cash_balance"]?.text == "31900.50000000")
    }

    @Test("As many points as the venue allows where there is no limit")
    func mostPoints() async throws {
        let world = try storyWorld()
        let now = Self.start + 40 * Self.day + 1
        world.setLedgerTime(now)
        let days = try await points(world, Arguments()).compactMap { $0["t"]?.integer }
        #expect(days == (11...40).map { Self.start + $0 * Self.day })
        #expect(try await points(world, Arguments(limit: "30")).count == 30)
        let hours = try await points(world, Arguments(timeframe: #""H1""#)).compactMap { $0["t"]?.integer }
        #expect(hours == (841...960).map { Self.start + $0 * Self.hour })
        #expect(try await points(world, Arguments(limit: "120", timeframe: #""H1""#)).count == 120)
    }

    @Test("A key sees the history of its own account")
    func ownAccount() async throws {
        let world = try storyWorld()
        try world.apply(
            #"{"type":"open_account","account":"child","venue":"crypto-com","parent":"desk"}"#,
            deposit("USD", "7", account: "child"))
        world.addKey(account: "child", apiKey: "token", secret: "secretKey")
        world.setLedgerTime(Self.start + 3 * Self.day + 1)
        #expect(try await points(world, Arguments()).compactMap { $0["c"]?.text } == ["7"])
    }

    @Test(
        "What is out of range or of the wrong type is refused",
        arguments: [
            (Arguments(timeframe: #""W1""#), "40004"), (Arguments(timeframe: #""h1""#), "40004"),
            (Arguments(timeframe: "7"), "40003"), (Arguments(limit: "31"), "40004"),
            (Arguments(limit: "121", timeframe: #""H1""#), "40004"), (Arguments(limit: "0"), "40004"),
            (Arguments(limit: "-1"), "40004"), (Arguments(limit: #""10""#), "40003"),
            (Arguments(limit: "1.5"), "40003"), (Arguments(end: #""1""#), "40003"),
            (Arguments(end: "0"), "40005"), (Arguments(end: "-5"), "40005"),
        ])
    func badArguments(_ arguments: Arguments, _ code: String) async throws {
        let response = await call(try storyWorld(), arguments)
        #expect(response.status == 400)
        #expect(try response.json["code"]?.numberText == code)
        #expect(try response.json["result"] == nil)
    }
}
