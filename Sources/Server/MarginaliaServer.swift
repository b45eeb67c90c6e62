import Engine
import Foundation
import HummingbirdCore
import Journal
import Ledger
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals
import Venue
import Venues

/// The venue server: an engine on a store, with the venues and the operator API in front of it.
public struct MarginaliaServer: Sendable {
    private let options: ServeOptions
    private let added: [Scenario]
    private let logger: Logger

    /// A server to be run with these options; scenarios come after those of the options' files.
    public init(options: ServeOptions, scenarios: [Scenario] = [], logger: Logger) {
        self.options = options
        added = scenarios
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT, then drains. `whenReady` is told where the server is once it listens.
    public func run(whenReady: @escaping @Sendable (ServerReady) -> Void) async throws(ProgramError) {
        let scenarios = try Self.scenarios(options) + added
        let venues = try Self.venues(options)
        let token = try Self.token(options)
        defer { token.removeTemporary() }
        let engine: LedgerEngine
        do {
            engine = try await EngineOpening.open(
                options, scenarios: scenarios, venues: venues, logger: logger)
        } catch {
            token.takeBack()
            throw error
        }
        token.tell(logger)
        do {
            try await load(scenarios, into: engine)
            let faults = FaultBook()
            faults.replaceAll(with: scenarios.flatMap(\.faults), engine: engine)
            try await listen(engine: engine, faults: faults, token: token.token, whenReady: whenReady)
        } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
        logger.info("stopped")
    }

    /// Every scenario file, read and checked before anything is opened.
    static func scenarios(_ options: ServeOptions) throws(ProgramError) -> [Scenario] {
        var scenarios: [Scenario] = []
        for file in options.scenarios { scenarios.append(try Scenario(file: file)) }
        return scenarios
    }

    /// The venues, with the rulebooks that were added.
    static func venues(_ options: ServeOptions) throws(ProgramError) -> [any VenueServer] {
        var rulebooks: [RulebookFile] = []
        for file in options.rulebooks { rulebooks.append(try RulebookFile(file: file)) }
        return try VenueRegistry.servers(rulebooks: rulebooks, profiles: options.profiles)
    }

    /// The scenario of `serve --demo`: accounts of every venue and mode, whose keys are public.
    public static func demonstration() throws(ProgramError) -> Scenario {
        try Scenario(file: "demonstration.yaml", content: PackageResources.demonstration_yaml)
    }

    private func load(_ scenarios: [Scenario], into engine: LedgerEngine) async throws(ProgramError) {
        func leave(_ what: String) {
            logger.notice("a scenario leaves something as it is", metadata: ["what": "\(what)"])
        }
        if options.demo {
            let demonstration = try Self.demonstration()
            // A store that has the demonstration already may hold its user's own accounts besides.
            let known = Set(demonstration.accounts)
            if let other = engine.accountIDs.first, !engine.accountIDs.contains(where: known.contains) {
                throw ProgramError(
                    .usage,
                    "The store holds other accounts (\(other) …), and the demonstration goes into an empty "
                        + "one: leave --demo out or give another --store.")
            }
            let applied = try await demonstration.apply(to: engine, leave: leave)
            logger.info("the demonstration is loaded", metadata: ["new commands": "\(applied)"])
        }
        for scenario in scenarios {
            let applied = try await scenario.apply(to: engine, leave: leave)
            logger.info(
                "a scenario is applied",
                metadata: ["file": "\(scenario.document.file)", "new commands": "\(applied)"])
        }
    }

    /// Answers requests at the address of the options until it is told to stop.
    func listen(
        engine: LedgerEngine, faults: FaultBook, token: AdminToken,
        whenReady: @escaping @Sendable (ServerReady) -> Void
    ) async throws(ProgramError) {
        let meter = RequestMeter()
        let requestLog = RequestLog()
        let checkpoints = CheckpointShelf(
            isAllowed: options.demo || options.allowsReset || options.store == .memory)
        let page = WebPage(
            venues: Venues.names.compactMap { engine.venues[$0] },
            isDemonstration: options.demo, enforcesRateLimits: options.enforcesRateLimits)
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let streams = StreamHub(
            feed: engine.feed, venues: engine.venueNames, eventLoops: eventLoops.makeIterator(),
            faults: faults, logger: logger)
        let gateway = Gateway(
            engine: engine,
            operatorAPI: OperatorAPI(
                engine: engine, token: token, meter: meter, streams: streams, page: page, logger: logger,
                startedAt: realMilliseconds(), faults: faults, margins: MarginWatch(engine: engine),
                checkpoints: checkpoints, requestLog: requestLog),
            faults: faults, streams: streams, meter: meter, requestLog: requestLog,
            trustedProxies: options.trustedProxies, logger: logger)
        let channel = ConnectionChannel(gateway: gateway)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let listen = options.listen
        let server = channel.server(
            configuration: ServerConfiguration(
                address: .hostname(listen.host, port: listen.port), backlog: 1024),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? listen.port
                let statistics = engine.statistics
                whenReady(
                    ServerReady(
                        url: "http://\(ListenAddress(host: listen.host, port: port).authority)",
                        tokenFile: token.file, events: statistics.sequence, accounts: statistics.accounts))
            },
            eventLoopGroup: eventLoops, logger: quiet)
        let group = ServiceGroup(
            configuration: .init(
                services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        do {
            try await group.run()
        } catch let error as IOError {
            throw Self.listening(error, at: listen)
        } catch is SocketAddressError {
            throw ProgramError(
                .unavailable, "The host \(listen.host) is unknown: give another --listen address.")
        } catch {
            throw ProgramError(.unavailable, "The server cannot listen at \(listen.authority): \(error).")
        }
    }

    private static func listening(_ error: IOError, at address: ListenAddress) -> ProgramError {
        switch error.errnoCode {
        case EADDRINUSE:
            ProgramError(
                .unavailable,
                "The port \(address.port) of \(address.host) is in use: stop what listens there, or give "
                    + "another --listen address.")
        case EACCES:
            ProgramError(
                .notPermitted,
                "The port \(address.port) may not be listened at: give a --listen port above 1023.")
        case EADDRNOTAVAIL:
            ProgramError(
                .unavailable, "This machine has no address \(address.host): give another --listen address.")
        default:
            ProgramError(
                .unavailable,
                "The server cannot listen at \(address.authority): "
                    + "\(String(cString: strerror(error.errnoCode)))."
            )
        }
    }
}

/// A server that answers: where it is, and what it began with.
public struct ServerReady: Sendable {
    /// The address that it listens at, such as `http://127.0.0.1:8080`.
    public let url: String
    /// The file that holds the operator's token; nil where the token was given.
    public let tokenFile: String?
    /// Events in its ledger.
    public let events: Int64
    /// Accounts in its ledger.
    public let accounts: Int
}

/// The admin token in use, and the temporary folder that holds it where the store keeps nothing.
struct TokenInUse: Sendable {
    let token: AdminToken
    var temporaryFolder: String?
    /// What was made to keep it in, outermost first.
    var madeFolders: [String] = []

    /// Deletes what was made for a store that does not open: the token, and folders with nothing else in
    /// them.
    func takeBack() {
        guard token.isNew, let file = token.file else { return }
        unlink(file)
        for folder in madeFolders.reversed() { rmdir(folder) }
    }

    /// Says where a token is that was made just now.
    func tell(_ logger: Logger) {
        guard token.isNew, let file = token.file else { return }
        logger.info(
            temporaryFolder == nil ? "an admin token was made" : "the admin token of this run was made",
            metadata: ["file": "\(file)"])
    }

    /// Deletes the temporary folder.
    func removeTemporary() {
        if let temporaryFolder { try? FileManager.default.removeItem(atPath: temporaryFolder) }
    }
}

extension MarginaliaServer {
    /// The token: given, kept beside the store, or made in a folder of its own where the store is in memory.
    static func token(_ options: ServeOptions) throws(ProgramError) -> TokenInUse {
        if let given = options.adminToken {
            return TokenInUse(token: AdminToken(given))
        }
        if let folder = options.store.folder {
            let made = try makeFolder(folder)
            return TokenInUse(token: try AdminToken(folder: folder), madeFolders: made)
        }
        let folder = FileManager.default.temporaryDirectory.path + "/marginalia-\(UUID().uuidString)"
        _ = try makeFolder(folder)
        return TokenInUse(token: try AdminToken(folder: folder), temporaryFolder: folder)
    }

    /// Gives the folders that were made, outermost first.
    private static func makeFolder(_ folder: String) throws(ProgramError) -> [String] {
        var missing: [String] = []
        var path = folder
        while !path.isEmpty, !FileManager.default.fileExists(atPath: path) {
            missing.insert(path, at: 0)
            path = (path as NSString).deletingLastPathComponent
        }
        if missing.isEmpty { return [] }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            for folder in missing.reversed() { rmdir(folder) }
            throw ProgramError(
                .unavailable,
                "The data folder \(folder) cannot be made: check its parent folder, or give another --store.")
        }
        return missing
    }
}
