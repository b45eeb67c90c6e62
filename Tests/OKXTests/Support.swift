import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// A decimal of a test's own source.
func decimal(_ text: String) throws -> ExactDecimal { try ExactDecimal(text) }

/// The same where a figure is wanted.
@_disfavoredOverload
func decimal(_ text: String) throws -> ExactFraction { try ExactFraction(text) }

/// Whether a figure is the decimal text, up to the last digits that the venue's binary numbers lose (1 in
/// 10¹⁵).
func isNear(_ figure: ExactFraction, _ text: String) throws -> Bool {
    let expected = try ExactFraction(text)
    let difference = try (figure - expected).magnitude
    let tolerance = try max(expected.magnitude, .one).times(ExactDecimal("0.000000000000001"))
    return difference <= tolerance
}

/// OKX with accounts over the real ledger.
func world(
    profile: WireProfile = .documented, enforcesRateLimits: Bool = false, rulebooks: [JSONValue] = []
) throws -> TestWorld<OKXVenue> {
    TestWorld(
        try OKXVenue(addedRulebooks: rulebooks, profile: profile), enforcesRateLimits: enforcesRateLimits)
}

extension TestWorld where Model == OKXVenue {
    /// Opens an account with these settings, written as JSON.
    func open(_ account: String, _ settings: String = "{}") throws {
        try apply(#"{"type":"open_account","account":"\#(account)","venue":"okx","settings":\#(settings)}"#)
    }

    /// Applies commands of one account, each written as its type and its other members.
    func run(_ account: String, _ commands: (type: String, members: String)...) throws {
        for command in commands {
            try apply(#"{"type":"\#(command.type)","account":"\#(account)",\#(command.members)}"#)
        }
    }

    /// Gives prices of marks and indexes, written as JSON objects.
    func prices(marks: String = "{}", index: String = "{}") throws {
        try apply(#"{"type":"prices","venue":"okx","marks":\#(marks),"index":\#(index)}"#)
    }

    /// The account object of the balance.
    func balance(_ account: String, ccy: String? = nil) throws -> JSONValue {
        let query = ccy.map { [QueryItem(name: "ccy", value: $0)] } ?? []
        let body = try JSONValue(parsing: try statement(account, query: query))
        return try #require(body["data"]?.elements?.first)
    }

    /// A signed request, with headers of which some can be replaced or, with "", left out.
    func signed(
        _ method: String, _ target: String, body: String = "", headers: [String: String] = [:],
        key: String = "key", secret: String = "secret", passphrase: String = "phrase",
        from address: String = "127.0.0.1"
    ) async -> VenueResponse {
        let timestamp = headers["ok-access-timestamp"] ?? LedgerTime(milliseconds: realTime()).iso8601
        let sign = Signing.signature(
            timestamp: timestamp, method: method, target: target, body: Array(body.utf8),
            signer: RequestSigner(secret: secret))
        var all = [
            "ok-access-key": key, "ok-access-sign": String(decoding: sign, as: UTF8.self),
            "ok-access-timestamp": timestamp, "ok-access-passphrase": passphrase,
        ]
        if method == "POST" { all["content-type"] = "application/json" }
        for (name, value) in headers { all[name] = value.isEmpty ? nil : value }
        return await request(method, target, headers: all, body: body, from: address)
    }

    /// The `data` of a signed answer that succeeded.
    func data(_ method: String, _ target: String, body: String = "") async throws -> [JSONValue] {
        let response = await signed(method, target, body: body)
        #expect(response.status == 200)
        let json = try response.json
        #expect(json["code"]?.text == "0", "\(response.text)")
        return try #require(json["data"]?.elements)
    }

    /// The `data` of a public answer that succeeded.
    func publicData(_ target: String) async throws -> [JSONValue] {
        let response = await request("GET", target)
        #expect(response.status == 200, "\(response.text)")
        let json = try response.json
        #expect(json["code"]?.text == "0")
        return try #require(json["data"]?.elements)
    }
}

extension JSONValue {
    /// The row of a currency in an account object.
    func detail(_ currency: String) -> JSONValue? {
        self["details"]?.elements?.first { $0["ccy"]?.text == currency }
    }

    /// A member's text; a test that names a wrong one gets nil and fails its comparison.
    func text(_ name: String) -> String? { self[name]?.text }

    /// A member's text as a decimal.
    func number(_ name: String) throws -> ExactDecimal {
        try ExactDecimal(try #require(self[name]?.text, "\(name)"))
    }
}

/// Checks members of an object, named and spelled as on the wire.
func expect(
    _ object: JSONValue?, _ members: KeyValuePairs<String, String>,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for (name, value) in members {
        #expect(object?[name]?.text == value, "\(name)", sourceLocation: sourceLocation)
    }
}

/// How a command on an account is refused, which then changes nothing; nil where it is applied.
func refusal(
    _ world: TestWorld<OKXVenue>, _ type: String, _ members: String, account: String = "desk"
) throws -> Refusal? {
    let before = world.account(account)
    do {
        try world.apply(#"{"type":"\#(type)","account":"\#(account)",\#(members)}"#)
        return nil
    } catch let refusal as Refusal {
        #expect(world.account(account) == before)
        return refusal
    }
}
