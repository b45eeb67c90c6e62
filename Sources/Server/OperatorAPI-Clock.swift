import Engine
import JSON
import Ledger
import Numbers
import Venue
import Venues

extension OperatorAPI {
    /// The latest moment that the ledger's clock may show: the end of the year 9999.
    private static let latest: Int64 = 253_402_300_799_999

    /// Moves the ledger's clock, where it is one that stands.
    func moveClock(_ call: Call) async throws -> Reply {
        try call.allow([])
        let value = try await jsonBody(call)
        guard let object = value.object else {
            throw Problem(400, "invalid_body", "The body must be an object with now or advance_ms.")
        }
        for key in object.keys where key != "now" && key != "advance_ms" {
            throw Problem(
                400, "unknown_field", "The clock has no field \(key.prefix(64)).",
                field: String(key.prefix(64)))
        }
        guard (object["now"] == nil) != (object["advance_ms"] == nil) else {
            throw Problem(400, "missing_field", "Give either now or advance_ms.", field: "now")
        }
        let target: LedgerTime
        if let now = object["now"] {
            guard
                let time = Self.milliseconds(now)
                    ?? now.text.flatMap({ LedgerTime(iso8601: $0)?.milliseconds }),
                time.magnitude <= UInt64(Self.latest)
            else {
                throw Problem(
                    400, "invalid_field", "now must be an ISO 8601 time or milliseconds since 1970.",
                    field: "now")
            }
            target = LedgerTime(milliseconds: time)
        } else {
            guard let step = object["advance_ms"].flatMap(Self.milliseconds) else {
                throw Problem(
                    400, "invalid_field", "advance_ms must be a whole number of milliseconds, 0 or more.",
                    field: "advance_ms")
            }
            target = LedgerTime(milliseconds: min(engine.clock.now().milliseconds + step, Self.latest))
        }
        guard !engine.clock.isSystem else {
            throw Problem(
                409, "clock_is_system",
                "The ledger's clock is the system's: start the server with --ledger-time to move it by hand.")
        }
        try engine.clock.set(target)
        return clockReply()
    }

    /// A JSON number of milliseconds, from 0 to the latest moment; `1.0` is whole as well as `1`.
    private static func milliseconds(_ value: JSONValue) -> Int64? {
        guard let text = value.numberText, let number = try? ExactDecimal(text),
            let whole = Int64(number.description), (0...latest).contains(whole)
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
