import Exchange
import Ledger
import Logging
import Venue

/// Everything that `marginalia serve` can be told, checked and with its defaults in place.
public struct ServeOptions: Sendable, Equatable {
    /// The address to listen at; port 0 picks a free one.
    public var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Where the ledger is kept.
    public var store = StoreAddress.sqlite(path: "marginalia-data/ledger.db")
    /// Where the passphrase is that API secrets are sealed with; nil where they are not.
    public var sealKeys: PassphraseSource?
    /// Whether a ledger is taken that has become shorter than it is known to have been.
    public var acceptsShorterLedger = false
    /// Whether the operator may empty the ledger and put it back, though its store is kept.
    public var allowsReset = false
    /// Whether the demonstration scenario is loaded into an empty store.
    public var demo = false
    /// Scenario files, applied in this order.
    public var scenarios: [String] = []
    /// Rulebook files, added in this order.
    public var rulebooks: [String] = []
    /// The wire profile of the venues that do not speak `documented`.
    public var profiles: [VenueName: WireProfile] = [:]
    /// The moment at which the ledger's clock stands; nil for the system's clock.
    public var ledgerTime: LedgerTime?
    /// Whether the ledger's clock was named, rather than left at its default.
    public var isLedgerTimeGiven = false
    /// Whether the venues' own rate limits are in force.
    public var enforcesRateLimits = true
    /// When orders of venues' clients are filled.
    public var execution = Exchange.Execution.touch
    /// Whose word is taken for the address that a request came from: proxies in front of the server.
    public var trustedProxies: [AddressRange] = []
    /// The operator's token; nil to make one at the first start.
    public var adminToken: String?
    /// The least level that is logged.
    public var logLevel = Logger.Level.info
    /// How log lines look.
    public var logFormat = LogFormat.text

    /// The defaults of the command line.
    public init() {}
}

/// A host and a port to listen at.
public struct ListenAddress: Sendable, Equatable {
    /// A name or an address; an IPv6 address without its brackets.
    public let host: String
    /// The port; 0 for any free one.
    public let port: Int

    /// An address of these parts.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, an IPv6 host in brackets; nil for any other text.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let portText = text[text.index(after: colon)...]
        guard let port = UInt16(portText), portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    /// Whether only programs of this machine can connect to it.
    public var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        return ["127.0.0.0/8", "::1"].contains { AddressRange($0)?.contains(host) ?? false }
    }

    /// The address as it stands in a URL.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Where a ledger is kept.
public enum StoreAddress: Sendable, Equatable {
    /// A file.
    case sqlite(path: String)
    /// Nowhere: it is gone when the program ends.
    case memory

    /// Reads `sqlite:PATH` or `memory:`.
    public init(_ text: String) throws(ProgramError) {
        if text == "memory:" {
            self = .memory
        } else if text.hasPrefix("sqlite:"), text.utf8.count > 7 {
            self = .sqlite(path: String(text.dropFirst(7)))
        } else if text.hasPrefix("postgres:") || text.hasPrefix("postgresql:") {
            throw ProgramError(
                .unavailable,
                "This version of marginalia has no PostgreSQL store: use --store sqlite:PATH or memory:.")
        } else {
            throw ProgramError(.usage, "The store \"\(text)\" is unknown: use sqlite:PATH or memory:.")
        }
    }

    /// The store as it is named in `--store`.
    public var text: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .memory: "memory:"
        }
    }

    /// The folder of the store's file, where its secrets are kept too; nil for a store in memory.
    public var folder: String? {
        guard case .sqlite(let path) = self else { return nil }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// How log lines look.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One line for people.
    case text
    /// One JSON object per line for programs.
    case json
}

/// Reads a moment: milliseconds since 1970 as a number or text, or ISO 8601.
public func parseTime(_ text: String) -> LedgerTime? {
    if let milliseconds = Int64(text), !text.hasPrefix("+") { return LedgerTime(milliseconds: milliseconds) }
    return LedgerTime(iso8601: text)
}
