import JSON
import Ledger
import Numbers

/// Commands of one account in the making, with what had to be assumed for them.
public struct RehostingScript: Sendable {
    private let account: String
    private var commands: [String] = []
    private var assumptions: [String] = []

    /// A script of an account by the name that it is to have.
    public init(account: String) { self.account = account }

    /// Adds a command of the account. Members of which the value is nil are left out.
    public mutating func add(_ type: String, _ members: [(key: String, value: JSONValue?)]) {
        append([("type", .string(type)), ("account", .string(account))] + members)
    }

    /// Adds an amount of an asset coming in or, where it is negative, going out; nothing where it is 0.
    public mutating func addMoney(_ asset: String, _ amount: ExactDecimal) {
        if amount.isZero { return }
        add(
            amount.isNegative ? "withdraw" : "deposit",
            [
                ("asset", .string(asset)), ("amount", .string(amount.magnitude.description)),
                ("force", amount.isNegative ? .bool(true) : nil),
            ])
    }

    /// Adds the prices of a venue, each name once; nothing where there are none.
    public mutating func addPrices(
        of venue: VenueName, marks: [(name: String, price: ExactDecimal)],
        index: [(name: String, price: ExactDecimal)]
    ) {
        func quotes(_ prices: [(name: String, price: ExactDecimal)]) -> JSONValue? {
            var members: [(key: String, value: JSONValue)] = []
            for (name, price) in prices where !members.contains(where: { $0.key == name }) {
                members.append((name, .string(price.description)))
            }
            return members.isEmpty ? nil : .members(members)
        }
        if marks.isEmpty && index.isEmpty { return }
        append([
            ("type", .string("prices")), ("venue", .string(venue.rawValue)), ("marks", quotes(marks)),
            ("index", quotes(index)),
        ])
    }

    /// Says what had to be assumed, once each.
    public mutating func assume(_ sentence: String) {
        if !assumptions.contains(sentence) { assumptions.append(sentence) }
    }

    private mutating func append(_ members: [(key: String, value: JSONValue?)]) {
        let given = members.compactMap { member in member.value.map { (key: member.key, value: $0) } }
        commands.append(JSONValue.members(given).description)
    }

    /// What has come together.
    public var rehosted: RehostedAccount { RehostedAccount(commands: commands, assumptions: assumptions) }
}

extension ExactDecimal {
    /// The decimal with the fewest places, from the value rounded to them, that a condition holds for; nil
    /// where none up to 18 does.
    public func shortest(where holds: (ExactDecimal) throws -> Bool) rethrows -> ExactDecimal? {
        for places in 0...ExactDecimal.places {
            guard let candidate = try? rounded(places: places, rounding: .halfUp) else { continue }
            if try holds(candidate) { return candidate }
        }
        return nil
    }
}
