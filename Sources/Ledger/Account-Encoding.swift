import JSON
import Numbers

extension Account {
    /// Appends the account's whole state as one JSON object: what the operator API shows, and what snapshots
    /// keep.
    public func append(to bytes: inout [UInt8]) {
        var writer = JSONWriter()
        swap(&writer.bytes, &bytes)
        write(to: &writer)
        swap(&writer.bytes, &bytes)
    }

    /// Writes the account's whole state as one JSON object. Amounts are texts, times milliseconds since the
    /// epoch.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("account", id)
        writer.member("venue", venue.rawValue)
        if let parent { writer.member("parent", parent) }
        settings.write(to: &writer)
        conventions.write(to: &writer)
        writer.member("opened_at", openedAt.milliseconds)
        writer.member("updated_at", updatedAt.milliseconds)
        writer.member("version", version)
        writer.member("last_sequence", lastSequence)
        writer.array("holdings", holdings) { $0.write(to: &$1) }
        writer.array("positions", positions) { $0.write(to: &$1) }
        writer.array("orders", orders) { order, writer in
            order.write(to: &writer)
            writer.member("remaining", order.remaining)
            writer.member("placed_at", order.placedAt.milliseconds)
            if order.sequence != 0 { writer.member("sequence", order.sequence) }
            if let amendedAt = order.amendedAt {
                writer.member("amendments", order.amendments)
                writer.member("amended_at", amendedAt.milliseconds)
            }
            order.fills?.write(to: &writer)
        }
        if !conditionals.isEmpty { writer.array("conditionals", conditionals) { $0.writeState(to: &$1) } }
        if !timers.isEmpty { writer.array("timers", timers) { $0.write(to: &$1) } }
        if !taken.isEmpty { writer.array("taken", taken) { $0.write(to: &$1) } }
        writer.array("activity", activity) { $0.write(to: &$1) }
        writer.array("leverages", leverages) { $0.write(to: &$1) }
        writer.array("raised", overridden) { flag, writer in
            writer.member("flag", flag.flag)
            if let asset = flag.asset { writer.member("asset", asset) }
            writer.member("value", flag.value)
        }
        writer.endObject()
    }
}

extension JSONWriter {
    mutating func array<Row>(
        _ key: StaticString, _ rows: [Row], _ write: (Row, inout JSONWriter) -> Void
    ) {
        beginArray(key)
        for row in rows {
            beginObject()
            write(row, &self)
            endObject()
        }
        endArray()
    }

    /// Leaves out a zero: an amount that is absent reads as zero in the ledger's own records.
    fileprivate mutating func unlessZero(_ key: StaticString, _ number: ExactDecimal) {
        if !number.isZero { member(key, number) }
    }
}

extension OrderFills {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("filled_value", value)
        writer.unlessZero("filled_fees", fees)
        if let feeAsset { writer.member("fee_asset", feeAsset) }
        writer.member("filled_at", at.milliseconds)
        writer.unlessZero("filled_realised", realised)
        if let last {
            writer.member("last_price", last.price)
            writer.member("last_quantity", last.quantity)
            writer.member("last_fill", last.sequence)
        }
    }
}

extension Holding {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("asset", asset)
        writer.member("cash", cash)
        writer.unlessZero("borrowed", borrowed)
        writer.unlessZero("interest", interest)
        if !reserved.isEmpty { writer.array("reserved", reserved) { $0.write(to: &$1) } }
        if !credits.isEmpty { writer.array("credits", credits) { $0.write(to: &$1) } }
        if let spotCost {
            writer.beginObject("spot_cost")
            writer.member("quantity", spotCost.quantity)
            writer.member("bought_value", spotCost.boughtValue)
            writer.member("sold_value", spotCost.soldValue)
            writer.member("open_cost", spotCost.openCost)
            writer.endObject()
        }
        flows.write(to: &writer)
        writer.member("updated_at", updatedAt.milliseconds)
    }
}

extension Flows {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject("flows")
        writer.unlessZero("deposited", deposited)
        writer.unlessZero("withdrawn", withdrawn)
        writer.unlessZero("withdrawal_fees", withdrawalFees)
        writer.unlessZero("transferred", transferred)
        writer.unlessZero("exchanged", exchanged)
        writer.unlessZero("realised", realised)
        writer.unlessZero("trading_fees", tradingFees)
        writer.unlessZero("funding", funding)
        writer.unlessZero("borrowed", borrowed)
        writer.unlessZero("interest_paid", interestPaid)
        writer.unlessZero("imported", imported)
        writer.endObject()
    }
}

extension Earmark {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("purpose", purpose)
        writer.member("amount", amount)
    }
}

extension Position {
    fileprivate func write(to writer: inout JSONWriter) {
        key.write(to: &writer)
        writer.member("quantity", quantity)
        writer.member("cost", cost)
        if openingCost != cost { writer.member("opening_cost", openingCost) }
        writer.unlessZero("isolated_wallet", isolatedWallet)
        writer.unlessZero("realised", realised)
        writer.unlessZero("fees", fees)
        writer.unlessZero("funding", funding)
        if let margin {
            writer.member("margin_asset", margin.asset)
            writer.member("traded", margin.traded)
        }
        if let lastTrade { writer.member("last_trade", lastTrade) }
        if let onlyPrice { writer.member("only_price", onlyPrice) }
        writer.member("opened_at", openedAt.milliseconds)
        writer.member("updated_at", updatedAt.milliseconds)
    }
}

extension InstrumentActivity {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.member("instrument", instrument)
        writer.unlessZero("realised", realised)
        writer.unlessZero("session_realised", sessionRealised)
        writer.unlessZero("funding", funding)
        writer.unlessZero("volume", volume)
        writer.unlessZero("fees", fees)
        writer.unlessZero("liquidation_fees", liquidationFees)
        writer.member("updated_at", updatedAt.milliseconds)
    }
}
