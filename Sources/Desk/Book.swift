import Ledger
import Numbers
import Venue

/// Accounts of several venues as they were read together.
public struct Book: Sendable {
    /// What was read, in the order of the configuration.
    public let accounts: [AccountRead]
    /// What was not, though it could be at another time: accounts, and calls that they can be read without.
    public let failures: [AccountFailure]
    /// Calls that the venues refuse to these keys, such as those about sub-accounts to a sub-account's key.
    public let withheld: [AccountFailure]
    /// Whether no account at all is missing, and no call.
    public var isWhole: Bool { failures.isEmpty }
    /// USD prices that the operator has set.
    public let givenPrices: [String: ExactDecimal]
    /// The real time, in milliseconds since the epoch, at which the reading was done.
    public let takenAt: Int64

    public init(_ readings: [AccountReading], givenPrices: [String: ExactDecimal] = [:], takenAt: Int64) {
        var accounts: [AccountRead] = []
        var failures: [AccountFailure] = []
        var withheld: [AccountFailure] = []
        for reading in readings {
            switch reading {
            case .read(let account):
                accounts.append(account)
                for missing in account.missing {
                    switch missing.error.kind {
                    case .authentication, .permission, .refused: withheld.append(missing)
                    default: failures.append(missing)
                    }
                }
            case .failed(let failure): failures.append(failure)
            }
        }
        self.accounts = accounts
        self.failures = failures
        self.withheld = withheld
        self.givenPrices = givenPrices
        self.takenAt = takenAt
    }

    /// All accounts and sub-accounts.
    public var statements: [Statement] { accounts.flatMap(\.statements) }

    /// Accounts of the configuration of which nothing was read, and why.
    var unread: [AccountFailure] {
        let read = Set(statements.map(\.configuredAccount))
        return failures.filter { !read.contains($0.account) }
    }

    /// How old a statement's figures were when the book was made, in milliseconds: by the venue's own time
    /// where it says one, else by the moment at which its answer came in. Never below zero.
    public func age(of statement: Statement) -> Int64 {
        max(0, takenAt - (statement.venueTime ?? statement.takenAt))
    }

    /// How a script learns what came of it.
    public enum Outcome: Sendable, Equatable {
        /// Everything was read.
        case whole
        /// Something was read, and something not.
        case partial
        /// Nothing was read, and every reason was of this kind, or the first one.
        case nothing(ReadingError.Kind)
    }

    /// What came of the reading.
    public var outcome: Outcome {
        guard let first = failures.first else { return .whole }
        return accounts.isEmpty ? .nothing(first.error.kind) : .partial
    }
}
