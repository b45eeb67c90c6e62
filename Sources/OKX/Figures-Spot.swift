import Ledger
import Numbers

// Cost and profit of spot trades, in USD (sheet, section 4.8; decision OKX 10). "" until a trade was made.

extension Figures {
    /// `openAvgPx`: moving average of purchases; sales leave it.
    static func openAveragePrice(_ cost: SpotCost) -> ExactFraction? {
        ratio(ExactFraction(cost.openCost), to: ExactFraction(cost.quantity))
    }

    /// `accAvgPx`: (purchases − sales) ÷ `spotBal`. Signed.
    static func accumulatedAveragePrice(_ cost: SpotCost) throws(NumberError) -> ExactFraction? {
        try ratio(spotPaid(cost), to: ExactFraction(cost.quantity))
    }

    /// `spotUpl`: spotBal × index − cost at the moving average. Signed.
    static func spotUnrealised(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(cost.quantity).times(index) - ExactFraction(cost.openCost)
    }

    /// `spotUplRatio`: (index − openAvgPx) ÷ openAvgPx, as a fraction; nil where nothing was paid.
    static func spotUnrealisedRatio(
        _ cost: SpotCost, index: ExactDecimal
    ) throws(NumberError) -> ExactFraction? {
        try ratio(spotUnrealised(cost, index: index), to: ExactFraction(cost.openCost))
    }

    /// `totalPnl`: spotBal × index − purchases + sales. Signed.
    static func spotTotal(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction {
        try ExactFraction(cost.quantity).times(index) - spotPaid(cost)
    }

    /// `totalPnlRatio`: totalPnl ÷ (purchases − sales), as a fraction; nil where they are equal.
    static func spotTotalRatio(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactFraction? {
        try ratio(spotTotal(cost, index: index), to: spotPaid(cost))
    }

    /// What spot trades have cost on balance: purchases − sales.
    private static func spotPaid(_ cost: SpotCost) throws(NumberError) -> ExactFraction {
        ExactFraction(try cost.boughtValue - cost.soldValue)
    }
}
