import JSON
import Ledger
import Numbers
import Venue

// The commands that put a reported account into a ledger, so that its answer shows the same figures.

extension BinanceVenue {
    /// `open_account`, the prices that the answers name or imply, money, leverages, positions, and for the
    /// open orders of each position row one on each side with the same notional.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        guard let answers = try? ReportedAccount(statement.bodies) else {
            return RehostingScript.unreadable
        }
        let rules = rules(at: LedgerTime(milliseconds: statement.takenAt))
        var rehosting = AccountRehosting(answers, rules: rules, account: account)
        rehosting.open()
        rehosting.setPrices()
        rehosting.bringMoney()
        rehosting.putPositions()
        rehosting.placeOrders()
        return rehosting.script.rehosted
    }
}

/// Puts the commands together.
private struct AccountRehosting {
    private let answers: ReportedAccount
    private let rules: RuleTable
    private let isMulti: Bool
    private let isHedged: Bool
    private(set) var script: RehostingScript
    /// The marks that were given, by symbol.
    private var marks: [(name: String, price: ExactDecimal)] = []

    init(_ answers: ReportedAccount, rules: RuleTable, account: String) {
        self.answers = answers
        self.rules = rules
        isMulti = answers.mode == .multiAssets
        script = RehostingScript(account: account)
        isHedged = script.positionMode(
            named: answers.config?.value["dualSidePosition"]?.boolean,
            open: answers.positions.filter { $0["positionAmt"].truncatedNumber?.isZero == false }
                .map(\.positionSide),
            others: answers.positions.map(\.positionSide))
    }

    mutating func open() {
        if answers.config == nil {
            script.assume("The answers do not name the asset mode and the position mode; rows tell them.")
        }
        let settings: [(key: String, value: JSONValue)] = [
            (Setting.multiAssets, .bool(isMulti)), (Setting.hedge, .bool(isHedged)),
            (Setting.creditsMode, .bool(answers.settlesInCredits)),
        ]
        script.open(at: BinanceVenue.name, settings)
        script.assume(
            "Realized profits, fees and funding are in the wallet balances, so that each comes in as one "
                + "deposit; when it was made is not known.")
    }

    // MARK: - Prices

    mutating func setPrices() {
        for row in heldRows where rules.symbol(row["symbol"].text) != nil {
            let symbol = row["symbol"].text
            if marks.contains(where: { $0.name == symbol }) { continue }
            if let mark = mark(of: symbol) {
                marks.append((symbol, mark))
            } else {
                script.assume("No answer tells the mark price of \(symbol); the rulebook's is used.")
            }
        }
        var index: [(name: String, price: ExactDecimal)] = []
        for row in isMulti ? answers.assets : [] where rules.asset(row["asset"].text) != nil {
            let asset = row["asset"].text
            if let price = self.index(of: row) {
                index.append((asset, price))
            } else {
                script.assume("No answer tells the index price of \(asset); the rulebook's is used.")
            }
        }
        script.addPrices(of: BinanceVenue.name, marks: marks, index: index)
        script.assume("Mark and index prices hold for every account of the venue in the ledger.")
    }

    /// Rows with a position, those of the account first.
    private var heldRows: [ReportedObject] { answers.positions + answers.risks }

    /// The mark that every notional of a symbol follows from: the one in the answer to `positions`, or the
    /// shortest that does it.
    private func mark(of symbol: String) -> ExactDecimal? {
        let rows = answers.positions.filter {
            $0["symbol"].text == symbol && $0["positionAmt"].truncatedNumber?.isZero == false
        }
        func fits(_ mark: ExactDecimal) -> Bool {
            mark.isPositive
                && rows.allSatisfy { row in
                    guard let amount = row["positionAmt"].truncatedNumber else { return false }
                    let worth = try? PositionRow([.positionAmt: amount, .markPrice: mark])[.notional]
                    return worth == row["notional"].truncatedNumber
                }
        }
        let quoted = answers.risks.first { $0["symbol"].text == symbol }?["markPrice"].truncatedNumber
        if let quoted, fits(quoted) { return quoted }
        let largest = rows.max { first, second in
            (first["positionAmt"].truncatedNumber?.magnitude ?? .zero)
                < (second["positionAmt"].truncatedNumber?.magnitude ?? .zero)
        }
        guard let amount = largest?["positionAmt"].truncatedNumber?.magnitude,
            let worth = largest?["notional"].truncatedNumber?.magnitude,
            let middle = try? (worth + Self.half).over(amount, rounding: .halfEven)
        else { return quoted }
        return middle.shortest(where: fits) ?? quoted ?? middle
    }

    /// Half a unit of the last printed digit: the middle of what was cut to it.
    private static let half =
        (try? FigurePrecision.places(BinanceFigures.places).unit(of: .zero)
            .over(ExactDecimal(2), rounding: .towardZero)) ?? .zero

    /// The index price that the rates of a row follow from: the one in the answer to `prices`, or the
    /// shortest that makes the ask rate which the row implies.
    private func index(of row: ReportedObject) -> ExactDecimal? {
        let asset = row["asset"].text
        let quoted = answers.price(of: asset)?["index"].truncatedNumber
        guard let ask = ReportedRates(of: row, in: answers, rules: rules).ask,
            let total = answers.account["availableBalance"].truncatedNumber, let known = rules.asset(asset)
        else { return quoted }
        let account = AccountFigures(AccountMode(isMultiAssets: true))
        account.give(.availableBalance, total)
        func fits(_ index: ExactDecimal) -> Bool {
            let trial = AssetRow([.index: index, .askBuffer: known.askBuffer], in: account)
            return withExtendedLifetime(account) {
                (try? trial[.askRate].isPositive) == true
                    && (try? trial[.availableBalance]) == row["availableBalance"].truncatedNumber
            }
        }
        if let quoted, fits(quoted) { return quoted }
        let implied = try? ask.rate.over(ExactDecimal.one + known.askBuffer, rounding: .awayFromZero)
        return implied.flatMap { $0.shortest(where: fits) } ?? quoted
    }

    // MARK: - Money

    mutating func bringMoney() {
        for row in answers.assets {
            let asset = row["asset"].text
            let known = rules.asset(asset)
            let wallet = script.holding(
                of: asset, isKnown: known != nil, row["walletBalance"], called: "wallet balance")
            guard let known, let wallet else { continue }
            script.addMoney(asset, wallet.cut(places: BinanceFigures.places))
            if let isMargin = row.value["marginAvailable"]?.boolean, isMargin != known.isMarginAvailable {
                script.raise("marginAvailable", of: asset, to: .bool(isMargin))
            }
        }
    }

    // MARK: - Positions

    mutating func putPositions() {
        setLeverages()
        for row in answers.positions {
            guard let amount = row["positionAmt"].truncatedNumber, !amount.isZero else { continue }
            let symbol = row["symbol"].text
            guard rules.symbol(symbol) != nil else {
                leaveOut(row)
                continue
            }
            guard let entry = entryPrice(of: row, amount) else {
                script.assume("No answer tells the entry price of \(symbol); its position is left out.")
                continue
            }
            let marginMode = answers.marginMode(of: row)
            script.importPosition(
                symbol, amount, at: entry, side: side(of: row), marginMode: marginMode,
                wallet: marginMode == .isolated ? row["isolatedWallet"].truncatedNumber ?? .zero : nil,
                leverage: leverage(of: row),
                [("realised", realised(of: row, amount, entry: entry)?.member)])
        }
    }

    /// A position that there are no rules for: what it has earned stays with the account.
    private mutating func leaveOut(_ row: ReportedObject) {
        let symbol = row["symbol"].text
        guard let asset = answers.listedMarginAsset(of: row), rules.asset(asset) != nil,
            let profit = row["unrealizedProfit"].truncatedNumber
        else {
            script.assume("The rulebook does not know \(symbol); its position is left out.")
            return
        }
        script.addMoney(asset, profit.cut(places: BinanceFigures.places))
        script.assume(
            "The rulebook does not know \(symbol); its position is left out, its profit of \(profit) "
                + "\(asset) is in the wallet.")
    }

    /// What the break-even price says was realized in the position's life, commissions taken off; nil where
    /// it says nothing.
    private mutating func realised(
        of row: ReportedObject, _ amount: ExactDecimal, entry: ExactDecimal
    ) -> ExactDecimal? {
        let priced = row["breakEvenPrice"] == .absent ? answers.risk(of: row) : row
        guard let breakEven = priced?["breakEvenPrice"].truncatedNumber, !breakEven.isZero,
            breakEven != entry,
            let gain = try? amount.times(entry - breakEven, rounding: .halfEven), !gain.isZero
        else { return nil }
        script.assume(
            "Commissions and realized profits of positions come in as one sum, which follows from their "
                + "break-even prices.")
        return gain
    }

    /// The leverage that a row names or its margins imply, as far as the rulebook allows it.
    private func leverage(of row: ReportedObject) -> ExactDecimal? {
        guard let known = rules.symbol(row["symbol"].text),
            let implied = answers.leverage(of: row, known.instrument)
        else { return nil }
        return min(implied, known.maximumLeverage)
    }

    /// Answers do not name leverages, but the margins imply them. A position brings its own, so that those of
    /// rows with orders alone come first.
    private mutating func setLeverages() {
        var done: Set<String> = []
        let ordered = answers.risks.filter { $0["positionAmt"].truncatedNumber?.isZero == true }
        for row in ordered + heldRows {
            let symbol = row["symbol"].text
            guard let known = rules.symbol(symbol), !done.contains(symbol),
                row["positionAmt"].truncatedNumber?.isZero == false
                    || row["openOrderInitialMargin"].isPositive
            else { continue }
            guard let implied = answers.leverage(of: row, known.instrument) else {
                script.assume("No answer tells the leverage of \(symbol); the default is used.")
                continue
            }
            done.insert(symbol)
            let leverage = min(implied, known.maximumLeverage)
            if leverage != implied {
                script.assume(
                    "The rulebook allows \(symbol) a leverage of \(leverage) at most; \(implied) is implied.")
            }
            script.setLeverage(of: symbol, leverage)
        }
        script.assume(
            "Maintenance margins follow from the rulebook's brackets, which may not be the account's.")
    }

    /// The entry price that the unrealized profit follows from: the one in the answer to `positions`, or the
    /// shortest that does it at the mark.
    private func entryPrice(of row: ReportedObject, _ amount: ExactDecimal) -> ExactDecimal? {
        let priced = row["entryPrice"] == .absent ? answers.risk(of: row) : row
        let quoted = priced?["entryPrice"].truncatedNumber.flatMap { $0.isPositive ? $0 : nil }
        guard let mark = marks.first(where: { $0.name == row["symbol"].text })?.price,
            let profit = row["unrealizedProfit"].truncatedNumber
        else { return quoted }
        func fits(_ entry: ExactDecimal) -> Bool {
            guard entry.isPositive else { return false }
            guard let cost = try? amount.times(entry, rounding: .halfEven) else { return false }
            let trial = PositionRow([.positionAmt: amount, .markPrice: mark, .cost: cost])
            return (try? trial[.unrealizedProfit]) == profit
        }
        if let quoted, fits(quoted) { return quoted }
        do {
            let middle = profit.isZero ? profit : try profit + (profit.isNegative ? -Self.half : Self.half)
            let entry = try mark - middle.over(amount, rounding: .halfEven)
            return entry.shortest(where: fits) ?? quoted
        } catch {
            return quoted
        }
    }

    // MARK: - Orders

    /// Orders are not among the answers, but what they come to on each side is.
    mutating func placeOrders() {
        if answers.risks.isEmpty, answers.assets.contains(where: { $0["openOrderInitialMargin"].isPositive })
        {
            script.assume("Open orders are not in the answers; the margin that they hold is missing.")
        }
        for row in answers.risks {
            let symbol = row["symbol"].text
            let hasOrders = ["bidNotional", "askNotional"].contains { row[$0].isPositive }
            let hasNothing = row["positionAmt"].truncatedNumber?.isZero == true
            if !hasOrders && !hasNothing { continue }
            guard rules.symbol(symbol) != nil else {
                script.assume("The rulebook does not know \(symbol); its orders are left out.")
                continue
            }
            if hasOrders {
                script.assume(
                    "Open orders are replaced by one on each side with the notional that the answer to "
                        + "positions names, cut to 8 places; where what was cut off decides a margin, that "
                        + "can be one unit off.")
                placeOrders(of: row)
            } else {
                // Such a row is there for an order that takes no margin.
                script.assume("An order that only reduces stands for each row without position and margin.")
                place(.sell, .one, in: row, reduces: true)
            }
        }
    }

    /// In hedge mode the other side closes, and takes no margin.
    private mutating func placeOrders(of row: ReportedObject) {
        let rest = cutRest(of: row)
        for (side, field) in [(Side.buy, "bidNotional"), (.sell, "askNotional")] {
            let closes = side == .buy ? PositionSide.short : .long
            guard self.side(of: row) != closes, let notional = row[field].truncatedNumber,
                notional.isPositive,
                let whole = try? notional + rest
            else { continue }
            place(side, whole, in: row)
        }
    }

    /// What the cut of a row's notionals may have taken off, so that their margin comes out to the last
    /// digit: nothing where that does, or where nothing does.
    private func cutRest(of row: ReportedObject) -> ExactDecimal {
        guard let known = rules.symbol(row["symbol"].text), let notional = row["notional"].truncatedNumber,
            let buys = row["bidNotional"].truncatedNumber, let sells = row["askNotional"].truncatedNumber,
            let own = row["positionInitialMargin"].truncatedNumber,
            let leverage = answers.leverage(of: row, known.instrument)
        else { return .zero }
        let unit = FigurePrecision.places(BinanceFigures.places + 1).unit(of: .zero)
        let rests = [0, 5, 9].compactMap { try? unit.times(ExactDecimal($0), rounding: .towardZero) }
        let fits = rests.first { rest in
            guard let bids = try? buys.isZero ? .zero : buys + rest,
                let asks = try? sells.isZero ? .zero : sells + rest
            else { return false }
            let trial = PositionRow(
                [
                    .notional: notional, .bidNotional: bids, .askNotional: asks, .leverage: leverage,
                    .positionInitialMargin: own,
                ], rules.account.marginForm)
            return (try? trial[.openOrderInitialMargin]) == row["openOrderInitialMargin"].truncatedNumber
        }
        return fits ?? .zero
    }

    /// The side that a row is of in the account's position mode.
    private func side(of row: ReportedObject) -> PositionSide {
        guard isHedged else { return .net }
        if row.positionSide != .net { return row.positionSide }
        return row["positionAmt"].truncatedNumber?.isNegative == true ? .short : .long
    }

    private mutating func place(
        _ side: Side, _ price: ExactDecimal, in row: ReportedObject, reduces: Bool = false
    ) {
        let positionSide = self.side(of: row)
        let symbol = row["symbol"].text
        script.placeOrder(
            ["\(symbol)-\(positionSide.rawValue)-\(side.rawValue)"], symbol, side, .one, at: price,
            reduces: reduces, positionSide: positionSide, marginMode: answers.marginMode(of: row))
    }
}

extension ReportedValue {
    /// Whether it is a number above 0.
    fileprivate var isPositive: Bool { number?.isPositive ?? false }
}
