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
            write(health, to: &writer)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.array("isolated", of: try model.isolatedHealth(of: snapshot)) { position, writer in
            writer.beginObject()
            writer.member("instrument", position.instrument)
            writer.member("position_side", position.side.rawValue)
            write(position.health, to: &writer)
            writer.endObject()
        }
        writer.member("statement", raw: try model.accountBody(of: snapshot, query: [], through: access))
    }

    private static func write(_ health: MarginHealth, to writer: inout JSONWriter) {
        writer.member("equity", quoted: health.equity)
        writer.member("maintenance", quoted: health.maintenance)
        writer.member("unit", health.unit)
        writer.member("is_liquidated", health.isLiquidated)
    }

    // MARK: - Reading

    private static func shocks(
        _ body: JSONValue, model: any VenueServer, snapshot: AccountSnapshot
    ) throws -> [Shock] {
        let shocks = try stressForm.read(body, subject: "stress")
        for (place, shock) in shocks.enumerated() {
            switch shock {
            case .price(let target, _), .funding(let target, _):
                try checkTarget(target, field: "shocks[\(place)].target", model: model, snapshot: snapshot)
            case .rules: break
            }
        }
        return shocks
    }

    /// What is asked of a stress. The reader, its refusals, the OpenAPI document and the page
    /// docs/operator-api.md are made of these tables.
    static let stressForm: Form<[Shock]> = Form(
        "What an account is put under, each by itself.",
        Field<[Shock]>.objects(
            "shocks", of: .oneOf([shockForm.description]), 1...shockLimit, "The shocks."
        ) { reader throws(Refusal) in try shockForm.read(reader) }
    ) { $0 }

    static let shockForm: Form<Shock> = Form(
        "A target with its change or one funding payment, or other rules.",
        rules: [.one(["target", "rules"]), .one(["change", "funding", "rules"])],
        Field.label("target", "An asset or an instrument.").optional,
        Field("change", .share, "What becomes of its prices, above -1: `\"-0.10\"` or `\"-10%\"`.") {
            reader, name throws(Refusal) in
            let change = try reader.share(name)
            if change > -ExactDecimal.one { return change }
            throw reader.wrong(name, "above -1, which is -100%", .invalidAmount)
        }.optional,
        Field.share("funding", "One funding payment of the instrument, at this rate.").optional,
        Field("rules", .object, "Other values in the rules in force, as a rulebook file spells them.") {
            reader, name throws(Refusal) in
            let rules = try reader.required(name)
            if rules.object != nil { return rules }
            throw reader.wrong(name, "an object")
        }.optional
    ) { target, change, funding, rules in
        if let rules { return .rules(amendment: rules) }
        let target = target ?? ""
        return funding.map { .funding(instrument: target, rate: $0) }
            ?? .price(target: target, change: change ?? .zero)
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
