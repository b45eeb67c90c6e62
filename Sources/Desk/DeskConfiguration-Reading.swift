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
        let fields = try ConfigurationFields(
            value, at: [],
            known: ["accounts", "concurrency", "timeouts", "attempts", "prices", "watch"])
        for (entry, path) in try fields.elements("accounts") {
            let account = try AccountEntry(entry, at: path, folder: folder)
            guard !accounts.contains(where: { $0.name.isExactly(account.name) }) else {
                throw ConfigurationError(path + [.key("name")], "occurs twice; give every account its own")
            }
            accounts.append(account)
        }
        guard !accounts.isEmpty else {
            throw ConfigurationError([.key("accounts")], "must list at least one account")
        }
        concurrency = try fields.integer("concurrency", in: 1...64) ?? concurrency
        retryPolicy.attempts = try fields.integer("attempts", in: 1...20) ?? retryPolicy.attempts
        if let timeouts = fields.object["timeouts"] {
            let spans = try ConfigurationFields(
                timeouts, at: [.key("timeouts")], known: ["call", "whole"])
            retryPolicy.call = try spans.span("call") ?? retryPolicy.call
            retryPolicy.whole = try spans.span("whole") ?? retryPolicy.whole
        }
        if let given = fields.object["prices"] { prices = try Self.prices(given) }
        if let given = fields.object["watch"] {
            watch = try WatchPlan(given, folder: folder, accounts: accounts.map(\.name))
            try checkHandedOn()
        }
    }

    /// Refuses a command that would be handed a secret of the desk's own.
    private func checkHandedOn() throws(ConfigurationError) {
        let sources = accounts.map(\.credentials) + watch.notices.compactMap(\.secret)
        let secrets = Set(sources.flatMap(\.variables))
        for (place, notice) in watch.notices.enumerated() {
            guard case .command(let command) = notice else { continue }
            for (position, name) in command.variables.enumerated()
            where secrets.contains(name) || name.hasPrefix("MARGINALIA_") {
                throw ConfigurationError(
                    [.key("watch"), .key("notify"), .index(place), .key("environment"), .index(position)],
                    "may not be \(name): the desk's keys, passphrase and token are for no command")
            }
        }
    }

    private static func prices(_ value: JSONValue) throws(ConfigurationError) -> [ExactText: ExactDecimal] {
        guard let object = value.object else {
            throw ConfigurationError([.key("prices")], "must be a mapping of assets to USD prices")
        }
        let fields = try ConfigurationFields(value, at: [.key("prices")], known: object.keys)
        var prices: [ExactText: ExactDecimal] = [:]
        for (asset, _) in object.members {
            guard let price = try fields.decimal(asset), price.isPositive else {
                throw ConfigurationError([.key("prices"), .key(asset)], "must be a price above zero")
            }
            prices[ExactText(asset)] = price
        }
        return prices
    }
}

extension AccountEntry {
    /// Venues whose requests say that they are of demo trading.
    private static var demoVenues: String {
        Venues.clients.filter { $0.demoTradingHeader != nil }.map { $0.title }.joined(separator: ", ")
    }

    init(_ value: JSONValue, at path: [ConfigurationError.Step], folder: String) throws(ConfigurationError) {
        let fields = try ConfigurationFields(
            value, at: path,
            known: [
                "name", "venue", "base_url", "credentials", "allow", "profile", "uid", "demo_trading",
            ])
        let name = try fields.required("name")
        guard name.utf8.count <= 64,
            name.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") })
        else {
            throw fields.wrong("name", "must be 1 to 64 visible ASCII characters without blanks and slashes")
        }
        let venue = VenueName(rawValue: try fields.required("venue"))
        guard Venues.names.contains(venue) else {
            throw fields.wrong("venue", "is no venue that can be read; known are \(Venues.listed)")
        }
        var allowed: Set<APIKey.Permission> = []
        for (place, text) in try fields.texts("allow").enumerated() {
            guard let permission = APIKey.Permission(rawValue: text) else {
                throw ConfigurationError(
                    fields.at("allow") + [.index(place)], "must be read, trade or withdraw")
            }
            allowed.insert(permission)
        }
        let profile = try fields.text("profile") ?? WireProfile.documented.rawValue
        guard let profile = WireProfile(rawValue: profile) else {
            throw fields.wrong("profile", "must be documented or live")
        }
        guard let credentials = fields.object["credentials"] else {
            throw fields.wrong("credentials", "is missing; name an env, a file or a sealed store")
        }
        let isDemoTrading = try fields.flag("demo_trading") ?? false
        if isDemoTrading, Venues.client(venue)?.demoTradingHeader == nil {
            throw fields.wrong(
                "demo_trading",
                "is for \(Self.demoVenues): requests to \(venue) do not say so; leave it out, and name the "
                    + "address of a test system in base_url")
        }
        var address: String?
        if let given = try fields.text("base_url") {
            do { address = try VenueAddress.checked(given) } catch {
                throw fields.wrong("base_url", error.message)
            }
        }
        self.init(
            name: name, venue: venue, baseURL: address,
            credentials: try SecretSource(credentials, at: fields.at("credentials"), folder: folder),
            allowed: allowed, profile: profile, uid: try fields.text("uid"),
            isDemoTrading: isDemoTrading)
    }
}

extension SecretSource {
    /// The environment variables that may hold it.
    fileprivate var variables: [String] {
        guard case .environment(let name) = self else { return [] }
        return [name] + ["_API_KEY", "_SECRET", "_PASSPHRASE"].map { name + $0 }
    }

    /// Reads `{env: NAME}`, `{file: PATH}` or `{sealed: PATH, entry: NAME}`.
    init(_ value: JSONValue, at path: [ConfigurationError.Step], folder: String) throws(ConfigurationError) {
        let fields = try ConfigurationFields(value, at: path, known: ["env", "file", "sealed", "entry"])
        let variable = try fields.text("env")
        let file = try fields.text("file")
        let store = try fields.text("sealed")
        let entry = try fields.text("entry")
        switch (variable, file, store, entry) {
        case (let variable?, nil, nil, nil): self = .environment(variable)
        case (nil, let file?, nil, nil): self = .file(Self.path(file, folder: folder))
        case (nil, nil, let store?, let entry?):
            self = .sealed(store: Self.path(store, folder: folder), entry: entry)
        default:
            throw ConfigurationError(
                path, "must hold one of env, file, or sealed with entry; secrets themselves stand elsewhere")
        }
    }

    /// A path that is not absolute, taken from a folder.
    private static func path(_ path: String, folder: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }
}
