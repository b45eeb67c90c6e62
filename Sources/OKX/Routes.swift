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
    /// Whether it is about the market and its past.
    var isOfMarket = false

    /// A signed GET.
    private static func read(_ endpoint: Endpoint, limit: Int, window: Int64 = 2000) -> Route {
        Route(endpoint: endpoint, method: "GET", access: .user(.read), limit: limit, window: window)
    }

    /// A signed POST.
    private static func trade(_ endpoint: Endpoint, limit: Int, window: Int64 = 2000) -> Route {
        Route(endpoint: endpoint, method: "POST", access: .user(.trade), limit: limit, window: window)
    }

    /// A GET of everybody.
    private static func open(
        _ endpoint: Endpoint, limit: Int, window: Int64 = 2000, perType: Bool = false
    ) -> Route {
        Route(
            endpoint: endpoint, method: "GET", access: perType ? .everybodyPerType : .everybody, limit: limit,
            window: window)
    }

    /// A GET of everybody about the market and its past.
    private static func market(_ endpoint: Endpoint, limit: Int) -> Route {
        Route(
            endpoint: endpoint, method: "GET", access: .everybody, limit: limit, window: 2000,
            isOfMarket: true)
    }

    /// Every path that is served. Limits are those that the page of each names.
    static let all: [String: [Route]] = {
        let routes = [
            read(.balance, limit: 10), read(.config, limit: 5), read(.positions, limit: 10),
            read(.positionRisk, limit: 10), read(.interestLimits, limit: 5), read(.interestRate, limit: 5),
            read(.interestAccrued, limit: 5), read(.leverageInfo, limit: 20), read(.maxWithdrawal, limit: 20),
            read(.subaccountBalances, limit: 6), read(.maxSize, limit: 20),
            read(.maxAvailableSize, limit: 20), read(.accountInstruments, limit: 20),
            read(.accountRateLimit, limit: 1, window: 1000), read(.tradeFee, limit: 5),
            read(.bills, limit: 5, window: 1000), read(.billsArchive, limit: 5),
            read(.positionsHistory, limit: 10), read(.order, limit: 60), read(.ordersPending, limit: 60),
            read(.ordersHistory, limit: 40), read(.ordersHistoryArchive, limit: 20), read(.fills, limit: 60),
            read(.fillsHistory, limit: 10), read(.orderAlgo, limit: 20), read(.algosPending, limit: 20),
            read(.algosHistory, limit: 20), read(.fundingBalances, limit: 6, window: 1000),
            read(.depositHistory, limit: 6, window: 1000), read(.currencies, limit: 6, window: 1000),
            trade(.marginBalance, limit: 20), trade(.order, limit: 60), trade(.batchOrders, limit: 300),
            trade(.amendOrder, limit: 60), trade(.amendBatchOrders, limit: 300),
            trade(.cancelOrder, limit: 60), trade(.cancelBatchOrders, limit: 300),
            trade(.closePosition, limit: 20), trade(.cancelAllAfter, limit: 1, window: 1000),
            trade(.massCancel, limit: 5), trade(.orderPrecheck, limit: 5), trade(.orderAlgo, limit: 20),
            trade(.cancelAlgos, limit: 20), trade(.cancelAdvanceAlgos, limit: 20),
            trade(.amendAlgos, limit: 20), trade(.setPositionMode, limit: 5),
            trade(.setAccountLevel, limit: 5), trade(.setAutoLoan, limit: 5), trade(.setLeverage, limit: 20),
            open(.time, limit: 10), open(.instruments, limit: 20, perType: true),
            open(.discountRates, limit: 2), open(.positionTiers, limit: 10), open(.loanQuotas, limit: 2),
            open(.systemStatus, limit: 1, window: 5000),
            market(.candles, limit: 40), market(.historyCandles, limit: 20), market(.markCandles, limit: 20),
            market(.historyMarkCandles, limit: 10), market(.indexCandles, limit: 20),
            market(.historyIndexCandles, limit: 10), market(.books, limit: 40), market(.fullBooks, limit: 10),
            market(.trades, limit: 100), market(.historyTrades, limit: 20), market(.fundingRate, limit: 20),
            market(.fundingHistory, limit: 10), market(.priceLimit, limit: 20),
            market(.openInterest, limit: 20), market(.markPrice, limit: 10), market(.tickers, limit: 20),
            market(.ticker, limit: 20), market(.indexTickers, limit: 20),
        ]
        return Dictionary(grouping: routes) { "/api/v5/" + $0.endpoint.rawValue }
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
    case interestAccrued = "account/interest-accrued"
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
    case depositHistory = "asset/deposit-history"
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
            if route.isOfMarket { _ = try await access.marketHistory() }
            let asked = PublicRequest(request.queryItems, self, access)
            return VenueResponse(body: try await asked.answer(route.endpoint))
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
        return try await AccountRequest(request.queryItems, of: snapshot, self, access).answer(endpoint, key)
    }
}

extension AccountRequest {
    fileprivate func answer(_ endpoint: Endpoint, _ key: APIKey) async throws -> [UInt8] {
        switch endpoint {
        case .config: return OKXVenue.configuration(of: account, key)
        case .positions: return try positions()
        case .positionRisk: return try positionRisk()
        case .interestLimits: return try interestLimits()
        case .interestRate: return try interestRates()
        case .leverageInfo: return try leverageInfo()
        case .maxWithdrawal: return try maximumWithdrawals()
        case .maxSize, .maxAvailableSize: return try largestSizes(endpoint)
        case .accountInstruments: return try PublicRequest(query, venue, access).publicAnswer(.instruments)
        case .accountRateLimit: return accountRateLimit()
        case .tradeFee: return try tradeFee()
        case .order, .ordersPending, .ordersHistory, .ordersHistoryArchive, .fills, .fillsHistory, .bills,
            .billsArchive, .positionsHistory, .orderAlgo, .algosPending, .algosHistory, .interestAccrued,
            .depositHistory:
            return try await orderAnswer(endpoint)
        case .currencies: return try currencies()
        case .fundingBalances:
            _ = try CurrencyFilter(query["ccy"], rules: rules)
            return JSONWriter.reply { _ in }
        case .subaccountBalances: return try subaccountBalance()
        default: throw OKXError.pathUnknown
        }
    }

    /// The same object as the balance's, of a sub-account that the key's main account has.
    private func subaccountBalance() throws -> [UInt8] {
        guard account.parent == nil else { throw OKXError.endpointForbidden }
        let name = try query.required("subAcct")
        guard access.subaccounts(of: account.id).containsExactly(name),
            let child = access.snapshot(of: name)
        else {
            throw OKXError.parameterWrong("subAcct")
        }
        return try venue.accountBody(of: child, query: query.filter { $0.name == "ccy" }, through: access)
    }
}

extension JSONWriter {
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

    /// The same with one object, whose members `write` writes.
    static func rowReply(_ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        try reply { writer in
            writer.beginObject()
            try write(&writer)
            writer.endObject()
        }
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
