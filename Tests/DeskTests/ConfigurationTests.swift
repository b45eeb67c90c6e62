import JSON
import Ledger
import Numbers
import Testing
import Venue

@testable import Desk

/// What a configuration says, and what is said where it says nothing of use.
struct ConfigurationTests {
    static func read(_ text: String, folder: String = "") throws -> DeskConfiguration {
        try DeskConfiguration(JSONValue(parsing: text), folder: folder)
    }

    static let account = """
        {"name":"main","venue":"okx","credentials":{"env":"OKX_MAIN"}}
        """

    @Test func everythingThatCanBeSaid() throws {
        let read = try Self.read(
            """
            {"accounts":[
              {"name":"main","venue":"okx","base_url":"https://my.example/","profile":"live","uid":"44705892343619584",
               "demo_trading":true,
               "credentials":{"file":"okx.json"},"allow":["trade"]},
              {"name":"other","venue":"rails","credentials":{"sealed":"/keys","entry":"r"}}],
             "concurrency":"2","attempts":3,"timeouts":{"call":"500ms","whole":"2m"},
             "prices":{"USDT":"1.0002"},
             "watch":{"every":"10s",
               "alerts":[{"figure":"available","below":"10","account":"main","asset":"USDT","name":"low"},
                         {"figure":"maintenance_share","above":"0.8"},{"older_than":"1m"},{"drift":true},
                         {"not_read":true}],
               "notify":[{"command":["./tell","now"],"environment":["TZ"]},{"webhook":"https://h.example/x?y=1","secret":{"env":"S"}},
                         {"telegram":{"file":"bot"},"chat":"-5"}]}}
            """, folder: "conf")
        #expect(read.accounts.map(\.name) == ["main", "other"])
        #expect(read.accounts[0].baseURL == "https://my.example")
        #expect(read.accounts[0].credentials == .file("conf/okx.json"))
        #expect(read.accounts[0].allowed == [.trade])
        #expect(read.accounts[0].profile == .live)
        #expect(read.accounts.map(\.uid) == ["44705892343619584", nil])
        #expect(read.accounts.map(\.isDemoTrading) == [true, false])
        #expect(read.accounts[1].credentials == .sealed(store: "/keys", entry: "r"))
        #expect(read.concurrency == 2)
        #expect(read.retryPolicy.attempts == 3)
        #expect(read.retryPolicy.call == 500)
        #expect(read.retryPolicy.whole == 120_000)
        #expect(try read.prices == ["USDT": ExactDecimal("1.0002")])
        #expect(read.watch.every == 10_000)
        #expect(
            read.watch.alerts.map(\.name) == [
                "low", "maintenance_share", "older_than", "drift", "not_read",
            ])
        #expect(try read.watch.alerts[0].limit == .below(ExactDecimal("10")))
        #expect(read.watch.alerts[2].limit == .above(ExactDecimal(60_000)))
        #expect(
            read.watch.notices == [
                .command(AlertCommand(["./tell", "now"], folder: "conf", variables: ["TZ"])),
                .webhook(url: "https://h.example/x?y=1", secret: .environment("S")),
                .telegram(base: "https://api.telegram.org", token: .file("conf/bot"), chat: "-5"),
            ])
    }

    @Test(arguments: [
        ("{}", "accounts: accounts must be a list of at least one account"),
        (#"{"accounts":[{}]}"#, "accounts[0].name: name is missing"),
        (#"{"acounts":[]}"#, "acounts: acounts is unknown here; known are accounts, "),
        (#"{"accounts":[{"name":"a b","venue":"okx"}]}"#, "accounts[0].name: name must be 1 to 64"),
        (
            #"{"accounts":[{"name":"a","venue":"okex"}]}"#,
            "accounts[0].venue: venue must be one of crypto-com, rails, binance, okx. (Did you mean okx?)"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx"}]}"#,
            "accounts[0].credentials: credentials is missing; name an env"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx","credentials":{"env":"A","file":"b"}}]}"#,
            "accounts[0].credentials: there must be one of env"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx","base_url":"http://www.example.com","credentials":{"env":"A"}}]}"#,
            "accounts[0].base_url: base_url must begin with https://"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx","base_url":"http://127.0.0.1.example.com","credentials":{"env":"A"}}]}"#,
            "accounts[0].base_url: base_url must begin with https://"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx","allow":["all"],"credentials":{"env":"A"}}]}"#,
            "accounts[0].allow[0]: allow[0] must be read, trade or withdraw"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"binance","demo_trading":"true","credentials":{"env":"A"}}]}"#,
            "accounts[0].demo_trading: demo_trading is for OKX"
        ),
        (
            #"{"accounts":[{"name":"a","venue":"okx","demo_trading":"1","credentials":{"env":"A"}}]}"#,
            "accounts[0].demo_trading: demo_trading must be true or false"
        ),
        (#"{"accounts":[\#(account),\#(account)]}"#, "accounts[1].name: name occurs twice"),
        (
            #"{"accounts":[\#(account)],"timeouts":{"call":"5"}}"#,
            "timeouts.call: call must be a span of time"
        ),
        (
            #"{"accounts":[\#(account)],"timeouts":{"call":"0s"}}"#,
            "timeouts.call: call must be a span of time"
        ),
        (
            #"{"accounts":[\#(account)],"concurrency":"0"}"#,
            "concurrency: concurrency must be a whole number from 1 to 64"
        ),
        (#"{"accounts":[\#(account)],"prices":{"USDT":"0"}}"#, "prices.USDT: USDT must be above zero"),
        (
            #"{"accounts":[\#(account)],"watch":{"alerts":[{"figure":"equty","below":"1"}]}}"#,
            "watch.alerts[0].figure: figure is unknown; known are"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"alerts":[{"figure":"equity"}]}}"#,
            "watch.alerts[0]: there must be either below or above"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"alerts":[{"drift":true,"below":"1"}]}}"#,
            "watch.alerts[0]: below, above and asset go with a figure only"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"alerts":[{"drift":true,"account":"x"}]}}"#,
            "watch.alerts[0].account: account must be an account of this configuration"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"alerts":[{"drift":true},{"drift":true}]}}"#,
            "watch.alerts[1]: it is called"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"notify":[{"webhook":"http://hooks.example.com"}]}}"#,
            "watch.notify[0].webhook: webhook must begin with https://"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"notify":[{"command":["x"],"environment":["TZ","OKX_MAIN_SECRET"]}]}}"#,
            "watch.notify[0].environment[1]: may not be OKX_MAIN_SECRET"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"notify":[{"command":["x"],"environment":["HOOK"]},{"webhook":"https://h.example","secret":{"env":"HOOK"}}]}}"#,
            "watch.notify[0].environment[0]: may not be HOOK"
        ),
        (
            #"{"accounts":[\#(account)],"watch":{"notify":[{"command":["x"],"environment":["MARGINALIA_ADMIN_TOKEN"]}]}}"#,
            "watch.notify[0].environment[0]: may not be MARGINALIA_ADMIN_TOKEN"
        ),
    ])
    func whatIsOfNoUseIsNamed(_ text: String, _ message: String) {
        do {
            _ = try Self.read(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect("\(error)".hasPrefix(message), "\(error)")
        }
    }

    @Test func someAccountsOnly() throws {
        let all = try Self.read(
            """
            {"accounts":[\(Self.account),{"name":"b","venue":"okx","credentials":{"env":"B"}}]}
            """)
        #expect(try all.only(["b"]).accounts.map(\.name) == ["b"])
        #expect(try all.only([]).accounts.count == 2)
        #expect(throws: ConfigurationError.self) { try all.only(["c"]) }
    }
}
