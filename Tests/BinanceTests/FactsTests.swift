import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Binance

/// What is said about the figures holds of the figures, and is what the page of the venue says.
@Suite("Facts")
struct FactsTests {
    private static let positionModes = MarginMode.allCases.flatMap { marginMode in
        [false, true].flatMap { isOpen in
            [false, true].map { isMore in
                PositionMode(
                    marginMode: marginMode, isOpen: isOpen, indexes: isMore ? ("BTC", "USDT") : nil,
                    hasOwnLeverage: isMore, hasOrders: isMore, hasFreeOrders: isMore,
                    isCoefficientSet: isMore, isShared: isMore, isPooled: isMore)
            }
        }
    }
    private static let assetModes = [false, true].flatMap { isMulti in
        [false, true].map {
            AssetRowMode(isMultiAssets: isMulti, isMargin: $0, isMarginSet: $0, hasIsolatedPositions: $0)
        }
    }
    private static let accountModes = [false, true].map { AccountMode(isMultiAssets: $0) }

    @Test func haveNoFaults() {
        #expect(FigureFaults.found(in: AccountFigure.self, modes: Self.accountModes) == [])
        #expect(FigureFaults.found(in: AssetFigure.self, modes: Self.assetModes) == [])
        #expect(FigureFaults.found(in: PositionFigure.self, modes: Self.positionModes) == [])
    }

    @Test(arguments: 1...30)
    func holdOfTheFigures(seed: Int) throws {
        let world = try GeneratedAccount(seed: UInt64(seed)).world
        let figures = try world.model.figures(of: try #require(world.snapshot(of: "desk")))
        try check(figures, "seed \(seed)")
        for row in figures.assets { try check(row, "seed \(seed), \(row.asset)") }
        for row in figures.positions { try check(row, "seed \(seed), \(row.name)") }
        withExtendedLifetime(figures) {}
    }

    /// No definition asks for itself, what is not signed is not below zero, what is printed has no more
    /// places than its form, and what the ledger gave is what its definition makes of it.
    private func check<Figure: FigureKey>(_ table: FigureTable<Figure>, _ comment: Comment) throws {
        #expect(FigureFaults.selfReaders(of: table) == [])
        for figure in Figure.allCases where table.isThere(figure) {
            guard let facts = figure.facts(in: table.mode), facts.isExplained else { continue }
            let printed = try table.decimal(figure)
            #expect(facts.isSigned || !printed.isNegative, "\(figure.rawValue), \(comment)")
            #expect(printed.fractionDigits <= facts.form.places, "\(figure.rawValue), \(comment)")
            #expect(
                try table.value(of: figure).exact == table[figure].exact, "\(figure.rawValue), \(comment)")
        }
    }

    /// `MARGINALIA_WRITE_FIELD_TABLES=1 swift test --filter FactsTests` writes the page's tables anew.
    @Test func pageHasTheTables() throws {
        let tables = [
            "account": FieldTable.markdown(
                of: AccountFigure.self, AccountMode(isMultiAssets: false),
                [("multi-assets", AccountMode(isMultiAssets: true))]),
            "asset": FieldTable.markdown(
                of: AssetFigure.self, AssetRowMode(isMultiAssets: false),
                [
                    ("multi-assets", AssetRowMode()),
                    (
                        "with isolated positions",
                        AssetRowMode(isMultiAssets: false, hasIsolatedPositions: true)
                    ),
                ]),
            "position": FieldTable.markdown(
                of: PositionFigure.self, PositionMode(),
                [
                    ("isolated", PositionMode(marginMode: .isolated)),
                    ("without a position", PositionMode(isOpen: false)),
                    ("hedge, multi-assets", PositionMode(isShared: true, isPooled: true)),
                ]),
        ]
        #expect(try differingTables(tables, on: "binance.md") == [])
    }
}
