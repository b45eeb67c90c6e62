import JSON
import Ledger
import Numbers
import Venue

/// What other figures of an answer imply, and no definition says: definitions read backwards, whole numbers
/// and digits that alone fit, and sums that hold whatever they are made of.
enum Inference {
    static let rulebookBrackets =
        "The rulebook's brackets may not be those that the venue used for this account."

    private static let unit = Evidence.cut(BinanceFigures.places)

    // MARK: - Positions

    /// The shortest mark that a row's notional follows from, and between what it lies; nil without a
    /// position.
    static func mark(of row: ReportedObject) -> (price: ExactDecimal, range: FigureRange)? {
        guard let amount = row["positionAmt"].truncatedNumber?.magnitude, amount.isPositive,
            let worth = row["notional"].truncatedNumber?.magnitude, worth.isPositive,
            let range = try? unit.range(of: worth),
            let low = try? range.low.over(amount), let high = try? range.high.over(amount),
            let middle = try? (low + high).over(ExactDecimal(2)),
            let price = try? middle.rounded(places: ExactDecimal.places, rounding: .halfEven)
        else { return nil }
        let shortest = price.shortest { mark in
            (try? PositionRow([.positionAmt: amount, .markPrice: mark])[.notional]) == worth
        }
        return (shortest ?? price, FigureRange(low: low, high: high, isOpenAbove: true))
    }

    /// Σ price × quantity that an entry price stands for, and between what it lies.
    ///
    /// Eight places of the price count in a profit. A price printed with as many leaves nothing open there,
    /// nor does one of fewer that stands there without zeros at its end: it is whole. One that was cut or
    /// filled up may be up to a unit of its last place larger.
    static func cost(
        of quantity: ExactDecimal, _ row: ReportedObject
    ) -> (amount: ExactDecimal, range: FigureRange)? {
        guard let price = row["entryPrice"].truncatedNumber,
            let cost = try? quantity.times(price, rounding: .halfEven)
        else { return nil }
        let printed = row["entryPrice"].text.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        let isPlain = printed.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let places = isPlain ? printed.count : price.fractionDigits
        let isFilledUp = places > 1 && price.fractionDigits < places
        let isCut = price.fractionDigits == BinanceFigures.pricePlaces(of: price)
        guard isFilledUp || isCut, let open = try? Evidence.cut(places).range(of: price),
            let low = try? open.low.times(quantity), let high = try? open.high.times(quantity)
        else { return (cost, FigureRange(ExactFraction(cost))) }
        return (cost, FigureRange(low: min(low, high), high: max(low, high)))
    }

    /// How the venue brought initial margins to their places. An answer does not tell its day, and a kept one
    /// may be older than the rules that it is held against: where only the rule of another day gives the very
    /// digits, it is that one. The two never differ by more than one unit.
    static func marginForm(
        of row: ReportedObject, _ leverage: ExactDecimal?, _ rules: RuleTable
    ) -> PrintForm {
        let own = rules.account.marginForm
        guard let leverage, let notional = row["notional"].truncatedNumber else { return own }
        let fits = [own, .cut(8), .halfUp(8)].first { form in
            (try? PositionRow([.notional: notional, .leverage: leverage], form)[.positionInitialMargin])
                == row["positionInitialMargin"].truncatedNumber
        }
        return fits ?? own
    }

    /// Whether a row says that a position of a whole thousandth or more is worth nothing.
    static func isWorthless(_ row: ReportedObject) -> Bool {
        guard let amount = row["positionAmt"].truncatedNumber, row["notional"].truncatedNumber?.isZero == true
        else {
            return false
        }
        if let mark = row["markPrice"].truncatedNumber {
            let worth = try? PositionRow([.positionAmt: amount, .markPrice: mark])[.notional]
            return worth?.isZero == false
        }
        return (try? amount.magnitude.times(ExactDecimal(1000), rounding: .towardZero) >= .one) ?? false
    }

    /// A position that is there is worth something.
    static func worthless(_ row: ReportedObject) -> AuditFinding {
        AuditFinding(
            field: row.path(of: "notional"), verdict: .contradicts, reported: row["notional"].text,
            formula: "positionAmt × mark price, cut",
            inputs: [(row.path(of: "positionAmt"), row["positionAmt"].text)], source: Source.given,
            remark: "A position of such a size cannot be worth nothing.")
    }

    // MARK: - Assets

    /// Whether `crossUnPnl` is what the venue's known fault makes of it: the profit of all positions.
    static func countsIsolatedProfit(_ row: AssetRow) -> Bool {
        guard let reported = row.reported(.crossUnPnl), let positions = row.positions,
            let sum = try? positions.compactMap({ $0.reported(.unrealizedProfit) }).sum(),
            positions.allSatisfy({ $0.isKnown(.unrealizedProfit) }), !row.isolated.isEmpty
        else { return false }
        return sum == reported
    }

    /// `initialMargin` of an asset as the sum of its positions', whatever the two parts are.
    static func initialMargin(of row: AssetRow) -> AuditFinding? {
        guard let object = row.reportedObject, let positions = row.positions else { return nil }
        let isIsolated = !row.isolated.isEmpty
        let check = FigureCheck(
            field: object.path(of: "initialMargin"), reported: object["initialMargin"],
            formula: "Σ initialMargin of the asset's positions",
            inputs: positions.compactMap { $0.reportedObject?.input("initialMargin") },
            source: Source.given, precision: .places(BinanceFigures.places), allowedUnits: 1)
        return check.finding(
            isIsolated
                ? .estimate("No document says whether isolated positions count in this field.")
                : .contradicts
        ) { try $0.sum() }
    }
}

/// What an asset converts at in multi-assets mode. An answer does not name the rates that it converts at; its
/// rows imply them, because each shows the pool in its own asset.
struct ReportedRates {
    /// A rate, and between what it lies.
    typealias Rate = (rate: ExactDecimal, range: FigureRange)

    static let rulebookBuffers =
        "No answer tells the buffers between bid and ask rates; the rulebook's may not be the venue's."

    /// That of the answer itself; nil where nothing tells it.
    let ask: Rate?
    private var bid: Rate?
    /// Whether the buffer between the rates is the venue's own, not the rulebook's.
    private(set) var isBufferReported = true
    /// The fields that the ask rate follows from.
    private let reads: [String]
    private let price: ReportedObject?

    init(of row: ReportedObject, in answers: ReportedAccount, rules: RuleTable) {
        price = answers.price(of: row["asset"].text)
        reads = [row.path(of: "availableBalance"), answers.account.path(of: "availableBalance")]
        ask = Self.impliedAsk(row, answers.account)
        guard let ask else { return }
        if ask.range.isPoint, price?["askRate"].number == ask.rate, let quoted = price?["bidRate"].number {
            bid = (quoted, FigureRange(ExactFraction(quoted)))
        } else if let bidBuffer = price?["bidBuffer"].number, let askBuffer = price?["askBuffer"].number {
            bid = Self.bid(ask, bidBuffer, askBuffer)
        } else {
            isBufferReported = false
            bid = rules.asset(row["asset"].text).flatMap { Self.bid(ask, $0.bidBuffer, $0.askBuffer) }
        }
    }

    /// Gives a row the rates, and where nothing tells them, the reason.
    func give(to row: AssetRow) {
        guard let ask else {
            guard let price else {
                for figure in [AssetFigure.askRate, .bidRate] {
                    row.lack(figure, because: "No answer tells what \(row.asset) converts at.")
                }
                return
            }
            row.report(.askRate, price, at: Moment.prices, asInput: true)
            row.report(.bidRate, price, at: Moment.prices, asInput: true)
            return
        }
        row.recover(.askRate, ask.rate, as: "ask rate of \(row.asset)", from: reads, within: ask.range)
        guard let bid else {
            return row.lack(.bidRate, because: "Nothing tells the bid rate of \(row.asset).")
        }
        row.recover(
            .bidRate, bid.rate, as: "bid rate of \(row.asset)", from: reads, within: bid.range,
            isBufferReported ? .contradicts : .estimate(Self.rulebookBuffers))
    }

    /// The ask rate that makes the row's available balance out of the account's: available in USD ÷ that of
    /// the row, which was cut to 8 places. Exact where one rate of 8 places alone does it.
    private static func impliedAsk(_ row: ReportedObject, _ account: ReportedObject) -> Rate? {
        guard let total = account["availableBalance"].number, let own = row["availableBalance"].number,
            total.isPositive, own.isPositive
        else { return nil }
        do {
            let range = try Evidence.cut(BinanceFigures.places).range(of: own)
            let (low, high) = try (
                ExactFraction(total).over(range.high), ExactFraction(total).over(range.low)
            )
            let candidate = try high.rounded(places: BinanceFigures.places, rounding: .towardZero)
            let exact = ExactFraction(candidate)
            let unit = try ExactFraction(ExactDecimal("0.00000001"))
            if low < exact, try exact - unit <= low { return (candidate, FigureRange(exact)) }
            let upper = try high.rounded(places: ExactDecimal.places, rounding: .towardZero)
            return (upper, FigureRange(low: low, high: high))
        } catch {
            return nil
        }
    }

    /// index × (1 − bid buffer), of the index that the ask rate implies; both rates were cut to 8 places.
    private static func bid(
        _ ask: Rate, _ bidBuffer: ExactDecimal, _ askBuffer: ExactDecimal
    ) -> Rate? {
        do {
            let part = try ExactFraction(.one - bidBuffer).over(ExactDecimal.one + askBuffer)
            let unit = try ExactFraction(ExactDecimal("0.00000001"))
            let rate = try (ExactFraction(ask.rate) * part)
                .rounded(places: BinanceFigures.places, rounding: .towardZero)
            let low = try ask.range.low * part - unit
            let high = try (ask.range.high + unit) * part
            return (rate, FigureRange(low: low, high: high))
        } catch {
            return nil
        }
    }
}

extension ReportedObject {
    /// The leverage that the row names, else the whole number nearest to |notional| ÷ positionInitialMargin
    /// or, without a position, to the larger side of the orders ÷ openOrderInitialMargin; nil where none
    /// tells one.
    var impliedLeverage: ExactDecimal? {
        if let leverage = self["leverage"].number, leverage >= .one { return leverage }
        if let leverage = impliedLeverage(byMargin: "positionInitialMargin") { return leverage }
        let orders = [self["bidNotional"].truncatedNumber, self["askNotional"].truncatedNumber].compactMap {
            $0
        }.max()
        return Self.leverage(of: orders, margin: self["openOrderInitialMargin"].truncatedNumber)
    }

    /// The whole number nearest to |notional| ÷ a margin; nil where one of them is missing or zero.
    func impliedLeverage(byMargin field: String) -> ExactDecimal? {
        Self.leverage(of: self["notional"].truncatedNumber?.magnitude, margin: self[field].truncatedNumber)
    }

    private static func leverage(of worth: ExactDecimal?, margin: ExactDecimal?) -> ExactDecimal? {
        guard let worth, let margin, worth.isPositive, margin.isPositive,
            let leverage = try? worth.over(margin, places: 0, rounding: .halfUp), leverage.isPositive
        else { return nil }
        return leverage
    }
}
