import Desk
import Foundation
import Ledger
import Venue
import Venues

// Holds a balance that OKX answered against OKX's own formulas: `DeskExample BODY`.
guard CommandLine.arguments.count == 2 else { fatalError("usage: DeskExample BODY") }
let content = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
guard let kind = Venues.client(VenueName(rawValue: "okx")) else { fatalError("OKX is one of the venues.") }
let okx = try kind.init(addedRulebooks: [], profile: .documented)
let body = RecordedBody(call: "balance", bytes: Array(content), takenAt: 1_780_272_000_000)
let report = AuditReport(try okx.statements(from: [body], account: "desk"), by: okx)
for (verdict, count) in report.counts { print(verdict.rawValue, count) }
