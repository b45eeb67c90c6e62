import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

typealias RailsWorld = TestWorld<RailsVenue>

/// A world with one account `desk` and its key, and commands applied to it.
func railsWorld(
    _ profile: WireProfile = .documented, enforcesRateLimits: Bool = true, commands: [String] = []
) throws -> RailsWorld {
    let world = RailsWorld(
        try RailsVenue(addedRulebooks: [], profile: profile), enforcesRateLimits: enforcesRateLimits)
    try world.apply(#"{"type":"open_account","account":"desk","venue":"rails"}"#)
    world.addKey(account: "desk", apiKey: "desk-key", secret: "desk-secret")
    for command in commands { try world.apply(command) }
    return world
}

/// A command of the account `desk`: its type and its further members as JSON.
func desk(_ type: String, _ members: String = "") -> String {
    #"{"type":"\#(type)","account":"desk"\#(members.isEmpty ? "" : ",")\#(members)}"#
}

func fill(_ market: String, _ side: String, _ quantity: String, _ price: String, fee: String = "0") -> String
{
    desk(
        "fill",
        #""instrument":"\#(market)","side":"\#(side)","quantity":"\#(quantity)","price":"\#(price)","#
            + #""fee":"\#(fee)""#
    )
}

func order(
    _ id: String, _ market: String, _ side: String, _ quantity: String, _ price: String, _ more: String = ""
) -> String {
    desk(
        "place_order",
        #""order_id":"\#(id)","instrument":"\#(market)","side":"\#(side)","quantity":"\#(quantity)","#
            + #""price":"\#(price)"\#(more.isEmpty ? "" : ",")\#(more)"#)
}

func mark(_ market: String, _ price: String) -> String {
    #"{"type":"prices","venue":"rails","marks":{"\#(market)":"\#(price)"}}"#
}

extension TestWorld where Model == RailsVenue {
    /// An access token of a key.
    func token(_ apiKey: String = "desk-key", _ secret: String = "desk-secret") async throws -> String {
        let response = await request(
            "POST", "/api/v1/token", headers: ["X-Api-Key": apiKey, "X-Api-Secret": secret])
        #expect(response.status == 200)
        return try #require(response.json["access_token"]?.text)
    }

    /// A GET with a fresh token of the desk's key.
    func read(_ target: String) async throws -> VenueResponse {
        await request("GET", target, headers: ["Authorization": "Bearer \(try await token())"])
    }

    /// A GET with a token as given.
    func read(_ target: String, token: String, from address: String = "127.0.0.1") async -> VenueResponse {
        await request("GET", target, headers: ["authorization": "Bearer \(token)"], from: address)
    }

    /// The balances of the desk as JSON, unwrapped in both profiles.
    func balances(_ query: [QueryItem] = []) throws -> JSONValue {
        let body = try JSONValue(parsing: statement("desk", query: query))
        return body["balances"] ?? body
    }

    /// The balances' figures, those beside the body among them.
    func figures() throws -> AccountFigures {
        model.figures(of: try #require(snapshot(of: "desk")))
    }

    /// The liquidation price of each market that has one.
    func liquidationPrices() throws -> [(market: String, price: ExactDecimal)] {
        try withExtendedLifetime(figures()) { figures in
            try figures.markets.map { ($0.market, try $0.decimal(.liquidationPrice)) }
                .filter { $0.1.isPositive }
        }
    }

    /// The refusal of a command; nil if it is accepted.
    func refusal(of command: String) throws -> Refusal? {
        do {
            try apply(command)
            return nil
        } catch let refusal as Refusal {
            return refusal
        }
    }
}

extension JSONValue {
    /// A decimal member, written as a text.
    func decimal(_ key: String) throws -> ExactDecimal { try ExactDecimal(try #require(self[key]?.text)) }

    /// A row of `marketBalancesMap`.
    func market(_ name: String) throws -> JSONValue { try #require(self["marketBalancesMap"]?[name]) }
}

/// Whole numbers that look random and are the same for a seed (SplitMix64).
typealias SeededNumbers = SplitMix64

extension SplitMix64 {
    /// A decimal text from 1 to `upTo` units of 10^−places.
    mutating func decimal(upTo limit: Int128, places: Int) -> String {
        var unit: Int128 = 1
        for _ in places..<18 { unit *= 10 }
        let count = Int128(Int64.random(in: 1...Int64(limit), using: &self))
        guard let number = try? ExactDecimal(units: count * unit) else { return "1" }
        return number.description
    }
}

/// An account with trades, funding, flows and orders, all from one seed.
func madeWorld(seed: Int, _ profile: WireProfile) throws -> RailsWorld {
    var numbers = SeededNumbers(seed: UInt64(seed))
    let markets = ["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "DOGE-USD"]
    let world = try railsWorld(profile)
    try world.apply(
        desk(
            "deposit", #""asset":"USD","amount":"\#(numbers.decimal(upTo: 90_000_000_000, places: 6))""#),
        desk("configure", #""settings":{"leverage":"\#(Int.random(in: 1...5, using: &numbers))"}"#))
    // Of every third account, two markets are isolated.
    let isolated = seed.isMultiple(of: 3) ? Array(markets.prefix(2)) : []
    for market in isolated {
        try world.apply(
            desk("set_margin_mode", #""instrument":"\#(market)","margin_mode":"isolated""#))
    }
    for step in 0..<Int.random(in: 1...25, using: &numbers) {
        let market = try #require(markets.randomElement(using: &numbers))
        let side = Bool.random(using: &numbers) ? "buy" : "sell"
        let quantity = numbers.decimal(upTo: 90_000, places: 4)
        let price = numbers.decimal(upTo: 9_000_000, places: 3)
        let fee = numbers.decimal(upTo: 5_000_000_000, places: 11)
        switch Int.random(in: 0..<10, using: &numbers) {
        case 0: try world.apply(order("o\(step)", market, side, quantity, price, #""force":true"#))
        case 1: try world.apply(mark(market, price))
        case 2:
            let amount = numbers.decimal(upTo: 900_000, places: 4)
            try world.apply(
                desk("withdraw", #""asset":"USD","amount":"\#(amount)","fee":"0.5","force":true"#))
        case 3 where world.account("desk")?.positions.contains { $0.instrument.name == market } == true:
            try world.apply(desk("funding", #""instrument":"\#(market)","rate":"0.000125""#))
        default: try world.apply(fill(market, side, quantity, price, fee: fee))
        }
    }
    return world
}
