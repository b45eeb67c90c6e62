import ArgumentParser
import Foundation
import Server

/// `marginalia health`: whether a server can be used, for whatever watches over it.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says by its exit status whether a server answers and can write its store.",
        discussion: """
            Example: marginalia health --within 30s
            Exit status: 0 it can be used, 69 not. It needs no token, and is what containers and units ask.
            """)

    @Option(
        help: ArgumentHelp(
            "The server; else MARGINALIA_URL, else the port of MARGINALIA_LISTEN on this machine. "
                + "(default: http://127.0.0.1:8080)", valueName: "url"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "How long to wait for it to become so, such as 30s or 2m; a number alone has seconds. "
                + "(default: 0)",
            valueName: "span"))
    var within: String?

    @Flag(help: "Writes JSON for programs.")
    var json = false

    func validate() throws {
        _ = try patience
    }

    private var patience: Int64 {
        get throws {
            try within.map { try Measures.milliseconds($0, option: "--within", atLeast: 0, most: "1h") } ?? 0
        }
    }

    func run() async throws {
        let address = try (url == nil ? Self.listening : nil) ?? Connection.address(url)
        try await ServerHealth.check(url: address, within: .milliseconds(patience))
        print(json ? "{\"ready\":true}" : "ready at \(address)")
    }

    /// Where a server with this very environment listens: at any address of the machine also at its own.
    private static var listening: String? {
        let environment = ProcessInfo.processInfo.environment
        guard environment["MARGINALIA_URL"]?.isEmpty ?? true,
            let text = environment["MARGINALIA_LISTEN"], let listen = ListenAddress(text), listen.port != 0
        else { return nil }
        let host = ["0.0.0.0", "::", ""].contains(listen.host) ? "127.0.0.1" : listen.host
        return "http://\(ListenAddress(host: host, port: listen.port).authority)"
    }
}
