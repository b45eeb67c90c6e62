import JSON
import Ledger
import Numbers
import Venue

/// The figures of an open position: a row of `private/get-positions` and of the position channels, then what
/// they and the account's totals rest on.
enum PositionFigure: String, FigureKey {
    case account = "account_id"
    case quantity
    case sessionUnrealized = "session_unrealized_pnl"
    case cost
    case openProfit = "open_position_pnl"
    case openCost = "open_pos_cost"
    case sessionProfit = "session_pnl"
    case initialMargin = "pos_initial_margin"
    case maintenanceMargin = "pos_maintenance_margin"
    case marketValue = "market_value"
    case markPrice = "mark_price"
    case targetLeverage = "target_leverage"
    case updated = "update_timestamp_ms"
    case instrument = "instrument_name"
    case type
    case isolation = "isolation_id"
    case leverage
    case isolationType = "isolation_type"
    case isolatedBalance = "isolated_margin_balance"
    // Not in the row.
    case notional
    case unrealized = "unrealized_pnl"
    // What is given.
    case signedQuantity, sessionCost, openingCost, productLeverage, marginRate, maintenanceShare
}

/// An open position at its mark.
final class PositionFigures: CryptoComTable<PositionFigure> {
    let position: Position
    let mark: MarkFigures
    /// The margin account that it has for itself; nil of a cross position, and where only the position was
    /// asked for.
    let isolated: IsolatedFigures?

    override func value(of figure: PositionFigure) throws -> ExactFraction {
        switch figure {
        case .quantity: try self[.signedQuantity]
        case .cost: try self[.sessionCost]
        case .openCost: try self[.openingCost]
        case .openProfit: try self[.notional] - self[.openingCost]
        case .sessionProfit, .sessionUnrealized: try self[.unrealized]
        // As if nothing netted it.
        case .initialMargin:
            try Figures.positionMargin(
                of: self[.notional].magnitude, quantity: self[.signedQuantity].magnitude,
                leverage: self[.productLeverage], rate: self[.marginRate])
        case .maintenanceMargin: try self[.initialMargin] * self[.maintenanceShare]
        case .marketValue: try self[.notional]
        case .markPrice: try mark[.price]
        case .targetLeverage: try isolated.map { try $0[.leverage] } ?? self[.productLeverage]
        case .leverage, .isolatedBalance:
            try isolated.map { try $0[figure == .leverage ? .leverage : .marginBalance] } ?? .zero

        case .notional: try self[.signedQuantity] * mark[.price]
        case .unrealized: try self[.signedQuantity] * mark[.price] - self[.sessionCost]

        case .account, .updated, .instrument, .type, .isolation, .isolationType, .signedQuantity,
            .sessionCost,
            .openingCost, .productLeverage, .marginRate, .maintenanceShare:
            throw gap(figure)
        }
    }

    override func isThere(_ figure: PositionFigure) -> Bool {
        switch figure {
        case .isolation, .isolationType, .leverage, .isolatedBalance: position.marginMode == .isolated
        default: true
        }
    }

    override var path: String {
        "\(position.marginMode == .isolated ? "isolated_orders" : "positions").\(name)."
    }
    override var name: String { position.instrument.name }

    /// A position of the ledger.
    init(_ position: Position, _ mark: MarkFigures, isolated: IsolatedFigures? = nil) {
        self.position = position
        self.mark = mark
        self.isolated = isolated
        super.init(mark.book, (), Layouts.position)
        give(.signedQuantity, position.quantity)
        give(.sessionCost, position.cost)
        give(.openingCost, position.openingCost)
    }

    /// Takes the rules that its margins follow from.
    func take(_ rules: CryptoComRules) throws(NumberError) {
        give(.productLeverage, rules.maximumLeverage(of: position.instrument))
        give(.marginRate, try rules.marginRatePerUnit(of: position.instrument))
        give(.maintenanceShare, rules.maintenanceShare)
    }

    /// Its row, in the form of REST or of the position channels.
    func write(_ form: FigureLayout<PositionFigure>, of account: String, to writer: inout JSONWriter) throws {
        writer.beginObject()
        try form.write(self, to: &writer) { field, writer in
            switch field {
            case .account: writer.string(StableIdentifier.uuid(account: account))
            case .updated: writer.integer(position.updatedAt.milliseconds)
            case .instrument: writer.string(name)
            case .type: writer.string(position.instrument.kind.listedName)
            case .isolation: writer.string(StableIdentifier.isolation(account: account, instrument: name))
            default: writer.literal("ISOLATED_MARGIN")
            }
        }
        writer.endObject()
    }
}

extension PositionFigure {
    static let choices = Source.ours

    func facts(in mode: Void) -> FigureFacts? { row ?? risk ?? name ?? basis }

    private static let usd = CryptoComRules.usd

    private var row: FigureFacts? {
        switch self {
        case .quantity:
            .shown(
                "in coin, negative when short", FigureFacts.coin, signed: true, from: Source.positions,
                common: .quantity)
        case .cost: .amount("cost since the last settlement", signed: true, from: Source.positions)
        case .openCost: .amount("cost since it was opened", signed: true, from: Source.positions)
        case .openProfit: .amount("notional − open_pos_cost", signed: true, from: Source.positions)
        case .sessionProfit:
            .amount("notional − cost", signed: true, from: Source.positions, common: .unrealizedProfit)
        case .sessionUnrealized:
            .amount("notional − cost", signed: true, from: Source.positions, isAlwaysThere: false)
        default: nil
        }
    }

    /// What the position channels have besides.
    private var risk: FigureFacts? {
        switch self {
        case .initialMargin:
            .requirement(
                "|notional| × min(1, max(1 ÷ product leverage, unit margin rate × multiplier × |quantity|)), "
                    + "as if nothing netted it", .choice, from: Source.ours, isAlwaysThere: false)
        case .maintenanceMargin:
            .requirement(
                "pos_initial_margin × maintenance share", .choice, from: Source.ours, isAlwaysThere: false)
        case .marketValue:
            .amount("quantity × mark price", signed: true, from: Source.positions, isAlwaysThere: false)
        case .markPrice: .shown("the mark price", Self.usd, from: Source.positions, isAlwaysThere: false)
        case .targetLeverage:
            .shown(
                "the leverage of its isolation, else the product's highest", "ratio", .plain, .choice,
                from: Source.ours, isAlwaysThere: false)
        case .leverage:
            .shown("the leverage of its isolation", "ratio", from: Source.isolated, isAlwaysThere: false)
        case .isolatedBalance:
            .amount(
                "total_margin_balance of its margin account", signed: true, from: Source.isolated,
                isAlwaysThere: false)
        default: nil
        }
    }

    private var name: FigureFacts? {
        switch self {
        case .account: .other("digits that are always the same for an account", .choice, from: Source.ours)
        case .updated: .other("when it was last changed", from: Source.positions)
        case .instrument: .other("the instrument", from: Source.positions)
        case .type: .other("`PERPETUAL_SWAP` or `FUTURE`", from: Source.positions)
        case .isolation:
            .other(
                "digits that are always the same for an isolated position", .choice, from: Source.ours,
                isAlwaysThere: false)
        case .isolationType: .other("`ISOLATED_MARGIN`", from: Source.isolated, isAlwaysThere: false)
        default: nil
        }
    }

    private var basis: FigureFacts? {
        switch self {
        case .notional: .beside("quantity × mark price", Self.usd, signed: true, from: Source.document)
        case .unrealized:
            .beside(
                "quantity × mark price − cost since the last settlement", Self.usd, signed: true,
                from: Source.document)
        case .signedQuantity: .input("quantity", FigureFacts.coin, .ledger)
        case .sessionCost: .input("cost", Self.usd, .ledger)
        case .openingCost: .input("cost since it was opened", Self.usd, .ledger)
        case .productLeverage: .input("maximum product leverage", "ratio", .rule)
        case .marginRate: .input("unit_margin_rate × multiplier", "ratio", .rule)
        case .maintenanceShare: .input("maintenance share", "ratio", .rule)
        default: nil
        }
    }
}
