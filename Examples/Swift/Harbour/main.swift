import Venue
import VenueTestSupport

// An account of Harbour in a ledger, served, read as its client reads it, explained and audited.
let venue = try HarbourVenue(addedRulebooks: [], profile: .documented)
let world = TestWorld(venue)
try world.apply(
    #"{"type":"open_account","account":"desk","venue":"harbour"}"#,
    #"{"type":"deposit","account":"desk","asset":"USD","amount":"1000"}"#,
    #"{"type":"prices","venue":"harbour","marks":{"BTC-PERP":"60100.5"}}"#,
    #"{"type":"fill","account":"desk","instrument":"BTC-PERP","side":"buy","quantity":"0.1","price":"60000"}"#
)
world.addKey(account: "desk", apiKey: "made-up-key", secret: "made-up-secret")

let credentials = Credentials(apiKey: "made-up-key", secret: "made-up-secret", passphrase: nil)
for call in HarbourVenue.calls {
    let request = try venue.request(
        for: call, credentials: credentials, token: nil, at: world.realTime())
    let answer = await world.answer(to: request)
    print(String(decoding: answer.body, as: UTF8.self))
    let body = RecordedBody(call: call.name, bytes: answer.body, takenAt: answer.takenAt)
    for statement in try venue.statements(from: [body], account: "desk") {
        for finding in venue.audit(statement, rulesAt: world.ledgerTime()) {
            print("audit", finding.field, finding.verdict.rawValue)
        }
    }
}
if let snapshot = world.snapshot(of: "desk") {
    for figure in try venue.explain(snapshot, through: world) {
        print("explain", figure.path, "=", figure.value, "by", figure.formula)
    }
}
