import Numbers
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The engine in worlds that are made up: tasks and the store's calls in every order, a store that fails and
/// is cut off, and a plain count beside it. Each world has a number and can be run again by itself.
///
///     simulation [--seed N] [--world N] [--steps N]
///
/// Exit status: 0 where nothing was found, 1 with a finding, 64 for wrong usage.
@main struct Simulation {
    static func main() {
        SimulatedExecutors.install()
        var options = ["--seed": nil, "--world": nil, "--steps": 300_000 as UInt64?]
        var rest = CommandLine.arguments.dropFirst()
        while let name = rest.popFirst() {
            guard options.keys.contains(name), let value = rest.popFirst().flatMap({ UInt64($0) }) else {
                print("usage: simulation [--seed N] [--world N] [--steps N]")
                exit(64)
            }
            options[name] = value
        }
        let seed = options["--seed"].flatMap { $0 } ?? UInt64.random(in: 0..<1_000_000)
        let only = options["--world"].flatMap { $0 }
        run(seed: seed, only: only, steps: Int(clamping: options["--steps"].flatMap { $0 } ?? 0))
    }

    private static func run(seed: UInt64, only: UInt64?, steps: Int) {
        let begun = ContinuousClock.now
        var total = World.Figures()
        var digest: UInt64 = 0
        var number = only ?? 0
        repeat {
            var mixing = Chance(seed: seed &* 1_000_003 &+ number)
            Scheduler.shared.seed(mixing.next())
            let world = World(seed: mixing.next())
            world.run()
            total.add(world.figures)
            digest = (digest &* 31) ^ Scheduler.shared.digest
            if let finding = world.finding {
                print("finding: \(finding)")
                print("  again: simulation --seed \(seed) --world \(number)")
                exit(1)
            }
            number += 1
        } while only == nil && Scheduler.shared.steps < steps
        let seconds = (ContinuousClock.now - begun).components
        print(
            """
            seed \(seed): \(Scheduler.shared.steps) steps, \(total.worlds) worlds, \(total.lives) processes, \
            \(total.kills) kills, \(total.faults) faults, \(total.commands) commands, \
            \(total.acknowledged) acknowledged, \(total.reads) reads, \(total.verifications) verifications, \
            \(seconds.seconds) s; order \(String(digest, radix: 16))
            """)
    }
}

extension World.Figures {
    mutating func add(_ other: Self) {
        worlds += other.worlds
        lives += other.lives
        kills += other.kills
        faults += other.faults
        commands += other.commands
        acknowledged += other.acknowledged
        reads += other.reads
        verifications += other.verifications
    }
}
