import Engine
import Exchange
import JSON
import Ledger
import Logging
import Venue
import Venues

/// The options of `serve` from one place, still as text: the command line, the environment or a file.
public struct OptionLayer: Sendable, Equatable {
    /// Where the values were given.
    public enum Origin: Sendable, Equatable {
        case commandLine
        case environment
        case file(String)

        /// A value that cannot be used is wrong usage on the command line, a bad configuration elsewhere.
        var status: ExitStatus { self == .commandLine ? .usage : .badConfiguration }
    }

    /// Where the values were given.
    public let origin: Origin
    /// Values by the option's name without dashes, such as `ledger-time`; a switch is `true` or `false`.
    public private(set) var values: [String: [String]] = [:]
    /// The line of each option in a file.
    private var lines: [String: Int] = [:]

    /// An empty layer.
    public init(origin: Origin) { self.origin = origin }

    /// The names of all options that a layer may hold.
    public static let names = [
        "listen", "store", "demo", "scenario", "rulebook", "profile", "ledger-time", "rate-limits",
        "execution", "trusted-proxy", "admin-token", "accept-shorter-ledger", "allow-reset", "seal-keys",
        "log-level", "log-format",
    ]

    /// Options that may be given more than once.
    private static let repeatable: Set<String> = ["scenario", "rulebook", "profile", "trusted-proxy"]

    /// Sets an option where a value was given.
    public mutating func set(_ name: String, _ given: String?) {
        if let given { values[name] = [given] }
    }

    /// Sets a repeatable option where values were given.
    public mutating func set(_ name: String, _ given: [String]) {
        if !given.isEmpty { values[name] = given }
    }

    /// The layer that environment variables make: `MARGINALIA_` and the name in capitals, `-` as `_`;
    /// repeatable options separated by commas.
    public init(environment: [String: String]) {
        self.init(origin: .environment)
        for name in Self.names {
            guard let value = environment[Self.variable(name)], !value.isEmpty else { continue }
            values[name] =
                Self.repeatable.contains(name) ? value.split(separator: ",").map(String.init) : [value]
        }
    }

    /// A sentence for each environment variable that is none of the options and looks like one.
    public static func misspelt(in environment: [String: String]) -> [String] {
        let known = names.map(variable)
        return environment.keys.sorted().compactMap { name in
            guard name.hasPrefix("MARGINALIA_"), !known.contains(name) else { return nil }
            let question = NearestName.question(name, among: known)
            return question.isEmpty ? nil : "\(name) is no option and is not looked at.\(question)"
        }
    }

    private static func variable(_ name: String) -> String {
        "MARGINALIA_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// The layer that a configuration file makes; keys may be written with `-` or `_`.
    public init(file: String) throws(ProgramError) {
        let document = try SourceDocument(file: file, numbers: .kept, failure: .badConfiguration)
        try self.init(document: document)
    }

    /// The layer that a configuration file's content makes.
    init(document: SourceDocument) throws(ProgramError) {
        self.init(origin: .file(document.file))
        if document.value.isNull { return }
        guard let object = document.value.object else {
            throw document.error([], "must be a mapping of options", status: .badConfiguration)
        }
        for (key, value) in object.members {
            let name = key.map { $0 == "_" ? "-" : String($0) }.joined()
            guard Self.names.contains(name) else {
                throw document.error(
                    [.key(key)],
                    "is no option; known are \(Self.names.joined(separator: ", "))."
                        + NearestName.question(name, among: Self.names),
                    status: .badConfiguration)
            }
            values[name] = try Self.texts(of: value, name: name, at: [.key(key)], in: document)
            lines[name] = document.line(of: [.key(key)])
        }
    }

    private static func texts(
        of value: JSONValue, name: String, at path: [PathStep], in document: SourceDocument
    ) throws(ProgramError) -> [String] {
        func scalar(_ value: JSONValue) -> String? {
            value.text ?? value.numberText ?? value.boolean.map { $0 ? "true" : "false" }
        }
        if let text = scalar(value) { return [text] }
        if repeatable.contains(name), let elements = value.elements {
            let texts = elements.compactMap(scalar)
            if texts.count == elements.count { return texts }
        }
        if name == "profile", let object = value.object {
            let texts = object.members.compactMap { member in
                scalar(member.value).map { "\(member.key)=\($0)" }
            }
            if texts.count == object.members.count { return texts }
        }
        throw document.error(path, "has a value of the wrong type", status: .badConfiguration)
    }

    /// Options whose value may be a secret, or one that was given in the wrong place.
    private static let secret: Set<String> = ["admin-token", "seal-keys"]

    /// An error about one option of this layer, which says where it was given and what; secrets are not said.
    func error(_ name: String, _ rule: String, given: String) -> ProgramError {
        let place =
            switch origin {
            case .commandLine: "--\(name)"
            case .environment: Self.variable(name)
            case .file(let file): "\(file), line \(lines[name] ?? 1), \(name)"
            }
        let found = Self.secret.contains(name) ? "" : ", not \"\(given.prefix(64))\""
        return ProgramError(origin.status, "\(place): \(rule)\(found).")
    }
}

extension ServeOptions {
    /// Lays options over each other, the strongest first, and checks them.
    public init(layers: [OptionLayer]) throws(ProgramError) {
        self.init()
        let laid = LaidOptions(layers: layers)
        try laid.read("listen", "must be HOST:PORT, such as 127.0.0.1:8080", ListenAddress.init) {
            listen = $0
        }
        if let (layer, texts) = laid.find("store"), let text = texts.last {
            do { store = try StoreAddress(text) } catch {
                throw error.status == .usage
                    ? layer.error("store", "must be sqlite:PATH or memory:", given: text) : error
            }
        }
        try laid.read("demo", "must be true or false", Self.flag) { demo = $0 }
        try laid.read("seal-keys", PassphraseSource.rule, PassphraseSource.init) { sealKeys = $0 }
        try laid.read("accept-shorter-ledger", "must be true or false", Self.flag) {
            acceptsShorterLedger = $0
        }
        try laid.read("allow-reset", "must be true or false", Self.flag) { allowsReset = $0 }
        scenarios = laid.find("scenario")?.texts ?? []
        rulebooks = laid.find("rulebook")?.texts ?? []
        try readProfiles(laid)
        if let (layer, texts) = laid.find("trusted-proxy") {
            for text in texts {
                guard let range = AddressRange(text) else {
                    throw layer.error(
                        "trusted-proxy", "must be an address or a network, such as 10.0.0.0/8", given: text)
                }
                trustedProxies.append(range)
            }
        }
        if let (layer, texts) = laid.find("ledger-time"), let text = texts.last {
            isLedgerTimeGiven = true
            if text != "system" {
                guard let time = parseTime(text), time <= ClockMove.latest,
                    time >= LedgerTime(milliseconds: 0)
                else {
                    throw layer.error(
                        "ledger-time", "must be system or an ISO 8601 time, such as 2026-01-31T12:00:00Z",
                        given: text)
                }
                ledgerTime = time
            }
        }
        try laid.read("rate-limits", "must be venue or off", { ["venue": true, "off": false][$0] }) {
            enforcesRateLimits = $0
        }
        try laid.read(
            "execution", "must be touch, through or manual", Exchange.Execution.init(rawValue:)
        ) { execution = $0 }
        try laid.read("admin-token", AdminToken.rule, { AdminToken.isWellFormed($0) ? $0 : nil }) {
            adminToken = $0
        }
        try laid.read("log-level", "must be one of \(Self.levels)", Logger.Level.init(rawValue:)) {
            logLevel = $0
        }
        try laid.read("log-format", "must be text or json", LogFormat.init(rawValue:)) { logFormat = $0 }
        if demo, !listen.isLoopback {
            throw ProgramError(
                .usage,
                "--demo is refused with the address \(listen.authority), for the demonstration's keys are "
                    + "public: listen at 127.0.0.1, or leave --demo out.")
        }
    }

    private static var levels: String { Logger.Level.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: nil
        }
    }

    private mutating func readProfiles(_ laid: LaidOptions) throws(ProgramError) {
        guard let (layer, texts) = laid.find("profile") else { return }
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            let venue = VenueName(rawValue: parts[0])
            guard parts.count == 2, Venues.names.contains(venue),
                let profile = WireProfile(rawValue: parts[1])
            else {
                throw layer.error(
                    "profile", "must be VENUE=NAME with one of \(Venues.listed) and documented or live",
                    given: text)
            }
            profiles[venue] = profile
        }
    }
}

/// Layers of options, the strongest first.
private struct LaidOptions {
    let layers: [OptionLayer]

    /// The strongest layer that gives an option, and what it gives.
    func find(_ name: String) -> (layer: OptionLayer, texts: [String])? {
        for layer in layers {
            if let texts = layer.values[name] { return (layer, texts) }
        }
        return nil
    }

    /// Hands an option's value over, where one is given; `rule` says what it must be.
    func read<Value>(
        _ name: String, _ rule: String, _ parse: (String) -> Value?, _ use: (Value) -> Void
    ) throws(ProgramError) {
        guard let (layer, texts) = find(name), let text = texts.last else { return }
        guard let value = parse(text) else { throw layer.error(name, rule, given: text) }
        use(value)
    }
}
