import JSON

// What an HTTP answer says before its venue's own codes are looked at.

extension IncomingAnswer {
    /// The body as JSON; nil where it is none, such as the page of a gateway in between.
    public var json: JSONValue? { try? JSONValue(parsing: body) }

    /// Success where the status says so and the body is an object or a list in JSON; else what the status
    /// means.
    public var verdictByForm: AnswerVerdict {
        if (200..<300).contains(status), let json, json.object != nil || json.elements != nil {
            return .success
        }
        return verdictByStatus
    }

    /// What the status alone means, for an answer that is not in the venue's form.
    public var verdictByStatus: AnswerVerdict {
        switch status {
        case 200..<300:
            .refused(ReadingError(.unreadable, "What came is no answer of this venue: check the base URL."))
        case 401:
            .refused(
                ReadingError(
                    .authentication, "The venue does not accept the key: check it and its secret.",
                    code: "\(status)"))
        case 403, 451:
            .refused(
                ReadingError(
                    .permission,
                    "The venue's gateway refuses this machine: check the address that it is reached from.",
                    code: "\(status)"))
        case 418, 429: .rateLimited(retryAfter: retryAfter)
        case 404, 405, 410:
            .refused(
                ReadingError(
                    .refused, "The venue does not know this path: check the base URL.", code: "\(status)"))
        case 300..<400:
            .refused(
                ReadingError(
                    .configuration, "The base URL leads elsewhere: name the place that it leads to.",
                    code: "\(status)"))
        case 400..<500 where status != 408:
            .refused(
                ReadingError(
                    .refused, "The venue refuses the request; sending it again is of no use.",
                    code: "\(status)"))
        default:
            .temporary(ReadingError(.unavailable, "The venue is unwell; try again later.", code: "\(status)"))
        }
    }
}
