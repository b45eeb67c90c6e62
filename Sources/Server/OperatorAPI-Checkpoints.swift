import Engine
import JSON
import Ledger
import Logging

extension OperatorAPI {
    /// Empties the ledger: no accounts, no events, no keys, and the clock where that of a new ledger begins.
    func reset(_ call: Call) async throws -> Reply {
        try call.allow([])
        try await requireNoFields(call)
        try requireResets()
        try await engine.reset()
        logger.notice("the ledger was emptied")
        return .json { writer in
            writer.beginObject()
            writer.member("sequence", 0)
            writer.member("accounts", 0)
            writer.member("now", engine.clock.now().milliseconds)
            writer.endObject()
        }
    }

    /// Keeps the ledger as it is under a name.
    func keepCheckpoint(_ call: Call) async throws -> Reply {
        try call.allow([])
        try await requireNoFields(call)
        try requireResets()
        let name = try Self.checkpointName(call)
        let checkpoint = try await engine.checkpoint()
        let isNew = try checkpoints.keep(checkpoint, as: name)
        return .json(status: isNew ? 201 : 200) { Self.write(checkpoint, name, to: &$0) }
    }

    /// Brings back the ledger as it was kept under a name.
    func restoreCheckpoint(_ call: Call) async throws -> Reply {
        try call.allow([])
        try await requireNoFields(call)
        try requireResets()
        let checkpoint = try checkpoints.checkpoint(call.account)
        try await engine.restore(checkpoint)
        logger.notice("a checkpoint was restored", metadata: ["name": "\(call.account)"])
        return .json { Self.write(checkpoint, call.account, to: &$0) }
    }

    /// All checkpoints, or the one that the path names.
    func listCheckpoints(_ call: Call) throws -> Reply {
        try call.allow([])
        if let name = call.names.first {
            let checkpoint = try checkpoints.checkpoint(name)
            return .json { Self.write(checkpoint, name, to: &$0) }
        }
        return .json { writer in
            writer.beginObject()
            writer.beginArray("checkpoints")
            for (name, checkpoint) in checkpoints.all { Self.write(checkpoint, name, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }

    /// Lets go of a checkpoint, or of all.
    func deleteCheckpoints(_ call: Call) throws -> Reply {
        try call.allow([])
        if let name = call.names.first { try checkpoints.remove(name) } else { checkpoints.removeAll() }
        return .noContent
    }

    private func requireResets() throws(Problem) {
        if checkpoints.isAllowed { return }
        throw Problem(
            403, "reset_not_allowed",
            "This ledger is kept: only a server with --demo, --store memory: or --allow-reset empties it or "
                + "puts it back.")
    }

    private static func checkpointName(_ call: Call) throws(Problem) -> String {
        let name = call.account
        guard name.isPlainName else {
            throw Problem(
                400, "invalid_parameter",
                "A checkpoint's name has 1 to 64 letters, digits, dots, dashes or underscores.",
                field: "name")
        }
        return name
    }

    private static func write(
        _ checkpoint: LedgerCheckpoint, _ name: String, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("name", name)
        writer.member("sequence", checkpoint.sequence)
        writer.member("accounts", Int64(checkpoint.accounts))
        writer.member("now", checkpoint.now.milliseconds)
        writer.member("bytes", Int64(checkpoint.size))
        writer.endObject()
    }
}
