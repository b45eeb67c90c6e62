import ArgumentParser
import JSON
import Numbers
import Server

/// `marginalia stress`: what price shocks would do to an account; nothing is stored.
struct Stress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows an account under price shocks.",
        discussion: """
            Example: marginalia stress desk --shock BTC=-0.10 --shock BTC=-0.20 --token TOKEN
            Without --shock, every coin of the account's positions is moved by 5 to 50 per cent both ways.
            """)

    @Argument(help: "The account.")
    var account: String

    @Option(
        help: ArgumentHelp(
            "An asset or instrument and its relative change; repeatable.", valueName: "target=change"))
    var shock: [String] = []

    @OptionGroup var connection: Connection

    func run() async throws {
        let path = "/admin/v1/accounts/\(OperatorConnection.pathPart(account))"
        let answer = try await connection.use { connection in
            let shocks =
                shock.isEmpty
                ? try Self.grid(of: try await connection.call("GET", path).body, account: account)
                : try shock.map(Self.parse)
            let body = JSONValue.object(JSONObject([("shocks", .array(shocks))]))
            return try await connection.call("POST", path + "/stress", body: Array(body.description.utf8))
                .body
        }
        if connection.json {
            print(answer)
            return
        }
        print("\(answer.shown("account")) at \(answer.shown("venue"))")
        var rows = [Self.row("", "", answer["unshocked"])]
        var isLiquidated = answer["unshocked"]?["margin"]?["is_liquidated"]?.boolean ?? false
        for shock in answer["shocks"]?.elements ?? [] {
            var row = Self.row(shock.shown("target"), shock.shown("change"), shock)
            // The first shock that liquidates is marked; what comes after it in the list need not be worse.
            if !isLiquidated, shock["margin"]?["is_liquidated"]?.boolean == true {
                isLiquidated = true
                row[row.count - 1] += "  <- first"
            }
            rows.append(row)
        }
        printTable(["TARGET", "CHANGE", "EQUITY", "MAINTENANCE", "UNIT", "STATE"], rows)
    }

    private static func row(_ target: String, _ change: String, _ result: JSONValue?) -> [String] {
        let margin = result?["margin"]
        let isLiquidated = margin?["is_liquidated"]?.boolean ?? false
        return [
            target.isEmpty ? "(now)" : target, change, margin?.shown("equity") ?? "",
            margin?.shown("maintenance") ?? "",
            margin?.shown("unit") ?? "", isLiquidated ? "liquidated" : "",
        ]
    }

    private static func parse(_ text: String) throws -> JSONValue {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, (try? ExactDecimal(parts[1])) != nil else {
            throw ValidationError("--shock takes TARGET=CHANGE, such as BTC=-0.10, not \(text)")
        }
        return shock(String(parts[0]), String(parts[1]))
    }

    private static func shock(_ target: String, _ change: String) -> JSONValue {
        .object(JSONObject([("target", .string(target)), ("change", .string(change))]))
    }

    /// A grid over every instrument that the account has a position in.
    private static func grid(of account: JSONValue, account id: String) throws -> [JSONValue] {
        var targets: [String] = []
        for position in account["positions"]?.elements ?? [] {
            let target = position.shown("instrument")
            if !targets.contains(target) { targets.append(target) }
        }
        guard !targets.isEmpty else {
            throw ValidationError("The account \(id) has no position; name a target with --shock")
        }
        let changes = ["-0.50", "-0.20", "-0.10", "-0.05", "0.05", "0.10", "0.20", "0.50"]
        return targets.flatMap { target in changes.map { shock(target, $0) } }
    }
}
