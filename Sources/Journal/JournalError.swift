/// Why a journal cannot be opened, read or written, as one sentence for a person.
public struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of trouble it is; decides the program's exit code.
    public enum Kind: Sendable, Equatable {
        /// The location names no store that this program can open.
        case badLocation
        /// The file belongs to another program, or was written by a newer version of this one.
        case notOurs
        /// The file may not be written, or not be opened at all.
        case notPermitted
        /// Another process has the store open for writing.
        case inUse
        /// The store cannot be reached, read or written at the moment.
        case unavailable
        /// Its secrets are sealed, and do not open with what was given.
        case sealed
        /// What was read is not what was written.
        case damaged
    }

    /// What kind of trouble it is.
    public let kind: Kind
    /// One sentence: what is wrong, where, and what to do. Never a secret.
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }
}
