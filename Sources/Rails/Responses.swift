import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: every field under its own path, and what follows from them where it says so.

extension RailsVenue {
    /// The account as one statement, from the answer to `balances` and what of the others is there.
    ///
    /// Throws where that answer is missing or is not the venue's; every other oddity is drift. Positions are
    /// `net`, or the side that the answer to `positions` names, as the documented form prints a short's size
    /// without a sign.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        let markets = timeline.versions.last?.rules
        return [
            Statement(
                venue: Self.name, account: account, mode: "cross", takenAt: bodies.map(\.takenAt).max() ?? 0,
                bodies: bodies, figures: reported.figures,
                positions: reported.positionStatements { markets?.terms(of: $0)?.base ?? "" },
                drift: answers.drift(KnownShapes.shape), pools: reported.pools)
        ]
    }
}

/// The answers that an account was read from, taken apart.
struct ReportedAccount {
    /// The account's fields, within `balances` or not.
    let account: ReportedObject
    /// The rows of `marketBalancesMap`, in the order of the text.
    let markets: [(name: String, row: ReportedObject)]
    /// Rows of the answer to `positions`; nil where it was not asked or not answered, or has no list.
    let positions: [ReportedObject]?
    /// Rows of the answer to `open-orders`; nil in the same cases.
    let orders: [ReportedObject]?
    /// Rows of the answer to `market-data`.
    let prices: [ReportedObject]
    /// Rows of the answer to `completed-orders`: fills.
    let fills: [ReportedObject]
    /// Rows of the answer to `fundings`.
    let fundings: [ReportedObject]
    /// When the answer to each call came in.
    private let moments: [String: Int64]

    /// Throws where the balances are missing or unreadable.
    init(_ bodies: [RecordedBody]) throws(ReadingError) { try self.init(bodies.map(ReportedAnswer.init)) }

    /// The same of answers that were read.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        let answer = try answers.own(ReadingCall.balances.rawValue)
        account = answer.value["balances"]?.kind == .object ? answer.object("balances") : answer
        guard account["totalBalance"] != .absent || account.value["marketBalancesMap"]?.kind == .object else {
            throw ReadingError(.unreadable, "The answer to balances is none of Rails.")
        }
        let map = account.object("marketBalancesMap")
        markets = (map.value.members?.all ?? []).map { member in
            (member.key, ReportedObject(member.value, path: map.path(of: member.key)))
        }
        positions = answers.other(.positions)?.list("positions")
        orders = answers.other(.openOrders)?.list("openOrders")
        prices = answers.other(.marketData)?.rows ?? []
        fills = answers.other(.completedOrders)?.list("completedOrders") ?? []
        fundings = answers.other(.fundings)?.list("fundings") ?? []
        moments = Dictionary(answers.map { ($0.body.call, $0.body.takenAt) }) { _, last in last }
    }

    /// When the answer to a call came in.
    func moment(of call: ReadingCall) -> Int64 { moments[call.rawValue] ?? 0 }

    /// The open position of a market; nil where there is none or no answer tells.
    func position(_ market: String) -> ReportedObject? {
        positions?.first { $0["market"].text == market }
    }

    /// The index price of a market among the prices.
    func price(_ market: String) -> ReportedObject? {
        prices.first { $0["market"].text == market && $0["type"].text == "INDEX" }
    }

    /// The markets that have a position, by either answer.
    var marketsWithPositions: [(name: String, row: ReportedObject?)] {
        let shown = markets.filter { market in
            position(market.name) != nil || market.row["positionQuantity"].truncatedNumber?.isZero != true
        }
        let others = (positions ?? []).map { $0["market"].text }.filter { name in
            !markets.contains { $0.name == name }
        }
        return shown.map { ($0.name, $0.row) } + others.map { ($0, nil) }
    }

    /// The open positions that have a pool of their own.
    var isolated: [ReportedObject] { (positions ?? []).filter(\.isIsolated) }

    /// Size, cost and profit of an open position, signed: a form that prints sizes without a sign names the
    /// side. Nil where no answer tells all three.
    func signedPosition(
        _ market: String
    ) -> (quantity: ExactDecimal, cost: ExactDecimal, profit: ExactDecimal)? {
        guard let position = position(market), let quantity = position["quantity"].truncatedNumber,
            let cost = position["value"].truncatedNumber,
            let profit = position["unrealizedPnl"].truncatedNumber
        else { return nil }
        let isShort = position["type"].text == "SHORT" && quantity.isPositive
        return isShort ? (-quantity, -cost, profit) : (quantity, cost, profit)
    }

    /// The open orders of one side of a market, in the answer's order; nil where there is no answer, or some
    /// order in it does not say which market and side it is of.
    func orders(of market: String, _ side: Side) -> [ReportedObject]? {
        guard let orders, orders.allSatisfy({ !$0["market"].text.isEmpty && $0.orderSide != nil }) else {
            return nil
        }
        return orders.filter { $0["market"].text == market && $0.orderSide == side }
    }
}

extension ReportedObject {
    /// The side of an order or a fill: published as `orderType`, and as `side` by older servers of ours.
    var orderSide: Side? {
        Side(rawValue: (self["orderType"] == .absent ? self["side"] : self["orderType"]).text.lowercased())
    }

    /// The field with what is left of an order: `quantity`; older servers of ours have one of its own.
    var remainingField: String { self["remainingQuantity"] == .absent ? "quantity" : "remainingQuantity" }

    /// Whether a position has a pool of its own. No page shows one; the letter is that of
    /// `update-margin-mode`.
    var isIsolated: Bool { ["I", "ISOLATED"].contains(self["marginMode"].text.uppercased()) }
}

extension [ReportedAnswer] {
    fileprivate func other(_ call: ReadingCall) -> ReportedObject? { other(call.rawValue) }
}

extension ReportedAccount {
    /// All in USD. What the account is worth with its open positions is in no field of the venue: its money
    /// and the profit of every position, as far as the answers tell all of them.
    fileprivate var figures: StatementFigures {
        StatementFigures(
            [worth(.equity), worth(.equityUSD), sum(.unrealizedProfit, of: [])]
                + account.commonFigures(of: AccountFigure.self, in: .documented))
    }

    private func worth(_ figure: CommonFigure) -> ReportedFigure {
        sum(figure, of: [account.figure(figure, "totalBalance", unit: RailsVenue.money)])
    }

    /// The sum of figures and of the profit of every position.
    private func sum(_ figure: CommonFigure, of figures: [ReportedFigure]) -> ReportedFigure {
        var parts = figures
        for (name, row) in marketsWithPositions {
            guard let position = position(name) else {
                if row?["positionQuantity"].truncatedNumber?.isZero == true { continue }
                return ReportedFigure(
                    figure, lacking: "no answer tells the profit of the position in \(name)",
                    unit: RailsVenue.money)
            }
            parts.append(position.figure(figure, "unrealizedPnl", unit: RailsVenue.money))
        }
        if parts.isEmpty {
            return ReportedFigure(
                figure, derived: .zero, from: "Σ unrealizedPnl of no position", unit: RailsVenue.money)
        }
        return ReportedFigure(figure, sumOf: parts, unit: RailsVenue.money)
    }

    /// What is liquidated apart: the cross pool and each isolated position; none where all is one pool.
    fileprivate var pools: [MarginPool] {
        if isolated.isEmpty { return [] }
        let held = isolated.map { $0["margin"].truncatedNumber }
        let money = account["totalBalance"].truncatedNumber
        func sum(_ money: ExactDecimal?, _ positions: [ReportedObject], _ formula: String) -> ReportedFigure {
            let profits = positions.map { $0["unrealizedPnl"].truncatedNumber }
            guard let money, !profits.contains(nil) else {
                return ReportedFigure(
                    .equity, lacking: "what positions hold or earn is in no answer", unit: RailsVenue.money)
            }
            return ReportedFigure(
                .equity, derived: try? profits.compactMap { $0 }.sum() + money, from: formula,
                unit: RailsVenue.money)
        }
        let left = held.contains(nil) ? nil : money.flatMap { try? $0 - held.compactMap { $0 }.sum() }
        let isComplete = marketsWithPositions.allSatisfy { name, row in
            position(name) != nil || row?["positionQuantity"].truncatedNumber?.isZero == true
        }
        let cross = MarginPool(
            name: "cross",
            equity: sum(
                isComplete ? left : nil, (positions ?? []).filter { !$0.isIsolated },
                account.path(of: "totalBalance") + " − Σ margin of isolated positions + Σ unrealizedPnl"),
            maintenance: account.figure(.maintenanceMargin, "maintenanceMargin", unit: RailsVenue.money))
        return [cross]
            + isolated.map { position in
                let row = markets.first { $0.name == position["market"].text }?.row
                return MarginPool(
                    name: position["market"].text,
                    equity: sum(
                        position["margin"].truncatedNumber, [position],
                        position.path(of: "margin") + " + " + position.path(of: "unrealizedPnl")),
                    maintenance: row?.figure(
                        .maintenanceMargin, "maintenanceMargin", unit: RailsVenue.money)
                        ?? ReportedFigure(
                            .maintenanceMargin, lacking: "the market is not in the balances",
                            unit: RailsVenue.money))
            }
    }

    /// `baseAsset` gives the coin of a market; empty for one that nobody knows.
    fileprivate func positionStatements(_ baseAsset: (String) -> String) -> [PositionStatement] {
        marketsWithPositions.map { name, row in
            let position = position(name)
            let coin = baseAsset(name)
            var figures = StatementFigures()
            if let row {
                figures = StatementFigures(
                    row.commonFigures(of: MarketFigure.self, in: MarketMode(profile: .documented), coin: coin)
                )
                figures.setEntryPrice(of: row, size: "positionQuantity", value: "position")
                if let position {
                    figures.set(position.figure(.unrealizedProfit, "unrealizedPnl", unit: RailsVenue.money))
                }
            } else if let position {
                figures = StatementFigures(
                    position.commonFigures(of: PositionFigure.self, in: .documented, coin: coin))
                figures.setEntryPrice(of: position, size: "quantity", value: "value")
            }
            if let price = price(name) {
                figures.set(price.figure(.markPrice, "value", unit: RailsVenue.money))
            } else if let own = signedPosition(name), !own.quantity.isZero {
                figures.set(
                    ReportedFigure(
                        .markPrice,
                        derived: try? (own.cost + own.profit).over(own.quantity, rounding: .halfEven),
                        from: "(value + unrealizedPnl) / quantity", unit: RailsVenue.money))
            }
            return PositionStatement(
                instrument: name, side: position?.side ?? .net,
                marginMode: position?.isIsolated == true ? .isolated : .cross, figures: figures)
        }
    }
}

extension StatementFigures {
    /// The price that a position's value is of.
    fileprivate mutating func setEntryPrice(of row: ReportedObject, size: String, value: String) {
        guard let quantity = row[size].truncatedNumber, !quantity.isZero,
            let worth = row[value].truncatedNumber
        else { return }
        set(
            ReportedFigure(
                .entryPrice, derived: try? worth.magnitude.over(quantity.magnitude, rounding: .halfEven),
                from: row.path(of: "\(value) / \(size)"), unit: RailsVenue.money))
    }
}

extension ReportedObject {
    /// `type` of a position.
    fileprivate var side: PositionSide {
        switch self["type"].text {
        case "LONG": .long
        case "SHORT": .short
        default: .net
        }
    }
}

/// What the venue is known to send, of all generations (Rails API documentation, Get Account Balances and Get
/// Account Positions).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        guard let call = ReadingCall(rawValue: call) else { return nil }
        return call == .balances && answer?["balances"] == nil ? .object(account) : shapes[call]
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .balances: .object([KnownField("balances", .object(account))]),
        .positions: .object([KnownField("positions", .array(.object(position)))]),
        .openOrders: page("openOrders", order), .completedOrders: page("completedOrders", fill),
        .fundings: page("fundings", funding), .marketData: .array(.object(price)), .token: .anything,
    ]

    /// The last page has no `last`.
    private static func page(_ list: String, _ row: [KnownField]) -> FieldShape {
        .object([
            KnownField(list, .array(.object(row))),
            KnownField("last", [.text, .null], isAlways: false),
        ])
    }

    private static let account = KnownFields(
        AccountFigure.knownFields(in: .documented, [.marketBalancesMap: .map(.object(market))]))

    private static let market = MarketFigure.knownFields(in: MarketMode(profile: .documented))

    /// What isolated positions show besides is our own server's.
    private static let position = PositionFigure.knownFields(in: .documented)

    /// The rows of all calls; `avgFillPrice` is not in the oldest, who asked and what reduces only in those
    /// of the stream.
    private static let order: [KnownField] =
        .list(
            """
            market orderId orderType tradeType price quantity filledQuantity leverage orderStatus
            clientRequestId
            """, .text)
        + .list("createdAt updatedAt", .number) + [KnownField("postOnly", .boolean)]
        + .list("avgFillPrice userId", .text, isAlways: false)
        + [KnownField("reduceOnly", .boolean, isAlways: false)]

    /// The time is `txCreated` in the older form.
    private static let fill: [KnownField] =
        .list(
            """
            market matchId orderId orderType executionType fillType price quantity tradeType fees triggerType
            triggerPrice transactionHash
            """, .text) + .list("filledAt txCreated", .number, isAlways: false)

    private static let funding: [KnownField] =
        .list("dataType market value rate indexPrice positionSize", .text)
        + [KnownField("txCreated", .number)]

    private static let price: [KnownField] =
        .list("market type index value", .text) + [KnownField("updatedAt", .number)]
}
