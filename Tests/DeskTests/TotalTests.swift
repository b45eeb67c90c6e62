import JSON
import Ledger
import Numbers
import Testing
import Venue

@testable import Desk

/// Sums over accounts, and what is kept out of them.
struct TotalTests {
    private func sum(
        _ book: Book, _ figure: CommonFigure = .equity, in asset: String = "USD"
    ) -> BookTotal? {
        BookTotals(of: book, in: asset).totals.first { $0.figure == figure }
    }

    @Test func dollarsAndPricedAssetsAreSummed() throws {
        let book = Sample.book([
            Sample.statement("a", figures: Sample.figures((.equity, "100.5", "USD"))),
            Sample.statement(
                "b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT")),
                assets: [AssetStatement(asset: "USDT", figures: Sample.figures((.index, "1.0001", "USD")))]),
        ])
        let total = try #require(sum(book))
        #expect(try total.value == ExactDecimal("110.501"))
        #expect(total.isWhole)
        let prices = BookTotals(of: book).prices
        #expect(prices.map(\.asset) == ["USDT"])
        #expect(prices.first?.origin == .reported)
        #expect(prices.first?.account == "b")
    }

    @Test func aStablecoinWithoutAPriceIsNoDollar() throws {
        let book = Sample.book([
            Sample.statement("a", figures: Sample.figures((.equity, "100", "USD"))),
            Sample.statement("b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT"))),
        ])
        let total = try #require(sum(book))
        #expect(try total.value == ExactDecimal("100"))
        #expect(total.gaps.map(\.account) == ["b"])
        #expect(total.gaps.first?.reason.contains("no price of USDT") == true)
        #expect(!total.isWhole)

        let priced = Sample.book(book.statements, prices: ["USDT": try ExactDecimal("0.99")])
        #expect(try sum(priced)?.value == ExactDecimal("109.9"))
    }

    @Test func aPriceOfAnotherVenueServesWhereTheOwnHasNone() throws {
        let book = Sample.book([
            Sample.statement("b", venue: "binance", figures: Sample.figures((.equity, "10", "USDT"))),
            Sample.statement(
                "a", figures: Sample.figures((.equity, "1", "USD")),
                assets: [
                    AssetStatement(
                        asset: "USDT",
                        figures: Sample.figures((.equity, "4", "USDT"), (.equityUSD, "2", "USD")))
                ]),
        ])
        #expect(try sum(book)?.value == ExactDecimal("6"))
        let price = try #require(BookTotals(of: book).prices.first)
        #expect(price.origin == .derived)
        #expect(price.field == "x.equity_usd / x.equity")
    }

    @Test func anotherAsset() throws {
        let book = Sample.book([
            Sample.statement(
                "a", figures: Sample.figures((.equity, "100", "USD")),
                assets: [AssetStatement(asset: "BTC", figures: Sample.figures((.index, "40000", "USD")))])
        ])
        #expect(try sum(book, in: "BTC")?.value == ExactDecimal("0.0025"))
        let unknown = try #require(sum(book, in: "XYZ"))
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
        let book = Sample.book([Sample.statement("a", assets: rows)])
        let total = try #require(sum(book, .available))
        #expect(total.value == nil)
        #expect(total.gaps.first?.reason.contains("shared") == true)
    }

    @Test(arguments: [
        (ReportedValue.absent, "absent"), (.empty, "empty"), (.null, "null"),
        (.unheld(text: "1e99"), "unheld"),
        (.other(text: "x"), "other"),
    ])
    func whatIsNoNumberIsNoZero(_ value: ReportedValue, _ state: String) throws {
        var figures = StatementFigures()
        figures.set(ReportedFigure(.equity, field: "f", value, unit: "USD"))
        let total = try #require(sum(Sample.book([Sample.statement("a", figures: figures)])))
        #expect(total.value == nil)
        #expect(total.gaps.first?.reason == "f is \(state)")
    }

    @Test func anAccountThatReportsNoEquityIsItsWalletAndItsPositions() throws {
        func statement(_ positions: [PositionStatement], maintenance: String) -> Statement {
            Sample.statement(
                "r", venue: "rails",
                figures: Sample.figures((.wallet, "100", "USD"), (.maintenanceMargin, maintenance, "USD")),
                positions: positions)
        }
        let position = PositionStatement(
            instrument: "BTC-USD", figures: Sample.figures((.unrealisedProfit, "-7.5", "USD")))
        #expect(
            try sum(Sample.book([statement([position], maintenance: "3")]))?.value == ExactDecimal("92.5"))
        #expect(try sum(Sample.book([statement([], maintenance: "0")]))?.value == ExactDecimal("100"))
        // A margin is in use, so there are positions that were not read.
        #expect(sum(Sample.book([statement([], maintenance: "3")]))?.value == nil)
        let unknown = PositionStatement(instrument: "ETH-USD")
        #expect(sum(Sample.book([statement([position, unknown], maintenance: "3")]))?.value == nil)
    }

    @Test func theFourStatesReachProgramsAndPeople() throws {
        var figures = StatementFigures()
        figures.set(ReportedFigure(.equity, field: "a", .absent, unit: "USD"))
        figures.set(ReportedFigure(.available, field: "b", .empty, unit: "USD"))
        figures.set(ReportedFigure(.initialMargin, field: "c", .null, unit: "USD"))
        figures.set(ReportedFigure(.marginRatio, field: "d", Sample.value("0"), unit: "ratio"))
        let book = Sample.book([Sample.statement("a", figures: figures)])
        let json = book.json(totals: BookTotals(of: book))["accounts"]?.elements?.first?["figures"]
        let states = ["equity", "available", "initial_margin", "margin_ratio"].map {
            json?[$0]?["state"]?.text
        }
        #expect(states == ["absent", "empty", "null", "number"])
        #expect(json?["equity"]?["value"]?.isNull == true)
        #expect(json?["available"]?["value"]?.text == "")
        #expect(json?["initial_margin"]?["value"]?.isNull == true)
        #expect(json?["margin_ratio"]?["value"]?.text == "0")
        let row = try #require(book.tables(totals: BookTotals(of: book)).first?.rows.first)
        #expect(row.contains("\"\"") && row.contains("null") && row.contains("0"))
        let lines = book.csv.split(separator: "\r\n")
        #expect(lines.count == 5)
        #expect(lines[1].hasSuffix("equity,,absent,USD,a,false"))
        #expect(lines[4].hasSuffix("margin_ratio,0,number,ratio,d,false"))
    }

    @Test func theAgeIsByTheVenuesTimeWhereItSaysOne() {
        let book = Sample.book([
            Sample.statement("a"), Sample.statement("b", venueTime: 900_000),
            Sample.statement("c", venueTime: 2_000_000),
        ])
        #expect(book.statements.map { book.age(of: $0) } == [500, 100_500, 0])
    }

    @Test func anAccountThatWasNotReadIsAGap() throws {
        let read = Sample.statement("a", figures: Sample.figures((.equity, "100.5", "USD")))
        let total = try #require(sum(Sample.book([read], failed: [Sample.failure("b", .unavailable)])))
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
        let book = Book([reading], takenAt: 1)
        #expect(book.outcome == .partial)
        #expect(try #require(sum(book)).isWhole)
    }

    @Test func theOutcomeTellsScriptsWhatCameOfIt() {
        let read = Sample.statement("a")
        #expect(Sample.book([read]).outcome == .whole)
        #expect(Sample.book([read], failed: [Sample.failure("b", .unavailable)]).outcome == .partial)
        #expect(Sample.book([], failed: [Sample.failure("b", .permission)]).outcome == .nothing(.permission))
    }
}
