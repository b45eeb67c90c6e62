import JSON
import Ledger
import Numbers
import Venue

/// What a path is for, who may ask, and what it weighs.
struct Route: Sendable {
    enum Security: Sendable {
        /// Anybody; what key is sent along is of no matter but to `exchangeInfo`.
        case none
        /// A key in the header, no signature.
        case userStream
        /// A key, a timestamp and a signature.
        case signed(APIKey.Permission)
    }

    /// What it is about, and so who answers.
    enum Group: Sendable {
        /// The account and its settings, and what everybody may read that is no market data.
        case account
        /// The account's orders and trades.
        case orders
        /// Its conditional orders.
        case algos
        /// What has become of its money, orders and margin.
        case records
        /// The market, open to everybody.
        case market
    }

    let endpoint: Endpoint
    fileprivate(set) var group = Group.account
    let method: String
    let security: Security
    let weight: Int
    /// The weight of a call without `symbol`, where it differs.
    let weightOfAll: Int
    /// As how many orders a call counts; nil for none.
    let orders: OrderWeight?

    init(
        _ endpoint: Endpoint, _ method: String, _ security: Security, weight: Int = 1,
        weightOfAll: Int? = nil, orders: OrderWeight? = nil
    ) {
        self.orders = orders
        self.endpoint = endpoint
        self.method = method
        self.security = security
        self.weight = weight
        self.weightOfAll = weightOfAll ?? weight
    }

    /// Every path and method that is served, with the weights that the page of each names.
    private static let all: [String: [Route]] = {
        let groups: [(Group, [Route])] = [
            (.account, account), (.orders, orders), (.algos, algos), (.records, records), (.market, market),
        ]
        let routes = groups.flatMap { group, routes in
            routes.map { route in
                var route = route
                route.group = group
                return route
            }
        }
        return Dictionary(grouping: routes) { $0.endpoint.rawValue }
    }()

    private static let read = Security.signed(.read)
    private static let trade = Security.signed(.trade)

    private static let account = [
        Route(.account3, "GET", read, weight: 5), Route(.account2, "GET", read, weight: 5),
        Route(.balance3, "GET", read, weight: 5), Route(.balance2, "GET", read, weight: 5),
        Route(.positionRisk3, "GET", read, weight: 5), Route(.positionRisk2, "GET", read, weight: 5),
        Route(.multiAssetsMargin, "GET", read, weight: 30), Route(.multiAssetsMargin, "POST", trade),
        Route(.positionMode, "GET", read, weight: 30), Route(.positionMode, "POST", trade),
        Route(.accountConfig, "GET", read, weight: 5), Route(.symbolConfig, "GET", read, weight: 5),
        Route(.feeBurn, "GET", read, weight: 30), Route(.feeBurn, "POST", trade),
        Route(.leverageBracket, "GET", read), Route(.leverage, "POST", trade),
        Route(.openOrders, "GET", read, weight: 1, weightOfAll: 40),
        Route(.adlQuantile, "GET", read, weight: 5), Route(.marginType, "POST", trade),
        Route(.positionMargin, "POST", trade), Route(.orderRateLimit, "GET", read),
        Route(.commissionRate, "GET", read, weight: 20), Route(.listenKey, "POST", .userStream),
        Route(.listenKey, "PUT", .userStream), Route(.listenKey, "DELETE", .userStream),
        Route(.ping, "GET", .none), Route(.time, "GET", .none), Route(.exchangeInfo, "GET", .none),
        Route(.assetIndex, "GET", .none, weight: 1, weightOfAll: 10),
        Route(.walletCoins, "GET", read, weight: 10), Route(.marginPairs, "GET", .none),
        Route(.isolatedMarginPairs, "GET", .none, weight: 10),
        Route(.spotPing, "GET", .none), Route(.spotTime, "GET", .none),
        Route(.spotExchangeInfo, "GET", .none, weight: 20), Route(.coinExchangeInfo, "GET", .none),
    ]

    private static let orders = [
        Route(.order, "POST", trade, weight: 0, orders: .single),
        Route(.order, "PUT", trade, weight: 0, orders: .single), Route(.order, "DELETE", trade),
        Route(.order, "GET", read), Route(.openOrder, "GET", read),
        Route(.testOrder, "POST", trade, weight: 0),
        Route(.batchOrders, "POST", trade, weight: 5, orders: .batch),
        Route(.batchOrders, "PUT", trade, weight: 5, orders: .batch), Route(.batchOrders, "DELETE", trade),
        Route(.allOpenOrders, "DELETE", trade), Route(.allOrders, "GET", read, weight: 5),
        Route(.userTrades, "GET", read, weight: 5), Route(.countdownCancelAll, "POST", trade, weight: 10),
    ]

    private static let algos = [
        Route(.algoOrder, "POST", trade, weight: 0, orders: .single), Route(.algoOrder, "DELETE", trade),
        Route(.algoOrder, "GET", read), Route(.algoOpenOrders, "DELETE", trade),
        Route(.openAlgoOrders, "GET", read, weight: 1, weightOfAll: 40),
        Route(.allAlgoOrders, "GET", read, weight: 5),
    ]

    private static let records = [
        Route(.orderAmendment, "GET", read), Route(.forceOrders, "GET", read, weight: 20, weightOfAll: 50),
        Route(.income, "GET", read, weight: 30), Route(.positionMarginHistory, "GET", read),
    ]

    /// Binance USDⓈ-M Futures API documentation, Market Data.
    private static let market = [
        Route(.klines, "GET", .none), Route(.continuousKlines, "GET", .none),
        Route(.markPriceKlines, "GET", .none), Route(.indexPriceKlines, "GET", .none),
        Route(.premiumIndexKlines, "GET", .none), Route(.openInterestHistory, "GET", .none, weight: 0),
        Route(.depth, "GET", .none), Route(.trades, "GET", .none, weight: 5),
        Route(.historicalTrades, "GET", .userStream, weight: 20),
        Route(.aggregateTrades, "GET", .none, weight: 20),
        Route(.dayTicker, "GET", .none, weight: 1, weightOfAll: 40),
        Route(.tickerPrice1, "GET", .none, weight: 1, weightOfAll: 2),
        Route(.tickerPrice2, "GET", .none, weight: 1, weightOfAll: 2),
        Route(.bookTicker, "GET", .none, weight: 2, weightOfAll: 5),
        Route(.premiumIndex, "GET", .none, weight: 1, weightOfAll: 10),
        Route(.fundingRate, "GET", .none), Route(.fundingInfo, "GET", .none, weight: 0),
        Route(.openInterest, "GET", .none),
    ]

    /// What a request weighs: of candles and of the book by how many rows are asked for.
    func weight(of parameters: Parameters) -> Int {
        let rows = parameters["limit"].flatMap { Int($0) } ?? 500
        switch endpoint {
        case .klines, .continuousKlines, .markPriceKlines, .indexPriceKlines, .premiumIndexKlines:
            return rows < 100 ? 1 : rows < 500 ? 2 : rows <= 1000 ? 5 : 10
        case .depth: return rows <= 50 ? 2 : rows <= 100 ? 5 : rows <= 500 ? 10 : 20
        default: return parameters["symbol"] == nil ? weightOfAll : weight
        }
    }

    /// The route of a request. Throws the answer to a path or method that is not served.
    static func find(_ request: VenueRequest) throws(BinanceError) -> Route {
        if let found = all[String(request.path)]?.first(where: { $0.method == request.method }) {
            return found
        }
        if request.method == "GET", let successor = retired[String(request.path)] {
            throw .retired(request.path, successor: successor)
        }
        throw .unknownPath(request.path, method: request.method)
    }

    /// The route of an endpoint that the WebSocket API has too.
    static func of(_ endpoint: Endpoint, _ method: String) -> Route? {
        all[endpoint.rawValue]?.first { $0.method == method }
    }

    /// Paths that ended on 2023-07-15, and what took their place.
    private static let retired = [
        "/fapi/v1/account": "/fapi/v2/account", "/fapi/v1/balance": "/fapi/v2/balance",
        "/fapi/v1/positionRisk": "/fapi/v2/positionRisk",
    ]
}

/// The paths that are served.
enum Endpoint: String, Sendable {
    case account3 = "/fapi/v3/account"
    case account2 = "/fapi/v2/account"
    case balance3 = "/fapi/v3/balance"
    case balance2 = "/fapi/v2/balance"
    case positionRisk3 = "/fapi/v3/positionRisk"
    case positionRisk2 = "/fapi/v2/positionRisk"
    case multiAssetsMargin = "/fapi/v1/multiAssetsMargin"
    case positionMode = "/fapi/v1/positionSide/dual"
    case accountConfig = "/fapi/v1/accountConfig"
    case symbolConfig = "/fapi/v1/symbolConfig"
    case feeBurn = "/fapi/v1/feeBurn"
    case leverageBracket = "/fapi/v1/leverageBracket"
    case leverage = "/fapi/v1/leverage"
    case openOrders = "/fapi/v1/openOrders"
    case order = "/fapi/v1/order"
    case testOrder = "/fapi/v1/order/test"
    case batchOrders = "/fapi/v1/batchOrders"
    case openOrder = "/fapi/v1/openOrder"
    case allOpenOrders = "/fapi/v1/allOpenOrders"
    case allOrders = "/fapi/v1/allOrders"
    case userTrades = "/fapi/v1/userTrades"
    case algoOrder = "/fapi/v1/algoOrder"
    case algoOpenOrders = "/fapi/v1/algoOpenOrders"
    case openAlgoOrders = "/fapi/v1/openAlgoOrders"
    case allAlgoOrders = "/fapi/v1/allAlgoOrders"
    case countdownCancelAll = "/fapi/v1/countdownCancelAll"
    case orderAmendment = "/fapi/v1/orderAmendment"
    case forceOrders = "/fapi/v1/forceOrders"
    case adlQuantile = "/fapi/v1/adlQuantile"
    case income = "/fapi/v1/income"
    case marginType = "/fapi/v1/marginType"
    case positionMargin = "/fapi/v1/positionMargin"
    case positionMarginHistory = "/fapi/v1/positionMargin/history"
    case orderRateLimit = "/fapi/v1/rateLimit/order"
    case commissionRate = "/fapi/v1/commissionRate"
    case listenKey = "/fapi/v1/listenKey"
    case ping = "/fapi/v1/ping"
    case time = "/fapi/v1/time"
    case exchangeInfo = "/fapi/v1/exchangeInfo"
    case assetIndex = "/fapi/v1/assetIndex"
    case premiumIndex = "/fapi/v1/premiumIndex"
    case tickerPrice1 = "/fapi/v1/ticker/price"
    case tickerPrice2 = "/fapi/v2/ticker/price"
    case klines = "/fapi/v1/klines"
    case continuousKlines = "/fapi/v1/continuousKlines"
    case markPriceKlines = "/fapi/v1/markPriceKlines"
    case indexPriceKlines = "/fapi/v1/indexPriceKlines"
    case premiumIndexKlines = "/fapi/v1/premiumIndexKlines"
    case openInterestHistory = "/futures/data/openInterestHist"
    case depth = "/fapi/v1/depth"
    case trades = "/fapi/v1/trades"
    case historicalTrades = "/fapi/v1/historicalTrades"
    case aggregateTrades = "/fapi/v1/aggTrades"
    case dayTicker = "/fapi/v1/ticker/24hr"
    case bookTicker = "/fapi/v1/ticker/bookTicker"
    case fundingRate = "/fapi/v1/fundingRate"
    case fundingInfo = "/fapi/v1/fundingInfo"
    case openInterest = "/fapi/v1/openInterest"
    case walletCoins = "/sapi/v1/capital/config/getall"
    case marginPairs = "/sapi/v1/margin/allPairs"
    case isolatedMarginPairs = "/sapi/v1/margin/isolated/allPairs"
    case spotPing = "/api/v3/ping"
    case spotTime = "/api/v3/time"
    case spotExchangeInfo = "/api/v3/exchangeInfo"
    case coinExchangeInfo = "/dapi/v1/exchangeInfo"
}

extension BinanceVenue {
    /// The venue's answer to a request. Checks in the order of `docs/venues/binance.md`: path, limit or ban,
    /// key format, mandatory parameters, characters, key, time, signature.
    public func respond(to request: VenueRequest, through access: any VenueAccess) async -> VenueResponse {
        let bucket = WeightBucket(of: request, limits: rules(at: access.ledgerTime()).limits)
        var used = 0
        var count: OrderCount?
        var response: VenueResponse
        do {
            let route: Route
            do throws(BinanceError) {
                route = try Route.find(request)
            } catch {
                used = bucket.used(through: access)
                throw error
            }
            let parameters = Parameters(request)
            let verdict = bucket.count(route.weight(of: parameters), through: access)
            used = verdict.used
            if let refusal = verdict.refusal { throw refusal }
            try parameters.checkCount()
            response = VenueResponse(body: try await answer(route, request, parameters, access, &count))
        } catch {
            response = BinanceError.of(error).response
        }
        response.headers.append((bucket.header, String(used)))
        if let count { response.headers += count.headers }
        return response
    }

    private func answer(
        _ route: Route, _ request: VenueRequest, _ parameters: Parameters, _ access: any VenueAccess,
        _ count: inout OrderCount?
    ) async throws -> [UInt8] {
        switch route.security {
        case .none:
            if route.group == .market { return try await marketAnswer(route.endpoint, parameters, access) }
            return try PublicRequest(parameters, self, access)
                .publicAnswer(route.endpoint, apiKey: request.header("x-mbx-apikey"))
        case .userStream:
            let name = try wellFormedKey(request.header("x-mbx-apikey"), access)
            let key = try restKey(name, request, .read, access)
            if route.group == .market { return try await marketAnswer(route.endpoint, parameters, access) }
            switch route.method {
            case "POST": return startListenKey(of: key, through: access)
            case "PUT": return try extendListenKey(of: key, through: access)
            default: return stopListenKey(of: key, through: access)
            }
        case .signed(let permission):
            let key = try authenticate(request, parameters, permission, access)
            guard let snapshot = access.snapshot(of: key.account) else { throw BinanceError.inactive }
            let limits = rules(at: snapshot.at).limits
            if let weight = route.orders {
                var orders = OrderCount(of: key.account, limits: limits)
                let refusal = orders.count(weight, through: access)
                count = orders
                if let refusal { throw refusal }
            }
            if route.endpoint == .orderRateLimit {
                return OrderCount(of: key.account, limits: limits).list(withCounts: false)
            }
            let asked = AccountRequest(parameters, of: snapshot, self, access)
            switch route.group {
            case .orders, .algos: return try await asked.orderAnswer(route)
            case .records: return try await asked.recordAnswer(route.endpoint)
            default:
                return route.method == "GET"
                    ? try asked.accountAnswer(route.endpoint) : try await asked.change(route.endpoint)
            }
        }
    }

    private func marketAnswer(
        _ endpoint: Endpoint, _ parameters: Parameters, _ access: any VenueAccess
    ) async throws -> [UInt8] {
        _ = try await access.marketHistory()
        return try await PublicRequest(parameters, self, access).answer(endpoint)
    }

    // MARK: - Who asks

    /// The key of a signed request.
    private func authenticate(
        _ request: VenueRequest, _ parameters: Parameters, _ permission: APIKey.Permission,
        _ access: any VenueAccess
    ) throws(BinanceError) -> APIKey {
        let name = try wellFormedKey(request.header("x-mbx-apikey"), access)
        let timestamp = try timestamp(parameters)
        _ = try parameters.required("signature")
        let window = try receiveWindow(parameters)
        try parameters.checkCharacters()
        let key = try restKey(name, request, permission, access)
        try requireInTime(timestamp, window: window, now: access.realTime())
        let body = request.method == "GET" ? [] : request.body
        guard let signed = Signing.payload(query: request.query, body: body),
            Signing.isValid(signed.signature, of: signed.payload, key: key)
        else { throw .wrongSignature }
        return key
    }

    private func restKey(
        _ name: String, _ request: VenueRequest, _ permission: APIKey.Permission, _ access: any VenueAccess
    ) throws(BinanceError) -> APIKey {
        guard let key = key(name, from: request.remoteAddress, for: permission, access) else {
            throw .unauthorised(from: request.remoteAddress)
        }
        return key
    }

    /// A key's name as it was sent. One that is unknown and does not look like a key is malformed: letters,
    /// digits, `-` and `_`, at least eight of them (a choice; the venue's own have 64).
    func wellFormedKey(_ name: String?, _ access: any VenueAccess) throws(BinanceError) -> String {
        guard let name, !name.isEmpty else { throw .malformedKey }
        let looksRight = (8...128).contains(name.utf8.count) && name.isAlphanumeric(or: "-_")
        guard looksRight || access.key(name) != nil else { throw .malformedKey }
        return name
    }

    /// A key that is in force, may do this, and may do it from this address; nil for any other.
    func key(
        _ name: String, from address: String, for permission: APIKey.Permission, _ access: any VenueAccess
    ) -> APIKey? {
        guard let key = access.key(name), key.permissions.contains(permission), key.admits(address) else {
            return nil
        }
        return key
    }

    /// The mandatory `timestamp`, in milliseconds.
    func timestamp(_ parameters: Parameters) throws(BinanceError) -> Int64 {
        guard let text = parameters["timestamp"], let timestamp = Int64(digits: text) else {
            throw .missing("timestamp")
        }
        return timestamp
    }

    /// Refuses a timestamp that is a second or more ahead, or older than the window. Binance USDⓈ-M Futures
    /// API documentation, General Info, Timing Security.
    func requireInTime(_ timestamp: Int64, window: Int64, now: Int64) throws(BinanceError) {
        // Both are not negative, so neither difference overflows.
        if timestamp - now >= 1000 { throw .tooEarly }
        if now - timestamp > window { throw .tooOld }
    }

    /// `recvWindow`, 5000 unless sent. Above 60000 it is refused: a choice.
    func receiveWindow(_ parameters: Parameters) throws(BinanceError) -> Int64 {
        guard let text = parameters["recvWindow"] else { return 5000 }
        if text.isEmpty { throw .empty("recvWindow") }
        guard text.isDigits, text.utf8.count <= 20 else {
            throw .illegalCharacters("recvWindow", legalRange: "^[0-9]{1,20}$")
        }
        guard let window = Int64(digits: text), window <= 60_000 else { throw .receiveWindowTooLarge }
        return window
    }
}

/// The parameters of a request: its query and, unless it is a GET, its form body. Where both have one, the
/// query wins.
struct Parameters {
    private let query: [QueryItem]
    private let body: [QueryItem]

    init(_ request: VenueRequest) {
        query = request.queryItems
        body =
            request.method == "GET" || request.body.isEmpty
            ? [] : QueryItem.parse(String(decoding: request.body, as: UTF8.self)[...])
    }

    /// Parameters that came by another way than a query or a form.
    init(_ items: [QueryItem]) {
        query = items
        body = []
    }

    /// A parameter's decoded value; nil if it was not sent.
    subscript(name: String) -> String? { query[name] ?? body[name] }

    /// The same; nil where it is empty, too.
    func given(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A parameter that must be there and not be empty.
    func required(_ name: String) throws(BinanceError) -> String {
        guard let value = given(name) else { throw .missing(name) }
        return value
    }

    /// A whole number that is not negative; nil where none was sent. Throws −1130 for anything else.
    func number(_ name: String) throws(BinanceError) -> Int64? {
        guard let text = given(name) else { return nil }
        guard let number = Int64(digits: text) else { throw .invalidData(name) }
        return number
    }

    /// `true` or `false` in any case; nil where it was not sent.
    func flag(_ name: String) throws(BinanceError) -> Bool? {
        guard let text = given(name) else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .invalidData(name)
        }
    }

    /// The symbol that must be named. Throws −1102 and −1121.
    func symbol(_ rules: RuleTable) throws(BinanceError) -> SymbolRules {
        guard let symbol = rules.symbol(try required("symbol")) else { throw .invalidSymbol }
        return symbol
    }

    /// The symbol that may be named; nil where none was. Throws −1121.
    func chosenSymbol(_ rules: RuleTable) throws(BinanceError) -> SymbolRules? {
        guard let name = self["symbol"] else { return nil }
        guard let symbol = rules.symbol(name) else { throw .invalidSymbol }
        return symbol
    }

    /// The same as a list; all symbols where none was named.
    func symbols(_ rules: RuleTable) throws(BinanceError) -> [SymbolRules] {
        try chosenSymbol(rules).map { [$0] } ?? rules.symbolsByName
    }

    /// The most parameters of a request: several times what any endpoint takes. A choice.
    private static let maximumCount = 100

    /// Refuses a request of more parameters than any endpoint takes, before anything is looked for in them.
    func checkCount() throws(BinanceError) {
        if query.count + body.count > Self.maximumCount { throw .tooManyParameters }
    }

    /// Refuses a parameter that is sent twice in the same part, and a symbol of odd characters.
    func checkCharacters() throws(BinanceError) {
        for part in [query, body] {
            var names: Set<[UInt8]> = []
            for item in part where !names.insert(Array(item.name.utf8)).inserted { throw .duplicate }
        }
        guard let symbol = self["symbol"] else { return }
        if symbol.isEmpty { throw .empty("symbol") }
        // Symbols beyond ASCII exist; they arrive as UTF-8.
        let ascii = String(decoding: symbol.utf8.filter { $0 < 0x80 }, as: UTF8.self)
        if !ascii.isAlphanumeric(or: "_-.") {
            throw .illegalCharacters("symbol", legalRange: "^[A-Z0-9-_.]{1,20}$")
        }
    }
}

/// The request weight of one address in one of the venue's three hosts.
struct WeightBucket {
    /// The header that tells what is used.
    let header: String
    private let name: String
    private let address: String
    /// The weight that an address has in a minute.
    let limit: Int

    private static let minute: Int64 = 60_000
    /// Refusals within a minute after which an address is banned. A choice: the venue only says that going on
    /// does it.
    private static let patience = 10
    /// The first ban; each further one is twice as long.
    private static let firstBan: Int64 = 120_000
    private static let longestBan: Int64 = 3 * 86_400_000

    init(of request: VenueRequest, limits: WeightLimits) {
        address = request.remoteAddress
        if request.path.hasPrefix("/sapi/") {
            header = "X-SAPI-USED-IP-WEIGHT-1M"
            name = "wallet \(address)"
            limit = limits.wallet
        } else if request.path.hasPrefix("/api/") {
            header = "X-MBX-USED-WEIGHT-1M"
            name = "spot \(address)"
            limit = limits.spot
        } else {
            header = "X-MBX-USED-WEIGHT-1M"
            name = "futures \(address)"
            limit = limits.futures
        }
    }

    /// What is used already, without using more.
    func used(through access: any VenueAccess) -> Int {
        access.limiter.use(
            "weight \(name)", weight: 0, limit: limit, window: Self.minute, now: access.realTime()
        )
        .used
    }

    /// Uses a request's weight; gives the refusal if it is too much or the address is banned.
    func count(_ weight: Int, through access: any VenueAccess) -> (used: Int, refusal: BinanceError?) {
        let limiter = access.limiter
        let now = access.realTime()
        if limiter.isEnforced, let end = limiter.mark("ban \(name)"), end > now {
            return (used(through: access), .banned(address, until: end, retryAfter: Self.seconds(end - now)))
        }
        let verdict = limiter.use(
            "weight \(name)", weight: weight, limit: limit, window: Self.minute, now: now, countsRefused: true
        )
        if verdict.isAllowed { return (verdict.used, nil) }
        let strikes = limiter.use("strikes \(name)", limit: Self.patience, window: Self.minute, now: now)
        if strikes.isAllowed {
            return (
                verdict.used,
                .tooManyRequests(address, limit: limit, retryAfter: Self.seconds(verdict.remaining))
            )
        }
        let bans = limiter.use("bans \(name)", limit: .max, window: Self.longestBan, now: now).used
        let length = min(Self.longestBan, Self.firstBan << Int64(min(bans - 1, 20)))
        limiter.setMark("ban \(name)", to: now + length)
        return (verdict.used, .banned(address, until: now + length, retryAfter: Self.seconds(length)))
    }

    /// Whole seconds, rounded up.
    private static func seconds(_ milliseconds: Int64) -> Int64 { max(1, (milliseconds + 999) / 1000) }
}
