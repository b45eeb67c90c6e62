import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import CryptoCom

/// What is said about the figures holds of the figures, and is what the page of the venue says.
@Suite("Facts")
struct FactsTests {
    private static let switches = [false, true]

    private static var accountModes: [AccountMode] {
        WireProfile.allCases.flatMap { profile in
            switches.map { isRecorded in
                var mode = AccountMode(profile: profile)
                mode.reserve.isRecorded = isRecorded
                mode.hasPosition = isRecorded
                return mode
            }
        }
    }

    private static var rowModes: [RowMode] {
        WireProfile.allCases.flatMap { profile in
            switches.flatMap { isCollateral in
                switches.map { isSpecial in
                    var mode = RowMode(profile: profile)
                    mode.isCollateral = isCollateral
                    mode.haircutGrows = isSpecial
                    mode.hasCap = isSpecial
                    mode.showsLocked = isSpecial
                    mode.isUncommon = isSpecial
                    mode.price = isSpecial ? .dollar : .reference
                    return mode
                }
            }
        }
    }

    @Test func haveNoFaults() {
        #expect(FigureFaults.found(in: AccountFigure.self, modes: Self.accountModes) == [])
        #expect(FigureFaults.found(in: RowFigure.self, modes: Self.rowModes) == [])
        #expect(
            FigureFaults.found(
                in: IsolatedFigure.self, modes: WireProfile.allCases.map { IsolatedMode(profile: $0) }) == [])
        #expect(FigureFaults.found(in: IsolatedRowFigure.self, modes: [()]) == [])
        #expect(FigureFaults.found(in: PositionFigure.self, modes: [()]) == [])
        #expect(FigureFaults.found(in: ExposureFigure.self, modes: ExposureGroup.allCases) == [])
        #expect(
            FigureFaults.found(in: OrderFigure.self, modes: [OrderMode(), OrderMode(isContract: false)]) == []
        )
        #expect(FigureFaults.found(in: MarkFigure.self, modes: [MarkMode(), MarkMode(isGiven: false)]) == [])
        #expect(FigureFaults.found(in: ActivityFigure.self, modes: [()]) == [])
    }

    @Test func holdOfTheFigures() throws {
        var generator = SeededGenerator()
        for profile in WireProfile.allCases {
            for _ in 0..<40 {
                let (prices, others) = PropertyTests.commands(&generator)
                let world = try makeWorld(profile, [prices] + others)
                let snapshot = try #require(world.snapshot(of: "desk"))
                let figures = try world.model.figures(of: snapshot)
                let comment: Comment = "seed \(generator.seed), \(profile)"
                try check(figures, comment)
                for row in figures.rows { try check(row, comment) }
                for position in figures.isolated {
                    try check(position, comment)
                    try check(position.row, comment)
                }
                for position in figures.positions {
                    try position.take(world.model.rules(at: snapshot.at))
                    try check(position, comment)
                }
                for exposure in figures.underlyings + figures.isolatedInstruments {
                    try check(exposure, comment)
                }
            }
        }
    }

    /// No figure asks for itself, what is not signed is not below zero, and what is printed has no more
    /// places than its form.
    private func check<Figure: FigureKey>(_ table: FigureTable<Figure>, _ comment: Comment) throws {
        #expect(FigureFaults.selfReaders(of: table) == [], comment)
        for figure in Figure.allCases where table.isThere(figure) {
            guard let facts = table.facts(of: figure), facts.isShown else { continue }
            let printed = try table.decimal(figure)
            #expect(facts.isSigned || !printed.isNegative, "\(figure.rawValue), \(comment)")
            #expect(printed.fractionDigits <= facts.form.places, "\(figure.rawValue), \(comment)")
        }
    }

    /// `MARGINALIA_WRITE_FIELD_TABLES=1 swift test --filter FactsTests` writes the page's tables anew.
    @Test func pageHasTheTables() throws {
        var shown = RowMode(profile: .live)
        shown.showsLocked = true
        let live = "`live`"
        let tables = [
            "account": FieldTable.markdown(
                of: AccountFigure.self, AccountMode(profile: .documented),
                [(live, AccountMode(profile: .live))]),
            "row": FieldTable.markdown(
                of: RowFigure.self, RowMode(profile: .documented), [(live, shown)]),
            "isolated position": FieldTable.markdown(of: IsolatedFigure.self, IsolatedMode(profile: .live)),
            "position": FieldTable.markdown(of: PositionFigure.self, ()),
        ]
        #expect(try differingTables(tables, on: "crypto-com.md") == [])
    }
}
