import JSON
import Ledger
import Numbers
import Venue

/// An account of one venue as it would be at another: what becomes of each asset and position, and the
/// commands that put it there. An estimate by construction: no two venues list the same contracts.
public struct CrossVenue: Sendable {
    /// What one asset or position becomes.
    public struct Mapping: Sendable, Equatable {
        /// The asset or instrument at its own venue.
        public let source: String
        /// How much of it, in its own venue's unit; nil where no answer tells.
        public let amount: ExactDecimal?
        /// The asset or instrument at the other venue; nil where it has none.
        public let target: String?
        /// How much of it, in the other venue's unit; nil where it has none.
        public let targetAmount: ExactDecimal?
        /// What was assumed or left out; empty for nothing.
        public let remark: String
    }

    /// The account as the desk names it.
    public let account: String
    /// The venue where the account is.
    public let from: VenueName
    /// The venue under whose rules it is shown.
    public let to: VenueName
    /// What became of each asset, then of each position.
    public private(set) var mappings: [Mapping] = []
    /// Commands as the operator API takes them, in order.
    public private(set) var commands: [JSONValue] = []

    /// The account under other rules, opened there under its own name with these settings.
    ///
    /// Throws where an amount does not fit.
    public init(
        _ statement: Statement, by source: any Venue, to target: any Venue,
        settings: [(key: String, value: JSONValue)] = [], as name: String
    ) throws(NumberError) {
        account = statement.account
        from = source.name
        to = target.name
        let time = LedgerTime(milliseconds: statement.takenAt)
        commands = [
            Self.command(
                "open_account", name, [("venue", .string(to.rawValue)), ("settings", .members(settings))])
        ]
        var index: [(key: String, value: JSONValue)] = []
        var money: [JSONValue] = []
        var unread: [String] = []
        let holdings = try Self.holdings(of: statement, &unread)
        mappings = unread.map {
            Mapping(
                source: $0, amount: nil, target: nil, targetAmount: nil,
                remark: "its amount is no number that is known: left out")
        }
        for holding in holdings {
            try map(holding, to: target, at: time, name, &money, &index)
        }
        var legs: [Leg] = []
        for position in statement.distinctPositions {
            guard
                let profit = try map(
                    position, by: source, to: target, at: time, priced: Set(index.map { ExactText($0.key) }),
                    coinPrice: position.figures[.unrealizedProfit].flatMap {
                        PriceFinder.price(of: $0.unit, in: statement)
                    }, &legs)
            else { continue }
            try map(profit, to: target, at: time, name, &money, &index)
        }
        let positions = try Self.netted(legs)
        for position in positions where !position.money.isZero {
            let profit = Money(asset: position.instrument.settle, amount: position.money, index: nil)
            try map(profit, to: target, at: time, name, &money, &index)
        }
        let marks = legs.compactMap { leg in
            leg.mark.map { (key: leg.instrument.name, value: JSONValue.string($0.description)) }
        }
        commands.append(
            .members([
                ("type", .string("prices")), ("venue", .string(to.rawValue)),
                ("marks", .members(Self.first(marks))),
                ("index", .members(Self.first(index))),
            ]))
        commands += money
        commands += positions.filter { !$0.quantity.isZero }.map { $0.imported(by: name) }
    }

    private static func command(
        _ type: String, _ account: String, _ members: [(key: String, value: JSONValue)]
    ) -> JSONValue {
        .members([("type", .string(type)), ("account", .string(account))] + members)
    }

    private static func first(
        _ members: [(key: String, value: JSONValue)]
    ) -> [(key: String, value: JSONValue)] {
        var seen: Set<ExactText> = []
        return members.filter { seen.insert(ExactText($0.key)).inserted }
    }

    // MARK: - Money

    private struct Money {
        let asset: String
        var amount: ExactDecimal
        let index: ExactDecimal?
    }

    /// What is held of each asset: what it is worth without profits that are not realized, and money that is
    /// in no asset's row.
    ///
    /// Assets of which no answer tells how much there is are `unread`.
    private static func holdings(
        of statement: Statement, _ unread: inout [String]
    ) throws(NumberError) -> [Money] {
        if statement.assets.isEmpty, let wallet = statement.figures[.wallet],
            let amount = wallet.value.truncatedNumber
        {
            return [Money(asset: wallet.unit, amount: amount, index: nil)]
        }
        var holdings: [Money] = []
        let (assets, doubtful) = statement.distinctAssets
        for row in assets {
            guard !doubtful.containsExactly(row.asset),
                let amount = try money(of: row, isWhole: statement.positions.isEmpty)
            else {
                unread.append(row.asset)
                continue
            }
            holdings.append(
                Money(
                    asset: row.asset, amount: amount,
                    index: PriceFinder.price(of: row.asset, in: statement)))
        }
        // What positions have earned that no answer shows stays with the account.
        if statement.positions.isEmpty, statement.assets.allSatisfy({ $0.figures[.unrealizedProfit] == nil }),
            let profit = statement.figures[.unrealizedProfit], let amount = profit.value.truncatedNumber
        {
            holdings.append(Money(asset: profit.unit, amount: amount, index: nil))
        }
        for figure in statement.beside {
            guard let amount = figure.value.truncatedNumber else { continue }
            if let place = holdings.firstIndex(where: { $0.asset.isExactly(figure.unit) }) {
                holdings[place].amount = try holdings[place].amount + amount
            } else {
                holdings.append(Money(asset: figure.unit, amount: amount, index: nil))
            }
        }
        return holdings.filter { !$0.amount.isZero }
            + statement.distinctPositions.flatMap { marginHoldings(of: $0) }
    }

    /// What a position of a spot pair on margin has, and what it owes as a negative amount; none for a
    /// contract, and where either is not reported.
    private static func marginHoldings(of position: PositionStatement) -> [Money] {
        guard let held = position.figures[.quantity], let owed = position.figures[.debt],
            let amount = held.value.truncatedNumber, let debt = owed.value.truncatedNumber
        else { return [] }
        return [
            Money(asset: held.unit, amount: amount, index: nil),
            Money(asset: owed.unit, amount: -debt.magnitude, index: nil),
        ]
    }

    /// The equity of an asset less profit that is not realized: its wallet, isolated margins and what is
    /// with strategies, less what is owed; the wallet where the venue shows no equity of it. The whole equity
    /// where no position brings the profit.
    private static func money(
        of row: AssetStatement, isWhole: Bool
    ) throws(NumberError) -> ExactDecimal? {
        guard let equity = row.figures.number(.equity) else { return row.figures.number(.wallet) }
        return isWhole ? equity : try equity - (row.figures.number(.unrealizedProfit) ?? .zero)
    }

    /// Assets that stand for a dollar where the other venue knows only another of them.
    private static let dollars = ["USD", "USDT", "USDC", "BNFCR"]

    private mutating func map(
        _ holding: Money, to target: any Venue, at time: LedgerTime, _ name: String,
        _ money: inout [JSONValue], _ index: inout [(key: String, value: JSONValue)]
    ) throws(NumberError) {
        var asset: String? = target.knowsAsset(holding.asset, at: time) ? holding.asset : nil
        var remarks: [String] = []
        if asset == nil, Self.dollars.contains(holding.asset) {
            asset = Self.dollars.first { target.knowsAsset($0, at: time) }
            if let asset { remarks.append("\(holding.asset) is taken as \(asset), one for one") }
        }
        var amount = holding.amount
        let isTold = holding.index != nil && (asset == holding.asset || !Self.dollars.contains(asset ?? ""))
        if let asset {
            let places = target.conventions.amountPlaces
            amount = try amount.rounded(places: places, rounding: .towardZero)
            if amount != holding.amount {
                remarks.append("cut to the \(places) places that \(to) books")
            }
            if !isTold, let remark = Self.builtInPrice(of: asset, at: target, time) { remarks.append(remark) }
        } else {
            remarks.append("\(to) has no such asset: left out")
        }
        mappings.append(
            Mapping(
                source: holding.asset, amount: holding.amount, target: asset,
                targetAmount: asset == nil ? nil : amount, remark: remarks.joined(separator: "; ")))
        guard let asset, !amount.isZero else { return }
        if let price = holding.index, isTold {
            index.append((asset, .string(price.description)))
        }
        let members: [(key: String, value: JSONValue)] = [
            ("asset", .string(asset)), ("amount", .string(amount.magnitude.description)),
        ]
        money.append(
            amount.isNegative
                ? Self.command("withdraw", name, members + [("force", .bool(true))])
                : Self.command("deposit", name, members))
    }

    /// Says that an asset is valued by the other venue's built-in price; nil for the dollar, which has none.
    private static func builtInPrice(
        of asset: String, at target: any Venue, _ time: LedgerTime
    ) -> String? {
        if asset == dollars[0] { return nil }
        let price = target.market(VenuePrices(), at: time).index(asset)
        return "no answer tells the price of \(asset): the built-in one"
            + (price.map { ", \($0) USD," } ?? "") + " is used"
    }

    // MARK: - Positions

    /// A position as it is at the other venue, before legs of one instrument are put together.
    private struct Leg {
        let instrument: Instrument
        let quantity: ExactDecimal
        let entryPrice: ExactDecimal
        let mark: ExactDecimal?
        /// What it has earned by its own venue, in the other's quote; nil where that is not reported.
        let profit: ExactDecimal?
    }

    /// The legs of one instrument together.
    private struct NettedPosition {
        let instrument: Instrument
        let quantity: ExactDecimal
        let entryPrice: ExactDecimal
        /// Profit that no entry price can stand for.
        let money: ExactDecimal

        func imported(by account: String) -> JSONValue {
            command(
                "import_position", account,
                [
                    ("instrument", .string(instrument.name)), ("quantity", .string(quantity.description)),
                    ("entry_price", .string(entryPrice.description)), ("margin_mode", .string("cross")),
                ])
        }
    }

    /// What the perpetual of a coin is best quoted in, the best first.
    private static let quotes = ["USDT", "USDC", "USD"]

    /// The linear perpetual of a coin that a venue lists; nil where it lists none.
    private static func perpetual(of base: String, at venue: any Venue, _ time: LedgerTime) -> Instrument? {
        let all = venue.listedInstruments(at: time).filter {
            $0.kind == .perpetual && $0.payoff == .linear && $0.base == base
        }
        return quotes.lazy.compactMap { quote in all.first { $0.quote == quote } }.first ?? all.first
    }

    /// Adds the leg that a position becomes. What one that is left out has earned stays with the account: it
    /// is what comes back.
    private mutating func map(
        _ position: PositionStatement, by source: any Venue, to target: any Venue,
        at time: LedgerTime, priced: Set<ExactText>, coinPrice: ExactDecimal?, _ legs: inout [Leg]
    ) throws(NumberError) -> Money? {
        func leave(_ reason: String, _ quantity: ExactDecimal? = nil) -> Money? {
            leaveOut(position, quantity, because: reason)
        }
        guard let reported = position.figures.number(.quantity) else {
            return leave("how large it is is in no answer")
        }
        if reported.isZero { return nil }
        let quantity = position.side == .short && !reported.isNegative ? -reported : reported
        if position.figures[.debt] != nil {
            noteMarginPair(position, quantity)
            return nil
        }
        guard let own = source.instrument(position.instrument, at: time) else {
            return leave("the rulebook of \(from) does not know its contract", quantity)
        }
        let implied = own.payoff == .linear ? try Self.prices(of: position, quantity, own) : nil
        let mark = position.figures.number(.markPrice) ?? implied?.mark
        guard let entry = position.figures.number(.entryPrice) ?? implied?.entry ?? mark else {
            return leave("neither its entry price nor its mark price is reported", quantity)
        }
        guard let other = Self.perpetual(of: own.base, at: target, time) else {
            return leave("\(to) has no linear perpetual of \(own.base)", quantity)
        }
        var coins = try quantity.times(own.contractValue, rounding: .halfEven)
        var remarks: [String] = []
        if own.payoff == .inverse {
            guard let mark else {
                return leave("an inverse contract without a mark price", quantity)
            }
            coins = try coins.over(mark, rounding: .halfEven)
            remarks.append("inverse there, linear here: the same size at the mark price")
        }
        if let factor = Self.factor(of: position, coins, of: own, at: mark) {
            coins = try coins.times(factor, rounding: .halfEven)
            remarks.append("its contracts have another value than the rulebook's, as in demo trading")
        }
        if own.quote != other.quote { remarks.append("\(own.quote) prices are taken as \(other.quote)") }
        if position.marginMode == .isolated { remarks.append("isolated there, cross here") }
        if mark == nil {
            let price = target.market(VenuePrices(), at: time).mark(other)
            remarks.append(
                "no answer tells its mark price: the built-in one"
                    + (price.map { ", \($0)," } ?? "") + " is used")
        }
        if !priced.contains(ExactText(other.settle)),
            let remark = Self.builtInPrice(of: other.settle, at: target, time)
        {
            remarks.append(remark)
        }
        let amount = try coins.over(other.contractValue, rounding: .halfEven)
        let profit = try Self.profit(of: position, own, coinPrice ?? mark)
        legs.append(Leg(instrument: other, quantity: amount, entryPrice: entry, mark: mark, profit: profit))
        mappings.append(
            Mapping(
                source: position.instrument, amount: quantity, target: other.name, targetAmount: amount,
                remark: remarks.joined(separator: "; ")))
        return nil
    }

    /// Notes a position that has no place there; what it has earned comes back.
    private mutating func leaveOut(
        _ position: PositionStatement, _ quantity: ExactDecimal?, because reason: String
    ) -> Money? {
        let profit = position.figures[.unrealizedProfit].flatMap { profit in
            profit.value.truncatedNumber.map { Money(asset: profit.unit, amount: $0, index: nil) }
        }
        mappings.append(
            Mapping(
                source: position.instrument, amount: quantity, target: nil, targetAmount: nil,
                remark: "\(reason): left out"
                    + (profit == nil ? "" : ", its unrealized profit is taken as money")))
        return profit
    }

    /// Notes what becomes of a spot pair on margin.
    private mutating func noteMarginPair(_ position: PositionStatement, _ quantity: ExactDecimal) {
        let isTaken = !Self.marginHoldings(of: position).isEmpty
        mappings.append(
            Mapping(
                source: position.instrument, amount: quantity, target: nil, targetAmount: nil,
                remark: isTaken
                    ? "a spot pair on margin: what it has and what it owes are taken over as holdings"
                    : "a spot pair on margin whose debt is not reported: left out"))
    }

    /// How many times larger a position is by its own figures than by the rulebook's contract value, where
    /// two of them say the same power of ten: in demo trading. Nil where nothing tells.
    private static func factor(
        of position: PositionStatement, _ coins: ExactDecimal, of instrument: Instrument,
        at mark: ExactDecimal?
    ) -> ExactDecimal? {
        let figures = position.figures
        guard instrument.payoff == .linear, let mark, let entry = figures.number(.entryPrice),
            let worth = try? coins.times(mark, rounding: .halfEven)
        else { return nil }
        let index = figures[.notional]?.unit == "USD" ? figures.number(.index) : .one
        let leverage = figures.number(.leverage)
        let pairs: [(ExactDecimal?, ExactDecimal?)] = [
            (figures.number(.notional), index.flatMap { try? worth.times($0, rounding: .halfEven) }),
            (
                leverage.flatMap { lever in
                    figures.number(.initialMargin).flatMap { try? $0.times(lever, rounding: .halfEven) }
                }, worth
            ),
            (
                figures.number(.unrealizedProfit),
                try? coins.times(mark - entry, rounding: .halfEven)
            ),
        ]
        let factors = pairs.compactMap { shown, expected in powerOfTen(shown, expected) }
        guard factors.count > 1, let first = factors.first, first != .one,
            factors.allSatisfy({ $0 == first })
        else { return nil }
        return first
    }

    /// The power of ten within a fiftieth of a quotient; nil where there is none.
    private static func powerOfTen(_ number: ExactDecimal?, _ other: ExactDecimal?) -> ExactDecimal? {
        guard let number, let other, !other.isZero,
            let ratio = try? number.magnitude.over(other.magnitude, rounding: .halfEven)
        else { return nil }
        var power = try? ExactDecimal("0.0001")
        for _ in 0..<9 {
            guard let tried = power else { return nil }
            let apart = try? (ratio - tried).magnitude.times(ExactDecimal(50), rounding: .halfEven)
            if let apart, apart <= tried { return tried }
            power = try? tried.times(ExactDecimal(10), rounding: .halfEven)
        }
        return nil
    }

    /// What a position has earned, in its quote; that of an inverse contract is reported in its coin.
    private static func profit(
        of position: PositionStatement, _ instrument: Instrument, _ coinPrice: ExactDecimal?
    ) throws(NumberError) -> ExactDecimal? {
        guard let profit = position.figures.number(.unrealizedProfit) else { return nil }
        guard instrument.payoff == .inverse, let coinPrice else { return profit }
        return try profit.times(coinPrice, rounding: .halfEven)
    }

    /// The mark and the entry price that a linear position's notional and profit imply; nil without a
    /// notional.
    private static func prices(
        of position: PositionStatement, _ quantity: ExactDecimal, _ instrument: Instrument
    ) throws(NumberError) -> (mark: ExactDecimal, entry: ExactDecimal?)? {
        guard let notional = position.figures.number(.notional), !notional.isZero else { return nil }
        let size = try quantity.times(instrument.contractValue, rounding: .halfEven)
        let worth = notional.isNegative == size.isNegative ? notional : -notional
        let mark = try worth.over(size, rounding: .halfEven)
        guard let profit = position.figures.number(.unrealizedProfit) else { return (mark, nil) }
        let entry = try (worth - profit).over(size, rounding: .halfEven)
        return (mark, entry.isPositive ? entry : nil)
    }

    /// One position an instrument: its legs at the mark of the first, at the entry price that keeps what they
    /// have earned by their own venue, whatever they were marked and entered at. Where none does, because
    /// they net to nothing or next to it, the profit is money.
    private static func netted(_ legs: [Leg]) throws(NumberError) -> [NettedPosition] {
        var positions: [NettedPosition] = []
        for leg in legs where !positions.contains(where: { $0.instrument.name == leg.instrument.name }) {
            let together = legs.filter { $0.instrument.name == leg.instrument.name }
            positions.append(try netted(leg.instrument, together))
        }
        return positions
    }

    private static func netted(
        _ instrument: Instrument, _ legs: [Leg]
    ) throws(NumberError) -> NettedPosition {
        let mark = legs.lazy.compactMap(\.mark).first
        var quantity = ExactDecimal.zero
        var cost = ExactDecimal.zero
        var profit = ExactDecimal.zero
        for leg in legs {
            quantity = try quantity + leg.quantity
            cost = try cost + leg.quantity.times(leg.entryPrice, rounding: .halfEven)
            if let own = leg.profit {
                profit = try profit + own
            } else if let mark {
                let size = try leg.quantity.times(instrument.contractValue, rounding: .halfEven)
                profit = try profit + size.times(mark - leg.entryPrice, rounding: .halfEven)
            }
        }
        func position(_ entry: ExactDecimal, money: ExactDecimal = .zero) -> NettedPosition {
            NettedPosition(instrument: instrument, quantity: quantity, entryPrice: entry, money: money)
        }
        guard let mark else {
            return position(quantity.isZero ? .zero : try cost.over(quantity, rounding: .halfEven))
        }
        let size = try quantity.times(instrument.contractValue, rounding: .halfEven)
        let earned = size.isZero ? nil : try? profit.over(size, rounding: .halfEven)
        guard let earned, let entry = try? mark - earned, entry.isPositive else {
            return position(mark, money: profit)
        }
        return position(entry)
    }
}
