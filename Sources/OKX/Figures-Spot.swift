import Ledger
import Numbers

// Cost and profit of spot trades, in USD (sheet, section 4.8; decision OKX 10). "" until a trade was made.

extension Figures {
    /// `openAvgPx`: moving average of purchases; sales leave it. Cut.
    static func openAveragePrice(_ cost: SpotCost) throws(NumberError) -> ExactDecimal {
        try cost.openCost.over(cost.quantity, rounding: .towardZero)
    }

    /// `accAvgPx`: (purchases − sales) ÷ `spotBal`. Signed. Cut.
    static func accumulatedAveragePrice(_ cost: SpotCost) throws(NumberError) -> ExactDecimal {
        try (cost.boughtValue - cost.soldValue).over(cost.quantity, rounding: .towardZero)
    }

    /// `spotUpl`: spotBal × index − cost at the moving average. Signed. Cut.
    static func spotUnrealised(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactDecimal {
        var sum = ProductSum()
        try sum.add(cost.quantity, times: index)
        try sum.add(-cost.openCost)
        return try sum.rounded(places: 18, rounding: .towardZero)
    }

    /// `spotUplRatio`: (index − openAvgPx) ÷ openAvgPx, as a fraction; nil where nothing was paid. Cut.
    static func spotUnrealisedRatio(
        _ cost: SpotCost, index: ExactDecimal
    ) throws(NumberError) -> ExactDecimal? {
        guard !cost.openCost.isZero else { return nil }
        return try spotUnrealised(cost, index: index).over(cost.openCost, rounding: .towardZero)
    }

    /// `totalPnl`: spotBal × index − purchases + sales. Signed. Cut.
    static func spotTotal(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactDecimal {
        var sum = ProductSum()
        try sum.add(cost.quantity, times: index)
        try sum.add(-cost.boughtValue)
        try sum.add(cost.soldValue)
        return try sum.rounded(places: 18, rounding: .towardZero)
    }

    /// `totalPnlRatio`: totalPnl ÷ (purchases − sales), as a fraction; nil where they are equal. Cut.
    static func spotTotalRatio(_ cost: SpotCost, index: ExactDecimal) throws(NumberError) -> ExactDecimal? {
        let net = try cost.boughtValue - cost.soldValue
        guard !net.isZero else { return nil }
        return try spotTotal(cost, index: index).over(net, rounding: .towardZero)
    }
}
