import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// What is said about the figures holds of the figures, and is what the page of the venue says.
@Suite("Facts")
struct FactsTests {
    private static let marketModes = WireProfile.allCases.flatMap { profile in
        [false, true].flatMap { isIsolated in
            [false, true].map {
                MarketMode(profile: profile, isIsolated: isIsolated, isPriceGiven: $0)
            }
        }
    }

    @Test func haveNoFaults() {
        #expect(FigureFaults.found(in: AccountFigure.self, modes: WireProfile.allCases) == [])
        #expect(FigureFaults.found(in: MarketFigure.self, modes: Self.marketModes) == [])
        #expect(FigureFaults.found(in: PositionFigure.self, modes: WireProfile.allCases) == [])
        #expect(FigureFaults.found(in: OrderFigure.self, modes: [()]) == [])
    }

    @Test(arguments: 1...30)
    func holdOfTheFigures(seed: Int) throws {
        for profile in WireProfile.allCases {
            let figures = try madeWorld(seed: seed, profile).figures()
            #expect(FigureFaults.selfReaders(of: figures) == [])
            try check(figures, "seed \(seed), \(profile)")
            for market in figures.markets {
                #expect(FigureFaults.selfReaders(of: market) == [])
                try check(market, "seed \(seed), \(profile), \(market.market)")
            }
            withExtendedLifetime(figures) {}
        }
    }

    /// What is not signed is not below zero, and what is printed has no more places than its form.
    private func check<Figure: FigureKey>(_ table: FigureTable<Figure>, _ comment: Comment) throws {
        for figure in Figure.allCases where table.isThere(figure) {
            guard let facts = figure.facts(in: table.mode), facts.isShown else { continue }
            let printed = try table.decimal(figure)
            #expect(facts.isSigned || !printed.isNegative, "\(figure.rawValue), \(comment)")
            #expect(printed.fractionDigits <= facts.form.places, "\(figure.rawValue), \(comment)")
        }
    }

    /// `MARGINALIA_WRITE_FIELD_TABLES=1 swift test --filter FactsTests` writes the page's tables anew.
    @Test func pageHasTheTables() throws {
        let live = "`live`"
        let tables = [
            "account": FieldTable.markdown(of: AccountFigure.self, .documented, [(live, .live)]),
            "market": FieldTable.markdown(
                of: MarketFigure.self, MarketMode(profile: .documented),
                [
                    (live, MarketMode(profile: .live)),
                    ("isolated", MarketMode(profile: .documented, isIsolated: true)),
                    ("isolated, \(live)", MarketMode(profile: .live, isIsolated: true)),
                ]),
            "position": FieldTable.markdown(of: PositionFigure.self, .documented),
        ]
        #expect(try differingTables(tables, on: "rails.md") == [])
    }
}
