import JSON
import Ledger
import Numbers
import Venue

/// What an account reads about itself.
extension BinanceVenue {
    /// A look-alike of `accountAlias`: fourteen letters and digits, always the same for an account.
    func accountAlias(_ account: String) -> String { Alphanumeric.stable(14, of: "binance alias \(account)") }
}

extension AccountRequest {
    func accountAnswer(_ endpoint: Endpoint) throws -> [UInt8] {
        let rules = rules
        var writer = JSONWriter(reserving: 4096)
        switch endpoint {
        case .account3: return try Wire.account(figures())
        case .account2: try writeAccount2(&writer)
        case .balance2, .balance3:
            let figures = try figures()
            try figures.write(
                figures.assets, as: Layouts.balance, alias: venue.accountAlias(account.id), to: &writer)
        case .positionRisk3: try writePositionRisk3(&writer)
        case .positionRisk2: try writePositionRisk2(&writer)
        case .multiAssetsMargin: writer.object { $0.member("multiAssetsMargin", account.isMultiAssets) }
        case .positionMode: writer.object { $0.member("dualSidePosition", venue.isHedged(account)) }
        case .accountConfig: writer.object { writeSettings(&$0, isConfig: true) }
        case .symbolConfig:
            try writer.array(of: parameters.symbols(rules)) { symbol, writer in
                try writer.symbolConfig(symbol, account, rules)
            }
        case .leverageBracket:
            try writer.array(of: parameters.symbols(rules)) { symbol, writer in
                try writer.brackets(of: symbol, coefficient: account.notionalCoefficient)
            }
        case .openOrders:
            let symbol = try chosenSymbol()
            let orders = account.orders.filter { (symbol ?? $0.instrument.name) == $0.instrument.name }
            try writer.array(of: orders) { order, writer in
                try writer.order(OrderRecord(order), account.id, rules, .query)
            }
        case .commissionRate:
            let symbol = try symbol()
            writer.object { writer in
                writer.member("symbol", symbol.name)
                for (key, liquidity): (StaticString, Liquidity) in [
                    ("makerCommissionRate", .maker), ("takerCommissionRate", .taker),
                ] {
                    let rate = venue.feeRate(liquidity, of: symbol.instrument, in: account, rules)
                    writer.member(key, rate.description)
                }
                writer.member("rpiCommissionRate", rules.account.retailFee.description)
            }
        case .feeBurn: writer.object { $0.member("feeBurn", account.burnsFees) }
        case .adlQuantile: try writeQuantiles(&writer)
        case .walletCoins: writer.walletCoins(rules)
        default: throw BinanceError.internalError
        }
        return writer.bytes
    }

    private func figures() throws -> AccountFigures { try venue.figures(of: snapshot) }

    /// `GET /fapi/v1/adlQuantile`: of symbols with a position, as `adl` was raised, else 0. `HEDGE` is a sign
    /// of a cross hedge.
    private func writeQuantiles(_ writer: inout JSONWriter) throws(BinanceError) {
        let symbols = try parameters.symbols(rules)
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
            let isCrossHedge = venue.isHedged(account) && first.marginMode == .cross
            writer.member(isCrossHedge ? "HEDGE" : "BOTH", first.side == .net ? value : 0)
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    /// The settings of an account, as the account of version 2 has them or `accountConfig`.
    private func writeSettings(_ writer: inout JSONWriter, isConfig: Bool) {
        writer.member("feeTier", account.overriddenInteger(.feeTier, fallback: 0))
        if !isConfig { writer.member("feeBurn", account.burnsFees) }
        writer.member("canTrade", account.overriddenFlag(.canTrade, fallback: true))
        writer.member("canDeposit", account.overriddenFlag(.canDeposit, fallback: true))
        writer.member("canWithdraw", account.overriddenFlag(.canWithdraw, fallback: true))
        if isConfig { writer.member("dualSidePosition", venue.isHedged(account)) }
        writer.member("updateTime", 0)
        writer.member("multiAssetsMargin", account.isMultiAssets)
        writer.member("tradeGroupId", account.overriddenInteger(.tradeGroupId, fallback: -1))
    }

    /// `GET /fapi/v2/account`: every symbol of the market, and the settings before the totals. Binance USDⓈ-M
    /// Futures API documentation, Account Information V2.
    private func writeAccount2(_ writer: inout JSONWriter) throws {
        let figures = try figures()
        writer.beginObject()
        writeSettings(&writer, isConfig: false)
        try figures.layout.write(figures, to: &writer)
        writer.key("assets")
        try figures.write(figures.assets, as: Layouts.asset, to: &writer)
        writer.key("positions")
        let rows = allRows(figures, rules.symbolsByName)
        try figures.write(rows, as: Layouts.position2, to: &writer)
        writer.endObject()
    }

    /// Every row of some symbols, empty ones too: `BOTH` in one-way mode, `LONG` and `SHORT` in hedge mode.
    private func allRows(_ figures: AccountFigures, _ symbols: [SymbolRules]) -> [PositionRow] {
        let rules = rules
        let market = venue.market(snapshot.prices, at: snapshot.at)
        let ledger = LedgerAccount(account)
        let sides: [PositionSide] = venue.isHedged(account) ? [.long, .short] : [.net]
        var rows: [PositionRow] = []
        for symbol in symbols {
            for side in sides {
                if let row = figures.positions.first(where: { $0.symbol == symbol.name && $0.side == side }) {
                    rows.append(row)
                    continue
                }
                let inputs = PositionRowInputs(
                    symbol, side, account.marginMode(ofSymbol: symbol.name) ?? .cross)
                rows.append(PositionRow(inputs, of: ledger, market, rules, in: figures.book))
            }
        }
        return rows
    }

    /// `GET /fapi/v3/positionRisk`: symbols with a position or an open order.
    private func writePositionRisk3(_ writer: inout JSONWriter) throws {
        let symbol = try chosenSymbol()
        let figures = try figures()
        let rows = figures.positions.filter { (symbol ?? $0.symbol) == $0.symbol }
        try figures.write(rows, as: Layouts.risk, to: &writer)
    }

    /// `GET /fapi/v2/positionRisk`: every symbol.
    private func writePositionRisk2(_ writer: inout JSONWriter) throws {
        let symbols = try parameters.symbols(rules)
        let figures = try figures()
        try figures.write(allRows(figures, symbols), as: Layouts.risk2, to: &writer)
    }
}
