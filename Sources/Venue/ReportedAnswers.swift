import JSON

/// An answer with what it says.
public struct ReportedAnswer: Sendable {
    /// The answer as it came.
    public let body: RecordedBody
    /// What it says, or why it is no JSON.
    public let value: Result<JSONText, JSONError>

    /// The answer that a recorded body holds, read in place.
    public init(_ body: RecordedBody) {
        self.body = body
        value = body.content
    }
}

extension [ReportedAnswer] {
    /// The last answer to a call that is the account's own: its paths have no name before them.
    ///
    /// Throws where there is none or it is no JSON.
    public func own(_ call: String) throws(ReadingError) -> ReportedObject {
        guard let answer = last(where: { $0.body.call == call }) else {
            throw ReadingError(.unreadable, "There is no answer to \(call).")
        }
        return try ReportedObject(answer)
    }

    /// The last answer to another call, which is named before its paths; nil where there is none or it is no
    /// JSON.
    public func other(_ call: String) -> ReportedObject? {
        last { $0.body.call == call }.flatMap { try? ReportedObject($0, name: call) }
    }

    /// How the answers differ from what the venue is known to send.
    ///
    /// `shape` gives what that is of an answer to a call, or of one that is no JSON; nil for a call that
    /// nothing is known of.
    public func drift(_ shape: (_ call: String, _ answer: JSONText?) -> FieldShape?) -> [FieldDrift] {
        flatMap { answer -> [FieldDrift] in
            let call = answer.body.call
            switch answer.value {
            case .success(let value): return shape(call, value)?.drift(in: value, call: call) ?? []
            case .failure:
                return shape(call, nil).map { _ in [FieldDrift(.retyped, path: call, example: "no JSON")] }
                    ?? []
            }
        }
    }
}
