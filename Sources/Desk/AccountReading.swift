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
    /// The account first, then its sub-accounts.
    public let statements: [Statement]
    /// What the key may do; nil where the venue does not say.
    public let permissions: Set<APIKey.Permission>?
    /// Optional calls that were not answered: the account could be read without them.
    public let missing: [AccountFailure]
    /// Every answer as it came, in the order of the calls, but those that may hold personal data.
    public let bodies: [RecordedBody]
    /// The scope within which the venue's identifiers are unique: empty for the venue itself, else its demo
    /// trading or a server of this machine.
    public let environment: String

    /// An account as its answers tell of it.
    public init(
        statements: [Statement], permissions: Set<APIKey.Permission>? = nil, missing: [AccountFailure] = [],
        bodies: [RecordedBody], environment: String = ""
    ) {
        self.statements = statements
        self.permissions = permissions
        self.missing = missing
        self.bodies = bodies
        self.environment = environment
    }
}

/// An account that could not be read, or one of its calls.
public struct AccountFailure: Sendable, Equatable {
    /// Its name in the configuration.
    public let account: String
    /// Where the account is.
    public let venue: VenueName
    /// The call that failed; empty where it was none.
    public let call: String
    /// What of the portfolio hangs on the call.
    public let role: VenueCall.Role
    /// What was wrong, and what to do.
    public let error: ReadingError

    /// The failure of an account, or of one of its calls.
    public init(
        account: String, venue: VenueName, call: String, role: VenueCall.Role = .none, error: ReadingError
    ) {
        self.account = account
        self.venue = venue
        self.call = call
        self.role = role
        self.error = error
    }

    /// Whether the venue keeps the answer from this key for good. What a call of the identity alone tells is
    /// not worth a warning at every reading.
    var isWithheld: Bool {
        switch error.kind {
        case .withheld: true
        case .unavailable, .rateLimited: false
        default: role == .identity
        }
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
    /// tell so; and so is a key of which the venue would tell it and did not.
    func read(before deadline: Int64) async -> AccountReading {
        var bodies: [RecordedBody] = []
        var missing: [AccountFailure] = []
        for call in type(of: reader).calls where call.purpose == .account || call.purpose == .market {
            do {
                bodies.append(try await answer(to: call, before: deadline))
            } catch {
                if call.role == .permissions, !allowsEverything {
                    return .failed(failure(error.withoutPermissions, of: call))
                }
                let failure = failure(error, of: call)
                // An optional call tells of nothing but itself, once the key has been taken.
                guard call.isOptional, !bodies.isEmpty else { return .failed(failure) }
                missing.append(failure)
                continue
            }
            let permissions = reader.permissions(in: bodies)
            if call.role == .permissions, permissions == nil, !allowsEverything {
                return .failed(failure(.unknownPermissions, of: call))
            }
            if let error = excess(of: permissions) { return .failed(failure(error)) }
        }
        let uid = reader.accountIdentifier(in: bodies)
        if let error = mistake(in: uid) { return .failed(failure(error)) }
        do {
            let statements = try reader.statements(from: bodies, account: entry.name)
            let personal = type(of: reader).calls.filter { $0.role == .identity }.map(\.name)
            return .read(
                AccountRead(
                    statements: statements, permissions: reader.permissions(in: bodies), missing: missing,
                    bodies: bodies.filter { !personal.contains($0.call) }, environment: entry.environment))
        } catch {
            return .failed(failure(error))
        }
    }

    private func failure(_ error: ReadingError, of call: VenueCall? = nil) -> AccountFailure {
        AccountFailure(
            account: entry.name, venue: entry.venue, call: call?.name ?? "", role: call?.role ?? .none,
            error: error)
    }

    /// Whether the configuration allows all that a key can do, so that it need not be known.
    private var allowsEverything: Bool { entry.allowed.isSuperset(of: [.trade, .withdraw]) }

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

extension ReadingError {
    /// What the key may do should stand in an answer, and does not.
    fileprivate static let unknownPermissions = ReadingError(
        .permission,
        "The answer does not tell what the key may do, or names a right that is not known; nothing of the "
            + "account is shown: write allow: [trade, withdraw] into the configuration if it may do anything."
    )

    /// The same of the call that tells what the key may do, without which it counts as one that can do
    /// anything.
    fileprivate var withoutPermissions: ReadingError {
        ReadingError(
            kind,
            description + " Without this call it is not known what the key may do, so nothing of the account "
                + "is shown; write allow: [trade, withdraw] into the configuration if it may do anything.",
            code: code)
    }
}
