import Crypto
import Engine
import JSON
import Ledger
import Venue
import Venues

/// A scenario file: accounts with their keys, prices and commands, which put a ledger into a state
/// (`docs/scenarios.md`).
///
/// Every command of it has an id made from the scenario's `name`, the command's own content and how often
/// that content stood before it, so that applying a scenario again changes nothing, and applying one that has
/// grown applies only what is new.
public struct Scenario: Sendable {
    /// A command and where it stands.
    struct Step: Sendable {
        let command: JSONValue
        let path: [PathStep]
    }

    /// An account that the scenario opens, unless it is there already.
    struct Opening: Sendable {
        let account: String
        let venue: String
        let parent: String?
        let settings: JSONObject?
        let step: Step
        let keys: [(request: KeyRequest, path: [PathStep])]
    }

    let document: SourceDocument
    /// Main accounts before sub-accounts, otherwise in the order of the file.
    let openings: [Opening]
    /// Prices, then commands.
    let steps: [Step]
    /// The time to which a standing clock is moved; nil for none.
    public let ledgerTime: LedgerTime?
    /// How the venues' endpoints misbehave, from when the server runs.
    let faults: [Fault]

    /// The accounts that the scenario opens.
    public var accounts: [String] { openings.map(\.account) }

    /// The first key of each account that has one, for showing the demonstration's, which are public.
    public var firstKeys: [(account: String, venue: String, key: KeyRequest)] {
        openings.compactMap { opening in
            opening.keys.first.map { (opening.account, opening.venue, $0.request) }
        }
    }

    /// Reads a scenario file, YAML or JSON by its extension.
    public init(file: String) throws(ProgramError) {
        try self.init(document: SourceDocument(file: file, numbers: .asText, failure: .badData))
    }

    /// Reads a scenario's content; `file` names it in messages and decides the format.
    public init(file: String, content: [UInt8]) throws(ProgramError) {
        try self.init(
            document: SourceDocument(file: file, content: content, numbers: .asText, failure: .badData))
    }

    init(document: SourceDocument) throws(ProgramError) {
        do throws(Refusal) {
            let written = try Self.form.read(document.value, subject: "a scenario")
            var identity = ScenarioIdentity(name: written.name ?? "")
            var openings: [Opening] = []
            for (place, account) in written.accounts.enumerated() {
                openings.append(try account.opening(at: place, beside: openings, &identity))
            }
            self.document = document
            self.openings = openings.filter { $0.parent == nil } + openings.filter { $0.parent != nil }
            var steps: [Step] = []
            for (venue, prices) in written.prices {
                steps.append(
                    Step(command: identity.identified(prices), path: [.key("prices"), .key(venue)]))
            }
            for (place, command) in written.commands.enumerated() {
                steps.append(
                    Step(command: identity.identified(command), path: [.key("commands"), .index(place)]))
            }
            self.steps = steps
            ledgerTime = written.ledgerTime
            faults = written.faults
        } catch {
            throw document.error(SourceDocument.path(error.field ?? ""), error.message)
        }
    }

    /// Where a refused command stands, as an error of the scenario.
    func error(_ refusal: Refusal, at step: Step) -> ProgramError {
        var path = step.path
        if let field = refusal.field {
            let parts = field.split(separator: ".", maxSplits: 1).map { PathStep.key(String($0)) }
            path += step.command[field] == nil ? parts : [.key(field)]
        }
        return document.error(path, refusal.message)
    }
}

/// Makes the ids of a scenario's commands.
struct ScenarioIdentity {
    private let name: String
    private var seen: [String: Int] = [:]

    init(name: String) { self.name = name }

    /// The command with its id: its own, where it has one.
    mutating func identified(_ command: JSONValue) -> JSONValue {
        guard case .object(var object) = command, object["id"] == nil else { return command }
        let digest = SHA256.hash(data: Array(name.utf8) + [0] + command.canonicalBytes())
        let content = hexText(digest.prefix(16))
        let occurrence = seen[content, default: 0]
        seen[content] = occurrence + 1
        object.members.append(("id", .string("scenario:\(content):\(occurrence)")))
        return .object(object)
    }
}
