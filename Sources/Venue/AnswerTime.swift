import Ledger

// The venue's clock where it has no call for it.

extension IncomingAnswer {
    /// The `Date` header, to the second; nil where it is missing or in no form that HTTP still sends.
    public var date: LedgerTime? { header("date").flatMap { LedgerTime(httpDate: $0) } }
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
