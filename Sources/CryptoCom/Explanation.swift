import JSON
import Ledger
import Numbers
import Venue

extension CryptoComVenue {
    /// Why every figure of `private/user-balance` is what it is, in the body's order.
    ///
    /// Paths are those within the account object, rows by asset and isolated positions by instrument:
    /// `total_haircut`, `position_balances.BTC.haircut`, `isolated_positions.BTCUSD-PERP.leverage`. Then come
    /// the figures that these are worked out from: `unrounded.…` for a field before it is rounded, and what
    /// the body does not show, such as `underlyings.BTC.position_im`. Empty where the body has no account
    /// object. Throws `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        do {
            var writer = JSONWriter(
                reserving: ReplyWriter.capacity(rows: snapshot.account.holdings.count))
            try writeUserBalance(of: snapshot, to: &writer)
            guard let body = try JSONValue(parsing: writer.bytes)["data"]?.elements?.first else { return [] }
            let figures = try figures(of: snapshot)
            var explainer = BalanceExplainer(
                account: snapshot.account, figures: figures,
                market: market(snapshot.prices, at: snapshot.at), rules: rules(at: snapshot.at),
                profile: profile,
                printed: PrintedFigures(
                    of: body, isolated: figures.isolated.map(\.position.instrument.name)))
            try explainer.explainTotals()
            try explainer.explainRows()
            try explainer.explainExposures()
            if profile == .live { try explainer.explainIsolatedPositions() }
            return explainer.finished()
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    /// Liquidation is decided by margin balance and maintenance margin, both unrounded and in USD: of the
    /// cross pool where it has a position or a debt, and of each isolated position. The one nearest to
    /// liquidation is given; nil where there is none.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        let figures = try figures(of: snapshot)
        var pools: [MarginHealth] = []
        func add(
            _ marginBalance: ExactFraction, _ maintenanceMargin: ExactFraction, isLiquidating: Bool
        ) throws(NumberError) {
            pools.append(
                MarginHealth(
                    equity: try marginBalance.rounded(places: ExactDecimal.places, rounding: .floor),
                    maintenance: try maintenanceMargin.rounded(
                        places: ExactDecimal.places, rounding: .ceiling), unit: CryptoComRules.usd,
                    isLiquidated: isLiquidating))
        }
        let hasCrossPosition = snapshot.account.positions.contains { $0.marginMode != .isolated }
        if hasCrossPosition || figures.borrowed.isPositive || figures.isLiquidating {
            try add(
                figures.marginBalance, figures.maintenanceMargin, isLiquidating: figures.isLiquidating)
        }
        for isolated in figures.isolated {
            try add(
                isolated.marginBalance, isolated.maintenanceMargin, isLiquidating: isolated.isLiquidating)
        }
        // A pool in liquidation comes first. Of others the lower equity per maintenance is the nearer one;
        // the products are exact and never fail.
        return pools.min { first, second in
            if first.isLiquidated != second.isLiquidated { return first.isLiquidated }
            return ExactDecimal.compareProducts(
                first.equity, second.maintenance, second.equity, first.maintenance) == .less
        }
    }
}

/// What the body prints, by path and in its order: numbers and switches, not names and identifiers.
struct PrintedFigures {
    private(set) var paths: [String] = []
    private var values: [String: String] = [:]

    private static let names: Set<String> = [
        "account", "instrument_name", "isolation_id", "isolation_type", "credit_limits",
    ]

    /// `isolated`: the instruments of the isolated positions, in the body's order.
    init(of body: JSONValue, isolated: [String]) {
        take(body, prefix: "", isolated: isolated)
    }

    subscript(path: String) -> String? { values[path] }

    private mutating func take(_ object: JSONValue, prefix: String, isolated: [String]) {
        for member in object.object?.members ?? [] where !Self.names.contains(member.key) {
            let path = prefix + member.key
            if let value = member.value.text ?? member.value.boolean.map({ $0 ? "true" : "false" }) {
                paths.append(path)
                values[path] = value
            }
            for (place, element) in (member.value.elements ?? []).enumerated() {
                let isPosition = member.key == "isolated_positions" && place < isolated.count
                let name = isPosition ? isolated[place] : element["instrument_name"]?.text ?? String(place)
                take(element, prefix: "\(path).\(name).", isolated: [])
            }
        }
    }
}

/// Puts words to the figures that are served; their values are the body's own, and those behind them are the
/// assembly's.
struct BalanceExplainer {
    typealias Input = Explanation.Input

    /// Where formulas are stated.
    enum Source {
        static let document =
            "private/user-balance, https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html"
            + "#private-user-balance"
        static let risk =
            "public/get-risk-parameters, https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html"
            + "#public-get-risk-parameters"
        static let recordings = "recordings of the venue, 2023 to 2026"
        static let isolated = "the documented sample of an isolated position"
        static let ours = "not published; docs/venues/crypto-com.md"
    }

    static let cut = "cut to 8 places"
    static let up = "rounded up at 8 places"
    static let upAtAll = "rounded up at 18 places"

    let account: Account
    let figures: AccountFigures
    let market: ValuationPrices
    let rules: CryptoComRules
    let profile: WireProfile
    let printed: PrintedFigures
    /// What the paths of the group that is being explained begin with.
    var prefix = ""
    private var served: [String: Explanation] = [:]
    private var behind: [Explanation] = []

    init(
        account: Account, figures: AccountFigures, market: ValuationPrices, rules: CryptoComRules,
        profile: WireProfile, printed: PrintedFigures
    ) {
        self.account = account
        self.figures = figures
        self.market = market
        self.rules = rules
        self.profile = profile
        self.printed = printed
    }

    var isLive: Bool { profile == .live }

    /// Explains a field of the body, where this profile's body has it, and its unrounded value beside it.
    mutating func add(
        _ field: String, unrounded: ExactFraction? = nil, _ formula: String, _ inputs: [Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.document
    ) {
        let path = prefix + field
        func explanation(_ path: String, _ value: String, _ rounding: String) -> Explanation {
            Explanation(
                path: path, field: field, value: value, formula: formula, inputs: inputs,
                rounding: rounding, status: status, source: source)
        }
        if let value = printed[path] { served[path] = explanation(path, value, rounding) }
        if let unrounded { behind.append(explanation("unrounded.\(path)", unrounded.description, "")) }
    }

    /// Explains a figure that no body shows.
    mutating func addHidden(
        _ field: String, _ value: some CustomStringConvertible, _ formula: String, _ inputs: [Input],
        rounding: String = "", status: Explanation.Status = .exact, source: String = Source.document
    ) {
        behind.append(
            Explanation(
                path: prefix + field, field: field, value: value.description, formula: formula,
                inputs: inputs, rounding: rounding, status: status, source: source))
    }

    /// Explains a field that the operator has set; false where nobody has.
    mutating func addRaised(_ field: String, asset: String? = nil, rounding: String = "") -> Bool {
        guard let raised = account.raised(field, asset: asset) else { return false }
        let value = raised.text ?? (raised.boolean == true ? "true" : "false")
        add(
            field, "as raised by hand", [Input("raised \(field)", value, .raised)],
            rounding: rounding, status: .choice, source: Source.ours)
        return true
    }

    /// A field of the group before it is rounded, as an input.
    func unrounded(_ field: String, _ value: ExactFraction) -> Input {
        Input(field, value.description, .figure, path: "unrounded.\(prefix)\(field)")
    }

    /// A figure of the group that no body shows, as an input.
    func hidden(_ field: String, _ value: some CustomStringConvertible) -> Input {
        Input(field, value.description, .figure, path: prefix + field)
    }

    /// Everything served in the body's order, then what it is worked out from; nothing that no figure uses.
    func finished() -> [Explanation] {
        let fields = printed.paths.compactMap { served[$0] }
        var used = Set<String>()
        var open = fields
        let known = Dictionary(behind.map { ($0.path, $0) }) { first, _ in first }
        while let explanation = open.popLast() {
            for case let path? in explanation.inputs.map(\.path) where used.insert(path).inserted {
                if let next = known[path] { open.append(next) }
            }
        }
        return fields + behind.filter { used.contains($0.path) }
    }
}
