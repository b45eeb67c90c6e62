import JSON
import Ledger
import Numbers
import Testing
import Venue

@testable import Desk

/// Sums over accounts, and what is kept out of them.
struct TotalTests {
    private func sum(
        _ portfolio: Portfolio, _ figure: CommonFigure = .equity, in asset: String = "USD"
    ) -> BookTotal? {
        PortfolioTotals(of: portfolio, in: asset).totals.first { $0.figure == figure }
    }

    @Test func dollarsAndPricedAssetsAreSummed() throws {
        let portfolio = Sample.portfolio([
            Sample.statement("a", figures: Sample.figures((.equity, "100.5", "USD"))),
            Sample.statement(
                "b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT")),
                assets: [AssetStatement(asset: "USDT", figures: Sample.figures((.index, "1.0001", "USD")))]),
        ])
        let total = try #require(sum(portfolio))
        #expect(try total.value == ExactDecimal("110.501"))
        #expect(total.isWhole)
        let prices = PortfolioTotals(of: portfolio).prices
        #expect(prices.map(\.asset) == ["USDT"])
        #expect(prices.first?.origin == .reported)
        #expect(prices.first?.account == "b")
    }

    @Test func anAccountThatHoldsNothingHasNothingOfAnything() throws {
        let portfolio = Sample.portfolio([
            Sample.statement(
                "a", figures: Sample.figures((.equity, "100", "USD"), (.wallet, "90", "USD"))),
            Sample.statement("empty", venue: "okx", figures: Sample.figures((.equity, "0", "USD"))),
        ])
        #expect(try sum(portfolio, .wallet)?.value == ExactDecimal("90"))
        #expect(sum(portfolio, .wallet)?.isWhole == true)
        // What is worth something has it somewhere.
        let worth = Sample.portfolio([
            Sample.statement("b", venue: "okx", figures: Sample.figures((.equity, "5", "USD")))
        ])
        #expect(sum(worth, .wallet)?.isWhole == false)
    }

    @Test func whatNoRowTellsEitherIsAGap() throws {
        let wallet = try #require(Sample.figures((.wallet, "90", "USD"))[.wallet])
        let portfolio = Sample.portfolio([
            Sample.statement(
                "a",
                figures: StatementFigures([wallet.lacking("the cash of the isolated one is nowhere")]),
                assets: [AssetStatement(asset: "USD", figures: Sample.figures((.wallet, "90", "USD")))])
        ])
        let total = try #require(sum(portfolio, .wallet))
        #expect(total.value == nil)
        #expect(total.gaps.map(\.reason) == ["the cash of the isolated one is nowhere"])
    }

    @Test func aStablecoinWithoutAPriceIsNoDollar() throws {
        let portfolio = Sample.portfolio([
            Sample.statement("a", figures: Sample.figures((.equity, "100", "USD"))),
            Sample.statement("b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT"))),
        ])
        let total = try #require(sum(portfolio))
        #expect(try total.value == ExactDecimal("100"))
        #expect(total.gaps.map(\.account) == ["b"])
        #expect(total.gaps.first?.reason.contains("no price of USDT") == true)
        #expect(!total.isWhole)

        let priced = Sample.portfolio(portfolio.statements, prices: ["USDT": try ExactDecimal("0.99")])
        #expect(try sum(priced)?.value == ExactDecimal("109.9"))
    }

    @Test func aPriceOfAnotherVenueServesWhereTheOwnHasNone() throws {
        let portfolio = Sample.portfolio([
            Sample.statement("b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT"))),
            Sample.statement(
                "a", figures: Sample.figures((.equity, "1", "USD")),
                assets: [
                    AssetStatement(
                        asset: "USDT",
                        figures: Sample.figures((.equity, "4", "USDT"), (.equityUSD, "2", "USD")))
                ]),
        ])
        #expect(try sum(portfolio)?.value == ExactDecimal("6"))
        let price = try #require(PortfolioTotals(of: portfolio).prices.first)
        #expect(price.origin == .derived)
        #expect(price.field == "x.equity_usd / x.equity")
    }

    @Test func anotherAsset() throws {
        let portfolio = Sample.portfolio([
            Sample.statement(
                "a", figures: Sample.figures((.equity, "100", "USD")),
                assets: [AssetStatement(asset: "BTC", figures: Sample.figures((.index, "40000", "USD")))])
        ])
        #expect(try sum(portfolio, in: "BTC")?.value == ExactDecimal("0.0025"))
        let unknown = try #require(sum(portfolio, in: "XYZ"))
        #expect(unknown.value == nil)
        #expect(unknown.gaps.first?.reason == "nobody reported a price of XYZ")
    }

    @Test func sharedMoneyIsNotSummed() throws {
        var figures = StatementFigures()
        figures.set(
            ReportedFigure(.available, field: "f", Sample.value("5"), unit: "USD", isShared: true))
        let rows = [
            AssetStatement(asset: "A", figures: figures), AssetStatement(asset: "B", figures: figures),
        ]
        let portfolio = Sample.portfolio([Sample.statement("a", assets: rows)])
        let total = try #require(sum(portfolio, .available))
        #expect(total.value == nil)
        #expect(total.gaps.first?.reason.contains("shared") == true)
    }

    @Test(arguments: [
        (ReportedValue.absent, "absent"), (.empty, "empty"), (.null, "null"),
        (.outOfRange(text: "1e99"), "unheld"),
        (.other(text: "x"), "other"),
    ])
    func whatIsNoNumberIsNoZero(_ value: ReportedValue, _ state: String) throws {
        var figures = StatementFigures()
        figures.set(ReportedFigure(.equity, field: "f", value, unit: "USD"))
        let total = try #require(sum(Sample.portfolio([Sample.statement("a", figures: figures)])))
        #expect(total.value == nil)
        #expect(total.gaps.first?.reason == "f is \(state)")
    }

    @Test func aFigureThatCannotBeWorkedOutIsAGapWithItsReason() throws {
        var figures = Sample.figures((.wallet, "100", "USD"))
        figures.set(ReportedFigure(.equity, lacking: "no answer tells the profit of X", unit: "USD"))
        let total = try #require(
            sum(Sample.portfolio([Sample.statement("r", venue: "rails", figures: figures)])))
        #expect(total.value == nil)
        #expect(total.gaps.map(\.reason) == ["no answer tells the profit of X"])
        // Without any word of it there is none either: nothing is made up.
        let silent = Sample.statement("r", venue: "rails", figures: Sample.figures((.wallet, "100", "USD")))
        #expect(
            try #require(sum(Sample.portfolio([silent]))).gaps.map(\.reason) == [
                "the venue does not report it"
            ])
    }

    /// Two keys that show the same to the last digit are pointed out, and both are counted; accounts with
    /// nothing in them are all alike and say nothing.
    @Test func accountsThatShowTheSameArePointedOut() throws {
        func statement(_ name: String, _ amount: String, venue: String = "rails") -> Statement {
            Sample.statement(
                name, venue: venue,
                figures: Sample.figures((.equity, amount, "USD"), (.wallet, amount, "USD")))
        }
        let portfolio = Sample.portfolio([
            statement("a", "100.25"), statement("b", "100.25"), statement("c", "100.26"),
            statement("d", "100.25", venue: "okx"), statement("e", "0"), statement("f", "0"),
        ])
        #expect(portfolio.alike.map { [$0.like, $0.account] } == [["a", "b"]])
        #expect(try sum(portfolio)?.value == ExactDecimal("401.01"))
        let json = portfolio.json(totals: PortfolioTotals(of: portfolio))
        #expect(json["totals"]?["alike"]?.elements?.count == 1)
    }

    @Test func theFourStatesReachProgramsAndPeople() throws {
        var figures = StatementFigures()
        figures.set(ReportedFigure(.equity, field: "a", .absent, unit: "USD"))
        figures.set(ReportedFigure(.available, field: "b", .empty, unit: "USD"))
        figures.set(ReportedFigure(.initialMargin, field: "c", .null, unit: "USD"))
        figures.set(ReportedFigure(.marginRatio, field: "d", Sample.value("0"), unit: "ratio"))
        let portfolio = Sample.portfolio([Sample.statement("a", figures: figures)])
        let json = portfolio.json(totals: PortfolioTotals(of: portfolio))["accounts"]?.elements?.first?[
            "figures"]
        let states = ["equity", "available", "initial_margin", "margin_ratio"].map {
            json?[$0]?["state"]?.text
        }
        #expect(states == ["absent", "empty", "null", "number"])
        #expect(json?["equity"]?["value"]?.isNull == true)
        #expect(json?["available"]?["value"]?.text == "")
        #expect(json?["initial_margin"]?["value"]?.isNull == true)
        #expect(json?["margin_ratio"]?["value"]?.text == "0")
        let row = try #require(portfolio.tables(totals: PortfolioTotals(of: portfolio)).first?.rows.first)
        #expect(row.contains("\"\"") && row.contains("null") && row.contains("0"))
        let lines = portfolio.csv.split(separator: "\r\n")
        #expect(lines.count == 5)
        #expect(lines[1].hasSuffix("equity,,absent,USD,a,false,false,,false"))
        #expect(lines[4].hasSuffix("margin_ratio,0,number,ratio,d,false,false,,false"))
    }

    @Test func theAgeIsByTheVenuesTimeWhereItSaysOne() {
        let portfolio = Sample.portfolio([
            Sample.statement("a"), Sample.statement("b", venueTime: 900_000),
            Sample.statement("c", venueTime: 2_000_000),
        ])
        #expect(portfolio.statements.map { portfolio.age(of: $0) } == [500, 100_500, 0])
    }

    @Test func anAccountThatWasNotReadIsAGap() throws {
        let read = Sample.statement("a", figures: Sample.figures((.equity, "100.5", "USD")))
        let total = try #require(sum(Sample.portfolio([read], failed: [Sample.failure("b", .unavailable)])))
        #expect(try total.value == ExactDecimal("100.5"))
        #expect(!total.isWhole)
        #expect(total.gaps.map(\.account) == ["b"])
        #expect(total.gaps.first?.reason == "it was not read")
    }

    @Test func aCallThatIsMissingMakesNoGap() throws {
        let statement = Sample.statement("a", figures: Sample.figures((.equity, "1", "USD")))
        let reading = AccountReading.read(
            AccountRead(
                statements: [statement], permissions: nil, missing: [Sample.failure("a", .unavailable)],
                bodies: []))
        let portfolio = Portfolio([reading], takenAt: 1)
        #expect(portfolio.outcome == .partial)
        #expect(try #require(sum(portfolio)).isWhole)
    }

    @Test func subaccountsThatWereNotReadAreAGap() throws {
        let statement = Sample.statement("a", figures: Sample.figures((.equity, "1", "USD")))
        let failure = AccountFailure(
            account: "a", venue: VenueName(rawValue: "crypto-com"), call: "subaccount-balances",
            role: .subaccounts, error: ReadingError(.unavailable, "It did not work."))
        let portfolio = Portfolio(
            [.read(AccountRead(statements: [statement], missing: [failure], bodies: []))], takenAt: 1)
        let total = try #require(sum(portfolio))
        #expect(try total.value == ExactDecimal("1"))
        #expect(!total.isWhole)
        #expect(total.gaps.map(\.reason) == ["its sub-accounts were not read"])
        #expect(portfolio.outcome == .partial)
    }

    @Test(arguments: [
        (ReadingError.Kind.withheld, true), (.permission, false), (.refused, false), (.unavailable, false),
        (.authentication, false),
    ])
    func onlyWhatAVenueKeepsForOtherKeysIsWithheld(_ kind: ReadingError.Kind, _ isWithheld: Bool) {
        let portfolio = Portfolio(
            [
                .read(
                    AccountRead(
                        statements: [Sample.statement("a")], missing: [Sample.failure("a", kind)], bodies: [])
                )
            ], takenAt: 1)
        #expect(portfolio.withheld.isEmpty == !isWithheld)
        #expect(portfolio.isWhole == isWithheld)
    }

    // MARK: - One account behind two keys

    private func twins(
        _ accounts: [(name: String, identifier: String?, environment: String)], venue: String = "okx"
    ) -> Portfolio {
        let read = accounts.map { account in
            AccountReading.read(
                AccountRead(
                    statements: [
                        Sample.statement(
                            account.name, venue: venue, figures: Sample.figures((.equity, "100", "USD")),
                            identifier: account.identifier)
                    ], bodies: [], environment: account.environment))
        }
        return Portfolio(read, takenAt: 1_000_500)
    }

    @Test func anAccountThatTwoKeysReadIsCountedOnce() throws {
        let portfolio = twins([("a", "7", ""), ("b", "8", ""), ("c", "7", "")])
        let totals = PortfolioTotals(of: portfolio)
        let total = try #require(totals.totals.first { $0.figure == .equity })
        #expect(try total.value == ExactDecimal("200"))
        #expect(total.isWhole)
        #expect(total.parts.map(\.account) == ["a", "b"])
        #expect(totals.repeated.map(\.account) == ["c"])
        #expect(totals.repeated.first?.sameAs == "a")
        #expect(portfolio.statements.count == 3)
        #expect(portfolio.isWhole)
        let json = portfolio.json(totals: totals)
        #expect(json["accounts"]?.elements?.map { $0["same_as"]?.text } == [nil, nil, "a"])
        #expect(json["totals"]?["repeated"]?.elements?.first?["uid"]?.text == "7")
        let table = try #require(portfolio.tables(totals: totals).first { $0.title.hasPrefix("Read twice") })
        #expect(table.rows == [["c", "okx", "a", "7"]])
        #expect(portfolio.csv.split(separator: "\r\n").last?.hasSuffix(",a,false") == true)
    }

    @Test func unknownIsNotTheSame() throws {
        for accounts in [
            [("a", nil, ""), ("b", nil, "")], [("a", "7", ""), ("b", nil, "")],
            // The same number in demo trading, or at a server of this machine, is another account.
            [("a", "7", ""), ("b", "7", " demo trading")],
            [("a", "7", "http://127.0.0.1:1"), ("b", "7", "http://127.0.0.1:2")],
        ] as [[(String, String?, String)]] {
            #expect(try sum(twins(accounts))?.value == ExactDecimal("200"))
        }
        let other = Sample.statement(
            "b", venue: "binance", figures: Sample.figures((.equity, "100", "USD")), identifier: "7")
        let mixed = Portfolio(
            twins([("a", "7", "")]).accounts.map { .read($0) }
                + [.read(AccountRead(statements: [other], bodies: []))], takenAt: 1)
        #expect(try sum(mixed)?.value == ExactDecimal("200"))
    }

    @Test func aSubaccountWithAKeyOfItsOwnIsCountedOnce() throws {
        func statement(_ name: String, _ identifier: String?) -> Statement {
            Sample.statement(
                name, venue: "crypto-com", figures: Sample.figures((.equity, "100", "USD")),
                identifier: identifier)
        }
        let portfolio = Portfolio(
            [
                .read(
                    AccountRead(
                        statements: [statement("main", nil), statement("main/u-1", "u-1")], bodies: [])),
                .read(AccountRead(statements: [statement("own", "u-1")], bodies: [])),
            ], takenAt: 1)
        #expect(try sum(portfolio)?.value == ExactDecimal("200"))
        #expect(portfolio.repeated.map(\.sameAs) == ["main/u-1"])
        // Two keys of one main account that nothing names are known by the sub-account that both have.
        let twice = Portfolio(
            ["main", "again"].map { name in
                .read(
                    AccountRead(
                        statements: [statement(name, nil), statement("\(name)/u-1", "u-1")], bodies: []))
            }, takenAt: 1)
        #expect(try sum(twice)?.value == ExactDecimal("200"))
        #expect(twice.repeated.map(\.account) == ["again", "again/u-1"])
        #expect(twice.repeated.map(\.sameAs) == ["main", "main/u-1"])
    }

    // MARK: - Totals of one asset alone

    /// An account whose own figure is that of USDT, as Binance has it in single-asset mode.
    private func partial(_ rows: [(asset: String, equity: String)]) -> Statement {
        var figures = StatementFigures()
        figures.set(
            ReportedFigure(
                .equity, field: "totalMarginBalance", Sample.value("10"), unit: "USDT", isPartial: true))
        return Sample.statement(
            "b", venue: "binance", figures: figures,
            assets: rows.map {
                AssetStatement(asset: $0.asset, figures: Sample.figures((.equity, $0.equity, $0.asset)))
            })
    }

    @Test func pricesOfAssetsThatLookAlikeAreTwo() throws {
        let names = ["caf\u{e9}", "cafe\u{301}"]
        let statement = partial([(names[0], "1"), (names[1], "1")])
        let prices: [ExactText: ExactDecimal] = [
            ExactText(names[0]): ExactDecimal(3), ExactText(names[1]): ExactDecimal(4),
        ]
        let total = try #require(sum(Sample.portfolio([statement], prices: prices)))
        #expect(total.value == ExactDecimal(7))
    }

    @Test func whereATotalIsThatOfOneAssetTheAssetsAreSummed() throws {
        let statement = partial([("USDT", "10"), ("USDC", "-2"), ("BTC", "0.001"), ("DOGE", "0")])
        let prices: [ExactText: ExactDecimal] = [
            "USDT": try ExactDecimal("0.999"), "USDC": try ExactDecimal("1.001"),
            "BTC": try ExactDecimal("60000"),
        ]
        let portfolio = Sample.portfolio([statement], prices: prices)
        let total = try #require(sum(portfolio))
        // 9.99 − 2.002 + 60
        #expect(try total.value == ExactDecimal("67.988"))
        #expect(total.isWhole)
        #expect(PortfolioTotals(of: portfolio).prices.map(\.asset) == ["USDT", "USDC", "BTC"])
        // The venue's own figure stays what it is.
        let json = portfolio.json(totals: PortfolioTotals(of: portfolio))["accounts"]?.elements?.first?[
            "figures"]?["equity"]
        #expect(json?["value"]?.text == "10")
        #expect(json?["partial"]?.boolean == true)
        #expect(
            portfolio.tables(totals: PortfolioTotals(of: portfolio)).first?.rows.first?.contains("10+")
                == true)
    }

    @Test func anAssetWithoutAPriceIsNamed() throws {
        let portfolio = Sample.portfolio(
            [partial([("USDT", "10"), ("BTC", "0.001")])], prices: ["USDT": try ExactDecimal("1")])
        let total = try #require(sum(portfolio))
        #expect(!total.isWhole)
        #expect(total.gaps.first?.reason == "no price of BTC is known; set one under prices")
        let nothing = try #require(sum(Sample.portfolio([partial([])])))
        #expect(nothing.value == nil && !nothing.isWhole)
    }

    @Test func theOutcomeTellsScriptsWhatCameOfIt() {
        let read = Sample.statement("a")
        #expect(Sample.portfolio([read]).outcome == .whole)
        #expect(Sample.portfolio([read], failed: [Sample.failure("b", .unavailable)]).outcome == .partial)
        #expect(
            Sample.portfolio([], failed: [Sample.failure("b", .permission)]).outcome == .nothing(.permission))
    }
}
