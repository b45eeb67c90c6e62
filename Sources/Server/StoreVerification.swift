import Engine
import Foundation
import Journal

/// What checking a store has found, for the command line.
public struct StoreVerification: Sendable {
    /// Events that were replayed.
    public let events: Int64
    /// Accounts that they make.
    public let accounts: Int
    /// Account snapshots that were compared with the replayed accounts.
    public let snapshots: Int
    /// One sentence for everything that is not as it should be.
    public let problems: [String]

    /// Replays a store's journal and compares it with its checksums and snapshots; changes nothing, and works
    /// beside a running server.
    public init(checking address: StoreAddress) async throws(ProgramError) {
        if case .sqlite(let path) = address, !FileManager.default.fileExists(atPath: path) {
            throw ProgramError(.unavailable, "There is no store \(path): check the path.")
        }
        do throws(JournalError) {
            let store = try openJournal(address.location, access: .readOnly)
            let report = try await verifyJournal(store)
            try store.close()
            events = report.events
            accounts = report.accounts
            snapshots = report.snapshots
            problems = report.problems
        } catch {
            throw ProgramError(error)
        }
    }
}
