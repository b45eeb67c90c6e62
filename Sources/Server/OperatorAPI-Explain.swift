import Engine
import JSON
import Ledger
import Numbers
import Venue

extension OperatorAPI {
    /// Why each figure of the account is what it is; one figure, or all of a name, with `field`. With `order`
    /// or `event`, why that is what it is.
    func explain(_ call: Call) async throws -> Reply {
        let account = try existing(call)
        try call.allow(["field", "as_of", "order", "event"])
        for (name, value) in [("order", call.query["order"]), ("event", call.query["event"])]
        where value != nil && call.query.count > 1 {
            throw Problem.parameter(name, "stands alone")
        }
        if let order = call.query["order"] {
            return try await slowly { try await reason(ofOrder: order, account) }
        }
        if call.query["event"] != nil {
            let sequence = try call.integer("event", in: 1...Int64.max, fallback: 1)
            return try await slowly { try await reason(ofEvent: sequence, account) }
        }
        let time = try call.time("as_of")
        return try await slowly { try await explain(account, asOf: time, field: call.query["field"]) }
    }

    private func explain(
        _ account: Account, asOf time: LedgerTime?, field: String?
    ) async throws -> Reply {
        let (model, snapshot, access) = try await valued(account, asOf: time)
        var explanations: [Explanation]
        do { explanations = try model.explain(snapshot, through: access) } catch {
            throw Self.figureProblem(error)
        }
        if let field {
            let names = explanations.map(\.field)
            explanations.removeAll { $0.field != field && $0.path != field }
            guard !explanations.isEmpty else {
                throw Problem(
                    404, "unknown_figure",
                    "The account \(account.id) has no figure \(field.prefix(128)) at present."
                        + NearestName.question(field, among: names),
                    field: "field")
            }
        }
        let rulebook =
            model.rulebookVersions.last { $0.effective <= snapshot.at } ?? model.rulebookVersions.first
        return .json { writer in
            writer.beginObject()
            writer.member("account", account.id)
            writer.member("venue", account.venue.rawValue)
            writer.member("at", snapshot.at.milliseconds)
            if let rulebook { Self.write(rulebook, to: &writer) }
            writer.array("figures", of: explanations) { explanation, writer in explanation.write(to: &writer)
            }
            writer.endObject()
        }
    }

    static func write(_ rulebook: RulebookHeader, to writer: inout JSONWriter) {
        writer.beginObject("rulebook")
        writer.member("effective", rulebook.effectiveText)
        writer.member("source", rulebook.source)
        writer.member("read_on", rulebook.readOn)
        writer.endObject()
    }

    /// An account with the market it is valued in, now or at a time.
    func valued(
        _ account: Account, asOf time: LedgerTime?
    ) async throws -> (any VenueServer, AccountSnapshot, any VenueAccess) {
        guard let model = engine.venues[account.venue] else { throw noAccount(account.id) }
        let access: any VenueAccess
        if let time {
            access = try await engine.access(for: account.venue, asOf: time, accounts: [account.id])
        } else {
            access = engine.access(for: account.venue)
        }
        guard let snapshot = access.snapshot(of: account.id) else {
            throw Problem(
                404, "unknown_account", "The account \(account.id) was not open yet at that time.",
                field: "as_of")
        }
        return (model, snapshot, access)
    }

    /// A figure that cannot be worked out, as a problem.
    static func figureProblem(_ error: any Error) -> any Error {
        switch error {
        case let error as FigureError: Problem(409, "figure_unavailable", error.description)
        case let error as NumberError:
            Problem(409, "figure_unavailable", FigureError.number(error).description)
        default: error
        }
    }
}
