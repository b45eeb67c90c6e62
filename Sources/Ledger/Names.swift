/// A venue's name as commands and scenario files spell it, in lower case.
///
/// The ledger knows no venue; the names are declared by the venue modules.
public struct VenueName: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}

/// A moment on the ledger's clock, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Ledger time orders events and dates figures. Signatures, tokens and rate limits never use it.
public struct LedgerTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (earlier: LedgerTime, later: LedgerTime) -> Bool {
        earlier.milliseconds < later.milliseconds
    }

    public var description: String { String(milliseconds) }
}

/// The way a trade goes.
public enum Side: String, Sendable, CaseIterable {
    case buy
    case sell

    /// The other side.
    public var opposite: Side { self == .buy ? .sell : .buy }
}

/// Which position of an instrument is meant: the single one of one-way mode, or a leg of hedge mode.
public enum PositionSide: String, Sendable, CaseIterable {
    case net
    case long
    case short
}

/// Whether a position is backed by the whole account or by a wallet of its own.
public enum MarginMode: String, Sendable, CaseIterable {
    case cross
    case isolated
}
