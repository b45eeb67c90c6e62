import JSON
import Ledger
import Logging
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
        let script = try Self.form.read(value, subject: "script")
        account = script.account
        clientID = script.clientID
        steps = script.steps
        source = value
    }

    /// What a script takes. The reader, its refusals, the OpenAPI document and the page docs/order-scripts.md
    /// are made of this table.
    static let form: Form<(account: String, clientID: String?, steps: [Step])> = Form(
        "What is to become of one order.",
        Field.account("account", "Whose order."),
        Field.text("client_order_id", longest: 256, "Which, by the client's id; the next if left out.")
            .optional,
        Field<[Step]>.objects(
            "steps", of: .oneOf(Step.form.descriptions), 1...16, "What happens to it, in this order."
        ) { reader throws(Refusal) in try Step.form.read(reader) }
    ) { (account: $0, clientID: $1, steps: $2) }
}

extension OrderScript.Step {
    /// The refusals that a script may have.
    private static let codes: [Refusal.Code] = [
        .insufficientBalance, .wouldTake, .unfillable, .orderExists, .nothingToReduce, .noPosition, .tooMany,
        .priceMissing, .notAllowed,
    ]

    /// Every step.
    static let form: FormChoice<OrderScript.Step> = FormChoice(
        by: "do", "What happens.",
        [
            .init(
                "reject", "The order is refused in the venue's own words, and nothing has changed.",
                Field("code", .choice(codes.map(\.rawValue)), "Why.") { reader, name throws(Refusal) in
                    try reader.choice(name, among: codes)
                }
            ) { .reject($0) },
            .init(
                "fill", "Right after it was placed so much of it is filled as maker, before the answer.",
                positive("quantity", "How much, in full lots of the instrument; all if left out."),
                positive("price", "At what price; its own if left out.")
            ) { .fill(quantity: $0, price: $1) },
            .init("hold", "The answer waits.", Field.whole("ms", 0...60_000, "How many milliseconds.")) {
                .hold($0)
            },
            .init(
                "timeout",
                "It is carried out, and the answer is the venue's for a request whose fate nobody knows."
            ) { .timeout },
            .init("lose", "The next thing that streams would tell of it, after its placing, is not told.") {
                .lose
            },
            .init(
                "duplicate", "The next thing that streams tell of it, after its placing, is told twice."
            ) { .duplicate },
            .init(
                "fill_on_cancel",
                "When it is canceled, its rest is filled first, and the cancel finds no open order."
            ) { .fillOnCancel },
        ])

    private static func positive(_ name: String, _ words: String) -> Field<ExactDecimal?> {
        Field(name, .positive, words) { reader, name throws(Refusal) in
            let number = try reader.decimal(name)
            if number.isPositive { return number }
            throw reader.wrong(name, "above zero", .invalidAmount)
        }.optional
    }
}

/// The scripts that wait for their orders, and what is still to happen to orders that had one. In memory: a
/// restart forgets them.
final class OrderScripts: Sendable {
    /// The most scripts at a time.
    static let limit = 1_000

    /// What is still to happen to an order that had a script.
    private enum Held: Equatable {
        /// Its first news behind a place of the journal is told so often.
        case telling(after: Int64, times: Int)
        /// It is filled right before it is canceled.
        case fillOnCancel
    }

    private struct State {
        var waiting: [OrderScript] = []
        /// What is held back, the first first.
        var held: [(account: String, order: String, what: Held)] = []
        /// What was made of news already, by its sequence: every stream tells it as often.
        var told: [Int64: Int] = [:]
    }

    private let state = Mutex(State())
    /// So that a server without scripts pays for one read of a flag.
    private let isActive = Atomic(false)

    /// Whether no order has one.
    var isEmpty: Bool { !isActive.load(ordering: .relaxed) }

    /// Those that wait for their orders.
    var scripts: [OrderScript] { state.withLock { $0.waiting } }

    /// Puts these in place of all that wait for their orders. What is held back of orders that are placed
    /// stays.
    func replaceWaiting(with scripts: [OrderScript]) {
        state.withLock { state in
            state.waiting = scripts
            isActive.store(!scripts.isEmpty || !state.held.isEmpty, ordering: .relaxed)
        }
    }

    /// Forgets all scripts, and what is held back.
    func clear() {
        state.withLock { state in
            state = State()
            isActive.store(false, ordering: .relaxed)
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
        hold(order, of: account, .telling(after: sequence, times: times))
    }

    fileprivate func fillOnCancel(_ order: String, of account: String) {
        hold(order, of: account, .fillOnCancel)
    }

    /// Of more than may be held back the oldest is forgotten: its order may be long gone.
    private func hold(_ order: String, of account: String, _ what: Held) {
        state.withLock { state in
            if state.held.count >= Self.limit { state.held.removeFirst() }
            state.held.append((account, order, what))
        }
    }

    fileprivate func isFilledOnCancel(_ order: String, of account: String) -> Bool {
        state.withLock { state in
            let place = state.held.firstIndex {
                $0.what == .fillOnCancel && $0.order.isExactly(order) && $0.account.isExactly(account)
            }
            if let place { state.held.remove(at: place) }
            return place != nil
        }
    }

    /// How often streams tell an event: once, unless a script says otherwise.
    func tellings(of event: Event) -> Int {
        guard let account = event.account, let order = event.body.orderID else { return 1 }
        return state.withLock { state in
            if let times = state.told[event.sequence] { return times }
            for (place, held) in state.held.enumerated() {
                guard case .telling(let after, let times) = held.what, held.order.isExactly(order),
                    held.account.isExactly(account)
                else { continue }
                guard after < event.sequence else { return 1 }
                state.held.remove(at: place)
                if state.told.count >= Self.limit { state.told = [:] }
                state.told[event.sequence] = times
                return times
            }
            return 1
        }
    }
}

/// What a venue's model may reach, with orders that have a script treated by it.
struct ScriptedAccess: ForwardingAccess {
    let base: any VenueAccess
    let scripts: OrderScripts
    let model: any VenueServer
    let logger: Logger

    func trade(_ instruction: TradeInstruction, for account: String) async throws(Refusal) -> [Event] {
        if scripts.isEmpty { return try await base.trade(instruction, for: account) }
        switch instruction {
        case .place(let order):
            guard let script = scripts.take(account, clientID: order.terms.clientID) else { break }
            try checkLots(of: script, order, account)
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

    func trade(_ readings: [TradeReading], for account: String) async -> [Result<[Event], Refusal>] {
        if scripts.isEmpty { return await base.trade(readings, for: account) }
        return await tradeOneByOne(readings, for: account)
    }

    /// Refuses an order whose script fills a part of it that its venue never fills: the script is wrong,
    /// which only its order shows.
    private func checkLots(
        of script: OrderScript, _ order: OrderInstruction, _ account: String
    ) throws(Refusal) {
        guard let snapshot = base.snapshot(of: account),
            let instrument = model.instrument(order.instrument, in: snapshot.account, at: snapshot.at),
            let lot = model.tradingTerms(of: instrument, in: snapshot.account, at: snapshot.at)?.lot,
            lot.isPositive
        else { return }
        for case .fill(let quantity?, _) in script.steps where !quantity.isMultiple(of: lot) {
            let message =
                "The order's script fills \(quantity) of \(instrument.name), which is no multiple of its "
                + "lot \(lot)."
            logger.warning(
                "an order was refused for its script",
                metadata: ["account": "\(account)", "reason": "\(message)"])
            throw Refusal(.notAllowed, message, field: "quantity")
        }
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
