import ArgumentParser
import Desk
import Foundation
import JSON
import Ledger
import Numbers
import Logging
import Server
import Venue

/// `marginalia rehost`: the same accounts under another venue's rules.
struct Rehost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what accounts would come to under another venue's rules; nothing is stored.",
        discussion: """
            Example: marginalia rehost --config desk.yaml --account treasury --to okx --setting mode=portfolio
            Assets and perpetuals are matched by name and coin; the table says what became of each, and what \
            was assumed or left out. The other venue's rules of today are used: the built-in ones, or \
            those of --rulebook.
            Exit status: 0 all was read, 2 some of it, 69 nothing.
            """)

    @OptionGroup var source: DeskSource
    @OptionGroup var rulebook: RulebookSource

    @Option(help: ArgumentHelp("The other venue.", valueName: "venue"))
    var to: String

    @Option(
        help: ArgumentHelp("A setting of the account there; repeatable.", valueName: "name=value"))
    var setting: [String] = []

    @Flag(help: "Writes JSON for programs.")
    var json = false

    /// The figures that stand beside each other.
    private static let figures: [CommonFigure] = [
        .equity, .equityUSD, .wallet, .available, .initialMargin, .maintenanceMargin, .marginRatio, .leverage,
        .unrealizedProfit,
    ]

    func run() async throws {
        let settings = try setting.map { try Self.setting($0) }
        let configuration = try source.configuration()
        let rulebooks = try rulebook.files()
        let readers = try RulebookSource.readers(by: rulebooks)
        let target: any VenueClient
        do {
            target = try readers.reader(of: VenueName(rawValue: to))
        } catch {
            throw ProgramError(error)
        }
        let portfolio = try await source.read(configuration, by: readers)
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: .warning, format: .text) }
        var found: [JSONValue] = []
        for (place, statement) in portfolio.statements.enumerated() {
            let reader = try readers.reader(
                of: statement.venue, profile: configuration.profile(of: statement))
            let crossed = try CrossVenue(
                statement, by: reader, to: target, settings: settings, as: "account-\(place)")
            let result = try await Self.outcome(of: crossed, as: "account-\(place)", target, rulebooks)
            if json {
                found.append(Self.json(crossed, statement, result))
            } else {
                Self.show(crossed, statement, result)
            }
        }
        if json { print(JSONValue.array(found)) }
        try DeskExit.check(portfolio)
    }

    private static func setting(_ text: String) throws -> (key: String, value: JSONValue) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ValidationError("--setting takes NAME=VALUE, such as mode=portfolio, not \(text)")
        }
        let value = String(parts[1])
        switch value {
        case "true": return (String(parts[0]), .bool(true))
        case "false": return (String(parts[0]), .bool(false))
        default: return (String(parts[0]), .string(value))
        }
    }

    // MARK: - Working it out

    /// The account at the other venue, and what that venue refused of it.
    private struct Outcome {
        let statement: Statement?
        let refusals: [String]
    }

    private static func outcome(
        of crossed: CrossVenue, as name: String, _ target: any VenueClient, _ rulebooks: [RulebookFile]
    ) async throws -> Outcome {
        let ledger = try await OperatorConnection(
            store: .memory, rulebooks: rulebooks, logger: Logger(label: "marginalia"))
        let answer = try await ledger.call(
            "POST", "/admin/v1/commands", body: Array(JSONValue.array(crossed.commands).description.utf8))
        let refusals = (answer.body["results"]?.elements ?? []).compactMap { $0["error"]?["message"]?.text }
        let body = try await ledger.send("GET", "/admin/v1/accounts/\(name)/statement")
        guard body.status == 200 else {
            await ledger.close()
            return Outcome(statement: nil, refusals: refusals + [body.body.shown("detail")])
        }
        let answers = try await self.answers(of: name, in: ledger, target)
        await ledger.close()
        return Outcome(
            statement: try target.statements(from: answers, account: name).first, refusals: refusals)
    }

    /// Everything that reading the account takes, as its venue answers it: what it is worth may be in several
    /// answers.
    private static func answers(
        of name: String, in ledger: OperatorConnection, _ target: any VenueClient
    ) async throws -> [RecordedBody] {
        let key = try await ledger.call(
            "POST", "/admin/v1/accounts/\(name)/keys", body: Array(#"{"permissions":["read"]}"#.utf8)
        ).body
        let credentials = Credentials(
            apiKey: key.shown("api_key"), secret: key.shown("secret"), passphrase: key["passphrase"]?.text)
        var token: String?
        var bodies: [RecordedBody] = []
        for call in type(of: target).calls where call.purpose != .time {
            let request = try target.request(
                for: call, credentials: credentials, token: token,
                at: Int64(Date().timeIntervalSince1970 * 1000))
            let answer = try await ledger.answer(to: request, at: target.name)
            guard case .success = target.verdict(on: answer, to: call) else { continue }
            if call.purpose == .token {
                token = target.token(in: answer)?.text
            } else {
                bodies.append(RecordedBody(call: call.name, bytes: answer.body, takenAt: answer.takenAt))
            }
        }
        return bodies
    }

    // MARK: - Showing

    private static func cell(_ figures: StatementFigures?, _ figure: CommonFigure) -> String {
        guard let reported = figures?[figure] else { return "-" }
        return reported.value.shown + (reported.isPartial ? "+" : "")
            + (reported.unit == "ratio" ? "" : " \(reported.unit)")
    }

    /// What the answers do not tell of the account, so that it cannot be taken over.
    private static func lacks(of statement: Statement) -> [String] {
        [statement.lackOfAssets, statement.figures[.equity]?.lack ?? ""].filter { !$0.isEmpty }
    }

    private static func show(_ crossed: CrossVenue, _ statement: Statement, _ outcome: Outcome) {
        print("\(crossed.account): \(crossed.from) as \(crossed.to)")
        printTable(
            ["FIGURE", "AT \(crossed.from)".uppercased(), "AT \(crossed.to)".uppercased()],
            figures.map {
                [$0.rawValue, cell(statement.figures, $0), cell(outcome.statement?.figures, $0)]
            })
        print("")
        printTable(
            ["ASSET OR INSTRUMENT", "AMOUNT", "BECOMES", "AMOUNT", "REMARK"],
            crossed.mappings.map {
                [
                    $0.source, $0.amount?.description ?? "-", $0.target ?? "-",
                    $0.targetAmount?.description ?? "-",
                    $0.remark,
                ]
            })
        for lack in lacks(of: statement) { print("incomplete: \(lack)") }
        for refusal in outcome.refusals { print("refused: \(refusal)") }
        print("")
    }

    private static func json(
        _ crossed: CrossVenue, _ statement: Statement, _ outcome: Outcome
    ) -> JSONValue {
        func figure(_ figures: StatementFigures?, _ figure: CommonFigure) -> JSONValue {
            guard let reported = figures?[figure] else { return .null }
            return .object(
                JSONObject([
                    ("value", .string(reported.value.shown)), ("unit", .string(reported.unit)),
                    ("field", .string(reported.field)), ("partial", .bool(reported.isPartial)),
                ]))
        }
        let rows = figures.map { name in
            JSONValue.object(
                JSONObject([
                    ("figure", .string(name.rawValue)), ("from", figure(statement.figures, name)),
                    ("to", figure(outcome.statement?.figures, name)),
                ]))
        }
        let mappings = crossed.mappings.map { mapping in
            JSONValue.object(
                JSONObject([
                    ("source", .string(mapping.source)),
                    ("amount", mapping.amount.map { .string($0.description) } ?? .null),
                    ("target", mapping.target.map { .string($0) } ?? .null),
                    ("target_amount", mapping.targetAmount.map { .string($0.description) } ?? .null),
                    ("remark", .string(mapping.remark)),
                ]))
        }
        return .object(
            JSONObject([
                ("account", .string(crossed.account)), ("from", .string(crossed.from.rawValue)),
                ("to", .string(crossed.to.rawValue)), ("figures", .array(rows)),
                ("mappings", .array(mappings)),
                ("incomplete", .array(lacks(of: statement).map { .string($0) })),
                ("refused", .array(outcome.refusals.map { .string($0) })),
            ]))
    }
}
