import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension BinanceVenue {
    /// The account as one statement, from the answer to `account` and what of the others is there.
    ///
    /// Throws where that answer is missing or is not the venue's; every other oddity is drift.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        var statement = Statement(
            venue: Self.name, account: account, identifier: answers.accountAlias,
            mode: reported.mode.rawValue,
            takenAt: bodies.map(\.takenAt).max() ?? 0, venueTime: nil, bodies: bodies,
            figures: reported.figures, assets: reported.assetStatements,
            drift: answers.drift(KnownShapes.shape))
        statement.positions = reported.positionStatements { symbol in
            rules(at: LedgerTime(milliseconds: statement.takenAt)).symbol(symbol)?.instrument
        }
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
    /// The answer to `account`.
    let account: ReportedObject
    let assets: [ReportedObject]
    let positions: [ReportedObject]
    /// Rows of the answer to `positions`; none where it was not asked or not answered.
    let risks: [ReportedObject]
    let config: ReportedObject?
    /// Rows of the answer to `prices`.
    let prices: [ReportedObject]
    let mode: AssetMode
    /// Symbols of which a position has a wallet of its own: a symbol's positions and orders share one type.
    let isolatedSymbols: Set<String>

    /// Throws where the account itself is missing or unreadable.
    init(_ bodies: [RecordedBody]) throws(ReadingError) { try self.init(bodies.map(ReportedAnswer.init)) }

    /// The same of answers that were read.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        account = try answers.own(ReadingCall.account.rawValue)
        guard account.value.kind == .object, account.value["code"]?.integer.map({ $0 >= 0 }) ?? true else {
            throw ReadingError(.unreadable, "The answer to account is no account of Binance.")
        }
        assets = account.rows("assets")
        positions = account.rows("positions")
        risks = answers.other(.positions)?.rows ?? []
        config = answers.other(.config)
        prices = answers.other(.prices)?.rows ?? []
        // The account does not say its mode; its rows have `marginAvailable` in one of them only.
        let isMulti =
            config?.value["multiAssetsMargin"]?.boolean
            ?? assets.contains { $0["marginAvailable"] != .absent }
        mode = isMulti ? .multiAssets : .singleAsset
        isolatedSymbols = Set(
            (positions + risks).filter { $0["isolatedWallet"].cutNumber?.isPositive ?? false }
                .map { $0["symbol"].text })
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
        let unit = mode == .multiAssets ? "USD" : "USDT"
        func total(_ figure: CommonFigure, _ field: String) -> ReportedFigure {
            let isOfRows = [.equity, .wallet, .unrealisedProfit].contains(figure)
            return account.figure(figure, field, unit: unit, isPartial: mode == .singleAsset || isOfRows)
        }
        return StatementFigures([
            total(.equity, "totalMarginBalance"), total(.wallet, "totalWalletBalance"),
            total(.available, "availableBalance"), total(.initialMargin, "totalInitialMargin"),
            total(.maintenanceMargin, "totalMaintMargin"), total(.unrealisedProfit, "totalUnrealizedProfit"),
            total(.withdrawable, "maxWithdrawAmount"),
        ])
    }

    /// In multi-assets mode what is available is one pool, shown in every row.
    fileprivate var assetStatements: [AssetStatement] {
        let isPooled = mode == .multiAssets
        return assets.map { row in
            let asset = row["asset"].text
            var figures = StatementFigures([
                row.figure(.equity, "marginBalance", unit: asset),
                row.figure(.wallet, "walletBalance", unit: asset),
                row.figure(.available, "availableBalance", unit: asset, isShared: isPooled),
                row.figure(.initialMargin, "initialMargin", unit: asset),
                row.figure(.maintenanceMargin, "maintMargin", unit: asset),
                row.figure(.unrealisedProfit, "unrealizedProfit", unit: asset),
                row.figure(.withdrawable, "maxWithdrawAmount", unit: asset, isShared: isPooled),
            ])
            if let price = price(of: asset) { figures.set(price.figure(.index, "index", unit: "USD")) }
            return AssetStatement(asset: asset, figures: figures)
        }
    }

    /// The account's positions, with prices from `positions`; those that only stand there come last.
    /// `instrument` gives what the rulebook knows of a symbol.
    fileprivate func positionStatements(_ instrument: (String) -> Instrument?) -> [PositionStatement] {
        let others = risks.filter { risk in
            !positions.contains {
                $0["symbol"] == risk["symbol"] && $0["positionSide"] == risk["positionSide"]
            }
        }
        return (positions + others).map { row in
            let symbol = row["symbol"].text
            let known = instrument(symbol)
            let risk = risk(of: row)
            let margin = risk?["marginAsset"].text ?? known?.settle ?? ""
            let coin = known?.base ?? (symbol.hasSuffix(margin) ? String(symbol.dropLast(margin.count)) : "")
            let profit = row["unrealizedProfit"] == .absent ? "unRealizedProfit" : "unrealizedProfit"
            var figures = StatementFigures([
                row.figure(.quantity, "positionAmt", unit: coin),
                row.figure(.notional, "notional", unit: margin),
                row.figure(.unrealisedProfit, profit, unit: margin),
                row.figure(.initialMargin, "initialMargin", unit: margin),
                row.figure(.maintenanceMargin, "maintMargin", unit: margin),
                row.figure(.wallet, "isolatedWallet", unit: margin),
                row.figure(.equity, "isolatedMargin", unit: margin),
            ])
            if let risk {
                figures.set(risk.figure(.entryPrice, "entryPrice", unit: margin))
                figures.set(risk.figure(.markPrice, "markPrice", unit: margin))
                figures.set(risk.figure(.liquidationPrice, "liquidationPrice", unit: margin))
            }
            return PositionStatement(
                instrument: symbol, side: row.positionSide, marginMode: marginMode(of: row),
                figures: figures)
        }
    }
}

extension ReportedObject {
    /// `positionSide`: `LONG` and `SHORT` in hedge mode, `BOTH` otherwise.
    var positionSide: PositionSide {
        switch self["positionSide"].text {
        case "LONG": .long
        case "SHORT": .short
        default: .net
        }
    }
}

/// What the venue is known to send (sheet, section 3).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .account: account, .positions: .array(.object(risk)), .config: .object(config),
        .balance: .array(.object(balance)), .prices: .array(.object(price)),
    ]

    private static let account = FieldShape.object(
        .list(
            """
            totalInitialMargin totalMaintMargin totalWalletBalance totalUnrealizedProfit totalMarginBalance
            totalPositionInitialMargin totalOpenOrderInitialMargin totalCrossWalletBalance totalCrossUnPnl
            availableBalance maxWithdrawAmount
            """, .text)
            + [
                KnownField("assets", .array(.object(asset))),
                KnownField("positions", .array(.object(position))),
            ])

    private static let asset: [KnownField] =
        .list(
            """
            asset walletBalance unrealizedProfit marginBalance maintMargin initialMargin
            positionInitialMargin openOrderInitialMargin crossWalletBalance crossUnPnl availableBalance
            maxWithdrawAmount
            """, .text)
        + [KnownField("marginAvailable", .boolean, isAlways: false), KnownField("updateTime", .number)]

    private static let position: [KnownField] =
        .list(
            """
            symbol positionSide positionAmt unrealizedProfit isolatedMargin notional isolatedWallet
            initialMargin maintMargin
            """, .text) + [KnownField("updateTime", .number)]

    private static let risk: [KnownField] =
        .list(
            """
            symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit
            liquidationPrice isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin
            positionInitialMargin openOrderInitialMargin bidNotional askNotional
            """, .text) + .list("adl updateTime", .number)

    private static let config: [KnownField] =
        .list("canTrade canDeposit canWithdraw dualSidePosition multiAssetsMargin", .boolean)
        + .list("feeTier updateTime tradeGroupId", .number)

    private static let balance: [KnownField] =
        .list(
            """
            accountAlias asset balance crossWalletBalance crossUnPnl availableBalance maxWithdrawAmount
            """, .text) + [KnownField("marginAvailable", .boolean), KnownField("updateTime", .number)]

    private static let price: [KnownField] =
        .list(
            """
            symbol index bidBuffer askBuffer bidRate askRate autoExchangeBidBuffer autoExchangeAskBuffer
            autoExchangeBidRate autoExchangeAskRate
            """, .text) + [KnownField("time", .number)]
}
