import JSON
import Journal
import Venue

/// A field of an answer that was another a recording before.
public struct FieldChange: Sendable, Equatable {
    /// The call that the answer was to.
    public let call: String
    /// The field's path; rows are named by what they are about and not by their place, as in
    /// `data[0].details[ccy=USDT].eq`.
    public let path: String
    /// The field's value in the earlier recording.
    public let before: ReportedValue
    /// The field's value in the later recording.
    public let after: ReportedValue
}

extension FieldChange {
    /// What has changed from one recording to another, call by call, in the order of the later answers;
    /// fields that are gone come last.
    public static func between(_ earlier: Recording, _ later: Recording) -> [FieldChange] {
        var calls: [String] = []
        for answer in later.answers + earlier.answers where !calls.contains(answer.call) {
            calls.append(answer.call)
        }
        return calls.flatMap { call -> [FieldChange] in
            let before = fields(of: call, in: earlier)
            let after = fields(of: call, in: later)
            let known = Dictionary(
                before.map { (ExactText($0.path), $0.value) }, uniquingKeysWith: { first, _ in first })
            let left = Set(after.map { ExactText($0.path) })
            return after.compactMap { path, value in
                let old = known[ExactText(path)] ?? .absent
                return old == value ? nil : FieldChange(call: call, path: path, before: old, after: value)
            }
                + before.filter { !left.contains(ExactText($0.path)) }.map {
                    FieldChange(call: call, path: $0.path, before: $0.value, after: .absent)
                }
        }
    }

    private static func fields(
        of call: String, in recording: Recording
    ) -> [(path: String, value: ReportedValue)] {
        guard let answer = recording.answers.last(where: { $0.call == call }) else { return [] }
        // An answer that is no JSON is told of as a whole.
        guard let value = try? JSONValue(parsing: answer.body) else {
            return [("", .other(text: String(decoding: answer.body, as: UTF8.self)))]
        }
        var fields: [(path: String, value: ReportedValue)] = []
        collect(value, at: "", into: &fields)
        return fields
    }

    private static func collect(
        _ value: JSONValue, at path: String, into fields: inout [(path: String, value: ReportedValue)]
    ) {
        switch value {
        case .object(let object):
            for (key, member) in object.members {
                collect(member, at: path.isEmpty ? key : "\(path).\(key)", into: &fields)
            }
        case .array(let elements):
            var seen: [ExactText: Int] = [:]
            for (place, element) in elements.enumerated() {
                let name = ExactText(name(of: element) ?? String(place))
                // Two rows about the same thing are told apart by their order.
                let times = seen[name, default: 0]
                seen[name] = times + 1
                collect(element, at: "\(path)[\(name)\(times == 0 ? "" : "#\(times + 1)")]", into: &fields)
            }
        default: fields.append((path, ReportedValue(value)))
        }
    }

    /// The fields by which the venues tell the rows of a list apart.
    private static let identities = [
        "asset", "ccy", "symbol", "positionSide", "instId", "posSide", "mgnMode", "posId", "instrument_name",
        "account", "account_id", "isolation_id", "market", "marketName",
    ]

    private static func name(of element: JSONValue) -> String? {
        guard let object = element.object else { return nil }
        let parts = identities.compactMap { key -> String? in
            guard let text = object[key]?.text, !text.isEmpty else { return nil }
            return "\(key)=\(text)"
        }
        return parts.isEmpty ? nil : parts.joined(separator: ",")
    }
}

extension Sequence where Element == FieldChange {
    /// The changes without those of times, which differ in every answer.
    var withoutTimes: [FieldChange] {
        let times: Set<String> = [
            "uTime", "updateTime", "ts", "time", "create_time", "update_timestamp_ms", "id", "nonce", "cTime",
        ]
        return filter { change in
            let name = change.path.split(separator: ".").last.map(String.init) ?? change.path
            return !times.contains(name)
        }
    }
}
