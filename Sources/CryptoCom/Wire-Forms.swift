import JSON
import Ledger
import Numbers
import Venue

/// A form of the account object, of its rows and of its isolated positions: every form has the same members,
/// each in an order of its own.
struct AccountForm: Sendable {
    let account: FigureLayout<AccountFigure>
    let row: FigureLayout<RowFigure>
    let isolated: FigureLayout<IsolatedFigure>
    let isolatedRow: FigureLayout<IsolatedRowFigure>

    /// The documents pad to 8 decimals and write switches of rows as strings; live forms write numbers bare,
    /// but for what `styles` names.
    private init(
        _ profile: WireProfile, _ order: [AccountFigure], row: [RowFigure], isHaircutPadded: Bool = false,
        styles: [AccountFigure: FigureStyle] = [:]
    ) {
        func layout<Figure: FigureKey>(
            _ order: [Figure], _ mode: Figure.Mode, live styles: [Figure: FigureStyle] = [:],
            butFor bare: Figure? = nil, flag: FigureStyle = .flag
        ) -> FigureLayout<Figure> {
            guard profile == .documented else { return FigureLayout(mode, order, styles: styles) }
            let padded = order.filter { $0 != bare }.map {
                ($0, $0.facts(in: mode)?.form == .flag ? flag : .padded(8))
            }
            return FigureLayout(mode, order, styles: Dictionary(uniqueKeysWithValues: padded))
        }
        account = layout(order, AccountMode(profile: profile), live: styles)
        self.row = layout(
            row, RowMode(profile: profile), butFor: isHaircutPadded ? nil : .haircut, flag: .quotedFlag)
        isolatedRow = layout(
            row.compactMap { IsolatedRowFigure(rawValue: $0.rawValue) }, (), butFor: .haircut,
            flag: .quotedFlag)
        // A margin account of its own has the same members, but for what is of the account alone.
        let own = order.filter { ![.account, .isolatedCash, .isolatedPositions].contains($0) }
        isolated = layout(
            [.isolation, .leverage, .isolationType]
                + own.compactMap { IsolatedFigure(rawValue: $0.rawValue) },
            IsolatedMode(profile: profile), butFor: .leverage)
    }

    /// The object of `private/user-balance` and of `user.balance` in the first frame.
    static func ofAccount(_ profile: WireProfile) -> AccountForm {
        profile == .documented ? documented : live
    }

    /// An object of `private/get-subaccount-balances`.
    static func ofSubaccount(_ profile: WireProfile) -> AccountForm {
        profile == .documented ? documentedSubaccount : liveSubaccount
    }

    /// The object of `user.balance`.
    static func ofBalanceChannel(_ profile: WireProfile) -> AccountForm {
        profile == .documented ? documented : livePush
    }

    /// The object of `user.account_risk`.
    static func ofRiskChannel(_ profile: WireProfile) -> AccountForm {
        profile == .documented ? documentedRisk : liveRisk
    }

    // MARK: - The documents

    private static let documentedTotals: [AccountFigure] = [
        .available, .marginBalance, .initialMargin, .positionMargin, .haircut, .maintenanceMargin,
        .positionCost, .cashBalance, .collateralValue, .sessionUnrealized, .unit, .sessionRealized,
        .isLiquidating, .effectiveLeverage, .positionLimit, .usedLimit,
    ]

    private static let documentedRow: [RowFigure] = [
        .instrument, .quantity, .marketValue, .isCollateral, .haircut, .collateralAmount, .withdrawable,
        .reservedQuantity,
    ]

    private static let documented = AccountForm(.documented, documentedTotals + [.rows], row: documentedRow)

    private static let documentedRisk = AccountForm(
        .documented, documentedTotals + [.balances, .positions, .isolatedPositions], row: documentedRow)

    private static let documentedSubaccount = AccountForm(
        .documented,
        [
            .account, .unit, .available, .marginBalance, .initialMargin, .maintenanceMargin, .positionCost,
            .cashBalance, .collateralValue, .sessionUnrealized, .sessionRealized, .effectiveLeverage,
            .positionLimit, .usedLimit, .isLiquidating, .rows,
        ],
        row: [
            .instrument, .quantity, .marketValue, .isCollateral, .haircut, .collateralAmount, .withdrawable,
        ], isHaircutPadded: true)

    // MARK: - The recordings

    private static let liveOrder: [AccountFigure] = [
        .riskExposure, .available, .marginBalance, .initialMargin, .haircut, .positionMargin,
        .maintenanceMargin, .positionCost, .cashBalance, .collateralValue, .sessionUnrealized, .unit,
        .sessionRealized, .rows, .creditLimits, .isolatedCash, .isolatedPositions, .effectiveLeverage,
        .positionLimit, .usedLimit, .borrowed, .isLiquidating, .hasRisk, .isTerminatable,
    ]

    private static let liveRow: [RowFigure] = [
        .quantity, .reservedQuantity, .collateralAmount, .haircut, .isCollateral, .marketValue, .withdrawable,
        .instrument, .interestRate,
    ]

    private static let liveStyles: [AccountFigure: FigureStyle] = [
        .haircut: .bare(8), .collateralValue: .ofObject,
    ]

    private static let live = AccountForm(.live, liveOrder, row: liveRow, styles: liveStyles)

    private static let liveSubaccount = AccountForm(
        .live, [.account] + liveOrder, row: liveRow, styles: liveStyles)

    /// Recorded in another order than over REST, without `terminatable`, and with every figure stripped.
    private static func push(_ rows: [AccountFigure]) -> AccountForm {
        AccountForm(
            .live,
            [
                .unit, .available, .cashBalance, .initialMargin, .positionMargin, .haircut, .hasRisk,
                .maintenanceMargin, .positionCost, .sessionUnrealized, .marginBalance, .sessionRealized,
                .effectiveLeverage, .positionLimit, .usedLimit, .isLiquidating, .borrowed, .riskExposure,
            ] + rows + [.creditLimits, .isolatedPositions, .collateralValue, .isolatedCash],
            row: [
                .instrument, .quantity, .reservedQuantity, .marketValue, .isCollateral, .collateralAmount,
                .haircut, .withdrawable, .interestRate,
            ])
    }

    private static let livePush = push([.rows])
    private static let liveRisk = push([.balances, .positions])
}

// MARK: - Writing

extension AccountFigures {
    /// Writes the account object in a form; `writePositions` writes the positions of all, or of one isolated
    /// position, where the form has them.
    func write(
        _ form: AccountForm, of account: String, to writer: inout JSONWriter,
        positions writePositions: (IsolatedFigures?, inout JSONWriter) throws -> Void = { _, _ in }
    ) throws {
        writer.beginObject()
        try form.account.write(self, to: &writer) { field, writer in
            switch field {
            case .account: writer.string(account)
            case .unit: writer.literal("USD")
            case .rows, .balances:
                try writer.array(of: rows) { row, writer in try row.write(form.row, to: &writer) }
            case .isolatedPositions:
                try writer.array(of: isolated) { position, writer in
                    try position.write(form, of: account, to: &writer, positions: writePositions)
                }
            case .positions: try writer.array { try writePositions(nil, &$0) }
            default: writer.array { _ in }
            }
        }
        writer.endObject()
    }
}

extension IsolatedFigures {
    fileprivate func write(
        _ form: AccountForm, of account: String, to writer: inout JSONWriter,
        positions writePositions: (IsolatedFigures?, inout JSONWriter) throws -> Void
    ) throws {
        writer.beginObject()
        try form.isolated.write(self, to: &writer) { field, writer in
            switch field {
            case .isolation, .isolationType: writeIsolation(field, of: account, to: &writer)
            case .unit: writer.literal("USD")
            case .rows, .balances:
                try writer.array { writer in
                    writer.beginObject()
                    try form.isolatedRow.write(row, to: &writer) { _, writer in writer.literal("USD") }
                    writer.endObject()
                }
            case .positions: try writer.array { try writePositions(self, &$0) }
            default: writer.array { _ in }
            }
        }
        writer.endObject()
    }

    /// The value of a member that says which isolated position it is.
    func writeIsolation(_ field: IsolatedFigure, of account: String, to writer: inout JSONWriter) {
        if field == .isolation {
            writer.string(StableIdentifier.isolation(account: account, instrument: name))
        } else {
            writer.literal("ISOLATED_MARGIN")
        }
    }
}

extension RowFigures {
    fileprivate func write(_ form: FigureLayout<RowFigure>, to writer: inout JSONWriter) throws {
        writer.beginObject()
        try form.write(self, to: &writer) { _, writer in writer.string(asset) }
        writer.endObject()
    }
}

extension JSONWriter {
    /// An array with what `body` writes.
    mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        beginArray()
        try body(&self)
        endArray()
    }
}

/// How objects are printed that have one form only, or none.
enum Layouts {
    private static let last: [PositionFigure] = [.updated, .instrument, .type, .isolation]

    /// The rows of positions over REST. Older ones have no type.
    static let position = FigureLayout<PositionFigure>(
        (), [.account, .quantity, .cost, .openProfit, .openCost, .sessionProfit] + last + [.isolationType],
        seldom: [.type])

    /// Those of the position channels, with the risk figures between. Margins are those of the position
    /// alone, as if nothing netted it: a choice.
    static let positionRisk = FigureLayout<PositionFigure>(
        (),
        [
            .account, .quantity, .sessionUnrealized, .cost, .openProfit, .openCost, .sessionProfit,
            .initialMargin, .maintenanceMargin, .marketValue, .markPrice, .targetLeverage,
        ] + last + [.leverage, .isolationType, .isolatedBalance])

    /// Which isolated position an object of a position channel is of.
    static let isolation = FigureLayout<IsolatedFigure>(
        IsolatedMode(profile: .live), [.isolation, .leverage, .isolationType])

    /// What an account object of any form may have.
    static let knownAccount = FigureLayout<AccountFigure>(
        AccountMode(profile: .live), AccountForm.ofAccount(.live).account.figures,
        seldom: Set(AccountFigure.allCases).subtracting(everywhere))

    /// What the margin account of an isolated position may have.
    static let knownIsolated = FigureLayout<IsolatedFigure>(
        IsolatedMode(profile: .live), AccountForm.ofAccount(.live).isolated.figures,
        seldom: Set(IsolatedFigure.allCases).subtracting(
            everywhere.compactMap { IsolatedFigure(rawValue: $0.rawValue) }
                + [.isolation, .leverage, .isolationType]))

    /// The shortest form.
    private static let everywhere = AccountForm.ofSubaccount(.documented).account.figures

    static let exposure = FigureLayout<ExposureFigure>(.underlying)
    static let order = FigureLayout<OrderFigure>(OrderMode())
    static let mark = FigureLayout<MarkFigure>(MarkMode())
    static let activity = FigureLayout<ActivityFigure>(())
}
