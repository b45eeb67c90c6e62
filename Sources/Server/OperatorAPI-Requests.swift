import JSON
import Ledger
import Venue

extension OperatorAPI {
    /// What venues' clients called, in the order of the answers.
    func requests(_ call: Call) throws -> Reply {
        try call.allow(["after", "limit"])
        let after = try call.integer("after", in: 0...Int64.max, fallback: 0)
        let limit = try call.integer("limit", in: 1...Int64(RequestLog.limit), fallback: 1_000)
        let (entries, last) = requestLog.entries(after: after, limit: Int(limit))
        return .json { writer in
            writer.beginObject()
            writer.array("requests", of: entries) { entry, writer in Self.write(entry, to: &writer) }
            writer.member("last", last)
            writer.endObject()
        }
    }

    private static func write(_ entry: RequestLog.Entry, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", entry.id)
        writer.member("time", entry.time)
        writer.member("venue", entry.venue.rawValue)
        writer.member("method", entry.method)
        writer.member("path", entry.path)
        writer.key("account")
        if let account = entry.account { writer.string(account) } else { writer.null() }
        writer.member("status", Int64(entry.status))
        writer.key("refusal")
        if let refusal = entry.refusal {
            writer.beginObject()
            writer.member("code", refusal.code)
            writer.member("message", refusal.message)
            writer.member("served", !refusal.isOfUnservedPath)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.endObject()
    }

    /// Forgets what was called.
    func clearRequests(_ call: Call) throws -> Reply {
        try call.allow([])
        requestLog.clear()
        return .noContent
    }
}
