import JSON
import Ledger
import Numbers
import Venue

// Settings that clients change: each becomes a command of the ledger.

extension OKXVenue {
    /// The body of the answer to a request that changes something.
    func change(
        _ endpoint: Endpoint, _ request: VenueRequest, _ snapshot: AccountSnapshot,
        through access: any VenueAccess
    ) async throws -> [UInt8] {
        if let type = request.header("content-type"), !type.lowercased().hasPrefix("application/json") {
            throw OKXError.contentTypeWrong
        }
        guard !request.body.isEmpty else { throw OKXError.bodyMissing }
        if endpoint.mayExpire, let text = request.header("exptime"), !text.isEmpty {
            guard let time = Int64(text) else { throw OKXError.parameterWrong("expTime") }
            if time < access.realTime() { throw OKXError.expired }
        }
        guard let body = try? JSONValue(parsing: request.body), body.object != nil || body.elements != nil
        else {
            throw OKXError.bodyMalformed
        }
        if body.object == nil, !endpoint.takesArrays { throw OKXError.bodyMalformed }
        switch endpoint {
        case .order, .batchOrders, .amendOrder, .amendBatchOrders, .cancelOrder, .cancelBatchOrders,
            .closePosition, .cancelAllAfter, .orderAlgo, .cancelAlgos, .cancelAdvanceAlgos, .amendAlgos:
            return try await orderChange(endpoint, body, snapshot, through: access)
        case .massCancel: throw try massCancellation(body, snapshot.account)
        case .orderPrecheck: return try orderPrecheck(body, snapshot)
        case .marginBalance: return try await adjustMargin(body, snapshot, through: access)
        case .setPositionMode: return try await setPositionMode(body, snapshot.account, through: access)
        case .setAccountLevel: return try await setAccountLevel(body, snapshot, through: access)
        case .setAutoLoan: return try await setAutoLoan(body, snapshot.account, through: access)
        case .setLeverage: return try await setLeverage(body, snapshot, through: access)
        default: throw OKXError.pathUnknown
        }
    }

    private func configure(
        _ name: String, _ value: JSONValue, _ account: Account, through access: any VenueAccess
    ) async throws(Refusal) {
        if account.settings[name] == value { return }
        try await access.submit(Command(account: account.id, content: .configure(Settings([(name, value)]))))
    }

    private func setPositionMode(
        _ body: JSONValue, _ account: Account, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let text = try Self.text("posMode", in: body)
        guard text == "long_short_mode" || text == "net_mode" else {
            throw OKXError.parameterWrong("posMode")
        }
        try await configure("hedge", .bool(text == "long_short_mode"), account, through: access)
        return JSONWriter.rowReply { $0.member("posMode", text) }
    }

    private func setAccountLevel(
        _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let text = try Self.text("acctLv", in: body)
        guard let mode = AccountMode(level: text) else { throw OKXError.parameterWrong("acctLv") }
        if mode == .portfolio, snapshot.account.mode != .portfolio {
            let rules = rules(at: snapshot.at)
            let equity = try figures(of: snapshot, rules)[.totalEq]
            guard equity >= ExactFraction(rules.portfolio.minimumEquity) else {
                throw OKXError.modeRequirements
            }
        }
        try await configure("mode", .string(mode.rawValue), snapshot.account, through: access)
        return JSONWriter.rowReply { $0.member("acctLv", text) }
    }

    private func setAutoLoan(
        _ body: JSONValue, _ account: Account, through access: any VenueAccess
    ) async throws -> [UInt8] {
        guard let value = body["autoLoan"] else { throw OKXError.parameterMissing("autoLoan") }
        // Clients send it as a boolean or as its text.
        guard let isOn = value.boolean ?? value.text.flatMap({ Bool($0) }) else {
            throw OKXError.parameterWrong("autoLoan")
        }
        guard account.mode.sharesCollateral else { throw OKXError.modeUnsupported }
        try await configure("auto_borrow", .bool(isOn), account, through: access)
        return JSONWriter.rowReply { $0.member("autoLoan", isOn) }
    }

    private func setLeverage(
        _ body: JSONValue, _ snapshot: AccountSnapshot, through access: any VenueAccess
    ) async throws -> [UInt8] {
        let leverText = try Self.text("lever", in: body)
        let name = try Self.text("instId", in: body)
        let modeText = try Self.text("mgnMode", in: body)
        guard let leverage = try? ExactDecimal(leverText) else { throw OKXError.parameterWrong("lever") }
        guard let marginMode = MarginMode(rawValue: modeText) else {
            throw OKXError.parameterWrong("mgnMode")
        }
        guard let instrument = rules(at: snapshot.at).instrument(name) else {
            throw OKXError.instrumentUnknown
        }
        guard instrument.type != .spot || instrument.loans != nil else { throw OKXError.modeUnsupported }
        var side: PositionSide?
        if let sideText = body["posSide"]?.text, !sideText.isEmpty {
            guard let given = PositionSide(rawValue: sideText) else {
                throw OKXError.parameterWrong("posSide")
            }
            side = given
        }
        let account = snapshot.account
        let inForce = account.leverageInForce(
            of: instrument.terms, side: side ?? .net, marginMode: marginMode, rules(at: snapshot.at))
        let isHeld = account.orders.contains { $0.instrument.name == name && $0.marginMode == marginMode }
        if isHeld, leverage != inForce { throw OKXError.leverageHeld(marginMode) }
        // Both sides share a cross leverage.
        let kept = marginMode == .cross || side == .net ? nil : side
        let content = Command.Content.setLeverage(
            instrument: name, leverage: leverage, side: kept, marginMode: marginMode)
        try await access.submit(Command(account: account.id, content: content))
        return try JSONWriter.rowReply { writer in
            writer.member("instId", name)
            try writer.member("lever", leverage)
            writer.member("mgnMode", modeText)
            writer.member("posSide", side?.rawValue ?? (account.isHedged ? "" : "net"))
        }
    }

    /// A text member that must be there; a number stands for its text.
    private static func text(_ name: String, in body: JSONValue) throws(OKXError) -> String {
        guard let value = body[name] else { throw .parameterMissing(name) }
        guard let text = value.text ?? value.numberText else { throw .parameterWrong(name) }
        guard !text.isEmpty else { throw .parameterMissing(name) }
        return text
    }
}
