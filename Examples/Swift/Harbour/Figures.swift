import Ledger
import Numbers
import Venue

/// The figures of an account of Harbour: the fields of its answer in their order, then what they rest on.
enum HarbourFigure: String, FigureKey {
    case cash, profit, exposure, equity, maintenance, free
    // Not in the answer.
    case balance, worth, cost, size, rate

    func facts(in profile: WireProfile) -> FigureFacts? {
        switch self {
        case .cash: .shown("what is held", "USD", signed: true, .cut(2), from: page, common: .wallet)
        case .profit:
            .shown(
                "Σ quantity × mark − cost", "USD", signed: true, .cut(2), from: page,
                common: .unrealizedProfit)
        case .exposure: .shown("Σ |quantity × mark|", "USD", .cut(2), from: page)
        case .equity: .shown("cash + profit", "USD", signed: true, .cut(2), from: page, common: .equity)
        case .maintenance:
            .shown("exposure × maintenance rate", "USD", .up(2), from: page, common: .maintenanceMargin)
        case .free:
            .shown("equity − maintenance", "USD", signed: true, .cut(2), from: page, common: .available)
        case .balance: .input("cash of the ledger", "USD", .ledger)
        case .worth: .input("Σ quantity × mark", "USD", .price)
        case .cost: .input("Σ cost", "USD", .ledger)
        case .size: .input("Σ |quantity × mark|", "USD", .price)
        case .rate: .input("maintenance rate", "ratio", .rule)
        }
    }

    private var page: String { "Harbour API documentation, Account" }
    static let choices = "not published; docs/venues/harbour.md"
}

/// One definition a figure. Serving, explaining and auditing all ask here.
final class HarbourFigures: FigureTable<HarbourFigure> {
    override func value(of figure: HarbourFigure) throws -> ExactFraction {
        switch figure {
        case .cash: try self[.balance]
        case .profit: try self[.worth] - self[.cost]
        case .exposure: try self[.size]
        case .equity: try self[.cash] + self[.profit]
        case .maintenance: try self[.exposure] * self[.rate]
        case .free: try self[.equity] - self[.maintenance]
        case .balance, .worth, .cost, .size, .rate: throw gap(figure)
        }
    }

    /// An account of the ledger.
    convenience init(of snapshot: AccountSnapshot, at venue: HarbourVenue) throws {
        self.init(FigureBook(), venue.profile, FigureLayout(venue.profile))
        var worth = ExactFraction.zero
        var cost = ExactFraction.zero
        var size = ExactFraction.zero
        let market = venue.market(snapshot.prices, at: snapshot.at)
        for position in snapshot.account.positions {
            let mark = try market.requiredMark(position.instrument)
            let value = try ExactFraction(position.quantity).times(mark)
            try worth += value
            try cost += ExactFraction(position.cost)
            try size += value.magnitude
        }
        give(.balance, snapshot.account.cash("USD"))
        give(.worth, worth)
        give(.cost, cost)
        give(.size, size)
        give(.rate, venue.rules(at: snapshot.at).maintenanceRate)
    }
}
