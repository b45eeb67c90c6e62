import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

/// What is said about the figures holds of the figures, and is what the page of the venue says.
@Suite("Facts")
struct FactsTests {
    private static let positionModes = AccountMode.allCases.flatMap { account in
        let kinds: [PositionMode.Kind] = [.linear, .inverse, .pair(inBase: false), .pair(inBase: true)]
        return kinds.flatMap { kind in
            [false, true].flatMap { isLong in
                [false, true].map { isCross in
                    PositionMode(
                        account: account, kind: kind, isLong: isLong, isCross: isCross, settle: "USDT")
                }
            }
        }
    }

    private static let rowModes = AccountMode.allCases.flatMap { account in
        [false, true].flatMap { isCross in
            [false, true].flatMap { isPair in
                [false, true].map {
                    PositionRowMode(account: account, isCross: isCross, isPair: isPair, isPushed: $0)
                }
            }
        }
    }

    @Test func haveNoFaults() throws {
        #expect(FigureFaults.found(in: AccountFigure.self, modes: AccountMode.allCases) == [])
        let currencies = AccountMode.allCases.flatMap { mode in
            [false, true].map { CurrencyMode(account: mode, borrows: $0) }
        }
        #expect(FigureFaults.found(in: CurrencyFigure.self, modes: currencies) == [])
        #expect(FigureFaults.found(in: PositionFigure.self, modes: Self.positionModes) == [])
        #expect(FigureFaults.found(in: PositionRowFigure.self, modes: Self.rowModes) == [])
        #expect(FigureFaults.found(in: UnitFigure.self, modes: [()]) == [])
        let kinds: [OrderMode.Kind] = [
            .exchange, .linear, .inverse, .pair(inBase: false), .pair(inBase: true),
        ]
        for kind in kinds {
            let mode = OrderMode(
                kind: kind, currency: "USDT", isBuy: true, isCross: true, isFree: false, isPooled: false)
            #expect(FigureFaults.found(in: OrderFigure.self, modes: [mode]) == [])
        }
    }

    @Test(arguments: 1...20)
    func holdOfTheFigures(seed: UInt64) throws {
        for mode in AccountMode.allCases {
            let world = try PropertyTests.generate(seed, mode: mode)
            let snapshot = try #require(world.snapshot(of: "desk"))
            let figures = try world.model.figures(of: snapshot, world.model.rules(at: snapshot.at))
            try check(figures, "seed \(seed), \(mode)")
            for row in figures.rows {
                try row.takeRare()
                try check(row, "seed \(seed), \(mode), \(row.name)")
            }
            for position in figures.positions {
                try check(position, "seed \(seed), \(mode), \(position.name)")
            }
            for position in figures.positions {
                let row = try PositionRow(position, id: "1", last: nil)
                try check(row, "seed \(seed), \(mode), row of \(position.name)")
            }
            withExtendedLifetime(figures) {}
        }
    }

    /// What is not signed is not below zero, what is printed has no more places than its form, and no
    /// definition asks for itself.
    private func check<Figure: FigureKey>(_ table: FigureTable<Figure>, _ comment: Comment) throws {
        #expect(FigureFaults.selfReaders(of: table) == [], comment)
        for figure in Figure.allCases {
            guard let facts = figure.facts(in: table.mode), facts.isShown,
                let number = try table.ifThere(figure)
            else { continue }
            let printed = try facts.form.print(number)
            #expect(facts.isSigned || !printed.isNegative, "\(figure.rawValue), \(comment)")
            #expect(printed.fractionDigits <= facts.form.places, "\(figure.rawValue), \(comment)")
        }
    }

    /// `MARGINALIA_WRITE_FIELD_TABLES=1 swift test --filter FactsTests` writes the page's tables anew.
    @Test func pageHasTheTables() throws {
        func row(_ account: AccountMode, isCross: Bool, isPair: Bool) -> PositionRowMode {
            PositionRowMode(account: account, isCross: isCross, isPair: isPair)
        }
        let tables = [
            "account": FieldTable.markdown(
                of: AccountFigure.self, .multi,
                [("spot", .spot), ("futures", .futures), ("portfolio", .portfolio)]),
            "currency": FieldTable.markdown(
                of: CurrencyFigure.self, CurrencyMode(account: .multi),
                [
                    ("spot", CurrencyMode(account: .spot)),
                    ("spot without borrowing", CurrencyMode(account: .spot, borrows: false)),
                    ("futures", CurrencyMode(account: .futures)),
                    ("portfolio", CurrencyMode(account: .portfolio)),
                ]),
            "position": FieldTable.markdown(
                of: PositionRowFigure.self, row(.multi, isCross: true, isPair: false),
                [
                    ("isolated", row(.multi, isCross: false, isPair: false)),
                    ("futures", row(.futures, isCross: true, isPair: false)),
                    ("portfolio", row(.portfolio, isCross: true, isPair: false)),
                    ("pair, cross", row(.futures, isCross: true, isPair: true)),
                    ("pair, isolated", row(.multi, isCross: false, isPair: true)),
                ]),
        ]
        #expect(try differingTables(tables, on: "okx.md") == [])
    }
}
