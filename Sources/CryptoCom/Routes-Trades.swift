import JSON
import Ledger
import Numbers
import Venue

/// Orders and trades that are looked up, and rates. Crypto.com Exchange API documentation, Order, Trade,
/// Transaction History API.
extension CryptoComVenue {
    func form(_ snapshot: AccountSnapshot) -> OrderForm {
        OrderForm(snapshot.account, rules(at: snapshot.at), profile)
    }
}

extension AccountRequest {
    /// The whole reply to a private method that reads orders, trades or rates.
    func readingAnswer() async throws(VenueError) -> [UInt8] {
        var reply = ReplyWriter(id: id, method: method.rawValue)
        let form = form
        do {
            switch method {
            case .orderDetail: try await writeDetail(form, to: &reply.writer)
            case .orderHistory:
                let ended = try await page(of: .orders, \.ended) { record, _ in record }
                try reply.writer.rows(ended) { try form.write($0, to: &$1) }
            case .openTriggers:
                let isWanted = try isWanted()
                let waiting = account.conditionals.reversed().filter { isWanted($0.instrument) }
                try reply.writer.rows(waiting) { try form.write(TriggerRecord($0), to: &$1) }
            case .triggerDetail:
                try await access.answer(fromHistoryOf: account.id) { history in
                    guard let trigger = try trigger(history) else {
                        try history.require(.conditionals)
                        throw VenueError.notFound
                    }
                    try form.write(trigger, to: &reply.writer)
                }
            case .triggerHistory:
                let ended = try await page(of: .conditionals, \.conditionals, takesTexts: true) {
                    try TriggerRecord($0, account, $1)
                }
                try reply.writer.rows(ended) { try form.write($0, to: &$1) }
            case .listDetail:
                try await access.answer(fromHistoryOf: account.id) { history in
                    try writeLists(history, to: &reply.writer)
                }
            case .trades:
                let trades = try await page(of: .trades, \.trades) { trade, _ in trade }
                reply.writer.rows(trades) { form.write($0, to: &$1) }
            case .transactions: try await writeTransactions(to: &reply.writer)
            case .feeRate: try writeFeeRate(to: &reply.writer)
            case .instrumentFeeRate: try writeInstrumentFeeRate(to: &reply.writer)
            case .settings: writeSettings(to: &reply.writer)
            default: throw VenueError.methodNotFound
            }
        } catch let error as VenueError {
            throw error
        } catch let refusal as Refusal {
            throw refusal.code == .busy ? .tooManyRequests : .internal
        } catch {
            throw VenueError(figureError: error)
        }
        return reply.finished()
    }

    /// A page of what has been, the newest first: of the instrument that is asked for, or of all; as it is
    /// shown, which may take more of the history.
    private func page<Row: PastRow, Shown>(
        of list: TradingHistory.List, _ rows: KeyPath<TradingHistory, [Row]>, takesTexts: Bool = false,
        _ shown: (Row, TradingHistory) throws -> Shown
    ) async throws -> [Shown] {
        let isWanted = try isWanted()
        let page = try TimePage(params, now: snapshot.at, takesTexts: takesTexts)
        return try await access.answer(fromHistoryOf: account.id) { history in
            let found = history[keyPath: rows].reversed()
                .filter { isWanted($0.instrument) && page.admits($0.moment) }
                .sorted { $0.moment > $1.moment }
            try history.require(list, since: page.oldest(of: found.map(\.moment)))
            return try found.prefix(page.limit).map { try shown($0, history) }
        }
    }

    // MARK: - Orders

    /// Open orders, newest first.
    func writeOpenOrders(to writer: inout JSONWriter) throws {
        let isWanted = try isWanted()
        let form = form
        let found = account.orders.reversed().filter { isWanted($0.instrument) }
        try writer.rows(found) { try form.write(OrderRecord($0), to: &$1) }
    }

    /// One order, open or ended, plain or conditional.
    private func writeDetail(_ form: OrderForm, to writer: inout JSONWriter) async throws {
        let isNamed = try isNamed()
        if let order = account.orders.last(where: isNamed) {
            return try form.write(OrderRecord(order), to: &writer)
        }
        try await access.answer(fromHistoryOf: account.id) { history in
            if let record = history.ended.last(where: { isNamed($0.order) }) {
                return try form.write(record, to: &writer)
            }
            if let trigger = try trigger(history) { return try form.write(trigger, to: &writer) }
            for list in [TradingHistory.List.orders, .conditionals] { try history.require(list) }
            throw VenueError.notFound
        }
    }

    // MARK: - The journal

    /// Rows of the journal, newest first: trades, fundings, and what came in and went out.
    private func writeTransactions(to writer: inout JSONWriter) async throws {
        let wanted = try text("instrument_name")
        let type = try text("journal_type")
        let page = try TimePage(params, now: snapshot.at)
        let trades = try await access.answer(fromHistoryOf: account.id) { history in
            try history.require(.trades, since: page.oldest(of: []))
            return history.trades
        }
        let byTrade = Dictionary(trades.map { ($0.sequence, $0) }) { first, _ in first }
        var rows: [JournalRow] = []
        // What came after the first trade behind the end is behind it too.
        var before = trades.first { page.isBehind($0.at) }?.sequence ?? .max
        while rows.count < page.limit {
            let events = try await access.latestEvents(
                of: account.id, JournalRow.eventTypes, before: before, limit: TimePage.most)
            for event in events.events {
                rows += try JournalRow.rows(of: event, in: account, byTrade[event.sequence])
                    .filter { (type ?? $0.type) == $0.type && (wanted ?? $0.instrument) == $0.instrument }
                    .filter { page.admits($0.moment) }
            }
            guard let rest = events.rest, page.reaches(events.events.last?.at) else { break }
            before = rest
        }
        let uuid = StableIdentifier.uuid(account: account.id)
        writer.rows(rows.prefix(page.limit)) { $0.write(uuid, to: &$1) }
    }

    // MARK: - Rates and settings

    private func writeFeeRate(to writer: inout JSONWriter) throws(NumberError) {
        let rules = rules
        writer.beginObject()
        writer.member("spot_tier", "1")
        writer.member("deriv_tier", "1")
        writer.member("effective_spot_maker_rate_bps", try account.makerFee(of: .spot, rules).basisPoints)
        writer.member("effective_spot_taker_rate_bps", try account.takerFee(of: .spot, rules).basisPoints)
        writer.member(
            "effective_deriv_maker_rate_bps", try account.makerFee(of: .derivative, rules).basisPoints)
        writer.member(
            "effective_deriv_taker_rate_bps", try account.takerFee(of: .derivative, rules).basisPoints)
        writer.endObject()
    }

    private func writeInstrumentFeeRate(to writer: inout JSONWriter) throws {
        guard let name = try text("instrument_name") else { throw VenueError.invalidArgument }
        let rules = rules
        guard let rule = rules.instrument(name) else { throw VenueError.invalidInstrument }
        let market = FeeSetting.Market(of: rule.terms)
        writer.beginObject()
        writer.member("instrument_name", name)
        writer.member("effective_maker_rate_bps", try account.makerFee(of: market, rules).basisPoints)
        writer.member("effective_taker_rate_bps", try account.takerFee(of: market, rules).basisPoints)
        writer.endObject()
    }

    private func writeSettings(to writer: inout JSONWriter) {
        writer.beginArray()
        writer.beginObject()
        writer.member("leverage", account.maximumLeverage.description)
        for name in ["stp_id", "stp_scope", "stp_inst"] {
            if let text = account.settings.text(name), account.settings.text("stp_scope") != "D" {
                writer.key(name)
                writer.string(text)
            }
        }
        writer.endObject()
        writer.endArray()
    }
}

extension ExactDecimal {
    /// A rate in hundredths of a percent.
    fileprivate var basisPoints: String {
        get throws(NumberError) { try times(ExactDecimal(10_000), rounding: .halfEven).description }
    }
}

/// Which part of a list is wanted: `start_time`, included, `end_time`, excluded, in milliseconds or
/// nanoseconds, and `limit`, of 100 at most. The day before the end where no start is named.
struct TimePage {
    static let most = 100
    private static let day: Int64 = 86_400_000

    let limit: Int
    private let start: RowMoment
    private let end: RowMoment

    /// `takesTexts`: whether `limit` may be its digits as a text, as pages of conditional orders print it.
    init(_ params: JSONValue, now: LedgerTime, takesTexts: Bool = false) throws(VenueError) {
        func moment(_ key: String) throws(VenueError) -> RowMoment? {
            guard let number = try Optional(params).integer(key) else { return nil }
            guard number >= 0 else { throw .invalidDate }
            return RowMoment(named: number)
        }
        end = try moment("end_time") ?? RowMoment(LedgerTime(milliseconds: now.milliseconds + 1))
        start =
            try moment("start_time") ?? RowMoment(LedgerTime(milliseconds: end.milliseconds - Self.day))
        var given = takesTexts ? params["limit"]?.text.flatMap { Int64($0) } : nil
        if given == nil { given = try Optional(params).integer("limit") }
        let wanted = given ?? Int64(Self.most)
        guard wanted > 0 else { throw .invalidArgument }
        limit = Int(min(wanted, Int64(Self.most)))
    }

    /// How far it goes back, with rows of these times, the newest first.
    func oldest(of rows: [RowMoment]) -> LedgerTime {
        LedgerTime(milliseconds: (rows.count < limit ? start : rows[limit - 1]).milliseconds)
    }

    func admits(_ moment: RowMoment) -> Bool { start <= moment && moment < end }

    /// Whether all of a time is behind its end.
    func isBehind(_ time: LedgerTime) -> Bool { end <= RowMoment(time) }

    /// Whether a list that has come down to a time goes on within the page.
    func reaches(_ time: LedgerTime?) -> Bool {
        time.map { start.milliseconds <= $0.milliseconds } ?? false
    }
}

/// A row of `private/get-transactions`. Crypto.com Exchange API documentation, private/get-transactions;
/// where a type has no recorded row, what its members hold is a choice.
struct JournalRow {
    let type: String
    let instrument: String
    private let event: Event
    /// Which of the event's rows it is, the first one 0.
    private var place: Int64 = 0
    private var quantity = ExactDecimal.zero
    private var cost = ExactDecimal.zero
    private var realised = ExactDecimal.zero
    private var trade: TradeRecord?
    private var account = ""
    private var showsTaker = false

    static let eventTypes: Set<String> = [
        "filled", "funded", "deposited", "withdrawn", "transferred", "interest_accrued",
    ]

    private init(_ type: String, _ instrument: String, _ event: Event) {
        self.type = type
        self.instrument = instrument
        self.event = event
    }

    var moment: RowMoment { RowMoment(event.at, event.sequence, row: place) }

    /// The rows of an event, the last one first.
    static func rows(
        of event: Event, in account: Account, _ trade: TradeRecord?
    ) throws(NumberError) -> [JournalRow] {
        var rows = try told(of: event, in: account, trade)
        for index in rows.indices { rows[index].place = Int64(rows.count - 1 - index) }
        return rows
    }

    private static func told(
        of event: Event, in account: Account, _ trade: TradeRecord?
    ) throws(NumberError) -> [JournalRow] {
        switch event.body {
        case .filled(let fill): return try rows(of: fill, event, account.id, trade)
        case .funded(let position, let amount, _):
            var row = JournalRow("FUNDING", position.instrument.name, event)
            row.cost = amount
            return [row]
        case .deposited(let asset, let amount):
            return [JournalRow("ONCHAIN_DEPOSIT", asset, event).moving(amount)]
        case .withdrawn(let asset, let amount, let fee):
            return [JournalRow("ONCHAIN_WITHDRAWAL", asset, event).moving(try -(amount + fee))]
        case .transferred(let to, let asset, let amount):
            return [JournalRow("SUBACCOUNT_TX", asset, event).moving(to == account.id ? amount : -amount)]
        case .interestAccrued(let asset, let amount):
            return [JournalRow("MARGIN_TRADE_INTEREST", asset, event).moving(-amount)]
        default: return []
        }
    }

    /// A contract's trade is one row, its fee and what it realized together as `realized_pnl`. A pair's is
    /// one row a currency, and one of the fee.
    private static func rows(
        of fill: Fill, _ event: Event, _ account: String, _ trade: TradeRecord?
    ) throws(NumberError) -> [JournalRow] {
        let sign: ExactDecimal = fill.side == .buy ? .one : -.one
        let quantity = try fill.quantity.times(sign, rounding: .halfEven)
        let value = try quantity.times(fill.price, rounding: .halfEven)
        func row(_ type: String, _ instrument: String) -> JournalRow {
            var row = JournalRow(type, instrument, event)
            row.trade = trade
            row.account = account
            return row
        }
        if fill.instrument.kind.isDerivative {
            var row = row("TRADING", fill.instrument.name)
            row.quantity = quantity
            row.cost = value
            row.realised = try (trade?.realised ?? .zero) - fill.fee
            row.showsTaker = true
            return [row]
        }
        let base = row("TRADING", fill.instrument.base).moving(quantity)
        let quote = row("TRADING", fill.instrument.quote).moving(-value)
        if fill.fee.isZero { return [quote, base] }
        return [row("TRADE_FEE", fill.feeAsset).moving(-fill.fee), quote, base]
    }

    private func moving(_ amount: ExactDecimal) -> JournalRow {
        var row = self
        row.quantity = amount
        return row
    }

    func write(_ uuid: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("account_id", uuid)
        writer.member("event_date", String(event.at.iso8601.prefix(10)))
        writer.member("journal_type", type)
        writer.member("journal_id", VenueNumber.journal(event.sequence, row: place))
        writer.member("transaction_qty", quantity.description)
        writer.member("transaction_cost", cost.description)
        writer.member("realized_pnl", realised.description)
        if let trade {
            writer.member("order_id", trade.order?.venueID(of: account) ?? "0")
            writer.member("trade_id", VenueNumber.trade(trade.sequence))
            writer.member("trade_match_id", VenueNumber.match(trade.sequence))
        } else {
            writer.member("trade_match_id", "0")
        }
        writer.member("event_timestamp_ms", event.at)
        writer.member("event_timestamp_ns", moment.nanoseconds)
        writer.member("client_oid", trade?.order?.clientID(of: account) ?? "")
        let side = trade?.fill.liquidity == .maker ? "MAKER" : "TAKER"
        writer.member("taker_side", trade != nil && showsTaker ? side : "")
        if let trade { writer.member("side", trade.fill.side.word) }
        writer.member("instrument_name", instrument)
        writer.endObject()
    }
}

extension JSONWriter {
    /// Writes `{"data":[…]}`, as the venue lists rows.
    mutating func rows<Row>(
        _ rows: some Sequence<Row>, _ write: (Row, inout JSONWriter) throws -> Void
    ) rethrows {
        beginObject()
        beginArray("data")
        for row in rows { try write(row, &self) }
        endArray()
        endObject()
    }
}
