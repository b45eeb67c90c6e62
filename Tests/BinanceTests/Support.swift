import Crypto
import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

typealias BinanceWorld = TestWorld<BinanceVenue>

let deskKey = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
let deskSecret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

/// A world with one account `desk` and its key, and commands applied to it.
func binanceWorld(
    settings: String = "{}", rulebooks: [String] = [], enforcesRateLimits: Bool = true,
    time: Int64 = 1_780_272_000_000, commands: [String] = []
) throws -> BinanceWorld {
    let added = try rulebooks.map { try JSONValue(parsing: $0) }
    let world = BinanceWorld(
        try BinanceVenue(addedRulebooks: added, profile: .documented), enforcesRateLimits: enforcesRateLimits,
        time: time)
    try world.apply(
        #"{"type":"open_account","account":"desk","venue":"binance","settings":\#(settings)}"#)
    world.addKey(account: "desk", apiKey: deskKey, secret: deskSecret, permissions: [.read, .trade])
    for command in commands { try world.apply(command) }
    return world
}

/// A command of the account `desk`: its type and its further members as JSON.
func desk(_ type: String, _ members: String = "") -> String {
    #"{"type":"\#(type)","account":"desk"\#(members.isEmpty ? "" : ",")\#(members)}"#
}

func deposit(_ asset: String, _ amount: String) -> String {
    desk("deposit", #""asset":"\#(asset)","amount":"\#(amount)""#)
}

func importPosition(_ symbol: String, _ quantity: String, _ entry: String, _ more: String = "") -> String {
    desk(
        "import_position",
        #""instrument":"\#(symbol)","quantity":"\#(quantity)","entry_price":"\#(entry)"\#(more)"#)
}

func order(
    _ id: String, _ symbol: String, _ side: String, _ quantity: String, _ price: String, _ more: String = ""
) -> String {
    desk(
        "place_order",
        #""order_id":"\#(id)","instrument":"\#(symbol)","side":"\#(side)","quantity":"\#(quantity)","#
            + #""price":"\#(price)"\#(more)"#)
}

func marks(_ marks: String, index: String = "") -> String {
    #"{"type":"prices","venue":"binance","marks":{\#(marks)},"index":{\#(index)}}"#
}

func decimal(_ text: String) throws -> ExactDecimal { try ExactDecimal(text) }

/// The HMAC-SHA256 of a payload with the desk's secret, in lower-case hexadecimal.
func signature(_ payload: String, secret: String = deskSecret) -> String {
    hexText(RequestSigner(secret: secret).sign(Array(payload.utf8)))
}

extension TestWorld where Model == BinanceVenue {
    /// A signed request with the present time; `parameters` go before the timestamp.
    func signed(
        _ method: String, _ path: String, _ parameters: String = "", apiKey: String = deskKey,
        secret: String = deskSecret, from address: String = "127.0.0.1"
    ) async -> VenueResponse {
        let payload = (parameters.isEmpty ? "" : parameters + "&") + "timestamp=\(realTime())"
        return await request(
            method, "\(path)?\(payload)&signature=\(signature(payload, secret: secret))",
            headers: ["X-MBX-APIKEY": apiKey], from: address)
    }

    /// The account body of the desk as JSON.
    func body() throws -> JSONValue { try JSONValue(parsing: statement("desk")) }

    /// The figures of the desk.
    func figures() throws -> AccountFigures {
        try model.figures(of: try #require(snapshot(of: "desk")))
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
    /// A text member.
    func string(_ key: String) throws -> String { try #require(self[key]?.text) }

    /// A row of `assets`.
    func asset(_ name: String) throws -> JSONValue {
        try #require(self["assets"]?.elements?.first { $0["asset"]?.text == name })
    }

    /// A row of `positions`.
    func position(_ symbol: String, side: String = "BOTH") throws -> JSONValue {
        try #require(
            (self["positions"]?.elements ?? elements)?.first {
                $0["symbol"]?.text == symbol && $0["positionSide"]?.text == side
            })
    }
}

/// Checks text members against a table.
func expect(
    _ object: JSONValue, _ members: [(String, String)], sourceLocation: SourceLocation = #_sourceLocation
) {
    for (key, value) in members {
        #expect(object[key]?.text == value, "\(key)", sourceLocation: sourceLocation)
    }
}

/// Whole numbers that look random and are the same for a seed (SplitMix64).
typealias SeededNumbers = SplitMix64

extension SplitMix64 {
    /// A decimal from 1 to `limit` units of 10^−places.
    mutating func decimal(upTo limit: Int, places: Int) throws -> ExactDecimal {
        var step: Int128 = 1
        for _ in places..<18 { step *= 10 }
        return try ExactDecimal(units: Int128(Int.random(in: 1...limit, using: &self)) * step)
    }
}
