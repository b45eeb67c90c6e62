import JSON
import Ledger
import Numbers
import Rails
import Testing
import Venue
import VenueTestSupport

/// Every served figure has an explanation, and the explanation leads to the very digits that are served.
@Suite("Explanations")
struct ExplanationTests {
    /// Every value of the body with its path, in the body's order.
    private func served(_ body: JSONValue, under prefix: String = "") -> [(path: String, value: String)] {
        (body.object?.members ?? []).flatMap { member in
            member.value.text.map { [(path: prefix + member.key, value: $0)] }
                ?? served(member.value, under: "\(prefix)\(member.key).")
        }
    }

    private func explanations(_ world: RailsWorld) throws -> [Explanation] {
        try world.model.explain(try #require(world.snapshot(of: "desk")), through: world)
    }

    private func health(_ world: RailsWorld) throws -> MarginHealth? {
        try world.model.health(of: try #require(world.snapshot(of: "desk")))
    }

    /// What must hold of any account: completeness, order, inputs that are explained, the same definition.
    private func check(_ world: RailsWorld, _ comment: Comment) throws {
        let account = try #require(world.account("desk"))
        let explanations = try explanations(world)
        let byPath = Dictionary(grouping: explanations, by: \.path)
        #expect(byPath.values.allSatisfy { $0.count == 1 }, comment)
        let served = served(try world.balances())
        let paths = Set(served.map(\.path))
        #expect(explanations.map(\.path).filter(paths.contains) == served.map(\.path), comment)
        for (path, value) in served { #expect(byPath[path]?.first?.value == value, "\(path), \(comment)") }
        for explanation in explanations {
            #expect(!explanation.formula.isEmpty && !explanation.source.isEmpty, comment)
            for input in explanation.inputs {
                #expect((input.origin == .figure) == (input.path != nil), comment)
                guard let path = input.path else { continue }
                #expect(byPath[path]?.first?.value == input.value, "\(explanation.path), \(path), \(comment)")
            }
            let again = try Reworking(
                explanation: explanation, account: account, profile: world.model.profile
            ).value()
            #expect(again == explanation.value, "\(explanation.path), \(comment)")
        }
    }

    @Test(arguments: 1...60)
    func everyServedFigure(seed: Int) throws {
        for profile in WireProfile.allCases {
            try check(madeWorld(seed: seed, profile), "seed \(seed), \(profile)")
        }
    }

    /// Values raised by hand, a market's own leverage, an empty account.
    @Test func settingsAndRaisedValues() throws {
        for profile in WireProfile.allCases {
            try check(railsWorld(profile), "empty, \(profile)")
            let world = try madeWorld(seed: 3, profile)
            try world.apply(
                desk("raise", #""flag":"margin","value":"7261788.9945""#),
                desk("raise", #""flag":"maintenanceMargin","value":"475598.23267999""#),
                desk("credit", #""asset":"USD","amount":"12.5","purpose":"promo""#))
            if profile == .live {
                try world.apply(
                    desk("deposit", #""asset":"USD","amount":"90000000000""#),
                    desk("set_leverage", #""instrument":"BTC-USD","leverage":"5""#))
            }
            try check(world, "raised, \(profile)")
            let raised = try #require(explanations(world).first { $0.path == "margin" })
            #expect(raised.inputs.map(\.origin) == [.raised])
            #expect(raised.value == "7261788.9945")
        }
    }

    /// A choice is named one only where it decides the figure.
    @Test func statusFollowsTheAccount() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100""#),
            #"{"type":"open_account","account":"sub","venue":"rails","parent":"desk"}"#,
        ])
        func status(_ path: String) throws -> Explanation.Status? {
            try explanations(world).first { $0.path == path }?.status
        }
        #expect(try status("withdraw") == .exact)
        try world.apply(desk("transfer", #""to":"sub","asset":"USD","amount":"40""#))
        #expect(try status("withdraw") == .choice)
        #expect(try status("totalBalance") == .exact)
        #expect(try status("promoCredit") == .choice)
        try check(world, "transfer")
    }

    /// By hand: 4000 at entry against 3 % of 60000; the price that ends it is 57800.
    @Test func prices() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"4000""#), fill("BTC-USD", "buy", "1", "60000"),
        ])
        func explanation(_ path: String) throws -> Explanation {
            try #require(explanations(world).first { $0.path == "marketBalancesMap.BTC-USD.\(path)" })
        }
        // Nobody has given a price yet: the rulebook's references, as the one that is divided by the other.
        #expect(try explanation("indexPrice").inputs.map(\.value) == ["60000", "1"])
        #expect(try explanation("indexPrice").status == .choice)
        let atEntry = MarginHealth(equity: ExactDecimal(4000), maintenance: ExactDecimal(1800), unit: "USD")
        #expect(try health(world) == atEntry)
        try world.apply(mark("BTC-USD", "57800"))
        #expect(try explanation("indexPrice").inputs.map(\.value) == ["57800"])
        #expect(try explanation("indexPrice").status == .exact)
        #expect(try explanation("unrealizedPnl").value == "-2200")
        #expect(
            try explanation("liquidationPrice").inputs.map(\.value) == ["1", "60000", "4000", "1800", "0"])
        let atEnd = MarginHealth(equity: ExactDecimal(1800), maintenance: ExactDecimal(1800), unit: "USD")
        #expect(try health(world) == atEnd)
        #expect(try health(world)?.isLiquidated == true)
        try check(world, "prices")
    }

    @Test func health() throws {
        for profile in WireProfile.allCases {
            let world = try railsWorld(
                profile, commands: [desk("deposit", #""asset":"USD","amount":"4000""#)])
            #expect(try health(world) == nil)
            try world.apply(fill("BTC-USD", "sell", "1", "60000"), mark("BTC-USD", "61000"))
            // 3 % of 60000 at cost; 10 % of 61000 at the index price.
            #expect(
                try health(world)
                    == MarginHealth(
                        equity: ExactDecimal(3000), maintenance: ExactDecimal(profile == .live ? 6100 : 1800),
                        unit: "USD"))
            try world.apply(desk("raise", #""flag":"maintenanceMargin","value":"2999.5""#))
            #expect(try health(world)?.maintenance == ExactDecimal("2999.5"))
            #expect(try health(world)?.isLiquidated == false)
            try world.apply(fill("BTC-USD", "buy", "1", "61000"))
            #expect(try health(world) == nil)
        }
    }

    /// A mark at a long's liquidation price liquidates; a unit of the last digit above it does not.
    @Test(arguments: 1...60)
    func liquidationPriceIsWhereHealthEnds(seed: Int) throws {
        for profile in WireProfile.allCases {
            let start = try madeWorld(seed: seed, profile)
            for row in try start.figures().markets where row.liquidationPrice.isPositive {
                let world = try madeWorld(seed: seed, profile)
                let position = try #require(
                    world.account("desk")?.positions.first { $0.instrument.name == row.market })
                let step = try ExactDecimal("0.000001")
                let worse = position.isLong ? -step : step
                // Another pool may be beyond its end already.
                let isOnePool =
                    world.account("desk")?.positions.allSatisfy { $0.marginMode == .cross } == true
                for (change, isLiquidated) in isOnePool ? [(worse, true), (-worse, false)] : [(worse, true)] {
                    try world.apply(mark(row.market, try (row.liquidationPrice + change).description))
                    #expect(
                        try health(world)?.isLiquidated == isLiquidated,
                        "seed \(seed), \(profile), \(row.market)")
                }
            }
        }
    }
}

/// A figure worked out again, by its own definition, from nothing but the inputs that its explanation lists.
private struct Reworking {
    let explanation: Explanation
    let account: Account
    let profile: WireProfile

    /// The inputs whose names begin so.
    private func all(_ start: String) throws -> [ExactFraction] {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactFraction($0.value) }
    }

    private func sum(_ start: String) throws -> ExactFraction { try all(start).sum() }

    /// The same of ledger amounts, which are decimals.
    private func decimal(_ start: String) throws -> ExactDecimal {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactDecimal($0.value) }.sum()
    }

    private func only(_ name: String) throws -> ExactDecimal {
        try ExactDecimal(try #require(explanation.inputs.first { $0.name == name }).value)
    }

    private func exact(_ name: String) throws -> ExactFraction {
        try ExactFraction(try #require(explanation.inputs.first { $0.name == name }).value)
    }

    private func sole() throws -> String {
        #expect(explanation.inputs.count == 1, "\(explanation.path)")
        return try #require(explanation.inputs.first).value
    }

    private func soleNumber() throws -> ExactDecimal { try ExactDecimal(try sole()) }

    func value() throws -> String {
        if explanation.inputs.contains(where: { $0.origin == .raised }) { return try sole() }
        if explanation.path != explanation.field {
            return try ofMarketUnrounded()?.description ?? ofMarket().description
        }
        return try unrounded()?.description ?? total().description
    }

    private func totalMargin(_ notionals: String) throws -> ExactFraction {
        try RailsFigures.totalMargin(
            zip(try all(notionals), try leverages()).map { (notional: $0, leverage: $1) })
    }

    private func leverages() throws -> [ExactDecimal] {
        try explanation.inputs.filter { $0.name.hasPrefix("leverage") }.map { try ExactDecimal($0.value) }
    }

    // MARK: - Of the account

    /// Totals that no digit is dropped of; nil for the others.
    private func unrounded() throws -> ExactFraction? {
        switch explanation.field {
        case "positionMargin": try totalMargin("positionSize of ")
        case "openOrderMargin": try totalMargin("openingOrders of ")
        case "equity", "crossEquity":
            try RailsFigures.equity(
                money: RailsFigures.crossMoney(
                    unroundedTotal: only("unroundedTotal"), isolatedMargin: decimal("isolated margin of ")),
                unrealisedPnl: sum("unrealizedPnl of "))
        default: nil
        }
    }

    private func total() throws -> ExactDecimal {
        switch explanation.field {
        case "totalBalance": RailsFigures.totalBalance(unroundedTotal: try soleNumber())
        case "availableBalance" where profile == .documented:
            try RailsFigures.availableBalance(
                totalBalance: only("totalBalance"), maintenanceMargin: only("maintenanceMargin"),
                isolatedMargin: decimal("isolated margin of "))
        case "availableBalance":
            try RailsFigures.printedMoney(
                RailsFigures.unroundedAvailable(
                    equity: exact("crossEquity"), positionMargin: exact("positionMargin"),
                    openOrderMargin: exact("openOrderMargin")))
        case "deposit":
            try RailsFigures.deposit(deposited: only("deposits"), transferred: decimal("transfers"))
        case "withdraw":
            try RailsFigures.withdraw(withdrawn: only("withdrawals"), transferred: decimal("transfers"))
        case "fees", "pnl", "funding": RailsFigures.printedMoney(try decimal(""))
        case "volume": try decimal("")
        case "margin" where profile == .documented:
            try RailsFigures.printedMargin(
                RailsFigures.margin(
                    positions: sum("position of "), orders: sum("openBuy of ") + sum("openSell of "),
                    leverage: only("leverage"), isolatedMargin: decimal("isolated margin of ")))
        case "margin":
            try RailsFigures.printedMargin(
                exact("positionMargin") + ExactFraction(decimal("isolated margin of ")))
        case "maintenanceMargin":
            try RailsFigures.printedMoney(
                RailsFigures.maintenanceMargin(positionSize: sum("position"), rate: only("maintenance rate")))
        case "unroundedTotal":
            try RailsFigures.unroundedTotal(
                deposit: only("deposit"), withdraw: only("withdraw"), withdrawFees: only("withdrawFees"),
                fees: decimal("fees of "), positionPnl: decimal("positionPnl of "),
                funding: decimal("funding of "))
        default: try soleNumber()
        }
    }

    // MARK: - Of a market

    private func ofMarketUnrounded() throws -> ExactFraction? {
        switch explanation.field {
        case "otherMaintenance":
            try RailsFigures.maintenanceMargin(positionSize: sum("position"), rate: only("maintenance rate"))
        case "otherEquity" where explanation.inputs.map(\.name) == ["isolated margin of \(market)"]:
            try ExactFraction(only("isolated margin of \(market)"))
        case "otherEquity":
            try RailsFigures.equity(
                money: RailsFigures.crossMoney(
                    unroundedTotal: only("unroundedTotal"), isolatedMargin: decimal("isolated margin of ")),
                unrealisedPnl: sum("unrealizedPnl of "))
        case "unrealizedPnl":
            try RailsFigures.unrealised(
                value: RailsFigures.positionValue(
                    quantity: only("quantity"), indexPrice: decimal("indexPrice of ")), cost: only("cost"))
        case "positionSize":
            try RailsFigures.positionSize(
                value: RailsFigures.positionValue(
                    quantity: only("quantity"), indexPrice: decimal("indexPrice of ")), cost: .zero,
                profile: .live)
        case "openingOrders": try RailsFigures.openingOrders(try orders(), quantity: try only("quantity"))
        case "openOrderMargin":
            try RailsFigures.openOrderMargin(
                openingOrders: sum("openingOrders of "), leverage: decimal("leverage"))
        default: nil
        }
    }

    private func ofMarket() throws -> ExactDecimal {
        switch explanation.field {
        case "position", "positionQuantity": RailsFigures.shown(try soleNumber(), profile: profile)
        case "liquidationPrice":
            try RailsFigures.liquidationPrice(
                quantity: only("quantity"), cost: only("cost"), otherEquity: sum("otherEquity of "),
                otherMaintenance: sum("otherMaintenance of "), movingRate: only("moving rate"))
        case "openBuy":
            try RailsFigures.printedValue(RailsFigures.openNotional(try orders(), side: .buy))
        case "openSell":
            try RailsFigures.printedValue(RailsFigures.openNotional(try orders(), side: .sell))
        case "openBuyQty", "openSellQty": try decimal("open quantity of ")
        case "pnl", "fees": RailsFigures.printedMoney(try soleNumber())
        case "margin":
            try RailsFigures.printedMargin(
                RailsFigures.margin(
                    positions: sum("position"), orders: sum("openBuy of ") + sum("openSell of "),
                    leverage: leverages().first ?? .one, isolatedMargin: decimal("isolated margin of ")))
        case "maintenanceMargin":
            try RailsFigures.printedMargin(
                RailsFigures.maintenanceMargin(
                    positionSize: sum("position"), rate: only("maintenance rate")))
        case "indexPrice" where explanation.inputs.count == 2:
            try ExactDecimal(explanation.inputs[0].value).over(
                ExactDecimal(explanation.inputs[1].value), places: 8, rounding: .halfUp)
        default: try soleNumber()
        }
    }

    private var market: String {
        String(explanation.path.dropFirst("marketBalancesMap.".count).prefix { $0 != "." })
    }

    /// The listed orders with the listed quantities and prices.
    private func orders() throws -> [OpenOrder] {
        try account.orders.filter { order in
            explanation.inputs.contains { $0.name == "limit price of order \(order.id)" }
        }.map { order in
            OpenOrder(
                id: order.id, instrument: order.instrument, side: order.side,
                quantity: try only("open quantity of order \(order.id)"),
                price: try only("limit price of order \(order.id)"), reduceOnly: order.reduceOnly,
                positionSide: order.positionSide, marginMode: order.marginMode, placedAt: order.placedAt)
        }
    }
}
