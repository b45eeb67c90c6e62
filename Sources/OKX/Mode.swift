import JSON
import Ledger
import Numbers

/// The account modes, spelled as the setting `mode` spells them.
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

    /// Where it stands among all.
    var place: Int {
        switch self {
        case .spot: 0
        case .futures: 1
        case .multi: 2
        case .portfolio: 3
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

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ mode: AccountMode) { rawValue = 1 << UInt8(mode.place) }
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

    /// The currency of the margin of an order of a pair; nil where it exchanges the pair's currencies. That
    /// of an isolated one is what its position has, or will have: where it was placed under one that has
    /// closed since, another than it was then.
    func marginAsset(of order: OpenOrder) -> String? {
        marginAsset(named: order.terms?.marginAsset, of: order.position, side: order.side)
    }

    /// The same of a conditional order that waits.
    func marginAsset(of order: ConditionalOrder) -> String? {
        let terms = order.terms
        let key = PositionKey(
            instrument: order.instrument, side: terms.positionSide ?? .net,
            marginMode: terms.marginMode ?? .cross)
        return marginAsset(named: terms.terms.marginAsset, of: key, side: terms.side)
    }

    private func marginAsset(named asset: String?, of key: PositionKey, side: Side) -> String? {
        guard asset != nil, key.marginMode == .isolated else { return asset }
        let held = position(key.instrument.name, side: key.side, marginMode: .isolated)
        return held?.margin?.asset ?? (side == .buy ? key.instrument.base : key.instrument.quote)
    }

    /// Currencies whose positive equity does not count as margin; only multi-currency mode can switch it off.
    func collateralOff(in mode: AccountMode) -> [JSONValue] {
        mode == .multi ? settings["collateral_off"]?.elements ?? [] : []
    }
}

extension RuleTable {
    /// The leverage of an instrument until one is set: the rulebook's, at most the instrument's own highest.
    func defaultLeverage(of instrument: Instrument) -> ExactDecimal {
        guard let most = self.instrument(instrument.name)?.maximumLeverage else {
            return instrument.kind.isDerivative ? margin.defaultLeverage : .one
        }
        return min(most, margin.defaultLeverage)
    }
}

extension Account {
    /// The leverage that was set for a side of an instrument; nil until one is.
    func leverageSet(of instrument: Instrument, side: PositionSide, marginMode: MarginMode) -> ExactDecimal? {
        leverages.isEmpty ? nil : leverage(instrument.name, side: side, marginMode: marginMode)
    }

    /// The leverage in force for a position, an order or a side of an instrument.
    func leverageInForce(
        of instrument: Instrument, side: PositionSide, marginMode: MarginMode, _ rules: RuleTable
    ) -> ExactDecimal {
        leverageSet(of: instrument, side: side, marginMode: marginMode)
            ?? rules.defaultLeverage(of: instrument)
    }

    func leverageInForce(of position: Position, _ rules: RuleTable) -> ExactDecimal {
        leverageInForce(of: position.instrument, side: position.side, marginMode: position.marginMode, rules)
    }

    /// A raised field as a decimal; nil where none is raised or it is "".
    func overriddenDecimal(_ flag: String, asset: String?) -> ExactDecimal? {
        guard !overridden.isEmpty, let text = overridden(flag, asset: asset)?.text else { return nil }
        return try? ExactDecimal(text)
    }
}

/// What funds can be reserved for, as `reserve` commands spell it.
enum ReservePurpose: String, Sendable, CaseIterable {
    /// Bots: out of cash. All others stay in it.
    case strategy
    case fixed
    case smartSync = "smart_sync"
    case copyTrading = "copy_trading"
    case copyTradingIsolated = "copy_trading_isolated"

    /// The field that shows them.
    var field: CurrencyFigure {
        switch self {
        case .strategy: .stgyEq
        case .fixed: .fixedBal
        case .smartSync: .smtSyncEq
        case .copyTrading: .spotCopyTradingEq
        case .copyTradingIsolated: .spotIsoBal
        }
    }

    /// The fields of those that stay in cash.
    static var fieldsWithinCash: [CurrencyFigure] { allCases.filter { $0 != .strategy }.map(\.field) }
}
