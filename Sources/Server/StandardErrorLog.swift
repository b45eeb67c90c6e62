import Foundation
import JSON
import Ledger
import Logging

/// Writes log lines to standard error, as text for people or as JSON for programs.
///
/// Values are escaped, so that nothing that a client sent can make a line of its own.
public struct StandardErrorLog: LogHandler {
    /// What every line of this logger says.
    public var metadata: Logger.Metadata = [:]
    /// The least level that is written.
    public var logLevel: Logger.Level
    private let format: LogFormat

    /// A log with its least level and its form.
    public init(level: Logger.Level, format: LogFormat) {
        logLevel = level
        self.format = format
    }

    /// One thing that every line says.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    public func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { $1 }
        let lost = LogOutput.shared.takeLost()
        if lost > 0 { all["lines lost before"] = "\(lost)" }
        let merged = all.sorted { $0.key < $1.key }
        let time = LedgerTime(milliseconds: realMilliseconds()).iso8601
        var line: [UInt8]
        switch format {
        case .json:
            var writer = JSONWriter(reserving: 256)
            writer.beginObject()
            writer.member("time", time)
            writer.member("level", event.level.rawValue)
            writer.member("message", event.message.description)
            for (key, value) in merged {
                writer.key(key)
                writer.string(value.description)
            }
            writer.endObject()
            line = Array(writer.text.visible.utf8)
        case .text:
            var text = "\(time) \(event.level.rawValue): \(event.message)"
            for (key, value) in merged { text += " \(key)=\(value)" }
            line = Array(text.visible.utf8)
        }
        line.append(UInt8(ascii: "\n"))
        LogOutput.shared.write(line)
    }
}

/// The real clock, in milliseconds since 1970.
func realMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
