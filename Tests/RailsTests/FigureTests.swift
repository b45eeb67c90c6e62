import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import Rails

/// The relations of the given sample that hold, the given formulas, and the later rules.
@Suite("Figures")
struct FigureTests {
    private func decimal(_ text: String) throws -> ExactDecimal { try ExactDecimal(text) }

    // MARK: - The given sample

    /// An account as the sample has it, put together directly: its accumulators come from no round trades.
    private func sampleAccount(_ world: RailsWorld, _ rows: [InstrumentActivity]) throws -> AccountSnapshot {
        var account = try #require(world.account("desk"))
        var holding = Holding(asset: "USD", updatedAt: account.openedAt)
        holding.flows.deposited = try decimal("100000000")
        holding.flows.withdrawn = try decimal("879.12")
        holding.flows.withdrawalFees = try decimal("8.88")
        account.holdings = [holding]
        account.activity = rows
        return AccountSnapshot(account: account, prices: VenuePrices(), at: account.openedAt)
    }

    private func activity(
        _ market: String, realised: String, funding: String, volume: String, fees: String
    ) throws -> InstrumentActivity {
        var row = InstrumentActivity(instrument: market)
        row.realised = try decimal(realised)
        row.funding = try decimal(funding)
        row.volume = try decimal(volume)
        row.fees = try decimal(fees)
        return row
    }

    /// totalBalance comes out only with the unrounded positionPnl; availableBalance is the printed
    /// difference.
    @Test func sampleTotals() throws {
        let world = try railsWorld()
        try world.apply(
            desk("raise", #""flag":"maintenanceMargin","value":"475598.23267999""#),
            desk("raise", #""flag":"margin","value":"7261788.9945241110003337""#))
        let snapshot = try sampleAccount(
            world,
            [
                try activity(
                    "BTC-USD", realised: "-1292.7845734999864", funding: "-259.04082851",
                    volume: "608020.300274",
                    fees: "608.02030021")
            ])
        let body = try JSONValue(parsing: world.model.accountBody(of: snapshot, query: [], through: world))
        let sample: [(String, String)] = [
            ("totalBalance", "99996952.15429778"), ("availableBalance", "99521353.92161779"),
            ("deposit", "100000000"), ("withdraw", "879.12"), ("withdrawFees", "8.88"),
            ("fees", "608.02030021"),
            ("pnl", "-1292.78457349"), ("funding", "-259.04082851"), ("volume", "608020.300274"),
            ("margin", "7261788.9945241110003337"), ("maintenanceMargin", "475598.23267999"),
            ("leverage", "1"),
            ("promoCredit", "0"),
        ]
        for (key, value) in sample { #expect(body[key]?.text == value, "\(key)") }
    }

    /// The rows of the sample's map, but for the fields that no stated rule reproduces.
    private static let sampleRows: [(String, [(String, String)])] = [
        (
            "BTC-USD",
            [
                ("position", "467782.520726"), ("positionQuantity", "7"), ("openBuy", "60000"),
                ("openBuyQty", "1"),
                ("openSell", "0"), ("openSellQty", "0"), ("pnl", "-1292.78457349"),
                ("positionPnl", "-1292.7845734999864"), ("funding", "113.21723468000002"),
                ("positionFunding", "113.21723468000002"), ("volume", "600695.07832"),
                ("fees", "600.69507826"),
                ("liquidationFees", "0"),
            ]
        ),
        (
            "ETH-USD",
            [
                ("position", "28894.648055999998"), ("positionQuantity", "8"), ("openBuy", "0"),
                ("openBuyQty", "0"),
                ("openSell", "8000"), ("openSellQty", "3"), ("pnl", "406.23975999"),
                ("positionPnl", "406.2397599999995"), ("funding", "-486.82005787000037"),
                ("positionFunding", "-486.82005787000037"), ("volume", "43545.091964"),
                ("fees", "43.54509196"),
                ("liquidationFees", "0"),
            ]
        ),
    ]

    @Test func sampleMarkets() throws {
        let world = try railsWorld()
        var snapshot = try sampleAccount(
            world,
            [
                try activity(
                    "BTC-USD", realised: "-1292.7845734999864", funding: "113.21723468000002",
                    volume: "600695.07832",
                    fees: "600.69507826"),
                try activity(
                    "ETH-USD", realised: "406.2397599999995", funding: "-486.82005787000037",
                    volume: "43545.091964",
                    fees: "43.54509196"),
            ])
        let time = snapshot.at
        let bitcoin = try #require(world.model.instrument("BTC-USD", at: time))
        let ether = try #require(world.model.instrument("ETH-USD", at: time))
        func order(
            _ id: String, _ instrument: Instrument, _ side: Side, _ quantity: String, _ price: String
        )
            throws
            -> OpenOrder
        {
            OpenOrder(
                id: id, instrument: instrument, side: side, quantity: try decimal(quantity),
                price: try decimal(price),
                reduceOnly: false, positionSide: .net, marginMode: .cross, placedAt: time)
        }
        var account = snapshot.account
        account.positions = [
            Position(
                instrument: bitcoin, side: .net, marginMode: .cross, quantity: try decimal("7"),
                cost: try decimal("467782.520726"), openedAt: time),
            Position(
                instrument: ether, side: .net, marginMode: .cross, quantity: try decimal("8"),
                cost: try decimal("28894.648055999998"), openedAt: time),
        ]
        account.orders = [
            try order("1", bitcoin, .buy, "1", "60000"), try order("2", ether, .sell, "2", "3000"),
            try order("3", ether, .sell, "1", "2000"),
        ]
        snapshot = AccountSnapshot(account: account, prices: snapshot.prices, at: time)
        let body = try JSONValue(parsing: world.model.accountBody(of: snapshot, query: [], through: world))
        for (market, fields) in Self.sampleRows {
            for (key, value) in fields {
                #expect(try body.market(market)[key]?.text == value, "\(market) \(key)")
            }
        }
        // The given formulas, on the sample's positions and orders (the sample itself does not obey them).
        #expect(body["margin"]?.text == "564677.168781999998")
        #expect(body["maintenanceMargin"]?.text == "14900.31506345")
        // Fees are 0.1 % of volume, each cut on the way.
        for market in ["BTC-USD", "ETH-USD"] {
            let row = try body.market(market)
            let exact = try row.decimal("volume").times(decimal("0.001"), rounding: .halfEven)
            #expect(try row.decimal("fees") <= exact)
            #expect(try exact - row.decimal("fees") < decimal("0.0000001"))
        }
    }

    // MARK: - Margin

    @Test(arguments: [("1", "3000"), ("2", "1500"), ("3", "1000"), ("4", "750"), ("5", "600")])
    func marginFollowsLeverage(leverage: String, margin: String) throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"10000""#),
            desk("configure", #""settings":{"leverage":"\#(leverage)"}"#),
            fill("ETH-USD", "sell", "0.5", "3000"),
            order("o", "BTC-USD", "buy", "0.03", "50000"),
        ])
        #expect(try world.balances()["margin"]?.text == margin)
        #expect(try world.balances()["leverage"]?.text == leverage)
        #expect(try world.balances()["maintenanceMargin"]?.text == "45")
    }

    /// 1 ÷ 3 goes on without end and is cut at 18 places; the account divides once, not the sum of cut parts.
    @Test func marginIsCut() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"10000""#),
            desk("configure", #""settings":{"leverage":"3"}"#), fill("ETH-USD", "buy", "0.5", "2000"),
            fill("BTC-USD", "buy", "0.5", "2000"),
        ])
        let body = try world.balances()
        #expect(try body.market("ETH-USD")["margin"]?.text == "333.333333333333333333")
        #expect(body["margin"]?.text == "666.666666666666666666")
    }

    /// availableBalance is not floored.
    @Test func availableCanBeNegative() throws {
        let world = try railsWorld(commands: [fill("BTC-USD", "buy", "1", "60000", fee: "60")])
        #expect(try world.balances()["totalBalance"]?.text == "-60")
        #expect(try world.balances()["availableBalance"]?.text == "-1860")
    }

    @Test func promoCreditStaysOutside() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100""#),
            desk("credit", #""asset":"USD","amount":"25.5","purpose":"promo""#),
        ])
        #expect(try world.balances()["promoCredit"]?.text == "25.5")
        #expect(try world.balances()["totalBalance"]?.text == "100")
    }

    @Test func liquidationFeesArePartOfFees() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"1000""#),
            fill("SOL-USD", "buy", "2", "150", fee: "0.3"),
            desk(
                "fill",
                #""instrument":"SOL-USD","side":"sell","quantity":"2","price":"140","fee":"1.4","#
                    + #""liquidation":true"#
            ),
        ])
        let row = try world.balances().market("SOL-USD")
        #expect(row["fees"]?.text == "1.7")
        #expect(row["liquidationFees"]?.text == "1.4")
        #expect(try world.balances()["totalBalance"]?.text == "978.3")
    }

    // MARK: - Transfers

    @Test func transfersCountByTheirBalance() throws {
        let world = try railsWorld(commands: [
            #"{"type":"open_account","account":"sub","venue":"rails","parent":"desk"}"#,
            desk("deposit", #""asset":"USD","amount":"1000""#),
            desk("transfer", #""to":"sub","asset":"USD","amount":"300""#),
            #"{"type":"transfer","account":"sub","to":"desk","asset":"USD","amount":"100"}"#,
        ])
        let sender = try world.balances()
        #expect(sender["deposit"]?.text == "1000")
        #expect(sender["withdraw"]?.text == "200")
        #expect(sender["totalBalance"]?.text == "800")
        let receiver = try JSONValue(parsing: world.statement("sub"))
        #expect(receiver["deposit"]?.text == "200")
        #expect(receiver["withdraw"]?.text == "0")
        #expect(receiver["totalBalance"]?.text == "200")
    }

    // MARK: - Unrounded parts

    /// Maintenance with more than 18 places: cut before it is divided, it would be nothing here.
    @Test func liquidationPriceIsOfUnroundedMaintenance() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"0.000000000000000003""#),
            fill("BTC-USD", "buy", "0.000000000000000007", "1"),
        ])
        // In units of the last place, cost 7, maintenance 0.21, money 3: (7 + 0.21 − 3) ÷ 7.
        let row = try world.balances().market("BTC-USD")
        #expect(row["liquidationPrice"]?.text == "0.601428571428571428")
    }

    /// Two orders whose notionals have 20 places: their sum is rounded once.
    @Test func ordersAreAddedUpBeforeTheyAreRounded() throws {
        let world = try railsWorld(commands: [
            desk("deposit", #""asset":"USD","amount":"100000""#),
            order("a", "BTC-USD", "buy", "0.0000000000000014", "0.0011"),
            order("b", "BTC-USD", "buy", "0.0000000000000014", "0.0011"),
            order("c", "BTC-USD", "sell", "0.0000000000000014", "0.0011"),
        ])
        // 1.54 of the last place each, and twice that is 3.08: each rounded, it would be 4.
        let row = try world.balances().market("BTC-USD")
        #expect(row["openBuy"]?.text == "0.000000000000000003")
        #expect(row["openSell"]?.text == "0.000000000000000002")
        // Three times 1.54, cut: 4.62, and not 3 + 2.
        #expect(row["margin"]?.text == "0.000000000000000004")
    }

    /// The published fills, and the one whose fee is of fewer digits.
    @Test(arguments: [
        ("273.78842139", "1949", "0.001", "533.61363328"),
        ("6.34127086", "82850.59187039", "0.001", "525.37804396"),
        ("23.4", "92911.48605", "0.001", "2174.12877357"), ("6.6", "3598.04", "0.0004", "9.4988256"),
    ])
    func fees(quantity: String, price: String, rate: String, fee: String) throws {
        #expect(
            try RailsFigures.fee(quantity: decimal(quantity), price: decimal(price), rate: decimal(rate))
                == decimal(fee))
    }

    @Test(arguments: [("-1", "-1.51989368"), ("1", "1.51989368")])
    func publishedFunding(size: String, value: String) throws {
        #expect(
            try RailsFigures.funding(
                size: decimal(size), indexPrice: decimal("3799.73421126312"), ratePercent: decimal("-0.04"))
                == decimal(value))
    }

    // MARK: - Later rules

    /// Thirds of two markets come to a whole: nothing is cut before they are added up. 8666.63600000 and
    /// 0.025816 are the sizes, 8666.661816 ÷ 3 = 2888.887272.
    @Test func marginIsDividedOncePerLeverage() throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("configure", #""settings":{"leverage":"3"}"#),
                fill("DOGE-USD", "sell", "51664", "0.12687", fee: "5.77173"),
                fill("ETH-USD", "buy", "0.00001", "2764.3"), mark("ETH-USD", "2581.6"),
                mark("DOGE-USD", "0.16775"),
            ])
        let body = try world.balances()
        #expect(body["margin"]?.text == "2888.887272")
        #expect(body["availableBalance"]?.text == "-5006.685149")
    }

    /// Worked out by hand from the account balance and position metrics pages.
    @Test func laterRules() throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("deposit", #""asset":"USD","amount":"10000""#),
                desk("configure", #""settings":{"leverage":"2"}"#),
                desk("set_leverage", #""instrument":"ETH-USD","leverage":"5""#),
                fill("BTC-USD", "buy", "0.1", "60000", fee: "6"),
                fill("ETH-USD", "sell", "2", "3000", fee: "6"),
                order("b1", "BTC-USD", "buy", "0.01", "59000"),
                // Of the 3 bought back, 2 only close the short; 1 × 2800 adds exposure.
                order("e1", "ETH-USD", "buy", "1", "2900"), order("e2", "ETH-USD", "buy", "2", "2800"),
                order("e3", "ETH-USD", "buy", "9", "2700", #""reduce_only":true"#),
                mark("BTC-USD", "61000"), mark("ETH-USD", "3050"),
            ])
        // Total 9988; unrealized +100 − 100 = 0; equity 9988. Sizes 6100 and 6100.
        // Position margin 6100 ÷ 2 + 6100 ÷ 5 = 4270; order margin 590 ÷ 2 + 2800 ÷ 5 = 855.
        let body = try world.balances()
        #expect(body["totalBalance"]?.text == "9988")
        #expect(body["margin"]?.text == "4270")
        #expect(body["maintenanceMargin"]?.text == "1220")
        #expect(body["availableBalance"]?.text == "4863")
        #expect(body["leverage"]?.text == "2")
        let bitcoin = try body.market("BTC-USD")
        #expect(bitcoin["position"]?.text == "6000")
        #expect(bitcoin["margin"]?.text == "3050")
        #expect(bitcoin["maintenanceMargin"]?.text == "610")
        let ether = try body.market("ETH-USD")
        #expect(ether["position"]?.text == "-6000")
        #expect(ether["positionQuantity"]?.text == "-2")
        #expect(ether["openBuy"]?.text == "32800")
        #expect(ether["margin"]?.text == "1220")
        // (−6000 − (9988 + 100) + 610) ÷ (−2 − 0.2) = 15478 ÷ 2.2 = 7035.4545….
        #expect(ether["liquidationPrice"]?.text == "7035.454545454545454545")
        // Withdrawable: 9988 − 100 (ETH's loss) − 6000 ÷ 2 − 6000 ÷ 5 − 855 = 4833.
        #expect(try world.figures().decimal(.withdrawable) == decimal("4833"))
        #expect(try world.figures()[.equity] == ExactFraction(decimal("9988")))
    }

    /// By the later rules, quotients are added up before anything is cut: thirds whose sum is a whole number
    /// leave the last printed digit as it is. 100 ÷ 3 of a position, 200 ÷ 3 of its orders.
    @Test func quotientsAreAddedUpBeforeTheyAreCut() throws {
        let world = try railsWorld(
            .live,
            commands: [
                desk("deposit", #""asset":"USD","amount":"99.99999999""#),
                desk("configure", #""settings":{"leverage":"3"}"#), mark("BTC-USD", "100"),
                fill("BTC-USD", "buy", "1", "100"),
                order("b1", "BTC-USD", "buy", "2", "100", #""force":true"#),
            ])
        #expect(try world.figures()[.availableBalance] == ExactFraction(decimal("-0.00000001")))
        #expect(try world.balances()["availableBalance"]?.text == "-0.00000001")
    }
}
