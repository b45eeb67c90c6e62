import JSON
import Ledger
import Numbers
import Venue

extension BinanceVenue {
    /// Why every figure of account V3 is what it is, in the body's order; then the prices of each position.
    ///
    /// Paths are those of the body, rows by name: `totalMarginBalance`, `assets.USDT.availableBalance`,
    /// `positions.BTCUSDT.BOTH.maintMargin`; then `positionRisk.BTCUSDT.BOTH.liquidationPrice`. After each
    /// row come the figures that it rests on and that the body does not show, such as
    /// `positions.BTCUSDT.BOTH.markPrice`, and, in multi-assets mode, `assetIndex.USDTUSD.bidRate`. Throws
    /// `FigureError` where a figure cannot be worked out.
    public func explain(
        _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) throws -> [Explanation] {
        let figures = try figures(of: snapshot)
        do {
            var explainer = try AccountExplainer(
                account: snapshot.account, figures: figures,
                market: market(snapshot.prices, at: snapshot.at), rules: rules(at: snapshot.at))
            explainer.explainTotals()
            try explainer.explainAssets()
            try explainer.explainPositions()
            try explainer.explainRisk()
            return explainer.explained()
        } catch let error as NumberError {
            throw FigureError.number(error)
        }
    }

    /// What liquidation of cross positions is decided by; nil where they have nothing to maintain.
    ///
    /// Single-asset mode has a pool for each margin asset: cross wallet and profit against the maintenance
    /// margin of cross positions, in the asset; of several, the one with the least equity per maintenance.
    /// Multi-assets mode has one pool, totalMarginBalance against totalMaintMargin in USD, beside those of
    /// assets that do not count as margin. Isolated positions are liquidated on their own and not part of it.
    public func health(of snapshot: AccountSnapshot) throws -> MarginHealth? {
        let figures = try figures(of: snapshot)
        do {
            return try figures.crossPools().map(\.health).min { first, second in
                ExactDecimal.compareProducts(
                    first.equity, second.maintenance, second.equity, first.maintenance) == .less
            }
        } catch {
            throw FigureError.number(error)
        }
    }
}

/// Puts words to the figures that `BinanceAccountFigures` has worked out; works out none itself.
struct AccountExplainer {
    let account: Account
    let figures: BinanceAccountFigures
    let market: ValuationPrices
    let rules: RuleTable
    /// What is served, by path.
    private let served: [String: String]
    private var explanations: [Explanation] = []
    /// What the paths of the group that is being explained begin with.
    var prefix = ""

    init(
        account: Account, figures: BinanceAccountFigures, market: ValuationPrices, rules: RuleTable
    ) throws {
        self.account = account
        self.figures = figures
        self.market = market
        self.rules = rules
        var served: [String: String] = [:]
        Self.collect(try JSONValue(parsing: Wire.account(figures)), under: "", into: &served)
        for row in figures.positions {
            var writer = JSONWriter(reserving: 640)
            try writer.positionRisk3(
                row, liquidationPrice: figures.liquidationPrice(of: row, account: account, rules: rules),
                account: account)
            let printed = try JSONValue(parsing: writer.bytes)
            Self.collect(printed, under: "positionRisk.\(row.path).", into: &served)
        }
        self.served = served
    }

    /// Takes over every member of an object as it is printed; rows go by their names.
    private static func collect(
        _ object: JSONValue, under prefix: String, into served: inout [String: String]
    ) {
        for member in object.object?.members ?? [] {
            let path = prefix + member.key
            let value = member.value
            served[path] = value.text ?? value.numberText ?? value.boolean?.description
            for row in value.elements ?? [] {
                let symbol = "\(row["symbol"]?.text ?? "").\(row["positionSide"]?.text ?? "")"
                collect(row, under: "\(path).\(row["asset"]?.text ?? symbol).", into: &served)
            }
        }
    }

    /// Where formulas are stated.
    enum Source {
        private static let api = "Binance USDⓈ-M Futures API"
        static let given =
            "\(api), Account Information V3, https://developers.binance.com/docs/derivatives/"
            + "usds-margined-futures/account/rest-api/Account-Information-V3"
        static let risk = "\(api), Position Information V3"
        static let index = "\(api), Multi-Assets Mode Asset Index"
        static let brackets = "\(api), Notional and Leverage Brackets; FAQ on leverage and margin"
        static let balances = "FAQ on the balances of a USDⓈ-M futures account"
        static let multiAssets = "FAQ on multi-assets mode"
        static let liquidation = "FAQ on the liquidation price of USDⓈ-M futures"
        static let orders = "FAQ on the margin of open orders"
        static let recordings =
            "recorded accounts: freqtrade #11783 (May 2025), Lean pull request #9373 and freqtrade #13328 "
            + "(2026)"
        static let ours = "not published; docs/venues/binance.md"
    }

    static let cut = "cut to \(BinanceFigures.places) places"

    /// What is served under a path of the present group.
    func servedText(_ field: String) -> String { served[prefix + field] ?? "" }

    /// Explains a served field, or a figure behind the served ones, which is printed plainly.
    mutating func add(
        _ field: String, behind value: ExactDecimal? = nil, _ formula: String,
        _ inputs: [Explanation.Input], rounding: String = "", status: Explanation.Status = .exact,
        source: String = Source.given
    ) {
        explanations.append(
            Explanation(
                path: prefix + field, field: field, value: value?.description ?? servedText(field),
                formula: formula, inputs: inputs, rounding: rounding, status: status, source: source))
    }

    /// Everything in order; figures among the inputs get the values that they are explained with.
    func explained() -> [Explanation] {
        let values = Dictionary(explanations.map { ($0.path, $0.value) }) { first, _ in first }
        return explanations.map { explanation in
            Explanation(
                path: explanation.path, field: explanation.field, value: explanation.value,
                formula: explanation.formula,
                inputs: explanation.inputs.map { input in
                    guard let path = input.path else { return input }
                    return Explanation.Input(input.name, values[path] ?? "", .figure, path: path)
                },
                rounding: explanation.rounding, status: explanation.status, source: explanation.source)
        }
    }

    // MARK: - Figures as inputs; `explained` puts their values in

    /// A total.
    func total(_ field: String) -> Explanation.Input {
        Explanation.Input(field, "", .figure, path: field)
    }

    /// A field of an asset row.
    func figure(_ field: String, of row: BinanceAssetRow) -> Explanation.Input {
        Explanation.Input(
            "\(field) of \(row.asset)", "", .figure, path: "assets.\(row.asset).\(field)")
    }

    /// A field of a position row.
    func figure(_ field: String, of row: BinancePositionRow) -> Explanation.Input {
        Explanation.Input(
            "\(field) of \(row.symbol) \(row.sideName)", "", .figure, path: "positions.\(row.path).\(field)")
    }

    /// The same field of several position rows.
    func each(_ field: String, of rows: [BinancePositionRow]) -> [Explanation.Input] {
        rows.map { figure(field, of: $0) }
    }

    /// `bidRate` or `askRate` of an asset.
    func rate(_ field: String, of asset: String) -> Explanation.Input {
        Explanation.Input("\(field) of \(asset)", "", .figure, path: "assetIndex.\(asset)USD.\(field)")
    }

    // MARK: - Totals

    /// A total that sums up one field of the asset rows.
    private struct SummedTotal {
        let name: String
        let field: String
        let amount: KeyPath<BinanceAssetRow, ExactDecimal>
        /// Whether it is owed, and so converted at the ask rate.
        let isRequirement: Bool

        init(_ field: String, _ amount: KeyPath<BinanceAssetRow, ExactDecimal>, isRequirement: Bool = false) {
            name = "total\(field.prefix(1).uppercased())\(field.dropFirst())"
            self.field = field
            self.amount = amount
            self.isRequirement = isRequirement
        }
    }

    /// The eleven totals.
    mutating func explainTotals() {
        let totals = [
            SummedTotal("initialMargin", \.initialMargin, isRequirement: true),
            SummedTotal("maintMargin", \.maintMargin, isRequirement: true),
            SummedTotal("walletBalance", \.walletBalance),
            SummedTotal("unrealizedProfit", \.unrealizedProfit),
            SummedTotal("marginBalance", \.marginBalance),
            SummedTotal("positionInitialMargin", \.positionInitialMargin, isRequirement: true),
            SummedTotal("openOrderInitialMargin", \.openOrderInitialMargin, isRequirement: true),
            SummedTotal("crossWalletBalance", \.crossWalletBalance),
            SummedTotal("crossUnPnl", \.crossUnPnl),
        ]
        guard figures.isMultiAssets else {
            for total in totals { explainAsUSDT(total.name, total.field) }
            explainAsUSDT("availableBalance", "availableBalance")
            explainAsUSDT("maxWithdrawAmount", "maxWithdrawAmount")
            return
        }
        for total in totals { explainInUSD(total) }
        add(
            "availableBalance", "max(0, totalMarginBalance − totalInitialMargin), in USD",
            [total("totalMarginBalance"), total("totalInitialMargin")],
            status: figures.totals.unflooredAvailable.isNegative ? .choice : .exact,
            source: Source.multiAssets)
        add(
            "maxWithdrawAmount",
            "max(0, min(totalCrossWalletBalance − totalMaintMargin, availableBalance)), in USD",
            [total("totalCrossWalletBalance"), total("totalMaintMargin"), total("availableBalance")],
            status: .choice, source: Source.ours)
    }

    /// Single-asset mode: a total counts USDT only.
    private mutating func explainAsUSDT(_ name: String, _ field: String) {
        guard let row = figures.asset("USDT") else { return add(name, "0: nothing of USDT is held", []) }
        add(name, "\(field) of USDT, the only asset counted", [figure(field, of: row)])
    }

    /// Multi-assets mode: every margin asset counts, converted to USD.
    private mutating func explainInUSD(_ total: SummedTotal) {
        let rows = figures.assets.filter { $0.marginAvailable && !$0[keyPath: total.amount].isZero }
        func rateName(_ row: BinanceAssetRow) -> String {
            total.isRequirement || row[keyPath: total.amount].isNegative ? "askRate" : "bidRate"
        }
        let hasDebt = !total.isRequirement && rows.contains { $0[keyPath: total.amount].isNegative }
        add(
            total.name,
            total.isRequirement
                ? "Σ \(total.field) × askRate over the margin assets, in USD"
                : "Σ \(total.field) × bidRate over the margin assets, × askRate where it is negative, in USD",
            rows.flatMap { [figure(total.field, of: $0), rate(rateName($0), of: $0.asset)] },
            rounding: "each addend \(Self.cut)", status: hasDebt ? .choice : .exact,
            source: Source.multiAssets)
    }
}

extension BinancePositionRow {
    /// `positionSide` as it is served.
    var sideName: String {
        switch side {
        case .net: "BOTH"
        case .long: "LONG"
        case .short: "SHORT"
        }
    }

    /// The part of a path that names the row.
    var path: String { "\(symbol).\(sideName)" }
}
