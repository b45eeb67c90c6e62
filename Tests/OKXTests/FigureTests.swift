import Ledger
import Numbers
import Testing
import Venue

@testable import OKX

/// The vectors of documentation samples and recordings. The venue computes in binary floating point, so its
/// texts are met up to their last digit.
@Suite struct RecordedVectors {
    struct Currency: Sendable {
        let cash, unrealized, isolated, strategy, inUse, index: String
        let equity, frozen, availableEquity, availableBalance, equityUSD: String
    }

    static let currencies = [
        // The documentation's REST sample.
        Currency(
            cash: "4850.435693622894", unrealized: "-7.545600000000006", isolated: "0", strategy: "150",
            inUse: "8.573",
            index: "0.99973", equity: "4992.890093622894", frozen: "158.573",
            availableEquity: "4834.3170936228935",
            availableBalance: "4834.317093622894", equityUSD: "4991.542013297616"),
        // The documentation's WebSocket sample.
        Currency(
            cash: "4750.426970691436", unrealized: "-7.475800000000003", isolated: "0", strategy: "150",
            inUse: "8.57998", index: "0.99927", equity: "4892.951170691435", frozen: "158.57998",
            availableEquity: "4734.371190691435", availableBalance: "4734.371190691436",
            equityUSD: "4889.379316336831"),
        // A futures-mode account with an isolated position only, recorded in 2025.
        Currency(
            cash: "94.42612990333333", unrealized: "0", isolated: "5.468566666666667", strategy: "0",
            inUse: "0",
            index: "0.99994", equity: "99.89469657000001", frozen: "5.468566666666667",
            availableEquity: "94.42612990333333", availableBalance: "94.42612990333333",
            equityUSD: "99.88870288820581"),
    ]

    @Test(arguments: currencies)
    func currencyRow(_ row: Currency) throws {
        let figures = try GivenFigures(
            .multi,
            [
                .cashBal: row.cash, .crossUpl: row.unrealized, .isoEq: row.isolated, .stgyEq: row.strategy,
                .inUse: row.inUse, .interest: "0", .index: row.index,
            ])
        #expect(try isNear(figures[.eq], row.equity))
        #expect(try isNear(figures[.frozenBal], row.frozen))
        #expect(try isNear(figures[.availEq], row.availableEquity))
        #expect(try isNear(figures[.availBal], row.availableBalance))
        #expect(try isNear(figures[.eqUsd], row.equityUSD))
    }

    /// A multi-currency account of 2026: all six account figures.
    @Test func multiCurrencyAccount() throws {
        let futures = try ExactFraction("101.11322817202809"), swap = try ExactFraction("2486.1328640000006")
        let figures = try GivenFigures(
            .multi, [.potentialBorrowingUsd: "2046.8510380360844", .borrowLeverage: "5"],
            account: [
                .adjEq: "100942.13298468884", .notionalUsdForBorrow: "2046.8510380360844",
                .notionalUsdForSwap: swap.description, .notionalUsdForFutures: futures.description,
                .ordFroz: "1208.3566666666668",
            ])
        let account = figures.account
        #expect(try isNear(account[.notionalUsd], "4634.0971302081125"))
        #expect(try isNear(figures[.borrowFroz], "409.3702076072169"))
        account.give(.borrowFroz, try figures[.borrowFroz])
        let three: ExactDecimal = try decimal("3")
        account.give(.positionImr, try swap.over(three) + futures.over(three))
        #expect(try isNear(account[.imr], "2480.1422383312265"))
        #expect(try isNear(account[.availEq], "98461.99074635761"))
        account.give(
            .positionMmr, try swap.times(decimal("0.004")) + futures.times(decimal("0.013")))
        #expect(try isNear(account[.mmr], "52.196024182958055"))
        account.give(
            .positionLiquidationFees, try swap.times(decimal("0.0005")) + futures.times(decimal("0.001")))
        #expect(try isNear(account[.mgnRatio], "1814.5924297007082"))
    }

    /// The documentation's position builder sample of portfolio margin.
    @Test func portfolioAccount() throws {
        let figures = try GivenFigures(
            .portfolio, [.potentialBorrowingUsd: "78553.2188898", .borrowingRate: "0.1"],
            account: [
                .adjEq: "-78553.21888979999", .notionalUsdForBorrow: "78553.2188898", .ordFroz: "0",
            ])
        let account = figures.account
        let bitcoin = try unit(
            [
                .MR1: "1164.4109244719994", .MR6: "1164.4109244720003", .MR4: "19.4098073796",
                .MR7: "43.67206660410001",
            ], in: account)
        #expect(try isNear(bitcoin[.mmr], "1183.8207318516"))
        let litecoin = try unit(
            [.MR1: "183.50672805719995", .MR6: "0", .MR4: "8.1562464", .MR7: "7.1367156"], in: account)
        #expect(try isNear(litecoin[.mmr], "191.6629744572"))
        account.give(.positionMmr, try bitcoin[.mmr] + litecoin[.mmr])
        #expect(try isNear(account[.mmr], "2946.5480841048"))
        account.give(.positionImr, try bitcoin[.imr] + litecoin[.imr])
        account.give(.borrowFroz, try figures[.borrowFroz])
        #expect(try isNear(account[.imr], "9643.45070718144"))
        #expect(try isNear(account[.mgnRatio], "-25.95365779811705"))
    }
}

/// A currency of an account that has nothing else, with figures that are given.
struct GivenFigures {
    let account: AccountFigures
    let row: CurrencyFigures

    init(
        _ mode: AccountMode, _ given: [CurrencyFigure: String] = [:],
        account figures: [AccountFigure: String] = [:], borrows: Bool = true
    ) throws {
        let rules = try OKXVenue(addedRulebooks: [], profile: .documented).rules(
            at: LedgerTime(milliseconds: 1_780_272_000_000))
        account = AccountFigures(
            Account(
                id: "given", venue: OKXVenue.name, parent: nil,
                conventions: Conventions(keepsInterestApart: true), settings: Settings([]),
                openedAt: LedgerTime(milliseconds: 0)), mode, borrows: borrows,
            ValuationPrices(prices: VenuePrices(), reference: [:]), rules)
        let place = try #require(rules.assetPlace("BTC"))
        row = CurrencyFigures(
            place, "BTC", rules.assets[place], holding: nil, updatedAt: LedgerTime(milliseconds: 0),
            in: account)
        for (figure, text) in given { row.give(figure, try decimal(text) as ExactDecimal) }
        for (figure, text) in figures { account.give(figure, try decimal(text) as ExactDecimal) }
    }

    subscript(figure: CurrencyFigure) -> ExactFraction {
        get throws { try withExtendedLifetime(account) { try row[figure] } }
    }
}

/// A risk unit of BTC with figures that are given.
func unit(_ given: [UnitFigure: String], in account: AccountFigures) throws -> RiskUnitFigures {
    let unit = RiskUnitFigures(
        try #require(account.rules.assetPlace("BTC")), index: try decimal("67111"), in: account)
    for (figure, text) in given { unit.give(figure, try decimal(text) as ExactDecimal) }
    return unit
}

@Suite struct DiscountTiers {
    static func table(_ tiers: [(String?, String)], unit: DiscountTable.Unit = .usd) throws -> DiscountTable {
        DiscountTable(
            unit: unit,
            tiers: try tiers.map { DiscountTable.Tier(upTo: try $0.0.map(decimal), rate: try decimal($0.1)) })
    }

    /// Recorded: BETH under its tiers of early 2024.
    @Test func recordedValue() throws {
        let table = try Self.table([("1000000", "0.8"), ("2000000", "0.75"), ("4000000", "0.5")])
        #expect(
            try isNear(table.discounted(decimal("3183550.6280862205")), "2141775.3140431102"))
    }

    /// Help pages: 11 million USDT, and one bitcoin in spot mode.
    @Test func helpPages() throws {
        let stable = try Self.table([("5000000", "1"), ("10000000", "0.975"), (nil, "0.95")])
        #expect(try stable.discounted(decimal("11000000")) == decimal("10825000"))
        let bitcoin = try Self.table([("20", "0.98")], unit: .coin)
        #expect(try bitcoin.discounted(.one).times(decimal("60000")) == decimal("58800"))
    }

    @Test func edges() throws {
        let table = try Self.table([("20", "0.98"), ("25", "0.9775")], unit: .coin)
        #expect(try table.discounted(decimal("20")).description == "19.6")
        #expect(try table.discounted(decimal("25")).description == "24.4875")
        #expect(try table.discounted(decimal("1000")).description == "24.4875")  // beyond, nothing counts
    }

    @Test(arguments: [
        ("-3", "0", true, "-300"),  // a debt takes no discount
        ("-3", "0", false, "-300"),
        ("3", "0", false, "0"),
        ("30", "29", true, "98"),  // isolated margin is no collateral
    ])
    func collateral(equity: String, isolated: String, isCollateral: Bool, expected: String) throws {
        let figures = try GivenFigures(.multi, [.eq: equity, .isoEq: isolated, .index: "100"])
        figures.row.isCollateral = isCollateral
        #expect(try figures[.disEq].description == expected)
    }
}

@Suite struct PortfolioTerms {
    @Test func minimumChargeTiers() throws {
        let tiers = [
            PortfolioRules.ChargeTier(upTo: try decimal("10000"), multiplier: try decimal("1")),
            PortfolioRules.ChargeTier(upTo: try decimal("70000"), multiplier: try decimal("2")),
        ]
        #expect(try tiers.charge(on: decimal("30000")) == decimal("50000"))
        #expect(try tiers.charge(on: decimal("80000")) == decimal("150000"))
        #expect(try tiers.charge(on: .zero) == .zero)
    }

    /// The help page's hedge: 10 BTC spot against as many short contracts leave basis and minimum charge
    /// only.
    @Test func hedgedSpot() throws {
        let figures = try GivenFigures(.portfolio, [.cashBal: "10"])
        let unit = try unit(
            [
                .delta: "-10", .gross: "671110", .spotShock: "0.12", .extremeMove: "0.24",
                .extremeShare: "0.5", .basisRate: "0.012", .minimumRate: "0.0045",
            ], in: figures.account)
        unit.row = figures.row
        figures.row.unit = unit
        #expect(try figures[.spotInUseAmt] == decimal("10"))
        #expect(try unit[.MR1].isZero && unit[.MR6].isZero)
        #expect(try unit[.MR4] == decimal("8053.32"))
        #expect(try unit[.mmr] == unit[.MR4])
        withExtendedLifetime(figures.account) {}
    }

    @Test(arguments: [("10", "-4", "4"), ("3", "-4", "3"), ("3", "4", "0"), ("-3", "-4", "0")])
    func spotInUse(coins: String, delta: String, expected: String) throws {
        let figures = try GivenFigures(.portfolio, [.cashBal: coins])
        figures.row.unit = try unit([.delta: delta], in: figures.account)
        #expect(try figures[.maxSpotInUse] == decimal(expected))
    }
}

@Suite struct OtherFigures {
    /// Interest of one hour, recorded: cut rate, rounded-up amount.
    @Test func interest() throws {
        let daily = try decimal("0.000098")
        #expect(try OKXVenue.hourlyRate(daily: daily).description == "0.0000040833333333")
        #expect(
            try OKXVenue.hourlyInterest(liability: decimal("97"), dailyRate: daily).description
                == "0.0003960833333334")
        #expect(
            try OKXVenue.hourlyInterest(liability: decimal("100"), dailyRate: daily).description
                == "0.0004083333333334")
    }

    /// The help page: buy 2 at 3000, sell 1 at 3500, buy 1 at 4000, last price 4500.
    @Test func spotCost() throws {
        let figures = try GivenFigures(
            .spot,
            [
                .traded: "2", .purchases: "10000", .sales: "3500", .openCost: "7000", .index: "4500",
            ])
        let row = figures.row
        #expect(try row[.openAvgPx].description == "3500")
        #expect(try row[.accAvgPx].description == "3250")
        #expect(try row[.spotUpl].description == "2000")
        #expect(try row[.spotUplRatio].description == "2/7")
        #expect(try row[.totalPnl].description == "2500")
        #expect(try row[.totalPnlRatio].description == "5/13")
        withExtendedLifetime(figures.account) {}
    }

    /// The help page of futures mode: 700 BTC, 530 in use, 185 available, so 15 of profit; an order needs 40.
    @Test func futuresAvailable() throws {
        let figures = try GivenFigures(.futures, [.cashBal: "700", .crossUpl: "15", .inUse: "530"])
        #expect(try figures[.availEq] == decimal("185"))
    }

    @Test(arguments: [
        (AccountMode.multi, "-5", "-2", "1", "0", "2"), (.spot, "-5", "-2", "1", "2", "0"),
        (.multi, "-5", "-8", "0", "0", "0"),
    ])
    func unrealizedLossLiability(
        mode: AccountMode, equity: String, cash: String, interest: String, principal: String,
        expected: String
    ) throws {
        let figures = try GivenFigures(
            mode, [.eq: equity, .cashBal: cash, .interest: interest, .principal: principal])
        #expect(try figures[.uplLiab] == decimal(expected))
    }

    @Test func liabilities() throws {
        let borrowing = try GivenFigures(
            .multi, [.crossLiab: "5", .inUse: "10", .interest: "1", .cashBal: "2", .crossUpl: "1"])
        #expect(try borrowing[.potentialBorrowing] == decimal("8"))
        let loan = try GivenFigures(.spot, [.eq: "400", .principal: "100", .interest: "1"])
        #expect(try loan[.crossLiab] == decimal("101"))
    }

    @Test(arguments: [
        ("1000", "100", "500000", "0", "50"), ("1000", "100", "30", "0", "30"),
        ("1000", "100", "30", "29", "1"),
        ("1000", "100", "30", "31", "0"), ("-5", "100", "30", "0", "0"),
    ])
    func maximumLoan(
        available: String, index: String, quota: String, liability: String, expected: String
    ) throws {
        let figures = try GivenFigures(
            .multi, [.index: index, .quota: quota, .liab: liability, .borrowLeverage: "5"],
            account: [.availEq: available])
        #expect(try figures[.maxLoan] == decimal(expected))
    }

    /// The table of BTC-USDT-SWAP, its generated rows among them.
    @Test(arguments: [
        (1, "0", "1000", "0.004", "0.01", "100"), (2, "1000.01", "5000", "0.005", "0.015", "66.66"),
        (3, "5000.01", "20000", "0.0075", "0.02", "50"), (5, "40000.01", "60000", "0.0175", "0.03", "33.33"),
        (6, "60000.01", "80000", "0.0225", "0.035", "28.57"),
        (7, "80000.01", "100000", "0.0275", "0.04", "25"),
        (8, "100000.01", "120000", "0.0325", "0.045", "22.22"),
        (51, "960000.01", "980000", "0.2475", "0.26", "3.84"),
    ])
    func positionTiers(
        number: Int, minimum: String, maximum: String, maintenance: String, initial: String, lever: String
    ) throws {
        let venue = try OKXVenue(addedRulebooks: [], profile: .documented)
        let rules = venue.rules(at: LedgerTime(milliseconds: 1_780_272_000_000))
        let tiers = try #require(rules.instrument("BTC-USDT-SWAP")?.tiers)
        let tier = try #require(tiers.first { $0.number == number })
        #expect(tier.minimum.description == minimum && tier.maximum.description == maximum)
        #expect(tier.maintenanceRate.description == maintenance && tier.initialRate.description == initial)
        #expect(tier.maximumLeverage.description == lever)
    }
}
