import Engine
import Foundation
import JSON
import Journal
import Ledger
import Testing
import Venue
import VenueTestSupport

/// A folder that is gone with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "marginalia-engine-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var location: String { "sqlite:\(path)/ledger.db" }
}

/// Lets a thread's time go by while a test waits for another one.
func pause() { usleep(500) }

/// Waits for something that another task is about to do.
func wait(for condition: () async -> Bool) async throws {
    for _ in 0..<20_000 {
        if await condition() { return }
        try await Task.sleep(for: .microseconds(500))
    }
    Issue.record("what was waited for did not happen")
}

let noon = LedgerTime(milliseconds: 1_780_315_200_000)

/// An engine with the test venue, its clock standing at noon.
func engine(
    _ store: any JournalStore, upkeepInterval: Int = 50_000, groupLimit: Int = 4_000
) async throws -> LedgerEngine {
    var options = EngineOptions()
    options.upkeepInterval = upkeepInterval
    options.groupLimit = groupLimit
    return try await LedgerEngine.open(
        store: store, venues: [TestVenue()], clock: .standing(at: noon), enforcesRateLimits: true,
        options: options)
}

func engine(_ folder: TemporaryFolder) async throws -> LedgerEngine {
    try await engine(openJournal(folder.location))
}

func submission(_ text: String) throws -> Submission { Submission(decoding: try JSONValue(parsing: text)) }

extension LedgerEngine {
    /// Applies commands written as JSON; what each came to.
    @discardableResult
    func apply(_ texts: String...) async throws -> [CommandResult.Status] {
        switch await submit(try texts.map { try submission($0) }) {
        case .results(let results): return results.map(\.status)
        case .refused(let index, let refusal):
            Issue.record("refused at \(index): \(refusal)")
            return []
        }
    }

    /// Everything that readers can see of the ledger, as text.
    var visible: String {
        var bytes: [UInt8] = []
        for id in accountIDs { account(id)?.append(to: &bytes) }
        let prices = prices(of: TestVenue.name)
        let points = (prices.marks.map { ($0.key, $0.value) } + prices.index.map { ($0.key, $0.value) })
            .map { "\($0.0)=\($0.1)" }.sorted()
        let families = accountIDs.map { "\($0):\(subaccounts(of: $0))" }
        return String(decoding: bytes, as: UTF8.self) + "\(points) \(families) \(statistics.sequence)"
    }
}

extension CommandResult.Status {
    var refusalCode: Refusal.Code? { if case .rejected(let refusal) = self { refusal.code } else { nil } }
}

func open(_ account: String, parent: String? = nil) -> String {
    let parent = parent.map { #","parent":"\#($0)""# } ?? ""
    return #"{"type":"open_account","account":"\#(account)","venue":"testing"\#(parent)}"#
}

func deposit(_ account: String, _ amount: String, id: String? = nil) -> String {
    let id = id.map { #","id":"\#($0)""# } ?? ""
    return #"{"type":"deposit","account":"\#(account)","asset":"USD","amount":"\#(amount)"\#(id)}"#
}

func buy(_ account: String, _ instrument: String, _ quantity: String, at price: String) -> String {
    """
    {"type":"fill","account":"\(account)","instrument":"\(instrument)","side":"buy",
    "quantity":"\(quantity)","price":"\(price)","fee":"1"}
    """
}

/// A little of everything: two accounts of a family, a trade, an order, prices, and two commands with ids.
let story = [
    open("main"), open("sub", parent: "main"), deposit("main", "1000", id: "first"),
    #"{"type":"transfer","account":"main","to":"sub","asset":"USD","amount":"250.5"}"#,
    #"{"type":"prices","venue":"testing","marks":{"BTC-PERP":"60000"},"index":{"BTC":"60010"}}"#,
    buy("sub", "BTC-PERP", "0.5", at: "59000"),
    """
    {"type":"place_order","account":"sub","order_id":"o1","instrument":"BTC-PERP","side":"sell",
    "quantity":"0.1","price":"61000"}
    """,
    #"{"type":"configure","account":"main","settings":{"hedge":true}}"#,
    #"{"type":"withdraw","account":"main","asset":"USD","amount":"1","fee":"0.5","id":"second"}"#,
    #"{"type":"prices","venue":"testing","marks":{"BTC-PERP":"60500"}}"#,
]

extension LedgerEngine {
    /// Applies the story; every command of it is taken.
    func tellStory() async throws {
        for text in story {
            let status = try await apply(text)
            guard case .applied = status.first else {
                Issue.record("\(text) came to \(status)")
                continue
            }
        }
    }
}
