import JSON
import Numbers

extension Account {
    /// An account as `append(to:)` wrote it. `instruments` must hold every definition that it refers to.
    ///
    /// Throws where the record is not one that this ledger writes.
    public init(decoding value: JSONValue, instruments: InstrumentTable) throws(Refusal) {
        let reader = try FieldReader(value, subject: "account snapshot")
        self.init(
            id: try reader.text("account"), venue: VenueName(rawValue: try reader.text("venue")),
            parent: try reader.optionalText("parent"), conventions: try reader.conventions(),
            settings: try reader.settings(), openedAt: try reader.time("opened_at"))
        updatedAt = try reader.time("updated_at")
        version = try reader.count("version")
        lastSequence = try reader.count("last_sequence")
        holdings = try reader.rows("holdings") { row throws(Refusal) in try Holding(row) }
        positions = try reader.rows("positions") { row throws(Refusal) in try Position(row, instruments) }
        orders = try reader.rows("orders") { row throws(Refusal) in
            var order = try row.order(
                try row.instrument(in: instruments), placedAt: try row.time("placed_at"))
            order.remaining = try row.decimal("remaining")
            if row.has("sequence") { order.sequence = try row.count("sequence") }
            if row.has("amended_at") {
                order.amendments = try row.count("amendments")
                order.amendedAt = try row.time("amended_at")
            }
            order.fills = try row.fills()
            return order
        }
        if reader.has("conditionals") {
            conditionals = try reader.rows("conditionals") { row throws(Refusal) in
                try row.conditionalState(instruments)
            }
        }
        if reader.has("timers") {
            timers = try reader.rows("timers") { row throws(Refusal) in try row.timer() }
        }
        if reader.has("taken") {
            taken = try reader.rows("taken") { row throws(Refusal) in
                TakenSize(
                    instrument: try row.text("instrument"), side: try row.choice("side", Side.self),
                    liquidity: try row.choice("liquidity", Liquidity.self),
                    quote: try row.count("quote"), quantity: try row.decimal("quantity"))
            }
        }
        activity = try reader.rows("activity") { row throws(Refusal) in try InstrumentActivity(row) }
        leverages = try reader.rows("leverages") { row throws(Refusal) in try row.leverage() }
        overridden = try reader.rows("raised") { row throws(Refusal) in
            OverriddenField(
                flag: try row.text("flag"), asset: try row.optionalText("asset"),
                value: try row.required("value"))
        }
    }
}

extension FieldReader {
    /// The fills of an order; nil where it has none.
    fileprivate func fills() throws(Refusal) -> OrderFills? {
        guard let value = try optionalDecimal("filled_value") else { return nil }
        var fills = OrderFills(
            value: value, fees: try optionalDecimal("filled_fees") ?? .zero,
            feeAsset: try optionalText("fee_asset"), at: try time("filled_at"))
        fills.realised = try decimalOrZero("filled_realised")
        if has("last_fill") {
            fills.last = OrderFills.Last(
                price: try decimal("last_price"), quantity: try decimal("last_quantity"),
                sequence: try count("last_fill"))
        }
        return fills
    }

    func rows<Row>(
        _ field: String, _ read: (FieldReader) throws(Refusal) -> Row
    ) throws(Refusal) -> [Row] {
        var rows: [Row] = []
        for element in try elements(field) {
            rows.append(try read(try FieldReader(element, subject: subject)))
        }
        return rows
    }

    fileprivate func decimalOrZero(_ field: String) throws(Refusal) -> ExactDecimal {
        try optionalDecimal(field) ?? .zero
    }
}

extension Holding {
    fileprivate init(_ row: FieldReader) throws(Refusal) {
        self.init(asset: try row.text("asset"), updatedAt: try row.time("updated_at"))
        cash = try row.decimal("cash")
        borrowed = try row.decimalOrZero("borrowed")
        interest = try row.decimalOrZero("interest")
        if row.has("reserved") {
            reserved = try row.rows("reserved") { row throws(Refusal) in try Earmark(row) }
        }
        if row.has("credits") {
            credits = try row.rows("credits") { row throws(Refusal) in try Earmark(row) }
        }
        if row.has("spot_cost") {
            let cost = try FieldReader(try row.required("spot_cost"), subject: row.subject)
            spotCost = SpotCost(
                quantity: try cost.decimal("quantity"), boughtValue: try cost.decimal("bought_value"),
                soldValue: try cost.decimal("sold_value"), openCost: try cost.decimal("open_cost"))
        }
        flows = try Flows(try FieldReader(try row.required("flows"), subject: row.subject))
    }
}

extension Flows {
    fileprivate init(_ row: FieldReader) throws(Refusal) {
        self.init()
        deposited = try row.decimalOrZero("deposited")
        withdrawn = try row.decimalOrZero("withdrawn")
        withdrawalFees = try row.decimalOrZero("withdrawal_fees")
        transferred = try row.decimalOrZero("transferred")
        exchanged = try row.decimalOrZero("exchanged")
        realised = try row.decimalOrZero("realised")
        tradingFees = try row.decimalOrZero("trading_fees")
        funding = try row.decimalOrZero("funding")
        borrowed = try row.decimalOrZero("borrowed")
        interestPaid = try row.decimalOrZero("interest_paid")
        imported = try row.decimalOrZero("imported")
    }
}

extension Earmark {
    fileprivate init(_ row: FieldReader) throws(Refusal) {
        self.init(purpose: try row.text("purpose"), amount: try row.decimal("amount"))
    }
}

extension Position {
    fileprivate init(_ row: FieldReader, _ instruments: InstrumentTable) throws(Refusal) {
        self.init(
            instrument: try row.instrument(in: instruments), side: try row.positionSide(),
            marginMode: try row.marginMode(), quantity: try row.decimal("quantity"),
            cost: try row.decimal("cost"),
            openedAt: try row.time("opened_at"))
        openingCost = try row.optionalDecimal("opening_cost") ?? cost
        isolatedWallet = try row.decimalOrZero("isolated_wallet")
        realised = try row.decimalOrZero("realised")
        fees = try row.decimalOrZero("fees")
        funding = try row.decimalOrZero("funding")
        if let asset = try row.optionalText("margin_asset") {
            margin = MarginTrading(asset: asset, traded: try row.decimal("traded"))
        }
        if row.has("last_trade") { lastTrade = try row.integer("last_trade") }
        onlyPrice = try row.optionalDecimal("only_price")
        updatedAt = try row.time("updated_at")
    }
}

extension InstrumentActivity {
    fileprivate init(_ row: FieldReader) throws(Refusal) {
        self.init(instrument: try row.text("instrument"), updatedAt: try row.time("updated_at"))
        realised = try row.decimalOrZero("realised")
        sessionRealised = try row.decimalOrZero("session_realised")
        funding = try row.decimalOrZero("funding")
        volume = try row.decimalOrZero("volume")
        fees = try row.decimalOrZero("fees")
        liquidationFees = try row.decimalOrZero("liquidation_fees")
    }
}
