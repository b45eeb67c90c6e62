import Binance
import CryptoCom
import JSON
import OKX
import Rails
import Venue
import VenueTestSupport

/// Plays commands into one ledger a venue, and prints what is served, explained and found by an audit of what
/// was served, as one JSON object.
///
/// Reads `{"okx":{"account":…,"commands":[…],"audited":"…"},…}` from standard input; `audited` is a body to
/// audit in place of the one that is served.
@main
struct Served {
    static func main() throws {
        var text = ""
        while let line = readLine(strippingNewline: false) { text += line }
        let wanted = try JSONValue(parsing: text)
        var found: [(key: String, value: JSONValue)] = []
        for (venue, order) in wanted.object?.members ?? [] {
            switch venue {
            case "crypto-com": found.append((venue, try played(order, CryptoComVenue.self)))
            case "rails": found.append((venue, try played(order, RailsVenue.self)))
            case "binance": found.append((venue, try played(order, BinanceVenue.self)))
            default: found.append((venue, try played(order, OKXVenue.self)))
            }
        }
        print(JSONValue.object(JSONObject(found)))
    }

    private static func played<Model: VenueServer & VenueClient>(
        _ order: JSONValue, _ type: Model.Type
    ) throws -> JSONValue {
        let world = TestWorld(try Model(addedRulebooks: [], profile: .documented))
        for command in order["commands"]?.elements ?? [] { try world.apply(command.description) }
        let account = order["account"]?.text ?? ""
        guard let snapshot = world.snapshot(of: account) else { return .null }
        let body = try world.statement(account)
        let explanations = try world.model.explain(snapshot, through: world)
        let call = type.calls.first { $0.purpose == .account }?.name ?? ""
        let audited = RecordedBody(
            call: call, bytes: Array((order["audited"]?.text ?? body).utf8), takenAt: snapshot.at.milliseconds
        )
        let findings = try world.model.statements(from: [audited], account: account).flatMap {
            world.model.audit($0, rulesAt: snapshot.at)
        }
        return .object(
            JSONObject([
                ("statement", .string(body)),
                (
                    "explained",
                    .array(
                        explanations.map {
                            .object(
                                JSONObject([("field", .string($0.field)), ("value", .string($0.value))]))
                        })
                ),
                (
                    "audited",
                    .array(
                        findings.map {
                            .object(
                                JSONObject([
                                    ("field", .string($0.field)), ("verdict", .string($0.verdict.rawValue)),
                                ]))
                        })
                ),
            ]))
    }
}
