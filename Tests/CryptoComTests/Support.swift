import Crypto
import CryptoCom
import JSON
import Ledger
import Venue
import VenueTestSupport

typealias World = TestWorld<CryptoComVenue>

/// A world with one account `desk` and its key.
func makeWorld(
    _ profile: WireProfile = .documented, settings: String = "{}", enforcesRateLimits: Bool = false,
    _ commands: [String] = []
) throws -> World {
    let world = World(
        try CryptoComVenue(addedRulebooks: [], profile: profile), enforcesRateLimits: enforcesRateLimits)
    try world.apply(
        #"{"type":"open_account","account":"desk","venue":"crypto-com","settings":\#(settings)}"#)
    for command in commands { try world.apply(command) }
    world.addKey(account: "desk", apiKey: "token", secret: "secretKey")
    return world
}

func deposit(_ asset: String, _ amount: String, account: String = "desk") -> String {
    #"{"type":"deposit","account":"\#(account)","asset":"\#(asset)","amount":"\#(amount)"}"#
}

func prices(marks: String = "{}", index: String = "{}") -> String {
    #"{"type":"prices","venue":"crypto-com","marks":\#(marks),"index":\#(index)}"#
}

func order(
    _ id: String, _ instrument: String, _ side: String, _ quantity: String, _ price: String, more: String = ""
) -> String {
    #"{"type":"place_order","account":"desk","order_id":"\#(id)","instrument":"\#(instrument)","#
        + #""side":"\#(side)","quantity":"\#(quantity)","price":"\#(price)"\#(more)}"#
}

func fill(
    _ instrument: String, _ side: String, _ quantity: String, _ price: String, more: String = ""
) -> String {
    #"{"type":"fill","account":"desk","instrument":"\#(instrument)","side":"\#(side)","#
        + #""quantity":"\#(quantity)","price":"\#(price)"\#(more)}"#
}

func position(_ instrument: String, _ quantity: String, _ entry: String, more: String = "") -> String {
    #"{"type":"import_position","account":"desk","instrument":"\#(instrument)","#
        + #""quantity":"\#(quantity)","entry_price":"\#(entry)"\#(more)}"#
}

/// HMAC-SHA256 in hexadecimal, made without the code under test.
func signature(_ message: String, secret: String = "secretKey") -> String {
    let code = HMAC<SHA256>.authenticationCode(
        for: Array(message.utf8), using: SymmetricKey(data: Array(secret.utf8)))
    return code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

extension TestWorld {
    /// Calls a private method. `id` and `nonce` are JSON texts; `flattened` is what params add
    /// to the signature.
    func call(
        _ method: String, id: String = "11", params: String? = "{}", flattened: String = "",
        nonce: String? = nil,
        from address: String = "127.0.0.1"
    ) async -> VenueResponse {
        let nonce = nonce ?? String(realTime())
        func digits(_ text: String) -> String { text.filter { $0 != "\"" } }
        let sig = signature("\(method)\(digits(id))token\(flattened)\(digits(nonce))")
        let middle = params.map { #""params":\#($0),"# } ?? ""
        return await request(
            "POST", "/exchange/v1/\(method)",
            body:
                #"{"id":\#(id),"method":"\#(method)",\#(middle)"api_key":"token","sig":"\#(sig)","nonce":\#(nonce)}"#,
            from: address)
    }

    /// The account object of `private/user-balance`.
    func balance(of account: String = "desk") throws -> JSONValue {
        let body = try JSONValue(parsing: try statement(account))
        guard let object = body["result"]?["data"]?.elements?.first else {
            throw MissingValue(name: "data[0]")
        }
        return object
    }
}

struct MissingValue: Error { let name: String }

extension JSONValue {
    /// The row of `position_balances` with this name.
    func row(_ asset: String) throws -> JSONValue {
        let rows = self["position_balances"]?.elements ?? []
        guard let row = rows.first(where: { $0["instrument_name"]?.text == asset }) else {
            throw MissingValue(name: asset)
        }
        return row
    }
}
