import Ledger
import Numbers
import Testing
import Venue

@testable import OKX

/// The vectors of documentation samples and recordings. The venue computes in binary floating point, so its
/// texts are met up to their last digit.
@Suite struct RecordedVectors {
    struct Currency: Sendable {
        let cash, unrealised, isolated, strategy, inUse, index: String
        let equity, frozen, availableEquity, availableBalance, equityUSD: String
    }

    static let currencies = [
        // The documentation's REST sample.
        Currency(
            cash: "4850.435693622894", unrealised: "-7.545600000000006", isolated: "0", strategy: "150",
            inUse: "8.573",
            index: "0.99973", equity: "4992.890093622894", frozen: "158.573",
            availableEquity: "4834.3170936228935",
            availableBalance: "4834.317093622894", equityUSD: "4991.542013297616"),
        // The documentation's WebSocket sample.
        Currency(
            cash: "4750.426970691436", unrealised: "-7.475800000000003", isolated: "0", strategy: "150",
            inUse: "8.57998", index: "0.99927", equity: "4892.951170691435", frozen: "158.57998",
            availableEquity: "4734.371190691435", availableBalance: "4734.371190691436",
            equityUSD: "4889.379316336831"),
        // A futures-mode account with an isolated position only, recorded in 2025.
        Currency(
            cash: "94.42612990333333", unrealised: "0", isolated: "5.468566666666667", strategy: "0",
            inUse: "0",
            index: "0.99994", equity: "99.89469657000001", frozen: "5.468566666666667",
            availableEquity: "94.42612990333333", availableBalance: "94.42612990333333",
            equityUSD: "99.88870288820581"),
    ]

    @Test(arguments: currencies)
    func currencyRow(_ row: Currency) throws {
        let cash = try ExactFraction(row.cash), unrealised = try ExactFraction(row.unrealised),
            inUse = try ExactFraction(row.inUse)
        let isolated = try ExactFraction(row.isolated), strategy = try ExactFraction(row.strategy)
        let equity = try Figures.equity(
            cash: cash, crossUnrealised: unrealised, isolatedEquity: isolated, strategyEquity: strategy,
            interest: .zero, borrowed: .zero)
        #expect(try isNear(equity, row.equity))
        #expect(
            try isNear(
                Figures.frozenBalance(inUse: inUse, isolatedEquity: isolated, strategyEquity: strategy),
                row.frozen))
        #expect(
            try isNear(
                Figures.freeEquity(cash: cash, crossUnrealised: unrealised, inUse: inUse), row.availableEquity
            ))
        #expect(
            try isNear(
                Figures.freeBalance(cash: cash, crossUnrealised: unrealised, inUse: inUse),
                row.availableBalance))
        #expect(try isNear(Figures.equityUSD(equity, index: decimal(row.index)), row.equityUSD))
    }

    /// A multi-currency account of 2026: all six account figures.
    @Test func multiCurrencyAccount() throws {
        let adjusted = try ExactFraction("100942.13298468884")
        let borrow = try ExactFraction("2046.8510380360844")
        let futures = try ExactFraction("101.11322817202809"), swap = try ExactFraction("2486.1328640000006")
        let notional = try Figures.notionalUSD(
            borrowing: borrow, swaps: swap, futures: futures, options: .zero)
        #expect(try isNear(notional, "4634.0971302081125"))
        let frozen = try Figures.borrowFrozen(borrow, leverage: decimal("5"))
        #expect(try isNear(frozen, "409.3702076072169"))
        let positions =
            try Figures.initialMargin(notional: swap, leverage: decimal("3"))
            + Figures.initialMargin(notional: futures, leverage: decimal("3"))
        let initial = try Figures.initialMarginRequirement(
            positions: positions, orders: decimal("1208.3566666666668"), borrowing: frozen)
        #expect(try isNear(initial, "2480.1422383312265"))
        #expect(
            try isNear(
                Figures.availableEquity(adjusted: adjusted, initialMargin: initial, restricted: .zero),
                "98461.99074635761"))
        let rate = try decimal("0.02")
        let maintenance = try Figures.maintenanceMarginRequirement(
            positions: Figures.maintenanceMargin(notional: swap, rate: decimal("0.004"))
                + Figures.maintenanceMargin(notional: futures, rate: decimal("0.013")),
            borrowing: Figures.borrowMaintenance(borrow, rate: rate))
        #expect(try isNear(maintenance, "52.196024182958055"))
        let fees =
            try Figures.liquidationFee(notional: swap, rate: decimal("0.0005"))
            + Figures.liquidationFee(notional: futures, rate: decimal("0.001"))
            + Figures.borrowLiquidationFee(borrow, maintenanceRate: rate, feeRate: decimal("0.001"))
        let ratio = try #require(
            try Figures.marginRatio(adjusted: adjusted, maintenance: maintenance, liquidationFees: fees))
        #expect(try isNear(ratio, "1814.5924297007082"))
    }

    /// The documentation's position builder sample of portfolio margin.
    @Test func portfolioAccount() throws {
        let bitcoin = try Figures.unitMaintenance(
            spotShock: decimal("1164.4109244719994"), extreme: decimal("1164.4109244720003"),
            basis: decimal("19.4098073796"), minimum: decimal("43.67206660410001"))
        #expect(try isNear(bitcoin, "1183.8207318516"))
        let litecoin = try Figures.unitMaintenance(
            spotShock: decimal("183.50672805719995"), extreme: .zero, basis: decimal("8.1562464"),
            minimum: decimal("7.1367156"))
        #expect(try isNear(litecoin, "191.6629744572"))
        let borrowed = try ExactFraction("78553.2188898")
        let rate = try decimal("0.02")
        let maintenance = try Figures.maintenanceMarginRequirement(
            positions: bitcoin + litecoin, borrowing: Figures.borrowMaintenance(borrowed, rate: rate))
        #expect(try isNear(maintenance, "2946.5480841048"))
        let factor = try decimal("1.3")
        let initial = try Figures.initialMarginRequirement(
            positions: Figures.unitInitial(maintenance: bitcoin, factor: factor)
                + Figures.unitInitial(maintenance: litecoin, factor: factor),
            orders: .zero, borrowing: Figures.portfolioBorrowFrozen(borrowed, rate: decimal("0.1")))
        #expect(try isNear(initial, "9643.45070718144"))
        let ratio = try #require(
            try Figures.marginRatio(
                adjusted: decimal("-78553.21888979999"), maintenance: maintenance,
                liquidationFees: Figures.borrowLiquidationFee(
                    borrowed, maintenanceRate: rate, feeRate: decimal("0.001"))))
        #expect(try isNear(ratio, "-25.95365779811705"))
    }
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
            try isNear(Figures.discounted(decimal("3183550.6280862205"), by: table), "2141775.3140431102"))
    }

    /// Help pages: 11 million USDT, and one bitcoin in spot mode.
    @Test func helpPages() throws {
        let stable = try Self.table([("5000000", "1"), ("10000000", "0.975"), (nil, "0.95")])
        #expect(try Figures.discounted(decimal("11000000"), by: stable) == decimal("10825000"))
        let bitcoin = try Self.table([("20", "0.98")], unit: .coin)
        let value = try Figures.discountedEquity(
            .one, isolatedEquity: .zero, table: bitcoin, index: decimal("60000"), isCollateral: true
        )
        #expect(try value == decimal("58800"))
    }

    @Test func edges() throws {
        let table = try Self.table([("20", "0.98"), ("25", "0.9775")], unit: .coin)
        func value(_ equity: String, isolated: String = "0", isCollateral: Bool = true) throws -> String {
            try Figures.discountedEquity(
                decimal(equity), isolatedEquity: decimal(isolated), table: table, index: decimal("100"),
                isCollateral: isCollateral
            ).description
        }
        #expect(try value("20") == "1960")
        #expect(try value("25") == "2448.75")
        #expect(try value("1000") == "2448.75")  // beyond the last tier nothing counts
        #expect(try value("-3") == "-300")  // a debt takes no discount
        #expect(try value("-3", isCollateral: false) == "-300")
        #expect(try value("3", isCollateral: false) == "0")
        #expect(try value("30", isolated: "10") == "1960")  // isolated margin is no collateral
    }
}

@Suite struct PortfolioTerms {
    @Test func minimumChargeTiers() throws {
        let tiers = [
            PortfolioRules.ChargeTier(upTo: try decimal("10000"), multiplier: try decimal("1")),
            PortfolioRules.ChargeTier(upTo: try decimal("70000"), multiplier: try decimal("2")),
        ]
        #expect(try Figures.tieredCharge(decimal("30000"), tiers: tiers) == decimal("50000"))
        #expect(try Figures.tieredCharge(decimal("80000"), tiers: tiers) == decimal("150000"))
        #expect(try Figures.tieredCharge(.zero, tiers: tiers) == .zero)
    }

    /// The help page's hedge: 10 BTC spot against as many short contracts leave basis and minimum charge
    /// only.
    @Test func hedgedSpot() throws {
        let inUse = try Figures.spotInUse(coins: decimal("10"), derivativeDelta: decimal("-10"))
        #expect(try inUse == decimal("10"))
        let net = try Figures.netDeltaUSD(
            derivativeDelta: decimal("-10"), spotInUse: inUse, index: decimal("67111"))
        let shock = try Figures.spotShockCharge(netDeltaUSD: net, shock: decimal("0.12"))
        let extreme = try Figures.extremeCharge(
            netDeltaUSD: net, move: decimal("0.24"), share: decimal("0.5"))
        let basis = try Figures.basisCharge(grossUSD: decimal("671110"), rate: decimal("0.012"))
        let minimum = try Figures.minimumCharge(
            grossUSD: decimal("671110"), rate: decimal("0.0045"), tiers: [])
        #expect(shock.isZero && extreme.isZero)
        #expect(try basis == decimal("8053.32"))
        #expect(try minimum == decimal("3019.995"))
        #expect(
            try Figures.unitMaintenance(spotShock: shock, extreme: extreme, basis: basis, minimum: minimum)
                == basis)
    }

    @Test(arguments: [("10", "-4", "4"), ("3", "-4", "3"), ("3", "4", "0"), ("-3", "-4", "0")])
    func spotInUse(coins: String, delta: String, expected: String) throws {
        #expect(
            try Figures.spotInUse(coins: decimal(coins), derivativeDelta: decimal(delta)) == decimal(expected)
        )
    }
}

@Suite struct OtherFigures {
    /// Interest of one hour, recorded: cut rate, rounded-up amount.
    @Test func interest() throws {
        let daily = try decimal("0.000098")
        #expect(try Figures.hourlyRate(daily: daily).description == "0.0000040833333333")
        #expect(
            try OKXVenue.hourlyInterest(liability: decimal("97"), dailyRate: daily).description
                == "0.0003960833333334")
        #expect(
            try OKXVenue.hourlyInterest(liability: decimal("100"), dailyRate: daily).description
                == "0.0004083333333334")
    }

    /// The help page: buy 2 at 3000, sell 1 at 3500, buy 1 at 4000, last price 4500.
    @Test func spotCost() throws {
        let cost = SpotCost(
            quantity: try decimal("2"), boughtValue: try decimal("10000"), soldValue: try decimal("3500"),
            openCost: try decimal("7000"))
        let index = try decimal("4500")
        #expect(Figures.openAveragePrice(cost)?.description == "3500")
        #expect(try Figures.accumulatedAveragePrice(cost)?.description == "3250")
        #expect(try Figures.spotUnrealised(cost, index: index).description == "2000")
        #expect(try Figures.spotUnrealisedRatio(cost, index: index)?.description == "2/7")
        #expect(try Figures.spotTotal(cost, index: index).description == "2500")
        #expect(try Figures.spotTotalRatio(cost, index: index)?.description == "5/13")
    }

    /// The help page of futures mode: 700 BTC, 530 in use, 185 available, so 15 of profit; an order needs 40.
    @Test func futuresAvailable() throws {
        let free = try Figures.freeEquity(
            cash: decimal("700"), crossUnrealised: decimal("15"), inUse: decimal("530"))
        #expect(try free == decimal("185"))
        #expect(try free >= Figures.initialMargin(notional: decimal("200"), leverage: decimal("5")))
    }

    @Test func liabilities() throws {
        #expect(
            try Figures.unrealisedLossLiability(
                equity: decimal("-5"), cash: decimal("-2"), interest: decimal("1"), borrowed: .zero)
                == decimal("2"))
        #expect(
            try Figures.unrealisedLossLiability(
                equity: decimal("-5"), cash: decimal("-2"), interest: decimal("1"), borrowed: decimal("2"))
                == .zero)
        #expect(
            try Figures.unrealisedLossLiability(
                equity: decimal("-5"), cash: decimal("-8"), interest: .zero, borrowed: .zero) == .zero)
        #expect(
            try Figures.potentialBorrowing(
                liability: decimal("5"), inUse: decimal("10"), interest: .one, cash: decimal("2"),
                crossUnrealised: decimal("1")) == decimal("8"))
        #expect(
            try Figures.crossLiability(
                equity: decimal("400"), loan: Figures.loan(borrowed: decimal("100"), interest: .one))
                == decimal("101"))
    }

    @Test(arguments: [
        ("1000", "100", "500000", "0", "50"), ("1000", "100", "30", "0", "30"),
        ("1000", "100", "30", "29", "1"),
        ("1000", "100", "30", "31", "0"), ("-5", "100", "30", "0", "0"),
    ])
    func maximumLoan(
        available: String, index: String, quota: String, liability: String, expected: String
    ) throws {
        let power = try Figures.borrowingPower(availableEquityUSD: decimal(available), leverage: decimal("5"))
        let loan = try Figures.maximumLoan(
            powerUSD: power, index: decimal(index), quota: decimal(quota), liability: decimal(liability))
        #expect(try loan == decimal(expected))
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
