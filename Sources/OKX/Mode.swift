import JSON
import Ledger

/// The account modes, spelled as the setting `mode` spells them (contract, section 4).
public enum AccountMode: String, Sendable, CaseIterable {
    case spot
    case futures
    case multi
    case portfolio

    /// What `acctLv` calls it: "1" spot, "2" futures, "3" multi-currency margin, "4" portfolio margin.
    var level: StaticString {
        switch self {
        case .spot: "1"
        case .futures: "2"
        case .multi: "3"
        case .portfolio: "4"
        }
    }

    /// The mode that an `acctLv` means; nil for another text.
    init?(level: String) {
        guard let mode = Self.allCases.first(where: { "\($0.level)" == level }) else { return nil }
        self = mode
    }

    /// Whether contracts can be held in it.
    var hasDerivatives: Bool { self != .spot }

    /// Whether all currencies back all positions, valued in USD.
    var sharesCollateral: Bool { self == .multi || self == .portfolio }

    /// Whether debts bear interest in it.
    var lends: Bool { self != .futures }
}

/// Some of the account modes.
struct ModeSet: OptionSet, Sendable {
    let rawValue: UInt8

    static let spot = ModeSet(.spot)
    static let futures = ModeSet(.futures)
    static let multi = ModeSet(.multi)
    static let portfolio = ModeSet(.portfolio)
    static let all: ModeSet = [.spot, .futures, .multi, .portfolio]
    static let none: ModeSet = []

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ mode: AccountMode) {
        switch mode {
        case .spot: rawValue = 1
        case .futures: rawValue = 2
        case .multi: rawValue = 4
        case .portfolio: rawValue = 8
        }
    }
}

extension Account {
    /// The account mode; multi-currency margin where none is set.
    var mode: AccountMode { settings.text("mode").flatMap(AccountMode.init(rawValue:)) ?? .multi }

    /// Whether long and short legs are kept apart.
    var isHedged: Bool { settings.flag("hedge") }

    /// Whether a negative balance is lent without asking (multi-currency and portfolio mode).
    var autoBorrows: Bool { settings.flag("auto_borrow") }

    /// Whether spot mode may borrow.
    var spotBorrows: Bool { settings.flag("spot_borrow") }

    /// Whether anything can be borrowed against the account's assets: in spot mode only where it may borrow.
    func borrowsAgainst(in mode: AccountMode) -> Bool { mode != .spot || spotBorrows }

    /// Currencies whose positive equity does not count as margin; only multi-currency mode can switch it off.
    func collateralOff(in mode: AccountMode) -> [JSONValue] {
        mode == .multi ? settings["collateral_off"]?.elements ?? [] : []
    }
}
