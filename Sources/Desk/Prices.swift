import JSON
import Ledger
import Numbers
import Venue

/// What one unit of an asset is worth in USD, and how that is known.
public struct UsedPrice: Sendable, Equatable {
    /// How a price is known.
    public enum Origin: String, Sendable {
        /// The operator set it.
        case given
        /// A venue reported it.
        case reported
        /// It is a venue's USD worth of an asset over its amount, to 18 places.
        case derived
    }

    /// The asset that the price is of.
    public let asset: String
    /// Its price in USD.
    public let price: ExactDecimal
    /// How the price is known.
    public let origin: Origin
    /// The account whose answers it is from; empty for a given one.
    public let account: String
    /// That account's venue; empty for a given one.
    public let venue: String
    /// The venue's field; for a derived one the two, `a / b`. Empty for a given one.
    public let field: String
}

/// USD prices of assets, found among what the venues reported, and which of them were used.
struct PriceFinder {
    private let portfolio: Portfolio
    private(set) var used: [UsedPrice] = []

    init(_ portfolio: Portfolio) { self.portfolio = portfolio }

    /// The USD price of an asset for a figure of one venue; nil where nobody reported any. The dollar is 1.
    ///
    /// In this order: the operator's, that of the same account, of the same venue, of any account; reported
    /// before derived. A stablecoin is no dollar.
    mutating func price(of asset: String, for statement: Statement?) -> ExactDecimal? {
        if asset == "USD" { return .one }
        guard let found = find(asset, for: statement) else { return nil }
        if !used.contains(found) { used.append(found) }
        return found.price
    }

    private func find(_ asset: String, for statement: Statement?) -> UsedPrice? {
        if let given = portfolio.givenPrices[ExactText(asset)] {
            return UsedPrice(asset: asset, price: given, origin: .given, account: "", venue: "", field: "")
        }
        let all = portfolio.statements
        let own = all.filter { $0.account == statement?.account && $0.venue == statement?.venue }
        let neighbours = all.filter { $0.venue == statement?.venue }
        for group in [own, neighbours, all] {
            for source in [Self.reported, Self.derived] {
                if let found = group.lazy.compactMap({ source(asset, $0) }).first { return found }
            }
        }
        return nil
    }

    private static func row(_ asset: String, _ statement: Statement) -> StatementFigures? {
        statement.assets.first { $0.asset.isExactly(asset) }?.figures
    }

    private static func reported(_ asset: String, _ statement: Statement) -> UsedPrice? {
        guard let figure = row(asset, statement)?[.index], let price = figure.value.truncatedNumber,
            price.isPositive, figure.unit == "USD"
        else { return nil }
        return UsedPrice(
            asset: asset, price: price, origin: figure.isDerived ? .derived : .reported,
            account: statement.account, venue: statement.venue.rawValue, field: figure.field)
    }

    /// The USD price of an asset as one account's answers tell it: reported, or derived from its worth.
    static func price(of asset: String, in statement: Statement) -> ExactDecimal? {
        (reported(asset, statement) ?? derived(asset, statement))?.price
    }

    private static func derived(_ asset: String, _ statement: Statement) -> UsedPrice? {
        guard let figures = row(asset, statement), let worth = figures[.equityUSD], worth.unit == "USD",
            let amount = figures[.equity], amount.unit == asset,
            let usd = worth.value.truncatedNumber, let count = amount.value.truncatedNumber,
            let price = try? usd.over(count, rounding: .halfEven), price.isPositive
        else { return nil }
        return UsedPrice(
            asset: asset, price: price, origin: .derived, account: statement.account,
            venue: statement.venue.rawValue, field: "\(worth.field) / \(amount.field)")
    }
}
