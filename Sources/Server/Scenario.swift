import Crypto
import Engine
import JSON
import Ledger
import Venue
import Venues

/// A scenario file: accounts with their keys, prices and commands, which put a ledger into a state (contract,
/// section 6).
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
    /// Where the ledger's clock is put, where it is one that stands.
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
        let reader = ScenarioReader(document: document)
        try reader.fields([], allowed: ["name", "ledger_time", "accounts", "prices", "commands", "faults"])
        var identity = ScenarioIdentity(name: try reader.text([.key("name")]) ?? "")
        let openings = try reader.openings(&identity)
        self.document = document
        self.openings = openings.filter { $0.parent == nil } + openings.filter { $0.parent != nil }
        steps = try reader.prices(&identity) + reader.commands(&identity)
        ledgerTime = try reader.time([.key("ledger_time")])
        faults = try reader.faults()
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

// MARK: - Reading

/// Reads the parts of a scenario and names the file, line and field of what is wrong.
private struct ScenarioReader {
    let document: SourceDocument

    private func value(_ path: [PathStep]) -> JSONValue? {
        var value: JSONValue? = document.value
        for step in path {
            switch step {
            case .key(let key): value = value?[key]
            case .index(let index):
                guard let elements = value?.elements, elements.indices.contains(index) else { return nil }
                value = elements[index]
            }
        }
        return value
    }

    /// The members of a mapping, none of them outside a list.
    @discardableResult
    func fields(
        _ path: [PathStep], allowed: [String]? = nil
    ) throws(ProgramError) -> [(
        key: String, value: JSONValue
    )] {
        guard let object = value(path)?.object else {
            throw document.error(path, path.isEmpty ? "a scenario must be a mapping" : "must be a mapping")
        }
        for (key, _) in object.members where !(allowed?.contains(key) ?? true) {
            throw document.error(
                path + [.key(key)],
                "there is no such field; known are \((allowed ?? []).joined(separator: ", "))."
                    + NearestName.question(key, among: allowed ?? []))
        }
        return object.members
    }

    func elements(_ path: [PathStep]) throws(ProgramError) -> [JSONValue] {
        guard let value = value(path), !value.isNull else { return [] }
        guard let elements = value.elements else { throw document.error(path, "must be a list") }
        return elements
    }

    func text(_ path: [PathStep]) throws(ProgramError) -> String? {
        guard let value = value(path), !value.isNull else { return nil }
        guard let text = value.text else { throw document.error(path, "must be a text") }
        return text
    }

    func requiredText(_ path: [PathStep]) throws(ProgramError) -> String {
        guard let text = try text(path) else { throw document.error(path, "is missing") }
        return text
    }

    func time(_ path: [PathStep]) throws(ProgramError) -> LedgerTime? {
        guard let value = value(path), !value.isNull else { return nil }
        guard let time = (value.text ?? value.numberText).flatMap(parseTime) else {
            throw document.error(
                path,
                "must be an ISO 8601 time with its zone, such as 2026-01-01T00:00:00Z, "
                    + "or milliseconds since 1970")
        }
        return time
    }

    func openings(_ identity: inout ScenarioIdentity) throws(ProgramError) -> [Scenario.Opening] {
        let path = [PathStep.key("accounts")]
        var openings: [Scenario.Opening] = []
        var names: Set<ExactText> = []
        for (index, element) in try elements(path).enumerated() {
            let here = path + [.index(index)]
            try fields(here, allowed: ["account", "venue", "parent", "settings", "keys"])
            let account = try requiredText(here + [.key("account")])
            guard names.insert(ExactText(account)).inserted else {
                throw document.error(here + [.key("account")], "the account \(account) is opened twice")
            }
            let venue = try requiredText(here + [.key("venue")])
            let parent = try text(here + [.key("parent")])
            var members: [(key: String, value: JSONValue)] = [
                ("type", .string("open_account")), ("account", .string(account)), ("venue", .string(venue)),
            ]
            if let parent { members.append(("parent", .string(parent))) }
            if let settings = element["settings"], !settings.isNull { members.append(("settings", settings)) }
            openings.append(
                Scenario.Opening(
                    account: account, venue: venue, parent: parent, settings: element["settings"]?.object,
                    step: Scenario.Step(
                        command: identity.identified(.members(members)), path: here),
                    keys: try keys(here + [.key("keys")], venue: venue)))
        }
        return openings
    }

    private func keys(
        _ path: [PathStep], venue: String
    ) throws(ProgramError) -> [(request: KeyRequest, path: [PathStep])] {
        // The command that opens the account says what is wrong with its venue.
        guard let model = Venues.venue(VenueName(rawValue: venue)) else { return [] }
        var keys: [(request: KeyRequest, path: [PathStep])] = []
        for (index, element) in try elements(path).enumerated() {
            let here = path + [.index(index)]
            try fields(here)
            do {
                let request = try KeyRequest(decoding: element, inScenario: true)
                if model.hasPassphrases, request.passphrase == nil {
                    throw Refusal(
                        .missingField, "is missing: a scenario's keys are the same every time",
                        field: "passphrase")
                }
                if !model.hasPassphrases, request.passphrase != nil {
                    throw Refusal(
                        .invalidField, "keys of \(venue) have no passphrase", field: "passphrase")
                }
                keys.append((request, here))
            } catch let refusal as Refusal {
                throw document.error(here + [.key(refusal.field ?? "api_key")], refusal.message)
            } catch {
                throw document.error(here, "cannot be read")
            }
        }
        return keys
    }

    func prices(_ identity: inout ScenarioIdentity) throws(ProgramError) -> [Scenario.Step] {
        let path = [PathStep.key("prices")]
        guard let value = value(path), !value.isNull else { return [] }
        var steps: [Scenario.Step] = []
        for (venue, quotes) in try fields(path) {
            let here = path + [.key(venue)]
            guard Venues.names.contains(VenueName(rawValue: venue)) else {
                throw document.error(here, "there is no such venue; known are \(Venues.listed)")
            }
            try fields(here, allowed: ["marks", "index"])
            var members: [(key: String, value: JSONValue)] = [
                ("type", .string("prices")), ("venue", .string(venue)),
            ]
            for part in ["marks", "index"] {
                if let given = quotes[part], !given.isNull { members.append((part, given)) }
            }
            steps.append(
                Scenario.Step(command: identity.identified(.members(members)), path: here))
        }
        return steps
    }

    func faults() throws(ProgramError) -> [Fault] {
        let path = [PathStep.key("faults")]
        var faults: [Fault] = []
        for (index, element) in try elements(path).enumerated() {
            do throws(Refusal) {
                faults.append(try Fault(inScenario: element))
            } catch {
                let field = error.field.map { [PathStep.key($0)] } ?? []
                throw document.error(path + [.index(index)] + field, error.message)
            }
        }
        return faults
    }

    func commands(_ identity: inout ScenarioIdentity) throws(ProgramError) -> [Scenario.Step] {
        let path = [PathStep.key("commands")]
        var steps: [Scenario.Step] = []
        for (index, command) in try elements(path).enumerated() {
            steps.append(Scenario.Step(command: identity.identified(command), path: path + [.index(index)]))
        }
        return steps
    }
}
