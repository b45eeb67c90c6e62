import JSON
import Ledger
import Numbers
import Venue

/// The order in which the fields of an object are written, and how far they are padded.
struct ObjectForm<Figure: FigureKey>: Sendable where Figure.Number == ExactFraction {
    /// Decimals that are written at least.
    enum Padding: Sendable {
        case none
        case places(Int)
        /// The same of what is not zero.
        case unlessZero(Int)
        /// As many as the account says, of what is not zero.
        case asAccountSays
    }

    private enum Kind: Sendable {
        case decimal(Padding)
        case flag
        case flagAsText
        case other
    }

    private let fields: [(figure: Figure, key: JSONKey, kind: Kind)]

    /// The figures in their order.
    var figures: [Figure] { fields.map(\.figure) }

    init(
        _ order: [Figure], in mode: Figure.Mode, flagsAsText: Bool = false,
        padding: (Figure) -> Padding = { _ in .none }
    ) {
        fields = order.compactMap { figure in
            guard let facts = figure.facts(in: mode), facts.isAlwaysThere != nil else { return nil }
            let kind: Kind =
                !facts.isShown
                ? .other
                : facts.form == .flag ? flagsAsText ? .flagAsText : .flag : .decimal(padding(figure))
            return (figure, JSONKey(figure.rawValue), kind)
        }
    }

    /// Writes the fields that an object has as members of the object that is open; `other` writes the value
    /// of one that is no number.
    func write(
        _ table: CryptoComTable<Figure>, to writer: inout JSONWriter,
        other: (Figure, inout JSONWriter) throws -> Void
    ) throws {
        for (figure, key, kind) in fields where table.isThere(figure) {
            writer.key(key)
            switch kind {
            case .decimal(.none): writer.quoted(try table.decimal(figure))
            case .decimal(let padding):
                let number = try table.decimal(figure)
                writer.quoted(number, minimumPlaces: try Self.places(padding, number, figure, table))
            case .flag: writer.bool(try table.isOn(figure))
            case .flagAsText: writer.literal(try table.isOn(figure) ? "true" : "false")
            case .other: try other(figure, &writer)
            }
        }
    }

    /// A field as it is written; nil for one that is no number.
    func text(of figure: Figure, in table: CryptoComTable<Figure>) throws -> String? {
        guard let field = fields.first(where: { $0.figure == figure }) else { return nil }
        switch field.kind {
        case .decimal(let padding):
            let number = try table.decimal(figure)
            var bytes: [UInt8] = []
            number.append(to: &bytes, minimumPlaces: try Self.places(padding, number, figure, table))
            return String(decoding: bytes, as: UTF8.self)
        case .flag, .flagAsText: return try table.isOn(figure) ? "true" : "false"
        case .other: return nil
        }
    }

    private static func places(
        _ padding: Padding, _ number: ExactDecimal, _ figure: Figure, _ table: CryptoComTable<Figure>
    ) throws -> Int {
        switch padding {
        case .none: 0
        case .places(let places): places
        case .unlessZero(let places): number.isZero ? 0 : places
        case .asAccountSays: number.isZero ? 0 : try table.leastPlaces(of: figure)
        }
    }
}

/// A form of the account object, of its rows and of its isolated positions: every form has the same members,
/// each in an order of its own.
struct AccountForm: Sendable {
    let account: ObjectForm<AccountFigure>
    let row: ObjectForm<RowFigure>
    let isolated: ObjectForm<IsolatedFigure>
    let isolatedRow: ObjectForm<IsolatedRowFigure>

    /// The documents pad to 8 decimals and write switches of rows as strings; live forms write numbers bare,
    /// but for what `padding` names.
    private init(
        _ profile: WireProfile, _ order: [AccountFigure], row: [RowFigure], isHaircutPadded: Bool = false,
        padding: [AccountFigure: ObjectForm<AccountFigure>.Padding] = [:]
    ) {
        let isDocumented = profile == .documented
        account = ObjectForm(order, in: AccountMode(profile: profile)) {
            isDocumented ? .places(8) : padding[$0] ?? .none
        }
        self.row = ObjectForm(row, in: RowMode(profile: profile), flagsAsText: isDocumented) {
            isDocumented && ($0 != .haircut || isHaircutPadded) ? .places(8) : .none
        }
        isolatedRow = ObjectForm(
            row.compactMap { IsolatedRowFigure(rawValue: $0.rawValue) }, in: (), flagsAsText: isDocumented
        ) { isDocumented && $0 != .haircut ? .places(8) : .none }
        // A margin account of its own has the same members, but for what is of the account alone.
        let own = order.filter { ![.account, .isolatedCash, .isolatedPositions].contains($0) }
        isolated = ObjectForm(
            [.isolation, .leverage, .isolationType]
                + own.compactMap { IsolatedFigure(rawValue: $0.rawValue) },
            in: IsolatedMode(profile: profile)
        ) { isDocumented && $0 != .leverage ? .places(8) : .none }
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

    private static let livePadding: [AccountFigure: ObjectForm<AccountFigure>.Padding] = [
        .haircut: .unlessZero(8), .collateralValue: .asAccountSays,
    ]

    private static let live = AccountForm(.live, liveOrder, row: liveRow, padding: livePadding)

    private static let liveSubaccount = AccountForm(
        .live, [.account] + liveOrder, row: liveRow, padding: livePadding)

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
                writer.beginArray()
                for row in rows { try row.write(form.row, to: &writer) }
                writer.endArray()
            case .isolatedPositions:
                writer.beginArray()
                for position in isolated {
                    try position.write(form, of: account, to: &writer, positions: writePositions)
                }
                writer.endArray()
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
    fileprivate func write(_ form: ObjectForm<RowFigure>, to writer: inout JSONWriter) throws {
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

/// How the rows of positions are written: over REST, and with the risk figures between on the position
/// channels.
extension ObjectForm<PositionFigure> {
    private static let last: [PositionFigure] = [.updated, .instrument, .type, .isolation]

    static let row = ObjectForm(
        [.account, .quantity, .cost, .openProfit, .openCost, .sessionProfit] + last + [.isolationType], in: ()
    )

    /// Margins are those of the position alone, as if nothing netted it. Choices.
    static let riskRow = ObjectForm(
        [
            .account, .quantity, .sessionUnrealized, .cost, .openProfit, .openCost, .sessionProfit,
            .initialMargin, .maintenanceMargin, .marketValue, .markPrice, .targetLeverage,
        ] + last + [.leverage, .isolationType, .isolatedBalance], in: ())
}

/// How each figure is printed, in each profile.
enum Layouts {
    static let account = ByProfile { FigureLayout<AccountFigure>(AccountMode(profile: $0)) }
    static let row = ByProfile { FigureLayout<RowFigure>(RowMode(profile: $0)) }
    static let isolated = ByProfile { FigureLayout<IsolatedFigure>(IsolatedMode(profile: $0)) }
    static let isolatedRow = FigureLayout<IsolatedRowFigure>(())
    static let position = FigureLayout<PositionFigure>(())
    static let exposure = FigureLayout<ExposureFigure>(.underlying)
    static let order = FigureLayout<OrderFigure>(OrderMode())
    static let mark = FigureLayout<MarkFigure>(MarkMode())
    static let activity = FigureLayout<ActivityFigure>(())
}
