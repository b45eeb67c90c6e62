import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension BinanceVenue {
    /// The account as one statement, from the answer to `account` and what of the others is there; without
    /// that answer from the one to `positions`.
    ///
    /// Throws where both are missing or one is not the venue's; every other oddity is drift.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        var statement = Statement(
            venue: Self.name, account: account, identifier: answers.accountAlias,
            mode: reported.mode.rawValue,
            takenAt: bodies.map(\.takenAt).max() ?? 0, venueTime: nil, bodies: bodies,
            figures: reported.figures, assets: reported.assetStatements,
            drift: answers.drift(KnownShapes.shape))
        let rules = rules(at: LedgerTime(milliseconds: statement.takenAt))
        statement.positions = reported.positionStatements(by: rules)
        statement.pools = reported.pools(by: rules)
        return [statement]
    }
}

/// How an account is margined, in the venue's words.
enum AssetMode: String {
    case singleAsset = "single-asset"
    case multiAssets = "multi-assets"
}

/// The answers that an account was read from, taken apart.
struct ReportedAccount {
    /// The answer to `account`, of version 3 or 2; empty where it is not there.
    let account: ReportedObject
    let assets: [ReportedObject]
    /// Rows with anything in them: version 2 has one for every symbol.
    let positions: [ReportedObject]
    /// Rows with anything in them of the answer to `positions`; none where it was not asked or not answered.
    let risks: [ReportedObject]
    let config: ReportedObject?
    /// Rows of the answer to `prices`.
    let prices: [ReportedObject]
    let mode: AssetMode
    /// Symbols of which a position has a wallet of its own: a symbol's positions and orders share one type.
    let isolatedSymbols: Set<String>
    /// Whether contracts are settled in credits, as EU accounts have it.
    let settlesInCredits: Bool

    /// Throws where the account itself is missing or unreadable.
    init(_ bodies: [RecordedBody]) throws(ReadingError) { try self.init(bodies.map(ReportedAnswer.init)) }

    /// The same of answers that were read.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        let others = answers.other(.positions)
        let isPositionsAlone =
            others?.value.elements?.isEmpty == false
            && !answers.contains { $0.body.call == ReadingCall.account.rawValue }
        account =
            isPositionsAlone
            ? ReportedObject(.emptyObject) : try answers.own(ReadingCall.account.rawValue)
        let isAccount = isPositionsAlone || account.value["assets"]?.kind == .array
        guard account.value.kind == .object, isAccount,
            account.value["code"]?.integer.map({ $0 >= 0 }) ?? true
        else {
            throw ReadingError(.unreadable, "The answer to account is no account of Binance.")
        }
        assets = account.rows("assets")
        let isSecond = VersionTwo.isAccount(account.value)
        positions = account.rows("positions").filter { !isSecond || $0.isInUse }
        let isSecondRisk = VersionTwo.isRisk(others?.value)
        risks = (others?.rows ?? []).filter { !isSecondRisk || $0.isInUse }
        config = answers.other(.config)
        prices = answers.other(.prices)?.rows ?? []
        let isMulti =
            config?.value["multiAssetsMargin"]?.boolean ?? account.value["multiAssetsMargin"]?.boolean
            ?? Self.looksPooled(assets, isSecond: isSecond)
        mode = isMulti ? .multiAssets : .singleAsset
        isolatedSymbols = Set((positions + risks).filter(\.isIsolated).map { $0["symbol"].text })
        settlesInCredits = Self.settlesInCredits(assets)
    }

    /// Whether the rows are those of multi-assets mode, where version 3 does not say its mode:
    /// `marginAvailable` stood in that mode alone (until 2026), an asset of which there is nothing shows the
    /// one pool, and credits are there in that mode alone.
    private static func looksPooled(_ assets: [ReportedObject], isSecond: Bool) -> Bool {
        if !isSecond, assets.contains(where: { $0["marginAvailable"] != .absent }) { return true }
        return assets.contains { row in
            if row["asset"].text == credits { return true }
            return row["marginBalance"].truncatedNumber?.isZero == true
                && row["walletBalance"].truncatedNumber?.isZero == true
                && row["availableBalance"].truncatedNumber?.isPositive == true
        }
    }

    /// The asset of credits mode.
    static let credits = "BNFCR"

    /// Whether contracts are settled in credits: there is a row of them, and margins and profits in no other.
    private static func settlesInCredits(_ assets: [ReportedObject]) -> Bool {
        let others = assets.filter { $0["asset"].text != credits }
        return others.count < assets.count
            && others.allSatisfy { row in
                ["initialMargin", "maintMargin", "unrealizedProfit"].allSatisfy {
                    row[$0].truncatedNumber?.isZero != false
                }
            }
    }

    /// The asset that a row's margin is in: as the venue says; else credits where all contracts are settled
    /// in them; else that of the rulebook's contract, or the asset at the end of the symbol. Nil where
    /// nothing tells.
    func marginAsset(of row: ReportedObject, _ contract: Instrument?) -> String? {
        let risk = row["marginAsset"] == .absent ? self.risk(of: row) : row
        if let asset = risk?["marginAsset"].text, !asset.isEmpty { return asset }
        if settlesInCredits { return Self.credits }
        return contract?.settle ?? quoteAsset(of: row["symbol"].text)
    }

    /// The listed asset that a row's profit counts in: its margin asset, else the one that the symbol ends
    /// with.
    func listedMarginAsset(of row: ReportedObject) -> String? {
        let asset = marginAsset(of: row, nil)
        if assets.contains(where: { $0["asset"].text == asset }) { return asset }
        return quoteAsset(of: row["symbol"].text) ?? asset
    }

    /// The longest name of a listed asset that a symbol ends with, the day of a dated contract left out.
    private func quoteAsset(of symbol: String) -> String? {
        let pair = symbol.prefix { $0 != "_" }
        return assets.map { $0["asset"].text }.filter { !$0.isEmpty && pair != $0 && pair.hasSuffix($0) }
            .max { $0.utf8.count < $1.utf8.count }
    }

    /// The leverage that a row names, or the whole number that its margins imply; nil where neither is there.
    ///
    /// Version 3 shows the margin of orders in the answer to `positions` alone; where its asset has none of
    /// it, the whole margin is the position's.
    func leverage(of row: ReportedObject, _ contract: Instrument?) -> ExactDecimal? {
        if let leverage = risk(of: row)?.impliedLeverage ?? row.impliedLeverage { return leverage }
        guard let asset = marginAsset(of: row, contract),
            let assetRow = assets.first(where: { $0["asset"].text == asset }),
            assetRow["openOrderInitialMargin"].truncatedNumber?.isZero == true
        else { return nil }
        return row.impliedLeverage(byMargin: "initialMargin")
    }

    /// Cross where nothing tells otherwise: the answers do not name the margin type.
    func marginMode(of row: ReportedObject) -> MarginMode {
        isolatedSymbols.contains(row["symbol"].text) ? .isolated : .cross
    }

    /// The row of `positions` that is about the same position as a row of the account.
    func risk(of position: ReportedObject) -> ReportedObject? {
        risks.first {
            $0["symbol"] == position["symbol"] && $0["positionSide"] == position["positionSide"]
        }
    }

    /// What an asset converts at.
    func price(of asset: String) -> ReportedObject? { prices.first { $0["symbol"].text == asset + "USD" } }
}

extension [ReportedAnswer] {
    fileprivate func other(_ call: ReadingCall) -> ReportedObject? { other(call.rawValue) }

    /// `accountAlias` of the answer to `balance`; nil where its rows name none, or not one alone.
    var accountAlias: String? {
        let aliases = Set((other(.balance)?.value.elements ?? []).compactMap { $0["accountAlias"]?.text })
        return aliases.count == 1 ? aliases.first.flatMap { $0.isEmpty ? nil : $0 } : nil
    }
}

extension ReportedAccount {
    /// In single-asset mode totals are those of USDT alone, whatever else the account holds. In multi-assets
    /// mode they are in USD at rates with a buffer, and leave out what is no margin asset: what the account
    /// is worth is in its rows there, too.
    fileprivate var figures: StatementFigures {
        let accountMode = AccountMode(isMultiAssets: mode == .multiAssets)
        let totals = account.commonFigures(of: Layouts.account, in: accountMode) { $0 }
        return StatementFigures(
            totals.map { total in
                let isOfRows = [.equity, .wallet, .unrealizedProfit].contains(total.figure)
                return ReportedFigure(
                    total.figure, field: total.field, total.value, unit: total.unit,
                    isPartial: mode == .singleAsset || isOfRows)
            })
    }

    /// In multi-assets mode what is available is one pool, shown in every row.
    fileprivate var assetStatements: [AssetStatement] {
        assets.map { row in
            let asset = row["asset"].text
            let own = row.commonFigures(of: Layouts.asset, in: AssetRowMode()) { _ in asset }
            var figures = StatementFigures(
                own.map { figure in
                    let isOfPool = [.available, .withdrawable].contains(figure.figure)
                    return ReportedFigure(
                        figure.figure, field: figure.field, figure.value, unit: asset,
                        isShared: mode == .multiAssets && isOfPool)
                })
            if let price = price(of: asset) { figures.set(price.figure(.index, "index", unit: "USD")) }
            return AssetStatement(asset: asset, figures: figures)
        }
    }

    /// The account's positions, with prices from `positions`; those that only stand there come last.
    fileprivate func positionStatements(by rules: RuleTable) -> [PositionStatement] {
        let others = risks.filter { risk in
            !positions.contains {
                $0["symbol"] == risk["symbol"] && $0["positionSide"] == risk["positionSide"]
            }
        }
        return (positions + others).map { row in
            let symbol = row["symbol"].text
            let known = rules.symbol(symbol)?.instrument
            let risk = risk(of: row)
            let margin = marginAsset(of: row, known) ?? ""
            let coin = known?.base ?? coin(of: symbol, margin: margin)
            func common(_ row: ReportedObject, _ layout: FigureLayout<PositionFigure>) -> [ReportedFigure] {
                row.commonFigures(of: layout, in: PositionMode()) {
                    $0 == FigureFacts.coin ? coin : margin
                }
            }
            let isOfRisk = row["unrealizedProfit"] == .absent
            var figures = StatementFigures(common(row, isOfRisk ? Layouts.risk : Layouts.position))
            for figure in risk.map({ common($0, Layouts.risk) }) ?? []
            where [.entryPrice, .markPrice, .liquidationPrice].contains(figure.figure) {
                figures.set(figure)
            }
            return PositionStatement(
                instrument: symbol, side: row.positionSide, marginMode: marginMode(of: row),
                figures: figures)
        }
    }
}

extension ReportedAccount {
    /// What is liquidated apart where there are isolated positions: the cross positions of each asset, and
    /// each isolated one. An asset's own figures are those of all of them; none where all are cross.
    fileprivate func pools(by rules: RuleTable) -> [MarginPool] {
        let open = positions.filter { $0["positionAmt"].truncatedNumber?.isZero == false }
        let isolated = open.filter { marginMode(of: $0) == .isolated }
        if isolated.isEmpty || mode == .multiAssets { return [] }
        func asset(of row: ReportedObject) -> String {
            marginAsset(of: row, rules.symbol(row["symbol"].text)?.instrument) ?? ""
        }
        func sum(
            _ figure: CommonFigure, _ parts: [(row: ReportedObject, field: PositionFigure)], of asset: String,
            beside wallet: [ReportedFigure] = []
        ) -> ReportedFigure {
            ReportedFigure(
                figure, sumOf: wallet + parts.map { $0.row.figure(figure, $0.field.rawValue, unit: asset) },
                unit: asset)
        }
        let cross: [MarginPool] = assets.compactMap { row in
            let name = row["asset"].text
            let own = open.filter { marginMode(of: $0) == .cross && asset(of: $0) == name }
            if own.isEmpty { return nil }
            let wallet = row.figure(.equity, AssetFigure.crossWalletBalance.rawValue, unit: name)
            return MarginPool(
                name: "cross \(name)",
                equity: sum(.equity, own.map { ($0, .unrealizedProfit) }, of: name, beside: [wallet]),
                maintenance: sum(.maintenanceMargin, own.map { ($0, .maintMargin) }, of: name))
        }
        return cross
            + isolated.map { row in
                let name = asset(of: row)
                return MarginPool(
                    name: row["symbol"].text,
                    equity: sum(.equity, [(row, .isolatedWallet), (row, .unrealizedProfit)], of: name),
                    maintenance: sum(.maintenanceMargin, [(row, .maintMargin)], of: name))
            }
    }

    /// What a symbol that the rulebook does not know is about: what stands before its quote asset.
    private func coin(of symbol: String, margin: String) -> String {
        let quote = symbol.hasSuffix(margin) ? margin : quoteAsset(of: symbol) ?? ""
        return quote.isEmpty ? "" : String(symbol.prefix { $0 != "_" }.dropLast(quote.count))
    }
}

extension ReportedObject {
    /// Whether a row says that its position has a wallet of its own: by its margin type (version 2), or
    /// because there is something in it.
    var isIsolated: Bool {
        value["isolated"]?.boolean ?? false || self["marginType"].text.lowercased() == "isolated"
            || self["isolatedWallet"].truncatedNumber?.isPositive ?? false
    }

    /// Whether there is a position or an order.
    fileprivate var isInUse: Bool {
        ["positionAmt", "notional", "initialMargin", "openOrderInitialMargin", "bidNotional", "askNotional"]
            .contains { self[$0].truncatedNumber?.isZero == false }
    }

    /// `positionSide`: `LONG` and `SHORT` in hedge mode, `BOTH` otherwise.
    var positionSide: PositionSide {
        switch self["positionSide"].text {
        case "LONG": .long
        case "SHORT": .short
        default: .net
        }
    }
}

/// Answers of the second version of an endpoint, which other programs keep.
enum VersionTwo {
    /// The account: with the settings before the totals.
    static func isAccount(_ answer: JSONText?) -> Bool { answer?["canTrade"] != nil }

    /// The position risk: with the margin type, without margins.
    static func isRisk(_ answer: JSONText?) -> Bool { answer?.elements?.first?["marginType"] != nil }
}

/// What the venue is known to send: the pages of 2025 and of 2026, which differ in `marginAvailable`, and the
/// second version of account and position risk.
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        if call == ReadingCall.account.rawValue, VersionTwo.isAccount(answer) { return account2 }
        if call == ReadingCall.positions.rawValue, VersionTwo.isRisk(answer) { return risk2 }
        return ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .account: .object(account(Layouts.position)),
        .positions: .array(.object(Layouts.risk.knownFields())), .config: .object(config),
        .balance: .array(.object([KnownField("accountAlias", .text)] + Layouts.balance.knownFields())),
        .prices: .array(
            .object(
                [KnownField("symbol", .text), KnownField("time", .number)]
                    + Layouts.assetIndex.knownFields())),
    ]

    private static let account2 = FieldShape.object(
        .list("canTrade canDeposit canWithdraw", .boolean)
            + .list("feeBurn multiAssetsMargin", .boolean, isAlways: false)
            + .list("feeTier updateTime", .number) + .list("tradeGroupId", .number, isAlways: false)
            + account(Layouts.position2))

    private static let risk2 = FieldShape.array(
        .object(
            Layouts.risk2.knownFields() + [KnownField("isolated", .boolean, isAlways: false)]
                + [KnownField("adlQuantile", .number, isAlways: false)]))

    private static func account(_ positions: FigureLayout<PositionFigure>) -> [KnownField] {
        let rows = positions.knownFields([.isolated: .value(.boolean)])
        return Layouts.account.knownFields() + [
            KnownField("assets", .array(.object(Layouts.asset.knownFields()))),
            KnownField("positions", .array(.object(rows))),
        ]
    }

    private static let config: [KnownField] =
        .list("canTrade canDeposit canWithdraw dualSidePosition multiAssetsMargin", .boolean)
        + .list("feeTier updateTime tradeGroupId", .number)
}
