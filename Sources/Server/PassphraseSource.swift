import Foundation
import Journal

/// Where a passphrase is; never the passphrase itself.
public enum PassphraseSource: Sendable, Equatable {
    /// The content of a file that only its owner may read: a passphrase, or a key of random bytes.
    case file(String)
    /// The value of an environment variable.
    case environment(String)

    /// What it must be, for messages.
    static let rule = "must be file:PATH or env:NAME"

    /// Reads `file:PATH` or `env:NAME`; nil for any other text.
    public init?(_ text: String) {
        if text.hasPrefix("file:"), text.utf8.count > 5 {
            self = .file(String(text.dropFirst(5)))
        } else if text.hasPrefix("env:"), text.utf8.count > 4 {
            self = .environment(String(text.dropFirst(4)))
        } else {
            return nil
        }
    }

    /// The passphrase, without the newline at its end.
    ///
    /// Throws `notPermitted` for a file that others may read, `badConfiguration` where there is none.
    public func passphrase() throws(ProgramError) -> [UInt8] {
        var bytes: [UInt8]
        switch self {
        case .environment(let name):
            bytes = Array((ProcessInfo.processInfo.environment[name] ?? "").utf8)
        case .file(let path):
            do throws(SecretFile.Failure) {
                bytes = try SecretFile.read(path) ?? []
            } catch {
                throw ProgramError(
                    error.isNotPermitted ? .notPermitted : .badConfiguration,
                    "The passphrase of --seal-keys cannot be had: \(error.message).")
            }
        }
        while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
        guard !bytes.isEmpty else {
            let place =
                switch self {
                case .environment(let name): "the environment variable \(name)"
                case .file(let path): "the file \(path)"
                }
            throw ProgramError(
                .badConfiguration, "There is no passphrase for --seal-keys in \(place): put one there.")
        }
        return bytes
    }
}
