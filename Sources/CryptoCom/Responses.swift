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

    /// When the answers came in.
    let moments: (balance: Int64, positions: Int64, orders: Int64)

    private init(
        _ account: ReportedObject, positions: [ReportedObject]?, orders: [ReportedObject]?,
        moments: (balance: Int64, positions: Int64, orders: Int64) = (0, 0, 0)
    ) {
        self.account = account
        rows = account.rows("position_balances")
        isolated = account.rows("isolated_positions")
        self.positions = positions
        self.orders = orders
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
            positions: answers.rows(.positions), orders: answers.rows(.openOrders),
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

    /// The venue's uuid of the account: `account` of a sub-account, else `account_id` of its positions and
    /// orders; nil where there are none, for the balance names no account.
    var identifier: String? {
        ([account["account"]] + ((positions ?? []) + (orders ?? [])).map { $0["account_id"] })
            .lazy.map(\.text).first { !$0.isEmpty }
    }

    /// Whether it is in the form recorded from the venue since 2024, rather than that of the given documents.
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
        case .number, .unheld, .other: true
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
            beside: isolated.map { $0.figure(.wallet, "total_cash_balance", unit: CryptoComRules.usd) })
    }

    /// The account with all of its pools, all in USD. The venue has no field for what that is worth: its
    /// margin balance leaves out what orders hold, what is kept back for fees, and isolated positions.
    private var figures: StatementFigures {
        let all = [account] + isolated
        func sum(_ figure: CommonFigure, _ field: String) -> ReportedFigure {
            ReportedFigure(figure, sumOf: all.map { $0.figure(figure, field, unit: "USD") }, unit: "USD")
        }
        func worth(_ figure: CommonFigure) -> ReportedFigure {
            if let gap { return ReportedFigure(figure, lacking: gap, unit: "USD") }
            return Self.worth(figure, of: all)
        }
        return StatementFigures([
            worth(.equity), account.figure(.marginBalance, "total_margin_balance", unit: "USD"),
            sum(.wallet, "total_cash_balance"),
            account.figure(.available, "total_available_balance", unit: "USD"),
            sum(.initialMargin, "total_initial_margin"), sum(.maintenanceMargin, "total_maintenance_margin"),
            account.figure(.leverage, "total_effective_leverage", unit: "ratio"),
            sum(.unrealizedProfit, "total_session_unrealized_pnl"),
            account.figure(.collateral, "total_collateral_value", unit: "USD"),
            account.figure(.debt, "total_borrow", unit: "USD"), worth(.equityUSD),
        ])
    }

    /// Cash and unrealised profit of margin accounts.
    private static func worth(_ figure: CommonFigure, of accounts: [ReportedObject]) -> ReportedFigure {
        ReportedFigure(
            figure,
            sumOf: accounts.flatMap { account in
                ["total_cash_balance", "total_session_unrealized_pnl"].map {
                    account.figure(figure, $0, unit: "USD")
                }
            }, unit: "USD")
    }

    /// The isolated positions whose margin account is in no answer.
    private var unseen: [ReportedObject] {
        (positions ?? []).filter { $0.isIsolated && marginAccount(of: $0) == nil }
    }

    /// Why the answers do not come to what the account is worth; nil where they do.
    private var gap: String? {
        unseen.first.map { position in
            "the cash of the isolated position in \(position.name) is in no field of the answers"
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
        ([("cross", account)]
            + isolated.map { account in
                (position(of: account)?.name ?? "isolation \(account["isolation_id"].text)", account)
            }).map { name, account in
                MarginPool(
                    name: name, equity: account.figure(.marginBalance, "total_margin_balance", unit: "USD"),
                    maintenance: account.figure(
                        .maintenanceMargin, "total_maintenance_margin", unit: "USD"))
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
        StatementFigures([
            worth(.equity, of: [account]),
            account.figure(.marginBalance, "total_margin_balance", unit: "USD"),
            account.figure(.wallet, "total_cash_balance", unit: "USD"),
            account.figure(.available, "total_available_balance", unit: "USD"),
            account.figure(.initialMargin, "total_initial_margin", unit: "USD"),
            account.figure(.maintenanceMargin, "total_maintenance_margin", unit: "USD"),
            account.figure(.unrealizedProfit, "total_session_unrealized_pnl", unit: "USD"),
            account.figure(.debt, "total_borrow", unit: "USD"),
            account.figure(.leverage, "leverage", unit: "ratio"),
        ])
    }

    /// The answers to `positions`, isolated ones with the figures of their margin account; margin accounts
    /// that no answer puts an instrument to come last, under their identifier.
    private func positionStatements(_ baseAsset: (String) -> String) -> [PositionStatement] {
        let known = (positions ?? []).map { row in
            var figures = marginAccount(of: row).map(Self.figures(ofIsolated:)) ?? StatementFigures()
            if figures.all.isEmpty { figures.set(row.figure(.unrealizedProfit, "session_pnl", unit: "USD")) }
            figures.set(row.figure(.quantity, "quantity", unit: baseAsset(row.name)))
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
        var figures = StatementFigures([
            row.figure(.equity, "quantity", unit: name), row.figure(.wallet, "quantity", unit: name),
            row.figure(.withdrawable, "max_withdrawal_balance", unit: name),
            row.figure(.collateral, "collateral_amount", unit: "USD"),
            row.figure(.equityUSD, "market_value", unit: "USD"),
        ])
        let held = shownHeld(row)
        guard !held.isZero, let quantity = row["quantity"].number, let value = row["market_value"].number
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

/// What the venue is known to send, in both forms (Crypto.com Exchange API documentation,
/// private/user-balance).
private enum KnownShapes {
    static func shape(of call: String, _ answer: JSONText?) -> FieldShape? {
        ReadingCall(rawValue: call).flatMap { shapes[$0] }
    }

    private static let shapes: [ReadingCall: FieldShape] = [
        .userBalance: envelope(account + nested),
        .subaccountBalances: envelope([KnownField("account", .text)] + account + nested),
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

    /// Those that came after the given documents are in the live form only.
    private static let account: [KnownField] =
        .list(
            """
            total_available_balance total_margin_balance total_initial_margin total_maintenance_margin
            total_position_cost total_cash_balance total_collateral_value total_session_unrealized_pnl
            total_session_realized_pnl instrument_name total_effective_leverage position_limit
            used_position_limit
            """, .text)
        + .list(
            "total_position_im total_haircut total_risk_exposure total_borrow margin_score", .text,
            isAlways: false)
        + .list("has_risk terminatable", .boolean, isAlways: false)
        + [
            KnownField("is_liquidating", .boolean),
            KnownField("position_balances", .array(.object(row))),
            KnownField("credit_limits", .array(.anything), isAlways: false),
        ]

    private static let nested: [KnownField] = [
        KnownField("total_isolated_cash_balance", .text, isAlways: false),
        KnownField(
            "isolated_positions",
            .array(.object(account + .list("isolation_id leverage isolation_type", .text))), isAlways: false),
    ]

    private static let row: [KnownField] =
        .list(
            "instrument_name quantity market_value haircut collateral_amount max_withdrawal_balance", .text)
        + .list("reserved_qty hourly_interest_rate", .text, isAlways: false)
        + [KnownField("collateral_eligible", [.text, .boolean])]

    private static let position: [KnownField] =
        .list("account_id quantity cost open_position_pnl open_pos_cost session_pnl instrument_name", .text)
        + .list("type isolation_id isolation_type", .text, isAlways: false)
        + [KnownField("update_timestamp_ms", .number)]

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
