import JSON
import Ledger
import Numbers
import Venue

/// A user data stream's events as the venue's bytes: keys in the documents' order, figures printed as REST
/// prints them.
extension UserEvent {
    /// The message; with the stream's name around it where the connection is a combined one.
    func message(stream: String, isCombined: Bool) -> [UInt8] {
        var writer = JSONWriter(reserving: 512)
        if isCombined {
            writer.beginObject()
            writer.text("stream", stream)
            writer.key("data")
        }
        writer.userEvent(self)
        if isCombined { writer.endObject() }
        return writer.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func userEvent(_ event: UserEvent) {
        beginObject()
        text("e", event.name)
        switch event {
        case .accountUpdate(let update): accountUpdate(update)
        case .orderUpdate(let update): orderUpdate(update)
        case .tradeLite(let update): tradeLite(update)
        case .algoUpdate(let algo, let time): algoUpdate(algo, at: time)
        case .leverage(let symbol, let leverage, let time):
            times(time)
            key("ac")
            beginObject()
            text("s", symbol)
            key("l")
            number(leverage)
            endObject()
        case .assetMode(let isMultiAssets, let time):
            times(time)
            key("ai")
            beginObject()
            bool("j", isMultiAssets)
            endObject()
        case .marginCall(let call): marginCall(call)
        case .listenKeyExpired(let listenKey, let time):
            integer("E", time)
            text("listenKey", listenKey)
        }
        endObject()
    }

    /// Event and transaction time: both are the ledger's, which dates every figure.
    private mutating func times(_ time: LedgerTime) {
        integer("E", time.milliseconds)
        integer("T", time.milliseconds)
    }

    private mutating func accountUpdate(_ update: AccountUpdate) {
        times(update.time)
        key("a")
        beginObject()
        text("m", update.reason.rawValue)
        key("B")
        beginArray()
        for balance in update.balances {
            beginObject()
            text("a", balance.asset)
            amount("wb", balance.walletBalance)
            amount("cw", balance.crossWalletBalance)
            bareAmount("bc", balance.change)
            endObject()
        }
        endArray()
        key("P")
        beginArray()
        for position in update.positions { changedPosition(position) }
        endArray()
        if let symbol = update.fundedSymbol { text("S", symbol) }
        endObject()
    }

    private mutating func changedPosition(_ position: AccountUpdate.Position) {
        let row = position.row
        beginObject()
        text("s", row.symbol)
        key("pa")
        quoted(row.quantity, minimumPlaces: row.rules.quantityPrecision)
        entryPrice("ep", position.entryPrice)
        entryPrice("bep", position.breakEvenPrice)
        bareAmount("cr", position.realised)
        amount("up", row.unrealizedProfit)
        text("mt", row.marginMode.rawValue)
        bareAmount("iw", row.isolatedWallet)
        text("ps", row.sideName)
        endObject()
    }

    private mutating func marginCall(_ call: MarginCall) {
        integer("E", call.time.milliseconds)
        if let balance = call.crossWalletBalance { amount("cw", balance) }
        key("p")
        beginArray()
        for row in call.positions {
            beginObject()
            text("s", row.symbol)
            text("ps", row.sideName)
            key("pa")
            quoted(row.quantity, minimumPlaces: row.rules.quantityPrecision)
            switch row.marginMode {
            case .cross: literal("mt", "CROSSED")
            case .isolated: literal("mt", "ISOLATED")
            }
            bareAmount("iw", row.isolatedWallet)
            amount("mp", row.markPrice.cut(places: BinanceFigures.places))
            amount("up", row.unrealizedProfit)
            bareAmount("mm", row.maintMargin)
            endObject()
        }
        endArray()
    }
}
