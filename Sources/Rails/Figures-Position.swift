import Ledger
import Numbers
import Venue

/// The figures of an open position: the fields of its row in the answer to `positions`.
enum PositionFigure: String, FigureKey {
    case market, value, quantity, funding, realizedPnl, unrealizedPnl, liquidationPrice, type, marginMode
    case margin
    // What is given.
    case ownFunding, ownProfit
}

/// An open position; most of it is its market's.
final class PositionFigures: FigureTable<PositionFigure> {
    let market: MarketFigures

    override func value(of figure: PositionFigure) throws -> ExactFraction {
        switch figure {
        case .value: try market[.position]
        case .quantity: try market[.positionQuantity]
        case .funding: try self[.ownFunding]
        case .realizedPnl: try self[.ownProfit]
        case .unrealizedPnl: try market[.unrealizedPnl]
        case .liquidationPrice: try market.printed(.liquidationPrice)
        case .margin: try market[.isolatedMargin]
        case .market, .type, .marginMode, .ownFunding, .ownProfit: throw gap(figure)
        }
    }

    override func isThere(_ figure: PositionFigure) -> Bool {
        switch figure {
        case .marginMode, .margin: !market.isCross
        default: true
        }
    }

    init(_ market: MarketFigures) {
        self.market = market
        super.init(market.book, market.account.mode, Layouts.position[market.account.mode])
    }

    /// A position of the ledger.
    convenience init(_ position: Position, _ market: MarketFigures) {
        self.init(market)
        give(.ownFunding, position.funding)
        give(.ownProfit, position.realised)
    }
}

extension PositionFigure {
    static let choices = Source.ours

    func facts(in profile: WireProfile) -> FigureFacts? {
        let usd = RailsVenue.money
        let coin = FigureFacts.coin
        let isSigned = profile == .live
        return switch self {
        case .market: .other("the market", from: Source.positionsPage)
        case .value:
            .shown(
                "position of the market", usd, signed: isSigned, from: Source.sample, common: .notional)
        case .quantity:
            .shown(
                "positionQuantity of the market", coin, signed: isSigned, from: Source.sample,
                common: .quantity)
        case .funding:
            .shown("funding since it was opened", usd, signed: true, from: Source.positionsPage)
        case .realizedPnl:
            .shown("realized profit since it was opened", usd, signed: true, from: Source.positionsPage)
        case .unrealizedPnl:
            .shown(
                "quantity × index price − cost", usd, signed: true, .halfEven(18), evidence: .unit(18),
                from: Source.metricsPage, common: .unrealizedProfit)
        case .liquidationPrice:
            .shown(
                "liquidationPrice of the market", usd, from: Source.sample, common: .liquidationPrice,
                isNoneAtZero: true)
        case .type: .other("`LONG` or `SHORT`", from: Source.positionsPage)
        case .marginMode:
            .other("`I` of an isolated position", .choice, from: Source.ours, isAlwaysThere: false)
        case .margin:
            .shown(
                "what the isolated position holds", usd, .plain, .choice, from: Source.ours,
                isAlwaysThere: false)

        case .ownFunding: .input("funding of the position", usd, .ledger)
        case .ownProfit: .input("realized profit of the position", usd, .ledger)
        }
    }
}
