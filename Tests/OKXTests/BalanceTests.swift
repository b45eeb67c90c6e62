import JSON
import Ledger
import Numbers
import Testing
import Venue
import VenueTestSupport

@testable import OKX

@Suite struct BalanceTests {
    /// A whole body, byte for byte.
    @Test func body() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(index: #"{"USDT":"0.999"}"#)
        try world.run("desk", ("deposit", #""asset":"USDT","amount":"100.5""#))
        let row = """
            {"accAvgPx":"","autoLendMtAmt":"0","autoLendStatus":"off","availBal":"100.5","availEq":"100.5",\
            "borrowFroz":"0","cashBal":"100.5","ccy":"USDT","clSpotInUseAmt":"","colBorrAutoConversion":"0",\
            "colRes":"0","collateralEnabled":true,"collateralRestrict":false,"crossLiab":"0",\
            "disEq":"100.3995",\
            "eq":"100.5","eqUsd":"100.3995","fixedBal":"0","frozenBal":"0","frpType":"0","imr":"",\
            "interest":"0",\
            "isoEq":"0","isoLiab":"0","isoUpl":"0","liab":"0","maxLoan":"502.5","maxSpotInUse":"",\
            "mgnRatio":"",\
            "mmr":"","notionalLever":"","openAvgPx":"","ordFrozen":"0","rewardBal":"0","smtSyncEq":"0",\
            "spotBal":"","spotCopyTradingEq":"0","spotInUseAmt":"","spotIsoBal":"0","spotUpl":"",\
            "spotUplRatio":"","stgyEq":"0","totalPnl":"","totalPnlRatio":"","twap":"0",\
            "uTime":"1780272000000","upl":"0","uplLiab":"0"}
            """
        let body = """
            {"code":"0","data":[{"adjEq":"100.3995","availEq":"100.3995","borrowFroz":"0","delta":"",\
            "deltaLever":"","deltaNeutralStatus":"","details":[\(row)],"imr":"0","isoEq":"0","mgnRatio":"",\
            "mmr":"0","notionalUsd":"0","notionalUsdForBorrow":"0","notionalUsdForFutures":"0",\
            "notionalUsdForOption":"0","notionalUsdForSwap":"0","ordFroz":"0","totalEq":"100.3995",\
            "uTime":"1780272000000","upl":"0"}],"msg":""}
            """
        #expect(try world.statement("desk") == body)
    }

    @Test func emptyAccount() throws {
        let world = try world()
        try world.open("desk")
        let account = try world.balance("desk")
        #expect(account["details"]?.elements?.isEmpty == true)
        expect(account, ["totalEq": "0", "adjEq": "0", "availEq": "0", "mgnRatio": ""])
    }

    /// What orders hold of a currency that is not there otherwise is in the account's figures, so there is a
    /// row of it.
    @Test(arguments: ["multi", "portfolio", "futures"], ["cross", "isolated"])
    func ordersAlone(_ mode: String, _ margin: String) async throws {
        let world = try world()
        try world.open("desk", #"{"mode":"\#(mode)"}"#)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","USDT":"1.0002"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            (
                "place_order",
                #""order_id":"one","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"5","#
                    + #""price":"59000","margin_mode":"\#(margin)","force":true"#
            ))
        let row = try world.balance("desk").detail("USDT")
        // Where currencies are margined together, cross orders hold nothing of a currency of their own.
        #expect((row == nil) == (margin == "cross" && mode != "futures"))
        #expect(row?.text("frozenBal") != "0")
        let statement = try #require(
            world.model.statements(from: try await recordedBodies(world), account: "desk").first)
        let findings = world.model.audit(statement, rulesAt: world.ledgerTime())
        #expect(findings.filter { $0.verdict == .contradicts }.map(\.field).isEmpty)
    }

    @Test func filterAndOrder() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(index: #"{"BTC":"60000","ETH":"3000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"5000""#),
            ("deposit", #""asset":"ETH","amount":"0.5""#),
            ("deposit", #""asset":"BTC","amount":"1""#), ("deposit", #""asset":"SOL","amount":"1""#),
            ("withdraw", #""asset":"SOL","amount":"1""#))
        let all = try world.balance("desk")
        #expect(all["details"]?.elements?.map { $0.text("ccy") } == ["BTC", "USDT", "ETH"])
        let some = try world.balance("desk", ccy: "ETH,SOL,BTC,ETH")
        #expect(some["details"]?.elements?.map { $0.text("ccy") } == ["BTC", "ETH"])
        // Account figures stay account-wide.
        #expect(some.text("totalEq") == "66500" && all.text("totalEq") == "66500")
        #expect(try world.balance("desk", ccy: "SOL")["details"]?.elements?.isEmpty == true)
    }

    /// Multi-currency mode: a linear and an inverse position, orders, a debt.
    @Test func multiCurrency() throws {
        let world = try world()
        try world.open("desk", #"{"auto_borrow":true}"#)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"61000","ETH-USD-SWAP":"3000"}"#,
            index: #"{"BTC":"60000","ETH":"3000","USDT":"1","SOL":"150"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"30""#),
            ("deposit", #""asset":"ETH","amount":"10""#),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"500","price":"60000","fee":"10""#
            ),
            ("fill", #""instrument":"ETH-USD-SWAP","side":"sell","quantity":"90","price":"2500""#),
            ("set_leverage", #""instrument":"ETH-USD-SWAP","leverage":"10""#),
            (
                "place_order",
                #""order_id":"1","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"60000""#
            ),
            (
                "place_order",
                #""order_id":"2","instrument":"SOL-USDT","side":"buy","quantity":"100","price":"140""#
            ))
        let account = try world.balance("desk")
        // Cash −10 and 5 × 1000 of profit leave an equity of 4990; 14000 are frozen by the spot order.
        expect(
            account.detail("USDT"),
            [
                "cashBal": "-10", "upl": "5000", "eq": "4990", "frozenBal": "14000", "ordFrozen": "14000",
                "availEq": "0", "availBal": "0", "liab": "0", "borrowFroz": "1802", "disEq": "4990",
            ])
        // 90 × 10 × (1/2500 − 1/3000) is what the short has lost: −0.06 ETH.
        expect(account.detail("ETH"), ["upl": "-0.06", "eq": "9.94", "availBal": "9.94", "availEq": "9.94"])
        // BTC: 20 at 0.98, 5 at 0.9775, 5 at 0.975.
        expect(account.detail("BTC"), ["eq": "30", "eqUsd": "1800000", "disEq": "1761750"])
        // 9.94 ETH × 3000 × 0.98 = 29223.6; the fee of the swap's order is 30.
        expect(
            account,
            [
                "totalEq": "1834810", "adjEq": "1795933.6", "upl": "4820", "notionalUsdForSwap": "305900",
                "notionalUsdForFutures": "0", "notionalUsdForBorrow": "9010", "notionalUsd": "314910",
                "borrowFroz": "1802", "ordFroz": "20000", "imr": "123558.6666666666666667",
                "availEq": "1672374.9333333333333333",
            ])
        // 305000 at 0.4 %, 900 at 0.4 %, 9010 at 2 %; fees 0.05 % of 305900 and 0.102 % of 9010.
        #expect(account.text("mmr") == "1403.8")
        let ratio = try decimal("1795933.6").over(decimal("1565.9402"), places: 16, rounding: .halfUp)
        #expect(try account.number("mgnRatio") == ratio)
    }

    /// A debt out of unrealized loss.
    @Test func negativeBalance() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(marks: #"{"BTC-USDT-SWAP":"50000"}"#, index: #"{"BTC":"50000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("deposit", #""asset":"USDT","amount":"1000""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"55000""#),
            ("accrue_interest", #""asset":"USDT","amount":"2""#))
        let account = try world.balance("desk")
        expect(
            account.detail("USDT"),
            [
                "cashBal": "1000", "upl": "-5000", "interest": "2", "eq": "-4002", "eqUsd": "-4002",
                "disEq": "-4002",
                "liab": "4002", "crossLiab": "4002", "isoLiab": "0", "uplLiab": "4002", "availBal": "0",
                "availEq": "0", "borrowFroz": "800.4",
            ])
        expect(account, ["adjEq": "44998", "notionalUsdForBorrow": "4002", "totalEq": "45998"])
        // The row comes last, though its magnitude is not the smallest.
        #expect(account["details"]?.elements?.map { $0.text("ccy") } == ["BTC", "USDT"])
    }

    /// Futures mode: every currency a pool of its own.
    @Test func futures() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"futures"}"#)
        try world.prices(
            marks: #"{"BTC-USDT-SWAP":"61000","BTC-USD-SWAP":"60000"}"#,
            index: #"{"BTC":"60000","USDT":"0.999"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"30000""#),
            ("deposit", #""asset":"BTC","amount":"1""#),
            ("set_leverage", #""instrument":"BTC-USDT-SWAP","leverage":"10""#),
            ("set_leverage", #""instrument":"BTC-USD-SWAP","leverage":"10""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"100","price":"60000""#),
            ("fill", #""instrument":"BTC-USD-SWAP","side":"sell","quantity":"300","price":"50000""#),
            (
                "place_order",
                #""order_id":"1","instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000""#
            ),
            (
                "place_order",
                #""order_id":"2","instrument":"ETH-USDT","side":"buy","quantity":"1","price":"3000""#
            ))
        let account = try world.balance("desk")
        expect(account, ["adjEq": "", "imr": "", "mmr": "", "mgnRatio": "", "upl": "", "isoEq": "0"])
        // Margin 6100 of the position, 600 and 3000 of the orders, whose fee is 3; maintenance 244, fee 30.5.
        expect(
            account.detail("USDT"),
            [
                "eq": "31000", "upl": "1000", "imr": "6100", "mmr": "244", "ordFrozen": "3600",
                "frozenBal": "9703",
                "availEq": "21297", "availBal": "20297", "notionalLever": "1.967741935483871",
                "mgnRatio": "101.9927140255009107", "disEq": "", "liab": "", "twap": "0",
            ])
        // The short: 30000 USD at 60000 is 0.5 BTC; entered at 50000 it was 0.6.
        expect(
            account.detail("BTC"),
            [
                "eq": "0.9", "upl": "-0.1", "imr": "0.05", "mmr": "0.002", "availEq": "0.85",
                "availBal": "0.85",
                "notionalLever": "0.5555555555555556",
            ])
        #expect(account.text("totalEq") == "84969")
    }

    /// Spot mode with a loan: cash and liability grow, equity does not.
    @Test func spotBorrowing() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"spot","spot_borrow":true}"#)
        try world.prices(index: #"{"BTC":"60000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#),
            ("borrow", #""asset":"USDT","amount":"1000""#),
            ("accrue_interest", #""asset":"USDT","amount":"0.5""#))
        let account = try world.balance("desk")
        expect(
            account.detail("USDT"),
            [
                "cashBal": "1000", "eq": "-0.5", "liab": "1000.5", "interest": "0.5", "availBal": "1000",
                "borrowFroz": "200.1", "isoEq": "", "availEq": "", "upl": "",
            ])
        expect(
            account,
            [
                "adjEq": "58799.5", "borrowFroz": "200.1", "imr": "200.1", "mmr": "20.01",
                "notionalUsdForBorrow": "1000.5", "isoEq": "", "availEq": "", "upl": "",
            ])
        let ratio = try decimal("58799.5").over(decimal("21.03051"), places: 16, rounding: .halfUp)
        #expect(try account.number("mgnRatio") == ratio)
        try world.run("desk", ("repay", #""asset":"USDT","amount":"1000.5""#))
        let repaid = try world.balance("desk")
        expect(repaid.detail("USDT"), ["cashBal": "-0.5", "interest": "0"])
    }

    /// Portfolio margin: a hedge of spot by a short perpetual.
    @Test func portfolio() throws {
        let world = try world()
        try world.open("desk", #"{"mode":"portfolio"}"#)
        try world.prices(marks: #"{"BTC-USDT-SWAP":"60000"}"#, index: #"{"BTC":"60000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"10""#),
            ("deposit", #""asset":"USDT","amount":"1000""#),
            ("fill", #""instrument":"BTC-USDT-SWAP","side":"sell","quantity":"400","price":"60000""#))
        let account = try world.balance("desk")
        // 240000 gross: basis 0.2 % is 480, the raw minimum 0.45 % is 1080; the net delta is 0.
        expect(account, ["mmr": "1080", "imr": "1404", "notionalUsdForSwap": "240000"])
        expect(account.detail("BTC"), ["spotInUseAmt": "4", "maxSpotInUse": "4", "clSpotInUseAmt": ""])
        try world.run("desk", ("raise", #""flag":"clSpotInUseAmt","asset":"BTC","value":"1""#))
        let capped = try world.balance("desk")
        // 3 BTC stay open: 12 % of 180000, and basis.
        expect(capped, ["mmr": "22080"])
        expect(capped.detail("BTC"), ["spotInUseAmt": "1", "maxSpotInUse": "4", "clSpotInUseAmt": "1"])
    }

    /// Isolated positions stay out of cash, collateral and the cross figures.
    @Test func isolated() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(marks: #"{"BTC-USDT-SWAP":"61000"}"#, index: #"{"USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"10000""#),
            (
                "fill",
                #""instrument":"BTC-USDT-SWAP","side":"buy","quantity":"10","price":"60000""#
                    + #","margin_mode":"isolated""#
            ))
        let account = try world.balance("desk")
        expect(
            account.detail("USDT"),
            [
                "cashBal": "8000", "isoEq": "2100", "isoUpl": "100", "upl": "100", "eq": "10100",
                "frozenBal": "2100", "availEq": "8000", "availBal": "8000", "disEq": "8000",
            ])
        expect(
            account,
            [
                "totalEq": "10100", "isoEq": "2100", "adjEq": "8000", "imr": "0", "mmr": "0", "upl": "0",
                "notionalUsdForSwap": "6100", "mgnRatio": "",
            ])
    }

    @Test func reservesCreditsAndSpotCost() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(index: #"{"BTC":"60000","USDT":"1"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1000""#),
            ("reserve", #""asset":"USDT","amount":"150","purpose":"strategy""#),
            ("reserve", #""asset":"USDT","amount":"10","purpose":"fixed""#),
            ("reserve", #""asset":"USDT","amount":"20","purpose":"smart_sync""#),
            ("reserve", #""asset":"USDT","amount":"30","purpose":"copy_trading""#),
            ("reserve", #""asset":"USDT","amount":"40","purpose":"copy_trading_isolated""#),
            ("credit", #""asset":"USDT","amount":"7","purpose":"reward""#),
            ("fill", #""instrument":"BTC-USDT","side":"buy","quantity":"0.01","price":"50000""#))
        let account = try world.balance("desk")
        expect(
            account.detail("USDT"),
            [
                "cashBal": "350", "stgyEq": "150", "eq": "500", "fixedBal": "10", "smtSyncEq": "20",
                "spotCopyTradingEq": "30", "spotIsoBal": "40", "rewardBal": "7", "frozenBal": "250",
                "availBal": "250", "disEq": "500",
            ])
        expect(
            account.detail("BTC"),
            [
                "spotBal": "0.01", "openAvgPx": "50000", "accAvgPx": "50000", "spotUpl": "100",
                "spotUplRatio": "0.2",
                "totalPnl": "100", "totalPnlRatio": "0.2",
            ])
    }

    @Test func collateralSwitches() throws {
        let world = try world()
        try world.open("desk", #"{"collateral_off":["ETH"]}"#)
        try world.prices(index: #"{"BTC":"60000","ETH":"3000"}"#)
        try world.run(
            "desk", ("deposit", #""asset":"BTC","amount":"1""#), ("deposit", #""asset":"ETH","amount":"1""#))
        let off = try world.balance("desk")
        expect(off, ["adjEq": "58800", "totalEq": "63000", "availEq": "58800"])
        #expect(off.detail("ETH")?["collateralEnabled"]?.boolean == false)
        expect(off.detail("ETH"), ["disEq": "0", "eqUsd": "3000"])
        try world.run("desk", ("raise", #""flag":"colRes","asset":"BTC","value":"2""#))
        let restricted = try world.balance("desk")
        // Still in adjEq, no longer available.
        expect(restricted, ["adjEq": "58800", "availEq": "0"])
        expect(restricted.detail("BTC"), ["colRes": "2", "disEq": "58800"])
    }

    @Test func raisedFields() throws {
        let world = try world()
        try world.open("desk")
        try world.run(
            "desk", ("deposit", #""asset":"USDT","amount":"1""#),
            ("raise", #""flag":"twap","asset":"USDT","value":"3""#),
            ("raise", #""flag":"collateralRestrict","asset":"USDT","value":true"#),
            ("raise", #""flag":"autoLendStatus","asset":"USDT","value":"active""#),
            ("raise", #""flag":"maxLoan","asset":"USDT","value":"12.5""#),
            ("raise", #""flag":"delta","value":"-4""#), ("raise", #""flag":"deltaNeutralStatus","value":"2""#)
        )
        let account = try world.balance("desk")
        expect(account, ["delta": "-4", "deltaNeutralStatus": "2", "deltaLever": "", "totalEq": "1"])
        expect(
            account.detail("USDT"), ["twap": "3", "autoLendStatus": "active", "maxLoan": "12.5", "eq": "1"])
        #expect(account.detail("USDT")?["collateralRestrict"]?.boolean == true)
        try world.run(
            "desk", ("raise", #""flag":"twap","asset":"USDT","value":null"#),
            ("raise", #""flag":"delta","value":null"#))
        expect(try world.balance("desk").detail("USDT"), ["twap": "0"])
        expect(try world.balance("desk"), ["delta": ""])
    }

    /// Rules of a past time: discount tiers in USD, and BETH's two tables.
    @Test func rulesOfTheDay() throws {
        let world = try world()
        try world.open("desk")
        try world.prices(index: #"{"BETH":"3000"}"#)
        try world.run("desk", ("deposit", #""asset":"BETH","amount":"1000""#))
        let account = try #require(world.account("desk"))
        let prices = world.prices()
        func discounted(at day: String) throws -> String? {
            let time = try #require(LedgerTime(iso8601: day))
            let snapshot = AccountSnapshot(account: account, prices: prices, at: time)
            let body = try world.model.accountBody(of: snapshot, query: [], through: world)
            return try JSONValue(parsing: body)["data"]?.elements?.first?.detail("BETH")?.text("disEq")
        }
        #expect(try discounted(at: "2024-03-01") == "2050000")  // 800000 + 750000 + 500000
        #expect(try discounted(at: "2024-07-18") == "2750000")  // 1900000 + 850000
        #expect(try discounted(at: "2026-01-01") == "2750000")
    }

    @Test func missingPriceIsRefused() async throws {
        let amended = try JSONValue(
            parsing: """
                {"venue":"okx","effective":"2027-01-01T00:00:00Z","read_on":"2026-09-25","source":"a test",
                 "amends":true,"assets":{"NEWCOIN":{"reference_index":"2","discount_tiers":[["","0.5"]]}}}
                """)
        let world = try world(rulebooks: [amended])
        try world.open("desk")
        world.setLedgerTime(1_800_000_000_000)
        try world.run("desk", ("deposit", #""asset":"NEWCOIN","amount":"4""#))
        expect(try world.balance("desk").detail("NEWCOIN"), ["eqUsd": "8", "disEq": "4"])
        world.addKey(account: "desk", apiKey: "key", secret: "secret", passphrase: "phrase")
        // Before its version begins the coin has neither rules nor price.
        world.setLedgerTime(1_780_272_000_000)
        let response = await world.signed("GET", "/api/v5/account/balance")
        #expect(response.status == 500)
        #expect(try response.json["code"]?.text == "50026")
    }
}
