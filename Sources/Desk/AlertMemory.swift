import JSON
import Ledger
import Venue

/// A change that somebody is told of, once.
public struct AlertEvent: Sendable, Equatable {
    /// Whether an alert was raised or cleared.
    public enum Change: String, Sendable {
        case raised
        case cleared
    }

    /// Whether the alert was raised or cleared.
    public let change: Change
    /// What the rule says now.
    public let reading: AlertReading
    /// The real time in milliseconds since the epoch.
    public let at: Int64

    /// The event for programs.
    public var json: JSONValue {
        .members([
            ("event", .string(change.rawValue)),
            ("alert", .string(reading.rule.name)),
            ("account", .string(reading.account)),
            ("venue", .string(reading.venue.rawValue)),
            ("subject", .string(reading.subject)),
            ("measure", .string(reading.rule.measureName)),
            ("value", .string(reading.value)),
            ("limit", .string(reading.rule.limitText)),
            ("at", .integer(at)),
            ("message", .string(sentence)),
        ])
    }

    /// One sentence for people.
    public var sentence: String {
        change == .raised ? reading.sentence : "No longer: \(reading.sentence)"
    }
}

/// Which alerts were raised when last looked, so that each change is told once.
public struct AlertMemory: Sendable, Equatable {
    /// Raised readings by their keys.
    private(set) var raised: Set<ExactText> = []

    /// A memory in which nothing is raised.
    public init() {}

    /// What has changed. A reading that is unknown, and one of an account that was not read at all, changes
    /// nothing; a finding that is named no more, such as a drift, is over once its account was read.
    public mutating func changes(to readings: [AlertReading], in portfolio: Portfolio) -> [AlertEvent] {
        var events: [AlertEvent] = []
        for reading in readings {
            switch reading.state {
            case .raised where raised.insert(ExactText(reading.key)).inserted:
                events.append(AlertEvent(change: .raised, reading: reading, at: portfolio.takenAt))
            case .clear where raised.remove(ExactText(reading.key)) != nil:
                events.append(AlertEvent(change: .cleared, reading: reading, at: portfolio.takenAt))
            default: break
            }
        }
        let named = Set(readings.map { ExactText($0.key) })
        let read = Set(portfolio.statements.map { ExactText("\($0.venue)\u{1F}\($0.account)") })
        for key in raised.subtracting(named) {
            let parts = key.text.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
            if parts.count == 4, read.contains(ExactText("\(parts[1])\u{1F}\(parts[2])")) {
                raised.remove(key)
            }
        }
        return events
    }

    /// Forgets a change, so that it is one again the next time.
    public mutating func undo(_ event: AlertEvent) {
        switch event.change {
        case .raised: raised.remove(ExactText(event.reading.key))
        case .cleared: raised.insert(ExactText(event.reading.key))
        }
    }

    // MARK: - Keeping

    /// Reads what was kept; nil for a text that was not written by `text`.
    public init?(_ text: String) {
        guard let elements = (try? JSONValue(parsing: text))?["raised"]?.elements else { return nil }
        raised = Set(elements.compactMap(\.text).map { ExactText($0) })
    }

    /// The memory as JSON, to be kept from one run to the next.
    public var text: String {
        JSONValue.members([("raised", .array(raised.map(\.text).sorted().map { .string($0) }))]).description
    }
}
