extension StringProtocol {
    /// Whether it is a name as accounts and checkpoints have them: 1 to 64 ASCII letters, digits, dots,
    /// dashes and underscores.
    public var isPlainName: Bool {
        (1...64).contains(utf8.count) && utf8.allSatisfy(\.isOfPlainName)
    }
}

extension UInt8 {
    /// Whether it may stand in a plain name.
    public var isOfPlainName: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
