import JSON
import Journal
import Ledger
import Venue

/// A command on its way in, or why it could not even be read, with its idempotency key.
public struct Submission: Sendable {
    enum Content: Sendable {
        case command(Result<Command, Refusal>)
        /// What a venue's client asks for an account, read when its turn comes.
        case trade(account: String, TradeReading)
    }

    let content: Content
    /// The idempotency key; nil where the command has none.
    let id: String?
    /// A digest of the command's content without its id; nil where it has no id.
    let digest: [UInt8]?

    private init(command: Result<Command, Refusal>, id: String?, digest: [UInt8]?) {
        content = .command(command)
        self.id = id
        self.digest = digest
    }

    /// What a venue's client asks for an account, read when its turn comes.
    public init(account: String, reading: @escaping TradeReading) {
        content = .trade(account: account, reading)
        id = nil
        digest = nil
    }

    /// A command made by the program itself.
    public init(_ command: Command) {
        self.init(command: .success(command), id: command.id, digest: nil)
    }

    /// A command as the operator API and scenario files write it.
    public init(decoding value: JSONValue) {
        do {
            let command = try Command(decoding: value)
            self.init(
                command: .success(command), id: command.id,
                digest: command.id == nil ? nil : ContentDigest.bytes(of: value, without: "id"))
        } catch {
            self.init(command: .failure(error), id: value["id"]?.text, digest: nil)
        }
    }

    /// The command, now that its turn has come. Throws why it is refused before it is applied.
    func command(in ledger: LedgerState, at now: LedgerTime) throws(Refusal) -> Command {
        switch content {
        case .command(let command): return try command.get()
        case .trade(let id, let read):
            guard let account = ledger.account(id) else { throw .unknown(account: id) }
            let prices = ledger.prices(of: account.venue)
            let instruction = try read(AccountSnapshot(account: account, prices: prices, at: now))
            return Command(account: id, content: .trade(instruction))
        }
    }
}

/// What one command came to.
public struct CommandResult: Sendable, Equatable {
    /// What became of it.
    public enum Status: Sendable, Equatable {
        /// It was applied; the journal's sequence of its event.
        case applied(sequence: Int64)
        /// It had been applied before, under the same id; the sequence of that time.
        case duplicate(sequence: Int64)
        /// It changed nothing.
        case rejected(Refusal)
    }

    /// The command's own id, where it had one.
    public let id: String?
    /// What became of it.
    public let status: Status
    /// What an instruction of a venue's client came to; empty for every other command.
    public let events: [Event]

    /// What became of a command, and what an instruction of a venue's client came to.
    public init(id: String?, status: Status, events: [Event] = []) {
        self.id = id
        self.status = status
        self.events = events
    }
}

/// What a list of commands came to.
public enum SubmissionOutcome: Sendable, Equatable {
    /// One result a command, in their order.
    case results([CommandResult])
    /// All-or-none, and this command (the first is 0) was at fault: nothing was applied.
    case refused(index: Int, Refusal)
}

extension Refusal {
    /// The store does not take anything at the moment.
    static let storeUnavailable = Refusal(
        .storeUnavailable, "The store cannot be written at the moment; nothing was changed. Try again later.")

    /// The engine is about to stop.
    static let stopping = Refusal(.storeUnavailable, "The server is stopping and takes no more commands.")

    /// The store cannot be read.
    static func unreadable(_ error: JournalError) -> Refusal {
        Refusal(.storeUnavailable, error.message, isDamage: error.kind == .damaged)
    }

    static func reused(id: String) -> Refusal {
        Refusal(.idReused, "The id \(id) stands for another command already.", field: "id")
    }
}
