import JSON
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// Random numbers that a failing test can be run with again: SplitMix64 from a printed seed.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var numbers: SplitMix64

    init(seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        numbers = SplitMix64(seed: seed)
    }

    mutating func next() -> UInt64 { numbers.next() }

    /// A decimal of up to so many places.
    mutating func decimal(_ range: ClosedRange<Int>, places: Int = 4) -> String {
        let fraction = Int.random(in: 0..<10_000, using: &self)
        let padded = String(String(10_000 + fraction).dropFirst().prefix(places))
        return "\(Int.random(in: range, using: &self)).\(padded)"
    }
}

@Suite("Properties")
struct PropertyTests {
    private static let assets = ["USD", "BTC", "ETH", "CRO", "USDT", "DAI", "SOL"]
    private static let contracts = [
        "BTCUSD-PERP", "BTCUSD-261225", "ETHUSD-PERP", "CROUSD-PERP", "SOLUSD-PERP",
    ]
    private static let pairs = ["BTC_USD", "ETH_USDT", "CRO_USD", "DAI_USD"]

    /// Commands that do not depend on each other, with prices first.
    static func commands(_ generator: inout SeededGenerator) -> (prices: String, others: [String]) {
        let index = Self.assets.dropFirst().map { #""\#($0)":"\#(generator.decimal(1...500))""# }
        let marks = Self.contracts.map { #""\#($0)":"\#(generator.decimal(1...500))""# }
        var others: [String] = []
        for asset in Self.assets where Bool.random(using: &generator) {
            others.append(deposit(asset, generator.decimal(1...2000)))
        }
        for contract in Self.contracts where Bool.random(using: &generator) {
            let sign = Bool.random(using: &generator) ? "-" : ""
            let isolated = Int.random(in: 0...3, using: &generator) == 0 ? #","margin_mode":"isolated""# : ""
            others.append(
                position(
                    contract, sign + generator.decimal(1...50), generator.decimal(1...500), more: isolated))
        }
        for (place, instrument) in (Self.contracts + Self.pairs).enumerated()
        where Bool.random(using: &generator) {
            let side = Bool.random(using: &generator) ? "buy" : "sell"
            others.append(
                order(
                    "\(place)", instrument, side, generator.decimal(1...50), generator.decimal(1...500),
                    more: #","force":true"#))
        }
        let prices = prices(
            marks: "{\(marks.joined(separator: ","))}", index: "{\(index.joined(separator: ","))}")
        return (prices, others)
    }

    @Test("Relations that hold for every account", arguments: [WireProfile.documented, .live])
    func relations(_ profile: WireProfile) throws {
        var generator = SeededGenerator()
        let unit = try ExactDecimal("0.00000001")
        for _ in 0..<150 {
            let (prices, others) = Self.commands(&generator)
            let object = try makeWorld(profile, [prices] + others).balance()
            func figure(_ name: String, of value: JSONValue) throws -> ExactDecimal {
                try ExactDecimal(try #require(value[name]?.text, "\(name), seed \(generator.seed)"))
            }
            func figure(_ name: String) throws -> ExactDecimal { try figure(name, of: object) }
            let rows = object["position_balances"]?.elements ?? []
            let slack = try ExactDecimal(rows.count + 2).times(unit, rounding: .halfEven)
            let margin = try figure("total_margin_balance")
            let initial = try figure("total_initial_margin")
            let seed: Comment = "seed \(generator.seed)"

            #expect(
                try (initial - figure("total_position_im") - figure("total_haircut")).magnitude <= slack, seed
            )
            #expect(try (figure("total_available_balance") - margin + initial).magnitude <= slack, seed)
            #expect(
                try figure("total_maintenance_margin")
                    <= initial.over(ExactDecimal(2), places: 8, rounding: .ceiling), seed)
            #expect(
                try (initial - figure("total_maintenance_margin") - figure("total_maintenance_margin"))
                    .magnitude <= slack, seed)
            let reported = object["is_liquidating"]?.boolean
            // At equality the rounded figures cannot tell.
            if margin != (try figure("total_maintenance_margin")) {
                #expect(try reported == (margin < figure("total_maintenance_margin")), seed)
            }
            var cash = ExactDecimal.zero
            var collateral = ExactDecimal.zero
            for row in rows {
                let quantity = try figure("quantity", of: row)
                let withdrawable = try figure("max_withdrawal_balance", of: row)
                #expect(!withdrawable.isNegative && (withdrawable <= quantity || withdrawable.isZero), seed)
                #expect(try !figure("reserved_qty", of: row).isNegative, seed)
                #expect(
                    try figure("collateral_amount", of: row) <= max(.zero, figure("market_value", of: row)),
                    seed)
                try cash += figure("market_value", of: row)
                try collateral += figure("collateral_amount", of: row)
            }
            // Locks lower the rows and not the cash.
            #expect(try cash <= figure("total_cash_balance") + slack, seed)
            #expect(try (collateral - figure("total_collateral_value")).magnitude <= slack, seed)
            for name in [
                "total_position_im", "total_haircut", "total_position_cost", "used_position_limit",
                "total_effective_leverage",
            ] {
                #expect(try !figure(name).isNegative, "\(name), seed \(generator.seed)")
            }
        }
    }

    @Test("The order of independent commands changes no total")
    func independence() throws {
        var generator = SeededGenerator()
        for _ in 0..<60 {
            let (prices, others) = Self.commands(&generator)
            let first = try makeWorld(.documented, [prices] + others).balance()
            let second = try makeWorld(.documented, others.shuffled(using: &generator) + [prices]).balance()
            for key in first.object?.keys ?? [] where key != "position_balances" {
                #expect(first[key] == second[key], "\(key), seed \(generator.seed)")
            }
            for asset in Self.assets {
                let (one, other) = (try? first.row(asset), try? second.row(asset))
                #expect(one == other, "\(asset), seed \(generator.seed)")
            }
        }
    }

    @Test("Whatever a body is, the answer is the venue's own and nothing changes")
    func mangledBodies() async throws {
        var generator = SeededGenerator()
        let world = try makeWorld(.documented, [deposit("USD", "5")])
        let before = world.account("desk")
        let whole =
            Array(
                #"{"id":11,"method":"private/user-balance","params":{"a":[1,null,{"b":"c"}]},"api_key":"token","#
                    .utf8)
            + Array(#""sig":"\#(String(repeating: "a0", count: 32))","nonce":1780272000000}"#.utf8)
        for _ in 0..<1500 {
            var body = whole
            for _ in 0...Int.random(in: 0...3, using: &generator) where !body.isEmpty {
                let place = Int.random(in: 0..<body.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: body[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: body.remove(at: place)
                default: body.removeSubrange(place...)
                }
            }
            let request = VenueRequest(
                method: "POST", target: "/exchange/v1/private/user-balance", body: body, remoteAddress: "::1",
                header: { _ in nil })
            let response = await world.model.respond(to: request, through: world)
            let answer = try response.json
            #expect([400, 401].contains(response.status), "seed \(generator.seed)")
            #expect(answer.object?.keys == ["id", "method", "code", "message"], "seed \(generator.seed)")
        }
        #expect(world.account("desk") == before)
    }
}
