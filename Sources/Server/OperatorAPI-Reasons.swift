import Engine
import JSON
import Ledger
import Numbers
import Venue

/// Saying why: what brought an event about and what it changed, and the life of an order.
extension OperatorAPI {
    /// Events that are looked through at once.
    private static let lot = 1_000

    // MARK: - An event

    /// Why an event of the account, or of its venue's market, came about, what it changed of the account and
    /// with which prices and rules that was worked out.
    func reason(ofEvent sequence: Int64, _ account: Account) async throws -> Reply {
        guard let told = try await engine.event(sequence), told.concerns(account) else {
            throw Problem(
                404, "unknown_event",
                "Event \(sequence) is not there, or is none of account \(account.id) and its market.",
                field: "event")
        }
        let cause = try await cause(of: told)
        let effect = try await effect(of: told, account)
        let following = try await engine.toldEvents(of: account.id, after: sequence, limit: Self.lot)
            .filter { $0.event.cause == sequence }
        return .json { writer in
            writer.beginObject()
            writer.member("account", account.id)
            writer.member("venue", account.venue.rawValue)
            writer.beginObject("event")
            told.stored.writeMembers(to: &writer)
            writer.endObject()
            writer.key("cause")
            cause.write(to: &writer)
            effect.write(to: &writer)
            writer.array("consequences", of: following) { told, writer in
                writer.beginObject()
                told.stored.writeMembers(to: &writer)
                writer.endObject()
            }
            writer.endObject()
        }
    }

    private func cause(of told: ToldEvent) async throws -> EventCause {
        if let sequence = told.event.cause, let cause = try await engine.event(sequence) {
            return .event(cause)
        }
        return told.event.body.isOfTime ? .time : .command(told.stored.commandID)
    }

    /// The account right before an event and right after it.
    private func effect(of told: ToldEvent, _ account: Account) async throws -> EventEffect {
        guard let model = engine.venues[account.venue] else { throw noAccount(account.id) }
        let event = told.event
        let before = try await moment(of: account, upTo: event.sequence - 1, at: event.at, model)
        let after = try await moment(of: account, upTo: event.sequence, at: event.at, model)
        return EventEffect(of: event, before, after, model)
    }

    private func moment(
        of account: Account, upTo sequence: Int64, at time: LedgerTime, _ model: any VenueServer
    ) async throws -> AccountMoment? {
        let access = try await engine.access(
            for: account.venue, upTo: sequence, at: time, of: account.id)
        guard let snapshot = access.snapshot(of: account.id) else { return nil }
        do {
            return AccountMoment(
                snapshot: snapshot, figures: try model.explain(snapshot, through: access), complaint: nil)
        } catch let error as FigureError {
            return AccountMoment(snapshot: snapshot, figures: [], complaint: error.description)
        } catch let error as NumberError {
            return AccountMoment(
                snapshot: snapshot, figures: [], complaint: FigureError.number(error).description)
        }
    }

    // MARK: - An order

    /// The life of an order or conditional order as events, each with its cause; what held when it was
    /// accepted.
    func reason(ofOrder id: String, _ account: Account) async throws -> Reply {
        guard let model = engine.venues[account.venue] else { throw noAccount(account.id) }
        let subject = try await engine.access(for: account.venue).answer(fromHistoryOf: account.id) {
            try OrderSubject(id, of: account, $0, model)
        }
        guard let subject else {
            throw Problem(
                404, "unknown_order",
                "Account \(account.id) has no order \(id.prefix(64)).",
                field: "order")
        }
        let events = try await life(of: subject, account)
        var causes: [EventCause] = []
        for told in events { causes.append(try await cause(of: told)) }
        let accepted = events.first { $0.event.body.takesOrder }
        let effect: EventEffect? =
            if let accepted { try await self.effect(of: accepted, account) } else { nil }
        return .json { writer in
            writer.beginObject()
            writer.member("account", account.id)
            writer.member("venue", account.venue.rawValue)
            writer.key("order")
            if let record = subject.record { record.write(to: &writer) } else { writer.null() }
            if let accepted, let effect {
                writer.beginObject("acceptance")
                writer.member("sequence", accepted.event.sequence)
                writer.member("at", accepted.event.at.milliseconds)
                effect.write(to: &writer)
                writer.array("checks", of: effect.checks(type(of: model).acceptanceFigures)) {
                    $0.write(to: &$1)
                }
                writer.endObject()
            }
            writer.array("events", of: zip(events, causes)) { told, writer in
                writer.beginObject()
                told.0.stored.writeMembers(to: &writer)
                writer.key("cause")
                told.1.write(to: &writer)
                writer.endObject()
            }
            writer.endObject()
        }
    }

    /// The events of an order's life, and of the conditional order's that placed it.
    private func life(of subject: OrderSubject, _ account: Account) async throws -> [ToldEvent] {
        var life: [ToldEvent] = []
        var place = subject.start
        while true {
            let told = try await engine.toldEvents(of: account.id, after: place, limit: Self.lot)
            for one in told {
                if let end = subject.end, one.event.at > end { return life }
                guard subject.isOf(one.event) else { continue }
                // The operator may have used a name before: the last order of that name is meant.
                if case .orderPlaced = one.event.body, subject.conditional == nil { life = [] }
                life.append(one)
            }
            guard told.count == Self.lot, let last = told.last else { return life }
            place = last.event.sequence
        }
    }
}
