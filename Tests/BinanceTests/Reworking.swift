import Binance
import Ledger
import Numbers
import Testing
import Venue

/// A figure worked out again, by its own definition, from nothing but the inputs that its explanation lists.
struct Reworking {
    private let explanation: Explanation
    private let account: Account

    init(_ explanation: Explanation, _ account: Account) {
        self.explanation = explanation
        self.account = account
    }

    /// The inputs whose names begin so.
    private func all(_ start: String) throws -> [ExactDecimal] {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactDecimal($0.value) }
    }

    /// Their sum; of a single one its value.
    private func sum(_ start: String) throws -> ExactDecimal { try all(start).sum() }

    /// The one input of a name; zero where there is none.
    private func only(_ name: String) throws -> ExactDecimal {
        try explanation.inputs.filter { $0.name == name }.map { try ExactDecimal($0.value) }.sum()
    }

    private func latest() throws -> ExactDecimal { try all("").max() ?? .zero }

    func value() throws -> ExactDecimal {
        if explanation.path == explanation.field { return try total() }
        if explanation.path.hasPrefix("assets.") { return try ofAsset() }
        if explanation.path.hasPrefix("assetIndex.") { return try rate() }
        return explanation.path.hasPrefix("positions.") ? try ofPosition() : try ofRisk()
    }

    // MARK: - Totals

    private func total() throws -> ExactDecimal {
        let isSingle = !account.settings.flag("multi_assets") && !account.settings.flag("credits_mode")
        switch explanation.field {
        case _ where isSingle: return try sum("")
        case "availableBalance":
            return BinanceFigures.availableBalance(
                unfloored: try BinanceFigures.unflooredAvailable(
                    totalMarginBalance: try sum("totalMarginBalance"),
                    totalInitialMargin: try sum("totalInitialMargin")))
        case "maxWithdrawAmount":
            return try BinanceFigures.maxWithdrawAmount(
                totalCrossWalletBalance: try sum("totalCrossWalletBalance"),
                totalMaintMargin: try sum("totalMaintMargin"), availableBalance: try sum("availableBalance"))
        case "totalInitialMargin", "totalMaintMargin", "totalPositionInitialMargin",
            "totalOpenOrderInitialMargin":
            return try converted { amount, _, ask in
                try BinanceFigures.usdRequirement(of: amount, askRate: try #require(ask))
            }
        default:
            // A rate that is not listed is not needed: zero would show.
            return try converted { amount, bid, ask in
                try BinanceFigures.usdValue(of: amount, bidRate: bid ?? .zero, askRate: ask ?? .zero)
            }
        }
    }

    /// The sum of amounts, each of which is followed by the rate that it is converted at.
    private func converted(
        _ convert: (ExactDecimal, _ bid: ExactDecimal?, _ ask: ExactDecimal?) throws -> ExactDecimal
    ) throws -> ExactDecimal {
        var sum = ExactDecimal.zero
        for place in stride(from: 0, to: explanation.inputs.count, by: 2) {
            let amount = explanation.inputs[place]
            let rate = try #require(explanation.inputs.dropFirst(place + 1).first)
            let value = try ExactDecimal(rate.value)
            try sum += convert(
                ExactDecimal(amount.value), rate.name.hasPrefix("bidRate") ? value : nil,
                rate.name.hasPrefix("askRate") ? value : nil)
        }
        return sum
    }

    // MARK: - Assets

    private func ofAsset() throws -> ExactDecimal {
        switch explanation.field {
        case "walletBalance":
            return try BinanceFigures.walletBalance(
                crossWalletBalance: try sum("crossWalletBalance"),
                isolatedWallets: try sum("isolatedWallet"))
        case "marginBalance":
            return try BinanceFigures.marginBalance(
                walletBalance: try sum("walletBalance"), unrealizedProfit: try sum("unrealizedProfit"))
        case "crossWalletBalance": return try flows().total() - sum("isolatedWallet")
        case "availableBalance" where explanation.inputs.count == 2:
            return try BinanceFigures.availableBalance(
                accountAvailable: try sum("availableBalance"), askRate: try sum("askRate"))
        case "availableBalance":
            return BinanceFigures.availableBalance(unfloored: try sum("unflooredAvailable"))
        case "maxWithdrawAmount" where explanation.inputs.contains { $0.name.hasPrefix("walletBalance") }:
            return BinanceFigures.maxWithdrawAmount(
                walletBalance: try sum("walletBalance"), availableBalance: try sum("availableBalance"))
        case "maxWithdrawAmount":
            return try BinanceFigures.maxWithdrawAmount(
                crossWalletBalance: try sum("crossWalletBalance"),
                isolatedOpenOrderMargin: try sum("openOrderInitialMargin"),
                crossMaintMargin: try sum("maintMargin"), unflooredAvailable: try sum("unflooredAvailable"))
        case "unflooredAvailable":
            return try BinanceFigures.unflooredAvailable(
                crossWalletBalance: try sum("crossWalletBalance"), crossUnPnl: try sum("crossUnPnl"),
                crossInitialMargin: try sum("initialMargin"),
                isolatedOpenOrderMargin: try sum("openOrderInitialMargin"))
        case "updateTime": return try latest()
        default: return try sum("")
        }
    }

    private func flows() throws -> Flows {
        var flows = Flows()
        flows.deposited = try sum("deposits")
        flows.withdrawn = try sum("withdrawals")
        flows.withdrawalFees = try sum("fees of withdrawals")
        flows.transferred = try sum("transfers")
        flows.exchanged = try sum("auto-exchanges")
        flows.realised = try sum("realised profit")
        flows.funding = try sum("funding")
        flows.tradingFees = try sum("commission")
        flows.imported = try sum("wallets of imported positions")
        return flows
    }

    private func rate() throws -> ExactDecimal {
        explanation.field == "bidRate"
            ? try BinanceFigures.bidRate(index: try sum("index of "), bidBuffer: try sum("bidBuffer"))
            : try BinanceFigures.askRate(index: try sum("index of "), askBuffer: try sum("askBuffer"))
    }

    // MARK: - Positions

    private func ofPosition() throws -> ExactDecimal {
        switch explanation.field {
        case "unrealizedProfit":
            return try BinanceFigures.unrealizedProfit(
                quantity: try sum("positionAmt"), markPrice: try sum("markPrice"), cost: try sum("cost of "))
        case "isolatedMargin" where explanation.inputs.count == 2:
            return try BinanceFigures.isolatedMargin(
                isolatedWallet: try sum("isolatedWallet"), unrealizedProfit: try sum("unrealizedProfit"))
        case "isolatedMargin": return .zero
        case "isolatedWallet": return try sum("wallet of the position")
        case "notional":
            return try BinanceFigures.notional(
                quantity: try sum("positionAmt"), markPrice: try sum("markPrice"))
        case "initialMargin":
            return try BinanceFigures.initialMargin(
                positionInitialMargin: try sum("positionInitialMargin"),
                openOrderInitialMargin: try sum("openOrderInitialMargin"))
        case "maintMargin":
            return try BinanceFigures.maintMargin(
                notional: try sum("notional of "), maintenanceRate: try sum("maintMarginRatio"),
                cumulative: try sum("cum of "))
        case "markPrice" where explanation.inputs.count == 2:
            return try all("index of ")[0].over(all("index of ")[1], places: 8, rounding: .halfUp)
        case "positionInitialMargin":
            return try BinanceFigures.positionInitialMargin(
                notional: try sum("notional of "), leverage: try leverage(), rounding: rounding)
        case "openOrderInitialMargin" where explanation.inputs.isEmpty: return .zero
        case "openOrderInitialMargin":
            return try BinanceFigures.openOrderInitialMargin(
                marginRequirement: try BinanceFigures.marginRequirement(
                    notional: try sum("notional of "), openBuys: try sum("bidNotional"),
                    openSells: try sum("askNotional"), leverage: try leverage(), rounding: rounding),
                positionInitialMargin: try sum("positionInitialMargin"))
        case "bidNotional", "askNotional":
            var value = ProductSum()
            for (quantity, price) in zip(try all("open quantity of "), try all("price of ")) {
                try value.add(quantity, times: price)
            }
            return try value.rounded(places: 18, rounding: .towardZero)
        default: return try sum("")
        }
    }

    /// How the explanation says that the product is brought to its places.
    private var rounding: Rounding {
        explanation.rounding.contains("half up") ? .halfUp : .towardZero
    }

    private func leverage() throws -> ExactDecimal { try sum("leverage") + sum("default leverage") }

    // MARK: - Position risk

    private func ofRisk() throws -> ExactDecimal {
        let quantities = try all("positionAmt")
        if explanation.field == "crossBalance" { return try crossBalance() }
        if quantities.allSatisfy(\.isZero) { return .zero }
        switch explanation.field {
        case "entryPrice":
            return try BinanceFigures.entryPrice(cost: try sum("cost of "), quantity: try sum("positionAmt"))
        case "breakEvenPrice":
            return try BinanceFigures.breakEvenPrice(
                cost: try sum("cost of "), fees: try sum("commission paid"),
                realised: try sum("realised profit"), quantity: try sum("positionAmt"))
        default: return try liquidationPrice(quantities)
        }
    }

    /// The formula itself, with the brackets that are listed; none are where there is no price.
    private func liquidationPrice(_ quantities: [ExactDecimal]) throws -> ExactDecimal {
        let rates = try all("maintMarginRatio")
        guard !rates.isEmpty else { return .zero }
        let balance = try sum("crossBalance") + sum("isolatedWallet")
        let numerator = try balance + sum("cum of ") - sum("cost of ")
        var denominator = ExactDecimal.zero
        for (quantity, rate) in zip(quantities, rates) {
            denominator =
                try denominator + quantity.magnitude.times(rate, rounding: .halfEven) - quantity
        }
        return try numerator.over(denominator, rounding: .halfEven).cut(places: 8)
    }

    private func crossBalance() throws -> ExactDecimal {
        if explanation.inputs.contains(where: { $0.name.hasPrefix("crossWalletBalance") }) {
            return try sum("crossWalletBalance") + sum("crossUnPnl") - sum("unrealizedProfit")
                - sum("maintMargin")
        }
        let position = try #require(
            account.positions.first { explanation.path.contains(".\($0.instrument.name).") })
        let symbol = position.instrument.name
        let own = position.instrument.settle
        var balance = ExactDecimal.zero
        for input in explanation.inputs where input.name.hasPrefix("marginBalance of ") {
            let asset = String(input.name.dropFirst("marginBalance of ".count))
            var equity = try ExactDecimal(input.value)
            var maintenance = try only("maintMargin of \(asset)")
            if asset == own {
                equity = try equity - sum("unrealizedProfit of \(symbol) ")
                maintenance = try maintenance - sum("maintMargin of \(symbol) ")
            }
            let ask = try only("askRate of \(asset)")
            try balance += BinanceFigures.usdValue(
                of: equity, bidRate: try only("bidRate of \(asset)"), askRate: ask)
            try balance -= BinanceFigures.usdRequirement(of: maintenance, askRate: ask)
        }
        return try balance.over(only("askRate of \(own)"), rounding: .halfEven)
    }
}
