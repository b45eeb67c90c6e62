import JSON
import Ledger
import Numbers
import Venue

/// What a path is for, who may ask, and how often.
struct Route: Sendable {
    enum Access: Sendable {
        /// Anybody; counted per address.
        case everybody
        /// Anybody; counted per address and instrument type.
        case everybodyPerType
        /// A signed request with this permission; counted per user.
        case user(APIKey.Permission)
    }

    let endpoint: Endpoint
    let method: String
    let access: Access
    /// Requests per window.
    let limit: Int
    /// Milliseconds.
    let window: Int64

    init(_ endpoint: Endpoint, _ method: String, _ access: Access, limit: Int, window: Int64 = 2000) {
        self.endpoint = endpoint
        self.method = method
        self.access = access
        self.limit = limit
        self.window = window
    }

    /// Every path that is served. Limits are those that the page of each names.
    private static let market = [
        Route(.candles, "GET", .everybody, limit: 40), Route(.historyCandles, "GET", .everybody, limit: 20),
        Route(.markCandles, "GET", .everybody, limit: 20),
        Route(.historyMarkCandles, "GET", .everybody, limit: 10),
        Route(.indexCandles, "GET", .everybody, limit: 20),
        Route(.historyIndexCandles, "GET", .everybody, limit: 10),
        Route(.books, "GET", .everybody, limit: 40), Route(.fullBooks, "GET", .everybody, limit: 10),
        Route(.trades, "GET", .everybody, limit: 100), Route(.historyTrades, "GET", .everybody, limit: 20),
        Route(.fundingRate, "GET", .everybody, limit: 20),
        Route(.fundingHistory, "GET", .everybody, limit: 10),
        Route(.priceLimit, "GET", .everybody, limit: 20),
        Route(.openInterest, "GET", .everybody, limit: 20),
        Route(.markPrice, "GET", .everybody, limit: 10), Route(.tickers, "GET", .everybody, limit: 20),
        Route(.ticker, "GET", .everybody, limit: 20), Route(.indexTickers, "GET", .everybody, limit: 20),
    ]

    static let all: [String: [Route]] = {
        let routes = [
            Route(.balance, "GET", .user(.read), limit: 10), Route(.config, "GET", .user(.read), limit: 5),
            Route(.positions, "GET", .user(.read), limit: 10),
            Route(.positionRisk, "GET", .user(.read), limit: 10),
            Route(.interestLimits, "GET", .user(.read), limit: 5),
            Route(.interestRate, "GET", .user(.read), limit: 5),
            Route(.leverageInfo, "GET", .user(.read), limit: 20),
            Route(.maxWithdrawal, "GET", .user(.read), limit: 20),
            Route(.subaccountBalances, "GET", .user(.read), limit: 6),
            Route(.maxSize, "GET", .user(.read), limit: 20),
            Route(.maxAvailableSize, "GET", .user(.read), limit: 20),
            Route(.accountInstruments, "GET", .user(.read), limit: 20),
            Route(.accountRateLimit, "GET", .user(.read), limit: 1, window: 1000),
            Route(.tradeFee, "GET", .user(.read), limit: 5),
            Route(.bills, "GET", .user(.read), limit: 5, window: 1000),
            Route(.billsArchive, "GET", .user(.read), limit: 5),
            Route(.positionsHistory, "GET", .user(.read), limit: 10),
            Route(.marginBalance, "POST", .user(.trade), limit: 20),
            Route(.order, "POST", .user(.trade), limit: 60), Route(.order, "GET", .user(.read), limit: 60),
            Route(.batchOrders, "POST", .user(.trade), limit: 300),
            Route(.amendOrder, "POST", .user(.trade), limit: 60),
            Route(.amendBatchOrders, "POST", .user(.trade), limit: 300),
            Route(.cancelOrder, "POST", .user(.trade), limit: 60),
            Route(.cancelBatchOrders, "POST", .user(.trade), limit: 300),
            Route(.closePosition, "POST", .user(.trade), limit: 20),
            Route(.cancelAllAfter, "POST", .user(.trade), limit: 1, window: 1000),
            Route(.massCancel, "POST", .user(.trade), limit: 5),
            Route(.orderPrecheck, "POST", .user(.trade), limit: 5),
            Route(.ordersPending, "GET", .user(.read), limit: 60),
            Route(.ordersHistory, "GET", .user(.read), limit: 40),
            Route(.ordersHistoryArchive, "GET", .user(.read), limit: 20),
            Route(.fills, "GET", .user(.read), limit: 60),
            Route(.fillsHistory, "GET", .user(.read), limit: 10),
            Route(.orderAlgo, "POST", .user(.trade), limit: 20),
            Route(.orderAlgo, "GET", .user(.read), limit: 20),
            Route(.cancelAlgos, "POST", .user(.trade), limit: 20),
            Route(.cancelAdvanceAlgos, "POST", .user(.trade), limit: 20),
            Route(.amendAlgos, "POST", .user(.trade), limit: 20),
            Route(.algosPending, "GET", .user(.read), limit: 20),
            Route(.algosHistory, "GET", .user(.read), limit: 20),
            Route(.fundingBalances, "GET", .user(.read), limit: 6, window: 1000),
            Route(.currencies, "GET", .user(.read), limit: 6, window: 1000),
            Route(.setPositionMode, "POST", .user(.trade), limit: 5),
            Route(.setAccountLevel, "POST", .user(.trade), limit: 5),
            Route(.setAutoLoan, "POST", .user(.trade), limit: 5),
            Route(.setLeverage, "POST", .user(.trade), limit: 20),
            Route(.time, "GET", .everybody, limit: 10),
            Route(.instruments, "GET", .everybodyPerType, limit: 20),
            Route(.discountRates, "GET", .everybody, limit: 2),
            Route(.positionTiers, "GET", .everybody, limit: 10),
            Route(.loanQuotas, "GET", .everybody, limit: 2),
            Route(.systemStatus, "GET", .everybody, limit: 1, window: 5000),
        ]
        return Dictionary(grouping: routes + market) { "/api/v5/" + $0.endpoint.rawValue }
    }()
}

/// The paths that are served, after `/api/v5/`.
enum Endpoint: String, Sendable, CaseIterable {
    case balance = "account/balance"
    case config = "account/config"
    case positions = "account/positions"
    case positionRisk = "account/account-position-risk"
    case interestLimits = "account/interest-limits"
    case interestRate = "account/interest-rate"
    case leverageInfo = "account/leverage-info"
    case maxWithdrawal = "account/max-withdrawal"
    case subaccountBalances = "account/subaccount/balances"
    case maxSize = "account/max-size"
    case maxAvailableSize = "account/max-avail-size"
    case accountInstruments = "account/instruments"
    case tradeFee = "account/trade-fee"
    case bills = "account/bills"
    case billsArchive = "account/bills-archive"
    case positionsHistory = "account/positions-history"
    case marginBalance = "account/position/margin-balance"
    case order = "trade/order"
    case batchOrders = "trade/batch-orders"
    case amendOrder = "trade/amend-order"
    case amendBatchOrders = "trade/amend-batch-orders"
    case cancelOrder = "trade/cancel-order"
    case cancelBatchOrders = "trade/cancel-batch-orders"
    case closePosition = "trade/close-position"
    case cancelAllAfter = "trade/cancel-all-after"
    case massCancel = "trade/mass-cancel"
    case orderPrecheck = "trade/order-precheck"
    case ordersPending = "trade/orders-pending"
    case ordersHistory = "trade/orders-history"
    case ordersHistoryArchive = "trade/orders-history-archive"
    case accountRateLimit = "trade/account-rate-limit"
    case fills = "trade/fills"
    case fillsHistory = "trade/fills-history"
    case orderAlgo = "trade/order-algo"
    case cancelAlgos = "trade/cancel-algos"
    case cancelAdvanceAlgos = "trade/cancel-advance-algos"
    case amendAlgos = "trade/amend-algos"
    case algosPending = "trade/orders-algo-pending"
    case algosHistory = "trade/orders-algo-history"
    case fundingBalances = "asset/balances"
    case currencies = "asset/currencies"
    case setPositionMode = "account/set-position-mode"
    case setAccountLevel = "account/set-account-level"
    case setAutoLoan = "account/set-auto-loan"
    case setLeverage = "account/set-leverage"
    case time = "public/time"
    case instruments = "public/instruments"
    case discountRates = "public/discount-rate-interest-free-quota"
    case positionTiers = "public/position-tiers"
    case loanQuotas = "public/interest-rate-loan-quota"
    case candles = "market/candles"
    case historyCandles = "market/history-candles"
    case markCandles = "market/mark-price-candles"
    case historyMarkCandles = "market/history-mark-price-candles"
    case indexCandles = "market/index-candles"
    case historyIndexCandles = "market/history-index-candles"
    case books = "market/books"
    case fullBooks = "market/books-full"
    case trades = "market/trades"
    case historyTrades = "market/history-trades"
    case fundingRate = "public/funding-rate"
    case fundingHistory = "public/funding-rate-history"
    case priceLimit = "public/price-limit"
    case openInterest = "public/open-interest"
    case markPrice = "public/mark-price"
    case tickers = "market/tickers"
    case ticker = "market/ticker"
    case indexTickers = "market/index-tickers"
    case systemStatus = "system/status"
}

extension Endpoint {
    /// Whether it is about the market, and open to everybody.
    var isOfMarket: Bool {
        switch self {
        case .candles, .historyCandles, .markCandles, .historyMarkCandles, .indexCandles,
            .historyIndexCandles, .books, .fullBooks, .trades, .historyTrades, .fundingRate,
            .fundingHistory, .priceLimit, .openInterest, .markPrice, .tickers, .ticker, .indexTickers:
            true
        default: false
        }
    }

    /// Whether it is limited by user and instrument.
    fileprivate var countsInstruments: Bool {
        switch self {
        case .order, .batchOrders, .amendOrder, .amendBatchOrders, .cancelOrder, .cancelBatchOrders,
            .closePosition, .orderAlgo:
            true
        default: false
        }
    }

    /// Whether a request may say until when it is good (`expTime`).
    var mayExpire: Bool {
        switch self {
        case .order, .batchOrders, .amendOrder, .amendBatchOrders: true
        default: false
        }
    }

    /// Whether its body is an array.
    var takesArrays: Bool {
        switch self {
        case .batchOrders, .amendBatchOrders, .cancelBatchOrders, .cancelAlgos, .cancelAdvanceAlgos,
            .amendAlgos:
            true
        default: false
        }
    }

    /// The path whose limit a batch of one counts on.
    fileprivate var single: Endpoint {
        switch self {
        case .batchOrders: .order
        case .amendBatchOrders: .amendOrder
        case .cancelBatchOrders: .cancelOrder
        default: self
        }
    }
}

extension OKXVenue {
    /// The venue's answer to a request. Checks, in this order: path, method; for signed paths the headers'
    /// presence, key, environment, timestamp, passphrase, signature, address, permission; then the rate, then
    /// parameters.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        do {
            guard let routes = Route.all[String(request.path)] else { throw OKXError.pathUnknown }
            guard let route = routes.first(where: { $0.method == request.method }) else {
                throw OKXError.methodWrong
            }
            switch route.access {
            case .user(let permission):
                let key = try authenticate(request, permission, through: access)
                try count(route, of: request, key, through: access)
                return VenueResponse(body: try await answer(route.endpoint, request, key, through: access))
            case .everybody:
                try count(route, caller: request.remoteAddress, through: access)
            case .everybodyPerType:
                // Only the venue's own types are counted apart, so that nobody can make counters at will.
                let type = request.queryItems["instType"].flatMap(InstrumentType.init(rawValue:))
                let caller = "\(request.remoteAddress) \(type?.rawValue ?? "")"
                try count(route, caller: caller, through: access)
            }
            return VenueResponse(
                body: route.endpoint.isOfMarket
                    ? try await marketAnswer(route.endpoint, request.queryItems, through: access)
                    : try publicAnswer(route.endpoint, request.queryItems, through: access))
        } catch let error as OKXError {
            return error.response(profile)
        } catch let error as StatementError {
            return OKXError(error).response(profile)
        } catch let refusal as Refusal {
            return OKXError(refusal).response(profile)
        } catch {
            return OKXError.systemError.response(profile)
        }
    }

    /// Requests about orders count by instrument; a batch counts its orders, one of a single order on the
    /// limit of single orders (OKX API documentation, Trade).
    private func count(
        _ route: Route, of request: VenueRequest, _ key: APIKey, through access: any VenueAccess
    ) throws(OKXError) {
        guard access.limiter.isEnforced, route.endpoint.countsInstruments else {
            return try count(route, caller: key.account, through: access)
        }
        let body = try? JSONValue(parsing: request.body)
        let items = body?.elements ?? [body].compactMap { $0 }
        let name = items.first?["instId"]?.text ?? request.queryItems["instId"] ?? ""
        // Only instruments that there are count apart, so that nobody can make counters at will.
        let isKnown = rules(at: access.ledgerTime()).instrument(name) != nil
        let isSingle = items.count <= 1
        let endpoint = isSingle ? route.endpoint.single : route.endpoint
        let verdict = access.limiter.use(
            "\(route.method) \(endpoint.rawValue) \(key.account) \(isKnown ? name : "")",
            weight: max(1, min(items.count, 20)), limit: isSingle ? min(route.limit, 60) : route.limit,
            window: route.window, now: access.realTime())
        guard verdict.isAllowed else { throw .tooManyRequests }
    }

    private func count(_ route: Route, caller: String, through access: any VenueAccess) throws(OKXError) {
        let verdict = access.limiter.use(
            "\(route.endpoint.rawValue) \(caller)", limit: route.limit, window: route.window,
            now: access.realTime())
        guard verdict.isAllowed else { throw .tooManyRequests }
    }

    /// The key that a request is signed with.
    private func authenticate(
        _ request: VenueRequest, _ permission: APIKey.Permission, through access: any VenueAccess
    ) throws(OKXError) -> APIKey {
        guard let name = request.header("ok-access-key"), !name.isEmpty else { throw .keyHeaderMissing }
        guard let sign = request.header("ok-access-sign"), !sign.isEmpty else { throw .signHeaderMissing }
        guard let timestamp = request.header("ok-access-timestamp"), !timestamp.isEmpty else {
            throw .timestampHeaderMissing
        }
        guard let passphrase = request.header("ok-access-passphrase"), !passphrase.isEmpty else {
            throw .passphraseHeaderMissing
        }
        guard let key = access.key(name) else { throw Self.isUUID(name) ? .keyUnknown : .keyMalformed }
        // A key made here is good for production and demo trading alike.
        if let simulated = request.header("x-simulated-trading"), !["", "0", "1"].contains(simulated) {
            throw .environmentMismatch
        }
        guard let moment = Signing.moment(of: timestamp) else { throw .timestampMalformed }
        guard abs(access.realTime() - moment) <= Signing.window else { throw .timestampExpired }
        guard let hash = key.passphrase, hash.matches(passphrase) else { throw .passphraseWrong }
        let expected = Signing.signature(
            timestamp: timestamp, method: request.method, target: request.target, body: request.body,
            signer: key.signer)
        guard constantTimeEqual(Array(sign.utf8), expected) else { throw .signatureWrong }
        guard key.admits(request.remoteAddress) else { throw .addressNotBound(request.remoteAddress) }
        guard key.permissions.contains(permission) else { throw .permissionMissing }
        return key
    }

    /// Whether a text has the shape of a UUID: what every key of the venue has.
    static func isUUID(_ text: String) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12] && groups.allSatisfy { hexBytes($0) != nil }
    }

    /// The body of a signed request's answer.
    private func answer(
        _ endpoint: Endpoint, _ request: VenueRequest, _ key: APIKey, through access: any VenueAccess
    ) async throws -> [UInt8] {
        guard let snapshot = access.snapshot(of: key.account) else { throw OKXError.keyUnknown }
        if endpoint == .balance {
            let items = request.query.isEmpty ? [] : request.queryItems
            return try accountBody(of: snapshot, query: items, through: access)
        }
        if request.method == "POST" { return try await change(endpoint, request, snapshot, through: access) }
        let query = request.queryItems
        switch endpoint {
        case .config: return Self.configuration(of: snapshot.account, key)
        case .positions: return try positions(of: snapshot, query)
        case .positionRisk: return try positionRisk(of: snapshot, query)
        case .interestLimits: return try interestLimits(of: snapshot, query)
        case .interestRate: return try interestRates(at: snapshot.at, query)
        case .leverageInfo: return try leverageInfo(of: snapshot, query)
        case .maxWithdrawal: return try maximumWithdrawals(of: snapshot, query)
        case .maxSize, .maxAvailableSize: return try largestSizes(endpoint, query, snapshot)
        case .accountInstruments: return try publicAnswer(.instruments, query, through: access)
        case .accountRateLimit: return accountRateLimit(at: snapshot.at)
        case .tradeFee: return try tradeFee(query, snapshot)
        case .order, .ordersPending, .ordersHistory, .ordersHistoryArchive, .fills, .fillsHistory, .bills,
            .billsArchive, .positionsHistory, .orderAlgo, .algosPending, .algosHistory:
            return try await orderAnswer(endpoint, query, snapshot, through: access)
        case .currencies: return try currencies(at: snapshot.at, query)
        case .fundingBalances:
            _ = try CurrencyFilter(query["ccy"], rules: rules(at: snapshot.at))
            return Self.reply { _ in }
        case .subaccountBalances: return try subaccountBalance(of: snapshot.account, query, through: access)
        default: throw OKXError.pathUnknown
        }
    }

    /// The same object as the balance's, of a sub-account that the key's main account has.
    private func subaccountBalance(
        of account: Account, _ query: [QueryItem], through access: any VenueAccess
    ) throws -> [UInt8] {
        guard account.parent == nil else { throw OKXError.endpointForbidden }
        guard let name = query["subAcct"], !name.isEmpty else { throw OKXError.parameterMissing("subAcct") }
        guard access.subaccounts(of: account.id).containsExactly(name),
            let snapshot = access.snapshot(of: name)
        else {
            throw OKXError.parameterWrong("subAcct")
        }
        return try accountBody(of: snapshot, query: query.filter { $0.name == "ccy" }, through: access)
    }

    /// `{"code":"0","data":[…],"msg":""}`, as account endpoints answer.
    static func reply(_ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        var writer = JSONWriter(reserving: 2048)
        writer.beginObject()
        writer.member("code", literal: "0")
        try writer.array("data", write)
        writer.member("msg", literal: "")
        writer.endObject()
        return writer.bytes
    }

    /// `{"code":"0","msg":"","data":[…]}`, as public endpoints answer.
    static func publicReply(_ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        var writer = JSONWriter(reserving: 2048)
        writer.beginObject()
        writer.member("code", literal: "0")
        writer.member("msg", literal: "")
        try writer.array("data", write)
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    /// Members that are "".
    mutating func empty(_ keys: [StaticString]) {
        for key in keys { member(key, literal: "") }
    }

    /// A member with a decimal as OKX prints it: half up to 16 places, stripped; "" where there is none.
    mutating func member(_ key: StaticString, _ number: ExactDecimal?) throws(NumberError) {
        try member(key, number.map { ExactFraction($0) })
    }

    /// A member with a figure as OKX prints it: half up to 16 places, stripped; "" where there is none.
    mutating func member(_ key: StaticString, _ number: ExactFraction?) throws(NumberError) {
        self.key(key)
        guard let number else {
            literal("")
            return
        }
        quoted(try number.rounded(places: 16, rounding: .halfUp))
    }

    /// A member with a moment, in milliseconds as text.
    mutating func member(_ key: StaticString, _ time: LedgerTime) {
        member(key, quoted: time.milliseconds)
    }

    /// A member with an array, whose elements `write` writes.
    mutating func array(
        _ key: StaticString, _ write: (inout JSONWriter) throws -> Void
    ) rethrows {
        beginArray(key)
        try write(&self)
        endArray()
    }

    /// A member with an empty array.
    mutating func emptyArray(_ key: StaticString) { array(key) { _ in } }
}
