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
        let (model, snapshot, access) = try await valued(account, asOf: nil)
        let shocks = try Self.shocks(body, model: model, snapshot: snapshot)
        do {
            var writer = JSONWriter(reserving: 4096 * (shocks.count + 1))
            writer.beginObject()
            writer.key("account")
            writer.string(account.id)
            writer.key("venue")
            writer.string(account.venue.rawValue)
            writer.key("at")
            writer.integer(snapshot.at.milliseconds)
            writer.key("unshocked")
            writer.beginObject()
            try Self.write(snapshot, model, access, to: &writer)
            writer.endObject()
            writer.key("shocks")
            writer.beginArray()
            for shock in shocks {
                writer.beginObject()
                writer.key("target")
                writer.string(shock.target)
                writer.key("change")
                writer.quoted(shock.change)
                try Self.write(snapshot.shocked(by: [shock], judge: model), model, access, to: &writer)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            return Reply(body: writer.bytes)
        } catch {
            throw Self.figureProblem(error)
        }
    }

    /// What liquidation is decided by, and the venue's own body.
    private static func write(
        _ snapshot: AccountSnapshot, _ model: any VenueModel, _ access: any VenueAccess,
        to writer: inout JSONWriter
    ) throws {
        writer.key("margin")
        if let health = try model.health(of: snapshot) {
            writer.beginObject()
            writer.key("equity")
            writer.quoted(health.equity)
            writer.key("maintenance")
            writer.quoted(health.maintenance)
            writer.key("unit")
            writer.string(health.unit)
            writer.key("is_liquidated")
            writer.bool(health.isLiquidated)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.key("statement")
        writer.raw(try model.statement(of: snapshot, query: [], through: access))
    }

    // MARK: - Reading

    private static func shocks(
        _ body: JSONValue, model: any VenueModel, snapshot: AccountSnapshot
    ) throws(Problem) -> [Shock] {
        guard let object = body.object else {
            throw Problem(400, "invalid_field", "The body must be an object with shocks.")
        }
        for (key, _) in object.members where key != "shocks" {
            throw Problem(
                400, "unknown_field", "A stress has no field \(key.prefix(64)).",
                field: String(key.prefix(64)))
        }
        guard let elements = body["shocks"]?.elements, (1...shockLimit).contains(elements.count) else {
            throw Problem(
                400, "invalid_field", "shocks must be a list of 1 to \(shockLimit) shocks.", field: "shocks")
        }
        var shocks: [Shock] = []
        for (place, element) in elements.enumerated() {
            shocks.append(try shock(element, field: "shocks[\(place)]", model: model, snapshot: snapshot))
        }
        return shocks
    }

    private static func shock(
        _ value: JSONValue, field: String, model: any VenueModel, snapshot: AccountSnapshot
    ) throws(Problem) -> Shock {
        guard let object = value.object else {
            throw Problem(400, "invalid_field", "\(field) must be an object.", field: field)
        }
        for (key, _) in object.members where key != "target" && key != "change" {
            throw Problem(
                400, "unknown_field", "A shock has no field \(key.prefix(64)).",
                field: "\(field).\(key.prefix(64))")
        }
        guard let target = value["target"]?.text else {
            throw Problem(
                400, "invalid_field", "\(field).target must be an asset or an instrument.",
                field: "\(field).target")
        }
        let isUsed =
            (snapshot.account.positions.map(\.instrument) + snapshot.account.orders.map(\.instrument))
            .contains { $0.base == target || $0.name == target }
        guard
            isUsed || model.knowsAsset(target, at: snapshot.at)
                || model.instrument(target, at: snapshot.at) != nil
                || model.market(snapshot.prices, at: snapshot.at).index(target) != nil
        else {
            throw Problem(
                409, "unknown_target",
                "\(model.name) knows neither an asset nor an instrument \(target.prefix(64)).",
                field: "\(field).target")
        }
        guard let text = value["change"]?.text, let change = try? ExactDecimal(text),
            change > -ExactDecimal.one
        else {
            throw Problem(
                400, "invalid_amount", "\(field).change must be a decimal above -1, such as \"-0.10\".",
                field: "\(field).change")
        }
        return Shock(target: target, change: change)
    }
}
