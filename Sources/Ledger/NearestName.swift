/// Finds the name that somebody meant who wrote another.
public enum NearestName {
    /// The nearest of these names to a text; nil where none is so near that it must have been meant.
    ///
    /// Case and punctuation do not count, so that `BTCUSDT` finds `BTC-USDT`; beyond that one letter in four,
    /// and no more than `mistakes`, may be wrong, missing, one too many or swapped with its neighbor.
    public static func of(
        _ text: String, among names: some Sequence<String>, mistakes: Int = 2
    ) -> String? {
        let wanted = letters(text.prefix(64))
        guard !wanted.isEmpty else { return nil }
        let allowed = min((wanted.count + 2) / 4, mistakes)
        var best: (name: String, distance: Int)?
        for name in names {
            let candidate = letters(name[...])
            let difference = abs(candidate.count - wanted.count)
            guard difference <= allowed, difference < best?.distance ?? .max else { continue }
            let distance = distance(wanted, candidate)
            if distance <= allowed, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name
    }

    /// The question that ends a message, with the blank before it; empty where nothing is near.
    public static func question(
        _ text: String, among names: some Sequence<String>, mistakes: Int = 2
    ) -> String {
        of(text, among: names, mistakes: mistakes).map { " (Did you mean \($0)?)" } ?? ""
    }

    /// Small letters and digits alone.
    private static func letters(_ text: Substring) -> [UInt8] {
        text.utf8.compactMap { byte in
            switch byte {
            case 0x41...0x5a: byte | 0x20
            case 0x30...0x39, 0x61...0x7a, 0x80...: byte
            default: nil
            }
        }
    }

    /// How many letters must be changed, put in, left out or swapped with the next to get from one to the
    /// other.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var earlier: [Int] = []
        var last = Array(0...other.count)
        for row in one.indices {
            var current = [row + 1]
            for column in other.indices {
                let isSame = one[row] == other[column]
                var least = min(
                    last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    least = min(least, earlier[column - 1] + 1)
                }
                current.append(least)
            }
            (earlier, last) = (last, current)
        }
        return last[other.count]
    }
}
