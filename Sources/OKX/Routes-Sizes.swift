import JSON
import Ledger
import Numbers
import Venue

// How much an account can trade, what it pays for it, and the margin of isolated positions.

extension OKXVenue {
    /// `account/max-size` and `account/max-avail-size`: what the free funds pay for at the price given or the
    /// mark, in contracts or coin; a close adds what is held the other way.
    func largestSizes(
        _ endpoint: Endpoint, _ query: [QueryItem], _ snapshot: AccountSnapshot
    ) throws -> [UInt8] {
        guard let names = query["instId"], !names.isEmpty else { throw OKXError.parameterMissing("instId") }
        guard let mode = query["tdMode"], !mode.isEmpty else { throw OKXError.parameterMissing("tdMode") }
        guard ["cash", "cross", "isolated"].contains(mode) else { throw OKXError.parameterWrong("tdMode") }
        let list = names.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard list.count <= 5 else { throw OKXError.listTooLong("instId", limit: 5) }
        let rules = rules(at: snapshot.at)
        let market = market(snapshot.prices, rules)
        let figures = try figures(of: snapshot, rules)
        return try Self.reply { writer in
            for name in list {
                guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
                let marginMode = MarginMode(rawValue: mode) ?? .cross
                let terms = instrument.terms
                func free(_ currency: String) throws -> ExactDecimal {
                    guard let row = rules.assetPlace(currency).flatMap({ figures.row($0) }) else {
                        return .zero
                    }
                    let isCross = terms.kind.isDerivative && marginMode == .cross
                    let amount = Figures.floored(isCross ? row.freeEquity : row.freeBalance)
                    return try amount.rounded(places: 16, rounding: .towardZero)
                }
                let price = query["px"].flatMap { try? ExactDecimal($0) } ?? market.mark(terms)
                let isAvailable = endpoint == .maxAvailableSize
                var buy = try free(terms.kind.isDerivative ? terms.settle : terms.quote)
                var sell = try terms.kind.isDerivative ? buy : free(terms.base)
                if !isAvailable, let price, price.isPositive {
                    let leverage = snapshot.account.leverageInForce(
                        of: terms, side: .net, marginMode: marginMode, rules)
                    if terms.kind.isDerivative {
                        let unit =
                            terms.payoff == .inverse
                            ? try terms.contractValue.over(price, rounding: .ceiling)
                            : try terms.contractValue.times(price, rounding: .ceiling)
                        let most = try buy.times(leverage, over: unit, rounding: .towardZero)
                        buy = try most.rounded(toMultipleOf: instrument.lot, .towardZero)
                        sell = buy
                    } else {
                        buy = try buy.over(price, rounding: .towardZero)
                            .rounded(toMultipleOf: instrument.lot, .towardZero)
                        sell = try sell.rounded(toMultipleOf: instrument.lot, .towardZero)
                    }
                }
                writer.beginObject()
                try writer.member(isAvailable ? "availBuy" : "ccy", isAvailable ? buy : nil)
                if isAvailable {
                    try writer.member("availSell", sell)
                    writer.member("instId", name)
                } else {
                    writer.member("instId", name)
                    try writer.member("maxBuy", buy)
                    try writer.member("maxSell", sell)
                }
                writer.endObject()
            }
        }
    }

    /// `account/trade-fee`: the account's rates; negative is what is paid.
    func tradeFee(_ query: [QueryItem], _ snapshot: AccountSnapshot) throws -> [UInt8] {
        guard let text = query["instType"], !text.isEmpty else { throw OKXError.parameterMissing("instType") }
        let rules = rules(at: snapshot.at)
        let type = text == "MARGIN" ? InstrumentType.spot : try Self.instrumentType(text)
        guard let type, let any = rules.instruments.first(where: { $0.type == type }) else {
            throw OKXError.parameterWrong("instType")
        }
        let maker = -feeRate(.maker, of: any, in: snapshot.account, rules)
        let taker = -feeRate(.taker, of: any, in: snapshot.account, rules)
        let isContract = type != .spot
        return try Self.reply { writer in
            writer.beginObject()
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
            writer.endObject()
        }
    }

    /// `account/position/margin-balance`: puts margin into an isolated position or takes some out.
    func adjustMargin(
        _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
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
        let rules = rules(at: snapshot.at)
        guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
        let account = snapshot.account
        guard let position = account.position(name, side: side, marginMode: .isolated) else {
            throw OKXError.positionMissing
        }
        let content = Command.Content.adjustIsolatedMargin(
            instrument: name, amount: type == "add" ? amount : -amount, side: side == .net ? nil : side)
        do throws(Refusal) {
            try await access.submit(Command(account: account.id, content: content))
        } catch {
            guard error.code == .insufficientBalance else { throw OKXError(error) }
            throw OKXError(
                "59301", 200, "Margin adjustment failed for exceeding the max limit", shape: .business)
        }
        return try Self.reply { writer in
            writer.beginObject()
            try writer.member("amt", amount)
            writer.member("ccy", position.settlementAsset)
            writer.member("instId", name)
            try writer.member(
                "leverage",
                account.leverageInForce(of: instrument.terms, side: side, marginMode: .isolated, rules))
            writer.member("posSide", sideText)
            writer.member("type", type)
            writer.endObject()
        }
    }
}
