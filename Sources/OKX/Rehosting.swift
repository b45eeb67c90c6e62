import JSON
import Ledger
import Numbers
import Venue

// The commands that put a reported account into a ledger, so that its answer shows the same figures.

extension OKXVenue {
    /// `open_account`, the prices that the answers name or imply, money with its debts and reserves,
    /// positions with their leverages, open orders, and states that only the venue decides.
    public func rehosted(_ statement: Statement, as account: String) -> RehostedAccount {
        guard let answers = try? ReportedAccount(statement.bodies) else {
            return RehostingScript.unreadable
        }
        let rules = rules(at: LedgerTime(milliseconds: statement.takenAt))
        var rehosting = AccountRehosting(answers, rules: rules, account: account)
        rehosting.open()
        rehosting.setPrices()
        for row in answers.details { rehosting.bringMoney(row) }
        rehosting.putPositions()
        rehosting.placeOrders()
        for row in answers.details { rehosting.overrideStates(row) }
        return rehosting.script.rehosted
    }
}

/// Puts the commands together.
private struct AccountRehosting {
    private let answers: ReportedAccount
    private let rules: RuleTable
    private let mode: AccountMode
    private let isHedged: Bool
    private(set) var script: RehostingScript
    private var index: [(name: String, price: ExactDecimal)] = []
    /// The account as its answers have it, with the rows of its positions.
    private let figures: AccountFigures
    private let positions: [PositionValuation?]

    init(_ answers: ReportedAccount, rules: RuleTable, account: String) {
        self.answers = answers
        self.rules = rules
        mode = answers.mode ?? .multi
        let figures = AccountFigures(answers, mode, rules)
        self.figures = figures
        positions = answers.positions.map { PositionValuation($0, answers, in: figures) }
        script = RehostingScript(account: account)
        // Pairs on margin are net in both modes.
        let contracts = answers.positions.filter { !$0.isOnMargin }
        isHedged = script.positionMode(
            named: answers.config.map { $0["posMode"].text == "long_short_mode" },
            open: contracts.filter { $0["pos"].truncatedNumber?.isZero == false }.map(\.positionSide),
            others: contracts.map(\.positionSide))
    }

    mutating func open() {
        if answers.config == nil {
            script.assume("The answers do not name the account mode and the position mode; fields tell them.")
        }
        if answers.showsPart {
            script.assume(
                "The answer shows some of the account's currencies alone; what it has of others is missing.")
        }
        if answers.mode == nil {
            script.assume("The account mode is none that is known; multi-currency margin is used.")
        }
        // Samples say false of currencies that count all the same.
        let off = answers.details.filter { row in
            row.value["collateralEnabled"]?.boolean == false
                && row["disEq"].truncatedNumber?.isPositive != true
        }
        .map { JSONValue.string($0["ccy"].text) }
        .filter { $0.text.flatMap(rules.assetPlace) != nil }
        let hasLoan = mode == .spot && answers.details.contains { loan(of: $0).isPositive }
        let settings: [(key: String, value: JSONValue)] = [
            ("mode", .string(mode.rawValue)), ("hedge", .bool(isHedged)),
            ("auto_borrow", .bool(answers.config?.value["autoLoan"]?.boolean ?? false)),
            ("spot_borrow", .bool(hasLoan || answers.config?.value["enableSpotBorrow"]?.boolean ?? false)),
            ("collateral_off", .array(mode == .multi ? off : [])),
        ]
        script.open(at: OKXVenue.name, settings)
        script.assume(
            "Realized profits, fees and funding are in the cash balances, so that each comes in as one "
                + "deposit; when it was made is not known.")
    }

    // MARK: - Prices

    mutating func setPrices() {
        for row in answers.details where rules.assetPlace(row["ccy"].text) != nil {
            if let price = price(of: row) { index.append((row["ccy"].text, price)) }
        }
        var marks: [(name: String, price: ExactDecimal)] = []
        for row in answers.positions {
            guard let instrument = rules.instrument(row["instId"].text) else { continue }
            if row.isOnMargin, let worth = row["notionalUsd"].truncatedNumber,
                let size = row["pos"].truncatedNumber,
                !size.isZero
            {
                // What it has, in USD.
                let price = try? worth.over(size, rounding: .halfEven)
                let shortest = price?.shortest {
                    guard let made = try? $0.times(size, rounding: .halfEven),
                        let difference = try? (made - worth).magnitude,
                        let most = try? FigurePrecision.binary.unit(of: worth)
                            .times(ExactDecimal(2), rounding: .ceiling)
                    else { return false }
                    return difference <= most
                }
                addIndex(row["posCcy"].text, shortest ?? price)
            }
            if let mark = row["markPx"].truncatedNumber, mark.isPositive {
                marks.append((row["instId"].text, mark))
            }
            addIndex(instrument.terms.settle, row["usdPx"].truncatedNumber)
            let quote = index.first { $0.name == instrument.terms.quote }?.price
            let base = row["idxPx"].truncatedNumber.flatMap { pair in
                quote.flatMap { try? pair.times($0, rounding: .halfEven) }
            }
            addIndex(instrument.terms.base, base)
        }
        // Orders hold currencies of which nothing else may be there.
        let ordered = (answers.orders ?? []).compactMap { rules.instrument($0["instId"].text)?.terms }
        let needed = answers.details.map { $0["ccy"].text } + ordered.flatMap { [$0.settle, $0.quote] }
        for name in needed where name != "USD" && !index.contains(where: { $0.name == name }) {
            if rules.assetPlace(name) != nil {
                script.assume("No answer tells the USD price of \(name); the rulebook's is used.")
            }
        }
        script.addPrices(of: OKXVenue.name, marks: marks, index: index)
        script.assume(
            "Mark and index prices hold for every account of the venue in the ledger; an index price is the "
                + "shortest that makes eqUsd out of eq.")
    }

    private mutating func addIndex(_ asset: String, _ price: ExactDecimal?) {
        guard let price, price.isPositive, !index.contains(where: { $0.name == asset }) else { return }
        index.append((asset, price))
    }

    /// The USD price of a row: as it is sent, as its positions name it, or the shortest that makes eqUsd out
    /// of eq.
    private func price(of row: ReportedObject) -> ExactDecimal? {
        guard let equity = row["eq"].truncatedNumber, let worth = row["eqUsd"].truncatedNumber,
            !equity.isZero,
            let price = try? worth.over(equity, rounding: .halfEven), price.isPositive
        else { return row["coinUsdPrice"].truncatedNumber }
        let precision = FigurePrecision.binary
        let table = figures.rows.first { $0.name == row["ccy"].text }
        func fits(_ candidate: ExactDecimal) -> Bool {
            table?.give(.index, candidate)
            guard let made = try? table?.value(of: .eqUsd),
                let shown = try? made.rounded(places: 16, rounding: .halfUp),
                let errorBound = try? precision.unit(of: equity).times(candidate, rounding: .ceiling),
                let difference = try? (shown - worth).magnitude,
                let most = try? errorBound + precision.unit(of: worth)
            else { return false }
            return difference <= most
        }
        let named = answers.positions.first { $0["ccy"].text == row["ccy"].text }?["usdPx"].truncatedNumber
        for candidate in [row["coinUsdPrice"].truncatedNumber, named].compactMap({ $0 }) where fits(candidate)
        {
            return candidate
        }
        return price.shortest(where: fits) ?? price
    }

    // MARK: - Money

    /// What of a liability in spot mode was borrowed into cash: all but the interest and what cash and bots
    /// are below nothing.
    private func loan(of row: ReportedObject) -> ExactDecimal {
        guard let liability = row["liab"].truncatedNumber, let cash = row["cashBal"].truncatedNumber,
            let own = try? cash + (row["stgyEq"].truncatedNumber ?? .zero),
            let loan = try? liability - (row["interest"].truncatedNumber ?? .zero) - max(.zero, -own)
        else { return .zero }
        return max(.zero, loan)
    }

    mutating func bringMoney(_ row: ReportedObject) {
        let asset = row["ccy"].text
        let held = script.holding(
            of: asset, isKnown: rules.assetPlace(asset) != nil, row["cashBal"], called: "cash balance")
        guard let cash = held else { return }
        let strategy = row["stgyEq"].truncatedNumber ?? .zero
        let loan = mode == .spot ? loan(of: row) : .zero
        // What bots have leaves cash, and what is borrowed comes into it.
        guard let deposited = try? cash + strategy - loan else { return }
        script.addMoney(asset, deposited)
        if loan.isPositive { script.add("borrow", Self.money(asset, loan)) }
        if mode.lends, let interest = row["interest"].truncatedNumber, interest.isPositive {
            script.add("accrue_interest", Self.money(asset, interest))
        }
        for purpose in ReservePurpose.allCases {
            guard let amount = row[purpose.field.rawValue].truncatedNumber, amount.isPositive else {
                continue
            }
            script.add("reserve", Self.money(asset, amount) + [("purpose", .string(purpose.rawValue))])
        }
        if let reward = row["rewardBal"].truncatedNumber, reward.isPositive {
            script.add("credit", Self.money(asset, reward) + [("purpose", .string("reward"))])
        }
    }

    private static func money(
        _ asset: String, _ amount: ExactDecimal
    ) -> [(key: String, value: JSONValue?)] {
        [("asset", .string(asset)), ("amount", .string(amount.description))]
    }

    // MARK: - Positions and orders

    mutating func putPositions() {
        if answers.positions.isEmpty { for row in answers.details { keepWorth(of: row) } }
        for (row, valuation) in zip(answers.positions, positions) {
            if row.isOnMargin { put(marginPosition: row, valuation) } else { put(position: row, valuation) }
        }
    }

    /// What a currency's positions are worth that no answer shows.
    private mutating func keepWorth(of row: ReportedObject) {
        let asset = row["ccy"].text
        func number(_ field: CurrencyFigure) -> ExactDecimal { row[field.rawValue].truncatedNumber ?? .zero }
        guard rules.assetPlace(asset) != nil,
            let worth = try? number(.upl) - number(.isoUpl) + number(.isoEq), !worth.isZero
        else { return }
        script.addMoney(asset, worth)
        script.assume(
            "Positions in \(asset) are not in the answers; what they are worth, \(worth) \(asset), is in the "
                + "cash balance.")
    }

    private mutating func put(position row: ReportedObject, _ valuation: PositionValuation?) {
        let name = row["instId"].text
        guard let instrument = rules.instrument(name), instrument.type != .spot else {
            return leaveOut(row, because: "The rulebook does not know \(name)")
        }
        guard let contracts = row["pos"].truncatedNumber, !contracts.isZero,
            let quoted = row["avgPx"].truncatedNumber, quoted.isPositive
        else {
            return leaveOut(row, because: "The size or the entry price of \(name) is no number")
        }
        let entry = valuation.flatMap { Inference.entryPrice(of: row, $0) } ?? quoted
        let isShort = row.positionSide == .short || contracts.isNegative
        let side = !isHedged ? .net : row.positionSide != .net ? row.positionSide : isShort ? .short : .long
        let size = here(contracts.magnitude, of: instrument)
        let quantity = isShort ? -size : size
        let isIsolated = row.marginMode == .isolated
        let leverage = row["lever"].truncatedNumber.flatMap { $0 >= .one ? $0 : nil }
        if leverage == nil { script.assume("No answer tells the leverage of \(name); the default is used.") }
        script.importPosition(
            name, quantity, at: entry, side: side, marginMode: row.marginMode,
            wallet: isIsolated ? max(.zero, row["margin"].truncatedNumber ?? .zero) : nil, leverage: leverage)
        script.assume(
            "Maintenance margins follow from the rulebook's tiers, and in portfolio mode from the risk terms "
                + "that are published.")
    }

    /// A position that cannot be held here: what it has earned stays with the account, and so does the margin
    /// of an isolated one. What an option is worth is not its profit.
    private mutating func leaveOut(_ row: ReportedObject, because reason: String) {
        let asset = row["ccy"].text
        let worth = row.isFilled("optVal") ? "optVal" : "upl"
        let fields = row.marginMode == .isolated ? ["margin", worth] : [worth]
        let parts = fields.compactMap { row[$0].truncatedNumber }
        guard rules.assetPlace(asset) != nil, parts.count == fields.count, let money = try? parts.sum() else {
            return script.assume("\(reason); its position is left out.")
        }
        script.addMoney(asset, money)
        script.assume(
            "\(reason); its position is left out, what it is worth, \(money) \(asset), is in the cash."
        )
    }

    /// So many contracts of the answers in contracts of the rulebook: those of demo trading have another
    /// value.
    private mutating func here(_ contracts: ExactDecimal, of instrument: InstrumentRules) -> ExactDecimal {
        let name = instrument.terms.name
        let value = instrument.terms.contractValue
        let implied = positions.lazy.compactMap { valuation in
            valuation?.position.instrument.name == name ? try? valuation?[.ctVal] : nil
        }.first
        guard let implied, implied != ExactFraction(value), !implied.isZero,
            let scaled = try? (ExactFraction(contracts) * implied).over(value)
                .rounded(places: ExactDecimal.places, rounding: .halfEven)
        else { return contracts }
        script.assume(
            "The contracts of \(name) in the answers have another value than the rulebook's, as in demo "
                + "trading; their number is what gives the same size.")
        return scaled
    }

    /// A spot pair on margin, with what it has and owes.
    private mutating func put(marginPosition row: ReportedObject, _ valuation: PositionValuation?) {
        let name = row["instId"].text
        let marginMode = row.marginMode
        let isKept = mode == .futures || mode != .spot && marginMode == .isolated
        guard isKept, let instrument = rules.instrument(name), instrument.loans != nil else {
            let reason = "\(name) cannot be held on \(marginMode.rawValue) margin here"
            if marginMode == .isolated { return leaveOut(row, because: reason) }
            return script.assume("\(reason); its margin position, what it has and what it owes, is left out.")
        }
        let pair = instrument.terms
        guard let held = row["pos"].truncatedNumber, held.isPositive,
            let entry = row["avgPx"].truncatedNumber,
            entry.isPositive, let owed = row["liab"].truncatedNumber?.magnitude, owed.isPositive,
            [pair.base, pair.quote].contains(row["posCcy"].text)
        else {
            return script.assume(
                "The size, the liability or the entry price of the margin position in \(name) is no number; "
                    + "it is left out.")
        }
        let isLong = row["posCcy"].text == pair.base
        let isIsolated = marginMode == .isolated
        let margin = row["margin"].truncatedNumber ?? .zero
        // In the newer form `pos` is without the margin.
        let isApart = valuation?.mode.isMarginApart == true
        guard let size = try? isApart ? held + margin : held else { return }
        script.importPosition(
            name, isLong ? size : -size, at: entry, marginMode: marginMode, wallet: isIsolated ? margin : nil,
            leverage: row["lever"].truncatedNumber.flatMap { $0 >= .one ? $0 : nil },
            [
                ("margin_asset", isIsolated ? nil : .string(row["ccy"].text)), ("liability", owed.member),
            ])
        if isApart {
            script.assume("pos of \(name) is shown with the margin in it, as in the older form.")
        }
        script.assume("Maintenance margins of margin positions follow from the rulebook's loan tiers.")
    }

    mutating func placeOrders() {
        let holdsOrders = answers.details.contains { $0["ordFrozen"].truncatedNumber?.isPositive ?? false }
        let isHeld = holdsOrders || answers.account["ordFroz"].truncatedNumber?.isPositive ?? false
        let orders = answers.orders ?? []
        if orders.isEmpty, isHeld {
            script.assume("Open orders are not in the answers; what they hold is missing.")
        }
        if orders.count >= ReportedAccount.orderLimit {
            script.assume("Only the first hundred open orders were read.")
        }
        // The venue lists the latest first.
        for row in orders.reversed() { place(order: row) }
    }

    private mutating func place(order row: ReportedObject) {
        let name = row["instId"].text
        guard let instrument = rules.instrument(name), let orderSide = Side(rawValue: row["side"].text),
            let size = row["sz"].truncatedNumber, let price = row["px"].truncatedNumber, price.isPositive,
            let rest = try? size - (row["accFillSz"].truncatedNumber ?? .zero), rest.isPositive
        else {
            script.assume(
                "An order of \(name) has no size or price, or is not in the rulebook; it is left out.")
            return
        }
        let isContract = instrument.type != .spot
        let side = row.positionSide
        if isContract, isHedged != (side != .net) {
            return script.assume(
                "An order of \(name) is of another position mode than the account; it is left out.")
        }
        let marginMode = MarginMode(rawValue: row["tdMode"].text)
        let hasPosition = answers.positions.contains {
            $0["instId"].text == name && $0.positionSide == side && $0.marginMode == marginMode ?? .cross
        }
        if isContract, !hasPosition, let leverage = row["lever"].truncatedNumber, leverage >= .one {
            script.setLeverage(
                of: name, min(leverage, instrument.maximumLeverage ?? .one), side: side,
                marginMode: marginMode)
        }
        script.placeOrder(
            ["clOrdId", "ordId"].map { row[$0].text }, name, orderSide,
            isContract ? here(rest, of: instrument) : rest, at: price,
            reduces: row["reduceOnly"].text == "true", positionSide: isContract ? side : .net,
            marginMode: isContract ? marginMode : nil)
    }

    // MARK: - States

    /// Fields that the venue decides by means of its own, with what an account has unless it is told
    /// otherwise.
    private static let states: [(field: CurrencyFigure, usual: String)] = [
        (.autoLendMtAmt, "0"), (.twap, "0"), (.frpType, "0"), (.colRes, "0"), (.colBorrAutoConversion, "0"),
        (.isoLiab, "0"), (.clSpotInUseAmt, ""),
    ]

    mutating func overrideStates(_ row: ReportedObject) {
        guard let asset = rules.asset(row["ccy"].text) else { return }
        let lends = [(CurrencyFigure.autoLendStatus, asset.supportsAutoLend ? "off" : "unsupported")]
        for (field, usual) in Self.states + lends {
            guard let text = row.value[field.rawValue]?.text, !text.isEmpty, text != usual else { continue }
            setOverride(field, .string(text), asset.name)
            script.assume("States that the venue decides are raised by hand and stand still.")
        }
        if row.value["collateralRestrict"]?.boolean == true {
            setOverride(.collateralRestrict, .bool(true), asset.name)
        }
        // Trades alone could make what they cost, and none are in the answers.
        for field in CurrencyFigure.fields where field.isOfTrades && row.isFilled(field.rawValue) {
            setOverride(field, .string(row[field.rawValue].text), asset.name)
            script.assume("Cost and profit of spot trades are raised by hand and stand still.")
        }
    }

    private mutating func setOverride(_ field: CurrencyFigure, _ value: JSONValue, _ asset: String) {
        guard (try? OverridableField.check(field.rawValue, asset: asset, value: value)) != nil else { return }
        script.raise(field.rawValue, of: asset, to: value)
    }
}
