import Engine
import Foundation
import Journal

/// A copy of a store, checked before anybody may rely on it.
public struct StoreBackup: Sendable {
    /// What the check of the copy counted.
    public let check: VerificationReport
    /// The last event of the copy.
    public let tip: JournalTip
    /// How large the copy is.
    public let bytes: Int64

    /// Copies a store to a path where nothing is yet, also beside a running server: everything that was
    /// durable when it began, in one file of mode 0600. The copy is checked as `verify` does before it gets
    /// its name; where anything is wrong, nothing is left.
    public init(of address: StoreAddress, to path: String) async throws(ProgramError) {
        guard case .sqlite(let source) = address else {
            throw ProgramError(.usage, "A store in memory cannot be backed up: give --store sqlite:PATH.")
        }
        guard !Self.isThere(path) else {
            throw ProgramError(
                .usage, "There is something at \(path) already: give another --to, or move it away.")
        }
        guard FileManager.default.fileExists(atPath: source) else {
            throw ProgramError(.unavailable, "There is no store \(source): check the path.")
        }
        let made = "\(path).\(UInt32.random(in: 0 ... .max)).part"
        defer { for end in ["", "-journal", "-wal", "-shm"] { unlink(made + end) } }
        do throws(JournalError) {
            let store = try openJournal(address.location, access: .readOnly)
            do throws(JournalError) { try store.copy(to: made) } catch {
                try? store.close()
                throw error
            }
            try store.close()
            let copy = try openJournal("sqlite:\(made)", access: .readOnly)
            check = try await verifyJournal(copy)
            tip = try copy.tip()
            try copy.close()
        } catch {
            throw ProgramError(error)
        }
        if let first = check.problems.first {
            throw ProgramError(
                .badData,
                "The store \(source) is damaged, so no backup was made (\(check.problems.count) findings, "
                    + "the first: \(first)) Restore it from an earlier backup.")
        }
        bytes = Self.size(of: made)
        try Self.publish(made, as: path)
    }

    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func size(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Gives the copy its name, unless something has it by now.
    private static func publish(_ made: String, as path: String) throws(ProgramError) {
        guard link(made, path) == 0 else {
            throw ProgramError(
                .unavailable,
                "The backup cannot be put at \(path): \(String(cString: strerror(errno))); give another --to."
            )
        }
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
    }
}
