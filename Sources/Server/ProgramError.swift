/// Why the program ends, in the numbers of sysexits(3) that scripts rely on.
public enum ExitStatus: Int32, Sendable {
    case done = 0
    /// Wrong options or arguments.
    case usage = 64
    /// A scenario or a rulebook that cannot be used, or a journal that is damaged.
    case badData = 65
    /// A port, a database or a store that cannot be had.
    case unavailable = 69
    /// A fault of the program itself.
    case internalFault = 70
    /// A token that is wrong, or a file whose mode lets others read a secret.
    case notPermitted = 77
    /// A configuration that is missing or bad.
    case badConfiguration = 78
}

/// What stops a command of the program: how it exits, and one sentence that says what was wrong, where, and
/// what to do.
public struct ProgramError: Error, Equatable, Sendable, CustomStringConvertible {
    /// How the program exits.
    public let status: ExitStatus
    /// One sentence for a person; never a secret.
    public let message: String

    /// An error with its exit status and its sentence.
    public init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The sentence for people: what was wrong, where, and what to do.
    public var description: String { message }
}
