import JSON
import Ledger
import Numbers
import Venue
import Venues

extension DeskConfiguration {
    /// Reads a configuration, already a tree of values; numbers of a YAML file may be texts. Paths in it are
    /// taken from `folder`.
    ///
    /// Throws, with the place of the value at fault, for anything that is unknown, missing or of no use.
    public init(_ value: JSONValue, folder: String) throws(ConfigurationError) {
        self.init()
        do throws(Refusal) { try read(FieldReader(ofFile: value), folder: folder) } catch {
            throw ConfigurationError(error)
        }
    }

    private mutating func read(_ fields: FieldReader, folder: String) throws(Refusal) {
        try fields.allow(["accounts", "concurrency", "timeouts", "attempts", "prices", "watch"])
        for entry in try fields.list("accounts") {
            let account = try AccountEntry(entry, folder: folder)
            guard !accounts.contains(where: { $0.name.isExactly(account.name) }) else {
                throw entry.refusal(
                    .invalidField, "name occurs twice; give every account its own.", field: "name")
            }
            accounts.append(account)
        }
        guard !accounts.isEmpty else { throw fields.wrong("accounts", "a list of at least one account") }
        concurrency = try fields.count("concurrency", in: 1...64) ?? concurrency
        retryPolicy.attempts = try fields.count("attempts", in: 1...20) ?? retryPolicy.attempts
        if let timeouts = try fields.optional("timeouts", fields.record) {
            try timeouts.allow(["call", "whole"])
            retryPolicy.call = try timeouts.optional("call", timeouts.span) ?? retryPolicy.call
            retryPolicy.whole = try timeouts.optional("whole", timeouts.span) ?? retryPolicy.whole
        }
        if let given = try fields.optional("prices", fields.record) {
            for asset in given.names { prices[ExactText(asset)] = try given.positive(asset) }
        }
        if let given = try fields.optional("watch", fields.record) {
            watch = try WatchPlan(given, folder: folder, accounts: accounts.map(\.name))
            try checkHandedOn(given)
        }
    }

    /// Refuses a command that would be handed a secret of the desk's own.
    private func checkHandedOn(_ fields: FieldReader) throws(Refusal) {
        let sources = accounts.map(\.credentials) + watch.notices.compactMap(\.secret)
        let secrets = Set(sources.flatMap(\.variables))
        for (place, notice) in watch.notices.enumerated() {
            guard case .command(let command) = notice else { continue }
            for (position, name) in command.variables.enumerated()
            where secrets.contains(name) || name.hasPrefix("MARGINALIA_") {
                throw fields.refusal(
                    .invalidField,
                    "may not be \(name): the desk's keys, passphrase and token are for no command.",
                    field: "notify[\(place)].environment[\(position)]")
            }
        }
    }
}

extension AccountEntry {
    /// Venues whose requests say that they are of demo trading.
    private static var demoVenues: String {
        Venues.clients.filter { $0.demoTradingHeader != nil }.map { $0.title }.joined(separator: ", ")
    }

    init(_ fields: FieldReader, folder: String) throws(Refusal) {
        try fields.allow([
            "name", "venue", "base_url", "credentials", "allow", "profile", "uid", "demo_trading",
        ])
        let name = try fields.filledText("name")
        guard name.utf8.count <= 64,
            name.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") })
        else {
            throw fields.wrong("name", "1 to 64 visible ASCII characters without blanks and slashes")
        }
        let venue = VenueName(rawValue: try fields.word("venue", among: Venues.names.map(\.rawValue)))
        var allowed: Set<APIKey.Permission> = []
        for (place, text) in try fields.filledTexts("allow").enumerated() {
            guard let permission = APIKey.Permission(rawValue: text) else {
                throw fields.wrong("allow[\(place)]", "read, trade or withdraw")
            }
            allowed.insert(permission)
        }
        guard fields.has("credentials") else {
            throw fields.refusal(
                .missingField, "credentials is missing; name an env, a file or a sealed store.",
                field: "credentials")
        }
        let isDemoTrading = try fields.isOn("demo_trading")
        if isDemoTrading, Venues.client(venue)?.demoTradingHeader == nil {
            throw fields.refusal(
                .invalidField,
                "demo_trading is for \(Self.demoVenues): requests to \(venue) do not say so; leave it out, "
                    + "and name the address of a test system in base_url.", field: "demo_trading")
        }
        self.init(
            name: name, venue: venue, baseURL: try fields.address("base_url"),
            credentials: try SecretSource(fields.record("credentials"), folder: folder),
            allowed: allowed,
            profile: fields.has("profile") ? try fields.choice("profile", WireProfile.self) : .documented,
            uid: try fields.optional("uid", fields.filledText), isDemoTrading: isDemoTrading)
    }
}

extension SecretSource {
    /// The environment variables that may hold it.
    fileprivate var variables: [String] {
        guard case .environment(let name) = self else { return [] }
        return [name] + ["_API_KEY", "_SECRET", "_PASSPHRASE"].map { name + $0 }
    }

    /// Reads `{env: NAME}`, `{file: PATH}` or `{sealed: PATH, entry: NAME}`.
    init(_ fields: FieldReader, folder: String) throws(Refusal) {
        try fields.allow(["env", "file", "sealed", "entry"])
        let variable = try fields.optional("env", fields.filledText)
        let file = try fields.optional("file", fields.filledText)
        let store = try fields.optional("sealed", fields.filledText)
        let entry = try fields.optional("entry", fields.filledText)
        switch (variable, file, store, entry) {
        case (let variable?, nil, nil, nil): self = .environment(variable)
        case (nil, let file?, nil, nil): self = .file(Self.path(file, folder: folder))
        case (nil, nil, let store?, let entry?):
            self = .sealed(store: Self.path(store, folder: folder), entry: entry)
        default:
            throw fields.refusal(
                .invalidField,
                "there must be one of env, file, or sealed with entry; secrets themselves stand elsewhere.")
        }
    }

    /// A path that is not absolute, taken from a folder.
    private static func path(_ path: String, folder: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }
}
