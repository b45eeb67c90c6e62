import Numbers

/// Random numbers that a failing test can be run with again: SplitMix64 from a printed seed.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var numbers: SplitMix64

    init(seed: UInt64 = .random(in: .min ... .max)) {
        self.seed = seed
        numbers = SplitMix64(seed: seed)
    }

    mutating func next() -> UInt64 { numbers.next() }
}
