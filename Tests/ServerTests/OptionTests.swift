import Ledger
import Testing
import Venue

@testable import Server

@Suite("Options")
struct OptionTests {
    @Test(
        "Listening addresses",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1", 8080), ("localhost:0", "localhost", 0), ("[::1]:9", "::1", 9),
            ("0.0.0.0:65535", "0.0.0.0", 65535),
        ])
    func listening(text: String, host: String, port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
    }

    @Test(
        "What is no listening address",
        arguments: [
            "", "8080", "127.0.0.1", ":8080", "host:", "host:65536", "host:-1", "host:+1", "::1:8080",
            "a b:1",
        ])
    func noListening(text: String) { #expect(ListenAddress(text) == nil) }

    @Test(
        "Loopback addresses",
        arguments: [
            ("127.0.0.1", true), ("127.8.9.10", true), ("localhost", true), ("::1", true), ("0.0.0.0", false),
            ("10.0.0.1", false), ("::", false), ("example.org", false), ("127.0.0.1.example.org", false),
        ])
    func loopback(host: String, isLoopback: Bool) {
        #expect(ListenAddress(host: host, port: 1).isLoopback == isLoopback)
    }

    private func layers(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String = ""
    ) throws -> [OptionLayer] {
        var layer = OptionLayer(origin: .commandLine)
        for (name, value) in flags { layer.set(name, value) }
        let document = try SourceDocument(
            file: "config.yaml", content: Array(file.utf8), numbers: .kept, failure: .badConfiguration)
        return [layer, OptionLayer(environment: environment), try OptionLayer(document: document)]
    }

    @Test("The command line wins over the environment, and that over the file")
    func precedence() throws {
        let file =
            "listen: 127.0.0.1:3\nrate_limits: off\nlog-format: json\nledger-time: 2026-01-31T00:00:00Z"
        let environment = ["MARGINALIA_LISTEN": "127.0.0.1:2", "MARGINALIA_LOG_FORMAT": "text"]
        let all = try ServeOptions(
            layers: layers(flags: ["listen": "127.0.0.1:1"], environment: environment, file: file))
        #expect(all.listen.port == 1)
        #expect(all.logFormat == .text)
        #expect(!all.enforcesRateLimits)
        #expect(all.ledgerTime == LedgerTime(iso8601: "2026-01-31T00:00:00Z"))
        let two = try ServeOptions(layers: layers(environment: environment, file: file))
        #expect(two.listen.port == 2)
        let one = try ServeOptions(layers: layers(file: file))
        #expect(one.listen.port == 3)
        #expect(one.logFormat == .json)
        let none = try ServeOptions(layers: layers())
        #expect(none == ServeOptions())
        #expect(none.listen == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(none.store == .sqlite(path: "marginalia-data/ledger.db"))
    }

    @Test("Repeatable options")
    func repeatable() throws {
        let options = try ServeOptions(
            layers: layers(
                environment: ["MARGINALIA_SCENARIO": "a.yaml,b.json"],
                file: "rulebook: [x.yaml, y.yaml]\nprofile: { rails: live, okx: documented }"))
        #expect(options.scenarios == ["a.yaml", "b.json"])
        #expect(options.rulebooks == ["x.yaml", "y.yaml"])
        #expect(
            options.profiles == [
                VenueName(rawValue: "rails"): .live, VenueName(rawValue: "okx"): .documented,
            ])
    }

    @Test(
        "Values that cannot be used, on the command line",
        arguments: [
            ("listen", "nowhere"), ("store", "file.db"), ("profile", "okx"), ("profile", "okx=loud"),
            ("profile", "kraken=live"), ("ledger-time", "yesterday"), ("rate-limits", "some"),
            ("admin-token", "two words"), ("log-level", "loud"), ("log-format", "xml"),
        ])
    func badFlags(name: String, value: String) throws {
        let error = #expect(throws: ProgramError.self) {
            try ServeOptions(layers: layers(flags: [name: value]))
        }
        #expect(error?.status == .usage)
        #expect(error?.message.contains("--\(name)") == true)
    }

    @Test("The same in the environment and in a file is a bad configuration, which says where")
    func badConfiguration() throws {
        let environment = #expect(throws: ProgramError.self) {
            try ServeOptions(layers: layers(environment: ["MARGINALIA_RATE_LIMITS": "some"]))
        }
        #expect(environment?.status == .badConfiguration)
        #expect(environment?.message.contains("MARGINALIA_RATE_LIMITS") == true)
        let file = #expect(throws: ProgramError.self) {
            try ServeOptions(layers: layers(file: "demo: false\nlisten: nowhere"))
        }
        #expect(file?.status == .badConfiguration)
        #expect(file?.message.hasPrefix("config.yaml, line 2, listen:") == true)
    }

    @Test(
        "Configuration files that cannot be used",
        arguments: [
            ("listn: 127.0.0.1:1", "config.yaml, line 1, listn"), ("- listen", "config.yaml, line 1"),
            ("store: 'memory:'\nlisten: [a, b]", "config.yaml, line 2, listen"),
            ("store: {", "config.yaml, line 2"), ("demo: true\ndemo: false", "demo: the key occurs twice"),
        ])
    func badFiles(content: String, place: String) throws {
        let error = #expect(throws: ProgramError.self) { try layers(file: content) }
        #expect(error?.status == .badConfiguration)
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
    }

    @Test("A configuration file that does not exist")
    func missingFile() {
        let error = #expect(throws: ProgramError.self) { try OptionLayer(file: "/nowhere/config.yaml") }
        #expect(error?.status == .badConfiguration)
    }

    @Test("The demonstration is refused where others can reach it, whoever asks for it")
    func demonstration() throws {
        for host in ["0.0.0.0", "[::]", "10.1.2.3"] {
            let error = #expect(throws: ProgramError.self) {
                try ServeOptions(layers: layers(flags: ["listen": "\(host):8080"], file: "demo: true"))
            }
            #expect(error?.status == .usage)
        }
        #expect(try ServeOptions(layers: layers(flags: ["listen": "[::1]:8080", "demo": "true"])).demo)
        #expect(try !ServeOptions(layers: layers(flags: ["demo": "false"], file: "demo: true")).demo)
    }

    @Test("A store of a kind that is not there")
    func stores() throws {
        #expect(try StoreAddress("memory:") == .memory)
        #expect(try StoreAddress("sqlite:a/b.db").folder == "a")
        #expect(try StoreAddress("sqlite:b.db").folder == ".")
        #expect(try StoreAddress("sqlite:/b.db").folder == "/")
        #expect(throws: ProgramError.self) { try StoreAddress("sqlite:") }
        let error = #expect(throws: ProgramError.self) { try StoreAddress("postgres://user:word@host/db") }
        #expect(error?.status == .unavailable)
        #expect(error?.message.contains("word") == false)
    }
}
