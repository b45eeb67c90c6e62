import Engine
import JSON
import Ledger
import Numbers
import Testing
import Venue
import Venues

@testable import Server

@Suite("Scenario files")
struct ScenarioTests {
    private static let sound = """
        accounts:
          - account: desk
            venue: okx
            settings: { mode: multi }
            keys:
              - { api_key: desk-key, secret: desk-secret, passphrase: desk-pass, permissions: [read] }
        prices:
          okx: { marks: { BTC-USDT-SWAP: "60000" }, index: { BTC: "60010", USDT: "1.0001" } }
        commands:
          - { type: deposit, account: desk, asset: USDT, amount: "10000" }
          - { type: fill, account: desk, instrument: BTC-USDT-SWAP, side: buy, quantity: "5",
              price: 59000.10, fee: 1.5 }
        """

    private func scenario(_ text: String, file: String = "desk.yaml") throws -> Scenario {
        try Scenario(file: file, content: Array(text.utf8))
    }

    @Test("The scenario of the contract is applied, and again changes nothing")
    func applies() async throws {
        let engine = try await memoryEngine()
        let scenario = try scenario(Self.sound)
        #expect(try await scenario.apply(to: engine) == 4)
        let account = try #require(engine.account("desk"))
        // Fees are paid in the settlement asset: 10000 − 1.5.
        #expect(account.cash("USDT").description == "9998.5")
        #expect(account.positions.first?.quantity.description == "5")
        #expect(engine.access(for: VenueName(rawValue: "okx")).key("desk-key")?.account == "desk")
        let sequence = engine.statistics.sequence
        #expect(try await scenario.apply(to: engine) == 0)
        #expect(engine.statistics.sequence == sequence)
        #expect(engine.account("desk") == account)
        await engine.stop()
    }

    @Test("A plain number in YAML is its own text; in JSON an amount must be a text")
    func numbers() async throws {
        let yaml = try scenario(
            "commands: [{ type: deposit, account: a, asset: USDT, amount: 0.10, at: 1700000000000 }]")
        #expect(yaml.steps.first?.command["amount"] == .string("0.10"))
        #expect(yaml.steps.first?.command["at"] == .number("1700000000000"))
        let json = """
            {"accounts": [{"account": "a", "venue": "okx"}],
             "commands": [
               {"type": "deposit", "account": "a", "asset": "USDT", "amount": 0.10}]}
            """
        let engine = try await memoryEngine()
        let error = await programError { try await scenario(json, file: "desk.json").apply(to: engine) }
        #expect(error?.status == .badData)
        #expect(
            error?.message.hasPrefix("desk.json, line 3, commands[0].amount:") == true,
            "\(error?.message ?? "")")
        #expect(engine.statistics.sequence == 0)
        await engine.stop()
    }

    @Test("What has grown applies what is new, and equal commands count apart")
    func grows() async throws {
        let engine = try await memoryEngine()
        let start = "accounts: [{ account: a, venue: rails }]\ncommands:\n"
        let deposit = "  - { type: deposit, account: a, asset: USD, amount: \"1\" }\n"
        #expect(try await scenario(start + deposit).apply(to: engine) == 2)
        #expect(try await scenario(start + deposit + deposit).apply(to: engine) == 1)
        #expect(engine.account("a")?.cash("USD").description == "2")
        #expect(try await scenario("name: other\n" + start + deposit).apply(to: engine) == 1)
        #expect(engine.account("a")?.cash("USD").description == "3")
        await engine.stop()
    }

    @Test("Sub-accounts may stand before their parents")
    func order() async throws {
        let engine = try await memoryEngine()
        let text = """
            accounts:
              - { account: child, venue: crypto-com, parent: main }
              - { account: main, venue: crypto-com }
            """
        #expect(try await scenario(text).apply(to: engine) == 2)
        #expect(engine.account("child")?.parent == "main")
        await engine.stop()
    }

    static let broken: [(text: String, place: String)] = [
        ("accounts: [", "desk.yaml, line 2"),
        ("- 1", "desk.yaml, line 1"),
        ("accounts: []\naccount: []", "desk.yaml, line 2, account"),
        ("accounts:\n  - { venue: okx }", "desk.yaml, line 2, accounts[0].account"),
        ("accounts:\n  - { account: a, venue: kraken }", "desk.yaml, line 2, accounts[0].venue"),
        ("accounts:\n  - { account: a, venue: okx, colour: red }", "desk.yaml, line 2, accounts[0].colour"),
        ("accounts:\n  - { account: \"a b\", venue: okx }", "desk.yaml, line 2, accounts[0].account"),
        (
            "accounts:\n  - { account: a, venue: okx }\n  - { account: a, venue: okx }",
            "line 3, accounts[1].account"
        ),
        (
            "accounts:\n  - { account: a, venue: okx, settings: { mode: loud } }",
            "line 2, accounts[0].settings"
        ),
        (
            "accounts:\n  - account: a\n    venue: okx\n    keys:\n      - { api_key: k, secret: s, colour: red }",
            "line 5, accounts[0].keys[0].colour"
        ),
        (
            "accounts:\n  - account: a\n    venue: binance\n    keys:\n      - { api_key: k }",
            "line 5, accounts[0].keys[0].secret"
        ),
        (
            "accounts:\n  - account: a\n    venue: okx\n    keys:\n      - { api_key: k, secret: s }",
            "line 5, accounts[0].keys[0].passphrase"
        ),
        (
            "accounts:\n  - account: a\n    venue: rails\n    keys:\n      - { api_key: k, secret: s, permissions: [fly] }",
            "line 5, accounts[0].keys[0].permissions"
        ),
        ("prices:\n  kraken: {}", "desk.yaml, line 2, prices.kraken"),
        ("prices:\n  okx:\n    marks:\n      BTC-USDT-SWAP: dear", "line 4, prices.okx.marks.BTC-USDT-SWAP"),
        ("prices:\n  okx:\n    spot: {}", "desk.yaml, line 3, prices.okx.spot"),
        ("ledger_time: soon", "desk.yaml, line 1, ledger_time"),
        ("commands:\n  - { type: dance }", "desk.yaml, line 2, commands[0].type"),
        (
            "commands:\n\n  - { type: deposit, account: a, asset: USDT, amount: \"1\" }",
            "line 3, commands[0].account"
        ),
        (
            "accounts: [{ account: a, venue: okx }]\ncommands:\n"
                + "  - { type: deposit, account: a, asset: USDT, amount: \"1\" }\n"
                + "  - type: deposit\n    account: a\n    asset: XYZ\n    amount: \"1\"",
            "desk.yaml, line 6, commands[1].asset"
        ),
        (
            "accounts: [{ account: a, venue: okx }]\ncommands:\n"
                + "  - { type: deposit, account: a, asset: USDT, amount: \"-1\" }",
            "line 3, commands[0].amount"
        ),
        (
            "accounts: [{ account: a, venue: okx }]\ncommands:\n"
                + "  - { type: deposit, account: a, asset: USDT, amount: \"1\", note: x }",
            "line 3, commands[0].note"
        ),
    ]

    @Test("A broken scenario names its file, line and field, and applies nothing", arguments: broken.indices)
    func errors(index: Int) async throws {
        let (text, place) = Self.broken[index]
        let engine = try await memoryEngine()
        let error = await programError { try await scenario(text).apply(to: engine) }
        #expect(error?.status == .badData)
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "no error")")
        #expect(error?.message.hasSuffix(".") == true)
        #expect(error?.message.contains("\n") == false)
        #expect(engine.statistics.sequence == 0)
        #expect(engine.accountIDs.isEmpty)
        await engine.stop()
    }

    @Test("The line of a value in JSON")
    func jsonLines() throws {
        let text = """
            {
              "a": [1, {"b": "x\\"]}", "c": [true,
                null]}],
              "d":
                {"e": {}}
            }
            """
        let document = try SourceDocument(
            file: "x.json", content: Array(text.utf8), numbers: .asText, failure: .badData)
        #expect(document.line(of: []) == 1)
        #expect(document.line(of: [.key("a"), .index(1), .key("b")]) == 2)
        #expect(document.line(of: [.key("a"), .index(1), .key("c"), .index(1)]) == 3)
        #expect(document.line(of: [.key("d"), .key("e")]) == 5)
        #expect(document.line(of: [.key("d"), .key("missing")]) == 5)
    }

    @Test("A key of another account is refused before anything is applied")
    func foreignKey() async throws {
        let engine = try await memoryEngine()
        try await scenario(Self.sound).apply(to: engine)
        let sequence = engine.statistics.sequence
        let other = """
            accounts:
              - account: other
                venue: okx
                keys:
                  - { api_key: desk-key, secret: other-secret, passphrase: desk-pass }
            """
        let error = await programError { try await scenario(other).apply(to: engine) }
        #expect(
            error?.message.contains("line 5, accounts[0].keys[0].api_key") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("other-secret") == false)
        #expect(engine.statistics.sequence == sequence)
        await engine.stop()
    }

    @Test("An account that is another one is refused")
    func foreignAccount() async throws {
        let engine = try await memoryEngine()
        try await scenario("accounts: [{ account: desk, venue: rails }]").apply(to: engine)
        let error = await programError { try await scenario(Self.sound).apply(to: engine) }
        #expect(error?.message.contains("accounts[0].account") == true, "\(error?.message ?? "")")
        #expect(engine.statistics.sequence == 1)
        await engine.stop()
    }

    @Test("The demonstration: one account per venue and mode, its public keys, and a second time nothing")
    func demonstration() async throws {
        let engine = try await memoryEngine()
        let demonstration = try MarginaliaServer.demonstration()
        let applied: Int
        do { applied = try await demonstration.apply(to: engine) } catch {
            Issue.record("\(error.message)")
            return
        }
        #expect(applied > 40)
        let sequence = engine.statistics.sequence
        #expect(try await demonstration.apply(to: engine) == 0)
        #expect(engine.statistics.sequence == sequence)
        for venue in Venues.names {
            let key = engine.access(for: venue).key("demo-\(venue)-key")
            #expect(key?.secret == "demo-\(venue)-secret")
            #expect(key?.account == "demo-\(venue)")
        }
        #expect(
            engine.access(for: VenueName(rawValue: "okx")).key("demo-okx-key")?.passphrase?
                .matches("demo-okx-passphrase") == true)
        let modes = Set(engine.accountIDs.compactMap { engine.account($0)?.settings.text("mode") })
        #expect(modes == ["multi", "spot", "futures", "portfolio"])
        #expect(engine.account("demo-okx-borrower")?.cash("USDT").isNegative == true)
        await engine.stop()
    }
}
