import ArgumentParser
import JSON
import Server

/// `marginalia stress`: what shocks would do to an account, or to all of them; nothing is stored.
struct Stress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows accounts under shocks of price, funding or rules.",
        discussion: """
            Example: marginalia stress desk --shock BTC=-10% --shock BTC=-20% --token TOKEN
            Without a shock, every position of the account is moved by 5 to 50 per cent both ways.
            With --book, the accounts of a desk's configuration are read at their venues and put into a \
            ledger in memory; what had to be assumed for that is told on standard error.
            """)

    @Argument(help: "The account; every account if left out.")
    var account: String?

    @Option(
        help: ArgumentHelp(
            "An asset or instrument and its change, such as BTC=-10% (the same as -0.10); repeatable.",
            valueName: "target=change"))
    var shock: [String] = []

    @Option(
        help: ArgumentHelp(
            "An instrument and the rate of one funding payment, such as 0.01% (the same as 0.0001); "
                + "repeatable.",
            valueName: "target=rate"))
    var funding: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file with other values for the rules in force, as a rulebook spells them; repeatable.",
            valueName: "file"))
    var rules: [String] = []

    @Option(
        help: ArgumentHelp(
            "Takes real accounts instead: those of a desk's configuration.", valueName: "file"))
    var book: String?

    @OptionGroup var rulebook: RulebookSource
    @OptionGroup var connection: Connection

    func validate() throws {
        if book == nil, !rulebook.names.isEmpty {
            throw ValidationError("--rulebook goes with --book; a server takes its own from serve --rulebook")
        }
        if book != nil, connection.store != nil || connection.url != nil || connection.token != nil {
            throw ValidationError("Give either --book or a server or store")
        }
    }

    func run() async throws {
        let shocks =
            try shock.map { try Self.shock($0, "change") } + funding.map { try Self.shock($0, "funding") }
            + rules.map { file in
                let document = try SourceDocument(file: file, numbers: .kept, failure: .badData)
                return .members([("rules", document.value)])
            }
        let found =
            if let book {
                try await ReadBook(configuration: book, rulebook: rulebook).use {
                    try await answers(shocks, $0)
                }
            } else {
                try await connection.use { try await answers(shocks, $0) }
            }
        if connection.json {
            print(account == nil ? JSONValue.array(found) : found.first ?? .null)
        } else {
            for answer in found { Self.show(answer) }
        }
    }

    private func answers(
        _ shocks: [JSONValue], _ connection: OperatorConnection
    ) async throws -> [JSONValue] {
        var accounts = [account].compactMap { $0 }
        if accounts.isEmpty {
            let all = try await connection.call("GET", "/admin/v1/accounts").body
            accounts = (all["accounts"]?.elements ?? []).map { $0.shown("account") }
        }
        var answers: [JSONValue] = []
        for name in accounts {
            let path = "/admin/v1/accounts/\(OperatorConnection.pathPart(name))"
            let wanted =
                shocks.isEmpty ? Self.grid(of: try await connection.call("GET", path).body) : shocks
            if wanted.isEmpty {
                // Among all accounts, those without a position have nothing to be moved.
                if account == nil { continue }
                throw ValidationError("The account \(name) has no position; name a target with --shock")
            }
            let body = JSONValue.members([("shocks", .array(wanted))])
            let sent = Array(body.description.utf8)
            answers.append(try await connection.call("POST", path + "/stress", body: sent).body)
        }
        return answers
    }

    // MARK: - Shocks

    private static func shock(_ text: String, _ measure: String) throws -> JSONValue {
        let (target, share) = try Measures.share(
            text, option: measure == "change" ? "--shock" : "--funding")
        return shock(target, measure, share)
    }

    private static func shock(_ target: String, _ measure: String, _ number: String) -> JSONValue {
        .members([("target", .string(target)), (measure, .string(number))])
    }

    /// A grid over every instrument that the account has a position in.
    private static func grid(of account: JSONValue) -> [JSONValue] {
        var targets: [String] = []
        for position in account["positions"]?.elements ?? [] {
            let target = position.shown("instrument")
            if !targets.contains(target) { targets.append(target) }
        }
        let changes = ["-50%", "-20%", "-10%", "-5%", "5%", "10%", "20%", "50%"]
        return targets.flatMap { target in changes.map { shock(target, "change", $0) } }
    }

    // MARK: - Showing

    private static func show(_ answer: JSONValue) {
        print("\(answer.shown("account")) at \(answer.shown("venue"))")
        var rows = [row("(now)", "", answer["unshocked"])]
        var isLiquidated = answer["unshocked"]?["margin"]?["is_liquidated"]?.boolean ?? false
        for shock in answer["shocks"]?.elements ?? [] {
            var row = row(shock)
            // The first shock that liquidates is marked; what comes after it in the list need not be worse.
            if !isLiquidated, shock["margin"]?["is_liquidated"]?.boolean == true {
                isLiquidated = true
                row[row.count - 1] += "  <- first"
            }
            rows.append(row)
        }
        printTable(["TARGET", "SHOCK", "EQUITY", "MAINTENANCE", "UNIT", "STATE"], rows)
    }

    private static func row(_ shock: JSONValue) -> [String] {
        if shock["rules"] != nil { return row("(rules)", "", shock) }
        let funding = shock.shown("funding")
        return row(
            shock.shown("target"), funding.isEmpty ? shock.shown("change") : "funding \(funding)", shock)
    }

    private static func row(_ target: String, _ change: String, _ result: JSONValue?) -> [String] {
        let margin = result?["margin"]
        let isLiquidated = margin?["is_liquidated"]?.boolean ?? false
        return [
            target, change, margin?.shown("equity") ?? "", margin?.shown("maintenance") ?? "",
            margin?.shown("unit") ?? "", isLiquidated ? "liquidated" : "",
        ]
    }
}
