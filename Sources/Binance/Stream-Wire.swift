import JSON
import Ledger
import Numbers
import Venue

/// A user data stream's events as the venue's bytes: keys in the documents' order, figures printed as REST
/// prints them.
extension UserEvent {
    func message() throws -> [UInt8] {
        try JSONWriter.object(reserving: 512) { try $0.userEvent(self) }
    }
}

extension [UInt8] {
    /// A message with the stream's name around it, where the connection is a combined one.
    func wrapped(asOf stream: String, isCombined: Bool) -> [UInt8] {
        guard isCombined else { return self }
        return JSONWriter.object(reserving: count + stream.utf8.count + 24) { writer in
            writer.member("stream", stream)
            writer.member("data", raw: self)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func userEvent(_ event: UserEvent) throws {
        member("e", event.name)
        switch event {
        case .accountUpdate(let update): try accountUpdate(update)
        case .orderUpdate(let update): orderUpdate(update)
        case .tradeLite(let update): tradeLite(update)
        case .algoUpdate(let algo, let time): algoUpdate(algo, at: time)
        case .leverage(let symbol, let leverage, let time):
            times(time)
            beginObject("ac")
            member("s", symbol)
            member("l", number: leverage)
            endObject()
        case .assetMode(let isMultiAssets, let time):
            times(time)
            beginObject("ai")
            member("j", isMultiAssets)
            endObject()
        case .marginCall(let call): try marginCall(call)
        case .listenKeyExpired(let listenKey, let time):
            member("E", time)
            member("listenKey", listenKey)
        }
    }

    /// Event and transaction time: both are the ledger's, which dates every figure.
    private mutating func times(_ time: LedgerTime) {
        member("E", time.milliseconds)
        member("T", time.milliseconds)
    }

    private mutating func accountUpdate(_ update: AccountUpdate) throws {
        times(update.time)
        beginObject("a")
        member("m", update.reason.rawValue)
        beginArray("B")
        for balance in update.balances {
            beginObject()
            member("a", balance.asset)
            amount("wb", balance.walletBalance)
            amount("cw", balance.crossWalletBalance)
            bareAmount("bc", balance.change)
            endObject()
        }
        endArray()
        beginArray("P")
        for position in update.positions { try row(position, as: Layouts.changedPosition) }
        endArray()
        if let symbol = update.fundedSymbol { member("S", symbol) }
        endObject()
    }

    private mutating func marginCall(_ call: MarginCall) throws {
        member("E", call.time.milliseconds)
        if let balance = call.crossWalletBalance { amount("cw", balance) }
        beginArray("p")
        for position in call.positions { try row(position, as: Layouts.calledPosition) }
        endArray()
    }
}
