/// Where formulas are stated.
enum Source {
    static let given = "OKX Get balance, https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance"
    static let recorded = given + "; met digit by digit on recorded answers"
    static let positions = "OKX API documentation, Get positions"
    static let recordedPositions = positions + "; met digit by digit on recorded answers"
    static let discount = "OKX API documentation, Get discount rate and interest-free quota"
    static let futures = "OKX help, futures mode"
    static let multi = "OKX help, multi-currency margin mode"
    static let portfolio = "OKX help, portfolio margin mode: risk unit merge and its parameters"
    static let spotMode = "OKX help, borrowing in spot mode"
    static let spotCost = "OKX help, https://www.okx.com/help/i-introduction-of-spot"
    static let collateralLimit =
        "OKX help, https://www.okx.com/help/"
        + "introduction-to-the-platforms-collateralized-borrowing-limit-mechanism"
    static let ours = "not published; docs/venues/okx.md"
}
