import ArgumentParser
import JSON
import Server

/// `marginalia stress`: what shocks would do to an account, or to all of them; nothing is stored.
struct Stress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows accounts under shocks of price, funding or rules.",
        discussion: """
            Example: marginalia stress desk --shock BTC=-10% --shock BTC=-20% --token TOKEN
            Without a shock, every position of the account is moved by 5 to 50 percent both ways.
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
                try await ReadBook(configuration: book, rulebook: rulebook).use { ledger, name in
                    try await answers(shocks, of: account.map(name), ledger)
                }
            } else {
                try await connection.use { try await answers(shocks, of: account, $0) }
            }
        if connection.json {
            print(account == nil ? JSONValue.array(found) : found.first ?? .null)
        } else {
            for answer in found { Self.show(answer) }
        }
    }

    private func answers(
        _ shocks: [JSONValue], of account: String?, _ connection: OperatorConnection
    ) async throws -> [JSONValue] {
        var accounts = [account].compactMap { $0 }
        var unknown = UnknownTargets(shocks)
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
            if let answer = try await answer(wanted, path + "/stress", connection, &unknown) {
                answers.append(answer)
            }
        }
        try unknown.tell()
        return answers
    }

    /// The answer of one account. Among all accounts a target may be one that another venue has: it is asked
    /// again without that one, and not at all where none is left.
    private func answer(
        _ shocks: [JSONValue], _ path: String, _ connection: OperatorConnection,
        _ unknown: inout UnknownTargets
    ) async throws -> JSONValue? {
        var wanted = shocks
        while !wanted.isEmpty {
            let body = JSONValue.members([("shocks", .array(wanted))])
            let answer = try await connection.send("POST", path, body: Array(body.description.utf8))
            if answer.isSuccess {
                unknown.areKnown(wanted)
                return answer.body
            }
            let refusal = OperatorConnection.error(of: answer)
            guard account == nil, answer.body["code"]?.text == "unknown_target",
                let place = Self.place(in: answer.body.shown("field")), wanted.indices.contains(place)
            else { throw refusal }
            unknown.isRefused(wanted.remove(at: place), refusal)
        }
        return nil
    }

    /// The number in a field such as `shocks[3].target`.
    private static func place(in field: String) -> Int? {
        Int(field.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" })
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

    /// Targets that the venues of some accounts do not know, and those of others do.
    private struct UnknownTargets {
        /// The shocks that no account has taken yet.
        private var untaken: Set<String>
        /// What was said of each that was refused.
        private var refusals: [(shock: String, error: ProgramError)] = []

        init(_ shocks: [JSONValue]) { untaken = Set(shocks.map(\.description)) }

        mutating func areKnown(_ shocks: [JSONValue]) { untaken.subtract(shocks.map(\.description)) }

        mutating func isRefused(_ shock: JSONValue, _ error: ProgramError) {
            if refusals.contains(where: { $0.error == error }) { return }
            refusals.append((shock.description, error))
        }

        /// Says what was left out, and where. Throws for a target that no venue knows.
        func tell() throws(ProgramError) {
            if let refused = refusals.first(where: { untaken.contains($0.shock) }) { throw refused.error }
            for refusal in refusals {
                Terminal.tell("\(refusal.error.message) Its accounts are shown without that.")
            }
        }
    }

    // MARK: - Showing

    private static func show(_ answer: JSONValue) {
        print("\(answer.shown("account")) at \(answer.shown("venue"))")
        var rows: [[String]] = []
        /// What is liquidated by now: "" for the account, else an isolated position.
        var liquidated: Set<String> = []
        func add(_ title: (target: String, change: String), _ result: JSONValue?, isShock: Bool) {
            let isolated = (result?["isolated"]?.elements ?? []).map { position in
                let side = position.shown("position_side")
                let name = position.shown("instrument") + (side == "net" ? "" : " \(side)")
                return (name: name, row: row("  isolated \(name)", "", position), margin: position)
            }
            let account = (
                name: "", row: row(title.target, title.change, result?["margin"]),
                margin: result?["margin"] ?? .null
            )
            for var line in [account] + isolated {
                let isLiquidated = line.margin["is_liquidated"]?.boolean == true
                // The first shock that liquidates is marked; what comes after it in the list need not be
                // worse.
                if isLiquidated, liquidated.insert(line.name).inserted, isShock {
                    line.row[line.row.count - 1] += "  <- first"
                }
                rows.append(line.row)
            }
        }
        add(("(now)", ""), answer["unshocked"], isShock: false)
        for shock in answer["shocks"]?.elements ?? [] { add(title(of: shock), shock, isShock: true) }
        printTable(["TARGET", "SHOCK", "EQUITY", "MAINTENANCE", "UNIT", "STATE"], rows)
    }

    private static func title(of shock: JSONValue) -> (target: String, change: String) {
        if shock["rules"] != nil { return ("(rules)", "") }
        let funding = shock.shown("funding")
        return (shock.shown("target"), funding.isEmpty ? shock.shown("change") : "funding \(funding)")
    }

    private static func row(_ target: String, _ change: String, _ margin: JSONValue?) -> [String] {
        guard let margin, margin.object != nil else {
            return [target, change, "-", "-", "", "no cross position"]
        }
        let isLiquidated = margin["is_liquidated"]?.boolean ?? false
        return [
            target, change, margin.shown("equity"), margin.shown("maintenance"), margin.shown("unit"),
            isLiquidated ? "liquidated" : "",
        ]
    }
}
