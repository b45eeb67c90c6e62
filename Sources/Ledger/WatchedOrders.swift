import JSON
import Numbers

/// What of a venue's accounts the exchange waits for, by what it waits for: a price looks at the orders alone
/// that it may concern, the passing of time at the earliest that falls due.
public struct WatchedOrders: Sendable {
    /// A resting order, a leg of a conditional order, or something with a time.
    public struct Entry: Sendable, Equatable {
        public let account: String
        /// The order's id; of a timer the instrument that it is of.
        public let id: String
        /// The sequence of the event that placed it.
        public let sequence: Int64
        /// The price that it waits for; of something with a time that time in milliseconds.
        let key: ExactDecimal
        /// The time that it waits for; nil where it waits for a price.
        public let time: LedgerTime?
    }

    /// What waits for the prices of one instrument. The one that a price comes to first stands last.
    public struct Book: Sendable {
        public let instrument: Instrument
        /// Buy orders by their limits, the highest last.
        public fileprivate(set) var buys: [Entry] = []
        /// Sell orders by their limits, the lowest last.
        public fileprivate(set) var sells: [Entry] = []
        /// By source and level: those that fire when the price comes up, the lowest last.
        fileprivate var rising: [TriggerSource: [Entry]] = [:]
        /// Those that fire when it comes down, the highest last.
        fileprivate var falling: [TriggerSource: [Entry]] = [:]
        fileprivate var trailing: [Entry] = []

        /// Whether a conditional order waits for a price of the instrument.
        public var hasTriggers: Bool { !rising.isEmpty || !falling.isEmpty || !trailing.isEmpty }

        /// The orders with a limit at or beyond the prices that buy and sell orders are reached by.
        public func reached(buysAt: ExactDecimal, sellsAt: ExactDecimal) -> [Entry] {
            var found: [Entry] = []
            for entry in buys.reversed() {
                guard entry.key >= buysAt else { break }
                found.append(entry)
            }
            for entry in sells.reversed() {
                guard entry.key <= sellsAt else { break }
                found.append(entry)
            }
            return found
        }

        /// Whether there is one of them.
        public func isReached(buysAt: ExactDecimal, sellsAt: ExactDecimal) -> Bool {
            if let highest = buys.last, highest.key >= buysAt { return true }
            if let lowest = sells.last, lowest.key <= sellsAt { return true }
            return false
        }

        /// The conditional orders that a price of a source may fire, and all that trail one.
        public func fired(by source: TriggerSource, at price: ExactDecimal) -> [Entry] {
            var found: [Entry] = []
            for entry in (rising[source] ?? []).reversed() {
                guard entry.key <= price else { break }
                found.append(entry)
            }
            for entry in (falling[source] ?? []).reversed() {
                guard entry.key >= price else { break }
                found.append(entry)
            }
            return found
        }

        /// The conditional orders that trail a price.
        public var trails: [Entry] { trailing }

        fileprivate init(_ instrument: Instrument) { self.instrument = instrument }

        fileprivate var isEmpty: Bool { buys.isEmpty && sells.isEmpty && !hasTriggers }
    }

    /// What waits for prices, by the instrument's name.
    public private(set) var books: [String: Book] = [:]
    /// What has a time, the earliest last.
    private var due: [Entry] = []
    /// How much of an account is watched.
    private var counts: [String: Int] = [:]

    /// Whether nothing is watched.
    public var isEmpty: Bool { counts.isEmpty }

    /// The accounts of which something is watched.
    public var accounts: Dictionary<String, Int>.Keys { counts.keys }

    /// When the next thing falls due; nil where nothing has a time.
    public var nextDue: LedgerTime? { due.last?.time }

    /// What has fallen due at a time, the earliest first.
    public func due(at time: LedgerTime) -> [Entry] {
        var found: [Entry] = []
        for entry in due.reversed() {
            guard let end = entry.time, end <= time else { break }
            found.append(entry)
        }
        return found
    }

    /// Where something is kept.
    fileprivate enum Place: Equatable {
        case buys(Instrument)
        case sells(Instrument)
        case rising(String, TriggerSource)
        case falling(String, TriggerSource)
        case trailing(String)
        case due

        static func == (left: Place, right: Place) -> Bool {
            switch (left, right) {
            case (.buys(let one), .buys(let other)), (.sells(let one), .sells(let other)):
                one.name == other.name
            case (.rising(let one, let source), .rising(let other, let otherSource)),
                (.falling(let one, let source), .falling(let other, let otherSource)):
                one == other && source == otherSource
            case (.trailing(let one), .trailing(let other)): one == other
            case (.due, .due): true
            default: false
            }
        }
    }

    /// What is watched of an account: an entry and where it is kept.
    struct Watch: Equatable {
        fileprivate let place: Place
        fileprivate let instrument: Instrument?
        fileprivate let entry: Entry

        static func == (left: Watch, right: Watch) -> Bool {
            left.place == right.place && left.entry == right.entry
        }
    }

    /// Takes over a change: what was watched of an account before it, and what is after it.
    mutating func replace(_ before: [Watch], by after: [Watch]) {
        if before == after { return }
        for watch in before { remove(watch) }
        for watch in after { insert(watch) }
    }

    private mutating func insert(_ watch: Watch) {
        counts[watch.entry.account, default: 0] += 1
        let entry = watch.entry
        func rising(_ entries: inout [Entry]) {
            entries.insert(entry, at: Self.slot(of: entry, in: entries) { $0.key <= entry.key })
        }
        func falling(_ entries: inout [Entry]) {
            entries.insert(entry, at: Self.slot(of: entry, in: entries) { $0.key >= entry.key })
        }
        guard let instrument = watch.instrument else { return falling(&due) }
        var book = books.removeValue(forKey: instrument.name) ?? Book(instrument)
        switch watch.place {
        case .buys: rising(&book.buys)
        case .sells: falling(&book.sells)
        case .rising(_, let source): falling(&book.rising[source, default: []])
        case .falling(_, let source): rising(&book.falling[source, default: []])
        case .trailing: book.trailing.append(entry)
        case .due: break
        }
        books[instrument.name] = book
    }

    private mutating func remove(_ watch: Watch) {
        let entry = watch.entry
        if let count = counts[entry.account] { counts[entry.account] = count > 1 ? count - 1 : nil }
        func drop(_ entries: inout [Entry], _ isBefore: (Entry) -> Bool) {
            // Those of the same price stand together.
            var place = Self.slot(of: entry, in: entries, isBefore)
            while place < entries.count, entries[place].key == entry.key {
                if entries[place] == entry {
                    entries.remove(at: place)
                    return
                }
                place += 1
            }
        }
        guard let instrument = watch.instrument else { return drop(&due) { $0.key > entry.key } }
        guard var book = books.removeValue(forKey: instrument.name) else { return }
        switch watch.place {
        case .buys: drop(&book.buys) { $0.key < entry.key }
        case .sells: drop(&book.sells) { $0.key > entry.key }
        case .rising(_, let source):
            drop(&book.rising[source, default: []]) { $0.key > entry.key }
            if book.rising[source]?.isEmpty == true { book.rising[source] = nil }
        case .falling(_, let source):
            drop(&book.falling[source, default: []]) { $0.key < entry.key }
            if book.falling[source]?.isEmpty == true { book.falling[source] = nil }
        case .trailing:
            if let place = book.trailing.firstIndex(of: entry) { book.trailing.remove(at: place) }
        case .due: break
        }
        if !book.isEmpty { books[instrument.name] = book }
    }

    /// The first place at which an entry does not stand before what is looked for.
    private static func slot(of entry: Entry, in entries: [Entry], _ isBefore: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Account {
    /// Everything of the account that the exchange watches.
    var watches: [WatchedOrders.Watch] {
        if orders.isEmpty && conditionals.isEmpty && timers.isEmpty { return [] }
        return orders.flatMap { watches($0) } + conditionals.flatMap { watches($0) }
            + timers.flatMap { watches($0) }
    }

    /// What of it the exchange watches and an event may change.
    func watches(changedBy body: EventBody) -> [WatchedOrders.Watch] {
        if case .orderPlaced(let order) = body {
            // It stands last once it is placed, and nowhere before.
            return orders.last.map { $0.id.isExactly(order.id) ? watches($0) : [] } ?? []
        }
        if let id = body.orderID { return place(ofOrder: id).map { watches(orders[$0]) } ?? [] }
        if let id = body.conditionalID { return conditional(.id(id)).map { watches($0) } ?? [] }
        switch body {
        case .conditionalPlaced: return conditionals.flatMap { watches($0) }
        case .timerSet: return timers.flatMap { watches($0) }
        default: return []
        }
    }

    private func watches(_ order: OpenOrder) -> [WatchedOrders.Watch] {
        // The operator's orders are facts: the exchange never fills them.
        guard let terms = order.terms else { return [] }
        let entry = entry(order.id, order.sequence, order.price)
        let instrument = order.instrument
        let place: WatchedOrders.Place = order.side == .buy ? .buys(instrument) : .sells(instrument)
        let resting = WatchedOrders.Watch(place: place, instrument: instrument, entry: entry)
        return [resting] + (terms.expiresAt.map { [due(order.id, order.sequence, $0)] } ?? [])
    }

    private func watches(_ order: ConditionalOrder) -> [WatchedOrders.Watch] {
        var watches = order.terms.expiresAt.map { [due(order.id, order.sequence, $0)] } ?? []
        let instrument = order.instrument
        for leg in order.terms.legs {
            let place: WatchedOrders.Place
            if leg.trigger.trail != nil {
                place = .trailing(instrument.name)
            } else if leg.trigger.rises == true {
                place = .rising(instrument.name, leg.trigger.source)
            } else {
                place = .falling(instrument.name, leg.trigger.source)
            }
            let level = leg.trigger.trail == nil ? leg.trigger.price ?? .zero : .zero
            watches.append(
                WatchedOrders.Watch(
                    place: place, instrument: instrument, entry: entry(order.id, order.sequence, level)))
        }
        return watches
    }

    private func watches(_ timer: CancelTimer) -> [WatchedOrders.Watch] {
        timer.at.map { [due(timer.instrument ?? "", 0, $0)] } ?? []
    }

    private func due(_ id: String, _ sequence: Int64, _ time: LedgerTime) -> WatchedOrders.Watch {
        let key = ExactDecimal(Int(time.milliseconds))
        return WatchedOrders.Watch(place: .due, instrument: nil, entry: entry(id, sequence, key, time))
    }

    private func entry(
        _ id: String, _ sequence: Int64, _ key: ExactDecimal, _ time: LedgerTime? = nil
    ) -> WatchedOrders.Entry {
        WatchedOrders.Entry(account: self.id, id: id, sequence: sequence, key: key, time: time)
    }
}
