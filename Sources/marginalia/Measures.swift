import ArgumentParser
import Ledger
import Numbers
import Server

/// Shares, spans of time and times on the command line, read as the operator API reads them.
enum Measures {
    /// `TARGET=SHARE`: the share is a decimal or a percentage.
    static func share(_ text: String, option: String) throws -> (target: String, share: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 2, !parts[0].isEmpty, (try? ExactDecimal(share: parts[1])) != nil else {
            throw ValidationError(
                "\(option) takes TARGET=SHARE, such as BTC=-10% or BTC=-0.10, not \(text)")
        }
        return (parts[0], parts[1])
    }

    /// The milliseconds of a span such as `30s`, `5m` or `8h`; a number alone has seconds.
    static func milliseconds(
        _ text: String, option: String, atLeast least: Int64, most: String
    ) throws -> Int64 {
        let span = UInt32(text).map { Int64($0) * 1000 } ?? TimeSpan.milliseconds(of: text)
        guard let span, let longest = TimeSpan.milliseconds(of: most), (least...longest).contains(span) else {
            throw ValidationError(
                "\(option) takes a span of time of at most \(most), such as 30s, 5m or 1h, not \(text)")
        }
        return span
    }

    /// A time; nil where none is given.
    static func time(_ option: String, _ text: String?) throws -> LedgerTime? {
        guard let text else { return nil }
        guard let time = parseTime(text) else {
            throw ValidationError("\(option) takes an ISO 8601 time or milliseconds since 1970, not \(text)")
        }
        return time
    }
}
