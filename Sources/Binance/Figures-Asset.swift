import JSON
import Ledger
import Numbers
import Venue

/// The figures of an asset row: the fields of `assets` in their order, then what they rest on.
///
/// Amounts are in the asset unless said otherwise.
enum AssetFigure: String, FigureKey {
    typealias Number = ExactDecimal

    case asset, walletBalance, unrealizedProfit, marginBalance, maintMargin, initialMargin
    case positionInitialMargin, openOrderInitialMargin, crossWalletBalance, crossUnPnl, availableBalance
    case maxWithdrawAmount, marginAvailable, updateTime
    // Not in the row.
    case unflooredAvailable, bidRate, askRate, autoExchangeBidRate, autoExchangeAskRate
    // What liquidation is judged by.
    case crossMarginBalance, crossMaintMargin
    // What is given.
    case index, bidBuffer, askBuffer, autoExchangeBidBuffer, autoExchangeAskBuffer
}

/// What decides which words hold of an asset.
struct AssetRowMode {
    var isMultiAssets = true
    /// Whether it counts as margin.
    var isMargin = true
    /// Whether that was set by hand.
    var isMarginSet = false
    var hasIsolatedPositions = false
    /// Whether less than nothing is free.
    var isShort = false

    /// Whether it belongs to the one pool of multi-assets mode.
    var isPooled: Bool { isMultiAssets && isMargin }
}

/// An asset of an account.
final class AssetRow: FigureTable<AssetFigure> {
    let asset: String
    /// Nil for an asset that the rulebook does not know.
    private let rules: AssetRules?
    unowned var account: AccountFigures?
    /// The positions whose margin is in it; nil where no answer tells.
    private(set) var positions: [PositionRow]? = []
    /// Those that share its wallet.
    private(set) var cross: [PositionRow] = []
    /// Those with a wallet of their own.
    private(set) var isolated: [PositionRow] = []
    /// Whether all its amounts are 0.
    var isEmpty = false
    /// What the rates of a venue's answer are, in multi-assets mode.
    var rates: ReportedRates?
    /// Where an answer has it.
    var reportedObject: ReportedObject?
    private var isOfLedger = false
    private var holding: Holding?
    private var indexedAt: LedgerTime?

    override func value(of figure: AssetFigure) throws -> ExactDecimal {
        switch figure {
        case .walletBalance: try self[.crossWalletBalance] + sum(.isolatedWallet, of: isolated)
        case .unrealizedProfit, .maintMargin, .positionInitialMargin, .openOrderInitialMargin:
            try sum(figure.ofPositions, of: positions)
        case .marginBalance: try self[.walletBalance] + self[.unrealizedProfit]
        case .initialMargin: try self[.positionInitialMargin] + self[.openOrderInitialMargin]
        case .crossWalletBalance: try flows() - sum(.isolatedWallet, of: isolated)
        case .crossUnPnl: try sum(.unrealizedProfit, of: cross)
        case .availableBalance where mode.isPooled: try shareOfPool()
        case .availableBalance: try max(.zero, self[.unflooredAvailable])
        case .maxWithdrawAmount where mode.isPooled:
            try max(.zero, min(self[.walletBalance], self[.availableBalance]))
        case .maxWithdrawAmount:
            try max(
                .zero,
                min(
                    self[.crossWalletBalance] - sum(.openOrderInitialMargin, of: isolated)
                        - sum(.maintMargin, of: cross),
                    self[.unflooredAvailable]))
        case .marginAvailable: isMargin()
        case .updateTime: try latestChange()

        case .unflooredAvailable:
            try self[.crossWalletBalance] + self[.crossUnPnl] - sum(.initialMargin, of: cross)
                - sum(.openOrderInitialMargin, of: isolated)
        case .bidRate: try cut(self[.index], times: .one - self[.bidBuffer])
        case .askRate: try cut(self[.index], times: .one + self[.askBuffer])
        case .autoExchangeBidRate: try cut(self[.index], times: .one - self[.autoExchangeBidBuffer])
        case .autoExchangeAskRate: try cut(self[.index], times: .one + self[.autoExchangeAskBuffer])
        case .crossMarginBalance: try self[.crossWalletBalance] + self[.crossUnPnl]
        case .crossMaintMargin: try sum(.maintMargin, of: cross)

        case .index: throw rules == nil ? gap(figure) : FigureError.priceMissing(asset)
        case .bidBuffer: try rules.orThrow(gap(figure)).bidBuffer
        case .askBuffer: try rules.orThrow(gap(figure)).askBuffer
        case .autoExchangeBidBuffer: try rules.orThrow(gap(figure)).autoExchangeBidBuffer
        case .autoExchangeAskBuffer: try rules.orThrow(gap(figure)).autoExchangeAskBuffer
        case .asset: throw gap(figure)
        }
    }

    override func isThere(_ figure: AssetFigure) -> Bool {
        switch figure {
        case .unflooredAvailable: !mode.isPooled
        case .bidRate, .askRate: mode.isMultiAssets
        default: true
        }
    }

    private func sum(_ figure: PositionFigure, of rows: [PositionRow]?) throws -> ExactDecimal {
        guard let rows, positions != nil else { throw FigureGap.notGiven("positions of \(asset)") }
        return try rows.sum(figure)
    }

    private func cut(_ first: ExactDecimal, times second: ExactDecimal) throws -> ExactDecimal {
        try first.times(second, places: BinanceFigures.places, rounding: .towardZero)
    }

    /// The account's pool in this asset; 0 where that is worth nothing, so that nothing could be had in it.
    private func shareOfPool() throws -> ExactDecimal {
        guard let account else { throw gap(.availableBalance) }
        let (available, ask) = try (account[.availableBalance], self[.askRate])
        return ask.isZero
            ? .zero : try available.over(ask, places: BinanceFigures.places, rounding: .towardZero)
    }

    /// A balance or profit in USD: at the bid rate, at the ask rate where it is negative; cut.
    func value(_ amount: ExactDecimal) throws -> ExactDecimal {
        try cut(amount, times: self[amount.isNegative ? .askRate : .bidRate])
    }

    /// A margin in USD: at the ask rate; cut.
    func requirement(_ margin: ExactDecimal) throws -> ExactDecimal {
        try cut(margin, times: self[.askRate])
    }

    /// All that ever moved the asset; what other venues have besides only where there is some of it.
    private func flows() throws -> ExactDecimal {
        guard isOfLedger else { throw gap(.crossWalletBalance) }
        let flows = holding?.flows ?? Flows()
        let usual = [
            ("deposits", flows.deposited), ("withdrawals", flows.withdrawn),
            ("transfers received less sent", flows.transferred), ("realized profit", flows.realised),
            ("funding received less paid", flows.funding), ("commission", flows.tradingFees),
        ]
        let others = [
            ("fees of withdrawals", flows.withdrawalFees),
            ("auto-exchanges received less given", flows.exchanged),
            ("borrowed less repaid", flows.borrowed), ("interest paid", flows.interestPaid),
            ("wallets of imported positions", flows.imported),
        ]
        for (name, amount) in usual + others.filter({ !$0.1.isZero }) {
            note(Explanation.Input(name, amount, .ledger))
        }
        return try flows.total()
    }

    private func isMargin() -> ExactDecimal {
        note(
            Explanation.Input(
                "marginAvailable of \(asset)", mode.isMargin.description,
                mode.isMarginSet ? .overridden : .rule))
        return mode.isMargin ? .one : .zero
    }

    private func latestChange() throws -> ExactDecimal {
        var latest = ExactDecimal.zero
        if let milliseconds = holding?.updatedAt.milliseconds {
            note(Explanation.Input("last change of the wallet", "\(milliseconds)", .ledger))
            latest = ExactDecimal(Int(milliseconds))
        }
        for row in positions ?? [] { latest = try max(latest, row[.updateTime]) }
        return latest
    }

    // MARK: - As an object

    override var path: String { "assets.\(asset)." }
    override var name: String { asset }

    override func path(of figure: AssetFigure, isPrinted: Bool) -> String {
        (figure.isRate ? "assetIndex.\(asset)USD." : path) + figure.rawValue
    }

    override func name(of input: AssetFigure, _ words: String) -> String {
        input == .index ? BinanceFigures.indexName(asset, indexedAt) : words
    }

    /// An asset without any amount yet.
    init(_ asset: String, _ rules: AssetRules?, _ mode: AssetRowMode, in book: FigureBook) {
        self.asset = asset
        self.rules = rules
        super.init(book, mode, Layouts.asset)
    }

    /// Takes the positions whose margin is in it; nil where no answer tells.
    func take(_ positions: [PositionRow]?) {
        self.positions = positions
        cross = positions?.filter { $0.mode.marginMode == .cross } ?? []
        isolated = positions?.filter { $0.mode.marginMode == .isolated } ?? []
        mode.hasIsolatedPositions = !isolated.isEmpty
    }
}

extension AssetFigure {
    static let choices = Source.ours

    /// Whether it is told by the asset index, and not by the account.
    var isRate: Bool { self == .bidRate || self == .askRate }

    /// The figure of the positions that it is the sum of.
    fileprivate var ofPositions: PositionFigure {
        switch self {
        case .maintMargin: .maintMargin
        case .positionInitialMargin: .positionInitialMargin
        case .openOrderInitialMargin: .openOrderInitialMargin
        default: .unrealizedProfit
        }
    }

    func facts(in mode: AssetRowMode) -> FigureFacts? {
        balances(in: mode) ?? available(in: mode) ?? rates ?? input
    }

    private func balances(in mode: AssetRowMode) -> FigureFacts? {
        // That isolated positions are in these sums is inferred.
        let sums: Explanation.Status = mode.hasIsolatedPositions ? .choice : .exact
        func sum(_ common: CommonFigure? = nil, signed isSigned: Bool = false) -> FigureFacts {
            .asset(
                "Σ \(rawValue) of its positions, isolated ones included", signed: isSigned, status: sums,
                common: common)
        }
        return switch self {
        case .asset: .other("the asset", from: Source.given)
        case .walletBalance:
            .asset(
                "crossWalletBalance + Σ isolatedWallet of isolated positions", from: Source.balances,
                common: .wallet)
        case .unrealizedProfit: sum(.unrealizedProfit, signed: true)
        case .marginBalance:
            .asset("walletBalance + unrealizedProfit", from: Source.balances, common: .equity)
        case .maintMargin: sum(.maintenanceMargin)
        case .initialMargin:
            .asset(
                "positionInitialMargin + openOrderInitialMargin", signed: false, common: .initialMargin)
        case .positionInitialMargin, .openOrderInitialMargin: sum()
        case .crossWalletBalance:
            .asset(
                "deposits − withdrawals and their fees + transfers + realized profit + funding − commission "
                    + "+ auto-exchanges − Σ isolatedWallet of isolated positions", from: Source.balances)
        case .crossUnPnl: .asset("Σ unrealizedProfit of cross positions")
        case .marginAvailable where mode.isMultiAssets:
            .asset(
                mode.isMarginSet ? "as raised by hand" : "the asset's rule", unit: "none", signed: false,
                form: .flag, style: .flag, isAlwaysThere: false)
        case .updateTime:
            .asset(
                "latest change of the wallet and of its positions, in milliseconds; 0 for never",
                unit: "milliseconds", signed: false, form: .stored(0), style: .number)
        default: nil
        }
    }

    private func available(in mode: AssetRowMode) -> FigureFacts? {
        switch self {
        case .availableBalance where mode.isPooled:
            .asset(
                "availableBalance of the account ÷ askRate: the same pool in every row; 0 where askRate is 0",
                signed: false, rounding: BinanceFigures.cutWords, from: Source.multiAssets,
                common: .available)
        case .availableBalance:
            .asset(
                "max(0, unflooredAvailable)", signed: false, status: mode.isShort ? .choice : .exact,
                from: Source.balances, common: .available)
        case .maxWithdrawAmount where mode.isPooled:
            .asset(
                "max(0, min(walletBalance, availableBalance of the row))", signed: false, status: .choice,
                from: Source.ours, common: .withdrawable)
        case .maxWithdrawAmount:
            .asset(
                "max(0, min(crossWalletBalance − Σ openOrderInitialMargin of isolated positions "
                    + "− Σ maintMargin of cross positions, unflooredAvailable))", signed: false,
                status: .choice,
                from: Source.ours, common: .withdrawable)
        case .unflooredAvailable:
            .asset(
                "crossWalletBalance + crossUnPnl − Σ initialMargin of cross positions "
                    + "− Σ openOrderInitialMargin of isolated positions", at: .beside, from: Source.balances)
        case .crossMarginBalance: .asset("crossWalletBalance + crossUnPnl", at: .judged)
        case .crossMaintMargin: .asset("Σ maintMargin of cross positions", at: .judged)
        default: nil
        }
    }

    private var rates: FigureFacts? {
        func rate(_ place: FigureFacts.Place, _ formula: String) -> FigureFacts {
            .asset(
                formula, at: place, unit: "USD", signed: false, rounding: BinanceFigures.cutWords,
                from: Source.index)
        }
        return switch self {
        case .bidRate: rate(.beside, "index × (1 − bidBuffer)")
        case .askRate: rate(.beside, "index × (1 + askBuffer)")
        case .autoExchangeBidRate: rate(.judged, "index × (1 − autoExchangeBidBuffer)")
        case .autoExchangeAskRate: rate(.judged, "index × (1 + autoExchangeAskBuffer)")
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .index:
            FigureFacts(.input(.price), "index", "USD", form: .cut(8), style: .padded(8), common: .index)
        case .bidBuffer, .askBuffer, .autoExchangeBidBuffer, .autoExchangeAskBuffer:
            FigureFacts(.input(.rule), rawValue, "ratio", style: .padded(8))
        default: nil
        }
    }
}

extension FigureFacts {
    /// A figure of an asset row: an amount of 8 places.
    fileprivate static func asset(
        _ formula: String, at place: Place? = nil, unit: String = coin, signed isSigned: Bool = true,
        form: PrintForm = .stored(8), style: FigureStyle = .padded(8), rounding: String? = nil,
        status: Explanation.Status = .exact, from source: String = Source.given,
        common: CommonFigure? = nil, isAlwaysThere: Bool = true
    ) -> FigureFacts {
        FigureFacts(
            place ?? .shown(isAlwaysThere: isAlwaysThere), formula, unit, signed: isSigned, form: form,
            leeway: 1, style: style, rounding: rounding, status: status, from: source, common: common)
    }
}

extension Optional where Wrapped == AssetRules {
    fileprivate func orThrow(_ error: FigureGap) throws -> AssetRules {
        guard let self else { throw error }
        return self
    }
}

// MARK: - Of the ledger

extension AssetRow {
    /// What an asset converts at; no account's.
    convenience init(_ rules: AssetRules, _ market: ValuationPrices, in book: FigureBook = FigureBook()) {
        self.init(rules.name, rules, AssetRowMode(), in: book)
        takeIndex(market)
    }

    /// An asset of an account of the ledger.
    convenience init(
        _ rules: AssetRules, _ mode: AssetRowMode, _ holding: Holding?, _ positions: [PositionRow],
        _ market: ValuationPrices, in account: AccountFigures
    ) {
        self.init(rules.name, rules, mode, in: account.book)
        self.account = account
        self.holding = holding
        isOfLedger = true
        isEmpty = positions.isEmpty && holding?.cash.isZero != false
        give(.crossWalletBalance, holding?.cash ?? .zero)
        if !positions.isEmpty { take(positions) }
        if mode.isMultiAssets { takeIndex(market) }
    }

    private func takeIndex(_ market: ValuationPrices) {
        if let given = market.prices.index[asset] {
            indexedAt = given.at
            give(.index, given.price)
        } else if let reference = market.reference[asset] {
            give(.index, reference)
        }
    }

    /// A row with some numbers, for what others would come to.
    convenience init(_ numbers: [AssetFigure: ExactDecimal], in account: AccountFigures? = nil) {
        self.init("", nil, AssetRowMode(), in: account?.book ?? FigureBook())
        self.account = account
        for (figure, number) in numbers { give(figure, number) }
    }
}
