import JSON
import Ledger
import Numbers
import Venue

extension OKXVenue {
    /// Why every figure of the balance is what it is, in the answer's order.
    ///
    /// Each currency's fields are followed by the figures behind them that the answer does not show, such as
    /// `details.USDT.inUse`; those of the account, its positions, orders and risk units come last. Fields
    /// that a mode leaves empty are not explained. Where a field is printed with fewer digits than it has,
    /// shows a raised value or is not shown, what others are worked out from stands under its path with
    /// `.workedOut`. Throws `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        try explainer(of: snapshot, through: access).explanations
    }

    /// Everything put into words, with what did not come out as it was served.
    func explainer(
        of snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> BalanceExplainer {
        let body = try JSONValue(parsing: accountBody(of: snapshot, query: [], through: access))
        return try explainer(of: snapshot, served: body["data"]?.elements?.first ?? .null)
    }

    /// The same, for an answer's account object.
    func explainer(of snapshot: AccountSnapshot, served: JSONValue) throws -> BalanceExplainer {
        let rules = rules(at: snapshot.at)
        do {
            var explainer = try BalanceExplainer(
                account: snapshot.account, at: snapshot.at, market: market(snapshot.prices, rules),
                rules: rules, figures: figures(of: snapshot, rules), served: served)
            try explainer.explainAll()
            return explainer
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    /// What liquidation is decided by: adjEq against mmr + liquidation fees in USD; in futures mode, which
    /// has a pool for each currency, what backs the pool nearest to liquidation against the same, in the
    /// currency.
    ///
    /// nil where nothing has to be maintained. Isolated positions are liquidated on their own and not part of
    /// it; raised values only show.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        let rules = rules(at: snapshot.at)
        let figures = try figures(of: snapshot, rules)
        do {
            if figures.mode == .futures { return try Self.poolHealth(figures, rules) }
            let totals = figures.totals
            let maintenance = try totals.maintenanceMargin + totals.liquidationFees
            guard !maintenance.isZero else { return nil }
            return try MarginHealth(
                equity: totals.adjustedEquity, maintenance: maintenance, places: 16, unit: "USD")
        } catch {
            throw FigureError.number(error)
        }
    }

    /// The health of the currency pool with the lowest margin ratio; nil where no pool has one.
    private static func poolHealth(
        _ figures: AccountFigures, _ rules: RuleTable
    ) throws(NumberError) -> MarginHealth? {
        var nearest: (ratio: ExactFraction, row: CurrencyFigures)?
        for row in figures.rows {
            guard let ratio = row.marginRatio else { continue }
            if let nearest, nearest.ratio <= ratio { continue }
            nearest = (ratio, row)
        }
        guard let row = nearest?.row else { return nil }
        let equity = try Figures.currencyBacking(
            cash: row.cash, crossUnrealised: row.crossUnrealised, spotOrders: row.spotOrders,
            isolatedOrders: row.isolatedOrders, orderFees: row.orderFees)
        return try MarginHealth(
            equity: equity, maintenance: row.positionMaintenance + row.positionFees, places: 16,
            unit: rules.assets[row.place].name)
    }
}

/// Puts words to the figures of one account, and works each of them out again from the inputs that it lists.
struct BalanceExplainer {
    /// What is explained: a field of the answer, or a figure behind it.
    struct Target {
        let path: String
        /// Whether the answer has such a field; what it shows then decides what is printed.
        let isField: Bool
        /// The last part of the path.
        let name: String
    }

    let account: Account
    let at: LedgerTime
    let market: ValuationPrices
    let rules: RuleTable
    let figures: AccountFigures
    /// One for each position of the account.
    let measures: [PositionMeasure]
    /// What the answer shows, by path, without what the mode leaves empty.
    private let served: [String: String]
    /// The currencies of the answer, in its order.
    private let shown: [String]
    private var found: [String: Explanation] = [:]
    /// In the order of explaining.
    private var paths: [String] = []
    /// Paths of figures that other answers than the balance show.
    private var neighbours: Set<String> = []
    /// Paths of figures that do not come out as they were served or assembled; empty in a sound program.
    private(set) var mismatches: [String] = []

    init(
        account: Account, at time: LedgerTime, market: ValuationPrices, rules: RuleTable,
        figures: AccountFigures,
        served: JSONValue
    ) throws {
        self.account = account
        at = time
        self.market = market
        self.rules = rules
        self.figures = figures
        (self.served, shown) = Self.texts(of: served, account, ModeSet(figures.mode))
        measures = try account.positions.map { position in
            guard let place = rules.instrumentPlace(position.instrument.name) else {
                throw FigureError.priceMissing(position.instrument.name)
            }
            return try PositionMeasure(
                of: position, instrument: place,
                settlementIndex: market.requiredIndex(position.settlementAsset), market, rules)
        }
    }

    var mode: AccountMode { figures.mode }

    /// Every value of an account object that is a figure: all but the currencies' names, and fields that the
    /// mode leaves empty unless they are raised.
    private static func texts(
        of object: JSONValue, _ account: Account, _ mode: ModeSet
    ) -> (served: [String: String], shown: [String]) {
        var served: [String: String] = [:]
        for field in AccountField.allCases where field != .details {
            guard field.modes.contains(mode) || account.raised(field.rawValue) != nil else { continue }
            served[field.rawValue] = object[field.rawValue]?.shownText
        }
        var shown: [String] = []
        for row in object["details"]?.elements ?? [] {
            guard let name = row["ccy"]?.text else { continue }
            shown.append(name)
            for field in DetailField.balance where field != .ccy {
                let raised = account.raised(field.rawValue, asset: name)
                guard field.modes.contains(mode) || raised != nil else { continue }
                served["details.\(name).\(field.rawValue)"] = row[field.rawValue]?.shownText
            }
        }
        return (served, shown)
    }

    mutating func explainAll() throws {
        explainRaised()
        for row in figures.rows { try explainRow(row) }
        try explainAccount()
        try explainPositions()
        try explainOrders()
        for unit in figures.units { try explainUnit(unit) }
    }

    /// Fields that show what was raised.
    private mutating func explainRaised() {
        for raised in account.raised {
            let path = raised.asset.map { "details.\($0).\(raised.flag)" } ?? raised.flag
            guard let text = served[path] else { continue }
            insert(
                Explanation(
                    path: path, field: raised.flag, value: text,
                    formula: "the value raised by hand, until it is lifted",
                    inputs: [Explanation.Input("raised value", text, .raised)], status: .choice,
                    source: Source.ours))
        }
    }

    private func isRaised(_ path: String) -> Bool { found[path]?.inputs.first?.origin == .raised }

    private mutating func insert(_ explanation: Explanation) {
        if found.updateValue(explanation, forKey: explanation.path) == nil { paths.append(explanation.path) }
    }
}

// MARK: - Explaining

extension BalanceExplainer {
    /// Where formulas are stated.
    enum Source {
        static let given =
            "OKX Get balance, https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance"
        static let recorded = given + "; met digit by digit on recorded answers"
        static let positions = "OKX API documentation, Get positions"
        static let recordedPositions = positions + "; met digit by digit on recorded answers"
        static let discount = "OKX API documentation, Get discount rate and interest-free quota"
        static let futures = "OKX help, futures mode"
        static let multi = "OKX help, multi-currency margin mode"
        static let portfolio = "OKX help, portfolio margin mode: risk unit merge and its parameters"
        static let spotMode = "OKX help, borrowing in spot mode"
        static let spotCost = "OKX help, https://www.okx.com/help/i-introduction-of-spot"
        static let collateralLimit =
            "OKX help, https://www.okx.com/help/"
            + "introduction-to-the-platforms-collateralized-borrowing-limit-mechanism"
        static let ours = "not published; docs/venues/okx.md"
    }

    static let printing = "half up to 16 places where it is printed"

    /// Explains a figure. `rework` works it out again, by the definition that serves it, from the inputs.
    /// A neighbour is shown by another answer than the balance.
    mutating func add(
        _ target: Target, _ value: ExactFraction?, _ formula: String, _ inputs: [Explanation.Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.given,
        isNeighbour: Bool = false, by rework: (FigureInputs) throws -> ExactFraction?
    ) {
        if isNeighbour { neighbours.insert(target.path) }
        if !Self.comesOut(value, by: rework, from: inputs) { mismatches.append(target.path) }
        let exact = value?.description ?? ""
        func explanation(_ path: String, _ text: String, _ rounding: String) -> Explanation {
            Explanation(
                path: path, field: target.name, value: text, formula: formula, inputs: inputs,
                rounding: rounding, status: status, source: source)
        }
        guard target.isField else { return insert(explanation(target.path, exact, rounding)) }
        if let text = served[target.path], !isRaised(target.path) {
            let steps = rounding.isEmpty ? Self.printing : "\(rounding); \(Self.printing)"
            insert(explanation(target.path, text, steps))
            if value.map(Self.printed) ?? "" != text { mismatches.append(target.path) }
            if text == exact { return }
        }
        insert(explanation(target.path + Self.workedOut, exact, rounding))
    }

    /// Whether a figure, worked out again from the inputs listed, is the assembled one.
    private static func comesOut(
        _ value: ExactFraction?, by rework: (FigureInputs) throws -> ExactFraction?,
        from inputs: [Explanation.Input]
    ) -> Bool {
        do {
            return try rework(FigureInputs(inputs: inputs)) == value
        } catch {
            return false
        }
    }

    /// Explains a field that is no number, or is always the same; nothing where it is not shown or is raised.
    mutating func state(
        _ target: Target, _ formula: String, _ inputs: [Explanation.Input] = [],
        status: Explanation.Status = .exact, source: String = Source.given
    ) {
        guard let text = served[target.path], !isRaised(target.path) else { return }
        insert(
            Explanation(
                path: target.path, field: target.name, value: text, formula: formula, inputs: inputs,
                status: status, source: source))
    }

    /// A figure as an input, with all its digits.
    func input(_ name: String, _ target: Target, _ value: ExactFraction) -> Explanation.Input {
        let text = value.description
        let isShown = !target.isField || served[target.path] == text && !isRaised(target.path)
        return Explanation.Input(
            name, text, .figure, path: isShown ? target.path : target.path + Self.workedOut)
    }

    private static var workedOut: String { ".workedOut" }

    private static func printed(_ value: ExactFraction) -> String {
        String(decoding: ByteSink.bytes(estimate: 0) { $0.number(value) }, as: UTF8.self)
    }

    // MARK: Prices

    /// A currency's index price.
    func indexPrice(_ asset: String, as name: String = "index price") throws -> Explanation.Input {
        let price = try market.requiredIndex(asset)
        let origin = market.prices.index[asset].map { "given at \($0.at.iso8601)" } ?? "the rulebook's"
        return Explanation.Input("\(name) (\(origin))", price, .price)
    }

    /// An instrument's mark price: as it was given, or else the figure that takes its place.
    func markPrice(_ instrument: Instrument) throws -> Explanation.Input {
        let price = try market.requiredMark(instrument)
        guard let given = market.prices.marks[instrument.name] else {
            return input("markPx", Self.mark(instrument), ExactFraction(price))
        }
        return Explanation.Input("markPx (given at \(given.at.iso8601))", price, .price)
    }

    static func mark(_ instrument: Instrument) -> Target {
        Target(path: "marks.\(instrument.name).markPx", isField: false, name: "markPx")
    }
}

// MARK: - The answer's order

extension BalanceExplainer {
    /// What is served and all that it rests on.
    var explanations: [Explanation] {
        let needed = needed()
        let hidden = paths.filter { served[$0] == nil && needed.contains($0) }
        var order: [String] = []
        for field in AccountField.allCases {
            if field != .details {
                order.append(field.rawValue)
                continue
            }
            for name in shown {
                order += DetailField.balance.map { "details.\(name).\($0.rawValue)" }
                order += hidden.filter { $0.hasPrefix("details.\(name).") }
            }
        }
        let listed = Set(order)
        order += hidden.filter { !listed.contains($0) }
        return order.compactMap { found[$0] }.filter { needed.contains($0.path) }
    }

    /// The paths of what is served and, from input to input, of all that it rests on.
    private func needed() -> Set<String> {
        var needed: Set<String> = []
        var open = paths.filter { served[$0] != nil || neighbours.contains($0) }
        while let path = open.popLast() {
            guard needed.insert(path).inserted else { continue }
            open += found[path]?.inputs.compactMap(\.path) ?? []
        }
        return needed
    }
}

/// The inputs that an explanation lists, by name: all that its figure is worked out from again.
///
/// A remark in brackets at the end of an input's name is no part of the name.
struct FigureInputs {
    /// No input has this name.
    struct Missing: Error {
        let name: String
    }

    let inputs: [Explanation.Input]

    /// The price, rate or amount of the ledger that has a name.
    func callAsFunction(_ name: String) throws -> ExactDecimal { try ExactDecimal(text(name)) }

    /// The figure of a name.
    func callAsFunction(_ name: String) throws -> ExactFraction { try ExactFraction(text(name)) }

    /// The input of a name; zero where it is left out because the mode does not have it.
    func optional(_ name: String) throws -> ExactDecimal {
        try find(name).map { try ExactDecimal($0.value) } ?? .zero
    }

    /// The figure of a name; zero where it is left out because the mode does not have it.
    func optional(_ name: String) throws -> ExactFraction {
        try find(name).map { try ExactFraction($0.value) } ?? .zero
    }

    /// Σ of the inputs whose names begin so.
    func sum(_ start: String) throws -> ExactFraction { try all(start).sum() }

    /// Σ of their magnitudes.
    func magnitudes(_ start: String) throws -> ExactFraction { try all(start).map(\.magnitude).sum() }

    /// Σ of their magnitudes, after those of one instrument are added up; its name follows the start.
    func nettedMagnitudes(_ start: String) throws -> ExactFraction {
        var sums: [Substring: ExactFraction] = [:]
        for input in inputs where input.name.hasPrefix(start) {
            let instrument = input.name.dropFirst(start.count).prefix { $0 != " " }
            try sums[instrument, default: .zero] += ExactFraction(input.value)
        }
        return try sums.values.map(\.magnitude).sum()
    }

    /// Σ of each of them × the index price of the same currency.
    func products(_ start: String) throws -> ExactFraction {
        var sum = ExactFraction.zero
        for input in inputs where input.name.hasPrefix(start) {
            let index: ExactDecimal = try self("index price of \(input.name.dropFirst(start.count))")
            try sum += Figures.equityUSD(ExactFraction(input.value), index: index)
        }
        return sum
    }

    private func find(_ name: String) -> Explanation.Input? {
        inputs.first { $0.name == name || $0.name.hasPrefix("\(name) (") }
    }

    private func all(_ start: String) throws -> [ExactFraction] {
        try inputs.filter { $0.name.hasPrefix(start) }.map { try ExactFraction($0.value) }
    }

    private func text(_ name: String) throws(Missing) -> String {
        guard let input = find(name) else { throw Missing(name: name) }
        return input.value
    }
}

extension JSONValue {
    /// A scalar as it is shown: a string's text, or true or false.
    fileprivate var shownText: String? { text ?? boolean.map { $0 ? "true" : "false" } }
}
