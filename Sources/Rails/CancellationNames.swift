import Synchronization

/// What clients called the cancellations that they asked for, by the account and the order: every socket of
/// the account tells them by it. In memory alone, as no frame outlives its connection.
final class CancellationNames: Sendable {
    private static let most = 10_000
    private let names = Mutex<[String: String]>([:])

    /// Nil takes the name away that an earlier attempt had.
    func note(_ name: String?, of order: String, in account: String) {
        names.withLock { names in
            if names.count >= Self.most { names = [:] }
            names[Self.key(order, account)] = name
        }
    }

    func name(of order: String, in account: String) -> String? {
        names.withLock { $0[Self.key(order, account)] }
    }

    private static func key(_ order: String, _ account: String) -> String {
        "\(account.utf8.count) \(account) \(order)"
    }
}
