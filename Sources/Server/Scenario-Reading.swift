import JSON
import Ledger
import Venue
import Venues

// What a scenario file has. The reader, its errors and the table in docs/scenarios.md are made of these
// forms.

extension Scenario {
    /// A scenario as it is written.
    struct Written: Sendable {
        let name: String?
        let ledgerTime: LedgerTime?
        let accounts: [WrittenAccount]
        /// A command that sets the prices of each venue.
        let prices: [(venue: String, command: JSONValue)]
        let commands: [JSONValue]
        let faults: [Fault]
    }

    /// An account as it is written.
    struct WrittenAccount: Sendable {
        let id: String
        let venue: VenueName
        let parent: String?
        let settings: JSONObject?
        let keys: [KeyRequest]
    }

    static let form: Form<Written> = Form(
        "",
        Field<String>.text(
            "name", longest: 1000, "Tells scenarios apart whose commands are the same (below)."
        ).nullable,
        Field<LedgerTime>.time(
            "ledger_time",
            "Where the ledger's clock is put, if it is one that stands and has not come there yet. `serve` "
                + "without `--ledger-time` takes it for the clock of a new ledger."
        ).nullable,
        Field<[WrittenAccount]>.objects(
            "accounts", of: .oneOf([accountForm.description]), 0...largest,
            "Accounts to open, main accounts before sub-accounts."
        ) { reader throws(Refusal) in try accountForm.read(reader) }.nullable,
        prices.nullable,
        Field("commands", .list(of: .object, 0...largest), "The [commands](commands.md), in order.") {
            reader, name throws(Refusal) in try reader.elements(name)
        }.nullable,
        Field<[Fault]>.objects(
            "faults", of: .oneOf(Fault.form.descriptions), 0...FaultBook.limit,
            "[Faults](faults.md) that are in force once the server is ready."
        ) { reader throws(Refusal) in try Fault(inScenario: reader) }.nullable
    ) { name, time, accounts, prices, commands, faults in
        Written(
            name: name, ledgerTime: time, accounts: accounts ?? [], prices: prices ?? [],
            commands: commands ?? [], faults: faults ?? [])
    }

    /// The most elements of a list.
    private static let largest = 5_000_000

    static let accountForm: Form<WrittenAccount> = Form(
        "",
        Field<String>.account("account", "Its id."),
        Field<VenueName>.served("Where it is."),
        Field<String>.account("parent", "The main account that it is a sub-account of.").nullable,
        Field("settings", .settings, "Its [settings](settings.md).") { reader, name throws(Refusal) in
            guard let settings = try reader.required(name).object else {
                throw reader.wrong(name, "a mapping")
            }
            return settings
        }.nullable,
        Field<[KeyRequest]>.objects(
            "keys", of: .oneOf([KeyRequest.scenarioForm.description]), 0...1000, "Its API keys."
        ) { reader throws(Refusal) in try KeyRequest.scenarioForm.read(reader) }.nullable
    ) { WrittenAccount(id: $0, venue: $1, parent: $2, settings: $3, keys: $4 ?? []) }

    private static let prices = Field<[(venue: String, command: JSONValue)]>(
        "prices", .table(of: .oneOf([pricesForm.description])),
        "By venue: `marks` of instruments and `index` prices of assets in USD."
    ) { reader, name throws(Refusal) in
        var commands: [(venue: String, command: JSONValue)] = []
        for (venue, quotes) in try reader.table(name) {
            guard Venues.names.contains(VenueName(rawValue: venue)) else {
                throw reader.refusal(
                    .unknownVenue, "there is no venue \(venue.prefix(64)); known are \(Venues.listed).",
                    field: "\(name).\(venue)")
            }
            let (marks, index) = try pricesForm.read(quotes)
            let parts = [("marks", marks), ("index", index)].compactMap { part in part.1.map { (part.0, $0) }
            }
            commands.append(
                (
                    venue,
                    .members([("type", .string("prices")), ("venue", .string(venue))] + parts)
                ))
        }
        return commands
    }

    /// What they are is read with the command that they become.
    private static let pricesForm: Form<(JSONValue?, JSONValue?)> = Form(
        "",
        Field("marks", .table(of: .decimal), "Mark prices, by instrument.") { reader, name throws(Refusal) in
            try reader.required(name)
        }.nullable,
        Field("index", .table(of: .decimal), "Prices in USD, by asset.") { reader, name throws(Refusal) in
            try reader.required(name)
        }.nullable
    ) { ($0, $1) }
}

extension Scenario.WrittenAccount {
    /// The account with the command that opens it.
    func opening(
        at place: Int, beside others: [Scenario.Opening], _ identity: inout ScenarioIdentity
    ) throws(Refusal) -> Scenario.Opening {
        let here = "accounts[\(place)]"
        guard !others.contains(where: { $0.account.isExactly(id) }) else {
            throw Refusal(
                .accountExists, "the account \(id) is opened twice", field: "\(here).account")
        }
        let path = [PathStep.key("accounts"), .index(place)]
        var keys: [(request: KeyRequest, path: [PathStep])] = []
        for (number, key) in self.keys.enumerated() {
            try checkPassphrase(of: key, at: "\(here).keys[\(number)]")
            keys.append((key, path + [.key("keys"), .index(number)]))
        }
        var members: [(key: String, value: JSONValue)] = [
            ("type", .string("open_account")), ("account", .string(id)), ("venue", .string(venue.rawValue)),
        ]
        if let parent { members.append(("parent", .string(parent))) }
        if let settings { members.append(("settings", .object(settings))) }
        return Scenario.Opening(
            account: id, venue: venue.rawValue, parent: parent, settings: settings,
            step: Scenario.Step(command: identity.identified(.members(members)), path: path), keys: keys)
    }

    private func checkPassphrase(of key: KeyRequest, at place: String) throws(Refusal) {
        let isNeeded = Venues.venue(venue)?.hasPassphrases == true
        guard isNeeded != (key.passphrase != nil) else { return }
        throw Refusal(
            isNeeded ? .missingField : .invalidField,
            isNeeded
                ? "is missing: a scenario's keys are the same every time"
                : "keys of \(venue) have no passphrase",
            field: "\(place).passphrase")
    }
}
