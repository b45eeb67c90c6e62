import JSON
import Ledger
import Numbers
import Venue

// Answers as statements: nothing worked out, every field under its own path.

extension CryptoComVenue {
    /// The account, and one statement of each sub-account that the answers hold, in the venue's order.
    ///
    /// Throws where the answer to `user-balance` is missing or is not the venue's; every other oddity is
    /// drift. An account that was never used may have no figures at all: all of them are absent then.
    public func statements(from bodies: [RecordedBody], account: String) throws(ReadingError) -> [Statement] {
        let answers = bodies.map(ReportedAnswer.init)
        let main = try ReportedAccount(answers)
        let subaccountAnswers = answers.filter { $0.body.call == ReadingCall.subaccountBalances.rawValue }
        let subaccounts = ReportedAccount.subaccounts(in: subaccountAnswers)
        let ownAnswers =
            subaccounts.isEmpty
            ? answers : answers.filter { $0.body.call != ReadingCall.subaccountBalances.rawValue }
        return [main.statement(of: account, ownAnswers, baseAsset: baseAsset)]
            + subaccounts.map { subaccount in
                subaccount.statement(
                    of: "\(account)/\(subaccount.account["account"].text)", subaccountAnswers,
                    baseAsset: baseAsset)
            }
    }

    /// The asset that an instrument follows, by the latest rules; empty for an instrument that they lack.
    private func baseAsset(of instrument: String) -> String {
        timeline.versions.last?.rules.instrument(instrument)?.terms.base ?? ""
    }
}

/// The answers that one account was read from, taken apart.
struct ReportedAccount {
    /// The account object; an empty one where the venue shows none.
    let account: ReportedObject
    /// Its `position_balances`.
    let rows: [ReportedObject]
    /// Its `isolated_positions`: account objects themselves.
    let isolated: [ReportedObject]
    /// Rows of the answer to `positions`; nil where it was not asked or not answered.
    let positions: [ReportedObject]?
    /// Rows of the answer to `open-orders`; nil where it was not asked or not answered.
    let orders: [ReportedObject]?
    /// Whose account it is by the answer to `accounts`; empty where it does not say.
    private let owner: String

    /// When the answers came in.
    let moments: (balance: Int64, positions: Int64, orders: Int64)

    private init(
        _ account: ReportedObject, positions: [ReportedObject]?, orders: [ReportedObject]?,
        owner: String = "",
        moments: (balance: Int64, positions: Int64, orders: Int64) = (0, 0, 0)
    ) {
        self.account = account
        rows = account.rows("position_balances")
        isolated = account.rows("isolated_positions")
        self.positions = positions
        self.orders = orders
        self.owner = owner
        self.moments = moments
    }

    /// The account of the key. Throws where the balance is missing or unreadable.
    init(_ answers: [ReportedAnswer]) throws(ReadingError) {
        let result = try answers.own(ReadingCall.userBalance.rawValue).object("result")
        guard let data = result.value["data"]?.elements, data.allSatisfy({ $0.kind == .object }) else {
            throw ReadingError(.unreadable, "The answer to user-balance is no balance of Crypto.com.")
        }
        self.init(
            result.rows("data").first
                ?? ReportedObject(.emptyObject, path: result.path(of: "data[0]")),
            positions: answers.rows(.positions), orders: answers.rows(.openOrders), owner: answers.owner,
            moments: (
                answers.moment(of: .userBalance), answers.moment(of: .positions),
                answers.moment(of: .openOrders)
            ))
    }

    /// What a statement was read from: the key's account, or the sub-account that it is named after.
    ///
    /// Nil where its bodies hold neither.
    init?(_ statement: Statement) {
        let answers = statement.bodies.map(ReportedAnswer.init)
        if let main = try? ReportedAccount(answers) {
            self = main
            return
        }
        let found = Self.subaccounts(in: answers)
            .first { statement.account.hasSuffix("/" + $0.account["account"].text) }
        guard let found else { return nil }
        self = found
    }

    /// The sub-accounts; none where the answer is missing or unreadable.
    static func subaccounts(in answers: [ReportedAnswer]) -> [ReportedAccount] {
        (answers.rows(.subaccountBalances) ?? []).map { ReportedAccount($0, positions: nil, orders: nil) }
    }

    /// The venue's uuid of the account: `account` of a sub-account, else `this_account` of `accounts`, else
    /// `account_id` of its positions and orders; nil where none tells, for the balance names no account.
    ///
    /// Our own server lists sub-accounts by their names in the ledger, which its uuids are made of.
    var identifier: String? {
        let name = account["account"].text
        if !name.isEmpty { return StableIdentifier.uuid(account: name) }
        return ([owner] + ((positions ?? []) + (orders ?? [])).map { $0["account_id"].text })
            .first { !$0.isEmpty }
    }

    /// Whether it is in the form recorded from the venue since 2024, rather than in the documented one.
    var isLive: Bool {
        account["total_risk_exposure"] != .absent
            || rows.contains { $0.value["collateral_eligible"]?.boolean != nil }
    }

    /// The position that an isolated margin account is of; nil where no answer tells.
    func position(of isolated: ReportedObject) -> ReportedObject? {
        positions?.first { $0["isolation_id"] == isolated["isolation_id"] && $0.isIsolated }
    }

    /// The margin account of an isolated position.
    func marginAccount(of position: ReportedObject) -> ReportedObject? {
        isolated.first { $0["isolation_id"] == position["isolation_id"] && position.isIsolated }
    }
}

extension [ReportedAnswer] {
    /// When the last answer to a call came in.
    fileprivate func moment(of call: ReadingCall) -> Int64 {
        last { $0.body.call == call.rawValue }?.body.takenAt ?? 0
    }

    /// The uuid of the account that `accounts` was asked for.
    fileprivate var owner: String {
        other(ReadingCall.accounts.rawValue)?.object("result").object("this_account")["uuid"].text ?? ""
    }

    /// The `data` of an answer; nil where there is none or it cannot be read.
    fileprivate func rows(_ call: ReadingCall) -> [ReportedObject]? {
        other(call.rawValue)?.object("result").list("data")
    }
}

extension ReportedObject {
    /// The instrument or asset that a row is about.
    var name: String { self["instrument_name"].text }

    /// Whether a position or order has a margin account of its own.
    var isIsolated: Bool {
        switch self["isolation_id"] {
        case .absent, .empty, .null: false
        case .number, .outOfRange, .other: true
        }
    }

    /// `collateral_eligible`: a boolean live, a text in the documents; nil for anything else.
    var isCollateral: Bool? {
        switch self["collateral_eligible"].text {
        case "true": true
        case "false": false
        default: nil
        }
    }

}

extension ReportedAccount {
    fileprivate func statement(
        of name: String, _ answers: [ReportedAnswer], baseAsset: (String) -> String
    ) -> Statement {
        let bodies = answers.map(\.body)
        return Statement(
            venue: CryptoComVenue.name, account: name, identifier: identifier, mode: "smart cross margin",
            takenAt: bodies.map(\.takenAt).max() ?? 0, bodies: bodies, figures: figures,
            assets: rows.map(statement(of:)), positions: positionStatements(baseAsset),
            drift: answers.drift(KnownShapes.shape), pools: pools, notes: notes,
            beside: isolated.compactMap { $0.commonOfIsolated[.wallet] })
    }

    /// The account with all of its pools, all in USD. The venue has no field for what that is worth: its
    /// margin balance leaves out what orders hold, what is kept back for fees, and isolated positions.
    private var figures: StatementFigures {
        let pools = [account.common] + isolated.map(\.commonOfIsolated)
        var figures = pools[0]
        for figure in [CommonFigure.wallet, .initialMargin, .maintenanceMargin] {
            let sum = ReportedFigure(figure, sumOf: pools.compactMap { $0[figure] }, unit: "USD")
            figures.set(gap(figure == .wallet ? "cash" : "margin").map(sum.lacking) ?? sum)
        }
        let unseenProfits = unseen.map {
            $0.figure(.unrealizedProfit, PositionFigure.sessionProfit.rawValue, unit: "USD")
        }
        figures.set(
            ReportedFigure(
                .unrealizedProfit, sumOf: pools.compactMap { $0[.unrealizedProfit] } + unseenProfits,
                unit: "USD"))
        for figure in [CommonFigure.equity, .equityUSD] {
            figures.set(
                gap("cash").map { ReportedFigure(figure, lacking: $0, unit: "USD") }
                    ?? Self.worth(figure, of: pools))
        }
        return figures
    }

    /// Cash and unrealized profit of margin accounts.
    private static func worth(_ figure: CommonFigure, of pools: [StatementFigures]) -> ReportedFigure {
        let parts = pools.flatMap { [$0[.wallet], $0[.unrealizedProfit]] }.compactMap { $0 }
        return ReportedFigure(figure, sumOf: parts, unit: "USD")
    }

    /// The isolated positions whose margin account is in no answer, each once.
    private var unseen: [ReportedObject] {
        var known: Set<ExactText> = []
        return (positions ?? []).filter { position in
            position.isIsolated && marginAccount(of: position) == nil
                && known.insert(ExactText(position["isolation_id"].text)).inserted
        }
    }

    /// Why something of all pools is not the answers' alone to tell; nil where it is.
    private func gap(_ missing: String) -> String? {
        unseen.first.map { position in
            "the \(missing) of the isolated position in \(position.name) is in no field of the answers"
        }
    }

    private var notes: [String] {
        guard account.value["isolated_positions"] == nil, positions == nil,
            account.value.members?.count ?? 0 > 0
        else { return [] }
        return [
            "The form of the answer has no field for isolated positions; the account is taken to have none."
        ]
    }

    private var pools: [MarginPool] {
        let shown =
            [("cross", account.common)]
            + isolated.map { account in
                let name = position(of: account)?.name ?? "isolation \(account["isolation_id"].text)"
                return (name, account.commonOfIsolated)
            }
        return shown.compactMap { name, figures in
            guard let equity = figures[.marginBalance], let maintenance = figures[.maintenanceMargin] else {
                return nil
            }
            return MarginPool(name: name, equity: equity, maintenance: maintenance)
        }
            + unseen.map { position in
                let lack = "the margin account of \(position.name) is in no field of the answers"
                return MarginPool(
                    name: position.name, equity: ReportedFigure(.marginBalance, lacking: lack, unit: "USD"),
                    maintenance: ReportedFigure(.maintenanceMargin, lacking: lack, unit: "USD"))
            }
    }

    /// What an isolated position's margin account shows of itself, all in USD.
    private static func figures(ofIsolated account: ReportedObject) -> StatementFigures {
        var figures = account.commonOfIsolated
        figures.set(worth(.equity, of: [figures]))
        return figures
    }

    /// The answers to `positions`, isolated ones with the figures of their margin account; margin accounts
    /// that no answer puts an instrument to come last, under their identifier.
    private func positionStatements(_ baseAsset: (String) -> String) -> [PositionStatement] {
        let known = (positions ?? []).map { row in
            var figures = marginAccount(of: row).map(Self.figures(ofIsolated:)) ?? StatementFigures()
            for figure in row.common(Layouts.position, in: (), coin: baseAsset(row.name))
            where figures[figure.figure] == nil {
                figures.set(figure)
            }
            if let position = RehostedPosition(row) {
                figures.set(
                    ReportedFigure(
                        .entryPrice, derived: position.openingPrice,
                        from: row.path(of: "open_pos_cost / quantity"), unit: "USD"))
                if let mark = position.mark {
                    figures.set(
                        ReportedFigure(
                            .markPrice, derived: mark, from: row.path(of: "(cost + session_pnl) / quantity"),
                            unit: "USD"))
                }
            }
            return PositionStatement(
                instrument: row.name, marginMode: row.isIsolated ? .isolated : .cross, figures: figures)
        }
        let others = isolated.filter { position(of: $0) == nil }.map { account in
            PositionStatement(
                instrument: "isolation \(account["isolation_id"].text)", marginMode: .isolated,
                figures: Self.figures(ofIsolated: account))
        }
        return known + others
    }

    /// A row of `position_balances`. Where its value is of a part of the quantity, because orders hold the
    /// rest, the price follows from that part, and what the whole is worth from the price.
    private func statement(of row: ReportedObject) -> AssetStatement {
        let name = row.name
        var figures = StatementFigures(
            row.common(AccountForm.ofAccount(.live).row, in: RowMode(profile: .live), coin: name))
        figures.set(row.figure(.wallet, RowFigure.quantity.rawValue, unit: name))
        let held = shownHeld(row)
        guard !held.isZero, let quantity = row["quantity"].truncatedNumber,
            let value = row["market_value"].truncatedNumber
        else {
            return AssetStatement(asset: name, figures: figures)
        }
        let free = try? quantity - held
        let price = free.flatMap { $0.isZero ? nil : try? value.over($0, rounding: .halfEven) }
        let worth = free.flatMap { free in
            free.isZero ? nil : try? value.times(quantity, over: free, rounding: .halfEven)
        }
        let part = "(\(row.path(of: "quantity")) − \(held) held by orders)"
        if name != CryptoComRules.usd {
            figures.set(
                ReportedFigure(
                    .index, derived: price, from: "\(row.path(of: "market_value")) / \(part)", unit: "USD"))
        }
        figures.set(
            ReportedFigure(
                .equityUSD, derived: name == CryptoComRules.usd ? quantity : worth,
                from: "\(row.path(of: "market_value")) × \(row.path(of: "quantity")) / \(part)", unit: "USD"))
        return AssetStatement(asset: name, figures: figures)
    }
}

extension ReportedObject {
    /// What has a name at every venue of the fields of an object.
    fileprivate func common<Figure: FigureKey>(
        _ layout: FigureLayout<Figure>, in mode: Figure.Mode, coin: String = ""
    ) -> [ReportedFigure] {
        commonFigures(of: layout, in: mode) { $0 == FigureFacts.coin ? coin : $0 }
    }

    /// The same of an account object's own, all in USD.
    fileprivate var common: StatementFigures {
        StatementFigures(common(Layouts.knownAccount, in: AccountMode(profile: .live)))
    }

    /// The same of an isolated position's margin account.
    fileprivate var commonOfIsolated: StatementFigures {
        StatementFigures(common(Layouts.knownIsolated, in: IsolatedMode(profile: .live)))
    }
}

/// What the venue is known to send, in both forms (Crypto.com Exchange API documentation,
/// private/user-balance).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .userBalance: envelope(account),
        .subaccountBalances: envelope([KnownField("account", .text)] + account),
        .positions: envelope(position), .openOrders: envelope(order),
    ]

    /// Codes and ids are numbers live and texts in the newer documents.
    private static func envelope(_ row: [KnownField]) -> FieldShape {
        .object(
            .list("id code", [.number, .text]) + [
                KnownField("method", .text),
                KnownField("result", .object([KnownField("data", .array(.object(row)))])),
            ])
    }

    /// Of the newer form, and what only the venue's answers have.
    private static let account: [KnownField] =
        Layouts.knownAccount.knownFields([
            .rows: .array(row), .creditLimits: .array(.anything), .isolatedPositions: .array(isolated),
        ]) + others

    private static let isolated = FieldShape.object(
        Layouts.knownIsolated.knownFields([.rows: .array(row), .creditLimits: .array(.anything)]) + others)

    private static let others = [KnownField("margin_score", .text, isAlways: false)]

    private static let row = FieldShape.object(
        AccountForm.ofAccount(.live).row.knownFields([.isCollateral: .value([.text, .boolean])]))

    private static let position = Layouts.position.knownFields([.updated: .value(.number)])

    private static let order: [KnownField] =
        .list("instrument_name side quantity cumulative_quantity", .text)
        + .list(
            """
            account_id order_id client_oid order_type time_in_force limit_price order_value maker_fee_rate
            taker_fee_rate avg_price cumulative_value cumulative_fee status update_user_id order_date
            create_time_ns fee_instrument_name isolation_id isolation_type leverage ref_price ref_price_type
            trigger_price trigger_price_type stp_scope stp_inst stp_id
            """, .text, isAlways: false)
        + .list("create_time update_time", .number, isAlways: false)
        + [
            KnownField("exec_inst", .array(.value(.text)), isAlways: false),
            KnownField("reason", [.number, .text], isAlways: false),
        ]
}
