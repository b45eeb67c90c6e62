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
        let move = try Self.clockMove(body)
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

    /// What a body asks of the clock.
    private static func clockMove(_ value: JSONValue) throws(Problem) -> ClockMove {
        guard let object = value.object else {
            throw Problem(
                400, "invalid_body", "The body must be an object with now, advance, advance_ms or mode.")
        }
        let names = ["now", "advance", "advance_ms", "mode"]
        for key in object.keys where !names.contains(key) {
            throw Problem(
                400, "unknown_field",
                "clock has no field \(key.prefix(64)).\(NearestName.question(key, among: names))",
                field: String(key.prefix(64)))
        }
        let time = try object["now"].map { value throws(Problem) in try moment(value) }
        let steps = ["advance", "advance_ms"].filter { object[$0] != nil }
        guard let mode = object["mode"] else {
            guard steps.count + (time == nil ? 0 : 1) == 1 else {
                throw Problem(400, "missing_field", "Give one of now, advance and advance_ms.", field: "now")
            }
            if let time { return .to(time) }
            return .by(try step(object))
        }
        if let step = steps.first {
            throw Problem(400, "invalid_field", "Give either mode or \(step), not both.", field: step)
        }
        switch mode.text {
        case "standing": return .stop(time)
        case "system":
            if time == nil { return .follow }
            throw Problem(400, "invalid_field", "The system's clock cannot be set.", field: "now")
        default: throw Problem(400, "invalid_field", "mode must be standing or system.", field: "mode")
        }
    }

    /// How far the clock is moved: by a span of time such as `8h`, or by milliseconds.
    private static func step(_ object: JSONObject) throws(Problem) -> Int64 {
        if let span = object["advance"] {
            guard let step = span.text.flatMap(TimeSpan.milliseconds) else {
                throw Problem(
                    400, "invalid_field",
                    "advance must be a span of time of at most a year, such as \"8h\", \"1h30m\" or "
                        + "\"500ms\".",
                    field: "advance")
            }
            return step
        }
        guard let step = object["advance_ms"].flatMap(milliseconds) else {
            throw Problem(
                400, "invalid_field", "advance_ms must be a whole number of milliseconds, 0 or more.",
                field: "advance_ms")
        }
        return step
    }

    private static func moment(_ value: JSONValue) throws(Problem) -> LedgerTime {
        let time = milliseconds(value) ?? value.text.flatMap { LedgerTime(iso8601: $0)?.milliseconds }
        guard let time, time.magnitude <= ClockMove.latest.milliseconds.magnitude else {
            throw Problem(
                400, "invalid_field", "now must be an ISO 8601 time or milliseconds since 1970.", field: "now"
            )
        }
        return LedgerTime(milliseconds: time)
    }

    /// A JSON number of milliseconds, from 0 to the latest moment; `1.0` is whole as well as `1`.
    private static func milliseconds(_ value: JSONValue) -> Int64? {
        guard let text = value.numberText, let number = try? ExactDecimal(text),
            let whole = Int64(number.description), (0...ClockMove.latest.milliseconds).contains(whole)
        else { return nil }
        return whole
    }

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
