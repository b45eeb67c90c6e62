import ArgumentParser
import Foundation
import Logging
import Server

/// `marginalia serve`: runs the venue server.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the venue server.",
        discussion: """
            Example: marginalia serve --listen 127.0.0.1:8080 --store sqlite:marginalia-data/ledger.db --demo

            Every option can also come from the environment (MARGINALIA_LISTEN, MARGINALIA_ADMIN_TOKEN …) or \
            from a YAML or JSON file (--config); an option given here wins over the environment, and that \
            over the file.
            """)

    @Option(
        help: ArgumentHelp(
            "The address; port 0 picks a free one. (default: 127.0.0.1:8080)", valueName: "host:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "sqlite:PATH or memory:. (default: sqlite:marginalia-data/ledger.db)", valueName: "url"))
    var store: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Loads the demonstration scenario into an empty store; loopback addresses only.")
    var demo: Bool?

    @Option(
        help: ArgumentHelp(
            "Seals the API secrets in the store with what is in file:PATH or env:NAME.",
            valueName: "source"))
    var sealKeys: String?

    @Flag(help: "Goes on from what is there with a ledger that has lost its last events; for one start.")
    var acceptShorterLedger = false

    @Flag(help: "Lets the operator empty the ledger and put it back; always so in memory and with --demo.")
    var allowReset = false

    @Option(help: ArgumentHelp("Applies a scenario file; repeatable.", valueName: "file"))
    var scenario: [String] = []

    @Option(help: ArgumentHelp("Adds or replaces a rulebook version; repeatable.", valueName: "file"))
    var rulebook: [String] = []

    @Option(
        help: ArgumentHelp("A venue's wire profile, documented or live; repeatable.", valueName: "venue=name")
    )
    var profile: [String] = []

    @Option(
        help: ArgumentHelp(
            "system, or an ISO 8601 time at which the ledger's clock stands.", valueName: "when"))
    var ledgerTime: String?

    @Option(
        help: ArgumentHelp("venue: each venue's own limits; off: none. (default: venue)", valueName: "mode"))
    var rateLimits: String?

    @Option(
        help: ArgumentHelp(
            "When orders of venues' clients are filled: touch, through or manual. (default: touch)",
            valueName: "rule"))
    var execution: String?

    @Option(
        help: ArgumentHelp(
            "A proxy in front of the server, or its network: its X-Forwarded-For says who asks; repeatable.",
            valueName: "address"))
    var trustedProxy: [String] = []

    @Option(
        help: ArgumentHelp(
            "The operator's token; made and kept in the data folder if not given.", valueName: "token"))
    var adminToken: String?

    @Option(help: ArgumentHelp("A YAML or JSON file with any of these options.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("text or json, on standard error. (default: text)", valueName: "format"))
    var logFormat: String?

    func run() async throws {
        let options = try self.options(environment: ProcessInfo.processInfo.environment)
        LoggingSystem.bootstrap { _ in StandardErrorLog(level: options.logLevel, format: options.logFormat) }
        var logger = Logger(label: "marginalia")
        logger.logLevel = options.logLevel
        for sentence in OptionLayer.misspelt(in: ProcessInfo.processInfo.environment) {
            logger.warning("\(sentence)")
        }
        let greets = options.logFormat == .text && options.logLevel <= .info
        let shown = options.demo ? try MarginaliaServer.demonstration().firstKeys : []
        try await MarginaliaServer(options: options, logger: logger).run { [logger] ready in
            logger.info(
                "started",
                metadata: [
                    "version": "\(Marginalia.configuration.version)", "store": "\(options.store.text)",
                    "events": "\(ready.events)", "accounts": "\(ready.accounts)",
                ])
            StandardError.finishLog()
            if greets { Terminal.show(Greeting(ready, demonstrationKeys: shown).lines) }
            printNow("marginalia is ready at \(ready.url)")
        }
    }

    /// The options of this command line, laid over those of the environment and of the configuration file.
    func options(environment: [String: String]) throws -> ServeOptions {
        var layer = OptionLayer(origin: .commandLine)
        layer.set("listen", listen)
        layer.set("store", store)
        layer.set("demo", demo.map(String.init))
        layer.set("seal-keys", sealKeys)
        layer.set("accept-shorter-ledger", acceptShorterLedger ? "true" : nil)
        layer.set("allow-reset", allowReset ? "true" : nil)
        layer.set("scenario", scenario)
        layer.set("rulebook", rulebook)
        layer.set("profile", profile)
        layer.set("ledger-time", ledgerTime)
        layer.set("rate-limits", rateLimits)
        layer.set("execution", execution)
        layer.set("trusted-proxy", trustedProxy)
        layer.set("admin-token", adminToken)
        layer.set("log-level", logLevel)
        layer.set("log-format", logFormat)
        var layers = [layer, OptionLayer(environment: environment)]
        if let file = config ?? environment["MARGINALIA_CONFIG"] {
            layers.append(try OptionLayer(file: file))
        }
        return try ServeOptions(layers: layers)
    }
}
