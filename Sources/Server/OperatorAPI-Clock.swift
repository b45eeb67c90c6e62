import Engine
import JSON
import Ledger
import Numbers
import Venue
import Venues

extension OperatorAPI {
    /// Moves the ledger's clock, or has it stand or go with the computer's; answered once that is durable.
    func moveClock(_ call: Call) async throws -> Reply {
        try call.allow([])
        let body = try await jsonBody(call)
        let move = try Self.clockForm.read(FieldReader(body, subject: "clock"))
        switch move {
        case .to, .by:
            guard !engine.clock.isSystem else {
                throw Problem(
                    409, "clock_is_system",
                    "The ledger's clock is the system's: stop it with {\"mode\":\"standing\"} to move it by "
                        + "hand.")
            }
        case .stop, .follow: break
        }
        do throws(Refusal) {
            try await engine.moveClock(move)
        } catch {
            // The step may have been given as a span.
            guard error.field == "advance_ms", body["advance"] != nil else { throw error }
            throw Refusal(error.code, error.message, field: "advance")
        }
        return clockReply()
    }

    /// What is asked of the clock. The reader, its refusals, the OpenAPI document and the page
    /// docs/operator-api.md are made of this table.
    static let clockForm: FormChoice<ClockMove> = FormChoice(
        by: "mode", "Whose time the clock shows.",
        otherwise: Form(
            "Moves a clock that stands.", rules: [.one(["now", "advance", "advance_ms"])],
            Field.time("now", "To this time.").optional,
            Field.span("advance", "On by so much: a span of at most a year.").optional,
            Field.whole(
                "advance_ms", 0...ClockMove.latest.milliseconds, "On by so many milliseconds."
            ).optional
        ) { now, span, step in now.map { .to($0) } ?? ClockMove.by(span ?? step ?? 0) },
        [
            .init(
                "standing", "Stops the clock where it is, or at a time that is not before.",
                Field.time("now", "The time that it stops at.").optional
            ) { .stop($0) },
            .init(
                "system",
                "Has it go with the system's clock, which must have come to where the ledger is."
            ) { .follow },
        ])

    /// What the ledger's clock shows, and whether it is the system's or stands.
    func clock(_ call: Call) throws -> Reply {
        try call.allow([])
        return clockReply()
    }

    private func clockReply() -> Reply {
        let now = engine.clock.now()
        return .json { writer in
            writer.beginObject()
            writer.key("now")
            writer.integer(now.milliseconds)
            writer.key("mode")
            writer.string(engine.clock.isSystem ? "system" : "standing")
            writer.endObject()
        }
    }

    /// Every rulebook version, and which is in force.
    func rulebooks(_ call: Call) throws -> Reply {
        try call.allow([])
        let now = engine.clock.now()
        return .json { writer in
            writer.beginObject()
            writer.key("rulebooks")
            writer.beginArray()
            for name in Venues.names {
                guard let versions = engine.venues[name]?.rulebookVersions else { continue }
                let current = versions.lastIndex { $0.effective <= now } ?? versions.startIndex
                for (index, version) in versions.enumerated() {
                    writer.beginObject()
                    writer.key("venue")
                    writer.string(name.rawValue)
                    writer.key("effective")
                    writer.string(version.effectiveText)
                    writer.key("effective_ms")
                    writer.integer(version.effective.milliseconds)
                    writer.key("source")
                    writer.string(version.source)
                    writer.key("read_on")
                    writer.string(version.readOn)
                    writer.key("in_force")
                    writer.bool(index == current)
                    writer.endObject()
                }
            }
            writer.endArray()
            writer.endObject()
        }
    }
}
