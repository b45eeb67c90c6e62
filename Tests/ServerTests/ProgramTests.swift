import Engine
import Foundation
import JSON
import Ledger
import Logging
import Testing

@testable import Server

@Suite("Starting and stopping")
struct ProgramTests {
    private func options(_ folder: String) -> ServeOptions {
        var options = ServeOptions()
        options.listen = ListenAddress(host: "127.0.0.1", port: 0)
        options.store = .sqlite(path: "\(folder)/data/ledger.db")
        return options
    }

    /// How a server ends that must not start.
    private func end(_ options: ServeOptions) async -> ProgramError? {
        await programError {
            try await MarginaliaServer(options: options, logger: quietLogger).run { ready in
                Issue.record("It started at \(ready.url).")
                kill(getpid(), SIGTERM)
            }
        }
    }

    @Test("What was acknowledged is there after a stop and a start")
    func restart() async throws {
        try await withTemporaryFolder { folder in
            let store = StoreAddress.sqlite(path: "\(folder)/data/ledger.db")
            let before = try await TestServer.run {
                $0.store = store
            } _: { server in
                try await server.openDesk()
                return try await server.call("GET", "/admin/v1/accounts/desk").text
            }
            let after = try await TestServer.run {
                $0.store = store
            } _: { server in
                try await server.call("GET", "/admin/v1/accounts/desk").text
            }
            #expect(before == after)
            #expect(try await StoreVerification(checking: store).problems.isEmpty)
        }
    }

    @Test("A port in use")
    func portInUse() async throws {
        try await TestServer.run { server in
            var options = ServeOptions()
            options.listen = try #require(ListenAddress(String(server.url.dropFirst("http://".count))))
            options.store = .memory
            options.adminToken = "t"
            let error = await end(options)
            #expect(error?.status == .unavailable)
            #expect(error?.message.contains("\(options.listen.port)") == true)
            #expect(error?.message.contains("in use") == true)
        }
    }

    @Test("A store that another server has open")
    func storeInUse() async throws {
        try await withTemporaryFolder { folder in
            let options = options(folder)
            try await TestServer.run {
                $0.store = options.store
            } _: { _ in
                #expect(await end(options)?.status == .unavailable)
            }
        }
    }

    @Test("A store that is not ours stays as it is")
    func foreignStore() async throws {
        try await withTemporaryFolder { folder in
            let path = try write(
                "this is no ledger, but it is long enough to be one", to: "\(folder)/ledger.db")
            var options = options(folder)
            options.store = .sqlite(path: path)
            let error = await end(options)
            #expect(error?.status == .unavailable)
            #expect(error?.message.contains(path) == true, "\(error?.message ?? "")")
            #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("this is no ledger"))
        }
    }

    @Test("A data folder that cannot be made")
    func noFolder() async throws {
        try await withTemporaryFolder { folder in
            try write("a file", to: "\(folder)/data")
            let error = await end(options(folder))
            #expect(error?.status == .unavailable)
        }
    }

    @Test("Scenario and rulebook files that are missing or broken")
    func brokenFiles() async throws {
        try await withTemporaryFolder { folder in
            var missing = options(folder)
            missing.scenarios = ["\(folder)/none.yaml"]
            #expect(await end(missing)?.status == .badData)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/data"))
            var broken = options(folder)
            broken.scenarios = [try write("accounts: [{ account: a }]", to: "\(folder)/broken.yaml")]
            let scenario = await end(broken)
            #expect(scenario?.status == .badData)
            #expect(scenario?.message.hasPrefix("\(folder)/broken.yaml, line 1, accounts[0].venue:") == true)
            let rulebooks = [
                ("venue: kraken", "line 1, venue"), ("- 1", "line 1"), ("assets: {}", "venue"),
                ("venue: okx\neffective: tomorrow", "line 2, effective"),
            ]
            for (index, (content, place)) in rulebooks.enumerated() {
                var options = options(folder)
                options.rulebooks = [try write(content, to: "\(folder)/rules\(index).yaml")]
                let error = await end(options)
                #expect(error?.status == .badData)
                #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
                #expect(error?.message.contains("rules\(index).yaml") == true)
            }
        }
    }

    @Test("The demonstration goes into an empty store, and stays there")
    func demonstration() async throws {
        try await withTemporaryFolder { folder in
            let store = StoreAddress.sqlite(path: "\(folder)/ledger.db")
            for _ in 0..<2 {
                try await TestServer.run {
                    $0.store = store
                    $0.demo = true
                } _: { server in
                    let accounts = try await server.call("GET", "/admin/v1/accounts").json["accounts"]?
                        .elements
                    #expect(accounts?.count == 13)
                }
            }
            let other = StoreAddress.sqlite(path: "\(folder)/other.db")
            try await TestServer.run {
                $0.store = other
            } _: {
                try await $0.openDesk()
            }
            var options = options(folder)
            options.store = other
            options.demo = true
            #expect(await end(options)?.status == .usage)
        }
    }

    @Test("The ledger's clock stands at a scenario's time, unless it was named")
    func scenarioTime() async throws {
        try await withTemporaryFolder { folder in
            let file = try write("ledger_time: 2026-01-31T12:00:00Z", to: "\(folder)/time.yaml")
            let clock = try await TestServer.run {
                $0.scenarios = [file]
            } _: { server in
                try await server.call("GET", "/admin/v1/clock").text
            }
            #expect(clock == "{\"now\":1769860800000,\"mode\":\"standing\"}")
            let named = try await TestServer.run {
                $0.scenarios = [file]
                $0.isLedgerTimeGiven = true
            } _: { server in
                try await server.call("GET", "/admin/v1/clock").json["mode"]?.text
            }
            #expect(named == "system")
        }
    }
}

@Suite("Admin token")
struct AdminTokenTests {
    @Test("It is made once, for its owner's eyes only")
    func made() async throws {
        try await withTemporaryFolder { folder in
            let first = try AdminToken(folder: folder)
            #expect(first.isNew)
            #expect(first.text.utf8.count == 64)
            let path = try #require(first.file)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let second = try AdminToken(folder: folder)
            #expect(!second.isNew)
            #expect(second.matches(first.text))
            #expect(!second.matches(first.text.dropLast()))
            #expect(!second.matches(""))
        }
    }

    @Test("A file that others can read is not trusted", arguments: [0o644, 0o640, 0o604, 0o660])
    func looseMode(mode: Int) async throws {
        try await withTemporaryFolder { folder in
            _ = try AdminToken(folder: folder)
            chmod("\(folder)/admin-token", mode_t(mode))
            let error = #expect(throws: ProgramError.self) { try AdminToken(folder: folder) }
            #expect(error?.status == .notPermitted)
            #expect(error?.message.contains("chmod 600") == true)
        }
    }

    @Test("An empty file is no token")
    func empty() async throws {
        try await withTemporaryFolder { folder in
            try write("\n", to: "\(folder)/admin-token")
            chmod("\(folder)/admin-token", 0o600)
            let error = #expect(throws: ProgramError.self) { try AdminToken(folder: folder) }
            #expect(error?.status == .badConfiguration)
        }
    }
}

@Suite("Commands of the command line")
struct ConnectionTests {
    @Test("A scenario through the operator API: all of it, once, with its keys")
    func apply() async throws {
        try await TestServer.run { server in
            let connection = try OperatorConnection(url: server.url, token: TestServer.token)
            let text = """
                accounts:
                  - account: desk
                    venue: okx
                    keys: [{ api_key: k, secret: s, passphrase: p }]
                commands:
                  - { type: deposit, account: desk, asset: USDT, amount: 12.50 }
                """
            let scenario = try Scenario(file: "desk.yaml", content: Array(text.utf8))
            let first = try await scenario.apply(through: connection)
            #expect((first.applied, first.known) == (2, 0))
            let second = try await scenario.apply(through: connection)
            #expect((second.applied, second.known) == (0, 2))
            let keys = try await server.call("GET", "/admin/v1/accounts/desk/keys").json["keys"]?.elements
            #expect(keys?.count == 1)
            let before = try await server.state()
            let broken = try Scenario(
                file: "desk.yaml", content: Array((text + "\n  - { type: deposit, account: desk }").utf8))
            let error = await programError { _ = try await broken.apply(through: connection) }
            #expect(error?.status == .badData)
            #expect(
                error?.message.hasPrefix("desk.yaml, line 7, commands[1].asset:") == true,
                "\(error?.message ?? "")")
            #expect(try await server.state() == before)
        }
    }

    @Test("A wrong token, and no server at all")
    func failures() async throws {
        try await TestServer.run { server in
            let connection = try OperatorConnection(url: server.url, token: "wrong")
            let error = await programError { _ = try await connection.call("GET", "/admin/v1/accounts") }
            #expect(error?.status == .notPermitted)
            #expect(error?.message.contains("wrong") == false)
        }
        let nobody = try OperatorConnection(url: "http://127.0.0.1:1", token: "t")
        let error = await programError { _ = try await nobody.call("GET", "/admin/v1/accounts") }
        #expect(error?.status == .unavailable)
        #expect(throws: ProgramError.self) { try OperatorConnection(url: "ftp://host", token: "t") }
        #expect(throws: ProgramError.self) { try OperatorConnection(url: "https://host", token: "t") }
    }

    @Test("A store that no server has open")
    func store() async throws {
        try await withTemporaryFolder { folder in
            let store = StoreAddress.sqlite(path: "\(folder)/ledger.db")
            try await TestServer.run {
                $0.store = store
            } _: {
                try await $0.openDesk()
            }
            let connection = try await OperatorConnection(store: store, logger: quietLogger)
            let answer = try await connection.call(
                "POST", "/admin/v1/accounts/desk/keys", body: Array("{\"api_key\":\"k\"}".utf8))
            await connection.close()
            #expect(answer.body["api_key"]?.text == "k")
            let missing = StoreAddress.sqlite(path: "\(folder)/none.db")
            let error = await programError {
                _ = try await OperatorConnection(store: missing, logger: quietLogger)
            }
            #expect(error?.status == .unavailable)
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/none.db"))
        }
    }
}
