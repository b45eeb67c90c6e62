import JSON
import Ledger
import Numbers
import Venue

// The commands that put a reported account into a ledger, so that its answer shows the same figures.

extension RailsVenue {
    /// `open_account`, index prices, money in and out, for each market the few trades and fundings that come
    /// to its totals, open orders, and margins that follow from no rule.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        guard let answers = try? ReportedAccount(statement.bodies) else {
            return RehostingScript.unreadable
        }
        let rules = rules(at: LedgerTime(milliseconds: statement.takenAt))
        var rehosting = AccountRehosting(answers, rules: rules, account: account)
        rehosting.open()
        rehosting.setPrices()
        rehosting.bringMoney()
        if profile == .live { rehosting.setLeverages() }
        rehosting.trade()
        rehosting.placeOrders()
        rehosting.overrideMargins()
        return rehosting.script.rehosted
    }
}

/// Puts the commands together.
private struct AccountRehosting {
    private let answers: ReportedAccount
    private let rules: RuleTable
    /// The markets that can be put there, in the order of the answer.
    private var histories: [MarketHistory] = []
    private let leverage: ExactDecimal?
    private(set) var script: RehostingScript
    private var marks: [(name: String, price: ExactDecimal)] = []
    /// Leverages of markets that are not the account's.
    private var ownLeverages: [String: ExactDecimal] = [:]

    init(_ answers: ReportedAccount, rules: RuleTable, account: String) {
        self.answers = answers
        self.rules = rules
        script = RehostingScript(account: account)
        leverage = answers.account["leverage"].truncatedNumber.flatMap { leverage in
            let isAllowed =
                leverage >= .one && leverage <= rules.maximumLeverage && leverage.fractionDigits == 0
            return isAllowed ? leverage : nil
        }
        for (name, row) in answers.markets.map({ ($0.name, Optional($0.row)) })
            + answers.marketsWithPositions.filter({ $0.row == nil })
        {
            if rules.terms(of: name) == nil {
                script.assume(
                    "The rulebook does not know \(name); its position, orders and totals are left out.")
            } else {
                histories.append(MarketHistory(name, row, answers.position(name), &script))
            }
        }
    }

    mutating func open() {
        if leverage == nil {
            script.assume("The leverage of the account is none that can be set; the default is used.")
        }
        script.open(at: RailsVenue.name, leverage.map { [(key: "leverage", value: $0.member)] })
        if answers.account.leaves.contains(where: { if case .outOfRange = $0.value { true } else { false } })
        {
            script.assume("Digits after the eighteenth place are cut.")
        }
    }

    // MARK: - Prices and money

    mutating func setPrices() {
        for history in histories {
            if let mark = mark(of: history) {
                marks.append((history.name, mark))
            } else {
                script.assume("No answer tells the index price of \(history.name); the rulebook's is used.")
            }
        }
        script.addPrices(of: RailsVenue.name, marks: marks, index: [])
        script.assume("Index prices hold for every account of the venue in the ledger.")
    }

    /// The index price that the unrealized profit follows from: the one in the answer to `market-data`, or
    /// the shortest that does it.
    private func mark(of history: MarketHistory) -> ExactDecimal? {
        let quoted = answers.price(history.name)?["value"].truncatedNumber.flatMap {
            $0.isPositive ? $0 : nil
        }
        guard let profit = answers.position(history.name)?["unrealizedPnl"].truncatedNumber,
            !history.quantity.isZero,
            let implied = try? (history.cost + profit).over(history.quantity, rounding: .halfEven)
        else { return quoted }
        func fits(_ mark: ExactDecimal) -> Bool {
            mark.isPositive
                && (try? history.quantity.times(mark, rounding: .halfEven) - history.cost) == profit
        }
        if let quoted, fits(quoted) { return quoted }
        return implied.shortest(where: fits) ?? quoted
    }

    mutating func bringMoney() {
        let account = answers.account
        func amount(_ field: String) -> ExactDecimal? {
            account[field].truncatedNumber.flatMap { $0.isNegative ? nil : $0 }
        }
        guard let deposit = amount("deposit"), let withdrawn = amount("withdraw"),
            let fees = amount("withdrawFees")
        else {
            script.assume("Deposits or withdrawals are no amounts in the answer; they are left out.")
            return
        }
        script.addMoney(RailsVenue.money, deposit)
        if withdrawn.isPositive {
            script.add(
                "withdraw",
                [
                    ("asset", .string(RailsVenue.money)), ("amount", .string(withdrawn.description)),
                    ("fee", fees.isZero ? nil : .string(fees.description)), ("force", .bool(true)),
                ])
        } else if fees.isPositive {
            script.assume("Fees of withdrawals stand without a withdrawal; they are left out.")
        }
        if let promo = amount("promoCredit"), promo.isPositive {
            script.add(
                "credit",
                [
                    ("asset", .string(RailsVenue.money)), ("amount", .string(promo.description)),
                    ("purpose", .string(RailsVenue.promo)),
                ])
        }
        script.assume("Deposits come in as one and withdrawals as one; when they were made is not known.")
    }

    // MARK: - Leverages

    /// Leverages of markets, which only the later rules know and no answer names: those that their margins
    /// imply.
    mutating func setLeverages() { setLeverages(figures(by: .live)) }

    private mutating func setLeverages(_ figures: AccountFigures) {
        for (history, market) in zip(histories, figures.markets) where history.held == nil {
            guard let margin = history.row?["margin"].truncatedNumber, margin.isPositive,
                let implied = try? market[.positionSize].over(margin).rounded(places: 0, rounding: .halfUp),
                implied != leverage, implied >= .one, implied <= rules.maximumLeverage
            else { continue }
            market.setLeverage(implied)
            guard (try? market.decimal(.margin)) == margin else { continue }
            ownLeverages[history.name] = implied
            script.setLeverage(of: history.name, implied)
            script.assume("The leverage of \(history.name) is the one that its margin implies.")
        }
    }

    /// The account as it will be, by the rules of a profile.
    private func figures(by profile: WireProfile) -> AccountFigures {
        let figures = AccountFigures(profile, rules)
        if let leverage { figures.setLeverage(leverage) }
        let markets = histories.map { history in
            let market = MarketFigures(
                history.name, MarketMode(profile: profile, isIsolated: history.held != nil), in: figures)
            market.give(.quantity, history.quantity)
            market.give(.cost, history.cost)
            market.give(.isolatedMargin, history.held ?? .zero)
            market.give(.indexPrice, marks.first { $0.name == history.name }?.price ?? .zero)
            market.give(.openBuy, history.row?["openBuy"].truncatedNumber ?? .zero)
            market.give(.openSell, history.row?["openSell"].truncatedNumber ?? .zero)
            if let own = ownLeverages[history.name] { market.setLeverage(own) }
            return market
        }
        figures.take(markets)
        return figures
    }

    // MARK: - Trades

    /// Markets come in the order of the answer and positions in the order of theirs, as far as both can be
    /// had.
    mutating func trade() {
        let listed = (answers.positions ?? []).map { $0["market"].text }
        var waiting = histories.filter { !$0.quantity.isZero }.enumerated().sorted { first, second in
            let one = listed.firstIndex(of: first.element.name) ?? listed.count + first.offset
            let other = listed.firstIndex(of: second.element.name) ?? listed.count + second.offset
            return one < other
        }.map(\.element)
        for place in histories.indices {
            let history = histories[place]
            if history.hasPast {
                histories[place].addPast(to: &script)
            } else if let last = waiting.firstIndex(where: { $0.name == history.name }) {
                open(waiting[...last].map(\.name))
                waiting.removeSubrange(...last)
            }
        }
        open(waiting.map(\.name))
        for history in histories { history.assumeVolume(&script) }
        if histories.contains(where: { $0.hasPast || !$0.quantity.isZero }) {
            script.assume(
                "The totals of a market come in as few trades and fundings, made up so that they come to "
                    + "the same sums.")
        }
        assumeTotals()
    }

    private mutating func open(_ names: [String]) {
        for name in names {
            guard let place = histories.firstIndex(where: { $0.name == name }) else { continue }
            histories[place].addPosition(leverage: leverage ?? rules.defaultLeverage, to: &script)
        }
    }

    /// Account totals are sums over the markets; other ones cannot be put there.
    private mutating func assumeTotals() {
        let sums: [(field: String, value: (MarketHistory) -> ExactDecimal)] = [
            ("fees", \.fees), ("pnl", \.realised), ("funding", \.funding), ("volume", \.volume),
        ]
        for (field, value) in sums {
            guard let reported = answers.account[field].truncatedNumber,
                let sum = try? histories.map(value).sum()
            else { continue }
            let shown = field == "volume" ? sum : RailsFigures.printedMoney(sum)
            if shown != reported {
                script.assume(
                    "The account's \(field) is not the sum of its markets; the sum is shown, and the total "
                        + "balance follows it.")
            }
        }
    }

    // MARK: - Orders

    mutating func placeOrders() {
        var placed: [OrderSum] = []
        // Newest first, as they are published.
        for row in (answers.orders ?? []).reversed() {
            let market = row["market"].text
            guard rules.terms(of: market) != nil, let side = row.orderSide,
                let rest = row[row.remainingField].truncatedNumber, rest.isPositive,
                let price = row["price"].truncatedNumber, price.isPositive,
                let value = try? RailsFigures.positionValue(quantity: rest, indexPrice: price)
            else {
                script.assume(
                    "An open order has no market, side, size or price that is known; it is left out.")
                continue
            }
            if row["filledQuantity"].truncatedNumber?.isZero == false || row.remainingField != "quantity" {
                script.assume("Open orders come in with what is left of them.")
            }
            let isNew = script.placeOrder(
                ["clientRequestId", "orderId"].map { row[$0].text }, market, side, rest, at: price,
                reduces: row.value["reduceOnly"]?.boolean ?? false)
            if isNew {
                placed.append(OrderSum(market: market, side: side, quantity: rest, value: value))
            }
        }
        for history in histories {
            if let row = history.row { placeRest(of: history.name, row, placed) }
        }
    }

    /// What the balances say of open orders and no listed order explains.
    private mutating func placeRest(of market: String, _ row: ReportedObject, _ placed: [OrderSum]) {
        for (side, field) in [(Side.buy, "openBuy"), (.sell, "openSell")] {
            let known = placed.filter { $0.market == market && $0.side == side }
            guard let quantity = row[field + "Qty"].truncatedNumber, let value = row[field].truncatedNumber,
                let listed = try? known.map(\.quantity).sum(), let worth = try? known.map(\.value).sum(),
                let rest = try? quantity - listed, rest.isPositive,
                let restValue = try? PrintForm.halfEven(18).print(ExactFraction(value) - worth)
            else { continue }
            let lots = Lot.lots(quantity: rest, cost: restValue)
            for (number, lot) in lots.enumerated() {
                script.placeOrder(
                    ["\(market)-\(side.rawValue)-\(number + 1)"], market, side, lot.quantity, at: lot.price)
            }
            script.assume(
                "Open orders that no answer lists are replaced by ones with the quantity and the notional "
                    + "of the balances.")
        }
    }

    // MARK: - Margins

    /// Margins that neither generation of rules gives are raised by hand.
    mutating func overrideMargins() {
        for field in [AccountFigure.margin, .maintenanceMargin] {
            guard let reported = answers.account[field.rawValue].truncatedNumber else { continue }
            let isRuled = WireProfile.allCases.contains { profile in
                (try? figures(by: profile).decimal(field)) == reported
            }
            if isRuled { continue }
            script.raise(field.rawValue, to: reported.member)
            script.assume(
                "The account's \(field) follows from its positions and orders by no rule that is published; "
                    + "it is raised by hand and stands still.")
        }
    }
}

/// What one listed order adds to its side of a market.
private struct OrderSum {
    let market: String
    let side: Side
    let quantity: ExactDecimal
    let value: ExactFraction
}
