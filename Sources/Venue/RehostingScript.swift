import JSON
import Ledger
import Numbers

/// Commands of one account in the making, with what had to be assumed for them.
public struct RehostingScript: Sendable {
    private let account: String
    private var commands: [String] = []
    private var assumptions: [String] = []
    /// What may be there once, and is.
    private var taken: Set<ExactText> = []
    private var orderNames: Set<ExactText> = []

    /// A script of an account by the name that it is to have.
    public init(account: String) { self.account = account }

    /// Adds a command of the account. Members of which the value is nil are left out.
    public mutating func add(_ type: String, _ members: [(key: String, value: JSONValue?)]) {
        append([("type", .string(type)), ("account", .string(account))] + members)
    }

    /// Opens the account at a venue, with settings where there are any to be named.
    public mutating func open(at venue: VenueName, _ settings: [(key: String, value: JSONValue)]?) {
        add(
            "open_account",
            [("venue", .string(venue.rawValue)), ("settings", settings.map { JSONValue.members($0) })])
    }

    /// Adds a leverage of an instrument, of one position of it where a side or a margin mode is named.
    public mutating func setLeverage(
        of instrument: String, _ leverage: ExactDecimal, side: PositionSide = .net,
        marginMode: MarginMode? = nil
    ) {
        add(
            "set_leverage",
            [
                ("instrument", .string(instrument)), ("leverage", leverage.member),
                ("position_side", side.member), ("margin_mode", marginMode?.member),
            ])
    }

    /// Adds a field that is set by hand.
    public mutating func raise(_ flag: String, of asset: String? = nil, to value: JSONValue) {
        add("raise", [("flag", .string(flag)), ("asset", asset.map { .string($0) }), ("value", value)])
    }

    /// Adds a position as it stands; `further` are members that only some positions have.
    public mutating func importPosition(
        _ instrument: String, _ quantity: ExactDecimal, at entry: ExactDecimal, side: PositionSide = .net,
        marginMode: MarginMode? = nil, wallet: ExactDecimal? = nil, leverage: ExactDecimal? = nil,
        _ further: [(key: String, value: JSONValue?)] = []
    ) {
        let position = "position in \(instrument)"
        guard take(position, [side.rawValue, marginMode?.rawValue ?? ""]) else { return }
        add(
            "import_position",
            [
                ("instrument", .string(instrument)), ("quantity", quantity.member),
                ("entry_price", entry.member), ("position_side", side.member),
                ("margin_mode", marginMode?.member), ("isolated_wallet", wallet?.member),
                ("leverage", leverage?.member),
            ] + further)
    }

    /// Adds an open order, whatever margin it needs: one that is told twice comes in once. Gives whether it
    /// is new.
    ///
    /// `ids` are the client's and the venue's; the last that is not empty says which order it is, the first
    /// that can be one is its name.
    @discardableResult
    public mutating func placeOrder(
        _ ids: [String], _ instrument: String, _ side: Side, _ quantity: ExactDecimal, at price: ExactDecimal,
        reduces: Bool = false, positionSide: PositionSide = .net, marginMode: MarginMode? = nil
    ) -> Bool {
        let named = ids.filter { !$0.isEmpty }
        if let id = named.last, !take("order", [id]) { return false }
        var name = named.first { takeName($0) } ?? ""
        var number = orderNames.count
        while name.isEmpty {
            number += 1
            if takeName("order-\(number)") { name = "order-\(number)" }
        }
        add(
            "place_order",
            [
                ("order_id", .string(name)), ("instrument", .string(instrument)),
                ("side", .string(side.rawValue)), ("quantity", quantity.member), ("price", price.member),
                ("reduce_only", reduces ? .bool(true) : nil), ("position_side", positionSide.member),
                ("margin_mode", marginMode?.member), ("force", .bool(true)),
            ])
        return true
    }

    /// Whether an order can have a name that no other has.
    private mutating func takeName(_ name: String) -> Bool {
        name.isLabel && orderNames.insert(ExactText(name)).inserted
    }

    /// Adds a trade; `further` are members that only some trades have.
    public mutating func fill(
        _ instrument: String, _ side: Side, _ quantity: ExactDecimal, at price: ExactDecimal,
        _ further: [(key: String, value: JSONValue?)] = []
    ) {
        add(
            "fill",
            [
                ("instrument", .string(instrument)), ("side", .string(side.rawValue)),
                ("quantity", quantity.member), ("price", price.member),
            ] + further)
    }

    /// What a row says is held of an asset, in a field that people call by a name; nil where it is left out,
    /// and says why.
    public mutating func holding(
        of asset: String, isKnown: Bool, _ value: ReportedValue, called name: String
    ) -> ExactDecimal? {
        let amount = value.truncatedNumber
        if !isKnown {
            if amount?.isZero != true {
                assume("The rulebook does not know \(asset); what is held of it is left out.")
            }
            return nil
        }
        if amount == nil { assume("The \(name) of \(asset) is no number; it is left out.") }
        return take("balance of \(asset)") ? amount : nil
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

    /// Whether something is the first of its kind; says so where it is not. No account has two of them, so
    /// one is told twice.
    private mutating func take(_ thing: String, _ names: [String] = []) -> Bool {
        let isFirst = taken.insert(ExactText(([thing] + names).joined(separator: "\0"))).inserted
        if !isFirst { assume("The answers tell one \(thing) twice; the first time counts.") }
        return isFirst
    }

    /// Says what had to be assumed, once each.
    public mutating func assume(_ sentence: String) {
        if !assumptions.contains(sentence) { assumptions.append(sentence) }
    }

    /// Whether the account keeps a long and a short apart: as its open positions do; without any, as its
    /// configuration says, or as the rows without a position do.
    public mutating func positionMode(
        named: Bool?, open: [PositionSide], others: [PositionSide]
    ) -> Bool {
        let isHedged =
            open.isEmpty ? named ?? others.contains { $0 != .net } : open.contains { $0 != .net }
        if let named, named != isHedged {
            assume("The configuration names another position mode than the positions are in; theirs is used.")
        }
        return isHedged
    }

    private mutating func append(_ members: [(key: String, value: JSONValue?)]) {
        let given = members.compactMap { member in member.value.map { (key: member.key, value: $0) } }
        commands.append(JSONValue.members(given).description)
    }

    /// The script of an account whose answers cannot be read.
    public static let unreadable = RehostedAccount(
        commands: [], assumptions: ["The answers cannot be read."])

    /// What has come together.
    public var rehosted: RehostedAccount { RehostedAccount(commands: commands, assumptions: assumptions) }
}

extension PositionSide {
    /// As a member of a command; nil where an instrument has one position.
    fileprivate var member: JSONValue? { self == .net ? nil : .string(rawValue) }
}

extension MarginMode {
    fileprivate var member: JSONValue { .string(rawValue) }
}

extension ExactDecimal {
    /// The amount as a member of a command: a text.
    public var member: JSONValue { .string(description) }

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
