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
        default: return try await AccountRequest(body: body, of: snapshot, self, access).change(endpoint)
        }
    }
}

extension AccountRequest {
    fileprivate func change(_ endpoint: Endpoint) async throws -> [UInt8] {
        switch endpoint {
        case .massCancel: throw try massCancellation()
        case .orderPrecheck: return try orderPrecheck()
        case .marginBalance: return try await adjustMargin()
        case .setPositionMode: return try await setPositionMode()
        case .setAccountLevel: return try await setAccountLevel()
        case .setAutoLoan: return try await setAutoLoan()
        case .setLeverage: return try await setLeverage()
        default: throw OKXError.pathUnknown
        }
    }

    func submit(_ content: Command.Content) async throws(Refusal) {
        try await access.submit(Command(account: account.id, content: content))
    }

    private func configure(_ name: String, _ value: JSONValue) async throws(Refusal) {
        if account.settings[name] == value { return }
        try await submit(.configure(Settings([(name, value)])))
    }

    private func setPositionMode() async throws -> [UInt8] {
        let text = try text("posMode")
        guard text == "long_short_mode" || text == "net_mode" else {
            throw OKXError.parameterWrong("posMode")
        }
        try await configure("hedge", .bool(text == "long_short_mode"))
        return JSONWriter.rowReply { $0.member("posMode", text) }
    }

    private func setAccountLevel() async throws -> [UInt8] {
        let text = try text("acctLv")
        guard let mode = AccountMode(level: text) else { throw OKXError.parameterWrong("acctLv") }
        if mode == .portfolio, account.mode != .portfolio {
            guard try figures()[.totalEq] >= ExactFraction(rules.portfolio.minimumEquity) else {
                throw OKXError.modeRequirements
            }
        }
        try await configure("mode", .string(mode.rawValue))
        return JSONWriter.rowReply { $0.member("acctLv", text) }
    }

    private func setAutoLoan() async throws -> [UInt8] {
        guard let value = body["autoLoan"] else { throw OKXError.parameterMissing("autoLoan") }
        // Clients send it as a boolean or as its text.
        guard let isOn = value.boolean ?? value.text.flatMap({ Bool($0) }) else {
            throw OKXError.parameterWrong("autoLoan")
        }
        guard account.mode.sharesCollateral else { throw OKXError.modeUnsupported }
        try await configure("auto_borrow", .bool(isOn))
        return JSONWriter.rowReply { $0.member("autoLoan", isOn) }
    }

    private func setLeverage() async throws -> [UInt8] {
        let leverText = try text("lever")
        let name = try text("instId")
        let modeText = try text("mgnMode")
        guard let leverage = try? ExactDecimal(leverText) else { throw OKXError.parameterWrong("lever") }
        guard let marginMode = MarginMode(rawValue: modeText) else {
            throw OKXError.parameterWrong("mgnMode")
        }
        guard let instrument = rules.instrument(name) else { throw OKXError.instrumentUnknown }
        guard instrument.type != .spot || instrument.loans != nil else { throw OKXError.modeUnsupported }
        let side = try leverageSide(marginMode, of: instrument)
        let inForce = account.leverageInForce(
            of: instrument.terms, side: side ?? .net, marginMode: marginMode, rules)
        let isHeld = account.orders.contains { $0.instrument.name == name && $0.marginMode == marginMode }
        if isHeld, leverage != inForce { throw OKXError.leverageHeld(marginMode) }
        // Both sides share a cross leverage.
        let kept = marginMode == .cross || side == .net ? nil : side
        try await submit(
            .setLeverage(instrument: name, leverage: leverage, side: kept, marginMode: marginMode))
        return try JSONWriter.rowReply { writer in
            writer.member("instId", name)
            try writer.member("lever", leverage)
            writer.member("mgnMode", modeText)
            writer.member("posSide", side?.rawValue ?? (account.isHedged ? "" : "net"))
        }
    }

    /// The side whose leverage is set. In hedge mode the sides of a contract have isolated leverages of their
    /// own, and one must be named.
    private func leverageSide(
        _ marginMode: MarginMode, of instrument: InstrumentRules
    ) throws(OKXError) -> PositionSide? {
        var side: PositionSide?
        if let text = OrderMembers(value: body)["posSide"] {
            guard let given = PositionSide(rawValue: text) else { throw .parameterWrong("posSide") }
            side = given
        }
        let hasSides = account.isHedged && instrument.type != .spot
        let isSide = side == .long || side == .short
        // Both sides share a cross leverage, whichever is named.
        guard hasSides ? isSide || marginMode == .cross : !isSide else { throw .parameterWrong("posSide") }
        return side
    }

    /// A text member that must be there; a number stands for its text.
    private func text(_ name: String) throws(OKXError) -> String {
        guard let value = body[name] else { throw .parameterMissing(name) }
        guard let text = value.text ?? value.numberText else { throw .parameterWrong(name) }
        guard !text.isEmpty else { throw .parameterMissing(name) }
        return text
    }
}
