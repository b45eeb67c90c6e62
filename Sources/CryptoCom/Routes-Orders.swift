import JSON
import Ledger
import Numbers
import Venue

/// Orders: placed, amended and canceled. Crypto.com Exchange API documentation, Trading API.
extension CryptoComVenue {
    /// The most orders of one list.
    private static let listLimit = 10

    /// The whole reply to a private method about orders, over REST and on a socket.
    func orderAnswer(
        _ method: Method, id: RequestIdentifier, _ params: JSONValue?, of snapshot: AccountSnapshot,
        _ access: any VenueAccess
    ) async throws(VenueError) -> [UInt8] {
        let params = params ?? .object(JSONObject())
        var reply = Confirmation(id: id, method: method)
        switch method {
        case .createOrder, .createTrigger:
            let type = params["type"]?.text
            if method == .createTrigger, type.flatMap(TriggerType.init(rawValue:)) == nil {
                throw type == nil ? .invalidArgument : .invalidOrderType
            }
            let names = try await place(params, fallbackID: id.fallbackClientID, snapshot, access)
            return reply.named(names)
        case .createOrderList, .createTriggerList:
            return try await placeList(params, id, snapshot, access, &reply)
        case .amendTrigger: return reply.named(try await amendTrigger(params, snapshot, access))
        case .amendOrder: return reply.named(try await amend(params, id, snapshot, access))
        case .cancelOrder, .cancelTrigger:
            return reply.named(try await cancel(params, snapshot, access), isNoError: true)
        case .cancelOrderList, .cancelTriggerList:
            return try await cancelList(params, snapshot, access, &reply)
        case .cancelAllOrders, .cancelAllTriggers:
            try await cancelAll(params, snapshot, access)
            return reply.bare()
        case .createOCO, .createOTO, .createOTOCO:
            return reply.listed(try await placeLinked(method, params, id, snapshot, access))
        case .cancelOCO, .cancelOTO, .cancelOTOCO:
            try await cancelLinked(method, params, snapshot, access)
            return reply.bare()
        case .batchOrders: return try await batch(params, id, snapshot, access, &reply)
        case .closePosition: return reply.named(try await close(params, id, snapshot, access))
        case .accountLeverage, .isolatedLeverage, .isolatedTransfer, .changeSettings:
            try await change(method, params, snapshot, access)
            return reply.bare()
        default: return try await orderReading(method, id: id, params, of: snapshot, access)
        }
    }

    // MARK: - Placing

    private func place(
        _ params: JSONValue, fallbackID: String, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        guard params.object != nil else { throw .invalidRequest }
        // Conditional types came here until December 2025, and some clients still send them here.
        if let names = try await placeTrigger(params, fallbackID: fallbackID, snapshot, access) {
            return names
        }
        let reading = try OrderReading(params, snapshot, self).order(fallbackID: fallbackID)
        guard reading.instruction.marginMode == .isolated else {
            return try await place(reading, snapshot.account.id, access)
        }
        try await prepareIsolation(reading.instruction, params, snapshot, access)
        let names = try await place(reading, snapshot.account.id, access)
        try await fundIsolation(reading.instruction, params, snapshot.account.id, access)
        return names
    }

    /// Has the exchange take an order. A refusal that names it is noted in the journal, and so is where the
    /// order ended unfilled at once.
    func place(
        _ reading: OrderReading.Reading, _ account: String, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        var rejection = reading.rejection
        if rejection == nil {
            do throws(VenueError) {
                let record = try await record(.place(reading.instruction), account, access)
                let names = OrderNames(record.order, of: account)
                if let rejection = try? record.rejection { throw rejection.naming(names) }
                return names
            } catch {
                guard error.namesOrder, error.names == nil else { throw error }
                rejection =
                    error.code == VenueError.insufficientBalance.code ? shortage(of: account, access) : error
            }
        }
        let error = rejection ?? .internal
        let instruction = TradeInstruction.refuse(reading.instruction, code: Int64(error.code))
        let refused = try await record(instruction, account, access)
        throw error.naming(OrderNames(refused.order, of: account))
    }

    /// Why an account cannot pay for an order. What reduces is taken in any state, as nothing liquidates by
    /// itself here.
    private func shortage(of account: String, _ access: any VenueAccess) -> VenueError {
        guard let snapshot = access.snapshot(of: account) else { return .insufficientBalance }
        if (try? health(of: snapshot))?.isLiquidated == true { return .inLiquidation }
        let isCalled = try? withExtendedLifetime(figures(of: snapshot)) { figures in
            try figures[.marginBalance] < figures[.initialMargin]
        }
        return isCalled == true ? .marginCall : .insufficientBalance
    }

    private func record(
        _ instruction: TradeInstruction, _ account: String, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderRecord {
        let events = try await trade(instruction, account, access)
        guard let record = try? OrderRecord(placedBy: events) else { throw .internal }
        if record.ending == nil { PlacedOrders.current?.note(record.order.id) }
        return record
    }

    /// Has the exchange carry an instruction out; its refusals in the venue's words.
    func trade(
        _ instruction: TradeInstruction, _ account: String, _ access: any VenueAccess
    ) async throws(VenueError) -> [Event] {
        do {
            return try await access.trade(instruction, for: account)
        } catch {
            throw VenueError(error)
        }
    }

    /// Up to ten orders, one after the other; each as it would be answered alone.
    private func placeList(
        _ params: JSONValue, _ id: RequestIdentifier, _ snapshot: AccountSnapshot, _ access: any VenueAccess,
        _ reply: inout Confirmation
    ) async throws(VenueError) -> [UInt8] {
        switch try Optional(params).text("contingency_type") {
        case nil, "LIST": break
        case "OCO", "OTO", "OTOCO": throw .disabled
        default: throw .invalidArgument
        }
        let orders = try Self.list(params)
        reply.beginList()
        for (index, order) in orders.enumerated() {
            let fallbackID = "\(id.fallbackClientID)_\(index)"
            guard let current = access.snapshot(of: snapshot.account.id) else { throw .accountDoesNotExist }
            do throws(VenueError) {
                let names = try await place(order, fallbackID: fallbackID, current, access)
                reply.element(index, names)
            } catch {
                reply.element(index, error, clientID: order["client_oid"]?.text ?? fallbackID)
            }
        }
        return reply.endList()
    }

    static func list(_ params: JSONValue) throws(VenueError) -> [JSONValue] {
        guard let orders = params["order_list"]?.elements, (1...listLimit).contains(orders.count) else {
            throw .invalidArgument
        }
        return orders
    }

    /// Orders of one instrument on a socket: cancels first, then new ones, each by itself.
    private func batch(
        _ params: JSONValue, _ id: RequestIdentifier, _ snapshot: AccountSnapshot, _ access: any VenueAccess,
        _ reply: inout Confirmation
    ) async throws(VenueError) -> [UInt8] {
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
            guard let current = access.snapshot(of: snapshot.account.id) else { throw .accountDoesNotExist }
            do throws(VenueError) {
                reply.batched(try await cancel(order, current, access), namesClient: false)
            } catch {
                reply.batched(error, clientID: nil)
            }
        }
        reply.goOn("creates")
        for (index, order) in creates.enumerated() {
            guard let current = access.snapshot(of: snapshot.account.id) else { throw .accountDoesNotExist }
            let fallbackID = "\(id.fallbackClientID)_\(index)"
            var members = order.object?.members ?? []
            members.append(("instrument_name", name))
            do throws(VenueError) {
                let names = try await place(
                    .object(JSONObject(members)), fallbackID: fallbackID, current, access)
                reply.batched(names, namesClient: true)
            } catch {
                reply.batched(error, clientID: order["client_oid"]?.text ?? fallbackID)
            }
        }
        return reply.endBatch()
    }

    // MARK: - Amending and canceling

    private func amend(
        _ params: JSONValue, _ id: RequestIdentifier, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        let account = snapshot.account.id
        let isNamed = try Self.name(params, clientKey: "orig_client_oid", of: account)
        for key in ["new_price", "new_quantity"] where params[key] == nil { throw .invalidArgument }
        guard let order = snapshot.account.orders.last(where: isNamed) else { throw .invalidOrderID }
        let change = try OrderReading(params, snapshot, self)
            .change(of: order, fallbackID: id.fallbackClientID)
        var amended = order
        if let terms = change.terms { amended.terms = terms }
        let names = OrderNames(amended, of: account)
        if let rejection = change.rejection { throw rejection.naming(names) }
        // What changes nothing is no fault here: the order stays as it is.
        if amended == order, change.quantity == order.quantity, change.price == order.price { return names }
        do throws(VenueError) {
            _ = try await trade(
                .amend(
                    .id(order.id), instrument: nil, quantity: change.quantity, price: change.price,
                    terms: change.terms), account, access)
        } catch {
            throw error.namesOrder ? error.naming(names) : error
        }
        return names
    }

    private func cancel(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        guard params.object != nil else { throw .invalidRequest }
        let account = snapshot.account.id
        let isNamed = try Self.name(params, clientKey: "client_oid", of: account)
        guard let order = snapshot.account.orders.last(where: isNamed) else {
            if let names = try await cancelTrigger(params, snapshot, access) { return names }
            throw .invalidOrderID
        }
        _ = try await trade(.cancel(.id(order.id), instrument: nil), account, access)
        return OrderNames(order, of: account)
    }

    private func cancelList(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess,
        _ reply: inout Confirmation
    ) async throws(VenueError) -> [UInt8] {
        let orders = try Self.list(params)
        reply.beginList()
        for (index, order) in orders.enumerated() {
            guard let current = access.snapshot(of: snapshot.account.id) else { throw .accountDoesNotExist }
            do throws(VenueError) {
                _ = try await cancel(order, current, access)
                reply.element(index, nil)
            } catch {
                reply.element(index, error, clientID: nil)
            }
        }
        return reply.endList()
    }

    private func cancelAll(
        _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) {
        let name = try Optional(params).text("instrument_name")
        if let name { _ = try OrderReading(params, snapshot, self).instrument(name) }
        let type = try Optional(params).text("type") ?? "ALL"
        guard ["LIMIT", "ALL", "TRIGGER"].contains(type) else { throw .invalidOrderType }
        let account = snapshot.account.id
        if type != "TRIGGER" { _ = try await trade(.cancelAll(instrument: name), account, access) }
        if type != "LIMIT" { _ = try await trade(.cancelAllConditionals(instrument: name), account, access) }
    }

    /// Whether an order is the one that is named: by `order_id`, else by the client's id. Throws 40004 where
    /// none is named.
    static func name(
        _ params: JSONValue, clientKey: String, of account: String
    ) throws(VenueError) -> (OpenOrder) -> Bool {
        if let value = params["order_id"], !value.isNull {
            guard let id = value.text ?? value.numberText else { throw .invalidRequest }
            return { $0.venueID(of: account).isExactly(id) }
        }
        guard let id = try Optional(params).text(clientKey), !id.isEmpty else { throw .invalidArgument }
        return { $0.clientID(of: account).isExactly(id) }
    }

    // MARK: - Closing a position

    /// An order the other way that only reduces, by default of the whole position.
    private func close(
        _ params: JSONValue, _ id: RequestIdentifier, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) -> OrderNames {
        let account = snapshot.account
        let reading = OrderReading(params, snapshot, self)
        guard let name = try Optional(params).text("instrument_name") else { throw .invalidArgument }
        let isMarket: Bool
        switch try Optional(params).text("type") {
        case "MARKET": isMarket = true
        case "LIMIT": isMarket = false
        case nil: throw .invalidArgument
        default: throw .invalidOrderType
        }
        let rule = try reading.instrument(name)
        let isolation = try Optional(params).text("isolation_id")
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
        return try await place(OrderReading.Reading(instruction: order), account.id, access)
    }

    // MARK: - Leverage and isolated margin

    /// Before the first order of an isolated position its leverage is set; later ones name the position.
    private func prepareIsolation(
        _ order: OrderInstruction, _ params: JSONValue, _ snapshot: AccountSnapshot,
        _ access: any VenueAccess
    ) async throws(VenueError) {
        let account = snapshot.account
        let isOpen =
            account.position(order.instrument, side: .net, marginMode: .isolated) != nil
            || account.orders.contains {
                $0.instrument.name == order.instrument && $0.marginMode == .isolated
            }
        if let id = try Optional(params).text("isolation_id") {
            guard isOpen, id == StableIdentifier.isolation(account: account.id, instrument: order.instrument)
            else { throw .unknownIsolation }
            return
        }
        if isOpen { throw .duplicateIsolation }
        guard let value = params["leverage"], !value.isNull else { return }
        guard let text = value.text ?? value.numberText, let leverage = try? ExactDecimal(text),
            leverage >= .one
        else { throw .invalidArgument }
        try await submit(
            .setLeverage(
                instrument: order.instrument, leverage: leverage, side: nil, marginMode: .isolated),
            account.id, access)
    }

    /// Margin that an isolated position is to have beyond what its fill brought.
    private func fundIsolation(
        _ order: OrderInstruction, _ params: JSONValue, _ account: String, _ access: any VenueAccess
    ) async throws(VenueError) {
        guard let text = try Optional(params).text("isolated_margin_amount"),
            let wanted = try? ExactDecimal(text),
            let position = access.snapshot(of: account)?.account
                .position(order.instrument, side: .net, marginMode: .isolated),
            let more = try? wanted - position.isolatedWallet, more.isPositive
        else { return }
        try await submit(
            .adjustIsolatedMargin(instrument: order.instrument, amount: more, side: nil), account, access)
    }

    private func submit(
        _ content: Command.Content, _ account: String, _ access: any VenueAccess
    ) async throws(VenueError) {
        do {
            try await access.submit(Command(account: account, content: content))
        } catch {
            throw VenueError(error)
        }
    }

    private func change(
        _ method: Method, _ params: JSONValue, _ snapshot: AccountSnapshot, _ access: any VenueAccess
    ) async throws(VenueError) {
        let account = snapshot.account
        switch method {
        case .accountLeverage:
            guard let id = try Optional(params).text("account_id") else { throw .invalidArgument }
            guard id == StableIdentifier.uuid(account: account.id) else { throw .accountDoesNotExist }
            let leverage = try Self.leverage(params)
            try await submit(
                .configure(Settings([("max_leverage", .string(leverage.description))])), account.id, access)
        case .isolatedLeverage:
            let position = try isolatedPosition(params, account)
            let leverage = try Self.leverage(params)
            try await submit(
                .setLeverage(
                    instrument: position.instrument.name, leverage: leverage, side: nil,
                    marginMode: .isolated), account.id, access)
        case .isolatedTransfer:
            let position = try isolatedPosition(params, account)
            guard let text = try Optional(params).text("amount"), let amount = try? ExactDecimal(text),
                amount.isPositive
            else { throw .invalidArgument }
            let signed: ExactDecimal
            switch try Optional(params).text("direction") {
            case "CREDIT", "IN": signed = amount
            case "DEBIT", "OUT": signed = -amount
            default: throw .invalidArgument
            }
            try await submit(
                .adjustIsolatedMargin(instrument: position.instrument.name, amount: signed, side: nil),
                account.id, access)
        default: try await submit(.configure(try tradingSettings(params)), account.id, access)
        }
    }

    private func isolatedPosition(_ params: JSONValue, _ account: Account) throws(VenueError) -> Position {
        guard let id = try Optional(params).text("isolation_id") else { throw .invalidArgument }
        let position = account.positions.first {
            $0.marginMode == .isolated
                && StableIdentifier.isolation(account: account.id, instrument: $0.instrument.name) == id
        }
        guard let position else { throw .unknownIsolation }
        return position
    }

    /// A whole leverage from 1 to 100, as a number or its digits.
    private static func leverage(_ params: JSONValue) throws(VenueError) -> ExactDecimal {
        guard let value = params["leverage"], let text = value.text ?? value.numberText,
            let leverage = Int(text), (1...100).contains(leverage)
        else { throw .invalidArgument }
        return ExactDecimal(leverage)
    }

    /// `leverage` and self-trade prevention of the account; scope `D` takes the latter back.
    private func tradingSettings(_ params: JSONValue) throws(VenueError) -> Settings {
        var settings = Settings()
        if let value = params["leverage"], !value.isNull {
            settings["max_leverage"] = .string(try Self.leverage(params).description)
        }
        for name in SelfTradeSetting.all {
            guard let text = try Optional(params).text(name) else { continue }
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
