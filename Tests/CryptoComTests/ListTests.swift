import CryptoCom
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

private let perpetual = "BTCUSD-PERP"

private func members(_ value: JSONValue?, _ names: String) -> [String] {
    names.split(separator: " ").map { name in
        let member = value?[String(name)]
        return member?.text ?? member?.description ?? "absent"
    }
}

/// An order of a list: side, type, quantity and what else it has.
private func leg(_ side: String, _ type: String, _ more: String, quantity: String = "0.0300") -> String {
    #"{"instrument_name":"BTCUSD-PERP","side":"\#(side)","type":"\#(type)","quantity":"\#(quantity)"\#(more)}"#
}

private func list(_ legs: String...) -> String { #"{"order_list":[\#(legs.joined(separator: ","))]}"# }

/// A mark, and a quote below it.
private func move(_ world: World, to price: String, bid: String) throws {
    try world.apply(prices(marks: #"{"BTCUSD-PERP":"\#(price)"}"#), quote(perpetual, bid, price))
}

extension TestWorld where Model == CryptoComVenue {
    /// The rows of a list, by `leg_id`: type, state and what is filled.
    fileprivate func legs(of id: String) async throws -> [String] {
        let answer = try await ask("advanced/get-order-list-detail", #"{"list_id_list":["\#(id)"]}"#)
        let rows = try #require(answer["result"]?["data"]?.elements)
        return rows.map { members($0, "leg_id order_type status cumulative_quantity").joined(separator: " ") }
            .sorted()
    }
}

@Suite("Lists of orders that hang together, by the venue's documents")
struct ListTests {
    private func longWorld() async throws -> World {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#),
                quote(perpetual, "51399.9", "51400"),
            ])
        _ = try await world.trade(
            "BUY", #""type":"MARKET","quantity":"0.0300","client_oid":"in""#, instrument: perpetual)
        return world
    }

    private func oco(_ world: World) async throws -> String {
        let placed = try await world.ask(
            "advanced/create-oco",
            list(
                leg("SELL", "LIMIT", #","price":"52000.0""#),
                leg("SELL", "STOP_LOSS", #","ref_price":"51000.0""#)))
        #expect(placed["code"]?.integer == 0, "\(placed)")
        return try #require(placed["result"]?["list_id"]?.text)
    }

    @Test("OCO: the limit order is filled, the stop is gone")
    func limitFirst() async throws {
        let world = try await longWorld()
        let id = try await oco(world)
        // An order of its own is in no list.
        _ = try await world.trade(
            "BUY", #""type":"LIMIT","price":"50000.0","quantity":"0.0300","client_oid":"alone""#,
            instrument: perpetual)
        #expect(try await world.legs(of: id) == ["1 LIMIT ACTIVE 0", "2 STOP_LOSS ACTIVE 0"])
        _ = try await world.ask("cancel-order", #"{"client_oid":"alone"}"#)
        let row = try await world.ask("get-open-orders")["result"]?["data"]?.elements?.first
        #expect(members(row, "list_id contingency_type leg_id") == [id, "OCO", "1"])
        try move(world, to: "52000", bid: "51999.9")
        #expect(try await world.legs(of: id) == ["1 LIMIT FILLED 0.03", "2 STOP_LOSS CANCELED 0"])
        #expect(world.account("desk")?.positions.isEmpty == true)
        #expect(world.account("desk")?.conditionals.isEmpty == true)
    }

    @Test("OCO: the stop fires, the limit order is gone")
    func stopFirst() async throws {
        let world = try await longWorld()
        let id = try await oco(world)
        try move(world, to: "51000", bid: "50999.9")
        #expect(try await world.legs(of: id) == ["1 LIMIT CANCELED 0", "2 STOP_LOSS FILLED 0.03"])
        #expect(world.account("desk")?.orders.isEmpty == true)
        #expect(world.account("desk")?.positions.isEmpty == true)
    }

    @Test func partOfTheLimitIsEnough() async throws {
        let world = try await longWorld()
        let id = try await oco(world)
        try world.apply(
            #"{"type":"quotes","venue":"crypto-com","quotes":{"BTCUSD-PERP":{"last":"52000","quantity":"0.01"}}}"#
        )
        #expect(try await world.legs(of: id) == ["1 LIMIT ACTIVE 0.01", "2 STOP_LOSS CANCELED 0"])
    }

    @Test("OTO and OTOCO: nothing waits until the first order is filled as a whole")
    func otoco() async throws {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#),
                quote(perpetual, "51399.9", "51400"),
            ])
        let placed = try await world.ask(
            "advanced/create-otoco",
            list(
                leg("BUY", "LIMIT", #","price":"51000.0""#),
                leg("SELL", "STOP_LOSS", #","ref_price":"50500.0""#),
                leg("SELL", "TAKE_PROFIT", #","ref_price":"51200.0""#)))
        let id = try #require(placed["result"]?["list_id"]?.text, "\(placed)")
        #expect(try await world.legs(of: id) == ["1 LIMIT ACTIVE 0"])
        try world.apply(
            #"{"type":"quotes","venue":"crypto-com","quotes":{"BTCUSD-PERP":{"last":"51000","quantity":"0.01"}}}"#
        )
        #expect(world.account("desk")?.conditionals.isEmpty == true, "a part does not arm them")
        try move(world, to: "51000", bid: "50999.9")
        #expect(
            try await world.legs(of: id) == [
                "1 LIMIT FILLED 0.03", "2 STOP_LOSS ACTIVE 0", "3 TAKE_PROFIT ACTIVE 0",
            ])
        try move(world, to: "51200", bid: "51199.9")
        #expect(
            try await world.legs(of: id) == [
                "1 LIMIT FILLED 0.03", "2 STOP_LOSS CANCELED 0", "3 TAKE_PROFIT FILLED 0.03",
            ])
        #expect(world.account("desk")?.positions.isEmpty == true)
    }

    @Test func otoByMarketAndCancelledAsAList() async throws {
        let world = try await longWorld()
        let placed = try await world.ask(
            "advanced/create-oto",
            list(leg("BUY", "MARKET", ""), leg("SELL", "STOP_LOSS", #","ref_price":"51000.0""#)))
        let id = try #require(placed["result"]?["list_id"]?.text, "\(placed)")
        #expect(try await world.legs(of: id) == ["1 MARKET FILLED 0.03", "2 STOP_LOSS ACTIVE 0"])
        let wrong = try await world.ask("advanced/cancel-oco", #"{"list_id":"\#(id)"}"#)
        #expect(wrong["code"]?.integer == 212)
        let gone = try await world.ask("advanced/cancel-otoco", #"{"list_id":"\#(id)"}"#)
        #expect(gone["code"]?.integer == 0 && gone["result"] == nil)
        #expect(try await world.legs(of: id) == ["1 MARKET FILLED 0.03", "2 STOP_LOSS CANCELED 0"])
        let again = try await world.ask("advanced/cancel-oto", #"{"list_id":"\#(id)"}"#)
        #expect(again["code"]?.integer == 212)
    }

    /// None of them places anything.
    @Test(arguments: [
        ("oco", [leg("SELL", "LIMIT", #","price":"52000""#)], 40004),
        (
            "oco", [leg("SELL", "LIMIT", #","price":"52000""#), leg("SELL", "LIMIT", #","price":"53000""#)],
            40004
        ),
        ("oco", [leg("SELL", "MARKET", ""), leg("SELL", "STOP_LOSS", #","ref_price":"51000""#)], 40004),
        (
            "oco",
            [
                leg("SELL", "LIMIT", #","price":"52000""#),
                leg("SELL", "STOP_LOSS", #","ref_price":"51000","ref_price_type":"LAST_PRICE""#),
            ], 230
        ),
        (
            "oco",
            [leg("SELL", "LIMIT", #","price":"52000""#), leg("SELL", "STOP_LOSS", #","ref_price":"52000""#)],
            229
        ),
        (
            "oto", [leg("BUY", "LIMIT", #","price":"51000""#), leg("SELL", "LIMIT", #","price":"53000""#)],
            40004
        ),
        (
            "otoco",
            [
                leg("BUY", "LIMIT", #","price":"51000""#), leg("SELL", "STOP_LOSS", #","ref_price":"50500""#),
                leg("SELL", "STOP_LOSS", #","ref_price":"50400""#),
            ], 40004
        ),
        (
            "oto",
            [leg("BUY", "LIMIT", #","price":"51000""#), leg("SELL", "STOP_LOSS", #","ref_price":"51500""#)],
            229
        ),
    ])
    func refused(_ kind: String, _ legs: [String], _ code: Int64) async throws {
        let world = try await longWorld()
        let before = world.lastSequence
        let params = #"{"order_list":[\#(legs.joined(separator: ","))]}"#
        let answer = try await world.ask("advanced/create-\(kind)", params)
        #expect(answer["code"]?.integer == code, "\(answer)")
        #expect(world.lastSequence == before)
    }
}

@Suite("Self-trade prevention of orders and of the account")
struct SelfTradeTests {
    private func world(_ settings: String? = nil) async throws -> World {
        let world = try orderWorld(
            .live,
            [
                deposit("USD", "10000"), prices(marks: #"{"BTCUSD-PERP":"51400"}"#),
                quote(perpetual, "51000", "52000"),
            ])
        if let settings {
            #expect(try await world.ask("change-account-settings", settings)["code"]?.integer == 0)
        }
        return world
    }

    private func sell(_ world: World, _ more: String = "") async throws -> String {
        let placed = try await world.ask(
            "create-order", leg("SELL", "LIMIT", #","price":"51500.0","client_oid":"rests""# + more))
        return try #require(placed["result"]?["order_id"]?.text, "\(placed)")
    }

    private func buy(_ world: World, _ more: String = "") async throws -> JSONValue {
        try await world.ask(
            "create-order", leg("BUY", "LIMIT", #","price":"51500.0","client_oid":"comes""# + more))
    }

    private func state(_ world: World, _ id: String) async throws -> [String] {
        members(
            try await world.ask("get-order-detail", #"{"client_oid":"\#(id)"}"#)["result"], "status reason")
    }

    @Test(
        "The order that rests, the one that comes, or both",
        arguments: [
            ("M", ["CANCELED", "43012"], ["ACTIVE", "0"], Int64(0)),
            ("T", ["ACTIVE", "0"], ["CANCELED", "43012"], 43012),
            ("B", ["CANCELED", "43012"], ["CANCELED", "43012"], 43012),
        ])
    func modes(_ mode: String, _ rests: [String], _ comes: [String], _ code: Int64) async throws {
        let world = try await world()
        _ = try await sell(world)
        let answer = try await buy(world, #","stp_scope":"S","stp_inst":"\#(mode)""#)
        #expect(answer["code"]?.integer == code && answer["result"]?["order_id"]?.text != nil, "\(answer)")
        #expect(try await state(world, "rests") == rests)
        #expect(try await state(world, "comes") == comes)
    }

    @Test("The account's settings act on orders that say nothing; an order's own come first")
    func ofTheAccount() async throws {
        let settings = #"{"stp_scope":"S","stp_inst":"T","stp_id":"7"}"#
        let world = try await world(settings)
        _ = try await sell(world)
        #expect(try await buy(world)["code"]?.integer == 43012)
        #expect(try await state(world, "rests") == ["ACTIVE", "0"])
        let own = try await buy(world, #","stp_scope":"S","stp_inst":"M","stp_id":"7""#)
        #expect(own["code"]?.integer == 0)
        #expect(try await state(world, "rests") == ["CANCELED", "43012"])
        let off = try await self.world(settings)
        #expect(try await off.ask("change-account-settings", #"{"stp_scope":"D"}"#)["code"]?.integer == 0)
        _ = try await sell(off)
        #expect(try await buy(off)["code"]?.integer == 0)
        #expect(off.account("desk")?.orders.count == 2, "both rest")
    }

    @Test("Only orders of the same stp_id are kept from each other")
    func groups() async throws {
        let world = try await world()
        _ = try await sell(world, #","stp_scope":"S","stp_inst":"M","stp_id":"1""#)
        let other = try await buy(world, #","stp_scope":"S","stp_inst":"M","stp_id":"2""#)
        #expect(other["code"]?.integer == 0)
        #expect(try await state(world, "rests") == ["ACTIVE", "0"])
    }

    @Test(arguments: [
        #","stp_scope":"S""#, #","stp_scope":"X","stp_inst":"M""#, #","stp_scope":"S","stp_inst":"Q""#,
        #","stp_scope":"S","stp_inst":"M","stp_id":"99999""#, #","stp_scope":"D","stp_inst":"M""#,
    ])
    func refused(_ more: String) async throws {
        let world = try await world()
        let before = world.lastSequence
        #expect(try await buy(world, more)["code"]?.integer == 40004)
        #expect(world.lastSequence == before)
    }
}
