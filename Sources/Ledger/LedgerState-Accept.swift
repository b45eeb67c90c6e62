import JSON
import Numbers

/// The venues' judges, by the venue's name.
public typealias Judges = [VenueName: any VenueJudge]

extension LedgerState {
    /// Accepts a command: finds it sound, has the venue judge it, gives what it comes to the next sequences
    /// and applies it. The main event is the last one; terms of instruments never used before come first.
    ///
    /// Throws why it is refused; nothing has changed then.
    public mutating func accept(
        _ command: Command, judges: Judges, now: LedgerTime
    ) throws(Refusal) -> [Event] {
        switch command.content {
        case .prices(let venue, let marks, let index):
            return [try acceptPrices(command, venue: venue, marks: marks, index: index, judges, now)]
        case .quotes(let venue, let quotes): return [try acceptQuotes(command, venue, quotes, judges, now)]
        case .fundingOfMarket(let venue, let instrument, let rate):
            return try acceptFunding(command, venue, instrument, rate, judges, now)
        case .openAccount(let venue, let parent, let settings):
            return [try open(command, venue: venue, parent: parent, settings: settings, judges, now)]
        default:
            var handler = try handler(of: command, judges: judges, now: now)
            let bodies = try handler.bodies(of: command.content)
            return try settle(bodies, handler: handler, forced: command.isForced)
        }
    }

    /// What a command that changes one account is worked out with.
    ///
    /// Throws where the account is unknown, or the command is of a time before its last event.
    public func handler(
        of command: Command, judges: Judges, now: LedgerTime
    ) throws(Refusal) -> CommandHandler {
        let id = try command.requiredAccount()
        guard let account = account(id) else { throw Refusal.unknown(account: id) }
        guard let judge = judges[account.venue] else {
            throw Refusal(.unknownVenue, "No rules are loaded for \(account.venue).", field: "account")
        }
        let time = try command.time(after: account, now: latest(now, before: command))
        return CommandHandler(of: command, account: account, judge: judge, time: time, in: self)
    }

    /// The ledger's time, or that of the last event of a transfer's receiver where that is later.
    private func latest(_ now: LedgerTime, before command: Command) -> LedgerTime {
        guard case .transfer(let to, _, _, _) = command.content, let receiver = account(to) else {
            return now
        }
        return max(now, receiver.updatedAt)
    }

    /// Applies what a command came to, to copies; keeps them only if the venue agrees to all of it. Terms of
    /// instruments that it is the first to use come before it. `cause` is the event that they follow from;
    /// what follows from one of them names that one.
    public mutating func settle(
        _ bodies: [EventBody], handler: CommandHandler, forced: Bool, cause: Int64? = nil
    ) throws(Refusal) -> [Event] {
        let head = bodies.firstIndex { $0.hasConsequences }
        let headSequence = head.map { lastSequence + Int64(handler.definitions.count + $0 + 1) }
        var sequence = lastSequence
        var events: [Event] = []
        for instrument in handler.definitions {
            sequence += 1
            let body = EventBody.instrumentDefined(InstrumentDefinition(instrument))
            events.append(Event(sequence: sequence, at: handler.time, account: nil, body: body))
        }
        var after = handler.account
        var receiver: Account?
        var watches: [(before: [WatchedOrders.Watch], after: [WatchedOrders.Watch])] = []
        for (place, body) in bodies.enumerated() {
            sequence += 1
            let event = Event(
                sequence: sequence, at: handler.time, account: after.id,
                cause: place == head ? cause : headSequence ?? cause, body: body)
            let before = after
            try after.apply(event)
            try handler.judge.judge(
                body, before: before, after: after, prices: handler.prices, at: handler.time, forced: forced)
            if case .transferred(let to, _, _) = body, var other = account(to) {
                try other.apply(event)
                receiver = other
            }
            watches.append((before.watches(changedBy: body), after.watches(changedBy: body)))
            events.append(event)
        }
        for instrument in handler.definitions { instrumentTable.define(instrument) }
        for change in watches { watch(after.venue, change.before, change.after) }
        put(after)
        if let receiver { put(receiver) }
        lastSequence = sequence
        return events
    }

    // MARK: - Prices

    /// When prices that a command brings are of, and who judges their names.
    private func priceTime(
        _ command: Command, venue: String, _ judges: Judges, _ now: LedgerTime
    ) throws(Refusal) -> (VenueName, any VenueJudge, LedgerTime) {
        let name = VenueName(rawValue: venue)
        guard let judge = judges[name] else { throw Refusal.unknown(venue: venue, judges) }
        let last = prices(of: name).updatedAt
        let time = command.at ?? max(now, last ?? now)
        if let last, time < last {
            throw Refusal(
                .timeBackwards, "at is before the last prices of \(venue), which are of \(last.iso8601).",
                field: "at")
        }
        return (name, judge, time)
    }

    /// Funds all who hold a contract at once: every one of them, or nobody.
    private mutating func acceptFunding(
        _ command: Command, _ venue: String, _ instrument: String, _ rate: ExactDecimal, _ judges: Judges,
        _ now: LedgerTime
    ) throws(Refusal) -> [Event] {
        let (name, judge, time) = try priceTime(command, venue: venue, judges, now)
        guard let contract = judge.instrument(instrument, at: time) else {
            throw Refusal.unknown(instrument: instrument, judge, at: time)
        }
        guard contract.kind.isDerivative else {
            throw Refusal(
                .invalidField, "\(instrument) is a spot pair and has no positions.", field: "instrument")
        }
        guard let mark = judge.market(prices(of: name), at: time).mark(contract) else {
            throw Refusal(
                .priceMissing, "No mark price is known for \(instrument); give one first.",
                field: "instrument")
        }
        var funded = self
        let tick = FundingTick(venue: name, instrument: instrument, mark: mark, rate: rate)
        let fixed = Event(sequence: lastSequence + 1, at: time, account: nil, body: .fundingFixed(tick))
        try funded.apply(fixed)
        var events = [fixed]
        let request = FundingRequest(instrument: instrument, measure: .rate(rate))
        for id in holders(of: instrument, at: name) {
            let own = Command(at: command.at, account: id, content: .funding(request))
            var handler = try funded.handler(of: own, judges: judges, now: time)
            let bodies = try handler.bodies(of: own.content)
            events += try funded.settle(bodies, handler: handler, forced: true, cause: fixed.sequence)
        }
        self = funded
        return events
    }

    /// The accounts of a venue that hold a contract, in the order of their opening.
    public func holders(of instrument: String, at venue: VenueName) -> [String] {
        accounts.compactMap { account in
            guard let account, account.venue == venue,
                account.positions.contains(where: { $0.instrument.name == instrument })
            else { return nil }
            return account.id
        }
    }

    private mutating func acceptQuotes(
        _ command: Command, _ venue: String, _ quotes: [Quote], _ judges: Judges, _ now: LedgerTime
    ) throws(Refusal) -> Event {
        let (name, judge, time) = try priceTime(command, venue: venue, judges, now)
        for quote in quotes {
            guard judge.instrument(quote.instrument, at: time) != nil else {
                throw Refusal.unknown(
                    instrument: quote.instrument, judge, at: time, field: "quotes.\(quote.instrument)")
            }
            try quote.requireSound()
        }
        let tick = QuoteTick(venue: name, quotes: quotes)
        let event = Event(sequence: lastSequence + 1, at: time, account: nil, body: .quoted(tick))
        try apply(event)
        return event
    }

    private mutating func acceptPrices(
        _ command: Command, venue: String, marks: [PriceTick.Quote], index: [PriceTick.Quote],
        _ judges: Judges,
        _ now: LedgerTime
    ) throws(Refusal) -> Event {
        let (name, judge, time) = try priceTime(command, venue: venue, judges, now)
        for quote in marks {
            guard judge.instrument(quote.name, at: time) != nil else {
                throw Refusal.unknown(
                    instrument: quote.name, judge, at: time, field: "marks.\(quote.name)")
            }
            try quote.requirePositive(field: "marks.\(quote.name)")
        }
        for quote in index {
            guard judge.knowsAsset(quote.name, at: time) else {
                throw Refusal.unknown(asset: quote.name, judge, at: time, field: "index.\(quote.name)")
            }
            try quote.requirePositive(field: "index.\(quote.name)")
        }
        let tick = PriceTick(venue: name, marks: marks, index: index)
        let event = Event(sequence: lastSequence + 1, at: time, account: nil, body: .priced(tick))
        try apply(event)
        return event
    }

    // MARK: - Opening

    private mutating func open(
        _ command: Command, venue: String, parent: String?, settings: Settings, _ judges: Judges,
        _ now: LedgerTime
    ) throws(Refusal) -> Event {
        let id = try command.requiredAccount()
        guard id.isPlainName else {
            throw Refusal(
                .invalidField, "account must be 1 to 64 of letters, digits, dot, underscore and hyphen.",
                field: "account")
        }
        if account(id) != nil {
            throw Refusal(.accountExists, "There is already an account \(id).", field: "account")
        }
        let name = VenueName(rawValue: venue)
        guard let judge = judges[name] else { throw Refusal.unknown(venue: venue, judges) }
        var time = command.at ?? now
        if let parent {
            let opened = try checkParent(parent, venue: name)
            if let at = command.at, at < opened {
                throw Refusal(
                    .timeBackwards, "at is before the opening of the parent \(parent).", field: "at")
            }
            time = max(time, opened)
        }
        var whole = judge.defaultSettings
        for (key, value) in settings.values { whole[key] = try judge.setting(key, value) }
        let opening = AccountOpening(
            venue: name, parent: parent, conventions: judge.conventions, settings: whole)
        let event = Event(
            sequence: lastSequence + 1, at: time, account: id, body: .accountOpened(opening))
        try apply(event)
        return event
    }

    /// When the parent was opened, if it can be one.
    private func checkParent(_ parent: String, venue: VenueName) throws(Refusal) -> LedgerTime {
        guard let account = account(parent) else { throw Refusal.unknown(account: parent, field: "parent") }
        if account.venue != venue {
            throw Refusal(.notFamily, "parent \(parent) is an account at \(account.venue).", field: "parent")
        }
        if let grandparent = account.parent {
            throw Refusal(
                .notFamily, "parent \(parent) is itself a sub-account of \(grandparent).", field: "parent")
        }
        return account.openedAt
    }
}

extension EventBody {
    /// Whether events that are told together with it, before or behind it, follow from it.
    fileprivate var hasConsequences: Bool {
        switch self {
        case .orderPlaced, .orderAmended, .conditionalTriggered, .filled: true
        default: false
        }
    }
}

extension Command {
    func requiredAccount() throws(Refusal) -> String {
        guard let account else { throw Refusal(.missingField, "account is missing.", field: "account") }
        return account
    }

    /// When it happens: as asked for, else now, but never before the account's last event.
    func time(after account: Account, now: LedgerTime) throws(Refusal) -> LedgerTime {
        guard let at else { return max(now, account.updatedAt) }
        guard at >= account.updatedAt else {
            throw Refusal(
                .timeBackwards,
                "at is before the last event of account \(account.id), which is of "
                    + "\(account.updatedAt.iso8601).",
                field: "at")
        }
        return at
    }

    /// Whether the venue's checks of sufficiency are to be skipped.
    var isForced: Bool {
        switch content {
        case .withdraw(_, _, _, let force), .transfer(_, _, _, let force): force
        case .placeOrder(let order): order.force
        default: false
        }
    }
}

extension PriceTick.Quote {
    func requirePositive(field: String) throws(Refusal) {
        guard price.isPositive else {
            throw Refusal(.invalidAmount, "A price must be above zero; \(name) has \(price).", field: field)
        }
    }
}

extension Quote {
    private var isSound: Bool {
        func isGood(_ number: ExactDecimal?) -> Bool { number?.isPositive ?? true }
        guard isGood(bid), isGood(ask), isGood(bidSize), isGood(askSize), isGood(last), isGood(quantity)
        else {
            return false
        }
        guard let bid, let ask else { return bid == nil && ask == nil && last != nil }
        return bid < ask
    }

    /// Refuses a number that is not above zero, a bid at or above the ask, and a quote without any price.
    fileprivate func requireSound() throws(Refusal) {
        if isSound { return }
        let field = "quotes.\(instrument)"
        let numbers = [
            ("bid", bid), ("ask", ask), ("bid_size", bidSize), ("ask_size", askSize), ("last", last),
            ("quantity", quantity),
        ]
        for (name, number) in numbers {
            guard let number, !number.isPositive else { continue }
            throw Refusal(
                .invalidAmount, "\(name) of \(instrument) must be above zero, not \(number).",
                field: "\(field).\(name)")
        }
        guard (bid == nil) == (ask == nil), bid != nil || last != nil else {
            throw Refusal(
                .missingField, "A quote has bid and ask, or last, or all of them; \(instrument) has not.",
                field: bid == nil ? "\(field).bid" : "\(field).ask")
        }
        if let bid, let ask, bid >= ask {
            throw Refusal(
                .invalidAmount, "The bid of \(instrument), \(bid), is not below the ask, \(ask).",
                field: "\(field).bid")
        }
    }
}

extension Refusal {
    static func unknown(venue: String, _ judges: Judges) -> Refusal {
        let names = judges.keys.map(\.rawValue).sorted()
        return Refusal(
            .unknownVenue,
            "There is no venue \(venue); the venues are \(names.joined(separator: ", "))."
                + NearestName.question(venue, among: names),
            field: "venue")
    }

    /// That the rules of a time know no instrument of this name, and which one may have been meant.
    static func unknown(
        instrument: String, _ judge: any VenueJudge, at time: LedgerTime, field: String = "instrument"
    ) -> Refusal {
        Refusal(
            .unknownInstrument,
            "The rulebook in force of \(judge.name) does not know the instrument \(instrument)."
                + NearestName.question(
                    // Another coin's contract is never what was meant.
                    instrument, among: judge.instrumentNames(at: time), mistakes: 1),
            field: field)
    }

    /// That the rules of a time know no asset of this name; capitals are what is forgotten most.
    static func unknown(
        asset: String, _ judge: any VenueJudge, at time: LedgerTime, field: String = "asset"
    ) -> Refusal {
        let capitals = asset.uppercased()
        let known = judge.knowsAsset(capitals, at: time) ? [capitals] : []
        return Refusal(
            .unknownAsset,
            "The rulebook in force of \(judge.name) does not know the asset \(asset)."
                + NearestName.question(asset, among: known),
            field: field)
    }
}
