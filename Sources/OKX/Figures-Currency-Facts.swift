import Venue

// What is said about the figures of a currency.

extension CurrencyFigure {
    static let source = Source.recorded

    /// The fields of a row of the balance. The others are recorded of the `account` channel alone.
    static let balance = fields.filter { !$0.isPushedOnly }

    /// The fields of a row, in their order.
    static let fields = allCases.filter(\.isField)

    /// Whether it is a field of a row.
    var isField: Bool { index <= CurrencyFigure.uplLiab.index }

    /// Whether only a stream shows it.
    var isPushedOnly: Bool { self == .autoLendAmt || self == .autoStakingStatus || self == .coinUsdPrice }

    /// Whether it is cost or profit of spot trades.
    var isOfTrades: Bool {
        switch self {
        case .spotBal, .openAvgPx, .accAvgPx, .spotUpl, .spotUplRatio, .totalPnl, .totalPnlRatio: true
        default: false
        }
    }

    /// Whether it is 0 of a currency that is held and nothing else: no positions, orders, reserves or debts.
    var isOfUse: Bool {
        switch self {
        case .upl, .isoUpl, .isoEq, .ordFrozen, .frozenBal, .imr, .mmr, .notionalLever, .crossLiab, .isoLiab,
            .liab,
            .uplLiab, .borrowFroz, .maxSpotInUse, .spotInUseAmt, .crossUpl, .inUse, .spotOrders,
            .isolatedOrders,
            .crossOrders, .orderFees, .liquidationFees, .positionNotional, .potentialBorrowing,
            .potentialBorrowingUsd:
            true
        default: false
        }
    }

    /// What a stream calls it.
    var pushedName: String { self == .maxSpotInUse ? "maxSpotInUseAmt" : rawValue }

    /// The modes in which the row has a value; "" stands in the others.
    ///
    /// The table of applicable fields of Get balance decides. Fields only in its prose follow that.
    /// Exceptions are those of the recordings: `twap` and `spotIsoBal` are "0" where the table leaves them
    /// out, and `collateralEnabled` is a boolean everywhere.
    var modes: ModeSet {
        switch self {
        case .disEq, .liab, .crossLiab, .interest, .maxLoan, .borrowFroz, .frpType:
            [.spot, .multi, .portfolio]
        case .isoEq, .availEq, .upl, .isoUpl: [.futures, .multi, .portfolio]
        case .uplLiab, .isoLiab: [.multi, .portfolio]
        case .mgnRatio, .notionalLever, .imr, .mmr: .futures
        case .spotInUseAmt, .clSpotInUseAmt, .maxSpotInUse: .portfolio
        default: .all
        }
    }

    func facts(in mode: CurrencyMode) -> FigureFacts? {
        let facts =
            ledger ?? equity(in: mode) ?? use(in: mode)
            ?? (mode.account == .futures ? pool : debt(in: mode)) ?? spotTrades ?? state(in: mode) ?? input
        return facts.map {
            $0.isShown && !modes.contains(ModeSet(mode.account)) ? $0.besideTheAnswer : $0
        }
    }

    private var ledger: FigureFacts? {
        switch self {
        case .cashBal:
            field(
                "what the account's events have moved, less isolated margin and funds of strategies",
                signed: true, common: .wallet)
        case .stgyEq: reserved(.strategy, .exact)
        case .fixedBal: reserved(.fixed)
        case .smtSyncEq: reserved(.smartSync, isAlwaysThere: false)
        case .spotCopyTradingEq: reserved(.copyTrading, isAlwaysThere: false)
        case .spotIsoBal: reserved(.copyTradingIsolated)
        case .rewardBal: field("trial funds credited for reward; outside equity", .choice)
        case .interest: field("interest accrued and not yet paid", from: Source.given)
        default: nil
        }
    }

    private func reserved(
        _ purpose: ReservePurpose, _ certainty: Explanation.Status = .choice, isAlwaysThere: Bool = true
    ) -> FigureFacts {
        field("funds reserved for \(purpose.rawValue)", certainty, isAlwaysThere: isAlwaysThere)
    }

    private func equity(in mode: CurrencyMode) -> FigureFacts? {
        let isSpot = mode.account == .spot
        return switch self {
        case .eq:
            field(
                "cashBal\(isSpot ? "" : " + cross upl + isoEq") + stgyEq"
                    + (mode.account.lends ? " − interest" : "") + (isSpot ? " − principal borrowed" : ""),
                signed: true, common: .equity)
        case .eqUsd: field("eq × index price", unit: "USD", signed: true, common: .equityUSD)
        case .coinUsdPrice: field("index price", unit: "USD", common: .index, isAlwaysThere: false)
        case .crossUpl: hidden("Σ upl of the currency's cross positions", signed: true, from: Source.given)
        case .isoUpl: field("Σ upl of the currency's isolated positions", signed: true)
        case .upl: field("cross upl + isoUpl, at mark prices", signed: true, common: .unrealizedProfit)
        case .isoEq: field("margin of isolated positions + isoUpl", signed: true)
        case .disEq where !mode.borrows:
            field(
                "eqUsd: nothing is discounted while borrowing is off", unit: "USD", signed: true,
                common: .collateral)
        case .disEq:
            field(
                "eq − isoEq, each tier's part × the tier's discountRate, in USD; a choice: undiscounted "
                    + "below 0, and 0 above it where collateral is off", unit: "USD", signed: true,
                from: Source.discount, common: .collateral)
        default: nil
        }
    }

    /// What is in use, and what is free.
    private func use(in mode: CurrencyMode) -> FigureFacts? {
        let isSpot = mode.account == .spot
        let isPool = mode.account == .futures
        let upl = isSpot ? "" : " + cross upl"
        return switch self {
        case .ordFrozen:
            field(
                "open spot orders\(isSpot ? "" : " + margin of isolated orders")"
                    + (isPool ? " + margin of cross orders" : ""), .choice,
                from: Source.given)
        case .spotOrders: hidden("Σ of what open spot orders of the currency would pay", from: Source.given)
        case .isolatedOrders: hidden("Σ margin of isolated orders settled in the currency", .choice)
        case .inUse:
            hidden(
                "\(isPool ? "imr + " : "")ordFrozen\(isSpot ? "" : " + order fees")"
                    + " + funds reserved within cash", from: Source.recorded)
        case .orderFees where !isSpot:
            hidden(
                "Σ taker fee of \(isPool ? "" : "isolated ")orders of contracts settled in the currency",
                isPool ? .exact : .choice, from: isPool ? Source.recorded : Source.ours)
        case .frozenBal: field("in use\(isSpot ? "" : " + isoEq") + stgyEq", signed: true)
        case .availEq: field("max(0, cashBal\(upl) − in use)", common: isSpot ? nil : .available)
        case .availBal:
            field(
                "max(0, cashBal − \(isSpot ? "in use" : "(in use − min(0, cross upl))"))",
                common: isSpot ? .available : nil)
        default: nil
        }
    }

    /// Futures mode's pools.
    private var pool: FigureFacts? {
        switch self {
        case .imr:
            field("Σ imr of the currency's cross positions", from: Source.futures, common: .initialMargin)
        case .mmr:
            field("Σ mmr of the currency's cross positions", from: Source.futures, common: .maintenanceMargin)
        case .liquidationFees:
            hidden("Σ liquidation fee of the currency's cross positions", from: Source.futures)
        case .positionNotional: hidden("Σ |notional| of the currency's cross positions", from: Source.futures)
        case .crossOrders: hidden("Σ margin of cross orders settled in the currency", .choice)
        case .notionalLever:
            field(
                "value of cross positions ÷ (cashBal + cross upl); a choice: \"\" where that is not above 0",
                unit: "ratio", from: Source.futures, common: .leverage)
        case .mgnRatio:
            field(
                "(cashBal + cross upl − spot orders − isolated orders − order fees) ÷ (mmr + liquidation "
                    + "fees); \"\" where that is 0", unit: "ratio", signed: true, from: Source.futures,
                common: .marginRatio)
        default: nil
        }
    }

    /// Debts, and what may be borrowed.
    private func debt(in mode: CurrencyMode) -> FigureFacts? {
        let isSpot = mode.account == .spot
        let loans = isSpot ? Source.spotMode : Source.multi
        return switch self {
        case .crossLiab:
            field("|min(0, eq)|\(isSpot ? ", at least principal borrowed + interest" : "")", from: loans)
        case .isoLiab:
            field("Σ of what isolated margin positions owe of the currency", from: Source.positions)
        case .liab: field("crossLiab\(isSpot ? "" : " + isoLiab")", from: loans, common: .debt)
        case .uplLiab: field("|min(0, eq)| − |min(0, cashBal − interest)|, not below 0", .choice)
        case .potentialBorrowing:
            hidden("max(crossLiab, in use + interest − cashBal\(isSpot ? "" : " − cross upl"))", .choice)
        case .potentialBorrowingUsd: hidden("potential borrowing × index price", unit: "USD", .choice)
        case .borrowFroz where mode.account == .portfolio:
            field(
                "potential borrowing in USD × initial margin rate of borrowing", unit: "USD",
                from: Source.portfolio)
        case .borrowFroz: field("potential borrowing in USD ÷ borrow leverage", unit: "USD")
        case .maxLoan:
            field(
                "max(0, the account's availEq) × borrow leverage ÷ index price, at most quota − liab",
                .estimate, from: Source.ours)
        case .maxSpotInUse where mode.account == .portfolio:
            field(
                "min(cashBal, −delta of the underlying's derivatives), not below 0", .estimate,
                from: Source.portfolio, isAlwaysThere: false)
        case .spotInUseAmt where mode.account == .portfolio:
            field(
                "maxSpotInUse, at most clSpotInUseAmt where that is raised", .estimate,
                from: Source.portfolio)
        default: nil
        }
    }

    private var spotTrades: FigureFacts? {
        func trade(_ formula: String, unit: String = "USD") -> FigureFacts {
            field(
                "\(formula); \"\" until a spot trade was made", unit: unit, signed: true,
                from: Source.spotCost,
                isAlwaysThere: false)
        }
        return switch self {
        case .spotBal: trade("bought less sold in spot trades", unit: Self.unit)
        case .openAvgPx: trade("cost at the moving average ÷ spotBal")
        case .accAvgPx: trade("(purchases − sales) ÷ spotBal")
        case .spotUpl: trade("spotBal × index price − cost at the moving average")
        case .spotUplRatio: trade("spotUpl ÷ cost at the moving average", unit: "ratio")
        case .totalPnl: trade("spotBal × index price − purchases + sales")
        case .totalPnlRatio: trade("totalPnl ÷ (purchases − sales)", unit: "ratio")
        default: nil
        }
    }

    /// What is no number, what the venue decides by means that the ledger does not have, and what does not
    /// exist here.
    private func state(in mode: CurrencyMode) -> FigureFacts? {
        switch self {
        case .ccy: .other("the currency", from: Source.given)
        case .uTime:
            .other("the last change of the holding or of a position in the currency", from: Source.given)
        case .autoLendStatus: chosen("off; unsupported where the rulebook does not lend the currency")
        case .collateralEnabled:
            chosen(
                mode.account == .multi
                    ? "not in the setting collateral_off" : "false outside multi-currency margin mode")
        case .twap: chosen("0 unless raised: nothing is repaid by force here", isAlwaysThere: true)
        case .frpType: chosen("0 unless raised: nothing is repaid by force here")
        case .colRes, .colBorrAutoConversion:
            .other(
                "0 unless raised: the platform's limits are not known here", .choice,
                from: Source.collateralLimit, isAlwaysThere: false)
        case .collateralRestrict:
            .other(
                "whether colRes is 2: the venue's deprecated form of it", .choice,
                from: Source.collateralLimit, isAlwaysThere: false)
        case .autoLendMtAmt, .autoLendAmt: chosen("0 unless raised: nothing is lent here")
        case .autoStakingStatus: chosen("unsupported")
        case .clSpotInUseAmt: chosen("\"\" unless raised: the cap that the user sets on spot in use")
        default: nil
        }
    }

    private var input: FigureFacts? {
        switch self {
        case .index: .input("index price", "USD", .price)
        case .principal: .input("principal borrowed", Self.unit, .ledger)
        case .reserves: .input("funds reserved within cash", Self.unit, .ledger)
        case .quota: .input("quota", Self.unit, .rule)
        case .borrowLeverage: .input("borrow leverage", "ratio", .rule)
        case .borrowingRate: .input("borrowing imr", "ratio", .rule)
        case .traded: .input("bought less sold", Self.unit, .ledger)
        case .purchases: .input("purchases in USD", "USD", .ledger)
        case .sales: .input("sales in USD", "USD", .ledger)
        case .spotCap: .input("clSpotInUseAmt", Self.unit, .overridden)
        case .openCost: .input("cost at the moving average in USD", "USD", .ledger)
        default: nil
        }
    }
}
