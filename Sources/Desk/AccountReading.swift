import Ledger
import Venue

/// What came of reading one account.
public enum AccountReading: Sendable {
    /// The account, and each sub-account that the answers hold.
    case read(AccountRead)
    case failed(AccountFailure)
}

/// An account that was read.
public struct AccountRead: Sendable {
    public let statements: [Statement]
    /// What the key may do; nil where the venue does not say.
    public let permissions: Set<APIKey.Permission>?
    /// Optional calls that were not answered: the account could be read without them.
    public let missing: [AccountFailure]
    /// Every answer as it came, in the order of the calls.
    public let bodies: [RecordedBody]
    /// The venue's own identifier of the account; nil where no answer names it.
    public let uid: String?

    public init(
        statements: [Statement], permissions: Set<APIKey.Permission>? = nil, missing: [AccountFailure] = [],
        bodies: [RecordedBody], uid: String? = nil
    ) {
        self.statements = statements
        self.permissions = permissions
        self.missing = missing
        self.bodies = bodies
        self.uid = uid
    }
}

/// An account that could not be read, or one of its calls.
public struct AccountFailure: Sendable, Equatable {
    public let account: String
    public let venue: VenueName
    /// The call that failed; empty where it was none.
    public let call: String
    public let error: ReadingError

    public init(account: String, venue: VenueName, call: String, error: ReadingError) {
        self.account = account
        self.venue = venue
        self.call = call
        self.error = error
    }

    /// Which account, at which venue, what was wrong and what to do.
    public var sentence: String {
        let asked = call.isEmpty ? "" : ", \(call)"
        return "\(account) at \(venue)\(asked): \(error.description)"
    }
}

extension AccountConnection {
    /// Makes every call that reading takes, and reads the answers.
    ///
    /// A key that can do more than the configuration allows by name is refused, after the first answers that
    /// tell so.
    func read(before deadline: Int64) async -> AccountReading {
        var bodies: [RecordedBody] = []
        var missing: [AccountFailure] = []
        for call in type(of: reader).calls where call.purpose == .account || call.purpose == .market {
            do {
                bodies.append(try await answer(to: call, before: deadline))
            } catch {
                let failure = failure(error, call: call.name)
                // An optional call tells of nothing but itself, once the key has been taken.
                guard call.isOptional, !bodies.isEmpty else { return .failed(failure) }
                missing.append(failure)
            }
            if let error = excess(of: reader.permissions(in: bodies)) {
                return .failed(failure(error, call: ""))
            }
        }
        let uid = reader.accountIdentifier(in: bodies)
        if let error = mistake(in: uid) { return .failed(failure(error, call: "")) }
        do {
            let statements = try reader.statements(from: bodies, account: entry.name)
            return .read(
                AccountRead(
                    statements: statements, permissions: reader.permissions(in: bodies), missing: missing,
                    bodies: bodies, uid: uid))
        } catch {
            return .failed(failure(error, call: ""))
        }
    }

    private func failure(_ error: ReadingError, call: String) -> AccountFailure {
        AccountFailure(account: entry.name, venue: entry.venue, call: call, error: error)
    }

    /// Why answers that name such an account are not this account's: they should be of another by the
    /// configuration, or earlier ones were; nil where nothing speaks against them.
    private func mistake(in uid: String?) -> ReadingError? {
        guard let uid else {
            guard entry.uid != nil else { return nil }
            return ReadingError(
                .unreadable,
                "The answers do not name their account, so that nothing can be held against uid; try again, "
                    + "or leave uid out where the venue names none.")
        }
        if let expected = entry.uid ?? knownIdentifier, uid != expected {
            // Only letters and digits come from the venue into a sentence.
            let shown = uid.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(40)
            return ReadingError(
                .unreadable,
                "The answers are of the account \(shown) and not of \(expected); nothing of them is shown: "
                    + "try again, and check the key and uid in the configuration.")
        }
        knownIdentifier = uid
        return nil
    }

    /// Why a key with such permissions is refused; nil where it is not.
    private func excess(of permissions: Set<APIKey.Permission>?) -> ReadingError? {
        let names = (permissions ?? []).subtracting(entry.allowed).subtracting([.read])
            .map(\.rawValue).sorted()
        guard !names.isEmpty else { return nil }
        return ReadingError(
            .permission,
            "The key can \(names.joined(separator: " and ")), more than reading needs: make one that can "
                + "only read, or write allow: [\(names.joined(separator: ", "))] into the configuration.")
    }
}
