import JSON
import Ledger
import Numbers
import Venue

/// Accounts of several venues as they were read together.
public struct Portfolio: Sendable {
    /// What was read, in the order of the configuration.
    public let accounts: [AccountRead]
    /// What was not, though it could be at another time: accounts, and calls that they can be read without.
    public let failures: [AccountFailure]
    /// Calls that the venues refuse to these keys, such as those about sub-accounts to a sub-account's key.
    public let withheld: [AccountFailure]
    /// Whether no account at all is missing, and no call.
    public var isWhole: Bool { failures.isEmpty }
    /// USD prices that the operator has set.
    public let givenPrices: [ExactText: ExactDecimal]
    /// The real time, in milliseconds since the epoch, at which the reading was done.
    public let takenAt: Int64

    /// A portfolio of what came of reading accounts; `givenPrices` are USD for one unit of an asset,
    /// `takenAt` is in milliseconds since the epoch.
    public init(_ readings: [AccountReading], givenPrices: [ExactText: ExactDecimal] = [:], takenAt: Int64) {
        var accounts: [AccountRead] = []
        var failures: [AccountFailure] = []
        var withheld: [AccountFailure] = []
        for reading in readings {
            switch reading {
            case .read(let account):
                accounts.append(account)
                for missing in account.missing {
                    if missing.isWithheld {
                        withheld.append(missing)
                    } else {
                        failures.append(missing)
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
        let read = Set(statements.map { ExactText($0.configuredAccount) })
        return failures.filter { !read.contains(ExactText($0.account)) }
    }

    /// Accounts that the portfolio holds a second time, because two keys read them: by the venue's
    /// identifier, and main accounts by a sub-account that both have. Nothing is said of accounts that no
    /// answer names: unknown is not the same.
    public var repeated: [RepeatedAccount] {
        /// Where an identifier was read first, and the main account of that reading.
        var known: [ExactText: (account: String, main: String?)] = [:]
        var repeated: [RepeatedAccount] = []
        for read in accounts {
            let named = read.statements.enumerated().compactMap { place, statement in
                statement.identifier.map { (statement, identifier: $0, isMain: place == 0) }
            }
            func key(_ identifier: String) -> ExactText {
                ExactText(
                    [read.statements.first?.venue.rawValue ?? "", read.environment, identifier]
                        .joined(separator: "\u{1F}"))
            }
            if let main = read.statements.first, main.identifier.flatMap({ known[key($0)] }) == nil,
                let shared = named.first(where: { !$0.isMain && known[key($0.identifier)]?.main != nil }),
                let first = known[key(shared.identifier)]?.main
            {
                repeated.append(
                    RepeatedAccount(
                        account: main.account, venue: main.venue, sameAs: first,
                        identifier: main.identifier ?? shared.identifier))
            }
            for (statement, identifier, isMain) in named {
                if let first = known[key(identifier)] {
                    repeated.append(
                        RepeatedAccount(
                            account: statement.account, venue: statement.venue, sameAs: first.account,
                            identifier: identifier))
                } else {
                    known[key(identifier)] = (
                        statement.account, isMain ? nil : read.statements.first?.account
                    )
                }
            }
        }
        return repeated
    }

    /// Accounts at one venue that show the same of everything that no price moves, to the last digit: two
    /// keys of one account do, and nothing tells them apart. Accounts that are known to be one, or by the
    /// venue's own identifiers to be two, are not among them: whether the others are one is unknown.
    public var alike: [AlikeAccounts] {
        let repeated = Set(repeated.map { ExactText($0.account) })
        var seen: [(contents: [String], statement: Statement, environment: String)] = []
        var alike: [AlikeAccounts] = []
        for read in accounts {
            for statement in read.statements where !repeated.contains(ExactText(statement.account)) {
                guard let contents = statement.contents else { continue }
                let first = seen.first { earlier in
                    earlier.contents == contents && earlier.environment == read.environment
                        && earlier.statement.venue == statement.venue
                        && (earlier.statement.identifier == nil || statement.identifier == nil)
                }
                if let first {
                    alike.append(
                        AlikeAccounts(
                            account: statement.account, venue: statement.venue,
                            like: first.statement.account))
                } else {
                    seen.append((contents, statement, read.environment))
                }
            }
        }
        return alike
    }

    /// How old a statement's figures were when the portfolio was made, in milliseconds: by the venue's own
    /// time where it says one, else by the moment at which its answer came in. Never below zero.
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

/// Two accounts that show the same, so that they may be one behind two keys. Totals count both.
public struct AlikeAccounts: Sendable, Equatable {
    /// The account that comes later in the portfolio.
    public let account: String
    /// The venue where both are.
    public let venue: VenueName
    /// The account that comes earlier and shows the same.
    public let like: String

    /// What is seen, what is done, and what to do.
    public var sentence: String {
        "\(account) at \(venue) shows the same balances and positions as \(like), to the last digit, and "
            + "whether they are one account is unknown: if both keys are of one, take one out, for totals "
            + "count it twice."
    }
}

extension Statement {
    /// What is held of each asset and which positions, as it stood: what prices do not move. Nil where there
    /// is nothing.
    fileprivate var contents: [String]? {
        let wallets =
            assets.isEmpty
            ? [figures[.wallet]].compactMap { $0.map { ("", $0) } }
            : assets.compactMap { row in row.figures[.wallet].map { (row.asset, $0) } }
        let sizes = positions.compactMap { row in
            row.figures[.quantity].map {
                ("\(row.instrument) \(row.side.rawValue) \(row.marginMode.rawValue)", $0)
            }
        }
        let all = (wallets + sizes).filter { $0.1.value.truncatedNumber?.isZero != true }
        guard all.contains(where: { $0.1.value.truncatedNumber != nil }) else { return nil }
        // Two answers may print one number in two ways, and list the same rows in another order.
        return all.map { name, figure in
            let value = figure.value
            return "\(name) \(value.number?.description ?? value.text ?? value.state)"
        }.sorted()
    }
}

/// An account that was read by more than one key. Totals count it once, where it was read first.
public struct RepeatedAccount: Sendable, Equatable {
    /// What is not counted again.
    public let account: String
    /// Where the account is.
    public let venue: VenueName
    /// What is counted: the same account, earlier in the portfolio.
    public let sameAs: String
    /// The venue's own identifier, by which both are known to be one.
    public let identifier: String

    /// What is left out, and why.
    public var sentence: String {
        "\(account) at \(venue) is the same account as \(sameAs), by the venue's identifier: totals count "
            + "it once."
    }
}
