import ArgumentParser
import Desk
import Foundation
import Server
import Venue

/// `marginalia watch`: reads again and again, shows the portfolio in place, and tells of limits that are
/// passed.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watches accounts and tells once of every limit that is passed.",
        discussion: """
            Example: marginalia watch --config desk.yaml --once --state watch.json
            The limits, and whom to tell, stand in the configuration under watch; docs/desk.md has them all. \
            With --once it reads once and ends; --state keeps what was told from one run to the next.
            Exit status with --once: 0 nothing is raised, 1 something is, 2 something could not be read, or \
            nobody could be told.
            """)

    @OptionGroup var source: DeskSource

    @Flag(help: "Reads once, tells, and ends.")
    var once = false

    @Option(
        help: ArgumentHelp("Keeps what was told, so that a later run does not repeat it.", valueName: "file"))
    var state: String?

    @Option(
        name: .customLong("in"),
        help: ArgumentHelp("The asset that totals are in.", valueName: "asset"))
    var unit = "USD"

    @Flag(help: "Writes a line of JSON for every reading: the alerts, and what changed.")
    var json = false

    func run() async throws {
        let configuration = try source.configuration()
        try await source.use(configuration) { desk, secrets, transport in
            let notifier = try Notifier(
                configuration.watch, secrets: secrets, transport: transport,
                retryPolicy: configuration.retryPolicy)
            try await watch(desk, configuration, notifier)
        }
    }

    private func watch(
        _ desk: Desk, _ configuration: DeskConfiguration, _ notifier: Notifier
    ) async throws {
        var memory = try kept()
        while true {
            let portfolio = await desk.read()
            let readings = portfolio.readings(of: configuration.watch.alerts)
            let events = memory.changes(to: readings, in: portfolio)
            show(portfolio, readings, events)
            var problems: [String] = []
            for event in events {
                let failed = await notifier.tell(event)
                // An alert that reached nobody is told again after the next reading.
                if !failed.isEmpty, failed.count == configuration.watch.notices.count { memory.undo(event) }
                problems += failed
            }
            for problem in problems { Terminal.tell(problem) }
            try keep(memory)
            if once {
                if readings.contains(where: { $0.state == .raised }) { throw DeskExit.found }
                try DeskExit.check(portfolio)
                let unknown = readings.filter { $0.state == .unknown }
                for reading in unknown { Terminal.tell(reading.sentence) }
                if !problems.isEmpty || !unknown.isEmpty { throw DeskExit.partial }
                return
            }
            try await Task.sleep(for: .milliseconds(configuration.watch.every))
        }
    }

    // MARK: - Showing

    private func show(_ portfolio: Portfolio, _ readings: [AlertReading], _ events: [AlertEvent]) {
        if json {
            return printNow(portfolio.watchJSON(readings: readings, events: events))
        }
        // On a terminal the last picture is replaced; elsewhere pictures follow each other.
        if !once { Terminal.clear() }
        var tables = portfolio.tables(totals: PortfolioTotals(of: portfolio, in: unit))
        tables.append(AlertReading.table(of: readings))
        marginalia.show(tables.filter { !$0.rows.isEmpty })
        for event in events { print("\(event.change.rawValue): \(event.sentence)") }
        fflush(nil)
    }

    // MARK: - Memory

    private func kept() throws -> AlertMemory {
        guard let state, let bytes = FileManager.default.contents(atPath: state) else { return AlertMemory() }
        guard let memory = AlertMemory(String(decoding: bytes, as: UTF8.self)) else {
            throw ProgramError(
                .badConfiguration, "The file \(state) was not written by watch: give another one in --state.")
        }
        return memory
    }

    private func keep(_ memory: AlertMemory) throws {
        guard let state else { return }
        do {
            try Data((memory.text + "\n").utf8).write(to: URL(fileURLWithPath: state), options: .atomic)
        } catch {
            throw ProgramError(
                .unavailable, "The file \(state) cannot be written: check the folder of --state.")
        }
    }
}
