import JSON
import Ledger
import Numbers
import Venue

/// Orders: placed, amended and canceled. Crypto.com Exchange API documentation, Trading API.
extension AccountRequest {
    /// The most orders of one list.
    private static let listLimit = 10

    /// The whole reply to a private method about orders, over REST and on a socket.
    func orderAnswer() async throws(VenueError) -> [UInt8] {
        var reply = Confirmation(id: id, method: method)
        switch method {
        case .createOrder, .createTrigger:
            let type = params["type"]?.text
            if method == .createTrigger, type.flatMap(TriggerType.init(rawValue:)) == nil {
                throw type == nil ? .invalidArgument : .invalidOrderType
            }
            return reply.named(try await place(fallbackID: id.fallbackClientID))
        case .createOrderList, .createTriggerList: return try await placeList(&reply)
        case .amendTrigger: return reply.named(try await amendTrigger())
        case .amendOrder: return reply.named(try await amend())
        case .cancelOrder, .cancelTrigger: return reply.named(try await cancel(), isNoError: true)
        case .cancelOrderList, .cancelTriggerList: return try await cancelList(&reply)
        case .cancelAllOrders, .cancelAllTriggers:
            try await cancelAll()
            return reply.bare()
        case .createOCO, .createOTO, .createOTOCO: return reply.listed(try await placeLinked())
        case .cancelOCO, .cancelOTO, .cancelOTOCO:
            try await cancelLinked()
            return reply.bare()
        case .batchOrders: return try await batch(&reply)
        case .closePosition: return reply.named(try await close())
        case .accountLeverage, .isolatedLeverage, .isolatedTransfer, .changeSettings:
            try await change()
            return reply.bare()
        default: return try await readingAnswer()
        }
    }

    // MARK: - Placing

    private func place(fallbackID: String) async throws(VenueError) -> OrderNames {
        guard params.object != nil else { throw .invalidRequest }
        // Conditional types came here until December 2025, and some clients still send them here.
        if let names = try await placeTrigger(fallbackID: fallbackID) { return names }
        var order = try reading.order(fallbackID: fallbackID)
        guard order.instruction.marginMode == .isolated else { return try await place(order) }
        order.instruction.leverage = try isolationLeverage(order.instruction)
        let margin = try isolationMargin()
        if let margin, order.rejection == nil, try free(in: snapshot) < ExactFraction(margin) {
            order.rejection = shortage
        }
        let names = try await place(order)
        if let margin { await fundIsolation(order.instruction, margin) }
        return names
    }

    /// Has the exchange take an order. A refusal that names it is noted in the journal, and so is where the
    /// order ended unfilled at once.
    func place(_ reading: OrderReading.Reading) async throws(VenueError) -> OrderNames {
        var rejection = reading.rejection
        if rejection == nil {
            do throws(VenueError) {
                let record = try await record(.place(reading.instruction))
                let names = OrderNames(record.order, of: account.id)
                if let rejection = try? record.rejection { throw rejection.naming(names) }
                return names
            } catch {
                guard error.namesOrder, error.names == nil else { throw error }
                rejection =
                    error.code == VenueError.insufficientBalance.code ? shortage : error
            }
        }
        let error = rejection ?? .internal
        let refused = try await record(.refuse(reading.instruction, code: Int64(error.code)))
        throw error.naming(OrderNames(refused.order, of: account.id))
    }

    /// Why an account cannot pay for an order. What reduces is taken in any state, as nothing liquidates by
    /// itself here.
    private var shortage: VenueError {
        guard let snapshot = access.snapshot(of: account.id) else { return .insufficientBalance }
        if (try? venue.health(of: snapshot))?.isLiquidated == true { return .inLiquidation }
        let isCalled = try? withExtendedLifetime(venue.figures(of: snapshot)) { figures in
            try figures[.marginBalance] < figures[.initialMargin]
        }
        return isCalled == true ? .marginCall : .insufficientBalance
    }

    private func record(_ instruction: TradeInstruction) async throws(VenueError) -> OrderRecord {
        let events = try await trade(instruction)
        guard let record = try? OrderRecord(placedBy: events) else { throw .internal }
        if record.ending == nil { PlacedOrders.current?.note(record.order.id) }
        return record
    }

    /// Has the exchange carry an instruction out; its refusals in the venue's words.
    @discardableResult
    func trade(_ instruction: TradeInstruction) async throws(VenueError) -> [Event] {
        do {
            return try await access.trade(instruction, for: account.id)
        } catch {
            throw VenueError(error)
        }
    }

    /// Has an order amended. What changes nothing is no fault here: the order stays as it is.
    func amend(_ instruction: TradeInstruction) async throws(VenueError) {
        do {
            _ = try await access.trade(instruction, for: account.id)
        } catch {
            if error.code != .unchanged { throw VenueError(error) }
        }
    }

    /// Up to ten orders, one after the other; each as it would be answered alone.
    private func placeList(_ reply: inout Confirmation) async throws(VenueError) -> [UInt8] {
        switch try text("contingency_type") {
        case nil, "LIST": break
        case "OCO", "OTO", "OTOCO": throw .disabled
        default: throw .invalidArgument
        }
        let orders = try orderList()
        reply.beginList()
        for (index, order) in orders.enumerated() {
            let fallbackID = "\(id.fallbackClientID)_\(index)"
            let element = try element(order)
            do throws(VenueError) {
                reply.element(index, try await element.place(fallbackID: fallbackID))
            } catch {
                reply.element(index, error, clientID: order["client_oid"]?.text ?? fallbackID)
            }
        }
        return reply.endList()
    }

    func orderList() throws(VenueError) -> [JSONValue] {
        guard let orders = params["order_list"]?.elements, (1...Self.listLimit).contains(orders.count) else {
            throw .invalidArgument
        }
        return orders
    }

    /// Orders of one instrument on a socket: cancels first, then new ones, each by itself.
    private func batch(_ reply: inout Confirmation) async throws(VenueError) -> [UInt8] {
        guard let name = params["instrument_name"] else { throw .invalidArgument }
        func list(_ key: String) throws(VenueError) -> [JSONValue] {
            guard let value = params[key], !value.isNull else { return [] }
            guard let elements = value.elements else { throw .invalidRequest }
            guard elements.count <= Self.listLimit else { throw .invalidArgument }
            return elements
        }
        let (cancels, creates) = (try list("cancels"), try list("creates"))
        reply.beginBatch("cancels")
        for order in cancels {
            let element = try element(order)
            do throws(VenueError) {
                reply.batched(try await element.cancel(), namesClient: false)
            } catch {
                reply.batched(error, clientID: nil)
            }
        }
        reply.goOn("creates")
        for (index, order) in creates.enumerated() {
            let fallbackID = "\(id.fallbackClientID)_\(index)"
            let members = (order.object?.members ?? []) + [(key: "instrument_name", value: name)]
            let element = try element(.members(members))
            do throws(VenueError) {
                reply.batched(try await element.place(fallbackID: fallbackID), namesClient: true)
            } catch {
                reply.batched(error, clientID: order["client_oid"]?.text ?? fallbackID)
            }
        }
        return reply.endBatch()
    }

    // MARK: - Amending and canceling

    private func amend() async throws(VenueError) -> OrderNames {
        let isNamed = try isNamed(clientKey: "orig_client_oid")
        for key in ["new_price", "new_quantity"] where params[key] == nil { throw .invalidArgument }
        guard let order = account.orders.last(where: isNamed) else { throw .invalidOrderID }
        let change = try reading.change(of: order, fallbackID: id.fallbackClientID)
        var amended = order
        if let terms = change.terms { amended.terms = terms }
        let names = OrderNames(amended, of: account.id)
        if let rejection = change.rejection { throw rejection.naming(names) }
        do throws(VenueError) {
            try await amend(
                .amend(
                    .id(order.id), instrument: nil, quantity: change.quantity, price: change.price,
                    terms: change.terms))
        } catch {
            throw error.namesOrder ? error.naming(names) : error
        }
        return names
    }

    private func cancel() async throws(VenueError) -> OrderNames {
        guard params.object != nil else { throw .invalidRequest }
        let isNamed = try isNamed()
        guard let order = account.orders.last(where: isNamed) else {
            if let names = try await cancelTrigger() { return names }
            throw .invalidOrderID
        }
        try await trade(.cancel(.id(order.id), instrument: nil))
        return OrderNames(order, of: account.id)
    }

    private func cancelList(_ reply: inout Confirmation) async throws(VenueError) -> [UInt8] {
        let orders = try orderList()
        reply.beginList()
        for (index, order) in orders.enumerated() {
            let element = try element(order)
            do throws(VenueError) {
                _ = try await element.cancel()
                reply.element(index, nil)
            } catch {
                reply.element(index, error, clientID: nil)
            }
        }
        return reply.endList()
    }

    private func cancelAll() async throws(VenueError) {
        let name = try text("instrument_name")
        if let name { _ = try reading.instrument(name) }
        let type = try text("type") ?? "ALL"
        guard ["LIMIT", "ALL", "TRIGGER"].contains(type) else { throw .invalidOrderType }
        if type != "TRIGGER" { try await trade(.cancelAll(instrument: name)) }
        if type != "LIMIT" { try await trade(.cancelAllConditionals(instrument: name)) }
    }

    /// Whether an order is the one that is named: by `order_id`, else by the client's id. Throws 40004 where
    /// none is named.
    func isNamed(clientKey: String = "client_oid") throws(VenueError) -> (OpenOrder) -> Bool {
        let account = account.id
        if let id = try orderID() { return { $0.venueID(of: account).isExactly(id) } }
        let id = try required(clientKey)
        return { $0.clientID(of: account).isExactly(id) }
    }

    /// `order_id`; nil where it is absent or null.
    func orderID() throws(VenueError) -> String? {
        guard let value = params["order_id"], !value.isNull else { return nil }
        guard let id = value.text ?? value.numberText else { throw .invalidRequest }
        return id
    }

    /// A text that must be there and not be empty.
    func required(_ key: String) throws(VenueError) -> String {
        guard let id = try text(key), !id.isEmpty else { throw .invalidArgument }
        return id
    }

    // MARK: - Closing a position

    /// An order the other way that only reduces, by default of the whole position.
    private func close() async throws(VenueError) -> OrderNames {
        guard let name = try text("instrument_name") else { throw .invalidArgument }
        let isMarket: Bool
        switch try text("type") {
        case "MARKET": isMarket = true
        case "LIMIT": isMarket = false
        case nil: throw .invalidArgument
        default: throw .invalidOrderType
        }
        let rule = try reading.instrument(name)
        let isolation = try text("isolation_id")
        let mode: MarginMode = isolation == nil ? .cross : .isolated
        if let isolation, isolation != StableIdentifier.isolation(account: account.id, instrument: name) {
            throw .unknownIsolation
        }
        guard let position = account.position(name, side: .net, marginMode: mode) else { throw .noPosition }
        let price = isMarket ? nil : try reading.price("price", rule)
        let isWhole = params["quantity"].map(\.isNull) ?? true
        let quantity = isWhole ? position.quantity.magnitude : try reading.quantity("quantity", rule)
        var terms = OrderTerms(
            clientID: StableIdentifier.uuid(
                closing: "\(account.id)/\(name)/\(account.version)/\(id.number)"),
            kind: isMarket ? .market : .limit, expiresAt: rule.expiry)
        terms.words[OrderWord.quantity] = .string(quantity.description)
        terms.words[OrderWord.price] = isMarket ? nil : params["price"]
        terms.words[OrderWord.execution] = .array([.string("REDUCE_ONLY")])
        var order = OrderInstruction(
            instrument: name, side: position.isLong ? .sell : .buy, quantity: quantity, price: price,
            terms: terms)
        order.reduceOnly = true
        order.marginMode = mode
        return try await place(OrderReading.Reading(instruction: order))
    }

    // MARK: - Leverage and isolated margin

    /// The leverage that the first order of an isolated position sets; later ones name the position.
    private func isolationLeverage(_ order: OrderInstruction) throws(VenueError) -> ExactDecimal? {
        let isOpen =
            account.position(order.instrument, side: .net, marginMode: .isolated) != nil
            || account.orders.contains {
                $0.instrument.name == order.instrument && $0.marginMode == .isolated
            }
        if let id = try text("isolation_id") {
            guard isOpen, id == StableIdentifier.isolation(account: account.id, instrument: order.instrument)
            else { throw .unknownIsolation }
            return nil
        }
        if isOpen { throw .duplicateIsolation }
        guard let value = params["leverage"], !value.isNull else { return nil }
        guard let text = value.text ?? value.numberText, let leverage = try? ExactDecimal(text),
            leverage >= .one
        else { throw .invalidArgument }
        return leverage
    }

    /// What an isolated position is to have as its margin; nil for what its fill brings.
    private func isolationMargin() throws(VenueError) -> ExactDecimal? {
        guard let text = try text("isolated_margin_amount") else { return nil }
        guard let margin = try? ExactDecimal(text), margin.isPositive else { throw .invalidArgument }
        return margin
    }

    /// What an account can put into an isolated position.
    private func free(in snapshot: AccountSnapshot) throws(VenueError) -> ExactFraction {
        try VenueError.turning {
            try withExtendedLifetime(venue.figures(of: snapshot)) { figures in
                let held = try figures.rows.first { $0.asset == CryptoComRules.usd }?[.withdrawable] ?? .zero
                return try min(held, figures[.available])
            }
        }
    }

    /// Puts into an isolated position what it is to have beyond what its fill brought, as far as that is
    /// there: the order stands whatever becomes of it.
    private func fundIsolation(_ order: OrderInstruction, _ margin: ExactDecimal) async {
        guard let snapshot = access.snapshot(of: account.id),
            let position = snapshot.account.position(
                order.instrument, side: .net, marginMode: .isolated),
            let lacking = try? margin - position.isolatedWallet,
            let free = try? free(in: snapshot).rounded(places: 8, rounding: .towardZero)
        else { return }
        let more = min(lacking, free)
        guard more.isPositive else { return }
        try? await submit(.adjustIsolatedMargin(instrument: order.instrument, amount: more, side: nil))
    }

    private func submit(_ content: Command.Content) async throws(VenueError) {
        do {
            try await access.submit(Command(account: account.id, content: content))
        } catch {
            throw VenueError(error)
        }
    }

    private func change() async throws(VenueError) {
        switch method {
        case .accountLeverage:
            guard let id = try text("account_id") else { throw .invalidArgument }
            guard id == StableIdentifier.uuid(account: account.id) else { throw .accountDoesNotExist }
            let leverage = try leverage()
            try await submit(.configure(Settings([("max_leverage", .string(leverage.description))])))
        case .isolatedLeverage:
            let position = try isolatedPosition()
            let leverage = try leverage()
            try await submit(
                .setLeverage(
                    instrument: position.instrument.name, leverage: leverage, side: nil,
                    marginMode: .isolated))
        case .isolatedTransfer:
            let position = try isolatedPosition()
            guard let text = try text("amount"), let amount = try? ExactDecimal(text), amount.isPositive
            else { throw .invalidArgument }
            let signed: ExactDecimal
            switch try self.text("direction") {
            case "CREDIT", "IN": signed = amount
            case "DEBIT", "OUT": signed = -amount
            default: throw .invalidArgument
            }
            try await submit(
                .adjustIsolatedMargin(instrument: position.instrument.name, amount: signed, side: nil))
        default: try await submit(.configure(try tradingSettings()))
        }
    }

    private func isolatedPosition() throws(VenueError) -> Position {
        guard let id = try text("isolation_id") else { throw .invalidArgument }
        let position = account.positions.first {
            $0.marginMode == .isolated
                && StableIdentifier.isolation(account: account.id, instrument: $0.instrument.name) == id
        }
        guard let position else { throw .unknownIsolation }
        return position
    }

    /// A whole leverage from 1 to 100, as a number or its digits.
    private func leverage() throws(VenueError) -> ExactDecimal {
        guard let value = params["leverage"], let text = value.text ?? value.numberText,
            let leverage = Int(text), (1...100).contains(leverage)
        else { throw .invalidArgument }
        return ExactDecimal(leverage)
    }

    /// `leverage` and self-trade prevention of the account; scope `D` takes the latter back.
    private func tradingSettings() throws(VenueError) -> Settings {
        var settings = Settings()
        if let value = params["leverage"], !value.isNull {
            settings["max_leverage"] = .string(try leverage().description)
        }
        for name in SelfTradeSetting.all {
            guard let text = try text(name) else { continue }
            guard SelfTradeSetting.accepts(name, text) else { throw .invalidArgument }
            settings[name] = .string(text)
        }
        if settings.values.isEmpty { throw .invalidArgument }
        return settings
    }
}

/// The account's settings of self-trade prevention, by the venue's names.
enum SelfTradeSetting {
    static let all = ["stp_scope", "stp_inst", "stp_id"]

    /// Whether a text is a value of a setting.
    static func accepts(_ name: String, _ text: String) -> Bool {
        switch name {
        case "stp_scope": ["M", "S", "D"].contains(text)
        case "stp_inst": ["M", "T", "B"].contains(text)
        default: Int(text).map { (0...32767).contains($0) } ?? false
        }
    }
}

extension RequestIdentifier {
    /// `client_oid` of an order that names none: the request's id (`docs/venues/crypto-com.md`).
    var fallbackClientID: String { text.isEmpty ? "0" : text }
}

/// Writes answers that have nothing but names to tell.
private struct Confirmation {
    private var writer: JSONWriter

    init(id: RequestIdentifier, method: Method) {
        writer = JSONWriter(reserving: 256)
        writer.beginAnswer(id: id, method: method.rawValue)
    }

    mutating func bare() -> [UInt8] {
        writer.endObject()
        return writer.bytes
    }

    mutating func named(_ names: OrderNames, isNoError: Bool = false) -> [UInt8] {
        if isNoError { writer.member("message", "NO_ERROR") }
        writer.key("result")
        names.write(to: &writer)
        return bare()
    }

    mutating func listed(_ id: String) -> [UInt8] {
        writer.beginObject("result")
        writer.member("list_id", id)
        writer.endObject()
        return bare()
    }

    mutating func beginList() {
        writer.beginArray("result")
    }

    mutating func element(_ index: Int, _ names: OrderNames?) {
        writer.beginObject()
        writer.member("code", 0)
        writer.member("index", Int64(index))
        if let names {
            writer.member("client_oid", names.clientID)
            writer.member("order_id", names.orderID)
        }
        writer.endObject()
    }

    mutating func element(_ index: Int, _ error: VenueError, clientID: String?) {
        writer.beginObject()
        writer.member("code", Int64(error.code))
        writer.member("index", Int64(index))
        if let clientID { writer.member("client_oid", error.names?.clientID ?? clientID) }
        writer.member("message", error.message)
        if let names = error.names { writer.member("order_id", names.orderID) }
        writer.endObject()
    }

    mutating func beginBatch(_ key: StaticString) {
        writer.beginObject("result")
        writer.key(key)
        writer.beginArray()
    }

    mutating func goOn(_ key: StaticString) {
        writer.endArray()
        writer.key(key)
        writer.beginArray()
    }

    mutating func batched(_ names: OrderNames, namesClient: Bool) {
        writer.beginObject()
        writer.member("code", 0)
        writer.member("order_id", names.orderID)
        if namesClient { writer.member("client_oid", names.clientID) }
        writer.endObject()
    }

    mutating func batched(_ error: VenueError, clientID: String?) {
        writer.beginObject()
        writer.member("code", Int64(error.code))
        writer.member("message", error.message)
        if let names = error.names { writer.member("order_id", names.orderID) }
        if let clientID { writer.member("client_oid", error.names?.clientID ?? clientID) }
        writer.endObject()
    }

    mutating func endBatch() -> [UInt8] {
        writer.endArray()
        writer.endObject()
        return bare()
    }

    mutating func endList() -> [UInt8] {
        writer.endArray()
        return bare()
    }
}
