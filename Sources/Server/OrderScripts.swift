import JSON
import Ledger
import Numbers
import Synchronization
import Venue

/// What is to become of one order of an account, for tests of what clients get wrong.
struct OrderScript: Sendable {
    /// One thing that happens to the order.
    enum Step: Sendable {
        /// It is refused, with this code of the ledger's.
        case reject(Refusal.Code)
        /// So much of it is filled right after it was placed; all of it where nothing is said.
        case fill(quantity: ExactDecimal?, price: ExactDecimal?)
        /// The answer waits so many milliseconds.
        case hold(Int64)
        /// It is carried out, and the answer says that nobody knows whether it was.
        case timeout
        /// The next thing that streams would tell of it is not told.
        case lose
        /// The next thing that streams tell of it is told twice.
        case duplicate
        /// What is left of it is filled right before its cancellation.
        case fillOnCancel
    }

    let account: String
    /// The client's own id of the order; nil for the next one of the account.
    let clientID: String?
    let steps: [Step]
    /// As it was given.
    let source: JSONValue

    /// A script as the operator writes it: `{"account", "client_order_id"?, "steps": [{"do": …}]}`.
    init(decoding value: JSONValue) throws(Refusal) {
        let reader = try FieldReader(value, subject: "script")
        try reader.allow(["account", "client_order_id", "steps"])
        account = try reader.text("account")
        let elements = try reader.elements("steps")
        guard (1...16).contains(elements.count) else {
            throw reader.wrong("steps", "a list of 1 to 16 steps")
        }
        var steps: [Step] = []
        for (index, element) in elements.enumerated() {
            let name = "steps[\(index)]"
            steps.append(try Step(FieldReader(element, subject: name, at: name + ".")))
        }
        clientID = try reader.optionalText("client_order_id")
        self.steps = steps
        source = value
    }
}

extension OrderScript.Step {
    /// The refusals that a script may have.
    private static let codes: [Refusal.Code] = [
        .insufficientBalance, .wouldTake, .unfillable, .orderExists, .nothingToReduce, .noPosition, .tooMany,
        .priceMissing, .notAllowed,
    ]
    private static let names = ["reject", "fill", "hold", "timeout", "lose", "duplicate", "fill_on_cancel"]

    fileprivate init(_ reader: FieldReader) throws(Refusal) {
        func positive(_ name: String) throws(Refusal) -> ExactDecimal? {
            guard let number = try reader.optionalDecimal(name) else { return nil }
            guard number.isPositive else {
                throw reader.wrong(name, "above zero", .invalidAmount)
            }
            return number
        }
        let members: [String]
        switch try reader.text("do") {
        case "reject":
            self = .reject(try reader.choice("code", among: Self.codes))
            members = ["code"]
        case "fill":
            self = .fill(quantity: try positive("quantity"), price: try positive("price"))
            members = ["quantity", "price"]
        case "hold":
            let wait = try reader.integer("ms")
            guard (0...60_000).contains(wait) else {
                throw reader.wrong("ms", "a whole number from 0 to 60000")
            }
            self = .hold(wait)
            members = ["ms"]
        case "timeout": (self, members) = (.timeout, [])
        case "lose": (self, members) = (.lose, [])
        case "duplicate": (self, members) = (.duplicate, [])
        case "fill_on_cancel": (self, members) = (.fillOnCancel, [])
        default: throw reader.wrong("do", "one of \(Self.names.joined(separator: ", "))")
        }
        try reader.allow(["do"] + members)
    }
}

/// The scripts that wait for their orders, and what is still to happen to orders that had one. In memory: a
/// restart forgets them.
final class OrderScripts: Sendable {
    /// The most scripts at a time.
    static let limit = 1_000

    /// How often the first news of an order behind a place of the journal is told.
    private struct Telling {
        let after: Int64
        let times: Int
    }

    private struct State {
        var waiting: [OrderScript] = []
        /// How often the next news of an order is told, by account and order; the first comes first.
        var tellings: [String: [Telling]] = [:]
        /// What was made of news already, by its sequence: every stream tells it as often.
        var told: [Int64: Int] = [:]
        /// Orders that are filled right before they are cancelled, by account.
        var filledOnCancel: [String: Set<String>] = [:]
    }

    private let state = Mutex(State())
    /// So that a server without scripts pays for one read of a flag.
    private let isActive = Atomic(false)

    /// Whether no order has one.
    var isEmpty: Bool { !isActive.load(ordering: .relaxed) }

    /// Those that wait for their orders.
    var scripts: [OrderScript] { state.withLock { $0.waiting } }

    /// Puts these in place of all others.
    func replaceAll(with scripts: [OrderScript]) {
        state.withLock { state in
            state = State()
            state.waiting = scripts
            isActive.store(!scripts.isEmpty, ordering: .relaxed)
        }
    }

    /// The script of an order that is about to be placed, which is used up by it: that of its client id, else
    /// the account's next.
    fileprivate func take(_ account: String, clientID: String?) -> OrderScript? {
        state.withLock { state in
            let place =
                state.waiting.firstIndex {
                    $0.account.isExactly(account) && $0.clientID != nil && $0.clientID == clientID
                }
                ?? state.waiting.firstIndex { $0.account.isExactly(account) && $0.clientID == nil }
            return place.map { state.waiting.remove(at: $0) }
        }
    }

    /// Notes how often the next news of an order is told, of what comes after a place of the journal.
    fileprivate func tell(_ order: String, of account: String, times: Int, after sequence: Int64) {
        let telling = Telling(after: sequence, times: times)
        state.withLock { $0.tellings["\(account) \(order)", default: []].append(telling) }
    }

    fileprivate func fillOnCancel(_ order: String, of account: String) {
        state.withLock { _ = $0.filledOnCancel[account, default: []].insert(order) }
    }

    fileprivate func isFilledOnCancel(_ order: String, of account: String) -> Bool {
        state.withLock { $0.filledOnCancel[account]?.remove(order) != nil }
    }

    /// How often streams tell an event: once, unless a script says otherwise.
    func tellings(of event: Event) -> Int {
        guard let account = event.account, let order = event.body.orderID else { return 1 }
        return state.withLock { state in
            if let times = state.told[event.sequence] { return times }
            let key = "\(account) \(order)"
            guard let next = state.tellings[key]?.first, next.after < event.sequence else { return 1 }
            state.tellings[key]?.removeFirst()
            if state.told.count >= Self.limit { state.told = [:] }
            state.told[event.sequence] = next.times
            return next.times
        }
    }
}

/// What a venue's model may reach, with orders that have a script treated by it.
struct ScriptedAccess: ForwardingAccess {
    let base: any VenueAccess
    let scripts: OrderScripts

    func trade(_ instruction: TradeInstruction, for account: String) async throws(Refusal) -> [Event] {
        if scripts.isEmpty { return try await base.trade(instruction, for: account) }
        switch instruction {
        case .place(let order):
            guard let script = scripts.take(account, clientID: order.terms.clientID) else { break }
            return try await play(script, instruction, for: account)
        case .cancel(let reference, let instrument):
            guard let order = base.snapshot(of: account)?.account.order(reference, of: instrument),
                scripts.isFilledOnCancel(order.id, of: account)
            else { break }
            try await fill(order, nil, nil, account)
        default: break
        }
        return try await base.trade(instruction, for: account)
    }

    func trade(
        _ instructions: [TradeInstruction], for account: String
    ) async -> [Result<[Event], Refusal>] {
        if scripts.isEmpty { return await base.trade(instructions, for: account) }
        var results: [Result<[Event], Refusal>] = []
        for instruction in instructions {
            do throws(Refusal) {
                results.append(.success(try await trade(instruction, for: account)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    private func play(
        _ script: OrderScript, _ instruction: TradeInstruction, for account: String
    ) async throws(Refusal) -> [Event] {
        for step in script.steps {
            if case .reject(let code) = step { throw Refusal(code, "The order's script refuses it.") }
        }
        let events = try await base.trade(instruction, for: account)
        guard
            let id = events.lazy.compactMap({ event -> String? in
                if case .orderPlaced(let order) = event.body { order.id } else { nil }
            }).first
        else { return events }
        var isTimedOut = false
        /// The last that has happened so far.
        var place: Int64 { base.snapshot(of: account)?.account.lastSequence ?? 0 }
        for step in script.steps {
            switch step {
            case .reject: break
            case .fill(let quantity, let price):
                if let order = base.snapshot(of: account)?.account.order(.id(id)) {
                    try await fill(order, quantity, price, account)
                }
            case .hold(let wait): try? await Task.sleep(for: .milliseconds(wait))
            case .timeout: isTimedOut = true
            case .lose: scripts.tell(id, of: account, times: 0, after: place)
            case .duplicate: scripts.tell(id, of: account, times: 2, after: place)
            case .fillOnCancel: scripts.fillOnCancel(id, of: account)
            }
        }
        if isTimedOut {
            throw Refusal(.timedOut, "The order's script answers that its fate is unknown.")
        }
        return events
    }

    private func fill(
        _ order: OpenOrder, _ quantity: ExactDecimal?, _ price: ExactDecimal?, _ account: String
    ) async throws(Refusal) {
        var request = FillRequest(
            instrument: order.instrument.name, side: order.side,
            quantity: min(quantity ?? order.remaining, order.remaining), price: price ?? order.price)
        request.orderID = order.id
        request.positionSide = order.positionSide == .net ? nil : order.positionSide
        request.marginMode = order.marginMode
        try await base.submit(Command(account: account, content: .fill(request)))
    }
}
