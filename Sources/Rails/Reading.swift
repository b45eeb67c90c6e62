import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension RailsVenue {
    /// The account as one statement, from the answer to `balances` and what of the others is there.
    ///
    /// Throws where that answer is missing or is not the venue's; every other oddity is drift. Positions are
    /// `net`, or the side that the answer to `positions` names, as the given form prints a short's size
    /// without a sign.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let reported = try ReportedAccount(answers)
        let markets = timeline.versions.last?.rules.table
        return [
            Statement(
                venue: Self.name, account: account, mode: "cross", takenAt: bodies.map(\.takenAt).max() ?? 0,
                bodies: bodies, figures: reported.figures,
                positions: reported.positionStatements { markets?.instrument($0)?.base ?? "" },
                drift: answers.drift(KnownShapes.shape))
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
    }

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
            position(market.name) != nil || market.row["positionQuantity"].cutNumber?.isZero != true
        }
        let others = (positions ?? []).map { $0["market"].text }.filter { name in
            !markets.contains { $0.name == name }
        }
        return shown.map { ($0.name, $0.row) } + others.map { ($0, nil) }
    }
}

extension [ReportedAnswer] {
    fileprivate func other(_ call: ReadingCall) -> ReportedObject? { other(call.rawValue) }
}

extension ReportedAccount {
    /// All in USD. What the account is worth with its open positions is in no field of the venue.
    fileprivate var figures: StatementFigures {
        StatementFigures([
            account.figure(.wallet, "totalBalance", unit: RailsVenue.money),
            account.figure(.available, "availableBalance", unit: RailsVenue.money),
            account.figure(.initialMargin, "margin", unit: RailsVenue.money),
            account.figure(.maintenanceMargin, "maintenanceMargin", unit: RailsVenue.money),
            account.figure(.leverage, "leverage", unit: "ratio"),
        ])
    }

    /// `baseAsset` gives the coin of a market; empty for one that nobody knows.
    fileprivate func positionStatements(_ baseAsset: (String) -> String) -> [PositionStatement] {
        marketsWithPositions.map { name, row in
            let position = position(name)
            var figures = StatementFigures()
            if let row {
                figures.set(row.figure(.quantity, "positionQuantity", unit: baseAsset(name)))
                figures.set(row.figure(.notional, "position", unit: RailsVenue.money))
                figures.set(row.figure(.liquidationPrice, "liquidationPrice", unit: RailsVenue.money))
                figures.set(row.figure(.initialMargin, "margin", unit: RailsVenue.money))
                figures.set(row.figure(.maintenanceMargin, "maintenanceMargin", unit: RailsVenue.money))
            } else if let position {
                figures.set(position.figure(.quantity, "quantity", unit: baseAsset(name)))
                figures.set(position.figure(.notional, "value", unit: RailsVenue.money))
                figures.set(position.figure(.liquidationPrice, "liquidationPrice", unit: RailsVenue.money))
            }
            if let position {
                figures.set(position.figure(.unrealisedProfit, "unrealizedPnl", unit: RailsVenue.money))
            }
            if let price = price(name) {
                figures.set(price.figure(.markPrice, "value", unit: RailsVenue.money))
            }
            return PositionStatement(instrument: name, side: position?.side ?? .net, figures: figures)
        }
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

/// What the venue is known to send, of all generations (sheet, sections 3 and 4.4).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        guard let call = ReadingCall(rawValue: call) else { return nil }
        return call == .balances && answer?["balances"] == nil ? .object(account) : shapes[call]
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .balances: .object([KnownField("balances", .object(account))]),
        .positions: .object([KnownField("positions", .array(.object(position)))]),
        .openOrders: .object([
            KnownField("openOrders", .array(.object(order))), KnownField("last", .text),
        ]),
        .marketData: .array(.object(price)),
        .token: .anything,
    ]

    /// The oldest form lacks `promoCredit` and fees of liquidation.
    private static let account = KnownFields(
        .list(
            """
            totalBalance availableBalance deposit withdraw withdrawFees fees pnl funding volume margin
            maintenanceMargin leverage
            """, .text)
            + [
                KnownField("promoCredit", .text, isAlways: false),
                KnownField("marketBalancesMap", .map(.object(market))),
            ])

    private static let market: [KnownField] =
        .list(
            """
            position positionQuantity liquidationPrice openBuy openBuyQty openSell openSellQty pnl
            positionPnl funding positionFunding volume fees margin maintenanceMargin
            """, .text) + [KnownField("liquidationFees", .text, isAlways: false)]

    private static let position: [KnownField] = .list(
        "market value quantity funding realizedPnl unrealizedPnl liquidationPrice type", .text)

    /// The documents name the list and not what is in it: these are our own server's fields.
    private static let order: [KnownField] =
        .list("orderId market side price quantity remainingQuantity", .text)
        + [
            KnownField("type", .text, isAlways: false),
            KnownField("reduceOnly", .boolean, isAlways: false),
            KnownField("createdAt", .number, isAlways: false),
        ]

    private static let price: [KnownField] =
        .list("market type index value", .text) + [KnownField("updatedAt", .number)]
}
