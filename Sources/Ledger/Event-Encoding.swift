import JSON
import Numbers

extension Event {
    /// What kind of event it is, as the journal and the operator API spell it.
    public var typeName: String {
        switch body {
        case .instrumentDefined: "instrument_defined"
        case .accountOpened: "account_opened"
        case .configured: "configured"
        case .deposited: "deposited"
        case .withdrawn: "withdrawn"
        case .transferred: "transferred"
        case .orderPlaced: "order_placed"
        case .orderAmended: "order_amended"
        case .orderCancelled: "order_cancelled"
        case .orderEnded: "order_ended"
        case .orderRefused: "order_refused"
        case .filled: "filled"
        case .conditionalPlaced: "conditional_placed"
        case .conditionalAmended: "conditional_amended"
        case .conditionalTrailed: "conditional_trailed"
        case .conditionalTriggered: "conditional_triggered"
        case .conditionalEnded: "conditional_ended"
        case .timerSet: "timer_set"
        case .positionImported: "position_imported"
        case .leverageSet: "leverage_set"
        case .isolatedMarginAdjusted: "isolated_margin_adjusted"
        case .funded: "funded"
        case .borrowed: "borrowed"
        case .repaid: "repaid"
        case .interestAccrued: "interest_accrued"
        case .marginInterestAccrued: "margin_interest_accrued"
        case .reserved: "reserved"
        case .released: "released"
        case .credited: "credited"
        case .settled: "settled"
        case .autoExchanged: "auto_exchanged"
        case .priced: "priced"
        case .quoted: "quoted"
        case .fundingFixed: "funding_fixed"
        case .overridden: "raised"
        }
    }

    /// The other account that it changes: the receiver of a transfer.
    public var counterparty: String? {
        if case .transferred(let receiver, _, _) = body { receiver } else { nil }
    }

    /// Appends the body as one JSON object: what `init(sequence:at:account:typeName:body:instruments:)`
    /// reads.
    public func appendBody(to bytes: inout [UInt8]) {
        var writer = JSONWriter()
        swap(&writer.bytes, &bytes)
        writer.beginObject()
        body.write(to: &writer)
        if let cause { writer.member("cause", cause) }
        writer.endObject()
        swap(&writer.bytes, &bytes)
    }
}

extension EventBody {
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .instrumentDefined(let definition): definition.instrument.write(to: &writer)
        case .accountOpened(let opening): opening.write(to: &writer)
        case .configured(let settings): settings.write(to: &writer)
        case .deposited(let asset, let amount), .borrowed(let asset, let amount),
            .repaid(let asset, let amount),
            .interestAccrued(let asset, let amount):
            writer.member("asset", asset)
            writer.member("amount", amount)
        case .withdrawn(let asset, let amount, let fee):
            writer.member("asset", asset)
            writer.member("amount", amount)
            writer.member("fee", fee)
        case .transferred(let to, let asset, let amount):
            writer.member("to", to)
            writer.member("asset", asset)
            writer.member("amount", amount)
        case .reserved(let asset, let amount, let purpose), .released(let asset, let amount, let purpose),
            .credited(let asset, let amount, let purpose):
            writer.member("asset", asset)
            writer.member("amount", amount)
            writer.member("purpose", purpose)
        case .orderPlaced(let order): order.write(to: &writer)
        case .orderAmended(let amendment):
            writer.member("order_id", amendment.orderID)
            writer.member("quantity", amendment.quantity)
            writer.member("price", amendment.price)
            amendment.terms?.write(to: &writer)
        case .orderCancelled(let orderID): writer.member("order_id", orderID)
        case .orderEnded(let orderID, let end):
            writer.member("order_id", orderID)
            writer.member("reason", end.rawValue)
        case .orderRefused(let order, let code):
            order.write(to: &writer)
            writer.member("code", code)
        case .filled(let fill): fill.write(to: &writer)
        case .conditionalPlaced, .conditionalAmended, .conditionalTrailed, .conditionalTriggered,
            .conditionalEnded, .timerSet:
            writeConditional(to: &writer)
        case .positionImported(let imported): imported.write(to: &writer)
        case .leverageSet(let setting): setting.write(to: &writer)
        case .isolatedMarginAdjusted(let position, let amount),
            .marginInterestAccrued(let position, let amount):
            position.write(to: &writer)
            writer.member("amount", amount)
        case .funded(let position, let amount, let terms):
            position.write(to: &writer)
            writer.member("amount", amount)
            guard let terms else { return }
            writer.member("quantity", terms.quantity)
            if let mark = terms.mark { writer.member("mark", mark) }
            if let rate = terms.rate { writer.member("rate", rate) }
        case .settled(let instrument, let settlements): writeSettlement(instrument, settlements, to: &writer)
        case .autoExchanged(let exchange): exchange.write(to: &writer)
        case .priced(let tick): tick.write(to: &writer)
        case .quoted(let tick): tick.write(to: &writer)
        case .fundingFixed(let tick):
            writer.member("venue", tick.venue.rawValue)
            writer.member("instrument", tick.instrument)
            writer.member("mark", tick.mark)
            writer.member("rate", tick.rate)
        case .overridden(let flag, let asset, let value):
            writer.member("flag", flag)
            if let asset { writer.member("asset", asset) }
            writer.member("value", value ?? .null)
        }
    }

    private func writeSettlement(
        _ instrument: String?, _ settlements: [Settlement], to writer: inout JSONWriter
    ) {
        if let instrument { writer.member("instrument", instrument) }
        writer.array("positions", of: settlements) { settlement, writer in
            writer.beginObject()
            settlement.position.write(to: &writer)
            writer.member("mark", settlement.mark)
            writer.endObject()
        }
    }
}

extension JSONWriter {
    mutating func member(_ key: StaticString, _ number: ExactDecimal) {
        member(key, quoted: number)
    }
}

extension Instrument {
    func write(to writer: inout JSONWriter) {
        writer.member("venue", venue.rawValue)
        writer.member("instrument", name)
        writer.member("kind", kind.rawValue)
        writer.member("base", base)
        writer.member("quote", quote)
        writer.member("settle", settle)
        writer.member("payoff", payoff.rawValue)
        writer.member("contract_value", contractValue)
    }

    /// The name for people, and the sequence of the event that defines the terms for replaying.
    func writeReference(to writer: inout JSONWriter) {
        writer.member("instrument", name)
        writer.member("terms", definition)
    }
}

extension AccountOpening {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("venue", venue.rawValue)
        if let parent { writer.member("parent", parent) }
        settings.write(to: &writer)
        conventions.write(to: &writer)
    }
}

extension Settings {
    func write(to writer: inout JSONWriter) {
        writer.beginObject("settings")
        for (name, value) in values {
            writer.key(name)
            writer.value(value)
        }
        writer.endObject()
    }
}

extension Conventions {
    func write(to writer: inout JSONWriter) {
        writer.beginObject("conventions")
        writer.member("booked_places", Int64(bookedPlaces))
        writer.member("fee_places", Int64(feePlaces))
        writer.member("amount_places", Int64(amountPlaces))
        writer.member("imported_wallet_comes_from_cash", importedWalletComesFromCash)
        writer.member("keeps_interest_apart", keepsInterestApart)
        if openingFeesComeFromWallet { writer.member("opening_fees_come_from_wallet", true) }
        writer.endObject()
    }
}

extension OpenOrder {
    func write(to writer: inout JSONWriter) {
        writer.member("order_id", id)
        instrument.writeReference(to: &writer)
        writer.member("side", side.rawValue)
        writer.member("quantity", quantity)
        writer.member("price", price)
        if reduceOnly { writer.member("reduce_only", true) }
        if positionSide != .net { writer.member("position_side", positionSide.rawValue) }
        if marginMode != .cross { writer.member("margin_mode", marginMode.rawValue) }
        if let terms { terms.write(to: &writer) }
    }
}

extension OrderTerms {
    func write(to writer: inout JSONWriter) {
        writer.beginObject("terms_of_order")
        if let clientID { writer.member("client_order_id", clientID) }
        writer.member("kind", kind.rawValue)
        writer.member("time_in_force", timeInForce.rawValue)
        if postOnly { writer.member("post_only", true) }
        if let expiresAt { writer.member("expires_at", expiresAt.milliseconds) }
        if let selfTradePrevention { writer.member("self_trade_prevention", selfTradePrevention.rawValue) }
        if let selfTradeGroup { writer.member("self_trade_group", selfTradeGroup) }
        if let list { writer.member("list", list) }
        if let conditional { writer.member("conditional", conditional) }
        if let marginAsset { writer.member("margin_asset", marginAsset) }
        if !attached.isEmpty { writer.array("attached", attached) { $0.write(to: &$1) } }
        if !words.values.isEmpty { words.write(to: &writer) }
        writer.endObject()
    }
}

extension PositionKey {
    func write(to writer: inout JSONWriter) {
        instrument.writeReference(to: &writer)
        if side != .net { writer.member("position_side", side.rawValue) }
        if marginMode != .cross { writer.member("margin_mode", marginMode.rawValue) }
    }
}

extension Fill {
    func write(to writer: inout JSONWriter) {
        position.write(to: &writer)
        writer.member("side", side.rawValue)
        writer.member("quantity", quantity)
        writer.member("price", price)
        if !fee.isZero { writer.member("fee", fee) }
        let usualFeeAsset = instrument.kind.isDerivative ? instrument.settle : instrument.quote
        if feeAsset != usualFeeAsset { writer.member("fee_asset", feeAsset) }
        if let orderID { writer.member("order_id", orderID) }
        if leverage != .one { writer.member("leverage", leverage) }
        if liquidation { writer.member("liquidation", true) }
        if let quoteIndex { writer.member("quote_index", quoteIndex) }
        if let liquidity { writer.member("liquidity", liquidity.rawValue) }
        if let quote { writer.member("quote", quote) }
        if let marginAsset { writer.member("margin_asset", marginAsset) }
        if !feeCredit.isZero { writer.member("fee_credit", feeCredit) }
        if let order {
            writer.member("order_placed_at", order.placedAt.milliseconds)
            if order.isComplete { writer.member("order_complete", true) }
        }
    }
}

extension ImportedPosition {
    fileprivate func write(to writer: inout JSONWriter) {
        position.write(to: &writer)
        writer.member("quantity", quantity)
        writer.member("entry_price", entryPrice)
        if !isolatedWallet.isZero { writer.member("isolated_wallet", isolatedWallet) }
        if let leverage { writer.member("leverage", leverage) }
        if !realised.isZero { writer.member("realised", realised) }
        if !fees.isZero { writer.member("fees", fees) }
        if let margin {
            writer.member("margin_asset", margin.asset)
            writer.member("liability", margin.liability)
        }
    }
}

extension LeverageSetting {
    func write(to writer: inout JSONWriter) {
        writer.member("instrument", instrument)
        if let side { writer.member("position_side", side.rawValue) }
        if let marginMode { writer.member("margin_mode", marginMode.rawValue) }
        writer.member("leverage", leverage)
    }
}

extension AutoExchange {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("reason", reason.rawValue)
        writer.key("bought")
        bought.write(to: &writer)
        writer.array("sold", of: sold) { part, writer in part.write(to: &writer) }
    }
}

extension AutoExchange.Part {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("asset", asset)
        writer.member("amount", amount)
        writer.member("rate", rate)
        writer.endObject()
    }
}

extension PriceTick {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("venue", venue.rawValue)
        for (key, quotes) in [("marks", marks), ("index", index)] where !quotes.isEmpty {
            writer.key(key)
            writer.beginObject()
            for quote in quotes {
                writer.key(quote.name)
                writer.quoted(quote.price)
            }
            writer.endObject()
        }
    }
}

extension QuoteTick {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("venue", venue.rawValue)
        writer.beginObject("quotes")
        for quote in quotes {
            writer.key(quote.instrument)
            writer.beginObject()
            quote.write(to: &writer)
            writer.endObject()
        }
        writer.endObject()
    }
}

extension Quote {
    fileprivate func write(to writer: inout JSONWriter) {
        let members: [(StaticString, ExactDecimal?)] = [
            ("bid", bid), ("ask", ask), ("bid_size", bidSize), ("ask_size", askSize), ("last", last),
            ("quantity", quantity),
        ]
        for (key, number) in members { if let number { writer.member(key, number) } }
    }
}
