import Ledger
import Venue

/// What is asked of an account, and what it is answered from.
struct AccountRequest {
    let venue: BinanceVenue
    private(set) var parameters: Parameters
    private(set) var snapshot: AccountSnapshot
    let access: any VenueAccess

    init(
        _ parameters: Parameters, of snapshot: AccountSnapshot, _ venue: BinanceVenue,
        _ access: any VenueAccess
    ) {
        self.venue = venue
        self.parameters = parameters
        self.snapshot = snapshot
        self.access = access
    }

    /// One of several that it holds, asked of the account as those before it have left it.
    func element(_ items: [QueryItem]) -> AccountRequest {
        var element = self
        element.parameters = Parameters(items)
        element.snapshot = access.snapshot(of: account.id) ?? snapshot
        return element
    }

    var account: Account { snapshot.account }
    /// Those in force at the snapshot.
    var rules: RuleTable { venue.rules(at: snapshot.at) }
    var reading: OrderReading { OrderReading(parameters, snapshot, venue) }

    /// The symbol that must be named. Throws −1102 and −1121.
    func symbol() throws(BinanceError) -> SymbolRules { try parameters.symbol(rules) }

    /// The symbol that may be named; nil where it is not. Throws −1121.
    func chosenSymbol() throws(BinanceError) -> String? { try parameters.chosenSymbol(rules)?.name }

    /// Has the exchange carry an instruction out; its refusals in the venue's words.
    @discardableResult
    func trade(_ instruction: TradeInstruction) async throws(BinanceError) -> [Event] {
        do {
            return try await access.trade(instruction, for: account.id)
        } catch {
            throw .refusedOrder(error)
        }
    }
}

/// What everybody may ask, and what it is answered from.
struct PublicRequest {
    let venue: BinanceVenue
    let parameters: Parameters
    let access: any VenueAccess
    /// The ledger's time.
    let now: LedgerTime
    let rules: RuleTable
    let market: ValuationPrices

    init(_ parameters: Parameters, _ venue: BinanceVenue, _ access: any VenueAccess) {
        self.venue = venue
        self.parameters = parameters
        self.access = access
        (now, rules, market) = venue.present(through: access)
    }

    func market(of symbol: SymbolRules) -> SymbolMarket { SymbolMarket(symbol, market, access) }
}
