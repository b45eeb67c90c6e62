import Ledger

/// What an answer's headers say of time.
extension IncomingAnswer {
    /// The `Date` header, to the second; nil where it is missing or in no form that HTTP still sends.
    public var date: LedgerTime? { header("date").flatMap { LedgerTime(httpDate: $0) } }

    /// The `Retry-After` header in milliseconds from when the answer came in, at least 0; nil where it is
    /// missing, unreadable or more than a year away. It counts seconds or names a moment, of which the `Date`
    /// header is the present.
    public var retryAfter: Int64? {
        guard let text = header("retry-after") else { return nil }
        let year: Int64 = 31_536_000_000
        if let seconds = Int64(text) { return (0...year / 1000).contains(seconds) ? seconds * 1000 : nil }
        guard let end = LedgerTime(httpDate: text) else { return nil }
        let wait = end.milliseconds - (date?.milliseconds ?? takenAt)
        return wait > year ? nil : max(0, wait)
    }
}

extension Int64 {
    /// Milliseconds since 1970 that a venue wrote; nil for what is in no year from 0 to 9999: no clock shows
    /// it, and reckoning with it could leave the range of numbers.
    public init?(venueMoment written: Int64?) {
        guard let written, LedgerTime.range.contains(written) else { return nil }
        self = written
    }
}

extension LedgerTime {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The moment that HTTP writes as `Sun, 06 Nov 1994 08:49:37 GMT`; nil for any other text.
    public init?(httpDate text: some StringProtocol) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = Self.months.firstIndex(where: { $0 == parts[2] })
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        self.init(iso8601: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
