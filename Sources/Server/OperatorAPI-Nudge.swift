import Engine
import JSON
import Ledger
import Numbers
import Venue

extension OperatorAPI {
    /// Brings an account to a share of its maintenance margin by moving one mark; with `dry_run`, only tells
    /// the mark.
    func nudge(_ call: Call) async throws -> Reply {
        let account = try existing(call)
        try call.allow([])
        let wish = try NudgeRequest.form.read(try await jsonBody(call), subject: "nudge")
        return try await slowly { try await nudge(account, wish) }
    }

    private func nudge(_ account: Account, _ wish: NudgeRequest) async throws -> Reply {
        let (model, snapshot, _) = try await valued(account, asOf: nil)
        let instrument: Instrument
        let found: MarginNudge?
        do {
            instrument = try Self.instrument(wish, of: snapshot, at: model)
            found = try MarginNudge(of: instrument, to: wish.share, in: snapshot, at: model)
        } catch {
            throw Self.figureProblem(error)
        }
        guard let found else {
            throw Problem(
                409, "out_of_reach",
                "No mark of \(instrument.name) within a thousand times of its own brings the account there.",
                field: "maintenance_share")
        }
        var sequence: Int64?
        if !wish.isDryRun {
            let quote = PriceTick.Quote(name: instrument.name, price: found.mark)
            sequence = try await engine.submit(
                Command(
                    account: nil,
                    content: .prices(venue: account.venue.rawValue, marks: [quote], index: [])))
        }
        return .json { Self.write(found, of: instrument, sequence: sequence, to: &$0) }
    }

    /// The instrument whose mark is moved: the one that is named, or that of the largest position.
    private static func instrument(
        _ wish: NudgeRequest, of snapshot: AccountSnapshot, at model: any VenueServer
    ) throws -> Instrument {
        let held = snapshot.account.positions.map(\.instrument)
        if let name = wish.instrument {
            guard let instrument = held.first(where: { $0.name.isExactly(name) }) else {
                throw Problem(
                    409, "unknown_instrument", "The account has no position of \(name.prefix(64)).",
                    field: "instrument")
            }
            return instrument
        }
        let market = model.market(snapshot.prices, at: snapshot.at)
        let sizes = try snapshot.account.positions.compactMap { position -> (Instrument, ExactDecimal)? in
            guard let mark = market.mark(position.instrument) else { return nil }
            let value = try Position.cost(of: position.quantity, at: mark, in: position.instrument)
                .times(position.instrument.contractValue, rounding: .halfEven)
            return (position.instrument, value.magnitude)
        }
        guard let largest = sizes.max(by: { $0.1 < $1.1 }) else {
            throw Problem(
                409, "no_position", "The account has no position with a price whose mark could be moved.")
        }
        return largest.0
    }

    private static func write(
        _ nudge: MarginNudge, of instrument: Instrument, sequence: Int64?, to writer: inout JSONWriter
    ) {
        let health = nudge.health
        writer.beginObject()
        writer.member("instrument", instrument.name)
        writer.member("mark", quoted: nudge.mark)
        writer.key("maintenance_share")
        // Against an equity of nothing, every maintenance is beyond any share.
        if health.equity.isPositive,
            let share = try? health.maintenance.over(health.equity, places: 8, rounding: .halfEven)
        {
            writer.quoted(share)
        } else {
            writer.null()
        }
        writer.member("equity", quoted: health.equity)
        writer.member("maintenance", quoted: health.maintenance)
        writer.member("unit", health.unit)
        writer.member("is_liquidated", health.isLiquidated)
        writer.key("sequence")
        if let sequence { writer.integer(sequence) } else { writer.null() }
        writer.endObject()
    }
}

/// What is asked of a nudge.
struct NudgeRequest: Sendable {
    /// Maintenance margin ÷ what backs it; above 0.
    let share: ExactDecimal
    let instrument: String?
    let isDryRun: Bool

    /// What it takes. The reader, its refusals, the OpenAPI document and the page docs/operator-api.md are
    /// made of this table.
    static let form: Form<NudgeRequest> = Form(
        "To which share of its maintenance margin an account is brought.",
        Field(
            "maintenance_share", .portion,
            "Maintenance margin ÷ what backs it, such as `\"99%\"` or `\"0.99\"`; most venues liquidate at "
                + "1. More than ten times it is written as a percentage."
        ) { reader, name throws(Refusal) in
            let share = try reader.share(name)
            // 95 for 95 % is a slip of the pen.
            let text = reader.value(name)?.text ?? ""
            if share > ExactDecimal(10), !text.hasSuffix("%") {
                throw reader.refusal(
                    .invalidAmount,
                    "\(name) \(text) would be \(text) times what backs it: write \"\(text)%\" for a "
                        + "percentage.",
                    field: name)
            }
            if share.isPositive, share <= ExactDecimal(1_000) { return share }
            throw reader.wrong(name, "above 0 and up to 1000, such as \"99%\"", .invalidAmount)
        },
        Field.label("instrument", "Whose mark is moved; that of the largest position if left out.").nullable,
        Field.flag("dry_run", "Only tells the mark.")
    ) { NudgeRequest(share: $0, instrument: $1, isDryRun: $2) }
}
