import JSON
import Ledger
import Numbers
import Venue

/// Which markets a caller wants to see.
struct MarketFilter {
    /// Nil for all.
    let market: String?

    /// From `?market=`: absent or empty means all; the first counts where it is given twice; spelling is
    /// exact. Throws 400 for a market that the rulebook in force does not know, unless the rulebook wants an
    /// empty map.
    init(_ query: [QueryItem], rules: RuleTable) throws(RailsError) {
        try self.init(market: query["market"], rules: rules)
    }

    /// The same for a market that was named otherwise; nil and empty mean all.
    init(market: String?, rules: RuleTable) throws(RailsError) {
        guard let market, !market.isEmpty else {
            self.market = nil
            return
        }
        if rules.instrument(market) == nil, rules.unknownMarket == .refuse {
            throw .badRequest("Unknown market: \(market)")
        }
        self.market = market
    }

    func shows(_ name: String) -> Bool { market.map(name.isExactly) ?? true }
}

extension RailsVenue {
    /// The balances body: the fields of the given document in its order, every value a plain decimal in
    /// quotes. The filter narrows the map only; account figures stay account-wide.
    func balancesBody(of balances: RailsBalances, filter: MarketFilter, rules: RuleTable) -> [UInt8] {
        let isWrapped = profile == .live && rules.isLiveBodyWrapped
        var writer = JSONWriter(reserving: 512 + balances.markets.count * 640)
        if isWrapped {
            writer.beginObject()
            writer.key("balances")
        }
        write(balances, filter: filter, to: &writer)
        if isWrapped { writer.endObject() }
        return writer.bytes
    }

    /// The object of the balances, as it stands in the body and in a message of the stream.
    func write(_ balances: RailsBalances, filter: MarketFilter, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("totalBalance", balances.totalBalance)
        writer.member("availableBalance", balances.availableBalance)
        writer.member("deposit", balances.deposit)
        writer.member("withdraw", balances.withdraw)
        writer.member("withdrawFees", balances.withdrawFees)
        writer.member("fees", balances.fees)
        writer.member("pnl", balances.pnl)
        writer.member("funding", balances.funding)
        writer.member("volume", balances.volume)
        writer.member("margin", balances.margin)
        writer.member("maintenanceMargin", balances.maintenanceMargin)
        writer.member("leverage", balances.leverage)
        writer.member("promoCredit", balances.promoCredit)
        writer.key("marketBalancesMap")
        writer.beginObject()
        for market in balances.markets where filter.shows(market.market) { writer.row(market) }
        writer.endObject()
        writer.endObject()
    }

    /// The positions body: open positions in the order of opening, `type` telling the side.
    func positionsBody(
        of account: Account, _ balances: RailsBalances, filter: MarketFilter, market: Market
    )
        throws(FigureError) -> [UInt8]
    {
        var writer = JSONWriter(reserving: 64 + account.positions.count * 256)
        writer.beginObject()
        writer.key("positions")
        writer.beginArray()
        for position in account.positions where filter.shows(position.instrument.name) {
            let price = try market.requiredMark(position.instrument)
            let row = balances.markets.first { $0.market == position.instrument.name }
            let unrealised: ExactDecimal
            do {
                unrealised = try RailsFigures.printedValue(
                    RailsFigures.unrealised(
                        value: RailsFigures.positionValue(quantity: position.quantity, indexPrice: price),
                        cost: position.cost))
            } catch {
                throw .number(error)
            }
            writer.beginObject()
            writer.key("market")
            writer.string(position.instrument.name)
            writer.member("value", RailsFigures.shown(position.cost, profile: profile))
            writer.member("quantity", RailsFigures.shown(position.quantity, profile: profile))
            writer.member("funding", position.funding)
            writer.member("realizedPnl", position.realised)
            writer.member("unrealizedPnl", unrealised)
            writer.member("liquidationPrice", row?.liquidationPrice ?? .zero)
            writer.key("type")
            writer.string(position.isLong ? "LONG" : "SHORT")
            if position.marginMode == .isolated {
                // No page shows an isolated position; the letters are those of update-margin-mode.
                writer.key("marginMode")
                writer.literal("I")
                writer.member("margin", position.isolatedWallet)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// The markets of the rulebook in force, in its order.
    func marketsBody(rules: RuleTable) -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        writer.beginObject()
        writer.key("markets")
        writer.beginArray()
        for instrument in rules.instruments {
            writer.beginObject()
            writer.key("market")
            writer.string(instrument.name)
            writer.key("type")
            writer.string(instrument.kind == .perpetual ? "PERPETUAL" : "FUTURE")
            writer.key("base")
            writer.string(instrument.base)
            writer.key("quote")
            writer.string(instrument.quote)
            writer.key("settle")
            writer.string(instrument.settle)
            writer.member("maxLeverage", rules.maximumLeverage)
            writer.member("maintenanceMarginRate", rules.maintenanceRate[profile] ?? .zero)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// The token endpoint's answer.
    func tokenBody(_ token: String, lifetime: Int64) -> [UInt8] {
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        writer.key("access_token")
        writer.string(token)
        writer.key("token_type")
        writer.literal("Bearer")
        writer.key("expires_in")
        writer.integer(lifetime)
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    mutating func member(_ key: StaticString, _ number: ExactDecimal) {
        self.key(key)
        quoted(number)
    }

    fileprivate mutating func row(_ market: RailsMarketBalance) {
        key(market.market)
        beginObject()
        member("position", market.position)
        member("positionQuantity", market.positionQuantity)
        member("liquidationPrice", market.liquidationPrice)
        member("openBuy", market.openBuy)
        member("openBuyQty", market.openBuyQuantity)
        member("openSell", market.openSell)
        member("openSellQty", market.openSellQuantity)
        member("pnl", market.pnl)
        member("positionPnl", market.positionPnl)
        member("funding", market.funding)
        member("positionFunding", market.funding)
        member("volume", market.volume)
        member("fees", market.fees)
        member("liquidationFees", market.liquidationFees)
        member("margin", market.margin)
        member("maintenanceMargin", market.maintenanceMargin)
        endObject()
    }
}
