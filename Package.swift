// swift-tools-version: 6.1

import PackageDescription

/// Every target is compiled with the same strict settings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Whether this is somebody's dependency, which may not ask for flags of its own.
let isDependency = ["/checkouts/", "/registry/"].contains { Context.packageDirectory.contains($0) }

/// Exact arithmetic is 25 to 270 times slower unoptimised, so the modules on every figure's path are
/// optimised in debug builds too; otherwise the tests crawl.
let optimised: [SwiftSetting] =
    strict + (isDependency ? [] : [.unsafeFlags(["-O"], .when(configuration: .debug))])

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
/// What nearly every module stands on.
let core: [Target.Dependency] = ["Ledger", "Numbers", "JSON"]
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

/// One module a venue. A fifth venue is one more line here, one in `Venues` and one more folder.
let venues = ["CryptoCom", "Rails", "Binance", "OKX"]

let package = Package(
    name: "marginalia",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "marginalia", targets: ["marginalia"]),
        .library(name: "MarginaliaLedger", targets: ["Numbers", "JSON", "Ledger", "Exchange"]),
        .library(name: "MarginaliaVenues", targets: ["Venue", "Venues"] + venues),
        .library(name: "MarginaliaServer", targets: ["Journal", "Engine", "Server"]),
        .library(name: "MarginaliaDesk", targets: ["Desk"]),
    ],
    // Exact, so that a build of next year is the build that was tested: there is no lock file, because the
    // commits that one would name differ between mirrors of these packages.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .target(name: "Numbers", swiftSettings: optimised),
        .target(name: "JSON", dependencies: ["Numbers"], swiftSettings: optimised),
        .target(name: "Ledger", dependencies: ["Numbers", "JSON"], swiftSettings: optimised),
        .target(name: "Exchange", dependencies: ["Ledger", "Numbers"], swiftSettings: optimised),
        .target(
            name: "Venue",
            dependencies: core + [crypto, .product(name: "CryptoExtras", package: "swift-crypto")],
            swiftSettings: optimised),
    ]
        + venues.map { venue in
            .target(
                name: venue,
                dependencies: [
                    "Venue", "Ledger", "Numbers", "JSON", crypto,
                    .product(name: "CryptoExtras", package: "swift-crypto"),
                ],
                resources: [.embedInCode("Rulebook")],
                swiftSettings: optimised)
        }
        + [
            .target(
                name: "Venues",
                dependencies: ["Venue", "Ledger"] + venues.map { .byName(name: $0) },
                swiftSettings: strict),
            .target(
                name: "Journal",
                dependencies: ["Ledger", "Numbers", "JSON", grdb],
                swiftSettings: strict),
            .target(
                name: "Engine",
                dependencies: ["Journal", "Exchange", "Venue", "Ledger", "Numbers", "JSON"],
                swiftSettings: strict),
            .target(
                name: "Server",
                dependencies: [
                    "Engine", "Exchange", "Journal", "Venues", "Venue", "Ledger", "Numbers", "JSON", crypto,
                    .product(name: "HummingbirdCore", package: "hummingbird"),
                    .product(name: "HTTPTypes", package: "swift-http-types"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOHTTP1", package: "swift-nio"),
                    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                    .product(name: "NIOPosix", package: "swift-nio"),
                    .product(name: "NIOWebSocket", package: "swift-nio"),
                    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                    .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                    .product(name: "Yams", package: "Yams"),
                ],
                resources: [.embedInCode("Resources")],
                swiftSettings: strict),
            .target(
                name: "Desk",
                dependencies: [
                    "Journal", "Venues", "Venue", "Ledger", "Numbers", "JSON", crypto,
                    .product(name: "CryptoExtras", package: "swift-crypto"),
                    .product(name: "AsyncHTTPClient", package: "async-http-client"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOHTTP1", package: "swift-nio"),
                    .product(name: "NIOPosix", package: "swift-nio"),
                ],
                swiftSettings: strict),
            .executableTarget(
                name: "marginalia",
                dependencies: [
                    "Desk", "Server", "Engine", "Journal", "Venues", "Venue", "Ledger", "Numbers", "JSON",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                    .product(name: "Yams", package: "Yams"),
                ],
                swiftSettings: strict),

            // What the documentation of the library products shows, run by the tests: Examples/Swift.
            .example("Ledger", core),
            .example("Venues", ["Venues", "Venue"] + core),
            .example("Desk", ["Desk", "Venues", "Venue", "Ledger"]),
            // The venue that CONTRIBUTING.md adds.
            .executableTarget(
                name: "HarbourExample", dependencies: ["VenueTestSupport", "Venue"] + core,
                path: "Examples/Swift/Harbour", resources: [.embedInCode("Rulebook")],
                swiftSettings: strict),
            .example(
                "Server", ["Server", "Ledger", "JSON", .product(name: "Logging", package: "swift-log")]),

            // A venue's surroundings for tests: the real state machine, with a clock and keys set by hand.
            .target(
                name: "VenueTestSupport", dependencies: ["Exchange", "Venue"] + core,
                path: "Tests/VenueTestSupport", swiftSettings: strict),
            // The engine alone, under a schedule, a clock and a store that are all made up: `Tests/Torture`.
            .executableTarget(
                name: "simulation", dependencies: ["Engine", "Journal", "Venue", "VenueTestSupport"] + core,
                path: "Tests/Simulation", swiftSettings: strict),
            .testTarget(
                name: "NumbersTests", dependencies: ["Numbers"], resources: [.copy("Tables")],
                swiftSettings: strict),
            .testTarget(name: "JSONTests", dependencies: ["JSON", "Numbers"], swiftSettings: strict),
            .testTarget(name: "LedgerTests", dependencies: core, swiftSettings: strict),
            .testTarget(name: "ExchangeTests", dependencies: ["Exchange"] + core, swiftSettings: strict),
            .testTarget(
                name: "VenueTests", dependencies: ["VenueTestSupport", "Venue"] + core,
                swiftSettings: strict),
            .testTarget(
                name: "JournalTests", dependencies: ["Journal", grdb] + core,
                swiftSettings: strict),
            .testTarget(
                name: "EngineTests",
                dependencies: ["Engine", "Journal", "Venue", "VenueTestSupport", grdb] + core,
                swiftSettings: strict),
            .testTarget(
                name: "ServerTests",
                dependencies: [
                    "Server", "Engine", "Venues", "Venue", "VenueTestSupport",
                    .product(name: "HTTPTypes", package: "swift-http-types"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOEmbedded", package: "swift-nio"),
                    .product(name: "NIOWebSocket", package: "swift-nio"),
                ] + core,
                swiftSettings: strict),
            .testTarget(
                name: "DeskTests",
                dependencies: ["Desk", "VenueTestSupport", "Journal", "Venue"]
                    + venues.map { .byName(name: $0) } + core,
                swiftSettings: strict),
        ]
        + venues.map { venue in
            .testTarget(
                name: "\(venue)Tests",
                dependencies: [.byName(name: venue), "VenueTestSupport", "Venue", crypto] + core,
                swiftSettings: strict)
        }
)

extension Target {
    /// A program of `Examples/Swift` that shows one library product.
    static func example(_ product: String, _ dependencies: [Dependency]) -> Target {
        .executableTarget(
            name: "\(product)Example", dependencies: dependencies, path: "Examples/Swift/\(product)",
            swiftSettings: strict)
    }
}
