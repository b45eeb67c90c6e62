import JSON
import Ledger
import Server
import Venue
import Venues

// The tools that there are. What a call takes and answers is the operator API's own, as docs/operator-api.md
// and /openapi.json have it.

extension OperatorTool {
    private static let account = Argument("account", "string", "The account.", isRequired: true)
    private static let asOf = Argument(
        "as_of", "string", "A past moment, ISO 8601 or milliseconds since 1970; now if left out.")

    /// What the venues' own account endpoints take besides, each name once.
    private static let accountParameters: [Argument] = {
        var words: [(name: String, about: [String])] = []
        for venue in Venues.servers {
            for (name, about) in venue.accountParameters {
                let about = "At \(venue.title): \(about)."
                if let place = words.firstIndex(where: { $0.name == name }) {
                    words[place].about.append(about)
                } else {
                    words.append((name, [about]))
                }
            }
        }
        return words.map { Argument($0.name, "string", $0.about.joined(separator: " ")) }
    }()

    /// Every tool.
    static let all = changing + reading + testing

    private static let changing = [
        OperatorTool(
            "apply_commands", aboutCommands,
            [
                Argument("commands", listOf: "object", "The commands, in order.", isRequired: true),
                Argument(
                    "atomic", "boolean", "All or none; without it the others go on where one is refused."),
            ]
        ) { given throws(ProgramError) in
            Request(
                method: "POST", path: "/admin/v1/commands" + given.query(["atomic"]), body: given["commands"])
        },
        OperatorTool(
            "set_prices", "Sets mark prices of instruments and USD prices of assets at a venue.",
            arguments(of: "prices")
        ) { given throws(ProgramError) in
            let command = given.body(adding: [("type", .string("prices"))])
            return Request(method: "POST", path: "/admin/v1/commands", body: .array([command]))
        },
        OperatorTool(
            "nudge_account", "Moves one mark until the account is at a share of its maintenance margin.",
            [account] + arguments(ofRequest: "NudgeRequest")
        ) { given throws(ProgramError) in
            Request(method: "POST", path: try given.account("/nudge"), body: given.body())
        },
        OperatorTool(
            "move_clock", "Moves the ledger's clock on, where it stands still.",
            arguments(ofRequest: "ClockRequest")
        ) { given throws(ProgramError) in
            Request(method: "PUT", path: "/admin/v1/clock", body: given.body())
        },
        OperatorTool(
            "issue_key", "Issues an API key of an account, for a client of the venue; shows its secret once.",
            [account] + arguments(ofRequest: "KeyRequest")
        ) { given throws(ProgramError) in
            Request(method: "POST", path: try given.account("/keys"), body: given.body())
        },
    ]

    private static let reading = [
        OperatorTool("list_accounts", "Lists every account in short.", [asOf], isReadOnly: true) {
            given throws(ProgramError) in
            Request(method: "GET", path: "/admin/v1/accounts" + given.query(["as_of"]))
        },
        OperatorTool(
            "read_account",
            "Reads the ledger's own state of an account: holdings, positions, orders, settings.",
            [account, asOf], isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "GET", path: try given.account(given.query(["as_of"])))
        },
        OperatorTool(
            "read_statement", "Reads what the venue's own account endpoint answers for an account.",
            [
                account, asOf,
            ] + accountParameters, isReadOnly: true
        ) { given throws(ProgramError) in
            let query = given.query(["as_of"] + accountParameters.map(\.name))
            return Request(method: "GET", path: try given.account("/statement" + query))
        },
        OperatorTool(
            "explain_figures",
            "Says why figures of an account are what they are: formula, inputs, rounding, source.",
            [
                account, asOf,
                Argument("field", "string", "One figure, by name or path, such as totalEq; all if left out."),
            ], isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "GET", path: try given.account("/explain" + given.query(["field", "as_of"])))
        },
        OperatorTool(
            "stress_account",
            "Works out an account's figures under shocks, each by itself; nothing is stored.",
            [account] + arguments(ofRequest: "StressRequest"), isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "POST", path: try given.account("/stress"), body: given.body())
        },
        OperatorTool(
            "list_events", "Reads an account's journal: what happened, in order.",
            [
                account, Argument("after", "integer", "Events after this sequence."),
                Argument("limit", "integer", "1 to 1000 of them."),
            ], isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "GET", path: try given.account("/events" + given.query(["after", "limit"])))
        },
        OperatorTool(
            "list_orders", "Lists an account's orders.",
            [account, asOf, Argument("state", "string", "open, filled, cancelled, ended or refused.")],
            isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "GET", path: try given.account("/orders" + given.query(["state", "as_of"])))
        },
        OperatorTool("list_trades", "Lists an account's trades.", [account, asOf], isReadOnly: true) {
            given throws(ProgramError) in
            Request(method: "GET", path: try given.account("/trades" + given.query(["as_of"])))
        },
        OperatorTool("read_clock", "Reads the ledger's clock.", [], isReadOnly: true) {
            _ throws(ProgramError) in
            Request(method: "GET", path: "/admin/v1/clock")
        },
        OperatorTool("list_rulebooks", "Lists the rules' versions with their sources.", [], isReadOnly: true)
        {
            _ throws(ProgramError) in
            Request(method: "GET", path: "/admin/v1/rulebooks")
        },
    ]

    private static let testing = [
        OperatorTool(
            "list_requests",
            "Lists what clients of the venues called, what was answered and what was refused.",
            [
                Argument("after", "integer", "Requests after this id."),
                Argument("limit", "integer", "At most so many."),
            ], isReadOnly: true
        ) { given throws(ProgramError) in
            Request(method: "GET", path: "/admin/v1/requests" + given.query(["after", "limit"]))
        },
        OperatorTool(
            "set_faults", "Makes venues misbehave towards their clients, in place of the faults before.",
            [
                Argument(
                    FieldDescription(
                        "faults", .list(of: .record(FieldSchemas.fields(of: "Fault")), 0...1000),
                        "The faults; none ends all."))
            ]
        ) { given throws(ProgramError) in
            Request(method: "PUT", path: "/admin/v1/faults", body: given.body())
        },
        OperatorTool(
            "keep_checkpoint", "Keeps the whole ledger as it is, under a name.",
            [
                Argument("name", "string", "The checkpoint's name.", isRequired: true)
            ]
        ) { given throws(ProgramError) in
            Request(method: "PUT", path: "/admin/v1/checkpoints/\(try given.part("name"))")
        },
        OperatorTool(
            "restore_checkpoint", "Puts the ledger back as it was kept.",
            [
                Argument("name", "string", "The checkpoint's name.", isRequired: true)
            ]
        ) { given throws(ProgramError) in
            Request(method: "POST", path: "/admin/v1/checkpoints/\(try given.part("name"))/restore")
        },
    ]

    /// The fields of a command, but for what every command may have.
    private static func arguments(of type: String) -> [Argument] {
        let fields = CommandForm.all.first { $0.type == type }?.fields ?? []
        return fields.filter { !common.contains($0.name) }.map { Argument($0) }
    }

    /// The fields of what a call takes.
    private static func arguments(ofRequest name: String) -> [Argument] {
        FieldSchemas.fields(of: name).map { Argument($0) }
    }

    private static let common = ["type", "id", "at"]

    /// What the commands are, from the very table that they are read by.
    private static var aboutCommands: String {
        let types = CommandForm.all.map { form in
            let fields = form.fields.filter { !common.contains($0.name) }
                .map { $0.isRequired ? $0.name : "\($0.name)?" }
            return "\(form.type): \(fields.joined(separator: ", "))"
        }
        return """
            Applies commands to the ledger, in order. Each is an object with a type, and may have an id (to \
            send it again safely) and at (its time). Amounts are decimals as texts. Types, fields \
            (? may be left \
            out):
            \(types.joined(separator: "\n"))
            """
    }
}
