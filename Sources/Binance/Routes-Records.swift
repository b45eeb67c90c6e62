import JSON
import Ledger
import Numbers
import Venue

/// What has become of an account's money, orders and margin, as lists. Binance USDⓈ-M Futures API
/// documentation, Account and Trade.
extension AccountRequest {
    /// The answer to a signed request for one of them.
    func recordAnswer(_ endpoint: Endpoint) async throws -> [UInt8] {
        try await access.answer(fromHistoryOf: account.id) { history in
            switch endpoint {
            case .income: try income(history)
            case .forceOrders: try forcedOrders(history)
            case .orderAmendment: try amendments(history)
            default: try marginChanges(history)
            }
        }
    }

    private func list<Row>(
        _ rows: some Sequence<Row>, _ write: (Row, inout JSONWriter) throws -> Void
    ) rethrows -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        try writer.array(of: rows) { row, writer in try write(row, &writer) }
        return writer.bytes
    }

    /// What came in and went out, oldest first.
    private func income(_ history: TradingHistory) throws -> [UInt8] {
        let symbol = try chosenSymbol()
        let page = try Page(
            parameters, usual: 100, window: .lastWeek(before: snapshot.at),
            since: Retention.records(at: snapshot.at))
        var rows = try IncomeRow.all(of: history).filter { row in
            (symbol ?? row.symbol) == row.symbol && page.admits(row.at, id: 0)
        }
        if let wanted = parameters.given("incomeType") {
            guard IncomeRow.kinds.contains(wanted) else { throw BinanceError.invalidData("incomeType") }
            rows.removeAll { $0.kind.rawValue != wanted }
        }
        return list(try page.rows(rows, of: .trades, .cashChanges, in: history, \.sequence)) { row, writer in
            writer.income(row)
        }
    }

    /// Trades that the venue forced, the latest last: each is an order of its own. Nothing is deleveraged.
    private func forcedOrders(_ history: TradingHistory) throws -> [UInt8] {
        let symbol = try chosenSymbol()
        let page = try Page(parameters, usual: 50, most: 100)
        let kind = parameters["autoCloseType"] ?? "LIQUIDATION"
        guard ["LIQUIDATION", "ADL"].contains(kind) else { throw BinanceError.invalidData("autoCloseType") }
        let found = history.trades.filter { trade in
            trade.fill.liquidation && kind == "LIQUIDATION"
                && (symbol ?? trade.fill.instrument.name) == trade.fill.instrument.name
                && page.admits(trade.at, id: trade.sequence)
        }
        let rules = rules
        return try list(page.rows(found, of: .trades, in: history, \.sequence)) { trade, writer in
            try writer.forcedOrder(trade, rules)
        }
    }

    /// What an order was amended to, the latest first.
    private func amendments(_ history: TradingHistory) throws -> [UInt8] {
        let symbol = try symbol()
        let isNamed = try isNamed()
        let page = try Page(parameters, usual: 50, most: 100, since: Retention.records(at: snapshot.at))
        let found = history.amendments.filter { amended in
            amended.order.instrument.name == symbol.name && isNamed(amended.order)
                && page.admits(amended.at, id: amended.sequence)
        }
        let rows = try page.rows(found, of: .amendments, in: history, \.sequence)
        return list(rows.reversed()) { amended, writer in writer.amendment(amended, account.id) }
    }

    /// What was added to and taken from isolated positions by hand, oldest first.
    private func marginChanges(_ history: TradingHistory) throws -> [UInt8] {
        let symbol = try symbol()
        let page = try Page(parameters, since: Retention.marginChanges(at: snapshot.at))
        let type = parameters["type"]
        guard type == nil || type == "1" || type == "2" else { throw BinanceError.invalidData("type") }
        let found = history.cashChanges.filter { change in
            guard case .isolatedMarginAdjusted(let key, let amount) = change.body else { return false }
            return change.part == 0 && key.instrument.name == symbol.name
                && (type == nil || (type == "1") == amount.isPositive)
                && page.admits(change.at, id: change.sequence)
        }
        return list(try page.rows(found, of: .cashChanges, in: history, \.sequence)) { change, writer in
            writer.marginChange(change)
        }
    }
}

/// One row of `income`.
struct IncomeRow {
    /// `incomeType`, as far as the ledger has it.
    enum Kind: String, CaseIterable {
        case transfer = "TRANSFER"
        case realised = "REALIZED_PNL"
        case funding = "FUNDING_FEE"
        case commission = "COMMISSION"
        case insurance = "INSURANCE_CLEAR"
        case exchange = "AUTO_EXCHANGE"
    }

    /// Every type that the venue has: others find nothing.
    static let kinds: Set<String> = Set(Kind.allCases.map(\.rawValue)).union([
        "WELCOME_BONUS", "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE", "CONTEST_REWARD",
        "CROSS_COLLATERAL_TRANSFER", "OPTIONS_PREMIUM_FEE", "OPTIONS_SETTLE_PROFIT", "INTERNAL_TRANSFER",
        "DELIVERED_SETTELMENT", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW", "POSITION_LIMIT_INCREASE_FEE",
        "STRATEGY_UMFUTURES_TRANSFER", "FEE_RETURN", "BFUSD_REWARD", "SPECIAL_FUNDING_FEE",
    ])

    let kind: Kind
    let symbol: String
    let asset: String
    let amount: ExactDecimal
    let at: LedgerTime
    /// The event's sequence, and which of its rows of this type it is.
    let sequence: Int64
    var part = 0
    var isOfTrade = false

    /// `tranId`: unique among the rows of a type.
    var transferID: Int64 { 1_000_000_000_000 + sequence * 100 + Int64(part) }

    /// Everything that is kept, in the order in which it happened.
    static func all(of history: TradingHistory) throws(NumberError) -> [IncomeRow] {
        var rows: [IncomeRow] = []
        for trade in history.trades { rows += all(of: trade) }
        for change in history.cashChanges { rows += all(of: change) }
        return rows.sorted { ($0.sequence, $0.part) < ($1.sequence, $1.part) }
    }

    /// What a trade realized, and what it cost.
    private static func all(of trade: TradeRecord) -> [IncomeRow] {
        let fill = trade.fill
        func row(_ kind: Kind, _ asset: String, _ amount: ExactDecimal, _ part: Int) -> IncomeRow? {
            if amount.isZero { return nil }
            return IncomeRow(
                kind: kind, symbol: fill.instrument.name, asset: asset, amount: amount, at: trade.at,
                sequence: trade.sequence, part: part, isOfTrade: true)
        }
        let cost: Kind = fill.liquidation ? .insurance : .commission
        return [
            row(.realised, fill.instrument.settle, trade.realised, 0), row(cost, fill.feeAsset, -fill.fee, 1),
        ].compactMap { $0 }
    }

    /// What moved by anything but a trade; funding of an isolated position moves its margin alone.
    private static func all(of change: CashChange) -> [IncomeRow] {
        let kind: Kind
        var amount = change.amount
        switch change.body {
        case .deposited, .withdrawn, .transferred: kind = .transfer
        case .funded(_, let paid, _): (kind, amount) = (.funding, paid)
        case .autoExchanged: kind = .exchange
        default: return []
        }
        return [
            IncomeRow(
                kind: kind, symbol: change.instrument?.name ?? "", asset: change.asset, amount: amount,
                at: change.at, sequence: change.sequence, part: change.part)
        ]
    }
}

extension JSONWriter {
    fileprivate mutating func income(_ row: IncomeRow) {
        beginObject()
        member("symbol", row.symbol)
        member("incomeType", row.kind.rawValue)
        member("income", row.amount.text(minimumPlaces: 8))
        member("asset", row.asset)
        member("info", row.kind.rawValue)
        member("time", row.at.milliseconds)
        member("tranId", row.transferID)
        member("tradeId", row.isOfTrade ? String(row.sequence) : "")
        endObject()
    }

    fileprivate mutating func forcedOrder(_ trade: TradeRecord, _ rules: RuleTable) throws(NumberError) {
        let fill = trade.fill
        let places = rules.places(of: fill.instrument)
        let value = try fill.quantity.times(fill.price, rounding: .halfEven)
        let price = fill.price.text(minimumPlaces: places.price)
        let quantity = fill.quantity.text(minimumPlaces: places.quantity)
        beginObject()
        member("orderId", OpenOrder.venueID(ofSequence: trade.sequence))
        member("symbol", fill.instrument.name)
        member("status", literal: "FILLED")
        member("clientOrderId", "autoclose-\(trade.at.milliseconds)\(trade.sequence)")
        member("price", price)
        member("avgPrice", fill.price.text(minimumPlaces: max(5, places.price)))
        member("origQty", quantity)
        member("executedQty", quantity)
        member("cumQuote", value.text(minimumPlaces: places.value))
        member("timeInForce", literal: "IOC")
        member("type", literal: "LIMIT")
        member("reduceOnly", false)
        member("closePosition", false)
        member("side", literal: fill.side == .buy ? "BUY" : "SELL")
        positionSide(fill.positionSide)
        member("stopPrice", literal: "0")
        member("workingType", literal: "CONTRACT_PRICE")
        member("origType", literal: "LIMIT")
        member("time", trade.at.milliseconds)
        member("updateTime", trade.at.milliseconds)
        endObject()
    }

    fileprivate mutating func amendment(_ amended: AmendmentRecord, _ account: String) {
        let order = amended.order
        func change(_ name: StaticString, _ before: ExactDecimal, _ after: ExactDecimal) {
            key(name)
            beginObject()
            member("before", before.description)
            member("after", after.description)
            endObject()
        }
        beginObject()
        member("amendmentId", amended.sequence)
        member("symbol", order.instrument.name)
        member("pair", order.instrument.name)
        member("orderId", order.venueID(of: account))
        member("clientOrderId", order.clientOrderID(of: account))
        member("time", amended.at.milliseconds)
        beginObject("amendment")
        change("price", order.price, amended.amendment.price)
        change("origQty", order.quantity, amended.amendment.quantity)
        member("count", order.amendments + 1)
        endObject()
        endObject()
    }

    fileprivate mutating func marginChange(_ change: CashChange) {
        guard case .isolatedMarginAdjusted(let key, let amount) = change.body else { return }
        beginObject()
        member("symbol", key.instrument.name)
        member("type", amount.isPositive ? 1 : 2)
        member("deltaType", literal: "USER_ADJUST")
        member("amount", amount.magnitude.description)
        member("asset", change.asset)
        member("time", change.at.milliseconds)
        positionSide(key.side)
        endObject()
    }
}
