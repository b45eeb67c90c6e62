import JSON
import Numbers

extension Event {
    /// An event as the journal keeps it: the body that `appendBody` wrote.
    ///
    /// `instruments` must hold every definition up to this place of the journal. Throws where the record is
    /// not one that this ledger writes.
    public init(
        sequence: Int64, at time: LedgerTime, account: String?, typeName: String, body: JSONValue,
        instruments: InstrumentTable
    ) throws(Refusal) {
        let reader = EventReader(
            fields: try FieldReader(body, subject: "event \(sequence)"), sequence: sequence,
            instruments: instruments)
        self.init(
            sequence: sequence, at: time, account: account,
            cause: reader.fields.has("cause") ? try reader.fields.count("cause") : nil,
            body: try reader.body(typeName, at: time))
    }
}

/// Reads one event's body.
private struct EventReader {
    let fields: FieldReader
    let sequence: Int64
    let instruments: InstrumentTable

    func body(_ typeName: String, at time: LedgerTime) throws(Refusal) -> EventBody {
        switch typeName {
        case "instrument_defined":
            return .instrumentDefined(InstrumentDefinition(try fields.instrument(definition: sequence)))
        case "account_opened":
            return .accountOpened(
                AccountOpening(
                    venue: VenueName(rawValue: try fields.text("venue")),
                    parent: try fields.optionalText("parent"),
                    conventions: try fields.conventions(), settings: try fields.settings()))
        case "configured": return .configured(try fields.settings())
        case "order_placed":
            return .orderPlaced(try fields.order(try instrument(), placedAt: time))
        case "order_amended":
            return .orderAmended(
                OrderAmendment(
                    orderID: try fields.text("order_id"), quantity: try fields.decimal("quantity"),
                    price: try fields.decimal("price"),
                    terms: fields.has("terms_of_order") ? try fields.orderTerms() : nil))
        case "order_ended":
            return .orderEnded(
                orderID: try fields.text("order_id"), try fields.choice("reason", OrderEnd.self))
        case "order_refused":
            return .orderRefused(
                try fields.order(try instrument(), placedAt: time), code: try fields.integer("code"))
        case "order_cancelled": return .orderCancelled(orderID: try fields.text("order_id"))
        case "filled": return .filled(try fill())
        case "position_imported": return .positionImported(try imported())
        case "leverage_set": return .leverageSet(try fields.leverage())
        case "isolated_margin_adjusted":
            return .isolatedMarginAdjusted(position: try position(), amount: try fields.decimal("amount"))
        case "funded":
            return .funded(
                position: try position(), amount: try fields.decimal("amount"), terms: try fundingTerms())
        case "margin_interest_accrued":
            return .marginInterestAccrued(position: try position(), amount: try fields.decimal("amount"))
        case "settled": return try settled()
        case "auto_exchanged": return .autoExchanged(try autoExchange())
        case "priced":
            return .priced(
                PriceTick(
                    venue: VenueName(rawValue: try fields.text("venue")), marks: try quotes("marks"),
                    index: try quotes("index")))
        case "quoted":
            return .quoted(
                QuoteTick(
                    venue: VenueName(rawValue: try fields.text("venue")), quotes: try fields.quotes()))
        case "funding_fixed":
            return .fundingFixed(
                FundingTick(
                    venue: VenueName(rawValue: try fields.text("venue")),
                    instrument: try fields.text("instrument"), mark: try fields.decimal("mark"),
                    rate: try fields.decimal("rate")))
        case "raised":
            let value = try fields.required("value")
            return .overridden(
                flag: try fields.text("flag"), asset: try fields.optionalText("asset"),
                value: value == .null ? nil : value)
        default:
            if let body = try fields.conditionalEvent(typeName, at: time, instruments) { return body }
            return try money(typeName)
        }
    }

    private func money(_ typeName: String) throws(Refusal) -> EventBody {
        let asset = try fields.text("asset")
        let amount = try fields.decimal("amount")
        switch typeName {
        case "deposited": return .deposited(asset: asset, amount: amount)
        case "withdrawn": return .withdrawn(asset: asset, amount: amount, fee: try fields.decimal("fee"))
        case "transferred": return .transferred(to: try fields.text("to"), asset: asset, amount: amount)
        case "borrowed": return .borrowed(asset: asset, amount: amount)
        case "repaid": return .repaid(asset: asset, amount: amount)
        case "interest_accrued": return .interestAccrued(asset: asset, amount: amount)
        case "reserved":
            return .reserved(asset: asset, amount: amount, purpose: try fields.text("purpose"))
        case "released":
            return .released(asset: asset, amount: amount, purpose: try fields.text("purpose"))
        case "credited":
            return .credited(asset: asset, amount: amount, purpose: try fields.text("purpose"))
        default:
            throw Refusal(
                .invalidField, "\(fields.subject) is of an unknown type \(typeName).", field: "type")
        }
    }

    private func instrument() throws(Refusal) -> Instrument {
        try fields.instrument(in: instruments)
    }

    private func position() throws(Refusal) -> PositionKey {
        PositionKey(
            instrument: try instrument(), side: try fields.positionSide(), marginMode: try fields.marginMode()
        )
    }

    private func fill() throws(Refusal) -> Fill {
        let key = try position()
        let usualFeeAsset = key.instrument.kind.isDerivative ? key.instrument.settle : key.instrument.quote
        var fill = Fill(
            instrument: key.instrument, side: try fields.choice("side", Side.self),
            quantity: try fields.decimal("quantity"), price: try fields.decimal("price"),
            fee: try fields.optionalDecimal("fee") ?? .zero,
            feeAsset: try fields.optionalText("fee_asset") ?? usualFeeAsset,
            orderID: try fields.optionalText("order_id"), positionSide: key.side, marginMode: key.marginMode,
            leverage: try fields.optionalDecimal("leverage") ?? .one,
            liquidation: try fields.flag("liquidation"),
            quoteIndex: try fields.optionalDecimal("quote_index"),
            feeCredit: try fields.optionalDecimal("fee_credit") ?? .zero,
            order: try filledOrder(), marginAsset: try fields.optionalText("margin_asset"))
        fill.liquidity = try fields.optionalChoice("liquidity", Liquidity.self)
        if fields.has("quote") { fill.quote = try fields.count("quote") }
        return fill
    }

    private func filledOrder() throws(Refusal) -> FilledOrder? {
        guard fields.has("order_placed_at") else { return nil }
        return FilledOrder(
            placedAt: try fields.time("order_placed_at"), isComplete: try fields.flag("order_complete"))
    }

    private func fundingTerms() throws(Refusal) -> FundingTerms? {
        guard let quantity = try fields.optionalDecimal("quantity") else { return nil }
        return FundingTerms(
            quantity: quantity, mark: try fields.optionalDecimal("mark"),
            rate: try fields.optionalDecimal("rate"))
    }

    private func imported() throws(Refusal) -> ImportedPosition {
        ImportedPosition(
            position: try position(), quantity: try fields.decimal("quantity"),
            entryPrice: try fields.decimal("entry_price"),
            isolatedWallet: try fields.optionalDecimal("isolated_wallet") ?? .zero,
            leverage: try fields.optionalDecimal("leverage"),
            realised: try fields.optionalDecimal("realised") ?? .zero,
            fees: try fields.optionalDecimal("fees") ?? .zero, margin: try importedMargin())
    }

    private func importedMargin() throws(Refusal) -> ImportedMargin? {
        guard let asset = try fields.optionalText("margin_asset") else { return nil }
        return ImportedMargin(asset: asset, liability: try fields.decimal("liability"))
    }

    private func settled() throws(Refusal) -> EventBody {
        var settlements: [Settlement] = []
        for element in try fields.elements("positions") {
            let reader = EventReader(
                fields: try FieldReader(element, subject: fields.subject), sequence: sequence,
                instruments: instruments)
            settlements.append(
                Settlement(position: try reader.position(), mark: try reader.fields.decimal("mark")))
        }
        return .settled(instrument: try fields.optionalText("instrument"), settlements)
    }

    private func autoExchange() throws(Refusal) -> AutoExchange {
        var sold: [AutoExchange.Part] = []
        for element in try fields.elements("sold") { sold.append(try part(element)) }
        return AutoExchange(
            reason: try fields.choice("reason", AutoExchange.Reason.self),
            bought: try part(try fields.required("bought")), sold: sold)
    }

    private func part(_ value: JSONValue) throws(Refusal) -> AutoExchange.Part {
        let reader = try FieldReader(value, subject: fields.subject)
        return AutoExchange.Part(
            asset: try reader.text("asset"), amount: try reader.decimal("amount"),
            rate: try reader.decimal("rate"))
    }

    private func quotes(_ field: String) throws(Refusal) -> [PriceTick.Quote] {
        guard fields.has(field) else { return [] }
        var quotes: [PriceTick.Quote] = []
        for (name, value) in try fields.members(field) {
            quotes.append(PriceTick.Quote(name: name, price: try fields.decimal(value, field: name)))
        }
        return quotes
    }
}

/// Parts that events and account records share.
extension FieldReader {
    /// The instrument that a record names, under the terms that it names (the sequence of their definition).
    func instrument(in table: InstrumentTable) throws(Refusal) -> Instrument {
        let definition = try integer("terms")
        guard let instrument = table.instrument(definition: definition) else {
            let name = try text("instrument")
            throw Refusal(
                .unknownInstrument, "\(subject): event \(definition) defines no terms of \(name).",
                field: "terms")
        }
        return instrument
    }

    func instrument(definition: Int64) throws(Refusal) -> Instrument {
        Instrument(
            venue: VenueName(rawValue: try text("venue")), name: try text("instrument"),
            kind: try choice("kind", Instrument.Kind.self), base: try text("base"), quote: try text("quote"),
            settle: try text("settle"), payoff: try choice("payoff", Instrument.Payoff.self),
            contractValue: try decimal("contract_value"), definition: definition)
    }

    func positionSide() throws(Refusal) -> PositionSide {
        try optionalChoice("position_side", PositionSide.self) ?? .net
    }

    func marginMode() throws(Refusal) -> MarginMode {
        try optionalChoice("margin_mode", MarginMode.self) ?? .cross
    }

    func settings() throws(Refusal) -> Settings {
        Settings(try members("settings").map { (name: $0.key, value: $0.value) })
    }

    func conventions() throws(Refusal) -> Conventions {
        let reader = try FieldReader(try required("conventions"), subject: subject)
        return Conventions(
            bookedPlaces: Int(try reader.count("booked_places")),
            feePlaces: Int(try reader.count("fee_places")),
            amountPlaces: Int(try reader.count("amount_places")),
            importedWalletComesFromCash: try reader.flag("imported_wallet_comes_from_cash"),
            keepsInterestApart: try reader.flag("keeps_interest_apart"),
            openingFeesComeFromWallet: try reader.flag("opening_fees_come_from_wallet"))
    }

    func order(_ instrument: Instrument, placedAt time: LedgerTime) throws(Refusal) -> OpenOrder {
        var order = OpenOrder(
            id: try text("order_id"), instrument: instrument, side: try choice("side", Side.self),
            quantity: try decimal("quantity"), price: try decimal("price"),
            reduceOnly: try flag("reduce_only"),
            positionSide: try positionSide(), marginMode: try marginMode(), placedAt: time)
        if has("terms_of_order") { order.terms = try orderTerms() }
        return order
    }

    func orderTerms() throws(Refusal) -> OrderTerms {
        let reader = try FieldReader(try required("terms_of_order"), subject: subject)
        var terms = OrderTerms(
            clientID: try reader.optionalText("client_order_id"),
            kind: try reader.choice("kind", OrderTerms.Kind.self),
            timeInForce: try reader.choice("time_in_force", OrderTerms.TimeInForce.self),
            postOnly: try reader.flag("post_only"),
            expiresAt: reader.has("expires_at") ? try reader.time("expires_at") : nil,
            words: reader.has("settings") ? try reader.settings() : Settings())
        terms.selfTradePrevention = try reader.optionalChoice(
            "self_trade_prevention", SelfTradePrevention.self)
        terms.selfTradeGroup = try reader.optionalText("self_trade_group")
        terms.list = try reader.optionalText("list")
        terms.conditional = try reader.optionalText("conditional")
        terms.marginAsset = try reader.optionalText("margin_asset")
        if reader.has("attached") {
            terms.attached = try reader.rows("attached") { row throws(Refusal) in try row.conditional() }
        }
        return terms
    }

    /// Quotes by instrument, each with what is known of it.
    func quotes() throws(Refusal) -> [Quote] {
        var quotes: [Quote] = []
        for (name, value) in try members("quotes") {
            let reader = try FieldReader(value, subject: "\(subject): quotes.\(name)")
            try reader.allow(CommandForm.quoteFields.map(\.name))
            var quote = Quote(instrument: name)
            quote.bid = try reader.optionalDecimal("bid")
            quote.ask = try reader.optionalDecimal("ask")
            quote.bidSize = try reader.optionalDecimal("bid_size")
            quote.askSize = try reader.optionalDecimal("ask_size")
            quote.last = try reader.optionalDecimal("last")
            quote.quantity = try reader.optionalDecimal("quantity")
            quotes.append(quote)
        }
        return quotes
    }

    func leverage() throws(Refusal) -> LeverageSetting {
        LeverageSetting(
            instrument: try text("instrument"),
            side: try optionalChoice("position_side", PositionSide.self),
            marginMode: try optionalChoice("margin_mode", MarginMode.self), leverage: try decimal("leverage"))
    }
}
