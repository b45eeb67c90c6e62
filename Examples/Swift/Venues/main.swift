import JSON
import Ledger
import Numbers
import Venue
import Venues

// An account at OKX, and how far it is from liquidation.
let name = VenueName(rawValue: "okx")
guard let kind = Venues.server(name) else { fatalError("OKX is one of the venues.") }
let okx = try kind.init(addedRulebooks: [], profile: .documented)
let now = LedgerTime(milliseconds: 1_780_272_000_000)
var ledger = LedgerState()
let commands = """
    {"type":"open_account","account":"desk","venue":"okx"}
    {"type":"deposit","account":"desk","asset":"USDT","amount":"1000"}
    {"type":"prices","venue":"okx","marks":{"BTC-USDT-SWAP":"60000"},"index":{"BTC":"60000","USDT":"1"}}
    {"type":"fill","account":"desk","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"59000"}
    """
for line in commands.split(separator: "\n") {
    let command = try Command(decoding: JSONValue(parsing: String(line)))
    _ = try ledger.accept(command, judges: [name: okx], now: now)
}
if let account = ledger.account("desk") {
    let snapshot = AccountSnapshot(account: account, prices: ledger.prices(of: name), at: now)
    if let health = try okx.health(of: snapshot) {
        print("equity \(health.equity) \(health.unit), maintenance \(health.maintenance) \(health.unit)")
    }
}
