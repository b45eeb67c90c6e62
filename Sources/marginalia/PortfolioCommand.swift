import ArgumentParser
import Desk
import Foundation
import JSON
import Server

/// `marginalia portfolio`: real accounts of all venues in one portfolio.
struct PortfolioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "portfolio",
        abstract: "Reads accounts at their venues and shows them as one book.",
        discussion: """
            Example: marginalia portfolio --config desk.yaml --json
            The configuration lists the accounts and where their keys are; docs/desk.md describes it.
            Exit status: 0 all was read, 2 some of it, 69 nothing, 77 a key is refused or lies open, 78 the \
            configuration cannot be used.
            """)

    @OptionGroup var source: DeskSource
    @OptionGroup var rulebook: RulebookSource

    @Option(
        name: .customLong("in"),
        help: ArgumentHelp(
            "The asset that totals are in, at the prices that the venues report.", valueName: "asset"))
    var unit = "USD"

    @Flag(help: "Writes JSON for programs.")
    var json = false

    @Flag(help: "Writes every figure as a line of comma-separated values.")
    var csv = false

    func validate() throws {
        if json, csv { throw ValidationError("Give either --json or --csv") }
        if unit.isEmpty { throw ValidationError("--in takes an asset, such as USD or BTC") }
    }

    func run() async throws {
        let readers = try rulebook.readers()
        let portfolio = try await source.read(try source.configuration(), by: readers)
        let totals = PortfolioTotals(of: portfolio, in: unit)
        if json {
            print(portfolio.json(totals: totals))
        } else if csv {
            printLines(portfolio.csv, ending: "\r\n")
        } else {
            show(portfolio.tables(totals: totals))
            if !portfolio.accounts.isEmpty {
                print("")
                print(Portfolio.legend)
            }
        }
        for twin in totals.repeated { Terminal.tell(twin.sentence) }
        for pair in totals.alike { Terminal.tell(pair.sentence) }
        try DeskExit.check(portfolio)
    }
}

/// Writes tables under each other.
func show(_ tables: [TextTable]) {
    for (place, table) in tables.enumerated() {
        if place > 0 { print("") }
        print(table.title)
        printTable(table.header, table.rows)
    }
}
