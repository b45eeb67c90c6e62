import JSON
import Ledger
import Numbers
import Venue

/// What a user data stream tells.
enum UserEvent {
    case accountUpdate(AccountUpdate)
    case orderUpdate(OrderUpdate)
    /// A fill, told shortly and first.
    case tradeLite(OrderUpdate)
    /// A conditional order has become something else.
    case algoUpdate(AlgoOrder, at: LedgerTime)
    /// The leverage of a symbol has changed.
    case leverage(symbol: String, leverage: ExactDecimal, at: LedgerTime)
    /// Multi-assets mode was switched on or off.
    case assetMode(isMultiAssets: Bool, at: LedgerTime)
    case marginCall(MarginCall)
    /// A listen key has ended, at a real time.
    case listenKeyExpired(listenKey: String, at: Int64)

    /// `e`, by which a client chooses events.
    var name: String {
        switch self {
        case .accountUpdate: "ACCOUNT_UPDATE"
        case .orderUpdate: "ORDER_TRADE_UPDATE"
        case .tradeLite: "TRADE_LITE"
        case .algoUpdate: "ALGO_UPDATE"
        case .leverage, .assetMode: "ACCOUNT_CONFIG_UPDATE"
        case .marginCall: Self.marginCallName
        case .listenKeyExpired: "listenKeyExpired"
        }
    }

    static let marginCallName = "MARGIN_CALL"
}

/// What one event of the ledger changed in an account.
struct AccountUpdate {
    /// The reasons `m` that the ledger has.
    enum Reason: String, Sendable {
        case deposit = "DEPOSIT"
        case withdraw = "WITHDRAW"
        case order = "ORDER"
        case fundingFee = "FUNDING_FEE"
        case adjustment = "ADJUSTMENT"
        case insuranceClear = "INSURANCE_CLEAR"
        case marginTransfer = "MARGIN_TRANSFER"
        case assetTransfer = "ASSET_TRANSFER"
        case autoExchange = "AUTO_EXCHANGE"
        case marginTypeChange = "MARGIN_TYPE_CHANGE"

        init(of body: EventBody) {
            switch body {
            case .deposited: self = .deposit
            case .withdrawn: self = .withdraw
            case .filled(let fill): self = fill.liquidation ? .insuranceClear : .order
            case .funded: self = .fundingFee
            case .isolatedMarginAdjusted: self = .marginTransfer
            case .transferred: self = .assetTransfer
            case .autoExchanged: self = .autoExchange
            case .configured: self = .marginTypeChange
            default: self = .adjustment
            }
        }
    }

    /// An element of `B`.
    struct Balance: Sendable {
        let asset: String
        let walletBalance: ExactDecimal
        let crossWalletBalance: ExactDecimal
        let change: ExactDecimal
    }

    let time: LedgerTime
    let reason: Reason
    let balances: [Balance]
    /// The elements of `P`, all of whose figures are worked out.
    let positions: [PositionRow]
    /// `S`: the symbol that funding was for.
    let fundedSymbol: String?
}

/// Positions whose margin no longer exceeds what they must maintain.
struct MarginCall {
    let time: LedgerTime
    /// Of cross positions; nil for isolated ones.
    let crossWalletBalance: ExactDecimal?
    /// All of whose figures are worked out.
    let positions: [PositionRow]
}

/// What can get a margin call of its own.
enum MarginUnit: Hashable, Sendable {
    /// The cross positions of a margin asset; nil for those of multi-assets mode.
    case cross(asset: String?)
    case isolated(symbol: String, side: PositionSide)
}

// MARK: - From the ledger's events

extension BinanceVenue {
    /// What a stream tells of one event of the ledger: changed settings first, then changed balances and
    /// positions, as they stand right after it, then the order that it is of.
    func userEvents(
        of event: Event, before: Account, after: Account, prices: VenuePrices
    ) throws -> [UserEvent] {
        let rules = rules(at: event.at)
        var events: [UserEvent] = []
        let isMultiAssets = after.isMultiAssets
        if isMultiAssets != before.isMultiAssets {
            events.append(.assetMode(isMultiAssets: isMultiAssets, at: event.at))
        }
        if let name = event.body.leveragedSymbol, let symbol = rules.symbol(name) {
            let leverage = after.leverage(of: symbol, rules)
            if leverage != before.leverage(of: symbol, rules) {
                events.append(.leverage(symbol: name, leverage: leverage, at: event.at))
            }
        }
        let change = AccountChange(
            event: event, before: before, after: after,
            market: market(prices, at: event.at), rules: rules, isHedged: isHedged(after))
        let news = try OrderNews(event, before: before, after: after)
        let orderUpdate = try news.flatMap { try OrderUpdate($0, after: after) }
        if let orderUpdate, orderUpdate.fill != nil { events.append(.tradeLite(orderUpdate)) }
        let balances = try change.balances()
        let positions = try change.positions()
        if !balances.isEmpty || !positions.isEmpty {
            events.append(
                .accountUpdate(
                    AccountUpdate(
                        time: event.at, reason: AccountUpdate.Reason(of: event.body), balances: balances,
                        positions: positions, fundedSymbol: event.body.fundedPosition?.instrument.name)))
        }
        if let orderUpdate { events.append(.orderUpdate(orderUpdate)) }
        if let algo = try news.flatMap({ try AlgoOrder($0, before: before, of: after.id) }) {
            events.append(.algoUpdate(algo, at: event.at))
        }
        return events
    }
}

extension EventBody {
    /// The symbol whose leverage it may have changed.
    fileprivate var leveragedSymbol: String? {
        switch self {
        case .leverageSet(let setting): setting.instrument
        case .positionImported(let imported): imported.position.instrument.name
        default: nil
        }
    }

    fileprivate var fundedPosition: PositionKey? {
        if case .funded(let position, _, _) = self { position } else { nil }
    }

    /// The margin asset that a trade or funding is about, which is told of even where nothing of it changed,
    /// as recorded.
    fileprivate var settledAsset: String? {
        switch self {
        case .filled(let fill): fill.instrument.settle
        case .funded(let position, _, _): position.instrument.settle
        default: nil
        }
    }
}

/// An account before and after one event.
private struct AccountChange {
    let event: Event
    let before: Account
    let after: Account
    let market: ValuationPrices
    let rules: RuleTable
    let isHedged: Bool

    /// The assets whose wallet or cross wallet has changed, in the rulebook's order.
    func balances() throws -> [AccountUpdate.Balance] {
        var balances: [AccountUpdate.Balance] = []
        for asset in rules.assets where after.holding(asset.name) != nil {
            let old = try before.wallets(asset.name)
            let new = try after.wallets(asset.name)
            guard old != new || event.body.settledAsset == asset.name else { continue }
            let flows = after.holding(asset.name)?.flows ?? Flows()
            let oldFlows = before.holding(asset.name)?.flows ?? Flows()
            balances.append(
                AccountUpdate.Balance(
                    asset: asset.name, walletBalance: new.wallet, crossWalletBalance: new.cross,
                    change: try BinanceFigures.balanceChange(
                        walletBalance: new.wallet, before: old.wallet,
                        realizedProfit: flows.realised - oldFlows.realised,
                        commission: flows.tradingFees - oldFlows.tradingFees)))
        }
        return balances
    }

    /// The rows of symbols whose position has changed, by symbol, then `BOTH`, `LONG`, `SHORT`. In hedge mode
    /// a change of one side brings the symbol's `BOTH` row and its isolated other side along; funding brings
    /// nothing along.
    func positions() throws -> [PositionRow] {
        let changed = changedKeys()
        var rows: [PositionRow] = []
        for symbol in Set(changed.map(\.instrument.name)).sorted() {
            let keys = changed.filter { $0.instrument.name == symbol }
            guard isHedged else {
                for key in keys { rows.append(try position(key)) }
                continue
            }
            if event.body.fundedPosition == nil, let key = keys.first {
                rows.append(
                    try position(
                        PositionKey(instrument: key.instrument, side: .net, marginMode: key.marginMode)))
            }
            for side in [PositionSide.long, .short] {
                if let key = keys.first(where: { $0.side == side }) {
                    rows.append(try position(key))
                } else if event.body.fundedPosition == nil,
                    let other = after.positions.first(where: {
                        $0.instrument.name == symbol && $0.side == side && $0.marginMode == .isolated
                    })
                {
                    rows.append(try position(other.key))
                }
            }
        }
        return rows
    }

    private func changedKeys() -> [PositionKey] {
        var keys = retypedKeys()
        for old in before.positions {
            let new = after.position(old.instrument.name, side: old.side, marginMode: old.marginMode)
            if !old.standsAs(new) { keys.append(old.key) }
        }
        for new in after.positions
        where before.position(new.instrument.name, side: new.side, marginMode: new.marginMode) == nil {
            keys.append(new.key)
        }
        return keys
    }

    /// Of symbols that were given another margin type; those have no position.
    private func retypedKeys() -> [PositionKey] {
        guard case .configured(let settings) = event.body else { return [] }
        var keys: [PositionKey] = []
        for name in settings.instrumentsWithMarginModes {
            guard let mode = settings.marginMode(of: name),
                mode != before.settings.marginMode(of: name) ?? .cross, let symbol = rules.symbol(name)
            else { continue }
            for side in isHedged ? [PositionSide.long, .short] : [.net] {
                keys.append(PositionKey(instrument: symbol.instrument, side: side, marginMode: mode))
            }
        }
        return keys
    }

    private func position(_ key: PositionKey) throws -> PositionRow {
        guard let symbol = rules.symbol(key.instrument.name) else {
            throw FigureError.priceMissing(key.instrument.name)
        }
        var inputs = PositionRowInputs(symbol, key.side, key.marginMode)
        inputs.position = after.positions.firstIndex { $0.key == key }
        let row = PositionRow(inputs, of: LedgerAccount(after), market, rules, in: FigureBook())
        row.give(.symbolRealizedProfit, try realised(key))
        try Layouts.changedPosition.workOut(row)
        return row
    }

    /// `cr`: in one-way mode all that the symbol ever realized. The ledger keeps no such total for each side
    /// of hedge mode; there it is what was realized since the side was opened, and nothing for `BOTH`.
    private func realised(_ key: PositionKey) throws -> ExactDecimal {
        let name = key.instrument.name
        let total = after.activity(name)?.realised ?? .zero
        if !isHedged { return total }
        if let position = after.positions.first(where: { $0.key == key }) { return position.realised }
        guard let closed = before.positions.first(where: { $0.key == key }) else { return .zero }
        return try closed.realised + (total - (before.activity(name)?.realised ?? .zero))
    }
}

extension Position {
    fileprivate var key: PositionKey {
        PositionKey(instrument: instrument, side: side, marginMode: marginMode)
    }

    /// Whether everything that a stream tells of a position is as it was.
    fileprivate func standsAs(_ other: Position?) -> Bool {
        guard let other else { return false }
        return quantity == other.quantity && cost == other.cost && isolatedWallet == other.isolatedWallet
    }
}

extension Account {
    /// The wallet and the cross wallet of an asset, from the ledger alone, as the asset rows have them.
    func wallets(_ asset: String) throws(NumberError) -> (wallet: ExactDecimal, cross: ExactDecimal) {
        var isolated = ExactDecimal.zero
        for position in positions
        where position.marginMode == .isolated && position.instrument.settle == asset {
            try isolated += position.isolatedWallet
        }
        let cross = cash(asset)
        return (try cross + isolated, cross)
    }
}

// MARK: - Margin calls

extension AccountFigures {
    /// Every unit whose margin does not exceed what it must maintain, with what a margin call says of it.
    func marginCalls(at time: LedgerTime) throws -> [(unit: MarginUnit, call: MarginCall)] {
        var calls: [(MarginUnit, MarginCall)] = []
        for pool in try crossPools() where pool.health.equity <= pool.health.maintenance {
            calls.append(
                (
                    .cross(asset: pool.asset),
                    MarginCall(
                        time: time, crossWalletBalance: pool.crossWalletBalance,
                        positions: positions(in: pool))
                ))
        }
        for row in positions where row.mode.hasWallet {
            if try row[.isolatedMargin] > row[.maintMargin] { continue }
            calls.append(
                (
                    .isolated(symbol: row.symbol, side: row.side),
                    MarginCall(time: time, crossWalletBalance: nil, positions: [row])
                ))
        }
        for row in calls.flatMap(\.1.positions) { try Layouts.calledPosition.workOut(row) }
        return calls
    }
}
