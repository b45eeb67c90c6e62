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
                for (change, isLiquidated) in [(worse, true), (-worse, false)] {
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
    private func all(_ start: String) throws -> [ExactDecimal] {
        try explanation.inputs.filter { $0.name.hasPrefix(start) }.map { try ExactDecimal($0.value) }
    }

    private func sum(_ start: String) throws -> ExactDecimal { try all(start).sum() }

    private func only(_ name: String) throws -> ExactDecimal {
        try ExactDecimal(try #require(explanation.inputs.first { $0.name == name }).value)
    }

    private func exact(_ name: String) throws -> ExactFraction {
        try ExactFraction(try #require(explanation.inputs.first { $0.name == name }).value)
    }

    private func sole() throws -> ExactDecimal {
        #expect(explanation.inputs.count == 1, "\(explanation.path)")
        return try ExactDecimal(try #require(explanation.inputs.first).value)
    }

    func value() throws -> String {
        if explanation.inputs.contains(where: { $0.origin == .raised }) { return try sole().description }
        if explanation.path != explanation.field { return try ofMarket().description }
        switch explanation.field {
        case "positionMargin": return try totalMargin("positionSize of ").description
        case "openOrderMargin": return try totalMargin("openingOrders of ").description
        default: return try total().description
        }
    }

    private func totalMargin(_ notionals: String) throws -> ExactFraction {
        try RailsFigures.totalMargin(zip(try all(notionals), try all("leverage")).map { ($0, $1) })
    }

    private func total() throws -> ExactDecimal {
        switch explanation.field {
        case "totalBalance": RailsFigures.totalBalance(unroundedTotal: try sole())
        case "availableBalance" where profile == .documented:
            try RailsFigures.availableBalance(
                totalBalance: try only("totalBalance"), maintenanceMargin: try only("maintenanceMargin"))
        case "availableBalance":
            try RailsFigures.unroundedAvailable(
                equity: try only("equity"), positionMargin: try exact("positionMargin"),
                openOrderMargin: try exact("openOrderMargin")
            ).rounded(places: 8, rounding: .towardZero)
        case "deposit":
            try RailsFigures.deposit(deposited: try only("deposits"), transferred: try sum("transfers"))
        case "withdraw":
            try RailsFigures.withdraw(withdrawn: try only("withdrawals"), transferred: try sum("transfers"))
        case "fees", "pnl", "funding": RailsFigures.printedMoney(try sum(""))
        case "volume": try sum("")
        case "margin" where profile == .documented:
            try RailsFigures.margin(
                positions: try sum("position of "), orders: try sum("openBuy of ") + sum("openSell of "),
                leverage: try only("leverage"))
        case "margin": try RailsFigures.printedMargin(try exact("positionMargin"))
        case "maintenanceMargin":
            try RailsFigures.accountMaintenanceMargin(
                totalPositionSize: try sum("position"), rate: try only("maintenance rate"))
        case "unroundedTotal":
            try RailsFigures.unroundedTotal(
                deposit: try only("deposit"), withdraw: try only("withdraw"),
                withdrawFees: try only("withdrawFees"), fees: try sum("fees of "),
                positionPnl: try sum("positionPnl of "), funding: try sum("funding of "))
        case "equity":
            try RailsFigures.equity(
                unroundedTotal: try only("unroundedTotal"), unrealisedPnl: try sum("unrealizedPnl of "))
        default: try sole()
        }
    }

    private func ofMarket() throws -> ExactDecimal {
        switch explanation.field {
        case "position", "positionQuantity": RailsFigures.shown(try sole(), profile: profile)
        case "liquidationPrice":
            try RailsFigures.liquidationPrice(
                quantity: try only("quantity"), cost: try only("cost"),
                otherEquity: try sum("otherEquity of "), otherMaintenance: try sum("otherMaintenance of "),
                movingRate: try only("moving rate"))
        case "openBuy": try RailsFigures.openNotional(try orders(), side: .buy)
        case "openSell": try RailsFigures.openNotional(try orders(), side: .sell)
        case "openBuyQty", "openSellQty": try sum("open quantity of ")
        case "pnl", "fees": RailsFigures.printedMoney(try sole())
        case "margin":
            try RailsFigures.margin(
                positions: try sum("position"), orders: try sum("openBuy of ") + sum("openSell of "),
                leverage: try sum("leverage"))
        case "maintenanceMargin", "otherMaintenance":
            try RailsFigures.maintenanceMargin(
                positionSize: try sum("position"), rate: try only("maintenance rate"))
        case "otherEquity":
            try RailsFigures.equity(
                unroundedTotal: try only("unroundedTotal"), unrealisedPnl: try sum("unrealizedPnl of "))
        case "unrealizedPnl": try unrealised()
        case "indexPrice" where explanation.inputs.count == 2:
            try all("index of ")[0].over(all("index of ")[1], places: 8, rounding: .halfUp)
        case "positionSize":
            try RailsFigures.positionSize(
                quantity: try only("quantity"), cost: .zero, indexPrice: try sum("indexPrice of "),
                profile: .live)
        case "openingOrders":
            try RailsFigures.openingOrders(try orders(), quantity: try only("quantity"))
        case "openOrderMargin":
            try RailsFigures.openOrderMargin(
                openingOrders: try sum("openingOrders of "), leverage: try sum("leverage"))
        default: try sole()
        }
    }

    private func unrealised() throws -> ExactDecimal {
        let held = try #require(
            account.positions.first { explanation.path.contains(".\($0.instrument.name).") })
        return try Position(
            instrument: held.instrument, side: held.side, marginMode: held.marginMode,
            quantity: try only("quantity"), cost: try only("cost"), openedAt: held.openedAt
        ).unrealised(at: try sum("indexPrice of "), rounding: .halfEven)
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
