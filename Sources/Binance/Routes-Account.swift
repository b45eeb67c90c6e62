import JSON
import Ledger
import Numbers
import Venue

/// What an account reads about itself.
extension BinanceVenue {
    func accountAnswer(
        _ endpoint: Endpoint, _ snapshot: AccountSnapshot, _ parameters: Parameters, _ access: any VenueAccess
    ) throws -> [UInt8] {
        let rules = rules(at: snapshot.at)
        let account = snapshot.account
        var writer = JSONWriter(reserving: 4096)
        switch endpoint {
        case .account3: return try Wire.account(figures(of: snapshot))
        case .account2: try writeAccount2(&writer, snapshot, rules)
        case .balance2, .balance3:
            let figures = try figures(of: snapshot)
            try figures.write(
                figures.assets, as: Layouts.balance, alias: accountAlias(account.id), to: &writer)
        case .positionRisk3: try writePositionRisk3(&writer, snapshot, parameters, rules)
        case .positionRisk2: try writePositionRisk2(&writer, snapshot, parameters, rules)
        case .multiAssetsMargin:
            writer.beginObject()
            writer.member("multiAssetsMargin", account.isMultiAssets)
            writer.endObject()
        case .positionMode:
            writer.beginObject()
            writer.member("dualSidePosition", isHedged(account))
            writer.endObject()
        case .accountConfig:
            writer.beginObject()
            writeSettings(&writer, account, isConfig: true)
            writer.endObject()
        case .symbolConfig:
            try writer.array(of: try chosen(parameters, rules) ?? rules.symbolsByName) { symbol, writer in
                try writer.symbolConfig(symbol, account, rules)
            }
        case .leverageBracket:
            try writer.array(of: try chosen(parameters, rules) ?? rules.symbolsByName) { symbol, writer in
                try writer.brackets(of: symbol, coefficient: account.notionalCoefficient)
            }
        case .openOrders:
            let symbols = try chosen(parameters, rules)?.map(\.name)
            writer.beginArray()
            for order in account.orders where symbols?.contains(order.instrument.name) ?? true {
                try writer.order(OrderRecord(order), account.id, rules, .query)
            }
            writer.endArray()
        case .commissionRate:
            let symbol = try parameters.symbol(rules)
            writer.beginObject()
            writer.member("symbol", symbol.name)
            for (key, liquidity): (StaticString, Liquidity) in [
                ("makerCommissionRate", .maker), ("takerCommissionRate", .taker),
            ] {
                writer.member(key, feeRate(liquidity, of: symbol.instrument, in: account, rules).description)
            }
            writer.member("rpiCommissionRate", rules.account.retailFee.description)
            writer.endObject()
        case .feeBurn:
            writer.beginObject()
            writer.member("feeBurn", account.burnsFees)
            writer.endObject()
        case .adlQuantile: try writeQuantiles(&writer, account, parameters, rules)
        case .walletCoins: writer.walletCoins(rules)
        default: throw BinanceError.internalError
        }
        return writer.bytes
    }

    /// The symbol asked for; nil where none was, and an error for one that there is not.
    func chosen(_ parameters: Parameters, _ rules: RuleTable) throws(BinanceError) -> [SymbolRules]? {
        guard let name = parameters["symbol"] else { return nil }
        guard let symbol = rules.symbol(name) else { throw .invalidSymbol }
        return [symbol]
    }

    /// A look-alike of `accountAlias`: fourteen letters and digits, always the same for an account.
    func accountAlias(_ account: String) -> String { Alphanumeric.stable(14, of: "binance alias \(account)") }

    /// `GET /fapi/v1/adlQuantile`: of symbols with a position, as `adl` was raised, else 0. `HEDGE` is a sign
    /// of a cross hedge.
    private func writeQuantiles(
        _ writer: inout JSONWriter, _ account: Account, _ parameters: Parameters, _ rules: RuleTable
    ) throws(BinanceError) {
        let symbols = try chosen(parameters, rules) ?? rules.symbolsByName
        let value = account.overriddenInteger(.adl, fallback: 0)
        writer.beginArray()
        for symbol in symbols {
            let held = account.positions.filter { $0.instrument.name == symbol.name }
            guard let first = held.first else { continue }
            writer.beginObject()
            writer.member("symbol", symbol.name)
            writer.beginObject("adlQuantile")
            writer.member("LONG", held.contains { $0.side == .long } ? value : 0)
            writer.member("SHORT", held.contains { $0.side == .short } ? value : 0)
            let isCrossHedge = isHedged(account) && first.marginMode == .cross
            writer.member(isCrossHedge ? "HEDGE" : "BOTH", first.side == .net ? value : 0)
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    /// The settings of an account, as the account of version 2 has them or `accountConfig`.
    private func writeSettings(_ writer: inout JSONWriter, _ account: Account, isConfig: Bool) {
        writer.member("feeTier", account.overriddenInteger(.feeTier, fallback: 0))
        if !isConfig { writer.member("feeBurn", account.burnsFees) }
        writer.member("canTrade", account.overriddenFlag(.canTrade, fallback: true))
        writer.member("canDeposit", account.overriddenFlag(.canDeposit, fallback: true))
        writer.member("canWithdraw", account.overriddenFlag(.canWithdraw, fallback: true))
        if isConfig { writer.member("dualSidePosition", isHedged(account)) }
        writer.member("updateTime", 0)
        writer.member("multiAssetsMargin", account.isMultiAssets)
        writer.member("tradeGroupId", account.overriddenInteger(.tradeGroupId, fallback: -1))
    }

    /// `GET /fapi/v2/account`: every symbol of the market, and the settings before the totals. Binance USDⓈ-M
    /// Futures API documentation, Account Information V2.
    private func writeAccount2(
        _ writer: inout JSONWriter, _ snapshot: AccountSnapshot, _ rules: RuleTable
    ) throws {
        let figures = try figures(of: snapshot)
        writer.beginObject()
        writeSettings(&writer, snapshot.account, isConfig: false)
        try figures.layout.write(figures, to: &writer)
        writer.key("assets")
        try figures.write(figures.assets, as: Layouts.asset, to: &writer)
        writer.key("positions")
        let rows = allRows(figures, snapshot, rules.symbolsByName, rules)
        try figures.write(rows, as: Layouts.position2, to: &writer)
        writer.endObject()
    }

    /// Every row of some symbols, empty ones too: `BOTH` in one-way mode, `LONG` and `SHORT` in hedge mode.
    private func allRows(
        _ figures: AccountFigures, _ snapshot: AccountSnapshot, _ symbols: [SymbolRules],
        _ rules: RuleTable
    ) -> [PositionRow] {
        let market = market(snapshot.prices, at: snapshot.at)
        let ledger = LedgerAccount(snapshot.account)
        let sides: [PositionSide] = isHedged(snapshot.account) ? [.long, .short] : [.net]
        var rows: [PositionRow] = []
        for symbol in symbols {
            for side in sides {
                if let row = figures.positions.first(where: { $0.symbol == symbol.name && $0.side == side }) {
                    rows.append(row)
                    continue
                }
                let inputs = PositionRowInputs(
                    symbol, side, snapshot.account.marginMode(ofSymbol: symbol.name) ?? .cross)
                rows.append(PositionRow(inputs, of: ledger, market, rules, in: figures.book))
            }
        }
        return rows
    }

    /// `GET /fapi/v3/positionRisk`: symbols with a position or an open order.
    private func writePositionRisk3(
        _ writer: inout JSONWriter, _ snapshot: AccountSnapshot, _ parameters: Parameters, _ rules: RuleTable
    ) throws {
        let symbols = try chosen(parameters, rules)?.map(\.name)
        let figures = try figures(of: snapshot)
        let rows = figures.positions.filter { symbols?.contains($0.symbol) ?? true }
        try figures.write(rows, as: Layouts.risk, to: &writer)
    }

    /// `GET /fapi/v2/positionRisk`: every symbol.
    private func writePositionRisk2(
        _ writer: inout JSONWriter, _ snapshot: AccountSnapshot, _ parameters: Parameters, _ rules: RuleTable
    ) throws {
        let symbols = try chosen(parameters, rules) ?? rules.symbolsByName
        let figures = try figures(of: snapshot)
        try figures.write(allRows(figures, snapshot, symbols, rules), as: Layouts.risk2, to: &writer)
    }
}
