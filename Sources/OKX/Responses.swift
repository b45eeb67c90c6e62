import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension OKXVenue {
    /// The account as one statement, from the answer to `balance` and what of the others is there; without
    /// that answer from the one to `positions`.
    ///
    /// Throws where both are missing or one is not the venue's; every other oddity is drift.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        return [
            Statement(
                venue: Self.name, account: account, identifier: accountIdentifier(in: bodies),
                mode: reported.modeName,
                takenAt: bodies.map(\.takenAt).max() ?? 0,
                venueTime: Int64(venueMoment: Int64(reported.account["uTime"].text)), bodies: bodies,
                figures: reported.figures,
                assets: reported.assetStatements, positions: reported.positionStatements,
                drift: answers.drift(KnownShapes.shape), pools: reported.pools,
                lackOfAssets: reported.showsPart ? "the answer shows some of the currencies alone" : "")
        ]
    }
}

/// The answers that an account was read from, taken apart.
struct ReportedAccount {
    /// The one account object of the balance; empty where there are positions alone.
    let account: ReportedObject
    /// Its currency rows.
    let details: [ReportedObject]
    /// Rows of the answer to `positions`; none where it was not asked or not answered.
    let positions: [ReportedObject]
    let config: ReportedObject?
    /// Rows of the answer to `open-orders`; nil where it was not asked or not answered.
    let orders: [ReportedObject]?
    /// When the answer to each call came in.
    let moments: [String: Int64]

    /// How many open orders one answer holds at most.
    static let orderLimit = 100

    /// Throws where the balance is missing or unreadable.
    init(_ bodies: [RecordedBody]) throws(ReadingError) { try self.init(bodies.map(ReportedAnswer.init)) }

    /// The same of answers that were read.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        positions = answers.rows(.positions) ?? []
        if !positions.isEmpty, !answers.contains(where: { $0.body.call == ReadingCall.balance.rawValue }) {
            account = ReportedObject(.emptyObject)
        } else {
            let answer = try answers.own(ReadingCall.balance.rawValue)
            guard ["0", ""].contains(answer["code"].text), let account = answer.rows("data").first,
                account.value.kind == .object,
                // A position, or the account's settings: the rows of other answers.
                ["instId", "acctLv"].allSatisfy({ account[$0] == .absent })
            else { throw ReadingError(.unreadable, "The answer to balance is no balance of OKX.") }
            self.account = account
        }
        details = account.rows("details")
        config = answers.rows(.config)?.first
        orders = answers.rows(.openOrders)
        moments = Dictionary(answers.map { ($0.body.call, $0.body.takenAt) }) { _, last in last }
    }

    /// The mode that the configuration names, or the one whose fields the balance fills; nil for one that
    /// nobody knows.
    var mode: AccountMode? {
        if let level = config?["acctLv"], !level.text.isEmpty { return AccountMode(level: level.text) }
        if isPositionsAlone { return .futures }
        // The matrix of applicable fields: "" stands where a mode has no figure.
        if account.isFilled("availEq") || account.isFilled("adjEq") && account.isFilled("isoEq") {
            return details.contains { $0.isFilled("spotInUseAmt") } ? .portfolio : .multi
        }
        return account.isFilled("isoEq") ? .futures : .spot
    }

    /// Whether there is no answer to `balance`; figures of a position follow from its row in every mode.
    private var isPositionsAlone: Bool { account.value.members?.count == 0 }

    /// The mode as the setting `mode` spells it, or the venue's level where nobody knows it.
    fileprivate var modeName: String {
        if isPositionsAlone, config == nil { return "unknown" }
        return mode?.rawValue ?? "acctLv \(config?["acctLv"].text ?? "")"
    }

    /// Whether the rows are some of the account's alone, as where the answer was asked for with `ccy`: what
    /// it is worth and what backs its positions both come to more than dust above their sums.
    var showsPart: Bool {
        func isAbove(_ figure: AccountFigure, _ part: CurrencyFigure) -> Bool {
            guard let number = account[figure.rawValue].truncatedNumber,
                let sum = try? details.compactMap({ $0[part.rawValue].truncatedNumber }).sum(),
                let rest = try? number - sum
            else { return false }
            return rest > AccountAudit.dust
        }
        return isAbove(.totalEq, .eqUsd) && isAbove(.adjEq, .disEq)
    }

    /// The row of a currency.
    func detail(_ currency: String) -> ReportedObject? { details.first { $0["ccy"].text == currency } }
}

extension [ReportedAnswer] {
    /// The `data` of another answer; nil where there is none or it cannot be read.
    fileprivate func rows(_ call: ReadingCall) -> [ReportedObject]? { other(call.rawValue)?.list("data") }
}

extension ReportedObject {
    /// Whether a figure stands in a field.
    func isFilled(_ field: String) -> Bool {
        switch self[field] {
        case .number, .outOfRange: true
        case .absent, .empty, .null, .other: false
        }
    }

    /// `posSide`: `long` and `short` in hedge mode, `net` otherwise.
    var positionSide: PositionSide { PositionSide(rawValue: self["posSide"].text) ?? .net }

    /// Whether it is a position of a spot pair on margin; one without its type is told by what it owes.
    var isOnMargin: Bool {
        let type = self["instType"].text
        return type == "MARGIN" || type.isEmpty && !self["liabCcy"].text.isEmpty
    }

    /// The two currencies of the pair; none where the name is not one of a pair.
    private var pair: [String] {
        let parts = self["instId"].text.split(separator: "-").map(String.init)
        return parts.count == 2 ? parts : []
    }

    /// What a margin position has: the one of the pair that it names, or that it does not owe; nil where
    /// neither is said.
    private var heldCurrency: String? {
        let named = self["posCcy"].text
        if !named.isEmpty { return pair.first { $0 == named } }
        let owed = self["liabCcy"].text
        return pair.contains(owed) ? pair.first { $0 != owed } : nil
    }

    /// The one of the pair that margin and profit are in: that of an isolated position is what it has.
    private var marginCurrency: String? {
        let named = self["ccy"].text
        if !named.isEmpty { return pair.first { $0 == named } }
        return marginMode == .isolated ? heldCurrency : nil
    }

    /// Whether a margin position says what it has and what its margin is in.
    var namesItsCurrencies: Bool { heldCurrency != nil && marginCurrency != nil }

    /// Whether a margin position has the base currency, which makes it a long one.
    var holdsBase: Bool { heldCurrency == pair.first }

    /// Whether its margin and profit are in the base currency.
    var hasMarginInBase: Bool { marginCurrency == pair.first }

    /// `mgnMode`; where it is not there, only an isolated position has a `margin`.
    var marginMode: MarginMode {
        MarginMode(rawValue: self["mgnMode"].text) ?? (isFilled("margin") ? .isolated : .cross)
    }
}

// MARK: - What has a name at every venue

/// A field of an object that has a name at every venue, as its facts say.
private struct CommonField<Figure: FigureKey> {
    let figure: Figure
    let common: CommonFigure
    /// `coin` for what counts whatever coin the object is of.
    let unit: String
    /// Whether answers may lack it.
    let isSeldom: Bool

    /// Those of an object in any of some modes: "" stands in the modes that do not have one.
    static func all(in modes: [Figure.Mode]) -> [CommonField] {
        Figure.allCases.compactMap { figure in
            modes.lazy.compactMap { CommonField(figure, in: $0) }.first
        }
    }

    private init?(_ figure: Figure, in mode: Figure.Mode) {
        guard let facts = figure.facts(in: mode), facts.isShown, let common = facts.common else { return nil }
        self.figure = figure
        self.common = common
        unit = facts.unit
        isSeldom = facts.isAlwaysThere == false
    }
}

extension CurrencyMode {
    /// One of each account mode, those with most figures first.
    fileprivate static let all = [AccountMode.multi, .futures, .portfolio, .spot].map {
        CurrencyMode(account: $0)
    }
}

extension PositionRowMode {
    /// What an answer shows a row to be.
    fileprivate init(_ row: ReportedObject, in account: AccountMode?) {
        self.init(
            account: account ?? .multi, isCross: row.marginMode == .cross, isPair: row.isOnMargin)
    }

    /// One of each kind of row, by their places.
    fileprivate static let all = AccountMode.allCases.flatMap { account in
        [false, true].flatMap { isCross in
            [false, true].map { PositionRowMode(account: account, isCross: isCross, isPair: $0) }
        }
    }

    /// Where its kind stands among all.
    fileprivate var place: Int {
        account.place * 4 + (isCross ? 2 : 0) + (isPair ? 1 : 0)
    }

    /// Whether a figure is not the row's own but of the pool that it is in.
    fileprivate func isOfPool(_ figure: PositionRowFigure) -> Bool {
        switch figure {
        case .mgnRatio: isCross
        case .imr, .mmr: isUnit
        default: false
        }
    }
}

extension ReportedAccount {
    private static let ofAccount = CommonField<AccountFigure>.all(in: [.multi])
    private static let ofCurrency = CommonField<CurrencyFigure>.all(in: CurrencyMode.all)
    private static let ofPosition = PositionRowMode.all.map { CommonField<PositionRowFigure>.all(in: [$0]) }
    /// What each currency has of its own in futures mode, where it is a pool, and the account has not.
    private static let ofPools = Set(
        CommonField<CurrencyFigure>.all(in: [CurrencyMode(account: .futures)])
            .filter { $0.unit == FigureFacts.coin }.map(\.common)
    ).subtracting(CommonField<AccountFigure>.all(in: [.futures]).map(\.common))

    /// Everything of the account as a whole is in USD. In futures mode every currency is a pool of its own,
    /// and what follows from its positions stands in its row alone. In the others the account's profit is
    /// that of cross positions, and the rows' that of all.
    fileprivate var figures: StatementFigures {
        let hasIsolatedProfit = details.contains { $0["isoUpl"].number?.isZero == false }
        var figures = StatementFigures(
            Self.ofAccount.map { field in
                account.figure(
                    field.common, field.figure.rawValue, unit: field.unit,
                    isPartial: mode == .futures && Self.ofPools.contains(field.common)
                        || hasIsolatedProfit && field.common == .unrealizedProfit)
            })
        figures.set(account.figure(.equityUSD, AccountFigure.totalEq.rawValue, unit: "USD"))
        return figures
    }

    fileprivate var assetStatements: [AssetStatement] {
        details.map { row in
            let currency = row["ccy"].text
            // Spot mode has no available equity; its orders use the available balance.
            let available: CurrencyFigure =
                row.isFilled(CurrencyFigure.availEq.rawValue) ? .availEq : .availBal
            let fields = Self.ofCurrency.filter { field in
                (field.common != .available || field.figure == available)
                    && (!field.isSeldom || row[field.figure.rawValue] != .absent)
            }
            return AssetStatement(
                asset: currency,
                figures: StatementFigures(
                    fields.map { field in
                        row.figure(
                            field.common, field.figure.rawValue,
                            unit: field.unit == FigureFacts.coin ? currency : field.unit)
                    }))
        }
    }

    /// In portfolio mode the margins of a risk unit stand in each of its positions.
    fileprivate var positionStatements: [PositionStatement] {
        positions.map { row in
            let rowMode = PositionRowMode(row, in: mode)
            let fields = Self.ofPosition[rowMode.place]
            return PositionStatement(
                instrument: row["instId"].text, side: row.positionSide, marginMode: row.marginMode,
                figures: StatementFigures(
                    fields.map { field in
                        row.figure(
                            field.common, field.figure.rawValue,
                            unit: field.unit == FigureFacts.coin ? row.coin(of: field.figure) : field.unit,
                            isShared: rowMode.isOfPool(field.figure))
                    }))
        }
    }
}

extension ReportedAccount {
    /// What is liquidated apart: what backs cross positions, of which what the account is worth says too much
    /// (isolated margins, haircuts), in futures mode that of each currency; and each isolated position.
    fileprivate var pools: [MarginPool] {
        let isolated = positions.filter { row in
            row.marginMode == .isolated && row["pos"].truncatedNumber?.isZero == false
        }
        return crossPools
            + isolated.map { row in
                let coin = row["ccy"].text
                return MarginPool(
                    name: row["instId"].text,
                    equity: ReportedFigure(
                        .equity,
                        sumOf: [PositionRowFigure.margin, .upl].map {
                            row.figure(.equity, $0.rawValue, unit: coin)
                        }, unit: coin),
                    maintenance: row.figure(
                        .maintenanceMargin, PositionRowFigure.mmr.rawValue, unit: coin))
            }
    }

    private var crossPools: [MarginPool] {
        guard mode == .futures else {
            let maintenance = account.figure(.maintenanceMargin, AccountFigure.mmr.rawValue, unit: "USD")
            if maintenance.value.truncatedNumber == nil { return [] }
            let backing = account.figure(.equity, AccountFigure.adjEq.rawValue, unit: "USD")
            return [MarginPool(name: "cross", equity: backing, maintenance: maintenance)]
        }
        return details.filter { $0["mmr"].truncatedNumber?.isPositive == true }.map { row in
            let coin = row["ccy"].text
            let (cash, profit) = (row["cashBal"].truncatedNumber, row["upl"].truncatedNumber)
            let isolated = row["isoUpl"].truncatedNumber ?? .zero
            let backing = cash.flatMap { cash in profit.flatMap { try? cash + $0 - isolated } }
            return MarginPool(
                name: "cross \(coin)",
                equity: ReportedFigure(
                    .equity, derived: backing, from: row.path(of: "cashBal + upl − isoUpl"), unit: coin),
                maintenance: row.figure(
                    .maintenanceMargin, CurrencyFigure.mmr.rawValue, unit: coin))
        }
    }
}

extension ReportedObject {
    /// The currency in which a position's row counts.
    fileprivate func coin(of figure: PositionRowFigure) -> String {
        switch figure {
        case .pos: self["posCcy"].text
        case .liab: self["liabCcy"].text
        default: self["ccy"].text
        }
    }
}

// MARK: - What the venue sends

extension FigureKey {
    /// The fields of an object in any of some modes as the venue is known to send them: texts but for those
    /// that `shapes` names.
    fileprivate static func knownFields(
        inAnyOf modes: [Mode], _ shapes: [Self: FieldShape] = [:]
    ) -> [KnownField] {
        allCases.compactMap { figure in
            modes.lazy.compactMap { figure.facts(in: $0)?.isAlwaysThere }.first.map { isAlways in
                KnownField(figure.rawValue, shapes[figure] ?? .value(.text), isAlways: isAlways)
            }
        }
    }
}

/// What the venue is known to send (OKX API documentation, Trading Account).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .balance: envelope(account), .positions: envelope(position), .config: envelope(config),
        .openOrders: envelope(order),
    ]

    private static func envelope(_ row: [KnownField]) -> FieldShape {
        .object(.list("code msg", .text) + [KnownField("data", .array(.object(row)))])
    }

    private static let account = AccountFigure.knownFields(
        inAnyOf: [.multi], [.details: .array(.object(detail))])

    /// With what a stream calls another name.
    private static let detail =
        CurrencyFigure.knownFields(
            inAnyOf: CurrencyMode.all,
            [.collateralEnabled: .value(.boolean), .collateralRestrict: .value(.boolean)])
        + [KnownField(CurrencyFigure.maxSpotInUse.pushedName, .text, isAlways: false)]

    private static let position = PositionRowFigure.knownFields(
        inAnyOf: [PositionRowMode(account: .multi, isCross: true, isPair: false)],
        [.closeOrderAlgo: .array(.anything)])

    private static let config = written(always: "acctLv", "perm", "posMode", "uid") {
        let key = APIKey(
            apiKey: "", secret: "", passphrase: nil, permissions: [], addresses: [], account: "")
        return OKXVenue.configuration(of: .reported, key)
    }

    private static let order = written(
        always: "accFillSz", "instId", "instType", "ordId", "posSide", "px", "reduceOnly", "side", "state",
        "sz",
        "tdMode"
    ) {
        let pair = Instrument(
            venue: OKXVenue.name, name: "", kind: .spot, base: "", quote: "", settle: "")
        let order = OpenOrder(
            id: "", instrument: pair, side: .buy, quantity: .one, price: .one, reduceOnly: false,
            positionSide: .net, marginMode: .cross, placedAt: LedgerTime(milliseconds: 0))
        return try JSONWriter.reply { writer in
            try writer.order(OrderRow(OrderRecord(order), .reported, typeName: "", leverage: .one))
        }
    }

    /// The fields of a row as this server writes it, of which answers may lack all but some.
    private static func written(always: String..., body: () throws -> [UInt8]) -> [KnownField] {
        let answer = (try? body()).flatMap { try? JSONValue(parsing: $0) }
        return (answer?["data"]?.elements?.first?.object?.members ?? []).map { name, value in
            KnownField(name, shape(of: value), isAlways: always.contains(name))
        }
    }

    private static func shape(of value: JSONValue) -> FieldShape {
        switch value {
        case .string: .value(.text)
        case .bool: .value(.boolean)
        case .array(let elements): .array(elements.first.map(shape) ?? .anything)
        case .null, .number, .object: .anything
        }
    }
}
