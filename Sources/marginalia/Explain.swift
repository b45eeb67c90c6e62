import ArgumentParser
import JSON
import Server

/// `marginalia explain`: why a figure is what it is, as a tree down to events, prices and rules.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explains the figures of an account.",
        discussion: "Example: marginalia explain desk totalMarginBalance --token TOKEN")

    @Argument(help: "The account.")
    var account: String

    @Argument(
        help: "A figure's name, such as eq, or its path, such as details.USDT.eq; all figures if left out.")
    var field: String?

    @Option(
        help: ArgumentHelp(
            "The figures of a past time, ISO 8601 or milliseconds since 1970.", valueName: "time"))
    var asOf: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        let base = "/admin/v1/accounts/\(OperatorConnection.pathPart(account))/explain"
        let past = try Measures.time("--as-of", asOf).map { "as_of=\($0)" }
        let named = field.map { "field=\(OperatorConnection.pathPart($0))" }
        let wanted = try await connection.use { connection in
            let wanted = try await connection.call("GET", Self.path(base, [named, past])).body
            // The tree goes down into figures that were not asked for.
            let all = field == nil ? wanted : try await connection.call("GET", Self.path(base, [past])).body
            return (wanted, all)
        }
        if connection.json {
            print(wanted.0)
            return
        }
        let tree = ExplanationTree(figures: wanted.1["figures"]?.elements ?? [])
        print("\(wanted.0.shown("account")) at \(wanted.0.shown("venue"))")
        if let rulebook = wanted.0["rulebook"] {
            print("rules of \(rulebook.shown("effective")), read on \(rulebook.shown("read_on")):")
            print("  \(rulebook.shown("source"))")
        }
        for figure in wanted.0["figures"]?.elements ?? [] {
            print("")
            tree.show(figure, depth: field == nil ? 0 : ExplanationTree.maximumDepth)
        }
    }

    private static func path(_ base: String, _ query: [String?]) -> String {
        let parts = query.compactMap { $0 }
        return parts.isEmpty ? base : base + "?" + parts.joined(separator: "&")
    }
}

/// Shows figures with what they are made of, indented.
struct ExplanationTree {
    /// Deeper than any venue's figures go; a guard against a figure that names itself.
    static let maximumDepth = 12

    private let byPath: [ExactText: JSONValue]

    init(figures: [JSONValue]) {
        byPath = Dictionary(figures.map { (ExactText($0.shown("path")), $0) }) { first, _ in first }
    }

    /// Prints a figure, and below it its inputs as deep as asked for.
    func show(_ figure: JSONValue, depth: Int, indent: String = "") {
        let figureLine = "\(figure.shown("path")) = \(figure.shown("value"))"
        print("\(indent)\(figureLine)   [\(figure.shown("status"))]")
        let rounding = figure.shown("rounding")
        print("\(indent)  = \(figure.shown("formula"))" + (rounding.isEmpty ? "" : ", \(rounding)"))
        print("\(indent)  source: \(figure.shown("source"))")
        for input in figure["inputs"]?.elements ?? [] {
            let path = input.shown("path")
            if depth > 1, !path.isEmpty, path != figure.shown("path"), let inner = byPath[ExactText(path)] {
                show(inner, depth: depth - 1, indent: indent + "    ")
            } else {
                let fact = "\(input.shown("name")) = \(input.shown("value"))"
                print("\(indent)    \(fact)   (\(input.shown("origin")))")
            }
        }
    }
}
