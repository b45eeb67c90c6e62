import Engine
import JSON
import Ledger
import Numbers
import Venue

extension OperatorAPI {
    /// The most shocks of one request.
    static let shockLimit = 1_000

    /// The account's figures under each of several shocks; nothing is stored.
    func stress(_ call: Call) async throws -> Reply {
        let account = try existing(call)
        try call.allow([])
        let body = try await jsonBody(call)
        return try await slowly { try await stress(account, body) }
    }

    private func stress(_ account: Account, _ body: JSONValue) async throws -> Reply {
        let (model, snapshot, access) = try await valued(account, asOf: nil)
        let shocks = try Self.shocks(body, model: model, snapshot: snapshot)
        do {
            var writer = JSONWriter(reserving: 4096 * (shocks.count + 1))
            writer.beginObject()
            writer.member("account", account.id)
            writer.member("venue", account.venue.rawValue)
            writer.member("at", snapshot.at.milliseconds)
            writer.beginObject("unshocked")
            try Self.write(snapshot, model, access, to: &writer)
            writer.endObject()
            writer.beginArray("shocks")
            for shock in shocks {
                writer.beginObject()
                Self.write(shock, to: &writer)
                let after = try shock.applied(to: snapshot, at: model)
                try Self.write(after.snapshot, after.model, access, to: &writer)
                writer.endObject()
                try await SlowWork.giveWay()
            }
            writer.endArray()
            writer.endObject()
            return Reply(body: writer.bytes)
        } catch let error as RulebookError {
            throw Problem(
                409, "invalid_rules", "These rules cannot be used: \(error).", field: "rules.\(error.field)")
        } catch {
            throw Self.figureProblem(error)
        }
    }

    /// A shock as it was asked for.
    private static func write(_ shock: Shock, to writer: inout JSONWriter) {
        switch shock {
        case .price(let target, let change):
            writer.member("target", target)
            writer.member("change", quoted: change)
        case .funding(let instrument, let rate):
            writer.member("target", instrument)
            writer.member("funding", quoted: rate)
        case .rules(let amendment):
            writer.member("rules", amendment)
        }
    }

    /// What liquidation is decided by, and the venue's own body.
    private static func write(
        _ snapshot: AccountSnapshot, _ model: any VenueServer, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) throws {
        writer.key("margin")
        if let health = try model.health(of: snapshot) {
            writer.beginObject()
            writer.member("equity", quoted: health.equity)
            writer.member("maintenance", quoted: health.maintenance)
            writer.member("unit", health.unit)
            writer.member("is_liquidated", health.isLiquidated)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.member("statement", raw: try model.accountBody(of: snapshot, query: [], through: access))
    }

    // MARK: - Reading

    private static func shocks(
        _ body: JSONValue, model: any VenueServer, snapshot: AccountSnapshot
    ) throws -> [Shock] {
        let reader = try FieldReader(body, subject: "stress")
        try reader.allow(["shocks"])
        let elements = try reader.elements("shocks")
        guard (1...shockLimit).contains(elements.count) else {
            throw reader.wrong("shocks", "a list of 1 to \(shockLimit) shocks")
        }
        return try elements.enumerated().map { place, element in
            try shock(element, field: "shocks[\(place)]", model: model, snapshot: snapshot)
        }
    }

    /// Reads one shock: `target` with `change` or `funding`, or `rules` alone.
    private static func shock(
        _ value: JSONValue, field: String, model: any VenueServer, snapshot: AccountSnapshot
    ) throws -> Shock {
        let reader = try FieldReader(value, subject: field, at: "\(field).")
        try reader.allow(["target", "change", "funding", "rules"])
        let isOfRules = reader.has("rules")
        for (one, other) in [
            ("rules", "target"), ("rules", "change"), ("rules", "funding"), ("funding", "change"),
        ]
        where reader.has(one) && reader.has(other) {
            throw Refusal(
                .invalidField, "\(field): \(one) and \(other) do not go together.", field: "\(field).\(one)")
        }
        if isOfRules {
            guard let amendment = reader.value("rules"), amendment.object != nil else {
                throw reader.wrong("rules", "an object")
            }
            return .rules(amendment: amendment)
        }
        let target = try reader.text("target")
        try checkTarget(target, field: "\(field).target", model: model, snapshot: snapshot)
        if reader.has("funding") {
            return .funding(instrument: target, rate: try reader.share("funding"))
        }
        let change = try reader.share("change")
        guard change > -ExactDecimal.one else {
            throw Refusal(
                .invalidAmount, "\(field): change must be above -1, which is -100%.", field: "\(field).change"
            )
        }
        return .price(target: target, change: change)
    }

    private static func checkTarget(
        _ target: String, field: String, model: any VenueServer, snapshot: AccountSnapshot
    ) throws(Problem) {
        let used = snapshot.account.positions.map(\.instrument) + snapshot.account.orders.map(\.instrument)
        let isKnown =
            used.contains { $0.base.isExactly(target) || $0.name.isExactly(target) }
            || model.knowsAsset(target, at: snapshot.at) || model.instrument(target, at: snapshot.at) != nil
            || model.market(snapshot.prices, at: snapshot.at).index(target) != nil
        guard isKnown else {
            throw Problem(
                409, "unknown_target",
                "\(model.name) knows neither an asset nor an instrument \(target.prefix(64)).", field: field)
        }
    }
}
