import JSON
import Ledger
import Venue

/// The methods that are served; a path is `/exchange/v1/` and the method.
enum Method: String, CaseIterable {
    /// Those that answer with a balance.
    static let accountBodies: [Method] = [.userBalance, .subaccountBalances]

    case userBalance = "private/user-balance"
    case subaccountBalances = "private/get-subaccount-balances"
    case userBalanceHistory = "private/user-balance-history"
    case positions = "private/get-positions"
    case openOrders = "private/get-open-orders"
    case createOrder = "private/create-order"
    case createOrderList = "private/create-order-list"
    case amendOrder = "private/amend-order"
    case cancelOrder = "private/cancel-order"
    case cancelOrderList = "private/cancel-order-list"
    case cancelAllOrders = "private/cancel-all-orders"
    case closePosition = "private/close-position"
    case batchOrders = "private/batch-order-request"
    case orderDetail = "private/get-order-detail"
    case orderHistory = "private/get-order-history"
    case trades = "private/get-trades"
    case transactions = "private/get-transactions"
    case feeRate = "private/get-fee-rate"
    case instrumentFeeRate = "private/get-instrument-fee-rate"
    case accountLeverage = "private/change-account-leverage"
    case isolatedLeverage = "private/change-isolated-margin-leverage"
    case isolatedTransfer = "private/create-isolated-margin-transfer"
    case changeSettings = "private/change-account-settings"
    case settings = "private/get-account-settings"
    case createTrigger = "private/advanced/create-order"
    case createTriggerList = "private/advanced/create-order-list"
    case amendTrigger = "private/advanced/amend-order"
    case cancelTrigger = "private/advanced/cancel-order"
    case cancelTriggerList = "private/advanced/cancel-order-list"
    case cancelAllTriggers = "private/advanced/cancel-all-orders"
    case createOCO = "private/advanced/create-oco"
    case createOTO = "private/advanced/create-oto"
    case createOTOCO = "private/advanced/create-otoco"
    case cancelOCO = "private/advanced/cancel-oco"
    case cancelOTO = "private/advanced/cancel-oto"
    case cancelOTOCO = "private/advanced/cancel-otoco"
    case listDetail = "private/advanced/get-order-list-detail"
    case openTriggers = "private/advanced/get-open-orders"
    case triggerDetail = "private/advanced/get-order-detail"
    case triggerHistory = "private/advanced/get-order-history"
    case accounts = "private/get-accounts"
    case currencyNetworks = "private/get-currency-networks"
    case feeCredits = "private/get-fee-credit-balances"
    case instruments = "public/get-instruments"
    case riskParameters = "public/get-risk-parameters"
    case tickers = "public/get-tickers"
    case candlestick = "public/get-candlestick"
    case book = "public/get-book"
    case publicTrades = "public/get-trades"
    case valuations = "public/get-valuations"
    case insurance = "public/get-insurance"
    case settlementPrices = "public/get-expired-settlement-price"

    var isPublic: Bool { rawValue.hasPrefix("public/") }

    /// Whether it changes something, so that the key must be one that may trade.
    var needsTrading: Bool {
        switch self {
        case .createOrder, .createOrderList, .amendOrder, .cancelOrder, .cancelOrderList, .cancelAllOrders,
            .closePosition, .batchOrders, .accountLeverage, .isolatedLeverage, .isolatedTransfer,
            .changeSettings, .createTrigger, .createTriggerList, .amendTrigger, .cancelTrigger,
            .cancelTriggerList, .cancelAllTriggers, .createOCO, .createOTO, .createOTOCO, .cancelOCO,
            .cancelOTO, .cancelOTOCO:
            true
        default: false
        }
    }

    /// Whether it is about orders, trades and what they come with: answered by `orderAnswer`.
    var isAboutOrders: Bool {
        switch self {
        case .orderDetail, .orderHistory, .trades, .transactions, .feeRate, .instrumentFeeRate, .settings,
            .openTriggers, .triggerDetail, .triggerHistory, .listDetail:
            true
        default: needsTrading
        }
    }

    /// Whether REST serves it.
    var appliesToREST: Bool { self != .batchOrders }

    /// Whether the user's socket serves it too: what the venue's page of the method says under "Applies To",
    /// and what is read of conditional orders, of which it says nothing.
    var appliesToSocket: Bool {
        switch self {
        case .userBalance, .positions, .openOrders: true
        case .feeRate, .instrumentFeeRate, .settings, .accountLeverage, .isolatedLeverage, .isolatedTransfer,
            .changeSettings:
            false
        default: isAboutOrders
        }
    }

    /// How many calls a key has, within how many milliseconds.
    var limit: (calls: Int, window: Int64) {
        switch self {
        case .createOrder, .cancelOrder, .cancelAllOrders: (15, 100)
        case .orderDetail: (30, 100)
        case .trades, .orderHistory: (1, 1000)
        default: CryptoComVenue.privateLimit
        }
    }

    /// Whether it is about the market.
    var isOfMarket: Bool {
        switch self {
        case .tickers, .valuations, .candlestick, .book, .publicTrades, .insurance, .settlementPrices: true
        default: false
        }
    }

    /// Whether its answer reads the past or goes through many accounts.
    var takesLong: Bool { self == .userBalanceHistory || self == .subaccountBalances }

    /// Methods have few paths, looked up for every request.
    static let byName: [String: Method] = Dictionary(
        allCases.map { ($0.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
}

/// A private request's body, read but not yet believed.
struct PrivateCall {
    let id: RequestIdentifier
    let method: String
    let params: JSONValue?
    let apiKey: String
    let signature: String
    /// The nonce's digits as they came.
    let nonceText: String
    let nonce: Int64
}

extension CryptoComVenue {
    /// Private methods are limited to so many calls within so many milliseconds, per method and key.
    static let privateLimit = (calls: 3, window: Int64(100))
    /// Public methods are limited to so many calls within so many milliseconds, per method and address.
    static let publicLimit = (calls: 100, window: Int64(1000))
    /// How far a nonce may be from the server's time, in milliseconds.
    static let nonceWindow: Int64 = 60_000

    /// The answer to a request, in the venue's own form whatever happens.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        let name = String(request.path.dropFirst(Self.pathPrefixes[0].count))
        guard let method = Method.byName[name], method.appliesToREST else {
            return VenueError.methodNotFound.response(id: Self.identifier(in: request), method: name)
        }
        return method.isPublic
            ? await respondPublic(method, request, access) : await respondPrivate(method, request, access)
    }

    // MARK: - Public

    private func respondPublic(
        _ method: Method, _ request: VenueRequest, _ access: any VenueAccess
    ) async -> VenueResponse {
        do {
            guard request.method == "GET" else {
                throw request.method == "POST" ? VenueError.internal : .invalidRequest
            }
            let verdict = access.limiter.use(
                "crypto-com/\(method.rawValue)/\(request.remoteAddress)", limit: Self.publicLimit.calls,
                window: Self.publicLimit.window, now: access.realTime())
            guard verdict.isAllowed else { throw VenueError.tooManyRequests }
            if method.isOfMarket { _ = try await access.marketHistory() }
            let asked = PublicRequest(request.queryItems, self, access)
            return VenueResponse(body: try await asked.answer(method))
        } catch let error as VenueError {
            return error.response(id: .omitted, method: method.rawValue)
        } catch let refusal as Refusal where refusal.code == .busy {
            return VenueError.tooManyRequests.response(id: .omitted, method: method.rawValue)
        } catch {
            return VenueError(figureError: error).response(id: .omitted, method: method.rawValue)
        }
    }

    // MARK: - Private

    private func respondPrivate(
        _ method: Method, _ request: VenueRequest, _ access: any VenueAccess
    ) async -> VenueResponse {
        var identifier = RequestIdentifier.omitted
        do throws(VenueError) {
            let (call, snapshot) = try admit(method, request, access, &identifier)
            let asked = AccountRequest(method, id: call.id, call.params, of: snapshot, self, access)
            let body =
                if method.isAboutOrders {
                    try await asked.orderAnswer()
                } else if method.takesLong {
                    try await asked.slowAnswer()
                } else {
                    try asked.answer()
                }
            return VenueResponse(body: body)
        } catch {
            return error.response(id: identifier, method: method.rawValue)
        }
    }

    /// A request that is believed, with the account that it is for. `identifier` is set as soon as it is
    /// read.
    ///
    /// In the order of `docs/venues/crypto-com.md`: HTTP method, body, method, rate, key, permission,
    /// address, nonce, signature, account.
    private func admit(
        _ method: Method, _ request: VenueRequest, _ access: any VenueAccess,
        _ identifier: inout RequestIdentifier
    ) throws(VenueError) -> (PrivateCall, AccountSnapshot) {
        guard request.method == "POST" else { throw .invalidRequest }
        let body = try Self.body(of: request)
        identifier = try Self.identifier(in: body)
        try Self.checkMethod(in: body, method)

        let now = access.realTime()
        let key = body["api_key"]?.text.flatMap { access.key($0) }
        // A key that does not exist is counted by its sender's address, or made-up keys would never be
        // limited.
        let caller = key?.apiKey ?? "address/\(request.remoteAddress)"
        let verdict = access.limiter.use(
            "crypto-com/\(method.rawValue)/\(caller)", limit: method.limit.calls,
            window: method.limit.window, now: now)
        guard verdict.isAllowed else { throw .tooManyRequests }

        let admitted = try Self.admitted(key, for: method, from: request.remoteAddress)
        let call = try Self.signedCall(body, identifier, method.rawValue, by: admitted, now: now)
        guard let snapshot = access.snapshot(of: admitted.account) else { throw .accountDoesNotExist }
        return (call, snapshot)
    }

    /// A key that may read and is used from where it may be used.
    static func admitted(
        _ key: APIKey?, for method: Method? = nil, from address: String
    ) throws(VenueError) -> APIKey {
        guard let key, key.permissions.contains(.read) else { throw .unauthorized }
        if method?.needsTrading == true, !key.permissions.contains(.trade) { throw .unauthorized }
        guard key.admits(address) else { throw .illegalAddress }
        return key
    }

    /// The call in a body that this key has signed just now.
    static func signedCall(
        _ body: JSONValue, _ identifier: RequestIdentifier, _ method: String, by key: APIKey, now: Int64
    ) throws(VenueError) -> PrivateCall {
        let call = try Self.call(body, identifier, method, key.apiKey)
        guard isRecent(call.nonce, now: now) else { throw .invalidNonce }
        guard Signing.verifies(call.signature, call, signer: key.signer) else { throw .unauthorized }
        return call
    }

    private static func isRecent(_ nonce: Int64, now: Int64) -> Bool {
        let (difference, overflow) = nonce.subtractingReportingOverflow(now)
        return !overflow && difference.magnitude <= UInt64(nonceWindow)
    }

    /// The body as an object.
    private static func body(of request: VenueRequest) throws(VenueError) -> JSONValue {
        guard let body = try? JSONValue(parsing: request.body), body.object != nil else { throw .badRequest }
        return body
    }

    static func identifier(in body: JSONValue) throws(VenueError) -> RequestIdentifier {
        guard let value = body["id"], !value.isNull else { return .omitted }
        guard let identifier = RequestIdentifier(value) else { throw .badRequest }
        return identifier
    }

    /// The id of a request to a path that is not served, as far as it has one.
    static func identifier(in request: VenueRequest) -> RequestIdentifier {
        guard let body = try? body(of: request) else { return .omitted }
        return (try? identifier(in: body)) ?? .omitted
    }

    /// The body names the path's method, and its params are an object or left out.
    private static func checkMethod(in body: JSONValue, _ method: Method) throws(VenueError) {
        guard let named = body["method"] else { throw .invalidArgument }
        guard named.text == method.rawValue else { throw .invalidRequest }
        try checkParams(in: body)
    }

    /// Params are an object or left out.
    static func checkParams(in body: JSONValue) throws(VenueError) {
        if let params = body["params"], !params.isNull, params.object == nil { throw .invalidRequest }
    }

    private static func call(
        _ body: JSONValue, _ identifier: RequestIdentifier, _ method: String, _ apiKey: String
    ) throws(VenueError) -> PrivateCall {
        guard let nonce = body["nonce"], !nonce.isNull else { throw .invalidArgument }
        guard let nonceText = nonce.numberText ?? nonce.text,
            let number = RequestIdentifier(digits: nonceText)?.number,
            let signature = body["sig"]?.text
        else { throw .unauthorized }
        return PrivateCall(
            id: identifier, method: method, params: body["params"], apiKey: apiKey, signature: signature,
            nonceText: nonceText, nonce: number)
    }
}
