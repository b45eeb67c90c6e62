import Ledger
import Numbers
import Venue

/// The figures of an account of Harbour: the fields of its answer in their order, then what they rest on.
enum HarbourFigure: String, FigureKey {
    case cash, profit, exposure, equity, maintenance, free
    // Not in the answer.
    case rate

    func facts(in profile: WireProfile) -> FigureFacts? {
        switch self {
        case .cash: .shown("the ledger's cash", "USD", signed: true, .cut(2), from: page, common: .wallet)
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
        case .equity: try self[.cash] + self[.profit]
        case .maintenance: try self[.exposure] * self[.rate]
        case .free: try self[.equity] - self[.maintenance]
        case .cash, .profit, .exposure, .rate: throw gap(figure)
        }
    }

    /// An account of the ledger.
    convenience init(of snapshot: AccountSnapshot, at venue: HarbourVenue) throws {
        self.init(FigureBook(), venue.profile, FigureLayout(venue.profile))
        var profit = ExactFraction.zero
        var exposure = ExactFraction.zero
        let market = venue.market(snapshot.prices, at: snapshot.at)
        for position in snapshot.account.positions {
            let mark = try market.requiredMark(position.instrument)
            let value = try ExactFraction(position.quantity).times(mark)
            try profit += value - ExactFraction(position.cost)
            try exposure += value.magnitude
        }
        give(.cash, snapshot.account.cash("USD"))
        give(.profit, profit)
        give(.exposure, exposure)
        give(.rate, venue.rules(at: snapshot.at).maintenanceRate)
    }
}
