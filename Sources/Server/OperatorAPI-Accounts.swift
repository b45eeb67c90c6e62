import Engine
import JSON
import Ledger
import Venue

extension OperatorAPI {
    /// Every account in short, in the order of opening.
    func accounts(_ call: Call) async throws -> Reply {
        try call.allow(["as_of"])
        let time = try call.time("as_of")
        return try await slowly {
            let found = try await engine.summaries(asOf: time)
            var writer = JSONWriter(reserving: 64 + 160 * found.count)
            writer.beginObject()
            writer.beginArray("accounts")
            for (place, account) in found.enumerated() {
                Self.writeSummary(of: account, to: &writer)
                if place % 1_000 == 999 { try await SlowWork.giveWay() }
            }
            writer.endArray()
            writer.endObject()
            return Reply(body: writer.bytes)
        }
    }

    private static func writeSummary(of account: AccountSummary, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("account", account.id)
        writer.member("venue", account.venue.rawValue)
        if let parent = account.parent {
            writer.member("parent", parent)
        }
        writer.member("opened_at", account.openedAt.milliseconds)
        writer.member("updated_at", account.updatedAt.milliseconds)
        writer.member("version", account.version)
        writer.member("last_sequence", account.lastSequence)
        writer.endObject()
    }

    /// The ledger's own state of one account, now or at a time.
    func account(_ call: Call) async throws -> Reply {
        try call.allow(["as_of"])
        let account = try await self.account(call, asOf: try call.time("as_of"))
        return .json { account.write(to: &$0) }
    }

    func account(_ call: Call, asOf time: LedgerTime?) async throws -> Account {
        let present = try existing(call)
        guard let time else { return present }
        let past = try await slowly { try await engine.account(call.account, asOf: time) }
        guard let past else {
            throw Problem(
                404, "unknown_account", "The account \(call.account) was not open yet at \(time.iso8601).",
                field: "as_of")
        }
        return past
    }

    /// The body that the venue's account endpoint would answer, byte for byte; that endpoint's parameters are
    /// taken, and no other venue's.
    func statement(_ call: Call) async throws -> Reply {
        let account = try existing(call)
        let own = engine.venues[account.venue].map { type(of: $0).accountParameters } ?? []
        try call.allow(["as_of", "rules_at"] + own.map(\.name))
        // What is now is worked out at once; only the past has to be read.
        guard let time = try call.time("as_of") else { return try await statement(call, of: account) }
        return try await slowly { try await statement(call, of: account, asOf: time) }
    }

    private func statement(
        _ call: Call, of account: Account, asOf time: LedgerTime? = nil
    ) async throws -> Reply {
        let query = call.query.filter { $0.name != "as_of" && $0.name != "rules_at" }
        let (model, found, access) = try await valued(account, asOf: time)
        // The rules may be those of another day than the account and its prices.
        let rulesTime = try call.time("rules_at") ?? found.at
        let snapshot = AccountSnapshot(account: found.account, prices: found.prices, at: rulesTime)
        do {
            return Reply(body: try model.accountBody(of: snapshot, query: query, through: access))
        } catch let error as StatementError {
            // What the venue does not know is not there: neither is a statement of it.
            throw Problem(404, "invalid_parameter", Self.sentence(error.message), field: error.field)
        } catch {
            throw Self.figureProblem(error)
        }
    }

    /// A message with its full stop.
    private static func sentence(_ message: String) -> String {
        message.hasSuffix(".") ? message : message + "."
    }

    /// The journal of one account.
    func events(_ call: Call) async throws -> Reply {
        try call.allow(["after", "limit"])
        let after = try call.integer("after", in: 0...Int64.max, fallback: 0)
        let limit = try call.integer("limit", in: 1...1000, fallback: 100)
        let account = try existing(call)
        return try await slowly {
            try await events(of: account.id, after: after, limit: Int(limit))
        }
    }

    private func events(of account: String, after: Int64, limit: Int) async throws -> Reply {
        let events = try await engine.events(of: account, after: after, limit: limit)
        return .json { writer in
            writer.beginObject()
            writer.array("events", of: events) { event, writer in
                writer.beginObject()
                event.writeMembers(to: &writer)
                writer.endObject()
            }
            writer.endObject()
        }
    }
}

extension StoredEvent {
    /// Writes what the journal keeps of it.
    func writeMembers(to writer: inout JSONWriter) {
        writer.member("sequence", sequence)
        writer.member("at", at.milliseconds)
        writer.key("account")
        if let account { writer.string(account) } else { writer.null() }
        writer.key("counterparty")
        if let counterparty { writer.string(counterparty) } else { writer.null() }
        writer.member("type", type)
        writer.key("command_id")
        if let commandID { writer.string(commandID) } else { writer.null() }
        writer.member("body", raw: body)
    }
}
