/// The fields of the account object, in the order in which they are written: ASCII order of their names.
enum AccountField: String, Sendable, CaseIterable {
    case adjEq, availEq, borrowFroz, delta, deltaLever, deltaNeutralStatus, details, imr, isoEq, mgnRatio, mmr
    case notionalUsd, notionalUsdForBorrow, notionalUsdForFutures, notionalUsdForOption, notionalUsdForSwap
    case ordFroz, totalEq, uTime, upl

    /// The modes in which it has a value; "" in the others.
    ///
    /// The given document's matrix, but `details` is there in all four modes, as the document's later version
    /// has it. The delta fields stand in its prose only, without a limit.
    var modes: ModeSet {
        switch self {
        case .uTime, .totalEq, .details, .delta, .deltaLever, .deltaNeutralStatus: .all
        case .isoEq: [.futures, .multi, .portfolio]
        case .adjEq, .ordFroz, .imr, .mmr, .borrowFroz, .mgnRatio, .notionalUsd, .notionalUsdForOption,
            .notionalUsdForBorrow:
            [.spot, .multi, .portfolio]
        case .availEq, .notionalUsdForSwap, .notionalUsdForFutures, .upl: [.multi, .portfolio]
        }
    }
}

/// The fields of a currency row, in the order in which they are written: ASCII order of their names.
///
/// `balance` are those of the answer to a request; rows that a stream pushes have all of them.
enum DetailField: String, Sendable, CaseIterable {
    case accAvgPx, autoLendAmt, autoLendMtAmt, autoLendStatus, autoStakingStatus, availBal, availEq,
        borrowFroz
    case cashBal, ccy, clSpotInUseAmt, coinUsdPrice, colBorrAutoConversion, colRes, collateralEnabled,
        collateralRestrict, crossLiab, disEq
    case eq, eqUsd, fixedBal, frozenBal, frpType, imr, interest, isoEq, isoLiab, isoUpl, liab, maxLoan,
        maxSpotInUse
    case mgnRatio, mmr, notionalLever, openAvgPx, ordFrozen, rewardBal, smtSyncEq, spotBal, spotCopyTradingEq
    case spotInUseAmt, spotIsoBal, spotUpl, spotUplRatio, stgyEq, totalPnl, totalPnlRatio, twap, uTime, upl
    case uplLiab

    /// The fields of a row of the balance. The others are recorded of the `account` channel alone.
    static let balance = allCases.filter { ![.autoLendAmt, .autoStakingStatus, .coinUsdPrice].contains($0) }

    /// What a stream calls it.
    var pushedName: String { self == .maxSpotInUse ? "maxSpotInUseAmt" : rawValue }

    /// The modes in which it has a value; "" in the others.
    ///
    /// The given document's matrix decides. Fields that stand in its prose only follow the prose. Exceptions
    /// are those of the recordings: `twap` and `spotIsoBal` are "0" where the matrix leaves them out, and
    /// `collateralEnabled` is a boolean everywhere (`docs/venues/okx.md`).
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
}
