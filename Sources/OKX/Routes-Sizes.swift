import JSON
import Ledger
import Numbers
import Venue

// How much an account can trade, what it pays for it, and the margin of isolated positions.

/// What can be bought and sold, or what is free to do it with.
private struct TradableSize {
    var buy: ExactDecimal
    var sell: ExactDecimal
    /// The currency of the margin that was named; empty where none was.
    var currency = ""
    /// Whether what pays for a side is in the base currency.
    var buysInBase = false
    var sellsInBase = false

    /// Whether it is of a pair on margin.
    var isOnMargin: Bool { buysInBase || !currency.isEmpty }
}

extension AccountRequest {
    /// `account/max-size` and `account/max-avail-size`: what the free funds pay for at the price given or the
    /// mark, in contracts or coin.
    func largestSizes(_ endpoint: Endpoint) throws -> [UInt8] {
        _ = try query.required("instId")
        let mode = try query.required("tdMode")
        guard ["cash", "cross", "isolated"].contains(mode) else { throw OKXError.parameterWrong("tdMode") }
        let names = try query.list("instId", limit: 5) ?? []
        let isAvailable = endpoint == .maxAvailableSize
        let text = query["px"] ?? ""
        let limit = text.isEmpty ? nil : try? ExactDecimal(text)
        if !text.isEmpty, limit?.isPositive != true { throw OKXError.parameterWrong("px") }
        var sizes: [TradableSize] = []
        for name in names {
            guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
            let free = try venue.free(of: instrument, mode, query["ccy"], snapshot, rules)
            try sizes.append(isAvailable ? free : largest(free, of: instrument, mode, limit))
        }
        return try JSONWriter.reply { writer in
            for (name, size) in zip(names, sizes) {
                writer.beginObject()
                if isAvailable {
                    try writer.member("availBuy", size.buy)
                    try writer.member("availSell", size.sell)
                    writer.member("instId", name)
                } else {
                    writer.member("ccy", size.currency)
                    writer.member("instId", name)
                    try writer.member("maxBuy", size.buy)
                    try writer.member("maxSell", size.sell)
                }
                writer.endObject()
            }
        }
    }

    /// How much can be traded with what is free, in contracts or in coins, in whole lots.
    private func largest(
        _ free: TradableSize, of instrument: InstrumentRules, _ mode: String, _ limit: ExactDecimal?
    ) throws -> TradableSize {
        let terms = instrument.terms
        let market = venue.market(snapshot.prices, rules)
        guard let price = limit ?? market.mark(terms), price.isPositive else { return free }
        let value = terms.contractValue
        let hasSides = account.isHedged && terms.kind.isDerivative
        func size(
            _ amount: ExactDecimal, inBase: Bool, opens side: PositionSide
        ) throws(NumberError) -> ExactDecimal {
            var leverage = ExactDecimal.one
            // What is held of an order's value: its margin, and of a contract its fee too.
            var held = ExactDecimal.one
            if terms.kind.isDerivative || free.isOnMargin {
                leverage = account.leverageInForce(
                    of: terms, side: hasSides ? side : .net,
                    marginMode: MarginMode(rawValue: mode) ?? .cross, rules)
            }
            if terms.kind.isDerivative {
                let rate = rules.feeRate(.taker, of: instrument, in: account)
                try held += rate.times(leverage, rounding: .ceiling)
            }
            let unit: ExactDecimal =
                if inBase { .one } else if terms.payoff == .inverse {
                    try value.over(price, rounding: .ceiling)
                } else { try value.times(price, rounding: .ceiling) }
            return try amount.times(
                leverage, over: unit.times(held, rounding: .ceiling), rounding: .towardZero
            )
            .rounded(toMultipleOf: instrument.lot, .towardZero)
        }
        var largest = free
        largest.buy = try size(free.buy, inBase: free.buysInBase, opens: .long)
        largest.sell = try size(free.sell, inBase: free.sellsInBase, opens: .short)
        return largest
    }

    /// `trade/account-rate-limit`: how many orders an account may place and amend in two seconds. The venue
    /// measures who trades less than VIP 5 by nothing.
    func accountRateLimit() -> [UInt8] {
        JSONWriter.rowReply { writer in
            writer.member("accRateLimit", literal: "1000")
            writer.empty(["fillRatio", "mainFillRatio", "nextAccRateLimit"])
            writer.member("ts", snapshot.at)
        }
    }

    /// `account/trade-fee`: the account's rates; negative is what is paid.
    func tradeFee() throws -> [UInt8] {
        let text = try query.required("instType")
        let type = text == "MARGIN" ? InstrumentType.spot : try OKXVenue.instrumentType(text)
        guard let type, let any = rules.instruments.first(where: { $0.type == type }) else {
            throw OKXError.parameterWrong("instType")
        }
        let maker = -rules.feeRate(.maker, of: any, in: account)
        let taker = -rules.feeRate(.taker, of: any, in: account)
        let isContract = type != .spot
        return try JSONWriter.rowReply { writer in
            writer.member("category", literal: "1")
            writer.empty(["delivery", "exercise"])
            try writer.array("feeGroup") { writer in
                writer.beginObject()
                try writer.member("elpMaker", maker)
                writer.member("groupId", literal: "1")
                try writer.member("maker", maker)
                try writer.member("rpiMaker", maker)
                try writer.member("taker", taker)
                writer.endObject()
            }
            writer.emptyArray("fiat")
            writer.member("instType", text)
            writer.member("level", literal: "Lv1")
            try writer.member("maker", maker)
            try writer.member("makerU", isContract ? maker : nil)
            try writer.member("makerUSDC", isContract ? maker : nil)
            writer.member("ruleType", literal: "normal")
            try writer.member("taker", taker)
            try writer.member("takerU", isContract ? taker : nil)
            try writer.member("takerUSDC", isContract ? taker : nil)
            writer.member("ts", snapshot.at)
        }
    }

    /// `account/position/margin-balance`: puts margin into an isolated position or takes some out.
    func adjustMargin() async throws -> [UInt8] {
        let members = OrderMembers(value: body)
        guard let name = members["instId"] else { throw OKXError.parameterMissing("instId") }
        guard let sideText = members["posSide"] else { throw OKXError.parameterMissing("posSide") }
        guard let side = PositionSide(rawValue: sideText) else { throw OKXError.parameterWrong("posSide") }
        guard let type = members["type"] else { throw OKXError.parameterMissing("type") }
        guard type == "add" || type == "reduce" else { throw OKXError.parameterWrong("type") }
        guard let text = members["amt"] else { throw OKXError.parameterMissing("amt") }
        guard let amount = try? ExactDecimal(text), amount.isPositive else {
            throw OKXError.parameterWrong("amt")
        }
        guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
        guard let position = account.position(name, side: side, marginMode: .isolated) else {
            throw OKXError.positionMissing
        }
        do throws(Refusal) {
            try await submit(
                .adjustIsolatedMargin(
                    instrument: name, amount: type == "add" ? amount : -amount,
                    side: side == .net ? nil : side))
        } catch {
            guard error.code == .insufficientBalance else { throw OKXError(error) }
            throw OKXError(
                "59301", 200, "Margin adjustment failed for exceeding the max limit", shape: .business)
        }
        return try JSONWriter.rowReply { writer in
            try writer.member("amt", amount)
            writer.member("ccy", position.settlementAsset)
            writer.member("instId", name)
            try writer.member(
                "leverage",
                account.leverageInForce(of: instrument.terms, side: side, marginMode: .isolated, rules))
            writer.member("posSide", sideText)
            writer.member("type", type)
        }
    }
}

extension OKXVenue {
    /// What is free to trade an instrument with: of contracts in their settlement currency, of a pair in the
    /// currency that each side pays, of a pair on margin in that of each side's margin.
    fileprivate func free(
        of instrument: InstrumentRules, _ mode: String, _ currency: String?, _ snapshot: AccountSnapshot,
        _ rules: RuleTable
    ) throws -> TradableSize {
        let terms = instrument.terms
        let isContract = terms.kind.isDerivative
        let figures = try figures(of: snapshot, rules)
        func amount(_ currency: String, isCross: Bool) throws -> ExactDecimal {
            guard let row = rules.assetPlace(currency).flatMap({ figures.row($0) }) else { return .zero }
            let amount = try row[isCross ? .availEq : .availBal]
            return try amount.rounded(places: 16, rounding: .towardZero)
        }
        if isContract {
            let free = try amount(terms.settle, isCross: mode == MarginMode.cross.rawValue)
            return TradableSize(buy: free, sell: free)
        }
        guard mode != "cash", snapshot.account.mode == .futures else {
            return TradableSize(
                buy: try amount(terms.quote, isCross: false), sell: try amount(terms.base, isCross: false),
                sellsInBase: true)
        }
        guard mode == MarginMode.cross.rawValue else {
            return TradableSize(
                buy: try amount(terms.base, isCross: false), sell: try amount(terms.quote, isCross: false),
                buysInBase: true)
        }
        guard let currency, !currency.isEmpty else { throw OKXError.parameterMissing("ccy") }
        guard currency == terms.base || currency == terms.quote else { throw OKXError.parameterWrong("ccy") }
        let free = try amount(currency, isCross: true)
        let inBase = currency == terms.base
        return TradableSize(
            buy: free, sell: free, currency: currency, buysInBase: inBase, sellsInBase: inBase)
    }

    /// What is free to pay for one side of the exchange of a pair.
    func exchangeable(
        _ instrument: InstrumentRules, _ side: Side, _ snapshot: AccountSnapshot, _ rules: RuleTable
    ) throws -> ExactDecimal {
        let free = try free(of: instrument, "cash", nil, snapshot, rules)
        return side == .buy ? free.buy : free.sell
    }
}
