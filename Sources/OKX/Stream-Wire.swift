import JSON
import Ledger
import Numbers
import Venue

// Messages of a stream, as the venue's documentation orders their keys.

extension OKXStream {
    /// `{"event":"login","code":"0","msg":"","connId":…}`.
    func loginAcknowledged() -> [UInt8] {
        message { writer in
            writer.member("event", literal: "login")
            writer.member("code", literal: "0")
            writer.member("msg", literal: "")
        }
    }

    /// The venue's answer to a subscription or its end.
    func acknowledged(_ request: StreamRequest, _ argument: JSONObject) -> [UInt8] {
        message(id: request.id) { writer in
            writer.member("event", request.operation.rawValue)
            writer.member("arg", .object(argument))
        }
    }

    /// How many connections of the account have subscribed to a channel, or that there are too many.
    func connectionCount(_ channel: Channel, _ count: Int, isRefused: Bool) -> [UInt8] {
        message { writer in
            writer.member("event", literal: isRefused ? "channel-conn-count-error" : "channel-conn-count")
            writer.member("channel", channel.rawValue)
            writer.member("connCount", "\(count)")
        }
    }

    /// A refusal.
    func refused(_ error: StreamError) -> [UInt8] {
        message(id: error.id) { writer in
            writer.member("event", literal: "error")
            writer.member("code", error.code)
            writer.member("msg", venue.profile == .live ? error.liveMessage ?? error.message : error.message)
        }
    }

    /// The refusal of an operation on orders, in the form of its own that such operations are answered in.
    /// Times are microseconds.
    func refused(_ error: StreamError, operation: String, at now: Int64) -> [UInt8] {
        JSONWriter.object(reserving: 256) { writer in
            if let id = error.id { writer.member("id", id) }
            writer.member("op", operation)
            writer.member("code", error.code)
            writer.member("msg", error.message)
            writer.emptyArray("data")
            writer.member("inTime", "\(now)000")
            writer.member("outTime", "\(now)000")
        }
    }

    /// `event` `notice` with code 64008: the connection is about to be closed for an upgrade of the service.
    func serviceUpgrade() -> [UInt8] {
        message { writer in
            writer.member("event", literal: "notice")
            writer.member("code", literal: "64008")
            writer.member(
                "msg",
                literal: "The connection will soon be closed for a service upgrade. Please reconnect.")
        }
    }

    private func message(id: String? = nil, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        JSONWriter.object(reserving: 256) { writer in
            if let id { writer.member("id", id) }
            write(&writer)
            writer.member("connId", connection)
        }
    }

    /// How a push of an account's channel comes about.
    enum PushKind: String, Sendable {
        case snapshot
        case update = "event_update"
    }

    /// A push: `arg` is the subscription's with the user's id, and whatever `write` puts into `data`. All of
    /// it is one page.
    func push(
        _ subscription: Subscription, _ kind: PushKind? = nil, _ write: (inout JSONWriter) throws -> Void
    ) rethrows -> [UInt8] {
        var writer = JSONWriter(reserving: 2000)
        writer.beginObject()
        writer.member("arg", raw: subscription.pushedArgument)
        if let kind { writer.member("eventType", kind.rawValue) }
        if kind == .snapshot {
            writer.member("curPage", 1)
            writer.member("lastPage", true)
        }
        try writer.array("data", write)
        writer.endObject()
        return writer.bytes
    }
}

// MARK: - The account's channels

extension OKXStream {
    /// The account object of the balance: in a snapshot with every row of which eq, availEq or availBal is
    /// not 0, in an update with the rows that have changed, now 0 or not. Nil where no change concerns it.
    func accountPush(
        _ subscription: Subscription, _ snapshot: AccountSnapshot, changes: AccountChanges?
    ) throws -> [UInt8]? {
        let rules = venue.rules(at: snapshot.at)
        let figures = try venue.figures(of: snapshot, rules)
        return try FigureError.turning {
            let writer = BalanceWriter(account: snapshot.account, at: snapshot.at, figures: figures)
            let order = try figures.balanceRows { row in
                if case .currency(let wanted) = subscription.filter, !wanted.isExactly(row.name) {
                    return false
                }
                if let changes { return changes.concerns(row.name) }
                return try !row[.eq].isZero || row.freeEquity().isPositive || row[.availBal].isPositive
            }
            if let changes, order.isEmpty, !changes.isOfAccount { return nil }
            let pushed = try writer.pushed(order)
            return push(subscription, changes == nil ? .snapshot : .update) { $0.raw(pushed) }
        }
    }

    /// Rows as `account/positions` has them, with the push's time: in a snapshot all that are open, in an
    /// update those that have changed and, with `pos` 0, those that were closed. Nil where no change concerns
    /// it.
    func positionsPush(
        _ subscription: Subscription, _ snapshot: AccountSnapshot, changes: AccountChanges?
    ) throws -> [UInt8]? {
        guard case .positions(let filter) = subscription.filter else { return nil }
        let rules = venue.rules(at: snapshot.at)
        var isEmpty = true
        let message = try push(subscription, changes == nil ? .snapshot : .update) { writer in
            let start = writer.bytes.count
            try venue.writePositions(of: snapshot, filter, rules, pushedAt: snapshot.at, to: &writer) { id in
                changes?.concernsPosition(id) ?? true
            }
            for position in changes?.closed ?? [] {
                let id = StableID.position(snapshot.account.id, position)
                guard let entry = rules.instrument(position.instrument.name),
                    filter.admits(position, entry, id: id)
                else { continue }
                OKXVenue.writeClosed(position, id, entry, at: snapshot.at, to: &writer)
            }
            isEmpty = writer.bytes.count == start
        }
        return changes != nil && isEmpty ? nil : message
    }

    /// Cash and positions that are not 0.
    func balancesAndPositionsPush(_ subscription: Subscription, _ account: Account) throws -> [UInt8] {
        try push(subscription) { writer in
            try writeBalances(
                "snapshot", account.holdings.filter { !$0.cash.isZero }, account.positions, trade: nil,
                account,
                to: &writer)
        }
    }

    /// What one event has changed.
    func balancesAndPositionsPush(
        _ subscription: Subscription, _ account: Account, _ change: BalanceChange
    ) throws -> [UInt8] {
        try push(subscription) { writer in
            try writeBalances(
                change.eventType, change.holdings, change.positions, trade: change.trade, account,
                to: &writer)
        }
    }

    private func writeBalances(
        _ eventType: StaticString, _ holdings: [Holding], _ positions: [Position],
        trade: (instrument: String, id: String)?, _ account: Account, to writer: inout JSONWriter
    ) throws {
        let now = access.ledgerTime()
        writer.beginObject()
        writer.member("pTime", now)
        writer.member("eventType", literal: eventType)
        try writer.array("balData", of: holdings) { holding, writer in
            writer.beginObject()
            writer.member("ccy", holding.asset)
            try writer.member("cashBal", holding.cash)
            writer.member("uTime", holding.updatedAt)
            writer.endObject()
        }
        writer.beginArray("posData")
        let rules = venue.rules(at: now)
        for position in positions {
            let id = StableID.position(account.id, position)
            try OKXVenue.writeBrief(
                position, id, rules.instrument(position.instrument.name), trade: trade?.id, to: &writer)
        }
        writer.endArray()
        writer.beginArray("trades")
        if let trade {
            writer.beginObject()
            writer.member("instId", trade.instrument)
            writer.member("tradeId", trade.id)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

extension OKXVenue {
    /// A row of a position that is gone: what it was, `pos` 0, and nothing that could be worked out.
    static func writeClosed(
        _ position: Position, _ id: String, _ rules: InstrumentRules, at time: LedgerTime,
        to writer: inout JSONWriter
    ) {
        let known: [String: String] = [
            "cTime": position.openedAt.description, "ccy": position.settlementAsset,
            "instId": position.instrument.name, "instType": position.typeName(rules),
            "mgnMode": position.marginMode.rawValue, "pTime": time.description, "pos": "0", "posId": id,
            "posSide": position.side.rawValue, "uTime": time.description,
        ]
        writer.beginObject()
        for field in PositionRowFigure.fields {
            writer.key(field.rawValue)
            if field == .closeOrderAlgo {
                writer.beginArray()
                writer.endArray()
            } else {
                writer.string(known[field.rawValue] ?? "")
            }
        }
        writer.endObject()
    }

    /// A position as `balance_and_position` has it.
    static func writeBrief(
        _ position: Position, _ id: String, _ rules: InstrumentRules?, trade: String?,
        to writer: inout JSONWriter
    ) throws {
        let isClosed = position.quantity.isZero
        writer.beginObject()
        writer.member("posId", id)
        writer.member("tradeId", trade ?? position.lastTrade.map { String($0) } ?? "")
        writer.member("instId", position.instrument.name)
        writer.member("instType", position.typeName(rules))
        writer.member("mgnMode", position.marginMode.rawValue)
        writer.member("posSide", position.side.rawValue)
        try writer.member("pos", isClosed ? .zero : position.shownSize)
        writer.member("ccy", position.settlementAsset)
        writer.member("posCcy", position.shownAsset)
        try writer.member("avgPx", isClosed ? nil : position.entryPrice(bookedAt: position.bookedPrice))
        writer.member("nonSettleAvgPx", literal: "")
        writer.member("settledPnl", literal: "")
        writer.member("uTime", position.updatedAt)
        writer.endObject()
    }
}

// MARK: - Public channels

extension OKXStream {
    /// The rows of a public channel as the REST endpoint of its name has them.
    func writePublic(
        _ subscription: Subscription, at time: LedgerTime, to writer: inout JSONWriter
    ) throws {
        let (now, rules, market) = venue.present(through: access)
        switch subscription.filter {
        case .index(let base, let quote):
            try venue.writeIndex(base, quote, market, at: time, through: access, to: &writer)
        case .instrument(let name):
            guard let entry = rules.instrument(name) else { break }
            if subscription.channel == .tickers {
                try venue.writeTicker(InstrumentMarket(entry, market, access), at: time, to: &writer)
            } else {
                try venue.writeMark(entry, market, at: time, to: &writer)
            }
        case .type(let type?):
            for entry in rules.instruments where entry.type == type && entry.expiry.map({ $0 > now }) ?? true
            {
                try venue.writeInstrument(entry, rules, to: &writer)
            }
        default: break
        }
    }
}
