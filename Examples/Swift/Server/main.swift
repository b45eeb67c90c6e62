import JSON
import Ledger
import Logging
import Server

// A venue of one's own for a test: in memory, on a free port, with the demonstration's accounts.
var options = ServeOptions()
options.listen = ListenAddress(host: "127.0.0.1", port: 0)
options.store = .memory
options.adminToken = "example-token"
options.ledgerTime = LedgerTime(milliseconds: 1_780_272_000_000)
var logger = Logger(label: "example")
logger.logLevel = .error
let server = MarginaliaServer(
    options: options, scenarios: [try MarginaliaServer.demonstration()], logger: logger)

let (addresses, ready) = AsyncStream.makeStream(of: String.self)
let running = Task { try await server.run { ready.yield($0.url) } }
for await address in addresses {
    let connection = try OperatorConnection(url: address, token: "example-token")
    let answer = try await connection.call("GET", "/admin/v1/accounts")
    print(answer.body["accounts"]?.elements?.count ?? 0, "accounts")
    break
}
running.cancel()
