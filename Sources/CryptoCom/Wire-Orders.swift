import JSON
import Ledger
import Numbers
import Venue

/// The venue's own members of an order that its answers repeat as they were sent.
enum OrderWord {
    static let quantity = "quantity"
    static let price = "limit_price"
    static let notional = "notional"
    static let execution = "exec_inst"
    static let feeAsset = "fee_instrument_name"
    static let list = "list_id"
    static let contingency = "contingency_type"
    static let leg = "leg_id"
    static let attachedOrder = "attach_order_id"
    static let attachedIsolation = "attach_isolation_id"
}

/// Writes orders and trades of one account. Members and their order are those of the recordings.
struct OrderForm {
    let account: Account
    let rules: CryptoComRules
    let profile: WireProfile
    let uuid: String

    init(_ account: Account, _ rules: CryptoComRules, _ profile: WireProfile) {
        self.account = account
        self.rules = rules
        self.profile = profile
        uuid = StableIdentifier.uuid(account: account.id)
    }

    // MARK: - Orders

    /// A row of open orders, of the history, and the answer about one order.
    func write(_ record: OrderRecord, to writer: inout JSONWriter) throws(NumberError) {
        let order = record.order
        writer.beginObject()
        writer.member("account_id", uuid)
        writer.member("order_id", order.venueID(of: account.id))
        writer.member("client_oid", order.clientID(of: account.id))
        try writeTerms(order, to: &writer)
        writer.member("order_value", try order.orderValue(rules))
        writeRates(record, to: &writer)
        writer.member("avg_price", try order.averagePrice(rules))
        writer.member("ref_price", "0")
        if record.ending != nil { writer.member("ref_price_type", "NULL_VAL") }
        try writeFills(order, to: &writer)
        writer.member("status", try record.status)
        writer.member("update_user_id", uuid)
        writer.member("order_date", String(order.placedAt.iso8601.prefix(10)))
        writer.member("instrument_name", order.instrument.name)
        writer.member("fee_instrument_name", order.feeAsset)
        writeIsolation(order.instrument, order.marginMode, to: &writer)
        if let words = order.terms?.words { writeList(words, to: &writer) }
        writer.member("reason", try record.reason)
        writer.member("create_time", order.placedAt)
        writer.member("create_time_ns", RowMoment(order.placedAt, order.sequence).nanoseconds)
        writer.member("update_time", record.updatedAt)
        writer.endObject()
    }

    /// A row of `user.order`.
    func writePush(_ record: OrderRecord, to writer: inout JSONWriter) throws(NumberError) {
        let order = record.order
        writer.beginObject()
        writer.member("account_id", uuid)
        writer.member("client_oid", order.clientID(of: account.id))
        writer.member("instrument_name", order.instrument.name)
        writer.member("fee_instrument_name", order.feeAsset)
        try writeTerms(order, to: &writer)
        writer.member("ref_price", "0")
        writer.member("order_value", try order.orderValue(rules))
        writeRates(record, to: &writer)
        writer.member("create_time", order.placedAt)
        writer.member("create_time_ns", RowMoment(order.placedAt, order.sequence).nanoseconds)
        writer.member("order_date", String(order.placedAt.iso8601.prefix(10)))
        writer.member("order_id", order.venueID(of: account.id))
        writer.member("avg_price", try order.averagePrice(rules))
        try writeFills(order, to: &writer)
        writer.member("status", try record.status)
        writer.member("update_user_id", uuid)
        writeIsolation(order.instrument, order.marginMode, to: &writer)
        writer.member("update_time", record.updatedAt)
        writer.member("transaction_time_ns", raw: RowMoment(record.updatedAt).nanoseconds.utf8)
        writer.endObject()
    }

    private func writeTerms(_ order: OpenOrder, to writer: inout JSONWriter) throws(NumberError) {
        let isMarket = order.terms?.kind == .market
        writer.member("order_type", isMarket ? "MARKET" : "LIMIT")
        writer.member("time_in_force", order.timeInForceName)
        writer.member("side", order.side.word)
        writer.array("exec_inst", of: order.executionWords) { word, writer in writer.string(word) }
        writer.member("quantity", try order.shownQuantity(rules))
        if !isMarket {
            writer.member("limit_price", order.terms?.words.text(OrderWord.price) ?? order.price.description)
        }
    }

    /// The account's rates; "0" where recordings show that for orders that are over.
    private func writeRates(_ record: OrderRecord, to writer: inout JSONWriter) {
        let market = FeeSetting.Market(of: record.order.instrument)
        let showsNone = profile == .live && record.ending != nil
        writer.member("maker_fee_rate", showsNone ? "0" : account.makerFee(of: market, rules).description)
        writer.member("taker_fee_rate", showsNone ? "0" : account.takerFee(of: market, rules).description)
    }

    private func writeFills(_ order: OpenOrder, to writer: inout JSONWriter) throws(NumberError) {
        writer.member("cumulative_quantity", try order.filled.description)
        writer.member("cumulative_value", try order.cumulativeValue)
        writer.member("cumulative_fee", try order.cumulativeFee)
    }

    private func writeIsolation(_ instrument: Instrument, _ mode: MarginMode, to writer: inout JSONWriter) {
        guard mode == .isolated else { return }
        writer.member(
            "isolation_id", StableIdentifier.isolation(account: account.id, instrument: instrument.name))
        writer.member("isolation_type", "ISOLATED_MARGIN")
    }

    /// The list that an order hangs together with.
    func writeList(_ words: Settings, to writer: inout JSONWriter) {
        for word in [OrderWord.attachedOrder, OrderWord.attachedIsolation] {
            guard let id = words.text(word) else { continue }
            writer.member("contingency_type", words.text(OrderWord.contingency) ?? "DERIV_ATTACH")
            writer.key(word)
            writer.string(id)
        }
        guard let id = words.text(OrderWord.list) else { return }
        writer.member("list_id", id)
        writer.member("contingency_type", words.text(OrderWord.contingency) ?? "OCO")
        writer.member("leg_id", words.text(OrderWord.leg) ?? "1")
    }

    // MARK: - Trades

    /// A row of `private/get-trades`, and of `user.trade` (`isPush`), which names one time otherwise.
    func write(_ trade: TradeRecord, isPush: Bool = false, to writer: inout JSONWriter) {
        let fill = trade.fill
        let isMaker = fill.liquidity == .maker
        writer.beginObject()
        writer.member("account_id", uuid)
        writer.member("event_date", String(trade.at.iso8601.prefix(10)))
        writer.member("journal_type", "TRADING")
        writer.member("side", fill.side.word)
        writer.member("instrument_name", fill.instrument.name)
        writer.member("fees", (-fill.fee).description)
        writer.member("fee_credits", (-fill.feeCredit).description)
        writer.member("trade_id", VenueNumber.trade(trade.sequence))
        writer.member("trade_match_id", VenueNumber.match(trade.sequence))
        writer.member("create_time", trade.at)
        writer.member("traded_price", rules.price(fill.price, of: fill.instrument))
        writer.member("traded_quantity", fill.quantity.description)
        writer.member("fee_instrument_name", fill.feeAsset)
        writer.member("client_oid", trade.order?.clientID(of: account.id) ?? "")
        writer.member("taker_side", isMaker ? "MAKER" : "TAKER")
        writer.member("order_id", trade.order?.venueID(of: account.id) ?? "0")
        if isMaker {
            writer.member("match_index", 0)
        }
        // Nobody is matched with anybody, so a level is one order.
        writer.member("match_count", 1)
        writeIsolation(fill.instrument, fill.marginMode, to: &writer)
        let moment = trade.moment.nanoseconds
        writer.member("create_time_ns", moment)
        writer.member(isPush ? "transaction_time" : "transact_time_ns", moment)
        writer.endObject()
    }
}

/// The venue's numbers of 19 digits: a base, and the place in the journal of what they name.
enum VenueNumber {
    static func order(_ sequence: Int64) -> String { String(4_989_988_000_000_000_000 + sequence) }
    static func trade(_ sequence: Int64) -> String { String(4_989_988_500_000_000_000 + sequence) }
    static func match(_ sequence: Int64) -> String { String(4_611_686_018_000_000_000 + sequence) }
    /// One of the rows that an event has in the account's journal.
    static func journal(_ sequence: Int64, row: Int64) -> String {
        String(4_989_988_700_000_000_000 + sequence * RowMoment.rowsOfEvent + row)
    }
}

extension Side {
    /// As the venue spells it.
    var word: String { self == .buy ? "BUY" : "SELL" }
}

extension OrderTerms.TimeInForce {
    /// As the venue spells it.
    var word: String {
        switch self {
        case .immediateOrCancel: "IMMEDIATE_OR_CANCEL"
        case .fillOrKill: "FILL_OR_KILL"
        case .goodTillCancelled, .goodTillDate: "GOOD_TILL_CANCEL"
        }
    }
}

/// When a row of a list is of, to the nanosecond: the millisecond, and within it the row's place in the
/// journal (a choice), so that whoever pages by nanoseconds misses nothing where many rows are of one
/// millisecond.
struct RowMoment: Comparable {
    private static let perMillisecond: Int64 = 1_000_000
    /// Rows that one event may have.
    static let rowsOfEvent: Int64 = 4

    let milliseconds: Int64
    /// Nanoseconds within it.
    let rest: Int64

    /// A row of an event, or of an order by the event that placed it.
    init(_ time: LedgerTime, _ sequence: Int64 = 0, row: Int64 = 0) {
        milliseconds = time.milliseconds
        rest = (sequence % Self.perMillisecond * Self.rowsOfEvent + row) % Self.perMillisecond
    }

    /// A moment that a request names, in milliseconds or nanoseconds.
    init(named number: Int64) {
        // Milliseconds have at most 14 digits until the year 5138, nanoseconds 19.
        let isCoarse = number < 100_000_000_000_000
        (milliseconds, rest) =
            isCoarse ? (number, 0) : (number / Self.perMillisecond, number % Self.perMillisecond)
    }

    /// Since the epoch, as digits.
    var nanoseconds: String {
        "\(milliseconds)" + String(String(Self.perMillisecond + rest).dropFirst())
    }

    static func < (left: RowMoment, right: RowMoment) -> Bool {
        (left.milliseconds, left.rest) < (right.milliseconds, right.rest)
    }
}

/// A row of the past.
protocol PastRow {
    var instrument: Instrument { get }
    var moment: RowMoment { get }
}

extension TradeRecord: PastRow {
    var instrument: Instrument { fill.instrument }
    var moment: RowMoment { RowMoment(at, sequence) }
}

extension OrderRecord: PastRow {
    var instrument: Instrument { order.instrument }
    /// When it last changed; of orders that changed in one millisecond the one placed last is the last.
    var moment: RowMoment { RowMoment(updatedAt, order.sequence) }
}

extension ConditionalRecord: PastRow {
    var instrument: Instrument { order.instrument }
    var moment: RowMoment { RowMoment(endedAt, order.sequence) }
}

extension OrderRecord {
    /// `status`. A market order by notional that has money left ends as CANCELED.
    var status: String {
        get throws(NumberError) {
            switch ending {
            case nil: return "ACTIVE"
            case .filled:
                guard let notional = order.notional else { return "FILLED" }
                return (order.fills?.value ?? .zero) < notional ? "CANCELED" : "FILLED"
            case .cancelled: return "CANCELED"
            case .ended(.goodTillDate): return "EXPIRED"
            case .ended(.selfTrade): return "CANCELED"
            case .ended: return try isRejected ? "REJECTED" : "CANCELED"
            case .refused: return "REJECTED"
            }
        }
    }

    /// `reason`: the code of its refusal, 0 without one.
    var reason: Int64 {
        get throws(NumberError) {
            switch ending {
            case .refused(let code): return code
            case .ended(let end): return try rejection(end).map { Int64($0.code) } ?? 0
            default: return 0
            }
        }
    }

    /// The refusal that an order is answered with which ended at once, unfilled; nil for any other.
    var rejection: VenueError? {
        get throws(NumberError) {
            guard case .ended(let end) = ending else { return nil }
            return try rejection(end)
        }
    }

    private var isRejected: Bool {
        get throws(NumberError) { try rejection != nil }
    }

    private func rejection(_ end: OrderEnd) throws(NumberError) -> VenueError? {
        switch end {
        case .unfillable: return .fillOrKill
        case .postOnly: return .postOnlyRejected
        case .immediateRest: return try order.filled.isZero ? .immediateOrCancel : nil
        case .selfTrade: return .selfTrade
        default: return nil
        }
    }
}

extension OpenOrder {
    /// `order_id`: of the exchange's orders by the event that placed it, of the operator's made of its name.
    func venueID(of account: String) -> String {
        sequence > 0 ? VenueNumber.order(sequence) : StableIdentifier.order(account: account, order: id)
    }

    /// `client_oid`: the client's own; of an order of the operator's its name.
    func clientID(of account: String) -> String { terms?.clientID ?? id }

    var timeInForceName: String { (terms?.timeInForce ?? .goodTillCancelled).word }

    /// What it may trade for, where that decided its size.
    var notional: ExactDecimal? {
        terms?.words.text(OrderWord.notional).flatMap { try? ExactDecimal($0) }
    }

    /// `exec_inst`: as sent; of an order by notional that word alone.
    var executionWords: [String] {
        if notional != nil { return ["NOTIONAL_ORDER"] }
        if let words = terms?.words[OrderWord.execution]?.elements { return words.compactMap(\.text) }
        return reduceOnly ? ["REDUCE_ONLY"] : []
    }

    /// The asset that its fees are taken in: the one that was asked for; else of a spot buy the base, of all
    /// others the quote.
    var feeAsset: String {
        if let asset = terms?.words.text(OrderWord.feeAsset) { return asset }
        if let asset = fills?.feeAsset { return asset }
        return !instrument.kind.isDerivative && side == .buy ? instrument.base : instrument.quote
    }

    /// The price that a market order is bounded by: 5 % above the ask it met, cut to the tick, or 5 % below
    /// the bid, raised to it (`docs/venues/crypto-com.md`).
    private func bound(_ rules: CryptoComRules) throws(NumberError) -> ExactDecimal {
        let tick = rules.instrument(instrument.name)?.priceTick ?? .one
        let share = rules.orders.band
        let rate = try side == .buy ? .one + share : .one - share
        return try price.times(rate, rounding: .halfEven)
            .over(tick, places: 0, rounding: side == .buy ? .towardZero : .ceiling)
            .times(tick, rounding: .halfEven)
    }

    /// `quantity`: as sent. Of an order by notional the most that its bound would buy.
    func shownQuantity(_ rules: CryptoComRules) throws(NumberError) -> String {
        if let notional {
            let lot = rules.instrument(instrument.name)?.quantityTick ?? .one
            let bound = try bound(rules)
            guard bound.isPositive else { return quantity.description }
            return try notional.over(
                try bound.times(lot, rounding: .ceiling), places: 0, rounding: .towardZero
            )
            .times(lot, rounding: .towardZero).description
        }
        // As it was sent, unless the order was cut to what its position is.
        guard let sent = terms?.words.text(OrderWord.quantity), try ExactDecimal(sent) == quantity else {
            return quantity.description
        }
        return sent
    }

    /// `order_value`: quantity × limit price; of a market order quantity × its bound, or the notional as it
    /// was sent.
    func orderValue(_ rules: CryptoComRules) throws(NumberError) -> String {
        if let text = terms?.words.text(OrderWord.notional) { return text }
        return try VenueNumberForm.product(quantity, terms?.kind == .market ? bound(rules) : price)
    }

    /// `avg_price`: value ÷ quantity of the fills, half up at the tick's decimals, zeros kept.
    func averagePrice(_ rules: CryptoComRules) throws(NumberError) -> String {
        let filled = try filled
        guard let fills, filled.isPositive else { return "0" }
        let places = rules.instrument(instrument.name)?.priceTick.fractionDigits ?? 8
        return try fills.value.over(filled, places: places, rounding: .halfUp).text(minimumPlaces: places)
    }

    /// `cumulative_value`, in the form of a product where one price made it.
    var cumulativeValue: String {
        get throws(NumberError) {
            let filled = try filled
            guard let value = fills?.value, filled.isPositive else { return "0" }
            let price = try value.over(filled, rounding: .halfEven)
            let isOnePrice = try price.times(filled, rounding: .halfEven) == value
            return isOnePrice ? try VenueNumberForm.product(filled, price) : value.description
        }
    }

    /// `cumulative_fee`: of a spot buy in its base asset whatever it was paid in
    /// (`docs/venues/crypto-com.md`).
    var cumulativeFee: String {
        get throws(NumberError) {
            let filled = try filled
            guard let fills, filled.isPositive, !fills.fees.isZero else { return "0" }
            let isBase = fills.feeAsset == instrument.base
            let whole = isBase ? filled : fills.value
            let rate = try fills.fees.over(whole, places: 8, rounding: .halfEven)
            guard try rate.times(whole, rounding: .halfEven) == fills.fees else {
                return fills.fees.description
            }
            if !instrument.kind.isDerivative, side == .buy {
                return try VenueNumberForm.product(filled, rate)
            }
            let digits =
                VenueNumberForm.scale(rate)
                + (try cumulativeValue.split(separator: ".").dropFirst()
                    .first?.utf8.count ?? 0)
            return fills.fees.text(minimumPlaces: max(0, digits))
        }
    }
}

/// How the venue prints products: with as many decimals as its factors have together once their trailing
/// zeros are off, a factor of whole tens counting as less than none, as recorded.
enum VenueNumberForm {
    static func product(_ first: ExactDecimal, _ second: ExactDecimal) throws(NumberError) -> String {
        try first.times(second, rounding: .halfEven)
            .text(minimumPlaces: max(0, scale(first) + scale(second)))
    }

    /// Decimals without trailing zeros; negative for whole tens.
    static func scale(_ number: ExactDecimal) -> Int {
        if number.fractionDigits > 0 || number.isZero { return number.fractionDigits }
        return -number.description.reversed().prefix { $0 == "0" }.count
    }
}

extension CryptoComRules {
    /// A price with the decimals of its instrument's tick.
    func price(_ price: ExactDecimal, of instrument: Instrument) -> String {
        price.text(minimumPlaces: self.instrument(instrument.name)?.priceTick.fractionDigits ?? 0)
    }
}

extension JSONWriter {
    mutating func member(_ key: StaticString, _ time: LedgerTime) {
        member(key, time.milliseconds)
    }
}
