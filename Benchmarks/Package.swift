// swift-tools-version: 6.1

import PackageDescription

// A package of its own, so that nobody who builds the program pays for the benchmark harness.
let package = Package(
    name: "marginalia-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "marginalia", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "LedgerBenchmarks",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "MarginaliaLedger", package: "marginalia"),
            ],
            path: "LedgerBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        // Timed by program/reading.py, beside a peer in the same run.
        .executableTarget(
            name: "ReadingBenchmark",
            dependencies: [.product(name: "MarginaliaVenues", package: "marginalia")],
            path: "ReadingBenchmark"),
    ]
)
