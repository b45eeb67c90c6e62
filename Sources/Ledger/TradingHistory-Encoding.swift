import JSON
import Numbers

// Orders and trades as the operator reads them. Amounts are texts, times milliseconds since the epoch.

extension OrderRecord {
    /// Writes the order with what became of it as one JSON object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        order.write(to: &writer)
        writer.member("remaining", order.remaining)
        writer.member("placed_at", order.placedAt.milliseconds)
        writer.member("updated_at", updatedAt.milliseconds)
        if order.sequence != 0 { writer.member("sequence", order.sequence) }
        if let fills = order.fills {
            writer.member("filled_value", fills.value)
            writer.member("filled_fees", fills.fees)
            if let feeAsset = fills.feeAsset { writer.member("fee_asset", feeAsset) }
            writer.member("realised", fills.realised)
        }
        switch ending {
        case nil: writer.member("state", "open")
        case .filled: writer.member("state", "filled")
        case .cancelled: writer.member("state", "cancelled")
        case .ended(let reason):
            writer.member("state", "ended")
            writer.member("reason", reason.rawValue)
        case .refused(let code):
            writer.member("state", "refused")
            writer.member("code", code)
        }
        writer.endObject()
    }
}

extension TradeRecord {
    /// Writes the trade as one JSON object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("sequence", sequence)
        writer.member("at", at.milliseconds)
        fill.write(to: &writer)
        writer.member("realised", realised)
        if let clientID = order?.terms?.clientID { writer.member("client_order_id", clientID) }
        writer.endObject()
    }
}
