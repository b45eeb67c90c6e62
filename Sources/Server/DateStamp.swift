import Ledger
import Synchronization

/// The `Date` header's text, made once a second.
final class DateStamp: Sendable {
    private struct Stamp {
        var second: Int64 = -1
        var text = ""
    }

    private let stamp = Mutex(Stamp())

    /// The present moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
    func now() -> String { text(atSecond: realMilliseconds() / 1000) }

    /// A second since 1970 as HTTP writes it.
    func text(atSecond second: Int64) -> String {
        stamp.withLock { stamp in
            if stamp.second != second { stamp = Stamp(second: second, text: Self.format(second)) }
            return stamp.text
        }
    }

    private static func format(_ second: Int64) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let iso = LedgerTime(milliseconds: second * 1000).iso8601.split { "-T:.".contains($0) }
        guard iso.count >= 6, let month = Int(iso[1]), (1...12).contains(month), second >= 0 else {
            return ""
        }
        return "\(days[Int(second / 86_400 % 7)]), \(iso[2]) \(months[month - 1]) \(iso[0]) "
            + "\(iso[3]):\(iso[4]):\(iso[5]) GMT"
    }
}
